/*
 * The place of a database: bytes that tell this copy of a folder from every other copy of it.
 *
 * The folder holds a small file `home`, which is written when the place is made and never again. The place is the
 * file's inode number and the time its inode last changed, to the nanosecond, and the inode number of log.db beside it.
 *
 *     offset  size  field
 *          0     1  format: 1
 *          1     8  inode number of home
 *          9     8  seconds of its change time (ctime)
 *         17     4  nanoseconds
 *         21     8  inode number of log.db; 0 when there is none
 *
 * What gives another place: cp -a, tar, rsync, git, a file system's own copy, and putting a backup's files over the
 * old ones (no program can set a ctime; rsync, which leaves an equal `home` alone, puts a new log.db in place of the old).
 * What does not: a reboot, a remount, renaming or moving the folder or one above it within its file system; the device
 * number is not part of it, since it may change with a reboot. chmod, chown or a hard link of `home` look like a copy.
 * Also taken for a copy, which does no harm: a file system that gives out new inode numbers with each mount (FAT).
 * Not seen: a snapshot of the whole disk or virtual machine that is put back, and rsync --inplace over the same files.
 */
#ifndef RK_IO_PLACE_H
#define RK_IO_PLACE_H

#include "base/arena.h"

/*
 * The place of folder `path`, in the arena; empty when it has none yet, which equals no place. `renew`: writes `home`
 * anew first, so that the place is one that never was. RK_IO.
 */
RK_MUST_USE rk_status rk_place_read(const char *path, bool renew, rk_arena *arena, rk_bytes *place_out,
                                    rk_error *error);

#endif
