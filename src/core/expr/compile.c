/*
 * From source to program: parse, check, and turn the tree into ops with resolved slots; what needs no variable is
 * evaluated now.
 *
 * Invariants
 *   (1) Each variable has one root slot, however often it is named.
 *   (2) An op that could fail is folded only when it does not: the error stays where it is evaluated, or is not.
 */
#include <string.h>

#include "core/expr/code.h"

enum { FOLD_STEPS_MAX = 1000 };

typedef struct compiler {
    const rki_source *source;
    rk_arena *arena;
    bool strict; /* there is an environment */
    rki_root *roots;
    size_t root_count, root_capacity;
    rk_read *reads;
    size_t read_count, read_capacity;
    bool uses_zones;
} compiler;

static rk_status compile(compiler *c, const rki_node *node, const rki_op **op_out);

/* --- slots and reads -------------------------------------------------------------------------------------------- */

static rk_status grow(compiler *c, void **items, size_t count, size_t *capacity, size_t item_size) {
    if (count < *capacity) return RK_OK;
    size_t larger = *capacity ? *capacity * 2 : 4;
    void *grown = rk_arena_grow(c->arena, *items, *capacity * item_size, larger * item_size);
    if (!grown) return rki_source_memory(c->source);
    *items = grown;
    *capacity = larger;
    return RK_OK;
}

static rk_status root_slot(compiler *c, rk_bytes name, size_t index, uint32_t *slot_out) {
    for (*slot_out = 0; *slot_out < c->root_count; (*slot_out)++) {
        const rki_root *root = &c->roots[*slot_out];
        if (root->index == index && rk_bytes_equal(root->name, name)) return RK_OK;
    }
    void *items = c->roots;
    RK_TRY(grow(c, &items, c->root_count, &c->root_capacity, sizeof *c->roots));
    c->roots = items;
    rki_root *root = &c->roots[c->root_count++];
    root->index = index;
    if (rk_arena_copy(c->arena, name, &root->name) != RK_OK) return rki_source_memory(c->source);
    return RK_OK;
}

static rk_status add_read(compiler *c, rk_bytes root, rk_bytes field, bool whole, size_t offset) {
    for (size_t i = 0; i < c->read_count; i++) {
        const rk_read *read = &c->reads[i];
        if (read->whole == whole && rk_bytes_equal(read->root, root) && rk_bytes_equal(read->field, field))
            return RK_OK;
    }
    void *items = c->reads;
    RK_TRY(grow(c, &items, c->read_count, &c->read_capacity, sizeof *c->reads));
    c->reads = items;
    rk_read *read = &c->reads[c->read_count++];
    read->whole = whole;
    read->offset = offset;
    if (rk_arena_copy(c->arena, root, &read->root) != RK_OK) return rki_source_memory(c->source);
    if (rk_arena_copy(c->arena, field, &read->field) != RK_OK) return rki_source_memory(c->source);
    return RK_OK;
}

/* --- ops -------------------------------------------------------------------------------------------------------- */

static rk_status new_op(compiler *c, const rki_node *node, rki_evaluate *evaluate, rki_op **op_out) {
    rki_op *op = rk_arena_take(c->arena, sizeof *op);
    if (!op) return rki_source_memory(c->source);
    op->evaluate = evaluate;
    op->offset = (uint32_t)node->offset;
    *op_out = op;
    return RK_OK;
}

/* Compiles the children from `first` on as operands. */
static rk_status add_operands(compiler *c, const rki_node *node, rki_op *op) {
    const rki_op **operands = rk_arena_take_array(c->arena, node->child_count, sizeof(rki_op *));
    if (!operands) return rki_source_memory(c->source);
    for (size_t i = 0; i < node->child_count; i++) RK_TRY(compile(c, node->children[i], &operands[i]));
    op->operands = operands;
    op->operand_count = (uint32_t)node->child_count;
    if (node->child_count > 0) op->left = operands[0];
    if (node->child_count > 1) op->right = operands[1];
    return RK_OK;
}

