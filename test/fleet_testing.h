/*
 * A truth and its devices, for tests that let them do anything in any order: exchanges with doubled and shuffled
 * frames, folders that go on as copies, and a truth that is restored from an older copy.
 *
 * Whatever must not fail fails the test (cmocka's assertions).
 */
#ifndef RK_FLEET_TESTING_H
#define RK_FLEET_TESTING_H

#include "world_testing.h"

enum { FLEET_DEVICES = 5 };

extern struct fleet {
    site truth;
    site backup; /* a copy of the truth's folder */
    bool has_backup;
    site devices[FLEET_DEVICES];
    unsigned names;
    size_t accepted; /* transactions that the truth has judged */
    size_t refused;
} fleet;

/* A folder's name that was not used before. */
void fleet_name(char out[40]);
/* A device's file to the truth. What a truth judges adds up: batches, transactions, events. */
void fleet_up(site *device);
/* The truth's file to a device, from a cursor or whole. */
void fleet_down(site *device);
void fleet_exchange_all(void);
void fleet_go_on_as_copy(site *device);
void fleet_keep_backup(void);
/* False when there is no backup. */
bool fleet_restore_backup(void);
void fleet_close(void);
/* After everything was exchanged: equal everywhere, nothing pending, and every check is clean. */
void fleet_must_agree(const char *const *entities, size_t count);

#endif
