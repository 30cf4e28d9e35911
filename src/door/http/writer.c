/*
 * Writers: an account's waiting appends become one group, one record, one sync.
 *
 * Invariants
 *   (1) One writer at a time has an account; which of the threads it is does not matter.
 *   (2) A connection is resumed once its job has an outcome that will not change: what is accepted is durable by then.
 *   (3) A noisy account waits behind others: after each group it goes to the end of the queue.
 */
#include <string.h>

#include "door/http/request.h"
#include "io/clock.h"

/* ---- the queue ---- */

/* Under the server's lock. */
static void enqueue(rk_server *server, rki_account *account) {
    account->next = NULL;
    account->queued_at = server->turns_taken;
    if (server->queue_last) {
        server->queue_last->next = account;
    } else {
        server->queue_first = account;
    }
    server->queue_last = account;
    rk_signal_wake(server->work);
}

/* Under both locks, the server's first. */
static void push(rki_account *account, rki_request *request) {
    request->job.next = NULL;
    request->stage = RKI_WAITING;
    request->counted = true;
    request->server->unanswered++;
    MHD_suspend_connection(request->connection);
    if (account->last) {
        account->last->job.next = request;
    } else {
        account->first = request;
    }
    account->last = request;
    account->waiting++;
}

/* Whether a writer will see it is decided under the server's lock: none stops while the queue is not empty. */
rk_status rki_append_later(rki_request *request, rk_error *error) {
    rki_account *account = request->account;
    rk_server *server = request->server;
    rk_mutex_lock(server->mutex);
    rk_mutex_lock(account->mutex);
    bool full = account->waiting >= RK_SERVER_WAITING_MAX, stopping = server->stopping, erased = account->erased;
    bool schedule = !full && !stopping && !erased && !account->scheduled;
    if (!full && !stopping && !erased) {
        push(account, request);
        account->scheduled = true;
    }
    rk_mutex_unlock(account->mutex);
    if (schedule) {
        account->users++; /* the queue's */
        enqueue(server, account);
    }
    rk_mutex_unlock(server->mutex);
    if (stopping) return rk_fail(error, RK_BUSY, NULL, "the server is stopping");
    if (erased) return rk_fail(error, RK_NOT_FOUND, NULL, "the account was erased");
    return full ? rk_fail(error, RK_BUSY, NULL, "too many appends of this account wait") : RK_OK;
}

void rki_append_end(rki_request *request) {
    rk_server *server = request->server;
    if (!request->counted) return;
    rk_mutex_lock(server->mutex);
    server->unanswered--;
    rki_see_drained(server);
    rk_mutex_unlock(server->mutex);
}

/* ---- a group ---- */

/* Takes what waits, at most RK_SERVER_GROUP_MAX. */
static rki_request *take_jobs(rki_account *account) {
    rk_mutex_lock(account->mutex);
    rki_request *first = account->first, *last = NULL;
    size_t count = 0;
    for (rki_request *at = first; at && count < RK_SERVER_GROUP_MAX; at = at->job.next, count++) last = at;
    if (last) {
        account->first = last->job.next;
        if (!account->first) account->last = NULL;
        last->job.next = NULL;
    }
    account->waiting -= count;
    rk_mutex_unlock(account->mutex);
    return first;
}

/* Puts what did not fit back in front. */
static void give_back(rki_account *account, rki_request *first) {
    size_t count = 1;
    rki_request *last = first;
    while (last->job.next) {
        last = last->job.next;
        count++;
    }
    rk_mutex_lock(account->mutex);
    last->job.next = account->first;
    account->first = first;
    if (!account->last) account->last = last;
    account->waiting += count;
    rk_mutex_unlock(account->mutex);
}

static void fail_from(rki_request *first, const rki_request *end, rk_status status, const rk_error *error) {
    for (rki_request *at = first; at != end; at = at->job.next) {
        if (at->job.status != RK_OK) continue;
        at->job.status = status;
        at->job.error = *error;
    }
}

