/*
 * Index rows: for each indexed field of a module, one row an entity and value, so that a query reads fewer entities.
 *
 * Invariants
 *   (1) Rows are those of the committed state. What is pending is in none: a query adds those entities itself.
 *   (2) They change in the transaction that changes the state, and are complete when the named value "index/MODULE"
 *       says which fields they are of (mark_of), as the current version of the module has them. Where it says anything
 *       else, or nothing, no query uses them and the next write builds them anew, all in one transaction.
 *   (3) A field of one value has one row, also while it is absent (rk_index_key_none); a list or set has one for each
 *       different key of its elements.
 *   (4) A module without indexed fields costs a look at what is known of it (rki_indexed).
 *   (5) The store is not asked about an entity whose rows are as this engine left them, and come out the same again
 *       (rows_same). Whatever else may have changed them moves the entity's version, or the module's.
 */
#include <string.h>

#include "engine/inner.h"

/* ---- which fields ---- */

static bool is_scalar(const rk_type *type) {
    return type->kind == RK_TYPE_BOOL || type->kind == RK_TYPE_INT || type->kind == RK_TYPE_UINT ||
           type->kind == RK_TYPE_STRING || type->kind == RK_TYPE_BYTES;
}

rki_index_kind rki_field_index(const rk_field *field) {
    if (!field->index || field->merge == RK_MERGE_RGA) return RKI_INDEX_NONE;
    if (is_scalar(field->type)) return RKI_INDEX_ONE;
    return field->type->kind == RK_TYPE_LIST && is_scalar(field->type->item) ? RKI_INDEX_MANY : RKI_INDEX_NONE;
}

rk_status rki_field_read(rk_state *state, const rk_field *field, rk_arena *arena, bool *there_out,
                         rk_value *value_out) {
    RK_TRY(rk_state_field(state, field, arena, there_out, value_out));
    if (field->type->kind != RK_TYPE_INT || value_out->kind != RK_STRING) return RK_OK;
    bool negative = value_out->as.bytes.size > 0 && value_out->as.bytes.data[0] == '-';
    *value_out = negative ? rk_int(INT64_MIN) : rk_whole(UINT64_MAX);
    return RK_OK;
}

/* What the rows of this module are of; empty when it has no index. */
static rk_bytes mark_of(const rk_module *module, rk_arena *arena) {
    rk_bytes mark = {NULL, 0};
    for (size_t i = 0; i < module->field_count; i++) {
        const rk_field *field = &module->fields[i];
        if (rki_field_index(field) == RKI_INDEX_NONE) continue;
        rk_buffer buffer;
        rk_buffer_init(&buffer, arena, RK_MODULE_SIZE_MAX);
        rk_buffer_append(&buffer, mark);
        rk_buffer_append(&buffer, rk_arena_format(arena, "%u %b %s %b\n", (uint64_t)RK_INDEX_FORM, field->name,
                                                  rk_merge_type_name(field->merge), rk_type_print(arena, field->type)));
        if (rk_buffer_finish(&buffer, &mark) != RK_OK) return RK_TEXT("?"); /* fits no rows: they are not used */
    }
    return mark;
}

static rk_bytes mark_name(rk_bytes module, char out[RK_NAME_SIZE_MAX + 16]) {
    return rk_bytes_of(out, rk_format(out, RK_NAME_SIZE_MAX + 16, "index/%b", module));
}

static rk_status read_mark(rk_engine *engine, const rk_module *module, rk_arena *arena, rk_bytes *mark_out,
                           rk_error *error) {
    char name[RK_NAME_SIZE_MAX + 16];
    *mark_out = (rk_bytes){NULL, 0};
    rk_status status = engine->host.store->meta_get(engine->log, arena, mark_name(module->name, name), mark_out, error);
    return status == RK_NOT_FOUND ? RK_OK : status;
}

/* ---- what is known ---- */

static rk_status learn(rk_engine *engine, rk_bytes name, uint64_t version, rki_indexed *known, rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    const rk_module *module = NULL;
    rk_bytes mark;
    rk_status status = rki_module_find(engine, name, 0, NULL, &module, error);
    if (status == RK_OK) status = read_mark(engine, module, &arena, &mark, error);
    if (status == RK_OK) {
        rk_bytes wanted = mark_of(module, &arena);
        *known = (rki_indexed){module, version, wanted.size > 0, rk_bytes_equal(mark, wanted)};
    }
    rk_arena_free(&arena);
    return status;
}

