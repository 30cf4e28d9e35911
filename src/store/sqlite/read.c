/*
 * Reading: the head, events, entities, batches, records.
 *
 * Invariants
 *   (1) A walk over positions or versions is gapless up to where it must end, else it is damage: an index that hides
 *       rows is not passed on as a shorter log.
 *   (2) A slot that asks several times sees one view.
 */
#include <string.h>

#include "store/sqlite/internal.h"

static rk_status no_memory(rk_error *error) {
    return rk_fail(error, RK_NO_MEMORY, "log.db", "no memory for what was read");
}

static rk_status copy(rk_arena *arena, rk_bytes bytes, rk_bytes *copy_out, rk_error *error) {
    return rk_arena_copy(arena, bytes, copy_out) == RK_OK ? RK_OK : no_memory(error);
}

/* Numbers above what SQLite holds are bounds like "to the end". */
static uint64_t bound(uint64_t number) {
    return number > INT64_MAX ? INT64_MAX : number;
}

/* ---- head ---- */

rk_status rki_last_record(rk_log *log, rk_log_head *head_out, rk_error *error) {
    *head_out = (rk_log_head){0};
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_RECORD_LAST, &query, error));
    bool row = false;
    rk_status status = rki_query_step(&query, &row, error);
    if (row) {
        head_out->record = rki_column(&query, 0);
        head_out->epoch = rki_column(&query, 1);
        head_out->commit_stamp = rki_column(&query, 2);
        head_out->position = rki_column(&query, 3);
        head_out->record_hash = rk_sha256(log->crypto, rki_column_bytes(&query, 4));
    }
    rki_query_end(&query);
    return status;
}

void rki_head_see(rk_log *log, const rk_log_head *head) {
    log->seen = true;
    log->seen_head = *head;
    log->seen_sequence = log->sequence;
}

rk_status rki_head_seen(rk_log *log, rk_log_head *head_out, rk_error *error) {
    if (log->seen && log->seen_sequence == log->sequence) return *head_out = log->seen_head, RK_OK;
    RK_TRY(rki_last_record(log, head_out, error));
    rki_head_see(log, head_out);
    return RK_OK;
}

rk_status rki_head(rk_log *log, rk_log_head *head_out, rk_error *error) {
    if (log->writing) return *head_out = log->head, RK_OK;
    if (!log->in_transaction) return rki_last_record(log, head_out, error);
    return rki_head_seen(log, head_out, error);
}

/* ---- events ---- */

rk_stored_event rki_event_row(const rki_query *query, int column) {
    return (rk_stored_event){.position = rki_column(query, column),
                             .version = rki_column(query, column + 1),
                             .record = rki_column(query, column + 2),
                             .commit_stamp = rki_column(query, column + 3),
                             .replica = rki_column(query, column + 4),
                             .batch = rki_column(query, column + 5),
                             .leaf = (uint32_t)rki_column(query, column + 6),
                             .transaction = (uint32_t)rki_column(query, column + 7),
                             .bytes = rki_column_bytes(query, column + 8)};
}

typedef struct event_walk {
    rk_log *log;
    uint64_t after;
    uint64_t end;      /* the last position or version that must come */
    uint64_t expected; /* the one that comes next */
    bool by_version;
    rk_bytes entity;
    rk_event_visitor visit;
    void *context;
    rk_error *error;
} event_walk;

static rk_status missing(const event_walk *walk) {
    if (walk->by_version) {
        return rki_damage(walk->log, walk->error, "log.db", "version %u of %b is not there", walk->expected,
                          walk->entity);
    }
    return rki_damage(walk->log, walk->error, "log.db", "the event at position %u is not there", walk->expected);
}

/* A visitor of its own. */
static rk_status tell_event(void *context, const rk_stored_event *event) {
    event_walk *walk = context;
    uint64_t found = walk->by_version ? event->version : event->position;
    if (found != walk->expected) RK_TRY(missing(walk));
    walk->expected = found + 1;
    return walk->visit(walk->context, event);
}

