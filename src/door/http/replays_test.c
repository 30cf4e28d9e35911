/*
 * The memory of what was used, against a list that forgets nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "door/http/replays.h"
#include "io/memory.h"

enum { NOW_S = 1800000000, WINDOW_S = 240 };

static rk_arena arena;

static int start(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    return 0;
}

static int stop(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static rk_replays *make(size_t capacity, uint64_t since_s) {
    static const uint8_t seed[RK_REPLAYS_SEED_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    rk_replays *replays;
    assert_int_equal(rk_replays_make(&arena, capacity, seed, since_s, &replays), RK_OK);
    return replays;
}

static rk_hash hash_of(uint64_t number) {
    rk_hash hash = {{0}};
    rk_put_u64(hash.bytes, number * UINT64_C(0x9E3779B97F4A7C15));
    rk_put_u64(hash.bytes + 24, number);
    return hash;
}

static rk_status remember(rk_replays *replays, uint64_t number, uint64_t last_s, uint64_t now_s) {
    rk_hash hash = hash_of(number);
    rk_error error = {0};
    rk_status status = rk_replays_remember(replays, &hash, last_s, now_s, &error);
    assert_int_equal(status, error.code);
    return status;
}

static void a_second_use_is_refused_until_the_last_second(void **state) {
    rk_replays *replays = make(10, 0);
    (void)state;
    assert_int_equal(remember(replays, 1, NOW_S + 5, NOW_S), RK_OK);
    assert_int_equal(remember(replays, 1, NOW_S + 5, NOW_S), RK_REPLAYED);
    assert_int_equal(remember(replays, 2, NOW_S + 5, NOW_S), RK_OK);
    assert_int_equal(remember(replays, 1, NOW_S + 5, NOW_S + 5), RK_REPLAYED);
    assert_int_equal(remember(replays, 1, NOW_S + 5, NOW_S + 6), RK_TOO_OLD);
    assert_int_equal(rk_replays_count(replays), 0);
}

static void a_full_memory_refuses_the_new_and_keeps_the_old(void **state) {
    rk_replays *replays = make(8, 0);
    (void)state;
    for (uint64_t i = 0; i < 8; i++) assert_int_equal(remember(replays, i, NOW_S + i, NOW_S), RK_OK);
    assert_int_equal(remember(replays, 100, NOW_S + 9, NOW_S), RK_OVERLOADED);
    for (uint64_t i = 0; i < 8; i++) assert_int_equal(remember(replays, i, NOW_S + i, NOW_S), RK_REPLAYED);
    assert_int_equal(remember(replays, 100, NOW_S + 9, NOW_S + 1), RK_OK);
    assert_int_equal(remember(replays, 101, NOW_S + 9, NOW_S + 1), RK_OVERLOADED);
    assert_int_equal(remember(replays, 1, NOW_S + 1, NOW_S + 1), RK_REPLAYED);
    assert_int_equal(remember(replays, 102, NOW_S + 5000, NOW_S + 5000), RK_OK);
}

static void a_clock_that_steps_back_opens_nothing(void **state) {
    rk_replays *replays = make(8, 0);
    (void)state;
    assert_int_equal(remember(replays, 1, NOW_S + 100, NOW_S), RK_OK);
    assert_int_equal(remember(replays, 2, NOW_S + 500, NOW_S + 400), RK_OK);
    assert_int_equal(remember(replays, 1, NOW_S + 100, NOW_S), RK_TOO_OLD);
    assert_int_equal(remember(replays, 3, NOW_S + 399, NOW_S), RK_TOO_OLD);
    assert_int_equal(remember(replays, 3, NOW_S + 400, NOW_S), RK_OK);
    assert_int_equal(remember(replays, 3, NOW_S + 400, NOW_S), RK_REPLAYED);
}

static void what_an_earlier_process_may_have_taken_is_refused(void **state) {
    rk_replays *replays = make(8, NOW_S + WINDOW_S);
    (void)state;
    assert_int_equal(remember(replays, 1, NOW_S + WINDOW_S - 1, NOW_S), RK_TOO_OLD);
    assert_int_equal(remember(replays, 1, NOW_S + WINDOW_S, NOW_S), RK_OK);
}

static void memory_that_is_missing_is_told(void **state) {
    static const uint8_t seed[RK_REPLAYS_SEED_SIZE] = {0};
    rk_arena small;
    rk_replays *replays;
    (void)state;
    rk_arena_init(&small, rk_memory_system(), 1 << 20);
    assert_int_equal(rk_replays_make(&small, RK_REPLAYS_MAX, seed, 0, &replays), RK_NO_MEMORY);
    assert_null(replays);
    rk_arena_free(&small);
    rk_arena_init(&small, rk_memory_system(), (size_t)RK_REPLAYS_MAX * RK_REPLAYS_ENTRY_SIZE + (1 << 15));
    assert_int_equal(rk_replays_make(&small, RK_REPLAYS_MAX, seed, 0, &replays), RK_OK);
    rk_arena_free(&small);
}

/* 200,000 uses by a small generator, with pauses and steps back, compared with all that was ever taken. */
static void it_agrees_with_a_list_that_forgets_nothing(void **state) {
    enum { STEPS = 200000, NUMBERS = 4000, CAPACITY = 400 };
    static uint64_t taken_until[NUMBERS]; /* 0: never taken */
    rk_replays *replays = make(CAPACITY, 0);
    uint64_t random = 1, now_s = NOW_S, latest_s = 0, refused = 0, replayed = 0, full = 0;
    (void)state;
    for (size_t step = 0; step < STEPS; step++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
        uint64_t dice = random >> 33;
        if (dice % 8 == 0) now_s += dice / 8 % 5;
        if (dice % 20011 == 0) now_s += 3000;
        if (dice % 5003 == 0) now_s -= 50;
        if (now_s > latest_s) latest_s = now_s;
        uint64_t number = dice % 7 ? dice / 16 % NUMBERS : dice / 16 % 50;
        /* A thing has one last second for as long as it is remembered. */
        uint64_t last_s = taken_until[number] >= latest_s ? taken_until[number] : now_s + dice / 64 % (WINDOW_S + 1);
        if (last_s > now_s + RK_REPLAYS_SPAN_S) continue;
        rk_status status = remember(replays, number, last_s, now_s);
        if (last_s < latest_s) {
            assert_int_equal(status, RK_TOO_OLD);
            refused++;
        } else if (taken_until[number] >= latest_s) {
            assert_int_equal(status, RK_REPLAYED);
            replayed++;
        } else if (status == RK_OK) {
            taken_until[number] = last_s;
        } else {
            assert_int_equal(status, RK_OVERLOADED);
            full++;
        }
        assert_true(rk_replays_count(replays) <= CAPACITY);
    }
    assert_true(refused > 100 && replayed > 1000 && full > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_use_is_refused_until_the_last_second),
        cmocka_unit_test(a_full_memory_refuses_the_new_and_keeps_the_old),
        cmocka_unit_test(a_clock_that_steps_back_opens_nothing),
        cmocka_unit_test(what_an_earlier_process_may_have_taken_is_refused),
        cmocka_unit_test(memory_that_is_missing_is_told),
        cmocka_unit_test(it_agrees_with_a_list_that_forgets_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
