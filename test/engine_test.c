/*
 * The engine: one truth, its devices, and what they do to each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "world_testing.h"

static site truth, phone, tablet;

static int set_up(void **state) {
    (void)state;
    site_create_truth(&truth, "truth");
    site_publish(&truth, "examples/modules/profile.json");
    site_publish(&truth, "examples/modules/document.json");
    site_add_actor(&truth, "asha", "[\"writer\"]");
    site_add_actor(&truth, "ravi", "[\"writer\"]");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    site_close(&truth);
    site_close(&phone);
    site_close(&tablet);
    return 0;
}

static void refused(site *site, const char *actor, const char *entity, const char *type, const char *data,
                    rk_status expected) {
    rk_error error = {0};
    rk_status status = site_submit(site, actor, entity, type, data, &error);
    if (status != expected) {
        fail_msg("%s %s %s: %s (%s), not %s", entity, type, data ? data : "", rk_status_name(status), error.what,
                 rk_status_name(expected));
    }
    if (status != RK_OK) assert_true(error.what[0] != 0);
}

static void a_truth_writes_and_reads_every_merge_type(void **state) {
    (void)state;
    site_must_submit(&truth, "asha", "profile/asha", "rename", "{\"name\":\"Asha\"}");
    site_must_submit(&truth, "asha", "profile/asha", "view", NULL);
    site_must_submit(&truth, "asha", "profile/asha", "view", NULL);
    site_must_submit(&truth, "asha", "profile/asha", "restock", "{\"by\":-3}");
    site_must_submit(&truth, "asha", "profile/asha", "tag", "{\"tag\":\"b\"}");
    site_must_submit(&truth, "asha", "profile/asha", "tag", "{\"tag\":\"a\"}");
    site_must_submit(&truth, "asha", "profile/asha", "untag", "{\"tag\":\"b\"}");
    site_must_submit(&truth, "asha", "profile/asha", "write",
                     "{\"edits\":[[0,0,\"hello\"],[5,0,\" world\"],[0,1,\"J\"]]}");
    assert_string_equal(
        site_state(&truth, "profile/asha"),
        "{\"bio\":\"Jello world\",\"name\":\"Asha\",\"tags\":[\"a\"],\"stock\":-3,\"views\":2,\"friends\":[]}");
    assert_int_equal(site_version(&truth, "profile/asha"), 8);
    const char *hash = site_hash(&truth, "profile/asha");
    site_reopen(&truth);
    assert_string_equal(site_hash(&truth, "profile/asha"), hash);
    site_must_be_sound(&truth);
}

static void what_is_refused_leaves_nothing(void **state) {
    (void)state;
    site_must_submit(&truth, "asha", "document/d", "write", "{\"edits\":[[0,0,\"abc\"]]}");
    const char *hash = site_hash(&truth, "document/d");
    refused(&truth, "asha", "document/d", "write", "{\"edits\":[[4,0,\"x\"]]}", RK_BAD_DATA);
    refused(&truth, "asha", "document/d", "write", "{\"edits\":[[0,0,\"x\"],[9,0,\"y\"]]}", RK_BAD_DATA);
    refused(&truth, "asha", "document/d", "write", "{\"edits\":[[0,4,\"\"]]}", RK_BAD_DATA);
    refused(&truth, "asha", "document/d", "write", "{}", RK_BAD_DATA);
    refused(&truth, "asha", "document/d", "write", "{\"edits\":[],\"more\":1}", RK_BAD_DATA);
    refused(&truth, "asha", "document/d", "wrote", "{}", RK_UNKNOWN_TYPE);
    refused(&truth, "asha", "nothing/d", "write", "{}", RK_UNKNOWN_MODULE);
    refused(&truth, "asha", "document", "write", "{}", RK_BAD_ID);
    refused(&truth, "asha", "actor/eve", "add", "{\"kind\":\"user\",\"roles\":[],\"key\":\"00\"}", RK_BAD_DATA);
    refused(&truth, "asha", "actor/ravi", "set-roles", "{\"roles\":[]}", RK_FORBIDDEN);
    refused(&truth, "nobody", "document/d", "write", "{\"edits\":[]}", RK_NO_KEY);
    assert_string_equal(site_hash(&truth, "document/d"), hash);
    assert_int_equal(site_version(&truth, "document/d"), 1);
    site_must_be_sound(&truth);
}

static void two_devices_edit_apart_and_agree(void **state) {
    (void)state;
    site_must_submit(&truth, "owner", "document/d", "write", "{\"edits\":[[0,0,\"The end.\"]]}");
    site_create_device(&phone, "phone", &truth, "asha");
    site_create_device(&tablet, "tablet", &truth, "ravi");
    for (int round = 0; round < 6; round++) {
        site_must_submit(&phone, "asha", "document/d", "write", "{\"edits\":[[0,0,\"Once. \"],[2,1,\"\"]]}");
        site_must_submit(&tablet, "ravi", "document/d", "write", "{\"edits\":[[0,0,\"Twice. \"]]}");
        site_must_submit(&tablet, "ravi", "profile/x", "tag", "{\"tag\":\"t\"}");
        site_must_submit(&phone, "asha", "profile/x", "tag", "{\"tag\":\"t\"}");
        site_must_submit(&phone, "asha", "profile/x", "untag", "{\"tag\":\"t\"}");
        site_must_submit(&phone, "asha", "profile/x", "rename", "{\"name\":\"P\"}");
        site_must_submit(&tablet, "ravi", "profile/x", "rename", "{\"name\":\"T\"}");
        site *first = round % 2 ? &phone : &tablet, *second = round % 2 ? &tablet : &phone;
        site_send(first, &truth, 0);
        if (round % 3 == 0) site_send(&truth, first, 0);
        site_send(second, &truth, 0);
        site_send(first, &truth, 0);
        site_send(&truth, second, 0);
        site_send(&truth, first, 0);
        site_send(&truth, first, 0);
        assert_int_equal(site_pending(&phone) + site_pending(&tablet), 0);
        const char *entities[] = {"document/d", "profile/x", "actor/asha", "actor/ravi", "module/profile"};
        for (size_t i = 0; i < 5; i++) {
            assert_string_equal(site_hash(&truth, entities[i]), site_hash(&phone, entities[i]));
            assert_string_equal(site_hash(&truth, entities[i]), site_hash(&tablet, entities[i]));
        }
    }
    site_must_be_sound(&truth);
    site_must_be_sound(&phone);
    site_must_be_sound(&tablet);
}

static void what_leans_on_refused_text_falls_with_it(void **state) {
    (void)state;
    site_must_submit(&truth, "owner", "document/d", "write", "{\"edits\":[[0,0,\"base\"]]}");
    site_create_device(&phone, "phone", &truth, "asha");
    site_create_device(&tablet, "tablet", &truth, "ravi");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    site_send(&truth, &tablet, 0);
    site_must_submit(&phone, "asha", "document/d", "write", "{\"edits\":[[4,0,\" refused\"]]}");
    site_must_submit(&truth, "owner", "actor/asha", "set-roles", "{\"roles\":[]}");
    parcel offered;
    parcel_fill(&offered, &phone, 0);
    rk_import_report report;
    rk_error error = {0};
    assert_int_equal(parcel_deliver(&offered, &truth, &report, &error), RK_OK);
    assert_int_equal(report.transactions_refused, 1);
    /* Typed on top of the refused text, before the phone has heard of it; the role is back by then. */
    site_must_submit(&phone, "asha", "document/d", "write", "{\"edits\":[[0,0,\"Half \"],[17,0,\" on top\"]]}");
    site_must_submit(&truth, "owner", "actor/asha", "set-roles", "{\"roles\":[\"writer\"]}");
    assert_string_equal(site_state(&phone, "document/d"), "{\"text\":\"Half base refused on top\"}");
    site_send(&truth, &phone, 0);
    assert_string_equal(site_state(&phone, "document/d"), "{\"text\":\"base\"}");
    site_must_submit(&phone, "asha", "document/d", "write", "{\"edits\":[[4,0,\" new\"]]}");
    assert_string_equal(site_state(&phone, "document/d"), "{\"text\":\"base new\"}");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    site_send(&truth, &tablet, 0);
    assert_string_equal(site_state(&truth, "document/d"), "{\"text\":\"base new\"}");
    assert_string_equal(site_state(&tablet, "document/d"), "{\"text\":\"base new\"}");
    assert_string_equal(site_hash(&truth, "document/d"), site_hash(&phone, "document/d"));
    assert_int_equal(site_pending(&phone), 0);
    /* The same batch, offered again now that the role is back: the same answer. */
    assert_int_equal(parcel_deliver(&offered, &truth, &report, &error), RK_OK);
    assert_int_equal(report.batches_judged, 0);
    assert_int_equal(report.transactions_accepted, 0);
    assert_string_equal(site_state(&truth, "document/d"), "{\"text\":\"base new\"}");
    parcel_free(&offered);
    site_must_be_sound(&truth);
    site_must_be_sound(&phone);
}

