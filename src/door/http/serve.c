/*
 * Serving until SIGTERM or SIGINT.
 */
#include "door/http/serve.h"

#include <stdio.h>

#include "door/http/server.h"
#include "io/thread.h"

static rk_status serve(const rk_server_options *options, rk_error *error) {
    rk_server *server = NULL;
    rk_stop_prepare(); /* before any thread is there */
    RK_TRY(rk_server_start(options, &server, error));
    const char *form = options->json ? "{\"listening\":\"http://%s:%u\"}\n" : "listening on http://%s:%u\n";
    printf(form, options->address, (unsigned)rk_server_port(server));
    fflush(stdout);
    rk_stop_wait();
    rk_server_stop(server);
    return RK_OK;
}

/* The server's parts without the server: whoever holds the folder may speak for its actors. */
static rk_status token(const rk_server_options *options, rk_bytes account, rk_bytes actor, uint64_t seconds,
                       rk_arena *arena, rk_bytes *token_out, rk_error *error) {
    rk_server *server = NULL;
    RK_TRY(rk_server_prepare(options, &server, error));
    rk_status status = rk_server_token(server, account, actor, seconds, arena, token_out, error);
    rk_server_stop(server);
    return status;
}

const rk_server_world *rk_server_http(void) {
    static const rk_server_world world = {serve, token};
    return &world;
}
