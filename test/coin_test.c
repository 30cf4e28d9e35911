/*
 * The coin module end to end: who has what, each refusal by its code, what three devices spend together, and that the
 * sum of balances is the supply after a long random run (OPERATIONS, 20,000 when not set; `make coin` runs 100,000).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "io/crypto.h"
#include "io/memory.h"
#include "world_testing.h"

enum { ACTORS = 20, DEVICES = 3 };

static site truth, phones[DEVICES];
static rk_arena arena;

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), (size_t)1 << 30);
    site_create_truth(&truth, "truth");
    site_publish(&truth, "examples/modules/coin.json");
    site_add_actor(&truth, "a", "[]");
    site_add_actor(&truth, "b", "[]");
    site_add_actor(&truth, "c", "[]");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    site_close(&truth);
    for (size_t i = 0; i < DEVICES; i++) site_close(&phones[i]);
    rk_arena_free(&arena);
    return 0;
}

static uint64_t position_of(site *site) {
    rk_engine_info info;
    rk_error error = {0};
    assert_int_equal(rk_engine_info_get(site->engine, &info, &error), RK_OK);
    return info.head.position;
}

static void does(const char *actor, const char *type, const char *data) {
    site_must_submit(&truth, actor, "coin/inr", type, data);
}

static void refused(const char *actor, const char *type, const char *data, rk_status expected, const char *what) {
    rk_error error = {0};
    uint64_t before = position_of(&truth);
    const char *hash = site_hash(&truth, "coin/inr");
    rk_status status = site_submit(&truth, actor, "coin/inr", type, data, &error);
    if (status != expected || !strstr(error.what, what)) {
        fail_msg("%s %s by %s: %s: %s", type, data, actor, rk_status_name(status), error.what);
    }
    assert_int_equal(position_of(&truth), before);
    assert_string_equal(site_hash(&truth, "coin/inr"), hash);
}

/* A creates 1000 ... and it ends with A 800, B 300, supply 1100, allowance 50. */
static void play(void) {
    does("a", "create", "{\"supply\":1000}");
    does("a", "transfer", "{\"to\":\"b\",\"amount\":300}");
    does("a", "mint", "{\"amount\":200}");
    does("b", "burn", "{\"amount\":100}");
    does("a", "approve", "{\"spender\":\"b\",\"amount\":150}");
    does("b", "transfer-from", "{\"from\":\"a\",\"to\":\"b\",\"amount\":100}");
    assert_string_equal(site_state(&truth, "coin/inr"), "{\"issuer\":\"a\",\"supply\":1100,\"balance\":{\"a\":800,"
                                                        "\"b\":300},\"allowance\":{\"a\":{\"b\":50}}}");
}

static void a_coin_moves_between_two_actors(void **state) {
    (void)state;
    play();
    site_reopen(&truth);
    assert_string_equal(site_state(&truth, "coin/inr"), "{\"issuer\":\"a\",\"supply\":1100,\"balance\":{\"a\":800,"
                                                        "\"b\":300},\"allowance\":{\"a\":{\"b\":50}}}");
    site_must_be_sound(&truth);
}

