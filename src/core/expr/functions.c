/*
 * The table of operators and functions: name, style, overloads, and who evaluates them. The checker reads the
 * signatures, the compiler the rest; a function that is missing here does not exist.
 *
 * Invariants
 *   (1) An apply function looks at the kinds of its arguments itself and answers rki_no_overload for others: types are
 *       checked when there is an environment, values always.
 *   (2) A row has either evaluate or apply.
 */
#include <string.h>

#include "core/expr/code.h"

#define T(name)  (&rki_basic_types[RK_TYPE_##name])
#define A        T(VARIABLE)
#define LIST     (&rki_type_list_a)
#define MAP      (&rki_type_map_ab)
#define OPTIONAL (&rki_type_optional_a)

/* --- functions that are short enough to stand here -------------------------------------------------------------- */

static rk_status apply_size(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    const rk_value *value = &arguments[0];
    size_t size = 0;
    switch (value->kind) {
    case RK_STRING:
        RK_TRY(rki_steps_of_bytes(run, value->as.bytes.size));
        size = rk_utf8_count(value->as.bytes);
        break;
    case RK_BYTES:
        size = value->as.bytes.size;
        break;
    case RK_LIST:
        size = value->as.list.count;
        break;
    case RK_MAP:
        size = value->as.map.count;
        break;
    default:
        return rki_no_overload(run, op, op->as.call.name, arguments, count);
    }
    *out = rk_int((int64_t)size);
    return RK_OK;
}

static bool both_text(const rk_value *arguments) {
    return arguments[0].kind == RK_STRING && arguments[1].kind == RK_STRING;
}

static rk_status apply_starts_with(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                   rk_value *out) {
    if (!both_text(arguments)) return rki_no_overload(run, op, op->as.call.name, arguments, count);
    RK_TRY(rki_steps_of_bytes(run, arguments[1].as.bytes.size));
    *out = rk_bool(rk_bytes_starts_with(arguments[0].as.bytes, arguments[1].as.bytes));
    return RK_OK;
}

static rk_status apply_ends_with(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                 rk_value *out) {
    if (!both_text(arguments)) return rki_no_overload(run, op, op->as.call.name, arguments, count);
    rk_bytes text = arguments[0].as.bytes, end = arguments[1].as.bytes;
    RK_TRY(rki_steps_of_bytes(run, end.size));
    *out = rk_bool(text.size >= end.size && rk_bytes_equal(rk_bytes_from(text, text.size - end.size), end));
    return RK_OK;
}

/* Each place where the first byte fits costs the whole comparison, so that the bound holds for hostile texts too. */
static rk_status apply_contains(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                rk_value *out) {
    if (!both_text(arguments)) return rki_no_overload(run, op, op->as.call.name, arguments, count);
    rk_bytes text = arguments[0].as.bytes, part = arguments[1].as.bytes;
    *out = rk_bool(part.size == 0);
    if (part.size == 0) return RK_OK;
    RK_TRY(rki_steps_of_bytes(run, text.size));
    while (text.size >= part.size) {
        size_t at = rk_bytes_find(rk_bytes_of(text.data, text.size - part.size + 1), part.data[0]);
        text = rk_bytes_from(text, at);
        if (text.size < part.size) return RK_OK;
        RK_TRY(rki_steps(run, part.size / RK_EXPR_STEP_BYTES + 1));
        *out = rk_bool(rk_bytes_starts_with(text, part));
        if (out->as.boolean) return RK_OK;
        text = rk_bytes_from(text, 1);
    }
    return RK_OK;
}

static rk_status search(rki_run *run, const rk_regex *regex, rk_bytes text, rk_value *out) {
    bool found = false;
    RK_TRY(rk_regex_search(regex, text, run->arena, &run->steps_left, &found));
    return rki_answer(out, found);
}

