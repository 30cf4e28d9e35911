/*
 * Accounts: opened when they are asked for, closed when they have been idle for long and others want the room.
 *
 * Invariants
 *   (1) An account that somebody holds stays open.
 *   (2) The server's lock is held for finding and counting only, never while a database is opened or read.
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
    memory->give(memory->context, handle, sizeof *handle);
}

rk_status rki_handle_open(rki_account *account, rki_handle **handle_out, rk_error *error) {
    const rk_memory *memory = rk_memory_system();
    rki_handle *handle = memory->take(memory->context, sizeof *handle);
    *handle_out = NULL;
    if (!handle) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for an engine");
    memset(handle, 0, sizeof *handle);
    rk_arena_init(&handle->arena, memory, HANDLE_MEMORY_MAX);
    rk_status status =
        rk_door_host_init(&handle->host, account->server->store, account->path, true, &handle->arena, error);
    if (status == RK_OK) status = rk_engine_open(&handle->host.host, RK_LOG_READ_WRITE, &handle->engine, error);
    if (status == RK_OK) {
        *handle_out = handle;
        return RK_OK;
    }
    rki_handle_close(handle);
    return status;
}

/* ---- readers ---- */

static rk_status check_member(rki_handle *handle, rk_bytes actor, rk_arena *arena, rk_error *error) {
    rk_actor_view member;
    rk_status status = rk_engine_actor(handle->engine, actor, arena, &member, error);
    if (status == RK_UNKNOWN_ACTOR) {
        return rk_fail(error, RK_NOT_A_MEMBER, NULL, "the account does not know who sends this");
    }
    RK_TRY(status);
    return rk_engine_read_as(handle->engine, actor, error);
}

rk_status rki_handle_take(rki_account *account, rki_handle **handle_out, rk_error *error) {
    rk_mutex_lock(account->mutex);
    *handle_out = account->readers;
    if (*handle_out) account->readers = (*handle_out)->next;
    rk_mutex_unlock(account->mutex);
    if (!*handle_out) RK_TRY(rki_handle_open(account, handle_out, error));
    return rk_engine_read_as((*handle_out)->engine, (rk_bytes){NULL, 0}, error);
}

rk_status rki_reader_take(rki_account *account, rk_bytes actor, rki_handle **handle_out, rk_error *error) {
    rki_handle *handle = NULL;
    rk_arena arena;
    RK_TRY(rki_handle_take(account, &handle, error));
    rk_arena_init(&arena, rk_memory_system(), RKI_REQUEST_MEMORY_MAX);
    rk_status status = rk_engine_view_hold(handle->engine, error);
    if (status == RK_OK) status = check_member(handle, actor, &arena, error);
    rk_arena_free(&arena);
    if (status != RK_OK) {
        rki_reader_give(account, handle, rk_status_exit(status) != 3);
        handle = NULL;
    }
    *handle_out = handle;
    return status;
}

void rki_reader_give(rki_account *account, rki_handle *handle, bool good) {
    size_t count = 0;
    rk_engine_view_release(handle->engine);
    rk_mutex_lock(account->mutex);
    for (rki_handle *at = account->readers; at; at = at->next) count++;
    bool keep = good && count < RK_SERVER_READERS_MAX;
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

/* The one that has been idle for longest gives up what it has open. Under the server's lock. */
static opened make_room(rk_server *server) {
    rki_account *oldest = NULL;
    if (server->open_count < RK_SERVER_ACCOUNTS_OPEN_MAX) return (opened){.readers = NULL};
    for (size_t i = 0; i < server->accounts.entry_count; i++) {
        rki_account *account = server->accounts.entries[i].value;
        if (account->users > 0 || !account->open) continue;
        if (!oldest || account->idle_since_ms < oldest->idle_since_ms) oldest = account;
    }
    if (!oldest) return (opened){.readers = NULL};
    oldest->open = false;
    server->open_count--;
    return take_opened(oldest);
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
    rk_format(account->name, sizeof account->name, "%b", name);
    rk_format(account->path, sizeof account->path, "%s", path);
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
    if (account) account->users++;
    rk_mutex_unlock(server->mutex);
    return account;
}

rk_status rki_account_hold(rk_server *server, rk_bytes name, rki_account **account_out, rk_error *error) {
    char path[RK_PATH_SIZE_MAX];
    opened room = {.readers = NULL};
    *account_out = hold_open(server, name);
    if (*account_out) return RK_OK;
    RK_TRY(find_folder(server, name, path, error));
    rk_mutex_lock(server->mutex);
    rki_account *account = rk_map_get(&server->accounts, name);
    rk_status status = account ? RK_OK : make_account(server, name, path, &account, error);
    if (status == RK_OK && account->erased) {
        status = rk_fail(error, RK_NOT_FOUND, NULL, "the server has no account of that name");
    }
    if (status == RK_OK && !account->open) {
        room = make_room(server);
        account->open = true;
        server->open_count++;
    }
    if (status == RK_OK) account->users++;
    rk_mutex_unlock(server->mutex);
    close_opened(room);
    *account_out = status == RK_OK ? account : NULL;
    return status;
}

void rki_account_release(rki_account *account) {
    if (!account) return;
    rk_server *server = account->server;
    rk_mutex_lock(server->mutex);
    account->users--;
    account->idle_since_ms = rk_clock_ms();
    if (account->erased && account->users == 0 && server->erase) rk_signal_wake(server->erase);
    rk_mutex_unlock(server->mutex);
}

void rki_account_close(rki_account *account) {
    close_opened(take_opened(account));
}

void rki_account_forget(rki_account *account) {
    account->erased = false;
    rk_mutex_lock(account->mutex);
    account->id_known = false;
    account->position = 0;
    rk_mutex_unlock(account->mutex);
}

void rki_account_free(rki_account *account) {
    close_opened(take_opened(account));
    rk_signal_free(account->arrived);
    rk_mutex_free(account->shelf_mutex);
    rk_mutex_free(account->mutex);
}