static rk_status walk_rows(event_walk *walk, rki_query *query) {
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(query, &row, walk->error));
        if (!row) break;
        rk_stored_event event = rki_event_row(query, 0);
        RK_TRY_DONE(tell_event(walk, &event));
    }
done:
    rki_query_end(query);
    return status;
}

static rk_status walk_end(const event_walk *walk) {
    return walk->expected <= walk->end ? missing(walk) : RK_OK;
}

static rk_status last_position(rk_log *log, uint64_t *position_out, rk_error *error) {
    rk_log_head head;
    if (log->writing) {
        *position_out = log->head.position;
        return RK_OK;
    }
    rk_status status = rki_head(log, &head, error);
    *position_out = head.position;
    return status;
}

static rk_status events_in_view(rk_log *log, event_walk *walk, uint64_t up_to, rk_error *error) {
    RK_TRY(last_position(log, &walk->end, error));
    if (up_to < walk->end) walk->end = up_to;
    if (walk->after >= walk->end) return RK_OK;
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_EVENT_WALK, &query, error));
    rki_bind(&query, 1, walk->after);
    rki_bind(&query, 2, walk->end);
    RK_TRY(walk_rows(walk, &query));
    return walk_end(walk);
}

rk_status rki_events(rk_log *log, uint64_t after, uint64_t up_to, rk_event_visitor visit, void *context,
                     rk_error *error) {
    bool entered = false;
    RK_TRY(rki_view_enter(log, &entered, error));
    event_walk walk = {
        .log = log, .after = after, .expected = after + 1, .visit = visit, .context = context, .error = error};
    rk_status status = events_in_view(log, &walk, up_to, error);
    rki_view_leave(log, entered);
    return status;
}

rk_status rki_entity_find(rk_log *log, rk_bytes name, uint64_t *key_out, rk_stored_entity *entity_out,
                          rk_error *error) {
    *key_out = 0;
    *entity_out = (rk_stored_entity){.entity = name};
    const rki_known *known = log->writing ? rki_known_get(log, name) : NULL;
    if (known) {
        *key_out = known->key;
        entity_out->version = known->version;
        entity_out->position = known->position;
        return RK_OK;
    }
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_ENTITY_GET, &query, error));
    rki_bind_bytes(&query, 1, name);
    bool row = false;
    rk_status status = rki_query_step(&query, &row, error);
    if (row) {
        *key_out = rki_column(&query, 0);
        entity_out->version = rki_column(&query, 1);
        entity_out->position = rki_column(&query, 2);
    }
    rki_query_end(&query);
    if (status != RK_OK || !row) return status;
    RK_TRY(rki_fresh_know(log, error));
    rki_fresh_last(log, *key_out, entity_out);
    return RK_OK;
}

/* At most RKI_ROWS. */
static rk_status visit_some(rk_log *log, const uint64_t *positions, size_t count, rk_event_visitor visit, void *context,
                            rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_EVENTS_AT, &query, error));
    for (size_t i = 0; i < count; i++) rki_bind(&query, (int)i + 1, positions[i]);
    rki_bind(&query, RKI_ROWS + 1, count);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        rk_stored_event event = rki_event_row(&query, 0);
        RK_TRY_DONE(visit(context, &event));
    }
done:
    rki_query_end(&query);
    return status;
}

