/*
 * The value tree: making, finding, comparing, copying.
 *
 * Invariants
 *   (1) rk_value_compare orders as memcmp over the deterministic encodings would, without encoding.
 */
#include "core/value/value.h"

#include <string.h>

#include "core/value/cbor_head.h"

rk_value rk_null(void) {
    return (rk_value){.kind = RK_NULL};
}

rk_value rk_bool(bool boolean) {
    return (rk_value){.kind = RK_BOOL, .as.boolean = boolean};
}

rk_value rk_int(int64_t integer) {
    return (rk_value){.kind = RK_INT, .as.integer = integer};
}

rk_value rk_whole(uint64_t integer) {
    if (integer <= INT64_MAX) return rk_int((int64_t)integer);
    return (rk_value){.kind = RK_UINT, .as.uinteger = integer};
}

rk_value rk_double(double number) {
    return (rk_value){.kind = RK_DOUBLE, .as.number = number};
}

rk_value rk_bytes_value(rk_bytes bytes) {
    return (rk_value){.kind = RK_BYTES, .as.bytes = bytes};
}

rk_value rk_string(rk_bytes text) {
    return (rk_value){.kind = RK_STRING, .as.bytes = text};
}

rk_value rk_list(const rk_value *items, size_t count) {
    return (rk_value){.kind = RK_LIST, .as.list = {items, count}};
}

bool rk_is_text(const rk_value *value, rk_bytes text) {
    return value && value->kind == RK_STRING && rk_bytes_equal(value->as.bytes, text);
}

/* The shortest form of a larger argument is never before that of a smaller one, but for floats. */
static int compare_heads(rki_head a, rki_head b) {
    if (a.major != b.major) return a.major < b.major ? -1 : 1;
    if (a.float_size == 0 && b.float_size == 0) return (a.argument > b.argument) - (a.argument < b.argument);
    uint8_t a_bytes[RKI_HEAD_SIZE_MAX], b_bytes[RKI_HEAD_SIZE_MAX];
    size_t a_size = rki_head_put(a, a_bytes), b_size = rki_head_put(b, b_bytes);
    return rk_bytes_compare(rk_bytes_of(a_bytes, a_size), rk_bytes_of(b_bytes, b_size));
}

static int compare_lists(const rk_value *a, const rk_value *b) {
    for (size_t i = 0; i < a->as.list.count; i++) {
        int order = rk_value_compare(&a->as.list.items[i], &b->as.list.items[i]);
        if (order != 0) return order;
    }
    return 0;
}

static int compare_maps(const rk_value *a, const rk_value *b) {
    for (size_t i = 0; i < a->as.map.count; i++) {
        int order = rk_value_compare(&a->as.map.pairs[i].key, &b->as.map.pairs[i].key);
        if (order == 0) order = rk_value_compare(&a->as.map.pairs[i].value, &b->as.map.pairs[i].value);
        if (order != 0) return order;
    }
    return 0;
}

/* The shorter text is first: its length stands in the head. */
static int compare_texts(rk_bytes a, rk_bytes b) {
    return a.size == b.size ? rk_bytes_compare(a, b) : a.size < b.size ? -1 : 1;
}

int rk_value_compare(const rk_value *a, const rk_value *b) {
    if (a->kind == RK_STRING && b->kind == RK_STRING) return compare_texts(a->as.bytes, b->as.bytes);
    int order = compare_heads(rki_head_of(a), rki_head_of(b));
    if (order != 0) return order;
    /* Equal heads: the same major type, and the same length or count. */
    if (a->kind == RK_BYTES) return rk_bytes_compare(a->as.bytes, b->as.bytes);
    if (a->kind == RK_LIST) return compare_lists(a, b);
    if (a->kind == RK_MAP) return compare_maps(a, b);
    return 0;
}

bool rk_value_equal(const rk_value *a, const rk_value *b) {
    return rk_value_compare(a, b) == 0;
}

