/*
 * The path of an own change. rk_engine_submit is the newcomer's map: each step below is one call, in this order.
 *
 *     validate    shape, names, limits                 check_intents
 *     decide      versions, conditions, rule, guards   conditions.c, rki_court_judge (judge.c)
 *     resolve     data to text ids and dots            rk_event_resolve (core/reduce/resolve.c), in the judgement
 *     reduce      fold into the states                 rk_change_apply (core/reduce/fold.c), in the judgement
 *     append      seal, and commit or keep pending     seal, append (commit.c, store)
 *     route       at a truth it is committed; on a device it waits for the truth, and an export carries it there
 *     publish     the caller gets the events with their places; readers of the log find them by position
 *
 * The fold comes before the append because the events of one transaction see each other; what does not reach the log
 * leaves the cache with rki_rollback.
 *
 * A group is many transactions in one batch, one record and one sync: what a server does for those who wait. An own
 * submission is a group of one, sealed by its actor.
 */
#include <string.h>

#include "engine/inner.h"

enum { TRIES_MAX = 5 };

struct rk_group {
    rk_engine *engine;
    rk_arena own;    /* of a group that rk_engine_group_start made */
    rk_arena *arena; /* holds what is judged until it is appended */
    const rk_key_pair *pair;
    rk_sealer sealer;
    rki_court court;
    uint64_t first_position; /* 0 on a device */
    uint64_t event_count;
    uint64_t size; /* of the leaves */
    rk_leaf *leaves;
    size_t leaf_count;
    size_t leaf_capacity;
    uint32_t *transactions; /* their leaf counts */
    size_t transaction_count;
    size_t transaction_capacity;
    bool written;    /* the store has changed: only a rollback takes it back */
    rk_error broken; /* something of an accepted transaction could not be written: nothing may become durable */
};

/* One transaction on its way into a group. */
typedef struct submission {
    rk_group *group;
    const rk_intent *intents;
    size_t count;
    rk_event *events; /* one for each intent with a type */
    size_t event_count;
    size_t condition_count;
} submission;

static rk_status at_intent(rk_error *error, size_t index, size_t count, rk_status status) {
    char where[32];
    if (status != RK_OK && count > 1) {
        rk_error_at(error, rk_bytes_of(where, rk_format(where, sizeof where, "event %u", (uint64_t)index + 1)));
    }
    return status;
}

static bool is_event(const rk_intent *intent) {
    return intent->type.size > 0;
}

static rk_status check_intent(const rk_intent *intent, rk_error *error) {
    rk_bytes module, entity;
    if (intent->require.size > 0) {
        bool alone = !intent->entity.size && !is_event(intent) && !intent->expects;
        return alone ? RK_OK : rk_fail(error, RK_BAD_DATA, NULL, "a condition stands alone");
    }
    RK_TRY(rk_entity_split(intent->entity, &module, &entity, error));
    if (!is_event(intent)) {
        return intent->expects ? RK_OK : rk_fail(error, RK_BAD_DATA, NULL, "without a type or an expected version");
    }
    if (!rk_name_valid(intent->type)) {
        return rk_fail(error, RK_BAD_ID, NULL, "\"%b\" is no event type", intent->type);
    }
    return intent->data.kind == RK_MAP ? RK_OK : rk_fail(error, RK_BAD_DATA, NULL, "an event's data is an object");
}

static rk_status check_intents(submission *submission, rk_error *error) {
    if (submission->count > RK_TRANSACTION_EVENTS_MAX) {
        return rk_fail(error, RK_LIMIT, NULL, "more events than RK_TRANSACTION_EVENTS_MAX in one transaction");
    }
    for (size_t i = 0; i < submission->count; i++) {
        const rk_intent *intent = &submission->intents[i];
        RK_TRY(at_intent(error, i, submission->count, check_intent(intent, error)));
        submission->event_count += is_event(intent);
        submission->condition_count += intent->require.size > 0;
    }
    if (submission->condition_count > RK_CONDITIONS_MAX) {
        return rk_fail(error, RK_LIMIT, NULL, "more conditions than RK_CONDITIONS_MAX in one transaction");
    }
    if (submission->event_count > 0) return RK_OK;
    return rk_fail(error, RK_BAD_DATA, NULL, "a transaction without an event");
}

