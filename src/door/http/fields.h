/*
 * Structured header fields (RFC 9651, which replaced RFC 8941): the part that signatures and digests are written in.
 *
 * Invariants
 *   (1) What is read prints to its canonical text (RFC 9651 section 4.1), and that text reads to the same.
 *   (2) Stricter than the RFC where it lets a reader be lenient: base64 is padded and has no spare bits, and a key that
 *       stands twice in a dictionary or among parameters is refused, so that no two readers see different values.
 *   (3) Known are integers, strings, tokens, byte sequences and booleans. Decimals, dates and display strings are
 *       refused by name.
 *
 * Grammar (SP is a space, OWS spaces and tabs):
 *     dictionary  member *( OWS "," OWS member ), with spaces around; or nothing
 *     member      key [ "=" ( item / inner-list ) ] parameters   without a value it is true
 *     inner-list  "(" *SP [ item *( 1*SP item ) *SP ] ")"
 *     parameters  *( ";" *SP key [ "=" bare ] )
 *     key         ( a-z / "*" ) *( a-z / 0-9 / "_" / "-" / "." / "*" )
 */
#ifndef RK_DOOR_HTTP_FIELDS_H
#define RK_DOOR_HTTP_FIELDS_H

#include "base/buffer.h"

enum {
    RK_DICTIONARY_SIZE_MAX = 8 << 10, /* bytes of one field's text, its lines combined */
    RK_DICTIONARY_MEMBERS_MAX = 16,
    RK_INNER_LIST_ITEMS_MAX = 32,
    RK_PARAMETERS_MAX = 16,
    RK_FIELD_KEY_SIZE_MAX = 64,
};

typedef enum rk_bare_kind {
    RK_BARE_INTEGER,
    RK_BARE_STRING,
    RK_BARE_TOKEN,
    RK_BARE_BYTES,
    RK_BARE_BOOLEAN
} rk_bare_kind;

typedef struct rk_bare {
    rk_bare_kind kind;
    int64_t integer; /* -999,999,999,999,999 .. 999,999,999,999,999; of a boolean 0 or 1 */
    rk_bytes bytes;  /* a string without its escapes, a token as it is, the bytes of a byte sequence */
} rk_bare;

typedef struct rk_parameter {
    rk_bytes key;
    rk_bare value;
} rk_parameter;

typedef struct rk_parameters {
    const rk_parameter *list;
    size_t count;
} rk_parameters;

typedef struct rk_item {
    rk_bare value;
    rk_parameters parameters;
} rk_item;

typedef struct rk_member {
    rk_bytes key;
    bool is_list;
    rk_bare value;        /* when it is no inner list */
    const rk_item *items; /* when it is one */
    size_t item_count;
    rk_parameters parameters;
} rk_member;

typedef struct rk_dictionary {
    const rk_member *members;
    size_t count;
} rk_dictionary;

/* Reads a whole field; it borrows from `text` and the arena. RK_BAD_HEADER with error->where "byte N", RK_LIMIT. */
RK_MUST_USE rk_status rk_dictionary_read(rk_arena *arena, rk_bytes text, rk_dictionary *dictionary_out,
                                         rk_error *error);
/* Borrowed; NULL when there is none. */
const rk_member *rk_dictionary_find(const rk_dictionary *dictionary, rk_bytes key);
const rk_bare *rk_parameters_find(const rk_parameters *parameters, rk_bytes key);

/*
 * Append the canonical text. A string must be printable ASCII, a key and a token as the grammar says, an integer in
 * its range: else it is our own mistake.
 */
void rk_bare_print(rk_buffer *buffer, const rk_bare *bare);
void rk_item_print(rk_buffer *buffer, const rk_item *item);
/* Without the key: an inner list or an item, and parameters. */
void rk_member_print(rk_buffer *buffer, const rk_member *member);
void rk_dictionary_print(rk_buffer *buffer, const rk_dictionary *dictionary);

#endif
