/*
 * Compiling schemas: one word after another.
 */
#include "core/module/schema.h"

#include <string.h>

#include "core/module/schema_tree.h"

/* What one compilation carries along. */
typedef struct compiler {
    rk_arena *arena;
    rk_findings *findings;
    const rk_bytes *extra;
} compiler;

static rk_status compile(compiler *compiler, const rk_value *source, rk_bytes pointer, rk_schema **schema_out);

static void find(const compiler *compiler, rk_bytes pointer, const char *message, const char *hint) {
    rki_finding_add(compiler->findings, compiler->arena, RK_BAD_MODULE, pointer, message, hint);
}

/* ---- plain words ---- */

static void read_type(const compiler *compiler, const rk_value *word, rk_bytes pointer, rk_schema *schema) {
    schema->types = rki_type_bit(word);
    if (word->kind == RK_STRING) schema->type_name = word->as.bytes;
    for (size_t i = 0; word->kind == RK_LIST && i < word->as.list.count; i++) {
        unsigned bit = rki_type_bit(&word->as.list.items[i]);
        schema->types = bit ? schema->types | bit : 0;
        if (!bit) break;
    }
    if (schema->types) return;
    schema->types = RKI_ANY;
    find(compiler, pointer, "\"type\" names no type",
         "one of null, boolean, integer, number, string, array, object, or a list of them");
}

static bool is_number(const rk_value *value) {
    return value->kind == RK_INT || value->kind == RK_UINT || value->kind == RK_DOUBLE;
}

static const rk_value *read_number(const compiler *compiler, const rk_value *word, rk_bytes pointer) {
    bool finite = word->kind != RK_DOUBLE || word->as.number - word->as.number == 0;
    if (is_number(word) && finite) return word;
    find(compiler, pointer, "this must be a number", "such as 3 or 0.5");
    return NULL;
}

static const rk_value *read_divisor(const compiler *compiler, const rk_value *word, rk_bytes pointer) {
    const rk_value *number = read_number(compiler, word, pointer), zero = rk_int(0);
    int order = 0;
    if (!number || (rk_expr_compare(number, &zero, &order) && order > 0)) return number;
    find(compiler, pointer, "this must be above 0", "such as 5 or 0.01");
    return NULL;
}

/* 2.0 is a count too. */
static uint64_t read_count(const compiler *compiler, const rk_value *word, rk_bytes pointer, uint64_t otherwise) {
    rk_value whole = *word;
    rk_status status = RK_OK;
    if (word->kind == RK_DOUBLE && !rki_is_whole(word->as.number, &whole, &status)) whole = rk_int(-1);
    if (status == RK_OK && whole.kind == RK_INT && whole.as.integer >= 0) return (uint64_t)whole.as.integer;
    find(compiler, pointer, "this must be a whole number, not negative", "such as 0 or 80");
    return otherwise;
}

static bool read_bool(const compiler *compiler, const rk_value *word, rk_bytes pointer) {
    if (word->kind == RK_BOOL) return word->as.boolean;
    find(compiler, pointer, "this must be true or false", "without quotes");
    return false;
}

static const rk_value *read_enum(const compiler *compiler, const rk_value *word, rk_bytes pointer) {
    if (word->kind == RK_LIST && word->as.list.count > 0) return word;
    find(compiler, pointer, "this must be a list of values", "one at least, such as [\"open\", \"closed\"]");
    return NULL;
}

/* Returns false when the word is none of those that take a number. */
static bool read_bound(const compiler *compiler, rk_bytes word, const rk_value *value, rk_bytes pointer,
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
            *words[i].count = read_count(compiler, value, pointer, *words[i].count);
        }
        return true;
    }
    return false;
}

/* ---- words about texts ---- */

static rk_status read_pattern(const compiler *compiler, const rk_value *word, rk_bytes pointer, rk_schema *schema) {
    const char *problem = "";
    char message[RK_ERROR_WHAT_MAX];
    if (word->kind != RK_STRING) return find(compiler, pointer, "a pattern is text", "such as \"^[a-z]+$\""), RK_OK;
    rk_status status = rk_regex_compile(compiler->arena, word->as.bytes, &schema->pattern, &problem);
    if (status == RK_OK || status == RK_NO_MEMORY) return status;
    rk_format(message, sizeof message, "this pattern is not supported: %s", problem);
    rki_finding_add(compiler->findings, compiler->arena, status == RK_NOT_YET ? RK_NOT_YET : RK_BAD_MODULE, pointer,
                    message, "patterns are RE2 syntax: no \\p, \\C, look-around or back references");
    schema->pattern = NULL;
    return RK_OK;
}

