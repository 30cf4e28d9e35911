/*
 * States of entities: from the stored state and the events since, kept in a cache between calls.
 *
 * Invariants
 *   (1) A cached committed state stands at a version that the log had. Another process may have gone on: what is new is
 *       folded on top when the entity is next loaded. When something was taken back (the generation or the head says
 *       so), the whole cache is dropped.
 *   (2) A view is its committed state with this replica's pending events folded on top, in the order of admission. A
 *       transaction that does not fold there whole (what it leans on was refused, or its guards no longer hold) is left
 *       out: the truth will refuse it too. That depends on modules and actors as well: all views are dropped when the
 *       log of a device has grown, and when it publishes.
 *   (3) While a court sits, cached states are ahead of the log by what it accepted, and by nothing else.
 */
#include <string.h>

#include "engine/inner.h"

/* ---- the cache ---- */

void rki_entity_drop(rk_engine *engine, rki_entity *entity) {
    if (rk_bytes_equal(entity->module, RK_TEXT("module"))) rki_modules_drop(engine, entity->id);
    rk_state_free(entity->view);
    rk_state_free(entity->committed);
    entity->committed = entity->view = NULL;
    entity->view_made = false;
    entity->version = entity->position = entity->pending = 0;
    entity->snapshot_size = entity->tail_size = entity->indexed = 0;
    entity->touched = entity->hashed = 0;
}

void rki_views_drop(rk_engine *engine) {
    for (size_t i = 0; i < engine->cache.entry_count; i++) {
        rki_entity *entity = engine->cache.entries[i].value;
        if (!entity) continue;
        rk_state_free(entity->view);
        entity->view = NULL;
        entity->view_made = false;
        entity->pending = 0;
    }
    rki_modules_drop_proposed(engine);
}

void rki_cache_clear(rk_engine *engine) {
    for (size_t i = 0; i < engine->cache.entry_count; i++) {
        rki_entity *entity = engine->cache.entries[i].value;
        if (entity) rki_entity_drop(engine, entity);
    }
    rki_modules_drop(engine, (rk_bytes){NULL, 0});
    rk_arena_free(&engine->cache_arena);
    rk_map_init(&engine->cache, &engine->cache_arena);
    engine->asked = NULL;
    engine->cache_size = 0;
}

static uint64_t kept_size(const rki_entity *entity) {
    return (entity->committed ? rk_state_size(entity->committed) : 0) +
           (entity->view ? rk_state_size(entity->view) : 0) + sizeof *entity;
}

static void count_cache(rk_engine *engine) {
    engine->cache_size = 0;
    for (size_t i = 0; i < engine->cache.entry_count; i++) {
        const rki_entity *entity = engine->cache.entries[i].value;
        if (entity) engine->cache_size += kept_size(entity);
    }
}

/*
 * What was added since the last count is a guess; so it is counted again before anything goes, and a quarter is left
 * free, or it would soon be counted again for little.
 *
 * Every second state goes, whichever was used last: a round over a few more states than fit finds half of them again,
 * where dropping the oldest, or all, would find none. Modules stay: they are dear to compile.
 */
void rki_cache_fit(rk_engine *engine) {
    uint64_t most = engine->host.cache_size_max;
    if (most == 0 || most > RKI_CACHE_SIZE_MAX) most = RKI_CACHE_SIZE_MAX;
    if (engine->cache_size <= most) return;
    count_cache(engine);
    if (engine->cache_size <= most / 4 * 3) return;
    for (size_t i = 0; i < engine->cache.entry_count; i++) {
        rki_entity *entity = engine->cache.entries[i].value;
        bool goes = (i + engine->begin_count) % 2 && entity && !rk_bytes_equal(entity->module, RK_TEXT("module"));
        if (goes) rki_entity_drop(engine, entity);
    }
    count_cache(engine);
    if (engine->cache_size > most / 4 * 3) rki_cache_clear(engine);
}

static rk_status new_entity(rk_engine *engine, rk_bytes name, rki_entity **entity_out, rk_error *error) {
    rki_entity *entity = rk_arena_take(&engine->cache_arena, sizeof *entity);
    if (!entity || rk_arena_copy(&engine->cache_arena, name, &entity->name) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, "cache", "no memory for an entity");
    }
    RK_TRY(rk_entity_split(entity->name, &entity->module, &entity->id, error));
    if (rk_map_set(&engine->cache, entity->name, entity) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, "cache", "no memory for an entity");
    }
    *entity_out = entity;
    return RK_OK;
}

