/*
 * Loops: threads that run libmicrohttpd, each with connections of its own.
 *
 * The library has such threads too, but wakes them for each connection that goes on. Here a writer hands over all the
 * answers of a group at once, and a loop hands writers all that one look at its sockets brought.
 *
 * Invariants
 *   (1) A connection is its loop's: only that thread calls libmicrohttpd for it. Others say that it goes on.
 *   (2) Connections go to loops in turn, so that none has more than its share: one more thread accepts them.
 *   (3) An account that a loop has scheduled is in the writers' queue before the loop waits.
 *   (4) A loop that has been left something is awake, or somebody wakes it who does nothing else before.
 */
#include <string.h>

#include "door/http/request.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/limits.h"
#include "io/memory.h"
#include "io/socket.h"
#include "io/tls.h"
#include "io/waker.h"

enum { TLS_OPTIONS = 4, ACCEPT_PAUSE_MS = 10 };

/* A connection that was accepted, on its way to its loop. */
typedef struct guest {
    int socket;
    uint8_t address[RK_SOCKET_ADDRESS_SIZE];
    unsigned address_size;
    struct guest *next;
} guest;

struct rki_loop {
    rk_server *server;
    struct MHD_Daemon *daemon;
    rk_waker *waker;
    rk_thread *thread;
    rki_account *scheduled; /* that writers are to be told of; the thread's own */
    rk_mutex *mutex;        /* of all below */
    rki_request *first, *last;
    guest *guests;
    bool ends;
    bool asleep;     /* it waits for a word */
    rki_loop *relay; /* the next that it wakes */
};

/* ---- going on ---- */

/* Leaves the requests with the loop. Returns whom to wake for it: the loop, which then wakes `next`, or only `next`. */
static rki_loop *leave_with(rki_loop *loop, rki_request *first, rki_request *last, rki_loop *next) {
    rk_mutex_lock(loop->mutex);
    bool sleeps = loop->asleep && !loop->first; /* with something left already it has been woken */
    if (loop->last) {
        loop->last->next_resumed = first;
    } else {
        loop->first = first;
    }
    loop->last = last;
    if (sleeps) loop->relay = next;
    rk_mutex_unlock(loop->mutex);
    return sleeps ? loop : next;
}

static void wake(rki_loop *loop) {
    if (loop) rk_waker_wake(loop->waker);
}

void rki_resume(rki_request *request) {
    request->next_resumed = NULL;
    wake(leave_with(request->loop, request, request, NULL));
}

/* Those of one loop are told together, and one loop wakes the next: waking takes longer than writing a row. */
void rki_resume_all(rk_server *server, rki_request *first) {
    rki_request *heads[RK_SERVER_THREADS_MAX] = {NULL}, *tails[RK_SERVER_THREADS_MAX];
    rki_loop *sleeper = NULL;
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
        if (heads[i]) sleeper = leave_with(&server->loops[i], heads[i], tails[i], sleeper);
    }
    wake(sleeper);
}

void rki_loop_schedule(rki_loop *loop, rki_account *account) {
    account->next = loop->scheduled;
    loop->scheduled = account;
}

rk_server *rki_loop_server(const rki_loop *loop) {
    return loop->server;
}

/* ---- a loop's thread ---- */

/* One that the library does not take is closed by it. */
static void welcome(rki_loop *loop, guest *first) {
    const rk_memory *memory = rk_memory_system();
    while (first) {
        guest *guest = first;
        struct sockaddr_storage address;
        first = guest->next;
        memcpy(&address, guest->address, sizeof address);
        (void)MHD_add_connection(loop->daemon, guest->socket, (struct sockaddr *)&address, guest->address_size);
        memory->give(memory->context, guest, sizeof *guest);
    }
}

/* What others said since the last time, if anything. False when it is time to end. */
static bool go_on(rki_loop *loop, bool *told_out) {
    rk_mutex_lock(loop->mutex);
    rki_request *first = loop->first;
    guest *guests = loop->guests;
    bool ends = loop->ends;
    rki_loop *relay = loop->relay;
    loop->first = loop->last = NULL;
    loop->guests = NULL;
    loop->relay = NULL;
    loop->asleep = false;
    rk_mutex_unlock(loop->mutex);
    wake(relay);
    *told_out = first || guests;
    while (first) {
        rki_request *request = first;
        first = request->next_resumed;
        MHD_resume_connection(request->connection);
    }
    welcome(loop, guests);
    return !ends;
}

/* False when there is a word for it already. */
static bool fall_asleep(rki_loop *loop) {
    rk_mutex_lock(loop->mutex);
    loop->asleep = !loop->first && !loop->guests && !loop->ends;
    bool asleep = loop->asleep;
    rk_mutex_unlock(loop->mutex);
    return asleep;
}

