/*
 * The inside of the engine, for the files of this folder.
 *
 *     open.c      making, opening, identity: replica ids, epochs, clock
 *     genesis.c   how a truth and a device begin; invitations
 *     entities.c  states of entities: loading, folding, the cache
 *     modules.c   published modules, compiled once
 *     versions.c  which version judges and folds an event
 *     judge.c     may this event happen here: the one judgement for own and others' events
 *     conditions.c  what a transaction asks of the log before its events
 *     submit.c    rk_engine_submit: the path of an own change
 *     quota.c     how much an account may have
 *     once.c      idempotency keys             seen.c  what a sender had seen when it named places
 *     commit.c    sealing batches and records, appending them
 *     import.c    frames in          export.c  frames out
 *     backup.c    a truth out of its backup
 *     read.c      get, log, lists    replay.c, verify.c  checking
 *     filter.c    CEL over events
 *     walk.c      many states, in one question to the store
 *     index.c     index rows: what is kept beside the log so that queries read less
 *     query.c     rk_engine_query    plan.c  which index    rows.c  order and cursor
 */
#ifndef RK_ENGINE_INNER_H
#define RK_ENGINE_INNER_H

#include "base/map.h"
#include "core/value/index_key.h"
#include "engine/engine.h"

enum {
    RKI_CALL_SIZE_MAX = 1 << 30,     /* memory of one call: the largest states and batches, decoded */
    RKI_CACHE_SIZE_MAX = 256 << 20,  /* states kept between calls */
    RKI_SNAPSHOT_TAIL_MIN = 4 << 10, /* a small state is not stored anew for every few events */
    RKI_PLACE_SIZE_MAX = 64,
    RKI_INDEXED_MAX = 32, /* modules whose index is remembered between events */
};

/* A cached entity. `committed` stands at `version`; `view` is that with this replica's pending events on top. */
typedef struct rki_entity {
    rk_bytes name; /* module/id */
    rk_bytes module;
    rk_bytes id;
    uint64_t version;
    uint64_t position;
    uint64_t snapshot_size; /* of the stored state; 0 for none */
    uint64_t tail_size;     /* bytes of events since it */
    uint64_t pending;       /* events in view beyond committed */
    uint64_t indexed;       /* the version that its index rows were brought up to here; 0: not known */
    rk_hash indexed_rows;   /* what they were then */
    uint64_t touched;       /* the judgement (rki_court.serial) that changed it last */
    uint64_t judged;        /* the judgement that has accepted events of it */
    uint64_t checked;       /* the begin (rk_engine.begins) in which it was last held against the log */
    rk_state *committed;
    rk_state *view; /* NULL: nothing is pending, or it was not made yet */
    bool view_made;
    uint64_t hashed; /* the version that `hash` is of, without anything pending; 0: none */
    rk_hash hash;
} rki_entity;

/* The reader of the last view that was held, who is one and not disabled. */
typedef struct rki_known {
    rk_arena arena; /* of `view` and its name */
    rk_actor_view view;
    uint64_t sequence; /* of the log, as of which it is so */
    bool there;
} rki_known;

typedef struct rki_compiled {
    rk_arena arena;
    rk_module *module;
    bool proposed; /* its publication is pending here: another of this version may come in its place */
} rki_compiled;

/* What is known of a module's index: as of that version of the module's entity. */
typedef struct rki_indexed {
    const rk_module *module; /* the current one; NULL: this place is free */
    uint64_t version;
    bool wanted; /* it has fields that an index is kept of */
    bool complete;
} rki_indexed;

/* Where a module's versions stand in the log: version i + 1 at positions[i]. */
typedef struct rki_history {
    rk_arena *arena;
    uint64_t *positions;
    size_t count;
    size_t capacity;
    uint64_t checked; /* the begin (rk_engine.begins) in which it was last held against the log */
} rki_history;

