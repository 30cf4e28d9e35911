/*
 * Reading an export file in two passes.
 */
#include "door/import_file.h"

#include <stdlib.h>
#include <string.h>

#include "io/crypto.h"
#include "io/memory.h"
#include "io/terminal.h"

/* A line of the largest size, its text, its bytes, and its spelling for the hash. */
enum { LINE_ARENA_SIZE_MAX = 1 << 30 };

_Static_assert(LINE_ARENA_SIZE_MAX >= 8LL * RK_LINE_SIZE_MAX, "a line's memory holds its forms");

static rk_status at_line(rk_import_file *file, uint64_t number, rk_status status, rk_error *error) {
    char where[RK_ERROR_WHERE_MAX];
    if (status != RK_OK) {
        size_t size = rk_format(where, sizeof where, "%s, line %u", file->lines.path, number);
        rk_error_at(error, rk_bytes_of(where, size));
    }
    return status;
}

/* ---- the first pass ---- */

static rk_status take_invitation(rk_import_file *file, const rk_export_line *line, rk_error *error) {
    rk_bytes actor;
    if (file->has_invitation) return rk_fail(error, RK_BAD_FILE, NULL, "it holds a second invitation");
    if (rk_arena_copy(file->arena, line->invitation.actor, &actor) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the invitation");
    }
    file->has_invitation = true;
    file->account = line->frame.account;
    file->log = line->frame.log;
    file->invitation = line->invitation;
    file->invitation.actor = actor;
    return RK_OK;
}

/* The items with room for one more, or NULL. */
static void *grow(rk_import_file *file, void *items, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) return items;
    size_t more = *capacity ? *capacity * 2 : 64;
    void *grown = rk_arena_grow(file->arena, items, *capacity * size, more * size);
    if (grown) *capacity = more;
    return grown;
}

static rk_status no_room(rk_error *error) {
    return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the list of lines");
}

static rk_status add_entry(rk_import_file *file, const rk_import_entry *entry, rk_error *error) {
    rk_import_entry *entries = grow(file, file->entries, file->count, &file->capacity, sizeof *entries);
    if (!entries) return no_room(error);
    file->entries = entries;
    file->entries[file->count++] = *entry;
    return RK_OK;
}

static rk_status add_state(rk_import_file *file, const rk_import_entry *entry, rk_error *error) {
    rk_import_entry *states = grow(file, file->states, file->state_count, &file->state_capacity, sizeof *states);
    if (!states) return no_room(error);
    file->states = states;
    file->states[file->state_count++] = *entry;
    return RK_OK;
}

static rk_status add_key(rk_import_file *file, const rk_export_line *line, rk_error *error) {
    static const char *const owners[] = {
        [RK_OWNER_ACTOR] = "actor", [RK_OWNER_ROOT] = "root", [RK_OWNER_TRUTH] = "truth"};
    rk_import_key key = {.owner = RK_OWNER_ACTOR};
    while (key.owner <= RK_OWNER_TRUTH && !rk_bytes_equal(line->owner, rk_bytes_of_string(owners[key.owner])))
        key.owner++;
    if (key.owner > RK_OWNER_TRUTH)
        return rk_fail(error, RK_BAD_FILE, "owner", "there is no owner \"%b\"", line->owner);
    if (file->key_count == RK_BACKUP_KEYS_MAX)
        return rk_fail(error, RK_LIMIT, NULL, "more keys than RK_BACKUP_KEYS_MAX");
    rk_import_key *keys = grow(file, file->keys, file->key_count, &file->key_capacity, sizeof *keys);
    if (!keys || rk_arena_copy(file->arena, line->actor, &key.actor) != RK_OK) return no_room(error);
    memcpy(key.seed, line->seed, RK_SEED_SIZE);
    file->keys = keys;
    file->keys[file->key_count++] = key;
    return RK_OK;
}

static rk_status take_line(rk_import_file *file, const rk_export_line *line, rk_import_entry *entry, rk_error *error) {
    switch (line->kind) {
    case RK_LINE_INVITE:
        return take_invitation(file, line, error);
    case RK_LINE_KEY:
        return add_key(file, line, error);
    case RK_LINE_STATE:
        return add_state(file, entry, error);
    default:
        entry->place = line->frame;
        entry->place.record = entry->place.batch = entry->place.code = entry->place.what = entry->place.hint =
            (rk_bytes){NULL, 0};
        return add_entry(file, entry, error);
    }
}

static rk_status index_line(rk_import_file *file, const rk_line *line, rk_error *error) {
    rk_arena arena;
    rk_export_line read;
    rk_arena_init(&arena, rk_memory_system(), LINE_ARENA_SIZE_MAX);
    rk_import_entry entry = {.number = line->number, .offset = line->offset, .size = line->text.size};
    rk_status status = rk_export_line_read(&arena, line->text, &read, error);
    if (status == RK_OK) {
        status = rk_export_line_digest(&arena, file->crypto, &read, &entry.hash);
        if (status != RK_OK) rk_fail(error, status, NULL, "the line is too large");
    }
    if (status == RK_OK) status = take_line(file, &read, &entry, error);
    rk_arena_free(&arena);
    return status;
}

