/*
 * Columns for people.
 */
#ifndef RK_DOOR_TABLE_H
#define RK_DOOR_TABLE_H

#include "base/arena.h"

enum { RK_TABLE_COLUMNS_MAX = 6 };

/* Cells row by row; the first row is the heads. */
typedef struct rk_table {
    const rk_bytes *cells;
    size_t column_count;
    size_t row_count;
} rk_table;

/*
 * Prints the table, each line behind four blanks. Columns are as wide as their widest cell; where that is wider than
 * `width` (0: as wide as it likes) the widest ones shrink, to 12 at least, and their cells go on in lines below, broken
 * at blanks. A column with a head alone is left out.
 */
void rk_table_print(const rk_table *table, size_t width);

#endif
