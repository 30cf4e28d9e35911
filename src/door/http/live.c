/*
 * Streams of events: what is there, then what comes (text/event-stream), or what is there alone (application/x-ndjson).
 *
 * Invariants
 *   (1) Every frame of an event stream says from and to: all that this reader gets in that range is in it, also when
 *       that is nothing. The `id` of a frame is its `to`; Last-Event-ID goes on from there.
 *   (2) A stream makes its next frame when the one before was taken: a slow reader costs one frame of memory.
 *   (3) Lines end with the last chunk only when all that was there was sent.
 *   (4) A stream that waits is in its account's list and its connection is suspended, or neither.
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
    STOP = RK_LIMIT, /* ends a walk early, when the frame is full */
};

struct rki_live {
    rki_request *request;
    bool follow; /* an event stream; else lines */
    uint64_t cursor;
    rk_bytes entity, type, actor; /* filters; empty: all */
    rk_arena arena;               /* of the frame */
    rk_bytes frame;
    size_t sent;
    uint64_t sent_ms;
    bool idle; /* nothing came since the last frame */
    rki_live *next;
};

/* One frame in the making. */
typedef struct frame {
    const rki_live *live;
    rk_buffer *buffer;
    uint64_t to;
    size_t visited;
    size_t given;
    bool full;
} frame;

static bool wanted(const rki_live *live, const rk_event *event) {
    return (!live->type.size || rk_bytes_equal(live->type, event->type)) &&
           (!live->actor.size || rk_bytes_equal(live->actor, event->actor));
}

static rk_status visit(void *context, const rk_entry *entry) {
    frame *frame = context;
    frame->to = entry->position;
    frame->visited++;
    if (wanted(frame->live, &entry->event)) {
        if (frame->given++ > 0 && frame->live->follow) rk_buffer_append(frame->buffer, RK_TEXT(","));
        rki_entry_json(frame->buffer, entry);
        if (!frame->live->follow) rk_buffer_append(frame->buffer, RK_TEXT("\n"));
    }
    frame->full = frame->visited == FRAME_EVENTS_MAX || frame->buffer->size > FRAME_SIZE_FULL;
    return frame->full ? (rk_status)STOP : RK_OK;
}

static void append_number(rk_buffer *buffer, const char *before, uint64_t number) {
    char text[80];
    rk_buffer_append(buffer, rk_bytes_of(text, rk_format(text, sizeof text, "%s%u", before, number)));
}

/* The events behind the cursor, between what comes before and after them in a frame; made in the arena. */
static rk_status write_frame(rki_live *live, rk_engine *engine, rk_arena *arena, rk_error *error) {
    rk_engine_info info;
    rk_buffer events, buffer;
    rk_bytes text;
    RK_TRY(rk_engine_info_get(engine, &info, error));
    if (info.head.position <= live->cursor) return RK_OK;
    rk_buffer_init(&events, arena, FRAME_SIZE_MAX);
    frame frame = {.live = live, .buffer = &events, .to = live->cursor};
    rk_status status = rk_engine_log(engine, live->entity, live->cursor, FRAME_EVENTS_MAX, false, visit, &frame, error);
    if (status != RK_OK && !frame.full) return status;
    uint64_t to = frame.full ? frame.to : frame.to > info.head.position ? frame.to : info.head.position;
    if (rk_buffer_finish(&events, &text) != RK_OK) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a frame");
    rk_buffer_init(&buffer, arena, FRAME_SIZE_MAX + 1024);
    if (live->follow) {
        append_number(&buffer, "id: ", to);
        append_number(&buffer, "\nevent: events\ndata: {\"from\":", live->cursor);
        append_number(&buffer, ",\"to\":", to);
        rk_buffer_append(&buffer, RK_TEXT(",\"events\":["));
        rk_buffer_append(&buffer, text);
        rk_buffer_append(&buffer, RK_TEXT("]}\n\n"));
        if (rk_buffer_finish(&buffer, &text) != RK_OK)
            return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a frame");
    }
    if (rk_arena_copy(&live->arena, text, &live->frame) != RK_OK)
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a frame");
    live->cursor = to;
    return RK_OK;
}

/* What making takes is several times the frame, and a slow reader would hold it for long. */
static rk_status make_frame(rki_live *live, rk_engine *engine, rk_error *error) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 8 * (size_t)FRAME_SIZE_MAX);
    rk_status status = write_frame(live, engine, &arena, error);
    rk_arena_free(&arena);
    return status;
}