/* Replaces an op by its value when all its operands are constants and it does not fail. */
static void fold(compiler *c, rki_op *op) {
    for (uint32_t i = 0; i < op->operand_count; i++) {
        if (op->operands[i]->evaluate != rki_eval_constant) return;
    }
    rki_run run = {.arena = c->arena, .steps_left = FOLD_STEPS_MAX};
    rk_value value;
    if (rki_eval(&run, op, &value) != RK_OK) return;
    op->evaluate = rki_eval_constant;
    op->operand_count = 0;
    op->as.constant = value;
}

static rk_status compile_constant(compiler *c, const rki_node *node, const rki_op **op_out) {
    rki_op *op = NULL;
    RK_TRY(new_op(c, node, rki_eval_constant, &op));
    if (rk_value_copy(c->arena, &node->value, &op->as.constant) != RK_OK) return rki_source_memory(c->source);
    *op_out = op;
    return RK_OK;
}

/* --- names and fields ------------------------------------------------------------------------------------------- */

static rk_status compile_local(compiler *c, const rki_node *node, const rki_op **op_out) {
    rki_op *op = NULL;
    RK_TRY(new_op(c, node, rki_eval_local, &op));
    op->as.field.slot = (uint32_t)node->slot;
    *op_out = op;
    return RK_OK;
}

static rk_status compile_root(compiler *c, const rki_node *node, const rki_op **op_out) {
    rki_op *op = NULL;
    RK_TRY(new_op(c, node, rki_eval_root, &op));
    RK_TRY(root_slot(c, node->name, node->index, &op->as.field.slot));
    RK_TRY(add_read(c, node->name, (rk_bytes){NULL, 0}, true, node->offset));
    *op_out = op;
    return RK_OK;
}

/* Without an environment a.b.c may be the variable "a.b.c", a field of "a.b", or a field of a field of "a". */
static rk_status compile_dotted(compiler *c, const rki_node *node, const rki_op **op_out) {
    size_t key_count = 0;
    const rki_node *at = node;
    for (; at->kind == RKI_SELECT; at = at->children[0]) key_count++;
    uint32_t *slots = rk_arena_take_array(c->arena, key_count + 1, sizeof *slots);
    rk_bytes *keys = rk_arena_take_array(c->arena, key_count, sizeof *keys);
    rki_op *op = NULL;
    RK_TRY(new_op(c, node, rki_eval_dotted, &op));
    if (!slots || !keys) return rki_source_memory(c->source);
    at = node;
    for (size_t i = 0; i <= key_count; i++) {
        rk_bytes name = rki_dotted_name(c->arena, at);
        if (!name.data) return rki_source_memory(c->source);
        RK_TRY(root_slot(c, name, SIZE_MAX, &slots[i]));
        if (i == key_count) break;
        if (rk_arena_copy(c->arena, at->name, &keys[key_count - 1 - i]) != RK_OK) return rki_source_memory(c->source);
        at = at->children[0];
    }
    op->as.dotted.slots = slots;
    op->as.dotted.keys = keys;
    op->as.dotted.key_count = (uint32_t)key_count;
    *op_out = op;
    return add_read(c, at->name, keys[0], false, at->offset);
}

static rk_status compile_field(compiler *c, const rki_node *node, rk_bytes key, const rki_op **op_out) {
    const rki_node *target = node->children[0];
    rki_op *op = NULL;
    RK_TRY(new_op(c, node, node->test ? rki_eval_has : rki_eval_field, &op));
    if (rk_arena_copy(c->arena, key, &op->as.field.key) != RK_OK) return rki_source_memory(c->source);
    op->as.field.optional = node->optional;
    *op_out = op;
    if (target->role != RKI_ROLE_ROOT) {
        RK_TRY(compile(c, target, &op->left));
        return RK_OK;
    }
    RK_TRY(add_read(c, target->name, key, false, target->offset));
    if (!node->test) {
        op->evaluate = rki_eval_root_field;
        return root_slot(c, target->name, target->index, &op->as.field.slot);
    }
    rki_op *root = NULL;
    RK_TRY(new_op(c, target, rki_eval_root, &root));
    op->left = root;
    return root_slot(c, target->name, target->index, &root->as.field.slot);
}

