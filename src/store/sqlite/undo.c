/*
 * Taking back: pending batches that are dropped, and records that turn out not to be the log's.
 *
 * Invariants
 *   (1) What is taken back leaves nothing: no id, no entity that is nowhere else, no verdict,
 *       no state that has seen it.
 *   (2) An own batch whose record is taken back is as it was before: every leaf with its bytes, in its old place.
 */
#include "base/map.h"
#include "store/sqlite/internal.h"

static rk_status run_1(rk_log *log, rki_statement which, uint64_t a, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, which, &query, error));
    rki_bind(&query, 1, a);
    return rki_query_run(&query, error);
}

static rk_status run_2(rk_log *log, rki_statement which, uint64_t a, uint64_t b, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, which, &query, error));
    rki_bind(&query, 1, a);
    rki_bind(&query, 2, b);
    return rki_query_run(&query, error);
}

static rk_status no_memory(rk_error *error) {
    return rk_fail(error, RK_NO_MEMORY, "log.db", "no memory for what is taken back");
}

/* ---- leaves of one batch, read before they are changed ---- */

typedef struct kept_leaf {
    uint64_t key;
    rk_leaf leaf; /* kind and bytes */
    uint64_t entity;
} kept_leaf;

typedef struct kept_leaves {
    kept_leaf *items;
    size_t count;
    size_t capacity;
} kept_leaves;

static rk_status keep_leaf(rk_log *log, const rki_query *query, kept_leaves *leaves, rk_error *error) {
    if (leaves->count == leaves->capacity) {
        size_t capacity = leaves->capacity ? leaves->capacity * 2 : 64;
        kept_leaf *grown =
            rk_arena_grow(&log->scratch, leaves->items, leaves->capacity * sizeof *grown, capacity * sizeof *grown);
        if (!grown) return no_memory(error);
        leaves->items = grown;
        leaves->capacity = capacity;
    }
    kept_leaf *leaf = &leaves->items[leaves->count++];
    leaf->key = rki_column(query, 0);
    leaf->leaf.kind = (rk_leaf_kind)rki_column(query, 1);
    leaf->entity = rki_column(query, 5);
    if (leaf->leaf.kind != RK_LEAF_EVENT) return RK_OK;
    if (rk_arena_copy(&log->scratch, rki_column_bytes(query, 4), &leaf->leaf.bytes) != RK_OK) return no_memory(error);
    return RK_OK;
}

static rk_status read_leaves(rk_log *log, uint64_t place, kept_leaves *leaves_out, rk_error *error) {
    *leaves_out = (kept_leaves){0};
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_LEAF_WALK, &query, error));
    rki_bind(&query, 1, place << RKI_LEAF_BITS);
    rki_bind(&query, 2, ((place + 1) << RKI_LEAF_BITS) - 1);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        RK_TRY_DONE(keep_leaf(log, &query, leaves_out, error));
    }
done:
    rki_query_end(&query);
    return status;
}

static rk_status delete_leaves(rk_log *log, uint64_t place, rk_error *error) {
    return run_2(log, RKI_LEAF_DELETE, place << RKI_LEAF_BITS, ((place + 1) << RKI_LEAF_BITS) - 1, error);
}

/* ---- one batch ---- */

typedef struct known_batch {
    bool there;
    bool pending;
    bool own;
    uint64_t place;
} known_batch;

static rk_status find_batch(rk_log *log, uint64_t replica, uint64_t number, known_batch *known_out, rk_error *error) {
    *known_out = (known_batch){0};
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_BATCH_GET, &query, error));
    rki_bind(&query, 1, replica);
    rki_bind(&query, 2, number);
    rk_status status = rki_query_step(&query, &known_out->there, error);
    if (known_out->there) {
        known_out->pending = rki_column_null(&query, 3);
        known_out->own = rki_column(&query, 4) != 0;
        known_out->place = rki_column(&query, 7);
    }
    rki_query_end(&query);
    return status;
}

static rk_status drop_work(rk_log *log, uint64_t replica, uint64_t number, uint64_t place, rk_error *error) {
    kept_leaves leaves;
    rki_known_clear(log);
    RK_TRY(read_leaves(log, place, &leaves, error));
    for (size_t i = 0; i < leaves.count; i++) {
        if (leaves.items[i].leaf.kind != RK_LEAF_EVENT) continue;
        rk_id id;
        rk_bytes name;
        RK_TRY(rki_leaf_event(log, &leaves.items[i].leaf, &id, &name, error));
        RK_TRY(rki_id_delete(log, id, error));
        RK_TRY(rki_entity_pending(log, leaves.items[i].entity, -1, error));
        RK_TRY(rki_entity_forget(log, leaves.items[i].entity, error));
    }
    RK_TRY(delete_leaves(log, place, error));
    return run_2(log, RKI_BATCH_DELETE, replica, number, error);
}

