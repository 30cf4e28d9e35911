/*
 * The judgement: may this event happen here? The one place for own and others' events, at the truth and on a device.
 *
 * Invariants
 *   (1) An event is judged with everything that was accepted before it: earlier events of its transaction, earlier
 *       transactions of its batch, and the log. It is folded as soon as it is accepted.
 *   (2) A refused transaction leaves nothing: the entities that it touched are loaded anew, from the log and from what
 *       the court accepted before.
 */
#include <string.h>

#include "engine/inner.h"

void rki_court_open(rk_engine *engine, rk_arena *arena, rk_bytes actor, const rk_key *key, rk_stamp commit_stamp,
                    rki_court *court_out) {
    *court_out = (rki_court){.engine = engine,
                             .arena = arena,
                             .actor_id = actor,
                             .key = *key,
                             .commit_stamp = commit_stamp,
                             .now_ms = engine->host.now_ms(engine->host.context),
                             .serial = ++engine->serial};
}

void rki_court_act_for(rki_court *court, rk_bytes actor) {
    court->actor_read = court->actor_read && rk_bytes_equal(court->actor_view.id, actor);
    court->actor_id = actor;
}

/* ---- the actor ---- */

static rk_status load_actor(rki_court *court, rk_error *error) {
    char name[RK_ACTOR_SIZE_MAX + 8];
    if (!rk_label_valid(court->actor_id, RK_ACTOR_SIZE_MAX)) {
        return rk_fail(error, RK_UNKNOWN_ACTOR, NULL, "\"%b\" is no actor", court->actor_id);
    }
    rk_bytes entity_name = rk_bytes_of(name, rk_format(name, sizeof name, "actor/%b", court->actor_id));
    return rki_entity_load(court->engine, entity_name, court, &court->actor, error);
}

static rk_status read_actor(rki_court *court, uint64_t version, rk_error *error) {
    court->actor_read = false;
    rk_bytes id;
    RK_TRY(rki_entity_value(court->engine, court->actor->name, court, court->arena, &court->actor_value, error));
    if (rk_arena_copy(court->arena, court->actor_id, &id) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the judgement");
    }
    if (!rk_auth_actor(&court->actor_value, id, &court->actor_view)) {
        return rk_fail(error, RK_UNKNOWN_ACTOR, NULL, "the account has no actor \"%b\"", court->actor_id);
    }
    court->actor_version = version;
    court->actor_read = true;
    return RK_OK;
}

/* The actor's state, read again when the entity has changed: an earlier transaction may have taken its role. */
static rk_status find_actor(rki_court *court, rk_actor_view *actor_out, rk_error *error) {
    rk_state *state = NULL;
    RK_TRY(court->actor_read ? rki_entity_refresh(court->engine, court->actor, court, error)
                             : load_actor(court, error));
    RK_TRY(rki_entity_view(court->engine, court->actor, &state, error));
    uint64_t version = court->actor->version + court->actor->pending;
    if (!court->actor_read || version != court->actor_version) RK_TRY(read_actor(court, version, error));
    *actor_out = court->actor_view;
    return RK_OK;
}

rk_status rki_court_actor(rki_court *court, rk_actor_view *actor_out, rk_error *error) {
    RK_TRY(find_actor(court, actor_out, error));
    return rk_auth_enabled(actor_out, error);
}

rk_status rki_court_key(rki_court *court, rk_key_status *status_out, rk_error *error) {
    rk_actor_view actor;
    *status_out = RK_KEY_UNKNOWN;
    rk_status status = find_actor(court, &actor, error);
    if (status == RK_UNKNOWN_ACTOR) return RK_OK;
    if (status == RK_OK) *status_out = rk_auth_key(&court->actor_value, &court->key);
    return status;
}

static bool is_builtin(rk_bytes module, const char *name) {
    return rk_bytes_equal(module, rk_bytes_of_string(name));
}

