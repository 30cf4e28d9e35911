/*
 * Conversions between types: int(), uint(), double(), string(), bytes(), bool(), type().
 *
 * Invariants
 *   (1) A number that does not fit is a range error; a double is cut towards zero.
 *   (2) Text is read whole or not at all: no blanks, no other notation than the literal's.
 */
#include <math.h>

#include "core/expr/code.h"
#include "core/value/decimal.h"

static const double TWO_63 = 9223372036854775808.0, TWO_64 = 18446744073709551616.0;

static rk_status range_error(rki_run *run, const rki_op *op, const rk_value *value) {
    return rki_fault_both(run, op, RKI_FAULT_RANGE, op->as.call.name, value);
}

static rk_status conversion_error(rki_run *run, const rki_op *op, const rk_value *value) {
    return rki_fault_both(run, op, RKI_FAULT_CONVERSION, op->as.call.name, value);
}

typedef enum whole_text { WHOLE_READ, WHOLE_TOO_LARGE, WHOLE_MALFORMED } whole_text;

static whole_text read_whole(rk_bytes text, uint64_t *whole_out) {
    bool fits = true;
    *whole_out = 0;
    if (text.size == 0) return WHOLE_MALFORMED;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return WHOLE_MALFORMED;
        if (__builtin_mul_overflow(*whole_out, 10, whole_out)) fits = false;
        if (__builtin_add_overflow(*whole_out, (uint64_t)(text.data[i] - '0'), whole_out)) fits = false;
    }
    return fits ? WHOLE_READ : WHOLE_TOO_LARGE;
}

static rk_status int_of_text(rki_run *run, const rki_op *op, const rk_value *value, rk_value *out) {
    rk_bytes text = value->as.bytes;
    uint64_t whole = 0;
    bool negative = text.size > 0 && text.data[0] == '-';
    if (text.size > 0 && (negative || text.data[0] == '+')) text = rk_bytes_from(text, 1);
    whole_text read = read_whole(text, &whole);
    if (read == WHOLE_MALFORMED) return conversion_error(run, op, value);
    uint64_t whole_max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (read == WHOLE_TOO_LARGE || whole > whole_max) return range_error(run, op, value);
    *out = rk_int(negative ? (int64_t)(0 - whole) : (int64_t)whole);
    return RK_OK;
}

rk_status rki_apply_int(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    const rk_value *value = &arguments[0];
    switch (value->kind) {
    case RK_INT:
        *out = *value;
        return RK_OK;
    case RK_UINT:
        if (value->as.uinteger > INT64_MAX) return range_error(run, op, value);
        *out = rk_int((int64_t)value->as.uinteger);
        return RK_OK;
    case RK_DOUBLE:
        /* The specification leaves out -2^63 itself, which a double that was rounded may only look like. */
        if (!(value->as.number > -TWO_63 && value->as.number < TWO_63)) return range_error(run, op, value);
        *out = rk_int((int64_t)value->as.number);
        return RK_OK;
    case RK_STRING:
        RK_TRY(rki_steps_of_bytes(run, value->as.bytes.size));
        return int_of_text(run, op, value, out);
    case RK_TIMESTAMP:
        *out = rk_int(value->as.time.seconds);
        return RK_OK;
    default:
        return rki_no_overload(run, op, op->as.call.name, arguments, count);
    }
}

static rk_value make_uint(uint64_t whole) {
    return (rk_value){.kind = RK_UINT, .as.uinteger = whole};
}

rk_status rki_apply_uint(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    const rk_value *value = &arguments[0];
    uint64_t whole = 0;
    switch (value->kind) {
    case RK_UINT:
        *out = *value;
        return RK_OK;
    case RK_INT:
        if (value->as.integer < 0) return range_error(run, op, value);
        *out = make_uint((uint64_t)value->as.integer);
        return RK_OK;
    case RK_DOUBLE:
        if (!(value->as.number >= 0 && value->as.number < TWO_64)) return range_error(run, op, value);
        *out = make_uint((uint64_t)value->as.number);
        return RK_OK;
    case RK_STRING: {
        RK_TRY(rki_steps_of_bytes(run, value->as.bytes.size));
        whole_text read = read_whole(value->as.bytes, &whole);
        if (read == WHOLE_MALFORMED) return conversion_error(run, op, value);
        if (read == WHOLE_TOO_LARGE) return range_error(run, op, value);
        *out = make_uint(whole);
        return RK_OK;
    }
    default:
        return rki_no_overload(run, op, op->as.call.name, arguments, count);
    }
}

static bool same_letters(rk_bytes text, const char *lower) {
    size_t i = 0;
    for (; i < text.size && lower[i]; i++) {
        if ((text.data[i] | 0x20) != (uint8_t)lower[i]) return false;
    }
    return i == text.size && !lower[i];
}

