/*
 * What the files that read a module share.
 */
#ifndef RK_CORE_MODULE_READER_H
#define RK_CORE_MODULE_READER_H

#include "core/module/findings.h"

typedef struct rki_reader {
    rk_arena *arena;
    rk_findings *findings;
    rk_module *module;
    rk_field *fields;      /* the module's, which are read in two passes: rules know all fields */
    const rk_value *allow; /* the module's "allow", or NULL */
} rki_reader;

/* What the expressions of one event type may read: its guards, its steps on fields with and without `merge`. */
typedef struct rki_environments {
    rk_environment guard;
    rk_environment merged;
    rk_environment plain;
} rki_environments;

void rki_find(rki_reader *reader, rk_bytes pointer, const char *message, const char *hint);
/* The member of that kind; NULL, with a finding unless it may be absent. */
const rk_value *rki_member(rki_reader *reader, const rk_value *map, const char *name, rk_kind kind, bool required,
                           rk_bytes pointer);
/* A finding for each key that is none of `words`, ended by NULL. */
void rki_refuse_unknown(rki_reader *reader, const rk_value *map, const char *const *words, rk_bytes pointer);
/* NULL, with a finding, when it does not compile; a finding too when its result does not fit `wanted`. */
const rk_program *rki_compile(rki_reader *reader, rk_bytes source, const rk_environment *environment,
                              const rk_type *wanted, rk_bytes pointer);
/* The same for what is folded, which takes no time zones by name. */
const rk_program *rki_compile_fold(rki_reader *reader, rk_bytes source, const rk_environment *environment,
                                   const rk_type *wanted, rk_bytes pointer);
/* NULL is allowed. */
void rki_refuse_zones(rki_reader *reader, const rk_program *program, rk_bytes pointer);
/* A finding when a value of that type may not stand where `wanted` is. */
void rki_check_type(rki_reader *reader, rk_bytes pointer, const rk_type *type, const rk_type *wanted);
RK_MUST_USE rk_status rki_environments_make(rki_reader *reader, const rk_type *data, rki_environments *out);
/* A finding for each guard that is never true, and for each that stands after a constant one. */
void rki_guards_find_constant(rki_reader *reader, const rk_guard *guards, size_t count, rk_bytes pointer);
/* Reads `apply` into type->steps; `data` is the type of the event's data. */
RK_MUST_USE rk_status rki_steps_read(rki_reader *reader, const rk_value *list, rk_bytes pointer, const rk_type *data,
                                     const rki_environments *environments, rk_event_type *type);
/* Reads `upcast` into the module, whose event types are there. */
RK_MUST_USE rk_status rki_upcasts_read(rki_reader *reader, const rk_value *source);

#endif
