/*
 * Reading: one entity now or as it was, the log, lists.
 *
 * Invariants
 *   (1) A read sees one consistent view of the log.
 *   (2) The past never changes: `at` looks at committed events alone, whatever is pending.
 */
#include <string.h>

#include "engine/inner.h"

rk_status rki_entry_of(const rk_stored_event *stored, rk_arena *arena, rk_entry *entry_out, rk_error *error) {
    *entry_out = (rk_entry){.position = stored->position, .version = stored->version};
    RK_TRY(rk_event_decode(arena, stored->bytes, &entry_out->event, error));
    entry_out->time_ms = rk_stamp_ms(stored->position ? stored->commit_stamp : entry_out->event.id.stamp);
    return RK_OK;
}

/* ---- permission ---- */

rk_status rk_engine_read_as(rk_engine *engine, rk_bytes actor, rk_error *error) {
    if (actor.size > sizeof engine->reader_name) return rk_fail(error, RK_UNKNOWN_ACTOR, NULL, "this is no actor");
    if (actor.size) memcpy(engine->reader_name, actor.data, actor.size);
    engine->reader = rk_bytes_of(engine->reader_name, actor.size);
    return RK_OK;
}

rk_status rki_reader(rk_engine *engine, rk_arena *arena, rk_actor_view *reader_out, rk_error *error) {
    rk_value value;
    rk_bytes actor = rk_arena_format(arena, "actor/%b", engine->reader);
    RK_TRY(rki_entity_value(engine, actor, NULL, arena, &value, error));
    if (rk_auth_actor(&value, engine->reader, reader_out)) return RK_OK;
    return rk_fail(error, RK_UNKNOWN_ACTOR, NULL, "the account has no actor \"%b\"", engine->reader);
}

static rk_status ask_rule(rk_engine *engine, rk_bytes name, rk_arena *arena, rk_error *error) {
    rki_entity *entity = NULL;
    rk_scene scene = {.entity = name, .now_ms = engine->host.now_ms(engine->host.context), .zones = rki_zones(engine)};
    rk_bytes module;
    RK_TRY(rki_reader(engine, arena, &scene.actor, error));
    RK_TRY(rk_entity_split(name, &module, &scene.entity, error));
    RK_TRY(rki_module_find(engine, module, 0, NULL, &scene.module, error));
    RK_TRY(rki_entity_load(engine, name, NULL, &entity, error));
    RK_TRY(rki_entity_view(engine, entity, &scene.state, error));
    scene.version = entity->version + entity->pending;
    return rk_auth_read(&scene, arena, error);
}

/* The rule is asked about the entity as it is now, also for its past. */
static rk_status may_read(rk_engine *engine, rk_bytes name, rk_error *error) {
    if (engine->reader.size == 0) return RK_OK;
    rk_arena arena = rki_call_arena(engine);
    rk_status status = ask_rule(engine, name, &arena, error);
    rk_arena_free(&arena);
    return status;
}

/* ---- one entity ---- */

/* `version`: of the module whose fields are read; 0: the current one. */
static rk_status fill_reading(rk_engine *engine, rk_bytes name, rk_state *state, uint32_t version, rk_arena *arena,
                              rk_reading *reading, rk_error *error) {
    rk_bytes module_name, id, bytes;
    const rk_module *module = NULL;
    rk_buffer buffer;
    rk_value value;
    RK_TRY(rk_entity_split(name, &module_name, &id, error));
    RK_TRY(rki_module_find(engine, module_name, version, NULL, &module, error));
    rk_status status = rk_state_value(state, module, arena, &value);
    if (status == RK_OK) status = rk_value_copy(arena, &value, &reading->state);
    rk_buffer_init(&buffer, arena, RK_STATE_SIZE_MAX);
    rk_state_encode(state, &buffer);
    if (status == RK_OK) status = rk_buffer_finish(&buffer, &bytes);
    if (status != RK_OK) return rk_fail(error, status, "state", "it is too large to read");
    reading->hash = rk_sha256(engine->host.crypto, bytes);
    return RK_OK;
}

static rk_status not_found(rk_bytes name, rk_error *error) {
    char where[RK_ERROR_WHERE_MAX];
    rk_format(where, sizeof where, "%b", name);
    return rk_fail(error, RK_NOT_FOUND, where, "no event of this entity is there");
}

