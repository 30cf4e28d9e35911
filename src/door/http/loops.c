/*
 * Loops: threads that run libmicrohttpd, each with connections of its own.
 *
 * The library has such threads too, but wakes them for each connection that goes on. Here a writer hands over all the
 * answers of a group at once, and a loop hands writers all that one look at its sockets brought.
 *
 * Invariants
 *   (1) A connection is its loop's: only that thread calls libmicrohttpd for it. Others say that it goes on.
 *   (2) All loops listen on one socket. They leave it before it is closed.
 *   (3) An account that a loop has scheduled is in the writers' queue before the loop waits.
 */
#include <string.h>

#include "door/http/request.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/limits.h"
#include "io/memory.h"
#include "io/socket.h"
#include "io/tls.h"
#include "io/waiter.h"

enum { TLS_OPTIONS = 4 };

struct rki_loop {
    rk_server *server;
    struct MHD_Daemon *daemon;
    rk_waiter *waiter;
    rk_thread *thread;
    rki_account *scheduled; /* that writers are to be told of; the thread's own */
    rk_mutex *mutex;        /* of all below */
    rki_request *first, *last;
    bool leaves; /* it takes no new connections any more */
    bool ends;
};

/* ---- going on ---- */

static void stand(rki_loop *loop, rki_request *first, rki_request *last) {
    rk_mutex_lock(loop->mutex);
    bool waits = !loop->first;
    if (loop->last) {
        loop->last->next_resumed = first;
    } else {
        loop->first = first;
    }
    loop->last = last;
    rk_mutex_unlock(loop->mutex);
    if (waits) rk_waiter_wake(loop->waiter);
}

void rki_resume(rki_request *request) {
    request->next_resumed = NULL;
    stand(request->loop, request, request);
}

/* Those of one loop are told together. */
void rki_resume_all(rk_server *server, rki_request *first) {
    rki_request *heads[RK_SERVER_THREADS_MAX] = {NULL}, *tails[RK_SERVER_THREADS_MAX];
    while (first) {
        rki_request *request = first;
        size_t index = (size_t)(request->loop - server->loops);
        first = request->job.next;
        request->next_resumed = NULL;
        if (heads[index]) {
            tails[index]->next_resumed = request;
        } else {
            heads[index] = request;
        }
        tails[index] = request;
    }
    for (size_t i = 0; i < server->options.threads; i++) {
        if (heads[i]) stand(&server->loops[i], heads[i], tails[i]);
    }
}

void rki_loop_schedule(rki_loop *loop, rki_account *account) {
    account->next = loop->scheduled;
    loop->scheduled = account;
}

rk_server *rki_loop_server(const rki_loop *loop) {
    return loop->server;
}

/* ---- a loop's thread ---- */

/* What others said since the last time. False when it is time to end. */
static bool go_on(rki_loop *loop) {
    rk_mutex_lock(loop->mutex);
    rki_request *first = loop->first;
    bool leaves = loop->leaves, ends = loop->ends;
    loop->first = loop->last = NULL;
    loop->leaves = false;
    rk_mutex_unlock(loop->mutex);
    while (first) {
        rki_request *request = first;
        first = request->next_resumed;
        MHD_resume_connection(request->connection);
    }
    if (leaves) (void)MHD_quiesce_daemon(loop->daemon);
    return !ends;
}

static void run_loop(void *context) {
    rki_loop *loop = context;
    while (go_on(loop)) {
        MHD_UNSIGNED_LONG_LONG ms = 0;
        (void)MHD_run(loop->daemon);
        if (loop->scheduled) rki_writers_call(loop->server, loop->scheduled);
        loop->scheduled = NULL;
        bool bound = MHD_get_timeout(loop->daemon, &ms) == MHD_YES;
        rk_waiter_wait(loop->waiter, !bound ? -1 : ms < INT32_MAX ? (int)ms : INT32_MAX);
    }
}

/* ---- starting ---- */

/* TLS 1.2 and 1.3, by the library's usual ciphers. The certificate is in the server's arena. */
static rk_status prepare_tls(rk_server *server, struct MHD_OptionItem out[TLS_OPTIONS], rk_error *error) {
    static const char versions[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";
    const char *cert, *key;
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
        return rk_fail(error, RK_USAGE, "--tls-cert", "this libmicrohttpd was built without TLS");
    }
    RK_TRY(rk_tls_read(server->options.tls_cert, server->options.tls_key, &server->arena, &cert, &key, error));
    out[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert};
    out[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key};
    out[2] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)versions};
    out[3] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return RK_OK;
}

