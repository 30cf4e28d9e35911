/*
 * The events of an entity that has many, beside others: whichever part is asked for comes whole, in order; after some
 * are taken back, too; and where a step leads elsewhere, that is said.
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

enum { BATCHES = 70, BLOCK = 64 };

static rk_log_world world;
static const rk_log_ops *ops;

static rk_status take_version(void *context, const rk_stored_event *event) {
    uint64_t *last = context;
    assert_int_equal(event->version, *last + 1);
    *last = event->version;
    return RK_OK;
}

static void expect_part(rk_log *log, const char *entity, uint64_t after, uint64_t up_to, uint64_t end) {
    uint64_t last = after;
    rk_world_expect(
        &world, RK_OK,
        ops->entity_events(log, rk_bytes_of_string(entity), after, up_to, take_version, &last, &world.error));
    assert_int_equal(last, after < end ? end : after);
}

/* Parts that begin and end near the ends of blocks. */
static void expect_entity(rk_log *log, const char *entity) {
    rk_stored_entity found;
    rk_world_expect(&world, RK_OK, ops->entity(log, rk_bytes_of_string(entity), &found, &world.error));
    for (uint64_t after = 0; after <= found.version + 1; after += after % BLOCK == 2 ? BLOCK - 4 : 1) {
        expect_part(log, entity, after, UINT64_MAX, found.version);
        for (uint64_t end = after; end <= found.version; end += end % BLOCK == 1 ? BLOCK - 3 : 1) {
            expect_part(log, entity, after, end, end);
        }
    }
}

/* Entity a has four events a batch, b one in two, and each has some that are not filed. */
static rk_log *make_log(void) {
    ops = rk_log_sqlite();
    rk_world_start(&world, ops);
    rk_log *log = rk_world_open(&world, RK_LOG_CREATE);
    log->fresh.max = 11;
    for (uint64_t i = 1; i <= BATCHES; i++) rk_world_commit(&world, log, 0x0A, i, i % 2 ? "aa ba a" : "a aa a");
    assert_true(rk_sql_number(log, "SELECT filed FROM progress") < world.head.position);
    return log;
}

static void any_part_of_an_entity_comes_whole(void **state) {
    (void)state;
    rk_log *log = make_log();
    expect_entity(log, "t/a");
    expect_entity(log, "t/b");
    uint64_t filed = rk_sql_number(log, "SELECT count(*) FROM filed");
    assert_int_equal(filed, 5 + 1); /* versions 1 to 280 of one, 1 to 35 of the other */
    rk_world_expect(&world, RK_OK, ops->check(log, &world.error));
    ops->close(log);
    rk_world_end(&world);
}

static void what_is_left_comes_whole_after_some_are_taken_back(void **state) {
    (void)state;
    rk_log *log = make_log();
    uint64_t number = BATCHES;
    while (world.head.record > 8) {
        uint64_t stays = world.head.record - (world.head.record % 7 + 2);
        rk_world_begin(&world, log);
        rk_world_expect(&world, RK_OK, ops->truncate(log, stays, &world.error));
        rk_world_done(&world, log);
        rk_world_expect(&world, RK_OK, ops->head(log, &world.head, &world.error));
        expect_entity(log, "t/a");
        expect_entity(log, "t/b");
        rk_world_commit(&world, log, 0x0B, ++number, "ab a");
        expect_entity(log, "t/a");
        rk_world_expect(&world, RK_OK, ops->check(log, &world.error));
    }
    ops->close(log);
    rk_world_end(&world);
}

static rk_status take_any(void *context, const rk_stored_event *event) {
    uint64_t *count = context;
    assert_true(event->version > 0);
    ++*count;
    return RK_OK;
}

static void a_step_that_leads_elsewhere_is_damage(void **state) {
    (void)state;
    static const char *const changes[] = {
        "UPDATE event SET previous = previous + 1 WHERE entity = 1 AND version = 9",
        "UPDATE event SET previous = 0 WHERE entity = 1 AND version = 9",
        "UPDATE event SET previous = position WHERE entity = 1 AND version = 9",
        "DELETE FROM filed WHERE entity = 1 AND block = 0",
        "UPDATE filed SET position = position + 1 WHERE entity = 1 AND block = 0",
        "UPDATE filed SET version = version + 1 WHERE entity = 1 AND block = 0",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint64_t count = 0;
        rk_log *log = make_log();
        rk_world_expect(&world, RK_OK, rki_execute(log, changes[i], &world.error));
        rk_world_expect(&world, RK_CORRUPT,
                        ops->entity_events(log, RK_TEXT("t/a"), 0, UINT64_MAX, take_any, &count, &world.error));
        ops->close(log);
        log = rk_world_open(&world, RK_LOG_EXAMINE); /* the other blocks are there */
        rk_world_expect(&world, RK_OK,
                        ops->entity_events(log, RK_TEXT("t/a"), 0, UINT64_MAX, take_any, &count, &world.error));
        assert_in_range(count, 4 * BATCHES - BLOCK, 4 * BATCHES - 1);
        ops->close(log);
        rk_world_end(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_part_of_an_entity_comes_whole),
                                       cmocka_unit_test(what_is_left_comes_whole_after_some_are_taken_back),
                                       cmocka_unit_test(a_step_that_leads_elsewhere_is_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
