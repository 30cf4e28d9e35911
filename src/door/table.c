/*
 * Laying out a table.
 */
#include "door/table.h"

#include "door/output.h"

enum { INDENT = 4, GAP = 2, NARROW = 12 };

static rk_bytes cell(const rk_table *table, size_t row, size_t column) {
    return table->cells[row * table->column_count + column];
}

static size_t natural_width(const rk_table *table, size_t column) {
    size_t width = 0;
    bool empty = true;
    for (size_t row = 0; row < table->row_count; row++) {
        size_t size = rk_utf8_count(cell(table, row, column));
        if (size > width) width = size;
        empty = empty && (row == 0 || size == 0);
    }
    return empty ? 0 : width;
}

static void fit(size_t *widths, size_t count, size_t width) {
    for (;;) {
        size_t total = INDENT, widest = 0;
        for (size_t i = 0; i < count; i++) {
            total += widths[i] ? widths[i] + GAP : 0;
            if (widths[i] > widths[widest]) widest = i;
        }
        if (total <= width + GAP || widths[widest] <= NARROW) return;
        widths[widest]--;
    }
}

/* Takes what fits one line from the text: up to its last blank, or all of the width where a word is longer. */
static rk_bytes take_line(rk_bytes *text, size_t width) {
    if (rk_utf8_count(*text) <= width) {
        rk_bytes all = *text;
        text->size = 0;
        return all;
    }
    size_t end = rk_utf8_offset(*text, width), blank = end;
    while (blank > 0 && text->data[blank] != ' ') blank--;
    rk_bytes line = {text->data, blank > 0 ? blank : end};
    *text = rk_bytes_from(*text, blank > 0 ? blank + 1 : end);
    return line;
}

static void print_blanks(size_t count) {
    while (count-- > 0) rki_out(" ");
}

/* One line of a row; what is left of each cell stays in `rests`. False when nothing was left. */
static bool print_line(rk_bytes *rests, const size_t *widths, size_t count) {
    bool any = false;
    size_t blanks = INDENT;
    for (size_t i = 0; i < count; i++) {
        if (rests[i].size == 0) {
            blanks += widths[i] ? widths[i] + GAP : 0;
            continue;
        }
        rk_bytes line = take_line(&rests[i], widths[i]);
        print_blanks(blanks);
        rki_out_bytes(line);
        blanks = widths[i] - rk_utf8_count(line) + GAP;
        any = true;
    }
    if (any) rki_out("\n");
    return any;
}

void rk_table_print(const rk_table *table, size_t width) {
    size_t widths[RK_TABLE_COLUMNS_MAX] = {0}, count = table->column_count;
    RK_ASSERT(count <= RK_TABLE_COLUMNS_MAX);
    for (size_t i = 0; i < count; i++) widths[i] = natural_width(table, i);
    if (width > 0) fit(widths, count, width);
    for (size_t row = 0; row < table->row_count; row++) {
        rk_bytes rests[RK_TABLE_COLUMNS_MAX];
        for (size_t i = 0; i < count; i++) rests[i] = widths[i] ? cell(table, row, i) : (rk_bytes){NULL, 0};
        while (print_line(rests, widths, count)) continue;
    }
}
