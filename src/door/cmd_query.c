/*
 * Queries: rows as a table, as JSON, or how they were found.
 */
#include <string.h>

#include "door/command.h"
#include "io/memory.h"
#include "io/terminal.h"

enum {
    LOOK_AHEAD = 100,  /* rows whose values give the columns their widths */
    CELL_MAX = 32,     /* columns of a cell; a longer value is cut */
    ID_WIDTH_MIN = 8,  /* of the column of ids */
    TEXT_MAX = 1 << 26 /* bytes of one cell before it is cut */
};

/* One row as text, a cell for each column. */
typedef struct line {
    rk_bytes *cells;
} line;

typedef struct table {
    rk_cli *cli;
    const rk_query *query;
    const rk_bytes *fields; /* of the columns after id and version */
    size_t column_count;    /* with id and version */
    size_t *widths;
    size_t shown_count; /* columns that fit the terminal */
    line lines[LOOK_AHEAD];
    size_t line_count;
    bool started; /* the head is printed, and rows go out as they come */
    rk_error *error;
} table;

static rk_status no_memory(rk_error *error) {
    return rk_fail(error, RK_NO_MEMORY, "query", "no memory for the rows");
}

/* ---- cells ---- */

/* Line ends and what a terminal takes for commands. */
static bool has_controls(rk_bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        bool high = text.data[i] == 0xC2 && i + 1 < text.size && text.data[i + 1] < 0xA0;
        if (text.data[i] < 0x20 || text.data[i] == 0x7F || high) return true;
    }
    return false;
}

static rk_status cell_text(const rk_value *value, rk_arena *arena, rk_bytes *text_out) {
    rk_buffer buffer;
    if (value->kind == RK_STRING && !has_controls(value->as.bytes)) {
        *text_out = value->as.bytes;
        return RK_OK;
    }
    rk_buffer_init(&buffer, arena, TEXT_MAX);
    rk_json_print(&buffer, value);
    return rk_buffer_finish(&buffer, text_out);
}

static rk_status cut_cell(rk_bytes text, rk_arena *arena, rk_bytes *cell_out) {
    size_t end = rk_utf8_offset(text, CELL_MAX);
    if (end < text.size)
        text = rk_arena_format(arena, "%b…", rk_bytes_of(text.data, rk_utf8_offset(text, CELL_MAX - 1)));
    return rk_arena_copy(arena, text, cell_out);
}

static rk_status make_line(table *table, const rk_row *row, rk_arena *arena, line *line_out) {
    line_out->cells = rk_arena_take_array(arena, table->column_count, sizeof *line_out->cells);
    if (!line_out->cells) return RK_NO_MEMORY;
    RK_TRY(rk_arena_copy(arena, row->id, &line_out->cells[0]));
    line_out->cells[1] = rk_arena_format(arena, row->pending ? "%u+%u" : "%u", row->version, row->pending);
    for (size_t i = 2; i < table->column_count; i++) {
        const rk_value *value = rk_map_find(&row->state, table->fields[i - 2]);
        rk_bytes text = {NULL, 0};
        rk_arena scrap;
        rk_arena_init(&scrap, rk_memory_system(), 2 * (size_t)TEXT_MAX);
        rk_status status = value ? cell_text(value, &scrap, &text) : RK_OK;
        if (status == RK_OK) status = cut_cell(text, arena, &line_out->cells[i]);
        rk_arena_free(&scrap);
        RK_TRY(status);
    }
    return RK_OK;
}

/* ---- the table ---- */

static rk_bytes title(const table *table, size_t column) {
    if (column > 1) return table->fields[column - 2];
    return column == 0 ? RK_TEXT("id") : RK_TEXT("version");
}

static void print_cells(const table *table, const rk_bytes *cells) {
    for (size_t i = 0; i < table->shown_count; i++) {
        if (i + 1 == table->shown_count) {
            rki_out_bytes(cells[i]);
        } else {
            rki_out_cell(cells[i], table->widths[i]);
        }
    }
    rki_out("\n");
}

