/*
 * Events that are not filed: handles of one log see the same as one that is opened anew, whoever appended, filed, took
 * back or dropped what it had written. A log that files after every few events passes the conformance suite too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "store/log_testing.h"
#include "store/sqlite/sql_testing.h"
#include "store/sqlite/sqlite_log.h"
#include "store/world_testing.h"

enum { HANDLES = 3, STEPS = 150, FILED_AT = 7 };

static rk_log_world world;
static const rk_log_ops *ops;
static uint64_t batches;

static uint64_t below(uint64_t end) {
    static uint64_t state = 88172645463325252U;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % end;
}

static void append(rk_log *log, bool keep) {
    static const char *const texts[] = {"a", "ab b", "c", "a a a", "d e", "aabbcc", "f g a"};
    rk_log_head head = world.head;
    rk_world_begin(&world, log);
    rk_world_append(&world, log, rk_world_batch(&world, 0x0A, ++batches, texts[below(7)], 20), NULL);
    if (keep) {
        rk_world_done(&world, log);
    } else {
        ops->rollback(log);
        world.head = head;
    }
}

static void take_back(rk_log *log) {
    uint64_t record = world.head.record - below(world.head.record < 5 ? world.head.record : 5);
    rk_world_begin(&world, log);
    rk_world_expect(&world, RK_OK, ops->truncate(log, record, &world.error));
    rk_world_done(&world, log);
    rk_world_expect(&world, RK_OK, ops->head(log, &world.head, &world.error));
}

static void expect_same(rk_log *const *logs) {
    rk_log *anew = rk_world_open(&world, RK_LOG_READ_WRITE);
    const char *whole = rk_world_whole(&world, anew);
    for (int i = 0; i < HANDLES; i++) {
        if (below(3)) assert_string_equal(rk_world_whole(&world, logs[i]), whole); /* not each time: some lag */
    }
    rk_world_expect(&world, RK_OK, ops->check(anew, &world.error));
    ops->close(anew);
}

static void all_handles_see_the_same(void **state) {
    (void)state;
    rk_log *logs[HANDLES];
    bool fresh = false, all_filed = false;
    ops = rk_log_sqlite();
    rk_world_start(&world, ops);
    for (int i = 0; i < HANDLES; i++) {
        logs[i] = rk_world_open(&world, i ? RK_LOG_READ_WRITE : RK_LOG_CREATE);
        logs[i]->fresh.max = FILED_AT;
    }
    for (int i = 0; i < STEPS; i++) {
        rk_log *log = logs[below(HANDLES)];
        uint64_t what = below(10);
        if (what == 0 && world.head.record > 1) {
            take_back(log);
        } else {
            append(log, what > 1);
        }
        expect_same(logs);
        uint64_t filed = rk_sql_number(log, "SELECT filed FROM progress"),
                 ids = rk_sql_number(log, "SELECT count(*) FROM id"),
                 all = rk_sql_number(log, "SELECT count(*) FROM event");
        assert_true(filed <= all && all < filed + FILED_AT);
        assert_int_equal(ids, filed);
        fresh |= filed < all;
        all_filed |= filed == all && all > 0;
    }
    assert_true(fresh && all_filed);
    for (int i = 0; i < HANDLES; i++) ops->close(logs[i]);
    rk_world_end(&world);
}

static void as_many_as_there_may_be_are_filed(void **state) {
    (void)state;
    ops = rk_log_sqlite();
    rk_world_start(&world, ops);
    rk_log *log = rk_world_open(&world, RK_LOG_CREATE);
    for (int i = 0; i < 2731; i++) {
        rk_world_commit(&world, log, 0x0B, (uint64_t)i + 1, "a b c");
        if (i == 2729) assert_int_equal(rk_sql_number(log, "SELECT filed FROM progress"), 0); /* 8,190 */
    }
    assert_int_equal(rk_sql_number(log, "SELECT filed FROM progress"), 8193);
    ops->close(log);
    rk_world_end(&world);
}

/* Not after any number of events: as many as are filed at a time come again. */
static void memory_of_very_many_is_given_back(void **state) {
    (void)state;
    char names[2 * 500 + 1];
    for (size_t i = 0; i < sizeof names - 1; i++) names[i] = i % 2 ? ' ' : 'a';
    names[sizeof names - 2] = 0;
    ops = rk_log_sqlite();
    rk_world_start(&world, ops);
    rk_log *log = rk_world_open(&world, RK_LOG_CREATE);
    log->fresh.max = 1400;
    for (uint64_t i = 1; i <= 3; i++) rk_world_commit(&world, log, 0x0B, i, names);
    assert_int_equal(rk_sql_number(log, "SELECT filed FROM progress"), 1500);
    assert_int_equal(log->fresh.count, 0);
    assert_true(log->fresh.capacity >= 1500);
    log->fresh.max = 16400;
    for (uint64_t i = 4; i <= 36; i++) rk_world_commit(&world, log, 0x0B, i, names);
    assert_int_equal(rk_sql_number(log, "SELECT filed FROM progress"), 18000);
    assert_int_equal(log->fresh.capacity, 0);
    assert_int_equal(rk_arena_used(&log->fresh.arena), 0);
    assert_int_equal(log->fresh.max, 16400);
    rk_world_commit(&world, log, 0x0B, 37, "a b c");
    rk_world_expect(&world, RK_OK, ops->check(log, &world.error));
    ops->close(log);
    rk_world_end(&world);
}

