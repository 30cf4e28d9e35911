/*
 * The compiled form and its evaluation. Private to src/core/expr.
 *
 * A program is a tree of ops. An op is one cache line: how to evaluate it, its operands, and what it was resolved to:
 * the slot of a variable, the key of a field, the function of a call.
 *
 * Invariants
 *   (1) An op is only ever evaluated through rki_eval, which counts the step.
 *   (2) A failure of the expression is RK_EXPRESSION_FAILED with run->fault set, and can be outweighed. Every other
 *       status ends the run.
 *   (3) A fault keeps what its text needs and is put into words once, at the end: && and || drop most of them.
 */
#ifndef RK_CORE_EXPR_CODE_H
#define RK_CORE_EXPR_CODE_H

#include <string.h>

#include "core/expr/regex.h"
#include "core/expr/tree.h"

typedef struct rki_run rki_run;
typedef struct rki_op rki_op;

typedef rk_status rki_evaluate(rki_run *run, const rki_op *op, rk_value *out);
/* Applies a function to evaluated arguments. */
typedef rk_status rki_apply(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out);

struct rki_op {
    rki_evaluate *evaluate;
    const rki_op *left;  /* the first operand */
    const rki_op *right; /* the second */
    const rki_op *const *operands;
    uint32_t operand_count;
    uint32_t offset; /* in the source */
    union {
        rk_value constant;
        struct {
            uint32_t slot; /* of a root or a local */
            bool optional;
            rk_bytes key;
        } field;
        struct {
            const rki_function *function;
            rk_bytes name;
        } call;
        struct {
            const rki_function *function; /* matches */
            const rk_regex *regex;        /* of the constant pattern */
        } match;
        struct {
            uint32_t slot; /* of the first local */
            uint32_t name_count;
            rki_macro macro;
        } loop;
        struct {
            const uint32_t *slots; /* of the candidate roots, longest first */
            const rk_bytes *keys;  /* all parts but the first */
            uint32_t key_count;
        } dotted;
    } as;
};

typedef struct rki_root {
    rk_bytes name;
    size_t index; /* in the environment */
} rki_root;

struct rk_program {
    const rki_op *code;
    rk_bytes source;
    const rk_type *type;
    const rki_root *roots;
    size_t root_count;
    size_t local_count;
    const rk_read *reads;
    size_t read_count;
    const rk_bytes *path;
    size_t path_count;
    bool uses_zones;
};

typedef enum rki_fault_kind {
    RKI_FAULT_NO_KEY,      /* value: the key */
    RKI_FAULT_NO_FIELD,    /* value: what has no fields; name: of the field */
    RKI_FAULT_NO_OVERLOAD, /* name: of the function; kinds: of its arguments */
    RKI_FAULT_INDEX,       /* value: the index past the end */
    RKI_FAULT_INDEX_KIND,  /* value: what is no index */
    RKI_FAULT_DIVIDE,
    RKI_FAULT_MODULUS,
    RKI_FAULT_OVERFLOW,
    RKI_FAULT_RANGE,      /* value; name: the type that it does not fit */
    RKI_FAULT_CONVERSION, /* value; name: the type that it does not spell */
    RKI_FAULT_TIME_RANGE, /* name: of the type */
    RKI_FAULT_PATTERN,    /* name: what is wrong with it */
    RKI_FAULT_UTF8,
    RKI_FAULT_NONE,         /* value() of none */
    RKI_FAULT_SAME_KEY,     /* value: a key that stands twice */
    RKI_FAULT_KEY_KIND,     /* value: what is no key */
    RKI_FAULT_UNDECLARED,   /* name: of the variable */
    RKI_FAULT_UNBOUND,      /* name: of the function */
    RKI_FAULT_NOT_BOOL,     /* value */
    RKI_FAULT_NOT_OPTIONAL, /* value */
    RKI_FAULT_SAID,         /* name: the words themselves */
    RKI_FAULT_GIVEN,        /* name: the words; value: what was given instead */
    RKI_FAULT_HOST,         /* rk_activation.find has put it into the error */
} rki_fault_kind;

enum { RKI_ARGUMENTS_MAX = 4 };

typedef struct rki_fault {
    rki_fault_kind kind;
    uint32_t offset;
    rk_bytes name;
    rk_value value;
    rk_kind kinds[RKI_ARGUMENTS_MAX];
    size_t kind_count;
} rki_fault;

