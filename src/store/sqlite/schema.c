/*
 * The tables of log.db, and the settings of a connection.
 *
 * Every row carries its log, a small number that table log maps to the log's id; one log lies here today.
 *
 *     log       the log's 16-byte id and its account
 *     progress  one row: how many write transactions there were (head.c compares it), the last place given out, and
 *               the position up to which events are filed (fresh.c)
 *     entity    module/id, and how many pending events it has. Its version and last position are those of its last
 *               event: an append writes nothing here. A row with neither event nor pending ones goes
 *     event     the committed events: rowid is the position. `previous` is the position of the entity's event before
 *               it, 0 for the first. Its place in its batch: leaf, transaction_index, salt
 *     filed     the last event of each block of 64 versions of an entity: which events it has (chain.c)
 *     id        event id to where it is: a position, or minus a leaf's key while it is pending
 *     record    the commit records: rowid is the record number, last_position the position after it
 *     batch     every sealed batch by replica and number; record is NULL while it is pending. `place` is its place in
 *               the order of admission; `own` says that it was pending here
 *     leaf      the leaves that are no committed events: pending ones, preconditions, refused ones. The key is
 *               place << 16 | index, so that the order of keys is the order of admission. `entity` is set for pending
 *               events only
 *     state     one stored fold an entity
 *     verdict   why transactions were refused
 *     meta      small named values
 *     index_field  a number for each indexed field: log, module, name
 *     index_row    field, key, entity: in the order in which a query walks. Its log is that of its field
 *
 * Version 2 has the tables of indexes. Version 3 has no version, position and size of the tail in the rows of entities:
 * each event changed a page somewhere in that table for them. Version 4 has table filed instead of an index of table
 * event that is written with each event. In version 5 table id is filed, too. In version 6 an event says which one is
 * before it, and table filed has a row a block, not one an event: what filing writes does not grow with the log. What
 * is older is read as it is, and is made version 6 in the first write: a program that does not know it would write
 * events without what it has more, or has less.
 */
#include "store/sqlite/internal.h"

enum {
    APPLICATION_ID = 0x524B4442 /* "RKDB" */,
    SCHEMA_VERSION = 6,
    FILED_VERSION = 4,
    FILED_IDS_VERSION = 5,
    CACHE_KIB = 16 << 10,
    CHECKPOINT_PAGES = 4000
};

#define EVENT_COLUMNS                                                                                       \
    "position INTEGER PRIMARY KEY, log INTEGER NOT NULL, record INTEGER NOT NULL, entity INTEGER NOT NULL," \
    " version INTEGER NOT NULL, previous INTEGER NOT NULL, leaf INTEGER NOT NULL,"                          \
    " transaction_index INTEGER NOT NULL, salt BLOB NOT NULL, bytes BLOB NOT NULL"
#define FILED_COLUMNS                                                                                       \
    "entity INTEGER NOT NULL, block INTEGER NOT NULL, version INTEGER NOT NULL, position INTEGER NOT NULL," \
    " PRIMARY KEY (entity, block)"

/* The numbers stand in SQL text, which no preprocessor reaches; rki_schema_check compares them with the enum. */
static const char *const tables[] = {
    "PRAGMA application_id = 1380664386",
    "CREATE TABLE log (log INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, account BLOB NOT NULL) STRICT",
    "CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL,"
    " place INTEGER NOT NULL, filed INTEGER NOT NULL, filing INTEGER NOT NULL) STRICT",
    "INSERT INTO progress (one, sequence, place, filed, filing) VALUES (1, 1, 0, 0, 1)",
    "CREATE TABLE entity (entity INTEGER PRIMARY KEY, log INTEGER NOT NULL, name BLOB NOT NULL,"
    " pending INTEGER NOT NULL) STRICT",
    "CREATE UNIQUE INDEX entity_of_name ON entity (log, name)",
    "CREATE TABLE event (" EVENT_COLUMNS ") STRICT",
    "CREATE TABLE filed (" FILED_COLUMNS ") STRICT, WITHOUT ROWID",
    "CREATE TABLE id (stamp INTEGER NOT NULL, replica INTEGER NOT NULL, log INTEGER NOT NULL,"
    " place INTEGER NOT NULL, PRIMARY KEY (stamp, replica)) STRICT, WITHOUT ROWID",
    "CREATE TABLE record (record INTEGER PRIMARY KEY, log INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " stamp INTEGER NOT NULL, last_position INTEGER NOT NULL, replica INTEGER NOT NULL, batch INTEGER NOT NULL,"
    " bytes BLOB NOT NULL) STRICT",
    "CREATE TABLE batch (log INTEGER NOT NULL, replica INTEGER NOT NULL, number INTEGER NOT NULL,"
    " place INTEGER NOT NULL, root BLOB NOT NULL, record INTEGER, own INTEGER NOT NULL, leaf_count INTEGER NOT NULL,"
    " seal BLOB NOT NULL, PRIMARY KEY (log, replica, number)) STRICT, WITHOUT ROWID",
    "CREATE UNIQUE INDEX batch_pending ON batch (place) WHERE record IS NULL",
    "CREATE TABLE leaf (leaf INTEGER PRIMARY KEY, log INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " transaction_index INTEGER NOT NULL, salt BLOB NOT NULL, bytes BLOB NOT NULL, entity INTEGER) STRICT",
    "CREATE INDEX leaf_of_entity ON leaf (entity) WHERE entity IS NOT NULL",
    "CREATE TABLE state (entity INTEGER PRIMARY KEY, log INTEGER NOT NULL, version INTEGER NOT NULL,"
    " position INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT",
    "CREATE TABLE verdict (log INTEGER NOT NULL, replica INTEGER NOT NULL, batch INTEGER NOT NULL,"
    " transaction_index INTEGER NOT NULL, code BLOB NOT NULL, what BLOB NOT NULL, hint BLOB NOT NULL,"
    " PRIMARY KEY (log, replica, batch, transaction_index)) STRICT, WITHOUT ROWID",
    "CREATE TABLE meta (name BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
};

