/*
 * libsodium behind the crypto seam; SHA-256 is Nettle's, which uses the processor's own instructions where it has them.
 */
#include "io/crypto.h"

#include <nettle/sha2.h>
#include <sodium.h>
#include <string.h>

#include "base/status.h"

static void sha256(const rk_bytes *parts, size_t part_count, rk_hash *hash_out) {
    struct sha256_ctx state;
    sha256_init(&state);
    for (size_t i = 0; i < part_count; i++) sha256_update(&state, parts[i].size, parts[i].data);
    sha256_digest(&state, RK_HASH_SIZE, hash_out->bytes);
}

static void secret_key_of(const uint8_t seed[RK_SEED_SIZE], rk_key *public_out, uint8_t secret_out[64]) {
    int failed = crypto_sign_seed_keypair(public_out->bytes, secret_out, seed);
    RK_ASSERT(!failed);
}

static void key_pair_of_seed(const uint8_t seed[RK_SEED_SIZE], rk_key_pair *pair_out) {
    uint8_t secret[64];
    memcpy(pair_out->seed, seed, RK_SEED_SIZE);
    secret_key_of(seed, &pair_out->public_key, secret);
    sodium_memzero(secret, sizeof secret);
}

/* libsodium's secret key is the seed followed by the public key. */
static void sign(const rk_key_pair *pair, rk_bytes message, uint8_t signature_out[RK_SIGNATURE_SIZE]) {
    uint8_t secret[64];
    memcpy(secret, pair->seed, RK_SEED_SIZE);
    memcpy(secret + RK_SEED_SIZE, pair->public_key.bytes, RK_KEY_SIZE);
    int failed = crypto_sign_detached(signature_out, NULL, message.data, message.size, secret);
    sodium_memzero(secret, sizeof secret);
    RK_ASSERT(!failed);
}

static bool verify(const rk_key *key, rk_bytes message, const uint8_t signature[RK_SIGNATURE_SIZE]) {
    return crypto_sign_verify_detached(signature, message.data, message.size, key->bytes) == 0;
}

const rk_crypto *rk_crypto_sodium(void) {
    static const rk_crypto crypto = {sha256, key_pair_of_seed, sign, verify};
    RK_ASSERT(sodium_init() >= 0);
    return &crypto;
}

void rk_random_bytes(uint8_t *out, size_t size) {
    RK_ASSERT(sodium_init() >= 0);
    randombytes_buf(out, size);
}

_Static_assert(RK_NUMBER_KEY_SIZE == crypto_shorthash_siphashx24_KEYBYTES, "its key");
_Static_assert(RK_NUMBER_NAME_SIZE == crypto_shorthash_siphashx24_BYTES, "what it gives");

void rk_number_name(const uint8_t key[RK_NUMBER_KEY_SIZE], uint64_t number, uint8_t out[RK_NUMBER_NAME_SIZE]) {
    uint8_t bytes[8];
    rk_put_u64(bytes, number);
    crypto_shorthash_siphashx24(out, bytes, sizeof bytes, key);
}

void rk_tag(rk_bytes bytes, uint8_t out[RK_TAG_SIZE]) {
    int failed = crypto_generichash(out, RK_TAG_SIZE, bytes.data, bytes.size, NULL, 0);
    RK_ASSERT(!failed);
}

void rk_secret_wipe(void *secret, size_t size) {
    sodium_memzero(secret, size);
}

bool rk_secret_equal(const void *a, const void *b, size_t size) {
    const uint8_t *left = a, *right = b;
    int differs = 0;
    for (; size >= crypto_verify_64_BYTES; size -= crypto_verify_64_BYTES) {
        differs |= crypto_verify_64(left, right);
        left += crypto_verify_64_BYTES;
        right += crypto_verify_64_BYTES;
    }
    return (differs | sodium_memcmp(left, right, size)) == 0;
}
