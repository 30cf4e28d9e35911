/*
 * Operations on sessions: challenge, open, refresh, list, end; passwords; the keys that tokens are verified with.
 *
 * Invariants
 *   (1) Logging in to an account that there is not, or as an actor that there is not, reads as a wrong secret does.
 *   (2) A session goes on only while its actor may log in, and the key that it began with is active.
 *   (3) No answer but the one that makes it holds a token, and none a password or its text.
 */
#include <string.h>

#include "base/base64.h"
#include "door/http/request.h"
#include "door/json.h"
#include "io/clock.h"
#include "io/crypto.h"

enum { LIST_SIZE_MAX = 1 << 20, ANSWER_SIZE_MAX = 8 << 10 };

static rk_bytes text_of(const rki_member *member) {
    return member->value ? member->value->as.bytes : (rk_bytes){NULL, 0};
}

static rk_status refused(rk_error *error) {
    return rk_fail(error, RK_LOGIN_REFUSED, NULL, "actor and what it shows for itself do not fit");
}

/*
 * Holds the account of an operation that anyone may ask for. One that there is not stays NULL, and its id stands for
 * none, so that what follows takes the same way and ends as for a wrong secret.
 */
static rk_status hold_account(rki_request *request, rk_hash *id_out, rk_error *error) {
    rk_bytes name = rki_parameter_get(request, "account")->text;
    rk_error why = {.code = RK_OK};
    rk_status status = rki_account_id(request->server, name, id_out, &why);
    if (status == RK_OK) status = rki_account_hold(request->server, name, &request->account, &why);
    if (status == RK_NOT_FOUND || status == RK_NO_DATABASE) {
        *id_out = rki_desk_nobody(request->server, name);
        return RK_OK;
    }
    if (status != RK_OK) *error = why;
    return status;
}

static void add_member(rk_buffer *buffer, const char *name, rk_bytes text) {
    rk_buffer_append(buffer, rk_bytes_of_string(name));
    rk_json_print_text(buffer, text);
}

static void add_time(rk_buffer *buffer, const char *name, uint64_t seconds) {
    char time[RK_TIME_TEXT_SIZE];
    rk_time_print(seconds * 1000, time);
    add_member(buffer, name, rk_bytes_of(time, sizeof time));
}

