/*
 * What the server counts, and what it says of itself on standard error.
 *
 * Invariants
 *   (1) Neither a body, nor the query of a target, nor a header is ever said: secrets come in these. What is said of a
 *       refusal is its code.
 *   (2) Where nothing else was asked for, only faults of the server are said: what it refuses is no fault.
 *   (3) Faults come RK_SERVER_LOG_FAULTS_MAX a second at most, and the next one says how many were dropped: who makes
 *       the server fail does not fill its disk.
 *   (4) A line is written whole, by one call.
 */
#include <stdio.h>
#include <string.h>

#include "door/http/request.h"
#include "io/clock.h"
#include "io/memory.h"

/* ---- saying ---- */

static bool is_said(const rk_server *server, rki_level level) {
    if (server->options.log == RK_SERVER_LOG_NONE) return false;
    return level == RKI_ERROR || server->options.log != RK_SERVER_LOG_FAULTS;
}

/* Whether this fault is said, and how many before it were not. */
static bool take_place(rk_server *server, uint64_t now_ms, uint64_t *dropped_out) {
    uint64_t wait_ms;
    rk_mutex_lock(server->log_mutex);
    bool taken = rk_rate_take(&server->log_rate, RK_SERVER_LOG_FAULTS_MAX, now_ms, &wait_ms);
    *dropped_out = server->log_dropped;
    server->log_dropped = taken ? 0 : server->log_dropped + 1;
    rk_mutex_unlock(server->log_mutex);
    return taken;
}

void rki_say(rk_server *server, rki_level level, const char *event, const rk_log_field *fields, size_t field_count) {
    static const char *const names[] = {"info", "warn", "error"};
    rk_log_field all[RK_LOG_FIELDS_MAX];
    rk_arena arena;
    rk_buffer buffer;
    rk_bytes line;
    uint64_t now_ms = rk_clock_ms(), dropped = 0;
    if (!is_said(server, level)) return;
    if (level == RKI_ERROR && !take_place(server, now_ms, &dropped)) return;
    RK_ASSERT(field_count < RK_LOG_FIELDS_MAX);
    for (size_t i = 0; i < field_count; i++) all[i] = fields[i];
    if (dropped > 0) all[field_count++] = (rk_log_field){.name = "dropped", .number = dropped};
    rk_arena_init(&arena, rk_memory_system(), 4 * RK_LOG_LINE_MAX);
    rk_buffer_init(&buffer, &arena, RK_LOG_LINE_MAX);
    rk_log_line_write(&buffer, server->options.log == RK_SERVER_LOG_JSON, now_ms, names[level], event, all,
                      field_count);
    if (rk_buffer_finish(&buffer, &line) == RK_OK) (void)!fwrite(line.data, 1, line.size, stderr);
    rk_arena_free(&arena);
}

void rki_say_account(const rki_account *account, const char *event) {
    const rk_log_field field = {"account", rk_bytes_of_string(account->name), 0};
    rki_say(account->server, RKI_INFO, event, &field, 1);
}

/* ---- requests ---- */

static rk_latency latency_of(const rki_request *request) {
    if (request->answer.stream) return RK_LATENCY_STREAM;
    if (request->counted) return RK_LATENCY_APPEND;
    bool reads = request->operation && request->operation->method == RKI_GET && request->operation->who == RKI_MEMBER;
    return reads ? RK_LATENCY_READ : RK_LATENCY_OTHER;
}

void rki_watch_answer(rki_request *request) {
    rk_metrics *metrics = &request->server->metrics;
    request->answered_us = rk_clock_steady_us();
    rk_metrics_request(metrics, request->operation ? request->operation->number : SIZE_MAX, request->answer.status,
                       request->code, latency_of(request), request->answered_us - request->started_us);
    if (!request->answer.stream) request->sent = request->answer.body.size;
}

/* What the server is to blame for; a client that asks for too much, or at the wrong time, is not that. */
static bool is_fault(rk_status code) {
    return code == RK_IO || code == RK_CORRUPT || code == RK_NO_MEMORY;
}

static void say_request(const rki_request *request, rki_level level) {
    rk_bytes target = request->target;
    uint64_t end_us = request->answered_us ? request->answered_us : rk_clock_steady_us();
    target.size = rk_bytes_find(target, '?');
    const rk_log_field fields[] = {
        {"request", rk_bytes_of_string(request->id), 0},
        {"method", rk_bytes_of_string(request->method ? request->method : ""), 0},
        {"path", target.data ? target : RK_TEXT(""), 0},
        {"status", {NULL, 0}, request->answered_us ? request->answer.status : 0},
        {"code", rk_bytes_of_string(request->code == RK_OK ? "" : rk_status_name(request->code)), 0},
        {"us", {NULL, 0}, end_us - request->started_us},
        {"in", {NULL, 0}, request->received},
        {"out", {NULL, 0}, request->sent},
        {"account", request->account ? rk_bytes_of_string(request->account->name) : RK_TEXT(""), 0},
        {"actor", request->actor.data ? request->actor : RK_TEXT(""), 0},
    };
    rki_say(request->server, level, "request", fields, sizeof fields / sizeof *fields);
}

void rki_watch_done(rki_request *request) {
    rk_server *server = request->server;
    server->metrics.bytes_in += request->received;
    server->metrics.bytes_out += request->sent;
    if (is_fault(request->code)) {
        say_request(request, RKI_ERROR);
    } else if (request->answer.status >= 500) {
        say_request(request, RKI_WARN);
    } else if (server->options.log_requests) {
        say_request(request, RKI_INFO);
    }
}

/* ---- groups ---- */

static uint64_t events_of(const rki_job *job) {
    uint64_t count = 0;
    if (job->batch.size > 0) return job->outcome.event_count;
    for (size_t i = 0; job->entries && i < job->count; i++) count += job->entries[i].event.type.size > 0;
    return count;
}

void rki_watch_group(rki_account *account, const rki_request *first, uint64_t took_us) {
    rk_server *server = account->server;
    uint64_t transactions = 0, events = 0, faults = 0;
    for (const rki_request *at = first; at; at = at->job.next) {
        faults += is_fault(at->job.status);
        if (at->job.status != RK_OK) continue;
        transactions++;
        events += events_of(&at->job);
    }
    if (transactions + faults > 0) {
        rk_metrics_group(&server->metrics, faults == 0, transactions, events, took_us);
    }
    if (took_us < RK_SERVER_SLOW_GROUP_MS * UINT64_C(1000)) return;
    const rk_log_field fields[] = {{"account", rk_bytes_of_string(account->name), 0},
                                   {"transactions", {NULL, 0}, transactions},
                                   {"events", {NULL, 0}, events},
                                   {"us", {NULL, 0}, took_us}};
    rki_say(server, RKI_WARN, "slow commit", fields, 4);
}
