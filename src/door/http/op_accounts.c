/*
 * Operations on whole accounts: found, quota, erase.
 */
#include <string.h>

#include "base/base64.h"
#include "door/http/request.h"
#include "door/json.h"
#include "io/clock.h"
#include "io/crypto.h"

enum { ANSWER_SIZE_MAX = 32 << 10 };

static rk_status give(rki_request *request, unsigned status, rk_buffer *buffer, rk_error *error) {
    rk_bytes body;
    if (rk_buffer_finish(buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the answer is too large");
    rki_answer_json(request, status, body);
    return RK_OK;
}

static void add_text(rk_buffer *buffer, const char *name, rk_bytes text) {
    rk_buffer_append(buffer, rk_bytes_of_string(name));
    rk_json_print_text(buffer, text);
}

static void add_base64(rk_buffer *buffer, const char *name, rk_bytes bytes) {
    rk_buffer_append(buffer, rk_bytes_of_string(name));
    rk_buffer_append_byte(buffer, '"');
    rk_base64_append(buffer, bytes);
    rk_buffer_append_byte(buffer, '"');
}

static void add_hex(rk_buffer *buffer, const char *name, const uint8_t *bytes, size_t size) {
    char digits[2 * RK_HASH_SIZE];
    rk_hex_write(rk_bytes_of(bytes, size), digits);
    add_text(buffer, name, rk_bytes_of(digits, 2 * size));
}

/* ---- founding ---- */

static rk_status read_key(const rki_member *member, rk_key *key_out, rk_error *error) {
    if (rk_hex_read(member->value->as.bytes, key_out->bytes, RK_KEY_SIZE)) return RK_OK;
    return rk_fail(error, RK_BAD_REQUEST, member->name, "it is not 64 digits of hex");
}

static rk_status give_draft(rki_request *request, const rki_draft *draft, rk_error *error) {
    rk_buffer buffer;
    char time[RK_TIME_TEXT_SIZE];
    rk_hash account = rk_sha256(rk_crypto_sodium(), rk_key_bytes(&draft->founding.root_key));
    rk_time_print(draft->expires_ms, time);
    rk_buffer_init(&buffer, &request->arena, ANSWER_SIZE_MAX);
    add_text(&buffer, "{\"draft\":", rk_bytes_of(draft->id.text, sizeof draft->id.text));
    add_base64(&buffer, ",\"to_sign\":", draft->draft.to_sign);
    add_base64(&buffer, ",\"genesis\":", draft->draft.leaves);
    add_hex(&buffer, ",\"account\":", account.bytes, sizeof account.bytes);
    add_hex(&buffer, ",\"log\":", draft->founding.log.bytes, RK_LOG_ID_SIZE);
    add_hex(&buffer, ",\"truth_key\":", draft->founding.truth.public_key.bytes, RK_KEY_SIZE);
    add_text(&buffer, ",\"expires\":", rk_bytes_of(time, sizeof time));
    rk_buffer_append(&buffer, RK_TEXT("}\n"));
    return give(request, 202, &buffer, error);
}

static rk_status draft(rki_request *request, const rki_member *root, const rki_member *owner, rk_error *error) {
    rki_draft draft;
    rk_key root_key, owner_key;
    rk_bytes name = rki_parameter_get(request, "account")->text;
    RK_TRY(read_key(root, &root_key, error));
    RK_TRY(read_key(owner, &owner_key, error));
    RK_TRY(rki_account_may_found(request->server, name, error));
    RK_TRY(rki_desk_draft(request, error));
    RK_TRY(rki_draft_make(request->server, name, &root_key, &owner_key, &request->arena, &draft, error));
    return give_draft(request, &draft, error);
}

static rk_status give_account(rki_request *request, unsigned status, rk_bytes name, const rk_engine_info *info,
                              rk_error *error) {
    rk_buffer buffer;
    char text[120];
    rk_buffer_init(&buffer, &request->arena, ANSWER_SIZE_MAX);
    add_text(&buffer, "{\"name\":", name);
    add_hex(&buffer, ",\"id\":", info->account.bytes, RK_HASH_SIZE);
    add_hex(&buffer, ",\"log\":", info->log.bytes, RK_LOG_ID_SIZE);
    size_t size = rk_format(text, sizeof text, ",\"position\":%u,\"record\":%u,\"epoch\":%u}\n", info->head.position,
                            info->head.record, info->head.epoch);
    rk_buffer_append(&buffer, rk_bytes_of(text, size));
    return give(request, status, &buffer, error);
}

static rk_status sign(rki_request *request, rk_bytes id, rk_bytes encoded, rk_error *error) {
    rk_bytes signature, name = rki_parameter_get(request, "account")->text;
    rk_engine_info info;
    rk_status status = rk_base64_read(&request->arena, encoded, &signature);
    if (status == RK_NO_MEMORY) return rk_fail(error, status, NULL, "no memory for the signature");
    if (status != RK_OK || signature.size != RK_SIGNATURE_SIZE) {
        return rk_fail(error, RK_BAD_REQUEST, "signature", "it is not base64 of 64 bytes");
    }
    RK_TRY(rki_account_may_found(request->server, name, error));
    RK_TRY(rki_draft_sign(request->server, name, id, signature.data, &request->arena, &info, error));
    return give_account(request, 201, name, &info, error);
}

rk_status rki_op_account_create(rki_request *request, rk_error *error) {
    rki_member members[] = {{"root_key", RK_STRING, false, NULL},
                            {"owner_key", RK_STRING, false, NULL},
                            {"draft", RK_STRING, false, NULL},
                            {"signature", RK_STRING, false, NULL}};
    RK_TRY(rki_body_members(request, members, 4, error));
    bool keys = members[0].value && members[1].value, none = !members[0].value && !members[1].value;
    bool signs = members[2].value && members[3].value, unsigned_ = !members[2].value && !members[3].value;
    if (keys && unsigned_) return draft(request, &members[0], &members[1], error);
    if (none && signs) return sign(request, members[2].value->as.bytes, members[3].value->as.bytes, error);
    return rk_fail(error, RK_BAD_REQUEST, "body", "it is {\"root_key\", \"owner_key\"}, or {\"draft\", \"signature\"}");
}

/* ---- the account's own entity ---- */

rk_status rki_account_entity(rki_request *request, rk_bytes *entity_out, rk_engine_info *info_out, rk_error *error) {
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = rk_engine_info_get(handle->engine, info_out, error);
    if (status == RK_OK) *entity_out = rk_arena_format(&request->arena, "account/%b", info_out->name);
    info_out->name = (rk_bytes){NULL, 0}; /* of the engine, which others take */
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
}

static rk_status read_quota(rki_request *request, rk_engine *engine, rk_error *error) {
    rk_engine_info info;
    rk_reading reading;
    rk_quota use;
    rk_buffer buffer;
    char text[100];
    RK_TRY(rk_engine_info_get(engine, &info, error));
    RK_TRY(rk_engine_quota(engine, &use, error));
    rk_bytes entity = rk_arena_format(&request->arena, "account/%b", info.name);
    RK_TRY(rk_engine_get(engine, entity, NULL, &request->arena, &reading, error));
    const rk_value *quota = rk_map_find(&reading.state, RK_TEXT("quota"));
    rk_buffer_init(&buffer, &request->arena, ANSWER_SIZE_MAX);
    rk_buffer_append(&buffer, RK_TEXT("{\"limits\":"));
    if (quota) {
        rk_json_print(&buffer, quota);
    } else {
        rk_buffer_append(&buffer, RK_TEXT("{}"));
    }
    size_t size = rk_format(text, sizeof text, ",\"use\":{\"events\":%u,\"bytes\":%u}}\n", use.events, use.bytes);
    rk_buffer_append(&buffer, rk_bytes_of(text, size));
    return give(request, 200, &buffer, error);
}

rk_status rki_op_account_quota(rki_request *request, rk_error *error) {
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = read_quota(request, handle->engine, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
}

/* ---- erasing ---- */

static rk_status finish_erase(rki_request *request, rk_error *error) {
    rk_engine_info info;
    rk_bytes entity;
    if (request->job.status != RK_OK) {
        *error = request->job.error;
        return request->job.status;
    }
    RK_TRY(rki_account_entity(request, &entity, &info, error));
    RK_TRY(rki_account_erase(request->account, error));
    return give_account(request, 200, rk_bytes_of_string(request->account->name), &info, error);
}

/* The event is the last word of the owner; what the account is made of goes when nobody holds it any more. */
rk_status rki_op_account_erase(rki_request *request, rk_error *error) {
    rk_engine_info info;
    rk_bytes entity;
    if (request->stage != RKI_RECEIVING) return finish_erase(request, error);
    if (strcmp(request->account->path, request->server->options.data) == 0) {
        rk_fail(error, RK_FORBIDDEN, "account", "this account is the server's folder itself");
        rk_error_hint(error, "stop the server and remove its folder");
        return RK_FORBIDDEN;
    }
    RK_TRY(rki_account_entity(request, &entity, &info, error));
    RK_TRY(rki_job_event(request, entity, "erase", NULL, 0, error));
    return rki_append_later(request, error);
}