/* ---- deciding ---- */

/* The event as far as the caller says it; kind, version and operations come with the judgement. */
static rk_event start_event(rk_group *group, const rk_intent *intent) {
    rk_engine *engine = group->engine;
    engine->clock = rk_stamp_next(engine->clock, engine->host.now_ms(engine->host.context));
    rk_event event = {.id = {engine->clock, engine->replica},
                      .type = intent->type,
                      .actor = group->court.actor_id,
                      .data = intent->data};
    size_t slash = rk_bytes_find(intent->entity, '/');
    event.module = (rk_bytes){intent->entity.data, slash};
    event.entity = rk_bytes_from(intent->entity, slash + 1);
    return event;
}

/* In the order in which a truth that imports it tests them: expected versions, then conditions. */
static rk_status decide_preconditions(submission *submission, rk_error *error) {
    rki_court *court = &submission->group->court;
    for (size_t i = 0; i < submission->count; i++) {
        const rk_intent *intent = &submission->intents[i];
        if (!intent->expects) continue;
        RK_TRY(
            at_intent(error, i, submission->count, rki_court_expect(court, intent->entity, intent->expected, error)));
    }
    for (size_t i = 0; i < submission->count; i++) {
        const rk_intent *intent = &submission->intents[i];
        if (intent->require.size == 0) continue;
        RK_TRY(at_intent(error, i, submission->count, rki_court_require(court, intent->require, error)));
    }
    return RK_OK;
}

static rk_status decide(submission *submission, rk_error *error) {
    size_t count = 0;
    RK_TRY(decide_preconditions(submission, error));
    for (size_t i = 0; i < submission->count; i++) {
        if (!is_event(&submission->intents[i])) continue;
        rk_event *event = &submission->events[count++];
        *event = start_event(submission->group, &submission->intents[i]);
        RK_TRY(at_intent(error, i, submission->count, rki_court_judge(&submission->group->court, event, true, error)));
    }
    return RK_OK;
}

/* ---- leaves ---- */

static rk_status make_preconditions(submission *submission, rk_leaf *leaf) {
    rk_arena *arena = submission->group->arena;
    rk_expectation *expected = rk_arena_take_array(arena, submission->count, sizeof *expected);
    rk_bytes *conditions = rk_arena_take_array(arena, submission->condition_count, sizeof *conditions);
    if (!expected || !conditions) return RK_NO_MEMORY;
    rk_preconditions preconditions = {.expected = expected, .conditions = conditions};
    for (size_t i = 0; i < submission->count; i++) {
        const rk_intent *intent = &submission->intents[i];
        if (intent->expects)
            expected[preconditions.expected_count++] = (rk_expectation){intent->entity, intent->expected};
        if (intent->require.size > 0) conditions[preconditions.condition_count++] = intent->require;
    }
    *leaf = (rk_leaf){.kind = RK_LEAF_PRECONDITIONS, .preconditions = preconditions};
    return rk_preconditions_encode(arena, &preconditions, &leaf->bytes);
}

static rk_status grow(rk_arena *arena, void **items, size_t *capacity, size_t wanted, size_t item_size) {
    size_t larger = *capacity ? *capacity : 16;
    while (larger < wanted) larger *= 2;
    if (larger == *capacity) return RK_OK;
    void *grown = rk_arena_grow(arena, *items, *capacity * item_size, larger * item_size);
    if (!grown) return RK_NO_MEMORY;
    *items = grown;
    *capacity = larger;
    return RK_OK;
}

