/*
 * JSON at the door: what is refused and where, what stays exact, what is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/value/cbor.h"
#include "door/json.h"
#include "io/memory.h"

static rk_arena arena;
static rk_error last_error;

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 256 << 20);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static rk_status read_bytes(rk_bytes text, rk_value *value_out) {
    last_error = (rk_error){0};
    rk_status status = rk_json_read(&arena, text, value_out, &last_error);
    assert_int_equal(last_error.code, status);
    return status;
}

static rk_value read_text(const char *text) {
    rk_value value;
    if (read_bytes(rk_bytes_of_string(text), &value) != RK_OK) fail_msg("%s: %s", text, last_error.what);
    return value;
}

/* `where` NULL: anywhere. */
static void refused(const char *text, const char *where) {
    rk_value value;
    rk_status status = read_bytes(rk_bytes_of_string(text), &value);
    if (status != RK_BAD_JSON) fail_msg("%s: %s", text, rk_status_name(status));
    assert_int_equal(value.kind, RK_NULL);
    assert_true(last_error.what[0] && last_error.where[0]);
    if (where && strcmp(last_error.where, where) != 0) fail_msg("%s: at %s", text, last_error.where);
}

static const char *print(rk_value value) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, &arena, 1 << 20);
    rk_json_print(&buffer, &value);
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    return rk_arena_string(&arena, text);
}

static void prints(const char *text, const char *expected) {
    assert_string_equal(print(read_text(text)), expected);
}

static void stays(const char *text) {
    prints(text, text);
}

static void what_is_no_json_is_refused_with_its_place(void **state) {
    (void)state;
    refused("", "line 1, column 1");
    refused(" ", NULL);
    refused("nul", NULL);
    refused("[1,]", NULL);
    refused("{\"a\":1,}", NULL);
    refused("{a:1}", NULL);
    refused("[1] 2", NULL);
    refused("'a'", NULL);
    refused("// c\n1", NULL);
    refused("NaN", NULL);
    refused("Infinity", NULL);
    refused("+1", NULL);
    refused("01", NULL);
    refused(".5", NULL);
    refused("1.", NULL);
    refused("1e", NULL);
    refused("\"\t\"", NULL);
    refused("\"\\x41\"", NULL);
    refused("\"abc", NULL);
    refused("\xEF\xBB\xBF{}", NULL); /* a byte order mark */
    refused("[1,\n 2,\n  x]", "line 3, column 3");
}

static void doubled_keys_are_refused(void **state) {
    (void)state;
    refused("{\"a\":1,\"a\":1}", NULL);
    refused("{\"a\":1,\"\\u0061\":2}", NULL);
    refused("[{\"b\":{\"a\":1,\"c\":0,\"a\":2}}]", NULL);
    stays("{\"a\":{\"a\":1}}");
}

static void text_is_unicode(void **state) {
    (void)state;
    refused("\"\\uD800\"", NULL);
    refused("\"\\uDC00\"", NULL);
    refused("\"\\uDC00\\uD800\"", NULL);
    refused("\"\\uD800x\"", NULL);
    refused("\"\\uD800\\u0041\"", NULL);
    refused("{\"\\uD800\":1}", NULL);
    prints("\"\\uD83D\\uDE00\"", "\"\xF0\x9F\x98\x80\"");
    refused("\"\x80\"", NULL);
    refused("\"\xC0\x80\"", NULL);
    refused("\"\xED\xA0\x80\"", NULL);
    refused("\"\xF4\x90\x80\x80\"", NULL);
    refused("\"\xE2\x82\"", NULL);
    refused("{\"\xFF\":1}", "line 1, column 3");
    stays("\"\xF4\x8F\xBF\xBF\xE2\x82\xAC\x7F\"");
}

/* The message quotes the text, and is printed as JSON itself. */
static void a_message_is_valid_text_whatever_was_read(void **state) {
    (void)state;
    char text[400] = "x";
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof text; i += 4) memcpy(text + i, "\xF0\x9F\x98\x80", 5);
        refused(text, NULL);
        assert_true(rk_utf8_valid(rk_bytes_of_string(last_error.what)));
        rk_format(text, sizeof text, "\"b\x85");
        refused(text, "line 1, column 3");
        assert_true(rk_utf8_valid(rk_bytes_of_string(last_error.what)));
    }
}

static void a_nul_is_a_character(void **state) {
    (void)state;
    rk_value value = read_text("\"a\\u0000b\"");
    assert_true(rk_is_text(&value, RK_TEXT("a\0b")));
    stays("\"a\\u0000b\"");
    refused("{\"a\\u0000b\":1}", NULL); /* not in a key */
    assert_int_equal(read_bytes(RK_TEXT("1\0"), &value), RK_BAD_JSON);
    assert_int_equal(read_bytes(RK_TEXT("\"\0\""), &value), RK_BAD_JSON);
    assert_int_equal(read_bytes((rk_bytes){NULL, 0}, &value), RK_BAD_JSON);
}

static void what_must_be_escaped_is(void **state) {
    (void)state;
    stays("\"\\b\\t\\n\\f\\r\\\"\\\\\\u0001\\u001f /\"");
    prints("\"\\/\\u0008\"", "\"/\\b\"");
}

static void whole_numbers_are_exact_to_64_bits(void **state) {
    (void)state;
    stays("[9223372036854775807,-9223372036854775808,0,-1]");
    refused("9223372036854775808", NULL);
    refused("-9223372036854775809", NULL);
    refused("18446744073709551615", NULL);
    refused("[123456789012345678901234567890]", NULL);
    prints("-0", "0");
    rk_value value = read_text("9007199254740993");
    assert_int_equal(value.kind, RK_INT);
    assert_true(value.as.integer == 9007199254740993);
}

