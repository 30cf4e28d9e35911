/*
 * Frames in. A truth judges what devices offer; a device folds what the truth has committed and settles its own.
 *
 * Invariants
 *   (1) Everything between start and finish is one write: a file is taken whole or not at all.
 *   (2) A batch that was judged is never judged again: its replica and number stand in a record.
 *   (3) A device takes a record only when it continues its chain and the account's truth key signed it. Records of an
 *       epoch that a restored truth has left are taken back; own batches among them wait again.
 */
#include <string.h>

#include "engine/inner.h"

struct rk_import {
    rk_engine *engine;
    rk_arena arena; /* for the import's life */
    rk_map touched; /* entity names, for storing states at the end */
    rk_import_report report;
    bool head_seen;
    bool pending_changed;
    bool clamped; /* an own event's stamp lay too far ahead */
};

/* ---- starting and ending ---- */

rk_status rk_engine_import_start(rk_engine *engine, rk_import **import_out, rk_error *error) {
    *import_out = NULL;
    RK_TRY(rki_place_settle(engine, error));
    rk_import *import = engine->host.memory->take(engine->host.memory->context, sizeof *import);
    if (!import) return rk_fail(error, RK_NO_MEMORY, "import", "no memory for it");
    *import = (rk_import){.engine = engine, .arena = rki_call_arena(engine)};
    rk_map_init(&import->touched, &import->arena);
    rk_status status = rki_begin(engine, true, error);
    if (status == RK_OK) {
        *import_out = import;
        return RK_OK;
    }
    engine->host.memory->give(engine->host.memory->context, import, sizeof *import);
    return status;
}

static void free_import(rk_import *import) {
    const rk_memory *memory = import->engine->host.memory;
    rk_arena_free(&import->arena);
    memory->give(memory->context, import, sizeof *import);
}

void rk_engine_import_abort(rk_import *import) {
    if (!import) return;
    rki_rollback(import->engine);
    free_import(import);
}

static rk_status touch(rk_import *import, const rk_event *event, rk_error *error) {
    char name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 2];
    rk_bytes found = rk_bytes_of(name, rk_format(name, sizeof name, "%b/%b", event->module, event->entity)), kept;
    if (rk_map_get(&import->touched, found)) return RK_OK;
    if (rk_arena_copy(&import->arena, found, &kept) != RK_OK || rk_map_set(&import->touched, kept, import) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, "import", "no memory for the names of entities");
    }
    return RK_OK;
}

static rk_status settle_touched(rk_import *import, rk_error *error) {
    rk_engine *engine = import->engine;
    for (size_t i = 0; i < import->touched.entry_count; i++) {
        rki_entity *entity = NULL;
        rki_cache_fit(engine);
        RK_TRY(rki_entity_load(engine, import->touched.entries[i].key, NULL, &entity, error));
        RK_TRY(rki_entity_settle(engine, entity, error));
        RK_TRY(rki_index_update(engine, entity, 0, error));
    }
    return rki_index_settle(engine, error);
}

static rk_status finish(rk_import *import, rk_error *error) {
    rk_engine *engine = import->engine;
    RK_TRY(settle_touched(import, error));
    if (import->pending_changed) RK_TRY(rki_generation_next(engine, error));
    if (!import->clamped) return RK_OK;
    /* Our clock ran ahead, and the truth has said so: the ids from now on start from the wall clock again. */
    return rki_replica_renew(engine, rk_stamp_of_ms(engine->host.now_ms(engine->host.context)), error);
}

rk_status rk_engine_import_finish(rk_import *import, rk_import_report *report_out, rk_error *error) {
    rk_status status = finish(import, error);
    bool changed = import->pending_changed;
    *report_out = import->report;
    if (status != RK_OK) {
        rk_engine_import_abort(import);
        return status;
    }
    status = rki_commit(import->engine, error);
    if (changed) rki_cache_clear(import->engine);
    free_import(import);
    return status;
}

/* ---- the head ---- */

static rk_status drop_noted_verdicts(rk_engine *engine, const rk_frame *frame, rk_error *error);

