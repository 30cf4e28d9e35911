/* The world of replicas. Invariants: merge_testing.h. */
#include "core/merge/merge_testing.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs some of the above first */
#include <cmocka.h>

#include "io/memory.h"

enum { REPLICAS_MAX = 8, STATE_SIZE_MAX = 1 << 26 };

typedef struct event {
    rk_id id;
    uint32_t writer;
    uint32_t seen[REPLICAS_MAX]; /* how many events of each writer its own had applied before */
    const void *operation;
} event;

typedef struct replica {
    void *subject;
    uint64_t clock;
    uint32_t seen[REPLICAS_MAX];
    bool *known; /* by event number */
    size_t *inbox;
    size_t inbox_count;
} replica;

typedef struct world {
    const merge_subject *subject;
    merge_plan plan;
    merge_random random;
    rk_arena arena;
    bool causal;
    event *events;
    size_t event_count;
    replica replicas[REPLICAS_MAX];
} world;

uint64_t merge_random_next(merge_random *random) {
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 (Steele et al., 2014) */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t merge_random_below(merge_random *random, uint64_t bound) {
    return merge_random_next(random) % bound;
}

uint64_t merge_seed(uint64_t otherwise) {
    const char *text = getenv("REAKTOR_SEED");
    return text ? strtoull(text, NULL, 10) : otherwise;
}

bool merge_input_ended(const merge_input *input) {
    return input->at >= input->size;
}

uint8_t merge_input_byte(merge_input *input) {
    return merge_input_ended(input) ? 0 : input->data[input->at++];
}

uint64_t merge_input_number(merge_input *input, unsigned bytes) {
    uint64_t number = 0;
    while (bytes-- > 0) number = number << 8 | merge_input_byte(input);
    return number;
}

static void open_world(world *w, const merge_subject *subject, merge_plan plan, uint64_t seed) {
    *w = (world){.subject = subject, .plan = plan, .random = {seed}};
    rk_arena_init(&w->arena, rk_memory_system(), SIZE_MAX);
    size_t count = (size_t)plan.rounds * plan.operations;
    w->events = rk_arena_take_array(&w->arena, count, sizeof *w->events);
    for (uint32_t i = 0; i < plan.replicas; i++) {
        w->replicas[i].subject = subject->open(&w->arena);
        w->replicas[i].known = rk_arena_take_array(&w->arena, count, sizeof(bool));
        w->replicas[i].inbox = rk_arena_take_array(&w->arena, 2 * count, sizeof(size_t));
        w->replicas[i].clock = 1000;
    }
}

static void close_world(world *w) {
    for (uint32_t i = 0; i < w->plan.replicas; i++) w->subject->close(w->replicas[i].subject);
    rk_arena_free(&w->arena);
}

static void learn(world *w, replica *at, size_t number) {
    const event *e = &w->events[number];
    at->known[number] = true;
    at->seen[e->writer]++;
    if (e->id.stamp > at->clock) at->clock = e->id.stamp;
}

/* A replica's own stamps only grow, and often meet those of others. */
static void write_event(world *w, uint32_t writer) {
    replica *at = &w->replicas[writer];
    size_t number = w->event_count++;
    event *e = &w->events[number];
    at->clock += 1 + merge_random_below(&w->random, 2);
    e->id = (rk_id){at->clock, UINT64_C(0x1000) * (7 - writer) + writer};
    e->writer = writer;
    memcpy(e->seen, at->seen, sizeof e->seen);
    e->operation = w->subject->write(at->subject, e->id, &w->random, &w->arena);
    learn(w, at, number);
    for (uint32_t i = 0; i < w->plan.replicas; i++) {
        if (i == writer) continue;
        replica *to = &w->replicas[i];
        uint64_t copies = 1 + (merge_random_below(&w->random, 4) == 0);
        while (copies-- > 0) to->inbox[to->inbox_count++] = number;
    }
}

static bool is_ready(world *w, replica *at, const event *e) {
    if (w->causal) {
        if (at->seen[e->writer] != e->seen[e->writer]) return false;
        for (uint32_t i = 0; i < w->plan.replicas; i++) {
            if (at->seen[i] < e->seen[i]) return false;
        }
    }
    return w->subject->ready(at->subject, e->operation);
}

/* Takes any event out of the inbox; what is not ready waits, and what is known already is dropped. */
static void deliver_one(world *w, replica *at) {
    if (at->inbox_count == 0) return;
    size_t slot = merge_random_below(&w->random, at->inbox_count);
    size_t number = at->inbox[slot];
    const event *e = &w->events[number];
    if (!at->known[number]) {
        if (!is_ready(w, at, e)) return;
        w->subject->apply(at->subject, e->operation, e->id);
        learn(w, at, number);
    }
    at->inbox[slot] = at->inbox[--at->inbox_count];
}

static void exchange_all(world *w) {
    for (uint32_t i = 0; i < w->plan.replicas; i++) {
        while (w->replicas[i].inbox_count > 0) deliver_one(w, &w->replicas[i]);
    }
}

static void check_agreement(world *w) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), SIZE_MAX);
    rk_bytes first = w->subject->state(w->replicas[0].subject, &arena);
    for (uint32_t i = 0; i < w->plan.replicas; i++) {
        w->subject->check(w->replicas[i].subject, &w->random);
        rk_bytes state = w->subject->state(w->replicas[i].subject, &arena);
        if (!rk_bytes_equal(first, state)) fail_msg("replicas 0 and %u hold different states", i);
    }
    rk_arena_free(&arena);
}

static void run_round(world *w) {
    uint32_t checks = w->plan.checks;
    for (uint32_t written = 0; written < w->plan.operations;) {
        uint32_t at = (uint32_t)merge_random_below(&w->random, w->plan.replicas);
        if (merge_random_below(&w->random, 3) == 0) {
            write_event(w, at);
            written++;
            if (checks == 0 || written % (w->plan.operations / checks + 1) != 0) continue;
            w->subject->check(w->replicas[at].subject, &w->random);
        } else {
            deliver_one(w, &w->replicas[at]);
        }
    }
    exchange_all(w);
    check_agreement(w);
}

void merge_converge(const merge_subject *subject, merge_plan plan) {
    uint64_t operations = (uint64_t)plan.worlds * plan.rounds * plan.operations;
    printf("# %s: seed %" PRIu64 ", %u replicas, %" PRIu64 " operations\n", subject->name, plan.seed, plan.replicas,
           operations);
    fflush(stdout);
    for (uint32_t i = 0; i < plan.worlds; i++) {
        world w;
        open_world(&w, subject, plan, plan.seed + i);
        w.causal = i % 2 == 0;
        for (uint32_t round = 0; round < plan.rounds; round++) run_round(&w);
        close_world(&w);
    }
}
