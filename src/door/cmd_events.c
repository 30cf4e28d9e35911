/*
 * Reading: get, log, pending.
 */
#include <string.h>

#include "door/command.h"
#include "door/intent.h"
#include "door/module_view.h"
#include "io/clock.h"
#include "io/memory.h"
#include "io/terminal.h"

enum { FOLLOW_INTERVAL_MS = 200, ENTRY_SIZE_MAX = 16 * RK_EVENT_SIZE_MAX, DATA_COLUMNS_MIN = 20 };

/* ---- one event ---- */

static rk_status print_json_entry(const rk_entry *entry, rk_error *error) {
    char ulid[RK_ULID_SIZE], time[RK_TIME_TEXT_SIZE], name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 2];
    rki_object object;
    const rk_event *event = &entry->event;
    rk_id_print(event->id, ulid);
    rk_time_print(entry->time_ms, time);
    rki_object_start(&object);
    rki_object_text(&object, "id", rk_bytes_of(ulid, sizeof ulid));
    if (entry->position) {
        rki_object_number(&object, "position", entry->position);
        rki_object_number(&object, "version", entry->version);
    } else {
        rki_object_null(&object, "position");
        rki_object_null(&object, "version");
    }
    rki_object_text(&object, "entity",
                    rk_bytes_of(name, rk_format(name, sizeof name, "%b/%b", event->module, event->entity)));
    rki_object_text(&object, "type", event->type);
    rki_object_text(&object, "actor", event->actor);
    rki_object_text(&object, "time", rk_bytes_of(time, sizeof time));
    rki_object_value(&object, "data", &event->data);
    return rki_object_finish(&object, error);
}

/* The data on one line, cut at the terminal's edge. */
static void print_data(const rk_value *data, size_t columns_before) {
    rk_arena arena;
    rk_buffer buffer;
    rk_bytes text;
    unsigned width = rk_terminal_width();
    rk_arena_init(&arena, rk_memory_system(), ENTRY_SIZE_MAX);
    rk_buffer_init(&buffer, &arena, ENTRY_SIZE_MAX / 2);
    rk_json_print(&buffer, data);
    if (rk_buffer_finish(&buffer, &text) == RK_OK) {
        size_t room = width > columns_before + DATA_COLUMNS_MIN ? width - columns_before : DATA_COLUMNS_MIN;
        size_t end = width ? rk_utf8_offset(text, room - 1) : text.size;
        rki_out_bytes((rk_bytes){text.data, end});
        if (end < text.size) rki_out("…");
    }
    rk_arena_free(&arena);
}

/* `mark`: nine columns, where a committed event has its position. */
static void print_people_event(const char *mark, const rk_entry *entry) {
    char ulid[RK_ULID_SIZE], time[RK_TIME_TEXT_SIZE], name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 2];
    const rk_event *event = &entry->event;
    rk_id_print(event->id, ulid);
    rk_time_print(entry->time_ms, time);
    rk_bytes entity = rk_bytes_of(name, rk_format(name, sizeof name, "%b/%b", event->module, event->entity));
    rki_out("%s", mark);
    rki_out_cell(rk_bytes_of(time, sizeof time), 0);
    rki_out_cell(rk_bytes_of(ulid, sizeof ulid), 0);
    rki_out_cell(event->actor, 10);
    rki_out_cell(entity, 18);
    rki_out_cell(event->type, 10);
    print_data(&event->data, 7 + 2 + RK_TIME_TEXT_SIZE + 2 + RK_ULID_SIZE + 2 + 12 + 20 + 12);
    rki_out("\n");
}

static void print_people_entry(const rk_entry *entry) {
    if (entry->position) rki_out_number(entry->position, 7);
    print_people_event(entry->position ? "" : "pending  ", entry);
}

rk_status rki_print_entry(const rk_cli *cli, const rk_entry *entry, rk_error *error) {
    if (cli->arguments.json) return print_json_entry(entry, error);
    print_people_entry(entry);
    return RK_OK;
}

/* ---- get ---- */

