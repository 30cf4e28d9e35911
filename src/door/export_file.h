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
 *
 * A backup is an export with these besides:
 *
 *     key      owner (root, truth or actor), actor, seed (hex): a secret
 *     state    entity, version, hash (hex): of the entity's state at the head's position
 */
#ifndef RK_DOOR_EXPORT_FILE_H
#define RK_DOOR_EXPORT_FILE_H

#include "door/json.h"
#include "engine/engine.h"
#include "io/file.h"

typedef enum rk_line_kind { RK_LINE_FRAME, RK_LINE_INVITE, RK_LINE_KEY, RK_LINE_STATE } rk_line_kind;

typedef struct rk_export_line {
    rk_line_kind kind;
    rk_frame frame;           /* of an invite: account and log */
    rk_invitation invitation; /* of an invite */
    rk_bytes owner;           /* of a key, as the next two */
    rk_bytes actor;           /* empty where the owner is no actor */
    uint8_t seed[RK_SEED_SIZE];
    rk_bytes entity; /* of a state, as the next two */
    uint64_t version;
    rk_hash hash;
} rk_export_line;

/* Appends the line with its line end. */
void rk_export_line_write(const rk_export_line *line, rk_buffer *buffer);
/* Writes the line to a file. RK_LIMIT, RK_IO, RK_DISK_FULL. */
RK_MUST_USE rk_status rk_export_line_put(rk_file_writer *writer, const rk_export_line *line, rk_error *error);
/* Reads one line without its end; everything lives in the arena. RK_BAD_JSON, RK_BAD_FILE naming the field. */
RK_MUST_USE rk_status rk_export_line_read(rk_arena *arena, rk_bytes text, rk_export_line *line_out, rk_error *error);
/* A hash of what the line says, however it is spelt. */
RK_MUST_USE rk_status rk_export_line_digest(rk_arena *arena, const rk_crypto *crypto, const rk_export_line *line,
                                            rk_hash *hash_out);

#endif