static void each_fault_is_refused_and_the_log_does_not_grow(void **state) {
    (void)state;
    refused("a", "transfer", "{\"to\":\"b\",\"amount\":1}", RK_FORBIDDEN, "says no");
    play();
    refused("b", "transfer", "{\"to\":\"a\",\"amount\":301}", RK_REQUIRE_FAILED, "insufficient balance");
    refused("b", "burn", "{\"amount\":301}", RK_REQUIRE_FAILED, "insufficient balance");
    refused("c", "transfer", "{\"to\":\"a\",\"amount\":1}", RK_REQUIRE_FAILED, "insufficient balance");
    refused("b", "transfer-from", "{\"from\":\"a\",\"to\":\"b\",\"amount\":51}", RK_REQUIRE_FAILED,
            "insufficient allowance");
    refused("c", "transfer-from", "{\"from\":\"b\",\"to\":\"c\",\"amount\":1}", RK_REQUIRE_FAILED,
            "insufficient allowance");
    refused("a", "transfer", "{\"to\":\"b\",\"amount\":-5}", RK_BAD_DATA, "");
    refused("a", "transfer", "{\"to\":\"b\",\"amount\":0}", RK_BAD_DATA, "");
    refused("a", "transfer", "{\"to\":\"b\",\"amount\":1.5}", RK_BAD_DATA, "");
    refused("a", "transfer", "{\"to\":\"b\",\"amount\":1e3}", RK_REQUIRE_FAILED, "insufficient balance");
    refused("a", "transfer", "{\"to\":\"b\",\"amount\":1e30}", RK_OVERFLOW, "");
    refused("a", "transfer", "{\"to\":\"b\",\"amount\":\"5\"}", RK_BAD_DATA, "");
    refused("a", "transfer", "{\"to\":\"b\",\"amount\":9223372036854775807}", RK_REQUIRE_FAILED, "insufficient");
    refused("a", "mint", "{\"amount\":9223372036854775807}", RK_REQUIRE_FAILED, "more than a coin can count");
    refused("a", "transfer", "{\"to\":\"a\",\"amount\":5}", RK_REQUIRE_FAILED, "another actor");
    refused("b", "mint", "{\"amount\":5}", RK_FORBIDDEN, "\"mint\"");
    refused("b", "create", "{\"supply\":5}", RK_REQUIRE_FAILED, "exists already");
    refused("a", "transfer", "{\"to\":\"b\",\"amount\":5,\"memo\":\"x\"}", RK_BAD_DATA, "");
    refused("a", "transfer", "{\"to\":\"b\"}", RK_BAD_DATA, "");
    refused("a", "steal", "{}", RK_UNKNOWN_TYPE, "steal");
    rk_error error = {0};
    rk_entry *entries = NULL;
    rk_pair pair = {rk_string(RK_TEXT("amount")), rk_int(1)};
    rk_intent late = {.entity = RK_TEXT("coin/inr"), .type = RK_TEXT("burn"), .expects = true, .expected = 5};
    uint64_t before = position_of(&truth);
    assert_int_equal(rk_map_value(&arena, &pair, 1, &late.data), RK_OK);
    assert_int_equal(rk_engine_submit(truth.engine, RK_TEXT("a"), NULL, &late, 1, &arena, &entries, &error),
                     RK_VERSION_CONFLICT);
    assert_int_equal(position_of(&truth), before);
    site_must_be_sound(&truth);
}

/* ---- forged batches ---- */

static rk_frame *last_pending(const parcel *parcel) {
    for (size_t i = parcel->count; i > 0; i--) {
        if (parcel->frames[i - 1].kind == RK_FRAME_PENDING) return &parcel->frames[i - 1];
    }
    fail_msg("nothing is pending");
    return NULL;
}

static void open_batch(rk_bytes bytes, rk_batch *batch_out) {
    rk_error error = {0};
    if (rk_batch_open(&arena, rk_crypto_sodium(), bytes, batch_out, &error) != RK_OK) fail_msg("%s", error.what);
}

static void a_forged_signature_is_refused(void **state) {
    (void)state;
    play();
    site_create_device(&phones[0], "phone", &truth, "a");
    site_must_submit(&phones[0], "a", "coin/inr", "transfer", "{\"to\":\"b\",\"amount\":7}");
    parcel parcel;
    rk_batch batch;
    rk_import_report report;
    rk_error error = {0};
    uint64_t before = position_of(&truth);
    parcel_fill(&parcel, &phones[0], 0);
    rk_frame *frame = last_pending(&parcel);
    open_batch(frame->batch, &batch);
    uint8_t *seal = rk_arena_take(&arena, batch.seal.size);
    memcpy(seal, batch.seal.data, batch.seal.size);
    seal[batch.seal.size - 1] ^= 1; /* the signature stands last */
    batch.seal = rk_bytes_of(seal, batch.seal.size);
    assert_int_equal(rk_batch_encode(&arena, &batch, &frame->batch), RK_OK);
    assert_int_equal(parcel_deliver(&parcel, &truth, &report, &error), RK_BAD_SIGNATURE);
    parcel_free(&parcel);
    assert_int_equal(position_of(&truth), before);
    assert_int_equal(site_send(&phones[0], &truth, 0).transactions_refused, 0);
    assert_int_equal(position_of(&truth), before + 2); /* the device's joining, and the transfer */
}

