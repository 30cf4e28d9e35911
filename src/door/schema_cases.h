/*
 * Runs files in the format of the official JSON Schema suite: a list of groups of {description, schema, tests}, a test
 * being {description, data, valid}.
 *
 * Invariants
 *   (1) A case goes the way of an event's data: the reader of JSON, rk_schema_normalise, rk_schema_check. There is no
 *       other path for it.
 *   (2) Each case is counted once, as passed, failed or refused. Refused, and never passed, is
 *         - all of a group whose schema does not compile as a module's would: by the word that the first finding names;
 *         - all of a group with \s or \S in a pattern, which mean less in RE2 than in ECMA-262: by the word "pattern";
 *         - a case whose data, and a group whose schema, the reader of JSON refuses: by what the reader cannot hold;
 *         - a valid case with a whole number past 64 bits where an integer is wanted. (An invalid one passes: it is
 *           refused, as it should be.)
 */
#ifndef RK_DOOR_SCHEMA_CASES_H
#define RK_DOOR_SCHEMA_CASES_H

#include "base/arena.h"

typedef struct rk_schema_failure {
    rk_bytes group;
    rk_bytes name;
    bool valid;     /* what the file says; what was found is the other */
    rk_bytes where; /* the place in the data that was refused, and why; empty for a case that fits and should not */
    rk_bytes what;
    struct rk_schema_failure *next;
} rk_schema_failure;

/* A word that modules do not have, or what values cannot hold, and how many cases it kept from being run. */
typedef struct rk_schema_refusal {
    rk_bytes name;
    size_t count;
    struct rk_schema_refusal *next;
} rk_schema_refusal;

typedef struct rk_schema_tally {
    size_t passed;
    size_t failed;
    size_t refused;
    rk_schema_failure *failures; /* in the order of the file */
    rk_schema_refusal *refusals; /* in the order of their first case */
} rk_schema_tally;

/*
 * Adds what the file's text gives to `tally`, whose texts live in `arena`. RK_BAD_JSON when it is no JSON, RK_BAD_DATA
 * when it is no such file, and what stops any check: RK_NO_MEMORY, RK_STEP_BOUND.
 */
RK_MUST_USE rk_status rk_schema_cases_run(rk_arena *arena, rk_bytes text, rk_schema_tally *tally, rk_error *error);

#endif
