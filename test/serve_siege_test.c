/*
 * The server under attack: what no client sends, what a client must not send, and too much of everything.
 *
 * Strategy: a server in a process of its own, raw bytes into its sockets, and after each case another client that is
 * served. CONNECTIONS (as many as the files of both processes allow, 500 at most) says how many idle connections there
 * are at a time.
 *
 * Invariants
 *   (1) Each answer is a refusal (4xx) or a closed connection, except where the bytes are a request after all. Never
 *       5xx, but 505 for a version of HTTP that there is not, and 503 when bodies take all that they may.
 *   (2) Others are served meanwhile.
 *   (3) The server's memory stays below MEMORY_MAX, and it ends well.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "door/http/server.h"
#include "serve_testing.h"

enum {
    MEMORY_MAX = 1500 << 10, /* kilobytes, with the sanitizer's own */
    TEXT_MAX = 20 << 20,
    CONNECTIONS_DEFAULT = 500,
    HALVES = 50,
};

static served server;
static char *text; /* TEXT_MAX bytes to build requests in */

static void others_are_served(void) {
    static const char request[] = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    served_answer answer = served_ask(&server, request, sizeof request - 1);
    assert_int_equal(answer.status, 200);
    free(answer.text);
}

static bool is_refusal(const served_answer *answer, const char *name) {
    char type[64];
    if (answer->status == 0 && !answer->late) return true;
    if (answer->status >= 400 && answer->status < 500) {
        bool ours = served_header(answer, "X-Request-Id", type, sizeof type);
        if (!ours) return true; /* the library's own */
        if (served_header(answer, "Content-Type", type, sizeof type) && strcmp(type, "application/problem+json") == 0) {
            return true;
        }
    }
    fprintf(stderr, "%s: %d%s %s\n", name, answer->status, answer->late ? " (nothing came)" : "", answer->body);
    return false;
}

/* ---- requests that are none ---- */

typedef struct hostile {
    const char *name;
    const char *bytes;
    size_t size;
    int wanted; /* 0: any refusal */
} hostile;

#define RAW(bytes) bytes, sizeof(bytes) - 1
#define STATE      "GET /v1/default/state/profile/"
#define REST       " HTTP/1.1\r\nHost: x\r\n@\r\n" /* @ stands for the token's header */
#define POST       "POST /v1/default/events HTTP/1.1\r\nHost: x\r\n@"

