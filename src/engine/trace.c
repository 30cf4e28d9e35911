/*
 * Playing traces.
 *
 * A transaction is resolved in a view, the text as its author sees it. Before that, the view is advanced by those of
 * the transaction's ancestors that it lacks, in the order of their indexes, which is an order of causes.
 *
 * Most histories come together again and again: an author who has seen all that came before uses the one whole view.
 * Who has not works in a view apart, and leaves it for others to take over after the last such transaction. So there
 * are about as many views as authors who are apart at the same time, and not as many as authors. With one author there
 * is only the whole view, it has all ancestors already, and nothing is kept.
 */
#include "engine/trace.h"

#include <string.h>

#include "core/reduce/splice.h"
#include "engine/inner.h"

enum { VIEW_SIZE_MAX = RK_STATE_SIZE_MAX, PLAYER_SIZE_MAX = 1 << 30, AUTHOR_NAME_SIZE_MAX = 32 };

/* What is kept of a transaction for other views. */
typedef struct kept {
    rk_value edits;
    rk_value resolved;
    rk_stamp stamp;
} kept;

typedef struct view view;

struct view {
    rk_rga *text;
    uint64_t *has;     /* a bit for each transaction; NULL with one author */
    size_t count;      /* of the bits that are set */
    size_t full_words; /* words at the beginning of `has` that lack nothing */
    bool taken;        /* by an author */
    view *next;
};

typedef struct author {
    char name[AUTHOR_NAME_SIZE_MAX];
    rk_bytes id;
    rk_key_pair pair;
    uint64_t replica;
    rk_stamp clock;
    uint64_t *seen;     /* a bit for each transaction, with its own; NULL with one author */
    size_t seen_count;  /* of the bits that are set */
    int64_t last;       /* its last transaction; -1 before the first */
    int64_t apart_last; /* the last one of the trace that it makes apart; -1 for none */
    view *apart;        /* NULL while it has none */
    uint64_t batch_number;
    rk_hash batch_root;
} author;

typedef struct player {
    rk_engine *engine;
    const rk_trace *trace;
    const rk_trace_listener *listener;
    rk_trace_report *report;
    rk_error *error;
    rk_arena arena; /* for the whole play */
    rk_bytes entity;
    rk_bytes module;
    rk_bytes id;
    uint32_t module_version;
    rk_bytes type;
    rk_bytes field;
    rk_value path; /* of the edits in the data */
    author *authors;
    view *views; /* the whole one is the last */
    view *whole;
    kept *kept;        /* NULL with one author */
    uint32_t *missing; /* work space: ancestors that an author has not seen */
    rk_import *import;
    uint64_t group_events;
} player;

static rk_status no_memory(player *player) {
    return rk_fail(player->error, RK_NO_MEMORY, "trace", "no memory for it");
}

static rk_status bad_trace(player *player, size_t index, const char *what) {
    char where[48];
    rk_format(where, sizeof where, "transaction %u", (uint64_t)index);
    return rk_fail(player->error, RK_BAD_FILE, where, "%s", what);
}

static size_t words_of(const rk_trace *trace) {
    return trace->transaction_count / 64 + 1;
}

/* ---- what it is played into ---- */

static rk_status copy_path(player *player, const rk_step *step) {
    rk_value *keys = rk_arena_take_array(&player->arena, step->path_size, sizeof *keys);
    if (!keys) return no_memory(player);
    for (size_t i = 0; i < step->path_size; i++) {
        rk_bytes key;
        if (rk_arena_copy(&player->arena, step->path[i], &key) != RK_OK) return no_memory(player);
        keys[i] = rk_string(key);
    }
    player->path = rk_list(keys, step->path_size);
    return RK_OK;
}

