/*
 * CEL's "...".format([...]) and strings.quote().
 *
 *     %s  any value as text     %d  a number in decimal     %f %e  a number with 6 places, or %.Nf
 *     %b  an int or bool in base 2     %o  base 8     %x %X  base 16, of text and bytes too     %%  a percent sign
 *
 * Invariants
 *   (1) What is written costs its steps before it takes memory.
 *   (2) The result is valid UTF-8: bytes that are not are a fault.
 *   (3) A map's entries stand in the order of their keys' text, so that 10 stands before 9 as in other languages.
 */
#include "base/buffer.h"
#include "core/expr/code.h"
#include "core/value/decimal.h"

enum { PLACES_DEFAULT = 6 };

typedef struct writer {
    rki_run *run;
    const rki_op *op;
    rk_buffer buffer;
    size_t owed; /* bytes that no step was counted for yet */
} writer;

static rk_status put(writer *to, rk_bytes text) {
    to->owed += text.size;
    RK_TRY(rki_steps_of_bytes(to->run, to->owed));
    to->owed %= RK_EXPR_STEP_BYTES;
    rk_buffer_append(&to->buffer, text);
    return to->buffer.status == RK_OK ? RK_OK : RK_NO_MEMORY;
}

static rk_status finish(const writer *to, rk_value *out) {
    out->kind = RK_STRING;
    return rk_buffer_finish(&to->buffer, &out->as.bytes);
}

static writer start(rki_run *run, const rki_op *op) {
    writer to = {.run = run, .op = op};
    rk_buffer_init(&to.buffer, run->arena, SIZE_MAX / 4);
    return to;
}

static rk_status refuse(const writer *to, const char *what) {
    return rki_fault_name(to->run, to->op, RKI_FAULT_SAID, rk_bytes_of_string(what));
}

static rk_status refuse_value(const writer *to, const char *what, const rk_value *value) {
    return rki_fault_both(to->run, to->op, RKI_FAULT_GIVEN, rk_bytes_of_string(what), value);
}

/* --- %s --------------------------------------------------------------------------------------------------------- */

static rk_status put_value(writer *to, const rk_value *value);

static rk_status put_number(writer *to, const rk_value *value) {
    char text[RK_DECIMAL_PLAIN_SIZE_MAX];
    size_t size = 0;
    if (value->kind == RK_INT) {
        size = rk_format(text, sizeof text, "%d", value->as.integer);
    } else if (value->kind == RK_UINT) {
        size = rk_format(text, sizeof text, "%u", value->as.uinteger);
    } else {
        RK_TRY(rki_steps_of_double(to->run, value->as.number));
        size = rk_decimal_print_plain(value->as.number, text);
    }
    return put(to, rk_bytes_of(text, size));
}

static rk_status put_list(writer *to, const rk_value *list) {
    RK_TRY(put(to, RK_TEXT("[")));
    for (size_t i = 0; i < list->as.list.count; i++) {
        RK_TRY(rki_steps(to->run, 1));
        if (i > 0) RK_TRY(put(to, RK_TEXT(", ")));
        RK_TRY(put_value(to, &list->as.list.items[i]));
    }
    return put(to, RK_TEXT("]"));
}

typedef struct entry {
    rk_bytes key; /* as text */
    const rk_value *value;
} entry;

static rk_status take_entries(const writer *to, const rk_value *map, entry *entries) {
    size_t rounds = 1; /* how often a key is compared, about */
    for (size_t count = map->as.map.count; count > 1; count /= 2) rounds++;
    for (size_t i = 0; i < map->as.map.count; i++) {
        const rk_pair *pair = &map->as.map.pairs[i];
        rk_value text;
        writer key = start(to->run, to->op);
        RK_TRY(put_value(&key, &pair->key));
        RK_TRY(finish(&key, &text));
        RK_TRY(rki_steps(to->run, rounds * (1 + text.as.bytes.size / RK_EXPR_STEP_BYTES)));
        entries[i] = (entry){text.as.bytes, &pair->value};
    }
    return RK_OK;
}

/* Of keys with the same text, such as 1 and "1", the map's order decides. */
static bool stands_after(const entry *a, const entry *b) {
    int order = rk_bytes_compare(a->key, b->key);
    return order > 0 || (order == 0 && a->value > b->value);
}

