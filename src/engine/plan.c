/*
 * The plan of a query: compiled, and which index is walked.
 *
 * Invariants
 *   (1) What is walked holds every entity that can match, except those with own pending events, which are read besides.
 *   (2) A mistake in the query is refused before anything is read.
 *
 * The choice. Each conjunct of the filter in a simple form gives ranges of one field's index; those of one field are
 * intersected. The store counts the rows of each choice, up to a bound, and the smallest is the best.
 *
 *     limit, and the first order field has an index    along that index, unless the best choice is of another field
 *                                                      and has at most FEW rows
 *     otherwise, the best choice has at most FEW rows  that choice, sorted
 *     limit and no order                               by name, until there are enough
 *     no limit, no order, and COUNT_MAX rows or more   by name, since so many are not sorted
 *     otherwise                                        the best choice; by name where there is none
 */
#include "engine/query.h"

#include <string.h>

enum {
    COUNT_MAX = RK_QUERY_ROWS_MAX,
    FEW = 10000,
    VALUES_MAX = 1000, /* of one conjunct: a longer list narrows nothing */
};

/* One way to narrow: ranges of a field's index, and the conjuncts that gave them. */
typedef struct choice {
    const rk_field *field;
    rki_range *ranges;
    size_t range_count;
    uint64_t rows;
    bool *from; /* by conjunct */
} choice;

typedef struct planner {
    rk_engine *engine;
    const rk_query *query;
    const rki_asker *asker;
    rk_arena *arena;
    rki_plan *plan;
    rk_environment environment;
    const rk_conjunct *conjuncts;
    size_t conjunct_count;
    choice *choices;
    size_t choice_count;
    rk_error *error;
} planner;

static rk_status no_memory(const planner *planner) {
    return rk_fail(planner->error, RK_NO_MEMORY, "query", "no memory for its plan");
}

/* ---- compiling ---- */

static rk_status make_environment(planner *planner) {
    const rk_module *module = planner->plan->module;
    const rk_type *text = rk_type_of(RK_TYPE_STRING);
    const rk_type_field actor[] = {
        {RK_TEXT("id"), text}, {RK_TEXT("kind"), text}, {RK_TEXT("roles"), rk_type_list(planner->arena, text)}};
    const rk_type_field entity[] = {{RK_TEXT("id"), text},
                                    {RK_TEXT("exists"), rk_type_of(RK_TYPE_BOOL)},
                                    {RK_TEXT("version"), rk_type_of(RK_TYPE_INT)}};
    rk_type_field *fields = rk_arena_take_array(planner->arena, module->field_count + 6, sizeof *fields);
    rk_variable *variables = rk_arena_take_array(planner->arena, 4, sizeof *variables);
    if (!fields || !variables) return no_memory(planner);
    memcpy(fields, actor, sizeof actor);
    memcpy(fields + 3, entity, sizeof entity);
    for (size_t i = 0; i < module->field_count; i++) {
        fields[6 + i] = (rk_type_field){module->fields[i].name, module->fields[i].type};
    }
    variables[0] = (rk_variable){RK_TEXT("actor"), rk_type_object(planner->arena, RK_TEXT("actor"), fields, 3, false)};
    variables[1] =
        (rk_variable){RK_TEXT("entity"), rk_type_object(planner->arena, RK_TEXT("entity"), fields + 3, 3, false)};
    variables[2] = (rk_variable){
        RK_TEXT("state"), rk_type_object(planner->arena, RK_TEXT("state"), fields + 6, module->field_count, false)};
    variables[3] = (rk_variable){RK_TEXT("now"), rk_type_of(RK_TYPE_TIMESTAMP)};
    for (size_t i = 0; i < 4; i++) {
        if (!variables[i].type) return no_memory(planner);
    }
    planner->environment = (rk_environment){variables, 4};
    return RK_OK;
}

