/*
 * Limits of POSIX.
 */
#include "io/limits.h"

#include <sched.h>
#include <sys/resource.h>

enum { FILES_LEAST = 256, FILES_MOST = 1 << 20 }; /* what is said where the system says nothing, or no bound */

uint64_t rk_limits_raise_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return FILES_LEAST;
    rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0) soft = limit.rlim_max;
    return soft > FILES_MOST ? FILES_MOST : soft;
}

uint64_t rk_limits_processors(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (uint64_t)CPU_COUNT(&set) : 1;
}
