/*
 * What type a schema is of: for expressions, and for holding two versions against each other.
 */
#include <string.h>

#include "core/module/schema_tree.h"

static const struct {
    const char *word;
    unsigned bit;
} type_words[] = {{"null", RKI_NULL},     {"boolean", RKI_BOOLEAN}, {"integer", RKI_INTEGER}, {"number", RKI_NUMBER},
                  {"string", RKI_STRING}, {"array", RKI_ARRAY},     {"object", RKI_OBJECT}};
enum { TYPE_WORD_COUNT = sizeof type_words / sizeof *type_words };

const char *rki_type_word(unsigned bit) {
    for (size_t i = 0; i < TYPE_WORD_COUNT; i++) {
        if (type_words[i].bit == bit) return type_words[i].word;
    }
    return NULL;
}

unsigned rki_type_bit(const rk_value *name) {
    for (size_t i = 0; i < TYPE_WORD_COUNT; i++) {
        if (rk_is_text(name, rk_bytes_of_string(type_words[i].word))) return type_words[i].bit;
    }
    return 0;
}

unsigned rki_type_bits(const rk_value *value) {
    switch (value->kind) {
    case RK_NULL:
        return RKI_NULL;
    case RK_BOOL:
        return RKI_BOOLEAN;
    case RK_INT:
    case RK_UINT:
        return RKI_INTEGER | RKI_NUMBER;
    case RK_DOUBLE:
        return RKI_NUMBER;
    case RK_STRING:
        return RKI_STRING;
    case RK_LIST:
        return RKI_ARRAY;
    case RK_MAP:
        return RKI_OBJECT;
    default:
        return 0;
    }
}

/* ---- enum and const ---- */

/*
 * The one bit that a value of enum or const stands for. A whole number is an integer unless "number" was asked for:
 * then 1.0 fits too, and stays what it is.
 */
static unsigned bit_of_member(const rk_schema *schema, const rk_value *value) {
    unsigned bits = rki_type_bits(value);
    bool asked_number = schema->declared != RKI_ANY && schema->declared & RKI_NUMBER;
    bool asked_integer = !(schema->declared & RKI_NUMBER) && schema->declared & RKI_INTEGER;
    if (!(bits & RKI_NUMBER)) return bits;
    return asked_integer || (bits & RKI_INTEGER && !asked_number) ? RKI_INTEGER : RKI_NUMBER;
}

static void narrow(rk_schema *schema) {
    unsigned bits = 0;
    if (schema->one_of && schema->one_of->kind == RK_LIST) {
        for (size_t i = 0; i < schema->one_of->as.list.count; i++) {
            bits |= bit_of_member(schema, &schema->one_of->as.list.items[i]);
        }
        schema->types &= bits;
    }
    if (schema->constant) schema->types &= bit_of_member(schema, schema->constant);
}

/* ---- for expressions ---- */

static const rk_type *type_or_any(const rk_schema *schema) {
    return schema ? schema->type : rk_type_of(RK_TYPE_DYN);
}

static const rk_type *object_type(rk_arena *arena, const rk_schema *schema) {
    if (schema->property_count == 0) {
        return rk_type_map(arena, rk_type_of(RK_TYPE_STRING), type_or_any(schema->additional));
    }
    rk_type_field *fields = rk_arena_take_array(arena, schema->property_count, sizeof *fields);
    if (!fields) return NULL;
    for (size_t i = 0; i < schema->property_count; i++) {
        const rki_property *property = &schema->properties[i];
        const rk_schema *of = property->schema ? property->schema : schema->additional;
        fields[i] = (rk_type_field){property->name, type_or_any(of)};
    }
    return rk_type_object(arena, RK_TEXT("object"), fields, schema->property_count, !schema->closed);
}

static const rk_type *type_of(rk_arena *arena, const rk_schema *schema) {
    switch (schema->types) {
    case RKI_NULL:
        return rk_type_of(RK_TYPE_NULL);
    case RKI_BOOLEAN:
        return rk_type_of(RK_TYPE_BOOL);
    case RKI_INTEGER:
        return rk_type_of(RK_TYPE_INT);
    case RKI_STRING:
        return rk_type_of(RK_TYPE_STRING);
    case RKI_ARRAY:
        return rk_type_list(arena, type_or_any(schema->items));
    case RKI_OBJECT:
        return object_type(arena, schema);
    default: /* also number: an int or a double, as the caller wrote it */
        return rk_type_of(RK_TYPE_DYN);
    }
}

