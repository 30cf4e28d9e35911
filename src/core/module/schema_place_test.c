/*
 * Checking one place of a value, and making integers of what is written 1.0.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/module/findings.h"
#include "core/module/module_testing.h"
#include "core/module/schema_testing.h"
#include "io/memory.h"

static rk_arena arena;

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 256 << 20);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static rk_schema *schema_of(const char *text) {
    rk_value source = value_of_json(&arena, text);
    rk_schema *schema = NULL;
    rk_findings *findings = rk_arena_take(&arena, sizeof *findings);
    assert_int_equal(rk_schema_compile(&arena, &source, RK_TEXT(""), NULL, findings, &schema), RK_OK);
    assert_int_equal(findings->count, 0);
    return schema;
}

/* ---- integers ---- */

static void becomes(const char *schema, const char *before, const char *after) {
    rk_value value = value_of_json(&arena, before), wanted = value_of_json(&arena, after), found;
    assert_int_equal(rk_schema_normalise(&arena, schema_of(schema), &value, "", &found, NULL), RK_OK);
    if (!rk_value_equal(&found, &wanted)) fail_msg("%s on %s", schema, before);
}

static void a_whole_number_becomes_an_integer_where_one_is_wanted(void **state) {
    (void)state;
    becomes("{'type':'integer'}", "1.0", "1");
    becomes("{'type':'integer'}", "-0.0", "0");
    becomes("{'type':'integer'}", "1e3", "1000");
    becomes("{'type':'integer'}", "1.5", "1.5");
    becomes("{'type':'integer'}", "'1.0'", "'1.0'");
    becomes("{'type':['integer','null']}", "2.0", "2");
    becomes("{'type':'number'}", "1.0", "1.0");
    becomes("{'type':['integer','number']}", "1.0", "1.0");
    becomes("{}", "1.0", "1.0");
    becomes("{'enum':[1,2]}", "1.0", "1");
    becomes("{'type':'number','enum':[1,2]}", "1.0", "1.0");
    becomes("{'items':{'type':'integer'}}", "[1.0,2,'x',3.0]", "[1,2,'x',3]");
    becomes("{'properties':{'a':{'type':'integer'}},'additionalProperties':{'items':{'type':'integer'}}}",
            "{'a':1.0,'b':[2.0],'c':3.0}", "{'a':1,'b':[2],'c':3.0}");
    /* A double is the decimal that was written. */
    becomes("{'type':'integer'}", "4611686018427388000.0", "4611686018427388000");
    becomes("{'type':'integer'}", "-9e18", "-9000000000000000000");
}

static void what_needs_no_change_is_not_copied(void **state) {
    (void)state;
    rk_value value = value_of_json(&arena, "{'a':[1,2.0,{'b':1.0}]}"), found;
    rk_schema *schema = schema_of("{'properties':{'a':{'items':{'type':'string'}}}}");
    assert_int_equal(rk_schema_normalise(&arena, schema, &value, "", &found, NULL), RK_OK);
    assert_ptr_equal(found.as.map.pairs, value.as.map.pairs);
}

static void past_64_bits_is_an_overflow_with_its_place(void **state) {
    (void)state;
    rk_schema *schema = schema_of("{'properties':{'a':{'items':{'type':'integer'}}}}");
    static const char *const texts[] = {"{'a':[1,1e19]}", "{'a':[1,-1e308]}", "{'a':[1.0,9.3e18]}"};
    for (size_t i = 0; i < 3; i++) {
        rk_value value = value_of_json(&arena, texts[i]), found;
        rk_error error = {0};
        assert_int_equal(rk_schema_normalise(&arena, schema, &value, "/data", &found, &error), RK_OVERFLOW);
        assert_string_equal(error.where, "/data/a/1");
    }
}

/* ---- places ---- */

/* `path` is "a.b"; `where` NULL when it fits. */
static void place(const char *schema, const char *after, const char *path, const char *where) {
    rk_value keys[8], root = value_of_json(&arena, after);
    size_t count = 0;
    for (const char *at = path; *at; count++) {
        size_t size = strcspn(at, ".");
        keys[count] = rk_string(rk_bytes_of(at, size));
        at += size + (at[size] == '.');
    }
    rk_error error = {0};
    rk_status status = rk_schema_check_place(schema_of(schema), &root, keys, count, RK_BAD_STATE, "/f", &error);
    if (status != (where ? RK_BAD_STATE : RK_OK)) fail_msg("%s on %s: %s", schema, after, error.what);
    if (where) assert_string_equal(error.where, where);
}

