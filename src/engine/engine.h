/*
 * The engine: one account's database, as a truth or as a device.
 *
 * A truth accepts or refuses events and numbers them. A device admits its own, keeps them pending, and folds what the
 * truth has committed. Both are this one engine: what differs is whether a judged transaction is committed or waits.
 *
 * Invariants
 *   (1) rk_engine_submit, or a group, is the one way in for an own change, rk_engine_import_frame the one way in for
 *       others'. All judge an event with the same function.
 *   (2) Ids, Lamport numbers, batch numbers and resolution are made inside the write transaction.
 *   (3) What submit or import_finish has answered RK_OK for is durable; a refusal leaves nothing behind.
 *   (4) Nothing here reads a clock, makes randomness or opens a file: the host does.
 *   (5) One thread at a time. Several processes may have one database open.
 */
#ifndef RK_ENGINE_ENGINE_H
#define RK_ENGINE_ENGINE_H

#include "core/auth/auth.h"
#include "core/sync/frame.h"
#include "store/log.h"

typedef struct rk_engine rk_engine;

typedef enum rk_key_owner { RK_OWNER_ACTOR, RK_OWNER_ROOT, RK_OWNER_TRUTH } rk_key_owner;

/* What the engine needs of the world. Borrowed for the engine's life. */
typedef struct rk_host {
    const rk_memory *memory;
    const rk_crypto *crypto;
    const rk_log_ops *store;
    const rk_log_listener *listener;
    const char *path; /* of the log's folder, NUL-ended */
    void *context;
    uint64_t (*now_ms)(void *context);
    void (*random)(void *context, uint8_t *out, size_t size);
    /* The pair of an actor (or the root's or truth's, then `actor` is empty). RK_NO_KEY. */
    rk_status (*key_get)(void *context, rk_key_owner owner, rk_bytes actor, rk_key_pair *pair_out, rk_error *error);
    rk_status (*key_put)(void *context, rk_key_owner owner, rk_bytes actor, const rk_key_pair *pair, rk_error *error);
    /*
     * What tells this copy of the files from any other: it changes when they are copied or restored, and not by a
     * reboot. At most 64 bytes. `renew`: make it anew, for this copy.
     */
    rk_status (*place)(void *context, bool renew, rk_arena *arena, rk_bytes *place_out, rk_error *error);
    /* Time zones by name, for guards, rules and conditions; `ahead` may be NULL. */
    rk_zone_source zones;
    /* Told what a person should know: "this folder is a copy ...". May be NULL. */
    void (*notice)(void *context, const char *what);
    /* Bytes of states that an engine keeps between calls, about; past it half of them go. 0: RKI_CACHE_SIZE_MAX. */
    uint64_t cache_size_max;
} rk_host;

/* ---- opening ---- */

/* Makes an account whose truth is here, with actor `owner`, and opens it. RK_DATABASE_EXISTS. */
RK_MUST_USE rk_status rk_engine_create(const rk_host *host, rk_bytes account_name, rk_engine **engine_out,
                                       rk_error *error);

/*
 * Making an account whose root key is elsewhere: a server makes a draft, the root key's owner checks and signs it, and
 * what is sealed then is the account's genesis. The owner shows no secret, the server none of its truth key's.
 */
typedef struct rk_founding {
    rk_bytes name; /* of the account */
    rk_key root_key;
    rk_key owner_key;  /* the first key of actor `owner` */
    rk_key_pair truth; /* made by the server; read from a genesis, its public half alone */
    rk_log_id log;     /* random, as is `replica` */
    uint64_t replica;  /* not 0 */
    uint64_t now_ms;
} rk_founding;

typedef struct rk_draft {
    rk_bytes to_sign; /* what the root key signs: the Sig_structure of the genesis's header */
    rk_bytes leaves;  /* the second item of the batch's wire form: what the header is over */
} rk_draft;

