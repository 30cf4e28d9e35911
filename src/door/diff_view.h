/*
 * The difference of an entity between two moments, read from the engine and written as JSON.
 */
#ifndef RK_DOOR_DIFF_VIEW_H
#define RK_DOOR_DIFF_VIEW_H

#include "core/diff/diff.h"
#include "engine/engine.h"

typedef struct rk_diff_view {
    rk_bytes entity;
    rk_reading from, to; /* version 0: there was none yet */
    rk_diff diff;
} rk_diff_view;

/*
 * On behalf of who reads: what is hidden is in neither state. All lives in the arena. As rk_engine_get; RK_BAD_REQUEST
 * when `from` is after `to`. An entity that was not there yet at a time or at version 0 had an empty state.
 */
RK_MUST_USE rk_status rk_diff_read(rk_engine *engine, rk_bytes entity, const rk_at *from, const rk_at *to,
                                   rk_arena *arena, rk_diff_view *view_out, rk_error *error);
/* {"entity", "from", "to", "changes", "events"}, as docs/api.md says. */
void rk_diff_print(rk_buffer *buffer, const rk_diff_view *view);
/* The value of one change alone: {"path", "kind", ...}. */
void rk_diff_print_change(rk_buffer *buffer, const rk_diff_change *change);

#endif