static void a_copied_device_folder_does_no_harm(void **state) {
    (void)state;
    site_create_device(&phone, "phone", &truth, "asha");
    site_must_submit(&phone, "asha", "document/d", "write", "{\"edits\":[[0,0,\"both know this. \"]]}");
    site_copy(&phone, &tablet, "copy");
    site_reopen(&tablet);
    assert_string_equal(site_hash(&phone, "document/d"), site_hash(&tablet, "document/d"));
    assert_true(tablet.notice[0] == 0); /* reading a copy changes nothing */
    site_must_submit(&phone, "asha", "document/d", "write", "{\"edits\":[[0,0,\"Phone. \"]]}");
    site_must_submit(&tablet, "asha", "document/d", "write", "{\"edits\":[[0,0,\"Copy. \"]]}");
    assert_true(tablet.notice[0] != 0);
    site_send(&tablet, &truth, 0);
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    site_send(&truth, &tablet, 0);
    assert_int_equal(site_pending(&phone) + site_pending(&tablet), 0);
    assert_string_equal(site_hash(&truth, "document/d"), site_hash(&phone, "document/d"));
    assert_string_equal(site_hash(&truth, "document/d"), site_hash(&tablet, "document/d"));
    assert_int_equal(site_version(&truth, "document/d"), 3);
    site_must_be_sound(&tablet);
}