static const char *const index_tables[] = {
    "CREATE TABLE index_field (field INTEGER PRIMARY KEY, log INTEGER NOT NULL, module BLOB NOT NULL,"
    " name BLOB NOT NULL, UNIQUE (log, module, name)) STRICT",
    "CREATE TABLE index_row (field INTEGER NOT NULL, key BLOB NOT NULL, entity INTEGER NOT NULL,"
    " PRIMARY KEY (field, key, entity)) STRICT, WITHOUT ROWID",
    "CREATE INDEX index_of_entity ON index_row (entity)",
};

static const char *const dropped_columns[] = {
    "ALTER TABLE entity DROP COLUMN version",
    "ALTER TABLE entity DROP COLUMN position",
    "ALTER TABLE entity DROP COLUMN tail_size",
};

static const char *const filing[] = {
    "ALTER TABLE progress ADD COLUMN filed INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE progress ADD COLUMN filing INTEGER NOT NULL DEFAULT 1",
};

/* As it was before version 4. */
static const char *const filed_as_index[] = {
    "DROP TABLE filed",
    "CREATE UNIQUE INDEX event_of_entity ON event (entity, version)",
};

/* Before version 5 all ids are there. */
static const char all_filed[] = "UPDATE progress SET filed = (SELECT coalesce(max(position), 0) FROM event)";

/* What is filed stays so. */
static const char *const chaining[] = {
    "CREATE TABLE filed (" FILED_COLUMNS ") STRICT, WITHOUT ROWID",
    "INSERT INTO filed (entity, block, version, position) SELECT entity, version >> 6, version, position FROM event e "
    "INDEXED BY event_of_entity WHERE position <= (SELECT filed FROM progress) AND (version & 63 = 63 OR NOT EXISTS "
    "(SELECT 1 FROM event WHERE entity = e.entity AND version = e.version + 1 AND position <= "
    "(SELECT filed FROM progress))) ORDER BY entity, version",
    "CREATE TABLE chained (" EVENT_COLUMNS ") STRICT",
    "INSERT INTO chained (position, log, record, entity, version, previous, leaf, transaction_index, salt, bytes) "
    "SELECT position, log, record, entity, version, coalesce((SELECT position FROM event WHERE entity = e.entity AND "
    "version = e.version - 1), 0), leaf, transaction_index, salt, bytes FROM event e ORDER BY position",
    "DROP TABLE event",
    "ALTER TABLE chained RENAME TO event",
    "UPDATE progress SET filing = filing + 1",
};

static const char put_version[] = "PRAGMA user_version = 6";

/*
 * A commit syncs log.db-wal (synchronous = FULL). Pages go from there into log.db at the first commit that finds more
 * than CHECKPOINT_PAGES of them, which costs two more syncs: 16 MB keeps that rare in a bulk load, and the scan of the
 * file that an opening may need short. What is written is kept in memory until its commit (no cache_spill): frames of
 * log.db-wal are then never written twice, which the check of each read relies on (vfs.c). SQLite as Debian builds it
 * would overwrite what is deleted (secure_delete) and keep a map for vacuum; neither is of use here.
 */
static const char *const settings[] = {
    "PRAGMA locking_mode = NORMAL",         "PRAGMA synchronous = FULL",  "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",     "PRAGMA cache_spill = OFF",   "PRAGMA secure_delete = OFF",
    "PRAGMA temp_store = MEMORY",           "PRAGMA mmap_size = 0",       "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",          "PRAGMA cache_size = -16384", "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA journal_size_limit = 33554432",
};

static const char *const creating_settings[] = {
    "PRAGMA page_size = 4096",
    "PRAGMA auto_vacuum = NONE",
    "PRAGMA encoding = 'UTF-8'",
    "PRAGMA journal_mode = WAL",
};

