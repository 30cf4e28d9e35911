/*
 * libmicrohttpd: connections in, answers out.
 *
 * A request's first call makes it, the next ones bring its body, the one after that runs it. An append suspends its
 * connection there; when a writer has its outcome, the connection is resumed and the call comes again.
 */
#include "door/http/server.h"

#include <string.h>

#include "door/cli.h"
#include "door/http/request.h"
#include "io/clock.h"
#include "io/crypto.h"
#include "io/folder.h"
#include "io/memory.h"

enum { SERVER_MEMORY_MAX = 256 << 20, DROPPED_MAX = RK_SERVER_BODY_MAX };

/* ---- a request's life ---- */

static rki_request *new_request(rki_loop *loop, struct MHD_Connection *connection) {
    const rk_memory *memory = rk_memory_system();
    uint8_t id[RKI_REQUEST_ID_SIZE];
    rk_arena arena;
    rk_arena_init(&arena, memory, RKI_REQUEST_MEMORY_MAX);
    rki_request *request = rk_arena_take(&arena, sizeof *request);
    if (!request) return NULL;
    request->arena = arena;
    request->loop = loop;
    request->server = rki_loop_server(loop);
    request->connection = connection;
    request->started_us = rk_clock_steady_us();
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    request->visitor = info ? info->socket_context : NULL;
    rk_buffer_init(&request->body, &request->arena, RK_SERVER_BODY_MAX);
    rk_number_name(request->server->request_key, request->server->request_count++, id);
    rk_hex_write(rk_bytes_of(id, sizeof id), request->id);
    return request;
}

rk_status rki_reserve(rki_request *request, size_t size, rk_error *error) {
    rk_server *server = request->server;
    size_t used = rk_arena_used(&request->arena), wanted = size > used ? size : used;
    if (wanted <= request->reserved) return RK_OK;
    size_t more = wanted - request->reserved;
    _Atomic size_t *share = request->entered ? &request->account->reserved : &server->strangers;
    size_t share_max = request->entered ? RK_SERVER_ACCOUNT_BODIES_MAX : RK_SERVER_STRANGER_BODIES_MAX;
    bool fits = rki_share_take(&server->reserved, more, RK_SERVER_BODIES_MAX);
    bool in_share = fits && rki_share_take(share, more, share_max);
    if (fits && !in_share) server->reserved -= more;
    if (!fits) return rk_fail(error, RK_OVERLOADED, NULL, "other bodies take up RK_SERVER_BODIES_MAX");
    if (!in_share) {
        return rk_fail(error, RK_OVERLOADED, NULL, "bodies take up %s",
                       request->entered ? "RK_SERVER_ACCOUNT_BODIES_MAX" : "RK_SERVER_STRANGER_BODIES_MAX");
    }
    request->reserved = wanted;
    return RK_OK;
}

/*
 * The first that is known of a request: its target as it came, which a signature covers. libmicrohttpd gives texts that
 * end at a byte 0: one inside the target is seen by what stands behind it in the line.
 */
void *rki_request_begin(void *context, const char *target, struct MHD_Connection *connection) {
    rki_request *request = new_request(context, connection);
    if (!request) return NULL;
    request->broken = strncmp(target + strlen(target) + 1, "HTTP/", 5) != 0;
    if (rk_arena_copy(&request->arena, rk_bytes_of_string(target), &request->target) != RK_OK) request->broken = true;
    return request;
}

void rki_request_end(void *context, struct MHD_Connection *connection, void **slot,
                     enum MHD_RequestTerminationCode how) {
    rki_request *request = *slot;
    (void)context, (void)connection, (void)how;
    if (!request) return;
    rki_watch_done(request);
    rki_lobby_allow(request, RK_SERVER_HEAD_IDLES * rki_idle_seconds(request->server));
    rki_leave(request);
    rki_append_end(request);
    rki_live_end(request->live);
    rki_export_end(request->export);
    rki_chore_abandon(request);
    rki_account_release(request->account);
    rk_arena arena = request->arena;
    rk_arena_free(&arena);
    *slot = NULL;
}

/* ---- answering ---- */

bool rki_stopping(rk_server *server) {
    return server->stopping;
}

void rki_see_drained(rk_server *server) {
    if (server->stopping && server->unanswered + server->streams == 0) rk_signal_wake(server->drained);
}

