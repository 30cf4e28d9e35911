/*
 * Prepared statements, and what SQLite's answers mean to us.
 */
#include "store/sqlite/internal.h"

#define RKI_SQL(name, text) text,

#define RKI_FILED       "filed"
#define RKI_FILED_TO    "filed, filing"
#define RKI_FILED_ORDER "block"
#define RKI_FILED_AT    "block = ?2 >> 6"
#define RKI_PREVIOUS    "e.previous"
static const char *const texts[RKI_STATEMENT_COUNT] = {RKI_STATEMENTS};
#undef RKI_FILED_ORDER
#undef RKI_FILED_AT
#undef RKI_PREVIOUS

/* Of tables of versions 4 and 5: every event has a row in table filed. */
#define RKI_FILED_ORDER "version"
#define RKI_FILED_AT    "version = ?2"
#define RKI_PREVIOUS \
    "coalesce((SELECT position FROM " RKI_FILED " WHERE entity = e.entity AND version = e.version - 1), 0)"
static const char *const texts_of_5[RKI_STATEMENT_COUNT] = {RKI_STATEMENTS};
#undef RKI_FILED
#undef RKI_FILED_TO

/* Of versions before 4: an index of table event is what is filed. */
#define RKI_FILED    "event"
#define RKI_FILED_TO "0, 0"
static const char *const texts_of_3[RKI_STATEMENT_COUNT] = {RKI_STATEMENTS};
#undef RKI_FILED
#undef RKI_FILED_TO
#undef RKI_FILED_ORDER
#undef RKI_FILED_AT
#undef RKI_PREVIOUS
#undef RKI_SQL

static const char *text_of(const rk_log *log, rki_statement which) {
    if (!rki_schema_files(log)) return texts_of_3[which];
    return rki_schema_current(log) ? texts[which] : texts_of_5[which];
}

/* ---- answers ---- */

static rk_status status_of(int code) {
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return RK_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT: /* the listener said so */
        return RK_BUSY;
    case SQLITE_NOMEM:
        return RK_NO_MEMORY;
    case SQLITE_TOOBIG:
        return RK_LIMIT;
    case SQLITE_FULL:
        return RK_DISK_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:
        return RK_CORRUPT; /* tables that disagree: every double that may happen is asked for first */
    default:
        if (code == SQLITE_IOERR_SHMSIZE) return RK_DISK_FULL; /* log.db-shm could not grow */
        return code == SQLITE_IOERR_DATA || code == SQLITE_IOERR_CORRUPTFS ? RK_CORRUPT : RK_IO;
    }
}

rk_status rki_fail(rk_log *log, int code, const char *doing, rk_error *error) {
    rk_status status = status_of(code);
    RK_ASSERT(status != RK_OK);
    if (log->watch.damaged && (status == RK_CORRUPT || status == RK_IO)) {
        return rk_fail(error, RK_CORRUPT, log->watch.where, "%s", log->watch.what);
    }
    return rk_fail(error, status, "log.db", "%s (SQLite %d) while: %s", sqlite3_errstr(code), (int64_t)code, doing);
}

rk_status rki_damage(rk_log *log, rk_error *error, const char *where, const char *format, ...) {
    char what[RK_ERROR_WHAT_MAX];
    va_list list;
    va_start(list, format);
    rk_format_list(what, sizeof what, format, list);
    va_end(list);
    if (!log->watch.examining) return rk_fail(error, RK_CORRUPT, where, "%s", what);
    rki_watch_tell(&log->watch, where, what);
    return RK_OK;
}

/* ---- queries ---- */

rk_status rki_query_start(rk_log *log, rki_statement which, rki_query *query_out, rk_error *error) {
    *query_out = (rki_query){.log = log};
    if (log->resumed) RK_TRY(rki_view_take(log, error));
    sqlite3_stmt *kept = log->statements[which];
    if (kept && !sqlite3_stmt_busy(kept)) {
        query_out->statement = kept;
        return RK_OK;
    }
    query_out->passing = kept != NULL;
    unsigned flags = kept ? 0 : SQLITE_PREPARE_PERSISTENT;
    const char *text = text_of(log, which);
    int code = sqlite3_prepare_v3(log->db, text, -1, flags, &query_out->statement, NULL);
    if (code != SQLITE_OK) return rki_fail(log, code, "preparing a statement", error);
    if (!kept) log->statements[which] = query_out->statement;
    return RK_OK;
}

static void note_bind(rki_query *query, int code) {
    if (query->bound == SQLITE_OK) query->bound = code;
}

void rki_bind(rki_query *query, int parameter, uint64_t number) {
    note_bind(query, sqlite3_bind_int64(query->statement, parameter, (int64_t)number));
}

void rki_bind_bytes(rki_query *query, int parameter, rk_bytes bytes) {
    const void *data = bytes.data ? (const void *)bytes.data : ""; /* NULL would bind SQL's NULL */
    note_bind(query, sqlite3_bind_blob64(query->statement, parameter, data, bytes.size, SQLITE_STATIC));
}

rk_status rki_query_step(rki_query *query, bool *row_out, rk_error *error) {
    *row_out = false;
    int code = query->bound == SQLITE_OK ? sqlite3_step(query->statement) : query->bound;
    *row_out = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE) return RK_OK;
    return rki_fail(query->log, code, sqlite3_sql(query->statement), error);
}

uint64_t rki_column(const rki_query *query, int column) {
    return (uint64_t)sqlite3_column_int64(query->statement, column);
}

rk_bytes rki_column_bytes(const rki_query *query, int column) {
    const void *data = sqlite3_column_blob(query->statement, column);
    return rk_bytes_of(data, data ? (size_t)sqlite3_column_bytes(query->statement, column) : 0);
}

bool rki_column_null(const rki_query *query, int column) {
    return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

void rki_query_again(rki_query *query) {
    sqlite3_reset(query->statement);
}

void rki_query_end(rki_query *query) {
    if (query->passing) {
        sqlite3_finalize(query->statement);
    } else if (query->statement) {
        sqlite3_reset(query->statement);
        sqlite3_clear_bindings(query->statement);
    }
    query->statement = NULL;
}

rk_status rki_query_run(rki_query *query, rk_error *error) {
    bool row = false;
    rk_status status = rki_query_step(query, &row, error);
    while (status == RK_OK && row) status = rki_query_step(query, &row, error);
    rki_query_end(query);
    return status;
}

rk_status rki_execute(rk_log *log, const char *sql, rk_error *error) {
    int code = sqlite3_exec(log->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? RK_OK : rki_fail(log, code, sql, error);
}

rk_status rki_number(rk_log *log, rki_statement which, uint64_t *number_out, rk_error *error) {
    *number_out = 0;
    rki_query query;
    RK_TRY(rki_query_start(log, which, &query, error));
    bool row = false;
    rk_status status = rki_query_step(&query, &row, error);
    if (row) *number_out = rki_column(&query, 0);
    rki_query_end(&query);
    return status;
}

void rki_statements_finalize(rk_log *log) {
    for (int i = 0; i < RKI_STATEMENT_COUNT; i++) {
        sqlite3_finalize(log->statements[i]);
        log->statements[i] = NULL;
    }
}