/* RK_BAD_ID when the name cannot be an account's. Everything lives in the arena, here and below. */
RK_MUST_USE rk_status rk_founding_draft(rk_arena *arena, const rk_crypto *crypto, const rk_founding *founding,
                                        rk_draft *draft_out, rk_error *error);
/* The genesis, as a batch's wire form; it is not verified. RK_BAD_COSE, RK_BAD_BATCH. */
RK_MUST_USE rk_status rk_founding_seal(rk_arena *arena, const rk_draft *draft,
                                       const uint8_t signature[RK_SIGNATURE_SIZE], rk_bytes *genesis_out,
                                       rk_error *error);
/*
 * Verifies a genesis and says what it is of. Byte for byte it is the one that rk_founding_draft makes, and no other.
 * RK_BAD_SIGNATURE, RK_BAD_BATCH and the other errors of rk_batch_open.
 */
RK_MUST_USE rk_status rk_founding_read(rk_arena *arena, const rk_crypto *crypto, rk_bytes genesis,
                                       rk_founding *founding_out, rk_error *error);
/*
 * Makes the account of a genesis, whose truth is here, and opens it. The host has the pair of its truth key already.
 * RK_NO_KEY, RK_DATABASE_EXISTS, and what rk_founding_read refuses.
 */
RK_MUST_USE rk_status rk_engine_create_founded(const rk_host *host, rk_bytes genesis, rk_engine **engine_out,
                                               rk_error *error);

/* What a new device needs, besides the frames of the log so far. */
typedef struct rk_invitation {
    rk_bytes actor;
    rk_key root_key;
    uint8_t seed[RK_SEED_SIZE]; /* of the invitation key */
} rk_invitation;

/*
 * Makes a device of the account that the invitation is for, and opens it. It has no log yet: import the invitation's
 * frames, then call rk_engine_join, which admits the event that brings in the device's own new key.
 */
RK_MUST_USE rk_status rk_engine_create_device(const rk_host *host, const rk_invitation *invitation,
                                              const rk_log_id *log, rk_engine **engine_out, rk_error *error);
RK_MUST_USE rk_status rk_engine_join(rk_engine *engine, const rk_invitation *invitation, rk_error *error);
/* Adds an invitation key for the actor, and fills in what the new device needs. Truth only; no root key is needed. */
RK_MUST_USE rk_status rk_engine_invite(rk_engine *engine, rk_bytes actor, rk_bytes as, rk_invitation *invitation_out,
                                       rk_error *error);
/*
 * Opens what is there. A copy of another folder takes a new replica id, and a truth then goes on in a new epoch, before
 * the first write or export; reading a copy changes nothing.
 */
RK_MUST_USE rk_status rk_engine_open(const rk_host *host, rk_log_mode mode, rk_engine **engine_out, rk_error *error);
/* NULL is allowed. */
void rk_engine_close(rk_engine *engine);

typedef struct rk_engine_info {
    rk_bytes name; /* of the account */
    rk_hash account;
    rk_log_id log;
    bool truth;
    uint64_t replica;
    rk_log_head head;
} rk_engine_info;

RK_MUST_USE rk_status rk_engine_info_get(rk_engine *engine, rk_engine_info *info_out, rk_error *error);

/* What an account uses of what it may; UINT64_MAX: no bound of its own. */
typedef struct rk_quota {
    uint64_t events; /* in the log */
    uint64_t events_max;
    uint64_t bytes; /* of these events, encoded */
    uint64_t bytes_max;
    uint64_t requests_max; /* a second: for the door to keep */
} rk_quota;

RK_MUST_USE rk_status rk_engine_quota(rk_engine *engine, rk_quota *quota_out, rk_error *error);

/* ---- writing ---- */

/* One event that a caller wants; or, without a type, something that must hold before the events of the transaction. */
typedef struct rk_intent {
    rk_bytes entity; /* module/id; empty for a condition */
    rk_bytes type;   /* empty: nothing happens, only `expected` or `require` is tested */
    rk_value data;   /* RK_MAP */
    bool expects;
    uint64_t expected; /* the entity's version; 0: it is not there */
    rk_bytes require;  /* a condition: CEL over states["module/id"], actor and now; then all else is empty */
} rk_intent;

