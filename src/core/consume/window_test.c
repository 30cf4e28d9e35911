/*
 * The window of a consumer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/consume/window.h"
#include "io/memory.h"

enum { ATTEMPTS = 3, LEASE = 1000, NOW = 5000 };

static const rk_holder ada = {"ada"}, bob = {"bob"};
static rk_window window;

static int set_up(void **state) {
    (void)state;
    memset(&window, 0, sizeof window);
    return 0;
}

static void note(uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; i++) rk_window_note(&window, i, NOW + LEASE);
}

static rk_flight_state state_of(size_t index, uint64_t now_ms) {
    return rk_flight_state_at(&window.flights[index], now_ms, ATTEMPTS);
}

static void the_cursor_stands_before_the_first_flight(void **state) {
    (void)state;
    rk_window_pass(&window, 10);
    assert_int_equal(rk_window_cursor(&window), 10);
    note(12, 14);
    assert_int_equal(rk_window_cursor(&window), 11);
    for (size_t i = 0; i < 3; i++) rk_window_give(&window, i, &ada, NOW + LEASE);
    assert_true(rk_window_acknowledge(&window, 13, &ada));
    assert_int_equal(rk_window_cursor(&window), 11);
    assert_true(rk_window_acknowledge(&window, 12, &ada));
    assert_int_equal(rk_window_cursor(&window), 13);
    assert_true(rk_window_acknowledge(&window, 14, &ada));
    assert_int_equal(rk_window_cursor(&window), 14);
    rk_window_pass(&window, 20);
    rk_window_pass(&window, 15);
    assert_int_equal(rk_window_cursor(&window), 20);
}

static void a_flight_is_its_holders_until_another_has_it(void **state) {
    (void)state;
    note(1, 2);
    assert_false(rk_window_acknowledge(&window, 1, &(rk_holder){{0}})); /* it was given to nobody */
    rk_window_give(&window, 0, &ada, NOW + LEASE);
    assert_false(rk_window_acknowledge(&window, 1, &bob));
    assert_false(rk_window_release(&window, 1, &bob));
    assert_false(rk_window_acknowledge(&window, 3, &ada));
    /* Its lease has passed, and bob has it: ada comes too late. */
    rk_window_give(&window, 0, &bob, NOW + 2 * LEASE);
    assert_false(rk_window_acknowledge(&window, 1, &ada));
    assert_true(rk_window_acknowledge(&window, 1, &bob));
    /* Nobody else was given it meanwhile: late, but done. */
    rk_window_give(&window, 0, &ada, NOW);
    assert_int_equal(state_of(0, NOW), RK_FLIGHT_FREE);
    assert_true(rk_window_acknowledge(&window, 2, &ada));
    assert_int_equal(window.count, 0);
}

static void a_lease_passes_and_attempts_end(void **state) {
    (void)state;
    note(1, 1);
    for (uint32_t i = 1; i <= ATTEMPTS; i++) {
        uint64_t now = NOW + i * LEASE;
        rk_window_give(&window, 0, &ada, now + LEASE);
        assert_int_equal(window.flights[0].attempt, i);
        assert_int_equal(state_of(0, now), RK_FLIGHT_OUT);
        assert_int_equal(state_of(0, now + LEASE - 1), RK_FLIGHT_OUT);
        assert_int_equal(state_of(0, now + LEASE), i < ATTEMPTS ? RK_FLIGHT_FREE : RK_FLIGHT_DUE);
        assert_int_equal(rk_window_next_ms(&window, now), now + LEASE);
        assert_int_equal(rk_window_next_ms(&window, now + LEASE), UINT64_MAX);
    }
}

static void what_is_given_back_is_free_at_once(void **state) {
    (void)state;
    note(1, 1);
    rk_window_give(&window, 0, &ada, NOW + LEASE);
    assert_int_equal(rk_window_out(&window, NOW, ATTEMPTS), 1);
    assert_true(rk_window_release(&window, 1, &ada));
    assert_int_equal(state_of(0, NOW), RK_FLIGHT_FREE);
    assert_int_equal(rk_window_out(&window, NOW, ATTEMPTS), 0);
    assert_int_equal(window.flights[0].attempt, 1);
}

static void what_nobody_takes_is_due_in_its_time(void **state) {
    (void)state;
    note(1, 1);
    assert_int_equal(state_of(0, NOW + LEASE - 1), RK_FLIGHT_FREE);
    assert_int_equal(state_of(0, NOW + LEASE), RK_FLIGHT_DUE);
}

