/*
 * Strategy: the input as one line of an export file.
 *
 * Invariants
 *   (1) A line that reads is written to a line that reads to the same: writing, reading and writing gives equal bytes.
 *   (2) Both have one digest.
 */
#include "door/export_file.h"
#include "io/crypto.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rk_bytes written(rk_arena *arena, const rk_export_line *line) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, arena, 1 << 24);
    rk_export_line_write(line, &buffer);
    RK_ASSERT(rk_buffer_finish(&buffer, &text) == RK_OK);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_export_line line, again;
    rk_hash hash, hash_again;
    rk_error error;
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    if (rk_export_line_read(&arena, rk_bytes_of(data, size), &line, &error) == RK_OK) {
        rk_bytes text = written(&arena, &line);
        RK_ASSERT(rk_export_line_read(&arena, text, &again, &error) == RK_OK);
        RK_ASSERT(rk_bytes_equal(text, written(&arena, &again)));
        RK_ASSERT(rk_export_line_digest(&arena, rk_crypto_sodium(), &line, &hash) == RK_OK);
        RK_ASSERT(rk_export_line_digest(&arena, rk_crypto_sodium(), &again, &hash_again) == RK_OK);
        RK_ASSERT(rk_hash_equal(&hash, &hash_again));
    } else {
        RK_ASSERT(error.code != RK_OK && error.what[0]);
    }
    rk_arena_free(&arena);
    return 0;
}
