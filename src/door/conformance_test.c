/*
 * The official conformance cases of CEL in ../shared/data/cel, one test a file, skipped where the folder is missing:
 * every one of them passes. And what the reader of cases says of files that are broken.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the two above first */
#include <cmocka.h>

#include "door/cel_cases.h"
#include "io/file.h"
#include "io/memory.h"

#define FOLDER "../shared/data/cel/"

static rk_arena arena;
static rk_zones zones;
static rk_error error;
static rk_cel_tally whole;

static int open_arena(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    rk_zones_init(&zones, &arena, NULL);
    error = (rk_error){.code = RK_OK};
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static void show(void *context, const rk_cel_failure *failure) {
    rk_cel_failure *last = context;
    last->expected = rk_arena_format(&arena, "%b", failure->expected);
    last->got = rk_arena_format(&arena, "%b", failure->got);
    printf("# %.*s/%.*s: expected %.*s, got %.*s\n", (int)failure->section.size, (const char *)failure->section.data,
           (int)failure->name.size, (const char *)failure->name.data, (int)failure->expected.size,
           (const char *)failure->expected.data, (int)failure->got.size, (const char *)failure->got.data);
}

static void run_file(void **state) {
    const char *name = *state;
    char path[256];
    rk_bytes text;
    rk_cel_tally tally;
    rk_cel_failure last = {.expected = {NULL, 0}};
    open_arena(NULL);
    snprintf(path, sizeof path, FOLDER "%s.json", name);
    if (!rk_file_there(path)) {
        close_arena(NULL);
        skip();
    }
    assert_int_equal(rk_file_read(&arena, path, 1 << 20, &text, NULL), RK_OK);
    rk_status status = rk_cel_cases_run(text, &zones, show, &last, &tally, &error);
    if (status != RK_OK) fail_msg("%s: %s", error.where, error.what);
    printf("# %s: %d passed, %d failed\n", name, (int)tally.passed, (int)tally.failed);
    whole.passed += tally.passed;
    whole.failed += tally.failed;
    close_arena(NULL);
    assert_int_equal(tally.failed, 0);
}

static void the_sum_is_told(void **state) {
    (void)state;
    if (whole.passed + whole.failed == 0) skip();
    printf("# cel: %d of %d cases pass\n", (int)whole.passed, (int)(whole.passed + whole.failed));
    assert_int_equal(whole.failed, 0);
}

static void a_broken_file_says_where_and_what(void **state) {
    (void)state;
    static const struct {
        const char *text, *where, *what;
    } rows[] = {
        {"{}", "", "cases are a JSON list of objects"},
        {"[1]", "case 1", "a case is an object"},
        {"[{'section':'s','name':'n'}]", "case 1 (s/n)", "it has no \"expr\""},
        {"[{'expr':1}]", "case 1", "\"expr\" is not text"},
        {"[{'expr':'true'},{'name':'b','expr':'1','value':5}]", "case 2 (/b)",
         "a value is an object of one member, such as {\"int\": \"5\"}"},
        {"[{'expr':'1','value':{'int':'5','uint':'5'}}]", "case 1",
         "a value is an object of one member, such as {\"int\": \"5\"}"},
        {"[{'expr':'1','value':{'whole':'5'}}]", "case 1", "there is no kind of value \"whole\""},
        {"[{'expr':'1','value':{'int':'five'}}]", "case 1", "\"int\" wants a whole number as text"},
        {"[{'expr':'1','value':{'int':'9223372036854775808'}}]", "case 1", "\"int\" wants a whole number of 64 bits"},
        {"[{'expr':'1','value':{'uint':'-1'}}]", "case 1", "\"uint\" wants a whole number as text"},
        {"[{'expr':'1','value':{'double':'one'}}]", "case 1", "\"double\" wants a number as text"},
        {"[{'expr':'1','value':{'bytes_hex':'abc'}}]", "case 1", "\"bytes_hex\" wants pairs of hexadecimal digits"},
        {"[{'expr':'1','value':{'bool':'true'}}]", "case 1", "\"bool\" holds JSON of another kind"},
        {"[{'expr':'1','value':{'map':[[{'int':'1'}]]}}]", "case 1", "\"map\" wants a list of pairs"},
        {"[{'expr':'1','value':{'map':[[{'list':[]},{'int':'1'}]]}}]", "case 1",
         "\"map\" has a key twice, or one that is no key"},
        {"[{'expr':'1','value':{'int':'1'},'error':[]}]", "case 1", "it has both \"value\" and \"error\""},
        {"[{'expr':'1','value':{'timestamp':'noon'}}]", "case 1", "a time is not as CEL writes it"},
        {"[{'expr':'1','value':{'optional':[{'int':'1'},{'int':'1'}]}}]", "case 1",
         "\"optional\" holds one value or none"},
        {"[{'expr':'1','bindings':[]}]", "case 1", "\"bindings\" is not an object"},
    };
    rk_cel_tally tally;
    rk_cel_failure last;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *json = rk_arena_string(&arena, rk_bytes_of_string(rows[i].text));
        for (char *at = json; *at; at++) {
            if (*at == '\'') *at = '"';
        }
        assert_int_equal(rk_cel_cases_run(rk_bytes_of_string(json), &zones, show, &last, &tally, &error), RK_BAD_FILE);
        assert_string_equal(error.what, rows[i].what);
        assert_string_equal(error.where, rows[i].where);
    }
    assert_int_equal(rk_cel_cases_run(RK_TEXT("["), &zones, show, &last, &tally, &error), RK_BAD_JSON);
}