/* An event as it stands now: decoded, with its place. Lives in the call's arena, or for a visitor's call only. */
typedef struct rk_entry {
    rk_event event;
    uint64_t position; /* 0 while pending */
    uint64_t version;  /* 0 while pending */
    uint64_t time_ms;  /* of the commit; the event's own while pending */
} rk_entry;

/*
 * Submits one transaction as `actor`, sealed with `pair` (NULL: the actor's from the host). `entries_out` gets one
 * entry for each intent, in `arena`; of one without a type, all in it is empty. Any refusal names the intent in
 * error->where.
 */
RK_MUST_USE rk_status rk_engine_submit(rk_engine *engine, rk_bytes actor, const rk_key_pair *pair,
                                       const rk_intent *intents, size_t intent_count, rk_arena *arena,
                                       rk_entry **entries_out, rk_error *error);

/*
 * Many transactions of many actors as one batch, sealed by the truth itself: a server vouches for those whose requests
 * it has authenticated. They are judged one after the other, each sees those before it, and all become durable by one
 * sync. Between start and finish the log is locked; nothing else may be called on the engine.
 */
typedef struct rk_group rk_group;

enum { RK_ONCE_KEY_MAX = 255, RK_ONCE_KEYS_MAX = 100000 };

/* What a request says of its transaction besides the intents; all zero: nothing. */
typedef struct rk_terms {
    /*
     * An idempotency key, of its actor alone, at most RK_ONCE_KEY_MAX bytes; empty: none. A transaction that was
     * accepted under it is not done again: `again` is set, and the entries are those of then. `request` is a hash of
     * what was asked for: the key with another one is RK_KEY_REUSED. A log remembers its last RK_ONCE_KEYS_MAX keys.
     */
    rk_bytes key;
    rk_hash request;
    bool again;
    /*
     * `strict`: positions in a text, and removes, mean the state at position `seen`, with the transaction's own events
     * on top; without `saw` they are RK_SEEN_MISSING. RK_SEEN_AHEAD: the log has not come so far. Not strict: they mean
     * the state at hand.
     */
    bool strict;
    bool saw;
    uint64_t seen;
} rk_terms;

/* RK_NOT_TRUTH, RK_BUSY, RK_IO. */
RK_MUST_USE rk_status rk_engine_group_start(rk_engine *engine, rk_group **group_out, rk_error *error);
/*
 * One transaction of `actor`, as rk_engine_submit says. `terms` may be NULL. A refusal leaves nothing of it, and the
 * group goes on. Entries
 * live in `arena` and borrow from the intents and the group; what they say holds once finish has returned RK_OK.
 * RK_BUSY: the group is full; finish it and start another.
 */
RK_MUST_USE rk_status rk_engine_group_submit(rk_group *group, rk_bytes actor, rk_terms *terms, const rk_intent *intents,
                                             size_t intent_count, rk_arena *arena, rk_entry **entries_out,
                                             rk_error *error);
/* Makes all that was accepted durable, or (any other status than RK_OK) none of it. The group is gone either way. */
RK_MUST_USE rk_status rk_engine_group_finish(rk_group *group, rk_error *error);
/* Drops it, instead of finish. NULL is allowed. */
void rk_engine_group_abort(rk_group *group);

/* ---- reading ---- */

/*
 * Holds one view of the log: all that is read until the end is of one moment, and costs one beginning. Nothing may be
 * written meanwhile (RK_BUSY).
 */
RK_MUST_USE rk_status rk_engine_view_hold(rk_engine *engine, rk_error *error);
/*
 * Holds the last view once more, if nobody is known to have committed since: cheaper by far where all that is read is
 * kept in memory. A read that needs the disk is RK_BUSY when the log went on by then: hold a view and read again.
 */
bool rk_engine_view_resume(rk_engine *engine);
/* None may be held. */
void rk_engine_view_release(rk_engine *engine);

