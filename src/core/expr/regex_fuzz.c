/*
 * Strategy: the input up to its first newline is a pattern, the rest a text to search.
 *
 * Invariants
 *   (1) Nothing crashes; a refusal has its words; a search ends within the product of text and regex.
 *   (2) A pattern matches where it matches inside a group, and `^(?s:.*)(?:pattern)` finds what the pattern finds.
 */
#include "core/expr/regex.h"
#include "io/memory.h"

enum { TEXT_SIZE_MAX = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool search(rk_arena *arena, rk_bytes pattern, rk_bytes text, bool *found_out) {
    const rk_regex *regex = NULL;
    const char *problem = NULL;
    rk_status status = rk_regex_compile(arena, pattern, &regex, &problem);
    RK_ASSERT(status == RK_OK || status == RK_NO_MEMORY || (problem && problem[0]));
    if (status != RK_OK) return false;
    uint64_t steps = (text.size + 2) * rk_regex_size(regex);
    status = rk_regex_search(regex, text, arena, &steps, found_out);
    RK_ASSERT(status == RK_OK || status == RK_NO_MEMORY);
    return status == RK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    size_t end = rk_bytes_find(rk_bytes_of(data, size), '\n');
    rk_bytes pattern = rk_bytes_of(data, end), text = rk_bytes_from(rk_bytes_of(data, size), end + 1);
    bool found = false, again = false;
    if (text.size <= TEXT_SIZE_MAX && pattern.size <= TEXT_SIZE_MAX && rk_utf8_valid(pattern) && rk_utf8_valid(text) &&
        search(&arena, pattern, text, &found)) {
        /* \Q in the pattern may take the closing parenthesis: then the group is refused. */
        rk_bytes grouped = rk_arena_format(&arena, "^(?s:.*)(?:%b)", pattern);
        RK_ASSERT(!search(&arena, grouped, text, &again) || grouped.size > TEXT_SIZE_MAX || again == found);
    }
    rk_arena_free(&arena);
    return 0;
}
