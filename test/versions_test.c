/*
 * What the cache must not keep: a version, a role or a publication that another process, another batch of the same file
 * or another device has brought meanwhile; and what a batch made by hand must not learn or break.
 *
 * Each test fills a cache, changes the world behind it, and holds what is read against an engine that was opened anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "door/json.h"
#include "io/crypto.h"
#include "io/memory.h"
#include "store/sqlite/sqlite_log.h"
#include "world_testing.h"

static site truth, phone, tablet;
static rk_arena arena;

#define GAME(version, events, upcast)                                                                             \
    "{'module':'game','version':" version ",'truth':'region','fields':{'score':{'type':'integer'},'who':{'type':" \
    "'string'}},'events':{'visit':{'apply':[{'set':'who','to':'actor.id'}]}" events "}" upcast "}"
#define GAIN(by)                                                                            \
    ",'gain':{'data':{'n':{'type':'integer','maximum':5000}},'apply':[{'set':'score','to':" \
    "'state.?score.orValue(0) + data.n * " by "'}]}"

/* `win` counts points; in version 2 it is `gain`, of cents. */
static const char game_1[] = GAME("1",
                                  ",'win':{'data':{'n':{'type':'integer'}},'apply':[{'set':'score','to':"
                                  "'state.?score.orValue(0) + data.n'}]}",
                                  "");
static const char game_2[] =
    GAME("2", GAIN("1"), ",'upcast':{'1':{'win':{'type':'gain','data':'{`n`: data.n * 100}'}}}");
/* Another version 2, of another device: it counts double. */
static const char game_2_other[] =
    GAME("2", GAIN("2"), ",'upcast':{'1':{'win':{'type':'gain','data':'{`n`: data.n * 100}'}}}");
/* A version 2 that forgot `win`, a version 3 that thought of it again, and a version 4 that changes something else. */
static const char game_2_without[] = GAME("2", GAIN("1"), "");
static const char game_3[] =
    GAME("3", GAIN("1"), ",'upcast':{'1':{'win':{'type':'gain','data':'{`n`: data.n * 100}'}}}");
static const char game_4[] = GAME("4", GAIN("1") ",'pass':{'apply':[]}", "");

#define NOTE(version, fields, events, upcast)                                                                   \
    "{'module':'note','version':" version ",'truth':'region','fields':{'name':{'type':'string','merge':'lww'}," \
    "'seen':{'type':'integer','merge':'g-counter'}" fields "},'events':{" events "}" upcast "}"
#define CALL(to) "'call':{'data':{'name':{'type':'string'}},'apply':[{'set':'name','to':'" to "'}]},"
#define COUNT                                                                                                          \
    "'count':{'data':{'ns':{'type':'array','items':{'type':'integer'}}},'apply':[{'each':'data.ns','add':'seen','by':" \
    "'item * 1'}]}"

static const char note_1[] = NOTE("1", "", CALL("data.name") COUNT, "");
/* `call` is another without an upcast, and `count` has one for what is no operation yet. */
static const char note_2[] = NOTE("2", ",'extra':{'type':'integer','merge':'g-counter'}", CALL("data.name + `!`") COUNT,
                                  ",'upcast':{'1':{'count':{'data':'{`ns`: data.ns.map(n, n * 100)}'}}}");
static const char stock[] =
    "{'module':'stock','version':1,'truth':'region','fields':{'level':{'type':'integer','minimum':0}},'events':{"
    "'set':{'data':{'level':{'type':'integer'}},'apply':[{'set':'level','to':'data.level'}]},"
    "'close':{'require':[{'that':'`writer` in actor.roles','else':'only a writer'}],'apply':[{'set':'level','to':'0'}]}"
    ",'take':{'data':{'n':{'type':'integer','minimum':1}},'require':[{'that':'state.level >= data.n','else':"
    "'not enough'}],'apply':[{'set':'level','to':'state.level - data.n'}]}}}";

