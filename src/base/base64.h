/*
 * Base64 (RFC 4648): the standard alphabet with padding (section 4), and base64url without (section 5), as JSON Web
 * Tokens have it.
 *
 * Invariants
 *   (1) Bytes have one text: reading takes what writing writes and nothing else. Blanks, line ends, missing padding and
 *       spare bits that are not zero are refused; in base64url padding is.
 */
#ifndef RK_BASE_BASE64_H
#define RK_BASE_BASE64_H

#include "base/buffer.h"

/* How long the text of `size` bytes is. */
size_t rk_base64_size(size_t size);
/* Appends the text. */
void rk_base64_append(rk_buffer *buffer, rk_bytes bytes);
/* The bytes of a text, in the arena. RK_BAD_TEXT when it is no base64, RK_NO_MEMORY. */
RK_MUST_USE rk_status rk_base64_read(rk_arena *arena, rk_bytes text, rk_bytes *bytes_out);

/* The same for base64url. */
size_t rk_base64url_size(size_t size);
void rk_base64url_append(rk_buffer *buffer, rk_bytes bytes);
RK_MUST_USE rk_status rk_base64url_read(rk_arena *arena, rk_bytes text, rk_bytes *bytes_out);
/* Without an arena: `out` has room for rk_base64url_size; reading takes the text of exactly out_size bytes. */
void rk_base64url_write(rk_bytes bytes, char *out);
bool rk_base64url_read_exactly(rk_bytes text, uint8_t *out, size_t out_size);

#endif
