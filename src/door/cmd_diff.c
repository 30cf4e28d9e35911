/*
 * diff: an entity between two moments.
 */
#include "door/command.h"
#include "door/diff_view.h"
#include "door/intent.h"

enum { DIFF_SIZE_MAX = 64 << 20 };

static rk_status print_view(rk_cli *cli, const rk_diff_view *view, rk_error *error) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, &cli->arena, DIFF_SIZE_MAX);
    if (cli->arguments.json) rk_diff_print(&buffer, view);
    for (size_t i = 0; !cli->arguments.json && i < view->diff.count; i++) {
        rk_diff_print_change(&buffer, &view->diff.changes[i]);
        if (i + 1 < view->diff.count) rk_buffer_append(&buffer, RK_TEXT("\n"));
    }
    rk_buffer_append(&buffer, RK_TEXT("\n"));
    if (rk_buffer_finish(&buffer, &text) != RK_OK) return rk_fail(error, RK_LIMIT, NULL, "the difference is too large");
    if (!cli->arguments.json) {
        rki_out("%b  version %u to %u, %u events\n", view->entity, view->from.version, view->to.version,
                view->to.version - view->from.version);
    }
    if (cli->arguments.json || view->diff.count > 0) rki_out_bytes(text);
    return RK_OK;
}

rk_status rki_cmd_diff(rk_cli *cli, rk_error *error) {
    rk_bytes entity;
    rk_diff_view view;
    rk_at from, to = {.kind = RK_AT_NOW};
    const char *since = rki_option(cli, "--from"), *until = rki_option(cli, "--to");
    RK_TRY(rki_cli_word(cli, 0, &entity, error));
    if (!since) return rk_fail(error, RK_USAGE, "--from", "it is missing");
    RK_TRY(rk_at_read(rk_bytes_of_string(since), "--from", &from, error));
    if (until) RK_TRY(rk_at_read(rk_bytes_of_string(until), "--to", &to, error));
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rki_cli_read_as(cli, error));
    RK_TRY(rk_diff_read(cli->engine, entity, &from, &to, &cli->arena, &view, error));
    return print_view(cli, &view, error);
}
