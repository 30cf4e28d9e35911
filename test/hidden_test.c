/*
 * Fields that rules hide, and actors that are disabled: what a reader gets is the state without what is kept from it,
 * by whatever way it asks.
 *
 * The worlds at the end are random: modules whose fields have rules from a list, of which each is written a second time
 * in C; events, versions, exchanges with a device. What the engine gives a reader is held against its own view of
 * everything, less what the rules in C hide. RUNS says how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "door/json.h"
#include "io/memory.h"
#include "world_testing.h"

static site truth, phone;
static rk_arena arena;

/* In modules ' is " and ` is '. */
#define FIELDS(rest)                                                            \
    "'fields':{'name':{'type':'string','merge':'lww','index':true},"            \
    "'salary':{'type':'integer','index':true,'read':'`hr` in actor.roles'},"    \
    "'bonus':{'type':'integer','merge':'pn-counter','index':true,"              \
    "'read':'`hr` in actor.roles || actor.id == entity.id'},"                   \
    "'notes':{'type':'string','merge':'rga','read':'`board` in actor.groups'}," \
    "'skills':{'type':'string','merge':'or-set','index':true,'read':'state.name == `Ann`'}" rest "},"
#define EVENTS                                                                                                    \
    "'rename':{'data':{'name':{'type':'string'}},'apply':[{'set':'name','to':'data.name'}]},"                     \
    "'hire':{'data':{'name':{'type':'string'},'salary':{'type':'integer'}},'apply':["                             \
    "{'set':'name','to':'data.name'},{'set':'salary','to':'data.salary','when':'data.salary > 0'}]},"             \
    "'pay':{'data':{'salary':{'type':'integer'}},'apply':[{'set':'salary','to':'data.salary'}]},"                 \
    "'raise':{'data':{'by':{'type':'integer'}},'require':[{'that':'state.salary + data.by < 9000','else':'no'}]," \
    "'apply':[{'set':'salary','to':'state.salary + data.by'}]},"                                                  \
    "'reward':{'data':{'by':{'type':'integer'}},'apply':[{'add':'bonus','by':'data.by'}]},"                       \
    "'note':{'data':{'edits':{'type':'array'}},'apply':[{'splice':'notes','edits':'data.edits'}]},"               \
    "'learn':{'data':{'skill':{'type':'string'}},'apply':[{'insert':'skills','value':'data.skill'}]},"            \
    "'forget':{'data':{'skill':{'type':'string'}},'apply':[{'remove':'skills','value':'data.skill'}]}"

static const char staff[] = "{'module':'staff','version':1,'truth':'region'," FIELDS("") "'events':{" EVENTS "}}";
static const char vault[] =
    "{'module':'vault','version':1,'truth':'region','fields':{'owner':{'type':'string'},'text':{'type':'string'}},"
    "'events':{'put':{'data':{'text':{'type':'string'}},'apply':[{'set':'owner','to':'actor.id'},{'set':'text',"
    "'to':'data.text'}]}},'allow':{'read':'state.owner == actor.id','write':'true'}}";

static void submit(const char *actor, const char *entity, const char *type, const char *data) {
    site_must_submit(&truth, actor, entity, type, data ? world_json(data) : NULL);
}

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    site_create_truth(&truth, "hidden_truth");
    site_publish_text(&truth, staff);
    site_publish_text(&truth, vault);
    site_add_actor(&truth, "ann", "[]");
    site_add_actor(&truth, "bob", "[]");
    site_add_actor(&truth, "hr", "[\"hr\"]");
    site_add_actor(&truth, "chair", "[\"hr\"]");
    submit("owner", "actor/chair", "set-groups", "{'groups':['board']}");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    site_close(&truth);
    site_close(&phone);
    rk_arena_free(&arena);
    return 0;
}

static void read_as(site *site, const char *actor) {
    rk_error error = {0};
    assert_int_equal(rk_engine_read_as(site->engine, rk_bytes_of_string(actor), &error), RK_OK);
}

static const char *state_for(site *site, const char *actor, const char *entity) {
    read_as(site, actor);
    const char *text = site_state(site, entity);
    read_as(site, "");
    return text;
}

static rk_reading get(site *site, const char *actor, const char *entity, const rk_at *at) {
    rk_reading reading;
    rk_error error = {0};
    read_as(site, actor);
    rk_status status = rk_engine_get(site->engine, rk_bytes_of_string(entity), at, &arena, &reading, &error);
    if (status != RK_OK) fail_msg("%s: %s", rk_status_name(status), error.what);
    read_as(site, "");
    return reading;
}

/* Ann and Bob, with something in every field. */
static void fill(void) {
    submit("hr", "staff/ann", "hire", "{'name':'Ann','salary':5000}");
    submit("hr", "staff/ann", "reward", "{'by':40}");
    submit("hr", "staff/ann", "note", "{'edits':[[0,0,'promising']]}");
    submit("hr", "staff/ann", "learn", "{'skill':'welding'}");
    submit("hr", "staff/bob", "rename", "{'name':'Bob'}");
    submit("hr", "staff/bob", "pay", "{'salary':6000}");
    submit("hr", "staff/bob", "reward", "{'by':7}");
    submit("hr", "staff/bob", "learn", "{'skill':'sewing'}");
}

/* ---- states ---- */

static void a_state_is_without_what_its_rules_hide(void **state) {
    (void)state;
    fill();
    assert_string_equal(state_for(&truth, "bob", "staff/ann"), "{\"name\":\"Ann\",\"skills\":[\"welding\"]}");
    assert_string_equal(state_for(&truth, "ann", "staff/ann"),
                        "{\"name\":\"Ann\",\"bonus\":40,\"skills\":[\"welding\"]}");
    assert_string_equal(state_for(&truth, "hr", "staff/ann"),
                        "{\"name\":\"Ann\",\"bonus\":40,\"salary\":5000,\"skills\":[\"welding\"]}");
    assert_string_equal(
        state_for(&truth, "chair", "staff/ann"),
        "{\"name\":\"Ann\",\"bonus\":40,\"notes\":\"promising\",\"salary\":5000,\"skills\":[\"welding\"]}");
    /* A rule that fails says no: here, while there is no name. */
    submit("hr", "staff/eve", "learn", "{'skill':'lying'}");
    assert_string_equal(state_for(&truth, "bob", "staff/eve"), "{}");
    /* Counters and sets that nothing has written are hidden as others are. */
    assert_string_equal(state_for(&truth, "", "staff/eve"), "{\"bonus\":0,\"notes\":\"\",\"skills\":[\"lying\"]}");
}

