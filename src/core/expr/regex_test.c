/*
 * Regular expressions: what matches, what is refused and why, and that hostile patterns end by their bounds.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the two above first */
#include <cmocka.h>

#include "core/expr/expr.h"
#include "core/expr/regex.h"
#include "io/memory.h"

static rk_arena arena;

static int open_arena(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static bool matches(const char *pattern, const char *text) {
    const rk_regex *regex = NULL;
    const char *problem = "";
    bool found = false;
    uint64_t steps = RK_STEPS_MAX;
    rk_status status = rk_regex_compile(&arena, rk_bytes_of_string(pattern), &regex, &problem);
    if (status != RK_OK) fail_msg("%s: %s", pattern, problem);
    assert_int_equal(rk_regex_search(regex, rk_bytes_of_string(text), &arena, &steps, &found), RK_OK);
    return found;
}

typedef struct sample {
    const char *pattern, *text;
    bool expected;
} sample;

static void expect_samples(const sample *samples, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const sample *at = &samples[i];
        if (matches(at->pattern, at->text) != at->expected) fail_msg("/%s/ on \"%s\"", at->pattern, at->text);
    }
}

#define EXPECT(samples) expect_samples(samples, sizeof samples / sizeof samples[0])

static void a_match_may_lie_anywhere_unless_it_is_anchored(void **state) {
    (void)state;
    static const sample samples[] = {
        {"", "", true},
        {"", "a", true},
        {"b", "abc", true},
        {"^b", "abc", false},
        {"b$", "abc", false},
        {"^abc$", "abc", true},
        {"^$", "", true},
        {"^$", "a", false},
        {"a$", "a\n", false},
        {"(?m)a$", "a\nb", true},
        {"(?m)^b", "a\nb", true},
        {"^b", "a\nb", false},
        {"\\Ab", "ab", false},
        {"b\\z", "ab", true},
        {"\\bfoo\\b", "a foo b", true},
        {"\\bfoo\\b", "afoo", false},
        {"\\Boo", "foo", true},
        {"\\Bfoo", "foo", false},
        {"a|^b", "cb", false},
        {"^a|b", "cb", true},
        {"(^a|b)c", "xbc", true},
        {"x*^a", "ba", false},
        {"$^", "", true},
        {"a^b", "ab", false},
    };
    EXPECT(samples);
}

static void parts_repeat_and_choose(void **state) {
    (void)state;
    static const sample samples[] = {
        {"^a*$", "aaa", true},
        {"^a+$", "", false},
        {"^a?b$", "b", true},
        {"^a{3}$", "aaa", true},
        {"^a{3}$", "aa", false},
        {"^a{2,}$", "aaaa", true},
        {"^a{2,}$", "a", false},
        {"^a{1,2}$", "aaa", false},
        {"^a{0}$", "", true},
        {"^a{0,1}b$", "ab", true},
        {"^(ab)+?$", "abab", true},
        {"^(a|bc)*$", "abca", true},
        {"^(a|)b$", "b", true},
        {"^(|a)+$", "aa", true},
        {"^(a*)*$", "aab", false},
        {"^(?:a|b){2,3}$", "ab", true},
        {"a{,2}", "a{,2}", true},
        {"a{", "a{", true},
        {"a{x}", "a{x}", true},
        {"^a{1,2}{$", "aa{", true},
        {"^(?P<n>a)(?<m>b)$", "ab", true},
        {"^((a{2}){2}){2}$", "aaaaaaaa", true},
        {"^((a{2}){2}){2}$", "aaaaaaa", false},
    };
    EXPECT(samples);
}

static void classes_and_escapes_take_their_code_points(void **state) {
    (void)state;
    static const sample samples[] = {
        {"^.$", "\xc3\xb1", true},
        {"^.$", "\n", false},
        {"(?s)^.$", "\n", true},
        {"^[^a]$", "\n", true},
        {"^[a-c]+$", "abc", true},
        {"^[a-c]$", "d", false},
        {"^[]a]+$", "]a", true},
        {"^[^]a]$", "]", false},
        {"^[a-]+$", "a-", true},
        {"^[-a]+$", "a-", true},
        {"^\\d\\D\\w\\W\\s\\S$", "1a_- x", true},
        {"^[\\d-]+$", "1-2", true},
        {"^[^\\W_]+$", "a1", true},
        {"^[^\\W_]+$", "_", false},
        {"\\w", "\xc3\xb1", false},
        {"^[[:alpha:]_]+$", "aZ_", true},
        {"^[[:^alpha:]]$", "a", false},
        {"^[[:ascii:]]$", "\x7f", true},
        {"^\\x41\\x{1F431}$", "A\xf0\x9f\x90\xb1", true},
        {"^\\101\\07$", "A\a", true},
        {"^\\.\\_\\-$", "._-", true},
        {"^\\Qa.b*\\E+$", "a.b***", true},
        {"^\\Qa.b\\E$", "a.b", true},
        {"^\\Qa.b\\E$", "axb", false},
        {"\\Q(", "(", true},
        {"^[\xc3\xa0-\xc3\xbf]+$", "\xc3\xb1", true},
        {"^\\t\\n$", "\t\n", true},
        {"^[a-cb-e]+$", "abcde", true},
    };
    EXPECT(samples);
}

