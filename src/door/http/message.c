/*
 * The parts of a target, and fields that stand on several lines.
 */
#include "door/http/message.h"

rk_bytes rk_http_path(const rk_http_request *request) {
    return rk_bytes_of(request->target.data, rk_bytes_find(request->target, '?'));
}

rk_bytes rk_http_query(const rk_http_request *request) {
    return rk_bytes_from(request->target, rk_bytes_find(request->target, '?'));
}

static uint8_t lower(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

bool rk_http_name_equal(rk_bytes a, rk_bytes b) {
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    }
    return true;
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t';
}

static rk_bytes trim(rk_bytes text) {
    while (text.size > 0 && is_blank(text.data[text.size - 1])) text.size--;
    while (text.size > 0 && is_blank(text.data[0])) text = rk_bytes_from(text, 1);
    return text;
}

static bool is_plain(rk_bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\t' && (text.data[i] < 0x20 || text.data[i] > 0x7E)) return false;
    }
    return true;
}

/* The name as a place in an error. */
static rk_status refuse(rk_error *error, rk_status code, rk_bytes name, const char *what) {
    rk_status status = rk_fail(error, code, NULL, "%s", what);
    rk_error_at(error, name);
    return status;
}

rk_status rk_http_field(rk_arena *arena, const rk_http_request *request, rk_bytes name, bool *found_out,
                        rk_bytes *value_out, rk_error *error) {
    rk_buffer buffer;
    *found_out = false;
    *value_out = (rk_bytes){NULL, 0};
    rk_buffer_init(&buffer, arena, RK_HTTP_FIELD_SIZE_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        if (!rk_http_name_equal(request->headers[i].name, name)) continue;
        rk_bytes value = request->headers[i].value;
        if (!is_plain(value)) return refuse(error, RK_BAD_HEADER, name, "it holds other bytes than printable ASCII");
        if (*found_out) rk_buffer_append(&buffer, RK_TEXT(", "));
        rk_buffer_append(&buffer, trim(value));
        *found_out = true;
    }
    rk_status status = rk_buffer_finish(&buffer, value_out);
    return status == RK_OK ? RK_OK : refuse(error, status, name, "RK_HTTP_FIELD_SIZE_MAX, or memory ran out");
}
