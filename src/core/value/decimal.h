/*
 * Doubles as decimal text, exactly, without the C library's locale or stdio.
 *
 * Invariants
 *   (1) rk_decimal_parse gives the double nearest to the text, ties to even: what strtod gives in the C locale.
 *   (2) rk_decimal_print gives the shortest text that parses back to the same double, and of those the nearest one.
 *   (3) Neither allocates; both take a time that is bounded by the text's length and a constant.
 */
#ifndef RK_CORE_VALUE_DECIMAL_H
#define RK_CORE_VALUE_DECIMAL_H

#include "base/status.h"

enum {
    RK_DECIMAL_SIZE_MAX = 32,
    RK_DECIMAL_PLAIN_SIZE_MAX = 352, /* a sign, "0." and 324 places, or 309 digits */
    RK_DECIMAL_PLACES_MAX = 1000,
    RK_DECIMAL_PLACED_SIZE_MAX = RK_DECIMAL_PLACES_MAX + 320, /* a sign, 309 digits, a point, the places */
};

/*
 * Reads all of `text`: an optional sign, digits with an optional point (a digit on one side at least), an optional
 * exponent. RK_BAD_TEXT on anything else, RK_OVERFLOW when it is past the largest double; too small a number is 0.
 */
RK_MUST_USE rk_status rk_decimal_parse(rk_bytes text, double *number_out);

/*
 * Writes as ECMAScript does: "0.1", "100", "1e+21", "1e-7", "-0" for negative zero, "NaN", "Infinity", "-Infinity".
 * Returns the length; not NUL-ended.
 */
size_t rk_decimal_print(double number, char out[RK_DECIMAL_SIZE_MAX]);
/* The same digits, never with an exponent. */
size_t rk_decimal_print_plain(double number, char out[RK_DECIMAL_PLAIN_SIZE_MAX]);
/*
 * Exactly `places` digits after the point, rounded from the exact value, half to even, as C's %.*f and %.*e do, but
 * for "NaN" and "Infinity". `places` is at most RK_DECIMAL_PLACES_MAX and `out` has RK_DECIMAL_PLACED_SIZE_MAX bytes.
 */
size_t rk_decimal_print_fixed(double number, size_t places, char *out);
size_t rk_decimal_print_scientific(double number, size_t places, char *out);

#endif
