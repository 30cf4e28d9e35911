/*
 * Collecting what is wrong with a module, and the pointers that name the places.
 */
#ifndef RK_CORE_MODULE_FINDINGS_H
#define RK_CORE_MODULE_FINDINGS_H

#include "core/module/module.h"

/* Adds a finding; message and hint are copied. Where memory ran out, the finding is counted with empty text. */
void rki_finding_add(rk_findings *findings, rk_arena *arena, rk_status code, rk_bytes pointer, const char *message,
                     const char *hint);
/* The same of an error that someone below filled in: its place stands before its message. */
void rki_finding_of_error(rk_findings *findings, rk_arena *arena, rk_bytes pointer, const rk_error *error);
/* `base` with one more step, escaped as RFC 6901 says. */
rk_bytes rki_pointer(rk_arena *arena, rk_bytes base, rk_bytes step);
rk_bytes rki_pointer_index(rk_arena *arena, rk_bytes base, size_t index);
/*
 * The schema of an event's data: an object of exactly these members, all required but those with "required": false.
 * `members` NULL: none. `extra` must not be NULL.
 */
RK_MUST_USE rk_status rki_schema_of_data(rk_arena *arena, const rk_value *members, rk_bytes pointer,
                                         const rk_bytes *extra, rk_findings *findings, rk_schema **schema_out);

#endif
