/*
 * Who signed: the look-up of an actor's keys, which whoever holds the account fills in, and its answer.
 */
#ifndef RK_DOOR_HTTP_SIGNER_H
#define RK_DOOR_HTTP_SIGNER_H

#include "base/status.h"
#include "core/crypto/crypto.h"

enum { RK_SIGNER_KEYS_MAX = 16 }; /* active keys of one actor that are tried, some 60 us each */

/* Who may sign: the caller's look-up in the account. */
typedef struct rk_signers {
    /*
     * The keys that are active for an actor now, at most RK_SIGNER_KEYS_MAX of them, and how many; none for one that is
     * unknown. Any status but RK_OK ends the check with it, and the callback has filled in the error.
     */
    rk_status (*active_keys)(void *context, rk_bytes actor, rk_key keys_out[RK_SIGNER_KEYS_MAX], size_t *count_out,
                             rk_error *error);
    void *context;
} rk_signers;

/* Who sent a request, or answered a challenge. */
typedef struct rk_signer {
    rk_bytes actor; /* in the arena */
    rk_key key;
    uint64_t created_s; /* of a request's signature; of an answer 0 */
    rk_hash used;       /* what may not come again, */
    uint64_t until_s;   /* as long as it would be taken: for rk_replays_remember */
} rk_signer;

#endif
