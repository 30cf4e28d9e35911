/*
 * Operators on values: arithmetic with overflow, equality and order over all kinds of numbers, membership.
 *
 * Invariants
 *   (1) Numbers are compared by their mathematical value, never by rounding one of them (but see is_rounded_largest).
 *   (2) An integer result that does not fit is a fault, never a wrapped number.
 */
#include <math.h>
#include <string.h>

#include "core/expr/code.h"

static const double TWO_63 = 9223372036854775808.0, TWO_64 = 18446744073709551616.0;

/* --- comparing numbers ------------------------------------------------------------------------------------------ */

static rki_order order_of(bool less, bool same) {
    return less ? RKI_LESS : same ? RKI_SAME : RKI_GREATER;
}

static rki_order reversed(rki_order order) {
    return order == RKI_LESS ? RKI_GREATER : order == RKI_GREATER ? RKI_LESS : order;
}

static rki_order compare_doubles(double a, double b) {
    if (isnan(a) || isnan(b)) return RKI_UNORDERED;
    return order_of(a < b, a == b);
}

static rki_order compare_int_double(int64_t a, double b) {
    if (isnan(b)) return RKI_UNORDERED;
    if (b >= TWO_63) return RKI_LESS;
    if (b < -TWO_63) return RKI_GREATER;
    int64_t whole = (int64_t)b;
    if (a != whole) return order_of(a < whole, false);
    return compare_doubles((double)whole, b);
}

static rki_order compare_uint_double(uint64_t a, double b) {
    if (isnan(b)) return RKI_UNORDERED;
    if (b >= TWO_64) return RKI_LESS;
    if (b < 0) return RKI_GREATER;
    uint64_t whole = (uint64_t)b;
    if (a != whole) return order_of(a < whole, false);
    return compare_doubles((double)whole, b);
}

static rki_order compare_int_uint(int64_t a, uint64_t b) {
    if (a < 0) return RKI_LESS;
    return order_of((uint64_t)a < b, (uint64_t)a == b);
}

static bool is_number(rk_kind kind) {
    return kind == RK_INT || kind == RK_UINT || kind == RK_DOUBLE;
}

static rki_order compare_numbers(const rk_value *a, const rk_value *b) {
    if (a->kind == b->kind) {
        if (a->kind == RK_INT) return order_of(a->as.integer < b->as.integer, a->as.integer == b->as.integer);
        if (a->kind == RK_UINT) return order_of(a->as.uinteger < b->as.uinteger, a->as.uinteger == b->as.uinteger);
        return compare_doubles(a->as.number, b->as.number);
    }
    if (a->kind == RK_DOUBLE || (a->kind == RK_UINT && b->kind == RK_INT)) return reversed(compare_numbers(b, a));
    if (a->kind == RK_INT && b->kind == RK_UINT) return compare_int_uint(a->as.integer, b->as.uinteger);
    if (a->kind == RK_INT) return compare_int_double(a->as.integer, b->as.number);
    return compare_uint_double(a->as.uinteger, b->as.number);
}

static rki_order compare_times(const rk_value *a, const rk_value *b) {
    if (a->as.time.seconds != b->as.time.seconds) return order_of(a->as.time.seconds < b->as.time.seconds, false);
    return order_of(a->as.time.nanos < b->as.time.nanos, a->as.time.nanos == b->as.time.nanos);
}

bool rki_order_values(const rk_value *a, const rk_value *b, rki_order *order_out) {
    *order_out = RKI_UNORDERED;
    if (is_number(a->kind) && is_number(b->kind)) {
        *order_out = compare_numbers(a, b);
        return true;
    }
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case RK_BOOL:
        *order_out = order_of(a->as.boolean < b->as.boolean, a->as.boolean == b->as.boolean);
        return true;
    case RK_STRING:
    case RK_BYTES: {
        int order = rk_bytes_compare(a->as.bytes, b->as.bytes);
        *order_out = order_of(order < 0, order == 0);
        return true;
    }
    case RK_TIMESTAMP:
    case RK_DURATION:
        *order_out = compare_times(a, b);
        return true;
    default:
        return false;
    }
}

