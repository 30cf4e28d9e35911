/* The text beside the naive one, and its edges. */
#include "core/merge/rga.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
/* cmocka needs some of the above first */
#include <cmocka.h>

#include "core/merge/merge_testing.h"
#include "core/merge/rga_testing.h"
#include "io/memory.h"

/* --- replicas ----------------------------------------------------------------------------------------------------- */

typedef struct subject {
    rk_arena arena;
    rk_rga *rga;
    naive_text *naive;
    uint64_t place; /* where its writer typed last */
} subject;

typedef struct step {
    bool deletes;
    rk_text_id parent;
    rk_text_id first;
    uint64_t count; /* of a delete */
    rk_bytes text;
} step;

typedef struct operation {
    const step *steps;
    size_t count;
} operation;

enum { STEPS_MAX = 400 };

static void *open_subject(rk_arena *arena) {
    subject *s = rk_arena_take(arena, sizeof *s);
    rk_arena_init(&s->arena, rk_memory_system(), SIZE_MAX);
    s->naive = naive_text_new(&s->arena);
    assert_int_equal(rk_rga_new(rk_memory_system(), 1 << 28, &s->rga), RK_OK);
    return s;
}

static void close_subject(void *replica) {
    subject *s = replica;
    rk_rga_free(s->rga);
    rk_arena_free(&s->arena);
}

static bool knows(const subject *s, rk_text_id id) {
    return id.lamport == 0 || naive_text_find(s->naive, id);
}

/* Whether an id is made by a step before number `before`. */
static bool is_own(const operation *o, size_t before, rk_text_id id) {
    for (size_t i = 0; i < before; i++) {
        const step *one = &o->steps[i];
        if (one->deletes || one->first.replica != id.replica) continue;
        if (id.lamport >= one->first.lamport && id.lamport - one->first.lamport < rk_utf8_count(one->text)) return true;
    }
    return false;
}

static bool is_ready(void *replica, const void *what) {
    const operation *o = what;
    for (size_t i = 0; i < o->count; i++) {
        rk_text_id id = o->steps[i].deletes ? o->steps[i].first : o->steps[i].parent;
        for (uint64_t left = o->steps[i].deletes ? o->steps[i].count : 1; left > 0; left--, id.lamport++) {
            if (!knows(replica, id) && !is_own(o, i, id)) return false;
        }
    }
    return true;
}

static void apply_step(subject *s, const step *one) {
    if (one->deletes) {
        assert_int_equal(rk_rga_delete(s->rga, one->first, one->count), RK_OK);
        naive_text_delete(s->naive, one->first, one->count);
    } else {
        assert_int_equal(rk_rga_insert(s->rga, one->parent, one->first, one->text), RK_OK);
        naive_text_insert(s->naive, one->parent, one->first, one->text);
    }
}

static void apply(void *replica, const void *what, rk_id id) {
    (void)id;
    const operation *o = what;
    for (size_t i = 0; i < o->count; i++) apply_step(replica, &o->steps[i]);
}

static uint32_t random_point(merge_random *random) {
    switch (merge_random_below(random, 12)) {
    case 0:
        return (uint32_t)(0xa1 + merge_random_below(random, 0x500));
    case 1:
        return (uint32_t)(0x4e00 + merge_random_below(random, 0x2000));
    case 2:
        return (uint32_t)(0x1f600 + merge_random_below(random, 0x40));
    case 3:
        return merge_random_below(random, 2) ? 0 : 0x10ffff;
    default:
        return (uint32_t)(' ' + merge_random_below(random, 95));
    }
}

static rk_bytes random_text(merge_random *random, rk_arena *arena) {
    uint64_t kind = merge_random_below(random, 100);
    size_t points = 1 + merge_random_below(random, kind < 60 ? 2 : kind < 97 ? 12 : 900);
    uint8_t *text = rk_arena_take(arena, points * 4);
    size_t size = 0;
    for (size_t i = 0; i < points; i++) size += rk_utf8_put(text + size, random_point(random));
    return rk_bytes_of(text, size);
}

/* Near where the writer typed last, mostly; sometimes at the beginning, where all writers meet; else anywhere. */
static uint64_t random_place(subject *s, merge_random *random) {
    uint64_t length = rk_rga_length(s->rga);
    uint64_t kind = merge_random_below(random, 20);
    if (kind == 0) return 0;
    if (kind < 5 || s->place > length) return merge_random_below(random, length + 1);
    return s->place;
}

