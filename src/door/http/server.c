/*
 * libmicrohttpd: connections in, answers out.
 *
 * A request's first call makes it, the next ones bring its body, the one after that runs it. An append suspends its
 * connection there; when a writer has its outcome, the connection is resumed and the call comes again.
 */
#include "door/http/server.h"

#include <string.h>

#include "door/http/request.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/crypto.h"
#include "io/folder.h"
#include "io/memory.h"

enum { SERVER_MEMORY_MAX = 256 << 20, FIRST_BODY = 4096 };

/* ---- a request's life ---- */

static rki_request *new_request(rk_server *server, struct MHD_Connection *connection) {
    const rk_memory *memory = rk_memory_system();
    rki_request *request = memory->take(memory->context, sizeof *request);
    uint8_t random[RKI_REQUEST_ID_SIZE];
    if (!request) return NULL;
    memset(request, 0, sizeof *request);
    request->server = server;
    request->connection = connection;
    request->started_ms = rk_clock_ms();
    rk_arena_init(&request->arena, memory, RKI_REQUEST_MEMORY_MAX);
    rk_buffer_init(&request->body, &request->arena, RK_SERVER_BODY_MAX);
    rk_random_bytes(random, sizeof random);
    rk_hex_write(rk_bytes_of(random, sizeof random), request->id);
    return request;
}

static void end_request(void *context, struct MHD_Connection *connection, void **slot,
                        enum MHD_RequestTerminationCode how) {
    const rk_memory *memory = rk_memory_system();
    rki_request *request = *slot;
    (void)context, (void)connection, (void)how;
    if (!request) return;
    rki_append_end(request);
    rki_live_end(request->live);
    rki_account_release(request->account);
    rk_arena_free(&request->arena);
    memory->give(memory->context, request, sizeof *request);
    *slot = NULL;
}

/* ---- answering ---- */

bool rki_stopping(rk_server *server) {
    rk_mutex_lock(server->mutex);
    bool stopping = server->stopping;
    rk_mutex_unlock(server->mutex);
    return stopping;
}

static enum MHD_Result send_answer(rki_request *request) {
    rki_answer *answer = &request->answer;
    struct MHD_Response *response = answer->stream;
    if (!response) {
        response = MHD_create_response_from_buffer(answer->body.size, (void *)(uintptr_t)answer->body.data,
                                                   MHD_RESPMEM_PERSISTENT);
    }
    if (!response) return MHD_NO;
    bool added = MHD_add_response_header(response, "X-Request-Id", request->id) == MHD_YES;
    if (answer->type) added &= MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type) == MHD_YES;
    if (answer->etag[0]) added &= MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, answer->etag) == MHD_YES;
    if (answer->allow) added &= MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow) == MHD_YES;
    if (answer->retry) added &= MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1") == MHD_YES;
    if (answer->status == 401) {
        added &= MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer") == MHD_YES;
    }
    /* Who is refused and asks again on the same connection would hold up those whose answers are still to come. */
    if (rki_stopping(request->server)) {
        added &= MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
    }
    added &= MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES;
    enum MHD_Result result = added ? MHD_queue_response(request->connection, answer->status, response) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(rki_request *request, const rk_error *error) {
    request->stage = RKI_ANSWERED;
    rki_answer_problem(request, error);
    return send_answer(request);
}

/* Runs the operation, from its beginning or after a writer had it. */
static enum MHD_Result run(rki_request *request) {
    rk_error error = {.code = RK_OK};
    bool waited = request->stage == RKI_WAITING;
    rk_status status = RK_OK;
    if (!waited) {
        status = rk_buffer_finish(&request->body, &request->body_bytes);
        if (status != RK_OK) rk_fail(&error, RK_NO_MEMORY, NULL, "no memory for the body");
    }
    if (status == RK_OK) status = request->operation->run(request, &error);
    if (status != RK_OK) return refuse(request, &error);
    if (!waited && request->stage == RKI_WAITING) return MHD_YES; /* not touched any more: a writer has it */
    request->stage = RKI_ANSWERED;
    return send_answer(request);
}

/* ---- receiving ---- */

/* Who sends it is seen before its body is taken. */
static rk_status admit(rki_request *request, const char *method, const char *path, rk_error *error) {
    const char *length =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    RK_TRY(rki_route(request, method, path, error));
    if (length && strlen(length) > 7 && (strlen(length) > 8 || strcmp(length, "16777216") > 0)) {
        return rk_fail(error, RK_TOO_LARGE, NULL, "the body is larger than RK_SERVER_BODY_MAX");
    }
    if (request->operation->who == RKI_ANYONE) return RK_OK;
    RK_TRY(rki_authenticate(request, error));
    rk_status status =
        rki_account_hold(request->server, rki_parameter_get(request, "account")->text, &request->account, error);
    /* Whoever may not know what accounts there are learns nothing from the difference. */
    if (status == RK_NOT_FOUND)
        return rk_fail(error, RK_NOT_A_MEMBER, NULL, "the account does not know who sends this");
    return status;
}

static enum MHD_Result receive(rki_request *request, const char *data, size_t *size) {
    rk_bytes bytes = rk_bytes_of(data, *size);
    *size = 0;
    if (request->stage == RKI_ANSWERED) return MHD_YES; /* refused already: the rest is read and dropped */
    if (request->body.size + bytes.size > RK_SERVER_BODY_MAX) return MHD_NO;
    rk_buffer_append(&request->body, bytes);
    return MHD_YES;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *data, size_t *size, void **slot) {
    rki_request *request = *slot;
    rk_error error = {.code = RK_OK};
    (void)version;
    if (!request) {
        request = new_request(context, connection);
        if (!request) return MHD_NO;
        *slot = request;
        rk_status status = admit(request, method, path, &error);
        return status == RK_OK ? MHD_YES : refuse(request, &error);
    }
    if (*size > 0) return receive(request, data, size);
    if (request->stage == RKI_ANSWERED) return MHD_YES;
    return run(request);
}

