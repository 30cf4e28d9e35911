/*
 * kill -9 at any moment: nothing acknowledged is lost, nothing is doubled, verify passes.
 *
 * Strategy: a child types numbered words into a document of the truth, and others on a device that it carries to the
 * truth and back, telling over shared memory what was acknowledged and whether it is inside a write transaction (the
 * store's begin to the end of its commit, checkpoints included). The parent kills it after a random time, opens what is
 * left, and holds it against what was acknowledged. KILLS (24) says how often; `make kill` does it 200 times.
 *
 * Invariants
 *   (1) Each word that was acknowledged is there; at most one that was not is there too.
 *   (2) Each word is there once.
 *   (3) Verify finds nothing at the truth and on the device, after each kill.
 *   (4) At least a quarter of the kills hit inside a transaction, or the run has shown nothing and fails.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "world_testing.h"

enum { KILLS_DEFAULT = 24, KILLS_A_DATABASE = 20, LIFE_US_MAX = 40000 };

/* What child and parent share. */
typedef struct shared {
    volatile int inside; /* a write transaction: 1 append, 2 import */
    volatile int importing;
    volatile int ready;            /* the child has opened its databases */
    volatile uint64_t truth_words; /* acknowledged */
    volatile uint64_t device_words;
} shared;

static shared *board;
static site truth, device;
static const rk_log_ops *real_ops;
static rk_log_ops watched_ops;

static rk_status watched_begin(rk_log *log, bool write, rk_error *error) {
    rk_status status = real_ops->begin(log, write, error);
    if (write && status == RK_OK) board->inside = board->importing ? 2 : 1;
    return status;
}

static rk_status watched_commit(rk_log *log, rk_error *error) {
    rk_status status = real_ops->commit(log, error);
    board->inside = 0;
    return status;
}

static void watched_rollback(rk_log *log) {
    real_ops->rollback(log);
    board->inside = 0;
}

static void watch(site *site) {
    real_ops = site->host.store;
    watched_ops = *real_ops;
    watched_ops.begin = watched_begin;
    watched_ops.commit = watched_commit;
    watched_ops.rollback = watched_rollback;
    site->host.store = &watched_ops;
}

static void open_watched(site *site) {
    rk_error error = {0};
    watch(site);
    rk_status status = rk_engine_open(&site->host, RK_LOG_READ_WRITE, &site->engine, &error);
    site->host.store = real_ops;
    if (status != RK_OK) {
        fprintf(stderr, "child: %s: %s\n", rk_status_name(status), error.what);
        _exit(1);
    }
}

static uint64_t position_of(site *site) {
    rk_engine_info info;
    rk_error error = {0};
    assert_int_equal(rk_engine_info_get(site->engine, &info, &error), RK_OK);
    return info.head.position;
}

static void type_word(site *site, const char *actor, const char *entity, uint64_t number) {
    char data[100];
    snprintf(data, sizeof data, "{\"edits\":[[0,0,\"%d;\"]]}", (int)number);
    site_must_submit(site, actor, entity, "write", data);
}

/* Types and carries until it is killed. */
static void live(void) {
    open_watched(&truth);
    open_watched(&device);
    board->ready = 1;
    for (;;) {
        for (int i = 0; i < 5; i++) {
            type_word(&truth, "owner", "document/truth", board->truth_words + 1);
            board->truth_words++;
            type_word(&device, "asha", "document/device", board->device_words + 1);
            board->device_words++;
        }
        board->importing = 1;
        site_send(&device, &truth, position_of(&device));
        site_send(&truth, &device, position_of(&device));
        board->importing = 0;
    }
}

/* The words of a document, newest first: "3;2;1;". Fails unless they count down to 1. Returns how many there are. */
static uint64_t count_words(site *site, const char *entity) {
    const char *state = site_state(site, entity), *at = strchr(state, ':');
    if (!at) return 0;
    at += 2; /* past the quote */
    uint64_t first = strtoull(at, NULL, 10), expected = first;
    while (*at >= '0' && *at <= '9') {
        char *end = NULL;
        uint64_t word = strtoull(at, &end, 10);
        if (word != expected || *end != ';')
            fail_msg("%s: word %d where %d should be", entity, (int)word, (int)expected);
        expected--;
        at = end + 1;
    }
    if (expected != 0) fail_msg("%s: it ends at word %d", entity, (int)expected + 1);
    return first;
}

static void print_finding(void *context, const char *where, const char *what) {
    (void)context;
    print_message("finding: %s: %s\n", where, what);
}

static void must_verify(site *site) {
    const rk_check_listener listener = {print_finding, NULL, NULL};
    rk_verify_report report;
    rk_error error = {0};
    if (rk_engine_verify(site->engine, &listener, &report, &error) != RK_OK)
        fail_msg("%s: %s", error.where, error.what);
}

static void check_words(site *site, const char *entity, volatile uint64_t *acknowledged) {
    uint64_t there = count_words(site, entity);
    if (there < *acknowledged) fail_msg("%s: %d of %d acknowledged", entity, (int)there, (int)*acknowledged);
    if (there > *acknowledged + 1) fail_msg("%s: %d words, %d acknowledged", entity, (int)there, (int)*acknowledged);
    *acknowledged = there;
}

static int kill_once(void) {
    board->inside = board->importing = board->ready = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        live();
        _exit(1);
    }
    for (int i = 0; !board->ready && i < 20000; i++) usleep(500);
    usleep((useconds_t)(world_random() % LIFE_US_MAX));
    kill(child, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    int inside = board->inside;
    site_reopen(&truth);
    site_reopen(&device);
    must_verify(&truth);
    must_verify(&device);
    check_words(&truth, "document/truth", &board->truth_words);
    check_words(&device, "document/device", &board->device_words);
    site_close(&truth);
    site_close(&device);
    world_now_ms += 60000;
    return inside;
}

static void start_anew(void) {
    site_create_truth(&truth, "kill_truth");
    site_publish(&truth, "examples/modules/document.json");
    site_add_actor(&truth, "asha", "[\"writer\"]");
    site_create_device(&device, "kill_device", &truth, "asha");
    site_close(&truth);
    site_close(&device);
    board->truth_words = board->device_words = 0;
}

static void what_was_acknowledged_is_there_once(void **state) {
    (void)state;
    const char *wish = getenv("KILLS");
    int kills = wish ? (int)strtol(wish, NULL, 10) : KILLS_DEFAULT, counts[3] = {0, 0, 0};
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(board != MAP_FAILED);
    for (int i = 0; i < kills; i++) {
        if (i % KILLS_A_DATABASE == 0) start_anew();
        counts[kill_once()]++;
        if (isatty(2)) fprintf(stderr, "\rkill %d of %d", i + 1, kills);
    }
    if (isatty(2)) fprintf(stderr, "\r");
    print_message("%d kills: %d inside an append, %d inside an import, %d between\n", kills, counts[1], counts[2],
                  counts[0]);
    assert_true(counts[1] + counts[2] >= kills / 4);
    munmap(board, sizeof *board);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_acknowledged_is_there_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