struct rk_engine {
    rk_host host;
    rk_log *log;
    bool writable;
    bool restoring; /* frames are a backup's: this becomes a truth */
    bool settled;   /* whether these files are a copy was looked at: rki_place_settle */
    bool truth;
    rk_arena arena; /* for the engine's life */
    rk_bytes name;
    rk_hash account;
    rk_log_id log_id;
    rk_key truth_key;
    rk_key_pair truth_pair; /* a truth's, once it was asked for: rki_truth_pair */
    bool has_truth_pair;
    bool has_truth_key; /* false in a device before its first import */
    uint64_t replica;
    uint64_t epoch; /* that the truth writes in */
    rk_stamp clock;
    uint64_t generation; /* of what is pending; see entities.c */
    uint64_t serial;     /* of courts */
    rk_hash seen_record; /* the log's last when this process last began; see entities.c */
    rk_bytes reader;     /* on whose behalf reads are; empty: nobody's, nothing is hidden */
    char reader_name[RK_ACTOR_SIZE_MAX];
    uint64_t begins; /* of views: as long as the log is the same, it is the same; 0 outside begin and end */
    uint64_t begin_count;
    uint64_t sequence; /* of the log when `begin_count` began */
    bool sequenced;
    rk_header last; /* of the last batch, where this engine wrote it and nobody has written since; else zero */
    uint64_t bytes; /* of all events, likewise: quota.c */
    rki_known known;
    bool held; /* rk_engine_view_hold: the log's view outlives a call's begin and end */
    rk_arena cache_arena;
    rk_map cache;        /* module/id -> rki_entity */
    rki_entity *asked;   /* of the module that was asked for last; NULL: none */
    uint64_t cache_size; /* bytes of the states in it; grows by what events say until it is counted */
    rk_arena module_arena;
    rk_map modules;         /* name@version -> rki_compiled */
    const rk_module *found; /* the one that was found last; NULL: none */
    rk_map histories;       /* name -> rki_history */
    rki_indexed indexed[RKI_INDEXED_MAX];
    size_t indexed_next; /* the place that is given next */
};

/* ---- open.c ---- */

/* Begins: the log's lock or view, then what other processes changed. Ended by rki_commit or rki_rollback. */
RK_MUST_USE rk_status rki_begin(rk_engine *engine, bool write, rk_error *error);
RK_MUST_USE rk_status rki_commit(rk_engine *engine, rk_error *error);
void rki_rollback(rk_engine *engine);
/* Ends a begin(read): nothing was changed, and the cache is as good as before. */
void rki_view_end(rk_engine *engine);
RK_MUST_USE rk_status rki_meta_put_u64(rk_engine *engine, const char *name, uint64_t value, rk_error *error);
RK_MUST_USE rk_status rki_meta_get_u64(rk_engine *engine, const char *name, uint64_t *value_out, rk_error *error);
/* The clock, after an event with this effective stamp was seen. */
void rki_clock_see(rk_engine *engine, rk_stamp stamp);
/*
 * Before the first write or export of an opening: whether these files were copied or restored since the replica id was
 * taken. Then a new id is, and a truth goes on in a new epoch. Reading a copy changes nothing.
 */
RK_MUST_USE rk_status rki_place_settle(rk_engine *engine, rk_error *error);
/* A new replica id, from now on, with a clock that starts at `clock`. Within begin(write). */
RK_MUST_USE rk_status rki_replica_renew(rk_engine *engine, rk_stamp clock, rk_error *error);
/* Reads what the genesis says, once the log has it. */
RK_MUST_USE rk_status rki_account_read(rk_engine *engine, rk_error *error);
/* What is pending changed, here: other processes must drop their views. */
RK_MUST_USE rk_status rki_generation_next(rk_engine *engine, rk_error *error);
/* Writes who this database is; within the first begin(write). */
RK_MUST_USE rk_status rki_identity_put(rk_engine *engine, bool truth, rk_error *error);
/* A new database, filled by `fill` in its first write. */
RK_MUST_USE rk_status rki_engine_make(const rk_host *host, const void *what,
                                      rk_status (*fill)(rk_engine *, const void *, rk_error *), rk_engine **engine_out,
                                      rk_error *error);
/* An arena for one call. */
rk_arena rki_call_arena(rk_engine *engine);

/* Time zones by name; NULL when the host has none. */
const rk_zone_source *rki_zones(const rk_engine *engine);

/* The key pair that signs records; borrowed for the engine's life. RK_NO_KEY. */
RK_MUST_USE rk_status rki_truth_pair(rk_engine *engine, const rk_key_pair **pair_out, rk_error *error);

