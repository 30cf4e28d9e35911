/*
 * What is kept beside the log: stored states, verdicts, and small named values.
 */
#include "store/sqlite/internal.h"

static rk_status copy(rk_arena *arena, rk_bytes bytes, rk_bytes *copy_out, rk_error *error) {
    if (rk_arena_copy(arena, bytes, copy_out) == RK_OK) return RK_OK;
    return rk_fail(error, RK_NO_MEMORY, "log.db", "no memory for what was read");
}

/* ---- states ---- */

static rk_status entity_key(rk_log *log, rk_bytes entity, uint64_t *key_out, rk_error *error) {
    RK_TRY(rki_entity_key(log, entity, false, key_out, error));
    if (*key_out) return RK_OK;
    rk_fail(error, RK_NOT_FOUND, NULL, "the log has no such entity");
    if (error) rk_error_at(error, entity);
    return RK_NOT_FOUND;
}

static rk_status state_insert(rk_log *log, uint64_t key, const rk_stored_state *state, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_STATE_PUT, &query, error));
    rki_bind(&query, 1, key);
    rki_bind(&query, 2, state->version);
    rki_bind(&query, 3, state->position);
    rki_bind_bytes(&query, 4, state->bytes);
    return rki_query_run(&query, error);
}

rk_status rki_state_put(rk_log *log, rk_bytes entity, const rk_stored_state *state, rk_error *error) {
    RK_ASSERT(log->writing);
    uint64_t key = 0;
    RK_TRY(entity_key(log, entity, &key, error));
    return rki_settled(log, state_insert(log, key, state, error));
}

static rk_status state_delete(rk_log *log, uint64_t key, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_STATE_DROP, &query, error));
    rki_bind(&query, 1, key);
    return rki_query_run(&query, error);
}

rk_status rki_state_drop(rk_log *log, rk_bytes entity, rk_error *error) {
    RK_ASSERT(log->writing);
    uint64_t key = 0;
    RK_TRY(rki_entity_key(log, entity, false, &key, error));
    return key ? rki_settled(log, state_delete(log, key, error)) : RK_OK;
}

rk_status rki_state_get(rk_log *log, rk_arena *arena, rk_bytes entity, rk_stored_state *state_out, rk_error *error) {
    *state_out = (rk_stored_state){0};
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_STATE_GET, &query, error));
    rki_bind_bytes(&query, 1, entity);
    bool row = false;
    rk_status status;
    RK_TRY_DONE(rki_query_step(&query, &row, error));
    if (!row) {
        status = rk_fail(error, RK_NOT_FOUND, "state", "no state is stored for \"%b\"", entity);
        goto done;
    }
    state_out->version = rki_column(&query, 0);
    state_out->position = rki_column(&query, 1);
    status = copy(arena, rki_column_bytes(&query, 2), &state_out->bytes, error);
done:
    rki_query_end(&query);
    return status;
}

/* ---- verdicts ---- */

static rk_status verdict_insert(rk_log *log, const rk_verdict *verdict, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_VERDICT_PUT, &query, error));
    rki_bind(&query, 1, verdict->replica);
    rki_bind(&query, 2, verdict->batch);
    rki_bind(&query, 3, verdict->transaction);
    rki_bind_bytes(&query, 4, verdict->code);
    rki_bind_bytes(&query, 5, verdict->what);
    rki_bind_bytes(&query, 6, verdict->hint);
    return rki_query_run(&query, error);
}

rk_status rki_verdict_put(rk_log *log, const rk_verdict *verdict, rk_error *error) {
    RK_ASSERT(log->writing);
    return rki_settled(log, verdict_insert(log, verdict, error));
}

rk_status rki_verdict_drop(rk_log *log, uint64_t replica, uint64_t batch, rk_error *error) {
    RK_ASSERT(log->writing);
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_VERDICT_DROP, &query, error));
    rki_bind(&query, 1, replica);
    rki_bind(&query, 2, batch);
    return rki_settled(log, rki_query_run(&query, error));
}

rk_status rki_verdicts(rk_log *log, rk_verdict_visitor visit, void *context, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_VERDICT_WALK, &query, error));
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        rk_verdict verdict = {.replica = rki_column(&query, 0),
                              .batch = rki_column(&query, 1),
                              .transaction = (uint32_t)rki_column(&query, 2),
                              .code = rki_column_bytes(&query, 3),
                              .what = rki_column_bytes(&query, 4),
                              .hint = rki_column_bytes(&query, 5)};
        RK_TRY_DONE(visit(context, &verdict));
    }
done:
    rki_query_end(&query);
    return status;
}

/* ---- named values ---- */

static rk_status meta_insert(rk_log *log, rk_bytes name, rk_bytes value, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_META_PUT, &query, error));
    rki_bind_bytes(&query, 1, name);
    rki_bind_bytes(&query, 2, value);
    return rki_query_run(&query, error);
}

rk_status rki_meta_put(rk_log *log, rk_bytes name, rk_bytes value, rk_error *error) {
    RK_ASSERT(log->writing);
    return rki_settled(log, meta_insert(log, name, value, error));
}

static rk_status meta_delete(rk_log *log, rk_bytes name, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_META_DROP, &query, error));
    rki_bind_bytes(&query, 1, name);
    return rki_query_run(&query, error);
}

rk_status rki_meta_drop(rk_log *log, rk_bytes name, rk_error *error) {
    RK_ASSERT(log->writing);
    return rki_settled(log, meta_delete(log, name, error));
}

rk_status rki_meta_get(rk_log *log, rk_arena *arena, rk_bytes name, rk_bytes *value_out, rk_error *error) {
    *value_out = (rk_bytes){NULL, 0};
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_META_GET, &query, error));
    rki_bind_bytes(&query, 1, name);
    bool row = false;
    rk_status status;
    RK_TRY_DONE(rki_query_step(&query, &row, error));
    status = row ? copy(arena, rki_column_bytes(&query, 0), value_out, error)
                 : rk_fail(error, RK_NOT_FOUND, "meta", "no value is named \"%b\"", name);
done:
    rki_query_end(&query);
    return status;
}
