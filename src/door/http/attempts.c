/*
 * Counts of tries: two rows of places, the smaller count says.
 */
#include "door/http/attempts.h"

#include <string.h>

_Static_assert(RK_ATTEMPTS_ROWS * 8 <= RK_HASH_SIZE, "one hash gives a place in each row");

void rk_attempts_init(rk_attempts *attempts, const uint8_t seed[RK_ATTEMPTS_SEED_SIZE]) {
    memset(attempts, 0, sizeof *attempts);
    memcpy(attempts->seed, seed, RK_ATTEMPTS_SEED_SIZE);
}

static void places_of(rk_attempts *attempts, const rk_crypto *crypto, rk_bytes who,
                      uint32_t *places[RK_ATTEMPTS_ROWS]) {
    rk_hash hash = rk_hmac_sha256(crypto, rk_bytes_of(attempts->seed, sizeof attempts->seed), who);
    for (size_t row = 0; row < RK_ATTEMPTS_ROWS; row++) {
        places[row] = &attempts->counts[row][rk_get_u64(hash.bytes + 8 * row) % RK_ATTEMPTS_PLACES];
    }
}

rk_status rk_attempts_count(rk_attempts *attempts, const rk_crypto *crypto, rk_bytes who, uint32_t most, uint64_t now_s,
                            uint64_t *wait_s_out, rk_error *error) {
    uint32_t *places[RK_ATTEMPTS_ROWS];
    uint64_t minute = now_s / RK_ATTEMPTS_SECONDS;
    *wait_s_out = 0;
    if (minute > attempts->minute) {
        memset(attempts->counts, 0, sizeof attempts->counts);
        attempts->minute = minute;
    }
    places_of(attempts, crypto, who, places);
    bool full = true;
    for (size_t row = 0; row < RK_ATTEMPTS_ROWS; row++) full &= *places[row] >= most;
    if (full) {
        uint64_t end_s = (attempts->minute + 1) * RK_ATTEMPTS_SECONDS;
        *wait_s_out = end_s - now_s;
        return rk_fail(error, RK_TOO_MANY, NULL, "%u tries within a minute are all that may be", (uint64_t)most);
    }
    for (size_t row = 0; row < RK_ATTEMPTS_ROWS; row++) *places[row] += *places[row] < UINT32_MAX;
    return RK_OK;
}

void rk_attempts_forgive(rk_attempts *attempts, const rk_crypto *crypto, rk_bytes who, uint64_t now_s) {
    uint32_t *places[RK_ATTEMPTS_ROWS];
    if (now_s / RK_ATTEMPTS_SECONDS != attempts->minute) return;
    places_of(attempts, crypto, who, places);
    for (size_t row = 0; row < RK_ATTEMPTS_ROWS; row++) *places[row] -= *places[row] > 0;
}
