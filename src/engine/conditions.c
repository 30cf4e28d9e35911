/*
 * What a transaction asks of the log before its events: expected versions, and conditions over several entities.
 *
 *     states["stock/rice"].level >= 5 && !(states[?"order/17"].hasValue())
 *
 * Invariants
 *   (1) A condition names the entities that it reads, by constant text: so its read set is known before it runs.
 *   (2) It is evaluated with its sender's permission to read: an entity that the module's rule hides from the actor is
 *       as if it were not there, and so is a field that its rule hides. An expected version of such an entity is
 *       RK_FORBIDDEN, whatever its version is: it cannot be met or missed without telling one.
 *   (3) Nothing is looked at for a key that is not the actor's: the answer would tell it what it may not read.
 *   (4) All that was looked at, also by what was refused, is in the read set of the append.
 */
#include "engine/inner.h"

/* ---- the read set ---- */

static rk_status note_read(rki_court *court, const rki_entity *entity, rk_error *error) {
    if (court->noted_count == court->noted_capacity) {
        size_t capacity = court->noted_capacity ? court->noted_capacity * 2 : 16;
        rk_expectation *noted =
            rk_arena_grow(court->arena, court->noted, court->noted_capacity * sizeof *noted, capacity * sizeof *noted);
        if (!noted) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the read set");
        court->noted = noted;
        court->noted_capacity = capacity;
    }
    /* What the court itself has folded is not in the log yet, and stands in the read set by its events. */
    if (entity->touched == court->serial) return RK_OK;
    court->noted[court->noted_count++] = (rk_expectation){entity->name, entity->version};
    return RK_OK;
}

/* ---- expected versions ---- */

/* The entity as the sender may see it: RK_FORBIDDEN, or what of it is hidden. Either way it is in the read set. */
static rk_status look_at(rki_court *court, rk_bytes name, rk_arena *arena, rk_scene *scene_out, rk_hidden *hidden_out,
                         rk_error *error) {
    rki_entity *entity = NULL;
    rk_bytes module;
    uint32_t version = 0;
    *scene_out = (rk_scene){.now_ms = court->now_ms, .zones = rki_zones(court->engine)};
    RK_TRY(rki_court_actor(court, &scene_out->actor, error));
    RK_TRY(rk_entity_split(name, &module, &scene_out->entity, error));
    RK_TRY(rki_entity_load(court->engine, name, court, &entity, error));
    RK_TRY(note_read(court, entity, error));
    RK_TRY(rki_entity_view(court->engine, entity, &scene_out->state, error));
    scene_out->version = entity->version + entity->pending;
    RK_TRY(rki_module_current(court->engine, module, court, &version, error));
    RK_TRY(rki_module_find(court->engine, module, version, court, &scene_out->module, error));
    RK_TRY(rk_auth_read(scene_out, arena, error));
    return rk_auth_hidden(scene_out, arena, hidden_out, error);
}

rk_status rki_court_expect(rki_court *court, rk_bytes name, uint64_t version, rk_error *error) {
    rk_scene scene;
    rk_hidden hidden;
    rk_error why = {.code = RK_OK};
    rk_arena arena = rki_call_arena(court->engine);
    rk_status status = look_at(court, name, &arena, &scene, &hidden, &why);
    rk_arena_free(&arena);
    if (status != RK_OK && status != RK_UNKNOWN_MODULE) { /* without its module, it is at version 0 for everybody */
        if (error) *error = why;
        return status;
    }
    uint64_t now = scene.version;
    if (now == version) return RK_OK;
    char where[RK_ERROR_WHERE_MAX];
    rk_format(where, sizeof where, "%b", name);
    rk_fail(error, RK_VERSION_CONFLICT, where, "it is at version %u, not %u", now, version);
    if (error) error->version = now;
    return RK_VERSION_CONFLICT;
}

/* ---- conditions ---- */

typedef struct condition {
    rki_court *court;
    const rk_program *program;
    rk_arena *arena; /* of this condition */
    rk_actor_view actor;
    rk_value states;
} condition;

/* One entity's state under its name; one that does not exist, or not for this sender, has no key. */
static rk_status read_entity(condition *condition, rk_bytes name, rk_pair *pair, bool *there_out, rk_error *error) {
    rk_scene scene;
    rk_hidden hidden;
    rk_error why = {.code = RK_OK};
    *there_out = false;
    rk_status status = look_at(condition->court, name, condition->arena, &scene, &hidden, &why);
    if (status == RK_FORBIDDEN) return RK_OK;
    if (status != RK_OK && error) *error = why;
    RK_TRY(status);
    *there_out = scene.version > 0;
    pair->key = rk_string(name);
    status = rk_state_value_shown(scene.state, scene.module, &hidden, condition->arena, &pair->value);
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "no memory for a state's value");
}

