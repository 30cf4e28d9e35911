/*
 * A capped buffer of bytes that grows in an arena.
 *
 * Invariants
 *   (1) size <= size_max, always.
 *   (2) The first append that does not fit sets `status`; every later one does nothing. A writer may therefore append
 *       many times and ask once, with rk_buffer_finish.
 */
#ifndef RK_BASE_BUFFER_H
#define RK_BASE_BUFFER_H

#include "base/arena.h"

typedef struct rk_buffer {
    rk_arena *arena;
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t size_max;
    rk_status status; /* RK_OK, RK_LIMIT or RK_NO_MEMORY */
} rk_buffer;

void rk_buffer_init(rk_buffer *buffer, rk_arena *arena, size_t size_max);
void rk_buffer_append(rk_buffer *buffer, rk_bytes bytes);
void rk_buffer_append_byte(rk_buffer *buffer, uint8_t byte);
/* What was appended, borrowed from the arena, and the status of all appends together. */
RK_MUST_USE rk_status rk_buffer_finish(const rk_buffer *buffer, rk_bytes *bytes_out);

#endif
