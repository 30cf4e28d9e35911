/*
 * Who sends a request: a bearer token that this server has made, or a signature (RFC 9421) by a key of the actor.
 *
 * Invariants
 *   (1) No secret is in an address, a log or an error.
 *   (2) A token is for one account: another account's member is nobody here.
 *   (3) A token that was verified is known by its hash until its time has passed or another takes its slot: its
 *       signature is not verified for each of the requests that carry it.
 */
#include <string.h>

#include "door/http/request.h"
#include "door/http/signature.h"
#include "door/http/token.h"
#include "io/clock.h"
#include "io/crypto.h"
#include "io/keys.h"
#include "io/memory.h"

static const char key_file[] = "server.key";

enum { SEEN_SLOTS = 4096 };

typedef struct seen_token {
    rk_hash hash; /* of the token's text */
    rk_hash account;
    uint64_t expires_s; /* 0: the slot is free */
    char actor[RK_ACTOR_SIZE_MAX];
    size_t actor_size;
} seen_token;

struct rki_gate {
    rk_key_pair key; /* signs tokens; in DATA/keys/server.key */
    rk_mutex *mutex; /* of the tokens and the signatures */
    rk_replays *replays;
    seen_token seen[SEEN_SLOTS];
};

rk_status rki_gate_open(rk_server *server, rk_error *error) {
    struct rki_gate *gate = rk_arena_take(&server->arena, sizeof *gate);
    if (!gate || !(gate->mutex = rk_mutex_new())) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the server");
    }
    server->gate = gate;
    uint8_t random[RK_REPLAYS_SEED_SIZE];
    rk_random_bytes(random, sizeof random);
    /* What an earlier run of the server may have taken is too old for this one. */
    uint64_t since_s = server->options.threads ? rk_clock_ms() / 1000 + RK_SIGNATURE_WINDOW_S : 0;
    if (rk_replays_make(&server->arena, RK_REPLAYS_MAX, random, since_s, &gate->replays) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the signatures that were seen");
    }
    rk_status status = rk_keys_get(server->options.data, key_file, rk_crypto_sodium(), &gate->key, error);
    if (status != RK_NO_KEY) return status;
    uint8_t seed[RK_SEED_SIZE];
    rk_random_bytes(seed, sizeof seed);
    rk_crypto_sodium()->key_pair_of_seed(seed, &gate->key);
    return rk_keys_put(server->options.data, key_file, rk_crypto_sodium(), &gate->key, error);
}

void rki_gate_close(rk_server *server) {
    if (server->gate) rk_mutex_free(server->gate->mutex);
    server->gate = NULL;
}

/* The id of an account, which tokens are for. */
static rk_status account_id(rk_server *server, rk_bytes name, rk_hash *id_out, rk_error *error) {
    rki_account *account = NULL;
    rki_handle *handle = NULL;
    rk_engine_info info;
    RK_TRY(rki_account_hold(server, name, &account, error));
    rk_mutex_lock(account->mutex);
    bool known = account->id_known;
    if (known) *id_out = account->id;
    rk_mutex_unlock(account->mutex);
    rk_status status = RK_OK;
    if (!known) {
        status = rki_handle_open(account, &handle, error);
        if (status == RK_OK) status = rk_engine_info_get(handle->engine, &info, error);
        if (status == RK_OK) {
            rk_mutex_lock(account->mutex);
            account->id = *id_out = info.account;
            account->id_known = true;
            rk_mutex_unlock(account->mutex);
        }
        if (handle) rki_reader_give(account, handle, status == RK_OK);
    }
    rki_account_release(account);
    return status;
}

/* ---- tokens that were verified ---- */

static bool find_seen(struct rki_gate *gate, const rk_hash *hash, const rk_hash *account, uint64_t now_s,
                      rk_arena *arena, rk_bytes *actor_out) {
    bool found = false;
    rk_mutex_lock(gate->mutex);
    const seen_token *seen = &gate->seen[rk_get_u64(hash->bytes) % SEEN_SLOTS];
    if (seen->expires_s > now_s && rk_hash_equal(&seen->hash, hash) && rk_hash_equal(&seen->account, account)) {
        found = rk_arena_copy(arena, rk_bytes_of(seen->actor, seen->actor_size), actor_out) == RK_OK;
    }
    rk_mutex_unlock(gate->mutex);
    return found;
}

static void keep_seen(struct rki_gate *gate, const rk_hash *hash, const rk_token *token) {
    if (token->actor.size > RK_ACTOR_SIZE_MAX) return;
    rk_mutex_lock(gate->mutex);
    seen_token *seen = &gate->seen[rk_get_u64(hash->bytes) % SEEN_SLOTS];
    seen->hash = *hash;
    seen->account = token->account;
    seen->expires_s = token->expires_s;
    seen->actor_size = token->actor.size;
    memcpy(seen->actor, token->actor.data, token->actor.size);
    rk_mutex_unlock(gate->mutex);
}