/* Shell's sort with Knuth's gaps. */
static void sort_entries(entry *entries, size_t count) {
    size_t gap = 1;
    while (gap < count / 3) gap = gap * 3 + 1;
    for (; gap > 0; gap /= 3) {
        for (size_t i = gap; i < count; i++) {
            entry moved = entries[i];
            size_t j = i;
            for (; j >= gap && stands_after(&entries[j - gap], &moved); j -= gap) {
                entries[j] = entries[j - gap];
            }
            entries[j] = moved;
        }
    }
}

static rk_status put_map(writer *to, const rk_value *map) {
    size_t count = map->as.map.count;
    RK_TRY(rki_steps(to->run, count));
    entry *entries = rk_arena_take_array(to->run->arena, count, sizeof *entries);
    if (!entries) return RK_NO_MEMORY;
    RK_TRY(take_entries(to, map, entries));
    sort_entries(entries, count);
    RK_TRY(put(to, RK_TEXT("{")));
    for (size_t i = 0; i < count; i++) {
        if (i > 0) RK_TRY(put(to, RK_TEXT(", ")));
        RK_TRY(put(to, entries[i].key));
        RK_TRY(put(to, RK_TEXT(": ")));
        RK_TRY(put_value(to, entries[i].value));
    }
    return put(to, RK_TEXT("}"));
}

static rk_status put_value(writer *to, const rk_value *value) {
    rk_value text;
    switch (value->kind) {
    case RK_NULL:
        return put(to, RK_TEXT("null"));
    case RK_BOOL:
        return put(to, value->as.boolean ? RK_TEXT("true") : RK_TEXT("false"));
    case RK_INT:
    case RK_UINT:
    case RK_DOUBLE:
        return put_number(to, value);
    case RK_BYTES:
        RK_TRY(rki_steps_of_bytes(to->run, value->as.bytes.size));
        if (!rk_utf8_valid(value->as.bytes)) return rki_fault_at(to->run, to->op, RKI_FAULT_UTF8);
        return put(to, value->as.bytes);
    case RK_STRING:
    case RK_TYPE:
        return put(to, value->as.bytes);
    case RK_TIMESTAMP:
    case RK_DURATION:
        RK_TRY(rki_time_text(to->run, value, &text));
        return put(to, text.as.bytes);
    case RK_LIST:
        return put_list(to, value);
    case RK_MAP:
        return put_map(to, value);
    case RK_OPTIONAL:
        break;
    }
    return refuse_value(to, "%s has no text for an optional", value);
}

/* --- the other verbs -------------------------------------------------------------------------------------------- */

static const char lower_digits[] = "0123456789abcdef", upper_digits[] = "0123456789ABCDEF";

static rk_status put_whole(writer *to, const rk_value *value, unsigned base, const char *digits) {
    char text[65];
    size_t at = sizeof text;
    uint64_t rest = value->as.uinteger;
    bool negative = value->kind == RK_INT && value->as.integer < 0;
    if (negative) rest = 0 - rest;
    do {
        text[--at] = digits[rest % base];
        rest /= base;
    } while (rest != 0);
    if (negative) RK_TRY(put(to, RK_TEXT("-")));
    return put(to, rk_bytes_of(text + at, sizeof text - at));
}

static rk_status put_hex(writer *to, rk_bytes bytes, const char *digits) {
    for (size_t i = 0; i < bytes.size; i++) {
        const char pair[2] = {digits[bytes.data[i] >> 4], digits[bytes.data[i] & 15]};
        RK_TRY(put(to, rk_bytes_of(pair, 2)));
    }
    return RK_OK;
}

static bool is_whole(const rk_value *value) {
    return value->kind == RK_INT || value->kind == RK_UINT;
}

static rk_status put_placed(writer *to, const rk_value *value, uint8_t verb, size_t places) {
    char text[RK_DECIMAL_PLACED_SIZE_MAX];
    double number = value->as.number;
    if (value->kind == RK_INT) number = (double)value->as.integer;
    if (value->kind == RK_UINT) number = (double)value->as.uinteger;
    RK_TRY(rki_steps_of_double(to->run, number));
    size_t size =
        verb == 'f' ? rk_decimal_print_fixed(number, places, text) : rk_decimal_print_scientific(number, places, text);
    return put(to, rk_bytes_of(text, size));
}

