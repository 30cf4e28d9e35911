/*
 * Doubles as decimal text, by exact arithmetic on decimal digits.
 *
 * Invariants
 *   (1) A `decimal` is 0.d1 d2 d3 ... * 10^point, d1 and the last digit not 0, or has no digits and is 0.
 *   (2) DIGITS_MAX digits hold every double and every half way between two doubles exactly; what a longer text has
 *       past them only matters as "more than this", which `cut` keeps.
 */
#include "core/value/decimal.h"

#include <math.h>
#include <string.h>

enum {
    DIGITS_MAX = 800, /* 767 are enough for half way between the two smallest doubles */
    SHIFT_MAX = 59,   /* (9 << 59) + carry fits 64 bits */
    POINT_MAX = 310,  /* 10^310 is past every double, 10^-330 below half of the smallest */
    POINT_MIN = -330,
    MANTISSA_BITS = 52, /* without the hidden one */
    EXPONENT_BIAS = 1023,
    EXPONENT_MIN = -1022,
    EXPONENT_FIELD_MAX = 2047,
    EXPONENT_TEXT_MAX = 100000,
    FAST_DIGITS_MAX = 15, /* below 2^53 */
    FAST_POWER_MAX = 22,  /* 10^22 is a double exactly */
};

typedef struct decimal {
    uint8_t digits[DIGITS_MAX];
    int count;
    int point;
    bool cut; /* digits other than 0 were dropped past the last */
} decimal;

static void trim(decimal *d) {
    while (d->count > 0 && d->digits[d->count - 1] == 0) d->count--;
    if (d->count == 0) d->point = 0;
}

/* Divides by 2^shift: long division, the first digits until something comes out only move the point. */
static void shift_right(decimal *d, unsigned shift) {
    int read = 0, write = 0;
    uint64_t rest = 0, mask = ((uint64_t)1 << shift) - 1;
    while ((rest >> shift) == 0) {
        if (read >= d->count && rest == 0) {
            d->count = 0;
            d->point = 0;
            return;
        }
        rest = rest * 10 + (read < d->count ? d->digits[read] : 0);
        read++;
    }
    d->point -= read - 1;
    for (; read < d->count || rest != 0; read++) {
        uint8_t digit = (uint8_t)(rest >> shift);
        if (write < DIGITS_MAX) {
            d->digits[write++] = digit;
        } else if (digit != 0) {
            d->cut = true;
        }
        rest = (rest & mask) * 10 + (read < d->count ? d->digits[read] : 0);
    }
    d->count = write;
    trim(d);
}

/* Multiplies by 2^shift, from the last digit up into a longer row. */
static void shift_left(decimal *d, unsigned shift) {
    enum { EXTRA = 20 };
    uint8_t row[DIGITS_MAX + EXTRA];
    int first = d->count + EXTRA;
    uint64_t carry = 0;
    if (d->count == 0) return;
    for (int i = d->count - 1; i >= 0; i--) {
        carry += (uint64_t)d->digits[i] << shift;
        row[--first] = (uint8_t)(carry % 10);
        carry /= 10;
    }
    for (; carry != 0; carry /= 10) row[--first] = (uint8_t)(carry % 10);
    int count = d->count + EXTRA - first;
    d->point += count - d->count;
    for (int i = DIGITS_MAX; i < count; i++) {
        if (row[first + i] != 0) d->cut = true;
    }
    d->count = count < DIGITS_MAX ? count : DIGITS_MAX;
    memcpy(d->digits, row + first, (size_t)d->count);
    trim(d);
}

static void shift(decimal *d, int by) {
    while (by > 0) {
        int part = by < SHIFT_MAX ? by : SHIFT_MAX;
        shift_left(d, (unsigned)part);
        by -= part;
    }
    while (by < 0) {
        int part = -by < SHIFT_MAX ? -by : SHIFT_MAX;
        shift_right(d, (unsigned)part);
        by += part;
    }
}

/* Whether the first `count` digits, followed by the rest, round up: half goes to the even digit. */
static bool rounds_up(const decimal *d, int count) {
    if (count < 0 || count >= d->count) return false;
    if (d->digits[count] == 5 && count + 1 == d->count) {
        return d->cut || (count > 0 && d->digits[count - 1] % 2 == 1);
    }
    return d->digits[count] >= 5;
}

static void round_down(decimal *d, int count) {
    if (count >= d->count) return;
    d->count = count;
    trim(d);
}

static void round_up(decimal *d, int count) {
    if (count >= d->count) return;
    for (int i = count - 1; i >= 0; i--) {
        if (d->digits[i] < 9) {
            d->digits[i]++;
            d->count = i + 1;
            return;
        }
    }
    d->digits[0] = 1;
    d->count = 1;
    d->point++;
}

