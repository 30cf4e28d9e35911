/*
 * Accounts: opened when they are asked for, closed when they have been idle for long or others want the room.
 *
 * Invariants
 *   (1) An account that somebody holds stays open.
 *   (2) The server's lock is held for finding and counting only, never while a database is opened or read.
 *   (3) What is open stays within server->files: an account is opened when there is room for two engines and its books
 *       (else the one that has been idle for longest is closed, else it is refused), and a further reader is kept when
 *       there is room for it.
 */
#include <string.h>

#include "door/http/request.h"
#include "io/clock.h"
#include "io/folder.h"
#include "io/memory.h"
#include "store/book/book.h"

enum { HANDLE_MEMORY_MAX = 64 << 20 };

/* ---- handles ---- */

void rki_handle_close(rki_handle *handle) {
    if (!handle) return;
    const rk_memory *memory = rk_memory_system();
    rk_engine_close(handle->engine);
    rk_arena_free(&handle->arena);
    handle->server->handles--;
    memory->give(memory->context, handle, sizeof *handle);
}

/* The more engines there are, the less a new one keeps. */
static uint64_t cache_share(rk_server *server) {
    uint64_t share = RK_SERVER_CACHES_MAX / server->handles;
    if (share > RK_SERVER_CACHE_MOST) return RK_SERVER_CACHE_MOST;
    return share < RK_SERVER_CACHE_LEAST ? RK_SERVER_CACHE_LEAST : share;
}

rk_status rki_handle_open(rki_account *account, rki_handle **handle_out, rk_error *error) {
    const rk_memory *memory = rk_memory_system();
    rki_handle *handle = memory->take(memory->context, sizeof *handle);
    *handle_out = NULL;
    if (!handle) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for an engine");
    memset(handle, 0, sizeof *handle);
    handle->server = account->server;
    handle->server->handles++;
    rk_arena_init(&handle->arena, memory, HANDLE_MEMORY_MAX);
    rk_status status =
        rk_door_host_init(&handle->host, account->server->store, account->path, true, &handle->arena, error);
    handle->host.host.cache_size_max = cache_share(account->server);
    if (status == RK_OK) status = rk_engine_open(&handle->host.host, RK_LOG_READ_WRITE, &handle->engine, error);
    if (status == RK_OK) {
        *handle_out = handle;
        return RK_OK;
    }
    rki_handle_close(handle);
    return status;
}

/* ---- readers ---- */

static rk_status check_member(rki_handle *handle, rk_bytes actor, rk_error *error) {
    rk_status status = rk_engine_read_as(handle->engine, actor, error);
    if (status == RK_OK) status = rk_engine_reader_check(handle->engine, error);
    if (status != RK_UNKNOWN_ACTOR) return status;
    return rk_fail(error, RK_NOT_A_MEMBER, NULL, "the account does not know who sends this");
}

rk_status rki_handle_take(rki_account *account, rki_handle **handle_out, rk_error *error) {
    rk_mutex_lock(account->mutex);
    *handle_out = account->readers;
    if (*handle_out) account->readers = (*handle_out)->next;
    rk_mutex_unlock(account->mutex);
    if (!*handle_out) RK_TRY(rki_handle_open(account, handle_out, error));
    return rk_engine_read_as((*handle_out)->engine, (rk_bytes){NULL, 0}, error);
}

static rk_status take_reader(rki_account *account, rk_bytes actor, bool again, rki_handle **handle_out,
                             rk_error *error) {
    rki_handle *handle = NULL;
    *handle_out = NULL;
    RK_TRY(rki_handle_take(account, &handle, error));
    bool resumed = again && rk_engine_view_resume(handle->engine);
    rk_status status = resumed ? RK_OK : rk_engine_view_hold(handle->engine, error);
    if (status == RK_OK) status = check_member(handle, actor, error);
    if (status == RK_OK) {
        *handle_out = handle;
        return RK_OK;
    }
    rki_reader_give(account, handle, status == RK_BUSY || rk_status_exit(status) != 3);
    return status;
}

