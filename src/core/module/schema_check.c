/*
 * Holding a value against a schema.
 */
#include <string.h>

#include "core/module/schema_tree.h"

/* Where a check stands: the pointer grows as it goes down, and is cut where it is too long. */
typedef struct place {
    char pointer[RK_ERROR_WHERE_MAX];
    rk_status code;
    rk_error *error;
    uint64_t steps_left; /* of all searches for patterns together */
} place;

static rk_status refuse(const place *place, const char *what) {
    return rk_fail(place->error, place->code, place->pointer, "%s", what);
}

static rk_status check(const rk_schema *schema, const rk_value *value, place *place);

/* ---- numbers ---- */

static bool ordered(const rk_value *value, const rk_value *bound, int least, int most) {
    int order = 0;
    return rk_expr_compare(value, bound, &order) && (order > 0) - (order < 0) >= least &&
           (order > 0) - (order < 0) <= most;
}

static rk_status check_number(const rk_schema *schema, const rk_value *value, place *place) {
    if (schema->minimum && !ordered(value, schema->minimum, 0, 1)) return refuse(place, "it is below its minimum");
    if (schema->maximum && !ordered(value, schema->maximum, -1, 0)) return refuse(place, "it is above its maximum");
    if (schema->above && !ordered(value, schema->above, 1, 1)) return refuse(place, "it is not above its bound");
    if (schema->below && !ordered(value, schema->below, -1, -1)) return refuse(place, "it is not below its bound");
    if (schema->multiple_of && !rki_is_multiple(value, schema->multiple_of)) return refuse(place, "it is no multiple");
    return RK_OK;
}

/* ---- texts ---- */

static rk_status check_pattern(const rk_schema *schema, rk_bytes text, place *place) {
    rk_arena arena;
    bool found = false;
    rk_arena_init(&arena, schema->memory, SIZE_MAX);
    rk_status status = rk_regex_search(schema->pattern, text, &arena, &place->steps_left, &found);
    rk_arena_free(&arena);
    if (status == RK_STEP_BOUND) {
        rk_fail(place->error, status, place->pointer, "the search for its pattern took too many steps");
        rk_error_hint(place->error, "put a \"maxLength\" on the text, or make its pattern smaller");
        return status;
    }
    if (status != RK_OK) return rk_fail(place->error, status, place->pointer, "no memory for its pattern");
    return found ? RK_OK : refuse(place, "the text does not match its pattern");
}

static rk_status check_text(const rk_schema *schema, rk_bytes text, place *place) {
    if (schema->length_min > 0 || schema->length_max < UINT64_MAX) {
        uint64_t length = rk_utf8_count(text);
        if (length < schema->length_min) return refuse(place, "the text is shorter than its minLength");
        if (length > schema->length_max) return refuse(place, "the text is longer than its maxLength");
    }
    if (schema->format && !rk_text_format_fits(schema->format, text)) {
        return rk_fail(place->error, place->code, place->pointer, "the text is no %s",
                       rk_text_format_name(schema->format));
    }
    return schema->pattern ? check_pattern(schema, text, place) : RK_OK;
}

/* ---- lists ---- */

static rk_status check_unique(const rk_schema *schema, const rk_value *value, place *place) {
    bool unique = false;
    rk_status status = rki_items_unique(value, schema->memory, &unique);
    if (status != RK_OK) return rk_fail(place->error, status, place->pointer, "no memory to compare its items");
    return unique ? RK_OK : refuse(place, "two items of the list are equal");
}

static rk_status check_items(const rk_schema *schema, const rk_value *value, place *place) {
    if (value->as.list.count < schema->items_min) return refuse(place, "the list has fewer items than its minItems");
    if (value->as.list.count > schema->items_max) return refuse(place, "the list has more items than its maxItems");
    size_t end = strlen(place->pointer);
    for (size_t i = 0; schema->items && i < value->as.list.count; i++) {
        rk_format(place->pointer + end, sizeof place->pointer - end, "/%u", (uint64_t)i);
        RK_TRY(check(schema->items, &value->as.list.items[i], place));
        place->pointer[end] = 0;
    }
    return schema->unique ? check_unique(schema, value, place) : RK_OK;
}

/* ---- maps ---- */

/* The schema of that member, NULL when it may be anything; *there_out false when there may be no such member. */
static const rk_schema *schema_of_key(const rk_schema *schema, const rk_value *key, bool *there_out) {
    const rki_property *property = key->kind == RK_STRING ? rki_schema_property(schema, key->as.bytes) : NULL;
    bool named = property && property->schema;
    *there_out = named || !schema->closed;
    return named ? property->schema : schema->additional;
}

/* Returns where the pointer ended before. */
static size_t go_down(place *place, const rk_value *key) {
    size_t end = strlen(place->pointer);
    rk_format(place->pointer + end, sizeof place->pointer - end, "/%b",
              key->kind == RK_STRING ? key->as.bytes : RK_TEXT("?"));
    return end;
}