static void decimal_numbers_keep_their_value_or_are_refused(void **state) {
    (void)state;
    stays("[0.1,1.5,-2.25,1e-7,5e-324,1.7976931348623157e+308]");
    refused("0.10000000000000000001", "line 1, column 1");
    refused("[1,\n\"\xC3\xA9\", 0.10000000000000000001]", "line 2, column 6");
    refused("9007199254740993.0", NULL);
    refused("1e400", NULL);
    refused("-1e400", NULL);
    refused("1e-400", NULL);
    refused("4.9e-324", NULL);
    refused("1e99999999999999999999", NULL);
    refused("3.14159265358979323846", NULL);
    prints("[1E2,1e+2,100.0,0.1e1,10e-1]", "[100.0,100.0,100.0,1.0,1.0]");
    prints("[1.10,0.00,0e5,0.0e-999999]", "[1.1,0.0,0.0,0.0]");
    prints("1.0000000000000000000000000000000000000000000000000", "1.0");
    prints("0.50000000000000000000000000000000000000000000000000e1", "5.0");
    prints("100000000000000000000000000000000000000000000000000.0", "1e+50");
    refused("1.0000000000000000000000000000000000000000000000001", NULL);
    prints("\"0.10000000000000000001\"", "\"0.10000000000000000001\"");
    prints("{\"\\\"0.10000000000000000001\":1}", "{\"\\\"0.10000000000000000001\":1}");
}

static void a_double_stays_a_double(void **state) {
    (void)state;
    stays("[1.0,-1.0,1e+21,0.0]");
    assert_int_equal(read_text("1.0").kind, RK_DOUBLE);
    assert_int_equal(read_text("1").kind, RK_INT);
    assert_int_equal(read_text("1e2").kind, RK_DOUBLE);
    stays("-0.0");
}

static rk_bytes nested(size_t depth, const char *inner) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, &arena, 1 << 22);
    for (size_t i = 0; i < depth; i++) rk_buffer_append(&buffer, RK_TEXT("["));
    rk_buffer_append(&buffer, rk_bytes_of_string(inner));
    for (size_t i = 0; i < depth; i++) rk_buffer_append(&buffer, RK_TEXT("]"));
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    return text;
}

static void what_reads_is_no_deeper_than_what_can_be_stored(void **state) {
    (void)state;
    static const char *const inner[] = {"", "1", "{}", "{\"a\":1}"};
    for (size_t i = 0; i < 4; i++) {
        size_t lists = RK_VALUE_DEPTH_MAX - (i > 1);
        rk_value value, again;
        rk_bytes bytes;
        assert_int_equal(read_bytes(nested(lists, inner[i]), &value), RK_OK);
        assert_int_equal(rk_cbor_encode(&arena, &value, 1 << 20, &bytes), RK_OK);
        assert_int_equal(rk_cbor_decode(&arena, bytes, &again, NULL), RK_OK);
        assert_int_equal(read_bytes(nested(lists + 1, inner[i]), &value), RK_LIMIT);
        assert_int_equal(read_bytes(nested(100000, inner[i]), &value),
                         RK_BAD_JSON); /* before the parser's stack ends */
    }
}

static void keys_are_sorted_as_values_sort_them(void **state) {
    (void)state;
    prints("{\"bb\":1,\"a\":2,\"\":3,\"B\":4}", "{\"\":3,\"B\":4,\"a\":2,\"bb\":1}");
}

static void it_prints_over_several_lines(void **state) {
    (void)state;
    rk_buffer buffer;
    rk_bytes text;
    rk_value value = read_text("{\"a\":[1,{}],\"b\":[]}");
    rk_buffer_init(&buffer, &arena, 1 << 20);
    rk_json_print_pretty(&buffer, &value);
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    assert_true(rk_bytes_equal(text, RK_TEXT("{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}")));
}

static void what_json_does_not_have_prints_too(void **state) {
    (void)state;
    rk_pair pairs[] = {{rk_int(1), rk_whole(UINT64_MAX)}, {rk_bool(true), rk_bytes_value(RK_TEXT("\x00\xFF"))}};
    rk_value map;
    assert_int_equal(rk_map_value(&arena, pairs, 2, &map), RK_OK);
    assert_string_equal(print(map), "{\"1\":18446744073709551615,\"true\":\"00ff\"}");
    rk_value numbers[] = {rk_double(1.0 / 0.0), rk_double(-1.0 / 0.0), rk_double(0.0 / 0.0)};
    rk_value again = read_text(print(rk_list(numbers, 3)));
    for (size_t i = 0; i < 3; i++) assert_int_equal(again.as.list.items[i].kind, RK_STRING);
    rk_pair odd[] = {{rk_bytes_value(RK_TEXT("\"")), rk_null()}};
    assert_int_equal(rk_map_value(&arena, odd, 1, &map), RK_OK);
    assert_string_equal(print(map), "{\"22\":null}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_json_is_refused_with_its_place),
        TEST(doubled_keys_are_refused),
        TEST(text_is_unicode),
        TEST(a_message_is_valid_text_whatever_was_read),
        TEST(a_nul_is_a_character),
        TEST(what_must_be_escaped_is),
        TEST(whole_numbers_are_exact_to_64_bits),
        TEST(decimal_numbers_keep_their_value_or_are_refused),
        TEST(a_double_stays_a_double),
        TEST(what_reads_is_no_deeper_than_what_can_be_stored),
        TEST(keys_are_sorted_as_values_sort_them),
        TEST(it_prints_over_several_lines),
        TEST(what_json_does_not_have_prints_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
