/*
 * Verify: everything that the log's bytes promise, checked from the genesis on.
 *
 * Checked are, in the order of records: the record's form and signature, its place in the chain, epoch and stamp; the
 * batch's seal, leaves and Merkle root; that both fit each other; the replica's chain of batches; the key that sealed;
 * that each accepted event stands at its position with the version that follows. Then pending batches, and last the
 * store's own check of its files.
 */
#include <string.h>

#include "engine/inner.h"

/* What is known of a replica so far: its last batch. */
typedef struct chain {
    uint8_t name[8];
    uint64_t number;
    rk_hash root;
} chain;

typedef struct verifier {
    rk_engine *engine;
    const rk_check_listener *listener;
    rk_verify_report report;
    rk_arena arena; /* chains and versions */
    rk_map chains;
    rk_map versions; /* module/id -> uint64_t */
    rk_log_head head;
    rk_log_head last; /* the record before */
    rk_error *error;
} verifier;

static void find(verifier *verifier, const char *kind, uint64_t number, const char *what) {
    char where[64];
    rk_format(where, sizeof where, "%s %u", kind, number);
    verifier->report.findings++;
    verifier->listener->finding(verifier->listener->context, where, what);
}

/* A finding of what someone below found; memory and disk errors are none, and end the verification. */
static rk_status found(verifier *verifier, const char *kind, uint64_t number, rk_status status, const rk_error *error) {
    if (status == RK_OK || status == RK_NO_MEMORY || status == RK_IO || status == RK_DISK_FULL || status == RK_BUSY) {
        if (verifier->error) *verifier->error = *error;
        return status;
    }
    char what[RK_ERROR_WHERE_MAX + RK_ERROR_WHAT_MAX + 4];
    rk_format(what, sizeof what, error->where[0] ? "%s: %s" : "%s%s", error->where, error->what);
    find(verifier, kind, number, what);
    return RK_OK;
}

/* ---- chains ---- */

static void check_record_chain(verifier *verifier, uint64_t number, const rk_record *record, rk_bytes bytes) {
    const rk_engine *engine = verifier->engine;
    rk_log_head *last = &verifier->last;
    if (record->number != number) find(verifier, "record", number, "it has another number");
    if (number > 1 && !rk_hash_equal(&record->previous, &last->record_hash)) {
        find(verifier, "record", number, "it does not continue the record before it");
    }
    if (record->epoch < last->epoch) find(verifier, "record", number, "its epoch goes back");
    if (record->commit_stamp <= last->commit_stamp) find(verifier, "record", number, "its commit stamp goes back");
    if (record->first_position != last->position + 1) find(verifier, "record", number, "a gap between positions");
    if (!rk_hash_equal(&record->account, &engine->account))
        find(verifier, "record", number, "it is of another account");
    if (engine->has_truth_key && !rk_key_equal(&record->signer, &engine->truth_key)) {
        find(verifier, "record", number, "it is signed by another key than the truth's");
    }
    *last = (rk_log_head){.epoch = record->epoch,
                          .record = number,
                          .record_hash = rk_sha256(engine->host.crypto, bytes),
                          .position = record->first_position + record->accepted_count - 1,
                          .commit_stamp = record->commit_stamp};
}

static rk_status check_batch_chain(verifier *verifier, const char *kind, uint64_t number, const rk_header *header) {
    uint8_t name[8];
    rk_put_u64(name, header->replica);
    chain *chain = rk_map_get(&verifier->chains, rk_bytes_of(name, sizeof name));
    if (!chain) {
        chain = rk_arena_take(&verifier->arena, sizeof *chain);
        if (!chain) return RK_NO_MEMORY;
        memcpy(chain->name, name, sizeof name);
        RK_TRY(rk_map_set(&verifier->chains, rk_bytes_of(chain->name, sizeof chain->name), chain));
    }
    if (header->number != chain->number + 1) find(verifier, kind, number, "a gap between the batches of its replica");
    if (header->number > 1 && !rk_hash_equal(&header->previous_root, &chain->root)) {
        find(verifier, kind, number, "its batch does not continue the one before");
    }
    chain->number = header->number;
    chain->root = header->root;
    return RK_OK;
}

/* ---- keys ---- */

