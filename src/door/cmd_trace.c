/*
 * A trace into the log: import --trace.
 */
#include "door/command.h"
#include "door/trace_file.h"
#include "io/clock.h"
#include "io/gunzip.h"
#include "io/memory.h"
#include "io/terminal.h"

enum { PACKED_SIZE_MAX = 256 << 20, UNPACKED_SIZE_MAX = 512 << 20, UNPACK_ARENA_SIZE_MAX = 1800 << 20 };

/* The JSON lives no longer than this call; what it says lives in cli->arena. */
static rk_status read_trace(rk_cli *cli, const char *path, rk_trace *trace_out, rk_error *error) {
    rk_arena arena;
    rk_bytes packed, json;
    rk_arena_init(&arena, rk_memory_system(), UNPACK_ARENA_SIZE_MAX);
    rk_status status = rk_file_read(&arena, path, PACKED_SIZE_MAX, &packed, error);
    if (status == RK_OK) {
        status = rk_gunzip(&arena, packed, UNPACKED_SIZE_MAX, &json, error);
        if (status == RK_OK) status = rk_trace_read(&cli->arena, json, trace_out, error);
        if (status != RK_OK) rk_error_at(error, rk_bytes_of_string(path));
    }
    rk_arena_free(&arena);
    return status;
}

static void show_progress(void *context, uint64_t done, uint64_t total) {
    rk_progress_at(context, done, total);
}

static uint64_t size_on_disk(const rk_cli *cli) {
    char path[RK_PATH_SIZE_MAX];
    uint64_t size = 0;
    static const char *const files[] = {"log.db", "log.db-wal"};
    for (size_t i = 0; i < 2; i++) {
        if (rk_path_join(path, cli->host.data, files[i], NULL) == RK_OK) size += rk_file_size(path);
    }
    return size;
}

static rk_status print_figures(rk_cli *cli, rk_bytes entity, const rk_trace_report *report, uint64_t us,
                               rk_error *error) {
    uint64_t rate = us ? report->events * 1000000 / us : 0, size = size_on_disk(cli);
    char seconds[32];
    rk_format(seconds, sizeof seconds, "%u.%u", us / 1000000, us / 100000 % 10);
    if (cli->arguments.json) {
        rki_object object;
        rki_object_start(&object);
        rki_object_text(&object, "entity", entity);
        rki_object_number(&object, "events", report->events);
        rki_object_number(&object, "authors", report->authors);
        rki_object_number(&object, "batches", report->batches);
        rki_object_raw(&object, "seconds", rk_bytes_of_string(seconds));
        rki_object_number(&object, "events_per_second", rate);
        rki_object_number(&object, "log_bytes", size);
        return rki_object_finish(&object, error);
    }
    rki_out("%b: %u events of %u author%s in %u batches\n", entity, report->events, report->authors,
            report->authors == 1 ? "" : "s", report->batches);
    rki_out("%s s, %u events a second, the log takes %u.%u MB\n", seconds, rate, size / 1000000, size / 100000 % 10);
    rki_out("the text equals the trace's end content\n");
    return RK_OK;
}

rk_status rki_cmd_trace(rk_cli *cli, const char *path, rk_error *error) {
    rk_bytes entity, actor;
    rk_trace trace;
    rk_trace_report report;
    rk_progress progress;
    uint64_t start_us = rk_clock_steady_us();
    RK_TRY(rki_cli_word(cli, 0, &entity, error));
    RK_TRY(rki_cli_actor(cli, &actor, error));
    RK_TRY(read_trace(cli, path, &trace, error));
    rk_progress_start(&progress, "import");
    const rk_trace_listener listener = {show_progress, &progress};
    rk_status status = rk_trace_play(cli->engine, entity, actor, &trace, &listener, &report, error);
    rk_progress_end(&progress);
    RK_TRY(status);
    return print_figures(cli, entity, &report, rk_clock_steady_us() - start_us, error);
}
