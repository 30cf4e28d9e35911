/* The register beside the naive one, and its edges. */
#include "core/merge/lww.h"

#include <setjmp.h>
#include <stdio.h>
/* cmocka needs some of the above first */
#include <cmocka.h>

#include "core/merge/lww_testing.h"
#include "core/merge/merge_testing.h"
#include "io/memory.h"

typedef struct subject {
    rk_arena arena;
    rk_lww lww;
    naive_lww naive;
} subject;

typedef struct operation {
    rk_stamp stamp;
    rk_value value;
} operation;

static void *open_subject(rk_arena *arena) {
    subject *s = rk_arena_take(arena, sizeof *s);
    rk_arena_init(&s->arena, rk_memory_system(), SIZE_MAX);
    s->naive.arena = &s->arena;
    return s;
}

static void close_subject(void *replica) {
    rk_arena_free(&((subject *)replica)->arena);
}

static bool is_ready(void *replica, const void *what) {
    (void)replica;
    (void)what;
    return true;
}

static void apply(void *replica, const void *what, rk_id id) {
    subject *s = replica;
    const operation *o = what;
    assert_int_equal(rk_lww_set(&s->lww, &s->arena, o->stamp, id, &o->value), RK_OK);
    naive_lww_add(&s->naive, o->stamp, id, o->value);
}

/* The effective stamp is the event's own, or less where the truth has clamped it. */
static const void *write_one(void *replica, rk_id id, merge_random *random, rk_arena *arena) {
    operation *o = rk_arena_take(arena, sizeof *o);
    o->stamp = id.stamp - merge_random_below(random, 4);
    o->value = merge_random_below(random, 2) ? rk_int((int64_t)merge_random_below(random, 1000))
                                             : rk_string(rk_arena_format(arena, "text %u", id.stamp));
    apply(replica, o, id);
    return o;
}

static rk_bytes state_of(void *replica, rk_arena *arena) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, arena, 1 << 20);
    rk_lww_encode(&((subject *)replica)->lww, &buffer);
    assert_int_equal(rk_buffer_finish(&buffer, &bytes), RK_OK);
    return bytes;
}

static void check(void *replica, merge_random *random) {
    (void)random;
    subject *s = replica;
    const naive_lww_set *last = naive_lww_last(&s->naive);
    assert_int_equal(s->lww.set, last != NULL);
    if (!last) return;
    assert_true(s->lww.stamp == last->stamp && s->lww.id.stamp == last->id.stamp &&
                s->lww.id.replica == last->id.replica);
    assert_true(rk_value_equal(&s->lww.value, &last->value));
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), SIZE_MAX);
    subject again = {0};
    rk_value value;
    rk_bytes bytes = state_of(s, &arena);
    assert_int_equal(rk_cbor_decode(&arena, bytes, &value, NULL), RK_OK);
    assert_int_equal(rk_lww_decode(&arena, &value, &again.lww), RK_OK);
    assert_true(rk_bytes_equal(bytes, state_of(&again, &arena)));
    rk_arena_free(&arena);
}

static const merge_subject SUBJECT = {"lww", open_subject, close_subject, write_one, is_ready, apply, check, state_of};

static void replicas_converge_on_the_last_set(void **state) {
    (void)state;
    merge_converge(&SUBJECT, (merge_plan){merge_seed(11), 5, 200, 5, 100, 4});
}

static void an_empty_register_is_null(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    subject s = {0};
    rk_bytes bytes = state_of(&s, &arena);
    assert_true(rk_bytes_equal(bytes, RK_TEXT("\xf6")));
    rk_value null = rk_null();
    assert_int_equal(rk_lww_decode(&arena, &null, &s.lww), RK_OK);
    assert_false(s.lww.set);
    rk_arena_free(&arena);
}

static void the_effective_stamp_goes_before_the_id(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    rk_lww lww = {0};
    rk_value ahead = rk_int(1), later = rk_int(2), tie = rk_int(3);
    assert_int_equal(rk_lww_set(&lww, &arena, 50, (rk_id){900, 1}, &ahead), RK_OK);
    assert_int_equal(rk_lww_set(&lww, &arena, 60, (rk_id){60, 1}, &later), RK_OK);
    assert_int_equal(lww.value.as.integer, 2);
    assert_int_equal(rk_lww_set(&lww, &arena, 60, (rk_id){60, 2}, &tie), RK_OK);
    assert_int_equal(lww.value.as.integer, 3);
    assert_int_equal(rk_lww_set(&lww, &arena, 50, (rk_id){900, 1}, &ahead), RK_OK);
    assert_int_equal(lww.value.as.integer, 3);
    rk_arena_free(&arena);
}

static void a_set_without_memory_changes_nothing(void **state) {
    (void)state;
    rk_arena arena, none;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    rk_arena_init(&none, rk_memory_system(), 0);
    rk_lww lww = {0};
    rk_value small = rk_int(1), text = rk_string(RK_TEXT("a text"));
    assert_int_equal(rk_lww_set(&lww, &arena, 5, (rk_id){5, 1}, &small), RK_OK);
    assert_int_equal(rk_lww_set(&lww, &none, 6, (rk_id){6, 1}, &text), RK_NO_MEMORY);
    assert_true(lww.stamp == 5 && lww.value.kind == RK_INT);
    rk_arena_free(&arena);
}

static void what_is_no_state_is_corrupt(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    uint8_t id[RK_ID_SIZE] = {0};
    rk_value wrong_id[3] = {rk_int(1), rk_bytes_value(rk_bytes_of(id, 15)), rk_int(1)};
    rk_value wrong_stamp[3] = {rk_int(-1), rk_bytes_value(rk_bytes_of(id, 16)), rk_int(1)};
    rk_value states[] = {rk_int(1), rk_list(NULL, 0), rk_list(wrong_id, 3), rk_list(wrong_stamp, 3),
                         rk_list(wrong_stamp, 2)};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        rk_lww lww;
        assert_int_equal(rk_lww_decode(&arena, &states[i], &lww), RK_CORRUPT);
        assert_false(lww.set);
    }
    rk_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_converge_on_the_last_set),
        cmocka_unit_test(an_empty_register_is_null),
        cmocka_unit_test(the_effective_stamp_goes_before_the_id),
        cmocka_unit_test(a_set_without_memory_changes_nothing),
        cmocka_unit_test(what_is_no_state_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
