/*
 * pn-counter: a counter that grows and shrinks. Each add is an event, dropped when doubled, so the state is one sum.
 *
 * Invariants
 *   (1) The sum is that of all amounts with their signs, and the order of adds does not matter.
 *
 * State, CBOR: that of sum.h.
 */
#ifndef RK_CORE_MERGE_PN_COUNTER_H
#define RK_CORE_MERGE_PN_COUNTER_H

#include "core/merge/sum.h"

/* Embedded by value; all zero is a new counter. Read `sum` with rk_sum_fits or rk_sum_value. */
typedef struct rk_pn_counter {
    rk_sum sum;
} rk_pn_counter;

/* RK_OVERFLOW past 128 bits; the sum then stays as it was. */
RK_MUST_USE rk_status rk_pn_counter_add(rk_pn_counter *counter, int64_t by);
void rk_pn_counter_encode(const rk_pn_counter *counter, rk_buffer *buffer);
RK_MUST_USE rk_status rk_pn_counter_decode(const rk_value *state, rk_pn_counter *counter_out);

#endif