/* ---- folding ---- */

rk_status rki_event_fold(rk_engine *engine, rk_state *state, const rk_event *event, uint32_t current, uint64_t version,
                         rk_stamp commit_stamp, const rki_court *court, rk_arena *arena, rk_error *error) {
    rki_reading reading;
    RK_TRY(rki_event_read_at(engine, event, current, court, arena, &reading, error));
    rk_scene scene = {.module = reading.module,
                      .event = event,
                      .entity = event->entity,
                      .actor = {.id = event->actor, .kind = event->actor_kind},
                      .state = state,
                      .version = version,
                      .stamp = event->id.stamp,
                      .data = &reading.data};
    if (commit_stamp) {
        scene.stamp = reading.type->ordered ? commit_stamp : rk_stamp_effective(event->id.stamp, commit_stamp);
    }
    return rk_state_fold(&scene, reading.sets, arena, error);
}

/* A walk over an entity's events that folds them. */
typedef struct folder {
    rk_engine *engine;
    rk_state *state;
    uint64_t position_max;
    uint64_t version;
    uint64_t position;
    uint64_t size;
    rk_error *error;
} folder;

/* An event that was accepted decodes and folds; where one does not, its bytes are not what they were. */
static rk_status damaged(const rk_stored_event *stored, rk_status status, rk_error *error) {
    if (status == RK_OK || status == RK_NO_MEMORY || status == RK_UNKNOWN_MODULE || rk_status_exit(status) == 3) {
        return status;
    }
    char what[RK_ERROR_WHAT_MAX], where[40];
    rk_format(what, sizeof what, "%s", error ? error->what : "");
    rk_format(where, sizeof where, "position %u", stored->position);
    return rk_fail(error, RK_CORRUPT, where, "the stored event does not fold: %s", what);
}

rk_status rki_stored_fold(rk_engine *engine, rk_state *state, const rk_stored_event *stored, uint64_t version,
                          rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    rk_event event;
    uint32_t current = 0;
    rk_status status = rk_event_decode(&arena, stored->bytes, &event, error);
    if (status == RK_OK) {
        status = rki_module_version_at(engine, event.module, stored->position, &current, error);
    }
    if (status == RK_OK) {
        status = rki_event_fold(engine, state, &event, current, version, stored->commit_stamp, NULL, &arena, error);
    }
    rk_arena_free(&arena);
    return damaged(stored, status, error);
}

static rk_status fold_stored(void *context, const rk_stored_event *stored) {
    folder *folder = context;
    if (stored->position > folder->position_max) return RK_OK;
    RK_TRY(rki_stored_fold(folder->engine, folder->state, stored, folder->version, folder->error));
    folder->version = stored->version;
    folder->position = stored->position;
    folder->size += stored->bytes.size;
    return RK_OK;
}

rk_status rki_entity_fold(rk_engine *engine, rk_bytes name, rk_state *state, uint64_t after, uint64_t up_to,
                          uint64_t position_max, uint64_t *version_out, uint64_t *position_out, uint64_t *size_out,
                          rk_error *error) {
    folder folder = {.engine = engine,
                     .state = state,
                     .position_max = position_max,
                     .version = after,
                     .position = *position_out,
                     .error = error};
    rk_status status = engine->host.store->entity_events(engine->log, name, after, up_to, fold_stored, &folder, error);
    *version_out = folder.version;
    *position_out = folder.position;
    *size_out += folder.size;
    if (status != RK_OK) rk_error_at(error, name);
    return status;
}

/* ---- loading ---- */

static rk_status start_committed(rk_engine *engine, rki_entity *entity, rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    rk_stored_state stored;
    rk_status status = engine->host.store->state_get(engine->log, &arena, entity->name, &stored, error);
    if (status == RK_NOT_FOUND) {
        status = rk_state_new(engine->host.memory, RK_STATE_SIZE_MAX, &entity->committed);
        if (status != RK_OK) rk_fail(error, status, "cache", "no memory for a state");
    } else if (status == RK_OK) {
        status = rk_state_decode(engine->host.memory, RK_STATE_SIZE_MAX, stored.bytes, &entity->committed, error);
        if (status != RK_OK) rk_error_at(error, entity->name);
        entity->version = stored.version;
        entity->position = stored.position;
        entity->snapshot_size = stored.bytes.size;
    }
    rk_arena_free(&arena);
    return status;
}

