/*
 * Showing a module.
 */
#include "door/module_view.h"

#include <string.h>

#include "door/table.h"
#include "io/terminal.h"

enum { CELL_SIZE_MAX = 1 << 16 };

static const char *const operation_names[] = {"set", "add to", "insert into", "remove from", "splice"};

/* ---- what it says ---- */

/* The rule in the module's own words. */
static rk_bytes rule_text(const rk_module *module, rk_bytes type) {
    const rk_value *allow = rk_map_find(&module->source, RK_TEXT("allow"));
    const rk_value *rule = allow ? rk_map_find(allow, type) : NULL;
    if (!rule && allow && !rk_bytes_equal(type, RK_TEXT("read"))) rule = rk_map_find(allow, RK_TEXT("write"));
    return rule && rule->kind == RK_STRING ? rule->as.bytes : RK_TEXT("every member of the account");
}

/* Rules and names have no blanks at their ends and no line ends in a table. */
static rk_bytes one_line(rk_bytes text, rk_arena *arena) {
    uint8_t *copy = rk_arena_take(arena, text.size);
    if (!copy) return RK_TEXT("");
    for (size_t i = 0; i < text.size; i++) copy[i] = text.data[i] < ' ' ? ' ' : text.data[i];
    return rk_bytes_of(copy, text.size);
}

static rk_bytes finish(const rk_buffer *buffer) {
    rk_bytes text;
    return rk_buffer_finish(buffer, &text) == RK_OK ? text : RK_TEXT("...");
}

static rk_bytes touches_text(const rk_event_type *type, rk_arena *arena) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, CELL_SIZE_MAX);
    for (size_t i = 0; i < type->step_count; i++) {
        if (i > 0) rk_buffer_append(&buffer, RK_TEXT(", "));
        rk_buffer_append(&buffer, rk_bytes_of_string(operation_names[type->steps[i].kind]));
        rk_buffer_append(&buffer, RK_TEXT(" "));
        rk_buffer_append(&buffer, type->steps[i].field->name);
    }
    return type->step_count > 0 ? finish(&buffer) : RK_TEXT("nothing");
}

static rk_bytes kind_text(const rk_event_type *type, rk_arena *arena) {
    return type->ordered ? rk_arena_format(arena, "ordered: %b", type->why_ordered) : RK_TEXT("mergeable");
}

static rk_bytes field_rule_text(const rk_module *module, rk_bytes field) {
    const rk_value *fields = rk_map_find(&module->source, RK_TEXT("fields"));
    const rk_value *rule = rk_map_find(fields ? rk_map_find(fields, field) : NULL, RK_TEXT("read"));
    return rule && rule->kind == RK_STRING ? rule->as.bytes : RK_TEXT("");
}

static rk_bytes ref_text(const rk_field *field, rk_arena *arena) {
    if (field->edge.size == 0) return field->ref;
    return rk_arena_format(arena, "%b, edge %b", field->ref, field->edge);
}

/* ---- for people ---- */

static void print_fields(const rk_module *module, rk_arena *arena) {
    enum { COLUMNS = 6 };
    size_t columns = module->hides ? COLUMNS : COLUMNS - 1;
    rk_bytes *cells = rk_arena_take_array(arena, (module->field_count + 1) * COLUMNS, sizeof *cells);
    if (!cells || module->field_count == 0) return;
    const rk_bytes heads[COLUMNS] = {RK_TEXT("field"), RK_TEXT("type"),      RK_TEXT("merge"),
                                     RK_TEXT("index"), RK_TEXT("refers to"), RK_TEXT("who may read")};
    memcpy(cells, heads, columns * sizeof *heads);
    for (size_t i = 0; i < module->field_count; i++) {
        const rk_field *field = &module->fields[i];
        rk_bytes *row = cells + (i + 1) * columns;
        row[0] = one_line(field->name, arena);
        row[1] = rk_schema_print_type(arena, field->schema);
        row[2] = field->merge == RK_MERGE_NONE ? RK_TEXT("none: ordered events only")
                                               : rk_bytes_of_string(rk_merge_type_name(field->merge));
        row[3] = field->index ? RK_TEXT("yes") : RK_TEXT("");
        row[4] = one_line(ref_text(field, arena), arena);
        if (!module->hides) continue;
        row[5] =
            field->read ? one_line(field_rule_text(module, field->name), arena) : RK_TEXT("who may read the entity");
    }
    rki_out("\nfields\n");
    const rk_table table = {cells, columns, module->field_count + 1};
    rk_table_print(&table, rk_terminal_width());
}

