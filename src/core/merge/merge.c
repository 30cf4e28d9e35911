/* Dots and text ids: their order and their bytes. Invariants: merge.h. */
#include "core/merge/merge.h"

int rk_dot_compare(rk_dot a, rk_dot b) {
    int order = rk_id_compare(a.event, b.event);
    if (order != 0) return order;
    return (a.n > b.n) - (a.n < b.n);
}

void rk_dot_put(uint8_t out[RK_DOT_SIZE], rk_dot dot) {
    rk_id_put(out, dot.event);
    for (int i = 0; i < 4; i++) out[RK_ID_SIZE + i] = (uint8_t)(dot.n >> (24 - 8 * i));
}

rk_dot rk_dot_get(const uint8_t in[RK_DOT_SIZE]) {
    rk_dot dot = {.event = rk_id_get(in)};
    for (int i = 0; i < 4; i++) dot.n = dot.n << 8 | in[RK_ID_SIZE + i];
    return dot;
}

int rk_text_id_compare(rk_text_id a, rk_text_id b) {
    if (a.lamport != b.lamport) return a.lamport < b.lamport ? -1 : 1;
    if (a.replica != b.replica) return a.replica < b.replica ? -1 : 1;
    return 0;
}
