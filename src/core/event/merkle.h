/*
 * Merkle trees as RFC 9162 section 2.1 defines them, over leaf hashes that are already made.
 *
 * Invariants
 *   (1) A node is SHA-256(0x01, left, right); the left part of n leaves has the largest power of two below n.
 *   (2) A path proves one leaf of a tree whose size is known from a signed header.
 */
#ifndef RK_CORE_EVENT_MERKLE_H
#define RK_CORE_EVENT_MERKLE_H

#include "base/arena.h"
#include "core/crypto/crypto.h"

enum { RK_SALT_SIZE = 16, RK_MERKLE_PATH_MAX = 32 };

/* SHA-256(0x00, salt, hash): a leaf whose content nobody can guess who does not have the salt. */
rk_hash rk_merkle_leaf(const rk_crypto *crypto, const uint8_t salt[RK_SALT_SIZE], const rk_hash *hash);
/* The root of `count` leaves, at least one. Overwrites nothing; takes no memory beyond the stack. */
rk_hash rk_merkle_root(const rk_crypto *crypto, const rk_hash *leaves, size_t count);
/* The inclusion path of leaf `index`, bottom first. Returns how many hashes `path_out` got. */
size_t rk_merkle_path(const rk_crypto *crypto, const rk_hash *leaves, size_t count, size_t index,
                      rk_hash path_out[RK_MERKLE_PATH_MAX]);
/* Whether the path leads from the leaf to the root (RFC 9162 section 2.1.3.2). */
bool rk_merkle_proves(const rk_crypto *crypto, const rk_hash *leaf, size_t index, size_t count, const rk_hash *path,
                      size_t path_count, const rk_hash *root);

#endif