static void a_truth_restored_from_an_older_copy_does_no_harm(void **state) {
    (void)state;
    static site old, restored;
    site_create_device(&phone, "phone", &truth, "asha");
    site_create_device(&tablet, "tablet", &truth, "ravi");
    site_must_submit(&phone, "asha", "document/d", "write", "{\"edits\":[[0,0,\"early. \"]]}");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    site_copy(&truth, &old, "backup");
    site_must_submit(&phone, "asha", "document/d", "write", "{\"edits\":[[0,0,\"late. \"]]}");
    site_must_submit(&tablet, "ravi", "document/d", "write", "{\"edits\":[[0,0,\"tablet. \"]]}");
    site_send(&phone, &truth, 0);
    site_send(&tablet, &truth, 0);
    site_must_submit(&truth, "owner", "document/d", "write", "{\"edits\":[[0,0,\"lost with the truth. \"]]}");
    site_send(&truth, &phone, 0);
    site_send(&truth, &tablet, 0);
    site_close(&truth);
    site_copy(&old, &restored, "restored");
    site_reopen(&restored);
    rk_import_report report =
        site_send(&phone, &restored, 0); /* offers nothing yet: all of its own is committed there */
    assert_true(report.records_left_aside > 0);
    assert_true(restored.notice[0] != 0);
    report = site_send(&restored, &phone, 0);
    assert_true(report.records_taken_back > 0);
    site_send(&restored, &tablet, 0);
    assert_int_equal(site_pending(&phone), 1);
    site_send(&phone, &restored, 0);
    site_send(&tablet, &restored, 0);
    site_send(&restored, &phone, 0);
    site_send(&restored, &tablet, 0);
    assert_int_equal(site_pending(&phone) + site_pending(&tablet), 0);
    assert_string_equal(site_hash(&restored, "document/d"), site_hash(&phone, "document/d"));
    assert_string_equal(site_hash(&restored, "document/d"), site_hash(&tablet, "document/d"));
    assert_non_null(strstr(site_state(&phone, "document/d"), "late. "));
    assert_non_null(strstr(site_state(&phone, "document/d"), "tablet. "));
    assert_null(strstr(site_state(&phone, "document/d"), "lost"));
    site_must_be_sound(&restored);
    site_must_be_sound(&phone);
    site_must_be_sound(&tablet);
    site_close(&restored);
}

static void files_of_strangers_are_refused_whole(void **state) {
    (void)state;
    static site other;
    parcel parcel;
    rk_import_report report;
    rk_error error = {0};
    site_create_device(&phone, "phone", &truth, "asha");
    site_create_device(&tablet, "tablet", &truth, "ravi");
    site_create_truth(&other, "other");
    parcel_fill(&parcel, &other, 0);
    assert_int_equal(parcel_deliver(&parcel, &phone, &report, &error), RK_WRONG_ACCOUNT);
    assert_int_equal(parcel_deliver(&parcel, &truth, &report, &error), RK_WRONG_ACCOUNT);
    parcel_free(&parcel);
    parcel_fill(&parcel, &phone, 0);
    assert_int_equal(parcel_deliver(&parcel, &tablet, &report, &error), RK_FROM_DEVICE);
    parcel_free(&parcel);
    for (int i = 0; i < 3; i++) site_must_submit(&truth, "owner", "document/d", "write", "{\"edits\":[[0,0,\"x\"]]}");
    rk_engine_info info;
    assert_int_equal(rk_engine_info_get(truth.engine, &info, &error), RK_OK);
    parcel_fill(&parcel, &truth, info.head.position - 1);
    assert_int_equal(parcel_deliver(&parcel, &phone, &report, &error), RK_RECORD_GAP);
    assert_non_null(strstr(error.hint, "--after"));
    parcel_free(&parcel);
    site_close(&other);
}