struct rki_run {
    const rk_program *program;
    const rk_activation *activation;
    rk_arena *arena;
    uint64_t steps_left;
    rk_value *roots;
    uint8_t *root_states;
    rk_value *locals;
    rki_fault fault;
    rk_error *error;
};

/* --- running ---------------------------------------------------------------------------------------------------- */

/* Counts one step and evaluates. */
static inline rk_status rki_eval(rki_run *run, const rki_op *op, rk_value *out) {
    if (run->steps_left == 0) return RK_STEP_BOUND;
    run->steps_left--;
    return op->evaluate(run, op, out);
}

static inline rk_status rki_steps(rki_run *run, uint64_t count) {
    if (run->steps_left < count) {
        run->steps_left = 0;
        return RK_STEP_BOUND;
    }
    run->steps_left -= count;
    return RK_OK;
}

static inline rk_status rki_steps_of_bytes(rki_run *run, size_t size) {
    return rki_steps(run, size / RK_EXPR_STEP_BYTES);
}

/* What it costs to read or print a double: exact decimals are long far from 1. */
static inline rk_status rki_steps_of_double(rki_run *run, double number) {
    enum { NEAR = 8, FAR = 256 };
    double size = number < 0 ? -number : number;
    bool near = size == 0 || (size >= 1e-15 && size < 1e21) || size - size != 0;
    return rki_steps(run, near ? NEAR : FAR);
}

/* As rk_bool and rk_bytes_equal, inline: most of a guard's time is spent on short names and answers. */
static inline rk_status rki_answer(rk_value *out, bool boolean) {
    out->kind = RK_BOOL;
    out->as.boolean = boolean;
    return RK_OK;
}

static inline bool rki_same_bytes(rk_bytes a, rk_bytes b) {
    if (a.size != b.size) return false;
    if (a.size > 16) return memcmp(a.data, b.data, a.size) == 0;
    if (a.size >= 8) {
        uint64_t a_first, a_last, b_first, b_last;
        memcpy(&a_first, a.data, 8);
        memcpy(&b_first, b.data, 8);
        memcpy(&a_last, a.data + a.size - 8, 8);
        memcpy(&b_last, b.data + b.size - 8, 8);
        return a_first == b_first && a_last == b_last;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (a.data[i] != b.data[i]) return false;
    }
    return true;
}

/* Sets run->fault; always RK_EXPRESSION_FAILED. */
rk_status rki_fault_at(rki_run *run, const rki_op *op, rki_fault_kind kind);
rk_status rki_fault_name(rki_run *run, const rki_op *op, rki_fault_kind kind, rk_bytes name);
rk_status rki_fault_value(rki_run *run, const rki_op *op, rki_fault_kind kind, const rk_value *value);
rk_status rki_fault_both(rki_run *run, const rki_op *op, rki_fault_kind kind, rk_bytes name, const rk_value *value);
rk_status rki_no_overload(rki_run *run, const rki_op *op, rk_bytes name, const rk_value *arguments, size_t count);
/* The fault in words. */
rk_status rki_fault_report(const rki_run *run, rk_error *error);
/* A kind's name as CEL's type() says it: "int", "google.protobuf.Timestamp". */
rk_bytes rki_kind_name(rk_kind kind);

/* --- operators (operator.c) ------------------------------------------------------------------------------------- */

typedef enum rki_order { RKI_LESS, RKI_SAME, RKI_GREATER, RKI_UNORDERED } rki_order;

/* Fails only when a bound is passed. */
RK_MUST_USE rk_status rki_equal_values(rki_run *run, const rk_value *a, const rk_value *b, bool *equal_out);
/* False where the two kinds have no order. */
bool rki_order_values(const rk_value *a, const rk_value *b, rki_order *order_out);
/* The value under a CEL key: 1, 1u and 1.0 are one key. NULL when it is not there. */
const rk_value *rki_map_get(const rk_value *map, const rk_value *key);
const rk_value *rki_map_get_text(const rk_value *map, rk_bytes key);
/* An optional holding a copy of `value`, made in the run's arena. */
RK_MUST_USE rk_status rki_make_optional(rki_run *run, const rk_value *value, rk_value *out);

rki_evaluate rki_eval_equal, rki_eval_unequal, rki_eval_less, rki_eval_less_equal, rki_eval_greater,
    rki_eval_greater_equal, rki_eval_in, rki_eval_not;
