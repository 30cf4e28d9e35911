/*
 * The extensions: replace, format, quote, base64, math, bind, and macros and optionals of every form. The official
 * cases are in door/conformance_test.c; here is what they leave out, with and without an environment.
 */
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the two above first */
#include <cmocka.h>

#include "core/expr/expr.h"
#include "io/memory.h"

static rk_arena arena;
static rk_error error;

static int open_arena(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    error = (rk_error){.code = RK_OK};
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static rk_status run(const char *source, bool typed, rk_value *value_out) {
    const rk_environment environment = {NULL, 0};
    rk_program *program = NULL;
    *value_out = rk_null();
    RK_TRY(rk_expr_compile(&arena, rk_bytes_of_string(source), typed ? &environment : NULL, &program, &error));
    return rk_program_run(program, NULL, &arena, RK_STEPS_MAX, value_out, &error);
}

static void expect_true(const char *const *sources, size_t count) {
    for (size_t i = 0; i < 2 * count; i++) {
        rk_value value;
        const char *source = sources[i / 2];
        rk_status status = run(source, i % 2 == 1, &value);
        if (status != RK_OK) fail_msg("%s: %s: %s", source, error.where, error.what);
        if (value.kind != RK_BOOL || !value.as.boolean) fail_msg("not true: %s", source);
    }
}

#define EXPECT_TRUE(sources) expect_true(sources, sizeof sources / sizeof sources[0])

typedef struct failure {
    const char *source, *what;
} failure;

static void expect_failures(const failure *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        rk_value value;
        rk_status status = run(rows[i].source, false, &value);
        if (status != RK_EXPRESSION_FAILED) fail_msg("%s: %s", rows[i].source, rk_status_name(status));
        if (strcmp(error.what, rows[i].what) != 0) fail_msg("%s: %s", rows[i].source, error.what);
    }
}

#define EXPECT_FAILURES(rows) expect_failures(rows, sizeof rows / sizeof rows[0])

static void parts_are_replaced_up_to_a_limit(void **state) {
    (void)state;
    static const char *const sources[] = {
        "'aaaa'.replace('aa', 'b') == 'bb' && 'aaa'.replace('aa', 'b') == 'ba'",
        "'aXbXc'.replace('X', '-', 1) == 'a-bXc' && 'aXbXc'.replace('X', '-', 2) == 'a-b-c'",
        "'aXbXc'.replace('X', '-', 0) == 'aXbXc' && 'aXbXc'.replace('X', '-', -1) == 'a-b-c'",
        "'aXb'.replace('X', '', 9) == 'ab' && ''.replace('a', 'b') == '' && 'a'.replace('abc', 'b') == 'a'",
        "'\u00f1b'.replace('', '-') == '-\u00f1-b-' && ''.replace('', '-') == '-'",
        "'ab'.replace('', '-', 1) == '-ab' && 'ab'.replace('', '-', 2) == '-a-b' && 'ab'.replace('', '-', 0) == 'ab'",
    };
    EXPECT_TRUE(sources);
    static const failure rows[] = {
        {"'a'.replace('a', 1)", "no such overload: replace(string, string, int)"},
        {"'a'.replace('a', 'b', 1.0)", "no such overload: replace(string, string, string, double)"},
    };
    EXPECT_FAILURES(rows);
}

