/*
 * The grammars of `format`, read from left to right.
 */
#include "core/module/text_format.h"

/* What is left to read. */
typedef struct cursor {
    rk_bytes text;
    size_t at;
} cursor;

static int peek(const cursor *c) {
    return c->at < c->text.size ? c->text.data[c->at] : -1;
}

static bool at_end(const cursor *c) {
    return c->at == c->text.size;
}

static bool take(cursor *c, char wanted) {
    if (peek(c) != (uint8_t)wanted) return false;
    c->at++;
    return true;
}

static bool is_digit(int byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_letter(int byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_hex(int byte) {
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static bool is_among(int byte, const char *bytes) {
    for (; *bytes; bytes++) {
        if (byte == (uint8_t)*bytes) return true;
    }
    return false;
}

/* Exactly `count` digits, as a number. */
static bool take_number(cursor *c, int count, int *number_out) {
    *number_out = 0;
    for (int i = 0; i < count; i++) {
        if (!is_digit(peek(c))) return false;
        *number_out = *number_out * 10 + (c->text.data[c->at++] - '0');
    }
    return true;
}

/* ---- dates and times ---- */

typedef struct moment {
    int year, month, day;
    int minute; /* of the day, in UTC: below 0 on the day before, 1440 and above on the day after */
    int second;
} moment;

static int days_of(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(cursor *c, moment *m) {
    if (!take_number(c, 4, &m->year) || !take(c, '-') || !take_number(c, 2, &m->month) || !take(c, '-') ||
        !take_number(c, 2, &m->day))
        return false;
    return m->month >= 1 && m->month <= 12 && m->day >= 1 && m->day <= days_of(m->year, m->month);
}

/* "Z", or how far the time before it is ahead of UTC. */
static bool take_offset(cursor *c, int *minutes_out) {
    *minutes_out = 0;
    if (take(c, 'Z') || take(c, 'z')) return true;
    bool behind = peek(c) == '-';
    int hours = 0, minutes = 0;
    if (!take(c, '-') && !take(c, '+')) return false;
    if (!take_number(c, 2, &hours) || !take(c, ':') || !take_number(c, 2, &minutes)) return false;
    *minutes_out = (behind ? -1 : 1) * (hours * 60 + minutes);
    return hours <= 23 && minutes <= 59;
}

static bool take_time(cursor *c, moment *m) {
    int hour = 0, minute = 0, offset = 0;
    if (!take_number(c, 2, &hour) || !take(c, ':') || !take_number(c, 2, &minute) || !take(c, ':') ||
        !take_number(c, 2, &m->second))
        return false;
    if (take(c, '.')) {
        if (!is_digit(peek(c))) return false;
        while (is_digit(peek(c))) c->at++;
    }
    if (!take_offset(c, &offset)) return false;
    m->minute = hour * 60 + minute - offset;
    bool last_of_day = m->minute == 1439 || m->minute == -1 || m->minute == 2 * 1440 - 1;
    return hour <= 23 && minute <= 59 && (m->second <= 59 || (m->second == 60 && last_of_day));
}

static bool fits_date(rk_bytes text) {
    cursor c = {text, 0};
    moment m = {0};
    return take_date(&c, &m) && at_end(&c);
}

static bool fits_time(rk_bytes text) {
    cursor c = {text, 0};
    moment m = {0};
    return take_time(&c, &m) && at_end(&c);
}

/* The UTC day that the time falls on is a month's last. */
static bool ends_month(const moment *m) {
    int last = days_of(m->year, m->month);
    if (m->minute < 0) return m->day == 1;
    return m->day == (m->minute >= 1440 ? last - 1 : last);
}

static bool fits_date_time(rk_bytes text) {
    cursor c = {text, 0};
    moment m = {0};
    if (!take_date(&c, &m) || !(take(&c, 'T') || take(&c, 't')) || !take_time(&c, &m) || !at_end(&c)) return false;
    return m.second < 60 || ends_month(&m);
}

/* ---- addresses ---- */

static bool take_octet(cursor *c) {
    int number = 0, count = 0;
    bool zero = peek(c) == '0';
    for (; count < 3 && is_digit(peek(c)); count++) number = number * 10 + (c->text.data[c->at++] - '0');
    return count > 0 && number <= 255 && (!zero || count == 1);
}

static bool fits_ipv4(rk_bytes text) {
    cursor c = {text, 0};
    for (int i = 0; i < 4; i++) {
        if ((i > 0 && !take(&c, '.')) || !take_octet(&c)) return false;
    }
    return at_end(&c);
}

/* How many hexadecimal digits stand here, at most five: one more than a group has. */
static int hex_run(const cursor *c) {
    int count = 0;
    while (count < 5 && c->at + (size_t)count < c->text.size && is_hex(c->text.data[c->at + (size_t)count])) count++;
    return count;
}

static bool fits_ipv6(rk_bytes text) {
    cursor c = {text, 0};
    int groups = 0;
    bool skipped = false;
    if (peek(&c) == ':') {
        c.at++;
        if (!take(&c, ':')) return false;
        skipped = true;
        if (at_end(&c)) return true;
    }
    for (;;) {
        int digits = hex_run(&c);
        size_t after = c.at + (size_t)digits;
        if (digits > 0 && after < text.size && text.data[after] == '.') {
            groups += 2;
            return fits_ipv4(rk_bytes_from(text, c.at)) && (skipped ? groups <= 7 : groups == 8);
        }
        if (digits < 1 || digits > 4 || ++groups > 8) return false;
        c.at = after;
        if (at_end(&c)) return skipped ? groups <= 7 : groups == 8;
        if (!take(&c, ':')) return false;
        if (!take(&c, ':')) continue;
        if (skipped) return false;
        skipped = true;
        if (at_end(&c)) return groups <= 7;
    }
}

static bool fits_uuid(rk_bytes text) {
    if (text.size != 36) return false;
    for (size_t i = 0; i < text.size; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.data[i] != '-' : !is_hex(text.data[i])) return false;
    }
    return true;
}

/* ---- email ---- */

enum { LOCAL_SIZE_MAX = 64, DOMAIN_SIZE_MAX = 255, LABEL_SIZE_MAX = 63 };

static bool is_atom(int byte) {
    return is_letter(byte) || is_digit(byte) || is_among(byte, "!#$%&'*+-/=?^_`{|}~");
}

static bool take_quoted(cursor *c) {
    if (!take(c, '"')) return false;
    while (peek(c) >= ' ' && peek(c) <= '~') {
        if (take(c, '"')) return true;
        if (take(c, '\\') && (peek(c) < ' ' || peek(c) > '~')) return false;
        c->at++;
    }
    return false;
}

static bool take_dotted(cursor *c) {
    do {
        if (!is_atom(peek(c))) return false;
        while (is_atom(peek(c))) c->at++;
    } while (take(c, '.'));
    return true;
}

static bool take_label(cursor *c) {
    size_t start = c->at;
    while (is_letter(peek(c)) || is_digit(peek(c)) || peek(c) == '-') c->at++;
    size_t size = c->at - start;
    return size > 0 && size <= LABEL_SIZE_MAX && c->text.data[start] != '-' && c->text.data[c->at - 1] != '-';
}

static bool fits_domain(rk_bytes text) {
    cursor c = {text, 0};
    if (text.size > DOMAIN_SIZE_MAX) return false;
    do {
        if (!take_label(&c)) return false;
    } while (take(&c, '.'));
    return at_end(&c);
}

static bool starts_with(rk_bytes text, const char *word) {
    size_t i = 0;
    for (; word[i] && i < text.size; i++) {
        int byte = text.data[i], wanted = (uint8_t)word[i];
        if (byte != wanted && !(is_letter(wanted) && byte == (wanted ^ 0x20))) return false;
    }
    return !word[i];
}

/* What stands between the brackets. */
static bool fits_literal(rk_bytes text) {
    return starts_with(text, "IPv6:") ? fits_ipv6(rk_bytes_from(text, 5)) : fits_ipv4(text);
}

static bool fits_email(rk_bytes text) {
    cursor c = {text, 0};
    if (!(peek(&c) == '"' ? take_quoted(&c) : take_dotted(&c))) return false;
    if (c.at > LOCAL_SIZE_MAX || !take(&c, '@')) return false;
    rk_bytes domain = rk_bytes_from(text, c.at);
    if (domain.size >= 2 && domain.data[0] == '[' && domain.data[domain.size - 1] == ']') {
        return fits_literal((rk_bytes){domain.data + 1, domain.size - 2});
    }
    return fits_domain(domain);
}

/* ---- uri ---- */

/* As many bytes as are unreserved, sub-delims, %XX or among `more`; false at a % that is none. */
static bool take_part(cursor *c, const char *more) {
    for (; !at_end(c); c->at++) {
        int byte = peek(c);
        if (byte == '%') {
            if (c->at + 2 >= c->text.size || !is_hex(c->text.data[c->at + 1]) || !is_hex(c->text.data[c->at + 2]))
                return false;
            c->at += 2;
        } else if (!is_letter(byte) && !is_digit(byte) && !is_among(byte, "-._~!$&'()*+,;=") && !is_among(byte, more)) {
            break;
        }
    }
    return true;
}

/* "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ), which has no %XX. */
static bool fits_future(rk_bytes text) {
    cursor c = {text, 0};
    if (!take(&c, 'v') && !take(&c, 'V')) return false;
    size_t start = c.at;
    while (is_hex(peek(&c))) c.at++;
    if (c.at == start || !take(&c, '.') || at_end(&c)) return false;
    return rk_bytes_find(text, '%') == text.size && take_part(&c, ":") && at_end(&c);
}

static bool take_host(cursor *c) {
    if (!take(c, '[')) return take_part(c, "");
    size_t start = c->at;
    while (!at_end(c) && peek(c) != ']') c->at++;
    rk_bytes inner = {c->text.data + start, c->at - start};
    return take(c, ']') && (fits_ipv6(inner) || fits_future(inner));
}

static bool take_authority(cursor *c) {
    cursor user = *c;
    if (!take_part(&user, ":")) return false;
    if (take(&user, '@')) *c = user;
    if (!take_host(c)) return false;
    if (take(c, ':')) {
        while (is_digit(peek(c))) c->at++;
    }
    return at_end(c) || is_among(peek(c), "/?#");
}

static bool take_scheme(cursor *c) {
    if (!is_letter(peek(c))) return false;
    while (is_letter(peek(c)) || is_digit(peek(c)) || is_among(peek(c), "+-.")) c->at++;
    return take(c, ':');
}

static bool fits_uri(rk_bytes text) {
    cursor c = {text, 0};
    if (!take_scheme(&c)) return false;
    if (starts_with(rk_bytes_from(text, c.at), "//")) {
        c.at += 2;
        if (!take_authority(&c)) return false;
    }
    if (!take_part(&c, "/:@")) return false;
    if (take(&c, '?') && !take_part(&c, "/?:@")) return false;
    if (take(&c, '#') && !take_part(&c, "/?:@")) return false;
    return at_end(&c);
}

/* ---- names ---- */

struct rk_text_format {
    const char *name;
    bool (*fits)(rk_bytes text);
};

static const rk_text_format formats[] = {
    {"date-time", fits_date_time}, {"date", fits_date}, {"time", fits_time}, {"email", fits_email},
    {"uuid", fits_uuid},           {"uri", fits_uri},   {"ipv4", fits_ipv4}, {"ipv6", fits_ipv6},
};

const rk_text_format *rk_text_format_of(rk_bytes name) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (rk_bytes_equal(name, rk_bytes_of_string(formats[i].name))) return &formats[i];
    }
    return NULL;
}

const char *rk_text_format_name(const rk_text_format *format) {
    return format->name;
}

bool rk_text_format_fits(const rk_text_format *format, rk_bytes text) {
    return format->fits(text);
}

const char *rk_text_format_names(void) {
    return "date-time, date, time, email, uuid, uri, ipv4, ipv6";
}
