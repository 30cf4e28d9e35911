/*
 * Operations on states and modules: get, query; list, show, publish, check.
 */
#include <string.h>

#include "door/http/request.h"
#include "door/intent.h"
#include "door/json.h"
#include "io/crypto.h"
#include "io/memory.h"

enum { ROWS_SIZE_MAX = 64 << 20, ROWS_DEFAULT = 100, FIELDS_MAX = 64, COMPILED_SIZE_MAX = 256 << 20 };

/* ---- state ---- */

/* Whether the list of If-None-Match has the tag: "*" has any, and a weak tag is as good as a strong one (RFC 9110). */
static bool tag_listed(rk_bytes list, rk_bytes tag) {
    while (list.size > 0) {
        size_t end = rk_bytes_find(list, ',');
        rk_bytes item = {list.data, end < list.size ? end : list.size};
        list = end < list.size ? rk_bytes_from(list, end + 1) : (rk_bytes){NULL, 0};
        while (item.size > 0 && (item.data[0] == ' ' || item.data[0] == '\t')) item = rk_bytes_from(item, 1);
        while (item.size > 0 && (item.data[item.size - 1] == ' ' || item.data[item.size - 1] == '\t')) item.size--;
        if (rk_bytes_equal(item, RK_TEXT("*"))) return true;
        if (rk_bytes_starts_with(item, RK_TEXT("W/"))) item = rk_bytes_from(item, 2);
        if (rk_bytes_equal(item, tag)) return true;
    }
    return false;
}

/*
 * The ETag is a hash of the answer in its form without its position, which moves with every event of the account: the
 * tag stays while the entity does, and says nothing that the answer does not.
 */
static bool is_known(rki_request *request, rk_bytes still) {
    uint8_t bytes[RK_TAG_SIZE];
    char *tag = request->answer.etag;
    rki_answer_json(request, 200, still);
    rk_tag(request->answer.body, bytes);
    rk_format(tag, sizeof request->answer.etag, "\"%x\"", rk_bytes_of(bytes, sizeof bytes));
    const rki_given *known = rki_parameter_get(request, "If-None-Match");
    if (!known->there || !tag_listed(known->text, rk_bytes_of_string(tag))) return false;
    request->answer.status = 304;
    request->answer.type = NULL;
    request->answer.body = (rk_bytes){NULL, 0};
    return true;
}

/* The answer without its position, and where in it that stands. */
static rk_status print_state(rki_request *request, rk_bytes entity, const rk_reading *reading, rk_bytes *still_out,
                             size_t *place_out, rk_error *error) {
    rk_buffer buffer;
    char text[200];
    rk_buffer_init(&buffer, &request->arena, ROWS_SIZE_MAX);
    rk_buffer_append(&buffer, RK_TEXT("{\"entity\":"));
    rk_json_print_text(&buffer, entity);
    size_t size = rk_format(text, sizeof text, ",\"version\":%u", reading->version);
    rk_buffer_append(&buffer, rk_bytes_of(text, size));
    *place_out = buffer.size;
    if (!reading->hidden) {
        size = rk_format(text, sizeof text, ",\"hash\":\"%x\"", rk_hash_bytes(&reading->hash));
        rk_buffer_append(&buffer, rk_bytes_of(text, size));
    }
    rk_buffer_append(&buffer, RK_TEXT(",\"state\":"));
    rk_json_print(&buffer, &reading->state);
    rk_buffer_append(&buffer, RK_TEXT("}\n"));
    if (rk_buffer_finish(&buffer, still_out) == RK_OK) return RK_OK;
    return rk_fail(error, RK_LIMIT, NULL, "the state is too large");
}

