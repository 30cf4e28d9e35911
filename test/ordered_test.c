/*
 * Ordered events over a whole world: conditions over several entities, expected versions, proposals that fall with what
 * they lean on, and modules that change their version while devices still write the one before.
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

static site truth, phone, tablet;
static rk_arena arena;

static const char stock[] =
    "{\"module\":\"stock\",\"version\":1,\"truth\":\"region\",\"fields\":{\"level\":{\"type\":\"integer\",\"minimum\":"
    "0},"
    "\"seen\":{\"type\":\"integer\",\"merge\":\"g-counter\"}},\"events\":{"
    "\"set\":{\"data\":{\"level\":{\"type\":\"integer\"}},\"apply\":[{\"set\":\"level\",\"to\":\"data.level\"}]},"
    "\"take\":{\"data\":{\"n\":{\"type\":\"integer\",\"minimum\":1}},\"require\":[{\"that\":\"state.level >= data.n\","
    "\"else\":\"not enough\"}],\"apply\":[{\"set\":\"level\",\"to\":\"state.level - data.n\"}]},"
    "\"see\":{\"apply\":[{\"add\":\"seen\",\"by\":\"1\"}]}}}";

static const char secret[] =
    "{\"module\":\"secret\",\"version\":1,\"truth\":\"region\",\"fields\":{\"text\":{\"type\":\"string\"}},\"events\":{"
    "\"set\":{\"data\":{\"text\":{\"type\":\"string\"}},\"apply\":[{\"set\":\"text\",\"to\":\"data.text\"}]}},"
    "\"allow\":{\"read\":\"'admin' in actor.roles\"}}";

static void publish(const char *name, int version, const char *source) {
    static char data[1 << 16];
    char entity[100];
    snprintf(data, sizeof data, "{\"version\":%d,\"source\":%s}", version, source);
    snprintf(entity, sizeof entity, "module/%s", name);
    site_must_submit(&truth, "owner", entity, "publish", data);
}

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    site_create_truth(&truth, "truth");
    publish("stock", 1, stock);
    publish("secret", 1, secret);
    site_add_actor(&truth, "asha", "[]");
    site_add_actor(&truth, "ravi", "[]");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    site_close(&truth);
    site_close(&phone);
    site_close(&tablet);
    rk_arena_free(&arena);
    return 0;
}

/* ---- transactions ---- */

static rk_intent event(const char *entity, const char *type, const char *data) {
    rk_intent intent = {.entity = rk_bytes_of_string(entity), .type = rk_bytes_of_string(type)};
    assert_int_equal(rk_json_read(&arena, rk_bytes_of_string(data), &intent.data, NULL), RK_OK);
    return intent;
}

static rk_intent require(const char *condition) {
    return (rk_intent){.require = rk_bytes_of_string(condition)};
}

static rk_intent expect(const char *entity, uint64_t version) {
    return (rk_intent){.entity = rk_bytes_of_string(entity), .expects = true, .expected = version};
}

static rk_status submit(site *site, const char *actor, const rk_intent *intents, size_t count, rk_error *error) {
    rk_entry *entries = NULL;
    *error = (rk_error){.code = RK_OK};
    return rk_engine_submit(site->engine, rk_bytes_of_string(actor), NULL, intents, count, &arena, &entries, error);
}

/* Taking one of stock/rice under the condition; the log grows only when it is accepted. */
static void take_if(const char *condition, const char *actor, rk_status expected, const char *what) {
    const rk_intent intents[] = {require(condition), event("stock/rice", "take", "{\"n\":1}")};
    rk_engine_info before, after;
    rk_error error;
    assert_int_equal(rk_engine_info_get(truth.engine, &before, &error), RK_OK);
    rk_status status = submit(&truth, actor, intents, 2, &error);
    if (status != expected || !strstr(error.what, what)) {
        fail_msg("%s: %s: %s", condition, rk_status_name(status), error.what);
    }
    if (status != RK_OK && strncmp(error.where, "event 1", 7) != 0) fail_msg("at %s", error.where);
    assert_int_equal(rk_engine_info_get(truth.engine, &after, &error), RK_OK);
    assert_int_equal(after.head.position, before.head.position + (status == RK_OK));
}

