/*
 * Static types: making, printing, fitting, and the type variables of signatures.
 *
 * Invariants
 *   (1) dyn fits everything both ways, inside other types too.
 *   (2) Types are finite trees, made from their parts, so every walk ends.
 */
#include <string.h>

#include "core/expr/tree.h"

enum { TYPE_TEXT_SIZE_MAX = 128 };

const rk_type rki_basic_types[] = {
    {.kind = RK_TYPE_DYN},       {.kind = RK_TYPE_NULL},     {.kind = RK_TYPE_BOOL},   {.kind = RK_TYPE_INT},
    {.kind = RK_TYPE_UINT},      {.kind = RK_TYPE_DOUBLE},   {.kind = RK_TYPE_STRING}, {.kind = RK_TYPE_BYTES},
    {.kind = RK_TYPE_TIMESTAMP}, {.kind = RK_TYPE_DURATION}, {.kind = RK_TYPE_TYPE},   {.kind = RK_TYPE_LIST},
    {.kind = RK_TYPE_MAP},       {.kind = RK_TYPE_OPTIONAL}, {.kind = RK_TYPE_OBJECT}, {.kind = RK_TYPE_VARIABLE},
};
const rk_type rki_type_b = {.kind = RK_TYPE_VARIABLE};

#define DYN (&rki_basic_types[RK_TYPE_DYN])
#define A   (&rki_basic_types[RK_TYPE_VARIABLE])
const rk_type rki_type_list_a = {.kind = RK_TYPE_LIST, .item = A};
const rk_type rki_type_map_ab = {.kind = RK_TYPE_MAP, .key = A, .item = &rki_type_b};
const rk_type rki_type_map_aa = {.kind = RK_TYPE_MAP, .key = A, .item = A};
const rk_type rki_type_optional_a = {.kind = RK_TYPE_OPTIONAL, .item = A};
const rk_type rki_type_list_dyn = {.kind = RK_TYPE_LIST, .item = DYN};
const rk_type rki_type_map_dyn = {.kind = RK_TYPE_MAP, .key = DYN, .item = DYN};
const rk_type rki_type_optional_dyn = {.kind = RK_TYPE_OPTIONAL, .item = DYN};

const rk_type *rk_type_of(rk_type_kind kind) {
    RK_ASSERT(kind < RK_TYPE_LIST);
    return &rki_basic_types[kind];
}

static const rk_type *make(rk_arena *arena, rk_type type) {
    rk_type *made = rk_arena_take(arena, sizeof *made);
    if (made) *made = type;
    return made;
}

const rk_type *rk_type_list(rk_arena *arena, const rk_type *item) {
    return make(arena, (rk_type){.kind = RK_TYPE_LIST, .item = item});
}

const rk_type *rk_type_map(rk_arena *arena, const rk_type *key, const rk_type *item) {
    return make(arena, (rk_type){.kind = RK_TYPE_MAP, .key = key, .item = item});
}

const rk_type *rk_type_optional(rk_arena *arena, const rk_type *item) {
    return make(arena, (rk_type){.kind = RK_TYPE_OPTIONAL, .item = item});
}

const rk_type *rk_type_object(rk_arena *arena, rk_bytes name, const rk_type_field *fields, size_t count, bool open) {
    rk_type type = {.kind = RK_TYPE_OBJECT, .name = name, .fields = fields, .field_count = count, .open = open};
    return make(arena, type);
}

const rk_type *rk_type_find_field(const rk_type *object, rk_bytes name) {
    if (object->kind != RK_TYPE_OBJECT) return NULL;
    for (size_t i = 0; i < object->field_count; i++) {
        if (rk_bytes_equal(object->fields[i].name, name)) return object->fields[i].type;
    }
    return object->open ? DYN : NULL;
}

bool rki_is_number_type(rk_type_kind kind) {
    return kind == RK_TYPE_INT || kind == RK_TYPE_UINT || kind == RK_TYPE_DOUBLE;
}

/* An object is seen as map(string, dyn) where a map is wanted, and the other way round. */
static bool object_fits(const rk_type *from, const rk_type *to) {
    if (from->kind == RK_TYPE_OBJECT && to->kind == RK_TYPE_MAP)
        return rk_type_fits(rk_type_of(RK_TYPE_STRING), to->key);
    if (from->kind == RK_TYPE_MAP) return rk_type_fits(from->key, rk_type_of(RK_TYPE_STRING));
    for (size_t i = 0; i < to->field_count; i++) {
        const rk_type *field = rk_type_find_field(from, to->fields[i].name);
        if (field && !rk_type_fits(field, to->fields[i].type)) return false;
    }
    return true;
}