static rk_status make_room(rk_group *group, size_t leaves) {
    void *items = group->leaves;
    RK_TRY(grow(group->arena, &items, &group->leaf_capacity, group->leaf_count + leaves, sizeof(rk_leaf)));
    group->leaves = items;
    items = group->transactions;
    RK_TRY(grow(group->arena, &items, &group->transaction_capacity, group->transaction_count + 1, sizeof(uint32_t)));
    group->transactions = items;
    return RK_OK;
}

/* The leaves of an accepted transaction, behind those of the group so far. */
static rk_status make_leaves(submission *submission) {
    rk_group *group = submission->group;
    rki_accepted *accepted = &group->court.accepted[group->court.transaction_start];
    bool preconditions = submission->condition_count > 0;
    for (size_t i = 0; i < submission->count; i++) preconditions |= submission->intents[i].expects;
    RK_TRY(make_room(group, submission->event_count + preconditions));
    rk_leaf *leaf = &group->leaves[group->leaf_count];
    uint64_t size = 0;
    if (preconditions) RK_TRY(make_preconditions(submission, leaf++));
    for (size_t i = 0; i < submission->event_count; i++, leaf++) {
        *leaf = (rk_leaf){.kind = RK_LEAF_EVENT, .event = submission->events[i]};
        RK_TRY(rk_event_encode(group->arena, &submission->events[i], &leaf->bytes));
        accepted[i].size = leaf->bytes.size;
        size += leaf->bytes.size;
    }
    group->transactions[group->transaction_count++] = (uint32_t)(submission->event_count + preconditions);
    group->leaf_count += submission->event_count + preconditions;
    group->size += size;
    return RK_OK;
}

/* ---- groups ---- */

/* The commit stamp is the truth's wall clock, always above the one before, and never pushed by events. */
static rk_status open_court(rk_group *group, rk_bytes actor, rk_error *error) {
    rk_engine *engine = group->engine;
    rk_log_head head;
    rk_stamp stamp = 0;
    if (engine->truth) {
        RK_TRY(engine->host.store->head(engine->log, &head, error));
        stamp = rk_stamp_next(head.commit_stamp, engine->host.now_ms(engine->host.context));
        group->first_position = head.position + 1;
    }
    rki_court_open(engine, group->arena, actor, &group->pair->public_key, stamp, &group->court);
    group->court.vouched = group->sealer == RK_SEALER_SERVER;
    return RK_OK;
}

static rk_status give_entries(submission *submission, rk_arena *arena, rk_entry **entries_out, rk_error *error) {
    rk_group *group = submission->group;
    const rki_accepted *accepted = &group->court.accepted[group->court.transaction_start];
    rk_entry *entries = rk_arena_take_array(arena, submission->count, sizeof *entries);
    if (!entries) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the answer");
    bool committed = group->engine->truth;
    size_t n = 0;
    for (size_t i = 0; i < submission->count; i++) {
        if (!is_event(&submission->intents[i])) continue;
        const rk_event *event = &submission->events[n];
        rk_stamp stamp = committed ? group->court.commit_stamp : event->id.stamp;
        entries[i] = (rk_entry){.event = *event,
                                .position = committed ? group->first_position + group->event_count + n : 0,
                                .version = committed ? accepted[n].version : 0,
                                .time_ms = rk_stamp_ms(stamp)};
        n++;
    }
    *entries_out = entries;
    return RK_OK;
}

/* Writes the key that the transaction came under. */
static rk_status remember(rk_group *group, const rk_entry *entries, size_t count, rk_error *error) {
    const rk_terms *terms = group->court.terms;
    if (!terms || terms->key.size == 0) return RK_OK;
    rk_error why = {.code = RK_OK};
    group->written = true;
    rk_status status = rki_once_put(&group->court, entries, count, &why);
    if (status == RK_OK) return RK_OK;
    group->broken = why;
    if (error) *error = why;
    return status;
}