static void conditions_read_the_states_of_other_entities(void **state) {
    (void)state;
    site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":5}");
    site_must_submit(&truth, "asha", "stock/rice", "set", "{\"level\":50}");
    site_must_submit(&truth, "owner", "secret/s", "set", "{\"text\":\"42\"}");
    take_if("states['stock/tea'].level == 5", "asha", RK_OK, "");
    take_if("states['stock/tea'].level + states['stock/rice'].level == 54", "asha", RK_OK, "");
    take_if("states['stock/tea'].level == 6", "asha", RK_REQUIRE_FAILED, "does not hold");
    take_if("!states[?'stock/salt'].hasValue() && actor.id == 'asha'", "asha", RK_OK, "");
    take_if("states['stock/tea'].seen == 0 && now > timestamp(0)", "asha", RK_OK, "");
    take_if("states['stock/salt'].level == 0", "asha", RK_EXPRESSION_FAILED, "no such key");
    take_if("states['secret/s'].text == '42'", "asha", RK_EXPRESSION_FAILED, "no such key: secret/s");
    take_if("states[?'secret/s'].hasValue()", "asha", RK_REQUIRE_FAILED, "does not hold");
    take_if("states['secret/s'].text == '42'", "owner", RK_OK, "");
    take_if("states['secret/nothing'].text == '42'", "asha", RK_EXPRESSION_FAILED, "no such key: secret/nothing");
    take_if("states[actor.id].level == 5", "asha", RK_BAD_EXPRESSION, "names the entities");
    take_if("states.all(k, true)", "asha", RK_BAD_EXPRESSION, "names the entities");
    take_if("states['stock/tea'].level", "asha", RK_EXPRESSION_FAILED, "gives no bool");
    take_if("'x'", "asha", RK_BAD_EXPRESSION, "gives a bool");
    take_if("1 +", "asha", RK_BAD_EXPRESSION, "");
    take_if("states['nothing/x'].level == 1", "asha", RK_UNKNOWN_MODULE, "");
    take_if("states['stock'].level == 1", "asha", RK_BAD_ID, "");
    assert_string_equal(site_state(&truth, "stock/rice"), "{\"seen\":0,\"level\":45}");
    site_must_be_sound(&truth);
}

static void what_only_checks_is_part_of_the_transaction(void **state) {
    (void)state;
    rk_error error;
    site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":5}");
    const rk_intent good[] = {expect("stock/tea", 1), expect("stock/salt", 0),
                              event("stock/rice", "set", "{\"level\":1}")};
    assert_int_equal(submit(&truth, "asha", good, 3, &error), RK_OK);
    const rk_intent late[] = {event("stock/rice", "set", "{\"level\":2}"), expect("stock/tea", 2)};
    assert_int_equal(submit(&truth, "asha", late, 2, &error), RK_VERSION_CONFLICT);
    assert_string_equal(error.where, "event 2: stock/tea");
    const rk_intent nothing[] = {expect("stock/tea", 1), require("true")};
    assert_int_equal(submit(&truth, "asha", nothing, 2, &error), RK_BAD_DATA);
    const rk_intent both[] = {{.require = RK_TEXT("true"), .entity = RK_TEXT("stock/tea")}, good[2]};
    assert_int_equal(submit(&truth, "asha", both, 2, &error), RK_BAD_DATA);
    rk_intent many[RK_CONDITIONS_MAX + 2];
    for (size_t i = 0; i <= RK_CONDITIONS_MAX; i++) many[i] = require("true");
    many[RK_CONDITIONS_MAX + 1] = event("stock/rice", "set", "{\"level\":2}");
    assert_int_equal(submit(&truth, "asha", many, RK_CONDITIONS_MAX + 2, &error), RK_LIMIT);
    assert_int_equal(submit(&truth, "asha", many + 1, RK_CONDITIONS_MAX + 1, &error), RK_OK);
    assert_int_equal(site_version(&truth, "stock/rice"), 2);
}

