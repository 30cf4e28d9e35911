/*
 * A small world of replicas, for testing any merge type: they write apart, events travel shuffled, doubled and late,
 * and after each full exchange everybody must hold the same bytes.
 *
 * Invariants
 *   (1) Everything follows from the seed, which is printed.
 *   (2) An event reaches a replica once (doubles are dropped by its id), and after all that it names: `ready` says so.
 *       In a causal world also after all that its writer had seen.
 */
#ifndef RK_CORE_MERGE_MERGE_TESTING_H
#define RK_CORE_MERGE_MERGE_TESTING_H

#include "base/arena.h"
#include "core/value/id.h"
#include "core/value/value.h"

typedef struct merge_random {
    uint64_t state;
} merge_random;

uint64_t merge_random_next(merge_random *random);
/* 0 .. bound - 1 */
uint64_t merge_random_below(merge_random *random, uint64_t bound);

/* A merge type under test beside its naive reference. */
typedef struct merge_subject {
    const char *name;
    void *(*open)(rk_arena *arena);
    void (*close)(void *replica);
    /* Resolves a random change in the replica's view and applies it there, to both. */
    const void *(*write)(void *replica, rk_id id, merge_random *random, rk_arena *arena);
    /* Whether all that the operation names is there. */
    bool (*ready)(void *replica, const void *operation);
    void (*apply)(void *replica, const void *operation, rk_id id);
    /* Everything that can be read is what the reference says. */
    void (*check)(void *replica, merge_random *random);
    rk_bytes (*state)(void *replica, rk_arena *arena);
} merge_subject;

typedef struct merge_plan {
    uint64_t seed;
    uint32_t replicas;   /* at most 8 */
    uint32_t worlds;     /* each begins empty */
    uint32_t rounds;     /* of each world; a full exchange ends each */
    uint32_t operations; /* of each round */
    uint32_t checks;     /* of each round, at a random replica */
} merge_plan;

/* Every second world is causal. Fails the running cmocka test, or returns. */
void merge_converge(const merge_subject *subject, merge_plan plan);

/* The seed of this run: $REAKTOR_SEED, or the one given. */
uint64_t merge_seed(uint64_t otherwise);

/* What fuzz targets read: the input byte by byte, 0 past its end. */
typedef struct merge_input {
    const uint8_t *data;
    size_t size;
    size_t at;
} merge_input;

bool merge_input_ended(const merge_input *input);
uint8_t merge_input_byte(merge_input *input);
uint64_t merge_input_number(merge_input *input, unsigned bytes);

#endif