bool rk_expr_compare(const rk_value *a, const rk_value *b, int *order_out) {
    rki_order order = RKI_UNORDERED;
    *order_out = 0;
    if (!rki_order_values(a, b, &order) || order == RKI_UNORDERED) return false;
    *order_out = order == RKI_LESS ? -1 : order == RKI_GREATER ? 1 : 0;
    return true;
}

/* --- equality --------------------------------------------------------------------------------------------------- */

static rk_status equal_lists(rki_run *run, const rk_value *a, const rk_value *b, bool *equal_out) {
    if (a->as.list.count != b->as.list.count) return RK_OK;
    for (size_t i = 0; i < a->as.list.count; i++) {
        RK_TRY(rki_steps(run, 1));
        RK_TRY(rki_equal_values(run, &a->as.list.items[i], &b->as.list.items[i], equal_out));
        if (!*equal_out) return RK_OK;
    }
    *equal_out = true;
    return RK_OK;
}

static rk_status equal_maps(rki_run *run, const rk_value *a, const rk_value *b, bool *equal_out) {
    if (a->as.map.count != b->as.map.count) return RK_OK;
    for (size_t i = 0; i < a->as.map.count; i++) {
        RK_TRY(rki_steps(run, 1));
        const rk_pair *pair = &a->as.map.pairs[i];
        const rk_value *other = rki_map_get(b, &pair->key);
        *equal_out = false;
        if (!other) return RK_OK;
        RK_TRY(rki_equal_values(run, &pair->value, other, equal_out));
        if (!*equal_out) return RK_OK;
    }
    *equal_out = true;
    return RK_OK;
}

rk_status rki_equal_values(rki_run *run, const rk_value *a, const rk_value *b, bool *equal_out) {
    *equal_out = false;
    if (is_number(a->kind) && is_number(b->kind)) {
        *equal_out = compare_numbers(a, b) == RKI_SAME;
        return RK_OK;
    }
    if (a->kind != b->kind) return RK_OK;
    switch (a->kind) {
    case RK_NULL:
        *equal_out = true;
        return RK_OK;
    case RK_BOOL:
        *equal_out = a->as.boolean == b->as.boolean;
        return RK_OK;
    case RK_STRING:
    case RK_BYTES:
    case RK_TYPE:
        *equal_out = rki_same_bytes(a->as.bytes, b->as.bytes);
        return rki_steps_of_bytes(run, a->as.bytes.size);
    case RK_LIST:
        return equal_lists(run, a, b, equal_out);
    case RK_MAP:
        return equal_maps(run, a, b, equal_out);
    case RK_OPTIONAL:
        *equal_out = !a->as.optional && !b->as.optional;
        if (!a->as.optional || !b->as.optional) return RK_OK;
        return rki_equal_values(run, a->as.optional, b->as.optional, equal_out);
    default:
        *equal_out = compare_times(a, b) == RKI_SAME;
        return RK_OK;
    }
}

bool rk_expr_equal(const rk_value *a, const rk_value *b) {
    rki_run run = {.steps_left = UINT64_MAX};
    bool equal = false;
    return rki_equal_values(&run, a, b, &equal) == RK_OK && equal;
}

static rk_status eval_equality(rki_run *run, const rki_op *op, bool *equal_out) {
    rk_value a, b;
    RK_TRY(rki_eval(run, op->left, &a));
    RK_TRY(rki_eval(run, op->right, &b));
    return rki_equal_values(run, &a, &b, equal_out);
}

rk_status rki_eval_equal(rki_run *run, const rki_op *op, rk_value *out) {
    bool equal = false;
    RK_TRY(eval_equality(run, op, &equal));
    return rki_answer(out, equal);
}

rk_status rki_eval_unequal(rki_run *run, const rki_op *op, rk_value *out) {
    bool equal = false;
    RK_TRY(eval_equality(run, op, &equal));
    return rki_answer(out, !equal);
}

/* --- order ------------------------------------------------------------------------------------------------------ */

/*
 * The one place where an order rounds, as the official cases want it: the largest int or uint is no less than the
 * double that it rounds to, 2^63 or 2^64, though == tells them apart.
 */
