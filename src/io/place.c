/*
 * The place of a database, from what only the kernel writes.
 */
#include "io/place.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "io/file.h"

enum { PLACE_FORMAT = 1, PLACE_SIZE = 29 };

static const char home_text[] =
    "This file tells this database from its copies, by its inode and change time. Leave it where it is.\n";

rk_status rk_place_read(const char *path, bool renew, rk_arena *arena, rk_bytes *place_out, rk_error *error) {
    char home[RK_PATH_SIZE_MAX], log[RK_PATH_SIZE_MAX];
    struct stat found, found_log;
    *place_out = (rk_bytes){NULL, 0};
    RK_TRY(rk_path_join(home, path, "home", error));
    RK_TRY(rk_path_join(log, path, "log.db", error));
    if (renew) RK_TRY(rk_file_write(home, 0600, rk_bytes_of_string(home_text), error));
    if (stat(home, &found) != 0) {
        return errno == ENOENT ? RK_OK : rk_fail(error, RK_IO, home, "it cannot be read: %s", strerror(errno));
    }
    uint8_t *place = rk_arena_take(arena, PLACE_SIZE);
    if (!place) return rk_fail(error, RK_NO_MEMORY, home, "no memory for the place");
    uint32_t nanos = (uint32_t)found.st_ctim.tv_nsec;
    place[0] = PLACE_FORMAT;
    rk_put_u64(place + 1, (uint64_t)found.st_ino);
    rk_put_u64(place + 9, (uint64_t)found.st_ctim.tv_sec);
    for (int i = 0; i < 4; i++) place[17 + i] = (uint8_t)(nanos >> (24 - 8 * i));
    rk_put_u64(place + 21, stat(log, &found_log) == 0 ? (uint64_t)found_log.st_ino : 0);
    *place_out = rk_bytes_of(place, PLACE_SIZE);
    return RK_OK;
}
