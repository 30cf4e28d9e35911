/*
 * Differences of states: what each kind of change looks like, and on random states that applying them gives the other.
 */
#include "core/diff/diff.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs some of the above first */
#include <cmocka.h>

#include "door/json.h"
#include "io/memory.h"

enum { MEMORY_MAX = 256 << 20, JSON_MAX = 64 << 20, ROUNDS = 3000 };

static rk_arena arena;
static uint64_t seed = 1;

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), MEMORY_MAX);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static uint64_t below(uint64_t bound) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(0x2545F4914F6CDD1D) % bound;
}

/* Fields "text..." are texts, "tags..." sets. */
static rk_diff_way way_of(void *context, rk_bytes field) {
    (void)context;
    if (rk_bytes_starts_with(field, RK_TEXT("text"))) return RK_DIFF_AS_TEXT;
    return rk_bytes_starts_with(field, RK_TEXT("tags")) ? RK_DIFF_AS_SET : RK_DIFF_BY_VALUE;
}

static rk_value value_of(const char *json) {
    rk_value value;
    rk_error error = {.code = RK_OK};
    rk_status status = rk_json_read(&arena, rk_bytes_of_string(json), &value, &error);
    if (status != RK_OK) fail_msg("%s: %s", json, error.what);
    return value;
}

static void print_values(rk_buffer *buffer, const char *before, const rk_value **values, size_t count) {
    rk_buffer_append(buffer, rk_bytes_of_string(before));
    for (size_t i = 0; i < count; i++) {
        if (i > 0) rk_buffer_append_byte(buffer, ' ');
        rk_json_print(buffer, values[i]);
    }
}

static void print_change(rk_buffer *buffer, const rk_diff_change *change) {
    static const char *const kinds[] = {"+", "-", "~"};
    char text[100];
    rk_buffer_append(buffer, rk_bytes_of_string(kinds[change->kind]));
    rk_buffer_append(buffer, change->path);
    if (change->form == RK_DIFF_MEMBERS) {
        print_values(buffer, " out ", change->removed, change->removed_count);
        print_values(buffer, " in ", change->added, change->added_count);
    }
    for (size_t i = 0; i < change->edit_count; i++) {
        const rk_diff_edit *edit = &change->edits[i];
        rk_buffer_append(buffer,
                         rk_bytes_of(text, rk_format(text, sizeof text, " [%u,%u,", edit->at, edit->delete_count)));
        rk_buffer_append(buffer, edit->text);
        rk_buffer_append_byte(buffer, ']');
    }
    if (change->form == RK_DIFF_WHOLE) {
        if (change->before) print_values(buffer, " ", (const rk_value *[]){change->before}, 1);
        if (change->after) print_values(buffer, " > ", (const rk_value *[]){change->after}, 1);
    }
    rk_buffer_append_byte(buffer, ';');
}

static const char *diff_of(const char *before, const char *after) {
    rk_value a = value_of(before), b = value_of(after);
    rk_buffer buffer;
    rk_bytes text;
    rk_diff diff;
    assert_int_equal(rk_diff_states(&arena, &a, &b, way_of, NULL, &diff), RK_OK);
    rk_buffer_init(&buffer, &arena, JSON_MAX);
    for (size_t i = 0; i < diff.count; i++) print_change(&buffer, &diff.changes[i]);
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    return rk_arena_string(&arena, text);
}

static void equal_states_have_no_changes(void **state) {
    (void)state;
    assert_string_equal(diff_of("{}", "{}"), "");
    assert_string_equal(diff_of("{\"a\":{\"b\":[1,2.5]}}", "{\"a\":{\"b\":[1,2.5]}}"), "");
}

static void what_comes_goes_and_changes_is_named_by_its_place(void **state) {
    (void)state;
    assert_string_equal(diff_of("{\"a\":1,\"b\":2}", "{\"b\":3,\"c\":4}"), "-/a 1;~/b 2 > 3;+/c > 4;");
    assert_string_equal(diff_of("{\"a\":{\"x\":1,\"y\":{\"z\":2}}}", "{\"a\":{\"x\":1,\"y\":{\"z\":3,\"w\":null}}}"),
                        "+/a/y/w > null;~/a/y/z 2 > 3;");
    assert_string_equal(diff_of("{\"a\":{}}", "{\"a\":[]}"), "~/a {} > [];");
    assert_string_equal(diff_of("{\"a\":1}", "{\"a\":1.0}"), "~/a 1 > 1.0;");
    assert_string_equal(diff_of("{\"a\":{\"b/c~d\":1}}", "{\"a\":{}}"), "-/a/b~1c~0d 1;");
}

