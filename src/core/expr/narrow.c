/*
 * Narrowing: the parts of a filter that an index can answer, found in its tree.
 *
 * Invariants
 *   (1) A test is weaker than what it was made from, never stronger: where the part is true, the test holds.
 *   (2) What is in no simple form gets no test. Nothing is rewritten.
 */
#include <string.h>

#include "core/expr/code.h"

typedef struct narrower {
    const rki_source *source; /* of the conjunct at hand */
    rk_arena *arena;
    const rk_environment *environment;
    rk_bytes root;
    rk_conjunct *conjuncts;
    size_t count, capacity;
} narrower;

/* Room for one more item of a list that grows by doubling. */
static rk_status grow(const narrower *n, void **items, size_t count, size_t *capacity, size_t item_size) {
    if (count < *capacity) return RK_OK;
    size_t larger = *capacity ? *capacity * 2 : 4;
    void *grown = rk_arena_grow(n->arena, *items, *capacity * item_size, larger * item_size);
    if (!grown) return rki_source_memory(n->source);
    *items = grown;
    *capacity = larger;
    return RK_OK;
}

/* ---- tests ---- */

typedef struct test_list {
    rk_test *items;
    size_t count, capacity;
} test_list;

/* The field's name where the node is a field of the root and nothing else. */
static bool is_field(const narrower *n, const rki_node *node, rk_bytes *field_out) {
    bool selects = node->kind == RKI_SELECT && !node->test, indexes = node->kind == RKI_INDEX;
    if ((!selects && !indexes) || node->optional || node->role != RKI_ROLE_NONE) return false;
    const rki_node *target = node->children[0];
    if (target->role != RKI_ROLE_ROOT || !rk_bytes_equal(target->name, n->root)) return false;
    const rki_node *index = indexes ? node->children[1] : NULL;
    if (index && (index->kind != RKI_LITERAL || index->value.kind != RK_STRING)) return false;
    *field_out = index ? index->value.as.bytes : node->name;
    return true;
}

static rk_status add_test(const narrower *n, const rki_checker *checker, test_list *tests, rk_test_kind kind,
                          rk_bytes field, const rki_node *value) {
    void *items = tests->items;
    RK_TRY(grow(n, &items, tests->count, &tests->capacity, sizeof *tests->items));
    tests->items = items;
    rk_test test = {.kind = kind, .field = field};
    rk_program *program = NULL;
    RK_TRY(rki_compile_tree(checker, value, &program));
    test.value = program;
    tests->items[tests->count++] = test;
    return RK_OK;
}

static rk_status add_truth(const narrower *n, const rki_checker *checker, test_list *tests, rk_bytes field, bool truth,
                           const rki_node *node) {
    rki_node literal = {.kind = RKI_LITERAL, .offset = node->offset, .type = rk_type_of(RK_TYPE_BOOL)};
    literal.value = rk_bool(truth);
    return add_test(n, checker, tests, RK_TEST_EQUAL, field, &literal);
}

typedef struct relation {
    const char *function;
    rk_test_kind field_first, value_first;
} relation;

static const relation relations[] = {
    {"_==_", RK_TEST_EQUAL, RK_TEST_EQUAL},      {"_<_", RK_TEST_AT_MOST, RK_TEST_AT_LEAST},
    {"_<=_", RK_TEST_AT_MOST, RK_TEST_AT_LEAST}, {"_>_", RK_TEST_AT_LEAST, RK_TEST_AT_MOST},
    {"_>=_", RK_TEST_AT_LEAST, RK_TEST_AT_MOST}, {"_in_", RK_TEST_AMONG, RK_TEST_HOLDS},
    {"startsWith", RK_TEST_PREFIX, 0},
};

/* `more_out` false: the node is in no simple form, and nothing was added. */
static rk_status call_tests(const narrower *n, const rki_checker *checker, const rki_node *node, test_list *tests,
                            bool *more_out) {
    rk_bytes field;
    if (rk_bytes_equal(node->name, RK_TEXT("!_"))) {
        *more_out = is_field(n, node->children[0], &field);
        return *more_out ? add_truth(n, checker, tests, field, false, node) : RK_OK;
    }
    *more_out = false;
    for (size_t i = 0; node->child_count == 2 && i < sizeof relations / sizeof *relations; i++) {
        const relation *relation = &relations[i];
        if (!rk_bytes_equal(node->name, rk_bytes_of_string(relation->function))) continue;
        const rki_node *left = node->children[0], *right = node->children[1];
        *more_out = true;
        if (is_field(n, left, &field)) return add_test(n, checker, tests, relation->field_first, field, right);
        if (!node->member && is_field(n, right, &field)) {
            return add_test(n, checker, tests, relation->value_first, field, left);
        }
        *more_out = false;
    }
    return RK_OK;
}

