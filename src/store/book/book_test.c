/*
 * Books: what is put is there, in order, across openings; a transaction is whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/memory.h"
#include "store/book/book.h"

static char folder[64], path[80];
static rk_arena arena;
static rk_error error;

static int start(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/book_test.XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/b.db", folder);
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    return 0;
}

static int end(void **state) {
    char command[100];
    (void)state;
    rk_arena_free(&arena);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static rk_book *opened(void) {
    rk_book *book = NULL;
    assert_int_equal(rk_book_open(path, true, &book, &error), RK_OK);
    return book;
}

static void put(rk_book *book, const char *name, const char *value) {
    assert_int_equal(rk_book_put(book, rk_bytes_of_string(name), rk_bytes_of_string(value), &error), RK_OK);
}

static const char *get(rk_book *book, const char *name) {
    rk_bytes value;
    rk_status status = rk_book_get(book, rk_bytes_of_string(name), &arena, &value, &error);
    if (status == RK_NOT_FOUND) return NULL;
    assert_int_equal(status, RK_OK);
    char *text = rk_arena_take(&arena, value.size + 1);
    if (value.size) memcpy(text, value.data, value.size);
    return text;
}

static void what_was_committed_is_there_after_opening_anew(void **state) {
    (void)state;
    rk_book *book = opened();
    assert_int_equal(rk_book_begin(book, true, &error), RK_OK);
    put(book, "a", "1");
    put(book, "empty", "");
    put(book, "a", "2");
    assert_int_equal(rk_book_commit(book, &error), RK_OK);
    assert_int_equal(rk_book_begin(book, true, &error), RK_OK);
    put(book, "a", "3");
    assert_string_equal(get(book, "a"), "3");
    rk_book_rollback(book);
    rk_book_close(book);
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0077, 0);

    book = opened();
    assert_int_equal(rk_book_begin(book, true, &error), RK_OK);
    assert_string_equal(get(book, "a"), "2");
    assert_string_equal(get(book, "empty"), "");
    assert_null(get(book, "b"));
    assert_int_equal(rk_book_drop(book, RK_TEXT("a"), &error), RK_OK);
    assert_int_equal(rk_book_drop(book, RK_TEXT("a"), &error), RK_OK);
    assert_null(get(book, "a"));
    rk_book_close(book); /* drops the open transaction */
    book = opened();
    assert_int_equal(rk_book_begin(book, false, &error), RK_OK);
    assert_string_equal(get(book, "a"), "2");
    rk_book_rollback(book);
    rk_book_close(book);
}

static rk_status note(void *context, rk_bytes name, rk_bytes value) {
    char *text = context;
    snprintf(text + strlen(text), 100 - strlen(text), "%.*s=%.*s ", (int)name.size, (const char *)name.data,
             (int)value.size, (const char *)value.data);
    return value.size == 4 ? RK_CONFLICT : RK_OK;
}

static const char *walked(rk_book *book, const char *prefix, const char *after, rk_status wanted) {
    char *text = rk_arena_take(&arena, 100);
    assert_int_equal(rk_book_walk(book, rk_bytes_of_string(prefix), rk_bytes_of_string(after), note, text, &error),
                     wanted);
    return text;
}

static void names_with_a_common_beginning_stand_together(void **state) {
    (void)state;
    rk_book *book = opened();
    assert_int_equal(rk_book_begin(book, true, &error), RK_OK);
    put(book, "s/b", "2");
    put(book, "s/a", "1");
    put(book, "s/\xff", "3");
    put(book, "t", "4");
    put(book, "s", "0");
    assert_string_equal(walked(book, "s/", "", RK_OK), "s/a=1 s/b=2 s/\xff=3 ");
    assert_string_equal(walked(book, "s/", "s/a", RK_OK), "s/b=2 s/\xff=3 ");
    assert_string_equal(walked(book, "s/", "s/\xff", RK_OK), "");
    assert_string_equal(walked(book, "", "", RK_OK), "s=0 s/a=1 s/b=2 s/\xff=3 t=4 ");
    assert_string_equal(walked(book, "u", "", RK_OK), "");
    put(book, "s/b", "stop");
    assert_string_equal(walked(book, "s/", "", RK_CONFLICT), "s/a=1 s/b=stop ");
    assert_string_equal(walked(book, "t", "", RK_OK), "t=4 ");
    rk_book_close(book);
}

static void limits_are_named(void **state) {
    (void)state;
    rk_book *book = opened();
    uint8_t *large = calloc(1, RK_BOOK_VALUE_MAX + 1);
    assert_int_equal(rk_book_begin(book, true, &error), RK_OK);
    assert_int_equal(rk_book_put(book, rk_bytes_of(large, 0), RK_TEXT("x"), &error), RK_LIMIT);
    assert_int_equal(rk_book_put(book, rk_bytes_of(large, RK_BOOK_NAME_MAX + 1), RK_TEXT("x"), &error), RK_LIMIT);
    assert_int_equal(rk_book_put(book, RK_TEXT("x"), rk_bytes_of(large, RK_BOOK_VALUE_MAX + 1), &error), RK_LIMIT);
    assert_int_equal(rk_book_put(book, RK_TEXT("x"), rk_bytes_of(large, RK_BOOK_VALUE_MAX), &error), RK_OK);
    assert_int_equal(rk_book_commit(book, &error), RK_OK);
    free(large);
    rk_book_close(book);
}

static void what_is_no_book_is_refused(void **state) {
    (void)state;
    rk_book *book = NULL;
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++) fputs("this is no book", file);
    fclose(file);
    assert_int_equal(rk_book_open(path, true, &book, &error), RK_CORRUPT);
    assert_null(book);
    assert_int_equal(rk_book_open("/tmp/no/such/folder/b.db", true, &book, &error), RK_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_committed_is_there_after_opening_anew, start, end),
        cmocka_unit_test_setup_teardown(names_with_a_common_beginning_stand_together, start, end),
        cmocka_unit_test_setup_teardown(limits_are_named, start, end),
        cmocka_unit_test_setup_teardown(what_is_no_book_is_refused, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
