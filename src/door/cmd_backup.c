/*
 * Backups: backup, restore.
 */
#include "door/backup_file.h"
#include "door/command.h"
#include "io/crypto.h"
#include <string.h>

#include "io/terminal.h"

static rk_status print_report(const rk_cli *cli, const char *what, const rk_backup_report *report, rk_error *error) {
    if (cli->arguments.json) {
        rki_object object;
        rki_object_start(&object);
        rki_object_number(&object, "position", report->position);
        rki_object_number(&object, "states", report->states);
        rki_object_number(&object, "frames", report->frames);
        rki_object_number(&object, "keys", report->keys);
        return rki_object_finish(&object, error);
    }
    rki_out("%s: events 1 to %u, %u states, %u keys\n", what, report->position, report->states, report->keys);
    return RK_OK;
}

static bool show_progress(void *context, uint64_t done, uint64_t total) {
    rk_progress_at(context, done, total);
    return true;
}

rk_status rki_cmd_backup(rk_cli *cli, rk_error *error) {
    rk_file_writer writer;
    rk_progress progress;
    rk_backup_report report;
    const rk_backup_watch watch = {show_progress, &progress};
    const char *path = cli->arguments.words[0];
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rk_file_writer_open(&writer, path, 0600, error));
    rk_progress_start(&progress, "backup");
    rk_status status = rk_backup_write(&cli->host, cli->engine, &writer, &watch, &report, error);
    rk_progress_end(&progress);
    if (status != RK_OK) {
        rk_file_writer_abort(&writer);
        return status;
    }
    RK_TRY(rk_file_writer_finish(&writer, error));
    return strcmp(path, "-") == 0 ? RK_OK : print_report(cli, "written", &report, error);
}

rk_status rki_cmd_restore(rk_cli *cli, rk_error *error) {
    rk_import_file file;
    rk_backup_report report;
    rki_beginning beginning;
    RK_TRY(rki_folder_begin(cli, &beginning, error));
    rk_status status = rk_import_file_open(&file, &cli->arena, rk_crypto_sodium(), cli->arguments.words[0], error);
    if (status == RK_OK && !beginning.fresh) {
        status = rk_fail(error, RK_DATABASE_EXISTS, cli->data, "a backup is restored into an empty folder");
    }
    if (status == RK_OK) status = rk_backup_restore(&cli->host, &file, &cli->engine, &report, error);
    rk_import_file_close(&file);
    if (status == RK_OK) return print_report(cli, "restored, every state is what it was", &report, error);
    rki_folder_undo(cli, &beginning);
    return status;
}
