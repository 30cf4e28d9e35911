/*
 * Strategy: bytes choose a schema, a value and a place in it (schema_testing.c).
 *
 * Invariants
 *   (1) Nothing crashes, whatever is found about the schema.
 *   (2) Checking a place that was set in a value that fitted agrees with checking the whole.
 *   (3) Normalising is done once for all, changes doubles only, and what fitted fits after it.
 */
#include "core/module/schema_testing.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    choices choices = {rk_bytes_of(data, size), 0};
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    compare_schema_checks(&arena, &choices);
    rk_arena_free(&arena);
    return 0;
}
