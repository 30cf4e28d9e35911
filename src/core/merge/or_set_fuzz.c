/*
 * Strategy: inserts and removes of few values and dots onto the set and the naive one; the input once more as a state.
 *
 * Invariants
 *   (1) Both have the same state.
 *   (2) A state that decodes encodes to the same bytes, and is as good as the set it came from.
 */
#include "core/merge/merge_testing.h"
#include "core/merge/or_set.h"
#include "core/merge/or_set_testing.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rk_bytes encoded(const rk_or_set *set, rk_arena *arena) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, arena, 1 << 22);
    rk_or_set_encode(set, &buffer);
    RK_ASSERT(rk_buffer_finish(&buffer, &bytes) == RK_OK);
    return bytes;
}

static void decode_raw(rk_arena *arena, rk_bytes bytes) {
    rk_value value;
    rk_or_set set;
    if (rk_cbor_decode(arena, bytes, &value, NULL) != RK_OK || rk_or_set_decode(arena, &value, &set) != RK_OK) return;
    RK_ASSERT(rk_bytes_equal(bytes, encoded(&set, arena)));
}

static rk_value value_of(rk_arena *arena, uint8_t byte) {
    if (byte < 24) return rk_int(byte);
    return byte < 48 ? rk_int(-(int64_t)byte) : rk_string(rk_arena_format(arena, "%u", (uint64_t)byte));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    decode_raw(&arena, rk_bytes_of(data, size));
    merge_input input = {data, size, 0};
    rk_or_set set;
    rk_or_set_init(&set, &arena);
    naive_set naive = {.arena = &arena};
    for (int i = 0; i < 2000 && !merge_input_ended(&input); i++) {
        uint8_t kind = merge_input_byte(&input);
        rk_dot dot = {{merge_input_byte(&input) % 32, kind / 4 % 4}, kind / 16};
        if (kind % 4 == 0) {
            rk_or_set_remove(&set, &dot, 1);
            naive_set_remove(&naive, dot.event, dot.n);
            continue;
        }
        /* A dot is given once in the world; the set can only tell while it is there. */
        if (naive_set_knows(&naive, dot.event, dot.n)) continue;
        rk_value value = value_of(&arena, merge_input_byte(&input));
        RK_ASSERT(rk_or_set_insert(&set, &value, dot) == RK_OK);
        naive_set_insert(&naive, value, dot.event, dot.n);
    }
    RK_ASSERT(rk_bytes_equal(encoded(&set, &arena), naive_set_state(&naive, &arena)));
    decode_raw(&arena, encoded(&set, &arena));
    rk_arena_free(&arena);
    return 0;
}
