/*
 * Macros: calls that are rewritten at parse time because they bind variables or ask about a field without reading it.
 *
 * Invariants
 *   (1) A call becomes a macro by its name, its style and its number of arguments; otherwise it stays a call.
 *   (2) A macro's children are the range and its steps; the variables' names are in `names`.
 */
#include "core/expr/tree.h"

typedef struct macro_row {
    const char *name;
    size_t argument_count; /* without the target */
    rki_macro macro;
    size_t name_count;
} macro_row;

/* `existsOne` is the specification's newer spelling. */
static const macro_row macro_rows[] = {
    {"all", 2, RKI_MACRO_ALL, 1},
    {"exists", 2, RKI_MACRO_EXISTS, 1},
    {"exists_one", 2, RKI_MACRO_EXISTS_ONE, 1},
    {"existsOne", 2, RKI_MACRO_EXISTS_ONE, 1},
    {"map", 2, RKI_MACRO_MAP, 1},
    {"map", 3, RKI_MACRO_MAP, 1},
    {"filter", 2, RKI_MACRO_FILTER, 1},
    {"optMap", 2, RKI_MACRO_OPT_MAP, 1},
    {"optFlatMap", 2, RKI_MACRO_OPT_FLAT_MAP, 1},
    {"all", 3, RKI_MACRO_ALL, 2},
    {"exists", 3, RKI_MACRO_EXISTS, 2},
    {"exists_one", 3, RKI_MACRO_EXISTS_ONE, 2},
    {"existsOne", 3, RKI_MACRO_EXISTS_ONE, 2},
    {"transformList", 3, RKI_MACRO_TRANSFORM_LIST, 2},
    {"transformList", 4, RKI_MACRO_TRANSFORM_LIST, 2},
    {"transformMap", 3, RKI_MACRO_TRANSFORM_MAP, 2},
    {"transformMap", 4, RKI_MACRO_TRANSFORM_MAP, 2},
    {"transformMapEntry", 3, RKI_MACRO_TRANSFORM_MAP_ENTRY, 2},
    {"transformMapEntry", 4, RKI_MACRO_TRANSFORM_MAP_ENTRY, 2},
};

static rk_status expand_has(const rki_source *source, rki_node *node) {
    rki_node *field = node->children[0];
    if (field->kind != RKI_SELECT || field->optional || field->test) {
        rk_status status = rki_refuse_source(source, node->offset, "has() wants a field, such as has(state.name)");
        rk_error_hint(source->error, "for an index write key in map, or map[?key].hasValue()");
        return status;
    }
    uint32_t depth = node->depth;
    *node = *field;
    node->depth = depth;
    node->test = true;
    return RK_OK;
}

static rk_status take_names(const rki_source *source, rki_node *node, size_t name_count) {
    for (size_t i = 0; i < name_count; i++) {
        const rki_node *variable = node->children[1 + i];
        if (variable->kind != RKI_NAME || variable->rooted) {
            return rki_refuse_source(source, variable->offset, "%b() wants the name of a variable here", node->name);
        }
        node->names[i] = variable->name;
    }
    if (name_count == 2 && rk_bytes_equal(node->names[0], node->names[1])) {
        return rki_refuse_source(source, node->offset, "%b() wants two different variables", node->name);
    }
    return RK_OK;
}

/* cel.bind(name, value, expression): the value is the range, and is bound once. */
static bool is_bind(const rki_node *node) {
    const rki_node *target = node->member ? node->children[0] : NULL;
    return target && target->kind == RKI_NAME && !target->rooted && rk_bytes_equal(target->name, RK_TEXT("cel")) &&
           node->child_count == 4 && rk_bytes_equal(node->name, RK_TEXT("bind"));
}

static rk_status expand_bind(const rki_source *source, rki_node *node) {
    RK_TRY(take_names(source, node, 1));
    node->kind = RKI_MACRO;
    node->macro = RKI_MACRO_BIND;
    node->name_count = 1;
    node->children += 2;
    node->child_count = 2;
    return RK_OK;
}

static bool is_pick(const rki_node *node) {
    const rki_node *target = node->member ? node->children[0] : NULL;
    return target && target->kind == RKI_NAME && rk_bytes_equal(target->name, RK_TEXT("math")) &&
           node->child_count > 2 &&
           (rk_bytes_equal(node->name, RK_TEXT("greatest")) || rk_bytes_equal(node->name, RK_TEXT("least")));
}

/* math.greatest(a, b, c) is math.greatest([a, b, c]). */
static rk_status expand_pick(const rki_source *source, rk_arena *arena, rki_node *node) {
    rki_node *list = rk_arena_take(arena, sizeof *list);
    if (!list) return rki_source_memory(source);
    *list = (rki_node){.kind = RKI_LIST, .offset = node->offset, .depth = node->depth};
    rki_node **items = rk_arena_take_array(arena, node->child_count - 1, sizeof(rki_node *));
    if (!items) return rki_source_memory(source);
    for (size_t i = 1; i < node->child_count; i++) items[i - 1] = node->children[i];
    list->children = items;
    list->child_count = node->child_count - 1;
    node->children[1] = list;
    node->child_count = 2;
    if (node->depth++ < RK_EXPRESSION_DEPTH_MAX) return RK_OK;
    return rki_refuse_source(source, node->offset, "the expression nests deeper than %u levels",
                             (uint64_t)RK_EXPRESSION_DEPTH_MAX);
}

rk_status rki_expand_macro(const rki_source *source, rk_arena *arena, rki_node *node) {
    if (!node->member && node->child_count == 1 && rk_bytes_equal(node->name, RK_TEXT("has"))) {
        return expand_has(source, node);
    }
    if (!node->member) return RK_OK;
    if (is_bind(node)) return expand_bind(source, node);
    if (is_pick(node)) return expand_pick(source, arena, node);
    for (size_t i = 0; i < sizeof macro_rows / sizeof macro_rows[0]; i++) {
        const macro_row *row = &macro_rows[i];
        if (row->argument_count + 1 != node->child_count) continue;
        if (!rk_bytes_equal(node->name, rk_bytes_of_string(row->name))) continue;
        RK_TRY(take_names(source, node, row->name_count));
        node->kind = RKI_MACRO;
        node->macro = row->macro;
        node->name_count = row->name_count;
        for (size_t k = 1 + row->name_count; k < node->child_count; k++) {
            node->children[k - row->name_count] = node->children[k];
        }
        node->child_count -= row->name_count;
        return RK_OK;
    }
    return RK_OK;
}