static bool is_rounded_largest(const rk_value *whole, const rk_value *number) {
    if (number->kind != RK_DOUBLE) return false;
    if (whole->kind == RK_INT) return whole->as.integer == INT64_MAX && number->as.number == TWO_63;
    return whole->kind == RK_UINT && whole->as.uinteger == UINT64_MAX && number->as.number == TWO_64;
}

static rk_status eval_order(rki_run *run, const rki_op *op, rki_order *order_out) {
    rk_value values[2];
    RK_TRY(rki_eval(run, op->left, &values[0]));
    RK_TRY(rki_eval(run, op->right, &values[1]));
    if (!rki_order_values(&values[0], &values[1], order_out)) {
        return rki_no_overload(run, op, op->as.call.name, values, 2);
    }
    if (values[0].kind != values[1].kind &&
        (is_rounded_largest(&values[0], &values[1]) || is_rounded_largest(&values[1], &values[0]))) {
        *order_out = RKI_SAME;
    }
    return values[0].kind == RK_STRING ? rki_steps_of_bytes(run, values[0].as.bytes.size) : RK_OK;
}

rk_status rki_eval_less(rki_run *run, const rki_op *op, rk_value *out) {
    rki_order order = RKI_UNORDERED;
    RK_TRY(eval_order(run, op, &order));
    return rki_answer(out, order == RKI_LESS);
}

rk_status rki_eval_less_equal(rki_run *run, const rki_op *op, rk_value *out) {
    rki_order order = RKI_UNORDERED;
    RK_TRY(eval_order(run, op, &order));
    return rki_answer(out, order == RKI_LESS || order == RKI_SAME);
}

rk_status rki_eval_greater(rki_run *run, const rki_op *op, rk_value *out) {
    rki_order order = RKI_UNORDERED;
    RK_TRY(eval_order(run, op, &order));
    return rki_answer(out, order == RKI_GREATER);
}

rk_status rki_eval_greater_equal(rki_run *run, const rki_op *op, rk_value *out) {
    rki_order order = RKI_UNORDERED;
    RK_TRY(eval_order(run, op, &order));
    return rki_answer(out, order == RKI_GREATER || order == RKI_SAME);
}

/* --- keys and membership ---------------------------------------------------------------------------------------- */

enum { LINEAR_COUNT_MAX = 8 };

const rk_value *rki_map_get_text(const rk_value *map, rk_bytes key) {
    size_t count = map->as.map.count;
    const rk_pair *pairs = map->as.map.pairs;
    if (count > LINEAR_COUNT_MAX) return rk_map_find(map, key);
    for (size_t i = 0; i < count; i++) {
        const rk_value *other = &pairs[i].key;
        if (other->kind == RK_STRING && rki_same_bytes(other->as.bytes, key)) return &pairs[i].value;
    }
    return NULL;
}

/* A whole double as the integer that it equals; false for any other. */
static bool whole_of_double(double number, rk_value *whole_out) {
    if (!(number >= -TWO_63 && number < TWO_64)) return false;
    *whole_out = number < TWO_63 ? rk_int((int64_t)number) : rk_whole((uint64_t)number);
    return compare_numbers(whole_out, &(rk_value){.kind = RK_DOUBLE, .as.number = number}) == RKI_SAME;
}

const rk_value *rki_map_get(const rk_value *map, const rk_value *key) {
    rk_value whole;
    switch (key->kind) {
    case RK_STRING:
        return rki_map_get_text(map, key->as.bytes);
    case RK_INT:
    case RK_UINT:
    case RK_BOOL:
    case RK_BYTES:
        return rk_map_find_key(map, key);
    case RK_DOUBLE:
        return whole_of_double(key->as.number, &whole) ? rk_map_find_key(map, &whole) : NULL;
    default:
        return NULL;
    }
}

static rk_status list_has(rki_run *run, const rk_value *list, const rk_value *item, bool *found_out) {
    *found_out = false;
    for (size_t i = 0; i < list->as.list.count && !*found_out; i++) {
        RK_TRY(rki_steps(run, 1));
        RK_TRY(rki_equal_values(run, item, &list->as.list.items[i], found_out));
    }
    return RK_OK;
}

