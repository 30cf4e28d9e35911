/*
 * Schemas: the words of JSON Schema 2020-12 that fields and data use, compiled once.
 *
 * Invariants
 *   (1) Built now: type, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, minLength and
 *       maxLength (code points), items, minItems, maxItems, properties, required, additionalProperties, minProperties,
 *       maxProperties; title, description and $comment say nothing. pattern, format and uniqueItems are RK_NOT_YET;
 *       every other word is RK_BAD_MODULE.
 *   (2) integer takes RK_INT and RK_UINT. JSON Schema also takes a number without a fraction, such as 1.0; here that is
 *       a double and no integer, since a value never changes its kind by being checked.
 *
 *   (3) Checking takes no memory and ends: a schema is a tree.
 */
#ifndef RK_CORE_MODULE_SCHEMA_H
#define RK_CORE_MODULE_SCHEMA_H

#include "core/expr/expr.h"

typedef struct rk_schema rk_schema;
typedef struct rk_findings rk_findings;

/*
 * Compiles a schema into the arena. Findings are added with pointers that begin with `pointer`. `extra` lists words
 * that the caller reads itself (merge, index ...) and that are passed over here, ended by an empty one.
 * RK_NO_MEMORY is the only failure: whether it was fit is told by the findings.
 */
RK_MUST_USE rk_status rk_schema_compile(rk_arena *arena, const rk_value *source, rk_bytes pointer,
                                        const rk_bytes *extra, rk_findings *findings, rk_schema **schema_out);
/* The type that expressions give a value of this schema. */
const rk_type *rk_schema_type(const rk_schema *schema);
/* The schema's "type" word when it is one text, else empty. */
rk_bytes rk_schema_type_name(const rk_schema *schema);
/* Whether both take the same of null, boolean, integer ..., however that is written. */
bool rk_schema_same_type(const rk_schema *a, const rk_schema *b);
/* Whether "type" names number, alone or in a list. */
bool rk_schema_names_number(const rk_schema *schema);
/* Whether the schema has a word other than type, title, description, $comment (for what merging could break). */
bool rk_schema_constrains(const rk_schema *schema);
/*
 * Whether `value` fits. `code` (RK_BAD_DATA, RK_BAD_STATE) when it does not, error->where the JSON pointer in the
 * value, beginning with `where`.
 */
RK_MUST_USE rk_status rk_schema_check(const rk_schema *schema, const rk_value *value, rk_status code, const char *where,
                                      rk_error *error);

#endif
