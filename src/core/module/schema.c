/*
 * Compiling and checking schemas.
 */
#include "core/module/schema.h"

#include <math.h>
#include <string.h>

#include "core/module/findings.h"

enum {
    TYPE_NULL = 1,
    TYPE_BOOLEAN = 2,
    TYPE_INTEGER = 4,
    TYPE_NUMBER = 8,
    TYPE_STRING = 16,
    TYPE_ARRAY = 32,
    TYPE_OBJECT = 64,
    TYPE_ANY = 127,
};

typedef struct property {
    rk_bytes name;
    rk_schema *schema;
    bool required;
} property;

struct rk_schema {
    unsigned types; /* TYPE_ bits */
    rk_bytes type_name;
    bool constrains;
    const rk_value *one_of; /* enum: a list; NULL for none. Likewise below. */
    const rk_value *constant;
    const rk_value *minimum, *maximum, *above, *below, *multiple_of;
    uint64_t length_min, length_max;
    uint64_t items_min, items_max;
    uint64_t members_min, members_max;
    rk_schema *items;
    property *properties;
    size_t property_count;
    bool closed;           /* additionalProperties: false */
    rk_schema *additional; /* additionalProperties: a schema */
    const rk_type *type;
};

/* What one compilation carries along. */
typedef struct compiler {
    rk_arena *arena;
    rk_findings *findings;
    const rk_bytes *extra;
} compiler;

static rk_status compile(compiler *compiler, const rk_value *source, rk_bytes pointer, rk_schema **schema_out);

/* ---- words ---- */

static const struct {
    const char *name;
    unsigned bit;
} type_names[] = {{"null", TYPE_NULL},     {"boolean", TYPE_BOOLEAN}, {"integer", TYPE_INTEGER},
                  {"number", TYPE_NUMBER}, {"string", TYPE_STRING},   {"array", TYPE_ARRAY},
                  {"object", TYPE_OBJECT}};

static unsigned type_bit(const rk_value *name) {
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++) {
        if (rk_is_text(name, rk_bytes_of_string(type_names[i].name))) return type_names[i].bit;
    }
    return 0;
}

static void read_type(compiler *compiler, const rk_value *word, rk_bytes pointer, rk_schema *schema) {
    schema->types = type_bit(word);
    if (word->kind == RK_STRING) schema->type_name = word->as.bytes;
    for (size_t i = 0; word->kind == RK_LIST && i < word->as.list.count; i++) {
        unsigned bit = type_bit(&word->as.list.items[i]);
        schema->types = bit ? schema->types | bit : 0;
        if (!bit) break;
    }
    if (schema->types) return;
    schema->types = TYPE_ANY;
    rki_finding_add(compiler->findings, compiler->arena, RK_BAD_MODULE, pointer, "\"type\" names no type",
                    "one of null, boolean, integer, number, string, array, object, or a list of them");
}

static bool is_number(const rk_value *value) {
    return value->kind == RK_INT || value->kind == RK_UINT || value->kind == RK_DOUBLE;
}

static const rk_value *read_number(compiler *compiler, const rk_value *word, rk_bytes pointer) {
    if (is_number(word)) return word;
    rki_finding_add(compiler->findings, compiler->arena, RK_BAD_MODULE, pointer, "this must be a number", "");
    return NULL;
}

static const rk_value *read_divisor(compiler *compiler, const rk_value *word, rk_bytes pointer) {
    const rk_value *number = read_number(compiler, word, pointer), zero = rk_int(0);
    int order = 0;
    if (!number || (rk_expr_compare(number, &zero, &order) && order > 0)) return number;
    rki_finding_add(compiler->findings, compiler->arena, RK_BAD_MODULE, pointer, "this must be above 0", "");
    return NULL;
}

static uint64_t read_count(compiler *compiler, const rk_value *word, rk_bytes pointer) {
    if (word->kind == RK_INT && word->as.integer >= 0) return (uint64_t)word->as.integer;
    rki_finding_add(compiler->findings, compiler->arena, RK_BAD_MODULE, pointer,
                    "this must be a whole number, not negative", "");
    return 0;
}

