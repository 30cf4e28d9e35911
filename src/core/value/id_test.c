/*
 * Ids, stamps and times.
 */
#include "core/value/id.h"

#include <setjmp.h>
#include <string.h>
/* cmocka needs the two above first */
#include <cmocka.h>

#include "base/limits.h"

static void a_stamp_counts_on_when_the_wall_clock_steps_back(void **state) {
    (void)state;
    rk_stamp first = rk_stamp_next(0, 1000), second = rk_stamp_next(first, 900);
    assert_true(second > first);
    assert_int_equal(rk_stamp_ms(second), 1000);
}

static void the_count_carries_into_the_milliseconds(void **state) {
    (void)state;
    rk_stamp stamp = rk_stamp_of_ms(1000);
    for (int i = 0; i < 70000; i++) {
        rk_stamp next = rk_stamp_next(stamp, 1000);
        assert_true(next > stamp);
        stamp = next;
    }
    assert_int_equal(rk_stamp_ms(stamp), 1001);
}

static void the_end_of_time_stays(void **state) {
    (void)state;
    assert_true(rk_stamp_next(UINT64_MAX, 5) == UINT64_MAX);
    assert_true(rk_stamp_next(5, UINT64_MAX) == rk_stamp_of_ms(UINT64_MAX));
}

static void an_effective_stamp_is_at_most_a_minute_past_the_commit(void **state) {
    (void)state;
    rk_stamp commit = rk_stamp_of_ms(100000);
    assert_true(rk_stamp_effective(rk_stamp_of_ms(99), commit) == rk_stamp_of_ms(99));
    assert_true(rk_stamp_effective(rk_stamp_of_ms(160000), commit) == rk_stamp_of_ms(160000));
    assert_true(rk_stamp_effective(rk_stamp_of_ms(160001), commit) == rk_stamp_of_ms(160000));
    assert_true(rk_stamp_effective(UINT64_MAX, UINT64_MAX - 1) == UINT64_MAX);
}

static void ids_order_as_their_bytes_and_their_ulids(void **state) {
    (void)state;
    const rk_id ids[] = {
        {0, 0}, {0, 1}, {1, 0}, {1, UINT64_MAX}, {2, 0}, {(uint64_t)1 << 63, 7}, {UINT64_MAX, UINT64_MAX}};
    for (size_t a = 0; a < 7; a++) {
        for (size_t b = 0; b < 7; b++) {
            uint8_t a_bytes[16], b_bytes[16];
            char a_text[26], b_text[26];
            rk_id_put(a_bytes, ids[a]), rk_id_put(b_bytes, ids[b]);
            rk_id_print(ids[a], a_text), rk_id_print(ids[b], b_text);
            int order = rk_id_compare(ids[a], ids[b]);
            assert_int_equal(order < 0, memcmp(a_bytes, b_bytes, 16) < 0);
            assert_int_equal(order < 0, memcmp(a_text, b_text, 26) < 0);
            assert_int_equal(order == 0, a == b);
        }
    }
}

static void a_ulid_reads_back_and_what_is_none_is_refused(void **state) {
    (void)state;
    rk_id id = {0x0123456789ABCDEFU, 0xFEDCBA9876543210U}, back;
    char text[26];
    rk_id_print(id, text);
    assert_int_equal(rk_id_parse(rk_bytes_of(text, 26), &back), RK_OK);
    assert_true(rk_id_equal(id, back));
    assert_int_equal(rk_id_parse(RK_TEXT("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &back), RK_OK);
    assert_true(back.stamp == UINT64_MAX && back.replica == UINT64_MAX);
    const char *bad[] = {"",
                         "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
                         "0000000000000000000000000",
                         "0000000000000000000000000I",
                         "0000000000000000000000000u",
                         "000000000000000000000000000"};
    for (size_t i = 0; i < 6; i++) assert_int_equal(rk_id_parse(rk_bytes_of_string(bad[i]), &back), RK_BAD_ID);
}

static void times_print_and_read(void **state) {
    (void)state;
    struct {
        uint64_t ms;
        const char *text;
    } rows[] = {{0, "1970-01-01T00:00:00.000Z"},
                {951782400000, "2000-02-29T00:00:00.000Z"},
                {1709164800123, "2024-02-29T00:00:00.123Z"},
                {4102444799999, "2099-12-31T23:59:59.999Z"},
                {253402300799999, "9999-12-31T23:59:59.999Z"}};
    for (size_t i = 0; i < 5; i++) {
        char text[24];
        uint64_t ms = 0;
        rk_time_print(rows[i].ms, text);
        assert_memory_equal(text, rows[i].text, 24);
        assert_int_equal(rk_time_parse(rk_bytes_of(text, 24), &ms), RK_OK);
        assert_true(ms == rows[i].ms);
    }
    uint64_t ms = 0;
    assert_int_equal(rk_time_parse(RK_TEXT("2026-01-31T12:00:00+05:30"), &ms), RK_OK);
    assert_true(ms == 1769841000000);
    assert_int_equal(rk_time_parse(RK_TEXT("2026-01-31"), &ms), RK_OK);
    assert_true(ms == 1769817600000);
    const char *bad[] = {"",           "2026",       "2026-02-29",          "2026-13-01",
                         "2026-00-10", "26-01-01",   "2026-01-31T",         "2026-01-31T24:00:00Z",
                         "1969-12-31", "2026-01-3x", "2026-01-31T12:00:00", "2026-01-31T12:00:00.Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(rk_time_parse(rk_bytes_of_string(bad[i]), &ms), RK_BAD_TIME);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stamp_counts_on_when_the_wall_clock_steps_back),
        cmocka_unit_test(the_count_carries_into_the_milliseconds),
        cmocka_unit_test(the_end_of_time_stays),
        cmocka_unit_test(an_effective_stamp_is_at_most_a_minute_past_the_commit),
        cmocka_unit_test(ids_order_as_their_bytes_and_their_ulids),
        cmocka_unit_test(a_ulid_reads_back_and_what_is_none_is_refused),
        cmocka_unit_test(times_print_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