rk_status rki_eval_in(rki_run *run, const rki_op *op, rk_value *out) {
    rk_value values[2];
    bool found = false;
    RK_TRY(rki_eval(run, op->left, &values[0]));
    RK_TRY(rki_eval(run, op->right, &values[1]));
    if (values[1].kind == RK_LIST) {
        RK_TRY(list_has(run, &values[1], &values[0], &found));
    } else if (values[1].kind == RK_MAP) {
        found = rki_map_get(&values[1], &values[0]) != NULL;
    } else {
        return rki_no_overload(run, op, op->as.call.name, values, 2);
    }
    return rki_answer(out, found);
}

rk_status rki_eval_not(rki_run *run, const rki_op *op, rk_value *out) {
    rk_value value;
    RK_TRY(rki_eval(run, op->left, &value));
    if (value.kind != RK_BOOL) return rki_no_overload(run, op, op->as.call.name, &value, 1);
    return rki_answer(out, !value.as.boolean);
}

/* --- arithmetic ------------------------------------------------------------------------------------------------- */

static rk_status join_bytes(rki_run *run, const rk_value *values, rk_value *out) {
    rk_bytes a = values[0].as.bytes, b = values[1].as.bytes;
    *out = values[b.size == 0 ? 0 : 1];
    if (a.size == 0 || b.size == 0) return RK_OK;
    RK_TRY(rki_steps_of_bytes(run, a.size + b.size));
    uint8_t *joined = rk_arena_take(run->arena, a.size + b.size);
    if (!joined) return RK_NO_MEMORY;
    memcpy(joined, a.data, a.size);
    memcpy(joined + a.size, b.data, b.size);
    out->as.bytes = rk_bytes_of(joined, a.size + b.size);
    return RK_OK;
}

static rk_status join_lists(rki_run *run, const rk_value *values, rk_value *out) {
    size_t a = values[0].as.list.count, b = values[1].as.list.count;
    *out = values[b == 0 ? 0 : 1];
    if (a == 0 || b == 0) return RK_OK;
    RK_TRY(rki_steps(run, a + b));
    rk_value *joined = rk_arena_take_array(run->arena, a + b, sizeof *joined);
    if (!joined) return RK_NO_MEMORY;
    memcpy(joined, values[0].as.list.items, a * sizeof *joined);
    memcpy(joined + a, values[1].as.list.items, b * sizeof *joined);
    *out = rk_list(joined, a + b);
    return RK_OK;
}

static rk_status overflow(rki_run *run, const rki_op *op) {
    return rki_fault_name(run, op, RKI_FAULT_OVERFLOW, op->as.call.name);
}

rk_status rki_apply_add(rki_run *run, const rki_op *op, const rk_value *values, size_t count, rk_value *out) {
    if (values[0].kind != values[1].kind) return rki_add_times(run, op, values, count, out);
    out->kind = values[0].kind;
    switch (values[0].kind) {
    case RK_INT:
        if (!__builtin_add_overflow(values[0].as.integer, values[1].as.integer, &out->as.integer)) return RK_OK;
        return overflow(run, op);
    case RK_UINT:
        if (!__builtin_add_overflow(values[0].as.uinteger, values[1].as.uinteger, &out->as.uinteger)) return RK_OK;
        return overflow(run, op);
    case RK_DOUBLE:
        out->as.number = values[0].as.number + values[1].as.number;
        return RK_OK;
    case RK_STRING:
    case RK_BYTES:
        return join_bytes(run, values, out);
    case RK_LIST:
        return join_lists(run, values, out);
    default:
        return rki_add_times(run, op, values, count, out);
    }
}

rk_status rki_apply_subtract(rki_run *run, const rki_op *op, const rk_value *values, size_t count, rk_value *out) {
    if (values[0].kind != values[1].kind) return rki_subtract_times(run, op, values, count, out);
    out->kind = values[0].kind;
    switch (values[0].kind) {
    case RK_INT:
        if (!__builtin_sub_overflow(values[0].as.integer, values[1].as.integer, &out->as.integer)) return RK_OK;
        return overflow(run, op);
    case RK_UINT:
        if (!__builtin_sub_overflow(values[0].as.uinteger, values[1].as.uinteger, &out->as.uinteger)) return RK_OK;
        return overflow(run, op);
    case RK_DOUBLE:
        out->as.number = values[0].as.number - values[1].as.number;
        return RK_OK;
    default:
        return rki_subtract_times(run, op, values, count, out);
    }
}

