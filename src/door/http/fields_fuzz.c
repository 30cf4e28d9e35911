/*
 * Strategy: any bytes as a dictionary.
 *
 * Invariants
 *   (1) What is refused says where and what, and nothing is read.
 *   (2) What reads prints to a text that reads and prints to itself, and is no longer than what 8 KiB of text can mean.
 */
#include "door/http/fields.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rk_bytes print(rk_arena *arena, const rk_dictionary *dictionary) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, arena, 2 * RK_DICTIONARY_SIZE_MAX);
    rk_dictionary_print(&buffer, dictionary);
    rk_status status = rk_buffer_finish(&buffer, &text);
    RK_ASSERT(status == RK_OK);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_dictionary dictionary;
    rk_error error = {0};
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    rk_status status = rk_dictionary_read(&arena, rk_bytes_of(data, size), &dictionary, &error);
    if (status == RK_OK) {
        rk_bytes text = print(&arena, &dictionary);
        /* "a,b" prints as "a, b": it may grow past the limit, and then is not read again. */
        if (text.size <= RK_DICTIONARY_SIZE_MAX) {
            rk_dictionary again;
            status = rk_dictionary_read(&arena, text, &again, NULL);
            RK_ASSERT(status == RK_OK && again.count == dictionary.count);
            RK_ASSERT(rk_bytes_equal(text, print(&arena, &again)));
        }
    } else {
        RK_ASSERT(error.code == status && error.where[0] && error.what[0] && dictionary.count == 0);
        RK_ASSERT(status == RK_BAD_HEADER || status == RK_LIMIT);
    }
    rk_arena_free(&arena);
    return 0;
}