/* Folding the case of letters outside ASCII is a walk over a table. */
static uint64_t pattern_cost(rk_bytes pattern) {
    enum { LETTER_STEPS = 8 };
    uint64_t cost = 0;
    for (size_t i = 0; i < pattern.size; i++) cost += pattern.data[i] >= 0x80 ? LETTER_STEPS : 1;
    return cost;
}

/* A pattern that is computed costs its bytes and instructions. */
rk_status rki_apply_matches(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    const rk_regex *regex = NULL;
    const char *problem = "";
    if (!both_text(arguments)) return rki_no_overload(run, op, RK_TEXT("matches"), arguments, count);
    RK_TRY(rki_steps(run, pattern_cost(arguments[1].as.bytes)));
    rk_status status = rk_regex_compile(run->arena, arguments[1].as.bytes, &regex, &problem);
    if (status == RK_NO_MEMORY) return status;
    if (status != RK_OK) return rki_fault_name(run, op, RKI_FAULT_PATTERN, rk_bytes_of_string(problem));
    RK_TRY(rki_steps(run, rk_regex_size(regex)));
    return search(run, regex, arguments[0].as.bytes, out);
}

rk_status rki_eval_match(rki_run *run, const rki_op *op, rk_value *out) {
    rk_value values[2];
    RK_TRY(rki_eval(run, op->left, &values[0]));
    if (values[0].kind == RK_STRING) return search(run, op->as.match.regex, values[0].as.bytes, out);
    RK_TRY(rki_eval(run, op->right, &values[1]));
    return rki_no_overload(run, op, RK_TEXT("matches"), values, 2);
}

static rk_status apply_dyn(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    (void)run, (void)op, (void)count;
    *out = arguments[0];
    return RK_OK;
}

static rk_status apply_optional_of(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                   rk_value *out) {
    (void)op, (void)count;
    return rki_make_optional(run, &arguments[0], out);
}

static rk_status apply_optional_none(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                     rk_value *out) {
    (void)run, (void)op, (void)arguments, (void)count;
    *out = (rk_value){.kind = RK_OPTIONAL};
    return RK_OK;
}

static bool is_zero(const rk_value *value) {
    switch (value->kind) {
    case RK_NULL:
        return true;
    case RK_BOOL:
        return !value->as.boolean;
    case RK_INT:
    case RK_UINT:
        return value->as.uinteger == 0;
    case RK_DOUBLE:
        return value->as.number == 0;
    case RK_BYTES:
    case RK_STRING:
        return value->as.bytes.size == 0;
    case RK_LIST:
        return value->as.list.count == 0;
    case RK_MAP:
        return value->as.map.count == 0;
    case RK_TIMESTAMP:
    case RK_DURATION:
        return value->as.time.seconds == 0 && value->as.time.nanos == 0;
    case RK_OPTIONAL:
        return !value->as.optional;
    case RK_TYPE:
        return false;
    }
    return false;
}

static rk_status apply_optional_of_non_zero(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                            rk_value *out) {
    (void)op, (void)count;
    *out = (rk_value){.kind = RK_OPTIONAL};
    return is_zero(&arguments[0]) ? RK_OK : rki_make_optional(run, &arguments[0], out);
}

static rk_status apply_value(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (arguments[0].kind != RK_OPTIONAL) return rki_no_overload(run, op, op->as.call.name, arguments, count);
    if (!arguments[0].as.optional) return rki_fault_at(run, op, RKI_FAULT_NONE);
    *out = *arguments[0].as.optional;
    return RK_OK;
}

static rk_status apply_has_value(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                 rk_value *out) {
    if (arguments[0].kind != RK_OPTIONAL) return rki_no_overload(run, op, op->as.call.name, arguments, count);
    *out = rk_bool(arguments[0].as.optional != NULL);
    return RK_OK;
}

