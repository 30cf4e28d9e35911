/*
 * Bodies in and out: JSON, deterministic CBOR, and refusals as RFC 9457 says.
 */
#include <string.h>

#include "core/value/cbor.h"
#include "door/http/request.h"
#include "door/json.h"
#include "io/clock.h"

enum { ANSWER_SIZE_MAX = 64 << 20, PROBLEM_SIZE_MAX = 4096 };

static const char *header_of(const rki_request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

bool rki_accepts(const rki_request *request, const char *type) {
    const char *accept = header_of(request, MHD_HTTP_HEADER_ACCEPT);
    return accept && strstr(accept, type) != NULL;
}

static bool is_cbor(const rki_request *request) {
    const char *accept = header_of(request, MHD_HTTP_HEADER_ACCEPT);
    const char *cbor = accept ? strstr(accept, "application/cbor") : NULL;
    const char *json = accept ? strstr(accept, "application/json") : NULL;
    return cbor && (!json || cbor < json);
}

/* What the JSON says, as CBOR; false where there is no memory for it. */
static bool to_cbor(rki_request *request, rk_bytes json, rk_bytes *cbor_out) {
    rk_value value;
    rk_error error;
    return rk_json_read(&request->arena, json, &value, &error) == RK_OK &&
           rk_cbor_encode(&request->arena, &value, ANSWER_SIZE_MAX, cbor_out) == RK_OK;
}

void rki_answer_json(rki_request *request, unsigned status, rk_bytes json) {
    rk_bytes cbor;
    bool converted = is_cbor(request) && to_cbor(request, json, &cbor);
    request->answer.status = status;
    request->answer.type = converted ? "application/cbor" : "application/json";
    request->answer.body = converted ? cbor : json;
}

/* ---- refusals ---- */

static void add_text(rk_buffer *buffer, const char *name, const char *text) {
    rk_buffer_append(buffer, RK_TEXT(",\""));
    rk_buffer_append(buffer, rk_bytes_of_string(name));
    rk_buffer_append(buffer, RK_TEXT("\":"));
    rk_json_print_text(buffer, rk_bytes_of_string(text));
}

void rki_answer_problem(rki_request *request, const rk_error *error) {
    static const char short_form[] = "{\"type\":\"about:blank\",\"title\":\"memory ran out\",\"status\":503,"
                                     "\"code\":\"no_memory\"}\n";
    rki_answer before = request->answer;
    int status = rk_status_http(error->code);
    rk_buffer buffer;
    rk_bytes body;
    rk_buffer_init(&buffer, &request->arena, PROBLEM_SIZE_MAX);
    rk_buffer_append(&buffer, RK_TEXT("{\"type\":\"/docs/errors#"));
    rk_buffer_append(&buffer, rk_bytes_of_string(rk_status_name(error->code)));
    rk_buffer_append(&buffer, RK_TEXT("\",\"title\":"));
    rk_json_print_text(&buffer, rk_bytes_of_string(rk_status_meaning(error->code)));
    char number[32];
    rk_buffer_append(&buffer,
                     rk_bytes_of(number, rk_format(number, sizeof number, ",\"status\":%u", (uint64_t)status)));
    add_text(&buffer, "code", rk_status_name(error->code));
    if (error->what[0]) add_text(&buffer, "detail", error->what);
    if (error->where[0]) add_text(&buffer, "where", error->where);
    if (error->hint[0]) add_text(&buffer, "hint", error->hint);
    if (error->code == RK_VERSION_CONFLICT) {
        rk_buffer_append(&buffer,
                         rk_bytes_of(number, rk_format(number, sizeof number, ",\"version\":%u", error->version)));
    }
    add_text(&buffer, "request", request->id);
    rk_buffer_append(&buffer, RK_TEXT("}\n"));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) {
        body = rk_bytes_of_string(short_form);
        status = 503;
    }
    request->answer = (rki_answer){.status = (unsigned)status,
                                   .type = "application/problem+json",
                                   .body = body,
                                   .retry = before.retry ? before.retry : status == 503 || status == 429};
    memcpy(request->answer.allow, before.allow, sizeof before.allow);
}