/* An active key may seal anything; an invitation only the event that it vouches in. */
static rk_status check_key(rki_court *court, const rk_event *event, rk_error *error) {
    bool join = is_builtin(event->module, "actor") && rk_bytes_equal(event->type, RK_TEXT("join"));
    if (court->vouched) {
        if (!join) return RK_OK;
        return rk_fail(error, RK_UNKNOWN_KEY, NULL, "a device seals its joining itself, with its invitation");
    }
    char hex[2 * RK_KEY_SIZE];
    rk_hex_write(rk_key_bytes(&court->key), hex);
    bool vouches = join && rk_is_text(rk_map_find(&event->data, RK_TEXT("invitation")), rk_bytes_of(hex, sizeof hex));
    rk_key_status status = rk_auth_key(&court->actor_value, &court->key);
    if (status == RK_KEY_ACTIVE && !join) return RK_OK;
    if ((status == RK_KEY_INVITATION || status == RK_KEY_USED) && vouches)
        return RK_OK; /* its guard says if it is open */
    static const char *const reasons[] = {"the key that sealed this was never a key of \"%b\"",
                                          "an active key of \"%b\" joins nobody",
                                          "the key that sealed this was revoked for \"%b\"",
                                          "an invitation of \"%b\" seals its own join and nothing else",
                                          "an invitation of \"%b\" that was used seals nothing"};
    return rk_fail(error, RK_UNKNOWN_KEY, NULL, reasons[status], court->actor_id);
}

/* ---- what no module can say ---- */

static rk_status check_hex_key(const rk_event *event, const char *member, rk_error *error) {
    const rk_value *value = rk_map_find(&event->data, rk_bytes_of_string(member));
    uint8_t key[RK_KEY_SIZE];
    if (!value || (value->kind == RK_STRING && rk_hex_read(value->as.bytes, key, sizeof key))) return RK_OK;
    return rk_fail(error, RK_BAD_DATA, NULL, "\"%s\" is not a key in hex", member);
}

/* Compiles what is published, and holds it against the version before. */
static rk_status check_publish(rki_court *court, const rk_event *event, rk_error *error) {
    const rk_value *source = rk_map_find(&event->data, RK_TEXT("source"));
    const rk_value *version = rk_map_find(&event->data, RK_TEXT("version"));
    rk_arena arena = rki_call_arena(court->engine);
    rk_module *next = NULL;
    rk_findings findings;
    const rk_module *now = NULL;
    rk_status status = rk_module_compile(&arena, source, &next, &findings, error);
    if (status == RK_OK &&
        (!rk_bytes_equal(next->name, event->entity) || (int64_t)next->version != version->as.integer)) {
        status = rk_fail(error, RK_BAD_MODULE, NULL, "the source says %b@%u", next->name, (uint64_t)next->version);
    }
    if (status == RK_OK && rki_module_is_builtin(next->name)) {
        status = rk_fail(error, RK_MODULE_CHANGE, NULL, "\"%b\" is built in", next->name);
    }
    if (status == RK_OK && next->version > 1) {
        status = rki_module_find(court->engine, next->name, 0, court, &now, error);
        if (status == RK_OK) status = rk_module_may_follow(now, next, error);
    }
    rk_arena_free(&arena);
    return status;
}

static rk_status check_builtin(rki_court *court, const rk_event *event, rk_error *error) {
    if (is_builtin(event->module, "module")) return check_publish(court, event, error);
    if (!is_builtin(event->module, "actor")) return RK_OK;
    if (!rk_label_valid(event->entity, RK_ACTOR_SIZE_MAX)) {
        return rk_fail(error, RK_BAD_ID, NULL, "this is no name for an actor");
    }
    RK_TRY(check_hex_key(event, "key", error));
    return check_hex_key(event, "invitation", error);
}

/* ---- references ---- */

typedef struct dot_context {
    rki_court *court;
    const rk_event *event;
    rk_status status; /* why the log could not be asked: that says nothing about the dot, and must not refuse it */
    rk_error error;
} dot_context;

static bool inserts(const rk_event *event, const rk_event *of, rk_bytes field, uint32_t n) {
    if (!rk_bytes_equal(event->module, of->module) || !rk_bytes_equal(event->entity, of->entity)) return false;
    return n < event->operation_count && event->operations[n].kind == RK_OPERATION_INSERT &&
           rk_bytes_equal(event->operations[n].field, field);
}

