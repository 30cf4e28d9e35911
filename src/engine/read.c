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

/* What the state of an actor's entity says; its keys, which may be many, are nobody's concern here. */
static rk_status view_actor(rk_engine *engine, rk_state *state, rk_bytes actor, rk_arena *arena,
                            rk_actor_view *actor_out, rk_error *error) {
    const rk_bytes keys = RK_TEXT("keys");
    const rk_hidden but_keys = {&keys, 1};
    const rk_module *module = NULL;
    rk_value value, copy;
    RK_TRY(rki_module_find(engine, RK_TEXT("actor"), 1, NULL, &module, error));
    rk_status status = rk_state_value_shown(state, module, &but_keys, arena, &value);
    if (status == RK_OK) status = rk_value_copy(arena, &value, &copy);
    if (status != RK_OK) return rk_fail(error, status, NULL, "no memory for an actor");
    if (rk_auth_actor(&copy, actor, actor_out)) return rk_auth_enabled(actor_out, error);
    return rk_fail(error, RK_UNKNOWN_ACTOR, NULL, "the account has no actor \"%b\"", actor);
}

rk_status rki_actor_find(rk_engine *engine, rk_bytes actor, rk_arena *arena, rk_actor_view *actor_out,
                         rk_error *error) {
    char name[RK_ACTOR_SIZE_MAX + 8];
    rki_entity *entity = NULL;
    rk_state *state = NULL;
    if (!rk_label_valid(actor, RK_ACTOR_SIZE_MAX)) return rk_fail(error, RK_UNKNOWN_ACTOR, NULL, "this is no actor");
    rk_bytes found = rk_bytes_of(name, rk_format(name, sizeof name, "actor/%b", actor));
    RK_TRY(rki_entity_load(engine, found, NULL, &entity, error));
    RK_TRY(rki_entity_view(engine, entity, &state, error));
    return view_actor(engine, state, actor, arena, actor_out, error);
}

rk_status rk_engine_actor(rk_engine *engine, rk_bytes actor, rk_arena *arena, rk_actor_view *actor_out,
                          rk_error *error) {
    RK_TRY(rki_begin(engine, false, error));
    rk_status status = rki_actor_find(engine, actor, arena, actor_out, error);
    rki_view_end(engine);
    return status;
}

/* What a view shows of an actor stays while it is held, and while the log stays as it is. */
static rk_status know_reader(rk_engine *engine, rk_error *error) {
    rki_known *known = &engine->known;
    rk_bytes name;
    if (known->there && known->sequence == engine->sequence && rk_bytes_equal(known->view.id, engine->reader)) {
        return RK_OK;
    }
    known->there = false;
    rk_arena_free(&known->arena);
    if (rk_arena_copy(&known->arena, engine->reader, &name) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for an actor");
    }
    RK_TRY(rki_actor_find(engine, name, &known->arena, &known->view, error));
    known->sequence = engine->sequence;
    known->there = true;
    return RK_OK;
}

rk_status rki_reader(rk_engine *engine, rk_arena *arena, rk_actor_view *reader_out, rk_error *error) {
    if (!engine->held) return rki_actor_find(engine, engine->reader, arena, reader_out, error);
    RK_TRY(know_reader(engine, error));
    *reader_out = engine->known.view;
    return RK_OK;
}

rk_status rk_engine_reader_check(rk_engine *engine, rk_error *error) {
    RK_ASSERT(engine->held);
    return know_reader(engine, error);
}

/* The current module and state of the entity, which all rules are asked about. */
static rk_status set_scene(rk_engine *engine, rk_bytes name, const rk_actor_view *reader, rk_scene *scene_out,
                           rk_error *error) {
    rki_entity *entity = NULL;
    rk_bytes module;
    *scene_out =
        (rk_scene){.actor = *reader, .now_ms = engine->host.now_ms(engine->host.context), .zones = rki_zones(engine)};
    RK_TRY(rk_entity_split(name, &module, &scene_out->entity, error));
    RK_TRY(rki_module_find(engine, module, 0, NULL, &scene_out->module, error));
    RK_TRY(rki_entity_load(engine, name, NULL, &entity, error));
    RK_TRY(rki_entity_view(engine, entity, &scene_out->state, error));
    scene_out->version = entity->version + entity->pending;
    return RK_OK;
}

