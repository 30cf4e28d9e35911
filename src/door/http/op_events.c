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
    uint64_t last;
    rk_bytes type, actor;
    bool full;
} page;

static rk_status add_entry(void *context, const rk_entry *entry) {
    page *page = context;
    bool wanted = (!page->type.size || rk_bytes_equal(page->type, entry->event.type)) &&
                  (!page->actor.size || rk_bytes_equal(page->actor, entry->event.actor));
    if (wanted) {
        if (page->given++ > 0) rk_buffer_append(&page->buffer, RK_TEXT(","));
        rki_entry_json(&page->buffer, entry);
    }
    page->last = entry->position;
    page->full = page->given == page->limit || page->buffer.size > PAGE_SIZE_MAX / 4;
    return page->full ? RK_LIMIT : RK_OK;
}

static rk_status read_page(rki_request *request, rk_engine *engine, rk_bytes entity, uint64_t after, page *page,
                           rk_error *error) {
    rk_engine_info info;
    rk_bytes body;
    char tail[120];
    RK_TRY(rk_engine_info_get(engine, &info, error));
    rk_buffer_init(&page->buffer, &request->arena, PAGE_SIZE_MAX);
    rk_buffer_append(&page->buffer, RK_TEXT("{\"events\":["));
    rk_status status = rk_engine_log(engine, entity, after, UINT64_MAX, false, add_entry, page, error);
    if (status != RK_OK && !page->full) return status;
    uint64_t to = page->full ? page->last : page->last > info.head.position ? page->last : info.head.position;
    size_t size = rk_format(tail, sizeof tail, "],\"from\":%u,\"to\":%u", after, to > after ? to : after);
    rk_buffer_append(&page->buffer, rk_bytes_of(tail, size));
    if (page->full) {
        rk_buffer_append(&page->buffer, rk_bytes_of(tail, rk_format(tail, sizeof tail, ",\"next\":%u", to)));
    }
    rk_buffer_append(&page->buffer, RK_TEXT("}\n"));
    if (rk_buffer_finish(&page->buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the page is too large");
    rki_answer_json(request, 200, body);
    return RK_OK;
}

static rk_status list(rki_request *request, rk_bytes entity, page *page, rk_error *error) {
    const rki_given *after = rki_parameter_get(request, "after"), *limit = rki_parameter_get(request, "limit");
    rki_handle *handle = NULL;
    page->limit = limit->there ? limit->number : PAGE_DEFAULT;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = read_page(request, handle->engine, entity, after->number, page, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
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

/* Who may not is told now, not by a stream that ends. */
static rk_status may_read(rki_request *request, rk_bytes entity, page *page, rk_error *error) {
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = RK_OK;
    if (entity.size) status = rk_engine_log(handle->engine, entity, UINT64_MAX, 1, false, add_entry, page, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
}

rk_status rki_op_event_list(rki_request *request, rk_error *error) {
    rk_bytes entity = rki_parameter_get(request, "entity")->text;
    page page = {.type = rki_parameter_get(request, "type")->text, .actor = rki_parameter_get(request, "actor")->text};
    rk_bytes module, id;
    if (entity.size) RK_TRY(rk_entity_split(entity, &module, &id, error));
    if (!rki_accepts(request, "text/event-stream") && !rki_accepts(request, "application/x-ndjson")) {
        return list(request, entity, &page, error);
    }
    uint64_t after = rki_parameter_get(request, "after")->number;
    RK_TRY(read_last_id(rki_parameter_get(request, "Last-Event-ID"), &after, error));
    RK_TRY(may_read(request, entity, &page, error));
    return rki_live_start(request, after, entity, page.type, page.actor, error);
}

rk_status rki_op_history(rki_request *request, rk_error *error) {
    page page = {.limit = 0};
    rk_bytes entity = rk_arena_format(&request->arena, "%b/%b", rki_parameter_get(request, "module")->text,
                                      rki_parameter_get(request, "id")->text);
    rk_reading reading;
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = rk_engine_get(handle->engine, entity, NULL, &request->arena, &reading, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status == RK_OK ? list(request, entity, &page, error) : status;
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
