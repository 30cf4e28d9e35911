/*
 * Threads, locks and signals between them (POSIX threads).
 *
 * Invariants
 *   (1) Locks are held for short. Who takes two says in which order.
 *   (2) What cannot fail in a correct program (a lock that is no lock) ends the process.
 */
#ifndef RK_IO_THREAD_H
#define RK_IO_THREAD_H

#include "base/status.h"

typedef struct rk_mutex rk_mutex;
typedef struct rk_signal rk_signal;
typedef struct rk_thread rk_thread;

/* NULL when memory ran out. */
rk_mutex *rk_mutex_new(void);
/* NULL is allowed, here and below. */
void rk_mutex_free(rk_mutex *mutex);
void rk_mutex_lock(rk_mutex *mutex);
void rk_mutex_unlock(rk_mutex *mutex);

rk_signal *rk_signal_new(void);
void rk_signal_free(rk_signal *signal);
/* Gives up the lock, waits until woken or `ms` have passed (0: no bound), and takes it again. May wake for nothing. */
void rk_signal_wait(rk_signal *signal, rk_mutex *mutex, unsigned ms);
void rk_signal_wake(rk_signal *signal);
void rk_signal_wake_all(rk_signal *signal);

/* Runs `run(context)` in a thread of its own. RK_NO_MEMORY, RK_IO. */
RK_MUST_USE rk_status rk_thread_start(void (*run)(void *context), void *context, rk_thread **thread_out,
                                      rk_error *error);
/* Waits for its end, and frees it. */
void rk_thread_join(rk_thread *thread);

/* Blocks SIGTERM and SIGINT for this thread and those it starts, so that rk_stop_wait sees them; ignores SIGPIPE. */
void rk_stop_prepare(void);
/* Waits until the process is told to stop. */
void rk_stop_wait(void);

#endif
