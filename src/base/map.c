/*
 * The hash map: FNV-1a over the key, linear probing, at most half full.
 */
#include "base/map.h"

#include <string.h>

enum { SLOTS_MIN = 16 };

void rk_map_init(rk_map *map, rk_arena *arena) {
    *map = (rk_map){.arena = arena};
}

static size_t hash_of(rk_bytes key) {
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < key.size; i++) hash = (hash ^ key.data[i]) * 0x100000001b3U;
    return (size_t)(hash ^ hash >> 32);
}

/* The slot that holds `key`, or the empty one where it would go. There is always an empty one. */
static size_t slot_of(const rk_map *map, rk_bytes key) {
    size_t slot = hash_of(key) & (map->slot_count - 1);
    while (map->slots[slot] && !rk_bytes_equal(map->entries[map->slots[slot] - 1].key, key)) {
        slot = (slot + 1) & (map->slot_count - 1);
    }
    return slot;
}

void *rk_map_get(const rk_map *map, rk_bytes key) {
    if (map->slot_count == 0) return NULL;
    uint32_t index = map->slots[slot_of(map, key)];
    return index ? map->entries[index - 1].value : NULL;
}

static rk_status grow(rk_map *map) {
    size_t capacity = map->entry_capacity ? map->entry_capacity * 2 : SLOTS_MIN / 2;
    rk_map_entry *entries =
        rk_arena_grow(map->arena, map->entries, map->entry_capacity * sizeof *entries, capacity * sizeof *entries);
    uint32_t *slots = rk_arena_take_array(map->arena, capacity * 2, sizeof *slots);
    if (!entries || !slots) return RK_NO_MEMORY;
    map->entries = entries;
    map->entry_capacity = capacity;
    map->slots = slots;
    map->slot_count = capacity * 2;
    for (size_t i = 0; i < map->entry_count; i++) slots[slot_of(map, entries[i].key)] = (uint32_t)i + 1;
    return RK_OK;
}

rk_status rk_map_set(rk_map *map, rk_bytes key, void *value) {
    if (map->entry_count == map->entry_capacity) RK_TRY(grow(map));
    size_t slot = slot_of(map, key);
    if (map->slots[slot]) {
        map->entries[map->slots[slot] - 1].value = value;
        return RK_OK;
    }
    map->entries[map->entry_count++] = (rk_map_entry){key, value};
    map->slots[slot] = (uint32_t)map->entry_count;
    return RK_OK;
}