static rk_status take_head(rk_import *import, const rk_frame *frame, rk_error *error) {
    rk_engine *engine = import->engine;
    rk_log_head head;
    if (!rk_hash_equal(&frame->account, &engine->account)) {
        return rk_fail(error, RK_WRONG_ACCOUNT, "head", "the file is of another account");
    }
    if (!engine->truth && !frame->from_truth) {
        return rk_fail(error, RK_FROM_DEVICE, "head", "the file is a device's, and this is a device");
    }
    import->head_seen = true;
    RK_TRY(engine->host.store->head(engine->log, &head, error));
    if (engine->truth) {
        /* Record numbers of an epoch that this truth has left say nothing about what was seen of its log. */
        bool noted = !frame->from_truth && frame->epoch == head.epoch;
        return noted ? drop_noted_verdicts(engine, frame, error) : RK_OK;
    }
    if (frame->record_from <= head.record + 1) return RK_OK;
    rk_fail(error, RK_RECORD_GAP, "head",
            "the file starts after position %u; this device knows the log up to position %u", frame->from,
            head.position);
    rk_error_hint(error, "ask the truth for `reaktor export FILE --after %u`", head.position);
    return RK_RECORD_GAP;
}

/* ---- the truth: judging ---- */

static rk_status refuse_batch(rk_error *error, rk_status code, const rk_header *header, const char *what) {
    char where[64];
    uint8_t replica[8];
    rk_put_u64(replica, header->replica);
    rk_format(where, sizeof where, "batch %x/%u", rk_bytes_of(replica, 8), header->number);
    return rk_fail(error, code, where, "%s", what);
}

/* Whether the batch was judged before; else whether it is the next of its replica. */
static rk_status place_batch(rk_import *import, const rk_header *header, rk_arena *arena, bool *judged_out,
                             uint64_t *last_out, rk_error *error) {
    rk_engine *engine = import->engine;
    rk_stored_batch stored;
    const rk_log_ops *store = engine->host.store;
    *judged_out = false;
    RK_TRY(store->last_batch(engine->log, arena, header->replica, &stored, error));
    *last_out = stored.number;
    if (header->number <= stored.number) {
        RK_TRY(store->batch(engine->log, arena, header->replica, header->number, &stored, error));
        *judged_out = rk_hash_equal(&stored.root, &header->root);
        if (*judged_out) return RK_OK;
        return refuse_batch(error, RK_BATCH_CONFLICT, header, "a batch of this number was judged with other bytes");
    }
    if (header->number > stored.number + 1) {
        refuse_batch(error, RK_BATCH_GAP, header, "the batch before it was never seen here");
        rk_error_hint(error, "import this truth's export on that device, then export there again");
        return RK_BATCH_GAP;
    }
    if (header->number == 1 || rk_hash_equal(&stored.root, &header->previous_root)) return RK_OK;
    return refuse_batch(error, RK_BATCH_CONFLICT, header, "it does not continue the batch before it");
}

static rk_status check_offer(rk_engine *engine, const rk_batch *batch, rk_error *error) {
    const rk_header *header = &batch->header;
    if (!rk_hash_equal(&header->account, &engine->account)) {
        return refuse_batch(error, RK_WRONG_ACCOUNT, header, "it is of another account");
    }
    if (memcmp(header->log.bytes, engine->log_id.bytes, RK_LOG_ID_SIZE) != 0) {
        return refuse_batch(error, RK_WRONG_LOG, header, "it is for another log");
    }
    if (header->sealer != RK_SEALER_ACTOR) {
        return refuse_batch(error, RK_BAD_BATCH, header, "only a server or a genesis is sealed like this");
    }
    for (size_t i = 0; i < batch->leaf_count; i++) {
        if (batch->leaves[i].kind == RK_LEAF_HASH)
            return refuse_batch(error, RK_BAD_BATCH, header, "a leaf is left out");
    }
    return RK_OK;
}