static const hostile hostiles[] = {
    {"no host", RAW("GET /health HTTP/1.1\r\n\r\n"), 400},
    {"no such path", RAW("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"), 404},
    {"a path without a slash", RAW("GET xhealth HTTP/1.1\r\nHost: x\r\n\r\n"), 404},
    {"a slash too many", RAW("GET /health/ HTTP/1.1\r\nHost: x\r\n\r\n"), 404},
    {"two at the beginning", RAW("GET //health HTTP/1.1\r\nHost: x\r\n\r\n"), 404},
    {"a path that climbs", RAW("GET /v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"), 404},
    {"an account that climbs", RAW("GET /v1/%2e%2e%2f%2e%2e HTTP/1.1\r\nHost: x\r\n@\r\n"), 403},
    {"percent-encoding that is none", RAW(STATE "%zz" REST), 400},
    {"percent-encoding that is cut", RAW(STATE "a%2" REST), 400},
    {"an encoded byte 0", RAW(STATE "a%00b" REST), 400},
    {"encoded bytes that are no UTF-8", RAW(STATE "%ff%fe" REST), 400},
    {"bytes that are no UTF-8", RAW(STATE "\xff\xfe" REST), 400},
    {"a query that is no UTF-8", RAW("GET /v1/default/query/profile?where=%c3" REST), 400},
    {"a query without a name", RAW("GET /v1/default/query/profile?=1" REST), 400},
    {"a query of ampersands", RAW("GET /health?&&&&=&" REST), 0},
    {"a byte 0 in the path", RAW("GET /hea\0lth HTTP/1.1\r\nHost: x\r\n\r\n"), 0},
    {"a byte 0 behind the path", RAW("GET /health\0x HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
    {"a byte 0 behind a query", RAW("GET /health?a\0x HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
    {"a byte 0 in the method", RAW("GE\0T /health HTTP/1.1\r\nHost: x\r\n\r\n"), 0},
    {"bytes 0 alone", RAW("\0\0\0\0\0\0\0\0\r\n\r\n"), 0},
    {"an absolute target elsewhere", RAW("GET ftp://x/health HTTP/1.1\r\nHost: x\r\n\r\n"), 404},
    {"an absolute target without a path", RAW("GET http://x HTTP/1.1\r\nHost: x\r\n\r\n"), 404},
    {"an asterisk", RAW("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 404},
    {"an authority", RAW("CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n"), 404},
    {"a method that is none", RAW("BREW /health HTTP/1.1\r\nHost: x\r\n\r\n"), 405},
    {"a method in small letters", RAW("get /health HTTP/1.1\r\nHost: x\r\n\r\n"), 405},
    {"TRACE", RAW("TRACE /health HTTP/1.1\r\nHost: x\r\n\r\n"), 405},
    {"HTTP 0.9", RAW("GET /health\r\n\r\n"), 0},
    {"no HTTP at all", RAW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 0},
    {"a header without a colon", RAW("GET /health HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n"), 0},
    {"a length that is none", RAW(POST "Content-Length: abc\r\n\r\nabc"), 400},
    {"a negative length", RAW(POST "Content-Length: -1\r\n\r\nabc"), 400},
    {"a length of 2^64", RAW(POST "Content-Length: 18446744073709551616\r\n\r\nabc"), 413},
    {"a gigabyte, it says", RAW(POST "Content-Length: 1073741824\r\n\r\n{\"events\":["), 413},
    {"one byte too many, it says", RAW(POST "Content-Length: 16777217\r\n\r\n{"), 413},
    {"a chunk that is none", RAW(POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n"), 0},
    {"a chunk of 2^64", RAW(POST "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 0},
    {"no body", RAW(POST "\r\n"), 400},
    {"an empty body", RAW(POST "Content-Length: 0\r\n\r\n"), 400},
    {"a length past the first of two", RAW(POST "Content-Length: 2\r\n\r\n{}GARBAGE"), 400},
    {"a body of another coding", RAW(POST "Transfer-Encoding: gzip\r\n\r\n{}"), 400},
    {"a coding and a length", RAW(POST "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"), 400},
    {"two lengths", RAW(POST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "), 400},
    {"two lengths that agree", RAW(POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"), 400},
    {"no token", RAW("GET /v1/default HTTP/1.1\r\nHost: x\r\n\r\n"), 401},
    {"a token that is no UTF-8", RAW("GET /v1/default HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"),
     401},
    {"a token of dots", RAW("GET /v1/default HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ....\r\n\r\n"), 401},
};

/* Puts the token's header where there is an @. */
static size_t with_token(const char *bytes, size_t size, char *out) {
    const char *at = memchr(bytes, '@', size);
    size_t before = at ? (size_t)(at - bytes) : size, all = before;
    memcpy(out, bytes, before);
    if (!at) return all;
    all += (size_t)snprintf(out + before, 4096, "Authorization: Bearer %s\r\n", server.token);
    memcpy(out + all, at + 1, size - before - 1);
    return all + size - before - 1;
}

static void requests_that_are_none_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostiles / sizeof *hostiles; i++) {
        int fd = served_connect(&server);
        (void)served_send(fd, text, with_token(hostiles[i].bytes, hostiles[i].size, text));
        usleep(20000); /* libmicrohttpd misses an end that comes with the bytes, until the connection was idle */
        shutdown(fd, SHUT_WR); /* nothing more comes, so that the server does not wait for it */
        served_answer answer = served_read(fd, false);
        close(fd);
        assert_true(is_refusal(&answer, hostiles[i].name));
        if (hostiles[i].wanted && answer.status != hostiles[i].wanted) {
            fail_msg("%s: %d, not %d", hostiles[i].name, answer.status, hostiles[i].wanted);
        }
        free(answer.text);
        others_are_served();
    }
}

static void a_version_that_there_is_not_is_refused(void **state) {
    (void)state;
    static const char request[] = "GET /health HTTP/9.9\r\nHost: x\r\n\r\n";
    served_answer answer = served_ask(&server, request, sizeof request - 1);
    assert_true(answer.status == 505 || answer.status == 400 || answer.status == 0);
    free(answer.text);
}

static void an_absolute_target_is_its_path(void **state) {
    (void)state;
    static const char request[] = "GET http://127.0.0.1/health HTTP/1.1\r\nHost: x\r\n\r\n";
    served_answer answer = served_ask(&server, request, sizeof request - 1);
    assert_int_equal(answer.status, 200);
    free(answer.text);
}

/* ---- methods ---- */

static void refused_methods_name_the_others(void **state) {
    (void)state;
    static const struct {
        const char *request, *allow;
    } cases[] = {
        {"OPTIONS /health HTTP/1.1\r\nHost: x\r\n\r\n", "GET, HEAD"},
        {"PUT /v1/default/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", "POST, GET, HEAD"},
        {"DELETE /v1/default/modules/check HTTP/1.1\r\nHost: x\r\n\r\n", "GET, HEAD, POST"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char allow[100] = "";
        served_answer answer = served_ask(&server, cases[i].request, strlen(cases[i].request));
        assert_int_equal(answer.status, 405);
        assert_true(served_header(&answer, "Allow", allow, sizeof allow));
        assert_string_equal(allow, cases[i].allow);
        free(answer.text);
    }
}

/* The answer to the GET behind it shows that no body came. */
static void head_is_get_without_a_body(void **state) {
    (void)state;
    static const char *const targets[] = {"/health", "/openapi.json", "/v1/default", "/v1/default/modules"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        char requests[8192], length[32] = "", bytes[4096];
        int size = snprintf(bytes, sizeof bytes, "%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
                            targets[i], server.token);
        int all = snprintf(requests, sizeof requests, "HEAD %.*sGET %.*s", size, bytes, size, bytes);
        int fd = served_connect(&server);
        assert_true(served_send(fd, requests, (size_t)all));
        served_answer head = served_read(fd, true), got = served_read(fd, false);
        assert_int_equal(head.status, 200);
        assert_int_equal(got.status, 200);
        assert_true(served_header(&head, "Content-Length", length, sizeof length));
        assert_int_equal(strtoul(length, NULL, 10), got.body_size);
        free(head.text);
        free(got.text);
        close(fd);
    }
}

/* ---- heads ---- */

static served_answer ask_with_header(size_t name_size, size_t value_size, size_t count) {
    size_t size = (size_t)snprintf(text, TEXT_MAX, "GET /health HTTP/1.1\r\nHost: x\r\n");
    for (size_t i = 0; i < count; i++) {
        memset(text + size, 'n', name_size);
        size += name_size;
        memcpy(text + size, ": ", 2);
        memset(text + size + 2, 'v', value_size);
        size += value_size + 2;
        memcpy(text + size, "\r\n", 2);
        size += 2;
    }
    memcpy(text + size, "\r\n", 2);
    return served_ask(&server, text, size + 2);
}

static void heads_that_are_too_large_are_refused(void **state) {
    (void)state;
    static const size_t sizes[][3] = {{8, 1 << 20, 1}, {1 << 20, 0, 1}, {1, 1, 100000}, {300, 300, 10000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        served_answer answer = ask_with_header(sizes[i][0], sizes[i][1], sizes[i][2]);
        assert_true(is_refusal(&answer, "a large head"));
        free(answer.text);
        others_are_served();
    }
    memset(text, 'a', 1 << 20);
    memcpy(text, "GET /", 5);
    served_answer answer = served_ask(&server, text, 1 << 20);
    assert_true(is_refusal(&answer, "a long target"));
    free(answer.text);
    others_are_served();
}

/* Near the limit the answer's own head must find room too. */
static void heads_near_the_limit_are_answered_or_refused(void **state) {
    (void)state;
    for (size_t size = RK_SERVER_HEADER_MAX - 4000; size < RK_SERVER_HEADER_MAX + 100; size += 41) {
        served_answer answer = ask_with_header(1, size, 1);
        assert_true(answer.status == 200 || is_refusal(&answer, "a head near the limit"));
        free(answer.text);
    }
    others_are_served();
}

/* ---- bodies ---- */

static size_t post_head(const char *path, const char *type, size_t length, char *out) {
    return (size_t)snprintf(out, 8192,
                            "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n"
                            "Content-Length: %zu\r\n\r\n",
                            path, server.token, type, length);
}

/* What stands in `text` from 8192 on. */
static served_answer post(const char *path, const char *type, size_t size) {
    char head[8192];
    size_t head_size = post_head(path, type, size, head);
    memcpy(text + 8192 - head_size, head, head_size);
    return served_ask(&server, text + 8192 - head_size, head_size + size);
}

static void refused_body(const char *name, const char *type, size_t size, int wanted) {
    static const char *const paths[] = {"/v1/default/events", "/v1/default/modules", "/v1/default/modules/check"};
    for (size_t i = 0; i < 3; i++) {
        served_answer answer = post(paths[i], type, size);
        assert_true(is_refusal(&answer, name));
        if (wanted && answer.status != wanted) fail_msg("%s: %d, not %d", name, answer.status, wanted);
        free(answer.text);
        others_are_served();
    }
}

static size_t fill(const char *piece, size_t size) {
    size_t piece_size = strlen(piece), at = 0;
    for (; at + piece_size <= size; at += piece_size) memcpy(text + 8192 + at, piece, piece_size);
    return at;
}

static size_t put(const char *body) {
    return fill(body, strlen(body));
}

static void bodies_that_are_none_are_refused(void **state) {
    (void)state;
    static const char json[] = "application/json", cbor[] = "application/cbor";
    refused_body("arrays without an end", json, fill("[", 500000), 400);
    refused_body("objects without an end", json, fill("{\"a\":", 1 << 20), 400);
    refused_body("a number of many digits", json, fill("9", 100000), 400);
    refused_body("a large exponent", json, put("{\"events\":[1e999999999]}"), 400);
    refused_body("text that is no UTF-8", json, put("{\"events\":[\"\xc3\x28\"]}"), 400);
    refused_body("half a surrogate", json, put("{\"events\":[\"\\ud800\"]}"), 400);
    refused_body("a key twice", json, put("{\"events\":[],\"events\":[]}"), 400);
    refused_body("JSON cut off", json, put("{\"events\":[{\"entity\":"), 400);
    refused_body("another type", "text/html", put("<html>"), 415);
    refused_body("CBOR without an end", cbor, fill("\x81", 1 << 20), 0);
    refused_body("CBOR that claims much", cbor, put("\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"), 400);
    refused_body("CBOR that is none", cbor, fill("\xff", 1000), 400);
    text[8192] = 0;
    refused_body("a byte 0", json, 1, 400);
}

/* A value costs far more memory than its text. */
static void bodies_of_too_many_values_are_refused(void **state) {
    (void)state;
    static const size_t size = 15 << 20;
    static const char *const pieces[] = {"[],", "{},", "0,", "\"\","};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t filled = fill(pieces[i], size);
        text[8192] = '[';
        for (size_t at = 1; at < filled && text[8192 + at] != ','; at++) text[8192 + at] = ' ';
        text[8192 + 1] = '0';
        text[8192 + filled - 1] = ']';
        refused_body("many values", "application/json", filled, 0);
    }
    fill("\x80", size);
    memcpy(text + 8192, "\x9a\x00\xef\xff\xfb", 5);
    refused_body("many values in CBOR", "application/cbor", size, 0);
}

static void bodies_that_are_too_large_are_refused(void **state) {
    (void)state;
    fill("{\"events\":[", 17 << 20);
    served_answer answer = post("/v1/default/events", "application/json", 17 << 20);
    assert_true(answer.status == 413 || answer.status == 0);
    free(answer.text);
    others_are_served();
}

/* In chunks of a megabyte, `count` of them; what came back, or 0 when the connection was closed. */
static int post_chunks(const char *head, size_t count) {
    char all[8192];
    int fd = served_connect(&server);
    size_t size = with_token(head, strlen(head), all);
    bool open = served_send(fd, all, size);
    memset(text, '[', 1 << 20);
    for (size_t i = 0; i < count && open; i++) {
        open = served_send(fd, "100000\r\n", 8) && served_send(fd, text, 1 << 20) && served_send(fd, "\r\n", 2);
    }
    if (open) open = served_send(fd, "0\r\n\r\n", 5);
    served_answer answer = served_read(fd, false);
    int status = answer.status;
    assert_false(answer.late);
    free(answer.text);
    close(fd);
    return status;
}

static void chunks_that_are_too_many_are_refused(void **state) {
    (void)state;
    uint64_t before = served_memory(&server, "VmHWM");
    assert_int_equal(post_chunks(POST "Transfer-Encoding: chunked\r\n\r\n", 1), 413); /* of values */
    assert_int_equal(post_chunks(POST "Transfer-Encoding: chunked\r\n\r\n", 18), 413);
    others_are_served();
    assert_int_equal(post_chunks(POST "Transfer-Encoding: chunked\r\n\r\n", 1024), 0);
    others_are_served();
    int status = post_chunks("POST /v1/default/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 1024);
    assert_true(status == 401 || status == 0);
    others_are_served();
    assert_true(served_memory(&server, "VmHWM") < before + (200 << 10));
}

/* Nobody is asked who sends it, so that it must not be kept. */
static void a_body_that_nobody_asked_for_takes_no_memory(void **state) {
    (void)state;
    enum { CLIENTS = 12, LENGTH = 15 << 20 };
    int fds[CLIENTS];
    char head[200];
    uint64_t before = served_memory(&server, "VmRSS");
    memset(text, 'x', LENGTH);
    size_t size = (size_t)snprintf(head, sizeof head, "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
                                   (int)LENGTH);
    for (size_t i = 0; i < CLIENTS; i++) {
        fds[i] = served_connect(&server);
        assert_true(served_send(fds[i], head, size) && served_send(fds[i], text, LENGTH - 1));
    }
    others_are_served();
    assert_true(served_memory(&server, "VmRSS") < before + (40 << 10));
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_true(served_send(fds[i], text, 1));
        served_answer answer = served_read(fds[i], false);
        assert_int_equal(answer.status, 200);
        free(answer.text);
        close(fds[i]);
    }
}

/* ---- what is slow ---- */

static void half_a_request_keeps_nobody_waiting(void **state) {
    (void)state;
    static const char *const halves[] = {"",
                                         "G",
                                         "GET /hea",
                                         "GET /health HTTP/1.1\r\nHo",
                                         POST "Content-Length: 100000\r\n\r\n{\"events\":[",
                                         POST "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"e"};
    int fds[HALVES];
    char all[8192];
    for (size_t i = 0; i < HALVES; i++) {
        const char *half = halves[i % (sizeof halves / sizeof *halves)];
        fds[i] = served_connect(&server);
        assert_true(served_send(fds[i], all, with_token(half, strlen(half), all)));
        others_are_served();
    }
    for (size_t i = 0; i < HALVES; i++) close(fds[i]);
    others_are_served();
}

/* Requests that claim more than all bodies may take: one is refused, and a body is taken when they are gone. */
static void bodies_have_a_limit_together(void **state) {
    (void)state;
    enum { CLAIMS = RK_SERVER_BODIES_MAX / RK_SERVER_BODY_MAX + 1 };
    static const char body[] = "{\"events\":[{\"entity\":\"profile/limit\",\"type\":\"view\"}]}";
    struct pollfd polled[CLAIMS];
    char head[8192], retry[16] = "";
    size_t size = post_head("/v1/default/events", "application/json", RK_SERVER_BODY_MAX, head), refused = 0;
    for (size_t i = 0; i < CLAIMS; i++) {
        polled[i] = (struct pollfd){.fd = served_connect(&server), .events = POLLIN};
        assert_true(served_send(polled[i].fd, head, size));
    }
    assert_true(poll(polled, CLAIMS, 30000) > 0);
    while (!polled[refused].revents) refused++;
    served_answer answer = served_read(polled[refused].fd, false);
    assert_int_equal(answer.status, 503);
    assert_true(served_header(&answer, "Retry-After", retry, sizeof retry));
    assert_non_null(strstr(answer.body, "\"overloaded\""));
    free(answer.text);
    others_are_served();
    for (size_t i = 0; i < CLAIMS; i++) close(polled[i].fd);
    for (size_t tries = 0; tries < 100; tries++) {
        put(body);
        answer = post("/v1/default/events", "application/json", strlen(body));
        if (answer.status == 201) break;
        free(answer.text);
        usleep(50000);
    }
    assert_int_equal(answer.status, 201);
    free(answer.text);
}

/* ---- connections ---- */

static void pipelined_requests_are_answered_in_order(void **state) {
    (void)state;
    enum { COUNT = 100 };
    static const char body[] = "{\"events\":[{\"entity\":\"profile/pipe\",\"type\":\"view\"}]}";
    int fd = served_connect(&server);
    size_t size = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (i % 2) {
            size += post_head("/v1/default/events", "application/json", strlen(body), text + size);
            size += (size_t)snprintf(text + size, 200, "%s", body);
        } else {
            size += (size_t)snprintf(text + size, 200, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
        }
    }
    assert_true(served_send(fd, text, size));
    for (size_t i = 0; i < COUNT; i++) {
        served_answer answer = served_read(fd, false);
        assert_int_equal(answer.status, i % 2 ? 201 : 200);
        free(answer.text);
    }
    close(fd);
}

static void whoever_expects_100_gets_it_or_a_refusal(void **state) {
    (void)state;
    static const char body[] = "{\"events\":[{\"entity\":\"profile/expect\",\"type\":\"view\"}]}";
    static const char refused[] = POST "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n";
    char head[8192], all[8192];
    snprintf(head, sizeof head, POST "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n", strlen(body));
    int fd = served_connect(&server);
    assert_true(served_send(fd, all, with_token(head, strlen(head), all)));
    char line[26] = "";
    for (size_t got = 0; got < 25;) {
        ssize_t more = read(fd, line + got, 25 - got);
        assert_true(more > 0);
        got += (size_t)more;
    }
    assert_string_equal(line, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_true(served_send(fd, body, strlen(body)));
    served_answer answer = served_read(fd, false);
    assert_int_equal(answer.status, 201);
    free(answer.text);
    close(fd);
    answer = served_ask(&server, all, with_token(refused, strlen(refused), all));
    assert_int_equal(answer.status, 413);
    free(answer.text);
}

static size_t connections_wanted(void) {
    const char *wanted = getenv("CONNECTIONS");
    size_t count = wanted ? strtoul(wanted, NULL, 10) : CONNECTIONS_DEFAULT;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    size_t most = limit.rlim_cur / 2; /* the server takes three in four, and of those three in four for one address */
    return count < most || wanted ? count : most;
}

/* The server started with a low soft limit, which is no bound to it. */
static void idle_connections_keep_nobody_waiting(void **state) {
    (void)state;
    static const char request[] = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    size_t count = connections_wanted();
    int *fds = calloc(count, sizeof *fds);
    uint64_t before = served_memory(&server, "VmRSS");
    for (size_t i = 0; i < count; i++) {
        fds[i] = served_connect(&server);
        if (fds[i] < 0) fail_msg("only %zu connections", i);
        if (i % 250 == 0) others_are_served();
    }
    uint64_t each = (served_memory(&server, "VmRSS") - before) * 1024 / count;
    print_message("# %zu idle connections, %lu bytes each\n", count, (unsigned long)each);
    assert_true(each < RK_SERVER_HEADER_MAX + 16384);
    for (size_t i = 0; i < count; i += count / 10 + 1) {
        served_answer answer = {.status = 0};
        assert_true(served_send(fds[i], request, sizeof request - 1));
        answer = served_read(fds[i], false);
        assert_int_equal(answer.status, 200);
        free(answer.text);
    }
    for (size_t i = 0; i < count; i++) close(fds[i]);
    free(fds);
    others_are_served();
}

static void its_memory_stayed_bounded_and_it_ends_well(void **state) {
    (void)state;
    print_message("# at most %lu MB\n", (unsigned long)served_memory(&server, "VmHWM") >> 10);
    assert_true(served_memory(&server, "VmHWM") < MEMORY_MAX);
    assert_true(served_stop(&server));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_are_none_are_refused),
        cmocka_unit_test(a_version_that_there_is_not_is_refused),
        cmocka_unit_test(an_absolute_target_is_its_path),
        cmocka_unit_test(refused_methods_name_the_others),
        cmocka_unit_test(head_is_get_without_a_body),
        cmocka_unit_test(heads_that_are_too_large_are_refused),
        cmocka_unit_test(heads_near_the_limit_are_answered_or_refused),
        cmocka_unit_test(bodies_that_are_none_are_refused),
        cmocka_unit_test(bodies_that_are_too_large_are_refused),
        cmocka_unit_test(a_body_that_nobody_asked_for_takes_no_memory),
        cmocka_unit_test(chunks_that_are_too_many_are_refused),
        cmocka_unit_test(bodies_of_too_many_values_are_refused),
        cmocka_unit_test(half_a_request_keeps_nobody_waiting),
        cmocka_unit_test(bodies_have_a_limit_together),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(whoever_expects_100_gets_it_or_a_refusal),
        cmocka_unit_test(idle_connections_keep_nobody_waiting),
        cmocka_unit_test(its_memory_stayed_bounded_and_it_ends_well),
    };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    limit.rlim_cur = limit.rlim_max < 256 ? limit.rlim_max : 256; /* for the server to raise */
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    text = malloc(TEXT_MAX);
    served_start(&server, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}