rk_status rki_drop_pending(rk_log *log, uint64_t replica, uint64_t number, rk_error *error) {
    RK_ASSERT(log->writing);
    known_batch known;
    RK_TRY(find_batch(log, replica, number, &known, error));
    if (!known.there || !known.pending) {
        return rk_fail(error, RK_NOT_FOUND, "batch", "batch %u of this replica is not pending", number);
    }
    rk_status status = rki_settled(log, drop_work(log, replica, number, known.place, error));
    rk_arena_free(&log->scratch);
    return status;
}

/* ---- truncating ---- */

typedef struct touched_entity {
    uint64_t key;
    uint64_t version;  /* the lowest that is taken back */
    uint64_t previous; /* where the event before that one is */
} touched_entity;

typedef struct taken_batch {
    uint64_t replica;
    uint64_t number;
    known_batch known;
} taken_batch;

typedef struct undo {
    rk_log *log;
    uint64_t record;
    uint64_t position; /* the last one that stays */
    rk_map batches;    /* record number to taken_batch */
    rk_map touched;    /* entity key to touched_entity */
} undo;

static rk_status undo_put(rk_map *map, const void *key, size_t key_size, void *value, rk_error *error) {
    if (rk_map_set(map, rk_bytes_of(key, key_size), value) != RK_OK) return no_memory(error);
    return RK_OK;
}

static rk_status collect_batches(undo *undo, rk_error *error) {
    rk_arena *scratch = &undo->log->scratch;
    rk_map_init(&undo->batches, scratch);
    rki_query query;
    RK_TRY(rki_query_start(undo->log, RKI_RECORD_AFTER, &query, error));
    rki_bind(&query, 1, undo->record);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        uint64_t *number = rk_arena_take(scratch, sizeof *number);
        taken_batch *batch = rk_arena_take(scratch, sizeof *batch);
        if (!number || !batch) RK_TRY_DONE(no_memory(error));
        *number = rki_column(&query, 0);
        batch->replica = rki_column(&query, 1);
        batch->number = rki_column(&query, 2);
        RK_TRY_DONE(find_batch(undo->log, batch->replica, batch->number, &batch->known, error));
        RK_TRY_DONE(undo_put(&undo->batches, number, sizeof *number, batch, error));
    }
done:
    rki_query_end(&query);
    return status;
}

/* An entity's events come in the order of their versions. */
static rk_status touch(undo *undo, const rki_query *row, rk_error *error) {
    uint64_t entity = rki_column(row, 2);
    touched_entity *touched = rk_map_get(&undo->touched, rk_bytes_of(&entity, sizeof entity));
    if (touched) return RK_OK;
    touched = rk_arena_take(&undo->log->scratch, sizeof *touched);
    if (!touched) return no_memory(error);
    *touched = (touched_entity){.key = entity, .version = rki_column(row, 3), .previous = rki_column(row, 8)};
    return undo_put(&undo->touched, &touched->key, sizeof touched->key, touched, error);
}

/* One event leaves the log: back among the pending leaves where its batch is own, else for good. */
static rk_status take_back_event(undo *undo, const rki_query *row, rk_error *error) {
    rk_log *log = undo->log;
    uint64_t record = rki_column(row, 1), entity = rki_column(row, 2), leaf_index = rki_column(row, 4);
    const taken_batch *batch = rk_map_get(&undo->batches, rk_bytes_of(&record, sizeof record));
    if (!batch || !batch->known.there) {
        return rk_fail(error, RK_CORRUPT, "log.db", "record %u or its batch is not there", record);
    }
    RK_TRY(touch(undo, row, error));
    rk_leaf leaf = {.kind = RK_LEAF_EVENT, .bytes = rki_column_bytes(row, 7)};
    rk_id id;
    rk_bytes name;
    RK_TRY(rki_leaf_event(log, &leaf, &id, &name, error));
    RK_TRY(rki_id_delete(log, id, error));
    if (!batch->known.own) return RK_OK;
    uint64_t key = batch->known.place << RKI_LEAF_BITS | leaf_index;
    bool known = false;
    RK_TRY(rki_id_insert(log, id, -(int64_t)key, &known, error));
    RK_TRY(rki_entity_pending(log, entity, 1, error));
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_LEAF_INSERT, &query, error));
    rki_bind(&query, 1, key);
    rki_bind(&query, 2, RK_LEAF_EVENT);
    rki_bind(&query, 3, rki_column(row, 5));
    rki_bind_bytes(&query, 4, rki_column_bytes(row, 6));
    rki_bind_bytes(&query, 5, leaf.bytes);
    rki_bind(&query, 6, entity);
    return rki_query_run(&query, error);
}

