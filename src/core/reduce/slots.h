/*
 * The inside of a state, for the files of this folder: one slot for each field that was written.
 */
#ifndef RK_CORE_REDUCE_SLOTS_H
#define RK_CORE_REDUCE_SLOTS_H

#include "core/merge/g_counter.h"
#include "core/merge/lww.h"
#include "core/merge/or_set.h"
#include "core/merge/pn_counter.h"
#include "core/reduce/state.h"

typedef struct rki_slot {
    rk_bytes name;
    rk_merge_type merge;
    union {
        rk_value plain;
        rk_lww lww;
        rk_g_counter g_counter;
        rk_pn_counter pn_counter;
        rk_or_set or_set;
        rk_rga *rga;
    } as;
} rki_slot;

struct rk_state {
    const rk_memory *memory;
    size_t size_max;
    rk_arena arena;  /* everything but texts, which have memory of their own */
    rki_slot *slots; /* in the order of their names' encodings */
    size_t slot_count;
    size_t slot_capacity;
    size_t compact_size; /* rk_arena_used after the last compaction */
};

/* NULL when nothing was written there. */
rki_slot *rki_slot_find(const rk_state *state, rk_bytes name);
/* Finds or makes. RK_CORRUPT when the field is there with another merge type. */
RK_MUST_USE rk_status rki_slot_make(rk_state *state, rk_bytes name, rk_merge_type merge, rki_slot **slot_out);
/* Takes away a slot of merge type none. */
void rki_slot_remove(rk_state *state, rk_bytes name);
/* Drops what was overwritten, once it outweighs what is live. Slots move. RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_state_compact(rk_state *state);
/* A field's value as expressions read it; false when it is absent. */
RK_MUST_USE rk_status rki_field_value(rk_state *state, const rk_field *field, rk_arena *arena, bool *there_out,
                                      rk_value *value_out);

/*
 * What a program may read, whatever way it takes there (dyn(state), actor[data.key]): the checker sees names only.
 * module.h, invariant 3.
 */
typedef enum rki_reach {
    RKI_REACH_ALL,    /* rules and guards */
    RKI_REACH_PLAIN,  /* a step on a field without `merge`, and the indexes of its place */
    RKI_REACH_MERGED, /* a step on a field with `merge` */
    RKI_REACH_LOG,    /* a filter over the log's events: no state, and all that the log knows of the event */
} rki_reach;

/* Runs any program of the module in the scene. */
RK_MUST_USE rk_status rki_scene_run(const rk_scene *scene, const rk_program *program, rki_reach reach, rk_arena *arena,
                                    rk_value *value_out, rk_error *error);
/* The same for what has to give a bool. RK_EXPRESSION_FAILED when it gives none. */
RK_MUST_USE rk_status rki_scene_ask(const rk_scene *scene, const rk_program *program, rki_reach reach, rk_arena *arena,
                                    bool *yes_out, rk_error *error);
/*
 * The same for a step's value, as a field can hold it: of kinds that have an encoding, nested at most `depth_max` deep,
 * and with each whole number in its one home (value.h, invariant 4), so that it reads the same before and after it was
 * stored. RK_EXPRESSION_FAILED, RK_LIMIT.
 */
RK_MUST_USE rk_status rki_scene_run_value(const rk_scene *scene, const rk_program *program, rki_reach reach,
                                          size_t depth_max, rk_arena *arena, rk_value *value_out, rk_error *error);

/* The same for what a place is set to: an optional is what it holds, or (none) takes the place away. */
RK_MUST_USE rk_status rki_scene_run_setting(const rk_scene *scene, const rk_program *program, size_t depth_max,
                                            rk_arena *arena, bool *removes_out, rk_value *value_out, rk_error *error);

#endif