/* ---- entities.c ---- */

typedef struct rki_court rki_court;

/* The entity's cached states, brought up to the log, and to what `court` (or NULL) has accepted beyond it. */
RK_MUST_USE rk_status rki_entity_load(rk_engine *engine, rk_bytes name, const rki_court *court, rki_entity **entity_out,
                                      rk_error *error);
/* The same of module/NAME. */
RK_MUST_USE rk_status rki_module_entity(rk_engine *engine, rk_bytes name, const rki_court *court,
                                        rki_entity **entity_out, rk_error *error);
/* The same of an entity that the cache has; it has it as long as a court sits. */
RK_MUST_USE rk_status rki_entity_refresh(rk_engine *engine, rki_entity *entity, const rki_court *court,
                                         rk_error *error);
/* The state that this replica sees: with its pending events. NULL while nothing is there. */
RK_MUST_USE rk_status rki_entity_view(rk_engine *engine, rki_entity *entity, rk_state **state_out, rk_error *error);
/* The view, apart from the committed state, so that it can be changed. The same state at the truth. */
RK_MUST_USE rk_status rki_entity_open(rk_engine *engine, rki_entity *entity, rk_state **state_out, rk_error *error);
/* Forgets cached states: of one entity, of all. */
void rki_entity_drop(rk_engine *engine, rki_entity *entity);
void rki_cache_clear(rk_engine *engine);
/* Forgets some, or all, when they take more than the host lets them. */
void rki_cache_fit(rk_engine *engine);
/* Forgets what was made of pending events: views, and modules that are proposed here. Not while a court sits. */
void rki_views_drop(rk_engine *engine);
/* Stores the state when its tail outweighs it. Within begin(write), after the append. */
RK_MUST_USE rk_status rki_entity_settle(rk_engine *engine, rki_entity *entity, rk_error *error);
/*
 * Folds the entity's committed events with after < version and version <= up_to and position <= position_max into
 * `state`; gives the last version and position folded.
 */
RK_MUST_USE rk_status rki_entity_fold(rk_engine *engine, rk_bytes name, rk_state *state, uint64_t after, uint64_t up_to,
                                      uint64_t position_max, uint64_t *version_out, uint64_t *position_out,
                                      uint64_t *size_out, rk_error *error);
/*
 * Folds one accepted event. `current`: the module's version there; `version`: the entity's before it; `court` (or NULL)
 * has accepted it, and may have accepted its module's publication.
 */
RK_MUST_USE rk_status rki_event_fold(rk_engine *engine, rk_state *state, const rk_event *event, uint32_t current,
                                     uint64_t version, rk_stamp commit_stamp, const rki_court *court, rk_arena *arena,
                                     rk_error *error);
/* The same for a committed event as the log has it; one that does not fold is damage. */
RK_MUST_USE rk_status rki_stored_fold(rk_engine *engine, rk_state *state, const rk_stored_event *stored,
                                      uint64_t version, rk_error *error);
/* The entity's view as a value, for built-in modules. Absent entities give an empty map. */
RK_MUST_USE rk_status rki_entity_value(rk_engine *engine, rk_bytes name, const rki_court *court, rk_arena *arena,
                                       rk_value *value_out, rk_error *error);

/* ---- read.c ---- */

/* From the stored state when that is not past either bound, else from the first event; to be folded on. */
RK_MUST_USE rk_status rki_state_start(rk_engine *engine, rk_bytes name, uint64_t version_max, uint64_t position_max,
                                      rk_state **state_out, uint64_t *version_out, uint64_t *position_out,
                                      rk_error *error);

/* ---- modules.c ---- */

/* version 0: the current one. RK_UNKNOWN_MODULE. */
RK_MUST_USE rk_status rki_module_find(rk_engine *engine, rk_bytes name, uint32_t version, const rki_court *court,
                                      const rk_module **module_out, rk_error *error);
/* Forgets what was compiled of this module (all when empty), because its entity was dropped. */
void rki_modules_drop(rk_engine *engine, rk_bytes name);
/* Forgets what was compiled of publications that are pending here. */
void rki_modules_drop_proposed(rk_engine *engine);

