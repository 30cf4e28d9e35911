/*
 * A book as one SQLite table without row ids.
 */
#include "store/book/book.h"

#include <sqlite3.h>

#include "io/file.h"
#include "io/memory.h"

enum { BUSY_MS = 5000, OWNER_ONLY = 0600 };

typedef enum which { GET, PUT, DROP, WALK, WHICH_COUNT } which;

static const char *const texts[WHICH_COUNT] = {
    "SELECT value FROM entry WHERE name = ?1",
    "INSERT INTO entry (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
    "DELETE FROM entry WHERE name = ?1",
    "SELECT name, value FROM entry WHERE name >= ?1 AND name > ?2 ORDER BY name",
};

struct rk_book {
    sqlite3 *db;
    sqlite3_stmt *statements[WHICH_COUNT];
};

static rk_status fail(const rk_book *book, int code, rk_error *error) {
    if (code == SQLITE_IOERR_SHMSIZE) code = SQLITE_FULL; /* what processes share could not grow */
    switch (code & 0xff) {
    case SQLITE_FULL:
        return rk_fail(error, RK_DISK_FULL, "book", "the disk is full");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return rk_fail(error, RK_BUSY, "book", "another process writes");
    case SQLITE_NOMEM:
        return rk_fail(error, RK_NO_MEMORY, "book", "memory ran out");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return rk_fail(error, RK_CORRUPT, "book", "%s", book ? sqlite3_errmsg(book->db) : "no book");
    default:
        return rk_fail(error, RK_IO, "book", "%s", book ? sqlite3_errmsg(book->db) : "it cannot be opened");
    }
}

static rk_status run(rk_book *book, const char *sql, rk_error *error) {
    int code = sqlite3_exec(book->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? RK_OK : fail(book, code, error);
}

static rk_status prepare(rk_book *book, bool lasting, rk_error *error) {
    sqlite3_extended_result_codes(book->db, 1);
    sqlite3_busy_timeout(book->db, BUSY_MS);
    RK_TRY(run(book, "PRAGMA journal_mode = WAL", error));
    RK_TRY(run(book, lasting ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", error));
    RK_TRY(run(book, "CREATE TABLE IF NOT EXISTS entry (name BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
               error));
    for (size_t i = 0; i < WHICH_COUNT; i++) {
        int code = sqlite3_prepare_v3(book->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &book->statements[i], NULL);
        if (code != SQLITE_OK) return fail(book, code, error);
    }
    return RK_OK;
}

rk_status rk_book_open(const char *path, bool lasting, rk_book **book_out, rk_error *error) {
    const rk_memory *memory = rk_memory_system();
    rk_book *book = memory->take(memory->context, sizeof *book);
    *book_out = NULL;
    if (!book) return rk_fail(error, RK_NO_MEMORY, "book", "memory ran out");
    *book = (rk_book){.db = NULL};
    /* SQLite gives its other files the mode of this one. */
    rk_status status = rk_file_there(path) ? RK_OK : rk_file_write_new(path, OWNER_ONLY, (rk_bytes){NULL, 0}, error);
    if (status != RK_OK && rk_file_there(path)) status = RK_OK; /* another process was faster */
    if (status == RK_OK) {
        int code = sqlite3_open_v2(path, &book->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
        status = code == SQLITE_OK ? prepare(book, lasting, error) : fail(book->db ? book : NULL, code, error);
    }
    if (status == RK_OK) {
        *book_out = book;
    } else {
        rk_book_close(book);
    }
    return status;
}

void rk_book_close(rk_book *book) {
    if (!book) return;
    for (size_t i = 0; i < WHICH_COUNT; i++) sqlite3_finalize(book->statements[i]);
    sqlite3_close(book->db);
    const rk_memory *memory = rk_memory_system();
    memory->give(memory->context, book, sizeof *book);
}

rk_status rk_book_begin(rk_book *book, bool write, rk_error *error) {
    return run(book, write ? "BEGIN IMMEDIATE" : "BEGIN", error);
}

rk_status rk_book_commit(rk_book *book, rk_error *error) {
    rk_status status = run(book, "COMMIT", error);
    if (status != RK_OK) rk_book_rollback(book);
    return status;
}

void rk_book_rollback(rk_book *book) {
    if (!sqlite3_get_autocommit(book->db)) (void)sqlite3_exec(book->db, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- entries ---- */

static void bind(sqlite3_stmt *statement, int index, rk_bytes bytes) {
    /* An empty blob is no NULL. The bytes outlive the step. */
    (void)sqlite3_bind_blob64(statement, index, bytes.size ? (const void *)bytes.data : "", bytes.size, SQLITE_STATIC);
}

static rk_bytes column(sqlite3_stmt *statement, int index) {
    const void *data = sqlite3_column_blob(statement, index);
    return (rk_bytes){data, (size_t)sqlite3_column_bytes(statement, index)};
}

static rk_status change(rk_book *book, sqlite3_stmt *statement, rk_error *error) {
    int code = sqlite3_step(statement);
    rk_status status = code == SQLITE_DONE ? RK_OK : fail(book, code, error);
    sqlite3_reset(statement);
    return status;
}

rk_status rk_book_get(rk_book *book, rk_bytes name, rk_arena *arena, rk_bytes *value_out, rk_error *error) {
    sqlite3_stmt *statement = book->statements[GET];
    bind(statement, 1, name);
    int code = sqlite3_step(statement);
    rk_status status = code == SQLITE_ROW || code == SQLITE_DONE ? RK_OK : fail(book, code, error);
    if (code == SQLITE_DONE) status = rk_fail(error, RK_NOT_FOUND, "book", "there is no such entry");
    if (code == SQLITE_ROW && rk_arena_copy(arena, column(statement, 0), value_out) != RK_OK) {
        status = rk_fail(error, RK_NO_MEMORY, "book", "memory ran out");
    }
    sqlite3_reset(statement);
    return status;
}

rk_status rk_book_put(rk_book *book, rk_bytes name, rk_bytes value, rk_error *error) {
    if (name.size == 0 || name.size > RK_BOOK_NAME_MAX) {
        return rk_fail(error, RK_LIMIT, "book", "a name has 1 to RK_BOOK_NAME_MAX bytes");
    }
    if (value.size > RK_BOOK_VALUE_MAX) {
        return rk_fail(error, RK_LIMIT, "book", "the value is larger than RK_BOOK_VALUE_MAX");
    }
    bind(book->statements[PUT], 1, name);
    bind(book->statements[PUT], 2, value);
    return change(book, book->statements[PUT], error);
}

rk_status rk_book_drop(rk_book *book, rk_bytes name, rk_error *error) {
    bind(book->statements[DROP], 1, name);
    return change(book, book->statements[DROP], error);
}

rk_status rk_book_walk(rk_book *book, rk_bytes prefix, rk_bytes after, rk_book_visitor visit, void *context,
                       rk_error *error) {
    sqlite3_stmt *statement = book->statements[WALK];
    rk_status status = RK_OK;
    bind(statement, 1, prefix);
    bind(statement, 2, after);
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW && status == RK_OK; code = sqlite3_step(statement)) {
        rk_bytes name = column(statement, 0);
        if (!rk_bytes_starts_with(name, prefix)) break;
        status = visit(context, name, column(statement, 1));
        if (status != RK_OK) break;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) status = fail(book, code, error);
    sqlite3_reset(statement);
    return status;
}
