/* The counter that only grows beside the naive one, and its edges. */
#include "core/merge/g_counter.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs some of the above first */
#include <cmocka.h>

#include "core/merge/counter_testing.h"
#include "core/merge/merge_testing.h"
#include "io/memory.h"

typedef struct subject {
    rk_g_counter counter;
    naive_counter naive;
} subject;

static void *open_subject(rk_arena *arena) {
    return rk_arena_take(arena, sizeof(subject));
}

static void close_subject(void *replica) {
    (void)replica;
}

static bool is_ready(void *replica, const void *by) {
    (void)replica;
    (void)by;
    return true;
}

static void apply(void *replica, const void *by, rk_id id) {
    (void)id;
    subject *s = replica;
    const int64_t *amount = by;
    assert_int_equal(rk_g_counter_add(&s->counter, *amount), RK_OK);
    naive_counter_add(&s->naive, *amount);
}

/* Small amounts, and now and then one that takes the sum out of 64 bits. */
static const void *write_one(void *replica, rk_id id, merge_random *random, rk_arena *arena) {
    int64_t *by = rk_arena_take(arena, sizeof *by);
    *by = (int64_t)(merge_random_next(random) >> (1 + merge_random_below(random, 63)));
    if (merge_random_below(random, 50) == 0) *by = INT64_MAX;
    apply(replica, by, id);
    return by;
}

static rk_bytes state_of(void *replica, rk_arena *arena) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, arena, 1 << 10);
    rk_g_counter_encode(&((subject *)replica)->counter, &buffer);
    assert_int_equal(rk_buffer_finish(&buffer, &bytes), RK_OK);
    return bytes;
}

static void check(void *replica, merge_random *random) {
    (void)random;
    subject *s = replica;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), SIZE_MAX);
    rk_value value;
    char expected[NAIVE_DIGITS + 2];
    naive_counter_print(&s->naive, expected);
    assert_int_equal(rk_sum_value(s->counter.sum, &arena, &value), RK_OK);
    rk_bytes printed = value.kind == RK_INT ? rk_arena_format(&arena, "%d", value.as.integer) : value.as.bytes;
    assert_true(rk_bytes_equal(printed, rk_bytes_of_string(expected)));
    int64_t integer;
    assert_int_equal(value.kind == RK_INT, rk_sum_fits(s->counter.sum, &integer));
    subject again = {0};
    rk_bytes bytes = state_of(s, &arena);
    assert_int_equal(rk_cbor_decode(&arena, bytes, &value, NULL), RK_OK);
    assert_int_equal(rk_g_counter_decode(&value, &again.counter), RK_OK);
    assert_true(again.counter.sum == s->counter.sum);
    rk_arena_free(&arena);
}

static const merge_subject SUBJECT = {"g_counter", open_subject, close_subject, write_one,
                                      is_ready,    apply,        check,         state_of};

static void replicas_converge_on_the_sum(void **state) {
    (void)state;
    merge_converge(&SUBJECT, (merge_plan){merge_seed(21), 5, 200, 5, 100, 4});
}

static const rk_sum SUM_MAX = (rk_sum)INT64_MAX << 64 | (rk_sum)UINT64_MAX;

static void an_overflow_leaves_the_sum_as_it_was(void **state) {
    (void)state;
    rk_g_counter counter = {SUM_MAX - 1};
    assert_int_equal(rk_g_counter_add(&counter, 1), RK_OK);
    assert_int_equal(rk_g_counter_add(&counter, 1), RK_OVERFLOW);
    assert_true(counter.sum == SUM_MAX);
}

static void a_sum_outside_64_bits_is_read_as_text(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    const struct {
        rk_sum sum;
        const char *text;
    } cases[] = {
        {(rk_sum)INT64_MAX + 1, "9223372036854775808"},
        {(rk_sum)INT64_MIN - 1, "-9223372036854775809"},
        {SUM_MAX, "170141183460469231731687303715884105727"},
        {-SUM_MAX - 1, "-170141183460469231731687303715884105728"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rk_value value;
        assert_int_equal(rk_sum_value(cases[i].sum, &arena, &value), RK_OK);
        assert_true(rk_is_text(&value, rk_bytes_of_string(cases[i].text)));
    }
    rk_value value;
    assert_int_equal(rk_sum_value(INT64_MIN, &arena, &value), RK_OK);
    assert_true(value.kind == RK_INT && value.as.integer == INT64_MIN);
    rk_arena_free(&arena);
}

static void what_is_no_state_is_corrupt(void **state) {
    (void)state;
    uint8_t small[RK_SUM_SIZE] = {0};
    rk_value states[] = {rk_null(), rk_whole(UINT64_MAX), rk_bytes_value(rk_bytes_of(small, 15)),
                         rk_bytes_value(rk_bytes_of(small, 16))};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        rk_g_counter counter;
        assert_int_equal(rk_g_counter_decode(&states[i], &counter), RK_CORRUPT);
    }
    rk_value negative = rk_int(-1);
    rk_g_counter counter;
    assert_int_equal(rk_g_counter_decode(&negative, &counter), RK_CORRUPT);
}

static void a_negative_amount_is_refused(void **state) {
    (void)state;
    rk_g_counter counter = {7};
    assert_int_equal(rk_g_counter_add(&counter, -1), RK_BAD_OPERATIONS);
    assert_int_equal(rk_g_counter_add(&counter, INT64_MIN), RK_BAD_OPERATIONS);
    assert_int_equal(rk_g_counter_add(&counter, 0), RK_OK);
    assert_true(counter.sum == 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_converge_on_the_sum),          cmocka_unit_test(an_overflow_leaves_the_sum_as_it_was),
        cmocka_unit_test(a_sum_outside_64_bits_is_read_as_text), cmocka_unit_test(what_is_no_state_is_corrupt),
        cmocka_unit_test(a_negative_amount_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
