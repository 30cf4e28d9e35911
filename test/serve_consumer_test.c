/*
 * A consumer whose workers and whose server end at any moment: each event is dealt with at least once.
 *
 * Strategy: two writers append EVENTS (600) numbered notes. Three workers share one consumer; each takes some events,
 * deals with them (counts their numbers) and acknowledges them, but at random it drops dead, before the answer, before
 * dealing with them or before acknowledging them, and comes back knowing nothing. Meanwhile the server is killed
 * (SIGKILL) and started again ROUNDS (3) times. At the end the workers live until the consumer has nothing left, and
 * what was dealt with is held against the log. SEED has a run's dice again.
 *
 * Invariants
 *   (1) Each event of the log that the consumer wants was dealt with at least once, every other one never.
 *   (2) Nothing is parked, and the cursor is at the end.
 *   (3) What one take gives is in the order of positions.
 *   (4) What a worker has acknowledged in time is not given again, except after a crash: duplicates are no more than
 *       events that were given to workers who died or whose server died.
 */
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "serve_child_testing.h"

enum {
    EVENTS_DEFAULT = 600,
    ROUNDS_DEFAULT = 3,
    WORKERS = 3, /* w1 to w3; w0 owns the consumer */
    WRITERS = 2, /* w4 and w5 */
    TAKE_MAX = 20,
    LIFE_MS = 700,
    END_SECONDS = 120,
};

typedef struct person {
    pthread_t thread;
    unsigned index;
    uint64_t seed;
    size_t deaths;
    size_t lost; /* events that were given to it before it died, or without an acknowledgement that counted */
} person;

static hosted server;
static unsigned events_max;
static unsigned *dealt;   /* by number: how often */
static bool writers_done; /* and no worker dies any more */
static bool all_done;

