/*
 * Rows in order, and cursors.
 *
 * Invariants
 *   (1) The order is total: fields, then ids, which differ. An absent field is after every value in either direction.
 *   (2) Never more than `limit` rows are kept.
 *
 * A cursor is base64url without padding of CBOR: [form, module, order, values, id], where `order` is the beginning of
 * a hash over the fields and directions, and a value stands in a list of its own, which is empty where it is absent.
 */
#include "engine/query.h"

#include <string.h>

#include "base/base64.h"

enum { CURSOR_FORM = 1, CURSOR_HASH_SIZE = 8, CURSOR_SIZE_MAX = 1 << 20, ROW_SIZE_MAX = 2 * RK_STATE_SIZE_MAX };

/* ---- order ---- */

static int sign(int order) {
    return (order > 0) - (order < 0);
}

/* Values of one class as CEL orders them; of others, which a field of one type does not have, as keys do. */
static int compare_values(const rk_value *a, const rk_value *b) {
    int order = 0;
    rk_index_key a_key, b_key;
    if (rk_expr_compare(a, b, &order)) return order;
    (void)rk_index_key_of(a, &a_key);
    (void)rk_index_key_of(b, &b_key);
    return sign(rk_bytes_compare(rk_index_key_bytes(&a_key), rk_index_key_bytes(&b_key)));
}

int rki_place_compare(const rki_ordering *ordering, const rki_place *a, const rki_place *b) {
    for (size_t i = 0; i < ordering->count; i++) {
        if (a->there[i] != b->there[i]) return a->there[i] ? -1 : 1;
        int order = a->there[i] ? compare_values(&a->values[i], &b->values[i]) : 0;
        if (order != 0) return ordering->descending[i] ? -order : order;
    }
    return sign(rk_bytes_compare(a->id, b->id));
}

int rki_key_compare(const rki_ordering *ordering, rk_bytes a, rk_bytes b) {
    rk_index_key none = rk_index_key_none();
    bool a_there = !rk_bytes_equal(a, rk_index_key_bytes(&none)),
         b_there = !rk_bytes_equal(b, rk_index_key_bytes(&none));
    if (a_there != b_there) return a_there ? -1 : 1;
    int order = sign(rk_bytes_compare(a, b));
    return ordering->descending[0] ? -order : order;
}

/* ---- the heap ---- */

static bool is_after(const rki_rows *rows, size_t a, size_t b) {
    return rki_place_compare(rows->ordering, &rows->items[a]->place, &rows->items[b]->place) > 0;
}

static void swap(rki_rows *rows, size_t a, size_t b) {
    rki_kept_row *row = rows->items[a];
    rows->items[a] = rows->items[b];
    rows->items[b] = row;
}

static void rise(rki_rows *rows, size_t at) {
    for (; at > 0 && is_after(rows, at, (at - 1) / 2); at = (at - 1) / 2) swap(rows, at, (at - 1) / 2);
}

static void sink(rki_rows *rows, size_t at, size_t count) {
    for (;;) {
        size_t last = at, left = 2 * at + 1, right = left + 1;
        if (left < count && is_after(rows, left, last)) last = left;
        if (right < count && is_after(rows, right, last)) last = right;
        if (last == at) return;
        swap(rows, at, last);
        at = last;
    }
}

static bool is_full(const rki_rows *rows) {
    return rows->limit > 0 && rows->count == rows->limit;
}

bool rki_rows_want(const rki_rows *rows, const rki_place *place) {
    return !is_full(rows) || rki_place_compare(rows->ordering, place, &rows->items[0]->place) < 0;
}

static rk_status too_many(rk_error *error) {
    rk_fail(error, RK_LIMIT, "query", "more rows than RK_QUERY_ROWS_MAX (or RK_QUERY_SIZE_MAX) have to be sorted");
    rk_error_hint(error, "ask page by page, with --limit and --after, or narrow with --where");
    return RK_LIMIT;
}

