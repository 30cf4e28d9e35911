/*
 * Maps with room: the capacity is the power of two that holds the count, at least 4.
 */
#include "core/reduce/plain.h"

#include <string.h>

enum { CAPACITY_MIN = 4 };

static size_t capacity_of(size_t count) {
    size_t capacity = CAPACITY_MIN;
    while (capacity < count) capacity *= 2;
    return count ? capacity : 0;
}

/* The pairs of a map that a slot holds are the slot's own, to be written. */
static rk_pair *own_pairs(rk_value *map) {
    return (rk_pair *)(uintptr_t)map->as.map.pairs;
}

static rk_status copy_map(rk_arena *arena, const rk_value *map, rk_value *copy_out) {
    size_t count = map->as.map.count;
    rk_pair *pairs = rk_arena_take_array(arena, capacity_of(count), sizeof *pairs);
    if (!pairs) return RK_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        RK_TRY(rk_value_copy(arena, &map->as.map.pairs[i].key, &pairs[i].key));
        RK_TRY(rki_plain_copy(arena, &map->as.map.pairs[i].value, &pairs[i].value));
    }
    copy_out->as.map.pairs = pairs;
    return RK_OK;
}

rk_status rki_plain_copy(rk_arena *arena, const rk_value *value, rk_value *copy_out) {
    *copy_out = *value;
    return value->kind == RK_MAP ? copy_map(arena, value, copy_out) : rk_value_copy(arena, value, copy_out);
}

/* Where the key stands in the map, or would. */
static size_t find_key(const rk_value *map, const rk_value *key, bool *there_out) {
    size_t low = 0, high = map->as.map.count;
    *there_out = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = rk_value_compare(&map->as.map.pairs[middle].key, key);
        if (order == 0) return *there_out = true, middle;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static rk_status insert(rk_arena *arena, rk_value *map, size_t at, const rk_pair *pair) {
    size_t count = map->as.map.count;
    rk_pair *pairs = own_pairs(map);
    if (count == capacity_of(count)) {
        rk_pair *grown = rk_arena_take_array(arena, capacity_of(count + 1), sizeof *grown);
        if (!grown) return RK_NO_MEMORY;
        if (count) memcpy(grown, pairs, count * sizeof *pairs);
        pairs = grown;
    }
    memmove(&pairs[at + 1], &pairs[at], (count - at) * sizeof *pairs);
    pairs[at] = *pair;
    map->as.map.pairs = pairs;
    map->as.map.count = count + 1;
    return RK_OK;
}

/* `value` within a new map for each key. */
static rk_status nest(rk_arena *arena, const rk_value *keys, size_t key_count, const rk_value *value,
                      rk_value *nested_out) {
    *nested_out = *value;
    for (size_t i = key_count; i > 0; i--) {
        rk_value map = {.kind = RK_MAP};
        rk_pair pair = {.value = *nested_out};
        RK_TRY(rk_value_copy(arena, &keys[i - 1], &pair.key));
        RK_TRY(insert(arena, &map, 0, &pair));
        *nested_out = map;
    }
    return RK_OK;
}

rk_status rki_plain_set(rk_arena *arena, rk_value *root, const rk_value *keys, size_t key_count, const rk_value *value,
                        rki_plain_undo *undo_out) {
    rk_value *at = root;
    size_t depth = 0;
    while (depth < key_count && at->kind == RK_MAP) {
        bool there = false;
        size_t index = find_key(at, &keys[depth], &there);
        if (!there) {
            rk_pair pair;
            RK_TRY(rk_value_copy(arena, &keys[depth], &pair.key));
            RK_TRY(nest(arena, keys + depth + 1, key_count - depth - 1, value, &pair.value));
            *undo_out = (rki_plain_undo){.kind = RKI_PLAIN_INSERTED, .keys = keys, .depth = depth};
            return insert(arena, at, index, &pair);
        }
        at = &own_pairs(at)[index].value;
        depth++;
    }
    if (depth < key_count && at->kind != RK_NULL) return RK_EXPRESSION_FAILED;
    rk_value nested;
    RK_TRY(nest(arena, keys + depth, key_count - depth, value, &nested));
    *undo_out = (rki_plain_undo){.kind = RKI_PLAIN_REPLACED, .keys = keys, .depth = depth, .before = *at};
    *at = nested;
    return RK_OK;
}

static void close_gap(rk_value *map, size_t index) {
    rk_pair *pairs = own_pairs(map);
    memmove(&pairs[index], &pairs[index + 1], (map->as.map.count - index - 1) * sizeof *pairs);
    map->as.map.count--;
}

void rki_plain_remove(rk_value *root, const rk_value *keys, size_t key_count, rki_plain_undo *undo_out) {
    rk_value *at = root;
    *undo_out = (rki_plain_undo){.kind = RKI_PLAIN_NOTHING};
    for (size_t i = 0; i < key_count; i++) {
        bool there = false;
        size_t index = at->kind == RK_MAP ? find_key(at, &keys[i], &there) : 0;
        if (!there) return;
        rk_pair *pair = &own_pairs(at)[index];
        if (i + 1 == key_count) {
            *undo_out = (rki_plain_undo){
                .kind = RKI_PLAIN_REMOVED, .keys = keys, .depth = i, .key = pair->key, .before = pair->value};
            close_gap(at, index);
            return;
        }
        at = &pair->value;
    }
}

/* The map had one pair more: there is room. */
static void put_back(rk_value *map, const rki_plain_undo *undo) {
    bool there = false;
    size_t index = find_key(map, &undo->key, &there);
    rk_pair *pairs = own_pairs(map);
    memmove(&pairs[index + 1], &pairs[index], (map->as.map.count - index) * sizeof *pairs);
    pairs[index] = (rk_pair){undo->key, undo->before};
    map->as.map.count++;
}

void rki_plain_take_back(rk_value *root, const rki_plain_undo *undo) {
    rk_value *at = root;
    bool there = false;
    for (size_t i = 0; i < undo->depth; i++) at = &own_pairs(at)[find_key(at, &undo->keys[i], &there)].value;
    if (undo->kind == RKI_PLAIN_REPLACED) *at = undo->before;
    if (undo->kind == RKI_PLAIN_INSERTED) close_gap(at, find_key(at, &undo->keys[undo->depth], &there));
    if (undo->kind == RKI_PLAIN_REMOVED) put_back(at, undo);
}