static rk_status read_properties(compiler *compiler, const rk_value *word, rk_bytes pointer, rk_schema *schema) {
    if (word->kind != RK_MAP) {
        rki_finding_add(compiler->findings, compiler->arena, RK_BAD_MODULE, pointer, "this must be an object", "");
        return RK_OK;
    }
    schema->properties = rk_arena_take_array(compiler->arena, word->as.map.count, sizeof *schema->properties);
    if (!schema->properties) return RK_NO_MEMORY;
    for (size_t i = 0; i < word->as.map.count; i++) {
        const rk_pair *pair = &word->as.map.pairs[i];
        property *property = &schema->properties[i];
        property->name = pair->key.as.bytes;
        RK_TRY(
            compile(compiler, &pair->value, rki_pointer(compiler->arena, pointer, property->name), &property->schema));
        schema->property_count++;
    }
    return RK_OK;
}

static property *find_property(const rk_schema *schema, rk_bytes name) {
    for (size_t i = 0; i < schema->property_count; i++) {
        if (rk_bytes_equal(schema->properties[i].name, name)) return &schema->properties[i];
    }
    return NULL;
}

/* A required member need not be described under properties: then it may be anything. */
static rk_status read_required(compiler *compiler, const rk_value *word, rk_bytes pointer, rk_schema *schema) {
    size_t count = word->kind == RK_LIST ? word->as.list.count : 0;
    property *all = rk_arena_take_array(compiler->arena, schema->property_count + count, sizeof *all);
    if (!all) return RK_NO_MEMORY;
    if (schema->property_count) memcpy(all, schema->properties, schema->property_count * sizeof *all);
    schema->properties = all;
    bool sound = word->kind == RK_LIST;
    for (size_t i = 0; i < count; i++) {
        const rk_value *name = &word->as.list.items[i];
        sound = sound && name->kind == RK_STRING;
        property *property = sound ? find_property(schema, name->as.bytes) : NULL;
        if (sound && !property) {
            property = &all[schema->property_count++];
            property->name = name->as.bytes;
        }
        if (property) property->required = true;
    }
    if (!sound) {
        rki_finding_add(compiler->findings, compiler->arena, RK_BAD_MODULE, pointer, "this must be a list of names",
                        "for a member of an event's data write \"required\": false to make it optional");
    }
    return RK_OK;
}

static rk_status read_additional(compiler *compiler, const rk_value *word, rk_bytes pointer, rk_schema *schema) {
    if (word->kind != RK_BOOL) return compile(compiler, word, pointer, &schema->additional);
    schema->closed = !word->as.boolean;
    return RK_OK;
}

static bool is_one_of(rk_bytes word, const rk_bytes *words) {
    for (; words && words->size; words++) {
        if (rk_bytes_equal(word, *words)) return true;
    }
    return false;
}

static void refuse_word(compiler *compiler, rk_bytes word, rk_bytes pointer) {
    static const rk_bytes later[] = {{(const uint8_t *)"pattern", 7},
                                     {(const uint8_t *)"format", 6},
                                     {(const uint8_t *)"uniqueItems", 11},
                                     {NULL, 0}};
    bool not_yet = is_one_of(word, later);
    rki_finding_add(compiler->findings, compiler->arena, not_yet ? RK_NOT_YET : RK_BAD_MODULE, pointer,
                    not_yet ? "this word of JSON Schema is not built yet" : "modules do not have this word",
                    "the words are listed in docs/modules.md");
}

/* Returns false when the word is none of those that take a value without members. */
static bool read_plain_word(compiler *compiler, rk_bytes word, const rk_value *value, rk_bytes pointer,
                            rk_schema *schema) {
    const struct {
        const char *name;
        const rk_value **number;
        uint64_t *count;
    } words[] = {{"minimum", &schema->minimum, NULL},           {"maximum", &schema->maximum, NULL},
                 {"exclusiveMinimum", &schema->above, NULL},    {"exclusiveMaximum", &schema->below, NULL},
                 {"minLength", NULL, &schema->length_min},      {"maxLength", NULL, &schema->length_max},
                 {"minItems", NULL, &schema->items_min},        {"maxItems", NULL, &schema->items_max},
                 {"minProperties", NULL, &schema->members_min}, {"maxProperties", NULL, &schema->members_max}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!rk_bytes_equal(word, rk_bytes_of_string(words[i].name))) continue;
        if (words[i].number) {
            *words[i].number = read_number(compiler, value, pointer);
        } else {
            *words[i].count = read_count(compiler, value, pointer);
        }
        return true;
    }
    return false;
}

