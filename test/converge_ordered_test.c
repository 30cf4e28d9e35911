/*
 * Convergence of what is ordered: guards, `each`, `when`, removals, conditions, expected versions and transactions over
 * several entities, while the module goes from version 1 to 2 to 3 and devices lag behind.
 *
 * Strategy: as converge_test.c. One of two different versions 2 is published, so that a restored truth may go on with
 * the other; the first device is the owner's, and publishes too. Each run has a seed: SEED=N RUNS=1 has it again.
 *
 * Invariants
 *   (1) After a full exchange every replica has the same state hash for every entity, and nothing is pending.
 *   (2) Verify and replay find nothing, anywhere.
 *   (3) What an entity was at a version it stays, at every site, read by the fields of that time.
 *   (4) A transaction is in the log whole or not at all; of each that is not, its device has a verdict with a code.
 *   (5) What a device shows is the same from its cache and after it was opened anew.
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
#include "fleet_testing.h"
#include "io/memory.h"

enum { STEPS = 250, RUNS = 4, ENTITIES = 3, MOMENTS_MAX = 400, SENT_MAX = 2000 };

static const char *const entities[] = {"shop/a", "shop/b", "shop/c", "module/shop", "actor/d1", "actor/d2"};
static const char *const actors[FLEET_DEVICES] = {"owner", "d1", "d2", "d3", "d4"};
static rk_arena arena; /* of one step */
static unsigned long seed;

/* ---- the module ---- */

#define SHOP(version, fields, events, upcast)                                                                        \
    "{'module':'shop','version':" version ",'truth':'region','fields':{'stock':{'type':'object',"                    \
    "'additionalProperties':{'type':'object','properties':{'n':{'type':'integer','minimum':0},'by':{'type':"         \
    "'string'}},'required':['n']}},'total':{'type':'integer','minimum':0,'maximum':30},'name':{'type':'string',"     \
    "'merge':'lww'},'seen':{'type':'integer','merge':'g-counter'},'tags':{'type':'string','merge':'or-set'},'bio':{" \
    "'type':'string','merge':'rga'}" fields "},'events':{" EVENTS "," events "}" upcast "}"

/* In every version word for word. */
#define EVENTS                                                                                                         \
    "'drop':{'data':{'skus':{'type':'array','items':{'type':'string'}}},'apply':[{'each':'data.skus','set':"           \
    "'stock[item]','to':'optional.none()'}]},"                                                                         \
    "'clear':{'apply':[{'set':'stock','to':'optional.none()'},{'set':'total','to':'optional.none()'}]},"               \
    "'spoil':{'data':{'sku':{'type':'string'}},'apply':[{'set':'stock[data.sku].n','to':'optional.none()'}]},"         \
    "'sign':{'data':{'sku':{'type':'string'},'yes':{'type':'boolean'}},'apply':[{'when':'has(state.stock) && data.sku" \
    " in state.stock','set':'stock[data.sku].by','to':'data.yes ? optional.of(actor.id) : optional.none()'}]},"        \
    "'close':{'require':[{'that':'`writer` in actor.roles','else':'only a writer'}],'apply':[{'set':'total','to':"     \
    "'0'}]},"                                                                                                          \
    "'see':{'data':{'ns':{'type':'array','items':{'type':'integer'}}},'apply':[{'each':'data.ns','when':'item > 0',"   \
    "'add':'seen','by':'item'}]},"                                                                                     \
    "'tag':{'data':{'tags':{'type':'array','items':{'type':'string'}},'not':{'type':'array','items':{'type':'string'"  \
    "},'required':false}},'apply':[{'each':'data.tags','insert':'tags','value':'item'}]},"                             \
    "'untag':{'data':{'tags':{'type':'array','items':{'type':'string'}}},'apply':[{'each':'data.tags','remove':"       \
    "'tags','value':'item'}]},"                                                                                        \
    "'write':{'data':{'edits':{'type':'array'}},'apply':[{'splice':'bio','edits':'data.edits'}]}"