static void resolve_delete(subject *s, uint64_t at, uint64_t count, rk_arena *arena, step *steps, operation *o) {
    const rk_text_run *runs;
    size_t run_count;
    assert_int_equal(rk_rga_ranges(s->rga, at, count, arena, &runs, &run_count), RK_OK);
    for (size_t i = 0; i < run_count && o->count < STEPS_MAX; i++) {
        steps[o->count] = (step){.deletes = true, .first = runs[i].first, .count = runs[i].count};
        apply_step(s, &steps[o->count++]);
    }
}

static void resolve_insert(subject *s, uint64_t at, uint64_t replica, rk_bytes text, step *steps, operation *o) {
    rk_text_id parent = {0, 0};
    if (at > 0) assert_true(rk_rga_id_at(s->rga, at - 1, &parent));
    rk_text_id first = {rk_rga_lamport_max(s->rga) + 1, replica};
    steps[o->count] = (step){.parent = parent, .first = first, .text = text};
    apply_step(s, &steps[o->count++]);
    s->place = at + rk_utf8_count(text);
}

/* A splice or a few, each in the text that the one before left. */
static const void *write_one(void *replica, rk_id id, merge_random *random, rk_arena *arena) {
    subject *s = replica;
    operation *o = rk_arena_take(arena, sizeof *o);
    step *steps = rk_arena_take_array(arena, STEPS_MAX + 8, sizeof *steps);
    o->steps = steps;
    uint64_t splices = merge_random_below(random, 8) == 0 ? 3 : 1;
    while (splices-- > 0) {
        uint64_t at = random_place(s, random);
        uint64_t left = rk_rga_length(s->rga) - at;
        uint64_t kind = merge_random_below(random, 100);
        uint64_t count = kind < 60 ? 0 : kind < 97 ? merge_random_below(random, 8) : merge_random_below(random, 600);
        resolve_delete(s, at, count < left ? count : left, arena, steps, o);
        if (kind < 85) resolve_insert(s, at, id.replica, random_text(random, arena), steps, o);
    }
    return o;
}

static rk_bytes encoded(rk_rga *rga, rk_arena *arena) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, arena, 1 << 26);
    rk_rga_encode(rga, &buffer);
    assert_int_equal(rk_buffer_finish(&buffer, &bytes), RK_OK);
    return bytes;
}

static rk_bytes state_of(void *replica, rk_arena *arena) {
    return encoded(((subject *)replica)->rga, arena);
}

static rk_rga *decoded(rk_bytes bytes, rk_arena *arena) {
    rk_value value;
    rk_rga *rga;
    assert_int_equal(rk_cbor_decode(arena, bytes, &value, NULL), RK_OK);
    assert_int_equal(rk_rga_decode(rk_memory_system(), 1 << 28, &value, &rga), RK_OK);
    return rga;
}

/* Keeps what is visible of a walk. */
static size_t keep_visible(naive_node **nodes, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!nodes[i]->deleted) nodes[kept++] = nodes[i];
    }
    return kept;
}

static void check_range(subject *s, naive_node **nodes, uint64_t at, uint64_t count, rk_arena *arena) {
    const rk_text_run *runs;
    size_t run_count, run = 0;
    uint64_t offset = 0;
    rk_buffer expected, found;
    rk_buffer_init(&expected, arena, 1 << 24);
    rk_buffer_init(&found, arena, 1 << 24);
    assert_int_equal(rk_rga_ranges(s->rga, at, count, arena, &runs, &run_count), RK_OK);
    assert_int_equal(rk_rga_text_range(s->rga, at, count, &found), RK_OK);
    for (uint64_t i = at; i < at + count; i++) {
        uint8_t utf8[4];
        rk_buffer_append(&expected, rk_bytes_of(utf8, rk_utf8_put(utf8, nodes[i]->point)));
        assert_true(run < run_count && runs[run].first.replica == nodes[i]->replica);
        assert_true(runs[run].first.lamport + offset == nodes[i]->lamport);
        if (++offset < runs[run].count) continue;
        offset = 0;
        run++;
        bool could_go_on = run < run_count && runs[run].first.replica == nodes[i]->replica &&
                           runs[run].first.lamport == nodes[i]->lamport + 1;
        assert_false(could_go_on);
    }
    assert_int_equal(run, run_count);
    assert_true(rk_bytes_equal(rk_bytes_of(found.data, found.size), rk_bytes_of(expected.data, expected.size)));
}

