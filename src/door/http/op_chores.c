/*
 * Operations on chores: start, list, show, end.
 */
#include <string.h>

#include "door/http/chores.h"
#include "door/json.h"

enum { CHORE_JSON_MAX = RK_SERVER_CHORE_FINDINGS_MAX * 8 * (RK_ERROR_WHERE_MAX + RK_ERROR_WHAT_MAX) + (64 << 10) };

static const char *const state_names[] = {"reserved", "waiting", "running", "done", "failed", "ended"};

/* ---- as JSON ---- */

static void add_text(rk_buffer *buffer, const char *before, const char *text) {
    rk_buffer_append(buffer, rk_bytes_of_string(before));
    rk_json_print_text(buffer, rk_bytes_of_string(text));
}

static void add_number(rk_buffer *buffer, const char *before, uint64_t number) {
    char text[100];
    rk_buffer_append(buffer, rk_bytes_of(text, rk_format(text, sizeof text, "%s%u", before, number)));
}

/* 0: it has not come yet. */
static void add_time(rk_buffer *buffer, const char *before, uint64_t time_ms) {
    char time[RK_TIME_TEXT_SIZE];
    if (time_ms == 0) return;
    rk_time_print(time_ms, time);
    rk_buffer_append(buffer, rk_bytes_of_string(before));
    rk_json_print_text(buffer, rk_bytes_of(time, sizeof time));
}

static void add_findings(rk_buffer *buffer, const rki_chore *chore) {
    add_number(buffer, ",\"found\":", chore->found);
    rk_buffer_append(buffer, RK_TEXT(",\"findings\":["));
    for (size_t i = 0; i < chore->found && i < RK_SERVER_CHORE_FINDINGS_MAX; i++) {
        add_text(buffer, i ? ",{\"where\":" : "{\"where\":", chore->findings[i].where);
        add_text(buffer, ",\"what\":", chore->findings[i].what);
        rk_buffer_append(buffer, RK_TEXT("}"));
    }
    rk_buffer_append(buffer, RK_TEXT("]"));
}

static void add_report(rk_buffer *buffer, const rki_chore *chore) {
    rk_buffer_append(buffer,
                     chore->sound ? RK_TEXT(",\"sound\":true,\"report\":{") : RK_TEXT(",\"sound\":false,\"report\":{"));
    for (size_t i = 0; i < chore->number_count; i++) {
        add_text(buffer, i ? "," : "", chore->names[i]);
        add_number(buffer, ":", chore->numbers[i]);
    }
    rk_buffer_append(buffer, RK_TEXT("}"));
    if (chore->file[0]) add_text(buffer, ",\"file\":", chore->file);
}

static void add_refusal(rk_buffer *buffer, const rk_error *error) {
    add_text(buffer, ",\"refusal\":{\"code\":", rk_status_name(error->code));
    if (error->what[0]) add_text(buffer, ",\"detail\":", error->what);
    if (error->where[0]) add_text(buffer, ",\"where\":", error->where);
    if (error->hint[0]) add_text(buffer, ",\"hint\":", error->hint);
    rk_buffer_append(buffer, RK_TEXT("}"));
}

void rki_chore_json(rk_buffer *buffer, const rki_chore *chore) {
    add_text(buffer, "{\"chore\":", chore->id);
    add_text(buffer, ",\"kind\":", rki_chore_kind_name(chore->kind));
    add_text(buffer, ",\"state\":", state_names[chore->state]);
    add_number(buffer, ",\"done\":", chore->done);
    add_number(buffer, ",\"total\":", chore->total);
    add_time(buffer, ",\"asked\":", chore->asked_ms);
    add_time(buffer, ",\"started\":", chore->started_ms);
    add_time(buffer, ",\"ended\":", chore->ended_ms);
    add_findings(buffer, chore);
    if (chore->state == RKI_CHORE_DONE) add_report(buffer, chore);
    if (chore->state == RKI_CHORE_FAILED) add_refusal(buffer, &chore->refusal);
    rk_buffer_append(buffer, RK_TEXT("}"));
}

static rk_status give(rki_request *request, unsigned status, rk_buffer *buffer, rk_error *error) {
    rk_bytes body;
    rk_buffer_append(buffer, RK_TEXT("\n"));
    if (rk_buffer_finish(buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the answer is too large");
    rki_answer_json(request, status, body);
    return RK_OK;
}

/* ---- the operations ---- */

static rk_status read_kind(rki_request *request, rki_chore_kind *kind_out, rk_error *error) {
    rki_member members[] = {{"kind", RK_STRING, true, NULL}};
    RK_TRY(rki_body_members(request, members, 1, error));
    for (rki_chore_kind kind = RKI_VERIFY; kind <= RKI_BACKUP; kind++) {
        *kind_out = kind;
        if (rk_bytes_equal(members[0].value->as.bytes, rk_bytes_of_string(rki_chore_kind_name(kind)))) return RK_OK;
    }
    return rk_fail(error, RK_BAD_REQUEST, "kind", "it is verify, replay or backup");
}

/* Called twice: with the request, and when its trail is in the log. */
rk_status rki_op_chore_start(rki_request *request, rk_error *error) {
    rki_chore_kind kind = RKI_VERIFY;
    rk_engine_info info;
    rk_buffer buffer;
    rk_bytes entity;
    if (request->stage != RKI_RECEIVING) {
        if (request->job.status != RK_OK) {
            *error = request->job.error;
            return request->job.status;
        }
        rk_buffer_init(&buffer, &request->arena, CHORE_JSON_MAX);
        RK_TRY(rki_chore_begin(request, &buffer, error));
        return give(request, 202, &buffer, error);
    }
    RK_TRY(read_kind(request, &kind, error));
    RK_TRY(rki_account_entity(request, &entity, &info, error));
    RK_TRY(rki_chore_reserve(request, kind, error));
    RK_TRY(rki_job_event(request, entity, kind == RKI_BACKUP ? "export" : "check", NULL, 0, error));
    return rki_append_later(request, error);
}

/* A chore tells of the log: who is no member any more learns nothing. */
static rk_status check_member(rki_request *request, rk_error *error) {
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rki_reader_give(request->account, handle, true);
    return RK_OK;
}

rk_status rki_op_chore_list(rki_request *request, rk_error *error) {
    rk_buffer buffer;
    RK_TRY(check_member(request, error));
    rk_buffer_init(&buffer, &request->arena,
                   (size_t)CHORE_JSON_MAX * (RK_SERVER_CHORES_KEPT + RK_SERVER_CHORES_WAITING));
    rk_buffer_append(&buffer, RK_TEXT("{\"chores\":["));
    rki_chore_list(request, &buffer);
    rk_buffer_append(&buffer, RK_TEXT("]}"));
    return give(request, 200, &buffer, error);
}

static rk_status show(rki_request *request, bool end, rk_error *error) {
    rk_buffer buffer;
    RK_TRY(check_member(request, error));
    rk_buffer_init(&buffer, &request->arena, CHORE_JSON_MAX);
    RK_TRY(rki_chore_show(request, rki_parameter_get(request, "chore")->text, end, &buffer, error));
    return give(request, 200, &buffer, error);
}

rk_status rki_op_chore_show(rki_request *request, rk_error *error) {
    return show(request, false, error);
}

rk_status rki_op_chore_end(rki_request *request, rk_error *error) {
    return show(request, true, error);
}