static rk_bytes batch_actor(const rk_batch *batch) {
    for (size_t i = 0; i < batch->leaf_count; i++) {
        if (batch->leaves[i].kind == RK_LEAF_EVENT) return batch->leaves[i].event.actor;
    }
    return (rk_bytes){NULL, 0};
}

static rk_status judge_transaction(rki_court *court, rk_leaf *leaves, size_t count, rk_error *error) {
    rki_court_begin(court);
    for (size_t i = 0; i < count; i++) {
        if (leaves[i].kind == RK_LEAF_PRECONDITIONS) {
            RK_TRY(rki_court_preconditions(court, &leaves[i].preconditions, error));
        } else {
            RK_TRY(rki_court_judge(court, &leaves[i].event, false, error));
            court->accepted[court->accepted_count - 1].size = leaves[i].bytes.size;
        }
    }
    return RK_OK;
}

static rk_status put_verdict(rk_engine *engine, const rk_batch *batch, size_t transaction, const rk_error *why,
                             rk_error *error) {
    char what[RK_ERROR_WHERE_MAX + RK_ERROR_WHAT_MAX + 4];
    rk_format(what, sizeof what, why->where[0] ? "%s: %s" : "%s%s", why->where, why->what);
    rk_verdict verdict = {.replica = batch->header.replica,
                          .batch = batch->header.number,
                          .transaction = (uint32_t)transaction,
                          .code = rk_bytes_of_string(rk_status_name(why->code)),
                          .what = rk_bytes_of_string(what),
                          .hint = rk_bytes_of_string(why->hint)};
    return engine->host.store->verdict_put(engine->log, &verdict, error);
}

/* A refusal is an answer; what is no refusal (memory, disk, damage) ends the import. */
static bool is_refusal(rk_status status) {
    return rk_status_exit(status) == 1;
}

static rk_status judge_transactions(rk_import *import, rki_court *court, rk_batch *batch, uint8_t *bitmap,
                                    rk_error *error) {
    rk_leaf *leaves = batch->leaves;
    for (size_t i = 0; i < batch->transaction_count; i++) {
        rk_error why = {.code = RK_OK};
        rk_status status = judge_transaction(court, leaves, batch->transactions[i], &why);
        if (status == RK_OK) {
            rk_bitmap_set(bitmap, i);
            import->report.transactions_accepted++;
        } else if (is_refusal(status)) {
            rki_court_refuse(court);
            RK_TRY(put_verdict(import->engine, batch, i, &why, error));
            import->report.transactions_refused++;
        } else {
            if (error) *error = why;
            return status;
        }
        leaves += batch->transactions[i];
    }
    return RK_OK;
}

/*
 * A key that the account never knew, on a replica that it never saw, is a stranger: nothing of it is kept. On a known
 * replica it is somebody whose key was taken away meanwhile, or never came in: each transaction gets its answer.
 */
static rk_status refuse_strangers(rki_court *court, const rk_header *header, uint64_t last_number, rk_error *error) {
    rk_key_status status = RK_KEY_UNKNOWN;
    RK_TRY(rki_court_key(court, &status, error));
    if (status != RK_KEY_UNKNOWN || last_number > 0) return RK_OK;
    return refuse_batch(error, RK_UNKNOWN_KEY, header, "its key and its replica are both unknown to this account");
}

static rk_status judge_batch(rk_import *import, rk_batch *batch, uint64_t last_number, rk_arena *arena,
                             rk_error *error) {
    rk_engine *engine = import->engine;
    rk_log_head head;
    rki_court court;
    RK_TRY(engine->host.store->head(engine->log, &head, error));
    rk_stamp stamp = rk_stamp_next(head.commit_stamp, engine->host.now_ms(engine->host.context));
    rki_court_open(engine, arena, batch_actor(batch), &batch->header.sealing_key, stamp, &court);
    RK_TRY(refuse_strangers(&court, &batch->header, last_number, error));
    size_t size = rk_bitmap_size(batch->transaction_count);
    uint8_t *bitmap = rk_arena_take(arena, size);
    if (!bitmap) return rk_fail(error, RK_NO_MEMORY, "import", "no memory for the bitmap");
    RK_TRY(judge_transactions(import, &court, batch, bitmap, error));
    RK_TRY(rki_batch_commit(engine, batch, rk_bytes_of(bitmap, size), &court, stamp, arena, error));
    RK_TRY(rki_court_close(&court, head.position + 1, error));
    import->report.events_new += court.accepted_count;
    import->report.batches_judged++;
    return RK_OK;
}

