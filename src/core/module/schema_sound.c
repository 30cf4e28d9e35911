/*
 * Contradictions: words that each are sound and together leave nothing, or not the value that one of them names.
 */
#include "core/module/schema_tree.h"

typedef struct search {
    const rk_schema *schema;
    rk_bytes pointer;
    rk_arena *arena;
    rk_findings *findings;
} search;

static void find(const search *s, const char *word, const char *message, const char *hint) {
    rki_finding_add(s->findings, s->arena, RK_BAD_MODULE, rki_pointer(s->arena, s->pointer, rk_bytes_of_string(word)),
                    message, hint);
}

/* ---- bounds ---- */

/* `equal`: whether the two bounds may be the same number. */
static void find_crossed(const search *s, const rk_value *low, const char *low_word, const rk_value *high,
                         const char *high_word, bool equal) {
    int order = 0;
    char message[120];
    if (!low || !high || !rk_expr_compare(low, high, &order)) return;
    if (equal ? order <= 0 : order < 0) return;
    rk_format(message, sizeof message, "no number is allowed: \"%s\" is %s \"%s\"", low_word,
              equal ? "above" : "not below", high_word);
    find(s, low_word, message, "change one of the two");
}

static void find_crossed_counts(const search *s, uint64_t low, const char *low_word, uint64_t high,
                                const char *high_word) {
    char message[120];
    if (low <= high) return;
    rk_format(message, sizeof message, "nothing is allowed: \"%s\" is above \"%s\"", low_word, high_word);
    find(s, low_word, message, "change one of the two");
}

static void find_bounds(const search *s) {
    const rk_schema *schema = s->schema;
    find_crossed(s, schema->minimum, "minimum", schema->maximum, "maximum", true);
    find_crossed(s, schema->minimum, "minimum", schema->below, "exclusiveMaximum", false);
    find_crossed(s, schema->above, "exclusiveMinimum", schema->maximum, "maximum", false);
    find_crossed(s, schema->above, "exclusiveMinimum", schema->below, "exclusiveMaximum", false);
    find_crossed_counts(s, schema->length_min, "minLength", schema->length_max, "maxLength");
    find_crossed_counts(s, schema->items_min, "minItems", schema->items_max, "maxItems");
    find_crossed_counts(s, schema->members_min, "minProperties", schema->members_max, "maxProperties");
}

/* ---- members ---- */

static void find_required(const search *s) {
    const rk_schema *schema = s->schema;
    uint64_t required = 0, named = 0;
    for (size_t i = 0; i < schema->property_count; i++) {
        const rki_property *property = &schema->properties[i];
        const rk_schema *of = property->schema ? property->schema : schema->additional;
        char message[RK_ERROR_WHERE_MAX];
        named += property->schema != NULL;
        required += property->required;
        if (!property->required || (of ? of->types != 0 : property->schema || !schema->closed)) continue;
        rk_format(message, sizeof message, "\"%b\" is required, and no such member may be there", property->name);
        find(s, "required", message, "describe it under \"properties\"");
    }
    if (required > schema->members_max) {
        find(s, "maxProperties", "more members are required than \"maxProperties\" lets in",
             "raise it, or require fewer");
    }
    if (schema->closed && schema->members_min > named) {
        find(s, "minProperties", "\"minProperties\" asks for more members than there may be",
             "describe more under \"properties\", or lower it");
    }
}

/* ---- enum and const ---- */

/* Against the schema's other words. The value may be written 1.0 where an integer is wanted. */
static bool fits_rest(const search *s, const rk_value *value) {
    rk_schema rest = *s->schema;
    rk_value normal = *value;
    rest.types = rest.declared;
    rest.one_of = rest.constant = NULL;
    return rk_schema_normalise(s->arena, &rest, value, "", &normal, NULL) == RK_OK &&
           rk_schema_check(&rest, &normal, RK_BAD_MODULE, "", NULL) == RK_OK;
}

static void find_misfits(const search *s) {
    const rk_schema *schema = s->schema;
    rk_bytes pointer = rki_pointer(s->arena, s->pointer, RK_TEXT("enum"));
    bool found = !schema->constant || !schema->one_of;
    if (schema->constant && !fits_rest(s, schema->constant)) {
        find(s, "const", "this value does not fit the other words of its schema", "then nothing fits");
    }
    for (size_t i = 0; schema->one_of && i < schema->one_of->as.list.count; i++) {
        const rk_value *item = &schema->one_of->as.list.items[i];
        found = found || rk_expr_equal(schema->constant, item);
        if (fits_rest(s, item)) continue;
        rki_finding_add(s->findings, s->arena, RK_BAD_MODULE, rki_pointer_index(s->arena, pointer, i),
                        "this value does not fit the other words of its schema", "take it out, or change them");
    }
    if (!found) find(s, "const", "the value is none of its enum", "then nothing fits");
}

void rki_schema_find_contradictions(const rk_schema *schema, rk_bytes pointer, rk_arena *arena, rk_findings *findings) {
    const search search = {schema, pointer, arena, findings};
    find_bounds(&search);
    find_required(&search);
    find_misfits(&search);
}
