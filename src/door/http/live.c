/*
 * Streams of events: what is there, then what comes (text/event-stream), or what is there alone (application/x-ndjson).
 *
 * Invariants
 *   (1) Every frame of an event stream says from and to: all that this reader gets in that range is in it, also when
 *       that is nothing. The `id` of a frame is its `to`; Last-Event-ID goes on from there.
 *   (2) A stream makes its next frame when the one before was taken: a slow reader costs one frame of memory. It is
 *       told (`event: slow`) when that took RK_SERVER_SLOW_MS, or when it was at the log's end and then fell
 *       RK_SERVER_LAG_MAX behind; nothing is left out for it.
 *   (3) An event stream that the server ends says why first (`event: end`, with a code). Lines end with the last chunk
 *       only when all that was there was sent.
 *   (4) A stream that waits is in its account's list and its connection is suspended, or neither.
 *   (5) One call looks at RK_SERVER_WALK_MAX events at most, then others have their turn.
 */
#include <string.h>

#include "door/http/request.h"
#include "door/json.h"
#include "io/clock.h"
#include "io/memory.h"

enum {
    FRAME_EVENTS_MAX = 200,
    FRAME_SIZE_MAX = 32 << 20, /* the largest event as JSON and its frame */
    FRAME_SIZE_FULL = 128 << 10,
    TICK_MS = 1000,
    FULL = RK_LIMIT, /* ends a walk early */
};

struct rki_live {
    rki_request *request;
    bool follow;          /* an event stream; else lines */
    rk_event_query query; /* `after` is where it stands */
    rk_arena arena;       /* of the frame */
    rk_bytes frame;
    size_t sent;
    uint64_t sent_ms;
    uint64_t made_ms; /* of the frame */
    bool at_end;      /* it has seen all that there was, since it was last told to be slow */
    bool whole;       /* lines: there is nothing behind the frame */
    bool ends;        /* the frame is the last */
    rki_live *next;
};

/* One frame in the making. */
typedef struct frame {
    const rki_live *live;
    rk_buffer *buffer;
    size_t given;
    bool full;
} frame;

static rk_status visit(void *context, const rk_entry *entry) {
    frame *frame = context;
    if (frame->given++ > 0 && frame->live->follow) rk_buffer_append(frame->buffer, RK_TEXT(","));
    rki_entry_json(frame->buffer, entry);
    if (!frame->live->follow) rk_buffer_append(frame->buffer, RK_TEXT("\n"));
    frame->full = frame->given == FRAME_EVENTS_MAX || frame->buffer->size > FRAME_SIZE_FULL;
    return frame->full ? (rk_status)FULL : RK_OK;
}

static void append_number(rk_buffer *buffer, const char *before, uint64_t number) {
    char text[80];
    rk_buffer_append(buffer, rk_bytes_of(text, rk_format(text, sizeof text, "%s%u", before, number)));
}

/* Tells a reader that it is behind; it has missed nothing. */
static void write_slow(rki_live *live, rk_buffer *buffer, uint64_t lag, uint64_t taken_ms) {
    bool behind = live->at_end && lag >= RK_SERVER_LAG_MAX;
    if (taken_ms < RK_SERVER_SLOW_MS && !behind) return;
    live->at_end = false;
    append_number(buffer, "event: slow\ndata: {\"from\":", live->query.after);
    append_number(buffer, ",\"to\":", live->query.after);
    append_number(buffer, ",\"lag\":", lag);
    append_number(buffer, ",\"taken_ms\":", taken_ms);
    rk_buffer_append(buffer, RK_TEXT("}\n\n"));
}

/* The events behind where it stands, between what comes before and after them in a frame; made in the arena. */
static rk_status write_frame(rki_live *live, rk_engine *engine, rk_arena *arena, uint64_t taken_ms, rk_error *error) {
    rk_event_report report;
    rk_buffer events, buffer;
    rk_bytes text;
    rk_buffer_init(&events, arena, FRAME_SIZE_MAX);
    frame frame = {.live = live, .buffer = &events};
    rk_status status = rk_engine_events(engine, &live->query, visit, &frame, &report, error);
    if (status != RK_OK && !frame.full) return status;
    live->whole = report.whole;
    if (report.to == live->query.after) return live->at_end = true, RK_OK;
    if (rk_buffer_finish(&events, &text) != RK_OK) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a frame");
    rk_buffer_init(&buffer, arena, FRAME_SIZE_MAX + 1024);
    if (live->follow) {
        write_slow(live, &buffer, report.head.position - live->query.after, taken_ms);
        append_number(&buffer, "id: ", report.to);
        append_number(&buffer, "\nevent: events\ndata: {\"from\":", live->query.after);
        append_number(&buffer, ",\"to\":", report.to);
        rk_buffer_append(&buffer, RK_TEXT(",\"events\":["));
        rk_buffer_append(&buffer, text);
        rk_buffer_append(&buffer, RK_TEXT("]}\n\n"));
        if (rk_buffer_finish(&buffer, &text) != RK_OK)
            return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a frame");
    }
    if (rk_arena_copy(&live->arena, text, &live->frame) != RK_OK)
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a frame");
    live->query.after = report.to;
    return RK_OK;
}