static rk_status read_now(rk_engine *engine, rk_bytes name, rk_arena *arena, rk_reading *reading, rk_error *error) {
    rki_entity *entity = NULL;
    rk_state *state = NULL;
    RK_TRY(rki_entity_load(engine, name, NULL, &entity, error));
    RK_TRY(rki_entity_view(engine, entity, &state, error));
    reading->version = entity->version;
    reading->pending = entity->pending;
    if (entity->version + entity->pending == 0) return not_found(name, error);
    return fill_reading(engine, name, state, 0, arena, reading, error);
}

/* The position up to which the log is meant; for a version, all of it. */
static rk_status position_of(rk_engine *engine, const rk_at *at, rk_arena *arena, uint64_t *position_out,
                             rk_error *error) {
    rk_stored_event stored;
    *position_out = UINT64_MAX;
    if (at->kind == RK_AT_TIME) {
        rk_stamp stamp = rk_stamp_of_ms(at->time_ms + 1) - 1;
        return engine->host.store->position_at(engine->log, stamp, position_out, error);
    }
    if (at->kind != RK_AT_EVENT) return RK_OK;
    rk_status status = engine->host.store->event_of_id(engine->log, arena, at->event, &stored, error);
    if (status == RK_NOT_FOUND) return rk_fail(error, RK_NOT_FOUND, "--at", "no event has this id");
    if (status == RK_OK && stored.position == 0) {
        return rk_fail(error, RK_NOT_FOUND, "--at", "this event is pending: it has no past yet");
    }
    *position_out = stored.position;
    return status;
}

rk_status rki_state_start(rk_engine *engine, rk_bytes name, uint64_t version_max, uint64_t position_max,
                          rk_state **state_out, uint64_t *version_out, uint64_t *position_out, rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    rk_stored_state stored;
    *version_out = 0;
    rk_status status = engine->host.store->state_get(engine->log, &arena, name, &stored, error);
    if (status == RK_OK && stored.version <= version_max && stored.position <= position_max) {
        *version_out = stored.version;
        *position_out = stored.position;
        status = rk_state_decode(engine->host.memory, RK_STATE_SIZE_MAX, stored.bytes, state_out, error);
        if (status != RK_OK) rk_error_at(error, name);
    } else if (status == RK_OK || status == RK_NOT_FOUND) {
        status = rk_state_new(engine->host.memory, RK_STATE_SIZE_MAX, state_out);
        if (status != RK_OK) rk_fail(error, status, NULL, "no memory for a state");
    }
    rk_arena_free(&arena);
    return status;
}

/* With the fields of the module version that was current then, so that the past reads as it did. */
static rk_status fill_past(rk_engine *engine, rk_bytes name, rk_state *state, uint64_t position, rk_arena *arena,
                           rk_reading *reading, rk_error *error) {
    rk_bytes module, id;
    uint32_t version = 0;
    RK_TRY(rk_entity_split(name, &module, &id, error));
    RK_TRY(rki_module_version_at(engine, module, position, &version, error));
    return fill_reading(engine, name, state, version, arena, reading, error);
}

static rk_status read_past(rk_engine *engine, rk_bytes name, const rk_at *at, rk_arena *arena, rk_reading *reading,
                           rk_error *error) {
    uint64_t version_max = at->kind == RK_AT_VERSION ? at->version : UINT64_MAX, position_max = 0, position = 0,
             size = 0;
    rk_state *state = NULL;
    RK_TRY(position_of(engine, at, arena, &position_max, error));
    RK_TRY(rki_state_start(engine, name, version_max, position_max, &state, &reading->version, &position, error));
    rk_status status = rki_entity_fold(engine, name, state, reading->version, version_max, position_max,
                                       &reading->version, &position, &size, error);
    if (status == RK_OK && (reading->version == 0 || (at->kind == RK_AT_VERSION && reading->version < at->version))) {
        status = not_found(name, error);
        if (reading->version > 0) rk_fail(error, RK_NOT_FOUND, "--at", "the entity is at version %u", reading->version);
    }
    if (position_max != UINT64_MAX) position = position_max + 1; /* what was published with it counts */
    if (status == RK_OK) status = fill_past(engine, name, state, position, arena, reading, error);
    rk_state_free(state);
    return status;
}

