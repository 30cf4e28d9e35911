/*
 * Operations on actors: list, show, and their events, which the rules of the built-in module `actor` decide about.
 */
#include <string.h>

#include "core/auth/auth.h"
#include "door/http/request.h"
#include "door/json.h"
#include "io/clock.h"

enum { ACTORS_SIZE_MAX = 64 << 20, ACTORS_DEFAULT = 100 };

/* ---- who an actor is ---- */

rk_status rki_actor_state(rki_account *account, rk_bytes actor, rk_arena *arena, rk_value *state_out, rk_error *error) {
    rki_handle *handle = NULL;
    rk_reading reading;
    *state_out = rk_null();
    RK_TRY(rki_handle_take(account, &handle, error));
    rk_bytes name = rk_arena_format(arena, "actor/%b", actor);
    rk_status status = rk_engine_get(handle->engine, name, NULL, arena, &reading, error);
    rki_reader_give(account, handle, rk_status_exit(status) != 3);
    if (status == RK_NOT_FOUND || status == RK_BAD_ID) return RK_OK;
    if (status == RK_OK) *state_out = reading.state;
    return status;
}

bool rki_actor_may_enter(const rk_value *state) {
    rk_actor_view view;
    const rk_value *disabled = rk_map_find(state, RK_TEXT("disabled"));
    return rk_auth_actor(state, (rk_bytes){NULL, 0}, &view) &&
           !(disabled && disabled->kind == RK_BOOL && disabled->as.boolean);
}

static bool has_role(const rk_value *state, rk_bytes role) {
    const rk_value *roles = rk_map_find(state, RK_TEXT("roles"));
    for (size_t i = 0; roles && roles->kind == RK_LIST && i < roles->as.list.count; i++) {
        if (rk_is_text(&roles->as.list.items[i], role)) return true;
    }
    return false;
}

rk_status rki_self_or_admin(rki_request *request, rk_bytes actor, rk_error *error) {
    rk_value state;
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error)); /* a member at all */
    rki_reader_give(request->account, handle, true);
    RK_TRY(rki_actor_state(request->account, request->actor, &request->arena, &state, error));
    if (!rki_actor_may_enter(&state)) {
        return rk_fail(error, RK_NOT_A_MEMBER, NULL, "the account does not know who sends this");
    }
    if (rk_bytes_equal(request->actor, actor) || has_role(&state, RK_TEXT("admin"))) return RK_OK;
    return rk_fail(error, RK_FORBIDDEN, NULL, "this is for the actor itself, and for who has the role admin");
}

/* ---- reading ---- */

static void add_field(rk_buffer *buffer, const char *name, const rk_value *state, const char *otherwise) {
    const rk_value *value = rk_map_find(state, rk_bytes_of_string(name));
    rk_buffer_append(buffer, RK_TEXT(",\""));
    rk_buffer_append(buffer, rk_bytes_of_string(name));
    rk_buffer_append(buffer, RK_TEXT("\":"));
    if (value) {
        rk_json_print(buffer, value);
    } else {
        rk_buffer_append(buffer, rk_bytes_of_string(otherwise));
    }
}

static void add_actor(rk_buffer *buffer, rk_bytes actor, uint64_t version, const rk_value *state) {
    char text[40];
    rk_buffer_append(buffer, RK_TEXT("{\"actor\":"));
    rk_json_print_text(buffer, actor);
    rk_buffer_append(buffer, rk_bytes_of(text, rk_format(text, sizeof text, ",\"version\":%u", version)));
    add_field(buffer, "kind", state, "\"user\"");
    add_field(buffer, "roles", state, "[]");
    add_field(buffer, "groups", state, "[]");
    add_field(buffer, "disabled", state, "false");
    add_field(buffer, "keys", state, "{}");
    rk_buffer_append(buffer, RK_TEXT("}"));
}

typedef struct actors {
    rk_buffer buffer;
    size_t count;
} actors;

static rk_status add_row(void *context, const rk_row *row) {
    actors *actors = context;
    if (actors->count++ > 0) rk_buffer_append(&actors->buffer, RK_TEXT(","));
    add_actor(&actors->buffer, row->id, row->version, &row->state);
    return RK_OK;
}

static rk_status list_actors(rki_request *request, rk_engine *engine, rk_error *error) {
    const rki_given *limit = rki_parameter_get(request, "limit");
    const rk_query query = {.module = RK_TEXT("actor"),
                            .after = rki_parameter_get(request, "cursor")->text,
                            .limit = limit->there ? limit->number : ACTORS_DEFAULT};
    actors actors = {.count = 0};
    rk_query_report report;
    rk_bytes body;
    rk_buffer_init(&actors.buffer, &request->arena, ACTORS_SIZE_MAX);
    rk_buffer_append(&actors.buffer, RK_TEXT("{\"actors\":["));
    RK_TRY(rk_engine_query(engine, &query, &request->arena, add_row, &actors, &report, error));
    rk_buffer_append(&actors.buffer, RK_TEXT("]"));
    if (report.next.size) {
        rk_buffer_append(&actors.buffer, RK_TEXT(",\"next\":"));
        rk_json_print_text(&actors.buffer, report.next);
    }
    rk_buffer_append(&actors.buffer, RK_TEXT("}\n"));
    if (rk_buffer_finish(&actors.buffer, &body) != RK_OK) {
        return rk_fail(error, RK_LIMIT, NULL, "the list is too large");
    }
    rki_answer_json(request, 200, body);
    return RK_OK;
}

