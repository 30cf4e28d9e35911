/*
 * The head of a CBOR item (RFC 8949 section 3): what the encoder, the decoder and the order of values share.
 *
 *     bits    field
 *     7..5    major type: 0 unsigned, 1 negative, 2 bytes, 3 text, 4 list, 5 map, 6 tag, 7 simple and float
 *     4..0    0..23 the argument itself; 24, 25, 26, 27: it follows in 1, 2, 4, 8 bytes, big-endian
 */
#ifndef RK_CORE_VALUE_CBOR_HEAD_H
#define RK_CORE_VALUE_CBOR_HEAD_H

#include "core/value/value.h"

enum {
    RKI_HEAD_SIZE_MAX = 9,
    RKI_MAJOR_UNSIGNED = 0,
    RKI_MAJOR_NEGATIVE = 1,
    RKI_MAJOR_BYTES = 2,
    RKI_MAJOR_TEXT = 3,
    RKI_MAJOR_LIST = 4,
    RKI_MAJOR_MAP = 5,
    RKI_MAJOR_TAG = 6,
    RKI_MAJOR_SIMPLE = 7,
    RKI_SIMPLE_FALSE = 20,
    RKI_SIMPLE_TRUE = 21,
    RKI_SIMPLE_NULL = 22,
};

typedef struct rki_head {
    uint8_t major;
    uint8_t float_size; /* 2, 4 or 8 when the argument is a float's bits, else 0 */
    uint64_t argument;
} rki_head;

/* The head of a value: for lists and maps the count, for text and bytes the size. */
rki_head rki_head_of(const rk_value *value);
/* Writes the shortest form, returns its size. */
size_t rki_head_put(rki_head head, uint8_t out[RKI_HEAD_SIZE_MAX]);
/* The shortest float that keeps the value: its bits and size (2, 4, 8). Every NaN is 0x7e00. */
rki_head rki_float_head(double number);

#endif
