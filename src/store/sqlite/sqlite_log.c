/*
 * Opening, closing, transactions, and the table of slots.
 */
#include "store/sqlite/sqlite_log.h"

#include <string.h>

#include "store/sqlite/internal.h"

enum { BUSY_MS = 10 * 1000, STOP_STEPS = 20000 /* of SQLite's machine, some 2 ms */ };

/* ---- opening ---- */

static int told_to_stop(void *context) {
    const rk_log_listener *listener = context;
    return listener->stop(listener->context);
}

static rk_status connect(rk_log *log, rk_error *error) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= log->mode == RK_LOG_EXAMINE ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (log->mode == RK_LOG_CREATE) flags |= SQLITE_OPEN_CREATE;
    int code = sqlite3_open_v2(log->watch.path, &log->db, flags, log->watch.name);
    if (code != SQLITE_OK) return rki_fail(log, code, "opening log.db", error);
    sqlite3_busy_timeout(log->db, BUSY_MS);
    const rk_log_listener *listener = log->watch.listener;
    if (listener && listener->stop) {
        sqlite3_progress_handler(log->db, STOP_STEPS, told_to_stop, (void *)(uintptr_t)listener);
    }
    /* What closes without having opened well must not move log.db-wal into log.db: it is evidence. */
    sqlite3_db_config(log->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (log->mode == RK_LOG_CREATE) {
        int reserved = RKI_CHECKSUM_SIZE;
        sqlite3_file_control(log->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    }
    return rki_settings(log, log->mode == RK_LOG_CREATE, error);
}

static rk_status gone(rk_log *log, rk_error *error) {
    rk_fail(error, RK_CORRUPT, "log.db", "it is gone: the file head says that it held %u records",
            log->watch.mark.record);
    rk_error_hint(error, "restore it from a backup; to begin anew remove the file head");
    return RK_CORRUPT;
}

/* Whether there is a log, by its files. */
static rk_status look(rk_log *log, rk_error *error) {
    sqlite3_vfs *real = log->watch.real;
    int there = 0;
    int code = real->xAccess(real, log->watch.path, SQLITE_ACCESS_EXISTS, &there);
    if (code != SQLITE_OK) return rk_fail(error, RK_IO, log->watch.path, "the folder cannot be looked into");
    bool make = log->mode == RK_LOG_CREATE || (log->mode == RK_LOG_READ_WRITE && there);
    rk_status status = rki_head_open(&log->watch, make, error);
    if (status == RK_CORRUPT && log->mode == RK_LOG_EXAMINE) {
        (void)rki_watch_damage(&log->watch, RKI_DAMAGED_HEAD, "head", "not one of its slots is sound");
    } else if (status != RK_OK) {
        return status;
    }
    bool marked = log->watch.mark.sequence > 0;
    if (!there && marked) return gone(log, error);
    if (log->mode != RK_LOG_CREATE && !there) {
        return rk_fail(error, RK_NO_DATABASE, log->watch.path, "it is not there");
    }
    /* one without a mark may be what an init left that was interrupted: rki_schema_create looks inside */
    if (log->mode == RK_LOG_CREATE && there && marked) {
        return rk_fail(error, RK_DATABASE_EXISTS, log->watch.path, "it is there already");
    }
    return RK_OK;
}

/* One that could not be written is kept. */
static rk_status put_mark(rk_log *log, const rk_log_head *head, rk_error *error) {
    rki_mark mark = {.sequence = log->sequence,
                     .epoch = head->epoch,
                     .record = head->record,
                     .position = head->position,
                     .frame = log->watch.frame};
    memcpy(mark.salts, log->watch.salts, RKI_SALTS_SIZE);
    rk_status status = rki_head_write(&log->watch, &mark, error);
    log->head_failed = status != RK_OK;
    log->unwritten = mark;
    return status;
}

/* The log must have come at least as far as the file head says. */
static rk_status compare_mark(rk_log *log, rk_error *error) {
    const rki_mark *mark = &log->watch.mark;
    rk_log_head head;
    bool entered = false;
    RK_TRY(rki_view_enter(log, &entered, error)); /* others write meanwhile */
    rk_status status = rki_progress(log, error);
    if (status == RK_OK) status = rki_head(log, &head, error);
    rki_view_leave(log, entered);
    RK_TRY(status);
    bool same = head.epoch == mark->epoch && head.record == mark->record && head.position == mark->position;
    if (log->sequence < mark->sequence || (log->sequence == mark->sequence && !same)) {
        RK_TRY(rki_damage(log, error, "log.db",
                          "acknowledged commits are missing: it ends at record %u (commit %u), and the file head says "
                          "record %u (commit %u)",
                          head.record, log->sequence, mark->record, mark->sequence));
    }
    if (log->mode == RK_LOG_EXAMINE || mark->sequence > 0) return RK_OK;
    if (log->mode == RK_LOG_READ_WRITE)
        rki_watch_repaired(&log->watch, "the file head was missing and was written anew");
    return put_mark(log, &head, error);
}

static rk_status open_work(rk_log *log, const char *folder, const rk_log_listener *listener, rk_error *error) {
    RK_TRY(rki_watch_start(&log->watch, folder, log->memory, listener, log->mode, error));
    RK_TRY(look(log, error));
    RK_TRY(connect(log, error));
    if (log->mode == RK_LOG_CREATE) RK_TRY(rki_schema_create(log, error));
    rk_status status = rki_schema_check(log, error);
    if (status == RK_NO_DATABASE && log->watch.mark.sequence > 0) status = gone(log, error);
    if (status != RK_OK) return status;
    status = compare_mark(log, error);
    if (status == RK_CORRUPT) {
        rk_error_hint(error, "restore this folder from a backup; if log.db is an older copy on purpose, remove head");
    }
    if (status == RK_OK && log->mode != RK_LOG_EXAMINE) {
        sqlite3_db_config(log->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    }
    return status;
}

static void log_close(rk_log *log) {
    if (!log) return;
    rki_statements_finalize(log);
    if (log->db && (log->watch.sync_failed || log->watch.damaged)) {
        sqlite3_db_config(log->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    int code = sqlite3_close(log->db); /* rolls back what is open */
    RK_ASSERT(code == SQLITE_OK);      /* else a visitor closed the log that it walks */
    rki_watch_end(&log->watch);
    rk_arena_free(&log->scratch);
    rk_arena_free(&log->known_arena);
    rk_arena_free(&log->fresh.arena);
    log->memory->give(log->memory->context, log, sizeof *log);
}

static rk_status log_open(const char *path, rk_log_mode mode, const rk_memory *memory, const rk_crypto *crypto,
                          const rk_log_listener *listener, rk_log **log_out, rk_error *error) {
    *log_out = NULL;
    rk_log *log = memory->take(memory->context, sizeof *log);
    if (!log) return rk_fail(error, RK_NO_MEMORY, path, "no memory for a log");
    *log = (rk_log){.memory = memory, .crypto = crypto, .mode = mode};
    rk_arena_init(&log->scratch, memory, RKI_SCRATCH_SIZE_MAX);
    rki_known_clear(log);
    rki_fresh_init(log);
    rk_status status = open_work(log, path, listener, error);
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

rk_status rki_progress(rk_log *log, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_PROGRESS_GET, &query, error));
    bool row = false;
    rk_status status = rki_query_step(&query, &row, error);
    log->sequence = row ? rki_column(&query, 0) : 0;
    log->place = row ? rki_column(&query, 1) : 0;
    log->filed = row ? rki_column(&query, 2) : 0;
    log->filing = row ? rki_column(&query, 3) : 0;
    rki_query_end(&query);
    if (status == RK_OK && !row) status = rk_fail(error, RK_CORRUPT, "log.db", "table progress is empty");
    return status;
}

static rk_status load(rk_log *log, rk_error *error) {
    if (!rki_schema_current(log)) {
        RK_TRY(log->writing ? rki_schema_upgrade(log, error) : rki_schema_look(log, error));
    }
    RK_TRY(rki_progress(log, error)); /* reading it takes the view, too */
    if (!log->writing) return RK_OK;
    if (log->known_sequence != log->sequence) {
        rki_known_clear(log);
        RK_TRY(rki_number(log, RKI_ENTITY_LAST, &log->entity, error));
        log->known_sequence = log->sequence;
    }
    return rki_head_seen(log, &log->head, error);
}

static uint64_t log_sequence(const rk_log *log) {
    return log->sequence;
}

static void log_rollback(rk_log *log) {
    if (!log->in_transaction) return;
    if (!log->writing && !log->resumed)
        (void)run(log, RKI_COMMIT, NULL); /* a view: there is nothing to take back, and it is prepared */
    if (!sqlite3_get_autocommit(log->db)) sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
    if (log->writing && log->changed) log->known_sequence = 0; /* what was dropped may be known */
    if (log->writing && log->changed) log->fresh.filing = log->fresh.sequence = 0;
    if (log->upgrading) rki_schema_version(log, log->old_version);
    log->in_transaction = log->writing = log->changed = log->broken = log->upgrading = log->resumed = false;
}

/* After a failed sync nobody knows what is on disk and what the system has dropped: only opening anew finds out. */
static rk_status may_write(rk_log *log, rk_error *error) {
    if (log->mode == RK_LOG_EXAMINE) return rk_fail(error, RK_IO, "log.db", "it is open for reading only");
    if (log->watch.damaged) return rk_fail(error, RK_CORRUPT, log->watch.where, "%s", log->watch.what);
    if (log->watch.sync_failed)
        return rk_fail(error, RK_IO, "log.db", "an earlier sync failed: nothing more is written");
    if (log->head_failed) RK_TRY(rki_head_write(&log->watch, &log->unwritten, error));
    log->head_failed = false;
    return RK_OK;
}

static rk_status log_begin(rk_log *log, bool write, rk_error *error) {
    RK_ASSERT(!log->in_transaction);
    uint8_t after[RKI_MOMENT_SIZE];
    if (write) RK_TRY(may_write(log, error));
    log->dated = false;
    bool before = !write && rki_watch_moment(&log->watch, log->moment);
    RK_TRY(run(log, write ? RKI_BEGIN_WRITE : RKI_BEGIN_READ, error));
    log->in_transaction = true;
    log->writing = write;
    rk_status status = load(log, error);
    if (status != RK_OK) log_rollback(log);
    /* The view was taken between the two looks: where they are the same it is of that moment. */
    log->dated = status == RK_OK && before && rki_watch_moment(&log->watch, after) &&
                 memcmp(log->moment, after, sizeof after) == 0;
    return status;
}

static bool log_resume(rk_log *log) {
    uint8_t now[RKI_MOMENT_SIZE];
    RK_ASSERT(!log->in_transaction);
    if (!log->dated || log->watch.damaged || !rki_watch_moment(&log->watch, now)) return false;
    if (memcmp(log->moment, now, sizeof now) != 0) return false;
    log->in_transaction = log->resumed = true;
    return true;
}

rk_status rki_view_take(rk_log *log, rk_error *error) {
    uint64_t sequence = log->sequence;
    log->resumed = false;
    RK_TRY(run(log, RKI_BEGIN_READ, error));
    RK_TRY(rki_progress(log, error));
    if (log->sequence == sequence) return RK_OK;
    RK_TRY(run(log, RKI_COMMIT, error));
    log->sequence = sequence;
    log->resumed = true; /* whatever is asked in this view from now on is refused as well */
    return rk_fail(error, RK_BUSY, "log.db", "the log went on while it was read");
}

static rk_status put_progress(rk_log *log, rk_error *error) {
    if (log->fresh.sequence == log->sequence) log->fresh.sequence++;
    log->sequence++;
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_PROGRESS_PUT, &query, error));
    rki_bind(&query, 1, log->sequence);
    rki_bind(&query, 2, log->place);
    rki_bind(&query, 3, log->filed);
    rki_bind(&query, 4, log->filing);
    return rki_query_run(&query, error);
}

static rk_status commit_work(rk_log *log, rk_error *error) {
    if (log->broken || sqlite3_get_autocommit(log->db)) {
        return rk_fail(error, RK_IO, "log.db", "a change before this commit failed: nothing was kept");
    }
    if (!log->changed) return run(log, RKI_COMMIT, error);
    RK_TRY(put_progress(log, error));
    RK_TRY(run(log, RKI_COMMIT, error));
    log->upgrading = log->changed = false;
    log->known_sequence = log->sequence;
    rki_head_see(log, &log->head);
    /* The commit is durable, whatever happens from here on: while head cannot be written there is no other. */
    (void)put_mark(log, &log->head, NULL);
    return RK_OK;
}

static rk_status log_commit(rk_log *log, rk_error *error) {
    RK_ASSERT(log->in_transaction);
    rk_status status = commit_work(log, error);
    log_rollback(log); /* after a commit that is bookkeeping only */
    return status;
}

rk_status rki_view_enter(rk_log *log, bool *entered_out, rk_error *error) {
    *entered_out = false;
    if (log->resumed) return rki_view_take(log, error);
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
        .resume = log_resume,
        .sequence = log_sequence,
        .append = rki_append,
        .append_pending = rki_append_pending,
        .drop_pending = rki_drop_pending,
        .truncate = rki_truncate,
        .verdict_put = rki_verdict_put,
        .verdict_drop = rki_verdict_drop,
        .state_put = rki_state_put,
        .state_drop = rki_state_drop,
        .index_put = rki_index_put,
        .index_drop = rki_index_drop,
        .meta_put = rki_meta_put,
        .meta_drop = rki_meta_drop,
        .head = rki_head,
        .meta_get = rki_meta_get,
        .events = rki_events,
        .entity_events = rki_entity_events,
        .pending_events = rki_pending_events,
        .event_of_id = rki_event_of_id,
        .entity = rki_entity,
        .entities = rki_entities,
        .walk = rki_walk,
        .index_walk = rki_index_walk,
        .index_count = rki_index_count,
        .index_rows = rki_index_rows,
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