static rk_status choose_type(player *player, const rk_module *module) {
    for (size_t i = 0; i < module->event_type_count; i++) {
        const rk_event_type *type = &module->event_types[i];
        const rk_step *step = type->steps;
        if (type->step_count != 1 || step->kind != RK_OPERATION_SPLICE || step->path_size == 0) continue;
        if (rk_arena_copy(&player->arena, type->name, &player->type) != RK_OK ||
            rk_arena_copy(&player->arena, step->field->name, &player->field) != RK_OK) {
            return no_memory(player);
        }
        player->module_version = module->version;
        return copy_path(player, step);
    }
    return rk_fail(player->error, RK_UNKNOWN_TYPE, NULL,
                   "module \"%b\" has no event type whose one step is a splice of its data", player->module);
}

static rk_status choose_entity(player *player) {
    const rk_module *module = NULL;
    const rk_at now = {.kind = RK_AT_NOW};
    rk_reading reading;
    RK_TRY(rk_entity_split(player->entity, &player->module, &player->id, player->error));
    RK_TRY(rk_engine_module(player->engine, player->module, 0, &module, player->error));
    RK_TRY(choose_type(player, module));
    rk_error absent = {.code = RK_OK};
    rk_arena arena = rki_call_arena(player->engine);
    rk_status status = rk_engine_get(player->engine, player->entity, &now, &arena, &reading, &absent);
    rk_arena_free(&arena);
    if (status == RK_NOT_FOUND) return RK_OK;
    if (status != RK_OK) {
        if (player->error) *player->error = absent;
        return status;
    }
    char where[RK_ERROR_WHERE_MAX];
    rk_format(where, sizeof where, "%b", player->entity);
    rk_fail(player->error, RK_VERSION_CONFLICT, where, "it is at version %u, and a trace begins with nothing",
            reading.version);
    rk_error_hint(player->error, "name another id");
    return RK_VERSION_CONFLICT;
}

/* ---- authors ---- */

static rk_status provide_key(player *player, author *author, bool new_actor) {
    const rk_host *host = &player->engine->host;
    uint8_t seed[RK_SEED_SIZE];
    rk_status status = host->key_get(host->context, RK_OWNER_ACTOR, author->id, &author->pair, player->error);
    if (status != RK_NO_KEY || !new_actor) return status;
    host->random(host->context, seed, sizeof seed);
    host->crypto->key_pair_of_seed(seed, &author->pair);
    return host->key_put(host->context, RK_OWNER_ACTOR, author->id, &author->pair, player->error);
}

static rk_status add_intent(player *player, const author *author, rk_intent *intent) {
    rk_pair *pairs = rk_arena_take_array(&player->arena, 3, sizeof *pairs);
    rk_value *role = rk_arena_take(&player->arena, sizeof *role);
    char *hex = rk_arena_take(&player->arena, 2 * RK_KEY_SIZE);
    if (!pairs || !role || !hex) return no_memory(player);
    rk_hex_write(rk_key_bytes(&author->pair.public_key), hex);
    *role = rk_string(RK_TEXT("writer"));
    pairs[0] = (rk_pair){rk_string(RK_TEXT("kind")), rk_string(RK_TEXT("user"))};
    pairs[1] = (rk_pair){rk_string(RK_TEXT("roles")), rk_list(role, 1)};
    pairs[2] = (rk_pair){rk_string(RK_TEXT("key")), rk_string(rk_bytes_of(hex, 2 * RK_KEY_SIZE))};
    *intent = (rk_intent){.entity = rk_arena_format(&player->arena, "actor/%b", author->id), .type = RK_TEXT("add")};
    return rk_map_value(&player->arena, pairs, 3, &intent->data) == RK_OK ? RK_OK : no_memory(player);
}

static rk_status is_actor(player *player, const author *author, bool *there_out) {
    char name[AUTHOR_NAME_SIZE_MAX + 8];
    const rk_at now = {.kind = RK_AT_NOW};
    rk_reading reading;
    rk_arena arena = rki_call_arena(player->engine);
    rk_bytes entity = rk_bytes_of(name, rk_format(name, sizeof name, "actor/%b", author->id));
    rk_status status = rk_engine_get(player->engine, entity, &now, &arena, &reading, player->error);
    rk_arena_free(&arena);
    *there_out = status == RK_OK;
    return status == RK_NOT_FOUND ? RK_OK : status;
}

