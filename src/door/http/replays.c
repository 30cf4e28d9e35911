/*
 * Entries stand in two lists each: the chain of their bucket, to be found, and the queue of their last second, to be
 * dropped. Seconds are a ring: within one place of it older entries come first, since a second of the next round is
 * only reached after all of this one has ended.
 */
#include "door/http/replays.h"

#include <string.h>

enum { SECONDS = RK_REPLAYS_SPAN_S + 1, DROPS_MAX = 4 };

typedef uint32_t place; /* an entry's index + 1, 0 for none */

typedef struct entry {
    rk_hash what;
    uint64_t last_s;
    place next_in_bucket; /* or in the list of free entries */
    place next_in_second;
} entry;

typedef struct queue {
    place first;
    place last;
} queue;

struct rk_replays {
    entry *entries;
    size_t capacity;
    size_t begun; /* entries that were ever used */
    size_t count;
    place free; /* of those that were given back */
    place *buckets;
    unsigned bucket_bits;
    queue seconds[SECONDS];
    uint64_t swept_s; /* every second before it is empty */
    uint64_t now_s;   /* the latest seen */
    uint64_t since_s;
    uint64_t multipliers[4];
};

_Static_assert(sizeof(entry) + 2 * sizeof(place) <= RK_REPLAYS_ENTRY_SIZE, "an entry and up to two buckets");
_Static_assert(RK_REPLAYS_SEED_SIZE == 4 * 8, "the seed is four multipliers");

static unsigned bits_for(size_t capacity) {
    unsigned bits = 1;
    while ((size_t)1 << bits < capacity) bits++;
    return bits;
}

rk_status rk_replays_make(rk_arena *arena, size_t capacity, const uint8_t seed[RK_REPLAYS_SEED_SIZE], uint64_t since_s,
                          rk_replays **replays_out) {
    RK_ASSERT(capacity > 0 && capacity <= RK_REPLAYS_MAX);
    *replays_out = NULL;
    rk_replays *replays = rk_arena_take(arena, sizeof *replays);
    if (!replays) return RK_NO_MEMORY;
    replays->capacity = capacity;
    replays->since_s = since_s;
    replays->bucket_bits = bits_for(capacity);
    replays->entries = rk_arena_take_array(arena, capacity, sizeof *replays->entries);
    replays->buckets = rk_arena_take_array(arena, (size_t)1 << replays->bucket_bits, sizeof *replays->buckets);
    if (!replays->entries || !replays->buckets) return RK_NO_MEMORY;
    for (size_t i = 0; i < 4; i++) replays->multipliers[i] = rk_get_u64(seed + 8 * i) | 1;
    *replays_out = replays;
    return RK_OK;
}

static place *bucket_of(const rk_replays *replays, const rk_hash *what) {
    uint64_t sum = 0;
    for (size_t i = 0; i < 4; i++) sum += rk_get_u64(what->bytes + 8 * i) * replays->multipliers[i];
    return &replays->buckets[sum >> (64 - replays->bucket_bits)];
}

static entry *entry_at(const rk_replays *replays, place at) {
    return &replays->entries[at - 1];
}

/* What has ended counts as gone, dropped or not. */
static bool holds(const rk_replays *replays, const rk_hash *what) {
    const entry *entry;
    for (place at = *bucket_of(replays, what); at; at = entry->next_in_bucket) {
        entry = entry_at(replays, at);
        if (entry->last_s >= replays->now_s && rk_hash_equal(&entry->what, what)) return true;
    }
    return false;
}

/* Drops the first entry of a queue. */
static void drop_first(rk_replays *replays, queue *queue) {
    place at = queue->first;
    entry *gone = entry_at(replays, at);
    place *link = bucket_of(replays, &gone->what);
    while (*link != at) link = &entry_at(replays, *link)->next_in_bucket;
    *link = gone->next_in_bucket;
    queue->first = gone->next_in_second;
    if (!queue->first) queue->last = 0;
    gone->next_in_bucket = replays->free;
    replays->free = at;
    replays->count--;
}

/* Drops what has ended, DROPS_MAX at most. One round of the ring sees every entry, however long nobody called. */
static void sweep(rk_replays *replays) {
    unsigned drops = 0;
    if (replays->now_s > replays->swept_s && replays->now_s - replays->swept_s > SECONDS) {
        replays->swept_s = replays->now_s - SECONDS;
    }
    for (; replays->swept_s < replays->now_s; replays->swept_s++) {
        queue *queue = &replays->seconds[replays->swept_s % SECONDS];
        while (queue->first && entry_at(replays, queue->first)->last_s < replays->now_s) {
            if (drops++ == DROPS_MAX) return;
            drop_first(replays, queue);
        }
    }
}

static place take_place(rk_replays *replays) {
    place at = replays->free;
    if (at) {
        replays->free = entry_at(replays, at)->next_in_bucket;
        return at;
    }
    return replays->begun < replays->capacity ? (place)++replays->begun : 0;
}

static void put(rk_replays *replays, place at, const rk_hash *what, uint64_t last_s) {
    place *bucket = bucket_of(replays, what);
    queue *queue = &replays->seconds[last_s % SECONDS];
    *entry_at(replays, at) = (entry){*what, last_s, *bucket, 0};
    *bucket = at;
    if (queue->last) {
        entry_at(replays, queue->last)->next_in_second = at;
    } else {
        queue->first = at;
    }
    queue->last = at;
    replays->count++;
}

rk_status rk_replays_remember(rk_replays *replays, const rk_hash *what, uint64_t last_s, uint64_t now_s,
                              rk_error *error) {
    RK_ASSERT(last_s <= now_s || last_s - now_s <= RK_REPLAYS_SPAN_S);
    if (now_s > replays->now_s) replays->now_s = now_s;
    sweep(replays);
    if (last_s < replays->now_s || last_s < replays->since_s) {
        return rk_fail(error, RK_TOO_OLD, "replays", "whether it was used before is no longer known");
    }
    if (holds(replays, what)) return rk_fail(error, RK_REPLAYED, "replays", "it was used before");
    place at = take_place(replays);
    if (!at) return rk_fail(error, RK_OVERLOADED, "replays", "the memory of what was used is full");
    put(replays, at, what, last_s);
    return RK_OK;
}

size_t rk_replays_count(const rk_replays *replays) {
    return replays->count;
}