typedef enum rk_at_kind { RK_AT_NOW, RK_AT_VERSION, RK_AT_EVENT, RK_AT_TIME } rk_at_kind;

typedef struct rk_at {
    rk_at_kind kind;
    uint64_t version; /* RK_AT_VERSION */
    rk_id event;      /* RK_AT_EVENT: up to and including it, whichever entity it is of */
    uint64_t time_ms; /* RK_AT_TIME: up to the last record committed by then */
} rk_at;

typedef struct rk_reading {
    uint64_t version;  /* committed */
    uint64_t pending;  /* own events on top */
    uint64_t position; /* of the log that this read saw */
    uint64_t last;     /* the position of the entity's last event that the state holds */
    uint64_t epoch;
    rk_value state;
    rk_hash hash; /* over the canonical state, pending ones included; all zero where something is hidden */
    bool hidden;  /* a rule keeps fields from the reader, whether they are set or not; a hash would tell them */
} rk_reading;

/*
 * Reads are on behalf of this actor from now on: what a module's rule for reading hides from it, get refuses
 * (RK_FORBIDDEN) and log leaves out. Fields that have a rule of their own, which says no, are absent from states, and
 * log leaves out the events that write them. The rules are asked of the entity as it is now, also for its past. Every
 * read then is RK_UNKNOWN_ACTOR for nobody, RK_ACTOR_DISABLED for a disabled one. Without it (empty) nothing is hidden:
 * the engine's own view, for exchanging and checking.
 */
RK_MUST_USE rk_status rk_engine_read_as(rk_engine *engine, rk_bytes actor, rk_error *error);

/* Whether the reader of the view that is held is an actor that may read at all. RK_UNKNOWN_ACTOR, RK_ACTOR_DISABLED. */
RK_MUST_USE rk_status rk_engine_reader_check(rk_engine *engine, rk_error *error);
/*
 * Whether that actor is one of the account and may act: RK_UNKNOWN_ACTOR, RK_ACTOR_DISABLED. Some 3 us
 * where nothing has changed since the last question. What is behind the view lives in the arena.
 */
RK_MUST_USE rk_status rk_engine_actor(rk_engine *engine, rk_bytes actor, rk_arena *arena, rk_actor_view *actor_out,
                                      rk_error *error);

/* RK_NOT_FOUND when the entity has no event there. */
RK_MUST_USE rk_status rk_engine_get(rk_engine *engine, rk_bytes entity, const rk_at *at, rk_arena *arena,
                                    rk_reading *reading_out, rk_error *error);

typedef rk_status (*rk_entry_visitor)(void *context, const rk_entry *entry);

/*
 * Committed events after `position`, of one entity or (empty) of all, at most `limit`, then pending ones when
 * `with_pending`.
 */
RK_MUST_USE rk_status rk_engine_log(rk_engine *engine, rk_bytes entity, uint64_t after, uint64_t limit,
                                    bool with_pending, rk_entry_visitor visit, void *context, rk_error *error);

/* A filter over events. It never changes, needs no engine, and lives in the arena that it was compiled in. */
typedef struct rk_filter rk_filter;

/*
 * CEL over `event` (id, type, module, module_version, position, version, actor, time: that of its commit), `entity`
 * (id; name: module/id), `data`, `actor` (who reads: id, kind, roles) and `now`. Data is not checked ahead: an event on
 * which the filter ends in an error (no such key), in an overflow or at RK_FILTER_STEPS_MAX does not match.
 * RK_BAD_EXPRESSION, RK_LIMIT with error->where "where: column N".
 */
RK_MUST_USE rk_status rk_filter_compile(rk_arena *arena, rk_bytes where, const rk_filter **filter_out, rk_error *error);

/* Which committed events, and how many may be looked at for them. */
typedef struct rk_event_query {
    rk_bytes entity;        /* module/id; empty: of all */
    rk_bytes type, actor;   /* empty: all */
    const rk_filter *where; /* NULL: all */
    uint64_t after, up_to;  /* after < position <= up_to */
    uint64_t walk_max;      /* events that are looked at, whoever may see them */
} rk_event_query;

