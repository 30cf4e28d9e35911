/*
 * What the files of this folder share: the handle, prepared statements, and how SQLite's answers become ours.
 *
 * Invariants
 *   (1) A statement is used by one query at a time. A visitor that asks the same again gets a statement of its own.
 *   (2) 64-bit numbers are stored as SQLite's signed integers, bit for bit: order in SQL is that of the number only for
 *       those that stay below 2^63, which stamps and replicas need not.
 *   (3) After a failure in the middle of a change the handle is `broken` until rollback: commit refuses.
 */
#ifndef RK_STORE_SQLITE_INTERNAL_H
#define RK_STORE_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "store/log.h"
#include "store/sqlite/statements.h"
#include "store/sqlite/vfs.h"

enum {
    RKI_LOG = 1,        /* the number of the one log in table log */
    RKI_BLOCK = 64,     /* versions of an entity that one row of table filed leads to: >> 6 in SQL */
    RKI_LEAF_BITS = 16, /* a leaf's key is its batch's place and its index */
    RKI_NAME_SIZE_MAX = RK_NAME_SIZE_MAX + 1 + RK_ENTITY_SIZE_MAX, /* module/id */
    RKI_SCRATCH_SIZE_MAX = 8 * RK_BATCH_SIZE_MAX,
};

_Static_assert(RK_BATCH_LEAVES_MAX <= 1 << RKI_LEAF_BITS, "a leaf's index fits its key");

/* After every key of an index: keys are shorter than this where they begin like it. */
#define RKI_KEY_END RK_TEXT("\xFF\xFF")

/* What an entity's row and its last committed event say. */
typedef struct rki_known {
    uint64_t key;
    uint64_t version;
    uint64_t position;
} rki_known;

typedef struct rki_fresh_slot rki_fresh_slot;

/* An event that is not filed yet. */
typedef struct rki_fresh_item {
    rk_id id; /* all 0: its bytes are no event's */
    uint64_t entity;
    uint64_t version;
    uint64_t position;
    uint32_t next; /* of the same entity; from 1, 0: it is the last */
} rki_fresh_item;

/* What a handle knows of such events; the fields are fresh.c's own. */
typedef struct rki_fresh {
    rki_fresh_item *items; /* by position */
    uint32_t count;
    size_t capacity;
    rki_fresh_slot *slots;       /* by entity */
    uint32_t *id_slots;          /* by id: places in the list, from 1 */
    size_t slot_count;           /* of both */
    const rki_fresh_item **ends; /* as many as `items` have room for, for filing; NULL: none yet */
    uint64_t filing;             /* under this number */
    uint64_t to;                 /* the position up to which events were read */
    uint64_t sequence;           /* of the view that has no more; 0: that is not known */
    uint32_t max;                /* filed when there are as many */
    rk_arena arena;
} rki_fresh;

struct rk_log {
    const rk_memory *memory;
    const rk_crypto *crypto;
    rki_watch watch;
    rk_log_mode mode;
    sqlite3 *db;
    sqlite3_stmt *statements[RKI_STATEMENT_COUNT];
    rk_arena scratch;    /* for the length of one writing call */
    bool in_transaction; /* a view or the write lock is held through begin */
    bool writing;
    bool changed; /* something was written since begin */
    bool broken;
    bool resumed; /* a view that is not taken from SQLite until something is asked in it */
    bool dated;   /* `moment` is that of `sequence` */
    uint8_t moment[RKI_MOMENT_SIZE];
    bool upgrading;                       /* the tables were brought up since begin: from old_version */
    uint64_t tables_version, old_version; /* as in schema.c */
    bool head_failed;                     /* the file head could not be written, and is before the next transaction */
    rki_mark unwritten;                   /* what it has to say then */
    /* While writing: what the transaction has come to so far. */
    rk_log_head head;
    uint64_t sequence; /* how many write transactions there were, with this one */
    uint64_t place;    /* the place given last */
    uint64_t filed;    /* the position up to which events are filed */
    uint64_t filing;   /* how often that changed otherwise than by events that came */
    rki_fresh fresh;
    uint64_t entity; /* the entity key given last */
    /* name -> rki_known: entities that appends have met, while all write transactions since were ours */
    rk_map known;
    rk_arena known_arena;
    uint64_t known_sequence; /* of the last of these */
    bool id_last_known;
    uint64_t id_last; /* as long: the highest stamp in table id */
    /* The head that was read or committed last, when there were so many write transactions. */
    bool seen;
    rk_log_head seen_head;
    uint64_t seen_sequence;
};

