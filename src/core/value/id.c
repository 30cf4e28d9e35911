/*
 * Stamps, ids, ULIDs and RFC 3339 times.
 */
#include "core/value/id.h"

#include "base/limits.h"

static const uint64_t MS_MAX = ((uint64_t)1 << 48) - 1;

rk_stamp rk_stamp_of_ms(uint64_t ms) {
    return (ms > MS_MAX ? MS_MAX : ms) << RK_STAMP_COUNT_BITS;
}

uint64_t rk_stamp_ms(rk_stamp stamp) {
    return stamp >> RK_STAMP_COUNT_BITS;
}

rk_stamp rk_stamp_next(rk_stamp last, uint64_t now_ms) {
    rk_stamp now = rk_stamp_of_ms(now_ms);
    if (now > last) return now;
    return last == UINT64_MAX ? last : last + 1;
}

rk_stamp rk_stamp_effective(rk_stamp own, rk_stamp commit) {
    const rk_stamp drift = (rk_stamp)RK_DRIFT_MS_MAX << RK_STAMP_COUNT_BITS;
    rk_stamp bound = commit > UINT64_MAX - drift ? UINT64_MAX : commit + drift;
    return own < bound ? own : bound;
}

int rk_id_compare(rk_id a, rk_id b) {
    if (a.stamp != b.stamp) return a.stamp < b.stamp ? -1 : 1;
    return (a.replica > b.replica) - (a.replica < b.replica);
}

bool rk_id_equal(rk_id a, rk_id b) {
    return a.stamp == b.stamp && a.replica == b.replica;
}

void rk_id_put(uint8_t out[RK_ID_SIZE], rk_id id) {
    rk_put_u64(out, id.stamp);
    rk_put_u64(out + 8, id.replica);
}

rk_id rk_id_get(const uint8_t in[RK_ID_SIZE]) {
    return (rk_id){rk_get_u64(in), rk_get_u64(in + 8)};
}

static const char ulid_alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* 26 digits of 5 bits are 130 bits: the first digit holds the top 3. */
void rk_id_print(rk_id id, char out[RK_ULID_SIZE]) {
    uint64_t high = id.stamp, low = id.replica;
    for (size_t i = RK_ULID_SIZE; i-- > 0;) {
        out[i] = ulid_alphabet[low & 31];
        low = low >> 5 | high << 59;
        high >>= 5;
    }
}

static int ulid_digit(uint8_t character) {
    if (character >= 'a' && character <= 'z') character = (uint8_t)(character - 32);
    for (int i = 0; i < 32; i++) {
        if (ulid_alphabet[i] == (char)character) return i;
    }
    return -1;
}

rk_status rk_id_parse(rk_bytes text, rk_id *id_out) {
    *id_out = (rk_id){0, 0};
    if (text.size != RK_ULID_SIZE || text.data[0] > '7') return RK_BAD_ID;
    uint64_t high = 0, low = 0;
    for (size_t i = 0; i < RK_ULID_SIZE; i++) {
        int digit = ulid_digit(text.data[i]);
        if (digit < 0) return RK_BAD_ID;
        high = high << 5 | low >> 59;
        low = low << 5 | (uint64_t)digit;
    }
    *id_out = (rk_id){high, low};
    return RK_OK;
}

