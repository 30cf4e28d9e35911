/*
 * A server that ends at any moment: what was answered is there once, what was refused is not there.
 *
 * Strategy: eight clients append notes with numbers that are never used twice, single ones, batches, and ones that
 * expect the version of an entity that only they write to. After a random time the server is killed (SIGKILL), started
 * again, and its log is held against what was answered. ROUNDS (3) says how often; `make serve-kill` does it 50 times.
 * The same for a server that is told to stop (SIGTERM), which must do so in time whoever is connected. SEED has a run's
 * times again.
 *
 * Invariants
 *   (1) Each number that was answered 2xx is in the log once, at the position that the answer said.
 *   (2) A number without an answer is there once or not at all, and a batch is there whole or not at all.
 *   (3) A number that was refused is not there.
 *   (4) `reaktor verify` and `reaktor replay` find nothing.
 *   (5) Told to stop, the server ends with 0 within 10 seconds, and leaves no request without an answer or a closed
 *       connection; what it has written it has answered.
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
    ROUNDS_DEFAULT = 3,
    ROUNDS_A_FOLDER = 10,
    LIFE_MS_MAX = 800,
    STOP_SECONDS = 10,
    BATCH = 5,
    NUMBERS_MAX = 1 << 20, /* of a folder */
};

typedef enum outcome { UNUSED, SENT, ACCEPTED, REFUSED } outcome;

/* What became of a number; the numbers of a batch follow each other. */
typedef struct number {
    outcome outcome;
    uint64_t position; /* as answered */
    uint64_t seen;     /* the position that it has in the log, or 0 */
    unsigned batch;    /* how many are with it; in the first one */
} number;

typedef struct client {
    pthread_t thread;
    unsigned index;
    uint64_t version; /* of the entity that only this one writes to, as read from the log */
    uint64_t seed;
} client;

static hosted server;
static client clients[SERVED_WRITERS];
static number *numbers;
static unsigned next_number; /* taken by all threads */
static uint64_t checked;     /* the log has been read up to here */
static uint64_t seed;
static size_t accepted, refused, silent, unanswered_there;

/* ---- clients ---- */

static void keep_outcome(unsigned first, unsigned count, int status, const hosted_client *connection) {
    const char *answer_text = connection->answer, *body = connection->body;
    json_t *answer = status == 201 ? json_loads(body, 0, NULL) : NULL, *list = json_object_get(answer, "events");
    if (status == 201 && json_array_size(list) != count) hosted_die("an answer with other events: %s", body);
    for (unsigned i = 0; i < count && status != 0; i++) {
        json_t *position = json_object_get(json_array_get(list, i), "position");
        numbers[first + i].outcome = status == 201 ? ACCEPTED : REFUSED;
        numbers[first + i].position = (uint64_t)json_integer_value(position);
    }
    json_decref(answer);
    if (status == 503 && !strstr(answer_text, "Connection: close")) hosted_die("refused, but the connection stays");
    if (status != 0 && status != 201 && status != 503) hosted_die("an append is answered with %d: %s", status, body);
}

/* Appends once; false when the connection is gone. */
static bool append(client *client, hosted_client *connection) {
    char text[BATCH * 200], expect[40] = "";
    uint64_t dice = hosted_random(&client->seed) % 4;
    unsigned count = dice == 0 ? BATCH : 1;
    unsigned first = __atomic_fetch_add(&next_number, count, __ATOMIC_RELAXED);
    bool own = dice == 1;
    size_t size = 0;
    if (first + count > NUMBERS_MAX) hosted_die("numbers ran out");
    if (own) snprintf(expect, sizeof expect, ",\"expect\":%llu", (unsigned long long)client->version);
    for (unsigned i = 0; i < count; i++) {
        numbers[first + i].outcome = SENT;
        size += (size_t)snprintf(text + size, sizeof text - size,
                                 "%s{\"entity\":\"note/%s%u\",\"type\":\"add\",\"data\":{\"n\":%u}%s}", i ? "," : "[",
                                 own ? "own" : "e", own ? client->index : (first + i) % 50, first + i, expect);
    }
    numbers[first].batch = count;
    snprintf(text + size, sizeof text - size, "]");
    int status = hosted_append(connection, client->index, text);
    keep_outcome(first, count, status, connection);
    if (status == 201 && own) client->version++;
    return status != 0;
}

static void *run_client(void *context) {
    client *client = context;
    hosted_client connection;
    if (!hosted_connect(&connection, &server)) return NULL;
    while (append(client, &connection)) continue;
    hosted_close(&connection);
    return NULL;
}

