/*
 * What stands between SQLite and the files of one log, so that damage is named and never served.
 *
 * A watch wraps the default VFS under a name of its own, registered for as long as the handle is open; that
 * registration is the only thing here that is not the handle's.
 *
 * Invariants
 *   (1) Every page in log.db ends in a checksum over its number and its other bytes, made when the page is written
 *       there and checked whenever it is read from there. In log.db-wal pages are as SQLite wrote them: it checksums
 *       frames itself, but looks at that only when it recovers, so each read of a frame is checked here against that
 *       checksum.
 *   (2) Before SQLite recovers from log.db-wal, the file is scanned (wal.c), under the lock that SQLite holds for it.
 *   (3) When the first frame of a transaction is written, no frame of the same salts stands behind it: what a failed
 *       transaction left is cut off first. The scan relies on it.
 *   (4) After a failed sync the watch says so for good.
 *   (5) Nobody begins to move frames into log.db while all are moved.
 */
#ifndef RK_STORE_SQLITE_VFS_H
#define RK_STORE_SQLITE_VFS_H

#include <sqlite3.h>

#include "base/map.h"
#include "store/log.h"

enum {
    RKI_PAGE_SIZE = 4096,
    RKI_CHECKSUM_SIZE = 8, /* SQLite leaves these bytes at a page's end to us: byte 20 of log.db */
    RKI_WAL_HEADER_SIZE = 32,
    RKI_FRAME_HEADER_SIZE = 24,
    RKI_FRAME_SIZE = RKI_FRAME_HEADER_SIZE + RKI_PAGE_SIZE,
    RKI_SALTS_SIZE = 8,
    RKI_PATH_SIZE = 1024,
    RKI_VFS_NAME_SIZE = 32,
};

/* Kinds of places, the high bits of what rki_watch_damage takes as a key. */
static const uint64_t RKI_DAMAGED_PAGE = 0, RKI_DAMAGED_FRAME = 1ULL << 62, RKI_DAMAGED_WAL = 2ULL << 62,
                      RKI_DAMAGED_HEAD = 3ULL << 62;

/* How far the log had come at its last commit, as the file head says (head.c). sequence 0: it says nothing. */
typedef struct rki_mark {
    uint64_t sequence; /* write transactions so far */
    uint64_t epoch;
    uint64_t record;
    uint64_t position;
    uint8_t salts[RKI_SALTS_SIZE]; /* of the log.db-wal that the commit went to */
    uint64_t frame;                /* its last frame there */
} rki_mark;

typedef struct rki_watch {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    char name[RKI_VFS_NAME_SIZE];
    const rk_memory *memory;
    const rk_log_listener *listener;
    bool examining; /* tell of damage and serve the bytes; else refuse them */
    bool repairing; /* cut a torn tail off log.db-wal */
    bool sync_failed;
    uint64_t finding_count;
    bool damaged; /* for good; where and what are those of the last */
    char where[RK_ERROR_WHERE_MAX];
    char what[RK_ERROR_WHAT_MAX];
    rk_arena arena;                /* of `told` */
    rk_map told;                   /* places of damage that the listener knows, told once each */
    uint8_t salts[RKI_SALTS_SIZE]; /* of the last commit that was written through this watch */
    uint64_t frame;
    sqlite3_file *cut_file; /* log.db-wal while SQLite recovers from it and its tail is to be cut off; else NULL */
    int64_t cut_offset;
    char path[RKI_PATH_SIZE]; /* of log.db */
    char head_path[RKI_PATH_SIZE];
    sqlite3_file *head;
    rki_mark mark;                  /* as this handle wrote or read it last */
    const volatile uint8_t *shared; /* the first region of log.db-shm; NULL while SQLite has not mapped it */
} rki_watch;

/*
 * What log.db-shm begins with, the header of the wal-index (https://sqlite.org/walformat.html): it says, with checksum
 * and salts, what the last committed frame is. The same bytes are the same log.
 */
enum { RKI_MOMENT_SIZE = 48 };
/* False while it is being changed, or cannot be seen. Asks nothing of the system. */
bool rki_watch_moment(const rki_watch *watch, uint8_t out[RKI_MOMENT_SIZE]);

/* Registers a VFS of its own; `folder` is NUL-ended. The watch must not move until rki_watch_end. */
rk_status rki_watch_start(rki_watch *watch, const char *folder, const rk_memory *memory,
                          const rk_log_listener *listener, rk_log_mode mode, rk_error *error);
void rki_watch_end(rki_watch *watch);
/* Tells the listener of damage. */
void rki_watch_tell(rki_watch *watch, const char *where, const char *what);
void rki_watch_repaired(rki_watch *watch, const char *what);
/*
 * Damage of something that has a place in `where`: true when its bytes are to be served all the same. `key` is what
 * makes the place one of a kind.
 */
bool rki_watch_damage(rki_watch *watch, uint64_t key, const char *where, const char *what);

/* 64 bits over the bytes. A change within one aligned word of 8 bytes always shows; size must be a multiple of 8. */
uint64_t rki_checksum(uint64_t seed, const uint8_t *bytes, size_t size);

/* wal.c: SQLite's own checksum of log.db-wal, continued over `size` bytes, a multiple of 8. */
typedef struct rki_wal_sum {
    uint32_t first, second;
} rki_wal_sum;
rki_wal_sum rki_wal_sum_read(const uint8_t bytes[8]);
rki_wal_sum rki_wal_sum_add(rki_wal_sum sum, bool big_endian, const uint8_t *bytes, size_t size);
bool rki_wal_sum_equal(rki_wal_sum a, rki_wal_sum b);
/*
 * Scans the file that SQLite is about to recover from. An SQLite code: SQLITE_OK to go on. What is to be cut off is
 * noted in the watch: SQLite has the file's size already.
 */
int rki_wal_scan(rki_watch *watch, sqlite3_file *file);

/* head.c */
/* Opens the file head, making it where `make`, and reads the last mark into watch->mark. */
rk_status rki_head_open(rki_watch *watch, bool make, rk_error *error);
/* Reads it again. RK_CORRUPT when the file has bytes and not one slot is sound. */
rk_status rki_head_read(rki_watch *watch, rki_mark *mark_out, rk_error *error);
rk_status rki_head_write(rki_watch *watch, const rki_mark *mark, rk_error *error);
void rki_head_close(rki_watch *watch);

#endif
