/*
 * Findings and JSON pointers.
 */
#include "core/module/findings.h"

static rk_bytes copy(rk_arena *arena, const char *text) {
    rk_bytes bytes = {NULL, 0};
    return rk_arena_copy(arena, rk_bytes_of_string(text), &bytes) == RK_OK ? bytes : (rk_bytes){NULL, 0};
}

void rki_finding_add(rk_findings *findings, rk_arena *arena, rk_status code, rk_bytes pointer, const char *message,
                     const char *hint) {
    if (findings->count < RK_FINDINGS_MAX) {
        findings->items[findings->count] = (rk_finding){code, pointer, copy(arena, message), copy(arena, hint)};
    }
    findings->count++;
}

void rki_finding_of_error(rk_findings *findings, rk_arena *arena, rk_bytes pointer, const rk_error *error) {
    char message[RK_ERROR_WHERE_MAX + RK_ERROR_WHAT_MAX + 4];
    rk_format(message, sizeof message, error->where[0] ? "%s: %s" : "%s%s", error->where, error->what);
    rki_finding_add(findings, arena, error->code, pointer, message, error->hint);
}

rk_bytes rki_pointer(rk_arena *arena, rk_bytes base, rk_bytes step) {
    rk_buffer buffer;
    rk_bytes pointer;
    rk_buffer_init(&buffer, arena, 1 << 12);
    rk_buffer_append(&buffer, base);
    rk_buffer_append_byte(&buffer, '/');
    for (size_t i = 0; i < step.size; i++) {
        if (step.data[i] == '~') {
            rk_buffer_append(&buffer, RK_TEXT("~0"));
        } else if (step.data[i] == '/') {
            rk_buffer_append(&buffer, RK_TEXT("~1"));
        } else {
            rk_buffer_append_byte(&buffer, step.data[i]);
        }
    }
    return rk_buffer_finish(&buffer, &pointer) == RK_OK ? pointer : base;
}

rk_bytes rki_pointer_index(rk_arena *arena, rk_bytes base, size_t index) {
    return rk_arena_format(arena, "%b/%u", base, (uint64_t)index);
}
