/*
 * Files, folders, keys, places, lines, gzip.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "io/address.h"
#include "io/crypto.h"
#include "io/folder.h"
#include "io/gunzip.h"
#include "io/keys.h"
#include "io/lines.h"
#include "io/memory.h"
#include "io/place.h"

static rk_arena arena;
static char home[64];

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    rk_format(home, sizeof home, "%s", "/tmp/reaktor-files-test-XXXXXX");
    return mkdtemp(home) ? 0 : -1;
}

static int tear_down(void **state) {
    char command[128];
    (void)state;
    rk_arena_free(&arena);
    rk_format(command, sizeof command, "rm -rf %s", home);
    return system(command);
}

static char *at(const char *name) {
    static char paths[4][RK_PATH_SIZE_MAX];
    static int next;
    char *path = paths[next++ % 4];
    assert_int_equal(rk_path_join(path, home, name, NULL), RK_OK);
    return path;
}

static void shell(const char *format, const char *a, const char *b) {
    char command[512];
    rk_format(command, sizeof command, format, a, b);
    assert_int_equal(system(command), 0);
}

/* ---- files ---- */

static void a_file_is_replaced_whole(void **state) {
    rk_bytes text;
    struct stat found;
    (void)state;
    assert_int_equal(rk_file_write(at("f"), 0600, RK_TEXT("one"), NULL), RK_OK);
    assert_int_equal(rk_file_write(at("f"), 0640, RK_TEXT("two"), NULL), RK_OK);
    assert_int_equal(rk_file_read(&arena, at("f"), 3, &text, NULL), RK_OK);
    assert_true(rk_bytes_equal(text, RK_TEXT("two")));
    assert_int_equal(rk_file_read(&arena, at("f"), 2, &text, NULL), RK_LIMIT);
    assert_int_equal(stat(at("f"), &found), 0);
    assert_int_equal(found.st_mode & 0777, 0640);
    assert_int_equal(rk_file_write_new(at("f"), 0600, RK_TEXT("three"), NULL), RK_DATABASE_EXISTS);
    assert_int_equal(rk_file_read(&arena, at("none"), 2, &text, NULL), RK_IO);
    assert_int_equal(rk_file_write(at("none/f"), 0600, RK_TEXT("x"), NULL), RK_IO);
    assert_int_equal(rk_file_write(home, 0600, RK_TEXT("x"), NULL), RK_IO);
    shell("test $(ls -A %s | wc -l) = 1 || ls -A %s", home, home);
}

static void an_abandoned_write_leaves_no_trace(void **state) {
    rk_file_writer writer;
    (void)state;
    assert_int_equal(rk_file_writer_open(&writer, at("g"), 0600, NULL), RK_OK);
    assert_int_equal(rk_file_writer_write(&writer, RK_TEXT("half"), NULL), RK_OK);
    rk_file_writer_abort(&writer);
    rk_file_writer_abort(&writer);
    assert_false(rk_file_there(at("g")));
    shell("! ls -A %s | grep -q new%s", home, "");
}

static void a_name_may_be_known_at_the_end_only(void **state) {
    rk_file_writer writer;
    rk_bytes text;
    (void)state;
    assert_int_equal(rk_file_writer_open(&writer, at("working"), 0600, NULL), RK_OK);
    assert_int_equal(rk_file_writer_write(&writer, RK_TEXT("whole"), NULL), RK_OK);
    assert_int_equal(rk_file_writer_name(&writer, at("named"), NULL), RK_OK);
    assert_int_equal(rk_file_writer_finish(&writer, NULL), RK_OK);
    assert_int_equal(rk_file_read(&arena, at("named"), 5, &text, NULL), RK_OK);
    assert_true(rk_bytes_equal(text, RK_TEXT("whole")));
    assert_false(rk_file_there(at("working")));
    rk_file_remove(at("named"));
}

static void what_is_no_regular_file_stays_it(void **state) {
    struct stat found;
    rk_error error;
    (void)state;
    assert_int_equal(rk_file_write("/dev/null", 0600, RK_TEXT("x"), NULL), RK_OK);
    assert_int_equal(stat("/dev/null", &found), 0);
    assert_true(S_ISCHR(found.st_mode));
    assert_int_equal(rk_file_write("/dev/full", 0600, RK_TEXT("x"), &error), RK_DISK_FULL);
}