/* The set has no trace of a dot that was removed; the log, and what the court has accepted, have its event. */
static bool dot_known(void *context, rk_bytes field, rk_dot dot) {
    dot_context *dots = context;
    rki_court *court = dots->court;
    for (size_t i = 0; i < court->accepted_count; i++) {
        const rk_event *event = court->accepted[i].event;
        if (rk_id_equal(event->id, dot.event)) return inserts(event, dots->event, field, dot.n);
    }
    rk_stored_event stored;
    rk_event event;
    const rk_log_ops *store = court->engine->host.store;
    rk_status status = store->event_of_id(court->engine->log, court->arena, dot.event, &stored, &dots->error);
    if (status == RK_NOT_FOUND) return false;
    if (status == RK_OK && rk_event_decode(court->arena, stored.bytes, &event, &dots->error) != RK_OK) {
        status = rk_fail(&dots->error, RK_CORRUPT, NULL, "a stored event does not decode");
    }
    if (status != RK_OK) dots->status = status;
    return status == RK_OK && inserts(&event, dots->event, field, dot.n);
}

static rk_status check_id(rki_court *court, const rk_event *event, rk_error *error) {
    rk_stored_event stored;
    const rk_log_ops *store = court->engine->host.store;
    rk_status status = store->event_of_id(court->engine->log, court->arena, event->id, &stored, error);
    if (status == RK_NOT_FOUND) return RK_OK;
    return status == RK_OK ? rk_fail(error, RK_ID_CONFLICT, NULL, "another event has this id already") : status;
}

/* ---- the judgement ---- */

/* A guard that fails is not one that says no: its error names it. */
static rk_status at_guard(const rk_event_type *type, size_t index, rk_status status, rk_error *error) {
    char where[RK_NAME_SIZE_MAX + 40];
    rk_error_at(error, rk_bytes_of(where, rk_format(where, sizeof where, "/events/%b/require/%u", type->name,
                                                    (uint64_t)index)));
    return status;
}

rk_status rki_guards_check(const rk_scene *scene, const rk_event_type *type, rk_arena *arena, rk_error *error) {
    for (size_t i = 0; i < type->guard_count; i++) {
        bool yes = false;
        rk_status status = rk_scene_ask(scene, type->guards[i].that, arena, &yes, error);
        if (status != RK_OK) return at_guard(type, i, status, error);
        if (!yes) return rk_fail(error, RK_REQUIRE_FAILED, NULL, "%b", type->guards[i].otherwise);
    }
    return RK_OK;
}

static rk_status accept(rki_court *court, const rk_event *event, uint32_t current, rki_entity *entity,
                        rk_error *error) {
    if (court->accepted_count == court->accepted_capacity) {
        size_t capacity = court->accepted_capacity ? court->accepted_capacity * 2 : 16;
        rki_accepted *accepted = rk_arena_grow(
            court->arena, court->accepted, court->accepted_capacity * sizeof *accepted, capacity * sizeof *accepted);
        if (!accepted) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the judgement");
        court->accepted = accepted;
        court->accepted_capacity = capacity;
    }
    if (court->commit_stamp) {
        entity->version++;
    } else {
        entity->pending++;
    }
    entity->touched = court->serial;
    court->accepted[court->accepted_count++] = (rki_accepted){.event = event,
                                                              .entity = entity,
                                                              .version = entity->version + entity->pending,
                                                              .current = current,
                                                              .first = entity->judged != court->serial};
    entity->judged = court->serial;
    if (is_builtin(entity->module, "module")) rki_modules_drop(court->engine, entity->id);
    return RK_OK;
}

static bool splices(const rk_event_type *type) {
    for (size_t i = 0; i < type->step_count; i++) {
        if (type->steps[i].kind == RK_OPERATION_SPLICE) return true;
    }
    return false;
}

