/*
 * Reading traces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "door/trace_file.h"
#include "io/memory.h"

static rk_arena arena;

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static rk_status read_text(const char *text, rk_trace *trace_out) {
    return rk_trace_read(&arena, rk_bytes_of_string(text), trace_out, NULL);
}

static void a_sequential_trace_follows_itself(void **state) {
    rk_trace trace;
    (void)state;
    assert_int_equal(
        read_text("{\"startContent\":\"\",\"endContent\":\"ä\",\"txns\":[{\"time\":\"t\",\"patches\":[[0,0,\"ab\"]]},"
                  "{\"patches\":[[0,1,\"\"],[0,1,\"ä\"]]},{\"patches\":[]}]}",
                  &trace),
        RK_OK);
    assert_int_equal(trace.author_count, 1);
    assert_int_equal(trace.transaction_count, 3);
    assert_int_equal(trace.transactions[0].parent_count, 0);
    assert_int_equal(trace.transactions[1].parent_count, 1);
    assert_int_equal(trace.transactions[2].parents[0], 1);
    assert_int_equal(trace.transactions[1].patch_count, 2);
    assert_int_equal(trace.transactions[1].patches[1].delete_count, 1);
    assert_true(rk_bytes_equal(trace.transactions[1].patches[1].text, RK_TEXT("ä")));
    assert_true(rk_bytes_equal(trace.end_content, RK_TEXT("ä")));
}

static void a_concurrent_trace_names_parents_and_agents(void **state) {
    rk_trace trace;
    (void)state;
    assert_int_equal(
        read_text("{\"endContent\":\"\",\"numAgents\":3,\"txns\":[{\"parents\":[],\"agent\":1,\"patches\":[]},"
                  "{\"parents\":[],\"agent\":0,\"patches\":[]},{\"parents\":[0,1],\"agent\":1,\"patches\":[]}]}",
                  &trace),
        RK_OK);
    assert_int_equal(trace.author_count, 3);
    assert_int_equal(trace.transactions[1].parent_count, 0);
    assert_int_equal(trace.transactions[2].parent_count, 2);
    assert_int_equal(trace.transactions[2].author, 1);
}

static void other_files_are_refused(void **state) {
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"endContent\":\"\"}",
        "{\"endContent\":1,\"txns\":[]}",
        "{\"endContent\":\"\",\"txns\":[1]}",
        "{\"endContent\":\"\",\"txns\":[{}]}",
        "{\"endContent\":\"\",\"txns\":[{\"patches\":[[0,0]]}]}",
        "{\"endContent\":\"\",\"txns\":[{\"patches\":[[-1,0,\"\"]]}]}",
        "{\"endContent\":\"\",\"txns\":[{\"patches\":[[0,0,1]]}]}",
        "{\"endContent\":\"\",\"txns\":[{\"patches\":[0]}]}",
        "{\"endContent\":\"\",\"txns\":[{\"parents\":[0],\"patches\":[]}]}",
        "{\"endContent\":\"\",\"txns\":[{\"patches\":[]},{\"parents\":[1],\"patches\":[]}]}",
        "{\"endContent\":\"\",\"txns\":[{\"parents\":0,\"patches\":[]}]}",
        "{\"endContent\":\"\",\"txns\":[{\"agent\":-1,\"patches\":[]}]}",
        "{\"endContent\":\"\",\"txns\":[{\"agent\":1000000,\"patches\":[]}]}",
        "{\"endContent\":\"\",\"numAgents\":1,\"txns\":[{\"agent\":1,\"patches\":[]}]}",
    };
    rk_trace trace;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(read_text(bad[i], &trace), RK_BAD_FILE);
    assert_int_equal(read_text("", &trace), RK_BAD_JSON);
    assert_int_equal(read_text("{\"endContent\":\"\\ud800\",\"txns\":[]}", &trace), RK_BAD_JSON);
    assert_int_equal(read_text("{\"startContent\":\"a\",\"endContent\":\"\",\"txns\":[]}", &trace), RK_NOT_YET);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sequential_trace_follows_itself),
        cmocka_unit_test(a_concurrent_trace_names_parents_and_agents),
        cmocka_unit_test(other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