static void check_reads(subject *s, naive_node **nodes, size_t length, merge_random *random, rk_arena *arena) {
    rk_text_id id;
    for (int i = 0; i < 10 && length > 0; i++) {
        uint64_t at = merge_random_below(random, length);
        assert_true(rk_rga_id_at(s->rga, at, &id));
        assert_true(id.lamport == nodes[at]->lamport && id.replica == nodes[at]->replica);
        uint64_t count = merge_random_below(random, 100);
        if (count > length - at) count = length - at;
        check_range(s, nodes, at, count, arena);
    }
    assert_false(rk_rga_id_at(s->rga, length, &id));
    const rk_text_run *runs;
    size_t count;
    assert_int_equal(rk_rga_ranges(s->rga, length, 1, arena, &runs, &count), RK_BAD_DATA);
    assert_int_equal(rk_rga_ranges(s->rga, 1, UINT64_MAX, arena, &runs, &count), RK_BAD_DATA);
}

static void check_ids(subject *s, merge_random *random) {
    for (int i = 0; i < 20; i++) {
        rk_text_id id = {1 + merge_random_below(random, rk_rga_lamport_max(s->rga) + 5),
                         UINT64_C(0x1000) * merge_random_below(random, 9) + merge_random_below(random, 9)};
        assert_int_equal(rk_rga_has(s->rga, id), naive_text_find(s->naive, id) != NULL);
    }
}

static void check(void *replica, merge_random *random) {
    subject *s = replica;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), SIZE_MAX);
    rga_check_tree(s->rga);
    rk_bytes bytes = state_of(s, &arena);
    assert_true(rk_bytes_equal(bytes, naive_text_state(s->naive, &arena)));
    naive_node **nodes = naive_text_walk(s->naive, &arena);
    size_t length = keep_visible(nodes, s->naive->count);
    assert_int_equal(length, rk_rga_length(s->rga));
    check_reads(s, nodes, length, random, &arena);
    check_ids(s, random);
    if (merge_random_below(random, 4) == 0) {
        /* A text that was stored and loaded is as good as the one it came from. */
        rk_rga *again = decoded(bytes, &arena);
        rga_check_tree(again);
        assert_true(rk_bytes_equal(bytes, encoded(again, &arena)));
        assert_true(rk_rga_lamport_max(again) == rk_rga_lamport_max(s->rga));
        rk_rga_free(s->rga);
        s->rga = again;
    }
    rga_check_tree(s->rga);
    rk_arena_free(&arena);
}

static const merge_subject SUBJECT = {"rga", open_subject, close_subject, write_one, is_ready, apply, check, state_of};

static void replicas_converge_on_one_text(void **state) {
    (void)state;
    merge_converge(&SUBJECT, (merge_plan){merge_seed(51), 5, 24, 8, 450, 3});
}

static void replicas_converge_on_a_long_text(void **state) {
    (void)state;
    merge_converge(&SUBJECT, (merge_plan){merge_seed(61), 5, 1, 10, 1500, 1});
}

/* --- small cases -------------------------------------------------------------------------------------------------- */

typedef struct fixture {
    rk_arena arena;
    rk_rga *rga;
} fixture;

static fixture open_fixture(void) {
    fixture f;
    rk_arena_init(&f.arena, rk_memory_system(), SIZE_MAX);
    assert_int_equal(rk_rga_new(rk_memory_system(), 1 << 26, &f.rga), RK_OK);
    return f;
}

static void close_fixture(fixture *f) {
    rga_check_tree(f->rga);
    rk_rga_free(f->rga);
    rk_arena_free(&f->arena);
}

static rk_status insert(fixture *f, uint64_t parent, uint64_t parent_replica, uint64_t first, uint64_t replica,
                        const char *text) {
    return rk_rga_insert(f->rga, (rk_text_id){parent, parent_replica}, (rk_text_id){first, replica},
                         rk_bytes_of_string(text));
}

static rk_status delete_run(fixture *f, uint64_t first, uint64_t replica, uint64_t count) {
    return rk_rga_delete(f->rga, (rk_text_id){first, replica}, count);
}

static void assert_text(fixture *f, const char *expected) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, &f->arena, 1 << 20);
    rk_rga_text(f->rga, &buffer);
    assert_true(rk_bytes_equal(rk_bytes_of(buffer.data, buffer.size), rk_bytes_of_string(expected)));
    assert_int_equal(rk_rga_size(f->rga), strlen(expected));
}

