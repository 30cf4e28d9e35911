/*
 * Encoding and decoding events.
 */
#include "core/event/event.h"

#include <string.h>

enum { KEY_ID = 1, KEY_MODULE, KEY_VERSION, KEY_ENTITY, KEY_TYPE, KEY_ACTOR, KEY_DATA, KEY_OPERATIONS, KEY_CAUSE };
enum { PERSONAL_KEY_ID = 0, PERSONAL_CIPHERTEXT = 1, PERSONAL_KEY_ID_SIZE = 16, PERSONAL_CIPHERTEXT_SIZE_MIN = 40 };
enum { OPERATION_FIELD = 1, OPERATION_KIND, OPERATION_PATH, OPERATION_VALUE, OPERATION_RESOLVED };

/* ---- names ---- */

bool rk_name_valid(rk_bytes name) {
    if (name.size == 0 || name.size > RK_NAME_SIZE_MAX || name.data[0] < 'a' || name.data[0] > 'z') return false;
    for (size_t i = 1; i < name.size; i++) {
        uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return true;
}

bool rk_label_valid(rk_bytes label, size_t size_max) {
    if (label.size == 0 || label.size > size_max) return false;
    uint32_t point = 0;
    for (size_t offset = 0; offset < label.size;) {
        if (!rk_utf8_next(label, &offset, &point) || point < 0x20 || (point >= 0x7F && point < 0xA0)) return false;
    }
    return true;
}

rk_status rk_entity_split(rk_bytes text, rk_bytes *module_out, rk_bytes *entity_out, rk_error *error) {
    size_t slash = rk_bytes_find(text, '/');
    *module_out = (rk_bytes){text.data, slash};
    *entity_out = rk_bytes_from(text, slash + 1);
    if (!rk_name_valid(*module_out) || !rk_label_valid(*entity_out, RK_ENTITY_SIZE_MAX)) {
        return rk_fail(error, RK_BAD_ID, NULL, "\"%b\" is not module/id", text);
    }
    return RK_OK;
}

static const char *const kind_names[] = {"", "user", "bot", "system", "device"};

const char *rk_actor_kind_name(rk_actor_kind kind) {
    return kind_names[kind];
}

rk_status rk_actor_kind_of_name(rk_bytes name, rk_actor_kind *kind_out) {
    for (int kind = RK_ACTOR_USER; kind <= RK_ACTOR_DEVICE; kind++) {
        *kind_out = (rk_actor_kind)kind;
        if (rk_bytes_equal(name, rk_bytes_of_string(kind_names[kind]))) return RK_OK;
    }
    return RK_NOT_FOUND;
}

/* ---- encoding ---- */

static void append_id(rk_buffer *buffer, rk_id id) {
    uint8_t bytes[RK_ID_SIZE];
    rk_id_put(bytes, id);
    rk_cbor_append_bytes(buffer, rk_bytes_of(bytes, sizeof bytes));
}

static void append_operation(rk_buffer *buffer, const rk_operation *operation) {
    bool resolved = operation->resolved.kind == RK_LIST;
    rk_cbor_append_head(buffer, 5, 3U + resolved);
    rk_cbor_append_int(buffer, OPERATION_FIELD);
    rk_cbor_append_text(buffer, operation->field);
    rk_cbor_append_int(buffer, OPERATION_KIND);
    rk_cbor_append_int(buffer, operation->kind);
    bool has_path = operation->path.kind == RK_LIST;
    rk_cbor_append_int(buffer, has_path ? OPERATION_PATH : OPERATION_VALUE);
    rk_cbor_append(buffer, has_path ? &operation->path : &operation->value);
    if (!resolved) return;
    rk_cbor_append_int(buffer, OPERATION_RESOLVED);
    rk_cbor_append(buffer, &operation->resolved);
}

static void append_optional_parts(rk_buffer *buffer, const rk_event *event) {
    if (event->data.as.map.count > 0) {
        rk_cbor_append_int(buffer, KEY_DATA);
        rk_cbor_append(buffer, &event->data);
    }
    if (event->operation_count > 0) {
        rk_cbor_append_int(buffer, KEY_OPERATIONS);
        rk_cbor_append_head(buffer, 4, event->operation_count);
        for (size_t i = 0; i < event->operation_count; i++) append_operation(buffer, &event->operations[i]);
    }
    if (event->has_cause) {
        rk_cbor_append_int(buffer, KEY_CAUSE);
        append_id(buffer, event->cause);
    }
}

rk_status rk_event_encode(rk_arena *arena, const rk_event *event, rk_bytes *bytes_out) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, RK_EVENT_SIZE_MAX);
    RK_ASSERT(event->data.kind == RK_MAP);
    rk_cbor_append_head(&buffer, 5,
                        6U + (event->data.as.map.count > 0) + (event->operation_count > 0) + event->has_cause);
    rk_cbor_append_int(&buffer, KEY_ID);
    append_id(&buffer, event->id);
    rk_cbor_append_int(&buffer, KEY_MODULE);
    rk_cbor_append_text(&buffer, event->module);
    rk_cbor_append_int(&buffer, KEY_VERSION);
    rk_cbor_append_int(&buffer, event->module_version);
    rk_cbor_append_int(&buffer, KEY_ENTITY);
    rk_cbor_append_text(&buffer, event->entity);
    rk_cbor_append_int(&buffer, KEY_TYPE);
    rk_cbor_append_text(&buffer, event->type);
    rk_cbor_append_int(&buffer, KEY_ACTOR);
    rk_cbor_append_head(&buffer, 4, 2);
    rk_cbor_append_text(&buffer, event->actor);
    rk_cbor_append_int(&buffer, event->actor_kind);
    append_optional_parts(&buffer, event);
    return rk_buffer_finish(&buffer, bytes_out);
}

