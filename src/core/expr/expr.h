/*
 * Expressions: CEL, the Common Expression Language (github.com/google/cel-spec), compiled once and run many times.
 *
 *     rk_program *program = NULL;
 *     RK_TRY(rk_expr_compile(&module_arena, RK_TEXT("actor.id == entity.id"), &environment, &program, error));
 *     ...
 *     RK_TRY(rk_program_run(program, &activation, &call_arena, RK_STEPS_MAX, &value, error));
 *
 * Invariants
 *   (1) An expression has no side effect, reads nothing but its variables, and gives the same answer everywhere.
 *   (2) A run ends within its bound of steps. A step is one node evaluated, one element or pair walked, compared or
 *       copied, or RK_EXPR_STEP_BYTES bytes of text or bytes walked, compared or copied. To read or print a double
 *       takes 8 steps, 256 when it is far from 1.
 *   (3) A run allocates in the arena that it is given and nowhere else; a simple guard allocates nothing.
 *   (4) A program never changes after it was compiled: any number of runs may share it.
 *
 * Two ways to compile. With an environment, every name and type is checked and a mistake is RK_BAD_EXPRESSION now.
 * Without one, only the syntax is: a name is looked up, and a type found wrong, when that part of the expression is
 * evaluated, as the conformance suite of CEL wants it.
 *
 * Messages (`Name{...}`) do not exist. Everything else of the specification is here, with its extensions strings, math,
 * encoders (base64), bindings (cel.bind), optionals and macros of two variables.
 *
 * Where CEL leaves a choice: an environment's `==` compares numbers of any type and anything with null; an unset
 * optional entry is left out; a double is printed as ECMAScript prints it, by format's %s and %d without an exponent;
 * maps are walked in key order; cel.bind evaluates its value once and first.
 */
#ifndef RK_CORE_EXPR_EXPR_H
#define RK_CORE_EXPR_EXPR_H

#include "core/value/value.h"

enum { RK_EXPR_STEP_BYTES = 64 };

/* --- types ------------------------------------------------------------------------------------------------------ */

typedef enum rk_type_kind {
    RK_TYPE_DYN, /* anything; checked when it is run */
    RK_TYPE_NULL,
    RK_TYPE_BOOL,
    RK_TYPE_INT,
    RK_TYPE_UINT,
    RK_TYPE_DOUBLE,
    RK_TYPE_STRING,
    RK_TYPE_BYTES,
    RK_TYPE_TIMESTAMP,
    RK_TYPE_DURATION,
    RK_TYPE_TYPE,
    RK_TYPE_LIST,     /* item */
    RK_TYPE_MAP,      /* key, item */
    RK_TYPE_OPTIONAL, /* item */
    RK_TYPE_OBJECT,   /* name, fields, open: a map with text keys whose names are known */
    RK_TYPE_VARIABLE, /* the A and B of a function's signature; never the type of an expression */
} rk_type_kind;

typedef struct rk_type rk_type;

typedef struct rk_type_field {
    rk_bytes name;
    const rk_type *type;
} rk_type_field;

struct rk_type {
    rk_type_kind kind;
    const rk_type *key;
    const rk_type *item;
    rk_bytes name; /* of an object, for messages: "state" */
    const rk_type_field *fields;
    size_t field_count;
    bool open; /* an object that may have more fields than are named here, of type dyn */
};

/* The one type of a kind without parts; `kind` is none of list, map, optional, object. Never NULL. */
const rk_type *rk_type_of(rk_type_kind kind);
/* These live in the arena and borrow their parts; NULL when memory ran out. */
const rk_type *rk_type_list(rk_arena *arena, const rk_type *item);
const rk_type *rk_type_map(rk_arena *arena, const rk_type *key, const rk_type *item);
const rk_type *rk_type_optional(rk_arena *arena, const rk_type *item);
const rk_type *rk_type_object(rk_arena *arena, rk_bytes name, const rk_type_field *fields, size_t count, bool open);
/* The type of an object's field, dyn for an unnamed one of an open object, NULL otherwise. */
const rk_type *rk_type_find_field(const rk_type *object, rk_bytes name);
/* Whether a value of type `from` may stand where `to` is wanted; dyn fits everything and everything fits dyn. */
bool rk_type_fits(const rk_type *from, const rk_type *to);
/* As a person reads it: "list(string)", "map(string, int)", "state". Cut at 127 bytes. Empty when memory ran out. */
rk_bytes rk_type_print(rk_arena *arena, const rk_type *type);

