/*
 * Challenges: five fields, an HMAC over four of them, and a signature around.
 */
#include "door/http/challenge.h"

#include <string.h>

#include "base/limits.h"
#include "core/event/cose.h"
#include "core/event/event.h"
#include "io/crypto.h"

enum { KEY_ACCOUNT = 1, KEY_ACTOR, KEY_NONCE, KEY_EXPIRES, KEY_CODE, FIELDS = 5 };

/* Heads of at most 3 bytes, keys of one; a COSE_Sign1 adds header, signature and heads, under 160 bytes. */
_Static_assert(RK_ACTOR_SIZE_MAX + 3 * RK_HASH_SIZE + 9 + FIELDS * 4 + 1 <= RK_CHALLENGE_SIZE_MAX, "a challenge fits");
_Static_assert(RK_CHALLENGE_SIZE_MAX + 160 <= RK_ANSWER_SIZE_MAX, "an answer fits");
_Static_assert(RK_CHALLENGE_LIFETIME_S_MAX + 1 <= RK_REPLAYS_SPAN_S + 1, "an answer is remembered long enough");

static rk_status bad(rk_error *error, const char *where, const char *what) {
    return rk_fail(error, RK_BAD_CHALLENGE, where, "%s", what);
}

/* ---- the code ---- */

static rk_status code_of(rk_arena *arena, const rk_crypto *crypto, const uint8_t secret[RK_CHALLENGE_SECRET_SIZE],
                         const rk_challenge *challenge, rk_hash *code_out) {
    rk_buffer buffer;
    rk_bytes text;
    *code_out = (rk_hash){0};
    rk_buffer_init(&buffer, arena, RK_CHALLENGE_SIZE_MAX);
    rk_cbor_append_head(&buffer, 4, FIELDS);
    rk_cbor_append_text(&buffer, RK_TEXT("reaktor/challenge"));
    rk_cbor_append_bytes(&buffer, rk_hash_bytes(&challenge->account));
    rk_cbor_append_text(&buffer, challenge->actor);
    rk_cbor_append_bytes(&buffer, rk_bytes_of(challenge->nonce, sizeof challenge->nonce));
    rk_cbor_append_int(&buffer, (int64_t)challenge->expires_s);
    RK_TRY(rk_buffer_finish(&buffer, &text));
    *code_out = rk_hmac_sha256(crypto, rk_bytes_of(secret, RK_CHALLENGE_SECRET_SIZE), text);
    return RK_OK;
}

/* ---- the bytes ---- */

rk_status rk_challenge_make(rk_arena *arena, const rk_crypto *crypto, const uint8_t secret[RK_CHALLENGE_SECRET_SIZE],
                            const rk_challenge *challenge, rk_bytes *bytes_out, rk_error *error) {
    rk_buffer buffer;
    rk_hash code;
    *bytes_out = (rk_bytes){NULL, 0};
    RK_ASSERT(challenge->expires_s <= INT64_MAX);
    if (!rk_label_valid(challenge->actor, RK_ACTOR_SIZE_MAX)) {
        return rk_fail(error, RK_BAD_ID, "actor", "this cannot be an actor's id");
    }
    rk_status status = code_of(arena, crypto, secret, challenge, &code);
    if (status != RK_OK) return rk_fail(error, status, "challenge", "it could not be written");
    rk_buffer_init(&buffer, arena, RK_CHALLENGE_SIZE_MAX);
    rk_cbor_append_head(&buffer, 5, FIELDS);
    rk_cbor_append_int(&buffer, KEY_ACCOUNT);
    rk_cbor_append_bytes(&buffer, rk_hash_bytes(&challenge->account));
    rk_cbor_append_int(&buffer, KEY_ACTOR);
    rk_cbor_append_text(&buffer, challenge->actor);
    rk_cbor_append_int(&buffer, KEY_NONCE);
    rk_cbor_append_bytes(&buffer, rk_bytes_of(challenge->nonce, sizeof challenge->nonce));
    rk_cbor_append_int(&buffer, KEY_EXPIRES);
    rk_cbor_append_int(&buffer, (int64_t)challenge->expires_s);
    rk_cbor_append_int(&buffer, KEY_CODE);
    rk_cbor_append_bytes(&buffer, rk_hash_bytes(&code));
    status = rk_buffer_finish(&buffer, bytes_out);
    return status == RK_OK ? RK_OK : rk_fail(error, status, "challenge", "it could not be written");
}

/* Copies a field of exactly `size` bytes. */
static bool get_bytes(const rk_value *map, int64_t key, uint8_t *out, size_t size) {
    const rk_value *value = rk_map_find_int(map, key);
    if (!value || value->kind != RK_BYTES || value->as.bytes.size != size) return false;
    memcpy(out, value->as.bytes.data, size);
    return true;
}

static bool get_rest(const rk_value *map, rk_challenge *challenge) {
    const rk_value *actor = rk_map_find_int(map, KEY_ACTOR), *expires = rk_map_find_int(map, KEY_EXPIRES);
    if (!actor || actor->kind != RK_STRING || !rk_label_valid(actor->as.bytes, RK_ACTOR_SIZE_MAX)) return false;
    if (!expires || expires->kind != RK_INT || expires->as.integer < 0) return false;
    challenge->actor = actor->as.bytes;
    challenge->expires_s = (uint64_t)expires->as.integer;
    return true;
}

