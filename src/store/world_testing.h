/*
 * What tests of a log are built from: a folder with an account in it, sealed batches, records, and dumps.
 *
 * A world has a fresh folder below $TMPDIR (/tmp), which its end removes. Batches are written down as text:
 * transactions separated by spaces, each a list of one-letter entities, one event an entity; a '?' before it puts
 * preconditions there. "a ab ?c" is three transactions: on t/a, on t/a and t/b, on t/c.
 */
#ifndef RK_STORE_WORLD_TESTING_H
#define RK_STORE_WORLD_TESTING_H

#include "store/log.h"

enum { RK_TEST_FOLDER_SIZE = 256, RK_TEST_TOLD_SIZE = 1024 };

/* One account with one truth, as a test sees it. */
typedef struct rk_log_world {
    const rk_log_ops *ops;
    const rk_crypto *crypto;
    const rk_memory *memory;
    char folder[RK_TEST_FOLDER_SIZE];
    rk_arena arena;
    rk_key_pair pair;
    rk_log_listener listener;
    int repaired_count;
    int finding_count;
    char told[RK_TEST_TOLD_SIZE]; /* the last thing that the listener was told */
    uint64_t clock;
    rk_log_head head; /* of the log as the world's truth has it */
    rk_error error;
} rk_log_world;

void rk_world_start(rk_log_world *world, const rk_log_ops *ops);
/* Removes the folder with its files. */
void rk_world_end(rk_log_world *world);
/* Opens the world's folder; fails the test when that fails. */
rk_log *rk_world_open(rk_log_world *world, rk_log_mode mode);
/* A sealed batch, as the text above says; `size` bytes of data in each event. */
rk_batch *rk_world_batch(rk_log_world *world, uint64_t replica, uint64_t number, const char *text, size_t size);
/* The record that continues the world's log: transaction i is accepted where accepted[i] is not '0'; NULL: all. */
rk_record *rk_world_record(rk_log_world *world, const rk_batch *batch, const char *accepted, rk_bytes *bytes_out);
/* The world's log has come to this record. */
void rk_world_advance(rk_log_world *world, const rk_record *record, rk_bytes bytes);
/* Appends within an open transaction, and advances. */
void rk_world_append(rk_log_world *world, rk_log *log, const rk_batch *batch, const char *accepted);
/* begin, append of one new batch, commit. */
void rk_world_commit(rk_log_world *world, rk_log *log, uint64_t replica, uint64_t number, const char *text);
/*
 * The whole log as text, in the arena: head, events, entities, pending events, batches, states, verdicts. Two logs with
 * the same text hold the same. NULL with world->error filled in when something cannot be read.
 */
const char *rk_world_dump(rk_log_world *world, rk_log *log);
/* The same, failing the test where that fails. */
const char *rk_world_whole(rk_log_world *world, rk_log *log);

/* Zeroed memory of the world's. */
void *rk_world_take(rk_log_world *world, size_t count, size_t size);
/* Seals what was changed in a batch again. */
void rk_world_seal(rk_log_world *world, rk_batch *batch);
/* That `status`, which world->error tells about, is `wanted`. */
void rk_world_expect(rk_log_world *world, rk_status wanted, rk_status status);
/* begin(write) and commit, which must not fail. */
void rk_world_begin(rk_log_world *world, rk_log *log);
void rk_world_done(rk_log_world *world, rk_log *log);

#endif
