/*
 * Between values of expressions and JSON.
 */
#include "door/cel_json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/value/decimal.h"

/* --- writing ---------------------------------------------------------------------------------------------------- */

static rk_status make_member(rk_arena *arena, rk_bytes name, rk_value value, rk_value *out) {
    rk_pair *pair = rk_arena_take(arena, sizeof *pair);
    if (!pair) return RK_NO_MEMORY;
    *pair = (rk_pair){rk_string(name), value};
    return rk_map_value(arena, pair, 1, out);
}

static rk_status make_text(rk_arena *arena, rk_bytes name, rk_bytes text, rk_value *out) {
    rk_bytes copy;
    RK_TRY(rk_arena_copy(arena, text, &copy));
    return make_member(arena, name, rk_string(copy), out);
}

typedef rk_status writer(rk_arena *arena, const rk_value *value, rk_value *out);

static rk_status write_list(rk_arena *arena, writer *write, const rk_value *items, size_t count, rk_value *out) {
    rk_value *written = rk_arena_take_array(arena, count, sizeof *written);
    if (!written) return RK_NO_MEMORY;
    for (size_t i = 0; i < count; i++) RK_TRY(write(arena, &items[i], &written[i]));
    *out = rk_list(written, count);
    return RK_OK;
}

static rk_status write_optional(rk_arena *arena, writer *write, const rk_value *value, rk_value *out) {
    rk_value list;
    RK_TRY(write_list(arena, write, value->as.optional, value->as.optional ? 1 : 0, &list));
    return make_member(arena, RK_TEXT("optional"), list, out);
}

static rk_status write_double(rk_arena *arena, const rk_value *value, rk_value *out) {
    char text[RK_DECIMAL_SIZE_MAX];
    rk_bytes printed = rk_bytes_of(text, rk_decimal_print(value->as.number, text));
    return make_text(arena, RK_TEXT("double"), printed, out);
}

static rk_status write_time(rk_arena *arena, const rk_value *value, rk_value *out) {
    rk_bytes name = value->kind == RK_TIMESTAMP ? RK_TEXT("timestamp") : RK_TEXT("duration");
    rk_bytes text = rk_expr_time_text(arena, value);
    return text.data ? make_member(arena, name, rk_string(text), out) : RK_NO_MEMORY;
}

static rk_status write_hex(rk_arena *arena, rk_bytes name, rk_bytes bytes, rk_value *out) {
    char *hex = rk_arena_take_array(arena, bytes.size, 2);
    if (!hex) return RK_NO_MEMORY;
    rk_hex_write(bytes, hex);
    return make_member(arena, name, rk_string(rk_bytes_of(hex, 2 * bytes.size)), out);
}

/* Keys may have any kind until they are printed: the order and the pairs stay. */
static rk_status write_plain_map(rk_arena *arena, const rk_value *map, rk_value *out) {
    size_t count = map->as.map.count;
    rk_pair *pairs = rk_arena_take_array(arena, count, sizeof *pairs);
    if (!pairs) return RK_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        pairs[i].key = map->as.map.pairs[i].key;
        RK_TRY(rk_cel_plain(arena, &map->as.map.pairs[i].value, &pairs[i].value));
    }
    *out = (rk_value){.kind = RK_MAP, .as.map = {pairs, count}};
    return RK_OK;
}

rk_status rk_cel_plain(rk_arena *arena, const rk_value *value, rk_value *plain_out) {
    *plain_out = *value;
    switch (value->kind) {
    case RK_DOUBLE:
        return isfinite(value->as.number) ? RK_OK : write_double(arena, value, plain_out);
    case RK_BYTES:
        return write_hex(arena, RK_TEXT("bytes"), value->as.bytes, plain_out);
    case RK_LIST:
        return write_list(arena, rk_cel_plain, value->as.list.items, value->as.list.count, plain_out);
    case RK_MAP:
        return write_plain_map(arena, value, plain_out);
    case RK_TIMESTAMP:
    case RK_DURATION:
        return write_time(arena, value, plain_out);
    case RK_TYPE:
        return make_member(arena, RK_TEXT("type"), rk_string(value->as.bytes), plain_out);
    case RK_OPTIONAL:
        return write_optional(arena, rk_cel_plain, value, plain_out);
    default:
        return RK_OK;
    }
}

static rk_status write_typed_map(rk_arena *arena, const rk_value *map, rk_value *out) {
    size_t count = map->as.map.count;
    rk_value *rows = rk_arena_take_array(arena, count, sizeof *rows), list;
    if (!rows) return RK_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const rk_value both[2] = {map->as.map.pairs[i].key, map->as.map.pairs[i].value};
        RK_TRY(write_list(arena, rk_cel_typed, both, 2, &rows[i]));
    }
    list = rk_list(rows, count);
    return make_member(arena, RK_TEXT("map"), list, out);
}