/* Columns from the left as far as the terminal reaches; all of them where there is none, or where they were chosen. */
static void fit_columns(table *table) {
    size_t width = rk_terminal_width(), used = 0;
    table->shown_count = table->column_count;
    for (size_t i = 0; width > 0 && i < table->column_count && table->query->field_count == 0; i++) {
        used += table->widths[i] + (i > 0 ? 2 : 0);
        if (used <= width || i < 2) continue;
        table->shown_count = i;
        return;
    }
}

static rk_status print_head(table *table, rk_error *error) {
    rk_bytes *titles = rk_arena_take_array(&table->cli->arena, table->column_count, sizeof *titles);
    table->widths = rk_arena_take_array(&table->cli->arena, table->column_count, sizeof *table->widths);
    if (!titles || !table->widths) return no_memory(error);
    for (size_t i = 0; i < table->column_count; i++) {
        titles[i] = title(table, i);
        table->widths[i] = i == 0 ? ID_WIDTH_MIN : rk_utf8_count(titles[i]);
        for (size_t n = 0; n < table->line_count; n++) {
            size_t columns = rk_utf8_count(table->lines[n].cells[i]);
            if (columns > table->widths[i]) table->widths[i] = columns;
        }
    }
    fit_columns(table);
    print_cells(table, titles);
    for (size_t n = 0; n < table->line_count; n++) print_cells(table, table->lines[n].cells);
    table->started = true;
    return RK_OK;
}

static rk_status print_row(void *context, const rk_row *row) {
    table *table = context;
    rk_arena arena;
    line line;
    if (!table->started) {
        rk_status status = make_line(table, row, &table->cli->arena, &table->lines[table->line_count]);
        if (status != RK_OK) return no_memory(table->error);
        table->line_count++;
        return table->line_count == LOOK_AHEAD ? print_head(table, table->error) : RK_OK;
    }
    rk_arena_init(&arena, rk_memory_system(), 4 * (size_t)TEXT_MAX);
    rk_status status = make_line(table, row, &arena, &line);
    if (status == RK_OK) print_cells(table, line.cells);
    rk_arena_free(&arena);
    if (status == RK_OK && rki_out_closed()) return rk_fail(table->error, RK_IO, NULL, "nobody reads the rows");
    return status == RK_OK ? RK_OK : no_memory(table->error);
}

static rk_status finish_table(table *table, const rk_query_report *report, rk_error *error) {
    if (!table->started) RK_TRY(print_head(table, error));
    if (table->shown_count < table->column_count) {
        rki_out("not shown:");
        for (size_t i = table->shown_count; i < table->column_count; i++) rki_out(" %b", title(table, i));
        rki_out(" (--select, --json)\n");
    }
    if (report->next.size > 0) {
        rki_out("next: ");
        rki_out_bytes(report->next);
        rki_out("\n");
    }
    return RK_OK;
}

static rk_status name_columns(table *table, rk_error *error) {
    const rk_module *module = NULL;
    table->fields = table->query->fields;
    table->column_count = 2 + table->query->field_count;
    if (table->query->field_count > 0) return RK_OK;
    RK_TRY(rk_engine_module(table->cli->engine, table->query->module, 0, &module, error));
    rk_bytes *fields = rk_arena_take_array(&table->cli->arena, module->field_count, sizeof *fields);
    if (!fields) return no_memory(error);
    table->column_count = 2 + module->field_count;
    for (size_t i = 0; i < module->field_count; i++) {
        if (rk_arena_copy(&table->cli->arena, module->fields[i].name, &fields[i]) != RK_OK) return no_memory(error);
    }
    table->fields = fields;
    return RK_OK;
}

/* ---- JSON ---- */

static rk_status print_json_row(void *context, const rk_row *row) {
    rk_error *error = context;
    rki_object object;
    rki_object_start(&object);
    rki_object_text(&object, "id", row->id);
    rki_object_number(&object, "version", row->version);
    rki_object_number(&object, "pending", row->pending);
    rki_object_value(&object, "state", &row->state);
    RK_TRY(rki_object_finish(&object, error));
    return rki_out_closed() ? rk_fail(error, RK_IO, "standard output", "nobody reads it any more") : RK_OK;
}