static void flags_hold_for_their_group(void **state) {
    (void)state;
    static const sample samples[] = {
        {"(?i)^aB$", "Ab", true},       {"^(?i:a)b$", "Ab", true},     {"^(?i:a)b$", "AB", false},
        {"^(a(?i)b)c$", "aBc", true},   {"^(a(?i)b)c$", "aBC", false}, {"(?i)a(?-i)b", "AB", false},
        {"(?i)^[a-z]+$", "QZ", true},   {"(?i)[^a]", "A", false},      {"(?i)k", "\xe2\x84\xaa", true},
        {"(?i)s", "\xc5\xbf", true},    {"(?i)\xc5\xbf", "S", true},   {"(?i)[1-5]", "!", false},
        {"(?i)\\W", "\xc5\xbf", false}, {"(?is)^a.$", "A\n", true},    {"(?i)^[[:lower:]]$", "A", true},
        {"(?U)a+", "a", true},          {"^a(?i)*$", "aaa", true},     {"^ab(?i){2}$", "abb", true},
    };
    EXPECT(samples);
}

static void letters_of_all_alphabets_have_two_cases(void **state) {
    (void)state;
    static const sample samples[] = {
        {"(?i)^Ä$", "ä", true},           {"(?i)^ä$", "Ä", true},        {"(?i)^ż$", "Ż", true},
        {"(?i)^Σ$", "ς", true},           {"(?i)^ς$", "σ", true},        {"(?i)^σ$", "Σ", true},
        {"(?i)^ПРИВЕТ$", "привет", true}, {"(?i)^[а-я]+$", "ЁЖ", false}, {"(?i)^[а-яё]+$", "ЁЖ", true},
        {"(?i)^µ$", "Μ", true},           {"(?i)^Ω$", "Ω", true},        {"(?i)^Å$", "å", true},
        {"(?i)^ÿ$", "Ÿ", true},           {"(?i)^[À-Þ]+$", "àþ", true},  {"(?i)^[À-Þ]+$", "÷", false},
        {"(?i)^[À-Þ]+$", "ß", false},     {"(?i)^ß$", "ẞ", true},        {"(?i)^ß$", "ss", false},
        {"(?i)^[Ā-Ă]$", "ă", true},       {"(?i)^[ă-ą]$", "Ă", true},    {"(?i)^[ă-ą]$", "Ā", false},
        {"(?i)^i$", "İ", false},          {"(?i)^ὙὛ$", "ὑὓ", true},      {"(?i)^[^ä]$", "Ä", false},
        {"(?i)^𐐀$", "𐐨", true},           {"(?i)^[α-ω]$", "Ϟ", false},   {"^Ä$", "ä", false},
        {"(?i)^θ$", "ϴ", true},           {"(?i)^[ſ]$", "S", true},      {"(?i)^[K]$", "k", true},
    };
    EXPECT(samples);
}

static void what_is_no_pattern_is_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"(", "a ) is missing"},
        {"a)", "a ) has no ("},
        {"[a", "a ] is missing"},
        {"[]", "a ] is missing"},
        {"[b-a]", "ends before"},
        {"[[:nope:]]", "no class"},
        {"*a", "nothing to repeat"},
        {"a|+", "nothing to repeat"},
        {"a**", "is repeated"},
        {"a{2}{3}", "is repeated"},
        {"a{2,1}", "bounds"},
        {"a{1001}", "bounds"},
        {"(a{500}){500}", "copy too much"},
        {"((a{10}){10}){11}", "copy too much"},
        {"(?:(a|b{2,}){3}){200}", "copy too much"},
        {"(?i)*", "nothing to repeat"},
        {"(a|(?i)+)", "nothing to repeat"},
        {"a*(?i)*", "is repeated"},
        {"a\\", "ends in a backslash"},
        {"\\1", "back references"},
        {"(a)\\1", "back references"},
        {"\\pL", "\\p"},
        {"\\PL", "\\p"},
        {"\\C", "\\C"},
        {"\\y", "no such escape"},
        {"\\Z", "no such escape"},
        {"(?=a)", "not supported"},
        {"(?<!a)", "name"},
        {"(?i-)", "not supported"},
        {"(?P<n>a)(?P<n>b)", "two groups"},
        {"\\x{110000}", "last code point"},
        {"\\xg", "hexadecimal"},
        {"[a-\\d]", "no such escape"},
        {"((a{100}){100}){100}", "copy too much"},
        {"((((){1000}){1000}){1000}){1000}", "copy too much"},
        {"(a{100}){10}(b{100}){10}(c{100}){10}(d{100}){10}(e{100}){10}(f{100}){10}(g{100}){10}(h{100}){10}(i{100}){10}"
         "(j{100}){10}",
         "too large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const rk_regex *regex = NULL;
        const char *problem = "";
        rk_status status = rk_regex_compile(&arena, rk_bytes_of_string(cases[i][0]), &regex, &problem);
        if (status != RK_BAD_EXPRESSION) fail_msg("/%s/ is not refused", cases[i][0]);
        assert_null(regex);
        if (!strstr(problem, cases[i][1])) fail_msg("/%s/: %s", cases[i][0], problem);
    }
}