static void a_hash_is_given_where_nothing_is_hidden(void **state) {
    (void)state;
    static const rk_hash none;
    fill();
    rk_reading whole = get(&truth, "", "staff/ann", NULL), part = get(&truth, "hr", "staff/ann", NULL);
    assert_false(whole.hidden);
    assert_false(rk_hash_equal(&whole.hash, &none));
    assert_true(part.hidden);
    assert_true(rk_hash_equal(&part.hash, &none));
    part = get(&truth, "chair", "staff/ann", NULL);
    assert_false(part.hidden);
    assert_true(rk_hash_equal(&part.hash, &whole.hash));
    /* Whether the hidden field is set is hidden too. */
    submit("hr", "staff/new", "rename", "{'name':'Ann'}");
    part = get(&truth, "bob", "staff/new", NULL);
    assert_true(part.hidden);
    assert_true(rk_hash_equal(&part.hash, &none));
}

static void the_past_is_hidden_as_the_present_is(void **state) {
    (void)state;
    const rk_at first = {.kind = RK_AT_VERSION, .version = 1}, fourth = {.kind = RK_AT_VERSION, .version = 4};
    fill();
    rk_reading past = get(&truth, "bob", "staff/ann", &fourth);
    assert_true(past.hidden);
    assert_null(rk_map_find(&past.state, RK_TEXT("salary")));
    assert_non_null(rk_map_find(&past.state, RK_TEXT("skills")));
    /* The rule for skills is asked about her as she is now, and not as she was. */
    submit("hr", "staff/ann", "rename", "{'name':'Anna'}");
    past = get(&truth, "bob", "staff/ann", &fourth);
    assert_null(rk_map_find(&past.state, RK_TEXT("skills")));
    /* A rule that a later version brings holds for what was before it; one that it takes away no longer does. */
    site_publish_text(&truth, "{'module':'staff','version':2,'truth':'region','fields':{"
                              "'name':{'type':'string','merge':'lww','read':'false'},"
                              "'salary':{'type':'integer'},'bonus':{'type':'integer','merge':'pn-counter'},"
                              "'notes':{'type':'string','merge':'rga'},'skills':{'type':'string','merge':'or-set'}},"
                              "'events':{" EVENTS "}}");
    past = get(&truth, "bob", "staff/ann", &first);
    assert_true(past.hidden);
    assert_null(rk_map_find(&past.state, RK_TEXT("name")));
    assert_non_null(rk_map_find(&past.state, RK_TEXT("salary")));
}

/* ---- events ---- */

typedef struct listing {
    char text[1 << 12];
    size_t size;
    bool secret; /* a number of somebody's salary is in it */
} listing;

static rk_status note_event(void *context, const rk_entry *entry) {
    listing *listing = context;
    rk_buffer buffer;
    rk_bytes json;
    rk_buffer_init(&buffer, &arena, 1 << 16);
    rk_json_print(&buffer, &entry->event.data);
    assert_int_equal(rk_buffer_finish(&buffer, &json), RK_OK);
    listing->secret |= memmem(json.data, json.size, "5000", 4) || memmem(json.data, json.size, "6000", 4);
    listing->size += (size_t)snprintf(listing->text + listing->size, sizeof listing->text - listing->size, "%.*s:%.*s ",
                                      (int)entry->event.entity.size, (const char *)entry->event.entity.data,
                                      (int)entry->event.type.size, (const char *)entry->event.type.data);
    assert_true(listing->size < sizeof listing->text);
    return RK_OK;
}

/* The events of staff, as "ann:hire bob:rename ". */
static const char *events_for(site *site, const char *actor, const char *entity, uint64_t after) {
    static listing listing;
    rk_error error = {0};
    read_as(site, actor);
    listing.size = 0, listing.text[0] = 0, listing.secret = false;
    assert_int_equal(
        rk_engine_log(site->engine, rk_bytes_of_string(entity), after, UINT64_MAX, true, note_event, &listing, &error),
        RK_OK);
    read_as(site, "");
    return listing.text;
}

static uint64_t position(site *site) {
    rk_engine_info info;
    rk_error error = {0};
    assert_int_equal(rk_engine_info_get(site->engine, &info, &error), RK_OK);
    return info.head.position;
}

static void events_that_write_a_hidden_field_are_left_out_whole(void **state) {
    (void)state;
    uint64_t after = position(&truth);
    fill();
    submit("hr", "staff/ann", "hire", "{'name':'Ann','salary':0}"); /* the step's `when` says no: its type counts */
    submit("hr", "staff/ann", "forget", "{'skill':'welding'}");
    submit("hr", "staff/ann", "raise", "{'by':5}");
    assert_string_equal(events_for(&truth, "bob", "staff/ann", 0), "ann:learn ann:forget ");
    assert_string_equal(events_for(&truth, "ann", "staff/ann", 0), "ann:reward ann:learn ann:forget ");
    assert_string_equal(events_for(&truth, "hr", "staff/ann", 0),
                        "ann:hire ann:reward ann:learn ann:hire ann:forget ann:raise ");
    assert_string_equal(events_for(&truth, "chair", "staff/ann", 0),
                        "ann:hire ann:reward ann:note ann:learn ann:hire ann:forget ann:raise ");
    assert_string_equal(events_for(&truth, "bob", "", after), "ann:learn bob:rename bob:reward ann:forget ");
    assert_string_equal(events_for(&truth, "ann", "", after), "ann:reward ann:learn bob:rename ann:forget ");
    assert_string_equal(events_for(&truth, "bob", "staff/bob", 0), "bob:rename bob:reward ");
    assert_string_equal(events_for(&truth, "", "staff/bob", 0), "bob:rename bob:pay bob:reward bob:learn ");
}

