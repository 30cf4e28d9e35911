/*
 * Strategy: the input up to a zero byte is a module, the rest data for its event types, both JSON. Whatever compiles
 * gets events of every type: without data, and with the data, each resolved, checked and folded.
 *
 * Invariants
 *   (1) Nothing crashes, and every refusal fills in its error.
 *   (2) What resolves checks; what was judged folds, and the state that comes of it decodes to the same bytes.
 *   (3) A copy that was stored and loaded before each event has the same bytes as one that never was.
 */
#include "core/reduce/state.h"
#include "door/json.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 1 << 24, EVENT_TYPES_MAX = 12 };

typedef struct desk {
    rk_arena arena;
    const rk_module *module;
    rk_state *lived;  /* never stored */
    rk_state *loaded; /* stored and loaded before each event */
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

/* Resolves and judges, as the writer and then the truth do. False when it is refused. */
static bool judge(const rk_scene *scene, const rk_event_type *type, rk_event *event, rk_arena *arena,
                  rk_change **change_out) {
    rk_error error = {0};
    bool yes = false;
    rk_bytes bytes;
    if (is_refusal(rk_schema_check(type->data, &event->data, RK_BAD_DATA, "", &error), &error)) return false;
    for (size_t i = 0; i < type->guard_count; i++) {
        if (is_refusal(rk_scene_ask(scene, type->guards[i].that, arena, &yes, &error), &error)) break;
    }
    if (type->allow) (void)is_refusal(rk_scene_ask(scene, type->allow, arena, &yes, &error), &error);
    if (is_refusal(rk_event_resolve(scene, type, 0, arena, event, &error), &error)) return false;
    if (rk_event_encode(arena, event, &bytes) != RK_OK) return false;
    RK_ASSERT(rk_event_decode(arena, bytes, event, &error) == RK_OK || error.code == RK_NO_MEMORY);
    rk_status status = rk_event_check_operations(scene, type, NULL, arena, &error);
    RK_ASSERT(status == RK_OK || status == RK_NO_MEMORY || status == RK_STEP_BOUND);
    return !is_refusal(rk_change_make(scene, type, arena, change_out, &error), &error);
}

/* False when memory ran out, and nothing can be said any more. */
static bool write_event(desk *desk, const rk_event_type *type, const rk_value *data) {
    static const rk_value no_data = {.kind = RK_MAP};
    rk_event event = {.id = {rk_stamp_of_ms(1000 + desk->version), 1 + desk->version % 3},
                      .module = desk->module->name,
                      .module_version = desk->module->version,
                      .entity = RK_TEXT("e"),
                      .type = type->name,
                      .actor = RK_TEXT("asha"),
                      .actor_kind = RK_ACTOR_USER,
                      .data = data ? *data : no_data};
    const rk_value role = rk_string(RK_TEXT("writer")), roles = rk_list(&role, 1);
    rk_scene scene = {.module = desk->module,
                      .event = &event,
                      .entity = event.entity,
                      .actor = {event.actor, event.actor_kind, &roles},
                      .state = desk->lived,
                      .version = desk->version,
                      .stamp = event.id.stamp,
                      .now_ms = 5000};
    rk_change *change = NULL;
    rk_error error = {0};
    rk_bytes before = bytes_of(desk, desk->lived);
    if (!judge(&scene, type, &event, &desk->arena, &change)) return true;
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
    if (rk_state_fold(&scene, type, &desk->arena, &error) != RK_OK) {
        RK_ASSERT(error.code == RK_NO_MEMORY);
        return false;
    }
    rk_bytes lived = bytes_of(desk, desk->lived), loaded = bytes_of(desk, desk->loaded);
    RK_ASSERT(!lived.size || !loaded.size || rk_bytes_equal(lived, loaded));
    desk->version++;
    return true;
}

static void write_all(desk *desk, const rk_value *data) {
    RK_ASSERT(rk_state_new(rk_memory_system(), MEMORY_MAX, &desk->lived) == RK_OK);
    size_t count = desk->module->event_type_count < EVENT_TYPES_MAX ? desk->module->event_type_count : EVENT_TYPES_MAX;
    bool sound = true;
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < count && sound; i++) {
            sound = write_event(desk, &desk->module->event_types[i], NULL);
            if (sound && data) sound = write_event(desk, &desk->module->event_types[i], data);
        }
    }
    rk_state_free(desk->lived);
    rk_state_free(desk->loaded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    desk desk = {.version = 0};
    rk_value source, event_data;
    rk_module *module = NULL;
    rk_findings findings;
    rk_bytes whole = {data, size}, module_text = {data, rk_bytes_find(whole, 0)};
    rk_arena_init(&desk.arena, rk_memory_system(), 4 * MEMORY_MAX);
    bool read = rk_json_read(&desk.arena, module_text, &source, NULL) == RK_OK;
    bool has_data = rk_json_read(&desk.arena, rk_bytes_from(whole, module_text.size + 1), &event_data, NULL) == RK_OK;
    if (read && rk_module_compile(&desk.arena, &source, &module, &findings, NULL) == RK_OK) {
        desk.module = module;
        write_all(&desk, has_data && event_data.kind == RK_MAP ? &event_data : NULL);
    }
    rk_arena_free(&desk.arena);
    return 0;
}
