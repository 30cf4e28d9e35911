/*
 * Strategy: the input is a module, data for its event types, and perhaps a later module, all JSON, with zero bytes
 * between them. Whatever compiles gets events of every type: without data, and with the data, each resolved, checked
 * and folded. Where the later module may follow the first, it then judges and folds events of both: those of the first
 * by its upcasts, or, without one, by its own event type of that name and by what the first one sets.
 *
 * Invariants
 *   (1) Nothing crashes, and every refusal fills in its error.
 *   (2) What resolves checks; what was judged folds, and the state that comes of it decodes to the same bytes.
 *   (3) Operations that the first module makes of the data check there also when the later one judges.
 *   (4) A copy that was stored and loaded before each event has the same bytes as one that never was.
 */
#include "core/reduce/state.h"
#include "door/json.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 1 << 24, EVENT_TYPES_MAX = 12 };

typedef struct desk {
    rk_arena arena;
    const rk_module *module; /* that judges */
    rk_state *lived;         /* never stored */
    rk_state *loaded;        /* stored and loaded before each event */
    uint64_t version;
} desk;

static rk_bytes bytes_of(desk *desk, rk_state *state) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, &desk->arena, MEMORY_MAX);
    rk_state_encode(state, &buffer);
    return rk_buffer_finish(&buffer, &bytes) == RK_OK ? bytes : (rk_bytes){NULL, 0};
}

static bool is_refusal(rk_status status, const rk_error *error) {
    if (status == RK_OK) return false;
    RK_ASSERT(error->code == status && error->what[0]);
    return true;
}

/* How an event reads where it is judged; see rki_reading in engine/inner.h. */
typedef struct reading {
    const rk_event_type *written;
    const rk_event_type *type;
    const rk_event_type *sets;
    rk_value data;
} reading;

/* From the first module to the later one. False where nothing leads, or an upcast refuses. */
static bool read_up(rk_scene *scene, const rk_module *first, reading *reading, rk_arena *arena) {
    const rk_upcast *upcast = rk_module_upcast(scene->module, first->version, reading->written->name);
    rk_error error = {0};
    scene->data = &reading->data;
    reading->type = rk_module_event_type(scene->module, reading->written->name);
    reading->sets = reading->written;
    if (upcast) reading->type = upcast->to;
    if (upcast || rk_module_same_event_type(first, scene->module, reading->written->name)) {
        reading->sets = reading->type;
    }
    if (!upcast || !upcast->data) return reading->type != NULL;
    rk_value data;
    if (is_refusal(rk_scene_upcast(scene, upcast->data, arena, &data, &error), &error)) return false;
    reading->data = data;
    return true;
}

/* The writer resolves what its own version makes of the data; the truth checks the same. */
static bool resolve(const rk_scene *scene, const rk_event_type *written, rk_event *event, rk_arena *arena) {
    rk_scene as_written = *scene;
    rk_error error = {0};
    rk_bytes bytes;
    as_written.data = NULL;
    if (is_refusal(rk_event_resolve(&as_written, written, 0, arena, event, &error), &error)) return false;
    if (rk_event_encode(arena, event, &bytes) != RK_OK) return false;
    RK_ASSERT(rk_event_decode(arena, bytes, event, &error) == RK_OK || error.code == RK_NO_MEMORY);
    rk_status status = rk_event_check_operations(&as_written, written, NULL, arena, &error);
    RK_ASSERT(status == RK_OK || status == RK_NO_MEMORY || status == RK_STEP_BOUND);
    return status == RK_OK;
}

/* Resolves and judges, as the writer and then the truth do. False when it is refused. */
static bool judge(const rk_scene *scene, const reading *reading, rk_event *event, rk_arena *arena,
                  rk_change **change_out) {
    const rk_event_type *type = reading->type;
    rk_error error = {0};
    bool yes = false;
    if (is_refusal(rk_schema_check(reading->written->data, &event->data, RK_BAD_DATA, "", &error), &error))
        return false;
    if (is_refusal(rk_schema_check(type->data, &reading->data, RK_BAD_DATA, "", &error), &error)) return false;
    for (size_t i = 0; i < type->guard_count; i++) {
        if (is_refusal(rk_scene_ask(scene, type->guards[i].that, arena, &yes, &error), &error)) break;
    }
    if (type->allow) (void)is_refusal(rk_scene_ask(scene, type->allow, arena, &yes, &error), &error);
    if (!resolve(scene, reading->written, event, arena)) return false;
    return !is_refusal(rk_change_make(scene, reading->sets, arena, change_out, &error), &error);
}