static rk_status check_key(verifier *verifier, uint64_t number, const rk_batch *batch, rk_arena *arena,
                           rk_error *error) {
    const rk_engine *engine = verifier->engine;
    if (batch->header.sealer == RK_SEALER_ROOT) {
        rk_hash hash = rk_sha256(engine->host.crypto, rk_key_bytes(&batch->header.sealing_key));
        if (number != 1 || !rk_hash_equal(&hash, &engine->account))
            find(verifier, "record", number, "a genesis that is none");
        return RK_OK;
    }
    if (batch->header.sealer == RK_SEALER_SERVER) {
        if (!rk_key_equal(&batch->header.sealing_key, &engine->truth_key))
            find(verifier, "record", number, "its batch is sealed for others by a key that is not the truth's");
        return RK_OK;
    }
    for (size_t i = 0; i < batch->leaf_count; i++) {
        if (batch->leaves[i].kind != RK_LEAF_EVENT) continue;
        rk_value value;
        rk_bytes name = rk_arena_format(arena, "actor/%b", batch->leaves[i].event.actor);
        RK_TRY(rki_entity_value(verifier->engine, name, NULL, arena, &value, error));
        if (rk_auth_key(&value, &batch->header.sealing_key) == RK_KEY_UNKNOWN) {
            find(verifier, "record", number, "its batch is sealed by a key that its actor never had");
        }
        return RK_OK;
    }
    return RK_OK;
}

/* ---- positions ---- */

typedef struct at_position {
    verifier *verifier;
    const rk_record *record;
    const rk_batch *batch;
    size_t next; /* leaf */
} at_position;

static bool accepted_event(const at_position *at, size_t leaf) {
    size_t end = 0;
    if (at->batch->leaves[leaf].kind != RK_LEAF_EVENT) return false;
    for (size_t i = 0; i < at->batch->transaction_count; i++) {
        end += at->batch->transactions[i];
        if (leaf < end) return rk_record_accepts(at->record, i);
    }
    return false;
}

static rk_status check_version(verifier *verifier, const rk_stored_event *stored, const rk_event *event) {
    char name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 2];
    rk_bytes found_name = rk_bytes_of(name, rk_format(name, sizeof name, "%b/%b", event->module, event->entity)), kept;
    uint64_t *version = rk_map_get(&verifier->versions, found_name);
    if (!version) {
        version = rk_arena_take(&verifier->arena, sizeof *version);
        if (!version) return RK_NO_MEMORY;
        RK_TRY(rk_arena_copy(&verifier->arena, found_name, &kept));
        RK_TRY(rk_map_set(&verifier->versions, kept, version));
    }
    (*version)++;
    if (stored->version != *version) find(verifier, "position", stored->position, "its version does not follow");
    return RK_OK;
}

static rk_status check_position(void *context, const rk_stored_event *stored) {
    at_position *at = context;
    verifier *verifier = at->verifier;
    while (at->next < at->batch->leaf_count && !accepted_event(at, at->next)) at->next++;
    verifier->report.events++;
    if (at->next == at->batch->leaf_count) {
        find(verifier, "position", stored->position, "no leaf of its batch belongs here");
        return RK_OK;
    }
    const rk_leaf *leaf = &at->batch->leaves[at->next];
    if (stored->leaf != at->next || stored->record != at->record->number ||
        stored->commit_stamp != at->record->commit_stamp || stored->replica != at->record->replica ||
        stored->batch != at->record->batch_number || !rk_bytes_equal(stored->bytes, leaf->bytes)) {
        find(verifier, "position", stored->position, "it is not the event that its record put here");
    }
    at->next++;
    return check_version(verifier, stored, &leaf->event);
}

static rk_status check_positions(verifier *verifier, const rk_record *record, const rk_batch *batch) {
    at_position at = {verifier, record, batch, 0};
    uint64_t before = verifier->report.events, after = record->first_position - 1;
    RK_TRY(verifier->engine->host.store->events(verifier->engine->log, after, after + record->accepted_count,
                                                check_position, &at, verifier->error));
    if (verifier->report.events - before != record->accepted_count) {
        find(verifier, "record", record->number, "events that it accepted are missing");
    }
    return RK_OK;
}

/* ---- records and batches ---- */

static rk_status open_stored(verifier *verifier, const rk_stored_batch *stored, rk_arena *arena, rk_batch *batch_out,
                             rk_error *error) {
    const rk_crypto *crypto = verifier->engine->host.crypto;
    RK_TRY(rk_batch_open_seal(arena, crypto, stored->seal, batch_out, error));
    if (stored->leaf_count != batch_out->leaf_count) {
        return rk_fail(error, RK_CORRUPT, "batch", "%u leaves are stored, %u were sealed", (uint64_t)stored->leaf_count,
                       (uint64_t)batch_out->leaf_count);
    }
    batch_out->leaves = stored->leaves;
    return rk_batch_verify_leaves(arena, crypto, batch_out, error);
}

