/*
 * Base64 as RFC 4648 section 10 shows it, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "io/memory.h"

static rk_status read_text(rk_arena *arena, const char *text, rk_bytes *bytes_out) {
    return rk_base64_read(arena, rk_bytes_of_string(text), bytes_out);
}

static void the_vectors_of_the_rfc_read_and_write(void **state) {
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    rk_arena arena;
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        rk_buffer buffer;
        rk_bytes text, bytes;
        rk_buffer_init(&buffer, &arena, 100);
        rk_base64_append(&buffer, rk_bytes_of_string(vectors[i][0]));
        assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
        assert_true(rk_bytes_equal(text, rk_bytes_of_string(vectors[i][1])));
        assert_int_equal(text.size, rk_base64_size(strlen(vectors[i][0])));
        assert_int_equal(read_text(&arena, vectors[i][1], &bytes), RK_OK);
        assert_true(rk_bytes_equal(bytes, rk_bytes_of_string(vectors[i][0])));
    }
    rk_arena_free(&arena);
}

static void what_is_not_written_so_is_refused(void **state) {
    static const char *const bad[] = {"Z",      "Zg",   "Zg=",  "Zg=a",     "=",
                                      "====",   "Zh==", "Zm9=", "Zg==Zg==", "Zm 9v",
                                      "Zm9v\n", "Zm-_", "Z===", "Zm9vZ",    "\xc3\xa4\xc3\xa4"};
    rk_arena arena;
    rk_bytes bytes;
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(read_text(&arena, bad[i], &bytes), RK_BAD_TEXT);
        assert_int_equal(bytes.size, 0);
    }
    rk_arena_free(&arena);
}

static void every_byte_and_length_comes_back(void **state) {
    uint8_t all[3000];
    rk_arena arena;
    (void)state;
    for (size_t i = 0; i < sizeof all; i++) all[i] = (uint8_t)(i * 7 + i / 256);
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    for (size_t size = 0; size <= sizeof all; size += size < 20 ? 1 : 97) {
        rk_buffer buffer;
        rk_bytes text, bytes;
        rk_buffer_init(&buffer, &arena, 8000);
        rk_base64url_append(&buffer, rk_bytes_of(all, size));
        assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
        assert_int_equal(text.size, rk_base64url_size(size));
        char written[4000];
        uint8_t again[3000];
        rk_base64url_write(rk_bytes_of(all, size), written);
        assert_true(rk_bytes_equal(text, rk_bytes_of(written, text.size)));
        assert_true(rk_base64url_read_exactly(text, again, size));
        assert_true(rk_bytes_equal(rk_bytes_of(again, size), rk_bytes_of(all, size)));
        assert_false(size > 0 && rk_base64url_read_exactly(text, again, size - 1));
        assert_int_equal(rk_base64url_read(&arena, text, &bytes), RK_OK);
        assert_true(rk_bytes_equal(bytes, rk_bytes_of(all, size)));
        rk_buffer_init(&buffer, &arena, 8000);
        rk_base64_append(&buffer, rk_bytes_of(all, size));
        assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
        assert_int_equal(rk_base64_read(&arena, text, &bytes), RK_OK);
        assert_true(rk_bytes_equal(bytes, rk_bytes_of(all, size)));
    }
    rk_arena_free(&arena);
}

static void base64url_reads_and_writes_without_padding(void **state) {
    static const char *const vectors[][2] = {{"", ""},           {"f", "Zg"},        {"fo", "Zm8"},
                                             {"foo", "Zm9v"},    {"foob", "Zm9vYg"}, {"\xff\xef\xbe", "_---"},
                                             {"\xfb\xff", "-_8"}};
    rk_arena arena;
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        rk_buffer buffer;
        rk_bytes text, bytes;
        rk_buffer_init(&buffer, &arena, 100);
        rk_base64url_append(&buffer, rk_bytes_of_string(vectors[i][0]));
        assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
        assert_true(rk_bytes_equal(text, rk_bytes_of_string(vectors[i][1])));
        assert_int_equal(text.size, rk_base64url_size(strlen(vectors[i][0])));
        assert_int_equal(rk_base64url_read(&arena, text, &bytes), RK_OK);
        assert_true(rk_bytes_equal(bytes, rk_bytes_of_string(vectors[i][0])));
    }
    rk_arena_free(&arena);
}

static void base64url_refuses_padding_and_the_other_alphabet(void **state) {
    static const char *const bad[] = {"Z",    "Zg==",  "Zm8=",   "Zh",    "Zm9", "Zm+v",
                                      "Zm/v", "Zm 9v", "Zm9v\n", "Zm9vY", "=",   "\xc3\xa4\xc3\xa4"};
    rk_arena arena;
    rk_bytes bytes;
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(rk_base64url_read(&arena, rk_bytes_of_string(bad[i]), &bytes), RK_BAD_TEXT);
        assert_int_equal(bytes.size, 0);
    }
    rk_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_read_and_write),
        cmocka_unit_test(what_is_not_written_so_is_refused),
        cmocka_unit_test(every_byte_and_length_comes_back),
        cmocka_unit_test(base64url_reads_and_writes_without_padding),
        cmocka_unit_test(base64url_refuses_padding_and_the_other_alphabet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
