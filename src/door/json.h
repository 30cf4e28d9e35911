/*
 * JSON at the door: text to values and back. Nothing deeper knows JSON.
 *
 * Invariants
 *   (1) What would change on the way in is refused: doubled keys, lone surrogates, integers outside 64 bits, decimal
 *       numbers that no double holds ("0.1" is the double that prints as 0.1; 0.10000000000000000001 is refused).
 *   (2) An integer stays an integer and 1.0 stays a double: reading what was printed gives an equal value.
 *   (3) Printing never fails for values that came from JSON. Bytes print as hex text, NaN and infinities as text.
 */
#ifndef RK_DOOR_JSON_H
#define RK_DOOR_JSON_H

#include "base/buffer.h"
#include "core/value/value.h"

/* Reads exactly one JSON text, into the arena. RK_BAD_JSON with error->where "line L, column C"; RK_LIMIT. */
RK_MUST_USE rk_status rk_json_read(rk_arena *arena, rk_bytes text, rk_value *value_out, rk_error *error);
/* Appends compact JSON, keys in the value's order. */
void rk_json_print(rk_buffer *buffer, const rk_value *value);
/* Appends JSON over several lines, two spaces a level. */
void rk_json_print_pretty(rk_buffer *buffer, const rk_value *value);
/* Appends a JSON string, quoted and escaped. `text` must be valid UTF-8. */
void rk_json_print_text(rk_buffer *buffer, rk_bytes text);

#endif