/* --- compiling -------------------------------------------------------------------------------------------------- */

typedef struct rk_variable {
    rk_bytes name; /* may be dotted; of "a" and "a.b", `a.b.c` means the field c of the second */
    const rk_type *type;
} rk_variable;

typedef struct rk_environment {
    const rk_variable *variables;
    size_t count;
} rk_environment;

typedef struct rk_program rk_program;

/*
 * Parses, checks and compiles. The program lives in `arena` and borrows nothing else but the environment's types.
 * `environment` NULL: names and types at run time. RK_BAD_EXPRESSION, RK_NOT_YET, RK_BAD_TEXT or RK_LIMIT, with
 * error->where "column N" (code points from 1; "line L, column N" past the first line).
 */
RK_MUST_USE rk_status rk_expr_compile(rk_arena *arena, rk_bytes source, const rk_environment *environment,
                                      rk_program **program_out, rk_error *error);

/*
 * A place: a name followed by fields and indexes, such as `balance[actor.id]` or `profile.address.city`, where
 * something is to be written. The name and the fields are no variables; only what stands in brackets is compiled.
 */
typedef struct rk_place_step {
    rk_bytes field;            /* `.city` or `["city"]`; empty data when it is an index */
    const rk_program *program; /* `[actor.id]`, else NULL */
} rk_place_step;

typedef struct rk_place {
    rk_bytes root;
    const rk_place_step *steps;
    size_t step_count;
} rk_place;

RK_MUST_USE rk_status rk_expr_compile_place(rk_arena *arena, rk_bytes source, const rk_environment *environment,
                                            rk_place *place_out, rk_error *error);

/* --- what a program is ------------------------------------------------------------------------------------------ */

/* The type of the result; dyn without an environment. */
const rk_type *rk_program_type(const rk_program *program);

/* One thing that a program may read: a field of a variable, or (`whole`) all of the variable. */
typedef struct rk_read {
    rk_bytes root;
    rk_bytes field; /* empty when `whole` */
    bool whole;     /* `state[x]`, `state == y`, `state.all(...)`, or a variable that is no map */
    size_t offset;  /* in the source, where it is read first */
} rk_read;

/* Each pair once, in order of appearance. A program that reads nothing is constant. Returns the count. */
size_t rk_program_reads(const rk_program *program, const rk_read **reads_out);
bool rk_program_reads_root(const rk_program *program, rk_bytes root);

/*
 * When the expression is a variable and constant fields of it and nothing else (`data.edits`, `data["a"].b`): the
 * variable's name and then the fields' names. Returns their count, 0 for every other expression.
 */
size_t rk_program_path(const rk_program *program, const rk_bytes **keys_out);

/*
 * Whether a run may ask for a time zone by its name (rk_activation.zone): true unless the zone of every getHours(zone)
 * and its like is the constant "UTC" or a constant offset such as "+05:30". Zones change with tzdata, so what replicas
 * must agree on should not use them.
 */
bool rk_program_uses_zones(const rk_program *program);

/* "column N" of an offset in the source, as errors have it, for the caller's own findings. */
size_t rk_program_where(const rk_program *program, size_t offset, char *out, size_t out_size);

/*
 * The other way round: the offset that an error's `where` means in the source that was compiled or run; its end for a
 * column past it. False when `where` names no column.
 */
bool rk_expr_find_place(rk_bytes source, const char *where, size_t *offset_out);

/* --- running ---------------------------------------------------------------------------------------------------- */

