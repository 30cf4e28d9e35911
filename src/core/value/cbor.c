/*
 * The encoder and the decoder.
 */
#include "core/value/cbor.h"

#include <string.h>

#include "core/value/cbor_head.h"

/* ---- floats ---- */

static uint64_t bits_of(double number) {
    uint64_t bits = 0;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits) {
    double number = 0;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* IEEE 754: half has 5 exponent and 10 fraction bits, single 8 and 23, double 11 and 52. */
static double widen(uint64_t bits, unsigned exponent_bits, unsigned fraction_bits) {
    uint64_t sign = bits >> (exponent_bits + fraction_bits) << 63;
    uint64_t exponent = bits >> fraction_bits & ((1U << exponent_bits) - 1);
    uint64_t fraction = bits & (((uint64_t)1 << fraction_bits) - 1);
    uint64_t bias = (1U << (exponent_bits - 1)) - 1;
    uint64_t shifted = fraction << (52 - fraction_bits);
    if (exponent == (1U << exponent_bits) - 1) return double_of(sign | (uint64_t)0x7FF << 52 | shifted);
    if (exponent != 0) return double_of(sign | (exponent - bias + 1023) << 52 | shifted);
    if (fraction == 0) return double_of(sign);
    /* Subnormal: move the highest fraction bit to where a normal number has its implied one. */
    uint64_t wide_exponent = 1023 - bias + 1;
    while (!(shifted >> 52)) {
        shifted <<= 1;
        wide_exponent--;
    }
    return double_of(sign | wide_exponent << 52 | (shifted & (((uint64_t)1 << 52) - 1)));
}

/* The bits in the narrower format when it holds the number exactly. */
static bool narrow(double number, unsigned exponent_bits, unsigned fraction_bits, uint64_t *bits_out) {
    uint64_t bits = bits_of(number);
    uint64_t sign = bits >> 63 << (exponent_bits + fraction_bits);
    int64_t exponent = (int64_t)(bits >> 52 & 0x7FF);
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    int64_t bias = ((int64_t)1 << (exponent_bits - 1)) - 1;
    int64_t exponent_max = ((int64_t)1 << exponent_bits) - 1;
    unsigned dropped = 52 - fraction_bits;
    int64_t narrow_exponent = exponent - 1023 + bias;
    if (exponent == 0 && fraction == 0) return *bits_out = sign, true;
    if (exponent == 0x7FF) narrow_exponent = exponent_max;
    if (exponent != 0x7FF && narrow_exponent >= exponent_max) return false;
    if (narrow_exponent <= 0) {
        if (exponent == 0 || narrow_exponent < -(int64_t)fraction_bits) return false;
        fraction |= (uint64_t)1 << 52;
        dropped += (unsigned)(1 - narrow_exponent);
        narrow_exponent = 0;
    }
    if (fraction & (((uint64_t)1 << dropped) - 1)) return false;
    *bits_out = sign | (uint64_t)narrow_exponent << fraction_bits | fraction >> dropped;
    return true;
}

rki_head rki_float_head(double number) {
    rki_head head = {.major = RKI_MAJOR_SIMPLE, .float_size = 8, .argument = bits_of(number)};
    uint64_t bits = 0;
    if (number != number) {
        head.float_size = 2;
        head.argument = 0x7E00;
    } else if (narrow(number, 5, 10, &bits)) {
        head.float_size = 2;
        head.argument = bits;
    } else if (narrow(number, 8, 23, &bits)) {
        head.float_size = 4;
        head.argument = bits;
    }
    return head;
}

/* ---- heads ---- */

rki_head rki_head_of(const rk_value *value) {
    switch (value->kind) {
    case RK_NULL:
        return (rki_head){.major = RKI_MAJOR_SIMPLE, .argument = RKI_SIMPLE_NULL};
    case RK_BOOL:
        return (rki_head){.major = RKI_MAJOR_SIMPLE,
                          .argument = value->as.boolean ? RKI_SIMPLE_TRUE : RKI_SIMPLE_FALSE};
    case RK_INT:
        if (value->as.integer < 0) {
            return (rki_head){.major = RKI_MAJOR_NEGATIVE, .argument = (uint64_t)(-(value->as.integer + 1))};
        }
        return (rki_head){.major = RKI_MAJOR_UNSIGNED, .argument = (uint64_t)value->as.integer};
    case RK_UINT:
        return (rki_head){.major = RKI_MAJOR_UNSIGNED, .argument = value->as.uinteger};
    case RK_DOUBLE:
        return rki_float_head(value->as.number);
    case RK_BYTES:
        return (rki_head){.major = RKI_MAJOR_BYTES, .argument = value->as.bytes.size};
    case RK_STRING:
        return (rki_head){.major = RKI_MAJOR_TEXT, .argument = value->as.bytes.size};
    case RK_LIST:
        return (rki_head){.major = RKI_MAJOR_LIST, .argument = value->as.list.count};
    case RK_MAP:
        return (rki_head){.major = RKI_MAJOR_MAP, .argument = value->as.map.count};
    default:
        RK_UNREACHABLE("a value of an expression-only kind has no encoding");
    }
}

static size_t put_argument(uint8_t *out, unsigned major, unsigned info, uint64_t argument, size_t size) {
    out[0] = (uint8_t)(major << 5 | info);
    for (size_t i = 0; i < size; i++) out[1 + i] = (uint8_t)(argument >> 8 * (size - 1 - i));
    return size + 1;
}

size_t rki_head_put(rki_head head, uint8_t out[RKI_HEAD_SIZE_MAX]) {
    if (head.float_size == 2) return put_argument(out, head.major, 25, head.argument, 2);
    if (head.float_size == 4) return put_argument(out, head.major, 26, head.argument, 4);
    if (head.float_size == 8) return put_argument(out, head.major, 27, head.argument, 8);
    if (head.argument < 24) return put_argument(out, head.major, (unsigned)head.argument, 0, 0);
    if (head.argument <= UINT8_MAX) return put_argument(out, head.major, 24, head.argument, 1);
    if (head.argument <= UINT16_MAX) return put_argument(out, head.major, 25, head.argument, 2);
    if (head.argument <= UINT32_MAX) return put_argument(out, head.major, 26, head.argument, 4);
    return put_argument(out, head.major, 27, head.argument, 8);
}

/* ---- encoding ---- */

static void append_head(rk_buffer *buffer, rki_head head) {
    if (head.argument < 24 && head.float_size == 0) {
        rk_buffer_append_byte(buffer, (uint8_t)((unsigned)head.major << 5 | head.argument));
        return;
    }
    uint8_t bytes[RKI_HEAD_SIZE_MAX];
    rk_buffer_append(buffer, rk_bytes_of(bytes, rki_head_put(head, bytes)));
}

void rk_cbor_append_head(rk_buffer *buffer, unsigned major, uint64_t argument) {
    RK_ASSERT(major < 8);
    append_head(buffer, (rki_head){.major = (uint8_t)major, .argument = argument});
}

void rk_cbor_append_bytes(rk_buffer *buffer, rk_bytes bytes) {
    rk_cbor_append_head(buffer, RKI_MAJOR_BYTES, bytes.size);
    rk_buffer_append(buffer, bytes);
}

void rk_cbor_append_text(rk_buffer *buffer, rk_bytes text) {
    rk_cbor_append_head(buffer, RKI_MAJOR_TEXT, text.size);
    rk_buffer_append(buffer, text);
}

void rk_cbor_append_int(rk_buffer *buffer, int64_t integer) {
    if (integer < 0) {
        rk_cbor_append_head(buffer, RKI_MAJOR_NEGATIVE, (uint64_t)(-(integer + 1)));
    } else {
        rk_cbor_append_head(buffer, RKI_MAJOR_UNSIGNED, (uint64_t)integer);
    }
}

void rk_cbor_append(rk_buffer *buffer, const rk_value *value) {
    append_head(buffer, rki_head_of(value));
    if (value->kind == RK_BYTES || value->kind == RK_STRING) {
        rk_buffer_append(buffer, value->as.bytes);
    } else if (value->kind == RK_LIST) {
        for (size_t i = 0; i < value->as.list.count; i++) rk_cbor_append(buffer, &value->as.list.items[i]);
    } else if (value->kind == RK_MAP) {
        for (size_t i = 0; i < value->as.map.count; i++) {
            rk_cbor_append(buffer, &value->as.map.pairs[i].key);
            rk_cbor_append(buffer, &value->as.map.pairs[i].value);
        }
    }
}

rk_status rk_cbor_encode(rk_arena *arena, const rk_value *value, size_t size_max, rk_bytes *bytes_out) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, size_max);
    rk_cbor_append(&buffer, value);
    return rk_buffer_finish(&buffer, bytes_out);
}

