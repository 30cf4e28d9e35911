/*
 * The list of chores, and the thread that does them.
 */
#include "door/http/chores.h"

#include <string.h>

#include "door/backup_file.h"
#include "io/clock.h"
#include "io/crypto.h"
#include "io/folder.h"
#include "io/memory.h"

enum { CHORE_MEMORY_MAX = 64 << 20 };

struct rki_chores {
    rk_mutex *mutex; /* of all below; no other lock is taken under it */
    rk_signal *work;
    rk_thread *thread;
    bool closing;
    rki_chore *first;
};

const char *rki_chore_kind_name(rki_chore_kind kind) {
    static const char *const names[] = {"verify", "replay", "backup"};
    return names[kind];
}

static bool is_over(const rki_chore *chore) {
    return chore->state >= RKI_CHORE_DONE;
}

/* ---- the list; under the lock ---- */

static void drop(struct rki_chores *chores, rki_chore *chore) {
    const rk_memory *memory = rk_memory_system();
    rki_chore **link = &chores->first;
    while (*link != chore) link = &(*link)->next;
    *link = chore->next;
    memory->give(memory->context, chore, sizeof *chore);
}

/* Of those that are over the oldest go. */
static void forget_oldest(struct rki_chores *chores) {
    size_t over = 0;
    for (const rki_chore *at = chores->first; at; at = at->next) over += is_over(at);
    for (rki_chore *at = chores->first, *next = NULL; at && over > RK_SERVER_CHORES_KEPT; at = next) {
        next = at->next;
        if (!is_over(at)) continue;
        drop(chores, at);
        over--;
    }
}

static rki_chore *next_waiting(const struct rki_chores *chores) {
    rki_chore *at = chores->first;
    while (at && at->state != RKI_CHORE_WAITING) at = at->next;
    return at;
}

static bool is_of(const rki_chore *chore, const rki_request *request) {
    return chore->account == request->account && chore->state != RKI_CHORE_RESERVED &&
           rk_bytes_equal(rk_bytes_of_string(chore->actor), request->actor);
}

/* Told to end. Whether its account is to be released now, after the lock: one that runs does that itself. */
static bool end(rki_chore *chore) {
    bool waits = chore->state == RKI_CHORE_WAITING;
    chore->told = true;
    if (waits) {
        chore->state = RKI_CHORE_ENDED;
        chore->ended_ms = rk_clock_ms();
    }
    return waits;
}

/* ---- asking ---- */

static bool has_room(const struct rki_chores *chores, const rki_account *account) {
    size_t all = 0, own = 0;
    for (const rki_chore *at = chores->first; at; at = at->next) {
        if (is_over(at)) continue;
        all++;
        own += at->account == account;
    }
    return all < RK_SERVER_CHORES_WAITING && own < RK_SERVER_ACCOUNT_CHORES_MAX;
}

static void count_backup(void *context, const char *name) {
    (void)name;
    ++*(size_t *)context;
}

static rk_status folder_of(const rki_account *account, char path_out[RK_PATH_SIZE_MAX], rk_error *error) {
    char above[RK_PATH_SIZE_MAX];
    RK_TRY(rk_path_join(above, account->server->options.data, RKI_FOLDER_BACKUPS, error));
    return rk_path_join(path_out, above, account->name, error);
}

/* They are as large as the account, and only who runs the server takes them away. */
static rk_status check_backups(const rki_account *account, rk_error *error) {
    char path[RK_PATH_SIZE_MAX];
    size_t count = 0;
    RK_TRY(folder_of(account, path, error));
    RK_TRY(rk_folder_list(path, count_backup, &count, error));
    if (count < RK_SERVER_BACKUPS_MAX) return RK_OK;
    rk_fail(error, RK_LIMIT, "backup", "RK_SERVER_BACKUPS_MAX backups of this account are kept");
    rk_error_hint(error, "ask who runs the server to take old ones away");
    return RK_LIMIT;
}