/* An event carries what its own version writes, and what the version writes that folds it. */
static void events_of_another_version_carry_what_either_writes(void **state) {
    (void)state;
    static const char *const versions[] = {
        "{'module':'card','version':1,'truth':'region','fields':{'open':{'type':'integer'},'pin':{'type':'integer',"
        "'read':'false'}},'events':{'set-pin':{'data':{'n':{'type':'integer'}},'apply':[{'set':'pin','to':'data.n'}]},"
        "'set-open':{'data':{'n':{'type':'integer'}},'apply':[{'set':'open','to':'data.n'}]}}}",
        "{'module':'card','version':2,'truth':'region','fields':{'open':{'type':'integer'},'pin':{'type':'integer',"
        "'read':'false'}},'events':{'set-pin':{'data':{'m':{'type':'integer'}},'apply':[{'set':'open','to':'1'}]},"
        "'set-open':{'data':{'m':{'type':'integer'}},'apply':[{'set':'pin','to':'data.m'}]},"
        "'show':{'data':{'n':{'type':'integer'}},'apply':[{'set':'open','to':'data.n'}]}},"
        "'upcast':{'1':{'set-pin':{'type':'set-pin','data':'{`m`: data.n}'},"
        "'set-open':{'type':'set-open','data':'{`m`: data.n}'}}}}"};
    site_publish_text(&truth, versions[0]);
    site_create_device(&phone, "hidden_phone", &truth, "bob");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    submit("hr", "card/c", "set-pin", "{'n':1}");
    submit("hr", "card/c", "set-open", "{'n':2}");
    site_must_submit(&phone, "bob", "card/c", "set-pin", "{\"n\":3}");
    site_must_submit(&phone, "bob", "card/c", "set-open", "{\"n\":4}");
    assert_string_equal(events_for(&phone, "bob", "card/c", 0), "c:set-open "); /* pending */
    site_publish_text(&truth, versions[1]);
    site_send(&phone, &truth, 0);
    submit("hr", "card/c", "show", "{'n':5}");
    assert_string_equal(events_for(&truth, "", "card/c", 0), "c:set-pin c:set-open c:set-pin c:set-open c:show ");
    assert_string_equal(events_for(&truth, "bob", "card/c", 0), "c:set-open c:show ");
    assert_string_equal(state_for(&truth, "", "card/c"), "{\"pin\":4,\"open\":5}");
    site_must_be_sound(&truth);
}

/* ---- queries ---- */

typedef struct rows {
    char text[1 << 12];
    size_t size;
} rows;

static rk_status note_row(void *context, const rk_row *row) {
    rows *rows = context;
    rk_buffer buffer;
    rk_bytes json;
    rk_buffer_init(&buffer, &arena, 1 << 16);
    rk_json_print(&buffer, &row->state);
    assert_int_equal(rk_buffer_finish(&buffer, &json), RK_OK);
    rows->size +=
        (size_t)snprintf(rows->text + rows->size, sizeof rows->text - rows->size, "%.*s%.*s ", (int)row->id.size,
                         (const char *)row->id.data, (int)json.size, (const char *)json.data);
    assert_true(rows->size < sizeof rows->text);
    return RK_OK;
}

/* The ids and names that match, all pages together; `report_out` of the first. */
static const char *query(const char *actor, const char *where, const char *order, uint64_t limit,
                         rk_query_report *report_out) {
    static rows rows;
    const rk_bytes fields[] = {RK_TEXT("name"), RK_TEXT("salary")};
    rk_error error = {0};
    rk_query_report report;
    bool descending = order && order[0] == '-';
    const rk_order by = {rk_bytes_of_string(order ? order + descending : ""), descending};
    rk_query asked = {.module = RK_TEXT("staff"),
                      .where = rk_bytes_of_string(where),
                      .order = &by,
                      .order_count = order ? 1 : 0,
                      .fields = fields,
                      .field_count = 2,
                      .limit = limit};
    read_as(&truth, actor);
    rows.size = 0, rows.text[0] = 0;
    for (size_t page = 0; page == 0 || asked.after.size > 0; page++) {
        rk_status status = rk_engine_query(truth.engine, &asked, &arena, note_row, &rows, &report, &error);
        if (status != RK_OK) fail_msg("%s: %s: %s", where, rk_status_name(status), error.what);
        if (page == 0) *report_out = report;
        asked.after = report.next;
    }
    read_as(&truth, "");
    return rows.text;
}

#define ANN  "ann{\"name\":\"Ann\"} "
#define BOB  "bob{\"name\":\"Bob\"} "
#define ANNS "ann{\"name\":\"Ann\",\"salary\":5000} "
#define BOBS "bob{\"name\":\"Bob\",\"salary\":6000} "

static void a_query_sees_states_without_what_is_hidden(void **state) {
    (void)state;
    rk_query_report report;
    fill();
    assert_string_equal(query("hr", "state.salary > 5500", NULL, 0, &report), BOBS);
    assert_string_equal(query("bob", "state.salary > 5500", NULL, 0, &report), "");
    assert_int_equal(report.failed, 2); /* for both alike */
    assert_string_equal(query("bob", "!(state.salary > 5500)", NULL, 0, &report), "");
    assert_string_equal(query("bob", "!has(state.salary)", NULL, 0, &report), ANN BOB);
    assert_string_equal(query("bob", "'salary' in dyn(state)", NULL, 0, &report), "");
    assert_string_equal(query("bob", "dyn(state).size() == 2", NULL, 0, &report), ANN BOB);
    assert_string_equal(query("bob", "state.salary in [5000, 6000] || state.name == 'Ann'", NULL, 0, &report), ANN);
    assert_string_equal(query("bob", "state.bonus > 0", NULL, 0, &report), BOB); /* his own */
    assert_string_equal(query("ann", "state.bonus > 0", NULL, 0, &report), ANN);
    assert_string_equal(query("bob", "'sewing' in state.skills", NULL, 0, &report), "");
    assert_string_equal(query("bob", "'welding' in state.skills", NULL, 0, &report), ANN);
    assert_string_equal(query("bob", "actor.groups == []", NULL, 0, &report), ANN BOB);
    assert_string_equal(query("chair", "'board' in actor.groups", NULL, 0, &report), ANNS BOBS);
}

static void the_order_of_rows_tells_nothing_hidden(void **state) {
    (void)state;
    rk_query_report report;
    fill();
    submit("hr", "staff/abe", "hire", "{'name':'Abe','salary':5500}");
#define ABE "abe{\"name\":\"Abe\"} "
    for (uint64_t limit = 0; limit <= 2; limit++) {
        assert_string_equal(query("bob", "", "salary", limit, &report), ABE ANN BOB);
        assert_string_equal(query("bob", "", "-salary", limit, &report), ABE ANN BOB);
        assert_int_equal(report.index.size, 0);
        assert_string_equal(query("hr", "", "-salary", limit, &report),
                            BOBS "abe{\"name\":\"Abe\",\"salary\":5500} " ANNS);
        assert_string_equal(query("bob", "", "-bonus", limit, &report), BOB ABE ANN);
    }
}

