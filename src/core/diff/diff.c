/*
 * Comparing two states: field by field, both in the order of their keys.
 */
#include "core/diff/diff.h"

#include <string.h>

typedef struct walk {
    rk_arena *arena;
    rk_diff *diff;
    size_t capacity;
    size_t count_max; /* of the changes, while a field is walked */
} walk;

/* ---- the list ---- */

/* RK_LIMIT: the field has too many. */
static rk_status add(walk *walk, const rk_diff_change *change) {
    rk_diff *diff = walk->diff;
    if (diff->count == walk->count_max) return RK_LIMIT;
    if (diff->count == walk->capacity) {
        size_t capacity = walk->capacity ? 2 * walk->capacity : 16;
        rk_diff_change *grown =
            rk_arena_grow(walk->arena, diff->changes, walk->capacity * sizeof *grown, capacity * sizeof *grown);
        if (!grown) return RK_NO_MEMORY;
        diff->changes = grown;
        walk->capacity = capacity;
    }
    diff->changes[diff->count++] = *change;
    return RK_OK;
}

/* The path of what is below: RFC 6901 writes ~ as ~0 and / as ~1. */
static rk_status below(walk *walk, rk_bytes path, rk_bytes key, rk_bytes *path_out) {
    uint8_t *text = rk_arena_take_array(walk->arena, path.size + 2 * key.size + 1, 1);
    size_t size = path.size;
    if (!text) return RK_NO_MEMORY;
    if (size > 0) memcpy(text, path.data, size);
    text[size++] = '/';
    for (size_t i = 0; i < key.size; i++) {
        uint8_t byte = key.data[i];
        text[size++] = byte == '/' ? '~' : byte;
        if (byte == '~') text[size++] = '0';
        if (byte == '/') text[size++] = '1';
    }
    *path_out = rk_bytes_of(text, size);
    return RK_OK;
}

static rk_status add_whole(walk *walk, rk_bytes path, const rk_value *before, const rk_value *after) {
    const rk_diff_change change = {.path = path,
                                   .kind = !before  ? RK_DIFF_ADDED
                                           : !after ? RK_DIFF_REMOVED
                                                    : RK_DIFF_CHANGED,
                                   .before = before,
                                   .after = after};
    return add(walk, &change);
}

/* ---- by value ---- */

static rk_status compare(walk *walk, rk_bytes path, const rk_value *before, const rk_value *after);

static bool has_text_keys(const rk_value *map) {
    for (size_t i = 0; i < map->as.map.count; i++) {
        if (map->as.map.pairs[i].key.kind != RK_STRING) return false;
    }
    return true;
}

/* The pair of the map that comes next, and that of the other with the same key; one of them may be missing. */
typedef struct pairs {
    const rk_value *before, *after;
    size_t i, j;
} pairs;

static bool next_pair(pairs *pairs, const rk_pair **before_out, const rk_pair **after_out) {
    bool in_a = pairs->i < pairs->before->as.map.count, in_b = pairs->j < pairs->after->as.map.count;
    if (!in_a && !in_b) return false;
    const rk_pair *a = in_a ? &pairs->before->as.map.pairs[pairs->i] : NULL;
    const rk_pair *b = in_b ? &pairs->after->as.map.pairs[pairs->j] : NULL;
    int order = !a ? 1 : !b ? -1 : rk_value_compare(&a->key, &b->key);
    *before_out = order <= 0 ? a : NULL;
    *after_out = order >= 0 ? b : NULL;
    pairs->i += order <= 0;
    pairs->j += order >= 0;
    return true;
}

static rk_status compare_maps(walk *walk, rk_bytes path, const rk_value *before, const rk_value *after) {
    pairs pairs = {before, after, 0, 0};
    const rk_pair *a = NULL, *b = NULL;
    while (next_pair(&pairs, &a, &b)) {
        rk_bytes deeper;
        if (a && b && rk_value_equal(&a->value, &b->value)) continue;
        RK_TRY(below(walk, path, (a ? a : b)->key.as.bytes, &deeper));
        RK_TRY(compare(walk, deeper, a ? &a->value : NULL, b ? &b->value : NULL));
    }
    return RK_OK;
}

