/*
 * What the engine needs of this process: memory, clock, randomness, the data folder with its keys and its place.
 *
 * A data folder (DATA) holds
 *     log.db, log.db-wal, log.db-shm, head    the log (src/store/sqlite/sqlite_log.h)
 *     keys/                                   key pairs (src/io/keys.h)
 *     home                                    what tells this folder from its copies (src/io/place.h)
 *     backups/ACCOUNT/                        backups that a server was asked for (src/door/http/chores.h)
 *     sessions.book                           sessions and passwords of a server (src/door/http/sessions.h)
 */
#ifndef RK_DOOR_HOST_H
#define RK_DOOR_HOST_H

#include "engine/engine.h"
#include "io/file.h"
#include "io/zone.h"

/* Embedded by value; `host` borrows from it, so it stays where it is. */
typedef struct rk_door_host {
    rk_host host;
    rk_log_listener listener;
    rk_zones zones;
    char data[RK_PATH_SIZE_MAX]; /* absolute */
    bool json;
    void (*finding)(void *context, const char *where, const char *what); /* damage; NULL prints a note */
    void *finding_context;
    bool (*stop)(
        void *context); /* whether reading is to end, as rk_log_listener says; of finding_context. NULL: never */
} rk_door_host;

/* `data`: the folder as it was given; it must be there. Zones are kept in the arena. RK_NO_DATABASE. */
RK_MUST_USE rk_status rk_door_host_init(rk_door_host *host, const rk_log_ops *store, const char *data, bool json,
                                        rk_arena *arena, rk_error *error);

/* Tells a person, on standard error, of a failure that nobody waits for the answer of. */
void rk_door_report(bool json, const char *what, const rk_error *error);

#endif
