/*
 * Tokens: JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037) for access, opaque ones for getting the next.
 *
 * Invariants
 *   (1) A token is taken only when its header is exactly {"alg": "EdDSA", "kid": K, "typ": "JWT"}, where K is the
 *       RFC 7638 thumbprint of one of the server's keys, and that key signed it. `alg` is compared, never followed.
 *   (2) Claims are read after the signature verified, and are exactly the six below.
 *   (3) A token has one text for each header and claims: base64url without padding or spare bits, nothing behind it.
 *   (4) No error holds a part of a token. The server keeps of a refresh token its hash only.
 *
 * Claims of an access token; times are whole seconds since 1970-01-01T00:00:00Z:
 *     iss  the account's id, 64 digits of lower-case hex
 *     sub  the actor's id
 *     sid  the session's id, which a server can end
 *     jti  the token's own id
 *     iat  when it was made; at most RK_TOKEN_SKEW_S after the reader's now
 *     exp  when it ends, after iat by RK_TOKEN_LIFETIME_S_MAX at most; at this second it is no longer taken
 *
 * A refresh token is 32 random bytes in base64url, 43 characters.
 */
#ifndef RK_DOOR_HTTP_TOKEN_H
#define RK_DOOR_HTTP_TOKEN_H

#include "base/buffer.h"
#include "core/crypto/crypto.h"

enum {
    RK_TOKEN_SIZE_MAX = 2048,               /* bytes of a token's text: see the assertion in token.c */
    RK_TOKEN_NAME_SIZE_MAX = 64,            /* bytes of sid and of jti */
    RK_TOKEN_SKEW_S = 60,                   /* how far the maker's clock may be ahead of the reader's */
    RK_TOKEN_LIFETIME_S_MAX = 24 * 60 * 60, /* from iat to exp */
    RK_THUMBPRINT_SIZE = 43,                /* SHA-256 in base64url */
    RK_REFRESH_RANDOM_SIZE = 32,
    RK_REFRESH_TEXT_SIZE = 43,
    RK_JWKS_KEYS_MAX = 8,
};

typedef struct rk_token {
    rk_hash account;
    rk_bytes actor;   /* 1 to RK_ACTOR_SIZE_MAX bytes of UTF-8 without control characters */
    rk_bytes session; /* 1 to RK_TOKEN_NAME_SIZE_MAX printable ASCII characters, as is `id` */
    rk_bytes id;
    uint64_t issued_s;
    uint64_t expires_s;
} rk_token;

/* The RFC 7638 thumbprint of an Ed25519 key (RFC 8037 appendix A.3); not NUL-ended. */
void rk_key_thumbprint(const rk_crypto *crypto, const rk_key *key, char out[RK_THUMBPRINT_SIZE]);
/*
 * Appends the JWK Set (RFC 7517) of the keys that tokens are verified with, for /.well-known/jwks.json. `count` is at
 * most RK_JWKS_KEYS_MAX.
 */
void rk_jwks_write(rk_buffer *buffer, const rk_crypto *crypto, const rk_key *keys, size_t count);

/* The token's text, in the arena. RK_BAD_TOKEN when a claim is out of its bounds. */
RK_MUST_USE rk_status rk_token_make(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair,
                                    const rk_token *token, rk_bytes *text_out, rk_error *error);
/*
 * Takes a token that one of `keys` signed for `account`; the token out lives in the arena. RK_UNSUPPORTED_ALGORITHM,
 * RK_UNKNOWN_KEY (another kid), RK_BAD_SIGNATURE, RK_WRONG_ACCOUNT, RK_TOKEN_EXPIRED, and RK_BAD_TOKEN for all that has
 * another form, is not valid yet, or is longer than RK_TOKEN_SIZE_MAX.
 */
RK_MUST_USE rk_status rk_token_read(rk_arena *arena, const rk_crypto *crypto, const rk_key *keys, size_t key_count,
                                    const rk_hash *account, uint64_t now_s, rk_bytes text, rk_token *token_out,
                                    rk_error *error);

/* The text of a refresh token from fresh random bytes; not NUL-ended. */
void rk_refresh_make(const uint8_t random[RK_REFRESH_RANDOM_SIZE], char text_out[RK_REFRESH_TEXT_SIZE]);
/* What a server keeps, and looks a presented token up by: SHA-256 of the random bytes. RK_BAD_TOKEN when it is none. */
RK_MUST_USE rk_status rk_refresh_hash(const rk_crypto *crypto, rk_bytes text, rk_hash *hash_out, rk_error *error);

#endif