static void lists_of_one_length_are_compared_by_their_items(void **state) {
    (void)state;
    assert_string_equal(diff_of("{\"a\":[1,{\"b\":2},3]}", "{\"a\":[1,{\"b\":4},3]}"), "~/a/1/b 2 > 4;");
    assert_string_equal(diff_of("{\"a\":[1,2]}", "{\"a\":[1,2,3]}"), "~/a [1,2] > [1,2,3];");
}

static void a_text_is_told_by_its_edits(void **state) {
    (void)state;
    assert_string_equal(diff_of("{\"text\":\"\"}", "{\"text\":\"abc\"}"), "~/text [0,0,abc];");
    assert_string_equal(diff_of("{\"text\":\"abc\"}", "{\"text\":\"\"}"), "~/text [0,3,];");
    assert_string_equal(diff_of("{\"text\":\"one two three\"}", "{\"text\":\"one 2 three!\"}"),
                        "~/text [4,3,2] [11,0,!];");
    assert_string_equal(diff_of("{\"text\":\"h\xc3\xa9llo w\xc3\xa9lt\"}", "{\"text\":\"h\xc3\xa8llo w\xc3\xa9lt\"}"),
                        "~/text [1,1,\xc3\xa8];");
    assert_string_equal(diff_of("{\"text\":\"\xe2\x82\xac\"}", "{\"text\":\"\xe2\x82\xad\xe2\x82\xac\"}"),
                        "~/text [0,0,\xe2\x82\xad];");
    /* the same last byte: it belongs to its code point */
    assert_string_equal(diff_of("{\"text\":\"\xc3\xa9\"}", "{\"text\":\"\xc4\xa9\"}"), "~/text [0,1,\xc4\xa9];");
    assert_string_equal(diff_of("{}", "{\"text\":\"abc\"}"), "+/text > \"abc\";");
    assert_string_equal(diff_of("{\"name\":\"abc\"}", "{\"name\":\"abd\"}"), "~/name \"abc\" > \"abd\";");
}

static void a_set_is_told_by_its_members(void **state) {
    (void)state;
    assert_string_equal(diff_of("{\"tags\":[\"a\",\"b\",\"c\"]}", "{\"tags\":[\"b\",\"d\"]}"),
                        "~/tags out \"a\" \"c\" in \"d\";");
    assert_string_equal(diff_of("{\"tags\":[]}", "{\"tags\":[1]}"), "~/tags out  in 1;");
}

/* ---- bounds ---- */

static char *repeated(const char *piece, size_t count, const char *before, const char *after) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, &arena, JSON_MAX);
    rk_buffer_append(&buffer, rk_bytes_of_string(before));
    for (size_t i = 0; i < count; i++) rk_buffer_append(&buffer, rk_bytes_of_string(piece));
    rk_buffer_append(&buffer, rk_bytes_of_string(after));
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    return rk_arena_string(&arena, text);
}

static void a_text_that_became_another_is_given_whole(void **state) {
    (void)state;
    const char *a = repeated("ab", 1000, "{\"text\":\"", "\"}"), *b = repeated("xy", 1000, "{\"text\":\"", "\"}");
    assert_true(strncmp(diff_of(a, b), "~/text \"abab", 12) == 0);
    a = repeated("a", RK_DIFF_POINTS_MAX, "{\"text\":\"x", "y\"}");
    b = repeated("a", RK_DIFF_POINTS_MAX, "{\"text\":\"z", "w\"}");
    assert_true(strncmp(diff_of(a, b), "~/text \"xaaa", 12) == 0);
    /* but what was only put in, however long, is an edit */
    assert_true(strncmp(diff_of("{\"text\":\"xy\"}", repeated("a", RK_DIFF_POINTS_MAX, "{\"text\":\"x", "y\"}")),
                        "~/text [1,0,aaa", 15) == 0);
}