/* ---- decoding ---- */

static rk_status refuse(rk_error *error, const char *key, const char *what) {
    return rk_fail(error, RK_BAD_EVENT, key, "%s", what);
}

static bool read_id(const rk_value *value, rk_id *id_out) {
    if (!value || value->kind != RK_BYTES || value->as.bytes.size != RK_ID_SIZE) return false;
    *id_out = rk_id_get(value->as.bytes.data);
    return true;
}

static bool read_name(const rk_value *value, rk_bytes *name_out) {
    if (!value || value->kind != RK_STRING || !rk_name_valid(value->as.bytes)) return false;
    *name_out = value->as.bytes;
    return true;
}

static bool read_label(const rk_value *value, size_t size_max, rk_bytes *label_out) {
    if (!value || value->kind != RK_STRING || !rk_label_valid(value->as.bytes, size_max)) return false;
    *label_out = value->as.bytes;
    return true;
}

static bool read_int(const rk_value *value, int64_t low, int64_t high, int64_t *integer_out) {
    if (!value || value->kind != RK_INT || value->as.integer < low || value->as.integer > high) return false;
    *integer_out = value->as.integer;
    return true;
}

static rk_status read_actor(const rk_value *value, rk_event *event, rk_error *error) {
    int64_t kind = 0;
    if (!value || value->kind != RK_LIST || value->as.list.count != 2 ||
        !read_label(&value->as.list.items[0], RK_ACTOR_SIZE_MAX, &event->actor) ||
        !read_int(&value->as.list.items[1], RK_ACTOR_USER, RK_ACTOR_DEVICE, &kind)) {
        return refuse(error, "6 (actor)", "it is not [id, kind]");
    }
    event->actor_kind = (rk_actor_kind)kind;
    return RK_OK;
}

static bool is_personal(const rk_value *map) {
    const rk_value *key = rk_map_find_int(map, PERSONAL_KEY_ID), *text = rk_map_find_int(map, PERSONAL_CIPHERTEXT);
    return map->as.map.count == 2 && key && key->kind == RK_BYTES && key->as.bytes.size == PERSONAL_KEY_ID_SIZE &&
           text && text->kind == RK_BYTES && text->as.bytes.size >= PERSONAL_CIPHERTEXT_SIZE_MIN;
}

