/*
 * Appending: batches with their records, and pending batches.
 *
 * Invariants
 *   (1) Every refusal is found before the first change, so that it leaves the transaction as it was; only the ids of
 *       pending events are tried by inserting them, and taken out again when one is known.
 *   (2) A failure past that leaves the handle broken until rollback.
 *   (3) An entity is looked up once an append, for the read set and for its events, and not again while nobody else
 *       writes (known). Only a new one is written, and counts of pending events.
 */
#include <string.h>

#include "base/map.h"
#include "store/sqlite/internal.h"

typedef struct entity_row {
    uint64_t key; /* 0: it is not stored, and no event of it was met */
    uint64_t version;
    uint64_t position;
    bool stored;
    bool wanted; /* an event here is of it; else it was only read */
} entity_row;

typedef struct new_event {
    const rk_leaf *leaf;
    uint32_t leaf_index;
    uint32_t transaction;
    rk_id id;
    entity_row *entity;
    uint64_t position;
    uint64_t version;  /* of the entity with it */
    uint64_t previous; /* where the entity's event before it is; 0: it is the first */
} new_event;

/* One append under way; all of it lies in the handle's scratch. */
typedef struct work {
    rk_log *log;
    const rk_batch *batch;
    const rk_record *record;
    uint64_t place;
    rk_map entities; /* name to entity_row */
    new_event *events;
    size_t event_count;
} work;

rk_status rki_settled(rk_log *log, rk_status status) {
    if (status != RK_OK) log->broken = true;
    log->changed = true;
    return status;
}

/* ---- what is known of entities ---- */

enum { KNOWN_MAX = 1 << 14, KNOWN_SIZE_MAX = 32 << 20 };

void rki_known_clear(rk_log *log) {
    rk_arena_free(&log->known_arena);
    rk_arena_init(&log->known_arena, log->memory, KNOWN_SIZE_MAX);
    rk_map_init(&log->known, &log->known_arena);
    log->id_last_known = false;
}

const rki_known *rki_known_get(rk_log *log, rk_bytes name) {
    return rk_map_get(&log->known, name);
}

/* What does not fit is not known. */
static void know(rk_log *log, rk_bytes name, const entity_row *row) {
    rki_known *known = rk_map_get(&log->known, name);
    if (!known) {
        rk_bytes kept;
        if (log->known.entry_count >= KNOWN_MAX) rki_known_clear(log);
        known = rk_arena_take(&log->known_arena, sizeof *known);
        if (!known || rk_arena_copy(&log->known_arena, name, &kept) != RK_OK) return;
        if (rk_map_set(&log->known, kept, known) != RK_OK) return;
    }
    *known = (rki_known){row->key, row->version, row->position};
}

/* ---- entities and ids ---- */

rk_status rki_entity_key(rk_log *log, rk_bytes name, bool make, uint64_t *key_out, rk_error *error) {
    const rki_known *known = log->writing ? rki_known_get(log, name) : NULL;
    *key_out = known ? known->key : 0;
    if (known) return RK_OK;
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_ENTITY_GET, &query, error));
    rki_bind_bytes(&query, 1, name);
    bool row = false;
    rk_status status = rki_query_step(&query, &row, error);
    if (row) *key_out = rki_column(&query, 0);
    rki_query_end(&query);
    if (status != RK_OK || row || !make) return status;
    *key_out = ++log->entity;
    RK_TRY(rki_query_start(log, RKI_ENTITY_INSERT, &query, error));
    rki_bind(&query, 1, *key_out);
    rki_bind_bytes(&query, 2, name);
    return rki_query_run(&query, error);
}

rk_status rki_entity_pending(rk_log *log, uint64_t key, int by, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_ENTITY_PENDING, &query, error));
    rki_bind(&query, 1, key);
    rki_bind(&query, 2, (uint64_t)(int64_t)by);
    return rki_query_run(&query, error);
}

static rk_status entity_row_get(rk_log *log, rk_bytes name, entity_row *row_out, rk_error *error) {
    *row_out = (entity_row){0};
    rk_stored_entity entity;
    RK_TRY(rki_entity_find(log, name, &row_out->key, &entity, error));
    row_out->stored = row_out->key > 0;
    row_out->version = entity.version;
    row_out->position = entity.position;
    return RK_OK;
}

