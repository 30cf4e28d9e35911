/*
 * The checker of modules: every finding, by code, place and message; how event types are classed; what may follow what.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/module/module_testing.h"
#include "io/memory.h"

/* In all texts ' is " and ` is '. */
#define MODULE(fields, events, rest) \
    "{'module':'m','version':1,'truth':'region','fields':{" fields "},'events':{" events "}" rest "}"
#define FIELDS                                                                                                \
    "'plain':{'type':'string'},'count':{'type':'integer'},'any':{},'map':{'type':'object',"                   \
    "'additionalProperties':{'type':'integer'}},'name':{'type':'string','merge':'lww'},"                      \
    "'views':{'type':'integer','merge':'g-counter'},'tags':{'type':'string','merge':'or-set'},"               \
    "'bio':{'type':'string','merge':'rga'},'place':{'type':'object','properties':{'city':{'type':'string'}}," \
    "'additionalProperties':false}"
#define STEP(step)    MODULE(FIELDS, DATA ",'apply':[" step "]}", "")
#define DATA          "'e':{'data':{'s':{'type':'string'},'n':{'type':'integer'}}"
#define FIELD(schema) MODULE("'f':" schema, "", "")
#define EVENT(event)  MODULE(FIELDS, "'e':" event, "")

typedef struct finding_case {
    const char *module;
    rk_status code;
    const char *pointer;
    const char *message; /* a part of it */
} finding_case;

static rk_arena arena;

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static bool contains(rk_bytes text, const char *part) {
    return memmem(text.data, text.size, part, strlen(part)) != NULL;
}

/* Exactly this finding, or the same one many times (a rule that several event types share). */
static void expect(const finding_case *c) {
    rk_value source = value_of_json(&arena, c->module);
    rk_module *module = NULL;
    rk_findings findings;
    rk_error error = {0};
    rk_status status = rk_module_compile(&arena, &source, &module, &findings, &error);
    if (status == RK_OK) fail_msg("no finding in %s", c->module);
    for (size_t i = 0; i < findings.count; i++) {
        const rk_finding *finding = &findings.items[i];
        if (finding->code == c->code && rk_bytes_equal(finding->pointer, rk_bytes_of_string(c->pointer)) &&
            contains(finding->message, c->message))
            continue;
        fail_msg("%s: finding %zu is %s at \"%.*s\": %.*s", c->module, i, rk_status_name(finding->code),
                 (int)finding->pointer.size, (const char *)finding->pointer.data, (int)finding->message.size,
                 (const char *)finding->message.data);
    }
    assert_null(module);
    assert_int_equal(status, c->code);
    assert_int_equal(error.code, c->code);
    assert_true(error.where[0] && error.what[0]);
}

static void expect_all(const finding_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) expect(&cases[i]);
}

#define EXPECT_ALL(cases) expect_all(cases, sizeof(cases) / sizeof *(cases))

static void what_a_module_is(void **state) {
    (void)state;
    static const finding_case cases[] = {
        {"[]", RK_BAD_MODULE, "", "a module is an object"},
        {"{'version':1,'truth':'region','fields':{},'events':{}}", RK_BAD_MODULE, "", "\"module\" is missing"},
        {"{'module':'m','truth':'region','fields':{},'events':{}}", RK_BAD_MODULE, "", "\"version\" is missing"},
        {"{'module':'m','version':1,'fields':{},'events':{}}", RK_BAD_MODULE, "", "\"truth\" is missing"},
        {"{'module':'m','version':1,'truth':'region','events':{}}", RK_BAD_MODULE, "", "\"fields\" is missing"},
        {"{'module':'m','version':1,'truth':'region','fields':{}}", RK_BAD_MODULE, "", "\"events\" is missing"},
        {"{'module':'m','version':1,'truth':'region','fields':[],'events':{}}", RK_BAD_MODULE, "",
         "\"fields\" must be an object"},
        {"{'module':'m','version':'1','truth':'region','fields':{},'events':{}}", RK_BAD_MODULE, "",
         "\"version\" must be a whole number"},
        {"{'module':'m','version':0,'truth':'region','fields':{},'events':{}}", RK_BAD_MODULE, "/version",
         "whole number from 1"},
        {"{'module':'m','version':2147483648,'truth':'region','fields':{},'events':{}}", RK_BAD_MODULE, "/version",
         "whole number from 1"},
        {"{'module':'M','version':1,'truth':'region','fields':{},'events':{}}", RK_BAD_MODULE, "/module", "no name"},
        {"{'module':'','version':1,'truth':'region','fields':{},'events':{}}", RK_BAD_MODULE, "/module", "no name"},
        {"{'module':'1m','version':1,'truth':'region','fields':{},'events':{}}", RK_BAD_MODULE, "/module", "no name"},
        {"{'module':'m','version':1,'truth':'edge','fields':{},'events':{}}", RK_TIER_MISSING, "/truth", "edge logs"},
        {"{'module':'m','version':1,'truth':'moon','fields':{},'events':{}}", RK_BAD_MODULE, "/truth",
         "region or edge"},
        {MODULE("", "", ",'upcast':7"), RK_BAD_MODULE, "", "must be an object"},
        {MODULE("", "", ",'upcast':{'1':7}"), RK_BAD_MODULE, "/upcast/1", "are an object"},
        {MODULE("", "", ",'fileds':{}"), RK_BAD_MODULE, "/fileds", "unknown word"},
        {MODULE("", "", ",'a/b~c':{}"), RK_BAD_MODULE, "/a~1b~0c", "unknown word"},
    };
    EXPECT_ALL(cases);
}