/* The names of the doubles that have no digits; string() gives them, so double() takes them. */
static bool special_double(rk_bytes text, double *number_out) {
    bool negative = text.size > 0 && text.data[0] == '-';
    if (text.size > 0 && (negative || text.data[0] == '+')) text = rk_bytes_from(text, 1);
    if (same_letters(text, "nan")) {
        *number_out = (double)NAN;
        return true;
    }
    if (!same_letters(text, "inf") && !same_letters(text, "infinity")) return false;
    *number_out = negative ? -(double)INFINITY : (double)INFINITY;
    return true;
}

rk_status rki_apply_double(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    const rk_value *value = &arguments[0];
    double number = 0;
    switch (value->kind) {
    case RK_DOUBLE:
        *out = *value;
        return RK_OK;
    case RK_INT:
        *out = rk_double((double)value->as.integer);
        return RK_OK;
    case RK_UINT:
        *out = rk_double((double)value->as.uinteger);
        return RK_OK;
    case RK_STRING: {
        RK_TRY(rki_steps_of_bytes(run, value->as.bytes.size));
        rk_status status = rk_decimal_parse(value->as.bytes, &number);
        if (status != RK_BAD_TEXT) RK_TRY(rki_steps_of_double(run, status == RK_OK ? number : 1e308));
        if (status == RK_OVERFLOW) return range_error(run, op, value);
        if (status != RK_OK && !special_double(value->as.bytes, &number)) return conversion_error(run, op, value);
        *out = rk_double(number);
        return RK_OK;
    }
    default:
        return rki_no_overload(run, op, op->as.call.name, arguments, count);
    }
}

static rk_status format_number(rki_run *run, const rk_value *value, rk_value *out) {
    char text[RK_DECIMAL_SIZE_MAX];
    size_t size = 0;
    if (value->kind == RK_INT) {
        size = rk_format(text, sizeof text, "%d", value->as.integer);
    } else if (value->kind == RK_UINT) {
        size = rk_format(text, sizeof text, "%u", value->as.uinteger);
    } else {
        RK_TRY(rki_steps_of_double(run, value->as.number));
        size = rk_decimal_print(value->as.number, text);
    }
    out->kind = RK_STRING;
    return rk_arena_copy(run->arena, rk_bytes_of(text, size), &out->as.bytes);
}

rk_status rki_apply_string(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    const rk_value *value = &arguments[0];
    switch (value->kind) {
    case RK_STRING:
        *out = *value;
        return RK_OK;
    case RK_BOOL:
        *out = rk_string(value->as.boolean ? RK_TEXT("true") : RK_TEXT("false"));
        return RK_OK;
    case RK_INT:
    case RK_UINT:
    case RK_DOUBLE:
        return format_number(run, value, out);
    case RK_BYTES:
        RK_TRY(rki_steps_of_bytes(run, value->as.bytes.size));
        if (!rk_utf8_valid(value->as.bytes)) return rki_fault_at(run, op, RKI_FAULT_UTF8);
        *out = rk_string(value->as.bytes);
        return RK_OK;
    case RK_TIMESTAMP:
    case RK_DURATION:
        return rki_time_text(run, value, out);
    default:
        return rki_no_overload(run, op, op->as.call.name, arguments, count);
    }
}

rk_status rki_apply_bytes(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (arguments[0].kind != RK_STRING && arguments[0].kind != RK_BYTES) {
        return rki_no_overload(run, op, op->as.call.name, arguments, count);
    }
    *out = rk_bytes_value(arguments[0].as.bytes);
    return RK_OK;
}

rk_status rki_apply_bool(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    static const char *const words[] = {"1", "t", "true", "TRUE", "True", "0", "f", "false", "FALSE", "False"};
    const rk_value *value = &arguments[0];
    if (value->kind == RK_BOOL) {
        *out = *value;
        return RK_OK;
    }
    if (value->kind != RK_STRING) return rki_no_overload(run, op, op->as.call.name, arguments, count);
    const size_t word_count = sizeof words / sizeof words[0];
    for (size_t i = 0; i < word_count; i++) {
        if (!rk_bytes_equal(value->as.bytes, rk_bytes_of_string(words[i]))) continue;
        *out = rk_bool(i < word_count / 2);
        return RK_OK;
    }
    return conversion_error(run, op, value);
}

rk_status rki_apply_type(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    (void)run, (void)op, (void)count;
    *out = (rk_value){.kind = RK_TYPE, .as.bytes = rki_kind_name(arguments[0].kind)};
    return RK_OK;
}

bool rki_type_named(rk_bytes name, rk_value *type_out) {
    for (int kind = RK_NULL; kind <= RK_OPTIONAL; kind++) {
        rk_bytes known = rki_kind_name((rk_kind)kind);
        *type_out = (rk_value){.kind = RK_TYPE, .as.bytes = known};
        if (rk_bytes_equal(known, name)) return true;
    }
    return false;
}