/* ---- decoding ---- */

typedef struct decoder {
    rk_arena *arena;
    rk_bytes bytes;
    size_t at;
    unsigned depth;
    rk_error *error;
} decoder;

static rk_status refuse(decoder *decoder, rk_status code, const char *what) {
    char where[40];
    rk_format(where, sizeof where, "byte %u", (uint64_t)decoder->at);
    return rk_fail(decoder->error, code, where, "%s", what);
}

/* `info` is the head's low five bits as they stand, since a float and a simple value share one major type. */
static rk_status read_head(decoder *decoder, unsigned *major_out, unsigned *info_out, uint64_t *argument_out) {
    if (decoder->at >= decoder->bytes.size) return refuse(decoder, RK_CBOR_MALFORMED, "the bytes end inside an item");
    const uint8_t *head = decoder->bytes.data + decoder->at;
    unsigned major = *head >> 5, info = *head & 31;
    if (info == 31 && major >= 2 && major != 6) {
        return major == 7 ? refuse(decoder, RK_CBOR_MALFORMED, "a break outside an indefinite item")
                          : refuse(decoder, RK_CBOR_ORDER, "an indefinite length");
    }
    if (info > 27) return refuse(decoder, RK_CBOR_MALFORMED, "a reserved length");
    size_t size = info < 24 ? 0 : (size_t)1 << (info - 24);
    if (decoder->bytes.size - decoder->at - 1 < size) {
        return refuse(decoder, RK_CBOR_MALFORMED, "the bytes end inside an item");
    }
    uint64_t argument = info < 24 ? info : 0;
    for (size_t i = 0; i < size; i++) argument = argument << 8 | head[1 + i];
    static const uint64_t least[] = {24, 0x100, 0x10000, 0x100000000};
    if (size > 0 && major != 7 && argument < least[info - 24]) {
        return refuse(decoder, RK_CBOR_ORDER, "a longer integer or length than needed");
    }
    decoder->at += size + 1;
    *major_out = major;
    *info_out = info;
    *argument_out = argument;
    return RK_OK;
}

