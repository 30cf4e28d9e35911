/*
 * Bytes and text: a pointer and a length, never NUL-ended.
 *
 * Invariants
 *   (1) `data` may be NULL only when `size` is 0.
 *   (2) An rk_bytes never owns what it points to.
 */
#ifndef RK_BASE_BYTES_H
#define RK_BASE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rk_bytes {
    const uint8_t *data;
    size_t size;
} rk_bytes;

/* A string literal as bytes, without its final NUL. */
#define RK_TEXT(literal) ((rk_bytes){(const uint8_t *)("" literal), sizeof(literal) - 1})

rk_bytes rk_bytes_of(const void *data, size_t size);
/* A NUL-ended string of the C library or the command line as bytes. */
rk_bytes rk_bytes_of_string(const char *string);
bool rk_bytes_equal(rk_bytes a, rk_bytes b);
/* Bytewise order, a prefix before what it begins: less than 0, 0, more than 0. */
int rk_bytes_compare(rk_bytes a, rk_bytes b);
bool rk_bytes_starts_with(rk_bytes text, rk_bytes prefix);
/* The offset of the first `byte` in `text`, or text.size when there is none. */
size_t rk_bytes_find(rk_bytes text, uint8_t byte);
/* The bytes from `offset` on; the empty end when offset is past it. */
rk_bytes rk_bytes_from(rk_bytes text, size_t offset);

/* Big-endian integers, so that byte order is number order. */
uint64_t rk_get_u64(const uint8_t in[8]);
void rk_put_u64(uint8_t out[8], uint64_t value);

/*
 * UTF-8 (RFC 3629): overlong forms, surrogates and code points above U+10FFFF are refused.
 * rk_utf8_next decodes the code point at *offset and moves past it; false at an ill-formed sequence or the end.
 * rk_utf8_count counts code points; text must be valid. rk_utf8_offset gives the byte offset of code point `index`
 * (text.size at or past the end); text must be valid.
 */
bool rk_utf8_next(rk_bytes text, size_t *offset, uint32_t *point_out);
bool rk_utf8_valid(rk_bytes text);
size_t rk_utf8_count(rk_bytes text);
size_t rk_utf8_offset(rk_bytes text, size_t index);
/* Writes one code point (at most 4 bytes), returns its length. The point must be a scalar value. */
size_t rk_utf8_put(uint8_t out[4], uint32_t point);

/*
 * Formatting without the C library's stdio, for messages. Directives: %s NUL-ended string, %b rk_bytes as text,
 * %x rk_bytes as lower-case hex, %u uint64_t, %d int64_t, %% a percent sign. Always NUL-ended, cut where the
 * buffer ends (never inside a UTF-8 sequence). Returns the length without the NUL.
 */
size_t rk_format(char *out, size_t out_size, const char *format, ...);
size_t rk_format_list(char *out, size_t out_size, const char *format, va_list list);

/* Lower-case hex, two digits a byte. `out` has room for 2 * size. Reading takes both cases, false on anything else. */
void rk_hex_write(rk_bytes bytes, char *out);
bool rk_hex_read(rk_bytes hex, uint8_t *out, size_t out_size);

#endif
