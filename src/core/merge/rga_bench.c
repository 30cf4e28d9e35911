/*
 * What typing costs: 260,000 edits of one character each, as a person makes them (mostly at a place, which jumps now
 * and then, one edit in four a backspace), then the state's size and how long encoding and decoding it take; and the
 * worst that a text can meet: all edits at random places, and a state in which no two characters join into a run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "core/merge/merge_testing.h"
#include "core/merge/rga.h"
#include "io/memory.h"

enum { EDITS = 260000 };

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void erase(rk_rga *rga, uint64_t at) {
    rk_text_id id;
    RK_ASSERT(rk_rga_id_at(rga, at, &id));
    RK_ASSERT(rk_rga_delete(rga, id, 1) == RK_OK);
}

static void type(rk_rga *rga, uint64_t at) {
    rk_text_id parent = {0, 0}, first = {rk_rga_lamport_max(rga) + 1, 1};
    if (at > 0) RK_ASSERT(rk_rga_id_at(rga, at - 1, &parent));
    RK_ASSERT(rk_rga_insert(rga, parent, first, RK_TEXT("x")) == RK_OK);
}

/* One edit in `jump` goes to another place. */
static rk_rga *edit(const char *name, uint64_t jump) {
    rk_rga *rga;
    RK_ASSERT(rk_rga_new(rk_memory_system(), 1 << 30, &rga) == RK_OK);
    merge_random random = {1};
    uint64_t place = 0;
    uint64_t start = now_ns();
    for (int i = 0; i < EDITS; i++) {
        uint64_t length = rk_rga_length(rga);
        if (merge_random_below(&random, jump) == 0) place = merge_random_below(&random, length + 1);
        if (place > 0 && merge_random_below(&random, 4) == 0) {
            erase(rga, --place);
        } else {
            type(rga, place++);
        }
    }
    uint64_t each = (now_ns() - start) / EDITS;
    printf("%s: %d edits, %" PRIu64 " ns each\n", name, EDITS, each);
    return rga;
}

static void store(const char *name, rk_rga *rga) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), SIZE_MAX);
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, &arena, 1 << 28);
    uint64_t start = now_ns();
    rk_rga_encode(rga, &buffer);
    uint64_t encoding = now_ns() - start;
    RK_ASSERT(rk_buffer_finish(&buffer, &bytes) == RK_OK);
    rk_value value;
    start = now_ns();
    RK_ASSERT(rk_cbor_decode(&arena, bytes, &value, NULL) == RK_OK);
    uint64_t parsing = now_ns() - start;
    rk_rga *again;
    start = now_ns();
    RK_ASSERT(rk_rga_decode(rk_memory_system(), 1 << 30, &value, &again) == RK_OK);
    uint64_t decoding = now_ns() - start;
    printf("%s: %" PRIu64 " points, state of %zu bytes, encoded in %" PRIu64 " us, decoded in %" PRIu64 " + %" PRIu64
           " us\n",
           name, rk_rga_length(rga), bytes.size, encoding / 1000, parsing / 1000, decoding / 1000);
    rk_rga_free(again);
    rk_arena_free(&arena);
    rk_rga_free(rga);
}

/* 300,000 characters, each a run of its own, two in three deleted. */
static rk_rga *scatter(void) {
    rk_rga *rga;
    RK_ASSERT(rk_rga_new(rk_memory_system(), 1 << 30, &rga) == RK_OK);
    uint64_t start = now_ns();
    for (uint64_t i = 1; i <= 300000; i++) {
        rk_text_id id = {i, 1 + i % 7};
        RK_ASSERT(rk_rga_insert(rga, (rk_text_id){0, 0}, id, RK_TEXT("x")) == RK_OK);
        if (i % 3 != 0) RK_ASSERT(rk_rga_delete(rga, id, 1) == RK_OK);
    }
    printf("scattered: 500000 edits, %" PRIu64 " ns each\n", (now_ns() - start) / 500000);
    return rga;
}

int main(void) {
    store("typing", edit("typing", 20));
    store("random places", edit("random places", 1));
    store("scattered", scatter());
    return 0;
}