/* What is known of a published module's index. What was not complete is looked at again: another process may build. */
static rk_status indexed_of(rk_engine *engine, rk_bytes name, rki_indexed **known_out, rk_error *error) {
    rki_entity *entity = NULL;
    RK_TRY(rki_module_entity(engine, name, NULL, &entity, error));
    uint64_t version = entity->version + entity->pending;
    rki_indexed *known = NULL;
    for (size_t i = 0; i < RKI_INDEXED_MAX && !known; i++) {
        const rk_module *module = engine->indexed[i].module;
        if (module && rk_bytes_equal(module->name, name)) known = &engine->indexed[i];
    }
    *known_out = known;
    if (known && known->version == version && known->complete) return RK_OK;
    if (!known) known = *known_out = &engine->indexed[engine->indexed_next++ % RKI_INDEXED_MAX];
    rki_indexed learnt;
    RK_TRY(learn(engine, name, version, &learnt, error));
    *known = learnt;
    return RK_OK;
}

rk_status rki_index_ready(rk_engine *engine, rk_bytes module, bool *ready_out, rk_error *error) {
    rki_indexed *known = NULL;
    *ready_out = false;
    if (rki_module_is_builtin(module)) return RK_OK;
    RK_TRY(indexed_of(engine, module, &known, error));
    *ready_out = known->wanted && known->complete;
    return RK_OK;
}

/* ---- rows of a state ---- */

typedef struct row_list {
    rk_arena *arena;
    rk_index_row *items;
    size_t count, capacity;
} row_list;

static rk_status add_row(row_list *rows, rk_bytes field, const rk_index_key *key) {
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? rows->capacity * 2 : 8;
        rk_index_row *grown =
            rk_arena_grow(rows->arena, rows->items, rows->capacity * sizeof *grown, capacity * sizeof *grown);
        if (!grown) return RK_NO_MEMORY;
        rows->items = grown;
        rows->capacity = capacity;
    }
    rk_index_row *row = &rows->items[rows->count++];
    row->field = field;
    return rk_arena_copy(rows->arena, rk_index_key_bytes(key), &row->key);
}

static void merge(const rk_index_row *left, size_t left_count, const rk_index_row *right, size_t right_count,
                  rk_index_row *out) {
    while (left_count + right_count > 0) {
        bool takes_left = right_count == 0 || (left_count > 0 && rk_bytes_compare(left->key, right->key) <= 0);
        *out++ = takes_left ? *left++ : *right++;
        left_count -= takes_left;
        right_count -= !takes_left;
    }
}

/* Sorts by key, from runs of one upward: a set may have many elements. */
static rk_status sort_keys(rk_arena *arena, rk_index_row *rows, size_t count) {
    rk_index_row *from = rows, *to = count > 1 ? rk_arena_take_array(arena, count, sizeof *to) : rows;
    if (!to) return RK_NO_MEMORY;
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t at = 0; at < count; at += 2 * run) {
            size_t middle = at + run < count ? at + run : count, end = middle + run < count ? middle + run : count;
            merge(from + at, middle - at, from + middle, end - middle, to + at);
        }
        rk_index_row *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != rows) memcpy(rows, from, count * sizeof *rows);
    return RK_OK;
}

/* The rows of one field ascending, each once. */
static rk_status settle_rows(row_list *rows, size_t first) {
    size_t kept = first;
    RK_TRY(sort_keys(rows->arena, rows->items + first, rows->count - first));
    for (size_t i = first; i < rows->count; i++) {
        if (kept > first && rk_bytes_equal(rows->items[kept - 1].key, rows->items[i].key)) continue;
        rows->items[kept++] = rows->items[i];
    }
    rows->count = kept;
    return RK_OK;
}