static const char secret[] =
    "{'module':'secret','version':1,'truth':'region','fields':{'text':{'type':'string'}},'events':{'set':{'data':{"
    "'text':{'type':'string'}},'apply':[{'set':'text','to':'data.text'}]}},'allow':{'read':'`admin` in actor.roles'}}";

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    site_create_truth(&truth, "truth");
    site_publish_text(&truth, stock);
    site_publish_text(&truth, secret);
    site_publish_text(&truth, game_1);
    site_add_actor(&truth, "asha", "[\"writer\"]");
    site_add_actor(&truth, "ravi", "[]");
    site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":5}");
    site_must_submit(&truth, "asha", "game/p", "win", "{\"n\":3}");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    site *sites[] = {&truth, &phone, &tablet};
    for (size_t i = 0; i < 3; i++) {
        if (sites[i]->engine) site_close(sites[i]);
        *sites[i] = (site){0};
    }
    rk_arena_free(&arena);
    return 0;
}

/* A device that is up to date, and the truth knows that it has joined. */
static void create_device(site *site, const char *name, const char *actor) {
    site_create_device(site, name, &truth, actor);
    site_send(site, &truth, 0);
    site_send(&truth, site, 0);
}

/* ---- transactions ---- */

static rk_intent event(const char *entity, const char *type, const char *data) {
    rk_intent intent = {.entity = rk_bytes_of_string(entity), .type = rk_bytes_of_string(type)};
    assert_int_equal(rk_json_read(&arena, rk_bytes_of_string(world_json(data)), &intent.data, NULL), RK_OK);
    return intent;
}

static rk_intent publication(int version, const char *source) {
    static char data[1 << 13];
    snprintf(data, sizeof data, "{'version':%d,'source':%s}", version, source);
    return event("module/game", "publish", data);
}

static rk_intent require(const char *condition) {
    return (rk_intent){.require = rk_bytes_of_string(condition)};
}

static rk_intent expect(const char *entity, uint64_t version) {
    return (rk_intent){.entity = rk_bytes_of_string(entity), .expects = true, .expected = version};
}

static void submit(site *site, const char *actor, const rk_intent *intents, size_t count) {
    rk_entry *entries = NULL;
    rk_error error = {0};
    rk_status status =
        rk_engine_submit(site->engine, rk_bytes_of_string(actor), NULL, intents, count, &arena, &entries, &error);
    if (status != RK_OK) fail_msg("%s: %s: %s", rk_status_name(status), error.where, error.what);
}

typedef struct codes {
    char text[500];
} codes;

static rk_status note_verdict(void *context, const rk_verdict *verdict) {
    codes *codes = context;
    size_t size = strlen(codes->text);
    snprintf(codes->text + size, sizeof codes->text - size, "%.*s ", (int)verdict->code.size,
             (const char *)verdict->code.data);
    return RK_OK;
}

/* The codes of all verdicts there, in the order of batches. */
static const char *verdicts(site *site) {
    static codes codes;
    rk_error error = {0};
    codes.text[0] = 0;
    assert_int_equal(rk_engine_verdicts(site->engine, note_verdict, &codes, &error), RK_OK);
    return codes.text;
}

static void must_read(site *site, const char *entity, const char *expected) {
    assert_string_equal(site_state(site, entity), world_json(expected));
}

/* The same before and after all caches are gone. */
static void must_read_for_good(site *site, const char *entity, const char *expected) {
    must_read(site, entity, expected);
    site_reopen(site);
    must_read(site, entity, expected);
}

static void must_agree(const char *entity) {
    assert_string_equal(site_hash(&phone, entity), site_hash(&truth, entity));
    site_must_be_sound(&truth);
    site_must_be_sound(&phone);
}

/* ---- batches made by hand ---- */

