/*
 * Which version of a module an event is judged, classed and folded by.
 *
 * Invariants
 *   (1) The version current at a position is a function of the log: the number of events that module/NAME has before
 *       it, since each of them publishes the next version. So every replica reads an event alike, for ever.
 *   (2) An event of an earlier version is judged and classed by the version current at its place. What it sets is found
 *       by that version too where upcasts lead there; else by the event's own. Resolved operations are never touched.
 */
#include <string.h>

#include "engine/inner.h"

enum { POSITIONS_GROWTH = 8 };

bool rki_module_is_builtin(rk_bytes name) {
    rk_bytes found, cbor;
    for (size_t i = 0; rk_module_builtin(i, &found, &cbor); i++) {
        if (rk_bytes_equal(found, name)) return true;
    }
    return false;
}

/* ---- which version is current ---- */

rk_status rki_module_current(rk_engine *engine, rk_bytes name, const rki_court *court, uint32_t *version_out,
                             rk_error *error) {
    rki_entity *entity = NULL;
    rk_state *state = NULL;
    *version_out = 1;
    if (rki_module_is_builtin(name)) return RK_OK;
    if (!rk_name_valid(name)) return rk_fail(error, RK_UNKNOWN_MODULE, NULL, "there is no module \"%b\"", name);
    RK_TRY(rki_module_entity(engine, name, court, &entity, error));
    RK_TRY(rki_entity_view(engine, entity, &state, error));
    *version_out = (uint32_t)(entity->version + entity->pending);
    if (*version_out) return RK_OK;
    return rk_fail(error, RK_UNKNOWN_MODULE, NULL, "there is no module \"%b\"", name);
}

static rk_status add_position(void *context, const rk_stored_event *stored) {
    rki_history *history = context;
    if (history->count == history->capacity) {
        size_t capacity = history->capacity ? history->capacity * 2 : POSITIONS_GROWTH;
        history->positions = rk_arena_grow(history->arena, history->positions, history->capacity * sizeof(uint64_t),
                                           capacity * sizeof(uint64_t));
        if (!history->positions) return RK_NO_MEMORY;
        history->capacity = capacity;
    }
    history->positions[history->count++] = stored->position;
    return RK_OK;
}

/* Where the module's versions were published, as far as the log is known now. */
static rk_status load_history(rk_engine *engine, rk_bytes name, rki_history **history_out, rk_error *error) {
    char text[RK_NAME_SIZE_MAX + 8];
    rki_history *history = rk_map_get(&engine->histories, name);
    if (!history) {
        rk_bytes kept;
        history = rk_arena_take(&engine->module_arena, sizeof *history);
        if (!history || rk_arena_copy(&engine->module_arena, name, &kept) != RK_OK ||
            rk_map_set(&engine->histories, kept, history) != RK_OK) {
            return rk_fail(error, RK_NO_MEMORY, "module", "no memory for its versions");
        }
        history->arena = &engine->module_arena;
    }
    *history_out = history;
    if (engine->begins && history->checked == engine->begins) return RK_OK;
    rk_bytes of_module = rk_bytes_of(text, rk_format(text, sizeof text, "module/%b", name));
    RK_TRY(engine->host.store->entity_events(engine->log, of_module, history->count, UINT64_MAX, add_position, history,
                                             error));
    history->checked = engine->begins;
    return RK_OK;
}

rk_status rki_module_version_at(rk_engine *engine, rk_bytes name, uint64_t position, uint32_t *version_out,
                                rk_error *error) {
    rki_history *history = NULL;
    *version_out = 1;
    if (rki_module_is_builtin(name)) return RK_OK;
    RK_TRY(load_history(engine, name, &history, error));
    size_t count = history->count;
    while (count > 0 && history->positions[count - 1] >= position) count--;
    *version_out = (uint32_t)count;
    return count ? RK_OK : rk_fail(error, RK_UNKNOWN_MODULE, NULL, "there was no module \"%b\" there", name);
}

/* ---- how an event reads there ---- */