/* Paths and arguments are decoded by the router, segment by segment: "%2F" is no slash. */
static size_t leave_encoded(void *context, struct MHD_Connection *connection, char *text) {
    (void)context, (void)connection;
    return strlen(text);
}

/* ---- starting and stopping ---- */

static rk_status start_threads(rk_server *server, rk_error *error) {
    for (unsigned i = 0; i < server->options.writers; i++) {
        RK_TRY(rk_thread_start(rki_writer_run, server, &server->writers[i], error));
    }
    return rk_thread_start(rki_live_tick, server, &server->ticker, error);
}

static rk_status start_daemon(rk_server *server, rk_error *error) {
    const rk_server_options *options = &server->options;
    rk_address address;
    if (!rk_address_of(options->address, options->port, &address)) {
        return rk_fail(error, RK_USAGE, "--listen", "\"%s\" is no address", options->address);
    }
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (address.is_6) flags |= MHD_USE_IPv6;
    server->daemon = MHD_start_daemon(
        flags, options->port, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, address.bytes,
        MHD_OPTION_NOTIFY_COMPLETED, end_request, server, MHD_OPTION_THREAD_POOL_SIZE, options->threads,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)RK_SERVER_CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)RK_SERVER_CONNECTIONS_EACH, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)RK_SERVER_IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)RK_SERVER_HEADER_MAX, MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded,
        NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024U, MHD_OPTION_END);
    if (server->daemon) return RK_OK;
    return rk_fail(error, RK_IO, options->address, "port %u cannot be listened on", (uint64_t)options->port);
}

static rk_status prepare(rk_server *server, rk_error *error) {
    server->mutex = rk_mutex_new();
    server->work = rk_signal_new();
    server->tick = rk_signal_new();
    server->drained = rk_signal_new();
    if (!server->mutex || !server->work || !server->tick || !server->drained) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the server");
    }
    if (!rk_folder_there(server->options.data)) {
        return rk_fail(error, RK_NO_DATABASE, server->options.data, "there is no such folder");
    }
    return rki_gate_open(server, error);
}

rk_status rk_server_prepare(const rk_server_options *options, rk_server **server_out, rk_error *error) {
    const rk_memory *memory = rk_memory_system();
    rk_server *server = memory->take(memory->context, sizeof *server);
    *server_out = NULL;
    if (!server) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the server");
    memset(server, 0, sizeof *server);
    server->options = *options;
    server->store = options->store;
    rk_arena_init(&server->arena, memory, SERVER_MEMORY_MAX);
    rk_map_init(&server->accounts, &server->arena);
    rk_status status = prepare(server, error);
    if (status == RK_OK) {
        *server_out = server;
        return RK_OK;
    }
    rk_server_stop(server);
    return status;
}

rk_status rk_server_start(const rk_server_options *options, rk_server **server_out, rk_error *error) {
    RK_TRY(rk_server_prepare(options, server_out, error));
    rk_status status = start_threads(*server_out, error);
    if (status == RK_OK) status = start_daemon(*server_out, error);
    if (status == RK_OK) return RK_OK;
    rk_server_stop(*server_out);
    *server_out = NULL;
    return status;
}

uint16_t rk_server_port(const rk_server *server) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

/* Writers are done: what they wrote is told to those who still listen. */
static void send_answers(rk_server *server) {
    uint64_t end_ms = rk_clock_ms() + RK_SERVER_STOP_MS;
    rk_mutex_lock(server->mutex);
    for (uint64_t now_ms = rk_clock_ms(); server->unanswered > 0 && now_ms < end_ms; now_ms = rk_clock_ms()) {
        rk_signal_wait(server->drained, server->mutex, (unsigned)(end_ms - now_ms));
    }
    rk_mutex_unlock(server->mutex);
}

/* Writers finish what waits, answers are sent, streams end, then connections are closed. */
void rk_server_stop(rk_server *server) {
    const rk_memory *memory = rk_memory_system();
    if (!server) return;
    if (server->daemon) (void)MHD_quiesce_daemon(server->daemon);
    if (server->mutex) {
        rk_mutex_lock(server->mutex);
        server->stopping = true;
        if (server->work) rk_signal_wake_all(server->work);
        if (server->tick) rk_signal_wake_all(server->tick);
        rk_mutex_unlock(server->mutex);
    }
    for (size_t i = 0; i < RK_SERVER_WRITERS_MAX; i++) rk_thread_join(server->writers[i]);
    rk_thread_join(server->ticker);
    if (server->daemon) send_answers(server);
    for (size_t i = 0; i < server->accounts.entry_count; i++) rki_live_wake(server->accounts.entries[i].value);
    if (server->daemon) MHD_stop_daemon(server->daemon);
    for (size_t i = 0; i < server->accounts.entry_count; i++) rki_account_free(server->accounts.entries[i].value);
    rki_gate_close(server);
    rk_signal_free(server->work);
    rk_signal_free(server->tick);
    rk_signal_free(server->drained);
    rk_mutex_free(server->mutex);
    rk_arena_free(&server->arena);
    memory->give(memory->context, server, sizeof *server);
}
