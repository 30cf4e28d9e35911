/*
 * Comparing bytes, big-endian integers, UTF-8, hex and the message formatter.
 *
 * Invariants
 *   (1) No function reads past what it was handed or depends on a locale.
 */
#include "base/bytes.h"

#include <string.h>

rk_bytes rk_bytes_of(const void *data, size_t size) {
    return (rk_bytes){data, size};
}

rk_bytes rk_bytes_of_string(const char *string) {
    return (rk_bytes){(const uint8_t *)string, strlen(string)};
}

bool rk_bytes_equal(rk_bytes a, rk_bytes b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int rk_bytes_compare(rk_bytes a, rk_bytes b) {
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    if (order != 0) return order;
    return (a.size > b.size) - (a.size < b.size);
}

bool rk_bytes_starts_with(rk_bytes text, rk_bytes prefix) {
    return text.size >= prefix.size && rk_bytes_equal((rk_bytes){text.data, prefix.size}, prefix);
}

size_t rk_bytes_find(rk_bytes text, uint8_t byte) {
    const uint8_t *found = text.size ? memchr(text.data, byte, text.size) : NULL;
    return found ? (size_t)(found - text.data) : text.size;
}

rk_bytes rk_bytes_from(rk_bytes text, size_t offset) {
    if (offset >= text.size) return (rk_bytes){NULL, 0};
    return (rk_bytes){text.data + offset, text.size - offset};
}

/* Without a loop, so that compilers see that it is one load and one swap. */
uint64_t rk_get_u64(const uint8_t in[8]) {
    return (uint64_t)in[0] << 56 | (uint64_t)in[1] << 48 | (uint64_t)in[2] << 40 | (uint64_t)in[3] << 32 |
           (uint64_t)in[4] << 24 | (uint64_t)in[5] << 16 | (uint64_t)in[6] << 8 | in[7];
}

void rk_put_u64(uint8_t out[8], uint64_t value) {
    for (size_t i = 0; i < 8; i++) out[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* How many bytes follow a lead byte, and the least code point that needs that many; 4 for what leads nothing. */
static size_t utf8_tail(uint8_t lead, uint32_t *bits_out, uint32_t *least_out) {
    if (lead < 0x80) return *bits_out = lead, *least_out = 0, 0;
    if (lead >= 0xC2 && lead < 0xE0) return *bits_out = lead & 0x1FU, *least_out = 0x80, 1;
    if (lead >= 0xE0 && lead < 0xF0) return *bits_out = lead & 0x0FU, *least_out = 0x800, 2;
    if (lead >= 0xF0 && lead < 0xF5) return *bits_out = lead & 0x07U, *least_out = 0x10000, 3;
    return 4;
}

bool rk_utf8_next(rk_bytes text, size_t *offset, uint32_t *point_out) {
    *point_out = 0;
    if (*offset >= text.size) return false;
    uint32_t point = 0, least = 0;
    size_t tail = utf8_tail(text.data[*offset], &point, &least);
    if (tail > 3 || text.size - *offset - 1 < tail) return false;
    for (size_t i = 1; i <= tail; i++) {
        uint8_t byte = text.data[*offset + i];
        if ((byte & 0xC0) != 0x80) return false;
        point = point << 6 | (byte & 0x3FU);
    }
    if (point < least || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
    *offset += tail + 1;
    *point_out = point;
    return true;
}

bool rk_utf8_valid(rk_bytes text) {
    uint32_t point = 0;
    for (size_t offset = 0; offset < text.size;) {
        uint64_t word = 0;
        if (text.size - offset >= sizeof word) memcpy(&word, text.data + offset, sizeof word);
        if (text.size - offset >= sizeof word && !(word & UINT64_C(0x8080808080808080))) {
            offset += sizeof word;
        } else if (text.data[offset] < 0x80) {
            offset++;
        } else if (!rk_utf8_next(text, &offset, &point)) {
            return false;
        }
    }
    return true;
}

size_t rk_utf8_count(rk_bytes text) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) count += (text.data[i] & 0xC0) != 0x80;
    return count;
}

size_t rk_utf8_offset(rk_bytes text, size_t index) {
    for (size_t i = 0; i < text.size; i++) {
        if ((text.data[i] & 0xC0) != 0x80 && index-- == 0) return i;
    }
    return text.size;
}

size_t rk_utf8_put(uint8_t out[4], uint32_t point) {
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t tail = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (uint8_t)(leads[tail] | point >> (6 * tail));
    for (size_t i = 1; i <= tail; i++) out[i] = (uint8_t)(0x80 | (point >> (6 * (tail - i)) & 0x3F));
    return tail + 1;
}

static const char hex_digits[] = "0123456789abcdef";

void rk_hex_write(rk_bytes bytes, char *out) {
    for (size_t i = 0; i < bytes.size; i++) {
        out[2 * i] = hex_digits[bytes.data[i] >> 4];
        out[2 * i + 1] = hex_digits[bytes.data[i] & 15];
    }
}

static int hex_value(uint8_t digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

bool rk_hex_read(rk_bytes hex, uint8_t *out, size_t out_size) {
    if (hex.size != 2 * out_size) return false;
    for (size_t i = 0; i < out_size; i++) {
        int high = hex_value(hex.data[2 * i]), low = hex_value(hex.data[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Where the formatter writes: `length` may be called beyond `size`, the bytes there are dropped. */
typedef struct sink {
    char *out;
    size_t size; /* without the NUL's place */
    size_t length;
    bool full;
} sink;

static void sink_bytes(sink *sink, rk_bytes bytes) {
    if (sink->full) return;
    size_t room = sink->size - sink->length;
    size_t take = bytes.size;
    if (take > room) {
        take = room;
        while (take > 0 && (bytes.data[take] & 0xC0) == 0x80) take--;
        sink->full = true;
    }
    if (take) memcpy(sink->out + sink->length, bytes.data, take);
    sink->length += take;
}

static void sink_unsigned(sink *sink, uint64_t value, bool negative) {
    uint8_t digits[21];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value);
    if (negative) digits[--at] = '-';
    sink_bytes(sink, (rk_bytes){digits + at, sizeof digits - at});
}

static void sink_hex(sink *sink, rk_bytes bytes) {
    if (!sink->full && bytes.size <= (sink->size - sink->length) / 2) {
        rk_hex_write(bytes, sink->out + sink->length);
        sink->length += 2 * bytes.size;
        return;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        char pair[2];
        rk_hex_write((rk_bytes){bytes.data + i, 1}, pair);
        sink_bytes(sink, rk_bytes_of(pair, 2));
    }
}

size_t rk_format_list(char *out, size_t out_size, const char *format, va_list list) {
    if (out_size == 0) return 0;
    sink sink = {out, out_size - 1, 0, false};
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            const char *next = strchr(at, '%');
            size_t plain = next ? (size_t)(next - at) : strlen(at);
            sink_bytes(&sink, rk_bytes_of(at, plain));
            at += plain - 1;
            continue;
        }
        at++;
        if (*at == 's') {
            sink_bytes(&sink, rk_bytes_of_string(va_arg(list, const char *)));
        } else if (*at == 'b') {
            sink_bytes(&sink, va_arg(list, rk_bytes));
        } else if (*at == 'x') {
            sink_hex(&sink, va_arg(list, rk_bytes));
        } else if (*at == 'u') {
            sink_unsigned(&sink, va_arg(list, uint64_t), false);
        } else if (*at == 'd') {
            int64_t value = va_arg(list, int64_t);
            sink_unsigned(&sink, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
        } else if (*at == '%') {
            sink_bytes(&sink, RK_TEXT("%"));
        } else {
            break;
        }
    }
    out[sink.length] = 0;
    return sink.length;
}

size_t rk_format(char *out, size_t out_size, const char *format, ...) {
    va_list list;
    va_start(list, format);
    size_t length = rk_format_list(out, out_size, format, list);
    va_end(list);
    return length;
}