static rk_status print_json_next(const rk_query_report *report, rk_error *error) {
    rki_object object;
    if (report->next.size == 0) return RK_OK;
    rki_object_start(&object);
    rki_object_text(&object, "next", report->next);
    return rki_object_finish(&object, error);
}

/* ---- explaining ---- */

static rk_status pass_over(void *context, const rk_row *row) {
    (void)context, (void)row;
    return RK_OK;
}

static const char *order_text(const rk_query_report *report) {
    if (report->way == RK_IN_ORDER) return "from the index, read until there were enough rows";
    return report->sorted ? "sorted" : "by id, as the log has it";
}

static void print_explanation(const rk_query_report *report) {
    size_t kept = report->statement_count < RK_STATEMENTS_MAX ? report->statement_count : RK_STATEMENTS_MAX;
    for (size_t i = 0; i < kept; i++) {
        rki_out("sql     ");
        rki_out_bytes(report->statements[i]);
        rki_out("\n");
    }
    if (report->statement_count > kept) rki_out("        and %u more\n", (uint64_t)(report->statement_count - kept));
    if (report->index.size > 0) {
        rki_out("index   %b\n", report->index);
    } else {
        rki_out("index   none%s\n", report->unindexed ? ": its rows are not complete; the next write builds them" : "");
    }
    for (size_t i = 0; i < report->part_count; i++) {
        rki_out(report->parts[i].narrowed ? "filter  by index and CEL: " : "filter  by CEL alone: ");
        rki_out_bytes(report->parts[i].text);
        rki_out("\n");
    }
    if (report->pending_read) rki_out("pending entities with own pending events were read besides\n");
    rki_out("order   %s\n", order_text(report));
    rki_out("read    %u entities; CEL decided %u of them; %u rows\n", report->read, report->decided, report->rows);
    if (report->failed > 0) {
        rki_out("failed  the filter ended in an error on %u of them, which do not match; first: %b: %b\n",
                report->failed, report->failed_at, report->failed_why);
    }
}

static rk_value parts_value(rk_cli *cli, const rk_query_report *report) {
    rk_value *items = rk_arena_take_array(&cli->arena, report->part_count, sizeof *items);
    for (size_t i = 0; items && i < report->part_count; i++) {
        rk_pair *pairs = rk_arena_take_array(&cli->arena, 2, sizeof *pairs);
        size_t count = 0;
        if (!pairs) return rk_null();
        rki_pair_add(pairs, &count, "text", rk_string(report->parts[i].text));
        rki_pair_add(pairs, &count, "narrowed", rk_bool(report->parts[i].narrowed));
        if (rk_map_value(&cli->arena, pairs, count, &items[i]) != RK_OK) return rk_null();
    }
    return items ? rk_list(items, report->part_count) : rk_null();
}

static rk_status print_json_explanation(rk_cli *cli, const rk_query_report *report, rk_error *error) {
    rk_value statements[RK_STATEMENTS_MAX];
    size_t kept = report->statement_count < RK_STATEMENTS_MAX ? report->statement_count : RK_STATEMENTS_MAX;
    for (size_t i = 0; i < kept; i++) statements[i] = rk_string(report->statements[i]);
    const rk_value sql = rk_list(statements, kept), parts = parts_value(cli, report);
    rki_object object;
    rki_object_start(&object);
    rki_object_value(&object, "sql", &sql);
    rki_object_number(&object, "statements", report->statement_count);
    if (report->index.size > 0) {
        rki_object_text(&object, "index", report->index);
    } else {
        rki_object_null(&object, "index");
    }
    rki_object_bool(&object, "index_complete", !report->unindexed);
    rki_object_value(&object, "filter", &parts);
    rki_object_bool(&object, "pending_read", report->pending_read);
    rki_object_text(&object, "order", rk_bytes_of_string(order_text(report)));
    rki_object_number(&object, "read", report->read);
    rki_object_number(&object, "decided", report->decided);
    rki_object_number(&object, "rows", report->rows);
    rki_object_number(&object, "failed", report->failed);
    if (report->failed > 0) {
        rki_object_text(&object, "failed_at", report->failed_at);
        rki_object_text(&object, "failed_why", report->failed_why);
    }
    return rki_object_finish(&object, error);
}

