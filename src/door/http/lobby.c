/*
 * The lobby: connections, before it is known what they want. How many there are of an address, how fast it asks, and
 * how long a head and an answer may take.
 *
 * Invariants
 *   (1) Who asks too fast is refused (429), who has too many connections gets no more; others are served. Addresses
 *       that share all places of the crowd are counted together. What several threads accept at the same moment may
 *       pass the limit by as many.
 *   (2) libmicrohttpd closes a connection that is silent. One that is never silent and never done is closed here, when
 *       its head or its answer has taken longer than it may; streams have no such end.
 *   (3) A socket is touched only while its visitor is in the list: libmicrohttpd tells before it closes one.
 *   (4) This machine's own addresses are not counted where the options do not say so: a proxy's clients all come from
 *       there.
 */
#include "door/http/request.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/crypto.h"
#include "io/memory.h"
#include "io/socket.h"

typedef struct rki_visitor {
    int socket;
    bool counted;
    rk_crowd_key key;
    _Atomic uint64_t until_ms;         /* of the steady clock; 0: no bound */
    struct rki_visitor *before, *next; /* under the lobby's lock */
} rki_visitor;

struct rki_lobby {
    rk_mutex *mutex;
    rki_visitor *first;
    size_t count;
    rk_crowd crowd;
};

rk_status rki_lobby_open(rk_server *server, rk_error *error) {
    struct rki_lobby *lobby = rk_arena_take(&server->arena, sizeof *lobby);
    uint8_t seed[RK_CROWD_SEED_SIZE];
    if (!lobby || !(lobby->mutex = rk_mutex_new())) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the server");
    }
    rk_random_bytes(seed, sizeof seed);
    rk_crowd_init(&lobby->crowd, seed);
    server->lobby = lobby;
    return RK_OK;
}

void rki_lobby_close(rk_server *server) {
    if (server->lobby) rk_mutex_free(server->lobby->mutex);
    server->lobby = NULL;
}

uint64_t rki_idle_seconds(const rk_server *server) {
    return server->options.idle_seconds ? server->options.idle_seconds : RK_SERVER_IDLE_SECONDS;
}

/* ---- coming and going ---- */

static bool is_counted(const rk_server *server, const void *address) {
    return address && (server->options.address_local || !rk_address_is_local(address));
}

static rk_crowd_key key_of(const struct rki_lobby *lobby, const void *address) {
    uint8_t host[RK_ADDRESS_HOST_SIZE];
    rk_address_host(address, host);
    return rk_crowd_key_of(&lobby->crowd, rk_crypto_sodium(), rk_bytes_of(host, sizeof host));
}

enum MHD_Result rki_lobby_accept(void *context, const struct sockaddr *address, socklen_t size) {
    rk_server *server = context;
    struct rki_lobby *lobby = server->lobby;
    (void)size;
    if (server->options.address_connections == 0 || !is_counted(server, address)) return MHD_YES;
    rk_crowd_key key = key_of(lobby, address);
    rk_mutex_lock(lobby->mutex);
    bool full = rk_crowd_connections(&lobby->crowd, key) >= server->options.address_connections;
    rk_mutex_unlock(lobby->mutex);
    if (full) server->metrics.turned_away++;
    return full ? MHD_NO : MHD_YES;
}

static uint64_t head_until_ms(const rk_server *server) {
    return rk_clock_steady_us() / 1000 + RK_SERVER_HEAD_IDLES * rki_idle_seconds(server) * 1000;
}

static void come(rk_server *server, struct MHD_Connection *connection, void **slot) {
    const rk_memory *memory = rk_memory_system();
    struct rki_lobby *lobby = server->lobby;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const void *address = info ? info->client_addr : NULL;
    rki_visitor *visitor = memory->take(memory->context, sizeof *visitor);
    server->metrics.connections++;
    *slot = visitor;
    if (!visitor) return;
    *visitor = (rki_visitor){.counted = is_counted(server, address), .until_ms = head_until_ms(server)};
    if (visitor->counted) visitor->key = key_of(lobby, address);
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    visitor->socket = info ? info->connect_fd : -1;
    rk_mutex_lock(lobby->mutex);
    if (visitor->counted) rk_crowd_join(&lobby->crowd, visitor->key);
    visitor->next = lobby->first;
    if (visitor->next) visitor->next->before = visitor;
    lobby->first = visitor;
    lobby->count++;
    rk_mutex_unlock(lobby->mutex);
}

static void go(rk_server *server, void **slot) {
    const rk_memory *memory = rk_memory_system();
    struct rki_lobby *lobby = server->lobby;
    rki_visitor *visitor = *slot;
    if (!visitor) return;
    rk_mutex_lock(lobby->mutex);
    if (visitor->counted) rk_crowd_leave(&lobby->crowd, visitor->key);
    if (visitor->before) {
        visitor->before->next = visitor->next;
    } else {
        lobby->first = visitor->next;
    }
    if (visitor->next) visitor->next->before = visitor->before;
    lobby->count--;
    rk_mutex_unlock(lobby->mutex);
    memory->give(memory->context, visitor, sizeof *visitor);
    *slot = NULL;
}

void rki_lobby_notify(void *context, struct MHD_Connection *connection, void **slot,
                      enum MHD_ConnectionNotificationCode code) {
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        come(context, connection, slot);
    } else {
        go(context, slot);
    }
}

/* ---- asking ---- */

rk_status rki_lobby_ask(rki_request *request, rk_error *error) {
    struct rki_lobby *lobby = request->server->lobby;
    uint64_t most = request->server->options.address_rate, wait_ms = 0;
    if (most == 0 || !request->visitor || !request->visitor->counted) return RK_OK;
    rk_mutex_lock(lobby->mutex);
    bool taken = rk_crowd_take(&lobby->crowd, request->visitor->key, most, rk_clock_ms(), &wait_ms);
    rk_mutex_unlock(lobby->mutex);
    if (taken) return RK_OK;
    request->answer.retry = (unsigned)((wait_ms + 999) / 1000);
    return rk_fail(error, RK_TOO_MANY, NULL, "an address may send %u requests a second", most);
}

/* ---- time ---- */

void rki_lobby_allow(rki_request *request, uint64_t seconds) {
    if (request->visitor) request->visitor->until_ms = seconds ? rk_clock_steady_us() / 1000 + seconds * 1000 : 0;
}

/* libmicrohttpd sees the end of a socket that was shut, and closes it. */
void rki_lobby_sweep(rk_server *server) {
    struct rki_lobby *lobby = server->lobby;
    uint64_t now_ms = rk_clock_steady_us() / 1000;
    rk_mutex_lock(lobby->mutex);
    for (rki_visitor *at = lobby->first; at; at = at->next) {
        uint64_t until_ms = at->until_ms;
        if (until_ms == 0 || until_ms > now_ms) continue;
        rk_socket_shut(at->socket);
        at->until_ms = 0;
        server->metrics.cut++;
    }
    rk_mutex_unlock(lobby->mutex);
}

size_t rki_lobby_count(rk_server *server) {
    rk_mutex_lock(server->lobby->mutex);
    size_t count = server->lobby->count;
    rk_mutex_unlock(server->lobby->mutex);
    return count;
}
