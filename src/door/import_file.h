/*
 * Reading an export file: all of it is checked and sorted before anything of it is used.
 *
 * Invariants
 *   (1) What is kept of a line is where it stands, its place in the order of frames, and a hash: a file may be far
 *       larger than memory.
 *   (2) A line that stands twice counts once; two lines for one frame that differ are refused, naming both.
 *   (3) There is exactly one head, and at most one invitation.
 *   (4) A backup is fed to nothing but a restored truth (`restoring`).
 */
#ifndef RK_DOOR_IMPORT_FILE_H
#define RK_DOOR_IMPORT_FILE_H

#include "door/export_file.h"
#include "io/lines.h"

typedef struct rk_import_entry {
    rk_frame place; /* without its bytes and texts */
    uint64_t number;
    uint64_t offset;
    size_t size;
    rk_hash hash;
} rk_import_entry;

enum { RK_BACKUP_KEYS_MAX = 10000 };

typedef struct rk_import_key {
    rk_key_owner owner;
    rk_bytes actor;
    uint8_t seed[RK_SEED_SIZE];
} rk_import_key;

typedef struct rk_import_file {
    rk_arena *arena;
    const rk_crypto *crypto;
    rk_lines lines;
    rk_import_entry *entries; /* sorted, each frame once */
    size_t count;
    size_t capacity;
    rk_import_entry *states; /* lines of state hashes, as they came */
    size_t state_count;
    size_t state_capacity;
    rk_import_key *keys; /* secret: wiped by close */
    size_t key_count;
    size_t key_capacity;
    bool restoring;
    bool has_invitation;
    rk_hash account; /* of the invitation */
    rk_log_id log;
    rk_invitation invitation;
} rk_import_file;

/* Reads and sorts. `path` is borrowed. RK_BAD_FILE, RK_BAD_JSON, RK_LIMIT, naming the line; RK_IO. Close it after. */
RK_MUST_USE rk_status rk_import_file_open(rk_import_file *file, rk_arena *arena, const rk_crypto *crypto,
                                          const char *path, rk_error *error);
/* Hands every frame to the engine in one import, which is finished, or aborted on the first failure. */
RK_MUST_USE rk_status rk_import_file_feed(rk_import_file *file, rk_engine *engine, rk_import_report *report_out,
                                          rk_error *error);
/* A line again, as it was when the file was opened; all of it lives in the arena. */
RK_MUST_USE rk_status rk_import_file_line(rk_import_file *file, const rk_import_entry *entry, rk_arena *arena,
                                          rk_export_line *line_out, rk_error *error);
void rk_import_file_close(rk_import_file *file);

#endif
