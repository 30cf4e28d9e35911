/*
 * Base64 (RFC 4648 section 4): the standard alphabet, with padding.
 *
 * Invariants
 *   (1) Bytes have one text: reading takes what writing writes and nothing else. Blanks, line ends, missing padding and
 *       spare bits that are not zero are refused.
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

#endif
