/*
 * Key pairs in files: a folder DATA/keys (mode 0700) with one file a key (mode 0600).
 *
 *     root.key           the account's root key          at a truth
 *     truth.key          the key that signs records      at a truth
 *     actor-NAME.key     an actor's key                  wherever that actor writes
 *
 * A file holds the seed as 64 digits of hex and a line end. In NAME every byte that is no letter, digit, '-', '_' or '.'
 * is %XX (upper-case hex); a name that grows past RK_KEY_NAME_SIZE_MAX in this form is cut to its first RK_KEY_NAME_KEPT
 * bytes, followed by '~' and the hex of the whole name's SHA-256.
 */
#ifndef RK_IO_KEYS_H
#define RK_IO_KEYS_H

#include "core/crypto/crypto.h"
#include "io/file.h"

enum { RK_KEY_NAME_SIZE_MAX = 200, RK_KEY_NAME_KEPT = 120, RK_KEY_FILE_SIZE_MAX = RK_KEY_NAME_SIZE_MAX + 16 };

/* The file's name for an actor; NUL-ended. */
void rk_keys_file_of_actor(const rk_crypto *crypto, rk_bytes actor, char out[RK_KEY_FILE_SIZE_MAX]);
/* The actor of such a file's name, in the arena; false when it is another file, or its name was cut. */
bool rk_keys_actor_of_file(rk_arena *arena, const char *file, rk_bytes *actor_out);

/* `data`: the database's folder. RK_NO_KEY when there is no such file, RK_CORRUPT when it holds something else. */
RK_MUST_USE rk_status rk_keys_get(const char *data, const char *file, const rk_crypto *crypto, rk_key_pair *pair_out,
                                  rk_error *error);
/* Never replaces another key: RK_DATABASE_EXISTS. Putting the same key again is fine. */
RK_MUST_USE rk_status rk_keys_put(const char *data, const char *file, const rk_crypto *crypto, const rk_key_pair *pair,
                                  rk_error *error);
/* Whether it is there or not. */
void rk_keys_remove(const char *data, const char *file);
/* The actors whose keys are here, in bytewise order, in the arena. */
RK_MUST_USE rk_status rk_keys_actors(const char *data, rk_arena *arena, const rk_bytes **actors_out, size_t *count_out,
                                     rk_error *error);

#endif