#define LINES "{'type':'array','items':{'type':'object','properties':{'sku':{'type':'string'},'n':{'type':'integer'}}}}"
#define PUT(list)                                                                                  \
    "{'each':'data." list "','when':'item.n >= 0','set':'stock[item.sku].n','to':'item.n'},"       \
    "{'each':'data." list "','when':'item.n < 0','set':'stock[item.sku]','to':'optional.none()'}," \
    "{'each':'data." list "','when':'item.n > 2','insert':'tags','value':'item.sku'},"             \
    "{'set':'total','to':'state.?total.orValue(0) + size(data." list ")'}"
#define TAKE(bound, more)                                                                                      \
    "'take':{'data':{'sku':{'type':'string'},'n':{'type':'integer','minimum':1" bound "}" more "},'require':[" \
    "{'that':'has(state.stock) && data.sku in state.stock','else':'there is none'},{'that':"                   \
    "'state.stock[data.sku].n >= data.n','else':'not enough'}],'apply':[{'set':'stock[data.sku].n','to':"      \
    "'state.stock[data.sku].n - data.n'}]}"
#define MORE                                                                                                          \
    "[{'set':'stock[data.sku].n','to':'(has(state.stock) && data.sku in state.stock ? state.stock[data.sku].n : 0) +" \
    " data.n'}]}"
#define SKU_N   "'data':{'sku':{'type':'string'},'n':{'type':'integer'}}"
#define RECEIVE "'receive':{" SKU_N ",'require':[{'that':'data.n > 0','else':'nothing'}],'apply':" MORE
#define RENAME(to)                                                                                                    \
    "'rename':{'data':{'name':{'type':'string'},'loud':{'type':'boolean'}},'apply':[{'when':'data.loud','set':'name'" \
    ",'to':'" to "'}]}"
#define QUICK(guard) "'quick':{'data':{'n':{'type':'integer'}}" guard ",'apply':[{'add':'seen','by':'data.n'}]}"
#define GUARD        ",'require':[{'that':'has(state.total)','else':'not open'}]"

static const char shop_1[] =
    SHOP("1", "",
         "'put':{'data':{'lines':" LINES
         "},'apply':[" PUT("lines") "]}," TAKE("", "") ",'give':{" SKU_N ",'apply':" MORE "," RENAME(
             "data.name") "," QUICK("") ",'legacy':{'data':{'n':{'type':'integer'}},'apply':["
                                        "{'set':'total','to':'data.n'}]}",
         "");

/* `put` and `give` have upcasts; `take`, `rename` and `quick` change without one; `legacy` is no more. */
#define SHOP_2(bound, times)                                                                                        \
    SHOP("2", ",'moves':{'type':'integer'}",                                                                        \
         "'put':{'data':{'items':" LINES ",'why':{'type':'string'}},'apply':[" PUT(                                 \
             "items") ",{'set':'moves','to':"                                                                       \
                      "'state.?moves.orValue(0) + 1'}]}," TAKE(",'maximum':" bound, "") "," RECEIVE "," RENAME(     \
                          "data.name + `!`") "," QUICK(GUARD),                                                      \
         ",'upcast':{'1':{'put':{'data':'{`items`: data.lines, `why`: event.id}'},'give':{'type':'receive','data':" \
         "'{`sku`: data.sku, `n`: data.n * " times "}'}}}")

static const char shop_2[] = SHOP_2("5", "2");
static const char shop_2_other[] = SHOP_2("3", "3");

/* Follows version 2, but for `legacy`, which it takes up again from version 1. */
static const char shop_3[] =
    SHOP("3", ",'moves':{'type':'integer'},'last':{'type':'string'}",
         "'put':{'data':{'items':" LINES ",'who':{'type':'string'}},'apply':[" PUT(
             "items") ",{'set':'last','to':"
                      "'data.who'}]}," TAKE("", ",'who':{'type':'string'}") "," RECEIVE "," RENAME(
                          "data.name + `!`") "," QUICK(GUARD) ",'reset':{'data':{'n':{'type':'integer','minimum':0}},'"
                                                              "apply':[{'set':'total','to':'data.n'}]}",
         ",'upcast':{'1':{'legacy':{'type':'reset'}},'2':{'put':{'data':'{`items`: data.items, `who`: actor.id}'},"
         "'take':{'data':'{`sku`: data.sku, `n`: data.n, `who`: actor.id}'}}}");

