/*
 * The program: the command line on the SQLite log, and nothing else.
 */
#include "door/cli.h"
#include "store/sqlite/sqlite_log.h"

int main(int count, char **words) {
    const rk_cli_world world = {.store = rk_log_sqlite()};
    return rk_cli_run(&world, count, words);
}