/* Reads a challenge without judging its code. */
static rk_status read_challenge(rk_arena *arena, rk_bytes bytes, rk_challenge *challenge, rk_hash *code,
                                rk_error *error) {
    rk_value map;
    if (bytes.size > RK_CHALLENGE_SIZE_MAX) return bad(error, "challenge", "it is longer than RK_CHALLENGE_SIZE_MAX");
    rk_status status = rk_cbor_decode(arena, bytes, &map, NULL);
    if (status == RK_NO_MEMORY) return rk_fail(error, status, "challenge", "there is no memory to read it");
    if (status != RK_OK || map.kind != RK_MAP || map.as.map.count != FIELDS ||
        !get_bytes(&map, KEY_ACCOUNT, challenge->account.bytes, RK_HASH_SIZE) ||
        !get_bytes(&map, KEY_NONCE, challenge->nonce, sizeof challenge->nonce) ||
        !get_bytes(&map, KEY_CODE, code->bytes, RK_HASH_SIZE) || !get_rest(&map, challenge)) {
        return bad(error, "challenge", "it is not a map of the five fields");
    }
    return RK_OK;
}

/* ---- the client ---- */

rk_status rk_challenge_answer(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair, const rk_hash *account,
                              rk_bytes actor, rk_bytes challenge, rk_bytes *answer_out, rk_error *error) {
    rk_challenge read = {0};
    rk_hash code;
    *answer_out = (rk_bytes){NULL, 0};
    RK_TRY(read_challenge(arena, challenge, &read, &code, error));
    if (!rk_hash_equal(&read.account, account)) {
        return rk_fail(error, RK_WRONG_ACCOUNT, "challenge", "it is for another account");
    }
    if (!rk_bytes_equal(read.actor, actor)) return bad(error, "challenge", "it is for another actor");
    rk_status status = rk_cose_seal(arena, crypto, pair, RK_COSE_CHALLENGE, challenge, answer_out);
    return status == RK_OK ? RK_OK : rk_fail(error, status, "answer", "it could not be written");
}

/* ---- the server ---- */

static rk_status check_given(rk_arena *arena, const rk_crypto *crypto, const uint8_t secret[RK_CHALLENGE_SECRET_SIZE],
                             const rk_hash *account, rk_bytes payload, uint64_t now_s, rk_challenge *challenge,
                             rk_error *error) {
    rk_hash code, expected;
    RK_TRY(read_challenge(arena, payload, challenge, &code, error));
    rk_status status = code_of(arena, crypto, secret, challenge, &expected);
    if (status != RK_OK) return rk_fail(error, status, "challenge", "there is no memory to check it");
    if (!rk_secret_equal(&code, &expected, sizeof code)) return bad(error, "challenge", "this server did not give it");
    if (!rk_hash_equal(&challenge->account, account)) return bad(error, "challenge", "it is for another account");
    if (now_s > challenge->expires_s) return bad(error, "challenge", "it has ended");
    if (challenge->expires_s - now_s > RK_CHALLENGE_LIFETIME_S_MAX) {
        return bad(error, "challenge", "it would end later than RK_CHALLENGE_LIFETIME_S_MAX from now");
    }
    return RK_OK;
}

static rk_status find_signer(rk_arena *arena, const rk_crypto *crypto, const rk_cose *cose, const rk_signers *signers,
                             rk_signer *signer, rk_error *error) {
    rk_key keys[RK_SIGNER_KEYS_MAX];
    size_t count = 0;
    RK_TRY(signers->active_keys(signers->context, signer->actor, keys, &count, error));
    RK_ASSERT(count <= RK_SIGNER_KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (rk_cose_check(arena, crypto, cose, &keys[i], NULL) != RK_OK) continue;
        signer->key = keys[i];
        return RK_OK;
    }
    return rk_fail(error, RK_BAD_SIGNATURE, "answer", "no active key of that actor made it");
}

rk_status rk_challenge_check(rk_arena *arena, const rk_crypto *crypto, const uint8_t secret[RK_CHALLENGE_SECRET_SIZE],
                             const rk_hash *account, rk_bytes answer, uint64_t now_s, const rk_signers *signers,
                             rk_replays *replays, rk_signer *signer_out, rk_error *error) {
    rk_cose cose;
    rk_challenge challenge = {0};
    rk_signer signer = {0};
    memset(signer_out, 0, sizeof *signer_out);
    if (answer.size > RK_ANSWER_SIZE_MAX) return rk_fail(error, RK_BAD_COSE, "answer", "RK_ANSWER_SIZE_MAX");
    RK_TRY(rk_cose_open(arena, answer, RK_COSE_CHALLENGE, &cose, error));
    RK_TRY(check_given(arena, crypto, secret, account, cose.payload, now_s, &challenge, error));
    rk_status status = rk_arena_copy(arena, challenge.actor, &signer.actor);
    if (status != RK_OK) return rk_fail(error, status, "answer", "there is no memory to read it");
    RK_TRY(find_signer(arena, crypto, &cose, signers, &signer, error));
    signer.used = rk_sha256(crypto, cose.payload);
    signer.until_s = challenge.expires_s;
    if (replays) RK_TRY(rk_replays_remember(replays, &signer.used, signer.until_s, now_s, error));
    *signer_out = signer;
    return RK_OK;
}
