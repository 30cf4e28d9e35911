/*
 * Asking a log's tables from a test.
 */
#ifndef RK_STORE_SQLITE_SQL_TESTING_H
#define RK_STORE_SQLITE_SQL_TESTING_H

#include "store/sqlite/internal.h"

/* The number that the SQL text gives; fails the test where it gives none. cmocka is included before. */
static inline uint64_t rk_sql_number(rk_log *log, const char *sql) {
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(log->db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    uint64_t found = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return found;
}

#endif
