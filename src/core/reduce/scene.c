/*
 * What an expression of a module reads: its variables, made when they are asked for.
 */
#include "core/reduce/slots.h"

const rk_value *rk_scene_data(const rk_scene *scene) {
    return scene->data ? scene->data : &scene->event->data;
}

/* One run: the scene, the program that runs (it knows which fields it reads), where values are made. */
typedef struct run {
    const rk_scene *scene;
    const rk_program *program;
    rki_reach reach;
    rk_arena *arena;
} run;

rk_value rk_time_value(uint64_t ms) {
    rk_value time = {.kind = RK_TIMESTAMP};
    time.as.time.seconds = (int64_t)(ms / 1000);
    time.as.time.nanos = (int32_t)(ms % 1000 * 1000000);
    return time;
}

static rk_status map_of(rk_arena *arena, const rk_pair *pairs, size_t count, rk_value *value_out) {
    rk_pair *copy = rk_arena_take_array(arena, count, sizeof *copy);
    if (!copy) return RK_NO_MEMORY;
    for (size_t i = 0; i < count; i++) copy[i] = pairs[i];
    return rk_map_value(arena, copy, count, value_out);
}

/* What is asked once and never at replay: roles, zones and the time of day are there for it. */
static bool asked_once(rki_reach reach) {
    return reach == RKI_REACH_ALL || reach == RKI_REACH_LOG;
}

enum { ACTOR_FIELDS_FOLDED = 2, ACTOR_FIELDS = 4 };

static rk_status actor_value(const rk_actor_view *actor, size_t count, rk_arena *arena, rk_value *value_out) {
    rk_bytes kind = rk_bytes_of_string(rk_actor_kind_name(actor->kind));
    const rk_pair pairs[ACTOR_FIELDS] = {
        {rk_string(RK_TEXT("id")), rk_string(actor->id)},
        {rk_string(RK_TEXT("kind")), rk_string(kind)},
        {rk_string(RK_TEXT("roles")), actor->roles ? *actor->roles : rk_list(NULL, 0)},
        {rk_string(RK_TEXT("groups")), actor->groups ? *actor->groups : rk_list(NULL, 0)}};
    return map_of(arena, pairs, count, value_out);
}

rk_status rk_actor_value(const rk_actor_view *actor, rk_arena *arena, rk_value *value_out) {
    return actor_value(actor, ACTOR_FIELDS, arena, value_out);
}

static rk_status logged_entity_value(run *run, rk_value *value_out) {
    const rk_event *event = run->scene->event;
    size_t size = event->module.size + 1 + event->entity.size;
    char *name = rk_arena_take(run->arena, size + 1);
    if (!name) return RK_NO_MEMORY;
    rk_format(name, size + 1, "%b/%b", event->module, event->entity);
    const rk_pair pairs[] = {{rk_string(RK_TEXT("id")), rk_string(event->entity)},
                             {rk_string(RK_TEXT("name")), rk_string(rk_bytes_of(name, size))}};
    return map_of(run->arena, pairs, 2, value_out);
}

static rk_status entity_value(run *run, rk_value *value_out) {
    const rk_scene *scene = run->scene;
    if (run->reach == RKI_REACH_LOG) return logged_entity_value(run, value_out);
    const rk_pair pairs[] = {{rk_string(RK_TEXT("id")), rk_string(scene->entity)},
                             {rk_string(RK_TEXT("exists")), rk_bool(scene->version > 0)},
                             {rk_string(RK_TEXT("version")), rk_int((int64_t)scene->version)}};
    return map_of(run->arena, pairs, run->reach == RKI_REACH_ALL ? 3 : 1, value_out);
}

static rk_status event_value(run *run, rk_value *value_out) {
    char *ulid = rk_arena_take(run->arena, RK_ULID_SIZE);
    if (!ulid) return RK_NO_MEMORY;
    rk_id_print(run->scene->event->id, ulid);
    const rk_scene *scene = run->scene;
    const rk_event *event = scene->event;
    const rk_pair pairs[] = {{rk_string(RK_TEXT("id")), rk_string(rk_bytes_of(ulid, RK_ULID_SIZE))},
                             {rk_string(RK_TEXT("time")), rk_time_value(rk_stamp_ms(scene->stamp))},
                             {rk_string(RK_TEXT("type")), rk_string(event->type)},
                             {rk_string(RK_TEXT("module")), rk_string(event->module)},
                             {rk_string(RK_TEXT("module_version")), rk_int((int64_t)event->module_version)},
                             {rk_string(RK_TEXT("position")), rk_int((int64_t)scene->position)},
                             {rk_string(RK_TEXT("version")), rk_int((int64_t)scene->version)},
                             {rk_string(RK_TEXT("actor")), rk_string(event->actor)}};
    size_t count = run->reach == RKI_REACH_LOG ? 8 : run->reach == RKI_REACH_MERGED ? 1 : 2;
    return map_of(run->arena, pairs, count, value_out);
}