rk_status rki_chore_reserve(rki_request *request, rki_chore_kind kind, rk_error *error) {
    struct rki_chores *chores = request->server->chores;
    const rk_memory *memory = rk_memory_system();
    uint8_t random[RKI_CHORE_ID_SIZE / 2];
    if (kind == RKI_BACKUP) RK_TRY(check_backups(request->account, error));
    rki_chore *chore = memory->take(memory->context, sizeof *chore);
    if (!chore) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a chore");
    memset(chore, 0, sizeof *chore);
    rk_random_bytes(random, sizeof random);
    rk_hex_write(rk_bytes_of(random, sizeof random), chore->id);
    rk_format(chore->actor, sizeof chore->actor, "%b", request->actor);
    chore->account = request->account;
    chore->kind = kind;
    chore->asked_ms = rk_clock_ms();
    rk_mutex_lock(chores->mutex);
    bool room = has_room(chores, request->account);
    if (room) {
        rki_chore **link = &chores->first;
        while (*link) link = &(*link)->next;
        *link = request->chore = chore;
    }
    rk_mutex_unlock(chores->mutex);
    if (room) return RK_OK;
    memory->give(memory->context, chore, sizeof *chore);
    return rk_fail(error, RK_OVERLOADED, NULL, "as many chores as may be wait or run");
}

void rki_chore_abandon(rki_request *request) {
    struct rki_chores *chores = request->server->chores;
    if (!request->chore) return;
    rk_mutex_lock(chores->mutex);
    drop(chores, request->chore);
    rk_mutex_unlock(chores->mutex);
    request->chore = NULL;
}

rk_status rki_chore_begin(rki_request *request, rk_buffer *buffer, rk_error *error) {
    struct rki_chores *chores = request->server->chores;
    rki_account *held = NULL;
    RK_TRY(rki_account_hold(request->server, rk_bytes_of_string(request->account->name), &held, error));
    rk_mutex_lock(chores->mutex);
    bool closing = chores->closing;
    if (!closing) {
        request->chore->state = RKI_CHORE_WAITING;
        rki_chore_json(buffer, request->chore);
        request->chore = NULL;
        rk_signal_wake(chores->work);
    }
    rk_mutex_unlock(chores->mutex);
    if (!closing) return RK_OK;
    rki_account_release(held);
    return rk_fail(error, RK_BUSY, NULL, "the server is stopping");
}

void rki_chore_list(rki_request *request, rk_buffer *buffer) {
    struct rki_chores *chores = request->server->chores;
    size_t count = 0;
    rk_mutex_lock(chores->mutex);
    for (const rki_chore *at = chores->first; at; at = at->next) {
        if (!is_of(at, request)) continue;
        if (count++) rk_buffer_append(buffer, RK_TEXT(","));
        rki_chore_json(buffer, at);
    }
    rk_mutex_unlock(chores->mutex);
}

rk_status rki_chore_show(rki_request *request, rk_bytes id, bool ends, rk_buffer *buffer, rk_error *error) {
    struct rki_chores *chores = request->server->chores;
    bool release = false;
    rk_mutex_lock(chores->mutex);
    rki_chore *at = chores->first;
    while (at && !(is_of(at, request) && rk_bytes_equal(rk_bytes_of_string(at->id), id))) at = at->next;
    if (at && ends && !is_over(at)) release = end(at);
    if (at) rki_chore_json(buffer, at);
    rk_mutex_unlock(chores->mutex);
    if (release) rki_account_release(request->account);
    return at ? RK_OK : rk_fail(error, RK_NOT_FOUND, NULL, "there is no such chore");
}

/* ---- accounts that go ---- */

void rki_chores_end(rki_account *account) {
    struct rki_chores *chores = account->server->chores;
    size_t release = 0;
    rk_mutex_lock(chores->mutex);
    for (rki_chore *at = chores->first; at; at = at->next) {
        if (at->account == account && !is_over(at)) release += end(at);
    }
    rk_mutex_unlock(chores->mutex);
    while (release-- > 0) rki_account_release(account);
}

