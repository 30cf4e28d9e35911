/*
 * Schemas and values from bytes.
 */
#include "core/module/schema_testing.h"

#include <string.h>

#include "core/module/findings.h"

enum { NAME_COUNT = 4, MEMBERS_MAX = 4 };

static const char *const names[NAME_COUNT] = {"a", "b", "c", "dd"};

unsigned choose(choices *choices, unsigned count) {
    if (choices->at >= choices->bytes.size) return 0;
    return choices->bytes.data[choices->at++] % count;
}

static rk_value text(const char *string) {
    return rk_string(rk_bytes_of_string(string));
}

static rk_value random_number(choices *choices) {
    static const double doubles[] = {0.5, 1.0, -2.0, 0.1, 1e308, 3.0, 1e-8, 0.0};
    unsigned kind = choose(choices, 3);
    return kind == 0 ? rk_double(doubles[choose(choices, 8)])
                     : rk_int((int64_t)choose(choices, 6) - (kind == 1 ? 2 : 0));
}

/* ---- values ---- */

static rk_value random_list(rk_arena *arena, choices *choices, unsigned depth) {
    size_t count = choose(choices, 4);
    rk_value *items = rk_arena_take_array(arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) items[i] = random_value(arena, choices, depth - 1);
    return rk_list(items, count);
}

static rk_value random_map(rk_arena *arena, choices *choices, unsigned depth) {
    rk_pair *pairs = rk_arena_take_array(arena, NAME_COUNT, sizeof *pairs);
    size_t count = 0;
    rk_value map;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (choose(choices, 2)) pairs[count++] = (rk_pair){text(names[i]), random_value(arena, choices, depth - 1)};
    }
    RK_ASSERT(rk_map_value(arena, pairs, count, &map) == RK_OK);
    return map;
}

rk_value random_value(rk_arena *arena, choices *choices, unsigned depth) {
    static const char *const texts[] = {"", "a", "abc", "2024-02-29", "1.2.3.4", "\xF0\x9F\x98\x80"};
    switch (choose(choices, depth > 0 ? 8 : 5)) {
    case 0:
        return rk_null();
    case 1:
        return rk_bool(choose(choices, 2));
    case 2:
    case 3:
        return random_number(choices);
    case 4:
        return text(texts[choose(choices, 6)]);
    case 5:
        return random_list(arena, choices, depth);
    default:
        return random_map(arena, choices, depth);
    }
}

/* ---- schemas ---- */

static rk_value random_types(rk_arena *arena, choices *choices) {
    static const char *const types[] = {"object", "object", "object", "integer", "string",
                                        "array",  "number", "null",   "boolean"};
    if (choose(choices, 4) > 0) return text(types[choose(choices, 9)]);
    rk_value *items = rk_arena_take_array(arena, 2, sizeof *items);
    items[0] = text(types[choose(choices, 9)]);
    items[1] = text(types[choose(choices, 9)]);
    return rk_list(items, 2);
}

static rk_value random_properties(rk_arena *arena, choices *choices, unsigned depth) {
    rk_pair *pairs = rk_arena_take_array(arena, NAME_COUNT, sizeof *pairs);
    size_t count = 0;
    rk_value map;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (choose(choices, 2)) pairs[count++] = (rk_pair){text(names[i]), random_schema(arena, choices, depth - 1)};
    }
    RK_ASSERT(rk_map_value(arena, pairs, count, &map) == RK_OK);
    return map;
}

static rk_value random_names(rk_arena *arena, choices *choices) {
    rk_value *items = rk_arena_take_array(arena, 1, sizeof *items);
    items[0] = text(names[choose(choices, NAME_COUNT)]);
    return rk_list(items, 1);
}

static rk_value random_enum(rk_arena *arena, choices *choices) {
    rk_value *items = rk_arena_take_array(arena, 3, sizeof *items);
    for (size_t i = 0; i < 3; i++) items[i] = random_value(arena, choices, 2);
    return rk_list(items, 3);
}

static const char *const words[] = {"properties",
                                    "additionalProperties",
                                    "items",
                                    "required",
                                    "enum",
                                    "const",
                                    "maxProperties",
                                    "minProperties",
                                    "type",
                                    "uniqueItems",
                                    "minimum",
                                    "maximum",
                                    "exclusiveMinimum",
                                    "exclusiveMaximum",
                                    "multipleOf",
                                    "minLength",
                                    "format",
                                    "pattern",
                                    "maxItems",
                                    "minItems",
                                    "description",
                                    "maxLength"};

static rk_value random_word(rk_arena *arena, choices *choices, unsigned depth, const char *word) {
    static const char *const formats[] = {"date", "ipv4"}, *const patterns[] = {"^a", "b", "^.$", "[0-9]+"};
    if (strcmp(word, "properties") == 0) return random_properties(arena, choices, depth);
    if (strcmp(word, "additionalProperties") == 0 || strcmp(word, "items") == 0) {
        return random_schema(arena, choices, depth - 1);
    }
    if (strcmp(word, "required") == 0) return random_names(arena, choices);
    if (strcmp(word, "enum") == 0) return random_enum(arena, choices);
    if (strcmp(word, "const") == 0) return random_value(arena, choices, 2);
    if (strcmp(word, "type") == 0) return random_types(arena, choices);
    if (strcmp(word, "uniqueItems") == 0) return rk_bool(choose(choices, 2));
    if (strcmp(word, "format") == 0) return text(formats[choose(choices, 2)]);
    if (strcmp(word, "pattern") == 0) return text(patterns[choose(choices, 4)]);
    if (strncmp(word, "max", 3) == 0) return rk_int((int64_t)choose(choices, 5) + 1);
    if (strncmp(word, "min", 3) == 0) return rk_int(choose(choices, 3));
    return random_number(choices);
}

