/*
 * TZif files and the rules in their footers.
 *
 *     offset  size  field of a header; all numbers are big-endian
 *          0     4  "TZif"
 *          4     1  version: 0 for 1, else '2' and on
 *          5    15  nothing
 *         20    24  six counts of 4 bytes: UT marks, standard marks, leap seconds, transitions, types, name bytes
 *
 * A header is followed by its block: transitions, the type of each, types (offset 4, daylight 1, name 1), names, leap
 * seconds, marks. From version 2 on a second header and block follow, with 8 bytes for a time instead of 4, and then a
 * footer: a line end, the rule for what comes after, a line end.
 */
#include "io/zone.h"

#include <string.h>

#include "io/file.h"
#include "io/folder.h"
#include "io/memory.h"

enum {
    HEADER_SIZE = 44,
    TYPE_SIZE = 6,
    DAY = 86400,
    RULE_TIME_DEFAULT = 7200,
    RULE_HOURS_MAX = 167,
    OFFSET_HOURS_MAX = 24,
};

/* When daylight time begins or ends in a year: "M3.2.0", "J60" or "59", and the local time of that day. */
typedef struct rule_day {
    char form; /* 'M': month, week, day; 'J': day from 1, February 29 left out; '0': day from 0 */
    int64_t month, week, day;
    int64_t time;
} rule_day;

typedef struct rule {
    bool there;
    bool changes; /* there is a daylight time */
    int64_t standard, daylight;
    rule_day begin, end;
} rule;

struct rk_zone {
    const int64_t *times;
    const int32_t *offsets; /* from each of the times on */
    size_t count;
    int64_t first; /* before the first of the times */
    rule after;
};

/* --- the calendar ----------------------------------------------------------------------------------------------- */

