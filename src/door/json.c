/*
 * Reading with jansson, printing by hand.
 */
#include "door/json.h"

#include <jansson.h>
#include <string.h>

#include "core/value/decimal.h"

/* ---- numbers that would change ---- */

/* A decimal number as its significant digits and the exponent of the first one: 0.0120 is "12" and -2. */
typedef struct decimal {
    char digits[40];
    size_t count; /* beyond the array's size: too many to be a double's shortest form */
    size_t zeros; /* seen behind them: they count once another digit follows */
    int64_t exponent;
} decimal;

static void put_digit(decimal *decimal, char digit) {
    if (decimal->count < sizeof decimal->digits) decimal->digits[decimal->count] = digit;
    decimal->count++;
}

static void add_digit(decimal *decimal, char digit) {
    if (digit == '0') {
        decimal->zeros++;
        return;
    }
    for (; decimal->zeros > 0; decimal->zeros--) put_digit(decimal, '0');
    put_digit(decimal, digit);
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

static decimal decimal_of(rk_bytes text) {
    decimal decimal = {.count = 0};
    bool point = false;
    int64_t shift = 0;
    size_t at = 0;
    for (; at < text.size && text.data[at] != 'e' && text.data[at] != 'E'; at++) {
        uint8_t byte = text.data[at];
        if (byte == '.') point = true;
        if (!is_digit(byte)) continue;
        if (decimal.count == 0 && byte == '0') {
            shift -= point;
            continue;
        }
        add_digit(&decimal, (char)byte);
        shift += !point;
    }
    decimal.exponent = shift;
    int64_t exponent = 0;
    bool negative = at + 1 < text.size && text.data[at + 1] == '-';
    for (at++; at < text.size; at++) {
        if (is_digit(text.data[at]) && exponent < 100000) exponent = exponent * 10 + (text.data[at] - '0');
    }
    decimal.exponent += negative ? -exponent : exponent;
    if (decimal.count == 0) decimal.exponent = 0;
    return decimal;
}

static bool keeps_its_value(rk_bytes token) {
    double number = 0;
    if (rk_decimal_parse(token, &number) != RK_OK) return false;
    char printed[RK_DECIMAL_SIZE_MAX];
    decimal given = decimal_of(token), kept = decimal_of(rk_bytes_of(printed, rk_decimal_print(number, printed)));
    return given.count == kept.count && given.exponent == kept.exponent && given.count <= sizeof given.digits &&
           memcmp(given.digits, kept.digits, given.count) == 0;
}

static rk_status refuse_at(rk_bytes text, size_t offset, const char *what, rk_error *error) {
    uint64_t line = 1, column = 1;
    for (size_t i = 0; i < offset && i < text.size; i++) {
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        } else if ((text.data[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    char where[64];
    rk_format(where, sizeof where, "line %u, column %u", line, column);
    return rk_fail(error, RK_BAD_JSON, where, "%s", what);
}

/* Walks the text's tokens; strings are skipped, numbers with a point or exponent are held against their double. */
static rk_status check_numbers(rk_bytes text, rk_error *error) {
    bool in_string = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (in_string) {
            if (byte == '\\') i++;
            if (byte == '"') in_string = false;
            continue;
        }
        if (byte == '"') in_string = true;
        if (!is_digit(byte) && byte != '-') continue;
        size_t end = i;
        bool real = false;
        while (end < text.size && (is_digit(text.data[end]) || strchr("+-.eE", text.data[end]))) {
            real = real || text.data[end] == '.' || text.data[end] == 'e' || text.data[end] == 'E';
            end++;
        }
        if (real && !keeps_its_value((rk_bytes){text.data + i, end - i})) {
            return refuse_at(text, i, "this number would change its value: a double cannot hold it", error);
        }
        i = end - 1;
    }
    return RK_OK;
}

/* ---- reading ---- */

static rk_status value_of(rk_arena *arena, json_t *json, unsigned depth, rk_value *value_out, rk_error *error);

static rk_status list_of(rk_arena *arena, json_t *json, unsigned depth, rk_value *value_out, rk_error *error) {
    size_t count = json_array_size(json);
    rk_value *items = rk_arena_take_array(arena, count, sizeof *items);
    if (!items) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the list");
    for (size_t i = 0; i < count; i++) RK_TRY(value_of(arena, json_array_get(json, i), depth + 1, &items[i], error));
    *value_out = rk_list(items, count);
    return RK_OK;
}

static rk_status map_of(rk_arena *arena, json_t *json, unsigned depth, rk_value *value_out, rk_error *error) {
    rk_pair *pairs = rk_arena_take_array(arena, json_object_size(json), sizeof *pairs);
    if (!pairs) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the object");
    size_t count = 0;
    for (void *at = json_object_iter(json); at; at = json_object_iter_next(json, at)) {
        const char *key = json_object_iter_key(at);
        rk_bytes copy;
        RK_TRY(rk_arena_copy(arena, rk_bytes_of(key, json_object_iter_key_len(at)), &copy));
        pairs[count].key = rk_string(copy);
        RK_TRY(value_of(arena, json_object_iter_value(at), depth + 1, &pairs[count].value, error));
        count++;
    }
    rk_status status = rk_map_value(arena, pairs, count, value_out);
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "the object could not be made");
}

static rk_status value_of(rk_arena *arena, json_t *json, unsigned depth, rk_value *value_out, rk_error *error) {
    if (depth == RK_VALUE_DEPTH_MAX && (json_is_array(json) || json_is_object(json))) {
        return rk_fail(error, RK_LIMIT, NULL, "nested deeper than RK_VALUE_DEPTH_MAX");
    }
    switch (json_typeof(json)) {
    case JSON_NULL:
        *value_out = rk_null();
        return RK_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        *value_out = rk_bool(json_is_true(json));
        return RK_OK;
    case JSON_INTEGER:
        *value_out = rk_int(json_integer_value(json));
        return RK_OK;
    case JSON_REAL:
        *value_out = rk_double(json_real_value(json));
        return RK_OK;
    case JSON_STRING: {
        rk_bytes copy;
        RK_TRY(rk_arena_copy(arena, rk_bytes_of(json_string_value(json), json_string_length(json)), &copy));
        *value_out = rk_string(copy);
        return RK_OK;
    }
    case JSON_ARRAY:
        return list_of(arena, json, depth, value_out, error);
    default:
        return map_of(arena, json, depth, value_out, error);
    }
}

/* jansson quotes the text near the fault, cut at a byte, and takes a byte 0 behind the value for the end. */
static rk_status check_bytes(rk_bytes text, rk_error *error) {
    size_t offset = rk_bytes_find(text, 0);
    uint32_t point = 0;
    if (offset < text.size) return refuse_at(text, offset, "a byte 0", error);
    if (rk_utf8_valid(text)) return RK_OK;
    for (offset = 0; rk_utf8_next(text, &offset, &point);) continue;
    return refuse_at(text, offset, "this is not valid UTF-8", error);
}

static rk_status refuse_found(const json_error_t *found, rk_error *error) {
    char where[64];
    rk_bytes what = rk_bytes_of_string(found->text);
    while (!rk_utf8_valid(what)) what.size--;
    rk_format(where, sizeof where, "line %u, column %u", (uint64_t)(found->line > 0 ? found->line : 1),
              (uint64_t)(found->column > 0 ? found->column : 1));
    return rk_fail(error, RK_BAD_JSON, where, "%b", what);
}

rk_status rk_json_read(rk_arena *arena, rk_bytes text, rk_value *value_out, rk_error *error) {
    *value_out = rk_null();
    json_error_t found;
    RK_TRY(check_bytes(text, error));
    json_t *json = json_loadb((const char *)(text.size ? text.data : (const uint8_t *)""), text.size,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &found);
    if (!json) return refuse_found(&found, error);
    rk_status status = check_numbers(text, error);
    if (status == RK_OK) status = value_of(arena, json, 0, value_out, error);
    json_decref(json);
    return status;
}

/* ---- printing ---- */

void rk_json_print_text(rk_buffer *buffer, rk_bytes text) {
    rk_buffer_append_byte(buffer, '"');
    size_t plain = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        rk_buffer_append(buffer, (rk_bytes){text.data + plain, i - plain});
        plain = i + 1;
        static const char named[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
        const char *found = byte ? strchr(named, byte) : NULL;
        char escape[8];
        if (found) {
            rk_buffer_append_byte(buffer, '\\');
            rk_buffer_append_byte(buffer, (uint8_t)letters[found - named]);
        } else {
            rk_buffer_append(buffer,
                             rk_bytes_of(escape, rk_format(escape, sizeof escape, "\\u00%x", (rk_bytes){&byte, 1})));
        }
    }
    rk_buffer_append(buffer, rk_bytes_from(text, plain));
    rk_buffer_append_byte(buffer, '"');
}

/* A double prints with a point or an exponent, so that it reads back as a double. */
static void print_double(rk_buffer *buffer, double number) {
    char text[RK_DECIMAL_SIZE_MAX];
    rk_bytes printed = rk_bytes_of(text, rk_decimal_print(number, text));
    if (number != number || number - number != 0) {
        rk_json_print_text(buffer, printed);
        return;
    }
    rk_buffer_append(buffer, printed);
    if (rk_bytes_find(printed, '.') == printed.size && rk_bytes_find(printed, 'e') == printed.size) {
        rk_buffer_append(buffer, RK_TEXT(".0"));
    }
}

static void print_hex(rk_buffer *buffer, rk_bytes bytes) {
    rk_buffer_append_byte(buffer, '"');
    for (size_t i = 0; i < bytes.size; i++) {
        char pair[2];
        rk_hex_write((rk_bytes){bytes.data + i, 1}, pair);
        rk_buffer_append(buffer, rk_bytes_of(pair, 2));
    }
    rk_buffer_append_byte(buffer, '"');
}

static void new_line(rk_buffer *buffer, int indent) {
    if (indent < 0) return;
    rk_buffer_append_byte(buffer, '\n');
    for (int i = 0; i < indent; i++) rk_buffer_append(buffer, RK_TEXT("  "));
}

/* `indent` is the level, or -1 for compact. */
static void print(rk_buffer *buffer, const rk_value *value, int indent) {
    char text[32];
    int inner = indent < 0 ? -1 : indent + 1;
    switch (value->kind) {
    case RK_NULL:
        rk_buffer_append(buffer, RK_TEXT("null"));
        break;
    case RK_BOOL:
        rk_buffer_append(buffer, value->as.boolean ? RK_TEXT("true") : RK_TEXT("false"));
        break;
    case RK_INT:
        rk_buffer_append(buffer, rk_bytes_of(text, rk_format(text, sizeof text, "%d", value->as.integer)));
        break;
    case RK_UINT:
        rk_buffer_append(buffer, rk_bytes_of(text, rk_format(text, sizeof text, "%u", value->as.uinteger)));
        break;
    case RK_DOUBLE:
        print_double(buffer, value->as.number);
        break;
    case RK_STRING:
    case RK_TYPE:
        rk_json_print_text(buffer, value->as.bytes);
        break;
    case RK_LIST:
        rk_buffer_append_byte(buffer, '[');
        for (size_t i = 0; i < value->as.list.count; i++) {
            if (i > 0) rk_buffer_append_byte(buffer, ',');
            new_line(buffer, inner);
            print(buffer, &value->as.list.items[i], inner);
        }
        if (value->as.list.count > 0) new_line(buffer, indent);
        rk_buffer_append_byte(buffer, ']');
        break;
    case RK_MAP:
        rk_buffer_append_byte(buffer, '{');
        for (size_t i = 0; i < value->as.map.count; i++) {
            const rk_pair *pair = &value->as.map.pairs[i];
            if (i > 0) rk_buffer_append_byte(buffer, ',');
            new_line(buffer, inner);
            if (pair->key.kind == RK_STRING) {
                rk_json_print_text(buffer, pair->key.as.bytes);
            } else if (pair->key.kind == RK_BYTES) {
                print_hex(buffer, pair->key.as.bytes);
            } else {
                rk_buffer_append_byte(buffer, '"');
                print(buffer, &pair->key, -1);
                rk_buffer_append_byte(buffer, '"');
            }
            rk_buffer_append(buffer, indent < 0 ? RK_TEXT(":") : RK_TEXT(": "));
            print(buffer, &pair->value, inner);
        }
        if (value->as.map.count > 0) new_line(buffer, indent);
        rk_buffer_append_byte(buffer, '}');
        break;
    case RK_BYTES:
        print_hex(buffer, value->as.bytes);
        break;
    default:
        rk_buffer_append(buffer, RK_TEXT("null"));
        break;
    }
}

void rk_json_print(rk_buffer *buffer, const rk_value *value) {
    print(buffer, value, -1);
}

void rk_json_print_pretty(rk_buffer *buffer, const rk_value *value) {
    print(buffer, value, 0);
}
