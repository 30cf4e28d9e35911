/*
 * How fast the log on SQLite takes events: in batches of 1000, and one a commit.
 *
 * Beside each stands a floor, measured in turn with it: a bare SQLite table, the same settings, one blob inserted an
 * event, the same number of events a commit. Batches are sealed before the clock starts. Printed are events a second,
 * the median of the rounds.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/sqlite/sqlite_log.h"
#include "store/world_testing.h"

enum { ROUNDS = 5, EVENT_DATA_SIZE = 100 };

typedef struct load {
    const char *name;
    size_t batch_count;
    size_t batch_events;
} load;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void need(int code, const char *what) {
    if (code == 0) return;
    fprintf(stderr, "%s: %d\n", what, code);
    exit(3);
}

static rk_append *make(rk_log_world *world, const load *load) {
    char *text = rk_world_take(world, 2 * load->batch_events + 1, 1);
    rk_append *appends = rk_world_take(world, load->batch_count, sizeof *appends);
    for (size_t i = 0; i < load->batch_count; i++) {
        for (size_t n = 0; n < load->batch_events; n++) {
            text[2 * n] = (char)('a' + (i + n) % 26);
            text[2 * n + 1] = ' ';
        }
        text[2 * load->batch_events - 1] = 0;
        appends[i].batch = rk_world_batch(world, 5, i + 1, text, EVENT_DATA_SIZE);
        appends[i].record = rk_world_record(world, appends[i].batch, NULL, &appends[i].record_bytes);
        rk_world_advance(world, appends[i].record, appends[i].record_bytes);
    }
    return appends;
}

static double log_round(const load *load) {
    rk_log_world world;
    rk_world_start(&world, rk_log_sqlite());
    const rk_append *appends = make(&world, load);
    rk_log *log = rk_world_open(&world, RK_LOG_CREATE);
    double start = now();
    for (size_t i = 0; i < load->batch_count; i++) {
        need((int)world.ops->begin(log, true, &world.error), world.error.what);
        need((int)world.ops->append(log, &appends[i], &world.error), world.error.what);
        need((int)world.ops->commit(log, &world.error), world.error.what);
    }
    double seconds = now() - start;
    world.ops->close(log);
    rk_world_end(&world);
    return (double)(load->batch_count * load->batch_events) / seconds;
}

static double floor_round(const load *load) {
    rk_log_world world;
    rk_world_start(&world, rk_log_sqlite());
    const rk_append *appends = make(&world, load);
    char path[RK_TEST_FOLDER_SIZE + 16];
    snprintf(path, sizeof path, "%s/floor.db", world.folder);
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;
    need(sqlite3_open(path, &db), "open");
    need(sqlite3_exec(db,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;"
                      "CREATE TABLE t (position INTEGER PRIMARY KEY, bytes BLOB)",
                      NULL, NULL, NULL),
         "tables");
    need(sqlite3_prepare_v2(db, "INSERT INTO t (bytes) VALUES (?1)", -1, &insert, NULL), "prepare");
    double start = now();
    for (size_t i = 0; i < load->batch_count; i++) {
        need(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), "begin");
        for (size_t n = 0; n < load->batch_events; n++) {
            rk_bytes bytes = appends[i].batch->leaves[n].bytes;
            sqlite3_bind_blob(insert, 1, bytes.data, (int)bytes.size, SQLITE_STATIC);
            sqlite3_step(insert);
            sqlite3_reset(insert);
        }
        need(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), "commit");
    }
    double seconds = now() - start;
    sqlite3_finalize(insert);
    sqlite3_close(db);
    rk_world_end(&world);
    return (double)(load->batch_count * load->batch_events) / seconds;
}

static int ascending(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void run(const load *load) {
    double log[ROUNDS], bare[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        log[i] = log_round(load);
        bare[i] = floor_round(load);
    }
    qsort(log, ROUNDS, sizeof *log, ascending);
    qsort(bare, ROUNDS, sizeof *bare, ascending);
    double middle = log[ROUNDS / 2], middle_bare = bare[ROUNDS / 2];
    printf("%-24s %9.0f events/s (%.0f to %.0f), bare table %9.0f events/s: %.2f of it\n", load->name, middle, log[0],
           log[ROUNDS - 1], middle_bare, middle / middle_bare);
}

int main(void) {
    const load loads[] = {{"batches of 1000", 60, 1000}, {"one event a commit", 600, 1}};
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) run(&loads[i]);
    return 0;
}
