/*
 * Lines of export files, and files of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "door/import_file.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/memory.h"

static rk_arena arena;
static char path[64];

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    rk_format(path, sizeof path, "/tmp/reaktor-export-test-%u", (uint64_t)getpid());
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rk_arena_free(&arena);
    rk_file_remove(path);
    return 0;
}

static rk_frame sample(rk_frame_kind kind, uint64_t number) {
    rk_frame frame = {.kind = kind, .number = number};
    memset(frame.log.bytes, 0x11, sizeof frame.log.bytes);
    if (kind == RK_FRAME_HEAD) {
        frame.number = 0;
        memset(frame.account.bytes, 0xA5, sizeof frame.account.bytes);
        frame.from_truth = true;
        frame.epoch = 2;
        frame.from = 7;
        frame.to = INT64_MAX;
        frame.record_from = 3;
        frame.record_to = 9;
    }
    if (kind == RK_FRAME_COMMIT) frame.epoch = 2;
    if (kind != RK_FRAME_COMMIT) frame.replica = UINT64_C(0xFEDCBA9876543210);
    if (kind == RK_FRAME_COMMIT) frame.record = RK_TEXT("a record\0with any bytes\xff");
    if (kind == RK_FRAME_COMMIT || kind == RK_FRAME_PENDING) frame.batch = RK_TEXT("a batch");
    if (kind == RK_FRAME_VERDICT) {
        frame.transaction = UINT32_MAX;
        frame.code = RK_TEXT("forbidden");
        frame.what = RK_TEXT("\"no\"\n");
        frame.hint = RK_TEXT("");
    }
    return frame;
}

static rk_bytes written(const rk_export_line *line) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, &arena, 1 << 16);
    rk_export_line_write(line, &buffer);
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    return text;
}

static void lines_of_a_backup_come_back(void **state) {
    (void)state;
    rk_export_line key = {.kind = RK_LINE_KEY, .owner = RK_TEXT("actor"), .actor = RK_TEXT("a \"b\"")}, again;
    rk_export_line value = {.kind = RK_LINE_STATE, .entity = RK_TEXT("coin/x"), .version = INT64_MAX};
    memset(key.seed, 0x7e, sizeof key.seed);
    memset(value.hash.bytes, 0xe7, sizeof value.hash.bytes);
    assert_int_equal(rk_export_line_read(&arena, written(&key), &again, NULL), RK_OK);
    assert_int_equal(again.kind, RK_LINE_KEY);
    assert_true(rk_bytes_equal(again.owner, key.owner) && rk_bytes_equal(again.actor, key.actor));
    assert_memory_equal(again.seed, key.seed, sizeof key.seed);
    assert_int_equal(rk_export_line_read(&arena, written(&value), &again, NULL), RK_OK);
    assert_int_equal(again.kind, RK_LINE_STATE);
    assert_true(rk_bytes_equal(again.entity, value.entity) && again.version == value.version);
    assert_true(rk_hash_equal(&again.hash, &value.hash));
}

static rk_status read_text(const char *text) {
    rk_export_line line;
    return rk_export_line_read(&arena, rk_bytes_of_string(text), &line, NULL);
}

static void every_frame_comes_back(void **state) {
    (void)state;
    for (rk_frame_kind kind = RK_FRAME_HEAD; kind <= RK_FRAME_VERDICT; kind++) {
        rk_export_line line = {.frame = sample(kind, 42)}, again;
        rk_bytes text = written(&line);
        assert_int_equal(text.data[text.size - 1], '\n');
        text.size--;
        assert_int_equal(rk_bytes_find(text, '\n'), text.size);
        assert_int_equal(rk_export_line_read(&arena, text, &again, NULL), RK_OK);
        assert_int_equal(rk_frame_compare(&line.frame, &again.frame), 0);
        assert_true(rk_bytes_equal(written(&again), written(&line)));
    }
}

static void an_invitation_comes_back(void **state) {
    rk_export_line line = {.kind = RK_LINE_INVITE, .frame = sample(RK_FRAME_HEAD, 0)}, again;
    (void)state;
    line.invitation.actor = RK_TEXT("Ann Ä");
    memset(line.invitation.seed, 3, RK_SEED_SIZE);
    rk_bytes text = written(&line);
    assert_int_equal(rk_export_line_read(&arena, text, &again, NULL), RK_OK);
    assert_int_equal(again.kind, RK_LINE_INVITE);
    assert_true(rk_bytes_equal(again.invitation.actor, line.invitation.actor));
    assert_memory_equal(again.invitation.seed, line.invitation.seed, RK_SEED_SIZE);
    assert_memory_equal(&again.frame.account, &line.frame.account, RK_HASH_SIZE);
}

#define HEX32 "11111111111111111111111111111111"

static void other_lines_are_refused(void **state) {
    (void)state;
    const char *good = "{\"frame\":\"pending\",\"log\":\"" HEX32
                       "\",\"replica\":\"00000000000000aa\",\"number\":1,\"batch\":\"Zg==\"}";
    assert_int_equal(read_text(good), RK_OK);
    assert_int_equal(read_text(""), RK_BAD_JSON);
    assert_int_equal(read_text("{"), RK_BAD_JSON);
    assert_int_equal(read_text("[]"), RK_BAD_FILE);
    assert_int_equal(read_text("{}"), RK_BAD_FILE);
    assert_int_equal(read_text("{\"frame\":\"other\"}"), RK_BAD_FILE);
    assert_int_equal(read_text("{\"frame\":1}"), RK_BAD_FILE);
    /* a field too many, missing, of another kind, doubled */
    assert_int_equal(read_text("{\"frame\":\"pending\",\"log\":\"" HEX32
                               "\",\"replica\":\"00000000000000aa\",\"number\":1,\"batch\":\"Zg==\",\"more\":1}"),
                     RK_BAD_FILE);
    assert_int_equal(
        read_text("{\"frame\":\"pending\",\"log\":\"" HEX32 "\",\"replica\":\"00000000000000aa\",\"number\":1}"),
        RK_BAD_FILE);
    assert_int_equal(
        read_text("{\"frame\":\"pending\",\"log\":\"" HEX32 "\",\"replica\":170,\"number\":1,\"batch\":\"Zg==\"}"),
        RK_BAD_FILE);
    assert_int_equal(read_text("{\"frame\":\"pending\",\"log\":\"" HEX32
                               "\",\"replica\":\"00000000000000AA\",\"number\":1,\"batch\":\"Zg==\"}"),
                     RK_BAD_FILE);
    assert_int_equal(read_text("{\"frame\":\"pending\",\"log\":\"" HEX32
                               "\",\"replica\":\"00000000000000aa\",\"number\":-1,\"batch\":\"Zg==\"}"),
                     RK_BAD_FILE);
    assert_int_equal(read_text("{\"frame\":\"pending\",\"log\":\"" HEX32
                               "\",\"replica\":\"00000000000000aa\",\"number\":1.0,\"batch\":\"Zg==\"}"),
                     RK_BAD_FILE);
    assert_int_equal(read_text("{\"frame\":\"pending\",\"log\":\"" HEX32
                               "\",\"replica\":\"00000000000000aa\",\"number\":1,\"batch\":\"Zg\"}"),
                     RK_BAD_FILE);
    assert_int_equal(
        read_text(
            "{\"frame\":\"pending\",\"log\":\"1\",\"replica\":\"00000000000000aa\",\"number\":1,\"batch\":\"Zg==\"}"),
        RK_BAD_FILE);
    assert_int_equal(read_text("{\"frame\":\"pending\",\"frame\":\"pending\",\"log\":\"" HEX32
                               "\",\"replica\":\"00000000000000aa\",\"number\":1,\"batch\":\"Zg==\"}"),
                     RK_BAD_JSON);
}

