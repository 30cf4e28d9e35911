/*
 * The log seam: where sealed batches, commit records, events, and states derived from them, are kept.
 *
 * One log of one account lies in one place, which belongs to a truth or is a derived copy, never both. Every
 * implementation fills in one const rk_log_ops and passes the one conformance suite in log_testing.c.
 *
 * Invariants
 *   (1) Positions are gapless from 1; record numbers are gapless from 1; an entity's versions are gapless from 1.
 *   (2) One writer at a time: between begin(write) and commit nobody else writes, in this process or another, and what
 *       is read is what the append builds on.
 *   (3) What commit has returned RK_OK for survives kill -9 and loss of power; what it has not is there whole or not at
 *       all. After a failed sync the log refuses every further write with RK_IO, after damage with RK_CORRUPT, until it
 *       is opened anew.
 *   (4) Reads outside begin see the last commit; between begin and commit they see the writes so far.
 *   (5) A batch is stored once per replica and number; an event id once. Doubles are RK_BATCH_CONFLICT, RK_ID_CONFLICT.
 *   (6) Damage is named (RK_CORRUPT: what and where), never served.
 *
 * An entity is named by its text module/id. Bytes given out live in the arena handed in, or for a visitor's call only.
 */
#ifndef RK_STORE_LOG_H
#define RK_STORE_LOG_H

#include "core/event/record.h"

typedef struct rk_log rk_log;

typedef enum rk_log_mode {
    RK_LOG_CREATE,     /* make it; RK_DATABASE_EXISTS when it is there */
    RK_LOG_READ_WRITE, /* RK_NO_DATABASE when it is not there; repairs what a crash left and says so */
    RK_LOG_EXAMINE,    /* reads on past damage, telling `finding` of each damaged page; never writes */
} rk_log_mode;

/* Told of repairs on opening and of damage in check; `where` names a file, page or row. */
typedef struct rk_log_listener {
    void (*repaired)(void *context, const char *what);
    void (*finding)(void *context, const char *where, const char *what);
    void *context;
    bool (*stop)(void *context); /* asked often, in the middle of slots: true ends them with RK_BUSY. May be NULL */
} rk_log_listener;

/* Where a log stands. All zero before the first record. */
typedef struct rk_log_head {
    uint64_t epoch;
    uint64_t record;
    rk_hash record_hash; /* SHA-256 of the last record's bytes */
    uint64_t position;
    rk_stamp commit_stamp;
} rk_log_head;

typedef struct rk_stored_event {
    uint64_t position;     /* 0 while pending */
    uint64_t version;      /* the entity's, with this event; 0 while pending */
    uint64_t record;       /* 0 while pending */
    rk_stamp commit_stamp; /* 0 while pending */
    uint64_t replica;
    uint64_t batch;
    uint32_t leaf;
    uint32_t transaction; /* within the batch */
    rk_bytes bytes;
} rk_stored_event;

/* Anything but RK_OK ends the walk and is handed to its caller. */
typedef rk_status (*rk_event_visitor)(void *context, const rk_stored_event *event);

typedef enum rk_batch_state { RK_BATCH_PENDING, RK_BATCH_COMMITTED } rk_batch_state;

typedef struct rk_stored_batch {
    uint64_t replica;
    uint64_t number;
    rk_hash root;
    rk_batch_state state;
    bool own;        /* was pending here: its refused leaves are kept with their bytes */
    uint64_t record; /* 0 while pending */
    rk_bytes seal;
    rk_leaf *leaves; /* kind, salt, bytes or hash; not decoded */
    size_t leaf_count;
} rk_stored_batch;

typedef rk_status (*rk_batch_visitor)(void *context, const rk_stored_batch *batch);

/* One judged batch to commit. `reads` is its read set: entities, and the versions that they were judged at. */
typedef struct rk_append {
    const rk_batch *batch;
    const rk_record *record;
    rk_bytes record_bytes;
    const rk_expectation *reads;
    size_t read_count;
} rk_append;

/* Why a transaction was refused: for its sender only, until it has taken note. */
typedef struct rk_verdict {
    uint64_t replica;
    uint64_t batch;
    uint32_t transaction;
    rk_bytes code; /* rk_status_name */
    rk_bytes what;
    rk_bytes hint;
} rk_verdict;

typedef rk_status (*rk_verdict_visitor)(void *context, const rk_verdict *verdict);

/* A stored fold of an entity: bytes of core/reduce, and the version they stand at. */
typedef struct rk_stored_state {
    uint64_t version;
    uint64_t position;
    rk_bytes bytes;
} rk_stored_state;

typedef struct rk_stored_entity {
    rk_bytes entity;
    uint64_t version;
    uint64_t position; /* of its last committed event; 0 when it has pending ones only */
} rk_stored_entity;

typedef rk_status (*rk_entity_visitor)(void *context, const rk_stored_entity *entity);