rk_status rki_apply_multiply(rki_run *run, const rki_op *op, const rk_value *values, size_t count, rk_value *out) {
    if (values[0].kind != values[1].kind) return rki_no_overload(run, op, op->as.call.name, values, count);
    out->kind = values[0].kind;
    switch (values[0].kind) {
    case RK_INT:
        if (!__builtin_mul_overflow(values[0].as.integer, values[1].as.integer, &out->as.integer)) return RK_OK;
        return overflow(run, op);
    case RK_UINT:
        if (!__builtin_mul_overflow(values[0].as.uinteger, values[1].as.uinteger, &out->as.uinteger)) return RK_OK;
        return overflow(run, op);
    case RK_DOUBLE:
        out->as.number = values[0].as.number * values[1].as.number;
        return RK_OK;
    default:
        return rki_no_overload(run, op, op->as.call.name, values, count);
    }
}

rk_status rki_apply_divide(rki_run *run, const rki_op *op, const rk_value *values, size_t count, rk_value *out) {
    if (values[0].kind != values[1].kind) return rki_no_overload(run, op, op->as.call.name, values, count);
    out->kind = values[0].kind;
    switch (values[0].kind) {
    case RK_INT:
        if (values[1].as.integer == 0) return rki_fault_at(run, op, RKI_FAULT_DIVIDE);
        if (values[0].as.integer == INT64_MIN && values[1].as.integer == -1) return overflow(run, op);
        out->as.integer = values[0].as.integer / values[1].as.integer;
        return RK_OK;
    case RK_UINT:
        if (values[1].as.uinteger == 0) return rki_fault_at(run, op, RKI_FAULT_DIVIDE);
        out->as.uinteger = values[0].as.uinteger / values[1].as.uinteger;
        return RK_OK;
    case RK_DOUBLE:
        out->as.number = values[0].as.number / values[1].as.number;
        return RK_OK;
    default:
        return rki_no_overload(run, op, op->as.call.name, values, count);
    }
}

rk_status rki_apply_modulo(rki_run *run, const rki_op *op, const rk_value *values, size_t count, rk_value *out) {
    if (values[0].kind != values[1].kind) return rki_no_overload(run, op, op->as.call.name, values, count);
    out->kind = values[0].kind;
    switch (values[0].kind) {
    case RK_INT:
        if (values[1].as.integer == 0) return rki_fault_at(run, op, RKI_FAULT_MODULUS);
        if (values[0].as.integer == INT64_MIN && values[1].as.integer == -1) return overflow(run, op);
        out->as.integer = values[0].as.integer % values[1].as.integer;
        return RK_OK;
    case RK_UINT:
        if (values[1].as.uinteger == 0) return rki_fault_at(run, op, RKI_FAULT_MODULUS);
        out->as.uinteger = values[0].as.uinteger % values[1].as.uinteger;
        return RK_OK;
    default:
        return rki_no_overload(run, op, op->as.call.name, values, count);
    }
}

rk_status rki_apply_negate(rki_run *run, const rki_op *op, const rk_value *values, size_t count, rk_value *out) {
    out->kind = values[0].kind;
    if (values[0].kind == RK_DOUBLE) {
        out->as.number = -values[0].as.number;
        return RK_OK;
    }
    if (values[0].kind != RK_INT) return rki_no_overload(run, op, op->as.call.name, values, count);
    if (values[0].as.integer == INT64_MIN) return overflow(run, op);
    out->as.integer = -values[0].as.integer;
    return RK_OK;
}

rk_status rki_make_optional(rki_run *run, const rk_value *value, rk_value *out) {
    rk_value *inner = rk_arena_take(run->arena, sizeof *inner);
    if (!inner) return RK_NO_MEMORY;
    *inner = *value;
    *out = (rk_value){.kind = RK_OPTIONAL, .as.optional = inner};
    return RK_OK;
}
