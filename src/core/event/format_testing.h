/*
 * Sample bytes of every format, made from fixed seeds: the same on every machine and every day.
 */
#ifndef RK_CORE_EVENT_FORMAT_TESTING_H
#define RK_CORE_EVENT_FORMAT_TESTING_H

#include "core/event/record.h"

typedef struct rk_sample {
    rk_key_pair root;
    rk_key_pair truth;
    rk_key_pair actor;
    rk_bytes events[3];
    rk_bytes personal; /* an event with a personal member, which has its place and is not accepted yet */
    rk_bytes preconditions;
    rk_bytes batch;     /* two transactions: one with preconditions and two events, one with one event */
    rk_bytes committed; /* the same where the second was refused: its leaf is a hash */
    rk_bytes record;    /* of `committed` */
    rk_bytes genesis;   /* a batch sealed by the root key */
} rk_sample;

/* Everything lives in the arena. Ends the process when something does not encode: that is our own mistake. */
void rk_sample_make(rk_arena *arena, const rk_crypto *crypto, rk_sample *sample_out);
/* The key pair whose seed is 32 times `byte`. */
rk_key_pair rk_sample_pair(const rk_crypto *crypto, uint8_t byte);

#endif