bool rki_ending(rki_account *account) {
    rk_mutex_lock(account->server->mutex);
    bool ending = account->server->stopping || account->erased;
    rk_mutex_unlock(account->server->mutex);
    return ending;
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
    if (answer->allow[0]) added &= MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow) == MHD_YES;
    if (answer->retry) {
        char retry[24];
        rk_format(retry, sizeof retry, "%u", (uint64_t)answer->retry);
        added &= MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, retry) == MHD_YES;
    }
    if (answer->status == 401) {
        added &= MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer") == MHD_YES;
    }
    /* Who is refused and asks again on the same connection would hold up those whose answers are still to come. */
    if (rki_stopping(request->server)) {
        added &= MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
    }
    added &= MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES;
    rki_watch_answer(request);
    rki_lobby_allow(request, answer->stream ? 0 : RK_SERVER_ANSWER_IDLES * rki_idle_seconds(request->server));
    enum MHD_Result result = added ? MHD_queue_response(request->connection, answer->status, response) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(rki_request *request, const rk_error *error) {
    request->stage = RKI_ANSWERED;
    request->code = error->code;
    rki_answer_problem(request, error);
    return send_answer(request);
}

/* The body is there: what it takes for the operation to begin. */
static rk_status begin_run(rki_request *request, rk_error *error) {
    if (request->refusal.code != RK_OK) {
        *error = request->refusal;
        return error->code;
    }
    if (rk_buffer_finish(&request->body, &request->body_bytes) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the body");
    }
    if (!request->signs) return RK_OK;
    RK_TRY(rki_check_signature(request, error));
    return rki_enter(request, error);
}

/* Runs the operation, from its beginning, or again after it was resumed. */
static enum MHD_Result run(rki_request *request) {
    rk_error error = {.code = RK_OK};
    rk_status status = RK_OK;
    if (request->stage == RKI_RECEIVING) {
        status = begin_run(request, &error);
        if (status == RK_OK) status = rki_turn_take(request, &error);
        if (status == RK_OK && request->stage == RKI_QUEUED) return MHD_YES; /* not touched any more */
    } else if (request->stage == RKI_QUEUED) {
        request->stage = RKI_RECEIVING;
    } else {
        request->stage = RKI_RESUMED;
    }
    if (status == RK_OK) status = request->operation->run(request, &error);
    rki_turn_give(request);
    if (status != RK_OK) return refuse(request, &error);
    if (request->stage == RKI_WAITING) return MHD_YES; /* a writer has it, or it waits */
    request->stage = RKI_ANSWERED;
    return send_answer(request);
}

/* ---- receiving ---- */

/* Who has shown nothing yet takes little of what bodies may take together. */
static bool is_guest_body(const rki_request *request) {
    return request->operation->who == RKI_ANYONE && request->operation->body;
}

static size_t body_max(const rki_request *request) {
    return is_guest_body(request) ? RK_SERVER_GUEST_BODY_MAX : RK_SERVER_BODY_MAX;
}

static rk_status too_large(const rki_request *request, rk_error *error) {
    return rk_fail(error, RK_TOO_LARGE, NULL, "the body is larger than %s",
                   is_guest_body(request) ? "RK_SERVER_GUEST_BODY_MAX" : "RK_SERVER_BODY_MAX");
}

/* Names of HTTP are equal whatever the case of their letters. */
static bool is_name(const char *text, const char *name) {
    size_t at = 0;
    for (; text[at] && name[at]; at++) {
        char a = text[at], b = name[at];
        if (a >= 'A' && a <= 'Z') a = (char)(a + 32);
        if (b >= 'A' && b <= 'Z') b = (char)(b + 32);
        if (a != b) return false;
    }
    return text[at] == name[at];
}

typedef struct lengths {
    size_t lengths, codings;
    const char *length, *coding;
} lengths;

static enum MHD_Result see_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
    lengths *seen = context;
    (void)kind;
    if (is_name(name, MHD_HTTP_HEADER_CONTENT_LENGTH)) {
        seen->lengths++;
        seen->length = value;
    } else if (is_name(name, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
        seen->codings++;
        seen->coding = value;
    }
    return MHD_YES;
}

/*
 * What the head says of the body's size, which libmicrohttpd has seen to be a number; 0 when it says nothing. A head
 * that says it twice is refused: a proxy may take the other one.
 */
