/*
 * From what the caller said to operations, and back: resolving at the writer, checking at the truth.
 */
#include <string.h>

#include "core/reduce/splice.h"
#include "core/reduce/walk.h"

/* ---- values of steps ---- */

/* Where the value stands in the data, or the value itself; `value_out` is the value either way. */
static rk_status step_value(const rki_walk *walk, rk_operation *operation, rk_value *value_out, rk_error *error) {
    const rk_step *step = walk->step;
    RK_TRY(rki_scene_run_value(&walk->scene, step->value, RKI_REACH_MERGED, RK_FIELD_DEPTH_MAX, walk->arena, value_out,
                               error));
    operation->field = step->field->name;
    operation->kind = step->kind;
    if (!step->has_path) return operation->value = *value_out, RK_OK;
    if (rki_walk_path(walk, &operation->path) == RK_OK) return RK_OK;
    return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the operation");
}

/* Held against the field as the module has it that judges, which may be of a later version than the step. */
static rk_status check_step_value(const rk_scene *scene, const rk_step *step, const rk_value *value, rk_error *error) {
    const rk_field *field = rk_module_field(scene->module, step->field->name);
    char where[RK_ERROR_WHERE_MAX];
    rk_format(where, sizeof where, "/%b", step->field->name);
    if (!field) return rk_fail(error, RK_BAD_STATE, where, "\"%b\" has no such field", scene->module->name);
    if (step->kind == RK_OPERATION_SPLICE) return RK_OK; /* its edits are checked where they are resolved */
    if (step->kind != RK_OPERATION_ADD) return rk_schema_check(field->schema, value, RK_BAD_DATA, where, error);
    if (value->kind != RK_INT) return rk_fail(error, RK_BAD_DATA, where, "a counter takes whole numbers of 64 bits");
    if (step->field->merge == RK_MERGE_G_COUNTER && value->as.integer < 0) {
        return rk_fail(error, RK_BAD_DATA, where, "a g-counter never goes down");
    }
    return RK_OK;
}

/* ---- resolving ---- */

static rk_status resolve_remove(const rk_scene *scene, const rk_step *step, const rk_value *value, rk_arena *arena,
                                rk_value *resolved_out) {
    rki_slot *slot = scene->state ? rki_slot_find(scene->state, step->field->name) : NULL;
    const rk_dot *dots = NULL;
    size_t count = 0;
    if (slot && slot->merge == RK_MERGE_OR_SET) {
        RK_TRY(rk_or_set_dots(&slot->as.or_set, value, arena, &dots, &count));
    }
    rk_value *items = rk_arena_take_array(arena, count * 2, sizeof *items);
    uint8_t *ids = rk_arena_take_array(arena, count, RK_ID_SIZE);
    if (!items || !ids) return RK_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        rk_id_put(ids + i * RK_ID_SIZE, dots[i].event);
        items[2 * i] = rk_bytes_value(rk_bytes_of(ids + i * RK_ID_SIZE, RK_ID_SIZE));
        items[2 * i + 1] = rk_int(dots[i].n);
    }
    *resolved_out = rk_list(items, count * 2);
    return RK_OK;
}

static rk_status resolve_step(const rki_walk *walk, uint64_t lamport_floor, rk_operation *operation, rk_error *error) {
    const rk_scene *scene = &walk->scene;
    const rk_step *step = walk->step;
    rk_value value;
    RK_TRY(step_value(walk, operation, &value, error));
    RK_TRY(check_step_value(scene, step, &value, error));
    if (step->kind == RK_OPERATION_REMOVE) {
        rk_status status = resolve_remove(scene, step, &value, walk->arena, &operation->resolved);
        return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "no memory for the dots");
    }
    if (step->kind != RK_OPERATION_SPLICE) return RK_OK;
    rk_rga *rga = rk_state_text(scene->state, step->field->name);
    uint64_t highest = rga ? rk_rga_lamport_max(rga) : 0;
    if (lamport_floor > highest) highest = lamport_floor < RK_LAMPORT_MAX ? lamport_floor : RK_LAMPORT_MAX;
    return rk_splice_resolve(rga, &value, scene->event->id.replica, highest + 1, walk->arena, &operation->resolved,
                             error);
}

rk_status rk_event_resolve(const rk_scene *scene, const rk_event_type *type, uint64_t lamport_floor, rk_arena *arena,
                           rk_event *event, rk_error *error) {
    rk_operation *operations = NULL;
    size_t count = 0, capacity = 0;
    rki_walk walk;
    RK_TRY(rki_walk_start(&walk, scene, type, true, arena, error));
    rk_status status = RK_OK;
    while ((status = rki_walk_next(&walk, error)) == RK_OK) {
        if (count == capacity) {
            size_t more = capacity ? capacity * 2 : type->step_count;
            operations = rk_arena_grow(arena, operations, capacity * sizeof *operations, more * sizeof *operations);
            if (!operations) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the operations");
            capacity = more;
        }
        operations[count] = (rk_operation){.kind = RK_OPERATION_SET};
        RK_TRY(resolve_step(&walk, lamport_floor, &operations[count++], error));
    }
    event->operations = operations;
    event->operation_count = count;
    return status == RK_NOT_FOUND ? RK_OK : status;
}