static rk_status read_word(compiler *compiler, const rk_bytes *extra, rk_bytes word, const rk_value *value,
                           rk_bytes pointer, rk_schema *schema) {
    static const rk_bytes silent[] = {{(const uint8_t *)"title", 5},
                                      {(const uint8_t *)"description", 11},
                                      {(const uint8_t *)"$comment", 8},
                                      {NULL, 0}};
    if (is_one_of(word, silent) || is_one_of(word, extra)) return RK_OK;
    if (rk_bytes_equal(word, RK_TEXT("type"))) return read_type(compiler, value, pointer, schema), RK_OK;
    schema->constrains = true;
    if (read_plain_word(compiler, word, value, pointer, schema)) return RK_OK;
    if (rk_bytes_equal(word, RK_TEXT("multipleOf"))) {
        return schema->multiple_of = read_divisor(compiler, value, pointer), RK_OK;
    }
    if (rk_bytes_equal(word, RK_TEXT("const"))) return schema->constant = value, RK_OK;
    if (rk_bytes_equal(word, RK_TEXT("items"))) return compile(compiler, value, pointer, &schema->items);
    if (rk_bytes_equal(word, RK_TEXT("properties"))) return read_properties(compiler, value, pointer, schema);
    if (rk_bytes_equal(word, RK_TEXT("additionalProperties"))) return read_additional(compiler, value, pointer, schema);
    if (rk_bytes_equal(word, RK_TEXT("enum"))) {
        schema->one_of = value;
        if (value->kind == RK_LIST && value->as.list.count > 0) return RK_OK;
        rki_finding_add(compiler->findings, compiler->arena, RK_BAD_MODULE, pointer, "this must be a list of values",
                        "");
        return RK_OK;
    }
    refuse_word(compiler, word, pointer);
    return RK_OK;
}

/* ---- types ---- */

static const rk_type *object_type(rk_arena *arena, const rk_schema *schema) {
    if (schema->property_count == 0) {
        const rk_type *item = schema->additional ? schema->additional->type : rk_type_of(RK_TYPE_DYN);
        return rk_type_map(arena, rk_type_of(RK_TYPE_STRING), item);
    }
    rk_type_field *fields = rk_arena_take_array(arena, schema->property_count, sizeof *fields);
    if (!fields) return NULL;
    for (size_t i = 0; i < schema->property_count; i++) {
        const property *property = &schema->properties[i];
        fields[i] =
            (rk_type_field){property->name, property->schema ? property->schema->type : rk_type_of(RK_TYPE_DYN)};
    }
    return rk_type_object(arena, RK_TEXT("object"), fields, schema->property_count, !schema->closed);
}

static const rk_type *type_of(rk_arena *arena, const rk_schema *schema) {
    switch (schema->types) {
    case TYPE_NULL:
        return rk_type_of(RK_TYPE_NULL);
    case TYPE_BOOLEAN:
        return rk_type_of(RK_TYPE_BOOL);
    case TYPE_INTEGER:
        return rk_type_of(RK_TYPE_INT);
    case TYPE_STRING:
        return rk_type_of(RK_TYPE_STRING);
    case TYPE_ARRAY:
        return rk_type_list(arena, schema->items ? schema->items->type : rk_type_of(RK_TYPE_DYN));
    case TYPE_OBJECT:
        return object_type(arena, schema);
    default: /* also number: an int or a double, as the caller wrote it */
        return rk_type_of(RK_TYPE_DYN);
    }
}

/* ---- compiling ---- */

/* `required` comes last: it names properties, which must be there by then. */
static rk_status read_words(compiler *compiler, const rk_bytes *extra, const rk_value *source, rk_bytes pointer,
                            rk_schema *schema) {
    const rk_value *required = NULL;
    for (size_t i = 0; i < source->as.map.count; i++) {
        const rk_pair *pair = &source->as.map.pairs[i];
        rk_bytes word = pair->key.as.bytes;
        if (rk_bytes_equal(word, RK_TEXT("required"))) {
            required = pair->value.kind == RK_BOOL && extra ? NULL : &pair->value;
        } else {
            RK_TRY(read_word(compiler, extra, word, &pair->value, rki_pointer(compiler->arena, pointer, word), schema));
        }
    }
    if (!required) return RK_OK;
    return read_required(compiler, required, rki_pointer(compiler->arena, pointer, RK_TEXT("required")), schema);
}

