/*
 * The official conformance cases of CEL in ../shared/data/cel, one test a file; skipped where the folder is missing.
 * Every one of them passes.
 */
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the two above first */
#include <cmocka.h>
#include <jansson.h>

#include "core/expr/expr.h"
#include "io/memory.h"

#define FOLDER "../shared/data/cel/"

typedef struct tally {
    size_t passed, failed;
} tally;

static tally whole;

static rk_value read_value(rk_arena *arena, const json_t *json);

static rk_bytes text_of(rk_arena *arena, const json_t *json) {
    rk_bytes copy;
    assert_true(json_is_string(json));
    assert_int_equal(rk_arena_copy(arena, rk_bytes_of(json_string_value(json), json_string_length(json)), &copy),
                     RK_OK);
    return copy;
}

static rk_value read_list(rk_arena *arena, const json_t *json) {
    size_t count = json_array_size(json);
    rk_value *items = rk_arena_take_array(arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) items[i] = read_value(arena, json_array_get(json, i));
    return rk_list(items, count);
}

static rk_value read_map(rk_arena *arena, const json_t *json) {
    size_t count = json_array_size(json);
    rk_pair *pairs = rk_arena_take_array(arena, count, sizeof *pairs);
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(json, i);
        pairs[i].key = read_value(arena, json_array_get(pair, 0));
        pairs[i].value = read_value(arena, json_array_get(pair, 1));
    }
    rk_value map;
    assert_int_equal(rk_map_value(arena, pairs, count, &map), RK_OK);
    return map;
}

static double read_double(const char *text) {
    if (strcmp(text, "Infinity") == 0 || strcmp(text, "inf") == 0) return (double)INFINITY;
    if (strcmp(text, "-Infinity") == 0 || strcmp(text, "-inf") == 0) return -(double)INFINITY;
    return strtod(text, NULL);
}

static rk_value read_value(rk_arena *arena, const json_t *json) {
    const char *kind = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)json));
    const json_t *inner = json_object_get(json, kind);
    if (strcmp(kind, "null") == 0) return rk_null();
    if (strcmp(kind, "bool") == 0) return rk_bool(json_is_true(inner));
    if (strcmp(kind, "int") == 0) return rk_int(strtoll(json_string_value(inner), NULL, 10));
    if (strcmp(kind, "uint") == 0) {
        return (rk_value){.kind = RK_UINT, .as.uinteger = strtoull(json_string_value(inner), NULL, 10)};
    }
    if (strcmp(kind, "double") == 0) return rk_double(read_double(json_string_value(inner)));
    if (strcmp(kind, "string") == 0) return rk_string(text_of(arena, inner));
    if (strcmp(kind, "type") == 0) return (rk_value){.kind = RK_TYPE, .as.bytes = text_of(arena, inner)};
    if (strcmp(kind, "list") == 0) return read_list(arena, inner);
    if (strcmp(kind, "map") == 0) return read_map(arena, inner);
    assert_string_equal(kind, "bytes_hex");
    rk_bytes hex = text_of(arena, inner);
    uint8_t *bytes = rk_arena_take(arena, hex.size / 2 + 1);
    assert_true(rk_hex_read(hex, bytes, hex.size / 2));
    return rk_bytes_value(rk_bytes_of(bytes, hex.size / 2));
}

/* The same kind and value; doubles compare as numbers, a NaN as equal to itself. */
static bool same(const rk_value *a, const rk_value *b) {
    if (a->kind != b->kind) return false;
    if (a->kind == RK_DOUBLE && isnan(a->as.number) && isnan(b->as.number)) return true;
    if (a->kind == RK_LIST) {
        if (a->as.list.count != b->as.list.count) return false;
        for (size_t i = 0; i < a->as.list.count; i++) {
            if (!same(&a->as.list.items[i], &b->as.list.items[i])) return false;
        }
        return true;
    }
    return rk_expr_equal(a, b);
}

static rk_status find_binding(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    (void)index, (void)error;
    const rk_value *bindings = context;
    const rk_value *found = rk_map_find(bindings, name);
    if (!found) return RK_NOT_FOUND;
    *value_out = *found;
    return RK_OK;
}

