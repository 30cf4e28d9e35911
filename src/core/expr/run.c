/*
 * Evaluation: variables, fields, indexes, logic, lists and maps, calls.
 *
 * Invariants
 *   (1) Evaluation recurses as deep as the tree, which the parser has bounded.
 *   (2) && and || look at every operand before they fail: one that decides outweighs errors on either side.
 */
#include "core/expr/code.h"

enum { ROOT_UNREAD, ROOT_PRESENT, ROOT_ABSENT };
enum { INLINE_SLOTS_MAX = 8 }; /* variables and locals of a simple program live on the stack */

/* --- variables -------------------------------------------------------------------------------------------------- */

static rk_status read_root(rki_run *run, const rki_op *op, uint32_t slot) {
    const rki_root *root = &run->program->roots[slot];
    const rk_activation *activation = run->activation;
    rk_status status = RK_NOT_FOUND;
    if (activation) {
        status = activation->find(activation->context, root->name, root->index, &run->roots[slot], run->error);
    }
    if (status == RK_EXPRESSION_FAILED) return rki_fault_name(run, op, RKI_FAULT_HOST, root->name);
    if (status != RK_OK && status != RK_NOT_FOUND) return status;
    run->root_states[slot] = status == RK_OK ? ROOT_PRESENT : ROOT_ABSENT;
    return RK_OK;
}

static inline rk_status root_value(rki_run *run, const rki_op *op, uint32_t slot, const rk_value **value_out) {
    if (run->root_states[slot] == ROOT_UNREAD) RK_TRY(read_root(run, op, slot));
    *value_out = run->root_states[slot] == ROOT_PRESENT ? &run->roots[slot] : NULL;
    return RK_OK;
}

static rk_status undeclared(rki_run *run, const rki_op *op, uint32_t slot) {
    return rki_fault_name(run, op, RKI_FAULT_UNDECLARED, run->program->roots[slot].name);
}

rk_status rki_eval_constant(rki_run *run, const rki_op *op, rk_value *out) {
    (void)run;
    *out = op->as.constant;
    return RK_OK;
}

rk_status rki_eval_local(rki_run *run, const rki_op *op, rk_value *out) {
    *out = run->locals[op->as.field.slot];
    return RK_OK;
}

rk_status rki_eval_root(rki_run *run, const rki_op *op, rk_value *out) {
    const rk_value *value = NULL;
    RK_TRY(root_value(run, op, op->as.field.slot, &value));
    if (!value) return undeclared(run, op, op->as.field.slot);
    *out = *value;
    return RK_OK;
}

/* --- fields and indexes ----------------------------------------------------------------------------------------- */

static void set_optional(const rk_value *found, rk_value *out) {
    *out = (rk_value){.kind = RK_OPTIONAL, .as.optional = found};
}

/* Looks through an optional: its fields are optional too. False for none, which is then the answer. */
static bool look_through(const rk_value **target, bool *optional, rk_value *out) {
    if ((*target)->kind != RK_OPTIONAL) return true;
    set_optional(NULL, out);
    *optional = true;
    *target = (*target)->as.optional;
    return *target != NULL;
}

static rk_status select_key(rki_run *run, const rki_op *op, const rk_value *target, rk_bytes key, bool optional,
                            rk_value *out) {
    if (!look_through(&target, &optional, out)) return RK_OK;
    if (target->kind != RK_MAP) return rki_fault_both(run, op, RKI_FAULT_NO_FIELD, key, target);
    const rk_value *found = rki_map_get_text(target, key);
    if (optional) {
        set_optional(found, out);
        return RK_OK;
    }
    if (!found) {
        rk_value text = rk_string(key);
        return rki_fault_value(run, op, RKI_FAULT_NO_KEY, &text);
    }
    *out = *found;
    return RK_OK;
}

rk_status rki_eval_field(rki_run *run, const rki_op *op, rk_value *out) {
    rk_value target;
    RK_TRY(rki_eval(run, op->left, &target));
    return select_key(run, op, &target, op->as.field.key, op->as.field.optional, out);
}