static void what_a_field_is(void **state) {
    (void)state;
    static const finding_case cases[] = {
        {FIELD("1"), RK_BAD_MODULE, "/fields/f", "a schema is an object"},
        {MODULE("'':{}", "", ""), RK_BAD_MODULE, "/fields/", "no name for a field"},
        {MODULE("'a\\u0007':{}", "", ""), RK_BAD_MODULE, "/fields/a\a", "no name for a field"},
        {FIELD("{'type':'string','merg':'lww'}"), RK_BAD_MODULE, "/fields/f/merg", "do not have this word"},
        {FIELD("{'type':'string','merge':'last'}"), RK_BAD_MODULE, "/fields/f/merge", "no such merge type"},
        {FIELD("{'type':'string','merge':'none'}"), RK_BAD_MODULE, "/fields/f/merge", "no such merge type"},
        {FIELD("{'type':'string','merge':1}"), RK_BAD_MODULE, "/fields/f", "\"merge\" must be text"},
        {FIELD("{'type':'string','ref':1}"), RK_BAD_MODULE, "/fields/f", "\"ref\" must be text"},
        {FIELD("{'type':'string','ref':'a','edge':1}"), RK_BAD_MODULE, "/fields/f", "\"edge\" must be text"},
        {FIELD("{'type':'string','edge':'A'}"), RK_BAD_MODULE, "/fields/f", "needs \"ref\""},
        {FIELD("{'type':'string','index':'yes'}"), RK_BAD_MODULE, "/fields/f", "\"index\" must be a bool"},
        {FIELD("{'type':'string','required':true}"), RK_BAD_MODULE, "/fields/f/required", "a field is not required"},
        {FIELD("{'type':'number'}"), RK_BAD_MODULE, "/fields/f", "a field is no \"number\""},
        {FIELD("{'type':'number','merge':'lww'}"), RK_BAD_MODULE, "/fields/f", "a field is no \"number\""},
        {FIELD("{'type':['number','null']}"), RK_BAD_MODULE, "/fields/f", "a field is no \"number\""},
        {FIELD("{'type':'string','personal':true}"), RK_NOT_YET, "/fields/f/personal", "keys of their subjects"},
        {FIELD("{'type':'string','merge':'g-counter'}"), RK_BAD_MODULE, "/fields/f", "a counter is of type integer"},
        {FIELD("{'merge':'pn-counter'}"), RK_BAD_MODULE, "/fields/f", "a counter is of type integer"},
        {FIELD("{'type':'integer','merge':'rga'}"), RK_BAD_MODULE, "/fields/f", "rga is for text"},
        {FIELD("{'type':'array','merge':'or-set'}"), RK_BAD_MODULE, "/fields/f", "an or-set holds"},
        {FIELD("{'merge':'or-set'}"), RK_BAD_MODULE, "/fields/f", "an or-set holds"},
        {FIELD("{'type':'integer','merge':'g-counter','maximum':9}"), RK_BAD_MODULE, "/fields/f",
         "merging could break this constraint"},
        {FIELD("{'type':'integer','merge':'pn-counter','minimum':0}"), RK_BAD_MODULE, "/fields/f",
         "merging could break this constraint"},
        {FIELD("{'type':'string','merge':'rga','maxLength':9}"), RK_BAD_MODULE, "/fields/f",
         "merging could break this constraint"},
        {FIELD("{'type':'string','merge':'rga','enum':['a']}"), RK_BAD_MODULE, "/fields/f",
         "merging could break this constraint"},
        {FIELD("{'type':'string','pattern':'('}"), RK_BAD_MODULE, "/fields/f/pattern", "not supported"},
        {FIELD("{'type':'string','merge':'rga','pattern':'a'}"), RK_BAD_MODULE, "/fields/f",
         "merging could break this constraint"},
        {FIELD("{'type':'string','merge':'rga','format':'date'}"), RK_BAD_MODULE, "/fields/f",
         "merging could break this constraint"},
        {FIELD("{'merge':'g-counter','enum':[1,2]}"), RK_BAD_MODULE, "/fields/f",
         "merging could break this constraint"},
        {FIELD("true"), RK_BAD_MODULE, "/fields/f", "a field is an object"},
        {FIELD("{'type':'array','items':{'type':'number'}}"), RK_BAD_MODULE, "/fields/f", "a field is no \"number\""},
        {FIELD("{'enum':[1.5]}"), RK_BAD_MODULE, "/fields/f", "a field is no \"number\""},
        {FIELD("{'type':'string','ref':'No Module'}"), RK_BAD_MODULE, "/fields/f/ref", "no name of a module"},
        {FIELD("{'type':'integer','ref':'m'}"), RK_BAD_MODULE, "/fields/f", "holds ids, which are text"},
        {FIELD("{'type':'array','ref':'m'}"), RK_BAD_MODULE, "/fields/f", "holds ids, which are text"},
        {FIELD("{'ref':'m'}"), RK_BAD_MODULE, "/fields/f", "holds ids, which are text"},
        {FIELD("{'type':'object','index':true}"), RK_BAD_MODULE, "/fields/f/index", "cannot be indexed"},
        {FIELD("{'type':'array','index':true}"), RK_BAD_MODULE, "/fields/f/index", "cannot be indexed"},
        {FIELD("{'index':true}"), RK_BAD_MODULE, "/fields/f/index", "cannot be indexed"},
        {FIELD("{'type':'string','merge':'rga','index':true}"), RK_BAD_MODULE, "/fields/f/index", "merge type rga"},
        {FIELD("{'type':'integer','minimum':3,'maximum':2}"), RK_BAD_MODULE, "/fields/f/minimum", "no number"},
        {FIELD("{'type':'array','items':{'merge':'lww'}}"), RK_BAD_MODULE, "/fields/f/items/merge",
         "do not have this word"},
        {FIELD("{'type':'object','properties':{'a':{'index':true}}}"), RK_BAD_MODULE, "/fields/f/properties/a/index",
         "do not have this word"},
    };
    EXPECT_ALL(cases);
    module_of_json(&arena, MODULE("'a':{'type':'string','merge':'or-set','pattern':'^a','index':true,'ref':'m'},"
                                  "'b':{'enum':['x','y'],'merge':'lww','index':true},"
                                  "'c':{'type':['string','null'],'index':true,'ref':'m','edge':'E','format':'uuid'},"
                                  "'d':{'type':'array','items':{'type':'string'},'ref':'m','uniqueItems':true},"
                                  "'e':{'enum':['x','y'],'merge':'or-set'},'f':{'type':'integer','index':false},"
                                  "'g':{'type':'integer','merge':'g-counter','index':true,'description':'how many'}",
                                  "", ""));
}