/* RK_FORBIDDEN, or which fields are hidden; their names are good until the view ends. */
static rk_status ask_rules(rk_engine *engine, rk_bytes name, const rk_actor_view *reader, rk_arena *arena,
                           rk_hidden *hidden_out, const rk_module **module_out, rk_error *error) {
    rk_scene scene;
    RK_TRY(set_scene(engine, name, reader, &scene, error));
    *module_out = scene.module;
    RK_TRY(rk_auth_read(&scene, arena, error));
    return rk_auth_hidden(&scene, arena, hidden_out, error);
}

/* `module_out`: the current one where rules were asked, else NULL. */
static rk_status may_read(rk_engine *engine, rk_bytes name, rk_arena *arena, rk_hidden *hidden_out,
                          const rk_module **module_out, rk_error *error) {
    rk_actor_view reader;
    *hidden_out = (rk_hidden){NULL, 0};
    *module_out = NULL;
    if (engine->reader.size == 0) return RK_OK;
    RK_TRY(rki_reader(engine, arena, &reader, error));
    return ask_rules(engine, name, &reader, arena, hidden_out, module_out, error);
}

/* ---- one entity ---- */

/* One read of one entity, and what it gives. */
typedef struct get {
    rk_engine *engine;
    rk_bytes name;
    rk_hidden hidden;
    const rk_module *module; /* the current one; NULL: it was not looked up */
    rk_arena *arena;         /* of the reading */
    rk_reading *reading;
    rki_entity *entity; /* whose state is read, as committed; NULL: what is read is another state */
} get;

/* The same bytes again and again have one hash. */
static rk_status hash_state(const get *get, rk_state *state, rk_error *error) {
    rki_entity *entity = get->entity;
    rk_buffer buffer;
    rk_bytes bytes;
    if (entity && entity->hashed == entity->version) return get->reading->hash = entity->hash, RK_OK;
    rk_buffer_init(&buffer, get->arena, RK_STATE_SIZE_MAX);
    rk_state_encode(state, &buffer);
    rk_status status = rk_buffer_finish(&buffer, &bytes);
    if (status != RK_OK) return rk_fail(error, status, "state", "it is too large to read");
    get->reading->hash = rk_sha256(get->engine->host.crypto, bytes);
    if (!entity) return RK_OK;
    entity->hash = get->reading->hash;
    entity->hashed = entity->version;
    return RK_OK;
}

/* `version`: of the module whose fields are read; 0: the current one. */
static rk_status fill_reading(const get *get, rk_state *state, uint32_t version, rk_error *error) {
    rk_engine *engine = get->engine;
    rk_arena *arena = get->arena;
    rk_reading *reading = get->reading;
    rk_bytes module_name, id;
    const rk_module *module = version == 0 ? get->module : NULL;
    rk_value value;
    RK_TRY(rk_entity_split(get->name, &module_name, &id, error));
    if (!module) RK_TRY(rki_module_find(engine, module_name, version, NULL, &module, error));
    rk_status status = rk_state_value_shown(state, module, &get->hidden, arena, &value);
    if (status == RK_OK) status = rk_value_copy(arena, &value, &reading->state);
    reading->hidden = get->hidden.count > 0;
    if (status == RK_OK && reading->hidden) return RK_OK;
    if (status != RK_OK) return rk_fail(error, status, "state", "it is too large to read");
    return hash_state(get, state, error);
}

static rk_status not_found(rk_bytes name, rk_error *error) {
    char where[RK_ERROR_WHERE_MAX];
    rk_format(where, sizeof where, "%b", name);
    return rk_fail(error, RK_NOT_FOUND, where, "no event of this entity is there");
}

