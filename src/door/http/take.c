/*
 * Taking: a worker is given events of a consumer, or waits for some.
 *
 * First flights that are free are given, in the order of positions, then the log is looked at for more, as the
 * consumer's owner, RK_SERVER_WALK_MAX events at most. Where there is nothing to give, the connection is suspended; a
 * commit, a change of the consumer, the end of a lease or of the worker's patience resumes it, and it looks again.
 *
 * Invariants
 *   (1) A take that waits is in its account's list and its connection is suspended, or neither.
 *   (2) What has changed between a look and the wait after it is not missed: it is compared under the account's lock.
 *   (3) A worker that has gone while it waited is given nothing.
 */
#include <string.h>

#include "door/http/consumer.h"
#include "door/json.h"
#include "io/clock.h"
#include "io/memory.h"
#include "io/socket.h"

enum { TAKE_SIZE_MAX = 64 << 20, TAKE_DEFAULT = 10, FULL = RK_LIMIT };

struct rki_take {
    rki_request *request;
    uint64_t limit;
    uint64_t deadline_ms;
    uint64_t wake_ms; /* when it looks again at the latest */
    uint64_t head;    /* the log's, at the last look */
    uint64_t changes; /* the account's, at the last look */
    bool whole;       /* the last look came to the log's end */
    rki_take *next;
};

/* One look. */
typedef struct look {
    rki_take *take;
    rk_engine *engine;
    rki_turn turn;
    rk_buffer events;
    size_t given;
    const rk_flight *flight; /* that is given now */
    bool shown;              /* the worker may read it */
    uint64_t *noted;         /* positions that were found */
    size_t noted_count;
    size_t noted_max;
    rk_error *error;
} look;

/* ---- giving one ---- */

static rk_status show_event(void *context, const rk_entry *entry) {
    look *look = context;
    char text[100];
    rk_buffer *events = &look->events;
    if (look->given > 0) rk_buffer_append(events, RK_TEXT(","));
    rki_entry_open_json(events, entry);
    size_t size = rk_format(text, sizeof text, ",\"delivery\":{\"position\":%u,\"attempt\":%u}}", entry->position,
                            (uint64_t)look->flight->attempt + 1);
    rk_buffer_append(events, rk_bytes_of(text, size));
    look->shown = true;
    return RK_OK;
}

/* The event is read as the worker: what it may not read stays for another. */
static rk_status give(look *look, size_t index) {
    rki_turn *turn = &look->turn;
    const rki_request *request = look->take->request;
    const rk_holder holder = rki_holder_of(request->actor);
    rk_event_report report;
    look->flight = &turn->window->flights[index];
    look->shown = false;
    uint64_t position = look->flight->position;
    const rk_event_query query = {.after = position - 1, .up_to = position, .walk_max = 1};
    RK_TRY(rk_engine_events(look->engine, &query, show_event, look, &report, look->error));
    if (!look->shown) return RK_OK;
    rk_window_give(turn->window, index, &holder, turn->now_ms + turn->definition->lease_ms);
    look->given++;
    turn->changed = true;
    return RK_OK;
}

static bool is_full(const look *look) {
    return look->given == look->take->limit || look->events.size > TAKE_SIZE_MAX / 4;
}

static rk_status give_free(look *look) {
    rk_window *window = look->turn.window;
    uint32_t attempts = look->turn.definition->attempts;
    for (size_t i = 0; i < window->count && !is_full(look); i++) {
        if (rk_flight_state_at(&window->flights[i], look->turn.now_ms, attempts) != RK_FLIGHT_FREE) continue;
        RK_TRY(give(look, i));
    }
    return RK_OK;
}

/* ---- parking ---- */

static rk_status park_due(look *look) {
    rki_turn *turn = &look->turn;
    rk_window *window = turn->window;
    for (size_t i = 0; i < window->count;) {
        const rk_flight *flight = &window->flights[i];
        char text[80];
        bool done = false;
        if (rk_flight_state_at(flight, turn->now_ms, turn->definition->attempts) != RK_FLIGHT_DUE) {
            i++;
            continue;
        }
        size_t size = flight->attempt
                          ? rk_format(text, sizeof text, "it was given out %u times", (uint64_t)flight->attempt)
                          : rk_format(text, sizeof text, "no worker that may read it took it in time");
        RK_TRY(rki_turn_park(turn, flight->position, NULL, rk_bytes_of(text, size), &done, look->error));
    }
    return RK_OK;
}

/* ---- finding more ---- */

static rk_status note_event(void *context, const rk_entry *entry) {
    look *look = context;
    look->noted[look->noted_count++] = entry->position;
    return look->noted_count == look->noted_max ? (rk_status)FULL : RK_OK;
}