static rk_bytes seen_json(rk_cli *cli, const rk_reading *reading) {
    return rk_arena_format(&cli->arena, "[{\"log\":\"%x\",\"epoch\":%u,\"position\":%u}]",
                           rk_bytes_of(cli->info.log.bytes, RK_LOG_ID_SIZE), reading->epoch, reading->position);
}

static rk_status print_reading(rk_cli *cli, rk_bytes entity, const rk_reading *reading, rk_error *error) {
    if (cli->arguments.json) {
        rki_object object;
        rki_object_start(&object);
        rki_object_text(&object, "entity", entity);
        rki_object_number(&object, "version", reading->version);
        rki_object_number(&object, "pending", reading->pending);
        rki_object_raw(&object, "seen", seen_json(cli, reading));
        rki_object_value(&object, "state", &reading->state);
        if (!reading->hidden) rki_object_hex(&object, "hash", rk_hash_bytes(&reading->hash));
        return rki_object_finish(&object, error);
    }
    rki_out("%b  version %u", entity, reading->version);
    if (reading->pending) rki_out(", %u pending", reading->pending);
    rki_out(", at position %u of the log\n", reading->position);
    RK_TRY(rki_out_value(&reading->state, error));
    if (reading->hidden) {
        rki_out("no hash: a rule hides fields from this reader\n");
    } else {
        rki_out("hash %x\n", rk_hash_bytes(&reading->hash));
    }
    return RK_OK;
}

rk_status rki_cmd_get(rk_cli *cli, rk_error *error) {
    rk_bytes entity;
    rk_reading reading;
    rk_at at = {.kind = RK_AT_NOW};
    const char *when = rki_option(cli, "--at");
    RK_TRY(rki_cli_word(cli, 0, &entity, error));
    if (when) RK_TRY(rk_at_read(rk_bytes_of_string(when), "--at", &at, error));
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rki_cli_read_as(cli, error));
    RK_TRY(rk_engine_get(cli->engine, entity, &at, &cli->arena, &reading, error));
    return print_reading(cli, entity, &reading, error);
}

/* ---- log ---- */

typedef struct walk {
    const rk_cli *cli;
    uint64_t last; /* the highest position printed */
    uint64_t left; /* events that may still be printed */
    rk_error *error;
} walk;

static rk_status print_walked(void *context, const rk_entry *entry) {
    walk *walk = context;
    if (walk->left == 0) return RK_OK;
    walk->left--;
    if (entry->position > walk->last) walk->last = entry->position;
    RK_TRY(rki_print_entry(walk->cli, entry, walk->error));
    return rki_out_closed() ? rk_fail(walk->error, RK_IO, "standard output", "nobody reads it any more") : RK_OK;
}

static rk_status print_pending(void *context, const rk_entry *entry) {
    return entry->position ? RK_OK : print_walked(context, entry);
}

static rk_status walk_log(rk_cli *cli, rk_bytes entity, bool with_pending, walk *walk, rk_error *error) {
    return rk_engine_log(cli->engine, entity, walk->last, walk->left, with_pending, print_walked, walk, error);
}

/* Asks again and again: the log may be written by another process. Ends when interrupted, or when nobody listens. */
static rk_status follow(rk_cli *cli, rk_bytes entity, walk *walk, rk_error *error) {
    rk_status status = RK_OK;
    rk_signals_catch_end();
    rki_out_may_close();
    while (status == RK_OK && !rk_signals_ended() && !rki_out_closed() && !rk_output_abandoned() && walk->left > 0) {
        status = walk_log(cli, entity, false, walk, error);
        if (status == RK_OK) status = rki_out_finish(error);
        if (status == RK_OK && walk->left > 0 && !rk_signals_ended()) rk_clock_sleep_ms(FOLLOW_INTERVAL_MS);
    }
    return rki_out_closed() ? RK_OK : status;
}

