/*
 * Folders from the operating system.
 */
#include "io/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool rk_folder_there(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static rk_status make_parents(const char *path, rk_error *error) {
    char above[RK_PATH_SIZE_MAX];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        rk_format(above, sizeof above, "%b", rk_bytes_of(path, (size_t)(slash - path)));
        if (mkdir(above, 0777) != 0 && !rk_folder_there(above)) {
            return rk_file_fail(error, above, "the folder cannot be made");
        }
    }
    return RK_OK;
}

rk_status rk_folder_make(const char *path, unsigned mode, bool *made_out, rk_error *error) {
    if (made_out) *made_out = false;
    if (path[0] == 0 || strlen(path) >= RK_PATH_SIZE_MAX) return rk_fail(error, RK_LIMIT, "path", "empty or too long");
    if (rk_folder_there(path)) return RK_OK;
    RK_TRY(make_parents(path, error));
    if (mkdir(path, (mode_t)mode) == 0) {
        if (made_out) *made_out = true;
        return RK_OK;
    }
    if (rk_folder_there(path)) return RK_OK; /* another process was faster, or the path ends in a slash */
    return rk_file_fail(error, path, "the folder cannot be made");
}

rk_status rk_folder_real(const char *path, char out[RK_PATH_SIZE_MAX], rk_error *error) {
    char real[PATH_MAX];
    if (!realpath(path, real)) return rk_file_fail(error, path, "there is no such folder");
    rk_format(out, RK_PATH_SIZE_MAX, "%s", real);
    return RK_OK;
}

void rk_folder_remove(const char *path) {
    rmdir(path);
}

rk_status rk_folder_list(const char *path, rk_folder_visitor visit, void *context, rk_error *error) {
    DIR *folder = opendir(path);
    if (!folder && errno == ENOENT) return RK_OK;
    if (!folder) return rk_file_fail(error, path, "the folder cannot be read");
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') visit(context, entry->d_name);
    }
    closedir(folder);
    return RK_OK;
}

static rk_status sync_folder(const char *path, rk_error *error) {
    int handle = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0) return rk_file_fail(error, path, "the folder cannot be opened");
    rk_status status = fsync(handle) == 0 ? RK_OK : rk_file_fail(error, path, "the folder cannot be made durable");
    close(handle);
    return status;
}

static rk_status sync_folder_above(const char *path, rk_error *error) {
    char above[RK_PATH_SIZE_MAX];
    const char *slash = strrchr(path, '/');
    rk_format(above, sizeof above, "%b", slash ? rk_bytes_of(path, (size_t)(slash - path)) : RK_TEXT("."));
    return sync_folder(slash == path ? "/" : above, error);
}

rk_status rk_folder_rename(const char *from, const char *to, rk_error *error) {
    struct stat found;
    if (lstat(to, &found) == 0) return rk_fail(error, RK_DATABASE_EXISTS, to, "there is something of this name");
    RK_TRY(sync_folder(from, error)); /* what it holds, before its name */
    if (rename(from, to) != 0) return rk_file_fail(error, from, "the folder cannot be renamed");
    RK_TRY(sync_folder_above(to, error));
    return sync_folder_above(from, error);
}

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *walk) {
    (void)found, (void)walk;
    int failed = kind == FTW_DP || kind == FTW_D ? rmdir(path) : unlink(path);
    return failed && errno != ENOENT ? -1 : 0;
}

rk_status rk_folder_remove_all(const char *path, rk_error *error) {
    enum { HANDLES_MAX = 16 };
    struct stat found;
    if (lstat(path, &found) != 0 && errno == ENOENT) return RK_OK;
    if (nftw(path, remove_one, HANDLES_MAX, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT) return RK_OK;
    return rk_file_fail(error, path, "the folder cannot be removed");
}