static bool is_read(const rk_read *reads, size_t count, rk_bytes field) {
    for (size_t i = 0; i < count; i++) {
        if (!rk_bytes_equal(reads[i].root, RK_TEXT("state"))) continue;
        if (reads[i].whole || rk_bytes_equal(reads[i].field, field)) return true;
    }
    return false;
}

/* Only the fields that the program reads: a long text is made into one string for nobody. */
static rk_status state_value(run *run, rk_value *value_out) {
    const rk_module *module = run->scene->module;
    const rk_read *reads = NULL;
    size_t read_count = rk_program_reads(run->program, &reads), count = 0;
    rk_pair *pairs = rk_arena_take_array(run->arena, module->field_count, sizeof *pairs);
    if (!pairs) return RK_NO_MEMORY;
    for (size_t i = 0; i < module->field_count; i++) {
        const rk_field *field = &module->fields[i];
        if (!is_read(reads, read_count, field->name)) continue;
        if (run->reach != RKI_REACH_ALL && field->merge != RK_MERGE_NONE) continue;
        if (rk_hidden_has(run->scene->hidden, field->name)) continue;
        bool there = false;
        pairs[count].key = rk_string(field->name);
        RK_TRY(rki_field_value(run->scene->state, field, run->arena, &there, &pairs[count].value));
        if (there && pairs[count].value.kind == RK_STRING && rk_type_of(RK_TYPE_INT) == field->type) return RK_OVERFLOW;
        count += there;
    }
    return rk_map_value(run->arena, pairs, count, value_out);
}

static rk_status find(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    run *run = context;
    rk_status status = RK_NOT_FOUND;
    (void)index;
    *value_out = rk_null();
    if (rk_bytes_equal(name, RK_TEXT("actor"))) {
        size_t count = asked_once(run->reach) ? ACTOR_FIELDS : ACTOR_FIELDS_FOLDED;
        status = actor_value(&run->scene->actor, count, run->arena, value_out);
    } else if (rk_bytes_equal(name, RK_TEXT("data")) && run->scene->event) {
        *value_out = *rk_scene_data(run->scene);
        status = RK_OK;
    } else if (rk_bytes_equal(name, RK_TEXT("item")) && run->scene->item) {
        *value_out = *run->scene->item;
        status = RK_OK;
    } else if (rk_bytes_equal(name, RK_TEXT("entity"))) {
        status = entity_value(run, value_out);
    } else if (rk_bytes_equal(name, RK_TEXT("event")) && run->scene->event) {
        status = event_value(run, value_out);
    } else if (rk_bytes_equal(name, RK_TEXT("state")) && run->reach < RKI_REACH_MERGED) {
        status = state_value(run, value_out);
    } else if (rk_bytes_equal(name, RK_TEXT("now")) && asked_once(run->reach)) {
        *value_out = rk_time_value(run->scene->now_ms);
        status = RK_OK;
    }
    if (status == RK_OVERFLOW) return rk_fail(error, RK_OVERFLOW, NULL, "a counter does not fit 64 bits");
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "\"%b\" could not be read", name);
}

static rk_status zone(void *context, rk_bytes name, int64_t seconds, int64_t *ahead_out) {
    const rk_zone_source *zones = ((run *)context)->scene->zones;
    return zones->ahead(zones->context, name, seconds, ahead_out);
}

rk_status rki_scene_run(const rk_scene *scene, const rk_program *program, rki_reach reach, rk_arena *arena,
                        rk_value *value_out, rk_error *error) {
    run run = {scene, program, reach, arena};
    const rk_activation activation = {
        .find = find, .context = &run, .zone = scene->zones && asked_once(reach) ? zone : NULL};
    uint64_t steps_max = reach == RKI_REACH_LOG ? RK_FILTER_STEPS_MAX : RK_STEPS_MAX;
    return rk_program_run(program, &activation, arena, steps_max, value_out, error);
}