/* ---- versions.c ---- */

/* How an event reads at its place in the log. */
typedef struct rki_reading {
    const rk_module *module;      /* the version current there: rules, guards, fields' schemas */
    const rk_event_type *type;    /* of that version: judges and classes it */
    const rk_event_type *written; /* of the event's own version: made its resolved operations */
    const rk_event_type *sets; /* whose steps set fields without `merge`: `type`, or `written` where no upcast leads */
    rk_value data;             /* as `type` reads them */
} rki_reading;

bool rki_module_is_builtin(rk_bytes name);
/* The module's current version, as this replica sees it with what `court` has accepted. RK_UNKNOWN_MODULE. */
RK_MUST_USE rk_status rki_module_current(rk_engine *engine, rk_bytes name, const rki_court *court,
                                         uint32_t *version_out, rk_error *error);
/* The module's version that was current at the position: published before it. RK_UNKNOWN_MODULE. */
RK_MUST_USE rk_status rki_module_version_at(rk_engine *engine, rk_bytes name, uint64_t position, uint32_t *version_out,
                                            rk_error *error);
/*
 * Reads an event where `current` is the module's version. RK_UNKNOWN_MODULE, RK_UNKNOWN_TYPE, and what an upcast's
 * expression refuses. The data may live in the arena.
 */
RK_MUST_USE rk_status rki_event_read_at(rk_engine *engine, const rk_event *event, uint32_t current,
                                        const rki_court *court, rk_arena *arena, rki_reading *reading_out,
                                        rk_error *error);

/* ---- judge.c ---- */

/* One leaf that the court has accepted and that no append has carried to the log yet. */
typedef struct rki_accepted {
    const rk_event *event;
    rki_entity *entity;
    uint64_t version; /* the entity's with it; committed and pending events together */
    uint32_t current; /* the module's version that judged it */
    uint64_t size;    /* of its encoding, once that is known */
    bool first;       /* of its entity in this judgement */
} rki_accepted;

/* A judgement over the transactions of one batch, or over one submission. */
struct rki_court {
    rk_engine *engine;
    rk_arena *arena; /* of the whole judgement */
    rk_bytes actor_id;
    rk_key key;            /* the sealing key */
    bool vouched;          /* a server seals, and has seen to who acts */
    rk_stamp commit_stamp; /* 0 on a device: nothing is committed here */
    uint64_t now_ms;
    uint64_t serial;
    rki_entity *actor;        /* the actor's, once it was looked for */
    rk_value actor_value;     /* its state at actor_version */
    rk_actor_view actor_view; /* what that says, with an id that outlives a request that was refused */
    uint64_t actor_version;
    bool actor_read;
    const rk_terms *terms; /* of the transaction; NULL: none */
    rk_quota quota;        /* as of the judgement's start, once it was read */
    bool quota_read;
    rki_entity *failing; /* what a refused event has changed in part */
    rki_accepted *accepted;
    size_t accepted_count;
    size_t accepted_capacity;
    size_t transaction_start; /* in accepted */
    rk_expectation *noted;    /* entities that preconditions looked at, and their versions in the log */
    size_t noted_count;
    size_t noted_capacity;
};

void rki_court_open(rk_engine *engine, rk_arena *arena, rk_bytes actor, const rk_key *key, rk_stamp commit_stamp,
                    rki_court *court_out);
/*
 * Judges one event and folds it. `resolve`: it is an own new one, whose actor kind, version and operations are filled
 * in here; else they are checked. The event must live as long as the court. On a refusal the transaction must be
 * abandoned with rki_court_refuse.
 */
RK_MUST_USE rk_status rki_court_judge(rki_court *court, rk_event *event, bool resolve, rk_error *error);
/* What the sealing key is to the actor now, disabled or not: a disabled actor's device is no stranger. */
RK_MUST_USE rk_status rki_court_key(rki_court *court, rk_key_status *status_out, rk_error *error);
/* Every guard of the event type. RK_REQUIRE_FAILED with the message of the first that says no. */
RK_MUST_USE rk_status rki_guards_check(const rk_scene *scene, const rk_event_type *type, rk_arena *arena,
                                       rk_error *error);