static unsigned wish(const char *name, unsigned otherwise) {
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static bool is_wanted(unsigned number) {
    return number % 10 != 9;
}

/* ---- writers ---- */

static void *write_events(void *context) {
    person *writer = context;
    hosted_client client = {.fd = -1};
    for (unsigned number = writer->index; number < events_max; number += WRITERS) {
        char text[120];
        int status = 0;
        snprintf(text, sizeof text, "[{\"entity\":\"note/e%u\",\"type\":\"add\",\"data\":{\"n\":%u}}]", number % 20,
                 number);
        while (status != 201) { /* one that was not answered may be there twice: each of the two is an event */
            if (client.fd < 0 && !hosted_connect(&client, &server)) {
                usleep(5000);
                continue;
            }
            status = hosted_append(&client, 4 + writer->index, text);
            if (status != 201) hosted_close(&client);
            if (status != 201 && status != 503 && status != 0) hosted_die("an append is answered with %d", status);
        }
        usleep((useconds_t)(hosted_random(&writer->seed) % 8000));
    }
    hosted_close(&client);
    return NULL;
}

/* ---- workers ---- */

typedef struct taken {
    uint64_t positions[TAKE_MAX];
    unsigned numbers[TAKE_MAX];
    size_t count;
} taken;

static void read_taken(const char *body, taken *taken) {
    json_t *answer = json_loads(body, 0, NULL), *event = NULL;
    size_t index = 0;
    *taken = (struct taken){.count = 0};
    if (!json_is_array(json_object_get(answer, "events"))) hosted_die("no answer to a take: %s", body);
    json_array_foreach(json_object_get(answer, "events"), index, event) {
        uint64_t position = (uint64_t)json_integer_value(json_object_get(event, "position"));
        if (taken->count == TAKE_MAX) hosted_die("more events than were asked for");
        if (index > 0 && position <= taken->positions[index - 1]) hosted_die("events out of order: %s", body);
        taken->positions[index] = position;
        taken->numbers[index] = (unsigned)json_integer_value(json_object_get(json_object_get(event, "data"), "n"));
        taken->count++;
    }
    json_decref(answer);
}

static bool dies(person *worker, unsigned one_in) {
    bool yes = !__atomic_load_n(&writers_done, __ATOMIC_ACQUIRE) && hosted_random(&worker->seed) % one_in == 0;
    worker->deaths += yes;
    return yes;
}

/* False when the server died. What another was given since, because the lease had passed, counts as lost. */
static bool acknowledge(person *worker, hosted_client *client, const taken *taken) {
    char body[TAKE_MAX * 24 + 40];
    size_t size = (size_t)snprintf(body, sizeof body, "{\"positions\":[");
    for (size_t i = 0; i < taken->count; i++) {
        size += (size_t)snprintf(body + size, sizeof body - size, "%s%llu", i ? "," : "",
                                 (unsigned long long)taken->positions[i]);
    }
    snprintf(body + size, sizeof body - size, "]}");
    int status = hosted_ask(client, worker->index, "POST", "/consumers/c/ack", body);
    if (status != 200 && status != 503 && status != 0) hosted_die("an acknowledgement is answered with %d", status);
    if (status != 200) return false;
    json_t *answer = json_loads(client->body, 0, NULL);
    worker->lost -= json_array_size(json_object_get(answer, "done"));
    json_decref(answer);
    return true;
}

/* Works until it dies, or its server does. */
static void work(person *worker, hosted_client *client) {
    while (!__atomic_load_n(&all_done, __ATOMIC_ACQUIRE)) {
        char body[80];
        taken taken;
        snprintf(body, sizeof body, "{\"limit\":%u,\"wait_ms\":%u}",
                 1 + (unsigned)hosted_random(&worker->seed) % TAKE_MAX, (unsigned)hosted_random(&worker->seed) % 400);
        if (dies(worker, 12)) {
            (void)hosted_send(client, worker->index, "POST", "/consumers/c/take", body);
            worker->lost += TAKE_MAX;
            return;
        }
        int status = hosted_ask(client, worker->index, "POST", "/consumers/c/take", body);
        if (status != 200 && status != 503 && status != 0)
            hosted_die("a take is answered with %d: %s", status, client->body);
        if (status == 0) worker->lost += TAKE_MAX;
        if (status != 200) return;
        read_taken(client->body, &taken);
        if (taken.count == 0) continue;
        worker->lost += taken.count;
        if (dies(worker, 8)) return;
        for (size_t i = 0; i < taken.count; i++) {
            if (taken.numbers[i] >= events_max) hosted_die("there is no event %u", taken.numbers[i]);
            __atomic_fetch_add(&dealt[taken.numbers[i]], 1, __ATOMIC_RELAXED);
        }
        if (dies(worker, 8) || !acknowledge(worker, client, &taken)) return;
    }
}

static void *live(void *context) {
    person *worker = context;
    while (!__atomic_load_n(&all_done, __ATOMIC_ACQUIRE)) {
        hosted_client client;
        if (hosted_connect(&client, &server)) {
            work(worker, &client);
            hosted_close(&client);
        } else {
            usleep(5000);
        }
    }
    return NULL;
}

/* ---- the end ---- */

/* A number of what the consumer says of itself. */
static long long told(hosted_client *client, const char *name) {
    if (hosted_ask(client, 0, "GET", "/consumers/c", "") != 200) hosted_die("the consumer does not show");
    json_t *answer = json_loads(client->body, 0, NULL);
    long long number = json_integer_value(json_object_get(answer, name));
    json_decref(answer);
    return number;
}

static void wait_for_the_end(hosted_client *client) {
    uint64_t end = hosted_now_ms() + END_SECONDS * 1000;
    while (told(client, "lag") > 0) {
        if (hosted_now_ms() > end) hosted_die("the consumer does not come to the end: %s", client->body);
        usleep(20000);
    }
}

/* How often each number is in the log. */
static unsigned *read_log(void) {
    unsigned *there = calloc(events_max, sizeof *there);
    hosted_stream stream;
    if (!hosted_stream_open(&stream, &server, 0, "?type=add", "application/x-ndjson", 0, 0)) hosted_die("no log");
    while (!stream.ended) {
        if (hosted_stream_read(&stream, SIZE_MAX) == 0) hosted_die("the log is cut");
    }
    for (const char *at = stream.text; (at = strstr(at, "\"data\":{\"n\":")); at++) {
        unsigned number = (unsigned)strtoul(at + strlen("\"data\":{\"n\":"), NULL, 10);
        if (number < events_max) there[number]++;
    }
    hosted_stream_close(&stream);
    return there;
}

static void check(const person *workers) {
    unsigned *there = read_log();
    size_t lost = 0, deaths = 0, doubled = 0, wanted = 0;
    for (unsigned i = 0; i < events_max; i++) {
        if (there[i] == 0) hosted_die("event %u was answered and is not there", i);
        if (is_wanted(i) && dealt[i] < there[i]) hosted_die("event %u was dealt with %u times", i, dealt[i]);
        if (!is_wanted(i) && dealt[i] > 0) hosted_die("event %u was given, which nobody wants", i);
        if (!is_wanted(i)) continue;
        wanted += there[i];
        doubled += dealt[i] - there[i];
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        lost += workers[i].lost;
        deaths += workers[i].deaths;
    }
    print_message("%zu events wanted, %zu dealt with again; workers died %zu times\n", wanted, doubled, deaths);
    if (doubled > lost) hosted_die("%zu events were given again, and %zu were lost", doubled, lost);
    assert_true(deaths > 0);
    free(there);
}

static void each_event_is_dealt_with_at_least_once(void **state) {
    (void)state;
    const char *text = getenv("SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : hosted_now_ms() | 1;
    person writers[WRITERS] = {{.index = 0}}, workers[WORKERS] = {{.index = 0}};
    hosted_client client;
    char command[300];
    events_max = wish("EVENTS", EVENTS_DEFAULT);
    dealt = calloc(events_max, sizeof *dealt);
    print_message("SEED=%llu\n", (unsigned long long)seed);
    hosted_create(&server, "serve_consumer");
    hosted_start(&server);
    assert_true(hosted_connect(&client, &server));
    assert_int_equal(
        hosted_ask(&client, 0, "PUT", "/consumers/c",
                   "{\"workers\":[\"w1\",\"w2\",\"w3\"],\"where\":\"event.module == 'note' && data.n % 10 != "
                   "9\",\"lease\":400,\"attempts\":1000}"),
        201);
    hosted_close(&client);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (person){.index = i, .seed = hosted_random(&seed) | 1};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_events, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (person){.index = i + 1, .seed = hosted_random(&seed) | 1};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, live, &workers[i]), 0);
    }
    for (unsigned i = wish("ROUNDS", ROUNDS_DEFAULT); i > 0; i--) {
        usleep((useconds_t)(200000 + hosted_random(&seed) % LIFE_MS * 1000));
        (void)hosted_end(&server, SIGKILL, 10);
        hosted_start(&server);
    }
    for (unsigned i = 0; i < WRITERS; i++) pthread_join(writers[i].thread, NULL);
    __atomic_store_n(&writers_done, true, __ATOMIC_RELEASE);
    assert_true(hosted_connect(&client, &server));
    wait_for_the_end(&client);
    assert_int_equal(told(&client, "parked"), 0);
    assert_int_equal(told(&client, "waiting"), 0);
    __atomic_store_n(&all_done, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < WORKERS; i++) pthread_join(workers[i].thread, NULL);
    check(workers);
    hosted_close(&client);
    int status = hosted_end(&server, SIGTERM, 10);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(hosted_run(&server, "verify"), 0);
    snprintf(command, sizeof command, "rm -rf %s", server.folder);
    assert_int_equal(system(command), 0);
    free(dealt);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_event_is_dealt_with_at_least_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