static void what_an_event_type_is(void **state) {
    (void)state;
    static const finding_case cases[] = {
        {EVENT("[]"), RK_BAD_MODULE, "/events/e", "an event type is an object"},
        {MODULE("", "'Bad':{}", ""), RK_BAD_MODULE, "/events/Bad", "no name for an event type"},
        {EVENT("{'aply':[]}"), RK_BAD_MODULE, "/events/e/aply", "unknown word"},
        {EVENT("{'data':[]}"), RK_BAD_MODULE, "/events/e", "\"data\" must be an object"},
        {EVENT("{'require':{}}"), RK_BAD_MODULE, "/events/e", "\"require\" must be a list"},
        {EVENT("{'apply':{}}"), RK_BAD_MODULE, "/events/e", "\"apply\" must be a list"},
        {EVENT("{'data':{'a':1}}"), RK_BAD_MODULE, "/events/e/data/a", "a schema is an object"},
        {EVENT("{'data':{'a':{'typ':'string'}}}"), RK_BAD_MODULE, "/events/e/data/a/typ", "do not have this word"},
        {EVENT("{'data':{'a':{'merge':'lww'}}}"), RK_BAD_MODULE, "/events/e/data/a/merge", "do not have this word"},
        {EVENT("{'data':{'a':{'type':'string','pattern':'x)'}}}"), RK_BAD_MODULE, "/events/e/data/a/pattern",
         "not supported"},
        {EVENT("{'data':{'a':{'type':'string','format':'dat'}}}"), RK_BAD_MODULE, "/events/e/data/a/format",
         "no such format"},
        {EVENT("{'data':{'a':false}}"), RK_BAD_MODULE, "/events/e/data/a", "nothing is allowed in it"},
        {EVENT("{'data':{'a':{'type':'object','properties':{'b':{'required':false}}}}}"), RK_BAD_MODULE,
         "/events/e/data/a/properties/b/required", "list of names"},
        {EVENT("{'require':[1]}"), RK_BAD_MODULE, "/events/e/require/0", "a guard is"},
        {EVENT("{'require':[{'that':'true'}]}"), RK_BAD_MODULE, "/events/e/require/0", "\"else\" is missing"},
        {EVENT("{'require':[{'else':'no'}]}"), RK_BAD_MODULE, "/events/e/require/0", "\"that\" is missing"},
        {EVENT("{'require':[{'that':'true','else':'no','or':1}]}"), RK_BAD_MODULE, "/events/e/require/0/or",
         "unknown word"},
        {EVENT("{'require':[{'that':'1','else':'no'}]}"), RK_BAD_MODULE, "/events/e/require/0/that",
         "gives int where bool is wanted"},
        {EVENT("{'require':[{'that':'data == {}','else':''},{'that':'nobody.id == 1','else':''}]}"), RK_BAD_EXPRESSION,
         "/events/e/require/1/that", "nobody"},
        {EVENT("{'require':[{'that':'(','else':''}]}"), RK_BAD_EXPRESSION, "/events/e/require/0/that", "column"},
        {EVENT("{'require':[{'that':'data.x == 1','else':''}]}"), RK_BAD_EXPRESSION, "/events/e/require/0/that", "x"},
    };
    EXPECT_ALL(cases);
}

static void a_guard_that_is_constant_is_a_finding_where_it_misleads(void **state) {
    (void)state;
#define GUARD(that) "{'that':'" that "','else':''}"
    static const finding_case cases[] = {
        {EVENT("{'require':[" GUARD("false") "]}"), RK_BAD_MODULE, "/events/e/require/0/that", "never true"},
        {EVENT("{'require':[" GUARD("1 + 1 == 3 || size([]) > 0") "]}"), RK_BAD_MODULE, "/events/e/require/0/that",
         "never true"},
        {EVENT("{'require':[" GUARD("1 / 0 == 1") "]}"), RK_BAD_MODULE, "/events/e/require/0/that", "never true"},
        {EVENT("{'require':[" GUARD("true") "," GUARD("actor.id == entity.id") "]}"), RK_BAD_MODULE,
         "/events/e/require/1/that", "a guard before this one is constant"},
    };
    EXPECT_ALL(cases);
    /* Alone, "true" makes an event type ordered, and that can be all that is wanted. */
    module_of_json(&arena, EVENT("{'require':[" GUARD("true") "]}"));
    module_of_json(&arena, EVENT("{'require':[" GUARD("entity.exists") "," GUARD("true") "]}"));
    module_of_json(&arena, EVENT("{'require':[" GUARD("now < timestamp(`2000-01-01T00:00:00Z`)") "]}"));
}