rk_status rk_engine_get(rk_engine *engine, rk_bytes name, const rk_at *at, rk_arena *arena, rk_reading *reading_out,
                        rk_error *error) {
    rk_bytes module, id;
    rk_log_head head;
    *reading_out = (rk_reading){.version = 0};
    RK_TRY(rk_entity_split(name, &module, &id, error));
    RK_TRY(rki_begin(engine, false, error));
    rk_status status = engine->host.store->head(engine->log, &head, error);
    reading_out->position = head.position;
    reading_out->epoch = head.epoch;
    if (status == RK_OK) status = may_read(engine, name, error);
    if (status == RK_OK) {
        bool now = !at || at->kind == RK_AT_NOW;
        status = now ? read_now(engine, name, arena, reading_out, error)
                     : read_past(engine, name, at, arena, reading_out, error);
    }
    rki_view_end(engine);
    return status;
}

/* ---- the log ---- */

typedef struct lister {
    rk_engine *engine;
    rk_arena arena; /* of `decided` */
    rk_map decided; /* module/id -> yes or no, once a call */
    uint64_t after;
    uint64_t left;
    rk_entry_visitor visit;
    void *context;
    rk_error *error;
} lister;

/* Ends a walk early; never seen by a caller. */
enum { STOP = RK_CONFLICT };

/* Whether the reader may see events of this entity; asked once a call for each. */
static rk_status may_see(lister *lister, const rk_event *event, bool *yes_out) {
    char name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 2];
    *yes_out = true;
    if (lister->engine->reader.size == 0) return RK_OK;
    rk_bytes found = rk_bytes_of(name, rk_format(name, sizeof name, "%b/%b", event->module, event->entity)), kept;
    bool *decided = rk_map_get(&lister->decided, found);
    if (!decided) {
        rk_status status = may_read(lister->engine, found, lister->error);
        if (status != RK_OK && status != RK_FORBIDDEN) return status;
        decided = rk_arena_take(&lister->arena, sizeof *decided);
        if (!decided) return RK_NO_MEMORY;
        *decided = status == RK_OK;
        RK_TRY(rk_arena_copy(&lister->arena, found, &kept));
        RK_TRY(rk_map_set(&lister->decided, kept, decided));
    }
    *yes_out = *decided;
    return RK_OK;
}

static rk_status list_stored(void *context, const rk_stored_event *stored) {
    lister *lister = context;
    bool visible = false;
    if (stored->position && stored->position <= lister->after) return RK_OK;
    if (lister->left == 0) return (rk_status)STOP;
    rk_arena arena = rki_call_arena(lister->engine);
    rk_entry entry;
    rk_status status = rki_entry_of(stored, &arena, &entry, lister->error);
    if (status == RK_OK) status = may_see(lister, &entry.event, &visible);
    if (status == RK_OK && visible) {
        lister->left--;
        status = lister->visit(lister->context, &entry);
    }
    rk_arena_free(&arena);
    return status;
}

static rk_status take_position(void *context, const rk_stored_event *stored) {
    uint64_t *position = context;
    *position = stored->position;
    return RK_OK;
}

