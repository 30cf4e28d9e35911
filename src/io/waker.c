/*
 * An eventfd in the epoll set of who waits.
 */
#include "io/waker.h"

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/memory.h"

struct rk_waker {
    int fd;
};

rk_waker *rk_waker_new(int set) {
    const rk_memory *memory = rk_memory_system();
    rk_waker *waker = memory->take(memory->context, sizeof *waker);
    if (!waker) return NULL;
    waker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    /* Each word is an edge, so that nobody has to read what it counts. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.ptr = NULL}};
    if (waker->fd >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, waker->fd, &event) == 0) return waker;
    rk_waker_free(waker);
    return NULL;
}

void rk_waker_free(rk_waker *waker) {
    const rk_memory *memory = rk_memory_system();
    if (!waker) return;
    if (waker->fd >= 0) close(waker->fd);
    memory->give(memory->context, waker, sizeof *waker);
}

void rk_waker_wake(rk_waker *waker) {
    const uint64_t one = 1;
    /* It fails only where the count is full, after 2^64 words. */
    if (write(waker->fd, &one, sizeof one) < 0) return;
}