static rk_status add_field(row_list *rows, rk_state *state, const rk_field *field) {
    rki_index_kind kind = rki_field_index(field);
    size_t first = rows->count;
    bool there = false;
    rk_value value;
    rk_index_key key = rk_index_key_none();
    RK_TRY(rki_field_read(state, field, rows->arena, &there, &value));
    if (kind == RKI_INDEX_ONE) {
        if (there) (void)rk_index_key_of(&value, &key);
        return add_row(rows, field->name, &key);
    }
    for (size_t i = 0; there && value.kind == RK_LIST && i < value.as.list.count; i++) {
        if (rk_index_key_of(&value.as.list.items[i], &key)) RK_TRY(add_row(rows, field->name, &key));
    }
    return rows->count > first ? settle_rows(rows, first) : RK_OK;
}

/*
 * The next indexed field in bytewise order, which is the store's: a module has its fields in the order of their
 * encodings.
 */
static const rk_field *next_indexed(const rk_module *module, const rk_field *after) {
    const rk_field *next = NULL;
    for (size_t i = 0; i < module->field_count; i++) {
        const rk_field *field = &module->fields[i];
        if (rki_field_index(field) == RKI_INDEX_NONE) continue;
        if (after && rk_bytes_compare(field->name, after->name) <= 0) continue;
        if (!next || rk_bytes_compare(field->name, next->name) < 0) next = field;
    }
    return next;
}

static rk_status rows_of(const rk_module *module, rk_state *state, row_list *rows, rk_error *error) {
    for (const rk_field *field = next_indexed(module, NULL); field; field = next_indexed(module, field)) {
        rk_status status = add_field(rows, state, field);
        if (status != RK_OK) return rk_fail(error, status, "index", "no memory for the rows of an entity");
    }
    return RK_OK;
}

static rk_status put_rows(rk_engine *engine, const rk_module *module, rk_bytes name, rk_state *state, rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    row_list rows = {.arena = &arena};
    rk_status status = rows_of(module, state, &rows, error);
    if (status == RK_OK) {
        status = engine->host.store->index_put(engine->log, name, rows.items, rows.count, error);
    }
    rk_arena_free(&arena);
    return status;
}

/* What the rows are, and of which version of the module. */
static rk_hash digest_of(const rk_engine *engine, const rk_module *module, const row_list *rows, rk_status *status) {
    rk_buffer buffer;
    rk_bytes bytes = {NULL, 0};
    rk_buffer_init(&buffer, rows->arena, RKI_CALL_SIZE_MAX);
    rk_cbor_append_head(&buffer, 0, module->version);
    for (size_t i = 0; i < rows->count; i++) {
        rk_cbor_append_bytes(&buffer, rows->items[i].field);
        rk_cbor_append_bytes(&buffer, rows->items[i].key);
    }
    *status = rk_buffer_finish(&buffer, &bytes);
    return rk_sha256(engine->host.crypto, bytes);
}

static bool rows_same(const rki_entity *entity, uint64_t before, const rk_hash *digest) {
    return entity->indexed > 0 && entity->indexed == before && rk_hash_equal(&entity->indexed_rows, digest);
}

static rk_status update_rows(rk_engine *engine, const rk_module *module, rki_entity *entity, uint64_t before,
                             rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    row_list rows = {.arena = &arena};
    rk_hash digest = {{0}};
    rk_status status = rows_of(module, entity->committed, &rows, error);
    if (status == RK_OK) {
        digest = digest_of(engine, module, &rows, &status);
        if (status != RK_OK) rk_fail(error, status, "index", "no memory for the rows of an entity");
    }
    if (status == RK_OK && !rows_same(entity, before, &digest)) {
        status = engine->host.store->index_put(engine->log, entity->name, rows.items, rows.count, error);
    }
    if (status == RK_OK) {
        entity->indexed = entity->version;
        entity->indexed_rows = digest;
    }
    rk_arena_free(&arena);
    return status;
}

/* ---- building ---- */

typedef struct build {
    rk_engine *engine;
    const rk_module *module;
    rk_error *error;
} build;

static rk_status build_entity(void *context, const rk_stored_entity *entity, rk_state *state, rk_bytes key) {
    build *build = context;
    (void)key;
    if (entity->version == 0) return RK_OK;
    return put_rows(build->engine, build->module, entity->entity, state, build->error);
}

