/*
 * A signed sum of 128 bits: what both counters are made of.
 *
 * Invariants
 *   (1) Addition commutes, so every order of the same additions gives the same sum.
 *   (2) A sum that would leave 128 bits is refused and left as it was. That takes 2^64 additions of the largest
 *       amounts, so no order of real additions meets it.
 *
 * State, CBOR: an integer where it fits a signed 64-bit integer, else 16 bytes, two's complement, big-endian.
 */
#ifndef RK_CORE_MERGE_SUM_H
#define RK_CORE_MERGE_SUM_H

#include "core/value/cbor.h"

enum { RK_SUM_SIZE = 16 };

__extension__ typedef __int128 rk_sum;

/* RK_OVERFLOW leaves the sum as it was. */
RK_MUST_USE rk_status rk_sum_add(rk_sum *sum, int64_t by);
/* Whether the sum fits a 64-bit integer, which is how guards and expressions read it. */
bool rk_sum_fits(rk_sum sum, int64_t *integer_out);
/*
 * The sum as a person reads it: RK_INT where it fits, else its decimal digits as RK_STRING in `arena`; the value's
 * kind says which. RK_NO_MEMORY is the only failure.
 */
RK_MUST_USE rk_status rk_sum_value(rk_sum sum, rk_arena *arena, rk_value *value_out);
void rk_sum_encode(rk_sum sum, rk_buffer *buffer);
/* RK_CORRUPT when it is not a canonical state. */
RK_MUST_USE rk_status rk_sum_decode(const rk_value *state, rk_sum *sum_out);

#endif