static rk_status compile(compiler *compiler, const rk_value *source, rk_bytes pointer, rk_schema **schema_out) {
    rk_schema *schema = rk_arena_take(compiler->arena, sizeof *schema);
    if (!schema) return RK_NO_MEMORY;
    *schema_out = schema;
    schema->types = TYPE_ANY;
    schema->length_max = schema->items_max = schema->members_max = UINT64_MAX;
    schema->type = rk_type_of(RK_TYPE_DYN);
    if (source->kind != RK_MAP) {
        rki_finding_add(compiler->findings, compiler->arena, RK_BAD_MODULE, pointer, "a schema is an object", "");
        return RK_OK;
    }
    const rk_bytes *extra = compiler->extra;
    compiler->extra = NULL; /* the caller's words stand at the top only */
    RK_TRY(read_words(compiler, extra, source, pointer, schema));
    compiler->extra = extra;
    schema->type = type_of(compiler->arena, schema);
    return schema->type ? RK_OK : RK_NO_MEMORY;
}

rk_status rk_schema_compile(rk_arena *arena, const rk_value *source, rk_bytes pointer, const rk_bytes *extra,
                            rk_findings *findings, rk_schema **schema_out) {
    compiler compiler = {arena, findings, extra};
    return compile(&compiler, source, pointer, schema_out);
}

rk_status rki_schema_of_data(rk_arena *arena, const rk_value *members, rk_bytes pointer, const rk_bytes *extra,
                             rk_findings *findings, rk_schema **schema_out) {
    compiler compiler = {arena, findings, extra};
    rk_schema *schema = rk_arena_take(arena, sizeof *schema);
    if (!schema) return RK_NO_MEMORY;
    *schema_out = schema;
    *schema = (rk_schema){.types = TYPE_OBJECT, .closed = true};
    schema->length_max = schema->items_max = schema->members_max = UINT64_MAX;
    if (members) RK_TRY(read_properties(&compiler, members, pointer, schema));
    for (size_t i = 0; i < schema->property_count; i++) {
        const rk_value *required = rk_map_find(&members->as.map.pairs[i].value, RK_TEXT("required"));
        schema->properties[i].required = !(required && required->kind == RK_BOOL && !required->as.boolean);
    }
    schema->type =
        schema->property_count ? object_type(arena, schema) : rk_type_object(arena, RK_TEXT("data"), NULL, 0, false);
    return schema->type ? RK_OK : RK_NO_MEMORY;
}

const rk_type *rk_schema_type(const rk_schema *schema) {
    return schema->type;
}

rk_bytes rk_schema_type_name(const rk_schema *schema) {
    return schema->type_name;
}

bool rk_schema_same_type(const rk_schema *a, const rk_schema *b) {
    return a->types == b->types;
}

bool rk_schema_names_number(const rk_schema *schema) {
    return schema->types != TYPE_ANY && schema->types & TYPE_NUMBER;
}

bool rk_schema_constrains(const rk_schema *schema) {
    return schema->constrains;
}

/* ---- checking ---- */

/* Where a check stands: the pointer grows as it goes down, and is cut where it is too long. */
typedef struct place {
    char pointer[RK_ERROR_WHERE_MAX];
    rk_status code;
    rk_error *error;
} place;

static rk_status refuse(const place *place, const char *what) {
    return rk_fail(place->error, place->code, place->pointer, "%s", what);
}

static rk_status check(const rk_schema *schema, const rk_value *value, place *place);

static unsigned bits_of(const rk_value *value) {
    switch (value->kind) {
    case RK_NULL:
        return TYPE_NULL;
    case RK_BOOL:
        return TYPE_BOOLEAN;
    case RK_INT:
    case RK_UINT:
        return TYPE_INTEGER | TYPE_NUMBER;
    case RK_DOUBLE:
        return TYPE_NUMBER;
    case RK_STRING:
        return TYPE_STRING;
    case RK_LIST:
        return TYPE_ARRAY;
    case RK_MAP:
        return TYPE_OBJECT;
    default:
        return 0;
    }
}

static bool ordered(const rk_value *value, const rk_value *bound, int least, int most) {
    int order = 0;
    return rk_expr_compare(value, bound, &order) && (order > 0) - (order < 0) >= least &&
           (order > 0) - (order < 0) <= most;
}

static uint64_t magnitude(const rk_value *whole) {
    if (whole->kind == RK_UINT) return whole->as.uinteger;
    return whole->as.integer < 0 ? 0 - (uint64_t)whole->as.integer : (uint64_t)whole->as.integer;
}

static double as_double(const rk_value *value) {
    return value->kind == RK_DOUBLE ? value->as.number
           : value->kind == RK_INT  ? (double)value->as.integer
                                    : (double)value->as.uinteger;
}

