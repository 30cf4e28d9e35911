/*
 * The program: the command line and the server on the SQLite log, and nothing else.
 */
#include "door/cli.h"
#include "door/http/serve.h"
#include "store/sqlite/sqlite_log.h"

int main(int count, char **words) {
    const rk_cli_world world = {.store = rk_log_sqlite(), .server = rk_server_http()};
    return rk_cli_run(&world, count, words);
}
