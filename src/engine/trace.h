/*
 * Traces: a document's editing history from elsewhere, played into the log.
 *
 * Each author becomes an actor `author-N` (role writer) and a replica of its own. Each transaction becomes one event,
 * resolved in the view that merges its parents, as if that author had typed it on a device of its own that had seen
 * exactly these. An author's consecutive transactions are sealed into batches with that author's key, and the truth
 * judges them like any device's.
 *
 * Invariants
 *   (1) Each author's own history is linear: all that an author has seen before is among the ancestors of what it does
 *       next. A trace that is not so is refused before anything of it is committed.
 *   (2) An id is above every id, and a text id above every text id, that its author has seen.
 *   (3) Groups of a few thousand events are made durable together: a kill loses the last group at most.
 */
#ifndef RK_ENGINE_TRACE_H
#define RK_ENGINE_TRACE_H

#include "engine/engine.h"

enum {
    RK_TRACE_AUTHORS_MAX = 4096,
    RK_TRACE_BATCH_EVENTS = 1000, /* most events of one batch */
    RK_TRACE_GROUP_EVENTS = 4000, /* events made durable together, about */
};

/* At `at`, `delete_count` code points go, then `text` comes. */
typedef struct rk_trace_patch {
    uint64_t at;
    uint64_t delete_count;
    rk_bytes text;
} rk_trace_patch;

typedef struct rk_trace_transaction {
    const uint32_t *parents; /* indexes of earlier transactions */
    uint32_t parent_count;
    uint32_t author;
    const rk_trace_patch *patches; /* one after another */
    size_t patch_count;
} rk_trace_transaction;

typedef struct rk_trace {
    const rk_trace_transaction *transactions; /* parents come first */
    size_t transaction_count;
    size_t author_count;
    rk_bytes end_content;
} rk_trace;

typedef struct rk_trace_report {
    uint64_t events;
    uint64_t authors;
    uint64_t authors_new; /* actors that had to be added */
    uint64_t batches;
} rk_trace_report;

typedef struct rk_trace_listener {
    void (*progress)(void *context, uint64_t done, uint64_t total); /* events made durable */
    void *context;
} rk_trace_listener;

/*
 * Plays the trace into `entity`, which must not be there yet; its module must have an event type with one step, a splice
 * of a text by a place in the data. `as` adds the actors that are missing. At the truth only. RK_NOT_TRUTH,
 * RK_UNKNOWN_MODULE, RK_UNKNOWN_TYPE, RK_VERSION_CONFLICT, RK_BAD_FILE, or why the truth refused an event; RK_CORRUPT when
 * the text that comes out is not the trace's end content.
 */
RK_MUST_USE rk_status rk_trace_play(rk_engine *engine, rk_bytes entity, rk_bytes as, const rk_trace *trace,
                                    const rk_trace_listener *listener, rk_trace_report *report_out, rk_error *error);

#endif
