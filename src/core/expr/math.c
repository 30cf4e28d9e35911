/*
 * CEL's math functions.
 *
 * Invariants
 *   (1) Nothing here asks the C library: every machine gives the same bits, sqrt() the double nearest to the root.
 *   (2) Shifting moves bits and no sign: what leaves is lost, what comes in is 0, 64 places or more leave 0.
 */
#include <math.h>

#include "core/expr/code.h"

static rk_status no_overload(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count) {
    return rki_no_overload(run, op, op->as.call.name, arguments, count);
}

static rk_status refuse(rki_run *run, const rki_op *op, const char *what) {
    return rki_fault_name(run, op, RKI_FAULT_SAID, rk_bytes_of_string(what));
}

static bool is_number(const rk_value *value) {
    return value->kind == RK_INT || value->kind == RK_UINT || value->kind == RK_DOUBLE;
}

/* --- the greatest and the least --------------------------------------------------------------------------------- */

/* Of equal ones the first. */
static rk_status pick(rki_run *run, const rki_op *op, const rk_value *arguments, rki_order wanted, rk_value *out) {
    const rk_value *items = arguments;
    size_t count = 1;
    if (arguments[0].kind == RK_LIST) {
        items = arguments[0].as.list.items;
        count = arguments[0].as.list.count;
    }
    if (count == 0) return refuse(run, op, "an empty list has no greatest and no least");
    for (size_t i = 0; i < count; i++) {
        rki_order order = RKI_SAME;
        RK_TRY(rki_steps(run, 1));
        if (!is_number(&items[i])) return no_overload(run, op, &items[i], 1);
        if (i == 0) *out = items[0];
        rki_order_values(&items[i], out, &order);
        if (order == RKI_UNORDERED && count > 1) return refuse(run, op, "NaN is neither greater nor less");
        if (order == wanted) *out = items[i];
    }
    return RK_OK;
}

rk_status rki_apply_greatest(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    (void)count;
    return pick(run, op, arguments, RKI_GREATER, out);
}

rk_status rki_apply_least(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    (void)count;
    return pick(run, op, arguments, RKI_LESS, out);
}

/* --- rounding --------------------------------------------------------------------------------------------------- */

/* From here on every double is whole. */
static const double TWO_52 = 4503599627370496.0;

static double cut(double number) {
    if (!(number > -TWO_52 && number < TWO_52)) return number;
    double whole = (double)(int64_t)number;
    return whole == 0 && signbit(number) ? -0.0 : whole;
}

static double up(double number) {
    double whole = cut(number);
    return whole < number ? whole + 1 : whole;
}

static double down(double number) {
    double whole = cut(number);
    return whole > number ? whole - 1 : whole;
}

/* Half goes away from 0. The rest is exact, so that 0.49999999999999994 is less than half. */
static double nearest(double number) {
    double whole = cut(number), rest = number - whole;
    if (rest >= 0.5) return whole + 1;
    return rest <= -0.5 ? whole - 1 : whole;
}

#define ROUNDING(name, function)                                                                        \
    rk_status rki_apply_##name(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, \
                               rk_value *out) {                                                         \
        if (arguments[0].kind != RK_DOUBLE) return no_overload(run, op, arguments, count);              \
        *out = rk_double(function(arguments[0].as.number));                                             \
        return RK_OK;                                                                                   \
    }

ROUNDING(ceil, up)
ROUNDING(floor, down)
ROUNDING(round, nearest)
ROUNDING(trunc, cut)

/* --- kinds of doubles ------------------------------------------------------------------------------------------- */

#define TESTING(name, condition)                                                                        \
    rk_status rki_apply_##name(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, \
                               rk_value *out) {                                                         \
        if (arguments[0].kind != RK_DOUBLE) return no_overload(run, op, arguments, count);              \
        double number = arguments[0].as.number;                                                         \
        return rki_answer(out, condition);                                                              \
    }

TESTING(is_nan, number != number)
TESTING(is_infinite, number == number && number - number != 0)
TESTING(is_finite, number - number == 0)

/* --- sign and root ---------------------------------------------------------------------------------------------- */

rk_status rki_apply_abs(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (!is_number(&arguments[0])) return no_overload(run, op, arguments, count);
    *out = arguments[0];
    if (out->kind == RK_DOUBLE && signbit(out->as.number)) out->as.number = -out->as.number;
    if (out->kind != RK_INT || out->as.integer >= 0) return RK_OK;
    if (out->as.integer == INT64_MIN) return rki_fault_name(run, op, RKI_FAULT_OVERFLOW, op->as.call.name);
    out->as.integer = -out->as.integer;
    return RK_OK;
}

