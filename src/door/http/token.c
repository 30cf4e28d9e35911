/*
 * Access tokens: a header and claims as JSON in a JWS; refresh tokens; thumbprints and key sets.
 */
#include "door/http/token.h"

#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "core/event/event.h"
#include "door/http/jws.h"
#include "door/json.h"
#include "io/crypto.h"

enum { X_SIZE = 43, JWK_SIZE_MAX = 128, CLAIMS_SIZE_MAX = 1024 };

/* Every byte of a text may need an escape of two. */
_Static_assert(2 * RK_HASH_SIZE + 2 * RK_ACTOR_SIZE_MAX + 4 * RK_TOKEN_NAME_SIZE_MAX + 2 * 20 + 64 <= CLAIMS_SIZE_MAX,
               "the claims fit their buffer");
_Static_assert((CLAIMS_SIZE_MAX + JWK_SIZE_MAX + RK_SIGNATURE_SIZE) / 3 * 4 + 16 <= RK_TOKEN_SIZE_MAX,
               "the largest header and claims fit a token");

/* ---- keys ---- */

void rk_key_thumbprint(const rk_crypto *crypto, const rk_key *key, char out[RK_THUMBPRINT_SIZE]) {
    char x[X_SIZE], jwk[JWK_SIZE_MAX];
    rk_base64url_write(rk_key_bytes(key), x);
    /* RFC 7638 section 3: the required members only, in lexicographic order, without blanks. */
    size_t size =
        rk_format(jwk, sizeof jwk, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%b\"}", rk_bytes_of(x, sizeof x));
    rk_hash hash = rk_sha256(crypto, rk_bytes_of(jwk, size));
    rk_base64url_write(rk_hash_bytes(&hash), out);
}

static void append_format(rk_buffer *buffer, const char *format, ...) {
    char text[512];
    va_list list;
    va_start(list, format);
    size_t size = rk_format_list(text, sizeof text, format, list);
    va_end(list);
    RK_ASSERT(size + 1 < sizeof text);
    rk_buffer_append(buffer, rk_bytes_of(text, size));
}

void rk_jwks_write(rk_buffer *buffer, const rk_crypto *crypto, const rk_key *keys, size_t count) {
    RK_ASSERT(count <= RK_JWKS_KEYS_MAX);
    rk_buffer_append(buffer, RK_TEXT("{\"keys\":["));
    for (size_t i = 0; i < count; i++) {
        char x[X_SIZE], kid[RK_THUMBPRINT_SIZE];
        rk_base64url_write(rk_key_bytes(&keys[i]), x);
        rk_key_thumbprint(crypto, &keys[i], kid);
        append_format(buffer,
                      "%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%b\",\"kid\":\"%b\",\"use\":\"sig\","
                      "\"alg\":\"EdDSA\"}",
                      i > 0 ? "," : "", rk_bytes_of(x, sizeof x), rk_bytes_of(kid, sizeof kid));
    }
    rk_buffer_append(buffer, RK_TEXT("]}"));
}

/* ---- bounds, the same for making and reading ---- */

static rk_status bad(rk_error *error, const char *where, const char *what) {
    return rk_fail(error, RK_BAD_TOKEN, where, "%s", what);
}

static bool is_name(rk_bytes name) {
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~') return false;
    }
    return name.size > 0 && name.size <= RK_TOKEN_NAME_SIZE_MAX;
}

static rk_status check_claims(const rk_token *token, rk_error *error) {
    if (!rk_label_valid(token->actor, RK_ACTOR_SIZE_MAX)) return bad(error, "sub", "it is no actor's id");
    if (!is_name(token->session)) return bad(error, "sid", "it is not 1 to 64 printable characters");
    if (!is_name(token->id)) return bad(error, "jti", "it is not 1 to 64 printable characters");
    if (token->issued_s > INT64_MAX || token->expires_s > INT64_MAX || token->expires_s <= token->issued_s ||
        token->expires_s - token->issued_s > RK_TOKEN_LIFETIME_S_MAX) {
        return bad(error, "exp", "it is not after iat, or by more than RK_TOKEN_LIFETIME_S_MAX");
    }
    return RK_OK;
}

/* ---- making ---- */

