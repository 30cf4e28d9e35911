/*
 * From tokens to the tree, by recursive descent over the grammar of the specification.
 *
 *     expression  or ["?" or ":" expression]
 *     or, and     flat, any number of operands
 *     binary      relations, then + -, then * / %, by precedence
 *     unary       "!"... member | "-"... member
 *     member      primary { "." ["?"] field | "." name "(" ... ")" | "[" ["?"] expression "]" }
 *     primary     ["."] name ["(" ... ")"] | "(" ... ")" | list | map | message | literal
 *
 * Invariants
 *   (1) `ahead` is the one token that is looked at and not yet taken.
 *   (2) The parser recurses only through expressions that nest, and counts them.
 */
#include <string.h>

#include "core/expr/tree.h"

typedef struct parser {
    const rki_source *source;
    rk_arena *arena;
    rki_lexer lexer;
    rki_token ahead;
    uint32_t depth;
} parser;

/* A row of nodes that grows. */
typedef struct node_row {
    rki_node **items;
    size_t count;
    size_t capacity;
} node_row;

static rk_status parse_expression(parser *p, rki_node **node_out);

/* --- tokens and nodes ------------------------------------------------------------------------------------------- */

static rk_status advance(parser *p) {
    return rki_lex(&p->lexer, &p->ahead);
}

static bool is_ahead(const parser *p, const char *text) {
    return p->ahead.kind == RKI_TOKEN_OPERATOR && rk_bytes_equal(p->ahead.text, rk_bytes_of_string(text));
}

static bool is_word(const parser *p, const char *text) {
    return p->ahead.kind == RKI_TOKEN_NAME && rk_bytes_equal(p->ahead.text, rk_bytes_of_string(text));
}

/* Takes the operator `text` when it is next. */
static rk_status accept(parser *p, const char *text, bool *found_out) {
    *found_out = is_ahead(p, text);
    return *found_out ? advance(p) : RK_OK;
}

static rk_bytes ahead_text(const parser *p) {
    size_t size = p->lexer.offset - p->ahead.offset;
    enum { SHOWN_MAX = 40 };
    rk_bytes text = rk_bytes_of(p->source->text.data + p->ahead.offset, size);
    if (size > SHOWN_MAX) text.size = rk_utf8_offset(text, SHOWN_MAX / 4);
    return text;
}

static rk_status unexpected(const parser *p, const char *wanted) {
    if (p->ahead.kind == RKI_TOKEN_END) {
        return rki_refuse_source(p->source, p->ahead.offset, "the expression ends where %s should stand", wanted);
    }
    return rki_refuse_source(p->source, p->ahead.offset, "%b stands where %s should", ahead_text(p), wanted);
}

static rk_status expect(parser *p, const char *text, const char *wanted) {
    if (!is_ahead(p, text)) return unexpected(p, wanted);
    return advance(p);
}

static rk_status push(parser *p, node_row *row, rki_node *node) {
    if (row->count == row->capacity) {
        size_t capacity = row->capacity ? row->capacity * 2 : 2, size = sizeof *row->items;
        rki_node **grown = rk_arena_grow(p->arena, row->items, row->capacity * size, capacity * size);
        if (!grown) return rki_source_memory(p->source);
        row->items = grown;
        row->capacity = capacity;
    }
    row->items[row->count++] = node;
    return RK_OK;
}

static rk_status make(parser *p, rki_node_kind kind, size_t offset, node_row children, rki_node **node_out) {
    rki_node *node = rk_arena_take(p->arena, sizeof *node);
    if (!node) return rki_source_memory(p->source);
    node->kind = kind;
    node->offset = offset;
    node->children = children.items;
    node->child_count = children.count;
    for (size_t i = 0; i < children.count; i++) {
        if (children.items[i]->depth > node->depth) node->depth = children.items[i]->depth;
    }
    if (++node->depth > RK_EXPRESSION_DEPTH_MAX) {
        return rki_refuse_source(p->source, offset, "the expression nests deeper than %u levels",
                                 (uint64_t)RK_EXPRESSION_DEPTH_MAX);
    }
    *node_out = node;
    return RK_OK;
}

static rk_status make_call(parser *p, size_t offset, rk_bytes name, node_row children, rki_node **node_out) {
    RK_TRY(make(p, RKI_CALL, offset, children, node_out));
    (*node_out)->name = name;
    return RK_OK;
}

