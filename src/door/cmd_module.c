/*
 * Modules: module check, module add, module list, module show.
 */
#include <string.h>

#include "door/command.h"
#include "io/memory.h"

enum { MODULE_FILE_SIZE_MAX = 4 * RK_MODULE_SIZE_MAX, COMPILED_SIZE_MAX = 256 << 20 };

static const char *const operation_names[] = {"set", "add to", "insert into", "remove from", "splice"};

/* Texts of a module have no bound that a line of output has. */
static void out_line(const char *before, rk_bytes text) {
    rki_out("%s", before);
    rki_out_bytes(text);
    rki_out("\n");
}

/* ---- what a module says ---- */

/* The rule in the module's own words; NULL where there is none. */
static const rk_value *rule_of(const rk_module *module, rk_bytes type) {
    const rk_value *allow = rk_map_find(&module->source, RK_TEXT("allow"));
    const rk_value *rule = allow ? rk_map_find(allow, type) : NULL;
    if (!rule && allow && !rk_bytes_equal(type, RK_TEXT("read"))) rule = rk_map_find(allow, RK_TEXT("write"));
    return rule && rule->kind == RK_STRING ? rule : NULL;
}

static rk_bytes rule_text(const rk_module *module, rk_bytes type) {
    const rk_value *rule = rule_of(module, type);
    return rule ? rule->as.bytes : RK_TEXT("every member of the account");
}

static void append_touches(const rk_event_type *type, rk_buffer *buffer) {
    for (size_t i = 0; i < type->step_count; i++) {
        if (i > 0) rk_buffer_append(buffer, RK_TEXT(", "));
        rk_buffer_append(buffer, rk_bytes_of_string(operation_names[type->steps[i].kind]));
        rk_buffer_append(buffer, RK_TEXT(" "));
        rk_buffer_append(buffer, type->steps[i].field->name);
    }
}

static rk_bytes touches_text(const rk_event_type *type, rk_arena *arena) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, arena, 1 << 16);
    append_touches(type, &buffer);
    if (rk_buffer_finish(&buffer, &text) != RK_OK || text.size == 0) return RK_TEXT("nothing");
    return text;
}

static void print_field(const rk_field *field) {
    rki_out("    ");
    rki_out_cell(field->name, 16);
    rki_out_cell(rk_schema_type_name(field->schema), 8);
    rki_out("%s", field->merge == RK_MERGE_NONE ? "no merge: ordered events only" : rk_merge_type_name(field->merge));
    if (field->index) rki_out(", indexed");
    if (field->ref.size) rki_out(", refers to %b", field->ref);
    if (field->edge.size) rki_out(", edge %b", field->edge);
    rki_out("\n");
}

static void print_event_type(const rk_module *module, const rk_event_type *type, rk_arena *arena) {
    rki_out("    ");
    rki_out_cell(type->name, 16);
    rki_out("%s", type->ordered ? "ordered: " : "mergeable\n");
    if (type->ordered) out_line("", type->why_ordered);
    out_line("                      touches  ", touches_text(type, arena));
    out_line("                      who      ", rule_text(module, type->name));
}

static void print_module(const rk_module *module, rk_arena *arena) {
    const rk_value *description = rk_map_find(&module->source, RK_TEXT("description"));
    rki_out("%b@%u, truth: %b\n", module->name, (uint64_t)module->version, module->truth);
    if (description && description->kind == RK_STRING) out_line("", description->as.bytes);
    rki_out("\nfields\n");
    for (size_t i = 0; i < module->field_count; i++) print_field(&module->fields[i]);
    rki_out("\nevents\n");
    for (size_t i = 0; i < module->event_type_count; i++) print_event_type(module, &module->event_types[i], arena);
    out_line("\nread by: ", rule_text(module, RK_TEXT("read")));
}

/* ---- the same for programs ---- */

static void open_member(rk_buffer *buffer, const char *separator, const char *name, rk_bytes text) {
    rk_buffer_append(buffer, rk_bytes_of_string(separator));
    rk_json_print_text(buffer, rk_bytes_of_string(name));
    rk_buffer_append(buffer, RK_TEXT(":"));
    rk_json_print_text(buffer, text);
}

static void append_event_type(const rk_module *module, const rk_event_type *type, rk_arena *arena, rk_buffer *buffer) {
    open_member(buffer, "{", "type", type->name);
    open_member(buffer, ",", "kind", type->ordered ? RK_TEXT("ordered") : RK_TEXT("mergeable"));
    open_member(buffer, ",", "why", type->why_ordered);
    open_member(buffer, ",", "touches", touches_text(type, arena));
    open_member(buffer, ",", "who", rule_text(module, type->name));
    rk_buffer_append(buffer, RK_TEXT("}"));
}

