/*
 * Content-Digest (RFC 9530): the SHA-256 of a body in a header field, for a signature to cover.
 *
 *     Content-Digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:
 */
#ifndef RK_DOOR_HTTP_DIGEST_H
#define RK_DOOR_HTTP_DIGEST_H

#include "base/buffer.h"
#include "core/crypto/crypto.h"

/* The field's value, in the arena. */
RK_MUST_USE rk_status rk_digest_make(rk_arena *arena, const rk_crypto *crypto, rk_bytes body, rk_bytes *digest_out);
/*
 * Whether the field's value names the body's SHA-256; digests by other algorithms beside it are left alone.
 * RK_DIGEST_MISMATCH, also when it has no sha-256; RK_BAD_HEADER, RK_LIMIT.
 */
RK_MUST_USE rk_status rk_digest_check(rk_arena *arena, const rk_crypto *crypto, rk_bytes digest, rk_bytes body,
                                      rk_error *error);

#endif
