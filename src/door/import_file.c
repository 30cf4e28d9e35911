/*
 * Reading an export file in two passes.
 */
#include "door/import_file.h"

#include <stdlib.h>
#include <string.h>

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

static rk_status add_entry(rk_import_file *file, const rk_import_entry *entry, rk_error *error) {
    if (file->count == file->capacity) {
        size_t capacity = file->capacity ? file->capacity * 2 : 64;
        rk_import_entry *entries =
            rk_arena_grow(file->arena, file->entries, file->capacity * sizeof *entries, capacity * sizeof *entries);
        if (!entries) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the list of frames");
        file->entries = entries;
        file->capacity = capacity;
    }
    file->entries[file->count++] = *entry;
    return RK_OK;
}

static rk_status index_line(rk_import_file *file, const rk_line *line, rk_error *error) {
    rk_arena arena;
    rk_export_line read;
    rk_arena_init(&arena, rk_memory_system(), LINE_ARENA_SIZE_MAX);
    rk_import_entry entry = {.number = line->number, .offset = line->offset, .size = line->text.size};
    rk_status status = rk_export_line_read(&arena, line->text, &read, error);
    if (status == RK_OK && read.invite) {
        status = take_invitation(file, &read, error);
    } else if (status == RK_OK) {
        status = rk_export_line_digest(&arena, file->crypto, &read, &entry.hash);
        if (status != RK_OK) rk_fail(error, status, NULL, "the line is too large");
        entry.place = read.frame;
        entry.place.record = entry.place.batch = entry.place.code = entry.place.what = entry.place.hint =
            (rk_bytes){NULL, 0};
        if (status == RK_OK) status = add_entry(file, &entry, error);
    }
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
    rk_lines_close(&file->lines);
}

/* ---- the second pass ---- */

static rk_status feed_line(rk_import_file *file, const rk_import_entry *entry, rk_import *import, rk_arena *arena,
                           rk_error *error) {
    rk_line line;
    rk_export_line read;
    rk_hash hash;
    RK_TRY(rk_lines_again(&file->lines, entry->number, entry->offset, entry->size, &line, error));
    RK_TRY(rk_export_line_read(arena, line.text, &read, error));
    rk_status status = rk_export_line_digest(arena, file->crypto, &read, &hash);
    if (status != RK_OK) return rk_fail(error, status, NULL, "no memory for the line");
    if (!rk_hash_equal(&hash, &entry->hash)) {
        return rk_fail(error, RK_IO, NULL, "the line has changed since it was first read");
    }
    return rk_engine_import_frame(import, &read.frame, error);
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
    RK_TRY(rk_engine_import_start(engine, &import, error));
    rk_status status = feed_lines(file, import, error);
    if (status == RK_OK) return rk_engine_import_finish(import, report_out, error);
    rk_engine_import_abort(import);
    return status;
}
