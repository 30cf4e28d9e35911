/*
 * lww: a register that keeps the last value written (Shapiro et al., 2011, "A comprehensive study of Convergent and
 * Commutative Replicated Data Types", section 3.2).
 *
 * Invariants
 *   (1) The value is that of the highest (effective stamp, event id) among all sets, whatever their order.
 *   (2) Ids are unique, so no two sets tie. The same (stamp, id) again changes nothing.
 *
 * Values of personal fields have no place here yet.
 *
 * State, CBOR:
 *     null                     never set
 *     [stamp, id, value]       stamp: unsigned integer; id: 16 bytes (id.h); value: any
 */
#ifndef RK_CORE_MERGE_LWW_H
#define RK_CORE_MERGE_LWW_H

#include "core/merge/merge.h"
#include "core/value/cbor.h"

/* Embedded by value; all zero is a register that was never set. Read what is in it, write with rk_lww_set only. */
typedef struct rk_lww {
    bool set;
    rk_stamp stamp; /* effective */
    rk_id id;
    rk_value value; /* in the arena of the set that won */
} rk_lww;

/*
 * Sets the register if (stamp, id) is the highest yet; the value is then copied into `arena`, which must live as long
 * as the register. What it replaces stays in the arena until that is freed. RK_NO_MEMORY is the only failure.
 */
RK_MUST_USE rk_status rk_lww_set(rk_lww *lww, rk_arena *arena, rk_stamp stamp, rk_id id, const rk_value *value);
/* Appends the canonical state. */
void rk_lww_encode(const rk_lww *lww, rk_buffer *buffer);
/* Copies a decoded state into `arena`. RK_CORRUPT when it is not a state. */
RK_MUST_USE rk_status rk_lww_decode(rk_arena *arena, const rk_value *state, rk_lww *lww_out);

#endif
