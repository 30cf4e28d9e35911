/*
 * Exchange by file: export, import.
 */
#include <string.h>

#include "door/command.h"
#include "door/import_file.h"
#include "io/crypto.h"
#include "io/terminal.h"

/* ---- export ---- */

typedef struct export_walk {
    rk_file_writer *writer;
    rk_progress progress;
    rk_hash account;
    uint64_t first_record;
    uint64_t last_record;
    uint64_t frames;
    rk_error *error;
} export_walk;

static rk_status write_line(export_walk *walk, const rk_export_line *line) {
    walk->frames++;
    return rk_export_line_put(walk->writer, line, walk->error);
}

static rk_status write_frame(void *context, const rk_frame *frame) {
    export_walk *walk = context;
    const rk_export_line line = {.frame = *frame};
    if (frame->kind == RK_FRAME_HEAD) {
        walk->first_record = frame->record_from;
        walk->last_record = frame->record_to;
    }
    if (frame->kind == RK_FRAME_COMMIT) {
        rk_progress_at(&walk->progress, frame->number - walk->first_record + 1,
                       walk->last_record - walk->first_record + 1);
    }
    return write_line(walk, &line);
}

rk_status rki_export_write(rk_cli *cli, rk_file_writer *writer, uint64_t position, const rk_invitation *invitation,
                           uint64_t *frames_out, rk_error *error) {
    export_walk walk = {.writer = writer, .error = error};
    if (invitation) {
        const rk_export_line line = {.kind = RK_LINE_INVITE,
                                     .frame = {.account = cli->info.account, .log = cli->info.log},
                                     .invitation = *invitation};
        RK_TRY(write_line(&walk, &line));
    }
    rk_progress_start(&walk.progress, "export");
    rk_status status = rk_engine_export(cli->engine, position, write_frame, &walk, error);
    rk_progress_end(&walk.progress);
    *frames_out = walk.frames;
    return status;
}

rk_status rki_cmd_export(rk_cli *cli, rk_error *error) {
    rk_file_writer writer;
    bool there = false;
    uint64_t after = 0, frames = 0;
    const char *path = cli->arguments.words[0];
    RK_TRY(rki_option_number(cli, "--after", &there, &after, error));
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rk_file_writer_open(&writer, path, 0600, error));
    rk_status status = rki_export_write(cli, &writer, after, NULL, &frames, error);
    if (status != RK_OK) {
        rk_file_writer_abort(&writer);
        return status;
    }
    RK_TRY(rk_file_writer_finish(&writer, error));
    if (strcmp(path, "-") == 0) return RK_OK;
    if (cli->arguments.json) {
        rki_object object;
        rki_object_start(&object);
        rki_object_text(&object, "file", rk_bytes_of_string(path));
        rki_object_number(&object, "frames", frames);
        rki_object_number(&object, "from", after);
        rki_object_number(&object, "to", cli->info.head.position);
        return rki_object_finish(&object, error);
    }
    rki_out("wrote %u frames to %s: positions %u to %u, %s\n", frames, path, after + 1, cli->info.head.position,
            cli->info.truth ? "and what the truth refused" : "and what waits for the truth");
    return RK_OK;
}

/* ---- import ---- */

typedef struct figure {
    const char *name; /* in JSON */
    const char *text;
    size_t offset; /* in rk_import_report */
} figure;

static const figure figures[] = {
    {"records_new", "new commit records", offsetof(rk_import_report, records_new)},
    {"records_known", "commit records that were known", offsetof(rk_import_report, records_known)},
    {"records_left_aside", "commit records of an epoch that this truth does not have",
     offsetof(rk_import_report, records_left_aside)},
    {"records_taken_back", "commit records taken back: a restored truth left them",
     offsetof(rk_import_report, records_taken_back)},
    {"events_new", "new events in the log", offsetof(rk_import_report, events_new)},
    {"batches_judged", "batches judged", offsetof(rk_import_report, batches_judged)},
    {"batches_known", "batches that were judged before", offsetof(rk_import_report, batches_known)},
    {"transactions_accepted", "transactions accepted", offsetof(rk_import_report, transactions_accepted)},
    {"transactions_refused", "transactions refused", offsetof(rk_import_report, transactions_refused)},
};

rk_status rki_print_import(const rk_cli *cli, const rk_import_report *report, rk_error *error) {
    rki_object object;
    bool any = false;
    if (cli->arguments.json) rki_object_start(&object);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        uint64_t number = *(const uint64_t *)((const char *)report + figures[i].offset);
        if (cli->arguments.json) {
            rki_object_number(&object, figures[i].name, number);
        } else if (number) {
            rki_out_number(number, 7);
            rki_out("%s\n", figures[i].text);
            any = true;
        }
    }
    if (cli->arguments.json) return rki_object_finish(&object, error);
    if (!any) rki_out("everything in it was known already\n");
    return RK_OK;
}

static rk_status import_file(rk_cli *cli, const char *path, rk_import_report *report_out, rk_error *error) {
    rk_import_file file;
    rk_status status = rk_import_file_open(&file, &cli->arena, rk_crypto_sodium(), path, error);
    if (status == RK_OK) status = rk_import_file_feed(&file, cli->engine, report_out, error);
    rk_import_file_close(&file);
    return status;
}

rk_status rki_cmd_import(rk_cli *cli, rk_error *error) {
    rk_import_report report;
    const char *trace = rki_option(cli, "--trace");
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    if (trace) return rki_cmd_trace(cli, trace, error);
    RK_TRY(import_file(cli, cli->arguments.words[0], &report, error));
    return rki_print_import(cli, &report, error);
}