/* Which index is walked, and what its rows count, comes from values of all entities. */
static void an_index_is_used_by_those_who_see_all_of_its_field(void **state) {
    (void)state;
    rk_query_report report;
    fill();
    (void)query("hr", "state.salary > 5500", NULL, 0, &report);
    assert_int_equal(report.way, RK_BY_INDEX);
    assert_true(rk_bytes_equal(report.index, RK_TEXT("salary")));
    assert_int_equal(report.read, 1);
    (void)query("", "state.salary > 5500", NULL, 0, &report);
    assert_int_equal(report.way, RK_BY_INDEX);
    (void)query("hr", "", "salary", 1, &report);
    assert_int_equal(report.way, RK_IN_ORDER);
    (void)query("bob", "state.salary > 5500", NULL, 0, &report);
    assert_int_equal(report.way, RK_BY_NAME);
    assert_int_equal(report.read, 2);
    (void)query("bob", "", "salary", 1, &report);
    assert_int_equal(report.way, RK_BY_NAME);
    (void)query("hr", "state.bonus > 10", NULL, 0, &report); /* the rule asks about the entity */
    assert_int_equal(report.way, RK_BY_NAME);
    (void)query("bob", "'sewing' in state.skills", NULL, 0, &report);
    assert_int_equal(report.way, RK_BY_NAME);
    (void)query("bob", "state.name == 'Ann' && state.salary > 1", NULL, 0, &report);
    assert_true(rk_bytes_equal(report.index, RK_TEXT("name")));
}

/* ---- conditions and expected versions ---- */

static rk_status send(site *site, const char *actor, const rk_intent *first, rk_error *error) {
    rk_intent intents[] = {*first, {.entity = RK_TEXT("staff/log"), .type = RK_TEXT("learn")}};
    rk_entry *entries = NULL;
    *error = (rk_error){.code = RK_OK};
    assert_int_equal(rk_json_read(&arena, RK_TEXT("{\"skill\":\"s\"}"), &intents[1].data, NULL), RK_OK);
    return rk_engine_submit(site->engine, rk_bytes_of_string(actor), NULL, intents, 2, &arena, &entries, error);
}

static rk_status require(const char *actor, const char *condition) {
    rk_error error;
    const rk_intent intent = {.require = rk_bytes_of_string(condition)};
    rk_status status = send(&truth, actor, &intent, &error);
    assert_null(strstr(error.what, "5000"));
    return status;
}

static rk_status expect(const char *actor, const char *entity, uint64_t version, rk_error *error) {
    const rk_intent intent = {.entity = rk_bytes_of_string(entity), .expects = true, .expected = version};
    return send(&truth, actor, &intent, error);
}

static void a_condition_sees_what_its_sender_may_read(void **state) {
    (void)state;
    fill();
    submit("ann", "vault/v", "put", "{'text':'psst'}");
    assert_int_equal(require("hr", "states['staff/ann'].salary == 5000"), RK_OK);
    assert_int_equal(require("bob", "states['staff/ann'].salary == 5000"), RK_EXPRESSION_FAILED);
    assert_int_equal(require("bob", "has(states['staff/ann'].salary)"), RK_REQUIRE_FAILED);
    assert_int_equal(require("bob", "states['staff/ann'].size() == 2"), RK_OK);
    assert_int_equal(require("bob", "states['staff/ann'].name == 'Ann'"), RK_OK);
    assert_int_equal(require("bob", "states['staff/bob'].bonus == 7"), RK_OK);
    assert_int_equal(require("ann", "states['vault/v'].text == 'psst'"), RK_OK);
    assert_int_equal(require("bob", "states['vault/v'].text == 'psst'"), RK_EXPRESSION_FAILED);
    assert_int_equal(require("bob", "states[?'vault/v'].hasValue()"), RK_REQUIRE_FAILED);
    assert_int_equal(require("bob", "states[?'vault/none'].hasValue()"), RK_REQUIRE_FAILED);
    assert_int_equal(require("chair", "'board' in actor.groups && actor.roles == ['hr']"), RK_OK);
    assert_int_equal(require("bob", "actor.groups == []"), RK_OK);
}

/* Met or missed, it would tell the version; and whether the entity is there. */
static void an_expected_version_needs_permission_to_read(void **state) {
    (void)state;
    rk_error error, other;
    submit("ann", "vault/v", "put", "{'text':'psst'}");
    assert_int_equal(expect("ann", "vault/v", 1, &error), RK_OK);
    assert_int_equal(expect("ann", "vault/v", 2, &error), RK_VERSION_CONFLICT);
    for (uint64_t version = 0; version < 3; version++) {
        assert_int_equal(expect("bob", "vault/v", version, &error), RK_FORBIDDEN);
        assert_int_equal(expect("bob", "vault/none", version, &other), RK_FORBIDDEN);
        assert_non_null(strstr(error.what, "vault's rule for \"read\""));
        assert_null(strstr(error.what, "version"));
    }
    assert_int_equal(expect("bob", "staff/ann", 0, &error), RK_OK);
}

/* How an expression fails may tell what it read. */
static void a_failure_is_told_to_who_may_read_it(void **state) {
    (void)state;
    rk_error error = {0};
    site_publish_text(&truth, "{'module':'probe','version':1,'truth':'region','fields':{'pin':{'type':'string','read':"
                              "'`hr` in actor.roles'},'n':{'type':'integer'}},'events':{"
                              "'set':{'data':{'pin':{'type':'string'}},'apply':[{'set':'pin','to':'data.pin'}]},"
                              "'guess':{'require':[{'that':'{`a`: true}[state.pin]','else':'no'}]},"
                              "'step':{'apply':[{'set':'n','to':'{`a`: 1}[state.pin]'}]}}}");
    submit("hr", "probe/p", "set", "{'pin':'4711'}");
    for (size_t i = 0; i < 2; i++) {
        const char *type = i ? "guess" : "step";
        assert_int_equal(site_submit(&truth, "hr", "probe/p", type, "{}", &error), RK_EXPRESSION_FAILED);
        assert_non_null(strstr(error.what, "no such key: 4711"));
        assert_int_equal(site_submit(&truth, "bob", "probe/p", type, "{}", &error), RK_EXPRESSION_FAILED);
        assert_null(strstr(error.what, "4711"));
        assert_non_null(strstr(error.what, "hidden from bob"));
    }
}

static void guards_read_everything(void **state) {
    (void)state;
    rk_error error = {0};
    fill();
    submit("bob", "staff/ann", "raise", "{'by':1}");
    assert_int_equal(site_submit(&truth, "bob", "staff/ann", "raise", "{\"by\":4000}", &error), RK_REQUIRE_FAILED);
    assert_string_equal(error.what, "no");
    assert_non_null(strstr(state_for(&truth, "hr", "staff/ann"), "\"salary\":5001"));
}