static void the_past_is_read_at_versions_events_and_times(void **state) {
    (void)state;
    rk_arena arena;
    rk_reading reading;
    rk_error error = {0};
    rk_arena_init(&arena, truth.host.memory, 1 << 24);
    site_must_submit(&truth, "owner", "document/d", "write", "{\"edits\":[[0,0,\"a\"]]}");
    world_now_ms += 1000;
    uint64_t between = world_now_ms;
    world_now_ms += 1000;
    site_must_submit(&truth, "owner", "document/d", "write", "{\"edits\":[[1,0,\"b\"]]}");
    rk_at at = {.kind = RK_AT_VERSION, .version = 1};
    assert_int_equal(rk_engine_get(truth.engine, RK_TEXT("document/d"), &at, &arena, &reading, &error), RK_OK);
    assert_true(rk_is_text(rk_map_find(&reading.state, RK_TEXT("text")), RK_TEXT("a")));
    at = (rk_at){.kind = RK_AT_TIME, .time_ms = between};
    assert_int_equal(rk_engine_get(truth.engine, RK_TEXT("document/d"), &at, &arena, &reading, &error), RK_OK);
    assert_true(rk_is_text(rk_map_find(&reading.state, RK_TEXT("text")), RK_TEXT("a")));
    at = (rk_at){.kind = RK_AT_TIME, .time_ms = 5};
    assert_int_equal(rk_engine_get(truth.engine, RK_TEXT("document/d"), &at, &arena, &reading, &error), RK_NOT_FOUND);
    at = (rk_at){.kind = RK_AT_VERSION, .version = 3};
    assert_int_equal(rk_engine_get(truth.engine, RK_TEXT("document/d"), &at, &arena, &reading, &error), RK_NOT_FOUND);
    rk_arena_free(&arena);
}

static const char secret_module[] =
    "{\"version\":1,\"source\":{\"module\":\"secret\",\"version\":1,\"truth\":\"region\","
    "\"fields\":{\"text\":{\"type\":\"string\",\"merge\":\"lww\"}},"
    "\"events\":{\"tell\":{\"data\":{\"text\":{\"type\":\"string\"}},"
    "\"apply\":[{\"set\":\"text\",\"to\":\"data.text\"}]}},"
    "\"allow\":{\"read\":\"actor.id == entity.id\",\"write\":\"true\"}}}";

static rk_status count_secrets(void *context, const rk_entry *entry) {
    uint64_t *count = context;
    *count += rk_bytes_equal(entry->event.module, RK_TEXT("secret"));
    return RK_OK;
}

static void what_a_rule_hides_is_not_read(void **state) {
    (void)state;
    rk_error error = {0};
    rk_reading reading;
    rk_arena arena;
    uint64_t count = 0;
    const rk_bytes all = {NULL, 0}, asha = RK_TEXT("secret/asha");
    rk_arena_init(&arena, truth.host.memory, 1 << 24);
    site_must_submit(&truth, "owner", "module/secret", "publish", secret_module);
    site_must_submit(&truth, "ravi", "secret/asha", "tell", "{\"text\":\"psst\"}");
    site_must_submit(&truth, "ravi", "secret/ravi", "tell", "{\"text\":\"own\"}");
    assert_int_equal(rk_engine_read_as(truth.engine, RK_TEXT("ravi"), &error), RK_OK);
    assert_int_equal(rk_engine_get(truth.engine, asha, NULL, &arena, &reading, &error), RK_FORBIDDEN);
    assert_null(strstr(error.what, "psst"));
    assert_int_equal(rk_engine_get(truth.engine, RK_TEXT("secret/ravi"), NULL, &arena, &reading, &error), RK_OK);
    assert_int_equal(rk_engine_log(truth.engine, all, 0, 1000, true, count_secrets, &count, &error), RK_OK);
    assert_int_equal(count, 1);
    assert_int_equal(rk_engine_log(truth.engine, asha, 0, 1000, true, count_secrets, &count, &error), RK_FORBIDDEN);
    assert_int_equal(rk_engine_read_as(truth.engine, RK_TEXT("asha"), &error), RK_OK);
    assert_int_equal(rk_engine_get(truth.engine, asha, NULL, &arena, &reading, &error), RK_OK);
    assert_int_equal(rk_engine_read_as(truth.engine, RK_TEXT("nobody"), &error), RK_OK);
    assert_int_equal(rk_engine_get(truth.engine, asha, NULL, &arena, &reading, &error), RK_UNKNOWN_ACTOR);
    rk_arena_free(&arena);
}

/* ---- events by filter, bound and time ---- */

typedef struct seen_positions {
    uint64_t positions[20];
    uint64_t times[20];
    size_t count;
} seen_positions;

static rk_status see_position(void *context, const rk_entry *entry) {
    seen_positions *seen = context;
    assert_true(seen->count < 20);
    seen->times[seen->count] = entry->time_ms;
    seen->positions[seen->count++] = entry->position;
    return RK_OK;
}

