/*
 * The log on SQLite passes the conformance suite of the seam. What is SQLite's alone is in damage_test.c, and the suite
 * again for a log that files after every few events in fresh_test.c.
 */
#include "store/sqlite/sqlite_log.h"

#include "store/log_testing.h"

int main(void) {
    return rk_log_conformance(rk_log_sqlite());
}
