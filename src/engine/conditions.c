/*
 * What a transaction asks of the log before its events: expected versions, and conditions over several entities.
 *
 *     states["stock/rice"].level >= 5 && !(states[?"order/17"].hasValue())
 *
 * Invariants
 *   (1) A condition names the entities that it reads, by constant text: so its read set is known before it runs.
 *   (2) It is evaluated with its sender's permission to read: an entity that the module's rule hides from the actor is
 *       RK_FORBIDDEN, whatever the condition would say.
 *   (3) Nothing is looked at for a key that is not the actor's: the answer would tell it what it may not read.
 *   (4) All that was looked at, also by what was refused, is in the read set of the append.
 */
#include <string.h>

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

rk_status rki_court_expect(rki_court *court, rk_bytes name, uint64_t version, rk_error *error) {
    rki_entity *entity = NULL;
    rk_state *state = NULL;
    RK_TRY(rki_entity_load(court->engine, name, court, &entity, error));
    RK_TRY(note_read(court, entity, error));
    RK_TRY(rki_entity_view(court->engine, entity, &state, error));
    uint64_t now = entity->version + entity->pending;
    if (now == version) return RK_OK;
    char where[RK_ERROR_WHERE_MAX];
    rk_format(where, sizeof where, "%b", name);
    return rk_fail(error, RK_VERSION_CONFLICT, where, "it is at version %u, not %u", now, version);
}

/* ---- conditions ---- */

typedef struct condition {
    rki_court *court;
    const rk_program *program;
    rk_arena *arena; /* of this condition */
    rk_actor_view actor;
    rk_value states;
} condition;

/* One entity's state under its name; one that does not exist has no key. */
static rk_status read_entity(condition *condition, rk_bytes name, rk_pair *pair, bool *there_out, rk_error *error) {
    rki_court *court = condition->court;
    rki_entity *entity = NULL;
    rk_scene scene = {.actor = condition->actor, .now_ms = court->now_ms, .zones = rki_zones(court->engine)};
    rk_bytes module;
    uint32_t version = 0;
    RK_TRY(rk_entity_split(name, &module, &scene.entity, error));
    RK_TRY(rki_module_current(court->engine, module, court, &version, error));
    RK_TRY(rki_module_find(court->engine, module, version, court, &scene.module, error));
    RK_TRY(rki_entity_load(court->engine, name, court, &entity, error));
    RK_TRY(note_read(court, entity, error));
    RK_TRY(rki_entity_view(court->engine, entity, &scene.state, error));
    scene.version = entity->version + entity->pending;
    RK_TRY(rk_auth_read(&scene, condition->arena, error));
    *there_out = scene.version > 0;
    pair->key = rk_string(name);
    rk_status status = rk_state_value(scene.state, scene.module, condition->arena, &pair->value);
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

static rk_status actor_value(condition *condition, rk_value *value_out) {
    const rk_actor_view *actor = &condition->actor;
    rk_bytes kind = rk_bytes_of_string(rk_actor_kind_name(actor->kind));
    const rk_pair members[] = {{rk_string(RK_TEXT("id")), rk_string(actor->id)},
                               {rk_string(RK_TEXT("kind")), rk_string(kind)},
                               {rk_string(RK_TEXT("roles")), actor->roles ? *actor->roles : rk_list(NULL, 0)}};
    rk_pair *pairs = rk_arena_take_array(condition->arena, 3, sizeof *pairs);
    if (!pairs) return RK_NO_MEMORY;
    memcpy(pairs, members, sizeof members);
    return rk_map_value(condition->arena, pairs, 3, value_out);
}

static rk_status find(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    condition *condition = context;
    rk_status status = RK_OK;
    (void)index;
    *value_out = rk_null();
    if (rk_bytes_equal(name, RK_TEXT("states"))) {
        *value_out = condition->states;
    } else if (rk_bytes_equal(name, RK_TEXT("actor"))) {
        status = actor_value(condition, value_out);
    } else {
        uint64_t ms = condition->court->now_ms;
        value_out->kind = RK_TIMESTAMP;
        value_out->as.time.seconds = (int64_t)(ms / 1000);
        value_out->as.time.nanos = (int32_t)(ms % 1000 * 1000000);
    }
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "\"%b\" could not be read", name);
}

static rk_status zone(void *context, rk_bytes name, int64_t seconds, int64_t *ahead_out) {
    const rk_zone_source *zones = rki_zones(((condition *)context)->court->engine);
    return zones->ahead(zones->context, name, seconds, ahead_out);
}

static rk_status compile(rk_arena *arena, rk_bytes source, rk_program **program_out, rk_error *error) {
    const rk_type *text = rk_type_of(RK_TYPE_STRING);
    const rk_type_field fields[] = {
        {RK_TEXT("id"), text}, {RK_TEXT("kind"), text}, {RK_TEXT("roles"), rk_type_list(arena, text)}};
    const rk_variable variables[] = {
        {RK_TEXT("states"), rk_type_map(arena, text, rk_type_of(RK_TYPE_DYN))},
        {RK_TEXT("actor"), rk_type_object(arena, RK_TEXT("actor"), fields, 3, false)},
        {RK_TEXT("now"), rk_type_of(RK_TYPE_TIMESTAMP)},
    };
    const rk_environment environment = {variables, 3};
    if (!fields[2].type || !variables[0].type || !variables[1].type) {
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