rk_status rki_reader_take(rki_account *account, rk_bytes actor, rki_handle **handle_out, rk_error *error) {
    return take_reader(account, actor, false, handle_out, error);
}

rk_status rki_reader_resume(rki_account *account, rk_bytes actor, rki_handle **handle_out, rk_error *error) {
    return take_reader(account, actor, true, handle_out, error);
}

/* Whether there is room for one more reader, beside two engines of each open account. What is seen may be old. */
static bool has_room(const rk_server *server) {
    uint64_t accounts = server->open_count, handles = server->handles > 2 * accounts ? server->handles : 2 * accounts;
    return (handles + 1) * RK_SERVER_HANDLE_FILES + accounts * RK_SERVER_ACCOUNT_FILES <= server->files;
}

void rki_reader_give(rki_account *account, rki_handle *handle, bool good) {
    size_t count = 0;
    handle->given_ms = rk_clock_ms();
    rk_engine_view_release(handle->engine);
    rk_mutex_lock(account->mutex);
    for (rki_handle *at = account->readers; at; at = at->next) count++;
    bool keep = good && (count == 0 || (count < RK_SERVER_READERS_MAX && has_room(account->server)));
    if (keep) {
        handle->next = account->readers;
        account->readers = handle;
    }
    rk_mutex_unlock(account->mutex);
    if (!keep) rki_handle_close(handle);
}

/* ---- sessions ---- */

rk_status rki_account_sessions(rki_account *account, rk_sessions **sessions_out, rk_error *error) {
    char path[RK_PATH_SIZE_MAX];
    rk_sessions *opened = NULL;
    rk_mutex_lock(account->mutex);
    *sessions_out = account->sessions;
    rk_mutex_unlock(account->mutex);
    if (*sessions_out) return RK_OK;
    RK_TRY(rk_path_join(path, account->path, "sessions.book", error));
    RK_TRY(rk_sessions_open(path, rki_gate_forget, account->server, &opened, error));
    rk_mutex_lock(account->mutex);
    if (!account->sessions) {
        account->sessions = opened;
        opened = NULL;
    }
    *sessions_out = account->sessions;
    rk_mutex_unlock(account->mutex);
    rk_sessions_close(opened); /* another thread was faster */
    return RK_OK;
}

/* ---- the accounts ---- */

/* What an account had open, to be closed without any lock. */
typedef struct opened {
    rki_handle *readers;
    rki_handle *writer;
    rk_book *shelf;
    rk_sessions *sessions;
} opened;

static opened take_opened(rki_account *account) {
    rk_mutex_lock(account->mutex);
    opened opened = {account->readers, account->writer, account->shelf, account->sessions};
    account->readers = account->writer = NULL;
    account->shelf = NULL; /* nobody holds the account: no turn is at it */
    account->sessions = NULL;
    rk_mutex_unlock(account->mutex);
    return opened;
}

static void close_opened(opened opened) {
    while (opened.readers) {
        rki_handle *handle = opened.readers;
        opened.readers = handle->next;
        rki_handle_close(handle);
    }
    rki_handle_close(opened.writer);
    rk_book_close(opened.shelf);
    rk_sessions_close(opened.sessions);
}

void rki_accounts_plan(rk_server *server, uint64_t files) {
    const rk_server_options *options = &server->options;
    /* Each thread may have an engine that is counted to no account's two. */
    uint64_t spare = RK_SERVER_SPARE_FILES + (uint64_t)(options->threads + 2) * RK_SERVER_HANDLE_FILES;
    uint64_t each = 2 * RK_SERVER_HANDLE_FILES + RK_SERVER_ACCOUNT_FILES;
    server->files = files > spare + each ? files - spare : each;
    server->open_max = (size_t)(server->files / each);
}

/* ---- idle ones, under the server's lock ---- */

