/*
 * Batches that devices have sealed: taken as they are, and answered with what the truth has made of them.
 */
#include <string.h>

#include "door/http/request.h"
#include "door/json.h"

enum { OUTCOME_SIZE_MAX = 64 << 20 };

static void add_text(rk_buffer *buffer, const char *before, rk_bytes text) {
    rk_buffer_append(buffer, rk_bytes_of_string(before));
    rk_json_print_text(buffer, text);
}

static void add_number(rk_buffer *buffer, const char *before, uint64_t number) {
    char text[100];
    rk_buffer_append(buffer, rk_bytes_of(text, rk_format(text, sizeof text, "%s%u", before, number)));
}

static const rk_verdict *verdict_on(const rk_outcome *outcome, size_t transaction) {
    for (size_t i = 0; i < outcome->verdict_count; i++) {
        if (outcome->verdicts[i].transaction == transaction) return &outcome->verdicts[i];
    }
    return NULL;
}

/* Why is left out once the sender has said that it knows. */
static void add_refused(rk_buffer *buffer, const rk_outcome *outcome) {
    size_t given = 0;
    rk_buffer_append(buffer, RK_TEXT(",\"refused\":["));
    for (size_t i = 0; i < outcome->transaction_count; i++) {
        if (rk_bitmap_get(outcome->accepted, i)) continue;
        const rk_verdict *verdict = verdict_on(outcome, i);
        add_number(buffer, given++ ? ",{\"transaction\":" : "{\"transaction\":", i);
        if (verdict) {
            add_text(buffer, ",\"code\":", verdict->code);
            add_text(buffer, ",\"detail\":", verdict->what);
            add_text(buffer, ",\"hint\":", verdict->hint);
        }
        rk_buffer_append(buffer, RK_TEXT("}"));
    }
    rk_buffer_append(buffer, RK_TEXT("]"));
}

static rk_status give_outcome(rki_request *request, rk_error *error) {
    const rk_outcome *outcome = &request->job.outcome;
    rk_buffer buffer;
    rk_bytes body;
    char text[80];
    uint8_t replica[8];
    uint64_t from = outcome->first_position - 1;
    rk_put_u64(replica, outcome->replica);
    rk_buffer_init(&buffer, &request->arena, OUTCOME_SIZE_MAX);
    size_t size = rk_format(text, sizeof text, "{\"replica\":\"%x\"", rk_bytes_of(replica, sizeof replica));
    rk_buffer_append(&buffer, rk_bytes_of(text, size));
    add_number(&buffer, ",\"batch\":", outcome->batch);
    add_number(&buffer, ",\"record\":", outcome->record);
    add_number(&buffer, ",\"from\":", from);
    add_number(&buffer, ",\"to\":", from + outcome->event_count);
    add_number(&buffer, ",\"transactions\":", outcome->transaction_count);
    add_refused(&buffer, outcome);
    rk_buffer_append(&buffer, outcome->again ? RK_TEXT(",\"again\":true}\n") : RK_TEXT("}\n"));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the answer is too large");
    rki_answer_json(request, 200, body);
    return RK_OK;
}

/* Called twice: with the request, and with what a writer has made of it. */
rk_status rki_op_batch_offer(rki_request *request, rk_error *error) {
    static const char cbor[] = "application/cbor";
    rki_job *job = &request->job;
    if (request->stage == RKI_RECEIVING) {
        const char *type =
            MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
        if (!type || strncmp(type, cbor, strlen(cbor)) != 0) {
            return rk_fail(error, RK_UNSUPPORTED_MEDIA, "Content-Type", "a sealed batch is CBOR");
        }
        if (request->body_bytes.size == 0) return rk_fail(error, RK_BAD_REQUEST, "body", "it is missing");
        job->batch = request->body_bytes;
        return rki_append_later(request, error);
    }
    if (job->status == RK_OK) return give_outcome(request, error);
    *error = job->error;
    return job->status;
}
