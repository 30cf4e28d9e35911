/*
 * Queries: which entities of a module match, in order, page by page.
 *
 * Invariants
 *   (1) The answer is that of deciding every entity of the module by the rule for reading, then by the filter, then
 *       sorting, then cutting; an index only spares entities that cannot match (plan.c).
 *   (2) What the rule hides is as if it were absent: it is in no row, count, order, cursor or report. So is a field
 *       that a rule of its own keeps from the reader: filter, order and row see the state without it, in each entity.
 *   (3) All of it sees one view of the log. On a device an entity with own pending events is read with these, whatever
 *       its index rows say.
 *   (4) Memory is that of the rows that are kept; entities that are walked past leave nothing.
 */
#include "engine/query.h"

#include <string.h>

/* Ends a walk early; never seen by a caller. */
enum { STOP = RK_CONFLICT };

typedef struct run {
    rk_engine *engine;
    const rk_query *query;
    rk_arena *arena; /* the caller's, for the report */
    rk_arena plan_arena;
    rki_asker asker;
    rki_plan plan;
    rki_rows rows;
    bool streams; /* rows go out as they are found */
    rk_map seen;  /* names of entities that were considered, where a walk may come to one twice */
    bool may_repeat;
    rk_map pending; /* names of entities of the module with own pending events */
    rk_row_visitor visit;
    void *context;
    rk_query_report *report;
    rk_error *error;
} run;

/* What is looked at. */
typedef struct candidate {
    rk_bytes name;
    rk_bytes id;
    uint64_t version;
    uint64_t pending;
    rk_state *state;
    rk_hidden hidden; /* from the reader; in the arena of this candidate */
} candidate;

static rk_status no_memory(const run *run) {
    return rk_fail(run->error, RK_NO_MEMORY, "query", "no memory for it");
}

/* ---- deciding one entity ---- */

static rk_scene scene_of(const run *run, const candidate *candidate) {
    return (rk_scene){.module = run->plan.module,
                      .entity = candidate->id,
                      .actor = run->asker.actor,
                      .state = candidate->state,
                      .version = candidate->version + candidate->pending,
                      .now_ms = run->asker.now_ms,
                      .zones = rki_zones(run->engine)};
}

static rk_status note_failure(run *run, const candidate *candidate, const rk_error *why) {
    if (run->report->failed++ > 0) return RK_OK;
    rk_bytes text = rk_arena_format(run->arena, why->where[0] ? "%s: %s" : "%s%s", why->where, why->what);
    run->report->failed_why = text;
    return rk_arena_copy(run->arena, candidate->name, &run->report->failed_at) == RK_OK ? RK_OK : no_memory(run);
}

static rk_status ask_filter(run *run, const rk_scene *scene, const candidate *candidate, rk_arena *arena,
                            bool *yes_out) {
    rk_error why = {.code = RK_OK};
    *yes_out = true;
    if (!run->plan.where) return RK_OK;
    run->report->decided++;
    rk_status status = rk_scene_ask(scene, run->plan.where, arena, yes_out, &why);
    if (status == RK_OK) return RK_OK;
    *yes_out = false;
    if (status == RK_EXPRESSION_FAILED || status == RK_STEP_BOUND || status == RK_OVERFLOW) {
        return note_failure(run, candidate, &why);
    }
    if (run->error) *run->error = why;
    return status;
}

static rk_status read_place(const run *run, const candidate *candidate, rk_arena *arena, rki_place *place_out) {
    const rki_ordering *ordering = &run->plan.ordering;
    place_out->id = candidate->id;
    for (size_t i = 0; i < ordering->count; i++) {
        place_out->there[i] = false;
        if (rk_hidden_has(&candidate->hidden, ordering->fields[i]->name)) continue;
        rk_status status =
            rki_field_read(candidate->state, ordering->fields[i], arena, &place_out->there[i], &place_out->values[i]);
        if (status != RK_OK) return no_memory(run);
    }
    return RK_OK;
}

/* ---- giving out ---- */

static bool is_selected(const rk_query *query, rk_bytes field) {
    for (size_t i = 0; i < query->field_count; i++) {
        if (rk_bytes_equal(query->fields[i], field)) return true;
    }
    return query->field_count == 0;
}

/* The fields that were asked for, borrowed from the state. */
static rk_status read_state(const run *run, const candidate *candidate, rk_arena *arena, rk_value *value_out) {
    const rk_module *module = run->plan.module;
    rk_pair *pairs = rk_arena_take_array(arena, module->field_count, sizeof *pairs);
    if (!pairs) return no_memory(run);
    size_t count = 0;
    for (size_t i = 0; i < module->field_count; i++) {
        bool there = false;
        if (!is_selected(run->query, module->fields[i].name)) continue;
        if (rk_hidden_has(&candidate->hidden, module->fields[i].name)) continue;
        pairs[count].key = rk_string(module->fields[i].name);
        rk_status status = rk_state_field(candidate->state, &module->fields[i], arena, &there, &pairs[count].value);
        if (status != RK_OK) return no_memory(run);
        count += there;
    }
    return rk_map_value(arena, pairs, count, value_out) == RK_OK ? RK_OK : no_memory(run);
}

