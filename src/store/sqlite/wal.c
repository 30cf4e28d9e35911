/*
 * Scanning log.db-wal before SQLite recovers from it.
 *
 * SQLite takes the frames up to the last commit whose checksums hold and forgets the rest without a word: right after a
 * crash, wrong after damage. The scan tells the two apart as far as that can be (docs/durability.md).
 *
 *     offset  size  header of the file                offset  size  header of a frame
 *          0     4  0x377F0682, or ..83: big-endian        0     4  page number
 *                   sums                                   4     4  pages of log.db after this commit, else 0
 *          4     4  3007000                                8     8  salts, those of the file's header
 *          8     4  page size                             16     8  sum, continued over the first 8 bytes here and
 *         12     4  how often the file was begun anew               the page that follows
 *         16     8  salts, new each time it is begun
 *         24     8  sum of the 24 bytes before
 *
 * Invariants
 *   (1) Each commit is synced before the next transaction begins, and no frame of the same salts stands behind a
 *       transaction that begins (vfs.h, 3). So after a crash only the last transaction can be torn: of the frames that
 *       carry the file's salts and do not hold, none but the very last is a commit.
 *   (2) What is not so is damage. So is a file that holds less than the mark in the file head, which was written after
 *       the commit that it names.
 *   (3) A tail that a crash tore is cut off, so that (1) holds for the next one.
 */
#include <string.h>

#include "store/sqlite/vfs.h"

enum { WAL_MAGIC = 0x377F0682 };

typedef struct scan {
    uint8_t header[RKI_WAL_HEADER_SIZE];
    bool header_sound;
    uint8_t salts[RKI_SALTS_SIZE]; /* of the header, or of the first frame where the header is not sound */
    uint64_t frame_count;          /* whole frames in the file */
    uint64_t sound;                /* the last frame up to which every sum holds */
    uint64_t commit;               /* the last commit among them */
    uint64_t last;                 /* the last frame with the file's salts, sound or not */
    uint64_t lost_commit;          /* the first commit past `sound` that more frames follow; 0: none */
    bool torn;                     /* bytes with the file's salts stand behind the last commit */
} scan;

rki_wal_sum rki_wal_sum_read(const uint8_t bytes[8]) {
    uint64_t both = rk_get_u64(bytes);
    return (rki_wal_sum){(uint32_t)(both >> 32), (uint32_t)both};
}

bool rki_wal_sum_equal(rki_wal_sum a, rki_wal_sum b) {
    return a.first == b.first && a.second == b.second;
}

static uint32_t word(const uint8_t *bytes, bool big_endian) {
    uint32_t word = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    return big_endian ? word : __builtin_bswap32(word);
}

rki_wal_sum rki_wal_sum_add(rki_wal_sum sum, bool big_endian, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i += 8) {
        sum.first += word(bytes + i, big_endian) + sum.second;
        sum.second += word(bytes + i + 4, big_endian) + sum.first;
    }
    return sum;
}

static int64_t frame_offset(uint64_t frame) {
    return RKI_WAL_HEADER_SIZE + (int64_t)(frame - 1) * RKI_FRAME_SIZE;
}

static int read_at(sqlite3_file *file, void *bytes, int size, int64_t offset) {
    return file->pMethods->xRead(file, bytes, size, offset);
}

/* ---- reading ---- */

static bool big_endian_sums(const scan *scan) {
    return scan->header[3] & 1;
}

static bool header_sound(const scan *scan) {
    const uint8_t *header = scan->header;
    if ((word(header, true) & ~1U) != WAL_MAGIC || word(header + 4, true) != 3007000) return false;
    if (word(header + 8, true) != RKI_PAGE_SIZE) return false;
    rki_wal_sum sum = rki_wal_sum_add((rki_wal_sum){0, 0}, big_endian_sums(scan), header, 24);
    return rki_wal_sum_equal(sum, rki_wal_sum_read(header + 24));
}

/* The frames up to the first that does not hold. */
static int scan_sound(scan *scan, sqlite3_file *file) {
    uint8_t frame[RKI_FRAME_SIZE];
    rki_wal_sum sum = rki_wal_sum_read(scan->header + 24);
    while (scan->sound < scan->frame_count) {
        int code = read_at(file, frame, RKI_FRAME_SIZE, frame_offset(scan->sound + 1));
        if (code != SQLITE_OK) return code;
        if (memcmp(frame + 8, scan->salts, RKI_SALTS_SIZE) != 0 || word(frame, true) == 0) return SQLITE_OK;
        sum = rki_wal_sum_add(sum, big_endian_sums(scan), frame, 8);
        sum = rki_wal_sum_add(sum, big_endian_sums(scan), frame + RKI_FRAME_HEADER_SIZE, RKI_PAGE_SIZE);
        if (!rki_wal_sum_equal(sum, rki_wal_sum_read(frame + 16))) return SQLITE_OK;
        scan->sound++;
        if (word(frame + 4, true) != 0) scan->commit = scan->sound;
    }
    return SQLITE_OK;
}

