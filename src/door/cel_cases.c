/*
 * Running conformance cases.
 */
#include "door/cel_cases.h"

#include <math.h>

#include "door/cel_json.h"
#include "door/json.h"
#include "io/memory.h"

enum { CASE_SIZE_MAX = 64 << 20, FILE_SIZE_MAX = 512 << 20, SHOWN_SIZE_MAX = 64 << 10 };

/* --- variables -------------------------------------------------------------------------------------------------- */

static rk_status find_variable(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    (void)index, (void)error;
    const rk_cel_world *world = context;
    const rk_value *found = rk_map_find(&world->variables, name);
    if (!found) return RK_NOT_FOUND;
    *value_out = *found;
    return RK_OK;
}

static rk_status find_zone(void *context, rk_bytes name, int64_t seconds, int64_t *ahead_out) {
    const rk_cel_world *world = context;
    return rk_zone_ahead(world->zones, name, seconds, ahead_out);
}

rk_activation rk_cel_activation(rk_cel_world *world) {
    return (rk_activation){.find = find_variable, .context = world, .zone = find_zone};
}

/* --- comparing -------------------------------------------------------------------------------------------------- */

static bool same(const rk_value *a, const rk_value *b);

static bool same_items(const rk_value *a, const rk_value *b) {
    if (a->as.list.count != b->as.list.count) return false;
    for (size_t i = 0; i < a->as.list.count; i++) {
        if (!same(&a->as.list.items[i], &b->as.list.items[i])) return false;
    }
    return true;
}

/* Both maps stand in the order of their keys. */
static bool same_pairs(const rk_value *a, const rk_value *b) {
    if (a->as.map.count != b->as.map.count) return false;
    for (size_t i = 0; i < a->as.map.count; i++) {
        const rk_pair *left = &a->as.map.pairs[i], *right = &b->as.map.pairs[i];
        if (!same(&left->key, &right->key) || !same(&left->value, &right->value)) return false;
    }
    return true;
}

static bool same(const rk_value *a, const rk_value *b) {
    if (a->kind != b->kind) return false;
    if (a->kind == RK_DOUBLE && isnan(a->as.number) && isnan(b->as.number)) return true;
    if (a->kind == RK_LIST) return same_items(a, b);
    if (a->kind == RK_MAP) return same_pairs(a, b);
    return rk_expr_equal(a, b);
}

/* --- one case --------------------------------------------------------------------------------------------------- */

typedef struct test_case {
    rk_bytes section, name, expression;
    rk_cel_world world;
    bool fails; /* an error is expected */
    rk_value value;
} test_case;

static rk_status read_text(const rk_value *json, const char *name, rk_bytes *text_out, rk_error *error) {
    const rk_value *found = rk_map_find(json, rk_bytes_of_string(name));
    if (!found) return RK_OK;
    if (found->kind != RK_STRING) return rk_fail(error, RK_BAD_FILE, NULL, "\"%s\" is not text", name);
    *text_out = found->as.bytes;
    return RK_OK;
}

static rk_status read_bindings(rk_arena *arena, const rk_value *json, rk_value *out, rk_error *error) {
    if (json->kind != RK_MAP) return rk_fail(error, RK_BAD_FILE, NULL, "\"bindings\" is not an object");
    rk_pair *pairs = rk_arena_take_array(arena, json->as.map.count, sizeof *pairs);
    if (!pairs) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the case");
    for (size_t i = 0; i < json->as.map.count; i++) {
        pairs[i].key = json->as.map.pairs[i].key;
        RK_TRY(rk_cel_read(arena, &json->as.map.pairs[i].value, &pairs[i].value, error));
    }
    return rk_map_value(arena, pairs, json->as.map.count, out);
}

static rk_status read_case(rk_arena *arena, const rk_value *json, test_case *out, rk_error *error) {
    if (json->kind != RK_MAP) return rk_fail(error, RK_BAD_FILE, NULL, "a case is an object");
    RK_TRY(read_text(json, "section", &out->section, error));
    RK_TRY(read_text(json, "name", &out->name, error));
    RK_TRY(read_text(json, "expr", &out->expression, error));
    if (!rk_map_find(json, RK_TEXT("expr"))) return rk_fail(error, RK_BAD_FILE, NULL, "it has no \"expr\"");
    const rk_value *bindings = rk_map_find(json, RK_TEXT("bindings")), *value = rk_map_find(json, RK_TEXT("value"));
    out->fails = rk_map_find(json, RK_TEXT("error")) != NULL;
    if (out->fails && value) return rk_fail(error, RK_BAD_FILE, NULL, "it has both \"value\" and \"error\"");
    if (bindings) RK_TRY(read_bindings(arena, bindings, &out->world.variables, error));
    out->value = rk_bool(true);
    return value ? rk_cel_read(arena, value, &out->value, error) : RK_OK;
}

