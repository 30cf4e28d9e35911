/*
 * Clocks from the operating system.
 */
#include "io/clock.h"

#include <time.h>

#include "base/status.h"

static uint64_t read_us(clockid_t clock) {
    struct timespec now;
    int failed = clock_gettime(clock, &now);
    RK_ASSERT(!failed);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t rk_clock_ms(void) {
    return read_us(CLOCK_REALTIME) / 1000;
}

uint64_t rk_clock_steady_us(void) {
    return read_us(CLOCK_MONOTONIC);
}

void rk_clock_sleep_ms(unsigned ms) {
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}
