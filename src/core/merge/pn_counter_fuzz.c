/*
 * Strategy: amounts onto the counter and the naive one; the input once more as a state.
 *
 * Invariants
 *   (1) Both print the same sum.
 *   (2) A state that decodes encodes to the same bytes.
 */
#include <string.h>

#include "core/merge/counter_testing.h"
#include "core/merge/merge_testing.h"
#include "core/merge/pn_counter.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_raw(rk_arena *arena, rk_bytes bytes) {
    rk_value value;
    rk_pn_counter counter;
    if (rk_cbor_decode(arena, bytes, &value, NULL) != RK_OK || rk_pn_counter_decode(&value, &counter) != RK_OK) return;
    rk_buffer buffer;
    rk_bytes again;
    rk_buffer_init(&buffer, arena, 1 << 10);
    rk_pn_counter_encode(&counter, &buffer);
    RK_ASSERT(rk_buffer_finish(&buffer, &again) == RK_OK && rk_bytes_equal(bytes, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    decode_raw(&arena, rk_bytes_of(data, size));
    merge_input input = {data, size, 0};
    rk_pn_counter counter = {0};
    naive_counter naive = {0};
    while (!merge_input_ended(&input)) {
        int64_t by = (int64_t)merge_input_number(&input, 1 + merge_input_byte(&input) % 8);
        if (rk_pn_counter_add(&counter, by) == RK_OK) naive_counter_add(&naive, by);
    }
    char expected[NAIVE_DIGITS + 2];
    rk_value value;
    naive_counter_print(&naive, expected);
    RK_ASSERT(rk_sum_value(counter.sum, &arena, &value) == RK_OK);
    rk_bytes printed = value.kind == RK_INT ? rk_arena_format(&arena, "%d", value.as.integer) : value.as.bytes;
    RK_ASSERT(rk_bytes_equal(printed, rk_bytes_of_string(expected)));
    rk_arena_free(&arena);
    return 0;
}
