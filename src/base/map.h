/*
 * A hash map from bytes to pointers, for looking up; its memory is an arena's.
 *
 * Invariants
 *   (1) Entries are walked in the order in which their keys were first set, never in hash order.
 *   (2) The map borrows its keys and values.
 *   (3) Removing leaves a gap in the walk (NULL value), no other trace.
 */
#ifndef RK_BASE_MAP_H
#define RK_BASE_MAP_H

#include "base/arena.h"

typedef struct rk_map_entry {
    rk_bytes key;
    void *value; /* NULL: removed */
} rk_map_entry;

typedef struct rk_map_slot {
    uint32_t entry; /* its index + 1; 0: the slot is empty */
    uint32_t hash;  /* of its key */
} rk_map_slot;

typedef struct rk_map {
    rk_arena *arena;
    rk_map_entry *entries; /* in order of first setting */
    size_t entry_count;    /* with the removed ones */
    size_t entry_capacity;
    rk_map_slot *slots; /* a power of two of them */
    size_t slot_count;
} rk_map;

void rk_map_init(rk_map *map, rk_arena *arena);
/* NULL when the key is not there. */
void *rk_map_get(const rk_map *map, rk_bytes key);
/* `value` NULL removes. RK_NO_MEMORY is the only failure. */
RK_MUST_USE rk_status rk_map_set(rk_map *map, rk_bytes key, void *value);

#endif
