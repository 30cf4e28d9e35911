/* The naive register. */
#include "core/merge/lww_testing.h"

void naive_lww_add(naive_lww *lww, rk_stamp stamp, rk_id id, rk_value value) {
    if (lww->count == lww->capacity) {
        size_t capacity = lww->capacity * 2 + 16;
        lww->sets =
            rk_arena_grow(lww->arena, lww->sets, lww->capacity * sizeof *lww->sets, capacity * sizeof *lww->sets);
        lww->capacity = capacity;
    }
    lww->sets[lww->count++] = (naive_lww_set){stamp, id, value};
}

const naive_lww_set *naive_lww_last(const naive_lww *lww) {
    const naive_lww_set *last = NULL;
    for (size_t i = 0; i < lww->count; i++) {
        const naive_lww_set *one = &lww->sets[i];
        bool later =
            !last || one->stamp > last->stamp || (one->stamp == last->stamp && one->id.stamp > last->id.stamp) ||
            (one->stamp == last->stamp && one->id.stamp == last->id.stamp && one->id.replica > last->id.replica);
        if (later) last = one;
    }
    return last;
}