static rk_status apply_first_or_last(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                     rk_value *out) {
    if (arguments[0].kind != RK_LIST) return rki_no_overload(run, op, op->as.call.name, arguments, count);
    size_t item_count = arguments[0].as.list.count;
    bool last = rk_bytes_equal(op->as.call.name, RK_TEXT("last"));
    *out = (rk_value){.kind = RK_OPTIONAL};
    if (item_count > 0) out->as.optional = &arguments[0].as.list.items[last ? item_count - 1 : 0];
    return RK_OK;
}

/* The values of a list of optionals, without the empty ones. */
static rk_status apply_unwrap(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (arguments[0].kind != RK_LIST) return rki_no_overload(run, op, op->as.call.name, arguments, count);
    size_t item_count = arguments[0].as.list.count, kept = 0;
    RK_TRY(rki_steps(run, item_count));
    rk_value *items = rk_arena_take_array(run->arena, item_count, sizeof *items);
    if (!items) return RK_NO_MEMORY;
    for (size_t i = 0; i < item_count; i++) {
        const rk_value *item = &arguments[0].as.list.items[i];
        if (item->kind != RK_OPTIONAL) return rki_fault_value(run, op, RKI_FAULT_NOT_OPTIONAL, item);
        if (item->as.optional) items[kept++] = *item->as.optional;
    }
    *out = rk_list(items, kept);
    return RK_OK;
}

/* --- signatures ------------------------------------------------------------------------------------------------- */

static const rk_type list_string = {.kind = RK_TYPE_LIST, .item = T(STRING)};
static const rk_type list_optional = {.kind = RK_TYPE_LIST, .item = OPTIONAL};
static const rk_type list_int = {.kind = RK_TYPE_LIST, .item = T(INT)};
static const rk_type list_uint = {.kind = RK_TYPE_LIST, .item = T(UINT)};
static const rk_type list_double = {.kind = RK_TYPE_LIST, .item = T(DOUBLE)};

static const rki_signature equality[] = {{{A, A}, T(BOOL)}};
static const rki_signature ordering[] = {
    {{T(BOOL), T(BOOL)}, T(BOOL)},
    {{T(INT), T(INT)}, T(BOOL)},
    {{T(UINT), T(UINT)}, T(BOOL)},
    {{T(DOUBLE), T(DOUBLE)}, T(BOOL)},
    {{T(INT), T(UINT)}, T(BOOL)},
    {{T(INT), T(DOUBLE)}, T(BOOL)},
    {{T(UINT), T(INT)}, T(BOOL)},
    {{T(UINT), T(DOUBLE)}, T(BOOL)},
    {{T(DOUBLE), T(INT)}, T(BOOL)},
    {{T(DOUBLE), T(UINT)}, T(BOOL)},
    {{T(STRING), T(STRING)}, T(BOOL)},
    {{T(BYTES), T(BYTES)}, T(BOOL)},
    {{T(TIMESTAMP), T(TIMESTAMP)}, T(BOOL)},
    {{T(DURATION), T(DURATION)}, T(BOOL)},
};
static const rki_signature membership[] = {{{A, LIST}, T(BOOL)}, {{A, MAP}, T(BOOL)}};
static const rki_signature addition[] = {
    {{T(INT), T(INT)}, T(INT)},
    {{T(UINT), T(UINT)}, T(UINT)},
    {{T(DOUBLE), T(DOUBLE)}, T(DOUBLE)},
    {{T(STRING), T(STRING)}, T(STRING)},
    {{T(BYTES), T(BYTES)}, T(BYTES)},
    {{LIST, LIST}, LIST},
    {{T(TIMESTAMP), T(DURATION)}, T(TIMESTAMP)},
    {{T(DURATION), T(TIMESTAMP)}, T(TIMESTAMP)},
    {{T(DURATION), T(DURATION)}, T(DURATION)},
};
static const rki_signature subtraction[] = {
    {{T(INT), T(INT)}, T(INT)},
    {{T(UINT), T(UINT)}, T(UINT)},
    {{T(DOUBLE), T(DOUBLE)}, T(DOUBLE)},
    {{T(TIMESTAMP), T(TIMESTAMP)}, T(DURATION)},
    {{T(TIMESTAMP), T(DURATION)}, T(TIMESTAMP)},
    {{T(DURATION), T(DURATION)}, T(DURATION)},
};
static const rki_signature product[] = {
    {{T(INT), T(INT)}, T(INT)}, {{T(UINT), T(UINT)}, T(UINT)}, {{T(DOUBLE), T(DOUBLE)}, T(DOUBLE)}};
