/*
 * Schemas: each word, and the official suite of JSON Schema (../shared/data/json-schema, skipped where it is missing).
 */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/module/module_testing.h"
#include "door/json.h"
#include "door/schema_cases.h"
#include "io/memory.h"

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

static const rk_schema *schema_of(const char *text) {
    rk_value source = value_of_json(&arena, text);
    rk_schema *schema = NULL;
    rk_findings *findings = rk_arena_take(&arena, sizeof *findings);
    assert_int_equal(rk_schema_compile(&arena, &source, RK_TEXT(""), NULL, findings, &schema), RK_OK);
    if (findings->count > 0) {
        fail_msg("%s: %.*s", text, (int)findings->items[0].message.size, (const char *)findings->items[0].message.data);
    }
    return schema;
}

/* `where`: NULL when it fits, else the place of the refusal. */
static void check(const char *schema, const char *value, const char *where) {
    rk_value found = value_of_json(&arena, value);
    rk_error error = {0};
    rk_status status = rk_schema_check(schema_of(schema), &found, RK_BAD_STATE, "", &error);
    if (status != (where ? RK_BAD_STATE : RK_OK)) fail_msg("%s on %s: %s", schema, value, error.what);
    if (!where) return;
    assert_string_equal(error.where, where);
    assert_true(error.what[0] && error.code == RK_BAD_STATE);
}

static void fits(const char *schema, const char *value) {
    check(schema, value, NULL);
}

static void refused(const char *schema, const char *value) {
    check(schema, value, "");
}