/* What stands behind them, by the frames' headers alone. */
static int scan_rest(scan *scan, sqlite3_file *file, int64_t size) {
    uint64_t commit = 0;
    scan->last = scan->sound;
    for (uint64_t i = scan->sound + 1; frame_offset(i) + RKI_FRAME_HEADER_SIZE <= size; i++) {
        uint8_t header[RKI_FRAME_HEADER_SIZE];
        int code = read_at(file, header, sizeof header, frame_offset(i));
        if (code != SQLITE_OK) return code;
        if (memcmp(header + 8, scan->salts, RKI_SALTS_SIZE) != 0) continue;
        if (commit && !scan->lost_commit) scan->lost_commit = commit;
        if (word(header + 4, true) != 0) commit = i;
        scan->last = i;
    }
    bool cut_frame = scan->sound == scan->frame_count && size > frame_offset(scan->frame_count + 1);
    scan->torn = scan->last > scan->commit || cut_frame;
    return SQLITE_OK;
}

static int scan_file(scan *scan, sqlite3_file *file) {
    sqlite3_int64 size = 0;
    int code = file->pMethods->xFileSize(file, &size);
    if (code != SQLITE_OK || size <= RKI_WAL_HEADER_SIZE) return code;
    code = read_at(file, scan->header, RKI_WAL_HEADER_SIZE, 0);
    if (code != SQLITE_OK) return code;
    scan->frame_count = (uint64_t)(size - RKI_WAL_HEADER_SIZE) / RKI_FRAME_SIZE;
    scan->header_sound = header_sound(scan);
    memcpy(scan->salts, scan->header + 16, RKI_SALTS_SIZE);
    if (!scan->header_sound) {
        uint8_t first[RKI_FRAME_HEADER_SIZE] = {0};
        code = read_at(file, first, sizeof first, RKI_WAL_HEADER_SIZE);
        memcpy(scan->salts, first + 8, RKI_SALTS_SIZE);
        return code == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : code;
    }
    code = scan_sound(scan, file);
    return code == SQLITE_OK ? scan_rest(scan, file, size) : code;
}

/* ---- judging ---- */

static int damage(rki_watch *watch, uint64_t frame, const char *what) {
    char where[RK_ERROR_WHERE_MAX];
    rk_format(where, sizeof where, "log.db-wal frame %u", frame);
    bool served = rki_watch_damage(watch, RKI_DAMAGED_WAL | frame, where, what);
    return served ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int judge(rki_watch *watch, const scan *scan, const rki_mark *mark) {
    bool marked = mark->sequence > 0 && mark->frame > 0 && memcmp(mark->salts, scan->salts, RKI_SALTS_SIZE) == 0;
    if (!scan->header_sound) {
        bool lost = marked && scan->frame_count > 0;
        return lost ? damage(watch, 0, "the file's header is damaged, and commits stand behind it") : SQLITE_OK;
    }
    if (scan->lost_commit) return damage(watch, scan->sound + 1, "it is damaged, and later commits stand behind it");
    if (marked && scan->commit < mark->frame) {
        return damage(watch, scan->sound + 1, "it is damaged or gone, and was part of an acknowledged commit");
    }
    return SQLITE_OK;
}

static void repair(rki_watch *watch, const scan *scan, sqlite3_file *file) {
    if (!watch->repairing || !scan->header_sound || !scan->torn) return;
    char what[RK_ERROR_WHAT_MAX];
    rk_format(what, sizeof what,
              "a transaction that was being written when a process ended was dropped (log.db-wal, frames %u to %u)",
              scan->commit + 1, scan->last > scan->commit ? scan->last : scan->commit + 1);
    rki_watch_repaired(watch, what);
    watch->cut_file = file;
    watch->cut_offset = frame_offset(scan->commit + 1);
}

int rki_wal_scan(rki_watch *watch, sqlite3_file *file) {
    scan scan = {0};
    rki_mark mark = {0};
    int code = scan_file(&scan, file);
    if (code != SQLITE_OK) return code;
    rk_error error;
    rk_status status = rki_head_read(watch, &mark, &error);
    if (status != RK_OK && !rki_watch_damage(watch, RKI_DAMAGED_HEAD, "head", error.what)) return SQLITE_IOERR_DATA;
    code = judge(watch, &scan, &mark);
    if (code == SQLITE_OK) repair(watch, &scan, file);
    return code;
}