/* The entity's last version at or before the position: versions ascend as positions do. */
static rk_status version_at(rk_engine *engine, rk_bytes entity, uint64_t position, uint64_t *version_out,
                            rk_error *error) {
    const rk_log_ops *store = engine->host.store;
    rk_stored_entity stored;
    *version_out = 0;
    if (position == 0) return RK_OK;
    RK_TRY(store->entity(engine->log, entity, &stored, error));
    uint64_t low = 0, high = stored.version; /* low is at or before it, all past high are not */
    while (low < high) {
        uint64_t middle = high - (high - low) / 2, found = 0;
        RK_TRY(store->entity_events(engine->log, entity, middle - 1, middle, take_position, &found, error));
        if (found <= position) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    *version_out = low;
    return RK_OK;
}

static rk_status list_entity(lister *lister, rk_bytes entity) {
    uint64_t after = 0;
    RK_TRY(version_at(lister->engine, entity, lister->after, &after, lister->error));
    return lister->engine->host.store->entity_events(lister->engine->log, entity, after, UINT64_MAX, list_stored,
                                                     lister, lister->error);
}

static rk_status list_all(lister *lister, rk_bytes entity, bool with_pending) {
    const rk_log_ops *store = lister->engine->host.store;
    rk_log *log = lister->engine->log;
    rk_status status = entity.size ? list_entity(lister, entity)
                                   : store->events(log, lister->after, UINT64_MAX, list_stored, lister, lister->error);
    if (status == RK_OK && with_pending) {
        status = store->pending_events(log, entity, list_stored, lister, lister->error);
    }
    return status == (rk_status)STOP ? RK_OK : status;
}

rk_status rk_engine_log(rk_engine *engine, rk_bytes entity, uint64_t after, uint64_t limit, bool with_pending,
                        rk_entry_visitor visit, void *context, rk_error *error) {
    lister lister = {.engine = engine,
                     .arena = rki_call_arena(engine),
                     .after = after,
                     .left = limit,
                     .visit = visit,
                     .context = context,
                     .error = error};
    rk_map_init(&lister.decided, &lister.arena);
    RK_TRY(rki_begin(engine, false, error));
    rk_status status = entity.size ? may_read(engine, entity, error) : RK_OK;
    if (status == RK_OK) status = list_all(&lister, entity, with_pending);
    rki_view_end(engine);
    rk_arena_free(&lister.arena);
    return status;
}

/* ---- lists ---- */

typedef struct name_lister {
    rk_name_visitor visit;
    void *context;
} name_lister;

static rk_status list_name(void *context, const rk_stored_entity *entity) {
    name_lister *lister = context;
    return lister->visit(lister->context, entity->entity, entity->version);
}

rk_status rk_engine_entities(rk_engine *engine, rk_bytes prefix, rk_name_visitor visit, void *context,
                             rk_error *error) {
    name_lister lister = {visit, context};
    return engine->host.store->entities(engine->log, prefix, list_name, &lister, error);
}

rk_status rk_engine_module(rk_engine *engine, rk_bytes name, uint32_t version, const rk_module **module_out,
                           rk_error *error) {
    return rki_module_find(engine, name, version, NULL, module_out, error);
}

rk_status rk_engine_verdicts(rk_engine *engine, rk_verdict_visitor visit, void *context, rk_error *error) {
    return engine->host.store->verdicts(engine->log, visit, context, error);
}

/* Of the batch's leaves, those of one transaction that are events. */
static rk_status entries_of(const rk_batch *batch, uint32_t transaction, rk_arena *arena, rk_entry **entries_out,
                            size_t *count_out, rk_error *error) {
    const rk_leaf *leaf = batch->leaves;
    if (transaction >= batch->transaction_count) return RK_OK;
    for (uint32_t i = 0; i < transaction; i++) leaf += batch->transactions[i];
    uint32_t leaf_count = batch->transactions[transaction];
    rk_entry *entries = rk_arena_take_array(arena, leaf_count, sizeof *entries);
    if (!entries) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the events");
    for (uint32_t i = 0; i < leaf_count; i++, leaf++) {
        if (leaf->kind != RK_LEAF_EVENT) continue;
        entries[(*count_out)++] = (rk_entry){.event = leaf->event, .time_ms = rk_stamp_ms(leaf->event.id.stamp)};
    }
    *entries_out = entries;
    return RK_OK;
}

rk_status rk_engine_refused(rk_engine *engine, const rk_verdict *verdict, rk_arena *arena, rk_entry **entries_out,
                            size_t *count_out, rk_error *error) {
    rk_stored_batch stored;
    rk_batch batch;
    *entries_out = NULL;
    *count_out = 0;
    rk_status status = engine->host.store->batch(engine->log, arena, verdict->replica, verdict->batch, &stored, error);
    if (status == RK_NOT_FOUND || (status == RK_OK && !stored.own)) return RK_OK;
    RK_TRY(status);
    RK_TRY(rk_batch_open_seal(arena, engine->host.crypto, stored.seal, &batch, error));
    batch.leaves = stored.leaves;
    RK_TRY(rk_batch_verify_leaves(arena, engine->host.crypto, &batch, error));
    return entries_of(&batch, verdict->transaction, arena, entries_out, count_out, error);
}