static void what_a_step_is(void **state) {
    (void)state;
    static const finding_case cases[] = {
        {STEP("1"), RK_BAD_MODULE, "/events/e/apply/0", "a step is an object"},
        {STEP("{}"), RK_BAD_MODULE, "/events/e/apply/0", "a step has one of"},
        {STEP("{'put':'plain','to':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0", "a step has one of"},
        {STEP("{'set':'plain'}"), RK_BAD_MODULE, "/events/e/apply/0", "\"to\" is missing"},
        {STEP("{'set':1,'to':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0", "\"set\" must be text"},
        {STEP("{'set':'plain','to':1}"), RK_BAD_MODULE, "/events/e/apply/0", "\"to\" must be text"},
        {STEP("{'set':'plain','to':'data.s','by':'1'}"), RK_BAD_MODULE, "/events/e/apply/0/by", "unknown word"},
        {STEP("{'set':'plain','to':'data.s','when':'1'}"), RK_BAD_MODULE, "/events/e/apply/0/when", "gives int where"},
        {STEP("{'set':'name','to':'data.s','when':'state.plain == data.s'}"), RK_BAD_EXPRESSION,
         "/events/e/apply/0/when", "state"},
        {STEP("{'set':'count','to':'event.time.getHours(`Asia/Kolkata`)'}"), RK_BAD_MODULE, "/events/e/apply/0/to",
         "for rules and guards"},
        {STEP("{'set':'map[string(event.time.getHours(data.s))]','to':'1'}"), RK_BAD_MODULE, "/events/e/apply/0/set",
         "for rules and guards"},
        {STEP("{'set':'map[item]','to':'1','each':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0/each", "names a list"},
        {STEP("{'set':'map[data.s]','to':'1','each':'[data.s]'}"), RK_BAD_MODULE, "/events/e/apply/0/each",
         "names a list"},
        {STEP("{'set':'plain','to':'item'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/to", "item"},
        {STEP("{'set':'nothing','to':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0/set", "no such field"},
        {STEP("{'set':'1','to':'data.s'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/set", "no place"},
        {STEP("{'set':'map[?data.s]','to':'1'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/set", "optional"},
        {STEP("{'set':'map[data.n]','to':'1'}"), RK_BAD_MODULE, "/events/e/apply/0/set", "indexed with"},
        {STEP("{'set':'map[actor.roles]','to':'1'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/set", "roles"},
        {STEP("{'set':'plain.part','to':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0/set", "no such place"},
        {STEP("{'set':'place.country','to':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0/set", "no such place"},
        {STEP("{'set':'place.city','to':'data.n'}"), RK_BAD_MODULE, "/events/e/apply/0/to", "gives int where string"},
        {STEP("{'set':'map[data.s]','to':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0/to", "gives string where int"},
        {STEP("{'set':'plain','to':'1'}"), RK_BAD_MODULE, "/events/e/apply/0/to", "gives int where string"},
        {STEP("{'set':'name','to':'1'}"), RK_BAD_MODULE, "/events/e/apply/0/to", "gives int where string"},
        {STEP("{'add':'views','by':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0/by", "gives string where int"},
        {STEP("{'insert':'tags','value':'data.n'}"), RK_BAD_MODULE, "/events/e/apply/0/value",
         "gives int where string"},
        {STEP("{'remove':'tags','value':'data.n'}"), RK_BAD_MODULE, "/events/e/apply/0/value",
         "gives int where string"},
        {STEP("{'set':'name.first','to':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0/set", "written as a whole"},
        {STEP("{'set':'views','to':'1'}"), RK_BAD_MODULE, "/events/e/apply/0/set", "merge type g-counter"},
        {STEP("{'set':'tags','to':'[]'}"), RK_BAD_MODULE, "/events/e/apply/0/set", "merge type or-set"},
        {STEP("{'set':'bio','to':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0/set", "merge type rga"},
        {STEP("{'add':'count','by':'1'}"), RK_BAD_MODULE, "/events/e/apply/0/add", "merge type none"},
        {STEP("{'add':'name','by':'1'}"), RK_BAD_MODULE, "/events/e/apply/0/add", "merge type lww"},
        {STEP("{'insert':'plain','value':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0/insert", "merge type none"},
        {STEP("{'remove':'bio','value':'data.s'}"), RK_BAD_MODULE, "/events/e/apply/0/remove", "merge type rga"},
        {STEP("{'splice':'tags','edits':'[]'}"), RK_BAD_MODULE, "/events/e/apply/0/splice", "merge type or-set"},
        {STEP("{'set':'name','to':'data.s'},{'set':'name','to':'data.s'}"), RK_APPLY_CONFLICT, "/events/e/apply/1",
         "writes the same field"},
        {STEP("{'insert':'tags','value':'data.s'},{'remove':'tags','value':'data.s'}"), RK_APPLY_CONFLICT,
         "/events/e/apply/1", "writes the same field"},
        {STEP("{'set':'plain','to':'data.s'},{'set':'plain','to':'data.s'}"), RK_APPLY_CONFLICT, "/events/e/apply/1",
         "writes the same field"},
    };
    EXPECT_ALL(cases);
}

static void a_field_may_have_a_rule_for_reading(void **state) {
    (void)state;
    static const finding_case cases[] = {
        {FIELD("{'read':1}"), RK_BAD_MODULE, "/fields/f/read", "\"read\" must be text"},
        {FIELD("{'read':true}"), RK_BAD_MODULE, "/fields/f/read", "\"read\" must be text"},
        {FIELD("{'read':'actor.id'}"), RK_BAD_MODULE, "/fields/f/read", "gives string where bool"},
        {FIELD("{'read':'actor.id =='}"), RK_BAD_EXPRESSION, "/fields/f/read", ""},
        {FIELD("{'read':'actor.rank == 1'}"), RK_BAD_EXPRESSION, "/fields/f/read", "rank"},
        {FIELD("{'read':'state.g == 1'}"), RK_BAD_EXPRESSION, "/fields/f/read", "g"},
        {FIELD("{'read':'data.x == 1'}"), RK_BAD_EXPRESSION, "/fields/f/read", "data"},
        {FIELD("{'read':'event.id == `x`'}"), RK_BAD_EXPRESSION, "/fields/f/read", "event"},
        {STEP("{'set':'plain','to':'actor.groups[0]'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/to", "groups"},
    };
    EXPECT_ALL(cases);
    static const char *const fine[] = {"`x` in actor.groups",
                                       "state.z == 1 && entity.exists",
                                       "entity.version > 2",
                                       "now > timestamp(0)",
                                       "now.getHours(`Asia/Kolkata`) < 9",
                                       "true",
                                       "false"};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        char text[400];
        snprintf(text, sizeof text, MODULE("'a':{'type':'integer','read':'%s'},'z':{'type':'integer'}", "", ""),
                 fine[i]);
        const rk_module *module = module_of_json(&arena, text);
        assert_true(module->hides);
        assert_non_null(rk_module_field(module, RK_TEXT("a"))->read);
        assert_null(rk_module_field(module, RK_TEXT("z"))->read);
    }
    assert_false(module_of_json(&arena, FIELD("{'type':'string'}"))->hides);
}

static void a_step_with_two_verbs_is_refused_once_for_each_fault(void **state) {
    (void)state;
    rk_value source = value_of_json(&arena, STEP("{'set':'plain','to':'data.s','add':'views'}"));
    rk_module *module = NULL;
    rk_findings findings;
    assert_int_equal(rk_module_compile(&arena, &source, &module, &findings, NULL), RK_BAD_MODULE);
    assert_true(contains(findings.items[0].message, "a step does one thing"));
    assert_true(rk_bytes_equal(findings.items[0].pointer, RK_TEXT("/events/e/apply/0")));
}

static void what_apply_may_read(void **state) {
    (void)state;
    static const finding_case cases[] = {
        {STEP("{'set':'name','to':'state.plain'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/to", "state"},
        {STEP("{'set':'name','to':'string(event.time)'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/to", "time"},
        {STEP("{'set':'name','to':'actor.roles[0]'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/to", "roles"},
        {STEP("{'add':'views','by':'entity.version'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/by", "version"},
        {STEP("{'set':'name','to':'string(now)'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/to", "now"},
        {STEP("{'set':'plain','to':'state.name'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/to", "name"},
        {STEP("{'set':'plain','to':'state.bio'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/to", "bio"},
        {STEP("{'set':'plain','to':'string(now)'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/to", "now"},
        {STEP("{'set':'plain','to':'actor.roles[0]'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/to", "roles"},
        {STEP("{'set':'map[state.name]','to':'1'}"), RK_BAD_EXPRESSION, "/events/e/apply/0/set", "name"},
    };
    EXPECT_ALL(cases);
    module_of_json(&arena, STEP("{'set':'name','to':'data.s + actor.id + actor.kind + entity.id + event.id'}"));
    module_of_json(&arena, STEP("{'set':'count','to':'state.count + data.n'},{'set':'any','to':'event.id'}"));
    module_of_json(&arena, STEP("{'set':'map[data.s]','to':'1'},{'set':'map[actor.id]','to':'2'}"));
}

static void who_may_is_checked(void **state) {
    (void)state;
#define ALLOW(allow) MODULE(FIELDS, "'e':{'data':{'s':{'type':'string'}}},'f':{}", ",'allow':" allow)
    static const finding_case cases[] = {
        {ALLOW("[]"), RK_BAD_MODULE, "", "\"allow\" must be an object"},
        {ALLOW("{'delete':'true'}"), RK_BAD_MODULE, "/allow/delete", "\"allow\" has read, write and names"},
        {ALLOW("{'read':true}"), RK_BAD_MODULE, "/allow/read", "a rule is a CEL text"},
        {ALLOW("{'write':1}"), RK_BAD_MODULE, "/allow/write", "a rule is a CEL text"},
        {ALLOW("{'e':null}"), RK_BAD_MODULE, "/allow/e", "a rule is a CEL text"},
        {ALLOW("{'read':'1'}"), RK_BAD_MODULE, "/allow/read", "gives int where bool"},
        {ALLOW("{'write':'actor.id'}"), RK_BAD_MODULE, "/allow/write", "gives string where bool"},
        {ALLOW("{'e':'actor'}"), RK_BAD_MODULE, "/allow/e", "where bool"},
        {ALLOW("{'read':'data.s == ``'}"), RK_BAD_EXPRESSION, "/allow/read", "data"},
        {ALLOW("{'f':'data.s == ``'}"), RK_BAD_EXPRESSION, "/allow/f", "s"},
        {ALLOW("{'e':'true','f':'true','write':'('}"), RK_BAD_EXPRESSION, "/allow/write", "column"},
    };
    EXPECT_ALL(cases);
    const rk_module *module = module_of_json(&arena, ALLOW("{'e':'data.s == state.name && size(state.bio) > 0'}"));
    assert_non_null(rk_module_event_type(module, RK_TEXT("e"))->allow);
    assert_null(rk_module_event_type(module, RK_TEXT("f"))->allow);
    assert_null(module->allow_read);
    module =
        module_of_json(&arena, MODULE("", "'read':{},'write':{},'e':{}", ",'allow':{'read':'true','write':'1 == 2'}"));
    assert_non_null(module->allow_read);
    assert_non_null(rk_module_event_type(module, RK_TEXT("e"))->allow);
    assert_non_null(rk_module_event_type(module, RK_TEXT("write"))->allow);
    /* An event type called read is no question of reading: the rule for writing is asked. */
    assert_ptr_not_equal(rk_module_event_type(module, RK_TEXT("read"))->allow, module->allow_read);
    assert_non_null(rk_module_event_type(module, RK_TEXT("read"))->allow);
}

/* ---- what no JSON can say ---- */

static void refuse_bytes(const char *hex) {
    uint8_t bytes[200];
    size_t size = strlen(hex) / 2;
    rk_value source;
    rk_module *module = NULL;
    rk_findings findings;
    rk_error error = {0};
    assert_true(rk_hex_read(rk_bytes_of_string(hex), bytes, size));
    assert_int_equal(rk_cbor_decode(&arena, rk_bytes_of(bytes, size), &source, NULL), RK_OK);
    assert_int_equal(rk_module_compile(&arena, &source, &module, &findings, &error), RK_BAD_MODULE);
    assert_int_equal(findings.count, 1);
    assert_true(contains(findings.items[0].message, "key"));
}

static void a_key_that_is_no_text_is_refused_wherever_it_stands(void **state) {
    (void)state;
    refuse_bytes("a10102");                                     /* {1: 2} */
    refuse_bytes("a1666669656c6473a120a0");                     /* {"fields": {-1: {}}} */
    refuse_bytes("a1666576656e7473a1f4a0");                     /* {"events": {false: {}}} */
    refuse_bytes("a1666576656e7473a16165a16464617461a14101a0"); /* {"events": {"e": {"data": {h'01': {}}}}} */
    refuse_bytes("a16561707079738181a10102");                   /* {"apps": [[{1: 2}]]}, also where words are unknown */
}

static void a_value_that_no_event_could_hold_is_no_module(void **state) {
    (void)state;
    rk_value inner = rk_int(1);
    rk_value items[RK_VALUE_DEPTH_MAX + 8];
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        items[i] = inner;
        inner = rk_list(&items[i], 1);
    }
    rk_module *module = NULL;
    rk_findings findings;
    assert_int_equal(rk_module_compile(&arena, &inner, &module, &findings, NULL), RK_BAD_MODULE);
}

/* ---- what a module is when it compiles ---- */

static void classed(const char *module_text, bool ordered, const char *why) {
    const rk_module *module = module_of_json(&arena, module_text);
    const rk_event_type *type = rk_module_event_type(module, RK_TEXT("e"));
    assert_int_equal(type->ordered, ordered);
    assert_true(rk_bytes_equal(type->why_ordered, rk_bytes_of_string(why)));
}

static void event_types_are_mergeable_or_ordered_and_say_why(void **state) {
    (void)state;
    const char *plain = "it writes a field without \"merge\"";
    classed(EVENT("{}"), false, "");
    classed(STEP("{'set':'name','to':'data.s'},{'add':'views','by':'1'},{'insert':'tags','value':'data.s'}"), false,
            "");
    classed(STEP("{'splice':'bio','edits':'[[0, 0, data.s]]'}"), false, "");
    classed(STEP("{'set':'plain','to':'data.s'}"), true, plain);
    classed(STEP("{'set':'name','to':'data.s'},{'set':'map[data.s]','to':'1'}"), true, plain);
    classed(EVENT("{'require':[{'that':'true','else':''}]}"), true, "it has \"require\"");
    classed(EVENT("{'require':[{'that':'true','else':''}],'apply':[{'add':'views','by':'1'}]}"), true,
            "it has \"require\"");
    classed(EVENT("{'require':[{'that':'true','else':''}],'apply':[{'set':'count','to':'1'}]}"), true, plain);
    classed(EVENT("{'require':[]}"), false, "");
}

static void a_step_knows_its_place_in_the_data(void **state) {
    (void)state;
    const rk_module *module =
        module_of_json(&arena, MODULE(FIELDS,
                                      "'e':{'data':{'s':{'type':'string'},'at':{'type':'object'}},'apply':["
                                      "{'set':'name','to':'data.s'},{'insert':'tags','value':'data.at.a.b'},"
                                      "{'add':'views','by':'1'},{'set':'plain','to':'data.s'}]}",
                                      ""));
    const rk_event_type *type = rk_module_event_type(module, RK_TEXT("e"));
    assert_int_equal(type->steps[0].path_size, 1);
    assert_int_equal(type->steps[1].path_size, 3);
    assert_true(rk_bytes_equal(type->steps[1].path[2], RK_TEXT("b")));
    assert_int_equal(type->steps[2].path_size, 0);
    assert_int_equal(type->steps[3].path_size, 0);
    assert_null(rk_module_event_type(module, RK_TEXT("none")));
    assert_null(rk_module_field(module, RK_TEXT("none")));
}

static void upcast_refused(const char *upcast, rk_status code, const char *pointer, const char *message) {
    char text[600];
    snprintf(text, sizeof text,
             "{'module':'m','version':3,'truth':'region','fields':{},'events':{'e':{'data':{'n':{'type':'integer'}}}},"
             "'upcast':%s}",
             upcast);
    const finding_case c = {text, code, pointer, message};
    expect(&c);
}

static void what_an_upcast_is(void **state) {
    (void)state;
    upcast_refused("{'3':{}}", RK_BAD_MODULE, "/upcast/3", "from an earlier version");
    upcast_refused("{'0':{}}", RK_BAD_MODULE, "/upcast/0", "from an earlier version");
    upcast_refused("{'01':{}}", RK_BAD_MODULE, "/upcast/01", "from an earlier version");
    upcast_refused("{'99999999999999999999':{}}", RK_BAD_MODULE, "/upcast/99999999999999999999", "from an earlier");
    upcast_refused("{'1':{'old':{}}}", RK_BAD_MODULE, "/upcast/1/old", "no such event type");
    upcast_refused("{'1':{'old':{'type':'f'}}}", RK_BAD_MODULE, "/upcast/1/old", "no such event type");
    upcast_refused("{'1':{'old':{'type':'e','more':1}}}", RK_BAD_MODULE, "/upcast/1/old/more", "unknown word");
    upcast_refused("{'1':{'old':{'type':'e','data':'1'}}}", RK_BAD_MODULE, "/upcast/1/old/data", "gives int where");
    upcast_refused("{'1':{'old':{'type':'e','data':'state'}}}", RK_BAD_EXPRESSION, "/upcast/1/old/data", "state");
    upcast_refused("{'1':{'old':{'type':'e','data':'event.time'}}}", RK_BAD_EXPRESSION, "/upcast/1/old/data", "time");
    const rk_module *module = module_of_json(
        &arena, "{'module':'m','version':3,'truth':'region','fields':{},'events':{'e':{}},'upcast':{'1':{'old':{'type':"
                "'e','data':'{`n`: data.m}'},'e':{}},'2':{'e':{'data':'data'}}}}");
    assert_int_equal(module->upcast_count, 3);
    const rk_upcast *upcast = rk_module_upcast(module, 1, RK_TEXT("old"));
    assert_true(upcast && upcast->to == module->event_types && upcast->data);
    assert_non_null(rk_module_upcast(module, 1, RK_TEXT("e")));
    assert_null(rk_module_upcast(module, 1, RK_TEXT("e"))->data);
    assert_non_null(rk_module_upcast(module, 2, RK_TEXT("e")));
    assert_null(rk_module_upcast(module, 2, RK_TEXT("old")));
}

static void each_and_when_are_read(void **state) {
    (void)state;
    const rk_module *module = module_of_json(
        &arena, MODULE(FIELDS,
                       "'e':{'data':{'lines':{'type':'array','items':{'type':'object','properties':{'sku':{'type':"
                       "'string'},'n':{'type':'integer'}}}},'b':{'type':'boolean'}},'apply':["
                       "{'insert':'tags','value':'item.sku','each':'data.lines','when':'item.n > 0'},"
                       "{'set':'name','to':'`a`','when':'data.b'},{'set':'name','to':'`b`','when':'!data.b'},"
                       "{'set':'map[item.sku]','to':'state.map[?item.sku].orValue(0) + item.n','each':'data.lines'}]}",
                       ""));
    const rk_step *steps = module->event_types[0].steps;
    assert_int_equal(steps[0].each_size, 1);
    assert_true(steps[0].has_path && steps[0].of_item && steps[0].path_size == 1 && steps[0].when);
    assert_true(!steps[1].has_path && steps[1].when && !steps[1].each);
    assert_true(steps[3].each && !steps[3].has_path);
    const finding_case conflicts[] = {
        {MODULE(FIELDS, "'e':{'data':{'l':{'type':'array'}},'apply':[{'set':'name','to':'`a`','each':'data.l'}]}", ""),
         RK_APPLY_CONFLICT, "/events/e/apply/0", "same place for every element"},
        {MODULE(FIELDS, "'e':{'data':{'l':{'type':'array'}},'apply':[{'splice':'bio','edits':'item','each':'data.l'}]}",
                ""),
         RK_APPLY_CONFLICT, "/events/e/apply/0", "same place for every element"},
        {MODULE(FIELDS,
                "'e':{'data':{'l':{'type':'array','items':{'type':'string'}}},'apply':[{'add':'views','by':"
                "'item','each':'data.l'}]}",
                ""),
         RK_BAD_MODULE, "/events/e/apply/0/by", "gives string where int"},
    };
    for (size_t i = 0; i < sizeof conflicts / sizeof *conflicts; i++) expect(&conflicts[i]);
}

static void all_findings_are_counted_and_some_kept(void **state) {
    (void)state;
    char text[8000];
    size_t size = rk_format(text, sizeof text, "{'module':'m','version':1,'truth':'region','events':{},'fields':{");
    for (uint64_t i = 0; i < 150; i++) {
        size += rk_format(text + size, sizeof text - size, "%s'f%u':{'type':'numb'}", i ? "," : "", i);
    }
    rk_format(text + size, sizeof text - size, "}}");
    rk_value source = value_of_json(&arena, text);
    rk_module *module = NULL;
    rk_findings findings;
    rk_error error = {0};
    assert_int_equal(rk_module_compile(&arena, &source, &module, &findings, &error), RK_BAD_MODULE);
    assert_int_equal(findings.count, 150);
    assert_string_equal(error.where, "/fields/f0/type");
}

/* ---- versions ---- */

static void follows(const char *now, const char *next, const char *where) {
    rk_error error = {0};
    rk_status status = rk_module_may_follow(module_of_json(&arena, now), module_of_json(&arena, next), &error);
    if (status != (where ? RK_MODULE_CHANGE : RK_OK)) fail_msg("%s -> %s: %s", now, next, rk_status_name(status));
    assert_string_equal(error.where, where ? where : "");
}

static void a_version_follows_another_by_the_rules(void **state) {
    (void)state;
#define VERSION(name, number, fields) \
    "{'module':'" name "','version':" number ",'truth':'region','fields':{" fields "},'events':{}}"
    const char *now = VERSION("m", "3", "'a':{'type':'string','merge':'lww'},'b':{'type':['integer','null']},'c':{}");
    follows(now, VERSION("m", "4", "'a':{'type':'string','merge':'lww'},'b':{'type':['integer','null']},'c':{}"), NULL);
    follows(now,
            VERSION("m", "4",
                    "'a':{'type':'string','merge':'lww','maxLength':3,'index':true},"
                    "'b':{'type':['null','integer']},'c':{},'d':{'type':'integer'}"),
            NULL);
    follows(now, VERSION("n", "4", "'a':{'type':'string','merge':'lww'},'b':{'type':['integer','null']},'c':{}"),
            "/version");
    follows(now, VERSION("m", "3", "'a':{'type':'string','merge':'lww'},'b':{'type':['integer','null']},'c':{}"),
            "/version");
    follows(now, VERSION("m", "5", "'a':{'type':'string','merge':'lww'},'b':{'type':['integer','null']},'c':{}"),
            "/version");
    follows(now, VERSION("m", "4", "'b':{'type':['integer','null']},'c':{}"), "/fields/a");
    follows(now, VERSION("m", "4", "'a':{'type':'string'},'b':{'type':['integer','null']},'c':{}"), "/fields/a");
    follows(now, VERSION("m", "4", "'a':{'type':'integer','merge':'lww'},'b':{'type':['integer','null']},'c':{}"),
            "/fields/a");
    follows(now, VERSION("m", "4", "'a':{'type':'string','merge':'lww'},'b':{'type':['string','null']},'c':{}"),
            "/fields/b");
    follows(now, VERSION("m", "4", "'a':{'type':'string','merge':'lww'},'b':{},'c':{}"), "/fields/b");
    follows(now,
            VERSION("m", "4",
                    "'a':{'type':'string','merge':'lww'},'b':{'type':['integer','null']},"
                    "'c':{'type':['string','null']}"),
            "/fields/c");
}

/* `f` becomes another; may it? */
static void may_become(const char *before, const char *after, bool may) {
    char now[600], next[600];
    rk_format(now, sizeof now, "{'module':'m','version':1,'truth':'region','fields':{'f':%s},'events':{}}", before);
    rk_format(next, sizeof next, "{'module':'m','version':2,'truth':'region','fields':{'f':%s},'events':{}}", after);
    follows(now, next, may ? NULL : "/fields/f");
}

static void a_type_stays_in_items_and_members_too(void **state) {
    (void)state;
    may_become("{'type':'array','items':{'type':'string'}}", "{'type':'array','items':{'type':'integer'}}", false);
    may_become("{'type':'array','items':{'type':'string'}}", "{'type':'array'}", false);
    may_become("{'type':'array','items':{'type':'string'}}",
               "{'type':'array','maxItems':3,'items':{'type':'string','format':'date'}}", true);
    may_become("{'type':'array'}", "{'type':'array','items':{}}", true);
    may_become("{'type':'object','additionalProperties':{'type':'integer'}}",
               "{'type':'object','additionalProperties':{'type':'string'}}", false);
    may_become("{'type':'object','additionalProperties':{'type':'integer'}}",
               "{'type':'object','additionalProperties':{'type':'integer','minimum':0}}", true);
#define OBJECT(properties, rest) "{'type':'object','properties':{" properties "}" rest "}"
#define CLOSED                   ",'additionalProperties':false"
    may_become(OBJECT("'a':{'type':'string'}", ""), OBJECT("'a':{'type':'integer'}", ""), false);
    may_become(OBJECT("'a':{'type':'string'}", ""), "{'type':'object'}", false);
    may_become(OBJECT("'a':{'type':'string'}", ""), OBJECT("'a':{'type':'string'}", ",'required':['a']"), true);
    /* In an open object a member of any type may stand already; in a closed one a new name is free. */
    may_become(OBJECT("", ""), OBJECT("'a':{'type':'string'}", ""), false);
    may_become(OBJECT("'b':{}", CLOSED), OBJECT("'b':{},'a':{'type':'string'}", CLOSED), true);
    may_become(OBJECT("'b':{},'a':{'type':'string'}", CLOSED), OBJECT("'b':{}", CLOSED), false);
    may_become(OBJECT("'b':{}", ""), OBJECT("'b':{}", CLOSED), true);
    may_become(OBJECT("'b':{}", CLOSED), OBJECT("'b':{}", ""), true);
    may_become("{'type':'string'}", "{'type':'string','enum':['a','b']}", true);
    may_become("{'enum':['a','b']}", "{'enum':['a',1]}", false);
    may_become("{'type':'string','merge':'lww'}", "{'type':'string'}", false);
}

static void a_truth_never_changes(void **state) {
    (void)state;
    const rk_module *now = module_of_json(&arena, MODULE("", "", ""));
    rk_module next = *now;
    rk_error error = {0};
    next.version = 2;
    next.truth = RK_TEXT("edge"); /* no JSON says so yet */
    assert_int_equal(rk_module_may_follow(now, &next, &error), RK_MODULE_CHANGE);
    assert_string_equal(error.where, "/truth");
}

/* ---- those that come with it ---- */

static void compiles(rk_bytes what, const rk_value *source) {
    rk_module *module = NULL;
    rk_findings findings;
    rk_error error = {0};
    if (rk_module_compile(&arena, source, &module, &findings, &error) == RK_OK) return;
    fail_msg("%.*s: %s: %s", (int)what.size, (const char *)what.data, error.where, error.what);
}

static void the_built_in_modules_compile(void **state) {
    (void)state;
    rk_bytes name, cbor;
    size_t count = 0;
    for (; rk_module_builtin(count, &name, &cbor); count++) {
        rk_value source;
        assert_int_equal(rk_cbor_decode(&arena, cbor, &source, NULL), RK_OK);
        compiles(name, &source);
        assert_true(rk_is_text(rk_map_find(&source, RK_TEXT("module")), name));
        char path[200];
        rk_format(path, sizeof path, "src/core/module/builtin/%b.json", name);
        rk_value file = value_of_text(&arena, file_of(&arena, path));
        assert_true(rk_value_equal(&file, &source));
    }
    assert_int_equal(count, 4);
}

static void the_example_modules_compile(void **state) {
    (void)state;
    DIR *folder = opendir("examples/modules");
    assert_non_null(folder);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!strstr(entry->d_name, ".json")) continue;
        char path[400];
        rk_format(path, sizeof path, "examples/modules/%s", entry->d_name);
        rk_value source = value_of_text(&arena, file_of(&arena, path));
        compiles(rk_bytes_of_string(path), &source);
        count++;
    }
    closedir(folder);
    assert_true(count >= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_a_module_is),
        TEST(what_a_field_is),
        TEST(what_an_event_type_is),
        TEST(a_guard_that_is_constant_is_a_finding_where_it_misleads),
        TEST(what_a_step_is),
        TEST(a_field_may_have_a_rule_for_reading),
        TEST(a_step_with_two_verbs_is_refused_once_for_each_fault),
        TEST(what_apply_may_read),
        TEST(who_may_is_checked),
        TEST(a_key_that_is_no_text_is_refused_wherever_it_stands),
        TEST(a_value_that_no_event_could_hold_is_no_module),
        TEST(event_types_are_mergeable_or_ordered_and_say_why),
        TEST(what_an_upcast_is),
        TEST(each_and_when_are_read),
        TEST(a_step_knows_its_place_in_the_data),
        TEST(all_findings_are_counted_and_some_kept),
        TEST(a_version_follows_another_by_the_rules),
        TEST(a_type_stays_in_items_and_members_too),
        TEST(a_truth_never_changes),
        TEST(the_built_in_modules_compile),
        TEST(the_example_modules_compile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