static rk_status compare_lists(walk *walk, rk_bytes path, const rk_value *before, const rk_value *after) {
    for (size_t i = 0; i < before->as.list.count; i++) {
        const rk_value *a = &before->as.list.items[i], *b = &after->as.list.items[i];
        char digits[24];
        rk_bytes deeper;
        if (rk_value_equal(a, b)) continue;
        RK_TRY(below(walk, path, rk_bytes_of(digits, rk_format(digits, sizeof digits, "%u", (uint64_t)i)), &deeper));
        RK_TRY(compare(walk, deeper, a, b));
    }
    return RK_OK;
}

/* Two that differ; NULL: it is not there. */
static rk_status compare(walk *walk, rk_bytes path, const rk_value *before, const rk_value *after) {
    if (before && after && before->kind == RK_MAP && after->kind == RK_MAP && has_text_keys(before) &&
        has_text_keys(after)) {
        return compare_maps(walk, path, before, after);
    }
    if (before && after && before->kind == RK_LIST && after->kind == RK_LIST &&
        before->as.list.count == after->as.list.count) {
        return compare_lists(walk, path, before, after);
    }
    return add_whole(walk, path, before, after);
}

/* ---- texts and sets ---- */

static rk_status compare_texts(walk *walk, rk_bytes path, const rk_value *before, const rk_value *after) {
    rk_diff_change change = {.path = path, .kind = RK_DIFF_CHANGED, .form = RK_DIFF_EDITS};
    RK_TRY(rki_diff_texts(walk->arena, before->as.bytes, after->as.bytes, &change.edits, &change.edit_count));
    return add(walk, &change);
}

static rk_status compare_sets(walk *walk, rk_bytes path, const rk_value *before, const rk_value *after) {
    size_t a_count = before->as.list.count, b_count = after->as.list.count, i = 0, j = 0;
    rk_diff_change change = {.path = path, .kind = RK_DIFF_CHANGED, .form = RK_DIFF_MEMBERS};
    change.removed = rk_arena_take_array(walk->arena, a_count + 1, sizeof(rk_value *));
    change.added = rk_arena_take_array(walk->arena, b_count + 1, sizeof(rk_value *));
    if (!change.removed || !change.added) return RK_NO_MEMORY;
    while (i < a_count || j < b_count) {
        const rk_value *a = &before->as.list.items[i], *b = &after->as.list.items[j];
        int order = i == a_count ? 1 : j == b_count ? -1 : rk_value_compare(a, b);
        if (order < 0) change.removed[change.removed_count++] = a;
        if (order > 0) change.added[change.added_count++] = b;
        i += order <= 0;
        j += order >= 0;
    }
    return add(walk, &change);
}

/* ---- fields ---- */

static bool are_both(const rk_value *before, const rk_value *after, rk_kind kind) {
    return before && after && before->kind == kind && after->kind == kind;
}

static rk_status compare_field(walk *walk, rk_diff_way way, rk_bytes path, const rk_value *before,
                               const rk_value *after) {
    size_t mark = walk->diff->count;
    rk_status status = RK_OK;
    walk->count_max = mark + RK_DIFF_CHANGES_MAX;
    if (way == RK_DIFF_AS_TEXT && are_both(before, after, RK_STRING)) {
        status = compare_texts(walk, path, before, after);
    } else if (way == RK_DIFF_AS_SET && are_both(before, after, RK_LIST)) {
        status = compare_sets(walk, path, before, after);
    } else {
        status = compare(walk, path, before, after);
    }
    if (status != RK_LIMIT) return status;
    walk->diff->count = mark;
    return add_whole(walk, path, before, after);
}

rk_status rk_diff_states(rk_arena *arena, const rk_value *before, const rk_value *after, rk_diff_way_of way_of,
                         void *context, rk_diff *diff_out) {
    walk walk = {.arena = arena, .diff = diff_out};
    pairs pairs = {before, after, 0, 0};
    const rk_pair *a = NULL, *b = NULL;
    *diff_out = (rk_diff){NULL, 0};
    while (next_pair(&pairs, &a, &b)) {
        rk_bytes path, name = (a ? a : b)->key.as.bytes;
        if (a && b && rk_value_equal(&a->value, &b->value)) continue;
        RK_TRY(below(&walk, (rk_bytes){NULL, 0}, name, &path));
        RK_TRY(compare_field(&walk, way_of(context, name), path, a ? &a->value : NULL, b ? &b->value : NULL));
    }
    return RK_OK;
}
