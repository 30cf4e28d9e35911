/*
 * One account beside a noisy one: appends take turns by account, and one account never has all threads.
 *
 * Strategy: one writer thread, so that turns show; CLIENTS (8) append to t0 without pause while one appends to t1 and
 * t2 in turn, REQUESTS (60) times. What an append waited for is counted by the server, in groups that began meanwhile:
 * no time is measured to pass or fail; what t1 and t2 felt is printed.
 *
 * Invariants
 *   (1) While an account stands in the queue, each other account has one group at most: here two.
 *   (2) Every append of both is answered 201.
 *   (3) Of two threads one account has one: its reads wait for each other, and each is answered. A server that stops
 *       while reads wait ends well.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "io/clock.h"
#include "tenants_testing.h"

enum { CLIENTS_MAX = 64, REQUESTS_MAX = 10000 };

static tenants all;
static size_t clients = 8, requests = 60;
static volatile bool enough;

typedef struct noise {
    pthread_t thread;
    const char *token;
    size_t done, failed;
} noise;

static size_t setting(const char *name, size_t otherwise, size_t most) {
    const char *text = getenv(name);
    size_t value = text ? strtoul(text, NULL, 10) : otherwise;
    return value < most ? value : most;
}

/* Reads until it is told to stop, or the server is gone: `failed` counts other answers than 200. */
static void *read_on(void *context) {
    noise *noise = context;
    int fd = served_connect(&all.served);
    while (!enough) {
        int status = tenants_page(fd, 0, noise->token);
        if (status == 0) break;
        noise->failed += status != 200 && status != 503;
        noise->done++;
    }
    close(fd);
    return NULL;
}

static void *make_noise(void *context) {
    noise *noise = context;
    int fd = served_connect(&all.served);
    while (!enough) {
        noise->failed += tenants_append(fd, 0, noise->token) != 201;
        noise->done++;
    }
    close(fd);
    return NULL;
}

static int compare(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Appends to t1 and t2 in turn, and says how long that took. */
static void ask_quietly(const char *name, char tokens[2][2048]) {
    static uint64_t took[REQUESTS_MAX];
    int fd = served_connect(&all.served);
    for (size_t i = 0; i < requests; i++) {
        uint64_t start_us = rk_clock_steady_us();
        assert_int_equal(tenants_append(fd, 1 + i % 2, tokens[i % 2]), 201);
        took[i] = rk_clock_steady_us() - start_us;
    }
    close(fd);
    qsort(took, requests, sizeof *took, compare);
    print_message("# a quiet account %s: p50 %lu us, p99 %lu us\n", name, (unsigned long)took[requests / 2],
                  (unsigned long)took[requests * 99 / 100]);
}

static void a_noisy_account_takes_turns(void **state) {
    (void)state;
    static noise noises[CLIENTS_MAX];
    static char noisy[2048], quiet[2][2048];
    tenants_token(&all, 0, noisy);
    tenants_token(&all, 1, quiet[0]);
    tenants_token(&all, 2, quiet[1]);
    ask_quietly("alone", quiet);
    uint64_t alone = tenants_metric(&all, "groups_total");
    assert_int_equal(tenants_metric(&all, "group_waits_bucket{le=\"0\"}"), alone);
    for (size_t i = 0; i < clients; i++) {
        noises[i] = (noise){.token = noisy};
        assert_int_equal(pthread_create(&noises[i].thread, NULL, make_noise, &noises[i]), 0);
    }
    while (tenants_metric(&all, "groups_total") < alone + 10) usleep(1000);
    ask_quietly("beside a noisy one", quiet);
    enough = true;
    size_t done = 0, failed = 0;
    for (size_t i = 0; i < clients; i++) {
        pthread_join(noises[i].thread, NULL);
        done += noises[i].done;
        failed += noises[i].failed;
    }
    assert_int_equal(failed, 0);
    print_message("# the noisy one: %zu appends of %zu clients\n", done, clients);
}

/* Also after all that: each group of t1 waited for one of t0 at most, each of t0 for one of t1 or t2. */
static void nobody_waited_for_more_than_a_turn_of_each_other(void **state) {
    (void)state;
    uint64_t groups = tenants_metric(&all, "group_waits_count");
    assert_true(groups > 2 * requests);
    assert_true(tenants_metric(&all, "group_waits_sum") > 0); /* they did meet */
    assert_int_equal(tenants_metric(&all, "group_waits_bucket{le=\"2\"}"), groups);
    print_message("# %lu groups, %lu waited for another account's\n", (unsigned long)groups,
                  (unsigned long)tenants_metric(&all, "group_waits_sum"));
}

static noise readers[CLIENTS_MAX];
static char reader_token[2048];

/* They are left reading, for the server to stop meanwhile. */
static void reads_of_one_account_wait_for_each_other(void **state) {
    (void)state;
    enough = false;
    tenants_token(&all, 0, reader_token);
    for (size_t i = 0; i < clients; i++) {
        readers[i] = (noise){.token = reader_token};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    uint64_t turns = 0;
    for (int tries = 0; turns < 10 && tries < 5000; tries++) {
        usleep(1000);
        turns = tenants_metric(&all, "turns_total");
    }
    print_message("# %lu reads waited\n", (unsigned long)turns);
    assert_true(turns >= 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_noisy_account_takes_turns),
        cmocka_unit_test(nobody_waited_for_more_than_a_turn_of_each_other),
        cmocka_unit_test(reads_of_one_account_wait_for_each_other),
    };
    clients = setting("CLIENTS", clients, CLIENTS_MAX);
    requests = setting("REQUESTS", requests, REQUESTS_MAX);
    tenants_create(&all, 3);
    tenants_start(&all, (rk_server_options){.threads = 2, .writers = 1});
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tenants_end(&all);
    enough = true;
    for (size_t i = 0; i < clients && readers[i].token; i++) {
        pthread_join(readers[i].thread, NULL);
        failed += readers[i].failed != 0;
    }
    return failed;
}