static rk_status build_index(rk_engine *engine, rki_indexed *known, rk_error *error) {
    char name[RK_NAME_SIZE_MAX + 16];
    build build = {engine, known->module, error};
    const rki_walk walk = {.visit = build_entity, .context = &build, .committed = true};
    const rk_log_ops *store = engine->host.store;
    RK_TRY(store->index_drop(engine->log, known->module->name, error));
    if (known->wanted) RK_TRY(rki_walk_module(engine, known->module->name, (rk_bytes){NULL, 0}, &walk, error));
    rk_arena arena = rki_call_arena(engine);
    rk_status status =
        store->meta_put(engine->log, mark_name(known->module->name, name), mark_of(known->module, &arena), error);
    rk_arena_free(&arena);
    known->complete = status == RK_OK;
    return status;
}

static rk_status settle_module(rk_engine *engine, rk_bytes module, rk_error *error) {
    rki_indexed *known = NULL;
    if (rki_module_is_builtin(module)) return RK_OK;
    rk_status status = indexed_of(engine, module, &known, error);
    if (status == RK_UNKNOWN_MODULE) return RK_OK; /* its publishing was refused */
    RK_TRY(status);
    return known->complete ? RK_OK : build_index(engine, known, error);
}

static rk_status settle_named(void *context, const rk_stored_entity *entity) {
    build *build = context;
    rk_bytes module, id;
    RK_TRY(rk_entity_split(entity->entity, &module, &id, build->error));
    return settle_module(build->engine, id, build->error);
}

rk_status rki_index_settle(rk_engine *engine, rk_error *error) {
    build build = {engine, NULL, error};
    return engine->host.store->entities(engine->log, RK_TEXT("module/"), settle_named, &build, error);
}

rk_status rki_index_update(rk_engine *engine, rki_entity *entity, uint64_t before, rk_error *error) {
    rki_indexed *known = NULL;
    if (rk_bytes_equal(entity->module, RK_TEXT("module"))) return settle_module(engine, entity->id, error);
    if (rki_module_is_builtin(entity->module)) return RK_OK;
    RK_TRY(indexed_of(engine, entity->module, &known, error));
    if (!known->complete) return build_index(engine, known, error);
    if (!known->wanted) return RK_OK;
    RK_TRY(rki_entity_refresh(engine, entity, NULL, error));
    if (entity->indexed == entity->version) return RK_OK;
    return update_rows(engine, known->module, entity, before, error);
}

/* ---- comparing ---- */

typedef struct comparison {
    const row_list *wanted;
    size_t at;
    rk_arena *arena;
    rk_bytes differs; /* the first field that does */
} comparison;

static rk_status compare_row(void *context, const rk_index_row *row) {
    comparison *comparison = context;
    const row_list *wanted = comparison->wanted;
    if (comparison->differs.size > 0) return RK_OK;
    const rk_index_row *expected = comparison->at < wanted->count ? &wanted->items[comparison->at] : NULL;
    comparison->at++;
    if (expected && rk_bytes_equal(expected->field, row->field) && rk_bytes_equal(expected->key, row->key)) {
        return RK_OK;
    }
    bool missing = expected && rk_bytes_compare(expected->field, row->field) < 0;
    return rk_arena_copy(comparison->arena, missing ? expected->field : row->field, &comparison->differs);
}

rk_status rki_index_compare(rk_engine *engine, rk_bytes name, rk_state *state, rk_arena *arena, bool *compared_out,
                            rk_bytes *field_out, rk_error *error) {
    rk_bytes module, id;
    rki_indexed *known = NULL;
    row_list rows = {.arena = arena};
    comparison comparison = {.wanted = &rows, .arena = arena};
    *compared_out = false;
    *field_out = (rk_bytes){NULL, 0};
    RK_TRY(rk_entity_split(name, &module, &id, error));
    if (rki_module_is_builtin(module)) return RK_OK;
    RK_TRY(indexed_of(engine, module, &known, error));
    if (!known->wanted || !known->complete) return RK_OK;
    RK_TRY(rows_of(known->module, state, &rows, error));
    RK_TRY(engine->host.store->index_rows(engine->log, name, compare_row, &comparison, error));
    if (comparison.differs.size == 0 && comparison.at < rows.count)
        comparison.differs = rows.items[comparison.at].field;
    *compared_out = true;
    *field_out = comparison.differs;
    return RK_OK;
}