/* What is to be sent next; an empty frame when there is nothing. RK_BUSY when the server stops. */
static rk_status fill(rki_live *live) {
    rki_account *account = live->request->account;
    rki_handle *handle = NULL;
    rk_error error = {.code = RK_OK};
    rk_arena_free(&live->arena);
    rk_arena_init(&live->arena, rk_memory_system(), FRAME_SIZE_MAX + (1 << 20));
    live->frame = (rk_bytes){NULL, 0};
    live->sent = 0;
    rk_status status = rki_reader_take(account, live->request->actor, &handle, &error);
    if (status == RK_OK) {
        uint64_t before = live->cursor;
        do {
            before = live->cursor;
            status = rki_ending(account) ? RK_BUSY : make_frame(live, handle->engine, &error);
        } while (status == RK_OK && live->frame.size == 0 && live->cursor > before);
        rki_reader_give(account, handle, rk_status_exit(status) != 3);
    }
    if (status != RK_OK || live->frame.size > 0 || !live->follow) return status;
    uint64_t now = rk_clock_ms();
    if (now - live->sent_ms >= RK_SERVER_KEEP_ALIVE_SECONDS * 1000) live->frame = RK_TEXT(": alive\n\n");
    return RK_OK;
}

/* Waits for more, unless there is more already. False when the server stops. */
static bool wait_for_more(rki_live *live) {
    rki_account *account = live->request->account;
    bool erased = rki_ending(account);
    rk_mutex_lock(account->mutex);
    bool stopping = live->request->server->stopping || erased;
    if (!stopping && account->position <= live->cursor) {
        live->next = account->live;
        account->live = live;
        MHD_suspend_connection(live->request->connection);
    }
    rk_mutex_unlock(account->mutex);
    return !stopping;
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t size_max) {
    rki_live *live = context;
    (void)position;
    rk_status status = live->sent == live->frame.size ? fill(live) : RK_OK;
    /* Who follows comes again and is told then; lines are cut, because an end would say that this was all. */
    if (status != RK_OK) return live->follow ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
    if (live->frame.size == 0 && !live->follow) return MHD_CONTENT_READER_END_OF_STREAM;
    if (live->frame.size == 0) return wait_for_more(live) ? 0 : MHD_CONTENT_READER_END_OF_STREAM;
    size_t left = live->frame.size - live->sent, size = left < size_max ? left : size_max;
    memcpy(out, live->frame.data + live->sent, size);
    live->sent += size;
    live->sent_ms = rk_clock_ms();
    return (ssize_t)size;
}

void rki_live_end(rki_live *live) {
    if (live) rk_arena_free(&live->arena); /* the stream itself lives in the request's arena */
}

rk_status rki_live_start(rki_request *request, uint64_t after, rk_bytes entity, rk_bytes type, rk_bytes actor,
                         rk_error *error) {
    rki_live *live = rk_arena_take(&request->arena, sizeof *live);
    if (!live) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a stream");
    *live = (rki_live){.request = request,
                       .follow = rki_accepts(request, "text/event-stream"),
                       .cursor = after,
                       .entity = entity,
                       .type = type,
                       .actor = actor,
                       .sent_ms = rk_clock_ms()};
    rk_arena_init(&live->arena, rk_memory_system(), FRAME_SIZE_MAX);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, FRAME_SIZE_FULL, read_stream, live, NULL);
    if (!response) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a stream");
    request->live = live;
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
        MHD_resume_connection(first->request->connection);
        first = next;
    }
    rk_mutex_unlock(account->mutex);
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

/* The next account after `index` that has streams, held; NULL past the last. */
static rki_account *next_live(rk_server *server, size_t *index) {
    rki_account *found = NULL;
    rk_mutex_lock(server->mutex);
    for (; *index < server->accounts.entry_count && !found; ++*index) {
        rki_account *account = server->accounts.entries[*index].value;
        rk_mutex_lock(account->mutex);
        if (account->live) found = account;
        rk_mutex_unlock(account->mutex);
    }
    if (found) found->users++;
    rk_mutex_unlock(server->mutex);
    return found;
}

void rki_live_tick(void *context) {
    rk_server *server = context;
    bool stopping = false;
    for (uint64_t tick = 1; !stopping; tick++) {
        size_t index = 0;
        for (rki_account *account = next_live(server, &index); account; account = next_live(server, &index)) {
            look_at_log(account);
            if (tick % RK_SERVER_KEEP_ALIVE_SECONDS == 0) rki_live_wake(account);
            rki_account_release(account);
        }
        rk_mutex_lock(server->mutex);
        if (!server->stopping) rk_signal_wait(server->tick, server->mutex, TICK_MS);
        stopping = server->stopping;
        rk_mutex_unlock(server->mutex);
    }
}
