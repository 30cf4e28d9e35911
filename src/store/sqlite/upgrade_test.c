/*
 * A log of an earlier version of the tables: read as it is, brought up in the first write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "store/sqlite/sql_testing.h"
#include "store/sqlite/sqlite_log.h"
#include "store/world_testing.h"

/* Takes away what later versions added, and adds what they took away: through our own handle, for the checksums. */
static void make_old(rk_log_world *world, int version) {
    static const struct {
        int after; /* the version that is made of the one after it */
        const char *change;
    } changes[] = {{5, "DROP TABLE filed"},
                   {5, "CREATE TABLE filed (entity INTEGER NOT NULL, version INTEGER NOT NULL, "
                       "position INTEGER NOT NULL, PRIMARY KEY (entity, version)) STRICT, WITHOUT ROWID"},
                   {5, "INSERT INTO filed SELECT entity, version, position FROM event "
                       "WHERE position <= (SELECT filed FROM progress)"},
                   {5, "ALTER TABLE event DROP COLUMN previous"},
                   {5, "PRAGMA user_version = 5"},
                   {4, "DELETE FROM filed WHERE position > 1"}, /* what was not filed had its id there */
                   {4, "UPDATE progress SET filed = 1"},
                   {4, "PRAGMA user_version = 4"},
                   {3, "DROP TABLE filed"},
                   {3, "ALTER TABLE progress DROP COLUMN filed"},
                   {3, "ALTER TABLE progress DROP COLUMN filing"},
                   {3, "CREATE UNIQUE INDEX event_of_entity ON event (entity, version)"},
                   {3, "PRAGMA user_version = 3"},
                   {2, "ALTER TABLE entity ADD COLUMN version INTEGER NOT NULL DEFAULT 7"},
                   {2, "ALTER TABLE entity ADD COLUMN position INTEGER NOT NULL DEFAULT 7"},
                   {2, "ALTER TABLE entity ADD COLUMN tail_size INTEGER NOT NULL DEFAULT 7"},
                   {2, "PRAGMA user_version = 2"},
                   {1, "DROP TABLE index_row"},
                   {1, "DROP TABLE index_field"},
                   {1, "PRAGMA user_version = 1"}};
    rk_log *log = rk_world_open(world, RK_LOG_READ_WRITE);
    for (size_t i = 0; i < sizeof changes / sizeof *changes && changes[i].after >= version; i++) {
        rk_world_expect(world, RK_OK, rki_execute(log, changes[i].change, &world->error));
    }
    world->ops->close(log);
}

static void is_read_as_it_is_and_brought_up_by_a_write(int version) {
    rk_log_world world;
    const rk_log_ops *ops = rk_log_sqlite();
    const rk_index_row row = {RK_TEXT("f"), RK_TEXT("1")};
    rk_world_start(&world, ops);
    rk_log *log = rk_world_open(&world, RK_LOG_CREATE);
    log->fresh.max = 1;
    for (uint64_t i = 1; i <= 40; i++) rk_world_commit(&world, log, 0x0A, i, "a b a"); /* more than a block of a */
    log->fresh.max = 99;
    if (version == 5) rk_world_commit(&world, log, 0x0A, 41, "a c"); /* what is not filed stays so */
    ops->close(log);
    make_old(&world, version);
    log = rk_world_open(&world, RK_LOG_EXAMINE);
    const char *before = rk_world_whole(&world, log);
    rk_world_expect(&world, RK_OK, ops->check(log, &world.error));
    ops->close(log);
    log = rk_world_open(&world, RK_LOG_READ_WRITE);
    for (int i = 0; i < 2; i++) { /* once in vain */
        rk_world_begin(&world, log);
        rk_world_expect(&world, RK_OK, ops->index_put(log, RK_TEXT("t/a"), &row, 1, &world.error));
        if (i == 0) ops->rollback(log);
    }
    rk_world_done(&world, log);
    assert_string_equal(rk_world_whole(&world, log), before);
    ops->close(log);
    log = rk_world_open(&world, RK_LOG_READ_WRITE);
    const rk_index_range range = {RK_TEXT("t"), RK_TEXT("f"), RK_TEXT(""), RK_TEXT("")};
    uint64_t count = 0;
    rk_world_expect(&world, RK_OK, ops->index_count(log, &range, 9, &count, &world.error));
    assert_int_equal(count, 1);
    rk_world_expect(&world, RK_OK, ops->check(log, &world.error));
    assert_int_equal(rk_sql_number(log, "PRAGMA user_version"),
                     6); /* a program that knows less does not open it any more */
    assert_int_equal(rk_sql_number(log, "SELECT count(*) FROM pragma_table_info('entity')"), 4);
    ops->close(log);
    rk_world_end(&world);
}

static void a_log_of_version_1_is_brought_up(void **state) {
    (void)state;
    is_read_as_it_is_and_brought_up_by_a_write(1);
}

static void a_log_of_version_2_is_brought_up(void **state) {
    (void)state;
    is_read_as_it_is_and_brought_up_by_a_write(2);
}

static void a_log_of_version_3_is_brought_up(void **state) {
    (void)state;
    is_read_as_it_is_and_brought_up_by_a_write(3);
}

static void a_log_of_version_4_is_brought_up(void **state) {
    (void)state;
    is_read_as_it_is_and_brought_up_by_a_write(4);
}

static void a_log_of_version_5_is_brought_up(void **state) {
    (void)state;
    is_read_as_it_is_and_brought_up_by_a_write(5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_of_version_1_is_brought_up), cmocka_unit_test(a_log_of_version_2_is_brought_up),
        cmocka_unit_test(a_log_of_version_3_is_brought_up), cmocka_unit_test(a_log_of_version_4_is_brought_up),
        cmocka_unit_test(a_log_of_version_5_is_brought_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
