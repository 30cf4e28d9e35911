/*
 * Values and modules written as JSON.
 */
#include "core/module/module_testing.h"

#include <stdio.h>
#include <string.h>

#include "door/json.h"

rk_value value_of_text(rk_arena *arena, rk_bytes text) {
    rk_value value;
    rk_error error = {0};
    if (rk_json_read(arena, text, &value, &error) == RK_OK) return value;
    fprintf(stderr, "%s: %s in %.*s\n", error.where, error.what, (int)text.size, (const char *)text.data);
    RK_UNREACHABLE("a test's JSON does not read");
}

rk_value value_of_json(rk_arena *arena, const char *text) {
    char *copy = rk_arena_string(arena, rk_bytes_of_string(text));
    RK_ASSERT(copy);
    for (char *at = copy; *at; at++) *at = *at == '\'' ? '"' : *at == '`' ? '\'' : *at;
    return value_of_text(arena, rk_bytes_of_string(copy));
}

const rk_module *module_of_json(rk_arena *arena, const char *text) {
    rk_value source = value_of_json(arena, text);
    rk_module *module = NULL;
    rk_findings findings;
    rk_error error = {0};
    if (rk_module_compile(arena, &source, &module, &findings, &error) == RK_OK) return module;
    fprintf(stderr, "%s: %s in %s\n", error.where, error.what, text);
    RK_UNREACHABLE("a test's module does not compile");
}

rk_bytes file_of(rk_arena *arena, const char *path) {
    FILE *file = fopen(path, "rb");
    rk_buffer buffer;
    rk_bytes bytes = {NULL, 0};
    if (!file) return bytes;
    rk_buffer_init(&buffer, arena, 16 << 20);
    uint8_t part[4096];
    for (size_t size; (size = fread(part, 1, sizeof part, file)) > 0;)
        rk_buffer_append(&buffer, rk_bytes_of(part, size));
    fclose(file);
    RK_ASSERT(rk_buffer_finish(&buffer, &bytes) == RK_OK);
    return bytes;
}
