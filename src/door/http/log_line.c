/*
 * Lines of a log.
 */
#include "door/http/log_line.h"

#include "core/value/id.h"
#include "door/json.h"

static void add(rk_buffer *buffer, const char *text) {
    rk_buffer_append(buffer, rk_bytes_of_string(text));
}

static bool is_plain(rk_bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte <= ' ' || byte > '~' || byte == '"' || byte == '\\' || byte == '=') return false;
    }
    return text.size > 0;
}

/* What a terminal may obey; those below U+0020 are escaped as JSON. */
static bool is_control(uint32_t point) {
    return point >= 0x7f && point <= 0x9f;
}

/* The longest beginning that is valid UTF-8, holds none of those, and is no longer than may be. */
static rk_bytes cut(rk_bytes text) {
    size_t at = 0, end = 0;
    uint32_t point = 0;
    while (at < text.size && rk_utf8_next(text, &at, &point) && at <= RK_LOG_TEXT_MAX && !is_control(point)) end = at;
    return (rk_bytes){text.data, end};
}

static void add_value(rk_buffer *buffer, bool json, const rk_log_field *field) {
    char number[24];
    if (!field->text.data) {
        rk_buffer_append(buffer, rk_bytes_of(number, rk_format(number, sizeof number, "%u", field->number)));
        return;
    }
    rk_bytes text = cut(field->text);
    if (!json && is_plain(text)) {
        rk_buffer_append(buffer, text);
    } else {
        rk_json_print_text(buffer, text);
    }
}

void rk_log_line_write(rk_buffer *buffer, bool json, uint64_t time_ms, const char *level, const char *event,
                       const rk_log_field *fields, size_t field_count) {
    char time[RK_TIME_TEXT_SIZE], start[160];
    rk_time_print(time_ms, time);
    size_t size =
        rk_format(start, sizeof start, json ? "{\"time\":\"%b\",\"level\":\"%s\",\"event\":\"%s\"" : "%b %s %s",
                  rk_bytes_of(time, sizeof time), level, event);
    rk_buffer_append(buffer, rk_bytes_of(start, size));
    for (size_t i = 0; i < field_count; i++) {
        const rk_log_field *field = &fields[i];
        if (field->text.data && field->text.size == 0) continue;
        add(buffer, json ? ",\"" : " ");
        add(buffer, field->name);
        add(buffer, json ? "\":" : "=");
        add_value(buffer, json, field);
    }
    add(buffer, json ? "}\n" : "\n");
}