static rk_status offer_batch(rk_import *import, rk_batch *batch, rk_arena *arena, rk_error *error) {
    bool judged = false;
    uint64_t last_number = 0;
    RK_TRY(check_offer(import->engine, batch, error));
    RK_TRY(place_batch(import, &batch->header, arena, &judged, &last_number, error));
    if (!judged) return judge_batch(import, batch, last_number, arena, error);
    import->report.batches_known++;
    return RK_OK;
}

static rk_status take_pending(rk_import *import, const rk_frame *frame, rk_error *error) {
    rk_engine *engine = import->engine;
    if (!engine->truth) return RK_OK; /* a truth's file has none; what is here waits here */
    rk_arena arena = rki_call_arena(engine);
    rk_batch batch;
    rk_status status = rk_batch_open(&arena, engine->host.crypto, frame->batch, &batch, error);
    if (status == RK_OK) status = offer_batch(import, &batch, &arena, error);
    rk_arena_free(&arena);
    return status;
}

rk_status rk_engine_import_batch(rk_import *import, const rk_batch *batch, rk_error *error) {
    rk_engine *engine = import->engine;
    if (!engine->truth) return rk_fail(error, RK_NOT_TRUTH, "import", "only the truth judges batches");
    rk_arena arena = rki_call_arena(engine);
    rk_bytes bytes;
    rk_batch opened;
    rk_status status = rk_batch_encode(&arena, batch, &bytes);
    if (status != RK_OK) rk_fail(error, status, "import", "the batch cannot be encoded");
    if (status == RK_OK) status = rk_batch_open(&arena, engine->host.crypto, bytes, &opened, error);
    if (status == RK_OK) status = offer_batch(import, &opened, &arena, error);
    rk_arena_free(&arena);
    return status;
}

/* ---- one batch, with its outcome ---- */

typedef struct verdict_list {
    const rk_header *header;
    rk_arena *arena;
    rk_verdict *items;
    size_t count;
    size_t capacity;
} verdict_list;

static rk_status keep_verdict(void *context, const rk_verdict *verdict) {
    verdict_list *list = context;
    if (verdict->replica != list->header->replica || verdict->batch != list->header->number) return RK_OK;
    if (list->count == list->capacity) return RK_CORRUPT; /* more than the batch has transactions */
    rk_verdict *kept = &list->items[list->count++];
    *kept = *verdict;
    RK_TRY(rk_arena_copy(list->arena, verdict->code, &kept->code));
    RK_TRY(rk_arena_copy(list->arena, verdict->what, &kept->what));
    return rk_arena_copy(list->arena, verdict->hint, &kept->hint);
}

static rk_status read_outcome(rk_engine *engine, const rk_batch *batch, rk_arena *arena, rk_outcome *outcome,
                              rk_error *error) {
    const rk_log_ops *store = engine->host.store;
    rk_stored_batch stored;
    rk_bytes bytes;
    rk_record record;
    verdict_list list = {.header = &batch->header, .arena = arena, .capacity = batch->transaction_count};
    RK_TRY(store->batch(engine->log, arena, batch->header.replica, batch->header.number, &stored, error));
    RK_TRY(store->record(engine->log, arena, stored.record, &bytes, error));
    RK_TRY(rk_record_open(arena, engine->host.crypto, bytes, &record, error));
    list.items = rk_arena_take_array(arena, list.capacity, sizeof *list.items);
    if (!list.items) return rk_fail(error, RK_NO_MEMORY, "batch", "no memory for its outcome");
    RK_TRY(store->verdicts(engine->log, keep_verdict, &list, error));
    *outcome = (rk_outcome){.replica = batch->header.replica,
                            .batch = batch->header.number,
                            .again = outcome->again,
                            .record = record.number,
                            .first_position = record.first_position,
                            .event_count = record.accepted_count,
                            .transaction_count = batch->transaction_count,
                            .accepted = record.bitmap,
                            .verdicts = list.items,
                            .verdict_count = list.count};
    return RK_OK;
}