/* What is pending on a site, as one batch of several transactions: a writer that saves its seals. */
static void gather(site *site, rk_batch *out) {
    parcel parcel;
    rk_leaf *leaves = rk_arena_take_array(&arena, 100, sizeof *leaves);
    uint32_t *transactions = rk_arena_take_array(&arena, 100, sizeof *transactions);
    rk_error error = {0};
    *out = (rk_batch){.leaves = leaves, .transactions = transactions};
    parcel_fill(&parcel, site, 0);
    for (size_t i = 0; i < parcel.count; i++) {
        rk_batch batch;
        rk_bytes bytes;
        if (parcel.frames[i].kind != RK_FRAME_PENDING) continue;
        assert_int_equal(rk_arena_copy(&arena, parcel.frames[i].batch, &bytes), RK_OK);
        assert_int_equal(rk_batch_open(&arena, rk_crypto_sodium(), bytes, &batch, &error), RK_OK);
        if (out->leaf_count == 0) out->header = batch.header;
        memcpy(leaves + out->leaf_count, batch.leaves, batch.leaf_count * sizeof *leaves);
        out->leaf_count += batch.leaf_count;
        transactions[out->transaction_count++] = (uint32_t)batch.leaf_count;
    }
    parcel_free(&parcel);
}

/* Sealed by the key that the site has of the actor, and judged. */
static rk_import_report offer(site *site, const char *actor, rk_batch *batch) {
    rk_key_pair pair;
    rk_import *import = NULL;
    rk_import_report report;
    rk_error error = {0};
    uint8_t secret_bytes[RK_SECRET_SIZE] = {1};
    for (size_t i = 0; i < batch->leaf_count; i++) {
        rk_leaf *leaf = &batch->leaves[i];
        rk_status status = leaf->kind == RK_LEAF_EVENT
                               ? rk_event_encode(&arena, &leaf->event, &leaf->bytes)
                               : rk_preconditions_encode(&arena, &leaf->preconditions, &leaf->bytes);
        assert_int_equal(status, RK_OK);
    }
    assert_int_equal(site->host.key_get(site->host.context, RK_OWNER_ACTOR, rk_bytes_of_string(actor), &pair, &error),
                     RK_OK);
    assert_int_equal(rk_batch_seal(&arena, rk_crypto_sodium(), &pair, secret_bytes, batch), RK_OK);
    assert_int_equal(rk_engine_import_start(truth.engine, &import, &error), RK_OK);
    rk_status status = rk_engine_import_batch(import, batch, &error);
    if (status != RK_OK) fail_msg("%s: %s", rk_status_name(status), error.what);
    assert_int_equal(rk_engine_import_finish(import, &report, &error), RK_OK);
    return report;
}

/* ---- views ---- */

static void a_view_is_made_anew_when_a_version_arrives(void **state) {
    (void)state;
    create_device(&phone, "phone", "asha");
    site_must_submit(&phone, "asha", "game/q", "win", "{\"n\":2}");
    must_read(&phone, "game/q", "{'score':2}");
    site_publish_text(&truth, game_2);
    site_send(&truth, &phone, 0);
    must_read_for_good(&phone, "game/q", "{'score':200}");
    site_send(&phone, &truth, 0);
    must_read(&truth, "game/q", "{'score':200}");
}

static void a_view_is_made_anew_when_a_role_goes(void **state) {
    (void)state;
    create_device(&phone, "phone", "asha");
    site_must_submit(&phone, "asha", "stock/tea", "close", NULL);
    must_read(&phone, "stock/tea", "{'level':0}");
    site_must_submit(&truth, "owner", "actor/asha", "set-roles", "{\"roles\":[]}");
    site_send(&truth, &phone, 0);
    must_read_for_good(&phone, "stock/tea", "{'level':5}");
}

static void a_view_is_made_anew_after_an_own_publication(void **state) {
    (void)state;
    create_device(&phone, "phone", "owner");
    site_must_submit(&phone, "owner", "game/q", "win", "{\"n\":2}");
    must_read(&phone, "game/q", "{'score':2}");
    const rk_intent publish[] = {publication(2, game_2)};
    submit(&phone, "owner", publish, 1);
    must_read_for_good(&phone, "game/q", "{'score':200}");
}

/* The tablet is another process on the phone's folder. */
static void open_twice(void) {
    rk_error error = {0};
    tablet = phone;
    tablet.host.context = &tablet;
    tablet.host.path = tablet.path;
    assert_int_equal(rk_engine_open(&tablet.host, RK_LOG_READ_WRITE, &tablet.engine, &error), RK_OK);
}

