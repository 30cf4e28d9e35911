/*
 * Sealing: batches by an actor's key, records by the truth's, and appending both.
 */
#include <string.h>

#include "core/reduce/splice.h"
#include "engine/inner.h"

rk_status rki_header_next(rk_engine *engine, uint64_t replica, rk_arena *arena, rk_header *header_out,
                          rk_error *error) {
    rk_stored_batch last = {.number = engine->last.number, .root = engine->last.root};
    *header_out = (rk_header){.account = engine->account, .log = engine->log_id, .replica = replica};
    if (engine->last.replica != replica) {
        RK_TRY(engine->host.store->last_batch(engine->log, arena, replica, &last, error));
    }
    header_out->number = last.number + 1;
    header_out->previous_root = last.root;
    return RK_OK;
}

void rki_batch_secret(const rk_crypto *crypto, const rk_key_pair *pair, const rk_header *header,
                      uint8_t secret_out[RK_SECRET_SIZE]) {
    uint8_t message[RK_HASH_SIZE + RK_LOG_ID_SIZE + 16];
    memcpy(message, header->account.bytes, RK_HASH_SIZE);
    memcpy(message + RK_HASH_SIZE, header->log.bytes, RK_LOG_ID_SIZE);
    rk_put_u64(message + RK_HASH_SIZE + RK_LOG_ID_SIZE, header->replica);
    rk_put_u64(message + RK_HASH_SIZE + RK_LOG_ID_SIZE + 8, header->number);
    rk_hash hash = rk_hmac_sha256(crypto, rk_bytes_of(pair->seed, RK_SEED_SIZE), rk_bytes_of(message, sizeof message));
    memcpy(secret_out, hash.bytes, RK_SECRET_SIZE);
}

static uint64_t count_accepted(const rk_batch *batch, const rk_record *record, uint64_t *size_out) {
    const rk_leaf *leaf = batch->leaves;
    uint64_t count = 0;
    *size_out = 0;
    for (size_t i = 0; i < batch->transaction_count; i++) {
        for (uint32_t n = 0; n < batch->transactions[i]; n++, leaf++) {
            if (!rk_record_accepts(record, i) || leaf->kind != RK_LEAF_EVENT) continue;
            count++;
            *size_out += leaf->bytes.size;
        }
    }
    return count;
}

rk_status rki_batch_commit(rk_engine *engine, const rk_batch *batch, rk_bytes bitmap, rki_court *court,
                           rk_stamp commit_stamp, rk_arena *arena, rk_error *error) {
    rk_log_head head;
    const rk_key_pair *pair = NULL;
    const rk_log_ops *store = engine->host.store;
    RK_TRY(store->head(engine->log, &head, error));
    RK_TRY(rki_truth_pair(engine, &pair, error));
    rk_record record = {.account = engine->account,
                        .log = engine->log_id,
                        .epoch = engine->epoch,
                        .number = head.record + 1,
                        .previous = head.record_hash,
                        .replica = batch->header.replica,
                        .batch_number = batch->header.number,
                        .batch_root = batch->header.root,
                        .first_position = head.position + 1,
                        .bitmap = bitmap,
                        .commit_stamp = commit_stamp,
                        .account_position = head.position,
                        .signer = pair->public_key};
    uint64_t size = 0;
    record.accepted_count = count_accepted(batch, &record, &size);
    rk_append append = {.batch = batch, .record = &record};
    if (court) RK_TRY(rki_court_reads(court, &append.reads, &append.read_count, error));
    rk_status status = rk_record_seal(arena, engine->host.crypto, pair, &record, &append.record_bytes);
    if (status != RK_OK) return rk_fail(error, status, "record", "it could not be sealed");
    RK_TRY(rki_quota_count(engine, size, error));
    RK_TRY(store->append(engine->log, &append, error));
    engine->last = batch->header;
    return RK_OK;
}

/* ---- Lamport numbers ---- */

static const char *floor_name(rk_bytes module, rk_bytes entity, char out[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 16]) {
    rk_format(out, RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 16, "lamport/%b/%b", module, entity);
    return out;
}

rk_status rki_lamport_floor(rk_engine *engine, rk_bytes module, rk_bytes entity, uint64_t *floor_out, rk_error *error) {
    char name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 16];
    rk_arena arena = rki_call_arena(engine);
    rk_bytes value;
    *floor_out = 0;
    rk_status status = engine->host.store->meta_get(
        engine->log, &arena, rk_bytes_of_string(floor_name(module, entity, name)), &value, error);
    if (status == RK_OK && value.size == 8) *floor_out = rk_get_u64(value.data);
    rk_arena_free(&arena);
    return status == RK_NOT_FOUND ? RK_OK : status;
}

rk_status rki_lamport_raise(rk_engine *engine, const rk_event *event, rk_error *error) {
    char name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 16];
    uint64_t highest = 0, floor = 0;
    for (size_t i = 0; i < event->operation_count; i++) {
        const rk_operation *operation = &event->operations[i];
        if (operation->kind != RK_OPERATION_SPLICE) continue;
        uint64_t last = rk_splice_lamport_max(rk_operation_value(event, operation), &operation->resolved);
        if (last > highest) highest = last;
    }
    RK_TRY(rki_lamport_floor(engine, event->module, event->entity, &floor, error));
    if (highest <= floor) return RK_OK;
    return rki_meta_put_u64(engine, floor_name(event->module, event->entity, name), highest, error);
}
