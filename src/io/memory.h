/*
 * Memory from the C library, for a process.
 */
#ifndef RK_IO_MEMORY_H
#define RK_IO_MEMORY_H

#include "base/arena.h"

/* Blocks of malloc. Borrowed, lives as long as the process. */
const rk_memory *rk_memory_system(void);

#endif
