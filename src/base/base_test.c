/*
 * Bytes, UTF-8, formatting, arenas, buffers, maps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs the two above first */
#include <cmocka.h>

#include "base/buffer.h"
#include "base/map.h"
#include "io/memory.h"

static void every_code_point_goes_round_and_nothing_else_reads(void **state) {
    (void)state;
    for (uint32_t point = 0; point <= 0x110000; point++) {
        uint8_t bytes[4];
        if (point == 0x110000 || (point >= 0xD800 && point < 0xE000)) continue;
        size_t size = rk_utf8_put(bytes, point), offset = 0;
        uint32_t back = 0;
        assert_true(rk_utf8_next(rk_bytes_of(bytes, size), &offset, &back));
        assert_int_equal(back, point);
        assert_int_equal(offset, size);
    }
    const char *bad[] = {"\x80",
                         "\xC0\x80",
                         "\xC1\xBF",
                         "\xE0\x80\x80",
                         "\xED\xA0\x80",
                         "\xF0\x80\x80\x80",
                         "\xF4\x90\x80\x80",
                         "\xF5\x80\x80\x80",
                         "\xE2\x82",
                         "\xFF",
                         "a\xC3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(rk_utf8_valid(rk_bytes_of_string(bad[i])));
    assert_int_equal(rk_utf8_count(RK_TEXT("a\xC3\xBC\xF0\x90\x85\x91")), 3);
    assert_int_equal(rk_utf8_offset(RK_TEXT("a\xC3\xBC\xF0\x90\x85\x91"), 2), 3);
}

static void a_message_is_cut_between_code_points(void **state) {
    (void)state;
    char text[8];
    assert_int_equal(rk_format(text, sizeof text, "%s|%u|%d", "ab", (uint64_t)12, (int64_t)-3), 7);
    assert_string_equal(text, "ab|12|-");
    assert_int_equal(rk_format(text, sizeof text, "abcdef\xC3\xBC"), 6);
    assert_string_equal(text, "abcdef");
    rk_format(text, sizeof text, "%x%%%b", RK_TEXT("\x01\xAB"), RK_TEXT("z"));
    assert_string_equal(text, "01ab%z");
    char wide[32];
    rk_format(wide, sizeof wide, "%d", INT64_MIN);
    assert_string_equal(wide, "-9223372036854775808");
}

static void an_error_keeps_code_place_and_hint(void **state) {
    (void)state;
    rk_error error = {0};
    assert_int_equal(rk_fail(&error, RK_VERSION_CONFLICT, "coin/x", "it is at %u", (uint64_t)7), RK_VERSION_CONFLICT);
    rk_error_at(&error, RK_TEXT("line 3"));
    assert_string_equal(error.where, "line 3: coin/x");
    assert_string_equal(error.what, "it is at 7");
    assert_string_equal(error.hint, rk_status_hint(RK_VERSION_CONFLICT));
    assert_int_equal(rk_status_of_name(RK_TEXT("version_conflict")), RK_VERSION_CONFLICT);
    assert_int_equal(rk_status_of_name(RK_TEXT("no such")), RK_CORRUPT);
}

static void an_arena_gives_zeroed_aligned_pieces_up_to_its_bound(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 100000);
    assert_int_equal(rk_arena_held(&arena), 0);
    for (size_t size = 0; size < 300; size++) {
        uint8_t *piece = rk_arena_take(&arena, size);
        assert_true((uintptr_t)piece % 16 == 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(piece[i], 0);
        memset(piece, 0xFF, size);
    }
    assert_null(rk_arena_take(&arena, 100000));
    assert_null(rk_arena_take_array(&arena, SIZE_MAX / 2, 4));
    assert_true(rk_arena_held(&arena) > rk_arena_used(&arena));
    assert_true(rk_arena_held(&arena) < 3 * rk_arena_used(&arena));
    rk_arena_free(&arena);
    assert_int_equal(rk_arena_used(&arena), 0);
    assert_int_equal(rk_arena_held(&arena), 0);
    assert_non_null(rk_arena_take(&arena, 90000));
    rk_arena_free(&arena);
}

static void a_piece_grows_with_its_beginning_and_zeroes_behind(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    uint8_t *piece = rk_arena_take(&arena, 5);
    memcpy(piece, "hello", 5);
    uint8_t *same = rk_arena_grow(&arena, piece, 5, 50);
    assert_ptr_equal(same, piece);
    assert_non_null(rk_arena_take(&arena, 1));
    uint8_t *moved = rk_arena_grow(&arena, same, 50, 5000);
    assert_memory_equal(moved, "hello", 5);
    for (size_t i = 5; i < 5000; i++) assert_int_equal(moved[i], 0);
    rk_arena_free(&arena);
}

static void a_buffer_that_overflows_says_so_once_and_stays(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, &arena, 4);
    rk_buffer_append(&buffer, RK_TEXT("abc"));
    assert_int_equal(rk_buffer_finish(&buffer, &bytes), RK_OK);
    assert_true(rk_bytes_equal(bytes, RK_TEXT("abc")));
    rk_buffer_append(&buffer, RK_TEXT("de"));
    rk_buffer_append_byte(&buffer, 'd');
    assert_int_equal(rk_buffer_finish(&buffer, &bytes), RK_LIMIT);
    assert_int_equal(bytes.size, 0);
    rk_arena_free(&arena);
}

/* A large block that comes zeroed is not zeroed again, what follows it in the arena is. */
static void large_pieces_are_zero_however_they_come(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    for (int round = 0; round < 2; round++) {
        const size_t sizes[] = {100, 5 << 20, 100, 3 << 20, 1 << 20};
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            uint8_t *piece = rk_arena_take(&arena, sizes[i]);
            assert_non_null(piece);
            for (size_t at = 0; at < sizes[i]; at++) {
                if (piece[at] != 0) fail_msg("byte %zu of piece %zu", at, i);
                piece[at] = 0xff;
            }
        }
        rk_arena_free(&arena);
    }
}

static void a_map_walks_in_the_order_of_setting(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    rk_map map;
    rk_map_init(&map, &arena);
    static uint32_t keys[5000];
    for (uint32_t i = 0; i < 5000; i++) {
        keys[i] = i * 2654435761U;
        assert_null(rk_map_get(&map, rk_bytes_of(&keys[i], 4)));
        assert_int_equal(rk_map_set(&map, rk_bytes_of(&keys[i], 4), &keys[i]), RK_OK);
    }
    for (uint32_t i = 0; i < 5000; i += 2) assert_int_equal(rk_map_set(&map, rk_bytes_of(&keys[i], 4), NULL), RK_OK);
    for (uint32_t i = 0; i < 5000; i++) {
        void *expected = i % 2 ? &keys[i] : NULL;
        assert_ptr_equal(rk_map_get(&map, rk_bytes_of(&keys[i], 4)), expected);
        assert_ptr_equal(map.entries[i].value, expected);
    }
    rk_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_goes_round_and_nothing_else_reads),
        cmocka_unit_test(a_message_is_cut_between_code_points),
        cmocka_unit_test(an_error_keeps_code_place_and_hint),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_pieces_up_to_its_bound),
        cmocka_unit_test(large_pieces_are_zero_however_they_come),
        cmocka_unit_test(a_piece_grows_with_its_beginning_and_zeroes_behind),
        cmocka_unit_test(a_buffer_that_overflows_says_so_once_and_stays),
        cmocka_unit_test(a_map_walks_in_the_order_of_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