static void a_format_takes_each_value_in_its_clause(void **state) {
    (void)state;
    static const char *const sources[] = {
        "'%s|%s|%s'.format([null, 1.5, 2u]) == 'null|1.5|2' && '%s'.format([[]]) == '[]' && '%s'.format([{}]) == '{}'",
        "'%s'.format([{10: 'a', 9: [true], 'b': {1u: b'x'}}]) == '{10: a, 9: [true], b: {1: x}}'",
        "'%s'.format([type(duration('1s'))]) == 'google.protobuf.Duration'",
        "'%s'.format([duration('-1.5s')]) == '-1.5s'",
        "'%s'.format([1e21]) == '1000000000000000000000' && '%d'.format([0.1]) == '0.1' && '%s'.format([-0.0]) == '-0'",
        "'%s'.format([{'1': 'text', 1: 'int'}]) == '{1: int, 1: text}'",
        "'%x %X %o %b'.format([-255, -255, -8, -5]) == '-ff -FF -10 -101'",
        "'%b'.format([-9223372036854775807 - 1]).size() == 65 && '%b %b'.format([true, false]) == '1 0'",
        "'%x'.format([b'\\x00\\xff']) == '00ff' && '%X'.format(['\u00f1']) == 'C3B1' && '%x'.format(['']) == ''",
        "'%.1f %.0f %.3f'.format([0.25, -0.5, 3]) == '0.2 -0 3.000' && '%.1e'.format([12345u]) == '1.2e+04'",
        "'%.0e %e'.format([1e100, 0.0]) == '1e+100 0.000000e+00' && '%.1000f'.format([0.5]).size() == 1002",
        "'%.2s%.2d'.format(['abc', 12]) == 'abc12' && ''.format([1, 2]) == '' && '%%%s%%'.format([1]) == '%1%'",
        "'\u00f1%s\u00f1'.format(['\u00f1']) == '\u00f1\u00f1\u00f1' && '%f'.format([0.0/0.0]) == 'NaN'",
    };
    EXPECT_TRUE(sources);
    static const failure rows[] = {
        {"'%'.format([1])", "a format ends in the middle of a clause"},
        {"'%.'.format([1])", "a number of places is missing in a format"},
        {"'%.f'.format([1])", "a number of places is missing in a format"},
        {"'%.1001f'.format([1])", "a format wants more than 1000 places"},
        {"'%.99999999999999999999f'.format([1])", "a format wants more than 1000 places"},
        {"'%q'.format([1])", "there is no such clause in a format; % itself is written %%"},
        {"'%5d'.format([1])", "there is no such clause in a format; % itself is written %%"},
        {"'%d %d'.format([1])", "index out of bounds: 1"},
        {"'%d'.format([true])", "%d takes a number, not a bool"},
        {"'%f'.format(['1'])", "%f takes a number, not a string"},
        {"'%e'.format([null])", "%e takes a number, not a null_type"},
        {"'%b'.format([1.0])", "%b takes an int, uint or bool, not a double"},
        {"'%o'.format([true])", "%o takes an int or uint, not a bool"},
        {"'%x'.format([true])", "%x takes an int, uint, string or bytes, not a bool"},
        {"'%s'.format([optional.of(1)])", "%s has no text for an optional, not a optional_type"},
        {"'%s'.format([b'\\xff'])", "invalid UTF-8 in bytes, cannot convert to string"},
        {"'%s'.format('a')", "no such overload: format(string, string)"},
    };
    EXPECT_FAILURES(rows);
}

static void text_is_quoted_and_bytes_are_written_in_base64(void **state) {
    (void)state;
    static const char *const sources[] = {
        "strings.quote('') == '\"\"' && strings.quote('a\\n\"\\\\') == '\"a\\\\n\\\\\"\\\\\\\\\"'",
        "base64.encode(b'') == '' && base64.encode(b'ab') == 'YWI=' && base64.decode('YWI') == b'ab'",
        "base64.decode('') == b'' && base64.decode('YWI=') == b'ab' && base64.decode('YQ') == b'a'",
    };
    EXPECT_TRUE(sources);
    static const failure rows[] = {
        {"base64.decode('Y')", "type conversion error: \"Y\" is no base64"},
        {"base64.decode('Y===')", "type conversion error: \"Y===\" is no base64"},
        {"base64.decode('YWI=YWI=')", "type conversion error: \"YWI=YWI=\" is no base64"},
        {"base64.decode('YW I')", "type conversion error: \"YW I\" is no base64"},
        {"base64.encode('a')", "no such overload: base64.encode(string)"},
        {"strings.quote(1)", "no such overload: strings.quote(int)"},
    };
    EXPECT_FAILURES(rows);
}

