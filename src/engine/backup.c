/*
 * Backups of a truth: its log as an export has it, with the hash of each entity's state; and the way back.
 *
 * A restored truth is filled like a device, so that every record is checked from the genesis on. It becomes the truth
 * when the truth's key is there, and goes on in a new epoch with its first write (see rk_engine_open).
 */
#include <string.h>

#include "engine/inner.h"

/* ---- hashes of states ---- */

/* Folded from the first event: neither the cache nor a stored state is asked. */
static rk_status hash_state(rk_engine *engine, rk_bytes name, rk_state *state, rk_arena *arena, uint64_t *version_out,
                            rk_hash *hash_out, rk_error *error) {
    uint64_t position = 0, size = 0;
    rk_buffer buffer;
    rk_bytes bytes;
    *version_out = 0;
    RK_TRY(rki_entity_fold(engine, name, state, 0, UINT64_MAX, UINT64_MAX, version_out, &position, &size, error));
    rk_buffer_init(&buffer, arena, RK_STATE_SIZE_MAX);
    rk_state_encode(state, &buffer);
    if (rk_buffer_finish(&buffer, &bytes) != RK_OK) return rk_fail(error, RK_LIMIT, "state", "it is too large");
    *hash_out = rk_sha256(engine->host.crypto, bytes);
    return RK_OK;
}

static rk_status fold_hash(rk_engine *engine, rk_bytes name, uint64_t *version_out, rk_hash *hash_out,
                           rk_error *error) {
    rk_state *state = NULL;
    rk_arena arena = rki_call_arena(engine);
    rk_status status = rk_state_new(engine->host.memory, RK_STATE_SIZE_MAX, &state);
    if (status == RK_OK) {
        status = hash_state(engine, name, state, &arena, version_out, hash_out, error);
    } else {
        rk_fail(error, status, NULL, "no memory for a state");
    }
    rk_state_free(state);
    rk_arena_free(&arena);
    return status;
}

rk_status rk_engine_state_hash(rk_engine *engine, rk_bytes entity, uint64_t *version_out, rk_hash *hash_out,
                               rk_error *error) {
    RK_TRY(rki_begin(engine, false, error));
    rk_status status = fold_hash(engine, entity, version_out, hash_out, error);
    rki_view_end(engine);
    return status;
}

/* ---- out ---- */

typedef struct backup {
    rk_engine *engine;
    rk_state_visitor visit;
    void *context;
    rk_error *error;
} backup;

static rk_status visit_state(void *context, const rk_stored_entity *entity) {
    backup *backup = context;
    uint64_t version = 0;
    rk_hash hash;
    RK_TRY(fold_hash(backup->engine, entity->entity, &version, &hash, backup->error));
    return backup->visit(backup->context, entity->entity, version, &hash);
}

rk_status rk_engine_backup(rk_engine *engine, rk_frame_visitor frames, rk_state_visitor states, void *context,
                           rk_error *error) {
    backup backup = {.engine = engine, .visit = states, .context = context, .error = error};
    if (!engine->truth) return rk_fail(error, RK_NOT_TRUTH, "backup", "a device is restored by joining anew");
    RK_TRY(rki_place_settle(engine, error));
    RK_TRY(rki_begin(engine, false, error));
    rk_status status = rki_export_all(engine, 0, frames, context, error);
    if (status == RK_OK) {
        status = engine->host.store->entities(engine->log, (rk_bytes){NULL, 0}, visit_state, &backup, error);
    }
    rki_view_end(engine);
    return status;
}

/* ---- in ---- */

typedef struct origin {
    const rk_hash *account;
    const rk_log_id *log;
} origin;

static rk_status fill_restored(rk_engine *engine, const void *what, rk_error *error) {
    const origin *origin = what;
    engine->account = *origin->account;
    engine->log_id = *origin->log;
    engine->restoring = true;
    return rki_identity_put(engine, false, error);
}

rk_status rk_engine_create_restored(const rk_host *host, const rk_hash *account, const rk_log_id *log,
                                    rk_engine **engine_out, rk_error *error) {
    origin origin = {account, log};
    return rki_engine_make(host, &origin, fill_restored, engine_out, error);
}

/* Without a place these files are a copy, and the next write renews what a copy has to. */
static rk_status promote(rk_engine *engine, rk_error *error) {
    static const uint8_t yes = 1;
    const rk_log_ops *store = engine->host.store;
    rk_log_head head;
    RK_TRY(store->head(engine->log, &head, error));
    RK_TRY(store->meta_put(engine->log, RK_TEXT("truth"), rk_bytes_of(&yes, 1), error));
    RK_TRY(rki_meta_put_u64(engine, "epoch", head.epoch, error));
    return store->meta_drop(engine->log, RK_TEXT("place"), error);
}

rk_status rk_engine_promote(rk_engine *engine, rk_error *error) {
    rk_key_pair pair;
    RK_TRY(engine->host.key_get(engine->host.context, RK_OWNER_TRUTH, (rk_bytes){NULL, 0}, &pair, error));
    if (!engine->has_truth_key || !rk_key_equal(&pair.public_key, &engine->truth_key)) {
        return rk_fail(error, RK_NO_KEY, "truth", "the key is not the one that signs this log's records");
    }
    RK_TRY(rki_begin(engine, true, error));
    rk_status status = promote(engine, error);
    if (status != RK_OK) {
        rki_rollback(engine);
        return status;
    }
    RK_TRY(rki_commit(engine, error));
    engine->truth = true;
    engine->restoring = engine->settled = false;
    return RK_OK;
}