/* ---- what was seen and sent ---- */

/* An entity at a version, as the truth had it. */
typedef struct moment {
    const char *entity;
    uint64_t version;
    rk_hash hash;
    char *text;
} moment;

/* A transaction of a device. */
typedef struct sent {
    size_t device;
    size_t count;
    rk_id ids[4];
    size_t found; /* of them in the truth's log */
} sent;

static moment moments[MOMENTS_MAX];
static size_t moment_count;
static sent sents[SENT_MAX];
static size_t sent_count;

static char *text_of(const rk_value *value) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, &arena, 1 << 20);
    rk_json_print(&buffer, value);
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    char *out = malloc(text.size + 1);
    assert_non_null(out);
    memcpy(out, text.data, text.size);
    out[text.size] = 0;
    return out;
}

static rk_status read_at(site *site, const char *entity, uint64_t version, rk_reading *reading) {
    const rk_at at = {.kind = RK_AT_VERSION, .version = version};
    rk_error error = {0};
    return rk_engine_get(site->engine, rk_bytes_of_string(entity), version ? &at : NULL, &arena, reading, &error);
}

static void note_moment(void) {
    const char *entity = entities[world_random() % ENTITIES];
    rk_reading now, then;
    if (read_at(&fleet.truth, entity, 0, &now) != RK_OK || moment_count == MOMENTS_MAX) return;
    assert_int_equal(read_at(&fleet.truth, entity, now.version, &then), RK_OK);
    assert_true(rk_hash_equal(&now.hash, &then.hash));
    moments[moment_count++] = (moment){entity, now.version, then.hash, text_of(&then.state)};
}

static void must_be_as_it_was(site *site, const moment *moment) {
    rk_reading then;
    if (read_at(site, moment->entity, moment->version, &then) != RK_OK) {
        fail_msg("%s has no version %d", moment->entity, (int)moment->version);
    }
    char *text = text_of(&then.state);
    if (!rk_hash_equal(&then.hash, &moment->hash) || strcmp(text, moment->text) != 0) {
        fail_msg("%s at %d was %s and is %s", moment->entity, (int)moment->version, moment->text, text);
    }
    free(text);
}

/* What a restored truth no longer has was never. */
static void forget_moments(void) {
    size_t kept = 0;
    for (size_t i = 0; i < moment_count; i++) {
        if (moments[i].version <= site_version(&fleet.truth, moments[i].entity)) {
            moments[kept++] = moments[i];
        } else {
            free(moments[i].text);
        }
    }
    moment_count = kept;
}

static rk_status find_sent(void *context, const rk_entry *entry) {
    (void)context;
    for (size_t i = 0; i < sent_count; i++) {
        for (size_t n = 0; n < sents[i].count; n++) sents[i].found += rk_id_equal(sents[i].ids[n], entry->event.id);
    }
    return RK_OK;
}

static rk_status count_verdict(void *context, const rk_verdict *verdict) {
    assert_true(verdict->code.size > 0 && !rk_bytes_equal(verdict->code, RK_TEXT("ok")));
    ++*(size_t *)context;
    return RK_OK;
}

static void every_transaction_must_have_its_answer(void) {
    size_t refused[FLEET_DEVICES] = {0};
    rk_error error = {0};
    assert_int_equal(
        rk_engine_log(fleet.truth.engine, (rk_bytes){NULL, 0}, 0, UINT64_MAX, false, find_sent, NULL, &error), RK_OK);
    for (size_t i = 0; i < sent_count; i++) {
        assert_true(sents[i].found == 0 || sents[i].found == sents[i].count);
        refused[sents[i].device] += sents[i].found == 0;
    }
    for (size_t i = 0; i < FLEET_DEVICES; i++) {
        size_t verdicts = 0;
        assert_int_equal(rk_engine_verdicts(fleet.devices[i].engine, count_verdict, &verdicts, &error), RK_OK);
        assert_int_equal(verdicts, refused[i]);
    }
}