/* With one author no bits are needed. */
static rk_status make_bits(player *player, uint64_t **bits_out) {
    *bits_out = NULL;
    if (player->trace->author_count <= 1) return RK_OK;
    *bits_out = rk_arena_take_array(&player->arena, words_of(player->trace), sizeof **bits_out);
    return *bits_out ? RK_OK : no_memory(player);
}

static rk_status make_author(player *player, author *author, size_t number) {
    const rk_host *host = &player->engine->host;
    uint8_t bytes[8];
    do {
        host->random(host->context, bytes, sizeof bytes);
        author->replica = rk_get_u64(bytes);
    } while (author->replica == 0);
    author->id = rk_bytes_of(author->name, rk_format(author->name, sizeof author->name, "author-%u", (uint64_t)number));
    author->last = author->apart_last = -1;
    return make_bits(player, &author->seen);
}

static rk_status make_authors(player *player) {
    size_t count = player->trace->author_count;
    player->authors = rk_arena_take_array(&player->arena, count, sizeof *player->authors);
    if (!player->authors) return no_memory(player);
    for (size_t i = 0; i < count; i++) RK_TRY(make_author(player, &player->authors[i], i));
    return RK_OK;
}

/* Those who are no actors yet are added in one transaction. */
static rk_status add_authors(player *player, rk_bytes as) {
    size_t count = player->trace->author_count, added = 0;
    rk_intent *intents = rk_arena_take_array(&player->arena, count, sizeof *intents);
    rk_entry *entries = NULL;
    if (!intents) return no_memory(player);
    for (size_t i = 0; i < count; i++) {
        bool there = false;
        author *author = &player->authors[i];
        RK_TRY(is_actor(player, author, &there));
        RK_TRY(provide_key(player, author, !there));
        if (!there) RK_TRY(add_intent(player, author, &intents[added++]));
    }
    player->report->authors = count;
    player->report->authors_new = added;
    if (added == 0) return RK_OK;
    return rk_engine_submit(player->engine, as, NULL, intents, added, &player->arena, &entries, player->error);
}

/* ---- what an author has seen ---- */

static bool has_seen(const author *author, size_t index) {
    return author->seen[index / 64] >> index % 64 & 1;
}

static void mark_seen(author *author, size_t index) {
    author->seen[index / 64] |= UINT64_C(1) << index % 64;
    author->seen_count++;
}

/* Marks the ancestors new to the author, and gives them in player->missing; says whether its last one is among all. */
static size_t see_ancestors(player *player, author *author, const rk_trace_transaction *transaction, bool *linear_out) {
    size_t count = 0, next = 0;
    const rk_trace_transaction *from = transaction;
    *linear_out = author->last < 0;
    for (;;) {
        for (uint32_t i = 0; i < from->parent_count; i++) {
            uint32_t parent = from->parents[i];
            *linear_out = *linear_out || (int64_t)parent == author->last;
            if (has_seen(author, parent)) continue;
            mark_seen(author, parent);
            player->missing[count++] = parent;
        }
        if (next == count) return count;
        from = &player->trace->transactions[player->missing[next++]];
    }
}

static void add_own(author *author, size_t index) {
    author->last = (int64_t)index;
    mark_seen(author, index);
}

static void forget(player *player, author *author) {
    author->last = -1;
    author->seen_count = 0;
    if (author->seen) memset(author->seen, 0, words_of(player->trace) * sizeof *author->seen);
}