static rk_status decode_item(decoder *decoder, rk_value *value_out);

static rk_status decode_simple(decoder *decoder, unsigned info, uint64_t argument, rk_value *value_out) {
    if (info == RKI_SIMPLE_NULL) return *value_out = rk_null(), RK_OK;
    if (info == RKI_SIMPLE_TRUE || info == RKI_SIMPLE_FALSE)
        return *value_out = rk_bool(info == RKI_SIMPLE_TRUE), RK_OK;
    if (info == 24 && argument < 32) return refuse(decoder, RK_CBOR_MALFORMED, "a simple value in two bytes below 32");
    if (info < 25) return refuse(decoder, RK_CBOR_UNSUPPORTED, "a simple value other than false, true and null");
    double number = info == 25 ? widen(argument, 5, 10) : info == 26 ? widen(argument, 8, 23) : double_of(argument);
    rki_head shortest = rki_float_head(number);
    if (shortest.float_size != 1U << (info - 24) || shortest.argument != argument) {
        return refuse(decoder, RK_CBOR_ORDER, "a longer float than needed, or another NaN than 0x7e00");
    }
    *value_out = rk_double(number);
    return RK_OK;
}

static rk_status decode_string(decoder *decoder, unsigned major, uint64_t size, rk_value *value_out) {
    if (size > decoder->bytes.size - decoder->at)
        return refuse(decoder, RK_CBOR_MALFORMED, "the bytes end inside a string");
    rk_bytes bytes = {decoder->bytes.data + decoder->at, (size_t)size};
    if (major == RKI_MAJOR_TEXT && !rk_utf8_valid(bytes)) {
        return refuse(decoder, RK_CBOR_MALFORMED, "a text that is not valid UTF-8");
    }
    decoder->at += (size_t)size;
    *value_out = major == RKI_MAJOR_TEXT ? rk_string(bytes) : rk_bytes_value(bytes);
    return RK_OK;
}

