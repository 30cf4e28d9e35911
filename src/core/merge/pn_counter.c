/* The counter that grows and shrinks. Invariants: pn_counter.h. */
#include "core/merge/pn_counter.h"

rk_status rk_pn_counter_add(rk_pn_counter *counter, int64_t by) {
    return rk_sum_add(&counter->sum, by);
}

void rk_pn_counter_encode(const rk_pn_counter *counter, rk_buffer *buffer) {
    rk_sum_encode(counter->sum, buffer);
}

rk_status rk_pn_counter_decode(const rk_value *state, rk_pn_counter *counter_out) {
    return rk_sum_decode(state, &counter_out->sum);
}