/* What an entity is found by: one row for each value of an indexed field. Keys are those of core/value/index_key.h. */
typedef struct rk_index_row {
    rk_bytes field;
    rk_bytes key;
} rk_index_row;

typedef rk_status (*rk_index_visitor)(void *context, const rk_index_row *row);

/* Rows of one field of a module's entities with low <= key < high; `high` empty: to the last. */
typedef struct rk_index_range {
    rk_bytes module;
    rk_bytes field;
    rk_bytes low;
    rk_bytes high;
} rk_index_range;

/*
 * A walk over entities with what their states fold from, without a question for each: `entity`, then `event` for each
 * committed event that the stored state does not hold, ascending, then `end`. Anything but RK_OK ends the walk.
 */
typedef struct rk_walker {
    rk_status (*entity)(void *context, const rk_stored_entity *entity, bool pending, const rk_stored_state *state,
                        rk_bytes key); /* pending: it has some; state: NULL for none; key: of the row that led here */
    rk_status (*event)(void *context, const rk_stored_event *event);
    rk_status (*end)(void *context);
    void (*statement)(void *context, rk_bytes text); /* what the store asks, for people; may be NULL */
    void *context;
} rk_walker;

typedef struct rk_log_ops {
    const char *name;

    /*
     * Opens the log in folder `path` (NUL-ended). The listener and memory are borrowed for the log's life. Errors:
     * RK_DATABASE_EXISTS, RK_NO_DATABASE, RK_CORRUPT, RK_IO, RK_BUSY. close ends an open write without committing. The
     * folder itself must be there. A handle belongs to one thread at a time.
     */
    rk_status (*open)(const char *path, rk_log_mode mode, const rk_memory *memory, const rk_crypto *crypto,
                      const rk_log_listener *listener, rk_log **log_out, rk_error *error);
    void (*close)(rk_log *log);

    /* Takes the log's one write lock (waiting a bounded time, then RK_BUSY), or a consistent view for reading. */
    rk_status (*begin)(rk_log *log, bool write, rk_error *error);
    /*
     * Durable when it returns RK_OK. On any other status nothing of it is there, but after a failed sync: then opening
     * anew finds it whole or not at all. Ends a view as well.
     */
    rk_status (*commit)(rk_log *log, rk_error *error);
    /* Drops what was written since begin, and gives up lock or view. */
    void (*rollback)(rk_log *log);

    /*
     * Begins the view that was begun last once more, if nobody is known to have committed since; asks nothing of the
     * disk. What was read in it holds. A slot that reads more takes the view from the disk first: RK_BUSY from then on
     * when somebody has committed by that time. False: begin has to.
     */
    bool (*resume)(rk_log *log);

    /*
     * A number of what is seen since begin, or was left by commit: it is the same only while nobody has committed a
     * change in between.
     */
    uint64_t (*sequence)(const rk_log *log);

    /* ---- writing: within begin(write) only ---- */

    /*
     * Commits a judged batch: its record must continue the head (number, previous hash, first position; the epoch the
     * same or higher), else RK_RECORD_GAP. An entity of the read set at another version is RK_CONFLICT and changes
     * nothing: the engine judges again. A pending batch with the same replica, number and root becomes committed.
     * RK_WRONG_ACCOUNT and RK_WRONG_LOG when it is not of the log that the first batch was of; RK_BAD_RECORD when the
     * record does not fit the batch, or its stamp is not after the last. All of these change nothing. A failure of
     * another kind in any writing slot leaves only rollback: commit is then RK_IO.
     */
    rk_status (*append)(rk_log *log, const rk_append *append, rk_error *error);
    /* Keeps an own sealed batch that waits for the truth. */
    rk_status (*append_pending)(rk_log *log, const rk_batch *batch, rk_error *error);
    /* Forgets a pending batch; RK_NOT_FOUND when there is none. */
    rk_status (*drop_pending)(rk_log *log, uint64_t replica, uint64_t number, rk_error *error);
    /*
     * Takes back every record after `record`, with its events and verdicts, and every stored state that has seen them.
     * Own batches among them become pending again, in their old order; others are forgotten. All index rows go, and the
     * named values that begin with "index/" with them: they say which rows are complete.
     */
    rk_status (*truncate)(rk_log *log, uint64_t record, rk_error *error);
    rk_status (*verdict_put)(rk_log *log, const rk_verdict *verdict, rk_error *error);
    rk_status (*verdict_drop)(rk_log *log, uint64_t replica, uint64_t batch, rk_error *error);
    /* Replaces the entity's stored state. RK_NOT_FOUND: no entity. */
    rk_status (*state_put)(rk_log *log, rk_bytes entity, const rk_stored_state *state, rk_error *error);
    rk_status (*state_drop)(rk_log *log, rk_bytes entity, rk_error *error);
    /*
     * Replaces the index rows of an entity that has committed events, writing only those that differ. They stand
     * field by field, ascending by key, each pair once. RK_NOT_FOUND: no entity.
     */
    rk_status (*index_put)(rk_log *log, rk_bytes entity, const rk_index_row *rows, size_t count, rk_error *error);
    /* Drops the index rows of all entities of the module. */
    rk_status (*index_drop)(rk_log *log, rk_bytes module, rk_error *error);
    /* Small named values that are written with the rest: identity, clock, cursors. */
    rk_status (*meta_put)(rk_log *log, rk_bytes name, rk_bytes value, rk_error *error);
    /* There may be none of that name. */
    rk_status (*meta_drop)(rk_log *log, rk_bytes name, rk_error *error);

    /* ---- reading ---- */

    rk_status (*head)(rk_log *log, rk_log_head *head_out, rk_error *error);
    /* RK_NOT_FOUND when there is none of that name. */
    rk_status (*meta_get)(rk_log *log, rk_arena *arena, rk_bytes name, rk_bytes *value_out, rk_error *error);
    /* Committed events with after < position <= up_to, ascending. */
    rk_status (*events)(rk_log *log, uint64_t after, uint64_t up_to, rk_event_visitor visit, void *context,
                        rk_error *error);
    /* Committed events of one entity with after < version <= up_to, ascending. */
    rk_status (*entity_events)(rk_log *log, rk_bytes entity, uint64_t after, uint64_t up_to, rk_event_visitor visit,
                               void *context, rk_error *error);
    /* Pending events in the order in which they were admitted; of one entity, or of all when `entity` is empty. */
    rk_status (*pending_events)(rk_log *log, rk_bytes entity, rk_event_visitor visit, void *context, rk_error *error);
    /* Committed or pending; RK_NOT_FOUND. The bytes live in the arena. */
    rk_status (*event_of_id)(rk_log *log, rk_arena *arena, rk_id id, rk_stored_event *event_out, rk_error *error);
    /* Version and last position; version 0 when nothing of it is committed. */
    rk_status (*entity)(rk_log *log, rk_bytes entity, rk_stored_entity *entity_out, rk_error *error);
    /* Entities whose name begins with `prefix`, in bytewise order, those with pending events only among them. */
    rk_status (*entities)(rk_log *log, rk_bytes prefix, rk_entity_visitor visit, void *context, rk_error *error);
    /* Entities whose name begins with `prefix`, which is not empty, and is after `after`, in bytewise order. */
    rk_status (*walk)(rk_log *log, rk_bytes prefix, rk_bytes after, const rk_walker *walker, rk_error *error);
    /*
     * The entity of each index row in the range, in the order of keys or `backward`; those of one key in no order that
     * is promised. An entity comes as often as it has rows there.
     */
    rk_status (*index_walk)(rk_log *log, const rk_index_range *range, bool backward, const rk_walker *walker,
                            rk_error *error);
    /* How many rows the range has, counted up to `up_to`. */
    rk_status (*index_count)(rk_log *log, const rk_index_range *range, uint64_t up_to, uint64_t *count_out,
                             rk_error *error);
    /* The entity's index rows by field, then key, bytewise. */
    rk_status (*index_rows)(rk_log *log, rk_bytes entity, rk_index_visitor visit, void *context, rk_error *error);
    /* RK_NOT_FOUND when nothing is stored for it. */
    rk_status (*state_get)(rk_log *log, rk_arena *arena, rk_bytes entity, rk_stored_state *state_out, rk_error *error);
    /* The batch with its leaves in order; RK_NOT_FOUND. */
    rk_status (*batch)(rk_log *log, rk_arena *arena, uint64_t replica, uint64_t number, rk_stored_batch *batch_out,
                       rk_error *error);
    /* The replica's highest batch, pending or committed, without leaves; number 0 when it has none. */
    rk_status (*last_batch)(rk_log *log, rk_arena *arena, uint64_t replica, rk_stored_batch *batch_out,
                            rk_error *error);
    /* Pending batches in the order in which they were admitted, with leaves. */
    rk_status (*pending_batches)(rk_log *log, rk_arena *arena, rk_batch_visitor visit, void *context, rk_error *error);
    /* Record `number`'s bytes; RK_NOT_FOUND. */
    rk_status (*record)(rk_log *log, rk_arena *arena, uint64_t number, rk_bytes *bytes_out, rk_error *error);
    /* The last position of the last record whose commit stamp is at most `stamp`; 0 when there is none. */
    rk_status (*position_at)(rk_log *log, rk_stamp stamp, uint64_t *position_out, rk_error *error);
    rk_status (*verdicts)(rk_log *log, rk_verdict_visitor visit, void *context, rk_error *error);
    /*
     * The implementation's own check of its files, and that its tables agree with each other. Each damage goes to the
     * listener's finding, each damaged page once since opening; RK_CORRUPT when there was any.
     */
    rk_status (*check)(rk_log *log, rk_error *error);
} rk_log_ops;

#endif
