/*
 * Reading the steps of `apply`: which operation, on which place, with which value.
 */
#include "core/module/reader.h"

typedef struct verb {
    const char *name;
    rk_operation_kind kind;
    const char *argument;
    unsigned merges; /* bits 1 << rk_merge_type that it may write */
} verb;

static const verb verbs[] = {
    {"set", RK_OPERATION_SET, "to", 1U << RK_MERGE_NONE | 1U << RK_MERGE_LWW},
    {"add", RK_OPERATION_ADD, "by", 1U << RK_MERGE_G_COUNTER | 1U << RK_MERGE_PN_COUNTER},
    {"insert", RK_OPERATION_INSERT, "value", 1U << RK_MERGE_OR_SET},
    {"remove", RK_OPERATION_REMOVE, "value", 1U << RK_MERGE_OR_SET},
    {"splice", RK_OPERATION_SPLICE, "edits", 1U << RK_MERGE_RGA},
};

static const verb *verb_of(rki_reader *reader, const rk_value *source, rk_bytes pointer) {
    const verb *found = NULL;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (!rk_map_find(source, rk_bytes_of_string(verbs[i].name))) continue;
        if (found) rki_find(reader, pointer, "a step does one thing", "write a step for each");
        found = &verbs[i];
    }
    if (!found) rki_find(reader, pointer, "a step has one of set, add, insert, remove, splice", "");
    return found;
}

/* ---- when and each ---- */

/* What stands at the keys below a value of that type; dyn where only a run can tell, NULL where nothing can. */
static const rk_type *type_below(const rk_type *type, const rk_bytes *keys, size_t count) {
    for (size_t i = 0; i < count && type; i++) {
        if (type->kind == RK_TYPE_OBJECT) {
            type = rk_type_find_field(type, keys[i]);
        } else {
            type = type->kind == RK_TYPE_MAP ? type->item : type->kind == RK_TYPE_DYN ? type : NULL;
        }
    }
    return type;
}

static rk_status with_item(rki_reader *reader, const rk_environment *environment, const rk_type *item,
                           rk_environment *out) {
    rk_variable *variables = rk_arena_take_array(reader->arena, environment->count + 1, sizeof *variables);
    if (!variables) return RK_NO_MEMORY;
    for (size_t i = 0; i < environment->count; i++) variables[i] = environment->variables[i];
    variables[environment->count] = (rk_variable){RK_TEXT("item"), item};
    *out = (rk_environment){variables, environment->count + 1};
    return RK_OK;
}

/* `each`: a list in the data; the step's other expressions then read `item` too. */
static rk_status read_each(rki_reader *reader, const rk_value *source, rk_bytes pointer, const rk_type *data,
                           rki_environments *environments, rk_step *step) {
    const rk_value *each = rki_member(reader, source, "each", RK_STRING, false, pointer);
    if (!each) return RK_OK;
    rk_bytes at = rki_pointer(reader->arena, pointer, RK_TEXT("each"));
    const rk_program *list =
        rki_compile_fold(reader, each->as.bytes, &environments->merged, rk_type_of(RK_TYPE_DYN), at);
    const rk_bytes *keys = NULL;
    size_t count = list ? rk_program_path(list, &keys) : 0;
    const rk_type *type = list ? rk_program_type(list) : rk_type_of(RK_TYPE_DYN), *item = rk_type_of(RK_TYPE_DYN);
    bool named = count > 1 && rk_bytes_equal(keys[0], RK_TEXT("data")) && type_below(data, keys + 1, count - 1);
    if (list && (!named || (type->kind != RK_TYPE_LIST && type->kind != RK_TYPE_DYN))) {
        rki_find(reader, at, "\"each\" names a list in the data", "such as \"data.lines\"");
    } else if (list) {
        step->each = keys + 1;
        step->each_size = count - 1;
        if (type->kind == RK_TYPE_LIST) item = type->item;
    }
    RK_TRY(with_item(reader, &environments->merged, item, &environments->merged));
    return with_item(reader, &environments->plain, item, &environments->plain);
}