/* The entity's row as this append has it so far. `name` must live as long as the append. */
static rk_status entity_of(work *work, rk_bytes name, entity_row **row_out, rk_error *error) {
    *row_out = rk_map_get(&work->entities, name);
    if (*row_out) return RK_OK;
    entity_row *row = rk_arena_take(&work->log->scratch, sizeof *row);
    if (!row) return rk_fail(error, RK_NO_MEMORY, "append", "no memory for its entities");
    RK_TRY(entity_row_get(work->log, name, row, error));
    *row_out = row;
    if (rk_map_set(&work->entities, name, row) == RK_OK) return RK_OK;
    return rk_fail(error, RK_NO_MEMORY, "append", "no memory for its entities");
}

/* Writes those that are new. */
static rk_status entities_insert(work *work, rk_error *error) {
    for (size_t i = 0; i < work->entities.entry_count; i++) {
        entity_row *row = work->entities.entries[i].value;
        rki_query query;
        if (!row->wanted || row->stored) continue;
        RK_TRY(rki_query_start(work->log, RKI_ENTITY_INSERT, &query, error));
        rki_bind(&query, 1, row->key);
        rki_bind_bytes(&query, 2, work->entities.entries[i].key);
        RK_TRY(rki_query_run(&query, error));
        row->stored = true;
    }
    return RK_OK;
}

static void know_all(work *work) {
    for (size_t i = 0; i < work->entities.entry_count; i++) {
        const entity_row *row = work->entities.entries[i].value;
        if (row->stored) know(work->log, work->entities.entries[i].key, row);
    }
}

rk_status rki_leaf_event(rk_log *log, const rk_leaf *leaf, rk_id *id_out, rk_bytes *name_out, rk_error *error) {
    rk_event decoded;
    const rk_event *event = &leaf->event;
    *name_out = (rk_bytes){NULL, 0};
    if (event->module.size == 0) { /* sealed here, or read from the tables: only bytes are sure */
        RK_TRY(rk_event_decode(&log->scratch, leaf->bytes, &decoded, error));
        event = &decoded;
    }
    *id_out = event->id;
    size_t size = event->module.size + 1 + event->entity.size;
    uint8_t *name = rk_arena_take(&log->scratch, size);
    if (!name) return rk_fail(error, RK_NO_MEMORY, "append", "no memory for its entities");
    memcpy(name, event->module.data, event->module.size);
    name[event->module.size] = '/';
    memcpy(name + event->module.size + 1, event->entity.data, event->entity.size);
    *name_out = rk_bytes_of(name, size);
    return RK_OK;
}

rk_status rki_id_insert(rk_log *log, rk_id id, int64_t place, bool *known_out, rk_error *error) {
    rki_query query;
    *known_out = false;
    log->id_last_known = false;
    RK_TRY(rki_query_start(log, RKI_ID_INSERT, &query, error));
    rki_bind(&query, 1, id.stamp);
    rki_bind(&query, 2, id.replica);
    rki_bind(&query, 3, (uint64_t)place);
    RK_TRY(rki_query_run(&query, error));
    *known_out = sqlite3_changes(log->db) == 0;
    return RK_OK;
}

rk_status rki_id_delete(rk_log *log, rk_id id, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_ID_DELETE, &query, error));
    rki_bind(&query, 1, id.stamp);
    rki_bind(&query, 2, id.replica);
    return rki_query_run(&query, error);
}

static rk_status refuse_id(rk_id id, rk_error *error) {
    char text[RK_ULID_SIZE + 1] = {0};
    rk_id_print(id, text);
    return rk_fail(error, RK_ID_CONFLICT, text, "this event id is in the log already");
}

/* As rki_id_find, but a stamp past all in the table is not looked for there. SQL orders stamps below 2^63. */
static rk_status find_id(rk_log *log, rk_id id, int64_t *place_out, rk_error *error) {
    if (!log->id_last_known) RK_TRY(rki_number(log, RKI_ID_LAST, &log->id_last, error));
    log->id_last_known = true;
    bool past = id.stamp > log->id_last && id.stamp <= INT64_MAX;
    if (!past) return rki_id_find(log, id, place_out, error);
    *place_out = (int64_t)rki_fresh_place(log, id);
    return RK_OK;
}

