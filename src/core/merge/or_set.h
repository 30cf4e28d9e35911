/*
 * or-set: a set where an insert survives every remove that did not see it (Bieniusa et al., 2012, "An optimized
 * conflict-free replicated set"; here delivery is causal, so a removed dot leaves no trace).
 *
 * Each insert is named by a dot; a remove names the dots that it saw and deletes exactly those. A value is in the set
 * while it has a dot.
 *
 * Invariants
 *   (1) The set holds (value, dot) pairs, each dot once.
 *   (2) Two balanced trees run through the same entries: one by (rk_value_compare, dot), one by dot. Every operation on
 *       one entry is O(log n), whatever is inserted.
 *   (3) There are no tombstones: whether an absent dot was removed or never inserted, the set cannot tell. The log can,
 *       and whoever resolves operations asks it (missing_reference).
 *
 * State, CBOR: a list of the elements in the order of rk_value_compare, each a list
 *     [value, dot, dot ...]    dot: 20 bytes (merge.h), at least one, ascending
 */
#ifndef RK_CORE_MERGE_OR_SET_H
#define RK_CORE_MERGE_OR_SET_H

#include "core/merge/merge.h"
#include "core/value/cbor.h"

typedef struct rki_or_entry rki_or_entry;

/* Embedded by value; the fields are the set's own. Everything it holds lives in the arena. */
typedef struct rk_or_set {
    rk_arena *arena;
    rki_or_entry *roots[2];
    rki_or_entry *unused;
    size_t count; /* (value, dot) pairs */
} rk_or_set;

/* `arena` must outlive the set, and frees it. Entries of removed dots are used again; their values' bytes are not. */
void rk_or_set_init(rk_or_set *set, rk_arena *arena);
/*
 * Copies the value. RK_ID_CONFLICT when the dot is there, RK_BAD_OPERATIONS when the value is a list, a map or has no
 * encoding.
 */
RK_MUST_USE rk_status rk_or_set_insert(rk_or_set *set, const rk_value *value, rk_dot dot);
/* Deletes the entries of exactly these dots. Those that are gone already are passed over. */
void rk_or_set_remove(rk_or_set *set, const rk_dot *dots, size_t count);
bool rk_or_set_has(const rk_or_set *set, rk_dot dot);
bool rk_or_set_contains(const rk_or_set *set, const rk_value *value);
/* The dots of a value, ascending, in `arena`: what a remove of it resolves to. None is no error. */
RK_MUST_USE rk_status rk_or_set_dots(const rk_or_set *set, const rk_value *value, rk_arena *arena,
                                     const rk_dot **dots_out, size_t *count_out);
/* The elements, each once, in the order of rk_value_compare: a list in `arena`; its items borrow from the set. */
RK_MUST_USE rk_status rk_or_set_elements(const rk_or_set *set, rk_arena *arena, rk_value *list_out);
/* Appends the canonical state. */
void rk_or_set_encode(const rk_or_set *set, rk_buffer *buffer);
/* Makes a set in `arena` of a decoded state. RK_CORRUPT when it is not a canonical one. */
RK_MUST_USE rk_status rk_or_set_decode(rk_arena *arena, const rk_value *state, rk_or_set *set_out);

#endif