rk_status rki_authenticate(rki_request *request, rk_error *error) {
    static const char scheme[] = "Bearer ";
    const char *header =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    rk_token token;
    rk_hash id;
    request->signs = !header && MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Signature-Input");
    if (request->signs) return RK_OK;
    if (!header || strncmp(header, scheme, strlen(scheme)) != 0) {
        return rk_fail(error, RK_UNAUTHENTICATED, "Authorization", "there is no bearer token, and no signature");
    }
    rk_bytes text = rk_bytes_of_string(header + strlen(scheme));
    rk_status status = account_id(request->server, rki_parameter_get(request, "account")->text, &id, error);
    if (status == RK_NOT_FOUND) memset(&id, 0, sizeof id); /* no token is for it: the answer is the same */
    if (status != RK_OK && status != RK_NOT_FOUND) return status;
    struct rki_gate *gate = request->server->gate;
    rk_hash hash = rk_sha256(rk_crypto_sodium(), text);
    uint64_t now_s = rk_clock_ms() / 1000;
    rk_error why = {.code = RK_OK};
    if (find_seen(gate, &hash, &id, now_s, &request->arena, &request->actor)) return RK_OK;
    status =
        rk_token_read(&request->arena, rk_crypto_sodium(), &gate->key.public_key, 1, &id, now_s, text, &token, &why);
    if (status == RK_OK) {
        keep_seen(gate, &hash, &token);
        request->actor = token.actor;
        return RK_OK;
    }
    if (status == RK_WRONG_ACCOUNT) {
        return rk_fail(error, RK_NOT_A_MEMBER, NULL, "the account does not know who sends this");
    }
    return rk_fail(error, RK_UNAUTHENTICATED, "Authorization", "%s", why.what);
}

rk_status rk_server_token(rk_server *server, rk_bytes account, rk_bytes actor, uint64_t seconds, rk_arena *arena,
                          rk_bytes *token_out, rk_error *error) {
    uint8_t random[2][16];
    char session[32], id[32];
    rk_token token = {.actor = actor, .session = {(const uint8_t *)session, 32}, .id = {(const uint8_t *)id, 32}};
    RK_TRY(account_id(server, account, &token.account, error));
    rk_random_bytes(random[0], sizeof random);
    rk_hex_write(rk_bytes_of(random[0], 16), session);
    rk_hex_write(rk_bytes_of(random[1], 16), id);
    token.issued_s = rk_clock_ms() / 1000;
    token.expires_s = token.issued_s + seconds;
    return rk_token_make(arena, rk_crypto_sodium(), &server->gate->key, &token, token_out, error);
}

/* ---- signatures ---- */

/* The keys of the actor that are active now, as its entity has them; a disabled actor has none. */
static rk_status active_keys(void *context, rk_bytes actor, rk_key keys_out[RK_SIGNER_KEYS_MAX], size_t *count_out,
                             rk_error *error) {
    rki_request *request = context;
    rki_handle *handle = NULL;
    rk_reading reading;
    *count_out = 0;
    RK_TRY(rki_handle_take(request->account, &handle, error));
    rk_bytes name = rk_arena_format(&request->arena, "actor/%b", actor);
    rk_status status = rk_engine_get(handle->engine, name, NULL, &request->arena, &reading, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    if (status == RK_NOT_FOUND || status == RK_BAD_ID) return RK_OK;
    RK_TRY(status);
    const rk_value *keys = rk_map_find(&reading.state, RK_TEXT("keys"));
    const rk_value *disabled = rk_map_find(&reading.state, RK_TEXT("disabled"));
    if (disabled && disabled->kind == RK_BOOL && disabled->as.boolean) return RK_OK;
    for (size_t i = 0; keys && keys->kind == RK_MAP && i < keys->as.map.count; i++) {
        const rk_pair *pair = &keys->as.map.pairs[i];
        if (*count_out == RK_SIGNER_KEYS_MAX || !rk_is_text(&pair->value, RK_TEXT("active"))) continue;
        *count_out += rk_hex_read(pair->key.as.bytes, keys_out[*count_out].bytes, RK_KEY_SIZE);
    }
    return RK_OK;
}

typedef struct header_list {
    rk_http_header *items;
    size_t count;
    size_t capacity;
} header_list;

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
    header_list *list = context;
    (void)kind;
    if (list->count == list->capacity) return MHD_NO;
    list->items[list->count++] = (rk_http_header){rk_bytes_of_string(name), rk_bytes_of_string(value ? value : "")};
    return MHD_YES;
}

rk_status rki_check_signature(rki_request *request, rk_error *error) {
    struct rki_gate *gate = request->server->gate;
    const char *host = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    int count = MHD_get_connection_values(request->connection, MHD_HEADER_KIND, NULL, NULL);
    header_list list = {.capacity = count > 0 ? (size_t)count : 0};
    const rk_signers signers = {active_keys, request};
    rk_signer signer;
    list.items = rk_arena_take_array(&request->arena, list.capacity, sizeof *list.items);
    if (!list.items) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the header");
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_header, &list);
    rk_bytes authority = rk_bytes_of_string(host ? host : "");
    if (authority.size > 3 && memcmp(authority.data + authority.size - 3, ":80", 3) == 0) authority.size -= 3;
    const rk_http_request message = {.method = rk_bytes_of_string(request->method),
                                     .target = request->target,
                                     .authority = authority,
                                     .headers = list.items,
                                     .header_count = list.count,
                                     .body = request->body_bytes};
    rk_mutex_lock(gate->mutex);
    rk_status status = rk_signature_check(&request->arena, rk_crypto_sodium(), &message, rk_clock_ms() / 1000, &signers,
                                          gate->replays, &signer, error);
    rk_mutex_unlock(gate->mutex);
    if (status == RK_OK) request->actor = signer.actor;
    return status;
}
