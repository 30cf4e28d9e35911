/*
 * What expressions give, as JSON: for people, and as the conformance cases write it.
 *
 * For people (rk_cel_plain): null, true, numbers, text, lists and maps are JSON's own; a map's key that is no text is
 * written as one. What JSON has no word for is an object of one member:
 *
 *     {"bytes": "00ff"}   {"timestamp": "2026-01-31T12:00:00Z"}   {"duration": "90s"}   {"type": "int"}
 *     {"double": "NaN"}, "Infinity" or "-Infinity"   {"optional": [1]}, {"optional": []} without a value
 *
 * As a case (rk_cel_typed, rk_cel_read): every value is an object of one member, {"int": "5"}, {"uint": "5"},
 * {"double": "0.5"}, {"string": "a"}, {"bytes_hex": "00ff"}, {"bool": true}, {"null": null}, {"type": "int"},
 * {"list": [VALUE, ...]}, {"map": [[KEY, VALUE], ...]}, {"timestamp": "..."}, {"duration": "90s"},
 * {"optional": [VALUE]} or {"optional": []}.
 */
#ifndef RK_DOOR_CEL_JSON_H
#define RK_DOOR_CEL_JSON_H

#include "core/expr/expr.h"

/* These live in the arena and borrow from `value`. RK_NO_MEMORY. */
RK_MUST_USE rk_status rk_cel_plain(rk_arena *arena, const rk_value *value, rk_value *plain_out);
RK_MUST_USE rk_status rk_cel_typed(rk_arena *arena, const rk_value *value, rk_value *typed_out);
/* From a case to a value. RK_BAD_FILE, saying what is wrong; RK_NO_MEMORY. */
RK_MUST_USE rk_status rk_cel_read(rk_arena *arena, const rk_value *typed, rk_value *value_out, rk_error *error);

#endif
