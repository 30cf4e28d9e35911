/*
 * Schemas: each word, and the official suite of JSON Schema (../shared/data/json-schema, skipped where it is missing).
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/module/module_testing.h"
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
    /* A value never changes its kind by being checked (schema.h, invariant 2). */
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
    fits("{'const':1}", "1.0");
    refused("{'const':1}", "true");
    refused("{'const':false}", "0");
    fits("{'const':null}", "null");
    refused("{'const':null}", "0");
    fits("{'enum':['a',1,null]}", "null");
    fits("{'enum':['a',1,null]}", "'a'");
    refused("{'enum':['a',1,null]}", "'b'");
    fits("{'title':'t','description':'d','$comment':'c'}", "'b'");
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
        {"{'items':true}", "/items", "a schema is an object", RK_BAD_MODULE},
        {"{'additionalProperties':1}", "/additionalProperties", "a schema is an object", RK_BAD_MODULE},
        {"{'enum':[]}", "/enum", "list of values", RK_BAD_MODULE},
        {"{'enum':'a'}", "/enum", "list of values", RK_BAD_MODULE},
        {"{'anyOf':[]}", "/anyOf", "do not have this word", RK_BAD_MODULE},
        {"{'merge':'lww'}", "/merge", "do not have this word", RK_BAD_MODULE},
        {"{'properties':{'a/b':{'tpye':1}}}", "/properties/a~1b/tpye", "do not have this word", RK_BAD_MODULE},
        {"{'pattern':'a'}", "/pattern", "not built yet", RK_NOT_YET},
        {"{'format':'date'}", "/format", "not built yet", RK_NOT_YET},
        {"{'uniqueItems':true}", "/uniqueItems", "not built yet", RK_NOT_YET},
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
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rk_bytes printed = rk_type_print(&arena, rk_schema_type(schema_of(cases[i].schema)));
        if (!rk_bytes_equal(printed, rk_bytes_of_string(cases[i].type))) fail_msg("%s", cases[i].schema);
    }
}

/* ---- the official suite ---- */

#define FOLDER "../shared/data/json-schema/"

typedef struct tally {
    size_t passed, not_yet, refused, differs, unexplained;
} tally;

/*
 * What differs, by the case's description.
 *   1.0, which JSON Schema calls an integer, is a double here: a value never changes its kind by being checked
 *   (schema.h, invariant 2). 1e-8 is no decimal fraction here but the double nearest to it, and no integer is a
 *   multiple of that. Both are decided with the words of the next issue.
 */
static const char *const differences[] = {
    "a float with zero fractional part is an integer",
    "any integer is a multiple of 1e-8",
};

static bool is_known_difference(rk_bytes description) {
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
        if (rk_bytes_equal(description, rk_bytes_of_string(differences[i]))) return true;
    }
    return false;
}

static rk_bytes description_of(const rk_value *map) {
    return rk_map_find(map, RK_TEXT("description"))->as.bytes;
}

static void run_group(const char *file, const rk_value *group, tally *tally) {
    static const rk_bytes passed_over[] = {{(const uint8_t *)"$schema", 7}, {NULL, 0}};
    const rk_value *cases = rk_map_find(group, RK_TEXT("tests"));
    size_t count = cases->as.list.count;
    rk_schema *schema = NULL;
    rk_findings *findings = rk_arena_take(&arena, sizeof *findings);
    assert_int_equal(
        rk_schema_compile(&arena, rk_map_find(group, RK_TEXT("schema")), RK_TEXT(""), passed_over, findings, &schema),
        RK_OK);
    if (findings->count > 0) {
        bool not_yet = findings->items[0].code == RK_NOT_YET;
        *(not_yet ? &tally->not_yet : &tally->refused) += count;
        if (!not_yet) {
            print_message("# %s: %.*s: refused at %.*s\n", file, (int)description_of(group).size,
                          (const char *)description_of(group).data, (int)findings->items[0].pointer.size,
                          (const char *)findings->items[0].pointer.data);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const rk_value *one = &cases->as.list.items[i];
        bool valid = rk_map_find(one, RK_TEXT("valid"))->as.boolean;
        rk_status status = rk_schema_check(schema, rk_map_find(one, RK_TEXT("data")), RK_BAD_DATA, "", NULL);
        if ((status == RK_OK) == valid) {
            tally->passed++;
            continue;
        }
        tally->differs++;
        if (is_known_difference(description_of(one))) continue;
        tally->unexplained++;
        print_message("# differs: %s: %.*s: %.*s\n", file, (int)description_of(group).size,
                      (const char *)description_of(group).data, (int)description_of(one).size,
                      (const char *)description_of(one).data);
    }
}

static void the_official_suite(void **state) {
    (void)state;
    DIR *folder = opendir(FOLDER);
    if (!folder) skip();
    tally tally = {0};
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!strstr(entry->d_name, ".json")) continue;
        char path[400];
        rk_format(path, sizeof path, FOLDER "%s", entry->d_name);
        rk_value groups = value_of_text(&arena, file_of(&arena, path));
        for (size_t i = 0; i < groups.as.list.count; i++) run_group(entry->d_name, &groups.as.list.items[i], &tally);
    }
    closedir(folder);
    print_message("# JSON Schema: %zu cases pass, %zu not yet, %zu refused by name, %zu differ as explained\n",
                  tally.passed, tally.not_yet, tally.refused, tally.differs);
    assert_int_equal(tally.unexplained, 0);
    assert_true(tally.passed > 100);
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
        TEST(a_long_place_is_cut_and_not_overrun),
        TEST(words_that_are_wrong_are_findings),
        TEST(types_of_expressions),
        TEST(the_official_suite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
