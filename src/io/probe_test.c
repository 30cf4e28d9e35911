/*
 * A probe tells the status of whoever answers, and gives up in time on everybody else.
 */
#include "io/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/clock.h"

/* Takes one connection and says one thing, a byte at a time; a NULL text is a listener that never answers. */
typedef struct listener {
    int fd;
    uint16_t port;
    const char *text;
    pthread_t thread;
} listener;

static void *answer(void *context) {
    const listener *listener = context;
    char request[300];
    int fd = accept(listener->fd, NULL, NULL);
    if (fd < 0 || recv(fd, request, sizeof request, 0) <= 0) return NULL;
    for (const char *at = listener->text; *at; at++) {
        if (send(fd, at, 1, MSG_NOSIGNAL) != 1) break;
    }
    close(fd);
    return NULL;
}

static void begin(listener *listener, const char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    listener->text = text;
    listener->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener->fd, 5), 0);
    assert_int_equal(getsockname(listener->fd, (struct sockaddr *)&address, &size), 0);
    listener->port = ntohs(address.sin_port);
    if (text) assert_int_equal(pthread_create(&listener->thread, NULL, answer, listener), 0);
}

static void end(listener *listener) {
    if (listener->text) pthread_join(listener->thread, NULL);
    close(listener->fd);
}

static rk_status probe_of(const char *text, unsigned *status_out, rk_error *error) {
    listener listener;
    begin(&listener, text);
    rk_status status = rk_probe("127.0.0.1", listener.port, "/ready", 1, status_out, error);
    end(&listener);
    return status;
}

static void test_it_tells_the_status(void **state) {
    unsigned status = 0;
    (void)state;
    assert_int_equal(probe_of("HTTP/1.1 200 OK\r\n\r\n", &status, NULL), RK_OK);
    assert_int_equal(status, 200);
    assert_int_equal(probe_of("HTTP/1.0 503 Service Unavailable\r\n\r\n", &status, NULL), RK_OK);
    assert_int_equal(status, 503);
}

static void test_what_is_no_http_is_refused(void **state) {
    static const char *const texts[] = {"", "HTTP/1.1 2", "SSH-2.0-OpenSSH_9.2p1\r\n", "HTTP/1.1 2x0 OK\r\n",
                                        "HTTP/1.1\t200 OK\r\n"};
    unsigned status = 7;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(probe_of(texts[i], &status, NULL), RK_IO);
        assert_int_equal(status, 0);
    }
}

static void test_silence_ends_in_time(void **state) {
    rk_error error = {.code = RK_OK};
    unsigned status = 0;
    uint64_t before_us = rk_clock_steady_us();
    (void)state;
    assert_int_equal(probe_of(NULL, &status, &error), RK_IO);
    assert_non_null(strstr(error.what, "in time"));
    assert_in_range(rk_clock_steady_us() - before_us, 900000, 10000000);
}

static void test_nobody_listens(void **state) {
    listener listener;
    unsigned status = 0;
    (void)state;
    begin(&listener, NULL);
    end(&listener);
    assert_int_equal(rk_probe("127.0.0.1", listener.port, "/ready", 1, &status, NULL), RK_IO);
}

static void test_names_and_long_paths_are_refused(void **state) {
    char path[1000];
    unsigned status = 0;
    listener listener;
    (void)state;
    assert_int_equal(rk_probe("example", 80, "/", 1, &status, NULL), RK_USAGE);
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = 0;
    begin(&listener, NULL);
    assert_int_equal(rk_probe("127.0.0.1", listener.port, path, 1, &status, NULL), RK_LIMIT);
    end(&listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_tells_the_status),
        cmocka_unit_test(test_what_is_no_http_is_refused),
        cmocka_unit_test(test_silence_ends_in_time),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_names_and_long_paths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
