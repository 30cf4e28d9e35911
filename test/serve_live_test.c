/*
 * Live readers of the server: each event once, in order, whatever happens to their connections.
 *
 * Strategy: eight writers append EVENTS (2,000) events, single ones and batches, over bare sockets, noting the position
 * that each was answered with. Meanwhile readers follow: each closes its connection at a random byte and resumes it
 * with the `id` of its last whole frame, until it has been closed KILLS times and has seen all; who is done too early
 * begins again at the beginning. SEED has a run again.
 *
 * Invariants
 *   (1) A reader sees each event that it wants once, in the order of positions, as it was written.
 *   (2) The first frame of a connection is from where the reader said, every other one from where the last one ended.
 *   (3) Lines end with a last chunk only when they are whole.
 *   (4) Readers who do not read cost the server little, and do not hold up others; they are told.
 *   (5) A stream that the server ends says why.
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

enum { EVENTS_DEFAULT = 2000, KILLS = 100, ENTITIES = 20, BATCH = 5 };

/* An event as it was answered, at its position. */
typedef struct note {
    bool written;
    unsigned entity;
    unsigned writer;
    bool put;
    long long n;
} note;

static hosted server;
static note *notes;
static uint64_t events_max, first_position, last_position; /* of the notes: first < position <= last */
static bool written;                                       /* all of them */
static uint64_t seed;

static uint64_t events_wished(void) {
    const char *wish = getenv("EVENTS");
    return wish ? strtoull(wish, NULL, 10) : EVENTS_DEFAULT;
}

/* ---- writers ---- */

typedef struct writer {
    pthread_t thread;
    unsigned number;
    uint64_t events;
} writer;

static note make_note(const writer *writer, uint64_t number) {
    return (note){.written = true,
                  .entity = (unsigned)((number * 7 + writer->number) % ENTITIES),
                  .writer = writer->number,
                  .put = number % 3 == 0,
                  .n = (long long)(number * SERVED_WRITERS + writer->number)};
}

static void keep_positions(const char *body, const note *written, size_t count) {
    json_t *answer = json_loads(body, 0, NULL), *list = json_object_get(answer, "events");
    if (json_array_size(list) != count) hosted_die("an answer with other events: %s", body);
    for (size_t i = 0; i < count; i++) {
        json_int_t position = json_integer_value(json_object_get(json_array_get(list, i), "position"));
        if (position <= (json_int_t)first_position || (uint64_t)position > first_position + events_max) {
            hosted_die("position %lld is out of range", (long long)position);
        }
        if (notes[position].written) hosted_die("position %lld was answered twice", (long long)position);
        notes[position] = written[i];
    }
    json_decref(answer);
}

static void *write_events(void *context) {
    writer *writer = context;
    hosted_client client;
    char text[BATCH * 200];
    if (!hosted_connect(&client, &server)) hosted_die("a writer is not let in");
    for (uint64_t done = 0; done < writer->events;) {
        note batch[BATCH];
        size_t count = done % 4 == 0 && done + BATCH <= writer->events ? BATCH : 1, size = 0;
        for (size_t i = 0; i < count; i++) {
            batch[i] = make_note(writer, done + i);
            size += (size_t)snprintf(text + size, sizeof text - size,
                                     "%s{\"entity\":\"note/e%u\",\"type\":\"%s\",\"data\":{\"n\":%lld}}", i ? "," : "[",
                                     batch[i].entity, batch[i].put ? "put" : "add", batch[i].n);
        }
        snprintf(text + size, sizeof text - size, "]");
        int status = hosted_append(&client, writer->number, text);
        if (status != 201) hosted_die("an append is answered with %d", status);
        keep_positions(client.body, batch, count);
        done += count;
    }
    hosted_close(&client);
    return NULL;
}

/* ---- readers ---- */

typedef struct reader {
    pthread_t thread;
    const char *query;
    bool lines;  /* NDJSON, which ends at the end of the log */
    int entity;  /* -1: all */
    int put;     /* -1: both types */
    int writer;  /* -1: all */
    uint64_t at; /* the `to` of the last frame, or the position of the last line */
    uint64_t last;
    uint64_t seed;
    size_t kills;
    bool *seen;
    bool told_slow, told_end;
} reader;

static bool wants(const reader *reader, const note *note) {
    return (reader->entity < 0 || note->entity == (unsigned)reader->entity) &&
           (reader->put < 0 || note->put == (bool)reader->put) &&
           (reader->writer < 0 || note->writer == (unsigned)reader->writer);
}