static rk_status give(rki_request *request, unsigned status, rk_buffer *buffer, rk_error *error) {
    rk_bytes body;
    rk_buffer_append(buffer, RK_TEXT("}\n"));
    if (rk_buffer_finish(buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the answer is too large");
    rki_answer_json(request, status, body);
    return RK_OK;
}

/* ---- challenge ---- */

rk_status rki_op_session_challenge(rki_request *request, rk_error *error) {
    rki_member members[] = {{"actor", RK_STRING, true, NULL}};
    rk_buffer buffer, text;
    rk_bytes challenge, encoded;
    rk_hash id;
    uint64_t expires_s = 0;
    RK_TRY(rki_body_members(request, members, 1, error));
    RK_TRY(hold_account(request, &id, error));
    RK_TRY(
        rki_desk_challenge(request->server, &id, text_of(&members[0]), &request->arena, &challenge, &expires_s, error));
    rk_buffer_init(&text, &request->arena, ANSWER_SIZE_MAX);
    rk_base64_append(&text, challenge);
    if (rk_buffer_finish(&text, &encoded) != RK_OK) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory to answer");
    rk_buffer_init(&buffer, &request->arena, ANSWER_SIZE_MAX);
    add_member(&buffer, "{\"challenge\":", encoded);
    add_time(&buffer, ",\"expires\":", expires_s);
    return give(request, 200, &buffer, error);
}

/* ---- tokens ---- */

static rk_status give_tokens(rki_request *request, unsigned status, const rk_hash *account, const rk_session *session,
                             const char refresh[RK_REFRESH_TEXT_SIZE], rk_error *error) {
    rk_buffer buffer;
    rk_bytes token;
    uint64_t expires_s = 0;
    RK_TRY(rki_token_of_session(request->server, account, session, &request->arena, &token, &expires_s, error));
    rk_buffer_init(&buffer, &request->arena, ANSWER_SIZE_MAX);
    add_member(&buffer, "{\"token\":", token);
    add_time(&buffer, ",\"expires\":", expires_s);
    add_member(&buffer, ",\"refresh\":", rk_bytes_of(refresh, RK_REFRESH_TEXT_SIZE));
    add_time(&buffer, ",\"ends\":", session->ends_s);
    add_member(&buffer, ",\"session\":", rk_bytes_of(session->id, RK_SESSION_ID_SIZE));
    add_member(&buffer, ",\"actor\":", session->actor);
    return give(request, status, &buffer, error);
}

/* ---- opening ---- */

static rk_status begin_session(rki_request *request, const rk_hash *account, rk_bytes actor, const rk_key *key,
                               rk_error *error) {
    uint8_t random[RK_SESSION_RANDOM_SIZE];
    char refresh[RK_REFRESH_TEXT_SIZE];
    rk_sessions *sessions = NULL;
    rk_session session;
    RK_TRY(rki_account_sessions(request->account, &sessions, error));
    rk_random_bytes(random, sizeof random);
    rk_status status = rk_session_begin(sessions, rk_crypto_sodium(), actor, key, random, rk_clock_ms() / 1000,
                                        &request->arena, &session, refresh, error);
    rk_secret_wipe(random, sizeof random);
    if (status == RK_OK) status = give_tokens(request, 201, account, &session, refresh, error);
    rk_secret_wipe(refresh, sizeof refresh);
    return status;
}

/* The state of who wants to enter, and the text of its password: empty for nobody. */
static rk_status read_entrant(rki_request *request, rk_bytes actor, bool *may_out, rk_bytes *text_out,
                              rk_error *error) {
    rk_sessions *sessions = NULL;
    rk_value state;
    *may_out = false;
    *text_out = (rk_bytes){NULL, 0};
    if (!request->account || !rk_label_valid(actor, RK_ACTOR_SIZE_MAX)) return RK_OK;
    RK_TRY(rki_actor_state(request->account, actor, &request->arena, &state, error));
    RK_TRY(rki_account_sessions(request->account, &sessions, error));
    *may_out = rki_actor_may_enter(&state);
    return rk_session_password_get(sessions, actor, &request->arena, text_out, error);
}

static rk_status open_by_password(rki_request *request, const rk_hash *account, rk_bytes actor, rk_bytes password,
                                  rk_error *error) {
    bool may = false;
    rk_bytes text;
    RK_TRY(read_entrant(request, actor, &may, &text, error));
    RK_TRY(rki_desk_password(request, actor, password, text, error));
    if (!may) return refused(error);
    if (rk_password_is_old(text)) {
        char anew[RK_PASSWORD_TEXT_SIZE];
        rk_sessions *sessions = NULL;
        rk_error aside = {.code = RK_OK}; /* the old text stays good where it cannot be made anew */
        if (rki_account_sessions(request->account, &sessions, &aside) == RK_OK &&
            rki_desk_password_make(request, password, anew, &aside) == RK_OK) {
            RK_TRY(rk_session_password_renew(sessions, actor, text, rk_bytes_of_string(anew), error));
        }
    }
    return begin_session(request, account, actor, NULL, error);
}

static rk_status open_by_key(rki_request *request, const rk_hash *account, rk_bytes encoded, rk_error *error) {
    rk_bytes answer, text;
    rk_signer signer;
    bool may = false;
    rk_status status = rk_base64_read(&request->arena, encoded, &answer);
    if (status != RK_OK) {
        return rk_fail(error, status == RK_NO_MEMORY ? status : RK_BAD_REQUEST, "answer", "it is no base64");
    }
    RK_TRY(rki_desk_answer(request, account, answer, &signer, error));
    RK_TRY(read_entrant(request, signer.actor, &may, &text, error));
    return may ? begin_session(request, account, signer.actor, &signer.key, error) : refused(error);
}

rk_status rki_op_session_open(rki_request *request, rk_error *error) {
    rki_member members[] = {
        {"answer", RK_STRING, false, NULL}, {"actor", RK_STRING, false, NULL}, {"password", RK_STRING, false, NULL}};
    rk_hash id;
    RK_TRY(rki_body_members(request, members, 3, error));
    bool by_key = members[0].value && !members[1].value && !members[2].value;
    if (!by_key && (members[0].value || !members[1].value || !members[2].value)) {
        return rk_fail(error, RK_BAD_REQUEST, "body", "it is {\"answer\"}, or {\"actor\", \"password\"}");
    }
    RK_TRY(hold_account(request, &id, error));
    if (by_key) return open_by_key(request, &id, text_of(&members[0]), error);
    return open_by_password(request, &id, text_of(&members[1]), text_of(&members[2]), error);
}

/* ---- going on ---- */

/* Whether the session's actor may still log in, by what it logged in with. */
static rk_status may_go_on(rki_request *request, const rk_session *session, bool *may_out, rk_error *error) {
    rk_value state;
    rk_key keys[RK_SIGNER_KEYS_MAX];
    size_t count = 0;
    RK_TRY(rki_actor_state(request->account, session->actor, &request->arena, &state, error));
    *may_out = rki_actor_may_enter(&state);
    if (!*may_out || !session->by_key) return RK_OK;
    RK_TRY(rki_active_keys(request, session->actor, keys, &count, error));
    *may_out = false;
    for (size_t i = 0; i < count; i++) *may_out |= rk_key_equal(&keys[i], &session->key);
    return RK_OK;
}

/* Whether it may go on is seen before the exchange: a token that was taken is not lost to a look-up that failed. */
static rk_status refresh_session(rki_request *request, const rk_hash *account, rk_bytes shown, rk_error *error) {
    uint8_t random[RK_SESSION_FRESH_SIZE];
    char refresh[RK_REFRESH_TEXT_SIZE];
    rk_sessions *sessions = NULL;
    rk_session session;
    bool may = false;
    const rk_crypto *crypto = rk_crypto_sodium();
    uint64_t now_s = rk_clock_ms() / 1000;
    RK_TRY(rki_account_sessions(request->account, &sessions, error));
    RK_TRY(rk_session_of_refresh(sessions, crypto, shown, now_s, &request->arena, &session, error));
    RK_TRY(may_go_on(request, &session, &may, error));
    if (!may) {
        rk_status ended = rk_session_end(sessions, rk_bytes_of(session.id, RK_SESSION_ID_SIZE), error);
        return ended == RK_OK || ended == RK_NOT_FOUND ? refused(error) : ended;
    }
    rk_random_bytes(random, sizeof random);
    RK_TRY(rk_session_refresh(sessions, crypto, shown, random, now_s, &request->arena, &session, refresh, error));
    rk_status status = give_tokens(request, 200, account, &session, refresh, error);
    rk_secret_wipe(refresh, sizeof refresh);
    return status;
}

rk_status rki_op_session_refresh(rki_request *request, rk_error *error) {
    rki_member members[] = {{"refresh", RK_STRING, true, NULL}};
    rk_hash id;
    RK_TRY(rki_body_members(request, members, 1, error));
    RK_TRY(hold_account(request, &id, error));
    if (!request->account) return rk_fail(error, RK_BAD_TOKEN, "refresh", "it is of no session");
    return refresh_session(request, &id, text_of(&members[0]), error);
}

/* ---- looking and ending ---- */

static void add_session(rk_buffer *buffer, const rki_request *request, const rk_session *session) {
    rk_bytes id = rk_bytes_of(session->id, RK_SESSION_ID_SIZE);
    add_member(buffer, "{\"session\":", id);
    add_member(buffer, ",\"actor\":", session->actor);
    add_member(buffer, ",\"by\":", session->by_key ? RK_TEXT("key") : RK_TEXT("password"));
    add_time(buffer, ",\"begun\":", session->begun_s);
    add_time(buffer, ",\"refreshed\":", session->refreshed_s);
    add_time(buffer, ",\"ends\":", session->ends_s);
    rk_buffer_append(buffer,
                     rk_bytes_equal(id, request->session) ? RK_TEXT(",\"this\":true}") : RK_TEXT(",\"this\":false}"));
}

rk_status rki_op_session_list(rki_request *request, rk_error *error) {
    const rki_given *actor = rki_parameter_get(request, "actor");
    rk_bytes whose = actor->there ? actor->text : request->actor;
    rk_sessions *sessions = NULL;
    rk_session *list = NULL;
    rk_buffer buffer;
    size_t count = 0;
    RK_TRY(rki_self_or_admin(request, whose, error));
    RK_TRY(rki_account_sessions(request->account, &sessions, error));
    RK_TRY(rk_session_list(sessions, whose, rk_clock_ms() / 1000, &request->arena, &list, &count, error));
    rk_buffer_init(&buffer, &request->arena, LIST_SIZE_MAX);
    rk_buffer_append(&buffer, RK_TEXT("{\"sessions\":["));
    for (size_t i = 0; i < count; i++) {
        if (i > 0) rk_buffer_append(&buffer, RK_TEXT(","));
        add_session(&buffer, request, &list[i]);
    }
    rk_buffer_append(&buffer, RK_TEXT("]"));
    return give(request, 200, &buffer, error);
}

/* Whose session it is is seen before anything is said of it: to others it is not there. */
rk_status rki_op_session_end(rki_request *request, rk_error *error) {
    rk_bytes id = rki_parameter_get(request, "session")->text;
    rk_sessions *sessions = NULL;
    rk_session session;
    rk_buffer buffer;
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rki_reader_give(request->account, handle, true);
    RK_TRY(rki_account_sessions(request->account, &sessions, error));
    RK_TRY(rk_session_find(sessions, id, rk_clock_ms() / 1000, &request->arena, &session, error));
    rk_status status = rki_self_or_admin(request, session.actor, error);
    if (status == RK_FORBIDDEN) return rk_fail(error, RK_NOT_FOUND, NULL, "there is no such session");
    RK_TRY(status);
    RK_TRY(rk_session_end(sessions, id, error));
    rk_buffer_init(&buffer, &request->arena, ANSWER_SIZE_MAX);
    add_member(&buffer, "{\"session\":", id);
    return give(request, 200, &buffer, error);
}

/* ---- passwords ---- */

/* The one whose password it is must be there, and the sender be it, or an admin: but nobody sets the owner's for it. */
static rk_status may_set_password(rki_request *request, rk_bytes actor, rk_error *error) {
    rk_value state;
    RK_TRY(rki_self_or_admin(request, actor, error));
    bool self = rk_bytes_equal(request->actor, actor);
    if (rk_bytes_equal(actor, RK_TEXT("truth")) || (!self && rk_bytes_equal(actor, RK_TEXT("owner")))) {
        return rk_fail(error, RK_FORBIDDEN, NULL, "who sets this password could act with more than its own roles");
    }
    RK_TRY(rki_actor_state(request->account, actor, &request->arena, &state, error));
    return state.kind == RK_MAP ? RK_OK : rk_fail(error, RK_NOT_FOUND, NULL, "there is no such actor");
}

static rk_status give_actor(rki_request *request, rk_bytes actor, rk_error *error) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, &request->arena, ANSWER_SIZE_MAX);
    add_member(&buffer, "{\"actor\":", actor);
    return give(request, 200, &buffer, error);
}

