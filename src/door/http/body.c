/*
 * Bodies of named members, and jobs of one event.
 */
#include <string.h>

#include "door/http/request.h"

static const char *kind_name(rk_kind kind) {
    switch (kind) {
    case RK_BOOL:
        return "true or false";
    case RK_LIST:
        return "a list";
    case RK_MAP:
        return "an object";
    default:
        return "a text";
    }
}

static rk_status refuse_unknown(const rk_value *body, const rki_member *members, size_t count, rk_error *error) {
    for (size_t i = 0; i < body->as.map.count; i++) {
        const rk_value *key = &body->as.map.pairs[i].key;
        bool known = false;
        for (size_t n = 0; n < count && !known; n++) known = rk_is_text(key, rk_bytes_of_string(members[n].name));
        if (!known) return rk_fail(error, RK_BAD_REQUEST, "body", "it has a member that the operation does not know");
    }
    return RK_OK;
}

rk_status rki_body_members(rki_request *request, rki_member *members, size_t count, rk_error *error) {
    rk_value *body = rk_arena_take(&request->arena, sizeof *body);
    if (!body) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the body");
    RK_TRY(rki_body_value(request, body, error));
    if (body->kind != RK_MAP) return rk_fail(error, RK_BAD_REQUEST, "body", "it is no object");
    for (size_t i = 0; i < count; i++) {
        rki_member *member = &members[i];
        member->value = rk_map_find(body, rk_bytes_of_string(member->name));
        if (!member->value && member->needed) return rk_fail(error, RK_BAD_REQUEST, member->name, "it is missing");
        if (member->value && member->value->kind != member->kind) {
            return rk_fail(error, RK_BAD_REQUEST, member->name, "it is not %s", kind_name(member->kind));
        }
    }
    return refuse_unknown(body, members, count, error);
}

rk_status rki_job_event(rki_request *request, rk_bytes entity, const char *type, rk_pair *pairs, size_t count,
                        rk_error *error) {
    rki_job *job = &request->job;
    rk_pair *copy = rk_arena_take_array(&request->arena, count, sizeof *copy);
    job->intents = rk_arena_take(&request->arena, sizeof *job->intents);
    if (!copy || !job->intents) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the event");
    if (count) memcpy(copy, pairs, count * sizeof *copy);
    *job->intents = (rk_intent){.entity = entity, .type = rk_bytes_of_string(type)};
    job->count = 1;
    rk_status status = rk_map_value(&request->arena, copy, count, &job->intents->data);
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "no memory for the event");
}
