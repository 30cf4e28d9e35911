/*
 * POSIX threads behind the names of this project.
 */
#include "io/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct rk_mutex {
    pthread_mutex_t mutex;
};

struct rk_signal {
    pthread_cond_t condition;
};

struct rk_thread {
    pthread_t thread;
    void (*run)(void *context);
    void *context;
};

rk_mutex *rk_mutex_new(void) {
    rk_mutex *mutex = malloc(sizeof *mutex);
    if (mutex && pthread_mutex_init(&mutex->mutex, NULL) != 0) {
        free(mutex);
        mutex = NULL;
    }
    return mutex;
}

void rk_mutex_free(rk_mutex *mutex) {
    if (!mutex) return;
    RK_ASSERT(pthread_mutex_destroy(&mutex->mutex) == 0);
    free(mutex);
}

void rk_mutex_lock(rk_mutex *mutex) {
    RK_ASSERT(pthread_mutex_lock(&mutex->mutex) == 0);
}

void rk_mutex_unlock(rk_mutex *mutex) {
    RK_ASSERT(pthread_mutex_unlock(&mutex->mutex) == 0);
}

/* Waits are counted on the clock that nobody sets. */
rk_signal *rk_signal_new(void) {
    rk_signal *signal = malloc(sizeof *signal);
    pthread_condattr_t attributes;
    if (!signal) return NULL;
    RK_ASSERT(pthread_condattr_init(&attributes) == 0);
    RK_ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    int failed = pthread_cond_init(&signal->condition, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!failed) return signal;
    free(signal);
    return NULL;
}

void rk_signal_free(rk_signal *signal) {
    if (!signal) return;
    pthread_cond_destroy(&signal->condition);
    free(signal);
}

void rk_signal_wait(rk_signal *signal, rk_mutex *mutex, unsigned ms) {
    if (ms == 0) {
        RK_ASSERT(pthread_cond_wait(&signal->condition, &mutex->mutex) == 0);
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int status = pthread_cond_timedwait(&signal->condition, &mutex->mutex, &until);
    RK_ASSERT(status == 0 || status == ETIMEDOUT);
}

void rk_signal_wake(rk_signal *signal) {
    pthread_cond_signal(&signal->condition);
}

void rk_signal_wake_all(rk_signal *signal) {
    pthread_cond_broadcast(&signal->condition);
}

static void *run_thread(void *argument) {
    rk_thread *thread = argument;
    thread->run(thread->context);
    return NULL;
}

rk_status rk_thread_start(void (*run)(void *context), void *context, rk_thread **thread_out, rk_error *error) {
    rk_thread *thread = malloc(sizeof *thread);
    *thread_out = NULL;
    if (!thread) return rk_fail(error, RK_NO_MEMORY, "thread", "no memory for it");
    thread->run = run;
    thread->context = context;
    int failed = pthread_create(&thread->thread, NULL, run_thread, thread);
    if (!failed) {
        *thread_out = thread;
        return RK_OK;
    }
    free(thread);
    return rk_fail(error, RK_IO, "thread", "it does not start: %s", strerror(failed));
}

void rk_thread_join(rk_thread *thread) {
    if (!thread) return;
    RK_ASSERT(pthread_join(thread->thread, NULL) == 0);
    free(thread);
}

static void stop_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

void rk_stop_prepare(void) {
    sigset_t set;
    stop_signals(&set);
    RK_ASSERT(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    signal(SIGPIPE, SIG_IGN);
}

void rk_stop_wait(void) {
    sigset_t set;
    int got = 0;
    stop_signals(&set);
    while (sigwait(&set, &got) != 0) continue;
}