/* Judges a transaction and puts it behind the others; a refusal leaves nothing of it. */
static rk_status add(submission *submission, rk_arena *arena, rk_entry **entries_out, rk_error *error) {
    rk_group *group = submission->group;
    submission->events = rk_arena_take_array(group->arena, submission->event_count, sizeof *submission->events);
    if (!submission->events) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the events");
    rki_court_begin(&group->court);
    rk_status status = decide(submission, error);
    if (status == RK_OK) status = give_entries(submission, arena, entries_out, error);
    if (status == RK_OK) {
        status = make_leaves(submission);
        if (status != RK_OK) rk_fail(error, status, NULL, "the transaction cannot be sealed");
    }
    if (status != RK_OK) {
        rki_court_refuse(&group->court);
        return status;
    }
    group->event_count += submission->event_count;
    return remember(group, *entries_out, submission->count, error);
}

/* Whether what waits here is read by another version from now on. */
static bool publishes(const rk_batch *batch) {
    for (size_t i = 0; i < batch->leaf_count; i++) {
        const rk_leaf *leaf = &batch->leaves[i];
        if (leaf->kind == RK_LEAF_EVENT && rk_bytes_equal(leaf->event.module, RK_TEXT("module"))) return true;
    }
    return false;
}

static rk_status append(rk_group *group, const rk_batch *batch, rk_error *error) {
    rk_engine *engine = group->engine;
    group->written = true;
    if (!engine->truth) {
        RK_TRY(engine->host.store->append_pending(engine->log, batch, error));
        if (publishes(batch)) rki_views_drop(engine);
        return rki_generation_next(engine, error);
    }
    size_t size = rk_bitmap_size(group->transaction_count);
    uint8_t *bitmap = rk_arena_take(group->arena, size);
    if (!bitmap) return rk_fail(error, RK_NO_MEMORY, "batch", "no memory for the bitmap");
    for (size_t i = 0; i < group->transaction_count; i++) rk_bitmap_set(bitmap, i);
    RK_TRY(rki_batch_commit(engine, batch, rk_bytes_of(bitmap, size), &group->court, group->court.commit_stamp,
                            group->arena, error));
    return rki_court_close(&group->court, group->first_position, error);
}

/* Seals what was accepted, and appends it. */
static rk_status seal(rk_group *group, rk_error *error) {
    rk_engine *engine = group->engine;
    uint8_t secret[RK_SECRET_SIZE];
    rk_batch batch = {.leaves = group->leaves,
                      .leaf_count = group->leaf_count,
                      .transactions = group->transactions,
                      .transaction_count = group->transaction_count};
    RK_TRY(rki_header_next(engine, engine->replica, group->arena, &batch.header, error));
    batch.header.sealer = group->sealer;
    rki_batch_secret(engine->host.crypto, group->pair, &batch.header, secret);
    rk_status status = rk_batch_seal(group->arena, engine->host.crypto, group->pair, secret, &batch);
    if (status != RK_OK) return rk_fail(error, status, "batch", "the transaction could not be sealed");
    return append(group, &batch, error);
}

/* Ends the write. Where nothing was written, the cache stays good. */
static void give_up(rk_group *group) {
    if (group->written || group->leaf_count > 0) {
        rki_rollback(group->engine);
    } else {
        rki_view_end(group->engine);
    }
}

/* ---- an own submission: a group of one ---- */

/* One try under the log's lock. RK_CONFLICT: what was read has changed, which only a store that judges late can say. */
static rk_status submit_once(rk_group *group, rk_bytes actor, const rk_intent *intents, size_t count,
                             rk_entry **entries_out, rk_error *error) {
    RK_TRY(rki_begin(group->engine, true, error));
    rk_status status = open_court(group, actor, error);
    submission submission = {.group = group, .intents = intents, .count = count};
    if (status == RK_OK) status = check_intents(&submission, error);
    if (status == RK_OK) status = add(&submission, group->arena, entries_out, error);
    if (status == RK_OK) status = seal(group, error);
    if (status == RK_OK) return rki_commit(group->engine, error);
    give_up(group);
    return status;
}

