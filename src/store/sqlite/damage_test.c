/*
 * What crashes, damage, other programs and failing disks do to the files of a log. In each case the log is what was
 * acknowledged, or it says what is wrong: nothing else is ever served (docs/durability.md).
 */
#include "store/sqlite/sqlite_log.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka needs some of the above first */
#include <cmocka.h>

#include "store/sqlite/internal.h"
#include "store/world_testing.h"

enum { PAGE_SIZE = 4096, FRAME_SIZE = 24 + PAGE_SIZE, WAL_HEADER_SIZE = 32, SLOT_SIZE = 64, COMMITS = 8 };

/* ---- files ---- */

typedef enum file_name { LOG_DB, WAL, HEAD, FILE_COUNT } file_name;

static const char *const file_names[FILE_COUNT] = {"log.db", "log.db-wal", "head"};

typedef struct files {
    uint8_t *bytes[FILE_COUNT];
    size_t sizes[FILE_COUNT]; /* 0: the file is not there */
} files;

static void path_of(const rk_log_world *world, const char *name, char path[RK_TEST_FOLDER_SIZE + 32]) {
    snprintf(path, RK_TEST_FOLDER_SIZE + 32, "%s/%s", world->folder, name);
}

/* What stands in the folder now: what a crash would leave, where a handle is open. */
static files files_read(rk_log_world *world) {
    files files = {0};
    for (int i = 0; i < FILE_COUNT; i++) {
        char path[RK_TEST_FOLDER_SIZE + 32];
        path_of(world, file_names[i], path);
        FILE *file = fopen(path, "rb");
        if (!file) continue;
        fseek(file, 0, SEEK_END);
        files.sizes[i] = (size_t)ftell(file);
        files.bytes[i] = rk_world_take(world, files.sizes[i] + 1, 1);
        rewind(file);
        assert_int_equal(fread(files.bytes[i], 1, files.sizes[i], file), files.sizes[i]);
        fclose(file);
    }
    return files;
}

static void files_write(rk_log_world *world, const files *files) {
    char path[RK_TEST_FOLDER_SIZE + 32];
    path_of(world, "log.db-shm", path);
    unlink(path);
    for (int i = 0; i < FILE_COUNT; i++) {
        path_of(world, file_names[i], path);
        unlink(path);
        if (files->sizes[i] == 0) continue;
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(files->bytes[i], 1, files->sizes[i], file), files->sizes[i]);
        fclose(file);
    }
}

/* ---- a log with something of everything ---- */

typedef struct example {
    rk_log_world world;
    rk_log *log;
    const char *before; /* the dump before the last commit */
    const char *after;
    files files_before;
    files files_after; /* as a crash would leave them: log.db-wal holds commits */
    files files_closed;
} example;

static void commit_all_kinds(rk_log_world *world, rk_log *log, uint64_t i) {
    const rk_log_ops *ops = world->ops;
    rk_world_begin(world, log);
    rk_world_append(world, log, rk_world_batch(world, 0x0A, i, "ab ?c d", 200), i % 2 ? "101" : "110");
    rk_batch *pending = rk_world_batch(world, 0x0C, i, "x ?y", 60);
    rk_world_expect(world, RK_OK, ops->append_pending(log, pending, &world->error));
    if (i % 3 == 0) rk_world_append(world, log, pending, "10");
    rk_stored_state state = {.version = i, .position = world->head.position, .bytes = RK_TEXT("a state")};
    rk_world_expect(world, RK_OK, ops->state_put(log, RK_TEXT("t/a"), &state, &world->error));
    const rk_index_row rows[] = {{RK_TEXT("f"), rk_bytes_of(&i, sizeof i)}, {RK_TEXT("g"), RK_TEXT("same")}};
    rk_world_expect(world, RK_OK, ops->index_put(log, RK_TEXT("t/a"), rows, 2, &world->error));
    rk_verdict verdict = {0x0B, i, 1, RK_TEXT("forbidden"), RK_TEXT("what"), RK_TEXT("hint")};
    rk_world_expect(world, RK_OK, ops->verdict_put(log, &verdict, &world->error));
    rk_world_expect(world, RK_OK, ops->meta_put(log, RK_TEXT("name"), rk_bytes_of(&i, sizeof i), &world->error));
    rk_world_done(world, log);
}

static int example_setup(void **state) {
    example *example = test_calloc(1, sizeof *example);
    *state = example;
    rk_log_world *world = &example->world;
    rk_world_start(world, rk_log_sqlite());
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    for (uint64_t i = 1; i < COMMITS; i++) commit_all_kinds(world, log, i);
    world->ops->close(log); /* moves all of it into log.db */
    log = rk_world_open(world, RK_LOG_READ_WRITE);
    for (uint64_t i = COMMITS; i < 2 * COMMITS; i++) commit_all_kinds(world, log, i);
    example->before = rk_world_whole(world, log);
    example->files_before = files_read(world);
    commit_all_kinds(world, log, 2 * COMMITS);
    example->after = rk_world_whole(world, log);
    example->files_after = files_read(world);
    rk_world_expect(world, RK_OK, world->ops->check(log, &world->error));
    world->ops->close(log);
    example->files_closed = files_read(world);
    assert_true(example->files_after.sizes[WAL] > example->files_before.sizes[WAL]);
    assert_int_equal(example->files_closed.sizes[WAL], 0);
    assert_int_equal(world->finding_count + world->repaired_count, 0);
    return 0;
}