/* Who acts, as the account has them at this point of the judgement. RK_UNKNOWN_ACTOR, RK_ACTOR_DISABLED. */
RK_MUST_USE rk_status rki_court_actor(rki_court *court, rk_actor_view *actor_out, rk_error *error);
/* Another actor acts from here on. */
void rki_court_act_for(rki_court *court, rk_bytes actor);
void rki_court_begin(rki_court *court);  /* a transaction starts */
void rki_court_refuse(rki_court *court); /* it failed: its folds are taken back */
/* The read set: each entity that an accepted event is of, with the version that the first found, and `noted`. */
RK_MUST_USE rk_status rki_court_reads(rki_court *court, const rk_expectation **reads_out, size_t *count_out,
                                      rk_error *error);
/* All that was accepted now stands in the log from `first_position` on: cached states learn where they stand. */
RK_MUST_USE rk_status rki_court_close(rki_court *court, uint64_t first_position, rk_error *error);

/* ---- export.c ---- */

/* The frames after the position, within begin. */
RK_MUST_USE rk_status rki_export_all(rk_engine *engine, uint64_t after, rk_frame_visitor visit, void *context,
                                     rk_error *error);

/* ---- quota.c ---- */

/* Whether one more event may be. RK_OVER_QUOTA. */
RK_MUST_USE rk_status rki_court_quota(rki_court *court, const rk_event *event, rk_error *error);
/* Counts what a truth commits. Within begin(write). */
RK_MUST_USE rk_status rki_quota_count(rk_engine *engine, uint64_t size, rk_error *error);

/* ---- seen.c ---- */

/*
 * The state in which the event's places are meant: `current`, or an own one, which the caller frees. `floor` is raised
 * above every text id of the current state. RK_SEEN_MISSING, RK_SEEN_AHEAD.
 */
RK_MUST_USE rk_status rki_seen_state(rki_court *court, const rki_entity *entity, const rk_event_type *type,
                                     rk_state *current, rk_state **own_out, uint64_t *floor, rk_error *error);

/* ---- once.c ---- */

/* The entries of the transaction that was accepted under the key, one for each intent; NULL: there is none. */
RK_MUST_USE rk_status rki_once_find(rki_court *court, const rk_intent *intents, size_t count, uint64_t first_position,
                                    rk_arena *arena, rk_entry **entries_out, rk_error *error);
/* Remembers them. Within begin(write). */
RK_MUST_USE rk_status rki_once_put(rki_court *court, const rk_entry *entries, size_t count, rk_error *error);

/* ---- conditions.c ---- */

/* An expected version, tested at the transaction's start. RK_VERSION_CONFLICT, RK_FORBIDDEN. */
RK_MUST_USE rk_status rki_court_expect(rki_court *court, rk_bytes entity, uint64_t version, rk_error *error);
/* A condition, tested there too. RK_REQUIRE_FAILED, RK_BAD_EXPRESSION, RK_EXPRESSION_FAILED. */
RK_MUST_USE rk_status rki_court_require(rki_court *court, rk_bytes source, rk_error *error);
/* All of a sealed transaction's. */
RK_MUST_USE rk_status rki_court_preconditions(rki_court *court, const rk_preconditions *preconditions, rk_error *error);

/* ---- commit.c ---- */

/*
 * The highest Lamport number that this replica gave out in the entity and that the truth refused: it is not given
 * again, lest what was typed on top of refused text found itself on top of other text. Raised, never lowered.
 */
RK_MUST_USE rk_status rki_lamport_floor(rk_engine *engine, rk_bytes module, rk_bytes entity, uint64_t *floor_out,
                                        rk_error *error);
RK_MUST_USE rk_status rki_lamport_raise(rk_engine *engine, const rk_event *event, rk_error *error);

/* The header of this replica's, or another's, next batch. */
RK_MUST_USE rk_status rki_header_next(rk_engine *engine, uint64_t replica, rk_arena *arena, rk_header *header_out,
                                      rk_error *error);
/* The secret that the batch's salts come from: the sealing key's own, for this batch alone. */
void rki_batch_secret(const rk_crypto *crypto, const rk_key_pair *pair, const rk_header *header,
                      uint8_t secret_out[RK_SECRET_SIZE]);
