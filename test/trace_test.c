/*
 * Editing histories of real documents go through the log as events.
 *
 * Strategy: each trace is played into a document of a fresh truth, and the document at VERSIONS random versions is held
 * against a naive replay of that many transactions. The versions of the largest trace are read where TRACES is `all`
 * only (`make traces`): they would take a minute under the sanitizers.
 *
 * Invariants
 *   (1) Each transaction is one event, and the text that comes out is the trace's end content.
 *   (2) Verify and replay find nothing.
 *   (3) The document at a version is what the naive replay gives for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "door/trace_file.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/gunzip.h"
#include "io/memory.h"
#include "naive_trace_testing.h"
#include "world_testing.h"

enum { VERSIONS = 50, FILE_SIZE_MAX = 256 << 20 };

#define DOCUMENT RK_TEXT("document/trace")

static site truth;
static rk_arena arena; /* the trace and the texts */
static uint64_t random_state;

static int set_up(void **state) {
    (void)state;
    random_state = 20260101;
    rk_arena_init(&arena, rk_memory_system(), (size_t)4 << 30);
    site_create_truth(&truth, "trace");
    site_publish(&truth, "examples/modules/document.json");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    site_close(&truth);
    rk_arena_free(&arena);
    return 0;
}

static void must(rk_status status, const rk_error *error) {
    if (status != RK_OK) fail_msg("%s: %s: %s", rk_status_name(status), error->where, error->what);
}

/* ---- the parts of a run ---- */

static bool read_trace(const char *name, rk_trace *trace) {
    const char *shared = getenv("REAKTOR_SHARED");
    char path[RK_PATH_SIZE_MAX];
    rk_bytes packed, json;
    rk_error error = {0};
    rk_arena unpacked;
    snprintf(path, sizeof path, "%s/traces/%s.json.gz", shared ? shared : "../shared/data", name);
    if (!rk_file_there(path)) {
        print_message("# %s is missing: this trace is not played\n", path);
        return false;
    }
    rk_arena_init(&unpacked, rk_memory_system(), (size_t)2 << 30);
    must(rk_file_read(&unpacked, path, FILE_SIZE_MAX, &packed, &error), &error);
    must(rk_gunzip(&unpacked, packed, FILE_SIZE_MAX, &json, &error), &error);
    must(rk_trace_read(&arena, json, trace, &error), &error);
    rk_arena_free(&unpacked);
    return true;
}

static void play(const char *name, const rk_trace *trace) {
    rk_trace_report report;
    rk_error error = {0};
    uint64_t start_us = rk_clock_steady_us();
    must(rk_trace_play(truth.engine, DOCUMENT, RK_TEXT("owner"), trace, NULL, &report, &error), &error);
    uint64_t us = rk_clock_steady_us() - start_us;
    assert_int_equal(report.events, trace->transaction_count);
    assert_int_equal(report.authors, trace->author_count);
    assert_int_equal(site_version(&truth, "document/trace"), trace->transaction_count);
    print_message("# %s: %u events of %u authors in %.1f s, %.0f a second\n", name, (unsigned)report.events,
                  (unsigned)report.authors, (double)us / 1e6, (double)report.events * 1e6 / (double)us);
}

static void count_finding(void *context, const char *where, const char *what) {
    size_t *count = context;
    print_message("# finding: %s: %s\n", where, what);
    ++*count;
}

static void must_be_sound(const rk_trace *trace) {
    size_t findings = 0;
    const rk_check_listener listener = {count_finding, NULL, &findings};
    rk_replay_report replayed;
    rk_verify_report verified;
    rk_error error = {0};
    uint64_t start_us = rk_clock_steady_us();
    must(rk_engine_verify(truth.engine, &listener, &verified, &error), &error);
    uint64_t verified_us = rk_clock_steady_us();
    must(rk_engine_replay(truth.engine, DOCUMENT, &listener, &replayed, &error), &error);
    assert_int_equal(findings, 0);
    assert_true(verified.events > trace->transaction_count);
    assert_int_equal(replayed.events, trace->transaction_count);
    print_message("# verify %.1f s, replay %.1f s\n", (double)(verified_us - start_us) / 1e6,
                  (double)(rk_clock_steady_us() - verified_us) / 1e6);
}

/* ---- versions ---- */