/* ---- files ---- */

static void write_frames(const rk_frame *frames, size_t count) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, &arena, 1 << 20);
    for (size_t i = 0; i < count; i++) rk_export_line_write(&(rk_export_line){.frame = frames[i]}, &buffer);
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    assert_int_equal(rk_file_write(path, 0600, text, NULL), RK_OK);
}

static rk_status open_frames(rk_import_file *file, rk_error *error, const rk_frame *frames, size_t count) {
    write_frames(frames, count);
    rk_status status = rk_import_file_open(file, &arena, rk_crypto_sodium(), path, error);
    rk_import_file_close(file);
    return status;
}

static void lines_are_sorted_and_doubles_dropped(void **state) {
    rk_import_file file;
    const rk_frame frames[] = {sample(RK_FRAME_VERDICT, 2), sample(RK_FRAME_PENDING, 9), sample(RK_FRAME_COMMIT, 12),
                               sample(RK_FRAME_HEAD, 0),    sample(RK_FRAME_PENDING, 2), sample(RK_FRAME_COMMIT, 3),
                               sample(RK_FRAME_COMMIT, 12), sample(RK_FRAME_VERDICT, 2), sample(RK_FRAME_HEAD, 0)};
    (void)state;
    assert_int_equal(open_frames(&file, NULL, frames, 9), RK_OK);
    assert_int_equal(file.count, 6);
    const uint64_t lines[] = {4, 6, 3, 5, 2, 1};
    for (size_t i = 0; i < 6; i++) assert_int_equal(file.entries[i].number, lines[i]);
}