static void math_answers_to_the_bit(void **state) {
    (void)state;
    static const char *const sources[] = {
        "math.greatest(1, 2, 3, 4, 5, 6, 7, 8, 9) == 9 && math.least(3, 1.5, 2u) == 1.5 && math.greatest([7]) == 7",
        "type(math.greatest(1, 1.0)) == int && type(math.least(1.0, 1)) == double",
        "math.least(9223372036854775807, 9223372036854775808.0) == 9223372036854775807",
        "math.ceil(-0.5) == 0.0 && 1.0 / math.ceil(-0.5) == -1.0 / 0.0 && math.ceil(1e300) == 1e300",
        "math.round(0.49999999999999994) == 0.0 && math.round(2.5) == 3.0 && math.round(-2.5) == -3.0",
        "math.round(4503599627370497.5) == 4503599627370498.0",
        "math.floor(-4503599627370495.5) == -4503599627370496.0",
        "math.floor(-1e-300) == -1.0 && math.ceil(5e-324) == 1.0 && math.trunc(-1.9) == -1.0",
        "math.isInf(math.floor(-1.0 / 0.0)) && math.isNaN(math.ceil(0.0 / 0.0)) && math.isNaN(math.abs(0.0 / 0.0))",
        "math.abs(-9223372036854775807) == 9223372036854775807 && 1.0 / math.abs(-0.0) > 0.0",
        "math.isNaN(math.sign(0.0 / 0.0)) && math.sign(-0.0) == 0.0 && math.sign(-5e-324) == -1.0",
        "math.bitShiftLeft(1, 63) == -9223372036854775807 - 1 && math.bitShiftRight(-1, 63) == 1",
        "math.bitShiftLeft(1, 64) == 0 && math.bitShiftRight(-1, 64) == 0 && math.bitShiftRight(-1, 0) == -1",
        "math.bitShiftLeft(1u, 9223372036854775807) == 0u && math.bitNot(0) == -1",
        "math.sqrt(4) == 2.0 && math.sqrt(2u) == 1.4142135623730951 && math.isNaN(math.sqrt(-1))",
        "math.isInf(math.sqrt(1.0 / 0.0)) && math.isNaN(math.sqrt(0.0 / 0.0)) && 1.0 / math.sqrt(-0.0) < 0.0",
    };
    EXPECT_TRUE(sources);
    static const failure rows[] = {
        {"math.greatest([])", "an empty list has no greatest and no least"},
        {"math.least(1, 'a')", "no such overload: math.least(string)"},
        {"math.least(1, 0.0/0.0)", "NaN is neither greater nor less"},
        {"math.greatest()", "unbound function: math.greatest"},
        {"math.abs(-9223372036854775807 - 1)", "integer overflow"},
        {"math.abs('a')", "no such overload: math.abs(string)"},
        {"math.bitShiftLeft(1, -1)", "math: a negative offset shifts nothing"},
        {"math.bitShiftRight(1u, -1)", "math: a negative offset shifts nothing"},
        {"math.bitShiftLeft(1, 1u)", "no such overload: math.bitShiftLeft(int, uint)"},
        {"math.bitAnd(1, 1u)", "no such overload: math.bitAnd(int, uint)"},
        {"math.sqrt('4')", "no such overload: math.sqrt(string)"},
        {"math.isInf(1)", "no such overload: math.isInf(int)"},
    };
    EXPECT_FAILURES(rows);
}

/* The machine's own square root is exact as well. */
static void roots_are_those_of_the_machine(void **state) {
    (void)state;
    uint64_t bits = 88172645463325252u;
    char source[64];
    for (int i = 0; i < 4000; i++) {
        double number = 0;
        rk_value value;
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        uint64_t positive = i % 8 == 0 ? bits >> 12 : bits >> 1; /* small ones are subnormal */
        memcpy(&number, &positive, sizeof number);
        if (isnan(number)) continue;
        if (i % 16 == 1) number = (double)((bits >> 40) * (bits >> 40));
        snprintf(source, sizeof source, "math.sqrt(%.17g)", number);
        if (!strpbrk(source + 10, ".en")) snprintf(source, sizeof source, "math.sqrt(%.17g.0)", number);
        if (isinf(number)) continue;
        assert_int_equal(run(source, true, &value), RK_OK);
        if (value.as.number != sqrt(number)) fail_msg("%s is %a, not %a", source, value.as.number, sqrt(number));
    }
}

