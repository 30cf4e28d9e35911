/*
 * Folding: what an event sets, found out first, then carried out.
 */
#include <string.h>

#include "core/reduce/plain.h"
#include "core/reduce/splice.h"
#include "core/reduce/walk.h"

enum { SETTINGS_GROWTH = 8 };

/* One place in a field without `merge`, and the value that it will have. */
typedef struct setting {
    const rk_field *field;
    const rk_value *keys;
    size_t key_count;
    bool removes; /* the value is none */
    rk_value value;
} setting;

struct rk_change {
    setting *settings;
    size_t count;
    size_t capacity;
    const setting **ordered; /* by field and keys: two places of which one lies in the other are neighbours */
    rk_value *copies;        /* of the values, in the state's memory, once they are applied */
    struct undo *undos;
};

typedef struct undo {
    rki_plain_undo place;
    bool slot_made;
    bool slot_gone;
} undo;

/* ---- making a change ---- */

/* The keys of a place: fields as they stand, indexes evaluated. */
static rk_status place_keys(const rk_scene *scene, const rk_place *place, rk_arena *arena, const rk_value **keys_out,
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

/* Fields by address; then key by key, a place before those within it. */
static int compare_places(const setting *a, const setting *b) {
    if (a->field != b->field) return a->field < b->field ? -1 : 1;
    for (size_t i = 0; i < a->key_count && i < b->key_count; i++) {
        int order = rk_value_compare(&a->keys[i], &b->keys[i]);
        if (order != 0) return order;
    }
    return (a->key_count > b->key_count) - (a->key_count < b->key_count);
}

/* One place lies within the other, or is it. */
static bool overlap(const setting *a, const setting *b) {
    if (a->field != b->field) return false;
    size_t shared = a->key_count < b->key_count ? a->key_count : b->key_count;
    for (size_t i = 0; i < shared; i++) {
        if (!rk_value_equal(&a->keys[i], &b->keys[i])) return false;
    }
    return true;
}

/* Puts the setting among those before it; false when it meets one of them. */
static bool put_in_order(rk_change *change, const setting *setting, size_t count) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_places(change->ordered[middle], setting) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > 0 && overlap(change->ordered[low - 1], setting)) return false;
    if (low < count && overlap(change->ordered[low], setting)) return false;
    memmove(&change->ordered[low + 1], &change->ordered[low], (count - low) * sizeof *change->ordered);
    change->ordered[low] = setting;
    return true;
}

static rk_status refuse_overlaps(rk_change *change, rk_arena *arena, rk_error *error) {
    if (change->count < 2) return RK_OK;
    change->ordered = rk_arena_take_array(arena, change->count, sizeof *change->ordered);
    if (!change->ordered) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the change");
    for (size_t i = 0; i < change->count; i++) {
        if (put_in_order(change, &change->settings[i], i)) continue;
        char where[RK_ERROR_WHERE_MAX];
        rk_format(where, sizeof where, "/%b", change->settings[i].field->name);
        return rk_fail(error, RK_APPLY_CONFLICT, where, "two steps of the event write the same place");
    }
    return RK_OK;
}

static rk_status make_setting(const rki_walk *walk, setting *setting, rk_error *error) {
    const rk_step *step = walk->step;
    size_t above = step->place.step_count < RK_FIELD_DEPTH_MAX ? step->place.step_count : RK_FIELD_DEPTH_MAX;
    setting->field = step->field;
    setting->key_count = step->place.step_count;
    RK_TRY(place_keys(&walk->scene, &step->place, walk->arena, &setting->keys, error));
    return rki_scene_run_setting(&walk->scene, step->value, RK_FIELD_DEPTH_MAX - above, walk->arena, &setting->removes,
                                 &setting->value, error);
}

static rk_status add_setting(rk_change *change, const rki_walk *walk, rk_error *error) {
    if (change->count == change->capacity) {
        size_t capacity = change->capacity ? change->capacity * 2 : SETTINGS_GROWTH;
        change->settings = rk_arena_grow(walk->arena, change->settings, change->capacity * sizeof *change->settings,
                                         capacity * sizeof *change->settings);
        if (!change->settings) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the change");
        change->capacity = capacity;
    }
    return make_setting(walk, &change->settings[change->count++], error);
}

rk_status rk_change_make(const rk_scene *scene, const rk_event_type *type, rk_arena *arena, rk_change **change_out,
                         rk_error *error) {
    rk_change *change = rk_arena_take(arena, sizeof *change);
    rki_walk walk;
    *change_out = change;
    if (!change) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the change");
    RK_TRY(rki_walk_start(&walk, scene, type, false, arena, error));
    rk_status status = RK_OK;
    while ((status = rki_walk_next(&walk, error)) == RK_OK) RK_TRY(add_setting(change, &walk, error));
    if (status != RK_NOT_FOUND) return status;
    change->copies = rk_arena_take_array(arena, change->count, sizeof *change->copies);
    change->undos = rk_arena_take_array(arena, change->count, sizeof *change->undos);
    if (!change->copies || !change->undos) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the change");
    return refuse_overlaps(change, arena, error);
}

/* ---- setting, and taking back ---- */

/* Values may borrow from what another setting changes: all are copied first. */
static rk_status copy_values(rk_state *state, const rk_change *change) {
    for (size_t i = 0; i < change->count; i++) {
        RK_TRY(rki_plain_copy(&state->arena, &change->settings[i].value, &change->copies[i]));
    }
    return RK_OK;
}