/* Whether ids are one only among those of the append. Mostly they ascend. */
static rk_status check_doubles(work *work, rk_error *error) {
    rk_map seen;
    size_t at = 1;
    while (at < work->event_count && rk_id_compare(work->events[at - 1].id, work->events[at].id) < 0) at++;
    if (at >= work->event_count) return RK_OK;
    rk_map_init(&seen, &work->log->scratch);
    for (size_t i = 0; i < work->event_count; i++) {
        new_event *event = &work->events[i];
        rk_bytes key = rk_bytes_of(&event->id, sizeof event->id);
        if (rk_map_get(&seen, key)) return refuse_id(event->id, error);
        if (rk_map_set(&seen, key, event) != RK_OK) return rk_fail(error, RK_NO_MEMORY, "append", "no memory for ids");
    }
    return RK_OK;
}

static rk_status check_ids(work *work, rk_error *error) {
    RK_TRY(rki_fresh_know(work->log, error));
    for (size_t i = 0; i < work->event_count; i++) {
        int64_t place = 0;
        RK_TRY(find_id(work->log, work->events[i].id, &place, error));
        if (place != 0) return refuse_id(work->events[i].id, error);
    }
    return check_doubles(work, error);
}

/* Gives pending events their places: minus the keys of their leaves. */
static rk_status ids_insert(work *work, rk_error *error) {
    rk_log *log = work->log;
    RK_TRY(rki_fresh_know(log, error));
    for (size_t i = 0; i < work->event_count; i++) {
        const new_event *event = &work->events[i];
        bool known = rki_fresh_place(log, event->id) > 0;
        int64_t place = -(int64_t)(work->place << RKI_LEAF_BITS | event->leaf_index);
        rk_status status = known ? RK_OK : rki_id_insert(log, event->id, place, &known, error);
        if (status != RK_OK) return rki_settled(log, status);
        if (!known) continue;
        for (size_t n = 0; n < i; n++) {
            status = rki_id_delete(log, work->events[n].id, error);
            if (status != RK_OK) return rki_settled(log, status);
        }
        return refuse_id(event->id, error);
    }
    return RK_OK;
}

/* ---- what an append is checked for ---- */

static rk_status check_reads(work *work, const rk_append *append, rk_error *error) {
    for (size_t i = 0; i < append->read_count; i++) {
        entity_row *row = NULL;
        RK_TRY(entity_of(work, append->reads[i].entity, &row, error));
        if (row->version == append->reads[i].version) continue;
        rk_fail(error, RK_CONFLICT, NULL, "it is at version %u and was judged at version %u", row->version,
                append->reads[i].version);
        if (error) rk_error_at(error, append->reads[i].entity);
        return RK_CONFLICT;
    }
    return RK_OK;
}

static rk_status check_continues(const rk_log_head *head, const rk_record *record, rk_error *error) {
    const char *what = NULL;
    if (record->number != head->record + 1)
        what = "its number does not continue the log";
    else if (record->number > 1 && !rk_hash_equal(&record->previous, &head->record_hash))
        what = "it continues another record than the log's last";
    else if (record->first_position != head->position + 1)
        what = "its first position does not continue the log";
    else if (record->epoch < head->epoch)
        what = "its epoch is before the log's";
    if (what)
        return rk_fail(error, RK_RECORD_GAP, "record", "%s (record %u after %u)", what, record->number, head->record);
    if (record->number > 1 && record->commit_stamp <= head->commit_stamp) {
        return rk_fail(error, RK_BAD_RECORD, "record", "its commit stamp is not after the last one");
    }
    return RK_OK;
}