rk_status rki_cmd_log(rk_cli *cli, rk_error *error) {
    rk_bytes entity = {NULL, 0};
    bool limited = false, after = false;
    walk walk = {.cli = cli, .left = UINT64_MAX, .error = error};
    RK_TRY(rki_option_number(cli, "--after", &after, &walk.last, error));
    RK_TRY(rki_option_number(cli, "--limit", &limited, &walk.left, error));
    if (cli->arguments.word_count > 0) RK_TRY(rki_cli_word(cli, 0, &entity, error));
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rki_cli_read_as(cli, error));
    if (rki_option(cli, "--follow")) return follow(cli, entity, &walk, error);
    return walk_log(cli, entity, true, &walk, error);
}

/* ---- pending ---- */

typedef struct verdict_walk {
    rk_cli *cli;
    uint64_t count;
    rk_error *error;
} verdict_walk;

/* [{"entity": ..., "type": ..., "data": ...}, ...] */
static void events_json(rki_object *object, const rk_entry *entries, size_t count) {
    rki_object_raw(object, "events", RK_TEXT("["));
    for (size_t i = 0; i < count; i++) {
        const rk_event *event = &entries[i].event;
        char name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 2];
        size_t size = rk_format(name, sizeof name, "%b/%b", event->module, event->entity);
        rki_member_text(&object->buffer, i > 0 ? ",{" : "{", "entity", rk_bytes_of(name, size));
        rki_member_text(&object->buffer, ",", "type", event->type);
        rk_buffer_append(&object->buffer, RK_TEXT(",\"data\":"));
        rk_json_print(&object->buffer, &event->data);
        rk_buffer_append(&object->buffer, RK_TEXT("}"));
    }
    rk_buffer_append(&object->buffer, RK_TEXT("]"));
}

static rk_status print_verdict_json(const rk_verdict *verdict, const rk_entry *entries, size_t count, rk_error *error) {
    rki_object object;
    uint8_t replica[8];
    rk_put_u64(replica, verdict->replica);
    rki_object_start(&object);
    rki_object_hex(&object, "replica", rk_bytes_of(replica, sizeof replica));
    rki_object_number(&object, "batch", verdict->batch);
    rki_object_number(&object, "transaction", verdict->transaction);
    rki_object_text(&object, "refused", verdict->code);
    rki_object_text(&object, "what", verdict->what);
    rki_object_text(&object, "hint", verdict->hint);
    events_json(&object, entries, count);
    return rki_object_finish(&object, error);
}

/* What was refused, and why. Where the events were made elsewhere, the batch they are in. */
static rk_status print_verdict(void *context, const rk_verdict *verdict) {
    verdict_walk *walk = context;
    rk_entry *entries = NULL;
    size_t count = 0;
    uint8_t replica[8];
    walk->count++;
    RK_TRY(rk_engine_refused(walk->cli->engine, verdict, &walk->cli->arena, &entries, &count, walk->error));
    if (walk->cli->arguments.json) return print_verdict_json(verdict, entries, count, walk->error);
    rk_put_u64(replica, verdict->replica);
    if (count == 0) {
        rki_out("refused  batch %u, transaction %u of replica %x\n", verdict->batch, (uint64_t)verdict->transaction,
                rk_bytes_of(replica, sizeof replica));
    }
    for (size_t i = 0; i < count; i++) print_people_event("refused  ", &entries[i]);
    rki_out("         %b: %b\n", verdict->code, verdict->what);
    if (verdict->hint.size) rki_out("         hint: %b\n", verdict->hint);
    return RK_OK;
}

rk_status rki_cmd_pending(rk_cli *cli, rk_error *error) {
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    walk walk = {.cli = cli, .last = cli->info.head.position, .left = UINT64_MAX, .error = error};
    verdict_walk verdicts = {.cli = cli, .error = error};
    RK_TRY(rk_engine_log(cli->engine, (rk_bytes){NULL, 0}, cli->info.head.position, UINT64_MAX, true, print_pending,
                         &walk, error));
    RK_TRY(rk_engine_verdicts(cli->engine, print_verdict, &verdicts, error));
    if (cli->arguments.json) return RK_OK;
    uint64_t waiting = UINT64_MAX - walk.left;
    if (waiting + verdicts.count == 0) {
        rki_out("nothing waits for the truth, and nothing was refused\n");
    } else {
        rki_out("%u waiting, %u refused\n", waiting, verdicts.count);
    }
    return RK_OK;
}