/* Walks through the whole trace once without its text, and finds each author's last transaction apart. */
static rk_status check_linear(player *player) {
    const rk_trace *trace = player->trace;
    for (size_t i = 0; i < trace->transaction_count; i++) {
        const rk_trace_transaction *transaction = &trace->transactions[i];
        author *author = &player->authors[transaction->author];
        bool linear = transaction->parent_count == (i > 0) && (i == 0 || transaction->parents[0] == i - 1);
        if (author->seen) {
            see_ancestors(player, author, transaction, &linear);
            if (author->seen_count < i) author->apart_last = (int64_t)i;
            add_own(author, i);
        }
        if (!linear) return bad_trace(player, i, "its author has seen more than its parents say");
    }
    for (size_t i = 0; i < trace->author_count; i++) forget(player, &player->authors[i]);
    return RK_OK;
}

/* ---- views ---- */

static rk_status make_view(player *player, view **view_out) {
    *view_out = rk_arena_take(&player->arena, sizeof **view_out);
    if (!*view_out) return no_memory(player);
    RK_TRY(make_bits(player, &(*view_out)->has));
    rk_status status = rk_rga_new(player->engine->host.memory, VIEW_SIZE_MAX, &(*view_out)->text);
    if (status != RK_OK) return no_memory(player);
    (*view_out)->next = player->views;
    player->views = *view_out;
    return RK_OK;
}

static bool fits(const player *player, const view *view, const author *author) {
    if (view->taken || view == player->whole) return false;
    for (size_t i = 0; i < words_of(player->trace); i++) {
        if (view->has[i] & ~author->seen[i]) return false;
    }
    return true;
}

/* Takes over the fullest view that has nothing the author has not seen, or makes one. */
static rk_status take_view(player *player, author *author) {
    view *best = NULL;
    for (view *view = player->views; view; view = view->next) {
        if (fits(player, view, author) && (!best || view->count > best->count)) best = view;
    }
    if (!best) RK_TRY(make_view(player, &best));
    best->taken = true;
    author->apart = best;
    return RK_OK;
}

static rk_status bring_in(player *player, view *view, size_t index) {
    const kept *kept = &player->kept[index];
    uint64_t replica = player->authors[player->trace->transactions[index].author].replica;
    return rk_splice_apply(view->text, &kept->edits, &kept->resolved, replica, player->error);
}

/* Brings all into the view that the author has seen, the earliest first. */
static rk_status advance_view(player *player, view *view, const author *author, size_t index) {
    for (size_t word = view->full_words; word <= index / 64; word++) {
        uint64_t missing = author->seen[word] & ~view->has[word];
        for (; missing; missing &= missing - 1, view->count++) {
            RK_TRY(bring_in(player, view, word * 64 + (size_t)__builtin_ctzll(missing)));
        }
        view->has[word] |= author->seen[word];
        if (view->full_words == word && view->has[word] == UINT64_MAX) view->full_words++;
    }
    return RK_OK;
}

/* The view in which the transaction is resolved: what its author sees then. */
static rk_status choose_view(player *player, author *author, size_t index, view **view_out) {
    bool linear = true;
    *view_out = player->whole;
    if (!player->kept) return RK_OK;
    size_t count = see_ancestors(player, author, &player->trace->transactions[index], &linear);
    RK_ASSERT(linear);
    for (size_t i = 0; i < count; i++) {
        rk_stamp stamp = player->kept[player->missing[i]].stamp;
        if (stamp > author->clock) author->clock = stamp;
    }
    if (author->seen_count < index) {
        if (!author->apart) RK_TRY(take_view(player, author));
        *view_out = author->apart;
    }
    return advance_view(player, *view_out, author, index);
}

/* The transaction is in the view that it was resolved in. */
static void keep_event(player *player, author *author, view *view, size_t index, kept kept) {
    if (!player->kept) return;
    player->kept[index] = kept;
    view->has[index / 64] |= UINT64_C(1) << index % 64;
    view->count++;
    add_own(author, index);
    if ((int64_t)index != author->apart_last) return;
    author->apart->taken = false;
    author->apart = NULL;
}

/* ---- events ---- */

