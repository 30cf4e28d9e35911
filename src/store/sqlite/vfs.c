/*
 * The VFS shim: page checksums, checked reads of log.db-wal, the scan before a recovery. See vfs.h.
 */
#include "store/sqlite/vfs.h"

#include <stdatomic.h>
#include <string.h>

typedef enum file_kind { FILE_DATABASE, FILE_WAL } file_kind;

/* SQLite allocates this, and the wrapped file behind it. */
typedef struct shim_file {
    sqlite3_file base;
    rki_watch *watch;
    file_kind kind;
    bool at_start;       /* of a transaction: log.db-wal was synced, or nothing was written yet */
    int64_t next_offset; /* where the frame after the last one written would stand */
    bool commit_waits;   /* a commit frame was written and not synced yet */
    uint8_t *held;       /* frames that follow each other, until they are written together; NULL: none yet */
    int held_size;
    int64_t held_offset;
    uint8_t page[RKI_PAGE_SIZE];   /* on its way into log.db */
    uint8_t frame[RKI_FRAME_SIZE]; /* read from log.db-wal */
} shim_file;

enum { HELD_SIZE_MAX = 16 * RKI_FRAME_SIZE };

enum { REAL_OFFSET = (sizeof(shim_file) + 15) / 16 * 16, DATABASE_HEADER_SIZE = 100 };

static shim_file *shim_of(sqlite3_file *file) {
    return (shim_file *)(void *)file;
}

static sqlite3_file *real_of(sqlite3_file *file) {
    return (sqlite3_file *)(void *)((uint8_t *)file + REAL_OFFSET);
}

/* ---- telling ---- */

void rki_watch_tell(rki_watch *watch, const char *where, const char *what) {
    watch->finding_count++;
    if (watch->listener && watch->listener->finding) watch->listener->finding(watch->listener->context, where, what);
}

void rki_watch_repaired(rki_watch *watch, const char *what) {
    if (watch->listener && watch->listener->repaired) watch->listener->repaired(watch->listener->context, what);
}

/* Told twice is better than not told: running out of memory here is passed over. */
static bool first_time(rki_watch *watch, uint64_t key) {
    if (rk_map_get(&watch->told, rk_bytes_of(&key, sizeof key))) return false;
    uint64_t *kept = rk_arena_take(&watch->arena, sizeof *kept);
    if (!kept) return true;
    *kept = key;
    rk_status status = rk_map_set(&watch->told, rk_bytes_of(kept, sizeof *kept), kept);
    (void)status;
    return true;
}

bool rki_watch_damage(rki_watch *watch, uint64_t key, const char *where, const char *what) {
    if (watch->examining) {
        if (first_time(watch, key)) rki_watch_tell(watch, where, what);
        return true;
    }
    watch->damaged = true;
    rk_format(watch->where, sizeof watch->where, "%s", where);
    rk_format(watch->what, sizeof watch->what, "%s", what);
    return false;
}

/* ---- pages of log.db ---- */

/* Each step is one to one in the sum so far and in the word, so that a change within one word cannot cancel out. */
uint64_t rki_checksum(uint64_t seed, const uint8_t *bytes, size_t size) {
    uint64_t sum = seed ^ 0x9E3779B97F4A7C15U;
    for (size_t i = 0; i < size; i += 8) {
        sum = (sum ^ rk_get_u64(bytes + i)) * 0xD6E8FEB86659FD93U;
        sum ^= sum >> 32;
    }
    return sum;
}

static uint64_t page_checksum(int64_t offset, const uint8_t *page) {
    return rki_checksum((uint64_t)offset / RKI_PAGE_SIZE + 1, page, RKI_PAGE_SIZE - RKI_CHECKSUM_SIZE);
}

static bool whole_page(int size, int64_t offset) {
    return size == RKI_PAGE_SIZE && offset % RKI_PAGE_SIZE == 0;
}