static rk_status read_now(get *get, rk_error *error) {
    rki_entity *entity = NULL;
    rk_state *state = NULL;
    RK_TRY(rki_entity_load(get->engine, get->name, NULL, &entity, error));
    RK_TRY(rki_entity_view(get->engine, entity, &state, error));
    get->reading->version = entity->version;
    get->reading->last = entity->position;
    get->reading->pending = entity->pending;
    if (entity->version + entity->pending == 0) return not_found(get->name, error);
    get->entity = state == entity->committed ? entity : NULL;
    return fill_reading(get, state, 0, error);
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
static rk_status fill_past(const get *get, rk_state *state, uint64_t position, rk_error *error) {
    rk_bytes module, id;
    uint32_t version = 0;
    RK_TRY(rk_entity_split(get->name, &module, &id, error));
    RK_TRY(rki_module_version_at(get->engine, module, position, &version, error));
    return fill_reading(get, state, version, error);
}

static rk_status read_past(const get *get, const rk_at *at, rk_error *error) {
    rk_engine *engine = get->engine;
    rk_reading *reading = get->reading;
    uint64_t version_max = at->kind == RK_AT_VERSION ? at->version : UINT64_MAX, position_max = 0, position = 0,
             size = 0;
    rk_state *state = NULL;
    RK_TRY(position_of(engine, at, get->arena, &position_max, error));
    RK_TRY(rki_state_start(engine, get->name, version_max, position_max, &state, &reading->version, &position, error));
    rk_status status = rki_entity_fold(engine, get->name, state, reading->version, version_max, position_max,
                                       &reading->version, &position, &size, error);
    if (status == RK_OK && (reading->version == 0 || (at->kind == RK_AT_VERSION && reading->version < at->version))) {
        status = not_found(get->name, error);
        if (reading->version > 0) rk_fail(error, RK_NOT_FOUND, "--at", "the entity is at version %u", reading->version);
    }
    reading->last = position;
    if (position_max != UINT64_MAX) position = position_max + 1; /* what was published with it counts */
    if (status == RK_OK) status = fill_past(get, state, position, error);
    rk_state_free(state);
    return status;
}

/* Asked in an arena of its own: what rules take is not the caller's. */
static rk_status get_allowed(get *get, const rk_at *at, rk_error *error) {
    rk_arena arena = rki_call_arena(get->engine);
    rk_status status = may_read(get->engine, get->name, &arena, &get->hidden, &get->module, error);
    bool now = !at || at->kind == RK_AT_NOW;
    if (status == RK_OK) status = now ? read_now(get, error) : read_past(get, at, error);
    rk_arena_free(&arena);
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
    get get = {.engine = engine, .name = name, .arena = arena, .reading = reading_out};
    if (status == RK_OK) status = get_allowed(&get, at, error);
    rki_view_end(engine);
    return status;
}

/* ---- the log ---- */

/* What the reader may see of an entity's events. */
typedef struct sight {
    bool visible;
    rk_hidden hidden; /* in the lister's arena */
} sight;

typedef struct lister {
    rk_engine *engine;
    rk_actor_view reader;
    rk_arena arena; /* of `decided` */
    rk_map decided; /* module/id -> sight, once a call */
    rk_event_query query;
    uint64_t left;   /* to be given out */
    uint64_t walked; /* looked at */
    uint64_t to;     /* the last position that was looked at */
    bool bounded;    /* the walk ended at its bound */
    uint64_t now_ms;
    rk_entry_visitor visit;
    void *context;
    rk_error *error;
} lister;

/* Ends a walk early; never seen by a caller. */
enum { STOP = RK_CONFLICT };

static rk_status keep_sight(lister *lister, rk_bytes name, const rk_hidden *hidden, bool visible, sight **sight_out) {
    rk_bytes kept;
    sight *made = rk_arena_take(&lister->arena, sizeof *made);
    rk_bytes *names = rk_arena_take_array(&lister->arena, hidden->count, sizeof *names);
    if (!made || !names) return RK_NO_MEMORY;
    for (size_t i = 0; i < hidden->count; i++) RK_TRY(rk_arena_copy(&lister->arena, hidden->names[i], &names[i]));
    *made = (sight){visible, {names, hidden->count}};
    RK_TRY(rk_arena_copy(&lister->arena, name, &kept));
    *sight_out = made;
    return rk_map_set(&lister->decided, kept, made);
}

static rk_status decide_sight(lister *lister, rk_bytes name, sight **sight_out) {
    rk_hidden hidden = {NULL, 0};
    rk_arena arena = rki_call_arena(lister->engine);
    const rk_module *module = NULL;
    rk_status status = ask_rules(lister->engine, name, &lister->reader, &arena, &hidden, &module, lister->error);
    if (status == RK_OK || status == RK_FORBIDDEN) {
        status = keep_sight(lister, name, &hidden, status == RK_OK, sight_out);
        if (status != RK_OK) rk_fail(lister->error, status, "log", "no memory for what may be read");
    }
    rk_arena_free(&arena);
    return status;
}

static bool type_writes(const rk_event_type *type, const rk_hidden *hidden) {
    for (size_t i = 0; i < type->step_count; i++) {
        if (type->steps[i].field && rk_hidden_has(hidden, type->steps[i].field->name)) return true;
    }
    return false;
}

/*
 * Whether the event carries a hidden field: its type writes one, in its own version, which its operations are of, or in
 * the one that folds it. One that cannot be read there, a pending one, is taken to carry it.
 */
static rk_status carries(lister *lister, const rk_entry *entry, const rk_hidden *hidden, rk_arena *arena,
                         bool *yes_out) {
    rk_engine *engine = lister->engine;
    const rk_event *event = &entry->event;
    rki_reading reading;
    uint32_t current = 0;
    rk_error why = {.code = RK_OK};
    *yes_out = true;
    rk_status status = entry->position ? rki_module_version_at(engine, event->module, entry->position, &current, &why)
                                       : rki_module_current(engine, event->module, NULL, &current, &why);
    if (status == RK_OK) status = rki_event_read_at(engine, event, current, NULL, arena, &reading, &why);
    if (status == RK_OK) {
        *yes_out = type_writes(reading.written, hidden) || type_writes(reading.sets, hidden);
    }
    if (status == RK_OK || rk_status_exit(status) == 1) return RK_OK;
    if (lister->error) *lister->error = why;
    return status;
}

/* Whether the reader may see this event; the rules are asked once a call for each entity. */
static rk_status may_see(lister *lister, const rk_entry *entry, rk_arena *arena, bool *yes_out) {
    char name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 2];
    const rk_event *event = &entry->event;
    *yes_out = true;
    if (lister->engine->reader.size == 0) return RK_OK;
    rk_bytes found = rk_bytes_of(name, rk_format(name, sizeof name, "%b/%b", event->module, event->entity));
    sight *sight = rk_map_get(&lister->decided, found);
    if (!sight) RK_TRY(decide_sight(lister, found, &sight));
    *yes_out = sight->visible;
    if (!sight->visible || sight->hidden.count == 0) return RK_OK;
    bool hides = false;
    RK_TRY(carries(lister, entry, &sight->hidden, arena, &hides));
    *yes_out = !hides;
    return RK_OK;
}