static rk_status edits_of(player *player, const rk_trace_transaction *transaction, rk_arena *arena,
                          rk_value *edits_out) {
    rk_value *edits = rk_arena_take_array(arena, transaction->patch_count, sizeof *edits);
    rk_value *items = rk_arena_take_array(arena, transaction->patch_count * 3, sizeof *items);
    if (!edits || !items) return no_memory(player);
    for (size_t i = 0; i < transaction->patch_count; i++) {
        const rk_trace_patch *patch = &transaction->patches[i];
        items[3 * i] = rk_whole(patch->at);
        items[3 * i + 1] = rk_whole(patch->delete_count);
        items[3 * i + 2] = rk_string(patch->text);
        edits[i] = rk_list(items + 3 * i, 3);
    }
    *edits_out = rk_list(edits, transaction->patch_count);
    return RK_OK;
}

/* Puts the edits where the step looks for them: data.a.b is {a: {b: edits}}. */
static rk_status data_of(player *player, const rk_value *edits, rk_arena *arena, rk_value *data_out) {
    *data_out = *edits;
    for (size_t i = player->path.as.list.count; i-- > 0;) {
        rk_pair *pair = rk_arena_take(arena, sizeof *pair);
        if (!pair) return no_memory(player);
        *pair = (rk_pair){player->path.as.list.items[i], *data_out};
        *data_out = (rk_value){.kind = RK_MAP, .as.map = {pair, 1}};
    }
    return RK_OK;
}

/* Resolves the transaction in its author's view, and brings it into it. */
static rk_status make_event(player *player, author *author, size_t index, rk_arena *arena, rk_event *event_out) {
    const rk_trace_transaction *transaction = &player->trace->transactions[index];
    const rk_host *host = &player->engine->host;
    rk_arena *keep = player->kept ? &player->arena : arena;
    rk_operation *operation = rk_arena_take(arena, sizeof *operation);
    view *view = NULL;
    rk_value edits;
    if (!operation) return no_memory(player);
    RK_TRY(choose_view(player, author, index, &view));
    RK_TRY(edits_of(player, transaction, keep, &edits));
    *operation = (rk_operation){.field = player->field, .kind = RK_OPERATION_SPLICE, .path = player->path};
    RK_TRY(rk_splice_resolve(view->text, &edits, author->replica, rk_rga_lamport_max(view->text) + 1, keep,
                             &operation->resolved, player->error));
    RK_TRY(rk_splice_apply(view->text, &edits, &operation->resolved, author->replica, player->error));
    author->clock = rk_stamp_next(author->clock, host->now_ms(host->context));
    keep_event(player, author, view, index, (kept){edits, operation->resolved, author->clock});
    *event_out = (rk_event){.id = {author->clock, author->replica},
                            .module = player->module,
                            .module_version = player->module_version,
                            .entity = player->id,
                            .type = player->type,
                            .actor = author->id,
                            .actor_kind = RK_ACTOR_USER,
                            .operations = operation,
                            .operation_count = 1};
    return data_of(player, &edits, arena, &event_out->data);
}

/* ---- batches ---- */

/* The transactions from `first` on that one batch takes: one author's, one after another. */
static size_t batch_size(const rk_trace *trace, size_t first) {
    size_t end = first;
    while (end < trace->transaction_count && end - first < RK_TRACE_BATCH_EVENTS &&
           trace->transactions[end].author == trace->transactions[first].author) {
        end++;
    }
    return end - first;
}

