/*
 * The events of one entity that are filed: found backwards, told forwards.
 *
 * Each event names the position of the entity's event before it. Table filed has one row for each block of 64 versions
 * of an entity, which leads to the last of them: from there the others are a few steps away, however long the entity's
 * history is. So filing writes a row for an entity that has changed, not for each of its events.
 *
 * Invariants
 *   (1) A step that leads elsewhere than to the version before ends the block: what is told then has a gap, which the
 *       caller finds.
 */
#include "store/sqlite/internal.h"

typedef struct step {
    uint64_t position; /* 0: there is none */
    uint64_t version;
} step;

/* Of the block that has the version; in older tables that of the version itself. */
static rk_status block_end(rk_log *log, uint64_t entity, uint64_t version, step *end_out, rk_error *error) {
    rki_query query;
    bool row = false;
    *end_out = (step){0};
    RK_TRY(rki_query_start(log, RKI_FILED_GET, &query, error));
    rki_bind(&query, 1, entity);
    rki_bind(&query, 2, version);
    rk_status status = rki_query_step(&query, &row, error);
    if (row) *end_out = (step){.version = rki_column(&query, 0), .position = rki_column(&query, 1)};
    rki_query_end(&query);
    return status;
}

static rk_status step_back(rki_query *query, uint64_t entity, step *step_io, rk_error *error) {
    bool row = false;
    rki_query_again(query);
    rki_bind(query, 1, step_io->position);
    RK_TRY(rki_query_step(query, &row, error));
    bool right = row && rki_column(query, 0) == entity && rki_column(query, 1) == step_io->version;
    *step_io = (step){.position = right ? rki_column(query, 2) : 0, .version = step_io->version - 1};
    return RK_OK;
}

/*
 * Of a block, where versions after < version <= last are: the last at the end of the array, the others before it.
 * `count_out`: how many were found.
 */
static rk_status find_block(rk_log *log, uint64_t entity, uint64_t after, uint64_t last, uint64_t positions[RKI_BLOCK],
                            size_t *count_out, rk_error *error) {
    step at;
    rki_query query;
    rk_status status = RK_OK;
    *count_out = 0;
    RK_TRY(block_end(log, entity, last, &at, error));
    RK_TRY(rki_query_start(log, RKI_EVENT_PREVIOUS, &query, error));
    while (at.position > 0 && at.version > after) {
        if (at.version <= last && *count_out < RKI_BLOCK) positions[RKI_BLOCK - ++*count_out] = at.position;
        if (at.version - 1 == after) break;
        RK_TRY_DONE(step_back(&query, entity, &at, error));
    }
done:
    rki_query_end(&query);
    return status;
}

rk_status rki_chain_visit(rk_log *log, uint64_t entity, uint64_t after, uint64_t up_to, rk_event_visitor visit,
                          void *context, rk_error *error) {
    while (after < up_to) {
        uint64_t positions[RKI_BLOCK], last = (after + 1) | (RKI_BLOCK - 1);
        size_t count = 0;
        if (last > up_to) last = up_to;
        RK_TRY(find_block(log, entity, after, last, positions, &count, error));
        RK_TRY(rki_events_visit(log, positions + RKI_BLOCK - count, count, visit, context, error));
        after = last;
    }
    return RK_OK;
}