/* What making takes is several times the frame, and a slow reader would hold it for long. */
static rk_status make_frame(rki_live *live, rk_engine *engine, uint64_t taken_ms, rk_error *error) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 8 * (size_t)FRAME_SIZE_MAX);
    rk_status status = write_frame(live, engine, &arena, taken_ms, error);
    rk_arena_free(&arena);
    return status;
}

/* The last frame of an event stream: why it ends. Where there is no memory for it, it ends without. */
static void make_end(rki_live *live, const rk_error *error) {
    rk_buffer buffer;
    rk_arena_free(&live->arena);
    rk_buffer_init(&buffer, &live->arena, FRAME_SIZE_MAX);
    append_number(&buffer, "event: end\ndata: {\"from\":", live->query.after);
    append_number(&buffer, ",\"to\":", live->query.after);
    rk_buffer_append(&buffer, RK_TEXT(",\"code\":"));
    rk_json_print_text(&buffer, rk_bytes_of_string(rk_status_name(error->code)));
    rk_buffer_append(&buffer, RK_TEXT(",\"detail\":"));
    rk_json_print_text(&buffer, rk_bytes_of_string(error->what));
    rk_buffer_append(&buffer, RK_TEXT("}\n\n"));
    live->sent = 0;
    live->ends = true;
    if (rk_buffer_finish(&buffer, &live->frame) != RK_OK) live->frame = (rk_bytes){NULL, 0};
}

/* What is to be sent next; an empty frame when there is nothing. RK_BUSY when the server stops. */
static rk_status fill(rki_live *live, rk_error *error) {
    rki_account *account = live->request->account;
    rki_handle *handle = NULL;
    uint64_t now = rk_clock_ms(), taken_ms = live->frame.size && now > live->made_ms ? now - live->made_ms : 0;
    rk_arena_free(&live->arena);
    rk_arena_init(&live->arena, rk_memory_system(), FRAME_SIZE_MAX + (1 << 20));
    live->frame = (rk_bytes){NULL, 0};
    live->sent = 0;
    if (rki_ending(account)) return rk_fail(error, RK_BUSY, NULL, "the server stops, or the account was erased");
    RK_TRY(rki_reader_take(account, live->request->actor, &handle, error));
    rk_status status = make_frame(live, handle->engine, taken_ms, error);
    rki_reader_give(account, handle, rk_status_exit(status) != 3);
    live->made_ms = rk_clock_ms();
    if (status != RK_OK || live->frame.size > 0 || !live->follow) return status;
    if (live->made_ms - live->sent_ms >= RK_SERVER_KEEP_ALIVE_SECONDS * 1000) live->frame = RK_TEXT(": alive\n\n");
    return RK_OK;
}

/*
 * Waits for more, unless there is more already. False when the server stops: that is looked at under its lock, so that
 * none begins to wait once all were woken for the last time.
 */
static bool wait_for_more(rki_live *live) {
    rki_account *account = live->request->account;
    rk_server *server = account->server;
    rk_mutex_lock(server->mutex);
    rk_mutex_lock(account->mutex);
    bool stopping = server->stopping || account->erased;
    if (!stopping && account->position <= live->query.after) {
        live->next = account->live;
        account->live = live;
        MHD_suspend_connection(live->request->connection);
    }
    rk_mutex_unlock(account->mutex);
    rk_mutex_unlock(server->mutex);
    return !stopping;
}

/* Comes again after the other connections of this thread. */
static ssize_t let_others(const rki_live *live) {
    MHD_suspend_connection(live->request->connection);
    rki_resume(live->request);
    return 0;
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t size_max) {
    rki_live *live = context;
    rk_error error = {.code = RK_OK};
    (void)position;
    if (live->sent == live->frame.size && live->ends) return MHD_CONTENT_READER_END_OF_STREAM;
    rk_status status = live->sent == live->frame.size ? fill(live, &error) : RK_OK;
    /* Lines are cut, because an end would say that this was all. */
    if (status != RK_OK && !live->follow) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (live->frame.size == 0 && !live->follow)
        return live->whole ? MHD_CONTENT_READER_END_OF_STREAM : let_others(live);
    if (status == RK_OK && live->frame.size == 0) {
        if (wait_for_more(live)) return 0;
        status = rk_fail(&error, RK_BUSY, NULL, "the server is stopping");
    }
    if (status != RK_OK) make_end(live, &error);
    if (live->frame.size == 0) return MHD_CONTENT_READER_END_OF_STREAM;
    size_t left = live->frame.size - live->sent, size = left < size_max ? left : size_max;
    memcpy(out, live->frame.data + live->sent, size);
    live->sent += size;
    live->request->sent += size;
    live->sent_ms = rk_clock_ms();
    return (ssize_t)size;
}

