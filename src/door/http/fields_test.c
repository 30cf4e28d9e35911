/*
 * Structured fields: examples of RFC 9651 and RFC 9421, what is refused, and each limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "door/http/fields.h"
#include "io/memory.h"

static rk_arena arena;

static int start(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 22);
    return 0;
}

static int stop(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static rk_status read_text(rk_bytes text, rk_dictionary *dictionary_out) {
    rk_error error = {0};
    rk_status status = rk_dictionary_read(&arena, text, dictionary_out, &error);
    assert_int_equal(error.code, status);
    assert_true(status == RK_OK || (error.where[0] && error.what[0]));
    return status;
}

static rk_dictionary read_good(const char *text) {
    rk_dictionary dictionary;
    assert_int_equal(read_text(rk_bytes_of_string(text), &dictionary), RK_OK);
    return dictionary;
}

static void canonical_text_is_printed(void **state) {
    static const char *const rows[][2] = {
        {"", ""},
        {"   ", ""},
        {"a=1", "a=1"},
        {"  a=1 ,\t b=-0 , c ", "a=1, b=0, c"},
        {"a=?1, b=?0;x;y=?1", "a, b=?0;x;y"},
        {"en=\"Applepie\", da=:w4ZibGV0w6ZydGU=:", "en=\"Applepie\", da=:w4ZibGV0w6ZydGU=:"},
        {"a=( \"x\"  y;q=1   :AA==: );  z=\"\\\"\\\\\"", "a=(\"x\" y;q=1 :AA==:);z=\"\\\"\\\\\""},
        {"a=()", "a=()"},
        {"a=*foo/bar:baz", "a=*foo/bar:baz"},
        {"n=999999999999999, m=-999999999999999, o=007", "n=999999999999999, m=-999999999999999, o=7"},
        {"sig1=(\"@method\" \"date\";req);created=1618884473;keyid=\"k\"",
         "sig1=(\"@method\" \"date\";req);created=1618884473;keyid=\"k\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rk_dictionary dictionary = read_good(rows[i][0]);
        rk_buffer buffer;
        rk_bytes text;
        rk_buffer_init(&buffer, &arena, 1000);
        rk_dictionary_print(&buffer, &dictionary);
        assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
        if (!rk_bytes_equal(text, rk_bytes_of_string(rows[i][1]))) {
            fail_msg("%s printed as %.*s", rows[i][0], (int)text.size, (const char *)text.data);
        }
    }
}

static void values_are_found_by_their_keys(void **state) {
    rk_dictionary dictionary = read_good("a=tok;p=\"a\\\"b\";q=:AQI=:, b=(1 2)");
    const rk_member *a = rk_dictionary_find(&dictionary, RK_TEXT("a"));
    const rk_member *b = rk_dictionary_find(&dictionary, RK_TEXT("b"));
    (void)state;
    assert_int_equal(dictionary.count, 2);
    assert_true(a && !a->is_list && a->value.kind == RK_BARE_TOKEN);
    assert_true(rk_bytes_equal(a->value.bytes, RK_TEXT("tok")));
    assert_true(rk_bytes_equal(rk_parameters_find(&a->parameters, RK_TEXT("p"))->bytes, RK_TEXT("a\"b")));
    assert_true(rk_bytes_equal(rk_parameters_find(&a->parameters, RK_TEXT("q"))->bytes, RK_TEXT("\1\2")));
    assert_null(rk_parameters_find(&a->parameters, RK_TEXT("r")));
    assert_true(b && b->is_list && b->item_count == 2 && b->items[1].value.integer == 2);
    assert_null(rk_dictionary_find(&dictionary, RK_TEXT("c")));
}

static void what_the_grammar_does_not_have_is_refused(void **state) {
    static const char *const bad[] = {
        "A=1",         "a=",       "a=1,",      ",a=1",
        "a=1 b=2",     "a=1,,b",   "a==1",      "a =1",
        "a= 1",        "\ta=1",    "1=1",       "a=(1",
        "a=(1,2)",     "a=(1\t2)", "a=(1)2",    "a=(\"x\"\"y\")",
        "a=\"x",       "a=\"\n\"", "a=\"\\n\"", "a=\"\xc3\xa4\"",
        "a=:AA=:",     "a=:AB==:", "a=:AAAA",   "a=:A A=:",
        "a=?2",        "a=?",      "a=1.5",     "a=@1",
        "a=%\"x\"",    "a=--1",    "a=-",       "a=1234567890123456",
        "a=1, a=2",    "a;p;p=1",  "a;",        "a;P=1",
        "a;p=",        "a;p=(1)",  "a=((1))",   "a=1 ;p=1",
        "a=1;p =1",    "\x7f",     "a=1\n",     "a=\\",
        "a=(1 2;p;p)",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rk_dictionary dictionary;
        if (read_text(rk_bytes_of_string(bad[i]), &dictionary) != RK_BAD_HEADER) fail_msg("%s was read", bad[i]);
        assert_int_equal(dictionary.count, 0);
    }
    rk_dictionary dictionary;
    assert_int_equal(read_text(RK_TEXT("a=1\0"), &dictionary), RK_BAD_HEADER);
    assert_int_equal(read_text(RK_TEXT("a=x\0y"), &dictionary), RK_BAD_HEADER);
}

/* `head`, then `count` times `middle` with numbers in it, then `tail`. */
static rk_bytes repeat(const char *head, const char *middle, size_t count, const char *tail) {
    rk_buffer buffer;
    rk_bytes text;
    char part[100];
    rk_buffer_init(&buffer, &arena, 1 << 20);
    rk_buffer_append(&buffer, rk_bytes_of_string(head));
    for (size_t i = 0; i < count; i++) {
        rk_buffer_append(&buffer, rk_bytes_of(part, rk_format(part, sizeof part, middle, (uint64_t)i)));
    }
    rk_buffer_append(&buffer, rk_bytes_of_string(tail));
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    return text;
}

