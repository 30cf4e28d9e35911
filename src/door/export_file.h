/*
 * Export files: frames as lines of JSON (NDJSON).
 *
 * Invariants
 *   (1) A line says one frame; reading what was written gives an equal frame.
 *   (2) Every field of the table is there and no other; hex is lower case, base64 is RFC 4648 with padding.
 *   (3) Lines may stand in any order and more than once: their order is rk_frame_compare's.
 *
 *     frame    fields
 *     invite   account, log (hex), actor, root_key, seed (hex): what makes a device; the seed is a secret
 *     head     account, log (hex), truth (bool), epoch, from, to, record_from, record_to, replica (16 digits of hex)
 *     commit   log (hex), epoch, number, record (base64), batch (base64)
 *     pending  log (hex), replica (16 digits of hex), number, batch (base64)
 *     verdict  log (hex), replica (16 digits of hex), number, transaction, code, what, hint
 */
#ifndef RK_DOOR_EXPORT_FILE_H
#define RK_DOOR_EXPORT_FILE_H

#include "door/json.h"
#include "engine/engine.h"

typedef struct rk_export_line {
    bool invite;              /* else it is a frame */
    rk_frame frame;           /* of an invite: account and log */
    rk_invitation invitation; /* of an invite */
} rk_export_line;

/* Appends the line with its line end. */
void rk_export_line_write(const rk_export_line *line, rk_buffer *buffer);
/* Reads one line without its end; everything lives in the arena. RK_BAD_JSON, RK_BAD_FILE naming the field. */
RK_MUST_USE rk_status rk_export_line_read(rk_arena *arena, rk_bytes text, rk_export_line *line_out, rk_error *error);
/* A hash of what the line says, however it is spelt. */
RK_MUST_USE rk_status rk_export_line_digest(rk_arena *arena, const rk_crypto *crypto, const rk_export_line *line,
                                            rk_hash *hash_out);

#endif
