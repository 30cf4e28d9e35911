/*
 * How often something was tried within a minute, for many who try: a fixed table of counts.
 *
 * Invariants
 *   (1) What was tried `most` times within the current minute is refused for the rest of it, never let through: two who
 *       share a place in both rows are counted together, which refuses too much at worst.
 *   (2) Memory is fixed: nothing is kept of who tried but its places, and they depend on a secret seed.
 *   (3) A clock that steps back opens nothing: counts stand until a later minute than any that was seen.
 *
 * One thread at a time.
 */
#ifndef RK_DOOR_HTTP_ATTEMPTS_H
#define RK_DOOR_HTTP_ATTEMPTS_H

#include "base/status.h"
#include "core/crypto/crypto.h"

enum { RK_ATTEMPTS_ROWS = 2, RK_ATTEMPTS_PLACES = 1 << 14, RK_ATTEMPTS_SEED_SIZE = 32, RK_ATTEMPTS_SECONDS = 60 };

/* Embedded by value, 256 KiB; the fields are its own. */
typedef struct rk_attempts {
    uint8_t seed[RK_ATTEMPTS_SEED_SIZE];
    uint64_t minute; /* the latest that was seen; all counts are of it */
    uint32_t counts[RK_ATTEMPTS_ROWS][RK_ATTEMPTS_PLACES];
} rk_attempts;

/* `seed` is fresh random bytes. */
void rk_attempts_init(rk_attempts *attempts, const uint8_t seed[RK_ATTEMPTS_SEED_SIZE]);
/*
 * Counts a try of `who`. RK_TOO_MANY when there were `most` in this minute; `wait_s_out` then says how many seconds are
 * left of it, at least 1.
 */
RK_MUST_USE rk_status rk_attempts_count(rk_attempts *attempts, const rk_crypto *crypto, rk_bytes who, uint32_t most,
                                        uint64_t now_s, uint64_t *wait_s_out, rk_error *error);
/* Takes one try of this minute back, because it was a right one. */
void rk_attempts_forgive(rk_attempts *attempts, const rk_crypto *crypto, rk_bytes who, uint64_t now_s);

#endif
