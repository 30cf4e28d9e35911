/*
 * Filing: which events an entity has, and which event has an id, is written to tables filed and id for many events at
 * once.
 *
 * Events come in the order of positions and touch entities anywhere: a row in the order of entities for each event,
 * written with it, changes a page an event. So an append writes none. What is not filed yet is fresh: each handle
 * knows it in memory, from the events themselves, up to where it has read them. Filing writes rows for the fresh
 * events in the order of entities, many to a page.
 *
 * Invariants
 *   (1) Table filed has every event up to the position `filed` of table progress, and none after it; so has table id,
 *       which has the pending events, too.
 *   (2) Fresh are at most FRESH_MAX events and those of one append: that bounds what a handle keeps in memory, and what
 *       one has to read that opens the log.
 *   (3) Between two numbers `filing` of table progress events are only added. What a handle knows under another number
 *       than the view's is forgotten.
 */
#include "store/sqlite/internal.h"

enum { FRESH_MAX = 8192, FRESH_SIZE_MAX = 64 << 20, SLOTS_MIN = 64 };

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

void rki_fresh_clear(rk_log *log) {
    rki_fresh *fresh = &log->fresh;
    rk_arena_free(&fresh->arena);
    *fresh = (rki_fresh){.max = fresh->max ? fresh->max : FRESH_MAX};
    rk_arena_init(&fresh->arena, log->memory, FRESH_SIZE_MAX);
}

/* ---- ids of bytes ---- */

/* NULL for what is no event's bytes: the check says so, and filing fails. */
static void id_word(sqlite3_context *context, int count, sqlite3_value **values) {
    rk_bytes bytes = rk_bytes_of(sqlite3_value_blob(values[0]), (size_t)sqlite3_value_bytes(values[0]));
    rk_id id;
    (void)count;
    if (!rk_event_id(bytes, &id)) return;
    sqlite3_result_int64(context, (sqlite3_int64)(sqlite3_value_int(values[1]) ? id.replica : id.stamp));
}

int rki_id_word_define(sqlite3 *db) {
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    return sqlite3_create_function_v2(db, "id_word", 2, flags, NULL, id_word, NULL, NULL, NULL);
}

/* ---- knowing ---- */

static rk_status read_on(rk_log *log, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_EVENT_FRESH, &query, error));
    rki_bind(&query, 1, log->fresh.to);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        const rki_fresh_item item = {.id = {rki_column(&query, 3), rki_column(&query, 4)},
                                     .entity = rki_column(&query, 1),
                                     .version = rki_column(&query, 2),
                                     .position = rki_column(&query, 0)};
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
        if (fresh->count > 0) rki_fresh_clear(log);
        return RK_OK;
    }
    if (!log->in_transaction) RK_TRY(read_progress(log, error));
    if (fresh->filing != log->filing) {
        rki_fresh_clear(log);
        fresh->filing = log->filing;
        fresh->to = log->filed;
    }
    rk_status status = read_on(log, error);
    if (status != RK_OK) rki_fresh_clear(log);
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
    rki_fresh_clear(log);
    log->fresh.filing = log->filing;
    log->fresh.to = position;
    log->fresh.sequence = log->sequence;
}

static rk_status file(rk_log *log, rki_statement which, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, which, &query, error));
    rki_bind(&query, 1, log->filed);
    return rki_query_run(&query, error);
}

rk_status rki_fresh_file(rk_log *log, rk_error *error) {
    RK_TRY(rki_fresh_know(log, error));
    if (log->fresh.count == 0) return RK_OK;
    log->changed = true;
    log->id_last_known = false;
    RK_TRY(file(log, RKI_FILED_INSERT, error));
    RK_TRY(file(log, RKI_ID_FILE, error));
    rki_filed_to(log, log->fresh.to);
    return RK_OK;
}

rk_status rki_fresh_end(rk_log *log, rk_error *error) {
    return log->fresh.count < log->fresh.max ? RK_OK : rki_fresh_file(log, error);
}
