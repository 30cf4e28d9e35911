/*
 * What a caller asks for in JSON, whichever way it comes: one line of a transaction, and a moment of the past.
 */
#ifndef RK_DOOR_INTENT_H
#define RK_DOOR_INTENT_H

#include "engine/engine.h"

/*
 * An event {entity, type, data?, expect?}, a version that is only expected {entity, expect}, or a condition {require}.
 * Borrows from the map. `code` where it is none of these: RK_BAD_FILE, RK_BAD_REQUEST.
 */
RK_MUST_USE rk_status rk_intent_read(const rk_value *map, rk_status code, rk_intent *intent_out, rk_error *error);

/* A number is a version, 26 letters are an event id, the rest is a time. RK_BAD_TIME, at `where`. */
RK_MUST_USE rk_status rk_at_read(rk_bytes text, const char *where, rk_at *at_out, rk_error *error);

#endif