/* ---- random changes ---- */

static int below(int bound) {
    return (int)(world_random() % (uint64_t)bound);
}

/* A list of up to three, each written by `one`. */
static void list(char *out, size_t size, void (*one)(char *out, size_t size)) {
    size_t end = (size_t)snprintf(out, size, "[");
    for (int i = below(4); i > 0; i--) {
        one(out + end, size - end);
        end += strlen(out + end);
        if (i > 1) end += (size_t)snprintf(out + end, size - end, ",");
    }
    snprintf(out + end, size - end, "]");
}

static void sku(char *out, size_t size) {
    snprintf(out, size, "'s%d'", below(6));
}

static void number(char *out, size_t size) {
    snprintf(out, size, "%d", below(6) - 2);
}

static void line(char *out, size_t size) {
    snprintf(out, size, "{'sku':'s%d','n':%d}", below(6), below(12) - 3);
}

/* At the start or after what may be there: a position past the end is refused where it is written. */
static void edit(char *out, size_t size) {
    static const char *const texts[] = {"", "a", "xyz", "longer text "};
    snprintf(out, size, "[%d,%d,'%s']", below(3), below(2), texts[below(4)]);
}

/* An event as the version that this site knows has it. */
static void random_event(uint32_t version, const char **type_out, char *data, size_t size) {
    char several[300];
    switch (below(17)) {
    case 0:
    case 1:
    case 2:
        *type_out = "put";
        list(several, sizeof several, line);
        snprintf(data, size,
                 version == 1   ? "{'lines':%s}"
                 : version == 2 ? "{'items':%s,'why':'x'}"
                                : "{'items':%s,"
                                  "'who':'x'}",
                 several);
        return;
    case 3:
    case 4:
        *type_out = "take";
        snprintf(data, size, "{'sku':'s%d','n':%d%s}", below(6), below(8), version == 3 ? ",'who':'x'" : "");
        return;
    case 5:
        *type_out = version == 1 ? "give" : "receive";
        snprintf(data, size, "{'sku':'s%d','n':%d}", below(6), below(9) - 2);
        return;
    case 6:
        *type_out = "drop";
        list(several, sizeof several, sku);
        snprintf(data, size, "{'skus':%s}", several);
        return;
    case 7:
        *type_out = below(2) ? "close" : "clear";
        snprintf(data, size, "{}");
        return;
    case 8:
        *type_out = "spoil";
        snprintf(data, size, "{'sku':'s%d'}", below(6));
        return;
    case 9:
        *type_out = "sign";
        snprintf(data, size, "{'sku':'s%d','yes':%s}", below(6), below(2) ? "true" : "false");
        return;
    case 10:
        *type_out = "see";
        list(several, sizeof several, number);
        snprintf(data, size, "{'ns':%s}", several);
        return;
    case 11:
    case 12:
        *type_out = below(2) ? "tag" : "untag";
        list(several, sizeof several, sku);
        snprintf(data, size, "{'tags':%s}", several);
        return;
    case 13:
        *type_out = "write";
        list(several, sizeof several, edit);
        snprintf(data, size, "{'edits':%s}", several);
        return;
    case 14:
        *type_out = "rename";
        snprintf(data, size, "{'name':'n%d','loud':%s}", below(100), below(2) ? "true" : "false");
        return;
    case 15:
        *type_out = "quick";
        snprintf(data, size, "{'n':%d}", below(5));
        return;
    default:
        *type_out = version == 1 ? "legacy" : version == 2 ? "close" : "reset";
        snprintf(data, size, version == 2 ? "{}" : "{'n':%d}", below(20));
    }
}

static uint32_t version_at(site *site) {
    const rk_module *module = NULL;
    rk_error error = {0};
    rk_status status = rk_engine_module(site->engine, RK_TEXT("shop"), 0, &module, &error);
    return status == RK_OK ? module->version : 0;
}

static rk_value value_of(const char *text) {
    rk_value value;
    rk_error error = {0};
    if (rk_json_read(&arena, rk_bytes_of_string(world_json(text)), &value, &error) != RK_OK) {
        fail_msg("%s: %s", text, error.what);
    }
    return value;
}