static int example_teardown(void **state) {
    example *example = *state;
    rk_world_end(&example->world);
    test_free(example);
    return 0;
}

/* ---- what comes of files ---- */

typedef enum outcome { SAME, BEFORE, NAMED } outcome; /* as after the last commit; as before it; RK_CORRUPT */

static outcome look(example *example, rk_log_mode mode) {
    rk_log_world *world = &example->world;
    world->repaired_count = world->finding_count = 0;
    rk_log *log = NULL;
    rk_status status =
        world->ops->open(world->folder, mode, world->memory, world->crypto, &world->listener, &log, &world->error);
    const char *dump = status == RK_OK ? rk_world_dump(world, log) : NULL;
    if (!dump) assert_string_equal(rk_status_name(world->error.code), "corrupt");
    if (!dump) assert_true(world->error.where[0] != 0);
    bool named = !dump;
    if (dump) { /* what the dump did not come by, such as an index, the check finds */
        named = world->ops->check(log, &world->error) == RK_CORRUPT;
        if (!named) assert_int_equal(world->finding_count, 0);
    }
    world->ops->close(log);
    if (named) return NAMED;
    if (strcmp(dump, example->after) == 0) return SAME;
    assert_string_equal(dump, example->before);
    return BEFORE;
}

static outcome outcome_of(example *example, const files *files, rk_log_mode mode) {
    files_write(&example->world, files);
    return look(example, mode);
}

/* A copy in which one byte of one file is another. */
static outcome flipped(example *example, files files, file_name name, size_t offset, rk_log_mode mode) {
    files.bytes[name][offset] ^= 0x10;
    outcome outcome = outcome_of(example, &files, mode);
    files.bytes[name][offset] ^= 0x10;
    return outcome;
}

/* ---- damage ---- */

static void a_changed_byte_of_a_page_is_named(void **state) {
    example *example = *state;
    const files *files = &example->files_closed;
    int examined = 0;
    static const size_t offsets[] = {0, 16, 17, 18, 20, 27, 60, 68, 99, 100, 105, 300, 2000, 4087, 4088, 4095};
    for (size_t page = 0; page < files->sizes[LOG_DB] / PAGE_SIZE; page++) {
        for (size_t i = page ? page % 4 : 0; i < sizeof offsets / sizeof *offsets; i += page ? 4 : 1) {
            size_t offset = page * PAGE_SIZE + offsets[i];
            assert_int_equal(flipped(example, *files, LOG_DB, offset, RK_LOG_READ_WRITE), NAMED);
            if (page == 0 || i > 4) continue;
            assert_int_equal(flipped(example, *files, LOG_DB, offset, RK_LOG_EXAMINE), NAMED);
            examined++;
        }
    }
    assert_true(examined > 10);
}

static void the_page_is_named(void **state) {
    example *example = *state;
    assert_int_equal(flipped(example, example->files_closed, LOG_DB, 2 * PAGE_SIZE + 4000, RK_LOG_READ_WRITE), NAMED);
    const rk_log_world *world = &example->world;
    const char page[] = "log.db page 3";
    assert_true(strcmp(world->error.where, page) == 0 || strncmp(world->told, page, sizeof page - 1) == 0);
}

static void a_page_in_the_place_of_another_is_named(void **state) {
    example *example = *state;
    files files = example->files_closed;
    uint8_t page[PAGE_SIZE];
    for (size_t i = 1; i + 1 < files.sizes[LOG_DB] / PAGE_SIZE; i++) {
        uint8_t *place = files.bytes[LOG_DB] + i * PAGE_SIZE;
        memcpy(page, place, PAGE_SIZE);
        memcpy(place, place + PAGE_SIZE, PAGE_SIZE);
        assert_int_equal(outcome_of(example, &files, RK_LOG_READ_WRITE), NAMED);
        assert_true(strncmp(example->world.error.where, "log.db page", 11) == 0 || example->world.finding_count > 0);
        memcpy(place, page, PAGE_SIZE);
    }
}

/* SQLite itself looks at a frame's checksum only when it recovers, and here nobody does any more. */
static void a_byte_that_changes_while_the_log_is_open_is_named(void **state) {
    example *example = *state;
    rk_log_world *world = &example->world;
    files_write(world, &example->files_after);
    rk_log *log = rk_world_open(world, RK_LOG_READ_WRITE);
    char path[RK_TEST_FOLDER_SIZE + 32];
    path_of(world, "log.db-wal", path);
    FILE *file = fopen(path, "r+b");
    size_t frame_count = example->files_after.sizes[WAL] / FRAME_SIZE;
    for (size_t i = 0; i < frame_count; i++) {
        fseek(file, (long)(WAL_HEADER_SIZE + i * FRAME_SIZE + 4000), SEEK_SET);
        fputc(0xEE, file);
    }
    fclose(file);
    assert_int_equal(look(example, RK_LOG_READ_WRITE), NAMED);
    assert_memory_equal(world->error.where, "log.db-wal frame ", 17);
    world->ops->close(log);
}