static void kind_and_value_must_be_the_same(void **state) {
    (void)state;
    static const struct {
        const char *expr, *expected;
        bool holds;
    } rows[] = {
        {"1", "{'int':'1'}", true},
        {"1u", "{'int':'1'}", false},
        {"1.0", "{'int':'1'}", false},
        {"1.0", "{'double':'1'}", true},
        {"-0.0", "{'double':'0'}", true},
        {"0.0/0.0", "{'double':'NaN'}", true},
        {"[0.0/0.0]", "{'list':[{'double':'NaN'}]}", true},
        {"{1:0.0/0.0}", "{'map':[[{'int':'1'},{'double':'NaN'}]]}", true},
        {"{2:3,1:4}", "{'map':[[{'int':'1'},{'int':'4'}],[{'int':'2'},{'int':'3'}]]}", true},
        {"{1:4}", "{'map':[[{'int':'1'},{'double':'4'}]]}", false},
        {"[1,2]", "{'list':[{'int':'1'}]}", false},
        {"type(1)", "{'type':'int'}", true},
        {"null", "{'null':null}", true},
        {"x + size(a.b)", "{'int':'7'}", true},
        {"timestamp(1)", "{'timestamp':'1970-01-01T00:00:01Z'}", true},
        {"duration(string(90) + b.c)", "{'duration':'1m30s'}", true},
        {"optional.of([1])", "{'optional':[{'list':[{'int':'1'}]}]}", true},
        {"optional.none()", "{'optional':[]}", true},
        {"optional.none()", "{'optional':[{'null':null}]}", false},
        {"1/0", "{'int':'1'}", false},
    };
    rk_cel_tally tally;
    rk_cel_failure last = {.got = {NULL, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *json = rk_arena_string(
            &arena,
            rk_arena_format(
                &arena,
                "[{'expr':'%s','bindings':{'x':{'int':'5'},'a.b':{'string':'ab'},'b.c':{'string':'s'}},'value':%s}]",
                rows[i].expr, rows[i].expected));
        for (char *at = json; *at; at++) {
            if (*at == '\'') *at = '"';
        }
        assert_int_equal(rk_cel_cases_run(rk_bytes_of_string(json), &zones, show, &last, &tally, &error), RK_OK);
        if (tally.passed != (rows[i].holds ? 1 : 0)) fail_msg("%s and %s", rows[i].expr, rows[i].expected);
    }
    assert_true(rk_bytes_equal(last.got, RK_TEXT("error: expression_failed: column 2: divide by zero")));
    assert_true(rk_bytes_equal(last.expected, RK_TEXT("{\"int\":\"1\"}")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_broken_file_says_where_and_what),
        TEST(kind_and_value_must_be_the_same),
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