/* The code of the only verdict that the truth has. */
static void the_verdict_must_be(const char *code) {
    parcel parcel;
    size_t count = 0;
    parcel_fill(&parcel, &truth, 0);
    for (size_t i = 0; i < parcel.count; i++) {
        if (parcel.frames[i].kind != RK_FRAME_VERDICT) continue;
        assert_true(rk_bytes_equal(parcel.frames[i].code, rk_bytes_of_string(code)));
        count++;
    }
    assert_int_equal(count, 1);
    parcel_free(&parcel);
}

/* The device's own key seals, under the next number, an event with an id that it gave out before. */
static void an_id_that_is_used_again_for_other_bytes_is_refused(void **state) {
    (void)state;
    play();
    site_create_device(&phones[0], "phone", &truth, "a");
    site_must_submit(&phones[0], "a", "coin/inr", "transfer", "{\"to\":\"b\",\"amount\":7}");
    parcel parcel;
    rk_batch batch;
    rk_import_report report;
    rk_import *import = NULL;
    rk_error error = {0};
    rk_key_pair pair;
    uint8_t secret[RK_SECRET_SIZE] = {1};
    parcel_fill(&parcel, &phones[0], 0);
    assert_int_equal(parcel_deliver(&parcel, &truth, &report, &error), RK_OK);
    open_batch(last_pending(&parcel)->batch, &batch);
    batch.header.number++;
    batch.header.previous_root = batch.header.root;
    rk_pair *pairs = rk_arena_take_array(&arena, 2, sizeof *pairs);
    pairs[0] = (rk_pair){rk_string(RK_TEXT("to")), rk_string(RK_TEXT("b"))};
    pairs[1] = (rk_pair){rk_string(RK_TEXT("amount")), rk_int(8)};
    assert_int_equal(rk_map_value(&arena, pairs, 2, &batch.leaves[0].event.data), RK_OK);
    assert_int_equal(rk_event_encode(&arena, &batch.leaves[0].event, &batch.leaves[0].bytes), RK_OK);
    const rk_host *host = &phones[0].host;
    assert_int_equal(host->key_get(host->context, RK_OWNER_ACTOR, RK_TEXT("a"), &pair, &error), RK_OK);
    assert_int_equal(rk_batch_seal(&arena, rk_crypto_sodium(), &pair, secret, &batch), RK_OK);
    const char *hash = site_hash(&truth, "coin/inr");
    uint64_t before = position_of(&truth);
    assert_int_equal(rk_engine_import_start(truth.engine, &import, &error), RK_OK);
    if (rk_engine_import_batch(import, &batch, &error) != RK_OK) fail_msg("%s", error.what);
    assert_int_equal(rk_engine_import_finish(import, &report, &error), RK_OK);
    assert_int_equal(report.transactions_refused, 1);
    assert_int_equal(position_of(&truth), before);
    assert_string_equal(site_hash(&truth, "coin/inr"), hash);
    the_verdict_must_be("id_conflict");
    parcel_free(&parcel);
}

/* ---- devices ---- */

static rk_status count_verdict(void *context, const rk_verdict *verdict) {
    assert_true(rk_bytes_equal(verdict->code, RK_TEXT("require_failed")));
    assert_true(rk_bytes_equal(verdict->what, RK_TEXT("insufficient balance")));
    ++*(size_t *)context;
    return RK_OK;
}

/* What the other does not have; a device's file has what waits for the truth as well. */
static size_t send(site *from, site *to) {
    uint64_t known = position_of(from) < position_of(to) ? position_of(from) : position_of(to);
    return site_send(from, to, known).transactions_refused;
}

static void exchange(void) {
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < DEVICES; i++) send(&phones[i], &truth);
        for (size_t i = 0; i < DEVICES; i++) send(&truth, &phones[i]);
    }
}

static void all_agree(void) {
    for (size_t i = 0; i < DEVICES; i++) {
        assert_string_equal(site_hash(&phones[i], "coin/inr"), site_hash(&truth, "coin/inr"));
        assert_int_equal(site_pending(&phones[i]), 0);
    }
}