static void print_events(const rk_module *module, rk_arena *arena) {
    enum { COLUMNS = 4 };
    rk_bytes *cells = rk_arena_take_array(arena, (module->event_type_count + 1) * COLUMNS, sizeof *cells);
    if (!cells || module->event_type_count == 0) return;
    const rk_bytes heads[COLUMNS] = {RK_TEXT("event"), RK_TEXT("kind"), RK_TEXT("touches"), RK_TEXT("who may write")};
    memcpy(cells, heads, sizeof heads);
    for (size_t i = 0; i < module->event_type_count; i++) {
        const rk_event_type *type = &module->event_types[i];
        rk_bytes *row = cells + (i + 1) * COLUMNS;
        row[0] = type->name;
        row[1] = kind_text(type, arena);
        row[2] = one_line(touches_text(type, arena), arena);
        row[3] = one_line(rule_text(module, type->name), arena);
    }
    rki_out("\nevents\n");
    const rk_table table = {cells, COLUMNS, module->event_type_count + 1};
    rk_table_print(&table, rk_terminal_width());
}

void rki_module_print(const rk_module *module, rk_arena *arena) {
    const rk_value *description = rk_map_find(&module->source, RK_TEXT("description"));
    rki_out("%b@%u, truth: %b\n", module->name, (uint64_t)module->version, module->truth);
    if (description && description->kind == RK_STRING) {
        rki_out_bytes(description->as.bytes);
        rki_out("\n");
    }
    print_fields(module, arena);
    print_events(module, arena);
    rki_out("\nread by: ");
    rki_out_bytes(rule_text(module, RK_TEXT("read")));
    rki_out("\n");
}

/* ---- for programs ---- */

void rki_member_text(rk_buffer *buffer, const char *separator, const char *name, rk_bytes text) {
    rk_buffer_append(buffer, rk_bytes_of_string(separator));
    rk_json_print_text(buffer, rk_bytes_of_string(name));
    rk_buffer_append(buffer, RK_TEXT(":"));
    rk_json_print_text(buffer, text);
}

static void append_event_type(const rk_module *module, const rk_event_type *type, rk_buffer *buffer) {
    static const char *const verbs[] = {"set", "add", "insert", "remove", "splice"};
    rki_member_text(buffer, "{", "type", type->name);
    rki_member_text(buffer, ",", "kind", type->ordered ? RK_TEXT("ordered") : RK_TEXT("mergeable"));
    rki_member_text(buffer, ",", "why", type->why_ordered);
    rk_buffer_append(buffer, RK_TEXT(",\"touches\":["));
    for (size_t i = 0; i < type->step_count; i++) {
        const rk_step *step = &type->steps[i];
        rki_member_text(buffer, i > 0 ? ",{" : "{", "does", rk_bytes_of_string(verbs[step->kind]));
        rki_member_text(buffer, ",", "field", step->field->name);
        rk_buffer_append(buffer, RK_TEXT("}"));
    }
    rk_buffer_append(buffer, RK_TEXT("]"));
    rki_member_text(buffer, ",", "who", rule_text(module, type->name));
    rk_buffer_append(buffer, RK_TEXT("}"));
}

static void append_field(const rk_module *module, const rk_field *field, rk_arena *arena, rk_buffer *buffer) {
    rki_member_text(buffer, "{", "field", field->name);
    rki_member_text(buffer, ",", "type", rk_schema_print_type(arena, field->schema));
    rki_member_text(buffer, ",", "merge", rk_bytes_of_string(rk_merge_type_name(field->merge)));
    rk_buffer_append(buffer, field->index ? RK_TEXT(",\"index\":true") : RK_TEXT(",\"index\":false"));
    rki_member_text(buffer, ",", "ref", field->ref);
    rki_member_text(buffer, ",", "edge", field->edge);
    if (field->read) rki_member_text(buffer, ",", "read", field_rule_text(module, field->name));
    rk_buffer_append(buffer, RK_TEXT("}"));
}

void rki_module_object(rki_object *object, const rk_module *module, rk_arena *arena) {
    rki_object_text(object, "module", module->name);
    rki_object_number(object, "version", module->version);
    rki_object_text(object, "truth", module->truth);
    rki_object_text(object, "read", rule_text(module, RK_TEXT("read")));
    rki_object_raw(object, "fields", RK_TEXT("["));
    for (size_t i = 0; i < module->field_count; i++) {
        if (i > 0) rk_buffer_append(&object->buffer, RK_TEXT(","));
        append_field(module, &module->fields[i], arena, &object->buffer);
    }
    rk_buffer_append(&object->buffer, RK_TEXT("]"));
    rki_object_raw(object, "events", RK_TEXT("["));
    for (size_t i = 0; i < module->event_type_count; i++) {
        if (i > 0) rk_buffer_append(&object->buffer, RK_TEXT(","));
        append_event_type(module, &module->event_types[i], &object->buffer);
    }
    rk_buffer_append(&object->buffer, RK_TEXT("]"));
}
