/*
 * Macros over a range: each binds its variables to every element in turn and evaluates its steps.
 *
 * Invariants
 *   (1) Every element costs a step besides what its evaluation costs; a result grows as it is found, never ahead.
 *   (2) all() and exists() outweigh errors as && and || do; the others fail at the first error.
 */
#include "core/expr/code.h"

/* What grows: the values of a list or the pairs of a map. */
typedef struct loop_result {
    void *items;
    size_t count;
    size_t capacity;
} loop_result;

static void *next_item(rki_run *run, loop_result *result, size_t item_size) {
    if (result->count == result->capacity) {
        size_t capacity = result->capacity ? result->capacity * 2 : 4;
        void *grown = rk_arena_grow(run->arena, result->items, result->capacity * item_size, capacity * item_size);
        if (!grown) return NULL;
        result->items = grown;
        result->capacity = capacity;
    }
    return (uint8_t *)result->items + item_size * result->count++;
}

static size_t range_count(const rk_value *range) {
    return range->kind == RK_LIST ? range->as.list.count : range->as.map.count;
}

/* Binds the variables to element `index` and counts the step. */
static rk_status bind(rki_run *run, const rki_op *op, const rk_value *range, size_t index) {
    rk_value *locals = &run->locals[op->as.loop.slot];
    RK_TRY(rki_steps(run, 1));
    if (range->kind == RK_LIST) {
        if (op->as.loop.name_count == 2) *locals++ = rk_int((int64_t)index);
        *locals = range->as.list.items[index];
        return RK_OK;
    }
    locals[0] = range->as.map.pairs[index].key;
    if (op->as.loop.name_count == 2) locals[1] = range->as.map.pairs[index].value;
    return RK_OK;
}

static rk_status eval_condition(rki_run *run, const rki_op *condition, bool *yes_out) {
    rk_value value;
    *yes_out = false;
    RK_TRY(rki_eval(run, condition, &value));
    if (value.kind != RK_BOOL) return rki_fault_value(run, condition, RKI_FAULT_NOT_BOOL, &value);
    *yes_out = value.as.boolean;
    return RK_OK;
}

/* all() is decided by a false, exists() by a true. */
static rk_status loop_logic(rki_run *run, const rki_op *op, const rk_value *range, bool decisive, rk_value *out) {
    rki_fault first;
    bool failed = false;
    for (size_t i = 0; i < range_count(range); i++) {
        bool yes = false;
        RK_TRY(bind(run, op, range, i));
        rk_status status = eval_condition(run, op->right, &yes);
        if (status == RK_OK && yes == decisive) {
            return rki_answer(out, decisive);
        }
        if (status != RK_OK && status != RK_EXPRESSION_FAILED) return status;
        if (status != RK_OK && !failed) first = run->fault;
        if (status != RK_OK) failed = true;
    }
    if (failed) {
        run->fault = first;
        return RK_EXPRESSION_FAILED;
    }
    return rki_answer(out, !decisive);
}

static rk_status loop_exists_one(rki_run *run, const rki_op *op, const rk_value *range, rk_value *out) {
    size_t found = 0;
    for (size_t i = 0; i < range_count(range); i++) {
        bool yes = false;
        RK_TRY(bind(run, op, range, i));
        RK_TRY(eval_condition(run, op->right, &yes));
        if (yes) found++;
    }
    return rki_answer(out, found == 1);
}

/* Whether the step before the last, where there is one, lets this element through. */
static rk_status passes(rki_run *run, const rki_op *op, bool *yes_out) {
    *yes_out = true;
    return op->operand_count == 3 ? eval_condition(run, op->operands[1], yes_out) : RK_OK;
}

static rk_status loop_list(rki_run *run, const rki_op *op, const rk_value *range, rk_value *out) {
    const rki_op *transform = op->operands[op->operand_count - 1];
    loop_result result = {0};
    for (size_t i = 0; i < range_count(range); i++) {
        bool yes = false;
        rk_value value;
        RK_TRY(bind(run, op, range, i));
        RK_TRY(passes(run, op, &yes));
        if (!yes) continue;
        RK_TRY(rki_eval(run, transform, &value));
        rk_value *item = next_item(run, &result, sizeof *item);
        if (!item) return RK_NO_MEMORY;
        *item = value;
    }
    *out = rk_list(result.items, result.count);
    return RK_OK;
}

