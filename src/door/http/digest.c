/*
 * A dictionary with one member for each algorithm.
 */
#include "door/http/digest.h"

#include "door/http/fields.h"

enum { DIGEST_TEXT_SIZE_MAX = 64 };

rk_status rk_digest_make(rk_arena *arena, const rk_crypto *crypto, rk_bytes body, rk_bytes *digest_out) {
    rk_hash hash = rk_sha256(crypto, body);
    rk_member member = {.key = RK_TEXT("sha-256"), .value = {RK_BARE_BYTES, 0, rk_hash_bytes(&hash)}};
    rk_dictionary dictionary = {&member, 1};
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, DIGEST_TEXT_SIZE_MAX);
    rk_dictionary_print(&buffer, &dictionary);
    return rk_buffer_finish(&buffer, digest_out);
}

rk_status rk_digest_check(rk_arena *arena, const rk_crypto *crypto, rk_bytes digest, rk_bytes body, rk_error *error) {
    rk_dictionary dictionary;
    rk_status status = rk_dictionary_read(arena, digest, &dictionary, error);
    if (status != RK_OK) {
        rk_error_at(error, RK_TEXT("content-digest"));
        return status;
    }
    const rk_member *member = rk_dictionary_find(&dictionary, RK_TEXT("sha-256"));
    if (!member || member->is_list || member->value.kind != RK_BARE_BYTES) {
        return rk_fail(error, RK_DIGEST_MISMATCH, "content-digest", "it has no sha-256");
    }
    rk_hash hash = rk_sha256(crypto, body);
    if (!rk_bytes_equal(member->value.bytes, rk_hash_bytes(&hash))) {
        return rk_fail(error, RK_DIGEST_MISMATCH, "content-digest", "the body has another SHA-256");
    }
    return RK_OK;
}