static void three_devices_that_together_overdraw(void **state) {
    (void)state;
    static const char *const names[] = {"phone-0", "phone-1", "phone-2"};
    size_t refusals = 0;
    rk_error error = {0};
    does("a", "create", "{\"supply\":1000}");
    for (size_t i = 0; i < DEVICES; i++) site_create_device(&phones[i], names[i], &truth, "a");
    exchange();
    for (size_t i = 0; i < DEVICES; i++) {
        /* Each spends 900 of the 1000 in three steps, for itself alone that fits. */
        site_must_submit(&phones[i], "a", "coin/inr", "transfer", "{\"to\":\"b\",\"amount\":500}");
        site_must_submit(&phones[i], "a", "coin/inr", "transfer", "{\"to\":\"c\",\"amount\":300}");
        site_must_submit(&phones[i], "a", "coin/inr", "transfer", "{\"to\":\"c\",\"amount\":100}");
        assert_string_equal(site_state(&phones[i], "coin/inr"),
                            "{\"issuer\":\"a\",\"supply\":1000,\"balance\":{\"a\":100,\"b\":500,\"c\":400}}");
        rk_error over = {0};
        assert_int_equal(site_submit(&phones[i], "a", "coin/inr", "transfer", "{\"to\":\"c\",\"amount\":200}", &over),
                         RK_REQUIRE_FAILED);
    }
    exchange();
    /* The first device's three fit, and of what is left the 100 of the second. */
    assert_string_equal(site_state(&truth, "coin/inr"),
                        "{\"issuer\":\"a\",\"supply\":1000,\"balance\":{\"a\":0,\"b\":500,\"c\":500}}");
    all_agree();
    for (size_t i = 0; i < DEVICES; i++) {
        assert_int_equal(rk_engine_verdicts(phones[i].engine, count_verdict, &refusals, &error), RK_OK);
        site_must_be_sound(&phones[i]);
    }
    assert_int_equal(refusals, 5);
    site_must_be_sound(&truth);
}

/* ---- a long random run ---- */

static rk_value data_of(size_t count, const char *const *names, const rk_value *values) {
    rk_pair *pairs = rk_arena_take_array(&arena, count, sizeof *pairs);
    rk_value data;
    for (size_t i = 0; i < count; i++) pairs[i] = (rk_pair){rk_string(rk_bytes_of_string(names[i])), values[i]};
    assert_int_equal(rk_map_value(&arena, pairs, count, &data), RK_OK);
    return data;
}

static rk_value actor_name(size_t number) {
    char *name = rk_arena_take(&arena, 16);
    return rk_string(rk_bytes_of(name, rk_format(name, 16, "actor-%u", (uint64_t)number)));
}

/* Some fit, some do not: the amounts go from nothing to more than most have. */
static rk_intent random_intent(void) {
    static const char *const amount[] = {"amount"}, *const to[] = {"to", "amount"},
                             *const spender[] = {"spender", "amount"}, *const from[] = {"from", "to", "amount"};
    rk_value of = rk_int((int64_t)(world_random() % (world_random() % 4 ? 100 : 2000))),
             one = actor_name(world_random() % ACTORS), two = actor_name(world_random() % ACTORS);
    switch (world_random() % 8) {
    case 0:
        return (rk_intent){.type = RK_TEXT("mint"), .data = data_of(1, amount, &of)};
    case 1:
        return (rk_intent){.type = RK_TEXT("burn"), .data = data_of(1, amount, &of)};
    case 2:
        return (rk_intent){.type = RK_TEXT("approve"), .data = data_of(2, spender, (rk_value[]){one, of})};
    case 3:
    case 4:
        return (rk_intent){.type = RK_TEXT("transfer-from"), .data = data_of(3, from, (rk_value[]){one, two, of})};
    default:
        return (rk_intent){.type = RK_TEXT("transfer"), .data = data_of(2, to, (rk_value[]){one, of})};
    }
}

static bool is_refusal(rk_status status) {
    return status == RK_REQUIRE_FAILED || status == RK_BAD_DATA || status == RK_FORBIDDEN;
}

