/*
 * What the system lets this process have.
 */
#ifndef RK_IO_LIMITS_H
#define RK_IO_LIMITS_H

#include <stdint.h>

/* Lets the process open as many files as it may without a privilege (the hard limit), and returns how many. */
uint64_t rk_limits_raise_files(void);
/* The processors that it may use, at least 1. */
uint64_t rk_limits_processors(void);

#endif
