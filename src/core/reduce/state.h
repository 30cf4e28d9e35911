/*
 * States: the fold of one entity's events, and the ways in and out of it.
 *
 * Invariants
 *   (1) State = the entity's accepted events folded in position order, then pending ones on top. Folding never derives
 *       an operation again: it applies what the writer resolved, and evaluates `apply` for fields without `merge`.
 *   (2) The same set of independent mergeable events gives the same canonical bytes in any order.
 *   (3) rk_change_make finds out what an event sets without changing the state. rk_change_apply sets it, and takes it
 *       back when the result does not fit the fields' schemas. It fails otherwise only where memory runs out or an
 *       accepted log is damaged, and says so: then the state must be thrown away.
 *   (4) A field shows in the canonical bytes once an event has written it, also when it is empty again.
 *
 * Canonical bytes: a deterministic CBOR map from field names to [merge type, state], where merge type is 0 none, 1 lww,
 * 2 g-counter, 3 pn-counter, 4 or-set, 5 rga, and state is what the merge type's header says (none: the value). The
 * state hash is SHA-256 of these bytes. A field without `merge` that no event has set is absent.
 */
#ifndef RK_CORE_REDUCE_STATE_H
#define RK_CORE_REDUCE_STATE_H

#include "core/merge/rga.h"
#include "core/module/module.h"

typedef struct rk_state rk_state;

/* The fields of a module that somebody does not see, by name: versions of a module keep their fields. Zero: none. */
typedef struct rk_hidden {
    const rk_bytes *names;
    size_t count;
} rk_hidden;

/* `hidden` may be NULL: nothing is. */
bool rk_hidden_has(const rk_hidden *hidden, rk_bytes field);

/* An empty state that takes at most `size_max` bytes from `memory`. RK_NO_MEMORY. */
RK_MUST_USE rk_status rk_state_new(const rk_memory *memory, size_t size_max, rk_state **state_out);
/* NULL is allowed. */
void rk_state_free(rk_state *state);

/* Appends the canonical bytes. */
void rk_state_encode(rk_state *state, rk_buffer *buffer);
/* Reads canonical bytes back; RK_CORRUPT when they are not. */
RK_MUST_USE rk_status rk_state_decode(const rk_memory *memory, size_t size_max, rk_bytes bytes, rk_state **state_out,
                                      rk_error *error);
/*
 * The state as people and programs read it: a map from the module's field names to values. Counters are numbers (text
 * past 64 bits), an or-set is a list, an rga is text. A register or plain field that was never set is absent; the
 * others read as 0, [] and "". It lives in `arena` and borrows from the state.
 */
RK_MUST_USE rk_status rk_state_value(rk_state *state, const rk_module *module, rk_arena *arena, rk_value *value_out);
/* The same without the fields that are hidden from who reads. */
RK_MUST_USE rk_status rk_state_value_shown(rk_state *state, const rk_module *module, const rk_hidden *hidden,
                                           rk_arena *arena, rk_value *value_out);
/* One field of it, in the same way; `there_out` false where it is absent. */
RK_MUST_USE rk_status rk_state_field(rk_state *state, const rk_field *field, rk_arena *arena, bool *there_out,
                                     rk_value *value_out);
/* The text of an rga field, or NULL when nothing has written it. Borrowed until the next change. */
rk_rga *rk_state_text(const rk_state *state, rk_bytes field);
/* Bytes of memory that it takes now, cheap to ask: more than its canonical bytes. */
size_t rk_state_size(const rk_state *state);

/* ---- what an expression of a module reads ---- */

/* Who acts, as guards see it. */
typedef struct rk_actor_view {
    rk_bytes id;
    rk_actor_kind kind;
    const rk_value *roles;  /* a list of texts, or NULL for none */
    const rk_value *groups; /* the same */
    bool disabled;          /* nothing that it sends is taken, and it reads nothing */
} rk_actor_view;

/* What a rule, guard, condition or filter reads as `actor`: id, kind, roles, groups. It borrows from the view. */
RK_MUST_USE rk_status rk_actor_value(const rk_actor_view *actor, rk_arena *arena, rk_value *value_out);
/* What it reads as `now`. */
rk_value rk_time_value(uint64_t ms);

/* Time zones that have names, for rules and guards: as rk_activation.zone says. */
typedef struct rk_zone_source {
    rk_status (*ahead)(void *context, rk_bytes name, int64_t seconds, int64_t *ahead_out);
    void *context;
} rk_zone_source;