/* ---- checking ---- */

static rk_status refuse(rk_error *error, rk_status code, const rk_step *step, const char *what) {
    char where[RK_ERROR_WHERE_MAX];
    rk_format(where, sizeof where, "/%b", step->field->name);
    return rk_fail(error, code, where, "%s", what);
}

static bool is_among(rk_dot dot, const rk_dot *dots, size_t count) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = rk_dot_compare(dots[middle], dot);
        if (order == 0) return true;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

/* A dot that is there must name the value that the data say; one that is gone takes nothing away any more. */
static rk_status check_dots(const rk_scene *scene, const rk_dot_source *source, const rk_step *step,
                            const rk_value *value, const rk_dot *dots, size_t count, rk_arena *arena, rk_error *error) {
    rki_slot *slot = scene->state ? rki_slot_find(scene->state, step->field->name) : NULL;
    const rk_or_set *set = slot && slot->merge == RK_MERGE_OR_SET ? &slot->as.or_set : NULL;
    const rk_dot *of_value = NULL;
    size_t of_value_count = 0;
    if (set && rk_or_set_dots(set, value, arena, &of_value, &of_value_count) != RK_OK) {
        return refuse(error, RK_NO_MEMORY, step, "no memory for the dots");
    }
    for (size_t i = 0; i < count; i++) {
        if (is_among(dots[i], of_value, of_value_count)) continue;
        if (set && rk_or_set_has(set, dots[i]))
            return refuse(error, RK_BAD_OPERATIONS, step, "it removes another value than the data say");
        if (source && source->known(source->context, step->field->name, dots[i])) continue;
        return refuse(error, RK_MISSING_REFERENCE, step, "it removes an insert that is not in the log before it");
    }
    return RK_OK;
}

/* Dots ascend, so that one remove has one encoding. */
static rk_status check_remove(const rk_scene *scene, const rk_dot_source *source, const rk_step *step,
                              const rk_value *value, const rk_value *resolved, rk_arena *arena, rk_error *error) {
    if (resolved->kind != RK_LIST || resolved->as.list.count % 2)
        return refuse(error, RK_BAD_OPERATIONS, step, "half a dot");
    size_t count = resolved->as.list.count / 2;
    rk_dot *dots = rk_arena_take_array(arena, count, sizeof *dots);
    if (!dots) return refuse(error, RK_NO_MEMORY, step, "no memory for the dots");
    for (size_t i = 0; i < count; i++) {
        const rk_value *id = &resolved->as.list.items[2 * i], *n = id + 1;
        if (id->kind != RK_BYTES || id->as.bytes.size != RK_ID_SIZE || n->kind != RK_INT || n->as.integer < 0 ||
            n->as.integer > UINT32_MAX) {
            return refuse(error, RK_BAD_OPERATIONS, step, "a dot that is none");
        }
        dots[i] = (rk_dot){rk_id_get(id->as.bytes.data), (uint32_t)n->as.integer};
        if (i > 0 && rk_dot_compare(dots[i - 1], dots[i]) >= 0)
            return refuse(error, RK_BAD_OPERATIONS, step, "dots out of order");
    }
    return check_dots(scene, source, step, value, dots, count, arena, error);
}

static rk_status check_operation(const rki_walk *walk, const rk_operation *operation, const rk_dot_source *dots,
                                 rk_error *error) {
    const rk_scene *scene = &walk->scene;
    const rk_step *step = walk->step;
    rk_operation expected = {.kind = step->kind};
    rk_value value;
    RK_TRY(step_value(walk, &expected, &value, error));
    if (!rk_bytes_equal(operation->field, expected.field) || operation->kind != expected.kind ||
        !rk_value_equal(&operation->path, &expected.path) || !rk_value_equal(&operation->value, &expected.value)) {
        return refuse(error, RK_BAD_OPERATIONS, step, "the operation is not what the event type makes of the data");
    }
    RK_TRY(check_step_value(scene, step, &value, error));
    if (step->kind == RK_OPERATION_REMOVE) {
        return check_remove(scene, dots, step, &value, &operation->resolved, walk->arena, error);
    }
    if (step->kind != RK_OPERATION_SPLICE) return RK_OK;
    rk_rga *rga = rk_state_text(scene->state, step->field->name);
    return rk_splice_check(rga, &value, &operation->resolved, scene->event->id.replica, error);
}

rk_status rk_event_check_operations(const rk_scene *scene, const rk_event_type *type, const rk_dot_source *dots,
                                    rk_arena *arena, rk_error *error) {
    const rk_event *event = scene->event;
    size_t count = 0;
    rki_walk walk;
    RK_TRY(rki_walk_start(&walk, scene, type, true, arena, error));
    rk_status status = RK_OK;
    while ((status = rki_walk_next(&walk, error)) == RK_OK) {
        if (count == event->operation_count)
            return refuse(error, RK_BAD_OPERATIONS, walk.step, "its operation is missing");
        RK_TRY(check_operation(&walk, &event->operations[count++], dots, error));
    }
    if (status != RK_NOT_FOUND || count == event->operation_count) return status == RK_NOT_FOUND ? RK_OK : status;
    return rk_fail(error, RK_BAD_OPERATIONS, NULL, "it has operations that its type does not make");
}