/* ---- a device ---- */

static void a_device_hides_what_is_pending_too(void **state) {
    (void)state;
    fill();
    site_create_device(&phone, "hidden_phone", &truth, "hr");
    site_must_submit(&phone, "hr", "staff/ann", "pay", "{\"salary\":5100}");
    site_must_submit(&phone, "hr", "staff/ann", "learn", "{\"skill\":\"law\"}");
    assert_non_null(strstr(state_for(&phone, "hr", "staff/ann"), "\"salary\":5100"));
    assert_string_equal(state_for(&phone, "bob", "staff/ann"), "{\"name\":\"Ann\",\"skills\":[\"law\",\"welding\"]}");
    assert_string_equal(events_for(&phone, "bob", "staff/ann", position(&phone)), "ann:learn ");
    site_send(&phone, &truth, 0);
    site_must_be_sound(&truth);
    site_must_be_sound(&phone);
}

/* ---- disabled actors ---- */

static void refuse_reads(site *site, const char *actor, rk_status wanted) {
    rk_error error = {0};
    rk_reading reading;
    rk_query_report report;
    rk_actor_view view;
    listing listing = {.size = 0};
    rows rows = {.size = 0};
    const rk_query asked = {.module = RK_TEXT("staff")};
    const rk_at past = {.kind = RK_AT_VERSION, .version = 1};
    rk_engine *engine = site->engine;
    read_as(site, actor);
    assert_int_equal(rk_engine_get(engine, RK_TEXT("staff/ann"), NULL, &arena, &reading, &error), wanted);
    assert_int_equal(rk_engine_get(engine, RK_TEXT("staff/ann"), &past, &arena, &reading, &error), wanted);
    assert_int_equal(rk_engine_log(engine, RK_TEXT("staff/ann"), 0, 1, true, note_event, &listing, &error), wanted);
    assert_int_equal(rk_engine_log(engine, RK_TEXT(""), 0, 1, true, note_event, &listing, &error), wanted);
    assert_int_equal(rk_engine_log(engine, RK_TEXT(""), UINT64_MAX, 1, false, note_event, &listing, &error), wanted);
    assert_int_equal(rk_engine_query(engine, &asked, &arena, note_row, &rows, &report, &error), wanted);
    assert_int_equal(rk_engine_actor(engine, rk_bytes_of_string(actor), &arena, &view, &error), wanted);
    read_as(site, "");
    assert_int_equal(error.code, wanted);
    assert_int_equal(listing.size + rows.size, 0);
}

static void a_disabled_actor_is_powerless(void **state) {
    (void)state;
    rk_error error = {0};
    rk_actor_view view;
    fill();
    assert_int_equal(rk_engine_actor(truth.engine, RK_TEXT("bob"), &arena, &view, &error), RK_OK);
    submit("owner", "actor/bob", "disable", NULL);
    refuse_reads(&truth, "bob", RK_ACTOR_DISABLED);
    refuse_reads(&truth, "nobody", RK_UNKNOWN_ACTOR);
    refuse_reads(&truth, "no/body", RK_UNKNOWN_ACTOR);
    assert_int_equal(site_submit(&truth, "bob", "staff/bob", "learn", "{\"skill\":\"x\"}", &error), RK_ACTOR_DISABLED);
    assert_int_equal(site_submit(&truth, "bob", "actor/bob", "enable", "{}", &error), RK_ACTOR_DISABLED);
    assert_int_equal(require("bob", "true"), RK_ACTOR_DISABLED);
    assert_int_equal(expect("bob", "staff/ann", 4, &error), RK_ACTOR_DISABLED);
    assert_non_null(strstr(state_for(&truth, "ann", "actor/bob"), "\"disabled\":true"));
    submit("owner", "actor/bob", "enable", NULL);
    assert_int_equal(rk_engine_actor(truth.engine, RK_TEXT("bob"), &arena, &view, &error), RK_OK);
    assert_string_equal(state_for(&truth, "bob", "staff/ann"), "{\"name\":\"Ann\",\"skills\":[\"welding\"]}");
    submit("bob", "staff/bob", "learn", "{'skill':'x'}");
}

/* Its answer is a verdict, so that the device hears of it; the truth goes on. */
static void what_a_disabled_actors_device_sends_is_refused(void **state) {
    (void)state;
    rk_error error = {0};
    fill();
    site_create_device(&phone, "hidden_phone", &truth, "bob");
    site_send(&phone, &truth, 0);
    site_must_submit(&phone, "bob", "staff/bob", "learn", "{\"skill\":\"law\"}");
    submit("owner", "actor/bob", "disable", NULL);
    rk_import_report report = site_send(&phone, &truth, 0);
    assert_int_equal(report.transactions_refused, 1);
    assert_int_equal(report.transactions_accepted, 0);
    site_send(&truth, &phone, 0);
    assert_int_equal(site_pending(&phone), 0);
    assert_int_equal(site_submit(&phone, "bob", "staff/bob", "learn", "{\"skill\":\"x\"}", &error), RK_ACTOR_DISABLED);
    assert_null(strstr(site_state(&truth, "staff/bob"), "law"));
    /* Also one whose replica was never seen here. */
    submit("owner", "actor/bob", "enable", NULL);
    site_close(&phone);
    site_create_device(&phone, "hidden_tablet", &truth, "ann");
    site_must_submit(&phone, "ann", "staff/ann", "learn", "{\"skill\":\"law\"}");
    submit("owner", "actor/ann", "disable", NULL);
    report = site_send(&phone, &truth, 0);
    assert_int_equal(report.transactions_accepted, 0);
    assert_true(report.transactions_refused > 0);
    site_must_be_sound(&truth);
}