rk_status rki_eval_root_field(rki_run *run, const rki_op *op, rk_value *out) {
    const rk_value *target = NULL;
    RK_TRY(root_value(run, op, op->as.field.slot, &target));
    if (!target) return undeclared(run, op, op->as.field.slot);
    return select_key(run, op, target, op->as.field.key, op->as.field.optional, out);
}

rk_status rki_eval_dotted(rki_run *run, const rki_op *op, rk_value *out) {
    uint32_t count = op->as.dotted.key_count;
    for (uint32_t skipped = 0; skipped <= count; skipped++) {
        const rk_value *target = NULL;
        RK_TRY(root_value(run, op, op->as.dotted.slots[skipped], &target));
        if (!target) continue;
        rk_value value = *target;
        for (uint32_t i = count - skipped; i < count; i++) {
            rk_value container = value;
            RK_TRY(rki_steps(run, 1));
            RK_TRY(select_key(run, op, &container, op->as.dotted.keys[i], false, &value));
        }
        *out = value;
        return RK_OK;
    }
    return undeclared(run, op, op->as.dotted.slots[count]);
}

rk_status rki_eval_has(rki_run *run, const rki_op *op, rk_value *out) {
    rk_value target, found;
    RK_TRY(rki_eval(run, op->left, &target));
    RK_TRY(select_key(run, op, &target, op->as.field.key, true, &found));
    return rki_answer(out, found.as.optional != NULL);
}

/* The place in a list that a number means; false for what is no whole number. */
static bool list_place(const rk_value *index, int64_t *place_out) {
    *place_out = -1;
    if (index->kind == RK_INT) *place_out = index->as.integer;
    if (index->kind == RK_UINT && index->as.uinteger <= INT64_MAX) *place_out = (int64_t)index->as.uinteger;
    if (index->kind != RK_DOUBLE) return index->kind == RK_INT || index->kind == RK_UINT;
    double number = index->as.number;
    if (!(number > -1e15 && number < 1e15) || (double)(int64_t)number != number) return false;
    *place_out = (int64_t)number;
    return true;
}

static rk_status find_index(rki_run *run, const rki_op *op, const rk_value *target, const rk_value *index,
                            const rk_value **found_out) {
    *found_out = NULL;
    if (target->kind == RK_MAP) {
        if (index->kind > RK_STRING || index->kind == RK_NULL) {
            return rki_fault_value(run, op, RKI_FAULT_KEY_KIND, index);
        }
        *found_out = rki_map_get(target, index);
        return RK_OK;
    }
    rk_value both[2] = {*target, *index};
    if (target->kind != RK_LIST) return rki_no_overload(run, op, RK_TEXT("[]"), both, 2);
    int64_t place = 0;
    if (!list_place(index, &place)) return rki_fault_value(run, op, RKI_FAULT_INDEX_KIND, index);
    bool inside = place >= 0 && (uint64_t)place < target->as.list.count;
    if (inside) *found_out = &target->as.list.items[place];
    return RK_OK;
}

rk_status rki_eval_index(rki_run *run, const rki_op *op, rk_value *out) {
    rk_value container, index;
    RK_TRY(rki_eval(run, op->left, &container));
    RK_TRY(rki_eval(run, op->right, &index));
    const rk_value *target = &container, *found = NULL;
    bool optional = op->as.field.optional;
    if (!look_through(&target, &optional, out)) return RK_OK;
    RK_TRY(find_index(run, op, target, &index, &found));
    if (optional) {
        set_optional(found, out);
        return RK_OK;
    }
    if (!found) return rki_fault_value(run, op, target->kind == RK_LIST ? RKI_FAULT_INDEX : RKI_FAULT_NO_KEY, &index);
    *out = *found;
    return RK_OK;
}

/* --- logic ------------------------------------------------------------------------------------------------------ */

