/*
 * Groups: many transactions of many actors in one batch that the truth seals, one record, one sync.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "door/json.h"
#include "io/memory.h"
#include "world_testing.h"

static site truth, phone;
static rk_arena arena;
static rk_group *group;
static rk_error error;

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    site_create_truth(&truth, "truth");
    site_publish(&truth, "examples/modules/coin.json");
    site_publish(&truth, "examples/modules/document.json");
    site_add_actor(&truth, "a", "[\"writer\"]");
    site_add_actor(&truth, "b", "[]");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    site_close(&truth);
    site_close(&phone);
    rk_arena_free(&arena);
    return 0;
}

static rk_log_head head(void) {
    rk_engine_info info;
    assert_int_equal(rk_engine_info_get(truth.engine, &info, &error), RK_OK);
    return info.head;
}

static void start(void) {
    if (rk_engine_group_start(truth.engine, &group, &error) != RK_OK) fail_msg("%s", error.what);
}

static rk_status submit(const char *actor, const char *entity, const char *type, const char *data,
                        rk_entry **entries_out) {
    rk_intent intent = {.entity = rk_bytes_of_string(entity), .type = rk_bytes_of_string(type)};
    assert_int_equal(rk_json_read(&arena, rk_bytes_of_string(data), &intent.data, NULL), RK_OK);
    return rk_engine_group_submit(group, rk_bytes_of_string(actor), &intent, 1, &arena, entries_out, &error);
}

static void all_become_one_record(void **state) {
    (void)state;
    rk_entry *entries = NULL;
    rk_log_head before = head();
    start();
    assert_int_equal(submit("a", "coin/x", "create", "{\"supply\":100}", &entries), RK_OK);
    assert_int_equal(entries[0].position, before.position + 1);
    assert_int_equal(entries[0].version, 1);
    assert_int_equal(submit("b", "coin/x", "transfer", "{\"to\":\"a\",\"amount\":1}", &entries), RK_REQUIRE_FAILED);
    assert_int_equal(submit("a", "coin/x", "transfer", "{\"to\":\"b\",\"amount\":40}", &entries), RK_OK);
    assert_int_equal(submit("b", "coin/x", "transfer", "{\"to\":\"c\",\"amount\":15}", &entries), RK_OK);
    assert_int_equal(entries[0].position, before.position + 3);
    assert_int_equal(entries[0].version, 3);
    assert_int_equal(submit("nobody", "coin/x", "burn", "{\"amount\":1}", &entries), RK_UNKNOWN_ACTOR);
    assert_int_equal(submit("b", "coin/x", "burn", "{\"amount\":0}", &entries), RK_BAD_DATA);
    assert_int_equal(submit("a", "document/d", "write", "{\"edits\":[[0,0,\"hi\"]]}", &entries), RK_OK);
    assert_int_equal(submit("a", "document/d", "write", "{\"edits\":[[2,0,\"!\"]]}", &entries), RK_OK);
    assert_int_equal(submit("a", "actor/a", "join", "{\"key\":\"00\",\"invitation\":\"00\"}", &entries),
                     RK_UNKNOWN_KEY);
    if (rk_engine_group_finish(group, &error) != RK_OK) fail_msg("%s", error.what);
    assert_int_equal(head().record, before.record + 1);
    assert_int_equal(head().position, before.position + 5);
    assert_string_equal(site_state(&truth, "coin/x"),
                        "{\"issuer\":\"a\",\"supply\":100,\"balance\":{\"a\":60,\"b\":25,\"c\":15}}");
    assert_string_equal(site_state(&truth, "document/d"), "{\"text\":\"hi!\"}");
    site_must_be_sound(&truth);
    site_create_device(&phone, "phone", &truth, "a");
    assert_string_equal(site_hash(&phone, "coin/x"), site_hash(&truth, "coin/x"));
    site_must_be_sound(&phone);
    site_reopen(&truth);
    assert_string_equal(site_hash(&phone, "document/d"), site_hash(&truth, "document/d"));
}

static void what_is_dropped_was_never_there(void **state) {
    (void)state;
    rk_entry *entries = NULL;
    site_must_submit(&truth, "a", "coin/x", "create", "{\"supply\":100}");
    rk_log_head before = head();
    start();
    assert_int_equal(submit("a", "coin/x", "transfer", "{\"to\":\"b\",\"amount\":40}", &entries), RK_OK);
    rk_engine_group_abort(group);
    start();
    assert_int_equal(submit("b", "coin/x", "transfer", "{\"to\":\"a\",\"amount\":40}", &entries), RK_REQUIRE_FAILED);
    assert_int_equal(rk_engine_group_finish(group, &error), RK_OK);
    assert_int_equal(head().position, before.position);
    assert_int_equal(head().record, before.record);
    rk_engine_group_abort(NULL);
    site_create_device(&phone, "phone", &truth, "a");
    assert_int_equal(rk_engine_group_start(phone.engine, &group, &error), RK_NOT_TRUTH);
}

/* A refused transaction of several events takes back what it did to an entity that the group has changed before. */
static void a_refusal_leaves_what_the_group_did_before(void **state) {
    (void)state;
    rk_entry *entries = NULL;
    rk_intent intents[2];
    start();
    assert_int_equal(submit("a", "coin/x", "create", "{\"supply\":100}", &entries), RK_OK);
    for (size_t i = 0; i < 2; i++) {
        intents[i] = (rk_intent){.entity = RK_TEXT("coin/x"), .type = RK_TEXT("burn")};
        assert_int_equal(rk_json_read(&arena, RK_TEXT("{\"amount\":60}"), &intents[i].data, NULL), RK_OK);
    }
    assert_int_equal(rk_engine_group_submit(group, RK_TEXT("a"), intents, 2, &arena, &entries, &error),
                     RK_REQUIRE_FAILED);
    assert_null(entries);
    assert_int_equal(submit("a", "coin/x", "burn", "{\"amount\":70}", &entries), RK_OK);
    assert_int_equal(rk_engine_group_finish(group, &error), RK_OK);
    assert_string_equal(site_state(&truth, "coin/x"), "{\"issuer\":\"a\",\"supply\":30,\"balance\":{\"a\":30}}");
    site_must_be_sound(&truth);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_become_one_record),
        TEST(what_is_dropped_was_never_there),
        TEST(a_refusal_leaves_what_the_group_did_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
