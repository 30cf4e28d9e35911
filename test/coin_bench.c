/*
 * What a coin costs at its truth: transfers checked and appended a second, in transactions of 1000 and of one, and
 * folded a second from the log, with few holders and with many, the two in turn in one run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "io/memory.h"
#include "world_testing.h"

enum { FEW = 20, MANY = 10000, TRANSACTION = 1000, TRANSACTIONS = 100, SINGLE = 2000 };

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Transfers of one unit from the owner to holder number `to + i % spread`. */
static double transfer(site *site, const char *coin, size_t count, size_t to, size_t spread) {
    rk_arena arena;
    rk_error error = {0};
    rk_entry *entries = NULL;
    rk_arena_init(&arena, rk_memory_system(), (size_t)1 << 30);
    rk_intent *intents = rk_arena_take_array(&arena, count, sizeof *intents);
    for (size_t i = 0; i < count; i++) {
        rk_pair *pairs = rk_arena_take_array(&arena, 2, sizeof *pairs);
        char *name = rk_arena_take(&arena, 16);
        size_t holder = to + (spread == MANY ? world_random() % spread : i % spread);
        pairs[0] = (rk_pair){rk_string(RK_TEXT("to")),
                             rk_string(rk_bytes_of(name, rk_format(name, 16, "holder-%u", (uint64_t)holder)))};
        pairs[1] = (rk_pair){rk_string(RK_TEXT("amount")), rk_int(1)};
        intents[i] = (rk_intent){.entity = rk_bytes_of_string(coin), .type = RK_TEXT("transfer")};
        assert_int_equal(rk_map_value(&arena, pairs, 2, &intents[i].data), RK_OK);
    }
    double start = seconds();
    rk_status status = rk_engine_submit(site->engine, RK_TEXT("owner"), NULL, intents, count, &arena, &entries, &error);
    double took = seconds() - start;
    if (status != RK_OK) fail_msg("%s: %s", coin, error.what);
    rk_arena_free(&arena);
    return took;
}

static void fill(site *site, const char *coin, size_t holders) {
    site_must_submit(site, "owner", coin, "create", "{\"supply\":1000000000}");
    for (size_t i = 0; i < holders; i += TRANSACTION) {
        transfer(site, coin, holders - i < TRANSACTION ? holders - i : TRANSACTION, i, TRANSACTION);
    }
}

static void replay(site *site, const char *coin, size_t holders) {
    const rk_check_listener listener = {NULL, NULL, NULL};
    rk_replay_report report;
    rk_error error = {0};
    double start = seconds();
    if (rk_engine_replay(site->engine, rk_bytes_of_string(coin), &listener, &report, &error) != RK_OK) {
        fail_msg("%s", error.what);
    }
    double took = seconds() - start;
    printf("folded from the log, %5zu holders             %9.0f transfers/s (%zu in %.2f s)\n", holders,
           (double)report.events / took, (size_t)report.events, took);
}

int main(void) {
    static site site;
    static const char *const coins[] = {"coin/few", "coin/many"};
    const size_t holders[] = {FEW, MANY};
    double in_thousands[2] = {0}, singly[2] = {0};
    site_create_truth(&site, "coin_bench");
    site_publish(&site, "examples/modules/coin.json");
    for (size_t c = 0; c < 2; c++) fill(&site, coins[c], holders[c]);
    for (size_t i = 0; i < TRANSACTIONS; i++) {
        for (size_t c = 0; c < 2; c++) in_thousands[c] += transfer(&site, coins[c], TRANSACTION, 0, holders[c]);
    }
    for (size_t i = 0; i < SINGLE; i++) {
        for (size_t c = 0; c < 2; c++) singly[c] += transfer(&site, coins[c], 1, i % FEW, 1);
    }
    for (size_t c = 0; c < 2; c++) {
        printf("checked and appended by 1000, %5zu holders     %9.0f transfers/s\n", holders[c],
               TRANSACTION * TRANSACTIONS / in_thousands[c]);
        printf("checked and appended one by one, %5zu holders  %9.0f transfers/s\n", holders[c], SINGLE / singly[c]);
    }
    for (size_t c = 0; c < 2; c++) replay(&site, coins[c], holders[c]);
    site_close(&site);
    return 0;
}