/* Where an event is judged or folded. `state` may be NULL: nothing is there yet. */
typedef struct rk_scene {
    const rk_module *module;
    const rk_event *event; /* NULL for a read rule */
    rk_bytes entity;       /* the id part */
    rk_actor_view actor;
    rk_state *state;
    uint64_t version;            /* the entity's, before the event; 0: it does not exist */
    uint64_t position;           /* filters of the log only: the event's; `version` is then the one with the event */
    rk_stamp stamp;              /* the commit stamp; the event's own while pending */
    uint64_t now_ms;             /* guards only */
    const rk_value *data;        /* what is read as `data` when it is not the event's own: an upcast's */
    const rk_zone_source *zones; /* guards only; NULL: there are none */
    const rk_value *item;        /* the element that `each` is at; set by the walk over the steps */
    const rk_hidden *hidden; /* fields that `state` does not have: for what a reader asks, never for a rule or guard */
} rk_scene;

/* What expressions read as `data`. */
const rk_value *rk_scene_data(const rk_scene *scene);

/*
 * Runs a rule or guard in the scene. RK_EXPRESSION_FAILED, RK_STEP_BOUND as rk_program_run; RK_EXPRESSION_FAILED too
 * when it gives no bool.
 */
RK_MUST_USE rk_status rk_scene_ask(const rk_scene *scene, const rk_program *program, rk_arena *arena, bool *yes_out,
                                   rk_error *error);

/*
 * Runs a filter over the log's events in the scene, which needs no module and no state: `event` and `entity` have all
 * that the log knows of them. As rk_scene_ask, with RK_FILTER_STEPS_MAX.
 */
RK_MUST_USE rk_status rk_scene_filter(const rk_scene *scene, const rk_program *program, rk_arena *arena, bool *yes_out,
                                      rk_error *error);

/*
 * Runs an upcast's `data` in the scene, of which it reads what a step on a field with `merge` may. RK_BAD_DATA when it
 * gives no object; RK_EXPRESSION_FAILED, RK_STEP_BOUND, RK_LIMIT.
 */
RK_MUST_USE rk_status rk_scene_upcast(const rk_scene *scene, const rk_program *program, rk_arena *arena,
                                      rk_value *data_out, rk_error *error);

/* ---- resolving, checking, folding ---- */

/*
 * Resolves an event's data in the scene's state: fills in event->operations, in the arena. `lamport_floor`: no text id
 * is given at or below it. RK_BAD_DATA, RK_EXPRESSION_FAILED, RK_OVERFLOW, RK_LIMIT.
 */
RK_MUST_USE rk_status rk_event_resolve(const rk_scene *scene, const rk_event_type *type, uint64_t lamport_floor,
                                       rk_arena *arena, rk_event *event, rk_error *error);

/* Whether an absent dot was inserted into this field before: the log knows, a state does not. */
typedef struct rk_dot_source {
    bool (*known)(void *context, rk_bytes field, rk_dot dot);
    void *context;
} rk_dot_source;

/*
 * Whether the event's operations are what its data and writer allow: one for each step on a merge field, with that
 * step's value; text ids of its own replica, above what they follow and at most RK_LAMPORT_JUMP_MAX above the text's
 * highest; runs that are there; dots of that value that are there. RK_BAD_OPERATIONS, RK_MISSING_REFERENCE,
 * RK_ID_AHEAD, RK_ID_CONFLICT, and what resolving refuses.
 */
RK_MUST_USE rk_status rk_event_check_operations(const rk_scene *scene, const rk_event_type *type,
                                                const rk_dot_source *dots, rk_arena *arena, rk_error *error);

/* What an event will do: made without changing anything. */
typedef struct rk_change rk_change;

/*
 * Evaluates what the event sets in the scene. RK_EXPRESSION_FAILED, RK_APPLY_CONFLICT, RK_BAD_DATA, RK_STEP_BOUND,
 * RK_LIMIT, RK_NO_MEMORY.
 */
RK_MUST_USE rk_status rk_change_make(const rk_scene *scene, const rk_event_type *type, rk_arena *arena,
                                     rk_change **change_out, rk_error *error);
/*
 * Carries it out on the scene's state. `judge`: what was set must fit its fields' schemas, else it is taken as
 * accepted. RK_BAD_STATE, or RK_EXPRESSION_FAILED where a place cannot be set: then the state is as it was. On any
 * other failure `broken_out` is true.
 */
RK_MUST_USE rk_status rk_change_apply(const rk_scene *scene, const rk_change *change, bool judge, bool *broken_out,
                                      rk_error *error);
/* Make and apply for an accepted event of that type: the fold. After a failure the state must be thrown away. */
RK_MUST_USE rk_status rk_state_fold(const rk_scene *scene, const rk_event_type *type, rk_arena *arena, rk_error *error);

#endif
