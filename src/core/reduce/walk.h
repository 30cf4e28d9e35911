/*
 * Walking the steps of an event type: which of them an event does, and how often.
 *
 * Invariants
 *   (1) Resolving, checking and folding take the same walk, so that they mean the same steps.
 *   (2) Two steps of one event that write the same field with `merge` are RK_APPLY_CONFLICT; the turns that one step
 *       takes by `each` are not, since only sums and sets take them.
 */
#ifndef RK_CORE_REDUCE_WALK_H
#define RK_CORE_REDUCE_WALK_H

#include "core/reduce/slots.h"

typedef struct rki_walk {
    const rk_event_type *type;
    bool merged; /* steps on fields with `merge`; else those on the others */
    rk_arena *arena;
    rk_scene scene;       /* of this turn: with the element in `item` */
    const rk_step *step;  /* of this turn */
    const rk_value *list; /* that its `each` goes over, or NULL */
    size_t turn;          /* from 0 */
    size_t next_step;
    size_t next_turn;
    size_t turn_count;
    bool *done; /* of each step before this one, whether it did anything */
} rki_walk;

/* RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_walk_start(rki_walk *walk, const rk_scene *scene, const rk_event_type *type, bool merged,
                                     rk_arena *arena, rk_error *error);
/*
 * The next turn of a step whose `when` says yes. RK_NOT_FOUND after the last. RK_BAD_DATA where `each` finds no list,
 * RK_LIMIT past RK_EACH_ITEMS_MAX, RK_APPLY_CONFLICT, RK_EXPRESSION_FAILED, RK_STEP_BOUND.
 */
RK_MUST_USE rk_status rki_walk_next(rki_walk *walk, rk_error *error);
/* Where the turn's value stands in the data, when it does (step->has_path): a list of keys and indexes. */
RK_MUST_USE rk_status rki_walk_path(const rki_walk *walk, rk_value *path_out);

#endif