static void types(void **state) {
    (void)state;
    static const char *const names[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
    static const char *const values[] = {"null", "true", "7", "7.5", "'7'", "[7]", "{'7':7}"};
    for (size_t type = 0; type < 7; type++) {
        for (size_t value = 0; value < 7; value++) {
            char schema[60];
            rk_format(schema, sizeof schema, "{'type':'%s'}", names[type]);
            bool expected = type == value || (type == 3 && value == 2);
            check(schema, values[value], expected ? NULL : "");
            rk_format(schema, sizeof schema, "{'type':['%s','null']}", names[type]);
            check(schema, values[value], expected || value == 0 ? NULL : "");
        }
        fits("{}", values[type]);
    }
    /* Whoever reads an integer finds no double (schema.h, invariant 2). */
    refused("{'type':'integer'}", "7.0");
    fits("{'type':'integer'}", "-9223372036854775808");
    rk_value large = rk_whole(UINT64_MAX), bytes = rk_bytes_value(RK_TEXT("x"));
    assert_int_equal(rk_schema_check(schema_of("{'type':'integer'}"), &large, RK_BAD_DATA, "", NULL), RK_OK);
    /* JSON Schema knows no bytes: nothing allows them, not even an empty schema. */
    assert_int_equal(rk_schema_check(schema_of("{}"), &bytes, RK_BAD_DATA, "", NULL), RK_BAD_DATA);
}

static void numbers(void **state) {
    (void)state;
    fits("{'minimum':3}", "3");
    fits("{'minimum':3}", "'x'");
    refused("{'minimum':3}", "2");
    refused("{'minimum':3}", "2.9");
    fits("{'minimum':2.5}", "3");
    fits("{'maximum':3}", "3.0");
    refused("{'maximum':3}", "3.1");
    refused("{'exclusiveMinimum':3}", "3");
    fits("{'exclusiveMinimum':3}", "4");
    refused("{'exclusiveMaximum':3}", "3");
    fits("{'exclusiveMaximum':3}", "2");
    /* Exact at the ends, where a double is not. */
    refused("{'maximum':9223372036854775806}", "9223372036854775807");
    refused("{'minimum':-9223372036854775807}", "-9223372036854775808");
}

static void multiples(void **state) {
    (void)state;
    fits("{'multipleOf':2}", "10");
    fits("{'multipleOf':2}", "-10");
    refused("{'multipleOf':2}", "7");
    fits("{'multipleOf':1.5}", "4.5");
    /* Decimals, not the doubles nearest to them. */
    fits("{'multipleOf':0.01}", "19.99");
    refused("{'multipleOf':0.01}", "19.995");
    fits("{'multipleOf':0.1}", "0.3");
    fits("{'multipleOf':1e-8}", "12391239123");
    fits("{'multipleOf':1e-300}", "1e308");
    fits("{'multipleOf':0.5}", "1e308");
    refused("{'multipleOf':0.123456789}", "1e308");
    fits("{'multipleOf':1e308}", "0");
    refused("{'multipleOf':1e308}", "1e307");
    refused("{'multipleOf':3}", "1e308");
    fits("{'multipleOf':1e-320}", "5e-320");
    fits("{'multipleOf':5e-324}", "1e-323");
    fits("{'multipleOf':9223372036854775807}", "-9223372036854775807");
    fits("{'multipleOf':3}", "9e300");
    refused("{'multipleOf':9223372036854775807}", "1e300");
    fits("{'multipleOf':1e18}", "9000000000000000000");
    refused("{'multipleOf':1e18}", "9000000000000000001");
    fits("{'multipleOf':0.0001}", "9223372036854775807");
    refused("{'multipleOf':1.5}", "35");
    fits("{'multipleOf':1}", "-9223372036854775808");
    refused("{'multipleOf':10}", "9223372036854775807");
    refused("{'multipleOf':2}", "9223372036854775807");
    fits("{'multipleOf':2}", "'x'");
    rk_value odd = rk_whole(UINT64_MAX), even = rk_whole(UINT64_MAX - 1);
    assert_int_equal(rk_schema_check(schema_of("{'multipleOf':2}"), &odd, RK_BAD_DATA, "", NULL), RK_BAD_DATA);
    assert_int_equal(rk_schema_check(schema_of("{'multipleOf':2}"), &even, RK_BAD_DATA, "", NULL), RK_OK);
}

static void texts(void **state) {
    (void)state;
    fits("{'minLength':2}", "'ab'");
    refused("{'minLength':2}", "'a'");
    refused("{'minLength':2}", "'\xF0\x9F\x98\x80'");
    fits("{'maxLength':2}", "'\xF0\x9F\x98\x80\xC3\xA9'");
    refused("{'maxLength':2}", "'abc'");
    fits("{'maxLength':0,'minLength':0}", "''");
    fits("{'maxLength':0}", "17");
}

static void lists(void **state) {
    (void)state;
    fits("{'minItems':1,'maxItems':2}", "[1]");
    refused("{'minItems':1}", "[]");
    refused("{'maxItems':2}", "[1,2,3]");
    fits("{'items':{'type':'integer'}}", "[1,2,3]");
    check("{'items':{'type':'integer'}}", "[1,'2']", "/1");
    check("{'items':{'items':{'maximum':1}}}", "[[],[1],[1,2]]", "/2/1");
    fits("{'items':{'type':'integer'}}", "{'0':'x'}");
}

static void objects(void **state) {
    (void)state;
    const char *schema = "{'properties':{'a':{'type':'integer'},'long name':{}},'required':['a','b']}";
    fits(schema, "{'a':1,'b':null}");
    refused(schema, "{'a':1}");
    refused(schema, "{'b':1}");
    check(schema, "{'a':'x','b':1}", "/a");
    fits(schema, "{'a':1,'b':1,'other':2}");
    fits(schema, "[]");
    check("{'properties':{'a':{}},'additionalProperties':false}", "{'a':1,'b':2}", "/b");
    check("{'properties':{'a':{}},'additionalProperties':{'type':'string'}}", "{'a':1,'b':2}", "/b");
    fits("{'properties':{'a':{}},'additionalProperties':{'type':'string'}}", "{'a':1,'b':'2'}");
    fits("{'additionalProperties':true}", "{'b':2}");
    refused("{'minProperties':1}", "{}");
    refused("{'maxProperties':1}", "{'a':1,'b':1}");
    fits("{'minProperties':1,'maxProperties':1}", "{'a':1}");
}

static void constants(void **state) {
    (void)state;
    fits("{'const':[1,{'a':null}]}", "[1,{'a':null}]");
    refused("{'const':[1]}", "[2]");
    refused("{'const':1}", "1.0"); /* an integer; rk_schema_normalise would have made it one */
    fits("{'const':1.0}", "1");
    fits("{'const':1.0}", "1.0");
    fits("{'type':'number','const':1}", "1.0");
    fits("{'type':'number','enum':[1,2]}", "2.0");
    refused("{'enum':[1,2]}", "2.0");
    refused("{'type':'string','enum':['a']}", "'b'");
    refused("{'type':['string','integer'],'enum':['a']}", "1");
    refused("{'const':1}", "true");
    refused("{'const':false}", "0");
    fits("{'const':null}", "null");
    refused("{'const':null}", "0");
    fits("{'enum':['a',1,null]}", "null");
    fits("{'enum':['a',1,null]}", "'a'");
    refused("{'enum':['a',1,null]}", "'b'");
    fits("{'title':'t','description':'d','$comment':'c'}", "'b'");
}

static void patterns(void **state) {
    (void)state;
    fits("{'pattern':'a+'}", "'xxaayy'");
    refused("{'pattern':'^a+$'}", "'xxaayy'");
    refused("{'pattern':'^abc$'}", "'abc\\n'");
    fits("{'pattern':'^.$'}", "'\xF0\x9F\x98\x80'");
    fits("{'pattern':'^a'}", "17");
    check("{'items':{'pattern':'^[0-9]+$'}}", "['1','x']", "/1");
    fits("{'pattern':''}", "''");
    /* Large, so that a search needs memory; steps are counted over all searches of a check. */
    fits("{'pattern':'(?:(?:a|b|c){1,20}x){1,20}'}", "'abcx'");
    refused("{'pattern':'(?:(?:a|b|c){1,20}x){20,20}'}", "'abcx'");
}

static void a_search_ends_within_its_steps(void **state) {
    (void)state;
    size_t size = 1 << 20;
    uint8_t *text = rk_arena_take(&arena, size);
    memset(text, 'a', size);
    rk_value item = rk_string(rk_bytes_of(text, size));
    rk_error error = {0};
    const rk_schema *schema = schema_of("{'pattern':'(?:a?){500}b'}");
    assert_int_equal(rk_schema_check(schema, &item, RK_BAD_DATA, "/data", &error), RK_STEP_BOUND);
    assert_string_equal(error.where, "/data");
    assert_true(error.hint[0]);
    assert_int_equal(rk_schema_check(schema_of("{'pattern':'^a*$'}"), &item, RK_BAD_DATA, "", NULL), RK_OK);
}

static void formats(void **state) {
    (void)state;
    fits("{'format':'date'}", "'2024-02-29'");
    refused("{'format':'date'}", "'2023-02-29'");
    fits("{'format':'date'}", "20230229");
    check("{'properties':{'at':{'type':'string','format':'date-time'}}}", "{'at':'now'}", "/at");
}

static void unique_items(void **state) {
    (void)state;
    const char *schema = "{'uniqueItems':true}";
    fits(schema, "[]");
    fits(schema, "[1,2,3,4,5,6,7,8,9]");
    fits("{'uniqueItems':false}", "[1,1]");
    refused(schema, "[1,2,3,4,5,6,7,8,1]");
    refused(schema, "[1,1.0]");
    refused(schema, "[9007199254740993,1,9007199254740993]");
    fits(schema, "[9007199254740993,9007199254740992.0]");
    refused(schema, "[9007199254740992,9007199254740992.0]");
    fits(schema, "[1,true,0,false,'1',null,[1],[true],{'a':1},{'a':true},'',[],{}]");
    refused(schema, "[{'a':[1]},{'b':1},{'a':[1.0]}]");
    refused(schema, "[0,-0.0]");
    check("{'items':{'uniqueItems':true}}", "[[1],[1,1]]", "/1");
    rk_value numbers[] = {rk_double(NAN), rk_int(1), rk_double(NAN), rk_bytes_value(RK_TEXT("x"))};
    rk_value list = rk_list(numbers, 4);
    assert_int_equal(rk_schema_check(schema_of(schema), &list, RK_BAD_DATA, "", NULL), RK_BAD_DATA);
}

/* Long items that differ in their last byte only, as a hostile writer would send them. */
static void many_items_are_compared_fast(void **state) {
    (void)state;
    enum { COUNT = 100000, SIZE = 60 };
    rk_value *items = rk_arena_take_array(&arena, COUNT, sizeof *items);
    for (uint64_t i = 0; i < COUNT; i++) {
        char text[SIZE + 1];
        uint64_t shuffled = (i * 7919) % COUNT;
        rk_format(text, sizeof text, "the same beginning for all of them %u", shuffled + 10000);
        items[i] = rk_string(rk_bytes_of_string(rk_arena_string(&arena, rk_bytes_of_string(text))));
    }
    rk_value list = rk_list(items, COUNT);
    const rk_schema *schema = schema_of("{'uniqueItems':true}");
    clock_t start = clock();
    assert_int_equal(rk_schema_check(schema, &list, RK_BAD_DATA, "", NULL), RK_OK);
    items[COUNT - 1] = items[0];
    assert_int_equal(rk_schema_check(schema, &list, RK_BAD_DATA, "", NULL), RK_BAD_DATA);
    assert_true(clock() - start < 10 * CLOCKS_PER_SEC);
}

static void true_and_false_are_schemas(void **state) {
    (void)state;
    fits("true", "{'a':[1]}");
    refused("false", "null");
    fits("{'items':false}", "[]");
    check("{'items':false}", "[1]", "/0");
    check("{'properties':{'a':false}}", "{'a':1}", "/a");
    fits("{'properties':{'a':false,'b':true}}", "{'b':1}");
    /* What is required and not described is what additionalProperties says. */
    check("{'required':['a'],'additionalProperties':{'type':'string'}}", "{'a':1}", "/a");
}

static void words_for_people_change_nothing(void **state) {
    (void)state;
    fits("{'$schema':'https://json-schema.org/draft/2020-12/schema','title':'t','description':'d','$comment':'c',"
         "'default':[],'examples':[1],'deprecated':true,'readOnly':true,'writeOnly':false}",
         "'b'");
    assert_false(rk_schema_constrains(schema_of("{'type':'string','default':'x'}")));
    assert_true(rk_schema_constrains(schema_of("{'type':'string','pattern':'x'}")));
    assert_true(rk_schema_constrains(schema_of("{'type':'string','format':'date'}")));
    assert_true(rk_schema_constrains(schema_of("{'enum':['x']}")));
    assert_true(rk_schema_constrains(schema_of("{'uniqueItems':true}")));
    assert_true(rk_schema_constrains(schema_of("{'required':[]}")));
    assert_true(rk_schema_constrains(schema_of("false")));
}

static void contradiction(const char *schema, const char *pointer, const char *message) {
    rk_value source = value_of_json(&arena, schema);
    rk_schema *compiled = NULL;
    rk_findings *findings = rk_arena_take(&arena, sizeof *findings);
    assert_int_equal(rk_schema_compile(&arena, &source, RK_TEXT(""), NULL, findings, &compiled), RK_OK);
    if (findings->count != 1) fail_msg("%s: %zu findings", schema, findings->count);
    const rk_finding *finding = &findings->items[0];
    if (!rk_bytes_equal(finding->pointer, rk_bytes_of_string(pointer))) {
        fail_msg("%s: at %.*s", schema, (int)finding->pointer.size, (const char *)finding->pointer.data);
    }
    assert_non_null(memmem(finding->message.data, finding->message.size, message, strlen(message)));
}

static void words_that_contradict_each_other_are_findings(void **state) {
    (void)state;
    contradiction("{'minimum':3,'maximum':2}", "/minimum", "above \"maximum\"");
    contradiction("{'minimum':3,'exclusiveMaximum':3}", "/minimum", "not below \"exclusiveMaximum\"");
    contradiction("{'exclusiveMinimum':3,'maximum':3}", "/exclusiveMinimum", "not below \"maximum\"");
    contradiction("{'exclusiveMinimum':3,'exclusiveMaximum':3}", "/exclusiveMinimum", "not below");
    contradiction("{'minLength':3,'maxLength':2}", "/minLength", "above \"maxLength\"");
    contradiction("{'minItems':3,'maxItems':2}", "/minItems", "above \"maxItems\"");
    contradiction("{'minProperties':3,'maxProperties':2}", "/minProperties", "above \"maxProperties\"");
    contradiction("{'minProperties':2,'properties':{'a':{}},'additionalProperties':false}", "/minProperties", "more");
    contradiction("{'maxProperties':1,'required':['a','b']}", "/maxProperties", "more members are required");
    contradiction("{'required':['a'],'additionalProperties':false}", "/required", "\"a\" is required");
    contradiction("{'required':['a'],'properties':{'a':false}}", "/required", "\"a\" is required");
    contradiction("{'type':'string','enum':['a',1]}", "/enum/1", "does not fit");
    contradiction("{'enum':['a','abc'],'maxLength':2}", "/enum/1", "does not fit");
    contradiction("{'type':'integer','const':1.5}", "/const", "does not fit");
    contradiction("{'type':'integer','const':'1'}", "/const", "does not fit");
    contradiction("{'const':3,'enum':[1,2]}", "/const", "none of its enum");
    contradiction("{'items':{'minimum':1,'maximum':0}}", "/items/minimum", "above");
    schema_of("{'minimum':3,'maximum':3,'minLength':1,'maxLength':1,'type':'integer','const':3.0}");
    schema_of("{'required':['a'],'properties':{'a':{}},'additionalProperties':false,'minProperties':1}");
}

static void a_long_place_is_cut_and_not_overrun(void **state) {
    (void)state;
    char name[300], schema[400], value[400];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    rk_format(schema, sizeof schema, "{'properties':{'%s':{'type':'string'}}}", name);
    rk_format(value, sizeof value, "{'%s':1}", name);
    rk_value found = value_of_json(&arena, value);
    rk_error error = {0};
    assert_int_equal(rk_schema_check(schema_of(schema), &found, RK_BAD_DATA, "/data", &error), RK_BAD_DATA);
    assert_int_equal(strlen(error.where), RK_ERROR_WHERE_MAX - 1);
}

static void words_that_are_wrong_are_findings(void **state) {
    (void)state;
    static const struct {
        const char *schema, *pointer, *message;
        rk_status code;
    } cases[] = {
        {"3", "", "a schema is an object", RK_BAD_MODULE},
        {"{'type':'text'}", "/type", "names no type", RK_BAD_MODULE},
        {"{'type':[]}", "/type", "names no type", RK_BAD_MODULE},
        {"{'type':['string','text']}", "/type", "names no type", RK_BAD_MODULE},
        {"{'type':3}", "/type", "names no type", RK_BAD_MODULE},
        {"{'minimum':'3'}", "/minimum", "must be a number", RK_BAD_MODULE},
        {"{'multipleOf':0}", "/multipleOf", "above 0", RK_BAD_MODULE},
        {"{'multipleOf':-1}", "/multipleOf", "above 0", RK_BAD_MODULE},
        {"{'multipleOf':-0.5}", "/multipleOf", "above 0", RK_BAD_MODULE},
        {"{'multipleOf':'1'}", "/multipleOf", "must be a number", RK_BAD_MODULE},
        {"{'minLength':-1}", "/minLength", "whole number", RK_BAD_MODULE},
        {"{'maxItems':1.5}", "/maxItems", "whole number", RK_BAD_MODULE},
        {"{'maxProperties':null}", "/maxProperties", "whole number", RK_BAD_MODULE},
        {"{'properties':[]}", "/properties", "must be an object", RK_BAD_MODULE},
        {"{'required':'a'}", "/required", "list of names", RK_BAD_MODULE},
        {"{'required':[1]}", "/required", "list of names", RK_BAD_MODULE},
        {"{'required':false}", "/required", "list of names", RK_BAD_MODULE},
        {"{'additionalProperties':1}", "/additionalProperties", "a schema is an object", RK_BAD_MODULE},
        {"{'enum':[]}", "/enum", "list of values", RK_BAD_MODULE},
        {"{'enum':'a'}", "/enum", "list of values", RK_BAD_MODULE},
        {"{'anyOf':[]}", "/anyOf", "do not have this word", RK_BAD_MODULE},
        {"{'merge':'lww'}", "/merge", "do not have this word", RK_BAD_MODULE},
        {"{'properties':{'a/b':{'tpye':1}}}", "/properties/a~1b/tpye", "do not have this word", RK_BAD_MODULE},
        {"{'pattern':1}", "/pattern", "a pattern is text", RK_BAD_MODULE},
        {"{'pattern':'('}", "/pattern", "this pattern is not supported", RK_BAD_MODULE},
        {"{'pattern':'\\\\p{L}'}", "/pattern", "this pattern is not supported", RK_BAD_MODULE},
        {"{'pattern':'a(?=b)'}", "/pattern", "this pattern is not supported", RK_BAD_MODULE},
        {"{'format':'hostname'}", "/format", "no such format", RK_BAD_MODULE},
        {"{'format':1}", "/format", "no such format", RK_BAD_MODULE},
        {"{'uniqueItems':1}", "/uniqueItems", "true or false", RK_BAD_MODULE},
        {"{'$schema':'http://json-schema.org/draft-07/schema#'}", "/$schema", "not the JSON Schema", RK_BAD_MODULE},
        {"{'$ref':'#'}", "/$ref", "do not have this word", RK_BAD_MODULE},
        {"{'items':{'not':{}}}", "/items/not", "do not have this word", RK_BAD_MODULE},
        {"{'minLength':1e30}", "/minLength", "whole number", RK_BAD_MODULE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rk_value source = value_of_json(&arena, cases[i].schema);
        rk_schema *schema = NULL;
        rk_findings *findings = rk_arena_take(&arena, sizeof *findings);
        assert_int_equal(rk_schema_compile(&arena, &source, RK_TEXT(""), NULL, findings, &schema), RK_OK);
        if (findings->count != 1) fail_msg("%s: %zu findings", cases[i].schema, findings->count);
        const rk_finding *finding = &findings->items[0];
        assert_int_equal(finding->code, cases[i].code);
        assert_true(rk_bytes_equal(finding->pointer, rk_bytes_of_string(cases[i].pointer)));
        assert_non_null(
            memmem(finding->message.data, finding->message.size, cases[i].message, strlen(cases[i].message)));
    }
}

static void types_of_expressions(void **state) {
    (void)state;
    static const struct {
        const char *schema, *type;
    } cases[] = {
        {"{}", "dyn"},
        {"{'type':'integer'}", "int"},
        {"{'type':'number'}", "dyn"},
        {"{'type':['integer','null']}", "dyn"},
        {"{'type':'array'}", "list(dyn)"},
        {"{'type':'array','items':{'type':'string'}}", "list(string)"},
        {"{'type':'object'}", "map(string, dyn)"},
        {"{'type':'object','additionalProperties':{'type':'boolean'}}", "map(string, bool)"},
        {"{'type':'object','properties':{'a':{'type':'null'}}}", "object"},
        {"{'enum':['a','b']}", "string"},
        {"{'enum':['a',null]}", "dyn"},
        {"{'type':['string','integer'],'const':3}", "int"},
        {"{'enum':[1,2]}", "int"},
        {"{'enum':[1,2.5]}", "dyn"},
        {"{'type':'number','enum':[1,2]}", "dyn"},
        {"{'const':[1]}", "list(dyn)"},
        {"{'type':'array','items':{'enum':[true]},'uniqueItems':true}", "list(bool)"},
        {"{'type':'string','format':'date','pattern':'a'}", "string"},
        {"{'type':'array','items':false}", "list(dyn)"},
        {"true", "dyn"},
        {"{'type':'object','required':['a'],'additionalProperties':{'type':'integer'}}", "object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rk_bytes printed = rk_type_print(&arena, rk_schema_type(schema_of(cases[i].schema)));
        if (!rk_bytes_equal(printed, rk_bytes_of_string(cases[i].type))) fail_msg("%s", cases[i].schema);
    }
}

/* ---- the official suite ---- */

#define FOLDER "../shared/data/json-schema/"

static void the_official_suite(void **state) {
    (void)state;
    DIR *folder = opendir(FOLDER);
    if (!folder) skip();
    rk_schema_tally tally = {0};
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!strstr(entry->d_name, ".json")) continue;
        char path[400];
        rk_error error = {0};
        rk_format(path, sizeof path, FOLDER "%s", entry->d_name);
        if (rk_schema_cases_run(&arena, file_of(&arena, path), &tally, &error) != RK_OK) {
            fail_msg("%s: %s", path, error.what);
        }
    }
    closedir(folder);
    for (const rk_schema_failure *at = tally.failures; at; at = at->next) {
        print_message("# %.*s: %.*s\n", (int)at->group.size, (const char *)at->group.data, (int)at->name.size,
                      (const char *)at->name.data);
    }
    print_message("# JSON Schema: %zu cases pass, %zu refused by name\n", tally.passed, tally.refused);
    assert_int_equal(tally.failed, 0);
    assert_true(tally.passed >= 649);
    assert_int_equal(tally.refused, 44); /* $defs, allOf, prefixItems, patternProperties, propertyNames */
}

static void cases(const char *text, size_t passed, size_t failed, size_t refused, const char *name) {
    rk_schema_tally tally = {0};
    rk_error error = {0};
    rk_value copy = value_of_json(&arena, text);
    rk_buffer buffer;
    rk_bytes json;
    rk_buffer_init(&buffer, &arena, 1 << 16);
    rk_json_print(&buffer, &copy);
    assert_int_equal(rk_buffer_finish(&buffer, &json), RK_OK);
    assert_int_equal(rk_schema_cases_run(&arena, json, &tally, &error), RK_OK);
    if (tally.passed != passed || tally.failed != failed || tally.refused != refused) {
        fail_msg("%s: %zu, %zu, %zu", text, tally.passed, tally.failed, tally.refused);
    }
    if (name) assert_true(rk_bytes_equal(tally.refusals->name, rk_bytes_of_string(name)));
}

#define CASE(schema, data, valid) "[{'schema':" schema ",'tests':[{'data':" data ",'valid':" valid "}]}]"

static void a_case_is_passed_failed_or_refused_by_name(void **state) {
    (void)state;
    cases("[]", 0, 0, 0, NULL);
    cases(CASE("{'type':'integer'}", "1.0", "true"), 1, 0, 0, NULL);
    cases(CASE("{'type':'integer'}", "1.0", "false"), 0, 1, 0, NULL);
    cases(CASE("{'type':'integer'}", "'x'", "true"), 0, 1, 0, NULL);
    cases(CASE("false", "1", "false"), 1, 0, 0, NULL);
    cases(CASE("{'items':{'$ref':'#'}}", "1", "true"), 0, 0, 1, "$ref");
    cases(CASE("{'items':{'$ref':'#'}}", "1", "false"), 0, 0, 1, "$ref");
    cases(CASE("{'pattern':'^\\\\s'}", "'x'", "true"), 0, 0, 1, "pattern");
    cases(CASE("{'pattern':'a\\\\\\\\s'}", "'x'", "false"), 1, 0, 0, NULL); /* a blank class it is not */
    cases(CASE("{'type':'integer'}", "1e308", "true"), 0, 0, 1, "a number past 64 bits");
    cases(CASE("{'type':'integer'}", "1e308", "false"), 1, 0, 0, NULL);
}

static void run_text(const char *text, rk_status wanted, const char *name) {
    rk_schema_tally tally = {0};
    rk_error error = {0};
    rk_status status = rk_schema_cases_run(&arena, rk_bytes_of_string(text), &tally, &error);
    if (status != wanted) fail_msg("%s: %s", text, rk_status_name(status));
    if (wanted != RK_OK) assert_true(error.code == wanted && error.what[0]);
    if (!name) return;
    assert_true(rk_bytes_equal(tally.refusals->name, rk_bytes_of_string(name)));
    assert_int_equal(tally.passed, 1); /* what cannot be read does not hide the case beside it */
}

#define BESIDE(data)                                       \
    "[ {\"schema\": {}, \"tests\": [{\"data\": " data ", " \
    "\"valid\": true} ,{\"valid\":true,\"data\":{\"a\":[\"]}\\\"\"]}}]} ]\n"

static void a_file_of_cases_is_cut_as_text(void **state) {
    (void)state;
    run_text(BESIDE("[1, 12345678910111213141516]"), RK_OK, "a number past 64 bits");
    run_text(BESIDE("{\"9\": 0.10000000000000000001}"), RK_OK, "a number that no double holds");
    run_text(BESIDE("\"\\uD800\""), RK_OK, "half a surrogate pair");
    run_text(BESIDE("tru"), RK_BAD_JSON, NULL);
    run_text("", RK_BAD_DATA, NULL);
    run_text("{}", RK_BAD_DATA, NULL);
    run_text("[1]", RK_BAD_DATA, NULL);
    run_text("[{}]", RK_BAD_DATA, NULL);
    run_text("[] x", RK_BAD_DATA, NULL);
    run_text("[", RK_BAD_DATA, NULL);
    run_text("[{\"schema\":{},\"tests\":[{\"data\":1}]}]", RK_BAD_DATA, NULL);
    run_text("[{\"schema\":{},\"tests\":[{\"data\"", RK_BAD_DATA, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(types),
        TEST(numbers),
        TEST(multiples),
        TEST(texts),
        TEST(lists),
        TEST(objects),
        TEST(constants),
        TEST(patterns),
        TEST(a_search_ends_within_its_steps),
        TEST(formats),
        TEST(unique_items),
        TEST(many_items_are_compared_fast),
        TEST(true_and_false_are_schemas),
        TEST(words_for_people_change_nothing),
        TEST(words_that_contradict_each_other_are_findings),
        TEST(a_long_place_is_cut_and_not_overrun),
        TEST(words_that_are_wrong_are_findings),
        TEST(types_of_expressions),
        TEST(a_case_is_passed_failed_or_refused_by_name),
        TEST(a_file_of_cases_is_cut_as_text),
        TEST(the_official_suite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
