/*
 * The engine's host, put together from src/io.
 */
#include "door/host.h"

#include <string.h>

#include "door/output.h"
#include "io/clock.h"
#include "io/crypto.h"
#include "io/folder.h"
#include "io/keys.h"
#include "io/memory.h"
#include "io/place.h"

static uint64_t now_ms(void *context) {
    (void)context;
    return rk_clock_ms();
}

static void random_bytes(void *context, uint8_t *out, size_t size) {
    (void)context;
    rk_random_bytes(out, size);
}

/* ---- keys ---- */

static void key_file(rk_key_owner owner, rk_bytes actor, char out[RK_KEY_FILE_SIZE_MAX]) {
    static const char *const names[] = {NULL, "root.key", "truth.key"};
    if (owner == RK_OWNER_ACTOR) {
        rk_keys_file_of_actor(rk_crypto_sodium(), actor, out);
    } else {
        rk_format(out, RK_KEY_FILE_SIZE_MAX, "%s", names[owner]);
    }
}

static rk_status key_get(void *context, rk_key_owner owner, rk_bytes actor, rk_key_pair *pair_out, rk_error *error) {
    const rk_door_host *host = context;
    char file[RK_KEY_FILE_SIZE_MAX];
    key_file(owner, actor, file);
    rk_status status = rk_keys_get(host->data, file, rk_crypto_sodium(), pair_out, error);
    if (status != RK_NO_KEY) return status;
    char where[RK_ERROR_WHERE_MAX];
    rk_format(where, sizeof where, "%s/keys/%s", host->data, file);
    if (owner != RK_OWNER_ACTOR) return rk_fail(error, RK_NO_KEY, where, "this database has no such key");
    return rk_fail(error, RK_NO_KEY, where, "the key of actor \"%b\" is not in this database", actor);
}

static rk_status key_put(void *context, rk_key_owner owner, rk_bytes actor, const rk_key_pair *pair, rk_error *error) {
    const rk_door_host *host = context;
    char file[RK_KEY_FILE_SIZE_MAX];
    key_file(owner, actor, file);
    return rk_keys_put(host->data, file, rk_crypto_sodium(), pair, error);
}

static rk_status place(void *context, bool renew, rk_arena *arena, rk_bytes *place_out, rk_error *error) {
    const rk_door_host *host = context;
    return rk_place_read(host->data, renew, arena, place_out, error);
}

/* ---- what a person should know ---- */

static void notice(void *context, const char *what) {
    const rk_door_host *host = context;
    rki_note(host->json, "note: %s", what);
}

static void repaired(void *context, const char *what) {
    const rk_door_host *host = context;
    rki_note(host->json, "repaired: %s", what);
}

static void finding(void *context, const char *where, const char *what) {
    const rk_door_host *host = context;
    if (host->finding) {
        host->finding(host->finding_context, where, what);
    } else {
        rki_note(host->json, "damaged: %s: %s", where, what);
    }
}

static bool stop(void *context) {
    const rk_door_host *host = context;
    return host->stop && host->stop(host->finding_context);
}

static rk_status zone_ahead(void *context, rk_bytes name, int64_t seconds, int64_t *ahead_out) {
    rk_door_host *host = context;
    return rk_zone_ahead(&host->zones, name, seconds, ahead_out);
}

rk_status rk_door_host_init(rk_door_host *host, const rk_log_ops *store, const char *data, bool json, rk_arena *arena,
                            rk_error *error) {
    memset(host, 0, sizeof *host);
    if (!rk_folder_there(data)) return rk_fail(error, RK_NO_DATABASE, data, "there is no such folder");
    RK_TRY(rk_folder_real(data, host->data, error));
    host->json = json;
    rk_zones_init(&host->zones, arena, NULL);
    host->listener = (rk_log_listener){repaired, finding, host, stop};
    host->host = (rk_host){.memory = rk_memory_system(),
                           .crypto = rk_crypto_sodium(),
                           .store = store,
                           .listener = &host->listener,
                           .path = host->data,
                           .context = host,
                           .now_ms = now_ms,
                           .random = random_bytes,
                           .key_get = key_get,
                           .key_put = key_put,
                           .place = place,
                           .zones = {zone_ahead, host},
                           .notice = notice};
    return RK_OK;
}

void rk_door_report(bool json, const char *what, const rk_error *error) {
    rki_note(json, "%s: %s: %s", what, error->where, error->what);
}
