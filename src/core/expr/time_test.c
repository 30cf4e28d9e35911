/*
 * Timestamps and durations in expressions: what text spells one, what falls outside, parts in zones, and the seam that
 * knows the zones' names.
 */
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
    rk_arena_init(&arena, rk_memory_system(), 1 << 22);
    error = (rk_error){0};
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

/* One zone, which changes its clock at 1,000,000,000. */
static rk_status find_zone(void *context, rk_bytes name, int64_t seconds, int64_t *ahead_out) {
    (void)context;
    if (rk_bytes_equal(name, RK_TEXT("Test/Damaged"))) return RK_CORRUPT;
    if (!rk_bytes_equal(name, RK_TEXT("Test/Summer"))) return RK_NOT_FOUND;
    *ahead_out = seconds < 1000000000 ? 3600 : 7200;
    return RK_OK;
}

static rk_status find_nothing(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *find_error) {
    (void)context, (void)name, (void)index, (void)value_out, (void)find_error;
    return RK_NOT_FOUND;
}

static const rk_activation with_zones = {.find = find_nothing, .zone = find_zone};

static rk_status run_with(const char *source, const rk_activation *activation, rk_value *value_out) {
    const rk_environment environment = {NULL, 0};
    rk_program *program = NULL;
    rk_status status = rk_expr_compile(&arena, rk_bytes_of_string(source), &environment, &program, &error);
    if (status != RK_OK) fail_msg("%s: %s: %s", source, error.where, error.what);
    return rk_program_run(program, activation, &arena, RK_STEPS_MAX, value_out, &error);
}

static void expect_true(const char *source) {
    rk_value value;
    rk_status status = run_with(source, &with_zones, &value);
    if (status != RK_OK) fail_msg("%s: %s: %s", source, error.where, error.what);
    if (value.kind != RK_BOOL || !value.as.boolean) fail_msg("not true: %s", source);
}

static void expect_failures(const char *call, const char *const *texts, size_t count, const char *what) {
    for (size_t i = 0; i < count; i++) {
        char source[128];
        rk_value value;
        rk_format(source, sizeof source, "%s('%s')", call, texts[i]);
        if (run_with(source, &with_zones, &value) != RK_EXPRESSION_FAILED) fail_msg("does not fail: %s", source);
        if (!strstr(error.what, what)) fail_msg("%s: %s", source, error.what);
    }
}

static void a_timestamp_is_read_and_printed(void **state) {
    (void)state;
    expect_true("string(timestamp('2026-07-31T01:02:03.450Z')) == '2026-07-31T01:02:03.45Z'");
    expect_true("string(timestamp('2026-07-31T01:02:03+05:30')) == '2026-07-30T19:32:03Z'");
    expect_true("timestamp('2026-07-31T01:02:03-00:30') == timestamp('2026-07-31T01:32:03Z')");
    expect_true("string(timestamp('0001-01-01T00:00:00Z')) == '0001-01-01T00:00:00Z'");
    expect_true("int(timestamp('0001-01-01T00:00:00Z')) == -62135596800");
    expect_true("string(timestamp(-1)) == '1969-12-31T23:59:59Z' && string(timestamp(0)) == '1970-01-01T00:00:00Z'");
    expect_true("string(timestamp('2000-02-29T00:00:00Z')) == '2000-02-29T00:00:00Z'");
    expect_true("[1, 59, 60, 365, 36524, 36525, 146096, 146097, 700000].all(d, [1, -1].all(s,"
                " timestamp(string(timestamp(d * s * 86400))) == timestamp(d * s * 86400)))");
}

static void what_spells_no_timestamp_fails(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "2026-07-31",
        "2026-07-31T01:02:03",
        "2026-07-31t01:02:03Z",
        "2026-07-31 01:02:03Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-07-00T00:00:00Z",
        "2026-07-31T24:00:00Z",
        "2026-07-31T00:60:00Z",
        "2026-07-31T00:00:60Z",
        "2026-07-31T00:00:00.Z",
        "2026-07-31T00:00:00.1234567890Z",
        "2026-07-31T00:00:00Z ",
        "2026-07-31T00:00:00+24:00",
        "2026-07-31T00:00:00+0530",
        "10000-01-01T00:00:00Z",
        "+026-01-01T00:00:00Z",
    };
    expect_failures("timestamp", texts, sizeof texts / sizeof texts[0], "type conversion error");
    static const char *const outside[] = {"0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01",
                                          "9999-12-31T23:59:59-00:01"};
    expect_failures("timestamp", outside, 3, "range error: the timestamp would be out of range");
}