static void doubles_that_differ_name_their_line(void **state) {
    rk_import_file file;
    rk_error error;
    rk_frame frames[] = {sample(RK_FRAME_HEAD, 0), sample(RK_FRAME_COMMIT, 3), sample(RK_FRAME_COMMIT, 3)};
    (void)state;
    frames[2].batch = RK_TEXT("another batch");
    assert_int_equal(open_frames(&file, &error, frames, 3), RK_BAD_FILE);
    assert_non_null(strstr(error.where, "line 3"));
    assert_non_null(strstr(error.what, "line 2"));
}

static void a_file_has_one_head(void **state) {
    rk_import_file file;
    rk_error error;
    rk_frame frames[] = {sample(RK_FRAME_COMMIT, 3), sample(RK_FRAME_HEAD, 0), sample(RK_FRAME_HEAD, 0)};
    (void)state;
    frames[2].replica = 1;
    assert_int_equal(open_frames(&file, &error, frames, 1), RK_BAD_FILE);
    assert_int_equal(open_frames(&file, &error, frames, 0), RK_BAD_FILE);
    assert_int_equal(open_frames(&file, &error, frames, 3), RK_BAD_FILE);
    assert_non_null(strstr(error.where, "line 2"));
    assert_int_equal(open_frames(&file, &error, frames, 2), RK_OK);
}

static void a_bad_line_is_named(void **state) {
    rk_import_file file;
    rk_error error;
    rk_frame frame = sample(RK_FRAME_HEAD, 0);
    rk_bytes line = written(&(rk_export_line){.frame = frame});
    (void)state;
    rk_bytes text = rk_arena_format(&arena, "%b\r\n%b{\"frame\":\"head\"}\n", line, line);
    assert_int_equal(rk_file_write(path, 0600, text, NULL), RK_OK);
    assert_int_equal(rk_import_file_open(&file, &arena, rk_crypto_sodium(), path, &error), RK_BAD_FILE);
    rk_import_file_close(&file);
    assert_non_null(strstr(error.where, "line 4"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_comes_back),
        cmocka_unit_test(lines_of_a_backup_come_back),
        cmocka_unit_test(an_invitation_comes_back),
        cmocka_unit_test(other_lines_are_refused),
        cmocka_unit_test(lines_are_sorted_and_doubles_dropped),
        cmocka_unit_test(doubles_that_differ_name_their_line),
        cmocka_unit_test(a_file_has_one_head),
        cmocka_unit_test(a_bad_line_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
