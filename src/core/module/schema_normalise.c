/*
 * 1.0 where an integer is wanted becomes 1, as JSON Schema has it; nothing else changes.
 */
#include <string.h>

#include "core/module/schema_tree.h"

typedef struct walk {
    rk_arena *arena;
    char pointer[RK_ERROR_WHERE_MAX];
    rk_error *error;
} walk;

static rk_status normalise(walk *walk, const rk_schema *schema, const rk_value *value, rk_value *value_out,
                           bool *changed_out);

static rk_status no_memory(const walk *walk) {
    return rk_fail(walk->error, RK_NO_MEMORY, walk->pointer, "no memory to read its numbers");
}

static rk_status normalise_number(const walk *walk, const rk_value *value, rk_value *value_out, bool *changed_out) {
    rk_status status = RK_OK;
    rk_value whole;
    if (!rki_is_whole(value->as.number, &whole, &status)) return RK_OK;
    if (status != RK_OK) return rk_fail(walk->error, status, walk->pointer, "this whole number does not fit 64 bits");
    *value_out = whole;
    *changed_out = true;
    return RK_OK;
}

static rk_status normalise_items(walk *walk, const rk_schema *schema, const rk_value *value, rk_value *value_out,
                                 bool *changed_out) {
    size_t count = value->as.list.count, end = strlen(walk->pointer);
    rk_value *items = NULL;
    for (size_t i = 0; i < count; i++) {
        rk_value item;
        bool changed = false;
        rk_format(walk->pointer + end, sizeof walk->pointer - end, "/%u", (uint64_t)i);
        RK_TRY(normalise(walk, schema->items, &value->as.list.items[i], &item, &changed));
        walk->pointer[end] = 0;
        if (!changed) continue;
        if (!items) {
            items = rk_arena_take_array(walk->arena, count, sizeof *items);
            if (!items) return no_memory(walk);
            memcpy(items, value->as.list.items, count * sizeof *items);
        }
        items[i] = item;
    }
    *changed_out = items != NULL;
    if (items) *value_out = rk_list(items, count);
    return RK_OK;
}

static rk_status normalise_members(walk *walk, const rk_schema *schema, const rk_value *value, rk_value *value_out,
                                   bool *changed_out) {
    size_t count = value->as.map.count, end = strlen(walk->pointer);
    rk_pair *pairs = NULL;
    for (size_t i = 0; i < count; i++) {
        const rk_pair *pair = &value->as.map.pairs[i];
        const rki_property *property =
            pair->key.kind == RK_STRING ? rki_schema_property(schema, pair->key.as.bytes) : NULL;
        const rk_schema *inner = property && property->schema ? property->schema : schema->additional;
        rk_value member;
        bool changed = false;
        if (!inner || pair->key.kind != RK_STRING) continue;
        rk_format(walk->pointer + end, sizeof walk->pointer - end, "/%b", pair->key.as.bytes);
        RK_TRY(normalise(walk, inner, &pair->value, &member, &changed));
        walk->pointer[end] = 0;
        if (!changed) continue;
        if (!pairs) {
            pairs = rk_arena_take_array(walk->arena, count, sizeof *pairs);
            if (!pairs) return no_memory(walk);
            memcpy(pairs, value->as.map.pairs, count * sizeof *pairs);
        }
        pairs[i].value = member;
    }
    *changed_out = pairs != NULL;
    if (pairs) {
        value_out->kind = RK_MAP;
        value_out->as.map.pairs = pairs;
        value_out->as.map.count = count;
    }
    return RK_OK;
}

static rk_status normalise(walk *walk, const rk_schema *schema, const rk_value *value, rk_value *value_out,
                           bool *changed_out) {
    *value_out = *value;
    *changed_out = false;
    bool integer = schema->types & RKI_INTEGER && !(schema->types & RKI_NUMBER);
    if (value->kind == RK_DOUBLE && integer) return normalise_number(walk, value, value_out, changed_out);
    if (value->kind == RK_LIST && schema->items) return normalise_items(walk, schema, value, value_out, changed_out);
    if (value->kind == RK_MAP && (schema->property_count > 0 || schema->additional)) {
        return normalise_members(walk, schema, value, value_out, changed_out);
    }
    return RK_OK;
}

rk_status rk_schema_normalise(rk_arena *arena, const rk_schema *schema, const rk_value *value, const char *where,
                              rk_value *value_out, rk_error *error) {
    walk walk = {.arena = arena, .error = error};
    rk_value found;
    bool changed = false;
    rk_format(walk.pointer, sizeof walk.pointer, "%s", where);
    RK_TRY(normalise(&walk, schema, value, &found, &changed));
    *value_out = found;
    return RK_OK;
}
