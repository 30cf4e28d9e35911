/*
 * The walk: step by step, and within a step element by element.
 */
#include "core/reduce/walk.h"

rk_status rki_walk_start(rki_walk *walk, const rk_scene *scene, const rk_event_type *type, bool merged, rk_arena *arena,
                         rk_error *error) {
    *walk = (rki_walk){.type = type, .merged = merged, .arena = arena, .scene = *scene};
    walk->done = rk_arena_take_array(arena, type->step_count, sizeof *walk->done);
    return walk->done ? RK_OK : rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the steps");
}

/* The list that `each` names; an optional member that is absent has no elements. */
static rk_status find_list(rki_walk *walk, const rk_step *step, rk_error *error) {
    const rk_value *at = rk_scene_data(&walk->scene);
    for (size_t i = 0; i < step->each_size && at; i++) at = rk_map_find(at, step->each[i]);
    walk->list = at;
    walk->turn_count = at && at->kind == RK_LIST ? at->as.list.count : 0;
    if (at && at->kind != RK_LIST) return rk_fail(error, RK_BAD_DATA, "/data", "what \"each\" goes over is no list");
    if (walk->turn_count <= RK_EACH_ITEMS_MAX) return RK_OK;
    return rk_fail(error, RK_LIMIT, "/data", "\"each\" goes over more than RK_EACH_ITEMS_MAX elements");
}

static rk_status start_step(rki_walk *walk, rk_error *error) {
    walk->step = &walk->type->steps[walk->next_step++];
    walk->list = NULL;
    walk->next_turn = 0;
    walk->turn_count = (walk->step->field->merge != RK_MERGE_NONE) == walk->merged;
    return walk->step->each && walk->turn_count ? find_list(walk, walk->step, error) : RK_OK;
}

/* The step does something: no step before it may have written its field. */
static rk_status note(rki_walk *walk, rk_error *error) {
    size_t index = walk->next_step - 1;
    for (size_t i = 0; walk->merged && !walk->done[index] && i < index; i++) {
        if (!walk->done[i] || walk->type->steps[i].field != walk->step->field) continue;
        char where[RK_ERROR_WHERE_MAX];
        rk_format(where, sizeof where, "/%b", walk->step->field->name);
        return rk_fail(error, RK_APPLY_CONFLICT, where, "two steps of the event write the same field");
    }
    walk->done[index] = true;
    return RK_OK;
}

rk_status rki_walk_next(rki_walk *walk, rk_error *error) {
    for (;;) {
        while (walk->next_turn == walk->turn_count) {
            if (walk->next_step == walk->type->step_count) return RK_NOT_FOUND;
            RK_TRY(start_step(walk, error));
        }
        walk->turn = walk->next_turn++;
        walk->scene.item = walk->list ? &walk->list->as.list.items[walk->turn] : NULL;
        bool yes = true;
        if (walk->step->when) {
            rki_reach reach = walk->merged ? RKI_REACH_MERGED : RKI_REACH_PLAIN;
            RK_TRY(rki_scene_ask(&walk->scene, walk->step->when, reach, walk->arena, &yes, error));
        }
        if (yes) return note(walk, error);
    }
}

rk_status rki_walk_path(const rki_walk *walk, rk_value *path_out) {
    const rk_step *step = walk->step;
    rk_value *keys = rk_arena_take_array(walk->arena, step->each_size + 1 + step->path_size, sizeof *keys);
    size_t count = 0;
    *path_out = rk_null();
    if (!keys) return RK_NO_MEMORY;
    for (size_t i = 0; step->of_item && i < step->each_size; i++) keys[count++] = rk_string(step->each[i]);
    if (step->of_item) keys[count++] = rk_int((int64_t)walk->turn);
    for (size_t i = 0; i < step->path_size; i++) keys[count++] = rk_string(step->path[i]);
    *path_out = rk_list(keys, count);
    return RK_OK;
}