/* One to eight operations of one actor as a transaction. Returns how many. */
static size_t random_transaction(site *site, size_t *accepted) {
    rk_intent intents[8];
    rk_entry *entries = NULL;
    rk_error error = {0};
    size_t count = 1 + (world_random() % 4 ? 0 : world_random() % 8);
    for (size_t i = 0; i < count; i++) {
        intents[i] = random_intent();
        intents[i].entity = RK_TEXT("coin/inr");
    }
    rk_status status = rk_engine_submit(site->engine, actor_name(world_random() % ACTORS).as.bytes, NULL, intents,
                                        count, &arena, &entries, &error);
    if (status != RK_OK && !is_refusal(status)) fail_msg("%s: %s", rk_status_name(status), error.what);
    *accepted += status == RK_OK ? count : 0;
    rk_arena_free(&arena);
    rk_arena_init(&arena, rk_memory_system(), (size_t)1 << 30);
    return count;
}

static void balances_must_add_up(site *site) {
    rk_reading reading;
    rk_error error = {0};
    int64_t sum = 0;
    assert_int_equal(rk_engine_get(site->engine, RK_TEXT("coin/inr"), NULL, &arena, &reading, &error), RK_OK);
    const rk_value *balance = rk_map_find(&reading.state, RK_TEXT("balance"));
    for (size_t i = 0; i < balance->as.map.count; i++) {
        assert_true(balance->as.map.pairs[i].value.as.integer >= 0);
        sum += balance->as.map.pairs[i].value.as.integer;
    }
    assert_int_equal(sum, rk_map_find(&reading.state, RK_TEXT("supply"))->as.integer);
}

/* Every device has the keys of all actors: twenty people who share three machines. */
static void share_keys(void) {
    for (size_t d = 0; d < DEVICES; d++) {
        for (size_t i = 0; i < ACTORS; i++) {
            rk_key_pair pair;
            rk_error error = {0};
            rk_bytes actor = actor_name(i).as.bytes;
            const rk_host *from = &truth.host, *to = &phones[d].host;
            assert_int_equal(from->key_get(from->context, RK_OWNER_ACTOR, actor, &pair, &error), RK_OK);
            if (i != d) assert_int_equal(to->key_put(to->context, RK_OWNER_ACTOR, actor, &pair, &error), RK_OK);
        }
    }
}

static void the_sum_of_balances_is_the_supply(void **state) {
    (void)state;
    const char *wanted = getenv("OPERATIONS");
    size_t operations = wanted ? strtoul(wanted, NULL, 10) : 20000, done = 0, accepted = 0, refused_by_truth = 0;
    char name[32];
    for (size_t i = 0; i < ACTORS; i++) {
        snprintf(name, sizeof name, "actor-%zu", i);
        site_add_actor(&truth, name, "[]");
    }
    site_must_submit(&truth, "actor-0", "coin/inr", "create", "{\"supply\":20000}");
    for (size_t i = 0; i < DEVICES; i++) {
        snprintf(name, sizeof name, "actor-%zu", i);
        char path[16];
        snprintf(path, sizeof path, "phone-%zu", i);
        site_create_device(&phones[i], path, &truth, name);
    }
    share_keys();
    exchange();
    for (size_t round = 0; done < operations; round++) {
        site *site = world_random() % 4 ? &phones[world_random() % DEVICES] : &truth;
        for (size_t i = 1 + world_random() % 40; i > 0; i--) done += random_transaction(site, &accepted);
        balances_must_add_up(site);
        size_t device = world_random() % DEVICES;
        if (world_random() % 2) refused_by_truth += send(&phones[device], &truth);
        if (world_random() % 2) send(&truth, &phones[device]);
        balances_must_add_up(&truth);
    }
    exchange();
    all_agree();
    balances_must_add_up(&truth);
    for (size_t i = 0; i < DEVICES; i++) site_must_be_sound(&phones[i]);
    site_must_be_sound(&truth);
    printf("# %zu operations, %zu accepted where they were made, %zu transactions refused by the truth\n", done,
           accepted, refused_by_truth);
    assert_true(accepted > operations / 10 && refused_by_truth > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_coin_moves_between_two_actors),      TEST(each_fault_is_refused_and_the_log_does_not_grow),
        TEST(a_forged_signature_is_refused),        TEST(an_id_that_is_used_again_for_other_bytes_is_refused),
        TEST(three_devices_that_together_overdraw), TEST(the_sum_of_balances_is_the_supply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