static rk_status make_room(rki_rows *rows, rk_error *error) {
    if (rows->count >= RK_QUERY_ROWS_MAX || rows->size > RK_QUERY_SIZE_MAX) return too_many(error);
    if (rows->count < rows->capacity) return RK_OK;
    size_t capacity = rows->capacity ? rows->capacity * 2 : 16;
    rki_kept_row **items =
        rk_arena_grow(rows->arena, rows->items, rows->capacity * sizeof *items, capacity * sizeof *items);
    if (!items) return rk_fail(error, RK_NO_MEMORY, "query", "no memory for its rows");
    rows->items = items;
    rows->capacity = capacity;
    return RK_OK;
}

static rk_status copy_place(const rki_ordering *ordering, const rki_place *place, rk_arena *arena,
                            rki_place *place_out) {
    for (size_t i = 0; i < ordering->count; i++) {
        place_out->there[i] = place->there[i];
        if (place->there[i]) RK_TRY(rk_value_copy(arena, &place->values[i], &place_out->values[i]));
    }
    return rk_arena_copy(arena, place->id, &place_out->id);
}

/* The row stands at the heap's end; at its root, in place of the last row, when the heap is full. */
rk_status rki_rows_add(rki_rows *rows, const rki_place *place, rki_kept_row **row_out, rk_error *error) {
    bool full = is_full(rows);
    *row_out = NULL;
    if (!full) RK_TRY(make_room(rows, error));
    rki_kept_row *row = full ? rows->items[0] : rk_arena_take(rows->arena, sizeof *row);
    if (!row) return rk_fail(error, RK_NO_MEMORY, "query", "no memory for its rows");
    if (full) {
        rows->size -= rk_arena_used(&row->arena);
        rk_arena_free(&row->arena);
    } else {
        rk_arena_init(&row->arena, rows->memory, ROW_SIZE_MAX);
        rows->items[rows->count++] = row;
    }
    rk_status status = copy_place(rows->ordering, place, &row->arena, &row->place);
    if (status != RK_OK) return rk_fail(error, status, "query", "no memory for its rows");
    if (full) {
        sink(rows, 0, rows->count);
    } else {
        rise(rows, rows->count - 1);
    }
    *row_out = row;
    return RK_OK;
}

void rki_rows_sort(rki_rows *rows) {
    for (size_t end = rows->count; end > 1; end--) {
        swap(rows, 0, end - 1);
        sink(rows, 0, end - 1);
    }
}

void rki_rows_free(rki_rows *rows) {
    for (size_t i = 0; i < rows->count; i++) rk_arena_free(&rows->items[i]->arena);
    rows->count = 0;
}

/* ---- cursors ---- */

/* What makes an order that order. */
static rk_bytes order_hash(rk_engine *engine, const rki_ordering *ordering, rk_arena *arena) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, arena, CURSOR_SIZE_MAX);
    for (size_t i = 0; i < ordering->count; i++) {
        rk_buffer_append(
            &buffer, rk_arena_format(arena, "%s%b,", ordering->descending[i] ? "-" : "", ordering->fields[i]->name));
    }
    rk_hash *hash = rk_arena_take(arena, sizeof *hash);
    if (!hash || rk_buffer_finish(&buffer, &text) != RK_OK) return (rk_bytes){NULL, 0};
    *hash = rk_sha256(engine->host.crypto, text);
    return rk_bytes_of(hash->bytes, CURSOR_HASH_SIZE);
}

/* Between base64 and its spelling for addresses: other letters for two of them, and no padding. */
static void respell(uint8_t *text, size_t size, const char from[2], const char to[2]) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] == (uint8_t)from[0]) text[i] = (uint8_t)to[0];
        if (text[i] == (uint8_t)from[1]) text[i] = (uint8_t)to[1];
    }
}

