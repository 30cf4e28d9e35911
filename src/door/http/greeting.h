/*
 * What a server says when it has begun: where it listens, and to a person what to do next.
 */
#ifndef RK_DOOR_HTTP_GREETING_H
#define RK_DOOR_HTTP_GREETING_H

#include "door/serve.h"

/*
 * Prints the line with the address, which scripts and --json readers rely on, and that of the counts where they are
 * given; below it, on a terminal only, the
 * accounts that were found and how to ask them. That nobody can be served yet is said on standard error wherever that
 * goes.
 */
void rki_greet(const rk_server_options *options, uint16_t port, uint16_t metrics_port);

#endif