static void a_changed_byte_of_the_write_ahead_log_is_named(void **state) {
    example *example = *state;
    const files *files = &example->files_after;
    static const size_t offsets[] = {0, 3, 5, 9, 17, 22, 24, 100, 4000, 4119};
    for (size_t i = 0; i < WAL_HEADER_SIZE; i += 3) { /* the count of its beginnings says nothing by itself */
        assert_int_equal(flipped(example, *files, WAL, i, RK_LOG_READ_WRITE), NAMED);
    }
    size_t frame_count = (files->sizes[WAL] - WAL_HEADER_SIZE) / FRAME_SIZE;
    for (size_t frame = 0; frame < frame_count; frame++) {
        for (size_t i = frame % 3; i < sizeof offsets / sizeof *offsets; i += 3) {
            size_t offset = WAL_HEADER_SIZE + frame * FRAME_SIZE + offsets[i];
            assert_int_equal(flipped(example, *files, WAL, offset, RK_LOG_READ_WRITE), NAMED);
        }
    }
}

/* Without head the last transaction cannot be told from one that a crash tore; all others can. */
static void without_head_only_the_last_transaction_can_be_lost(void **state) {
    example *example = *state;
    files files = example->files_after;
    files.sizes[HEAD] = 0;
    size_t first_of_last = (example->files_before.sizes[WAL] - WAL_HEADER_SIZE) / FRAME_SIZE;
    size_t frame_count = (files.sizes[WAL] - WAL_HEADER_SIZE) / FRAME_SIZE;
    for (size_t frame = 0; frame < frame_count; frame++) {
        size_t offset = WAL_HEADER_SIZE + frame * FRAME_SIZE + 1000;
        outcome wanted = frame < first_of_last ? NAMED : BEFORE;
        assert_int_equal(flipped(example, files, WAL, offset, RK_LOG_READ_WRITE), wanted);
        if (wanted == BEFORE) assert_true(example->world.repaired_count > 0); /* and it is said */
    }
}

static void a_changed_byte_of_head_changes_nothing(void **state) {
    example *example = *state;
    const files *files = &example->files_after;
    for (size_t i = 0; i < files->sizes[HEAD]; i += 5) {
        assert_int_equal(flipped(example, *files, HEAD, i, RK_LOG_READ_WRITE), SAME);
    }
    struct files ruined = *files;
    ruined.bytes[HEAD] = rk_world_take(&example->world, files->sizes[HEAD], 1);
    memset(ruined.bytes[HEAD], 0x55, files->sizes[HEAD]);
    assert_int_equal(outcome_of(example, &ruined, RK_LOG_READ_WRITE), NAMED);
    assert_string_equal(example->world.error.where, "head");
    assert_int_equal(outcome_of(example, &ruined, RK_LOG_EXAMINE), NAMED); /* by the check; all of it is served */
    assert_int_equal(example->world.finding_count, 1);
}

static void a_log_that_ends_before_head_is_named(void **state) {
    example *example = *state;
    files no_wal = example->files_after, short_wal = example->files_after, older = example->files_before,
          gone = example->files_closed, cut = example->files_closed, empty = example->files_closed;
    no_wal.sizes[WAL] = 0;
    assert_int_equal(outcome_of(example, &no_wal, RK_LOG_READ_WRITE), NAMED);
    short_wal.sizes[WAL] = example->files_before.sizes[WAL];
    assert_int_equal(outcome_of(example, &short_wal, RK_LOG_READ_WRITE), NAMED);
    older.bytes[HEAD] = example->files_after.bytes[HEAD];
    assert_int_equal(outcome_of(example, &older, RK_LOG_READ_WRITE), NAMED);
    gone.sizes[LOG_DB] = 0;
    assert_int_equal(outcome_of(example, &gone, RK_LOG_READ_WRITE), NAMED);
    cut.sizes[LOG_DB] -= PAGE_SIZE;
    assert_int_equal(outcome_of(example, &cut, RK_LOG_READ_WRITE), NAMED);
    empty.sizes[LOG_DB] = 1;
    assert_int_equal(outcome_of(example, &empty, RK_LOG_READ_WRITE), NAMED);
    older.sizes[HEAD] = 0; /* an older copy on purpose: without head it opens, and that is said */
    assert_int_equal(outcome_of(example, &older, RK_LOG_READ_WRITE), BEFORE);
    assert_int_equal(example->world.repaired_count, 1);
    assert_int_equal(look(example, RK_LOG_READ_WRITE), BEFORE);
    assert_int_equal(example->world.repaired_count, 0);
}

static void damage_that_is_named_leaves_the_files_as_they_were(void **state) {
    example *example = *state;
    const files *files = &example->files_after;
    for (int i = 0; i < 4; i++) { /* also where it looks like a torn tail, but for head */
        size_t offset = i & 2 ? files->sizes[WAL] - 100 : WAL_HEADER_SIZE + 3 * FRAME_SIZE + 100;
        rk_log_mode mode = i & 1 ? RK_LOG_EXAMINE : RK_LOG_READ_WRITE;
        (void)flipped(example, *files, WAL, offset, mode);
        struct files now = files_read(&example->world);
        now.bytes[WAL][offset] ^= 0x10;
        for (int name = 0; name < FILE_COUNT; name++) {
            assert_int_equal(now.sizes[name], files->sizes[name]);
            assert_memory_equal(now.bytes[name], files->bytes[name], files->sizes[name]);
        }
    }
}