rk_status rki_schema_infer(rk_arena *arena, rk_schema *schema) {
    narrow(schema);
    schema->type = type_of(arena, schema);
    return schema->type ? RK_OK : RK_NO_MEMORY;
}

/* ---- for people ---- */

rk_bytes rk_schema_print_type(rk_arena *arena, const rk_schema *schema) {
    char text[RK_ERROR_WHERE_MAX] = "";
    if (schema->types == RKI_ANY) return RK_TEXT("any");
    if (schema->types == 0) return RK_TEXT("none");
    for (size_t i = 0; i < TYPE_WORD_COUNT; i++) {
        size_t end = strlen(text);
        if (!(schema->types & type_words[i].bit)) continue;
        rk_format(text + end, sizeof text - end, "%s%s", end ? " or " : "", type_words[i].word);
        bool list = type_words[i].bit == RKI_ARRAY && schema->items && schema->items->types != RKI_ANY;
        end = strlen(text);
        if (list) rk_format(text + end, sizeof text - end, " of %b", rk_schema_print_type(arena, schema->items));
    }
    return rk_arena_format(arena, "%s", text);
}

/* ---- for the next version ---- */

static bool same_or_any(const rk_schema *now, const rk_schema *next) {
    static const rk_schema any = {.types = RKI_ANY};
    return (!now && !next) || rk_schema_same_type(now ? now : &any, next ? next : &any);
}

static const rk_schema *of_member(const rk_schema *schema, rk_bytes name, bool *there_out) {
    const rki_property *property = rki_schema_property(schema, name);
    bool named = property && property->schema;
    *there_out = named || !schema->closed;
    return named ? property->schema : schema->additional;
}

/* A member that could be there stays, with its type; one that could not may come. */
static bool same_member(const rk_schema *now, const rk_schema *next, rk_bytes name) {
    bool before = false, after = false;
    const rk_schema *of_now = of_member(now, name, &before), *of_next = of_member(next, name, &after);
    bool named = rki_schema_property(now, name) != NULL;
    if (!before) return true;
    return after ? same_or_any(of_now, of_next) : !named;
}

static bool same_members(const rk_schema *now, const rk_schema *next) {
    for (size_t i = 0; i < now->property_count; i++) {
        if (!same_member(now, next, now->properties[i].name)) return false;
    }
    for (size_t i = 0; i < next->property_count; i++) {
        if (!same_member(now, next, next->properties[i].name)) return false;
    }
    return now->closed || next->closed || same_or_any(now->additional, next->additional);
}

bool rk_schema_same_type(const rk_schema *now, const rk_schema *next) {
    if (now->types != next->types) return false;
    if (now->types & RKI_ARRAY && !same_or_any(now->items, next->items)) return false;
    return !(now->types & RKI_OBJECT) || same_members(now, next);
}

/* ---- questions ---- */

const rk_type *rk_schema_type(const rk_schema *schema) {
    return schema->type;
}

rk_bytes rk_schema_type_name(const rk_schema *schema) {
    return schema->type_name;
}

bool rk_schema_names_number(const rk_schema *schema) {
    if (schema->types != RKI_ANY && schema->types & RKI_NUMBER) return true;
    if (schema->items && rk_schema_names_number(schema->items)) return true;
    if (schema->additional && rk_schema_names_number(schema->additional)) return true;
    for (size_t i = 0; i < schema->property_count; i++) {
        const rk_schema *inner = schema->properties[i].schema;
        if (inner && rk_schema_names_number(inner)) return true;
    }
    return false;
}

bool rk_schema_constrains(const rk_schema *schema) {
    return schema->constrains;
}

bool rk_schema_is_scalar(const rk_schema *schema) {
    return !(schema->types & (RKI_ARRAY | RKI_OBJECT));
}

bool rk_schema_holds_text(const rk_schema *schema) {
    if (schema->types & ~(unsigned)(RKI_STRING | RKI_NULL | RKI_ARRAY)) return false;
    return !(schema->types & RKI_ARRAY) || (schema->items && rk_schema_holds_text(schema->items));
}