static rk_status offer(rk_import *import, rk_bytes actor, rk_bytes bytes, rk_arena *arena, rk_outcome *outcome,
                       rk_error *error) {
    rk_batch batch;
    uint64_t known = import->report.batches_known;
    RK_TRY(rk_batch_open(arena, import->engine->host.crypto, bytes, &batch, error));
    if (!rk_bytes_equal(batch_actor(&batch), actor)) {
        return refuse_batch(error, RK_FORBIDDEN, &batch.header, "it is sent by another actor than its own");
    }
    rk_actor_view sender;
    rk_status status = rki_actor_find(import->engine, actor, arena, &sender, error);
    if (status == RK_ACTOR_DISABLED) return status; /* it may be sent again by one who is enabled again */
    RK_TRY(offer_batch(import, &batch, arena, error));
    outcome->again = import->report.batches_known > known;
    return read_outcome(import->engine, &batch, arena, outcome, error);
}

rk_status rk_engine_import_offer(rk_import *import, rk_bytes actor, rk_bytes batch, rk_arena *arena,
                                 rk_outcome *outcome_out, rk_error *error) {
    *outcome_out = (rk_outcome){.replica = 0};
    if (!import->engine->truth) return rk_fail(error, RK_NOT_TRUTH, "batch", "only the truth judges batches");
    return offer(import, actor, batch, arena, outcome_out, error);
}

/* ---- the device: folding ---- */

static rk_status refuse_record(rk_error *error, rk_status code, uint64_t number, const char *what) {
    char where[40];
    rk_format(where, sizeof where, "record %u", number);
    return rk_fail(error, code, where, "%s", what);
}

/* The genesis: sealed by the key whose hash the account is, it names the account and the truth's key. */
static rk_status take_genesis(rk_engine *engine, const rk_record *record, const rk_batch *batch, rk_error *error) {
    rk_hash hash = rk_sha256(engine->host.crypto, rk_key_bytes(&batch->header.sealing_key));
    if (record->number != 1 || batch->header.sealer != RK_SEALER_ROOT || !rk_hash_equal(&hash, &engine->account)) {
        return refuse_record(error, RK_BAD_RECORD, record->number, "the log does not begin with the account's genesis");
    }
    const rk_event *found = &batch->leaves[0].event;
    const rk_value *name = rk_map_find(&found->data, RK_TEXT("name"));
    const rk_value *key = rk_map_find(&found->data, RK_TEXT("truth_key"));
    if (batch->leaves[0].kind != RK_LEAF_EVENT || !name || name->kind != RK_STRING || !key || key->kind != RK_STRING ||
        !rk_hex_read(key->as.bytes, engine->truth_key.bytes, RK_KEY_SIZE)) {
        return refuse_record(error, RK_BAD_RECORD, record->number, "the genesis does not name account and truth key");
    }
    engine->has_truth_key = true;
    if (rk_arena_copy(&engine->arena, name->as.bytes, &engine->name) != RK_OK) return RK_NO_MEMORY;
    return engine->host.store->meta_put(engine->log, RK_TEXT("name"), engine->name, error);
}

/* That the key which sealed the batch is one that its actor had. */
static rk_status check_sealer(rk_engine *engine, const rk_record *record, const rk_batch *batch, rk_arena *arena,
                              rk_error *error) {
    rk_bytes actor = batch_actor(batch);
    if (actor.size == 0) return RK_OK; /* nothing of it was accepted */
    if (batch->header.sealer == RK_SEALER_SERVER && rk_key_equal(&batch->header.sealing_key, &engine->truth_key)) {
        return RK_OK;
    }
    rk_value value;
    rk_bytes name = rk_arena_format(arena, "actor/%b", actor);
    RK_TRY(rki_entity_value(engine, name, NULL, arena, &value, error));
    if (batch->header.sealer == RK_SEALER_ACTOR && rk_auth_key(&value, &batch->header.sealing_key) != RK_KEY_UNKNOWN) {
        return RK_OK;
    }
    return refuse_record(error, RK_UNKNOWN_KEY, record->number,
                         "its batch is sealed by a key that its actor never had");
}

