/*
 * The log on SQLite passes the conformance suite of the seam, as it is and when it files after every few events. What
 * is SQLite's alone is in damage_test.c.
 */
#include "store/sqlite/sqlite_log.h"

#include "store/log_testing.h"
#include "store/sqlite/internal.h"

static rk_status open_filing(const char *path, rk_log_mode mode, const rk_memory *memory, const rk_crypto *crypto,
                             const rk_log_listener *listener, rk_log **log_out, rk_error *error) {
    RK_TRY(rk_log_sqlite()->open(path, mode, memory, crypto, listener, log_out, error));
    (*log_out)->fresh.max = 3;
    return RK_OK;
}

int main(void) {
    rk_log_ops filing = *rk_log_sqlite();
    filing.name = "sqlite, filing";
    filing.open = open_filing;
    return rk_log_conformance(rk_log_sqlite()) + rk_log_conformance(&filing);
}