/* Whether the event is asked for. What the reader may not see is never shown to the filter. */
static rk_status is_wanted(lister *lister, const rk_entry *entry, rk_arena *arena, bool *yes_out) {
    const rk_event_query *query = &lister->query;
    *yes_out = (!query->type.size || rk_bytes_equal(query->type, entry->event.type)) &&
               (!query->actor.size || rk_bytes_equal(query->actor, entry->event.actor));
    if (*yes_out) RK_TRY(may_see(lister, entry, arena, yes_out));
    if (!*yes_out || !query->where) return RK_OK;
    return rki_filter_ask(lister->engine, query->where, &lister->reader, lister->now_ms, entry, arena, yes_out,
                          lister->error);
}

static rk_status list_stored(void *context, const rk_stored_event *stored) {
    lister *lister = context;
    bool wanted = false;
    if (stored->position && stored->position <= lister->query.after) return RK_OK;
    if (lister->left == 0 || stored->position > lister->query.up_to) return (rk_status)STOP;
    if (lister->walked == lister->query.walk_max) return lister->bounded = true, (rk_status)STOP;
    lister->walked++;
    lister->to = stored->position;
    rk_arena arena = rki_call_arena(lister->engine);
    rk_entry entry;
    rk_status status = rki_entry_of(stored, &arena, &entry, lister->error);
    if (status == RK_OK) status = is_wanted(lister, &entry, &arena, &wanted);
    if (status == RK_OK && wanted) {
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
    RK_TRY(version_at(lister->engine, entity, lister->query.after, &after, lister->error));
    return lister->engine->host.store->entity_events(lister->engine->log, entity, after, UINT64_MAX, list_stored,
                                                     lister, lister->error);
}

static rk_status list_all(lister *lister, bool with_pending) {
    const rk_log_ops *store = lister->engine->host.store;
    const rk_event_query *query = &lister->query;
    rk_log *log = lister->engine->log;
    rk_bytes entity = query->entity;
    rk_status status = entity.size ? list_entity(lister, entity)
                                   : store->events(log, query->after, query->up_to, list_stored, lister, lister->error);
    if (status == RK_OK && with_pending) {
        status = store->pending_events(log, entity, list_stored, lister, lister->error);
    }
    return status == (rk_status)STOP ? RK_OK : status;
}

/* Who reads is one who may; and where one entity is asked for, may read it. */
static rk_status open_log(lister *lister, rk_bytes entity) {
    sight *sight = NULL;
    if (lister->engine->reader.size == 0) return RK_OK;
    RK_TRY(rki_reader(lister->engine, &lister->arena, &lister->reader, lister->error));
    if (entity.size == 0) return RK_OK;
    RK_TRY(decide_sight(lister, entity, &sight));
    return sight->visible ? RK_OK : RK_FORBIDDEN;
}

static lister new_lister(rk_engine *engine, const rk_event_query *query, rk_entry_visitor visit, void *context,
                         rk_error *error) {
    return (lister){.engine = engine,
                    .arena = rki_call_arena(engine),
                    .query = *query,
                    .left = UINT64_MAX,
                    .to = query->after,
                    .visit = visit,
                    .context = context,
                    .error = error};
}

static rk_status run_lister(lister *lister, bool with_pending) {
    rk_map_init(&lister->decided, &lister->arena);
    lister->now_ms = lister->engine->host.now_ms(lister->engine->host.context);
    RK_TRY(open_log(lister, lister->query.entity));
    return list_all(lister, with_pending);
}

rk_status rk_engine_log(rk_engine *engine, rk_bytes entity, uint64_t after, uint64_t limit, bool with_pending,
                        rk_entry_visitor visit, void *context, rk_error *error) {
    const rk_event_query query = {.entity = entity, .after = after, .up_to = UINT64_MAX, .walk_max = UINT64_MAX};
    RK_TRY(rki_begin(engine, false, error));
    lister lister = new_lister(engine, &query, visit, context, error);
    lister.left = limit;
    rk_status status = run_lister(&lister, with_pending);
    rki_view_end(engine);
    rk_arena_free(&lister.arena);
    return status;
}

rk_status rk_engine_events(rk_engine *engine, const rk_event_query *query, rk_entry_visitor visit, void *context,
                           rk_event_report *report_out, rk_error *error) {
    *report_out = (rk_event_report){.to = query->after};
    RK_TRY(rki_begin(engine, false, error));
    lister lister = new_lister(engine, query, visit, context, error);
    rk_status status = engine->host.store->head(engine->log, &report_out->head, error);
    if (status == RK_OK) status = run_lister(&lister, false);
    rki_view_end(engine);
    rk_arena_free(&lister.arena);
    report_out->to = lister.to;
    report_out->whole = status == RK_OK && !lister.bounded;
    if (!report_out->whole) return status;
    uint64_t head = report_out->head.position, end = head < query->up_to ? head : query->up_to;
    if (end > report_out->to) report_out->to = end;
    return RK_OK;
}

rk_status rk_engine_position_before(rk_engine *engine, uint64_t time_ms, uint64_t *position_out, rk_error *error) {
    *position_out = 0;
    if (time_ms == 0) return RK_OK;
    return engine->host.store->position_at(engine->log, rk_stamp_of_ms(time_ms) - 1, position_out, error);
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