typedef struct civil {
    unsigned year, month, day;
} civil;

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar, counted in years that begin in March. */
static int64_t days_of(civil date) {
    int64_t year = (int64_t)date.year - (date.month <= 2);
    int64_t month = (int64_t)date.month + (date.month > 2 ? -3 : 9);
    int64_t day_of_year = (153 * month + 2) / 5 + (int64_t)date.day - 1;
    return 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

static unsigned days_in_month(unsigned year, unsigned month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

static civil civil_of(int64_t days) {
    civil date = {1970 + (unsigned)(days / 366), 1, 1};
    while (date.year < 9999 && days_of((civil){date.year + 1, 1, 1}) <= days) date.year++;
    int64_t rest = days - days_of(date);
    while (rest >= (int64_t)days_in_month(date.year, date.month)) {
        rest -= (int64_t)days_in_month(date.year, date.month);
        date.month++;
    }
    date.day = (unsigned)rest + 1;
    return date;
}

static void put_digits(char *out, size_t count, uint64_t value) {
    while (count-- > 0) {
        out[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

void rk_time_print(uint64_t ms, char out[RK_TIME_TEXT_SIZE]) {
    const uint64_t day_ms = 86400000, last_ms = 253402300799999; /* 9999-12-31T23:59:59.999Z */
    if (ms > last_ms) ms = last_ms;
    civil date = civil_of((int64_t)(ms / day_ms));
    uint64_t rest = ms % day_ms;
    put_digits(out, 4, date.year);
    put_digits(out + 5, 2, date.month);
    put_digits(out + 8, 2, date.day);
    put_digits(out + 11, 2, rest / 3600000);
    put_digits(out + 14, 2, rest / 60000 % 60);
    put_digits(out + 17, 2, rest / 1000 % 60);
    put_digits(out + 20, 3, rest % 1000);
    out[4] = out[7] = '-';
    out[10] = 'T';
    out[13] = out[16] = ':';
    out[19] = '.';
    out[23] = 'Z';
}

/* A reader over text: each step fails for good once one has failed. */
typedef struct reader {
    rk_bytes text;
    size_t at;
    bool failed;
} reader;

static unsigned read_digits(reader *reader, size_t count) {
    unsigned value = 0;
    for (size_t i = 0; i < count; i++) {
        bool there = reader->at < reader->text.size;
        uint8_t digit = there ? reader->text.data[reader->at] : 0;
        if (digit < '0' || digit > '9') return reader->failed = true, 0U;
        value = value * 10 + (unsigned)(digit - '0');
        reader->at++;
    }
    return value;
}

static bool read_one_of(reader *reader, const char *characters, char *found_out) {
    *found_out = 0;
    for (const char *c = characters; *c; c++) {
        if (reader->at < reader->text.size && (char)reader->text.data[reader->at] == *c) {
            *found_out = *c;
            reader->at++;
            return true;
        }
    }
    return false;
}

static void expect(reader *reader, const char *characters) {
    char found = 0;
    if (!read_one_of(reader, characters, &found)) reader->failed = true;
}

static unsigned read_fraction_ms(reader *reader) {
    char found = 0;
    if (!read_one_of(reader, ".", &found)) return 0;
    unsigned ms = 0, scale = 100;
    size_t digits = 0;
    while (reader->at < reader->text.size && reader->text.data[reader->at] >= '0' &&
           reader->text.data[reader->at] <= '9') {
        ms += scale * (unsigned)(reader->text.data[reader->at] - '0');
        scale /= 10;
        reader->at++;
        digits++;
    }
    if (digits == 0 || digits > 9) reader->failed = true;
    return ms;
}

static int64_t read_zone_minutes(reader *reader) {
    char sign = 0;
    if (read_one_of(reader, "Zz", &sign)) return 0;
    if (!read_one_of(reader, "+-", &sign)) return reader->failed = true, 0;
    unsigned hours = read_digits(reader, 2);
    expect(reader, ":");
    unsigned minutes = read_digits(reader, 2);
    if (hours > 23 || minutes > 59) reader->failed = true;
    int64_t offset = (int64_t)(hours * 60 + minutes);
    return sign == '-' ? -offset : offset;
}

static civil read_date(reader *reader) {
    civil date = {read_digits(reader, 4), 1, 1};
    expect(reader, "-");
    date.month = read_digits(reader, 2);
    expect(reader, "-");
    date.day = read_digits(reader, 2);
    if (reader->failed || date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > days_in_month(date.year, date.month)) {
        reader->failed = true;
        date = (civil){1970, 1, 1};
    }
    return date;
}

static int64_t read_time_of_day_ms(reader *reader) {
    expect(reader, "Tt ");
    unsigned hour = read_digits(reader, 2);
    expect(reader, ":");
    unsigned minute = read_digits(reader, 2);
    expect(reader, ":");
    unsigned second = read_digits(reader, 2);
    unsigned ms = read_fraction_ms(reader);
    if (hour > 23 || minute > 59 || second > 59) reader->failed = true;
    int64_t zone = read_zone_minutes(reader);
    return ((int64_t)hour * 3600 + (int64_t)minute * 60 + (int64_t)second - zone * 60) * 1000 + (int64_t)ms;
}

rk_status rk_time_parse(rk_bytes text, uint64_t *ms_out) {
    *ms_out = 0;
    reader reader = {text, 0, false};
    int64_t ms = days_of(read_date(&reader)) * 86400000;
    if (!reader.failed && reader.at < text.size) ms += read_time_of_day_ms(&reader);
    if (reader.failed || reader.at != text.size || ms < 0) return RK_BAD_TIME;
    *ms_out = (uint64_t)ms;
    return RK_OK;
}