static rk_status compile_where(planner *planner) {
    rk_bytes where = planner->query->where;
    if (where.size == 0) return RK_OK;
    RK_TRY(make_environment(planner));
    rk_status status =
        rk_expr_compile(planner->arena, where, &planner->environment, &planner->plan->where, planner->error);
    if (status == RK_OK && !rk_type_fits(rk_program_type(planner->plan->where), rk_type_of(RK_TYPE_BOOL))) {
        status = rk_fail(planner->error, RK_BAD_EXPRESSION, NULL, "the filter gives %b where bool is wanted",
                         rk_type_print(planner->arena, rk_program_type(planner->plan->where)));
    }
    if (status == RK_OK) {
        status = rk_expr_narrow(planner->arena, where, &planner->environment, RK_TEXT("state"), &planner->conjuncts,
                                &planner->conjunct_count, planner->error);
    }
    if (status != RK_OK) rk_error_at(planner->error, RK_TEXT("--where"));
    return status;
}

static bool is_orderable(const rk_field *field) {
    rk_type_kind kind = field->type->kind;
    return kind == RK_TYPE_BOOL || kind == RK_TYPE_INT || kind == RK_TYPE_UINT || kind == RK_TYPE_STRING ||
           kind == RK_TYPE_BYTES;
}

static rk_status find_field(const planner *planner, rk_bytes name, const char *where, const rk_field **field_out) {
    *field_out = rk_module_field(planner->plan->module, name);
    if (*field_out) return RK_OK;
    return rk_fail(planner->error, RK_BAD_QUERY, where, "the module \"%b\" has no field \"%b\"",
                   planner->plan->module->name, name);
}

static rk_status read_order(planner *planner) {
    const rk_query *query = planner->query;
    rki_ordering *ordering = &planner->plan->ordering;
    if (query->order_count > RK_ORDER_MAX) {
        return rk_fail(planner->error, RK_LIMIT, "--order", "more fields than RK_ORDER_MAX");
    }
    for (size_t i = 0; i < query->order_count; i++) {
        const rk_field *field = NULL;
        RK_TRY(find_field(planner, query->order[i].field, "--order", &field));
        if (!is_orderable(field)) {
            return rk_fail(planner->error, RK_BAD_QUERY, "--order", "\"%b\" is a %b, which has no order", field->name,
                           rk_type_print(planner->arena, field->type));
        }
        ordering->fields[i] = field;
        ordering->descending[i] = query->order[i].descending;
        ordering->count++;
    }
    return RK_OK;
}

static rk_status read_fields(const planner *planner) {
    const rk_field *field = NULL;
    for (size_t i = 0; i < planner->query->field_count; i++) {
        RK_TRY(find_field(planner, planner->query->fields[i], "--select", &field));
    }
    return RK_OK;
}

/* ---- values that narrow ---- */

/* What the value of a test may read: not the entity, which is not known yet. */
static rk_status find_value(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    const planner *planner = context;
    const rki_asker *asker = planner->asker;
    (void)index;
    if (rk_bytes_equal(name, RK_TEXT("now"))) {
        *value_out = (rk_value){.kind = RK_TIMESTAMP};
        value_out->as.time.seconds = (int64_t)(asker->now_ms / 1000);
        value_out->as.time.nanos = (int32_t)(asker->now_ms % 1000 * 1000000);
        return RK_OK;
    }
    if (!rk_bytes_equal(name, RK_TEXT("actor"))) {
        return rk_fail(error, RK_EXPRESSION_FAILED, NULL, "it depends on the entity");
    }
    rk_pair *pairs = rk_arena_take_array(planner->arena, 3, sizeof *pairs);
    if (!pairs) return RK_NO_MEMORY;
    pairs[0] = (rk_pair){rk_string(RK_TEXT("id")), rk_string(asker->actor.id)};
    pairs[1] =
        (rk_pair){rk_string(RK_TEXT("kind")), rk_string(rk_bytes_of_string(rk_actor_kind_name(asker->actor.kind)))};
    pairs[2] = (rk_pair){rk_string(RK_TEXT("roles")), asker->actor.roles ? *asker->actor.roles : rk_list(NULL, 0)};
    return rk_map_value(planner->arena, pairs, 3, value_out);
}

