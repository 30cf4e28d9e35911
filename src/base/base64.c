/*
 * Base64: three bytes are four digits.
 */
#include "base/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { NO_DIGIT = 64 };

size_t rk_base64_size(size_t size) {
    return (size + 2) / 3 * 4;
}

static void put_group(uint8_t out[4], const uint8_t *in, size_t size) {
    uint32_t bits = (uint32_t)in[0] << 16 | (size > 1 ? (uint32_t)in[1] << 8 : 0) | (size > 2 ? (uint32_t)in[2] : 0);
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)digits[bits >> (18 - 6 * i) & 63];
    for (size_t i = size + 1; i < 4; i++) out[i] = '=';
}

void rk_base64_append(rk_buffer *buffer, rk_bytes bytes) {
    uint8_t chunk[1024];
    size_t used = 0;
    for (size_t at = 0; at < bytes.size; at += 3) {
        put_group(chunk + used, bytes.data + at, bytes.size - at < 3 ? bytes.size - at : 3);
        used += 4;
        if (used < sizeof chunk && at + 3 < bytes.size) continue;
        rk_buffer_append(buffer, rk_bytes_of(chunk, used));
        used = 0;
    }
}

static uint32_t digit_value(uint8_t digit) {
    if (digit >= 'A' && digit <= 'Z') return digit - 'A';
    if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26U;
    if (digit >= '0' && digit <= '9') return digit - '0' + 52U;
    if (digit == '+') return 62;
    return digit == '/' ? 63 : NO_DIGIT;
}

/* `size` bytes of one group of four digits; false when it is none. */
static bool get_group(const uint8_t in[4], uint8_t *out, size_t size) {
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t value = i <= size ? digit_value(in[i]) : in[i] == '=' ? 0 : NO_DIGIT;
        if (value == NO_DIGIT) return false;
        bits = bits << 6 | value;
    }
    for (size_t i = 0; i < size; i++) out[i] = (uint8_t)(bits >> (16 - 8 * i));
    return (bits & ((UINT32_C(1) << (24 - 8 * size)) - 1)) == 0;
}

rk_status rk_base64_read(rk_arena *arena, rk_bytes text, rk_bytes *bytes_out) {
    *bytes_out = (rk_bytes){NULL, 0};
    if (text.size % 4 != 0) return RK_BAD_TEXT;
    if (text.size == 0) return RK_OK;
    size_t padding = text.data[text.size - 1] != '=' ? 0 : text.data[text.size - 2] != '=' ? 1 : 2;
    size_t size = text.size / 4 * 3 - padding;
    uint8_t *bytes = rk_arena_take(arena, size);
    if (!bytes) return RK_NO_MEMORY;
    for (size_t group = 0; group < text.size / 4; group++) {
        size_t left = size - group * 3;
        if (!get_group(text.data + group * 4, bytes + group * 3, left < 3 ? left : 3)) return RK_BAD_TEXT;
    }
    *bytes_out = (rk_bytes){bytes, size};
    return RK_OK;
}