rk_status rki_events_visit(rk_log *log, const uint64_t *positions, size_t count, rk_event_visitor visit, void *context,
                           rk_error *error) {
    for (size_t first = 0; first < count; first += RKI_ROWS) {
        RK_TRY(visit_some(log, positions + first, rki_rows_next(count - first), visit, context, error));
    }
    return RK_OK;
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* The filed ones, then the fresh. */
static rk_status entity_events_in_view(rk_log *log, event_walk *walk, uint64_t up_to, rk_error *error) {
    uint64_t key = 0;
    rk_stored_entity entity;
    RK_TRY(rki_entity_find(log, walk->entity, &key, &entity, error));
    walk->end = least(up_to, entity.version);
    if (walk->after >= walk->end) return RK_OK;
    rki_fresh_item item;
    bool more = rki_fresh_first(log, key, &item);
    uint64_t filed = more ? item.version - 1 : entity.version;
    RK_TRY(rki_chain_visit(log, key, walk->after, least(filed, walk->end), tell_event, walk, error));
    for (; more; more = rki_fresh_next(log, &item)) {
        if (item.version <= walk->after || item.version > walk->end) continue;
        RK_TRY(rki_events_visit(log, &item.position, 1, tell_event, walk, error));
    }
    return walk_end(walk);
}

rk_status rki_entity_events(rk_log *log, rk_bytes entity, uint64_t after, uint64_t up_to, rk_event_visitor visit,
                            void *context, rk_error *error) {
    bool entered = false;
    RK_TRY(rki_view_enter(log, &entered, error));
    event_walk walk = {.log = log,
                       .after = after,
                       .expected = after + 1,
                       .by_version = true,
                       .entity = entity,
                       .visit = visit,
                       .context = context,
                       .error = error};
    rk_status status = entity_events_in_view(log, &walk, up_to, error);
    rki_view_leave(log, entered);
    return status;
}

static rk_stored_event pending_row(const rki_query *query) {
    return (rk_stored_event){.replica = rki_column(query, 0),
                             .batch = rki_column(query, 1),
                             .leaf = (uint32_t)(rki_column(query, 2) & ((1U << RKI_LEAF_BITS) - 1)),
                             .transaction = (uint32_t)rki_column(query, 3),
                             .bytes = rki_column_bytes(query, 4)};
}

rk_status rki_pending_events(rk_log *log, rk_bytes entity, rk_event_visitor visit, void *context, rk_error *error) {
    uint64_t key = 0;
    if (entity.size > 0) {
        RK_TRY(rki_entity_key(log, entity, false, &key, error));
        if (key == 0) return RK_OK;
    }
    rki_query query;
    RK_TRY(rki_query_start(log, key ? RKI_PENDING_WALK_ENTITY : RKI_PENDING_WALK, &query, error));
    if (key) rki_bind(&query, 1, key);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        rk_stored_event event = pending_row(&query);
        RK_TRY_DONE(visit(context, &event));
    }
done:
    rki_query_end(&query);
    return status;
}

rk_status rki_id_find(rk_log *log, rk_id id, int64_t *place_out, rk_error *error) {
    *place_out = (int64_t)rki_fresh_place(log, id);
    if (*place_out > 0) return RK_OK;
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_ID_GET, &query, error));
    rki_bind(&query, 1, id.stamp);
    rki_bind(&query, 2, id.replica);
    bool row = false;
    rk_status status = rki_query_step(&query, &row, error);
    if (row) *place_out = (int64_t)rki_column(&query, 0);
    rki_query_end(&query);
    return status;
}

static rk_status event_of_id(rk_log *log, rk_arena *arena, rk_id id, rk_stored_event *event_out, rk_error *error) {
    int64_t place = 0;
    RK_TRY(rki_fresh_know(log, error));
    RK_TRY(rki_id_find(log, id, &place, error));
    char text[RK_ULID_SIZE + 1] = {0};
    rk_id_print(id, text);
    if (place == 0) return rk_fail(error, RK_NOT_FOUND, text, "no such event is in the log or pending");
    rki_query query;
    RK_TRY(rki_query_start(log, place > 0 ? RKI_EVENT_WALK : RKI_PENDING_GET, &query, error));
    rki_bind(&query, 1, (uint64_t)(place > 0 ? place - 1 : -place));
    if (place > 0) rki_bind(&query, 2, (uint64_t)place);
    bool row = false;
    rk_status status;
    RK_TRY_DONE(rki_query_step(&query, &row, error));
    if (!row) {
        status = rk_fail(error, RK_CORRUPT, text, "this event's id is there and its bytes are not");
        goto done;
    }
    *event_out = place > 0 ? rki_event_row(&query, 0) : pending_row(&query);
    status = copy(arena, event_out->bytes, &event_out->bytes, error);
done:
    rki_query_end(&query);
    return status;
}

