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
}

void rki_writers_call(rk_server *server, rki_account *first) {
    rk_mutex_lock(server->mutex);
    while (first) {
        rki_account *account = first;
        first = account->next;
        server->scheduled--;
        enqueue(server, account);
        rk_signal_wake(server->work);
    }
    if (server->stopping && server->scheduled == 0) rk_signal_wake_all(server->work);
    rk_mutex_unlock(server->mutex);
}

/* Under the account's lock. */
static void push(rki_account *account, rki_request *request) {
    request->job.next = NULL;
    request->stage = RKI_WAITING;
    request->counted = true;
    request->server->unanswered++;
    if (account->last) {
        account->last->job.next = request;
    } else {
        account->first = request;
    }
    account->last = request;
    account->waiting++;
    if (account->lingers) rk_signal_wake(account->arrived);
}

/* Whether it was pushed: only to an account that is with a writer, or on its way to one. */
static bool push_along(rki_account *account, rki_request *request) {
    rk_mutex_lock(account->mutex);
    bool pushed = account->scheduled && account->waiting < RK_SERVER_WAITING_MAX;
    if (pushed) push(account, request);
    rk_mutex_unlock(account->mutex);
    return pushed;
}

/* Whether a writer will see it is decided under the server's lock: none stops while one is scheduled. */
static rk_status push_first(rki_request *request, rk_error *error) {
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
        server->scheduled++;
        rki_loop_schedule(request->loop, account);
    }
    rk_mutex_unlock(server->mutex);
    if (stopping) return rk_fail(error, RK_BUSY, NULL, "the server is stopping");
    if (erased) return rk_fail(error, RK_NOT_FOUND, NULL, "the account was erased");
    return full ? rk_fail(error, RK_BUSY, NULL, "too many appends of this account wait") : RK_OK;
}

/* A writer may be done with it before it is suspended: only this thread resumes it, and not before it is back. */
rk_status rki_append_later(rki_request *request, rk_error *error) {
    if (!push_along(request->account, request)) RK_TRY(push_first(request, error));
    MHD_suspend_connection(request->connection);
    return RK_OK;
}

void rki_append_end(rki_request *request) {
    rk_server *server = request->server;
    if (!request->counted) return;
    server->unanswered--;
    if (!server->stopping) return; /* who stops the server looks at the count after that */
    rk_mutex_lock(server->mutex);
    rki_see_drained(server);
    rk_mutex_unlock(server->mutex);
}

/* ---- what waits ---- */

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

/* ---- a round: one group, or one import of batches ---- */

/* Requests in the order in which they came. */
typedef struct line {
    rki_request *first, *last;
} line;

typedef struct round {
    rki_account *account;
    rk_group *group;
    line done;  /* judged; they wait for the commit */
    line held;  /* refused because another was faster: they are told one after the other */
    line left;  /* for another round */
    bool wrote; /* something was accepted */
    uint64_t position;
} round;

static void stand(line *line, rki_request *request) {
    request->job.next = NULL;
    if (line->last) {
        line->last->job.next = request;
    } else {
        line->first = request;
    }
    line->last = request;
}

static rki_request *leave(line *line) {
    rki_request *request = line->first;
    if (!request) return NULL;
    line->first = request->job.next;
    if (!line->first) line->last = NULL;
    request->job.next = NULL;
    return request;
}

/* Their connections go on. */
static void resume_all(const round *round, line *line) {
    rki_resume_all(round->account->server, line->first);
    line->first = line->last = NULL;
}

static void note_position(round *round, uint64_t position) {
    if (position > round->position) round->position = position;
}

/* One that is refused for a version goes to `refused`. */
static void judge_to(round *round, rki_request *request, line *refused) {
    rki_job *job = &request->job;
    job->status = rk_engine_group_submit(round->group, request->actor, &job->terms, job->intents, job->count,
                                         &request->arena, &job->entries, &job->error);
    if (job->status == RK_BUSY && round->wrote) {
        stand(&round->left, request);
    } else if (job->status == RK_VERSION_CONFLICT) {
        stand(refused, request);
    } else {
        stand(&round->done, request);
    }
    if (job->status != RK_OK) return;
    round->wrote = true;
    for (size_t i = 0; i < job->count; i++) note_position(round, job->entries[i].position);
}

/* Judges all in order. What does not fit any more, or is a batch, and all behind it, is left for another round. */
static void judge_jobs(round *round, rki_request *first) {
    while (first) {
        rki_request *request = first;
        first = request->job.next;
        if (round->left.first || request->job.batch.size > 0) {
            stand(&round->left, request);
        } else {
            judge_to(round, request, &round->held);
        }
    }
}

