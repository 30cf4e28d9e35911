/*
 * module check --schema-cases: the schema words against a file of cases.
 */
#include "door/command.h"
#include "door/schema_cases.h"

enum { CASES_FILE_SIZE_MAX = 64 << 20 };

static void print_failure(const rk_schema_failure *failure) {
    rki_out("not ok - ");
    rki_out_bytes(failure->group);
    rki_out(": ");
    rki_out_bytes(failure->name);
    if (failure->valid) {
        rki_out(": it should fit; refused%s", failure->where.size ? " at " : "");
        rki_out_bytes(failure->where);
        rki_out(": ");
        rki_out_bytes(failure->what);
        rki_out("\n");
    } else {
        rki_out(": it should be refused, and fits\n");
    }
}

static void print_refused(const rk_schema_tally *tally) {
    rki_out("%u refused", (uint64_t)tally->refused);
    for (const rk_schema_refusal *at = tally->refusals; at; at = at->next) {
        rki_out(at == tally->refusals ? ": " : ", ");
        rki_out_bytes(at->name);
        rki_out(" %u", (uint64_t)at->count);
    }
    rki_out("\n");
}

static rk_status print_object(const rk_schema_tally *tally, rk_error *error) {
    rki_object object;
    rki_object_start(&object);
    rki_object_number(&object, "passed", tally->passed);
    rki_object_number(&object, "failed", tally->failed);
    rki_object_number(&object, "refused", tally->refused);
    rki_object_raw(&object, "refusals", RK_TEXT("["));
    for (const rk_schema_refusal *at = tally->refusals; at; at = at->next) {
        const rk_value count = rk_whole(at->count);
        rk_buffer_append(&object.buffer, at == tally->refusals ? RK_TEXT("{\"word\":") : RK_TEXT(",{\"word\":"));
        rk_json_print_text(&object.buffer, at->name);
        rk_buffer_append(&object.buffer, RK_TEXT(",\"cases\":"));
        rk_json_print(&object.buffer, &count);
        rk_buffer_append(&object.buffer, RK_TEXT("}"));
    }
    rk_buffer_append(&object.buffer, RK_TEXT("]"));
    rki_object_raw(&object, "failures", RK_TEXT("["));
    for (const rk_schema_failure *at = tally->failures; at; at = at->next) {
        rk_buffer_append(&object.buffer, at == tally->failures ? RK_TEXT("{\"group\":") : RK_TEXT(",{\"group\":"));
        rk_json_print_text(&object.buffer, at->group);
        rk_buffer_append(&object.buffer, RK_TEXT(",\"case\":"));
        rk_json_print_text(&object.buffer, at->name);
        rk_buffer_append(&object.buffer, at->valid ? RK_TEXT(",\"valid\":true}") : RK_TEXT(",\"valid\":false}"));
    }
    rk_buffer_append(&object.buffer, RK_TEXT("]"));
    return rki_object_finish(&object, error);
}

rk_status rki_cmd_schema_cases(rk_cli *cli, rk_error *error) {
    const char *path = cli->arguments.words[0];
    rk_schema_tally tally = {0};
    rk_bytes text;
    RK_TRY(rk_file_read(&cli->arena, path, CASES_FILE_SIZE_MAX, &text, error));
    rk_status status = rk_schema_cases_run(&cli->arena, text, &tally, error);
    if (status != RK_OK) {
        rk_error_at(error, rk_bytes_of_string(path));
        return status;
    }
    if (cli->arguments.json) {
        RK_TRY(print_object(&tally, error));
    } else {
        for (const rk_schema_failure *at = tally.failures; at; at = at->next) print_failure(at);
        print_refused(&tally);
        rki_out("%u passed, %u failed\n", (uint64_t)tally.passed, (uint64_t)tally.failed);
    }
    if (tally.failed == 0) return RK_OK;
    rk_fail(error, RK_BAD_DATA, path, "%u of %u cases failed", (uint64_t)tally.failed,
            (uint64_t)(tally.passed + tally.failed));
    rk_error_hint(error, "see the list");
    return RK_BAD_DATA;
}