static void each_limit_is_kept(void **state) {
    rk_dictionary out;
    (void)state;
    assert_int_equal(read_text(repeat("z", ", a%u", RK_DICTIONARY_MEMBERS_MAX - 1, ""), &out), RK_OK);
    assert_int_equal(read_text(repeat("z", ", a%u", RK_DICTIONARY_MEMBERS_MAX, ""), &out), RK_LIMIT);
    assert_int_equal(read_text(repeat("z", ";a%u", RK_PARAMETERS_MAX, ""), &out), RK_OK);
    assert_int_equal(read_text(repeat("z", ";a%u", RK_PARAMETERS_MAX + 1, ""), &out), RK_LIMIT);
    assert_int_equal(read_text(repeat("z=(", " %u", RK_INNER_LIST_ITEMS_MAX, ")"), &out), RK_OK);
    assert_int_equal(read_text(repeat("z=(", " %u", RK_INNER_LIST_ITEMS_MAX + 1, ")"), &out), RK_LIMIT);
    assert_int_equal(read_text(repeat("", "k", RK_FIELD_KEY_SIZE_MAX, ""), &out), RK_OK);
    assert_int_equal(read_text(repeat("", "k", RK_FIELD_KEY_SIZE_MAX + 1, ""), &out), RK_LIMIT);
    assert_int_equal(read_text(repeat("a=\"", "k", RK_DICTIONARY_SIZE_MAX - 4, "\""), &out), RK_OK);
    assert_int_equal(read_text(repeat("a=\"", "k", RK_DICTIONARY_SIZE_MAX - 3, "\""), &out), RK_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_text_is_printed),
        cmocka_unit_test(values_are_found_by_their_keys),
        cmocka_unit_test(what_the_grammar_does_not_have_is_refused),
        cmocka_unit_test(each_limit_is_kept),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