static rk_status make_literal(parser *p, size_t offset, rk_value value, rki_node **node_out) {
    RK_TRY(make(p, RKI_LITERAL, offset, (node_row){0}, node_out));
    (*node_out)->value = value;
    return RK_OK;
}

/* --- literals, lists and maps ----------------------------------------------------------------------------------- */

/* A number whose minus signs, if any, were taken; INT64_MIN exists only this way. */
static rk_status parse_whole(parser *p, size_t offset, bool negative, rki_node **node_out) {
    uint64_t whole = p->ahead.value.as.uinteger, whole_max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (whole > whole_max) {
        return rki_refuse_source(p->source, offset, "%b does not fit an int; an uint is written with a u at its end",
                                 ahead_text(p));
    }
    RK_TRY(advance(p));
    return make_literal(p, offset, rk_int(negative ? (int64_t)(0 - whole) : (int64_t)whole), node_out);
}

/* Expressions up to `close`, a comma between them, one more allowed at the end where `trailing`. */
static rk_status parse_items(parser *p, const char *close, bool is_list, node_row *row) {
    while (!is_ahead(p, close)) {
        size_t offset = p->ahead.offset;
        bool maybe = false, comma = false;
        rki_node *item = NULL;
        if (is_list) RK_TRY(accept(p, "?", &maybe));
        RK_TRY(parse_expression(p, &item));
        if (maybe) {
            node_row inner = {0};
            RK_TRY(push(p, &inner, item));
            RK_TRY(make(p, RKI_MAYBE, offset, inner, &item));
        }
        RK_TRY(push(p, row, item));
        RK_TRY(accept(p, ",", &comma));
        if (!comma) break;
        if (!is_list && is_ahead(p, close)) return unexpected(p, "an argument");
    }
    return expect(p, close, is_list ? "a comma or ]" : "a comma or )");
}

static rk_status parse_list(parser *p, rki_node **node_out) {
    size_t offset = p->ahead.offset;
    node_row row = {0};
    RK_TRY(advance(p));
    RK_TRY(parse_items(p, "]", true, &row));
    return make(p, RKI_LIST, offset, row, node_out);
}

static rk_status parse_pair(parser *p, node_row *row) {
    size_t offset = p->ahead.offset;
    bool maybe = false;
    rki_node *key = NULL, *value = NULL;
    RK_TRY(accept(p, "?", &maybe));
    RK_TRY(parse_expression(p, &key));
    RK_TRY(expect(p, ":", "the : of a map's entry"));
    RK_TRY(parse_expression(p, &value));
    if (maybe) {
        node_row inner = {0};
        RK_TRY(push(p, &inner, value));
        RK_TRY(make(p, RKI_MAYBE, offset, inner, &value));
    }
    RK_TRY(push(p, row, key));
    return push(p, row, value);
}

static rk_status parse_map(parser *p, rki_node **node_out) {
    size_t offset = p->ahead.offset;
    node_row row = {0};
    bool comma = true;
    RK_TRY(advance(p));
    while (comma && !is_ahead(p, "}")) {
        RK_TRY(parse_pair(p, &row));
        RK_TRY(accept(p, ",", &comma));
    }
    RK_TRY(expect(p, "}", "a comma or }"));
    return make(p, RKI_MAP, offset, row, node_out);
}

/* `Name{field: value}`: read whole, so that its own mistakes are told first, and then refused. */
static rk_status parse_message(parser *p, size_t offset) {
    RK_TRY(advance(p));
    bool comma = true;
    while (comma && !is_ahead(p, "}")) {
        rki_node *value = NULL;
        RK_TRY(accept(p, "?", &comma));
        if (p->ahead.kind != RKI_TOKEN_NAME && p->ahead.kind != RKI_TOKEN_QUOTED)
            return unexpected(p, "a field's name");
        RK_TRY(advance(p));
        RK_TRY(expect(p, ":", "the : of a field"));
        RK_TRY(parse_expression(p, &value));
        RK_TRY(accept(p, ",", &comma));
    }
    RK_TRY(expect(p, "}", "a comma or }"));
    rk_status status = rki_refuse_source(p->source, offset, "there are no message types here");
    rk_error_hint(p->source->error, "write a map: {\"field\": value}");
    return status;
}

