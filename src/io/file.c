/*
 * Files through stdio, and what stdio lacks: fsync, rename, modes.
 */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

rk_status rk_file_fail(rk_error *error, const char *path, const char *what) {
    bool full = errno == ENOSPC || errno == EDQUOT;
    return rk_fail(error, full ? RK_DISK_FULL : RK_IO, path, "%s: %s", what, strerror(errno));
}

static bool is_standard(const char *path) {
    return path[0] == '-' && path[1] == 0;
}

/* ---- reading ---- */

static rk_status read_all(rk_arena *arena, FILE *file, const char *path, size_t size_max, rk_bytes *bytes_out,
                          rk_error *error) {
    size_t size = 0, capacity = 1 << 14;
    uint8_t *data = rk_arena_take(arena, capacity);
    while (data) {
        size += fread(data + size, 1, capacity - size, file);
        if (ferror(file)) return rk_file_fail(error, path, "it cannot be read");
        if (size > size_max) return rk_fail(error, RK_LIMIT, path, "it is larger than %u bytes", (uint64_t)size_max);
        if (size < capacity) {
            *bytes_out = (rk_bytes){data, size};
            return RK_OK;
        }
        data = rk_arena_grow(arena, data, capacity, capacity * 2);
        capacity *= 2;
    }
    return rk_fail(error, RK_NO_MEMORY, path, "no memory for it");
}

rk_status rk_file_read(rk_arena *arena, const char *path, size_t size_max, rk_bytes *bytes_out, rk_error *error) {
    *bytes_out = (rk_bytes){NULL, 0};
    if (is_standard(path)) return read_all(arena, stdin, "standard input", size_max, bytes_out, error);
    FILE *file = fopen(path, "rbe");
    if (!file) return rk_file_fail(error, path, "it cannot be opened");
    rk_status status = read_all(arena, file, path, size_max, bytes_out, error);
    fclose(file);
    return status;
}

bool rk_file_there(const char *path) {
    struct stat found;
    return lstat(path, &found) == 0;
}

uint64_t rk_file_size(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 ? (uint64_t)found.st_size : 0;
}

void rk_file_remove(const char *path) {
    unlink(path);
}

rk_status rk_path_join(char out[RK_PATH_SIZE_MAX], const char *folder, const char *name, rk_error *error) {
    size_t size = strlen(folder);
    bool slash = size > 0 && folder[size - 1] == '/';
    if (size + strlen(name) + 2 > RK_PATH_SIZE_MAX) return rk_fail(error, RK_LIMIT, name, "the path is too long");
    rk_format(out, RK_PATH_SIZE_MAX, slash ? "%s%s" : "%s/%s", folder, name);
    return RK_OK;
}

/* ---- writing ---- */

/* Renames and new names are durable only when the folder is. */
static rk_status sync_folder_of(const char *path, rk_error *error) {
    char folder[RK_PATH_SIZE_MAX];
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;
    rk_format(folder, sizeof folder, "%b", rk_bytes_of(path, size));
    const char *name = slash == path ? "/" : size ? folder : ".";
    int handle = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0) return rk_file_fail(error, name, "the folder cannot be opened");
    rk_status status = fsync(handle) ? rk_file_fail(error, name, "the folder cannot be made durable") : RK_OK;
    close(handle);
    return status;
}

static rk_status open_in_place(rk_file_writer *writer, const char *path, rk_error *error) {
    int handle = is_standard(path) ? dup(STDOUT_FILENO) : open(path, O_WRONLY | O_CLOEXEC);
    writer->in_place = true;
    writer->stream = handle < 0 ? NULL : fdopen(handle, "wb");
    if (writer->stream) return RK_OK;
    rk_status status = rk_file_fail(error, path, "it cannot be opened");
    if (handle >= 0) close(handle);
    return status;
}

static rk_status open_temporary(rk_file_writer *writer, unsigned mode, rk_error *error) {
    static const char suffix[] = ".new-XXXXXX";
    if (strlen(writer->path) + sizeof suffix > RK_PATH_SIZE_MAX) {
        return rk_fail(error, RK_LIMIT, writer->path, "the path is too long");
    }
    rk_format(writer->temporary, RK_PATH_SIZE_MAX, "%s%s", writer->path, suffix);
    int handle = mkostemp(writer->temporary, O_CLOEXEC);
    if (handle < 0) return rk_file_fail(error, writer->path, "it cannot be written");
    if (fchmod(handle, (mode_t)mode) == 0) writer->stream = fdopen(handle, "wb");
    if (writer->stream) return RK_OK;
    rk_status status = rk_file_fail(error, writer->path, "it cannot be written");
    close(handle);
    unlink(writer->temporary);
    return status;
}

