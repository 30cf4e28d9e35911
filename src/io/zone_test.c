/*
 * Time zones: the system's around the days when clocks change and far from them, rules of every form, names that are
 * none, and files that are damaged.
 */
#include "io/zone.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka needs the two above first */
#include <cmocka.h>
#include <unistd.h>

#include "base/buffer.h"
#include "io/memory.h"

static rk_arena arena;
static rk_zones zones;

static int open_zones(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    rk_zones_init(&zones, &arena, NULL);
    return 0;
}

static int close_zones(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static int64_t seconds_of(int year, int month, int day, int hour, int minute) {
    struct tm at = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};
    return timegm(&at);
}

static int64_t ahead(const char *name, int64_t seconds) {
    int64_t found = 0;
    rk_status status = rk_zone_ahead(&zones, rk_bytes_of_string(name), seconds, &found);
    if (status != RK_OK) fail_msg("%s: %s", name, rk_status_name(status));
    return found;
}

static void clocks_change_at_their_second(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int year, month, day, hour, minute; /* in UTC, the first moment of the new time */
        int before, after;                  /* minutes */
    } rows[] = {
        {"Europe/Berlin", 2026, 3, 29, 1, 0, 60, 120},       {"Europe/Berlin", 2026, 10, 25, 1, 0, 120, 60},
        {"Europe/Berlin", 2020, 3, 29, 1, 0, 60, 120},       {"Europe/Berlin", 2400, 3, 26, 1, 0, 60, 120},
        {"Europe/Berlin", 9000, 10, 26, 1, 0, 120, 60},      {"America/New_York", 2026, 3, 8, 7, 0, -300, -240},
        {"America/New_York", 2026, 11, 1, 6, 0, -240, -300}, {"America/New_York", 2200, 3, 9, 7, 0, -300, -240},
        {"America/New_York", 1918, 3, 31, 7, 0, -300, -240}, {"Australia/Sydney", 2026, 4, 4, 16, 0, 660, 600},
        {"Australia/Sydney", 2100, 10, 2, 16, 0, 600, 660},  {"Australia/Lord_Howe", 2026, 4, 4, 15, 0, 660, 630},
        {"Europe/Dublin", 2026, 3, 29, 1, 0, 0, 60},         {"Europe/Dublin", 2150, 10, 25, 1, 0, 60, 0},
        {"America/St_Johns", 2026, 3, 8, 5, 30, -210, -150},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t at = seconds_of(rows[i].year, rows[i].month, rows[i].day, rows[i].hour, rows[i].minute);
        if (ahead(rows[i].name, at - 1) != rows[i].before * 60 || ahead(rows[i].name, at) != rows[i].after * 60) {
            fail_msg("%s %d: %d, then %d minutes", rows[i].name, rows[i].year, (int)ahead(rows[i].name, at - 1) / 60,
                     (int)ahead(rows[i].name, at) / 60);
        }
    }
}

static void zones_without_daylight_time_stand_still(void **state) {
    (void)state;
    for (int year = 1950; year < 9999; year += 171) {
        assert_int_equal(ahead("Asia/Kolkata", seconds_of(year, 7, 1, 0, 0)), 19800);
        assert_int_equal(ahead("Etc/GMT+5", seconds_of(year, 1, 1, 0, 0)), -18000);
    }
    assert_int_equal(ahead("Asia/Kathmandu", seconds_of(2009, 2, 13, 0, 0)), 20700);
    assert_int_equal(ahead("UTC", 0), 0);
    /* before clocks were set alike, Berlin kept the sun's time */
    assert_int_equal(ahead("Europe/Berlin", seconds_of(1800, 1, 1, 0, 0)), 53 * 60 + 28);
    assert_int_equal(ahead("Europe/Berlin", INT64_MIN / 2), 53 * 60 + 28);
}

/* What the C library says is asked of it in another way: its own reading of the same files. */
static void every_month_is_as_the_c_library_has_it(void **state) {
    (void)state;
    static const char *const names[] = {"Europe/Berlin",     "America/New_York", "Asia/Kolkata", "Australia/Sydney",
                                        "Africa/Casablanca", "Europe/Dublin",    "Asia/Tehran",  "America/Sao_Paulo",
                                        "Pacific/Apia",      "Antarctica/Troll", "Asia/Gaza",    "America/Nuuk"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t at = seconds_of(1900, 1, 1, 0, 0); at < seconds_of(2500, 1, 1, 0, 0); at += 1234567) {
            time_t now = at;
            struct tm local;
            localtime_r(&now, &local);
            if (ahead(names[i], at) != local.tm_gmtoff) {
                fail_msg("%s at %lld: %d, not %d", names[i], (long long)at, (int)ahead(names[i], at),
                         (int)local.tm_gmtoff);
            }
        }
    }
    unsetenv("TZ");
    tzset();
}