static rk_status compile_index(compiler *c, const rki_node *node, const rki_op **op_out) {
    const rki_node *index = node->children[1];
    if (index->kind == RKI_LITERAL && index->value.kind == RK_STRING) {
        return compile_field(c, node, index->value.as.bytes, op_out);
    }
    rki_op *op = NULL;
    RK_TRY(new_op(c, node, rki_eval_index, &op));
    RK_TRY(add_operands(c, node, op));
    op->as.field.optional = node->optional;
    fold(c, op);
    *op_out = op;
    return RK_OK;
}

/* --- the rest --------------------------------------------------------------------------------------------------- */

/* Compiles a constant pattern once. Without an environment a bad one is an error of the run. */
static rk_status prepare_match(compiler *c, const rki_node *node, rki_op *op) {
    const rk_regex *regex = NULL;
    const char *problem = "";
    bool matches = node->function && node->function->apply == rki_apply_matches;
    if (!matches || op->right->evaluate != rki_eval_constant || op->right->as.constant.kind != RK_STRING) return RK_OK;
    rk_status status = rk_regex_compile(c->arena, op->right->as.constant.as.bytes, &regex, &problem);
    if (status == RK_NO_MEMORY) return rki_source_memory(c->source);
    if (status != RK_OK && c->strict) {
        return rki_refuse_source_as(c->source, status, op->right->offset, "not a regular expression: %s", problem);
    }
    if (status != RK_OK) return RK_OK;
    op->evaluate = rki_eval_match;
    op->as.match.regex = regex;
    return RK_OK;
}

/* A zone that is computed may be any. */
static void note_zone(compiler *c, const rki_op *zone) {
    bool constant = zone->evaluate == rki_eval_constant && zone->as.constant.kind == RK_STRING;
    if (!constant || !rki_is_fixed_zone(zone->as.constant.as.bytes)) c->uses_zones = true;
}

static rk_status compile_call(compiler *c, const rki_node *node, const rki_op **op_out) {
    rki_op *op = NULL;
    rki_evaluate *evaluate = rki_eval_unbound;
    if (node->function) evaluate = node->function->evaluate ? node->function->evaluate : rki_eval_call;
    RK_TRY(new_op(c, node, evaluate, &op));
    RK_TRY(add_operands(c, node, op));
    op->as.call.function = node->function;
    if (rk_arena_copy(c->arena, node->name, &op->as.call.name) != RK_OK) return rki_source_memory(c->source);
    RK_TRY(prepare_match(c, node, op));
    if (node->function && rki_function_takes_zone(node->function)) note_zone(c, op->right);
    fold(c, op);
    *op_out = op;
    return RK_OK;
}

static rk_status compile_macro(compiler *c, const rki_node *node, const rki_op **op_out) {
    rki_op *op = NULL;
    RK_TRY(new_op(c, node, rki_eval_loop, &op));
    RK_TRY(add_operands(c, node, op));
    op->as.loop.slot = (uint32_t)node->slot;
    op->as.loop.name_count = (uint32_t)node->name_count;
    op->as.loop.macro = node->macro;
    *op_out = op;
    return RK_OK;
}

static rk_status compile_plain(compiler *c, const rki_node *node, rki_evaluate *evaluate, const rki_op **op_out) {
    rki_op *op = NULL;
    RK_TRY(new_op(c, node, evaluate, &op));
    RK_TRY(add_operands(c, node, op));
    if (evaluate != rki_eval_maybe) fold(c, op);
    *op_out = op;
    return RK_OK;
}

static rk_status compile_role(compiler *c, const rki_node *node, const rki_op **op_out) {
    switch (node->role) {
    case RKI_ROLE_LOCAL:
        return compile_local(c, node, op_out);
    case RKI_ROLE_ROOT:
        return compile_root(c, node, op_out);
    case RKI_ROLE_DOTTED:
        return compile_dotted(c, node, op_out);
    case RKI_ROLE_CONSTANT:
        return compile_constant(c, node, op_out);
    case RKI_ROLE_NONE:
        break;
    }
    RK_UNREACHABLE("a name without a role");
}