/* What the values of data hold: maps with text keys, personal members, or what has no place there. */
typedef enum content { CONTENT_PLAIN, CONTENT_PERSONAL, CONTENT_WRONG } content;

static content content_of(const rk_value *value) {
    content found = CONTENT_PLAIN;
    if (value->kind == RK_LIST) {
        for (size_t i = 0; i < value->as.list.count; i++) {
            content inner = content_of(&value->as.list.items[i]);
            if (inner > found) found = inner;
        }
    } else if (value->kind == RK_MAP && value->as.map.count > 0) {
        if (is_personal(value)) return CONTENT_PERSONAL;
        for (size_t i = 0; i < value->as.map.count; i++) {
            const rk_pair *pair = &value->as.map.pairs[i];
            content inner = pair->key.kind == RK_STRING ? content_of(&pair->value) : CONTENT_WRONG;
            if (inner > found) found = inner;
        }
    }
    return found;
}

bool rk_event_is_personal(const rk_event *event) {
    return content_of(&event->data) == CONTENT_PERSONAL;
}

static rk_status read_data(const rk_value *value, rk_event *event, rk_error *error) {
    event->data = (rk_value){.kind = RK_MAP};
    if (!value) return RK_OK;
    if (value->kind != RK_MAP || value->as.map.count == 0) return refuse(error, "7 (data)", "it is no map, or empty");
    if (is_personal(value) || content_of(value) == CONTENT_WRONG) {
        return refuse(error, "7 (data)", "a key that is no text");
    }
    event->data = *value;
    return RK_OK;
}

static bool path_valid(const rk_value *path) {
    if (path->kind != RK_LIST || path->as.list.count == 0) return false;
    for (size_t i = 0; i < path->as.list.count; i++) {
        const rk_value *step = &path->as.list.items[i];
        bool index = step->kind == RK_INT && step->as.integer >= 0 && i > 0;
        if (step->kind != RK_STRING && !index) return false;
    }
    return true;
}

static rk_status read_operation(const rk_value *value, rk_operation *operation, rk_error *error) {
    const char *place = "8 (operations)";
    if (value->kind != RK_MAP) return refuse(error, place, "an operation that is no map");
    const rk_value *path = rk_map_find_int(value, OPERATION_PATH), *own = rk_map_find_int(value, OPERATION_VALUE);
    const rk_value *resolved = rk_map_find_int(value, OPERATION_RESOLVED);
    int64_t kind = 0;
    if (!read_label(rk_map_find_int(value, OPERATION_FIELD), RK_NAME_SIZE_MAX, &operation->field) ||
        !read_int(rk_map_find_int(value, OPERATION_KIND), RK_OPERATION_SET, RK_OPERATION_SPLICE, &kind)) {
        return refuse(error, place, "an operation without a valid field and kind");
    }
    operation->kind = (rk_operation_kind)kind;
    if (!path == !own || (path && !path_valid(path))) return refuse(error, place, "not exactly one of path and value");
    bool resolves = kind == RK_OPERATION_REMOVE || kind == RK_OPERATION_SPLICE;
    if (resolves != (resolved && resolved->kind == RK_LIST))
        return refuse(error, place, "resolved where it must not be");
    if (value->as.map.count != 3U + resolves) return refuse(error, place, "an unknown key");
    operation->path = path ? *path : rk_null();
    operation->value = own ? *own : rk_null();
    operation->resolved = resolves ? *resolved : rk_null();
    return RK_OK;
}

