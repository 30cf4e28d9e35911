/*
 * A byte changed by hand, in any stored row: verify names it; a changed state: replay names the entity.
 *
 * The bytes are changed with plain SQLite, behind the back of our own VFS, as somebody with a tool would do it.
 */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "world_testing.h"

static site truth, device, copy;
static unsigned copies;

/* What the last check found. */
static char found_where[256], found_what[256];
static unsigned found_count;

static void note(void *context, const char *where, const char *what) {
    (void)context;
    found_count++;
    if (found_count == 1 || strchr(where, '/')) snprintf(found_where, sizeof found_where, "%s", where);
    snprintf(found_what, sizeof found_what, "%s", what);
}

static const rk_check_listener listener = {note, NULL, NULL};

static int set_up(void **state) {
    (void)state;
    site_create_truth(&truth, "tamper");
    site_publish(&truth, "examples/modules/profile.json");
    site_publish(&truth, "examples/modules/document.json");
    site_add_actor(&truth, "asha", "[\"writer\"]");
    site_create_device(&device, "tamper_device", &truth, "asha");
    site_must_submit(&device, "asha", "document/d", "write", "{\"edits\":[[0,0,\"from the device\"]]}");
    site_send(&device, &truth, 0);
    site_must_submit(&truth, "owner", "actor/asha", "set-roles", "{\"roles\":[]}");
    site_must_submit(&device, "asha", "document/d", "write", "{\"edits\":[[0,0,\"refused\"]]}");
    site_send(&device, &truth, 0);
    for (int i = 0; i < 300; i++) {
        site_must_submit(&truth, "owner", "document/d", "write", "{\"edits\":[[0,0,\"words and words \"]]}");
        site_must_submit(&truth, "owner", "profile/p", "rename", "{\"name\":\"somebody of a certain name\"}");
    }
    site_send(&truth, &device, 0);
    site_must_submit(&truth, "owner", "actor/asha", "set-roles", "{\"roles\":[\"writer\"]}");
    site_send(&truth, &device, 0);
    site_must_submit(&device, "asha", "document/d", "write", "{\"edits\":[[0,0,\"x\"]]}");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    site_close(&truth);
    site_close(&device);
    return 0;
}

/* Flips one bit of one blob of a copy of the site; false when there is no such row. */
static bool flip(site *from, const char *table, const char *column, const char *condition) {
    char name[40], path[300], sql[400];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    snprintf(name, sizeof name, "tampered%u", copies++);
    site_copy(from, &copy, name);
    snprintf(path, sizeof path, "%s/log.db", copy.path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    snprintf(sql, sizeof sql, "SELECT rowid, %s FROM %s WHERE %s ORDER BY random() LIMIT 1", column, table, condition);
    if (strcmp(table, "batch") == 0) {
        snprintf(sql, sizeof sql, "SELECT place, %s FROM %s WHERE %s ORDER BY random() LIMIT 1", column, table,
                 condition);
    }
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    bool there = sqlite3_step(statement) == SQLITE_ROW;
    static uint8_t bytes[1 << 20];
    int size = there ? sqlite3_column_bytes(statement, 1) : 0;
    sqlite3_int64 row = there ? sqlite3_column_int64(statement, 0) : 0;
    if (there) memcpy(bytes, sqlite3_column_blob(statement, 1), (size_t)size);
    sqlite3_finalize(statement);
    if (there) {
        size_t at = world_random() % (size_t)size;
        bytes[at] = (uint8_t)(bytes[at] ^ 1 << world_random() % 8);
        snprintf(sql, sizeof sql, "UPDATE %s SET %s = ?1 WHERE %s = ?2", table, column,
                 strcmp(table, "batch") == 0 ? "place" : "rowid");
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        sqlite3_bind_blob(statement, 1, bytes, size, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, row);
        assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
    return there;
}

static void open_for_examining(void) {
    rk_error error = {0};
    rk_status status = rk_engine_open(&copy.host, RK_LOG_EXAMINE, &copy.engine, &error);
    if (status != RK_OK) fail_msg("%s: %s: %s", rk_status_name(status), error.where, error.what);
    found_count = 0;
    found_where[0] = 0;
}

static void verify_finds_each_changed_byte(void **state) {
    (void)state;
    static const struct {
        const char *table, *column, *condition;
        int times;
        bool on_device;
    } rows[] = {{"event", "bytes", "1", 12, false},
                {"event", "salt", "1", 6, false},
                {"record", "bytes", "1", 12, false},
                {"batch", "seal", "1", 12, false},
                {"leaf", "bytes", "1", 4, false},
                {"leaf", "bytes", "1", 4, true},
                {"batch", "seal", "record IS NULL", 4, true},
                {"record", "bytes", "1", 4, true}};
    rk_verify_report report;
    rk_error error = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int n = 0; n < rows[i].times; n++) {
            assert_true(flip(rows[i].on_device ? &device : &truth, rows[i].table, rows[i].column, rows[i].condition));
            open_for_examining();
            rk_status status = rk_engine_verify(copy.engine, &listener, &report, &error);
            if (status != RK_CORRUPT) fail_msg("%s.%s: %s", rows[i].table, rows[i].column, rk_status_name(status));
            assert_true(found_count > 0 && found_where[0] != 0);
            site_close(&copy);
        }
    }
}

static void replay_names_the_entity_of_a_changed_state(void **state) {
    (void)state;
    rk_replay_report report;
    rk_error error = {0};
    for (int i = 0; i < 8; i++) {
        assert_true(flip(&truth, "state", "bytes",
                         "entity = (SELECT entity FROM entity WHERE name = CAST('document/d' AS BLOB))"));
        open_for_examining();
        rk_status status = rk_engine_replay(copy.engine, (rk_bytes){NULL, 0}, &listener, &report, &error);
        assert_int_equal(status, RK_CORRUPT);
        assert_string_equal(found_where, "document/d");
        assert_int_equal(report.differing, 1);
        site_close(&copy);
    }
}

static void a_changed_byte_is_never_served(void **state) {
    (void)state;
    const char *hash = site_hash(&truth, "document/d");
    for (int i = 0; i < 12; i++) {
        assert_true(flip(&truth, i % 2 ? "state" : "event", "bytes", "1"));
        rk_error error = {0};
        rk_arena arena;
        rk_reading reading;
        char found[65] = {0};
        rk_arena_init(&arena, truth.host.memory, 1 << 26);
        rk_status status = rk_engine_open(&copy.host, RK_LOG_READ_WRITE, &copy.engine, &error);
        if (status == RK_OK) {
            status = rk_engine_get(copy.engine, RK_TEXT("document/d"), NULL, &arena, &reading, &error);
            rk_hex_write(rk_hash_bytes(&reading.hash), found);
        }
        if (status == RK_OK) {
            assert_string_equal(found, hash);
        } else {
            assert_int_equal(rk_status_exit(status), 3);
        }
        site_close(&copy);
        rk_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verify_finds_each_changed_byte),
        cmocka_unit_test(replay_names_the_entity_of_a_changed_state),
        cmocka_unit_test(a_changed_byte_is_never_served),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