/* Tests of which one must hold where the node is true; none when it has no simple form. */
static rk_status find_tests(const narrower *n, const rki_checker *checker, const rki_node *node, test_list *tests) {
    rk_bytes field;
    bool simple = true;
    if (node->kind == RKI_OR) {
        for (size_t i = 0; i < node->child_count; i++) {
            size_t before = tests->count;
            RK_TRY(find_tests(n, checker, node->children[i], tests));
            simple = simple && tests->count > before;
        }
    } else if (node->kind == RKI_CALL) {
        RK_TRY(call_tests(n, checker, node, tests, &simple));
    } else {
        simple = is_field(n, node, &field);
        if (simple) RK_TRY(add_truth(n, checker, tests, field, true, node));
    }
    if (!simple) tests->count = 0;
    return RK_OK;
}

/* ---- conjuncts ---- */

static rk_status add_conjunct(narrower *n, const rki_checker *checker, rk_bytes text, const rki_node *node) {
    if (node->kind == RKI_AND) {
        for (size_t i = 0; i < node->child_count; i++) RK_TRY(add_conjunct(n, checker, text, node->children[i]));
        return RK_OK;
    }
    test_list tests = {0};
    RK_TRY(find_tests(n, checker, node, &tests));
    for (size_t i = 1; i < tests.count; i++) { /* one index answers, so one field */
        if (!rk_bytes_equal(tests.items[i].field, tests.items[0].field)) tests.count = 0;
    }
    void *items = n->conjuncts;
    RK_TRY(grow(n, &items, n->count, &n->capacity, sizeof *n->conjuncts));
    n->conjuncts = items;
    n->conjuncts[n->count++] = (rk_conjunct){text, tests.items, tests.count};
    return RK_OK;
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f';
}

static rk_bytes trim(rk_bytes text) {
    while (text.size > 0 && is_blank(text.data[0])) text = rk_bytes_from(text, 1);
    while (text.size > 0 && is_blank(text.data[text.size - 1])) text.size--;
    return text;
}

/* The part is an expression of its own: it is parsed and checked again, by itself. */
static rk_status take_part(narrower *n, rk_bytes text, rk_error *error) {
    const rki_source source = {trim(text), error};
    rki_checker checker = {.source = &source, .arena = n->arena, .environment = n->environment};
    rki_node *tree = NULL;
    n->source = &source;
    RK_TRY(rki_parse_tree(&source, n->arena, &tree));
    RK_TRY(rki_check_tree(&checker, tree));
    return add_conjunct(n, &checker, source.text, tree);
}

static bool is_sign(const rki_token *token, const char *sign) {
    return token->kind == RKI_TOKEN_OPERATOR && rk_bytes_equal(token->text, rk_bytes_of_string(sign));
}

/* Where the && at the top stand; `whole_out` when something looser than && stands there. */
static rk_status find_ands(const rki_source *source, rk_arena *arena, size_t offsets[], size_t offsets_max,
                           size_t *count_out, bool *whole_out) {
    rki_lexer lexer = {source, arena, 0};
    rki_token token = {.kind = RKI_TOKEN_OPERATOR};
    int depth = 0;
    *count_out = 0;
    *whole_out = false;
    for (;;) {
        RK_TRY(rki_lex(&lexer, &token));
        if (token.kind == RKI_TOKEN_END) return RK_OK;
        if (is_sign(&token, "(") || is_sign(&token, "[") || is_sign(&token, "{")) depth++;
        if (is_sign(&token, ")") || is_sign(&token, "]") || is_sign(&token, "}")) depth--;
        if (depth > 0) continue;
        if (is_sign(&token, "||") || is_sign(&token, "?")) *whole_out = true;
        if (is_sign(&token, "&&") && *count_out < offsets_max) offsets[(*count_out)++] = token.offset;
    }
}

enum { PARTS_MAX = 64 }; /* the rest of a longer chain is one part */

rk_status rk_expr_narrow(rk_arena *arena, rk_bytes text, const rk_environment *environment, rk_bytes root,
                         const rk_conjunct **conjuncts_out, size_t *count_out, rk_error *error) {
    const rki_source source = {text, error};
    narrower n = {.source = &source, .arena = arena, .environment = environment, .root = root};
    size_t offsets[PARTS_MAX], count = 0, start = 0;
    bool whole = false;
    *conjuncts_out = NULL;
    *count_out = 0;
    RK_TRY(find_ands(&source, arena, offsets, PARTS_MAX, &count, &whole));
    for (size_t i = 0; !whole && i < count; i++) {
        RK_TRY(take_part(&n, rk_bytes_of(text.data + start, offsets[i] - start), error));
        start = offsets[i] + 2;
    }
    RK_TRY(take_part(&n, rk_bytes_from(text, start), error));
    *conjuncts_out = n.conjuncts;
    *count_out = n.count;
    return RK_OK;
}