static const rki_signature modulo[] = {{{T(INT), T(INT)}, T(INT)}, {{T(UINT), T(UINT)}, T(UINT)}};
static const rki_signature negation[] = {{{T(INT)}, T(INT)}, {{T(DOUBLE)}, T(DOUBLE)}};
static const rki_signature not [] = {{{T(BOOL)}, T(BOOL)}};

static const rki_signature size[] = {{{T(STRING)}, T(INT)}, {{T(BYTES)}, T(INT)}, {{LIST}, T(INT)}, {{MAP}, T(INT)}};
static const rki_signature text_test[] = {{{T(STRING), T(STRING)}, T(BOOL)}};
static const rki_signature text_at[] = {{{T(STRING), T(INT)}, T(STRING)}};
static const rki_signature text_cut[] = {{{T(STRING), T(INT), T(INT)}, T(STRING)}};
static const rki_signature text_find[] = {{{T(STRING), T(STRING)}, T(INT)}};
static const rki_signature text_find_from[] = {{{T(STRING), T(STRING), T(INT)}, T(INT)}};
static const rki_signature text_change[] = {{{T(STRING)}, T(STRING)}};
static const rki_signature text_split[] = {{{T(STRING), T(STRING)}, &list_string}};
static const rki_signature text_split_limit[] = {{{T(STRING), T(STRING), T(INT)}, &list_string}};
static const rki_signature text_join[] = {{{&list_string}, T(STRING)}};
static const rki_signature text_join_with[] = {{{&list_string, T(STRING)}, T(STRING)}};
static const rki_signature text_replace[] = {{{T(STRING), T(STRING), T(STRING)}, T(STRING)}};
static const rki_signature text_replace_limit[] = {{{T(STRING), T(STRING), T(STRING), T(INT)}, T(STRING)}};
static const rki_signature text_format[] = {{{T(STRING), &rki_type_list_dyn}, T(STRING)}};
static const rki_signature to_base64[] = {{{T(BYTES)}, T(STRING)}};
static const rki_signature of_base64[] = {{{T(STRING)}, T(BYTES)}};
static const rki_signature pick[] = {{{T(INT)}, T(INT)},    {{T(UINT)}, T(UINT)},    {{T(DOUBLE)}, T(DOUBLE)},
                                     {{&list_int}, T(INT)}, {{&list_uint}, T(UINT)}, {{&list_double}, T(DOUBLE)}};
static const rki_signature double_change[] = {{{T(DOUBLE)}, T(DOUBLE)}};
static const rki_signature double_test[] = {{{T(DOUBLE)}, T(BOOL)}};
static const rki_signature number_change[] = {{{T(INT)}, T(INT)}, {{T(UINT)}, T(UINT)}, {{T(DOUBLE)}, T(DOUBLE)}};
static const rki_signature root[] = {{{T(INT)}, T(DOUBLE)}, {{T(UINT)}, T(DOUBLE)}, {{T(DOUBLE)}, T(DOUBLE)}};
static const rki_signature bits[] = {{{T(INT), T(INT)}, T(INT)}, {{T(UINT), T(UINT)}, T(UINT)}};
static const rki_signature bits_not[] = {{{T(INT)}, T(INT)}, {{T(UINT)}, T(UINT)}};
static const rki_signature bits_shift[] = {{{T(INT), T(INT)}, T(INT)}, {{T(UINT), T(INT)}, T(UINT)}};
static const rki_signature to_int[] = {
    {{T(INT)}, T(INT)}, {{T(UINT)}, T(INT)}, {{T(DOUBLE)}, T(INT)}, {{T(STRING)}, T(INT)}, {{T(TIMESTAMP)}, T(INT)}};
