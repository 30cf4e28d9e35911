/*
 * Waiting for a descriptor that a library reads, or for another thread's word (epoll, eventfd).
 */
#ifndef RK_IO_WAITER_H
#define RK_IO_WAITER_H

typedef struct rk_waiter rk_waiter;

/* For one thread that waits until `fd` can be read, which stays the caller's. NULL when there is none to be had. */
rk_waiter *rk_waiter_new(int fd);
/* NULL is allowed. */
void rk_waiter_free(rk_waiter *waiter);
/* Until `fd` can be read, it was woken since the last time, or `ms` have passed (-1: no bound). May return before. */
void rk_waiter_wait(rk_waiter *waiter, int ms);
/* Any thread may. */
void rk_waiter_wake(rk_waiter *waiter);

#endif
