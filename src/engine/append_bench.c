/*
 * What an event costs a server's writer below its door: groups of 1, 16 and 1000 transactions of one event each.
 *
 * Each names one of 10,000 entities that are there, by a walk that leaves none out and keeps no order. Printed are the
 * process's own time and the wall's, in microseconds an event: the median of the rounds. Own time has what the system
 * does for the process in it, and not what the disk takes.
 *
 *     append_bench                all sizes
 *     append_bench SIZE GROUPS    so many groups of one size, and nothing else: for a profiler
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "door/host.h"
#include "door/json.h"
#include "engine/engine.h"
#include "io/memory.h"
#include "store/sqlite/sqlite_log.h"

enum { ENTITIES = 10000, STRIDE = 7919 /* prime, and no divisor of ENTITIES */, ROUNDS = 9, GROUP_MAX = 1000 };

static rk_engine *engine;
static size_t turn;

static void must(rk_status status, const rk_error *error) {
    if (status == RK_OK) return;
    fprintf(stderr, "append_bench: %s: %s\n", error->where, error->what);
    exit(1);
}

static double clock_us(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* ---- the account ---- */

static rk_value read_module(rk_arena *arena) {
    static char text[1 << 16];
    rk_value value;
    rk_error error;
    FILE *file = fopen("examples/modules/profile.json", "rb");
    if (!file) {
        fprintf(stderr, "append_bench: it must be run from the root of the sources\n");
        exit(1);
    }
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    must(rk_json_read(arena, rk_bytes_of(text, size), &value, &error), &error);
    return value;
}

static void publish(rk_arena *arena) {
    rk_error error;
    rk_entry *entries = NULL;
    rk_pair members[] = {{rk_string(RK_TEXT("source")), read_module(arena)},
                         {rk_string(RK_TEXT("version")), rk_int(1)}};
    rk_intent intent = {.entity = RK_TEXT("module/profile"), .type = RK_TEXT("publish")};
    intent.data = (rk_value){.kind = RK_MAP, .as.map = {members, 2}};
    must(rk_engine_submit(engine, RK_TEXT("owner"), NULL, &intent, 1, arena, &entries, &error), &error);
}

/* ---- appending ---- */

static void append(rk_group *group, rk_arena *arena) {
    char name[32];
    rk_error error;
    rk_entry *entries = NULL;
    rk_pair member = {rk_string(RK_TEXT("name")), rk_string(RK_TEXT("Ann"))};
    rk_intent intent = {.type = RK_TEXT("rename"), .data = {.kind = RK_MAP, .as.map = {&member, 1}}};
    size_t entity = turn++ * STRIDE % ENTITIES;
    intent.entity = rk_bytes_of(name, rk_format(name, sizeof name, "profile/e%u", (uint64_t)entity));
    rk_status status = rk_arena_copy(arena, intent.entity, &intent.entity); /* the group borrows it */
    if (status == RK_OK) {
        rk_value data = intent.data;
        status = rk_value_copy(arena, &data, &intent.data);
    }
    if (status != RK_OK) must(rk_fail(&error, status, "arena", "no memory"), &error);
    must(rk_engine_group_submit(group, RK_TEXT("owner"), NULL, &intent, 1, arena, &entries, &error), &error);
}

static void append_groups(size_t size, size_t groups) {
    for (size_t i = 0; i < groups; i++) {
        rk_group *group = NULL;
        rk_arena arena;
        rk_error error;
        rk_arena_init(&arena, rk_memory_system(), 64 << 20);
        must(rk_engine_group_start(engine, &group, &error), &error);
        for (size_t n = 0; n < size; n++) append(group, &arena);
        must(rk_engine_group_finish(group, &error), &error);
        rk_arena_free(&arena);
    }
}

/* ---- measuring ---- */

static int compare(const void *a, const void *b) {
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void measure(size_t size, size_t groups) {
    double own[ROUNDS], wall[ROUNDS], events = (double)(size * groups);
    for (size_t i = 0; i < ROUNDS; i++) {
        double own_start = clock_us(CLOCK_PROCESS_CPUTIME_ID), wall_start = clock_us(CLOCK_MONOTONIC);
        append_groups(size, groups);
        own[i] = (clock_us(CLOCK_PROCESS_CPUTIME_ID) - own_start) / events;
        wall[i] = (clock_us(CLOCK_MONOTONIC) - wall_start) / events;
    }
    qsort(own, ROUNDS, sizeof *own, compare);
    qsort(wall, ROUNDS, sizeof *wall, compare);
    printf("groups of %-4zu  %7.1f us own, %7.1f us wall an event\n", size, own[ROUNDS / 2], wall[ROUNDS / 2]);
}

int main(int count, char **arguments) {
    static rk_door_host host;
    char folder[] = "/tmp/append_bench.XXXXXX", command[64];
    rk_arena arena;
    rk_error error;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    if (!mkdtemp(folder)) return 1;
    must(rk_door_host_init(&host, rk_log_sqlite(), folder, false, &arena, &error), &error);
    must(rk_engine_create(&host.host, RK_TEXT("default"), &engine, &error), &error);
    publish(&arena);
    append_groups(GROUP_MAX, ENTITIES / GROUP_MAX);
    if (count == 3) {
        append_groups(strtoul(arguments[1], NULL, 10), strtoul(arguments[2], NULL, 10));
    } else {
        measure(1, 400);
        measure(16, 200);
        measure(GROUP_MAX, 10);
    }
    rk_engine_close(engine);
    rk_arena_free(&arena);
    rk_format(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1;
}
