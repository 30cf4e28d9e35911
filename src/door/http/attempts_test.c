/*
 * Counts of tries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "door/http/attempts.h"
#include "io/crypto.h"

enum { NOW = 1000 * RK_ATTEMPTS_SECONDS + 15, MOST = 10 };

static rk_attempts attempts;
static uint64_t wait_s;

static int set_up(void **state) {
    uint8_t seed[RK_ATTEMPTS_SEED_SIZE] = {7};
    (void)state;
    rk_attempts_init(&attempts, seed);
    return 0;
}

static rk_status try(rk_bytes who, uint64_t now_s) {
    return rk_attempts_count(&attempts, rk_crypto_sodium(), who, MOST, now_s, &wait_s, NULL);
}

static void the_eleventh_is_refused_until_the_minute_ends(void **state) {
    (void)state;
    for (size_t i = 0; i < MOST; i++) assert_int_equal(try(RK_TEXT("ann"), NOW), RK_OK);
    assert_int_equal(try(RK_TEXT("ann"), NOW), RK_TOO_MANY);
    assert_int_equal(wait_s, 45);
    assert_int_equal(try(RK_TEXT("ann"), NOW + 44), RK_TOO_MANY);
    assert_int_equal(wait_s, 1);
    assert_int_equal(try(RK_TEXT("ann"), NOW + 45), RK_OK);
}

static void another_is_not_refused_with_it(void **state) {
    (void)state;
    for (size_t i = 0; i <= MOST; i++) (void)!try(RK_TEXT("ann"), NOW);
    assert_int_equal(try(RK_TEXT("bob"), NOW), RK_OK);
}

static void a_right_one_is_not_counted(void **state) {
    (void)state;
    for (size_t i = 0; i < 5 * MOST; i++) {
        assert_int_equal(try(RK_TEXT("ann"), NOW), RK_OK);
        rk_attempts_forgive(&attempts, rk_crypto_sodium(), RK_TEXT("ann"), NOW);
    }
    for (size_t i = 0; i < MOST; i++) assert_int_equal(try(RK_TEXT("ann"), NOW), RK_OK);
    assert_int_equal(try(RK_TEXT("ann"), NOW), RK_TOO_MANY);
}

static void forgiving_is_of_its_own_minute(void **state) {
    (void)state;
    for (size_t i = 0; i < MOST; i++) assert_int_equal(try(RK_TEXT("ann"), NOW), RK_OK);
    rk_attempts_forgive(&attempts, rk_crypto_sodium(), RK_TEXT("ann"), NOW - 60);
    assert_int_equal(try(RK_TEXT("ann"), NOW), RK_TOO_MANY);
}

static void a_clock_that_steps_back_opens_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < MOST; i++) assert_int_equal(try(RK_TEXT("ann"), NOW), RK_OK);
    assert_int_equal(try(RK_TEXT("ann"), NOW - 600), RK_TOO_MANY);
    assert_int_equal(wait_s, 645);
}

/* Whoever floods it is refused too much, never too little. */
static void a_full_table_refuses(void **state) {
    (void)state;
    uint8_t who[8];
    for (uint64_t i = 0; i < RK_ATTEMPTS_PLACES * UINT64_C(40); i++) {
        rk_put_u64(who, i);
        (void)!try(rk_bytes_of(who, sizeof who), NOW);
    }
    assert_int_equal(try(RK_TEXT("ann"), NOW), RK_TOO_MANY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_eleventh_is_refused_until_the_minute_ends, set_up),
        cmocka_unit_test_setup(another_is_not_refused_with_it, set_up),
        cmocka_unit_test_setup(a_right_one_is_not_counted, set_up),
        cmocka_unit_test_setup(forgiving_is_of_its_own_minute, set_up),
        cmocka_unit_test_setup(a_clock_that_steps_back_opens_nothing, set_up),
        cmocka_unit_test_setup(a_full_table_refuses, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