static rk_event_report walk_events(rk_event_query query, seen_positions *seen) {
    rk_error error = {0};
    rk_event_report report;
    *seen = (seen_positions){.count = 0};
    if (query.up_to == 0) query.up_to = UINT64_MAX;
    if (query.walk_max == 0) query.walk_max = UINT64_MAX;
    assert_int_equal(rk_engine_events(truth.engine, &query, see_position, seen, &report, &error), RK_OK);
    return report;
}

static void a_walk_says_how_far_it_came(void **state) {
    (void)state;
    rk_error error = {0};
    rk_engine_info info;
    seen_positions seen;
    const rk_filter *filter = NULL;
    rk_arena arena;
    rk_arena_init(&arena, truth.host.memory, 1 << 24);
    site_must_submit(&truth, "owner", "module/secret", "publish", secret_module);
    assert_int_equal(rk_engine_info_get(truth.engine, &info, &error), RK_OK);
    uint64_t first = info.head.position;
    for (int i = 0; i < 3; i++) {
        site_must_submit(&truth, "ravi", "secret/asha", "tell", "{\"text\":\"psst\"}");
        site_must_submit(&truth, "ravi", "secret/ravi", "tell", "{\"text\":\"own\"}");
    }
    assert_int_equal(rk_engine_read_as(truth.engine, RK_TEXT("ravi"), &error), RK_OK);
    rk_event_report report = walk_events((rk_event_query){.after = first}, &seen);
    assert_int_equal(seen.count, 3);
    assert_true(report.whole && report.to == first + 6 && report.head.position == first + 6);
    /* What is hidden counts: the walk is bounded by what was looked at. */
    report = walk_events((rk_event_query){.after = first, .walk_max = 3}, &seen);
    assert_int_equal(seen.count, 1);
    assert_true(!report.whole && report.to == first + 3);
    report = walk_events((rk_event_query){.after = first + 5, .walk_max = 1}, &seen);
    assert_true(report.whole && seen.count == 1 && report.to == first + 6);
    report = walk_events((rk_event_query){.after = first, .up_to = first + 4}, &seen);
    assert_true(report.whole && seen.count == 2 && report.to == first + 4);
    report = walk_events((rk_event_query){.entity = RK_TEXT("secret/ravi"), .after = first, .walk_max = 2}, &seen);
    assert_true(!report.whole && seen.count == 2 && report.to == first + 4);
    report = walk_events((rk_event_query){.entity = RK_TEXT("secret/ravi"), .after = first, .up_to = first + 3}, &seen);
    assert_true(report.whole && seen.count == 1 && report.to == first + 3);
    report = walk_events((rk_event_query){.after = first + 50}, &seen);
    assert_true(report.whole && seen.count == 0 && report.to == first + 50);
    /* A filter is not asked about what is hidden. */
    assert_int_equal(rk_filter_compile(&arena, RK_TEXT("data.text == 'psst' || event.version == 2"), &filter, &error),
                     RK_OK);
    report = walk_events((rk_event_query){.after = first, .where = filter}, &seen);
    assert_true(report.whole && seen.count == 1 && seen.positions[0] == first + 4);
    assert_int_equal(rk_engine_read_as(truth.engine, (rk_bytes){NULL, 0}, &error), RK_OK);
    walk_events((rk_event_query){.after = first, .where = filter}, &seen);
    assert_int_equal(seen.count, 4);
    rk_arena_free(&arena);
}

static void a_position_before_a_time_leaves_out_that_time(void **state) {
    (void)state;
    rk_error error = {0};
    seen_positions seen;
    uint64_t position = 0;
    for (int i = 0; i < 3; i++) {
        site_must_submit(&truth, "asha", "profile/asha", "rename", "{\"name\":\"x\"}");
        world_now_ms += 1000;
    }
    walk_events((rk_event_query){.entity = RK_TEXT("profile/asha")}, &seen);
    assert_int_equal(seen.count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rk_engine_position_before(truth.engine, seen.times[i], &position, &error), RK_OK);
        assert_int_equal(position, seen.positions[i] - 1);
        assert_int_equal(rk_engine_position_before(truth.engine, seen.times[i] + 1, &position, &error), RK_OK);
        assert_int_equal(position, seen.positions[i]);
    }
    assert_int_equal(rk_engine_position_before(truth.engine, 0, &position, &error), RK_OK);
    assert_int_equal(position, 0);
}

