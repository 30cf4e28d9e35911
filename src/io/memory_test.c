/*
 * Memory: what a thread keeps of the blocks that it gives back, how much, and until when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "io/memory.h"
#include "io/thread.h"

enum { BLOCK = 4096, BLOCKS = 2 * RK_MEMORY_KEPT_MAX / BLOCK };

static void *take(size_t size) {
    const rk_memory *memory = rk_memory_system();
    void *block = memory->take(memory->context, size);
    assert_non_null(block);
    memset(block, 0xA5, size);
    return block;
}

static void give(void *block, size_t size) {
    const rk_memory *memory = rk_memory_system();
    memory->give(memory->context, block, size);
}

static void a_block_is_taken_again_for_its_own_size(void **state) {
    (void)state;
    void *block = take(BLOCK);
    size_t before = rk_memory_kept();
    give(block, BLOCK);
    assert_int_equal(rk_memory_kept(), before + BLOCK);
    void *same = take(BLOCK);
    assert_ptr_equal(same, block);
    assert_int_equal(rk_memory_kept(), before);
    give(same, BLOCK);
    void *other = take(BLOCK / 2);
    assert_ptr_not_equal(other, block);
    give(other, BLOCK / 2);
}

static void sizes_that_do_not_come_again_are_not_kept(void **state) {
    static const size_t sizes[] = {1, 16, 512, 1023, 1025, BLOCK - 1, 3 * BLOCK, (64 << 10) + 16, 128 << 10, 1 << 20};
    (void)state;
    size_t before = rk_memory_kept();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        give(take(sizes[i]), sizes[i]);
        assert_int_equal(rk_memory_kept(), before);
    }
    give(NULL, BLOCK);
    assert_int_equal(rk_memory_kept(), before);
}

static void no_more_is_kept_than_the_bound(void **state) {
    static void *blocks[BLOCKS];
    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < BLOCKS; i++) blocks[i] = take(BLOCK);
        for (size_t i = 0; i < BLOCKS; i++) {
            give(blocks[i], BLOCK);
            assert_true(rk_memory_kept() <= RK_MEMORY_KEPT_MAX);
        }
        assert_true(rk_memory_kept() > RK_MEMORY_KEPT_MAX - BLOCK);
    }
}

/* The first of the tests: nothing is kept before. */
static void an_arena_takes_the_same_blocks_each_time(void **state) {
    size_t kept = 0;
    rk_arena arena;
    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        assert_int_equal(rk_memory_kept(), kept);
        rk_arena_init(&arena, rk_memory_system(), 1 << 20);
        for (int i = 0; i < 20; i++) {
            uint8_t *piece = rk_arena_take(&arena, 1500); /* more than a first block has */
            assert_non_null(piece);
            for (size_t k = 0; k < 1500; k++) assert_int_equal(piece[k], 0);
            memset(piece, 0xA5, 1500);
        }
        assert_int_equal(rk_memory_kept(), 0);
        rk_arena_free(&arena);
        if (turn == 0) kept = rk_memory_kept();
        assert_true(kept >= 20 * 1500);
    }
}

typedef struct loan {
    void *block;
    size_t before, after; /* what the thread keeps */
} loan;

static void give_what_another_took(void *context) {
    loan *loan = context;
    loan->before = rk_memory_kept();
    give(loan->block, BLOCK);
    give(take(2 * BLOCK), 2 * BLOCK);
    loan->after = rk_memory_kept();
}

/* That it is freed when the thread ends is the leak sanitizer's to see. */
static void what_another_thread_took_is_kept_by_the_one_that_gives(void **state) {
    (void)state;
    for (int turn = 0; turn < 20; turn++) {
        loan loan = {.block = take(BLOCK)};
        rk_thread *thread = NULL;
        size_t before = rk_memory_kept();
        assert_int_equal(rk_thread_start(give_what_another_took, &loan, &thread, NULL), RK_OK);
        rk_thread_join(thread);
        assert_int_equal(loan.before, 0);
        assert_int_equal(loan.after, 3 * BLOCK);
        assert_int_equal(rk_memory_kept(), before);
    }
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>

static void a_kept_block_is_nobodys(void **state) {
    (void)state;
    uint8_t *block = take(BLOCK);
    assert_false(__asan_address_is_poisoned(block));
    give(block, BLOCK);
    assert_true(__asan_address_is_poisoned(block + sizeof(void *)));
    assert_true(__asan_address_is_poisoned(block + BLOCK - 1));
    assert_ptr_equal(take(BLOCK), block);
    assert_false(__asan_address_is_poisoned(block + BLOCK - 1));
    give(block, BLOCK);
}
#define IN_SANITIZER cmocka_unit_test(a_kept_block_is_nobodys),
#endif
#endif

#ifndef IN_SANITIZER
#define IN_SANITIZER
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_takes_the_same_blocks_each_time),
        IN_SANITIZER cmocka_unit_test(a_block_is_taken_again_for_its_own_size),
        cmocka_unit_test(sizes_that_do_not_come_again_are_not_kept),
        cmocka_unit_test(no_more_is_kept_than_the_bound),
        cmocka_unit_test(what_another_thread_took_is_kept_by_the_one_that_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
