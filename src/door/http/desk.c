/*
 * The desk: challenges that this server gives, and passwords within their bounds.
 *
 * Invariants
 *   (1) The secret of challenges is made anew by each process: none of an earlier one is taken, so that what was
 *       answered needs to be remembered by one process only.
 *   (2) A password is held against a text only after its try was counted; a right one is taken back.
 *   (3) What is answered, and in which time, is the same for who has no password and for who is nobody.
 */
#include <string.h>

#include "door/http/attempts.h"
#include "door/http/challenge.h"
#include "door/http/request.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/crypto.h"

_Static_assert((int)RK_SERVER_CHALLENGE_SECONDS <= (int)RK_CHALLENGE_LIFETIME_S_MAX, "a challenge may be so long");

_Static_assert((int)RK_SERVER_ADDRESS_DRAFTS_MAX *RK_SERVER_DRAFT_SECONDS / RK_ATTEMPTS_SECONDS < RK_SERVER_DRAFTS_MAX,
               "one address leaves places for drafts of others");

struct rki_desk {
    rk_mutex *mutex; /* of all below but the secret, which stays */
    uint8_t secret[RK_CHALLENGE_SECRET_SIZE];
    rk_replays *replays;
    rk_attempts actors;
    rk_attempts addresses;
    rk_attempts founders; /* addresses that ask for drafts */
    size_t passwords;     /* that are being checked */
};

rk_status rki_desk_open(rk_server *server, rk_error *error) {
    struct rki_desk *desk = rk_arena_take(&server->arena, sizeof *desk);
    uint8_t seed[RK_REPLAYS_SEED_SIZE], actors[RK_ATTEMPTS_SEED_SIZE];
    uint8_t addresses[RK_ATTEMPTS_SEED_SIZE], founders[RK_ATTEMPTS_SEED_SIZE];
    if (!desk || !(desk->mutex = rk_mutex_new())) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the server");
    }
    server->desk = desk;
    rk_random_bytes(desk->secret, sizeof desk->secret);
    rk_random_bytes(seed, sizeof seed);
    rk_random_bytes(actors, sizeof actors);
    rk_random_bytes(addresses, sizeof addresses);
    rk_random_bytes(founders, sizeof founders);
    rk_attempts_init(&desk->actors, actors);
    rk_attempts_init(&desk->addresses, addresses);
    rk_attempts_init(&desk->founders, founders);
    if (rk_replays_make(&server->arena, RK_SERVER_CHALLENGES_MAX, seed, 0, &desk->replays) == RK_OK) return RK_OK;
    return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the challenges that were answered");
}

void rki_desk_close(rk_server *server) {
    if (!server->desk) return;
    rk_mutex_free(server->desk->mutex);
    rk_secret_wipe(server->desk->secret, sizeof server->desk->secret);
    server->desk = NULL;
}

/* ---- challenges ---- */

rk_hash rki_desk_nobody(rk_server *server, rk_bytes name) {
    return rk_hmac_sha256(rk_crypto_sodium(), rk_bytes_of(server->desk->secret, sizeof server->desk->secret), name);
}

rk_status rki_desk_challenge(rk_server *server, const rk_hash *account, rk_bytes actor, rk_arena *arena,
                             rk_bytes *challenge_out, uint64_t *expires_s_out, rk_error *error) {
    rk_challenge challenge = {
        .account = *account, .actor = actor, .expires_s = rk_clock_ms() / 1000 + RK_SERVER_CHALLENGE_SECONDS};
    rk_random_bytes(challenge.nonce, sizeof challenge.nonce);
    *expires_s_out = challenge.expires_s;
    return rk_challenge_make(arena, rk_crypto_sodium(), server->desk->secret, &challenge, challenge_out, error);
}

rk_status rki_desk_answer(rki_request *request, const rk_hash *account, rk_bytes answer, rk_signer *signer_out,
                          rk_error *error) {
    struct rki_desk *desk = request->server->desk;
    const rk_signers signers = {rki_active_keys, request};
    uint64_t now_s = rk_clock_ms() / 1000;
    RK_TRY(rk_challenge_check(&request->arena, rk_crypto_sodium(), desk->secret, account, answer, now_s, &signers, NULL,
                              signer_out, error));
    rk_mutex_lock(desk->mutex);
    rk_status status = rk_replays_remember(desk->replays, &signer_out->used, signer_out->until_s, now_s, error);
    rk_mutex_unlock(desk->mutex);
    return status;
}

