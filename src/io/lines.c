/*
 * A file by its lines.
 */
#include "io/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static rk_status fail(rk_error *error, const char *path, const char *what) {
    return rk_fail(error, RK_IO, path, "%s: %s", what, strerror(errno));
}

/* ---- opening ---- */

static rk_status copy_stream(FILE *from, FILE *to, const char *path, rk_error *error) {
    char piece[1 << 14];
    size_t size = 0;
    while ((size = fread(piece, 1, sizeof piece, from)) > 0) {
        if (fwrite(piece, 1, size, to) != size) return fail(error, path, "it cannot be kept to be read twice");
    }
    if (ferror(from)) return fail(error, path, "it cannot be read");
    if (fflush(to) != 0) return fail(error, path, "it cannot be kept to be read twice");
    rewind(to);
    return RK_OK;
}

static rk_status make_seekable(FILE **file, const char *path, uint64_t *total_out, rk_error *error) {
    struct stat found;
    if (fstat(fileno(*file), &found) != 0) return fail(error, path, "it cannot be read");
    if (S_ISDIR(found.st_mode)) return rk_fail(error, RK_IO, path, "it is a folder");
    if (!S_ISREG(found.st_mode)) {
        FILE *copy = tmpfile();
        if (!copy) return fail(error, path, "it cannot be kept to be read twice");
        rk_status status = copy_stream(*file, copy, path, error);
        if (*file != stdin) fclose(*file);
        *file = copy;
        RK_TRY(status);
        if (fstat(fileno(*file), &found) != 0) return fail(error, path, "it cannot be read");
    }
    *total_out = (uint64_t)found.st_size;
    return RK_OK;
}

rk_status rk_lines_open(rk_lines *lines, const char *path, size_t size_max, rk_error *error) {
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rbe");
    *lines = (rk_lines){.path = standard ? "standard input" : path, .size_max = size_max};
    if (!file) return fail(error, path, "it cannot be opened");
    rk_status status = make_seekable(&file, lines->path, &lines->total, error);
    lines->stream = file;
    if (status != RK_OK) rk_lines_close(lines);
    return status;
}

void rk_lines_close(rk_lines *lines) {
    if (lines->stream && lines->stream != stdin) fclose(lines->stream);
    free(lines->data);
    *lines = (rk_lines){.stream = NULL};
}

/* ---- reading ---- */

static bool make_room(rk_lines *lines, size_t size) {
    if (size <= lines->capacity) return true;
    size_t capacity = lines->capacity ? lines->capacity : 1 << 12;
    while (capacity < size) capacity *= 2;
    uint8_t *data = realloc(lines->data, capacity);
    if (!data) return false;
    lines->data = data;
    lines->capacity = capacity;
    return true;
}

static rk_bytes without_return(const uint8_t *data, size_t size) {
    return rk_bytes_of(data, size > 0 && data[size - 1] == '\r' ? size - 1 : size);
}

rk_status rk_lines_next(rk_lines *lines, rk_line *line_out, rk_error *error) {
    size_t size = 0;
    int byte = 0;
    *line_out = (rk_line){.number = ++lines->number, .offset = lines->offset};
    while ((byte = getc_unlocked((FILE *)lines->stream)) != EOF && byte != '\n') {
        if (size == lines->size_max) {
            return rk_fail(error, RK_LIMIT, lines->path, "line %u is longer than %u bytes", lines->number,
                           (uint64_t)lines->size_max);
        }
        if (!make_room(lines, size + 1)) return rk_fail(error, RK_NO_MEMORY, lines->path, "no memory for a line");
        lines->data[size++] = (uint8_t)byte;
    }
    if (byte == EOF && ferror((FILE *)lines->stream)) return fail(error, lines->path, "it cannot be read");
    if (byte == EOF && size == 0) return RK_NOT_FOUND;
    lines->offset += size + (byte == '\n');
    line_out->text = without_return(lines->data, size);
    return RK_OK;
}

rk_status rk_lines_again(rk_lines *lines, uint64_t number, uint64_t offset, size_t size, rk_line *line_out,
                         rk_error *error) {
    *line_out = (rk_line){.number = number, .offset = offset};
    if (!make_room(lines, size)) return rk_fail(error, RK_NO_MEMORY, lines->path, "no memory for a line");
    if (fseeko(lines->stream, (off_t)offset, SEEK_SET) != 0 || fread(lines->data, 1, size, lines->stream) != size) {
        return rk_fail(error, RK_IO, lines->path, "line %u cannot be read again", number);
    }
    line_out->text = rk_bytes_of(lines->data, size);
    return RK_OK;
}
