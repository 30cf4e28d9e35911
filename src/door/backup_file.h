/*
 * Backup files: all of a truth in one file that `reaktor restore` makes it from again (src/door/export_file.h).
 *
 * A backup holds the secret keys that lie in the truth's folder: it is written for its owner's eyes only.
 */
#ifndef RK_DOOR_BACKUP_FILE_H
#define RK_DOOR_BACKUP_FILE_H

#include "door/host.h"
#include "door/import_file.h"

typedef struct rk_backup_report {
    uint64_t frames;
    uint64_t states;
    uint64_t keys;
    uint64_t position;
} rk_backup_report;

/* Told how far it has come, in records and then states; returns false to end it (RK_BUSY). May be NULL. */
typedef struct rk_backup_watch {
    bool (*at)(void *context, uint64_t done, uint64_t total);
    void *context;
} rk_backup_watch;

/* Writes the backup of what `host` has open as `engine`. The writer is finished by the caller. */
RK_MUST_USE rk_status rk_backup_write(const rk_door_host *host, rk_engine *engine, rk_file_writer *writer,
                                      const rk_backup_watch *watch, rk_backup_report *report_out, rk_error *error);
/*
 * Fills the empty folder of `host` from the opened file, and holds every state against its hash: RK_CORRUPT when one
 * differs. The engine is the caller's to close, also after a failure.
 */
RK_MUST_USE rk_status rk_backup_restore(rk_door_host *host, rk_import_file *file, rk_engine **engine_out,
                                        rk_backup_report *report_out, rk_error *error);

#endif
