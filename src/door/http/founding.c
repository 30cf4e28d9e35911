/*
 * Founding accounts: drafts that wait for their root key's signature, and making the folder of a signed one.
 *
 * Invariants
 *   (1) An account is there whole or not at all: its folder is made below DATA/founding, and gets its name when all of
 *       it is durable. What a crash left there goes when the server starts.
 *   (2) One account is made at a time, so that a name is given once.
 *   (3) A draft is good for RK_SERVER_DRAFT_SECONDS, and once. A wrong signature leaves it as it was.
 *   (4) The secret of a draft's truth key is in memory only, until the account is made.
 */
#include <string.h>

#include "door/http/request.h"
#include "io/clock.h"
#include "io/crypto.h"
#include "io/folder.h"
#include "io/keys.h"
#include "io/memory.h"

enum { TO_SIGN_SIZE_MAX = 1024, LEAVES_SIZE_MAX = 4096, MAKING_SIZE_MAX = 64 << 20 };

typedef struct draft {
    rki_draft_id id;
    char name[RK_NAME_SIZE_MAX + 1];
    uint64_t expires_ms; /* 0: the place is free */
    rk_key_pair truth;
    size_t to_sign_size, leaves_size;
    uint8_t to_sign[TO_SIGN_SIZE_MAX];
    uint8_t leaves[LEAVES_SIZE_MAX];
} draft;

struct rki_drafts {
    rk_mutex *mutex;  /* of the places */
    rk_mutex *making; /* held while an account is made; taken before `mutex` */
    draft places[RK_SERVER_DRAFTS_MAX];
};

rk_status rki_drafts_open(rk_server *server, rk_error *error) {
    struct rki_drafts *drafts = rk_arena_take(&server->arena, sizeof *drafts);
    if (!drafts) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the server");
    server->drafts = drafts;
    drafts->mutex = rk_mutex_new();
    drafts->making = rk_mutex_new();
    if (drafts->mutex && drafts->making) return RK_OK;
    return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the server");
}

void rki_drafts_close(rk_server *server) {
    if (!server->drafts) return;
    rk_mutex_free(server->drafts->mutex);
    rk_mutex_free(server->drafts->making);
    rk_secret_wipe(server->drafts->places, sizeof server->drafts->places);
    server->drafts = NULL;
}

/* ---- drafts ---- */

/* Under the mutex. Drafts whose time has passed are as good as gone. */
static draft *find_place(struct rki_drafts *drafts, uint64_t now_ms) {
    for (size_t i = 0; i < RK_SERVER_DRAFTS_MAX; i++) {
        if (drafts->places[i].expires_ms <= now_ms) return &drafts->places[i];
    }
    return NULL;
}

static rk_status keep_draft(struct rki_drafts *drafts, const draft *made, rk_error *error) {
    rk_mutex_lock(drafts->mutex);
    draft *place = find_place(drafts, rk_clock_ms());
    if (place) *place = *made;
    rk_mutex_unlock(drafts->mutex);
    return place ? RK_OK : rk_fail(error, RK_TOO_MANY_DRAFTS, NULL, "RK_SERVER_DRAFTS_MAX of them wait to be signed");
}

static void copy_out(uint8_t *out, size_t *size_out, rk_bytes bytes) {
    *size_out = bytes.size;
    memcpy(out, bytes.data, bytes.size);
}