static rk_status find_zone(void *context, rk_bytes name, int64_t seconds, int64_t *ahead_out) {
    const planner *planner = context;
    const rk_zone_source *zones = rki_zones(planner->engine);
    return zones->ahead(zones->context, name, seconds, ahead_out);
}

/* ---- ranges ---- */

static bool is_before(const rk_index_key *a, const rk_index_key *b) {
    return rk_bytes_compare(rk_index_key_bytes(a), rk_index_key_bytes(b)) < 0;
}

/* The keys of values of which the test may be true. False: it says nothing that keys know. */
static bool range_of(rk_test_kind kind, const rk_value *value, rki_range *range_out) {
    rk_index_key key;
    if (!rk_index_key_of(value, &key) || !rk_index_key_class(value, &range_out->low, &range_out->high)) return false;
    if (kind == RK_TEST_PREFIX && value->kind != RK_STRING) return false;
    if (kind != RK_TEST_AT_MOST) range_out->low = key;
    if (kind == RK_TEST_PREFIX) {
        range_out->high = rk_index_key_after_prefix(value->as.bytes);
    } else if (kind != RK_TEST_AT_LEAST) {
        range_out->high = rk_index_key_after(&key);
    }
    return true;
}

/* Puts a range into a list of ascending ones, joined where they meet. The list has room. */
static void join_range(rki_range *ranges, size_t *count, rki_range range) {
    size_t at = 0, end = 0;
    while (at < *count && is_before(&ranges[at].high, &range.low)) at++;
    for (end = at; end < *count && !is_before(&range.high, &ranges[end].low); end++) {
        if (is_before(&ranges[end].low, &range.low)) range.low = ranges[end].low;
        if (is_before(&range.high, &ranges[end].high)) range.high = ranges[end].high;
    }
    memmove(&ranges[at + 1], &ranges[end], (*count - end) * sizeof *ranges);
    ranges[at] = range;
    *count = *count - (end - at) + 1;
}

/* Both lists ascend; `out` has room for as many as both have. */
static size_t intersect(const rki_range *a, size_t a_count, const rki_range *b, size_t b_count, rki_range *out) {
    size_t count = 0;
    for (size_t i = 0, j = 0; i < a_count && j < b_count;) {
        rki_range range = {is_before(&a[i].low, &b[j].low) ? b[j].low : a[i].low,
                           is_before(&a[i].high, &b[j].high) ? a[i].high : b[j].high};
        if (is_before(&range.low, &range.high)) out[count++] = range;
        if (is_before(&a[i].high, &b[j].high)) {
            i++;
        } else {
            j++;
        }
    }
    return count;
}

/* ---- choices ---- */

static size_t value_count(const rk_test *test, const rk_value *value) {
    return test->kind == RK_TEST_AMONG && value->kind == RK_LIST ? value->as.list.count : 1;
}

/* The union of what the tests of a conjunct find. `usable_out` false: one of them says nothing. */
static rk_status ranges_of(const planner *planner, const rk_conjunct *conjunct, choice *choice, bool *usable_out) {
    const rk_activation activation = {.find = find_value,
                                      .context = (void *)(uintptr_t)planner,
                                      .zone = rki_zones(planner->engine) ? find_zone : NULL};
    rk_value *values = rk_arena_take_array(planner->arena, conjunct->test_count, sizeof *values);
    size_t count = 0;
    *usable_out = false;
    if (!values) return no_memory(planner);
    for (size_t i = 0; i < conjunct->test_count; i++) {
        rk_status status =
            rk_program_run(conjunct->tests[i].value, &activation, planner->arena, RK_STEPS_MAX, &values[i], NULL);
        if (status == RK_NO_MEMORY) return no_memory(planner);
        if (status != RK_OK) return RK_OK;
        count += value_count(&conjunct->tests[i], &values[i]);
    }
    if (count > VALUES_MAX) return RK_OK;
    choice->ranges = rk_arena_take_array(planner->arena, count + 1, sizeof *choice->ranges);
    if (!choice->ranges) return no_memory(planner);
    for (size_t i = 0; i < conjunct->test_count; i++) {
        const rk_test *test = &conjunct->tests[i];
        bool among = test->kind == RK_TEST_AMONG;
        if (among && values[i].kind != RK_LIST) return RK_OK;
        const rk_value *items = among ? values[i].as.list.items : &values[i];
        for (size_t n = 0; n < value_count(test, &values[i]); n++) {
            rki_range range;
            bool found = range_of(among ? RK_TEST_EQUAL : test->kind, &items[n], &range);
            if (found) join_range(choice->ranges, &choice->range_count, range);
            if (!found && !among) return RK_OK; /* an element without a key equals no scalar */
        }
    }
    *usable_out = true;
    return RK_OK;
}