static rk_status eval_logic(rki_run *run, const rki_op *op, bool decisive, rk_value *out) {
    rki_fault first;
    bool failed = false;
    for (uint32_t i = 0; i < op->operand_count; i++) {
        rk_status status = rki_eval(run, op->operands[i], out);
        if (status == RK_OK && out->kind == RK_BOOL) {
            if (out->as.boolean == decisive) return RK_OK;
            continue;
        }
        if (status == RK_OK) status = rki_fault_value(run, op->operands[i], RKI_FAULT_NOT_BOOL, out);
        if (status != RK_EXPRESSION_FAILED) return status;
        if (!failed) first = run->fault;
        failed = true;
    }
    if (failed) {
        run->fault = first;
        return RK_EXPRESSION_FAILED;
    }
    return rki_answer(out, !decisive);
}

rk_status rki_eval_and(rki_run *run, const rki_op *op, rk_value *out) {
    return eval_logic(run, op, false, out);
}

rk_status rki_eval_or(rki_run *run, const rki_op *op, rk_value *out) {
    return eval_logic(run, op, true, out);
}

rk_status rki_eval_conditional(rki_run *run, const rki_op *op, rk_value *out) {
    rk_value condition;
    RK_TRY(rki_eval(run, op->left, &condition));
    if (condition.kind != RK_BOOL) return rki_fault_value(run, op->left, RKI_FAULT_NOT_BOOL, &condition);
    return rki_eval(run, condition.as.boolean ? op->right : op->operands[2], out);
}

/* --- lists and maps --------------------------------------------------------------------------------------------- */

rk_status rki_eval_maybe(rki_run *run, const rki_op *op, rk_value *out) {
    RK_TRY(rki_eval(run, op->left, out));
    return out->kind == RK_OPTIONAL ? RK_OK : rki_fault_value(run, op->left, RKI_FAULT_NOT_OPTIONAL, out);
}

/* Evaluates an entry; false in `present_out` for an optional one that has no value. */
static rk_status eval_entry(rki_run *run, const rki_op *op, rk_value *out, bool *present_out) {
    *present_out = true;
    RK_TRY(rki_eval(run, op, out));
    if (op->evaluate != rki_eval_maybe) return RK_OK;
    *present_out = out->as.optional != NULL;
    if (*present_out) *out = *out->as.optional;
    return RK_OK;
}

rk_status rki_eval_list(rki_run *run, const rki_op *op, rk_value *out) {
    rk_value *items = rk_arena_take_array(run->arena, op->operand_count, sizeof *items);
    if (!items) return RK_NO_MEMORY;
    size_t count = 0;
    for (uint32_t i = 0; i < op->operand_count; i++) {
        bool present = false;
        RK_TRY(eval_entry(run, op->operands[i], &items[count], &present));
        if (present) count++;
    }
    *out = rk_list(items, count);
    return RK_OK;
}

static const rk_value *doubled_key(const rk_pair *pairs, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (rk_value_equal(&pairs[i - 1].key, &pairs[i].key)) return &pairs[i].key;
    }
    RK_UNREACHABLE("a map is refused for no other reason");
}

rk_status rki_make_map(rki_run *run, const rki_op *op, rk_pair *pairs, size_t count, rk_value *out) {
    for (size_t i = 0; i < count; i++) {
        rk_kind kind = pairs[i].key.kind;
        bool is_key = kind == RK_INT || kind == RK_UINT || kind == RK_STRING || kind == RK_BOOL;
        if (!is_key) return rki_fault_value(run, op, RKI_FAULT_KEY_KIND, &pairs[i].key);
    }
    RK_TRY(rki_steps(run, count));
    rk_status status = rk_map_value(run->arena, pairs, count, out);
    if (status != RK_CBOR_ORDER) return status;
    return rki_fault_value(run, op, RKI_FAULT_SAME_KEY, doubled_key(pairs, count));
}

rk_status rki_eval_map(rki_run *run, const rki_op *op, rk_value *out) {
    rk_pair *pairs = rk_arena_take_array(run->arena, op->operand_count / 2, sizeof *pairs);
    if (!pairs) return RK_NO_MEMORY;
    size_t count = 0;
    for (uint32_t i = 0; i + 1 < op->operand_count; i += 2) {
        bool present = false;
        RK_TRY(rki_eval(run, op->operands[i], &pairs[count].key));
        RK_TRY(eval_entry(run, op->operands[i + 1], &pairs[count].value, &present));
        if (present) count++;
    }
    return rki_make_map(run, op, pairs, count, out);
}

