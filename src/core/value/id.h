/*
 * Event ids, their stamps, and the hybrid logical clock that issues them (Kulkarni et al., 2014).
 *
 * Invariants
 *   (1) A stamp issued here is greater than every stamp issued or seen here before.
 *   (2) Two ids are equal only if they are the same event: the replica breaks every tie.
 *   (3) Nothing here reads a clock: the caller hands in the wall time.
 *
 * A stamp is 64 bits: 48 bits of milliseconds since 1970-01-01T00:00:00Z, then 16 bits that count within one of them;
 * the count's overflow carries into the milliseconds. An id is a stamp and a replica.
 *
 * Wire form of an id: 16 bytes, big-endian, so that byte order is time order; printed as a ULID, 26 characters of
 * Crockford's base 32.
 *     offset  size  field
 *          0     8  stamp: 6 bytes of milliseconds, 2 of count
 *          8     8  replica
 */
#ifndef RK_CORE_VALUE_ID_H
#define RK_CORE_VALUE_ID_H

#include "base/status.h"

enum { RK_ID_SIZE = 16, RK_ULID_SIZE = 26, RK_TIME_TEXT_SIZE = 24, RK_STAMP_COUNT_BITS = 16 };

typedef uint64_t rk_stamp;

typedef struct rk_id {
    rk_stamp stamp;
    uint64_t replica;
} rk_id;

/* The first stamp of a millisecond. Milliseconds past 2^48 - 1 (the year 10889) count as that. */
rk_stamp rk_stamp_of_ms(uint64_t ms);
uint64_t rk_stamp_ms(rk_stamp stamp);
/*
 * The next stamp after `last` at wall time `now_ms`. Never fails: a wall clock that stepped back only counts on.
 * At the very end of time it stays at the highest stamp; the caller's ids then collide, and are refused as such.
 */
rk_stamp rk_stamp_next(rk_stamp last, uint64_t now_ms);
/* The smaller of the event's own stamp and the commit stamp plus RK_DRIFT_MS_MAX. */
rk_stamp rk_stamp_effective(rk_stamp own, rk_stamp commit);

/* Stamp, then replica. The one total order of events that are not ordered by position. */
int rk_id_compare(rk_id a, rk_id b);
bool rk_id_equal(rk_id a, rk_id b);
void rk_id_put(uint8_t out[RK_ID_SIZE], rk_id id);
rk_id rk_id_get(const uint8_t in[RK_ID_SIZE]);
/* Exactly 26 characters, not NUL-ended. */
void rk_id_print(rk_id id, char out[RK_ULID_SIZE]);
/* RK_BAD_ID unless it is 26 characters of the alphabet (either case; no I, L, O, U) and fits 128 bits. */
RK_MUST_USE rk_status rk_id_parse(rk_bytes text, rk_id *id_out);

/* RFC 3339 in UTC with milliseconds, "2026-01-31T12:00:00.000Z": exactly 24 characters, not NUL-ended. */
void rk_time_print(uint64_t ms, char out[RK_TIME_TEXT_SIZE]);
/*
 * RFC 3339 with a zone, or a date alone ("2026-01-31", its midnight UTC). Digits past the milliseconds are cut.
 * RK_BAD_TIME on anything else, also before 1970 and after 9999.
 */
RK_MUST_USE rk_status rk_time_parse(rk_bytes text, uint64_t *ms_out);

#endif