static void read_when(rki_reader *reader, const rk_value *source, rk_bytes pointer, const rk_environment *environment,
                      rk_step *step) {
    const rk_value *when = rki_member(reader, source, "when", RK_STRING, false, pointer);
    if (!when) return;
    step->when = rki_compile_fold(reader, when->as.bytes, environment, rk_type_of(RK_TYPE_BOOL),
                                  rki_pointer(reader->arena, pointer, RK_TEXT("when")));
}

/* ---- places and values ---- */

/* The type of what stands at the place, for checking what is written there; dyn where only a run can tell. */
static const rk_type *type_at(const rk_field *field, const rk_place *place) {
    const rk_type *type = field->type;
    for (size_t i = 0; i < place->step_count && type; i++) {
        const rk_place_step *step = &place->steps[i];
        if (type->kind == RK_TYPE_MAP) {
            type = type->item;
        } else if (type->kind == RK_TYPE_OBJECT && step->field.size) {
            type = rk_type_find_field(type, step->field);
        } else if (type->kind == RK_TYPE_OBJECT || type->kind == RK_TYPE_DYN) {
            type = rk_type_of(RK_TYPE_DYN);
        } else {
            type = NULL;
        }
    }
    return type;
}

/* A map is indexed with text: the keys of states are those of JSON. */
static bool indexes_fit(const rk_place *place) {
    for (size_t i = 0; i < place->step_count; i++) {
        const rk_program *program = place->steps[i].program;
        if (program && !rk_type_fits(rk_program_type(program), rk_type_of(RK_TYPE_STRING))) return false;
    }
    return true;
}

static void read_place(rki_reader *reader, const verb *verb, rk_bytes source, const rk_environment *plain,
                       rk_bytes pointer, rk_step *step) {
    rk_error error = {0};
    if (rk_expr_compile_place(reader->arena, source, plain, &step->place, &error) != RK_OK) {
        rki_finding_of_error(reader->findings, reader->arena, pointer, &error);
        return;
    }
    for (size_t i = 0; i < step->place.step_count; i++) {
        rki_refuse_zones(reader, step->place.steps[i].program, pointer);
    }
    step->field = rk_module_field(reader->module, step->place.root);
    if (!step->field) {
        rki_find(reader, pointer, "the module has no such field", "name one of its fields");
        return;
    }
    if (!(verb->merges & 1U << step->field->merge)) {
        char message[160];
        rk_format(message, sizeof message, "\"%s\" does not fit a field of merge type %s", verb->name,
                  rk_merge_type_name(step->field->merge));
        rki_find(reader, pointer, message, "set: lww or none; add: counters; insert, remove: or-set; splice: rga");
    } else if (step->field->merge != RK_MERGE_NONE && step->place.step_count > 0) {
        rki_find(reader, pointer, "a field with \"merge\" is written as a whole", "");
    } else if (!indexes_fit(&step->place)) {
        rki_find(reader, pointer, "a place is indexed with text", "string(...) makes one");
    } else if (!type_at(step->field, &step->place)) {
        rki_find(reader, pointer, "the field's type has no such place", "");
    }
}

static const rk_type *wanted_type(const rk_step *step) {
    switch (step->kind) {
    case RK_OPERATION_ADD:
        return rk_type_of(RK_TYPE_INT);
    case RK_OPERATION_INSERT:
    case RK_OPERATION_REMOVE:
        return rk_schema_type(step->field->schema);
    case RK_OPERATION_SPLICE:
        return rk_type_of(RK_TYPE_DYN); /* [[at, delete, text], ...]: checked when it is resolved */
    default:
        return type_at(step->field, &step->place);
    }
}

/* The path below `data`, or below the element that `each` is at, when the value is nothing but a place there. */
static void find_path(rk_step *step) {
    const rk_bytes *keys = NULL;
    size_t count = rk_program_path(step->value, &keys);
    if (count == 0) return;
    step->of_item = step->each && rk_bytes_equal(keys[0], RK_TEXT("item"));
    if (!step->of_item && (count < 2 || !rk_bytes_equal(keys[0], RK_TEXT("data")))) return;
    step->has_path = true;
    step->path = keys + 1;
    step->path_size = count - 1;
}

