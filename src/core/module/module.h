/*
 * Schema modules: fields, event types and rules, read from one value (a JSON file, or a stored event) and compiled.
 *
 * A module is checked when it is published: every finding names a place (JSON pointer, RFC 6901), a message and a hint.
 * What compiles without a finding can be judged and folded without a surprise.
 *
 * Invariants
 *   (1) Compiling is a function of the value alone: every replica understands a module alike.
 *   (2) An event type is mergeable when every field that it applies to has a merge type, it has no `require`, and its
 *       `apply` reads no state; every other is ordered. `why_ordered` says the first reason.
 *   (3) `apply` reads data, actor.id, actor.kind, entity.id, event.id; for fields without `merge` also event.time and
 *       state, of which it sees only the fields without `merge`. Rules and guards read everything.
 *   (4) What has a place in the format and is not built yet is a finding of code RK_NOT_YET (personal) or
 *       RK_TIER_MISSING (truth: edge).
 *   (5) Data names what it needs: every member is required unless its schema says "required": false, and no other
 *       member may be there.
 *
 * The words of a module: module, version, truth, fields, events, allow, upcast, description. Of a field: type, merge,
 * ref, edge, index, personal, read, and schema words. Of an event: data, require, apply, description. Of a step:
 * set/to, add/by, insert/value, remove/value, splice/edits, and in all of them `when` and `each`. `allow` has read,
 * write, and names of event types, which go before write; without `allow` members of the account may read and write.
 */
#ifndef RK_CORE_MODULE_MODULE_H
#define RK_CORE_MODULE_MODULE_H

#include "core/event/event.h"
#include "core/expr/expr.h"
#include "core/module/schema.h"

typedef enum rk_merge_type {
    RK_MERGE_NONE, /* written by ordered events only */
    RK_MERGE_LWW,
    RK_MERGE_G_COUNTER,
    RK_MERGE_PN_COUNTER,
    RK_MERGE_OR_SET,
    RK_MERGE_RGA,
} rk_merge_type;

typedef struct rk_field {
    rk_bytes name;
    rk_merge_type merge;
    const rk_schema *schema; /* of the value; of one element for an or-set */
    const rk_type *type;     /* as expressions read it: list(string) for an or-set of strings, int for a counter */
    bool index;
    rk_bytes ref;           /* a module's name, or empty */
    rk_bytes edge;          /* an edge's label, or empty */
    const rk_program *read; /* who may read it, of those who may read the entity; NULL: all of these */
} rk_field;

/* One step of `apply`: what the caller's data do to one place. */
typedef struct rk_step {
    rk_operation_kind kind;
    const rk_field *field;
    rk_place place;          /* set: steps below the field; none for a field with `merge` */
    const rk_program *value; /* to, by, value or edits */
    const rk_program *when;  /* NULL: always */
    const rk_bytes *each;    /* the keys of a list in the data, without "data": the step is done for each element */
    size_t each_size;
    bool has_path;        /* on a field with `merge`: `value` is nothing but a place in the data */
    bool of_item;         /* the place lies below the element that `each` is at */
    const rk_bytes *path; /* its keys, without "data" or "item" */
    size_t path_size;
} rk_step;

typedef struct rk_guard {
    const rk_program *that;
    rk_bytes otherwise; /* "else": the message when `that` is false */
} rk_guard;

typedef struct rk_event_type {
    rk_bytes name;
    const rk_schema *data; /* an object */
    const rk_guard *guards;
    size_t guard_count;
    const rk_step *steps;
    size_t step_count;
    const rk_program *allow; /* who may write it; NULL: every member of the account */
    bool ordered;
    rk_bytes why_ordered; /* empty for a mergeable one */
} rk_event_type;

/* How events of one type of an earlier version read in this one. */
typedef struct rk_upcast {
    uint32_t version; /* the earlier one */
    rk_bytes from;    /* its event type */
    const rk_event_type *to;
    const rk_program *data; /* gives the data; NULL: they stay as they are */
} rk_upcast;

typedef struct rk_module {
    rk_bytes name;
    uint32_t version;
    rk_bytes truth;         /* "region" */
    const rk_field *fields; /* in the order of their names' encodings */
    size_t field_count;
    const rk_event_type *event_types;
    size_t event_type_count;
    const rk_upcast *upcasts;
    size_t upcast_count;
    const rk_program *allow_read; /* NULL: every member of the account */
    bool hides;                   /* a field has a rule for reading */
    rk_value source;
} rk_module;

/* One thing that is wrong with a module. All text lives in the arena of the check. */
typedef struct rk_finding {
    rk_status code;
    rk_bytes pointer; /* RFC 6901, "" for the whole */
    rk_bytes message;
    rk_bytes hint;
} rk_finding;

enum { RK_FINDINGS_MAX = 100 };

typedef struct rk_findings {
    rk_finding items[RK_FINDINGS_MAX]; /* those past the bound are counted, not kept */
    size_t count;
} rk_findings;

/*
 * Compiles `source` into `arena` (which then holds a copy of it). `findings_out` gets all findings. RK_BAD_MODULE,
 * RK_NOT_YET or RK_TIER_MISSING (the first finding's code, and its text in `error`) when there are any; then
 * `module_out` is NULL. RK_NO_MEMORY.
 */
RK_MUST_USE rk_status rk_module_compile(rk_arena *arena, const rk_value *source, rk_module **module_out,
                                        rk_findings *findings_out, rk_error *error);
/*
 * Whether `next` may follow `now`: the same name, a version that is one higher, the same truth, every field still there
 * with the same type (rk_schema_same_type) and merge. RK_MODULE_CHANGE, naming the place.
 */
RK_MUST_USE rk_status rk_module_may_follow(const rk_module *now, const rk_module *next, rk_error *error);

/* NULL when there is none of that name. */
const rk_field *rk_module_field(const rk_module *module, rk_bytes name);
const rk_event_type *rk_module_event_type(const rk_module *module, rk_bytes name);
const char *rk_merge_type_name(rk_merge_type merge);
/* The type of `actor` as rules, guards, conditions and filters read it; NULL when memory ran out. */
const rk_type *rk_module_actor_type(rk_arena *arena);
/*
 * What a rule about an entity reads, and a filter of a query: actor, entity, state, now. It lives in `arena` and
 * borrows from the module. RK_NO_MEMORY.
 */
RK_MUST_USE rk_status rk_module_environment(rk_arena *arena, const rk_module *module, rk_environment *out);
/* The upcast to `module` of that event type of that version; NULL when there is none. */
const rk_upcast *rk_module_upcast(const rk_module *module, uint32_t version, rk_bytes type);
/* Whether both versions define that event type by the same words; false when either has none. */
bool rk_module_same_event_type(const rk_module *a, const rk_module *b, rk_bytes type);

/*
 * The built-in modules, compiled in from src/core/module/builtin/NAME.json: account, actor, consumer, module. They are
 * ordered and belong to the region log. `index` from 0; false past the last.
 */
bool rk_module_builtin(size_t index, rk_bytes *name_out, rk_bytes *cbor_out);

#endif
