/*
 * Memory from the C library, and the end of a process whose own assertion failed.
 */
#include "io/memory.h"

#include <stdio.h>
#include <stdlib.h>

static void *take(void *context, size_t size) {
    (void)context;
    return malloc(size);
}

static void *take_zeroed(void *context, size_t size) {
    (void)context;
    return calloc(1, size);
}

static void give(void *context, void *block, size_t size) {
    (void)context;
    (void)size;
    free(block);
}

const rk_memory *rk_memory_system(void) {
    static const rk_memory memory = {take, give, NULL, take_zeroed};
    return &memory;
}

void rk_assert_failed(const char *condition, const char *file, int line) {
    fprintf(stderr,
            "reaktor: assertion failed: %s (%s:%d). This is a bug in Reaktor-DB; the database is as safe as\n"
            "after a crash. Please report it with this line.\n",
            condition, file, line);
    abort();
}