/* Two engines on one folder: one reads, the other imports. */
static void a_view_is_made_anew_when_another_process_imports(void **state) {
    (void)state;
    create_device(&phone, "phone", "asha");
    site_must_submit(&phone, "asha", "game/q", "win", "{\"n\":2}");
    must_read(&phone, "game/q", "{'score':2}");
    open_twice();
    site_publish_text(&truth, game_2);
    site_send(&truth, &tablet, 0);
    must_read(&tablet, "game/q", "{'score':200}");
    must_read(&phone, "game/q", "{'score':200}");
    site_must_submit(&truth, "owner", "actor/asha", "set-roles", "{\"roles\":[]}");
    site_send(&truth, &tablet, 0);
    must_read_for_good(&phone, "game/q", "{'score':200}");
}

/* At the truth, too, one process publishes and another one judges and reads. */
static void a_version_counts_when_another_process_publishes(void **state) {
    (void)state;
    create_device(&phone, "phone", "asha");
    site_must_submit(&phone, "asha", "game/p", "win", "{\"n\":2}");
    tablet = truth;
    tablet.host.context = &tablet;
    tablet.host.path = tablet.path;
    rk_error error = {0};
    assert_int_equal(rk_engine_open(&tablet.host, RK_LOG_READ_WRITE, &tablet.engine, &error), RK_OK);
    must_read(&tablet, "game/p", "{'score':3}");
    site_publish_text(&truth, game_2);
    site_send(&phone, &tablet, 0);
    must_read(&truth, "game/p", "{'score':203}");
    site_must_submit(&tablet, "asha", "game/p", "gain", "{\"n\":1}");
    must_read_for_good(&tablet, "game/p", "{'score':204}");
    must_read_for_good(&truth, "game/p", "{'score':204}");
}

/* ---- publications ---- */

/* The device has compiled its own version 2 when the truth's comes, which is another. */
static void a_publication_that_lost_is_compiled_no_more(void **state) {
    (void)state;
    create_device(&phone, "phone", "owner");
    const rk_intent publish[] = {publication(2, game_2_other)};
    submit(&phone, "owner", publish, 1);
    site_must_submit(&phone, "owner", "game/p", "gain", "{\"n\":10}");
    must_read(&phone, "game/p", "{'score':23}");
    site_publish_text(&truth, game_2);
    site_must_submit(&truth, "owner", "game/p", "gain", "{\"n\":4}");
    site_send(&truth, &phone, 0);
    must_read_for_good(&phone, "game/p", "{'score':17}");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    must_read_for_good(&phone, "game/p", "{'score':17}");
    assert_string_equal(verdicts(&phone), "require_failed ");
    must_agree("game/p");
}

static void a_publication_that_lost_in_another_process_is_compiled_no_more(void **state) {
    (void)state;
    create_device(&phone, "phone", "owner");
    const rk_intent publish[] = {publication(2, game_2_other)};
    submit(&phone, "owner", publish, 1);
    site_must_submit(&phone, "owner", "game/p", "gain", "{\"n\":10}");
    must_read(&phone, "game/p", "{'score':23}");
    open_twice();
    site_publish_text(&truth, game_2);
    site_must_submit(&truth, "owner", "game/p", "gain", "{\"n\":4}");
    site_send(&truth, &tablet, 0);
    must_read_for_good(&phone, "game/p", "{'score':17}");
}

/* Events of a version whose publication the truth never took. */
static void events_of_a_version_that_was_refused_fall(void **state) {
    (void)state;
    create_device(&phone, "phone", "owner");
    const rk_intent publish[] = {publication(2, game_2), expect("stock/tea", 1)};
    submit(&phone, "owner", publish, 2);
    site_must_submit(&phone, "owner", "game/p", "gain", "{\"n\":10}");
    site_must_submit(&phone, "owner", "game/p", "visit", NULL);
    site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":6}");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    assert_string_equal(verdicts(&phone), "version_conflict unknown_module unknown_module ");
    must_read_for_good(&phone, "game/p", "{'score':3}");
    must_agree("game/p");
}