/* The condition holds on the device and no longer at the truth, which alone decides. */
static void the_truth_tests_a_devices_conditions_again(void **state) {
    (void)state;
    rk_error error;
    site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":5}");
    site_must_submit(&truth, "asha", "stock/rice", "set", "{\"level\":9}");
    site_create_device(&phone, "phone", &truth, "asha");
    const rk_intent one[] = {require("states['stock/tea'].level == 5"), event("stock/rice", "take", "{\"n\":1}")};
    const rk_intent two[] = {expect("stock/tea", 1), event("stock/rice", "take", "{\"n\":2}")};
    const rk_intent three[] = {require("states['stock/rice'].level >= 2"), event("stock/rice", "take", "{\"n\":3}")};
    assert_int_equal(submit(&phone, "asha", one, 2, &error), RK_OK);
    assert_int_equal(submit(&phone, "asha", two, 2, &error), RK_OK);
    assert_int_equal(submit(&phone, "asha", three, 2, &error), RK_OK);
    assert_string_equal(site_state(&phone, "stock/rice"), "{\"seen\":0,\"level\":3}");
    site_must_submit(&truth, "asha", "stock/tea", "take", "{\"n\":1}");
    rk_import_report report = site_send(&phone, &truth, 0);
    assert_int_equal(report.transactions_refused, 2);
    assert_string_equal(site_state(&truth, "stock/rice"), "{\"seen\":0,\"level\":6}");
    site_send(&truth, &phone, 0);
    assert_string_equal(site_state(&phone, "stock/rice"), "{\"seen\":0,\"level\":6}");
    assert_string_equal(site_hash(&phone, "stock/rice"), site_hash(&truth, "stock/rice"));
    assert_int_equal(site_pending(&phone), 0);
    site_must_be_sound(&truth);
    site_must_be_sound(&phone);
}

typedef struct codes {
    char text[500];
} codes;

static rk_status note_verdict(void *context, const rk_verdict *verdict) {
    codes *codes = context;
    size_t size = strlen(codes->text);
    snprintf(codes->text + size, sizeof codes->text - size, "%.*s: %.*s; ", (int)verdict->code.size,
             (const char *)verdict->code.data, (int)verdict->what.size, (const char *)verdict->what.data);
    return RK_OK;
}

/* The second proposal spends what the first, refused, had put there; the third expects the version after the second. */
static void a_proposal_falls_with_the_one_it_leans_on(void **state) {
    (void)state;
    rk_error error;
    codes codes = {""};
    site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":0}");
    site_create_device(&phone, "phone", &truth, "asha");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    const rk_intent fill[] = {expect("stock/tea", 1), event("stock/tea", "set", "{\"level\":7}")};
    const rk_intent take[] = {event("stock/tea", "take", "{\"n\":2}")};
    const rk_intent after[] = {expect("stock/tea", 3), event("stock/tea", "see", "{}")};
    assert_int_equal(submit(&phone, "asha", fill, 2, &error), RK_OK);
    assert_int_equal(submit(&phone, "asha", take, 1, &error), RK_OK);
    assert_int_equal(submit(&phone, "asha", after, 2, &error), RK_OK);
    assert_string_equal(site_state(&phone, "stock/tea"), "{\"seen\":1,\"level\":5}");
    site_must_submit(&truth, "ravi", "stock/tea", "set", "{\"level\":1}");
    assert_int_equal(site_send(&phone, &truth, 0).transactions_refused, 3);
    site_send(&truth, &phone, 0);
    assert_string_equal(site_state(&phone, "stock/tea"), "{\"seen\":0,\"level\":1}");
    assert_int_equal(rk_engine_verdicts(phone.engine, note_verdict, &codes, &error), RK_OK);
    assert_string_equal(codes.text, "version_conflict: stock/tea: it is at version 2, not 1; require_failed: not "
                                    "enough; version_conflict: stock/tea: it is at version 2, not 3; ");
    site_must_be_sound(&phone);
}

/* ---- versions ---- */

#define PERSON(version, fields, events, upcast)                                                                      \
    "{\"module\":\"person\",\"version\":" version ",\"truth\":\"region\",\"fields\":{\"name\":{\"type\":\"string\"," \
    "\"merge\":\"lww\"},\"score\":{\"type\":\"integer\"},\"visits\":{\"type\":\"integer\",\"merge\":\"g-"            \
    "counter\"}" fields "},\"events\":{\"visit\":{\"apply\":[{\"add\":\"visits\",\"by\":\"1\"}]}," events "}" upcast \
    "}"

static const char person_1[] =
    PERSON("1", "",
           "\"rename\":{\"data\":{\"name\":{\"type\":\"string\"}},\"apply\":[{\"set\":\"name\",\"to\":\"data.name\"}]},"
           "\"win\":{\"data\":{\"points\":{\"type\":\"integer\"}},\"apply\":[{\"set\":\"score\",\"to\":"
           "\"(has(state.score) ? state.score : 0) + data.points\"}]},"
           "\"lose\":{\"apply\":[{\"set\":\"score\",\"to\":\"0\"}]},"
           "\"gone\":{\"apply\":[{\"add\":\"visits\",\"by\":\"10\"}]}",
           "");