/* Whether the field's index can answer tests of these kinds. */
static bool answers(const rk_field *field, const rk_conjunct *conjunct) {
    rki_index_kind kind = field ? rki_field_index(field) : RKI_INDEX_NONE;
    if (kind == RKI_INDEX_NONE) return false;
    for (size_t i = 0; i < conjunct->test_count; i++) {
        if ((conjunct->tests[i].kind == RK_TEST_HOLDS) != (kind == RKI_INDEX_MANY)) return false;
    }
    return true;
}

/* Conjuncts on one field with one row an entity narrow together; elements of lists do not. */
static rk_status add_choice(planner *planner, const choice *found, size_t conjunct) {
    choice *choice = NULL;
    for (size_t i = 0; i < planner->choice_count && rki_field_index(found->field) == RKI_INDEX_ONE; i++) {
        if (planner->choices[i].field == found->field) choice = &planner->choices[i];
    }
    if (!choice) {
        choice = &planner->choices[planner->choice_count++];
        *choice = *found;
        choice->from = rk_arena_take_array(planner->arena, planner->conjunct_count, sizeof *choice->from);
    } else {
        size_t room = choice->range_count + found->range_count + 1;
        rki_range *ranges = rk_arena_take_array(planner->arena, room, sizeof *ranges);
        if (!ranges) return no_memory(planner);
        choice->range_count = intersect(choice->ranges, choice->range_count, found->ranges, found->range_count, ranges);
        choice->ranges = ranges;
    }
    if (!choice->from) return no_memory(planner);
    choice->from[conjunct] = true;
    return RK_OK;
}

static rk_index_range stored_range(const planner *planner, const rk_field *field, const rki_range *range) {
    return (rk_index_range){planner->plan->module->name, field->name, rk_index_key_bytes(&range->low),
                            rk_index_key_bytes(&range->high)};
}

/* With a limit nothing depends on how many more than FEW there are, and counting takes its time. */
static rk_status count_rows(const planner *planner, choice *choice) {
    rk_engine *engine = planner->engine;
    uint64_t count_max = planner->query->limit > 0 ? FEW + 1 : COUNT_MAX;
    for (size_t i = 0; i < choice->range_count && choice->rows < count_max; i++) {
        uint64_t count = 0;
        const rk_index_range range = stored_range(planner, choice->field, &choice->ranges[i]);
        RK_TRY(engine->host.store->index_count(engine->log, &range, count_max - choice->rows, &count, planner->error));
        choice->rows += count;
    }
    return RK_OK;
}

static rk_status find_choices(planner *planner) {
    planner->choices = rk_arena_take_array(planner->arena, planner->conjunct_count + 1, sizeof *planner->choices);
    if (!planner->choices) return no_memory(planner);
    for (size_t i = 0; i < planner->conjunct_count; i++) {
        const rk_conjunct *conjunct = &planner->conjuncts[i];
        if (conjunct->test_count == 0) continue;
        choice found = {.field = rk_module_field(planner->plan->module, conjunct->tests[0].field)};
        bool usable = false;
        if (!answers(found.field, conjunct)) continue;
        RK_TRY(ranges_of(planner, conjunct, &found, &usable));
        if (usable) RK_TRY(add_choice(planner, &found, i));
    }
    for (size_t i = 0; i < planner->choice_count; i++) RK_TRY(count_rows(planner, &planner->choices[i]));
    return RK_OK;
}

/* ---- choosing ---- */