/* The whole number nearest to d, which is below 2^64. */
static uint64_t rounded_whole(const decimal *d) {
    uint64_t whole = 0;
    for (int i = 0; i < d->point; i++) whole = whole * 10 + (i < d->count ? d->digits[i] : 0);
    return whole + (rounds_up(d, d->point) ? 1 : 0);
}

/* Scales d into [1/2, 1) and returns the power of two that was taken out. */
static int normalise(decimal *d) {
    static const uint8_t bits_of_digits[] = {1, 3, 6, 9, 13, 16, 19, 23, 26};
    const int known = (int)(sizeof bits_of_digits);
    int exponent = 0;
    while (d->point > 0) {
        int by = d->point >= known ? 27 : bits_of_digits[d->point];
        shift(d, -by);
        exponent += by;
    }
    while (d->point < 0 || (d->point == 0 && d->digits[0] < 5)) {
        int by = -d->point >= known ? 27 : bits_of_digits[-d->point];
        shift(d, by);
        exponent -= by;
    }
    return exponent;
}

static double assemble(uint64_t mantissa, int exponent_field) {
    uint64_t bits = (mantissa & (((uint64_t)1 << MANTISSA_BITS) - 1)) | ((uint64_t)exponent_field << MANTISSA_BITS);
    double number = 0;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static rk_status to_double(decimal *d, double *number_out) {
    *number_out = 0;
    if (d->count == 0 || d->point < POINT_MIN) return RK_OK;
    if (d->point > POINT_MAX) return RK_OVERFLOW;
    int exponent = normalise(d) - 1; /* d is now in [1/2, 1), so 2d in [1, 2) */
    if (exponent < EXPONENT_MIN) {
        shift(d, exponent - EXPONENT_MIN);
        exponent = EXPONENT_MIN;
    }
    if (exponent > EXPONENT_BIAS) return RK_OVERFLOW;
    shift(d, MANTISSA_BITS + 1);
    uint64_t mantissa = rounded_whole(d);
    if (mantissa == (uint64_t)2 << MANTISSA_BITS) {
        mantissa >>= 1;
        exponent++;
    }
    if (exponent > EXPONENT_BIAS) return RK_OVERFLOW;
    bool is_normal = (mantissa >> MANTISSA_BITS) != 0;
    *number_out = assemble(mantissa, is_normal ? exponent + EXPONENT_BIAS : 0);
    return RK_OK;
}

static bool is_digit(rk_bytes text, size_t at) {
    return at < text.size && text.data[at] >= '0' && text.data[at] <= '9';
}

static void take_digit(decimal *d, uint8_t digit, bool before_point) {
    if (d->count == 0 && digit == 0) {
        if (!before_point) d->point--;
        return;
    }
    if (before_point) d->point++;
    if (d->count < DIGITS_MAX) {
        d->digits[d->count++] = digit;
    } else if (digit != 0) {
        d->cut = true;
    }
}

/* Digits and point; false when there is no digit. */
static bool read_digits(rk_bytes text, size_t *at, decimal *d) {
    size_t digit_count = 0;
    for (; is_digit(text, *at); (*at)++, digit_count++) take_digit(d, (uint8_t)(text.data[*at] - '0'), true);
    if (*at < text.size && text.data[*at] == '.') {
        (*at)++;
        for (; is_digit(text, *at); (*at)++, digit_count++) take_digit(d, (uint8_t)(text.data[*at] - '0'), false);
    }
    return digit_count > 0;
}

static bool read_sign(rk_bytes text, size_t *at) {
    bool negative = *at < text.size && text.data[*at] == '-';
    if (*at < text.size && (text.data[*at] == '-' || text.data[*at] == '+')) (*at)++;
    return negative;
}

/* The exponent, held within EXPONENT_TEXT_MAX either way; false when there is an `e` without digits. */
static bool read_exponent(rk_bytes text, size_t *at, int *exponent_out) {
    *exponent_out = 0;
    if (*at >= text.size || (text.data[*at] | 0x20) != 'e') return true;
    (*at)++;
    bool negative = read_sign(text, at);
    if (!is_digit(text, *at)) return false;
    int exponent = 0;
    for (; is_digit(text, *at); (*at)++) {
        if (exponent < EXPONENT_TEXT_MAX) exponent = exponent * 10 + (text.data[*at] - '0');
    }
    *exponent_out = negative ? -exponent : exponent;
    return true;
}

/* Where digits and power are both exact doubles, one rounding is all there is (Clinger, 1990). */
static bool fast_double(const decimal *d, double *number_out) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int power = d->point - d->count;
    if (d->count > FAST_DIGITS_MAX || power > FAST_POWER_MAX || power < -FAST_POWER_MAX) return false;
    int64_t whole = 0;
    for (int i = 0; i < d->count; i++) whole = whole * 10 + d->digits[i];
    *number_out = power < 0 ? (double)whole / powers[-power] : (double)whole * powers[power];
    return true;
}