typedef struct rk_event_report {
    uint64_t to;      /* all that the reader gets of after < position <= to was given out; `after` at least */
    bool whole;       /* there is nothing more to look at now; else walk_max, or the visitor, has ended it */
    rk_log_head head; /* of the view that was read */
} rk_event_report;

/*
 * Gives out the events in order. When the visitor returns another status than RK_OK, that is returned, and `to` is the
 * position of its event.
 */
RK_MUST_USE rk_status rk_engine_events(rk_engine *engine, const rk_event_query *query, rk_entry_visitor visit,
                                       void *context, rk_event_report *report_out, rk_error *error);
/* The last position that was committed before that time; 0 for none. */
RK_MUST_USE rk_status rk_engine_position_before(rk_engine *engine, uint64_t time_ms, uint64_t *position_out,
                                                rk_error *error);

typedef rk_status (*rk_name_visitor)(void *context, rk_bytes entity, uint64_t version);
/* Entities whose name begins with `prefix`, such as "actor/". */
RK_MUST_USE rk_status rk_engine_entities(rk_engine *engine, rk_bytes prefix, rk_name_visitor visit, void *context,
                                         rk_error *error);
/* A published module; version 0 means the current one. Borrowed until the next call that writes. RK_UNKNOWN_MODULE. */
RK_MUST_USE rk_status rk_engine_module(rk_engine *engine, rk_bytes name, uint32_t version, const rk_module **module_out,
                                       rk_error *error);
/* What the truth refused of this replica's transactions, with reasons, until the sender has taken note. */
RK_MUST_USE rk_status rk_engine_verdicts(rk_engine *engine, rk_verdict_visitor visit, void *context, rk_error *error);

/* ---- querying ---- */

typedef struct rk_order {
    rk_bytes field;
    bool descending;
} rk_order;

/*
 * Which entities of a module, in which order. An entity that is absent here (no event of it is accepted or pending) is
 * no answer; what the module's rule for reading hides from rk_engine_read_as's actor is as if it were absent.
 */
typedef struct rk_query {
    rk_bytes module;
    /*
     * CEL over `state` (all fields), `entity` (id, exists, version), `actor` (who reads: id, kind, roles) and `now`.
     * Empty: all. An entity on which it ends in an error (no such key), in an overflow or at the bound of steps does
     * not match; the report counts them.
     */
    rk_bytes where;
    /*
     * Fields of a scalar type, the first counting most; ties, and all rows where there is none, stand by id, ascending.
     * A row without the field comes after those with it, in either direction.
     */
    const rk_order *order;
    size_t order_count; /* at most RK_ORDER_MAX */
    const rk_bytes *fields;
    size_t field_count; /* 0: all; else the only ones in a row's state */
    uint64_t limit;     /* 0: none, where at most RK_QUERY_ROWS_MAX rows need sorting */
    rk_bytes after;     /* the cursor of another page; empty: from the first row */
    bool scan;          /* use no index: the same answer, slower */
} rk_query;

typedef struct rk_row {
    rk_bytes entity;  /* module/id */
    rk_bytes id;      /* its end */
    uint64_t version; /* committed */
    uint64_t pending; /* own events on top */
    rk_value state;
} rk_row;

typedef rk_status (*rk_row_visitor)(void *context, const rk_row *row);

/* An operand of the && at the top of the filter. The whole filter is always decided by CEL as well. */
typedef struct rk_query_part {
    rk_bytes text;
    bool narrowed; /* only entities that an index found for it were read */
} rk_query_part;

typedef enum rk_query_way {
    RK_BY_NAME,  /* all entities of the module, by id */
    RK_BY_INDEX, /* those that an index found, then sorted */
    RK_IN_ORDER, /* along an index in the order of the query, until there were enough */
} rk_query_way;