static void a_duration_is_read_and_printed(void **state) {
    (void)state;
    expect_true("string(duration('1h30m')) == '5400s' && string(duration('-1.5s')) == '-1.5s'");
    expect_true("string(duration('1.5h')) == '5400s' && string(duration('.5s')) == '0.5s'");
    expect_true("string(duration('-0.000000001s')) == '-0.000000001s' && duration('1.s') == duration('1s')");
    expect_true("duration('1ms') == duration('1000us') && duration('1us') == duration('1000ns')");
    expect_true("duration('1\u00b5s') == duration('1\u03bcs') && duration('1us') == duration('1\u00b5s')");
    expect_true("duration('0') == duration('0s') && duration('+1s') == duration('1s')");
    expect_true("string(duration('0.9999999999s')) == '0.999999999s'");
    expect_true("string(duration('9223372036.854775807s')) == '9223372036.854775807s'");
    expect_true("string(duration('-9223372036.854775808s')) == '-9223372036.854775808s'");
    expect_true("duration('-1s') < duration('-0.5s') && duration('-0.5s') < duration('0s')");
}

static void what_spells_no_duration_fails(void **state) {
    (void)state;
    static const char *const texts[] = {"", "1", "s", ".s", "-", "1x", "1 s", "1s ", "--1s", "1s-1s", "1.2.3s", "00"};
    expect_failures("duration", texts, sizeof texts / sizeof texts[0], "type conversion error");
    static const char *const outside[] = {"9223372036.854775808s", "-9223372036.854775809s", "2562048h",
                                          "99999999999999999999999s", "18446744073709551616ns"};
    expect_failures("duration", outside, sizeof outside / sizeof outside[0], "range error: the duration");
}

static void times_add_and_subtract_within_their_range(void **state) {
    (void)state;
    expect_true("timestamp(1) - timestamp(3) == duration('-2s')");
    expect_true("timestamp('1970-01-01T00:00:01.5Z') - timestamp('1970-01-01T00:00:03Z') == duration('-1.5s')");
    expect_true("timestamp(0) - duration('0.5s') == timestamp('1969-12-31T23:59:59.5Z')");
    expect_true("duration('1.5s') - duration('2s') == duration('-500ms')");
    expect_true("duration('-9223372036.8s') - duration('0.054775808s') == duration('-9223372036.854775808s')");
    static const char *const sources[] = {
        "timestamp(253402300799) + duration('1s')",  "duration('-1ns') + timestamp(-62135596800)",
        "timestamp(253402300799) - timestamp(0)",    "duration('9223372036s') + duration('1s')",
        "duration('-9223372036s') - duration('1s')",
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        rk_value value;
        assert_int_equal(run_with(sources[i], NULL, &value), RK_EXPRESSION_FAILED);
        if (!strstr(error.what, "range error")) fail_msg("%s: %s", sources[i], error.what);
    }
}

static void parts_are_those_of_the_calendar(void **state) {
    (void)state;
    expect_true("timestamp('2024-12-31T23:59:58.987Z').getDayOfYear() == 365");
    expect_true(
        "timestamp('2024-02-29T00:00:00Z').getMonth() == 1 && timestamp('2024-02-29T00:00:00Z').getDate() == 29");
    expect_true("timestamp('1969-12-31T23:59:58.987Z').getMilliseconds() == 987");
    expect_true("timestamp('1969-12-31T23:59:58.987Z').getSeconds() == 58");
    expect_true("timestamp('1969-12-27T12:00:00Z').getDayOfWeek() == 6 && timestamp(0).getDayOfWeek() == 4");
    expect_true("timestamp('0001-01-01T00:00:00Z').getDayOfWeek() == 1");
    expect_true("duration('-3730.5s').getMinutes() == -62 && duration('123.321456789s').getMilliseconds() == 321");
}

static void a_zone_is_an_offset_or_the_hosts(void **state) {
    (void)state;
    expect_true("timestamp('2026-12-31T20:00:00Z').getFullYear('+05:30') == 2027");
    expect_true("timestamp('2026-01-01T00:00:00Z').getDayOfYear('-08:00') == 364");
    expect_true("timestamp('2026-01-01T00:00:00Z').getHours('UTC') == 0");
    expect_true(
        "timestamp(999999999).getHours('Test/Summer') == 2 && timestamp(1000000000).getHours('Test/Summer') == 3");
    static const char *const zones[] = {"24:00", "+05:60", "5:30", "+05:300", ":", "Test/Nowhere"};
    expect_failures("timestamp(0).getHours", zones, sizeof zones / sizeof zones[0], "is no time zone");
    rk_value value;
    const rk_activation with_zones = {.find = find_nothing, .zone = find_zone};
    assert_int_equal(run_with("timestamp(0).getHours('Test/Damaged') == 2 || true", &with_zones, &value), RK_CORRUPT);
    assert_string_equal(error.what, "the time zone \"Test/Damaged\" cannot be read");
    assert_int_equal(run_with("timestamp(0).getHours('Test/Summer') == 2 || true", NULL, &value), RK_NOT_YET);
    assert_non_null(strstr(error.what, "named time zones"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_timestamp_is_read_and_printed),
        TEST(what_spells_no_timestamp_fails),
        TEST(a_duration_is_read_and_printed),
        TEST(what_spells_no_duration_fails),
        TEST(times_add_and_subtract_within_their_range),
        TEST(parts_are_those_of_the_calendar),
        TEST(a_zone_is_an_offset_or_the_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