rk_status rki_cursor_print(rk_engine *engine, rk_bytes module, const rki_ordering *ordering, const rki_place *place,
                           rk_arena *arena, rk_bytes *text_out) {
    rk_value values[RK_ORDER_MAX];
    rk_buffer buffer;
    rk_bytes bytes, text;
    for (size_t i = 0; i < ordering->count; i++) values[i] = rk_list(&place->values[i], place->there[i]);
    const rk_value items[] = {rk_int(CURSOR_FORM), rk_string(module),
                              rk_bytes_value(order_hash(engine, ordering, arena)), rk_list(values, ordering->count),
                              rk_string(place->id)};
    const rk_value cursor = rk_list(items, sizeof items / sizeof *items);
    RK_TRY(rk_cbor_encode(arena, &cursor, CURSOR_SIZE_MAX, &bytes));
    rk_buffer_init(&buffer, arena, rk_base64_size(bytes.size));
    rk_base64_append(&buffer, bytes);
    RK_TRY(rk_buffer_finish(&buffer, &text));
    respell(buffer.data, text.size, "+/", "-_");
    while (text.size > 0 && text.data[text.size - 1] == '=') text.size--;
    *text_out = text;
    return RK_OK;
}

static rk_status refuse(rk_error *error, const char *what) {
    return rk_fail(error, RK_BAD_CURSOR, "--after", "%s", what);
}

static rk_status decode(rk_arena *arena, rk_bytes text, rk_value *cursor_out) {
    rk_bytes bytes;
    if (text.size > CURSOR_SIZE_MAX || rk_bytes_find(text, '+') < text.size || rk_bytes_find(text, '/') < text.size) {
        return RK_BAD_TEXT;
    }
    uint8_t *padded = rk_arena_take(arena, text.size + 3);
    if (!padded) return RK_NO_MEMORY;
    memcpy(padded, text.data, text.size);
    size_t size = text.size;
    while (size % 4 != 0) padded[size++] = '=';
    respell(padded, size, "-_", "+/");
    RK_TRY(rk_base64_read(arena, rk_bytes_of(padded, size), &bytes));
    return rk_cbor_decode(arena, bytes, cursor_out, NULL);
}

rk_status rki_cursor_read(rk_engine *engine, rk_bytes module, const rki_ordering *ordering, rk_bytes text,
                          rk_arena *arena, rki_place *place_out, rk_error *error) {
    rk_value cursor;
    rk_index_key key;
    rk_status status = decode(arena, text, &cursor);
    if (status == RK_NO_MEMORY) return rk_fail(error, status, "--after", "no memory for the cursor");
    const rk_value *items = status == RK_OK && cursor.kind == RK_LIST ? cursor.as.list.items : NULL;
    if (!items || cursor.as.list.count != 5 || items[0].kind != RK_INT || items[0].as.integer != CURSOR_FORM ||
        items[1].kind != RK_STRING || items[2].kind != RK_BYTES || items[3].kind != RK_LIST ||
        items[4].kind != RK_STRING) {
        return refuse(error, "this is no cursor that a query has printed");
    }
    if (!rk_bytes_equal(items[1].as.bytes, module)) {
        return rk_fail(error, RK_BAD_CURSOR, "--after", "the cursor is of a query for \"%b\"", items[1].as.bytes);
    }
    if (!rk_bytes_equal(items[2].as.bytes, order_hash(engine, ordering, arena)) ||
        items[3].as.list.count != ordering->count) {
        return refuse(error, "the cursor is of a query with another order");
    }
    place_out->id = items[4].as.bytes;
    for (size_t i = 0; i < ordering->count; i++) {
        const rk_value *value = &items[3].as.list.items[i];
        if (value->kind != RK_LIST || value->as.list.count > 1) return refuse(error, "the cursor was changed");
        place_out->there[i] = value->as.list.count == 1;
        if (!place_out->there[i]) continue;
        place_out->values[i] = value->as.list.items[0];
        if (!rk_index_key_of(&place_out->values[i], &key)) return refuse(error, "the cursor was changed");
    }
    return RK_OK;
}