/*
 * In one file: a batch that publishes, and one whose refusal makes the truth load what the first has written. What was
 * known of the module's versions before the first was committed is not enough then.
 */
static void a_batch_of_the_same_file_may_have_published(void **state) {
    (void)state;
    create_device(&phone, "phone", "owner");
    const rk_intent first[] = {publication(2, game_2), event("game/p", "gain", "{'n':10}")};
    const rk_intent second[] = {event("game/p", "gain", "{'n':20}"), event("stock/tea", "take", "{'n':4}")};
    submit(&phone, "owner", first, 2);
    submit(&phone, "owner", second, 2);
    site_must_submit(&phone, "owner", "game/p", "gain", "{\"n\":30}");
    site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":1}");
    site_reopen(&truth);
    assert_int_equal(site_send(&phone, &truth, 0).transactions_refused, 1);
    must_read_for_good(&truth, "game/p", "{'score':43}");
    site_send(&truth, &phone, 0);
    assert_string_equal(verdicts(&phone), "require_failed ");
    must_agree("game/p");
}

/* The second is refused: what the first has published and written is folded once more, by what it published. */
static void a_transaction_of_the_same_batch_may_have_published(void **state) {
    (void)state;
    rk_batch batch;
    create_device(&phone, "phone", "owner");
    const rk_intent first[] = {publication(2, game_2), event("game/q", "gain", "{'n':10}")};
    submit(&phone, "owner", first, 2);
    const rk_intent third[] = {publication(3, game_3), event("game/q", "gain", "{'n':20}"),
                               event("stock/tea", "take", "{'n':4}")};
    const rk_intent second[] = {expect("game/q", 1), event("stock/rice", "set", "{'level':7}")};
    submit(&phone, "owner", second, 2);
    submit(&phone, "owner", third, 3);
    site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":1}");
    gather(&phone, &batch);
    /* The order in which they are judged: publish, what is refused, what expects. Ids ascend. */
    assert_int_equal(batch.transaction_count, 3);
    rk_leaf *leaves = rk_arena_take_array(&arena, batch.leaf_count, sizeof *leaves);
    memcpy(leaves, batch.leaves, 2 * sizeof *leaves);
    memcpy(leaves + 2, batch.leaves + 4, 3 * sizeof *leaves);
    memcpy(leaves + 5, batch.leaves + 2, 2 * sizeof *leaves);
    leaves[6].event.id.stamp = leaves[4].event.id.stamp + 1;
    batch.leaves = leaves;
    batch.transactions = (const uint32_t[]){2, 3, 2};
    assert_int_equal(offer(&phone, "owner", &batch).transactions_refused, 1);
    assert_string_equal(verdicts(&truth), "require_failed ");
    must_read(&truth, "stock/rice", "{'level':7}");
    must_read_for_good(&truth, "game/q", "{'score':10}");
    site_must_be_sound(&truth);
}

/* What a version in between has forgotten, and a later one has not, leads on from there. */
static void an_upcast_leads_past_a_version_that_has_none(void **state) {
    (void)state;
    create_device(&phone, "phone", "asha");
    site_must_submit(&phone, "asha", "game/p", "win", "{\"n\":1}");
    site_must_submit(&phone, "asha", "game/q", "win", "{\"n\":2}");
    site_publish_text(&truth, game_2_without);
    site_publish_text(&truth, game_3);
    site_publish_text(&truth, game_4);
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    must_read_for_good(&phone, "game/p", "{'score':103}");
    must_read(&phone, "game/q", "{'score':200}");
    assert_string_equal(verdicts(&phone), "");
    must_agree("game/p");
}

/* What the writer has resolved stays, whatever the current version would make of the data. */
static void operations_are_those_of_the_version_that_wrote_them(void **state) {
    (void)state;
    site_publish_text(&truth, note_1);
    create_device(&phone, "phone", "asha");
    site_must_submit(&phone, "asha", "note/n", "call", "{\"name\":\"N\"}");
    site_must_submit(&phone, "asha", "note/n", "count", "{\"ns\":[1,2]}");
    site_publish_text(&truth, note_2);
    assert_int_equal(site_send(&phone, &truth, 0).transactions_refused, 0);
    site_send(&truth, &phone, 0);
    must_read_for_good(&truth, "note/n", "{'name':'N','seen':3,'extra':0}");
    site_must_submit(&truth, "asha", "note/n", "call", "{\"name\":\"M\"}");
    must_read(&truth, "note/n", "{'name':'M!','seen':3,'extra':0}");
    must_agree("module/note");
}