/* `of` is above 0. Whole numbers exactly; else the remainder of the two doubles, which are not the decimals written. */
static bool is_multiple(const rk_value *value, const rk_value *of) {
    if (value->kind != RK_DOUBLE && of->kind != RK_DOUBLE) return magnitude(value) % magnitude(of) == 0;
    return fmod(as_double(value), as_double(of)) == 0;
}

static rk_status check_number(const rk_schema *schema, const rk_value *value, place *place) {
    if (schema->minimum && !ordered(value, schema->minimum, 0, 1)) return refuse(place, "it is below its minimum");
    if (schema->maximum && !ordered(value, schema->maximum, -1, 0)) return refuse(place, "it is above its maximum");
    if (schema->above && !ordered(value, schema->above, 1, 1)) return refuse(place, "it is not above its bound");
    if (schema->below && !ordered(value, schema->below, -1, -1)) return refuse(place, "it is not below its bound");
    if (schema->multiple_of && !is_multiple(value, schema->multiple_of)) return refuse(place, "it is no multiple");
    return RK_OK;
}

static rk_status check_text(const rk_schema *schema, const rk_value *value, place *place) {
    if (schema->length_min == 0 && schema->length_max == UINT64_MAX) return RK_OK;
    uint64_t length = rk_utf8_count(value->as.bytes);
    if (length < schema->length_min) return refuse(place, "the text is shorter than its minLength");
    if (length > schema->length_max) return refuse(place, "the text is longer than its maxLength");
    return RK_OK;
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
    return RK_OK;
}

static rk_status check_member(const rk_schema *schema, const rk_pair *pair, place *place) {
    size_t end = strlen(place->pointer);
    rk_format(place->pointer + end, sizeof place->pointer - end, "/%b",
              pair->key.kind == RK_STRING ? pair->key.as.bytes : RK_TEXT("?"));
    const property *property = pair->key.kind == RK_STRING ? find_property(schema, pair->key.as.bytes) : NULL;
    if (property && property->schema) RK_TRY(check(property->schema, &pair->value, place));
    if (!property && schema->closed) return refuse(place, "there is no such member");
    if (!property && schema->additional) RK_TRY(check(schema->additional, &pair->value, place));
    place->pointer[end] = 0;
    return RK_OK;
}

static rk_status check_members(const rk_schema *schema, const rk_value *value, place *place) {
    if (value->as.map.count < schema->members_min) return refuse(place, "it has fewer members than its minProperties");
    if (value->as.map.count > schema->members_max) return refuse(place, "it has more members than its maxProperties");
    for (size_t i = 0; i < schema->property_count; i++) {
        const property *property = &schema->properties[i];
        if (!property->required || rk_map_find(value, property->name)) continue;
        return rk_fail(place->error, place->code, place->pointer, "\"%b\" is missing", property->name);
    }
    for (size_t i = 0; i < value->as.map.count; i++) RK_TRY(check_member(schema, &value->as.map.pairs[i], place));
    return RK_OK;
}

static rk_status check(const rk_schema *schema, const rk_value *value, place *place) {
    unsigned bits = bits_of(value);
    if (!(bits & schema->types)) {
        return schema->type_name.size
                   ? rk_fail(place->error, place->code, place->pointer, "it is no %b", schema->type_name)
                   : refuse(place, "it has none of its types");
    }
    if (schema->constant && !rk_expr_equal(schema->constant, value)) return refuse(place, "it is not its const");
    if (schema->one_of) {
        bool found = false;
        for (size_t i = 0; i < schema->one_of->as.list.count && !found; i++) {
            found = rk_expr_equal(&schema->one_of->as.list.items[i], value);
        }
        if (!found) return refuse(place, "it is none of its enum");
    }
    if (bits & TYPE_NUMBER) return check_number(schema, value, place);
    if (bits & TYPE_STRING) return check_text(schema, value, place);
    if (bits & TYPE_ARRAY) return check_items(schema, value, place);
    if (bits & TYPE_OBJECT) return check_members(schema, value, place);
    return RK_OK;
}

rk_status rk_schema_check(const rk_schema *schema, const rk_value *value, rk_status code, const char *where,
                          rk_error *error) {
    place place = {.code = code, .error = error};
    rk_format(place.pointer, sizeof place.pointer, "%s", where);
    return check(schema, value, &place);
}