static void another_program_that_writes_shows(void **state) {
    example *example = *state;
    rk_log_world *world = &example->world;
    files_write(world, &example->files_closed);
    char path[RK_TEST_FOLDER_SIZE + 32];
    path_of(world, "log.db", path);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE state SET bytes = x'6162'", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(look(example, RK_LOG_READ_WRITE), NAMED);
    assert_memory_equal(world->error.where, "log.db page ", 12);
    world->finding_count = 0;
    rk_log *log = rk_world_open(world, RK_LOG_EXAMINE); /* replay goes on past it, to say which entity it is */
    rk_stored_state found;
    rk_status status = world->ops->state_get(log, &world->arena, RK_TEXT("t/a"), &found, &world->error);
    rk_world_expect(world, RK_OK, status);
    assert_true(rk_bytes_equal(found.bytes, RK_TEXT("ab")));
    int told = world->finding_count;
    assert_true(told > 0);
    (void)world->ops->state_get(log, &world->arena, RK_TEXT("t/a"), &found, &world->error);
    assert_int_equal(world->finding_count, told); /* each page once */
    rk_world_expect(world, RK_IO, world->ops->begin(log, true, &world->error));
    world->ops->close(log);
}

/* The tables changed through SQLite, with checksums that hold: only the check of tables against bytes sees that. */
static void tables_that_disagree_are_found(void **state) {
    example *example = *state;
    rk_log_world *world = &example->world;
    static const char *const changes[] = {
        "UPDATE event SET version = 900 WHERE position = 2",
        "UPDATE event SET position = 9000 WHERE position = (SELECT max(position) FROM event)",
        "DELETE FROM event WHERE position = 3",
        "UPDATE event SET leaf = 50 WHERE position = 2",
        "UPDATE event SET transaction_index = 1 WHERE position = 1",
        "UPDATE event SET entity = 3, version = 900 WHERE position = 2",
        "UPDATE event SET bytes = x'00' WHERE position = 4",
        "UPDATE id SET place = place - 1 WHERE place < 0",
        "DELETE FROM id WHERE place < 0",
        "UPDATE entity SET pending = pending + 1 WHERE entity = 2",
        "INSERT INTO entity (log, name, pending) VALUES (1, x'742f7a', 0)",
        "UPDATE entity SET name = x'742f7a' WHERE entity = 1",
        "UPDATE record SET stamp = stamp + 1 WHERE record = 2",
        "UPDATE record SET last_position = last_position + 1 WHERE record = 2",
        "UPDATE record SET epoch = 2 WHERE record = 1",
        "UPDATE record SET bytes = x'00' WHERE record = 3",
        "UPDATE record SET batch = batch + 1 WHERE record = 2",
        "DELETE FROM record WHERE record = 2",
        "UPDATE batch SET root = zeroblob(32) WHERE number = 1",
        "UPDATE batch SET seal = x'00' WHERE number = 2",
        "UPDATE batch SET record = NULL WHERE number = 1 AND replica = 10",
        "UPDATE batch SET leaf_count = leaf_count + 1 WHERE number = 1",
        "DELETE FROM batch WHERE number = 3",
        "UPDATE leaf SET transaction_index = 9 WHERE leaf = (SELECT min(leaf) FROM leaf)",
        "DELETE FROM leaf WHERE entity IS NULL",
        "UPDATE leaf SET kind = 7",
        "UPDATE leaf SET entity = NULL",
        "UPDATE state SET version = 1000",
        "UPDATE state SET entity = 1000",
        "UPDATE state SET log = 2",
    };
    char path[RK_TEST_FOLDER_SIZE + 32];
    path_of(world, "log.db", path);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        files_write(world, &example->files_closed);
        rk_log *log = rk_world_open(world, RK_LOG_READ_WRITE);
        char name[64];
        sqlite3_vfs *vfs = sqlite3_vfs_find(NULL); /* the handle's own VFS is the one registered beside the default */
        while (vfs && strncmp(vfs->zName, "reaktor-", 8) != 0) vfs = vfs->pNext;
        assert_non_null(vfs);
        snprintf(name, sizeof name, "%s", vfs->zName);
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, name), SQLITE_OK);
        int code = sqlite3_exec(db, changes[i], NULL, NULL, NULL);
        if (code != SQLITE_OK || sqlite3_changes(db) == 0) print_error("no row: %s\n", changes[i]);
        assert_int_equal(code, SQLITE_OK);
        assert_true(sqlite3_changes(db) > 0);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        world->finding_count = 0;
        rk_status status = world->ops->check(log, &world->error);
        if (status != RK_CORRUPT) print_error("not seen: %s\n", changes[i]);
        rk_world_expect(world, RK_CORRUPT, status);
        assert_true(world->finding_count > 0);
        world->ops->close(log);
    }
}

/* ---- crashes ---- */