static void a_link_is_followed(void **state) {
    rk_bytes text;
    struct stat found;
    (void)state;
    assert_int_equal(rk_file_write(at("target"), 0600, RK_TEXT("old"), NULL), RK_OK);
    assert_int_equal(symlink("target", at("link")), 0);
    assert_int_equal(rk_file_write(at("link"), 0600, RK_TEXT("new"), NULL), RK_OK);
    assert_int_equal(lstat(at("link"), &found), 0);
    assert_true(S_ISLNK(found.st_mode));
    assert_int_equal(rk_file_read(&arena, at("target"), 10, &text, NULL), RK_OK);
    assert_true(rk_bytes_equal(text, RK_TEXT("new")));
}

static void folders_are_made_with_those_above(void **state) {
    struct stat found;
    bool made = false;
    (void)state;
    assert_int_equal(rk_folder_make(at("a/b/c"), 0700, &made, NULL), RK_OK);
    assert_true(made);
    assert_int_equal(stat(at("a/b/c"), &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    assert_int_equal(rk_folder_make(at("a/b/c"), 0700, &made, NULL), RK_OK);
    assert_false(made);
    assert_int_equal(rk_file_write(at("a/file"), 0600, RK_TEXT(""), NULL), RK_OK);
    assert_int_equal(rk_folder_make(at("a/file/d"), 0700, &made, NULL), RK_IO);
}

/* ---- keys ---- */

static void assert_file_name(const char *actor, const char *expected) {
    char file[RK_KEY_FILE_SIZE_MAX];
    rk_bytes back;
    rk_keys_file_of_actor(rk_crypto_sodium(), rk_bytes_of_string(actor), file);
    assert_string_equal(file, expected);
    assert_true(rk_keys_actor_of_file(&arena, file, &back));
    assert_true(rk_bytes_equal(back, rk_bytes_of_string(actor)));
}

static void a_folder_gets_a_name_that_nobody_has(void **state) {
    (void)state;
    rk_error error;
    shell("mkdir -p %s/made/in %s/taken", home, home);
    assert_int_equal(rk_folder_rename(at("made"), at("taken"), &error), RK_DATABASE_EXISTS);
    assert_true(rk_folder_there(at("made/in")));
    assert_int_equal(rk_folder_rename(at("made"), at("named"), &error), RK_OK);
    assert_true(rk_folder_there(at("named/in")));
    assert_false(rk_folder_there(at("made")));
    assert_int_equal(rk_folder_rename(at("nothing"), at("named2"), &error), RK_IO);
    assert_true(error.where[0] != 0);
}

/* What a link leads to is somebody else's. */
static void a_folder_is_removed_with_all_in_it_and_nothing_else(void **state) {
    (void)state;
    shell("mkdir -p %s/gone/a/b/c %s/kept", home, home);
    shell("echo x > %s/gone/a/b/file; echo x > %s/kept/file", home, home);
    shell("ln -s %s/kept %s/gone/a/link", home, home);
    assert_int_equal(rk_folder_remove_all(at("gone"), NULL), RK_OK);
    assert_false(rk_folder_there(at("gone")));
    assert_true(rk_file_there(at("kept/file")));
    assert_int_equal(rk_folder_remove_all(at("gone"), NULL), RK_OK);
}

/* A port says nothing of who sends, nor does the half of an IPv6 address that a machine chooses itself. */
static void an_address_is_known_by_its_host(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {{"127.0.0.1", "127.0.0.1", true},      {"127.0.0.1", "127.0.0.2", false},
                 {"2001:db8::1", "2001:db8::2", true},  {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
                 {"::ffff:10.0.0.1", "10.0.0.1", true}, {"::ffff:10.0.0.1", "::ffff:10.0.0.2", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rk_address a, b;
        uint8_t host_a[RK_ADDRESS_HOST_SIZE], host_b[RK_ADDRESS_HOST_SIZE];
        assert_true(rk_address_of(cases[i].a, 1, &a) && rk_address_of(cases[i].b, 2, &b));
        rk_address_host(a.bytes, host_a);
        rk_address_host(b.bytes, host_b);
        assert_int_equal(memcmp(host_a, host_b, sizeof host_a) == 0, cases[i].same);
    }
}

static void names_of_actors_become_names_of_files(void **state) {
    char file[RK_KEY_FILE_SIZE_MAX], long_name[200], other[RK_KEY_FILE_SIZE_MAX];
    rk_bytes back;
    (void)state;
    assert_file_name("ann", "actor-ann.key");
    assert_file_name("../etc/passwd", "actor-..%2Fetc%2Fpasswd.key");
    assert_file_name("Ann Ä%", "actor-Ann%20%C3%84%25.key");
    assert_file_name("~a.key", "actor-%7Ea.key.key");
    memset(long_name, '/', sizeof long_name);
    rk_keys_file_of_actor(rk_crypto_sodium(), rk_bytes_of(long_name, 128), file);
    assert_true(strlen(file) < 256);
    assert_false(rk_keys_actor_of_file(&arena, file, &back));
    rk_keys_file_of_actor(rk_crypto_sodium(), rk_bytes_of(long_name, 127), other);
    assert_string_not_equal(file, other);
    static const char *const foreign[] = {"root.key",      "actor-.key",    "actor-a",       "actor-%2.key",
                                          "actor-%zz.key", "actor-%FF.key", "actor-a b.key", "xactor-a.key"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        assert_false(rk_keys_actor_of_file(&arena, foreign[i], &back));
    }
}

static void a_key_is_kept_and_never_replaced(void **state) {
    rk_key_pair one, two, back;
    struct stat found;
    const rk_crypto *crypto = rk_crypto_sodium();
    const rk_bytes *actors = NULL;
    size_t count = 0;
    uint8_t seed[RK_SEED_SIZE] = {1};
    (void)state;
    crypto->key_pair_of_seed(seed, &one);
    seed[0] = 2;
    crypto->key_pair_of_seed(seed, &two);
    assert_int_equal(rk_keys_get(home, "actor-b.key", crypto, &back, NULL), RK_NO_KEY);
    assert_int_equal(rk_keys_put(home, "actor-b.key", crypto, &one, NULL), RK_OK);
    assert_int_equal(rk_keys_put(home, "actor-b.key", crypto, &one, NULL), RK_OK);
    assert_int_equal(rk_keys_put(home, "actor-b.key", crypto, &two, NULL), RK_DATABASE_EXISTS);
    assert_int_equal(rk_keys_get(home, "actor-b.key", crypto, &back, NULL), RK_OK);
    assert_true(rk_key_equal(&back.public_key, &one.public_key));
    assert_int_equal(stat(at("keys"), &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    assert_int_equal(stat(at("keys/actor-b.key"), &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    assert_int_equal(rk_keys_put(home, "actor-a.key", crypto, &two, NULL), RK_OK);
    assert_int_equal(rk_keys_put(home, "root.key", crypto, &two, NULL), RK_OK);
    assert_int_equal(rk_keys_actors(home, &arena, &actors, &count, NULL), RK_OK);
    assert_int_equal(count, 2);
    assert_true(rk_bytes_equal(actors[0], RK_TEXT("a")));
    assert_int_equal(rk_file_write(at("keys/actor-a.key"), 0600, RK_TEXT("no key"), NULL), RK_OK);
    assert_int_equal(rk_keys_get(home, "actor-a.key", crypto, &back, NULL), RK_CORRUPT);
}

/* ---- places ---- */

static rk_bytes place_of(const char *path, bool renew) {
    rk_bytes place;
    assert_int_equal(rk_place_read(path, renew, &arena, &place, NULL), RK_OK);
    return place;
}

static void a_copy_has_another_place(void **state) {
    char data[RK_PATH_SIZE_MAX], copy[RK_PATH_SIZE_MAX];
    (void)state;
    rk_format(data, sizeof data, "%s/data", home);
    rk_format(copy, sizeof copy, "%s/copy", home);
    assert_int_equal(rk_folder_make(data, 0700, NULL, NULL), RK_OK);
    assert_int_equal(place_of(data, false).size, 0);
    shell("touch %s/log.db%s", data, "");
    rk_bytes place = place_of(data, true);
    assert_true(rk_bytes_equal(place, place_of(data, false)));
    shell("cp -a %s %s", data, copy);
    assert_false(rk_bytes_equal(place, place_of(copy, false)));
    shell("tar -C %s -cf - . | tar -C %s -xf -", data, data); /* put back over itself */
    assert_false(rk_bytes_equal(place, place_of(data, false)));
    place = place_of(data, true);
    assert_false(rk_bytes_equal(place, place_of(copy, false)));
    rk_format(copy, sizeof copy, "%s/renamed", home);
    shell("mv %s %s", data, copy);
    assert_true(rk_bytes_equal(place, place_of(copy, false)));
    shell("cp -p %s/log.db %s/log.new", copy, copy); /* as rsync puts a changed file in place */
    shell("mv %s/log.new %s/log.db", copy, copy);
    assert_false(rk_bytes_equal(place, place_of(copy, false)));
}

/* ---- lines ---- */

static void lines_are_read_twice(void **state) {
    rk_lines lines;
    rk_line line, first;
    (void)state;
    assert_int_equal(rk_file_write(at("lines"), 0600, RK_TEXT("one\r\n\nthree"), NULL), RK_OK);
    assert_int_equal(rk_lines_open(&lines, at("lines"), 5, NULL), RK_OK);
    assert_int_equal(rk_lines_next(&lines, &line, NULL), RK_OK);
    assert_true(rk_bytes_equal(line.text, RK_TEXT("one")));
    first = line;
    assert_int_equal(rk_lines_next(&lines, &line, NULL), RK_OK);
    assert_int_equal(line.text.size, 0);
    assert_int_equal(rk_lines_next(&lines, &line, NULL), RK_OK);
    assert_true(rk_bytes_equal(line.text, RK_TEXT("three")));
    assert_int_equal(line.number, 3);
    assert_int_equal(rk_lines_next(&lines, &line, NULL), RK_NOT_FOUND);
    assert_int_equal(rk_lines_again(&lines, 1, first.offset, 3, &line, NULL), RK_OK);
    assert_true(rk_bytes_equal(line.text, RK_TEXT("one")));
    assert_int_equal(rk_lines_again(&lines, 3, 100, 3, &line, NULL), RK_IO);
    rk_lines_close(&lines);
    assert_int_equal(rk_lines_open(&lines, at("lines"), 4, NULL), RK_OK);
    assert_int_equal(rk_lines_next(&lines, &line, NULL), RK_OK);
    assert_int_equal(rk_lines_next(&lines, &line, NULL), RK_OK);
    assert_int_equal(rk_lines_next(&lines, &line, NULL), RK_LIMIT);
    rk_lines_close(&lines);
    assert_int_equal(rk_lines_open(&lines, at("none"), 4, NULL), RK_IO);
    assert_int_equal(rk_lines_open(&lines, home, 4, NULL), RK_IO);
}

/* ---- gzip ---- */

static void gzip_unpacks_within_its_bound(void **state) {
    uint8_t packed[4096];
    rk_bytes text;
    (void)state;
    uint8_t *long_text = calloc(1, 100000);
    z_stream stream = {.next_in = long_text, .avail_in = 100000, .next_out = packed, .avail_out = sizeof packed};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t size = stream.total_out;
    deflateEnd(&stream);
    free(long_text);
    assert_int_equal(rk_gunzip(&arena, rk_bytes_of(packed, size), 100000, &text, NULL), RK_OK);
    assert_int_equal(text.size, 100000);
    assert_int_equal(rk_gunzip(&arena, rk_bytes_of(packed, size), 99999, &text, NULL), RK_LIMIT);
    assert_int_equal(rk_gunzip(&arena, rk_bytes_of(packed, size - 1), 100000, &text, NULL), RK_BAD_FILE);
    assert_int_equal(rk_gunzip(&arena, rk_bytes_of(packed, 0), 100000, &text, NULL), RK_BAD_FILE);
    assert_int_equal(rk_gunzip(&arena, RK_TEXT("no gzip at all"), 100000, &text, NULL), RK_BAD_FILE);
    packed[size - 5] ^= 1; /* its checksum */
    assert_int_equal(rk_gunzip(&arena, rk_bytes_of(packed, size), 100000, &text, NULL), RK_BAD_FILE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_replaced_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_abandoned_write_leaves_no_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_may_be_known_at_the_end_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_regular_file_stays_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_are_made_with_those_above, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_gets_a_name_that_nobody_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_is_removed_with_all_in_it_and_nothing_else, set_up, tear_down),
        cmocka_unit_test(an_address_is_known_by_its_host),
        cmocka_unit_test_setup_teardown(names_of_actors_become_names_of_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_kept_and_never_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_copy_has_another_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_are_read_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gzip_unpacks_within_its_bound, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