enum { RK_STATEMENTS_MAX = 8 };

/* How it was answered. Texts live in the arena of the call. Nothing here counts what the reader may not read. */
typedef struct rk_query_report {
    rk_bytes next; /* the cursor behind the last row of a full page, else empty */
    uint64_t rows;
    uint64_t read;       /* entities that were looked at */
    uint64_t decided;    /* those on which the filter was evaluated */
    uint64_t failed;     /* those on which it failed */
    rk_bytes failed_at;  /* the first of these */
    rk_bytes failed_why; /* its error */
    rk_query_way way;
    rk_bytes index;    /* the field whose index was walked, or empty */
    bool sorted;       /* rows were sorted here */
    bool unindexed;    /* the module has an index, which is not complete */
    bool pending_read; /* entities with own pending events were read besides, whatever the index says */
    const rk_query_part *parts;
    size_t part_count;
    rk_bytes statements[RK_STATEMENTS_MAX]; /* what the store was asked; further ones are counted only */
    size_t statement_count;
} rk_query_report;

/*
 * Gives out the rows in order. RK_BAD_EXPRESSION, RK_BAD_QUERY, RK_BAD_CURSOR, RK_UNKNOWN_MODULE before anything is
 * read. RK_LIMIT: more rows than can be sorted; ask with a limit.
 */
RK_MUST_USE rk_status rk_engine_query(rk_engine *engine, const rk_query *query, rk_arena *arena, rk_row_visitor visit,
                                      void *context, rk_query_report *report_out, rk_error *error);

/*
 * The events of a transaction that a verdict is about, in the arena, as they were made here; none when they were made
 * elsewhere.
 */
RK_MUST_USE rk_status rk_engine_refused(rk_engine *engine, const rk_verdict *verdict, rk_arena *arena,
                                        rk_entry **entries_out, size_t *count_out, rk_error *error);

/* ---- exchanging ---- */

typedef rk_status (*rk_frame_visitor)(void *context, const rk_frame *frame);

/* Gives out the head and then all that is known after `position`: commits, verdicts, own pending batches. */
RK_MUST_USE rk_status rk_engine_export(rk_engine *engine, uint64_t after, rk_frame_visitor visit, void *context,
                                       rk_error *error);

/* Where an export in parts stands: for one that is taken slowly, while the log goes on. */
typedef struct rk_export_place {
    rk_log_head head; /* when it began: nothing later is given out */
    bool begun;       /* the head was given out */
    uint64_t record;  /* the last that was */
} rk_export_place;

/* An export of all that the log has now, at its beginning. Truth only. */
RK_MUST_USE rk_status rk_engine_export_begin(rk_engine *engine, rk_export_place *place_out, rk_error *error);
/*
 * Gives out what comes next: the head, then commits. A visitor that answers RK_LIMIT has taken its frame and wants no
 * more for now. `more_out`: whether there is any. Verdicts are not part of it: they are for who was refused.
 */
RK_MUST_USE rk_status rk_engine_export_next(rk_engine *engine, rk_export_place *place, rk_frame_visitor visit,
                                            void *context, bool *more_out, rk_error *error);

typedef struct rk_import_report {
    uint64_t records_new;
    uint64_t records_known;
    uint64_t records_left_aside; /* of an epoch that this truth does not have, see rk_engine_open */
    uint64_t records_taken_back; /* of an epoch that a restored truth left */
    uint64_t events_new;
    uint64_t batches_judged;
    uint64_t batches_known;
    uint64_t transactions_accepted;
    uint64_t transactions_refused;
} rk_import_report;

typedef struct rk_import rk_import;

/* Takes the write lock. Frames then come in order (rk_frame_compare), the head first; finish makes it all durable. */
RK_MUST_USE rk_status rk_engine_import_start(rk_engine *engine, rk_import **import_out, rk_error *error);
RK_MUST_USE rk_status rk_engine_import_frame(rk_import *import, const rk_frame *frame, rk_error *error);
RK_MUST_USE rk_status rk_engine_import_finish(rk_import *import, rk_import_report *report_out, rk_error *error);
/* Drops it all, instead of finish. NULL is allowed. */
void rk_engine_import_abort(rk_import *import);