static void leave_idle(rki_account *account) {
    rk_server *server = account->server;
    if (!account->idle) return;
    if (account->idle_before) {
        account->idle_before->idle_next = account->idle_next;
    } else {
        server->idle_first = account->idle_next;
    }
    if (account->idle_next) {
        account->idle_next->idle_before = account->idle_before;
    } else {
        server->idle_last = account->idle_before;
    }
    account->idle = false;
    account->idle_before = account->idle_next = NULL;
}

static void join_idle(rki_account *account) {
    rk_server *server = account->server;
    account->idle = true;
    account->idle_before = server->idle_last;
    if (server->idle_last) {
        server->idle_last->idle_next = account;
    } else {
        server->idle_first = account;
    }
    server->idle_last = account;
}

void rki_account_closed(rki_account *account) {
    leave_idle(account);
    if (!account->open) return;
    account->open = false;
    account->server->open_count--;
    account->server->metrics.accounts_closed++;
}

/* The one that has been idle for longest, so that it can be closed; NULL when each is held. */
static rki_account *take_idle(rk_server *server) {
    rki_account *oldest = server->idle_first;
    if (oldest) rki_account_closed(oldest);
    return oldest;
}

/* Room for one more; what `closed_out` has open is to be closed without the lock. RK_OVERLOADED. */
static rk_status make_room(rk_server *server, opened *room_out, rki_account **closed_out, rk_error *error) {
    bool many = server->open_count >= RK_SERVER_ACCOUNTS_OPEN_MAX, full = server->open_count >= server->open_max;
    *closed_out = many || full ? take_idle(server) : NULL;
    if (*closed_out) *room_out = take_opened(*closed_out);
    if (*closed_out || !full) return RK_OK;
    return rk_fail(error, RK_OVERLOADED, NULL, "as many accounts as the server may open are in use");
}

/* A folder that is itself a database is the account `default`; others lie below accounts/. */
static rk_status find_folder(rk_server *server, rk_bytes name, char path[RK_PATH_SIZE_MAX], rk_error *error) {
    char log[RK_PATH_SIZE_MAX];
    rk_format(path, RK_PATH_SIZE_MAX, "%s/accounts/%b", server->options.data, name);
    if (rk_name_valid(name) && rk_folder_there(path)) return RK_OK;
    rk_format(path, RK_PATH_SIZE_MAX, "%s", server->options.data);
    rk_format(log, sizeof log, "%s/keys", server->options.data);
    if (rk_bytes_equal(name, RK_TEXT("default")) && rk_folder_there(log)) return RK_OK;
    return rk_fail(error, RK_NOT_FOUND, NULL, "the server has no account of that name");
}

bool rki_account_there(rk_server *server, rk_bytes name) {
    char path[RK_PATH_SIZE_MAX];
    rk_error aside;
    return find_folder(server, name, path, &aside) == RK_OK;
}

static rk_status make_account(rk_server *server, rk_bytes name, const char *path, rki_account **account_out,
                              rk_error *error) {
    rki_account *account = rk_arena_take(&server->arena, sizeof *account);
    if (!account) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for an account");
    size_t size = strlen(path) + 1;
    char *copy = rk_arena_take(&server->arena, size);
    if (!copy) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for an account");
    memcpy(copy, path, size);
    account->path = copy;
    rk_format(account->name, sizeof account->name, "%b", name);
    account->server = server;
    account->mutex = rk_mutex_new();
    account->shelf_mutex = rk_mutex_new();
    account->arrived = rk_signal_new();
    if (!account->mutex || !account->shelf_mutex || !account->arrived ||
        rk_map_set(&server->accounts, rk_bytes_of_string(account->name), account) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for an account");
    }
    *account_out = account;
    return RK_OK;
}

/* One that has open files has a folder: it need not be looked for. */
static rki_account *hold_open(rk_server *server, rk_bytes name) {
    rk_mutex_lock(server->mutex);
    rki_account *account = rk_map_get(&server->accounts, name);
    if (account && (account->erased || !account->open)) account = NULL;
    if (account) {
        account->users++;
        leave_idle(account);
    }
    rk_mutex_unlock(server->mutex);
    return account;
}