static void what_was_not_filed_well_is_found(void **state) {
    (void)state;
    static const char *const changes[] = {"DELETE FROM filed WHERE entity = 1",
                                          "UPDATE filed SET position = 2 WHERE entity = 1",
                                          "UPDATE filed SET version = 1, position = 1 WHERE entity = 1",
                                          "UPDATE filed SET block = 1 WHERE entity = 1",
                                          "INSERT INTO filed (entity, block, version, position) VALUES (1, 1, 3, 5)",
                                          "UPDATE event SET previous = 2 WHERE position = 3",
                                          "UPDATE event SET previous = 1 WHERE position = 4",
                                          "UPDATE id SET place = place + 1 WHERE place = 3",
                                          "DELETE FROM id WHERE place = 3",
                                          "UPDATE id SET stamp = stamp + 9999999 WHERE place = 3",
                                          "UPDATE progress SET filed = 3",
                                          "UPDATE progress SET filed = 5"};
    ops = rk_log_sqlite();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        rk_world_start(&world, ops);
        rk_log *log = rk_world_open(&world, RK_LOG_CREATE);
        log->fresh.max = 1;
        rk_world_commit(&world, log, 0x0C, 1, "a b a c");
        rk_world_expect(&world, RK_OK, ops->check(log, &world.error));
        rk_world_expect(&world, RK_OK, rki_execute(log, changes[i], &world.error));
        rk_world_expect(&world, RK_CORRUPT, ops->check(log, &world.error));
        ops->close(log);
        rk_world_end(&world);
    }
}

/* `ms` is before the first of the ids. */
static void a_double_of_what_another_handle_filed(uint64_t ms) {
    rk_log *logs[2];
    rk_append append = {0};
    ops = rk_log_sqlite();
    rk_world_start(&world, ops);
    world.clock = ms;
    for (int i = 0; i < 2; i++) {
        logs[i] = rk_world_open(&world, i ? RK_LOG_READ_WRITE : RK_LOG_CREATE);
        logs[i]->fresh.max = 3;
    }
    rk_world_commit(&world, logs[0], 0x0D, 1, "a b c");
    rk_world_commit(&world, logs[0], 0x0D, 2, "a");
    rk_batch *filed = rk_world_batch(&world, 0x0D, 3, "a b", 8), *stolen = rk_world_batch(&world, 0x0D, 4, "c", 8);
    rk_world_begin(&world, logs[1]);
    rk_world_append(&world, logs[1], filed, NULL);
    rk_world_done(&world, logs[1]);
    assert_int_equal(rk_sql_number(logs[1], "SELECT count(*) FROM id"), 6);
    stolen->leaves[0].bytes = filed->leaves[1].bytes;
    rk_world_seal(&world, stolen);
    rk_world_begin(&world, logs[0]);
    append.batch = stolen;
    append.record = rk_world_record(&world, stolen, NULL, &append.record_bytes);
    rk_world_expect(&world, RK_ID_CONFLICT, ops->append(logs[0], &append, &world.error));
    ops->rollback(logs[0]);
    for (int i = 0; i < 2; i++) ops->close(logs[i]);
    rk_world_end(&world);
}

static void doubles_are_found_whatever_their_stamps(void **state) {
    (void)state;
    a_double_of_what_another_handle_filed(1);
    a_double_of_what_another_handle_filed(UINT64_C(1) << 47); /* of stamps that SQL takes for negative */
    a_double_of_what_another_handle_filed((UINT64_C(1) << 47) - 7);
}

static void ids_of_long_events_are_known_to_who_opens(void **state) {
    (void)state;
    rk_stored_event found;
    ops = rk_log_sqlite();
    rk_world_start(&world, ops);
    rk_log *log = rk_world_open(&world, RK_LOG_CREATE);
    rk_batch *batch = rk_world_batch(&world, 0x0E, 1, "a b", 5000);
    rk_id id = rk_event_id(batch->leaves[1].bytes);
    rk_world_begin(&world, log);
    rk_world_append(&world, log, batch, NULL);
    rk_world_done(&world, log);
    ops->close(log);
    log = rk_world_open(&world, RK_LOG_READ_WRITE);
    rk_world_expect(&world, RK_OK, ops->event_of_id(log, &world.arena, id, &found, &world.error));
    assert_int_equal(found.position, 2);
    log->fresh.max = 1;
    rk_world_commit(&world, log, 0x0E, 2, "c");
    assert_int_equal(rk_sql_number(log, "SELECT count(*) FROM id"), 3);
    rk_world_expect(&world, RK_OK, ops->check(log, &world.error));
    ops->close(log);
    rk_world_end(&world);
}

static rk_status open_filing(const char *path, rk_log_mode mode, const rk_memory *memory, const rk_crypto *crypto,
                             const rk_log_listener *listener, rk_log **log_out, rk_error *error) {
    RK_TRY(rk_log_sqlite()->open(path, mode, memory, crypto, listener, log_out, error));
    (*log_out)->fresh.max = 3;
    sqlite3_busy_timeout((*log_out)->db, 100); /* sqlite_test.c waits for the whole ten seconds */
    return RK_OK;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids_of_long_events_are_known_to_who_opens),
                                       cmocka_unit_test(doubles_are_found_whatever_their_stamps),
                                       cmocka_unit_test(what_was_not_filed_well_is_found),
                                       cmocka_unit_test(all_handles_see_the_same),
                                       cmocka_unit_test(as_many_as_there_may_be_are_filed),
                                       cmocka_unit_test(memory_of_very_many_is_given_back)};
    rk_log_ops filing = *rk_log_sqlite();
    filing.name = "sqlite, filing";
    filing.open = open_filing;
    return cmocka_run_group_tests(tests, NULL, NULL) + rk_log_conformance(&filing);
}
