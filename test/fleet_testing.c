/*
 * A truth and its devices.
 */
#include "fleet_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

struct fleet fleet;

void fleet_name(char out[40]) {
    snprintf(out, 40, "copy%u", fleet.names++);
}

static uint64_t position_of(site *site) {
    rk_engine_info info;
    rk_error error = {0};
    assert_int_equal(rk_engine_info_get(site->engine, &info, &error), RK_OK);
    return info.head.position;
}

/* ---- exchanges ---- */

/* Every batch of these tests is one transaction. A restored truth has one event of its own first. */
static void must_add_up(const rk_import_report *report, uint64_t grown) {
    assert_int_equal(report->transactions_accepted + report->transactions_refused, report->batches_judged);
    assert_true(report->events_new == grown || report->events_new + 1 == grown);
    fleet.accepted += report->transactions_accepted;
    fleet.refused += report->transactions_refused;
}

static rk_status exchange(site *from, site *to, uint64_t after) {
    parcel parcel;
    rk_import_report report;
    rk_error error = {0};
    uint64_t before = position_of(to);
    parcel_fill(&parcel, from, after);
    parcel_shuffle(&parcel);
    rk_status status = parcel_deliver(&parcel, to, &report, &error);
    parcel_free(&parcel);
    if (status != RK_OK && status != RK_BATCH_GAP && status != RK_RECORD_GAP)
        fail_msg("%s: %s: %s", rk_status_name(status), error.where, error.what);
    if (status == RK_OK && to == &fleet.truth) must_add_up(&report, position_of(to) - before);
    return status;
}

/* A truth that was restored lacks what a device has: then the device hears of that first. */
void fleet_up(site *device) {
    if (exchange(device, &fleet.truth, 0) == RK_OK) return;
    exchange(&fleet.truth, device, 0);
    assert_int_equal(exchange(device, &fleet.truth, 0), RK_OK);
}

void fleet_down(site *device) {
    uint64_t known = position_of(device), there = position_of(&fleet.truth);
    if (exchange(&fleet.truth, device, known <= there && world_random() % 2 ? known : 0) == RK_OK) return;
    assert_int_equal(exchange(&fleet.truth, device, 0), RK_OK); /* the truth was restored to before that cursor */
}

void fleet_exchange_all(void) {
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < FLEET_DEVICES; i++) fleet_up(&fleet.devices[i]);
        for (size_t i = 0; i < FLEET_DEVICES; i++) fleet_down(&fleet.devices[i]);
    }
}

/* ---- copies ---- */

static void move_to_copy(const site *from, site *to) {
    static site copy;
    char name[40];
    fleet_name(name);
    site_copy(from, &copy, name);
    *to = copy;
    site_reopen(to);
}

void fleet_go_on_as_copy(site *device) {
    site_close(device);
    move_to_copy(device, device);
}

void fleet_keep_backup(void) {
    char name[40];
    fleet_name(name);
    site_copy(&fleet.truth, &fleet.backup, name);
    fleet.has_backup = true;
}

bool fleet_restore_backup(void) {
    if (!fleet.has_backup) return false;
    site_close(&fleet.truth);
    move_to_copy(&fleet.backup, &fleet.truth);
    return true;
}

/* ---- the end ---- */

void fleet_close(void) {
    site_close(&fleet.truth);
    for (size_t i = 0; i < FLEET_DEVICES; i++) site_close(&fleet.devices[i]);
    fleet.has_backup = false;
}

void fleet_must_agree(const char *const *entities, size_t count) {
    for (size_t i = 0; i < FLEET_DEVICES; i++) {
        site *device = &fleet.devices[i];
        assert_int_equal(site_pending(device), 0);
        for (size_t e = 0; e < count; e++) {
            if (strcmp(site_hash(&fleet.truth, entities[e]), site_hash(device, entities[e])) == 0) continue;
            fail_msg("%s differs: %s and %s", entities[e], site_state(&fleet.truth, entities[e]),
                     site_state(device, entities[e]));
        }
        site_must_be_sound(device);
    }
    site_must_be_sound(&fleet.truth);
}
