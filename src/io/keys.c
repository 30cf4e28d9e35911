/*
 * Keys in files.
 */
#include "io/keys.h"

#include <stdlib.h>
#include <string.h>

#include "io/crypto.h"
#include "io/folder.h"
#include "io/memory.h"

static const char actor_prefix[] = "actor-", key_suffix[] = ".key";

/* ---- names ---- */

static bool is_plain(uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte && strchr("-_.", byte));
}

/* Percent-encodes as much as fits `size_max` whole; returns whether all did. */
static bool encode(rk_bytes name, size_t size_max, char *out, size_t *size_out) {
    static const char hex[] = "0123456789ABCDEF";
    size_t size = 0, at = 0;
    for (; at < name.size && size + (is_plain(name.data[at]) ? 1 : 3) <= size_max; at++) {
        uint8_t byte = name.data[at];
        if (is_plain(byte)) {
            out[size++] = (char)byte;
        } else {
            out[size++] = '%';
            out[size++] = hex[byte >> 4];
            out[size++] = hex[byte & 15];
        }
    }
    *size_out = size;
    return at == name.size;
}

void rk_keys_file_of_actor(const rk_crypto *crypto, rk_bytes actor, char out[RK_KEY_FILE_SIZE_MAX]) {
    char name[RK_KEY_NAME_SIZE_MAX];
    size_t size = 0;
    if (!encode(actor, sizeof name, name, &size)) {
        rk_hash hash = rk_sha256(crypto, actor);
        encode(actor, RK_KEY_NAME_KEPT, name, &size);
        name[size++] = '~';
        rk_hex_write(rk_hash_bytes(&hash), name + size);
        size += 2 * RK_HASH_SIZE;
    }
    rk_format(out, RK_KEY_FILE_SIZE_MAX, "%s%b%s", actor_prefix, rk_bytes_of(name, size), key_suffix);
}

static bool decode(rk_bytes text, uint8_t *out, size_t *size_out) {
    size_t size = 0;
    for (size_t at = 0; at < text.size; at++) {
        uint8_t byte = text.data[at];
        if (byte == '%') {
            if (text.size - at < 3 || !rk_hex_read(rk_bytes_of(text.data + at + 1, 2), &byte, 1)) return false;
            at += 2;
        } else if (!is_plain(byte)) {
            return false;
        }
        out[size++] = byte;
    }
    *size_out = size;
    return size > 0;
}

bool rk_keys_actor_of_file(rk_arena *arena, const char *file, rk_bytes *actor_out) {
    rk_bytes text = rk_bytes_of_string(file);
    size_t before = sizeof actor_prefix - 1, after = sizeof key_suffix - 1, size = 0;
    *actor_out = (rk_bytes){NULL, 0};
    if (text.size <= before + after || !rk_bytes_starts_with(text, rk_bytes_of_string(actor_prefix))) return false;
    if (!rk_bytes_equal(rk_bytes_from(text, text.size - after), rk_bytes_of_string(key_suffix))) return false;
    text = rk_bytes_of(text.data + before, text.size - before - after);
    uint8_t *actor = rk_arena_take(arena, text.size);
    if (!actor || !decode(text, actor, &size) || !rk_utf8_valid(rk_bytes_of(actor, size))) return false;
    *actor_out = rk_bytes_of(actor, size);
    return true;
}

/* ---- keys ---- */

static rk_status path_of(const char *data, const char *file, char out[RK_PATH_SIZE_MAX], rk_error *error) {
    char folder[RK_PATH_SIZE_MAX];
    RK_TRY(rk_path_join(folder, data, "keys", error));
    return file ? rk_path_join(out, folder, file, error) : rk_path_join(out, data, "keys", error);
}

