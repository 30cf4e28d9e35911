/*
 * Fields of maps with integer keys.
 */
#include "core/event/fields.h"

#include <string.h>

void rki_fields_start(rki_fields *fields, const rk_value *map) {
    *fields = (rki_fields){.map = map, .failed = map->kind == RK_MAP ? 0 : -1};
}

bool rki_field_there(const rki_fields *fields, int64_t key) {
    return rk_map_find_int(fields->map, key) != NULL;
}

static const rk_value *take(rki_fields *fields, int64_t key, rk_kind kind) {
    const rk_value *value = rk_map_find_int(fields->map, key);
    if (value && value->kind == kind) {
        fields->found++;
        return value;
    }
    if (!fields->failed) fields->failed = key;
    return NULL;
}

rk_bytes rki_field_blob(rki_fields *fields, int64_t key) {
    const rk_value *value = take(fields, key, RK_BYTES);
    return value ? value->as.bytes : (rk_bytes){NULL, 0};
}

void rki_field_bytes(rki_fields *fields, int64_t key, uint8_t *out, size_t size) {
    rk_bytes bytes = rki_field_blob(fields, key);
    memset(out, 0, size);
    if (bytes.size == size) {
        memcpy(out, bytes.data, size);
    } else if (!fields->failed) {
        fields->failed = key;
    }
}

uint64_t rki_field_u64(rki_fields *fields, int64_t key) {
    uint8_t bytes[8];
    rki_field_bytes(fields, key, bytes, sizeof bytes);
    return rk_get_u64(bytes);
}

uint64_t rki_field_int(rki_fields *fields, int64_t key, uint64_t low, uint64_t high) {
    const rk_value *value = take(fields, key, RK_INT);
    if (!value) return low;
    if (value->as.integer >= 0 && (uint64_t)value->as.integer >= low && (uint64_t)value->as.integer <= high) {
        return (uint64_t)value->as.integer;
    }
    if (!fields->failed) fields->failed = key;
    return low;
}

const rk_value *rki_field_list(rki_fields *fields, int64_t key) {
    return rki_field_there(fields, key) ? take(fields, key, RK_LIST) : NULL;
}

rk_status rki_fields_finish(const rki_fields *fields, rk_status code, const char *what, rk_error *error) {
    if (fields->failed) {
        char where[32];
        rk_format(where, sizeof where, "key %d", fields->failed);
        return rk_fail(error, code, where, "%s: missing, or not what the format says", what);
    }
    if (fields->found != fields->map->as.map.count) return rk_fail(error, code, NULL, "%s: an unknown key", what);
    return RK_OK;
}

void rki_put_bytes(rk_buffer *buffer, int64_t key, rk_bytes bytes) {
    rk_cbor_append_int(buffer, key);
    rk_cbor_append_bytes(buffer, bytes);
}

void rki_put_u64(rk_buffer *buffer, int64_t key, uint64_t value) {
    uint8_t bytes[8];
    rk_put_u64(bytes, value);
    rki_put_bytes(buffer, key, rk_bytes_of(bytes, sizeof bytes));
}

void rki_put_int(rk_buffer *buffer, int64_t key, uint64_t value) {
    RK_ASSERT(value <= INT64_MAX);
    rk_cbor_append_int(buffer, key);
    rk_cbor_append_int(buffer, (int64_t)value);
}