static void see_event(reader *reader, json_t *event) {
    uint64_t position = (uint64_t)json_integer_value(json_object_get(event, "position"));
    const char *entity = json_string_value(json_object_get(event, "entity"));
    const char *type = json_string_value(json_object_get(event, "type"));
    const char *actor = json_string_value(json_object_get(event, "actor"));
    long long n = json_integer_value(json_object_get(json_object_get(event, "data"), "n"));
    if (!entity || !type || !actor) hosted_die("an event without its parts");
    if (position <= reader->last) hosted_die("position %d after %d", (int)position, (int)reader->last);
    if (position > first_position + events_max) hosted_die("position %d is out of range", (int)position);
    if (reader->seen[position]) hosted_die("position %d is seen twice", (int)position);
    reader->seen[position] = true;
    reader->last = position;
    note note = {.entity = (unsigned)strtoul(entity + strlen("note/e"), NULL, 10),
                 .writer = (unsigned)strtoul(actor + 1, NULL, 10),
                 .put = strcmp(type, "put") == 0,
                 .n = n};
    if (!wants(reader, &note))
        hosted_die("%s %s of %s does not pass the filter %s", type, entity, actor, reader->query);
    if ((uint64_t)n % SERVED_WRITERS != note.writer) hosted_die("position %d is %s's", (int)position, actor);
}

static json_t *parse(const char *text, size_t size) {
    json_t *value = json_loadb(text, size, 0, NULL);
    if (!value) hosted_die("no JSON: %.*s", (int)size, text);
    return value;
}

/* What the server says of the stream itself stands where the reader stands. */
static void see_notice(reader *reader, const char *text, size_t size, bool *told) {
    const char *data = strstr(text, "\ndata: ") + strlen("\ndata: ");
    json_t *notice = parse(data, size - (size_t)(data - text));
    if ((uint64_t)json_integer_value(json_object_get(notice, "from")) != reader->at ||
        (uint64_t)json_integer_value(json_object_get(notice, "to")) != reader->at) {
        hosted_die("at %d it is told: %.*s", (int)reader->at, (int)size, text);
    }
    json_decref(notice);
    *told = true;
}

/* A whole frame, from "id: " to its end. */
static void see_frame(reader *reader, const char *text, size_t size) {
    static const char before[] = "\nevent: events\ndata: ";
    char *end = NULL;
    if (size > 2 && text[0] == ':') return; /* a sign of life */
    if (strncmp(text, "event: slow\n", 12) == 0) return see_notice(reader, text, size, &reader->told_slow);
    if (strncmp(text, "event: end\n", 11) == 0) return see_notice(reader, text, size, &reader->told_end);
    if (strncmp(text, "id: ", 4) != 0) hosted_die("no frame: %.*s", (int)size, text);
    uint64_t id = strtoull(text + 4, &end, 10);
    if (strncmp(end, before, strlen(before)) != 0) hosted_die("no frame: %.*s", (int)size, text);
    end += strlen(before);
    json_t *data = parse(end, size - (size_t)(end - text));
    uint64_t from = (uint64_t)json_integer_value(json_object_get(data, "from"));
    uint64_t to = (uint64_t)json_integer_value(json_object_get(data, "to"));
    json_t *list = json_object_get(data, "events"), *event = NULL;
    size_t index = 0;
    if (from != reader->at) hosted_die("a frame from %d, where %d was the end", (int)from, (int)reader->at);
    if (to != id || to <= from) hosted_die("frame %d is from %d to %d", (int)id, (int)from, (int)to);
    json_array_foreach(list, index, event) see_event(reader, event);
    if (reader->last > to) hosted_die("position %d in a frame to %d", (int)reader->last, (int)to);
    json_decref(data);
    reader->at = to;
}

static void see_line(reader *reader, const char *text, size_t size) {
    json_t *event = parse(text, size);
    see_event(reader, event);
    json_decref(event);
    reader->at = reader->last;
}

/* Takes what is whole; how many frames or lines. */
static size_t see_whole(reader *reader, hosted_stream *stream) {
    size_t count = 0, done = 0;
    const char *mark = reader->lines ? "\n" : "\n\n", *end = NULL;
    while ((end = strstr(stream->text + done, mark))) {
        size_t size = (size_t)(end - stream->text) - done;
        if (reader->lines) {
            see_line(reader, stream->text + done, size);
        } else {
            see_frame(reader, stream->text + done, size);
        }
        done += size + strlen(mark);
        count++;
    }
    hosted_stream_drop(stream, done);
    return count;
}

/* All that this reader wants; frames of nothing bring `at` to the end, lines do not. */
static bool has_all(const reader *reader) {
    uint64_t last = last_position;
    if (reader->lines && !__atomic_load_n(&written, __ATOMIC_ACQUIRE)) return false;
    while (reader->lines && last > first_position && !wants(reader, &notes[last])) last--;
    return reader->at >= last;
}