/* False when memory ran out, and nothing can be said any more. */
static bool write_event(desk *desk, const rk_module *first, const rk_event_type *type, const rk_value *data) {
    static const rk_value no_data = {.kind = RK_MAP};
    rk_event event = {.id = {rk_stamp_of_ms(1000 + desk->version), 1 + desk->version % 3},
                      .module = desk->module->name,
                      .module_version = first->version,
                      .entity = RK_TEXT("e"),
                      .type = type->name,
                      .actor = RK_TEXT("asha"),
                      .actor_kind = RK_ACTOR_USER,
                      .data = data ? *data : no_data};
    const rk_value role = rk_string(RK_TEXT("writer")), roles = rk_list(&role, 1);
    rk_scene scene = {.module = desk->module,
                      .event = &event,
                      .entity = event.entity,
                      .actor = {.id = event.actor, .kind = event.actor_kind, .roles = &roles},
                      .state = desk->lived,
                      .version = desk->version,
                      .stamp = event.id.stamp,
                      .now_ms = 5000};
    rk_change *change = NULL;
    rk_error error = {0};
    reading reading = {type, type, type, event.data};
    rk_bytes before = bytes_of(desk, desk->lived);
    if (first != desk->module && !read_up(&scene, first, &reading, &desk->arena)) return true;
    if (!judge(&scene, &reading, &event, &desk->arena, &change)) return true;
    rk_state_free(desk->loaded);
    desk->loaded = NULL;
    if (!before.size || rk_state_decode(rk_memory_system(), MEMORY_MAX, before, &desk->loaded, &error) != RK_OK) {
        RK_ASSERT(!before.size || error.code == RK_NO_MEMORY);
        return false;
    }
    bool broken = false;
    if (rk_change_apply(&scene, change, true, &broken, &error) != RK_OK) {
        RK_ASSERT(!broken || error.code == RK_NO_MEMORY);
        rk_bytes after = bytes_of(desk, desk->lived);
        RK_ASSERT(broken || !after.size || rk_bytes_equal(before, after));
        return !broken && after.size;
    }
    scene.state = desk->loaded;
    scene.actor.roles = NULL;
    scene.now_ms = 0;
    if (rk_state_fold(&scene, reading.sets, &desk->arena, &error) != RK_OK) {
        RK_ASSERT(error.code == RK_NO_MEMORY);
        return false;
    }
    rk_bytes lived = bytes_of(desk, desk->lived), loaded = bytes_of(desk, desk->loaded);
    RK_ASSERT(!lived.size || !loaded.size || rk_bytes_equal(lived, loaded));
    desk->version++;
    return true;
}

/* Events of every type of `first`. False when nothing can be said any more. */
static bool write_types(desk *desk, const rk_module *first, const rk_value *data) {
    size_t count = first->event_type_count < EVENT_TYPES_MAX ? first->event_type_count : EVENT_TYPES_MAX;
    for (size_t i = 0; i < count; i++) {
        if (!write_event(desk, first, &first->event_types[i], NULL)) return false;
        if (data && !write_event(desk, first, &first->event_types[i], data)) return false;
    }
    return true;
}

static void write_all(desk *desk, const rk_module *first, const rk_module *later, const rk_value *data) {
    RK_ASSERT(rk_state_new(rk_memory_system(), MEMORY_MAX, &desk->lived) == RK_OK);
    desk->module = first;
    bool sound = write_types(desk, first, data) && write_types(desk, first, data);
    if (sound && later) {
        desk->module = later;
        (void)(write_types(desk, first, data) && write_types(desk, later, data) && write_types(desk, first, data));
    }
    rk_state_free(desk->lived);
    rk_state_free(desk->loaded);
}

/* The next part of the input, up to a zero byte. */
static rk_bytes next_part(rk_bytes *rest) {
    size_t end = rk_bytes_find(*rest, 0);
    rk_bytes part = {rest->data, end};
    *rest = end < rest->size ? rk_bytes_from(*rest, end + 1) : (rk_bytes){NULL, 0};
    return part;
}

static const rk_module *compile(desk *desk, rk_bytes text) {
    rk_value source;
    rk_module *module = NULL;
    rk_findings findings;
    bool read = text.size > 0 && rk_json_read(&desk->arena, text, &source, NULL) == RK_OK;
    return read && rk_module_compile(&desk->arena, &source, &module, &findings, NULL) == RK_OK ? module : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    desk desk = {.version = 0};
    rk_value event_data = {.kind = RK_NULL};
    rk_bytes rest = {data, size};
    rk_arena_init(&desk.arena, rk_memory_system(), 4 * MEMORY_MAX);
    const rk_module *first = compile(&desk, next_part(&rest));
    rk_bytes data_text = next_part(&rest);
    if (first && rk_json_read(&desk.arena, data_text, &event_data, NULL) != RK_OK) event_data.kind = RK_NULL;
    const rk_module *later = first ? compile(&desk, next_part(&rest)) : NULL;
    if (later && rk_module_may_follow(first, later, NULL) != RK_OK) later = NULL;
    if (first) write_all(&desk, first, later, event_data.kind == RK_MAP ? &event_data : NULL);
    rk_arena_free(&desk.arena);
    return 0;
}
