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

static rk_status submit_on(rk_terms *terms, const char *actor, const char *entity, const char *type, const char *data,
                           rk_entry **entries_out) {
    rk_intent intent = {.entity = rk_bytes_of_string(entity), .type = rk_bytes_of_string(type)};
    assert_int_equal(rk_json_read(&arena, rk_bytes_of_string(data), &intent.data, NULL), RK_OK);
    return rk_engine_group_submit(group, rk_bytes_of_string(actor), terms, &intent, 1, &arena, entries_out, &error);
}

static rk_status submit(const char *actor, const char *entity, const char *type, const char *data,
                        rk_entry **entries_out) {
    return submit_on(NULL, actor, entity, type, data, entries_out);
}

static void finish(void) {
    if (rk_engine_group_finish(group, &error) != RK_OK) fail_msg("%s", error.what);
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

static uint64_t bytes_used(const site *site) {
    rk_quota quota;
    assert_int_equal(rk_engine_quota(site->engine, &quota, &error), RK_OK);
    return quota.bytes;
}

/* What a truth knows of its own last batch and of all bytes is as good as what it would read. */
static void what_another_process_or_nobody_has_written_counts(void **state) {
    (void)state;
    static site beside;
    rk_entry *entries = NULL;
    beside = truth;
    beside.engine = NULL;
    site_reopen(&beside);
    site_must_submit(&truth, "a", "coin/x", "create", "{\"supply\":100}");
    uint64_t before = bytes_used(&truth);
    site_must_submit(&truth, "a", "coin/x", "burn", "{\"amount\":1}");
    uint64_t size = bytes_used(&truth) - before;
    for (uint64_t i = 1; i < 6; i += 2) {
        site_must_submit(&beside, "a", "coin/x", "burn", "{\"amount\":1}");
        assert_int_equal(bytes_used(&truth), before + (i + 1) * size);
        site_must_submit(&truth, "a", "coin/x", "burn", "{\"amount\":1}");
        start();
        assert_int_equal(submit("a", "coin/x", "burn", "{\"amount\":1}", &entries), RK_OK);
        rk_engine_group_abort(group);
        assert_int_equal(bytes_used(&beside), before + (i + 2) * size);
    }
    site_must_be_sound(&truth);
    site_close(&beside);
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

/* Each is judged as who it is now: not as who came before, and not as it was before. */
static void each_acts_with_its_own_roles(void **state) {
    (void)state;
    rk_entry *entries = NULL;
    site_add_actor(&truth, "c", "[\"admin\"]");
    start();
    assert_int_equal(submit("a", "document/d", "write", "{\"edits\":[[0,0,\"hi\"]]}", &entries), RK_OK);
    assert_int_equal(submit("b", "document/d", "write", "{\"edits\":[[0,0,\"b\"]]}", &entries), RK_FORBIDDEN);
    assert_int_equal(submit("a", "document/d", "write", "{\"edits\":[[2,0,\"!\"]]}", &entries), RK_OK);
    assert_int_equal(submit("a", "document/d", "write", "{\"edits\":[[3,0,\"?\"]]}", &entries), RK_OK);
    assert_int_equal(submit("owner", "actor/a", "set-roles", "{\"roles\":[]}", &entries), RK_OK);
    assert_int_equal(submit("a", "document/d", "write", "{\"edits\":[[0,0,\"a\"]]}", &entries), RK_FORBIDDEN);
    assert_int_equal(submit("c", "actor/c", "set-roles", "{\"roles\":[]}", &entries), RK_OK);
    assert_int_equal(submit("c", "actor/c", "set-roles", "{\"roles\":[\"admin\"]}", &entries), RK_FORBIDDEN);
    finish();
    assert_string_equal(site_state(&truth, "document/d"), "{\"text\":\"hi!?\"}");
    site_must_be_sound(&truth);
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
    assert_int_equal(rk_engine_group_submit(group, RK_TEXT("a"), NULL, intents, 2, &arena, &entries, &error),
                     RK_REQUIRE_FAILED);
    assert_null(entries);
    assert_int_equal(submit("a", "coin/x", "burn", "{\"amount\":70}", &entries), RK_OK);
    assert_int_equal(rk_engine_group_finish(group, &error), RK_OK);
    assert_string_equal(site_state(&truth, "coin/x"), "{\"issuer\":\"a\",\"supply\":30,\"balance\":{\"a\":30}}");
    site_must_be_sound(&truth);
}

/* ---- idempotency keys ---- */

static rk_terms under(const char *key, const char *request) {
    rk_terms terms = {.key = rk_bytes_of_string(key)};
    memcpy(terms.request.bytes, request, strlen(request));
    return terms;
}

static rk_status burn(rk_terms *terms, const char *actor, rk_entry **entries_out) {
    return submit_on(terms, actor, "coin/x", "burn", "{\"amount\":1}", entries_out);
}

static void a_key_is_done_once(void **state) {
    (void)state;
    rk_entry *first = NULL, *again = NULL;
    rk_terms one = under("k", "r"), same = under("k", "r"), other = under("k", "s"), next = under("l", "r");
    site_must_submit(&truth, "a", "coin/x", "create", "{\"supply\":100}");
    site_must_submit(&truth, "a", "coin/x", "transfer", "{\"to\":\"b\",\"amount\":10}");
    start();
    assert_int_equal(burn(NULL, "a", &first), RK_OK);
    assert_int_equal(burn(&one, "a", &first), RK_OK);
    assert_false(one.again);
    assert_int_equal(burn(&same, "a", &again), RK_OK); /* while the first waits for its append */
    assert_true(same.again);
    assert_int_equal(again[0].position, first[0].position);
    assert_int_equal(again[0].version, 4);
    assert_int_equal(burn(&other, "a", &again), RK_KEY_REUSED);
    assert_int_equal(burn(&other, "b", &again), RK_OK); /* another actor's key is another key */
    assert_int_equal(burn(&next, "a", &again), RK_OK);
    assert_int_equal(again[0].version, 6);
    finish();
    site_reopen(&truth);
    uint64_t position = head().position;
    start();
    same.again = false;
    assert_int_equal(burn(&same, "a", &again), RK_OK);
    assert_true(same.again);
    assert_true(rk_id_equal(again[0].event.id, first[0].event.id));
    assert_int_equal(again[0].position, first[0].position);
    assert_int_equal(again[0].time_ms, first[0].time_ms);
    assert_int_equal(burn(&other, "a", &again), RK_KEY_REUSED);
    finish();
    assert_int_equal(head().position, position);
    site_must_be_sound(&truth);
}

static void what_was_refused_or_dropped_may_come_again_under_its_key(void **state) {
    (void)state;
    rk_entry *entries = NULL;
    rk_terms one = under("k", "r"), two = under("l", "r");
    site_must_submit(&truth, "a", "coin/x", "create", "{\"supply\":100}");
    start();
    assert_int_equal(burn(&one, "b", &entries), RK_REQUIRE_FAILED); /* b has none yet */
    finish();
    site_must_submit(&truth, "a", "coin/x", "transfer", "{\"to\":\"b\",\"amount\":10}");
    start();
    assert_int_equal(burn(&two, "b", &entries), RK_OK);
    rk_engine_group_abort(group);
    start();
    assert_int_equal(burn(&one, "b", &entries), RK_OK);
    assert_int_equal(burn(&two, "b", &entries), RK_OK);
    assert_false(one.again || two.again);
    finish();
    assert_string_equal(site_state(&truth, "coin/x"),
                        "{\"issuer\":\"a\",\"supply\":98,\"balance\":{\"a\":90,\"b\":8}}");
}

/* Sets the count of keys that the log has had, as if they had come. */
static void pretend_keys(uint64_t count) {
    rk_log *log = NULL;
    uint8_t bytes[8];
    const rk_log_ops *ops = truth.host.store;
    rk_put_u64(bytes, count);
    site_close(&truth);
    assert_int_equal(ops->open(truth.host.path, RK_LOG_READ_WRITE, rk_memory_system(), truth.host.crypto,
                               truth.host.listener, &log, &error),
                     RK_OK);
    assert_int_equal(ops->begin(log, true, &error), RK_OK);
    assert_int_equal(ops->meta_put(log, RK_TEXT("once/next"), rk_bytes_of(bytes, 8), &error), RK_OK);
    assert_int_equal(ops->commit(log, &error), RK_OK);
    ops->close(log);
}

static void the_oldest_key_makes_room(void **state) {
    (void)state;
    rk_entry *entries = NULL;
    rk_terms first = under("first", "r"), second = under("second", "r"), last = under("last", "r");
    site_must_submit(&truth, "a", "coin/x", "create", "{\"supply\":100}");
    start();
    assert_int_equal(burn(&first, "a", &entries), RK_OK);
    assert_int_equal(burn(&second, "a", &entries), RK_OK);
    finish();
    pretend_keys(RK_ONCE_KEYS_MAX);
    site_reopen(&truth);
    start();
    assert_int_equal(burn(&last, "a", &entries), RK_OK); /* in the first's slot */
    assert_int_equal(burn(&second, "a", &entries), RK_OK);
    assert_true(second.again);
    assert_int_equal(burn(&first, "a", &entries), RK_OK);
    assert_false(first.again);
    finish();
}

/* ---- what a sender had seen ---- */

static rk_terms having_seen(uint64_t position) {
    return (rk_terms){.strict = true, .saw = true, .seen = position};
}

static rk_status write_as(rk_terms *terms, const char *edits) {
    rk_entry *entries = NULL;
    return submit_on(terms, "a", "document/d", "write", edits, &entries);
}

static void places_are_meant_where_they_were_seen(void **state) {
    (void)state;
    site_must_submit(&truth, "a", "document/d", "write", "{\"edits\":[[0,0,\"hello world\"]]}");
    rk_terms then = having_seen(head().position), blind = {.strict = true}, ahead = having_seen(1000);
    site_must_submit(&truth, "a", "document/d", "write", "{\"edits\":[[0,0,\"Oh, \"]]}");
    site_must_submit(&truth, "a", "document/d", "write", "{\"edits\":[[4,5,\"HELLO\"]]}");
    start();
    assert_int_equal(write_as(&blind, "{\"edits\":[[5,0,\"!\"]]}"), RK_SEEN_MISSING);
    assert_int_equal(write_as(&ahead, "{\"edits\":[[5,0,\"!\"]]}"), RK_SEEN_AHEAD);
    assert_int_equal(write_as(&then, "{\"edits\":[[5,0,\", big\"],[0,1,\"\"]]}"), RK_OK);
    assert_int_equal(write_as(&then, "{\"edits\":[[11,0,\"!\"]]}"), RK_OK);
    finish();
    assert_string_equal(site_state(&truth, "document/d"), "{\"text\":\"Oh, HELLO, big world!\"}");
    site_must_be_sound(&truth);
    site_create_device(&phone, "phone", &truth, "a");
    assert_string_equal(site_hash(&phone, "document/d"), site_hash(&truth, "document/d"));
}

/* Two senders who had seen the same write at one place: their characters have different names, and both stay. */
static void texts_of_one_moment_do_not_collide(void **state) {
    (void)state;
    site_must_submit(&truth, "a", "document/d", "write", "{\"edits\":[[0,0,\"()\"]]}");
    rk_terms then = having_seen(head().position);
    start();
    for (int i = 0; i < 3; i++) assert_int_equal(write_as(&then, "{\"edits\":[[1,0,\"ab\"]]}"), RK_OK);
    assert_int_equal(write_as(&then, "{\"edits\":[[2,0,\"!\"]]}"), RK_OK);
    finish();
    assert_string_equal(site_state(&truth, "document/d"), "{\"text\":\"(ababab)!\"}");
    site_must_be_sound(&truth);
}

/* Within one transaction places are meant on top of its own events. */
static void a_transaction_sees_its_own_events(void **state) {
    (void)state;
    rk_entry *entries = NULL;
    rk_intent intents[2];
    site_must_submit(&truth, "a", "document/d", "write", "{\"edits\":[[0,0,\"ac\"]]}");
    rk_terms then = having_seen(head().position);
    site_must_submit(&truth, "a", "document/d", "write", "{\"edits\":[[0,0,\">\"]]}");
    static const char *const edits[] = {"{\"edits\":[[1,0,\"b\"]]}", "{\"edits\":[[3,0,\"d\"]]}"};
    for (size_t i = 0; i < 2; i++) {
        intents[i] = (rk_intent){.entity = RK_TEXT("document/d"), .type = RK_TEXT("write")};
        assert_int_equal(rk_json_read(&arena, rk_bytes_of_string(edits[i]), &intents[i].data, NULL), RK_OK);
    }
    start();
    assert_int_equal(rk_engine_group_submit(group, RK_TEXT("a"), &then, intents, 2, &arena, &entries, &error), RK_OK);
    finish();
    assert_string_equal(site_state(&truth, "document/d"), "{\"text\":\">abcd\"}");
    site_must_be_sound(&truth);
}

/* A remove takes away what its sender had seen, and not what came since. */
static void a_remove_leaves_what_was_not_seen(void **state) {
    (void)state;
    rk_entry *entries = NULL;
    site_publish(&truth, "examples/modules/profile.json");
    site_must_submit(&truth, "a", "profile/a", "tag", "{\"tag\":\"x\"}");
    rk_terms then = having_seen(head().position), blind = {.strict = true};
    site_must_submit(&truth, "a", "profile/a", "tag", "{\"tag\":\"x\"}");
    start();
    assert_int_equal(submit_on(&blind, "a", "profile/a", "untag", "{\"tag\":\"x\"}", &entries), RK_SEEN_MISSING);
    assert_int_equal(submit_on(&blind, "a", "profile/a", "rename", "{\"name\":\"A\"}", &entries), RK_OK);
    assert_int_equal(submit_on(&then, "a", "profile/a", "untag", "{\"tag\":\"x\"}", &entries), RK_OK);
    finish();
    assert_non_null(strstr(site_state(&truth, "profile/a"), "\"tags\":[\"x\"]"));
    then = having_seen(head().position);
    start();
    assert_int_equal(submit_on(&then, "a", "profile/a", "untag", "{\"tag\":\"x\"}", &entries), RK_OK);
    finish();
    assert_non_null(strstr(site_state(&truth, "profile/a"), "\"tags\":[]"));
}

/* ---- quotas ---- */

static void set_quota(const char *quota) {
    rk_key_pair pair;
    rk_entry *entries = NULL;
    rk_intent intent = {.entity = RK_TEXT("account/test"), .type = RK_TEXT("set-quota")};
    rk_engine_info info;
    assert_int_equal(rk_engine_info_get(truth.engine, &info, &error), RK_OK);
    intent.entity = rk_arena_format(&arena, "account/%b", info.name);
    assert_int_equal(rk_json_read(&arena, rk_bytes_of_string(quota), &intent.data, NULL), RK_OK);
    assert_int_equal(truth.host.key_get(truth.host.context, RK_OWNER_TRUTH, (rk_bytes){NULL, 0}, &pair, &error), RK_OK);
    rk_status status = rk_engine_submit(truth.engine, RK_TEXT("truth"), &pair, &intent, 1, &arena, &entries, &error);
    if (status != RK_OK) fail_msg("%s", error.what);
}

static void an_account_keeps_to_its_quota_of_events(void **state) {
    (void)state;
    rk_entry *entries = NULL;
    char quota[80];
    rk_quota now;
    site_must_submit(&truth, "a", "coin/x", "create", "{\"supply\":100}");
    assert_int_equal(rk_engine_quota(truth.engine, &now, &error), RK_OK);
    assert_int_equal(now.events, head().position);
    assert_true(now.events_max == UINT64_MAX && now.bytes_max == UINT64_MAX && now.requests_max == UINT64_MAX);
    snprintf(quota, sizeof quota, "{\"quota\":{\"events\":%d,\"requests\":7}}", (int)head().position + 3);
    set_quota(quota);
    start();
    assert_int_equal(burn(NULL, "a", &entries), RK_OK);
    assert_int_equal(burn(NULL, "b", &entries), RK_REQUIRE_FAILED); /* takes no room */
    assert_int_equal(burn(NULL, "a", &entries), RK_OK);
    assert_int_equal(burn(NULL, "a", &entries), RK_OVER_QUOTA);
    finish();
    assert_int_equal(site_submit(&truth, "a", "coin/x", "burn", "{\"amount\":1}", &error), RK_OVER_QUOTA);
    assert_int_equal(rk_engine_quota(truth.engine, &now, &error), RK_OK);
    assert_int_equal(now.events, now.events_max);
    assert_int_equal(now.requests_max, 7);
    set_quota("{\"quota\":{}}");
    site_must_submit(&truth, "a", "coin/x", "burn", "{\"amount\":1}");
    site_must_be_sound(&truth);
}

static void an_account_keeps_to_its_quota_of_bytes(void **state) {
    (void)state;
    rk_quota before, after;
    char quota[80];
    site_must_submit(&truth, "a", "coin/x", "create", "{\"supply\":100}");
    assert_int_equal(rk_engine_quota(truth.engine, &before, &error), RK_OK);
    site_must_submit(&truth, "a", "coin/x", "burn", "{\"amount\":1}");
    assert_int_equal(rk_engine_quota(truth.engine, &after, &error), RK_OK);
    uint64_t size = after.bytes - before.bytes;
    assert_in_range(size, 20, 200);
    set_quota("{\"quota\":{\"bytes\":1}}");
    assert_int_equal(rk_engine_quota(truth.engine, &after, &error), RK_OK);
    assert_int_equal(site_submit(&truth, "a", "coin/x", "burn", "{\"amount\":1}", &error), RK_OVER_QUOTA);
    snprintf(quota, sizeof quota, "{\"quota\":{\"bytes\":%d}}", (int)after.bytes + 200 + (int)size);
    set_quota(quota);
    site_reopen(&truth);
    int count = 0;
    while (site_submit(&truth, "a", "coin/x", "burn", "{\"amount\":1}", &error) == RK_OK) count++;
    assert_int_equal(error.code, RK_OVER_QUOTA);
    assert_in_range(count, 1, 10);
}

/* What a device brings counts like what is appended at the truth. */
static void a_device_keeps_to_the_quota_too(void **state) {
    (void)state;
    char quota[80];
    site_publish(&truth, "examples/modules/profile.json");
    site_create_device(&phone, "phone", &truth, "a");
    for (int i = 0; i < 3; i++) site_must_submit(&phone, "a", "profile/a", "view", NULL);
    snprintf(quota, sizeof quota, "{\"quota\":{\"events\":%d}}", (int)head().position + 3);
    set_quota(quota); /* takes one, the device's joining another */
    rk_import_report report = site_send(&phone, &truth, 0);
    assert_int_equal(report.transactions_refused, 2);
    site_must_be_sound(&truth);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_become_one_record),
        TEST(what_another_process_or_nobody_has_written_counts),
        TEST(what_is_dropped_was_never_there),
        TEST(each_acts_with_its_own_roles),
        TEST(a_refusal_leaves_what_the_group_did_before),
        TEST(a_key_is_done_once),
        TEST(what_was_refused_or_dropped_may_come_again_under_its_key),
        TEST(the_oldest_key_makes_room),
        TEST(places_are_meant_where_they_were_seen),
        TEST(texts_of_one_moment_do_not_collide),
        TEST(a_transaction_sees_its_own_events),
        TEST(a_remove_leaves_what_was_not_seen),
        TEST(an_account_keeps_to_its_quota_of_events),
        TEST(an_account_keeps_to_its_quota_of_bytes),
        TEST(a_device_keeps_to_the_quota_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