static void write_claim(rk_buffer *buffer, const char *name, rk_bytes text) {
    append_format(buffer, ",\"%s\":", name);
    rk_json_print_text(buffer, text);
}

static void write_claims(rk_buffer *buffer, const rk_token *token) {
    append_format(buffer, "{\"iss\":\"%x\"", rk_hash_bytes(&token->account));
    write_claim(buffer, "sub", token->actor);
    write_claim(buffer, "sid", token->session);
    write_claim(buffer, "jti", token->id);
    append_format(buffer, ",\"iat\":%u,\"exp\":%u}", token->issued_s, token->expires_s);
}

rk_status rk_token_make(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair, const rk_token *token,
                        rk_bytes *text_out, rk_error *error) {
    char kid[RK_THUMBPRINT_SIZE], header[JWK_SIZE_MAX];
    rk_buffer buffer;
    rk_bytes claims;
    *text_out = (rk_bytes){NULL, 0};
    RK_TRY(check_claims(token, error));
    rk_buffer_init(&buffer, arena, CLAIMS_SIZE_MAX);
    write_claims(&buffer, token);
    rk_key_thumbprint(crypto, &pair->public_key, kid);
    size_t size = rk_format(header, sizeof header, "{\"alg\":\"EdDSA\",\"kid\":\"%b\",\"typ\":\"JWT\"}",
                            rk_bytes_of(kid, sizeof kid));
    rk_status status = rk_buffer_finish(&buffer, &claims);
    if (status == RK_OK) {
        status = rk_jws_make(arena, crypto, pair, rk_bytes_of(header, size), claims, RK_TOKEN_SIZE_MAX, text_out);
    }
    return status == RK_OK ? RK_OK : rk_fail(error, status, "token", "it could not be written");
}

/* ---- reading ---- */

/* A JSON map of exactly `count` members. The reader's own error may quote the text, and is not handed on. */
static rk_status read_map(rk_arena *arena, rk_bytes text, size_t count, const char *where, rk_value *map_out,
                          rk_error *error) {
    rk_status status = rk_json_read(arena, text, map_out, NULL);
    if (status == RK_NO_MEMORY) return rk_fail(error, RK_NO_MEMORY, where, "there is no memory to read it");
    if (status != RK_OK || map_out->kind != RK_MAP) return bad(error, where, "it is no JSON object");
    if (map_out->as.map.count != count) return bad(error, where, "it has other members than it should have");
    return RK_OK;
}

static const rk_key *find_key(const rk_crypto *crypto, const rk_key *keys, size_t count, const rk_value *kid) {
    for (size_t i = 0; i < count; i++) {
        char thumbprint[RK_THUMBPRINT_SIZE];
        rk_key_thumbprint(crypto, &keys[i], thumbprint);
        if (rk_is_text(kid, rk_bytes_of(thumbprint, sizeof thumbprint))) return &keys[i];
    }
    return NULL;
}

/* The key that the header names. */
static rk_status read_header(rk_arena *arena, const rk_crypto *crypto, const rk_key *keys, size_t key_count,
                             rk_bytes text, const rk_key **key_out, rk_error *error) {
    rk_value map;
    *key_out = NULL;
    RK_TRY(read_map(arena, text, 3, "header", &map, error));
    if (!rk_is_text(rk_map_find(&map, RK_TEXT("alg")), RK_TEXT("EdDSA"))) {
        return rk_fail(error, RK_UNSUPPORTED_ALGORITHM, "alg", "it is not \"EdDSA\"");
    }
    if (!rk_is_text(rk_map_find(&map, RK_TEXT("typ")), RK_TEXT("JWT"))) return bad(error, "typ", "it is not \"JWT\"");
    const rk_value *kid = rk_map_find(&map, RK_TEXT("kid"));
    if (!kid) return bad(error, "kid", "it is missing");
    *key_out = find_key(crypto, keys, key_count, kid);
    return *key_out ? RK_OK : rk_fail(error, RK_UNKNOWN_KEY, "kid", "it names no key of this server");
}

static rk_bytes text_claim(const rk_value *map, rk_bytes name) {
    const rk_value *value = rk_map_find(map, name);
    return value && value->kind == RK_STRING ? value->as.bytes : (rk_bytes){NULL, 0};
}