/* A clock that runs ahead wins for a minute at most, and its replica starts anew once the truth has said so. */
static void a_clock_that_runs_ahead_is_clamped(void **state) {
    (void)state;
    rk_error error = {0};
    rk_engine_info before, after;
    site_create_device(&tablet, "tablet", &truth, "ravi"); /* sees nothing of it, so its clock stays its own */
    site_create_device(&phone, "phone", &truth, "asha");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    assert_int_equal(rk_engine_info_get(phone.engine, &before, &error), RK_OK);
    phone.skew_ms = 3600 * 1000;
    site_must_submit(&phone, "asha", "profile/p", "rename", "{\"name\":\"from the future\"}");
    site_send(&phone, &truth, 0);
    assert_non_null(strstr(site_state(&truth, "profile/p"), "from the future"));
    world_now_ms += 50 * 1000;
    site_must_submit(&tablet, "ravi", "profile/p", "rename", "{\"name\":\"too early\"}");
    site_send(&tablet, &truth, 0);
    assert_non_null(strstr(site_state(&truth, "profile/p"), "from the future"));
    world_now_ms += 20 * 1000;
    site_must_submit(&tablet, "ravi", "profile/p", "rename", "{\"name\":\"a minute later\"}");
    site_send(&tablet, &truth, 0);
    assert_non_null(strstr(site_state(&truth, "profile/p"), "a minute later"));
    phone.skew_ms = 0;
    site_send(&truth, &phone, 0);
    assert_string_equal(site_hash(&truth, "profile/p"), site_hash(&phone, "profile/p"));
    assert_int_equal(rk_engine_info_get(phone.engine, &after, &error), RK_OK);
    assert_true(before.replica != after.replica);
    site_must_submit(&phone, "asha", "profile/p", "rename", "{\"name\":\"the phone again\"}");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    assert_non_null(strstr(site_state(&truth, "profile/p"), "the phone again"));
    assert_string_equal(site_hash(&truth, "profile/p"), site_hash(&phone, "profile/p"));
    site_must_be_sound(&truth);
}

static void personal_members_are_not_yet(void **state) {
    (void)state;
    static const uint8_t key_id[16], ciphertext[44];
    rk_error error = {0};
    rk_arena arena;
    rk_entry *entries = NULL;
    rk_arena_init(&arena, truth.host.memory, 1 << 20);
    rk_pair parts[] = {{rk_int(0), rk_bytes_value(rk_bytes_of(key_id, 16))},
                       {rk_int(1), rk_bytes_value(rk_bytes_of(ciphertext, 44))}};
    rk_pair member = {.key = rk_string(RK_TEXT("name"))};
    rk_intent intent = {.entity = RK_TEXT("profile/asha"), .type = RK_TEXT("rename")};
    assert_int_equal(rk_map_value(&arena, parts, 2, &member.value), RK_OK);
    assert_int_equal(rk_map_value(&arena, &member, 1, &intent.data), RK_OK);
    assert_int_equal(rk_engine_submit(truth.engine, RK_TEXT("asha"), NULL, &intent, 1, &arena, &entries, &error),
                     RK_NOT_YET);
    rk_arena_free(&arena);
}

static const rk_log_ops *real_ops;
static unsigned conflicts_left;

static rk_status conflicting_append(rk_log *log, const rk_append *append, rk_error *error) {
    if (conflicts_left == 0) return real_ops->append(log, append, error);
    conflicts_left--;
    return rk_fail(error, RK_CONFLICT, NULL, "somebody was faster");
}

static void a_conflict_is_an_answer_and_the_engine_judges_again(void **state) {
    (void)state;
    rk_error error = {0};
    static rk_log_ops ops;
    real_ops = truth.host.store;
    ops = *real_ops;
    ops.append = conflicting_append;
    rk_engine_close(truth.engine);
    truth.host.store = &ops;
    assert_int_equal(rk_engine_open(&truth.host, RK_LOG_READ_WRITE, &truth.engine, &error), RK_OK);
    conflicts_left = 2;
    site_must_submit(&truth, "asha", "document/d", "write", "{\"edits\":[[0,0,\"once\"]]}");
    assert_int_equal(conflicts_left, 0);
    assert_string_equal(site_state(&truth, "document/d"), "{\"text\":\"once\"}");
    conflicts_left = 100;
    refused(&truth, "asha", "document/d", "write", "{\"edits\":[[0,0,\"never\"]]}", RK_CONFLICT);
    conflicts_left = 0;
    assert_string_equal(site_state(&truth, "document/d"), "{\"text\":\"once\"}");
    site_must_be_sound(&truth);
}

static uint64_t states_asked;

static rk_status counting_state_get(rk_log *log, rk_arena *arena, rk_bytes entity, rk_stored_state *state_out,
                                    rk_error *error) {
    states_asked++;
    return real_ops->state_get(log, arena, entity, state_out, error);
}

enum { KEPT = 10, KEPT_ROUNDS = 60, KEPT_GROUP = 100 };

