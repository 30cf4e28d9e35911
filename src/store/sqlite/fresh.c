/*
 * Filing: which events an entity has, and which event has an id, is written to tables filed and id for many events at
 * once.
 *
 * Events come in the order of positions and touch entities anywhere: a row in the order of entities for each event,
 * written with it, changes a page an event. So an append writes none. What is not filed yet is fresh: each handle
 * knows it in memory, from the events themselves, up to where it has read them. Filing writes rows for the entities of
 * fresh events (chain.c) in their order, many to a page.
 *
 * Invariants
 *   (1) Table filed leads to every event up to the position `filed` of table progress, and to none after it; so does
 *       table id, which has the pending events, too.
 *   (2) Fresh are at most FRESH_MAX events and those of one append: that bounds what a handle keeps in memory, and what
 *       one has to read that opens the log.
 *   (3) Between two numbers `filing` of table progress events are only added. What a handle knows under another number
 *       than the view's is forgotten.
 */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/internal.h"

enum { FRESH_MAX = 8192, KEPT_MAX = 2 * FRESH_MAX, FRESH_SIZE_MAX = 64 << 20, SLOTS_MIN = 64 };

/*
 * Of one entity, as places in the list; from 1, 0 is none. An rk_map would keep a key and an entry apart for each, in
 * every handle.
 */
struct rki_fresh_slot {
    uint32_t first, last;
};

static uint32_t slot_of(const rki_fresh *fresh, uint64_t entity) {
    uint32_t mask = (uint32_t)fresh->slot_count - 1;
    uint32_t at = (uint32_t)(entity * 0x9E3779B97F4A7C15U >> 32) & mask;
    while (fresh->slots[at].first && fresh->items[fresh->slots[at].first - 1].entity != entity) at = (at + 1) & mask;
    return at;
}

static uint32_t id_slot_of(const rki_fresh *fresh, rk_id id) {
    uint32_t mask = (uint32_t)fresh->slot_count - 1;
    uint32_t at = (uint32_t)((id.stamp ^ id.replica) * 0x9E3779B97F4A7C15U >> 32) & mask;
    while (fresh->id_slots[at] && rk_id_compare(fresh->items[fresh->id_slots[at] - 1].id, id) != 0)
        at = (at + 1) & mask;
    return at;
}

/* Of two with one id, which only damage makes, the first is found. */
static void link_item(rki_fresh *fresh, uint32_t number) {
    rki_fresh_slot *slot = &fresh->slots[slot_of(fresh, fresh->items[number - 1].entity)];
    uint32_t *id_slot = &fresh->id_slots[id_slot_of(fresh, fresh->items[number - 1].id)];
    if (!*id_slot) *id_slot = number;
    if (slot->last) fresh->items[slot->last - 1].next = number;
    if (!slot->first) slot->first = number;
    slot->last = number;
}

/* Twice as many of both: at most half of the slots are used. */
static bool grow(rki_fresh *fresh) {
    size_t capacity = fresh->capacity ? 2 * fresh->capacity : SLOTS_MIN / 2;
    rki_fresh_item *items =
        rk_arena_grow(&fresh->arena, fresh->items, fresh->capacity * sizeof *items, capacity * sizeof *items);
    if (items) fresh->items = items;
    rki_fresh_slot *slots = items ? rk_arena_take_array(&fresh->arena, 2 * capacity, sizeof *slots) : NULL;
    uint32_t *id_slots = slots ? rk_arena_take_array(&fresh->arena, 2 * capacity, sizeof *id_slots) : NULL;
    if (!id_slots) return false;
    fresh->capacity = capacity;
    fresh->slots = slots;
    fresh->id_slots = id_slots;
    fresh->ends = NULL;
    fresh->slot_count = 2 * capacity;
    for (uint32_t i = 0; i < fresh->count; i++) fresh->items[i].next = 0;
    for (uint32_t i = 0; i < fresh->count; i++) link_item(fresh, i + 1);
    return true;
}

rk_status rki_fresh_add(rk_log *log, const rki_fresh_item *item, rk_error *error) {
    rki_fresh *fresh = &log->fresh;
    if (fresh->count == fresh->capacity && !grow(fresh)) {
        return rk_fail(error, RK_NO_MEMORY, "log.db", "no memory for the events that are not filed");
    }
    fresh->items[fresh->count++] = *item;
    link_item(fresh, fresh->count);
    fresh->to = item->position;
    return RK_OK;
}

