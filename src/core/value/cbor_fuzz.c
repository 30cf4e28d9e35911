/*
 * Strategy: any bytes into the decoder.
 *
 * Invariants
 *   (1) What decodes encodes to the same bytes.
 *   (2) What does not decode names a code and a place.
 *   (3) The order of two decoded values is the order of their bytes.
 */
#include "core/value/cbor.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_order(rk_arena *arena, rk_bytes bytes) {
    rk_value a, b;
    size_t half = bytes.size / 2;
    rk_bytes left = {bytes.data, half}, right = rk_bytes_from(bytes, half);
    if (rk_cbor_decode(arena, left, &a, NULL) != RK_OK || rk_cbor_decode(arena, right, &b, NULL) != RK_OK) return;
    int values = rk_value_compare(&a, &b), encodings = rk_bytes_compare(left, right);
    RK_ASSERT((values < 0) == (encodings < 0) && (values == 0) == (encodings == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    rk_bytes bytes = {data, size}, again;
    rk_value value;
    rk_error error = {0};
    rk_status status = rk_cbor_decode(&arena, bytes, &value, &error);
    if (status == RK_OK) {
        RK_ASSERT(rk_cbor_encode(&arena, &value, size, &again) == RK_OK);
        RK_ASSERT(rk_bytes_equal(bytes, again));
    } else {
        RK_ASSERT(error.code == status && error.where[0]);
    }
    check_order(&arena, bytes);
    rk_arena_free(&arena);
    return 0;
}
