/*
 * Turns the JSON files named on the command line into a C file with their deterministic CBOR, on standard output.
 * The built-in modules are written as module files like any other and compiled in by this.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/value/cbor.h"
#include "door/json.h"
#include "io/memory.h"

static int fail(const char *path, const rk_error *error) {
    fprintf(stderr, "%s: %s: %s\n", path, error->where, error->what);
    return 1;
}

static rk_bytes read_file(rk_arena *arena, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return (rk_bytes){NULL, 0};
    uint8_t *bytes = rk_arena_take(arena, RK_MODULE_SIZE_MAX);
    size_t size = bytes ? fread(bytes, 1, RK_MODULE_SIZE_MAX, file) : 0;
    fclose(file);
    return rk_bytes_of(bytes, size);
}

/* "src/core/module/builtin/account.json" -> "account" */
static rk_bytes base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    rk_bytes name = rk_bytes_of_string(slash ? slash + 1 : path);
    name.size = rk_bytes_find(name, '.');
    return name;
}

static int embed(rk_arena *arena, const char *path, size_t index) {
    rk_value value;
    rk_bytes cbor;
    rk_error error = {0};
    if (rk_json_read(arena, read_file(arena, path), &value, &error) != RK_OK) return fail(path, &error);
    if (rk_cbor_encode(arena, &value, RK_MODULE_SIZE_MAX, &cbor) != RK_OK) return fail(path, &error);
    printf("\n/* %s */\nstatic const uint8_t bytes_%zu[] = {", path, index);
    for (size_t i = 0; i < cbor.size; i++) printf("%s0x%02x,", i % 16 ? " " : "\n    ", cbor.data[i]);
    printf("\n};\n");
    return 0;
}

int main(int count, char **paths) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    printf(
        "/*\n * The built-in modules, made by tools/embed.c from src/core/module/builtin/ *.json: do not edit.\n */\n"
        "/* clang-format off */\n#include \"core/module/module.h\"\n");
    for (int i = 1; i < count; i++) {
        if (embed(&arena, paths[i], (size_t)i) != 0) return 1;
    }
    printf("\nbool rk_module_builtin(size_t index, rk_bytes *name_out, rk_bytes *cbor_out) {\n"
           "    static const struct {\n        rk_bytes name;\n        rk_bytes cbor;\n    } modules[] = {\n");
    for (int i = 1; i < count; i++) {
        rk_bytes name = base_name(paths[i]);
        printf("        {{(const uint8_t *)\"%.*s\", %zu}, {bytes_%d, sizeof bytes_%d}},\n", (int)name.size,
               (const char *)name.data, name.size, i, i);
    }
    printf("    };\n    if (index >= sizeof modules / sizeof *modules) return false;\n"
           "    *name_out = modules[index].name;\n    *cbor_out = modules[index].cbor;\n    return true;\n}\n");
    rk_arena_free(&arena);
    return 0;
}