/* Whether all of it can be stored; `small_out` when a small RK_UINT is in it, which would come back as RK_INT. */
static rk_status check_storable(const rk_value *value, size_t depth_left, bool *small_out) {
    if (value->kind > RK_MAP) return RK_EXPRESSION_FAILED;
    if (value->kind == RK_UINT && value->as.uinteger <= INT64_MAX) *small_out = true;
    if (value->kind != RK_LIST && value->kind != RK_MAP) return RK_OK;
    if (depth_left == 0) return RK_LIMIT;
    for (size_t i = 0; value->kind == RK_LIST && i < value->as.list.count; i++) {
        RK_TRY(check_storable(&value->as.list.items[i], depth_left - 1, small_out));
    }
    for (size_t i = 0; value->kind == RK_MAP && i < value->as.map.count; i++) {
        RK_TRY(check_storable(&value->as.map.pairs[i].key, depth_left - 1, small_out));
        RK_TRY(check_storable(&value->as.map.pairs[i].value, depth_left - 1, small_out));
    }
    return RK_OK;
}

/* With each whole number in its one home. */
static rk_status make_storable(rk_value *value, size_t depth_max, rk_arena *arena, rk_error *error) {
    bool small = false;
    rk_status status = check_storable(value, depth_max, &small);
    if (status == RK_LIMIT) return rk_fail(error, status, NULL, "the value nests deeper than RK_FIELD_DEPTH_MAX");
    if (status != RK_OK) return rk_fail(error, status, NULL, "the value cannot be stored");
    if (!small) return RK_OK;
    rk_bytes bytes;
    status = rk_cbor_encode(arena, value, RK_STATE_SIZE_MAX, &bytes);
    if (status == RK_OK) status = rk_cbor_decode(arena, bytes, value, NULL);
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "the value cannot be stored");
}

rk_status rki_scene_run_value(const rk_scene *scene, const rk_program *program, rki_reach reach, size_t depth_max,
                              rk_arena *arena, rk_value *value_out, rk_error *error) {
    RK_TRY(rki_scene_run(scene, program, reach, arena, value_out, error));
    return make_storable(value_out, depth_max, arena, error);
}

rk_status rki_scene_run_setting(const rk_scene *scene, const rk_program *program, size_t depth_max, rk_arena *arena,
                                bool *removes_out, rk_value *value_out, rk_error *error) {
    RK_TRY(rki_scene_run(scene, program, RKI_REACH_PLAIN, arena, value_out, error));
    *removes_out = value_out->kind == RK_OPTIONAL && !value_out->as.optional;
    if (value_out->kind == RK_OPTIONAL) *value_out = *removes_out ? rk_null() : *value_out->as.optional;
    return make_storable(value_out, depth_max, arena, error);
}

rk_status rk_scene_ask(const rk_scene *scene, const rk_program *program, rk_arena *arena, bool *yes_out,
                       rk_error *error) {
    return rki_scene_ask(scene, program, RKI_REACH_ALL, arena, yes_out, error);
}

rk_status rk_scene_filter(const rk_scene *scene, const rk_program *program, rk_arena *arena, bool *yes_out,
                          rk_error *error) {
    return rki_scene_ask(scene, program, RKI_REACH_LOG, arena, yes_out, error);
}

rk_status rki_scene_ask(const rk_scene *scene, const rk_program *program, rki_reach reach, rk_arena *arena,
                        bool *yes_out, rk_error *error) {
    rk_value value;
    *yes_out = false;
    RK_TRY(rki_scene_run(scene, program, reach, arena, &value, error));
    if (value.kind != RK_BOOL) return rk_fail(error, RK_EXPRESSION_FAILED, NULL, "the rule gives no bool");
    *yes_out = value.as.boolean;
    return RK_OK;
}

rk_status rk_scene_upcast(const rk_scene *scene, const rk_program *program, rk_arena *arena, rk_value *data_out,
                          rk_error *error) {
    RK_TRY(rki_scene_run_value(scene, program, RKI_REACH_MERGED, RK_FIELD_DEPTH_MAX, arena, data_out, error));
    if (data_out->kind == RK_MAP) return RK_OK;
    return rk_fail(error, RK_BAD_DATA, "/data", "the upcast gives no object");
}