static rk_status read_states(condition *condition, rk_error *error) {
    const rk_read *reads = NULL;
    size_t count = rk_program_reads(condition->program, &reads), found = 0;
    rk_pair *pairs = rk_arena_take_array(condition->arena, count, sizeof *pairs);
    if (!pairs) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a condition");
    for (size_t i = 0; i < count; i++) {
        bool there = false;
        if (!rk_bytes_equal(reads[i].root, RK_TEXT("states"))) continue;
        if (reads[i].whole) {
            char where[64];
            rk_program_where(condition->program, reads[i].offset, where, sizeof where);
            rk_fail(error, RK_BAD_EXPRESSION, where, "a condition names the entities that it reads");
            rk_error_hint(error, "write states[\"module/id\"] with a constant text");
            return RK_BAD_EXPRESSION;
        }
        RK_TRY(read_entity(condition, reads[i].field, &pairs[found], &there, error));
        found += there;
    }
    rk_status status = rk_map_value(condition->arena, pairs, found, &condition->states);
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "no memory for a condition");
}

static rk_status find(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    condition *condition = context;
    rk_status status = RK_OK;
    (void)index;
    *value_out = rk_null();
    if (rk_bytes_equal(name, RK_TEXT("states"))) {
        *value_out = condition->states;
    } else if (rk_bytes_equal(name, RK_TEXT("actor"))) {
        status = rk_actor_value(&condition->actor, condition->arena, value_out);
    } else {
        *value_out = rk_time_value(condition->court->now_ms);
    }
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "\"%b\" could not be read", name);
}

static rk_status zone(void *context, rk_bytes name, int64_t seconds, int64_t *ahead_out) {
    const rk_zone_source *zones = rki_zones(((condition *)context)->court->engine);
    return zones->ahead(zones->context, name, seconds, ahead_out);
}

static rk_status compile(rk_arena *arena, rk_bytes source, rk_program **program_out, rk_error *error) {
    const rk_variable variables[] = {
        {RK_TEXT("states"), rk_type_map(arena, rk_type_of(RK_TYPE_STRING), rk_type_of(RK_TYPE_DYN))},
        {RK_TEXT("actor"), rk_module_actor_type(arena)},
        {RK_TEXT("now"), rk_type_of(RK_TYPE_TIMESTAMP)},
    };
    const rk_environment environment = {variables, 3};
    if (!variables[0].type || !variables[1].type) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a condition");
    }
    RK_TRY(rk_expr_compile(arena, source, &environment, program_out, error));
    if (rk_type_fits(rk_program_type(*program_out), rk_type_of(RK_TYPE_BOOL))) return RK_OK;
    return rk_fail(error, RK_BAD_EXPRESSION, NULL, "a condition gives a bool");
}

static rk_status ask(rki_court *court, rk_bytes source, rk_arena *arena, rk_error *error) {
    condition condition = {.court = court, .arena = arena};
    const rk_activation activation = {
        .find = find, .context = &condition, .zone = rki_zones(court->engine) ? zone : NULL};
    rk_program *program = NULL;
    rk_value answer;
    RK_TRY(compile(arena, source, &program, error));
    condition.program = program;
    RK_TRY(rki_court_actor(court, &condition.actor, error));
    RK_TRY(read_states(&condition, error));
    RK_TRY(rk_program_run(program, &activation, arena, RK_STEPS_MAX, &answer, error));
    if (answer.kind != RK_BOOL) return rk_fail(error, RK_EXPRESSION_FAILED, NULL, "the condition gives no bool");
    if (answer.as.boolean) return RK_OK;
    return rk_fail(error, RK_REQUIRE_FAILED, NULL, "the condition does not hold: %b", source);
}

rk_status rki_court_require(rki_court *court, rk_bytes source, rk_error *error) {
    rk_arena arena = rki_call_arena(court->engine);
    rk_status status = ask(court, source, &arena, error);
    rk_arena_free(&arena);
    return status;
}

/* An event's key is checked when it is judged, which is after its transaction's preconditions. */
static rk_status check_key(rki_court *court, rk_error *error) {
    rk_key_status status = RK_KEY_UNKNOWN;
    if (court->vouched) return RK_OK;
    RK_TRY(rki_court_key(court, &status, error));
    if (status == RK_KEY_ACTIVE) return RK_OK;
    return rk_fail(error, RK_UNKNOWN_KEY, NULL, "the key that sealed this is no active key of \"%b\"", court->actor_id);
}

rk_status rki_court_preconditions(rki_court *court, const rk_preconditions *preconditions, rk_error *error) {
    if (preconditions->condition_count > RK_CONDITIONS_MAX) {
        return rk_fail(error, RK_LIMIT, NULL, "more conditions than RK_CONDITIONS_MAX in one transaction");
    }
    RK_TRY(check_key(court, error));
    for (size_t i = 0; i < preconditions->expected_count; i++) {
        RK_TRY(rki_court_expect(court, preconditions->expected[i].entity, preconditions->expected[i].version, error));
    }
    for (size_t i = 0; i < preconditions->condition_count; i++) {
        RK_TRY(rki_court_require(court, preconditions->conditions[i], error));
    }
    return RK_OK;
}
