/*
 * The window: a sorted list of flights.
 */
#include "core/consume/window.h"

#include <string.h>

enum { FORMAT = 1, HEAD_SIZE = 73, FLIGHT_SIZE = 36, NEVER_GIVEN = 0 };

_Static_assert(RK_WINDOW_SIZE_MAX == HEAD_SIZE + FLIGHT_SIZE * RK_FLIGHTS_MAX, "a full window has its size");

/* ---- what is where ---- */

/* The first flight at or after the position. */
static size_t find_place(const rk_window *window, uint64_t position) {
    size_t low = 0, high = window->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (window->flights[middle].position < position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The flight at the position that this worker (NULL: any) was given last, or NULL. */
static rk_flight *find_flight(rk_window *window, uint64_t position, const rk_holder *holder) {
    size_t index = find_place(window, position);
    rk_flight *flight = &window->flights[index];
    if (index == window->count || flight->position != position) return NULL;
    if (!holder) return flight;
    bool own = flight->attempt != NEVER_GIVEN && memcmp(flight->holder.bytes, holder->bytes, RK_HOLDER_SIZE) == 0;
    return own ? flight : NULL;
}

static void remove_flight(rk_window *window, rk_flight *flight) {
    size_t index = (size_t)(flight - window->flights);
    memmove(flight, flight + 1, (window->count - index - 1) * sizeof *flight);
    window->count--;
}

/* Whether its time has not passed; one that is further ahead than any lease is from before the clock stepped back. */
static bool runs(const rk_flight *flight, uint64_t now_ms) {
    return flight->until_ms > now_ms && flight->until_ms - now_ms <= RK_LEASE_MS_MAX;
}

rk_flight_state rk_flight_state_at(const rk_flight *flight, uint64_t now_ms, uint32_t attempts) {
    if (flight->attempt == NEVER_GIVEN) return flight->until_ms > now_ms ? RK_FLIGHT_FREE : RK_FLIGHT_DUE;
    if (runs(flight, now_ms)) return RK_FLIGHT_OUT;
    return flight->attempt < attempts ? RK_FLIGHT_FREE : RK_FLIGHT_DUE;
}

uint64_t rk_window_next_ms(const rk_window *window, uint64_t now_ms) {
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < window->count; i++) {
        uint64_t until = window->flights[i].until_ms;
        if (until > now_ms && until < next) next = until;
    }
    return next;
}

uint64_t rk_window_cursor(const rk_window *window) {
    return window->count ? window->flights[0].position - 1 : window->seen;
}

size_t rk_window_out(const rk_window *window, uint64_t now_ms, uint32_t attempts) {
    size_t out = 0;
    for (size_t i = 0; i < window->count; i++) {
        out += rk_flight_state_at(&window->flights[i], now_ms, attempts) == RK_FLIGHT_OUT;
    }
    return out;
}

/* ---- what happens ---- */

void rk_window_note(rk_window *window, uint64_t position, uint64_t until_ms) {
    RK_ASSERT(window->count < RK_FLIGHTS_MAX && position > window->seen);
    window->flights[window->count++] = (rk_flight){.position = position, .until_ms = until_ms};
    window->seen = position;
}

void rk_window_pass(rk_window *window, uint64_t position) {
    if (position > window->seen) window->seen = position;
}

void rk_window_give(rk_window *window, size_t index, const rk_holder *holder, uint64_t until_ms) {
    RK_ASSERT(index < window->count);
    rk_flight *flight = &window->flights[index];
    if (flight->attempt < UINT32_MAX) flight->attempt++;
    flight->holder = *holder;
    flight->until_ms = until_ms;
}

bool rk_window_acknowledge(rk_window *window, uint64_t position, const rk_holder *holder) {
    rk_flight *flight = find_flight(window, position, holder);
    if (!flight) return false;
    remove_flight(window, flight);
    return true;
}

bool rk_window_release(rk_window *window, uint64_t position, const rk_holder *holder) {
    rk_flight *flight = find_flight(window, position, holder);
    if (!flight) return false;
    flight->until_ms = 0;
    return true;
}

bool rk_window_park(rk_window *window, uint64_t position, const rk_holder *holder, rk_flight *flight_out) {
    rk_flight *flight = find_flight(window, position, holder);
    if (!flight) return false;
    *flight_out = *flight;
    remove_flight(window, flight);
    window->parked++;
    return true;
}

bool rk_window_put_back(rk_window *window, uint64_t position, uint64_t until_ms) {
    size_t index = find_place(window, position);
    if (window->count == RK_FLIGHTS_MAX || position == 0 || position > window->seen) return false;
    if (index < window->count && window->flights[index].position == position) return false;
    memmove(&window->flights[index + 1], &window->flights[index], (window->count - index) * sizeof *window->flights);
    window->flights[index] = (rk_flight){.position = position, .until_ms = until_ms};
    window->count++;
    if (window->parked > 0) window->parked--;
    return true;
}

void rk_window_set_back(rk_window *window, uint64_t position) {
    if (position >= window->seen) return;
    window->set_back_from = window->seen;
    window->set_back_to = position;
    window->seen = position;
    window->count = find_place(window, position + 1);
}

/* ---- bytes ---- */

static void put_number(rk_buffer *buffer, uint64_t number) {
    uint8_t bytes[8];
    rk_put_u64(bytes, number);
    rk_buffer_append(buffer, rk_bytes_of(bytes, sizeof bytes));
}

void rk_window_encode(const rk_window *window, rk_buffer *buffer) {
    const uint64_t numbers[] = {window->epoch, window->seen, window->set_back_from, window->set_back_to,
                                window->parked};
    rk_buffer_append_byte(buffer, FORMAT);
    rk_buffer_append(buffer, rk_bytes_of(window->born, RK_BORN_SIZE));
    rk_buffer_append(buffer, rk_bytes_of(window->log, RK_WINDOW_LOG_SIZE));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) put_number(buffer, numbers[i]);
    for (size_t i = 0; i < window->count; i++) {
        const rk_flight *flight = &window->flights[i];
        uint32_t attempt = flight->attempt;
        put_number(buffer, flight->position);
        put_number(buffer, flight->until_ms);
        for (unsigned shift = 32; shift > 0; shift -= 8)
            rk_buffer_append_byte(buffer, (uint8_t)(attempt >> (shift - 8)));
        rk_buffer_append(buffer, rk_bytes_of(flight->holder.bytes, RK_HOLDER_SIZE));
    }
}

