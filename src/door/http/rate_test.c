/*
 * Rates and crowds: what passes, what waits and for how long, and what others feel of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "door/http/rate.h"
#include "io/crypto.h"

#define NOW_MS UINT64_C(1800000000000)

static rk_crowd crowd;

static size_t how_many(rk_rate *rate, uint64_t rate_max, uint64_t now_ms, size_t tries) {
    size_t passed = 0;
    uint64_t wait_ms;
    for (size_t i = 0; i < tries; i++) passed += rk_rate_take(rate, rate_max, now_ms, &wait_ms);
    return passed;
}

static void as_many_pass_at_once_as_in_a_second(void **state) {
    (void)state;
    static const uint64_t rates[] = {1, 2, 7, 50, 1000, 5000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        rk_rate rate = {0};
        assert_int_equal(how_many(&rate, rates[i], NOW_MS, 10000), rates[i]);
        assert_int_equal(how_many(&rate, rates[i], NOW_MS + 1000, 10000), rates[i]);
        assert_int_equal(how_many(&rate, rates[i], NOW_MS + 60000, 10000), rates[i]);
    }
}

static void over_a_long_time_the_rate_is_what_passes(void **state) {
    (void)state;
    rk_rate rate = {0};
    size_t passed = 0;
    for (uint64_t ms = 0; ms < 100000; ms++) passed += how_many(&rate, 20, NOW_MS + ms, 3);
    assert_in_range(passed, 20 * 100, 20 * 100 + 20);
}

static void the_wait_is_as_long_as_it_has_to_be(void **state) {
    (void)state;
    rk_rate rate = {0};
    uint64_t wait_ms = 0, again_ms = 0;
    assert_int_equal(how_many(&rate, 4, NOW_MS, 4), 4);
    assert_false(rk_rate_take(&rate, 4, NOW_MS, &wait_ms));
    assert_int_equal(wait_ms, 250);
    assert_false(rk_rate_take(&rate, 4, NOW_MS + wait_ms - 1, &again_ms));
    assert_int_equal(again_ms, 1);
    assert_true(rk_rate_take(&rate, 4, NOW_MS + wait_ms, &again_ms));
    assert_int_equal(again_ms, 0);
}

static void what_was_refused_costs_nothing(void **state) {
    (void)state;
    rk_rate rate = {0};
    assert_int_equal(how_many(&rate, 10, NOW_MS, 100000), 10);
    assert_int_equal(how_many(&rate, 10, NOW_MS + 1000, 100), 10);
}

static void a_clock_that_steps_back_refuses_for_a_second_at_most(void **state) {
    (void)state;
    rk_rate rate = {0};
    uint64_t wait_ms = 0;
    assert_int_equal(how_many(&rate, 10, NOW_MS, 10), 10);
    assert_false(rk_rate_take(&rate, 10, NOW_MS - 3600000, &wait_ms));
    assert_in_range(wait_ms, 1, 1000);
    assert_int_equal(how_many(&rate, 10, NOW_MS - 3600000 + 1000, 100), 10);
}

static void a_rate_that_changes_counts_at_once(void **state) {
    (void)state;
    rk_rate rate = {0};
    assert_int_equal(how_many(&rate, 1000, NOW_MS, 500), 500);
    assert_int_equal(how_many(&rate, 2, NOW_MS, 100), 1);
    assert_int_equal(how_many(&rate, INT64_MAX, NOW_MS, 1000000), 1000000);
}

/* ---- crowds ---- */

static rk_crowd_key key_of(unsigned who) {
    uint8_t bytes[4] = {(uint8_t)(who >> 24), (uint8_t)(who >> 16), (uint8_t)(who >> 8), (uint8_t)who};
    return rk_crowd_key_of(&crowd, rk_crypto_sodium(), rk_bytes_of(bytes, sizeof bytes));
}

static int fresh(void **state) {
    (void)state;
    static const uint8_t seed[RK_CROWD_SEED_SIZE] = {1};
    rk_crowd_init(&crowd, seed);
    return 0;
}

static void one_in_a_crowd_has_its_own_rate(void **state) {
    (void)state;
    uint64_t wait_ms = 0;
    size_t noisy = 0;
    for (int i = 0; i < 1000; i++) noisy += rk_crowd_take(&crowd, key_of(1), 5, NOW_MS, &wait_ms);
    assert_int_equal(noisy, 5);
    assert_int_equal(wait_ms, 200);
    for (unsigned who = 2; who < 1000; who++) assert_true(rk_crowd_take(&crowd, key_of(who), 5, NOW_MS, &wait_ms));
    assert_int_equal(wait_ms, 0);
}

/* Who shares one place with a noisy one has another. */
static void a_noisy_neighbour_in_one_row_is_not_felt(void **state) {
    (void)state;
    rk_crowd_key noisy = {{7, 7}}, quiet = {{7, 8}}, other = {{9, 7}}, same = {{7, 7}};
    uint64_t wait_ms;
    for (int i = 0; i < 100; i++) (void)rk_crowd_take(&crowd, noisy, 3, NOW_MS, &wait_ms);
    assert_true(rk_crowd_take(&crowd, quiet, 3, NOW_MS, &wait_ms));
    assert_true(rk_crowd_take(&crowd, other, 3, NOW_MS, &wait_ms));
    assert_false(rk_crowd_take(&crowd, same, 3, NOW_MS, &wait_ms));
}

static void connections_are_counted_and_forgotten(void **state) {
    (void)state;
    for (unsigned i = 0; i < 40; i++) rk_crowd_join(&crowd, key_of(i % 4));
    for (unsigned who = 0; who < 4; who++) assert_int_equal(rk_crowd_connections(&crowd, key_of(who)), 10);
    assert_int_equal(rk_crowd_connections(&crowd, key_of(5)), 0);
    for (unsigned i = 0; i < 40; i++) rk_crowd_leave(&crowd, key_of(i % 4));
    for (size_t row = 0; row < RK_CROWD_ROWS; row++) {
        for (size_t i = 0; i < RK_CROWD_PLACES; i++) assert_int_equal(crowd.places[row][i].connections, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_pass_at_once_as_in_a_second),
        cmocka_unit_test(over_a_long_time_the_rate_is_what_passes),
        cmocka_unit_test(the_wait_is_as_long_as_it_has_to_be),
        cmocka_unit_test(what_was_refused_costs_nothing),
        cmocka_unit_test(a_clock_that_steps_back_refuses_for_a_second_at_most),
        cmocka_unit_test(a_rate_that_changes_counts_at_once),
        cmocka_unit_test_setup(one_in_a_crowd_has_its_own_rate, fresh),
        cmocka_unit_test_setup(a_noisy_neighbour_in_one_row_is_not_felt, fresh),
        cmocka_unit_test_setup(connections_are_counted_and_forgotten, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