static rk_status execute_all(rk_log *log, const char *const *list, size_t count, rk_error *error) {
    for (size_t i = 0; i < count; i++) RK_TRY(rki_execute(log, list[i], error));
    return RK_OK;
}

rk_status rki_settings(rk_log *log, bool creating, rk_error *error) {
    if (creating) {
        RK_TRY(execute_all(log, creating_settings, sizeof creating_settings / sizeof *creating_settings, error));
    }
    return execute_all(log, settings, sizeof settings / sizeof *settings, error);
}

static rk_status pragma(rk_log *log, const char *sql, uint64_t *number_out, rk_error *error) {
    *number_out = 0;
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(log->db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) *number_out = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? RK_OK : rki_fail(log, code, sql, error);
}

/* Another process may have made the tables since we looked: that shows only under the write lock. */
rk_status rki_schema_create(rk_log *log, rk_error *error) {
    RK_TRY(rki_execute(log, "BEGIN IMMEDIATE", error));
    uint64_t version = 0;
    rk_status status;
    RK_TRY_DONE(pragma(log, "PRAGMA user_version", &version, error));
    if (version != 0) {
        status = rk_fail(error, RK_DATABASE_EXISTS, "log.db", "another process has just made it");
        goto done;
    }
    RK_TRY_DONE(execute_all(log, tables, sizeof tables / sizeof *tables, error));
    RK_TRY_DONE(execute_all(log, index_tables, sizeof index_tables / sizeof *index_tables, error));
    RK_TRY_DONE(rki_execute(log, put_version, error));
    RK_TRY_DONE(rki_execute(log, "COMMIT", error));
    return RK_OK;
done:
    sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

bool rki_schema_current(const rk_log *log) {
    return log->tables_version == SCHEMA_VERSION;
}

bool rki_schema_files(const rk_log *log) {
    return log->tables_version >= FILED_VERSION;
}

bool rki_schema_files_ids(const rk_log *log) {
    return log->tables_version >= FILED_IDS_VERSION;
}

void rki_schema_version(rk_log *log, uint64_t version) {
    if (version != log->tables_version) rki_statements_finalize(log); /* their texts differ */
    log->tables_version = version;
}

rk_status rki_schema_look(rk_log *log, rk_error *error) {
    uint64_t version = 0;
    RK_TRY(pragma(log, "PRAGMA user_version", &version, error));
    if (version > log->tables_version && version <= SCHEMA_VERSION) rki_schema_version(log, version);
    return RK_OK;
}

rk_status rki_schema_upgrade(rk_log *log, rk_error *error) {
    uint64_t version = 0;
    RK_TRY(pragma(log, "PRAGMA user_version", &version, error));
    log->old_version = version;
    rki_schema_version(log, SCHEMA_VERSION);
    if (version == SCHEMA_VERSION) return RK_OK; /* another process has done it */
    log->upgrading = true;
    log->changed = true;
    if (version < 2) RK_TRY(execute_all(log, index_tables, sizeof index_tables / sizeof *index_tables, error));
    if (version < 3) RK_TRY(execute_all(log, dropped_columns, sizeof dropped_columns / sizeof *dropped_columns, error));
    if (version < 4) {
        RK_TRY(execute_all(log, filing, sizeof filing / sizeof *filing, error));
    } else {
        RK_TRY(execute_all(log, filed_as_index, sizeof filed_as_index / sizeof *filed_as_index, error));
    }
    if (version < 5) RK_TRY(rki_execute(log, all_filed, error));
    RK_TRY(execute_all(log, chaining, sizeof chaining / sizeof *chaining, error));
    return rki_execute(log, put_version, error);
}

rk_status rki_schema_check(rk_log *log, rk_error *error) {
    uint64_t application = 0, version = 0, cache = 0;
    RK_TRY(pragma(log, "PRAGMA application_id", &application, error));
    RK_TRY(pragma(log, "PRAGMA user_version", &version, error));
    if (application == 0 && version == 0) {
        return rk_fail(error, RK_NO_DATABASE, "log.db", "it is empty: making it was not finished");
    }
    if (application != APPLICATION_ID) {
        return rk_fail(error, RK_CORRUPT, "log.db", "it is an SQLite database of another program");
    }
    if (version < 1 || version > SCHEMA_VERSION) {
        return rk_fail(error, RK_CORRUPT, "log.db", "its tables have version %u, this program knows up to version %u",
                       version, (uint64_t)SCHEMA_VERSION);
    }
    log->tables_version = version;
    RK_TRY(pragma(log, "PRAGMA cache_size", &cache, error));
    RK_ASSERT((int64_t)cache == -CACHE_KIB);
    RK_TRY(pragma(log, "PRAGMA wal_autocheckpoint", &cache, error));
    RK_ASSERT(cache == CHECKPOINT_PAGES);
    return RK_OK;
}