static rk_status index_lines(rk_import_file *file, rk_error *error) {
    rk_line line;
    rk_progress progress;
    rk_progress_start(&progress, "read");
    rk_status status = rk_lines_next(&file->lines, &line, error);
    while (status == RK_OK) {
        if (line.text.size > 0) status = at_line(file, line.number, index_line(file, &line, error), error);
        rk_progress_at(&progress, line.offset, file->lines.total);
        if (status == RK_OK) status = rk_lines_next(&file->lines, &line, error);
    }
    rk_progress_end(&progress);
    return status == RK_NOT_FOUND ? RK_OK : status;
}

/* ---- the order ---- */

static int compare_entries(const void *a, const void *b) {
    const rk_import_entry *first = a, *second = b;
    int order = rk_frame_compare(&first->place, &second->place);
    if (order != 0) return order;
    return (first->number > second->number) - (first->number < second->number);
}

static rk_status drop_doubles(rk_import_file *file, rk_error *error) {
    size_t kept = 0;
    for (size_t i = 0; i < file->count; i++) {
        const rk_import_entry *entry = &file->entries[i], *last = kept ? &file->entries[kept - 1] : NULL;
        if (!last || rk_frame_compare(&last->place, &entry->place) != 0) {
            file->entries[kept++] = *entry;
        } else if (!rk_hash_equal(&last->hash, &entry->hash)) {
            rk_fail(error, RK_BAD_FILE, NULL, "the same %s frame stands on line %u with another content",
                    rk_frame_kind_name(entry->place.kind), last->number);
            return at_line(file, entry->number, RK_BAD_FILE, error);
        }
    }
    file->count = kept;
    return RK_OK;
}

static rk_status check_heads(rk_import_file *file, rk_error *error) {
    if (file->count == 0 || file->entries[0].place.kind != RK_FRAME_HEAD) {
        return rk_fail(error, RK_BAD_FILE, file->lines.path, "it has no head: this is no export");
    }
    if (file->count < 2 || file->entries[1].place.kind != RK_FRAME_HEAD) return RK_OK;
    rk_fail(error, RK_BAD_FILE, NULL, "a second head: one file holds one export");
    return at_line(file, file->entries[1].number, RK_BAD_FILE, error);
}

rk_status rk_import_file_open(rk_import_file *file, rk_arena *arena, const rk_crypto *crypto, const char *path,
                              rk_error *error) {
    *file = (rk_import_file){.arena = arena, .crypto = crypto};
    RK_TRY(rk_lines_open(&file->lines, path, RK_LINE_SIZE_MAX, error));
    RK_TRY(index_lines(file, error));
    if (file->count) qsort(file->entries, file->count, sizeof *file->entries, compare_entries);
    RK_TRY(drop_doubles(file, error));
    return check_heads(file, error);
}

void rk_import_file_close(rk_import_file *file) {
    for (size_t i = 0; i < file->key_count; i++) rk_secret_wipe(file->keys[i].seed, RK_SEED_SIZE);
    rk_lines_close(&file->lines);
}

/* ---- the second pass ---- */

rk_status rk_import_file_line(rk_import_file *file, const rk_import_entry *entry, rk_arena *arena,
                              rk_export_line *line_out, rk_error *error) {
    rk_line line;
    rk_hash hash;
    RK_TRY(rk_lines_again(&file->lines, entry->number, entry->offset, entry->size, &line, error));
    RK_TRY(rk_export_line_read(arena, line.text, line_out, error));
    rk_status status = rk_export_line_digest(arena, file->crypto, line_out, &hash);
    if (status != RK_OK) return rk_fail(error, status, NULL, "no memory for the line");
    if (rk_hash_equal(&hash, &entry->hash)) return RK_OK;
    return rk_fail(error, RK_IO, NULL, "the line has changed since it was first read");
}

static rk_status feed_line(rk_import_file *file, const rk_import_entry *entry, rk_import *import, rk_arena *arena,
                           rk_error *error) {
    rk_export_line line;
    RK_TRY(rk_import_file_line(file, entry, arena, &line, error));
    return rk_engine_import_frame(import, &line.frame, error);
}

static rk_status feed_lines(rk_import_file *file, rk_import *import, rk_error *error) {
    rk_progress progress;
    rk_status status = RK_OK;
    rk_progress_start(&progress, "import");
    for (size_t i = 0; i < file->count && status == RK_OK; i++) {
        const rk_import_entry *entry = &file->entries[i];
        rk_arena arena;
        rk_arena_init(&arena, rk_memory_system(), LINE_ARENA_SIZE_MAX);
        status = at_line(file, entry->number, feed_line(file, entry, import, &arena, error), error);
        rk_arena_free(&arena);
        rk_progress_at(&progress, i + 1, file->count);
    }
    rk_progress_end(&progress);
    return status;
}

rk_status rk_import_file_feed(rk_import_file *file, rk_engine *engine, rk_import_report *report_out, rk_error *error) {
    rk_import *import = NULL;
    *report_out = (rk_import_report){.records_new = 0};
    if (!file->restoring && file->key_count + file->state_count > 0) {
        rk_fail(error, RK_BAD_FILE, file->lines.path, "it is a backup, with its truth's secrets");
        rk_error_hint(error, "run `reaktor restore FILE --data FOLDER`");
        return RK_BAD_FILE;
    }
    RK_TRY(rk_engine_import_start(engine, &import, error));
    rk_status status = feed_lines(file, import, error);
    if (status == RK_OK) return rk_engine_import_finish(import, report_out, error);
    rk_engine_import_abort(import);
    return status;
}
