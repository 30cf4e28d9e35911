/*
 * A book: a small durable map in one file, for what a server remembers besides the log, such as sessions and how far
 * consumers have come.
 *
 * Names are bytes and have an order, so that those with a common beginning stand together: "session/OWNER/...".
 *
 * Invariants
 *   (1) What rk_book_commit has answered RK_OK for is there after a crash of the process; of the machine as well, when
 *       the book is `lasting`.
 *   (2) A transaction is there whole or not at all.
 *   (3) One thread at a time has a book: its owner sees to that. One process at a time writes: others wait.
 */
#ifndef RK_STORE_BOOK_BOOK_H
#define RK_STORE_BOOK_BOOK_H

#include "base/arena.h"
#include "base/status.h"

enum {
    RK_BOOK_NAME_MAX = 1024,      /* bytes of a name; at least one */
    RK_BOOK_VALUE_MAX = 16 << 20, /* bytes of a value */
};

typedef struct rk_book rk_book;

/* Opens the book in that file (NUL-ended), which is made, for its owner's eyes only, when it is missing. RK_IO. */
RK_MUST_USE rk_status rk_book_open(const char *path, bool lasting, rk_book **book_out, rk_error *error);
/* Drops an open transaction. NULL is allowed. */
void rk_book_close(rk_book *book);

/* Everything else happens between begin and its end. RK_BUSY when another process writes for too long. */
RK_MUST_USE rk_status rk_book_begin(rk_book *book, bool write, rk_error *error);
RK_MUST_USE rk_status rk_book_commit(rk_book *book, rk_error *error);
void rk_book_rollback(rk_book *book);

/* RK_NOT_FOUND when there is none. The value lives in the arena. */
RK_MUST_USE rk_status rk_book_get(rk_book *book, rk_bytes name, rk_arena *arena, rk_bytes *value_out, rk_error *error);
/* Replaces what the name had. RK_LIMIT. */
RK_MUST_USE rk_status rk_book_put(rk_book *book, rk_bytes name, rk_bytes value, rk_error *error);
/* There may be none. */
RK_MUST_USE rk_status rk_book_drop(rk_book *book, rk_bytes name, rk_error *error);

/* Anything but RK_OK ends the walk and is handed to its caller. Name and value live for the call. */
typedef rk_status (*rk_book_visitor)(void *context, rk_bytes name, rk_bytes value);

/* Names that begin with `prefix` and are after `after` (empty: all), ascending. The visitor may not write. */
RK_MUST_USE rk_status rk_book_walk(rk_book *book, rk_bytes prefix, rk_bytes after, rk_book_visitor visit, void *context,
                                   rk_error *error);

#endif