/* What this replica loses or learns by the record about its own batch. */
static rk_status settle_own(rk_import *import, const rk_record *record, rk_arena *arena, rk_error *error) {
    rk_engine *engine = import->engine;
    rk_stored_batch stored;
    rk_status status =
        engine->host.store->batch(engine->log, arena, record->replica, record->batch_number, &stored, error);
    if (status == RK_NOT_FOUND) return RK_OK;
    RK_TRY(status);
    if (!rk_hash_equal(&stored.root, &record->batch_root)) {
        refuse_record(error, RK_BATCH_CONFLICT, record->number,
                      "another copy of this folder has sent a batch of this number");
        rk_error_hint(error, "this folder was cloned in a way that could not be told; see docs/durability.md");
        return RK_BATCH_CONFLICT;
    }
    rk_batch own;
    RK_TRY(rk_batch_open_seal(arena, engine->host.crypto, stored.seal, &own, error));
    own.leaves = stored.leaves;
    RK_TRY(rk_batch_verify_leaves(arena, engine->host.crypto, &own, error));
    import->pending_changed = true;
    const rk_leaf *leaf = own.leaves;
    for (size_t i = 0; i < own.transaction_count; i++) {
        for (uint32_t n = 0; n < own.transactions[i]; n++, leaf++) {
            if (leaf->kind != RK_LEAF_EVENT) continue;
            if (!rk_record_accepts(record, i)) RK_TRY(rki_lamport_raise(engine, &leaf->event, error));
            bool clamps = rk_stamp_effective(leaf->event.id.stamp, record->commit_stamp) != leaf->event.id.stamp;
            import->clamped |= clamps && record->replica == engine->replica;
        }
    }
    return RK_OK;
}

static rk_status fold_commit(rk_import *import, const rk_record *record, const rk_frame *frame, rk_batch *batch,
                             rk_arena *arena, rk_error *error) {
    rk_engine *engine = import->engine;
    rk_append append = {.batch = batch, .record = record, .record_bytes = frame->record};
    RK_TRY(rk_batch_open(arena, engine->host.crypto, frame->batch, batch, error));
    RK_TRY(rk_record_fits(record, batch, error));
    bool genesis = !engine->has_truth_key;
    if (genesis) RK_TRY(take_genesis(engine, record, batch, error));
    if (!rk_key_equal(&record->signer, &engine->truth_key)) {
        return refuse_record(error, RK_BAD_SIGNATURE, record->number, "it is signed by another key than the truth's");
    }
    if (!genesis) RK_TRY(check_sealer(engine, record, batch, arena, error));
    RK_TRY(settle_own(import, record, arena, error));
    RK_TRY(engine->host.store->append(engine->log, &append, error));
    engine->begins = ++engine->begin_count; /* cached states are behind the log now */
    for (size_t i = 0; i < batch->leaf_count; i++) {
        const rk_leaf *leaf = &batch->leaves[i];
        if (leaf->kind != RK_LEAF_EVENT) continue;
        rki_clock_see(engine, rk_stamp_effective(leaf->event.id.stamp, record->commit_stamp));
        if (rk_bytes_equal(leaf->event.module, RK_TEXT("module"))) rki_modules_drop(engine, leaf->event.entity);
        RK_TRY(touch(import, &leaf->event, error));
    }
    import->report.records_new++;
    import->report.events_new += record->accepted_count;
    return RK_OK;
}

/* The hash of the record of that number here; all zero for number 0. */
static rk_status record_hash(rk_engine *engine, uint64_t number, rk_arena *arena, rk_hash *hash_out, rk_error *error) {
    rk_bytes bytes;
    memset(hash_out, 0, sizeof *hash_out);
    if (number == 0) return RK_OK;
    RK_TRY(engine->host.store->record(engine->log, arena, number, &bytes, error));
    *hash_out = rk_sha256(engine->host.crypto, bytes);
    return RK_OK;
}

