/*
 * Index rows: what queries narrow by.
 *
 * Invariants
 *   (1) A row is written only where it differs from what is there: an event that changes no indexed field costs one
 *       question.
 *   (2) Rows go with what they are derived from: truncating drops all of them.
 */
#include "store/sqlite/internal.h"

typedef struct kept_row {
    uint64_t field;
    rk_bytes key;
} kept_row;

/* Those of one field stand together, by key. */
typedef struct kept_rows {
    kept_row *items;
    size_t count, capacity;
} kept_rows;

static rk_status no_memory(rk_error *error) {
    return rk_fail(error, RK_NO_MEMORY, "index", "no memory for the rows of an entity");
}

/* ---- fields ---- */

rk_status rki_index_field(rk_log *log, rk_bytes module, rk_bytes name, bool make, uint64_t *field_out,
                          rk_error *error) {
    rki_query query;
    bool row = false;
    *field_out = 0;
    RK_TRY(rki_query_start(log, RKI_INDEX_FIELD_GET, &query, error));
    rki_bind_bytes(&query, 1, module);
    rki_bind_bytes(&query, 2, name);
    rk_status status = rki_query_step(&query, &row, error);
    if (row) *field_out = rki_column(&query, 0);
    rki_query_end(&query);
    if (status != RK_OK || row || !make) return status;
    RK_TRY(rki_query_start(log, RKI_INDEX_FIELD_PUT, &query, error));
    rki_bind_bytes(&query, 1, module);
    rki_bind_bytes(&query, 2, name);
    RK_TRY(rki_query_run(&query, error));
    *field_out = (uint64_t)sqlite3_last_insert_rowid(log->db);
    return RK_OK;
}

/* ---- writing ---- */

static rk_status keep_row(rk_log *log, kept_rows *rows, uint64_t field, rk_bytes key, rk_error *error) {
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? rows->capacity * 2 : 8;
        kept_row *grown =
            rk_arena_grow(&log->scratch, rows->items, rows->capacity * sizeof *grown, capacity * sizeof *grown);
        if (!grown) return no_memory(error);
        rows->items = grown;
        rows->capacity = capacity;
    }
    kept_row *row = &rows->items[rows->count++];
    row->field = field;
    return rk_arena_copy(&log->scratch, key, &row->key) == RK_OK ? RK_OK : no_memory(error);
}

static rk_status read_rows(rk_log *log, uint64_t entity, kept_rows *rows, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_INDEX_OF_ENTITY, &query, error));
    rki_bind(&query, 1, entity);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        RK_TRY_DONE(keep_row(log, rows, rki_column(&query, 0), rki_column_bytes(&query, 1), error));
    }
done:
    rki_query_end(&query);
    return status;
}

static rk_status change_row(rk_log *log, rki_statement which, const kept_row *row, uint64_t entity, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, which, &query, error));
    rki_bind(&query, 1, row->field);
    rki_bind_bytes(&query, 2, row->key);
    rki_bind(&query, 3, entity);
    return rki_query_run(&query, error);
}

/* Where the rows of the field after those that begin at `start` begin. */
static size_t group_end(const kept_rows *rows, size_t start) {
    size_t low = start + 1, high = rows->count;
    uint64_t field = rows->items[start].field;
    if (high > start && rows->items[high - 1].field == field) return high;
    while (low < high && rows->items[low].field == field) low++;
    return low;
}

static bool has_key(const kept_row *rows, size_t count, rk_bytes key) {
    while (count > 0) {
        size_t middle = count / 2;
        int order = rk_bytes_compare(rows[middle].key, key);
        if (order == 0) return true;
        if (order < 0) rows += middle + 1;
        count = order < 0 ? count - middle - 1 : middle;
    }
    return false;
}

typedef struct change {
    rk_log *log;
    rki_statement which;
    uint64_t entity;
} change;

/* Changes what is in `rows` and not in `others`, field by field. */
static rk_status change_rows(const change *change, const kept_rows *rows, const kept_rows *others, rk_error *error) {
    for (size_t start = 0, end = 0; start < rows->count; start = end) {
        size_t other = 0, other_end = 0;
        end = group_end(rows, start);
        while (other < others->count && others->items[other].field != rows->items[start].field) {
            other = group_end(others, other);
        }
        if (other < others->count) other_end = group_end(others, other);
        for (size_t i = start; i < end; i++) {
            size_t count = other_end > other ? other_end - other : 0;
            if (count > 0 && has_key(&others->items[other], count, rows->items[i].key)) continue;
            RK_TRY(change_row(change->log, change->which, &rows->items[i], change->entity, error));
        }
    }
    return RK_OK;
}

