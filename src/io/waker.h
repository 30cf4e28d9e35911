/*
 * Waking a thread that waits with epoll (eventfd).
 */
#ifndef RK_IO_WAKER_H
#define RK_IO_WAKER_H

typedef struct rk_waker rk_waker;

/* Of who waits on the epoll set, which stays the caller's; its events there carry NULL. NULL when there is none to be
   had. */
rk_waker *rk_waker_new(int set);
/* NULL is allowed. */
void rk_waker_free(rk_waker *waker);
/* Whoever waits goes on, or who waits next. Any thread may. */
void rk_waker_wake(rk_waker *waker);

#endif