static const choice *best_choice(const planner *planner) {
    const choice *best = NULL;
    for (size_t i = 0; i < planner->choice_count; i++) {
        if (!best || planner->choices[i].rows < best->rows) best = &planner->choices[i];
    }
    return best;
}

static const choice *choice_of(const planner *planner, const rk_field *field) {
    for (size_t i = 0; i < planner->choice_count; i++) {
        if (planner->choices[i].field == field) return &planner->choices[i];
    }
    return NULL;
}

static void take_choice(planner *planner, const choice *choice, rk_query_way way) {
    rki_plan *plan = planner->plan;
    plan->way = way;
    plan->index = choice->field;
    plan->ranges = choice->ranges;
    plan->range_count = choice->range_count;
    for (size_t i = 0; i < plan->part_count; i++) plan->parts[i].narrowed = choice->from && choice->from[i];
}

/* Every row of a field's index. */
static rk_status whole_index(const planner *planner, const rk_field *field, choice *choice_out) {
    rk_index_key none = rk_index_key_none();
    *choice_out = (choice){.field = field, .range_count = 1};
    choice_out->ranges = rk_arena_take(planner->arena, sizeof *choice_out->ranges);
    if (!choice_out->ranges) return no_memory(planner);
    choice_out->ranges[0] = (rki_range){{.size = 0}, rk_index_key_after(&none)};
    return RK_OK;
}

static rk_status choose(planner *planner) {
    const rk_query *query = planner->query;
    const rki_ordering *ordering = &planner->plan->ordering;
    const choice *best = best_choice(planner);
    bool ordered = query->limit > 0 && ordering->count > 0 && rki_field_index(ordering->fields[0]) == RKI_INDEX_ONE;
    if (ordered && !(best && best->field != ordering->fields[0] && best->rows <= FEW)) {
        const choice *along = choice_of(planner, ordering->fields[0]);
        choice whole;
        RK_TRY(whole_index(planner, ordering->fields[0], &whole));
        take_choice(planner, along ? along : &whole, RK_IN_ORDER);
        return RK_OK;
    }
    bool streams = ordering->count == 0 && best && best->rows > FEW && (query->limit > 0 || best->rows >= COUNT_MAX);
    if (best && !streams) take_choice(planner, best, RK_BY_INDEX);
    return RK_OK;
}

static rk_status list_parts(planner *planner) {
    rki_plan *plan = planner->plan;
    plan->parts = rk_arena_take_array(planner->arena, planner->conjunct_count, sizeof *plan->parts);
    if (!plan->parts) return no_memory(planner);
    plan->part_count = planner->conjunct_count;
    for (size_t i = 0; i < plan->part_count; i++) plan->parts[i].text = planner->conjuncts[i].text;
    return RK_OK;
}

static bool has_index(const rk_module *module) {
    for (size_t i = 0; i < module->field_count; i++) {
        if (rki_field_index(&module->fields[i]) != RKI_INDEX_NONE) return true;
    }
    return false;
}

rk_status rki_plan_make(rk_engine *engine, const rk_query *query, const rki_asker *asker, rk_arena *arena,
                        rki_plan *plan_out, rk_error *error) {
    planner planner = {
        .engine = engine, .query = query, .asker = asker, .arena = arena, .plan = plan_out, .error = error};
    bool ready = false;
    *plan_out = (rki_plan){.way = RK_BY_NAME};
    RK_TRY(rki_module_find(engine, query->module, 0, NULL, &plan_out->module, error));
    RK_TRY(compile_where(&planner));
    RK_TRY(read_order(&planner));
    RK_TRY(read_fields(&planner));
    if (query->after.size > 0) {
        plan_out->has_cursor = true;
        RK_TRY(rki_cursor_read(engine, plan_out->module->name, &plan_out->ordering, query->after, arena,
                               &plan_out->cursor, error));
    }
    RK_TRY(list_parts(&planner));
    RK_TRY(rki_index_ready(engine, query->module, &ready, error));
    plan_out->unindexed = !ready && has_index(plan_out->module);
    if (!ready || query->scan) return RK_OK;
    RK_TRY(find_choices(&planner));
    return choose(&planner);
}