static rk_status give_state(rki_request *request, rk_bytes entity, const rk_reading *reading, rk_error *error) {
    rk_buffer buffer;
    rk_bytes still, body;
    size_t place = 0;
    char text[40];
    RK_TRY(print_state(request, entity, reading, &still, &place, error));
    if (is_known(request, still)) return RK_OK;
    size_t size = rk_format(text, sizeof text, ",\"position\":%u", reading->position);
    rk_buffer_init(&buffer, &request->arena, ROWS_SIZE_MAX + sizeof text);
    rk_buffer_append(&buffer, rk_bytes_of(still.data, place));
    rk_buffer_append(&buffer, rk_bytes_of(text, size));
    rk_buffer_append(&buffer, rk_bytes_from(still, place));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the state is too large");
    rki_answer_json(request, 200, body);
    return RK_OK;
}

/* In the last view of an engine once more, which may turn out to be old (RK_BUSY); or in a new one. */
static rk_status read_state(rki_request *request, rk_bytes entity, const rk_at *moment, bool again, rk_error *error) {
    rk_reading reading;
    rki_handle *handle = NULL;
    RK_TRY(again ? rki_reader_resume(request->account, request->actor, &handle, error)
                 : rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = rk_engine_get(handle->engine, entity, moment, &request->arena, &reading, error);
    if (status == RK_OK) status = give_state(request, entity, &reading, error);
    rki_reader_give(request->account, handle, status == RK_BUSY || rk_status_exit(status) != 3);
    return status;
}

rk_status rki_op_state_get(rki_request *request, rk_error *error) {
    rk_at moment = {.kind = RK_AT_NOW};
    const rki_given *at = rki_parameter_get(request, "at");
    rk_bytes entity = rk_arena_format(&request->arena, "%b/%b", rki_parameter_get(request, "module")->text,
                                      rki_parameter_get(request, "id")->text);
    if (at->there) RK_TRY(rk_at_read(at->text, "at", &moment, error));
    rk_status status = read_state(request, entity, &moment, true, error);
    return status == RK_BUSY ? read_state(request, entity, &moment, false, error) : status;
}

/* ---- query ---- */

typedef struct rows {
    rk_buffer buffer;
    size_t count;
} rows;

static rk_status add_row(void *context, const rk_row *row) {
    rows *rows = context;
    char text[40];
    rk_buffer_append(&rows->buffer, rows->count++ ? RK_TEXT(",{\"id\":") : RK_TEXT("{\"id\":"));
    rk_json_print_text(&rows->buffer, row->id);
    rk_buffer_append(&rows->buffer,
                     rk_bytes_of(text, rk_format(text, sizeof text, ",\"version\":%u,\"state\":", row->version)));
    rk_json_print(&rows->buffer, &row->state);
    rk_buffer_append(&rows->buffer, RK_TEXT("}"));
    return RK_OK;
}

/* Splits "a,-b" at its commas; returns the count, FIELDS_MAX + 1 for too many. */
static size_t split(rk_bytes text, rk_bytes out[FIELDS_MAX]) {
    size_t count = 0;
    while (text.size > 0 && count < FIELDS_MAX) {
        size_t end = rk_bytes_find(text, ',');
        out[count++] = (rk_bytes){text.data, end < text.size ? end : text.size};
        if (end >= text.size) return count;
        text = rk_bytes_from(text, end + 1);
    }
    return text.size > 0 ? FIELDS_MAX + 1 : count;
}

static rk_status run_query(rki_request *request, rk_engine *engine, const rk_query *query, rk_error *error) {
    rows rows = {.count = 0};
    rk_query_report report;
    rk_bytes body;
    rk_buffer_init(&rows.buffer, &request->arena, ROWS_SIZE_MAX);
    rk_buffer_append(&rows.buffer, RK_TEXT("{\"rows\":["));
    RK_TRY(rk_engine_query(engine, query, &request->arena, add_row, &rows, &report, error));
    rk_buffer_append(&rows.buffer, RK_TEXT("]"));
    if (report.next.size) {
        rk_buffer_append(&rows.buffer, RK_TEXT(",\"next\":"));
        rk_json_print_text(&rows.buffer, report.next);
    }
    rk_buffer_append(&rows.buffer, RK_TEXT("}\n"));
    if (rk_buffer_finish(&rows.buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the page is too large");
    rki_answer_json(request, 200, body);
    return RK_OK;
}

rk_status rki_op_query(rki_request *request, rk_error *error) {
    rk_bytes fields[FIELDS_MAX], orders[FIELDS_MAX];
    rk_order order[FIELDS_MAX];
    const rki_given *limit = rki_parameter_get(request, "limit");
    rk_query query = {.module = rki_parameter_get(request, "module")->text,
                      .where = rki_parameter_get(request, "where")->text,
                      .after = rki_parameter_get(request, "cursor")->text,
                      .limit = limit->there ? limit->number : ROWS_DEFAULT,
                      .order = order,
                      .fields = fields};
    query.field_count = split(rki_parameter_get(request, "select")->text, fields);
    query.order_count = split(rki_parameter_get(request, "order")->text, orders);
    if (query.field_count > FIELDS_MAX || query.order_count > FIELDS_MAX) {
        return rk_fail(error, RK_BAD_QUERY, NULL, "too many fields");
    }
    for (size_t i = 0; i < query.order_count; i++) {
        bool descending = orders[i].size > 0 && orders[i].data[0] == '-';
        order[i] = (rk_order){descending ? rk_bytes_from(orders[i], 1) : orders[i], descending};
    }
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = run_query(request, handle->engine, &query, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
}

/* ---- modules ---- */

typedef struct names {
    rk_buffer *buffer;
    size_t count;
} names;

static rk_status add_name(void *context, rk_bytes entity, uint64_t version) {
    names *names = context;
    char text[40];
    rk_bytes module = rk_bytes_from(entity, strlen("module/"));
    rk_buffer_append(names->buffer, names->count++ ? RK_TEXT(",{\"module\":") : RK_TEXT("{\"module\":"));
    rk_json_print_text(names->buffer, module);
    rk_buffer_append(names->buffer, rk_bytes_of(text, rk_format(text, sizeof text, ",\"version\":%u}", version)));
    return RK_OK;
}

rk_status rki_op_module_list(rki_request *request, rk_error *error) {
    rki_handle *handle = NULL;
    rk_buffer buffer;
    rk_bytes body;
    names names = {&buffer, 0};
    rk_buffer_init(&buffer, &request->arena, ROWS_SIZE_MAX);
    rk_buffer_append(&buffer, RK_TEXT("{\"modules\":["));
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = rk_engine_entities(handle->engine, RK_TEXT("module/"), add_name, &names, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    RK_TRY(status);
    rk_buffer_append(&buffer, RK_TEXT("]}\n"));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the list is too large");
    rki_answer_json(request, 200, body);
    return RK_OK;
}

static rk_status show_module(rki_request *request, rk_engine *engine, rk_error *error) {
    const rk_module *module = NULL;
    rk_buffer buffer;
    rk_bytes body;
    char text[RK_NAME_SIZE_MAX + 80];
    uint32_t version = (uint32_t)rki_parameter_get(request, "version")->number;
    RK_TRY(rk_engine_module(engine, rki_parameter_get(request, "module")->text, version, &module, error));
    rk_buffer_init(&buffer, &request->arena, ROWS_SIZE_MAX);
    size_t size = rk_format(text, sizeof text, "{\"module\":\"%b\",\"version\":%u,\"source\":", module->name,
                            (uint64_t)module->version);
    rk_buffer_append(&buffer, rk_bytes_of(text, size));
    rk_json_print(&buffer, &module->source);
    rk_buffer_append(&buffer, RK_TEXT("}\n"));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the module is too large");
    rki_answer_json(request, 200, body);
    return RK_OK;
}

rk_status rki_op_module_show(rki_request *request, rk_error *error) {
    rki_handle *handle = NULL;
    if (rki_parameter_get(request, "version")->number > INT32_MAX) {
        return rk_fail(error, RK_UNKNOWN_MODULE, NULL, "there is no such version");
    }
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = show_module(request, handle->engine, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
}

/* Compiled in an arena of its own; the findings' texts are there too, so the answer is made before it goes. */
static rk_status give_findings(rki_request *request, const rk_findings *findings, rk_error *error) {
    rk_buffer buffer;
    rk_bytes body;
    rk_buffer_init(&buffer, &request->arena, ROWS_SIZE_MAX);
    rk_buffer_append(&buffer, RK_TEXT("{\"findings\":["));
    for (size_t i = 0; i < findings->count && i < RK_FINDINGS_MAX; i++) {
        const rk_finding *finding = &findings->items[i];
        rk_buffer_append(&buffer, i ? RK_TEXT(",{\"code\":") : RK_TEXT("{\"code\":"));
        rk_json_print_text(&buffer, rk_bytes_of_string(rk_status_name(finding->code)));
        rk_buffer_append(&buffer, RK_TEXT(",\"pointer\":"));
        rk_json_print_text(&buffer, finding->pointer);
        rk_buffer_append(&buffer, RK_TEXT(",\"message\":"));
        rk_json_print_text(&buffer, finding->message);
        rk_buffer_append(&buffer, RK_TEXT(",\"hint\":"));
        rk_json_print_text(&buffer, finding->hint);
        rk_buffer_append(&buffer, RK_TEXT("}"));
    }
    rk_buffer_append(&buffer, RK_TEXT("]}\n"));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "too many findings");
    rki_answer_json(request, 200, body);
    return RK_OK;
}

rk_status rki_op_module_check(rki_request *request, rk_error *error) {
    rk_value source;
    rk_module *module = NULL;
    rk_arena arena;
    rki_handle *handle = NULL;
    RK_TRY(rki_body_value(request, &source, error));
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rki_reader_give(request->account, handle, true);
    rk_findings *findings = rk_arena_take(&request->arena, sizeof *findings);
    if (!findings) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the findings");
    rk_arena_init(&arena, rk_memory_system(), COMPILED_SIZE_MAX);
    rk_error first = {.code = RK_OK};
    rk_status status = rk_module_compile(&arena, &source, &module, findings, &first);
    if (status == RK_NO_MEMORY) {
        *error = first;
    } else {
        status = give_findings(request, findings, error);
    }
    rk_arena_free(&arena);
    return status;
}

/* An event of the built-in module `module`, appended like any other. */
rk_status rki_op_module_publish(rki_request *request, rk_error *error) {
    rk_value source;
    rki_job *job = &request->job;
    if (request->stage != RKI_RECEIVING) return rki_op_event_append(request, error);
    RK_TRY(rki_body_value(request, &source, error));
    const rk_value *name = rk_map_find(&source, RK_TEXT("module")), *version = rk_map_find(&source, RK_TEXT("version"));
    if (!name || name->kind != RK_STRING || !version || version->kind != RK_INT) {
        return rk_fail(error, RK_BAD_MODULE, "body", "it names no module and version");
    }
    rk_pair *pairs = rk_arena_take_array(&request->arena, 2, sizeof *pairs);
    job->intents = rk_arena_take(&request->arena, sizeof *job->intents);
    if (!pairs || !job->intents) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the module");
    pairs[0] = (rk_pair){rk_string(RK_TEXT("version")), *version};
    pairs[1] = (rk_pair){rk_string(RK_TEXT("source")), source};
    *job->intents = (rk_intent){.entity = rk_arena_format(&request->arena, "module/%b", name->as.bytes),
                                .type = RK_TEXT("publish")};
    job->count = 1;
    rk_status status = rk_map_value(&request->arena, pairs, 2, &job->intents->data);
    if (status != RK_OK) return rk_fail(error, status, NULL, "no memory for the module");
    return rki_append_later(request, error);
}