/* Right before the publication the fields are those of the version before it; with it, they are its own. */
static void the_past_reads_by_the_version_of_its_time(void **state) {
    (void)state;
    rk_entry *before = NULL, *after = NULL;
    rk_error error = {0};
    static char data[1 << 13];
    site_publish_text(&truth, note_1);
    const rk_intent call = event("note/n", "call", "{'name':'N'}");
    assert_int_equal(rk_engine_submit(truth.engine, RK_TEXT("asha"), NULL, &call, 1, &arena, &before, &error), RK_OK);
    snprintf(data, sizeof data, "{'version':2,'source':%s}", note_2);
    const rk_intent publish = event("module/note", "publish", data);
    assert_int_equal(rk_engine_submit(truth.engine, RK_TEXT("owner"), NULL, &publish, 1, &arena, &after, &error),
                     RK_OK);
    const rk_at ats[] = {{.kind = RK_AT_EVENT, .event = before->event.id},
                         {.kind = RK_AT_EVENT, .event = after->event.id}};
    for (size_t i = 0; i < 2; i++) {
        rk_reading reading;
        assert_int_equal(rk_engine_get(truth.engine, RK_TEXT("note/n"), &ats[i], &arena, &reading, &error), RK_OK);
        assert_int_equal(rk_map_find(&reading.state, RK_TEXT("extra")) != NULL, i);
    }
}

/* ---- conditions ---- */

/*
 * Ravi's device seals, with Ravi's key, a transaction that says it is the owner's. It is refused either way; that the
 * answer does not tell whether the condition holds is what this is about.
 */
static void a_condition_is_not_asked_for_somebody_elses_key(void **state) {
    (void)state;
    site_must_submit(&truth, "owner", "secret/s", "set", "{\"text\":\"42\"}");
    create_device(&phone, "phone", "ravi");
    for (int i = 0; i < 3; i++) {
        static const char *const guesses[] = {"states['secret/s'].text == '41'", "states['secret/s'].text == '42'",
                                              "1 +"};
        rk_batch batch;
        rk_bytes condition = rk_bytes_of_string(guesses[i]);
        const rk_intent intents[] = {require("true"), event("stock/rice", "set", "{'level':7}")};
        submit(&phone, "ravi", intents, 2);
        gather(&phone, &batch);
        batch.leaves[0].preconditions.conditions = &condition;
        batch.leaves[1].event.actor = RK_TEXT("owner");
        assert_int_equal(offer(&phone, "ravi", &batch).transactions_refused, 1);
        assert_string_equal(verdicts(&truth), i == 0   ? "unknown_key "
                                              : i == 1 ? "unknown_key unknown_key "
                                                       : "unknown_key unknown_key unknown_key ");
        phone.engine = (site_close(&phone), NULL);
        create_device(&phone, i ? "phone-3" : "phone-2", "ravi");
    }
}

static size_t salt_reads;

/* Counts appends whose read set has stock/salt at version 0. */
static rk_status spy_append(rk_log *log, const rk_append *append, rk_error *error) {
    for (size_t i = 0; i < append->read_count; i++) {
        bool salt = rk_bytes_equal(append->reads[i].entity, RK_TEXT("stock/salt"));
        salt_reads += salt && append->reads[i].version == 0;
    }
    return rk_log_sqlite()->append(log, append, error);
}

static void reopen_with_spy(void) {
    static rk_log_ops spy; /* outlives the test: tear_down closes with it */
    rk_error error = {0};
    spy = *rk_log_sqlite();
    spy.append = spy_append;
    salt_reads = 0;
    site_close(&truth);
    truth.host.store = &spy;
    assert_int_equal(rk_engine_open(&truth.host, RK_LOG_READ_WRITE, &truth.engine, &error), RK_OK);
}

