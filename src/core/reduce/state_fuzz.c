/*
 * Strategy: bytes as a stored state.
 *
 * Invariants
 *   (1) What decodes encodes to the same bytes; every refusal is RK_CORRUPT, or memory that ran out.
 *   (2) What decodes can be read as a value, and takes at least as much memory as it says.
 */
#include "core/module/module_testing.h"
#include "core/reduce/state.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 1 << 22 };

static void check(rk_arena *arena, rk_state *state, rk_bytes bytes) {
    static const char module_text[] =
        "{'module':'m','version':1,'truth':'region','events':{},'fields':{'a':{},'b':{'merge':'lww'},"
        "'c':{'type':'integer','merge':'g-counter'},'d':{'type':'integer','merge':'pn-counter'},"
        "'e':{'type':'string','merge':'or-set'},'f':{'type':'string','merge':'rga'}}}";
    rk_buffer buffer;
    rk_bytes again;
    rk_value value;
    rk_buffer_init(&buffer, arena, MEMORY_MAX);
    rk_state_encode(state, &buffer);
    RK_ASSERT(rk_buffer_finish(&buffer, &again) == RK_OK && rk_bytes_equal(bytes, again));
    RK_ASSERT(rk_state_size(state) >= bytes.size);
    RK_ASSERT(rk_state_value(state, module_of_json(arena, module_text), arena, &value) == RK_OK);
    RK_ASSERT(value.kind == RK_MAP && value.as.map.count <= 6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_state *state = NULL;
    rk_error error = {0};
    rk_bytes bytes = {data, size};
    rk_arena_init(&arena, rk_memory_system(), 2 * MEMORY_MAX);
    rk_status status = rk_state_decode(rk_memory_system(), MEMORY_MAX, bytes, &state, &error);
    RK_ASSERT(status == RK_OK || (!state && error.code == status && (status == RK_CORRUPT || status == RK_NO_MEMORY)));
    if (status == RK_OK) check(&arena, state, bytes);
    rk_state_free(state);
    rk_arena_free(&arena);
    return 0;
}
