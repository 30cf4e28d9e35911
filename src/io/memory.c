/*
 * Memory from the C library, and the end of a process whose own assertion failed.
 *
 * Arenas come and go with every request and every group of events. A thread keeps the blocks that it gives back, up to
 * a bound, for what it takes next: malloc keeps none as large at hand, and gives memory back to the system.
 *
 * Invariants
 *   (1) A thread's list `class` holds blocks of KEPT_SIZE_MIN << class bytes, all lists `kept_size` bytes and at most
 *       RK_MEMORY_KEPT_MAX. A block is kept by the thread that gives it, whoever took it.
 *   (2) To the address sanitizer a kept block is freed memory, but for the link, by which the leak sanitizer finds the
 *       next.
 */
#include "io/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEPT_SIZE_MIN = 1 << 10, KEPT_CLASSES = 7 };

typedef struct kept {
    struct kept *next;
} kept;

static _Thread_local kept *kept_blocks[KEPT_CLASSES];
static _Thread_local size_t kept_size;
static _Thread_local bool ending_seen; /* what is kept is freed when the thread ends */
static pthread_once_t ending_once = PTHREAD_ONCE_INIT;
static pthread_key_t ending;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER
#endif
#endif

#ifdef HAS_SANITIZER
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(block, size)   ((void)(block), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(block, size) ((void)(block), (void)(size))
#endif

/* KEPT_CLASSES: blocks of that size are not kept. */
static size_t class_of(size_t size) {
    if (size < KEPT_SIZE_MIN || (size & (size - 1)) != 0) return KEPT_CLASSES;
    size_t class = (size_t)__builtin_ctzl(size / KEPT_SIZE_MIN);
    return class < KEPT_CLASSES ? class : KEPT_CLASSES;
}

static void *take(void *context, size_t size) {
    (void)context;
    size_t class = class_of(size);
    kept *block = class < KEPT_CLASSES ? kept_blocks[class] : NULL;
    if (!block) return malloc(size);
    ASAN_UNPOISON_MEMORY_REGION(block, size);
    kept_blocks[class] = block->next;
    kept_size -= size;
    return block;
}

static void *take_zeroed(void *context, size_t size) {
    (void)context;
    return calloc(1, size);
}

static void free_kept(void *unused) {
    (void)unused;
    for (size_t class = 0; class < KEPT_CLASSES; class ++) {
        while (kept_blocks[class]) free(take(NULL, (size_t)KEPT_SIZE_MIN << class));
    }
    ending_seen = false;
}

static void make_ending(void) {
    RK_ASSERT(pthread_key_create(&ending, free_kept) == 0);
}

static void see_ending(void) {
    if (ending_seen) return;
    RK_ASSERT(pthread_once(&ending_once, make_ending) == 0);
    ending_seen = pthread_setspecific(ending, &kept_size) == 0;
}

static void give(void *context, void *block, size_t size) {
    (void)context;
    size_t class = class_of(size);
    see_ending();
    if (!block || class == KEPT_CLASSES || kept_size + size > RK_MEMORY_KEPT_MAX || !ending_seen) {
        free(block);
        return;
    }
    kept *head = block;
    head->next = kept_blocks[class];
    kept_blocks[class] = head;
    kept_size += size;
    ASAN_POISON_MEMORY_REGION(head + 1, size - sizeof *head);
}

const rk_memory *rk_memory_system(void) {
    static const rk_memory memory = {take, give, NULL, take_zeroed};
    return &memory;
}

size_t rk_memory_kept(void) {
    return kept_size;
}

void rk_assert_failed(const char *condition, const char *file, int line) {
    fprintf(stderr,
            "reaktor: assertion failed: %s (%s:%d). This is a bug in Reaktor-DB; the database is as safe as\n"
            "after a crash. Please report it with this line.\n",
            condition, file, line);
    abort();
}