static rk_status make_cursor(run *run, const rki_place *place) {
    rk_status status = rki_cursor_print(run->engine, run->plan.module->name, &run->plan.ordering, place, run->arena,
                                        &run->report->next);
    if (status != RK_LIMIT) return status == RK_OK ? RK_OK : no_memory(run);
    return rk_fail(run->error, RK_LIMIT, "query", "the values that the last row is ordered by do not fit a cursor");
}

static rk_status give_out(run *run, const rk_row *row, const rki_place *place) {
    run->report->rows++;
    RK_TRY(run->visit(run->context, row));
    return run->report->rows == run->query->limit ? make_cursor(run, place) : RK_OK;
}

static rk_status stream_row(run *run, const candidate *candidate, const rki_place *place, rk_arena *arena) {
    rk_row row = {
        .entity = candidate->name, .id = candidate->id, .version = candidate->version, .pending = candidate->pending};
    RK_TRY(read_state(run, candidate, arena, &row.state));
    RK_TRY(give_out(run, &row, place));
    return run->report->rows == run->query->limit ? (rk_status)STOP : RK_OK;
}

static rk_status keep_row(run *run, const candidate *candidate, const rki_place *place, rk_arena *arena) {
    rki_kept_row *kept = NULL;
    rk_value state;
    RK_TRY(rki_rows_add(&run->rows, place, &kept, run->error));
    RK_TRY(read_state(run, candidate, arena, &state));
    kept->row = (rk_row){.version = candidate->version, .pending = candidate->pending};
    if (rk_value_copy(&kept->arena, &state, &kept->row.state) != RK_OK ||
        rk_arena_copy(&kept->arena, candidate->name, &kept->row.entity) != RK_OK) {
        return no_memory(run);
    }
    kept->row.id = rk_bytes_from(kept->row.entity, kept->row.entity.size - candidate->id.size);
    run->rows.size += rk_arena_used(&kept->arena);
    return RK_OK;
}

static rk_status give_out_kept(run *run) {
    rki_rows_sort(&run->rows);
    for (size_t i = 0; i < run->rows.count; i++) {
        RK_TRY(give_out(run, &run->rows.items[i]->row, &run->rows.items[i]->place));
    }
    return RK_OK;
}

/* ---- considering ---- */

/* RK_FORBIDDEN, or what of the entity is hidden: from here on, the scene is without it. */
static rk_status ask_rules(const run *run, candidate *candidate, rk_scene *scene, rk_arena *arena) {
    if (run->engine->reader.size == 0) return RK_OK;
    RK_TRY(rk_auth_read(scene, arena, run->error));
    RK_TRY(rk_auth_hidden(scene, arena, &candidate->hidden, run->error));
    scene->hidden = &candidate->hidden;
    return RK_OK;
}

static rk_status decide(run *run, candidate *candidate, rk_arena *arena) {
    rk_scene scene = scene_of(run, candidate);
    const rki_plan *plan = &run->plan;
    rki_place place;
    bool yes = false;
    rk_status status = ask_rules(run, candidate, &scene, arena);
    if (status == RK_FORBIDDEN) return RK_OK;
    RK_TRY(status);
    run->report->read++;
    RK_TRY(read_place(run, candidate, arena, &place));
    if (plan->has_cursor && rki_place_compare(&plan->ordering, &place, &plan->cursor) <= 0) return RK_OK;
    if (!run->streams && !rki_rows_want(&run->rows, &place)) return RK_OK;
    RK_TRY(ask_filter(run, &scene, candidate, arena, &yes));
    if (!yes) return RK_OK;
    return run->streams ? stream_row(run, candidate, &place, arena) : keep_row(run, candidate, &place, arena);
}

static rk_status consider(run *run, candidate *candidate) {
    if (candidate->version + candidate->pending == 0) return RK_OK;
    candidate->id = rk_bytes_from(candidate->name, rk_bytes_find(candidate->name, '/') + 1);
    rk_arena arena = rki_call_arena(run->engine);
    rk_status status = decide(run, candidate, &arena);
    rk_arena_free(&arena);
    return status;
}

/* An entity with own pending events, as this device sees it. */
static rk_status consider_view(run *run, rk_bytes name) {
    rki_entity *entity = NULL;
    candidate candidate = {.name = name};
    RK_TRY(rki_entity_load(run->engine, name, NULL, &entity, run->error));
    RK_TRY(rki_entity_view(run->engine, entity, &candidate.state, run->error));
    candidate.version = entity->version;
    candidate.pending = entity->pending;
    return consider(run, &candidate);
}