static rk_status put_clause(writer *to, const rk_value *value, uint8_t verb, size_t places) {
    bool text = value->kind == RK_STRING || value->kind == RK_BYTES;
    const char *digits = verb == 'X' ? upper_digits : lower_digits;
    switch (verb) {
    case 's':
        return put_value(to, value);
    case 'd':
        if (is_whole(value) || value->kind == RK_DOUBLE) return put_number(to, value);
        return refuse_value(to, "%d takes a number", value);
    case 'f':
    case 'e':
        if (is_whole(value) || value->kind == RK_DOUBLE) return put_placed(to, value, verb, places);
        return refuse_value(to, verb == 'f' ? "%f takes a number" : "%e takes a number", value);
    case 'b':
        if (value->kind == RK_BOOL) return put(to, value->as.boolean ? RK_TEXT("1") : RK_TEXT("0"));
        if (is_whole(value)) return put_whole(to, value, 2, lower_digits);
        return refuse_value(to, "%b takes an int, uint or bool", value);
    case 'o':
        if (is_whole(value)) return put_whole(to, value, 8, lower_digits);
        return refuse_value(to, "%o takes an int or uint", value);
    case 'x':
    case 'X':
        if (is_whole(value)) return put_whole(to, value, 16, digits);
        if (text) return put_hex(to, value->as.bytes, digits);
        return refuse_value(to, "%x takes an int, uint, string or bytes", value);
    default:
        return refuse(to, "there is no such clause in a format; % itself is written %%");
    }
}

/* --- the format ------------------------------------------------------------------------------------------------- */

/* Reads `.N` when it is there. */
static rk_status read_places(const writer *to, rk_bytes format, size_t *at, size_t *places_out) {
    *places_out = PLACES_DEFAULT;
    if (*at >= format.size || format.data[*at] != '.') return RK_OK;
    size_t start_at = ++*at, places = 0;
    for (; *at < format.size && format.data[*at] >= '0' && format.data[*at] <= '9'; (*at)++) {
        places = places * 10 + (size_t)(format.data[*at] - '0');
        if (places > RK_DECIMAL_PLACES_MAX) return refuse(to, "a format wants more than 1000 places");
    }
    *places_out = places;
    return *at > start_at ? RK_OK : refuse(to, "a number of places is missing in a format");
}

static rk_status put_format(writer *to, rk_bytes format, const rk_value *list) {
    size_t at = 0, used = 0, places = 0;
    while (at < format.size) {
        size_t plain = rk_bytes_find(rk_bytes_from(format, at), '%');
        RK_TRY(put(to, rk_bytes_of(format.data + at, plain)));
        at += plain + 1;
        if (at > format.size) return RK_OK;
        RK_TRY(rki_steps(to->run, 1));
        if (at < format.size && format.data[at] == '%') {
            RK_TRY(put(to, RK_TEXT("%")));
            at++;
            continue;
        }
        RK_TRY(read_places(to, format, &at, &places));
        if (at >= format.size) return refuse(to, "a format ends in the middle of a clause");
        if (used >= list->as.list.count) {
            const rk_value index = rk_int((int64_t)used);
            return rki_fault_value(to->run, to->op, RKI_FAULT_INDEX, &index);
        }
        RK_TRY(put_clause(to, &list->as.list.items[used++], format.data[at++], places));
    }
    return RK_OK;
}

rk_status rki_apply_format(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    writer to = start(run, op);
    if (arguments[0].kind != RK_STRING || arguments[1].kind != RK_LIST) {
        return rki_no_overload(run, op, op->as.call.name, arguments, count);
    }
    RK_TRY(put_format(&to, arguments[0].as.bytes, &arguments[1]));
    return finish(&to, out);
}

/* --- quoting ---------------------------------------------------------------------------------------------------- */

rk_status rki_apply_quote(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    static const char special[] = "\a\b\f\n\r\t\v\\\"", letters[] = "abfnrtv\\\"";
    writer to = start(run, op);
    rk_bytes text = arguments[0].as.bytes;
    size_t plain = 0;
    if (arguments[0].kind != RK_STRING) return rki_no_overload(run, op, op->as.call.name, arguments, count);
    RK_TRY(put(&to, RK_TEXT("\"")));
    for (size_t i = 0; i < text.size; i++) {
        const char *found = text.data[i] ? strchr(special, text.data[i]) : NULL;
        if (!found) continue;
        const char escape[2] = {'\\', letters[found - special]};
        RK_TRY(put(&to, rk_bytes_of(text.data + plain, i - plain)));
        RK_TRY(put(&to, rk_bytes_of(escape, 2)));
        plain = i + 1;
    }
    RK_TRY(put(&to, rk_bytes_from(text, plain)));
    RK_TRY(put(&to, RK_TEXT("\"")));
    return finish(&to, out);
}
