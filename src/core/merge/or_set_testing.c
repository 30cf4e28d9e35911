/* The naive set. */
#include "core/merge/or_set_testing.h"

#include <stdlib.h>
#include <string.h>

#include "core/value/cbor.h"

void naive_set_insert(naive_set *set, rk_value value, rk_id event, uint32_t n) {
    if (set->count == set->capacity) {
        size_t capacity = set->capacity * 2 + 16;
        size_t size = sizeof *set->inserts;
        set->inserts = rk_arena_grow(set->arena, set->inserts, set->capacity * size, capacity * size);
        set->capacity = capacity;
    }
    naive_insert insert = {.value = value, .event = event, .n = n};
    RK_ASSERT(rk_cbor_encode(set->arena, &value, 1 << 20, &insert.bytes) == RK_OK);
    set->inserts[set->count++] = insert;
}

static naive_insert *find(const naive_set *set, rk_id event, uint32_t n) {
    for (size_t i = set->count; i-- > 0;) {
        naive_insert *one = &set->inserts[i];
        if (one->event.stamp == event.stamp && one->event.replica == event.replica && one->n == n) return one;
    }
    return NULL;
}

bool naive_set_knows(const naive_set *set, rk_id event, uint32_t n) {
    return find(set, event, n) != NULL;
}

bool naive_set_remove(naive_set *set, rk_id event, uint32_t n) {
    naive_insert *one = find(set, event, n);
    if (one) one->removed = true;
    return one != NULL;
}

static int by_bytes(const void *left, const void *right) {
    const naive_insert *a = left, *b = right;
    size_t size = a->bytes.size < b->bytes.size ? a->bytes.size : b->bytes.size;
    int order = memcmp(a->bytes.data, b->bytes.data, size);
    if (order != 0) return order;
    if (a->bytes.size != b->bytes.size) return a->bytes.size < b->bytes.size ? -1 : 1;
    if (a->event.stamp != b->event.stamp) return a->event.stamp < b->event.stamp ? -1 : 1;
    if (a->event.replica != b->event.replica) return a->event.replica < b->event.replica ? -1 : 1;
    return a->n < b->n ? -1 : a->n > b->n;
}

naive_insert *naive_set_remaining(const naive_set *set, rk_arena *arena, size_t *count_out) {
    naive_insert *left = rk_arena_take_array(arena, set->count, sizeof *left);
    *count_out = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (!set->inserts[i].removed) left[(*count_out)++] = set->inserts[i];
    }
    if (*count_out > 1) qsort(left, *count_out, sizeof *left, by_bytes);
    return left;
}

static bool same_value(const naive_insert *a, const naive_insert *b) {
    return a->bytes.size == b->bytes.size && memcmp(a->bytes.data, b->bytes.data, a->bytes.size) == 0;
}

static rk_value dot_value(rk_arena *arena, const naive_insert *insert) {
    uint8_t *dot = rk_arena_take(arena, 20);
    for (int i = 0; i < 8; i++) dot[i] = (uint8_t)(insert->event.stamp >> (56 - 8 * i));
    for (int i = 0; i < 8; i++) dot[8 + i] = (uint8_t)(insert->event.replica >> (56 - 8 * i));
    for (int i = 0; i < 4; i++) dot[16 + i] = (uint8_t)(insert->n >> (24 - 8 * i));
    return rk_bytes_value((rk_bytes){dot, 20});
}

rk_bytes naive_set_state(const naive_set *set, rk_arena *arena) {
    size_t count, element_count = 0;
    naive_insert *left = naive_set_remaining(set, arena, &count);
    rk_value *elements = rk_arena_take_array(arena, count, sizeof *elements);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && same_value(&left[i], &left[end]);) end++;
        rk_value *items = rk_arena_take_array(arena, 1 + end - i, sizeof *items);
        items[0] = left[i].value;
        for (size_t j = i; j < end; j++) items[1 + j - i] = dot_value(arena, &left[j]);
        elements[element_count++] = rk_list(items, 1 + end - i);
    }
    rk_value list = rk_list(elements, element_count);
    rk_bytes state;
    RK_ASSERT(rk_cbor_encode(arena, &list, 1 << 26, &state) == RK_OK);
    return state;
}