static void an_empty_text_has_an_empty_state(void **state) {
    (void)state;
    fixture f = open_fixture();
    assert_true(rk_bytes_equal(encoded(f.rga, &f.arena), RK_TEXT("\x83\x40\x40\x60")));
    assert_int_equal(rk_rga_length(f.rga), 0);
    assert_true(rk_rga_lamport_max(f.rga) == 0);
    rk_rga *again = decoded(encoded(f.rga, &f.arena), &f.arena);
    rga_check_tree(again);
    rk_rga_free(again);
    close_fixture(&f);
}

static void siblings_stand_in_descending_order_of_lamport_then_replica(void **state) {
    (void)state;
    fixture f = open_fixture();
    assert_int_equal(insert(&f, 0, 0, 1, 5, "a"), RK_OK);
    assert_int_equal(insert(&f, 1, 5, 2, 7, "x"), RK_OK);
    assert_int_equal(insert(&f, 1, 5, 2, 9, "y"), RK_OK);
    assert_int_equal(insert(&f, 1, 5, 2, 8, "z"), RK_OK);
    assert_int_equal(insert(&f, 1, 5, 3, 1, "w"), RK_OK);
    assert_text(&f, "awyzx");
    close_fixture(&f);
}

static void a_run_is_not_torn_by_a_lesser_sibling_of_its_middle(void **state) {
    (void)state;
    fixture f = open_fixture();
    assert_int_equal(insert(&f, 0, 0, 1, 5, "abcd"), RK_OK);
    assert_int_equal(insert(&f, 2, 5, 3, 4, "lesser"), RK_OK);
    assert_text(&f, "abcdlesser");
    assert_int_equal(insert(&f, 2, 5, 3, 6, "greater"), RK_OK);
    assert_text(&f, "abgreatercdlesser");
    close_fixture(&f);
}

static void a_refused_insert_changes_nothing(void **state) {
    (void)state;
    fixture f = open_fixture();
    assert_int_equal(insert(&f, 0, 0, 5, 5, "abc"), RK_OK);
    rk_bytes before = encoded(f.rga, &f.arena);
    assert_int_equal(insert(&f, 8, 5, 9, 5, "x"), RK_MISSING_REFERENCE);
    assert_int_equal(insert(&f, 5, 6, 9, 5, "x"), RK_MISSING_REFERENCE);
    assert_int_equal(insert(&f, 0, 5, 9, 5, "x"), RK_MISSING_REFERENCE);
    assert_int_equal(insert(&f, 4, 5, 9, 5, "x"), RK_MISSING_REFERENCE);
    assert_int_equal(insert(&f, 0, 0, 7, 5, "x"), RK_ID_CONFLICT);
    assert_int_equal(insert(&f, 0, 0, 4, 5, "xy"), RK_ID_CONFLICT);
    assert_int_equal(insert(&f, 0, 0, 1, 5, "0123456789"), RK_ID_CONFLICT);
    assert_int_equal(insert(&f, 6, 5, 6, 6, "x"), RK_BAD_OPERATIONS);
    assert_int_equal(insert(&f, 6, 5, 3, 6, "x"), RK_BAD_OPERATIONS);
    assert_int_equal(insert(&f, 0, 0, 0, 6, "x"), RK_BAD_OPERATIONS);
    assert_int_equal(insert(&f, 6, 5, 9, 6, ""), RK_BAD_OPERATIONS);
    assert_int_equal(insert(&f, 6, 5, RK_LAMPORT_MAX, 6, "xy"), RK_BAD_OPERATIONS);
    assert_int_equal(insert(&f, 6, 5, RK_LAMPORT_MAX + 1, 6, "x"), RK_BAD_OPERATIONS);
    assert_int_equal(insert(&f, 6, 5, UINT64_MAX, 6, "xy"), RK_BAD_OPERATIONS);
    assert_int_equal(insert(&f, UINT64_MAX, 5, UINT64_MAX, 6, "x"), RK_BAD_OPERATIONS);
    assert_int_equal(insert(&f, 6, 5, 9, 6, "\xff"), RK_BAD_TEXT);
    assert_int_equal(insert(&f, 6, 5, 9, 6, "\xed\xa0\x80"), RK_BAD_TEXT);
    assert_true(rk_bytes_equal(before, encoded(f.rga, &f.arena)));
    assert_int_equal(insert(&f, 6, 5, RK_LAMPORT_MAX, 6, "x"), RK_OK);
    assert_true(rk_rga_lamport_max(f.rga) == RK_LAMPORT_MAX);
    assert_true(rk_rga_has(f.rga, (rk_text_id){RK_LAMPORT_MAX, 6}));
    assert_false(rk_rga_has(f.rga, (rk_text_id){RK_LAMPORT_MAX + 1, 6}));
    rk_rga_free(decoded(encoded(f.rga, &f.arena), &f.arena));
    close_fixture(&f);
}

