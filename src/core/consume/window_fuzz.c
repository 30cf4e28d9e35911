/*
 * Strategy: any bytes as a window, then more of them as what happens to it.
 *
 * Invariants
 *   (1) What decodes encodes to the same bytes.
 *   (2) Whatever happens, the window stays one that decodes, and its cursor is past no flight and not past `seen`.
 */
#include <string.h>

#include "core/consume/window.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void happen(rk_window *window, const uint8_t *what) {
    const rk_holder holder = {{what[1]}};
    uint64_t position = window->seen > 8 ? window->seen - what[2] % 8 : what[2] % 8;
    uint64_t moment = what[3];
    rk_flight flight;
    bool done = false;
    switch (what[0] % 8) {
    case 0:
        if (window->count < RK_FLIGHTS_MAX && window->seen < UINT64_MAX - 8) {
            rk_window_note(window, window->seen + 1 + what[2] % 3, moment);
        }
        break;
    case 1:
        if (window->seen < UINT64_MAX - 8) rk_window_pass(window, window->seen + what[2] % 3);
        break;
    case 2:
        if (window->count > 0) rk_window_give(window, what[2] % window->count, &holder, moment);
        break;
    case 3:
        done = rk_window_acknowledge(window, position, &holder);
        RK_ASSERT(!done || !rk_window_acknowledge(window, position, &holder));
        break;
    case 4:
        (void)!rk_window_release(window, position, &holder);
        break;
    case 5:
        done = rk_window_park(window, position, what[1] % 2 ? &holder : NULL, &flight);
        RK_ASSERT(!done || flight.position == position);
        break;
    case 6:
        (void)!rk_window_put_back(window, position, moment);
        break;
    default:
        rk_window_set_back(window, position);
    }
}

static rk_bytes encode(const rk_window *window, rk_arena *arena) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, arena, RK_WINDOW_SIZE_MAX);
    rk_window_encode(window, &buffer);
    rk_status status = rk_buffer_finish(&buffer, &bytes);
    RK_ASSERT(status == RK_OK);
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static rk_window window, again;
    rk_arena arena;
    rk_bytes bytes = rk_bytes_of(data, size);
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    if (rk_window_decode(bytes, &window, NULL) == RK_OK) {
        RK_ASSERT(rk_bytes_equal(encode(&window, &arena), bytes));
    } else {
        memset(&window, 0, sizeof window);
    }
    for (size_t i = 0; i + 4 <= size; i += 4) happen(&window, data + i);
    rk_status status = rk_window_decode(encode(&window, &arena), &again, NULL);
    RK_ASSERT(status == RK_OK && again.count == window.count);
    uint64_t cursor = rk_window_cursor(&window);
    RK_ASSERT(cursor <= window.seen && (window.count == 0 || cursor < window.flights[0].position));
    rk_arena_free(&arena);
    return 0;
}
