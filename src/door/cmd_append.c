/*
 * Writing: append, of one event or of a transaction.
 */
#include <string.h>

#include "door/command.h"
#include "door/intent.h"
#include "io/lines.h"

enum { DATA_SIZE_MAX = 4 * RK_EVENT_SIZE_MAX, INTENTS_GROWTH = 64 };

/* ---- one event ---- */

static rk_status read_data(rk_cli *cli, const char *word, rk_value *data_out, rk_error *error) {
    rk_bytes text = rk_bytes_of_string(word);
    const char *where = "DATA";
    if (word[0] == '@') {
        where = word + 1;
        RK_TRY(rk_file_read(&cli->arena, where, DATA_SIZE_MAX, &text, error));
    }
    rk_status status = rk_json_read(&cli->arena, text, data_out, error);
    if (status != RK_OK) rk_error_at(error, rk_bytes_of_string(where));
    return status;
}

static rk_status read_intent(rk_cli *cli, rk_intent *intent, rk_error *error) {
    const rk_arguments *arguments = &cli->arguments;
    if (arguments->word_count < 2) {
        rk_fail(error, RK_USAGE, NULL, "append needs MODULE/ID and TYPE, or --batch FILE");
        rk_error_hint(error, "see `reaktor help append`");
        return RK_USAGE;
    }
    *intent = (rk_intent){.data = {.kind = RK_MAP}};
    RK_TRY(rki_cli_word(cli, 0, &intent->entity, error));
    RK_TRY(rki_cli_word(cli, 1, &intent->type, error));
    RK_TRY(rki_option_number(cli, "--expect", &intent->expects, &intent->expected, error));
    return arguments->word_count > 2 ? read_data(cli, arguments->words[2], &intent->data, error) : RK_OK;
}

/* ---- a transaction ---- */

typedef struct intent_list {
    rk_intent *items;
    size_t count;
    size_t capacity;
} intent_list;

static rk_status add_line(rk_cli *cli, intent_list *list, rk_bytes text, rk_error *error) {
    rk_value map;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : INTENTS_GROWTH;
        list->items =
            rk_arena_grow(&cli->arena, list->items, list->capacity * sizeof(rk_intent), capacity * sizeof(rk_intent));
        if (!list->items) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the transaction");
        list->capacity = capacity;
    }
    RK_TRY(rk_json_read(&cli->arena, text, &map, error));
    return rk_intent_read(&map, RK_BAD_FILE, &list->items[list->count++], error);
}

static rk_status at_line(rk_error *error, const char *path, uint64_t line, rk_status status) {
    char where[RK_ERROR_WHERE_MAX];
    rk_error_at(error, rk_bytes_of(where, rk_format(where, sizeof where, "%s, line %u", path, line)));
    return status;
}

/* Every line is an event or a check, so that event N stands on line N; only the end may be blank. */
static rk_status read_lines(rk_cli *cli, rk_lines *lines, intent_list *list, rk_error *error) {
    rk_line line;
    uint64_t blank = 0;
    rk_status status = RK_OK;
    while ((status = rk_lines_next(lines, &line, error)) == RK_OK) {
        if (line.text.size == 0) {
            if (blank == 0) blank = line.number;
            continue;
        }
        if (blank) {
            rk_fail(error, RK_BAD_FILE, NULL, "the line is blank");
            return at_line(error, lines->path, blank, RK_BAD_FILE);
        }
        if (list->count == RK_TRANSACTION_EVENTS_MAX) {
            rk_fail(error, RK_LIMIT, NULL, "more events than RK_TRANSACTION_EVENTS_MAX in one transaction");
            return at_line(error, lines->path, line.number, RK_LIMIT);
        }
        status = add_line(cli, list, line.text, error);
        if (status != RK_OK) return at_line(error, lines->path, line.number, status);
    }
    return status == RK_NOT_FOUND ? RK_OK : status;
}

static rk_status read_batch(rk_cli *cli, const char *path, intent_list *list, rk_error *error) {
    rk_lines lines;
    if (cli->arguments.word_count > 0 || rki_option(cli, "--expect")) {
        rk_fail(error, RK_USAGE, NULL, "with --batch, entity, type, data and expect stand in the file");
        rk_error_hint(error, "see `reaktor help append`");
        return RK_USAGE;
    }
    RK_TRY(rk_lines_open(&lines, path, DATA_SIZE_MAX, error));
    rk_status status = read_lines(cli, &lines, list, error);
    rk_lines_close(&lines);
    if (status == RK_OK && list->count == 0) return rk_fail(error, RK_BAD_FILE, path, "it holds no event");
    return status;
}

/* The engine says which event; here that is a line. */
static void event_to_line(rk_error *error, const char *path) {
    static const char event[] = "event ";
    char where[RK_ERROR_WHERE_MAX];
    if (strncmp(error->where, event, strlen(event)) != 0) {
        rk_error_at(error, rk_bytes_of_string(path));
        return;
    }
    rk_format(where, sizeof where, "%s, line %s", path, error->where + strlen(event));
    memcpy(error->where, where, sizeof where);
}

/* ---- both ---- */

static rk_status print_entries(rk_cli *cli, const rk_entry *entries, size_t count, rk_error *error) {
    bool waits = false;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].event.type.size == 0) continue;
        RK_TRY(rki_print_entry(cli, &entries[i], error));
        waits = entries[i].position == 0;
    }
    if (!cli->arguments.json && waits) rki_out("it waits for the truth\n");
    return RK_OK;
}

rk_status rki_cmd_append(rk_cli *cli, rk_error *error) {
    rk_intent one;
    intent_list list = {.items = &one, .count = 1};
    rk_bytes actor;
    rk_entry *entries = NULL;
    const char *batch = rki_option(cli, "--batch");
    if (batch) {
        list = (intent_list){.items = NULL};
        RK_TRY(read_batch(cli, batch, &list, error));
    } else {
        RK_TRY(read_intent(cli, &one, error));
    }
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rki_cli_actor(cli, &actor, error));
    rk_status status = rk_engine_submit(cli->engine, actor, NULL, list.items, list.count, &cli->arena, &entries, error);
    if (status != RK_OK && batch) event_to_line(error, batch);
    RK_TRY(status);
    return print_entries(cli, entries, list.count, error);
}
