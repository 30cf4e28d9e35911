/*
 * Convergence: a truth and five devices do anything in any order; when all have exchanged everything, all are equal.
 *
 * Strategy: random edits of every kind on a few entities, exchanges at random times with doubled and shuffled frames
 * from random cursors, actors that lose and regain their role, clocks that are wrong, devices that are reopened or go
 * on as copies, and a truth that is now and then restored from an older copy. Each run prints its seed by its number.
 *
 * Invariants
 *   (1) After a full exchange every replica has the same state hash for every entity, and nothing is pending.
 *   (2) Verify and replay find nothing, anywhere.
 *   (3) A log's versions count what was accepted: nothing is doubled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "fleet_testing.h"

enum { STEPS = 250, RUNS = 6 };

static const char *const entities[] = {"document/a", "document/b", "profile/p", "profile/q"};
static const char *const actors[FLEET_DEVICES] = {"d0", "d1", "d2", "d3", "d4"};

static uint64_t text_length(site *site, const char *entity, const char *field) {
    rk_arena arena;
    rk_reading reading;
    rk_error error = {0};
    uint64_t length = 0;
    rk_arena_init(&arena, site->host.memory, 1 << 26);
    if (rk_engine_get(site->engine, rk_bytes_of_string(entity), NULL, &arena, &reading, &error) == RK_OK) {
        const rk_value *text = rk_map_find(&reading.state, rk_bytes_of_string(field));
        if (text && text->kind == RK_STRING) length = rk_utf8_count(text->as.bytes);
    }
    rk_arena_free(&arena);
    return length;
}

static void random_edits(site *site, const char *entity, const char *field, char *data, size_t size) {
    static const char *const texts[] = {"", "a", "xyz", "\xC3\xBC", "\xF0\x9F\x99\x82!", "longer text "};
    uint64_t length = text_length(site, entity, field);
    size_t end = (size_t)snprintf(data, size, "{\"edits\":[");
    size_t count = 1 + world_random() % 3;
    for (size_t i = 0; i < count; i++) {
        uint64_t at = world_random() % (length + 1), delete = world_random() % 3;
        if (delete > length - at) delete = length - at;
        const char *text = texts[world_random() % 6];
        end += (size_t)snprintf(data + end, size - end, "%s[%d,%d,\"%s\"]", i ? "," : "", (int)at, (int)delete, text);
        length = length - delete + rk_utf8_count(rk_bytes_of_string(text));
    }
    snprintf(data + end, size - end, "]}");
}

/* May be refused here already: the device may know that its actor has lost the role. */
static void random_change(site *site, const char *actor) {
    const char *entity = entities[world_random() % 4], *type = "write";
    char data[400];
    unsigned kind = (unsigned)(world_random() % 8);
    bool document = entity[0] == 'd';
    random_edits(site, entity, document ? "text" : "bio", data, sizeof data);
    if (!document && kind < 6) {
        static const char *const types[] = {"rename", "view", "restock", "tag", "untag", "untag"};
        type = types[kind];
        snprintf(data, sizeof data, "{}");
        unsigned word = (unsigned)(world_random() % 4);
        if (kind == 0) snprintf(data, sizeof data, "{\"name\":\"n%u\"}", (unsigned)(world_random() % 1000));
        if (kind == 2) snprintf(data, sizeof data, "{\"by\":%d}", (int)(world_random() % 21) - 10);
        if (kind >= 3) snprintf(data, sizeof data, "{\"tag\":\"t%u\"}", word);
    }
    rk_error error = {0};
    rk_status status = site_submit(site, actor, entity, type, data, &error);
    if (status != RK_OK && status != RK_FORBIDDEN)
        fail_msg("%s %s: %s %s", entity, data, rk_status_name(status), error.what);
}

static void step(void) {
    size_t which = world_random() % FLEET_DEVICES;
    site *device = &fleet.devices[which];
    char entity[40];
    unsigned kind = (unsigned)(world_random() % 100);
    snprintf(entity, sizeof entity, "actor/%s", actors[which]);
    if (kind < 60) {
        random_change(device, actors[which]);
    } else if (kind < 64) {
        random_change(&fleet.truth, "owner");
    } else if (kind < 76) {
        fleet_up(device);
    } else if (kind < 90) {
        fleet_down(device);
    } else if (kind < 94) {
        site_must_submit(&fleet.truth, "owner", entity, "set-roles",
                         world_random() % 2 ? "{\"roles\":[]}" : "{\"roles\":[\"writer\"]}");
    } else if (kind < 96) {
        site_reopen(device);
    } else if (kind < 97) {
        device->skew_ms = (int64_t)(world_random() % 600000) - 300000;
    } else if (kind < 98) {
        fleet_go_on_as_copy(device);
    } else if (kind < 99) {
        fleet_keep_backup();
    } else {
        fleet_restore_backup();
    }
}

static void run(void) {
    site_create_truth(&fleet.truth, "converge");
    site_publish(&fleet.truth, "examples/modules/profile.json");
    site_publish(&fleet.truth, "examples/modules/document.json");
    for (size_t i = 0; i < FLEET_DEVICES; i++) {
        char name[40];
        fleet_name(name);
        site_add_actor(&fleet.truth, actors[i], "[\"writer\"]");
        site_create_device(&fleet.devices[i], name, &fleet.truth, actors[i]);
        fleet_up(&fleet.devices[i]);
    }
    for (size_t i = 0; i < STEPS; i++) step();
    fleet_exchange_all();
    fleet_must_agree(entities, 4);
    fleet_close();
}

static void all_replicas_end_equal_whatever_happened(void **state) {
    (void)state;
    const char *wish = getenv("RUNS");
    int runs = wish ? (int)strtol(wish, NULL, 10) : RUNS;
    for (int i = 0; i < runs; i++) {
        print_message("run %d\n", i);
        run();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_replicas_end_equal_whatever_happened)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
