/*
 * Strategy: any bytes as a TZif file; where they are refused, the same bytes once more as the second block of a file
 * whose first block is empty, so that headers and footers are reached without being found by chance.
 *
 * Invariants
 *   (1) Nothing crashes; a file is read or refused as damaged.
 *   (2) What is read answers every moment with less than a day, those before 1 and after 9999 too.
 */
#include <string.h>

#include "io/memory.h"
#include "io/zone.h"

enum { HEADER_SIZE = 44, DAY = 86400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const rk_zone *zone) {
    for (int64_t at = -70000000000; at <= 300000000000; at += 3600000001) {
        int64_t ahead = rk_zone_offset(zone, at);
        RK_ASSERT(ahead > -DAY && ahead < DAY);
    }
}

static bool read(rk_bytes file) {
    rk_arena arena;
    const rk_zone *zone = NULL;
    rk_arena_init(&arena, rk_memory_system(), 4 << 20);
    rk_status status = rk_zone_read(&arena, file, &zone);
    RK_ASSERT(status == RK_OK ? zone != NULL : status == RK_CORRUPT && !zone);
    if (zone) ask(zone);
    rk_arena_free(&arena);
    return status == RK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t file[HEADER_SIZE + RK_ZONE_FILE_SIZE_MAX];
    if (read((rk_bytes){data, size}) || size > RK_ZONE_FILE_SIZE_MAX) return 0;
    memset(file, 0, HEADER_SIZE);
    memcpy(file, "TZif2", 5);
    memcpy(file + HEADER_SIZE, data, size);
    read(rk_bytes_of(file, HEADER_SIZE + size));
    return 0;
}