/* Operations are resolved, and held against the data, as the event's own version makes them. */
static rk_status judge_operations(rki_court *court, const rk_scene *scene, const rki_reading *reading,
                                  const rki_entity *entity, rk_event *event, bool resolve, rk_arena *arena,
                                  rk_error *error) {
    rk_scene as_written = *scene;
    as_written.data = NULL;
    if (resolve) {
        uint64_t floor = 0;
        rk_state *past = NULL;
        if (splices(reading->written)) {
            RK_TRY(rki_lamport_floor(court->engine, event->module, event->entity, &floor, error));
        }
        RK_TRY(rki_seen_state(court, entity, reading->written, scene->state, &past, &floor, error));
        if (past) as_written.state = past;
        rk_status status = rk_event_resolve(&as_written, reading->written, floor, court->arena, event, error);
        rk_state_free(past);
        return status;
    }
    dot_context context = {.court = court, .event = event};
    const rk_dot_source dots = {dot_known, &context};
    RK_TRY(check_id(court, event, error));
    rk_status status = rk_event_check_operations(&as_written, reading->written, &dots, arena, error);
    if (context.status == RK_OK) return status;
    if (error) *error = context.error;
    return context.status;
}

/* Rules, guards and steps read everything: how one fails ("no such key: 4711") is told to who may read it all. */
static rk_status tell_failure(const rk_scene *scene, rk_status status, rk_arena *arena, rk_error *error) {
    rk_hidden hidden;
    if (status != RK_EXPRESSION_FAILED || !error) return status;
    bool reads_all = rk_auth_read(scene, arena, NULL) == RK_OK &&
                     rk_auth_hidden(scene, arena, &hidden, NULL) == RK_OK && hidden.count == 0;
    if (!reads_all) {
        rk_format(error->what, sizeof error->what, "an expression ends in an error, on what is hidden from %b",
                  scene->actor.id);
    }
    return status;
}

/* Everything that needs the entity's state: rule, guards, operations, the change itself. */
static rk_status judge_in_scene(rki_court *court, const rk_scene *scene, const rki_reading *reading, rki_entity *entity,
                                rk_event *event, bool resolve, rk_arena *arena, rk_error *error) {
    rk_change *change = NULL;
    bool broken = false;
    RK_TRY(rk_auth_write(scene, reading->type, arena, error));
    RK_TRY(rki_guards_check(scene, reading->type, arena, error));
    RK_TRY(check_builtin(court, event, error));
    RK_TRY(judge_operations(court, scene, reading, entity, event, resolve, arena, error));
    RK_TRY(rk_change_make(scene, reading->sets, arena, &change, error));
    rk_status status = rk_change_apply(scene, change, true, &broken, error);
    if (broken) court->failing = entity;
    return status;
}

static rk_status judge_on_entity(rki_court *court, const rki_reading *reading, const rk_actor_view *actor,
                                 rk_event *event, bool resolve, rk_arena *arena, rk_error *error) {
    char name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 2];
    rki_entity *entity = NULL;
    rk_state *state = NULL;
    size_t size = rk_format(name, sizeof name, "%b/%b", event->module, event->entity);
    RK_TRY(rki_entity_load(court->engine, rk_bytes_of(name, size), court, &entity, error));
    RK_TRY(rki_entity_open(court->engine, entity, &state, error));
    rk_scene scene = {.module = reading->module,
                      .event = event,
                      .entity = event->entity,
                      .actor = *actor,
                      .state = state,
                      .version = entity->version + entity->pending,
                      .stamp = event->id.stamp,
                      .now_ms = court->now_ms,
                      .zones = rki_zones(court->engine),
                      .data = &reading->data};
    if (court->commit_stamp) {
        bool ordered = reading->type->ordered;
        scene.stamp = ordered ? court->commit_stamp : rk_stamp_effective(event->id.stamp, court->commit_stamp);
    }
    rk_status status = judge_in_scene(court, &scene, reading, entity, event, resolve, arena, error);
    RK_TRY(tell_failure(&scene, status, arena, error));
    return accept(court, event, reading->module->version, entity, error);
}

