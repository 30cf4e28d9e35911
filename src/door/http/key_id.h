/*
 * The `keyid` of a signature: an actor's id in printable ASCII.
 *
 * Invariants
 *   (1) Each id has one text: a byte that is not 0x21 to 0x7E, and "%", is %XX in upper-case hex; others stand as they
 *       are. Reading takes no other.
 */
#ifndef RK_DOOR_HTTP_KEY_ID_H
#define RK_DOOR_HTTP_KEY_ID_H

#include "base/buffer.h"

/* Both answer in the arena. RK_BAD_ID for what cannot be an actor's id or is not its text; RK_NO_MEMORY. */
RK_MUST_USE rk_status rk_key_id_of_actor(rk_arena *arena, rk_bytes actor, rk_bytes *key_id_out);
RK_MUST_USE rk_status rk_actor_of_key_id(rk_arena *arena, rk_bytes key_id, rk_bytes *actor_out);

#endif