/* At the door it is refused before it is judged, so that it can be sent again once the actor is enabled. */
static void a_batch_of_a_disabled_sender_waits(void **state) {
    (void)state;
    parcel parcel;
    rk_error error = {0};
    rk_bytes batch = {NULL, 0};
    site_create_device(&phone, "hidden_phone", &truth, "bob");
    site_send(&phone, &truth, 0);
    site_must_submit(&phone, "bob", "staff/bob", "learn", "{\"skill\":\"law\"}");
    parcel_fill(&parcel, &phone, 0);
    for (size_t i = 0; i < parcel.count; i++) {
        if (parcel.frames[i].kind == RK_FRAME_PENDING) batch = parcel.frames[i].batch;
    }
    assert_true(batch.size > 0);
    for (int enabled = 0; enabled < 2; enabled++) {
        rk_outcome outcome;
        rk_import *import = NULL;
        rk_import_report report;
        submit("owner", "actor/bob", enabled ? "enable" : "disable", NULL);
        uint64_t before = position(&truth);
        assert_int_equal(rk_engine_import_start(truth.engine, &import, &error), RK_OK);
        rk_status status = rk_engine_import_offer(import, RK_TEXT("bob"), batch, &arena, &outcome, &error);
        assert_int_equal(status, enabled ? RK_OK : RK_ACTOR_DISABLED);
        if (enabled) {
            assert_int_equal(rk_engine_import_finish(import, &report, &error), RK_OK);
        } else {
            rk_engine_import_abort(import);
        }
        assert_int_equal(position(&truth) - before, enabled);
    }
    assert_non_null(strstr(site_state(&truth, "staff/bob"), "law"));
    parcel_free(&parcel);
}

/* Another process disables, in a group an earlier transaction does: what was looked up before does not count. */
static void disabling_counts_at_once(void **state) {
    (void)state;
    rk_error error = {0};
    rk_actor_view view;
    rk_engine *other = NULL;
    rk_entry *entries = NULL;
    rk_group *group = NULL;
    rk_terms once = {.key = RK_TEXT("key")}; /* sent again, it is answered only to who is enabled */
    rk_intent disable = {.entity = RK_TEXT("actor/bob"), .type = RK_TEXT("disable"), .data = {.kind = RK_MAP}};
    rk_intent learn = {.entity = RK_TEXT("staff/x"), .type = RK_TEXT("learn")};
    assert_int_equal(rk_json_read(&arena, RK_TEXT("{\"skill\":\"s\"}"), &learn.data, NULL), RK_OK);
    assert_int_equal(rk_engine_open(&truth.host, RK_LOG_READ_WRITE, &other, &error), RK_OK);
    assert_int_equal(rk_engine_actor(other, RK_TEXT("bob"), &arena, &view, &error), RK_OK);
    assert_int_equal(rk_engine_group_start(truth.engine, &group, &error), RK_OK);
    assert_int_equal(rk_engine_group_submit(group, RK_TEXT("bob"), &once, &learn, 1, &arena, &entries, &error), RK_OK);
    assert_int_equal(rk_engine_group_submit(group, RK_TEXT("owner"), NULL, &disable, 1, &arena, &entries, &error),
                     RK_OK);
    assert_int_equal(rk_engine_group_submit(group, RK_TEXT("bob"), &once, &learn, 1, &arena, &entries, &error),
                     RK_ACTOR_DISABLED);
    assert_int_equal(rk_engine_group_finish(group, &error), RK_OK);
    assert_int_equal(rk_engine_actor(other, RK_TEXT("bob"), &arena, &view, &error), RK_ACTOR_DISABLED);
    assert_true(rk_bytes_equal(view.id, RK_TEXT("bob")));
    rk_engine_close(other);
}

/* ---- views that are resumed ---- */

static void hold(rk_engine *engine, const char *actor, bool resumed, rk_status wanted) {
    rk_error error = {0};
    assert_int_equal(rk_engine_view_resume(engine), resumed);
    if (!resumed) assert_int_equal(rk_engine_view_hold(engine, &error), RK_OK);
    assert_int_equal(rk_engine_read_as(engine, rk_bytes_of_string(actor), &error), RK_OK);
    assert_int_equal(rk_engine_reader_check(engine, &error), wanted);
}

static rk_reading read_held(rk_engine *engine, const char *entity, rk_status wanted) {
    rk_error error = {0};
    rk_reading reading;
    assert_int_equal(rk_engine_get(engine, rk_bytes_of_string(entity), NULL, &arena, &reading, &error), wanted);
    return reading;
}

/* What is kept of a view that is resumed is as true as in a new one. */
static void a_resumed_view_shows_what_is(void **state) {
    (void)state;
    rk_error error = {0};
    rk_engine *other = NULL;
    site_publish_text(&truth, "{'module':'club','version':1,'truth':'region','fields':{'n':{'type':'integer'}},"
                              "'events':{'set':{'data':{'n':{'type':'integer'}},'apply':[{'set':'n','to':'data.n'}]}},"
                              "'allow':{'read':'`board` in actor.groups','write':'true'}}");
    submit("owner", "club/c", "set", "{'n':1}");
    assert_int_equal(rk_engine_open(&truth.host, RK_LOG_READ_WRITE, &other, &error), RK_OK);
    for (int i = 0; i < 3; i++) {
        hold(other, "chair", i > 0, RK_OK);
        rk_reading found = read_held(other, "club/c", RK_OK), direct = get(&truth, "chair", "club/c", NULL);
        assert_true(rk_hash_equal(&found.hash, &direct.hash));
        rk_engine_view_release(other);
    }
    hold(other, "bob", true, RK_OK);
    read_held(other, "club/c", RK_FORBIDDEN);
    rk_engine_view_release(other);
    hold(other, "chair", true, RK_OK);
    rk_hash before = read_held(other, "club/c", RK_OK).hash;
    submit("owner", "club/c", "set", "{'n':2}");
    read_held(other, "actor/hr", RK_BUSY); /* never read here: the log went on */
    rk_engine_view_release(other);
    hold(other, "chair", false, RK_OK);
    rk_reading after = read_held(other, "club/c", RK_OK), direct = get(&truth, "chair", "club/c", NULL);
    assert_false(rk_hash_equal(&before, &after.hash));
    assert_true(rk_hash_equal(&after.hash, &direct.hash));
    rk_engine_view_release(other);
    submit("owner", "actor/chair", "set-groups", "{'groups':[]}");
    hold(other, "chair", false, RK_OK);
    read_held(other, "club/c", RK_FORBIDDEN);
    rk_engine_view_release(other);
    submit("owner", "actor/chair", "disable", NULL);
    hold(other, "chair", false, RK_ACTOR_DISABLED);
    rk_engine_view_release(other);
    hold(other, "chair", true, RK_ACTOR_DISABLED);
    rk_engine_view_release(other);
    rk_engine_close(other);
}

