/*
 * Index keys: bytes whose order is that of values, for indexes that narrow and sort.
 *
 * Invariants
 *   (1) For two values of one class, a before or equal to b (rk_expr_compare) means key(a) <= key(b), bytewise. Keys
 *       may be equal where values are not: a key is cut, so that what it finds is a superset.
 *   (2) Values of different classes never have equal keys: null, bool, number, text, bytes, and last RK_INDEX_NONE for
 *       a field that is absent.
 *   (3) A key never changes its form: stored ones are compared with new ones. A new form is a new RK_INDEX_FORM.
 *
 *     first byte  then
 *           0x08  nothing        null
 *           0x10  nothing        false
 *           0x11  nothing        true
 *           0x20  8 bytes        a whole number below 0: its two's complement, big-endian
 *           0x21  8 bytes        a whole number from 0 on; a double is cut down to a whole number
 *           0x30  0 .. 64 bytes  text: the first bytes of its UTF-8
 *           0x38  0 .. 64 bytes  bytes
 *           0xFF  nothing        absent
 */
#ifndef RK_CORE_VALUE_INDEX_KEY_H
#define RK_CORE_VALUE_INDEX_KEY_H

#include "core/value/value.h"

enum {
    RK_INDEX_FORM = 1,
    RK_INDEX_TEXT_MAX = 64, /* bytes of a text or byte string that its key holds */
    RK_INDEX_KEY_SIZE_MAX = RK_INDEX_TEXT_MAX + 2,
};

/* Embedded by value. */
typedef struct rk_index_key {
    uint8_t bytes[RK_INDEX_KEY_SIZE_MAX];
    size_t size;
} rk_index_key;

rk_bytes rk_index_key_bytes(const rk_index_key *key);
/* The key of a scalar; false for lists, maps, NaN and what only expressions have. */
bool rk_index_key_of(const rk_value *value, rk_index_key *key_out);
/* The key of a field that is absent: after every value. */
rk_index_key rk_index_key_none(void);
/* The least key of the value's class, and the least that is after all of them. False for what has no key. */
bool rk_index_key_class(const rk_value *value, rk_index_key *low_out, rk_index_key *high_out);
/* The least key after this one. */
rk_index_key rk_index_key_after(const rk_index_key *key);
/* The least key after those of all texts that begin with `prefix`. */
rk_index_key rk_index_key_after_prefix(rk_bytes prefix);

#endif
