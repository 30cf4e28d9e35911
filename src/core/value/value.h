/*
 * Values: the one typed tree that data, states, modules and expressions are made of.
 *
 * Invariants
 *   (1) A value is immutable once it is built, and lives in an arena with all it points to.
 *   (2) A map's pairs stand in the order of their keys' deterministic encodings (RFC 8949 section 4.2.1), each once.
 *   (3) Text is valid UTF-8.
 *   (4) A whole number has one home: RK_INT where it fits a signed 64-bit integer, RK_UINT above that. Only an
 *       expression that asks for uint(5) makes a small RK_UINT; its encoding is that of 5.
 *   (5) Kinds from RK_TIMESTAMP on exist inside expressions only and have no encoding.
 */
#ifndef RK_CORE_VALUE_VALUE_H
#define RK_CORE_VALUE_VALUE_H

#include "base/arena.h"
#include "base/limits.h"

typedef enum rk_kind {
    RK_NULL,
    RK_BOOL,
    RK_INT,
    RK_UINT,
    RK_DOUBLE,
    RK_BYTES,
    RK_STRING,
    RK_LIST,
    RK_MAP,
    RK_TIMESTAMP, /* as.time: seconds and nanoseconds since 1970-01-01T00:00:00Z */
    RK_DURATION,  /* as.time: seconds and nanoseconds of the same sign */
    RK_TYPE,      /* as.bytes: the type's name */
    RK_OPTIONAL,  /* as.optional: the value, or NULL for none */
} rk_kind;

typedef struct rk_value rk_value;
typedef struct rk_pair rk_pair;

struct rk_value {
    rk_kind kind;
    union {
        bool boolean;
        int64_t integer;
        uint64_t uinteger;
        double number;
        rk_bytes bytes; /* RK_BYTES, RK_STRING, RK_TYPE */
        struct {
            const rk_value *items;
            size_t count;
        } list;
        struct {
            const rk_pair *pairs;
            size_t count;
        } map;
        struct {
            int64_t seconds;
            int32_t nanos;
        } time;
        const rk_value *optional;
    } as;
};

struct rk_pair {
    rk_value key; /* RK_INT, RK_UINT, RK_STRING, RK_BOOL or RK_BYTES */
    rk_value value;
};

rk_value rk_null(void);
rk_value rk_bool(bool boolean);
rk_value rk_int(int64_t integer);
/* RK_INT where it fits, RK_UINT above. */
rk_value rk_whole(uint64_t integer);
rk_value rk_double(double number);
rk_value rk_bytes_value(rk_bytes bytes);
/* `text` must be valid UTF-8. */
rk_value rk_string(rk_bytes text);
rk_value rk_list(const rk_value *items, size_t count);
/*
 * Sorts `pairs`, which live in `arena`, and makes a map of them; it keeps them.
 * RK_CBOR_ORDER when a key stands twice, RK_CBOR_UNSUPPORTED when a key has a kind that keys cannot have.
 */
RK_MUST_USE rk_status rk_map_value(rk_arena *arena, rk_pair *pairs, size_t count, rk_value *map_out);

/* The value under a text key, or NULL when `map` is no map or has no such key. Borrowed. */
const rk_value *rk_map_find(const rk_value *map, rk_bytes key);
const rk_value *rk_map_find_key(const rk_value *map, const rk_value *key);
/* The value under a small integer key, as event and header maps have them. */
const rk_value *rk_map_find_int(const rk_value *map, int64_t key);

/* The same kind and bytes; 1 and 1.0 differ, NaN equals NaN. This is identity, not CEL's ==. */
bool rk_value_equal(const rk_value *a, const rk_value *b);
/* A total order: that of the deterministic encodings. One comparator for map keys, sets and states. */
int rk_value_compare(const rk_value *a, const rk_value *b);
/* A copy with all it points to. RK_NO_MEMORY is the only failure. */
RK_MUST_USE rk_status rk_value_copy(rk_arena *arena, const rk_value *value, rk_value *copy_out);
/* Whether it has the kind and is text equal to `text`. */
bool rk_is_text(const rk_value *value, rk_bytes text);

#endif