/* Judges all in order. The first that does not fit any more, or is a batch, ends the group, and is returned. */
static rki_request *judge_jobs(rk_group *group, rki_request *first) {
    for (rki_request *at = first; at; at = at->job.next) {
        rki_job *job = &at->job;
        if (job->batch.size > 0) return at;
        job->status = rk_engine_group_submit(group, at->actor, &job->terms, job->intents, job->count, &at->arena,
                                             &job->entries, &job->error);
        if (job->status == RK_BUSY && at != first) return at;
    }
    return NULL;
}

static rk_status commit_group(rk_engine *engine, rki_request *first, rki_request **left_out, rk_error *error) {
    rk_group *group = NULL;
    RK_TRY(rk_engine_group_start(engine, &group, error));
    *left_out = judge_jobs(group, first);
    return rk_engine_group_finish(group, error);
}

/* The batches that come first, each judged for itself, with one sync. What is no batch ends them, and is returned. */
static rk_status commit_batches(rk_engine *engine, rki_request *first, rki_request **left_out, rk_error *error) {
    rk_import *import = NULL;
    rk_import_report report;
    rki_request *at = first;
    RK_TRY(rk_engine_import_start(engine, &import, error));
    for (; at && at->job.batch.size > 0; at = at->job.next) {
        rki_job *job = &at->job;
        job->status = rk_engine_import_offer(import, at->actor, job->batch, &at->arena, &job->outcome, &job->error);
        if (rk_status_exit(job->status) != 3) continue;
        if (error) *error = job->error;
        rk_engine_import_abort(import);
        return job->status;
    }
    *left_out = at;
    return rk_engine_import_finish(import, &report, error);
}

static void commit_jobs(rki_account *account, rki_request *first, rki_request **left_out) {
    rk_error error = {.code = RK_OK};
    rk_engine_info info;
    rk_status status = account->writer ? RK_OK : rki_handle_open(account, &account->writer, &error);
    *left_out = NULL;
    if (status == RK_OK) {
        status = (first->job.batch.size > 0 ? commit_batches : commit_group)(account->writer->engine, first, left_out,
                                                                             &error);
    }
    if (status != RK_OK) fail_from(first, *left_out, status, &error);
    if (status == RK_OK && rk_engine_info_get(account->writer->engine, &info, &error) == RK_OK) {
        rk_mutex_lock(account->mutex);
        account->position = info.head.position;
        rk_mutex_unlock(account->mutex);
    }
    if (status != RK_OK) { /* a failed write leaves a log that refuses all others until it is opened anew */
        rki_handle_close(account->writer);
        account->writer = NULL;
    }
}

/* Those up to `end` have their outcome: their connections go on. A request is not touched after its resume. */
static void resume_jobs(rki_request *first, const rki_request *end) {
    while (first && first != end) {
        rki_request *next = first->job.next;
        MHD_resume_connection(first->connection);
        first = next;
    }
}

static void write_account(rki_account *account) {
    rki_request *left = NULL, *first = take_jobs(account);
    if (!first) return;
    uint64_t started_us = rk_clock_steady_us();
    commit_jobs(account, first, &left);
    if (left) {
        rki_request *before = first;
        while (before->job.next != left) before = before->job.next;
        before->job.next = NULL;
        give_back(account, left);
    }
    rki_watch_group(account, first, rk_clock_steady_us() - started_us);
    resume_jobs(first, NULL);
    rki_live_wake(account);
}

void rki_writer_run(void *context) {
    rk_server *server = context;
    rk_mutex_lock(server->mutex);
    for (;;) {
        while (!server->queue_first && !server->stopping) rk_signal_wait(server->work, server->mutex, 0);
        rki_account *account = server->queue_first;
        if (!account) break;
        server->queue_first = account->next;
        if (!server->queue_first) server->queue_last = NULL;
        rk_histogram_add(&server->metrics.group_waits, server->turns_taken++ - account->queued_at);
        rk_mutex_unlock(server->mutex);
        write_account(account);
        rk_mutex_lock(account->mutex);
        bool more = account->first != NULL;
        account->scheduled = more;
        rk_mutex_unlock(account->mutex);
        if (!more) rki_account_release(account);
        rk_mutex_lock(server->mutex);
        if (more) enqueue(server, account);
    }
    rk_mutex_unlock(server->mutex);
}
