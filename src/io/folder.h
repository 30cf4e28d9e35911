/*
 * Folders.
 */
#ifndef RK_IO_FOLDER_H
#define RK_IO_FOLDER_H

#include "io/file.h"

/*
 * Makes a folder and those above it that are missing; the last gets `mode`. One that is there stays as it is.
 * `made_out` may be NULL.
 */
RK_MUST_USE rk_status rk_folder_make(const char *path, unsigned mode, bool *made_out, rk_error *error);
/* Whether there is a folder of that name. */
bool rk_folder_there(const char *path);
/* The absolute path without links; RK_IO when there is no such folder. */
RK_MUST_USE rk_status rk_folder_real(const char *path, char out[RK_PATH_SIZE_MAX], rk_error *error);
/*
 * Gives a folder another name, durably, within one file system. RK_DATABASE_EXISTS when that name is taken, RK_IO. The
 * folder above the new name must be there.
 */
RK_MUST_USE rk_status rk_folder_rename(const char *from, const char *to, rk_error *error);
/* Removes it with all that is in it, following no links; one that is not there is fine. RK_IO: something is left. */
RK_MUST_USE rk_status rk_folder_remove_all(const char *path, rk_error *error);
/* Removes it if it is empty. */
void rk_folder_remove(const char *path);
/* Calls `visit` for each name in it, in no order. A folder that is not there has none. */
typedef void (*rk_folder_visitor)(void *context, const char *name);
RK_MUST_USE rk_status rk_folder_list(const char *path, rk_folder_visitor visit, void *context, rk_error *error);

#endif