/* `win` is now `gain` and counts cents; `lose` keeps its name and does something else, without an upcast. */
static const char person_2[] = PERSON(
    "2", ",\"best\":{\"type\":\"integer\"}",
    "\"rename\":{\"data\":{\"name\":{\"type\":\"string\"}},\"apply\":[{\"set\":\"name\",\"to\":\"data.name\"}]},"
    "\"gain\":{\"data\":{\"cents\":{\"type\":\"integer\",\"maximum\":5000}},\"require\":[{\"that\":\"data.cents > 0"
    "\",\"else\":\"nothing\"}],\"apply\":[{\"set\":\"score\",\"to\":"
    "\"(has(state.score) ? state.score : 0) + data.cents\"},{\"set\":\"best\",\"to\":\"data.cents\"}]},"
    "\"lose\":{\"apply\":[{\"set\":\"score\",\"to\":\"-1\"}]}",
    ",\"upcast\":{\"1\":{\"win\":{\"type\":\"gain\",\"data\":\"{'cents': data.points * 100}\"}}}");
/* Follows version 2 alone: events of version 1 come by way of it. */
static const char person_3[] =
    PERSON("3", ",\"best\":{\"type\":\"integer\"},\"who\":{\"type\":\"string\"}",
           "\"rename\":{\"data\":{\"name\":{\"type\":\"string\"}},\"apply\":[{\"set\":\"name\",\"to\":\"data.name\"}]},"
           "\"earn\":{\"data\":{\"cents\":{\"type\":\"integer\"},\"by\":{\"type\":\"string\"}},\"apply\":["
           "{\"set\":\"score\",\"to\":\"(has(state.score) ? state.score : 0) + data.cents\"},"
           "{\"set\":\"who\",\"to\":\"data.by\"}]},"
           "\"lose\":{\"apply\":[{\"set\":\"score\",\"to\":\"-1\"}]}",
           ",\"upcast\":{\"2\":{\"gain\":{\"type\":\"earn\",\"data\":\"{'cents': data.cents, 'by': actor.id}\"}}}");

static const char *state_at(site *site, const char *entity, uint64_t version) {
    static char texts[4][1000];
    static size_t turn;
    char *out = texts[turn++ % 4];
    const rk_at at = {.kind = RK_AT_VERSION, .version = version};
    rk_reading reading;
    rk_error error = {0};
    rk_buffer buffer;
    rk_bytes text;
    if (rk_engine_get(site->engine, rk_bytes_of_string(entity), &at, &arena, &reading, &error) != RK_OK) {
        fail_msg("%s at %d: %s", entity, (int)version, error.what);
    }
    rk_buffer_init(&buffer, &arena, 900);
    rk_json_print(&buffer, &reading.state);
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    snprintf(out, 1000, "%.*s", (int)text.size, (const char *)text.data);
    return out;
}

static void all_agree(const char *entity, const char *expected) {
    site *sites[] = {&truth, &phone, &tablet};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(site_state(sites[i], entity), expected);
        assert_string_equal(site_hash(sites[i], entity), site_hash(&truth, entity));
        assert_int_equal(site_pending(sites[i]), 0);
        site_must_be_sound(sites[i]);
    }
}

static void exchange(void) {
    for (int round = 0; round < 2; round++) {
        site_send(&phone, &truth, 0);
        site_send(&tablet, &truth, 0);
        site_send(&truth, &phone, 0);
        site_send(&truth, &tablet, 0);
    }
}