/* One connection, closed after a random number of bytes: sometimes before a frame is whole, else after one or more. */
static void read_once(reader *reader) {
    hosted_stream stream;
    bool early = hosted_random(&reader->seed) % 2, whole = false;
    size_t budget = hosted_random(&reader->seed) % (early ? 6000 : 3000);
    const char *accept = reader->lines ? "application/x-ndjson" : "text/event-stream";
    if (!hosted_stream_open(&stream, &server, 0, reader->query, accept, reader->at, 0))
        hosted_die("a reader is not let in");
    while (!has_all(reader) && !stream.ended) {
        bool counts = early || whole;
        size_t got = hosted_stream_read(&stream, counts ? budget + 1 : SIZE_MAX);
        if (got == 0) hosted_die("the server has closed a stream");
        whole |= see_whole(reader, &stream) > 0;
        if (counts && got > budget) break;
        if (counts) budget -= got;
    }
    if (stream.ended && (!reader->lines || stream.text_size > 0)) hosted_die("a stream ends too early");
    reader->kills += !stream.ended;
    hosted_stream_close(&stream);
}

static void check_seen(const reader *reader) {
    while (!__atomic_load_n(&written, __ATOMIC_ACQUIRE)) usleep(1000);
    for (uint64_t i = first_position + 1; i <= last_position; i++) {
        bool wanted = wants(reader, &notes[i]);
        if (wanted != reader->seen[i]) {
            hosted_die("%s: position %d is %s", reader->query, (int)i, wanted ? "missing" : "too much");
        }
    }
}

static void *read_events(void *context) {
    reader *reader = context;
    reader->seen = calloc(first_position + events_max + 1, sizeof *reader->seen);
    do {
        memset(reader->seen, 0, first_position + events_max + 1);
        reader->at = reader->last = first_position;
        while (!has_all(reader)) read_once(reader);
        check_seen(reader);
    } while (reader->kills < KILLS);
    free(reader->seen);
    return NULL;
}

/* ---- all at once ---- */

/* The position of an event that is appended now. */
static uint64_t append_one(void) {
    hosted_client client;
    if (!hosted_connect(&client, &server)) hosted_die("a writer is not let in");
    int status = hosted_append(&client, 0, "[{\"entity\":\"note/first\",\"type\":\"add\",\"data\":{\"n\":0}}]");
    if (status != 201) hosted_die("an append is answered with %d", status);
    const char *text = strstr(client.body, "\"position\":");
    uint64_t position = text ? strtoull(text + strlen("\"position\":"), NULL, 10) : 0;
    hosted_close(&client);
    return position;
}

static void start_server(void) {
    const char *wish = getenv("SEED");
    seed = wish ? strtoull(wish, NULL, 10) : hosted_now_ms() | 1;
    hosted_create(&server, "serve_live");
    hosted_start(&server);
    events_max = events_wished() / SERVED_WRITERS * SERVED_WRITERS;
    written = false;
    first_position = append_one();
    last_position = first_position + events_max;
    notes = calloc(first_position + events_max + 1, sizeof *notes);
}

static void end_server(void) {
    char command[300];
    int status = hosted_end(&server, SIGTERM, 10);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(hosted_run(&server, "verify"), 0);
    snprintf(command, sizeof command, "rm -rf %s", server.folder);
    assert_int_equal(system(command), 0);
    free(notes);
}