void rki_chores_forget(rki_account *account) {
    struct rki_chores *chores = account->server->chores;
    rk_mutex_lock(chores->mutex);
    for (rki_chore *at = chores->first, *next = NULL; at; at = next) {
        next = at->next;
        if (at->account == account) drop(chores, at);
    }
    rk_mutex_unlock(chores->mutex);
}

/* ---- doing one ---- */

/* A chore while it is done: its engine, and where what it learns goes to. */
typedef struct doing {
    struct rki_chores *chores;
    rki_chore *chore;
    rk_arena arena; /* of the host */
    rk_door_host host;
    rk_engine *engine;
} doing;

static bool is_told(void *context) {
    doing *doing = context;
    rk_mutex_lock(doing->chores->mutex);
    bool told = doing->chore->told;
    rk_mutex_unlock(doing->chores->mutex);
    return told || rki_ending(doing->chore->account);
}

static void note_finding(void *context, const char *where, const char *what) {
    doing *doing = context;
    rki_chore *chore = doing->chore;
    rk_mutex_lock(doing->chores->mutex);
    if (chore->found < RK_SERVER_CHORE_FINDINGS_MAX) {
        rki_chore_finding *finding = &chore->findings[chore->found];
        rk_format(finding->where, sizeof finding->where, "%s", where);
        rk_format(finding->what, sizeof finding->what, "%s", what);
    }
    chore->found++;
    rk_mutex_unlock(doing->chores->mutex);
}

static void note_progress(void *context, uint64_t done, uint64_t total) {
    doing *doing = context;
    rk_mutex_lock(doing->chores->mutex);
    doing->chore->done = done;
    doing->chore->total = total;
    rk_mutex_unlock(doing->chores->mutex);
}

static bool watch_backup(void *context, uint64_t done, uint64_t total) {
    note_progress(context, done, total);
    return !is_told(context);
}

static void note_numbers(doing *doing, const char *const *names, const uint64_t *numbers, size_t count) {
    rki_chore *chore = doing->chore;
    rk_mutex_lock(doing->chores->mutex);
    chore->names = names;
    chore->number_count = count;
    for (size_t i = 0; i < count; i++) chore->numbers[i] = numbers[i];
    rk_mutex_unlock(doing->chores->mutex);
}

/* Checks read past damage and tell of it; a backup must not meet any. */
static rk_status open_engine(doing *doing, rk_error *error) {
    rki_account *account = doing->chore->account;
    rk_log_mode mode = doing->chore->kind == RKI_BACKUP ? RK_LOG_READ_WRITE : RK_LOG_EXAMINE;
    RK_TRY(rk_door_host_init(&doing->host, account->server->store, account->path, true, &doing->arena, error));
    if (mode == RK_LOG_EXAMINE) doing->host.finding = note_finding;
    doing->host.stop = is_told;
    doing->host.finding_context = doing;
    return rk_engine_open(&doing->host.host, mode, &doing->engine, error);
}

static rk_status verify(doing *doing, rk_error *error) {
    static const char *const names[] = {"records", "batches", "events", "pending", "findings"};
    const rk_check_listener listener = {note_finding, note_progress, doing};
    rk_verify_report report = {.records = 0};
    rk_status status = rk_engine_verify(doing->engine, &listener, &report, error);
    const uint64_t numbers[] = {report.records, report.batches, report.events, report.pending, report.findings};
    note_numbers(doing, names, numbers, 5);
    return status;
}

static rk_status replay(doing *doing, rk_error *error) {
    static const char *const names[] = {"entities", "events", "states", "indexed", "differing"};
    const rk_check_listener listener = {note_finding, note_progress, doing};
    rk_replay_report report = {.entities = 0};
    rk_status status = rk_engine_replay(doing->engine, (rk_bytes){NULL, 0}, &listener, &report, error);
    const uint64_t numbers[] = {report.entities, report.events, report.states, report.indexed, report.differing};
    note_numbers(doing, names, numbers, 5);
    return status;
}