/* How many rows of those that are left one statement takes. */
static inline size_t rki_rows_next(size_t left) {
    return left < RKI_ROWS ? left : RKI_ROWS;
}

typedef struct rki_query {
    rk_log *log;
    sqlite3_stmt *statement;
    bool passing; /* prepared for this query alone */
    int bound;    /* the first failure of a bind */
} rki_query;

/* sqlite_log.c: takes the view that was resumed; RK_BUSY when the log is another by now. */
rk_status rki_view_take(rk_log *log, rk_error *error);

/* statement.c */
void rki_statements_finalize(rk_log *log);
rk_status rki_query_start(rk_log *log, rki_statement which, rki_query *query_out, rk_error *error);
/* Parameters count from 1. Bytes are borrowed until the query ends. */
void rki_bind(rki_query *query, int parameter, uint64_t number);
void rki_bind_bytes(rki_query *query, int parameter, rk_bytes bytes);
/* The next row, or none. On a failure the caller still ends the query. */
rk_status rki_query_step(rki_query *query, bool *row_out, rk_error *error);
/* Columns count from 0. Bytes are borrowed until the next step. */
uint64_t rki_column(const rki_query *query, int column);
rk_bytes rki_column_bytes(const rki_query *query, int column);
bool rki_column_null(const rki_query *query, int column);
void rki_query_end(rki_query *query);
/* For another round: what was bound stays, and may be bound anew. */
void rki_query_again(rki_query *query);
/* Steps to the end and ends the query, whatever happens. */
rk_status rki_query_run(rki_query *query, rk_error *error);
/* Runs SQL without rows or parameters. */
rk_status rki_execute(rk_log *log, const char *sql, rk_error *error);
/* One number from a query without parameters. */
rk_status rki_number(rk_log *log, rki_statement which, uint64_t *number_out, rk_error *error);
/* What SQLite's answer means; `doing` says what was tried. */
rk_status rki_fail(rk_log *log, int code, const char *doing, rk_error *error);
/* Damage that our own eyes found: told to the listener and passed over where the log is examined, else RK_CORRUPT. */
rk_status rki_damage(rk_log *log, rk_error *error, const char *where, const char *format, ...);

/* schema.c */
rk_status rki_schema_create(rk_log *log, rk_error *error);
rk_status rki_schema_check(rk_log *log, rk_error *error);
/* Whether the tables are as this program makes them. */
bool rki_schema_current(const rk_log *log);
/* Whether they have table filed. */
bool rki_schema_files(const rk_log *log);
/* Whether the ids of events are filed, too. */
bool rki_schema_files_ids(const rk_log *log);
/* From here on they have that version. No query is under way. */
void rki_schema_version(rk_log *log, uint64_t version);
/* Looks at the version again where it was not current: another process may have brought the tables up. */
rk_status rki_schema_look(rk_log *log, rk_error *error);
/* Makes them so where they are of an earlier version; within begin(write). */
rk_status rki_schema_upgrade(rk_log *log, rk_error *error);
/* Settings that hold for the connection; `creating` adds those that the file keeps. */
rk_status rki_settings(rk_log *log, bool creating, rk_error *error);

/* sqlite_log.c */
/* progress: write transactions so far, the last place given out, and what is filed, into the handle. */
rk_status rki_progress(rk_log *log, rk_error *error);
/* A view for a read of several statements, unless there is one already. */
rk_status rki_view_enter(rk_log *log, bool *entered_out, rk_error *error);
void rki_view_leave(rk_log *log, bool entered);

/*
 * fresh.c. Reads what is not filed in the view that there is; where none was begun, in that of a query that is under
 * way. The slots that follow say what was known by that.
 */
