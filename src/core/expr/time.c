/*
 * Timestamps and durations: from and to text, arithmetic, and their parts in a time zone.
 *
 * Invariants
 *   (1) A timestamp lies from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z; its nanos count upwards from its
 *       second and are never negative.
 *   (2) A duration is a whole number of nanoseconds that fits 64 bits with a sign (292 years); its seconds and nanos
 *       never have different signs.
 *   (3) What falls outside is a range error, as text is that spells no time.
 *   (4) Only the name of a zone asks the host; "UTC" and offsets such as "+05:30" are worked out here.
 */
#include "core/expr/code.h"

enum { NANOS = 1000000000, DAY_SECONDS = 86400, FRACTION_DIGITS_MAX = 9, TIME_TEXT_SIZE = 64 };

static const int64_t TIMESTAMP_MIN = -62135596800, TIMESTAMP_MAX = 253402300799;

/* --- making ----------------------------------------------------------------------------------------------------- */

static rk_status range_error(rki_run *run, const rki_op *op, rk_kind kind) {
    return rki_fault_name(run, op, RKI_FAULT_TIME_RANGE,
                          kind == RK_TIMESTAMP ? RK_TEXT("timestamp") : RK_TEXT("duration"));
}

static rk_status conversion_error(rki_run *run, const rki_op *op, const rk_value *value, rk_bytes name) {
    return rki_fault_both(run, op, RKI_FAULT_CONVERSION, name, value);
}

/* `nanos` of any sign and at most a few seconds. */
static rk_status make_timestamp(rki_run *run, const rki_op *op, int64_t seconds, int64_t nanos, rk_value *out) {
    seconds += nanos / NANOS;
    nanos %= NANOS;
    if (nanos < 0) {
        nanos += NANOS;
        seconds--;
    }
    if (seconds < TIMESTAMP_MIN || seconds > TIMESTAMP_MAX) return range_error(run, op, RK_TIMESTAMP);
    *out = (rk_value){.kind = RK_TIMESTAMP, .as.time = {seconds, (int32_t)nanos}};
    return RK_OK;
}

static rk_status make_duration(rki_run *run, const rki_op *op, int64_t seconds, int64_t nanos, rk_value *out) {
    seconds += nanos / NANOS;
    nanos %= NANOS;
    if (seconds > 0 && nanos < 0) {
        nanos += NANOS;
        seconds--;
    } else if (seconds < 0 && nanos > 0) {
        nanos -= NANOS;
        seconds++;
    }
    int64_t total = 0;
    bool fits =
        !__builtin_mul_overflow(seconds, (int64_t)NANOS, &total) && !__builtin_add_overflow(total, nanos, &total);
    if (!fits) return range_error(run, op, RK_DURATION);
    *out = (rk_value){.kind = RK_DURATION, .as.time = {seconds, (int32_t)nanos}};
    return RK_OK;
}

/* --- the calendar ----------------------------------------------------------------------------------------------- */

typedef struct date {
    int64_t year;
    int64_t month; /* from 1 */
    int64_t day;   /* from 1 */
} date;

/* Days since 1970-01-01 in the Gregorian calendar, counted from March so that a leap day ends its year. */
static int64_t days_of_date(date at) {
    int64_t year = at.month <= 2 ? at.year - 1 : at.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400, year_of_era = year - era * 400;
    int64_t month = at.month > 2 ? at.month - 3 : at.month + 9;
    int64_t day_of_year = (153 * month + 2) / 5 + at.day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static date date_of_days(int64_t days) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    date at = {.day = day_of_year - (153 * month + 2) / 5 + 1, .month = month < 10 ? month + 3 : month - 9};
    at.year = year_of_era + era * 400 + (at.month <= 2 ? 1 : 0);
    return at;
}

static int64_t month_days(date at) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = at.year % 4 == 0 && (at.year % 100 != 0 || at.year % 400 == 0);
    return days[at.month - 1] + (leap && at.month == 2 ? 1 : 0);
}

