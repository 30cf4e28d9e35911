/*
 * What the parser makes and the checker marks: tokens and the syntax tree. Private to src/core/expr.
 *
 * Invariants
 *   (1) `depth` of a node is one more than its deepest child's and at most RK_EXPRESSION_DEPTH_MAX, so that every later
 *       walk may recurse.
 *   (2) A node's `type` and `role` are set by the checker before the compiler sees it.
 */
#ifndef RK_CORE_EXPR_TREE_H
#define RK_CORE_EXPR_TREE_H

#include "core/expr/expr.h"

/* The source, and where its errors go. */
typedef struct rki_source {
    rk_bytes text;
    rk_error *error;
} rki_source;

/* Fails with RK_BAD_EXPRESSION (or `code`) at the column of `offset`. `format` is that of rk_format. */
rk_status rki_refuse_source(const rki_source *source, size_t offset, const char *format, ...);
rk_status rki_refuse_source_as(const rki_source *source, rk_status code, size_t offset, const char *format, ...);
rk_status rki_source_memory(const rki_source *source);
/* "column N" into `out`; returns the length. */
size_t rki_source_column(rk_bytes text, size_t offset, char *out, size_t out_size);

/* --- tokens ----------------------------------------------------------------------------------------------------- */

typedef enum rki_token_kind {
    RKI_TOKEN_END,
    RKI_TOKEN_NAME,     /* an identifier, reserved words included */
    RKI_TOKEN_QUOTED,   /* `a-b`, a field's name only; text without the quotes */
    RKI_TOKEN_WHOLE,    /* value.as.uinteger, the sign is the parser's */
    RKI_TOKEN_LITERAL,  /* any other literal, in value */
    RKI_TOKEN_OPERATOR, /* text is the operator or the punctuation */
} rki_token_kind;

typedef struct rki_token {
    rki_token_kind kind;
    size_t offset;
    rk_bytes text;
    rk_value value;
} rki_token;

typedef struct rki_lexer {
    const rki_source *source;
    rk_arena *arena;
    size_t offset;
} rki_lexer;

RK_MUST_USE rk_status rki_lex(rki_lexer *lexer, rki_token *token_out);

/* --- tree ------------------------------------------------------------------------------------------------------- */

typedef enum rki_node_kind {
    RKI_LITERAL, /* value */
    RKI_NAME,    /* name; `rooted` when it was written `.name` */
    RKI_SELECT,  /* children[0].name; `optional` for `.?name`, `test` inside has() */
    RKI_INDEX,   /* children[0][children[1]]; `optional` for `[?` */
    RKI_CALL,    /* name(children), or children[0].name(rest) when `member` */
    RKI_AND,     /* any number of children */
    RKI_OR,
    RKI_CONDITIONAL, /* three children */
    RKI_LIST,        /* children; an optional one stands inside RKI_MAYBE */
    RKI_MAP,         /* children: key, value, key, value; an optional pair's value stands inside RKI_MAYBE */
    RKI_MAYBE,
    RKI_MACRO, /* children[0] is the range, then one or two steps; names are the variables */
} rki_node_kind;

typedef enum rki_macro {
    RKI_MACRO_ALL,
    RKI_MACRO_EXISTS,
    RKI_MACRO_EXISTS_ONE,
    RKI_MACRO_MAP,
    RKI_MACRO_FILTER,
    RKI_MACRO_OPT_MAP,
    RKI_MACRO_OPT_FLAT_MAP,
    RKI_MACRO_TRANSFORM_LIST,
    RKI_MACRO_TRANSFORM_MAP,
    RKI_MACRO_TRANSFORM_MAP_ENTRY,
    RKI_MACRO_BIND,
} rki_macro;

/* What a NAME, or a SELECT that ends a dotted name, stands for. */
typedef enum rki_role {
    RKI_ROLE_NONE,
    RKI_ROLE_LOCAL,    /* the variable of a macro, `slot` */
    RKI_ROLE_ROOT,     /* a variable of the environment: `root` */
    RKI_ROLE_DOTTED,   /* without an environment: the longest of a, a.b, a.b.c that the activation knows */
    RKI_ROLE_CONSTANT, /* the name of a type, in `value` */
} rki_role;

typedef struct rki_function rki_function;
typedef struct rki_node rki_node;

struct rki_node {
    rki_node_kind kind;
    rki_macro macro;
    rki_role role;
    bool optional, test, member, rooted;
    uint32_t depth;
    size_t offset;
    rk_bytes name;
    rk_bytes names[2];
    size_t name_count;
    rk_value value;
    rki_node **children;
    size_t child_count;
    const rk_type *type;
    const rki_function *function; /* of a CALL; NULL: unknown, an error when it is run */
    size_t slot;                  /* of a local, or the first local of a macro */
    size_t index;                 /* of a root in the environment */
};

/* Parses all of the source as one expression. */
RK_MUST_USE rk_status rki_parse_tree(const rki_source *source, rk_arena *arena, rki_node **tree_out);
/*
 * Puts a macro in the place of the call `node` where its name and shape are those of one; `*node` stays otherwise.
 * The children of `node` are complete: the range or `has` argument and so on.
 */
RK_MUST_USE rk_status rki_expand_macro(const rki_source *source, rk_arena *arena, rki_node *node);
/* The dotted name that a chain of names spells ("a.b.c"), in the arena; empty when it is another expression. */
rk_bytes rki_dotted_name(rk_arena *arena, const rki_node *node);

/* --- checker ---------------------------------------------------------------------------------------------------- */

typedef struct rki_checker {
    const rki_source *source;
    rk_arena *arena;
    const rk_environment *environment; /* NULL: names and types at run time */
    struct rki_scope *scope;           /* the innermost macro's variables */
    size_t local_count;                /* slots needed by the deepest nesting */
} rki_checker;

/* Resolves every name and gives every node its type. */
RK_MUST_USE rk_status rki_check_tree(rki_checker *checker, rki_node *node);
/* The type that a name such as `int` or `google.protobuf.Timestamp` denotes, as a value; false for no type. */
bool rki_type_named(rk_bytes name, rk_value *type_out);

/* --- types ------------------------------------------------------------------------------------------------------ */

extern const rk_type rki_basic_types[]; /* by kind, those without parts; `A` is rki_basic_types[RK_TYPE_VARIABLE] */
extern const rk_type rki_type_b;        /* a second type variable */
extern const rk_type rki_type_list_a;   /* list(A) */
extern const rk_type rki_type_map_ab;   /* map(A, B) */
extern const rk_type rki_type_map_aa;
extern const rk_type rki_type_optional_a;
extern const rk_type rki_type_list_dyn;
extern const rk_type rki_type_map_dyn;
extern const rk_type rki_type_optional_dyn;

/* What A and B were found to be; NULL while open. */
typedef struct rki_bindings {
    const rk_type *a;
    const rk_type *b;
} rki_bindings;

/* Whether `actual` may stand for `wanted`, a type of a signature; narrows the bindings. */
bool rki_unify_types(const rk_type *wanted, const rk_type *actual, rki_bindings *bindings);
/* The signature's type with its variables filled in, dyn where they stayed open; NULL when memory ran out. */
const rk_type *rki_substitute_type(rk_arena *arena, const rk_type *type, const rki_bindings *bindings);
bool rki_is_number_type(rk_type_kind kind);

#endif
