/*
 * Expressions without a database: expr.
 */
#include "core/expr/expr.h"

#include "door/cel_cases.h"
#include "door/cel_json.h"
#include "door/command.h"
#include "io/memory.h"

enum { VARIABLES_SIZE_MAX = 64 << 20, CASES_SIZE_MAX = 64 << 20 };

/* ---- one expression ---- */

static rk_status read_variables(rk_cli *cli, const char *word, rk_value *variables_out, rk_error *error) {
    rk_bytes text = rk_bytes_of_string(word);
    const char *where = "--vars";
    if (word[0] == '@') {
        where = word + 1;
        RK_TRY(rk_file_read(&cli->arena, where, VARIABLES_SIZE_MAX, &text, error));
    }
    rk_status status = rk_json_read(&cli->arena, text, variables_out, error);
    if (status == RK_OK && variables_out->kind != RK_MAP) {
        return rk_fail(error, RK_BAD_FILE, where, "variables are an object: {\"name\": value}");
    }
    if (status != RK_OK) rk_error_at(error, rk_bytes_of_string(where));
    return status;
}

static rk_status print_value(rk_cli *cli, const rk_value *value, rk_error *error) {
    rk_value plain;
    if (rk_cel_plain(&cli->arena, value, &plain) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory to print the value");
    }
    if (!cli->arguments.json) return rki_out_value(&plain, error);
    rki_object object;
    rki_object_start(&object);
    rki_object_value(&object, "value", &plain);
    rki_object_text(&object, "type", rk_expr_type_name(value));
    return rki_object_finish(&object, error);
}

static rk_status evaluate(rk_cli *cli, rk_bytes source, rk_cel_world *world, rk_value *value_out, rk_error *error) {
    rk_program *program = NULL;
    const rk_activation activation = rk_cel_activation(world);
    RK_TRY(rk_expr_compile(&cli->arena, source, NULL, &program, error));
    return rk_program_run(program, &activation, &cli->arena, RK_STEPS_MAX, value_out, error);
}

static rk_status run_expression(rk_cli *cli, rk_zones *zones, rk_error *error) {
    const char *variables = rki_option(cli, "--vars");
    rk_cel_world world = {.variables = {.kind = RK_MAP}, .zones = zones};
    rk_value value = rk_null();
    rk_bytes source;
    size_t offset = 0;
    RK_TRY(rki_cli_word(cli, 0, &source, error));
    if (variables) RK_TRY(read_variables(cli, variables, &world.variables, error));
    rk_status status = evaluate(cli, source, &world, &value, error);
    if (status == RK_OK) return print_value(cli, &value, error);
    bool placed = rk_expr_find_place(source, error->where, &offset);
    if (placed && !cli->arguments.json) rki_show_place(source, offset);
    return status;
}

/* ---- conformance cases ---- */

typedef struct report {
    rk_arena arena;
    rk_buffer rows; /* with --json: the failed cases */
    bool json;
} report;

static void add_member(rk_buffer *rows, const char *head, rk_bytes text) {
    rk_buffer_append(rows, rk_bytes_of_string(head));
    rk_json_print_text(rows, text);
}

static void report_failure(void *context, const rk_cel_failure *failure) {
    report *to = context;
    if (!to->json) {
        rki_out("%b/%b: expected ", failure->section, failure->name);
        rki_out_bytes(failure->expected);
        rki_out(", got ");
        rki_out_bytes(failure->got);
        rki_out("\n");
        return;
    }
    add_member(&to->rows, to->rows.size > 1 ? ",{\"section\":" : "{\"section\":", failure->section);
    add_member(&to->rows, ",\"name\":", failure->name);
    add_member(&to->rows, ",\"expr\":", failure->expression);
    add_member(&to->rows, ",\"expected\":", failure->expected);
    add_member(&to->rows, ",\"got\":", failure->got);
    rk_buffer_append_byte(&to->rows, '}');
}

static rk_status print_tally(report *to, const rk_cel_tally *tally, rk_error *error) {
    rk_bytes rows;
    if (!to->json) {
        rki_out("%u passed, %u failed\n", tally->passed, tally->failed);
        return RK_OK;
    }
    rk_buffer_append_byte(&to->rows, ']');
    rk_status status = rk_buffer_finish(&to->rows, &rows);
    if (status != RK_OK) return rk_fail(error, status, "output", "the result is too large to print");
    rki_object object;
    rki_object_start(&object);
    rki_object_number(&object, "passed", tally->passed);
    rki_object_number(&object, "failed", tally->failed);
    rki_object_raw(&object, "cases", rows);
    return rki_object_finish(&object, error);
}

static rk_status run_cases(rk_cli *cli, const char *path, rk_zones *zones, rk_error *error) {
    rk_bytes text;
    rk_cel_tally tally;
    report to = {.json = cli->arguments.json};
    RK_TRY(rk_file_read(&cli->arena, path, CASES_SIZE_MAX, &text, error));
    rk_arena_init(&to.arena, rk_memory_system(), RK_STATE_SIZE_MAX);
    rk_buffer_init(&to.rows, &to.arena, RK_STATE_SIZE_MAX / 4);
    rk_buffer_append_byte(&to.rows, '[');
    rk_status status = rk_cel_cases_run(text, zones, report_failure, &to, &tally, error);
    if (status != RK_OK) {
        rk_error_at(error, rk_bytes_of_string(path));
    } else {
        status = print_tally(&to, &tally, error);
    }
    rk_arena_free(&to.arena);
    if (status != RK_OK || tally.failed == 0) return status;
    return rk_fail(error, RK_EXPRESSION_FAILED, path, "%u of %u cases failed", tally.failed,
                   tally.passed + tally.failed);
}

rk_status rki_cmd_expr(rk_cli *cli, rk_error *error) {
    rk_zones zones;
    const char *cases = rki_option(cli, "--cases");
    bool alone = cli->arguments.word_count == 0 && !rki_option(cli, "--vars");
    if (cases ? !alone : cli->arguments.word_count == 0) {
        rk_fail(error, RK_USAGE, NULL,
                cases ? "--cases FILE stands alone" : "expr needs an expression, or --cases FILE");
        rk_error_hint(error, "see `reaktor help expr`");
        return RK_USAGE;
    }
    rk_zones_init(&zones, &cli->arena, NULL);
    return cases ? run_cases(cli, cases, &zones, error) : run_expression(cli, &zones, error);
}