/* What an open court has accepted is not in the log yet: it goes on top once more. */
static rk_status fold_accepted(rk_engine *engine, const rki_court *court, rki_entity *entity, rk_state *state,
                               rk_error *error) {
    if (entity->judged != court->serial) return RK_OK;
    for (size_t i = 0; i < court->accepted_count; i++) {
        if (court->accepted[i].entity != entity) continue;
        rk_arena arena = rki_call_arena(engine);
        rk_status status = rki_event_fold(engine, state, court->accepted[i].event, court->accepted[i].current,
                                          entity->version, court->commit_stamp, court, &arena, error);
        rk_arena_free(&arena);
        if (status != RK_OK) return status;
        entity->version++;
        entity->touched = court->serial;
    }
    return RK_OK;
}

/* `version`: the log's. A stored state past it is what the log has lost events of: an append on it is a conflict. */
static rk_status load_committed(rk_engine *engine, const rki_court *court, rki_entity *entity, uint64_t version,
                                rk_error *error) {
    bool fresh = !entity->committed;
    if (fresh) RK_TRY(start_committed(engine, entity, error));
    uint64_t tail_size = entity->tail_size;
    if (entity->version < version) {
        RK_TRY(rki_entity_fold(engine, entity->name, entity->committed, entity->version, UINT64_MAX, UINT64_MAX,
                               &entity->version, &entity->position, &entity->tail_size, error));
    }
    if (fresh && court && court->commit_stamp) {
        RK_TRY(fold_accepted(engine, court, entity, entity->committed, error));
    }
    engine->cache_size += fresh ? rk_state_size(entity->committed) + sizeof *entity : entity->tail_size - tail_size;
    return RK_OK;
}

rk_status rki_entity_load(rk_engine *engine, rk_bytes name, const rki_court *court, rki_entity **entity_out,
                          rk_error *error) {
    *entity_out = rk_map_get(&engine->cache, name);
    if (!*entity_out) RK_TRY(new_entity(engine, name, entity_out, error));
    return rki_entity_refresh(engine, *entity_out, court, error);
}

/* Events come one after another of the same module: the one of the event before is looked at first. */
rk_status rki_module_entity(rk_engine *engine, rk_bytes name, const rki_court *court, rki_entity **entity_out,
                            rk_error *error) {
    char text[RK_NAME_SIZE_MAX + 8];
    *entity_out = engine->asked;
    if (engine->asked && rk_bytes_equal(engine->asked->id, name)) {
        return rki_entity_refresh(engine, engine->asked, court, error);
    }
    rk_bytes of_module = rk_bytes_of(text, rk_format(text, sizeof text, "module/%b", name));
    RK_TRY(rki_entity_load(engine, of_module, court, entity_out, error));
    engine->asked = *entity_out;
    return RK_OK;
}

rk_status rki_entity_refresh(rk_engine *engine, rki_entity *entity, const rki_court *court, rk_error *error) {
    bool ahead = court && entity->touched == court->serial;
    bool checked = engine->begins && entity->checked == engine->begins;
    if (entity->committed && (ahead || checked)) return RK_OK;
    rk_stored_entity stored;
    RK_TRY(engine->host.store->entity(engine->log, entity->name, &stored, error));
    entity->checked = engine->begins;
    if (entity->committed && stored.version == entity->version) return RK_OK;
    if (entity->committed && stored.version < entity->version) rki_entity_drop(engine, entity);
    uint64_t before = entity->version;
    rk_status status = load_committed(engine, court, entity, stored.version, error);
    if (status == RK_OK && before != entity->version) {
        rk_state_free(entity->view);
        entity->view = NULL;
        entity->view_made = false;
    }
    if (status != RK_OK) rki_entity_drop(engine, entity);
    return status;
}

/* ---- views ---- */

