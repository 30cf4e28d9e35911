/* The counter that only grows. Invariants: g_counter.h. */
#include "core/merge/g_counter.h"

rk_status rk_g_counter_add(rk_g_counter *counter, int64_t by) {
    if (by < 0) return RK_BAD_OPERATIONS;
    return rk_sum_add(&counter->sum, by);
}

void rk_g_counter_encode(const rk_g_counter *counter, rk_buffer *buffer) {
    rk_sum_encode(counter->sum, buffer);
}

rk_status rk_g_counter_decode(const rk_value *state, rk_g_counter *counter_out) {
    counter_out->sum = 0;
    rk_sum sum;
    RK_TRY(rk_sum_decode(state, &sum));
    if (sum < 0) return RK_CORRUPT;
    counter_out->sum = sum;
    return RK_OK;
}