/* What is no whole number from 0 on comes out as one that is out of bounds. */
static uint64_t time_claim(const rk_value *map, rk_bytes name) {
    const rk_value *value = rk_map_find(map, name);
    return value && value->kind == RK_INT && value->as.integer >= 0 ? (uint64_t)value->as.integer : UINT64_MAX;
}

static bool is_lower_hex(rk_bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= 'A' && text.data[i] <= 'F') return false;
    }
    return true;
}

static rk_status read_claims(rk_arena *arena, rk_bytes text, rk_token *token, rk_error *error) {
    rk_value map;
    RK_TRY(read_map(arena, text, 6, "claims", &map, error));
    rk_bytes account = text_claim(&map, RK_TEXT("iss"));
    if (!is_lower_hex(account) || !rk_hex_read(account, token->account.bytes, RK_HASH_SIZE)) {
        return bad(error, "iss", "it is not 64 digits of lower-case hex");
    }
    token->actor = text_claim(&map, RK_TEXT("sub"));
    token->session = text_claim(&map, RK_TEXT("sid"));
    token->id = text_claim(&map, RK_TEXT("jti"));
    token->issued_s = time_claim(&map, RK_TEXT("iat"));
    token->expires_s = time_claim(&map, RK_TEXT("exp"));
    return check_claims(token, error);
}

static rk_status check_time(const rk_token *token, uint64_t now_s, rk_error *error) {
    if (token->issued_s > now_s && token->issued_s - now_s > RK_TOKEN_SKEW_S) {
        return bad(error, "iat", "it is not valid yet");
    }
    if (now_s >= token->expires_s) {
        return rk_fail(error, RK_TOKEN_EXPIRED, "exp", "it ended %u s ago", now_s - token->expires_s);
    }
    return RK_OK;
}

static rk_status take_apart(rk_arena *arena, rk_bytes text, rk_jws *jws_out, rk_error *error) {
    *jws_out = (rk_jws){0};
    if (text.size > RK_TOKEN_SIZE_MAX) return bad(error, "token", "it is longer than RK_TOKEN_SIZE_MAX");
    rk_status status = rk_jws_read(arena, text, jws_out);
    return status == RK_OK ? RK_OK : rk_fail(error, status, "token", "it is not three parts in base64url");
}

rk_status rk_token_read(rk_arena *arena, const rk_crypto *crypto, const rk_key *keys, size_t key_count,
                        const rk_hash *account, uint64_t now_s, rk_bytes text, rk_token *token_out, rk_error *error) {
    rk_jws jws;
    rk_token token = {0};
    const rk_key *key;
    *token_out = token;
    RK_TRY(take_apart(arena, text, &jws, error));
    RK_TRY(read_header(arena, crypto, keys, key_count, jws.header, &key, error));
    if (!rk_jws_verify(crypto, key, &jws)) return rk_fail(error, RK_BAD_SIGNATURE, "token", "it does not verify");
    RK_TRY(read_claims(arena, jws.payload, &token, error));
    if (!rk_hash_equal(&token.account, account)) {
        return rk_fail(error, RK_WRONG_ACCOUNT, "iss", "it is for another account");
    }
    RK_TRY(check_time(&token, now_s, error));
    *token_out = token;
    return RK_OK;
}

/* ---- refresh tokens ---- */

void rk_refresh_make(const uint8_t random[RK_REFRESH_RANDOM_SIZE], char text_out[RK_REFRESH_TEXT_SIZE]) {
    rk_base64url_write(rk_bytes_of(random, RK_REFRESH_RANDOM_SIZE), text_out);
}

rk_status rk_refresh_hash(const rk_crypto *crypto, rk_bytes text, rk_hash *hash_out, rk_error *error) {
    uint8_t random[RK_REFRESH_RANDOM_SIZE];
    *hash_out = (rk_hash){0};
    if (!rk_base64url_read_exactly(text, random, sizeof random)) {
        return bad(error, "refresh token", "it is not 43 characters of base64url");
    }
    *hash_out = rk_sha256(crypto, rk_bytes_of(random, sizeof random));
    rk_secret_wipe(random, sizeof random);
    return RK_OK;
}
