/*
 * An actor's id as printable ASCII, and back.
 */
#include "door/http/key_id.h"

#include "base/limits.h"
#include "core/event/event.h"

enum { KEY_ID_SIZE_MAX = 3 * RK_ACTOR_SIZE_MAX };

static bool stands_as_it_is(uint8_t byte) {
    return byte > ' ' && byte <= '~' && byte != '%';
}

rk_status rk_key_id_of_actor(rk_arena *arena, rk_bytes actor, rk_bytes *key_id_out) {
    static const char digits[] = "0123456789ABCDEF";
    rk_buffer buffer;
    *key_id_out = (rk_bytes){NULL, 0};
    if (!rk_label_valid(actor, RK_ACTOR_SIZE_MAX)) return RK_BAD_ID;
    rk_buffer_init(&buffer, arena, KEY_ID_SIZE_MAX);
    for (size_t i = 0; i < actor.size; i++) {
        uint8_t byte = actor.data[i];
        if (stands_as_it_is(byte)) {
            rk_buffer_append_byte(&buffer, byte);
        } else {
            uint8_t escape[] = {'%', (uint8_t)digits[byte >> 4], (uint8_t)digits[byte & 15]};
            rk_buffer_append(&buffer, rk_bytes_of(escape, sizeof escape));
        }
    }
    return rk_buffer_finish(&buffer, key_id_out);
}

/* The bytes that the text stands for; RK_BAD_ID at a broken escape. */
static rk_status unescape(rk_arena *arena, rk_bytes text, rk_bytes *bytes_out) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, RK_ACTOR_SIZE_MAX);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%') {
            if (text.size - i < 3 || !rk_hex_read(rk_bytes_of(text.data + i + 1, 2), &byte, 1)) return RK_BAD_ID;
            i += 2;
        }
        rk_buffer_append_byte(&buffer, byte);
    }
    rk_status status = rk_buffer_finish(&buffer, bytes_out);
    return status == RK_LIMIT ? RK_BAD_ID : status;
}

/* One text for each id: it has to be what the id is written as. */
rk_status rk_actor_of_key_id(rk_arena *arena, rk_bytes key_id, rk_bytes *actor_out) {
    rk_bytes actor = {NULL, 0}, again;
    *actor_out = actor;
    if (key_id.size > KEY_ID_SIZE_MAX) return RK_BAD_ID;
    RK_TRY(unescape(arena, key_id, &actor));
    RK_TRY(rk_key_id_of_actor(arena, actor, &again));
    if (!rk_bytes_equal(again, key_id)) return RK_BAD_ID;
    *actor_out = actor;
    return RK_OK;
}
