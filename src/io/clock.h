/*
 * Clocks of a process.
 */
#ifndef RK_IO_CLOCK_H
#define RK_IO_CLOCK_H

#include <stdint.h>

/* The wall clock: milliseconds since 1970-01-01T00:00:00Z. It may step back. */
uint64_t rk_clock_ms(void);
/* A clock that never steps back, for measuring; its zero means nothing. */
uint64_t rk_clock_steady_us(void);
/* Waits; a signal ends it early. */
void rk_clock_sleep_ms(unsigned ms);

#endif
