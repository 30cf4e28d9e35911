/*
 * Walks over entities with their stored states and the events since: those that are filed (chain.c), then those that
 * the handle has in memory (fresh.c).
 *
 * Invariants
 *   (1) A row is one entity, with the event that its state lacks where that is one; without the bytes of its state,
 *       which may be large.
 *   (2) An entity's events are gapless from its state's version to its own, else it is damage.
 */
#include <string.h>

#include "store/sqlite/internal.h"

/* The columns of RKI_WALK_COLUMNS, after the key. */
enum { KEY, ENTITY, NAME, VERSION, POSITION, PENDING, STATE_VERSION, EVENT };

typedef struct walk {
    rk_log *log;
    const rk_walker *walker;
    rki_query query;
    rk_arena arena; /* of a stored state */
    uint8_t name_bytes[RKI_NAME_SIZE_MAX];
    rk_bytes name;
    uint64_t version; /* of the last event told, or of its state */
    rk_error *error;
} walk;

static rk_status missing(walk *walk) {
    return rki_damage(walk->log, walk->error, "log.db", "version %u of %b is not there", walk->version + 1, walk->name);
}

static rk_status tell_event(void *context, const rk_stored_event *event) {
    walk *walk = context;
    if (event->version != walk->version + 1) RK_TRY(missing(walk));
    walk->version = event->version;
    return walk->walker->event(walk->walker->context, event);
}

/* The one that came with the entity, or all that are filed; then the fresh. */
static rk_status tell_events(walk *walk, uint64_t entity, uint64_t filed, uint64_t last) {
    rki_fresh_item item;
    if (rki_column_null(&walk->query, EVENT)) {
        RK_TRY(rki_chain_visit(walk->log, entity, walk->version, filed, tell_event, walk, walk->error));
    } else {
        const rk_stored_event event = rki_event_row(&walk->query, EVENT);
        RK_TRY(tell_event(walk, &event));
    }
    for (bool more = rki_fresh_first(walk->log, entity, &item); more; more = rki_fresh_next(walk->log, &item)) {
        if (item.version <= walk->version) continue;
        RK_TRY(rki_events_visit(walk->log, &item.position, 1, tell_event, walk, walk->error));
    }
    return walk->version < last ? missing(walk) : RK_OK;
}

static rk_status take_name(walk *walk) {
    rk_bytes name = rki_column_bytes(&walk->query, NAME);
    if (name.size > sizeof walk->name_bytes) return rk_fail(walk->error, RK_CORRUPT, "log.db", "a name is too long");
    memcpy(walk->name_bytes, name.data, name.size);
    walk->name = rk_bytes_of(walk->name_bytes, name.size);
    return RK_OK;
}

/* One that has neither events nor pending ones is left out. */
static rk_status tell_entity(walk *walk) {
    const rki_query *row = &walk->query;
    rk_stored_state state;
    bool stored = !rki_column_null(row, STATE_VERSION), pending = rki_column(row, PENDING) > 0;
    uint64_t key = rki_column(row, ENTITY), filed = rki_column(row, VERSION);
    RK_TRY(take_name(walk));
    rk_stored_entity entity = {walk->name, filed, rki_column(row, POSITION)};
    rki_fresh_last(walk->log, key, &entity);
    if (entity.version == 0 && !pending) return RK_OK;
    if (stored) {
        rk_arena_free(&walk->arena);
        RK_TRY(rki_state_get(walk->log, &walk->arena, walk->name, &state, walk->error));
    }
    walk->version = stored ? state.version : 0;
    const rk_walker *walker = walk->walker;
    RK_TRY(walker->entity(walker->context, &entity, pending, stored ? &state : NULL, rki_column_bytes(row, KEY)));
    RK_TRY(tell_events(walk, key, filed, entity.version));
    return walker->end(walker->context);
}

static rk_status take_rows(walk *walk) {
    for (bool row = false;;) {
        bool first = !row;
        RK_TRY(rki_query_step(&walk->query, &row, walk->error));
        if (!row) return RK_OK;
        if (first) RK_TRY(rki_fresh_know(walk->log, walk->error));
        RK_TRY(tell_entity(walk));
    }
}

static void tell_statement(walk *walk) {
    if (!walk->walker->statement) return;
    char *text = sqlite3_expanded_sql(walk->query.statement);
    if (text) walk->walker->statement(walk->walker->context, rk_bytes_of_string(text));
    sqlite3_free(text);
}

static rk_status run_walk(walk *walk) {
    rk_arena_init(&walk->arena, walk->log->memory, 2 * (size_t)RK_STATE_SIZE_MAX);
    tell_statement(walk);
    rk_status status = take_rows(walk);
    rki_query_end(&walk->query);
    rk_arena_free(&walk->arena);
    return status;
}

rk_status rki_walk(rk_log *log, rk_bytes prefix, rk_bytes after, const rk_walker *walker, rk_error *error) {
    uint8_t end[RKI_NAME_SIZE_MAX];
    walk walk = {.log = log, .walker = walker, .error = error};
    RK_ASSERT(prefix.size > 0 && prefix.size <= sizeof end && prefix.data[prefix.size - 1] < 0xFF);
    memcpy(end, prefix.data, prefix.size);
    end[prefix.size - 1]++;
    RK_TRY(rki_query_start(log, RKI_WALK, &walk.query, error));
    rki_bind_bytes(&walk.query, 1, rk_bytes_compare(after, prefix) > 0 ? after : prefix);
    rki_bind_bytes(&walk.query, 2, rk_bytes_of(end, prefix.size));
    return run_walk(&walk);
}

rk_status rki_index_walk(rk_log *log, const rk_index_range *range, bool backward, const rk_walker *walker,
                         rk_error *error) {
    walk walk = {.log = log, .walker = walker, .error = error};
    uint64_t field = 0;
    RK_TRY(rki_index_field(log, range->module, range->field, false, &field, error));
    if (field == 0) return RK_OK;
    RK_TRY(rki_query_start(log, backward ? RKI_INDEX_WALK_BACK : RKI_INDEX_WALK, &walk.query, error));
    rki_bind(&walk.query, 1, field);
    rki_bind_bytes(&walk.query, 2, range->low);
    rki_bind_bytes(&walk.query, 3, range->high.size ? range->high : RKI_KEY_END);
    return run_walk(&walk);
}