rki_apply rki_apply_add, rki_apply_subtract, rki_apply_multiply, rki_apply_divide, rki_apply_modulo, rki_apply_negate;

/* --- evaluation of what is no function (run.c, loop.c) ---------------------------------------------------------- */

rki_evaluate rki_eval_constant, rki_eval_local, rki_eval_root, rki_eval_root_field, rki_eval_dotted, rki_eval_field,
    rki_eval_has, rki_eval_index, rki_eval_and, rki_eval_or, rki_eval_conditional, rki_eval_list, rki_eval_map,
    rki_eval_maybe, rki_eval_call, rki_eval_unbound, rki_eval_loop, rki_eval_or_value, rki_eval_or_optional;

/* A map of the pairs, which live in the run's arena; a fault when a key stands twice or cannot be one. */
RK_MUST_USE rk_status rki_make_map(rki_run *run, const rki_op *op, rk_pair *pairs, size_t count, rk_value *out);

/* --- functions (functions.c, convert.c) ------------------------------------------------------------------------- */

typedef struct rki_signature {
    const rk_type *arguments[RKI_ARGUMENTS_MAX];
    const rk_type *result;
} rki_signature;

typedef enum rki_style { RKI_GLOBAL = 1, RKI_MEMBER = 2, RKI_EITHER = 3 } rki_style;

struct rki_function {
    const char *name;
    rki_style style;
    size_t argument_count;  /* with the target */
    rki_evaluate *evaluate; /* evaluates its own operands, or NULL */
    rki_apply *apply;       /* or takes evaluated ones; NULL with evaluate NULL: not yet */
    const rki_signature *signatures;
    size_t signature_count;
};

/*
 * The function of that name, style and count. NULL when there is none; `known_out` then says whether the name exists
 * in another style or with another count.
 */
const rki_function *rki_function_find(rk_bytes name, bool member, size_t argument_count, bool *known_out);
/* Whether it takes a time zone as its second argument. */
bool rki_function_takes_zone(const rki_function *function);

rki_apply rki_apply_int, rki_apply_uint, rki_apply_double, rki_apply_string, rki_apply_bytes, rki_apply_bool,
    rki_apply_type;

/* matches() of a constant pattern, compiled with the program. */
rki_evaluate rki_eval_match;
rki_apply rki_apply_matches;

/* --- extension functions on text (text.c) ----------------------------------------------------------------------- */

rki_apply rki_apply_char_at, rki_apply_index_of, rki_apply_last_index_of, rki_apply_substring, rki_apply_lower,
    rki_apply_upper, rki_apply_trim, rki_apply_reverse, rki_apply_split, rki_apply_join, rki_apply_replace,
    rki_apply_base64_encode, rki_apply_base64_decode;

/* --- format() and quote() (format.c) ---------------------------------------------------------------------------- */

rki_apply rki_apply_format, rki_apply_quote;

/* --- math (math.c) ---------------------------------------------------------------------------------------------- */

rki_apply rki_apply_greatest, rki_apply_least, rki_apply_ceil, rki_apply_floor, rki_apply_round, rki_apply_trunc,
    rki_apply_is_nan, rki_apply_is_infinite, rki_apply_is_finite, rki_apply_abs, rki_apply_sign, rki_apply_sqrt,
    rki_apply_bit_and, rki_apply_bit_or, rki_apply_bit_xor, rki_apply_bit_not, rki_apply_shift_left,
    rki_apply_shift_right;

/* --- timestamps and durations (time.c) -------------------------------------------------------------------------- */

/* Whether a zone is worked out without the host: "UTC" or an offset, well-formed or not. */
bool rki_is_fixed_zone(rk_bytes zone);
/* + and - of times; no overload where the kinds are others. */
rki_apply rki_add_times, rki_subtract_times;
/* string() of a timestamp or duration. */
RK_MUST_USE rk_status rki_time_text(rki_run *run, const rk_value *value, rk_value *out);
rki_apply rki_apply_timestamp, rki_apply_duration, rki_apply_year, rki_apply_month, rki_apply_date,
    rki_apply_day_of_month, rki_apply_day_of_week, rki_apply_day_of_year, rki_apply_hours, rki_apply_minutes,
    rki_apply_seconds, rki_apply_milliseconds;

/* --- compiling -------------------------------------------------------------------------------------------------- */

/* From a checked tree to a program. */
RK_MUST_USE rk_status rki_compile_tree(const rki_checker *checker, const rki_node *tree, rk_program **program_out);

#endif
