/*
 * Modules: the built-in ones, and those that the account has published, compiled once and kept.
 */
#include <string.h>

#include "engine/inner.h"

enum { COMPILED_SIZE_MAX = 64 << 20, KEY_SIZE_MAX = RK_NAME_SIZE_MAX + 16 };

void rki_modules_drop(rk_engine *engine, rk_bytes name) {
    bool all = name.size == 0;
    memset(engine->indexed, 0, sizeof engine->indexed); /* it points to modules */
    engine->found = NULL;
    for (size_t i = 0; i < engine->modules.entry_count; i++) {
        rki_compiled *compiled = engine->modules.entries[i].value;
        if (!compiled || !(all || rk_bytes_equal(compiled->module->name, name))) continue;
        engine->modules.entries[i].value = NULL;
        rk_arena_free(&compiled->arena);
    }
    rki_history *history = all ? NULL : rk_map_get(&engine->histories, name);
    if (history) history->count = history->checked = 0;
    if (!all) return;
    rk_arena_free(&engine->module_arena);
    rk_map_init(&engine->modules, &engine->module_arena);
    rk_map_init(&engine->histories, &engine->module_arena);
}

void rki_modules_drop_proposed(rk_engine *engine) {
    engine->found = NULL;
    for (size_t i = 0; i < engine->modules.entry_count; i++) {
        rki_compiled *compiled = engine->modules.entries[i].value;
        if (!compiled || !compiled->proposed) continue;
        engine->modules.entries[i].value = NULL;
        rk_arena_free(&compiled->arena);
    }
}

static rk_status compile(rk_engine *engine, rk_bytes key, const rk_value *source, bool proposed,
                         const rk_module **module_out, rk_error *error) {
    rki_compiled *compiled = rk_arena_take(&engine->module_arena, sizeof *compiled);
    rk_bytes kept;
    if (!compiled || rk_arena_copy(&engine->module_arena, key, &kept) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, "module", "no memory for it");
    }
    rk_arena_init(&compiled->arena, engine->host.memory, COMPILED_SIZE_MAX);
    rk_findings findings;
    rk_status status = rk_module_compile(&compiled->arena, source, &compiled->module, &findings, error);
    if (status == RK_OK && rk_map_set(&engine->modules, kept, compiled) != RK_OK) {
        status = rk_fail(error, RK_NO_MEMORY, "module", "no memory for it");
    }
    if (status != RK_OK) {
        rk_arena_free(&compiled->arena);
        return status;
    }
    compiled->proposed = proposed;
    *module_out = compiled->module;
    return RK_OK;
}

/* The source of a built-in module; empty when `name` is none. All have version 1. */
static rk_bytes builtin_source(rk_bytes name) {
    rk_bytes found, cbor;
    for (size_t i = 0; rk_module_builtin(i, &found, &cbor); i++) {
        if (rk_bytes_equal(found, name)) return cbor;
    }
    return (rk_bytes){NULL, 0};
}

static rk_status unknown(rk_bytes name, uint32_t version, rk_error *error) {
    if (version == 0) return rk_fail(error, RK_UNKNOWN_MODULE, NULL, "there is no module \"%b\"", name);
    return rk_fail(error, RK_UNKNOWN_MODULE, NULL, "there is no module \"%b\" of version %u", name, (uint64_t)version);
}

/* The published source, and whether that is pending. */
static rk_status published_source(rk_engine *engine, rk_bytes name, uint32_t version, const rki_court *court,
                                  rk_arena *arena, rk_value *source_out, bool *proposed_out, rk_error *error) {
    char number[16];
    rki_entity *published = NULL;
    rk_value state;
    RK_TRY(rki_module_entity(engine, name, court, &published, error));
    RK_TRY(rki_entity_value(engine, published->name, court, arena, &state, error));
    size_t size = rk_format(number, sizeof number, "%u", (uint64_t)version);
    const rk_value *source = rk_map_find(rk_map_find(&state, RK_TEXT("versions")), rk_bytes_of(number, size));
    if (!source) return unknown(name, version, error);
    *source_out = *source;
    *proposed_out = version > published->version;
    return RK_OK;
}

static rk_bytes key_of(rk_bytes name, uint32_t version, char out[KEY_SIZE_MAX]) {
    return rk_bytes_of(out, rk_format(out, KEY_SIZE_MAX, "%b@%u", name, (uint64_t)version));
}

static rk_status compile_source(rk_engine *engine, rk_bytes name, rk_bytes builtin, uint32_t version,
                                const rki_court *court, const rk_module **module_out, rk_error *error) {
    char key[KEY_SIZE_MAX];
    rk_arena arena = rki_call_arena(engine);
    rk_value source;
    bool proposed = false;
    rk_status status = builtin.size ? rk_cbor_decode(&arena, builtin, &source, error)
                                    : published_source(engine, name, version, court, &arena, &source, &proposed, error);
    if (status == RK_OK) status = compile(engine, key_of(name, version, key), &source, proposed, module_out, error);
    rk_arena_free(&arena);
    return status;
}

rk_status rki_module_find(rk_engine *engine, rk_bytes name, uint32_t version, const rki_court *court,
                          const rk_module **module_out, rk_error *error) {
    char key[KEY_SIZE_MAX];
    *module_out = engine->found;
    if (engine->found && engine->found->version == version && rk_bytes_equal(engine->found->name, name)) return RK_OK;
    rk_bytes builtin = builtin_source(name);
    *module_out = NULL;
    if (!rk_name_valid(name) || (builtin.size && version > 1)) return unknown(name, version, error);
    if (version == 0) RK_TRY(rki_module_current(engine, name, court, &version, error));
    rki_compiled *compiled = rk_map_get(&engine->modules, key_of(name, version, key));
    if (!compiled) return compile_source(engine, name, builtin, version, court, module_out, error);
    *module_out = engine->found = compiled->module;
    return RK_OK;
}
