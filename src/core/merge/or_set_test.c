/* The set beside the naive one, and its edges. */
#include "core/merge/or_set.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
/* cmocka needs some of the above first */
#include <cmocka.h>

#include "core/merge/merge_testing.h"
#include "core/merge/or_set_testing.h"
#include "io/memory.h"

typedef struct subject {
    rk_arena arena;
    rk_or_set set;
    naive_set naive;
} subject;

/* One event: an insert of one value, or the dots that a remove saw, and then perhaps the value again. */
typedef struct operation {
    bool inserts;
    uint32_t n;
    rk_value value;
    const rk_dot *dots;
    size_t dot_count;
} operation;

static void *open_subject(rk_arena *arena) {
    subject *s = rk_arena_take(arena, sizeof *s);
    rk_arena_init(&s->arena, rk_memory_system(), SIZE_MAX);
    rk_or_set_init(&s->set, &s->arena);
    s->naive.arena = &s->arena;
    return s;
}

static void close_subject(void *replica) {
    rk_arena_free(&((subject *)replica)->arena);
}

static bool is_ready(void *replica, const void *what) {
    const operation *o = what;
    for (size_t i = 0; i < o->dot_count; i++) {
        if (!naive_set_knows(&((subject *)replica)->naive, o->dots[i].event, o->dots[i].n)) return false;
    }
    return true;
}

static void apply(void *replica, const void *what, rk_id id) {
    subject *s = replica;
    const operation *o = what;
    rk_or_set_remove(&s->set, o->dots, o->dot_count);
    for (size_t i = 0; i < o->dot_count; i++) {
        assert_true(naive_set_remove(&s->naive, o->dots[i].event, o->dots[i].n));
    }
    if (!o->inserts) return;
    assert_int_equal(rk_or_set_insert(&s->set, &o->value, (rk_dot){id, o->n}), RK_OK);
    naive_set_insert(&s->naive, o->value, id, o->n);
}

static rk_value random_value(merge_random *random, rk_arena *arena) {
    uint64_t number = merge_random_below(random, 40);
    switch (merge_random_below(random, 5)) {
    case 0:
        return rk_int((int64_t)number - 20);
    case 1:
        return rk_whole(UINT64_MAX - number);
    case 2:
        return number % 3 == 0 ? rk_null() : rk_bool(number % 2 == 0);
    case 3:
        return rk_bytes_value(rk_arena_format(arena, "%u", number));
    default:
        return rk_string(rk_arena_format(arena, "tag %u", number * number));
    }
}

static const void *write_one(void *replica, rk_id id, merge_random *random, rk_arena *arena) {
    subject *s = replica;
    operation *o = rk_arena_take(arena, sizeof *o);
    uint64_t kind = merge_random_below(random, 10);
    o->value = random_value(random, arena);
    o->inserts = kind < 6;
    o->n = (uint32_t)merge_random_below(random, 3) << 20;
    if (kind >= 5) assert_int_equal(rk_or_set_dots(&s->set, &o->value, arena, &o->dots, &o->dot_count), RK_OK);
    apply(replica, o, id);
    return o;
}

static rk_bytes state_of(void *replica, rk_arena *arena) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, arena, 1 << 26);
    rk_or_set_encode(&((subject *)replica)->set, &buffer);
    assert_int_equal(rk_buffer_finish(&buffer, &bytes), RK_OK);
    return bytes;
}

static void check_elements(subject *s, rk_arena *arena) {
    size_t count, element = 0;
    naive_insert *left = naive_set_remaining(&s->naive, arena, &count);
    rk_value elements;
    assert_int_equal(rk_or_set_elements(&s->set, arena, &elements), RK_OK);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && rk_bytes_equal(left[i - 1].bytes, left[i].bytes)) continue;
        assert_true(element < elements.as.list.count);
        assert_true(rk_value_equal(&elements.as.list.items[element++], &left[i].value));
        assert_true(rk_or_set_contains(&s->set, &left[i].value));
    }
    assert_int_equal(element, elements.as.list.count);
    assert_int_equal(count, s->set.count);
    for (size_t i = 0; i < s->naive.count; i += 1 + s->naive.count / 50) {
        rk_dot dot = {s->naive.inserts[i].event, s->naive.inserts[i].n};
        assert_int_equal(rk_or_set_has(&s->set, dot), !s->naive.inserts[i].removed);
    }
}

static void check(void *replica, merge_random *random) {
    (void)random;
    subject *s = replica;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), SIZE_MAX);
    check_elements(s, &arena);
    rk_bytes bytes = state_of(s, &arena);
    assert_true(rk_bytes_equal(bytes, naive_set_state(&s->naive, &arena)));
    subject again = {0};
    rk_value value;
    assert_int_equal(rk_cbor_decode(&arena, bytes, &value, NULL), RK_OK);
    assert_int_equal(rk_or_set_decode(&arena, &value, &again.set), RK_OK);
    assert_true(rk_bytes_equal(bytes, state_of(&again, &arena)));
    rk_arena_free(&arena);
}

static const merge_subject SUBJECT = {"or-set", open_subject, close_subject, write_one,
                                      is_ready, apply,        check,         state_of};

static void replicas_converge_on_the_inserts_that_no_remove_saw(void **state) {
    (void)state;
    merge_converge(&SUBJECT, (merge_plan){merge_seed(41), 6, 100, 5, 200, 3});
}