static void append_field(const rk_field *field, rk_buffer *buffer) {
    open_member(buffer, "{", "field", field->name);
    open_member(buffer, ",", "type", rk_schema_type_name(field->schema));
    open_member(buffer, ",", "merge", rk_bytes_of_string(rk_merge_type_name(field->merge)));
    rk_buffer_append(buffer, RK_TEXT("}"));
}

static void object_module(rki_object *object, const rk_module *module, rk_arena *arena) {
    rki_object_text(object, "module", module->name);
    rki_object_number(object, "version", module->version);
    rki_object_text(object, "truth", module->truth);
    rki_object_raw(object, "fields", RK_TEXT("["));
    for (size_t i = 0; i < module->field_count; i++) {
        if (i > 0) rk_buffer_append(&object->buffer, RK_TEXT(","));
        append_field(&module->fields[i], &object->buffer);
    }
    rk_buffer_append(&object->buffer, RK_TEXT("]"));
    rki_object_raw(object, "events", RK_TEXT("["));
    for (size_t i = 0; i < module->event_type_count; i++) {
        if (i > 0) rk_buffer_append(&object->buffer, RK_TEXT(","));
        append_event_type(module, &module->event_types[i], arena, &object->buffer);
    }
    rk_buffer_append(&object->buffer, RK_TEXT("]"));
}

/* ---- reading and compiling a file ---- */

static rk_status read_source(rk_cli *cli, rk_value *source_out, rk_error *error) {
    const char *path = cli->arguments.words[0];
    rk_bytes text;
    RK_TRY(rk_file_read(&cli->arena, path, MODULE_FILE_SIZE_MAX, &text, error));
    rk_status status = rk_json_read(&cli->arena, text, source_out, error);
    if (status != RK_OK) rk_error_at(error, rk_bytes_of_string(path));
    return status;
}

static rk_findings *new_findings(rk_cli *cli, rk_error *error) {
    rk_findings *findings = rk_arena_take(&cli->arena, sizeof *findings);
    if (!findings) rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the findings");
    return findings;
}

static void print_findings(const char *path, const rk_findings *findings) {
    for (size_t i = 0; i < findings->count && i < RK_FINDINGS_MAX; i++) {
        const rk_finding *finding = &findings->items[i];
        rki_out("%s#", path);
        out_line("", finding->pointer);
        rki_out("    %s", rk_status_name(finding->code));
        out_line(": ", finding->message);
        if (finding->hint.size) out_line("    hint: ", finding->hint);
    }
    if (findings->count > RK_FINDINGS_MAX) rki_out("and %u more\n", (uint64_t)(findings->count - RK_FINDINGS_MAX));
}

static void object_findings(rki_object *object, const rk_findings *findings) {
    rki_object_raw(object, "findings", RK_TEXT("["));
    for (size_t i = 0; i < findings->count && i < RK_FINDINGS_MAX; i++) {
        const rk_finding *finding = &findings->items[i];
        open_member(&object->buffer, i > 0 ? ",{" : "{", "pointer", finding->pointer);
        open_member(&object->buffer, ",", "code", rk_bytes_of_string(rk_status_name(finding->code)));
        open_member(&object->buffer, ",", "message", finding->message);
        open_member(&object->buffer, ",", "hint", finding->hint);
        rk_buffer_append(&object->buffer, RK_TEXT("}"));
    }
    rk_buffer_append(&object->buffer, RK_TEXT("]"));
}

static rk_status print_check(rk_cli *cli, const rk_module *module, const rk_findings *findings, rk_error *error) {
    const char *path = cli->arguments.words[0];
    if (cli->arguments.json) {
        rki_object object;
        rki_object_start(&object);
        rki_object_bool(&object, "ok", module != NULL);
        if (module) object_module(&object, module, &cli->arena);
        object_findings(&object, findings);
        return rki_object_finish(&object, error);
    }
    print_findings(path, findings);
    if (module) {
        print_module(module, &cli->arena);
        rki_out("\n%s passes its check\n", path);
    }
    return RK_OK;
}

rk_status rki_cmd_module_check(rk_cli *cli, rk_error *error) {
    rk_value source;
    rk_module *module = NULL;
    rk_error first = {.code = RK_OK};
    if (rki_option(cli, "--schema-cases")) return rki_cmd_schema_cases(cli, error);
    RK_TRY(read_source(cli, &source, error));
    rk_findings *findings = new_findings(cli, error);
    if (!findings) return RK_NO_MEMORY;
    rk_status status = rk_module_compile(&cli->arena, &source, &module, findings, &first);
    if (status == RK_NO_MEMORY) {
        *error = first;
        return status;
    }
    RK_TRY(print_check(cli, module, findings, error));
    if (status == RK_OK) return RK_OK;
    rk_fail(error, status, cli->arguments.words[0], findings->count == 1 ? "%u finding" : "%u findings",
            (uint64_t)findings->count);
    rk_error_hint(error, "see the list");
    return status;
}

/* ---- module add ---- */