/* As after kill -9 within the last commit: head is the one from before it. */
static void a_torn_tail_of_any_length_loses_nothing_acknowledged(void **state) {
    example *example = *state;
    rk_log_world *world = &example->world;
    rk_log_head head = world->head;
    size_t from = example->files_before.sizes[WAL], to = example->files_after.sizes[WAL];
    for (size_t size = from; size <= to; size += size % FRAME_SIZE < 60 ? 13 : 331) {
        files files = example->files_after;
        files.bytes[HEAD] = example->files_before.bytes[HEAD];
        files.sizes[HEAD] = example->files_before.sizes[HEAD];
        files.sizes[WAL] = size;
        assert_int_equal(outcome_of(example, &files, RK_LOG_EXAMINE), BEFORE);
        assert_int_equal(outcome_of(example, &files, RK_LOG_READ_WRITE), BEFORE);
        assert_int_equal(example->world.repaired_count, size > from);
        assert_int_equal(look(example, RK_LOG_READ_WRITE), BEFORE); /* repaired once */
        assert_int_equal(example->world.repaired_count, 0);
    }
    files whole = example->files_after; /* all of it reached the disk, and nobody heard of it */
    whole.bytes[HEAD] = example->files_before.bytes[HEAD];
    assert_int_equal(outcome_of(example, &whole, RK_LOG_READ_WRITE), SAME);
    world->head = head;
}

/* Each size loses a page of the torn transaction, as a loss of power may, while later ones reached the disk. */
static void a_tail_with_holes_is_a_crash_when_head_does_not_name_it(void **state) {
    example *example = *state;
    size_t first = (example->files_before.sizes[WAL] - WAL_HEADER_SIZE) / FRAME_SIZE;
    size_t count = (example->files_after.sizes[WAL] - WAL_HEADER_SIZE) / FRAME_SIZE;
    for (size_t frame = first; frame < count; frame++) {
        files files = example->files_after;
        files.bytes[HEAD] = example->files_before.bytes[HEAD];
        files.bytes[WAL] = rk_world_take(&example->world, files.sizes[WAL], 1);
        memcpy(files.bytes[WAL], example->files_after.bytes[WAL], files.sizes[WAL]);
        memset(files.bytes[WAL] + WAL_HEADER_SIZE + frame * FRAME_SIZE, 0, FRAME_SIZE);
        assert_int_equal(outcome_of(example, &files, RK_LOG_READ_WRITE), BEFORE);
    }
}

/* Small after large: what the large one left behind must not look like damage later. */
static void a_crash_after_a_crash_is_no_damage(void **state) {
    example *example = *state;
    rk_log_world *world = &example->world;
    files torn = example->files_after;
    torn.bytes[HEAD] = example->files_before.bytes[HEAD];
    torn.sizes[WAL] -= FRAME_SIZE; /* without its commit frame */
    files_write(world, &torn);
    rk_log *log = rk_world_open(world, RK_LOG_READ_WRITE);
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, world->ops->meta_put(log, RK_TEXT("z"), RK_TEXT("1"), &world->error));
    rk_world_done(world, log);
    files crashed = files_read(world);
    world->ops->close(log);
    assert_true(crashed.sizes[WAL] < torn.sizes[WAL]);
    assert_int_equal(outcome_of(example, &crashed, RK_LOG_READ_WRITE), BEFORE);
    assert_int_equal(world->repaired_count, 0);
}

/* One process dies while it writes, another that is open goes on without recovering. */
static void what_a_dead_writer_left_is_cut_by_the_next_one(void **state) {
    example *example = *state;
    rk_log_world *world = &example->world;
    files_write(world, &example->files_before);
    rk_log *log = rk_world_open(world, RK_LOG_READ_WRITE);
    files left = example->files_after; /* the dead one's frames, from here on in the file */
    char path[RK_TEST_FOLDER_SIZE + 32];
    path_of(world, "log.db-wal", path);
    FILE *file = fopen(path, "r+b");
    fseek(file, (long)example->files_before.sizes[WAL], SEEK_SET);
    fwrite(left.bytes[WAL] + example->files_before.sizes[WAL], 1, left.sizes[WAL] - example->files_before.sizes[WAL],
           file);
    fclose(file);
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, world->ops->meta_put(log, RK_TEXT("z"), RK_TEXT("1"), &world->error));
    rk_world_done(world, log);
    files crashed = files_read(world);
    world->ops->close(log);
    assert_int_equal(outcome_of(example, &crashed, RK_LOG_READ_WRITE), BEFORE);
    assert_int_equal(world->repaired_count, 0);
}

/* Counts up in the log, for ever, and says to the pipe what was acknowledged. */
_Noreturn static void count_up(rk_log_world *world, int pipe) {
    rk_arena arena;
    rk_arena_init(&arena, world->memory, 1 << 20);
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_READ_WRITE);
    for (;;) {
        if (ops->begin(log, true, &world->error) != RK_OK) break;
        rk_bytes bytes;
        uint64_t count = 0;
        if (ops->meta_get(log, &arena, RK_TEXT("count"), &bytes, NULL) == RK_OK) count = rk_get_u64(bytes.data);
        count++;
        uint8_t value[3000] = {0}; /* more than a page with its neighbours, so that a commit is several frames */
        rk_put_u64(value, count);
        if (ops->meta_put(log, RK_TEXT("count"), rk_bytes_of(value, sizeof value), &world->error) != RK_OK) break;
        if (ops->meta_put(log, RK_TEXT("other"), rk_bytes_of(value, sizeof value), &world->error) != RK_OK) break;
        if (ops->commit(log, &world->error) != RK_OK) break;
        if (write(pipe, &count, sizeof count) != sizeof count) break;
        rk_arena_free(&arena);
    }
    print_error("a writer stopped: %s: %s\n", world->error.where, world->error.what);
    _exit(1);
}

