/*
 * The order of frames.
 */
#include "core/sync/frame.h"

static int compare(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

int rk_frame_compare(const rk_frame *a, const rk_frame *b) {
    int order = compare(a->kind, b->kind);
    if (order == 0 && a->kind != RK_FRAME_COMMIT) order = compare(a->replica, b->replica);
    if (order == 0) order = compare(a->number, b->number);
    if (order == 0) order = compare(a->epoch, b->epoch);
    if (order == 0) order = compare(a->transaction, b->transaction);
    return order;
}

const char *rk_frame_kind_name(rk_frame_kind kind) {
    static const char *const names[] = {"head", "commit", "pending", "verdict"};
    return names[kind];
}