/* The file begins behind the record where the restored truth's log parted from the one that is known here. */
static rk_status needs_whole_log(const rk_record *record, rk_error *error) {
    refuse_record(error, RK_RECORD_GAP, record->number, "the truth was restored, and what it goes on from lies before");
    rk_error_hint(error, "ask the truth for the whole log: `reaktor export FILE`");
    return RK_RECORD_GAP;
}

/* A record whose number is taken here by another one: a later epoch wins, if it continues what both know. */
static rk_status take_back(rk_import *import, const rk_record *record, rk_log_head *head, rk_arena *arena,
                           rk_error *error) {
    rk_engine *engine = import->engine;
    rk_hash before;
    RK_TRY(record_hash(engine, record->number - 1, arena, &before, error));
    if (record->epoch > head->epoch && !rk_hash_equal(&before, &record->previous))
        return needs_whole_log(record, error);
    if (record->epoch <= head->epoch || record->number == 1 || !rk_key_equal(&record->signer, &engine->truth_key)) {
        return refuse_record(error, RK_FORKED, record->number,
                             record->epoch < head->epoch ? "it is of an epoch that the truth has left"
                                                         : "another record of this number is known");
    }
    import->report.records_taken_back += head->record - (record->number - 1);
    RK_TRY(engine->host.store->truncate(engine->log, record->number - 1, error));
    rki_cache_clear(engine);
    import->pending_changed = true;
    return engine->host.store->head(engine->log, head, error);
}

static rk_status check_chain(rk_engine *engine, const rk_record *record, const rk_log_head *head, rk_error *error) {
    if (!rk_hash_equal(&record->account, &engine->account)) {
        return refuse_record(error, RK_WRONG_ACCOUNT, record->number, "it is of another account");
    }
    if (memcmp(record->log.bytes, engine->log_id.bytes, RK_LOG_ID_SIZE) != 0) {
        return refuse_record(error, RK_WRONG_LOG, record->number, "it is of another log");
    }
    if (record->number > head->record + 1) {
        refuse_record(error, RK_RECORD_GAP, record->number, "records before it are missing");
        rk_error_hint(error, "ask the truth for `reaktor export FILE --after %u`", head->position);
        return RK_RECORD_GAP;
    }
    bool continues = record->number == 1 || rk_hash_equal(&record->previous, &head->record_hash);
    if (record->number == head->record + 1 && !continues && record->epoch > head->epoch) {
        return needs_whole_log(record, error);
    }
    if (record->number == head->record + 1 && (!continues || record->epoch < head->epoch)) {
        return refuse_record(error, RK_FORKED, record->number,
                             "it does not continue the last record that is known here");
    }
    return RK_OK;
}

static rk_status device_commit(rk_import *import, const rk_frame *frame, rk_arena *arena, rk_error *error) {
    rk_engine *engine = import->engine;
    rk_record record;
    rk_log_head head;
    rk_batch batch;
    rk_hash known;
    RK_TRY(rk_record_open(arena, engine->host.crypto, frame->record, &record, error));
    RK_TRY(engine->host.store->head(engine->log, &head, error));
    RK_TRY(check_chain(engine, &record, &head, error));
    if (record.number <= head.record) {
        rk_hash hash = rk_sha256(engine->host.crypto, frame->record);
        RK_TRY(record_hash(engine, record.number, arena, &known, error));
        if (rk_hash_equal(&hash, &known)) return import->report.records_known++, RK_OK;
        RK_TRY(take_back(import, &record, &head, arena, error));
    }
    return fold_commit(import, &record, frame, &batch, arena, error);
}