/* The version that is current here judges; data must fit the version that the event was written in as well. */
static rk_status judge_by_version(rki_court *court, const rk_actor_view *actor, rk_event *event, bool resolve,
                                  rk_arena *arena, rk_error *error) {
    uint32_t current = 0;
    rki_reading reading;
    RK_TRY(rki_module_current(court->engine, event->module, court, &current, error));
    if (resolve) event->module_version = current;
    RK_TRY(rki_event_read_at(court->engine, event, current, court, arena, &reading, error));
    if (resolve) {
        const rk_schema *schema = reading.written->data;
        RK_TRY(rk_schema_normalise(court->arena, schema, &event->data, "/data", &event->data, error));
        reading.data = event->data;
    }
    RK_TRY(rk_schema_check(reading.written->data, &event->data, RK_BAD_DATA, "/data", error));
    if (reading.type != reading.written) {
        RK_TRY(rk_schema_check(reading.type->data, &reading.data, RK_BAD_DATA, "/data", error));
    }
    return judge_on_entity(court, &reading, actor, event, resolve, arena, error);
}

rk_status rki_court_judge(rki_court *court, rk_event *event, bool resolve, rk_error *error) {
    rk_actor_view actor;
    RK_TRY(rki_court_actor(court, &actor, error));
    if (resolve) event->actor_kind = actor.kind;
    if (event->actor_kind != actor.kind || !rk_bytes_equal(event->actor, court->actor_id)) {
        return rk_fail(error, RK_BAD_EVENT, NULL, "its actor is not who sealed the batch");
    }
    RK_TRY(check_key(court, event, error));
    RK_TRY(rki_court_quota(court, event, error));
    if (rk_event_is_personal(event)) {
        return rk_fail(error, RK_NOT_YET, "/data",
                       "personal members need the keys of their subjects, which do not exist yet");
    }
    rk_arena arena = rki_call_arena(court->engine);
    rk_status status = judge_by_version(court, &actor, event, resolve, &arena, error);
    rk_arena_free(&arena);
    return status;
}

void rki_court_begin(rki_court *court) {
    court->transaction_start = court->accepted_count;
    court->failing = NULL;
}

void rki_court_refuse(rki_court *court) {
    if (court->failing) rki_entity_drop(court->engine, court->failing);
    for (size_t i = court->transaction_start; i < court->accepted_count; i++) {
        rki_entity *entity = court->accepted[i].entity;
        if (court->accepted[i].first) entity->judged = 0;
        rki_entity_drop(court->engine, entity);
    }
    court->accepted_count = court->transaction_start;
    court->actor_read = false;
    court->failing = NULL;
}

rk_status rki_court_reads(rki_court *court, const rk_expectation **reads_out, size_t *count_out, rk_error *error) {
    rk_expectation *reads =
        rk_arena_take_array(court->arena, court->accepted_count + court->noted_count, sizeof *reads);
    size_t count = 0;
    *reads_out = reads;
    *count_out = 0;
    if (!reads) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the read set");
    for (size_t i = 0; i < court->accepted_count; i++) {
        const rki_accepted *accepted = &court->accepted[i];
        if (accepted->first) reads[count++] = (rk_expectation){accepted->entity->name, accepted->version - 1};
    }
    for (size_t i = 0; i < court->noted_count; i++) reads[count++] = court->noted[i];
    *count_out = count;
    return RK_OK;
}

rk_status rki_court_close(rki_court *court, uint64_t first_position, rk_error *error) {
    for (size_t i = 0; i < court->accepted_count; i++) {
        rki_entity *entity = court->accepted[i].entity;
        if (!entity->committed) continue;
        entity->position = first_position + i;
        entity->tail_size += court->accepted[i].size;
        court->engine->cache_size += court->accepted[i].size; /* a state grows by about what its events say */
        rki_clock_see(court->engine, rk_stamp_effective(court->accepted[i].event->id.stamp, court->commit_stamp));
        /* Where its versions stand was perhaps looked up before this one had a position. */
        if (is_builtin(entity->module, "module")) rki_modules_drop(court->engine, entity->id);
    }
    for (size_t i = 0; i < court->accepted_count; i++) {
        const rki_accepted *accepted = &court->accepted[i];
        RK_TRY(rki_entity_settle(court->engine, accepted->entity, error));
        RK_TRY(rki_index_update(court->engine, accepted->entity, accepted->version - 1, error));
    }
    return RK_OK;
}
