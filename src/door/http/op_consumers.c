/*
 * Operations on named consumers, except taking: define, list, show, remove; acknowledge and release; parked events.
 */
#include <string.h>

#include "door/http/consumer.h"
#include "door/json.h"

enum { LIST_SIZE_MAX = 64 << 20, LIST_DEFAULT = 100, FULL = RK_LIMIT };

/* What an answer says of a definition. */
static const char *const shown[] = {"owner", "workers", "entity", "type", "where", "from", "lease", "attempts"};
enum { SHOWN_COUNT = sizeof shown / sizeof *shown };

static void print_definition(rk_buffer *buffer, const rk_value *state) {
    size_t count = 0;
    for (size_t i = 0; i < SHOWN_COUNT; i++) {
        const rk_value *value = rk_map_find(state, rk_bytes_of_string(shown[i]));
        if (!value) continue;
        rk_buffer_append(buffer, count++ ? RK_TEXT(",") : RK_TEXT("{"));
        rk_json_print_text(buffer, rk_bytes_of_string(shown[i]));
        rk_buffer_append(buffer, RK_TEXT(":"));
        rk_json_print(buffer, value);
    }
    rk_buffer_append(buffer, count ? RK_TEXT("}") : RK_TEXT("{}"));
}

static void print_number(rk_buffer *buffer, const char *before, uint64_t number) {
    char text[80];
    rk_buffer_append(buffer, rk_bytes_of(text, rk_format(text, sizeof text, "%s%u", before, number)));
}