rk_status rki_event_of_id(rk_log *log, rk_arena *arena, rk_id id, rk_stored_event *event_out, rk_error *error) {
    *event_out = (rk_stored_event){0};
    bool entered = false;
    RK_TRY(rki_view_enter(log, &entered, error));
    rk_status status = event_of_id(log, arena, id, event_out, error);
    rki_view_leave(log, entered);
    return status;
}

/* ---- entities ---- */

rk_status rki_entity(rk_log *log, rk_bytes entity, rk_stored_entity *entity_out, rk_error *error) {
    uint64_t key = 0;
    bool entered = false;
    RK_TRY(rki_view_enter(log, &entered, error));
    rk_status status = rki_entity_find(log, entity, &key, entity_out, error);
    rki_view_leave(log, entered);
    return status;
}

rk_status rki_entities(rk_log *log, rk_bytes prefix, rk_entity_visitor visit, void *context, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_ENTITY_WALK, &query, error));
    rki_bind_bytes(&query, 1, prefix);
    rk_status status;
    for (bool row = false;;) {
        bool first = !row;
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row || !rk_bytes_starts_with(rki_column_bytes(&query, 0), prefix)) break;
        if (first) RK_TRY_DONE(rki_fresh_know(log, error));
        rk_stored_entity entity = {rki_column_bytes(&query, 0), rki_column(&query, 3), rki_column(&query, 4)};
        rki_fresh_last(log, rki_column(&query, 2), &entity);
        if (entity.version > 0 || rki_column(&query, 1) > 0) RK_TRY_DONE(visit(context, &entity));
    }
done:
    rki_query_end(&query);
    return status;
}

/* ---- batches ---- */

typedef struct batch_row {
    rk_stored_batch *batch;
    uint64_t place;
} batch_row;

static rk_status read_batch_row(rk_arena *arena, const rki_query *query, batch_row *row, rk_error *error) {
    rk_bytes root = rki_column_bytes(query, 2);
    rk_stored_batch *batch = row->batch;
    *batch = (rk_stored_batch){.replica = rki_column(query, 0), .number = rki_column(query, 1)};
    bool pending = rki_column_null(query, 3);
    batch->state = pending ? RK_BATCH_PENDING : RK_BATCH_COMMITTED;
    batch->record = rki_column(query, 3);
    batch->own = rki_column(query, 4) != 0;
    row->place = rki_column(query, 7);
    uint64_t leaf_count = rki_column(query, 6);
    if (root.size != RK_HASH_SIZE || leaf_count == 0 || leaf_count > RK_BATCH_LEAVES_MAX) {
        return rk_fail(error, RK_CORRUPT, "log.db", "batch %u of replica %u has a row that is none", batch->number,
                       batch->replica);
    }
    memcpy(batch->root.bytes, root.data, RK_HASH_SIZE);
    batch->leaf_count = (size_t)leaf_count;
    return copy(arena, rki_column_bytes(query, 5), &batch->seal, error);
}

static rk_status damaged_batch(const rk_stored_batch *batch, rk_error *error) {
    return rk_fail(error, RK_CORRUPT, "log.db", "batch %u of replica %u does not have its leaves", batch->number,
                   batch->replica);
}