static void readers_that_come_again_see_each_event_once(void **state) {
    (void)state;
    writer writers[SERVED_WRITERS] = {{.number = 0}};
    reader readers[] = {
        {.query = "", .entity = -1, .put = -1, .writer = -1},
        {.query = "?entity=note/e3", .entity = 3, .put = -1, .writer = -1},
        {.query = "?type=put", .entity = -1, .put = 1, .writer = -1},
        {.query = "?actor=w2", .entity = -1, .put = -1, .writer = 2},
        {.query = "?type=add&actor=w5", .entity = -1, .put = 0, .writer = 5},
        {.query = "?where=event.type=='put'%26%26data.n%258==3%26%26entity.name!='note/first'",
         .entity = -1,
         .put = 1,
         .writer = 3},
        {.query = "", .lines = true, .entity = -1, .put = -1, .writer = -1},
        {.query = "?entity=note/e7", .lines = true, .entity = 7, .put = -1, .writer = -1},
        {.query = "?type=put&actor=w1", .lines = true, .entity = -1, .put = 1, .writer = 1},
        {.query = "?where=event.actor%2bentity.id=='w6e2'", .lines = true, .entity = 2, .put = -1, .writer = 6}};
    enum { READERS = sizeof readers / sizeof *readers };
    start_server();
    print_message("SEED=%llu\n", (unsigned long long)seed);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i].seed = seed + i + 1;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_events, &readers[i]), 0);
    }
    uint64_t started = hosted_now_ms();
    for (unsigned i = 0; i < SERVED_WRITERS; i++) {
        writers[i] = (writer){.number = i, .events = events_max / SERVED_WRITERS};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_events, &writers[i]), 0);
    }
    for (unsigned i = 0; i < SERVED_WRITERS; i++) pthread_join(writers[i].thread, NULL);
    print_message("%d events in %d ms\n", (int)events_max, (int)(hosted_now_ms() - started));
    for (uint64_t i = 1; i <= events_max; i++) assert_true(notes[first_position + i].written);
    __atomic_store_n(&written, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < READERS; i++) pthread_join(readers[i].thread, NULL);
    for (unsigned i = 0; i < READERS; i++) {
        print_message("%s%s: closed %d times\n", readers[i].lines ? "lines " : "live ", readers[i].query,
                      (int)readers[i].kills);
    }
    end_server();
}

/* ---- readers who do not read ---- */

enum { SLOW = 60, LARGE_EVENTS = 300, LARGE_SIZE = 60000, MEMORY_EACH = 1 << 20 };

static void append_large(hosted_client *client, char *text, const char *entity, int n) {
    static const char end[] = "\"}}]";
    int size = snprintf(text, LARGE_SIZE, "[{\"entity\":\"note/%s\",\"type\":\"put\",\"data\":{\"n\":%d,\"text\":\"",
                        entity, n);
    memset(text + size, 'x', LARGE_SIZE);
    memcpy(text + size + LARGE_SIZE, end, sizeof end);
    int status = hosted_append(client, 0, text);
    if (status != 201) hosted_die("an append is answered with %d", status);
}

static void slow_readers_cost_little_and_hold_up_nobody(void **state) {
    (void)state;
    static hosted_stream slow[SLOW];
    static char text[LARGE_SIZE + 200];
    hosted_client client;
    reader quick = {.query = "", .entity = -1, .put = -1, .writer = -1, .seed = 1};
    start_server();
    assert_true(hosted_connect(&client, &server));
    for (int i = 0; i < LARGE_EVENTS / 2; i++) append_large(&client, text, "large", 0);
    size_t before = hosted_memory(&server);
    for (unsigned i = 0; i < SLOW; i++) {
        const char *accept = i % 2 ? "application/x-ndjson" : "text/event-stream";
        assert_true(hosted_stream_open(&slow[i], &server, 1, "", accept, 0, 4096));
        assert_true(hosted_stream_read(&slow[i], 100) > 0);
    }
    uint64_t started = hosted_now_ms();
    for (int i = LARGE_EVENTS / 2; i < LARGE_EVENTS; i++) {
        append_large(&client, text, "large", 0);
        for (unsigned j = 0; j < SLOW; j++) (void)hosted_stream_read(&slow[j], 1);
    }
    size_t after = hosted_memory(&server);
    print_message("%d appends in %d ms beside %d slow readers, for %d KiB each\n", LARGE_EVENTS / 2,
                  (int)(hosted_now_ms() - started), SLOW, after > before ? (int)((after - before) / SLOW >> 10) : 0);
    quick.seen = calloc(first_position + events_max + 1, sizeof *quick.seen);
    quick.at = quick.last = first_position;
    hosted_stream stream;
    assert_true(hosted_stream_open(&stream, &server, 1, "?actor=w0&type=put", "text/event-stream", quick.at, 0));
    while (quick.at < first_position + LARGE_EVENTS) {
        assert_true(hosted_stream_read(&stream, SIZE_MAX) > 0);
        see_whole(&quick, &stream);
    }
    hosted_stream_close(&stream);
    assert_true(after < before + (size_t)SLOW * MEMORY_EACH);
    for (unsigned i = 0; i < SLOW; i++) hosted_stream_close(&slow[i]);
    hosted_close(&client);
    free(quick.seen);
    end_server();
}

enum { SLOW_SECONDS = 6 }; /* more than RK_SERVER_SLOW_MS */

