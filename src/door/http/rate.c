/*
 * Rates: a time to come for each who asks; crowds: two rows of them, the better one says.
 */
#include "door/http/rate.h"

#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

_Static_assert(RK_CROWD_ROWS * 8 <= RK_HASH_SIZE, "one hash gives a place in each row");

bool rk_rate_take(rk_rate *rate, uint64_t rate_max, uint64_t now_ms, uint64_t *wait_ms_out) {
    uint64_t now_ns = now_ms * 1000000, step_ns = rate_max ? SECOND_NS / rate_max : SECOND_NS;
    *wait_ms_out = 0;
    if (rate->full_ns < now_ns) rate->full_ns = now_ns;
    /* Further ahead than any that passed: the clock stepped back. */
    if (rate->full_ns > now_ns + SECOND_NS) rate->full_ns = now_ns + SECOND_NS;
    if (rate->full_ns + step_ns > now_ns + SECOND_NS) {
        *wait_ms_out = (rate->full_ns + step_ns - now_ns - SECOND_NS + 999999) / 1000000;
        return false;
    }
    rate->full_ns += step_ns;
    return true;
}

void rk_crowd_init(rk_crowd *crowd, const uint8_t seed[RK_CROWD_SEED_SIZE]) {
    memset(crowd, 0, sizeof *crowd);
    memcpy(crowd->seed, seed, RK_CROWD_SEED_SIZE);
}

rk_crowd_key rk_crowd_key_of(const rk_crowd *crowd, const rk_crypto *crypto, rk_bytes who) {
    rk_crowd_key key;
    rk_hash hash = rk_hmac_sha256(crypto, rk_bytes_of(crowd->seed, sizeof crowd->seed), who);
    for (size_t row = 0; row < RK_CROWD_ROWS; row++) {
        key.places[row] = (uint32_t)(rk_get_u64(hash.bytes + 8 * row) % RK_CROWD_PLACES);
    }
    return key;
}

uint32_t rk_crowd_connections(const rk_crowd *crowd, rk_crowd_key key) {
    uint32_t least = UINT32_MAX;
    for (size_t row = 0; row < RK_CROWD_ROWS; row++) {
        uint32_t count = crowd->places[row][key.places[row]].connections;
        if (count < least) least = count;
    }
    return least;
}

void rk_crowd_join(rk_crowd *crowd, rk_crowd_key key) {
    for (size_t row = 0; row < RK_CROWD_ROWS; row++) crowd->places[row][key.places[row]].connections++;
}

void rk_crowd_leave(rk_crowd *crowd, rk_crowd_key key) {
    for (size_t row = 0; row < RK_CROWD_ROWS; row++) crowd->places[row][key.places[row]].connections--;
}

/* Each row takes it; one that can is enough. */
bool rk_crowd_take(rk_crowd *crowd, rk_crowd_key key, uint64_t rate_max, uint64_t now_ms, uint64_t *wait_ms_out) {
    bool taken = false;
    uint64_t wait_ms = UINT64_MAX;
    for (size_t row = 0; row < RK_CROWD_ROWS; row++) {
        uint64_t row_wait_ms = 0;
        taken |= rk_rate_take(&crowd->places[row][key.places[row]].rate, rate_max, now_ms, &row_wait_ms);
        if (row_wait_ms < wait_ms) wait_ms = row_wait_ms;
    }
    *wait_ms_out = taken ? 0 : wait_ms;
    return taken;
}
