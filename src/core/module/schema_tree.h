/*
 * A compiled schema from inside: what the files that compile, type, judge and check schemas share.
 */
#ifndef RK_CORE_MODULE_SCHEMA_TREE_H
#define RK_CORE_MODULE_SCHEMA_TREE_H

#include "core/expr/regex.h"
#include "core/module/findings.h"
#include "core/module/text_format.h"

enum {
    RKI_NULL = 1,
    RKI_BOOLEAN = 2,
    RKI_INTEGER = 4,
    RKI_NUMBER = 8,
    RKI_STRING = 16,
    RKI_ARRAY = 32,
    RKI_OBJECT = 64,
    RKI_ANY = 127,
};

typedef struct rki_property {
    rk_bytes name;
    rk_schema *schema; /* NULL: `required` names it and `properties` does not */
    bool required;
} rki_property;

struct rk_schema {
    unsigned types;     /* RKI_ bits that may be: those of `type`, less what no value of enum and const has */
    unsigned declared;  /* RKI_ bits of `type` alone; none for the schema `false` */
    rk_bytes type_name; /* `type` when it is one text */
    bool constrains;
    const rk_value *one_of; /* enum: a list; NULL for none. Likewise below. */
    const rk_value *constant;
    const rk_value *minimum, *maximum, *above, *below, *multiple_of;
    uint64_t length_min, length_max;
    const rk_regex *pattern;
    const rk_text_format *format;
    rk_schema *items;
    uint64_t items_min, items_max;
    bool unique;
    uint64_t members_min, members_max;
    rki_property *properties;
    size_t property_count;
    bool closed;           /* additionalProperties: false */
    rk_schema *additional; /* additionalProperties: a schema */
    const rk_type *type;
    const rk_memory *memory; /* where a check takes what it needs for a while */
};

/* The property that `properties` or `required` names; NULL when neither does. */
rki_property *rki_schema_property(const rk_schema *schema, rk_bytes name);
/* The RKI_ bits that a value has: two for a whole number; none for what JSON does not know. */
unsigned rki_type_bits(const rk_value *value);
/* "integer", or NULL for a bit that is none. */
const char *rki_type_word(unsigned bit);
/* The bit of a type's name, 0 when it names none. */
unsigned rki_type_bit(const rk_value *name);

/* schema_type.c: narrows `types` by enum and const, and sets `type`. RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_schema_infer(rk_arena *arena, rk_schema *schema);
/* schema_sound.c: a finding for each pair of words that no value, or not the one that is named, can satisfy. */
void rki_schema_find_contradictions(const rk_schema *schema, rk_bytes pointer, rk_arena *arena, rk_findings *findings);

/* schema_number.c: numbers as the decimals that they are written as. */
/* Whether `value` is a multiple of `of`, which is above 0: 0.3 of 0.1, and no infinity of anything. */
bool rki_is_multiple(const rk_value *value, const rk_value *of);
/* Whether a finite number has no fraction, and then `whole_out` it (RK_OVERFLOW when 64 bits do not hold it). */
bool rki_is_whole(double number, rk_value *whole_out, rk_status *status_out);

/*
 * schema_unique.c: whether no two items are equal as JSON Schema means it: numbers by value, 1 and true different.
 * n log n comparisons, each no longer than the items. RK_NO_MEMORY.
 */
RK_MUST_USE rk_status rki_items_unique(const rk_value *list, const rk_memory *memory, bool *unique_out);

#endif