/* Through the canonical bytes, which every state can give and take. */
static rk_status copy_state(rk_engine *engine, rk_state *state, rk_state **copy_out, rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, &arena, RK_STATE_SIZE_MAX);
    rk_state_encode(state, &buffer);
    rk_status status = rk_buffer_finish(&buffer, &bytes);
    if (status == RK_OK) {
        status = rk_state_decode(engine->host.memory, RK_STATE_SIZE_MAX, bytes, copy_out, error);
    } else {
        rk_fail(error, status, "cache", "the state is too large to copy");
    }
    rk_arena_free(&arena);
    return status;
}

enum { TRANSACTION_KEY_SIZE = 24 };

typedef struct pending_fold {
    rk_engine *engine;
    rki_entity *entity;
    rk_arena arena;                     /* of `broken` */
    rk_map broken;                      /* transactions that do not fold */
    uint8_t last[TRANSACTION_KEY_SIZE]; /* the transaction that was folded last */
    rk_error *error;
} pending_fold;

static rk_bytes transaction_key(const rk_stored_event *stored, uint8_t out[TRANSACTION_KEY_SIZE]) {
    rk_put_u64(out, stored->replica);
    rk_put_u64(out + 8, stored->batch);
    rk_put_u64(out + 16, stored->transaction);
    return rk_bytes_of(out, TRANSACTION_KEY_SIZE);
}

/*
 * Leaves the transaction out. Where something of it has been folded, in part or by an event before, the view begins
 * anew without it.
 */
static rk_status leave_out(pending_fold *fold, rk_bytes transaction, bool changed) {
    rk_bytes kept;
    RK_TRY(rk_arena_copy(&fold->arena, transaction, &kept));
    RK_TRY(rk_map_set(&fold->broken, kept, fold));
    return changed || rk_bytes_equal(transaction, rk_bytes_of(fold->last, sizeof fold->last)) ? RK_CONFLICT : RK_OK;
}

/* Who proposes, as the truth knows them: the view of an actor must not wait for itself. */
static rk_status proposer(rk_engine *engine, const rk_event *event, rk_arena *arena, rk_actor_view *actor_out,
                          rk_error *error) {
    rki_entity *entity = NULL;
    const rk_module *module = NULL;
    rk_value value, copy;
    RK_TRY(rki_entity_load(engine, rk_arena_format(arena, "actor/%b", event->actor), NULL, &entity, error));
    RK_TRY(rki_module_find(engine, RK_TEXT("actor"), 1, NULL, &module, error));
    rk_status status = rk_state_value(entity->committed, module, arena, &value);
    if (status == RK_OK) status = rk_value_copy(arena, &value, &copy);
    if (status != RK_OK) return rk_fail(error, status, "cache", "no memory for a state's value");
    if (!rk_auth_actor(&copy, event->actor, actor_out)) *actor_out = (rk_actor_view){.id = event->actor};
    actor_out->kind = event->actor_kind;
    return RK_OK;
}

/* A proposal shows while its guards hold and what it sets fits: the truth will look at the same. */
static rk_status fold_proposal(pending_fold *fold, const rk_event *event, rk_arena *arena, bool *changed_out) {
    rk_engine *engine = fold->engine;
    rki_entity *entity = fold->entity;
    rki_reading reading;
    rk_change *change = NULL;
    uint32_t current = 0;
    rk_scene scene = {.event = event,
                      .entity = event->entity,
                      .actor = {.id = event->actor, .kind = event->actor_kind},
                      .state = entity->view,
                      .version = entity->version + entity->pending,
                      .stamp = event->id.stamp,
                      .now_ms = engine->host.now_ms(engine->host.context),
                      .zones = rki_zones(engine)};
    RK_TRY(rki_module_current(engine, event->module, NULL, &current, fold->error));
    RK_TRY(rki_event_read_at(engine, event, current, NULL, arena, &reading, fold->error));
    scene.module = reading.module;
    scene.data = &reading.data;
    if (reading.type->guard_count > 0) {
        RK_TRY(proposer(engine, event, arena, &scene.actor, fold->error));
        RK_TRY(rki_guards_check(&scene, reading.type, arena, fold->error));
    }
    RK_TRY(rk_change_make(&scene, reading.sets, arena, &change, fold->error));
    return rk_change_apply(&scene, change, reading.type->ordered, changed_out, fold->error);
}