/* What has come meanwhile, waiting for it a little. */
static rki_request *await_jobs(rki_account *account) {
    rk_mutex_lock(account->mutex);
    account->lingers = true;
    if (!account->first) rk_signal_wait(account->arrived, account->mutex, 1);
    account->lingers = false;
    rk_mutex_unlock(account->mutex);
    return take_jobs(account);
}

/*
 * Many who expect one version of an entity: one of them is right, and the others come again with the next. Were they
 * all told at once, all would come at once, and one group would take one of them. Here one is told after the other,
 * while the group is open, and each finds the version that it was told: it is judged again for that. Should the commit
 * then fail, that version never was: who comes with it is refused again, with the one that is.
 */
static void linger(round *round) {
    uint64_t end_ms = rk_clock_ms() + RK_SERVER_LINGER_MS;
    line last = {NULL, NULL};
    while (round->wrote && round->held.first != round->held.last && !round->left.first && rk_clock_ms() < end_ms) {
        line told = {NULL, NULL};
        judge_to(round, leave(&round->held), &told);
        resume_all(round, &told);
        judge_jobs(round, await_jobs(round->account));
    }
    for (rki_request *held = leave(&round->held); held; held = leave(&round->held)) judge_to(round, held, &last);
    round->held = last;
}

static rk_status commit_group(round *round, rk_engine *engine, rki_request *first, rk_error *error) {
    rk_status status = rk_engine_group_start(engine, &round->group, error);
    if (status != RK_OK) {
        round->done.first = first;
        return status;
    }
    judge_jobs(round, first);
    linger(round);
    return rk_engine_group_finish(round->group, error);
}

/* The batches that come first, each judged for itself, with one sync. What is no batch ends them, and is left. */
static rk_status commit_batches(round *round, rk_engine *engine, rki_request *first, rk_error *error) {
    rk_import *import = NULL;
    rk_import_report report;
    rk_status status = rk_engine_import_start(engine, &import, error);
    while (first) {
        rki_request *request = first;
        rki_job *job = &request->job;
        first = job->next;
        stand(job->batch.size > 0 && !round->left.first ? &round->done : &round->left, request);
        if (status != RK_OK || round->left.first) continue;
        job->status =
            rk_engine_import_offer(import, request->actor, job->batch, &request->arena, &job->outcome, &job->error);
        if (job->status == RK_OK) note_position(round, job->outcome.first_position - 1 + job->outcome.event_count);
        if (rk_status_exit(job->status) != 3) continue;
        status = job->status;
        if (error) *error = job->error;
        rk_engine_import_abort(import);
    }
    return status == RK_OK ? rk_engine_import_finish(import, &report, error) : status;
}

/* What was accepted is so only now, or not at all. */
static void settle(round *round, rk_status status, const rk_error *error) {
    rki_account *account = round->account;
    for (rki_request *at = round->done.first; at && status != RK_OK; at = at->job.next) {
        if (at->job.status != RK_OK) continue;
        at->job.status = status;
        at->job.error = *error;
    }
    if (status == RK_OK) {
        rk_mutex_lock(account->mutex);
        if (round->position > account->position) account->position = round->position;
        rk_mutex_unlock(account->mutex);
    } else if (status != RK_DISK_FULL) {
        /*
         * A failed write leaves a log that refuses all others until it is opened anew. A full disk does not: the log
         * stays open, because opening takes room, and is what readers share.
         */
        rki_handle_close(account->writer);
        account->writer = NULL;
    }
}

static void write_account(rki_account *account) {
    round round = {.account = account};
    rk_error error = {.code = RK_OK};
    rki_request *first = take_jobs(account);
    if (!first) return;
    uint64_t started_us = rk_clock_steady_us();
    rk_status status = account->writer ? RK_OK : rki_handle_open(account, &account->writer, &error);
    if (status != RK_OK) {
        round.done.first = first;
    } else if (first->job.batch.size > 0) {
        status = commit_batches(&round, account->writer->engine, first, &error);
    } else {
        status = commit_group(&round, account->writer->engine, first, &error);
    }
    settle(&round, status, &error);
    if (round.left.first) give_back(account, round.left.first);
    rki_watch_group(account, round.done.first, rk_clock_steady_us() - started_us);
    resume_all(&round, &round.done);
    resume_all(&round, &round.held);
    rki_live_wake(account);
}

void rki_writer_run(void *context) {
    rk_server *server = context;
    rk_mutex_lock(server->mutex);
    for (;;) {
        while (!server->queue_first && !(server->stopping && server->scheduled == 0)) {
            rk_signal_wait(server->work, server->mutex, 0);
        }
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
        if (more) enqueue(server, account); /* nobody is woken: this thread takes one itself */
    }
    rk_mutex_unlock(server->mutex);
}
