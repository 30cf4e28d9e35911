/*
 * The compact form: three parts and two dots.
 */
#include "door/http/jws.h"

#include <string.h>

#include "base/base64.h"

rk_status rk_jws_make(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair, rk_bytes header,
                      rk_bytes payload, size_t size_max, rk_bytes *text_out) {
    rk_buffer buffer;
    rk_bytes message;
    uint8_t signature[RK_SIGNATURE_SIZE];
    *text_out = (rk_bytes){NULL, 0};
    rk_buffer_init(&buffer, arena, size_max);
    rk_base64url_append(&buffer, header);
    rk_buffer_append_byte(&buffer, '.');
    rk_base64url_append(&buffer, payload);
    RK_TRY(rk_buffer_finish(&buffer, &message));
    crypto->sign(pair, message, signature);
    rk_buffer_append_byte(&buffer, '.');
    rk_base64url_append(&buffer, rk_bytes_of(signature, sizeof signature));
    return rk_buffer_finish(&buffer, text_out);
}

static rk_status read_part(rk_arena *arena, rk_bytes text, rk_bytes *part_out) {
    rk_status status = rk_base64url_read(arena, text, part_out);
    return status == RK_BAD_TEXT ? RK_BAD_TOKEN : status;
}

rk_status rk_jws_read(rk_arena *arena, rk_bytes text, rk_jws *jws_out) {
    rk_bytes signature;
    *jws_out = (rk_jws){0};
    size_t first = rk_bytes_find(text, '.');
    rk_bytes rest = rk_bytes_from(text, first + 1);
    size_t second = rk_bytes_find(rest, '.');
    if (first == text.size || second == rest.size) return RK_BAD_TOKEN;
    jws_out->message = rk_bytes_of(text.data, first + 1 + second);
    RK_TRY(read_part(arena, rk_bytes_of(text.data, first), &jws_out->header));
    RK_TRY(read_part(arena, rk_bytes_of(rest.data, second), &jws_out->payload));
    RK_TRY(read_part(arena, rk_bytes_from(rest, second + 1), &signature));
    if (signature.size != RK_SIGNATURE_SIZE) return RK_BAD_TOKEN;
    memcpy(jws_out->signature, signature.data, RK_SIGNATURE_SIZE);
    return RK_OK;
}

bool rk_jws_verify(const rk_crypto *crypto, const rk_key *key, const rk_jws *jws) {
    return crypto->verify(key, jws->message, jws->signature);
}
