/*
 * Login by a key: the server gives a challenge, the client signs it, once.
 *
 * Invariants
 *   (1) A server keeps nothing for a challenge that it gave: the challenge carries an HMAC under the server's secret
 *       over all that it says. Only when it is answered is it remembered (replays.h), until it ends.
 *   (2) An answer is a COSE_Sign1 of our profile (core/event/cose.h) of the type "reaktor/challenge", so that no other
 *       signature of the key passes for one, nor an answer for anything else.
 *   (3) The HMAC is compared in constant time; no error holds a part of a challenge, and none tells whether an actor
 *       exists.
 *   (4) A client signs only what is a challenge of the account, for the actor, that it meant to log in to.
 *
 * Wire form of a challenge: deterministic CBOR, a map.
 *     key  name     value
 *       1  account  bytes, 32
 *       2  actor    text
 *       3  nonce    bytes, 32: random, from the server
 *       4  expires  integer: seconds since 1970-01-01T00:00:00Z; at this second it is taken for the last time
 *       5  code     bytes, 32: HMAC-SHA-256 over the encoding of ["reaktor/challenge", account, actor, nonce, expires]
 *
 * An answer is the COSE_Sign1 with these bytes as its payload.
 */
#ifndef RK_DOOR_HTTP_CHALLENGE_H
#define RK_DOOR_HTTP_CHALLENGE_H

#include "core/crypto/crypto.h"
#include "door/http/replays.h"
#include "door/http/signer.h"

enum {
    RK_CHALLENGE_LIFETIME_S_MAX = 300, /* from giving to the last second */
    RK_CHALLENGE_NONCE_SIZE = 32,
    RK_CHALLENGE_SECRET_SIZE = 32,
    RK_CHALLENGE_SIZE_MAX = 512, /* bytes of a challenge */
    RK_ANSWER_SIZE_MAX = 1024,   /* bytes of an answer */
};

typedef struct rk_challenge {
    rk_hash account;
    rk_bytes actor; /* 1 to RK_ACTOR_SIZE_MAX bytes of UTF-8 without control characters */
    uint8_t nonce[RK_CHALLENGE_NONCE_SIZE];
    uint64_t expires_s;
} rk_challenge;

/*
 * The server's challenge, in the arena. It is given for any actor's id, known or not. `nonce` in it is fresh random
 * bytes, expires_s at most RK_CHALLENGE_LIFETIME_S_MAX from now. RK_BAD_ID for what cannot be an actor's id.
 */
RK_MUST_USE rk_status rk_challenge_make(rk_arena *arena, const rk_crypto *crypto,
                                        const uint8_t secret[RK_CHALLENGE_SECRET_SIZE], const rk_challenge *challenge,
                                        rk_bytes *bytes_out, rk_error *error);
/*
 * The client's answer, in the arena. RK_BAD_CHALLENGE when the bytes are none or for another actor, RK_WRONG_ACCOUNT.
 */
RK_MUST_USE rk_status rk_challenge_answer(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair,
                                          const rk_hash *account, rk_bytes actor, rk_bytes challenge,
                                          rk_bytes *answer_out, rk_error *error);
/*
 * Checks an answer at second now_s and remembers its challenge; the actor of signer_out lives in the arena, created_s
 * is 0. RK_BAD_COSE; RK_BAD_CHALLENGE when it is not this server's, of this account, or has ended; RK_BAD_SIGNATURE,
 * also for an actor without keys; RK_REPLAYED, RK_OVERLOADED, RK_TOO_OLD; what the look-up of keys returned.
 * `replays` NULL: as rk_signature_check.
 */
RK_MUST_USE rk_status rk_challenge_check(rk_arena *arena, const rk_crypto *crypto,
                                         const uint8_t secret[RK_CHALLENGE_SECRET_SIZE], const rk_hash *account,
                                         rk_bytes answer, uint64_t now_s, const rk_signers *signers,
                                         rk_replays *replays, rk_signer *signer_out, rk_error *error);

#endif