static void what_is_no_zone_is_not_found(void **state) {
    (void)state;
    static const char *const names[] = {
        "",
        "/etc/passwd",
        "../../../etc/passwd",
        "Europe/../Europe/Berlin",
        "Europe//Berlin",
        "Europe/",
        "Europe",
        "Europe/Nowhere",
        "europe/berlin",
        "posix/Europe/Berlin",
        "right/UTC",
        "localtime",
        "zone.tab",
        "Europe/Berlin ",
        "Z",
        "+01:00",
        ".",
        "Europe\\Berlin",
    };
    int64_t found = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        rk_status status = rk_zone_ahead(&zones, rk_bytes_of_string(names[i]), 0, &found);
        if (status != RK_NOT_FOUND) fail_msg("\"%s\": %s", names[i], rk_status_name(status));
    }
    char huge[RK_ZONE_NAME_SIZE_MAX + 2];
    memset(huge, 'A', sizeof huge);
    assert_int_equal(rk_zone_ahead(&zones, rk_bytes_of(huge, sizeof huge), 0, &found), RK_NOT_FOUND);
    assert_int_equal(rk_zone_ahead(&zones, rk_bytes_of("UTC\0x", 5), 0, &found), RK_NOT_FOUND);
}

/* --- files made here -------------------------------------------------------------------------------------------- */

/* A file of version 2: nothing in the first block; two types, one hour apart, and the transitions given. */
static rk_bytes file_of(const int64_t *times, uint8_t count, const char *footer) {
    static uint8_t bytes[1024];
    uint8_t *at = bytes;
    for (int i = 0; i < 2; i++) {
        memset(at, 0, 44);
        memcpy(at, "TZif2", 5);
        at[35] = i == 1 ? count : 0;
        at[39] = i == 1 ? 2 : 0;
        at[43] = i == 1 ? 1 : 0;
        at += 44;
    }
    for (uint8_t i = 0; i < count; i++, at += 8) rk_put_u64(at, (uint64_t)times[i]);
    for (uint8_t i = 0; i < count; i++) *at++ = i % 2 == 0;
    static const uint8_t types[] = {0, 0, 0, 0, 0, 0, 0, 0, 0x0e, 0x10, 1, 0, 0};
    memcpy(at, types, sizeof types);
    at += sizeof types;
    size_t size = strlen(footer);
    memcpy(at, footer, size);
    return rk_bytes_of(bytes, (size_t)(at - bytes) + size);
}

static const rk_zone *zone_of(rk_bytes file) {
    const rk_zone *zone = NULL;
    assert_int_equal(rk_zone_read(&arena, file, &zone), RK_OK);
    return zone;
}

static void a_footer_rules_what_comes_after(void **state) {
    (void)state;
    const int64_t times[] = {100, 200, 300};
    const rk_zone *plain = zone_of(file_of(times, 3, "\n\n"));
    assert_int_equal(rk_zone_offset(plain, 99), 0);
    assert_int_equal(rk_zone_offset(plain, 100), 3600);
    assert_int_equal(rk_zone_offset(plain, 299), 0);
    assert_int_equal(rk_zone_offset(plain, 1000000000), 3600);
    const rk_zone *fixed = zone_of(file_of(times, 3, "\n<+0530>-5:30\n"));
    assert_int_equal(rk_zone_offset(fixed, 299), 0);
    assert_int_equal(rk_zone_offset(fixed, 300), 19800);
    const rk_zone *julian = zone_of(file_of(times, 0, "\nAAA0BBB,J60/0,J61/0\n"));
    assert_int_equal(rk_zone_offset(julian, seconds_of(2024, 2, 29, 12, 0)), 0);
    assert_int_equal(rk_zone_offset(julian, seconds_of(2024, 3, 1, 12, 0)), 3600);
    assert_int_equal(rk_zone_offset(julian, seconds_of(2023, 3, 1, 12, 0)), 3600);
    assert_int_equal(rk_zone_offset(julian, seconds_of(2023, 3, 2, 12, 0)), 0);
    const rk_zone *zero_based = zone_of(file_of(times, 0, "\nAAA0BBB,59/0,60/0\n"));
    assert_int_equal(rk_zone_offset(zero_based, seconds_of(2024, 2, 29, 12, 0)), 3600);
    assert_int_equal(rk_zone_offset(zero_based, seconds_of(2024, 3, 1, 12, 0)), 0);
    const rk_zone *always = zone_of(file_of(times, 0, "\nXXX3EDT4,0/0,J365/23\n"));
    for (int day = 0; day < 800; day++) {
        assert_int_equal(rk_zone_offset(always, seconds_of(2024, 1, 1, 0, 0) + day * 86400), -4 * 3600);
    }
}

