/*
 * uniqueItems: sorts pointers to the items, and ends at the first two that are equal.
 *
 * A merge sort: each comparison reads no more than the smaller of two items, and one of them then leaves the merge, so
 * that a level reads the list once. Duplicates, which alone could be long and equal, end it.
 */
#include "core/module/schema_tree.h"

static int sign_of(size_t a, size_t b) {
    return (a > b) - (a < b);
}

static int compare(const rk_value *a, const rk_value *b);

static int compare_lists(const rk_value *a, const rk_value *b) {
    for (size_t i = 0; i < a->as.list.count && i < b->as.list.count; i++) {
        int order = compare(&a->as.list.items[i], &b->as.list.items[i]);
        if (order != 0) return order;
    }
    return sign_of(a->as.list.count, b->as.list.count);
}

static int compare_maps(const rk_value *a, const rk_value *b) {
    for (size_t i = 0; i < a->as.map.count && i < b->as.map.count; i++) {
        int order = rk_value_compare(&a->as.map.pairs[i].key, &b->as.map.pairs[i].key);
        if (order == 0) order = compare(&a->as.map.pairs[i].value, &b->as.map.pairs[i].value);
        if (order != 0) return order;
    }
    return sign_of(a->as.map.count, b->as.map.count);
}

static bool is_number(const rk_value *value) {
    return value->kind == RK_INT || value->kind == RK_UINT || value->kind == RK_DOUBLE;
}

static bool is_nan(const rk_value *value) {
    return value->kind == RK_DOUBLE && value->as.number != value->as.number;
}

/* NaN, which no JSON has, stands first. */
static int compare_numbers(const rk_value *a, const rk_value *b) {
    int order = 0;
    if (is_nan(a) || is_nan(b)) return is_nan(b) - is_nan(a);
    return rk_expr_compare(a, b, &order) ? order : 0;
}

/* A total order in which equal means equal in JSON Schema. */
static int compare(const rk_value *a, const rk_value *b) {
    if (a == b) return 0;
    if (is_number(a) && is_number(b)) return compare_numbers(a, b);
    if (a->kind != b->kind) {
        int left = is_number(a) ? RK_INT : (int)a->kind, right = is_number(b) ? RK_INT : (int)b->kind;
        return (left > right) - (left < right);
    }
    if (a->kind == RK_LIST) return compare_lists(a, b);
    if (a->kind == RK_MAP) return compare_maps(a, b);
    return rk_value_compare(a, b);
}

/* Merges two sorted runs; false when an item of one is in the other. */
static bool merge(const rk_value **from, size_t middle, size_t end, const rk_value **to) {
    size_t left = 0, right = middle;
    for (size_t at = 0; at < end; at++) {
        int order = left == middle ? 1 : right == end ? -1 : compare(from[left], from[right]);
        if (order == 0) return false;
        to[at] = from[order < 0 ? left++ : right++];
    }
    return true;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool sort(const rk_value **items, const rk_value **spare, size_t count) {
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t start = 0; start < count; start += 2 * run) {
            size_t rest = count - start;
            if (!merge(items + start, least(run, rest), least(2 * run, rest), spare + start)) return false;
        }
        const rk_value **sorted = spare;
        spare = items;
        items = sorted;
    }
    return true;
}

rk_status rki_items_unique(const rk_value *list, const rk_memory *memory, bool *unique_out) {
    size_t count = list->as.list.count;
    *unique_out = true;
    if (count < 2) return RK_OK;
    rk_arena arena;
    rk_arena_init(&arena, memory, SIZE_MAX);
    const rk_value **items = rk_arena_take_array(&arena, count, 2 * sizeof *items);
    if (items) {
        for (size_t i = 0; i < count; i++) items[i] = &list->as.list.items[i];
        *unique_out = sort(items, items + count, count);
    }
    rk_arena_free(&arena);
    return items ? RK_OK : RK_NO_MEMORY;
}
