/*
 * What a person or a program reads: results on standard output, everything else on standard error.
 *
 * Invariants
 *   (1) With --json a result is one JSON object a line, and an error one JSON object on standard error.
 *   (2) A failed write is remembered: rki_out_finish tells, and the process ends with RK_IO.
 */
#ifndef RK_DOOR_OUTPUT_H
#define RK_DOOR_OUTPUT_H

#include "door/json.h"

/* Formats as rk_format does, cut at 2047 bytes: for texts that have a bound. */
void rki_out(const char *format, ...);
void rki_out_bytes(rk_bytes bytes);
/* The text, then blanks up to `width` columns, then two more. */
void rki_out_cell(rk_bytes text, size_t width);
/* The same, blanks first. */
void rki_out_number(uint64_t number, size_t width);
/* JSON over several lines, and a line end. */
RK_MUST_USE rk_status rki_out_value(const rk_value *value, rk_error *error);
/* Pushes out what waits; a closed pipe or full disk is RK_IO. */
RK_MUST_USE rk_status rki_out_finish(rk_error *error);
/* Whether the last failed write was to a pipe that nobody reads. */
bool rki_out_closed(void);
/* That nobody reads any more is no failure: rki_out_finish says nothing of it from now on. */
void rki_out_may_close(void);

/* To standard error, with "reaktor: " before it or as {"note": ...}. */
void rki_note(bool json, const char *format, ...);
/* To standard error: the line of `text` that the offset is in, long ones cut around it, and a caret below. */
void rki_show_place(rk_bytes text, size_t offset);
/* The error as people read it, or as JSON. */
void rki_out_error(bool json, const rk_error *error);

/* One JSON object on its way to standard output. */
typedef struct rki_object {
    rk_arena arena;
    rk_buffer buffer;
} rki_object;

void rki_object_start(rki_object *object);
void rki_object_text(rki_object *object, const char *name, rk_bytes text);
void rki_object_hex(rki_object *object, const char *name, rk_bytes bytes);
void rki_object_number(rki_object *object, const char *name, uint64_t number);
void rki_object_bool(rki_object *object, const char *name, bool yes);
void rki_object_null(rki_object *object, const char *name);
void rki_object_value(rki_object *object, const char *name, const rk_value *value);
/* "name":RAW, where RAW is JSON already. */
void rki_object_raw(rki_object *object, const char *name, rk_bytes json);
/* Closes it, prints it as a line, and frees it. RK_LIMIT, RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_object_finish(rki_object *object, rk_error *error);

#endif