static void names_are_bound_and_ranges_have_two_variables(void **state) {
    (void)state;
    static const char *const sources[] = {
        "cel.bind(x, 2, cel.bind(y, x + 1, x * y)) == 6 && cel.bind(x, 1, cel.bind(x, x + 1, x)) == 2",
        "[1, 2].map(x, cel.bind(y, x * x, [1].map(x, y + x)[0])) == [2, 5]",
        "cel.bind(l, [1, 2, 3], l.exists(i, v, i == 2 && v == 3) && l.all(i, v, v == i + 1))",
        "{'a': 1, 'b': 2}.existsOne(k, v, k == 'b' && v == 2) && [4, 4].exists_one(i, v, i == 1 && v == 4)",
        "[5, 6].transformList(i, v, i > 0, v * 2) == [12] && {'a': 1}.transformList(k, v, k + string(v)) == ['a1']",
        "[5, 6].transformMap(i, v, v + i) == {0: 5, 1: 7} && {'a': 1, 'b': 2}.transformMap(k, v, v > 1, v) == {'b': 2}",
        "{'a': 'x', 'b': 'y'}.transformMapEntry(k, v, {v: k}) == {'x': 'a', 'y': 'b'}",
        "['a', 'b'].transformMapEntry(i, v, i > 0, {v: i}) == {'b': 1}",
        "optional.of(2).optMap(x, x + 1) == optional.of(3) && optional.of(2).optFlatMap(x, optional.of(x)).value() == "
        "2",
        "!optional.none().optMap(x, 1).hasValue() && !optional.of(1).optFlatMap(x, optional.none()).hasValue()",
        "optional.unwrap([optional.of(1), optional.none()]) == [1] && [optional.of('a')].unwrapOpt() == ['a']",
        "{?'a': optional.none(), ?'b': {'c': 1}.?c} == {'b': 1} && [?[1][?0], ?[1][?1]] == [1]",
        "optional.ofNonZeroValue(0).or(optional.of(5)).orValue(1) == 5 && optional.of(1).or(optional.of(1/0)).value() "
        "== 1",
    };
    EXPECT_TRUE(sources);
    static const failure rows[] = {
        {"{'a': 1, 'b': 1}.transformMapEntry(k, v, {v: k})", "a map with the key 1 twice"},
        {"cel.bind(x, 1 / 0, true)", "divide by zero"},
        {"optional.none().value()", "optional.none() has no value"},
        {"[1].unwrapOpt()", "a int where an optional should stand"},
        {"optional.of(1).optFlatMap(x, x)", "a int where an optional should stand"},
    };
    EXPECT_FAILURES(rows);
}

static void names_numbers_and_text_have_every_form(void **state) {
    (void)state;
    static const char *const sources[] = {
        "{'a-b': {'c/d e.f': 1}}.`a-b`.`c/d e.f` == 1 && has({'a.b': 1}.`a.b`) && !has({}.`x-y`)",
        "0xFF == 255 && 0xffu == 255u && 1e3 == 1000.0 && .5 == 0.5 && 1.5E-1 == 0.15 && -0x10 == -16",
        "-9223372036854775808 < 0 && 18446744073709551615u > 0u && 1 // a comment\n + 1 == 2",
        "'''a\n'b\"''' == 'a\\n\\'b\\\"' && \"\"\"a\"b\"\"\" == 'a\"b' && r'''\\'''.size() == 1",
        "'\\a\\b\\f\\n\\r\\t\\v\\?\\`'.size() == 9 && '\\x41\\u0041\\U00000041\\101\\X41' == 'AAAAA'",
        "b'\u00f1' == b'\\xc3\\xb1' && '\\xf1' == '\u00f1' && '\\303\\261'.size() == 2",
    };
    EXPECT_TRUE(sources);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(parts_are_replaced_up_to_a_limit),
        TEST(a_format_takes_each_value_in_its_clause),
        TEST(text_is_quoted_and_bytes_are_written_in_base64),
        TEST(math_answers_to_the_bit),
        TEST(roots_are_those_of_the_machine),
        TEST(names_are_bound_and_ranges_have_two_variables),
        TEST(names_numbers_and_text_have_every_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
