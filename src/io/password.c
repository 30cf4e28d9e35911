/*
 * Argon2id from libsodium.
 *
 * A check does by hand what crypto_pwhash_str_verify does: up to libsodium 1.0.18 that answers "mismatch" as well when
 * memory ran out, and a right password must never be called wrong.
 */
#include "io/password.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { HASH_SIZE = 32 }; /* as crypto_pwhash_str has it */

_Static_assert(RK_PASSWORD_TEXT_SIZE == crypto_pwhash_argon2id_STRBYTES, "a text has libsodium's size");
_Static_assert(RK_PASSWORD_PASSES == crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
               "the passes are the interactive ones");
_Static_assert(RK_PASSWORD_MEMORY == crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE, "so is the memory");

static rk_status no_memory(rk_error *error) {
    return rk_fail(error, RK_NO_MEMORY, "password", "there is no memory to hash it with");
}

static bool may_be_password(rk_bytes password) {
    return password.size >= RK_PASSWORD_SIZE_MIN && password.size <= RK_PASSWORD_SIZE_MAX && rk_utf8_valid(password);
}

rk_status rk_password_make(rk_bytes password, char text_out[RK_PASSWORD_TEXT_SIZE], rk_error *error) {
    RK_ASSERT(sodium_init() >= 0);
    memset(text_out, 0, RK_PASSWORD_TEXT_SIZE);
    if (!may_be_password(password)) {
        return rk_fail(error, RK_BAD_PASSWORD, "password", "it has %u bytes, or is not UTF-8", (uint64_t)password.size);
    }
    int failed = crypto_pwhash_argon2id_str(text_out, (const char *)password.data, password.size, RK_PASSWORD_PASSES,
                                            RK_PASSWORD_MEMORY);
    return failed ? no_memory(error) : RK_OK;
}

/* What a stored text says. */
typedef struct stored {
    unsigned long kib;
    unsigned long passes;
    uint8_t salt[crypto_pwhash_argon2id_SALTBYTES];
    uint8_t hash[HASH_SIZE];
} stored;

/* `size` bytes in base64 without padding, and nothing else before `stop`, which is passed. */
static bool read_base64(const char **at, char stop, uint8_t *out, size_t size) {
    const char *end = strchr(*at, stop);
    size_t read = 0;
    if (!end || sodium_base642bin(out, size, *at, (size_t)(end - *at), NULL, &read, NULL,
                                  sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0) {
        return false;
    }
    *at = end + (stop != 0);
    return read == size;
}

static bool within_limits(const stored *stored) {
    return stored->kib >= crypto_pwhash_argon2id_MEMLIMIT_MIN / 1024 && stored->kib <= RK_PASSWORD_MEMORY_MAX / 1024 &&
           stored->passes >= crypto_pwhash_argon2id_OPSLIMIT_MIN && stored->passes <= RK_PASSWORD_PASSES_MAX;
}

/* Reads a stored text; false when it is out of form or bounds. */
static bool read_stored(rk_bytes text, stored *out) {
    char copy[RK_PASSWORD_TEXT_SIZE] = {0};
    int end = 0;
    *out = (stored){0};
    if (text.size >= sizeof copy || rk_bytes_find(text, 0) < text.size) return false;
    if (text.size) memcpy(copy, text.data, text.size);
    int read = sscanf(copy, "$argon2id$v=19$m=%9lu,t=%9lu,p=1$%n", &out->kib, &out->passes, &end);
    if (read != 2 || end == 0 || !within_limits(out)) return false;
    const char *at = copy + end;
    return read_base64(&at, '$', out->salt, sizeof out->salt) && read_base64(&at, 0, out->hash, sizeof out->hash);
}

rk_status rk_password_check(rk_bytes password, rk_bytes text, bool *right_out, rk_error *error) {
    stored kept = {.kib = RK_PASSWORD_MEMORY / 1024, .passes = RK_PASSWORD_PASSES};
    uint8_t hash[HASH_SIZE];
    RK_ASSERT(sodium_init() >= 0);
    *right_out = false;
    if (!may_be_password(password)) return RK_OK;
    if (text.size > 0 && !read_stored(text, &kept)) {
        return rk_fail(error, RK_CORRUPT, "password", "the stored text is no Argon2id text, or passes a limit");
    }
    int failed = crypto_pwhash_argon2id(hash, sizeof hash, (const char *)password.data, password.size, kept.salt,
                                        kept.passes, kept.kib * 1024, crypto_pwhash_argon2id_ALG_ARGON2ID13);
    if (failed) return no_memory(error);
    bool equal = sodium_memcmp(hash, kept.hash, sizeof hash) == 0;
    *right_out = equal && text.size > 0;
    sodium_memzero(hash, sizeof hash);
    return RK_OK;
}

bool rk_password_is_old(rk_bytes text) {
    stored kept;
    return !read_stored(text, &kept) || kept.kib != RK_PASSWORD_MEMORY / 1024 || kept.passes != RK_PASSWORD_PASSES;
}
