/*
 * What a sender had seen when it named places: a position in a text, an element to be removed.
 *
 * A request from afar was made in the state that its sender had read. Where the entity has changed since, its places
 * are resolved in the state of then, and merge like those of a device that was offline.
 */
#include "engine/inner.h"

static bool names_places(const rk_step *step) {
    return step->kind == RK_OPERATION_SPLICE || step->kind == RK_OPERATION_REMOVE;
}

static bool type_names_places(const rk_event_type *type) {
    for (size_t i = 0; i < type->step_count; i++) {
        if (names_places(&type->steps[i])) return true;
    }
    return false;
}

/* New text ids are above all that the text has now, not only above those that were seen: they are not given twice. */
static void raise_floor(const rk_event_type *type, const rk_state *current, uint64_t *floor) {
    for (size_t i = 0; i < type->step_count; i++) {
        if (type->steps[i].kind != RK_OPERATION_SPLICE) continue;
        rk_rga *rga = rk_state_text(current, type->steps[i].field->name);
        uint64_t highest = rga ? rk_rga_lamport_max(rga) : 0;
        if (highest > *floor) *floor = highest;
    }
}

/* Whether nothing but the transaction's own events came to the entity after the position. */
static bool is_current(const rki_court *court, const rki_entity *entity, uint64_t seen) {
    if (entity->position > seen) return false;
    for (size_t i = 0; i < court->transaction_start; i++) {
        if (court->accepted[i].entity == entity) return false;
    }
    return true;
}

static rk_status fold_own(rki_court *court, const rki_entity *entity, rk_state *state, rk_error *error) {
    rk_status status = RK_OK;
    rk_arena arena = rki_call_arena(court->engine);
    for (size_t i = court->transaction_start; i < court->accepted_count && status == RK_OK; i++) {
        const rki_accepted *accepted = &court->accepted[i];
        if (accepted->entity != entity) continue;
        status = rki_event_fold(court->engine, state, accepted->event, accepted->current, accepted->version - 1,
                                court->commit_stamp, court, &arena, error);
    }
    rk_arena_free(&arena);
    return status;
}

static rk_status make_past(rki_court *court, const rki_entity *entity, uint64_t seen, rk_state **state_out,
                           rk_error *error) {
    uint64_t version = 0, position = 0, size = 0;
    rk_state *state = NULL;
    RK_TRY(rki_state_start(court->engine, entity->name, UINT64_MAX, seen, &state, &version, &position, error));
    rk_status status = rki_entity_fold(court->engine, entity->name, state, version, UINT64_MAX, seen, &version,
                                       &position, &size, error);
    if (status == RK_OK) status = fold_own(court, entity, state, error);
    if (status == RK_OK) {
        *state_out = state;
    } else {
        rk_state_free(state);
    }
    return status;
}

static rk_status check_head(const rki_court *court, uint64_t seen, rk_error *error) {
    rk_log_head head;
    RK_TRY(court->engine->host.store->head(court->engine->log, &head, error));
    if (seen <= head.position) return RK_OK;
    return rk_fail(error, RK_SEEN_AHEAD, "seen", "the log is at position %u", head.position);
}

rk_status rki_seen_state(rki_court *court, const rki_entity *entity, const rk_event_type *type, rk_state *current,
                         rk_state **own_out, uint64_t *floor, rk_error *error) {
    const rk_terms *terms = court->terms;
    *own_out = NULL;
    if (!terms || !terms->strict || !type_names_places(type)) return RK_OK;
    if (!terms->saw) {
        return rk_fail(error, RK_SEEN_MISSING, "seen", "\"%b\" names places in \"%b\"", type->name, entity->name);
    }
    RK_TRY(check_head(court, terms->seen, error));
    if (is_current(court, entity, terms->seen)) return RK_OK;
    raise_floor(type, current, floor);
    return make_past(court, entity, terms->seen, own_out, error);
}