static void a_field_with_too_many_changes_is_one(void **state) {
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        rk_value a = value_of(repeated("0,", RK_DIFF_CHANGES_MAX + (size_t)extra - 1, "{\"a\":1,\"l\":[", "0]}"));
        rk_value b = value_of(repeated("1,", RK_DIFF_CHANGES_MAX + (size_t)extra - 1, "{\"a\":2,\"l\":[", "1]}"));
        rk_diff diff;
        assert_int_equal(rk_diff_states(&arena, &a, &b, way_of, NULL, &diff), RK_OK);
        assert_int_equal(diff.count, extra ? 2 : 1 + RK_DIFF_CHANGES_MAX);
    }
}

/* ---- applying: a naive way, on JSON text made anew for each change ---- */

static rk_value applied(const rk_value *value, rk_bytes path, const rk_diff_change *change);

static rk_bytes first_key(rk_bytes *path) {
    rk_bytes rest = rk_bytes_from(*path, 1);
    size_t end = rk_bytes_find(rest, '/'), size = 0;
    uint8_t *key = rk_arena_take(&arena, end + 1);
    *path = rk_bytes_from(rest, end < rest.size ? end : rest.size);
    for (size_t i = 0; i < end && i < rest.size; i++) {
        uint8_t byte = rest.data[i];
        if (byte == '~') byte = rest.data[++i] == '1' ? '/' : '~';
        key[size++] = byte;
    }
    return rk_bytes_of(key, size);
}

static rk_value with_member(const rk_value *map, rk_bytes key, rk_bytes path, const rk_diff_change *change) {
    rk_pair *pairs = rk_arena_take_array(&arena, map->as.map.count + 1, sizeof *pairs);
    size_t count = 0;
    bool there = false;
    rk_value made;
    for (size_t i = 0; i < map->as.map.count; i++) {
        pairs[count] = map->as.map.pairs[i];
        bool meant = rk_is_text(&pairs[count].key, key);
        there |= meant;
        if (meant && path.size == 0 && change->kind == RK_DIFF_REMOVED) continue;
        if (meant) pairs[count].value = applied(&pairs[count].value, path, change);
        count++;
    }
    if (there == (path.size == 0 && change->kind == RK_DIFF_ADDED)) fail_msg("what comes is there, or the rest is not");
    if (!there) pairs[count++] = (rk_pair){rk_string(key), *change->after};
    assert_int_equal(rk_map_value(&arena, pairs, count, &made), RK_OK);
    return made;
}

static rk_value edited(const rk_value *text, const rk_diff_change *change) {
    rk_bytes now = text->as.bytes;
    for (size_t i = 0; i < change->edit_count; i++) {
        const rk_diff_edit *edit = &change->edits[i];
        assert_true(edit->at + edit->delete_count <= rk_utf8_count(now));
        assert_true(edit->delete_count + edit->text.size > 0);
        size_t from = rk_utf8_offset(now, edit->at), to = rk_utf8_offset(now, edit->at + edit->delete_count);
        rk_buffer buffer;
        rk_buffer_init(&buffer, &arena, JSON_MAX);
        rk_buffer_append(&buffer, rk_bytes_of(now.data, from));
        rk_buffer_append(&buffer, edit->text);
        rk_buffer_append(&buffer, rk_bytes_from(now, to));
        assert_int_equal(rk_buffer_finish(&buffer, &now), RK_OK);
    }
    return rk_string(now);
}

static bool is_among(const rk_value *value, const rk_value **values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (rk_value_equal(value, values[i])) return true;
    }
    return false;
}

static rk_value with_members(const rk_value *set, const rk_diff_change *change) {
    rk_value *items = rk_arena_take_array(&arena, set->as.list.count + change->added_count + 1, sizeof *items);
    size_t count = 0;
    for (size_t i = 0; i < set->as.list.count; i++) {
        if (!is_among(&set->as.list.items[i], change->removed, change->removed_count)) {
            items[count++] = set->as.list.items[i];
        }
    }
    assert_int_equal(count, set->as.list.count - change->removed_count);
    for (size_t i = 0; i < change->added_count; i++) {
        size_t at = count++;
        for (; at > 0 && rk_value_compare(&items[at - 1], change->added[i]) > 0; at--) items[at] = items[at - 1];
        items[at] = *change->added[i];
    }
    return rk_list(items, count);
}

