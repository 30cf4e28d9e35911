/*
 * Folding: what an event sets, found out first, then carried out.
 */
#include <string.h>

#include "core/reduce/slots.h"
#include "core/reduce/splice.h"

/* One field without `merge`, and the value that it will have. */
typedef struct assignment {
    const rk_field *field;
    rk_value value;
} assignment;

struct rk_change {
    assignment *assignments;
    size_t assignment_count;
};

/* ---- setting places in values ---- */

/* The keys of a place: fields as they stand, indexes evaluated. */
static rk_status place_keys(const rk_scene *scene, const rk_place *place, rk_arena *arena, rk_value **keys_out,
                            rk_error *error) {
    rk_value *keys = rk_arena_take_array(arena, place->step_count, sizeof *keys);
    if (!keys) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a place");
    *keys_out = keys;
    for (size_t i = 0; i < place->step_count; i++) {
        const rk_place_step *step = &place->steps[i];
        keys[i] = rk_string(step->field);
        if (!step->program) continue;
        RK_TRY(rki_scene_run(scene, step->program, RKI_REACH_PLAIN, arena, &keys[i], error));
        if (keys[i].kind != RK_STRING) {
            return rk_fail(error, RK_EXPRESSION_FAILED, NULL, "what a place is indexed with is no text");
        }
    }
    return RK_OK;
}

/* A copy of the map with one pair replaced or added. */
static rk_status with_pair(rk_arena *arena, const rk_value *map, const rk_value *key, const rk_value *value,
                           rk_value *map_out) {
    size_t count = map->as.map.count, at = 0;
    rk_pair *pairs = rk_arena_take_array(arena, count + 1, sizeof *pairs);
    if (!pairs) return RK_NO_MEMORY;
    if (count) memcpy(pairs, map->as.map.pairs, count * sizeof *pairs);
    while (at < count && !rk_value_equal(&pairs[at].key, key)) at++;
    pairs[at] = (rk_pair){*key, *value};
    return rk_map_value(arena, pairs, at == count ? count + 1 : count, map_out);
}

/* `root` with `value` at the keys' place; missing maps on the way are made. RK_EXPRESSION_FAILED at what is no map. */
static rk_status with_value_at(rk_arena *arena, const rk_value *root, const rk_value *keys, size_t key_count,
                               const rk_value *value, rk_value *root_out) {
    if (key_count == 0) return *root_out = *value, RK_OK;
    rk_value empty = {.kind = RK_MAP}, inner;
    if (!root || root->kind == RK_NULL) root = &empty;
    if (root->kind != RK_MAP) return RK_EXPRESSION_FAILED;
    RK_TRY(with_value_at(arena, rk_map_find_key(root, &keys[0]), keys + 1, key_count - 1, value, &inner));
    return with_pair(arena, root, &keys[0], &inner, root_out);
}

/* ---- making a change ---- */

/* The keys that a step writes, kept for finding two steps on one place. */
typedef struct target {
    const rk_field *field;
    const rk_value *keys;
    size_t key_count;
} target;

/* One place lies within the other, or is it. */
static bool overlap(const target *a, const target *b) {
    if (a->field != b->field) return false;
    size_t shared = a->key_count < b->key_count ? a->key_count : b->key_count;
    for (size_t i = 0; i < shared; i++) {
        if (!rk_value_equal(&a->keys[i], &b->keys[i])) return false;
    }
    return true;
}

static rk_status find_assignment(const rk_scene *scene, rk_change *change, const rk_field *field, rk_arena *arena,
                                 assignment **assignment_out) {
    for (size_t i = 0; i < change->assignment_count; i++) {
        *assignment_out = &change->assignments[i];
        if (change->assignments[i].field == field) return RK_OK;
    }
    *assignment_out = &change->assignments[change->assignment_count++];
    (*assignment_out)->field = field;
    bool there = false;
    RK_TRY(rki_field_value(scene->state, field, arena, &there, &(*assignment_out)->value));
    if (!there) (*assignment_out)->value = rk_null();
    return RK_OK;
}

static rk_status make_assignment(const rk_scene *scene, const rk_step *step, target *targets, size_t target_count,
                                 rk_arena *arena, rk_change *change, rk_error *error) {
    rk_value *keys = NULL, value;
    char where[RK_ERROR_WHERE_MAX];
    rk_format(where, sizeof where, "/%b", step->field->name);
    RK_TRY(place_keys(scene, &step->place, arena, &keys, error));
    size_t above = step->place.step_count < RK_FIELD_DEPTH_MAX ? step->place.step_count : RK_FIELD_DEPTH_MAX;
    RK_TRY(rki_scene_run_value(scene, step->value, RKI_REACH_PLAIN, RK_FIELD_DEPTH_MAX - above, arena, &value, error));
    targets[target_count] = (target){step->field, keys, step->place.step_count};
    for (size_t i = 0; i < target_count; i++) {
        if (!overlap(&targets[i], &targets[target_count])) continue;
        return rk_fail(error, RK_APPLY_CONFLICT, where, "two steps of the event write the same place");
    }
    assignment *assignment = NULL;
    rk_status status = find_assignment(scene, change, step->field, arena, &assignment);
    if (status == RK_OK) {
        status = with_value_at(arena, &assignment->value, keys, step->place.step_count, &value, &assignment->value);
    }
    return status == RK_OK ? RK_OK : rk_fail(error, status, where, "the place cannot be written");
}

static rk_status check_assignments(const rk_change *change, rk_error *error) {
    for (size_t i = 0; i < change->assignment_count; i++) {
        const assignment *assignment = &change->assignments[i];
        char where[RK_ERROR_WHERE_MAX];
        rk_format(where, sizeof where, "/%b", assignment->field->name);
        RK_TRY(rk_schema_check(assignment->field->schema, &assignment->value, RK_BAD_STATE, where, error));
    }
    return RK_OK;
}

