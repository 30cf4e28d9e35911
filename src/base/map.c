/*
 * The hash map: linear probing, at most half full. A key's hash stands in its slot, so that other keys are not read on
 * the way.
 */
#include "base/map.h"

#include <string.h>

enum { SLOTS_MIN = 16 };

void rk_map_init(rk_map *map, rk_arena *arena) {
    *map = (rk_map){.arena = arena};
}

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 32;
}

/* Eight bytes at a time. */
static uint32_t hash_of(rk_bytes key) {
    uint64_t hash = key.size, word = 0;
    size_t at = 0;
    for (; key.size - at >= sizeof word; at += sizeof word) {
        memcpy(&word, key.data + at, sizeof word);
        hash = mix(hash, word);
    }
    for (word = 0; at < key.size; at++) word = word << 8 | key.data[at];
    return (uint32_t)mix(hash, word);
}

static bool has_key(const rk_map *map, rk_map_slot slot, rk_bytes key, uint32_t hash) {
    return slot.hash == hash && rk_bytes_equal(map->entries[slot.entry - 1].key, key);
}

/* The slot that holds `key`, or the empty one where it would go. There is always an empty one. */
static rk_map_slot *slot_of(const rk_map *map, rk_bytes key, uint32_t hash) {
    size_t at = hash & (map->slot_count - 1);
    while (map->slots[at].entry && !has_key(map, map->slots[at], key, hash)) at = (at + 1) & (map->slot_count - 1);
    return &map->slots[at];
}

void *rk_map_get(const rk_map *map, rk_bytes key) {
    if (map->slot_count == 0) return NULL;
    uint32_t entry = slot_of(map, key, hash_of(key))->entry;
    return entry ? map->entries[entry - 1].value : NULL;
}

static void move_slot(rk_map *map, rk_map_slot slot) {
    size_t at = slot.hash & (map->slot_count - 1);
    while (map->slots[at].entry) at = (at + 1) & (map->slot_count - 1);
    map->slots[at] = slot;
}

static rk_status grow(rk_map *map) {
    size_t capacity = map->entry_capacity ? map->entry_capacity * 2 : SLOTS_MIN / 2, old_count = map->slot_count;
    const rk_map_slot *old = map->slots;
    rk_map_entry *entries =
        rk_arena_grow(map->arena, map->entries, map->entry_capacity * sizeof *entries, capacity * sizeof *entries);
    rk_map_slot *slots = rk_arena_take_array(map->arena, capacity * 2, sizeof *slots);
    if (!entries || !slots) return RK_NO_MEMORY;
    map->entries = entries;
    map->entry_capacity = capacity;
    map->slots = slots;
    map->slot_count = capacity * 2;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].entry) move_slot(map, old[i]);
    }
    return RK_OK;
}

rk_status rk_map_set(rk_map *map, rk_bytes key, void *value) {
    if (map->entry_count == map->entry_capacity) RK_TRY(grow(map));
    uint32_t hash = hash_of(key);
    rk_map_slot *slot = slot_of(map, key, hash);
    if (slot->entry) {
        map->entries[slot->entry - 1].value = value;
        return RK_OK;
    }
    map->entries[map->entry_count++] = (rk_map_entry){key, value};
    *slot = (rk_map_slot){(uint32_t)map->entry_count, hash};
    return RK_OK;
}
