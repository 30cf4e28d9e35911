/*
 * Base64: three bytes are four digits. A last group of one or two bytes is two or three digits, and padding in the
 * standard form only.
 */
#include "base/base64.h"

#include <string.h>

typedef struct alphabet {
    const char *digits; /* 64 of them */
    bool padded;
} alphabet;

static const alphabet standard = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true};
static const alphabet url = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false};

enum { NO_DIGIT = 64 };

size_t rk_base64_size(size_t size) {
    return (size + 2) / 3 * 4;
}

size_t rk_base64url_size(size_t size) {
    return size / 3 * 4 + (size % 3 ? size % 3 + 1 : 0);
}

/* Writes one group of `size` bytes, returns how many characters that is. */
static size_t put_group(const alphabet *alphabet, uint8_t out[4], const uint8_t *in, size_t size) {
    uint32_t bits = (uint32_t)in[0] << 16 | (size > 1 ? (uint32_t)in[1] << 8 : 0) | (size > 2 ? (uint32_t)in[2] : 0);
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)alphabet->digits[bits >> (18 - 6 * i) & 63];
    if (!alphabet->padded) return size + 1;
    for (size_t i = size + 1; i < 4; i++) out[i] = '=';
    return 4;
}

static void append(const alphabet *alphabet, rk_buffer *buffer, rk_bytes bytes) {
    uint8_t chunk[1024];
    size_t used = 0;
    for (size_t at = 0; at < bytes.size; at += 3) {
        used += put_group(alphabet, chunk + used, bytes.data + at, bytes.size - at < 3 ? bytes.size - at : 3);
        if (used < sizeof chunk && at + 3 < bytes.size) continue;
        rk_buffer_append(buffer, rk_bytes_of(chunk, used));
        used = 0;
    }
}

void rk_base64_append(rk_buffer *buffer, rk_bytes bytes) {
    append(&standard, buffer, bytes);
}

void rk_base64url_append(rk_buffer *buffer, rk_bytes bytes) {
    append(&url, buffer, bytes);
}

static uint32_t digit_value(const alphabet *alphabet, uint8_t digit) {
    if (digit >= 'A' && digit <= 'Z') return digit - 'A';
    if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26U;
    if (digit >= '0' && digit <= '9') return digit - '0' + 52U;
    if (digit == alphabet->digits[62]) return 62;
    return digit == alphabet->digits[63] ? 63 : NO_DIGIT;
}

/* `size` bytes of one group of four characters, in base64url of size + 1; false when it is none. */
static bool get_group(const alphabet *alphabet, const uint8_t *in, uint8_t *out, size_t size) {
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t value = 0;
        if (i <= size) {
            value = digit_value(alphabet, in[i]);
        } else if (alphabet->padded && in[i] != '=') {
            value = NO_DIGIT;
        }
        if (value == NO_DIGIT) return false;
        bits = bits << 6 | value;
    }
    for (size_t i = 0; i < size; i++) out[i] = (uint8_t)(bits >> (16 - 8 * i));
    return (bits & ((UINT32_C(1) << (24 - 8 * size)) - 1)) == 0;
}

/* Reads a text that should hold `size` bytes. */
static bool get_groups(const alphabet *alphabet, rk_bytes text, uint8_t *out, size_t size) {
    for (size_t at = 0, group = 0; at < size; at += 3, group += 4) {
        size_t left = size - at;
        if (!get_group(alphabet, text.data + group, out + at, left < 3 ? left : 3)) return false;
    }
    return true;
}

static rk_status read_groups(const alphabet *alphabet, rk_arena *arena, rk_bytes text, size_t size,
                             rk_bytes *bytes_out) {
    uint8_t *bytes = rk_arena_take(arena, size);
    if (!bytes) return RK_NO_MEMORY;
    if (!get_groups(alphabet, text, bytes, size)) return RK_BAD_TEXT;
    *bytes_out = (rk_bytes){bytes, size};
    return RK_OK;
}

rk_status rk_base64_read(rk_arena *arena, rk_bytes text, rk_bytes *bytes_out) {
    *bytes_out = (rk_bytes){NULL, 0};
    if (text.size % 4 != 0) return RK_BAD_TEXT;
    if (text.size == 0) return RK_OK;
    size_t padding = text.data[text.size - 1] != '=' ? 0 : text.data[text.size - 2] != '=' ? 1 : 2;
    return read_groups(&standard, arena, text, text.size / 4 * 3 - padding, bytes_out);
}

rk_status rk_base64url_read(rk_arena *arena, rk_bytes text, rk_bytes *bytes_out) {
    *bytes_out = (rk_bytes){NULL, 0};
    size_t rest = text.size % 4;
    if (rest == 1) return RK_BAD_TEXT;
    if (text.size == 0) return RK_OK;
    return read_groups(&url, arena, text, text.size / 4 * 3 + (rest ? rest - 1 : 0), bytes_out);
}

void rk_base64url_write(rk_bytes bytes, char *out) {
    uint8_t group[4];
    for (size_t at = 0; at < bytes.size; at += 3, out += 4) {
        size_t left = bytes.size - at;
        size_t used = put_group(&url, group, bytes.data + at, left < 3 ? left : 3);
        memcpy(out, group, used);
    }
}

bool rk_base64url_read_exactly(rk_bytes text, uint8_t *out, size_t out_size) {
    return text.size == rk_base64url_size(out_size) && get_groups(&url, text, out, out_size);
}
