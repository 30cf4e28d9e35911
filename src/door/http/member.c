/*
 * Who sends a request: a bearer token that this server has made, or a signature (RFC 9421) by a key of the actor.
 *
 * Invariants
 *   (1) No secret is in an address, a log or an error.
 *   (2) A token is for one account: another account's member is nobody here.
 *   (3) A token that was verified is known by its whole text until its time has passed or another takes its slot: its
 *       signature is not verified for each of the requests that carry it.
 *   (4) A token of a session that has ended is refused, from the moment on at which ending it has returned.
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

enum { SEEN_SLOTS = 4096, SLOT_BYTES = 24 };

typedef struct seen_token {
    char text[RK_TOKEN_SIZE_MAX];
    size_t text_size;
    rk_hash account;
    uint64_t expires_s; /* 0: the slot is free */
    char actor[RK_ACTOR_SIZE_MAX];
    size_t actor_size;
    char session[RK_TOKEN_NAME_SIZE_MAX];
    size_t session_size;
} seen_token;

struct rki_gate {
    rk_key_pair key; /* signs tokens; in DATA/keys/server.key */
    rk_mutex *mutex; /* of the tokens and the signatures that were seen; never held while one is verified */
    rk_replays *replays;
    uint64_t endings; /* counts sessions that have ended; under the mutex */
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

/* Of an account that is held. */
static rk_status id_of(rki_account *account, rk_hash *id_out, rk_error *error) {
    rki_handle *handle = NULL;
    rk_engine_info info;
    if (!account->id_known) {
        RK_TRY(rki_handle_open(account, &handle, error));
        rk_status status = rk_engine_info_get(handle->engine, &info, error);
        rki_reader_give(account, handle, status == RK_OK);
        RK_TRY(status);
        rk_mutex_lock(account->mutex);
        if (!account->id_known) account->id = info.account;
        account->id_known = true;
        rk_mutex_unlock(account->mutex);
    }
    *id_out = account->id;
    return RK_OK;
}

rk_status rki_account_id(rk_server *server, rk_bytes name, rk_hash *id_out, rk_error *error) {
    rki_account *account = NULL;
    RK_TRY(rki_account_hold(server, name, &account, error));
    rk_status status = id_of(account, id_out, error);
    rki_account_release(account);
    return status;
}

/* ---- tokens that were verified ---- */

/* By its last bytes, which are of its signature: whose token it is says nothing of where it stands. */
static seen_token *slot_of(struct rki_gate *gate, rk_bytes text) {
    uint64_t hash = 0;
    for (size_t i = text.size > SLOT_BYTES ? text.size - SLOT_BYTES : 0; i < text.size; i++) {
        hash = (hash ^ text.data[i]) * UINT64_C(0x100000001b3);
    }
    return &gate->seen[(hash >> 32) % SEEN_SLOTS];
}

static bool find_seen(struct rki_gate *gate, rk_bytes text, const rk_hash *account, uint64_t now_s,
                      rki_request *request) {
    bool found = false;
    rk_mutex_lock(gate->mutex);
    const seen_token *seen = slot_of(gate, text);
    if (seen->expires_s > now_s && seen->text_size == text.size && rk_hash_equal(&seen->account, account) &&
        rk_secret_equal(seen->text, text.data, text.size)) {
        rk_arena *arena = &request->arena;
        found = rk_arena_copy(arena, rk_bytes_of(seen->actor, seen->actor_size), &request->actor) == RK_OK &&
                rk_arena_copy(arena, rk_bytes_of(seen->session, seen->session_size), &request->session) == RK_OK;
    }
    rk_mutex_unlock(gate->mutex);
    return found;
}

/* `endings`: what it was before the token's session was looked for. One that ended since may have been this one. */
static void keep_seen(struct rki_gate *gate, rk_bytes text, const rk_token *token, uint64_t endings) {
    if (token->actor.size > RK_ACTOR_SIZE_MAX || token->session.size > RK_TOKEN_NAME_SIZE_MAX) return;
    RK_ASSERT(text.size <= RK_TOKEN_SIZE_MAX); /* rk_token_read takes no longer one */
    rk_mutex_lock(gate->mutex);
    seen_token *seen = slot_of(gate, text);
    if (gate->endings == endings) {
        seen->text_size = text.size;
        memcpy(seen->text, text.data, text.size);
        seen->account = token->account;
        seen->expires_s = token->expires_s;
        seen->actor_size = token->actor.size;
        memcpy(seen->actor, token->actor.data, token->actor.size);
        seen->session_size = token->session.size;
        memcpy(seen->session, token->session.data, token->session.size);
    }
    rk_mutex_unlock(gate->mutex);
}

void rki_gate_forget(void *context, rk_bytes session) {
    struct rki_gate *gate = ((rk_server *)context)->gate;
    rk_mutex_lock(gate->mutex);
    gate->endings++;
    for (size_t i = 0; i < SEEN_SLOTS; i++) {
        seen_token *seen = &gate->seen[i];
        if (rk_bytes_equal(rk_bytes_of(seen->session, seen->session_size), session)) seen->expires_s = 0;
    }
    rk_mutex_unlock(gate->mutex);
}

/* An operator's token has no session: it ends by its time alone. */
static rk_status check_session(rki_request *request, const rk_token *token, uint64_t now_s, rk_error *error) {
    rk_sessions *sessions = NULL;
    rk_session session;
    if (token->session.size != RK_SESSION_ID_SIZE || token->session.data[0] != 's') return RK_OK;
    RK_TRY(rki_account_sessions(request->account, &sessions, error));
    rk_status status = rk_session_find(sessions, token->session, now_s, &request->arena, &session, error);
    return status == RK_NOT_FOUND ? rk_fail(error, RK_BAD_TOKEN, NULL, "its session has ended") : status;
}

/* A token that was not seen before. Where there is no such account, no token is for it. */
static rk_status take_token(rki_request *request, const rk_hash *id, rk_bytes text, uint64_t now_s, rk_error *error) {
    struct rki_gate *gate = request->server->gate;
    rk_token token;
    RK_TRY(
        rk_token_read(&request->arena, rk_crypto_sodium(), &gate->key.public_key, 1, id, now_s, text, &token, error));
    if (!request->account) return rk_fail(error, RK_WRONG_ACCOUNT, NULL, "there is no such account");
    rk_mutex_lock(gate->mutex);
    uint64_t endings = gate->endings;
    rk_mutex_unlock(gate->mutex);
    RK_TRY(check_session(request, &token, now_s, error));
    keep_seen(gate, text, &token, endings);
    request->actor = token.actor;
    request->session = token.session;
    return RK_OK;
}

static rk_status check_bearer(rki_request *request, rk_bytes text, rk_error *error) {
    rk_hash id = {{0}};
    uint64_t now_s = rk_clock_ms() / 1000;
    rk_error why = {.code = RK_OK};
    if (request->account) RK_TRY(id_of(request->account, &id, error));
    if (request->account && find_seen(request->server->gate, text, &id, now_s, request)) return RK_OK;
    rk_status status = take_token(request, &id, text, now_s, &why);
    if (status == RK_OK) return RK_OK;
    if (rk_status_http(status) >= 500) {
        *error = why;
        return status;
    }
    if (status == RK_WRONG_ACCOUNT) {
        return rk_fail(error, RK_NOT_A_MEMBER, NULL, "the account does not know who sends this");
    }
    return rk_fail(error, RK_UNAUTHENTICATED, "Authorization", "%s", why.what);
}

/*
 * Where there is no such account, the answer is what a stranger to one that is there gets: who may not know learns
 * nothing from it. A stranger holds no account while the refusal is on its way.
 */
rk_status rki_authenticate(rki_request *request, rk_error *error) {
    static const char scheme[] = "Bearer ";
    const char *header =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    request->signs = !header && MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Signature-Input");
    if (!request->signs && (!header || strncmp(header, scheme, strlen(scheme)) != 0)) {
        return rk_fail(error, RK_UNAUTHENTICATED, "Authorization", "there is no bearer token, and no signature");
    }
    rk_status status =
        rki_account_hold(request->server, rki_parameter_get(request, "account")->text, &request->account, error);
    if (status != RK_OK && status != RK_NOT_FOUND) return status;
    if (request->signs) {
        if (status == RK_OK) return RK_OK;
        return rk_fail(error, RK_BAD_SIGNATURE, "signature", "no active key of that actor made it over this request");
    }
    status = check_bearer(request, rk_bytes_of_string(header + strlen(scheme)), error);
    if (status == RK_OK) return RK_OK;
    rki_account_release(request->account);
    request->account = NULL;
    return status;
}

static rk_status make_token(rk_server *server, rk_token *token, uint64_t seconds, rk_arena *arena, rk_bytes *token_out,
                            rk_error *error) {
    uint8_t random[16];
    char id[2 * sizeof random];
    rk_random_bytes(random, sizeof random);
    rk_hex_write(rk_bytes_of(random, sizeof random), id);
    token->id = rk_bytes_of(id, sizeof id);
    token->issued_s = rk_clock_ms() / 1000;
    token->expires_s = token->issued_s + seconds;
    return rk_token_make(arena, rk_crypto_sodium(), &server->gate->key, token, token_out, error);
}

rk_status rki_token_of_session(rk_server *server, const rk_hash *account, const rk_session *session, rk_arena *arena,
                               rk_bytes *token_out, uint64_t *expires_s_out, rk_error *error) {
    rk_token token = {
        .account = *account, .actor = session->actor, .session = rk_bytes_of(session->id, RK_SESSION_ID_SIZE)};
    RK_TRY(make_token(server, &token, RK_SESSION_TOKEN_S, arena, token_out, error));
    *expires_s_out = token.expires_s;
    return RK_OK;
}

const rk_key *rki_gate_key(const rk_server *server) {
    return &server->gate->key.public_key;
}

rk_status rk_server_token(rk_server *server, rk_bytes account, rk_bytes actor, uint64_t seconds, rk_arena *arena,
                          rk_bytes *token_out, rk_error *error) {
    uint8_t random[16];
    char session[2 * sizeof random]; /* no session's: theirs begin with 's' */
    rk_token token = {.actor = actor};
    RK_TRY(rki_account_id(server, account, &token.account, error));
    rk_random_bytes(random, sizeof random);
    rk_hex_write(rk_bytes_of(random, sizeof random), session);
    token.session = rk_bytes_of(session, sizeof session);
    return make_token(server, &token, seconds, arena, token_out, error);
}

/* ---- signatures ---- */

/* The keys of the actor that are active now, as its entity has them; a disabled actor has none. */
rk_status rki_active_keys(void *context, rk_bytes actor, rk_key keys_out[RK_SIGNER_KEYS_MAX], size_t *count_out,
                          rk_error *error) {
    rki_request *request = context;
    rki_handle *handle = NULL;
    rk_reading reading;
    *count_out = 0;
    if (!request->account) return RK_OK;
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
    const rk_signers signers = {rki_active_keys, request};
    rk_signer signer;
    list.items = rk_arena_take_array(&request->arena, list.capacity, sizeof *list.items);
    if (!list.items) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the header");
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_header, &list);
    rk_bytes authority = rk_bytes_of_string(host ? host : "");
    const rk_bytes usual = request->server->options.tls_cert ? RK_TEXT(":443") : RK_TEXT(":80");
    if (authority.size > usual.size && rk_bytes_equal(rk_bytes_from(authority, authority.size - usual.size), usual)) {
        authority.size -= usual.size; /* the scheme's own port is no part of it (RFC 9421 2.2.3) */
    }
    const rk_http_request message = {.method = rk_bytes_of_string(request->method),
                                     .target = request->target,
                                     .authority = authority,
                                     .headers = list.items,
                                     .header_count = list.count,
                                     .body = request->body_bytes};
    uint64_t now_s = rk_clock_ms() / 1000;
    RK_TRY(rk_signature_check(&request->arena, rk_crypto_sodium(), &message, now_s, &signers, NULL, &signer, error));
    rk_mutex_lock(gate->mutex);
    rk_status status = rk_replays_remember(gate->replays, &signer.used, signer.until_s, now_s, error);
    rk_mutex_unlock(gate->mutex);
    if (status == RK_OK) request->actor = signer.actor;
    return status;
}
