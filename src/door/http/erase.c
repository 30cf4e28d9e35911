/*
 * Erasing an account whole: closed for all at once, removed when nobody holds it any more.
 *
 * Invariants
 *   (1) Before an erasure is answered, a mark in the account's folder is durable: who starts the server after a crash
 *       finishes what it stands for, before anything is served.
 *   (2) An account that is marked is not there for any later request. Its name is free again when its folder is gone
 *       from accounts/.
 *   (3) Its files are closed before its folder moves, so that nothing of it can be written into an account that takes
 *       its name.
 */
#include <string.h>

#include "door/http/request.h"
#include "io/crypto.h"
#include "io/folder.h"

static const char mark[] = "erased";

static bool is_marked(const char *path) {
    char file[RK_PATH_SIZE_MAX];
    return rk_path_join(file, path, mark, NULL) == RK_OK && rk_file_there(file);
}

/* Moves the folder out of accounts/, durably, to a name that nobody had. */
static rk_status move_out(rk_server *server, const char *path, char moved_out[RK_PATH_SIZE_MAX], rk_error *error) {
    char above[RK_PATH_SIZE_MAX], name[33];
    uint8_t random[16];
    rk_random_bytes(random, sizeof random);
    rk_hex_write(rk_bytes_of(random, sizeof random), name);
    name[32] = 0;
    RK_TRY(rk_path_join(above, server->options.data, RKI_FOLDER_ERASED, error));
    RK_TRY(rk_folder_make(above, 0700, NULL, error));
    RK_TRY(rk_path_join(moved_out, above, name, error));
    return rk_folder_rename(path, moved_out, error);
}

/* ---- while the server runs ---- */

rk_status rki_account_erase(rki_account *account, rk_error *error) {
    rk_server *server = account->server;
    char file[RK_PATH_SIZE_MAX];
    RK_TRY(rk_path_join(file, account->path, mark, error));
    if (!rk_file_there(file)) RK_TRY(rk_file_write_new(file, 0600, (rk_bytes){NULL, 0}, error));
    rk_mutex_lock(server->mutex);
    account->erased = true;
    rk_mutex_unlock(server->mutex);
    rki_live_wake(account); /* streams end */
    rki_chores_end(account);
    return RK_OK;
}

/* The next that is erased and that nobody holds; nobody can hold it from then on. Under the server's lock. */
static rki_account *next_erased(rk_server *server) {
    for (size_t i = 0; i < server->accounts.entry_count; i++) {
        rki_account *account = server->accounts.entries[i].value;
        if (account->erased && account->users == 0 && !account->stuck) return account;
    }
    return NULL;
}

/* Without any lock; the account's name is free again when this was RK_OK. */
static void remove_account(rk_server *server, rki_account *account) {
    char moved[RK_PATH_SIZE_MAX];
    rk_error error = {.code = RK_OK};
    rki_account_close(account);
    rki_chores_forget(account);
    rk_status status = move_out(server, account->path, moved, &error);
    rk_mutex_lock(server->mutex);
    rki_account_closed(account);
    account->stuck = status != RK_OK; /* tried again when the server starts */
    if (status == RK_OK) rki_account_forget(account);
    rk_mutex_unlock(server->mutex);
    if (status == RK_OK) rki_say_account(account, "account erased");
    if (status == RK_OK) status = rk_folder_remove_all(moved, &error);
    if (status != RK_OK) rk_door_report(server->options.json, "an erased account is left behind", &error);
}

void rki_erase_run(void *context) {
    rk_server *server = context;
    rk_mutex_lock(server->mutex);
    while (!server->stopping) {
        rki_account *account = next_erased(server);
        if (!account) {
            rk_signal_wait(server->erase, server->mutex, 0);
            continue;
        }
        rk_mutex_unlock(server->mutex);
        remove_account(server, account);
        rk_mutex_lock(server->mutex);
    }
    rk_mutex_unlock(server->mutex);
}

/* ---- when it starts ---- */

typedef struct sweep {
    rk_server *server;
    char accounts[RK_PATH_SIZE_MAX];
    rk_status status;
    rk_error *error;
} sweep;

static void sweep_account(void *context, const char *name) {
    sweep *sweep = context;
    char path[RK_PATH_SIZE_MAX], moved[RK_PATH_SIZE_MAX];
    if (sweep->status != RK_OK) return;
    sweep->status = rk_path_join(path, sweep->accounts, name, sweep->error);
    if (sweep->status == RK_OK && is_marked(path)) sweep->status = move_out(sweep->server, path, moved, sweep->error);
}

rk_status rki_erase_sweep(rk_server *server, rk_error *error) {
    char path[RK_PATH_SIZE_MAX];
    sweep sweep = {.server = server, .error = error};
    RK_TRY(rk_path_join(sweep.accounts, server->options.data, RKI_FOLDER_ACCOUNTS, error));
    RK_TRY(rk_folder_list(sweep.accounts, sweep_account, &sweep, error));
    RK_TRY(sweep.status);
    RK_TRY(rk_path_join(path, server->options.data, RKI_FOLDER_ERASED, error));
    RK_TRY(rk_folder_remove_all(path, error));
    RK_TRY(rk_path_join(path, server->options.data, RKI_FOLDER_FOUNDING, error));
    return rk_folder_remove_all(path, error);
}
