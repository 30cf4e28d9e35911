/*
 * Narrowing: which parts of a filter become tests on a field, and that nothing else does.
 */
#include "core/expr/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "base/buffer.h"
#include "door/json.h"
#include "io/memory.h"

static rk_arena arena;

static rk_status find(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    (void)context, (void)index;
    if (!rk_bytes_equal(name, RK_TEXT("me"))) return rk_fail(error, RK_EXPRESSION_FAILED, NULL, "not now");
    *value_out = rk_string(RK_TEXT("asha"));
    return RK_OK;
}

static const rk_environment *environment(void) {
    static rk_type_field fields[5];
    static rk_variable variables[3];
    fields[0] = (rk_type_field){RK_TEXT("n"), rk_type_of(RK_TYPE_INT)};
    fields[1] = (rk_type_field){RK_TEXT("name"), rk_type_of(RK_TYPE_STRING)};
    fields[2] = (rk_type_field){RK_TEXT("done"), rk_type_of(RK_TYPE_BOOL)};
    fields[3] = (rk_type_field){RK_TEXT("tags"), rk_type_list(&arena, rk_type_of(RK_TYPE_STRING))};
    fields[4] = (rk_type_field){RK_TEXT("a-b"), rk_type_of(RK_TYPE_INT)};
    variables[0] = (rk_variable){RK_TEXT("state"), rk_type_object(&arena, RK_TEXT("state"), fields, 5, false)};
    variables[1] = (rk_variable){RK_TEXT("me"), rk_type_of(RK_TYPE_STRING)};
    variables[2] = (rk_variable){RK_TEXT("other"), variables[0].type};
    static rk_environment made;
    made = (rk_environment){variables, 3};
    return &made;
}

static void print_test(rk_buffer *buffer, const rk_test *test) {
    static const char *const kinds[] = {"==", "<=", ">=", "^", "in", "has"};
    const rk_activation activation = {.find = find};
    rk_value value;
    rk_buffer_append(buffer, rk_arena_format(&arena, " %b%s", test->field, kinds[test->kind]));
    if (rk_program_run(test->value, &activation, &arena, 1000, &value, NULL) != RK_OK) value = rk_string(RK_TEXT("?"));
    rk_json_print(buffer, &value);
}

static const char *narrowed(const char *source) {
    const rk_conjunct *conjuncts = NULL;
    size_t count = 0;
    rk_error error = {0};
    rk_buffer buffer;
    rk_bytes text;
    rk_status status =
        rk_expr_narrow(&arena, rk_bytes_of_string(source), environment(), RK_TEXT("state"), &conjuncts, &count, &error);
    if (status != RK_OK) fail_msg("%s: %s: %s", source, error.where, error.what);
    rk_buffer_init(&buffer, &arena, 1 << 16);
    for (size_t i = 0; i < count; i++) {
        rk_buffer_append(&buffer, rk_arena_format(&arena, i ? " | %b:" : "%b:", conjuncts[i].text));
        for (size_t t = 0; t < conjuncts[i].test_count; t++) print_test(&buffer, &conjuncts[i].tests[t]);
    }
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    return rk_arena_string(&arena, text);
}

static void simple_forms_become_tests(void **state) {
    (void)state;
    assert_string_equal(narrowed("state.n == 5"), "state.n == 5: n==5");
    assert_string_equal(narrowed("5 == state.n"), "5 == state.n: n==5");
    assert_string_equal(narrowed("state['a-b'] == 2 + 3"), "state['a-b'] == 2 + 3: a-b==5");
    assert_string_equal(narrowed("state.n < 5"), "state.n < 5: n<=5");
    assert_string_equal(narrowed("5 < state.n"), "5 < state.n: n>=5");
    assert_string_equal(narrowed("state.n >= -5"), "state.n >= -5: n>=-5");
    assert_string_equal(narrowed("state.name.startsWith('a')"), "state.name.startsWith('a'): name^\"a\"");
    assert_string_equal(narrowed("state.name in ['a', me]"), "state.name in ['a', me]: namein[\"a\",\"asha\"]");
    assert_string_equal(narrowed("me in state.tags"), "me in state.tags: tagshas\"asha\"");
    assert_string_equal(narrowed("state.done"), "state.done: done==true");
    assert_string_equal(narrowed("!state.done"), "!state.done: done==false");
    assert_string_equal(narrowed("state.n == 1 || state.n > 7"), "state.n == 1 || state.n > 7: n==1 n>=7");
}

static void conjuncts_are_taken_apart(void **state) {
    (void)state;
    assert_string_equal(narrowed("state.n > 1 && state.name.size() > 2 &&\n (state.n < 9)"),
                        "state.n > 1: n>=1 | state.name.size() > 2: | (state.n < 9): n<=9");
    assert_string_equal(narrowed("(state.done && state.n == 1) && true"),
                        "(state.done && state.n == 1): done==true | (state.done && state.n == 1): n==1 | true:");
    assert_string_equal(narrowed("state.name == 'a && b' && state.done"),
                        "state.name == 'a && b': name==\"a && b\" | state.done: done==true");
}

static void other_forms_become_none(void **state) {
    (void)state;
    static const char *const sources[] = {
        "state.n != 5",
        "other.n == 5",
        "state.n + 1 == 5",
        "has(state.n)",
        "state.?n == optional.of(5)",
        "state.n == 1 || state.done",
        "state.n == 1 || state.n + 1 == 3",
        "state.n + 1 == 3 || state.n == 1",
        "state.n == 1 ? true : state.done",
        "state.n == 1 && state.done || state.n == 2 && state.done",
        "'abc'.startsWith(state.name)",
        "!(state.n == 1)",
        "state.tags.exists(t, t == 'a')",
        "true",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        char wanted[200];
        rk_format(wanted, sizeof wanted, "%s:", sources[i]);
        assert_string_equal(narrowed(sources[i]), wanted);
    }
}

static void a_value_that_reads_the_variable_itself_tells_nothing(void **state) {
    (void)state;
    assert_string_equal(narrowed("state.n == state.n"), "state.n == state.n: n==\"?\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simple_forms_become_tests),
        cmocka_unit_test(conjuncts_are_taken_apart),
        cmocka_unit_test(other_forms_become_none),
        cmocka_unit_test(a_value_that_reads_the_variable_itself_tells_nothing),
    };
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rk_arena_free(&arena);
    return failed;
}