static rk_status fill_batch(player *player, author *author, size_t first, rk_arena *arena, rk_batch *batch) {
    uint32_t *transactions = rk_arena_take_array(arena, batch->leaf_count, sizeof *transactions);
    batch->leaves = rk_arena_take_array(arena, batch->leaf_count, sizeof *batch->leaves);
    if (!transactions || !batch->leaves) return no_memory(player);
    for (size_t i = 0; i < batch->leaf_count; i++) {
        rk_leaf *leaf = &batch->leaves[i];
        rk_status status = make_event(player, author, first + i, arena, &leaf->event);
        if (status != RK_OK && player->error && !player->error->where[0]) {
            return bad_trace(player, first + i, player->error->what);
        }
        RK_TRY(status);
        leaf->kind = RK_LEAF_EVENT;
        transactions[i] = 1;
        status = rk_event_encode(arena, &leaf->event, &leaf->bytes);
        if (status != RK_OK)
            return rk_fail(player->error, status, "trace", "transaction %u is no event", (uint64_t)(first + i));
    }
    batch->transactions = transactions;
    batch->transaction_count = batch->leaf_count;
    return RK_OK;
}

static rk_status seal_batch(player *player, author *author, size_t first, size_t count, rk_arena *arena,
                            rk_batch *batch_out) {
    rk_engine *engine = player->engine;
    uint8_t secret[RK_SECRET_SIZE];
    *batch_out = (rk_batch){.header = {.account = engine->account,
                                       .log = engine->log_id,
                                       .replica = author->replica,
                                       .number = author->batch_number + 1,
                                       .previous_root = author->batch_root,
                                       .sealing_key = author->pair.public_key,
                                       .sealer = RK_SEALER_ACTOR},
                            .leaf_count = count};
    RK_TRY(fill_batch(player, author, first, arena, batch_out));
    rki_batch_secret(engine->host.crypto, &author->pair, &batch_out->header, secret);
    rk_status status = rk_batch_seal(arena, engine->host.crypto, &author->pair, secret, batch_out);
    if (status != RK_OK) return rk_fail(player->error, status, "trace", "a batch cannot be sealed");
    author->batch_number++;
    author->batch_root = batch_out->header.root;
    return RK_OK;
}

/* ---- groups ---- */

typedef struct reason {
    uint64_t replica;
    rk_error *error;
    bool found;
} reason;

static rk_status take_reason(void *context, const rk_verdict *verdict) {
    reason *reason = context;
    if (reason->found || verdict->replica != reason->replica) return RK_OK;
    reason->found = true;
    rk_fail(reason->error, rk_status_of_name(verdict->code), "trace", "%b", verdict->what);
    if (verdict->hint.size) rk_error_hint(reason->error, "%b", verdict->hint);
    return RK_OK;
}

/* Some event of the group was refused: the first reason that the truth noted for one of the authors. */
static rk_status refused(player *player) {
    for (size_t i = 0; i < player->trace->author_count; i++) {
        reason reason = {.replica = player->authors[i].replica, .error = player->error};
        RK_TRY(player->engine->host.store->verdicts(player->engine->log, take_reason, &reason, player->error));
        if (reason.found) return player->error ? player->error->code : RK_BAD_FILE;
    }
    return rk_fail(player->error, RK_BAD_FILE, "trace", "the truth refused some of it");
}

static rk_status end_group(player *player) {
    rk_import_report report = {.events_new = 0};
    if (!player->import) return RK_OK;
    rk_status status = rk_engine_import_finish(player->import, &report, player->error);
    player->import = NULL;
    player->group_events = 0;
    RK_TRY(status);
    player->report->events += report.events_new;
    player->report->batches += report.batches_judged;
    if (player->listener) {
        player->listener->progress(player->listener->context, player->report->events, player->trace->transaction_count);
    }
    return report.transactions_refused ? refused(player) : RK_OK;
}

static rk_status play_batch(player *player, size_t first, size_t count) {
    author *author = &player->authors[player->trace->transactions[first].author];
    rk_batch batch;
    if (!player->import) RK_TRY(rk_engine_import_start(player->engine, &player->import, player->error));
    rk_arena arena = rki_call_arena(player->engine);
    rk_status status = seal_batch(player, author, first, count, &arena, &batch);
    if (status == RK_OK) status = rk_engine_import_batch(player->import, &batch, player->error);
    rk_arena_free(&arena);
    RK_TRY(status);
    player->group_events += count;
    return player->group_events >= RK_TRACE_GROUP_EVENTS ? end_group(player) : RK_OK;
}

