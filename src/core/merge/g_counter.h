/*
 * g-counter: a counter that only grows. Each add is an event, dropped when doubled, so the state is one sum.
 *
 * Invariants
 *   (1) The sum is never negative and never shrinks.
 *   (2) The order of adds does not matter.
 *
 * State, CBOR: that of sum.h, not negative.
 */
#ifndef RK_CORE_MERGE_G_COUNTER_H
#define RK_CORE_MERGE_G_COUNTER_H

#include "core/merge/sum.h"

/* Embedded by value; all zero is a new counter. Read `sum` with rk_sum_fits or rk_sum_value. */
typedef struct rk_g_counter {
    rk_sum sum;
} rk_g_counter;

/* RK_BAD_OPERATIONS when `by` is negative, RK_OVERFLOW past 128 bits; the sum then stays as it was. */
RK_MUST_USE rk_status rk_g_counter_add(rk_g_counter *counter, int64_t by);
void rk_g_counter_encode(const rk_g_counter *counter, rk_buffer *buffer);
RK_MUST_USE rk_status rk_g_counter_decode(const rk_value *state, rk_g_counter *counter_out);

#endif