static rk_status read_length(const rki_request *request, size_t *size_out, rk_error *error) {
    lengths seen = {.lengths = 0};
    *size_out = 0;
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, see_header, &seen);
    if (seen.lengths + seen.codings > 1) {
        return rk_fail(error, RK_BAD_REQUEST, "Content-Length", "the size of the body is said twice");
    }
    if (seen.coding && !is_name(seen.coding, "chunked")) {
        return rk_fail(error, RK_BAD_REQUEST, "Transfer-Encoding", "the body is chunked, or of a length that is said");
    }
    const char *text = seen.length;
    for (; text && *text >= '0' && *text <= '9'; text++) {
        *size_out = *size_out * 10 + (size_t)(*text - '0');
        if (*size_out > body_max(request)) return too_large(request, error);
    }
    return RK_OK;
}

/* Who sends it is seen before its body is taken. */
static rk_status admit(rki_request *request, const char *method, const char *path, rk_error *error) {
    size_t size = 0;
    RK_TRY(rki_route(request, method, path, error));
    RK_TRY(read_length(request, &size, error));
    if (request->operation->who == RKI_ANYONE) return RK_OK;
    RK_TRY(rki_authenticate(request, error));
    if (!request->signs) RK_TRY(rki_enter(request, error));
    return request->operation->body && size > 0 ? rki_reserve(request, size, error) : RK_OK;
}

/*
 * A body that is refused midway is read on and dropped, so that the refusal is seen; one that goes on for too long, or
 * far past what may be, loses its connection. A body that nobody asked for is dropped too.
 */
static enum MHD_Result receive(rki_request *request, const char *data, size_t *size) {
    rk_bytes bytes = rk_bytes_of(data, *size);
    rk_error *refusal = &request->refusal;
    *size = 0;
    request->received += bytes.size;
    if (request->received > RK_SERVER_BODY_MAX + DROPPED_MAX) return MHD_NO;
    if (rk_clock_steady_us() > request->started_us + RK_SERVER_BODY_SECONDS * UINT64_C(1000000)) return MHD_NO;
    if (request->stage == RKI_ANSWERED || refusal->code != RK_OK || !request->operation->body) return MHD_YES;
    rk_status status = request->received > body_max(request) ? too_large(request, refusal) : RK_OK;
    if (status == RK_OK) status = rki_reserve(request, request->received, refusal);
    if (status == RK_OK) rk_buffer_append(&request->body, bytes);
    return MHD_YES;
}

enum MHD_Result rki_handle_request(void *context, struct MHD_Connection *connection, const char *path,
                                   const char *method, const char *version, const char *data, size_t *size,
                                   void **slot) {
    rki_request *request = *slot;
    rk_error error = {.code = RK_OK};
    (void)version;
    (void)context, (void)connection;
    if (!request) return MHD_NO; /* no memory for it */
    if (request->stage == RKI_NEW) {
        request->stage = RKI_RECEIVING;
        request->method = method;
        rki_lobby_allow(request, 0);
        rk_status status = rki_lobby_ask(request, &error);
        if (status == RK_OK && request->broken) {
            status = rk_fail(&error, RK_BAD_REQUEST, NULL, "the request's first line is malformed");
        }
        if (status == RK_OK) status = admit(request, method, path, &error);
        return status == RK_OK ? MHD_YES : refuse(request, &error);
    }
    if (*size > 0) return receive(request, data, size);
    if (request->stage == RKI_ANSWERED) return MHD_YES;
    return run(request);
}

/* ---- starting and stopping ---- */

static rk_status start_threads(rk_server *server, rk_error *error) {
    for (unsigned i = 0; i < server->options.writers; i++) {
        RK_TRY(rk_thread_start(rki_writer_run, server, &server->writers[i], error));
    }
    RK_TRY(rk_thread_start(rki_erase_run, server, &server->eraser, error));
    RK_TRY(rki_chores_start(server, error));
    return rk_thread_start(rki_live_tick, server, &server->ticker, error);
}