/* ---- walking ---- */

static void note_statement(void *context, rk_bytes text) {
    run *run = context;
    rk_query_report *report = run->report;
    if (report->statement_count < RK_STATEMENTS_MAX &&
        rk_arena_copy(run->arena, text, &report->statements[report->statement_count]) != RK_OK) {
        return;
    }
    report->statement_count++;
}

static rk_status visit_named(void *context, const rk_stored_entity *entity, rk_state *state, rk_bytes key) {
    run *run = context;
    candidate candidate = {.name = entity->entity, .version = entity->version, .state = state};
    (void)key;
    return state ? consider(run, &candidate) : consider_view(run, entity->entity);
}

static rk_status walk_by_name(run *run) {
    const rki_walk walk = {.visit = visit_named, .context = run, .statement = note_statement};
    rk_bytes after = {NULL, 0};
    if (run->plan.has_cursor && run->plan.ordering.count == 0) {
        after = rk_arena_format(&run->plan_arena, "%b/%b", run->plan.module->name, run->plan.cursor.id);
    }
    return rki_walk_module(run->engine, run->plan.module->name, after, &walk, run->error);
}

/* Whether the entity was considered already, where its index may have two rows for it. */
static rk_status is_repeated(run *run, rk_bytes name, bool *yes_out) {
    rk_bytes kept;
    *yes_out = run->may_repeat && rk_map_get(&run->seen, name);
    if (!run->may_repeat || *yes_out) return RK_OK;
    if (rk_arena_copy(&run->plan_arena, name, &kept) != RK_OK || rk_map_set(&run->seen, kept, run) != RK_OK) {
        return no_memory(run);
    }
    return RK_OK;
}

/* Along an index in order: nothing behind this key can come before the last row that is kept. */
static bool is_enough(const run *run, rk_bytes key) {
    const rki_rows *rows = &run->rows;
    if (run->plan.way != RK_IN_ORDER || rows->count < rows->limit) return false;
    const rki_place *last = &rows->items[0]->place;
    rk_index_key last_key = rk_index_key_none();
    if (last->there[0]) (void)rk_index_key_of(&last->values[0], &last_key);
    return rki_key_compare(&run->plan.ordering, key, rk_index_key_bytes(&last_key)) > 0;
}

static rk_status visit_indexed(void *context, const rk_stored_entity *entity, rk_state *state, rk_bytes key) {
    run *run = context;
    candidate candidate = {.name = entity->entity, .version = entity->version, .state = state};
    bool repeated = false;
    if (is_enough(run, key)) return (rk_status)STOP;
    if (!state) return RK_OK; /* it has pending events, and was considered with these */
    RK_TRY(is_repeated(run, entity->entity, &repeated));
    return repeated ? RK_OK : consider(run, &candidate);
}

static rk_status walk_range(run *run, const rki_range *range, bool backward) {
    const rki_walk walk = {.visit = visit_indexed, .context = run, .statement = note_statement};
    const rk_index_range stored = {run->plan.module->name, run->plan.index->name, rk_index_key_bytes(&range->low),
                                   rk_index_key_bytes(&range->high)};
    if (rk_bytes_compare(stored.low, stored.high) >= 0) return RK_OK;
    return rki_walk_index(run->engine, &stored, backward, &walk, run->error);
}

/* ---- pending candidates ---- */

static rk_status note_pending(void *context, const rk_stored_event *stored) {
    run *run = context;
    rk_event event;
    rk_arena arena = rki_call_arena(run->engine);
    rk_status status = rk_event_decode(&arena, stored->bytes, &event, run->error);
    if (status == RK_OK && rk_bytes_equal(event.module, run->plan.module->name)) {
        char name[RK_NAME_SIZE_MAX + RK_ENTITY_SIZE_MAX + 2];
        rk_bytes found = rk_bytes_of(name, rk_format(name, sizeof name, "%b/%b", event.module, event.entity)), kept;
        if (!rk_map_get(&run->pending, found) &&
            (rk_arena_copy(&run->plan_arena, found, &kept) != RK_OK || rk_map_set(&run->pending, kept, run) != RK_OK)) {
            status = no_memory(run);
        }
    }
    rk_arena_free(&arena);
    return status;
}

static rk_status consider_pending(run *run) {
    rk_engine *engine = run->engine;
    if (engine->truth) return RK_OK;
    RK_TRY(engine->host.store->pending_events(engine->log, (rk_bytes){NULL, 0}, note_pending, run, run->error));
    run->report->pending_read = run->pending.entry_count > 0;
    for (size_t i = 0; i < run->pending.entry_count; i++) RK_TRY(consider_view(run, run->pending.entries[i].key));
    return RK_OK;
}