/* KEPT profiles are renamed in turn. At its end *named_out is what all are called. */
static void rename_for_long(uint64_t cache_size_max, uint64_t *asked_out, char *named_out, size_t named_size) {
    static rk_log_ops ops;
    static char entities[KEPT][20], name[80];
    rk_error error = {0};
    real_ops = truth.host.store;
    ops = *real_ops;
    ops.state_get = counting_state_get;
    rk_engine_close(truth.engine);
    truth.host.store = &ops;
    truth.host.cache_size_max = cache_size_max;
    assert_int_equal(rk_engine_open(&truth.host, RK_LOG_READ_WRITE, &truth.engine, &error), RK_OK);
    for (int round = 0; round < KEPT_ROUNDS; round++) {
        rk_intent intents[KEPT_GROUP];
        rk_entry *entries = NULL;
        rk_arena arena;
        rk_arena_init(&arena, truth.host.memory, 1 << 20);
        snprintf(name, sizeof name, "%070d", round);
        rk_pair member = {.key = rk_string(RK_TEXT("name")), .value = rk_string(rk_bytes_of_string(name))};
        for (size_t i = 0; i < KEPT_GROUP; i++) {
            snprintf(entities[i % KEPT], sizeof entities[0], "profile/p%zu", i % KEPT);
            intents[i] = (rk_intent){.entity = rk_bytes_of_string(entities[i % KEPT]), .type = RK_TEXT("rename")};
            assert_int_equal(rk_map_value(&arena, &member, 1, &intents[i].data), RK_OK);
        }
        if (round == 1) states_asked = 0;
        assert_int_equal(
            rk_engine_submit(truth.engine, RK_TEXT("asha"), NULL, intents, KEPT_GROUP, &arena, &entries, &error),
            RK_OK);
        rk_arena_free(&arena);
    }
    *asked_out = states_asked;
    snprintf(named_out, named_size, "{\"bio\":\"\",\"name\":\"%s\",\"tags\":[],\"stock\":0,\"views\":0,\"friends\":[]}",
             name);
}

/* However many events there were: 600 of each entity, and 420 KB of names that nobody has any more. */
static void states_that_fit_are_not_folded_again(void **state) {
    uint64_t asked = 0;
    char named[160];
    (void)state;
    rename_for_long(200 << 10, &asked, named, sizeof named);
    assert_int_equal(asked, 0);
    assert_string_equal(site_state(&truth, "profile/p7"), named);
}

static void states_that_do_not_fit_are_folded_again(void **state) {
    uint64_t asked = 0;
    char named[160];
    (void)state;
    rename_for_long(8 << 10, &asked, named, sizeof named);
    assert_true(asked > KEPT);
    for (int i = 0; i < KEPT; i++) {
        char entity[20];
        snprintf(entity, sizeof entity, "profile/p%d", i);
        assert_string_equal(site_state(&truth, entity), named);
    }
    site_must_be_sound(&truth);
}

static rk_id unreadable;

static rk_status failing_event_of_id(rk_log *log, rk_arena *memory, rk_id id, rk_stored_event *event_out,
                                     rk_error *error) {
    if (rk_id_equal(id, unreadable)) return rk_fail(error, RK_IO, NULL, "the disk does not answer");
    return real_ops->event_of_id(log, memory, id, event_out, error);
}

static rk_status note_first_id(void *context, const rk_entry *entry) {
    rk_id *id = context;
    if (id->stamp == 0) *id = entry->event.id;
    return RK_OK;
}

/* A judgement stands for ever, so an error of the disk must not become one. */
static void a_failing_disk_ends_an_import_and_is_no_refusal(void **state) {
    (void)state;
    static rk_log_ops ops;
    rk_error error = {0};
    rk_import_report report;
    parcel offered;
    site_create_device(&phone, "phone", &truth, "asha");
    site_create_device(&tablet, "tablet", &truth, "ravi");
    site_must_submit(&truth, "asha", "profile/p", "tag", "{\"tag\":\"t\"}");
    site_send(&truth, &phone, 0);
    site_send(&truth, &tablet, 0);
    site_must_submit(&tablet, "ravi", "profile/p", "untag", "{\"tag\":\"t\"}");
    site_send(&tablet, &truth, 0); /* the set has no trace of the dot now; only the log knows it */
    site_must_submit(&phone, "asha", "profile/p", "untag", "{\"tag\":\"t\"}");
    unreadable = (rk_id){0, 0};
    assert_int_equal(
        rk_engine_log(truth.engine, RK_TEXT("profile/p"), 0, 10, false, note_first_id, &unreadable, &error), RK_OK);
    real_ops = truth.host.store;
    ops = *real_ops;
    ops.event_of_id = failing_event_of_id;
    rk_engine_close(truth.engine);
    truth.host.store = &ops;
    assert_int_equal(rk_engine_open(&truth.host, RK_LOG_READ_WRITE, &truth.engine, &error), RK_OK);
    parcel_fill(&offered, &phone, 0);
    assert_int_equal(parcel_deliver(&offered, &truth, &report, &error), RK_IO);
    unreadable = (rk_id){0, 0};
    assert_int_equal(parcel_deliver(&offered, &truth, &report, &error), RK_OK);
    assert_int_equal(report.transactions_refused, 0);
    parcel_free(&offered);
}

