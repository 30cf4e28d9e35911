/*
 * Many accounts in one server that may open few files.
 *
 * Strategy: FILES (1024) is the limit of open files; the server shares it. ACCOUNTS (200; 10,000 by hand) are made,
 * each with its own keys; THREADS clients append to and read from each, in random order.
 *
 * Invariants
 *   (1) No request fails for want of a file, or for anything else.
 *   (2) What is open stays within what the server has given accounts, and accounts that nobody uses are closed for
 *       others.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "io/clock.h"
#include "io/process.h"
#include "tenants_testing.h"

enum { FILES = 1024, THREADS = 3, POOL = 4, TOKEN_SIZE = 2048 };

static tenants all;
static size_t count = 200;
static char *tokens; /* of TOKEN_SIZE each */
static uint32_t *order;

typedef struct client {
    pthread_t thread;
    size_t number, failed;
    uint64_t files_most;
} client;

static void *work(void *context) {
    client *client = context;
    int fd = served_connect(&all.served);
    for (size_t i = client->number; i < 2 * count; i += THREADS) {
        size_t account = order[i] / 2;
        const char *token = tokens + account * TOKEN_SIZE;
        int status = order[i] % 2 ? tenants_append(fd, account, token) : tenants_read(fd, account, token);
        client->failed += status != (order[i] % 2 ? 201 : 200);
        uint64_t files = rk_process_files();
        if (files > client->files_most) client->files_most = files;
    }
    close(fd);
    return NULL;
}

/* Each account twice: once to append to, once to read; mixed by a generator whose seed is said. */
static void make_order(void) {
    uint64_t seed = rk_clock_ms() | 1;
    print_message("# seed %lu\n", (unsigned long)seed);
    order = calloc(2 * count, sizeof *order);
    for (size_t i = 0; i < 2 * count; i++) order[i] = (uint32_t)i;
    for (size_t i = 2 * count - 1; i > 0; i--) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        size_t other = seed % (i + 1);
        uint32_t swapped = order[i];
        order[i] = order[other];
        order[other] = swapped;
    }
}

static void each_is_served_within_the_files(void **state) {
    (void)state;
    static client clients[THREADS];
    size_t failed = 0;
    uint64_t files_most = 0, before = rk_process_memory();
    tokens = calloc(count, TOKEN_SIZE);
    for (size_t i = 0; i < count; i++) tenants_token(&all, i, tokens + i * TOKEN_SIZE);
    make_order();
    uint64_t start_us = rk_clock_steady_us();
    for (size_t i = 0; i < THREADS; i++) {
        clients[i] = (client){.number = i};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, work, &clients[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(clients[i].thread, NULL);
        failed += clients[i].failed;
        if (clients[i].files_most > files_most) files_most = clients[i].files_most;
    }
    uint64_t took_us = rk_clock_steady_us() - start_us, open = tenants_metric(&all, "accounts_open");
    print_message("# %zu accounts: %lu ms; at most %lu files of %d, %lu accounts open of %lu; %lu MB, before %lu MB\n",
                  count, (unsigned long)(took_us / 1000), (unsigned long)files_most, FILES, (unsigned long)open,
                  (unsigned long)tenants_metric(&all, "accounts_open_max"), (unsigned long)(rk_process_memory() >> 20),
                  (unsigned long)(before >> 20));
    assert_int_equal(failed, 0);
    assert_in_range(files_most, 1, FILES / 4 + THREADS * 2);
}

static void accounts_were_closed_for_others(void **state) {
    (void)state;
    uint64_t most = tenants_metric(&all, "accounts_open_max");
    assert_int_equal(tenants_metric(&all, "accounts_known"), count);
    assert_in_range(tenants_metric(&all, "accounts_open"), 1, most);
    assert_true(most < count);
    assert_true(tenants_metric(&all, "accounts_closed_total") >= count - most);
    assert_int_equal(tenants_metric(&all, "events_total"), count);
    assert_int_equal(tenants_metric(&all, "requests_total{operation=\"event_append\",status=\"2xx\"}"), count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_served_within_the_files),
        cmocka_unit_test(accounts_were_closed_for_others),
    };
    const struct rlimit limit = {FILES, FILES};
    const char *text = getenv("ACCOUNTS");
    if (text) count = strtoul(text, NULL, 10);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    uint64_t start_us = rk_clock_steady_us();
    tenants_create(&all, count);
    printf("# %zu accounts made in %lu ms\n", count, (unsigned long)((rk_clock_steady_us() - start_us) / 1000));
    tenants_start(&all, (rk_server_options){.threads = POOL, .writers = 2});
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tenants_end(&all);
    free(tokens);
    free(order);
    return failed;
}