rk_status rki_account_hold(rk_server *server, rk_bytes name, rki_account **account_out, rk_error *error) {
    char path[RK_PATH_SIZE_MAX];
    opened room = {.readers = NULL};
    rki_account *closed = NULL;
    *account_out = hold_open(server, name);
    if (*account_out) return RK_OK;
    RK_TRY(find_folder(server, name, path, error));
    rk_mutex_lock(server->mutex);
    rki_account *account = rk_map_get(&server->accounts, name);
    rk_status status = account ? RK_OK : make_account(server, name, path, &account, error);
    if (status == RK_OK && account->erased) {
        status = rk_fail(error, RK_NOT_FOUND, NULL, "the server has no account of that name");
    }
    bool opens = status == RK_OK && !account->open;
    if (opens) status = make_room(server, &room, &closed, error);
    if (status == RK_OK && opens) {
        account->open = true;
        server->open_count++;
        server->metrics.accounts_opened++;
    }
    if (status == RK_OK) {
        account->users++;
        leave_idle(account);
    }
    rk_mutex_unlock(server->mutex);
    close_opened(room);
    if (closed) rki_say_account(closed, "account closed");
    if (status == RK_OK && opens) rki_say_account(account, "account opened");
    *account_out = status == RK_OK ? account : NULL;
    return status;
}

void rki_account_release(rki_account *account) {
    if (!account) return;
    rk_server *server = account->server;
    rk_mutex_lock(server->mutex);
    account->users--;
    if (account->users == 0) account->idle_since_ms = rk_clock_ms();
    if (account->users == 0 && account->open) join_idle(account);
    if (account->erased && account->users == 0 && server->erase) rk_signal_wake(server->erase);
    rk_mutex_unlock(server->mutex);
}

/* Taken out of its list: those that were given back long ago. The last are the longest idle. */
static rki_handle *take_old_readers(rki_account *account, uint64_t before_ms) {
    rk_mutex_lock(account->mutex);
    rki_handle **at = &account->readers;
    while (*at && (*at)->given_ms >= before_ms) at = &(*at)->next;
    rki_handle *old = *at;
    *at = NULL;
    rk_mutex_unlock(account->mutex);
    return old;
}

/* The next account after `index` that is held, and held here too; NULL past the last. */
static rki_account *next_held(rk_server *server, size_t *index) {
    rki_account *found = NULL;
    rk_mutex_lock(server->mutex);
    for (; *index < server->accounts.entry_count && !found; ++*index) {
        rki_account *account = server->accounts.entries[*index].value;
        if (account->users > 0) found = account;
    }
    if (found) found->users++;
    rk_mutex_unlock(server->mutex);
    return found;
}

void rki_accounts_sweep(rk_server *server) {
    uint64_t now_ms = rk_clock_ms(), before_ms = now_ms - RK_SERVER_ACCOUNT_IDLE_MS;
    size_t index = 0;
    for (;;) {
        opened opened = {.readers = NULL};
        rk_mutex_lock(server->mutex);
        bool due = server->idle_first && server->idle_first->idle_since_ms < before_ms;
        rki_account *closed = due ? take_idle(server) : NULL;
        if (closed) opened = take_opened(closed);
        rk_mutex_unlock(server->mutex);
        if (!closed) break;
        close_opened(opened);
        rki_say_account(closed, "account closed");
    }
    for (rki_account *account = next_held(server, &index); account; account = next_held(server, &index)) {
        close_opened((opened){.readers = take_old_readers(account, before_ms)});
        rki_account_release(account);
    }
}

void rki_account_close(rki_account *account) {
    close_opened(take_opened(account));
}

void rki_account_forget(rki_account *account) {
    account->erased = false;
    rk_mutex_lock(account->mutex);
    account->id_known = false;
    account->position = 0;
    account->quota_ms = account->quota_position = 0;
    rk_mutex_unlock(account->mutex);
}

void rki_account_free(rki_account *account) {
    close_opened(take_opened(account));
    rk_signal_free(account->arrived);
    rk_mutex_free(account->shelf_mutex);
    rk_mutex_free(account->mutex);
}
