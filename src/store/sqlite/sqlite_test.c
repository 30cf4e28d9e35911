/*
 * The log on SQLite: the conformance suite of the seam, and what is SQLite's alone.
 */
#include "store/sqlite/sqlite_log.h"

#include "store/log_testing.h"

int main(void) {
    return rk_log_conformance(rk_log_sqlite());
}