rk_status rk_engine_submit(rk_engine *engine, rk_bytes actor, const rk_key_pair *pair, const rk_intent *intents,
                           size_t intent_count, rk_arena *arena, rk_entry **entries_out, rk_error *error) {
    rk_key_pair own;
    *entries_out = NULL;
    RK_TRY(rki_place_settle(engine, error));
    if (!pair) RK_TRY(engine->host.key_get(engine->host.context, RK_OWNER_ACTOR, actor, &own, error));
    rk_status status = RK_CONFLICT;
    for (int i = 0; i < TRIES_MAX && status == RK_CONFLICT; i++) {
        rk_group group = {.engine = engine, .arena = arena, .pair = pair ? pair : &own, .sealer = RK_SEALER_ACTOR};
        status = submit_once(&group, actor, intents, intent_count, entries_out, error);
    }
    if (status != RK_OK) *entries_out = NULL;
    return status;
}

/* ---- a server's group ---- */

static void free_group(rk_group *group) {
    const rk_memory *memory = group->engine->host.memory;
    rk_arena_free(&group->own);
    memory->give(memory->context, group, sizeof *group);
}

static rk_status start(rk_group *group, rk_error *error) {
    rk_engine *engine = group->engine;
    RK_TRY(rki_truth_pair(engine, &group->pair, error));
    RK_TRY(rki_begin(engine, true, error));
    rk_status status = open_court(group, (rk_bytes){NULL, 0}, error);
    if (status != RK_OK) give_up(group);
    return status;
}

rk_status rk_engine_group_start(rk_engine *engine, rk_group **group_out, rk_error *error) {
    *group_out = NULL;
    if (!engine->truth) return rk_fail(error, RK_NOT_TRUTH, NULL, "only a truth commits for others");
    RK_TRY(rki_place_settle(engine, error));
    rk_group *group = engine->host.memory->take(engine->host.memory->context, sizeof *group);
    if (!group) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a group");
    *group = (rk_group){.engine = engine, .own = rki_call_arena(engine), .sealer = RK_SEALER_SERVER};
    group->arena = &group->own;
    rk_status status = start(group, error);
    if (status == RK_OK) {
        *group_out = group;
        return RK_OK;
    }
    free_group(group);
    return status;
}

rk_status rk_engine_group_submit(rk_group *group, rk_bytes actor, rk_terms *terms, const rk_intent *intents,
                                 size_t intent_count, rk_arena *arena, rk_entry **entries_out, rk_error *error) {
    submission submission = {.group = group, .intents = intents, .count = intent_count};
    rk_actor_view sender;
    *entries_out = NULL;
    if (group->broken.code != RK_OK) return rk_fail(error, group->broken.code, NULL, "the group cannot become durable");
    if (group->leaf_count + intent_count + 1 > RK_BATCH_LEAVES_MAX || group->size > RK_GROUP_SIZE_MAX) {
        return rk_fail(error, RK_BUSY, NULL, "the group is full");
    }
    rki_court_act_for(&group->court, actor);
    group->court.terms = terms;
    RK_TRY(rki_court_actor(&group->court, &sender, error)); /* what was done before is told to nobody else */
    RK_TRY(check_intents(&submission, error));
    RK_TRY(rki_once_find(&group->court, intents, intent_count, group->first_position, arena, entries_out, error));
    if (terms) terms->again = *entries_out != NULL;
    return *entries_out ? RK_OK : add(&submission, arena, entries_out, error);
}

rk_status rk_engine_group_finish(rk_group *group, rk_error *error) {
    rk_engine *engine = group->engine;
    rk_status status = group->broken.code;
    if (status != RK_OK && error) *error = group->broken;
    if (status != RK_OK || group->transaction_count == 0) {
        give_up(group);
    } else {
        status = seal(group, error);
        if (status == RK_OK) {
            status = rki_commit(engine, error);
        } else {
            give_up(group);
        }
    }
    free_group(group);
    return status;
}

void rk_engine_group_abort(rk_group *group) {
    if (!group) return;
    give_up(group);
    free_group(group);
}
