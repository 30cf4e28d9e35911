/*
 * Memory that is handed in.
 *
 * An rk_memory is where blocks come from (the C library in a process, linear memory in WebAssembly). An rk_arena takes
 * blocks from it and gives out pieces; all pieces are freed together. One arena for what ends with the call, one for
 * each owner that lives on (a document, a cache, a program).
 *
 * Invariants
 *   (1) A piece is zeroed and aligned to 16 bytes.
 *   (2) An arena never holds more than `size_max` bytes of pieces; past that it answers NULL, as when memory ran out.
 *   (3) Nothing in base or core takes memory in another way.
 */
#ifndef RK_BASE_ARENA_H
#define RK_BASE_ARENA_H

#include "base/status.h"

typedef struct rk_memory {
    void *(*take)(void *context, size_t size); /* NULL when there is none; not zeroed */
    void (*give)(void *context, void *block, size_t size);
    void *context;
    void *(*take_zeroed)(void *context, size_t size); /* for large blocks, touching none of it; NULL: there is none */
} rk_memory;

typedef struct rk_arena_block rk_arena_block;

/* Embedded by value; the fields are the arena's own. */
typedef struct rk_arena {
    const rk_memory *memory;
    rk_arena_block *last;
    size_t used;
    size_t size_max;
} rk_arena;

void rk_arena_init(rk_arena *arena, const rk_memory *memory, size_t size_max);
/* Frees every piece; the arena may be used again. */
void rk_arena_free(rk_arena *arena);
/* A zeroed piece, or NULL. A size of 0 gives a piece that must not be read. */
void *rk_arena_take(rk_arena *arena, size_t size);
/* `count` items of `size` bytes each; NULL too when the product overflows. */
void *rk_arena_take_array(rk_arena *arena, size_t count, size_t size);
/* A larger piece with the same beginning; the old one must not be used any more. In place where it was the last. */
void *rk_arena_grow(rk_arena *arena, void *piece, size_t old_size, size_t new_size);
/* A copy that lives in the arena; `copy_out` is empty on failure. */
RK_MUST_USE rk_status rk_arena_copy(rk_arena *arena, rk_bytes bytes, rk_bytes *copy_out);
/* A NUL-ended copy, for the C library's sake; NULL when memory ran out. */
char *rk_arena_string(rk_arena *arena, rk_bytes bytes);
/* Formats (rk_format) into the arena, cut at 1023 bytes; empty when memory ran out. */
rk_bytes rk_arena_format(rk_arena *arena, const char *format, ...);
/* Where it takes its blocks from. */
const rk_memory *rk_arena_memory(const rk_arena *arena);
/* Bytes in pieces now. */
size_t rk_arena_used(const rk_arena *arena);
/* Bytes that it has from the memory below: more than is in pieces. */
size_t rk_arena_held(const rk_arena *arena);

#endif
