/*
 * Merkle roots and paths.
 */
#include "core/event/merkle.h"

static rk_hash node(const rk_crypto *crypto, const rk_hash *left, const rk_hash *right) {
    static const uint8_t prefix = 1;
    rk_bytes parts[] = {{&prefix, 1}, rk_hash_bytes(left), rk_hash_bytes(right)};
    rk_hash hash;
    crypto->sha256(parts, 3, &hash);
    return hash;
}

rk_hash rk_merkle_leaf(const rk_crypto *crypto, const uint8_t salt[RK_SALT_SIZE], const rk_hash *hash) {
    static const uint8_t prefix = 0;
    rk_bytes parts[] = {{&prefix, 1}, {salt, RK_SALT_SIZE}, rk_hash_bytes(hash)};
    rk_hash leaf;
    crypto->sha256(parts, 3, &leaf);
    return leaf;
}

/* The largest power of two below `count`, which is at least 2. */
static size_t left_size(size_t count) {
    size_t size = 1;
    while (size * 2 < count) size *= 2;
    return size;
}

/* Recursion is as deep as the tree: at most RK_MERKLE_PATH_MAX. */
rk_hash rk_merkle_root(const rk_crypto *crypto, const rk_hash *leaves, size_t count) {
    if (count == 1) return leaves[0];
    size_t split = left_size(count);
    rk_hash left = rk_merkle_root(crypto, leaves, split);
    rk_hash right = rk_merkle_root(crypto, leaves + split, count - split);
    return node(crypto, &left, &right);
}

size_t rk_merkle_path(const rk_crypto *crypto, const rk_hash *leaves, size_t count, size_t index,
                      rk_hash path_out[RK_MERKLE_PATH_MAX]) {
    if (count <= 1) return 0;
    size_t split = left_size(count);
    bool is_left = index < split;
    size_t length = is_left ? rk_merkle_path(crypto, leaves, split, index, path_out)
                            : rk_merkle_path(crypto, leaves + split, count - split, index - split, path_out);
    path_out[length] =
        is_left ? rk_merkle_root(crypto, leaves + split, count - split) : rk_merkle_root(crypto, leaves, split);
    return length + 1;
}

bool rk_merkle_proves(const rk_crypto *crypto, const rk_hash *leaf, size_t index, size_t count, const rk_hash *path,
                      size_t path_count, const rk_hash *root) {
    if (index >= count) return false;
    size_t at = index, last = count - 1;
    rk_hash hash = *leaf;
    for (size_t i = 0; i < path_count; i++) {
        if (last == 0) return false;
        if ((at & 1) || at == last) {
            hash = node(crypto, &path[i], &hash);
            while (!(at & 1) && at != 0) at >>= 1, last >>= 1;
        } else {
            hash = node(crypto, &hash, &path[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && rk_hash_equal(&hash, root);
}