static rk_status fold_pending(void *context, const rk_stored_event *stored) {
    pending_fold *fold = context;
    rki_entity *entity = fold->entity;
    uint8_t key[TRANSACTION_KEY_SIZE];
    bool changed = false;
    rk_bytes transaction = transaction_key(stored, key);
    if (rk_map_get(&fold->broken, transaction)) return RK_OK;
    if (!entity->view) RK_TRY(copy_state(fold->engine, entity->committed, &entity->view, fold->error));
    rk_arena arena = rki_call_arena(fold->engine);
    rk_event event;
    rk_status status = rk_event_decode(&arena, stored->bytes, &event, fold->error);
    if (status == RK_OK) status = fold_proposal(fold, &event, &arena, &changed);
    rk_arena_free(&arena);
    if (status != RK_OK) {
        return rk_status_exit(status) == 3 ? status : leave_out(fold, transaction, changed);
    }
    memcpy(fold->last, key, sizeof key);
    entity->pending++;
    return RK_OK;
}

static rk_status make_view(rk_engine *engine, rki_entity *entity, rk_error *error) {
    pending_fold fold = {.engine = engine, .entity = entity, .arena = rki_call_arena(engine), .error = error};
    rk_map_init(&fold.broken, &fold.arena);
    rk_status status = RK_CONFLICT;
    while (status == RK_CONFLICT) { /* once more for each transaction that falls */
        rk_state_free(entity->view);
        entity->view = NULL;
        entity->pending = 0;
        memset(fold.last, 0, sizeof fold.last);
        status = engine->host.store->pending_events(engine->log, entity->name, fold_pending, &fold, error);
    }
    rk_arena_free(&fold.arena);
    entity->view_made = status == RK_OK;
    return status;
}

rk_status rki_entity_view(rk_engine *engine, rki_entity *entity, rk_state **state_out, rk_error *error) {
    *state_out = entity->committed;
    if (engine->truth) return RK_OK;
    if (!entity->view_made) RK_TRY(make_view(engine, entity, error));
    if (entity->view) *state_out = entity->view;
    return RK_OK;
}

rk_status rki_entity_open(rk_engine *engine, rki_entity *entity, rk_state **state_out, rk_error *error) {
    RK_TRY(rki_entity_view(engine, entity, state_out, error));
    if (engine->truth || entity->view) return RK_OK;
    RK_TRY(copy_state(engine, entity->committed, &entity->view, error));
    *state_out = entity->view;
    return RK_OK;
}

rk_status rki_entity_value(rk_engine *engine, rk_bytes name, const rki_court *court, rk_arena *arena,
                           rk_value *value_out, rk_error *error) {
    rki_entity *entity = NULL;
    rk_state *state = NULL;
    const rk_module *module = NULL;
    *value_out = (rk_value){.kind = RK_MAP};
    RK_TRY(rki_entity_load(engine, name, court, &entity, error));
    RK_TRY(rki_entity_view(engine, entity, &state, error));
    RK_TRY(rki_module_find(engine, entity->module, 0, court, &module, error));
    rk_value value;
    rk_status status = rk_state_value(state, module, arena, &value);
    if (status != RK_OK) return rk_fail(error, status, "cache", "no memory for a state's value");
    return rk_value_copy(arena, &value, value_out);
}

/* ---- storing ---- */

rk_status rki_entity_settle(rk_engine *engine, rki_entity *entity, rk_error *error) {
    if (!entity->committed || entity->tail_size <= entity->snapshot_size + RKI_SNAPSHOT_TAIL_MIN) return RK_OK;
    rk_arena arena = rki_call_arena(engine);
    rk_buffer buffer;
    rk_stored_state stored = {.version = entity->version, .position = entity->position};
    rk_buffer_init(&buffer, &arena, RK_STATE_SIZE_MAX);
    rk_state_encode(entity->committed, &buffer);
    rk_status status = rk_buffer_finish(&buffer, &stored.bytes);
    if (status == RK_OK) {
        status = engine->host.store->state_put(engine->log, entity->name, &stored, error);
    } else {
        rk_fail(error, status, "snapshot", "the state of this entity is too large to store");
    }
    if (status == RK_OK) {
        entity->snapshot_size = stored.bytes.size;
        entity->tail_size = 0;
    }
    rk_arena_free(&arena);
    return status;
}