rk_status rk_file_writer_open(rk_file_writer *writer, const char *path, unsigned mode, rk_error *error) {
    struct stat found;
    char real[PATH_MAX];
    memset(writer, 0, sizeof *writer);
    if (strlen(path) >= RK_PATH_SIZE_MAX) return rk_fail(error, RK_LIMIT, "path", "it is too long");
    rk_format(writer->path, RK_PATH_SIZE_MAX, "%s", path);
    if (is_standard(path)) return open_in_place(writer, path, error);
    if (stat(path, &found) == 0) {
        if (S_ISDIR(found.st_mode)) return rk_fail(error, RK_IO, path, "it is a folder");
        if (!S_ISREG(found.st_mode)) return open_in_place(writer, path, error);
        if (realpath(path, real)) rk_format(writer->path, RK_PATH_SIZE_MAX, "%s", real);
    }
    return open_temporary(writer, mode, error);
}

rk_status rk_file_writer_write(rk_file_writer *writer, rk_bytes bytes, rk_error *error) {
    if (bytes.size == 0 || fwrite(bytes.data, 1, bytes.size, writer->stream) == bytes.size) return RK_OK;
    return rk_file_fail(error, writer->path, "it cannot be written");
}

rk_status rk_file_writer_name(rk_file_writer *writer, const char *path, rk_error *error) {
    if (strlen(path) >= RK_PATH_SIZE_MAX) return rk_fail(error, RK_LIMIT, "path", "it is too long");
    rk_format(writer->path, RK_PATH_SIZE_MAX, "%s", path);
    return RK_OK;
}

static rk_status finish_in_place(rk_file_writer *writer, rk_error *error) {
    int failed = fclose(writer->stream);
    writer->stream = NULL;
    return failed ? rk_file_fail(error, writer->path, "it cannot be written") : RK_OK;
}

rk_status rk_file_writer_finish(rk_file_writer *writer, rk_error *error) {
    if (writer->in_place) return finish_in_place(writer, error);
    bool failed = fflush(writer->stream) != 0 || fsync(fileno(writer->stream)) != 0;
    rk_status status = failed ? rk_file_fail(error, writer->path, "it cannot be made durable") : RK_OK;
    if (fclose(writer->stream) != 0 && status == RK_OK) {
        status = rk_file_fail(error, writer->path, "it cannot be written");
    }
    writer->stream = NULL;
    if (status == RK_OK && rename(writer->temporary, writer->path) != 0) {
        status = rk_file_fail(error, writer->path, "it cannot be put in place");
    }
    if (status == RK_OK) return sync_folder_of(writer->path, error);
    unlink(writer->temporary);
    return status;
}

void rk_file_writer_abort(rk_file_writer *writer) {
    if (!writer->stream) return;
    fclose(writer->stream);
    writer->stream = NULL;
    if (!writer->in_place) unlink(writer->temporary);
}

rk_status rk_file_write(const char *path, unsigned mode, rk_bytes bytes, rk_error *error) {
    rk_file_writer writer;
    RK_TRY(rk_file_writer_open(&writer, path, mode, error));
    rk_status status = rk_file_writer_write(&writer, bytes, error);
    if (status == RK_OK) return rk_file_writer_finish(&writer, error);
    rk_file_writer_abort(&writer);
    return status;
}

rk_status rk_file_write_new(const char *path, unsigned mode, rk_bytes bytes, rk_error *error) {
    rk_file_writer writer = {.in_place = false};
    if (strlen(path) >= RK_PATH_SIZE_MAX) return rk_fail(error, RK_LIMIT, "path", "it is too long");
    rk_format(writer.path, RK_PATH_SIZE_MAX, "%s", path);
    RK_TRY(open_temporary(&writer, mode, error));
    bool failed = fwrite(bytes.data, 1, bytes.size, writer.stream) != bytes.size || fflush(writer.stream) != 0 ||
                  fsync(fileno(writer.stream)) != 0;
    rk_status status = failed ? rk_file_fail(error, path, "it cannot be written") : RK_OK;
    if (!failed && link(writer.temporary, path) != 0) {
        status = errno == EEXIST ? rk_fail(error, RK_DATABASE_EXISTS, path, "it is there already")
                                 : rk_file_fail(error, path, "it cannot be put in place");
    }
    rk_file_writer_abort(&writer);
    return status == RK_OK ? sync_folder_of(path, error) : status;
}