/* Each leaf comes once, from table event or table leaf; `filled` tells. */
static rk_status put_leaf(rk_arena *arena, rk_stored_batch *batch, bool *filled, uint64_t index, rk_leaf_kind kind,
                          rk_bytes salt, rk_bytes bytes, rk_error *error) {
    if (index >= batch->leaf_count || filled[index] || (unsigned)kind > RK_LEAF_HASH)
        return damaged_batch(batch, error);
    filled[index] = true;
    rk_leaf *leaf = &batch->leaves[index];
    leaf->kind = kind;
    if (kind == RK_LEAF_HASH) {
        if (bytes.size != RK_HASH_SIZE) return damaged_batch(batch, error);
        memcpy(leaf->hash.bytes, bytes.data, RK_HASH_SIZE);
        return RK_OK;
    }
    if (salt.size != RK_SALT_SIZE) return damaged_batch(batch, error);
    memcpy(leaf->salt, salt.data, RK_SALT_SIZE);
    return copy(arena, bytes, &leaf->bytes, error);
}

static rk_status read_kept_leaves(rk_log *log, rk_arena *arena, const batch_row *row, bool *filled, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_LEAF_WALK, &query, error));
    rki_bind(&query, 1, row->place << RKI_LEAF_BITS);
    rki_bind(&query, 2, ((row->place + 1) << RKI_LEAF_BITS) - 1);
    rk_status status;
    for (bool there = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &there, error));
        if (!there) break;
        RK_TRY_DONE(put_leaf(arena, row->batch, filled, rki_column(&query, 0) & ((1U << RKI_LEAF_BITS) - 1),
                             (rk_leaf_kind)rki_column(&query, 1), rki_column_bytes(&query, 3),
                             rki_column_bytes(&query, 4), error));
    }
done:
    rki_query_end(&query);
    return status;
}

/* row_out false: there is no such record. */
static rk_status record_place(rk_log *log, uint64_t record, bool *row_out, rk_stamp *stamp_out, uint64_t *position_out,
                              rk_error *error) {
    *row_out = false;
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_RECORD_PLACE, &query, error));
    rki_bind(&query, 1, record);
    rk_status status = rki_query_step(&query, row_out, error);
    *stamp_out = *row_out ? rki_column(&query, 0) : 0;
    *position_out = *row_out ? rki_column(&query, 1) : 0;
    rki_query_end(&query);
    return status;
}

static rk_status read_event_leaves(rk_log *log, rk_arena *arena, rk_stored_batch *batch, bool *filled,
                                   rk_error *error) {
    bool row = false;
    rk_stamp stamp = 0;
    uint64_t before = 0, last = 0;
    RK_TRY(record_place(log, batch->record - 1, &row, &stamp, &before, error));
    RK_TRY(record_place(log, batch->record, &row, &stamp, &last, error));
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_EVENT_LEAVES, &query, error));
    rki_bind(&query, 1, before);
    rki_bind(&query, 2, last);
    rk_status status;
    for (;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        RK_TRY_DONE(put_leaf(arena, batch, filled, rki_column(&query, 0), RK_LEAF_EVENT, rki_column_bytes(&query, 1),
                             rki_column_bytes(&query, 2), error));
    }
done:
    rki_query_end(&query);
    return status;
}

static rk_status read_leaves(rk_log *log, rk_arena *arena, const batch_row *row, rk_error *error) {
    rk_stored_batch *batch = row->batch;
    batch->leaves = rk_arena_take_array(arena, batch->leaf_count, sizeof *batch->leaves);
    bool *filled = rk_arena_take_array(arena, batch->leaf_count, sizeof *filled);
    if (!batch->leaves || !filled) return no_memory(error);
    RK_TRY(read_kept_leaves(log, arena, row, filled, error));
    if (batch->state == RK_BATCH_COMMITTED) RK_TRY(read_event_leaves(log, arena, batch, filled, error));
    for (size_t i = 0; i < batch->leaf_count; i++) {
        if (!filled[i]) return damaged_batch(batch, error);
    }
    return RK_OK;
}

static rk_status no_batch(rk_error *error, uint64_t number) {
    return rk_fail(error, RK_NOT_FOUND, "batch", "batch %u of this replica is not here", number);
}