static rk_status put_rows(rk_log *log, rk_bytes module, uint64_t entity, const rk_index_row *rows, size_t count,
                          rk_error *error) {
    kept_rows before = {0}, after = {0};
    uint64_t field = 0;
    RK_TRY(read_rows(log, entity, &before, error));
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && rk_bytes_equal(rows[i].field, rows[i - 1].field);
        if (!same) RK_TRY(rki_index_field(log, module, rows[i].field, true, &field, error));
        RK_TRY(keep_row(log, &after, field, rows[i].key, error));
    }
    const change deletion = {log, RKI_INDEX_DELETE, entity}, insertion = {log, RKI_INDEX_INSERT, entity};
    RK_TRY(change_rows(&deletion, &before, &after, error));
    return change_rows(&insertion, &after, &before, error);
}

static rk_bytes module_of(rk_bytes entity) {
    return (rk_bytes){entity.data, rk_bytes_find(entity, '/')};
}

rk_status rki_index_put(rk_log *log, rk_bytes entity, const rk_index_row *rows, size_t count, rk_error *error) {
    RK_ASSERT(log->writing);
    uint64_t key = 0;
    RK_TRY(rki_entity_key(log, entity, false, &key, error));
    if (key == 0) return rk_fail(error, RK_NOT_FOUND, "index", "the log has no entity %b", entity);
    rk_status status = rki_settled(log, put_rows(log, module_of(entity), key, rows, count, error));
    rk_arena_free(&log->scratch);
    return status;
}

static rk_status drop_rows(rk_log *log, rk_bytes module, rk_error *error) {
    rki_query fields, rows;
    RK_TRY(rki_query_start(log, RKI_INDEX_FIELD_WALK, &fields, error));
    rki_bind_bytes(&fields, 1, module);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&fields, &row, error));
        if (!row) break;
        RK_TRY_DONE(rki_query_start(log, RKI_INDEX_DROP, &rows, error));
        rki_bind(&rows, 1, rki_column(&fields, 0));
        RK_TRY_DONE(rki_query_run(&rows, error));
    }
done:
    rki_query_end(&fields);
    return status;
}

rk_status rki_index_drop(rk_log *log, rk_bytes module, rk_error *error) {
    RK_ASSERT(log->writing);
    return rki_settled(log, drop_rows(log, module, error));
}

rk_status rki_index_forget(rk_log *log, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_INDEX_DROP_ALL, &query, error));
    RK_TRY(rki_query_run(&query, error));
    RK_TRY(rki_query_start(log, RKI_INDEX_MARKS_DROP, &query, error));
    return rki_query_run(&query, error);
}

/* ---- reading ---- */

rk_status rki_index_count(rk_log *log, const rk_index_range *range, uint64_t up_to, uint64_t *count_out,
                          rk_error *error) {
    uint64_t field = 0;
    rki_query query;
    bool row = false;
    *count_out = 0;
    RK_TRY(rki_index_field(log, range->module, range->field, false, &field, error));
    if (field == 0) return RK_OK;
    RK_TRY(rki_query_start(log, RKI_INDEX_COUNT, &query, error));
    rki_bind(&query, 1, field);
    rki_bind_bytes(&query, 2, range->low);
    rki_bind_bytes(&query, 3, range->high.size ? range->high : RKI_KEY_END);
    rki_bind(&query, 4, up_to);
    rk_status status = rki_query_step(&query, &row, error);
    if (row) *count_out = rki_column(&query, 0);
    rki_query_end(&query);
    return status;
}

rk_status rki_index_rows(rk_log *log, rk_bytes entity, rk_index_visitor visit, void *context, rk_error *error) {
    uint64_t key = 0;
    rki_query query;
    RK_TRY(rki_entity_key(log, entity, false, &key, error));
    if (key == 0) return RK_OK;
    RK_TRY(rki_query_start(log, RKI_INDEX_NAMES_OF_ENTITY, &query, error));
    rki_bind(&query, 1, key);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        const rk_index_row found = {rki_column_bytes(&query, 0), rki_column_bytes(&query, 1)};
        RK_TRY_DONE(visit(context, &found));
    }
done:
    rki_query_end(&query);
    return status;
}