static uint64_t count_of(rk_log_world *world) {
    rk_bytes bytes = {0};
    rk_log *log = rk_world_open(world, RK_LOG_READ_WRITE);
    rk_status status = world->ops->meta_get(log, &world->arena, RK_TEXT("count"), &bytes, &world->error);
    world->ops->close(log);
    return status == RK_OK ? rk_get_u64(bytes.data) : 0;
}

static pid_t start_writer(rk_log_world *world, int pipe) {
    pid_t child = fork();
    if (child == 0) count_up(world, pipe);
    assert_true(child > 0);
    return child;
}

static void kill_writer(pid_t child) {
    int status = 0;
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* it had not stopped by itself */
}

/* Of two writers one is killed while the other goes on and a third process opens; then the other. */
static void processes_that_are_killed_lose_nothing_acknowledged(void **state) {
    rk_log_world *world = &((example *)*state)->world;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    uint64_t acknowledged = 0, before = 0;
    for (int round = 0; round < 15; round++) {
        pid_t one = start_writer(world, pipes[1]), two = start_writer(world, pipes[1]);
        for (int i = 0; i < 4 + round; i++) {
            uint64_t count = 0;
            assert_int_equal(read(pipes[0], &count, sizeof count), sizeof count);
            if (count > acknowledged) acknowledged = count;
        }
        usleep((unsigned)(round * 700));
        kill_writer(one);
        assert_true(count_of(world) >= acknowledged);
        usleep((unsigned)(round * 300));
        kill_writer(two);
        before = acknowledged;
        while (acknowledged < count_of(world)) acknowledged = count_of(world);
        assert_true(acknowledged >= before);
    }
    close(pipes[0]);
    close(pipes[1]);
}

static void making_a_log_may_be_interrupted_anywhere(void **state) {
    example *example = *state;
    rk_log_world *world = &example->world;
    files none = {0};
    rk_log *log = NULL;
    files_write(world, &none);
    char path[RK_TEST_FOLDER_SIZE + 32];
    path_of(world, "log.db", path);
    fclose(fopen(path, "wb"));
    rk_status status = world->ops->open(world->folder, RK_LOG_READ_WRITE, world->memory, world->crypto,
                                        &world->listener, &log, &world->error);
    rk_world_expect(world, RK_NO_DATABASE, status);
    log = rk_world_open(world, RK_LOG_CREATE);
    world->ops->close(log);
    log = rk_world_open(world, RK_LOG_READ_WRITE);
    world->ops->close(log);
}

/* ---- failing disks: a VFS that fails at a call that is counted down to ---- */

typedef struct faults {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    int countdown; /* the call that fails when it comes to 0; negative: none */
    bool syncs;    /* count syncs, else writes */
    bool lasts;    /* those after it fail too, until the test says that there is room */
    bool failed;
    bool moving; /* somebody holds SQLite's lock for moving frames into log.db */
    int looks;   /* that SQLite took at log.db-shm under it */
} faults;

static faults injected;

typedef struct faulty_file {
    sqlite3_file base;
    sqlite3_io_methods methods;
    const sqlite3_io_methods *real;
} faulty_file;

enum { INNER_OFFSET = (sizeof(faulty_file) + 15) / 16 * 16 };

static sqlite3_file *inner(sqlite3_file *file) {
    return (sqlite3_file *)(void *)((uint8_t *)file + INNER_OFFSET);
}

static bool fails(bool sync) {
    if (sync != injected.syncs || injected.countdown < 0) return false;
    injected.failed = injected.failed || injected.countdown == 0;
    if (injected.lasts && injected.countdown == 0) return true;
    return injected.countdown-- == 0;
}

static int faulty_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset) {
    if (!fails(false)) return inner(file)->pMethods->xWrite(inner(file), bytes, size, offset);
    inner(file)->pMethods->xWrite(inner(file), bytes, size / 2, offset); /* half of it, then the disk is full */
    return SQLITE_FULL;
}

static int faulty_sync(sqlite3_file *file, int flags) {
    return fails(true) ? SQLITE_IOERR_FSYNC : inner(file)->pMethods->xSync(inner(file), flags);
}

#define FORWARD(slot, parameters, arguments)             \
    static int faulty_##slot parameters {                \
        return inner(file)->pMethods->x##slot arguments; \
    }
FORWARD(Close, (sqlite3_file * file), (inner(file)))
FORWARD(Read, (sqlite3_file * file, void *bytes, int size, sqlite3_int64 offset), (inner(file), bytes, size, offset))
FORWARD(Truncate, (sqlite3_file * file, sqlite3_int64 size), (inner(file), size))
FORWARD(FileSize, (sqlite3_file * file, sqlite3_int64 *size), (inner(file), size))
FORWARD(Lock, (sqlite3_file * file, int lock), (inner(file), lock))
FORWARD(Unlock, (sqlite3_file * file, int lock), (inner(file), lock))
FORWARD(CheckReservedLock, (sqlite3_file * file, int *locked), (inner(file), locked))
FORWARD(FileControl, (sqlite3_file * file, int operation, void *argument), (inner(file), operation, argument))
FORWARD(SectorSize, (sqlite3_file * file), (inner(file)))
FORWARD(DeviceCharacteristics, (sqlite3_file * file), (inner(file)))
FORWARD(ShmMap, (sqlite3_file * file, int region, int size, int extend, void volatile **memory),
        (inner(file), region, size, extend, memory))