/* ---- passwords ---- */

static rk_status take_place(struct rki_desk *desk, rk_error *error) {
    rk_mutex_lock(desk->mutex);
    bool full = desk->passwords >= RK_SERVER_PASSWORDS_MAX;
    if (!full) desk->passwords++;
    rk_mutex_unlock(desk->mutex);
    return full ? rk_fail(error, RK_OVERLOADED, NULL, "as many passwords as may be are being checked") : RK_OK;
}

static void give_place(struct rki_desk *desk) {
    rk_mutex_lock(desk->mutex);
    desk->passwords--;
    rk_mutex_unlock(desk->mutex);
}

/* Who tries: the actor by account and id, and the address without its port. */
typedef struct tries {
    rk_bytes actor;
    uint8_t address[RK_ADDRESS_HOST_SIZE];
    uint64_t now_s;
} tries;

static void who_tries(rki_request *request, rk_bytes actor, tries *tries) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    memset(tries, 0, sizeof *tries);
    tries->now_s = rk_clock_ms() / 1000;
    tries->actor = rk_arena_format(&request->arena, "%b/%b", rki_parameter_get(request, "account")->text, actor);
    if (info) rk_address_host(info->client_addr, tries->address);
}

static rk_status count_tries(rki_request *request, const tries *tries, rk_error *error) {
    struct rki_desk *desk = request->server->desk;
    const rk_crypto *crypto = rk_crypto_sodium();
    const rk_bytes address = rk_bytes_of(tries->address, sizeof tries->address);
    uint64_t wait_s = 0;
    rk_mutex_lock(desk->mutex);
    rk_status status =
        rk_attempts_count(&desk->addresses, crypto, address, RK_SERVER_ADDRESS_TRIES_MAX, tries->now_s, &wait_s, error);
    if (status == RK_OK) {
        status = rk_attempts_count(&desk->actors, crypto, tries->actor, RK_SERVER_PASSWORD_TRIES_MAX, tries->now_s,
                                   &wait_s, error);
    }
    rk_mutex_unlock(desk->mutex);
    if (status == RK_TOO_MANY) request->answer.retry = (unsigned)wait_s;
    return status;
}

static void forgive_tries(rki_request *request, const tries *tries) {
    struct rki_desk *desk = request->server->desk;
    const rk_crypto *crypto = rk_crypto_sodium();
    rk_mutex_lock(desk->mutex);
    rk_attempts_forgive(&desk->addresses, crypto, rk_bytes_of(tries->address, sizeof tries->address), tries->now_s);
    rk_attempts_forgive(&desk->actors, crypto, tries->actor, tries->now_s);
    rk_mutex_unlock(desk->mutex);
}

rk_status rki_desk_password(rki_request *request, rk_bytes actor, rk_bytes password, rk_bytes text, rk_error *error) {
    tries tries;
    bool right = false;
    who_tries(request, actor, &tries);
    RK_TRY(take_place(request->server->desk, error));
    rk_status status = count_tries(request, &tries, error);
    if (status == RK_OK) status = rk_password_check(password, text, &right, error);
    give_place(request->server->desk);
    RK_TRY(status);
    if (!right) return rk_fail(error, RK_LOGIN_REFUSED, NULL, "actor and password do not fit");
    forgive_tries(request, &tries);
    return RK_OK;
}

rk_status rki_desk_password_make(rki_request *request, rk_bytes password, char text_out[RK_PASSWORD_TEXT_SIZE],
                                 rk_error *error) {
    RK_TRY(take_place(request->server->desk, error));
    rk_status status = rk_password_make(password, text_out, error);
    give_place(request->server->desk);
    return status;
}

/* ---- drafts ---- */

rk_status rki_desk_draft(rki_request *request, rk_error *error) {
    struct rki_desk *desk = request->server->desk;
    uint64_t wait_s = 0;
    tries tries;
    who_tries(request, (rk_bytes){NULL, 0}, &tries);
    rk_mutex_lock(desk->mutex);
    rk_status status =
        rk_attempts_count(&desk->founders, rk_crypto_sodium(), rk_bytes_of(tries.address, sizeof tries.address),
                          RK_SERVER_ADDRESS_DRAFTS_MAX, tries.now_s, &wait_s, error);
    rk_mutex_unlock(desk->mutex);
    if (status == RK_TOO_MANY) request->answer.retry = (unsigned)wait_s;
    return status;
}