static int64_t floor_divide(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

/* The days since 1970 of January 1. */
static int64_t days_of_year(int64_t year) {
    int64_t before = year - 1;
    return before * 365 + floor_divide(before, 4) - floor_divide(before, 100) + floor_divide(before, 400) - 719162;
}

static int64_t year_of_days(int64_t days) {
    int64_t year = floor_divide(days * 400, 146097) + 1970;
    while (days_of_year(year) > days) year--;
    while (days_of_year(year + 1) <= days) year++;
    return year;
}

static bool is_leap(int64_t year) {
    return days_of_year(year + 1) - days_of_year(year) == 366;
}

static int64_t month_size(int64_t year, int64_t month) {
    static const uint8_t sizes[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return sizes[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* --- the footer's rule ------------------------------------------------------------------------------------------ */

/* The local second, counted from 1970, at which the rule strikes in that year. */
static int64_t strike(const rule_day *at, int64_t year) {
    int64_t days = days_of_year(year);
    if (at->form == '0') return (days + at->day) * DAY + at->time;
    if (at->form == 'J') return (days + at->day - (is_leap(year) && at->day >= 60 ? 0 : 1)) * DAY + at->time;
    for (int64_t month = 1; month < at->month; month++) days += month_size(year, month);
    int64_t week_day = (days + 4) % 7; /* 1970 began on a Thursday */
    if (week_day < 0) week_day += 7;
    int64_t ahead = (at->day - week_day + 7) % 7 + (at->week - 1) * 7;
    while (ahead >= month_size(year, at->month)) ahead -= 7; /* week 5 is the last */
    return (days + ahead) * DAY + at->time;
}

static int64_t rule_offset(const rule *rule, int64_t seconds) {
    if (!rule->changes) return rule->standard;
    int64_t year = year_of_days(floor_divide(seconds + rule->standard, DAY));
    int64_t begin = strike(&rule->begin, year) - rule->standard, end = strike(&rule->end, year) - rule->daylight;
    bool between = begin < end ? seconds >= begin && seconds < end : seconds >= begin || seconds < end;
    return between ? rule->daylight : rule->standard;
}

typedef struct reader {
    rk_bytes text;
    bool failed;
} reader;

static bool accept(reader *from, char letter) {
    if (from->text.size == 0 || from->text.data[0] != (uint8_t)letter) return false;
    from->text = rk_bytes_from(from->text, 1);
    return true;
}

static int64_t read_number(reader *from, int64_t least, int64_t most) {
    int64_t number = 0;
    size_t digits = 0;
    for (; digits < from->text.size && digits < 4; digits++) {
        uint8_t byte = from->text.data[digits];
        if (byte < '0' || byte > '9') break;
        number = number * 10 + (byte - '0');
    }
    from->text = rk_bytes_from(from->text, digits);
    if (digits == 0 || number < least || number > most) from->failed = true;
    return number;
}

/* "EST" or "<+0530>". */
static void skip_name(reader *from) {
    bool quoted = accept(from, '<');
    size_t size = 0;
    for (; size < from->text.size; size++) {
        uint8_t byte = from->text.data[size], lower = byte | 0x20;
        bool letter = lower >= 'a' && lower <= 'z';
        bool other = (byte >= '0' && byte <= '9') || byte == '+' || byte == '-';
        if (!letter && !(quoted && other)) break;
    }
    from->text = rk_bytes_from(from->text, size);
    if (size < 3 || (quoted && !accept(from, '>'))) from->failed = true;
}

/* "-3:30", "02:00:00": seconds. */
static int64_t read_time(reader *from, int64_t hours_max) {
    int64_t sign = accept(from, '-') ? -1 : 1;
    if (sign > 0) accept(from, '+');
    int64_t time = read_number(from, 0, hours_max) * 3600;
    if (accept(from, ':')) time += read_number(from, 0, 59) * 60;
    if (accept(from, ':')) time += read_number(from, 0, 59);
    return sign * time;
}

static rule_day read_day(reader *from) {
    rule_day at = {.form = '0', .time = RULE_TIME_DEFAULT};
    if (!accept(from, ',')) from->failed = true;
    if (accept(from, 'M')) {
        at.form = 'M';
        at.month = read_number(from, 1, 12);
        if (!accept(from, '.')) from->failed = true;
        at.week = read_number(from, 1, 5);
        if (!accept(from, '.')) from->failed = true;
        at.day = read_number(from, 0, 6);
    } else if (accept(from, 'J')) {
        at.form = 'J';
        at.day = read_number(from, 1, 365);
    } else {
        at.day = read_number(from, 0, 365);
    }
    if (accept(from, '/')) at.time = read_time(from, RULE_HOURS_MAX);
    return at;
}

/* "CET-1CEST,M3.5.0,M10.5.0/3": in the text an offset is what must be added to reach UTC. */
static bool read_rule(rk_bytes text, rule *rule_out) {
    reader from = {text, false};
    rule read = {.there = true};
    skip_name(&from);
    read.standard = -read_time(&from, OFFSET_HOURS_MAX);
    read.daylight = read.standard + 3600;
    if (!from.failed && from.text.size > 0) {
        read.changes = true;
        skip_name(&from);
        if (from.text.size > 0 && from.text.data[0] != ',') read.daylight = -read_time(&from, OFFSET_HOURS_MAX);
        read.begin = read_day(&from);
        read.end = read_day(&from);
    }
    *rule_out = read;
    bool inside = read.standard > -DAY && read.standard < DAY && read.daylight > -DAY && read.daylight < DAY;
    return !from.failed && from.text.size == 0 && inside;
}

/* --- the file --------------------------------------------------------------------------------------------------- */

typedef struct header {
    uint8_t version;
    size_t ut_marks, standard_marks, leaps, transitions, types, name_bytes;
} header;

static uint32_t read_u32(const uint8_t *in) {
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static int64_t read_moment(const uint8_t *in, size_t size) {
    return size == 8 ? (int64_t)rk_get_u64(in) : (int32_t)read_u32(in);
}

static bool read_header(rk_bytes file, header *header_out) {
    if (file.size < HEADER_SIZE || memcmp(file.data, "TZif", 4) != 0) return false;
    size_t *const counts[] = {&header_out->ut_marks,    &header_out->standard_marks, &header_out->leaps,
                              &header_out->transitions, &header_out->types,          &header_out->name_bytes};
    header_out->version = file.data[4];
    for (size_t i = 0; i < 6; i++) {
        *counts[i] = read_u32(file.data + 20 + 4 * i);
        if (*counts[i] > RK_ZONE_FILE_SIZE_MAX) return false;
    }
    return true;
}

static size_t block_size(const header *at, size_t time_size) {
    return at->transitions * (time_size + 1) + at->types * TYPE_SIZE + at->name_bytes + at->leaps * (time_size + 4) +
           at->standard_marks + at->ut_marks;
}

static bool read_offset(rk_bytes block, const header *at, size_t time_size, size_t type, int32_t *offset_out) {
    if (type >= at->types) return false;
    const uint8_t *types = block.data + at->transitions * (time_size + 1);
    *offset_out = (int32_t)read_u32(types + type * TYPE_SIZE);
    return *offset_out > -DAY && *offset_out < DAY;
}

static rk_status read_block(rk_arena *arena, rk_bytes block, const header *at, size_t time_size, rk_zone *zone) {
    int32_t first = 0;
    int64_t *times = rk_arena_take_array(arena, at->transitions, sizeof *times);
    int32_t *offsets = rk_arena_take_array(arena, at->transitions, sizeof *offsets);
    if (!times || !offsets) return RK_NO_MEMORY;
    if (at->leaps > 0 || !read_offset(block, at, time_size, 0, &first)) return RK_CORRUPT;
    for (size_t i = 0; i < at->transitions; i++) {
        times[i] = read_moment(block.data + i * time_size, time_size);
        if (i > 0 && times[i] <= times[i - 1]) return RK_CORRUPT;
        size_t type = block.data[at->transitions * time_size + i];
        if (!read_offset(block, at, time_size, type, &offsets[i])) return RK_CORRUPT;
    }
    zone->times = times;
    zone->offsets = offsets;
    zone->count = at->transitions;
    zone->first = first;
    return RK_OK;
}

/* What follows the second block. An empty rule says nothing about later times. */
static bool read_footer(rk_bytes footer, rule *rule_out) {
    if (footer.size < 2 || footer.data[0] != '\n' || footer.data[footer.size - 1] != '\n') return false;
    rk_bytes text = rk_bytes_of(footer.data + 1, footer.size - 2);
    return text.size == 0 || read_rule(text, rule_out);
}

rk_status rk_zone_read(rk_arena *arena, rk_bytes file, const rk_zone **zone_out) {
    header at;
    size_t time_size = 4;
    *zone_out = NULL;
    rk_zone *zone = rk_arena_take(arena, sizeof *zone);
    if (!zone) return RK_NO_MEMORY;
    if (file.size > RK_ZONE_FILE_SIZE_MAX || !read_header(file, &at)) return RK_CORRUPT;
    if (at.version >= '2') {
        file = rk_bytes_from(file, HEADER_SIZE + block_size(&at, time_size));
        time_size = 8;
        if (!read_header(file, &at)) return RK_CORRUPT;
    }
    rk_bytes block = rk_bytes_from(file, HEADER_SIZE);
    size_t size = block_size(&at, time_size);
    if (block.size < size) return RK_CORRUPT;
    RK_TRY(read_block(arena, block, &at, time_size, zone));
    if (time_size == 8 && !read_footer(rk_bytes_from(block, size), &zone->after)) return RK_CORRUPT;
    *zone_out = zone;
    return RK_OK;
}

int64_t rk_zone_offset(const rk_zone *zone, int64_t seconds) {
    size_t low = 0, high = zone->count; /* how many times are not after the moment */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->after.there) return rule_offset(&zone->after, seconds);
    return low > 0 ? zone->offsets[low - 1] : zone->first;
}

/* --- the folder ------------------------------------------------------------------------------------------------- */

void rk_zones_init(rk_zones *zones, rk_arena *arena, const char *folder) {
    zones->folder = folder ? folder : "/usr/share/zoneinfo";
    zones->arena = arena;
    rk_map_init(&zones->loaded, arena);
}

static bool is_zone_name(rk_bytes name) {
    if (name.size == 0 || name.size > RK_ZONE_NAME_SIZE_MAX) return false;
    if (name.data[0] < 'A' || name.data[0] > 'Z' || name.data[name.size - 1] == '/') return false;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i], lower = byte | 0x20;
        bool letter = (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9');
        bool slash = byte == '/' && name.data[i - 1] != '/';
        if (!letter && !slash && byte != '_' && byte != '+' && byte != '-') return false;
    }
    return true;
}

static rk_status load(rk_zones *zones, rk_bytes name, const rk_zone **zone_out) {
    char path[RK_PATH_SIZE_MAX], text[RK_ZONE_NAME_SIZE_MAX + 1];
    rk_arena reading;
    rk_bytes file, key;
    memcpy(text, name.data, name.size);
    text[name.size] = 0;
    RK_TRY(rk_path_join(path, zones->folder, text, NULL));
    if (!rk_file_there(path) || rk_folder_there(path)) return RK_NOT_FOUND;
    rk_arena_init(&reading, rk_memory_system(), 4 * RK_ZONE_FILE_SIZE_MAX);
    rk_status status = rk_file_read(&reading, path, RK_ZONE_FILE_SIZE_MAX, &file, NULL);
    if (status == RK_OK) status = rk_zone_read(zones->arena, file, zone_out);
    rk_arena_free(&reading);
    if (status == RK_LIMIT) return RK_CORRUPT; /* no zone is that large */
    RK_TRY(status);
    RK_TRY(rk_arena_copy(zones->arena, name, &key));
    return rk_map_set(&zones->loaded, key, (void *)(uintptr_t)*zone_out);
}

rk_status rk_zone_ahead(rk_zones *zones, rk_bytes name, int64_t seconds, int64_t *ahead_out) {
    *ahead_out = 0;
    if (!is_zone_name(name)) return RK_NOT_FOUND;
    const rk_zone *zone = rk_map_get(&zones->loaded, name);
    if (!zone) RK_TRY(load(zones, name, &zone));
    *ahead_out = rk_zone_offset(zone, seconds);
    return RK_OK;
}