/* The log and account that everything here is of; the first batch decides. */
static rk_status check_log(rk_log *log, const rk_header *header, bool *first_out, rk_error *error) {
    rki_query query;
    bool row = false;
    RK_TRY(rki_query_start(log, RKI_LOG_GET, &query, error));
    rk_status status = rki_query_step(&query, &row, error);
    rk_bytes id = row ? rki_column_bytes(&query, 0) : (rk_bytes){NULL, 0};
    rk_bytes account = row ? rki_column_bytes(&query, 1) : (rk_bytes){NULL, 0};
    if (row && !rk_bytes_equal(account, rk_hash_bytes(&header->account))) {
        status = rk_fail(error, RK_WRONG_ACCOUNT, "batch", "its account is not that of this log");
    } else if (row && !rk_bytes_equal(id, rk_bytes_of(header->log.bytes, RK_LOG_ID_SIZE))) {
        status = rk_fail(error, RK_WRONG_LOG, "batch", "it was sealed for another log");
    }
    rki_query_end(&query);
    *first_out = !row;
    return status;
}

static rk_status put_log(rk_log *log, const rk_header *header, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_LOG_PUT, &query, error));
    rki_bind_bytes(&query, 1, rk_bytes_of(header->log.bytes, RK_LOG_ID_SIZE));
    rki_bind_bytes(&query, 2, rk_hash_bytes(&header->account));
    return rki_query_run(&query, error);
}

typedef struct known_batch {
    bool there;
    bool pending; /* with this very root */
    uint64_t place;
} known_batch;

static rk_status find_batch(rk_log *log, const rk_header *header, known_batch *known_out, rk_error *error) {
    *known_out = (known_batch){0};
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_BATCH_GET, &query, error));
    rki_bind(&query, 1, header->replica);
    rki_bind(&query, 2, header->number);
    rk_status status = rki_query_step(&query, &known_out->there, error);
    if (known_out->there) {
        known_out->pending =
            rki_column_null(&query, 3) && rk_bytes_equal(rki_column_bytes(&query, 2), rk_hash_bytes(&header->root));
        known_out->place = rki_column(&query, 7);
    }
    rki_query_end(&query);
    return status;
}

static rk_status refuse_known(const rk_header *header, rk_error *error) {
    return rk_fail(error, RK_BATCH_CONFLICT, "batch", "batch %u of this replica is in the log already", header->number);
}

/* ---- collecting the events that are new ---- */

/* Those of accepted transactions; of every one when there is no record. */
static rk_status collect_events(work *work, rk_error *error) {
    const rk_batch *batch = work->batch;
    work->events = rk_arena_take_array(&work->log->scratch, batch->leaf_count, sizeof *work->events);
    if (!work->events) return rk_fail(error, RK_NO_MEMORY, "append", "no memory for its events");
    uint32_t index = 0;
    for (uint32_t transaction = 0; transaction < batch->transaction_count; transaction++) {
        bool wanted = !work->record || rk_record_accepts(work->record, transaction);
        for (uint32_t end = index + batch->transactions[transaction]; index < end; index++) {
            const rk_leaf *leaf = &batch->leaves[index];
            if (!wanted || leaf->kind != RK_LEAF_EVENT) continue;
            new_event *event = &work->events[work->event_count++];
            *event = (new_event){.leaf = leaf, .leaf_index = index, .transaction = transaction};
            rk_bytes name;
            RK_TRY(rki_leaf_event(work->log, leaf, &event->id, &name, error));
            RK_TRY(entity_of(work, name, &event->entity, error));
            event->entity->wanted = true;
            if (event->entity->key == 0) event->entity->key = ++work->log->entity;
        }
    }
    return RK_OK;
}

/* ---- writing ---- */

enum { EVENT_COLUMNS = 8 };

static void bind_event(rki_query *query, int parameter, const new_event *event) {
    rki_bind(query, parameter, event->position);
    rki_bind(query, parameter + 1, event->entity->key);
    rki_bind(query, parameter + 2, event->version);
    rki_bind(query, parameter + 3, event->previous);
    rki_bind(query, parameter + 4, event->leaf_index);
    rki_bind(query, parameter + 5, event->transaction);
    rki_bind_bytes(query, parameter + 6, rk_bytes_of(event->leaf->salt, RK_SALT_SIZE));
    rki_bind_bytes(query, parameter + 7, event->leaf->bytes);
}

/* [first, end), at most RKI_ROWS. */
static rk_status events_insert(work *work, size_t first, size_t end, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(work->log, RKI_EVENTS_INSERT, &query, error));
    rki_bind(&query, 1, work->record->number);
    for (size_t i = first; i < end; i++) bind_event(&query, 2 + EVENT_COLUMNS * (int)(i - first), &work->events[i]);
    rki_bind(&query, 2 + EVENT_COLUMNS * RKI_ROWS, end - first);
    return rki_query_run(&query, error);
}