rk_status rki_op_password_set(rki_request *request, rk_error *error) {
    rki_member members[] = {{"password", RK_STRING, true, NULL}};
    rk_bytes actor = rki_parameter_get(request, "actor")->text;
    char text[RK_PASSWORD_TEXT_SIZE];
    rk_sessions *sessions = NULL;
    RK_TRY(rki_body_members(request, members, 1, error));
    RK_TRY(may_set_password(request, actor, error));
    RK_TRY(rki_account_sessions(request->account, &sessions, error));
    RK_TRY(rki_desk_password_make(request, text_of(&members[0]), text, error));
    RK_TRY(rk_session_password_put(sessions, actor, rk_bytes_of_string(text), request->session, error));
    return give_actor(request, actor, error);
}

rk_status rki_op_password_drop(rki_request *request, rk_error *error) {
    rk_bytes actor = rki_parameter_get(request, "actor")->text;
    rk_sessions *sessions = NULL;
    RK_TRY(may_set_password(request, actor, error));
    RK_TRY(rki_account_sessions(request->account, &sessions, error));
    RK_TRY(rk_session_password_put(sessions, actor, (rk_bytes){NULL, 0}, request->session, error));
    return give_actor(request, actor, error);
}

/* ---- the keys that tokens are verified with ---- */

rk_status rki_op_jwks(rki_request *request, rk_error *error) {
    rk_buffer buffer;
    rk_bytes body;
    rk_buffer_init(&buffer, &request->arena, ANSWER_SIZE_MAX);
    rk_jwks_write(&buffer, rk_crypto_sodium(), rki_gate_key(request->server), 1);
    rk_buffer_append(&buffer, RK_TEXT("\n"));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the answer is too large");
    rki_answer_json(request, 200, body);
    return RK_OK;
}
