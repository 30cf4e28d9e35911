/*
 * The window of a named consumer: which events of a log were handed out to workers, and what became of them.
 *
 * An event that the consumer wants is noted, in the order of positions, and is then a flight. A worker is given a
 * flight for a time, its lease. It acknowledges it, or gives it back; when the lease has passed, the flight is free for
 * whoever takes next. A flight that was given too often, or to nobody for too long, is to be parked. An event that was
 * parked may be put back.
 *
 *     noted -> free -> out -> acknowledged (gone)
 *              ^  \     | \-> free again: given back, or its lease has passed
 *              |   \----+---> due -> parked
 *              \---------------- put back
 *
 * Invariants
 *   (1) Flights ascend by position, none twice, and none is past `seen`.
 *   (2) A flight leaves the window by its holder's acknowledgement, by being parked, or because the log lost its event.
 *   (3) The cursor is not kept but follows: the highest position such that nothing at or before it is a flight, and all
 *       up to it was looked at. So it cannot pass what nobody has acknowledged.
 *   (4) Nothing here reads a clock or a log; times are of the caller's clock, which may step back: then a lease lasts
 *       RK_LEASE_MS_MAX at most.
 *
 * Wire form: big-endian; flights follow.
 *     offset  size  field
 *          0     1  format         1
 *          1    16  born           id of the event that began the consumer: another one's window is not its own
 *         17    16  log
 *         33     8  epoch          of the truth, when the window was last used
 *         41     8  seen
 *         49     8  set_back_from  what `seen` was when the log was last found to have lost events; 0: never
 *         57     8  set_back_to
 *         65     8  parked
 *         73   36n  flights: position 8, until_ms 8, attempt 4, holder 16
 */
#ifndef RK_CORE_CONSUME_WINDOW_H
#define RK_CORE_CONSUME_WINDOW_H

#include "base/buffer.h"

enum {
    RK_FLIGHTS_MAX = 1000, /* of one consumer */
    RK_HOLDER_SIZE = 16,
    RK_BORN_SIZE = 16,
    RK_WINDOW_LOG_SIZE = 16,
    RK_LEASE_MS_MAX = 12 * 3600 * 1000,
    RK_WINDOW_SIZE_MAX = 73 + 36 * RK_FLIGHTS_MAX,
};

/* Who was given a flight: a hash of the worker's name. */
typedef struct rk_holder {
    uint8_t bytes[RK_HOLDER_SIZE];
} rk_holder;

typedef struct rk_flight {
    uint64_t position;
    uint64_t until_ms; /* the end of its lease; before the first delivery, when it is to be parked */
    uint32_t attempt;  /* how often it was given */
    rk_holder holder;  /* to whom last */
} rk_flight;

typedef struct rk_window {
    uint8_t born[RK_BORN_SIZE];
    uint8_t log[RK_WINDOW_LOG_SIZE];
    uint64_t epoch;
    uint64_t seen; /* every event up to it was looked at */
    uint64_t set_back_from, set_back_to;
    uint64_t parked; /* how many are */
    size_t count;
    rk_flight flights[RK_FLIGHTS_MAX];
} rk_window;

typedef enum rk_flight_state {
    RK_FLIGHT_OUT,  /* a worker has it */
    RK_FLIGHT_FREE, /* to be given */
    RK_FLIGHT_DUE,  /* to be parked: given `attempts` times, or never in its time */
} rk_flight_state;

rk_flight_state rk_flight_state_at(const rk_flight *flight, uint64_t now_ms, uint32_t attempts);
/* The earliest moment after `now_ms` at which a flight's state may change by itself; UINT64_MAX for none. */
uint64_t rk_window_next_ms(const rk_window *window, uint64_t now_ms);
uint64_t rk_window_cursor(const rk_window *window);
/* How many are out. */
size_t rk_window_out(const rk_window *window, uint64_t now_ms, uint32_t attempts);

/* The event at that position, past `seen`, is wanted: a flight, to be parked at `until_ms` when none takes it. */
void rk_window_note(rk_window *window, uint64_t position, uint64_t until_ms);
/* All up to that position was looked at. */
void rk_window_pass(rk_window *window, uint64_t position);
/* Gives the flight of that index. */
void rk_window_give(rk_window *window, size_t index, const rk_holder *holder, uint64_t until_ms);
/* False when there is no such flight, or another worker was given it since. */
RK_MUST_USE bool rk_window_acknowledge(rk_window *window, uint64_t position, const rk_holder *holder);
/* Makes it free at once; false as above. */
RK_MUST_USE bool rk_window_release(rk_window *window, uint64_t position, const rk_holder *holder);
/* Takes a flight out, to be parked; false when there is none, or (`holder` not NULL) it is not that worker's. */
RK_MUST_USE bool rk_window_park(rk_window *window, uint64_t position, const rk_holder *holder, rk_flight *flight_out);
/* A parked event is a flight again, as when it was noted; false when the window is full. */
RK_MUST_USE bool rk_window_put_back(rk_window *window, uint64_t position, uint64_t until_ms);
/* The log has lost what is after that position. */
void rk_window_set_back(rk_window *window, uint64_t position);

void rk_window_encode(const rk_window *window, rk_buffer *buffer);
/* RK_CORRUPT for what no window encodes to. */
RK_MUST_USE rk_status rk_window_decode(rk_bytes bytes, rk_window *window_out, rk_error *error);

#endif