FORWARD(ShmUnmap, (sqlite3_file * file, int delete), (inner(file), delete))

static int faulty_ShmLock(sqlite3_file *file, int offset, int count, int flags) {
    int code = inner(file)->pMethods->xShmLock(inner(file), offset, count, flags);
    if (code == SQLITE_OK && offset == 1 && count == 1) injected.moving = (flags & SQLITE_SHM_LOCK) != 0;
    return code;
}

static void faulty_ShmBarrier(sqlite3_file *file) {
    injected.looks += injected.moving;
    inner(file)->pMethods->xShmBarrier(inner(file));
}

static const sqlite3_io_methods faulty_methods = {2,
                                                  faulty_Close,
                                                  faulty_Read,
                                                  faulty_write,
                                                  faulty_Truncate,
                                                  faulty_sync,
                                                  faulty_FileSize,
                                                  faulty_Lock,
                                                  faulty_Unlock,
                                                  faulty_CheckReservedLock,
                                                  faulty_FileControl,
                                                  faulty_SectorSize,
                                                  faulty_DeviceCharacteristics,
                                                  faulty_ShmMap,
                                                  faulty_ShmLock,
                                                  faulty_ShmBarrier,
                                                  faulty_ShmUnmap,
                                                  NULL,
                                                  NULL};

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out) {
    (void)vfs;
    memset(inner(file), 0, (size_t)injected.real->szOsFile);
    file->pMethods = NULL;
    int code = injected.real->xOpen(injected.real, name, inner(file), flags, flags_out);
    if (code == SQLITE_OK) file->pMethods = &faulty_methods;
    return code;
}

/* The default VFS from now on, so that the log's own wraps it. */
static void faults_start(void) {
    injected = (faults){.real = sqlite3_vfs_find(NULL), .countdown = -1};
    injected.vfs = *injected.real;
    injected.vfs.pNext = NULL;
    injected.vfs.zName = "faulty";
    injected.vfs.szOsFile = INNER_OFFSET + injected.real->szOsFile;
    injected.vfs.xOpen = faulty_open;
    assert_int_equal(sqlite3_vfs_register(&injected.vfs, 1), SQLITE_OK);
}

static void faults_end(void) {
    sqlite3_vfs_unregister(&injected.vfs);
    sqlite3_vfs_register(injected.real, 1);
}

/* Three commits of which some call fails. What the log says of them afterwards must be so. */
static void fail_once(example *example, bool syncs, int countdown) {
    rk_log_world *world = &example->world;
    const rk_log_ops *ops = world->ops;
    files_write(world, &example->files_after);
    rk_log *log = rk_world_open(world, RK_LOG_READ_WRITE);
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->meta_put(log, RK_TEXT("m"), RK_TEXT("0"), &world->error));
    rk_world_done(world, log);
    injected.syncs = syncs;
    injected.countdown = countdown;
    char acknowledged = '0', tried = '0';
    rk_status status = RK_OK;
    for (char value = '1'; value < '4' && status == RK_OK; value++) {
        status = ops->begin(log, true, &world->error);
        if (status != RK_OK) break;
        tried = value;
        rk_bytes name = RK_TEXT("m");
        status = ops->meta_put(log, name, rk_bytes_of(&value, 1), &world->error);
        if (status == RK_OK)
            status = ops->commit(log, &world->error);
        else
            ops->rollback(log);
        if (status == RK_OK) acknowledged = value;
    }
    bool failed = injected.failed;
    injected.failed = false;
    injected.countdown = -1;
    if (status != RK_OK) assert_true(failed);
    if (status != RK_OK) assert_int_equal(status, syncs ? RK_IO : RK_DISK_FULL);
    if (syncs && status != RK_OK) rk_world_expect(world, RK_IO, ops->begin(log, true, &world->error)); /* for good */
    if (!syncs && status != RK_OK && ops->begin(log, true, &world->error) == RK_OK) ops->rollback(log);
    ops->close(log);
    log = rk_world_open(world, RK_LOG_READ_WRITE);
    rk_bytes value;
    rk_world_expect(world, RK_OK, ops->meta_get(log, &world->arena, RK_TEXT("m"), &value, &world->error));
    assert_int_equal(value.size, 1);
    assert_true(value.data[0] == acknowledged || value.data[0] == tried);
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));
    ops->close(log);
}

static void a_write_or_sync_that_fails_loses_nothing_acknowledged(void **state) {
    faults_start();
    for (int countdown = 0; countdown < 40; countdown++) fail_once(*state, false, countdown);
    for (int countdown = 0; countdown < 6; countdown++) fail_once(*state, true, countdown);
    faults_end();
}

static rk_status put_value(rk_log_world *world, rk_log *log, char value) {
    const rk_log_ops *ops = world->ops;
    RK_TRY(ops->begin(log, true, &world->error));
    rk_bytes name = RK_TEXT("m");
    rk_status status = ops->meta_put(log, name, rk_bytes_of(&value, 1), &world->error);
    if (status == RK_OK) return ops->commit(log, &world->error);
    ops->rollback(log);
    return status;
}