/* ---- along an index ---- */

/* What lies before the cursor is not walked again; rows of its own key are, since they are in no order. */
static rki_range cut_range(const run *run, rki_range range) {
    const rki_plan *plan = &run->plan;
    rk_index_key key = rk_index_key_none();
    if (plan->way != RK_IN_ORDER || !plan->has_cursor) return range;
    if (plan->cursor.there[0]) (void)rk_index_key_of(&plan->cursor.values[0], &key);
    bool backward = plan->ordering.descending[0];
    rk_index_key after = rk_index_key_after(&key);
    rk_bytes low = rk_index_key_bytes(&range.low), high = rk_index_key_bytes(&range.high);
    if (!backward && rk_bytes_compare(low, rk_index_key_bytes(&key)) < 0) range.low = key;
    if (backward && plan->cursor.there[0] && rk_bytes_compare(rk_index_key_bytes(&after), high) < 0) range.high = after;
    return range;
}

/* Backward, rows without the field still come last: they are cut off, and walked by themselves at the end. */
static rk_status walk_backward(run *run) {
    const rki_plan *plan = &run->plan;
    rk_index_key none = rk_index_key_none();
    bool any_none = false;
    for (size_t i = plan->range_count; i > 0; i--) {
        rki_range range = plan->ranges[i - 1];
        if (rk_bytes_compare(rk_index_key_bytes(&none), rk_index_key_bytes(&range.high)) < 0) {
            any_none = true;
            range.high = none;
        }
        if (plan->has_cursor && !plan->cursor.there[0]) continue;
        range = cut_range(run, range);
        RK_TRY(walk_range(run, &range, true));
    }
    const rki_range last = {none, rk_index_key_after(&none)};
    return any_none ? walk_range(run, &last, false) : RK_OK;
}

static rk_status walk_index(run *run) {
    const rki_plan *plan = &run->plan;
    RK_TRY(consider_pending(run));
    if (plan->way == RK_IN_ORDER && plan->ordering.descending[0]) return walk_backward(run);
    for (size_t i = 0; i < plan->range_count; i++) {
        const rki_range range = cut_range(run, plan->ranges[i]);
        RK_TRY(walk_range(run, &range, false));
    }
    return RK_OK;
}

/* ---- the query ---- */

static rk_status start_report(run *run) {
    const rki_plan *plan = &run->plan;
    rk_query_report *report = run->report;
    report->way = plan->way;
    report->unindexed = plan->unindexed;
    report->sorted = !run->streams && plan->way != RK_IN_ORDER;
    report->parts = plan->parts;
    report->part_count = plan->part_count;
    if (!plan->index) return RK_OK;
    return rk_arena_copy(run->arena, plan->index->name, &report->index) == RK_OK ? RK_OK : no_memory(run);
}

static rk_status run_planned(run *run) {
    const rki_plan *plan = &run->plan;
    run->streams = plan->way == RK_BY_NAME && plan->ordering.count == 0;
    run->may_repeat = plan->index && rki_field_index(plan->index) == RKI_INDEX_MANY && plan->range_count > 1;
    run->rows = (rki_rows){.ordering = &plan->ordering,
                           .memory = run->engine->host.memory,
                           .arena = &run->plan_arena,
                           .limit = run->query->limit};
    RK_TRY(start_report(run));
    rk_status status = plan->way == RK_BY_NAME ? walk_by_name(run) : walk_index(run);
    if (status == (rk_status)STOP) status = RK_OK;
    if (status == RK_OK) status = give_out_kept(run);
    rki_rows_free(&run->rows);
    return status;
}

static rk_status run_query(run *run) {
    rk_engine *engine = run->engine;
    run->asker.now_ms = engine->host.now_ms(engine->host.context);
    if (engine->reader.size > 0) RK_TRY(rki_reader(engine, &run->plan_arena, &run->asker.actor, run->error));
    RK_TRY(rki_plan_make(engine, run->query, &run->asker, run->arena, &run->plan, run->error));
    return run_planned(run);
}

rk_status rk_engine_query(rk_engine *engine, const rk_query *query, rk_arena *arena, rk_row_visitor visit,
                          void *context, rk_query_report *report_out, rk_error *error) {
    run run = {.engine = engine,
               .query = query,
               .arena = arena,
               .plan_arena = rki_call_arena(engine),
               .visit = visit,
               .context = context,
               .report = report_out,
               .error = error};
    *report_out = (rk_query_report){.rows = 0};
    rk_map_init(&run.seen, &run.plan_arena);
    rk_map_init(&run.pending, &run.plan_arena);
    RK_TRY(rki_begin(engine, false, error));
    rk_status status = run_query(&run);
    rki_view_end(engine);
    rk_arena_free(&run.plan_arena);
    return status;
}