/* Merge sort: stable, no recursion deeper than log n, and no worst case that an attacker could choose. */
static void sort_pairs(rk_pair *pairs, rk_pair *spare, size_t count) {
    if (count < 2) return;
    size_t half = count / 2;
    sort_pairs(pairs, spare, half);
    sort_pairs(pairs + half, spare, count - half);
    memcpy(spare, pairs, half * sizeof *pairs);
    size_t left = 0, right = half, out = 0;
    while (left < half && right < count) {
        bool take_left = rk_value_compare(&spare[left].key, &pairs[right].key) <= 0;
        pairs[out++] = take_left ? spare[left++] : pairs[right++];
    }
    while (left < half) pairs[out++] = spare[left++];
}

static bool is_key_kind(rk_kind kind) {
    return kind == RK_INT || kind == RK_UINT || kind == RK_STRING || kind == RK_BOOL || kind == RK_BYTES;
}

rk_status rk_map_value(rk_arena *arena, rk_pair *pairs, size_t count, rk_value *map_out) {
    *map_out = rk_null();
    bool sorted = true;
    for (size_t i = 0; i < count; i++) {
        if (!is_key_kind(pairs[i].key.kind)) return RK_CBOR_UNSUPPORTED;
        if (i > 0 && rk_value_compare(&pairs[i - 1].key, &pairs[i].key) >= 0) sorted = false;
    }
    if (!sorted) {
        rk_pair *spare = rk_arena_take_array(arena, count / 2, sizeof *spare);
        if (!spare) return RK_NO_MEMORY;
        sort_pairs(pairs, spare, count);
        for (size_t i = 1; i < count; i++) {
            if (rk_value_equal(&pairs[i - 1].key, &pairs[i].key)) return RK_CBOR_ORDER;
        }
    }
    *map_out = (rk_value){.kind = RK_MAP, .as.map = {pairs, count}};
    return RK_OK;
}

const rk_value *rk_map_find_key(const rk_value *map, const rk_value *key) {
    if (!map || map->kind != RK_MAP) return NULL;
    size_t low = 0, high = map->as.map.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = rk_value_compare(&map->as.map.pairs[middle].key, key);
        if (order == 0) return &map->as.map.pairs[middle].value;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const rk_value *rk_map_find(const rk_value *map, rk_bytes key) {
    rk_value text = rk_string(key);
    return rk_map_find_key(map, &text);
}

const rk_value *rk_map_find_int(const rk_value *map, int64_t key) {
    rk_value integer = rk_int(key);
    return rk_map_find_key(map, &integer);
}

static rk_status copy_list(rk_arena *arena, const rk_value *value, rk_value *copy_out) {
    rk_value *items = rk_arena_take_array(arena, value->as.list.count, sizeof *items);
    if (!items) return RK_NO_MEMORY;
    for (size_t i = 0; i < value->as.list.count; i++) {
        RK_TRY(rk_value_copy(arena, &value->as.list.items[i], &items[i]));
    }
    copy_out->as.list.items = items;
    return RK_OK;
}

static rk_status copy_map(rk_arena *arena, const rk_value *value, rk_value *copy_out) {
    rk_pair *pairs = rk_arena_take_array(arena, value->as.map.count, sizeof *pairs);
    if (!pairs) return RK_NO_MEMORY;
    for (size_t i = 0; i < value->as.map.count; i++) {
        RK_TRY(rk_value_copy(arena, &value->as.map.pairs[i].key, &pairs[i].key));
        RK_TRY(rk_value_copy(arena, &value->as.map.pairs[i].value, &pairs[i].value));
    }
    copy_out->as.map.pairs = pairs;
    return RK_OK;
}

rk_status rk_value_copy(rk_arena *arena, const rk_value *value, rk_value *copy_out) {
    *copy_out = *value;
    switch (value->kind) {
    case RK_BYTES:
    case RK_STRING:
    case RK_TYPE:
        return rk_arena_copy(arena, value->as.bytes, &copy_out->as.bytes);
    case RK_LIST:
        return copy_list(arena, value, copy_out);
    case RK_MAP:
        return copy_map(arena, value, copy_out);
    case RK_OPTIONAL: {
        if (!value->as.optional) return RK_OK;
        rk_value *inner = rk_arena_take(arena, sizeof *inner);
        if (!inner) return RK_NO_MEMORY;
        copy_out->as.optional = inner;
        return rk_value_copy(arena, value->as.optional, inner);
    }
    default:
        return RK_OK;
    }
}