/* "20260131T120000000Z": a time without what some file systems do not take. */
static size_t print_time(uint64_t now_ms, char out[RK_TIME_TEXT_SIZE]) {
    char time[RK_TIME_TEXT_SIZE];
    size_t size = 0;
    rk_time_print(now_ms, time);
    for (size_t i = 0; i < sizeof time; i++) {
        if (time[i] != '-' && time[i] != ':' && time[i] != '.') out[size++] = time[i];
    }
    return size;
}

static rk_status name_backup(doing *doing, rk_file_writer *writer, rk_bytes time, uint64_t position, rk_error *error) {
    char path[RK_PATH_SIZE_MAX], folder[RK_PATH_SIZE_MAX], name[80];
    rki_chore *chore = doing->chore;
    rk_format(name, sizeof name, "%b-%u.backup", time, position);
    RK_TRY(folder_of(chore->account, folder, error));
    RK_TRY(rk_path_join(path, folder, name, error));
    RK_TRY(rk_file_writer_name(writer, path, error));
    RK_TRY(rk_file_writer_finish(writer, error));
    rk_mutex_lock(doing->chores->mutex);
    rk_format(chore->file, sizeof chore->file, RKI_FOLDER_BACKUPS "/%s/%s", chore->account->name, name);
    rk_mutex_unlock(doing->chores->mutex);
    return RK_OK;
}

static rk_status write_backup(doing *doing, rk_file_writer *writer, rk_backup_report *report, rk_error *error) {
    const rk_backup_watch watch = {watch_backup, doing};
    char time[RK_TIME_TEXT_SIZE];
    size_t size = print_time(rk_clock_ms(), time);
    RK_TRY(rk_backup_write(&doing->host, doing->engine, writer, &watch, report, error));
    return name_backup(doing, writer, rk_bytes_of(time, size), report->position, error);
}

static rk_status back_up(doing *doing, rk_error *error) {
    static const char *const names[] = {"position", "states", "frames", "keys"};
    char path[RK_PATH_SIZE_MAX], above[RK_PATH_SIZE_MAX];
    rki_account *account = doing->chore->account;
    rk_backup_report report;
    rk_file_writer writer;
    RK_TRY(rk_path_join(above, account->server->options.data, RKI_FOLDER_BACKUPS, error));
    RK_TRY(rk_folder_make(above, 0700, NULL, error));
    RK_TRY(folder_of(account, path, error));
    RK_TRY(rk_folder_make(path, 0700, NULL, error));
    RK_TRY(rk_path_join(above, path, "backup", error));
    RK_TRY(rk_file_writer_open(&writer, above, 0600, error));
    rk_status status = write_backup(doing, &writer, &report, error);
    rk_file_writer_abort(&writer);
    const uint64_t numbers[] = {report.position, report.states, report.frames, report.keys};
    if (status == RK_OK) note_numbers(doing, names, numbers, 4);
    return status;
}

/* Damage that a check found is what it is for. Damage without a finding kept it from looking. */
static void note_end(doing *doing, rk_status status, const rk_error *error) {
    rki_chore *chore = doing->chore;
    bool told = is_told(doing);
    rk_mutex_lock(doing->chores->mutex);
    bool looked = status == RK_OK || (status == RK_CORRUPT && chore->names && chore->found > 0);
    chore->state = looked ? RKI_CHORE_DONE : told && status == RK_BUSY ? RKI_CHORE_ENDED : RKI_CHORE_FAILED;
    chore->sound = status == RK_OK && chore->found == 0;
    chore->ended_ms = rk_clock_ms();
    if (chore->state == RKI_CHORE_FAILED) chore->refusal = *error;
    forget_oldest(doing->chores);
    rk_mutex_unlock(doing->chores->mutex);
}