/* --- names, calls, members -------------------------------------------------------------------------------------- */

static bool is_reserved(rk_bytes name) {
    static const char *const words[] = {"as",        "break", "const",  "continue", "else", "false", "for",
                                        "function",  "if",    "import", "in",       "let",  "loop",  "package",
                                        "namespace", "null",  "return", "true",     "var",  "void",  "while"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (rk_bytes_equal(name, rk_bytes_of_string(words[i]))) return true;
    }
    return false;
}

static rk_status finish_call(parser *p, size_t offset, rk_bytes name, bool member, node_row row, rki_node **node_out) {
    RK_TRY(advance(p));
    RK_TRY(parse_items(p, ")", false, &row));
    RK_TRY(make_call(p, offset, name, row, node_out));
    (*node_out)->member = member;
    return rki_expand_macro(p->source, p->arena, *node_out);
}

static rk_status parse_name(parser *p, bool rooted, rki_node **node_out) {
    if (p->ahead.kind != RKI_TOKEN_NAME) return unexpected(p, "a name");
    rki_token token = p->ahead;
    if (is_reserved(token.text)) {
        rk_status status = rki_refuse_source(p->source, token.offset, "%b is a reserved word", token.text);
        rk_error_hint(p->source->error, "as a field it is reached by a point, or by [\"%b\"]", token.text);
        return status;
    }
    RK_TRY(advance(p));
    if (is_ahead(p, "(")) return finish_call(p, token.offset, token.text, false, (node_row){0}, node_out);
    RK_TRY(make(p, RKI_NAME, token.offset, (node_row){0}, node_out));
    (*node_out)->name = token.text;
    (*node_out)->rooted = rooted;
    return RK_OK;
}

static rk_status parse_word(parser *p, rki_node **node_out) {
    static const struct {
        const char *word;
        rk_value value;
    } words[] = {{"true", {.kind = RK_BOOL, .as.boolean = true}},
                 {"false", {.kind = RK_BOOL, .as.boolean = false}},
                 {"null", {.kind = RK_NULL}}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!is_word(p, words[i].word)) continue;
        size_t offset = p->ahead.offset;
        RK_TRY(advance(p));
        return make_literal(p, offset, words[i].value, node_out);
    }
    return parse_name(p, false, node_out);
}

static rk_status parse_primary(parser *p, rki_node **node_out) {
    rki_token token = p->ahead;
    bool found = false;
    if (token.kind == RKI_TOKEN_NAME) return parse_word(p, node_out);
    if (token.kind == RKI_TOKEN_WHOLE) return parse_whole(p, token.offset, false, node_out);
    if (token.kind == RKI_TOKEN_LITERAL) {
        RK_TRY(advance(p));
        return make_literal(p, token.offset, token.value, node_out);
    }
    if (is_ahead(p, "[")) return parse_list(p, node_out);
    if (is_ahead(p, "{")) return parse_map(p, node_out);
    RK_TRY(accept(p, ".", &found));
    if (found) return parse_name(p, true, node_out);
    RK_TRY(accept(p, "(", &found));
    if (!found) return unexpected(p, "a value");
    RK_TRY(parse_expression(p, node_out));
    return expect(p, ")", "a )");
}

/* What follows the point: a field, or a method and its arguments. */
static rk_status parse_field(parser *p, rki_node *target, rki_node **node_out) {
    node_row row = {0};
    bool optional = false;
    RK_TRY(push(p, &row, target));
    RK_TRY(accept(p, "?", &optional));
    rki_token token = p->ahead;
    if (token.kind != RKI_TOKEN_NAME && token.kind != RKI_TOKEN_QUOTED) return unexpected(p, "a field's name");
    if (token.kind == RKI_TOKEN_NAME &&
        (is_word(p, "in") || is_word(p, "true") || is_word(p, "false") || is_word(p, "null"))) {
        return rki_refuse_source(p->source, token.offset, "%b is a keyword; write [\"%b\"]", token.text, token.text);
    }
    RK_TRY(advance(p));
    if (is_ahead(p, "(") && token.kind == RKI_TOKEN_NAME && !optional) {
        return finish_call(p, token.offset, token.text, true, row, node_out);
    }
    RK_TRY(make(p, RKI_SELECT, token.offset, row, node_out));
    (*node_out)->name = token.text;
    (*node_out)->optional = optional;
    return RK_OK;
}

