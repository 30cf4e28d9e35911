/*
 * How much may be asked within a second: of one who asks, and of many in a table of fixed size.
 *
 * Invariants
 *   (1) At most `rate` pass at once, and `rate` a second from then on; what was refused costs nothing.
 *   (2) Memory is fixed. Two who share a place in each row of a crowd are counted together, which refuses too much at
 *       worst; the places depend on a secret seed.
 *   (3) A clock that steps back refuses nobody for longer than a second.
 *
 * The form is the generic cell rate algorithm: all that is kept is the time at which the bucket is full again.
 *
 * One thread at a time.
 */
#ifndef RK_DOOR_HTTP_RATE_H
#define RK_DOOR_HTTP_RATE_H

#include "core/crypto/crypto.h"

/* Zero: nothing was asked yet. */
typedef struct rk_rate {
    uint64_t full_ns;
} rk_rate;

/* Takes one of `rate` a second. False when there is none; `wait_ms_out` says in how many milliseconds there is one. */
bool rk_rate_take(rk_rate *rate, uint64_t rate_max, uint64_t now_ms, uint64_t *wait_ms_out);

enum { RK_CROWD_ROWS = 2, RK_CROWD_PLACES = 1 << 14, RK_CROWD_SEED_SIZE = 32 };

typedef struct rk_crowd_place {
    rk_rate rate;
    uint32_t connections;
} rk_crowd_place;

/* Embedded by value, 512 KiB; the fields are its own. */
typedef struct rk_crowd {
    uint8_t seed[RK_CROWD_SEED_SIZE];
    rk_crowd_place places[RK_CROWD_ROWS][RK_CROWD_PLACES];
} rk_crowd;

/* Where one who asks is counted. */
typedef struct rk_crowd_key {
    uint32_t places[RK_CROWD_ROWS];
} rk_crowd_key;

/* `seed` is fresh random bytes. */
void rk_crowd_init(rk_crowd *crowd, const uint8_t seed[RK_CROWD_SEED_SIZE]);
rk_crowd_key rk_crowd_key_of(const rk_crowd *crowd, const rk_crypto *crypto, rk_bytes who);
/* How many connections there are of that one; with others that share its places. */
uint32_t rk_crowd_connections(const rk_crowd *crowd, rk_crowd_key key);
/* Counts one, and counts it no longer. */
void rk_crowd_join(rk_crowd *crowd, rk_crowd_key key);
void rk_crowd_leave(rk_crowd *crowd, rk_crowd_key key);
/* As rk_rate_take. */
bool rk_crowd_take(rk_crowd *crowd, rk_crowd_key key, uint64_t rate_max, uint64_t now_ms, uint64_t *wait_ms_out);

#endif