typedef struct reading {
    const rk_trace *trace;
    uint64_t *replicas; /* of each author */
    size_t count;       /* events so far */
} reading;

static rk_status take_replica(void *context, const rk_entry *entry) {
    reading *reading = context;
    assert_true(reading->count < reading->trace->transaction_count);
    uint64_t *replica = &reading->replicas[reading->trace->transactions[reading->count++].author];
    assert_true(*replica == 0 || *replica == entry->event.id.replica);
    assert_int_equal(entry->version, reading->count);
    *replica = entry->event.id.replica;
    return RK_OK;
}

/* Each author's replica, from the log, which has the trace's transactions in their order. */
static const uint64_t *read_replicas(const rk_trace *trace) {
    reading reading = {.trace = trace};
    rk_error error = {0};
    reading.replicas = rk_arena_take_array(&arena, trace->author_count, sizeof *reading.replicas);
    must(rk_engine_log(truth.engine, DOCUMENT, 0, UINT64_MAX, false, take_replica, &reading, &error), &error);
    assert_int_equal(reading.count, trace->transaction_count);
    return reading.replicas;
}

static int compare_versions(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static uint64_t random_number(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Random versions, and the whole trace; ascending. */
static void choose_versions(const rk_trace *trace, uint64_t *versions, size_t count) {
    for (size_t i = 0; i + 1 < count; i++) versions[i] = 1 + random_number() % trace->transaction_count;
    versions[count - 1] = trace->transaction_count;
    qsort(versions, count, sizeof *versions, compare_versions);
}

static void must_read(uint64_t version, rk_bytes expected) {
    const rk_at at = {.kind = RK_AT_VERSION, .version = version};
    rk_reading reading;
    rk_error error = {0};
    rk_arena call;
    rk_arena_init(&call, rk_memory_system(), (size_t)1 << 30);
    must(rk_engine_get(truth.engine, DOCUMENT, &at, &call, &reading, &error), &error);
    assert_int_equal(reading.version, version);
    if (!rk_is_text(rk_map_find(&reading.state, RK_TEXT("text")), expected)) {
        fail_msg("the text at version %u is not the naive one", (unsigned)version);
    }
    rk_arena_free(&call);
}

static void read_versions(const rk_trace *trace, size_t random_count) {
    uint64_t versions[VERSIONS + 1];
    rk_bytes texts[VERSIONS + 1];
    size_t count = random_count + 1;
    const uint64_t *replicas = read_replicas(trace);
    choose_versions(trace, versions, count);
    uint64_t start_us = rk_clock_steady_us();
    naive_trace_texts(trace, replicas, versions, count, &arena, texts);
    uint64_t naive_us = rk_clock_steady_us();
    assert_true(rk_bytes_equal(texts[count - 1], trace->end_content));
    for (size_t i = 0; i < count; i++) must_read(versions[i], texts[i]);
    print_message("# %u versions: naive %.1f s, database %.1f s\n", (unsigned)count,
                  (double)(naive_us - start_us) / 1e6, (double)(rk_clock_steady_us() - naive_us) / 1e6);
}

static void run(const char *name, size_t versions) {
    rk_trace trace;
    if (!read_trace(name, &trace)) skip();
    play(name, &trace);
    must_be_sound(&trace);
    if (versions > 0) read_versions(&trace, versions);
}

/* ---- the traces ---- */

static void a_component_by_one_author(void **state) {
    (void)state;
    run("sveltecomponent", VERSIONS);
}

static void a_program_by_one_author(void **state) {
    (void)state;
    run("rustcode", VERSIONS);
}

static void a_paper_by_one_author_key_by_key(void **state) {
    const char *which = getenv("TRACES");
    (void)state;
    run("automerge-paper", which && strcmp(which, "all") == 0 ? VERSIONS : 0);
}

static void a_text_by_two_at_once(void **state) {
    (void)state;
    run("friendsforever", VERSIONS);
}

static void a_file_with_branches_by_204_authors(void **state) {
    (void)state;
    run("node_nodecc", VERSIONS);
}

int main(void) {
#define IN_A_TRUTH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_TRUTH(a_component_by_one_author),           IN_A_TRUTH(a_program_by_one_author),
        IN_A_TRUTH(a_paper_by_one_author_key_by_key),    IN_A_TRUTH(a_text_by_two_at_once),
        IN_A_TRUTH(a_file_with_branches_by_204_authors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
