/*
 * Splices: edits of a text as a person makes them, and the text ids they resolve to.
 *
 * Invariants
 *   (1) An edit is [at, delete, text]: at position `at`, `delete` characters go, then `text` comes. Each edit sees the
 *       text as the one before left it. Positions and counts are in code points.
 *   (2) Resolving changes nothing: it follows the edits on a list of pieces over the text.
 *   (3) The resolved form is what core/event/event.h says; checking and applying read nothing else of the splice, but
 *       the texts.
 */
#ifndef RK_CORE_REDUCE_SPLICE_H
#define RK_CORE_REDUCE_SPLICE_H

#include "core/event/event.h"
#include "core/merge/rga.h"

/*
 * Resolves `edits` in the text (NULL: empty) for a writer of that replica; the first inserted character gets `lamport`.
 * RK_BAD_DATA when an edit is malformed or passes the end. The list lives in the arena.
 */
RK_MUST_USE rk_status rk_splice_resolve(rk_rga *rga, const rk_value *edits, uint64_t replica, uint64_t lamport,
                                        rk_arena *arena, rk_value *resolved_out, rk_error *error);
/*
 * Whether `resolved` is a resolution of `edits` that the writer could have made on this text: the same number of edits,
 * of deleted and inserted characters; every id there, or made by the splice before it names it; new ids of the writer's
 * replica, free, and at most RK_LAMPORT_JUMP_MAX above the text's highest. RK_BAD_DATA, RK_BAD_OPERATIONS,
 * RK_MISSING_REFERENCE, RK_ID_CONFLICT, RK_ID_AHEAD.
 */
RK_MUST_USE rk_status rk_splice_check(rk_rga *rga, const rk_value *edits, const rk_value *resolved, uint64_t replica,
                                      rk_error *error);
/* Carries out a resolved splice that was checked. */
RK_MUST_USE rk_status rk_splice_apply(rk_rga *rga, const rk_value *edits, const rk_value *resolved, uint64_t replica,
                                      rk_error *error);
/* The highest Lamport number that a resolved splice gives out; 0 when it inserts nothing. */
uint64_t rk_splice_lamport_max(const rk_value *edits, const rk_value *resolved);

#endif
