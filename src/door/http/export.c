/*
 * A whole log as an export file (door/export_file.h), line by line.
 *
 * Invariants
 *   (1) Nothing is sent before it is known that no rule for reading hides an event of the log from who asks, up to the
 *       last that is sent.
 *   (2) What is refused left nothing in the log: the event `export` is judged once without being kept, and appended
 *       when all else is well. One that is hidden and committed between the two looks is refused after the append.
 *   (3) A slow reader costs one frame of memory, a line at least, and no thread: the next frame is made when the one
 *       before was taken. At most RK_SERVER_EXPORTS_MAX are under way.
 *   (4) The stream ends with its last chunk only when all was sent.
 */
#include <string.h>

#include "door/export_file.h"
#include "door/http/request.h"
#include "io/memory.h"

enum { FRAME_SIZE_FULL = 128 << 10, FRAME_SIZE_MAX = RK_LINE_SIZE_MAX + FRAME_SIZE_FULL };

struct rki_export {
    rki_request *request;
    uint64_t checked; /* no event up to this position is hidden */
    rk_export_place place;
    rk_arena arena; /* of the frame */
    rk_bytes frame;
    size_t sent;
    bool more;
};

/* ---- may it be ---- */

typedef struct tally {
    uint64_t count;
    uint64_t to; /* those behind it came meanwhile */
} tally;

static rk_status count_entry(void *context, const rk_entry *entry) {
    tally *tally = context;
    if (entry->position > tally->to) return RK_LIMIT;
    tally->count++;
    return RK_OK;
}

/* Whether the reader of the engine gets all events behind export->checked, up to `to`. */
static rk_status check_hidden(rki_export *export, rk_engine *engine, uint64_t to, rk_error *error) {
    tally tally = {.to = to};
    rk_status status =
        rk_engine_log(engine, (rk_bytes){NULL, 0}, export->checked, UINT64_MAX, false, count_entry, &tally, error);
    if (status != RK_OK && status != RK_LIMIT) return status;
    if (tally.count != to - export->checked) {
        return rk_fail(error, RK_FORBIDDEN, "export", "rules for reading hide events of this log from who asks");
    }
    export->checked = to;
    return RK_OK;
}

/* Judges the event without keeping it. */
static rk_status try_event(rki_request *request, rk_engine *engine, rk_error *error) {
    rk_group *group = NULL;
    rk_entry *entries = NULL;
    RK_TRY(rk_engine_group_start(engine, &group, error));
    rk_status status = rk_engine_group_submit(group, request->actor, NULL, request->job.intents, request->job.count,
                                              &request->arena, &entries, error);
    rk_engine_group_abort(group);
    return status;
}

static rk_status check_all(rki_request *request, rk_engine *engine, rk_error *error) {
    rk_engine_info info;
    rk_engine_view_release(engine); /* a judgement has the write lock, and no view of before */
    RK_TRY(try_event(request, engine, error));
    RK_TRY(rk_engine_info_get(engine, &info, error));
    return check_hidden(request->export, engine, info.head.position, error);
}

static rk_status take_place(rki_request *request, rk_error *error) {
    rk_server *server = request->server;
    rki_export *export = rk_arena_take(&request->arena, sizeof *export);
    if (!export) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for an export");
    rk_mutex_lock(server->mutex);
    bool full = server->exports >= RK_SERVER_EXPORTS_MAX || request->account->exports >= RK_SERVER_ACCOUNT_EXPORTS_MAX;
    if (!full) {
        server->exports++;
        request->account->exports++;
    }
    rk_mutex_unlock(server->mutex);
    if (full) return rk_fail(error, RK_OVERLOADED, NULL, "as many exports as may be are under way");
    export->request = request;
    rk_arena_init(&export->arena, rk_memory_system(), FRAME_SIZE_MAX);
    request->export = export;
    return RK_OK;
}

void rki_export_end(rki_export *export) {
    if (!export) return;
    rk_server *server = export->request->server;
    rk_arena_free(&export->arena); /* the rest lives in the request's arena */
    rk_mutex_lock(server->mutex);
    server->exports--;
    export->request->account->exports--;
    rk_mutex_unlock(server->mutex);
}

/* ---- lines ---- */

static rk_status add_line(void *context, const rk_frame *frame) {
    rk_buffer *buffer = context;
    const rk_export_line line = {.frame = *frame};
    rk_export_line_write(&line, buffer);
    if (buffer->status != RK_OK) return RK_NO_MEMORY;
    return buffer->size >= FRAME_SIZE_FULL ? RK_LIMIT : RK_OK;
}

/* What is to be sent next; nothing when all was. */
static rk_status fill(rki_export *export) {
    rki_account *account = export->request->account;
    rki_handle *handle = NULL;
    rk_buffer buffer;
    rk_error error = {.code = RK_OK};
    rk_arena_free(&export->arena);
    rk_arena_init(&export->arena, rk_memory_system(), FRAME_SIZE_MAX);
    rk_buffer_init(&buffer, &export->arena, FRAME_SIZE_MAX);
    export->frame = (rk_bytes){NULL, 0};
    export->sent = 0;
    if (!export->more) return RK_OK;
    if (rki_ending(account)) return RK_BUSY;
    RK_TRY(rki_reader_take(account, export->request->actor, &handle, &error));
    rk_status status = rk_engine_export_next(handle->engine, &export->place, add_line, &buffer, &export->more, &error);
    rki_reader_give(account, handle, rk_status_exit(status) != 3);
    return status == RK_OK ? rk_buffer_finish(&buffer, &export->frame) : status;
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t size_max) {
    rki_export *export = context;
    (void)position;
    rk_status status = export->sent == export->frame.size ? fill(export) : RK_OK;
    if (status != RK_OK) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (export->frame.size == 0) return MHD_CONTENT_READER_END_OF_STREAM;
    size_t left = export->frame.size - export->sent, size = left < size_max ? left : size_max;
    memcpy(out, export->frame.data + export->sent, size);
    export->sent += size;
    export->request->sent += size;
    return (ssize_t)size;
}

static rk_status begin_stream(rki_request *request, rk_error *error) {
    rki_export *export = request->export;
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = rk_engine_export_begin(handle->engine, &export->place, error);
    if (status == RK_OK) status = check_hidden(export, handle->engine, export->place.head.position, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    RK_TRY(status);
    export->more = true;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, FRAME_SIZE_FULL, read_stream, export, NULL);
    if (!response) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a stream");
    request->answer = (rki_answer){.status = 200, .type = "application/x-ndjson", .stream = response};
    return RK_OK;
}

rk_status rki_op_account_export(rki_request *request, rk_error *error) {
    rki_handle *handle = NULL;
    rk_engine_info info;
    rk_bytes entity;
    if (request->stage != RKI_RECEIVING) {
        if (request->job.status == RK_OK) return begin_stream(request, error);
        *error = request->job.error;
        return request->job.status;
    }
    RK_TRY(rki_account_entity(request, &entity, &info, error));
    RK_TRY(take_place(request, error));
    RK_TRY(rki_job_event(request, entity, "export", NULL, 0, error));
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = check_all(request, handle->engine, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    RK_TRY(status);
    if (strcmp(request->method, MHD_HTTP_METHOD_HEAD) == 0) { /* nothing is given out, and nothing happens */
        request->answer = (rki_answer){.status = 200, .type = "application/x-ndjson"};
        return RK_OK;
    }
    return rki_append_later(request, error);
}
