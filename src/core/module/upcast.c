/*
 * Upcasts: how events of earlier versions read in this one.
 *
 *     "upcast": {"1": {"old-type": {"type": "new-type", "data": CEL}}}
 *
 * Both members may be absent: the type then keeps its name, the data stay as they are. `data` reads the old event's
 * data, actor.id, actor.kind, entity.id and event.id, and gives a map; whether that fits the new type is seen when an
 * event is judged.
 */
#include "core/module/reader.h"

const rk_upcast *rk_module_upcast(const rk_module *module, uint32_t version, rk_bytes type) {
    for (size_t i = 0; i < module->upcast_count; i++) {
        const rk_upcast *upcast = &module->upcasts[i];
        if (upcast->version == version && rk_bytes_equal(upcast->from, type)) return upcast;
    }
    return NULL;
}

bool rk_module_same_event_type(const rk_module *a, const rk_module *b, rk_bytes type) {
    const rk_value *in_a = rk_map_find(rk_map_find(&a->source, RK_TEXT("events")), type);
    const rk_value *in_b = rk_map_find(rk_map_find(&b->source, RK_TEXT("events")), type);
    return in_a && in_b && rk_value_equal(in_a, in_b);
}

/* ---- reading ---- */

static void read_upcast(rki_reader *reader, const rk_pair *pair, rk_bytes pointer, const rk_environment *environment,
                        rk_upcast *upcast) {
    static const char *const words[] = {"type", "data", NULL};
    const rk_value *source = &pair->value;
    upcast->from = pair->key.as.bytes;
    if (source->kind != RK_MAP) return rki_find(reader, pointer, "an upcast is an object", "");
    rki_refuse_unknown(reader, source, words, pointer);
    const rk_value *type = rki_member(reader, source, "type", RK_STRING, false, pointer);
    const rk_value *data = rki_member(reader, source, "data", RK_STRING, false, pointer);
    upcast->to = rk_module_event_type(reader->module, type ? type->as.bytes : upcast->from);
    if (!upcast->to) {
        rki_find(reader, pointer, "this version has no such event type", "\"type\" names one of its event types");
    }
    if (!data) return;
    const rk_type *map = rk_type_map(reader->arena, rk_type_of(RK_TYPE_STRING), rk_type_of(RK_TYPE_DYN));
    rk_bytes at = rki_pointer(reader->arena, pointer, RK_TEXT("data"));
    if (map) upcast->data = rki_compile_fold(reader, data->as.bytes, environment, map, at);
}

/* The version that a key of `upcast` names; 0, with a finding, when it is not an earlier one. */
static uint32_t version_of(rki_reader *reader, rk_bytes key, rk_bytes pointer) {
    uint64_t version = 0;
    for (size_t i = 0; i < key.size && i < 10; i++) {
        bool digit = key.data[i] >= '0' && key.data[i] <= '9' && (i > 0 || key.data[i] != '0');
        version = digit && version <= UINT32_MAX ? version * 10 + (uint64_t)(key.data[i] - '0') : UINT64_MAX;
    }
    if (version > 0 && key.size <= 10 && version < reader->module->version) return (uint32_t)version;
    rki_find(reader, pointer, "an upcast is from an earlier version", "its number, in text, is the key: \"1\"");
    return 0;
}

static rk_status read_version(rki_reader *reader, const rk_pair *pair, const rk_environment *environment,
                              rk_upcast *upcasts) {
    rk_bytes pointer = rki_pointer(reader->arena, RK_TEXT("/upcast"), pair->key.as.bytes);
    uint32_t version = version_of(reader, pair->key.as.bytes, pointer);
    for (size_t i = 0; i < pair->value.as.map.count; i++) {
        const rk_pair *of_type = &pair->value.as.map.pairs[i];
        upcasts[i].version = version;
        read_upcast(reader, of_type, rki_pointer(reader->arena, pointer, of_type->key.as.bytes), environment,
                    &upcasts[i]);
    }
    return RK_OK;
}

rk_status rki_upcasts_read(rki_reader *reader, const rk_value *source) {
    const rk_value *map = rki_member(reader, source, "upcast", RK_MAP, false, RK_TEXT(""));
    rki_environments environments;
    size_t count = 0;
    if (!map) return RK_OK;
    for (size_t i = 0; i < map->as.map.count; i++) {
        const rk_pair *pair = &map->as.map.pairs[i];
        if (pair->value.kind != RK_MAP) {
            rki_find(reader, rki_pointer(reader->arena, RK_TEXT("/upcast"), pair->key.as.bytes),
                     "the event types of a version are an object", "");
            return RK_OK;
        }
        count += pair->value.as.map.count;
    }
    rk_upcast *upcasts = rk_arena_take_array(reader->arena, count, sizeof *upcasts);
    if (!upcasts) return RK_NO_MEMORY;
    RK_TRY(rki_environments_make(reader, rk_type_of(RK_TYPE_DYN), &environments));
    reader->module->upcasts = upcasts;
    for (size_t i = 0; i < map->as.map.count; i++) {
        RK_TRY(read_version(reader, &map->as.map.pairs[i], &environments.merged, upcasts));
        upcasts += map->as.map.pairs[i].value.as.map.count;
    }
    reader->module->upcast_count = count;
    return RK_OK;
}
