/*
 * What a query costs in a module of a million entities: by index, along an index, and by reading everything.
 *
 * ENTITIES=100000 makes it smaller. The data set is built anew, in transactions of a thousand events,
 * with three index rows an entity; how fast is printed as well. The answers' sizes are held against what was put in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "io/memory.h"
#include "world_testing.h"

enum { GROUP = 100 /* entities with the same city */, AGES = 97, REPEATS = 200, TRANSACTION = 1000 };

static site site_;
static uint64_t entities;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(rk_status status, const rk_error *error) {
    if (status == RK_OK) return;
    fprintf(stderr, "%s: %s: %s\n", rk_status_name(status), error->where, error->what);
    exit(1);
}

static void publish(unsigned version) {
    char path[400];
    snprintf(path, sizeof path, "%s/module.json", site_.path);
    FILE *file = fopen(path, "wb");
    if (!file) exit(1);
    fprintf(file, "{\"module\":\"person\",\"version\":%u,\"truth\":\"region\",\"fields\":{", version);
    fputs("\"number\":{\"type\":\"integer\",\"merge\":\"lww\",\"index\":true},"
          "\"city\":{\"type\":\"string\",\"merge\":\"lww\",\"index\":true},"
          "\"age\":{\"type\":\"integer\",\"merge\":\"lww\",\"index\":true},"
          "\"note\":{\"type\":\"string\",\"merge\":\"lww\"",
          file);
    fprintf(file, version > 1 ? ",\"index\":true}}," : "}},");
    fputs("\"events\":{\"put\":{\"data\":{\"number\":{\"type\":\"integer\"},\"city\":{\"type\":\"string\"},"
          "\"age\":{\"type\":\"integer\"},\"note\":{\"type\":\"string\"}},"
          "\"apply\":[{\"set\":\"number\",\"to\":\"data.number\"},{\"set\":\"city\",\"to\":\"data.city\"},"
          "{\"set\":\"age\",\"to\":\"data.age\"},{\"set\":\"note\",\"to\":\"data.note\"}]}}}",
          file);
    fclose(file);
    site_publish(&site_, path);
}

static rk_intent intent_of(uint64_t number, rk_arena *arena) {
    rk_intent intent = {.type = RK_TEXT("put")};
    rk_pair *pairs = rk_arena_take_array(arena, 4, sizeof *pairs);
    rk_error error = {.code = RK_OK};
    intent.entity = rk_arena_format(arena, "person/p%u", number);
    pairs[0] = (rk_pair){rk_string(RK_TEXT("number")), rk_int((int64_t)number)};
    pairs[1] = (rk_pair){rk_string(RK_TEXT("city")), rk_string(rk_arena_format(arena, "city %u", number / GROUP))};
    pairs[2] = (rk_pair){rk_string(RK_TEXT("age")), rk_int((int64_t)(number * 31 % AGES))};
    pairs[3] = (rk_pair){rk_string(RK_TEXT("note")), rk_string(rk_arena_format(arena, "a note about %u", number * 7))};
    must(rk_map_value(arena, pairs, 4, &intent.data), &error);
    return intent;
}

static void build(void) {
    double start = seconds();
    for (uint64_t first = 0; first < entities;) {
        static rk_intent intents[TRANSACTION];
        rk_entry *entries = NULL;
        rk_error error = {.code = RK_OK};
        rk_arena arena;
        size_t count = 0;
        rk_arena_init(&arena, rk_memory_system(), (size_t)1 << 30);
        while (count < TRANSACTION && first < entities) intents[count++] = intent_of(first++, &arena);
        must(rk_engine_submit(site_.engine, RK_TEXT("owner"), NULL, intents, count, &arena, &entries, &error), &error);
        rk_arena_free(&arena);
    }
    double took = seconds() - start;
    printf("%-44s %10.0f entities/s  %8.1f s\n", "build, three indexed fields", (double)entities / took, took);
}

static rk_status pass_over(void *context, const rk_row *row) {
    (void)context, (void)row;
    return RK_OK;
}

/* `where` has one %u, a number that is drawn anew in each repeat. */
static void measure(const char *name, const char *where, uint64_t numbers, const rk_query *query, uint64_t rows,
                    uint64_t repeats) {
    double sum = 0, most = 0;
    uint64_t read = 0;
    for (uint64_t i = 0; i < repeats; i++) {
        char text[200];
        rk_query asked = *query;
        rk_query_report report;
        rk_error error = {.code = RK_OK};
        rk_arena arena;
        rk_arena_init(&arena, rk_memory_system(), 1 << 28);
        asked.where = rk_bytes_of(text, rk_format(text, sizeof text, where, world_random() % numbers));
        double start = seconds();
        must(rk_engine_query(site_.engine, &asked, &arena, pass_over, NULL, &report, &error), &error);
        double took = seconds() - start;
        if (report.rows != rows) {
            fprintf(stderr, "%s: %d rows, not %d\n", text, (int)report.rows, (int)rows);
            exit(1);
        }
        sum += took;
        if (took > most) most = took;
        read += report.read;
        rk_arena_free(&arena);
    }
    printf("%-44s %10.3f ms/query  max %8.3f ms  %10.0f entities/s  %d read, %d rows\n", name,
           sum / (double)repeats * 1e3, most * 1e3, (double)read / sum, (int)(read / repeats), (int)rows);
}

int main(void) {
    const char *wish = getenv("ENTITIES");
    const rk_order by_age[] = {{RK_TEXT("age"), true}}, by_number[] = {{RK_TEXT("number"), false}};
    const rk_query all = {.module = RK_TEXT("person")};
    rk_query page = all, ordered = all, along = all, scan = all;
    rk_error error = {.code = RK_OK};
    entities = wish ? strtoull(wish, NULL, 10) : 1000000;
    entities -= entities % GROUP;
    if (entities < 10000) return 1;
    page.limit = ordered.limit = along.limit = 10;
    along.order = by_number, along.order_count = 1;
    ordered.order = by_age, ordered.order_count = 1;
    scan.scan = true;
    site_create_truth(&site_, "query_bench");
    publish(1);
    printf("%d entities\n", (int)entities);
    build();
    must(rk_engine_read_as(site_.engine, RK_TEXT("owner"), &error), &error);
    measure("equal, 1 row", "state.number == %u", entities, &all, 1, REPEATS);
    measure("equal, 100 rows", "state.city == \"city %u\"", entities / GROUP, &all, GROUP, REPEATS);
    measure("range, limit 10, in the order of the index", "state.number >= %u", entities / 2, &along, 10, REPEATS);
    measure("range, limit 10, by another index", "state.number >= %u", entities / 2, &ordered, 10, REPEATS / 10);
    measure("range, limit 10, by id", "state.number >= %u", entities / 2, &page, 10, REPEATS / 10);
    measure("scan, 1 row, not indexed", "state.note == \"a note about \" + string(7 * %u)", entities, &all, 1, 3);
    measure("scan, 100 rows, indexes passed over", "state.city == \"city %u\"", entities / GROUP, &scan, GROUP, 3);
    double start = seconds();
    publish(2);
    double took = seconds() - start;
    printf("%-44s %10.0f entities/s  %8.1f s\n", "a version with a fourth indexed field", (double)entities / took,
           took);
    measure("equal, 1 row, by the new index", "state.note == \"a note about \" + string(7 * %u)", entities, &all, 1,
            REPEATS);
    site_close(&site_);
    world_folder("query_bench", site_.path); /* empty again: a million entities take some 800 MB */
    return 0;
}
