/*
 * Writing and restoring backups.
 */
#include "door/backup_file.h"

#include <string.h>

#include "io/crypto.h"
#include "io/folder.h"
#include "io/keys.h"
#include "io/memory.h"
#include "io/terminal.h"

enum { ARENA_SIZE_MAX = 1 << 30 }; /* a line with its forms, or the names of keys */

/* ---- writing ---- */

typedef struct writing {
    const rk_door_host *host;
    rk_file_writer *writer;
    const rk_backup_watch *watch;
    rk_backup_report report;
    uint64_t records;
    rk_error *error;
} writing;

static rk_status show(writing *writing, uint64_t done) {
    const rk_backup_watch *watch = writing->watch;
    if (!watch || watch->at(watch->context, done, writing->records)) return RK_OK;
    return rk_fail(writing->error, RK_BUSY, "backup", "it was told to end");
}

static rk_status write_frame(void *context, const rk_frame *frame) {
    writing *writing = context;
    const rk_export_line line = {.kind = RK_LINE_FRAME, .frame = *frame};
    if (frame->kind == RK_FRAME_HEAD) {
        writing->records = frame->record_to;
        writing->report.position = frame->to;
    }
    writing->report.frames++;
    RK_TRY(rk_export_line_put(writing->writer, &line, writing->error));
    return frame->kind == RK_FRAME_COMMIT ? show(writing, frame->number) : RK_OK;
}

static rk_status write_state(void *context, rk_bytes entity, uint64_t version, const rk_hash *hash) {
    writing *writing = context;
    const rk_export_line line = {.kind = RK_LINE_STATE, .entity = entity, .version = version, .hash = *hash};
    writing->report.states++;
    RK_TRY(rk_export_line_put(writing->writer, &line, writing->error));
    return show(writing, writing->records);
}

static rk_status write_key(writing *writing, const char *owner, rk_bytes actor, const char *file) {
    rk_key_pair pair;
    rk_export_line line = {.kind = RK_LINE_KEY, .owner = rk_bytes_of_string(owner), .actor = actor};
    rk_status status = rk_keys_get(writing->host->data, file, rk_crypto_sodium(), &pair, writing->error);
    if (status == RK_NO_KEY) return RK_OK; /* such as a root key that its owner keeps */
    RK_TRY(status);
    memcpy(line.seed, pair.seed, RK_SEED_SIZE);
    writing->report.keys++;
    status = rk_export_line_put(writing->writer, &line, writing->error);
    rk_secret_wipe(line.seed, sizeof line.seed);
    rk_secret_wipe(pair.seed, sizeof pair.seed);
    return status;
}

static rk_status write_keys(writing *writing, rk_arena *arena) {
    const rk_bytes *actors = NULL, nobody = {NULL, 0};
    size_t count = 0;
    char file[RK_KEY_FILE_SIZE_MAX];
    RK_TRY(write_key(writing, "root", nobody, "root.key"));
    RK_TRY(write_key(writing, "truth", nobody, "truth.key"));
    RK_TRY(rk_keys_actors(writing->host->data, arena, &actors, &count, writing->error));
    for (size_t i = 0; i < count; i++) {
        rk_keys_file_of_actor(rk_crypto_sodium(), actors[i], file);
        RK_TRY(write_key(writing, "actor", actors[i], file));
    }
    return RK_OK;
}

rk_status rk_backup_write(const rk_door_host *host, rk_engine *engine, rk_file_writer *writer,
                          const rk_backup_watch *watch, rk_backup_report *report_out, rk_error *error) {
    writing writing = {.host = host, .writer = writer, .watch = watch, .error = error};
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), ARENA_SIZE_MAX);
    rk_status status = write_keys(&writing, &arena);
    if (status == RK_OK) status = rk_engine_backup(engine, write_frame, write_state, &writing, error);
    rk_arena_free(&arena);
    *report_out = writing.report;
    return status;
}

/* ---- restoring ---- */

static rk_status put_keys(rk_door_host *host, const rk_import_file *file, rk_error *error) {
    bool truth = false;
    for (size_t i = 0; i < file->key_count; i++) {
        const rk_import_key *key = &file->keys[i];
        rk_key_pair pair;
        rk_crypto_sodium()->key_pair_of_seed(key->seed, &pair);
        rk_status status = host->host.key_put(host->host.context, key->owner, key->actor, &pair, error);
        rk_secret_wipe(pair.seed, sizeof pair.seed);
        RK_TRY(status);
        truth |= key->owner == RK_OWNER_TRUTH;
    }
    if (truth) return RK_OK;
    return rk_fail(error, RK_BAD_FILE, file->lines.path, "it is an export, and holds no key of a truth");
}

static rk_status check_state(rk_import_file *file, const rk_import_entry *entry, rk_engine *engine, rk_error *error) {
    rk_arena arena;
    rk_export_line line;
    rk_hash hash;
    uint64_t version = 0;
    rk_arena_init(&arena, rk_memory_system(), ARENA_SIZE_MAX);
    rk_status status = rk_import_file_line(file, entry, &arena, &line, error);
    if (status == RK_OK) status = rk_engine_state_hash(engine, line.entity, &version, &hash, error);
    if (status == RK_OK && (version != line.version || !rk_hash_equal(&hash, &line.hash))) {
        status = rk_fail(error, RK_CORRUPT, NULL, "\"%b\" folds to another state than the backup says", line.entity);
        rk_error_hint(error, "the backup is damaged: take another one");
    }
    rk_arena_free(&arena);
    return status;
}

static rk_status check_states(rk_import_file *file, rk_engine *engine, rk_error *error) {
    rk_progress progress;
    rk_status status = RK_OK;
    rk_progress_start(&progress, "check");
    for (size_t i = 0; i < file->state_count && status == RK_OK; i++) {
        status = check_state(file, &file->states[i], engine, error);
        rk_progress_at(&progress, i + 1, file->state_count);
    }
    rk_progress_end(&progress);
    return status;
}

static rk_status count_entity(void *context, rk_bytes entity, uint64_t version) {
    (void)entity, (void)version;
    ++*(uint64_t *)context;
    return RK_OK;
}

rk_status rk_backup_restore(rk_door_host *host, rk_import_file *file, rk_engine **engine_out,
                            rk_backup_report *report_out, rk_error *error) {
    rk_import_report imported;
    rk_engine_info info;
    uint64_t entities = 0;
    const rk_frame *head = &file->entries[0].place;
    *engine_out = NULL;
    RK_TRY(put_keys(host, file, error));
    RK_TRY(rk_engine_create_restored(&host->host, &head->account, &head->log, engine_out, error));
    file->restoring = true;
    RK_TRY(rk_import_file_feed(file, *engine_out, &imported, error));
    RK_TRY(check_states(file, *engine_out, error));
    RK_TRY(rk_engine_entities(*engine_out, (rk_bytes){NULL, 0}, count_entity, &entities, error));
    if (entities != file->state_count) {
        return rk_fail(error, RK_CORRUPT, file->lines.path, "it says the states of %u entities, and the log has %u",
                       (uint64_t)file->state_count, entities);
    }
    RK_TRY(rk_engine_promote(*engine_out, error));
    RK_TRY(rk_engine_info_get(*engine_out, &info, error));
    *report_out = (rk_backup_report){
        .frames = file->count, .states = file->state_count, .keys = file->key_count, .position = info.head.position};
    return RK_OK;
}
