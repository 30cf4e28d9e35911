/*
 * Files: read whole within a bound, or written so that a reader sees the old content or the new, and nothing between.
 *
 * A path is NUL-ended; "-" is standard input where one reads, standard output where one writes. Failures are RK_IO (or
 * RK_DISK_FULL) with the path and the operating system's words, unless said otherwise.
 */
#ifndef RK_IO_FILE_H
#define RK_IO_FILE_H

#include "base/arena.h"

enum { RK_PATH_SIZE_MAX = 4096 };

/* What the operating system said last (errno), of a file or folder: RK_DISK_FULL where there is no room, else RK_IO. */
rk_status rk_file_fail(rk_error *error, const char *path, const char *what);
/* Reads a whole file. RK_LIMIT when it is larger than size_max. */
RK_MUST_USE rk_status rk_file_read(rk_arena *arena, const char *path, size_t size_max, rk_bytes *bytes_out,
                                   rk_error *error);
/* Replaces a file: written beside it, made durable, renamed. `mode` as chmod takes it. */
RK_MUST_USE rk_status rk_file_write(const char *path, unsigned mode, rk_bytes bytes, rk_error *error);
/* Makes a file that was not there; RK_DATABASE_EXISTS when it was. */
RK_MUST_USE rk_status rk_file_write_new(const char *path, unsigned mode, rk_bytes bytes, rk_error *error);
bool rk_file_there(const char *path);
/* 0 when there is no such file. */
uint64_t rk_file_size(const char *path);
/* Whether it is there or not. */
void rk_file_remove(const char *path);
/* "folder/name" within RK_PATH_SIZE_MAX; RK_LIMIT. */
RK_MUST_USE rk_status rk_path_join(char out[RK_PATH_SIZE_MAX], const char *folder, const char *name, rk_error *error);

/* Writing in pieces. Embedded by value; the fields are the writer's own. A device or pipe is written in place. */
typedef struct rk_file_writer {
    void *stream; /* NULL when closed */
    bool in_place;
    char path[RK_PATH_SIZE_MAX];
    char temporary[RK_PATH_SIZE_MAX];
} rk_file_writer;

RK_MUST_USE rk_status rk_file_writer_open(rk_file_writer *writer, const char *path, unsigned mode, rk_error *error);
RK_MUST_USE rk_status rk_file_writer_write(rk_file_writer *writer, rk_bytes bytes, rk_error *error);
/* Another name for what is being written, known only now; in the same folder. RK_LIMIT. */
RK_MUST_USE rk_status rk_file_writer_name(rk_file_writer *writer, const char *path, rk_error *error);
/* Makes it durable under its name. */
RK_MUST_USE rk_status rk_file_writer_finish(rk_file_writer *writer, rk_error *error);
/* Leaves no trace, instead of finish. A finished or never opened writer (all zero) is allowed. */
void rk_file_writer_abort(rk_file_writer *writer);

#endif