/* ---- events ---- */

void rki_entry_json(rk_buffer *buffer, const rk_entry *entry) {
    rki_entry_open_json(buffer, entry);
    rk_buffer_append(buffer, RK_TEXT("}"));
}

void rki_entry_open_json(rk_buffer *buffer, const rk_entry *entry) {
    const rk_event *event = &entry->event;
    char text[2 * RK_NAME_SIZE_MAX + 200], ulid[RK_ULID_SIZE], time[RK_TIME_TEXT_SIZE];
    rk_id_print(event->id, ulid);
    rk_time_print(entry->time_ms, time);
    size_t size =
        rk_format(text, sizeof text, "{\"id\":\"%b\",\"position\":%u,\"version\":%u,\"time\":\"%b\"",
                  rk_bytes_of(ulid, sizeof ulid), entry->position, entry->version, rk_bytes_of(time, sizeof time));
    rk_buffer_append(buffer, rk_bytes_of(text, size));
    char name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 2];
    rk_buffer_append(buffer, RK_TEXT(",\"entity\":"));
    rk_json_print_text(buffer, rk_bytes_of(name, rk_format(name, sizeof name, "%b/%b", event->module, event->entity)));
    rk_buffer_append(buffer, RK_TEXT(",\"type\":"));
    rk_json_print_text(buffer, event->type);
    rk_buffer_append(buffer, RK_TEXT(",\"actor\":"));
    rk_json_print_text(buffer, event->actor);
    rk_buffer_append(buffer, RK_TEXT(",\"data\":"));
    rk_json_print(buffer, &event->data);
}

/* ---- bodies ---- */

static bool begins(const char *text, const char *with) {
    return text && strncmp(text, with, strlen(with)) == 0;
}

/* Values cost far more than their text: they are counted before any is made. Strings are skipped. */
static bool too_many_values(rk_bytes text) {
    size_t count = 1;
    bool in_string = false;
    if (text.size < RK_SERVER_BODY_VALUES_MAX) return false; /* there is one for each byte at most */
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (in_string && byte == '\\') i++;
        if (byte == '"') in_string = !in_string;
        if (!in_string && (byte == ',' || byte == '[' || byte == '{')) count++;
    }
    return count > RK_SERVER_BODY_VALUES_MAX;
}

static rk_status read_json(rki_request *request, rk_value *value_out, rk_error *error) {
    if (too_many_values(request->body_bytes)) {
        return rk_fail(error, RK_LIMIT, "body", "more values than RK_SERVER_BODY_VALUES_MAX");
    }
    rk_status status = rk_json_read(&request->arena, request->body_bytes, value_out, error);
    if (status != RK_OK) rk_error_at(error, RK_TEXT("body"));
    return status;
}

/* What does not fit a request's memory never will. */
static rk_status read_cbor(rki_request *request, rk_value *value_out, rk_error *error) {
    rk_status status = rk_cbor_decode(&request->arena, request->body_bytes, value_out, error);
    if (status != RK_NO_MEMORY) return status;
    return rk_fail(error, RK_LIMIT, "body", "its values take more than RKI_REQUEST_MEMORY_MAX");
}

rk_status rki_body_value(rki_request *request, rk_value *value_out, rk_error *error) {
    const char *type = header_of(request, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (request->body_bytes.size == 0) return rk_fail(error, RK_BAD_REQUEST, "body", "it is missing");
    bool cbor = begins(type, "application/cbor");
    if (type && !cbor && !begins(type, "application/json")) {
        return rk_fail(error, RK_UNSUPPORTED_MEDIA, "Content-Type", "it is neither JSON nor CBOR");
    }
    RK_TRY(cbor ? read_cbor(request, value_out, error) : read_json(request, value_out, error));
    return rki_reserve(request, 0, error);
}
