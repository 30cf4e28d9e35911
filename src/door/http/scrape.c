/*
 * Giving the counts to Prometheus: GET /metrics at an address of its own, which nobody else is told of.
 *
 * Invariants
 *   (1) The listener of the accounts does not have them: who may see how a server fares is who may reach that address.
 *   (2) It has a thread of its own, and few connections: it answers while all others are busy.
 */
#include <string.h>

#include "door/cli.h"
#include "door/http/request.h"
#include "io/address.h"
#include "io/memory.h"
#include "io/process.h"

enum { SCRAPED_SIZE_MAX = 4 << 20, SCRAPED_CONNECTIONS_MAX = 16, SCRAPED_IDLE_SECONDS = 15 };

/* Under the server's lock. */
static void count_account(rki_account *account, rk_metrics_now *now) {
    rk_mutex_lock(account->mutex);
    now->turns += account->turn_count;
    rk_mutex_unlock(account->mutex);
}

static rk_metrics_now look(rk_server *server) {
    rk_metrics_now now = {.version = RK_VERSION, .started_s = server->started_ms / 1000};
    now.connections = rki_lobby_count(server);
    rk_mutex_lock(server->mutex);
    now.accounts_known = server->accounts.entry_count;
    now.accounts_open = server->open_count;
    now.accounts_open_max = server->open_max;
    now.streams = server->streams;
    now.waiting = server->unanswered;
    now.body_bytes = server->reserved;
    now.handles = server->handles;
    for (size_t i = 0; i < server->accounts.entry_count; i++) count_account(server->accounts.entries[i].value, &now);
    rk_mutex_unlock(server->mutex);
    now.resident_bytes = rk_process_memory();
    now.open_files = rk_process_files();
    now.files_max = rk_process_files_max();
    return now;
}

static struct MHD_Response *make_text(rk_server *server) {
    rk_arena arena;
    rk_buffer buffer;
    rk_bytes text;
    size_t count = 0;
    struct MHD_Response *response = NULL;
    const char *const *names = rki_operation_names(&count);
    const rk_metrics_now now = look(server);
    rk_arena_init(&arena, rk_memory_system(), 4 * SCRAPED_SIZE_MAX);
    rk_buffer_init(&buffer, &arena, SCRAPED_SIZE_MAX);
    rk_metrics_text(&server->metrics, &now, names, count, &buffer);
    if (rk_buffer_finish(&buffer, &text) == RK_OK) {
        response = MHD_create_response_from_buffer(text.size, (void *)(uintptr_t)text.data, MHD_RESPMEM_MUST_COPY);
    }
    rk_arena_free(&arena);
    return response;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *data, size_t *size, void **slot) {
    static char seen;
    bool gets = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    unsigned status = strcmp(path, "/metrics") != 0 ? 404 : gets ? 200 : 405;
    (void)version, (void)data;
    if (*slot != &seen) { /* its head alone */
        *slot = &seen;
        return MHD_YES;
    }
    if (*size > 0) { /* a body that nobody asked for */
        *size = 0;
        return MHD_YES;
    }
    struct MHD_Response *response =
        status == 200 ? make_text(context) : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (!response) return MHD_NO;
    enum MHD_Result added = MHD_YES;
    if (status == 200) {
        added =
            MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    }
    if (status == 405) added = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = added == MHD_YES ? MHD_queue_response(connection, status, response) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

rk_status rki_scrape_start(rk_server *server, rk_error *error) {
    const char *where = server->options.metrics_address;
    rk_address address;
    if (!where) return RK_OK;
    if (!rk_address_of(where, server->options.metrics_port, &address)) {
        return rk_fail(error, RK_USAGE, "--metrics", "\"%s\" is no address", where);
    }
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | (address.is_6 ? MHD_USE_IPv6 : 0);
    server->scraped =
        MHD_start_daemon(flags, server->options.metrics_port, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR,
                         address.bytes, MHD_OPTION_CONNECTION_LIMIT, (unsigned)SCRAPED_CONNECTIONS_MAX,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SCRAPED_IDLE_SECONDS, MHD_OPTION_END);
    if (server->scraped) return RK_OK;
    return rk_fail(error, RK_IO, where, "port %u cannot be listened on", (uint64_t)server->options.metrics_port);
}

void rki_scrape_stop(rk_server *server) {
    if (server->scraped) MHD_stop_daemon(server->scraped);
    server->scraped = NULL;
}

uint16_t rk_server_metrics_port(const rk_server *server) {
    if (!server->scraped) return 0;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->scraped, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}