/* --- calls ------------------------------------------------------------------------------------------------------ */

rk_status rki_eval_call(rki_run *run, const rki_op *op, rk_value *out) {
    rk_value arguments[RKI_ARGUMENTS_MAX];
    for (uint32_t i = 0; i < op->operand_count; i++) RK_TRY(rki_eval(run, op->operands[i], &arguments[i]));
    return op->as.call.function->apply(run, op, arguments, op->operand_count, out);
}

rk_status rki_eval_unbound(rki_run *run, const rki_op *op, rk_value *out) {
    (void)out;
    return rki_fault_name(run, op, RKI_FAULT_UNBOUND, op->as.call.name);
}

/* `a.orValue(b)` and `a.or(b)` evaluate b only when a has no value. */
static rk_status eval_first_optional(rki_run *run, const rki_op *op, rk_value *out) {
    RK_TRY(rki_eval(run, op->left, out));
    return out->kind == RK_OPTIONAL ? RK_OK : rki_no_overload(run, op, op->as.call.name, out, 1);
}

rk_status rki_eval_or_value(rki_run *run, const rki_op *op, rk_value *out) {
    RK_TRY(eval_first_optional(run, op, out));
    if (!out->as.optional) return rki_eval(run, op->right, out);
    *out = *out->as.optional;
    return RK_OK;
}

rk_status rki_eval_or_optional(rki_run *run, const rki_op *op, rk_value *out) {
    RK_TRY(eval_first_optional(run, op, out));
    if (out->as.optional) return RK_OK;
    RK_TRY(rki_eval(run, op->right, out));
    return out->kind == RK_OPTIONAL ? RK_OK : rki_fault_value(run, op->right, RKI_FAULT_NOT_OPTIONAL, out);
}

/* --- the run ---------------------------------------------------------------------------------------------------- */

static rk_status finish(const rki_run *run, rk_status status, uint64_t steps_max, rk_error *error) {
    switch (status) {
    case RK_OK:
        return RK_OK;
    case RK_EXPRESSION_FAILED:
        return rki_fault_report(run, error);
    case RK_STEP_BOUND:
        return rk_fail(error, RK_STEP_BOUND, NULL, "the expression took more than %u steps", steps_max);
    case RK_NO_MEMORY:
        return rk_fail(error, RK_NO_MEMORY, NULL, "the expression needs more memory than it may have");
    default:
        return status;
    }
}

rk_status rk_program_run(const rk_program *program, const rk_activation *activation, rk_arena *arena,
                         uint64_t steps_max, rk_value *value_out, rk_error *error) {
    rk_value roots[INLINE_SLOTS_MAX], locals[INLINE_SLOTS_MAX];
    uint8_t root_states[INLINE_SLOTS_MAX] = {ROOT_UNREAD};
    rki_run run;
    run.program = program;
    run.activation = activation;
    run.arena = arena;
    run.steps_left = steps_max;
    run.roots = roots;
    run.root_states = root_states;
    run.locals = locals;
    run.error = error;
    *value_out = rk_null();
    if (program->root_count > INLINE_SLOTS_MAX) {
        run.roots = rk_arena_take_array(arena, program->root_count, sizeof *run.roots);
        run.root_states = rk_arena_take(arena, program->root_count);
    }
    if (program->local_count > INLINE_SLOTS_MAX) {
        run.locals = rk_arena_take_array(arena, program->local_count, sizeof *run.locals);
    }
    if (!run.roots || !run.root_states || !run.locals) return finish(&run, RK_NO_MEMORY, steps_max, error);
    rk_status status = rki_eval(&run, program->code, value_out);
    if (status == RK_OK) return RK_OK;
    *value_out = rk_null();
    return finish(&run, status, steps_max, error);
}