static rk_status read_operations(rk_arena *arena, const rk_value *value, rk_event *event, rk_error *error) {
    if (!value) return RK_OK;
    if (value->kind != RK_LIST || value->as.list.count == 0) {
        return refuse(error, "8 (operations)", "it is no list, or empty");
    }
    rk_operation *operations = rk_arena_take_array(arena, value->as.list.count, sizeof *operations);
    if (!operations) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the operations");
    for (size_t i = 0; i < value->as.list.count; i++) {
        RK_TRY(read_operation(&value->as.list.items[i], &operations[i], error));
        if (!rk_operation_value(event, &operations[i]))
            return refuse(error, "8 (operations)", "a path without a value");
    }
    event->operations = operations;
    event->operation_count = value->as.list.count;
    return RK_OK;
}

static rk_status read_identity(const rk_value *map, rk_event *event, rk_error *error) {
    int64_t version = 0;
    if (!read_id(rk_map_find_int(map, KEY_ID), &event->id)) return refuse(error, "1 (id)", "it is not 16 bytes");
    if (!read_name(rk_map_find_int(map, KEY_MODULE), &event->module)) return refuse(error, "2 (module)", "not a name");
    if (!read_int(rk_map_find_int(map, KEY_VERSION), 1, INT32_MAX, &version)) {
        return refuse(error, "3 (module version)", "it is not from 1 to 2^31-1");
    }
    if (!read_label(rk_map_find_int(map, KEY_ENTITY), RK_ENTITY_SIZE_MAX, &event->entity)) {
        return refuse(error, "4 (entity)", "it is not an id");
    }
    if (!read_name(rk_map_find_int(map, KEY_TYPE), &event->type)) return refuse(error, "5 (type)", "not a name");
    event->module_version = (uint32_t)version;
    return read_actor(rk_map_find_int(map, KEY_ACTOR), event, error);
}

/* A map of fewer than 24 pairs begins with one byte; its smallest key and the head of 16 bytes take one each. */
rk_id rk_event_id(rk_bytes bytes) {
    enum { BYTES_OF_16 = 0x50 };
    if (bytes.size < RK_EVENT_ID_END || bytes.data[1] != KEY_ID || bytes.data[2] != BYTES_OF_16) return (rk_id){0, 0};
    return rk_id_get(bytes.data + RK_EVENT_ID_END - RK_ID_SIZE);
}

rk_status rk_event_decode(rk_arena *arena, rk_bytes bytes, rk_event *event_out, rk_error *error) {
    *event_out = (rk_event){.data = {.kind = RK_MAP}};
    rk_value map;
    if (bytes.size > RK_EVENT_SIZE_MAX) return rk_fail(error, RK_LIMIT, NULL, "an event larger than RK_EVENT_SIZE_MAX");
    RK_TRY(rk_cbor_decode(arena, bytes, &map, error));
    if (map.kind != RK_MAP) return refuse(error, "", "it is no map");
    RK_TRY(read_identity(&map, event_out, error));
    const rk_value *data = rk_map_find_int(&map, KEY_DATA), *operations = rk_map_find_int(&map, KEY_OPERATIONS);
    const rk_value *cause = rk_map_find_int(&map, KEY_CAUSE);
    RK_TRY(read_data(data, event_out, error));
    RK_TRY(read_operations(arena, operations, event_out, error));
    if (cause && !read_id(cause, &event_out->cause)) return refuse(error, "9 (cause)", "it is not 16 bytes");
    event_out->has_cause = cause != NULL;
    size_t known = 6U + (data != NULL) + (operations != NULL) + (cause != NULL);
    if (map.as.map.count != known) return refuse(error, "", "an unknown key");
    return RK_OK;
}

const rk_value *rk_operation_value(const rk_event *event, const rk_operation *operation) {
    if (operation->path.kind != RK_LIST) return &operation->value;
    const rk_value *at = &event->data;
    for (size_t i = 0; at && i < operation->path.as.list.count; i++) {
        const rk_value *step = &operation->path.as.list.items[i];
        if (at->kind == RK_LIST && step->kind == RK_INT) {
            bool inside = (uint64_t)step->as.integer < at->as.list.count;
            at = inside ? &at->as.list.items[step->as.integer] : NULL;
        } else {
            at = step->kind == RK_STRING ? rk_map_find_key(at, step) : NULL;
        }
    }
    return at;
}