rk_status rki_apply_sign(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (!is_number(&arguments[0])) return no_overload(run, op, arguments, count);
    *out = arguments[0];
    if (out->kind == RK_UINT) out->as.uinteger = out->as.uinteger > 0;
    if (out->kind == RK_INT) out->as.integer = (out->as.integer > 0) - (out->as.integer < 0);
    if (out->kind == RK_DOUBLE && out->as.number == out->as.number) {
        out->as.number = (double)((out->as.number > 0) - (out->as.number < 0));
    }
    return RK_OK;
}

enum { MANTISSA_BITS = 52, EXPONENT_BIAS = 1023 };

/*
 * Of a positive, finite number m * 2^e with e even: the root of m * 2^54, two bits of it at a time, has 54 bits; the
 * last of them rounds, and what remains below it only says that it is not half.
 */
static double root_of(double number) {
    uint64_t bits = 0, remainder = 0, root = 0;
    memcpy(&bits, &number, sizeof bits);
    uint64_t mantissa = bits & (((uint64_t)1 << MANTISSA_BITS) - 1);
    int64_t exponent = (int64_t)(bits >> MANTISSA_BITS);
    if (exponent == 0) {
        for (exponent = 1; mantissa >> MANTISSA_BITS == 0; exponent--) mantissa <<= 1;
    } else {
        mantissa |= (uint64_t)1 << MANTISSA_BITS;
    }
    exponent -= EXPONENT_BIAS + MANTISSA_BITS;
    if (exponent % 2 != 0) {
        mantissa <<= 1;
        exponent--;
    }
    for (int i = 53; i >= 0; i--) {
        uint64_t two = i >= 27 ? mantissa >> (2 * (i - 27)) & 3 : 0, trial = root << 2 | 1;
        remainder = remainder << 2 | two;
        root <<= 1;
        if (remainder < trial) continue;
        remainder -= trial;
        root |= 1;
    }
    root = (root >> 1) + (root & 1); /* never half: a root that ended in a 1 here would have 107 bits squared */
    uint64_t field = (uint64_t)(exponent / 2 - 26 + MANTISSA_BITS + EXPONENT_BIAS);
    bits = (field << MANTISSA_BITS) + (root - ((uint64_t)1 << MANTISSA_BITS));
    memcpy(&number, &bits, sizeof bits);
    return number;
}

rk_status rki_apply_sqrt(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    double number = arguments[0].as.number;
    if (!is_number(&arguments[0])) return no_overload(run, op, arguments, count);
    if (arguments[0].kind == RK_INT) number = (double)arguments[0].as.integer;
    if (arguments[0].kind == RK_UINT) number = (double)arguments[0].as.uinteger;
    *out = rk_double(number);
    if (number < 0) out->as.number = (double)NAN;
    if (number > 0 && number - number == 0) out->as.number = root_of(number);
    return RK_OK;
}

/* --- bits ------------------------------------------------------------------------------------------------------- */

static bool are_whole(const rk_value *a, const rk_value *b) {
    return a->kind == b->kind && (a->kind == RK_INT || a->kind == RK_UINT);
}

#define BITS(name, operator)                                                                            \
    rk_status rki_apply_##name(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, \
                               rk_value *out) {                                                         \
        if (!are_whole(&arguments[0], &arguments[1])) return no_overload(run, op, arguments, count);    \
        *out = arguments[0];                                                                            \
        out->as.uinteger = arguments[0].as.uinteger operator arguments[1].as.uinteger;                  \
        return RK_OK;                                                                                   \
    }

BITS(bit_and, &)
BITS(bit_or, |)
BITS(bit_xor, ^)

rk_status rki_apply_bit_not(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (!are_whole(&arguments[0], &arguments[0])) return no_overload(run, op, arguments, count);
    *out = arguments[0];
    out->as.uinteger = ~out->as.uinteger;
    return RK_OK;
}

static rk_status shift(rki_run *run, const rki_op *op, const rk_value *arguments, bool left, rk_value *out) {
    const rk_value *value = &arguments[0], *places = &arguments[1];
    if (!are_whole(value, value) || places->kind != RK_INT) return no_overload(run, op, arguments, 2);
    if (places->as.integer < 0) return refuse(run, op, "math: a negative offset shifts nothing");
    *out = *value;
    if (places->as.integer >= 64) {
        out->as.uinteger = 0;
    } else if (left) {
        out->as.uinteger <<= places->as.integer;
    } else {
        out->as.uinteger >>= places->as.integer;
    }
    return RK_OK;
}

rk_status rki_apply_shift_left(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    (void)count;
    return shift(run, op, arguments, true, out);
}

rk_status rki_apply_shift_right(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                rk_value *out) {
    (void)count;
    return shift(run, op, arguments, false, out);
}