/*
 * Where variables come from. `find` is asked only when a variable is needed, and not again once it has answered.
 *
 * index: of the variable in the environment, SIZE_MAX when the program was compiled without one.
 * RK_OK with the value, which must outlive the run's result. RK_NOT_FOUND: there is no such variable.
 * RK_EXPRESSION_FAILED with `error` filled: an error of the expression, that && and || can outweigh.
 * Any other status ends the run and is handed up as it is.
 */
typedef struct rk_activation {
    rk_status (*find)(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error);
    void *context;
    /*
     * The time zones that have names (tzdata; src/io/zone.h fills it): how many seconds the zone is ahead of UTC at
     * that moment, less than a day. RK_NOT_FOUND: there is no such zone. Any other status ends the run. NULL: a run
     * that asks for one is RK_NOT_YET; "UTC" and "+05:30" need no host.
     */
    rk_status (*zone)(void *context, rk_bytes name, int64_t seconds, int64_t *ahead_out);
} rk_activation;

/*
 * Evaluates. `activation` may be NULL when there are no variables. The value borrows from the arena, the program and
 * the activation's values. Kinds that only expressions have may come out (rk_value.h, invariant 5).
 *
 * RK_EXPRESSION_FAILED: CEL's error, such as "no such key: b" or "divide by zero", error->where its column.
 * RK_STEP_BOUND: more than `steps_max` steps. RK_NO_MEMORY: the arena is full.
 */
RK_MUST_USE rk_status rk_program_run(const rk_program *program, const rk_activation *activation, rk_arena *arena,
                                     uint64_t steps_max, rk_value *value_out, rk_error *error);

/* CEL's ==: numbers of all kinds by value, lists by item, maps by key, NaN unequal to itself. */
bool rk_expr_equal(const rk_value *a, const rk_value *b);
/*
 * CEL's order, for sorting query results: bool, numbers of all kinds by value, text by code point, bytes, timestamps,
 * durations. False when the two have no order between them (other kinds, or a NaN).
 */
bool rk_expr_compare(const rk_value *a, const rk_value *b, int *order_out);

/* A timestamp or duration as string() gives it, in the arena; empty data when memory ran out. */
rk_bytes rk_expr_time_text(rk_arena *arena, const rk_value *value);
/* What type() calls the value's type: "int", "google.protobuf.Timestamp". */
rk_bytes rk_expr_type_name(const rk_value *value);

/* --- narrowing -------------------------------------------------------------------------------------------------- */

/* What must hold of a field where a test is true; the field is one of the variable that is narrowed by. */
typedef enum rk_test_kind {
    RK_TEST_EQUAL,    /* field == value; also a bare `state.done` and `!state.done` */
    RK_TEST_AT_MOST,  /* field <= value; also where the expression says < */
    RK_TEST_AT_LEAST, /* field >= value; also where it says > */
    RK_TEST_PREFIX,   /* field.startsWith(value) */
    RK_TEST_AMONG,    /* field in value: the value is a list */
    RK_TEST_HOLDS,    /* value in field: the field is a list */
} rk_test_kind;

typedef struct rk_test {
    rk_test_kind kind;
    rk_bytes field;
    const rk_program *value; /* to be run once: one that reads the field's variable tells nothing */
} rk_test;

/* One operand of the && at the top of an expression, or all of it. */
typedef struct rk_conjunct {
    rk_bytes text; /* of the source */
    const rk_test *tests;
    size_t test_count; /* 0: it is in none of the simple forms */
} rk_conjunct;

/*
 * Takes a filter apart. The expression is true only where every conjunct with tests has one test at least that holds;
 * that says nothing of the other way round, so what the tests find is a superset. `source` compiles in `environment`;
 * `root` is the variable whose fields are narrowed by. Everything lives in the arena and borrows the source.
 */
RK_MUST_USE rk_status rk_expr_narrow(rk_arena *arena, rk_bytes source, const rk_environment *environment, rk_bytes root,
                                     const rk_conjunct **conjuncts_out, size_t *count_out, rk_error *error);

#endif