static void groups_nest_as_deep_as_the_bound(void **state) {
    (void)state;
    char pattern[2 * RK_REGEX_DEPTH_MAX + 8];
    const rk_regex *regex = NULL;
    const char *problem = "";
    for (size_t depth = RK_REGEX_DEPTH_MAX; depth <= RK_REGEX_DEPTH_MAX + 1; depth++) {
        memset(pattern, '(', depth);
        memset(pattern + depth, ')', depth);
        rk_status status = rk_regex_compile(&arena, rk_bytes_of(pattern, 2 * depth), &regex, &problem);
        assert_int_equal(status, depth > RK_REGEX_DEPTH_MAX ? RK_BAD_EXPRESSION : RK_OK);
    }
}

static void a_hostile_pattern_costs_its_size_for_each_letter(void **state) {
    (void)state;
    const rk_regex *regex = NULL;
    const char *problem = "";
    char text[1000];
    bool found = false;
    memset(text, 'a', sizeof text);
    static const char *const patterns[] = {"(a*)*b",    "((a{10}){10}){10}b", "(a|a)*b",
                                           "(a|aa)+$b", "(.*)(.*)(.*)(.*)b",  "(a?){50}a{50}b"};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        assert_int_equal(rk_regex_compile(&arena, rk_bytes_of_string(patterns[i]), &regex, &problem), RK_OK);
        uint64_t bound = (sizeof text + 1) * rk_regex_size(regex), steps = bound;
        assert_int_equal(rk_regex_search(regex, rk_bytes_of(text, sizeof text), &arena, &steps, &found), RK_OK);
        assert_false(found);
        assert_true(bound - steps >= sizeof text);
        steps = sizeof text;
        assert_int_equal(rk_regex_search(regex, rk_bytes_of(text, sizeof text), &arena, &steps, &found), RK_STEP_BOUND);
    }
}

/* --- in expressions --------------------------------------------------------------------------------------------- */

static rk_status find_text(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    (void)context, (void)index, (void)error;
    *value_out = rk_string(name);
    return RK_OK;
}

static void an_expression_matches_constant_and_computed_patterns(void **state) {
    (void)state;
    static const char *const sources[] = {"data.matches('^d.t+a$')", "matches(data, 'at')", "data.matches('d' + 'a')",
                                          "data.matches(data)",      "!data.matches('x')",  "'abc'.matches('b')"};
    const rk_variable variable = {RK_TEXT("data"), rk_type_of(RK_TYPE_STRING)};
    const rk_environment environment = {&variable, 1};
    const rk_activation activation = {.find = find_text};
    rk_error error = {0};
    rk_program *program = NULL;
    rk_value value;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        rk_bytes source = rk_bytes_of_string(sources[i]);
        assert_int_equal(rk_expr_compile(&arena, source, &environment, &program, &error), RK_OK);
        assert_int_equal(rk_program_run(program, &activation, &arena, 100, &value, &error), RK_OK);
        if (!value.as.boolean) fail_msg("not true: %s", sources[i]);
    }
    assert_int_equal(rk_expr_compile(&arena, RK_TEXT("data.matches('(')"), &environment, &program, &error),
                     RK_BAD_EXPRESSION);
    assert_string_equal(error.what, "not a regular expression: a ) is missing");
    assert_string_equal(error.where, "column 14");
    assert_int_equal(rk_expr_compile(&arena, RK_TEXT("data.matches('(')"), NULL, &program, &error), RK_OK);
    assert_int_equal(rk_program_run(program, &activation, &arena, 100, &value, &error), RK_EXPRESSION_FAILED);
    assert_int_equal(rk_expr_compile(&arena, RK_TEXT("1.matches('a')"), NULL, &program, &error), RK_OK);
    assert_int_equal(rk_program_run(program, &activation, &arena, 100, &value, &error), RK_EXPRESSION_FAILED);
    assert_string_equal(error.what, "no such overload: matches(int, string)");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_match_may_lie_anywhere_unless_it_is_anchored),
        TEST(parts_repeat_and_choose),
        TEST(classes_and_escapes_take_their_code_points),
        TEST(flags_hold_for_their_group),
        TEST(letters_of_all_alphabets_have_two_cases),
        TEST(what_is_no_pattern_is_refused),
        TEST(groups_nest_as_deep_as_the_bound),
        TEST(a_hostile_pattern_costs_its_size_for_each_letter),
        TEST(an_expression_matches_constant_and_computed_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