rk_value random_schema(rk_arena *arena, choices *choices, unsigned depth) {
    enum { WORDS = sizeof words / sizeof *words, STRUCTURE = 3 };
    rk_pair *pairs = rk_arena_take_array(arena, 8, sizeof *pairs);
    bool used[WORDS] = {false};
    size_t count = 0, wanted = choose(choices, 4);
    rk_value map;
    if (choose(choices, 10) == 9) return rk_bool(choose(choices, 3) > 0);
    if (choose(choices, 2)) {
        pairs[count++] = (rk_pair){text("type"), random_types(arena, choices)};
        used[8] = true;
    }
    for (size_t i = 0; i < wanted; i++) {
        unsigned at = choose(choices, 2) ? choose(choices, WORDS) : choose(choices, STRUCTURE + 1);
        if (used[at] || (depth == 0 && at < STRUCTURE)) continue;
        used[at] = true;
        pairs[count++] = (rk_pair){text(words[at]), random_word(arena, choices, depth, words[at])};
    }
    RK_ASSERT(rk_map_value(arena, pairs, count, &map) == RK_OK);
    return map;
}

/* ---- places ---- */

bool set_place(rk_arena *arena, const rk_value *root, const rk_value *keys, size_t key_count, const rk_value *value,
               rk_value *root_out) {
    *root_out = *value;
    if (key_count == 0) return true;
    if (root && root->kind != RK_MAP) return false;
    size_t old = root ? root->as.map.count : 0, count = 0;
    const rk_value *before = root ? rk_map_find_key(root, &keys[0]) : NULL;
    rk_value inner;
    if (!set_place(arena, before, keys + 1, key_count - 1, value, &inner)) return false;
    rk_pair *pairs = rk_arena_take_array(arena, old + 1, sizeof *pairs);
    for (size_t i = 0; i < old; i++) {
        if (!rk_value_equal(&root->as.map.pairs[i].key, &keys[0])) pairs[count++] = root->as.map.pairs[i];
    }
    pairs[count++] = (rk_pair){keys[0], inner};
    return rk_map_value(arena, pairs, count, root_out) == RK_OK;
}

/* ---- agreement ---- */

static bool has_double(const rk_value *value) {
    bool found = value->kind == RK_DOUBLE;
    for (size_t i = 0; value->kind == RK_LIST && i < value->as.list.count; i++) {
        found = found || has_double(&value->as.list.items[i]);
    }
    for (size_t i = 0; value->kind == RK_MAP && i < value->as.map.count; i++) {
        found = found || has_double(&value->as.map.pairs[i].value);
    }
    return found;
}

/* Normalising once is enough, loses nothing that fits, and touches doubles only. False on an overflow. */
static bool compare_normalised(rk_arena *arena, const rk_schema *schema, const rk_value *value, rk_value *normal_out) {
    rk_value again;
    bool fits = rk_schema_check(schema, value, RK_BAD_DATA, "", NULL) == RK_OK;
    rk_status status = rk_schema_normalise(arena, schema, value, "", normal_out, NULL);
    RK_ASSERT(status == RK_OK || status == RK_OVERFLOW);
    if (status != RK_OK) {
        RK_ASSERT(!fits && has_double(value));
        return false;
    }
    RK_ASSERT(rk_schema_normalise(arena, schema, normal_out, "", &again, NULL) == RK_OK);
    RK_ASSERT(rk_value_equal(normal_out, &again));
    RK_ASSERT(has_double(value) || rk_value_equal(normal_out, value));
    if (fits) RK_ASSERT(rk_schema_check(schema, normal_out, RK_BAD_DATA, "", NULL) == RK_OK);
    return true;
}

static bool compare_place(rk_arena *arena, choices *choices, const rk_schema *schema, const rk_value *root) {
    rk_value keys[3], value = random_value(arena, choices, 2), after;
    size_t count = choose(choices, 3) + 1;
    for (size_t i = 0; i < count; i++) keys[i] = text(names[choose(choices, NAME_COUNT)]);
    if (!set_place(arena, root, keys, count, &value, &after)) return false;
    rk_status whole = rk_schema_check(schema, &after, RK_BAD_STATE, "", NULL);
    rk_status place = rk_schema_check_place(schema, &after, keys, count, RK_BAD_STATE, "", NULL);
    RK_ASSERT(whole == place);
    return true;
}

bool compare_schema_checks(rk_arena *arena, choices *choices) {
    rk_value source = random_schema(arena, choices, 3), value = random_value(arena, choices, 3), normal;
    rk_schema *schema = NULL;
    rk_findings *findings = rk_arena_take(arena, sizeof *findings);
    RK_ASSERT(rk_schema_compile(arena, &source, RK_TEXT(""), NULL, findings, &schema) == RK_OK);
    RK_ASSERT(rk_schema_same_type(schema, schema));
    if (!compare_normalised(arena, schema, &value, &normal)) return false;
    bool fits = rk_schema_check(schema, &normal, RK_BAD_STATE, "", NULL) == RK_OK;
    bool first = choose(choices, 8) == 0; /* nothing was there before */
    if (!fits && !first) return false;
    return compare_place(arena, choices, schema, first ? NULL : &normal);
}