/* A count is checked against the bytes that are left before anything is taken for it: an item needs a byte at least. */
static rk_status check_count(decoder *decoder, uint64_t count, uint64_t item_size_min) {
    if (count > (decoder->bytes.size - decoder->at) / item_size_min) {
        return refuse(decoder, RK_CBOR_MALFORMED, "the bytes end inside a list or map");
    }
    if (count > RK_VALUE_ITEMS_MAX) return refuse(decoder, RK_LIMIT, "more items than RK_VALUE_ITEMS_MAX");
    if (decoder->depth >= RK_VALUE_DEPTH_MAX) return refuse(decoder, RK_LIMIT, "nested deeper than RK_VALUE_DEPTH_MAX");
    return RK_OK;
}

static rk_status decode_list(decoder *decoder, uint64_t count, rk_value *value_out) {
    RK_TRY(check_count(decoder, count, 1));
    rk_value *items = rk_arena_take_array(decoder->arena, (size_t)count, sizeof *items);
    if (!items) return refuse(decoder, RK_NO_MEMORY, "no memory for the list");
    decoder->depth++;
    for (size_t i = 0; i < count; i++) RK_TRY(decode_item(decoder, &items[i]));
    decoder->depth--;
    *value_out = rk_list(items, (size_t)count);
    return RK_OK;
}

static rk_status decode_map(decoder *decoder, uint64_t count, rk_value *value_out) {
    RK_TRY(check_count(decoder, count, 2));
    rk_pair *pairs = rk_arena_take_array(decoder->arena, (size_t)count, sizeof *pairs);
    if (!pairs) return refuse(decoder, RK_NO_MEMORY, "no memory for the map");
    decoder->depth++;
    rk_bytes last_key = {NULL, 0};
    for (size_t i = 0; i < count; i++) {
        size_t start = decoder->at;
        RK_TRY(decode_item(decoder, &pairs[i].key));
        rk_bytes key = {decoder->bytes.data + start, decoder->at - start};
        rk_kind kind = pairs[i].key.kind;
        if (kind != RK_INT && kind != RK_UINT && kind != RK_STRING && kind != RK_BYTES && kind != RK_BOOL) {
            return refuse(decoder, RK_CBOR_UNSUPPORTED, "a map key that is no integer, text, bytes or bool");
        }
        if (i > 0 && rk_bytes_compare(last_key, key) >= 0) {
            return refuse(decoder, RK_CBOR_ORDER, "map keys that are not in order, or one that stands twice");
        }
        last_key = key;
        RK_TRY(decode_item(decoder, &pairs[i].value));
    }
    decoder->depth--;
    *value_out = (rk_value){.kind = RK_MAP, .as.map = {pairs, (size_t)count}};
    return RK_OK;
}

static rk_status decode_item(decoder *decoder, rk_value *value_out) {
    unsigned major = 0, info = 0;
    uint64_t argument = 0;
    RK_TRY(read_head(decoder, &major, &info, &argument));
    switch (major) {
    case RKI_MAJOR_UNSIGNED:
        *value_out = rk_whole(argument);
        return RK_OK;
    case RKI_MAJOR_NEGATIVE:
        if (argument > INT64_MAX) return refuse(decoder, RK_CBOR_UNSUPPORTED, "an integer below -2^63");
        *value_out = rk_int(-1 - (int64_t)argument);
        return RK_OK;
    case RKI_MAJOR_BYTES:
    case RKI_MAJOR_TEXT:
        return decode_string(decoder, major, argument, value_out);
    case RKI_MAJOR_LIST:
        return decode_list(decoder, argument, value_out);
    case RKI_MAJOR_MAP:
        return decode_map(decoder, argument, value_out);
    case RKI_MAJOR_TAG:
        return refuse(decoder, RK_CBOR_UNSUPPORTED, "a tag");
    default:
        return decode_simple(decoder, info, argument, value_out);
    }
}

rk_status rk_cbor_decode(rk_arena *arena, rk_bytes bytes, rk_value *value_out, rk_error *error) {
    decoder decoder = {.arena = arena, .bytes = bytes, .error = error};
    *value_out = rk_null();
    RK_TRY(decode_item(&decoder, value_out));
    if (decoder.at != bytes.size) return refuse(&decoder, RK_CBOR_MALFORMED, "bytes after the item");
    return RK_OK;
}