/*
 * Seals and appends the record of a judged batch. `bitmap` says what was accepted; the court (NULL for the genesis)
 * what was read. RK_CONFLICT when that has changed meanwhile: judge again.
 */
RK_MUST_USE rk_status rki_batch_commit(rk_engine *engine, const rk_batch *batch, rk_bytes bitmap, rki_court *court,
                                       rk_stamp commit_stamp, rk_arena *arena, rk_error *error);

/* ---- walk.c ---- */

/* A state that a walk has come to; NULL, not folded, where the entity has pending events and the walk asks for none. */
typedef rk_status (*rki_state_visitor)(void *context, const rk_stored_entity *entity, rk_state *state, rk_bytes key);

typedef struct rki_walk {
    rki_state_visitor visit;
    void *context;
    void (*statement)(void *context, rk_bytes text); /* or NULL */
    bool committed;                                  /* fold those with pending events too, without these */
} rki_walk;

/* Committed states of the module's entities whose names are after `after`, by name. Nothing of them is cached. */
RK_MUST_USE rk_status rki_walk_module(rk_engine *engine, rk_bytes module, rk_bytes after, const rki_walk *walk,
                                      rk_error *error);
/* Of the entities of the index rows in the range. */
RK_MUST_USE rk_status rki_walk_index(rk_engine *engine, const rk_index_range *range, bool backward,
                                     const rki_walk *walk, rk_error *error);

/* ---- filter.c ---- */

/* Whether the event matches, for who reads. */
RK_MUST_USE rk_status rki_filter_ask(rk_engine *engine, const rk_filter *filter, const rk_actor_view *reader,
                                     uint64_t now_ms, const rk_entry *entry, rk_arena *arena, bool *yes_out,
                                     rk_error *error);

/* ---- index.c ---- */

/* How many rows an entity has for a field: none where the field is not indexed, or of a type that has no index. */
typedef enum rki_index_kind { RKI_INDEX_NONE, RKI_INDEX_ONE, RKI_INDEX_MANY } rki_index_kind;

rki_index_kind rki_field_index(const rk_field *field);
/* The field's value as queries order by it: a counter past 64 bits is the largest number there is. */
RK_MUST_USE rk_status rki_field_read(rk_state *state, const rk_field *field, rk_arena *arena, bool *there_out,
                                     rk_value *value_out);
/*
 * Brings the index rows of an entity up to its committed events; after the append, within begin(write). `before`: the
 * version that the append found the entity at; 0 where that is not known.
 */
RK_MUST_USE rk_status rki_index_update(rk_engine *engine, rki_entity *entity, uint64_t before, rk_error *error);
/* Builds what is not complete, of every module: after records were taken back, or of a database from before. */
RK_MUST_USE rk_status rki_index_settle(rk_engine *engine, rk_error *error);
/* Whether the module's index rows are complete, within a begin. */
RK_MUST_USE rk_status rki_index_ready(rk_engine *engine, rk_bytes module, bool *ready_out, rk_error *error);
/* Holds an entity's rows against its committed state. `field_out`: the first that differs, else empty. */
RK_MUST_USE rk_status rki_index_compare(rk_engine *engine, rk_bytes name, rk_state *state, rk_arena *arena,
                                        bool *compared_out, rk_bytes *field_out, rk_error *error);

/* ---- read.c ---- */

/* The actor as the log has it. RK_UNKNOWN_ACTOR, RK_ACTOR_DISABLED. */
RK_MUST_USE rk_status rki_actor_find(rk_engine *engine, rk_bytes actor, rk_arena *arena, rk_actor_view *actor_out,
                                     rk_error *error);
/* Who reads, as rules see it; the value behind it lives in the arena. RK_UNKNOWN_ACTOR, RK_ACTOR_DISABLED. */
RK_MUST_USE rk_status rki_reader(rk_engine *engine, rk_arena *arena, rk_actor_view *reader_out, rk_error *error);

RK_MUST_USE rk_status rki_entry_of(const rk_stored_event *stored, rk_arena *arena, rk_entry *entry_out,
                                   rk_error *error);

#endif
