/*
 * The arena: pieces cut from blocks that double in size, freed together.
 *
 * Invariants
 *   (1) Only the last block has room that is still given out.
 *   (2) A block is at least large enough for the piece that it was taken for.
 */
#include "base/arena.h"

#include <string.h>

enum {
    PIECE_ALIGNMENT = 16,
    BLOCK_SIZE_MIN = 1 << 10,
    BLOCK_SIZE_EVEN_MAX = 64 << 10, /* up to here a block is a power of two, so that one that was freed fits again */
    BLOCK_SIZE_DOUBLING_MAX = 1 << 20,
    ZEROED_SIZE_MIN = 2 << 20 /* the system gives out large blocks page by page, as they are touched */
};

struct rk_arena_block {
    rk_arena_block *before;
    size_t size;   /* of the whole block, this head included */
    size_t used;   /* likewise */
    size_t zeroed; /* 1: what was not given out is zero */
};

_Static_assert(sizeof(rk_arena_block) % PIECE_ALIGNMENT == 0, "the first piece of a block is aligned");

void rk_arena_init(rk_arena *arena, const rk_memory *memory, size_t size_max) {
    *arena = (rk_arena){.memory = memory, .size_max = size_max};
}

void rk_arena_free(rk_arena *arena) {
    for (rk_arena_block *block = arena->last; block;) {
        rk_arena_block *before = block->before;
        arena->memory->give(arena->memory->context, block, block->size);
        block = before;
    }
    arena->last = NULL;
    arena->used = 0;
}

static size_t rounded(size_t size) {
    return (size + PIECE_ALIGNMENT - 1) & ~(size_t)(PIECE_ALIGNMENT - 1);
}

static bool add_block(rk_arena *arena, size_t size) {
    size_t block_size = arena->last ? arena->last->size * 2 : BLOCK_SIZE_MIN;
    if (block_size > BLOCK_SIZE_DOUBLING_MAX) block_size = BLOCK_SIZE_DOUBLING_MAX;
    while (block_size < size + sizeof(rk_arena_block) && block_size < BLOCK_SIZE_EVEN_MAX) block_size *= 2;
    if (block_size < size + sizeof(rk_arena_block)) block_size = size + sizeof(rk_arena_block);
    const rk_memory *memory = arena->memory;
    bool zeroed = memory->take_zeroed && block_size >= ZEROED_SIZE_MIN;
    rk_arena_block *block = (zeroed ? memory->take_zeroed : memory->take)(memory->context, block_size);
    if (!block) return false;
    *block = (rk_arena_block){.before = arena->last, .size = block_size, .used = sizeof *block, .zeroed = zeroed};
    arena->last = block;
    return true;
}

void *rk_arena_take(rk_arena *arena, size_t size) {
    if (size > arena->size_max - arena->used) return NULL;
    size_t piece_size = rounded(size);
    rk_arena_block *block = arena->last;
    if (!block || block->size - block->used < piece_size) {
        if (!add_block(arena, piece_size)) return NULL;
        block = arena->last;
    }
    uint8_t *piece = (uint8_t *)block + block->used;
    block->used += piece_size;
    arena->used += size;
    if (!block->zeroed) memset(piece, 0, piece_size);
    return piece;
}

void *rk_arena_take_array(rk_arena *arena, size_t count, size_t size) {
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) return NULL;
    return rk_arena_take(arena, total);
}

void *rk_arena_grow(rk_arena *arena, void *piece, size_t old_size, size_t new_size) {
    if (!piece || old_size == 0) return rk_arena_take(arena, new_size);
    RK_ASSERT(new_size >= old_size);
    rk_arena_block *block = arena->last;
    size_t old_piece = rounded(old_size), new_piece = rounded(new_size);
    bool is_last = (uint8_t *)piece + old_piece == (uint8_t *)block + block->used;
    if (is_last && new_size - old_size <= arena->size_max - arena->used &&
        new_piece - old_piece <= block->size - block->used) {
        memset((uint8_t *)piece + old_size, 0, new_piece - old_size);
        block->used += new_piece - old_piece;
        arena->used += new_size - old_size;
        return piece;
    }
    void *grown = rk_arena_take(arena, new_size);
    if (grown) memcpy(grown, piece, old_size);
    return grown;
}

rk_status rk_arena_copy(rk_arena *arena, rk_bytes bytes, rk_bytes *copy_out) {
    *copy_out = (rk_bytes){NULL, 0};
    uint8_t *copy = rk_arena_take(arena, bytes.size);
    if (!copy) return RK_NO_MEMORY;
    if (bytes.size) memcpy(copy, bytes.data, bytes.size);
    *copy_out = (rk_bytes){copy, bytes.size};
    return RK_OK;
}

char *rk_arena_string(rk_arena *arena, rk_bytes bytes) {
    char *copy = rk_arena_take(arena, bytes.size + 1);
    if (copy && bytes.size) memcpy(copy, bytes.data, bytes.size);
    return copy;
}

rk_bytes rk_arena_format(rk_arena *arena, const char *format, ...) {
    char text[1024];
    va_list list;
    va_start(list, format);
    size_t size = rk_format_list(text, sizeof text, format, list);
    va_end(list);
    rk_bytes copy = {NULL, 0};
    return rk_arena_copy(arena, rk_bytes_of(text, size), &copy) == RK_OK ? copy : (rk_bytes){NULL, 0};
}

const rk_memory *rk_arena_memory(const rk_arena *arena) {
    return arena->memory;
}

size_t rk_arena_used(const rk_arena *arena) {
    return arena->used;
}

size_t rk_arena_held(const rk_arena *arena) {
    size_t size = 0;
    for (const rk_arena_block *block = arena->last; block; block = block->before) size += block->size;
    return size;
}
