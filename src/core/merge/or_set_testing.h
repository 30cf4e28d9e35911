/* The set as a list of all inserts, each marked once a remove has named its dot. */
#ifndef RK_CORE_MERGE_OR_SET_TESTING_H
#define RK_CORE_MERGE_OR_SET_TESTING_H

#include "core/value/id.h"
#include "core/value/value.h"

typedef struct naive_insert {
    rk_value value;
    rk_bytes bytes; /* its encoding */
    rk_id event;
    uint32_t n;
    bool removed;
} naive_insert;

typedef struct naive_set {
    rk_arena *arena;
    naive_insert *inserts;
    size_t count;
    size_t capacity;
} naive_set;

void naive_set_insert(naive_set *set, rk_value value, rk_id event, uint32_t n);
/* False when the dot was never inserted. */
bool naive_set_remove(naive_set *set, rk_id event, uint32_t n);
bool naive_set_knows(const naive_set *set, rk_id event, uint32_t n);
/* Copies of the inserts that remain, sorted by encoded value and dot, in `arena`. */
naive_insert *naive_set_remaining(const naive_set *set, rk_arena *arena, size_t *count_out);
/* The canonical state. */
rk_bytes naive_set_state(const naive_set *set, rk_arena *arena);

#endif
