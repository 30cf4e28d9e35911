/*
 * What bodies take is shared: one account leaves room for others, and strangers leave more.
 *
 * Strategy: requests that say how large their body will be, and send none of it: the server counts them from their head
 * on. All but one wait; the one that is past a share is refused, and its answer says which.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "tenants_testing.h"

enum {
    OF_ACCOUNT = RK_SERVER_ACCOUNT_BODIES_MAX / RK_SERVER_BODY_MAX,
    OF_STRANGERS = RK_SERVER_STRANGER_BODIES_MAX / RK_SERVER_BODY_MAX,
    OF_ALL = RK_SERVER_BODIES_MAX / RK_SERVER_BODY_MAX,
    CLAIMS_MAX = OF_ALL + 1,
    WAIT_MS = 15000,
};

_Static_assert(OF_ACCOUNT < OF_ALL && OF_STRANGERS < OF_ALL, "a share is less than all");

static tenants all;
static char tokens[2][2048];
static struct pollfd polled[2 * CLAIMS_MAX];
static size_t poll_count;

/* `token` NULL: signed by nobody knows whom. */
static void claim(size_t number, const char *token) {
    char head[4096];
    int size = snprintf(head, sizeof head,
                        "POST /v1/t%zu/events HTTP/1.1\r\nHost: x\r\n%s%s\r\nContent-Type: application/json\r\n"
                        "Content-Length: %d\r\n\r\n",
                        number, token ? "Authorization: Bearer " : "Signature-Input: sig=()", token ? token : "",
                        (int)RK_SERVER_BODY_MAX);
    struct pollfd *at = &polled[poll_count++];
    *at = (struct pollfd){.fd = served_connect(&all.served), .events = POLLIN};
    assert_true(at->fd >= 0);
    assert_true(served_send(at->fd, head, (size_t)size));
}

/* One of them is refused, because of that limit. */
static void one_is_refused(const char *limit) {
    assert_int_equal(poll(polled, poll_count, WAIT_MS), 1);
    for (size_t i = 0; i < poll_count; i++) {
        char retry[16] = "";
        if (!polled[i].revents) continue;
        served_answer answer = served_read(polled[i].fd, false);
        assert_int_equal(answer.status, 503);
        assert_non_null(strstr(answer.body, "\"overloaded\""));
        assert_non_null(strstr(answer.body, limit));
        assert_true(served_header(&answer, "Retry-After", retry, sizeof retry));
        free(answer.text);
        close(polled[i].fd);
        polled[i] = polled[--poll_count];
        return;
    }
}

static int leave(void **state) {
    (void)state;
    while (poll_count > 0) close(polled[--poll_count].fd);
    for (int tries = 0; tries < WAIT_MS / 10 && tenants_metric(&all, "body_bytes") > 0; tries++) usleep(10000);
    return tenants_metric(&all, "body_bytes") != 0;
}

static void one_account_leaves_room_for_another(void **state) {
    (void)state;
    for (size_t i = 0; i <= OF_ACCOUNT; i++) claim(0, tokens[0]);
    one_is_refused("RK_SERVER_ACCOUNT_BODIES_MAX");
    for (size_t i = 0; i <= OF_ALL - OF_ACCOUNT; i++) claim(1, tokens[1]);
    one_is_refused("RK_SERVER_BODIES_MAX");
    assert_int_equal(poll_count, OF_ALL);
}

static void strangers_leave_room_for_members(void **state) {
    (void)state;
    for (size_t i = 0; i <= OF_STRANGERS; i++) claim(i % 2, NULL);
    one_is_refused("RK_SERVER_STRANGER_BODIES_MAX");
    for (size_t i = 0; i <= OF_ACCOUNT; i++) claim(0, tokens[0]);
    one_is_refused("RK_SERVER_");
    assert_true(poll_count >= OF_ALL - 1);
}

/* What was counted is counted no longer, whoever it was counted to: twice the same. */
static void shares_are_free_again(void **state) {
    one_account_leaves_room_for_another(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_account_leaves_room_for_another, leave),
        cmocka_unit_test_teardown(strangers_leave_room_for_members, leave),
        cmocka_unit_test_teardown(shares_are_free_again, leave),
    };
    tenants_create(&all, 2);
    tenants_start(&all, (rk_server_options){.threads = 2, .writers = 1});
    for (size_t i = 0; i < 2; i++) tenants_token(&all, i, tokens[i]);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tenants_end(&all);
    return failed;
}