static void a_clock_that_steps_back_holds_nothing_for_ever(void **state) {
    (void)state;
    note(1, 1);
    rk_window_give(&window, 0, &ada, NOW + (uint64_t)RK_LEASE_MS_MAX);
    assert_int_equal(state_of(0, NOW), RK_FLIGHT_OUT);
    assert_int_equal(state_of(0, NOW - 1), RK_FLIGHT_FREE);
}

static void what_is_parked_lets_others_go_on_and_may_come_back(void **state) {
    (void)state;
    rk_flight flight;
    note(1, 3);
    rk_window_give(&window, 0, &ada, NOW + LEASE);
    assert_false(rk_window_park(&window, 1, &bob, &flight));
    assert_true(rk_window_park(&window, 1, &ada, &flight));
    assert_true(flight.position == 1 && flight.attempt == 1 && window.parked == 1);
    assert_true(rk_window_park(&window, 2, NULL, &flight));
    assert_int_equal(rk_window_cursor(&window), 2);
    assert_true(rk_window_put_back(&window, 1, NOW + LEASE));
    assert_false(rk_window_put_back(&window, 1, NOW + LEASE));
    assert_false(rk_window_put_back(&window, 4, NOW + LEASE)); /* it was not looked at yet */
    assert_true(window.parked == 1 && window.count == 2 && window.flights[0].position == 1);
    assert_int_equal(window.flights[0].attempt, 0);
    assert_int_equal(rk_window_cursor(&window), 0);
}

static void a_full_window_takes_nothing_back(void **state) {
    (void)state;
    rk_flight flight;
    note(1, RK_FLIGHTS_MAX);
    assert_true(rk_window_park(&window, 7, NULL, &flight));
    rk_window_note(&window, RK_FLIGHTS_MAX + 1, NOW);
    assert_false(rk_window_put_back(&window, 7, NOW));
    assert_int_equal(window.parked, 1);
}

static void a_log_that_lost_events_takes_the_window_along(void **state) {
    (void)state;
    note(5, 9);
    rk_window_set_back(&window, 9);
    assert_int_equal(window.set_back_from, 0);
    rk_window_set_back(&window, 6);
    assert_true(window.seen == 6 && window.count == 2 && window.set_back_from == 9 && window.set_back_to == 6);
    assert_int_equal(rk_window_cursor(&window), 4);
    rk_window_set_back(&window, 2);
    assert_true(window.count == 0 && rk_window_cursor(&window) == 2);
}

static rk_bytes bytes_of(rk_arena *arena) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, arena, RK_WINDOW_SIZE_MAX);
    rk_window_encode(&window, &buffer);
    assert_int_equal(rk_buffer_finish(&buffer, &bytes), RK_OK);
    return bytes;
}

static void bytes_are_read_back_and_checked(void **state) {
    (void)state;
    static rk_window again;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    note(1, RK_FLIGHTS_MAX);
    rk_window_give(&window, 3, &bob, UINT64_MAX);
    window.flights[4].attempt = 0x01020304;
    window.epoch = 1234567890123;
    window.born[0] = window.log[15] = 9;
    window.parked = 77;
    rk_window_set_back(&window, 999);
    rk_bytes bytes = bytes_of(&arena), cut = {bytes.data, bytes.size - 1};
    assert_int_equal(rk_window_decode(bytes, &again, NULL), RK_OK);
    assert_memory_equal(&again, &window, offsetof(rk_window, flights) + window.count * sizeof *window.flights);
    assert_int_equal(rk_window_decode(cut, &again, NULL), RK_CORRUPT);
    window.flights[2].position = window.flights[3].position;
    assert_int_equal(rk_window_decode(bytes_of(&arena), &again, NULL), RK_CORRUPT);
    window.flights[2].position = 3;
    window.seen = 998;
    assert_int_equal(rk_window_decode(bytes_of(&arena), &again, NULL), RK_CORRUPT);
    rk_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_cursor_stands_before_the_first_flight, set_up),
        cmocka_unit_test_setup(a_flight_is_its_holders_until_another_has_it, set_up),
        cmocka_unit_test_setup(a_lease_passes_and_attempts_end, set_up),
        cmocka_unit_test_setup(what_is_given_back_is_free_at_once, set_up),
        cmocka_unit_test_setup(what_nobody_takes_is_due_in_its_time, set_up),
        cmocka_unit_test_setup(a_clock_that_steps_back_holds_nothing_for_ever, set_up),
        cmocka_unit_test_setup(what_is_parked_lets_others_go_on_and_may_come_back, set_up),
        cmocka_unit_test_setup(a_full_window_takes_nothing_back, set_up),
        cmocka_unit_test_setup(a_log_that_lost_events_takes_the_window_along, set_up),
        cmocka_unit_test_setup(bytes_are_read_back_and_checked, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