static void devices_write_version_1_while_the_truth_is_at_2(void **state) {
    (void)state;
    publish("person", 1, person_1);
    site_create_device(&phone, "phone", &truth, "asha");
    site_create_device(&tablet, "tablet", &truth, "ravi");
    site_must_submit(&phone, "asha", "person/p", "win", "{\"points\":3}");
    exchange();
    all_agree("person/p", "{\"score\":3,\"visits\":0}");
    publish("person", 2, person_2);
    site_must_submit(&truth, "owner", "person/p", "gain", "{\"cents\":50}");
    site_must_submit(&phone, "asha", "person/p", "win", "{\"points\":2}");
    site_must_submit(&phone, "asha", "person/p", "visit", NULL);
    site_must_submit(&phone, "asha", "person/p", "win", "{\"points\":60}");
    site_must_submit(&tablet, "ravi", "person/p", "rename", "{\"name\":\"P\"}");
    site_must_submit(&tablet, "ravi", "person/p", "gone", NULL);
    assert_string_equal(site_state(&phone, "person/p"), "{\"score\":65,\"visits\":1}");
    /* The tablet hears of version 2 with `gone` still pending: what has no reading there does not show. */
    site_send(&truth, &tablet, 0);
    assert_string_equal(site_state(&tablet, "person/p"), "{\"best\":50,\"name\":\"P\",\"score\":53,\"visits\":0}");
    exchange();
    /* 3 by version 1; 50 and 2 * 100 by version 2; 60 * 100 is past its maximum; `gone` is no type of version 2. */
    all_agree("person/p", "{\"best\":200,\"name\":\"P\",\"score\":253,\"visits\":1}");
    assert_string_equal(state_at(&phone, "person/p", 1), "{\"score\":3,\"visits\":0}");
    assert_string_equal(state_at(&truth, "person/p", 2), "{\"best\":50,\"score\":53,\"visits\":0}");
    site_must_submit(&phone, "asha", "person/p", "gain", "{\"cents\":1}");
    exchange();
    all_agree("person/p", "{\"best\":1,\"name\":\"P\",\"score\":254,\"visits\":1}");
}

static void without_an_upcast_an_event_folds_by_its_own_version(void **state) {
    (void)state;
    publish("person", 1, person_1);
    site_create_device(&phone, "phone", &truth, "asha");
    site_create_device(&tablet, "tablet", &truth, "ravi");
    site_must_submit(&phone, "asha", "person/p", "lose", NULL);
    site_must_submit(&phone, "asha", "person/q", "visit", NULL);
    publish("person", 2, person_2);
    exchange();
    all_agree("person/p", "{\"score\":0,\"visits\":0}");
    all_agree("person/q", "{\"visits\":1}");
    site_must_submit(&phone, "asha", "person/p", "lose", NULL);
    exchange();
    all_agree("person/p", "{\"score\":-1,\"visits\":0}");
}

static void events_of_version_1_reach_version_3_by_way_of_2(void **state) {
    (void)state;
    publish("person", 1, person_1);
    site_create_device(&phone, "phone", &truth, "asha");
    site_create_device(&tablet, "tablet", &truth, "ravi");
    site_must_submit(&phone, "asha", "person/p", "win", "{\"points\":4}");
    publish("person", 2, person_2);
    site_send(&truth, &tablet, 0);
    site_must_submit(&tablet, "ravi", "person/p", "gain", "{\"cents\":7}");
    publish("person", 3, person_3);
    site_must_submit(&truth, "owner", "person/p", "earn", "{\"cents\":1,\"by\":\"x\"}");
    exchange();
    all_agree("person/p", "{\"who\":\"ravi\",\"score\":408,\"visits\":0}");
    assert_string_equal(state_at(&phone, "person/p", 2), "{\"who\":\"asha\",\"score\":401,\"visits\":0}");
}

/* The version that judges is the one at the event's own position, also within one transaction. */
static void a_version_counts_from_the_event_after_its_publication(void **state) {
    (void)state;
    rk_error error;
    static char data[1 << 13];
    publish("person", 1, person_1);
    snprintf(data, sizeof data, "{\"version\":2,\"source\":%s}", person_2);
    const rk_intent intents[] = {event("person/p", "win", "{\"points\":4}"), event("module/person", "publish", data),
                                 event("person/p", "gain", "{\"cents\":5}")};
    assert_int_equal(submit(&truth, "owner", intents, 3, &error), RK_OK);
    assert_string_equal(site_state(&truth, "person/p"), "{\"best\":5,\"score\":9,\"visits\":0}");
    site_reopen(&truth);
    assert_string_equal(site_state(&truth, "person/p"), "{\"best\":5,\"score\":9,\"visits\":0}");
    assert_string_equal(state_at(&truth, "person/p", 1), "{\"score\":4,\"visits\":0}");
    site_must_be_sound(&truth);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(conditions_read_the_states_of_other_entities),
        TEST(what_only_checks_is_part_of_the_transaction),
        TEST(the_truth_tests_a_devices_conditions_again),
        TEST(a_proposal_falls_with_the_one_it_leans_on),
        TEST(devices_write_version_1_while_the_truth_is_at_2),
        TEST(without_an_upcast_an_event_folds_by_its_own_version),
        TEST(events_of_version_1_reach_version_3_by_way_of_2),
        TEST(a_version_counts_from_the_event_after_its_publication),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