static rk_status read_seed(const char *path, uint8_t seed[RK_SEED_SIZE], rk_error *error) {
    rk_arena arena;
    rk_bytes text;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    rk_status status = rk_file_read(&arena, path, 1024, &text, error);
    if (status == RK_OK) {
        if (text.size > 0 && text.data[text.size - 1] == '\n') text.size--;
        if (!rk_hex_read(text, seed, RK_SEED_SIZE)) {
            status = rk_fail(error, RK_CORRUPT, path, "it holds no key: 64 digits of hex and a line end");
        }
        rk_secret_wipe((void *)(uintptr_t)text.data, text.size);
    }
    rk_arena_free(&arena);
    return status;
}

rk_status rk_keys_get(const char *data, const char *file, const rk_crypto *crypto, rk_key_pair *pair_out,
                      rk_error *error) {
    char path[RK_PATH_SIZE_MAX];
    uint8_t seed[RK_SEED_SIZE];
    memset(pair_out, 0, sizeof *pair_out);
    RK_TRY(path_of(data, file, path, error));
    if (!rk_file_there(path)) return rk_fail(error, RK_NO_KEY, path, "there is no such key here");
    RK_TRY(read_seed(path, seed, error));
    crypto->key_pair_of_seed(seed, pair_out);
    rk_secret_wipe(seed, sizeof seed);
    return RK_OK;
}

rk_status rk_keys_put(const char *data, const char *file, const rk_crypto *crypto, const rk_key_pair *pair,
                      rk_error *error) {
    char path[RK_PATH_SIZE_MAX], text[2 * RK_SEED_SIZE + 1];
    RK_TRY(path_of(data, NULL, path, error));
    RK_TRY(rk_folder_make(path, 0700, NULL, error));
    RK_TRY(path_of(data, file, path, error));
    rk_hex_write(rk_bytes_of(pair->seed, RK_SEED_SIZE), text);
    text[sizeof text - 1] = '\n';
    rk_status status = rk_file_write_new(path, 0600, rk_bytes_of(text, sizeof text), error);
    rk_secret_wipe(text, sizeof text);
    if (status != RK_DATABASE_EXISTS) return status;
    rk_key_pair there;
    RK_TRY(rk_keys_get(data, file, crypto, &there, error));
    bool same = rk_key_equal(&there.public_key, &pair->public_key);
    rk_secret_wipe(&there, sizeof there);
    return same ? RK_OK : rk_fail(error, RK_DATABASE_EXISTS, path, "another key is kept under this name");
}

void rk_keys_remove(const char *data, const char *file) {
    char path[RK_PATH_SIZE_MAX];
    if (path_of(data, file, path, NULL) == RK_OK) rk_file_remove(path);
}

/* ---- listing ---- */

typedef struct listing {
    rk_arena *arena;
    rk_bytes *actors;
    size_t count;
    size_t capacity;
    bool failed;
} listing;

static void add_actor(void *context, const char *name) {
    listing *list = context;
    rk_bytes actor;
    if (list->failed || !rk_keys_actor_of_file(list->arena, name, &actor)) return;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        rk_bytes *grown =
            rk_arena_grow(list->arena, list->actors, list->capacity * sizeof actor, capacity * sizeof actor);
        list->failed = !grown;
        if (!grown) return;
        list->actors = grown;
        list->capacity = capacity;
    }
    list->actors[list->count++] = actor;
}

static int compare_names(const void *a, const void *b) {
    const rk_bytes *first = a, *second = b;
    return rk_bytes_compare(*first, *second);
}

rk_status rk_keys_actors(const char *data, rk_arena *arena, const rk_bytes **actors_out, size_t *count_out,
                         rk_error *error) {
    char path[RK_PATH_SIZE_MAX];
    listing list = {.arena = arena};
    *actors_out = NULL;
    *count_out = 0;
    RK_TRY(path_of(data, NULL, path, error));
    RK_TRY(rk_folder_list(path, add_actor, &list, error));
    if (list.failed) return rk_fail(error, RK_NO_MEMORY, path, "no memory for its names");
    if (list.count) qsort(list.actors, list.count, sizeof *list.actors, compare_names);
    *actors_out = list.actors;
    *count_out = list.count;
    return RK_OK;
}