static rk_status check_member(const rk_schema *schema, const rk_pair *pair, place *place) {
    bool there = false;
    const rk_schema *inner = schema_of_key(schema, &pair->key, &there);
    size_t end = go_down(place, &pair->key);
    if (!there) return refuse(place, "there is no such member");
    if (inner) RK_TRY(check(inner, &pair->value, place));
    place->pointer[end] = 0;
    return RK_OK;
}

static rk_status check_count(const rk_schema *schema, const rk_value *map, place *place) {
    if (map->as.map.count < schema->members_min) return refuse(place, "it has fewer members than its minProperties");
    if (map->as.map.count > schema->members_max) return refuse(place, "it has more members than its maxProperties");
    return RK_OK;
}

static rk_status check_required(const rk_schema *schema, const rk_value *map, place *place) {
    for (size_t i = 0; i < schema->property_count; i++) {
        const rki_property *property = &schema->properties[i];
        if (!property->required || rk_map_find(map, property->name)) continue;
        return rk_fail(place->error, place->code, place->pointer, "\"%b\" is missing", property->name);
    }
    return RK_OK;
}

static rk_status check_members(const rk_schema *schema, const rk_value *value, place *place) {
    RK_TRY(check_count(schema, value, place));
    RK_TRY(check_required(schema, value, place));
    if (schema->property_count == 0 && !schema->closed && !schema->additional) return RK_OK;
    for (size_t i = 0; i < value->as.map.count; i++) RK_TRY(check_member(schema, &value->as.map.pairs[i], place));
    return RK_OK;
}

/* ---- any value ---- */

static rk_status refuse_type(const rk_schema *schema, unsigned bits, const place *place) {
    if (schema->declared == 0) return refuse(place, "nothing is allowed here");
    if (bits & schema->declared)
        return refuse(place, schema->constant ? "it is not its const" : "it is none of its enum");
    if (!schema->type_name.size) return refuse(place, "it has none of its types");
    return rk_fail(place->error, place->code, place->pointer, "it is no %b", schema->type_name);
}

static rk_status check_identity(const rk_schema *schema, const rk_value *value, place *place) {
    if (schema->constant && !rk_expr_equal(schema->constant, value)) return refuse(place, "it is not its const");
    if (!schema->one_of) return RK_OK;
    for (size_t i = 0; i < schema->one_of->as.list.count; i++) {
        if (rk_expr_equal(&schema->one_of->as.list.items[i], value)) return RK_OK;
    }
    return refuse(place, "it is none of its enum");
}

static rk_status check(const rk_schema *schema, const rk_value *value, place *place) {
    unsigned bits = rki_type_bits(value);
    if (!(bits & schema->types)) return refuse_type(schema, bits, place);
    RK_TRY(check_identity(schema, value, place));
    if (bits & RKI_NUMBER) return check_number(schema, value, place);
    if (bits & RKI_STRING) return check_text(schema, value->as.bytes, place);
    if (bits & RKI_ARRAY) return check_items(schema, value, place);
    if (bits & RKI_OBJECT) return check_members(schema, value, place);
    return RK_OK;
}

rk_status rk_schema_check(const rk_schema *schema, const rk_value *value, rk_status code, const char *where,
                          rk_error *error) {
    place place = {.code = code, .error = error, .steps_left = RK_SCHEMA_STEPS_MAX};
    rk_format(place.pointer, sizeof place.pointer, "%s", where);
    return check(schema, value, &place);
}

/* ---- one place ---- */

/* The map has lost the member, or never had it. */
static rk_status check_without(const rk_schema *schema, const rk_value *map, place *place) {
    RK_TRY(check_identity(schema, map, place));
    RK_TRY(check_count(schema, map, place));
    return check_required(schema, map, place);
}

/* A map with one member may be one that the set has made: then nothing was known of it before. */
static rk_status check_place(const rk_schema *schema, const rk_value *value, const rk_value *keys, size_t key_count,
                             place *place) {
    if (key_count == 0 || value->kind != RK_MAP) return check(schema, value, place);
    const rk_value *member = rk_map_find_key(value, &keys[0]);
    bool there = false;
    if (!member) return check_without(schema, value, place);
    if (value->as.map.count == 1) return check(schema, value, place);
    RK_TRY(check_identity(schema, value, place));
    RK_TRY(check_count(schema, value, place));
    const rk_schema *inner = schema_of_key(schema, &keys[0], &there);
    go_down(place, &keys[0]);
    if (!there) return refuse(place, "there is no such member");
    return inner ? check_place(inner, member, keys + 1, key_count - 1, place) : RK_OK;
}

rk_status rk_schema_check_place(const rk_schema *schema, const rk_value *root, const rk_value *keys, size_t key_count,
                                rk_status code, const char *where, rk_error *error) {
    place place = {.code = code, .error = error, .steps_left = RK_SCHEMA_STEPS_MAX};
    rk_format(place.pointer, sizeof place.pointer, "%s", where);
    return check_place(schema, root, keys, key_count, &place);
}
