/*
 * The server as a command: until the process is told to stop.
 */
#ifndef RK_DOOR_HTTP_SERVE_H
#define RK_DOOR_HTTP_SERVE_H

#include "door/serve.h"

const rk_server_world *rk_server_http(void);

#endif