rk_status rk_change_make(const rk_scene *scene, const rk_event_type *type, bool judge, rk_arena *arena,
                         rk_change **change_out, rk_error *error) {
    rk_change *change = rk_arena_take(arena, sizeof *change);
    target *targets = rk_arena_take_array(arena, type->step_count, sizeof *targets);
    *change_out = change;
    if (!change || !targets) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the change");
    change->assignments = rk_arena_take_array(arena, type->step_count, sizeof *change->assignments);
    if (!change->assignments) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the change");
    size_t target_count = 0;
    for (size_t i = 0; i < type->step_count; i++) {
        const rk_step *step = &type->steps[i];
        if (step->field->merge != RK_MERGE_NONE) continue;
        RK_TRY(make_assignment(scene, step, targets, target_count, arena, change, error));
        target_count++;
    }
    return judge ? check_assignments(change, error) : RK_OK;
}

/* ---- carrying it out ---- */

static rk_merge_type merge_of(const rk_scene *scene, const rk_operation *operation) {
    const rk_field *field = rk_module_field(scene->module, operation->field);
    return field ? field->merge : RK_MERGE_NONE;
}

static rk_status apply_remove(rk_or_set *set, const rk_value *resolved) {
    for (size_t i = 0; i + 1 < resolved->as.list.count; i += 2) {
        const rk_value *id = &resolved->as.list.items[i], *n = id + 1;
        if (id->kind != RK_BYTES || id->as.bytes.size != RK_ID_SIZE || n->kind != RK_INT) return RK_BAD_OPERATIONS;
        rk_dot dot = {rk_id_get(id->as.bytes.data), (uint32_t)n->as.integer};
        rk_or_set_remove(set, &dot, 1);
    }
    return RK_OK;
}

static rk_status apply_add(rki_slot *slot, const rk_value *value) {
    if (value->kind != RK_INT) return RK_BAD_OPERATIONS;
    if (slot->merge == RK_MERGE_G_COUNTER) return rk_g_counter_add(&slot->as.g_counter, value->as.integer);
    return rk_pn_counter_add(&slot->as.pn_counter, value->as.integer);
}

/* Which operation a slot of this merge type takes; the module's steps were checked, an event's operations may lie. */
static bool fits(rk_operation_kind kind, rk_merge_type merge) {
    switch (kind) {
    case RK_OPERATION_SET:
        return merge == RK_MERGE_LWW;
    case RK_OPERATION_ADD:
        return merge == RK_MERGE_G_COUNTER || merge == RK_MERGE_PN_COUNTER;
    case RK_OPERATION_INSERT:
    case RK_OPERATION_REMOVE:
        return merge == RK_MERGE_OR_SET;
    default:
        return merge == RK_MERGE_RGA;
    }
}

static rk_status apply_operation(const rk_scene *scene, const rk_operation *operation, uint32_t n, rk_error *error) {
    const rk_event *event = scene->event;
    const rk_value *value = rk_operation_value(event, operation);
    rk_merge_type merge = merge_of(scene, operation);
    if (!value || !fits(operation->kind, merge)) return RK_BAD_OPERATIONS;
    rki_slot *slot = NULL;
    RK_TRY(rki_slot_make(scene->state, operation->field, merge, &slot));
    switch (operation->kind) {
    case RK_OPERATION_SET:
        return rk_lww_set(&slot->as.lww, &scene->state->arena, scene->stamp, event->id, value);
    case RK_OPERATION_ADD:
        return apply_add(slot, value);
    case RK_OPERATION_INSERT:
        return rk_or_set_insert(&slot->as.or_set, value, (rk_dot){event->id, n});
    case RK_OPERATION_REMOVE:
        return apply_remove(&slot->as.or_set, &operation->resolved);
    default:
        return rk_splice_apply(slot->as.rga, value, &operation->resolved, event->id.replica, error);
    }
}

rk_status rk_change_apply(const rk_scene *scene, const rk_change *change, rk_error *error) {
    rk_state *state = scene->state;
    for (size_t i = 0; i < change->assignment_count; i++) {
        const assignment *assignment = &change->assignments[i];
        rki_slot *slot = NULL;
        rk_value copy;
        rk_status status = rki_slot_make(state, assignment->field->name, RK_MERGE_NONE, &slot);
        if (status == RK_OK) status = rk_value_copy(&state->arena, &assignment->value, &copy);
        if (status != RK_OK)
            return rk_fail(error, status, NULL, "field \"%b\" cannot be written", assignment->field->name);
        slot->as.plain = copy;
    }
    for (size_t i = 0; i < scene->event->operation_count; i++) {
        const rk_operation *operation = &scene->event->operations[i];
        rk_status status = apply_operation(scene, operation, (uint32_t)i, error);
        if (status != RK_OK)
            return rk_fail(error, status, NULL, "field \"%b\": its operation cannot be applied", operation->field);
    }
    rk_status status = rki_state_compact(state);
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "no memory for the state");
}

rk_status rk_state_fold(const rk_scene *scene, rk_arena *arena, rk_error *error) {
    const rk_event_type *type = rk_module_event_type(scene->module, scene->event->type);
    if (!type)
        return rk_fail(error, RK_UNKNOWN_TYPE, NULL, "\"%b\" has no event type \"%b\"", scene->module->name,
                       scene->event->type);
    rk_change *change = NULL;
    RK_TRY(rk_change_make(scene, type, false, arena, &change, error));
    return rk_change_apply(scene, change, error);
}