static rk_status loop_filter(rki_run *run, const rki_op *op, const rk_value *range, rk_value *out) {
    loop_result result = {0};
    for (size_t i = 0; i < range_count(range); i++) {
        bool yes = false;
        RK_TRY(bind(run, op, range, i));
        RK_TRY(eval_condition(run, op->right, &yes));
        if (!yes) continue;
        rk_value *item = next_item(run, &result, sizeof *item);
        if (!item) return RK_NO_MEMORY;
        *item = range->kind == RK_LIST ? range->as.list.items[i] : range->as.map.pairs[i].key;
    }
    *out = rk_list(result.items, result.count);
    return RK_OK;
}

static rk_status put_pairs(rki_run *run, loop_result *result, const rk_pair *pairs, size_t count) {
    RK_TRY(rki_steps(run, count));
    for (size_t i = 0; i < count; i++) {
        rk_pair *pair = next_item(run, result, sizeof *pair);
        if (!pair) return RK_NO_MEMORY;
        *pair = pairs[i];
    }
    return RK_OK;
}

static rk_status loop_map(rki_run *run, const rki_op *op, const rk_value *range, rk_value *out) {
    const rki_op *transform = op->operands[op->operand_count - 1];
    bool entries = op->as.loop.macro == RKI_MACRO_TRANSFORM_MAP_ENTRY;
    loop_result result = {0};
    for (size_t i = 0; i < range_count(range); i++) {
        bool yes = false;
        rk_value value;
        RK_TRY(bind(run, op, range, i));
        RK_TRY(passes(run, op, &yes));
        if (!yes) continue;
        rk_value key = run->locals[op->as.loop.slot];
        RK_TRY(rki_eval(run, transform, &value));
        if (entries && value.kind != RK_MAP) {
            return rki_no_overload(run, op, RK_TEXT("transformMapEntry"), &value, 1);
        }
        rk_pair pair = {key, value};
        RK_TRY(entries ? put_pairs(run, &result, value.as.map.pairs, value.as.map.count)
                       : put_pairs(run, &result, &pair, 1));
    }
    return rki_make_map(run, op, result.items, result.count, out);
}

static rk_status eval_opt_map(rki_run *run, const rki_op *op, const rk_value *range, rk_value *out) {
    if (range->kind != RK_OPTIONAL) return rki_fault_value(run, op, RKI_FAULT_NOT_OPTIONAL, range);
    *out = *range;
    if (!range->as.optional) return RK_OK;
    run->locals[op->as.loop.slot] = *range->as.optional;
    rk_value value;
    RK_TRY(rki_eval(run, op->right, &value));
    if (op->as.loop.macro == RKI_MACRO_OPT_MAP) return rki_make_optional(run, &value, out);
    if (value.kind != RK_OPTIONAL) return rki_fault_value(run, op->right, RKI_FAULT_NOT_OPTIONAL, &value);
    *out = value;
    return RK_OK;
}

rk_status rki_eval_loop(rki_run *run, const rki_op *op, rk_value *out) {
    rk_value range;
    rki_macro macro = op->as.loop.macro;
    RK_TRY(rki_eval(run, op->left, &range));
    if (macro == RKI_MACRO_BIND) {
        run->locals[op->as.loop.slot] = range;
        return rki_eval(run, op->right, out);
    }
    if (macro == RKI_MACRO_OPT_MAP || macro == RKI_MACRO_OPT_FLAT_MAP) return eval_opt_map(run, op, &range, out);
    if (range.kind != RK_LIST && range.kind != RK_MAP) return rki_no_overload(run, op, RK_TEXT("range"), &range, 1);
    switch (macro) {
    case RKI_MACRO_ALL:
        return loop_logic(run, op, &range, false, out);
    case RKI_MACRO_EXISTS:
        return loop_logic(run, op, &range, true, out);
    case RKI_MACRO_EXISTS_ONE:
        return loop_exists_one(run, op, &range, out);
    case RKI_MACRO_MAP:
    case RKI_MACRO_TRANSFORM_LIST:
        return loop_list(run, op, &range, out);
    case RKI_MACRO_FILTER:
        return loop_filter(run, op, &range, out);
    default:
        return loop_map(run, op, &range, out);
    }
}
