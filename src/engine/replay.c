/*
 * Replay: every entity folded again from its first event, beside the stored states.
 *
 * Invariants
 *   (1) The stored state at version v must have the bytes that folding versions 1 .. v gives, and its tail on top of it
 *       those of the whole fold.
 *   (2) Of the entities that are replayed the cache is not asked: only the log.
 *   (3) Where index rows are kept they must be those of the whole fold.
 */
#include <string.h>

#include "engine/inner.h"

typedef struct replay {
    rk_engine *engine;
    const rk_check_listener *listener;
    rk_replay_report report;
    uint64_t events_total;
    rk_error *error;
} replay;

static void find(replay *replay, rk_bytes name, const char *what) {
    char where[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 2];
    rk_format(where, sizeof where, "%b", name);
    replay->report.differing++;
    replay->listener->finding(replay->listener->context, where, what);
}

/* What says nothing of the log's bytes, but that the replay cannot go on. */
static bool ends(rk_status status) {
    return status == RK_NO_MEMORY || status == RK_IO || status == RK_DISK_FULL || status == RK_BUSY;
}

static rk_status bytes_of(rk_state *state, rk_arena *arena, rk_bytes *bytes_out, rk_error *error) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, RK_STATE_SIZE_MAX);
    rk_state_encode(state, &buffer);
    rk_status status = rk_buffer_finish(&buffer, bytes_out);
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "a state is too large to encode");
}

/* What the stored state and its tail give; empty when the stored bytes are no state at all. */
static rk_status bytes_from_stored(replay *replay, rk_bytes name, const rk_stored_state *stored, rk_arena *arena,
                                   rk_bytes *bytes_out) {
    uint64_t version = 0, position = 0, size = 0;
    rk_state *state = NULL;
    *bytes_out = (rk_bytes){NULL, 0};
    rk_status status =
        rk_state_decode(replay->engine->host.memory, RK_STATE_SIZE_MAX, stored->bytes, &state, replay->error);
    if (status == RK_CORRUPT) return RK_OK;
    RK_TRY(status);
    status = rki_entity_fold(replay->engine, name, state, stored->version, UINT64_MAX, UINT64_MAX, &version, &position,
                             &size, replay->error);
    if (status == RK_OK) status = bytes_of(state, arena, bytes_out, replay->error);
    rk_state_free(state);
    return ends(status) ? status : RK_OK; /* what does not fold gives no equal bytes */
}

static rk_status compare(replay *replay, rk_bytes name, rk_state *state, const rk_stored_state *stored,
                         uint64_t version, rk_arena *arena) {
    uint64_t position = 0, size = 0;
    rk_bytes again, whole, from_stored;
    RK_TRY(bytes_of(state, arena, &again, replay->error));
    replay->report.states++;
    bool same = version == stored->version && rk_bytes_equal(again, stored->bytes);
    RK_TRY(rki_entity_fold(replay->engine, name, state, version, UINT64_MAX, UINT64_MAX, &version, &position, &size,
                           replay->error));
    replay->report.events += version - stored->version;
    RK_TRY(bytes_of(state, arena, &whole, replay->error));
    RK_TRY(bytes_from_stored(replay, name, stored, arena, &from_stored));
    if (!same) {
        find(replay, name, "the stored state is not what its events fold to");
    } else if (!rk_bytes_equal(whole, from_stored)) {
        find(replay, name, "the stored state and the events since it do not fold to what all events fold to");
    }
    return RK_OK;
}

/* Rows that a query would find the entity by, or would miss it by, against the state that its events fold to. */
static rk_status compare_index(replay *replay, rk_bytes name, rk_state *state, rk_arena *arena) {
    bool compared = false;
    rk_bytes field;
    char what[RK_ERROR_WHAT_MAX];
    RK_TRY(rki_index_compare(replay->engine, name, state, arena, &compared, &field, replay->error));
    replay->report.indexed += compared;
    if (field.size == 0) return RK_OK;
    rk_format(what, sizeof what, "its index rows for the field \"%b\" are not what its state says", field);
    find(replay, name, what);
    return RK_OK;
}

static rk_status replay_entity(replay *replay, rk_bytes name, rk_state *state, rk_arena *arena) {
    rk_engine *engine = replay->engine;
    rk_stored_state stored;
    uint64_t version = 0, position = 0, size = 0;
    rk_status status = engine->host.store->state_get(engine->log, arena, name, &stored, replay->error);
    if (status != RK_OK && status != RK_NOT_FOUND) return status;
    bool has_state = status == RK_OK;
    status = rki_entity_fold(engine, name, state, 0, has_state ? stored.version : UINT64_MAX, UINT64_MAX, &version,
                             &position, &size, replay->error);
    replay->report.events += version;
    if (status == RK_OK && has_state) status = compare(replay, name, state, &stored, version, arena);
    if (status == RK_OK && version > 0) status = compare_index(replay, name, state, arena);
    if (status == RK_OK || ends(status)) return status;
    find(replay, name, replay->error && replay->error->what[0] ? replay->error->what : "its events do not fold");
    return RK_OK;
}

static rk_status visit(void *context, const rk_stored_entity *entity) {
    replay *replay = context;
    rk_state *state = NULL;
    rk_arena arena = rki_call_arena(replay->engine);
    rk_status status = rk_state_new(replay->engine->host.memory, RK_STATE_SIZE_MAX, &state);
    if (status == RK_OK) status = replay_entity(replay, entity->entity, state, &arena);
    rk_state_free(state);
    rk_arena_free(&arena);
    replay->report.entities++;
    if (replay->listener->progress) {
        replay->listener->progress(replay->listener->context, replay->report.events, replay->events_total);
    }
    return status;
}

static rk_status replay_some(replay *replay, rk_bytes name) {
    rk_engine *engine = replay->engine;
    rk_log_head head;
    RK_TRY(engine->host.store->head(engine->log, &head, replay->error));
    replay->events_total = head.position;
    if (name.size == 0) return engine->host.store->entities(engine->log, name, visit, replay, replay->error);
    rk_stored_entity entity;
    rk_bytes module, id;
    RK_TRY(rk_entity_split(name, &module, &id, replay->error));
    RK_TRY(engine->host.store->entity(engine->log, name, &entity, replay->error));
    if (entity.version == 0) return rk_fail(replay->error, RK_NOT_FOUND, NULL, "no event of %b is there", name);
    entity.entity = name;
    return visit(replay, &entity);
}

rk_status rk_engine_replay(rk_engine *engine, rk_bytes name, const rk_check_listener *listener,
                           rk_replay_report *report_out, rk_error *error) {
    replay replay = {.engine = engine, .listener = listener, .error = error};
    RK_TRY(rki_begin(engine, false, error));
    rk_status status = replay_some(&replay, name);
    rki_view_end(engine);
    *report_out = replay.report;
    if (status == RK_OK && replay.report.differing > 0) {
        return rk_fail(error, RK_CORRUPT, "replay", "%u of %u entities differ", replay.report.differing,
                       replay.report.entities);
    }
    return status;
}
