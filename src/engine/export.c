/*
 * Frames out: everything that is known here after a position.
 */
#include <string.h>

#include "engine/inner.h"

typedef struct exporter {
    rk_engine *engine;
    rk_frame_visitor visit;
    void *context;
    rk_log_head head;
    rk_error *error;
} exporter;

static rk_status open_record(rk_engine *engine, uint64_t number, rk_arena *arena, rk_bytes *bytes_out,
                             rk_record *record_out, rk_error *error) {
    RK_TRY(engine->host.store->record(engine->log, arena, number, bytes_out, error));
    return rk_record_open(arena, engine->host.crypto, *bytes_out, record_out, error);
}

/* The first record that a reader at position `after` may lack: the one behind the record that reached it. */
static rk_status first_record(exporter *exporter, uint64_t after, uint64_t *number_out) {
    uint64_t low = 1, high = exporter->head.record + 1;
    *number_out = 1;
    if (after == 0) return RK_OK;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        rk_arena arena = rki_call_arena(exporter->engine);
        rk_bytes bytes;
        rk_record record;
        rk_status status = open_record(exporter->engine, middle, &arena, &bytes, &record, exporter->error);
        rk_arena_free(&arena);
        RK_TRY(status);
        if (record.first_position + record.accepted_count > after) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *number_out = low <= exporter->head.record ? low + 1 : low;
    return RK_OK;
}

static rk_status export_head(exporter *exporter, uint64_t after, uint64_t record_from) {
    rk_engine *engine = exporter->engine;
    rk_frame frame = {.kind = RK_FRAME_HEAD,
                      .log = engine->log_id,
                      .account = engine->account,
                      .from_truth = engine->truth,
                      .epoch = exporter->head.epoch,
                      .from = after,
                      .to = exporter->head.position,
                      .record_from = record_from,
                      .record_to = exporter->head.record,
                      .replica = engine->replica};
    return exporter->visit(exporter->context, &frame);
}

/* The batch as it goes out. In committed form what was refused is its hash alone, also where the sender has more. */
static rk_status encode_stored(rk_engine *engine, rk_stored_batch *stored, const rk_record *record, rk_arena *arena,
                               rk_bytes *bytes_out, rk_error *error) {
    rk_batch batch;
    RK_TRY(rk_batch_open_seal(arena, engine->host.crypto, stored->seal, &batch, error));
    batch.leaves = stored->leaves;
    rk_leaf *leaf = stored->leaves;
    for (size_t i = 0; i < batch.transaction_count; i++) {
        bool refused = record && !rk_record_accepts(record, i);
        for (uint32_t n = 0; n < batch.transactions[i]; n++, leaf++) {
            if (!refused || leaf->kind == RK_LEAF_HASH) continue;
            rk_hash hash = rk_sha256(engine->host.crypto, leaf->bytes);
            leaf->hash = rk_merkle_leaf(engine->host.crypto, leaf->salt, &hash);
            leaf->kind = RK_LEAF_HASH;
        }
    }
    rk_status status = rk_batch_encode(arena, &batch, bytes_out);
    return status == RK_OK ? RK_OK : rk_fail(error, status, "batch", "it cannot be encoded");
}

static rk_status export_commit(exporter *exporter, uint64_t number, rk_arena *arena) {
    rk_engine *engine = exporter->engine;
    rk_record record;
    rk_stored_batch stored;
    rk_frame frame = {.kind = RK_FRAME_COMMIT, .log = engine->log_id, .number = number};
    RK_TRY(open_record(engine, number, arena, &frame.record, &record, exporter->error));
    RK_TRY(
        engine->host.store->batch(engine->log, arena, record.replica, record.batch_number, &stored, exporter->error));
    RK_TRY(encode_stored(engine, &stored, &record, arena, &frame.batch, exporter->error));
    frame.epoch = record.epoch;
    return exporter->visit(exporter->context, &frame);
}

static rk_status export_commits(exporter *exporter, uint64_t from) {
    for (uint64_t number = from; number <= exporter->head.record; number++) {
        rk_arena arena = rki_call_arena(exporter->engine);
        rk_status status = export_commit(exporter, number, &arena);
        rk_arena_free(&arena);
        RK_TRY(status);
    }
    return RK_OK;
}