rk_status rki_fresh_know(rk_log *log, rk_error *error);
/* The entity's events that are not filed, ascending; false: no more. Between the two more may become known. */
bool rki_fresh_first(const rk_log *log, uint64_t entity, rki_fresh_item *item_out);
bool rki_fresh_next(const rk_log *log, rki_fresh_item *item_io);
/* Raises version and position to those of the last of them. */
void rki_fresh_last(const rk_log *log, uint64_t entity, rk_stored_entity *entity_io);
/* The position of the event that has the id; 0: none that is not filed has it. */
uint64_t rki_fresh_place(const rk_log *log, rk_id id);
/* know, add for each event that is appended, end: which files when there are many. */
rk_status rki_fresh_add(rk_log *log, const rki_fresh_item *item, rk_error *error);
rk_status rki_fresh_end(rk_log *log, rk_error *error);
/* Files all. */
rk_status rki_fresh_file(rk_log *log, rk_error *error);
/* All up to `position` is filed, and no event is after it. */
void rki_filed_to(rk_log *log, uint64_t position);
/* Of a log that is opened. Its arena is freed by who closes it. */
void rki_fresh_init(rk_log *log);

/* chain.c. Tells of the entity's filed events with after < version <= up_to, ascending; of gaps it says nothing. */
rk_status rki_chain_visit(rk_log *log, uint64_t entity, uint64_t after, uint64_t up_to, rk_event_visitor visit,
                          void *context, rk_error *error);

/* write.c, undo.c, small.c: the slots that write */
rk_status rki_append(rk_log *log, const rk_append *append, rk_error *error);
rk_status rki_append_pending(rk_log *log, const rk_batch *batch, rk_error *error);
rk_status rki_drop_pending(rk_log *log, uint64_t replica, uint64_t number, rk_error *error);
rk_status rki_truncate(rk_log *log, uint64_t record, rk_error *error);
rk_status rki_verdict_put(rk_log *log, const rk_verdict *verdict, rk_error *error);
rk_status rki_verdict_drop(rk_log *log, uint64_t replica, uint64_t batch, rk_error *error);
rk_status rki_state_put(rk_log *log, rk_bytes entity, const rk_stored_state *state, rk_error *error);
rk_status rki_state_drop(rk_log *log, rk_bytes entity, rk_error *error);
rk_status rki_meta_put(rk_log *log, rk_bytes name, rk_bytes value, rk_error *error);
rk_status rki_meta_drop(rk_log *log, rk_bytes name, rk_error *error);
/* Marks the transaction as one that cannot be committed unless `status` is RK_OK, which it returns. */
rk_status rki_settled(rk_log *log, rk_status status);
/* Takes a leaf's event id and entity, decoding the leaf where the caller has not. The name lies in the scratch. */
rk_status rki_leaf_event(rk_log *log, const rk_leaf *leaf, rk_id *id_out, rk_bytes *name_out, rk_error *error);
/* Into table id, of a pending event; `known_out`: it was there. */
rk_status rki_id_insert(rk_log *log, rk_id id, int64_t place, bool *known_out, rk_error *error);
rk_status rki_id_delete(rk_log *log, rk_id id, rk_error *error);
/* Counts a pending event of the entity up or down, making the entity's row where there is none. */
rk_status rki_entity_key(rk_log *log, rk_bytes name, bool make, uint64_t *key_out, rk_error *error);
rk_status rki_entity_pending(rk_log *log, uint64_t key, int by, rk_error *error);

/* Drops the row of an entity that has neither events nor pending ones. */
rk_status rki_entity_forget(rk_log *log, uint64_t key, rk_error *error);

/* What is known of an entity that is in its table; NULL when nothing is. Within begin(write) only. */
const rki_known *rki_known_get(rk_log *log, rk_bytes name);
/* For whatever takes entities or events away. */
void rki_known_clear(rk_log *log);

/* The head as the table of records has it. */
rk_status rki_last_record(rk_log *log, rk_log_head *head_out, rk_error *error);
/* The same where the log has just been begun or committed: it is read when another process has written since. */
rk_status rki_head_seen(rk_log *log, rk_log_head *head_out, rk_error *error);
/* Keeps the head as that of log->sequence write transactions. */
void rki_head_see(rk_log *log, const rk_log_head *head);

