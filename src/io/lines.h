/*
 * A file by its lines, once from the first to the last, then any of them again by its place.
 *
 * Invariants
 *   (1) No more than one line is in memory, and no line is longer than size_max.
 *   (2) Standard input, and whatever else cannot be read twice, is copied to a file without a name first.
 */
#ifndef RK_IO_LINES_H
#define RK_IO_LINES_H

#include "base/status.h"

/* Embedded by value; the fields are the reader's own. All zero is closed. */
typedef struct rk_lines {
    void *stream;
    const char *path;
    uint8_t *data;
    size_t capacity;
    size_t size_max;
    uint64_t offset; /* of the line that next gives out next */
    uint64_t number; /* of the line that next gave out last, from 1 */
    uint64_t total;  /* the file's size */
} rk_lines;

/* One line, without its line end (LF or CR LF); borrowed until the next call. */
typedef struct rk_line {
    rk_bytes text;
    uint64_t number;
    uint64_t offset;
} rk_line;

/* `path` NUL-ended and borrowed, "-" for standard input. RK_IO. */
RK_MUST_USE rk_status rk_lines_open(rk_lines *lines, const char *path, size_t size_max, rk_error *error);
/* RK_NOT_FOUND (error untouched) after the last, RK_LIMIT naming the line, RK_IO, RK_NO_MEMORY. */
RK_MUST_USE rk_status rk_lines_next(rk_lines *lines, rk_line *line_out, rk_error *error);
/* The line at this offset again; rk_lines_next must not be called any more. */
RK_MUST_USE rk_status rk_lines_again(rk_lines *lines, uint64_t number, uint64_t offset, size_t size, rk_line *line_out,
                                     rk_error *error);
void rk_lines_close(rk_lines *lines);

#endif