static void a_refused_delete_changes_nothing(void **state) {
    (void)state;
    fixture f = open_fixture();
    assert_int_equal(insert(&f, 0, 0, 5, 5, "abc"), RK_OK);
    assert_int_equal(insert(&f, 7, 5, 9, 5, "def"), RK_OK);
    rk_bytes before = encoded(f.rga, &f.arena);
    assert_int_equal(delete_run(&f, 5, 5, 0), RK_BAD_OPERATIONS);
    assert_int_equal(delete_run(&f, 5, 5, 4), RK_MISSING_REFERENCE);
    assert_int_equal(delete_run(&f, 4, 5, 2), RK_MISSING_REFERENCE);
    assert_int_equal(delete_run(&f, 5, 6, 1), RK_MISSING_REFERENCE);
    assert_int_equal(delete_run(&f, 0, 0, 1), RK_MISSING_REFERENCE);
    assert_int_equal(delete_run(&f, 5, 5, UINT64_MAX), RK_MISSING_REFERENCE);
    assert_int_equal(delete_run(&f, UINT64_MAX, 5, UINT64_MAX), RK_MISSING_REFERENCE);
    assert_int_equal(delete_run(&f, UINT64_MAX, 5, 1), RK_MISSING_REFERENCE);
    assert_true(rk_bytes_equal(before, encoded(f.rga, &f.arena)));
    assert_text(&f, "abcdef");
    close_fixture(&f);
}