static int64_t floor_divide(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

/* --- timestamps from text --------------------------------------------------------------------------------------- */

/* What is left of the text, and whether all that was taken from it was there. */
typedef struct reader {
    rk_bytes text;
    bool failed;
} reader;

static bool is_digit(reader *from) {
    return from->text.size > 0 && from->text.data[0] >= '0' && from->text.data[0] <= '9';
}

static bool accept(reader *from, char letter) {
    if (from->text.size == 0 || from->text.data[0] != (uint8_t)letter) return false;
    from->text = rk_bytes_from(from->text, 1);
    return true;
}

static void want(reader *from, char letter) {
    if (!accept(from, letter)) from->failed = true;
}

static int64_t read_digit(reader *from) {
    if (!is_digit(from)) {
        from->failed = true;
        return 0;
    }
    int64_t digit = from->text.data[0] - '0';
    from->text = rk_bytes_from(from->text, 1);
    return digit;
}

static int64_t read_digits(reader *from, int count) {
    int64_t whole = 0;
    for (int i = 0; i < count; i++) whole = whole * 10 + read_digit(from);
    return whole;
}

static int64_t read_fraction(reader *from) {
    int64_t nanos = read_digit(from);
    int digits = 1;
    for (; is_digit(from) && digits < FRACTION_DIGITS_MAX; digits++) nanos = nanos * 10 + read_digit(from);
    for (; digits < FRACTION_DIGITS_MAX; digits++) nanos *= 10;
    return nanos;
}

/* "05:30" as seconds. */
static int64_t read_offset(reader *from) {
    int64_t hours = read_digits(from, 2);
    want(from, ':');
    int64_t minutes = read_digits(from, 2);
    if (hours > 23 || minutes > 59) from->failed = true;
    return hours * 3600 + minutes * 60;
}

/* RFC 3339 with capital T and Z: 2026-01-31T23:59:59.5+05:30. */
static bool read_timestamp(rk_bytes text, int64_t *seconds_out, int64_t *nanos_out) {
    reader from = {text, false};
    date at;
    at.year = read_digits(&from, 4);
    want(&from, '-');
    at.month = read_digits(&from, 2);
    want(&from, '-');
    at.day = read_digits(&from, 2);
    want(&from, 'T');
    int64_t hours = read_digits(&from, 2);
    want(&from, ':');
    int64_t minutes = read_digits(&from, 2);
    want(&from, ':');
    int64_t seconds = read_digits(&from, 2);
    *nanos_out = accept(&from, '.') ? read_fraction(&from) : 0;
    int64_t offset = 0;
    if (!accept(&from, 'Z')) {
        int64_t sign = accept(&from, '-') ? -1 : 1;
        if (sign > 0) want(&from, '+');
        offset = sign * read_offset(&from);
    }
    if (from.failed || from.text.size > 0) return false;
    if (at.month < 1 || at.month > 12 || at.day < 1 || at.day > month_days(at)) return false;
    if (hours > 23 || minutes > 59 || seconds > 59) return false;
    *seconds_out = days_of_date(at) * DAY_SECONDS + hours * 3600 + minutes * 60 + seconds - offset;
    return true;
}

rk_status rki_apply_timestamp(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    const rk_value *value = &arguments[0];
    int64_t seconds = 0, nanos = 0;
    switch (value->kind) {
    case RK_TIMESTAMP:
        *out = *value;
        return RK_OK;
    case RK_INT:
        return make_timestamp(run, op, value->as.integer, 0, out);
    case RK_STRING:
        if (!read_timestamp(value->as.bytes, &seconds, &nanos)) {
            return conversion_error(run, op, value, op->as.call.name);
        }
        return make_timestamp(run, op, seconds, nanos, out);
    default:
        return rki_no_overload(run, op, op->as.call.name, arguments, count);
    }
}

/* --- durations from text ---------------------------------------------------------------------------------------- */

static uint64_t read_unit(reader *from) {
    static const struct {
        const char *name;
        uint64_t nanos;
    } units[] = {
        /* "ms" stands before "m" */
        {"ns", 1},       {"us", 1000},      {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000},
        {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000},  {"h", 3600000000000},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        rk_bytes name = rk_bytes_of_string(units[i].name);
        if (!rk_bytes_starts_with(from->text, name)) continue;
        from->text = rk_bytes_from(from->text, name.size);
        return units[i].nanos;
    }
    from->failed = true;
    return 0;
}

static rk_bytes take_digits(reader *from) {
    size_t size = 0;
    while (size < from->text.size && from->text.data[size] >= '0' && from->text.data[size] <= '9') size++;
    rk_bytes digits = rk_bytes_of(from->text.data, size);
    from->text = rk_bytes_from(from->text, size);
    return digits;
}

/* Adds "1.5h" to the sum. `fits` turns false when that passes 64 bits. What is finer than a nanosecond is cut off. */
static void add_part(reader *from, uint64_t *sum, bool *fits) {
    uint64_t whole = 0, fraction = 0;
    rk_bytes before = take_digits(from), after = {NULL, 0};
    if (accept(from, '.')) after = take_digits(from);
    uint64_t unit = read_unit(from);
    if (before.size + after.size == 0) from->failed = true;
    for (size_t i = 0; i < before.size; i++) {
        if (__builtin_mul_overflow(whole, 10, &whole)) *fits = false;
        if (__builtin_add_overflow(whole, (uint64_t)(before.data[i] - '0'), &whole)) *fits = false;
    }
    for (size_t i = after.size; i > 0; i--) fraction = ((uint64_t)(after.data[i - 1] - '0') * unit + fraction) / 10;
    if (__builtin_mul_overflow(whole, unit, &whole)) *fits = false;
    if (__builtin_add_overflow(*sum, whole, sum)) *fits = false;
    if (__builtin_add_overflow(*sum, fraction, sum)) *fits = false;
}

static rk_status duration_of_text(rki_run *run, const rki_op *op, const rk_value *value, rk_value *out) {
    reader from = {value->as.bytes, false};
    uint64_t sum = 0;
    bool fits = true, negative = accept(&from, '-');
    if (!negative) accept(&from, '+');
    if (from.text.size == 1 && from.text.data[0] == '0') return make_duration(run, op, 0, 0, out);
    do {
        add_part(&from, &sum, &fits);
    } while (from.text.size > 0 && !from.failed);
    if (from.failed) return conversion_error(run, op, value, op->as.call.name);
    if (!fits) return range_error(run, op, RK_DURATION);
    int64_t seconds = (int64_t)(sum / NANOS), nanos = (int64_t)(sum % NANOS);
    return make_duration(run, op, negative ? -seconds : seconds, negative ? -nanos : nanos, out);
}

rk_status rki_apply_duration(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    const rk_value *value = &arguments[0];
    if (value->kind == RK_DURATION) {
        *out = *value;
        return RK_OK;
    }
    if (value->kind != RK_STRING) return rki_no_overload(run, op, op->as.call.name, arguments, count);
    RK_TRY(rki_steps_of_bytes(run, value->as.bytes.size));
    return duration_of_text(run, op, value, out);
}

/* --- to text ---------------------------------------------------------------------------------------------------- */

static size_t print_padded(char *out, int64_t whole, size_t digits) {
    for (size_t i = digits; i > 0; i--, whole /= 10) out[i - 1] = (char)('0' + whole % 10);
    return digits;
}

/* ".5" for half a second, nothing for none. */
static size_t print_fraction(char *out, int64_t nanos) {
    if (nanos == 0) return 0;
    out[0] = '.';
    size_t size = 1 + print_padded(out + 1, nanos, FRACTION_DIGITS_MAX);
    while (out[size - 1] == '0') size--;
    return size;
}

static size_t print_timestamp(char *out, const rk_value *value) {
    static const char separators[] = "--T::";
    int64_t days = floor_divide(value->as.time.seconds, DAY_SECONDS);
    int64_t second = value->as.time.seconds - days * DAY_SECONDS;
    date at = date_of_days(days);
    const int64_t parts[] = {at.year, at.month, at.day, second / 3600, second / 60 % 60, second % 60};
    size_t size = 0;
    for (size_t i = 0; i < 6; i++) {
        size += print_padded(out + size, parts[i], i == 0 ? 4 : 2);
        if (i < 5) out[size++] = separators[i];
    }
    size += print_fraction(out + size, value->as.time.nanos);
    out[size++] = 'Z';
    return size;
}

static size_t print_duration(char *out, const rk_value *value) {
    int64_t seconds = value->as.time.seconds, nanos = value->as.time.nanos;
    bool negative = seconds < 0 || nanos < 0;
    size_t size = rk_format(out, TIME_TEXT_SIZE, negative ? "-%d" : "%d", negative ? -seconds : seconds);
    size += print_fraction(out + size, negative ? -nanos : nanos);
    out[size++] = 's';
    return size;
}

rk_status rki_time_text(rki_run *run, const rk_value *value, rk_value *out) {
    char text[TIME_TEXT_SIZE];
    size_t size = value->kind == RK_TIMESTAMP ? print_timestamp(text, value) : print_duration(text, value);
    out->kind = RK_STRING;
    return rk_arena_copy(run->arena, rk_bytes_of(text, size), &out->as.bytes);
}

rk_bytes rk_expr_time_text(rk_arena *arena, const rk_value *value) {
    char text[TIME_TEXT_SIZE];
    rk_bytes copy = {NULL, 0};
    RK_ASSERT(value->kind == RK_TIMESTAMP || value->kind == RK_DURATION);
    size_t size = value->kind == RK_TIMESTAMP ? print_timestamp(text, value) : print_duration(text, value);
    return rk_arena_copy(arena, rk_bytes_of(text, size), &copy) == RK_OK ? copy : (rk_bytes){NULL, 0};
}

/* --- arithmetic ------------------------------------------------------------------------------------------------- */

rk_status rki_add_times(rki_run *run, const rki_op *op, const rk_value *values, size_t count, rk_value *out) {
    rk_kind a = values[0].kind, b = values[1].kind;
    bool one_is_duration = a == RK_DURATION || b == RK_DURATION;
    bool both_are_times = (a == RK_DURATION || a == RK_TIMESTAMP) && (b == RK_DURATION || b == RK_TIMESTAMP);
    if (!one_is_duration || !both_are_times) return rki_no_overload(run, op, op->as.call.name, values, count);
    int64_t seconds = values[0].as.time.seconds + values[1].as.time.seconds;
    int64_t nanos = (int64_t)values[0].as.time.nanos + values[1].as.time.nanos;
    if (a == b) return make_duration(run, op, seconds, nanos, out);
    return make_timestamp(run, op, seconds, nanos, out);
}

rk_status rki_subtract_times(rki_run *run, const rki_op *op, const rk_value *values, size_t count, rk_value *out) {
    rk_kind a = values[0].kind, b = values[1].kind;
    bool timestamps = a == RK_TIMESTAMP && (b == RK_TIMESTAMP || b == RK_DURATION);
    if (!timestamps && !(a == RK_DURATION && b == RK_DURATION)) {
        return rki_no_overload(run, op, op->as.call.name, values, count);
    }
    int64_t seconds = values[0].as.time.seconds - values[1].as.time.seconds;
    int64_t nanos = (int64_t)values[0].as.time.nanos - values[1].as.time.nanos;
    if (a == b) return make_duration(run, op, seconds, nanos, out);
    return make_timestamp(run, op, seconds, nanos, out);
}

/* --- parts ------------------------------------------------------------------------------------------------------ */

typedef enum part {
    PART_YEAR,
    PART_MONTH,
    PART_DATE,
    PART_DAY_OF_MONTH,
    PART_DAY_OF_WEEK,
    PART_DAY_OF_YEAR,
    PART_HOURS,
    PART_MINUTES,
    PART_SECONDS,
    PART_MILLISECONDS,
} part;

static int64_t timestamp_part(const rk_value *value, int64_t offset, part wanted) {
    int64_t seconds = value->as.time.seconds + offset, days = floor_divide(seconds, DAY_SECONDS);
    int64_t second = seconds - days * DAY_SECONDS, week_day = (days + 4) % 7; /* 1970 began on a Thursday */
    date at = date_of_days(days);
    switch (wanted) {
    case PART_YEAR:
        return at.year;
    case PART_MONTH:
        return at.month - 1;
    case PART_DATE:
        return at.day;
    case PART_DAY_OF_MONTH:
        return at.day - 1;
    case PART_DAY_OF_WEEK:
        return week_day < 0 ? week_day + 7 : week_day;
    case PART_DAY_OF_YEAR:
        return days - days_of_date((date){at.year, 1, 1});
    case PART_HOURS:
        return second / 3600;
    case PART_MINUTES:
        return second / 60 % 60;
    case PART_SECONDS:
        return second % 60;
    case PART_MILLISECONDS:
        return value->as.time.nanos / 1000000;
    }
    RK_UNREACHABLE("a part of no time");
}

/* All of the duration in that unit; its milliseconds are those after the last whole second. */
static int64_t duration_part(const rk_value *value, part wanted) {
    int64_t seconds = value->as.time.seconds;
    if (wanted == PART_HOURS) return seconds / 3600;
    if (wanted == PART_MINUTES) return seconds / 60;
    return wanted == PART_SECONDS ? seconds : value->as.time.nanos / 1000000;
}

static rk_status named_zone(rki_run *run, const rki_op *op, const rk_value *zone, int64_t seconds,
                            int64_t *offset_out) {
    const rk_activation *activation = run->activation;
    if (!activation || !activation->zone) {
        return rk_fail(run->error, RK_NOT_YET, NULL, "named time zones such as \"%b\" are not known here",
                       zone->as.bytes);
    }
    rk_status status = activation->zone(activation->context, zone->as.bytes, seconds, offset_out);
    if (status == RK_NOT_FOUND) return conversion_error(run, op, zone, RK_TEXT("time zone"));
    RK_ASSERT(status != RK_OK || (*offset_out > -DAY_SECONDS && *offset_out < DAY_SECONDS));
    if (status == RK_OK) return RK_OK;
    return rk_fail(run->error, status, NULL, "the time zone \"%b\" cannot be read", zone->as.bytes);
}

bool rki_is_fixed_zone(rk_bytes zone) {
    return rk_bytes_equal(zone, RK_TEXT("UTC")) || rk_bytes_find(zone, ':') < zone.size;
}

static rk_status zone_offset(rki_run *run, const rki_op *op, const rk_value *zone, int64_t seconds,
                             int64_t *offset_out) {
    rk_bytes text = zone->as.bytes;
    *offset_out = 0;
    if (!rki_is_fixed_zone(text)) return named_zone(run, op, zone, seconds, offset_out);
    if (rk_bytes_equal(text, RK_TEXT("UTC"))) return RK_OK;
    reader from = {text, false};
    bool negative = accept(&from, '-');
    if (!negative) accept(&from, '+');
    int64_t offset = read_offset(&from);
    if (from.failed || from.text.size > 0) return conversion_error(run, op, zone, RK_TEXT("time zone"));
    *offset_out = negative ? -offset : offset;
    return RK_OK;
}

static rk_status apply_part(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, part wanted,
                            rk_value *out) {
    int64_t offset = 0;
    if (count == 1 && arguments[0].kind == RK_DURATION && wanted >= PART_HOURS) {
        *out = rk_int(duration_part(&arguments[0], wanted));
        return RK_OK;
    }
    if (arguments[0].kind != RK_TIMESTAMP || (count == 2 && arguments[1].kind != RK_STRING)) {
        return rki_no_overload(run, op, op->as.call.name, arguments, count);
    }
    if (count == 2) RK_TRY(rki_steps_of_bytes(run, arguments[1].as.bytes.size));
    if (count == 2) RK_TRY(zone_offset(run, op, &arguments[1], arguments[0].as.time.seconds, &offset));
    *out = rk_int(timestamp_part(&arguments[0], offset, wanted));
    return RK_OK;
}

#define PART(name, wanted)                                                                              \
    rk_status rki_apply_##name(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, \
                               rk_value *out) {                                                         \
        return apply_part(run, op, arguments, count, wanted, out);                                      \
    }

PART(year, PART_YEAR)
PART(month, PART_MONTH)
PART(date, PART_DATE)
PART(day_of_month, PART_DAY_OF_MONTH)
PART(day_of_week, PART_DAY_OF_WEEK)
PART(day_of_year, PART_DAY_OF_YEAR)
PART(hours, PART_HOURS)
PART(minutes, PART_MINUTES)
PART(seconds, PART_SECONDS)
PART(milliseconds, PART_MILLISECONDS)
