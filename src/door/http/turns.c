/*
 * What one account may have under way, so that it takes no other's share.
 *
 * Invariants
 *   (1) An account is charged with what its members send, never with what a stranger sends to it: a request enters when
 *       it is known who sends it. Bodies that come before that are counted to strangers together.
 *   (2) One account never has all loops for what may take long, where there are more than one: such
 *       requests of it wait for each other. What is short by its nature takes no turn.
 *   (3) Where requests wait for a turn, as many as may be are running, and the one that ends hands its turn on.
 *   (4) A quota is read once in RK_SERVER_QUOTA_MS at most, and then only when the log moved.
 */
#include "door/http/request.h"
#include "io/clock.h"

enum { SHORT_BODY_MAX = 64 << 10 };

/* ---- the quota ---- */

static rk_status read_quota(rki_account *account, rk_engine *engine, rk_error *error) {
    rk_engine_info info;
    rk_quota quota;
    RK_TRY(rk_engine_info_get(engine, &info, error));
    rk_mutex_lock(account->mutex);
    bool moved = account->quota_position != info.head.position;
    rk_mutex_unlock(account->mutex);
    if (!moved) return RK_OK;
    RK_TRY(rk_engine_quota(engine, &quota, error));
    rk_mutex_lock(account->mutex);
    account->quota_position = info.head.position;
    account->requests_max = quota.requests_max;
    rk_mutex_unlock(account->mutex);
    return RK_OK;
}

/* A quota that cannot be read stays what it was: the request itself will say what is wrong. */
static void look_at_quota(rki_account *account, uint64_t now_ms) {
    rki_handle *handle = NULL;
    rk_error error;
    rk_mutex_lock(account->mutex);
    bool due = account->quota_ms == 0 || now_ms < account->quota_ms || now_ms - account->quota_ms >= RK_SERVER_QUOTA_MS;
    if (account->quota_ms == 0) account->requests_max = UINT64_MAX;
    if (due) account->quota_ms = now_ms;
    rk_mutex_unlock(account->mutex);
    if (!due || rki_handle_take(account, &handle, &error) != RK_OK) return;
    rki_reader_give(account, handle, read_quota(account, handle->engine, &error) == RK_OK);
}

static rk_status take_rate(rki_request *request, rk_error *error) {
    rki_account *account = request->account;
    uint64_t now_ms = rk_clock_ms(), wait_ms = 0;
    look_at_quota(account, now_ms);
    rk_mutex_lock(account->mutex);
    uint64_t most = account->requests_max;
    bool taken = most == UINT64_MAX || rk_rate_take(&account->rate, most, now_ms, &wait_ms);
    rk_mutex_unlock(account->mutex);
    if (taken) return RK_OK;
    request->answer.retry = (unsigned)((wait_ms + 999) / 1000);
    return rk_fail(error, RK_TOO_MANY, "quota.requests", "the account may send %u requests a second", most);
}

/* ---- entering ---- */

rk_status rki_enter(rki_request *request, rk_error *error) {
    rki_account *account = request->account;
    rk_server *server = request->server;
    RK_TRY(take_rate(request, error));
    rk_mutex_lock(server->mutex);
    bool full = account->requests >= RK_SERVER_ACCOUNT_REQUESTS_MAX;
    bool fits = request->reserved <= RK_SERVER_ACCOUNT_BODIES_MAX - account->reserved;
    if (!full && fits) {
        account->requests++;
        account->reserved += request->reserved;
        server->strangers -= request->reserved;
        request->entered = true;
    }
    rk_mutex_unlock(server->mutex);
    if (full) return rk_fail(error, RK_OVERLOADED, NULL, "the account has RK_SERVER_ACCOUNT_REQUESTS_MAX under way");
    if (!fits) return rk_fail(error, RK_OVERLOADED, NULL, "the account's bodies take RK_SERVER_ACCOUNT_BODIES_MAX");
    return RK_OK;
}

void rki_leave(rki_request *request) {
    rk_server *server = request->server;
    rki_turn_give(request);
    if (!request->entered && request->reserved == 0) return;
    rk_mutex_lock(server->mutex);
    server->reserved -= request->reserved;
    if (request->entered) {
        request->account->requests--;
        request->account->reserved -= request->reserved;
    } else {
        server->strangers -= request->reserved;
    }
    rk_mutex_unlock(server->mutex);
}

/* ---- turns ---- */

/* Under the account's lock. */
static void push(rki_account *account, rki_request *request) {
    request->next_turn = NULL;
    request->stage = RKI_QUEUED;
    MHD_suspend_connection(request->connection);
    if (account->turn_last) {
        account->turn_last->next_turn = request;
    } else {
        account->turn_first = request;
    }
    account->turn_last = request;
    account->turn_count++;
}

/* Under the account's lock; NULL when none waits. */
static rki_request *pop(rki_account *account) {
    rki_request *request = account->turn_first;
    if (!request) return NULL;
    account->turn_first = request->next_turn;
    if (!account->turn_first) account->turn_last = NULL;
    account->turn_count--;
    return request;
}

/* Whether one waits is decided under the server's lock: none does once all were woken for the last time. */
static rk_status wait_for_turn(rki_request *request, rk_error *error) {
    rki_account *account = request->account;
    rk_server *server = request->server;
    rk_mutex_lock(server->mutex);
    rk_mutex_lock(account->mutex);
    bool at_once = account->running < server->turns_max || server->stopping;
    bool full = !at_once && account->turn_count >= RK_SERVER_TURNS_MAX;
    if (at_once) {
        account->running++;
        request->turn = true;
    } else if (!full) {
        push(account, request);
        server->metrics.turns++;
    }
    rk_mutex_unlock(account->mutex);
    rk_mutex_unlock(server->mutex);
    return full ? rk_fail(error, RK_OVERLOADED, NULL, "RK_SERVER_TURNS_MAX requests of this account wait") : RK_OK;
}

/* A read of one state, or a small transaction that a writer takes over: waiting would cost more than it does. */
static bool is_short(const rki_request *request) {
    bool read = request->operation->run == rki_op_state_get;
    return read || (request->operation->run == rki_op_event_append && request->received <= SHORT_BODY_MAX);
}

rk_status rki_turn_take(rki_request *request, rk_error *error) {
    rki_account *account = request->account;
    if (!account || request->turn || is_short(request)) return RK_OK;
    rk_mutex_lock(account->mutex);
    request->turn = account->running < request->server->turns_max;
    if (request->turn) account->running++;
    rk_mutex_unlock(account->mutex);
    return request->turn ? RK_OK : wait_for_turn(request, error);
}

/* A connection that has gone meanwhile gives the turn on when its request ends. */
void rki_turn_give(rki_request *request) {
    rki_account *account = request->account;
    if (!request->turn) return;
    request->turn = false;
    rk_mutex_lock(account->mutex);
    rki_request *next = pop(account);
    if (next) {
        next->turn = true;
    } else {
        account->running--;
    }
    rk_mutex_unlock(account->mutex);
    if (next) rki_resume(next);
}

void rki_turns_wake_all(rk_server *server) {
    rk_mutex_lock(server->mutex);
    for (size_t i = 0; i < server->accounts.entry_count; i++) {
        rki_account *account = server->accounts.entries[i].value;
        rk_mutex_lock(account->mutex);
        for (rki_request *at = pop(account); at; at = pop(account)) {
            at->turn = true;
            account->running++;
            rki_resume(at);
        }
        rk_mutex_unlock(account->mutex);
    }
    rk_mutex_unlock(server->mutex);
}
