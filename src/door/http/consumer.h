/*
 * Named consumers, for the files that serve them.
 *
 *     shelf.c           what is remembered of them: windows and parked events, in the account's book
 *     take.c            giving out events, and waiting for some
 *     op_consumers.c    the other operations
 *
 * A consumer is an entity of the built-in module `consumer`, which says who may use it. How far it has come
 * (core/consume/window.h) is no event: it stands in the file consumers.book of the account's folder.
 *
 * Invariants
 *   (1) Events are chosen with the permission of the consumer's owner, by its filter, once, in the order of positions.
 *   (2) A worker is given an event only when it may read it itself. One that it may not read is left for another; when
 *       nobody has taken it in lease * attempts, it is parked.
 *   (3) What was given out is remembered before it is sent. A crash of the process loses nothing of it; one of the
 *       machine may lose the last acknowledgements, and their events are given again: at least once.
 *   (4) The account's shelf mutex is held while its book is used; under it no other lock but the account's is taken.
 */
#ifndef RK_DOOR_HTTP_CONSUMER_H
#define RK_DOOR_HTTP_CONSUMER_H

#include "core/consume/window.h"
#include "door/http/request.h"
#include "store/book/book.h"

/* What the entity says. Lives in the arena that it was read into. */
typedef struct rki_definition {
    rk_bytes name;
    uint64_t version;
    rk_value state;
    rk_bytes owner, entity, type, where;
    uint64_t from;
    uint64_t lease_ms;
    uint32_t attempts;
    uint8_t born[RK_BORN_SIZE];
} rki_definition;

/* The consumer that the path names. RK_BAD_ID, RK_NOT_FOUND, also for one that was removed; RK_FORBIDDEN. */
RK_MUST_USE rk_status rki_definition_read(rki_request *request, rk_engine *engine, rk_arena *arena,
                                          rki_definition *definition_out, rk_error *error);

/* A turn at the book, for one consumer. */
typedef struct rki_turn {
    rki_account *account;
    const rki_definition *definition;
    rk_arena *arena;
    rk_window *window;
    uint64_t now_ms;
    uint64_t head;    /* of the log */
    uint64_t changes; /* account->changes at the end of the turn */
    bool write;
    bool changed; /* the window is to be written */
    bool stirred; /* others who wait may find more now */
} rki_turn;

/* Takes the book; the window is brought to what the log has. Ended by rki_turn_end, unless it fails. RK_LIMIT. */
RK_MUST_USE rk_status rki_turn_begin(rki_request *request, rk_engine *engine, const rki_definition *definition,
                                     bool write, rk_arena *arena, rki_turn *turn_out, rk_error *error);
/* Keeps what the turn has changed when `status` is RK_OK, else nothing; gives that status, or why it could not. */
RK_MUST_USE rk_status rki_turn_end(rki_turn *turn, rk_status status, rk_error *error);
/* Parks a flight; `holder` NULL: whoever has it. RK_LIMIT when RK_SERVER_PARKED_MAX are parked. */
RK_MUST_USE rk_status rki_turn_park(rki_turn *turn, uint64_t position, const rk_holder *holder, rk_bytes reason,
                                    bool *done_out, rk_error *error);
/* Takes an event off the parked ones; `again`: it is to be given out again. RK_LIMIT when too many are given out. */
RK_MUST_USE rk_status rki_turn_unpark(rki_turn *turn, uint64_t position, bool again, bool *done_out, rk_error *error);

typedef rk_status (*rki_parked_visitor)(void *context, uint64_t position, uint64_t time_ms, uint32_t attempt,
                                        rk_bytes reason);
RK_MUST_USE rk_status rki_turn_walk_parked(rki_turn *turn, uint64_t after, rki_parked_visitor visit, void *context,
                                           rk_error *error);
/* Forgets all of a consumer that was removed. */
RK_MUST_USE rk_status rki_shelf_forget(rki_account *account, rk_bytes name, rk_error *error);

rk_holder rki_holder_of(rk_bytes actor);
/* The moment at which an event that nobody takes is parked. */
uint64_t rki_abandoned_ms(const rki_turn *turn);

#endif