/* ---- the words ---- */

/* "a,b" as its parts, in the arena. */
static rk_status read_list(rk_cli *cli, const char *option, rk_bytes **items_out, size_t *count_out, rk_error *error) {
    const char *text = rki_option(cli, option);
    *items_out = NULL;
    *count_out = 0;
    if (!text) return RK_OK;
    rk_bytes left = rk_bytes_of_string(text);
    if (!rk_utf8_valid(left)) return rk_fail(error, RK_BAD_TEXT, option, "it is not valid UTF-8");
    *items_out = rk_arena_take_array(&cli->arena, left.size + 1, sizeof **items_out);
    if (!*items_out) return no_memory(error);
    for (;;) {
        size_t end = rk_bytes_find(left, ',');
        if (end == 0) return rk_fail(error, RK_USAGE, option, "\"%s\" is no list of fields: name,name", text);
        (*items_out)[(*count_out)++] = (rk_bytes){left.data, end};
        if (end == left.size) return RK_OK;
        left = rk_bytes_from(left, end + 1);
    }
}

static rk_status read_order(rk_cli *cli, rk_query *query, rk_error *error) {
    rk_bytes *names = NULL;
    size_t count = 0;
    RK_TRY(read_list(cli, "--order", &names, &count, error));
    rk_order *order = rk_arena_take_array(&cli->arena, count, sizeof *order);
    if (!order) return no_memory(error);
    for (size_t i = 0; i < count; i++) {
        bool descending = names[i].data[0] == '-';
        order[i] = (rk_order){rk_bytes_from(names[i], descending), descending};
    }
    query->order = order;
    query->order_count = count;
    return RK_OK;
}

static rk_status read_query(rk_cli *cli, rk_query *query, rk_error *error) {
    bool limited = false;
    rk_bytes *fields = NULL;
    const char *where = rki_option(cli, "--where"), *after = rki_option(cli, "--after");
    RK_TRY(rki_cli_word(cli, 0, &query->module, error));
    if (where) query->where = rk_bytes_of_string(where);
    if (where && !where[0]) return rk_fail(error, RK_USAGE, "--where", "the filter is empty");
    if (after) query->after = rk_bytes_of_string(after);
    if (after && !after[0]) return rk_fail(error, RK_USAGE, "--after", "the cursor is empty");
    RK_TRY(rki_option_number(cli, "--limit", &limited, &query->limit, error));
    if (limited && query->limit == 0) return rk_fail(error, RK_USAGE, "--limit", "at least 1");
    RK_TRY(read_order(cli, query, error));
    RK_TRY(read_list(cli, "--select", &fields, &query->field_count, error));
    query->fields = fields;
    return RK_OK;
}

rk_status rki_cmd_query(rk_cli *cli, rk_error *error) {
    rk_query query = {.limit = 0};
    rk_query_report report;
    static table table;
    bool explains = rki_option(cli, "--explain"), json = cli->arguments.json;
    RK_TRY(read_query(cli, &query, error));
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rki_cli_read_as(cli, error));
    table = (struct table){.cli = cli, .query = &query, .error = error};
    if (explains) {
        RK_TRY(rk_engine_query(cli->engine, &query, &cli->arena, pass_over, NULL, &report, error));
        if (json) return print_json_explanation(cli, &report, error);
        print_explanation(&report);
        return RK_OK;
    }
    if (json) {
        RK_TRY(rk_engine_query(cli->engine, &query, &cli->arena, print_json_row, error, &report, error));
        return print_json_next(&report, error);
    }
    RK_TRY(name_columns(&table, error));
    RK_TRY(rk_engine_query(cli->engine, &query, &cli->arena, print_row, &table, &report, error));
    return finish_table(&table, &report, error);
}