/* Looks at the log from where the window ends; what it finds becomes flights. */
static rk_status find_more(look *look, const rk_event_query *asked, uint64_t *walk_left, bool *whole_out) {
    rki_turn *turn = &look->turn;
    rk_window *window = turn->window;
    rk_event_query query = *asked;
    rk_event_report report;
    uint64_t before = window->seen;
    query.after = window->seen > turn->definition->from ? window->seen : turn->definition->from;
    query.walk_max = *walk_left;
    look->noted_count = 0;
    look->noted_max = (size_t)(look->take->limit - look->given);
    if (look->noted_max > RK_FLIGHTS_MAX - window->count) look->noted_max = RK_FLIGHTS_MAX - window->count;
    RK_TRY(rk_engine_read_as(look->engine, turn->definition->owner, look->error));
    rk_status status = rk_engine_events(look->engine, &query, note_event, look, &report, look->error);
    if (status != RK_OK && (status != (rk_status)FULL || look->noted_count < look->noted_max)) return status;
    RK_TRY(rk_engine_read_as(look->engine, look->take->request->actor, look->error));
    for (size_t i = 0; i < look->noted_count; i++) rk_window_note(window, look->noted[i], rki_abandoned_ms(turn));
    rk_window_pass(window, report.to < report.head.position ? report.to : report.head.position);
    uint64_t walked = report.to - query.after;
    *walk_left -= walked < *walk_left ? walked : *walk_left;
    *whole_out = report.whole;
    turn->changed |= window->seen != before;
    return RK_OK;
}

/* Those that were found now and that this worker may not read are left, and others are told of them. */
static rk_status give_more(look *look, const rk_event_query *query) {
    rk_window *window = look->turn.window;
    uint64_t walk_left = RK_SERVER_WALK_MAX;
    bool whole = false;
    while (!whole && walk_left > 0 && !is_full(look) && window->count < RK_FLIGHTS_MAX) {
        size_t first = window->count, given = look->given;
        RK_TRY(find_more(look, query, &walk_left, &whole));
        for (size_t i = first; i < window->count && !is_full(look); i++) RK_TRY(give(look, i));
        look->turn.stirred |= look->given - given < window->count - first;
    }
    look->take->whole = whole || window->count == RK_FLIGHTS_MAX;
    return RK_OK;
}

static rk_status look_for_events(look *look) {
    const rki_definition *definition = look->turn.definition;
    rk_event_query query = {.entity = definition->entity, .type = definition->type, .up_to = UINT64_MAX};
    if (definition->where.size) {
        RK_TRY(rk_filter_compile(look->turn.arena, definition->where, &query.where, look->error));
    }
    look->noted = rk_arena_take_array(look->turn.arena, RK_FLIGHTS_MAX, sizeof *look->noted);
    if (!look->noted) return rk_fail(look->error, RK_NO_MEMORY, NULL, "no memory for a take");
    RK_TRY(park_due(look));
    RK_TRY(give_free(look));
    return give_more(look, &query);
}

/* ---- answering ---- */

static rk_status answer(look *look, uint64_t from) {
    rki_request *request = look->take->request;
    const rki_turn *turn = &look->turn;
    rk_buffer buffer;
    rk_bytes events, body;
    char text[120], time[RK_TIME_TEXT_SIZE];
    if (rk_buffer_finish(&look->events, &events) != RK_OK) {
        return rk_fail(look->error, RK_LIMIT, NULL, "the events are too large: ask for fewer");
    }
    rk_buffer_init(&buffer, &request->arena, TAKE_SIZE_MAX + 1024);
    rk_buffer_append(&buffer, RK_TEXT("{\"events\":["));
    rk_buffer_append(&buffer, events);
    rk_buffer_append(&buffer, RK_TEXT("]"));
    if (look->given > 0) {
        rk_time_print(turn->now_ms + turn->definition->lease_ms, time);
        size_t size = rk_format(text, sizeof text, ",\"lease_until\":\"%b\"", rk_bytes_of(time, sizeof time));
        rk_buffer_append(&buffer, rk_bytes_of(text, size));
    }
    size_t size = rk_format(text, sizeof text, ",\"from\":%u,\"to\":%u}\n", from, turn->window->seen);
    rk_buffer_append(&buffer, rk_bytes_of(text, size));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) return rk_fail(look->error, RK_NO_MEMORY, NULL, "no memory for it");
    rki_answer_json(request, 200, body);
    return RK_OK;
}

/* ---- looking ---- */

/* `last`: answers whatever there is. */
static rk_status take_turn(look *look, const rki_definition *definition, bool last, rk_arena *arena) {
    rki_take *take = look->take;
    RK_TRY(rki_turn_begin(take->request, look->engine, definition, true, arena, &look->turn, look->error));
    uint64_t from = look->turn.window->seen;
    take->head = look->turn.head;
    rk_buffer_init(&look->events, arena, TAKE_SIZE_MAX);
    rk_status status = look_for_events(look);
    if (status == RK_OK && (last || look->given > 0)) status = answer(look, from);
    status = rki_turn_end(&look->turn, status, look->error);
    uint64_t next_ms = rk_window_next_ms(look->turn.window, look->turn.now_ms);
    take->changes = look->turn.changes;
    take->wake_ms = next_ms < take->deadline_ms ? next_ms : take->deadline_ms;
    return status;
}