static void read_flight(const uint8_t *at, rk_flight *flight) {
    flight->position = rk_get_u64(at);
    flight->until_ms = rk_get_u64(at + 8);
    flight->attempt = 0;
    for (size_t i = 0; i < 4; i++) flight->attempt = flight->attempt << 8 | at[16 + i];
    memcpy(flight->holder.bytes, at + 20, RK_HOLDER_SIZE);
}

rk_status rk_window_decode(rk_bytes bytes, rk_window *window_out, rk_error *error) {
    rk_window *window = window_out;
    const uint8_t *at = bytes.data;
    memset(window, 0, sizeof *window);
    if (bytes.size < HEAD_SIZE || bytes.size > RK_WINDOW_SIZE_MAX || (bytes.size - HEAD_SIZE) % FLIGHT_SIZE != 0 ||
        at[0] != FORMAT) {
        return rk_fail(error, RK_CORRUPT, "consumer", "its window has another form");
    }
    memcpy(window->born, at + 1, RK_BORN_SIZE);
    memcpy(window->log, at + 17, RK_WINDOW_LOG_SIZE);
    window->epoch = rk_get_u64(at + 33);
    window->seen = rk_get_u64(at + 41);
    window->set_back_from = rk_get_u64(at + 49);
    window->set_back_to = rk_get_u64(at + 57);
    window->parked = rk_get_u64(at + 65);
    size_t count = (bytes.size - HEAD_SIZE) / FLIGHT_SIZE;
    uint64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        rk_flight *flight = &window->flights[i];
        read_flight(at + HEAD_SIZE + i * FLIGHT_SIZE, flight);
        if (flight->position <= before || flight->position > window->seen) {
            return rk_fail(error, RK_CORRUPT, "consumer", "its flights are out of order");
        }
        before = flight->position;
    }
    window->count = count;
    return RK_OK;
}