/* `entity` 0: none. A refused leaf of a batch that was never pending here is kept as its hash alone. */
static rk_status leaf_insert(work *work, uint32_t index, uint32_t transaction, bool bare, uint64_t entity,
                             rk_error *error) {
    const rk_leaf *leaf = &work->batch->leaves[index];
    bare = bare || leaf->kind == RK_LEAF_HASH;
    rki_query query;
    RK_TRY(rki_query_start(work->log, RKI_LEAF_INSERT, &query, error));
    rki_bind(&query, 1, work->place << RKI_LEAF_BITS | index);
    rki_bind(&query, 2, bare ? RK_LEAF_HASH : leaf->kind);
    rki_bind(&query, 3, transaction);
    rki_bind_bytes(&query, 4, rk_bytes_of(leaf->salt, bare ? 0 : RK_SALT_SIZE));
    rki_bind_bytes(&query, 5, bare ? rk_hash_bytes(&leaf->hash) : leaf->bytes);
    if (entity > 0) rki_bind(&query, 6, entity);
    return rki_query_run(&query, error);
}

/* Keeps what is no event of the log: preconditions, and what was refused. */
static rk_status leaves_insert(work *work, rk_error *error) {
    uint32_t index = 0;
    for (uint32_t transaction = 0; transaction < work->batch->transaction_count; transaction++) {
        bool accepted = rk_record_accepts(work->record, transaction);
        for (uint32_t end = index + work->batch->transactions[transaction]; index < end; index++) {
            if (accepted && work->batch->leaves[index].kind == RK_LEAF_EVENT) continue;
            RK_TRY(leaf_insert(work, index, transaction, !accepted, 0, error));
        }
    }
    return RK_OK;
}

static rk_status batch_insert(work *work, bool own, rk_error *error) {
    const rk_header *header = &work->batch->header;
    rki_query query;
    RK_TRY(rki_query_start(work->log, RKI_BATCH_INSERT, &query, error));
    rki_bind(&query, 1, header->replica);
    rki_bind(&query, 2, header->number);
    rki_bind(&query, 3, work->place);
    rki_bind_bytes(&query, 4, rk_hash_bytes(&header->root));
    if (work->record) rki_bind(&query, 5, work->record->number);
    rki_bind(&query, 6, own);
    rki_bind(&query, 7, work->batch->leaf_count);
    rki_bind_bytes(&query, 8, work->batch->seal);
    return rki_query_run(&query, error);
}

static rk_status record_insert(work *work, rk_bytes bytes, rk_error *error) {
    const rk_record *record = work->record;
    rki_query query;
    RK_TRY(rki_query_start(work->log, RKI_RECORD_INSERT, &query, error));
    rki_bind(&query, 1, record->number);
    rki_bind(&query, 2, record->epoch);
    rki_bind(&query, 3, record->commit_stamp);
    rki_bind(&query, 4, record->first_position + work->event_count - 1);
    rki_bind(&query, 5, record->replica);
    rki_bind(&query, 6, record->batch_number);
    rki_bind_bytes(&query, 7, bytes);
    return rki_query_run(&query, error);
}

/* ---- a pending batch that is judged ---- */

typedef struct pending_leaf {
    uint64_t key;
    rk_leaf leaf; /* kind and bytes */
    uint64_t entity;
    bool accepted;
} pending_leaf;

