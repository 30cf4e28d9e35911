/*
 * The exact decimal routines against those of the C library, over edge cases and a million random doubles and texts.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/value/decimal.h"

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static double random_double(void) {
    uint64_t bits = next_random();
    double number = 0;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static const char *printed(double number) {
    static char text[RK_DECIMAL_SIZE_MAX + 1];
    size_t size = rk_decimal_print(number, text);
    assert_true(size <= RK_DECIMAL_SIZE_MAX);
    text[size] = 0;
    return text;
}

static void expect_parse(const char *text) {
    double got = 0, expected = strtod(text, NULL);
    rk_status status = rk_decimal_parse(rk_bytes_of_string(text), &got);
    if (isinf(expected)) {
        assert_int_equal(status, RK_OVERFLOW);
        return;
    }
    assert_int_equal(status, RK_OK);
    if (memcmp(&got, &expected, sizeof got) != 0) fail_msg("%s: %a instead of %a", text, got, expected);
}

static void the_nearest_double_is_read(void **state) {
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "0.0",
        "1",
        "-1.5",
        ".5",
        "5.",
        "1e5",
        "1E-5",
        "1e+5",
        "0.1",
        "123.456",
        "9007199254740993",
        "9007199254740992.99999999999999999999999999",
        "9007199254740993.00000000000000000000000000000000000001",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "2e308",
        "1e400",
        "1e-400",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1e-324",
        "0e999999999",
        "1e-999999999",
        "1e999999999",
        "00000000000000000001",
        "0.000000000000000000000000000000000000000000000000000000000000000000000000000000001e80",
        "8.988466e+307",
        "179769313486231580793e289",
        "1e23",
        "8.5e22",
        "6.02214e23",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) expect_parse(texts[i]);
}

static void random_texts_are_read_as_strtod_reads_them(void **state) {
    (void)state;
    char text[1200];
    for (int round = 0; round < 60000; round++) {
        snprintf(text, sizeof text, "%.*e", (int)(next_random() % 25), random_double());
        if (strchr(text, 'n')) continue;
        expect_parse(text);
    }
    for (int round = 0; round < 300; round++) {
        size_t size = 0, count = 1 + next_random() % 1100;
        while (size < count) text[size++] = (char)('0' + next_random() % 10);
        snprintf(text + size, sizeof text - size, "e-%u", (unsigned)(next_random() % 1500));
        expect_parse(text);
    }
}

static void half_way_goes_to_the_even_neighbour_and_one_digit_more_does_not(void **state) {
    (void)state;
    char text[1300];
    for (int round = 0; round < 3000; round++) {
        double number = fabs(random_double());
        if (isnan(number) || isinf(number)) continue;
        if (round % 3 == 0) number = ldexp((double)(next_random() % 1000 + 1), -1074);
        /* The long double holds the exact half way between a double and the next one. */
        long double half = ((long double)number + (long double)nextafter(number, INFINITY)) / 2;
        int size = snprintf(text, sizeof text, "%.1150Le", half);
        assert_true(size > 0 && size < (int)sizeof text);
        expect_parse(text);
        char *exponent = strchr(text, 'e');
        exponent[-1] = '1';
        expect_parse(text);
    }
}

static void what_is_no_number_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"",      "-",  "+",  ".",    "e5",  "1e", "1e+",
                                        "1.5.5", "1 ", " 1", "0x10", "nan", "1_0"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double number = 1;
        assert_int_equal(rk_decimal_parse(rk_bytes_of_string(texts[i]), &number), RK_BAD_TEXT);
        assert_true(number == 0);
    }
}

static void doubles_print_as_in_ecmascript(void **state) {
    (void)state;
    static const struct {
        double number;
        const char *text;
    } rows[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {100, "100"},
        {123.456, "123.456"},
        {-4.5e-3, "-0.0045"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {1.5e21, "1.5e+21"},
        {1e-6, "0.000001"},
        {1e-7, "1e-7"},
        {1.25e-7, "1.25e-7"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {9007199254740993.0, "9007199254740992"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e23, "1e+23"},
        {NAN, "NaN"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(printed(rows[i].number), rows[i].text);
}

static int digit_count(const char *text) {
    char digits[RK_DECIMAL_SIZE_MAX + 1];
    int count = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9' && (count > 0 || *text != '0')) digits[count++] = *text;
    }
    while (count > 0 && digits[count - 1] == '0') count--;
    return count;
}

static void random_doubles_print_shortest_and_come_back(void **state) {
    (void)state;
    for (int round = 0; round < 60000; round++) {
        double number = random_double();
        if (round % 4 == 0) number = ldexp(1.0, (int)(next_random() % 2098) - 1074);
        if (isnan(number) || isinf(number)) continue;
        const char *text = printed(number);
        double back = strtod(text, NULL);
        assert_memory_equal(&back, &number, sizeof back);
        int count = digit_count(text);
        char shorter[64];
        snprintf(shorter, sizeof shorter, "%.*e", count > 1 ? count - 2 : 0, number);
        if (count > 1 && strtod(shorter, NULL) == number) fail_msg("%s is not the shortest of %a", text, number);
    }
}

static void places_are_those_of_printf(void **state) {
    (void)state;
    static const double chosen[] = {0,
                                    -0.0,
                                    0.5,
                                    1.5,
                                    2.5,
                                    9.5,
                                    99.95,
                                    0.05,
                                    1e-5,
                                    1e22,
                                    1.7976931348623157e308,
                                    5e-324,
                                    1.005,
                                    999999.5,
                                    123.4999,
                                    -0.001,
                                    1052.032911275,
                                    0.99999999999};
    static char expected[RK_DECIMAL_PLACED_SIZE_MAX + 1], found[RK_DECIMAL_PLACED_SIZE_MAX + 1];
    for (int round = 0; round < 20000; round++) {
        double number = round < 18 ? chosen[round] : random_double();
        if (isnan(number) || isinf(number)) continue;
        for (int places = 0; places <= 1000; places = places < 8 ? places + 1 : places * 5) {
            snprintf(expected, sizeof expected, "%.*f", places, number);
            found[rk_decimal_print_fixed(number, (size_t)places, found)] = 0;
            assert_string_equal(found, expected);
            snprintf(expected, sizeof expected, "%.*e", places, number);
            found[rk_decimal_print_scientific(number, (size_t)places, found)] = 0;
            assert_string_equal(found, expected);
            if (round > 200 && places > 2) break;
        }
        found[rk_decimal_print_plain(number, found)] = 0;
        double back = strtod(found, NULL);
        assert_memory_equal(&back, &number, sizeof back);
        assert_null(strchr(found, 'e'));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_those_of_printf),
        cmocka_unit_test(the_nearest_double_is_read),
        cmocka_unit_test(random_texts_are_read_as_strtod_reads_them),
        cmocka_unit_test(half_way_goes_to_the_even_neighbour_and_one_digit_more_does_not),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(doubles_print_as_in_ecmascript),
        cmocka_unit_test(random_doubles_print_shortest_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
