/*
 * The checker: what each name stands for, and the type of each node.
 *
 * Invariants
 *   (1) With an environment every mistake that types can show is refused here. Without one every type is dyn, and a
 *       name or a function that is not known stays in the tree as what it is: an error when it is run.
 *   (2) A name means the innermost macro's variable first, then the longest dotted variable, then a type.
 */
#include "core/expr/code.h"

typedef struct rki_scope {
    struct rki_scope *outer;
    rk_bytes names[2];
    const rk_type *types[2];
    size_t count;
    size_t slot;
} rki_scope;

static const rk_type *of(rk_type_kind kind) {
    return &rki_basic_types[kind];
}

static bool is_strict(const rki_checker *checker) {
    return checker->environment != NULL;
}

/* Refusals name types; the texts live in the arena, which the failed compilation leaves behind anyway. */
static rk_bytes text_of(const rki_checker *checker, const rk_type *type) {
    return rk_type_print(checker->arena, type);
}

static rk_status set_type(const rki_checker *checker, rki_node *node, const rk_type *type) {
    node->type = type;
    return type ? RK_OK : rki_source_memory(checker->source);
}

static bool may_be(const rk_type *type, rk_type_kind kind) {
    return type->kind == kind || type->kind == RK_TYPE_DYN;
}

static rk_status want_bool(const rki_checker *checker, const rki_node *node) {
    if (may_be(node->type, RK_TYPE_BOOL)) return RK_OK;
    return rki_refuse_source(checker->source, node->offset, "%b stands where true or false should",
                             text_of(checker, node->type));
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static bool find_local(const rki_checker *checker, rki_node *node) {
    if (node->kind != RKI_NAME || node->rooted) return false;
    for (const rki_scope *scope = checker->scope; scope; scope = scope->outer) {
        for (size_t i = scope->count; i-- > 0;) {
            if (!rk_bytes_equal(scope->names[i], node->name)) continue;
            node->role = RKI_ROLE_LOCAL;
            node->slot = scope->slot + i;
            node->type = scope->types[i];
            return true;
        }
    }
    return false;
}

static bool find_variable(const rki_checker *checker, rk_bytes name, rki_node *node) {
    for (size_t i = 0; is_strict(checker) && i < checker->environment->count; i++) {
        const rk_variable *variable = &checker->environment->variables[i];
        if (!rk_bytes_equal(variable->name, name)) continue;
        node->role = RKI_ROLE_ROOT;
        node->name = variable->name;
        node->index = i;
        node->type = variable->type;
        return true;
    }
    return false;
}

static bool find_type(rk_bytes name, rki_node *node) {
    if (!rki_type_named(name, &node->value)) return false;
    node->role = RKI_ROLE_CONSTANT;
    node->type = of(RK_TYPE_TYPE);
    return true;
}

static const rki_node *base_of(const rki_node *node) {
    while (node->kind == RKI_SELECT && !node->optional && !node->test) node = node->children[0];
    return node;
}

static rk_status undeclared(const rki_checker *checker, const rki_node *node) {
    rk_status status = rki_refuse_source(checker->source, node->offset, "there is no variable %b here", node->name);
    char hint[RK_ERROR_HINT_MAX];
    size_t size = rk_format(hint, sizeof hint, "there are: ");
    for (size_t i = 0; i < checker->environment->count; i++) {
        rk_bytes name = checker->environment->variables[i].name;
        size += rk_format(hint + size, sizeof hint - size, i > 0 ? ", %b" : "%b", name);
    }
    if (checker->environment->count > 0) rk_error_hint(checker->source->error, "%s", hint);
    return status;
}

static rk_status check_name(const rki_checker *checker, rki_node *node) {
    if (find_local(checker, node) || find_variable(checker, node->name, node) || find_type(node->name, node)) {
        return RK_OK;
    }
    if (is_strict(checker)) return undeclared(checker, node);
    node->role = RKI_ROLE_ROOT;
    node->index = SIZE_MAX;
    return set_type(checker, node, of(RK_TYPE_DYN));
}

/* A SELECT that ends a dotted name; false when it is a field of something. */
static bool find_dotted(const rki_checker *checker, rki_node *node) {
    rki_node base = *base_of(node);
    if (base_of(node) == node || base.kind != RKI_NAME || find_local(checker, &base)) return false;
    rk_bytes name = rki_dotted_name(checker->arena, node);
    if (find_variable(checker, name, node) || find_type(name, node)) return true;
    if (is_strict(checker)) return false;
    node->role = RKI_ROLE_DOTTED;
    node->type = of(RK_TYPE_DYN);
    return true;
}

/* --- fields and indexes ----------------------------------------------------------------------------------------- */

static rk_status no_such_field(const rki_checker *checker, const rki_node *node, const rk_type *object, rk_bytes name) {
    rk_status status =
        rki_refuse_source(checker->source, node->offset, "%b has no field %b", text_of(checker, object), name);
    char hint[RK_ERROR_HINT_MAX];
    size_t size = rk_format(hint, sizeof hint, "it has: ");
    for (size_t i = 0; i < object->field_count; i++) {
        size += rk_format(hint + size, sizeof hint - size, i > 0 ? ", %b" : "%b", object->fields[i].name);
    }
    if (object->field_count > 0) rk_error_hint(checker->source->error, "%s", hint);
    return status;
}

static rk_status field_type(const rki_checker *checker, const rki_node *node, const rk_type *target, rk_bytes name,
                            const rk_type **type_out) {
    *type_out = of(RK_TYPE_DYN);
    switch (target->kind) {
    case RK_TYPE_DYN:
        return RK_OK;
    case RK_TYPE_OBJECT:
        *type_out = rk_type_find_field(target, name);
        return *type_out ? RK_OK : no_such_field(checker, node, target, name);
    case RK_TYPE_MAP:
        *type_out = target->item;
        if (may_be(target->key, RK_TYPE_STRING)) return RK_OK;
        break;
    default:
        break;
    }
    return rki_refuse_source(checker->source, node->offset, "%b has no field %b", text_of(checker, target), name);
}

/* An optional's fields are optional; so is what `.?` and `[?` give. */
static rk_status set_element_type(const rki_checker *checker, rki_node *node, const rk_type *element, bool optional) {
    if (!optional || element->kind == RK_TYPE_OPTIONAL) return set_type(checker, node, element);
    return set_type(checker, node, rk_type_optional(checker->arena, element));
}

static rk_status check_select(rki_checker *checker, rki_node *node) {
    if (find_dotted(checker, node)) return RK_OK;
    RK_TRY(rki_check_tree(checker, node->children[0]));
    const rk_type *target = node->children[0]->type, *field = NULL;
    bool optional = node->optional || target->kind == RK_TYPE_OPTIONAL;
    if (target->kind == RK_TYPE_OPTIONAL) target = target->item;
    RK_TRY(field_type(checker, node, target, node->name, &field));
    if (node->test) return set_type(checker, node, of(RK_TYPE_BOOL));
    return set_element_type(checker, node, field, optional);
}

static rk_status element_type(const rki_checker *checker, const rki_node *node, const rk_type *target,
                              const rki_node *index, const rk_type **type_out) {
    *type_out = of(RK_TYPE_DYN);
    bool numeric = rki_is_number_type(index->type->kind) || index->type->kind == RK_TYPE_DYN;
    switch (target->kind) {
    case RK_TYPE_DYN:
        return RK_OK;
    case RK_TYPE_LIST:
        *type_out = target->item;
        if (numeric) return RK_OK;
        break;
    case RK_TYPE_MAP:
        *type_out = target->item;
        if (rk_type_fits(index->type, target->key) || (numeric && rki_is_number_type(target->key->kind))) return RK_OK;
        break;
    case RK_TYPE_OBJECT:
        if (index->kind == RKI_LITERAL && index->value.kind == RK_STRING) {
            return field_type(checker, node, target, index->value.as.bytes, type_out);
        }
        if (may_be(index->type, RK_TYPE_STRING)) return RK_OK;
        break;
    default:
        return rki_refuse_source(checker->source, node->offset, "%b has no elements", text_of(checker, target));
    }
    return rki_refuse_source(checker->source, index->offset, "%b is no index of %b", text_of(checker, index->type),
                             text_of(checker, target));
}

static rk_status check_index(rki_checker *checker, rki_node *node) {
    RK_TRY(rki_check_tree(checker, node->children[0]));
    RK_TRY(rki_check_tree(checker, node->children[1]));
    const rk_type *target = node->children[0]->type, *element = NULL;
    bool optional = node->optional || target->kind == RK_TYPE_OPTIONAL;
    if (target->kind == RK_TYPE_OPTIONAL) target = target->item;
    RK_TRY(element_type(checker, node, target, node->children[1], &element));
    return set_element_type(checker, node, element, optional);
}

/* --- calls ------------------------------------------------------------------------------------------------------ */

/* `optional.of(x)` is written as a method of the name `optional`: makes it the call of one dotted function. */
static void join_namespace(const rki_checker *checker, rki_node *node) {
    if (!node->member) return;
    rki_node *target = node->children[0];
    rki_node base = *base_of(target);
    if (base.kind != RKI_NAME || find_local(checker, &base)) return;
    rki_node whole = {.kind = RKI_SELECT, .name = node->name, .children = &target, .child_count = 1};
    rk_bytes name = rki_dotted_name(checker->arena, &whole);
    bool known = false;
    if (!rki_function_find(name, false, node->child_count - 1, &known) && !known) return;
    node->name = name;
    node->member = false;
    node->children++;
    node->child_count--;
}

static rk_status no_such_function(const rki_checker *checker, const rki_node *node, bool known) {
    if (!known) return rki_refuse_source(checker->source, node->offset, "there is no function %b", node->name);
    return rki_refuse_source(checker->source, node->offset, "%b does not take %u arguments as a %s", node->name,
                             (uint64_t)(node->child_count - (node->member ? 1 : 0)),
                             node->member ? "method" : "function");
}

static bool signature_fits(const rki_node *node, const rki_signature *signature, rki_bindings *bindings) {
    *bindings = (rki_bindings){NULL, NULL};
    for (size_t i = 0; i < node->child_count; i++) {
        if (!rki_unify_types(signature->arguments[i], node->children[i]->type, bindings)) return false;
    }
    return true;
}

/* "string" of the arguments' types, joined by commas. */
static void print_arguments(const rki_checker *checker, const rki_node *node, char *out, size_t out_size) {
    size_t size = rk_format(out, out_size, "%s", "");
    for (size_t i = 0; i < node->child_count; i++) {
        size +=
            rk_format(out + size, out_size - size, i > 0 ? ", %b" : "%b", text_of(checker, node->children[i]->type));
    }
}

static rk_status no_overload(const rki_checker *checker, const rki_node *node) {
    char arguments[RK_ERROR_WHAT_MAX / 2];
    print_arguments(checker, node, arguments, sizeof arguments);
    rk_bytes name = node->name;
    if (name.data[0] == '_' && node->child_count == 2) {
        rk_bytes sign = rk_bytes_of(name.data + 1, name.size - 2);
        return rki_refuse_source(checker->source, node->offset, "%b cannot be applied to %s", sign, arguments);
    }
    if (name.data[name.size - 1] == '_') name.size--;
    return rki_refuse_source(checker->source, node->offset, "%b cannot be applied to %s", name, arguments);
}

/* Numbers of any type are compared by value, and anything is compared with null. */
static bool is_loose_equality(const rki_node *node) {
    bool equality = rk_bytes_equal(node->name, RK_TEXT("_==_")) || rk_bytes_equal(node->name, RK_TEXT("_!=_"));
    if (!equality) return false;
    rk_type_kind a = node->children[0]->type->kind, b = node->children[1]->type->kind;
    return a == RK_TYPE_NULL || b == RK_TYPE_NULL || (rki_is_number_type(a) && rki_is_number_type(b));
}

/* The result that every overload which fits agrees on; dyn where they differ, as they may for dyn arguments. */
static rk_status resolve_overload(const rki_checker *checker, rki_node *node) {
    const rk_type *result = NULL;
    for (size_t i = 0; i < node->function->signature_count; i++) {
        rki_bindings bindings;
        const rki_signature *signature = &node->function->signatures[i];
        if (!signature_fits(node, signature, &bindings)) continue;
        const rk_type *type = rki_substitute_type(checker->arena, signature->result, &bindings);
        if (!type) return rki_source_memory(checker->source);
        result = !result || result->kind == type->kind ? type : of(RK_TYPE_DYN);
    }
    if (!result && is_loose_equality(node)) result = of(RK_TYPE_BOOL);
    if (!result) return no_overload(checker, node);
    return set_type(checker, node, result);
}

/* A list of numbers of several kinds is one of dyn; what is written in it may still be seen to be no number. */
static rk_status check_picked(const rki_checker *checker, const rki_node *node) {
    bool picks = node->function->apply == rki_apply_greatest || node->function->apply == rki_apply_least;
    const rki_node *list = node->children[0];
    for (size_t i = 0; picks && list->kind == RKI_LIST && i < list->child_count; i++) {
        const rki_node *item = list->children[i];
        if (rki_is_number_type(item->type->kind) || item->type->kind == RK_TYPE_DYN) continue;
        return rki_refuse_source(checker->source, item->offset, "%b stands where a number should",
                                 text_of(checker, item->type));
    }
    return RK_OK;
}

static rk_status check_call(rki_checker *checker, rki_node *node) {
    bool known = false;
    join_namespace(checker, node);
    for (size_t i = 0; i < node->child_count; i++) RK_TRY(rki_check_tree(checker, node->children[i]));
    node->function = rki_function_find(node->name, node->member, node->child_count, &known);
    if (!is_strict(checker)) return set_type(checker, node, of(RK_TYPE_DYN));
    if (!node->function) return no_such_function(checker, node, known);
    if (node->child_count == 1) RK_TRY(check_picked(checker, node));
    return resolve_overload(checker, node);
}

/* --- logic, lists, maps ----------------------------------------------------------------------------------------- */

/* What both are: the same type, or dyn where a list may mix them. NULL when they have nothing in common. */
static const rk_type *join(const rk_type *a, const rk_type *b) {
    if (!a || a->kind == RK_TYPE_NULL) return b;
    if (b->kind == RK_TYPE_NULL) return a;
    if (a->kind == RK_TYPE_DYN || b->kind == RK_TYPE_DYN) return of(RK_TYPE_DYN);
    if (!rk_type_fits(a, b) || !rk_type_fits(b, a)) return NULL;
    return a;
}

static rk_status check_logic(rki_checker *checker, rki_node *node) {
    for (size_t i = 0; i < node->child_count; i++) {
        RK_TRY(rki_check_tree(checker, node->children[i]));
        RK_TRY(want_bool(checker, node->children[i]));
    }
    return set_type(checker, node, is_strict(checker) ? of(RK_TYPE_BOOL) : of(RK_TYPE_DYN));
}

static rk_status check_conditional(rki_checker *checker, rki_node *node) {
    for (size_t i = 0; i < node->child_count; i++) RK_TRY(rki_check_tree(checker, node->children[i]));
    RK_TRY(want_bool(checker, node->children[0]));
    const rk_type *yes = node->children[1]->type, *no = node->children[2]->type;
    const rk_type *joined = join(yes, no);
    if (joined) return set_type(checker, node, joined);
    rk_status status = rki_refuse_source(checker->source, node->offset, "one branch gives %b and the other %b",
                                         text_of(checker, yes), text_of(checker, no));
    rk_error_hint(checker->source->error, "wrap one in dyn(...) if that is meant");
    return status;
}

static rk_status check_maybe(rki_checker *checker, rki_node *node) {
    RK_TRY(rki_check_tree(checker, node->children[0]));
    const rk_type *type = node->children[0]->type;
    if (type->kind == RK_TYPE_DYN) return set_type(checker, node, type);
    if (type->kind == RK_TYPE_OPTIONAL) return set_type(checker, node, type->item);
    return rki_refuse_source(checker->source, node->offset, "%b stands where an optional should",
                             text_of(checker, type));
}

/* The type of children first, first + step, ...: what they share, or dyn. */
static const rk_type *shared_type(const rki_node *node, size_t first, size_t step) {
    const rk_type *shared = NULL;
    for (size_t i = first; i < node->child_count; i += step) {
        shared = join(shared, node->children[i]->type);
        if (!shared) break;
    }
    return shared ? shared : of(RK_TYPE_DYN);
}

static rk_status check_list(rki_checker *checker, rki_node *node) {
    for (size_t i = 0; i < node->child_count; i++) RK_TRY(rki_check_tree(checker, node->children[i]));
    return set_type(checker, node, rk_type_list(checker->arena, shared_type(node, 0, 1)));
}

static bool may_be_key(const rk_type *type) {
    return type->kind == RK_TYPE_DYN || type->kind == RK_TYPE_INT || type->kind == RK_TYPE_UINT ||
           type->kind == RK_TYPE_STRING || type->kind == RK_TYPE_BOOL;
}

static rk_status check_map(rki_checker *checker, rki_node *node) {
    for (size_t i = 0; i < node->child_count; i++) {
        rki_node *child = node->children[i];
        RK_TRY(rki_check_tree(checker, child));
        if (i % 2 == 1 || !is_strict(checker) || may_be_key(child->type)) continue;
        return rki_refuse_source(checker->source, child->offset, "%b cannot be a map's key",
                                 text_of(checker, child->type));
    }
    const rk_type *key = shared_type(node, 0, 2), *item = shared_type(node, 1, 2);
    return set_type(checker, node, rk_type_map(checker->arena, key, item));
}

/* --- macros ----------------------------------------------------------------------------------------------------- */

/* The types that a macro's variables take from its range. */
static rk_status bind_range(const rki_checker *checker, const rki_node *node, rki_scope *scope) {
    const rk_type *range = node->children[0]->type;
    bool unwraps = node->macro == RKI_MACRO_OPT_MAP || node->macro == RKI_MACRO_OPT_FLAT_MAP;
    size_t last = node->name_count - 1;
    scope->types[0] = scope->types[1] = node->macro == RKI_MACRO_BIND ? range : of(RK_TYPE_DYN);
    if (node->macro == RKI_MACRO_BIND) return RK_OK;
    if (range->kind == RK_TYPE_DYN) return RK_OK;
    if (unwraps && range->kind == RK_TYPE_OPTIONAL) {
        scope->types[0] = range->item;
    } else if (!unwraps && range->kind == RK_TYPE_LIST) {
        scope->types[0] = of(RK_TYPE_INT);
        scope->types[last] = range->item;
    } else if (!unwraps && range->kind == RK_TYPE_MAP) {
        scope->types[1] = range->item;
        scope->types[0] = range->key;
    } else if (!unwraps && range->kind == RK_TYPE_OBJECT) {
        scope->types[0] = of(RK_TYPE_STRING);
    } else {
        return rki_refuse_source(checker->source, node->offset, "%b() cannot be applied to %b", node->name,
                                 text_of(checker, range));
    }
    return RK_OK;
}

static rk_status macro_type(const rki_checker *checker, const rki_node *node, const rki_scope *scope,
                            const rk_type **type_out) {
    const rk_type *range = node->children[0]->type, *last = node->children[node->child_count - 1]->type;
    rk_arena *arena = checker->arena;
    switch (node->macro) {
    case RKI_MACRO_ALL:
    case RKI_MACRO_EXISTS:
    case RKI_MACRO_EXISTS_ONE:
        *type_out = of(RK_TYPE_BOOL);
        return want_bool(checker, node->children[1]);
    case RKI_MACRO_FILTER:
        *type_out = range->kind == RK_TYPE_LIST ? range : rk_type_list(arena, scope->types[0]);
        return want_bool(checker, node->children[1]);
    case RKI_MACRO_MAP:
    case RKI_MACRO_TRANSFORM_LIST:
        *type_out = rk_type_list(arena, last);
        break;
    case RKI_MACRO_TRANSFORM_MAP:
        *type_out = rk_type_map(arena, scope->types[0], last);
        break;
    case RKI_MACRO_TRANSFORM_MAP_ENTRY:
        *type_out = last;
        if (may_be(last, RK_TYPE_MAP)) break;
        return rki_refuse_source(checker->source, node->offset, "%b() wants a map of each element", node->name);
    case RKI_MACRO_BIND:
        *type_out = last;
        return RK_OK;
    case RKI_MACRO_OPT_MAP:
        *type_out = rk_type_optional(arena, last);
        return RK_OK;
    case RKI_MACRO_OPT_FLAT_MAP:
        *type_out = last;
        if (may_be(last, RK_TYPE_OPTIONAL)) return RK_OK;
        return rki_refuse_source(checker->source, node->offset, "optFlatMap() wants an optional from its expression");
    }
    return node->child_count == 3 ? want_bool(checker, node->children[1]) : RK_OK;
}

static rk_status check_macro(rki_checker *checker, rki_node *node) {
    RK_TRY(rki_check_tree(checker, node->children[0]));
    rki_scope scope = {.outer = checker->scope, .count = node->name_count};
    if (scope.outer) scope.slot = scope.outer->slot + scope.outer->count;
    for (size_t i = 0; i < node->name_count; i++) scope.names[i] = node->names[i];
    RK_TRY(bind_range(checker, node, &scope));
    node->slot = scope.slot;
    if (scope.slot + scope.count > checker->local_count) checker->local_count = scope.slot + scope.count;
    checker->scope = &scope;
    for (size_t i = 1; i < node->child_count; i++) RK_TRY(rki_check_tree(checker, node->children[i]));
    checker->scope = scope.outer;
    const rk_type *type = of(RK_TYPE_DYN);
    if (is_strict(checker)) RK_TRY(macro_type(checker, node, &scope, &type));
    return set_type(checker, node, type);
}

/* --- all nodes -------------------------------------------------------------------------------------------------- */

static rk_type_kind type_of_literal(rk_kind kind) {
    switch (kind) {
    case RK_NULL:
        return RK_TYPE_NULL;
    case RK_BOOL:
        return RK_TYPE_BOOL;
    case RK_INT:
        return RK_TYPE_INT;
    case RK_UINT:
        return RK_TYPE_UINT;
    case RK_DOUBLE:
        return RK_TYPE_DOUBLE;
    case RK_BYTES:
        return RK_TYPE_BYTES;
    default:
        return RK_TYPE_STRING;
    }
}

rk_status rki_check_tree(rki_checker *checker, rki_node *node) {
    rk_status status = RK_OK;
    switch (node->kind) {
    case RKI_LITERAL:
        node->type = of(type_of_literal(node->value.kind));
        break;
    case RKI_NAME:
        status = check_name(checker, node);
        break;
    case RKI_SELECT:
        status = check_select(checker, node);
        break;
    case RKI_INDEX:
        status = check_index(checker, node);
        break;
    case RKI_CALL:
        status = check_call(checker, node);
        break;
    case RKI_AND:
    case RKI_OR:
        status = check_logic(checker, node);
        break;
    case RKI_CONDITIONAL:
        status = check_conditional(checker, node);
        break;
    case RKI_LIST:
        status = check_list(checker, node);
        break;
    case RKI_MAP:
        status = check_map(checker, node);
        break;
    case RKI_MAYBE:
        status = check_maybe(checker, node);
        break;
    case RKI_MACRO:
        status = check_macro(checker, node);
        break;
    }
    if (status == RK_OK && !is_strict(checker)) node->type = of(RK_TYPE_DYN);
    return status;
}
