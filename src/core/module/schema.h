/*
 * Schemas: the words of JSON Schema 2020-12 that fields and data use, compiled once.
 *
 * Invariants
 *   (1) The words: type, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, minLength and
 *       maxLength (code points), pattern, format, items, minItems, maxItems, uniqueItems, properties, required,
 *       additionalProperties, minProperties, maxProperties. `true` and `false` are schemas. For people, and without
 *       effect: title, description, $comment, default, examples, deprecated, readOnly, writeOnly, and $schema where it
 *       names 2020-12. Every other word is RK_BAD_MODULE.
 *   (2) integer takes RK_INT and RK_UINT: whoever reads an integer finds no double. JSON Schema also takes a number
 *       without a fraction, such as 1.0: rk_schema_normalise makes 1 of it where data enter, before they are sealed. A
 *       double in an integer's place that comes sealed from elsewhere is refused. enum and const of whole numbers mean
 *       integer too, unless "number" is asked for.
 *   (3) Checking ends: a schema is a tree, and the searches of one check take RK_SCHEMA_STEPS_MAX steps together
 *       (RK_STEP_BOUND). It takes memory for uniqueItems (two pointers an item) and for large patterns only, from where
 *       the arena of the compilation takes it, and gives all of it back (RK_NO_MEMORY).
 *   (4) Checking needs time linear in the value, but for uniqueItems (n log n) and what enum makes of it.
 *
 * Numbers are decimals: 0.3 is a multiple of 0.1. `pattern` is RE2 syntax (core/expr/regex.h) and unanchored; `format`
 * asserts (core/module/text_format.h).
 */
#ifndef RK_CORE_MODULE_SCHEMA_H
#define RK_CORE_MODULE_SCHEMA_H

#include "core/expr/expr.h"

enum { RK_SCHEMA_STEPS_MAX = 20000000 };

typedef struct rk_schema rk_schema;
typedef struct rk_findings rk_findings;

/*
 * Compiles a schema into the arena. Findings are added with pointers that begin with `pointer`. `extra` lists words
 * that the caller reads itself (merge, index ...) and that are passed over here, ended by an empty one.
 * RK_NO_MEMORY is the only failure: whether it was fit is told by the findings. The schema borrows from `source`.
 */
RK_MUST_USE rk_status rk_schema_compile(rk_arena *arena, const rk_value *source, rk_bytes pointer,
                                        const rk_bytes *extra, rk_findings *findings, rk_schema **schema_out);
/* The type that expressions give a value of this schema; that of its enum or const where it says no other. */
const rk_type *rk_schema_type(const rk_schema *schema);
/* The schema's "type" word when it is one text, else empty. */
rk_bytes rk_schema_type_name(const rk_schema *schema);
/* The types that it takes, for people: "string", "integer or null", "array of string", "any". */
rk_bytes rk_schema_print_type(rk_arena *arena, const rk_schema *schema);
/*
 * Whether what `now` takes has the same type in `next`, in items and members too, however that is written. A member
 * that could not be there may come, none that is named may go. Other words may differ: a state that was made under
 * `now` may not satisfy a tighter one until it is written again.
 */
bool rk_schema_same_type(const rk_schema *now, const rk_schema *next);
/* Whether "type" names number, alone or in a list, here or in an item or member. */
bool rk_schema_names_number(const rk_schema *schema);
/* Whether no list and no object fits. */
bool rk_schema_is_scalar(const rk_schema *schema);
/* Whether only texts fit, or lists of them, or null. */
bool rk_schema_holds_text(const rk_schema *schema);
/* Whether the schema has a word other than type and those for people (for what merging could break). */
bool rk_schema_constrains(const rk_schema *schema);

/*
 * The value with each double that has no fraction as RK_INT where the schema takes an integer and no number; the same
 * value, borrowed, where nothing is to be changed. A double is the decimal that it prints as. RK_OVERFLOW, with the
 * place, for a whole number past 64 bits in such a place; RK_NO_MEMORY. Whether it fits is not asked.
 */
RK_MUST_USE rk_status rk_schema_normalise(rk_arena *arena, const rk_schema *schema, const rk_value *value,
                                          const char *where, rk_value *value_out, rk_error *error);
/*
 * Whether `value` fits. `code` (RK_BAD_DATA, RK_BAD_STATE) when it does not, error->where the JSON pointer in the
 * value, beginning with `where`. RK_STEP_BOUND, RK_NO_MEMORY.
 */
RK_MUST_USE rk_status rk_schema_check(const rk_schema *schema, const rk_value *value, rk_status code, const char *where,
                                      rk_error *error);
/*
 * The same for `root`, the whole value after the place that `keys` lead to was set, with missing maps on its path, or
 * taken away: what was there before, if anything, satisfied the schema. Checked is what can have changed: on the way
 * down, counts, enum, const, what is required and whether the key may be there; at the end, the sub-schema. Where enum
 * and const are absent, the cost does not grow with the number of other keys.
 */
RK_MUST_USE rk_status rk_schema_check_place(const rk_schema *schema, const rk_value *root, const rk_value *keys,
                                            size_t key_count, rk_status code, const char *where, rk_error *error);

#endif