static rk_status compile(compiler *c, const rki_node *node, const rki_op **op_out) {
    if (node->role != RKI_ROLE_NONE) return compile_role(c, node, op_out);
    switch (node->kind) {
    case RKI_LITERAL:
        return compile_constant(c, node, op_out);
    case RKI_SELECT:
        return compile_field(c, node, node->name, op_out);
    case RKI_INDEX:
        return compile_index(c, node, op_out);
    case RKI_CALL:
        return compile_call(c, node, op_out);
    case RKI_AND:
        return compile_plain(c, node, rki_eval_and, op_out);
    case RKI_OR:
        return compile_plain(c, node, rki_eval_or, op_out);
    case RKI_CONDITIONAL:
        return compile_plain(c, node, rki_eval_conditional, op_out);
    case RKI_LIST:
        return compile_plain(c, node, rki_eval_list, op_out);
    case RKI_MAP:
        return compile_plain(c, node, rki_eval_map, op_out);
    case RKI_MAYBE:
        return compile_plain(c, node, rki_eval_maybe, op_out);
    case RKI_MACRO:
        return compile_macro(c, node, op_out);
    case RKI_NAME:
        break;
    }
    RK_UNREACHABLE("a name without a role");
}

/* --- programs --------------------------------------------------------------------------------------------------- */

static const rki_node *path_step(const rki_node *node, rk_bytes *key_out) {
    bool selects = node->kind == RKI_SELECT && !node->optional && !node->test;
    bool indexes = node->kind == RKI_INDEX && !node->optional && node->children[1]->kind == RKI_LITERAL &&
                   node->children[1]->value.kind == RK_STRING;
    if (!selects && !indexes) return NULL;
    *key_out = selects ? node->name : node->children[1]->value.as.bytes;
    return node->children[0];
}

/* The path of a variable and constant fields; leaves the program's path empty for anything else. */
static rk_status find_path(compiler *c, const rki_node *tree, rk_program *program) {
    size_t count = 1;
    rk_bytes key = {NULL, 0};
    const rki_node *at = tree;
    for (; at->role != RKI_ROLE_ROOT; count++) {
        /* Without an environment a dotted name ends in a NAME that the checker did not look at. */
        if (at->kind == RKI_NAME) break;
        const rki_node *next = at->role == RKI_ROLE_NONE || at->role == RKI_ROLE_DOTTED ? path_step(at, &key) : NULL;
        if (!next) return RK_OK;
        at = next;
    }
    if (at->role != RKI_ROLE_ROOT && at->role != RKI_ROLE_NONE) return RK_OK;
    rk_bytes *keys = rk_arena_take_array(c->arena, count, sizeof *keys);
    if (!keys) return rki_source_memory(c->source);
    at = tree;
    for (size_t i = count - 1; i > 0; i--) {
        at = path_step(at, &key);
        if (rk_arena_copy(c->arena, key, &keys[i]) != RK_OK) return rki_source_memory(c->source);
    }
    if (rk_arena_copy(c->arena, at->name, &keys[0]) != RK_OK) return rki_source_memory(c->source);
    program->path = keys;
    program->path_count = count;
    return RK_OK;
}

rk_status rki_compile_tree(const rki_checker *checker, const rki_node *tree, rk_program **program_out) {
    compiler c = {.source = checker->source, .arena = checker->arena, .strict = checker->environment};
    rk_program *program = rk_arena_take(c.arena, sizeof *program);
    if (!program) return rki_source_memory(c.source);
    if (rk_arena_copy(c.arena, c.source->text, &program->source) != RK_OK) return rki_source_memory(c.source);
    RK_TRY(compile(&c, tree, &program->code));
    RK_TRY(find_path(&c, tree, program));
    program->type = tree->type;
    program->roots = c.roots;
    program->root_count = c.root_count;
    program->local_count = checker->local_count;
    program->reads = c.reads;
    program->read_count = c.read_count;
    program->uses_zones = c.uses_zones;
    *program_out = program;
    return RK_OK;
}