/* A register or a text is written once by an event; sums and sets take any number. */
static void check_each(rki_reader *reader, rk_bytes pointer, const rk_step *step) {
    bool once = step->kind == RK_OPERATION_SPLICE || (step->kind == RK_OPERATION_SET && step->place.step_count == 0);
    if (!step->each || !once) return;
    rki_finding_add(reader->findings, reader->arena, RK_APPLY_CONFLICT, pointer,
                    "\"each\" would write the same place for every element", "write the field once, without \"each\"");
}

/* A place in a field without `merge` may be given an optional: none takes it away. */
static void check_value(rki_reader *reader, rk_bytes pointer, const rk_step *step, bool plain) {
    if (!step->value) return;
    const rk_type *type = rk_program_type(step->value);
    if (plain && type->kind == RK_TYPE_OPTIONAL) type = type->item;
    rki_check_type(reader, pointer, type, wanted_type(step));
}

static rk_status read_step(rki_reader *reader, const rk_value *source, rk_bytes pointer, const rk_type *data,
                           rki_environments environments, rk_step *step) {
    if (source->kind != RK_MAP) return rki_find(reader, pointer, "a step is an object", ""), RK_OK;
    const verb *verb = verb_of(reader, source, pointer);
    if (!verb) return RK_OK;
    const char *words[] = {verb->name, verb->argument, "each", "when", NULL};
    rki_refuse_unknown(reader, source, words, pointer);
    const rk_value *target = rki_member(reader, source, verb->name, RK_STRING, true, pointer);
    const rk_value *argument = rki_member(reader, source, verb->argument, RK_STRING, true, pointer);
    step->kind = verb->kind;
    if (!target || !argument) return RK_OK;
    size_t before = reader->findings->count;
    RK_TRY(read_each(reader, source, pointer, data, &environments, step));
    read_place(reader, verb, target->as.bytes, &environments.plain,
               rki_pointer(reader->arena, pointer, rk_bytes_of_string(verb->name)), step);
    if (reader->findings->count > before) return RK_OK;
    check_each(reader, pointer, step);
    bool plain = step->field->merge == RK_MERGE_NONE;
    const rk_environment *environment = plain ? &environments.plain : &environments.merged;
    read_when(reader, source, pointer, environment, step);
    rk_bytes at = rki_pointer(reader->arena, pointer, rk_bytes_of_string(verb->argument));
    step->value = rki_compile_fold(reader, argument->as.bytes, environment, rk_type_of(RK_TYPE_DYN), at);
    check_value(reader, at, step, plain);
    if (step->value && !plain) find_path(step);
    return RK_OK;
}

/*
 * Two steps on one field with `merge`: no order of delivery could tell which comes first. Whether steps with `when`
 * ever meet is seen when they run.
 */
static void refuse_doubles(rki_reader *reader, rk_bytes pointer, const rk_step *steps, size_t count) {
    for (size_t i = 1; i < count; i++) {
        for (size_t before = 0; before < i; before++) {
            const rk_field *field = steps[i].field;
            if (!field || field != steps[before].field || steps[i].when || steps[before].when) continue;
            if (field->merge == RK_MERGE_NONE && (steps[i].place.step_count || steps[before].place.step_count))
                continue;
            rki_finding_add(reader->findings, reader->arena, RK_APPLY_CONFLICT,
                            rki_pointer_index(reader->arena, pointer, i), "a step before it writes the same field", "");
        }
    }
}

rk_status rki_steps_read(rki_reader *reader, const rk_value *list, rk_bytes pointer, const rk_type *data,
                         const rki_environments *environments, rk_event_type *type) {
    size_t count = list->as.list.count;
    rk_step *steps = rk_arena_take_array(reader->arena, count, sizeof *steps);
    if (!steps) return RK_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        rk_bytes at = rki_pointer_index(reader->arena, pointer, i);
        RK_TRY(read_step(reader, &list->as.list.items[i], at, data, *environments, &steps[i]));
    }
    refuse_doubles(reader, pointer, steps, count);
    type->steps = steps;
    type->step_count = count;
    return RK_OK;
}