static void an_insert_survives_a_remove_that_did_not_see_it(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    rk_or_set set;
    rk_or_set_init(&set, &arena);
    rk_value tag = rk_string(RK_TEXT("tag"));
    rk_dot seen = {{1, 1}, 0}, unseen = {{1, 2}, 0};
    assert_int_equal(rk_or_set_insert(&set, &tag, seen), RK_OK);
    assert_int_equal(rk_or_set_insert(&set, &tag, unseen), RK_OK);
    rk_or_set_remove(&set, &seen, 1);
    rk_or_set_remove(&set, &seen, 1);
    assert_true(rk_or_set_contains(&set, &tag));
    rk_or_set_remove(&set, &unseen, 1);
    assert_false(rk_or_set_contains(&set, &tag));
    assert_int_equal(set.count, 0);
    rk_arena_free(&arena);
}

static void a_dot_stands_once(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    rk_or_set set;
    rk_or_set_init(&set, &arena);
    rk_value a = rk_int(1), b = rk_int(2), list = rk_list(&a, 1);
    assert_int_equal(rk_or_set_insert(&set, &a, (rk_dot){{1, 1}, 0}), RK_OK);
    assert_int_equal(rk_or_set_insert(&set, &b, (rk_dot){{1, 1}, 0}), RK_ID_CONFLICT);
    assert_int_equal(rk_or_set_insert(&set, &list, (rk_dot){{1, 1}, 1}), RK_BAD_OPERATIONS);
    assert_int_equal(set.count, 1);
    rk_arena_free(&arena);
}

static void an_insert_without_memory_changes_nothing(void **state) {
    (void)state;
    rk_value text = rk_string(RK_TEXT("a text that takes some room of its own"));
    for (size_t size = 0; size < 400; size += 8) {
        rk_arena arena;
        rk_arena_init(&arena, rk_memory_system(), size);
        rk_or_set set;
        rk_or_set_init(&set, &arena);
        rk_status status = rk_or_set_insert(&set, &text, (rk_dot){{1, 1}, 0});
        assert_true(status == RK_OK || status == RK_NO_MEMORY);
        assert_int_equal(set.count, status == RK_OK);
        assert_int_equal(rk_or_set_contains(&set, &text), status == RK_OK);
        rk_arena_free(&arena);
    }
}

static rk_status decode_text(const char *hex) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    uint8_t bytes[256];
    size_t size = strlen(hex) / 2;
    rk_value value;
    rk_or_set set;
    assert_true(rk_hex_read(rk_bytes_of_string(hex), bytes, size));
    assert_int_equal(rk_cbor_decode(&arena, rk_bytes_of(bytes, size), &value, NULL), RK_OK);
    rk_status status = rk_or_set_decode(&arena, &value, &set);
    rk_arena_free(&arena);
    return status;
}

#define DOT_A                            \
    "5400000000000000010000000000000001" \
    "00000000"
#define DOT_B                            \
    "5400000000000000010000000000000001" \
    "00000001"

static void what_is_no_state_is_corrupt(void **state) {
    (void)state;
    assert_int_equal(decode_text("80"), RK_OK);
    assert_int_equal(decode_text("81"
                                 "83"
                                 "01" DOT_A DOT_B),
                     RK_OK);
    assert_int_equal(decode_text("82"
                                 "82"
                                 "01" DOT_A "82"
                                 "02" DOT_B),
                     RK_OK);
    const char *wrong[] = {
        "01",
        "8101",
        "8181"
        "01", /* no dot */
        "81"
        "83"
        "01" DOT_B DOT_A, /* dots not ascending */
        "81"
        "83"
        "01" DOT_A DOT_A, /* a dot twice */
        "82"
        "82"
        "01" DOT_A "82"
        "02" DOT_A, /* a dot at two values */
        "82"
        "82"
        "02" DOT_A "82"
        "01" DOT_B, /* values not ascending */
        "82"
        "82"
        "01" DOT_A "82"
        "01" DOT_B, /* a value twice */
        "81"
        "82"
        "80" DOT_A, /* a list as a value */
        "81"
        "82"
        "01"
        "41"
        "00", /* a short dot */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) assert_int_equal(decode_text(wrong[i]), RK_CORRUPT);
}

static long milliseconds_since(clock_t start) {
    return (long)((clock() - start) * 1000 / CLOCKS_PER_SEC);
}

/* Dots and values in ascending order are the worst that an unbalanced tree can meet. */
static void a_hundred_thousand_elements_are_no_burden(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), SIZE_MAX);
    subject s = {0};
    rk_or_set_init(&s.set, &arena);
    clock_t start = clock();
    for (int64_t i = 0; i < COUNT; i++) {
        rk_value value = rk_int(i);
        assert_int_equal(rk_or_set_insert(&s.set, &value, (rk_dot){{(uint64_t)i, 1}, 0}), RK_OK);
    }
    long inserting = milliseconds_since(start);
    rk_bytes bytes = state_of(&s, &arena);
    rk_value value;
    subject again = {0};
    assert_int_equal(rk_cbor_decode(&arena, bytes, &value, NULL), RK_OK);
    start = clock();
    assert_int_equal(rk_or_set_decode(&arena, &value, &again.set), RK_OK);
    printf("# 100,000 elements: inserted in %ld ms, decoded in %ld ms\n", inserting, milliseconds_since(start));
    for (uint64_t i = 0; i < COUNT; i++) rk_or_set_remove(&again.set, &(rk_dot){{i * 7919 % COUNT, 1}, 0}, 1);
    assert_int_equal(again.set.count, 0);
    assert_true(inserting < 5000);
    rk_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_converge_on_the_inserts_that_no_remove_saw),
        cmocka_unit_test(an_insert_survives_a_remove_that_did_not_see_it),
        cmocka_unit_test(a_dot_stands_once),
        cmocka_unit_test(an_insert_without_memory_changes_nothing),
        cmocka_unit_test(what_is_no_state_is_corrupt),
        cmocka_unit_test(a_hundred_thousand_elements_are_no_burden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