static void groups_are_read_as_roles_are(void **state) {
    (void)state;
    rk_error error = {0};
    rk_actor_view view;
    site_publish_text(&truth, "{'module':'club','version':1,'truth':'region','fields':{'n':{'type':'integer'}},"
                              "'events':{'set':{'data':{'n':{'type':'integer'}},'require':[{'that':"
                              "'actor.groups.exists(g, g == `board`)','else':'not of the board'}],"
                              "'apply':[{'set':'n','to':'data.n'}]},'any':{'apply':[{'set':'n','to':'0'}]}},"
                              "'allow':{'read':'`board` in actor.groups','write':'size(actor.groups) < 2'}}");
    submit("chair", "club/c", "set", "{'n':1}");
    assert_int_equal(site_submit(&truth, "hr", "club/c", "set", "{\"n\":2}", &error), RK_REQUIRE_FAILED);
    assert_string_equal(state_for(&truth, "chair", "club/c"), "{\"n\":1}");
    submit("owner", "actor/chair", "set-groups", "{'groups':['board','b']}");
    assert_int_equal(site_submit(&truth, "chair", "club/c", "any", "{}", &error), RK_FORBIDDEN);
    assert_int_equal(rk_engine_actor(truth.engine, RK_TEXT("chair"), &arena, &view, &error), RK_OK);
    assert_int_equal(view.groups->as.list.count, 2);
    site_create_device(&phone, "hidden_phone", &truth, "hr");
    site_must_submit(&phone, "hr", "club/c", "any", "{}");
    site_send(&phone, &truth, 0);
    assert_string_equal(site_state(&truth, "club/c"), "{\"n\":0}");
}

/* ---- random worlds ---- */

enum { WORLDS = 6, STEPS = 60, ENTITIES = 5, READERS = 4, FIELD_COUNT = 5, RULES = 9 };

static const char *const fields[FIELD_COUNT] = {"name", "level", "count", "tags", "text"};
static const char *const readers[READERS] = {"owner", "hr", "chair", "e1"};
static const char *const rules[RULES] = {NULL,
                                         "'hr' in actor.roles",
                                         "actor.id == entity.id",
                                         "has(state.name) && state.name == 'a'",
                                         "state.level > 2",
                                         "false",
                                         "true",
                                         "entity.version % 2 == 0",
                                         "'board' in actor.groups"};
static unsigned rule_of[FIELD_COUNT], shown_count, hidden_count, left_out;

static uint64_t below(uint64_t end) {
    return world_random() % end;
}

/* What the rule says, by this test's own reading of it. */
static bool says_yes(unsigned rule, const char *reader, const char *id, const rk_value *state, uint64_t version) {
    const rk_value *name = rk_map_find(state, RK_TEXT("name")), *level = rk_map_find(state, RK_TEXT("level"));
    bool hr = strcmp(reader, "hr") == 0, chair = strcmp(reader, "chair") == 0;
    const bool answers[RULES] = {true,
                                 hr || chair,
                                 strcmp(reader, id) == 0,
                                 name && rk_is_text(name, RK_TEXT("a")),
                                 level && level->as.integer > 2,
                                 false,
                                 true,
                                 version % 2 == 0,
                                 chair};
    return answers[rule];
}

static void publish_random(unsigned version, bool indexed) {
    static char source[1 << 14];
    static const char *const schemas[FIELD_COUNT] = {"\"type\":\"string\",\"merge\":\"lww\"", "\"type\":\"integer\"",
                                                     "\"type\":\"integer\",\"merge\":\"pn-counter\"",
                                                     "\"type\":\"string\",\"merge\":\"or-set\"",
                                                     "\"type\":\"string\",\"merge\":\"rga\""};
    size_t size = (size_t)snprintf(source, sizeof source,
                                   "{\"version\":%u,\"source\":{\"module\":\"thing\",\"version\":%u,"
                                   "\"truth\":\"region\",\"fields\":{",
                                   version, version);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        rule_of[i] = (unsigned)below(RULES);
        const char *rule = rules[rule_of[i]];
        size += (size_t)snprintf(source + size, sizeof source - size, "%s\"%s\":{%s%s%s%s%s}", i ? "," : "", fields[i],
                                 schemas[i], indexed && i < 4 ? ",\"index\":true" : "", rule ? ",\"read\":\"" : "",
                                 rule ? rule : "", rule ? "\"" : "");
    }
    snprintf(source + size, sizeof source - size, "%s",
             world_json("},'events':{'name':{'data':{'v':{'type':'string'}},'apply':[{'set':'name','to':'data.v'}]},"
                        "'level':{'data':{'v':{'type':'integer'}},'apply':[{'set':'level','to':'data.v'}]},"
                        "'count':{'data':{'v':{'type':'integer'}},'apply':[{'add':'count','by':'data.v'}]},"
                        "'tags':{'data':{'v':{'type':'string'}},'apply':[{'insert':'tags','value':'data.v'}]},"
                        "'text':{'data':{'v':{'type':'array'}},'apply':[{'splice':'text','edits':'data.v'}]},"
                        "'both':{'data':{'v':{'type':'string'}},'apply':[{'set':'name','to':'data.v'},"
                        "{'insert':'tags','value':'data.v'}]}},'allow':{'write':'true'}}}"));
    site_must_submit(&truth, "owner", "module/thing", "publish", source);
}

static void random_event(site *site, const char *actor) {
    static const char *const types[] = {"name", "level", "count", "tags", "text", "both"};
    static const char *const texts[] = {"\"a\"", "\"b\""};
    char entity[40], data[80];
    size_t kind = below(6);
    snprintf(entity, sizeof entity, "thing/e%u", (unsigned)below(ENTITIES));
    if (kind == 1 || kind == 2) {
        snprintf(data, sizeof data, "{\"v\":%u}", (unsigned)below(6));
    } else if (kind == 4) {
        snprintf(data, sizeof data, "{\"v\":[[0,0,%s]]}", texts[below(2)]);
    } else {
        snprintf(data, sizeof data, "{\"v\":%s}", texts[below(2)]);
    }
    site_must_submit(site, actor, entity, types[kind], data);
}

static bool type_writes_hidden(rk_bytes type, const bool hidden[FIELD_COUNT]) {
    if (rk_bytes_equal(type, RK_TEXT("both"))) return hidden[0] || hidden[3];
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (rk_bytes_equal(type, rk_bytes_of_string(fields[i]))) return hidden[i];
    }
    return false;
}

/* The events that the reader got are, in order, those of all that it should get. */
typedef struct comparison {
    const bool *hidden;
    rk_id expected[1 << 10];
    size_t expected_count, at;
    bool filling;
} comparison;