static const rki_signature to_uint[] = {
    {{T(UINT)}, T(UINT)}, {{T(INT)}, T(UINT)}, {{T(DOUBLE)}, T(UINT)}, {{T(STRING)}, T(UINT)}};
static const rki_signature to_double[] = {
    {{T(DOUBLE)}, T(DOUBLE)}, {{T(INT)}, T(DOUBLE)}, {{T(UINT)}, T(DOUBLE)}, {{T(STRING)}, T(DOUBLE)}};
static const rki_signature to_string[] = {
    {{T(STRING)}, T(STRING)}, {{T(BOOL)}, T(STRING)},  {{T(INT)}, T(STRING)},       {{T(UINT)}, T(STRING)},
    {{T(DOUBLE)}, T(STRING)}, {{T(BYTES)}, T(STRING)}, {{T(TIMESTAMP)}, T(STRING)}, {{T(DURATION)}, T(STRING)}};
static const rki_signature to_bytes[] = {{{T(BYTES)}, T(BYTES)}, {{T(STRING)}, T(BYTES)}};
static const rki_signature to_bool[] = {{{T(BOOL)}, T(BOOL)}, {{T(STRING)}, T(BOOL)}};
static const rki_signature to_timestamp[] = {
    {{T(TIMESTAMP)}, T(TIMESTAMP)}, {{T(INT)}, T(TIMESTAMP)}, {{T(STRING)}, T(TIMESTAMP)}};
static const rki_signature to_duration[] = {{{T(DURATION)}, T(DURATION)}, {{T(STRING)}, T(DURATION)}};
static const rki_signature date_part[] = {{{T(TIMESTAMP)}, T(INT)}};
static const rki_signature time_part[] = {{{T(TIMESTAMP)}, T(INT)}, {{T(DURATION)}, T(INT)}};
static const rki_signature zone_part[] = {{{T(TIMESTAMP), T(STRING)}, T(INT)}};
static const rki_signature to_type[] = {{{T(DYN)}, T(TYPE)}};
static const rki_signature to_dyn[] = {{{T(DYN)}, T(DYN)}};

static const rki_signature optional_of[] = {{{A}, OPTIONAL}};
static const rki_signature optional_none[] = {{{NULL}, OPTIONAL}};
static const rki_signature optional_or[] = {{{OPTIONAL, OPTIONAL}, OPTIONAL}};
static const rki_signature optional_or_value[] = {{{OPTIONAL, A}, A}};
static const rki_signature optional_value[] = {{{OPTIONAL}, A}};
static const rki_signature optional_has_value[] = {{{OPTIONAL}, T(BOOL)}};
static const rki_signature list_end[] = {{{LIST}, OPTIONAL}};
static const rki_signature list_unwrap[] = {{{&list_optional}, LIST}};

/* --- the table -------------------------------------------------------------------------------------------------- */

#define SIGNED(signatures) signatures, sizeof signatures / sizeof signatures[0]

