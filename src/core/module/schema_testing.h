/*
 * Random schemas, and values that often fit them, made from bytes: for property tests and fuzzing.
 */
#ifndef RK_CORE_MODULE_SCHEMA_TESTING_H
#define RK_CORE_MODULE_SCHEMA_TESTING_H

#include "core/module/module.h"

/* What choices are made from; past the end every choice is 0. */
typedef struct choices {
    rk_bytes bytes;
    size_t at;
} choices;

/* Below `count`, which is at most 256. */
unsigned choose(choices *choices, unsigned count);
/* A schema as a value, at most `depth` deep; all words, most of them sound. */
rk_value random_schema(rk_arena *arena, choices *choices, unsigned depth);
rk_value random_value(rk_arena *arena, choices *choices, unsigned depth);
/*
 * `root` with `value` set at `keys`, missing maps made, as `set` of a module does; false where the path leads through
 * what is no map.
 */
bool set_place(rk_arena *arena, const rk_value *root, const rk_value *keys, size_t key_count, const rk_value *value,
               rk_value *root_out);
/*
 * Ends the process where check, check_place and normalise do not agree on a schema and a value made from the choices.
 * Returns whether a place could be compared.
 */
bool compare_schema_checks(rk_arena *arena, choices *choices);

#endif
