/*
 * Counters and their text: Prometheus's form, sums that agree, counts from many threads, no series without a bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "door/http/metrics.h"
#include "io/memory.h"
#include "io/thread.h"

static rk_metrics metrics;
static rk_arena arena;
static char *text;

static int fresh(void **state) {
    (void)state;
    rk_metrics_init(&metrics);
    rk_arena_init(&arena, rk_memory_system(), 1 << 22);
    return 0;
}

static int done(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static void print(void) {
    static const char *const operations[] = {"health", "event_append"};
    const rk_metrics_now now = {.connections = 7, .version = "1.2.3"};
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, &arena, 1 << 20);
    rk_metrics_text(&metrics, &now, operations, 2, &buffer);
    rk_buffer_append_byte(&buffer, 0);
    assert_int_equal(rk_buffer_finish(&buffer, &bytes), RK_OK);
    text = (char *)(uintptr_t)bytes.data;
}

#define HAS(line) assert_non_null(strstr(text, "\n" line "\n"))

static void requests_are_counted_by_operation_and_class(void **state) {
    (void)state;
    rk_metrics_request(&metrics, 0, 200, RK_OK, RK_LATENCY_OTHER, 100);
    rk_metrics_request(&metrics, 0, 204, RK_OK, RK_LATENCY_OTHER, 100);
    rk_metrics_request(&metrics, 1, 429, RK_TOO_MANY, RK_LATENCY_APPEND, 100);
    rk_metrics_request(&metrics, SIZE_MAX, 404, RK_NO_OPERATION, RK_LATENCY_OTHER, 100);
    print();
    HAS("reaktor_requests_total{operation=\"health\",status=\"2xx\"} 2");
    HAS("reaktor_requests_total{operation=\"event_append\",status=\"4xx\"} 1");
    HAS("reaktor_requests_total{operation=\"none\",status=\"4xx\"} 1");
    HAS("reaktor_refusals_total{code=\"too_many_requests\"} 1");
    HAS("reaktor_refusals_total{code=\"no_such_operation\"} 1");
    assert_null(strstr(text, "code=\"ok\""));
    HAS("reaktor_request_seconds_count{kind=\"other\"} 3");
    HAS("reaktor_request_seconds_count{kind=\"append\"} 1");
    HAS("reaktor_connections 7");
    HAS("reaktor_build_info{version=\"1.2.3\"} 1");
}

static void a_histogram_adds_up(void **state) {
    (void)state;
    static const uint64_t sizes[] = {1, 1, 2, 3, 10, 11, 1999, 2000, 2001, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) rk_metrics_group(&metrics, true, sizes[i], 3, 1500000);
    rk_metrics_group(&metrics, false, 9, 9, 9);
    print();
    HAS("reaktor_group_transactions_bucket{le=\"1\"} 2");
    HAS("reaktor_group_transactions_bucket{le=\"2\"} 3");
    HAS("reaktor_group_transactions_bucket{le=\"5\"} 4");
    HAS("reaktor_group_transactions_bucket{le=\"10\"} 5");
    HAS("reaktor_group_transactions_bucket{le=\"20\"} 6");
    HAS("reaktor_group_transactions_bucket{le=\"2000\"} 8");
    HAS("reaktor_group_transactions_bucket{le=\"+Inf\"} 10");
    HAS("reaktor_group_transactions_sum 11028");
    HAS("reaktor_group_transactions_count 10");
    HAS("reaktor_transactions_total 11028");
    HAS("reaktor_events_total 30");
    HAS("reaktor_groups_total 10");
    HAS("reaktor_groups_failed_total 1");
    HAS("reaktor_group_seconds_bucket{le=\"1.000000\"} 0");
    HAS("reaktor_group_seconds_bucket{le=\"2.500000\"} 10");
    HAS("reaktor_group_seconds_sum 15.000000");
}

/* Each line is a comment or "name{labels} number"; a family is described once, before its series. */
static void every_line_has_the_form(void **state) {
    (void)state;
    char family[200] = "";
    size_t lines = 0;
    for (size_t i = 0; i < 300; i++)
        rk_metrics_request(&metrics, i, 200, (rk_status)(i % 6), (rk_latency)(i % 4), i * 1000);
    print();
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *line = text, *next; *line; line = next, lines++) {
        next = strchr(line, '\n') + 1;
        next[-1] = 0;
        if (strncmp(line, "# HELP ", 7) == 0) {
            snprintf(family, sizeof family, "%.*s", (int)strcspn(line + 7, " "), line + 7);
            continue;
        }
        if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_memory_equal(line + 7, family, strlen(family));
            continue;
        }
        assert_memory_equal(line, family, strlen(family));
        const char *value = strrchr(line, ' ');
        assert_non_null(value);
        assert_int_equal(strspn(value + 1, "0123456789."), strlen(value + 1));
        assert_true(line[strcspn(line, "{ ")] == ' ' || value[-1] == '}');
    }
    assert_true(lines > 100);
}

static void count_many(void *context) {
    (void)context;
    for (int i = 0; i < 20000; i++) rk_metrics_request(&metrics, 1, 201, RK_OK, RK_LATENCY_APPEND, 10);
}

static void counts_of_many_threads_are_all_there(void **state) {
    (void)state;
    rk_thread *threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(rk_thread_start(count_many, NULL, &threads[i], NULL), RK_OK);
    for (int i = 0; i < 4; i++) rk_thread_join(threads[i]);
    print();
    HAS("reaktor_requests_total{operation=\"event_append\",status=\"2xx\"} 80000");
    HAS("reaktor_request_seconds_count{kind=\"append\"} 80000");
    HAS("reaktor_request_seconds_sum{kind=\"append\"} 0.800000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_are_counted_by_operation_and_class, fresh, done),
        cmocka_unit_test_setup_teardown(a_histogram_adds_up, fresh, done),
        cmocka_unit_test_setup_teardown(every_line_has_the_form, fresh, done),
        cmocka_unit_test_setup_teardown(counts_of_many_threads_are_all_there, fresh, done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
