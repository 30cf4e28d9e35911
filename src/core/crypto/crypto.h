/*
 * The seam to hashes and signatures: libraries in a process (src/io/crypto.h), host functions in WebAssembly.
 *
 * Invariants
 *   (1) Core never makes randomness: keys come from outside, and Ed25519 signs without it (RFC 8032).
 *   (2) Whether a signature verifies is a bool, never an error that could be passed over.
 */
#ifndef RK_CORE_CRYPTO_CRYPTO_H
#define RK_CORE_CRYPTO_CRYPTO_H

#include "base/bytes.h"

enum { RK_HASH_SIZE = 32, RK_KEY_SIZE = 32, RK_SEED_SIZE = 32, RK_SIGNATURE_SIZE = 64 };

typedef struct rk_hash {
    uint8_t bytes[RK_HASH_SIZE];
} rk_hash;

/* An Ed25519 public key. */
typedef struct rk_key {
    uint8_t bytes[RK_KEY_SIZE];
} rk_key;

/* An Ed25519 key pair: the seed is the secret. */
typedef struct rk_key_pair {
    uint8_t seed[RK_SEED_SIZE];
    rk_key public_key;
} rk_key_pair;

typedef struct rk_crypto {
    /* SHA-256 (FIPS 180-4) over the parts, one after another. */
    void (*sha256)(const rk_bytes *parts, size_t part_count, rk_hash *hash_out);
    /* Fills in the public key of a seed (RFC 8032 section 5.1.5). */
    void (*key_pair_of_seed)(const uint8_t seed[RK_SEED_SIZE], rk_key_pair *pair_out);
    void (*sign)(const rk_key_pair *pair, rk_bytes message, uint8_t signature_out[RK_SIGNATURE_SIZE]);
    bool (*verify)(const rk_key *key, rk_bytes message, const uint8_t signature[RK_SIGNATURE_SIZE]);
} rk_crypto;

rk_hash rk_sha256(const rk_crypto *crypto, rk_bytes bytes);
/* HMAC with SHA-256 (RFC 2104). `key` may have any length. */
rk_hash rk_hmac_sha256(const rk_crypto *crypto, rk_bytes key, rk_bytes message);
bool rk_hash_equal(const rk_hash *a, const rk_hash *b);
rk_bytes rk_hash_bytes(const rk_hash *hash);
rk_bytes rk_key_bytes(const rk_key *key);
bool rk_key_equal(const rk_key *a, const rk_key *b);

#endif