static rk_status pending_leaves(work *work, pending_leaf **leaves_out, size_t *count_out, rk_error *error) {
    rk_arena *scratch = &work->log->scratch;
    *count_out = 0;
    *leaves_out = rk_arena_take_array(scratch, work->batch->leaf_count, sizeof **leaves_out);
    if (!*leaves_out) return rk_fail(error, RK_NO_MEMORY, "append", "no memory for its leaves");
    rki_query query;
    RK_TRY(rki_query_start(work->log, RKI_LEAF_WALK, &query, error));
    rki_bind(&query, 1, work->place << RKI_LEAF_BITS);
    rki_bind(&query, 2, ((work->place + 1) << RKI_LEAF_BITS) - 1);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        uint64_t transaction = rki_column(&query, 2);
        if (*count_out == work->batch->leaf_count || transaction >= work->batch->transaction_count) {
            status = rk_fail(error, RK_CORRUPT, "log.db", "a pending batch has other leaves than were sealed");
            goto done;
        }
        pending_leaf *leaf = &(*leaves_out)[(*count_out)++];
        *leaf = (pending_leaf){.key = rki_column(&query, 0), .entity = rki_column(&query, 5)};
        leaf->leaf.kind = (rk_leaf_kind)rki_column(&query, 1);
        leaf->accepted = rk_record_accepts(work->record, transaction);
        if (leaf->leaf.kind == RK_LEAF_EVENT) {
            RK_TRY_DONE(rk_arena_copy(scratch, rki_column_bytes(&query, 4), &leaf->leaf.bytes));
        }
    }
done:
    rki_query_end(&query);
    return status;
}

static rk_status settle_leaf(rk_log *log, const pending_leaf *leaf, rk_error *error) {
    rk_id id;
    rk_bytes name;
    RK_TRY(rki_leaf_event(log, &leaf->leaf, &id, &name, error));
    RK_TRY(rki_id_delete(log, id, error));
    RK_TRY(rki_entity_pending(log, leaf->entity, -1, error));
    rki_query query;
    RK_TRY(rki_query_start(log, leaf->accepted ? RKI_LEAF_DELETE : RKI_LEAF_ENTITY, &query, error));
    rki_bind(&query, 1, leaf->key);
    if (leaf->accepted) rki_bind(&query, 2, leaf->key);
    return rki_query_run(&query, error);
}

rk_status rki_entity_forget(rk_log *log, uint64_t key, rk_error *error) {
    rki_query query;
    rki_fresh_item item;
    rki_known_clear(log);
    RK_TRY(rki_fresh_know(log, error));
    if (rki_fresh_first(log, key, &item)) return RK_OK;
    RK_TRY(rki_query_start(log, RKI_ENTITY_FORGET, &query, error));
    rki_bind(&query, 1, key);
    return rki_query_run(&query, error);
}

/* Takes the batch's events out of the pending ones: the accepted leave, the refused stay with their bytes. */
static rk_status settle_pending(work *work, const pending_leaf *leaves, size_t count, rk_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (leaves[i].leaf.kind == RK_LEAF_EVENT) RK_TRY(settle_leaf(work->log, &leaves[i], error));
    }
    rki_query query;
    RK_TRY(rki_query_start(work->log, RKI_BATCH_COMMIT, &query, error));
    rki_bind(&query, 1, work->record->replica);
    rki_bind(&query, 2, work->record->batch_number);
    rki_bind(&query, 3, work->record->number);
    return rki_query_run(&query, error);
}

/* ---- the slots ---- */

/* Each event is the next of its entity. */
static rk_status place_events(work *work, rk_error *error) {
    for (size_t i = 0; i < work->event_count; i++) {
        new_event *event = &work->events[i];
        event->version = ++event->entity->version;
        event->previous = event->entity->position;
        event->position = event->entity->position = work->record->first_position + i;
        const rki_fresh_item item = {
            .id = event->id, .entity = event->entity->key, .version = event->version, .position = event->position};
        RK_TRY(rki_fresh_add(work->log, &item, error));
    }
    return RK_OK;
}

static rk_status write_events(work *work, rk_error *error) {
    RK_TRY(place_events(work, error));
    for (size_t first = 0, end = 0; first < work->event_count; first = end) {
        end = first + rki_rows_next(work->event_count - first);
        RK_TRY(events_insert(work, first, end, error));
    }
    RK_TRY(rki_fresh_end(work->log, error));
    return entities_insert(work, error);
}

static rk_status write_judged(work *work, const rk_append *append, bool first, rk_error *error) {
    if (first) RK_TRY(put_log(work->log, &work->batch->header, error));
    RK_TRY(write_events(work, error));
    return record_insert(work, append->record_bytes, error);
}