static rk_status prepare(rk_server *server, rk_error *error) {
    server->mutex = rk_mutex_new();
    server->work = rk_signal_new();
    server->tick = rk_signal_new();
    server->drained = rk_signal_new();
    server->erase = rk_signal_new();
    server->log_mutex = rk_mutex_new();
    if (!server->log_mutex || !server->mutex || !server->work || !server->tick || !server->drained || !server->erase) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the server");
    }
    if (!rk_folder_there(server->options.data)) {
        return rk_fail(error, RK_NO_DATABASE, server->options.data, "there is no such folder");
    }
    RK_TRY(rki_lobby_open(server, error));
    RK_TRY(rki_gate_open(server, error));
    RK_TRY(rki_desk_open(server, error));
    RK_TRY(rki_drafts_open(server, error));
    return rki_chores_open(server, error);
}

rk_status rk_server_prepare(const rk_server_options *options, rk_server **server_out, rk_error *error) {
    const rk_memory *memory = rk_memory_system();
    rk_server *server = memory->take(memory->context, sizeof *server);
    *server_out = NULL;
    if (!server) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the server");
    memset(server, 0, sizeof *server);
    server->options = *options;
    server->socket = -1;
    server->store = options->store;
    server->started_ms = rk_clock_ms();
    rk_random_bytes(server->request_key, sizeof server->request_key);
    server->turns_max = options->threads > 1 ? options->threads - 1 : 1;
    rki_accounts_plan(server, UINT32_MAX);
    rk_metrics_init(&server->metrics);
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
    rk_status status = rki_erase_sweep(*server_out, error);
    const rk_log_field fields[] = {{"version", RK_TEXT(RK_VERSION), 0},
                                   {"data", rk_bytes_of_string(options->data), 0},
                                   {"threads", {NULL, 0}, options->threads},
                                   {"writers", {NULL, 0}, options->writers}};
    if (status == RK_OK) status = start_threads(*server_out, error);
    if (status == RK_OK) status = rki_scrape_start(*server_out, error);
    if (status == RK_OK) status = rki_loops_start(*server_out, error);
    if (status == RK_OK) {
        rki_say(*server_out, RKI_INFO, "start", fields, sizeof fields / sizeof *fields);
        return RK_OK;
    }
    rk_server_stop(*server_out);
    *server_out = NULL;
    return status;
}

/* Writers are done: what they wrote is told to those who still listen, and streams are told why they end. */
static void send_answers(rk_server *server) {
    uint64_t end_ms = rk_clock_ms() + RK_SERVER_STOP_MS;
    rk_mutex_lock(server->mutex);
    for (uint64_t now_ms = rk_clock_ms(); server->unanswered + server->streams > 0 && now_ms < end_ms;
         now_ms = rk_clock_ms()) {
        rk_signal_wait(server->drained, server->mutex, (unsigned)(end_ms - now_ms));
    }
    rk_mutex_unlock(server->mutex);
}

/* Writers finish what waits, answers are sent, streams end, then connections are closed. */
void rk_server_stop(rk_server *server) {
    const rk_memory *memory = rk_memory_system();
    if (!server) return;
    rki_loops_leave(server);
    if (server->mutex) {
        rk_mutex_lock(server->mutex);
        server->stopping = true;
        if (server->work) rk_signal_wake_all(server->work);
        if (server->tick) rk_signal_wake_all(server->tick);
        if (server->erase) rk_signal_wake_all(server->erase);
        rk_mutex_unlock(server->mutex);
    }
    for (size_t i = 0; i < RK_SERVER_WRITERS_MAX; i++) rk_thread_join(server->writers[i]);
    rk_thread_join(server->ticker);
    rk_thread_join(server->eraser);
    rki_chores_stop(server);
    bool served = server->loops != NULL;
    if (served) rki_turns_wake_all(server);
    if (served) rki_live_wake_all(server);
    if (served) send_answers(server);
    rki_loops_stop(server);
    rki_scrape_stop(server);
    if (served) rki_say(server, RKI_INFO, "stop", NULL, 0);
    for (size_t i = 0; i < server->accounts.entry_count; i++) rki_account_free(server->accounts.entries[i].value);
    rki_chores_close(server);
    rki_drafts_close(server);
    rki_desk_close(server);
    rki_gate_close(server);
    rki_lobby_close(server);
    rk_mutex_free(server->log_mutex);
    rk_signal_free(server->work);
    rk_signal_free(server->tick);
    rk_signal_free(server->drained);
    rk_signal_free(server->erase);
    rk_mutex_free(server->mutex);
    rk_arena_free(&server->arena);
    memory->give(memory->context, server, sizeof *server);
}