/* ---- all of it ---- */

static rk_status check_trace(player *player) {
    const rk_trace *trace = player->trace;
    if (trace->author_count > RK_TRACE_AUTHORS_MAX) {
        return rk_fail(player->error, RK_LIMIT, "trace", "it has more authors than RK_TRACE_AUTHORS_MAX");
    }
    for (size_t i = 0; i < trace->transaction_count; i++) {
        const rk_trace_transaction *transaction = &trace->transactions[i];
        if (transaction->author >= trace->author_count) return bad_trace(player, i, "it has no such author");
        for (uint32_t p = 0; p < transaction->parent_count; p++) {
            if (transaction->parents[p] >= i) return bad_trace(player, i, "a parent does not come before it");
        }
    }
    return RK_OK;
}

static rk_status prepare(player *player, rk_bytes as) {
    size_t count = player->trace->transaction_count;
    RK_TRY(check_trace(player));
    RK_TRY(choose_entity(player));
    if (player->trace->author_count > 1) {
        player->kept = rk_arena_take_array(&player->arena, count, sizeof *player->kept);
        player->missing = rk_arena_take_array(&player->arena, count, sizeof *player->missing);
        if (!player->kept || !player->missing) return no_memory(player);
    }
    RK_TRY(make_authors(player));
    RK_TRY(make_view(player, &player->whole));
    RK_TRY(check_linear(player));
    return add_authors(player, as);
}

static rk_status check_end(player *player) {
    const rk_at now = {.kind = RK_AT_NOW};
    rk_reading reading;
    if (player->trace->transaction_count == 0) return RK_OK;
    rk_arena arena = rki_call_arena(player->engine);
    rk_status status = rk_engine_get(player->engine, player->entity, &now, &arena, &reading, player->error);
    const rk_value *text = status == RK_OK ? rk_map_find(&reading.state, player->field) : NULL;
    if (status == RK_OK && !rk_is_text(text, player->trace->end_content)) {
        char where[RK_ERROR_WHERE_MAX];
        rk_format(where, sizeof where, "%b", player->entity);
        status = rk_fail(player->error, RK_CORRUPT, where,
                         "all events are in the log, and the text is not the trace's end content (%u bytes, not %u)",
                         (uint64_t)(text && text->kind == RK_STRING ? text->as.bytes.size : 0),
                         (uint64_t)player->trace->end_content.size);
    }
    rk_arena_free(&arena);
    return status;
}

static rk_status play(player *player, rk_bytes as) {
    const rk_trace *trace = player->trace;
    RK_TRY(prepare(player, as));
    for (size_t first = 0; first < trace->transaction_count;) {
        size_t count = batch_size(trace, first);
        RK_TRY(play_batch(player, first, count));
        first += count;
    }
    RK_TRY(end_group(player));
    return check_end(player);
}

rk_status rk_trace_play(rk_engine *engine, rk_bytes entity, rk_bytes as, const rk_trace *trace,
                        const rk_trace_listener *listener, rk_trace_report *report_out, rk_error *error) {
    player player = {.engine = engine, .trace = trace, .listener = listener, .report = report_out, .error = error};
    *report_out = (rk_trace_report){.events = 0};
    if (!engine->truth) return rk_fail(error, RK_NOT_TRUTH, "trace", "only the truth takes a trace");
    player.entity = entity;
    rk_arena_init(&player.arena, engine->host.memory, PLAYER_SIZE_MAX);
    rk_status status = play(&player, as);
    rk_engine_import_abort(player.import);
    for (view *view = player.views; view; view = view->next) rk_rga_free(view->text);
    for (size_t i = 0; player.authors && i < trace->author_count; i++) {
        memset(player.authors[i].pair.seed, 0, RK_SEED_SIZE);
    }
    rk_arena_free(&player.arena);
    return status;
}
