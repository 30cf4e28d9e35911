/*
 * The extension functions on text: what they answer, and where a position is outside.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the two above first */
#include <cmocka.h>

#include "core/expr/expr.h"
#include "io/memory.h"

static rk_status run(rk_arena *arena, const char *source, rk_value *value_out, rk_error *error) {
    const rk_environment environment = {NULL, 0};
    rk_program *program = NULL;
    rk_status status = rk_expr_compile(arena, rk_bytes_of_string(source), &environment, &program, error);
    if (status != RK_OK) fail_msg("%s: %s: %s", source, error->where, error->what);
    return rk_program_run(program, NULL, arena, RK_STEPS_MAX, value_out, error);
}

static void expect(const char *const *sources, size_t count, rk_status wanted) {
    for (size_t i = 0; i < count; i++) {
        rk_arena arena;
        rk_error error = {0};
        rk_value value;
        rk_arena_init(&arena, rk_memory_system(), 1 << 20);
        rk_status status = run(&arena, sources[i], &value, &error);
        if (status != wanted) fail_msg("%s: %s %s", sources[i], rk_status_name(status), error.what);
        if (status == RK_OK && !(value.kind == RK_BOOL && value.as.boolean)) fail_msg("not true: %s", sources[i]);
        rk_arena_free(&arena);
    }
}

static void text_is_searched_cut_and_joined(void **state) {
    (void)state;
    static const char *const sources[] = {
        "'tacocat'.charAt(3) == 'o' && 'a\u00f1b'.charAt(1) == '\u00f1' && 'ab'.charAt(2) == ''",
        "'tacocat'.indexOf('ac') == 1 && 'tacocat'.indexOf('none') == -1 && 'ab'.indexOf('') == 0",
        "'\u00f1a\u00f1a'.indexOf('a', 2) == 3 && 'tacocat'.indexOf('a', 3) == 5 && ''.indexOf('') == 0",
        "'tacocat'.lastIndexOf('at') == 5 && 'tacocat'.lastIndexOf('none') == -1 && 'ab'.lastIndexOf('') == 2",
        "'tacocat'.lastIndexOf('a', 3) == 1 && '\u00f1a\u00f1a'.lastIndexOf('a') == 3 && '\u00f1'.lastIndexOf('') == 1",
        "'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco'",
        "'a\u00f1b'.substring(1, 2) == '\u00f1'",
        "'ab'.substring(2) == '' && 'ab'.substring(1, 1) == ''",
        "'TacoCat\u00d1'.lowerAscii() == 'tacocat\u00d1' && 'TacoC\u00e6t'.upperAscii() == 'TACOC\u00e6T'",
        "'  \\ttrim\\n \u3000'.trim() == 'trim' && '  '.trim() == '' && 'a b'.trim() == 'a b'",
        "'a\u00f1b'.reverse() == 'b\u00f1a' && ''.reverse() == ''",
        "'a,b,,c'.split(',') == ['a', 'b', '', 'c'] && ''.split(',') == [''] && ''.split('') == []",
        "'a\u00f1b'.split('') == ['a', '\u00f1', 'b'] && 'hello'.split('l', 2) == ['he', 'lo']",
        "'a,b'.split(',', 0) == [] && 'a,b'.split(',', 1) == ['a,b'] && 'abc'.split('', 2) == ['a', 'bc']",
        "'a,'.split(',') == ['a', ''] && 'a,b'.split(',', -1) == ['a', 'b']",
        "['x', 'y'].join() == 'xy' && ['x', '', 'y'].join('-') == 'x--y' && [].join('-') == ''",
    };
    expect(sources, sizeof sources / sizeof sources[0], RK_OK);
}

static void a_position_outside_fails(void **state) {
    (void)state;
    static const char *const sources[] = {
        "'ab'.charAt(3)",       "'ab'.charAt(-1)",      "'ab'.indexOf('a', 3)", "'ab'.lastIndexOf('a', -1)",
        "'ab'.substring(3)",    "'ab'.substring(2, 1)", "'ab'.substring(0, 3)", "dyn(1).trim()",
        "[dyn('a'), 1].join()",
    };
    expect(sources, sizeof sources / sizeof sources[0], RK_EXPRESSION_FAILED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_searched_cut_and_joined),
        cmocka_unit_test(a_position_outside_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
