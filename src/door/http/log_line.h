/*
 * One line of a server's log: JSON for programs, or text for people.
 *
 *     {"time":"2026-01-31T12:00:00.000Z","level":"info","event":"request","status":200}
 *     2026-01-31T12:00:00.000Z info request status=200
 *
 * Invariants
 *   (1) It is one line, whatever its values hold: neither a line end nor any other control character is in it.
 *   (2) It is at most RK_LOG_LINE_MAX bytes: a text is cut, never the line.
 */
#ifndef RK_DOOR_HTTP_LOG_LINE_H
#define RK_DOOR_HTTP_LOG_LINE_H

#include "base/buffer.h"

enum { RK_LOG_TEXT_MAX = 200, RK_LOG_FIELDS_MAX = 12, RK_LOG_LINE_MAX = 20000 };

typedef struct rk_log_field {
    const char *name;
    rk_bytes text; /* UTF-8 or not; data NULL: the field is the number */
    uint64_t number;
} rk_log_field;

/* Appends the line with its end. Fields of an empty text are left out. */
void rk_log_line_write(rk_buffer *buffer, bool json, uint64_t time_ms, const char *level, const char *event,
                       const rk_log_field *fields, size_t field_count);

#endif