static rk_status look_once(rki_take *take, bool last, bool *done_out, rk_error *error) {
    rki_request *request = take->request;
    rki_handle *handle = NULL;
    rki_definition definition;
    rk_arena arena;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    look look = {.take = take, .engine = handle->engine, .error = error};
    rk_arena_init(&arena, rk_memory_system(), RKI_REQUEST_MEMORY_MAX);
    rk_status status = rki_definition_read(request, handle->engine, &arena, &definition, error);
    if (status == RK_OK) status = take_turn(&look, &definition, last, &arena);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    rk_arena_free(&arena);
    *done_out = last || look.given > 0;
    return status;
}

/* ---- waiting ---- */

/* False when the server stops: nothing waits then. */
static bool wait_for_more(rki_take *take) {
    rki_request *request = take->request;
    rki_account *account = request->account;
    rk_server *server = request->server;
    rk_mutex_lock(server->mutex);
    rk_mutex_lock(account->mutex);
    bool stopping = server->stopping || account->erased;
    bool more = !take->whole || account->position > take->head || account->changes != take->changes;
    if (!stopping) {
        if (!request->counted) server->unanswered++;
        request->counted = true;
        request->stage = RKI_WAITING;
        MHD_suspend_connection(request->connection);
    }
    if (!stopping && more) rki_resume(request); /* after others had their turn */
    if (!stopping && !more) {
        take->next = account->takers;
        account->takers = take;
    }
    rk_mutex_unlock(account->mutex);
    rk_mutex_unlock(server->mutex);
    return !stopping;
}

void rki_takers_wake(rki_account *account, uint64_t now_ms) {
    rk_mutex_lock(account->mutex);
    for (rki_take **link = &account->takers; *link;) {
        rki_take *take = *link;
        if (take->wake_ms > now_ms) {
            link = &take->next;
            continue;
        }
        *link = take->next;
        rki_resume(take->request);
    }
    rk_mutex_unlock(account->mutex);
}

/* ---- the operation ---- */

static rk_status read_member(const rk_value *body, const char *name, uint64_t least, uint64_t most, uint64_t *out,
                             rk_error *error) {
    const rk_value *found = rk_map_find(body, rk_bytes_of_string(name));
    if (!found) return RK_OK;
    bool fits = found->kind == RK_INT && found->as.integer >= 0 && (uint64_t)found->as.integer >= least &&
                (uint64_t)found->as.integer <= most;
    if (!fits) return rk_fail(error, RK_BAD_REQUEST, name, "it is a whole number from %u to %u", least, most);
    *out = (uint64_t)found->as.integer;
    return RK_OK;
}

static rk_status begin_take(rki_request *request, rk_error *error) {
    rk_value body;
    uint64_t wait_ms = 0;
    rki_take *take = rk_arena_take(&request->arena, sizeof *take);
    if (!take) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a take");
    *take = (rki_take){.request = request, .limit = TAKE_DEFAULT};
    RK_TRY(rki_body_value(request, &body, error));
    const rk_value *limit = rk_map_find(&body, RK_TEXT("limit")), *wait = rk_map_find(&body, RK_TEXT("wait_ms"));
    if (body.kind != RK_MAP || body.as.map.count != (size_t)(!!limit + !!wait)) {
        return rk_fail(error, RK_BAD_REQUEST, "body", "it is {\"limit\", \"wait_ms\"}, of which both may be absent");
    }
    RK_TRY(read_member(&body, "limit", 1, RK_FLIGHTS_MAX, &take->limit, error));
    RK_TRY(read_member(&body, "wait_ms", 0, RK_SERVER_WAIT_MS_MAX, &wait_ms, error));
    take->deadline_ms = rk_clock_ms() + wait_ms;
    request->take = take;
    return RK_OK;
}

static bool has_gone(rki_request *request) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return request->stage == RKI_RESUMED && info && rk_socket_closed(info->connect_fd);
}

/* Called again each time that its connection was resumed. */
rk_status rki_op_consumer_take(rki_request *request, rk_error *error) {
    bool done = false;
    if (!request->take) RK_TRY(begin_take(request, error));
    rki_take *take = request->take;
    if (has_gone(request)) return rk_fail(error, RK_BAD_REQUEST, NULL, "the connection was closed");
    bool last = rk_clock_ms() >= take->deadline_ms || rki_stopping(request->server);
    RK_TRY(look_once(take, last, &done, error));
    if (done || wait_for_more(take)) return RK_OK;
    return look_once(take, true, &done, error);
}