static rk_status set_place(rk_state *state, const setting *setting, const rk_value *copy, undo *undo) {
    rki_slot *slot = rki_slot_find(state, setting->field->name);
    undo->slot_made = !slot;
    RK_TRY(rki_slot_make(state, setting->field->name, RK_MERGE_NONE, &slot));
    if (undo->slot_made) slot->as.plain = rk_null();
    rk_status status =
        rki_plain_set(&state->arena, &slot->as.plain, setting->keys, setting->key_count, copy, &undo->place);
    if (status != RK_OK && undo->slot_made) rki_slot_remove(state, setting->field->name);
    return status;
}

/* A field that goes away as a whole keeps its slot until it is sure that it goes. */
static void remove_place(rk_state *state, const setting *setting, undo *undo) {
    rki_slot *slot = rki_slot_find(state, setting->field->name);
    *undo = (struct undo){.slot_gone = slot && setting->key_count == 0};
    if (slot && !undo->slot_gone) {
        rki_plain_remove(&slot->as.plain, setting->keys, setting->key_count, &undo->place);
    }
}

static void take_back_one(rk_state *state, rk_bytes name, const undo *undo) {
    rki_slot *slot = rki_slot_find(state, name);
    if (!slot || undo->slot_gone) return;
    rki_plain_take_back(&slot->as.plain, &undo->place);
    if (undo->slot_made) rki_slot_remove(state, name);
}

static void take_back(rk_state *state, const rk_change *change, size_t count) {
    while (count > 0) {
        count--;
        take_back_one(state, change->settings[count].field->name, &change->undos[count]);
    }
}

/* How many of the place's keys lead to what is new: the maps that were made on the way are looked at whole. */
static size_t keys_to_new(const setting *setting, const undo *undo) {
    if (undo->place.kind == RKI_PLAIN_INSERTED) return undo->place.depth + 1;
    return undo->place.kind == RKI_PLAIN_REPLACED ? undo->place.depth : setting->key_count;
}

static rk_status check_settings(const rk_scene *scene, const rk_change *change, rk_error *error) {
    for (size_t i = 0; i < change->count; i++) {
        const setting *setting = &change->settings[i];
        const rki_slot *slot = rki_slot_find(scene->state, setting->field->name);
        const rk_field *field = rk_module_field(scene->module, setting->field->name);
        char where[RK_ERROR_WHERE_MAX];
        rk_format(where, sizeof where, "/%b", setting->field->name);
        if (!field) return rk_fail(error, RK_BAD_STATE, where, "\"%b\" has no such field", scene->module->name);
        if (!slot || change->undos[i].slot_gone) continue;
        RK_TRY(rk_schema_check_place(field->schema, &slot->as.plain, setting->keys,
                                     keys_to_new(setting, &change->undos[i]), RK_BAD_STATE, where, error));
    }
    return RK_OK;
}

static rk_status apply_settings(const rk_scene *scene, const rk_change *change, bool judge, bool *broken_out,
                                rk_error *error) {
    rk_state *state = scene->state;
    rk_status status = copy_values(state, change);
    size_t done = 0;
    while (done < change->count && status == RK_OK) {
        const setting *setting = &change->settings[done];
        undo *undo = &change->undos[done];
        if (setting->removes) {
            remove_place(state, setting, undo);
        } else {
            status = set_place(state, setting, &change->copies[done], undo);
        }
        done += status == RK_OK;
    }
    *broken_out = status != RK_OK && status != RK_EXPRESSION_FAILED;
    if (status != RK_OK) {
        char where[RK_ERROR_WHERE_MAX];
        rk_format(where, sizeof where, "/%b", done < change->count ? change->settings[done].field->name : RK_TEXT(""));
        rk_fail(error, status, where, "the place cannot be written");
    } else if (judge) {
        status = check_settings(scene, change, error);
    }
    if (status != RK_OK && !*broken_out) take_back(state, change, done);
    for (size_t i = 0; i < change->count && status == RK_OK; i++) {
        if (change->undos[i].slot_gone) rki_slot_remove(state, change->settings[i].field->name);
    }
    return status;
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

/* What was set, overwritten or taken back leaves garbage behind. */
static rk_status compact(const rk_scene *scene, bool *broken_out, rk_error *error) {
    rk_status status = rki_state_compact(scene->state);
    if (status == RK_OK) return RK_OK;
    *broken_out = true;
    return rk_fail(error, status, NULL, "no memory for the state");
}

rk_status rk_change_apply(const rk_scene *scene, const rk_change *change, bool judge, bool *broken_out,
                          rk_error *error) {
    *broken_out = false;
    rk_status status = change->count ? apply_settings(scene, change, judge, broken_out, error) : RK_OK;
    for (size_t i = 0; i < scene->event->operation_count && status == RK_OK; i++) {
        const rk_operation *operation = &scene->event->operations[i];
        status = apply_operation(scene, operation, (uint32_t)i, error);
        *broken_out = status != RK_OK;
        if (status != RK_OK)
            rk_fail(error, status, NULL, "field \"%b\": its operation cannot be applied", operation->field);
    }
    if (*broken_out) return status;
    rk_status compacted = compact(scene, broken_out, status == RK_OK ? error : NULL);
    return status == RK_OK ? compacted : status;
}

rk_status rk_state_fold(const rk_scene *scene, const rk_event_type *type, rk_arena *arena, rk_error *error) {
    rk_change *change = NULL;
    bool broken = false;
    RK_TRY(rk_change_make(scene, type, arena, &change, error));
    return rk_change_apply(scene, change, false, &broken, error);
}
