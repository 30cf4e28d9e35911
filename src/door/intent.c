/*
 * Reading what callers ask for.
 */
#include "door/intent.h"

static bool is_text(const rk_value *value) {
    return value && value->kind == RK_STRING && value->as.bytes.size > 0;
}

rk_status rk_intent_read(const rk_value *map, rk_status code, rk_intent *intent_out, rk_error *error) {
    const rk_value *entity = rk_map_find(map, RK_TEXT("entity")), *type = rk_map_find(map, RK_TEXT("type")),
                   *data = rk_map_find(map, RK_TEXT("data")), *expect = rk_map_find(map, RK_TEXT("expect")),
                   *require = rk_map_find(map, RK_TEXT("require"));
    size_t known = (size_t)(!!entity + !!type + !!data + !!expect + !!require);
    bool event = is_text(entity) && is_text(type) && (!data || data->kind == RK_MAP) && !require;
    bool check = is_text(entity) && expect && known == 2;
    bool condition = is_text(require) && known == 1;
    if (map->kind != RK_MAP || map->as.map.count != known || !(event || check || condition)) {
        rk_fail(error, code, NULL, "it is no event, no expected version and no condition");
        rk_error_hint(error, "{\"entity\", \"type\", \"data\", \"expect\"}, of which data and expect may be absent; "
                             "{\"entity\", \"expect\"}; or {\"require\": CEL}");
        return code;
    }
    if (expect && (expect->kind != RK_INT || expect->as.integer < 0)) {
        return rk_fail(error, code, NULL, "\"expect\" is not a version");
    }
    *intent_out = (rk_intent){.data = data ? *data : (rk_value){.kind = RK_MAP}, .expects = expect != NULL};
    if (entity) intent_out->entity = entity->as.bytes;
    if (type) intent_out->type = type->as.bytes;
    if (require) intent_out->require = require->as.bytes;
    if (expect) intent_out->expected = (uint64_t)expect->as.integer;
    return RK_OK;
}

/* Digits alone, few enough for 64 bits. */
static bool read_version(rk_bytes text, uint64_t *version_out) {
    *version_out = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        *version_out = *version_out * 10 + (uint64_t)(text.data[i] - '0');
    }
    return text.size > 0 && text.size < 20;
}

rk_status rk_at_read(rk_bytes text, const char *where, rk_at *at_out, rk_error *error) {
    *at_out = (rk_at){.kind = RK_AT_VERSION};
    if (read_version(text, &at_out->version)) return RK_OK;
    at_out->kind = RK_AT_EVENT;
    if (text.size == RK_ULID_SIZE && rk_id_parse(text, &at_out->event) == RK_OK) return RK_OK;
    at_out->kind = RK_AT_TIME;
    if (rk_time_parse(text, &at_out->time_ms) == RK_OK) return RK_OK;
    rk_fail(error, RK_BAD_TIME, where, "\"%b\" is no version, no event id and no time", text);
    rk_error_hint(error,
                  "a version is a number, an event id 26 letters, a time like 2026-01-31T12:00:00Z or 2026-01-31");
    return RK_BAD_TIME;
}