static void read_format(const compiler *compiler, const rk_value *word, rk_bytes pointer, rk_schema *schema) {
    char hint[RK_ERROR_HINT_MAX];
    schema->format = word->kind == RK_STRING ? rk_text_format_of(word->as.bytes) : NULL;
    if (schema->format) return;
    rk_format(hint, sizeof hint, "known here: %s", rk_text_format_names());
    find(compiler, pointer, "there is no such format", hint);
}

/* ---- words about objects ---- */

rki_property *rki_schema_property(const rk_schema *schema, rk_bytes name) {
    for (size_t i = 0; i < schema->property_count; i++) {
        if (rk_bytes_equal(schema->properties[i].name, name)) return &schema->properties[i];
    }
    return NULL;
}

static rk_status read_properties(compiler *compiler, const rk_value *word, rk_bytes pointer, rk_schema *schema) {
    if (word->kind != RK_MAP) return find(compiler, pointer, "this must be an object", "from names to schemas"), RK_OK;
    schema->properties = rk_arena_take_array(compiler->arena, word->as.map.count, sizeof *schema->properties);
    if (!schema->properties) return RK_NO_MEMORY;
    for (size_t i = 0; i < word->as.map.count; i++) {
        const rk_pair *pair = &word->as.map.pairs[i];
        rki_property *property = &schema->properties[i];
        property->name = pair->key.as.bytes;
        RK_TRY(
            compile(compiler, &pair->value, rki_pointer(compiler->arena, pointer, property->name), &property->schema));
        schema->property_count++;
    }
    return RK_OK;
}

/* A required member need not be described under properties: then it is what additionalProperties says. */
static rk_status read_required(const compiler *compiler, const rk_value *word, rk_bytes pointer, rk_schema *schema) {
    size_t count = word->kind == RK_LIST ? word->as.list.count : 0;
    rki_property *all = rk_arena_take_array(compiler->arena, schema->property_count + count, sizeof *all);
    if (!all) return RK_NO_MEMORY;
    if (schema->property_count) memcpy(all, schema->properties, schema->property_count * sizeof *all);
    schema->properties = all;
    bool sound = word->kind == RK_LIST;
    for (size_t i = 0; i < count; i++) {
        const rk_value *name = &word->as.list.items[i];
        sound = sound && name->kind == RK_STRING;
        rki_property *property = sound ? rki_schema_property(schema, name->as.bytes) : NULL;
        if (sound && !property) {
            property = &all[schema->property_count++];
            property->name = name->as.bytes;
        }
        if (property) property->required = true;
    }
    if (!sound) {
        find(compiler, pointer, "this must be a list of names",
             "for a member of an event's data write \"required\": false to make it optional");
    }
    return RK_OK;
}

static rk_status read_additional(compiler *compiler, const rk_value *word, rk_bytes pointer, rk_schema *schema) {
    if (word->kind != RK_BOOL) return compile(compiler, word, pointer, &schema->additional);
    schema->closed = !word->as.boolean;
    return RK_OK;
}

/* ---- all words ---- */

static bool is_one_of(rk_bytes word, const rk_bytes *words) {
    for (; words && words->size; words++) {
        if (rk_bytes_equal(word, *words)) return true;
    }
    return false;
}

/* Words for people, and for programs that make forms: they change nothing here. */
static bool is_annotation(rk_bytes word) {
    static const char *const words[] = {"title",    "description", "$comment", "default",
                                        "examples", "deprecated",  "readOnly", "writeOnly"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (rk_bytes_equal(word, rk_bytes_of_string(words[i]))) return true;
    }
    return false;
}

static void read_dialect(const compiler *compiler, const rk_value *word, rk_bytes pointer) {
    if (rk_is_text(word, RK_TEXT("https://json-schema.org/draft/2020-12/schema"))) return;
    find(compiler, pointer, "this is not the JSON Schema that is known here",
         "https://json-schema.org/draft/2020-12/schema");
}

static rk_status read_constraint(compiler *compiler, rk_bytes word, const rk_value *value, rk_bytes pointer,
                                 rk_schema *schema) {
    if (read_bound(compiler, word, value, pointer, schema)) return RK_OK;
    if (rk_bytes_equal(word, RK_TEXT("multipleOf"))) {
        return schema->multiple_of = read_divisor(compiler, value, pointer), RK_OK;
    }
    if (rk_bytes_equal(word, RK_TEXT("const"))) return schema->constant = value, RK_OK;
    if (rk_bytes_equal(word, RK_TEXT("enum"))) return schema->one_of = read_enum(compiler, value, pointer), RK_OK;
    if (rk_bytes_equal(word, RK_TEXT("pattern"))) return read_pattern(compiler, value, pointer, schema);
    if (rk_bytes_equal(word, RK_TEXT("format"))) return read_format(compiler, value, pointer, schema), RK_OK;
    if (rk_bytes_equal(word, RK_TEXT("uniqueItems"))) {
        return schema->unique = read_bool(compiler, value, pointer), RK_OK;
    }
    if (rk_bytes_equal(word, RK_TEXT("items"))) return compile(compiler, value, pointer, &schema->items);
    if (rk_bytes_equal(word, RK_TEXT("properties"))) return read_properties(compiler, value, pointer, schema);
    if (rk_bytes_equal(word, RK_TEXT("additionalProperties"))) return read_additional(compiler, value, pointer, schema);
    find(compiler, pointer, "modules do not have this word", "the words are listed in docs/modules.md");
    return RK_OK;
}