/* From the version in `reading` to one that its type goes on in. */
static rk_status step_up(const rk_event *event, const rk_module *next, rk_arena *arena, rki_reading *reading,
                         rk_error *error) {
    const rk_upcast *upcast = rk_module_upcast(next, reading->module->version, reading->type->name);
    if (upcast) {
        const rk_scene scene = {.module = next,
                                .event = event,
                                .entity = event->entity,
                                .actor = {.id = event->actor, .kind = event->actor_kind},
                                .stamp = event->id.stamp,
                                .data = &reading->data};
        rk_value data = reading->data;
        if (upcast->data) RK_TRY(rk_scene_upcast(&scene, upcast->data, arena, &data, error));
        reading->data = data;
        reading->type = upcast->to;
    } else {
        reading->type = rk_module_event_type(next, reading->type->name);
    }
    reading->module = next;
    return RK_OK;
}

/* Whether the type goes on in `next`: by an upcast, or word for word in the version right after its own. */
static bool leads(const rki_reading *reading, const rk_module *next) {
    if (rk_module_upcast(next, reading->module->version, reading->type->name)) return true;
    return next->version == reading->module->version + 1 &&
           rk_module_same_event_type(reading->module, next, reading->type->name);
}

/* The current version where an upcast leads there at once, else the first that the type goes on in; NULL: none. */
static rk_status next_version(rk_engine *engine, const rk_event *event, const rk_module *current,
                              const rki_court *court, const rki_reading *reading, const rk_module **next_out,
                              rk_error *error) {
    *next_out = current;
    if (leads(reading, current)) return RK_OK;
    for (uint32_t version = reading->module->version + 1; version < current->version; version++) {
        RK_TRY(rki_module_find(engine, event->module, version, court, next_out, error));
        if (leads(reading, *next_out)) return RK_OK;
    }
    *next_out = NULL;
    return RK_OK;
}

static rk_status lead_up(rk_engine *engine, const rk_event *event, const rk_module *current, const rki_court *court,
                         rk_arena *arena, rki_reading *reading, bool *led_out, rk_error *error) {
    *led_out = true;
    while (reading->module->version < current->version && *led_out) {
        const rk_module *next = NULL;
        RK_TRY(next_version(engine, event, current, court, reading, &next, error));
        *led_out = next != NULL;
        if (next) RK_TRY(step_up(event, next, arena, reading, error));
    }
    return RK_OK;
}

rk_status rki_event_read_at(rk_engine *engine, const rk_event *event, uint32_t current, const rki_court *court,
                            rk_arena *arena, rki_reading *reading_out, rk_error *error) {
    const rk_module *own = NULL, *module = NULL;
    if (event->module_version > current) {
        return rk_fail(error, RK_UNKNOWN_MODULE, NULL, "there is no module \"%b\" of version %u there", event->module,
                       (uint64_t)event->module_version);
    }
    RK_TRY(rki_module_find(engine, event->module, event->module_version, court, &own, error));
    const rk_event_type *written = rk_module_event_type(own, event->type);
    if (!written) {
        return rk_fail(error, RK_UNKNOWN_TYPE, NULL, "module \"%b\" has no event type \"%b\"", own->name, event->type);
    }
    *reading_out =
        (rki_reading){.module = own, .type = written, .written = written, .sets = written, .data = event->data};
    if (current == own->version) return RK_OK;
    RK_TRY(rki_module_find(engine, event->module, current, court, &module, error));
    bool led = false;
    RK_TRY(lead_up(engine, event, module, court, arena, reading_out, &led, error));
    if (led) return reading_out->sets = reading_out->type, RK_OK;
    reading_out->data = event->data;
    reading_out->module = module;
    reading_out->type = rk_module_event_type(module, event->type);
    if (reading_out->type) return RK_OK;
    rk_fail(error, RK_UNKNOWN_TYPE, NULL, "version %u of module \"%b\" has no event type \"%b\"", (uint64_t)current,
            event->module, event->type);
    rk_error_hint(error, "an \"upcast\" in the module tells how events of version %u read now",
                  (uint64_t)event->module_version);
    return RK_UNKNOWN_TYPE;
}
