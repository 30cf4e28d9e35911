/* The 128-bit sum. Invariants: sum.h. Division is done by hand: WebAssembly has no 128-bit one without a library. */
#include "core/merge/sum.h"

enum { LIMBS = 4, DIGITS_MAX = 40 }; /* 2^127 has 39 digits, and a sign */

__extension__ typedef unsigned __int128 magnitude;

rk_status rk_sum_add(rk_sum *sum, int64_t by) {
    rk_sum next;
    if (__builtin_add_overflow(*sum, (rk_sum)by, &next)) return RK_OVERFLOW;
    *sum = next;
    return RK_OK;
}

bool rk_sum_fits(rk_sum sum, int64_t *integer_out) {
    *integer_out = (int64_t)(uint64_t)sum;
    return *integer_out == sum;
}

/* Divides the number by 10 in place and returns the remainder; the lowest limb comes first. */
static uint32_t divide_by_ten(uint32_t limbs[LIMBS]) {
    uint64_t rest = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        rest = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(rest / 10);
        rest %= 10;
    }
    return (uint32_t)rest;
}

static rk_bytes print(rk_sum sum, uint8_t out[DIGITS_MAX]) {
    magnitude rest = sum < 0 ? -(magnitude)sum : (magnitude)sum;
    uint64_t low = (uint64_t)rest;
    uint64_t high = (uint64_t)(rest >> 64);
    uint32_t limbs[LIMBS] = {(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high, (uint32_t)(high >> 32)};
    size_t at = DIGITS_MAX;
    do {
        out[--at] = (uint8_t)('0' + divide_by_ten(limbs));
    } while ((limbs[0] | limbs[1] | limbs[2] | limbs[3]) != 0);
    if (sum < 0) out[--at] = '-';
    return rk_bytes_of(out + at, DIGITS_MAX - at);
}

rk_status rk_sum_value(rk_sum sum, rk_arena *arena, rk_value *value_out) {
    int64_t integer;
    *value_out = rk_null();
    if (rk_sum_fits(sum, &integer)) {
        *value_out = rk_int(integer);
        return RK_OK;
    }
    uint8_t digits[DIGITS_MAX];
    rk_bytes text;
    RK_TRY(rk_arena_copy(arena, print(sum, digits), &text));
    *value_out = rk_string(text);
    return RK_OK;
}

void rk_sum_encode(rk_sum sum, rk_buffer *buffer) {
    int64_t integer;
    if (rk_sum_fits(sum, &integer)) {
        rk_cbor_append_int(buffer, integer);
        return;
    }
    uint8_t bytes[RK_SUM_SIZE];
    rk_put_u64(bytes, (uint64_t)((magnitude)sum >> 64));
    rk_put_u64(bytes + 8, (uint64_t)sum);
    rk_cbor_append_bytes(buffer, rk_bytes_of(bytes, sizeof bytes));
}

rk_status rk_sum_decode(const rk_value *state, rk_sum *sum_out) {
    *sum_out = 0;
    if (state->kind == RK_INT) {
        *sum_out = state->as.integer;
        return RK_OK;
    }
    if (state->kind != RK_BYTES || state->as.bytes.size != RK_SUM_SIZE) return RK_CORRUPT;
    const uint8_t *bytes = state->as.bytes.data;
    rk_sum sum = (rk_sum)((magnitude)rk_get_u64(bytes) << 64 | rk_get_u64(bytes + 8));
    int64_t integer;
    if (rk_sum_fits(sum, &integer)) return RK_CORRUPT;
    *sum_out = sum;
    return RK_OK;
}