static void start_clients(void) {
    for (unsigned i = 0; i < SERVED_WRITERS; i++) {
        clients[i].index = i;
        clients[i].seed = hosted_random(&seed) | 1;
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
}

/* ---- checking ---- */

static void see_event(const char *line, size_t size) {
    json_t *event = json_loadb(line, size, 0, NULL);
    if (!event) hosted_die("no JSON: %.*s", (int)size, line);
    json_int_t n = json_integer_value(json_object_get(json_object_get(event, "data"), "n"));
    uint64_t position = (uint64_t)json_integer_value(json_object_get(event, "position"));
    const char *entity = json_string_value(json_object_get(event, "entity"));
    if (!entity || n < 0 || n >= NUMBERS_MAX) hosted_die("event %d is none of ours", (int)position);
    if (position != checked + 1) hosted_die("position %d after %d", (int)position, (int)checked);
    if (numbers[n].outcome == UNUSED) hosted_die("number %d was never sent", (int)n);
    if (numbers[n].seen) hosted_die("number %d is doubled", (int)n);
    numbers[n].seen = position;
    if (strncmp(entity, "note/own", 8) == 0) {
        clients[entity[8] - '0'].version = (uint64_t)json_integer_value(json_object_get(event, "version"));
    }
    checked = position;
    json_decref(event);
}

/* The server's log, as lines, behind what was checked already. */
static void read_log(void) {
    hosted_stream stream;
    const char *end = NULL;
    if (!hosted_stream_open(&stream, &server, 0, "", "application/x-ndjson", checked, 0)) hosted_die("no log");
    while (!stream.ended) {
        size_t done = 0;
        if (hosted_stream_read(&stream, SIZE_MAX) == 0) hosted_die("the log is cut");
        while ((end = strchr(stream.text + done, '\n'))) {
            size_t size = (size_t)(end - stream.text) - done;
            see_event(stream.text + done, size);
            done += size + 1;
        }
        hosted_stream_drop(&stream, done);
    }
    assert_int_equal(stream.text_size, 0);
    hosted_stream_close(&stream);
}

static void check_number(unsigned n) {
    const number *number = &numbers[n];
    if (number->outcome == ACCEPTED && !number->seen) hosted_die("number %d was accepted and is lost", (int)n);
    if (number->outcome == ACCEPTED && number->seen != number->position) {
        hosted_die("number %d is at %d, not at %d", (int)n, (int)number->seen, (int)number->position);
    }
    if (number->outcome == REFUSED && number->seen) hosted_die("number %d was refused and is there", (int)n);
    for (unsigned i = 1; i < number->batch; i++) {
        if (!number->seen != !numbers[n + i].seen) hosted_die("the batch of number %d is there in part", (int)n);
    }
    accepted += number->outcome == ACCEPTED;
    refused += number->outcome == REFUSED;
    silent += number->outcome == SENT;
    unanswered_there += number->outcome == SENT && number->seen;
}

/* Starts the server again and holds its log against the numbers from `first` on. */
static void check_log(unsigned first) {
    if (hosted_run(&server, "verify") != 0) hosted_die("verify finds something, see %s", server.folder);
    if (hosted_run(&server, "replay") != 0) hosted_die("replay finds something, see %s", server.folder);
    hosted_start(&server);
    read_log();
    for (unsigned n = first; n < next_number; n++) check_number(n);
}

static void start_anew(const char *name) {
    char command[300];
    if (server.child) (void)hosted_end(&server, SIGTERM, STOP_SECONDS);
    snprintf(command, sizeof command, "rm -rf %s", server.folder);
    if (server.folder[0]) assert_int_equal(system(command), 0);
    free(numbers);
    numbers = NULL;
    next_number = 0;
    checked = 0;
    memset(clients, 0, sizeof clients);
    if (!name) return;
    numbers = calloc(NUMBERS_MAX, sizeof *numbers);
    assert_non_null(numbers);
    hosted_create(&server, name);
    hosted_start(&server);
    hosted_client connection;
    assert_true(hosted_connect(&connection, &server));
    numbers[0].outcome = SENT;
    next_number = 1;
    int status = hosted_append(&connection, 0, "[{\"entity\":\"note/e0\",\"type\":\"add\",\"data\":{\"n\":0}}]");
    keep_outcome(0, 1, status, &connection);
    checked = numbers[0].position - 1;
    hosted_close(&connection);
}

static int rounds(void) {
    const char *wish = getenv("ROUNDS"), *wish_seed = getenv("SEED");
    seed = wish_seed ? strtoull(wish_seed, NULL, 10) : hosted_now_ms() | 1;
    print_message("SEED=%llu\n", (unsigned long long)seed);
    accepted = refused = silent = unanswered_there = 0;
    return wish ? (int)strtol(wish, NULL, 10) : ROUNDS_DEFAULT;
}

static void wait_random(void) {
    usleep((useconds_t)(hosted_random(&seed) % (LIFE_MS_MAX * 1000)));
}

static void print_sums(int count, const char *what) {
    print_message("%d %s: %d accepted, %d refused, %d without an answer, %d of which are there\n", count, what,
                  (int)accepted, (int)refused, (int)silent, (int)unanswered_there);
}

/* ---- killed ---- */

static void what_was_answered_outlives_a_kill(void **state) {
    (void)state;
    int count = rounds();
    for (int i = 0; i < count; i++) {
        if (i % ROUNDS_A_FOLDER == 0) start_anew("serve_kill");
        unsigned first = next_number;
        start_clients();
        wait_random();
        int status = hosted_end(&server, SIGKILL, STOP_SECONDS);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        for (unsigned k = 0; k < SERVED_WRITERS; k++) pthread_join(clients[k].thread, NULL);
        check_log(first);
        if (isatty(2)) fprintf(stderr, "\rkill %d of %d", i + 1, count);
    }
    if (isatty(2)) fprintf(stderr, "\r");
    start_anew(NULL);
    print_sums(count, "kills");
    assert_true(accepted > 0 && silent > 0);
}

/* ---- told to stop ---- */

enum { LIVE = 8, SLOW = 4, HALF = 4 };

static void *follow(void *context) {
    hosted_stream *stream = context;
    while (!stream->ended && hosted_stream_read(stream, SIZE_MAX) > 0) hosted_stream_drop(stream, stream->text_size);
    return NULL;
}

/* Those whom a server that stops does not wait for: live readers, slow ones, halves of requests, who says nothing. */
typedef struct audience {
    hosted_stream live[LIVE], slow[SLOW];
    pthread_t threads[LIVE];
    hosted_client half[HALF];
} audience;

static void let_in(audience *audience) {
    static const char head[] = "POST /v1/default/events HTTP/1.1\r\nHost: x\r\nContent-";
    for (unsigned i = 0; i < LIVE; i++) {
        assert_true(
            hosted_stream_open(&audience->live[i], &server, i, i % 2 ? "?type=put" : "", "text/event-stream", 0, 0));
        assert_int_equal(pthread_create(&audience->threads[i], NULL, follow, &audience->live[i]), 0);
    }
    for (unsigned i = 0; i < SLOW; i++) {
        const char *accept = i % 2 ? "application/x-ndjson" : "text/event-stream";
        assert_true(hosted_stream_open(&audience->slow[i], &server, i, "", accept, 0, 4096));
    }
    for (unsigned i = 0; i < HALF; i++) {
        assert_true(hosted_connect(&audience->half[i], &server));
        if (i % 2) assert_int_equal(write(audience->half[i].fd, head, sizeof head - 1), sizeof head - 1);
    }
}

static void let_out(audience *audience) {
    for (unsigned i = 0; i < LIVE; i++) {
        pthread_join(audience->threads[i], NULL);
        hosted_stream_close(&audience->live[i]);
    }
    for (unsigned i = 0; i < SLOW; i++) hosted_stream_close(&audience->slow[i]);
    for (unsigned i = 0; i < HALF; i++) hosted_close(&audience->half[i]);
}

static void a_server_that_is_told_to_stop_leaves_nothing_open(void **state) {
    (void)state;
    static audience audience;
    int count = rounds();
    uint64_t longest = 0;
    for (int i = 0; i < count; i++) {
        if (i % ROUNDS_A_FOLDER == 0) start_anew("serve_stop");
        unsigned first = next_number;
        let_in(&audience);
        start_clients();
        wait_random();
        uint64_t started = hosted_now_ms();
        int status = hosted_end(&server, SIGTERM, STOP_SECONDS);
        uint64_t took = hosted_now_ms() - started;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) hosted_die("stopped with wait status %d", status);
        longest = took > longest ? took : longest;
        for (unsigned k = 0; k < SERVED_WRITERS; k++) pthread_join(clients[k].thread, NULL);
        let_out(&audience);
        check_log(first);
    }
    start_anew(NULL);
    print_sums(count, "stops");
    assert_int_equal(unanswered_there, 0);
    print_message("the longest took %d ms\n", (int)longest);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_answered_outlives_a_kill),
                                       cmocka_unit_test(a_server_that_is_told_to_stop_leaves_nothing_open)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