/* One batch that is not of a file, such as a trace's author's: at the truth only. Within start and finish. */
RK_MUST_USE rk_status rk_engine_import_batch(rk_import *import, const rk_batch *batch, rk_error *error);

/* What the truth has made of a batch that a device sealed. Lives in the arena of the call. */
typedef struct rk_outcome {
    uint64_t replica;
    uint64_t batch;
    bool again;      /* it was judged before */
    uint64_t record; /* the commit record that says so */
    uint64_t first_position;
    uint64_t event_count; /* that were accepted, from first_position on */
    size_t transaction_count;
    rk_bytes accepted;          /* a bit for each transaction, rk_bitmap_get */
    const rk_verdict *verdicts; /* on those that were refused, until their sender has noted them */
    size_t verdict_count;
} rk_outcome;

/*
 * One sealed batch as its device sent it, by `actor`, who must be its own (RK_FORBIDDEN): at the truth only, within
 * start and finish. A batch that was judged before is not judged again. A refusal of the whole batch (a gap before it,
 * a stranger's key, bytes that are none) leaves nothing, and the import goes on; what is no refusal ends it.
 */
RK_MUST_USE rk_status rk_engine_import_offer(rk_import *import, rk_bytes actor, rk_bytes batch, rk_arena *arena,
                                             rk_outcome *outcome_out, rk_error *error);

/* ---- backing up ---- */

typedef rk_status (*rk_state_visitor)(void *context, rk_bytes entity, uint64_t version, const rk_hash *hash);

/* The version and state hash of an entity, folded from its first event. Version 0: there is none. */
RK_MUST_USE rk_status rk_engine_state_hash(rk_engine *engine, rk_bytes entity, uint64_t *version_out, rk_hash *hash_out,
                                           rk_error *error);
/* All of one moment's log, then the state hash of each entity of then. Others go on writing. RK_NOT_TRUTH. */
RK_MUST_USE rk_status rk_engine_backup(rk_engine *engine, rk_frame_visitor frames, rk_state_visitor states,
                                       void *context, rk_error *error);
/*
 * Makes an empty database of that account's log, and opens it: import the backup's frames, put the truth's key in its
 * place, then call rk_engine_promote, which makes it the truth (RK_NO_KEY). Its next write begins a new epoch.
 */
RK_MUST_USE rk_status rk_engine_create_restored(const rk_host *host, const rk_hash *account, const rk_log_id *log,
                                                rk_engine **engine_out, rk_error *error);
RK_MUST_USE rk_status rk_engine_promote(rk_engine *engine, rk_error *error);

/* ---- checking ---- */

typedef struct rk_check_listener {
    void (*finding)(void *context, const char *where, const char *what);
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
} rk_check_listener;

typedef struct rk_replay_report {
    uint64_t entities;
    uint64_t events;
    uint64_t states;  /* stored ones that were compared */
    uint64_t indexed; /* entities whose index rows were compared */
    uint64_t differing;
} rk_replay_report;

/*
 * Folds again from the first event, one entity or (empty) all, beside the stored states and the index rows. RK_CORRUPT:
 * one differs.
 */
RK_MUST_USE rk_status rk_engine_replay(rk_engine *engine, rk_bytes entity, const rk_check_listener *listener,
                                       rk_replay_report *report_out, rk_error *error);

typedef struct rk_verify_report {
    uint64_t records;
    uint64_t batches;
    uint64_t events;
    uint64_t pending;
    uint64_t findings;
} rk_verify_report;

/* Every hash, chain, signature, record, position, and the store's own check. RK_CORRUPT when anything is off. */
RK_MUST_USE rk_status rk_engine_verify(rk_engine *engine, const rk_check_listener *listener,
                                       rk_verify_report *report_out, rk_error *error);

#endif