static rk_status count_verdict(void *context, const rk_verdict *verdict) {
    uint64_t *count = context;
    *count += verdict->code.size > 0;
    return RK_OK;
}

static uint64_t count_verdicts(site *site) {
    uint64_t count = 0;
    rk_error error = {0};
    assert_int_equal(rk_engine_verdicts(site->engine, count_verdict, &count, &error), RK_OK);
    return count;
}

static void the_truth_keeps_a_verdict_until_its_sender_has_taken_note(void **state) {
    (void)state;
    site_create_device(&phone, "phone", &truth, "asha");
    site_must_submit(&truth, "owner", "actor/asha", "set-roles", "{\"roles\":[]}");
    site_must_submit(&phone, "asha", "document/d", "write", "{\"edits\":[[0,0,\"x\"]]}");
    site_send(&phone, &truth, 0);
    assert_int_equal(count_verdicts(&truth), 1);
    site_send(&phone, &truth, 0); /* it has not heard of it */
    assert_int_equal(count_verdicts(&truth), 1);
    site_send(&truth, &phone, 0);
    site_send(&phone, &truth, 0);
    assert_int_equal(count_verdicts(&truth), 0);
    assert_int_equal(count_verdicts(&phone), 1);
}

static void an_invitation_is_used_once(void **state) {
    (void)state;
    rk_error error = {0};
    rk_invitation invitation;
    rk_engine_info info;
    static site *sites[2];
    sites[0] = &phone, sites[1] = &tablet;
    assert_int_equal(rk_engine_invite(truth.engine, RK_TEXT("asha"), RK_TEXT("owner"), &invitation, &error), RK_OK);
    assert_int_equal(rk_engine_info_get(truth.engine, &info, &error), RK_OK);
    site_create_device(&phone, "phone", &truth, "ravi"); /* makes the hosts */
    site_create_device(&tablet, "tablet", &truth, "ravi");
    for (int i = 0; i < 2; i++) {
        rk_engine_close(sites[i]->engine);
        world_folder(i ? "second" : "first", sites[i]->path);
        sites[i]->key_count = 0;
        assert_int_equal(rk_engine_create_device(&sites[i]->host, &invitation, &info.log, &sites[i]->engine, &error),
                         RK_OK);
        site_send(&truth, sites[i], 0);
        assert_int_equal(rk_engine_join(sites[i]->engine, &invitation, &error), RK_OK);
        site_must_submit(sites[i], "asha", "document/d", "write", "{\"edits\":[[0,0,\"in\"]]}");
    }
    rk_import_report report = site_send(&phone, &truth, 0);
    assert_int_equal(report.transactions_accepted, 2);
    report = site_send(&tablet, &truth, 0);
    assert_int_equal(report.transactions_accepted, 0);
    assert_int_equal(report.transactions_refused, 2);
    site_must_be_sound(&truth);
}

int main(void) {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(a_truth_writes_and_reads_every_merge_type),
        IN_A_WORLD(what_is_refused_leaves_nothing),
        IN_A_WORLD(two_devices_edit_apart_and_agree),
        IN_A_WORLD(what_leans_on_refused_text_falls_with_it),
        IN_A_WORLD(a_copied_device_folder_does_no_harm),
        IN_A_WORLD(a_truth_restored_from_an_older_copy_does_no_harm),
        IN_A_WORLD(files_of_strangers_are_refused_whole),
        IN_A_WORLD(the_past_is_read_at_versions_events_and_times),
        IN_A_WORLD(what_a_rule_hides_is_not_read),
        IN_A_WORLD(a_walk_says_how_far_it_came),
        IN_A_WORLD(a_position_before_a_time_leaves_out_that_time),
        IN_A_WORLD(personal_members_are_not_yet),
        IN_A_WORLD(a_clock_that_runs_ahead_is_clamped),
        IN_A_WORLD(a_conflict_is_an_answer_and_the_engine_judges_again),
        IN_A_WORLD(states_that_fit_are_not_folded_again),
        IN_A_WORLD(states_that_do_not_fit_are_folded_again),
        IN_A_WORLD(a_failing_disk_ends_an_import_and_is_no_refusal),
        IN_A_WORLD(the_truth_keeps_a_verdict_until_its_sender_has_taken_note),
        IN_A_WORLD(an_invitation_is_used_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