static void what_a_condition_looked_at_is_in_the_read_set(void **state) {
    (void)state;
    reopen_with_spy();
    const rk_intent asks[] = {require("!states[?'stock/salt'].hasValue()"), event("stock/rice", "set", "{'level':7}")};
    submit(&truth, "asha", asks, 2);
    assert_int_equal(salt_reads, 1);
    const rk_intent expects[] = {expect("stock/salt", 0), event("stock/rice", "set", "{'level':8}")};
    submit(&truth, "asha", expects, 2);
    assert_int_equal(salt_reads, 2);
}

/* A transaction before it, refused, has written what the condition looks at. */
static void what_a_refused_transaction_wrote_is_noted_when_it_is_looked_at(void **state) {
    (void)state;
    rk_batch batch;
    create_device(&phone, "phone", "asha");
    const rk_intent writes[] = {event("stock/salt", "set", "{'level':1}"), event("stock/tea", "take", "{'n':4}")};
    const rk_intent asks[] = {require("states[?'stock/salt'].hasValue()"), event("stock/rice", "set", "{'level':7}")};
    submit(&phone, "asha", writes, 2);
    submit(&phone, "asha", asks, 2);
    site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":1}");
    reopen_with_spy();
    gather(&phone, &batch);
    rk_bytes condition = RK_TEXT("!states[?'stock/salt'].hasValue()");
    batch.leaves[2].preconditions.conditions = &condition;
    assert_int_equal(offer(&phone, "asha", &batch).transactions_refused, 1);
    must_read(&truth, "stock/rice", "{'level':7}");
    assert_int_equal(salt_reads, 1);
}

/* Built-in entities are read like any other; what has no module there is refused with its name. */
static void conditions_may_name_actors_and_modules(void **state) {
    (void)state;
    create_device(&phone, "phone", "owner");
    const rk_intent publish[] = {publication(2, game_2)};
    const rk_intent fine[] = {require("states['actor/ravi'].roles == [] && states['module/game'].version == 2"),
                              expect("actor/ravi", 1), event("stock/rice", "set", "{'level':7}")};
    submit(&phone, "owner", publish, 1);
    submit(&phone, "owner", fine, 3);
    site_send(&phone, &truth, 0);
    assert_string_equal(verdicts(&truth), "");
    must_read(&truth, "stock/rice", "{'level':7}");
    static const char board[] = "{'module':'board','version':1,'truth':'region','fields':{'n':{'type':'integer'}},"
                                "'events':{'up':{'apply':[{'set':'n','to':'1'}]}}}";
    static char data[2000];
    snprintf(data, sizeof data, "{'version':1,'source':%s}", board);
    const rk_intent unknown[] = {event("module/board", "publish", data), expect("stock/tea", 1)};
    const rk_intent asks[] = {require("!states[?'board/b'].hasValue()"), event("stock/rice", "set", "{'level':8}")};
    const rk_intent expects[] = {expect("board/b", 0), event("stock/rice", "set", "{'level':9}")};
    const rk_intent writes[] = {event("board/b", "up", "{}")};
    submit(&phone, "owner", unknown, 2);
    submit(&phone, "owner", asks, 2);
    submit(&phone, "owner", expects, 2);
    submit(&phone, "owner", writes, 1);
    site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":1}");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    assert_string_equal(verdicts(&phone), "version_conflict unknown_module unknown_module ");
    must_read_for_good(&phone, "stock/rice", "{'level':9}");
    must_agree("stock/rice");
}

/* ---- a restored truth ---- */

static void restore(const site *backup) {
    site_close(&truth);
    truth = *backup;
    site_reopen(&truth);
}

