/*
 * The log seam on SQLite: one folder, which must be there, holds
 *     log.db      the tables (schema.c), every page with a checksum (vfs.c)
 *     log.db-wal  what was committed and is not in log.db yet; log.db-shm is memory that processes share
 *     head        how far the log had come, told apart from the log itself (head.c)
 *
 * Several processes may have it open; one writes at a time. A handle belongs to one thread at a time. What crashes and
 * damage do is said in docs/durability.md.
 */
#ifndef RK_STORE_SQLITE_SQLITE_LOG_H
#define RK_STORE_SQLITE_SQLITE_LOG_H

#include "store/log.h"

/* Borrowed, lives as long as the process. */
const rk_log_ops *rk_log_sqlite(void);

#endif
