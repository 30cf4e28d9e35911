/*
 * Opening, closing, transactions, and the table of slots.
 */
#include "store/sqlite/sqlite_log.h"

#include <string.h>

#include "store/sqlite/internal.h"

enum { BUSY_MS = 10 * 1000, PATH_SIZE_MAX = 1024, PAGE_RESERVED_SIZE = 8 };

/* ---- opening ---- */

static rk_status connect(rk_log *log, const char *path, rk_error *error) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= log->mode == RK_LOG_EXAMINE ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (log->mode == RK_LOG_CREATE) flags |= SQLITE_OPEN_CREATE;
    int code = sqlite3_open_v2(path, &log->db, flags, NULL);
    if (code != SQLITE_OK) return rki_fail(log, code, "opening log.db", error);
    sqlite3_busy_timeout(log->db, BUSY_MS);
    if (log->mode == RK_LOG_CREATE) {
        int reserved = PAGE_RESERVED_SIZE;
        sqlite3_file_control(log->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    }
    return rki_settings(log, log->mode == RK_LOG_CREATE, error);
}

static rk_status look(const char *path, rk_log_mode mode, rk_error *error) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    int there = 0;
    int code = vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &there);
    if (code != SQLITE_OK) return rk_fail(error, RK_IO, path, "the folder cannot be looked into");
    if (mode == RK_LOG_CREATE && there) return rk_fail(error, RK_DATABASE_EXISTS, path, "it is there already");
    if (mode != RK_LOG_CREATE && !there) return rk_fail(error, RK_NO_DATABASE, path, "it is not there");
    return RK_OK;
}

static rk_status open_work(rk_log *log, const char *folder, rk_error *error) {
    char path[PATH_SIZE_MAX + 1] = {0};
    size_t size = rk_format(path, sizeof path - 1, "%s/log.db", folder);
    if (size >= sizeof path - 2) return rk_fail(error, RK_LIMIT, "log.db", "the folder's path is too long");
    RK_TRY(look(path, log->mode, error));
    RK_TRY(connect(log, path, error));
    if (log->mode == RK_LOG_CREATE) RK_TRY(rki_schema_create(log, error));
    return rki_schema_check(log, error);
}

static void log_close(rk_log *log) {
    if (!log) return;
    rki_statements_finalize(log);
    int code = sqlite3_close(log->db); /* rolls back what is open */
    RK_ASSERT(code == SQLITE_OK);      /* a statement is still in use: a visitor closed the log it walks */
    rk_arena_free(&log->scratch);
    log->memory->give(log->memory->context, log, sizeof *log);
}

static rk_status log_open(const char *path, rk_log_mode mode, const rk_memory *memory, const rk_crypto *crypto,
                          const rk_log_listener *listener, rk_log **log_out, rk_error *error) {
    *log_out = NULL;
    rk_log *log = memory->take(memory->context, sizeof *log);
    if (!log) return rk_fail(error, RK_NO_MEMORY, path, "no memory for a log");
    *log = (rk_log){.memory = memory, .crypto = crypto, .listener = listener, .mode = mode};
    rk_arena_init(&log->scratch, memory, RKI_SCRATCH_SIZE_MAX);
    rk_status status = open_work(log, path, error);
    if (status != RK_OK) {
        log_close(log);
        return status;
    }
    *log_out = log;
    return RK_OK;
}

/* ---- transactions ---- */

static rk_status run(rk_log *log, rki_statement which, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, which, &query, error));
    return rki_query_run(&query, error);
}

static rk_status load_progress(rk_log *log, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_PROGRESS_GET, &query, error));
    bool row = false;
    rk_status status = rki_query_step(&query, &row, error);
    log->sequence = row ? rki_column(&query, 0) : 0;
    log->place = row ? rki_column(&query, 1) : 0;
    rki_query_end(&query);
    if (status == RK_OK && !row) status = rk_fail(error, RK_CORRUPT, "log.db", "table progress is empty");
    return status;
}

static rk_status load(rk_log *log, rk_error *error) {
    RK_TRY(load_progress(log, error)); /* reading it takes the view, too */
    if (!log->writing) return RK_OK;
    RK_TRY(rki_number(log, RKI_ENTITY_LAST, &log->entity, error));
    return rki_head(log, &log->head, error);
}

static void log_rollback(rk_log *log) {
    if (!log->in_transaction) return;
    if (!sqlite3_get_autocommit(log->db)) sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
    log->in_transaction = log->writing = log->changed = log->broken = false;
}

static rk_status log_begin(rk_log *log, bool write, rk_error *error) {
    RK_ASSERT(!log->in_transaction);
    if (write && log->mode == RK_LOG_EXAMINE) return rk_fail(error, RK_IO, "log.db", "it is open for reading only");
    RK_TRY(run(log, write ? RKI_BEGIN_WRITE : RKI_BEGIN_READ, error));
    log->in_transaction = true;
    log->writing = write;
    rk_status status = load(log, error);
    if (status != RK_OK) log_rollback(log);
    return status;
}

static rk_status put_progress(rk_log *log, rk_error *error) {
    log->sequence++;
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_PROGRESS_PUT, &query, error));
    rki_bind(&query, 1, log->sequence);
    rki_bind(&query, 2, log->place);
    return rki_query_run(&query, error);
}

static rk_status commit_work(rk_log *log, rk_error *error) {
    if (log->broken || sqlite3_get_autocommit(log->db)) {
        return rk_fail(error, RK_IO, "log.db", "a change before this commit failed: nothing was kept");
    }
    if (log->changed) RK_TRY(put_progress(log, error));
    return run(log, RKI_COMMIT, error);
}

static rk_status log_commit(rk_log *log, rk_error *error) {
    RK_ASSERT(log->in_transaction);
    rk_status status = commit_work(log, error);
    log_rollback(log); /* after a commit that is bookkeeping only */
    return status;
}

rk_status rki_view_enter(rk_log *log, bool *entered_out, rk_error *error) {
    *entered_out = false;
    if (!sqlite3_get_autocommit(log->db)) return RK_OK;
    RK_TRY(run(log, RKI_BEGIN_READ, error));
    *entered_out = true;
    return RK_OK;
}

void rki_view_leave(rk_log *log, bool entered) {
    if (entered && !sqlite3_get_autocommit(log->db)) sqlite3_exec(log->db, "COMMIT", NULL, NULL, NULL);
}

/* ---- the slots ---- */

const rk_log_ops *rk_log_sqlite(void) {
    static const rk_log_ops ops = {
        .name = "sqlite",
        .open = log_open,
        .close = log_close,
        .begin = log_begin,
        .commit = log_commit,
        .rollback = log_rollback,
        .append = rki_append,
        .append_pending = rki_append_pending,
        .drop_pending = rki_drop_pending,
        .truncate = rki_truncate,
        .verdict_put = rki_verdict_put,
        .verdict_drop = rki_verdict_drop,
        .state_put = rki_state_put,
        .state_drop = rki_state_drop,
        .meta_put = rki_meta_put,
        .head = rki_head,
        .meta_get = rki_meta_get,
        .events = rki_events,
        .entity_events = rki_entity_events,
        .pending_events = rki_pending_events,
        .event_of_id = rki_event_of_id,
        .entity = rki_entity,
        .entities = rki_entities,
        .state_get = rki_state_get,
        .batch = rki_batch,
        .last_batch = rki_last_batch,
        .pending_batches = rki_pending_batches,
        .record = rki_record,
        .position_at = rki_position_at,
        .verdicts = rki_verdicts,
        .check = rki_check,
    };
    return &ops;
}