static rk_status read_word(compiler *compiler, const rk_bytes *extra, rk_bytes word, const rk_value *value,
                           rk_bytes pointer, rk_schema *schema) {
    if (is_annotation(word) || is_one_of(word, extra)) return RK_OK;
    if (rk_bytes_equal(word, RK_TEXT("$schema"))) return read_dialect(compiler, value, pointer), RK_OK;
    if (rk_bytes_equal(word, RK_TEXT("type"))) return read_type(compiler, value, pointer, schema), RK_OK;
    schema->constrains = true;
    return read_constraint(compiler, word, value, pointer, schema);
}

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
    schema->constrains = true;
    return read_required(compiler, required, rki_pointer(compiler->arena, pointer, RK_TEXT("required")), schema);
}

/* ---- schemas ---- */

static rk_schema *new_schema(const compiler *compiler) {
    rk_schema *schema = rk_arena_take(compiler->arena, sizeof *schema);
    if (!schema) return NULL;
    schema->types = schema->declared = RKI_ANY;
    schema->length_max = schema->items_max = schema->members_max = UINT64_MAX;
    schema->type = rk_type_of(RK_TYPE_DYN);
    schema->memory = rk_arena_memory(compiler->arena);
    return schema;
}

static rk_status compile(compiler *compiler, const rk_value *source, rk_bytes pointer, rk_schema **schema_out) {
    rk_schema *schema = new_schema(compiler);
    *schema_out = schema;
    if (!schema) return RK_NO_MEMORY;
    if (source->kind == RK_BOOL) {
        schema->constrains = !source->as.boolean;
        if (!source->as.boolean) schema->types = schema->declared = 0;
        return RK_OK;
    }
    if (source->kind != RK_MAP) {
        find(compiler, pointer, "a schema is an object", "such as {\"type\": \"string\"}, or true or false");
        return RK_OK;
    }
    const rk_bytes *extra = compiler->extra;
    size_t before = compiler->findings->count;
    compiler->extra = NULL; /* the caller's words stand at the top only */
    RK_TRY(read_words(compiler, extra, source, pointer, schema));
    compiler->extra = extra;
    schema->declared = schema->types;
    RK_TRY(rki_schema_infer(compiler->arena, schema));
    if (compiler->findings->count == before) {
        rki_schema_find_contradictions(schema, pointer, compiler->arena, compiler->findings);
    }
    return RK_OK;
}

rk_status rk_schema_compile(rk_arena *arena, const rk_value *source, rk_bytes pointer, const rk_bytes *extra,
                            rk_findings *findings, rk_schema **schema_out) {
    compiler compiler = {arena, findings, extra};
    return compile(&compiler, source, pointer, schema_out);
}

/* A member that must be there, of a schema that nothing fits. */
static void find_impossible(const compiler *compiler, const rk_schema *schema, rk_bytes pointer) {
    for (size_t i = 0; i < schema->property_count; i++) {
        const rki_property *property = &schema->properties[i];
        if (!property->required || property->schema->types != 0) continue;
        rk_bytes at = rki_pointer(compiler->arena, pointer, property->name);
        find(compiler, at, "this member is required, and nothing is allowed in it", "leave it out");
    }
}

rk_status rki_schema_of_data(rk_arena *arena, const rk_value *members, rk_bytes pointer, const rk_bytes *extra,
                             rk_findings *findings, rk_schema **schema_out) {
    compiler compiler = {arena, findings, extra};
    rk_schema *schema = new_schema(&compiler);
    *schema_out = schema;
    if (!schema) return RK_NO_MEMORY;
    size_t before = findings->count;
    schema->types = schema->declared = RKI_OBJECT;
    schema->closed = true;
    if (members) RK_TRY(read_properties(&compiler, members, pointer, schema));
    for (size_t i = 0; i < schema->property_count; i++) {
        const rk_value *required = rk_map_find(&members->as.map.pairs[i].value, RK_TEXT("required"));
        schema->properties[i].required = !(required && required->kind == RK_BOOL && !required->as.boolean);
    }
    if (findings->count == before) find_impossible(&compiler, schema, pointer);
    RK_TRY(rki_schema_infer(arena, schema));
    if (schema->property_count > 0) return RK_OK;
    schema->type = rk_type_object(arena, RK_TEXT("data"), NULL, 0, false);
    return schema->type ? RK_OK : RK_NO_MEMORY;
}
