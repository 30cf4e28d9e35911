/*
 * Deterministic CBOR: one encoding for each value, and a decoder that takes no other.
 *
 * Invariants
 *   (1) rk_cbor_decode(rk_cbor_encode(v)) equals v, and rk_cbor_encode(rk_cbor_decode(b)) equals b, for every v and b
 *       that they accept (RFC 8949 section 4.2.1: shortest integers and lengths, shortest float that keeps the value,
 *       one NaN, sorted keys, no indefinite lengths).
 *   (2) The decoder never reads past the end and nests at most RK_VALUE_DEPTH_MAX deep.
 *   (3) What is well-formed but not ours is refused by name: tags, simple values other than false, true and null,
 *       integers outside -2^63 .. 2^64-1 are RK_CBOR_UNSUPPORTED; a longer encoding than needed or unsorted or doubled
 *       keys are RK_CBOR_ORDER; the rest is RK_CBOR_MALFORMED.
 */
#ifndef RK_CORE_VALUE_CBOR_H
#define RK_CORE_VALUE_CBOR_H

#include "base/buffer.h"
#include "core/value/value.h"

/* Appends the encoding. An expression-only kind is our own mistake. */
void rk_cbor_append(rk_buffer *buffer, const rk_value *value);
/* Encodes into the arena; RK_LIMIT when it is larger than size_max. */
RK_MUST_USE rk_status rk_cbor_encode(rk_arena *arena, const rk_value *value, size_t size_max, rk_bytes *bytes_out);
/* Decodes exactly one value that fills `bytes`. Text and byte strings are borrowed from `bytes`. */
RK_MUST_USE rk_status rk_cbor_decode(rk_arena *arena, rk_bytes bytes, rk_value *value_out, rk_error *error);

/* The head of an item: major type 0..7 and its argument, shortest form. For writers of large items. */
void rk_cbor_append_head(rk_buffer *buffer, unsigned major, uint64_t argument);
void rk_cbor_append_bytes(rk_buffer *buffer, rk_bytes bytes);
void rk_cbor_append_text(rk_buffer *buffer, rk_bytes text);
void rk_cbor_append_int(rk_buffer *buffer, int64_t integer);

#endif
