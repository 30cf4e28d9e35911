/*
 * Quotas: how many events an account's log may have, and how many bytes these.
 *
 * Invariants
 *   (1) A quota is judged with everything else, at the position where an event would stand: what devices bring counts
 *       like what is appended here. Only the truth judges it.
 *   (2) The transaction that reaches the bytes of a quota is the last one: it may pass them by its own size.
 *   (3) An account that has reached its quota can still be given more, go on in a new epoch, be
 *       exported, or be erased.
 *
 * The named value "bytes" of a truth is the sum of its accepted events' sizes, 8 bytes; where it is missing it is
 * counted once.
 */
#include "engine/inner.h"

static const char bytes_name[] = "bytes";

/* ---- what is used ---- */

static rk_status add_size(void *context, const rk_stored_event *event) {
    *(uint64_t *)context += event->bytes.size;
    return RK_OK;
}

static rk_status used_bytes(rk_engine *engine, uint64_t *bytes_out, rk_error *error) {
    const rk_log_ops *store = engine->host.store;
    rk_bytes value;
    *bytes_out = engine->bytes;
    if (engine->bytes > 0) return RK_OK;
    rk_arena arena = rki_call_arena(engine);
    rk_status status = store->meta_get(engine->log, &arena, rk_bytes_of_string(bytes_name), &value, error);
    if (status == RK_OK && value.size == 8) {
        *bytes_out = rk_get_u64(value.data);
    } else if (status == RK_OK || status == RK_NOT_FOUND) {
        status = store->events(engine->log, 0, UINT64_MAX, add_size, bytes_out, error);
    }
    rk_arena_free(&arena);
    return status;
}

rk_status rki_quota_count(rk_engine *engine, uint64_t size, rk_error *error) {
    uint64_t used = 0;
    RK_TRY(used_bytes(engine, &used, error));
    engine->bytes = used + size;
    return rki_meta_put_u64(engine, bytes_name, used + size, error);
}

/* ---- what may be ---- */

static uint64_t bound(const rk_value *quota, rk_bytes name) {
    const rk_value *value = rk_map_find(quota, name);
    return value && value->kind == RK_INT && value->as.integer >= 0 ? (uint64_t)value->as.integer : UINT64_MAX;
}

static rk_status read_quota(rk_engine *engine, const rki_court *court, rk_quota *quota_out, rk_error *error) {
    char name[RK_NAME_SIZE_MAX + 16];
    rk_arena arena = rki_call_arena(engine);
    rk_value state;
    size_t size = rk_format(name, sizeof name, "account/%b", engine->name);
    rk_status status = rki_entity_value(engine, rk_bytes_of(name, size), court, &arena, &state, error);
    if (status == RK_OK) {
        const rk_value *quota = rk_map_find(&state, RK_TEXT("quota"));
        quota_out->events_max = bound(quota, RK_TEXT("events"));
        quota_out->bytes_max = bound(quota, RK_TEXT("bytes"));
        quota_out->requests_max = bound(quota, RK_TEXT("requests"));
    }
    rk_arena_free(&arena);
    return status;
}

static rk_status read_all(rk_engine *engine, const rki_court *court, rk_quota *quota_out, rk_error *error) {
    rk_log_head head;
    RK_TRY(read_quota(engine, court, quota_out, error));
    RK_TRY(engine->host.store->head(engine->log, &head, error));
    quota_out->events = head.position;
    return used_bytes(engine, &quota_out->bytes, error);
}

rk_status rk_engine_quota(rk_engine *engine, rk_quota *quota_out, rk_error *error) {
    RK_TRY(rki_begin(engine, false, error));
    rk_status status = read_all(engine, NULL, quota_out, error);
    rki_view_end(engine);
    return status;
}

static bool is_free(const rk_event *event) {
    static const char *const types[] = {"set-quota", "continue", "export", "erase"};
    bool found = false;
    if (!rk_bytes_equal(event->module, RK_TEXT("account"))) return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        found |= rk_bytes_equal(event->type, rk_bytes_of_string(types[i]));
    return found;
}

rk_status rki_court_quota(rki_court *court, const rk_event *event, rk_error *error) {
    rk_quota *quota = &court->quota;
    if (!court->commit_stamp || is_free(event)) return RK_OK;
    if (!court->quota_read) RK_TRY(read_all(court->engine, court, quota, error));
    court->quota_read = true;
    uint64_t bytes = quota->bytes;
    for (size_t i = 0; quota->bytes_max != UINT64_MAX && i < court->transaction_start; i++) {
        bytes += court->accepted[i].size;
    }
    if (quota->events + court->accepted_count >= quota->events_max) {
        return rk_fail(error, RK_OVER_QUOTA, NULL, "the account may have %u events", quota->events_max);
    }
    if (bytes >= quota->bytes_max) {
        return rk_fail(error, RK_OVER_QUOTA, NULL, "the account's events may have %u bytes", quota->bytes_max);
    }
    return RK_OK;
}
