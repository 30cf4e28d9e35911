/*
 * Keys of values, and the ends of ranges of them.
 */
#include "core/value/index_key.h"

#include <math.h>
#include <string.h>

enum {
    CLASS_NULL = 0x08,
    CLASS_BOOL = 0x10,
    CLASS_NEGATIVE = 0x20,
    CLASS_POSITIVE = 0x21,
    CLASS_TEXT = 0x30,
    CLASS_BYTES = 0x38,
    CLASS_NONE = 0xFF,
};

rk_bytes rk_index_key_bytes(const rk_index_key *key) {
    return rk_bytes_of(key->bytes, key->size);
}

static rk_index_key key_of_class(unsigned class) {
    return (rk_index_key){.bytes = {(uint8_t) class}, .size = 1};
}

static rk_index_key key_of_number(unsigned class, uint64_t number) {
    rk_index_key key = key_of_class(class);
    rk_put_u64(key.bytes + 1, number);
    key.size = 9;
    return key;
}

/* Cut down to a whole number, and to what 64 bits hold: that keeps the order. */
static rk_index_key key_of_double(double number) {
    static const double two_63 = 9223372036854775808.0, two_64 = 18446744073709551616.0;
    double whole = floor(number);
    if (whole >= two_64) return key_of_number(CLASS_POSITIVE, UINT64_MAX);
    if (whole >= 0) return key_of_number(CLASS_POSITIVE, (uint64_t)whole);
    if (whole <= -two_63) return key_of_number(CLASS_NEGATIVE, (uint64_t)INT64_MIN);
    return key_of_number(CLASS_NEGATIVE, (uint64_t)(int64_t)whole);
}

static rk_index_key key_of_bytes(unsigned class, rk_bytes bytes) {
    rk_index_key key = key_of_class(class);
    size_t size = bytes.size < RK_INDEX_TEXT_MAX ? bytes.size : RK_INDEX_TEXT_MAX;
    if (size > 0) memcpy(key.bytes + 1, bytes.data, size);
    key.size = 1 + size;
    return key;
}

bool rk_index_key_of(const rk_value *value, rk_index_key *key_out) {
    switch (value->kind) {
    case RK_NULL:
        *key_out = key_of_class(CLASS_NULL);
        return true;
    case RK_BOOL:
        *key_out = key_of_class(CLASS_BOOL + value->as.boolean);
        return true;
    case RK_INT:
        *key_out = key_of_number(value->as.integer < 0 ? CLASS_NEGATIVE : CLASS_POSITIVE, (uint64_t)value->as.integer);
        return true;
    case RK_UINT:
        *key_out = key_of_number(CLASS_POSITIVE, value->as.uinteger);
        return true;
    case RK_DOUBLE:
        *key_out = key_of_double(isnan(value->as.number) ? 0 : value->as.number);
        return !isnan(value->as.number);
    case RK_STRING:
        *key_out = key_of_bytes(CLASS_TEXT, value->as.bytes);
        return true;
    case RK_BYTES:
        *key_out = key_of_bytes(CLASS_BYTES, value->as.bytes);
        return true;
    default:
        *key_out = rk_index_key_none();
        return false;
    }
}

rk_index_key rk_index_key_none(void) {
    return key_of_class(CLASS_NONE);
}

bool rk_index_key_class(const rk_value *value, rk_index_key *low_out, rk_index_key *high_out) {
    static const struct {
        uint8_t low, high;
    } classes[] = {{CLASS_NULL, CLASS_NULL + 1},
                   {CLASS_BOOL, CLASS_BOOL + 2},
                   {CLASS_NEGATIVE, CLASS_POSITIVE + 1},
                   {CLASS_TEXT, CLASS_TEXT + 1},
                   {CLASS_BYTES, CLASS_BYTES + 1}};
    rk_index_key key;
    bool there = rk_index_key_of(value, &key);
    *low_out = *high_out = key;
    for (size_t i = 0; there && i < sizeof classes / sizeof *classes; i++) {
        if (key.bytes[0] < classes[i].low || key.bytes[0] >= classes[i].high) continue;
        *low_out = key_of_class(classes[i].low);
        *high_out = key_of_class(classes[i].high);
    }
    return there;
}

rk_index_key rk_index_key_after(const rk_index_key *key) {
    rk_index_key after = *key;
    after.bytes[after.size++] = 0;
    return after;
}

/* No byte of UTF-8 is 0xFF, so the last one can be counted up. */
rk_index_key rk_index_key_after_prefix(rk_bytes prefix) {
    rk_index_key key = key_of_bytes(CLASS_TEXT, prefix);
    key.bytes[key.size - 1]++;
    return key;
}