static rk_status take_back_events(undo *undo, rk_error *error) {
    rk_map_init(&undo->touched, &undo->log->scratch);
    rki_query query;
    RK_TRY(rki_query_start(undo->log, RKI_EVENT_AFTER, &query, error));
    rki_bind(&query, 1, undo->position);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        RK_TRY_DONE(take_back_event(undo, &query, error));
    }
    rki_query_end(&query);
    return run_1(undo->log, RKI_EVENT_DELETE_AFTER, undo->position, error);
done:
    rki_query_end(&query);
    return status;
}

/* A refused event of an own batch counts as pending again. */
static rk_status reopen_leaf(rk_log *log, const kept_leaf *leaf, rk_error *error) {
    rk_id id;
    rk_bytes name;
    uint64_t entity = 0;
    bool known = false;
    if (leaf->leaf.kind != RK_LEAF_EVENT || leaf->entity) return RK_OK;
    RK_TRY(rki_leaf_event(log, &leaf->leaf, &id, &name, error));
    RK_TRY(rki_entity_key(log, name, true, &entity, error));
    RK_TRY(rki_entity_pending(log, entity, 1, error));
    RK_TRY(rki_id_insert(log, id, -(int64_t)leaf->key, &known, error));
    return run_2(log, RKI_LEAF_ENTITY, leaf->key, entity, error);
}

static rk_status take_back_batch(rk_log *log, const taken_batch *batch, rk_error *error) {
    RK_TRY(run_2(log, RKI_VERDICT_DROP, batch->replica, batch->number, error));
    if (!batch->known.own) {
        RK_TRY(delete_leaves(log, batch->known.place, error));
        return run_2(log, RKI_BATCH_DELETE, batch->replica, batch->number, error);
    }
    kept_leaves leaves;
    RK_TRY(read_leaves(log, batch->known.place, &leaves, error));
    for (size_t i = 0; i < leaves.count; i++) RK_TRY(reopen_leaf(log, &leaves.items[i], error));
    return run_2(log, RKI_BATCH_REOPEN, batch->replica, batch->number, error);
}

/* ---- what entities and states are after it ---- */

static rk_status set_back_entity(rk_log *log, const touched_entity *touched, rk_error *error) {
    RK_TRY(run_2(log, RKI_STATE_DROP_FROM, touched->key, touched->version, error));
    RK_TRY(run_2(log, RKI_FILED_DELETE, touched->key, touched->version - 1, error));
    if (touched->version == 1) return rki_entity_forget(log, touched->key, error);
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_FILED_PUT, &query, error));
    rki_bind(&query, 1, touched->key);
    rki_bind(&query, 2, touched->version - 1);
    rki_bind(&query, 3, touched->previous);
    rki_bind(&query, 3 * RKI_ROWS + 1, 1);
    return rki_query_run(&query, error);
}

static rk_status truncate_work(undo *undo, rk_error *error) {
    rk_log *log = undo->log;
    RK_TRY(rki_fresh_file(log, error));
    RK_TRY(collect_batches(undo, error));
    RK_TRY(take_back_events(undo, error));
    for (size_t i = 0; i < undo->batches.entry_count; i++) {
        RK_TRY(take_back_batch(log, undo->batches.entries[i].value, error));
    }
    RK_TRY(run_1(log, RKI_RECORD_DELETE_AFTER, undo->record, error));
    rki_filed_to(log, undo->position);
    for (size_t i = 0; i < undo->touched.entry_count; i++) {
        RK_TRY(set_back_entity(log, undo->touched.entries[i].value, error));
    }
    /* also of untouched entities that say they stand at a position which is no more */
    RK_TRY(run_1(log, RKI_STATE_DROP_PAST, undo->position, error));
    RK_TRY(rki_index_forget(log, error));
    return rki_last_record(log, &log->head, error);
}

static rk_status position_after(rk_log *log, uint64_t record, uint64_t *position_out, rk_error *error) {
    rki_query query;
    *position_out = 0;
    if (record == 0) return RK_OK;
    RK_TRY(rki_query_start(log, RKI_RECORD_PLACE, &query, error));
    rki_bind(&query, 1, record);
    bool row = false;
    rk_status status = rki_query_step(&query, &row, error);
    if (row) *position_out = rki_column(&query, 1);
    rki_query_end(&query);
    if (status != RK_OK || row) return status;
    return rk_fail(error, RK_CORRUPT, "log.db", "record %u is not there", record);
}

rk_status rki_truncate(rk_log *log, uint64_t record, rk_error *error) {
    RK_ASSERT(log->writing);
    if (record >= log->head.record) return RK_OK;
    undo undo = {.log = log, .record = record};
    rki_known_clear(log);
    RK_TRY(position_after(log, record, &undo.position, error));
    rk_status status = rki_settled(log, truncate_work(&undo, error));
    rk_arena_free(&log->scratch);
    return status;
}
