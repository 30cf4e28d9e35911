/*
 * Strategy: any bytes as a token; as the header and as the claims of a token that the server's key signed, so that
 * the readers behind the signature see them; and as a refresh token.
 *
 * Invariants
 *   (1) Bytes that nobody signed are never taken.
 *   (2) Claims that are taken make a token that reads to the same claims.
 *   (3) What is refused says where and what, and nothing is read.
 */
#include "door/http/jws.h"
#include "door/http/token.h"
#include "io/crypto.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1800000000 };

static const rk_hash account = {{0}};

static rk_status read_token(rk_arena *arena, const rk_key_pair *pair, rk_bytes text, rk_token *token_out) {
    rk_error error = {0};
    rk_status status =
        rk_token_read(arena, rk_crypto_sodium(), &pair->public_key, 1, &account, NOW_S, text, token_out, &error);
    RK_ASSERT(status == error.code && (status == RK_OK || (error.where[0] && error.what[0] && !token_out->id.size)));
    return status;
}

static void read_claims(rk_arena *arena, const rk_key_pair *pair, rk_bytes header, rk_bytes claims) {
    rk_token token, again;
    rk_bytes text;
    rk_status status = rk_jws_make(arena, rk_crypto_sodium(), pair, header, claims, 1 << 20, &text);
    if (status != RK_OK || read_token(arena, pair, text, &token) != RK_OK) return;
    status = rk_token_make(arena, rk_crypto_sodium(), pair, &token, &text, NULL);
    RK_ASSERT(status == RK_OK);
    status = read_token(arena, pair, text, &again);
    RK_ASSERT(status == RK_OK && rk_bytes_equal(token.actor, again.actor) && rk_bytes_equal(token.id, again.id));
    RK_ASSERT(rk_bytes_equal(token.session, again.session) && token.expires_s == again.expires_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t seed[RK_SEED_SIZE] = {7};
    const rk_crypto *crypto = rk_crypto_sodium();
    rk_bytes bytes = rk_bytes_of(data, size);
    rk_key_pair pair;
    rk_arena arena;
    rk_token token;
    rk_hash hash;
    char kid[RK_THUMBPRINT_SIZE], header[128];
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    crypto->key_pair_of_seed(seed, &pair);
    RK_ASSERT(read_token(&arena, &pair, bytes, &token) != RK_OK);
    rk_key_thumbprint(crypto, &pair.public_key, kid);
    size_t header_size = rk_format(header, sizeof header, "{\"alg\":\"EdDSA\",\"kid\":\"%b\",\"typ\":\"JWT\"}",
                                   rk_bytes_of(kid, sizeof kid));
    read_claims(&arena, &pair, rk_bytes_of(header, header_size), bytes);
    read_claims(&arena, &pair, bytes, RK_TEXT("{}"));
    if (rk_refresh_hash(crypto, bytes, &hash, NULL) == RK_OK) RK_ASSERT(size == RK_REFRESH_TEXT_SIZE);
    rk_arena_free(&arena);
    return 0;
}