/* At the truth the log is here already; what a restored truth no longer has is offered again as pending batches. */
static rk_status truth_commit(rk_import *import, const rk_frame *frame, rk_arena *arena, rk_error *error) {
    rk_engine *engine = import->engine;
    rk_log_head head;
    rk_hash known, hash = rk_sha256(engine->host.crypto, frame->record);
    RK_TRY(engine->host.store->head(engine->log, &head, error));
    bool there = frame->number >= 1 && frame->number <= head.record;
    if (there) RK_TRY(record_hash(engine, frame->number, arena, &known, error));
    if (there && rk_hash_equal(&hash, &known)) {
        import->report.records_known++;
    } else {
        import->report.records_left_aside++;
    }
    return RK_OK;
}

/* ---- verdicts ---- */

static rk_status take_verdict(rk_import *import, const rk_frame *frame, rk_arena *arena, rk_error *error) {
    rk_engine *engine = import->engine;
    rk_stored_batch stored;
    if (engine->truth) return RK_OK;
    rk_status status = engine->host.store->batch(engine->log, arena, frame->replica, frame->number, &stored, error);
    if (status == RK_NOT_FOUND) return RK_OK;
    RK_TRY(status);
    if (!stored.own && !engine->restoring) return RK_OK; /* somebody else's */
    const rk_verdict verdict = {frame->replica, frame->number, frame->transaction,
                                frame->code,    frame->what,   frame->hint};
    return engine->host.store->verdict_put(engine->log, &verdict, error);
}

/* Verdicts on batches of one replica, up to a record that it has seen. */
typedef struct noted {
    rk_engine *engine;
    const rk_frame *frame;
    rk_arena arena;
    uint64_t last;
    rk_error *error;
} noted;

static rk_status find_noted(void *context, const rk_verdict *verdict) {
    noted *noted = context;
    rk_stored_batch stored;
    if (verdict->replica != noted->frame->replica) return RK_OK;
    RK_TRY(noted->engine->host.store->batch(noted->engine->log, &noted->arena, verdict->replica, verdict->batch,
                                            &stored, noted->error));
    if (stored.record <= noted->frame->record_to && verdict->batch > noted->last) noted->last = verdict->batch;
    return RK_OK;
}

static rk_status drop_noted_verdicts(rk_engine *engine, const rk_frame *frame, rk_error *error) {
    noted noted = {.engine = engine, .frame = frame, .arena = rki_call_arena(engine), .error = error};
    rk_status status = engine->host.store->verdicts(engine->log, find_noted, &noted, error);
    for (uint64_t batch = 1; status == RK_OK && batch <= noted.last; batch++) {
        status = engine->host.store->verdict_drop(engine->log, frame->replica, batch, error);
        if (status == RK_NOT_FOUND) status = RK_OK;
    }
    rk_arena_free(&noted.arena);
    return status;
}

/* ---- frames ---- */

static rk_status take_frame(rk_import *import, const rk_frame *frame, rk_arena *arena, rk_error *error) {
    switch (frame->kind) {
    case RK_FRAME_HEAD:
        return take_head(import, frame, error);
    case RK_FRAME_COMMIT:
        return import->engine->truth ? truth_commit(import, frame, arena, error)
                                     : device_commit(import, frame, arena, error);
    case RK_FRAME_PENDING:
        return take_pending(import, frame, error);
    default:
        return take_verdict(import, frame, arena, error);
    }
}

rk_status rk_engine_import_frame(rk_import *import, const rk_frame *frame, rk_error *error) {
    rk_engine *engine = import->engine;
    if (!import->head_seen && frame->kind != RK_FRAME_HEAD) {
        return rk_fail(error, RK_BAD_RECORD, "file", "it has no head, so what it covers is unknown");
    }
    if (memcmp(frame->log.bytes, engine->log_id.bytes, RK_LOG_ID_SIZE) != 0 &&
        (frame->kind != RK_FRAME_HEAD || rk_hash_equal(&frame->account, &engine->account))) {
        return rk_fail(error, RK_WRONG_LOG, rk_frame_kind_name(frame->kind), "it is of another log");
    }
    rk_arena arena = rki_call_arena(engine);
    rk_status status = take_frame(import, frame, &arena, error);
    rk_arena_free(&arena);
    return status;
}
