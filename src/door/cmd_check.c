/*
 * Checking: replay, verify.
 */
#include "door/command.h"
#include "io/terminal.h"

typedef struct checking {
    rk_cli *cli;
    rk_progress progress;
    uint64_t findings;
    rk_error output; /* the first failure to print */
} checking;

static void print_finding(void *context, const char *where, const char *what) {
    checking *checking = context;
    checking->findings++;
    rk_progress_end(&checking->progress);
    if (checking->cli->arguments.json) {
        rki_object object;
        rki_object_start(&object);
        rki_object_text(&object, "finding", rk_bytes_of_string(where));
        rki_object_text(&object, "what", rk_bytes_of_string(what));
        if (rki_object_finish(&object, &checking->output) == RK_OK) return;
    }
    rki_out("%s: %s\n", where, what);
}

static void show_progress(void *context, uint64_t done, uint64_t total) {
    checking *checking = context;
    rk_progress_at(&checking->progress, done, total);
}

/* Opens so that damage is told and read past: the command then says what it means for entities and events. */
static rk_status start(checking *checking, const char *label, rk_check_listener *listener_out, rk_error *error) {
    rk_cli *cli = checking->cli;
    *listener_out = (rk_check_listener){print_finding, show_progress, checking};
    RK_TRY(rk_door_host_init(&cli->host, cli->world->store, cli->data, cli->arguments.json, &cli->arena, error));
    cli->host.finding = print_finding;
    cli->host.finding_context = checking;
    RK_TRY(rk_engine_open(&cli->host.host, RK_LOG_EXAMINE, &cli->engine, error));
    rk_progress_start(&checking->progress, label);
    return RK_OK;
}

/* Damage below that changed no answer is damage all the same. */
static rk_status finish(checking *checking, rk_status status, rk_error *error) {
    rk_progress_end(&checking->progress);
    if (status != RK_OK || checking->findings == 0) return status;
    return rk_fail(error, RK_CORRUPT, checking->cli->data, "damage was found");
}

static rk_status print_figures(rk_cli *cli, bool good, const char *const *names, const uint64_t *numbers, size_t count,
                               rk_error *error) {
    if (cli->arguments.json) {
        rki_object object;
        rki_object_start(&object);
        rki_object_bool(&object, "ok", good);
        for (size_t i = 0; i < count; i++) rki_object_number(&object, names[i], numbers[i]);
        return rki_object_finish(&object, error);
    }
    for (size_t i = 0; i < count; i++) rki_out("%s%u %s", i > 0 ? ", " : "", numbers[i], names[i]);
    rki_out("%s\n", good ? ": all as it should be" : "");
    return RK_OK;
}

/* ---- replay ---- */

static rk_status print_replay(rk_cli *cli, const rk_replay_report *report, bool good, rk_error *error) {
    static const char *const names[] = {"entities", "events", "states", "indexed", "differing"};
    const uint64_t numbers[] = {report->entities, report->events, report->states, report->indexed, report->differing};
    return print_figures(cli, good, names, numbers, 5, error);
}

rk_status rki_cmd_replay(rk_cli *cli, rk_error *error) {
    rk_bytes entity = {NULL, 0};
    rk_replay_report report = {.entities = 0};
    checking checking = {.cli = cli};
    if (cli->arguments.word_count > 0) RK_TRY(rki_cli_word(cli, 0, &entity, error));
    rk_check_listener listener;
    RK_TRY(start(&checking, "replay", &listener, error));
    rk_status status = finish(&checking, rk_engine_replay(cli->engine, entity, &listener, &report, error), error);
    if (status == RK_OK || status == RK_CORRUPT) RK_TRY(print_replay(cli, &report, status == RK_OK, error));
    return status;
}

/* ---- verify ---- */

static rk_status print_verify(rk_cli *cli, const rk_verify_report *report, rk_error *error) {
    static const char *const names[] = {"records", "batches", "events", "pending", "findings"};
    const uint64_t numbers[] = {report->records, report->batches, report->events, report->pending, report->findings};
    return print_figures(cli, report->findings == 0, names, numbers, 5, error);
}

rk_status rki_cmd_verify(rk_cli *cli, rk_error *error) {
    rk_verify_report report = {.records = 0};
    checking checking = {.cli = cli};
    rk_check_listener listener;
    RK_TRY(start(&checking, "verify", &listener, error));
    rk_status status = finish(&checking, rk_engine_verify(cli->engine, &listener, &report, error), error);
    if (report.findings < checking.findings) report.findings = checking.findings;
    if (status == RK_OK || status == RK_CORRUPT) RK_TRY(print_verify(cli, &report, error));
    return status;
}
