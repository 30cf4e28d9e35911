/*
 * What was used and may not be used again: signatures of requests, and answered challenges, each until the last second
 * at which it would still be taken.
 *
 * Invariants
 *   (1) What was remembered is refused as RK_REPLAYED for as long as it would be taken otherwise. When no place is
 *       left, something new is refused (RK_OVERLOADED); nothing that still counts is ever dropped for it.
 *   (2) A clock that steps back opens nothing: what would have been forgotten by the latest second ever seen is refused
 *       as RK_TOO_OLD.
 *   (3) Memory is taken once, at most RK_REPLAYS_ENTRY_SIZE for each place. Each call takes constant time: it finds one
 *       entry by hash, drops at most a few that have ended, oldest second first, and looks at each second of the span
 *       at most once.
 *   (4) Where an entry lies depends on a secret seed, so that nobody can aim at one place.
 *
 * The memory ends with the process: give `since_s` to refuse what an earlier process may have taken. It belongs to one
 * process and is used by one thread at a time.
 */
#ifndef RK_DOOR_HTTP_REPLAYS_H
#define RK_DOOR_HTTP_REPLAYS_H

#include "base/arena.h"
#include "core/crypto/crypto.h"

enum {
    RK_REPLAYS_MAX = 1 << 18,   /* places; at two windows of 120 s each, about 1,000 signed requests a second */
    RK_REPLAYS_ENTRY_SIZE = 56, /* bytes; 14 MiB for RK_REPLAYS_MAX */
    RK_REPLAYS_SPAN_S = 1023,   /* how far from now the last second may lie */
    RK_REPLAYS_SEED_SIZE = 32,
};

typedef struct rk_replays rk_replays;

/*
 * A memory of `capacity` places (1 to RK_REPLAYS_MAX) that lives in the arena; `seed` is fresh random bytes. What ends
 * before since_s is refused as RK_TOO_OLD: 0, or the second at which the process started plus the window.
 */
RK_MUST_USE rk_status rk_replays_make(rk_arena *arena, size_t capacity, const uint8_t seed[RK_REPLAYS_SEED_SIZE],
                                      uint64_t since_s, rk_replays **replays_out);
/*
 * Remembers `what`, which would be taken until last_s, that second included; last_s is at most RK_REPLAYS_SPAN_S after
 * now_s. RK_REPLAYED, RK_OVERLOADED, RK_TOO_OLD; only after RK_OK may it be taken.
 */
RK_MUST_USE rk_status rk_replays_remember(rk_replays *replays, const rk_hash *what, uint64_t last_s, uint64_t now_s,
                                          rk_error *error);
/* Entries held now, with those that have ended and are not dropped yet. */
size_t rk_replays_count(const rk_replays *replays);

#endif