static void a_deleted_character_keeps_its_place_and_loses_its_text(void **state) {
    (void)state;
    fixture f = open_fixture();
    assert_int_equal(insert(&f, 0, 0, 1, 5, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"), RK_OK);
    assert_int_equal(delete_run(&f, 2, 5, 3), RK_OK);
    assert_text(&f, "az");
    assert_int_equal(delete_run(&f, 3, 5, 1), RK_OK);
    assert_int_equal(delete_run(&f, 1, 5, 4), RK_OK);
    assert_text(&f, "z");
    assert_int_equal(insert(&f, 3, 5, 9, 6, "!"), RK_OK);
    assert_text(&f, "!z");
    assert_true(rk_rga_has(f.rga, (rk_text_id){3, 5}));
    assert_true(
        rk_bytes_equal(encoded(f.rga, &f.arena),
                       RK_TEXT("\x83\x50\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6\x4c\0\0\x22\1\5\1\0\x25\x20\0\0\1\x62!z")));
    close_fixture(&f);
}

/* Both wrote their text from its end to its beginning, apart: every insert of one passes all of the other's. */
static void two_that_typed_backwards_at_one_place_meet_in_time(void **state) {
    (void)state;
    enum { COUNT = 60000 };
    fixture f = open_fixture();
    clock_t start = clock();
    for (uint64_t replica = 1; replica <= 2; replica++) {
        for (uint64_t i = 1; i <= COUNT; i++) assert_int_equal(insert(&f, 0, 0, i, replica, "x"), RK_OK);
    }
    long milliseconds = (long)((clock() - start) * 1000 / CLOCKS_PER_SEC);
    printf("# 2 x %d inserts at one place in %ld ms, %zu leaves\n", COUNT, milliseconds, rga_check_tree(f.rga));
    assert_true(milliseconds < 5000);
    rk_text_id id;
    assert_true(rk_rga_id_at(f.rga, 0, &id) && id.lamport == COUNT && id.replica == 2);
    assert_true(rk_rga_id_at(f.rga, 1, &id) && id.lamport == COUNT && id.replica == 1);
    close_fixture(&f);
}

/* Ids that come against the order of their writer, between ids that are there. No honest writer does that. */
static void ids_that_fill_gaps_are_found(void **state) {
    (void)state;
    fixture f = open_fixture();
    merge_random random = {merge_seed(71)};
    enum { COUNT = 4000 };
    static bool there[COUNT];
    rk_text_id parents[2] = {{0, 0}, {0, 0}};
    memset(there, 0, sizeof there);
    for (int i = 0; i < 6 * COUNT; i++) {
        uint64_t lamport = 1 + merge_random_below(&random, COUNT - 1);
        rk_text_id parent = parents[merge_random_below(&random, 2)];
        bool allowed = lamport > parent.lamport && !there[lamport];
        rk_status status = insert(&f, parent.lamport, parent.replica, lamport, 1, "x");
        assert_int_equal(status == RK_OK, allowed);
        if (!allowed) continue;
        there[lamport] = true;
        parents[merge_random_below(&random, 2)] = (rk_text_id){lamport % 50 == 0 ? 0 : lamport % 300, 1};
        if (!rk_rga_has(f.rga, parents[0])) parents[0] = (rk_text_id){0, 0};
        if (!rk_rga_has(f.rga, parents[1])) parents[1] = (rk_text_id){0, 0};
    }
    for (uint64_t i = 1; i < COUNT; i++) assert_int_equal(rk_rga_has(f.rga, (rk_text_id){i, 1}), there[i]);
    rk_rga *again = decoded(encoded(f.rga, &f.arena), &f.arena);
    rga_check_tree(again);
    for (uint64_t i = 1; i < COUNT; i++) assert_int_equal(rk_rga_has(again, (rk_text_id){i, 1}), there[i]);
    rk_rga_free(again);
    close_fixture(&f);
}

static void a_long_text_comes_and_goes_as_one(void **state) {
    (void)state;
    enum { SIZE = 3 << 20 };
    fixture f = open_fixture();
    uint8_t *text = rk_arena_take(&f.arena, SIZE);
    for (size_t i = 0; i < SIZE; i += 3) memcpy(text + i, i % 2 ? "\xe2\x82\xac" : "abc", 3);
    assert_int_equal(insert(&f, 0, 0, 1, 1, "<>"), RK_OK);
    assert_int_equal(rk_rga_insert(f.rga, (rk_text_id){1, 1}, (rk_text_id){3, 1}, rk_bytes_of(text, SIZE)), RK_OK);
    rk_text_id id;
    uint64_t length = rk_rga_length(f.rga);
    assert_true(rk_rga_id_at(f.rga, length - 1, &id) && id.lamport == 2);
    assert_true(rk_rga_id_at(f.rga, length - 2, &id) && id.lamport == length);
    rga_check_tree(f.rga);
    rk_bytes state_before = encoded(f.rga, &f.arena);
    rk_rga *again = decoded(state_before, &f.arena);
    assert_true(rk_bytes_equal(state_before, encoded(again, &f.arena)));
    rk_rga_free(again);
    assert_int_equal(delete_run(&f, 3, 1, length - 2), RK_OK);
    assert_text(&f, "<>");
    close_fixture(&f);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* Memory that ends after a number of blocks. */
static void *take_some(void *context, size_t size) {
    size_t *left = context;
    if (*left == 0) return NULL;
    --*left;
    const rk_memory *memory = rk_memory_system();
    return memory->take(memory->context, size);
}

static void give_back(void *context, void *block, size_t size) {
    (void)context;
    const rk_memory *memory = rk_memory_system();
    memory->give(memory->context, block, size);
}

static void a_change_without_memory_changes_nothing(void **state) {
    (void)state;
    for (size_t size_max = 0; size_max < 120000; size_max += 1 + size_max / 17) {
        rk_arena arena;
        rk_arena_init(&arena, rk_memory_system(), SIZE_MAX);
        subject s = {.naive = naive_text_new(&arena)};
        rk_status status = rk_rga_new(rk_memory_system(), size_max, &s.rga);
        merge_random random = {size_max};
        for (int i = 0; i < 300 && status == RK_OK; i++) {
            uint64_t length = rk_rga_length(s.rga);
            step one = {.first = {rk_rga_lamport_max(s.rga) + 1, 1}, .text = random_text(&random, &arena)};
            if (length > 0) assert_true(rk_rga_id_at(s.rga, merge_random_below(&random, length), &one.parent));
            one.deletes = length > 0 && merge_random_below(&random, 3) == 0;
            if (one.deletes) one.first = one.parent;
            status = one.deletes ? rk_rga_delete(s.rga, one.first, 1)
                                 : rk_rga_insert(s.rga, one.parent, one.first, one.text);
            assert_true(status == RK_OK || status == RK_NO_MEMORY);
            if (status == RK_OK && one.deletes) naive_text_delete(s.naive, one.first, 1);
            if (status == RK_OK && !one.deletes) naive_text_insert(s.naive, one.parent, one.first, one.text);
        }
        if (s.rga) {
            rga_check_tree(s.rga);
            assert_true(rk_bytes_equal(encoded(s.rga, &arena), naive_text_state(s.naive, &arena)));
        }
        rk_rga_free(s.rga);
        rk_arena_free(&arena);
    }
}

static void decoding_without_memory_leaves_nothing_behind(void **state) {
    (void)state;
    fixture f = open_fixture();
    for (uint64_t i = 1; i < 200; i++) assert_int_equal(insert(&f, 0, 0, 4 * i, i % 3, "text"), RK_OK);
    rk_value value;
    assert_int_equal(rk_cbor_decode(&f.arena, encoded(f.rga, &f.arena), &value, NULL), RK_OK);
    rk_status status = RK_NO_MEMORY;
    for (size_t blocks = 0; status != RK_OK; blocks++) {
        size_t left = blocks;
        rk_memory memory = {take_some, give_back, &left, NULL};
        rk_rga *rga;
        status = rk_rga_decode(&memory, SIZE_MAX, &value, &rga);
        assert_true(status == (rga ? RK_OK : RK_NO_MEMORY));
        rk_rga_free(rga);
        assert_true(blocks < 100);
    }
    close_fixture(&f);
}

/* --- state -------------------------------------------------------------------------------------------------------- */

static rk_status decode_parts(rk_bytes replicas, rk_bytes runs, rk_bytes text) {
    rk_value items[3] = {rk_bytes_value(replicas), rk_bytes_value(runs), rk_string(text)};
    rk_value state = rk_list(items, 3);
    rk_rga *rga;
    rk_status status = rk_rga_decode(rk_memory_system(), 1 << 20, &state, &rga);
    assert_true((status == RK_OK) == (rga != NULL));
    if (rga) rga_check_tree(rga);
    rk_rga_free(rga);
    return status;
}

static void what_is_no_state_is_corrupt(void **state) {
    (void)state;
    rk_bytes one = RK_TEXT("\0\0\0\0\0\0\0\5");
    rk_bytes two = RK_TEXT("\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6");
    assert_int_equal(decode_parts(one, RK_TEXT("\0\0\3"), RK_TEXT("abc")), RK_OK);
    assert_int_equal(decode_parts(one, RK_TEXT("\0\0\3\0\0\x20"), RK_TEXT("abc")), RK_OK);
    assert_int_equal(decode_parts(two, RK_TEXT("\0\0\1\1\x20\1\0\0\1"), RK_TEXT("abc")), RK_OK);
    const struct {
        rk_bytes replicas, runs, text;
    } wrong[] = {
        {one, RK_TEXT(""), RK_TEXT("")},                          /* a replica without a run */
        {two, RK_TEXT("\0\0\3"), RK_TEXT("abc")},                 /* likewise */
        {RK_TEXT(""), RK_TEXT("\0\0\3"), RK_TEXT("abc")},         /* a run without a replica */
        {RK_TEXT("\0\0\0\5"), RK_TEXT("\0\0\3"), RK_TEXT("abc")}, /* a short replica */
        {RK_TEXT("\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\5"), RK_TEXT("\0\0\1\1\0\2"), RK_TEXT("abc")}, /* not ascending */
        {RK_TEXT("\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\5"), RK_TEXT("\0\0\1\1\0\2"), RK_TEXT("abc")}, /* twice */
        {one, RK_TEXT("\0\0\2"), RK_TEXT("abc")},                                 /* more text than points */
        {one, RK_TEXT("\0\0\4"), RK_TEXT("abc")},                                 /* less */
        {one, RK_TEXT("\0\0\1\0\0\2"), RK_TEXT("abc")},                           /* runs that are one */
        {one, RK_TEXT("\0\0\x20\0\0\x20"), RK_TEXT("")},                          /* tombstones that are one */
        {one, RK_TEXT("\0\0\3\0\x20\x20"), RK_TEXT("abc")},                       /* an id twice */
        {one, RK_TEXT("\0\0\3\0\x22\1"), RK_TEXT("abca")},                        /* likewise */
        {one, RK_TEXT("\0\0\0"), RK_TEXT("")},                                    /* an empty run */
        {one, RK_TEXT("\0\x20\3"), RK_TEXT("abc")},                               /* Lamport 0 */
        {one, RK_TEXT("\0\x18\1\3"), RK_TEXT("abc")},                             /* not the shortest form */
        {one, RK_TEXT("\0\x19\0\xff\3"), RK_TEXT("abc")},                         /* likewise */
        {one, RK_TEXT("\0\x1b\0\0\0\0\xff\xff\xff\xff\3"), RK_TEXT("abc")},       /* likewise */
        {one, RK_TEXT("\0\x1b\0\x1f\xff\xff\xff\xff\xff\xff\3"), RK_TEXT("abc")}, /* past the highest Lamport */
        {one, RK_TEXT("\0\x1b\xff\xff\xff\xff\xff\xff\xff\xff\3"), RK_TEXT("abc")},
        {one, RK_TEXT("\0\0\x1a\xff\xff\xff\xff"), RK_TEXT("abc")},
        {one, RK_TEXT("\0\0\x3a\x7f\xff\xff\xff"), RK_TEXT("")}, /* more points than a text may have */
        {one, RK_TEXT("\0\0\x19\1"), RK_TEXT("abc")},            /* cut short */
        {one, RK_TEXT("\0\0"), RK_TEXT("")},
        {one, RK_TEXT("\0\0\x43"), RK_TEXT("abc")}, /* a byte string */
        {one, RK_TEXT("\0\0\x1f"), RK_TEXT("abc")}, /* an indefinite length */
        {one, RK_TEXT("\1\0\3"), RK_TEXT("abc")},   /* an index past the table */
        {one, RK_TEXT("\x20\0\3"), RK_TEXT("abc")}, /* one before it */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(decode_parts(wrong[i].replicas, wrong[i].runs, wrong[i].text), RK_CORRUPT);
    }
    rk_value not_lists[] = {rk_null(), rk_list(NULL, 0), rk_list(&(rk_value){.kind = RK_INT}, 1)};
    for (size_t i = 0; i < 3; i++) {
        rk_rga *rga;
        assert_int_equal(rk_rga_decode(rk_memory_system(), 1 << 20, &not_lists[i], &rga), RK_CORRUPT);
    }
}

static void a_text_may_hold_no_more_points_than_its_limit(void **state) {
    (void)state;
    rk_bytes replica = RK_TEXT("\0\0\0\0\0\0\0\5");
    rk_bytes runs = RK_TEXT("\0\0\x3a\x7f\xff\xff\xfe"); /* 2^31 - 1 deleted ones */
    rk_value items[3] = {rk_bytes_value(replica), rk_bytes_value(runs), rk_string(RK_TEXT(""))};
    rk_value list = rk_list(items, 3);
    rk_rga *rga;
    assert_int_equal(rk_rga_decode(rk_memory_system(), 1 << 20, &list, &rga), RK_OK);
    rk_text_id first = {RK_LAMPORT_MAX - 5, 9};
    assert_int_equal(rk_rga_insert(rga, (rk_text_id){77, 5}, first, RK_TEXT("x")), RK_LIMIT);
    assert_int_equal(rk_rga_delete(rga, (rk_text_id){1, 5}, INT32_MAX), RK_OK);
    rk_rga_free(rga);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_converge_on_one_text),
        cmocka_unit_test(replicas_converge_on_a_long_text),
        cmocka_unit_test(an_empty_text_has_an_empty_state),
        cmocka_unit_test(siblings_stand_in_descending_order_of_lamport_then_replica),
        cmocka_unit_test(a_run_is_not_torn_by_a_lesser_sibling_of_its_middle),
        cmocka_unit_test(a_refused_insert_changes_nothing),
        cmocka_unit_test(a_refused_delete_changes_nothing),
        cmocka_unit_test(a_deleted_character_keeps_its_place_and_loses_its_text),
        cmocka_unit_test(two_that_typed_backwards_at_one_place_meet_in_time),
        cmocka_unit_test(ids_that_fill_gaps_are_found),
        cmocka_unit_test(a_long_text_comes_and_goes_as_one),
        cmocka_unit_test(a_change_without_memory_changes_nothing),
        cmocka_unit_test(decoding_without_memory_leaves_nothing_behind),
        cmocka_unit_test(what_is_no_state_is_corrupt),
        cmocka_unit_test(a_text_may_hold_no_more_points_than_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