void rki_live_end(rki_live *live) {
    if (!live) return;
    rk_server *server = live->request->server;
    rk_arena_free(&live->arena); /* the stream itself lives in the request's arena */
    rk_mutex_lock(server->mutex);
    server->streams--;
    rki_see_drained(server);
    rk_mutex_unlock(server->mutex);
}

rk_status rki_live_start(rki_request *request, const rk_event_query *query, rk_error *error) {
    rki_live *live = rk_arena_take(&request->arena, sizeof *live);
    if (!live) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a stream");
    *live = (rki_live){.request = request,
                       .follow = rki_accepts(request, "text/event-stream"),
                       .query = *query,
                       .sent_ms = rk_clock_ms()};
    live->query.walk_max = RK_SERVER_WALK_MAX;
    rk_arena_init(&live->arena, rk_memory_system(), FRAME_SIZE_MAX);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, FRAME_SIZE_FULL, read_stream, live, NULL);
    if (!response) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a stream");
    request->live = live;
    rk_mutex_lock(request->server->mutex);
    request->server->streams++;
    rk_mutex_unlock(request->server->mutex);
    request->answer = (rki_answer){
        .status = 200, .type = live->follow ? "text/event-stream" : "application/x-ndjson", .stream = response};
    return RK_OK;
}

/* ---- waking ---- */

void rki_live_wake(rki_account *account) {
    rk_mutex_lock(account->mutex);
    rki_live *first = account->live;
    account->live = NULL;
    while (first) {
        rki_live *next = first->next;
        rki_resume(first->request);
        first = next;
    }
    rk_mutex_unlock(account->mutex);
    rki_takers_wake(account, UINT64_MAX);
}

/* Whether the log went on without us, such as by the command line. */
static void look_at_log(rki_account *account) {
    rki_handle *handle = NULL;
    rk_error error;
    rk_engine_info info;
    rk_mutex_lock(account->mutex);
    handle = account->readers;
    if (handle) account->readers = handle->next;
    rk_mutex_unlock(account->mutex);
    if (!handle && rki_handle_open(account, &handle, &error) != RK_OK) return;
    bool good = rk_engine_info_get(handle->engine, &info, &error) == RK_OK, more = false;
    rki_reader_give(account, handle, good);
    rk_mutex_lock(account->mutex);
    if (good) more = info.head.position > account->position;
    if (more) account->position = info.head.position;
    rk_mutex_unlock(account->mutex);
    if (more) rki_live_wake(account);
}

/* The next account after `index` that has streams or takes that wait, held; NULL past the last. */
static rki_account *next_live(rk_server *server, size_t *index) {
    rki_account *found = NULL;
    rk_mutex_lock(server->mutex);
    for (; *index < server->accounts.entry_count && !found; ++*index) {
        rki_account *account = server->accounts.entries[*index].value;
        rk_mutex_lock(account->mutex);
        if (account->live || account->takers) found = account;
        rk_mutex_unlock(account->mutex);
    }
    if (found) found->users++;
    rk_mutex_unlock(server->mutex);
    return found;
}

void rki_live_wake_all(rk_server *server) {
    size_t index = 0;
    for (rki_account *account = next_live(server, &index); account; account = next_live(server, &index)) {
        rki_live_wake(account);
        rki_account_release(account);
    }
}

void rki_live_tick(void *context) {
    rk_server *server = context;
    bool stopping = false;
    for (uint64_t tick = 1; !stopping; tick++) {
        size_t index = 0;
        for (rki_account *account = next_live(server, &index); account; account = next_live(server, &index)) {
            look_at_log(account);
            rki_takers_wake(account, rk_clock_ms());
            if (tick % RK_SERVER_KEEP_ALIVE_SECONDS == 0) rki_live_wake(account);
            rki_account_release(account);
        }
        rki_lobby_sweep(server);
        if (tick % RK_SERVER_KEEP_ALIVE_SECONDS == 0) rki_accounts_sweep(server);
        rk_mutex_lock(server->mutex);
        if (!server->stopping) rk_signal_wait(server->tick, server->mutex, TICK_MS);
        stopping = server->stopping;
        rk_mutex_unlock(server->mutex);
    }
}
