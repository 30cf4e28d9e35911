/*
 * The file head: how far the log had come, kept apart from the log, so that a log which ends too early shows.
 *
 *     offset  size  slot, of which there are 8: a commit goes to slot `sequence % 8`
 *          0     8  "RKhead01"
 *          8     8  sequence: how many write transactions there were; 0 is no mark
 *         16     8  epoch
 *         24     8  record
 *         32     8  position
 *         40     8  salts of the log.db-wal that the commit went to
 *         48     8  its last frame there
 *         56     8  checksum of the 56 bytes before (vfs.h)
 *
 * Invariants
 *   (1) A mark is written after the commit that it names was synced, so that the log is never behind it.
 *   (2) Marks do not go backwards: what counts is the slot with the highest sequence. Writers of several processes come
 *       here after they have given up the write lock, in any order; a slot that is newer already is left alone. At
 *       worst a writer that slept right there for 8 commits of others sets the file back by one commit, which sees
 *       less and never too much.
 *   (3) It is not synced with every commit, which would double what a commit costs, but when the log is closed: kill -9
 *       leaves it whole, a loss of power may set it back by as much as the system had not written yet.
 *   (4) One slot that is not sound may be a torn write and is passed over; none that is sound is damage.
 */
#include <string.h>

#include "store/sqlite/vfs.h"

enum { SLOT_SIZE = 64, SLOT_COUNT = 8, SLOT_SUMMED_SIZE = 56 };

static void slot_put(uint8_t slot[SLOT_SIZE], const rki_mark *mark) {
    memcpy(slot, "RKhead01", 8);
    rk_put_u64(slot + 8, mark->sequence);
    rk_put_u64(slot + 16, mark->epoch);
    rk_put_u64(slot + 24, mark->record);
    rk_put_u64(slot + 32, mark->position);
    memcpy(slot + 40, mark->salts, RKI_SALTS_SIZE);
    rk_put_u64(slot + 48, mark->frame);
    rk_put_u64(slot + SLOT_SUMMED_SIZE, rki_checksum(0, slot, SLOT_SUMMED_SIZE));
}

static bool slot_get(const uint8_t slot[SLOT_SIZE], rki_mark *mark) {
    if (memcmp(slot, "RKhead01", 8) != 0) return false;
    if (rk_get_u64(slot + SLOT_SUMMED_SIZE) != rki_checksum(0, slot, SLOT_SUMMED_SIZE)) return false;
    *mark = (rki_mark){.sequence = rk_get_u64(slot + 8),
                       .epoch = rk_get_u64(slot + 16),
                       .record = rk_get_u64(slot + 24),
                       .position = rk_get_u64(slot + 32),
                       .frame = rk_get_u64(slot + 48)};
    memcpy(mark->salts, slot + 40, RKI_SALTS_SIZE);
    return true;
}

static rk_status fail(rk_error *error, const char *what) {
    return rk_fail(error, RK_IO, "head", "%s", what);
}

rk_status rki_head_read(rki_watch *watch, rki_mark *mark_out, rk_error *error) {
    *mark_out = (rki_mark){0};
    if (!watch->head) return RK_OK;
    uint8_t slots[SLOT_COUNT * SLOT_SIZE] = {0};
    int code = watch->head->pMethods->xRead(watch->head, slots, sizeof slots, 0); /* zeros where the file is shorter */
    if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) return fail(error, "it cannot be read");
    bool written = false, sound = false;
    for (int i = 0; i < SLOT_COUNT; i++) {
        static const uint8_t empty[SLOT_SIZE] = {0};
        rki_mark mark;
        written = written || memcmp(slots + i * SLOT_SIZE, empty, SLOT_SIZE) != 0;
        if (!slot_get(slots + i * SLOT_SIZE, &mark)) continue;
        sound = true;
        if (mark.sequence > mark_out->sequence) *mark_out = mark;
    }
    if (sound || !written) return RK_OK;
    rk_fail(error, RK_CORRUPT, "head", "not one of its slots is sound");
    rk_error_hint(error, "`reaktor verify` tells whether the log is sound; if so, remove this file");
    return RK_CORRUPT;
}

rk_status rki_head_open(rki_watch *watch, bool make, rk_error *error) {
    int there = 0;
    int code = watch->real->xAccess(watch->real, watch->head_path, SQLITE_ACCESS_EXISTS, &there);
    if (code != SQLITE_OK) return fail(error, "it cannot be looked for");
    if (!there && !make) return RK_OK;
    size_t size = (size_t)watch->real->szOsFile;
    sqlite3_file *file = watch->memory->take(watch->memory->context, size);
    if (!file) return rk_fail(error, RK_NO_MEMORY, "head", "no memory to open it");
    memset(file, 0, size);
    int flags = SQLITE_OPEN_SUPER_JOURNAL, got = 0; /* the kind of file that takes no locks and may lie anywhere */
    flags |= make ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    code = watch->real->xOpen(watch->real, watch->head_path, file, flags, &got);
    if (code == SQLITE_OK) watch->head = file;
    if (code != SQLITE_OK) watch->memory->give(watch->memory->context, file, size);
    if (code != SQLITE_OK || (make && !(got & SQLITE_OPEN_READWRITE))) return fail(error, "it cannot be opened");
    return rki_head_read(watch, &watch->mark, error);
}

rk_status rki_head_write(rki_watch *watch, const rki_mark *mark, rk_error *error) {
    uint8_t slot[SLOT_SIZE];
    int64_t offset = (int64_t)(mark->sequence % SLOT_COUNT) * SLOT_SIZE;
    rki_mark there;
    int code = watch->head->pMethods->xRead(watch->head, slot, SLOT_SIZE, offset);
    if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) return fail(error, "it cannot be read");
    if (code == SQLITE_OK && slot_get(slot, &there) && there.sequence >= mark->sequence) return RK_OK;
    slot_put(slot, mark);
    code = watch->head->pMethods->xWrite(watch->head, slot, SLOT_SIZE, offset);
    if (code == SQLITE_FULL) return rk_fail(error, RK_DISK_FULL, "head", "there is no room to write it");
    if (code != SQLITE_OK) return fail(error, "it cannot be written");
    watch->mark = *mark;
    return RK_OK;
}

void rki_head_close(rki_watch *watch) {
    if (!watch->head) return;
    if (watch->repairing) watch->head->pMethods->xSync(watch->head, SQLITE_SYNC_FULL); /* see invariant 3 */
    watch->head->pMethods->xClose(watch->head);
    watch->memory->give(watch->memory->context, watch->head, (size_t)watch->real->szOsFile);
    watch->head = NULL;
}
