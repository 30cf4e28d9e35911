/*
 * Memory from the C library, for a process.
 */
#ifndef RK_IO_MEMORY_H
#define RK_IO_MEMORY_H

#include "base/arena.h"

enum { RK_MEMORY_KEPT_MAX = 256 << 10 };

/*
 * Blocks of malloc. A thread keeps up to RK_MEMORY_KEPT_MAX bytes of those that it gives back, until it ends. For all
 * threads, whichever took a block. Borrowed, lives as long as the process.
 */
const rk_memory *rk_memory_system(void);
/* Bytes of the blocks that the calling thread keeps. */
size_t rk_memory_kept(void);

#endif
