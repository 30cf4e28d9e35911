/*
 * Numbers as the decimals that they are written as: the double 0.1 is one tenth here, not the binary fraction nearest
 * to it, since people and JSON write decimals. Exact: no floating point is calculated with.
 */
#include <string.h>

#include "core/module/schema_tree.h"
#include "core/value/decimal.h"

/* digits * 10^exponent, with a sign. A double's shortest form has at most 17 digits. */
typedef struct decimal {
    uint64_t digits;
    int exponent;
    bool negative;
} decimal;

/* `text` is "e-7", "e+21" or empty. */
static int exponent_of(rk_bytes text) {
    int exponent = 0;
    bool negative = text.size > 1 && text.data[1] == '-';
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9') exponent = exponent * 10 + (text.data[i] - '0');
    }
    return negative ? -exponent : exponent;
}

/* The shortest decimal that is this finite double. Zeros at the end go to the exponent: printed are up to 21 digits. */
static decimal decimal_of_double(double number) {
    char printed[RK_DECIMAL_SIZE_MAX];
    rk_bytes text = rk_bytes_of(printed, rk_decimal_print(number, printed));
    decimal decimal = {.negative = text.data[0] == '-'};
    size_t end = rk_bytes_find(text, 'e');
    int zeros = 0;
    bool point = false;
    for (size_t i = 0; i < end; i++) {
        if (text.data[i] == '.') point = true;
        if (text.data[i] < '0' || text.data[i] > '9') continue;
        decimal.exponent -= point;
        zeros++;
        if (text.data[i] == '0') continue;
        for (; zeros > 0; zeros--) decimal.digits *= 10;
        decimal.digits += (uint64_t)(text.data[i] - '0');
    }
    decimal.exponent += zeros + exponent_of(rk_bytes_from(text, end));
    return decimal;
}

static decimal decimal_of(const rk_value *value) {
    if (value->kind == RK_DOUBLE) return decimal_of_double(value->as.number);
    if (value->kind == RK_UINT) return (decimal){.digits = value->as.uinteger};
    int64_t integer = value->as.integer;
    bool negative = integer < 0;
    return (decimal){.digits = negative ? 0 - (uint64_t)integer : (uint64_t)integer, .negative = negative};
}

static bool is_finite(double number) {
    return number - number == 0;
}

/* a + b modulo `of`, both below it; and ten times a. In 64 bits: WebAssembly has no division of 128. */
static uint64_t add_modulo(uint64_t a, uint64_t b, uint64_t of) {
    return a >= of - b ? a - (of - b) : a + b;
}

static uint64_t ten_modulo(uint64_t a, uint64_t of) {
    uint64_t two = add_modulo(a, a, of), five = add_modulo(add_modulo(two, two, of), a, of);
    return add_modulo(five, five, of);
}

bool rki_is_multiple(const rk_value *value, const rk_value *of) {
    if (value->kind == RK_DOUBLE && !is_finite(value->as.number)) return false;
    if (of->kind == RK_DOUBLE && !is_finite(of->as.number)) return false;
    decimal whole = decimal_of(value), part = decimal_of(of);
    if (whole.digits == 0) return true;
    uint64_t divisor = part.digits;
    for (int i = whole.exponent; i < part.exponent; i++) {
        if (__builtin_mul_overflow(divisor, UINT64_C(10), &divisor) || divisor > whole.digits) return false;
    }
    uint64_t rest = whole.digits % divisor;
    for (int i = part.exponent; i < whole.exponent && rest != 0; i++) rest = ten_modulo(rest, divisor);
    return rest == 0;
}

bool rki_is_whole(double number, rk_value *whole_out, rk_status *status_out) {
    *whole_out = rk_int(0);
    *status_out = RK_OK;
    if (!is_finite(number)) return false;
    decimal decimal = decimal_of_double(number);
    if (decimal.digits == 0) return true;
    if (decimal.exponent < 0) return false;
    uint64_t magnitude = decimal.digits, most = (uint64_t)INT64_MAX + decimal.negative;
    bool past = false;
    for (int i = 0; i < decimal.exponent && !past; i++)
        past = __builtin_mul_overflow(magnitude, UINT64_C(10), &magnitude);
    if (past || magnitude > most) {
        *status_out = RK_OVERFLOW;
    } else {
        *whole_out = rk_int(decimal.negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude);
    }
    return true;
}