static rk_status append_new(work *work, const rk_append *append, bool first, rk_error *error) {
    RK_TRY(collect_events(work, error));
    RK_TRY(check_ids(work, error));
    work->place = ++work->log->place;
    rk_status status;
    RK_TRY_DONE(write_judged(work, append, first, error));
    RK_TRY_DONE(leaves_insert(work, error));
    status = batch_insert(work, false, error);
done:
    return rki_settled(work->log, status);
}

static rk_status append_settling(work *work, const rk_append *append, rk_error *error) {
    pending_leaf *leaves = NULL;
    size_t count = 0;
    RK_TRY(pending_leaves(work, &leaves, &count, error));
    rk_status status;
    RK_TRY_DONE(settle_pending(work, leaves, count, error));
    RK_TRY_DONE(collect_events(work, error));
    RK_TRY_DONE(check_ids(work, error));
    RK_TRY_DONE(write_judged(work, append, false, error));
    for (size_t i = 0; i < count; i++) {
        if (!leaves[i].accepted && leaves[i].entity) RK_TRY_DONE(rki_entity_forget(work->log, leaves[i].entity, error));
    }
done:
    return rki_settled(work->log, status);
}

static rk_status append_work(work *work, const rk_append *append, rk_error *error) {
    rk_log *log = work->log;
    const rk_record *record = append->record;
    bool first = false;
    known_batch known;
    RK_TRY(check_log(log, &work->batch->header, &first, error));
    RK_TRY(check_continues(&log->head, record, error));
    RK_TRY(rk_record_fits(record, work->batch, error));
    RK_TRY(find_batch(log, &work->batch->header, &known, error));
    if (known.there && !known.pending) return refuse_known(&work->batch->header, error);
    RK_TRY(check_reads(work, append, error));
    work->place = known.place;
    RK_TRY(known.there ? append_settling(work, append, error) : append_new(work, append, first, error));
    log->head = (rk_log_head){.epoch = record->epoch,
                              .record = record->number,
                              .record_hash = rk_sha256(log->crypto, append->record_bytes),
                              .position = log->head.position + work->event_count,
                              .commit_stamp = record->commit_stamp};
    know_all(work);
    return RK_OK;
}

rk_status rki_append(rk_log *log, const rk_append *append, rk_error *error) {
    RK_ASSERT(log->writing);
    work work = {.log = log, .batch = append->batch, .record = append->record};
    rk_map_init(&work.entities, &log->scratch);
    rk_status status = append_work(&work, append, error);
    rk_arena_free(&log->scratch);
    return status;
}

static rk_status write_pending(work *work, bool first, rk_error *error) {
    if (first) RK_TRY(put_log(work->log, &work->batch->header, error));
    size_t next = 0;
    uint32_t index = 0;
    for (uint32_t transaction = 0; transaction < work->batch->transaction_count; transaction++) {
        for (uint32_t end = index + work->batch->transactions[transaction]; index < end; index++) {
            RK_ASSERT(work->batch->leaves[index].kind != RK_LEAF_HASH);
            bool event = next < work->event_count && work->events[next].leaf_index == index;
            uint64_t entity = event ? work->events[next++].entity->key : 0;
            RK_TRY(leaf_insert(work, index, transaction, false, entity, error));
            if (event) RK_TRY(rki_entity_pending(work->log, entity, 1, error));
        }
    }
    return batch_insert(work, true, error);
}

static rk_status pending_work(work *work, rk_error *error) {
    rk_log *log = work->log;
    bool first = false;
    known_batch known;
    RK_TRY(check_log(log, &work->batch->header, &first, error));
    RK_TRY(find_batch(log, &work->batch->header, &known, error));
    if (known.there) return refuse_known(&work->batch->header, error);
    RK_TRY(collect_events(work, error));
    work->place = ++log->place;
    RK_TRY(ids_insert(work, error));
    rk_status status;
    RK_TRY_DONE(entities_insert(work, error));
    status = write_pending(work, first, error);
done:
    return rki_settled(log, status);
}

rk_status rki_append_pending(rk_log *log, const rk_batch *batch, rk_error *error) {
    RK_ASSERT(log->writing);
    work work = {.log = log, .batch = batch};
    rk_map_init(&work.entities, &log->scratch);
    rk_status status = pending_work(&work, error);
    rk_arena_free(&log->scratch);
    return status;
}