/* The entity by its name; key 0: the log has no such entity. */
rk_status rki_entity_find(rk_log *log, rk_bytes name, uint64_t *key_out, rk_stored_entity *entity_out, rk_error *error);
/* Tells the visitor of the events at those positions; of nothing where one is not there: the walk finds the gap. */
rk_status rki_events_visit(rk_log *log, const uint64_t *positions, size_t count, rk_event_visitor visit, void *context,
                           rk_error *error);

/* read.c, small.c: the slots that read */
rk_status rki_head(rk_log *log, rk_log_head *head_out, rk_error *error);
rk_status rki_meta_get(rk_log *log, rk_arena *arena, rk_bytes name, rk_bytes *value_out, rk_error *error);
rk_status rki_events(rk_log *log, uint64_t after, uint64_t up_to, rk_event_visitor visit, void *context,
                     rk_error *error);
rk_status rki_entity_events(rk_log *log, rk_bytes entity, uint64_t after, uint64_t up_to, rk_event_visitor visit,
                            void *context, rk_error *error);
rk_status rki_pending_events(rk_log *log, rk_bytes entity, rk_event_visitor visit, void *context, rk_error *error);
rk_status rki_event_of_id(rk_log *log, rk_arena *arena, rk_id id, rk_stored_event *event_out, rk_error *error);
rk_status rki_entity(rk_log *log, rk_bytes entity, rk_stored_entity *entity_out, rk_error *error);
rk_status rki_entities(rk_log *log, rk_bytes prefix, rk_entity_visitor visit, void *context, rk_error *error);
rk_status rki_state_get(rk_log *log, rk_arena *arena, rk_bytes entity, rk_stored_state *state_out, rk_error *error);
rk_status rki_batch(rk_log *log, rk_arena *arena, uint64_t replica, uint64_t number, rk_stored_batch *batch_out,
                    rk_error *error);
rk_status rki_last_batch(rk_log *log, rk_arena *arena, uint64_t replica, rk_stored_batch *batch_out, rk_error *error);
rk_status rki_pending_batches(rk_log *log, rk_arena *arena, rk_batch_visitor visit, void *context, rk_error *error);
rk_status rki_record(rk_log *log, rk_arena *arena, uint64_t number, rk_bytes *bytes_out, rk_error *error);
rk_status rki_position_at(rk_log *log, rk_stamp stamp, uint64_t *position_out, rk_error *error);
rk_status rki_verdicts(rk_log *log, rk_verdict_visitor visit, void *context, rk_error *error);

/* Where the id leads, by what is fresh (fresh.c) and table id: a position, minus the key of a pending leaf, or 0. */
rk_status rki_id_find(rk_log *log, rk_id id, int64_t *place_out, rk_error *error);

/* The event whose RKI_EVENT_COLUMNS begin at that column. */
rk_stored_event rki_event_row(const rki_query *query, int column);

/* index.c */
rk_status rki_index_put(rk_log *log, rk_bytes entity, const rk_index_row *rows, size_t count, rk_error *error);
rk_status rki_index_drop(rk_log *log, rk_bytes module, rk_error *error);
rk_status rki_index_count(rk_log *log, const rk_index_range *range, uint64_t up_to, uint64_t *count_out,
                          rk_error *error);
rk_status rki_index_rows(rk_log *log, rk_bytes entity, rk_index_visitor visit, void *context, rk_error *error);
/* Drops all rows and what says that they are complete. */
rk_status rki_index_forget(rk_log *log, rk_error *error);
/* The number of a field; 0 when it has none and `make` is false. */
rk_status rki_index_field(rk_log *log, rk_bytes module, rk_bytes name, bool make, uint64_t *field_out, rk_error *error);

/* walk.c */
rk_status rki_walk(rk_log *log, rk_bytes prefix, rk_bytes after, const rk_walker *walker, rk_error *error);
rk_status rki_index_walk(rk_log *log, const rk_index_range *range, bool backward, const rk_walker *walker,
                         rk_error *error);

/* check.c */
rk_status rki_check(rk_log *log, rk_error *error);

#endif
