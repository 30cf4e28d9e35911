/*
 * Readers that take their answers slowly, or not at all, lose their connections.
 *
 * Strategy: a server whose connections may be silent for a second (REAKTOR_IDLE_SECONDS), a page of events that is far
 * larger than what sockets hold, and a client that takes a kilobyte now and then, or nothing.
 *
 * Invariants
 *   (1) The server closes the connection: its number of open files is again what it was. How soon is not judged.
 *   (2) Whoever takes the same page without pause gets it whole, and a live stream has no such end.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "door/http/server.h"
#include "serve_child_testing.h"

enum { EVENTS = 250, EVENT_SIZE = 60000, WAIT_MS = 60000 };

static const char page[] = "?limit=1000";
static hosted server;
static size_t before; /* files that it has open while nobody is there */

static size_t files_of_server(void) {
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)server.child);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

/* False when it does not come to that. */
static bool files_come_down_to(size_t wanted) {
    for (size_t ms = 0; ms < WAIT_MS; ms += 20) {
        if (files_of_server() <= wanted) return true;
        usleep(20000);
    }
    return false;
}

static int fill_log(void **state) {
    (void)state;
    static char events[EVENT_SIZE + 200], text[EVENT_SIZE + 1];
    hosted_client client;
    memset(text, 'x', EVENT_SIZE);
    assert_true(hosted_connect(&client, &server));
    for (int i = 0; i < EVENTS; i++) {
        snprintf(events, sizeof events,
                 "[{\"entity\":\"note/n%d\",\"type\":\"put\",\"data\":{\"n\":%d,\"text\":\"%s\"}}]", i, i, text);
        assert_int_equal(hosted_append(&client, 0, events), 201);
    }
    hosted_close(&client);
    usleep(3000000); /* longer than a connection may be silent */
    before = files_of_server();
    return 0;
}

static hosted_stream open_page(const char *accept, int receive_size) {
    hosted_stream stream;
    assert_true(hosted_stream_open(&stream, &server, 0, page, accept, 0, receive_size));
    return stream;
}

static void whoever_takes_it_gets_the_whole_page(void **state) {
    (void)state;
    static char bytes[1 << 16];
    hosted_stream stream = open_page("application/json", 0);
    for (size_t all = 0; all < (size_t)EVENTS * EVENT_SIZE;) {
        ssize_t got = read(stream.fd, bytes, sizeof bytes);
        assert_true(got > 0);
        all += (size_t)got;
    }
    hosted_stream_close(&stream);
}

static void who_takes_nothing_is_let_go(void **state) {
    (void)state;
    hosted_stream stream = open_page("application/json", 4096);
    assert_true(files_come_down_to(before));
    hosted_stream_close(&stream);
}

/* Each kilobyte is a sign of life, and the page would take many minutes. */
static void who_takes_a_kilobyte_at_a_time_is_let_go(void **state) {
    (void)state;
    hosted_stream stream = open_page("application/json", 4096);
    size_t turns = 0;
    for (; turns < WAIT_MS / 20 && (turns < 100 || files_of_server() > before); turns++) {
        char bytes[1024];
        assert_true(read(stream.fd, bytes, sizeof bytes) > 0);
        usleep(20000);
    }
    assert_true(files_of_server() <= before);
    hosted_stream_close(&stream);
}

/* The same reader of a live stream: it is slow, but no answer waits to be done. */
static void a_stream_may_be_taken_slowly(void **state) {
    (void)state;
    hosted_stream stream = open_page("text/event-stream", 4096);
    size_t all = 0;
    for (int ms = 0; ms < 13000; ms += 20) { /* longer than an answer has: RK_SERVER_ANSWER_IDLES */
        char bytes[1024];
        ssize_t got = read(stream.fd, bytes, sizeof bytes);
        assert_true(got > 0);
        all += (size_t)got;
        usleep(20000);
    }
    assert_true(all > 100000);
    hosted_stream_close(&stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_takes_it_gets_the_whole_page),
        cmocka_unit_test(who_takes_nothing_is_let_go),
        cmocka_unit_test(who_takes_a_kilobyte_at_a_time_is_let_go),
        cmocka_unit_test(a_stream_may_be_taken_slowly),
    };
    setenv("REAKTOR_IDLE_SECONDS", "1", 1);
    hosted_create(&server, "serve_slow_test");
    hosted_start(&server);
    int failed = cmocka_run_group_tests(tests, fill_log, NULL);
    return failed + (hosted_end(&server, 15, 60) != 0);
}