static rk_status export_pending(void *context, const rk_stored_batch *stored) {
    exporter *exporter = context;
    rk_engine *engine = exporter->engine;
    rk_arena arena = rki_call_arena(engine);
    rk_stored_batch copy = *stored;
    rk_frame frame = {
        .kind = RK_FRAME_PENDING, .log = engine->log_id, .replica = stored->replica, .number = stored->number};
    rk_status status = encode_stored(engine, &copy, NULL, &arena, &frame.batch, exporter->error);
    if (status == RK_OK) status = exporter->visit(exporter->context, &frame);
    rk_arena_free(&arena);
    return status;
}

static rk_status export_verdict(void *context, const rk_verdict *verdict) {
    exporter *exporter = context;
    const rk_frame frame = {.kind = RK_FRAME_VERDICT,
                            .log = exporter->engine->log_id,
                            .replica = verdict->replica,
                            .number = verdict->batch,
                            .transaction = verdict->transaction,
                            .code = verdict->code,
                            .what = verdict->what,
                            .hint = verdict->hint};
    return exporter->visit(exporter->context, &frame);
}

static rk_status export_all(exporter *exporter, uint64_t after) {
    rk_engine *engine = exporter->engine;
    const rk_log_ops *store = engine->host.store;
    uint64_t from = 0;
    RK_TRY(store->head(engine->log, &exporter->head, exporter->error));
    if (after > exporter->head.position) {
        return rk_fail(exporter->error, RK_NOT_FOUND, "export", "the log ends at position %u", exporter->head.position);
    }
    RK_TRY(first_record(exporter, after, &from));
    RK_TRY(export_head(exporter, after, from));
    RK_TRY(export_commits(exporter, from));
    if (engine->truth) return store->verdicts(engine->log, export_verdict, exporter, exporter->error);
    rk_arena arena = rki_call_arena(engine);
    rk_status status = store->pending_batches(engine->log, &arena, export_pending, exporter, exporter->error);
    rk_arena_free(&arena);
    return status;
}

rk_status rki_export_all(rk_engine *engine, uint64_t after, rk_frame_visitor visit, void *context, rk_error *error) {
    exporter exporter = {.engine = engine, .visit = visit, .context = context, .error = error};
    return export_all(&exporter, after);
}

rk_status rk_engine_export(rk_engine *engine, uint64_t after, rk_frame_visitor visit, void *context, rk_error *error) {
    RK_TRY(rki_place_settle(engine, error));
    RK_TRY(rki_begin(engine, false, error));
    rk_status status = rki_export_all(engine, after, visit, context, error);
    rki_view_end(engine);
    return status;
}

/* ---- in parts ---- */

rk_status rk_engine_export_begin(rk_engine *engine, rk_export_place *place_out, rk_error *error) {
    *place_out = (rk_export_place){.begun = false};
    if (!engine->truth) return rk_fail(error, RK_NOT_TRUTH, "export", "a device's log is a part of the truth's");
    RK_TRY(rki_place_settle(engine, error));
    return engine->host.store->head(engine->log, &place_out->head, error);
}

static rk_status export_part(exporter *exporter, rk_export_place *place) {
    rk_status status = RK_OK;
    if (!place->begun) {
        status = export_head(exporter, 0, 1);
        place->begun = status == RK_OK || status == RK_LIMIT;
    }
    while (status == RK_OK && place->record < place->head.record) {
        rk_arena arena = rki_call_arena(exporter->engine);
        status = export_commit(exporter, place->record + 1, &arena);
        rk_arena_free(&arena);
        if (status == RK_OK || status == RK_LIMIT) place->record++;
    }
    return status == RK_LIMIT ? RK_OK : status;
}

rk_status rk_engine_export_next(rk_engine *engine, rk_export_place *place, rk_frame_visitor visit, void *context,
                                bool *more_out, rk_error *error) {
    exporter exporter = {.engine = engine, .visit = visit, .context = context, .head = place->head, .error = error};
    RK_TRY(rki_begin(engine, false, error));
    rk_status status = export_part(&exporter, place);
    rki_view_end(engine);
    *more_out = !place->begun || place->record < place->head.record;
    return status;
}
