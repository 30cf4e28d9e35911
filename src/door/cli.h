/*
 * The command line: `reaktor COMMAND ...`.
 *
 * Results go to standard output, everything else to standard error. The process exit code is 0 done, 1 refused,
 * 2 usage, 3 corruption or I/O (rk_status_exit).
 */
#ifndef RK_DOOR_CLI_H
#define RK_DOOR_CLI_H

#include "door/serve.h"

#define RK_VERSION "0.1.0"

/* What the program is built with. */
typedef struct rk_cli_world {
    const rk_log_ops *store;
    const rk_server_world *server;
} rk_cli_world;

/* Runs one command; the exit code. */
int rk_cli_run(const rk_cli_world *world, int count, char *const *words);

#endif
