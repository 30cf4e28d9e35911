/*
 * Modules: module check, module add, module list, module show.
 */
#include <string.h>

#include "door/command.h"
#include "door/module_view.h"
#include "io/memory.h"

enum { MODULE_FILE_SIZE_MAX = 4 * RK_MODULE_SIZE_MAX, COMPILED_SIZE_MAX = 256 << 20 };

/* Texts of a module have no bound that a line of output has. */
static void out_line(const char *before, rk_bytes text) {
    rki_out("%s", before);
    rki_out_bytes(text);
    rki_out("\n");
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
        rki_member_text(&object->buffer, i > 0 ? ",{" : "{", "pointer", finding->pointer);
        rki_member_text(&object->buffer, ",", "code", rk_bytes_of_string(rk_status_name(finding->code)));
        rki_member_text(&object->buffer, ",", "message", finding->message);
        rki_member_text(&object->buffer, ",", "hint", finding->hint);
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
        if (module) rki_module_object(&object, module, &cli->arena);
        object_findings(&object, findings);
        return rki_object_finish(&object, error);
    }
    print_findings(path, findings);
    if (module) {
        rki_module_print(module, &cli->arena);
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
    rki_module_print(module, &cli->arena);
    return RK_OK;
}