static rk_status parse_index(parser *p, size_t offset, rki_node *target, rki_node **node_out) {
    node_row row = {0};
    bool optional = false;
    rki_node *key = NULL;
    RK_TRY(accept(p, "?", &optional));
    RK_TRY(parse_expression(p, &key));
    RK_TRY(expect(p, "]", "a ]"));
    RK_TRY(push(p, &row, target));
    RK_TRY(push(p, &row, key));
    RK_TRY(make(p, RKI_INDEX, offset, row, node_out));
    (*node_out)->optional = optional;
    return RK_OK;
}

static rk_status parse_suffixes(parser *p, rki_node *node, rki_node **node_out) {
    for (;;) {
        size_t offset = p->ahead.offset;
        if (is_ahead(p, ".")) {
            RK_TRY(advance(p));
            RK_TRY(parse_field(p, node, &node));
        } else if (is_ahead(p, "[")) {
            RK_TRY(advance(p));
            RK_TRY(parse_index(p, offset, node, &node));
        } else if (is_ahead(p, "{") && rki_dotted_name(p->arena, node).size > 0) {
            return parse_message(p, node->offset);
        } else {
            *node_out = node;
            return RK_OK;
        }
    }
}

static rk_status parse_member(parser *p, rki_node **node_out) {
    rki_node *primary = NULL;
    RK_TRY(parse_primary(p, &primary));
    return parse_suffixes(p, primary, node_out);
}

/* --- operators -------------------------------------------------------------------------------------------------- */

/* A minus directly before a number belongs to the number: -1.size() would be a method of -1. */
static rk_status parse_negative_number(parser *p, size_t offset, rki_node **node_out) {
    rki_node *number = NULL;
    if (p->ahead.kind == RKI_TOKEN_WHOLE) {
        RK_TRY(parse_whole(p, offset, true, &number));
    } else {
        double value = p->ahead.value.as.number;
        RK_TRY(advance(p));
        RK_TRY(make_literal(p, offset, rk_double(-value), &number));
    }
    return parse_suffixes(p, number, node_out);
}

static bool is_number_ahead(const parser *p) {
    return p->ahead.kind == RKI_TOKEN_WHOLE || (p->ahead.kind == RKI_TOKEN_LITERAL && p->ahead.value.kind == RK_DOUBLE);
}

static rk_status parse_unary(parser *p, rki_node **node_out) {
    size_t count = 0, first = p->ahead.offset, last = first;
    const char *sign = is_ahead(p, "!") ? "!" : "-";
    for (; is_ahead(p, sign); count++) {
        last = p->ahead.offset;
        RK_TRY(advance(p));
    }
    if (count > 0 && sign[0] == '-' && is_number_ahead(p)) {
        RK_TRY(parse_negative_number(p, last, node_out));
        count--;
    } else {
        RK_TRY(parse_member(p, node_out));
    }
    for (; count > 0; count--) {
        node_row row = {0};
        RK_TRY(push(p, &row, *node_out));
        RK_TRY(make_call(p, first, sign[0] == '!' ? RK_TEXT("!_") : RK_TEXT("-_"), row, node_out));
    }
    return RK_OK;
}

typedef struct binary_operator {
    const char *text;
    int level;
    const char *function;
} binary_operator;

enum { LEVEL_RELATION = 1, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_UNARY };

static const binary_operator *operator_ahead(const parser *p) {
    static const binary_operator operators[] = {
        {"==", LEVEL_RELATION, "_==_"}, {"!=", LEVEL_RELATION, "_!=_"}, {"<", LEVEL_RELATION, "_<_"},
        {"<=", LEVEL_RELATION, "_<=_"}, {">", LEVEL_RELATION, "_>_"},   {">=", LEVEL_RELATION, "_>=_"},
        {"in", LEVEL_RELATION, "_in_"}, {"+", LEVEL_SUM, "_+_"},        {"-", LEVEL_SUM, "_-_"},
        {"*", LEVEL_PRODUCT, "_*_"},    {"/", LEVEL_PRODUCT, "_/_"},    {"%", LEVEL_PRODUCT, "_%_"},
    };
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (is_ahead(p, operators[i].text)) return &operators[i];
    }
    return is_word(p, "in") ? &operators[6] : NULL;
}

