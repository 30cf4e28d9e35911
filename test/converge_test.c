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

#include "world_testing.h"

enum { DEVICES = 5, STEPS = 250, RUNS = 6 };

static site truth, backup, devices[DEVICES], spare;
static bool has_backup;
static unsigned names;

static const char *const entities[] = {"document/a", "document/b", "profile/p", "profile/q"};
static const char *const actors[DEVICES] = {"d0", "d1", "d2", "d3", "d4"};

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

static uint64_t position_of(site *site) {
    rk_engine_info info;
    rk_error error = {0};
    assert_int_equal(rk_engine_info_get(site->engine, &info, &error), RK_OK);
    return info.head.position;
}

static rk_status exchange(site *from, site *to, uint64_t after) {
    parcel parcel;
    rk_import_report report;
    rk_error error = {0};
    parcel_fill(&parcel, from, after);
    parcel_shuffle(&parcel);
    rk_status status = parcel_deliver(&parcel, to, &report, &error);
    parcel_free(&parcel);
    if (status != RK_OK && status != RK_BATCH_GAP && status != RK_RECORD_GAP)
        fail_msg("%s: %s: %s", rk_status_name(status), error.where, error.what);
    return status;
}

/* A truth that was restored lacks what a device has: then the device hears of that first. */
static void up(site *device) {
    if (exchange(device, &truth, 0) == RK_OK) return;
    exchange(&truth, device, 0);
    assert_int_equal(exchange(device, &truth, 0), RK_OK);
}

static void down(site *device) {
    uint64_t known = position_of(device), there = position_of(&truth);
    if (exchange(&truth, device, known <= there && world_random() % 2 ? known : 0) == RK_OK) return;
    assert_int_equal(exchange(&truth, device, 0), RK_OK); /* the truth was restored to before that cursor */
}

static void new_name(char out[40]) {
    snprintf(out, 40, "copy%u", names++);
}

static void go_on_as_copy(site *device) {
    char name[40];
    new_name(name);
    site_close(device);
    site_copy(device, &spare, name);
    *device = spare;
    device->host.context = device;
    site_reopen(device);
}

static void keep_backup(void) {
    char name[40];
    new_name(name);
    site_copy(&truth, &backup, name);
    has_backup = true;
}

static void restore_backup(void) {
    char name[40];
    if (!has_backup) return;
    new_name(name);
    site_close(&truth);
    site_copy(&backup, &spare, name);
    truth = spare;
    site_reopen(&truth);
}

static void step(void) {
    size_t which = world_random() % DEVICES;
    site *device = &devices[which];
    char entity[40];
    unsigned kind = (unsigned)(world_random() % 100);
    snprintf(entity, sizeof entity, "actor/%s", actors[which]);
    if (kind < 60) {
        random_change(device, actors[which]);
    } else if (kind < 64) {
        random_change(&truth, "owner");
    } else if (kind < 76) {
        up(device);
    } else if (kind < 90) {
        down(device);
    } else if (kind < 94) {
        site_must_submit(&truth, "owner", entity, "set-roles",
                         world_random() % 2 ? "{\"roles\":[]}" : "{\"roles\":[\"writer\"]}");
    } else if (kind < 96) {
        site_reopen(device);
    } else if (kind < 97) {
        device->skew_ms = (int64_t)(world_random() % 600000) - 300000;
    } else if (kind < 98) {
        go_on_as_copy(device);
    } else if (kind < 99) {
        keep_backup();
    } else {
        restore_backup();
    }
}

static void exchange_all(void) {
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < DEVICES; i++) up(&devices[i]);
        for (size_t i = 0; i < DEVICES; i++) down(&devices[i]);
    }
}

static void run(void) {
    has_backup = false;
    site_create_truth(&truth, "converge");
    site_publish(&truth, "examples/modules/profile.json");
    site_publish(&truth, "examples/modules/document.json");
    for (size_t i = 0; i < DEVICES; i++) {
        char name[40];
        new_name(name);
        site_add_actor(&truth, actors[i], "[\"writer\"]");
        site_create_device(&devices[i], name, &truth, actors[i]);
        up(&devices[i]);
    }
    for (size_t i = 0; i < STEPS; i++) step();
    exchange_all();
    for (size_t i = 0; i < DEVICES; i++) {
        assert_int_equal(site_pending(&devices[i]), 0);
        for (size_t e = 0; e < 4; e++) {
            if (strcmp(site_hash(&truth, entities[e]), site_hash(&devices[i], entities[e])) == 0) continue;
            fail_msg("%s differs: %s and %s", entities[e], site_state(&truth, entities[e]),
                     site_state(&devices[i], entities[e]));
        }
        site_must_be_sound(&devices[i]);
    }
    site_must_be_sound(&truth);
    site_close(&truth);
    for (size_t i = 0; i < DEVICES; i++) site_close(&devices[i]);
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