rk_status rk_decimal_parse(rk_bytes text, double *number_out) {
    *number_out = 0;
    /* A text of more digits than an int counts would be longer than any limit lets through. */
    if (text.size > INT32_MAX / 2) return RK_LIMIT;
    decimal d = {.count = 0};
    size_t at = 0;
    int exponent = 0;
    bool negative = read_sign(text, &at);
    if (!read_digits(text, &at, &d) || !read_exponent(text, &at, &exponent) || at != text.size) return RK_BAD_TEXT;
    if (d.count == 0) d.point = 0;
    d.point += exponent;
    trim(&d);
    double number = 0;
    if (!fast_double(&d, &number)) RK_TRY(to_double(&d, &number));
    *number_out = negative ? -number : number;
    return RK_OK;
}

static void assign(decimal *d, uint64_t whole, int exponent) {
    uint8_t digits[20];
    int count = 0;
    for (; whole != 0; whole /= 10) digits[count++] = (uint8_t)(whole % 10);
    d->count = count;
    d->point = count;
    d->cut = false;
    for (int i = 0; i < count; i++) d->digits[i] = digits[count - 1 - i];
    trim(d);
    shift(d, exponent);
}

static uint8_t digit_at(const decimal *d, int index) {
    return index >= 0 && index < d->count ? d->digits[index] : 0;
}

/*
 * Cuts d, which is mantissa * 2^exponent exactly, to as few digits as still lie between `lower` and `upper`, half way
 * to its neighbours: walks the digits of all three until cutting down stays above lower, or cutting up below upper.
 */
static void shorten(decimal *d, const decimal *lower, const decimal *upper, bool inclusive) {
    int upper_lead = 0; /* how many units of the last digit upper is ahead of d: 0, 1, or 2 for more */
    for (int at_upper = 0;; at_upper++) {
        int at = at_upper - upper->point + d->point;
        if (at >= d->count) return;
        int at_lower = at_upper - upper->point + lower->point;
        uint8_t low = digit_at(lower, at_lower), middle = digit_at(d, at), high = digit_at(upper, at_upper);
        bool may_down = low != middle || (inclusive && at_lower + 1 == lower->count);
        if (upper_lead == 0 && middle + 1 < high) {
            upper_lead = 2;
        } else if (upper_lead == 0 && middle != high) {
            upper_lead = 1;
        } else if (upper_lead == 1 && (middle != 9 || high != 0)) {
            upper_lead = 2;
        }
        bool may_up = upper_lead > 0 && (inclusive || upper_lead > 1 || at_upper + 1 < upper->count);
        if (!may_down && !may_up) continue;
        bool up = may_up && (!may_down || rounds_up(d, at + 1));
        if (up) {
            round_up(d, at + 1);
        } else {
            round_down(d, at + 1);
        }
        return;
    }
}

static void shortest(uint64_t mantissa, int exponent, decimal *d) {
    decimal lower, upper;
    bool at_power = mantissa == (uint64_t)1 << MANTISSA_BITS && exponent > EXPONENT_MIN;
    assign(d, mantissa, exponent - MANTISSA_BITS);
    assign(&upper, mantissa * 2 + 1, exponent - MANTISSA_BITS - 1);
    /* Below a power of two the doubles lie twice as dense. */
    if (at_power) {
        assign(&lower, mantissa * 4 - 1, exponent - MANTISSA_BITS - 2);
    } else {
        assign(&lower, mantissa * 2 - 1, exponent - MANTISSA_BITS - 1);
    }
    shorten(d, &lower, &upper, mantissa % 2 == 0);
}

static size_t put_text(char *out, const char *text) {
    size_t size = strlen(text);
    memcpy(out, text, size);
    return size;
}

static size_t put_digits(char *out, const decimal *d, int from, int to) {
    size_t size = 0;
    for (int i = from; i < to; i++) out[size++] = (char)('0' + digit_at(d, i));
    return size;
}