rk_status rki_draft_make(rk_server *server, rk_bytes name, const rk_key *root_key, const rk_key *owner_key,
                         rk_arena *arena, rki_draft *draft_out, rk_error *error) {
    uint8_t random[RK_SEED_SIZE];
    draft made = {.expires_ms = rk_clock_ms() + RK_SERVER_DRAFT_SECONDS * UINT64_C(1000)};
    rk_founding *founding = &draft_out->founding;
    rk_draft *draft = &draft_out->draft;
    *draft_out = (rki_draft){.founding = {.name = name, .root_key = *root_key, .owner_key = *owner_key}};
    rk_random_bytes(random, sizeof random);
    rk_crypto_sodium()->key_pair_of_seed(random, &founding->truth);
    rk_random_bytes(random, sizeof random);
    memcpy(founding->log.bytes, random, RK_LOG_ID_SIZE);
    founding->replica = rk_get_u64(random + RK_LOG_ID_SIZE) | 1; /* not 0 */
    founding->now_ms = rk_clock_ms();
    RK_TRY(rk_founding_draft(arena, rk_crypto_sodium(), founding, draft, error));
    if (draft->to_sign.size > TO_SIGN_SIZE_MAX || draft->leaves.size > LEAVES_SIZE_MAX) {
        return rk_fail(error, RK_LIMIT, NULL, "the genesis is too large");
    }
    rk_random_bytes(random, sizeof random);
    rk_hex_write(rk_bytes_of(random, sizeof made.id.text / 2), made.id.text);
    rk_format(made.name, sizeof made.name, "%b", name);
    made.truth = founding->truth;
    copy_out(made.to_sign, &made.to_sign_size, draft->to_sign);
    copy_out(made.leaves, &made.leaves_size, draft->leaves);
    draft_out->id = made.id;
    draft_out->expires_ms = made.expires_ms;
    rk_status status = keep_draft(server->drafts, &made, error);
    rk_secret_wipe(&made, sizeof made);
    rk_secret_wipe(founding->truth.seed, sizeof founding->truth.seed);
    return status;
}

static rk_status read_draft(struct rki_drafts *drafts, rk_bytes id, rk_bytes name, draft *draft_out, rk_error *error) {
    bool found = false;
    uint64_t now_ms = rk_clock_ms();
    rk_mutex_lock(drafts->mutex);
    for (size_t i = 0; i < RK_SERVER_DRAFTS_MAX && !found; i++) {
        const draft *place = &drafts->places[i];
        found = place->expires_ms > now_ms && rk_bytes_equal(rk_bytes_of(place->id.text, sizeof place->id.text), id) &&
                rk_bytes_equal(rk_bytes_of_string(place->name), name);
        if (found) *draft_out = *place;
    }
    rk_mutex_unlock(drafts->mutex);
    return found ? RK_OK : rk_fail(error, RK_NO_DRAFT, "draft", "there is none of this id for this name");
}

static void drop_draft(struct rki_drafts *drafts, const rki_draft_id *id) {
    rk_mutex_lock(drafts->mutex);
    for (size_t i = 0; i < RK_SERVER_DRAFTS_MAX; i++) {
        draft *place = &drafts->places[i];
        if (memcmp(place->id.text, id->text, sizeof id->text) == 0) rk_secret_wipe(place, sizeof *place);
    }
    rk_mutex_unlock(drafts->mutex);
}

/* ---- making ---- */

/* The database in the folder `path`, closed again: nothing of it is open when it gets its name. */
static rk_status make_database(rk_server *server, const char *path, const rk_key_pair *truth, rk_bytes genesis,
                               rk_engine_info *info_out, rk_error *error) {
    rk_door_host host;
    rk_engine *engine = NULL;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), MAKING_SIZE_MAX);
    rk_status status = rk_keys_put(path, "truth.key", rk_crypto_sodium(), truth, error);
    if (status == RK_OK) status = rk_door_host_init(&host, server->store, path, true, &arena, error);
    if (status == RK_OK) status = rk_engine_create_founded(&host.host, genesis, &engine, error);
    if (status == RK_OK) status = rk_engine_info_get(engine, info_out, error);
    info_out->name = (rk_bytes){NULL, 0}; /* of the engine, which closes */
    rk_engine_close(engine);
    rk_arena_free(&arena);
    return status;
}

