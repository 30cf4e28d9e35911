/*
 * What is different between two states of an entity: a list of changes that makes one of the other.
 *
 * Invariants
 *   (1) Applying the changes to `before` gives `after`; equal states have none.
 *   (2) Changes stand in the order of their paths' keys, and none lies within another.
 *   (3) The work on a text is bounded: past a limit below it is given whole, before and after.
 *   (4) What is given out borrows from both states, and lives in the arena.
 */
#ifndef RK_CORE_DIFF_DIFF_H
#define RK_CORE_DIFF_DIFF_H

#include "core/value/value.h"

enum {
    RK_DIFF_CHANGES_MAX = 1000,   /* within one field; past that the field is one change */
    RK_DIFF_EDITS_MAX = 500,      /* code points that go or come in one text */
    RK_DIFF_POINTS_MAX = 1 << 20, /* code points, of both texts, between what they begin and end with */
    RK_DIFF_STEPS_MAX = 4 << 20,  /* comparisons for one text */
};

/* How a field is compared. */
typedef enum rk_diff_way {
    RK_DIFF_BY_VALUE, /* maps by their keys, lists of equal length by their items, the rest whole */
    RK_DIFF_AS_TEXT,  /* by edits */
    RK_DIFF_AS_SET,   /* a list in the order of rk_value_compare, each item once: by its members */
} rk_diff_way;

typedef rk_diff_way (*rk_diff_way_of)(void *context, rk_bytes field);

typedef enum rk_diff_kind { RK_DIFF_ADDED, RK_DIFF_REMOVED, RK_DIFF_CHANGED } rk_diff_kind;
typedef enum rk_diff_form { RK_DIFF_WHOLE, RK_DIFF_EDITS, RK_DIFF_MEMBERS } rk_diff_form;

/* As an event's edits: in code points, each after the one before. */
typedef struct rk_diff_edit {
    uint64_t at;
    uint64_t delete_count;
    rk_bytes text;
} rk_diff_edit;

typedef struct rk_diff_change {
    rk_bytes path; /* RFC 6901 */
    rk_diff_kind kind;
    rk_diff_form form;
    const rk_value *before, *after; /* RK_DIFF_WHOLE; NULL: it is not there */
    const rk_diff_edit *edits;      /* RK_DIFF_EDITS */
    size_t edit_count;
    const rk_value **removed, **added; /* RK_DIFF_MEMBERS */
    size_t removed_count, added_count;
} rk_diff_change;

typedef struct rk_diff {
    rk_diff_change *changes;
    size_t count;
} rk_diff;

/* Both states are maps. RK_NO_MEMORY is the only failure. */
RK_MUST_USE rk_status rk_diff_states(rk_arena *arena, const rk_value *before, const rk_value *after,
                                     rk_diff_way_of way_of, void *context, rk_diff *diff_out);

/* text.c: the edits from one text to another. RK_LIMIT: they are too many to look for; RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_diff_texts(rk_arena *arena, rk_bytes before, rk_bytes after, const rk_diff_edit **edits_out,
                                     size_t *count_out);

#endif