static rk_status parse_source(rk_arena *arena, const rki_source *source, rki_node **tree_out) {
    if (source->text.size > RK_EXPRESSION_SIZE_MAX) {
        return rk_fail(source->error, RK_LIMIT, NULL, "the expression has more than %u bytes",
                       (uint64_t)RK_EXPRESSION_SIZE_MAX);
    }
    if (!rk_utf8_valid(source->text)) return rk_fail(source->error, RK_BAD_TEXT, NULL, "the expression is not UTF-8");
    return rki_parse_tree(source, arena, tree_out);
}

rk_status rk_expr_compile(rk_arena *arena, rk_bytes text, const rk_environment *environment, rk_program **program_out,
                          rk_error *error) {
    rki_source source = {text, error};
    rki_checker checker = {.source = &source, .arena = arena, .environment = environment};
    rki_node *tree = NULL;
    *program_out = NULL;
    RK_TRY(parse_source(arena, &source, &tree));
    RK_TRY(rki_check_tree(&checker, tree));
    return rki_compile_tree(&checker, tree, program_out);
}

/* --- places ----------------------------------------------------------------------------------------------------- */

static rk_status compile_step(rk_arena *arena, const rki_source *source, const rk_environment *environment,
                              rki_node *node, rk_place_step *step) {
    rk_bytes key = {NULL, 0};
    if (path_step(node, &key)) {
        if (rk_arena_copy(arena, key, &step->field) != RK_OK) return rki_source_memory(source);
        return RK_OK;
    }
    rki_checker checker = {.source = source, .arena = arena, .environment = environment};
    rk_program *program = NULL;
    RK_TRY(rki_check_tree(&checker, node->children[1]));
    RK_TRY(rki_compile_tree(&checker, node->children[1], &program));
    step->program = program;
    return RK_OK;
}

rk_status rk_expr_compile_place(rk_arena *arena, rk_bytes text, const rk_environment *environment, rk_place *place_out,
                                rk_error *error) {
    rki_source source = {text, error};
    rki_node *tree = NULL;
    size_t count = 0;
    *place_out = (rk_place){.root = {NULL, 0}};
    RK_TRY(parse_source(arena, &source, &tree));
    rki_node *at = tree;
    for (; (at->kind == RKI_SELECT && !at->test) || at->kind == RKI_INDEX; at = at->children[0], count++) {
        if (at->optional) return rki_refuse_source(&source, at->offset, "a place has no optional parts");
    }
    if (at->kind != RKI_NAME) {
        rk_status status = rki_refuse_source(&source, at->offset, "this is no place that can be written");
        rk_error_hint(error, "a place is a field, or a part of one: name, name.part, name[key]");
        return status;
    }
    rk_place_step *steps = rk_arena_take_array(arena, count, sizeof *steps);
    if (!steps || rk_arena_copy(arena, at->name, &place_out->root) != RK_OK) return rki_source_memory(&source);
    place_out->steps = steps;
    place_out->step_count = count;
    for (at = tree; count > 0; at = at->children[0]) {
        RK_TRY(compile_step(arena, &source, environment, at, &steps[--count]));
    }
    return RK_OK;
}

/* --- what a program is ------------------------------------------------------------------------------------------ */

const rk_type *rk_program_type(const rk_program *program) {
    return program->type;
}

size_t rk_program_reads(const rk_program *program, const rk_read **reads_out) {
    *reads_out = program->reads;
    return program->read_count;
}

bool rk_program_reads_root(const rk_program *program, rk_bytes root) {
    for (size_t i = 0; i < program->read_count; i++) {
        if (rk_bytes_equal(program->reads[i].root, root)) return true;
    }
    return false;
}

size_t rk_program_path(const rk_program *program, const rk_bytes **keys_out) {
    *keys_out = program->path;
    return program->path_count;
}

bool rk_program_uses_zones(const rk_program *program) {
    return program->uses_zones;
}

size_t rk_program_where(const rk_program *program, size_t offset, char *out, size_t out_size) {
    return rki_source_column(program->source, offset, out, out_size);
}