static void run_loop(void *context) {
    rki_loop *loop = context;
    for (bool told = false; go_on(loop, &told);) {
        bool waits = !told && fall_asleep(loop);
        (void)MHD_run_wait(loop->daemon, waits ? -1 : 0);
        if (loop->scheduled) rki_writers_call(loop->server, loop->scheduled);
        loop->scheduled = NULL;
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

/* ---- accepting ---- */

static void hand_over(rki_loop *loop, const guest *accepted) {
    const rk_memory *memory = rk_memory_system();
    guest *guest = memory->take(memory->context, sizeof *guest);
    if (!guest) {
        rk_socket_close(accepted->socket);
        return;
    }
    *guest = *accepted;
    rk_mutex_lock(loop->mutex);
    guest->next = loop->guests;
    loop->guests = guest;
    rk_mutex_unlock(loop->mutex);
    rk_waker_wake(loop->waker);
}

/* Who comes when there are as many as there may be waits in front. */
static void accept_guests(void *context) {
    rk_server *server = context;
    for (size_t turn = 0; !server->leaving;) {
        guest guest;
        bool full = rki_lobby_count(server) >= server->connections_max;
        guest.socket = full ? -1 : rk_socket_accept(server->socket, guest.address, &guest.address_size);
        if (guest.socket >= 0) {
            hand_over(&server->loops[turn++ % server->options.threads], &guest);
        } else if (!server->leaving) {
            rk_clock_sleep_ms(ACCEPT_PAUSE_MS);
        }
    }
}

/* The other files are the accounts'; one address leaves room for others. */
static void plan_connections(rk_server *server) {
    uint64_t files = rk_limits_raise_files(), connections = files - files / 4;
    if (connections > RK_SERVER_CONNECTIONS_MAX) connections = RK_SERVER_CONNECTIONS_MAX;
    rki_accounts_plan(server, files - connections);
    if (server->options.address_connections == 0) server->options.address_connections = connections - connections / 4;
    server->connections_max = connections;
}

/* Paths and arguments are decoded by the router, segment by segment: "%2F" is no slash. */
static size_t leave_encoded(void *context, struct MHD_Connection *connection, char *text) {
    (void)context, (void)connection;
    return strlen(text);
}

static rk_status start_loop(rk_server *server, rki_loop *loop, const struct MHD_OptionItem *tls, rk_error *error) {
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET;
    if (server->options.tls_cert) flags |= MHD_USE_TLS;
    loop->server = server;
    loop->daemon = MHD_start_daemon(
        flags, 0, rki_lobby_accept, server, rki_handle_request, server, MHD_OPTION_NOTIFY_COMPLETED, rki_request_end,
        server, MHD_OPTION_CONNECTION_LIMIT, (unsigned)server->connections_max, MHD_OPTION_NOTIFY_CONNECTION,
        rki_lobby_notify, server, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)rki_idle_seconds(server),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)RK_SERVER_HEADER_MAX, MHD_OPTION_URI_LOG_CALLBACK,
        rki_request_begin, loop, MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!loop->daemon) return rk_fail(error, RK_IO, server->options.address, "libmicrohttpd does not start");
    loop->mutex = rk_mutex_new();
    /* It passes over events that carry NULL: that is how it is woken in every version that has epoll. */
    loop->waker = rk_waker_new(MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    if (loop->mutex && loop->waker) return RK_OK;
    return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a thread of the server");
}

rk_status rki_loops_start(rk_server *server, rk_error *error) {
    const rk_server_options *options = &server->options;
    struct MHD_OptionItem tls[TLS_OPTIONS] = {{MHD_OPTION_END, 0, NULL}};
    rk_address address;
    if (!rk_address_of(options->address, options->port, &address)) {
        return rk_fail(error, RK_USAGE, "--listen", "\"%s\" is no address", options->address);
    }
    if (options->tls_cert) RK_TRY(prepare_tls(server, tls, error));
    plan_connections(server);
    server->socket = rk_socket_listen(&address);
    if (server->socket < 0) {
        return rk_fail(error, RK_IO, options->address, "port %u cannot be listened on", (uint64_t)options->port);
    }
    server->loops = rk_arena_take(&server->arena, options->threads * sizeof *server->loops);
    if (!server->loops) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the server");
    memset(server->loops, 0, options->threads * sizeof *server->loops);
    for (unsigned i = 0; i < options->threads; i++) {
        RK_TRY(start_loop(server, &server->loops[i], tls, error));
    }
    for (unsigned i = 0; i < options->threads; i++) {
        RK_TRY(rk_thread_start(run_loop, &server->loops[i], &server->loops[i].thread, error));
    }
    return rk_thread_start(accept_guests, server, &server->porter, error);
}

uint16_t rk_server_port(const rk_server *server) {
    return rk_socket_port(server->socket);
}

/* ---- stopping ---- */

void rki_loops_leave(rk_server *server) {
    server->leaving = true;
    if (server->socket >= 0) rk_socket_shut(server->socket);
    rk_thread_join(server->porter);
    server->porter = NULL;
}

static void end_thread(rki_loop *loop) {
    if (loop->thread) {
        rk_mutex_lock(loop->mutex);
        loop->ends = true;
        rk_mutex_unlock(loop->mutex);
        wake(loop);
    }
    rk_thread_join(loop->thread);
    loop->thread = NULL;
}

/* Guests that no thread welcomed any more are closed with the others. */
static void close_connections(rki_loop *loop) {
    bool told;
    if (loop->mutex && loop->waker) (void)go_on(loop, &told);
    if (loop->daemon) MHD_stop_daemon(loop->daemon);
    loop->daemon = NULL;
}

static void free_loop(rki_loop *loop) {
    rk_waker_free(loop->waker);
    rk_mutex_free(loop->mutex);
}

void rki_loops_stop(rk_server *server) {
    static void (*const steps[])(rki_loop *) = {end_thread, close_connections, free_loop};
    for (size_t step = 0; step < 3; step++) { /* one for all of them: a loop may have another to wake to its end */
        for (unsigned i = 0; server->loops && i < server->options.threads; i++) steps[step](&server->loops[i]);
    }
    if (server->socket >= 0) rk_socket_close(server->socket);
    server->socket = -1;
    server->loops = NULL;
}