static rk_intent random_intent(uint32_t version) {
    const char *type = NULL;
    char data[400];
    random_event(version, &type, data, sizeof data);
    return (rk_intent){.entity = rk_bytes_of_string(entities[below(ENTITIES)]),
                       .type = rk_bytes_of_string(type),
                       .data = value_of(data)};
}

static rk_intent random_check(site *site) {
    static const char *const conditions[] = {
        "states[?'shop/a'].hasValue() && states['shop/a'].?total.orValue(0) >= 1",
        "!states[?'shop/b'].hasValue() || states['shop/b'].seen < 40",
        "actor.id == 'owner' || 'writer' in states['actor/d1'].roles",
        "states['module/shop'].version < 3 || !states[?'shop/c'].hasValue()",
    };
    const char *entity = entities[below(ENTITIES)];
    rk_reading reading;
    if (below(2)) return (rk_intent){.require = rk_bytes_of_string(conditions[below(4)])};
    bool there = read_at(site, entity, 0, &reading) == RK_OK;
    uint64_t expected = there ? reading.version + reading.pending : 0;
    return (rk_intent){.entity = rk_bytes_of_string(entity), .expects = true, .expected = expected + !below(8)};
}

static bool is_refusal(rk_status status) {
    static const rk_status refusals[] = {RK_FORBIDDEN, RK_REQUIRE_FAILED, RK_VERSION_CONFLICT, RK_BAD_STATE,
                                         RK_BAD_DATA,  RK_APPLY_CONFLICT, RK_EXPRESSION_FAILED};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (status == refusals[i]) return true;
    }
    return false;
}

static void submit(size_t device, const rk_intent *intents, size_t count) {
    site *site = device < FLEET_DEVICES ? &fleet.devices[device] : &fleet.truth;
    rk_entry *entries = NULL;
    rk_error error = {0};
    const char *actor = device < FLEET_DEVICES ? actors[device] : "owner";
    rk_status status =
        rk_engine_submit(site->engine, rk_bytes_of_string(actor), NULL, intents, count, &arena, &entries, &error);
    if (status != RK_OK && !is_refusal(status)) {
        fail_msg("%.*s: %s: %s: %s", (int)intents[0].type.size, (const char *)intents[0].type.data,
                 rk_status_name(status), error.where, error.what);
    }
    if (status != RK_OK || device == FLEET_DEVICES) return;
    assert_true(sent_count < SENT_MAX);
    sent *sent = &sents[sent_count++];
    *sent = (struct sent){.device = device};
    for (size_t i = 0; i < count; i++) {
        if (intents[i].type.size) sent->ids[sent->count++] = entries[i].event.id;
    }
}

static void random_transaction(size_t device) {
    site *site = device < FLEET_DEVICES ? &fleet.devices[device] : &fleet.truth;
    uint32_t version = version_at(site);
    rk_intent intents[4];
    size_t count = 1 + (below(3) ? 0 : world_random() % 3);
    for (size_t i = 0; i < count; i++) intents[i] = random_intent(version);
    if (count < 4 && below(3) == 0) intents[count++] = random_check(site);
    submit(device, intents, count);
}

/* The next version, by the truth or by the owner's device; either may have lost when both do. */
static void publish(size_t device) {
    static char data[1 << 13];
    uint32_t version = version_at(device < FLEET_DEVICES ? &fleet.devices[device] : &fleet.truth);
    if (version == 3) return;
    const char *source = version == 2 ? shop_3 : below(2) ? shop_2 : shop_2_other;
    snprintf(data, sizeof data, "{'version':%u,'source':%s}", version + 1, source);
    const rk_intent intent = {.entity = RK_TEXT("module/shop"), .type = RK_TEXT("publish"), .data = value_of(data)};
    submit(device, &intent, 1);
}

/* ---- a run ---- */

