/*
 * The command line's words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "door/options.h"

static const rk_option append_options[] = {{"--as", "ACTOR", false, ""},
                                           {"--role", "ROLE", true, ""},
                                           {"--follow", NULL, false, ""},
                                           {NULL, NULL, false, NULL}};

static const rk_command commands[] = {
    {"append", "MODULE/ID TYPE [DATA]", "", NULL, "", 2, 3, append_options, NULL},
    {"actor add", "NAME", "", NULL, "", 1, 1, NULL, NULL},
    {"actor list", "", "", NULL, "", 0, 0, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL},
};

static rk_status read_words(rk_arguments *arguments, rk_error *error, ...) {
    char *words[16] = {"reaktor"};
    int count = 1;
    va_list list;
    va_start(list, error);
    for (char *word = va_arg(list, char *); word; word = va_arg(list, char *)) words[count++] = word;
    va_end(list);
    return rk_arguments_read(commands, count, words, arguments, error);
}

#define READ(...) read_words(&arguments, &error, __VA_ARGS__, NULL)

static void common_options_stand_anywhere(void **state) {
    rk_arguments arguments;
    rk_error error;
    (void)state;
    assert_int_equal(READ("--data", "d", "actor", "--json", "add", "ann"), RK_OK);
    assert_string_equal(arguments.command->name, "actor add");
    assert_string_equal(arguments.data, "d");
    assert_true(arguments.json);
    assert_string_equal(arguments.words[0], "ann");
    assert_int_equal(READ("append", "a/b", "t", "--data=x", "{}", "--json"), RK_OK);
    assert_string_equal(arguments.data, "x");
    assert_int_equal(arguments.word_count, 3);
    assert_true(arguments.json);
    assert_int_equal(READ("--help"), RK_OK);
    assert_true(arguments.help);
    assert_int_equal(READ("append", "-h"), RK_OK);
    assert_true(arguments.help);
    assert_int_equal(READ("--version"), RK_OK);
    assert_true(arguments.version);
}

static void own_options_have_values_or_none(void **state) {
    rk_arguments arguments;
    rk_error error;
    (void)state;
    assert_int_equal(READ("append", "a/b", "--as", "--odd", "t", "--follow", "--role=a", "--role", "b"), RK_OK);
    assert_string_equal(rk_arguments_option(&arguments, "--as"), "--odd");
    assert_string_equal(rk_arguments_option(&arguments, "--follow"), "");
    assert_null(rk_arguments_option(&arguments, "--expect"));
    assert_int_equal(arguments.given_count, 4);
}

static void after_two_dashes_all_are_arguments(void **state) {
    rk_arguments arguments;
    rk_error error;
    (void)state;
    assert_int_equal(READ("append", "--", "--as", "--json", "-"), RK_OK);
    assert_int_equal(arguments.word_count, 3);
    assert_string_equal(arguments.words[0], "--as");
    assert_false(arguments.json);
    assert_int_equal(READ("append", "-", "-"), RK_OK);
}

static void what_is_not_understood_is_refused(void **state) {
    rk_arguments arguments;
    rk_error error;
    (void)state;
    assert_int_equal(rk_arguments_read(commands, 1, (char *[]){"reaktor"}, &arguments, &error), RK_USAGE);
    assert_int_equal(READ("nothing"), RK_USAGE);
    assert_int_equal(READ("app"), RK_USAGE);
    assert_int_equal(READ("actor"), RK_USAGE);
    assert_int_equal(READ("actor", "remove"), RK_USAGE);
    assert_int_equal(READ("append", "a/b"), RK_USAGE);
    assert_int_equal(READ("append", "a/b", "t", "{}", "more"), RK_USAGE);
    assert_int_equal(READ("append", "a/b", "t", "--unknown"), RK_USAGE);
    assert_int_equal(READ("append", "a/b", "t", "--as"), RK_USAGE);
    assert_int_equal(READ("append", "a/b", "t", "--as", "x", "--as", "y"), RK_USAGE);
    assert_int_equal(READ("append", "a/b", "t", "--follow=1"), RK_USAGE);
    assert_int_equal(READ("append", "a/b", "t", "--asx", "y"), RK_USAGE);
    assert_int_equal(READ("--as", "x", "append", "a/b", "t"), RK_USAGE);
    assert_int_equal(READ("--data", "a", "--data", "b", "actor", "list"), RK_USAGE);
    assert_int_equal(READ("actor", "list", "--data="), RK_USAGE);
    assert_int_equal(READ("nothing", "--json"), RK_USAGE);
    assert_true(arguments.json);
}

static void numbers_are_whole_and_fit(void **state) {
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "1.0", "18446744073709551616", "99999999999999999999"};
    uint64_t number = 1;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(rk_number_read(bad[i], "n", &number, NULL), RK_USAGE);
    }
    assert_int_equal(rk_number_read("18446744073709551615", "n", &number, NULL), RK_OK);
    assert_true(number == UINT64_MAX);
    assert_int_equal(rk_number_read("007", "n", &number, NULL), RK_OK);
    assert_true(number == 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(common_options_stand_anywhere),      cmocka_unit_test(own_options_have_values_or_none),
        cmocka_unit_test(after_two_dashes_all_are_arguments), cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(numbers_are_whole_and_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