static int page_damage(rki_watch *watch, int64_t offset, const char *what) {
    char where[RK_ERROR_WHERE_MAX];
    uint64_t page = (uint64_t)offset / RKI_PAGE_SIZE + 1;
    rk_format(where, sizeof where, "log.db page %u", page);
    return rki_watch_damage(watch, RKI_DAMAGED_PAGE | page, where, what) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

/* SQLite reads these bytes first and alone: they say how everything after them is read. */
static int check_header(rki_watch *watch, const uint8_t *header) {
    bool sound = memcmp(header, "SQLite format 3", 16) == 0 && header[16] == RKI_PAGE_SIZE >> 8 && header[17] == 0 &&
                 header[20] == RKI_CHECKSUM_SIZE;
    return sound ? SQLITE_OK : page_damage(watch, 0, "its first bytes are not those of a log");
}

static int database_read(shim_file *shim, sqlite3_file *real, void *bytes, int size, int64_t offset) {
    int code = real->pMethods->xRead(real, bytes, size, offset);
    if (code == SQLITE_OK && offset == 0 && size == DATABASE_HEADER_SIZE) return check_header(shim->watch, bytes);
    if (!whole_page(size, offset)) return code;
    if (code == SQLITE_IOERR_SHORT_READ && offset > 0) {
        return page_damage(shim->watch, offset, "the file ends before this page");
    }
    if (code != SQLITE_OK) return code;
    const uint8_t *page = bytes;
    if (rk_get_u64(page + RKI_PAGE_SIZE - RKI_CHECKSUM_SIZE) == page_checksum(offset, page)) return SQLITE_OK;
    return page_damage(shim->watch, offset, "its bytes are not those that were written: the checksum differs");
}

static int database_write(shim_file *shim, sqlite3_file *real, const void *bytes, int size, int64_t offset) {
    if (!whole_page(size, offset)) return real->pMethods->xWrite(real, bytes, size, offset);
    memcpy(shim->page, bytes, RKI_PAGE_SIZE);
    rk_put_u64(shim->page + RKI_PAGE_SIZE - RKI_CHECKSUM_SIZE, page_checksum(offset, shim->page));
    return real->pMethods->xWrite(real, shim->page, size, offset);
}

/* ---- frames of log.db-wal ---- */

/*
 * SQLite writes each frame in two parts, and a transaction is many frames: they are held until the sync that ends it,
 * or until anything else happens to the file. Nobody reads a frame before it was synced.
 */
static int wal_flush(shim_file *shim, sqlite3_file *real) {
    int size = shim->held_size;
    shim->held_size = 0; /* also where it fails: SQLite then takes the transaction back */
    return size ? real->pMethods->xWrite(real, shim->held, size, shim->held_offset) : SQLITE_OK;
}

static int wal_hold(shim_file *shim, sqlite3_file *real, const void *bytes, int size, int64_t offset) {
    bool fits = offset == shim->held_offset + shim->held_size && size <= HELD_SIZE_MAX - shim->held_size;
    if (!shim->held) shim->held = shim->watch->memory->take(shim->watch->memory->context, HELD_SIZE_MAX);
    if (!shim->held) return SQLITE_NOMEM;
    if (!fits || shim->held_size == 0) {
        int code = wal_flush(shim, real);
        if (code != SQLITE_OK) return code;
        shim->held_offset = offset;
    }
    memcpy(shim->held + shim->held_size, bytes, (size_t)size);
    shim->held_size += size;
    return SQLITE_OK;
}

/* Whether the page in it is the one whose checksum the frame carries, continued from the frame before. */
static bool frame_sound(sqlite3_file *real, const uint8_t *frame, int64_t frame_offset) {
    uint8_t before[8];
    bool first = frame_offset == RKI_WAL_HEADER_SIZE;
    int64_t before_offset = first ? RKI_WAL_HEADER_SIZE - 8 : frame_offset - RKI_FRAME_SIZE + 16;
    if (real->pMethods->xRead(real, before, sizeof before, before_offset) != SQLITE_OK) return false;
    for (int big_endian = 0; big_endian < 2; big_endian++) { /* as it was written here, or on another machine */
        rki_wal_sum sum = rki_wal_sum_add(rki_wal_sum_read(before), big_endian, frame, 8);
        sum = rki_wal_sum_add(sum, big_endian, frame + RKI_FRAME_HEADER_SIZE, RKI_PAGE_SIZE);
        if (rki_wal_sum_equal(sum, rki_wal_sum_read(frame + 16))) return true;
    }
    return false;
}

static bool page_of_frame(int size, int64_t offset) {
    return size == RKI_PAGE_SIZE && (offset - RKI_WAL_HEADER_SIZE) % RKI_FRAME_SIZE == RKI_FRAME_HEADER_SIZE;
}

/* A page of the file: with its frame's header, which says whether it is sound. */
static int frame_read(shim_file *shim, sqlite3_file *real, void *page, int64_t offset) {
    int code = real->pMethods->xRead(real, shim->frame, RKI_FRAME_SIZE, offset - RKI_FRAME_HEADER_SIZE);
    memcpy(page, shim->frame + RKI_FRAME_HEADER_SIZE, RKI_PAGE_SIZE); /* also what a short read has: zeros behind it */
    if (code != SQLITE_OK) return code;
    if (frame_sound(real, shim->frame, offset - RKI_FRAME_HEADER_SIZE)) return SQLITE_OK;
    char where[RK_ERROR_WHERE_MAX];
    uint64_t frame = (uint64_t)(offset - RKI_WAL_HEADER_SIZE) / RKI_FRAME_SIZE + 1;
    rk_format(where, sizeof where, "log.db-wal frame %u", frame);
    bool served =
        rki_watch_damage(shim->watch, RKI_DAMAGED_FRAME | frame, where, "its bytes are not those that were written");
    return served ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int wal_read(shim_file *shim, sqlite3_file *real, void *bytes, int size, int64_t offset) {
    int held = wal_flush(shim, real);
    if (held != SQLITE_OK) return held;
    if (size == RKI_WAL_HEADER_SIZE && offset == 0) { /* only a recovery reads that */
        int code = rki_wal_scan(shim->watch, real);
        if (code != SQLITE_OK) return code;
    }
    if (page_of_frame(size, offset)) return frame_read(shim, real, bytes, offset);
    return real->pMethods->xRead(real, bytes, size, offset);
}

/* Invariant 3: cuts off what a transaction that failed left from here on. */
static int cut_leftover(sqlite3_file *real, const uint8_t *salts, int64_t offset) {
    uint8_t there[RKI_FRAME_HEADER_SIZE];
    int code = real->pMethods->xRead(real, there, sizeof there, offset);
    if (code == SQLITE_IOERR_SHORT_READ) return SQLITE_OK;
    if (code != SQLITE_OK || memcmp(there + 8, salts, RKI_SALTS_SIZE) != 0) return code;
    return real->pMethods->xTruncate(real, offset);
}

static int frame_header_write(shim_file *shim, sqlite3_file *real, const uint8_t *header, int64_t offset) {
    int code = SQLITE_OK;
    if (shim->at_start || offset != shim->next_offset) {
        code = wal_flush(shim, real);
        if (code == SQLITE_OK) code = cut_leftover(real, header + 8, offset);
    }
    if (code != SQLITE_OK) return code;
    shim->at_start = false;
    shim->next_offset = offset + RKI_FRAME_SIZE;
    shim->commit_waits = (header[4] | header[5] | header[6] | header[7]) != 0;
    if (shim->commit_waits) {
        memcpy(shim->watch->salts, header + 8, RKI_SALTS_SIZE);
        shim->watch->frame = (uint64_t)(offset - RKI_WAL_HEADER_SIZE) / RKI_FRAME_SIZE + 1;
    }
    return wal_hold(shim, real, header, RKI_FRAME_HEADER_SIZE, offset);
}

static int wal_write(shim_file *shim, sqlite3_file *real, const void *bytes, int size, int64_t offset) {
    bool header = size == RKI_FRAME_HEADER_SIZE && (offset - RKI_WAL_HEADER_SIZE) % RKI_FRAME_SIZE == 0;
    if (header) return frame_header_write(shim, real, bytes, offset);
    if (page_of_frame(size, offset)) return wal_hold(shim, real, bytes, size, offset);
    int code = wal_flush(shim, real);
    return code == SQLITE_OK ? real->pMethods->xWrite(real, bytes, size, offset) : code;
}

/* ---- methods of a file ---- */

static int file_close(sqlite3_file *file) {
    shim_file *shim = shim_of(file);
    if (shim->held) shim->watch->memory->give(shim->watch->memory->context, shim->held, HELD_SIZE_MAX);
    shim->held = NULL; /* what was not synced is of no transaction */
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset) {
    shim_file *shim = shim_of(file);
    return shim->kind == FILE_WAL ? wal_read(shim, real_of(file), bytes, size, offset)
                                  : database_read(shim, real_of(file), bytes, size, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset) {
    shim_file *shim = shim_of(file);
    return shim->kind == FILE_WAL ? wal_write(shim, real_of(file), bytes, size, offset)
                                  : database_write(shim, real_of(file), bytes, size, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int code = wal_flush(shim_of(file), real_of(file));
    if (code != SQLITE_OK) return code;
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags) {
    shim_file *shim = shim_of(file);
    int code = wal_flush(shim, real_of(file));
    if (code != SQLITE_OK) return code;
    code = real_of(file)->pMethods->xSync(real_of(file), flags);
    if (code != SQLITE_OK) shim->watch->sync_failed = true;
    if (shim->commit_waits) shim->at_start = true;
    shim->commit_waits = false;
    return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size_out) {
    int code = wal_flush(shim_of(file), real_of(file));
    if (code != SQLITE_OK) return code;
    return real_of(file)->pMethods->xFileSize(real_of(file), size_out);
}

static int file_lock(sqlite3_file *file, int lock) {
    return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock) {
    return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int file_check_lock(sqlite3_file *file, int *locked_out) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), locked_out);
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file) {
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_characteristics(sqlite3_file *file) {
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_share_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory_out) {
    int code = real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, memory_out);
    if (code == SQLITE_OK && region == 0) shim_of(file)->watch->shared = *memory_out;
    return code;
}

/* SQLite writes the second copy first. */
bool rki_watch_moment(const rki_watch *watch, uint8_t out[RKI_MOMENT_SIZE]) {
    const volatile uint8_t *shared = watch->shared;
    uint8_t second[RKI_MOMENT_SIZE];
    if (!shared) return false;
    for (size_t i = 0; i < RKI_MOMENT_SIZE; i++) out[i] = shared[i];
    atomic_thread_fence(memory_order_seq_cst);
    for (size_t i = 0; i < RKI_MOMENT_SIZE; i++) second[i] = shared[RKI_MOMENT_SIZE + i];
    return memcmp(out, second, RKI_MOMENT_SIZE) == 0;
}

/* ---- moving frames into log.db: under SQLite's lock for that, of which there is one for all handles ---- */

/* In log.db-shm, as numbers of this machine (sqlite.org/walformat.html, 2.1). */
enum { FRAME_COUNT_OFFSET = 16, MOVED_OFFSET = 96, MOVING_LOCK = 1 };

static uint32_t moved_frames(const rki_watch *watch) {
    return *(const volatile uint32_t *)(const volatile void *)(watch->shared + MOVED_OFFSET);
}

/*
 * SQLite before 3.51.3 looks at how many frames there are, then at how many of them are moved. When all are, a writer
 * may begin log.db-wal anew in between: frames to come then count as moved, and are lost (sqlite.org/wal.html, "the
 * WAL-reset bug"). While some are not moved, nobody begins it anew before the lock is given up. The order of the two
 * looks here is the other one: whoever begins it anew changes the count of frames first.
 */
static bool may_move(const rki_watch *watch) {
    uint8_t moment[RKI_MOMENT_SIZE];
    uint32_t frame_count = 0;
    if (!watch->shared) return false;
    uint32_t moved = moved_frames(watch);
    atomic_thread_fence(memory_order_seq_cst);
    if (!rki_watch_moment(watch, moment)) return false;
    memcpy(&frame_count, moment + FRAME_COUNT_OFFSET, sizeof frame_count);
    return moved < frame_count;
}

static int moving_lock(sqlite3_file *file, int flags) {
    sqlite3_file *real = real_of(file);
    int code = real->pMethods->xShmLock(real, MOVING_LOCK, 1, flags);
    if (code != SQLITE_OK || flags & SQLITE_SHM_UNLOCK || may_move(shim_of(file)->watch)) return code;
    code = real->pMethods->xShmLock(real, MOVING_LOCK, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
    return code == SQLITE_OK ? SQLITE_BUSY : code;
}

/* A recovery ends by giving its locks up: the last moment in which the file is ours alone. */
static int file_share_lock(sqlite3_file *file, int offset, int count, int flags) {
    rki_watch *watch = shim_of(file)->watch;
    if (offset == MOVING_LOCK && count == 1) return moving_lock(file, flags);
    if (watch->cut_file && flags & SQLITE_SHM_UNLOCK) {
        sqlite3_file *cut = watch->cut_file;
        watch->cut_file = NULL;
        int code = cut->pMethods->xTruncate(cut, watch->cut_offset);
        if (code != SQLITE_OK) watch->sync_failed = true; /* what stays there may look like damage one day: no writes */
    }
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_share_barrier(sqlite3_file *file) {
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_share_unmap(sqlite3_file *file, int delete) {
    shim_of(file)->watch->shared = NULL;
    return real_of(file)->pMethods->xShmUnmap(real_of(file), delete);
}

/* Version 2: without xFetch, so that no page comes past file_read. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_share_map,
    .xShmLock = file_share_lock,
    .xShmBarrier = file_share_barrier,
    .xShmUnmap = file_share_unmap,
};

/* ---- methods of the VFS ---- */

static sqlite3_vfs *real_vfs(sqlite3_vfs *vfs) {
    return ((rki_watch *)vfs->pAppData)->real;
}

/* Rollback journals, which only the making of a log has, and temporary files go past the shim. */
static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out) {
    rki_watch *watch = vfs->pAppData;
    if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL))) {
        return watch->real->xOpen(watch->real, name, file, flags, flags_out);
    }
    shim_file *shim = shim_of(file);
    memset(shim, 0, sizeof *shim);
    shim->watch = watch;
    shim->kind = flags & SQLITE_OPEN_WAL ? FILE_WAL : FILE_DATABASE;
    shim->at_start = true;
    memset(real_of(file), 0, (size_t)watch->real->szOsFile);
    int code = watch->real->xOpen(watch->real, name, real_of(file), flags, flags_out);
    if (code != SQLITE_OK) return code;
    RK_ASSERT(real_of(file)->pMethods->iVersion >= 2);
    shim->base.pMethods = &methods;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    return real_vfs(vfs)->xDelete(real_vfs(vfs), name, sync);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *answer_out) {
    return real_vfs(vfs)->xAccess(real_vfs(vfs), name, flags, answer_out);
}

static int vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int size, char *path_out) {
    return real_vfs(vfs)->xFullPathname(real_vfs(vfs), name, size, path_out);
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *bytes_out) {
    return real_vfs(vfs)->xRandomness(real_vfs(vfs), size, bytes_out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    return real_vfs(vfs)->xSleep(real_vfs(vfs), microseconds);
}

static int vfs_current_time(sqlite3_vfs *vfs, double *days_out) {
    return real_vfs(vfs)->xCurrentTime(real_vfs(vfs), days_out);
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *text_out) {
    return real_vfs(vfs)->xGetLastError(real_vfs(vfs), size, text_out);
}

/* Whole paths, so that neither a change of folder nor a name like a URI leads elsewhere. */
static rk_status find_paths(rki_watch *watch, const char *folder, rk_error *error) {
    char whole[RKI_PATH_SIZE] = {0};
    int code = watch->real->xFullPathname(watch->real, folder, sizeof whole - 1, whole);
    if (code != SQLITE_OK && code != SQLITE_OK_SYMLINK) {
        return rk_fail(error, RK_IO, folder, "the folder's path cannot be made out");
    }
    /* SQLite wants names that end in two NULs */
    size_t size = rk_format(watch->path, sizeof watch->path - 1, "%s/log.db", whole);
    (void)rk_format(watch->head_path, sizeof watch->head_path - 1, "%s/head", whole);
    return size < sizeof watch->path - 2 ? RK_OK : rk_fail(error, RK_LIMIT, folder, "the folder's path is too long");
}

rk_status rki_watch_start(rki_watch *watch, const char *folder, const rk_memory *memory,
                          const rk_log_listener *listener, rk_log_mode mode, rk_error *error) {
    enum { TOLD_SIZE_MAX = 64 << 20 };
    *watch = (rki_watch){.memory = memory, .listener = listener};
    watch->examining = mode == RK_LOG_EXAMINE;
    watch->repairing = !watch->examining;
    rk_arena_init(&watch->arena, memory, TOLD_SIZE_MAX);
    rk_map_init(&watch->told, &watch->arena);
    watch->real = sqlite3_vfs_find(NULL);
    if (!watch->real) return rk_fail(error, RK_IO, "log.db", "SQLite has no way to files here");
    RK_TRY(find_paths(watch, folder, error));
    uintptr_t own = (uintptr_t)watch;
    rk_format(watch->name, sizeof watch->name, "reaktor-%x", rk_bytes_of(&own, sizeof own));
    watch->vfs = (sqlite3_vfs){.iVersion = 1,
                               .szOsFile = REAL_OFFSET + watch->real->szOsFile,
                               .mxPathname = watch->real->mxPathname,
                               .zName = watch->name,
                               .pAppData = watch,
                               .xOpen = vfs_open,
                               .xDelete = vfs_delete,
                               .xAccess = vfs_access,
                               .xFullPathname = vfs_full_pathname,
                               .xRandomness = vfs_randomness,
                               .xSleep = vfs_sleep,
                               .xCurrentTime = vfs_current_time,
                               .xGetLastError = vfs_last_error};
    if (sqlite3_vfs_register(&watch->vfs, 0) == SQLITE_OK) return RK_OK;
    return rk_fail(error, RK_NO_MEMORY, "log.db", "SQLite cannot register a way to files");
}

void rki_watch_end(rki_watch *watch) {
    rki_head_close(watch);
    sqlite3_vfs_unregister(&watch->vfs);
    rk_arena_free(&watch->arena);
}