bool rk_type_fits(const rk_type *from, const rk_type *to) {
    if (from == to || from->kind == RK_TYPE_DYN || to->kind == RK_TYPE_DYN) return true;
    bool objects = (from->kind == RK_TYPE_OBJECT && (to->kind == RK_TYPE_MAP || to->kind == RK_TYPE_OBJECT)) ||
                   (from->kind == RK_TYPE_MAP && to->kind == RK_TYPE_OBJECT);
    if (objects) return object_fits(from, to);
    if (from->kind != to->kind) return false;
    if (from->kind == RK_TYPE_MAP && !rk_type_fits(from->key, to->key)) return false;
    return !from->item || rk_type_fits(from->item, to->item);
}

/* --- variables of signatures ------------------------------------------------------------------------------------ */

static bool bind(const rk_type **variable, const rk_type *actual) {
    if (!*variable || (*variable)->kind == RK_TYPE_DYN || (*variable)->kind == RK_TYPE_NULL) {
        *variable = actual;
        return true;
    }
    return actual->kind == RK_TYPE_NULL || rk_type_fits(actual, *variable);
}

static const rk_type *map_key_of(const rk_type *type) {
    return type->kind == RK_TYPE_OBJECT ? rk_type_of(RK_TYPE_STRING) : type->key;
}

static const rk_type *map_item_of(const rk_type *type) {
    return type->kind == RK_TYPE_OBJECT ? DYN : type->item;
}

bool rki_unify_types(const rk_type *wanted, const rk_type *actual, rki_bindings *bindings) {
    if (wanted->kind == RK_TYPE_VARIABLE) return bind(wanted == A ? &bindings->a : &bindings->b, actual);
    if (wanted->kind == RK_TYPE_DYN || actual->kind == RK_TYPE_DYN) return true;
    if (wanted->kind == RK_TYPE_MAP && (actual->kind == RK_TYPE_MAP || actual->kind == RK_TYPE_OBJECT)) {
        return rki_unify_types(wanted->key, map_key_of(actual), bindings) &&
               rki_unify_types(wanted->item, map_item_of(actual), bindings);
    }
    if (wanted->kind != actual->kind) return false;
    return !wanted->item || rki_unify_types(wanted->item, actual->item, bindings);
}

const rk_type *rki_substitute_type(rk_arena *arena, const rk_type *type, const rki_bindings *bindings) {
    if (type->kind == RK_TYPE_VARIABLE) {
        const rk_type *bound = type == A ? bindings->a : bindings->b;
        return bound ? bound : DYN;
    }
    if (!type->item) return type;
    const rk_type *key = type->key ? rki_substitute_type(arena, type->key, bindings) : NULL;
    const rk_type *item = rki_substitute_type(arena, type->item, bindings);
    if (!item || (type->key && !key)) return NULL;
    if (key == type->key && item == type->item) return type;
    return make(arena, (rk_type){.kind = type->kind, .key = key, .item = item});
}

/* --- text ------------------------------------------------------------------------------------------------------- */

static void put(char *out, size_t *size, rk_bytes text) {
    size_t room = TYPE_TEXT_SIZE_MAX - 1 - *size;
    size_t count = text.size < room ? text.size : room;
    if (count > 0) memcpy(out + *size, text.data, count);
    *size += count;
}

static void print(const rk_type *type, char *out, size_t *size) {
    static const char *const names[] = {"dyn",       "null",     "bool", "int",  "uint", "double",   "string", "bytes",
                                        "timestamp", "duration", "type", "list", "map",  "optional", "object", "any"};
    if (type->kind == RK_TYPE_OBJECT && type->name.size > 0) {
        put(out, size, type->name);
        return;
    }
    put(out, size, rk_bytes_of_string(names[type->kind]));
    if (!type->item || *size == TYPE_TEXT_SIZE_MAX - 1) return;
    put(out, size, RK_TEXT("("));
    if (type->key) {
        print(type->key, out, size);
        put(out, size, RK_TEXT(", "));
    }
    print(type->item, out, size);
    put(out, size, RK_TEXT(")"));
}

rk_bytes rk_type_print(rk_arena *arena, const rk_type *type) {
    char text[TYPE_TEXT_SIZE_MAX];
    size_t size = 0;
    print(type, text, &size);
    rk_bytes copy = {NULL, 0};
    return rk_arena_copy(arena, rk_bytes_of(text, size), &copy) == RK_OK ? copy : (rk_bytes){NULL, 0};
}
