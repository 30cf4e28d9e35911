/*
 * Differences between two moments, as JSON.
 */
#include "door/diff_view.h"

#include "door/json.h"

/* ---- reading ---- */

static rk_diff_way way_of(void *context, rk_bytes name) {
    const rk_field *field = rk_module_field(context, name);
    if (field && field->merge == RK_MERGE_RGA) return RK_DIFF_AS_TEXT;
    return field && field->merge == RK_MERGE_OR_SET ? RK_DIFF_AS_SET : RK_DIFF_BY_VALUE;
}

static rk_status empty_state(rk_arena *arena, rk_reading *reading_out, rk_error *error) {
    *reading_out = (rk_reading){.version = 0};
    rk_status status = rk_map_value(arena, NULL, 0, &reading_out->state);
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "no memory for a state");
}

/* The entity is there now. It may not have been there at that time; before its first version it was not. */
static rk_status read_before(rk_engine *engine, rk_bytes entity, const rk_at *at, rk_arena *arena,
                             rk_reading *reading_out, rk_error *error) {
    if (at->kind == RK_AT_VERSION && at->version == 0) return empty_state(arena, reading_out, error);
    rk_error why = {.code = RK_OK};
    rk_status status = rk_engine_get(engine, entity, at, arena, reading_out, &why);
    if (status == RK_NOT_FOUND && at->kind == RK_AT_TIME) return empty_state(arena, reading_out, error);
    if (status != RK_OK && error) *error = why;
    return status;
}

/* `to` is read first: whether the reader may is asked of the entity as it is now. */
rk_status rk_diff_read(rk_engine *engine, rk_bytes entity, const rk_at *from, const rk_at *to, rk_arena *arena,
                       rk_diff_view *view_out, rk_error *error) {
    const rk_module *module = NULL;
    *view_out = (rk_diff_view){.entity = entity};
    RK_TRY(rk_engine_get(engine, entity, to, arena, &view_out->to, error));
    RK_TRY(read_before(engine, entity, from, arena, &view_out->from, error));
    if (view_out->from.version > view_out->to.version) {
        return rk_fail(error, RK_BAD_REQUEST, "from", "it is version %u, after version %u", view_out->from.version,
                       view_out->to.version);
    }
    rk_bytes name = {entity.data, rk_bytes_find(entity, '/')};
    RK_TRY(rk_engine_module(engine, name, 0, &module, error));
    rk_status status = rk_diff_states(arena, &view_out->from.state, &view_out->to.state, way_of,
                                      (void *)(uintptr_t)module, &view_out->diff);
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "no memory for the differences");
}

/* ---- as JSON ---- */

static void add(rk_buffer *buffer, const char *text) {
    rk_buffer_append(buffer, rk_bytes_of_string(text));
}

static void add_number(rk_buffer *buffer, const char *before, uint64_t number) {
    char text[80];
    rk_buffer_append(buffer, rk_bytes_of(text, rk_format(text, sizeof text, "%s%u", before, number)));
}

static void add_values(rk_buffer *buffer, const char *before, const rk_value **values, size_t count) {
    add(buffer, before);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) add(buffer, ",");
        rk_json_print(buffer, values[i]);
    }
    add(buffer, "]");
}

static void add_edits(rk_buffer *buffer, const rk_diff_change *change) {
    add(buffer, ",\"edits\":[");
    for (size_t i = 0; i < change->edit_count; i++) {
        const rk_diff_edit *edit = &change->edits[i];
        add_number(buffer, i ? ",[" : "[", edit->at);
        add_number(buffer, ",", edit->delete_count);
        add(buffer, ",");
        rk_json_print_text(buffer, edit->text);
        add(buffer, "]");
    }
    add(buffer, "]");
}

void rk_diff_print_change(rk_buffer *buffer, const rk_diff_change *change) {
    static const char *const kinds[] = {"added", "removed", "changed"};
    add(buffer, "{\"path\":");
    rk_json_print_text(buffer, change->path);
    add(buffer, ",\"kind\":\"");
    add(buffer, kinds[change->kind]);
    add(buffer, "\"");
    if (change->form == RK_DIFF_EDITS) add_edits(buffer, change);
    if (change->form == RK_DIFF_MEMBERS) {
        add_values(buffer, ",\"removed\":[", change->removed, change->removed_count);
        add_values(buffer, ",\"added\":[", change->added, change->added_count);
    }
    if (change->before) {
        add(buffer, ",\"before\":");
        rk_json_print(buffer, change->before);
    }
    if (change->after) {
        add(buffer, ",\"after\":");
        rk_json_print(buffer, change->after);
    }
    add(buffer, "}");
}

static void add_moment(rk_buffer *buffer, const char *before, const rk_reading *reading) {
    add(buffer, before);
    add_number(buffer, "{\"version\":", reading->version);
    add_number(buffer, ",\"position\":", reading->last);
    add(buffer, "}");
}

void rk_diff_print(rk_buffer *buffer, const rk_diff_view *view) {
    add(buffer, "{\"entity\":");
    rk_json_print_text(buffer, view->entity);
    add_moment(buffer, ",\"from\":", &view->from);
    add_moment(buffer, ",\"to\":", &view->to);
    add(buffer, ",\"changes\":[");
    for (size_t i = 0; i < view->diff.count; i++) {
        if (i > 0) add(buffer, ",");
        rk_diff_print_change(buffer, &view->diff.changes[i]);
    }
    add_number(buffer, "],\"events\":", view->to.version - view->from.version);
    add(buffer, "}");
}
