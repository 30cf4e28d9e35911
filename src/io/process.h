/*
 * What this process takes of its machine.
 */
#ifndef RK_IO_PROCESS_H
#define RK_IO_PROCESS_H

#include <stdint.h>

/* Bytes of memory that are its own now; 0 where the system does not say. */
uint64_t rk_process_memory(void);
/* Files and sockets that it has open; 0 where the system does not say. */
uint64_t rk_process_files(void);
/* How many it may have open. */
uint64_t rk_process_files_max(void);

#endif