static void must_show_the_same_after_opening(site *site) {
    char *texts[ENTITIES];
    for (size_t i = 0; i < ENTITIES; i++) {
        texts[i] = strdup(site_state(site, entities[i]));
        assert_non_null(texts[i]);
    }
    site_reopen(site);
    for (size_t i = 0; i < ENTITIES; i++) {
        assert_string_equal(site_state(site, entities[i]), texts[i]);
        free(texts[i]);
    }
}

/* Everybody but the owner may lose the role. */
static void set_roles(size_t which) {
    char entity[40];
    snprintf(entity, sizeof entity, "actor/%s", actors[which]);
    if (which) {
        site_must_submit(&fleet.truth, "owner", entity, "set-roles",
                         below(2) ? "{\"roles\":[]}" : "{\"roles\":[\"writer\"]}");
    }
}

static void step(void) {
    size_t which = (size_t)below(FLEET_DEVICES);
    site *device = &fleet.devices[which];
    int kind = below(100);
    if (kind < 56) {
        random_transaction(which);
    } else if (kind < 61) {
        random_transaction(FLEET_DEVICES);
    } else if (kind < 73) {
        fleet_up(device);
    } else if (kind < 85) {
        fleet_down(device);
    } else if (kind < 88) {
        set_roles(which);
    } else if (kind < 89) {
        publish(FLEET_DEVICES);
    } else if (kind < 90) {
        publish(0);
    } else if (kind < 92) {
        must_show_the_same_after_opening(device);
    } else if (kind < 95) {
        note_moment();
    } else if (kind < 96) {
        device->skew_ms = (int64_t)(world_random() % 600000) - 300000;
    } else if (kind < 97) {
        fleet_go_on_as_copy(device);
    } else if (kind < 98) {
        fleet_keep_backup();
    } else if (kind < 99) {
        if (fleet_restore_backup()) forget_moments();
    } else if (moment_count) {
        must_be_as_it_was(&fleet.truth, &moments[world_random() % moment_count]);
    }
    rk_arena_free(&arena);
    rk_arena_init(&arena, rk_memory_system(), (size_t)1 << 30);
}

static void set_up(void) {
    site_create_truth(&fleet.truth, "converge-ordered");
    site_publish_text(&fleet.truth, shop_1);
    for (size_t i = 0; i < FLEET_DEVICES; i++) {
        char name[40];
        fleet_name(name);
        if (i) site_add_actor(&fleet.truth, actors[i], "[\"writer\"]");
        site_create_device(&fleet.devices[i], name, &fleet.truth, actors[i]);
        fleet_up(&fleet.devices[i]);
        fleet_down(&fleet.devices[i]);
    }
    moment_count = sent_count = fleet.accepted = fleet.refused = 0;
}

static void run(void) {
    set_up();
    for (size_t i = 0; i < STEPS; i++) step();
    for (size_t i = 0; i < FLEET_DEVICES; i++) must_show_the_same_after_opening(&fleet.devices[i]);
    fleet_exchange_all();
    fleet_must_agree(entities, sizeof entities / sizeof *entities);
    every_transaction_must_have_its_answer();
    for (size_t i = 0; i < moment_count; i++) {
        must_be_as_it_was(&fleet.truth, &moments[i]);
        for (size_t d = 0; d < FLEET_DEVICES; d++) must_be_as_it_was(&fleet.devices[d], &moments[i]);
        free(moments[i].text);
    }
    print_message("seed %lu: version %d, %d sent, %d judged accepted and %d refused, %d moments\n", seed,
                  (int)version_at(&fleet.truth), (int)sent_count, (int)fleet.accepted, (int)fleet.refused,
                  (int)moment_count);
    fleet_close();
}

static unsigned long wish(const char *name, unsigned long otherwise) {
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

static void all_replicas_end_equal_whatever_was_ordered(void **state) {
    (void)state;
    unsigned long runs = wish("RUNS", RUNS), first = wish("SEED", 1);
    rk_arena_init(&arena, rk_memory_system(), (size_t)1 << 30);
    for (seed = first; seed < first + runs; seed++) {
        world_seed(seed);
        print_message("SEED=%lu RUNS=1\n", seed);
        run();
    }
    rk_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_replicas_end_equal_whatever_was_ordered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