static void run(struct rki_chores *chores, rki_chore *chore) {
    static rk_status (*const works[])(doing * doing, rk_error * error) = {verify, replay, back_up};
    doing doing = {.chores = chores, .chore = chore};
    rki_account *account = chore->account;
    rk_error error = {.code = RK_OK};
    rk_arena_init(&doing.arena, rk_memory_system(), CHORE_MEMORY_MAX);
    rk_status status = open_engine(&doing, &error);
    if (status == RK_OK) status = works[chore->kind](&doing, &error);
    rk_engine_close(doing.engine);
    rk_arena_free(&doing.arena);
    note_end(&doing, status, &error);
    rki_account_release(account); /* the chore may be gone */
}

void rki_chores_run(void *context) {
    struct rki_chores *chores = ((rk_server *)context)->chores;
    rk_mutex_lock(chores->mutex);
    while (!chores->closing) {
        rki_chore *chore = next_waiting(chores);
        if (!chore) {
            rk_signal_wait(chores->work, chores->mutex, 0);
            continue;
        }
        chore->state = RKI_CHORE_RUNNING;
        chore->started_ms = rk_clock_ms();
        rk_mutex_unlock(chores->mutex);
        run(chores, chore);
        rk_mutex_lock(chores->mutex);
    }
    rk_mutex_unlock(chores->mutex);
}

/* ---- starting and stopping ---- */

typedef struct sweep {
    char path[RK_PATH_SIZE_MAX];
    rk_status status;
    rk_error *error;
} sweep;

/* What the process that wrote it did not live to finish. */
static void sweep_file(void *context, const char *name) {
    const sweep *sweep = context;
    char path[RK_PATH_SIZE_MAX];
    if (strncmp(name, "backup.new-", 11) != 0) return;
    if (rk_path_join(path, sweep->path, name, NULL) == RK_OK) rk_file_remove(path);
}

static void sweep_account(void *context, const char *name) {
    sweep *all = context, own = {.error = all->error};
    if (all->status == RK_OK) all->status = rk_path_join(own.path, all->path, name, all->error);
    if (all->status == RK_OK && rk_folder_there(own.path)) {
        all->status = rk_folder_list(own.path, sweep_file, &own, all->error);
    }
}

rk_status rki_chores_open(rk_server *server, rk_error *error) {
    const rk_memory *memory = rk_memory_system();
    struct rki_chores *chores = memory->take(memory->context, sizeof *chores);
    if (!chores) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for chores");
    *chores = (struct rki_chores){.mutex = rk_mutex_new(), .work = rk_signal_new()};
    server->chores = chores;
    if (!chores->mutex || !chores->work) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for chores");
    return RK_OK;
}

rk_status rki_chores_start(rk_server *server, rk_error *error) {
    sweep sweep = {.error = error};
    RK_TRY(rk_path_join(sweep.path, server->options.data, RKI_FOLDER_BACKUPS, error));
    RK_TRY(rk_folder_list(sweep.path, sweep_account, &sweep, error));
    RK_TRY(sweep.status);
    return rk_thread_start(rki_chores_run, server, &server->chores->thread, error);
}

void rki_chores_stop(rk_server *server) {
    struct rki_chores *chores = server->chores;
    if (!chores || !chores->mutex || !chores->work) return;
    rk_mutex_lock(chores->mutex);
    chores->closing = true;
    rk_signal_wake_all(chores->work);
    rk_mutex_unlock(chores->mutex);
    rk_thread_join(chores->thread);
    chores->thread = NULL;
}

void rki_chores_close(rk_server *server) {
    struct rki_chores *chores = server->chores;
    const rk_memory *memory = rk_memory_system();
    if (!chores) return;
    while (chores->first) drop(chores, chores->first);
    rk_signal_free(chores->work);
    rk_mutex_free(chores->mutex);
    memory->give(memory->context, chores, sizeof *chores);
    server->chores = NULL;
}