static rk_status publish(rk_cli *cli, const rk_module *module, const rk_value *source, rk_entry *entry_out,
                         rk_error *error) {
    rk_value data;
    size_t count = 0;
    rk_pair *pairs = rk_arena_take_array(&cli->arena, 2, sizeof *pairs);
    if (!pairs) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the module");
    rki_pair_add(pairs, &count, "version", rk_int(module->version));
    rki_pair_add(pairs, &count, "source", *source);
    rk_status status = rk_map_value(&cli->arena, pairs, count, &data);
    if (status != RK_OK) return rk_fail(error, status, NULL, "no memory for the module");
    return rki_cli_submit(cli, rk_arena_format(&cli->arena, "module/%b", module->name), "publish", &data, entry_out,
                          error);
}

rk_status rki_cmd_module_add(rk_cli *cli, rk_error *error) {
    rk_value source;
    rk_entry entry;
    rk_module *module = NULL;
    RK_TRY(read_source(cli, &source, error));
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    rk_findings *findings = new_findings(cli, error);
    if (!findings) return RK_NO_MEMORY;
    rk_status status = rk_module_compile(&cli->arena, &source, &module, findings, error);
    if (status != RK_OK) {
        rk_error_at(error, rk_bytes_of_string(cli->arguments.words[0]));
        if (findings->count > 1)
            rk_error_hint(error, "`reaktor module check` lists all %u findings", (uint64_t)findings->count);
        return status;
    }
    RK_TRY(publish(cli, module, &source, &entry, error));
    if (cli->arguments.json) return rki_print_entry(cli, &entry, error);
    rki_out("published %b@%u with %u event types%s\n", module->name, (uint64_t)module->version,
            (uint64_t)module->event_type_count, entry.position ? "" : "; it waits for the truth");
    return RK_OK;
}

/* ---- module list and show ---- */

static rk_status print_listed(rk_cli *cli, const rk_module *module, bool builtin, rk_error *error) {
    const rk_value *description = rk_map_find(&module->source, RK_TEXT("description"));
    rk_bytes text = description && description->kind == RK_STRING ? description->as.bytes : RK_TEXT("");
    if (cli->arguments.json) {
        rki_object object;
        rki_object_start(&object);
        rki_object_text(&object, "module", module->name);
        rki_object_number(&object, "version", module->version);
        rki_object_text(&object, "truth", module->truth);
        rki_object_bool(&object, "builtin", builtin);
        rki_object_text(&object, "description", text);
        return rki_object_finish(&object, error);
    }
    char name[RK_NAME_SIZE_MAX + 16];
    rki_out_cell(rk_bytes_of(name, rk_format(name, sizeof name, "%b@%u", module->name, (uint64_t)module->version)), 20);
    rki_out_cell(builtin ? RK_TEXT("built in") : module->truth, 8);
    out_line("", text);
    return RK_OK;
}

rk_status rki_cmd_module_list(rk_cli *cli, rk_error *error) {
    const rk_bytes *names = NULL;
    size_t count = 0;
    const rk_module *module = NULL;
    rk_bytes builtin, cbor;
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rki_entity_names(cli, RK_TEXT("module/"), &names, &count, error));
    for (size_t i = 0; i < count; i++) {
        RK_TRY(rk_engine_module(cli->engine, rk_bytes_from(names[i], strlen("module/")), 0, &module, error));
        RK_TRY(print_listed(cli, module, false, error));
    }
    for (size_t i = 0; rk_module_builtin(i, &builtin, &cbor); i++) {
        RK_TRY(rk_engine_module(cli->engine, builtin, 0, &module, error));
        RK_TRY(print_listed(cli, module, true, error));
    }
    return RK_OK;
}

rk_status rki_cmd_module_show(rk_cli *cli, rk_error *error) {
    rk_bytes name;
    uint64_t version = 0;
    const rk_module *module = NULL;
    RK_TRY(rki_cli_word(cli, 0, &name, error));
    size_t at = rk_bytes_find(name, '@');
    if (at < name.size) {
        RK_TRY(rk_number_read(cli->arguments.words[0] + at + 1, "the version", &version, error));
        if (version == 0 || version > INT32_MAX) return rk_fail(error, RK_USAGE, NULL, "versions count from 1");
        name.size = at;
    }
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rk_engine_module(cli->engine, name, (uint32_t)version, &module, error));
    if (cli->arguments.json) {
        rk_buffer buffer;
        rk_bytes text;
        rk_buffer_init(&buffer, &cli->arena, MODULE_FILE_SIZE_MAX);
        rk_json_print(&buffer, &module->source);
        rk_status status = rk_buffer_finish(&buffer, &text);
        if (status != RK_OK) return rk_fail(error, status, NULL, "the module is too large to print");
        rki_out_bytes(text);
        rki_out("\n");
        return RK_OK;
    }
    print_module(module, &cli->arena);
    return RK_OK;
}