static void a_damaged_file_answers_nothing(void **state) {
    (void)state;
    static const char *const footers[] = {"",
                                          "\n",
                                          "\nCET-1",
                                          "CET-1\n",
                                          "\nCE-1\n",
                                          "\nCET\n",
                                          "\nCET-25\n",
                                          "\nCET-1CEST\n",
                                          "\nCET-24\n",
                                          "\nCET-1X\n",
                                          "\n<CET-1\n",
                                          "\nCET-1CEST,M13.1.0,M1.1.0\n",
                                          "\nCET-1 \n",
                                          "\nCET-1:60\n",
                                          "\nCET-1CEST,M3.5.0\n",
                                          "\nCET-1CEST,M3.0.0,M4.1.0\n",
                                          "\nCET-1CEST,J0,J1\n",
                                          "\nCET-1CEST,M3.5.0,M4.1.0/168\n"};
    const int64_t times[] = {100, 200, 300}, unordered[] = {100, 300, 200}, doubled[] = {100, 100, 200};
    const rk_zone *zone = NULL;
    for (size_t i = 0; i < sizeof footers / sizeof footers[0]; i++) {
        if (rk_zone_read(&arena, file_of(times, 3, footers[i]), &zone) != RK_CORRUPT) fail_msg("%s", footers[i]);
        assert_null(zone);
    }
    assert_int_equal(rk_zone_read(&arena, file_of(unordered, 3, "\n\n"), &zone), RK_CORRUPT);
    assert_int_equal(rk_zone_read(&arena, file_of(doubled, 3, "\n\n"), &zone), RK_CORRUPT);
    rk_bytes whole = file_of(times, 3, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    for (size_t size = 0; size < whole.size; size++) {
        assert_int_equal(rk_zone_read(&arena, rk_bytes_of(whole.data, size), &zone), RK_CORRUPT);
    }
    uint8_t *bytes = (uint8_t *)(uintptr_t)whole.data;
    bytes[44 + 31] = 1; /* a leap second */
    assert_int_equal(rk_zone_read(&arena, whole, &zone), RK_CORRUPT);
    bytes[44 + 31] = 0;
    bytes[88 + 3 * 8] = 2; /* a type that is not there */
    assert_int_equal(rk_zone_read(&arena, whole, &zone), RK_CORRUPT);
    bytes[88 + 3 * 8] = 1;
    assert_int_equal(rk_zone_read(&arena, whole, &zone), RK_OK);
}

static void a_folder_may_hold_damage(void **state) {
    (void)state;
    char folder[] = "/tmp/zone_test.XXXXXX", path[64];
    int64_t found = 0;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/Broken", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("TZif2", file);
    fclose(file);
    rk_zones_init(&zones, &arena, folder);
    assert_int_equal(rk_zone_ahead(&zones, RK_TEXT("Broken"), 0, &found), RK_CORRUPT);
    assert_int_equal(rk_zone_ahead(&zones, RK_TEXT("Europe/Berlin"), 0, &found), RK_NOT_FOUND);
    unlink(path);
    rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_zones, close_zones)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(clocks_change_at_their_second),
        TEST(zones_without_daylight_time_stand_still),
        TEST(every_month_is_as_the_c_library_has_it),
        TEST(what_is_no_zone_is_not_found),
        TEST(a_footer_rules_what_comes_after),
        TEST(a_damaged_file_answers_nothing),
        TEST(a_folder_may_hold_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
