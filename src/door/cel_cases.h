/*
 * Files of conformance cases for CEL: a JSON list of objects.
 *
 *     {"section": "size", "name": "empty", "expr": "size(x)", "bindings": {"x": VALUE}, "value": VALUE}
 *
 * `value` is what must come out; `error` in its place, whatever it says, means that an error must. With neither, true
 * is expected. `section`, `name` and `bindings` may be absent. VALUE is written as door/cel_json.h says. The expression
 * is compiled without an environment: names and types are looked at when it is run.
 *
 * The same kind and value counts as the same, 0.0 and -0.0 too, and a NaN as itself.
 */
#ifndef RK_DOOR_CEL_CASES_H
#define RK_DOOR_CEL_CASES_H

#include "core/expr/expr.h"
#include "io/zone.h"

typedef struct rk_cel_failure {
    rk_bytes section, name, expression;
    rk_bytes expected, got; /* as text: a value as a case has it, or "error: " and what went wrong */
} rk_cel_failure;

typedef struct rk_cel_tally {
    uint64_t passed;
    uint64_t failed;
} rk_cel_tally;

/*
 * Runs every case of the file's text and calls `failed` for each that does not hold; what it is handed lives for the
 * call. RK_BAD_FILE with error->where "case N (section/name)", RK_BAD_JSON, RK_NO_MEMORY: then the tally counts what
 * ran before.
 */
RK_MUST_USE rk_status rk_cel_cases_run(rk_bytes text, rk_zones *zones,
                                       void (*failed)(void *context, const rk_cel_failure *failure), void *context,
                                       rk_cel_tally *tally_out, rk_error *error);
/* rk_activation.find and .zone over a map of variables and the zones: the context of both is an rk_cel_world. */
typedef struct rk_cel_world {
    rk_value variables; /* RK_MAP */
    rk_zones *zones;
} rk_cel_world;

rk_activation rk_cel_activation(rk_cel_world *world);

#endif