static size_t put_exponent(char *out, int exponent) {
    char digits[4];
    size_t size = 0, count = 0;
    out[size++] = 'e';
    out[size++] = exponent < 0 ? '-' : '+';
    for (int rest = exponent < 0 ? -exponent : exponent; rest != 0; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    while (count > 0) out[size++] = digits[--count];
    return size;
}

/* ECMAScript's Number::toString: plain from 1e-6 up to below 1e21, with an exponent outside. */
static size_t put_decimal(char *out, const decimal *d) {
    enum { PLAIN_POINT_MIN = -6, PLAIN_POINT_MAX = 21 };
    size_t size = 0;
    if (d->point > 0 && d->point <= PLAIN_POINT_MAX) {
        size += put_digits(out, d, 0, d->point);
        if (d->count > d->point) {
            out[size++] = '.';
            size += put_digits(out + size, d, d->point, d->count);
        }
        return size;
    }
    if (d->point > PLAIN_POINT_MIN && d->point <= 0) {
        size += put_text(out, "0.");
        size += put_digits(out + size, d, d->point, 0);
        return size + put_digits(out + size, d, 0, d->count);
    }
    size += put_digits(out, d, 0, 1);
    if (d->count > 1) {
        out[size++] = '.';
        size += put_digits(out + size, d, 1, d->count);
    }
    return size + put_exponent(out + size, d->point - 1);
}

/* "NaN", "Infinity", the sign, zero's digit left to the caller: true when nothing is left to print. */
static bool put_special(double number, char *out, size_t *size) {
    *size = 0;
    if (isnan(number)) {
        *size = put_text(out, "NaN");
        return true;
    }
    if (signbit(number)) *size = put_text(out, "-");
    if (isinf(number)) *size += put_text(out + *size, "Infinity");
    return isinf(number);
}

/* The magnitude is mantissa * 2^(exponent - MANTISSA_BITS). */
static uint64_t take_apart(double number, int *exponent_out) {
    uint64_t bits = 0;
    memcpy(&bits, &number, sizeof bits);
    uint64_t mantissa = bits & (((uint64_t)1 << MANTISSA_BITS) - 1);
    int field = (int)((bits >> MANTISSA_BITS) & EXPONENT_FIELD_MAX);
    if (field != 0) mantissa |= (uint64_t)1 << MANTISSA_BITS;
    *exponent_out = field == 0 ? EXPONENT_MIN : field - EXPONENT_BIAS;
    return mantissa;
}

static void make_shortest(double number, decimal *d) {
    int exponent = 0;
    uint64_t mantissa = take_apart(number, &exponent);
    shortest(mantissa, exponent, d);
}

static void make_exact(double number, decimal *d) {
    int exponent = 0;
    uint64_t mantissa = take_apart(number, &exponent);
    assign(d, mantissa, exponent - MANTISSA_BITS);
}

/* To the nearest with `count` digits, which may be none or fewer than none. */
static void round_to(decimal *d, int count) {
    if (count < 0) {
        d->count = d->point = 0;
    } else if (rounds_up(d, count)) {
        round_up(d, count);
    } else {
        round_down(d, count);
    }
}

size_t rk_decimal_print(double number, char out[RK_DECIMAL_SIZE_MAX]) {
    size_t size = 0;
    decimal d;
    if (put_special(number, out, &size)) return size;
    if (number == 0) return size + put_text(out + size, "0");
    make_shortest(number, &d);
    return size + put_decimal(out + size, &d);
}

static size_t put_fixed(char *out, const decimal *d, int places) {
    size_t size = d->point > 0 ? put_digits(out, d, 0, d->point) : put_text(out, "0");
    if (places > 0) out[size++] = '.';
    return size + put_digits(out + size, d, d->point, d->point + places);
}

size_t rk_decimal_print_plain(double number, char out[RK_DECIMAL_PLAIN_SIZE_MAX]) {
    size_t size = 0;
    decimal d = {.count = 0};
    if (put_special(number, out, &size)) return size;
    if (number != 0) make_shortest(number, &d);
    return size + put_fixed(out + size, &d, d.count > d.point ? d.count - d.point : 0);
}

size_t rk_decimal_print_fixed(double number, size_t places, char *out) {
    size_t size = 0;
    decimal d = {.count = 0};
    RK_ASSERT(places <= RK_DECIMAL_PLACES_MAX);
    if (put_special(number, out, &size)) return size;
    if (number != 0) make_exact(number, &d);
    round_to(&d, d.point + (int)places);
    return size + put_fixed(out + size, &d, (int)places);
}

size_t rk_decimal_print_scientific(double number, size_t places, char *out) {
    size_t size = 0;
    decimal d = {.count = 0, .point = 1};
    RK_ASSERT(places <= RK_DECIMAL_PLACES_MAX);
    if (put_special(number, out, &size)) return size;
    if (number != 0) make_exact(number, &d);
    round_to(&d, 1 + (int)places);
    if (d.count == 0) d.point = 1; /* zero */
    size += put_digits(out + size, &d, 0, 1);
    if (places > 0) out[size++] = '.';
    size += put_digits(out + size, &d, 1, 1 + (int)places);
    int exponent = d.point - 1;
    if (exponent > -10 && exponent < 10) {
        size += put_text(out + size, exponent < 0 ? "e-0" : "e+0");
        out[size++] = (char)('0' + (exponent < 0 ? -exponent : exponent));
        return size;
    }
    return size + put_exponent(out + size, exponent);
}
