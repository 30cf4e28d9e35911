/*
 * Operations on events: append, list, history; and the account's log.
 */
#include <string.h>

#include "door/http/request.h"
#include "door/intent.h"
#include "door/json.h"
#include "io/crypto.h"

enum { PAGE_SIZE_MAX = 64 << 20, PAGE_DEFAULT = 100 };

/* ---- append ---- */

/* If-Match: "N" is the version that the first event expects. */
static rk_status read_match(rki_request *request, rk_error *error) {
    const rki_given *match = rki_parameter_get(request, "If-Match");
    rk_intent *first = &request->job.intents[0];
    uint64_t version = 0;
    if (!match->there) return RK_OK;
    rk_bytes text = match->text;
    bool quoted = text.size > 2 && text.size < 22 && text.data[0] == '"' && text.data[text.size - 1] == '"';
    for (size_t i = 1; quoted && i + 1 < text.size; i++) {
        quoted = text.data[i] >= '0' && text.data[i] <= '9';
        version = version * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (!quoted) return rk_fail(error, RK_BAD_REQUEST, "If-Match", "it is no version in quotes");
    if (first->require.size || first->expects) {
        return rk_fail(error, RK_BAD_REQUEST, "If-Match", "the first of \"events\" is no event, or expects already");
    }
    first->expects = true;
    first->expected = version;
    return RK_OK;
}

/* The key is for this very request: its body, of its type, and what it expects. */
static void read_key(rki_request *request) {
    const rki_given *key = rki_parameter_get(request, "Idempotency-Key"),
                    *match = rki_parameter_get(request, "If-Match");
    const char *type = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
    rk_terms *terms = &request->job.terms;
    if (!key->there) return;
    const rk_hash parts[] = {rk_sha256(rk_crypto_sodium(), request->body_bytes),
                             rk_sha256(rk_crypto_sodium(), match->text),
                             rk_sha256(rk_crypto_sodium(), rk_bytes_of_string(type ? type : ""))};
    terms->key = key->text;
    terms->request = rk_sha256(rk_crypto_sodium(), rk_bytes_of(parts, sizeof parts));
}

static rk_status read_transaction(rki_request *request, rk_error *error) {
    rk_value body;
    RK_TRY(rki_body_value(request, &body, error));
    const rk_value *events = rk_map_find(&body, RK_TEXT("events")), *seen = rk_map_find(&body, RK_TEXT("seen"));
    size_t known = seen ? 2 : 1;
    if (!events || events->kind != RK_LIST || events->as.list.count == 0 || body.as.map.count != known) {
        return rk_fail(error, RK_BAD_REQUEST, "/events", "the body is {\"events\": [...], \"seen\": POSITION}");
    }
    if (seen && (seen->kind != RK_INT || seen->as.integer < 0)) {
        return rk_fail(error, RK_BAD_REQUEST, "/seen", "it is no position");
    }
    if (events->as.list.count > RK_TRANSACTION_EVENTS_MAX) {
        return rk_fail(error, RK_LIMIT, "/events", "more events than RK_TRANSACTION_EVENTS_MAX");
    }
    rki_job *job = &request->job;
    job->intents = rk_arena_take_array(&request->arena, events->as.list.count, sizeof *job->intents);
    if (!job->intents) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the transaction");
    for (size_t i = 0; i < events->as.list.count; i++) {
        rk_status status = rk_intent_read(&events->as.list.items[i], RK_BAD_REQUEST, &job->intents[i], error);
        if (status != RK_OK) rk_error_at(error, rk_arena_format(&request->arena, "/events/%u", (uint64_t)i));
        RK_TRY(status);
    }
    job->count = events->as.list.count;
    job->terms.strict = true;
    job->terms.saw = seen != NULL;
    job->terms.seen = seen ? (uint64_t)seen->as.integer : 0;
    read_key(request);
    return read_match(request, error);
}

static rk_status give_receipt(rki_request *request, rk_error *error) {
    const rki_job *job = &request->job;
    rk_buffer buffer;
    rk_bytes body;
    size_t given = 0;
    rk_buffer_init(&buffer, &request->arena, PAGE_SIZE_MAX);
    rk_buffer_append(&buffer, RK_TEXT("{\"events\":["));
    for (size_t i = 0; i < job->count; i++) {
        const rk_entry *entry = &job->entries[i];
        char text[200], ulid[RK_ULID_SIZE], time[RK_TIME_TEXT_SIZE];
        if (entry->event.type.size == 0) continue;
        rk_id_print(entry->event.id, ulid);
        rk_time_print(entry->time_ms, time);
        size_t size = rk_format(text, sizeof text, "%s{\"id\":\"%b\",\"position\":%u,\"version\":%u,\"time\":\"%b\"",
                                given++ ? "," : "", rk_bytes_of(ulid, sizeof ulid), entry->position, entry->version,
                                rk_bytes_of(time, sizeof time));
        rk_buffer_append(&buffer, rk_bytes_of(text, size));
        rk_buffer_append(&buffer, RK_TEXT(",\"entity\":"));
        rk_json_print_text(&buffer, job->intents[i].entity);
        rk_buffer_append(&buffer, RK_TEXT("}"));
    }
    rk_buffer_append(&buffer, job->terms.again ? RK_TEXT("],\"again\":true}\n") : RK_TEXT("]}\n"));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the answer is too large");
    rki_answer_json(request, 201, body);
    return RK_OK;
}

/* Called twice: with the request, and with what a writer has made of it. */
rk_status rki_op_event_append(rki_request *request, rk_error *error) {
    rki_job *job = &request->job;
    if (request->stage == RKI_RECEIVING) {
        RK_TRY(read_transaction(request, error));
        return rki_append_later(request, error);
    }
    if (job->status == RK_OK) return give_receipt(request, error);
    *error = job->error;
    return job->status;
}

/* ---- reading ---- */

typedef struct page {
    rk_buffer buffer;
    size_t given;
    uint64_t limit;
    bool full;
} page;

static rk_status add_entry(void *context, const rk_entry *entry) {
    page *page = context;
    if (page->given++ > 0) rk_buffer_append(&page->buffer, RK_TEXT(","));
    rki_entry_json(&page->buffer, entry);
    page->full = page->given == page->limit || page->buffer.size > PAGE_SIZE_MAX / 4;
    return page->full ? RK_LIMIT : RK_OK;
}

/* A page ends with its limit, at its size, after RK_SERVER_WALK_MAX events that were looked at, or at the end. */
static rk_status read_page(rki_request *request, rk_engine *engine, const rk_event_query *query, rk_error *error) {
    const rki_given *limit = rki_parameter_get(request, "limit");
    page page = {.limit = limit->there ? limit->number : PAGE_DEFAULT};
    rk_event_report report;
    rk_bytes body;
    char tail[120];
    rk_buffer_init(&page.buffer, &request->arena, PAGE_SIZE_MAX);
    rk_buffer_append(&page.buffer, RK_TEXT("{\"events\":["));
    rk_status status = rk_engine_events(engine, query, add_entry, &page, &report, error);
    if (status != RK_OK && !page.full) return status;
    size_t size = rk_format(tail, sizeof tail, "],\"from\":%u,\"to\":%u", query->after, report.to);
    rk_buffer_append(&page.buffer, rk_bytes_of(tail, size));
    if (!report.whole) {
        rk_buffer_append(&page.buffer, rk_bytes_of(tail, rk_format(tail, sizeof tail, ",\"next\":%u", report.to)));
    }
    rk_buffer_append(&page.buffer, RK_TEXT("}\n"));
    if (rk_buffer_finish(&page.buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the page is too large");
    rki_answer_json(request, 200, body);
    return RK_OK;
}

static rk_status read_last_id(const rki_given *given, uint64_t *after_out, rk_error *error) {
    for (size_t i = 0; i < given->text.size; i++) {
        uint8_t byte = given->text.data[i];
        if (byte < '0' || byte > '9' || i > 18) {
            return rk_fail(error, RK_BAD_REQUEST, "Last-Event-ID", "it is no position");
        }
        *after_out = (i ? *after_out : 0) * 10 + (uint64_t)(byte - '0');
    }
    return RK_OK;
}

/* The last position before the time that the parameter says; UINT64_MAX where it is absent. */
static rk_status read_time(const rki_request *request, rk_engine *engine, const char *name, uint64_t *position_out,
                           rk_error *error) {
    const rki_given *given = rki_parameter_get(request, name);
    uint64_t time_ms = 0;
    *position_out = UINT64_MAX;
    if (!given->there) return RK_OK;
    if (rk_time_parse(given->text, &time_ms) != RK_OK) return rk_fail(error, RK_BAD_TIME, name, "it is no time");
    return rk_engine_position_before(engine, time_ms, position_out, error);
}

/* What can be said of the request without the log. */
static rk_status read_query(rki_request *request, bool live, rk_event_query *query, rk_error *error) {
    rk_bytes module, id, where = rki_parameter_get(request, "where")->text;
    *query = (rk_event_query){.entity = rki_parameter_get(request, "entity")->text,
                              .type = rki_parameter_get(request, "type")->text,
                              .actor = rki_parameter_get(request, "actor")->text,
                              .after = rki_parameter_get(request, "after")->number,
                              .up_to = UINT64_MAX,
                              .walk_max = RK_SERVER_WALK_MAX};
    if (query->entity.size) RK_TRY(rk_entity_split(query->entity, &module, &id, error));
    if (where.size) RK_TRY(rk_filter_compile(&request->arena, where, &query->where, error));
    if (live && rki_parameter_get(request, "until")->there) {
        return rk_fail(error, RK_BAD_REQUEST, "until", "an event stream has no end");
    }
    return RK_OK;
}

/* What the log has to say: the positions of times; and who may not read is told now, not by a stream that ends. */
static rk_status settle_query(rki_request *request, rk_engine *engine, rk_event_query *query, rk_error *error) {
    uint64_t since = 0;
    RK_TRY(read_time(request, engine, "since", &since, error));
    RK_TRY(read_time(request, engine, "until", &query->up_to, error));
    if (since != UINT64_MAX && since > query->after) query->after = since;
    if (query->entity.size == 0) return RK_OK;
    rk_event_query none = *query;
    rk_event_report report;
    none.after = UINT64_MAX;
    return rk_engine_events(engine, &none, add_entry, NULL, &report, error);
}

static rk_status list(rki_request *request, rk_engine *engine, rk_error *error) {
    bool live = rki_accepts(request, "text/event-stream"), lines = rki_accepts(request, "application/x-ndjson");
    rk_event_query query;
    RK_TRY(read_query(request, live, &query, error));
    if (live || lines) RK_TRY(read_last_id(rki_parameter_get(request, "Last-Event-ID"), &query.after, error));
    RK_TRY(settle_query(request, engine, &query, error));
    if (live || lines) return rki_live_start(request, &query, error);
    return read_page(request, engine, &query, error);
}

rk_status rki_op_event_list(rki_request *request, rk_error *error) {
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = list(request, handle->engine, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
}

static rk_status read_history(rki_request *request, rk_engine *engine, rk_error *error) {
    rk_bytes entity = rk_arena_format(&request->arena, "%b/%b", rki_parameter_get(request, "module")->text,
                                      rki_parameter_get(request, "id")->text);
    rk_reading reading;
    RK_TRY(rk_engine_get(engine, entity, NULL, &request->arena, &reading, error));
    const rk_event_query query = {.entity = entity,
                                  .after = rki_parameter_get(request, "after")->number,
                                  .up_to = UINT64_MAX,
                                  .walk_max = RK_SERVER_WALK_MAX};
    return read_page(request, engine, &query, error);
}

rk_status rki_op_history(rki_request *request, rk_error *error) {
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = read_history(request, handle->engine, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
}

/* ---- the account ---- */

rk_status rki_op_account_show(rki_request *request, rk_error *error) {
    rki_handle *handle = NULL;
    rk_engine_info info;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = rk_engine_info_get(handle->engine, &info, error);
    if (status == RK_OK) {
        rk_bytes json = rk_arena_format(
            &request->arena,
            "{\"name\":\"%s\",\"id\":\"%x\",\"log\":\"%x\",\"position\":%u,\"record\":%u,\"epoch\":%u}\n",
            request->account->name, rk_hash_bytes(&info.account), rk_bytes_of(info.log.bytes, RK_LOG_ID_SIZE),
            info.head.position, info.head.record, info.head.epoch);
        rki_answer_json(request, 200, json);
    }
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
}
