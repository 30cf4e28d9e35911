/*
 * The inside of a query, for plan.c, rows.c and query.c.
 *
 * A query runs in three parts: plan.c compiles it and chooses what is walked; query.c walks, asks the rule for reading
 * and the filter, and offers what matches; rows.c keeps the first rows in order, and makes and reads cursors.
 */
#ifndef RK_ENGINE_QUERY_H
#define RK_ENGINE_QUERY_H

#include "engine/inner.h"

/* ---- rows.c ---- */

/* What a row is ordered by. */
typedef struct rki_place {
    rk_value values[RK_ORDER_MAX];
    bool there[RK_ORDER_MAX]; /* false: the field is absent */
    rk_bytes id;
} rki_place;

/* The order of a query: fields of the module, and directions. */
typedef struct rki_ordering {
    const rk_field *fields[RK_ORDER_MAX];
    bool descending[RK_ORDER_MAX];
    size_t count;
} rki_ordering;

int rki_place_compare(const rki_ordering *ordering, const rki_place *a, const rki_place *b);
/* The order of the first field alone, by keys of an index. */
int rki_key_compare(const rki_ordering *ordering, rk_bytes a, rk_bytes b);

typedef struct rki_kept_row {
    rk_arena arena; /* of everything in it */
    rki_place place;
    rk_row row;
} rki_kept_row;

/* The first `limit` rows of all that were offered; a heap with the last of them at its root. */
typedef struct rki_rows {
    const rki_ordering *ordering;
    const rk_memory *memory;
    rk_arena *arena;
    rki_kept_row **items;
    size_t count, capacity;
    uint64_t limit; /* 0: all, up to RK_QUERY_ROWS_MAX */
    size_t size;    /* of all arenas */
} rki_rows;

/* Whether a row at that place would be among the first. */
bool rki_rows_want(const rki_rows *rows, const rki_place *place);
/* A new row in order, for the caller to fill from its arena. RK_LIMIT when there is no limit and too many rows. */
RK_MUST_USE rk_status rki_rows_add(rki_rows *rows, const rki_place *place, rki_kept_row **row_out, rk_error *error);
/* Puts the rows in ascending order; nothing is added after it. */
void rki_rows_sort(rki_rows *rows);
void rki_rows_free(rki_rows *rows);

/* A cursor: the place of a row in this order of this module. */
RK_MUST_USE rk_status rki_cursor_print(rk_engine *engine, rk_bytes module, const rki_ordering *ordering,
                                       const rki_place *place, rk_arena *arena, rk_bytes *text_out);
/* RK_BAD_CURSOR when it is none, or one of another module or order. */
RK_MUST_USE rk_status rki_cursor_read(rk_engine *engine, rk_bytes module, const rki_ordering *ordering, rk_bytes text,
                                      rk_arena *arena, rki_place *place_out, rk_error *error);

/* ---- plan.c ---- */

typedef struct rki_range {
    rk_index_key low, high; /* low <= key < high */
} rki_range;

typedef struct rki_plan {
    const rk_module *module;
    rk_program *where; /* NULL: all entities */
    rki_ordering ordering;
    bool has_cursor;
    rki_place cursor;
    rk_query_way way;
    const rk_field *index; /* NULL for RK_BY_NAME */
    rki_range *ranges;     /* ascending, apart from each other */
    size_t range_count;
    rk_query_part *parts;
    size_t part_count;
    bool unindexed;
} rki_plan;

/* Who reads and when: what a value that narrows may depend on. */
typedef struct rki_asker {
    rk_actor_view actor;
    uint64_t now_ms;
} rki_asker;

/* Compiles and checks the query, and chooses. Everything lives in the arena. */
RK_MUST_USE rk_status rki_plan_make(rk_engine *engine, const rk_query *query, const rki_asker *asker, rk_arena *arena,
                                    rki_plan *plan_out, rk_error *error);

#endif
