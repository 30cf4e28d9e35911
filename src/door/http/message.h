/*
 * A request as the parts see it that judge it: no more of HTTP than a signature covers. Whichever library reads the
 * bytes from the wire fills it in, and everything in it is borrowed.
 *
 * Invariants
 *   (1) Lines that were folded (obs-fold) or hold other control characters than a tab are refused, not repaired.
 */
#ifndef RK_DOOR_HTTP_MESSAGE_H
#define RK_DOOR_HTTP_MESSAGE_H

#include "base/buffer.h"

enum { RK_HTTP_FIELD_SIZE_MAX = 16 << 10 }; /* bytes of one field, its lines combined */

typedef struct rk_http_header {
    rk_bytes name; /* in any case */
    rk_bytes value;
} rk_http_header;

typedef struct rk_http_request {
    rk_bytes method;               /* "POST" */
    rk_bytes target;               /* origin form (RFC 9112 section 3.2.1), as it came: "/path?query" */
    rk_bytes authority;            /* the Host field or :authority, without a default port; empty: not known */
    const rk_http_header *headers; /* one a line, in their order */
    size_t header_count;
    rk_bytes body;
} rk_http_request;

/* The target up to its "?"; and from there on, "?" included, or nothing. */
rk_bytes rk_http_path(const rk_http_request *request);
rk_bytes rk_http_query(const rk_http_request *request);
/* Whether two field names are equal, as ASCII without case. */
bool rk_http_name_equal(rk_bytes a, rk_bytes b);
/*
 * All lines of a field, each trimmed of spaces and tabs, joined by ", " (RFC 9421 section 2.1), in the arena;
 * *found_out tells an empty field from none. RK_BAD_HEADER for bytes other than a tab and 0x20 to 0x7E; RK_LIMIT.
 */
RK_MUST_USE rk_status rk_http_field(rk_arena *arena, const rk_http_request *request, rk_bytes name, bool *found_out,
                                    rk_bytes *value_out, rk_error *error);

#endif