static rk_status open_record(verifier *verifier, uint64_t number, rk_arena *arena, rk_record *record, rk_batch *batch,
                             rk_error *error) {
    rk_engine *engine = verifier->engine;
    const rk_log_ops *store = engine->host.store;
    rk_bytes bytes;
    rk_stored_batch stored;
    RK_TRY(store->record(engine->log, arena, number, &bytes, error));
    RK_TRY(rk_record_open(arena, engine->host.crypto, bytes, record, error));
    check_record_chain(verifier, number, record, bytes);
    RK_TRY(store->batch(engine->log, arena, record->replica, record->batch_number, &stored, error));
    RK_TRY(open_stored(verifier, &stored, arena, batch, error));
    return rk_record_fits(record, batch, error);
}

static rk_status verify_record(verifier *verifier, uint64_t number, rk_arena *arena) {
    rk_record record;
    rk_batch batch;
    rk_error error = {.code = RK_OK};
    rk_status status = open_record(verifier, number, arena, &record, &batch, &error);
    verifier->report.records++;
    if (status != RK_OK) {
        if (status == RK_NOT_FOUND) rk_fail(&error, RK_CORRUPT, NULL, "it, or its batch, is missing");
        verifier->last.record = number;
        return found(verifier, "record", number, status, &error);
    }
    verifier->report.batches++;
    RK_TRY(check_batch_chain(verifier, "record", number, &batch.header));
    RK_TRY(found(verifier, "record", number, check_key(verifier, number, &batch, arena, &error), &error));
    return check_positions(verifier, &record, &batch);
}

static rk_status verify_pending(void *context, const rk_stored_batch *stored) {
    verifier *verifier = context;
    rk_arena arena = rki_call_arena(verifier->engine);
    rk_batch batch;
    rk_error error = {.code = RK_OK};
    verifier->report.pending++;
    rk_status status = open_stored(verifier, stored, &arena, &batch, &error);
    if (status == RK_OK) {
        status = check_batch_chain(verifier, "pending batch", stored->number, &batch.header);
    } else {
        status = found(verifier, "pending batch", stored->number, status, &error);
    }
    rk_arena_free(&arena);
    return status;
}

static rk_status verify_all(verifier *verifier) {
    rk_engine *engine = verifier->engine;
    const rk_log_ops *store = engine->host.store;
    RK_TRY(store->head(engine->log, &verifier->head, verifier->error));
    for (uint64_t number = 1; number <= verifier->head.record; number++) {
        rk_arena arena = rki_call_arena(engine);
        rk_status status = verify_record(verifier, number, &arena);
        rk_arena_free(&arena);
        RK_TRY(status);
        if (verifier->listener->progress) {
            verifier->listener->progress(verifier->listener->context, number, verifier->head.record);
        }
    }
    if (verifier->last.position != verifier->head.position) {
        find(verifier, "position", verifier->head.position, "the log's end is not where its last record says");
    }
    rk_arena arena = rki_call_arena(engine);
    rk_status status = store->pending_batches(engine->log, &arena, verify_pending, verifier, verifier->error);
    rk_arena_free(&arena);
    return status;
}

rk_status rk_engine_verify(rk_engine *engine, const rk_check_listener *listener, rk_verify_report *report_out,
                           rk_error *error) {
    verifier verifier = {.engine = engine, .listener = listener, .arena = rki_call_arena(engine), .error = error};
    rk_map_init(&verifier.chains, &verifier.arena);
    rk_map_init(&verifier.versions, &verifier.arena);
    rk_status status = rki_begin(engine, false, error);
    if (status == RK_OK) {
        status = verify_all(&verifier);
        rki_view_end(engine);
    }
    if (status == RK_OK) {
        status = engine->host.store->check(engine->log, error);
        if (status == RK_CORRUPT) verifier.report.findings++;
        if (status == RK_CORRUPT) status = RK_OK;
    }
    rk_arena_free(&verifier.arena);
    *report_out = verifier.report;
    if (status == RK_OK && verifier.report.findings > 0) {
        return rk_fail(error, RK_CORRUPT, "verify", "%u findings", verifier.report.findings);
    }
    return status;
}