rk_status rk_cel_typed(rk_arena *arena, const rk_value *value, rk_value *typed_out) {
    char text[32];
    rk_value inner;
    switch (value->kind) {
    case RK_NULL:
        return make_member(arena, RK_TEXT("null"), rk_null(), typed_out);
    case RK_BOOL:
        return make_member(arena, RK_TEXT("bool"), *value, typed_out);
    case RK_INT:
        return make_text(arena, RK_TEXT("int"),
                         rk_bytes_of(text, rk_format(text, sizeof text, "%d", value->as.integer)), typed_out);
    case RK_UINT:
        return make_text(arena, RK_TEXT("uint"),
                         rk_bytes_of(text, rk_format(text, sizeof text, "%u", value->as.uinteger)), typed_out);
    case RK_DOUBLE:
        return write_double(arena, value, typed_out);
    case RK_BYTES:
        return write_hex(arena, RK_TEXT("bytes_hex"), value->as.bytes, typed_out);
    case RK_STRING:
        return make_member(arena, RK_TEXT("string"), *value, typed_out);
    case RK_LIST:
        RK_TRY(write_list(arena, rk_cel_typed, value->as.list.items, value->as.list.count, &inner));
        return make_member(arena, RK_TEXT("list"), inner, typed_out);
    case RK_MAP:
        return write_typed_map(arena, value, typed_out);
    case RK_OPTIONAL:
        return write_optional(arena, rk_cel_typed, value, typed_out);
    default:
        return rk_cel_plain(arena, value, typed_out);
    }
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static rk_status refuse(rk_error *error, const char *what) {
    return rk_fail(error, RK_BAD_FILE, NULL, "%s", what);
}

/* The C library reads numbers that end in NUL. */
static bool copy_number(const rk_value *inner, char out[RK_DECIMAL_SIZE_MAX]) {
    if (inner->kind != RK_STRING || inner->as.bytes.size == 0 || inner->as.bytes.size >= RK_DECIMAL_SIZE_MAX) {
        return false;
    }
    memcpy(out, inner->as.bytes.data, inner->as.bytes.size);
    out[inner->as.bytes.size] = 0;
    return strchr("-0123456789", out[0]) && strlen(out) == inner->as.bytes.size;
}

static rk_status read_int(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error) {
    (void)arena;
    char text[RK_DECIMAL_SIZE_MAX], *end = NULL;
    *out = *inner;
    if (inner->kind == RK_INT) return RK_OK;
    if (!copy_number(inner, text)) return refuse(error, "\"int\" wants a whole number as text");
    errno = 0;
    *out = rk_int(strtoll(text, &end, 10));
    return errno || *end ? refuse(error, "\"int\" wants a whole number of 64 bits") : RK_OK;
}

static rk_status read_uint(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error) {
    (void)arena;
    char text[RK_DECIMAL_SIZE_MAX], *end = NULL;
    *out = (rk_value){.kind = RK_UINT, .as.uinteger = inner->as.uinteger};
    if (inner->kind == RK_UINT || (inner->kind == RK_INT && inner->as.integer >= 0)) return RK_OK;
    if (!copy_number(inner, text) || text[0] == '-') return refuse(error, "\"uint\" wants a whole number as text");
    errno = 0;
    out->as.uinteger = strtoull(text, &end, 10);
    return errno || *end ? refuse(error, "\"uint\" wants a whole number of 64 bits") : RK_OK;
}

static rk_status read_double(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error) {
    static const struct {
        const char *name;
        double number;
    } names[] = {{"NaN", NAN},      {"nan", NAN},        {"Infinity", INFINITY},
                 {"inf", INFINITY}, {"-inf", -INFINITY}, {"-Infinity", -INFINITY}};
    (void)arena;
    *out = rk_double(inner->as.number);
    if (inner->kind == RK_DOUBLE) return RK_OK;
    out->as.number = inner->kind == RK_UINT ? (double)inner->as.uinteger : (double)inner->as.integer;
    if (inner->kind == RK_INT || inner->kind == RK_UINT) return RK_OK;
    for (size_t i = 0; inner->kind == RK_STRING && i < sizeof names / sizeof names[0]; i++) {
        if (!rk_is_text(inner, rk_bytes_of_string(names[i].name))) continue;
        out->as.number = names[i].number;
        return RK_OK;
    }
    if (inner->kind == RK_STRING && rk_decimal_parse(inner->as.bytes, &out->as.number) == RK_OK) return RK_OK;
    return refuse(error, "\"double\" wants a number as text");
}

static rk_status read_same(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error) {
    (void)arena, (void)error;
    *out = *inner;
    return RK_OK;
}

static rk_status read_type(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error) {
    (void)arena, (void)error;
    *out = (rk_value){.kind = RK_TYPE, .as.bytes = inner->as.bytes};
    return RK_OK;
}

static rk_status read_hex(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error) {
    rk_bytes hex = inner->as.bytes;
    uint8_t *bytes = rk_arena_take(arena, hex.size / 2);
    if (!bytes) return RK_NO_MEMORY;
    *out = rk_bytes_value(rk_bytes_of(bytes, hex.size / 2));
    bool read = hex.size % 2 == 0 && rk_hex_read(hex, bytes, hex.size / 2);
    return read ? RK_OK : refuse(error, "\"bytes_hex\" wants pairs of hexadecimal digits");
}

static rk_status read_list(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error) {
    size_t count = inner->as.list.count;
    rk_value *items = rk_arena_take_array(arena, count, sizeof *items);
    if (!items) return RK_NO_MEMORY;
    for (size_t i = 0; i < count; i++) RK_TRY(rk_cel_read(arena, &inner->as.list.items[i], &items[i], error));
    *out = rk_list(items, count);
    return RK_OK;
}

static rk_status read_map(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error) {
    size_t count = inner->as.list.count;
    rk_pair *pairs = rk_arena_take_array(arena, count, sizeof *pairs);
    if (!pairs) return RK_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const rk_value *pair = &inner->as.list.items[i];
        if (pair->kind != RK_LIST || pair->as.list.count != 2) return refuse(error, "\"map\" wants a list of pairs");
        RK_TRY(rk_cel_read(arena, &pair->as.list.items[0], &pairs[i].key, error));
        RK_TRY(rk_cel_read(arena, &pair->as.list.items[1], &pairs[i].value, error));
    }
    rk_status status = rk_map_value(arena, pairs, count, out);
    if (status == RK_OK || status == RK_NO_MEMORY) return status;
    return refuse(error, "\"map\" has a key twice, or one that is no key");
}