rk_status rki_op_actor_list(rki_request *request, rk_error *error) {
    rki_handle *handle = NULL;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = list_actors(request, handle->engine, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
}

static rk_bytes entity_of(rki_request *request, rk_bytes actor) {
    return rk_arena_format(&request->arena, "actor/%b", actor);
}

rk_status rki_op_actor_show(rki_request *request, rk_error *error) {
    rk_bytes actor = rki_parameter_get(request, "actor")->text, body;
    rki_handle *handle = NULL;
    rk_reading reading;
    rk_buffer buffer;
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = rk_engine_get(handle->engine, entity_of(request, actor), NULL, &request->arena, &reading, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    RK_TRY(status);
    rk_buffer_init(&buffer, &request->arena, ACTORS_SIZE_MAX);
    add_actor(&buffer, actor, reading.version, &reading.state);
    rk_buffer_append(&buffer, RK_TEXT("\n"));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the actor is too large");
    rki_answer_json(request, 200, body);
    return RK_OK;
}

/* ---- events ---- */

static rk_pair pair_of(const char *name, rk_value value) {
    return (rk_pair){rk_string(rk_bytes_of_string(name)), value};
}

/* A key is hex of an Ed25519 public key, in lower case: the one text that it has in the state. */
static rk_status check_key(rk_bytes key, rk_error *error) {
    uint8_t bytes[RK_KEY_SIZE];
    bool lower = true;
    for (size_t i = 0; i < key.size; i++) lower &= !(key.data[i] >= 'A' && key.data[i] <= 'F');
    if (lower && rk_hex_read(key, bytes, sizeof bytes)) return RK_OK;
    return rk_fail(error, RK_BAD_REQUEST, "key", "it is not 64 digits of lower-case hex");
}

/* Appended like any event; the answer is a receipt. */
static rk_status append(rki_request *request, rk_bytes actor, const char *type, rk_pair *pairs, size_t count,
                        rk_error *error) {
    RK_TRY(rki_job_event(request, entity_of(request, actor), type, pairs, count, error));
    return rki_append_later(request, error);
}

rk_status rki_op_actor_add(rki_request *request, rk_error *error) {
    rki_member members[] = {{"actor", RK_STRING, true, NULL},
                            {"kind", RK_STRING, false, NULL},
                            {"roles", RK_LIST, false, NULL},
                            {"key", RK_STRING, true, NULL}};
    if (request->stage != RKI_RECEIVING) return rki_op_event_append(request, error);
    RK_TRY(rki_body_members(request, members, 4, error));
    RK_TRY(check_key(members[3].value->as.bytes, error));
    rk_pair pairs[] = {pair_of("kind", members[1].value ? *members[1].value : rk_string(RK_TEXT("user"))),
                       pair_of("roles", members[2].value ? *members[2].value : rk_list(NULL, 0)),
                       pair_of("key", *members[3].value)};
    return append(request, members[0].value->as.bytes, "add", pairs, 3, error);
}

static rk_status set_list(rki_request *request, const char *name, const char *type, rk_error *error) {
    rki_member members[] = {{name, RK_LIST, true, NULL}};
    if (request->stage != RKI_RECEIVING) return rki_op_event_append(request, error);
    RK_TRY(rki_body_members(request, members, 1, error));
    rk_pair pairs[] = {pair_of(name, *members[0].value)};
    return append(request, rki_parameter_get(request, "actor")->text, type, pairs, 1, error);
}

rk_status rki_op_actor_roles(rki_request *request, rk_error *error) {
    return set_list(request, "roles", "set-roles", error);
}

rk_status rki_op_actor_groups(rki_request *request, rk_error *error) {
    return set_list(request, "groups", "set-groups", error);
}

rk_status rki_op_actor_disabled(rki_request *request, rk_error *error) {
    rki_member members[] = {{"disabled", RK_BOOL, true, NULL}};
    if (request->stage != RKI_RECEIVING) return rki_op_event_append(request, error);
    RK_TRY(rki_body_members(request, members, 1, error));
    return append(request, rki_parameter_get(request, "actor")->text,
                  members[0].value->as.boolean ? "disable" : "enable", NULL, 0, error);
}

rk_status rki_op_key_add(rki_request *request, rk_error *error) {
    rki_member members[] = {{"key", RK_STRING, true, NULL}};
    if (request->stage != RKI_RECEIVING) return rki_op_event_append(request, error);
    RK_TRY(rki_body_members(request, members, 1, error));
    RK_TRY(check_key(members[0].value->as.bytes, error));
    rk_pair pairs[] = {pair_of("key", *members[0].value)};
    return append(request, rki_parameter_get(request, "actor")->text, "add-key", pairs, 1, error);
}

rk_status rki_op_key_revoke(rki_request *request, rk_error *error) {
    rk_bytes key = rki_parameter_get(request, "key")->text;
    if (request->stage != RKI_RECEIVING) return rki_op_event_append(request, error);
    RK_TRY(check_key(key, error));
    rk_pair pairs[] = {pair_of("key", rk_string(key))};
    return append(request, rki_parameter_get(request, "actor")->text, "revoke-key", pairs, 1, error);
}