static void who_is_slow_and_who_is_cut_off_is_told(void **state) {
    (void)state;
    static char text[LARGE_SIZE + 200];
    hosted_client client;
    hosted_stream stream;
    reader reader = {.query = "", .entity = -1, .put = -1, .writer = -1};
    start_server();
    assert_true(hosted_connect(&client, &server));
    for (int i = 0; i < LARGE_EVENTS; i++) append_large(&client, text, "large", 0);
    reader.seen = calloc(first_position + events_max + 1, sizeof *reader.seen);
    reader.at = reader.last = first_position;
    assert_true(hosted_stream_open(&stream, &server, 1, "?actor=w0&type=put", "text/event-stream", reader.at, 4096));
    assert_true(hosted_stream_read(&stream, 100) > 0);
    sleep(SLOW_SECONDS);
    while (reader.at < first_position + LARGE_EVENTS) {
        assert_true(hosted_stream_read(&stream, SIZE_MAX) > 0);
        see_whole(&reader, &stream);
    }
    assert_true(reader.told_slow);
    assert_false(reader.told_end);
    for (uint64_t i = 1; i <= LARGE_EVENTS; i++) assert_true(reader.seen[first_position + i]);
    hosted_close(&client);
    end_server();
    while (!stream.ended && hosted_stream_read(&stream, SIZE_MAX) > 0) see_whole(&reader, &stream);
    assert_true(stream.ended);
    see_whole(&reader, &stream);
    assert_true(reader.told_end);
    hosted_stream_close(&stream);
    free(reader.seen);
}

enum { BURST = 10000 }; /* RK_SERVER_LAG_MAX */

static void who_falls_far_behind_is_told(void **state) {
    (void)state;
    static char text[BURST * 80];
    size_t size = 0;
    hosted_client client;
    hosted_stream stream;
    reader reader = {.query = "?type=none", .entity = -1, .put = -1, .writer = -1};
    start_server();
    assert_true(hosted_connect(&client, &server));
    reader.at = first_position;
    assert_true(hosted_stream_open(&stream, &server, 1, reader.query, "text/event-stream", reader.at, 0));
    assert_true(hosted_stream_read(&stream, 100) > 0);
    for (unsigned i = 0; i < BURST; i++) {
        size +=
            (size_t)snprintf(text + size, sizeof text - size,
                             "%s{\"entity\":\"note/burst\",\"type\":\"add\",\"data\":{\"n\":%u}}", i ? "," : "[", i);
    }
    snprintf(text + size, sizeof text - size, "]");
    /* One event is nothing to speak of, ten thousand at once are. */
    assert_int_equal(append_one(), first_position + 1);
    while (reader.at < first_position + 1) {
        assert_true(hosted_stream_read(&stream, SIZE_MAX) > 0);
        see_whole(&reader, &stream);
    }
    assert_false(reader.told_slow);
    int status = hosted_append(&client, 0, text);
    assert_int_equal(status, 201);
    while (reader.at < first_position + 1 + BURST) {
        assert_true(hosted_stream_read(&stream, SIZE_MAX) > 0);
        see_whole(&reader, &stream);
    }
    assert_true(reader.told_slow);
    hosted_stream_close(&stream);
    hosted_close(&client);
    end_server();
}

/* Drops all that comes, until the end or the cut. */
static void drain(hosted_stream *stream) {
    while (!stream->ended && hosted_stream_read(stream, SIZE_MAX) > 0) hosted_stream_drop(stream, stream->text_size);
}

static void lines_that_cannot_go_on_are_cut(void **state) {
    (void)state;
    static char text[LARGE_SIZE + 200];
    hosted_client client;
    hosted_stream hidden, stopped;
    start_server();
    assert_true(hosted_connect(&client, &server));
    for (int i = 0; i < 2 * LARGE_EVENTS; i++) append_large(&client, text, i % 2 ? "large" : "other", 0);
    assert_true(hosted_stream_open(&hidden, &server, 1, "?entity=note/large", "application/x-ndjson", 0, 4096));
    assert_true(hosted_stream_open(&stopped, &server, 1, "", "application/x-ndjson", 0, 4096));
    assert_true(hosted_stream_read(&hidden, 100) > 0 && hosted_stream_read(&stopped, 100) > 0);
    append_large(&client, text, "large", -1);
    drain(&hidden);
    assert_false(hidden.ended);
    hosted_stream_close(&hidden);
    hosted_close(&client);
    end_server();
    drain(&stopped);
    assert_false(stopped.ended);
    hosted_stream_close(&stopped);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(readers_that_come_again_see_each_event_once),
                                       cmocka_unit_test(slow_readers_cost_little_and_hold_up_nobody),
                                       cmocka_unit_test(who_is_slow_and_who_is_cut_off_is_told),
                                       cmocka_unit_test(who_falls_far_behind_is_told),
                                       cmocka_unit_test(lines_that_cannot_go_on_are_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
