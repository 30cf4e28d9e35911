/*
 * Strategy: sets with stamps and ids from a small range onto the register and the naive one; the input once more as a
 * state.
 *
 * Invariants
 *   (1) Both hold the same set.
 *   (2) A state that decodes encodes to the same bytes.
 */
#include "core/merge/lww.h"
#include "core/merge/lww_testing.h"
#include "core/merge/merge_testing.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_raw(rk_arena *arena, rk_bytes bytes) {
    rk_value value;
    rk_lww lww;
    if (rk_cbor_decode(arena, bytes, &value, NULL) != RK_OK || rk_lww_decode(arena, &value, &lww) != RK_OK) return;
    rk_buffer buffer;
    rk_bytes again;
    rk_buffer_init(&buffer, arena, bytes.size);
    rk_lww_encode(&lww, &buffer);
    RK_ASSERT(rk_buffer_finish(&buffer, &again) == RK_OK && rk_bytes_equal(bytes, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    decode_raw(&arena, rk_bytes_of(data, size));
    merge_input input = {data, size, 0};
    rk_lww lww = {0};
    naive_lww naive = {.arena = &arena};
    for (int64_t i = 0; i < 1000 && !merge_input_ended(&input); i++) {
        rk_stamp stamp = merge_input_byte(&input);
        rk_id id = {merge_input_byte(&input), merge_input_byte(&input)};
        rk_value value = rk_int(i);
        RK_ASSERT(rk_lww_set(&lww, &arena, stamp, id, &value) == RK_OK);
        naive_lww_add(&naive, stamp, id, value);
    }
    const naive_lww_set *last = naive_lww_last(&naive);
    RK_ASSERT(lww.set == (last != NULL));
    RK_ASSERT(!last || (lww.stamp == last->stamp && rk_value_equal(&lww.value, &last->value)));
    rk_arena_free(&arena);
    return 0;
}
