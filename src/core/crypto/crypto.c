/*
 * What is built on the seam: HMAC and comparisons.
 */
#include "core/crypto/crypto.h"

#include <string.h>

enum { SHA256_BLOCK_SIZE = 64 };

rk_hash rk_sha256(const rk_crypto *crypto, rk_bytes bytes) {
    rk_hash hash;
    crypto->sha256(&bytes, 1, &hash);
    return hash;
}

rk_hash rk_hmac_sha256(const rk_crypto *crypto, rk_bytes key, rk_bytes message) {
    uint8_t inner_pad[SHA256_BLOCK_SIZE] = {0}, outer_pad[SHA256_BLOCK_SIZE];
    rk_hash hash;
    if (key.size > SHA256_BLOCK_SIZE) {
        hash = rk_sha256(crypto, key);
        memcpy(inner_pad, hash.bytes, sizeof hash.bytes);
    } else if (key.size) {
        memcpy(inner_pad, key.data, key.size);
    }
    for (size_t i = 0; i < SHA256_BLOCK_SIZE; i++) {
        outer_pad[i] = inner_pad[i] ^ 0x5C;
        inner_pad[i] ^= 0x36;
    }
    rk_bytes inner[] = {{inner_pad, sizeof inner_pad}, message};
    crypto->sha256(inner, 2, &hash);
    rk_hash inner_hash = hash;
    rk_bytes outer[] = {{outer_pad, sizeof outer_pad}, rk_hash_bytes(&inner_hash)};
    crypto->sha256(outer, 2, &hash);
    return hash;
}

bool rk_hash_equal(const rk_hash *a, const rk_hash *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

rk_bytes rk_hash_bytes(const rk_hash *hash) {
    return (rk_bytes){hash->bytes, sizeof hash->bytes};
}

rk_bytes rk_key_bytes(const rk_key *key) {
    return (rk_bytes){key->bytes, sizeof key->bytes};
}

bool rk_key_equal(const rk_key *a, const rk_key *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