void rki_fresh_init(rk_log *log) {
    log->fresh = (rki_fresh){.max = FRESH_MAX};
    rk_arena_init(&log->fresh.arena, log->memory, FRESH_SIZE_MAX);
}

/* Forgets all. The memory is kept, because as many come again, but not what one large append made it. */
static void clear(rk_log *log) {
    rki_fresh *fresh = &log->fresh;
    if (fresh->capacity > KEPT_MAX) {
        uint32_t max = fresh->max;
        rk_arena_free(&fresh->arena);
        rki_fresh_init(log);
        fresh->max = max;
    } else if (fresh->count > 0) {
        memset(fresh->slots, 0, fresh->slot_count * sizeof *fresh->slots);
        memset(fresh->id_slots, 0, fresh->slot_count * sizeof *fresh->id_slots);
    }
    fresh->count = 0;
    fresh->filing = fresh->to = fresh->sequence = 0;
}

/* ---- knowing ---- */

/* Of an event whose bytes are long: their beginning alone is read. */
static rk_status read_id(rk_log *log, uint64_t position, rk_id *id_out, rk_error *error) {
    uint8_t bytes[RK_EVENT_ID_END];
    sqlite3_blob *blob = NULL;
    int code = sqlite3_blob_open(log->db, "main", "event", "bytes", (sqlite3_int64)position, 0, &blob);
    if (code == SQLITE_OK) code = sqlite3_blob_read(blob, bytes, sizeof bytes, 0);
    sqlite3_blob_close(blob);
    if (code != SQLITE_OK) return rki_fail(log, code, "reading an event's id", error);
    *id_out = rk_event_id(rk_bytes_of(bytes, sizeof bytes));
    return RK_OK;
}

static rk_status read_item(rk_log *log, const rki_query *query, rki_fresh_item *item_out, rk_error *error) {
    *item_out = (rki_fresh_item){
        .entity = rki_column(query, 1), .version = rki_column(query, 2), .position = rki_column(query, 0)};
    if (rki_column_null(query, 3)) return read_id(log, item_out->position, &item_out->id, error);
    item_out->id = rk_event_id(rki_column_bytes(query, 3));
    return RK_OK;
}

static rk_status read_on(rk_log *log, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_EVENT_FRESH, &query, error));
    rki_bind(&query, 1, log->fresh.to);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        rki_fresh_item item;
        RK_TRY_DONE(read_item(log, &query, &item, error));
        RK_TRY_DONE(rki_fresh_add(log, &item, error));
    }
done:
    rki_query_end(&query);
    return status;
}

/* Outside begin nothing has been read of the view that the caller has. */
static rk_status read_progress(rk_log *log, rk_error *error) {
    uint64_t sequence = log->sequence, place = log->place;
    rk_status status = rki_progress(log, error);
    log->sequence = sequence;
    log->place = place;
    return status;
}

rk_status rki_fresh_know(rk_log *log, rk_error *error) {
    rki_fresh *fresh = &log->fresh;
    if (log->in_transaction && fresh->sequence == log->sequence) return RK_OK;
    if (log->resumed) RK_TRY(rki_view_take(log, error));
    if (!rki_schema_files(log)) { /* all is filed */
        if (fresh->count > 0) clear(log);
        return RK_OK;
    }
    if (!log->in_transaction) RK_TRY(read_progress(log, error));
    if (fresh->filing != log->filing) {
        clear(log);
        fresh->filing = log->filing;
        fresh->to = log->filed;
    }
    rk_status status = read_on(log, error);
    if (status != RK_OK) clear(log);
    if (status == RK_OK && log->in_transaction) fresh->sequence = log->sequence;
    return status;
}

static rki_fresh_slot find(const rk_log *log, uint64_t entity) {
    return log->fresh.count > 0 ? log->fresh.slots[slot_of(&log->fresh, entity)] : (rki_fresh_slot){0, 0};
}

bool rki_fresh_first(const rk_log *log, uint64_t entity, rki_fresh_item *item_out) {
    uint32_t first = find(log, entity).first;
    if (first) *item_out = log->fresh.items[first - 1];
    return first > 0;
}

bool rki_fresh_next(const rk_log *log, rki_fresh_item *item_io) {
    uint64_t entity = item_io->entity;
    if (item_io->next == 0 || item_io->next > log->fresh.count) return false;
    *item_io = log->fresh.items[item_io->next - 1];
    return item_io->entity == entity;
}

uint64_t rki_fresh_place(const rk_log *log, rk_id id) {
    const rki_fresh *fresh = &log->fresh;
    uint32_t number = fresh->count > 0 ? fresh->id_slots[id_slot_of(fresh, id)] : 0;
    return number ? fresh->items[number - 1].position : 0;
}

