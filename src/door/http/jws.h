/*
 * JSON Web Signatures in the compact form (RFC 7515 section 3.1) with Ed25519 (RFC 8037 section 3.1): the layer below
 * tokens, which knows nothing of headers and claims.
 *
 *     BASE64URL(header) "." BASE64URL(payload) "." BASE64URL(signature)
 */
#ifndef RK_DOOR_HTTP_JWS_H
#define RK_DOOR_HTTP_JWS_H

#include "base/buffer.h"
#include "core/crypto/crypto.h"

typedef struct rk_jws {
    rk_bytes header;  /* decoded */
    rk_bytes payload; /* decoded */
    rk_bytes message; /* what the signature is over: the text up to the second dot */
    uint8_t signature[RK_SIGNATURE_SIZE];
} rk_jws;

/* The compact form of at most `size_max` bytes, in the arena. RK_LIMIT, RK_NO_MEMORY. */
RK_MUST_USE rk_status rk_jws_make(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair, rk_bytes header,
                                  rk_bytes payload, size_t size_max, rk_bytes *text_out);
/* Takes a text apart, verifying nothing. RK_BAD_TOKEN unless it is three parts, and the last one 64 bytes. */
RK_MUST_USE rk_status rk_jws_read(rk_arena *arena, rk_bytes text, rk_jws *jws_out);
bool rk_jws_verify(const rk_crypto *crypto, const rk_key *key, const rk_jws *jws);

#endif