/* The zones that the cases name, as they were in February 2009. */
static rk_status find_zone(void *context, rk_bytes name, int64_t seconds, int64_t *ahead_out) {
    static const struct {
        const char *name;
        int64_t minutes;
    } zones[] = {{"Australia/Sydney", 660}, {"US/Central", -360}, {"America/St_Johns", -210}, {"Asia/Kathmandu", 345}};
    (void)context, (void)seconds;
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        if (!rk_bytes_equal(name, rk_bytes_of_string(zones[i].name))) continue;
        *ahead_out = zones[i].minutes * 60;
        return RK_OK;
    }
    return RK_NOT_FOUND;
}

static rk_value read_bindings(rk_arena *arena, const json_t *json) {
    rk_pair *pairs = rk_arena_take_array(arena, json_object_size(json), sizeof *pairs);
    size_t count = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)json, key, value) {
        rk_bytes name;
        assert_int_equal(rk_arena_copy(arena, rk_bytes_of_string(key), &name), RK_OK);
        pairs[count].key = rk_string(name);
        pairs[count++].value = read_value(arena, value);
    }
    rk_value bindings;
    assert_int_equal(rk_map_value(arena, pairs, count, &bindings), RK_OK);
    return bindings;
}

/* "" when the case holds, or what went wrong. */
static const char *run_case(rk_arena *arena, const json_t *json) {
    rk_program *program = NULL;
    rk_value value, bindings = read_bindings(arena, json_object_get(json, "bindings"));
    rk_activation activation = {find_binding, &bindings, find_zone};
    rk_error error = {0};
    const json_t *expected = json_object_get(json, "value");
    rk_status status = rk_expr_compile(arena, text_of(arena, json_object_get(json, "expr")), NULL, &program, &error);
    if (status == RK_OK) status = rk_program_run(program, &activation, arena, RK_STEPS_MAX, &value, &error);
    if (!expected) {
        bool is_error = status == RK_BAD_EXPRESSION || status == RK_EXPRESSION_FAILED;
        return is_error ? "" : "an error was expected";
    }
    if (status != RK_OK) return rk_arena_string(arena, rk_arena_format(arena, "%s: %s", error.where, error.what));
    rk_value wanted = read_value(arena, expected);
    return same(&value, &wanted) ? "" : "another value was expected";
}

static void run_file(void **state) {
    const char *name = *state;
    char path[256];
    snprintf(path, sizeof path, FOLDER "%s.json", name);
    json_t *cases = json_load_file(path, JSON_ALLOW_NUL, NULL);
    if (!cases) skip();
    tally counts = {0};
    for (size_t i = 0; i < json_array_size(cases); i++) {
        rk_arena arena;
        rk_arena_init(&arena, rk_memory_system(), 1 << 22);
        const json_t *json = json_array_get(cases, i);
        const char *outcome = run_case(&arena, json);
        if (!outcome[0]) {
            counts.passed++;
        } else {
            counts.failed++;
            printf("# %s/%s: %s: %s\n", json_string_value(json_object_get(json, "section")),
                   json_string_value(json_object_get(json, "name")), json_string_value(json_object_get(json, "expr")),
                   outcome);
        }
        rk_arena_free(&arena);
    }
    json_decref(cases);
    printf("# %s: %zu passed, %zu failed\n", name, counts.passed, counts.failed);
    whole.passed += counts.passed;
    whole.failed += counts.failed;
    assert_int_equal(counts.failed, 0);
}

static void the_sum_is_told(void **state) {
    (void)state;
    if (whole.passed + whole.failed == 0) skip();
    printf("# cel: %zu of %zu cases pass\n", whole.passed, whole.passed + whole.failed);
    assert_int_equal(whole.failed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        {"basic", run_file, NULL, NULL, (char[]){"basic"}},
        {"conversions", run_file, NULL, NULL, (char[]){"conversions"}},
        {"fp_math", run_file, NULL, NULL, (char[]){"fp_math"}},
        {"integer_math", run_file, NULL, NULL, (char[]){"integer_math"}},
        {"lists", run_file, NULL, NULL, (char[]){"lists"}},
        {"logic", run_file, NULL, NULL, (char[]){"logic"}},
        {"macros", run_file, NULL, NULL, (char[]){"macros"}},
        {"parse", run_file, NULL, NULL, (char[]){"parse"}},
        {"plumbing", run_file, NULL, NULL, (char[]){"plumbing"}},
        {"string", run_file, NULL, NULL, (char[]){"string"}},
        {"timestamps", run_file, NULL, NULL, (char[]){"timestamps"}},
        cmocka_unit_test(the_sum_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
