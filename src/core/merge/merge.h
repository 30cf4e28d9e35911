/*
 * What the merge types share: the names of inserts, and what is promised about their delivery.
 *
 * A merge type is a state and a few operations whose effects commute. It knows values and ids, no store and no event;
 * reduce (above) turns the resolved operations of an event into these calls.
 *
 * Promised by whoever calls
 *   (1) Doubles are dropped by event id before a merge sees them: each operation is applied at most once.
 *   (2) Whoever names a dot or a text id comes after the operation that made it.
 *   (3) Dots and text ids are never given twice. A text id is greater than every text id that its writer saw.
 * Promised here
 *   (4) Under these, every order of the same operations gives the same state and the same canonical bytes.
 *   (5) A failed call changes nothing that can be seen. Its status alone comes back: the caller knows the place.
 *   (6) One comparator for dots and one for text ids. Replicas part where ties are broken twice.
 */
#ifndef RK_CORE_MERGE_MERGE_H
#define RK_CORE_MERGE_MERGE_H

#include "core/value/id.h"

enum { RK_DOT_SIZE = 20 };

/* The highest Lamport number of a text id: every number is exact in JSON too. */
#define RK_LAMPORT_MAX ((UINT64_C(1) << 53) - 1)

/* The name of one insert into a set: the event, and which of its resolved operations (from 0). */
typedef struct rk_dot {
    rk_id event;
    uint32_t n;
} rk_dot;

/* The name of one character: lamport 1 .. RK_LAMPORT_MAX. {0, 0} is no character: the beginning of the text. */
typedef struct rk_text_id {
    uint64_t lamport;
    uint64_t replica;
} rk_text_id;

/* Event id, then n: less than 0, 0, more than 0. */
int rk_dot_compare(rk_dot a, rk_dot b);
/*
 * Wire form of a dot: byte order is rk_dot_compare's order.
 *     offset  size  field
 *          0    16  event id
 *         16     4  n, big-endian
 */
void rk_dot_put(uint8_t out[RK_DOT_SIZE], rk_dot dot);
rk_dot rk_dot_get(const uint8_t in[RK_DOT_SIZE]);

/* Lamport, then replica: less than 0, 0, more than 0. */
int rk_text_id_compare(rk_text_id a, rk_text_id b);

#endif
