/*
 * Strategy: any text as JSON; and any bytes as CBOR, printed as JSON, since what a state or an event holds is printed.
 *
 * Invariants
 *   (1) What is refused says where and what.
 *   (2) What reads prints to what reads to an equal value, compact and over several lines; printing that again gives
 *       the same text.
 *   (3) Every value prints to JSON that reads, but for doubled keys (1 and "1") and whole numbers past int64.
 */
#include "core/value/cbor.h"
#include "door/json.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 1 << 24 };

static rk_bytes print(rk_arena *arena, const rk_value *value, bool pretty) {
    rk_buffer buffer;
    rk_bytes text = {NULL, 0};
    rk_buffer_init(&buffer, arena, MEMORY_MAX);
    if (pretty) {
        rk_json_print_pretty(&buffer, value);
    } else {
        rk_json_print(&buffer, value);
    }
    return rk_buffer_finish(&buffer, &text) == RK_OK ? text : (rk_bytes){NULL, 0};
}

static void goes_round(rk_arena *arena, const rk_value *value, bool pretty) {
    rk_value again;
    rk_bytes text = print(arena, value, pretty);
    if (!text.size) return;
    rk_status status = rk_json_read(arena, text, &again, NULL);
    if (status == RK_NO_MEMORY) return;
    RK_ASSERT(status == RK_OK && rk_value_equal(value, &again));
    rk_bytes twice = print(arena, &again, pretty);
    RK_ASSERT(!twice.size || rk_bytes_equal(text, twice));
}

/* Whether every part of the value is one that JSON has. */
static bool is_plain(const rk_value *value) {
    if (value->kind == RK_UINT || value->kind == RK_BYTES) return false;
    if (value->kind == RK_DOUBLE) return value->as.number - value->as.number == 0;
    for (size_t i = 0; value->kind == RK_LIST && i < value->as.list.count; i++) {
        if (!is_plain(&value->as.list.items[i])) return false;
    }
    for (size_t i = 0; value->kind == RK_MAP && i < value->as.map.count; i++) {
        const rk_pair *pair = &value->as.map.pairs[i];
        bool nul = pair->key.kind == RK_STRING && rk_bytes_find(pair->key.as.bytes, 0) < pair->key.as.bytes.size;
        if (pair->key.kind != RK_STRING || nul || !is_plain(&pair->value)) return false;
    }
    return true;
}

/* Whether what it prints to can be read, if not as the same. */
static bool is_readable(const rk_value *value) {
    if (value->kind == RK_UINT) return false;
    for (size_t i = 0; value->kind == RK_LIST && i < value->as.list.count; i++) {
        if (!is_readable(&value->as.list.items[i])) return false;
    }
    for (size_t i = 0; value->kind == RK_MAP && i < value->as.map.count; i++) {
        const rk_pair *pair = &value->as.map.pairs[i];
        bool nul = pair->key.kind == RK_STRING && rk_bytes_find(pair->key.as.bytes, 0) < pair->key.as.bytes.size;
        if (nul || (pair->key.kind != RK_STRING && value->as.map.count > 1) || !is_readable(&pair->value)) return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_value value;
    rk_error error = {0};
    rk_arena_init(&arena, rk_memory_system(), 4 * MEMORY_MAX);
    rk_status status = rk_json_read(&arena, rk_bytes_of(data, size), &value, &error);
    if (status == RK_OK) {
        goes_round(&arena, &value, false);
        goes_round(&arena, &value, true);
    } else {
        RK_ASSERT(error.code == status && error.what[0] && (error.where[0] || status != RK_BAD_JSON));
        RK_ASSERT(rk_utf8_valid(rk_bytes_of_string(error.what)));
    }
    if (rk_cbor_decode(&arena, rk_bytes_of(data, size), &value, NULL) == RK_OK) {
        rk_bytes text = print(&arena, &value, true);
        RK_ASSERT(text.size || size > 1 << 16);
        rk_value again;
        if (is_plain(&value)) goes_round(&arena, &value, false);
        if (text.size && is_readable(&value)) RK_ASSERT(rk_json_read(&arena, text, &again, NULL) == RK_OK);
    }
    rk_arena_free(&arena);
    return 0;
}