void rki_fresh_last(const rk_log *log, uint64_t entity, rk_stored_entity *entity_io) {
    uint32_t last = find(log, entity).last;
    if (last == 0) return;
    entity_io->version = log->fresh.items[last - 1].version;
    entity_io->position = log->fresh.items[last - 1].position;
}

/* ---- filing ---- */

void rki_filed_to(rk_log *log, uint64_t position) {
    log->filed = position;
    log->filing++;
    clear(log);
    log->fresh.filing = log->filing;
    log->fresh.to = position;
    log->fresh.sequence = log->sequence;
}

enum { FILED_COLUMNS = 3 };

static int compare_ends(const void *a, const void *b) {
    const rki_fresh_item *left = *(const rki_fresh_item *const *)a, *right = *(const rki_fresh_item *const *)b;
    if (left->entity != right->entity) return left->entity < right->entity ? -1 : 1;
    return left->version < right->version ? -1 : 1;
}

/* Those that are the last of a block, by entity and version. */
static rk_status find_ends(rki_fresh *fresh, const rki_fresh_item ***ends_out, size_t *count_out, rk_error *error) {
    if (!fresh->ends) fresh->ends = rk_arena_take_array(&fresh->arena, fresh->capacity, sizeof *fresh->ends);
    const rki_fresh_item **ends = fresh->ends;
    if (!ends) return rk_fail(error, RK_NO_MEMORY, "log.db", "no memory for filing");
    *count_out = 0;
    for (uint32_t i = 0; i < fresh->count; i++) {
        const rki_fresh_item *item = &fresh->items[i];
        bool last = item->next == 0 || item->version % RKI_BLOCK == RKI_BLOCK - 1;
        if (last) ends[(*count_out)++] = item;
    }
    qsort(ends, *count_out, sizeof *ends, compare_ends);
    *ends_out = ends;
    return RK_OK;
}

static rk_status file_ends(rk_log *log, const rki_fresh_item *const *ends, size_t count, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_FILED_PUT, &query, error));
    for (size_t i = 0; i < count; i++) {
        int parameter = FILED_COLUMNS * (int)i + 1;
        rki_bind(&query, parameter, ends[i]->entity);
        rki_bind(&query, parameter + 1, ends[i]->version);
        rki_bind(&query, parameter + 2, ends[i]->position);
    }
    rki_bind(&query, FILED_COLUMNS * RKI_ROWS + 1, count);
    return rki_query_run(&query, error);
}

static rk_status file_id(rki_query *query, int parameter, const rki_fresh_item *item, rk_error *error) {
    if (item->id.replica == 0) {
        return rk_fail(error, RK_CORRUPT, "log.db", "position %u: its bytes are no event's", item->position);
    }
    rki_bind(query, parameter, item->id.stamp);
    rki_bind(query, parameter + 1, item->id.replica);
    rki_bind(query, parameter + 2, item->position);
    return RK_OK;
}

static rk_status file_ids(rk_log *log, const rki_fresh_item *items, size_t count, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_IDS_INSERT, &query, error));
    rk_status status = RK_OK;
    for (size_t i = 0; i < count && status == RK_OK; i++) {
        status = file_id(&query, FILED_COLUMNS * (int)i + 1, &items[i], error);
    }
    rki_bind(&query, FILED_COLUMNS * RKI_ROWS + 1, count);
    if (status == RK_OK) return rki_query_run(&query, error);
    rki_query_end(&query);
    return status;
}

rk_status rki_fresh_file(rk_log *log, rk_error *error) {
    RK_TRY(rki_fresh_know(log, error));
    const rki_fresh_item **ends = NULL;
    size_t count = log->fresh.count, end_count = 0;
    if (count == 0) return RK_OK;
    log->changed = true;
    log->id_last_known = false;
    RK_TRY(find_ends(&log->fresh, &ends, &end_count, error));
    for (size_t i = 0; i < end_count; i += RKI_ROWS) {
        RK_TRY(file_ends(log, ends + i, rki_rows_next(end_count - i), error));
    }
    for (size_t i = 0; i < count; i += RKI_ROWS) {
        RK_TRY(file_ids(log, log->fresh.items + i, rki_rows_next(count - i), error));
    }
    rki_filed_to(log, log->fresh.to);
    return RK_OK;
}

rk_status rki_fresh_end(rk_log *log, rk_error *error) {
    return log->fresh.count < log->fresh.max ? RK_OK : rki_fresh_file(log, error);
}
