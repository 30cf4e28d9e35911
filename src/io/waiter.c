/*
 * Waiting with epoll, whose set holds the library's descriptor and an eventfd.
 */
#include "io/waiter.h"

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/memory.h"

struct rk_waiter {
    int set, woken;
};

static int add(int set, int fd, uint32_t events) {
    struct epoll_event event = {.events = events};
    return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

rk_waiter *rk_waiter_new(int fd) {
    const rk_memory *memory = rk_memory_system();
    rk_waiter *waiter = memory->take(memory->context, sizeof *waiter);
    if (!waiter) return NULL;
    waiter->set = epoll_create1(EPOLL_CLOEXEC);
    waiter->woken = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    /* Each word is an edge, so that nobody has to read what it counts. */
    if (waiter->set >= 0 && waiter->woken >= 0 && add(waiter->set, fd, EPOLLIN) == 0 &&
        add(waiter->set, waiter->woken, EPOLLIN | EPOLLET) == 0) {
        return waiter;
    }
    rk_waiter_free(waiter);
    return NULL;
}

void rk_waiter_free(rk_waiter *waiter) {
    const rk_memory *memory = rk_memory_system();
    if (!waiter) return;
    if (waiter->set >= 0) close(waiter->set);
    if (waiter->woken >= 0) close(waiter->woken);
    memory->give(memory->context, waiter, sizeof *waiter);
}

void rk_waiter_wait(rk_waiter *waiter, int ms) {
    struct epoll_event events[2];
    if (epoll_wait(waiter->set, events, 2, ms) < 0) return; /* a signal */
}

void rk_waiter_wake(rk_waiter *waiter) {
    const uint64_t one = 1;
    /* It fails only where the count is full, after 2^64 words. */
    if (write(waiter->woken, &one, sizeof one) < 0) return;
}