static rk_status make_folder(rk_server *server, const draft *draft, rk_bytes genesis, rk_engine_info *info_out,
                             rk_error *error) {
    char path[RK_PATH_SIZE_MAX], above[RK_PATH_SIZE_MAX], target[RK_PATH_SIZE_MAX], id[sizeof draft->id.text + 1];
    rk_format(id, sizeof id, "%b", rk_bytes_of(draft->id.text, sizeof draft->id.text));
    RK_TRY(rk_path_join(above, server->options.data, RKI_FOLDER_FOUNDING, error));
    RK_TRY(rk_folder_make(above, 0700, NULL, error));
    RK_TRY(rk_path_join(path, above, id, error));
    RK_TRY(rk_path_join(above, server->options.data, RKI_FOLDER_ACCOUNTS, error));
    RK_TRY(rk_path_join(target, above, draft->name, error));
    RK_TRY(rk_folder_make(above, 0700, NULL, error));
    RK_TRY(rk_folder_make(path, 0700, NULL, error));
    rk_status status = make_database(server, path, &draft->truth, genesis, info_out, error);
    if (status == RK_OK) status = rk_folder_rename(path, target, error);
    if (status == RK_OK) return RK_OK;
    rk_error aside = {.code = RK_OK};
    if (rk_folder_remove_all(path, &aside) != RK_OK)
        rk_door_report(server->options.json, "what was not founded is left behind", &aside);
    return status;
}

static void count_name(void *context, const char *name) {
    (void)name;
    ++*(uint64_t *)context;
}

static rk_status check_room(rk_server *server, rk_error *error) {
    char path[RK_PATH_SIZE_MAX];
    uint64_t count = 0;
    RK_TRY(rk_path_join(path, server->options.data, RKI_FOLDER_ACCOUNTS, error));
    RK_TRY(rk_folder_list(path, count_name, &count, error));
    if (count < server->options.accounts_max) return RK_OK;
    return rk_fail(error, RK_TOO_MANY_ACCOUNTS, NULL, "there are %u", count);
}

rk_status rki_account_may_found(rk_server *server, rk_bytes name, rk_error *error) {
    if (!server->options.create) {
        rk_fail(error, RK_FORBIDDEN, NULL, "this server makes no accounts");
        rk_error_hint(error, "serve with --create anyone");
        return RK_FORBIDDEN;
    }
    if (!rk_name_valid(name)) {
        rk_fail(error, RK_BAD_ID, "account", "this is no name for an account");
        rk_error_hint(error, "a lower-case letter, then lower-case letters, digits and -, at most 64 bytes");
        return RK_BAD_ID;
    }
    if (rki_account_there(server, name)) return rk_fail(error, RK_NAME_TAKEN, "account", "it names an account");
    return check_room(server, error);
}

static rk_status make_account(rk_server *server, const draft *draft, const uint8_t signature[RK_SIGNATURE_SIZE],
                              rk_arena *arena, rk_engine_info *info_out, rk_error *error) {
    const rk_draft drafted = {.to_sign = rk_bytes_of(draft->to_sign, draft->to_sign_size),
                              .leaves = rk_bytes_of(draft->leaves, draft->leaves_size)};
    rk_founding founding;
    rk_bytes genesis;
    RK_TRY(rk_founding_seal(arena, &drafted, signature, &genesis, error));
    RK_TRY(rk_founding_read(arena, rk_crypto_sodium(), genesis, &founding, error));
    rk_mutex_lock(server->drafts->making);
    rk_status status = rki_account_may_found(server, rk_bytes_of_string(draft->name), error);
    if (status == RK_OK) status = make_folder(server, draft, genesis, info_out, error);
    rk_mutex_unlock(server->drafts->making);
    return status;
}

rk_status rki_draft_sign(rk_server *server, rk_bytes name, rk_bytes id, const uint8_t signature[RK_SIGNATURE_SIZE],
                         rk_arena *arena, rk_engine_info *info_out, rk_error *error) {
    draft *draft = rk_arena_take(arena, sizeof *draft);
    if (!draft) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the draft");
    RK_TRY(read_draft(server->drafts, id, name, draft, error));
    rk_status status = make_account(server, draft, signature, arena, info_out, error);
    if (status == RK_OK) drop_draft(server->drafts, &draft->id);
    rk_secret_wipe(draft->truth.seed, sizeof draft->truth.seed);
    return status;
}