static rk_status compare_event(void *context, const rk_entry *entry) {
    comparison *comparison = context;
    if (!comparison->filling) {
        assert_true(comparison->at < comparison->expected_count);
        assert_true(rk_id_equal(comparison->expected[comparison->at++], entry->event.id));
    } else if (type_writes_hidden(entry->event.type, comparison->hidden)) {
        left_out++;
    } else {
        assert_true(comparison->expected_count < sizeof comparison->expected / sizeof *comparison->expected);
        comparison->expected[comparison->expected_count++] = entry->event.id;
    }
    return RK_OK;
}

static void compare_states(const rk_reading *whole, const rk_reading *shown, const bool hidden[FIELD_COUNT]) {
    bool any = false;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        rk_bytes field = rk_bytes_of_string(fields[i]);
        const rk_value *there = rk_map_find(&whole->state, field), *seen = rk_map_find(&shown->state, field);
        any |= hidden[i];
        hidden_count += hidden[i];
        shown_count += !hidden[i] && there;
        if (hidden[i] || !there) {
            assert_null(seen);
        } else {
            assert_non_null(seen);
            assert_true(rk_value_equal(there, seen));
        }
    }
    assert_int_equal(shown->hidden, any);
    assert_int_equal(rk_hash_equal(&whole->hash, &shown->hash), !any);
    assert_int_equal(shown->version, whole->version);
}

static void check_condition(const char *reader, const char *entity, const rk_reading *shown) {
    char condition[100];
    const char *field = fields[below(FIELD_COUNT)];
    snprintf(condition, sizeof condition, "has(states['%s'].%s)", entity, field);
    const rk_intent intents[] = {{.require = rk_bytes_of_string(condition)},
                                 {.entity = RK_TEXT("vault/v"), .type = RK_TEXT("put"), .data = {.kind = RK_MAP}}};
    rk_entry *entries = NULL;
    rk_error error = {0};
    rk_status status =
        rk_engine_submit(truth.engine, rk_bytes_of_string(reader), NULL, intents, 2, &arena, &entries, &error);
    bool there = rk_map_find(&shown->state, rk_bytes_of_string(field)) != NULL;
    assert_int_equal(status, there ? RK_BAD_DATA : RK_REQUIRE_FAILED); /* the event itself lacks its text */
}

static void check_reader(site *site, const char *reader, const char *id) {
    static comparison comparison;
    char entity[40];
    bool hidden[FIELD_COUNT];
    rk_error error = {0};
    rk_reading whole;
    snprintf(entity, sizeof entity, "thing/%s", id);
    if (rk_engine_get(site->engine, rk_bytes_of_string(entity), NULL, &arena, &whole, &error) != RK_OK) return;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        hidden[i] = !says_yes(rule_of[i], reader, id, &whole.state, whole.version + whole.pending);
    }
    rk_reading shown = get(site, reader, entity, NULL);
    compare_states(&whole, &shown, hidden);
    if (site == &truth) check_condition(reader, entity, &shown);
    if (whole.version > 0) {
        const rk_at at = {.kind = RK_AT_VERSION, .version = 1 + below(whole.version)};
        const rk_reading past = get(site, "", entity, &at);
        shown = get(site, reader, entity, &at);
        compare_states(&past, &shown, hidden);
    }
    comparison.hidden = hidden, comparison.expected_count = comparison.at = 0, comparison.filling = true;
    assert_int_equal(rk_engine_log(site->engine, rk_bytes_of_string(entity), 0, UINT64_MAX, true, compare_event,
                                   &comparison, &error),
                     RK_OK);
    comparison.filling = false;
    read_as(site, reader);
    assert_int_equal(rk_engine_log(site->engine, rk_bytes_of_string(entity), 0, UINT64_MAX, true, compare_event,
                                   &comparison, &error),
                     RK_OK);
    read_as(site, "");
    assert_int_equal(comparison.at, comparison.expected_count);
}

static void run_world(void) {
    publish_random(1, below(2));
    site_create_device(&phone, "hidden_random", &truth, "e1");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    for (unsigned i = 0; i < STEPS; i++) {
        bool here = below(2);
        random_event(here ? &truth : &phone, here ? "owner" : "e1");
        if (below(12) == 0) site_send(&phone, &truth, 0);
        if (below(12) == 0) site_send(&truth, &phone, 0);
        if (i == STEPS / 2) publish_random(2, below(2));
        if (i == STEPS / 2) site_send(&truth, &phone, 0); /* the rules that this test knows are the last ones */
        if (below(4)) continue;
        for (size_t n = 0; n < READERS * ENTITIES; n++) {
            char id[8];
            snprintf(id, sizeof id, "e%u", (unsigned)(n / READERS));
            check_reader(&truth, readers[n % READERS], id);
            check_reader(&phone, readers[n % READERS], id);
        }
    }
    site_must_be_sound(&truth);
    site_must_be_sound(&phone);
}

static void readers_get_everything_but_what_is_hidden(void **state) {
    const char *wish = getenv("RUNS");
    int runs = wish ? (int)strtol(wish, NULL, 10) : WORLDS;
    for (int i = 0; i < runs; i++) {
        if (i > 0) assert_int_equal(tear_down(state) + set_up(state), 0);
        site_add_actor(&truth, "e1", "[]");
        run_world();
        site_close(&phone);
        phone = (site){0};
    }
    print_message("%u fields shown, %u hidden, %u events left out\n", shown_count, hidden_count, left_out);
    assert_true(shown_count > 1000 && hidden_count > 1000 && left_out > 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_state_is_without_what_its_rules_hide),
        TEST(a_hash_is_given_where_nothing_is_hidden),
        TEST(the_past_is_hidden_as_the_present_is),
        TEST(events_that_write_a_hidden_field_are_left_out_whole),
        TEST(events_of_another_version_carry_what_either_writes),
        TEST(a_query_sees_states_without_what_is_hidden),
        TEST(the_order_of_rows_tells_nothing_hidden),
        TEST(an_index_is_used_by_those_who_see_all_of_its_field),
        TEST(a_condition_sees_what_its_sender_may_read),
        TEST(an_expected_version_needs_permission_to_read),
        TEST(a_failure_is_told_to_who_may_read_it),
        TEST(guards_read_everything),
        TEST(a_device_hides_what_is_pending_too),
        TEST(a_disabled_actor_is_powerless),
        TEST(what_a_disabled_actors_device_sends_is_refused),
        TEST(a_batch_of_a_disabled_sender_waits),
        TEST(disabling_counts_at_once),
        TEST(a_resumed_view_shows_what_is),
        TEST(groups_are_read_as_roles_are),
        TEST(readers_get_everything_but_what_is_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
