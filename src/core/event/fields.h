/*
 * Reading the fields of a map with integer keys, for headers and records: each step fails for good once one failed,
 * so a reader reads all its fields and asks once.
 */
#ifndef RK_CORE_EVENT_FIELDS_H
#define RK_CORE_EVENT_FIELDS_H

#include "core/value/cbor.h"

typedef struct rki_fields {
    const rk_value *map;
    size_t found;   /* how many keys were there: an unknown key shows as a difference to the map's count */
    int64_t failed; /* the first key that was missing or wrong; 0 for none */
} rki_fields;

void rki_fields_start(rki_fields *fields, const rk_value *map);
bool rki_field_there(const rki_fields *fields, int64_t key);
/* Copies exactly `size` bytes. */
void rki_field_bytes(rki_fields *fields, int64_t key, uint8_t *out, size_t size);
/* Borrows bytes of any size. */
rk_bytes rki_field_blob(rki_fields *fields, int64_t key);
uint64_t rki_field_u64(rki_fields *fields, int64_t key); /* 8 bytes, big-endian */
uint64_t rki_field_int(rki_fields *fields, int64_t key, uint64_t low, uint64_t high);
/* A list, or NULL where the key is absent. */
const rk_value *rki_field_list(rki_fields *fields, int64_t key);
/* All was there, and nothing else. */
RK_MUST_USE rk_status rki_fields_finish(const rki_fields *fields, rk_status code, const char *what, rk_error *error);

/* Writing: a key and its value. */
void rki_put_bytes(rk_buffer *buffer, int64_t key, rk_bytes bytes);
void rki_put_u64(rk_buffer *buffer, int64_t key, uint64_t value);
void rki_put_int(rk_buffer *buffer, int64_t key, uint64_t value);

#endif