static const rki_function functions[] = {
    {"_==_", RKI_GLOBAL, 2, rki_eval_equal, NULL, SIGNED(equality)},
    {"_!=_", RKI_GLOBAL, 2, rki_eval_unequal, NULL, SIGNED(equality)},
    {"_<_", RKI_GLOBAL, 2, rki_eval_less, NULL, SIGNED(ordering)},
    {"_<=_", RKI_GLOBAL, 2, rki_eval_less_equal, NULL, SIGNED(ordering)},
    {"_>_", RKI_GLOBAL, 2, rki_eval_greater, NULL, SIGNED(ordering)},
    {"_>=_", RKI_GLOBAL, 2, rki_eval_greater_equal, NULL, SIGNED(ordering)},
    {"_in_", RKI_GLOBAL, 2, rki_eval_in, NULL, SIGNED(membership)},
    {"!_", RKI_GLOBAL, 1, rki_eval_not, NULL, SIGNED(not )},
    {"_+_", RKI_GLOBAL, 2, NULL, rki_apply_add, SIGNED(addition)},
    {"_-_", RKI_GLOBAL, 2, NULL, rki_apply_subtract, SIGNED(subtraction)},
    {"_*_", RKI_GLOBAL, 2, NULL, rki_apply_multiply, SIGNED(product)},
    {"_/_", RKI_GLOBAL, 2, NULL, rki_apply_divide, SIGNED(product)},
    {"_%_", RKI_GLOBAL, 2, NULL, rki_apply_modulo, SIGNED(modulo)},
    {"-_", RKI_GLOBAL, 1, NULL, rki_apply_negate, SIGNED(negation)},
    {"size", RKI_EITHER, 1, NULL, apply_size, SIGNED(size)},
    {"startsWith", RKI_MEMBER, 2, NULL, apply_starts_with, SIGNED(text_test)},
    {"endsWith", RKI_MEMBER, 2, NULL, apply_ends_with, SIGNED(text_test)},
    {"contains", RKI_MEMBER, 2, NULL, apply_contains, SIGNED(text_test)},
    {"matches", RKI_EITHER, 2, NULL, rki_apply_matches, SIGNED(text_test)},
    {"charAt", RKI_MEMBER, 2, NULL, rki_apply_char_at, SIGNED(text_at)},
    {"indexOf", RKI_MEMBER, 2, NULL, rki_apply_index_of, SIGNED(text_find)},
    {"indexOf", RKI_MEMBER, 3, NULL, rki_apply_index_of, SIGNED(text_find_from)},
    {"lastIndexOf", RKI_MEMBER, 2, NULL, rki_apply_last_index_of, SIGNED(text_find)},
    {"lastIndexOf", RKI_MEMBER, 3, NULL, rki_apply_last_index_of, SIGNED(text_find_from)},
    {"substring", RKI_MEMBER, 2, NULL, rki_apply_substring, SIGNED(text_at)},
    {"substring", RKI_MEMBER, 3, NULL, rki_apply_substring, SIGNED(text_cut)},
    {"lowerAscii", RKI_MEMBER, 1, NULL, rki_apply_lower, SIGNED(text_change)},
    {"upperAscii", RKI_MEMBER, 1, NULL, rki_apply_upper, SIGNED(text_change)},
    {"trim", RKI_MEMBER, 1, NULL, rki_apply_trim, SIGNED(text_change)},
    {"reverse", RKI_MEMBER, 1, NULL, rki_apply_reverse, SIGNED(text_change)},
    {"split", RKI_MEMBER, 2, NULL, rki_apply_split, SIGNED(text_split)},
    {"split", RKI_MEMBER, 3, NULL, rki_apply_split, SIGNED(text_split_limit)},
    {"join", RKI_MEMBER, 1, NULL, rki_apply_join, SIGNED(text_join)},
    {"join", RKI_MEMBER, 2, NULL, rki_apply_join, SIGNED(text_join_with)},
    {"replace", RKI_MEMBER, 3, NULL, rki_apply_replace, SIGNED(text_replace)},
    {"replace", RKI_MEMBER, 4, NULL, rki_apply_replace, SIGNED(text_replace_limit)},
    {"format", RKI_MEMBER, 2, NULL, rki_apply_format, SIGNED(text_format)},
    {"strings.quote", RKI_GLOBAL, 1, NULL, rki_apply_quote, SIGNED(text_change)},
    {"base64.encode", RKI_GLOBAL, 1, NULL, rki_apply_base64_encode, SIGNED(to_base64)},
    {"base64.decode", RKI_GLOBAL, 1, NULL, rki_apply_base64_decode, SIGNED(of_base64)},
    {"math.greatest", RKI_GLOBAL, 1, NULL, rki_apply_greatest, SIGNED(pick)},
    {"math.least", RKI_GLOBAL, 1, NULL, rki_apply_least, SIGNED(pick)},
    {"math.ceil", RKI_GLOBAL, 1, NULL, rki_apply_ceil, SIGNED(double_change)},
    {"math.floor", RKI_GLOBAL, 1, NULL, rki_apply_floor, SIGNED(double_change)},
    {"math.round", RKI_GLOBAL, 1, NULL, rki_apply_round, SIGNED(double_change)},
    {"math.trunc", RKI_GLOBAL, 1, NULL, rki_apply_trunc, SIGNED(double_change)},
    {"math.isNaN", RKI_GLOBAL, 1, NULL, rki_apply_is_nan, SIGNED(double_test)},
    {"math.isInf", RKI_GLOBAL, 1, NULL, rki_apply_is_infinite, SIGNED(double_test)},
    {"math.isFinite", RKI_GLOBAL, 1, NULL, rki_apply_is_finite, SIGNED(double_test)},
    {"math.abs", RKI_GLOBAL, 1, NULL, rki_apply_abs, SIGNED(number_change)},
    {"math.sign", RKI_GLOBAL, 1, NULL, rki_apply_sign, SIGNED(number_change)},
    {"math.sqrt", RKI_GLOBAL, 1, NULL, rki_apply_sqrt, SIGNED(root)},
    {"math.bitAnd", RKI_GLOBAL, 2, NULL, rki_apply_bit_and, SIGNED(bits)},
    {"math.bitOr", RKI_GLOBAL, 2, NULL, rki_apply_bit_or, SIGNED(bits)},
    {"math.bitXor", RKI_GLOBAL, 2, NULL, rki_apply_bit_xor, SIGNED(bits)},
    {"math.bitNot", RKI_GLOBAL, 1, NULL, rki_apply_bit_not, SIGNED(bits_not)},
    {"math.bitShiftLeft", RKI_GLOBAL, 2, NULL, rki_apply_shift_left, SIGNED(bits_shift)},
    {"math.bitShiftRight", RKI_GLOBAL, 2, NULL, rki_apply_shift_right, SIGNED(bits_shift)},
    {"int", RKI_GLOBAL, 1, NULL, rki_apply_int, SIGNED(to_int)},
    {"uint", RKI_GLOBAL, 1, NULL, rki_apply_uint, SIGNED(to_uint)},
    {"double", RKI_GLOBAL, 1, NULL, rki_apply_double, SIGNED(to_double)},
    {"string", RKI_GLOBAL, 1, NULL, rki_apply_string, SIGNED(to_string)},
    {"bytes", RKI_GLOBAL, 1, NULL, rki_apply_bytes, SIGNED(to_bytes)},
    {"bool", RKI_GLOBAL, 1, NULL, rki_apply_bool, SIGNED(to_bool)},
    {"timestamp", RKI_GLOBAL, 1, NULL, rki_apply_timestamp, SIGNED(to_timestamp)},
    {"duration", RKI_GLOBAL, 1, NULL, rki_apply_duration, SIGNED(to_duration)},
    {"type", RKI_GLOBAL, 1, NULL, rki_apply_type, SIGNED(to_type)},
    {"dyn", RKI_GLOBAL, 1, NULL, apply_dyn, SIGNED(to_dyn)},
    {"getFullYear", RKI_MEMBER, 1, NULL, rki_apply_year, SIGNED(date_part)},
    {"getFullYear", RKI_MEMBER, 2, NULL, rki_apply_year, SIGNED(zone_part)},
    {"getMonth", RKI_MEMBER, 1, NULL, rki_apply_month, SIGNED(date_part)},
    {"getMonth", RKI_MEMBER, 2, NULL, rki_apply_month, SIGNED(zone_part)},
    {"getDate", RKI_MEMBER, 1, NULL, rki_apply_date, SIGNED(date_part)},
    {"getDate", RKI_MEMBER, 2, NULL, rki_apply_date, SIGNED(zone_part)},
    {"getDayOfMonth", RKI_MEMBER, 1, NULL, rki_apply_day_of_month, SIGNED(date_part)},
    {"getDayOfMonth", RKI_MEMBER, 2, NULL, rki_apply_day_of_month, SIGNED(zone_part)},
    {"getDayOfWeek", RKI_MEMBER, 1, NULL, rki_apply_day_of_week, SIGNED(date_part)},
    {"getDayOfWeek", RKI_MEMBER, 2, NULL, rki_apply_day_of_week, SIGNED(zone_part)},
    {"getDayOfYear", RKI_MEMBER, 1, NULL, rki_apply_day_of_year, SIGNED(date_part)},
    {"getDayOfYear", RKI_MEMBER, 2, NULL, rki_apply_day_of_year, SIGNED(zone_part)},
    {"getHours", RKI_MEMBER, 1, NULL, rki_apply_hours, SIGNED(time_part)},
    {"getHours", RKI_MEMBER, 2, NULL, rki_apply_hours, SIGNED(zone_part)},
    {"getMinutes", RKI_MEMBER, 1, NULL, rki_apply_minutes, SIGNED(time_part)},
    {"getMinutes", RKI_MEMBER, 2, NULL, rki_apply_minutes, SIGNED(zone_part)},
    {"getSeconds", RKI_MEMBER, 1, NULL, rki_apply_seconds, SIGNED(time_part)},
    {"getSeconds", RKI_MEMBER, 2, NULL, rki_apply_seconds, SIGNED(zone_part)},
    {"getMilliseconds", RKI_MEMBER, 1, NULL, rki_apply_milliseconds, SIGNED(time_part)},
    {"getMilliseconds", RKI_MEMBER, 2, NULL, rki_apply_milliseconds, SIGNED(zone_part)},
    {"optional.of", RKI_GLOBAL, 1, NULL, apply_optional_of, SIGNED(optional_of)},
    {"optional.ofNonZeroValue", RKI_GLOBAL, 1, NULL, apply_optional_of_non_zero, SIGNED(optional_of)},
    {"optional.none", RKI_GLOBAL, 0, NULL, apply_optional_none, SIGNED(optional_none)},
    {"or", RKI_MEMBER, 2, rki_eval_or_optional, NULL, SIGNED(optional_or)},
    {"orValue", RKI_MEMBER, 2, rki_eval_or_value, NULL, SIGNED(optional_or_value)},
    {"value", RKI_MEMBER, 1, NULL, apply_value, SIGNED(optional_value)},
    {"hasValue", RKI_MEMBER, 1, NULL, apply_has_value, SIGNED(optional_has_value)},
    {"first", RKI_MEMBER, 1, NULL, apply_first_or_last, SIGNED(list_end)},
    {"last", RKI_MEMBER, 1, NULL, apply_first_or_last, SIGNED(list_end)},
    {"optional.unwrap", RKI_GLOBAL, 1, NULL, apply_unwrap, SIGNED(list_unwrap)},
    {"unwrapOpt", RKI_MEMBER, 1, NULL, apply_unwrap, SIGNED(list_unwrap)},
};

const rki_function *rki_function_find(rk_bytes name, bool member, size_t argument_count, bool *known_out) {
    *known_out = false;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        const rki_function *row = &functions[i];
        if (!rk_bytes_equal(name, rk_bytes_of_string(row->name))) continue;
        *known_out = true;
        bool styled = (row->style & (member ? RKI_MEMBER : RKI_GLOBAL)) != 0;
        if (styled && row->argument_count == argument_count) return row;
    }
    return NULL;
}

bool rki_function_takes_zone(const rki_function *function) {
    return function->signatures == zone_part;
}