/* The device's log is longer than that of the restored truth, of which it has seen nothing: nothing is noted yet. */
static void a_verdict_waits_for_a_device_that_knows_the_log_of_before(void **state) {
    (void)state;
    static site backup;
    create_device(&phone, "phone", "asha");
    site_copy(&truth, &backup, "backup");
    for (int i = 0; i < 9; i++) site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":5}");
    site_send(&truth, &phone, 0);
    site_must_submit(&phone, "asha", "stock/tea", "take", "{\"n\":5}");
    restore(&backup);
    site_must_submit(&truth, "asha", "stock/tea", "set", "{\"level\":4}");
    assert_int_equal(site_send(&phone, &truth, 0).transactions_refused, 1);
    site_send(&phone, &truth, 0);
    assert_string_equal(verdicts(&truth), "require_failed ");
    site_send(&truth, &phone, 0);
    assert_string_equal(verdicts(&phone), "require_failed ");
    site_send(&phone, &truth, 0);
    assert_string_equal(verdicts(&truth), "");
}

/* One process of the device takes the publication back, the other has read by it. */
static void a_publication_that_another_process_takes_back_is_forgotten(void **state) {
    (void)state;
    static site backup;
    create_device(&phone, "phone", "asha");
    site_copy(&truth, &backup, "backup");
    site_publish_text(&truth, game_2);
    site_must_submit(&truth, "owner", "game/p", "gain", "{\"n\":7}");
    site_send(&truth, &phone, 0);
    must_read(&phone, "game/p", "{'score':10}");
    restore(&backup);
    site_publish_text(&truth, game_2_other);
    site_must_submit(&truth, "owner", "game/p", "gain", "{\"n\":7}");
    open_twice();
    site_send(&truth, &tablet, 0);
    must_read_for_good(&phone, "game/p", "{'score':17}");
}

/* Version 2 is taken back on the device; its entities then read, and its proposals are judged, by version 1 again. */
static void a_publication_that_is_taken_back_is_forgotten(void **state) {
    (void)state;
    static site backup;
    create_device(&phone, "phone", "owner");
    site_copy(&truth, &backup, "backup");
    site_publish_text(&truth, game_2);
    site_must_submit(&truth, "owner", "game/p", "gain", "{\"n\":7}");
    site_send(&truth, &phone, 0);
    site_must_submit(&phone, "owner", "game/q", "gain", "{\"n\":5}");
    must_read(&phone, "game/p", "{'score':10}");
    must_read(&phone, "game/q", "{'score':5}");
    restore(&backup);
    site_must_submit(&truth, "owner", "game/p", "win", "{\"n\":1}");
    site_send(&truth, &phone, 0);
    must_read_for_good(&phone, "game/p", "{'score':4}");
    must_read_for_good(&phone, "game/q", "{}");
    site_publish_text(&truth, game_2_other);
    site_send(&truth, &phone, 0);
    must_read_for_good(&phone, "game/q", "{'score':10}");
    site_send(&phone, &truth, 0);
    site_send(&truth, &phone, 0);
    must_read_for_good(&phone, "game/q", "{'score':10}");
    must_agree("game/q");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_view_is_made_anew_when_a_version_arrives),
        TEST(a_view_is_made_anew_when_a_role_goes),
        TEST(a_view_is_made_anew_after_an_own_publication),
        TEST(a_view_is_made_anew_when_another_process_imports),
        TEST(a_version_counts_when_another_process_publishes),
        TEST(a_publication_that_another_process_takes_back_is_forgotten),
        TEST(a_publication_that_lost_is_compiled_no_more),
        TEST(a_publication_that_lost_in_another_process_is_compiled_no_more),
        TEST(events_of_a_version_that_was_refused_fall),
        TEST(a_batch_of_the_same_file_may_have_published),
        TEST(a_transaction_of_the_same_batch_may_have_published),
        TEST(an_upcast_leads_past_a_version_that_has_none),
        TEST(operations_are_those_of_the_version_that_wrote_them),
        TEST(the_past_reads_by_the_version_of_its_time),
        TEST(a_condition_is_not_asked_for_somebody_elses_key),
        TEST(what_a_condition_looked_at_is_in_the_read_set),
        TEST(what_a_refused_transaction_wrote_is_noted_when_it_is_looked_at),
        TEST(conditions_may_name_actors_and_modules),
        TEST(a_verdict_waits_for_a_device_that_knows_the_log_of_before),
        TEST(a_publication_that_is_taken_back_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