/* A value as a case has it, cut where it is long. */
static rk_bytes show(rk_arena *arena, const rk_value *value) {
    rk_buffer buffer;
    rk_bytes text;
    rk_value typed;
    rk_buffer_init(&buffer, arena, SHOWN_SIZE_MAX);
    if (rk_cel_typed(arena, value, &typed) != RK_OK) return RK_TEXT("(a value too large to print)");
    rk_json_print(&buffer, &typed);
    return rk_buffer_finish(&buffer, &text) == RK_OK ? text : RK_TEXT("(a value too large to print)");
}

/* What is not built, or ran out of something, is no error of the expression. */
static bool is_error(rk_status status) {
    return status != RK_OK && status != RK_NOT_YET && status != RK_NO_MEMORY && status != RK_STEP_BOUND;
}

/* Whether it holds; fills in what is to be told otherwise. */
static bool run_case(rk_arena *arena, test_case *at, rk_cel_failure *failure) {
    rk_program *program = NULL;
    rk_value value = rk_null();
    rk_error error = {.code = RK_OK};
    rk_activation activation = rk_cel_activation(&at->world);
    rk_status status = rk_expr_compile(arena, at->expression, NULL, &program, &error);
    if (status == RK_OK) status = rk_program_run(program, &activation, arena, RK_STEPS_MAX, &value, &error);
    bool holds = at->fails ? is_error(status) : status == RK_OK && same(&value, &at->value);
    if (holds) return true;
    failure->section = at->section;
    failure->name = at->name;
    failure->expression = at->expression;
    failure->expected = at->fails ? RK_TEXT("an error") : show(arena, &at->value);
    failure->got = status == RK_OK ? show(arena, &value)
                                   : rk_arena_format(arena, error.where[0] ? "error: %s: %s: %s" : "error: %s: %s%s",
                                                     rk_status_name(status), error.where, error.what);
    return false;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

typedef struct runner {
    rk_zones *zones;
    void (*failed)(void *context, const rk_cel_failure *failure);
    void *context;
    rk_cel_tally *tally;
} runner;

static rk_status run_row(const runner *with, const rk_value *json, size_t number, rk_error *error) {
    rk_arena arena;
    char where[RK_ERROR_WHERE_MAX];
    test_case at = {.world = {.variables = {.kind = RK_MAP}, .zones = with->zones}};
    rk_cel_failure failure;
    rk_arena_init(&arena, rk_memory_system(), CASE_SIZE_MAX);
    rk_status status = read_case(&arena, json, &at, error);
    if (status == RK_NO_MEMORY) rk_fail(error, status, NULL, "no memory for the case");
    if (status != RK_OK) {
        bool named = at.section.size + at.name.size > 0;
        rk_error_at(error, rk_bytes_of(where, rk_format(where, sizeof where, named ? "case %u (%b/%b)" : "case %u",
                                                        (uint64_t)number, at.section, at.name)));
    } else if (run_case(&arena, &at, &failure)) {
        with->tally->passed++;
    } else {
        with->tally->failed++;
        with->failed(with->context, &failure);
    }
    rk_arena_free(&arena);
    return status;
}

rk_status rk_cel_cases_run(rk_bytes text, rk_zones *zones, void (*failed)(void *context, const rk_cel_failure *failure),
                           void *context, rk_cel_tally *tally_out, rk_error *error) {
    rk_arena arena;
    rk_value cases;
    const runner with = {zones, failed, context, tally_out};
    *tally_out = (rk_cel_tally){0, 0};
    rk_arena_init(&arena, rk_memory_system(), FILE_SIZE_MAX);
    rk_status status = rk_json_read(&arena, text, &cases, error);
    if (status == RK_OK && cases.kind != RK_LIST) {
        status = rk_fail(error, RK_BAD_FILE, NULL, "cases are a JSON list of objects");
    }
    for (size_t i = 0; status == RK_OK && i < cases.as.list.count; i++) {
        status = run_row(&with, &cases.as.list.items[i], i + 1, error);
    }
    rk_arena_free(&arena);
    return status;
}