/* Operators of `level` and tighter, each level grouping to the left. */
static rk_status parse_binary(parser *p, int level, rki_node **node_out) {
    if (level == LEVEL_UNARY) return parse_unary(p, node_out);
    rki_node *left = NULL;
    RK_TRY(parse_unary(p, &left));
    for (const binary_operator *next = operator_ahead(p); next && next->level >= level; next = operator_ahead(p)) {
        size_t offset = p->ahead.offset;
        rki_node *right = NULL;
        node_row row = {0};
        RK_TRY(advance(p));
        RK_TRY(parse_binary(p, next->level + 1, &right));
        RK_TRY(push(p, &row, left));
        RK_TRY(push(p, &row, right));
        RK_TRY(make_call(p, offset, rk_bytes_of_string(next->function), row, &left));
    }
    *node_out = left;
    return RK_OK;
}

/* A chain of && or of ||, flat, so that a long one is not deep. */
static rk_status parse_logic(parser *p, rki_node_kind kind, rki_node **node_out) {
    const char *sign = kind == RKI_OR ? "||" : "&&";
    size_t offset = p->ahead.offset;
    node_row row = {0};
    for (bool more = true; more;) {
        rki_node *operand = NULL;
        if (kind == RKI_OR) {
            RK_TRY(parse_logic(p, RKI_AND, &operand));
        } else {
            RK_TRY(parse_binary(p, LEVEL_RELATION, &operand));
        }
        if (row.count == 0 && !is_ahead(p, sign)) {
            *node_out = operand;
            return RK_OK;
        }
        RK_TRY(push(p, &row, operand));
        RK_TRY(accept(p, sign, &more));
    }
    return make(p, kind, offset, row, node_out);
}

static rk_status parse_conditional(parser *p, rki_node **node_out) {
    rki_node *condition = NULL, *yes = NULL, *no = NULL;
    RK_TRY(parse_logic(p, RKI_OR, &condition));
    *node_out = condition;
    if (!is_ahead(p, "?")) return RK_OK;
    size_t offset = p->ahead.offset;
    node_row row = {0};
    RK_TRY(advance(p));
    RK_TRY(parse_logic(p, RKI_OR, &yes));
    RK_TRY(expect(p, ":", "the : of a condition"));
    RK_TRY(parse_expression(p, &no));
    RK_TRY(push(p, &row, condition));
    RK_TRY(push(p, &row, yes));
    RK_TRY(push(p, &row, no));
    return make(p, RKI_CONDITIONAL, offset, row, node_out);
}

static rk_status parse_expression(parser *p, rki_node **node_out) {
    if (p->depth >= RK_EXPRESSION_DEPTH_MAX) {
        return rki_refuse_source(p->source, p->ahead.offset, "the expression nests deeper than %u levels",
                                 (uint64_t)RK_EXPRESSION_DEPTH_MAX);
    }
    p->depth++;
    RK_TRY(parse_conditional(p, node_out));
    p->depth--;
    return RK_OK;
}

rk_status rki_parse_tree(const rki_source *source, rk_arena *arena, rki_node **tree_out) {
    parser p = {.source = source, .arena = arena, .lexer = {source, arena, 0}};
    *tree_out = NULL;
    RK_TRY(advance(&p));
    RK_TRY(parse_expression(&p, tree_out));
    if (p.ahead.kind != RKI_TOKEN_END) return unexpected(&p, "an operator or the end");
    return RK_OK;
}

/* --- dotted names ----------------------------------------------------------------------------------------------- */

rk_bytes rki_dotted_name(rk_arena *arena, const rki_node *node) {
    const rk_bytes none = {NULL, 0};
    size_t size = 0;
    const rki_node *at = node;
    for (; at->kind == RKI_SELECT && !at->optional && !at->test; at = at->children[0]) size += at->name.size + 1;
    if (at->kind != RKI_NAME) return none;
    if (at == node) return node->name;
    size += at->name.size;
    uint8_t *text = rk_arena_take(arena, size);
    if (!text) return none;
    size_t end = size;
    for (at = node; at->kind == RKI_SELECT; at = at->children[0]) {
        end -= at->name.size;
        memcpy(text + end, at->name.data, at->name.size);
        text[--end] = '.';
    }
    memcpy(text, at->name.data, at->name.size);
    return rk_bytes_of(text, size);
}
