/* The register as a list of everything that was ever set; the last is looked for at every read. */
#ifndef RK_CORE_MERGE_LWW_TESTING_H
#define RK_CORE_MERGE_LWW_TESTING_H

#include "core/value/id.h"
#include "core/value/value.h"

typedef struct naive_lww_set {
    rk_stamp stamp;
    rk_id id;
    rk_value value;
} naive_lww_set;

typedef struct naive_lww {
    rk_arena *arena;
    naive_lww_set *sets;
    size_t count;
    size_t capacity;
} naive_lww;

void naive_lww_add(naive_lww *lww, rk_stamp stamp, rk_id id, rk_value value);
/* NULL when nothing was set. */
const naive_lww_set *naive_lww_last(const naive_lww *lww);

#endif