static rk_status batch_in_view(rk_log *log, rk_arena *arena, uint64_t replica, uint64_t number,
                               rk_stored_batch *batch_out, rk_error *error) {
    batch_row found = {.batch = batch_out};
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_BATCH_GET, &query, error));
    rki_bind(&query, 1, replica);
    rki_bind(&query, 2, number);
    bool row = false;
    rk_status status = rki_query_step(&query, &row, error);
    if (row) status = read_batch_row(arena, &query, &found, error);
    rki_query_end(&query);
    if (status != RK_OK) return status;
    return row ? read_leaves(log, arena, &found, error) : no_batch(error, number);
}

rk_status rki_batch(rk_log *log, rk_arena *arena, uint64_t replica, uint64_t number, rk_stored_batch *batch_out,
                    rk_error *error) {
    *batch_out = (rk_stored_batch){0};
    if (number > INT64_MAX) return no_batch(error, number);
    bool entered = false;
    RK_TRY(rki_view_enter(log, &entered, error));
    rk_status status = batch_in_view(log, arena, replica, number, batch_out, error);
    rki_view_leave(log, entered);
    return status;
}

rk_status rki_last_batch(rk_log *log, rk_arena *arena, uint64_t replica, rk_stored_batch *batch_out, rk_error *error) {
    *batch_out = (rk_stored_batch){0};
    batch_row found = {.batch = batch_out};
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_BATCH_LAST, &query, error));
    rki_bind(&query, 1, replica);
    bool row = false;
    rk_status status = rki_query_step(&query, &row, error);
    if (row) status = read_batch_row(arena, &query, &found, error);
    rki_query_end(&query);
    return status;
}

rk_status rki_pending_batches(rk_log *log, rk_arena *arena, rk_batch_visitor visit, void *context, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_BATCH_PENDING, &query, error));
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        rk_stored_batch batch;
        batch_row found = {.batch = &batch};
        RK_TRY_DONE(read_batch_row(arena, &query, &found, error));
        RK_TRY_DONE(read_leaves(log, arena, &found, error));
        RK_TRY_DONE(visit(context, &batch));
    }
done:
    rki_query_end(&query);
    return status;
}

/* ---- records ---- */

rk_status rki_record(rk_log *log, rk_arena *arena, uint64_t number, rk_bytes *bytes_out, rk_error *error) {
    *bytes_out = (rk_bytes){NULL, 0};
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_RECORD_GET, &query, error));
    rki_bind(&query, 1, bound(number));
    bool row = false;
    rk_status status;
    RK_TRY_DONE(rki_query_step(&query, &row, error));
    status = row ? copy(arena, rki_column_bytes(&query, 2), bytes_out, error)
                 : rk_fail(error, RK_NOT_FOUND, "record", "record %u is not here", number);
done:
    rki_query_end(&query);
    return status;
}

/* Commit stamps ascend with the record number, which is gapless: halve until the last one that is not later. */
static rk_status position_at(rk_log *log, rk_stamp stamp, uint64_t *position_out, rk_error *error) {
    rk_log_head head;
    RK_TRY(rki_head(log, &head, error));
    uint64_t low = 0, high = head.record;
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2, position = 0;
        rk_stamp found = 0;
        bool row = false;
        RK_TRY(record_place(log, middle, &row, &found, &position, error));
        if (!row) return rk_fail(error, RK_CORRUPT, "log.db", "record %u is not there", middle);
        if (found <= stamp) {
            low = middle;
            *position_out = position;
        } else {
            high = middle - 1;
        }
    }
    return RK_OK;
}

rk_status rki_position_at(rk_log *log, rk_stamp stamp, uint64_t *position_out, rk_error *error) {
    *position_out = 0;
    bool entered = false;
    RK_TRY(rki_view_enter(log, &entered, error));
    rk_status status = position_at(log, stamp, position_out, error);
    rki_view_leave(log, entered);
    return status;
}
