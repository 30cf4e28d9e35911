/*
 * Walking over the committed states of many entities without asking the store for each, and without caching them.
 *
 * Invariants
 *   (1) A state that is given out is that of rki_entity_load: stored state, then the events since, folded by
 *       rki_event_fold.
 *   (2) It lives for the visitor's call.
 */
#include "engine/inner.h"

typedef struct walker {
    rk_engine *engine;
    const rki_walk *walk;
    rk_stored_entity entity;
    rk_index_key key;
    rk_state *state; /* of the entity at hand; NULL: it is passed over */
    uint64_t version;
    rk_error *error;
} walker;

static rk_status start_entity(void *context, const rk_stored_entity *entity, bool pending, const rk_stored_state *state,
                              rk_bytes key) {
    walker *walker = context;
    const rk_memory *memory = walker->engine->host.memory;
    walker->entity = *entity;
    walker->key.size = key.size < sizeof walker->key.bytes ? key.size : sizeof walker->key.bytes;
    for (size_t i = 0; i < walker->key.size; i++) walker->key.bytes[i] = key.data[i];
    walker->version = state ? state->version : 0;
    walker->state = NULL;
    if (pending && !walker->walk->committed) return RK_OK;
    rk_status status = state ? rk_state_decode(memory, RK_STATE_SIZE_MAX, state->bytes, &walker->state, walker->error)
                             : rk_state_new(memory, RK_STATE_SIZE_MAX, &walker->state);
    if (status != RK_OK && !state) rk_fail(walker->error, status, NULL, "no memory for a state");
    if (status != RK_OK) rk_error_at(walker->error, entity->entity);
    return status;
}

static rk_status fold_event(void *context, const rk_stored_event *stored) {
    walker *walker = context;
    if (!walker->state) return RK_OK;
    rk_status status = rki_stored_fold(walker->engine, walker->state, stored, walker->version, walker->error);
    if (status != RK_OK) rk_error_at(walker->error, walker->entity.entity);
    walker->version = stored->version;
    return status;
}

static rk_status end_entity(void *context) {
    walker *walker = context;
    rk_status status =
        walker->walk->visit(walker->walk->context, &walker->entity, walker->state, rk_index_key_bytes(&walker->key));
    rk_state_free(walker->state);
    walker->state = NULL;
    return status;
}

static rk_walker store_walker(walker *walker) {
    return (rk_walker){.entity = start_entity, .event = fold_event, .end = end_entity, .context = walker};
}

static void tell(void *context, rk_bytes text) {
    const walker *walker = context;
    walker->walk->statement(walker->walk->context, text);
}

rk_status rki_walk_module(rk_engine *engine, rk_bytes module, rk_bytes after, const rki_walk *walk, rk_error *error) {
    char prefix[RK_NAME_SIZE_MAX + 2];
    walker walker = {.engine = engine, .walk = walk, .error = error};
    rk_walker asked = store_walker(&walker);
    if (walk->statement) asked.statement = tell;
    rk_bytes begin = rk_bytes_of(prefix, rk_format(prefix, sizeof prefix, "%b/", module));
    rk_status status = engine->host.store->walk(engine->log, begin, after, &asked, error);
    rk_state_free(walker.state);
    return status;
}

rk_status rki_walk_index(rk_engine *engine, const rk_index_range *range, bool backward, const rki_walk *walk,
                         rk_error *error) {
    walker walker = {.engine = engine, .walk = walk, .error = error};
    rk_walker asked = store_walker(&walker);
    if (walk->statement) asked.statement = tell;
    rk_status status = engine->host.store->index_walk(engine->log, range, backward, &asked, error);
    rk_state_free(walker.state);
    return status;
}