static rk_status answer_buffer(rki_request *request, rk_buffer *buffer, rk_error *error) {
    rk_bytes body;
    rk_buffer_append(buffer, RK_TEXT("}\n"));
    if (rk_buffer_finish(buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the answer is too large");
    rki_answer_json(request, 200, body);
    return RK_OK;
}

/* ---- the definition ---- */

static rk_status append_event(rki_request *request, const char *type, const rk_value *data, rk_error *error) {
    rki_job *job = &request->job;
    rk_bytes name = rki_parameter_get(request, "consumer")->text;
    if (!rk_name_valid(name)) return rk_fail(error, RK_BAD_ID, "consumer", "this is no name of a consumer");
    job->intents = rk_arena_take(&request->arena, sizeof *job->intents);
    if (!job->intents) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the event");
    *job->intents = (rk_intent){.entity = rk_arena_format(&request->arena, "consumer/%b", name),
                                .type = rk_bytes_of_string(type),
                                .data = *data};
    job->count = 1;
    return rki_append_later(request, error);
}

static rk_status count_row(void *context, const rk_row *row) {
    size_t *count = context;
    (void)row;
    ++*count;
    return RK_OK;
}

/* One that is new finds room; who defines two at once may pass it by one. */
static rk_status check_room(rki_request *request, rk_error *error) {
    rki_handle *handle = NULL;
    rk_query_report report;
    size_t count = 0;
    rk_bytes where = rk_arena_format(&request->arena, "!state.removed && entity.id != '%b'",
                                     rki_parameter_get(request, "consumer")->text);
    const rk_query query = {.module = RK_TEXT("consumer"), .where = where, .limit = RK_SERVER_CONSUMERS_MAX};
    RK_TRY(rki_handle_take(request->account, &handle, error));
    rk_status status = rk_engine_query(handle->engine, &query, &request->arena, count_row, &count, &report, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    RK_TRY(status);
    if (count < RK_SERVER_CONSUMERS_MAX) return RK_OK;
    return rk_fail(error, RK_LIMIT, NULL, "the account has RK_SERVER_CONSUMERS_MAX consumers");
}

static rk_status check_definition(rki_request *request, const rk_value *body, rk_error *error) {
    const rk_value *where = rk_map_find(body, RK_TEXT("where")), *entity = rk_map_find(body, RK_TEXT("entity"));
    const rk_filter *filter = NULL;
    rk_bytes module, id;
    if (body->kind != RK_MAP) return rk_fail(error, RK_BAD_REQUEST, "body", "it is no object");
    if (where && where->kind == RK_STRING) {
        RK_TRY(rk_filter_compile(&request->arena, where->as.bytes, &filter, error));
    }
    if (entity && entity->kind == RK_STRING) RK_TRY(rk_entity_split(entity->as.bytes, &module, &id, error));
    if (!rk_name_valid(rki_parameter_get(request, "consumer")->text)) return RK_OK; /* append_event refuses it */
    return check_room(request, error);
}

rk_status rki_op_consumer_define(rki_request *request, rk_error *error) {
    rk_value body;
    if (request->stage != RKI_RECEIVING) return rki_op_event_append(request, error);
    RK_TRY(rki_body_value(request, &body, error));
    RK_TRY(check_definition(request, &body, error));
    return append_event(request, "define", &body, error);
}

rk_status rki_op_consumer_remove(rki_request *request, rk_error *error) {
    const rk_value none = {.kind = RK_MAP};
    if (request->stage == RKI_RECEIVING) return append_event(request, "remove", &none, error);
    if (request->job.status == RK_OK) {
        RK_TRY(rki_shelf_forget(request->account, rki_parameter_get(request, "consumer")->text, error));
    }
    RK_TRY(rki_op_event_append(request, error));
    request->answer.status = 200;
    return RK_OK;
}

typedef struct rows {
    rk_buffer buffer;
    size_t count;
} rows;

static rk_status add_row(void *context, const rk_row *row) {
    rows *rows = context;
    rk_buffer_append(&rows->buffer, rows->count++ ? RK_TEXT(",{\"consumer\":") : RK_TEXT("{\"consumer\":"));
    rk_json_print_text(&rows->buffer, row->id);
    print_number(&rows->buffer, ",\"version\":", row->version);
    rk_buffer_append(&rows->buffer, RK_TEXT(",\"definition\":"));
    print_definition(&rows->buffer, &row->state);
    rk_buffer_append(&rows->buffer, RK_TEXT("}"));
    return RK_OK;
}

rk_status rki_op_consumer_list(rki_request *request, rk_error *error) {
    const rki_given *limit = rki_parameter_get(request, "limit");
    rki_handle *handle = NULL;
    rk_query_report report;
    rows rows = {.count = 0};
    const rk_query query = {.module = RK_TEXT("consumer"),
                            .where = RK_TEXT("!state.removed"),
                            .after = rki_parameter_get(request, "cursor")->text,
                            .limit = limit->there ? limit->number : LIST_DEFAULT};
    rk_buffer_init(&rows.buffer, &request->arena, LIST_SIZE_MAX);
    rk_buffer_append(&rows.buffer, RK_TEXT("{\"consumers\":["));
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = rk_engine_query(handle->engine, &query, &request->arena, add_row, &rows, &report, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    RK_TRY(status);
    rk_buffer_append(&rows.buffer, RK_TEXT("]"));
    if (report.next.size) {
        rk_buffer_append(&rows.buffer, RK_TEXT(",\"next\":"));
        rk_json_print_text(&rows.buffer, report.next);
    }
    return answer_buffer(request, &rows.buffer, error);
}

/* ---- a turn at one consumer ---- */

typedef struct turn_work {
    rki_request *request;
    rki_turn turn;
    rki_definition definition;
} turn_work;

typedef rk_status (*work_step)(turn_work *work, void *context, rk_error *error);

/* Runs `step` in a turn at the consumer that the path names, and keeps what it has changed when it gives RK_OK. */
static rk_status in_turn(rki_request *request, bool write, work_step step, void *context, rk_error *error) {
    turn_work work = {.request = request};
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = rki_definition_read(request, handle->engine, &request->arena, &work.definition, error);
    if (status == RK_OK) {
        status = rki_turn_begin(request, handle->engine, &work.definition, write, &request->arena, &work.turn, error);
        if (status == RK_OK) status = rki_turn_end(&work.turn, step(&work, context, error), error);
    }
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
}

static rk_status show(turn_work *work, void *context, rk_error *error) {
    const rki_turn *turn = &work->turn;
    const rk_window *window = turn->window;
    uint64_t cursor = rk_window_cursor(window);
    size_t out = rk_window_out(window, turn->now_ms, work->definition.attempts);
    rk_buffer buffer;
    (void)context;
    rk_buffer_init(&buffer, &work->request->arena, LIST_SIZE_MAX);
    rk_buffer_append(&buffer, RK_TEXT("{\"consumer\":"));
    rk_json_print_text(&buffer, work->definition.name);
    print_number(&buffer, ",\"version\":", work->definition.version);
    rk_buffer_append(&buffer, RK_TEXT(",\"definition\":"));
    print_definition(&buffer, &work->definition.state);
    char log[2 * RK_WINDOW_LOG_SIZE];
    rk_hex_write(rk_bytes_of(window->log, RK_WINDOW_LOG_SIZE), log);
    rk_buffer_append(&buffer, RK_TEXT(",\"cursor\":{\"log\":"));
    rk_json_print_text(&buffer, rk_bytes_of(log, sizeof log));
    print_number(&buffer, ",\"epoch\":", window->epoch);
    print_number(&buffer, ",\"position\":", cursor);
    print_number(&buffer, "},\"seen\":", window->seen);
    print_number(&buffer, ",\"in_flight\":", out);
    print_number(&buffer, ",\"waiting\":", window->count - out);
    print_number(&buffer, ",\"parked\":", window->parked);
    print_number(&buffer, ",\"lag\":", turn->head > cursor ? turn->head - cursor : 0);
    if (window->set_back_from > 0) {
        print_number(&buffer, ",\"set_back\":{\"from\":", window->set_back_from);
        print_number(&buffer, ",\"to\":", window->set_back_to);
        rk_buffer_append(&buffer, RK_TEXT("}"));
    }
    return answer_buffer(work->request, &buffer, error);
}

rk_status rki_op_consumer_show(rki_request *request, rk_error *error) {
    return in_turn(request, false, show, NULL, error);
}

/* ---- what is said of positions ---- */

typedef struct settling {
    const rk_value *positions;
    bool park;
    rk_bytes reason;
    rk_status (*settle)(turn_work *work, const struct settling *settling, uint64_t position, bool *done_out,
                        rk_error *error);
} settling;

static rk_status settle_all(turn_work *work, void *context, rk_error *error) {
    const settling *settling = context;
    const rk_value *positions = settling->positions;
    rk_buffer done, unknown;
    rk_bytes text;
    rk_buffer_init(&done, &work->request->arena, LIST_SIZE_MAX);
    rk_buffer_init(&unknown, &work->request->arena, LIST_SIZE_MAX);
    for (size_t i = 0; i < positions->as.list.count; i++) {
        uint64_t position = (uint64_t)positions->as.list.items[i].as.integer;
        bool yes = false;
        RK_TRY(settling->settle(work, settling, position, &yes, error));
        rk_buffer *list = yes ? &done : &unknown;
        print_number(list, list->size ? "," : "", position);
    }
    rk_buffer buffer;
    rk_buffer_init(&buffer, &work->request->arena, LIST_SIZE_MAX);
    rk_buffer_append(&buffer, RK_TEXT("{\"done\":["));
    if (rk_buffer_finish(&done, &text) != RK_OK) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the answer");
    rk_buffer_append(&buffer, text);
    rk_buffer_append(&buffer, RK_TEXT("],\"unknown\":["));
    if (rk_buffer_finish(&unknown, &text) != RK_OK)
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the answer");
    rk_buffer_append(&buffer, text);
    print_number(&buffer, "],\"cursor\":", rk_window_cursor(work->turn.window));
    return answer_buffer(work->request, &buffer, error);
}

static rk_status read_positions(const rk_value *body, const rk_value **positions_out, rk_error *error) {
    const rk_value *positions = rk_map_find(body, RK_TEXT("positions"));
    bool good = body->kind == RK_MAP && positions && positions->kind == RK_LIST && positions->as.list.count > 0 &&
                positions->as.list.count <= RK_FLIGHTS_MAX;
    for (size_t i = 0; good && i < positions->as.list.count; i++) {
        good = positions->as.list.items[i].kind == RK_INT && positions->as.list.items[i].as.integer > 0;
    }
    *positions_out = positions;
    if (good) return RK_OK;
    return rk_fail(error, RK_BAD_REQUEST, "/positions", "it is a list of 1 to RK_FLIGHTS_MAX positions");
}

static rk_status settle(rki_request *request, settling *settling, rk_error *error) {
    rk_value body;
    RK_TRY(rki_body_value(request, &body, error));
    RK_TRY(read_positions(&body, &settling->positions, error));
    if (body.as.map.count != 1) return rk_fail(error, RK_BAD_REQUEST, "body", "it is {\"positions\"}");
    return in_turn(request, true, settle_all, settling, error);
}

static rk_status acknowledge(turn_work *work, const settling *settling, uint64_t position, bool *done_out,
                             rk_error *error) {
    const rk_holder holder = rki_holder_of(work->request->actor);
    (void)settling, (void)error;
    /* A window that was full has room again: that is more for those who wait. */
    bool full = work->turn.window->count == RK_FLIGHTS_MAX;
    *done_out = rk_window_acknowledge(work->turn.window, position, &holder);
    work->turn.changed |= *done_out;
    work->turn.stirred |= *done_out && full;
    return RK_OK;
}

rk_status rki_op_consumer_acknowledge(rki_request *request, rk_error *error) {
    settling settling = {.settle = acknowledge};
    return settle(request, &settling, error);
}

static rk_status release(turn_work *work, const settling *settling, uint64_t position, bool *done_out,
                         rk_error *error) {
    const rk_holder holder = rki_holder_of(work->request->actor);
    rki_turn *turn = &work->turn;
    if (settling->park) {
        RK_TRY(rki_turn_park(turn, position, &holder, settling->reason, done_out, error));
    } else {
        *done_out = rk_window_release(turn->window, position, &holder);
    }
    turn->changed |= *done_out;
    turn->stirred |= *done_out;
    return RK_OK;
}

rk_status rki_op_consumer_release(rki_request *request, rk_error *error) {
    settling settling = {.settle = release};
    rk_value body;
    RK_TRY(rki_body_value(request, &body, error));
    RK_TRY(read_positions(&body, &settling.positions, error));
    const rk_value *park = rk_map_find(&body, RK_TEXT("park")), *reason = rk_map_find(&body, RK_TEXT("reason"));
    bool good = (!park || park->kind == RK_BOOL) && (!reason || reason->kind == RK_STRING);
    if (!good || body.as.map.count != (size_t)(1 + !!park + !!reason)) {
        return rk_fail(error, RK_BAD_REQUEST, "body", "it is {\"positions\", \"park\", \"reason\"}");
    }
    settling.park = park && park->as.boolean;
    if (reason) settling.reason = reason->as.bytes;
    if (settling.reason.size > RK_SERVER_REASON_MAX) {
        return rk_fail(error, RK_LIMIT, "/reason", "it is longer than RK_SERVER_REASON_MAX");
    }
    return in_turn(request, true, settle_all, &settling, error);
}

/* ---- parked events ---- */

static rk_status retry(turn_work *work, const settling *settling, uint64_t position, bool *done_out, rk_error *error) {
    (void)settling;
    return rki_turn_unpark(&work->turn, position, true, done_out, error);
}

static rk_status drop(turn_work *work, const settling *settling, uint64_t position, bool *done_out, rk_error *error) {
    (void)settling;
    return rki_turn_unpark(&work->turn, position, false, done_out, error);
}

rk_status rki_op_parked_retry(rki_request *request, rk_error *error) {
    settling settling = {.settle = retry};
    return settle(request, &settling, error);
}

rk_status rki_op_parked_drop(rki_request *request, rk_error *error) {
    settling settling = {.settle = drop};
    return settle(request, &settling, error);
}

typedef struct parked_page {
    rk_buffer *buffer;
    size_t count;
    uint64_t limit;
    uint64_t last;
} parked_page;

static rk_status add_parked(void *context, uint64_t position, uint64_t time_ms, uint32_t attempt, rk_bytes reason) {
    parked_page *page = context;
    char time[RK_TIME_TEXT_SIZE];
    if (page->count == page->limit) return (rk_status)FULL;
    rk_time_print(time_ms, time);
    print_number(page->buffer, page->count++ ? ",{\"position\":" : "{\"position\":", position);
    print_number(page->buffer, ",\"attempt\":", attempt);
    rk_buffer_append(page->buffer, RK_TEXT(",\"time\":"));
    rk_json_print_text(page->buffer, rk_bytes_of(time, sizeof time));
    rk_buffer_append(page->buffer, RK_TEXT(",\"reason\":"));
    rk_json_print_text(page->buffer, reason);
    rk_buffer_append(page->buffer, RK_TEXT("}"));
    page->last = position;
    return RK_OK;
}

static rk_status list_parked(turn_work *work, void *context, rk_error *error) {
    const rki_given *limit = rki_parameter_get(work->request, "limit");
    rk_buffer buffer;
    parked_page page = {.buffer = &buffer, .limit = limit->there ? limit->number : LIST_DEFAULT};
    (void)context;
    rk_buffer_init(&buffer, &work->request->arena, LIST_SIZE_MAX);
    rk_buffer_append(&buffer, RK_TEXT("{\"parked\":["));
    uint64_t after = rki_parameter_get(work->request, "after")->number;
    rk_status status = rki_turn_walk_parked(&work->turn, after, add_parked, &page, error);
    if (status != RK_OK && (status != (rk_status)FULL || page.count < page.limit)) return status;
    print_number(&buffer, "],\"count\":", work->turn.window->parked);
    if (status != RK_OK) print_number(&buffer, ",\"next\":", page.last);
    return answer_buffer(work->request, &buffer, error);
}

rk_status rki_op_parked_list(rki_request *request, rk_error *error) {
    return in_turn(request, false, list_parked, NULL, error);
}