static void a_place_is_checked_with_what_is_around_it(void **state) {
    (void)state;
    const char *balance = "{'type':'object','additionalProperties':{'type':'integer','minimum':0}}";
    place(balance, "{'a':1,'b':2}", "a", NULL);
    place(balance, "{'a':1,'b':-1}", "b", "/f/b");
    place(balance, "{'a':1,'b':'x'}", "b", "/f/b");
    place(balance, "7", "", "/f");
    place("{'maxProperties':2}", "{'a':1,'b':2}", "a", NULL);
    place("{'maxProperties':2}", "{'a':1,'b':2,'c':3}", "c", "/f");
    place("{'properties':{'a':{},'b':{}},'additionalProperties':false}", "{'a':1,'b':2}", "b", NULL);
    place("{'properties':{'a':{},'b':{}},'additionalProperties':false}", "{'a':1,'c':2}", "c", "/f/c");
    place("{'enum':[{'a':1,'b':2}]}", "{'a':1,'b':2}", "a", NULL);
    place("{'enum':[{'a':1,'b':2}]}", "{'a':1,'b':3}", "b", "/f");
    place("{'const':{'a':1,'b':2}}", "{'a':1,'b':3}", "b", "/f");
    place("{'properties':{'a':{'properties':{'b':{'maximum':1}}}}}", "{'x':0,'a':{'b':2,'c':1}}", "a.b", "/f/a/b");
    /* What was there before is not looked at again. */
    place(balance, "{'a':-1,'b':2}", "b", NULL);
    /* A map of one member may have been made by the set: it must be whole. */
    place("{'properties':{'a':{'required':['b','c']}}}", "{'x':0,'a':{'b':2}}", "a.b", "/f/a");
    place("{'required':['b','c']}", "{'b':2}", "b", "/f");
    place("{'minProperties':2}", "{'b':2}", "b", "/f");
    place("{'type':'string'}", "{'b':2}", "b", "/f");
}

/* The sum of many sets in a large map must not be the square of their number. */
static void the_cost_does_not_grow_with_other_keys(void **state) {
    (void)state;
    enum { COUNT = 100000, SETS = 20000 };
    rk_pair *pairs = rk_arena_take_array(&arena, COUNT, sizeof *pairs);
    for (uint64_t i = 0; i < COUNT; i++) {
        pairs[i] = (rk_pair){rk_string(rk_arena_format(&arena, "key %u", i)), rk_int((int64_t)i)};
    }
    rk_value map;
    assert_int_equal(rk_map_value(&arena, pairs, COUNT, &map), RK_OK);
    const rk_schema *schema = schema_of("{'type':'object','additionalProperties':{'type':'integer','minimum':0}}");
    clock_t start = clock();
    for (size_t i = 0; i < SETS; i++) {
        assert_int_equal(rk_schema_check_place(schema, &map, &map.as.map.pairs[i].key, 1, RK_BAD_STATE, "", NULL),
                         RK_OK);
    }
    assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
}

static void a_place_agrees_with_the_whole(void **state) {
    (void)state;
    uint64_t seed = 1;
    size_t compared = 0;
    for (size_t i = 0; i < 30000; i++) {
        uint8_t bytes[160];
        for (size_t k = 0; k < sizeof bytes; k++) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            bytes[k] = (uint8_t)(seed >> 56);
        }
        choices choices = {rk_bytes_of(bytes, sizeof bytes), 0};
        rk_arena one;
        rk_arena_init(&one, rk_memory_system(), 1 << 24);
        compared += compare_schema_checks(&one, &choices);
        rk_arena_free(&one);
    }
    print_message("# %zu places compared\n", compared);
    assert_true(compared > 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_whole_number_becomes_an_integer_where_one_is_wanted),
        TEST(what_needs_no_change_is_not_copied),
        TEST(past_64_bits_is_an_overflow_with_its_place),
        TEST(a_place_is_checked_with_what_is_around_it),
        TEST(the_cost_does_not_grow_with_other_keys),
        TEST(a_place_agrees_with_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