static rk_value applied(const rk_value *value, rk_bytes path, const rk_diff_change *change) {
    if (path.size == 0 && change->form == RK_DIFF_EDITS) return edited(value, change);
    if (path.size == 0 && change->form == RK_DIFF_MEMBERS) return with_members(value, change);
    if (path.size == 0) {
        assert_true(rk_value_equal(value, change->before));
        return *change->after;
    }
    rk_bytes key = first_key(&path);
    if (value->kind == RK_MAP) return with_member(value, key, path, change);
    assert_int_equal(value->kind, RK_LIST);
    size_t index = 0;
    for (size_t i = 0; i < key.size; i++) index = index * 10 + (size_t)(key.data[i] - '0');
    rk_value *items = rk_arena_take_array(&arena, value->as.list.count, sizeof *items);
    memcpy(items, value->as.list.items, value->as.list.count * sizeof *items);
    items[index] = applied(&items[index], path, change);
    return rk_list(items, value->as.list.count);
}

/* ---- random states ---- */

static rk_value any_text(void) {
    static const char *const pieces[] = {
        "a", "b", "ab", "\xc3\xa9", "\xc3\xa8", "\xc4\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", " "};
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, &arena, JSON_MAX);
    for (uint64_t left = below(40); left > 0; left--) {
        rk_buffer_append(&buffer, rk_bytes_of_string(pieces[below(sizeof pieces / sizeof *pieces)]));
    }
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    return rk_string(text);
}

static rk_value any_value(unsigned depth);

static rk_value any_map(unsigned depth, const char *const *keys, size_t key_count) {
    rk_pair *pairs = rk_arena_take_array(&arena, key_count, sizeof *pairs);
    size_t count = 0;
    rk_value map;
    for (size_t i = 0; i < key_count; i++) {
        if (below(3) == 0) continue;
        rk_value value = keys[i][0] == 't' && keys[i][1] == 'e' ? any_text() : any_value(depth + 1);
        pairs[count++] = (rk_pair){rk_string(rk_bytes_of_string(keys[i])), value};
    }
    assert_int_equal(rk_map_value(&arena, pairs, count, &map), RK_OK);
    return map;
}

static rk_value any_set(void) {
    rk_value *items = rk_arena_take_array(&arena, 8, sizeof *items);
    size_t count = 0;
    for (int64_t i = 0; i < 8; i++) {
        if (below(2)) items[count++] = rk_int(i);
    }
    return rk_list(items, count);
}

static rk_value any_value(unsigned depth) {
    static const char *const keys[] = {"a", "b", "c/d", "e~f", ""};
    switch (below(depth > 3 ? 3 : 6)) {
    case 0:
        return rk_int((int64_t)below(3));
    case 1:
        return rk_bool(below(2));
    case 2:
        return any_text();
    case 3:
        return any_set();
    default:
        return any_map(depth, keys, 5);
    }
}

static rk_value any_state(void) {
    static const char *const fields[] = {"a", "b", "text", "text2", "x"};
    rk_value map = any_map(0, fields, 5), set = any_set();
    rk_diff_change tags = {.path = RK_TEXT("/tags"), .kind = RK_DIFF_ADDED, .after = &set};
    return below(4) ? with_member(&map, RK_TEXT("tags"), (rk_bytes){NULL, 0}, &tags) : map;
}

static void applying_the_changes_gives_the_other_state(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        rk_value a = any_state(), b = any_state(), now = a;
        rk_diff diff;
        assert_int_equal(rk_diff_states(&arena, &a, &b, way_of, NULL, &diff), RK_OK);
        for (size_t i = 0; i < diff.count; i++) now = applied(&now, diff.changes[i].path, &diff.changes[i]);
        assert_true(rk_value_equal(&now, &b));
        rk_arena_free(&arena);
        rk_arena_init(&arena, rk_memory_system(), MEMORY_MAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_states_have_no_changes),
        cmocka_unit_test(what_comes_goes_and_changes_is_named_by_its_place),
        cmocka_unit_test(lists_of_one_length_are_compared_by_their_items),
        cmocka_unit_test(a_text_is_told_by_its_edits),
        cmocka_unit_test(a_set_is_told_by_its_members),
        cmocka_unit_test(a_text_that_became_another_is_given_whole),
        cmocka_unit_test(a_field_with_too_many_changes_is_one),
        cmocka_unit_test(applying_the_changes_gives_the_other_state),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