static rk_status find_text(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    (void)name, (void)index, (void)error;
    *value_out = *(const rk_value *)context;
    return RK_OK;
}

/* The language itself reads its times. */
static rk_status read_by(rk_arena *arena, rk_bytes expression, const rk_value *inner, rk_value *out, rk_error *error) {
    enum { STEPS_MAX = 1000 };
    rk_program *program = NULL;
    const rk_activation activation = {.find = find_text, .context = (void *)(uintptr_t)inner};
    RK_TRY(rk_expr_compile(arena, expression, NULL, &program, error));
    rk_status status = rk_program_run(program, &activation, arena, STEPS_MAX, out, error);
    return status == RK_OK || status == RK_NO_MEMORY ? status : refuse(error, "a time is not as CEL writes it");
}

static rk_status read_timestamp(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error) {
    return read_by(arena, RK_TEXT("timestamp(text)"), inner, out, error);
}

static rk_status read_duration(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error) {
    return read_by(arena, RK_TEXT("duration(text)"), inner, out, error);
}

static rk_status read_optional(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error) {
    rk_value *value = rk_arena_take(arena, sizeof *value);
    if (!value) return RK_NO_MEMORY;
    *out = (rk_value){.kind = RK_OPTIONAL};
    if (inner->as.list.count == 0) return RK_OK;
    if (inner->as.list.count > 1) return refuse(error, "\"optional\" holds one value or none");
    out->as.optional = value;
    return rk_cel_read(arena, &inner->as.list.items[0], value, error);
}

rk_status rk_cel_read(rk_arena *arena, const rk_value *typed, rk_value *value_out, rk_error *error) {
    static const struct {
        const char *name;
        int kind; /* that its JSON must have; -1 for those that look themselves */
        rk_status (*read)(rk_arena *arena, const rk_value *inner, rk_value *out, rk_error *error);
    } rows[] = {{"null", RK_NULL, read_same},
                {"bool", RK_BOOL, read_same},
                {"int", -1, read_int},
                {"uint", -1, read_uint},
                {"double", -1, read_double},
                {"string", RK_STRING, read_same},
                {"bytes_hex", RK_STRING, read_hex},
                {"type", RK_STRING, read_type},
                {"list", RK_LIST, read_list},
                {"map", RK_LIST, read_map},
                {"timestamp", RK_STRING, read_timestamp},
                {"duration", RK_STRING, read_duration},
                {"optional", RK_LIST, read_optional}};
    *value_out = rk_null();
    if (typed->kind != RK_MAP || typed->as.map.count != 1) {
        return refuse(error, "a value is an object of one member, such as {\"int\": \"5\"}");
    }
    const rk_pair *member = &typed->as.map.pairs[0];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!rk_is_text(&member->key, rk_bytes_of_string(rows[i].name))) continue;
        if (rows[i].kind < 0 || (int)member->value.kind == rows[i].kind) {
            return rows[i].read(arena, &member->value, value_out, error);
        }
        return rk_fail(error, RK_BAD_FILE, NULL, "\"%s\" holds JSON of another kind", rows[i].name);
    }
    return rk_fail(error, RK_BAD_FILE, NULL, "there is no kind of value \"%b\"", member->key.as.bytes);
}