static char value_now(rk_log_world *world, rk_log *log) {
    rk_bytes value;
    rk_world_expect(world, RK_OK, world->ops->meta_get(log, &world->arena, RK_TEXT("m"), &value, &world->error));
    assert_int_equal(value.size, 1);
    return (char)value.data[0];
}

/* The disk has room for `countdown` more writes, then none for a while. Nobody opens the log anew. */
static void fill_disk(example *example, int countdown) {
    rk_log_world *world = &example->world;
    files_write(world, &example->files_after);
    rk_log *log = rk_world_open(world, RK_LOG_READ_WRITE), *other = rk_world_open(world, RK_LOG_READ_WRITE);
    rk_world_expect(world, RK_OK, put_value(world, log, '0'));
    injected.countdown = countdown;
    char last = '0';
    rk_status status = RK_OK;
    for (char value = '1'; value <= 'V' && status == RK_OK; value++) {
        status = put_value(world, log, value);
        if (status == RK_OK) last = value;
    }
    rk_world_expect(world, RK_DISK_FULL, status);
    rk_world_expect(world, RK_DISK_FULL, put_value(world, log, 'x')); /* again and again */
    rk_world_expect(world, RK_DISK_FULL, put_value(world, log, 'y'));
    assert_int_equal(value_now(world, log), last); /* reads go on, here and elsewhere */
    assert_int_equal(value_now(world, other), last);
    injected.countdown = -1;
    rk_world_expect(world, RK_OK, put_value(world, log, 'z'));
    assert_int_equal(value_now(world, other), 'z');
    rk_world_expect(world, RK_OK, world->ops->check(log, &world->error));
    world->ops->close(other);
    world->ops->close(log);
    log = rk_world_open(world, RK_LOG_READ_WRITE);
    assert_int_equal(value_now(world, log), 'z');
    assert_int_equal(world->finding_count + world->repaired_count, 0);
    world->ops->close(log);
}

static void a_full_disk_refuses_writes_until_there_is_room(void **state) {
    faults_start();
    injected.lasts = true;
    for (int countdown = 0; countdown < 24; countdown++) fill_disk(*state, countdown);
    faults_end();
}

/* A writer may begin log.db-wal anew then, and SQLite must not look at its counts while that happens. */
static void when_all_is_moved_nothing_is_looked_at(void **state) {
    example *example = *state;
    rk_log_world *world = &example->world;
    faults_start();
    files_write(world, &example->files_after);
    rk_log *log = rk_world_open(world, RK_LOG_READ_WRITE), *other = rk_world_open(world, RK_LOG_READ_WRITE);
    rk_world_expect(world, RK_OK, put_value(world, log, '1'));
    for (int round = 0; round < 2; round++) {
        injected.looks = 0;
        assert_int_equal(sqlite3_wal_checkpoint_v2(other->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
        assert_true(injected.looks > 0);
        injected.looks = 0;
        assert_int_equal(sqlite3_wal_checkpoint_v2(other->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
                         SQLITE_BUSY);
        assert_int_equal(injected.looks, 0);
        assert_false(injected.moving);
        rk_world_expect(world, RK_OK, put_value(world, log, '2')); /* begins it anew */
    }
    world->ops->close(other);
    world->ops->close(log);
    log = rk_world_open(world, RK_LOG_READ_WRITE);
    assert_int_equal(value_now(world, log), '2');
    world->ops->close(log);
    faults_end();
}

#define ON_EXAMPLE(test) cmocka_unit_test_setup_teardown(test, example_setup, example_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EXAMPLE(a_changed_byte_of_a_page_is_named),
        ON_EXAMPLE(the_page_is_named),
        ON_EXAMPLE(a_page_in_the_place_of_another_is_named),
        ON_EXAMPLE(a_byte_that_changes_while_the_log_is_open_is_named),
        ON_EXAMPLE(a_changed_byte_of_the_write_ahead_log_is_named),
        ON_EXAMPLE(without_head_only_the_last_transaction_can_be_lost),
        ON_EXAMPLE(a_changed_byte_of_head_changes_nothing),
        ON_EXAMPLE(a_log_that_ends_before_head_is_named),
        ON_EXAMPLE(damage_that_is_named_leaves_the_files_as_they_were),
        ON_EXAMPLE(another_program_that_writes_shows),
        ON_EXAMPLE(tables_that_disagree_are_found),
        ON_EXAMPLE(a_tail_with_holes_is_a_crash_when_head_does_not_name_it),
        ON_EXAMPLE(a_crash_after_a_crash_is_no_damage),
        ON_EXAMPLE(what_a_dead_writer_left_is_cut_by_the_next_one),
        ON_EXAMPLE(processes_that_are_killed_lose_nothing_acknowledged),
        ON_EXAMPLE(making_a_log_may_be_interrupted_anywhere),
        ON_EXAMPLE(a_write_or_sync_that_fails_loses_nothing_acknowledged),
        ON_EXAMPLE(a_full_disk_refuses_writes_until_there_is_room),
        ON_EXAMPLE(when_all_is_moved_nothing_is_looked_at),
        ON_EXAMPLE(a_torn_tail_of_any_length_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
