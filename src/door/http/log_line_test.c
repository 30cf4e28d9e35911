/*
 * Lines of a log: what they say, and that nothing in them can look like another line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "door/http/log_line.h"
#include "io/memory.h"

#define NOW_MS UINT64_C(1769860800123)

static char line[RK_LOG_LINE_MAX + 1];

static size_t write_line(bool json, const rk_log_field *fields, size_t count) {
    rk_arena arena;
    rk_buffer buffer;
    rk_bytes bytes;
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    rk_buffer_init(&buffer, &arena, RK_LOG_LINE_MAX);
    rk_log_line_write(&buffer, json, NOW_MS, "info", "request", fields, count);
    assert_int_equal(rk_buffer_finish(&buffer, &bytes), RK_OK);
    memcpy(line, bytes.data, bytes.size);
    line[bytes.size] = 0;
    rk_arena_free(&arena);
    return bytes.size;
}

static void a_line_is_json_or_text(void **state) {
    (void)state;
    const rk_log_field fields[] = {{"path", RK_TEXT("/v1/shop"), 0},
                                   {"status", {NULL, 0}, 200},
                                   {"actor", RK_TEXT("ann b"), 0},
                                   {"code", RK_TEXT(""), 0}};
    write_line(true, fields, 4);
    assert_string_equal(line, "{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"info\",\"event\":\"request\","
                              "\"path\":\"/v1/shop\",\"status\":200,\"actor\":\"ann b\"}\n");
    write_line(false, fields, 4);
    assert_string_equal(line, "2026-01-31T12:00:00.123Z info request path=/v1/shop status=200 actor=\"ann b\"\n");
}

/* A path that a client chose cannot say what no request was. */
static void a_value_cannot_begin_another_line_or_field(void **state) {
    (void)state;
    static const char *const evil[] = {"a\nb", "a\r\nstatus=200", "a status=500", "a=b", "\"", "\\", "\x1b[2J", "\t"};
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
        const rk_log_field field = {"path", rk_bytes_of_string(evil[i]), 0};
        for (int json = 0; json < 2; json++) {
            size_t size = write_line(json, &field, 1);
            assert_ptr_equal(memchr(line, '\n', size), line + size - 1);
            for (size_t at = 0; at + 1 < size; at++) assert_true((unsigned char)line[at] >= ' ');
        }
        assert_non_null(strstr(line, "\"path\":\""));
        write_line(false, &field, 1);
        assert_non_null(strstr(line, " path=\""));
        assert_int_equal(line[strlen(line) - 2], '"');
    }
}

static void a_text_is_cut_where_it_is_no_text(void **state) {
    (void)state;
    const rk_log_field bad[] = {{"a",
                                 RK_TEXT("ab\xff"
                                         "cd"),
                                 0},
                                {"b",
                                 RK_TEXT("x\xc2\x9b"
                                         "31m"),
                                 0},
                                {"c", RK_TEXT("y\x7f"), 0}};
    write_line(false, bad, 3);
    assert_non_null(strstr(line, " request a=ab b=x c=y\n"));
}

static void the_longest_line_fits(void **state) {
    (void)state;
    rk_log_field fields[RK_LOG_FIELDS_MAX];
    char text[1000];
    memset(text, '\x01', sizeof text);
    for (size_t i = 0; i < RK_LOG_FIELDS_MAX; i++) {
        fields[i] = (rk_log_field){"a-name-of-twenty-one", rk_bytes_of(text, sizeof text), 0};
    }
    size_t size = write_line(true, fields, RK_LOG_FIELDS_MAX);
    assert_in_range(size, RK_LOG_FIELDS_MAX * RK_LOG_TEXT_MAX * 6, RK_LOG_LINE_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_json_or_text),
        cmocka_unit_test(a_value_cannot_begin_another_line_or_field),
        cmocka_unit_test(a_text_is_cut_where_it_is_no_text),
        cmocka_unit_test(the_longest_line_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