/* Connections that one loop may have. The other files are the accounts'; one address leaves room for others. */
static unsigned plan_connections(rk_server *server) {
    uint64_t files = rk_limits_raise_files(), connections = files - files / 4;
    if (connections > RK_SERVER_CONNECTIONS_MAX) connections = RK_SERVER_CONNECTIONS_MAX;
    rki_accounts_plan(server, files - connections);
    if (server->options.address_connections == 0) server->options.address_connections = connections - connections / 4;
    return (unsigned)connections / server->options.threads;
}

/* Paths and arguments are decoded by the router, segment by segment: "%2F" is no slash. */
static size_t leave_encoded(void *context, struct MHD_Connection *connection, char *text) {
    (void)context, (void)connection;
    return strlen(text);
}

static int socket_of(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_LISTEN_FD);
    return info ? info->listen_fd : -1;
}

/* The first one listens at `address`, the others with it. */
static rk_status start_loop(rk_server *server, rki_loop *loop, unsigned flags, const rk_address *address,
                            unsigned connections, const struct MHD_OptionItem *tls, rk_error *error) {
    const struct MHD_OptionItem at[] = {{MHD_OPTION_SOCK_ADDR, 0, (void *)(uintptr_t)address->bytes},
                                        {MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem with[] = {{MHD_OPTION_LISTEN_SOCKET, server->socket, NULL}, {MHD_OPTION_END, 0, NULL}};
    loop->server = server;
    loop->daemon = MHD_start_daemon(
        flags, server->options.port, rki_lobby_accept, server, rki_handle_request, server, MHD_OPTION_ARRAY,
        loop == server->loops ? at : with, MHD_OPTION_NOTIFY_COMPLETED, rki_request_end, server,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_NOTIFY_CONNECTION, rki_lobby_notify, server,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)rki_idle_seconds(server), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)RK_SERVER_HEADER_MAX, MHD_OPTION_URI_LOG_CALLBACK, rki_request_begin, loop,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024U, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!loop->daemon) {
        uint64_t port = server->options.port;
        return rk_fail(error, RK_IO, server->options.address, "port %u cannot be listened on", port);
    }
    if (loop == server->loops) server->socket = socket_of(loop->daemon);
    loop->mutex = rk_mutex_new();
    loop->waiter = rk_waiter_new(MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    if (loop->mutex && loop->waiter) return RK_OK;
    return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a thread of the server");
}

rk_status rki_loops_start(rk_server *server, rk_error *error) {
    const rk_server_options *options = &server->options;
    struct MHD_OptionItem tls[TLS_OPTIONS] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    rk_address address;
    if (!rk_address_of(options->address, options->port, &address)) {
        return rk_fail(error, RK_USAGE, "--listen", "\"%s\" is no address", options->address);
    }
    unsigned connections = plan_connections(server);
    if (address.is_6) flags |= MHD_USE_IPv6;
    if (options->tls_cert) {
        flags |= MHD_USE_TLS;
        RK_TRY(prepare_tls(server, tls, error));
    }
    server->loops = rk_arena_take(&server->arena, options->threads * sizeof *server->loops);
    if (!server->loops) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the server");
    memset(server->loops, 0, options->threads * sizeof *server->loops);
    for (unsigned i = 0; i < options->threads; i++) {
        RK_TRY(start_loop(server, &server->loops[i], flags, &address, connections, tls, error));
    }
    for (unsigned i = 0; i < options->threads; i++) {
        RK_TRY(rk_thread_start(run_loop, &server->loops[i], &server->loops[i].thread, error));
    }
    return RK_OK;
}

uint16_t rk_server_port(const rk_server *server) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->loops[0].daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

/* ---- stopping ---- */

static void tell(rki_loop *loop, bool leaves, bool ends) {
    rk_mutex_lock(loop->mutex);
    loop->leaves |= leaves;
    loop->ends |= ends;
    rk_mutex_unlock(loop->mutex);
    rk_waiter_wake(loop->waiter);
}

void rki_loops_leave(rk_server *server) {
    for (unsigned i = 0; server->loops && i < server->options.threads; i++) {
        if (server->loops[i].thread) tell(&server->loops[i], true, false);
    }
}

/* A loop that has not left yet does so here: its thread has ended, or never was. */
static void stop_loop(rki_loop *loop) {
    if (loop->thread) tell(loop, false, true);
    rk_thread_join(loop->thread);
    if (loop->daemon) (void)MHD_quiesce_daemon(loop->daemon);
    if (loop->daemon) MHD_stop_daemon(loop->daemon);
    rk_waiter_free(loop->waiter);
    rk_mutex_free(loop->mutex);
}

void rki_loops_stop(rk_server *server) {
    if (!server->loops) return;
    for (unsigned i = 0; i < server->options.threads; i++) stop_loop(&server->loops[i]);
    if (server->loops[0].daemon) rk_socket_close(server->socket);
    server->loops = NULL;
}
