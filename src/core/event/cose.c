/*
 * COSE_Sign1: the general layer, then the profile.
 */
#include "core/event/cose.h"

#include <string.h>

enum { TAG_SIGN1 = 0xD2, HEADER_ALGORITHM = 1, HEADER_KID = 4, HEADER_TYP = 16, ALGORITHM_EDDSA = -8, KID_SIZE = 8 };
enum { COSE_SIZE_MAX = 1 << 20 };

static const char *const type_names[] = {
    [RK_COSE_BATCH] = "reaktor/batch",         [RK_COSE_RECORD] = "reaktor/record",
    [RK_COSE_GENESIS] = "reaktor/genesis",     [RK_COSE_SNAPSHOT] = "reaktor/snapshot",
    [RK_COSE_CHALLENGE] = "reaktor/challenge",
};

/* ---- the general layer ---- */

static rk_status decode_protected(rk_arena *arena, rk_cose *cose, rk_error *error) {
    cose->protected_map = (rk_value){.kind = RK_MAP};
    if (cose->protected_bytes.size == 0) return RK_OK;
    if (rk_cbor_decode(arena, cose->protected_bytes, &cose->protected_map, error) != RK_OK ||
        cose->protected_map.kind != RK_MAP) {
        return rk_fail(error, RK_BAD_COSE, "protected header", "it does not hold a map");
    }
    return RK_OK;
}

rk_status rk_cose_decode(rk_arena *arena, rk_bytes bytes, rk_cose *cose_out, rk_error *error) {
    *cose_out = (rk_cose){0};
    cose_out->tagged = bytes.size > 0 && bytes.data[0] == TAG_SIGN1;
    if (cose_out->tagged) bytes = rk_bytes_from(bytes, 1);
    rk_value list;
    if (rk_cbor_decode(arena, bytes, &list, error) != RK_OK) {
        return rk_fail(error, RK_BAD_COSE, "COSE_Sign1", "it is not deterministic CBOR");
    }
    const rk_value *items = list.as.list.items;
    if (list.kind != RK_LIST || list.as.list.count != 4 || items[0].kind != RK_BYTES || items[1].kind != RK_MAP ||
        items[2].kind != RK_BYTES || items[3].kind != RK_BYTES) {
        return rk_fail(error, RK_BAD_COSE, "COSE_Sign1", "it is not [bytes, map, bytes, bytes]");
    }
    cose_out->protected_bytes = items[0].as.bytes;
    cose_out->unprotected_map = items[1];
    cose_out->payload = items[2].as.bytes;
    cose_out->signature = items[3].as.bytes;
    return decode_protected(arena, cose_out, error);
}

rk_status rk_cose_encode(rk_arena *arena, const rk_cose *cose, rk_bytes *bytes_out) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, COSE_SIZE_MAX);
    if (cose->tagged) rk_buffer_append_byte(&buffer, TAG_SIGN1);
    rk_cbor_append_head(&buffer, 4, 4);
    rk_cbor_append_bytes(&buffer, cose->protected_bytes);
    rk_cbor_append(&buffer, &cose->unprotected_map);
    rk_cbor_append_bytes(&buffer, cose->payload);
    rk_cbor_append_bytes(&buffer, cose->signature);
    return rk_buffer_finish(&buffer, bytes_out);
}

/* RFC 9052 section 4.4: what the signature is over. */
static rk_status to_be_signed(rk_arena *arena, const rk_cose *cose, rk_bytes *bytes_out) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, COSE_SIZE_MAX);
    rk_cbor_append_head(&buffer, 4, 4);
    rk_cbor_append_text(&buffer, RK_TEXT("Signature1"));
    rk_cbor_append_bytes(&buffer, cose->protected_bytes);
    rk_cbor_append_bytes(&buffer, (rk_bytes){NULL, 0});
    rk_cbor_append_bytes(&buffer, cose->payload);
    return rk_buffer_finish(&buffer, bytes_out);
}

rk_status rk_cose_verify(rk_arena *arena, const rk_crypto *crypto, const rk_cose *cose, rk_curve curve, rk_bytes key,
                         rk_error *error) {
    const rk_value *algorithm = rk_map_find_int(&cose->protected_map, HEADER_ALGORITHM);
    if (!algorithm || algorithm->kind != RK_INT || algorithm->as.integer != ALGORITHM_EDDSA) {
        return rk_fail(error, RK_UNSUPPORTED_ALGORITHM, "protected header", "the algorithm is not EdDSA (-8)");
    }
    if (curve != RK_CURVE_ED25519 || key.size != RK_KEY_SIZE) {
        return rk_fail(error, RK_UNSUPPORTED_ALGORITHM, "key", "the curve is not Ed25519");
    }
    if (cose->signature.size != RK_SIGNATURE_SIZE) {
        return rk_fail(error, RK_BAD_SIGNATURE, "signature", "it has %u bytes, not 64", (uint64_t)cose->signature.size);
    }
    rk_bytes message;
    RK_TRY(to_be_signed(arena, cose, &message));
    rk_key public_key;
    memcpy(public_key.bytes, key.data, RK_KEY_SIZE);
    if (!crypto->verify(&public_key, message, cose->signature.data)) {
        return rk_fail(error, RK_BAD_SIGNATURE, "signature", "it does not verify");
    }
    return RK_OK;
}

rk_status rk_cose_sign(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair, rk_cose *cose) {
    rk_bytes message;
    RK_TRY(to_be_signed(arena, cose, &message));
    uint8_t *signature = rk_arena_take(arena, RK_SIGNATURE_SIZE);
    if (!signature) return RK_NO_MEMORY;
    crypto->sign(pair, message, signature);
    cose->signature = (rk_bytes){signature, RK_SIGNATURE_SIZE};
    return RK_OK;
}

/* ---- the profile ---- */

static rk_status profile_header(rk_arena *arena, const rk_crypto *crypto, const rk_key *key, rk_cose_type type,
                                rk_bytes *bytes_out) {
    rk_hash hash = rk_sha256(crypto, rk_key_bytes(key));
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, 128);
    rk_cbor_append_head(&buffer, 5, 3);
    rk_cbor_append_int(&buffer, HEADER_ALGORITHM);
    rk_cbor_append_int(&buffer, ALGORITHM_EDDSA);
    rk_cbor_append_int(&buffer, HEADER_KID);
    rk_cbor_append_bytes(&buffer, rk_bytes_of(hash.bytes, KID_SIZE));
    rk_cbor_append_int(&buffer, HEADER_TYP);
    rk_cbor_append_text(&buffer, rk_bytes_of_string(type_names[type]));
    return rk_buffer_finish(&buffer, bytes_out);
}

rk_status rk_cose_seal(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair, rk_cose_type type,
                       rk_bytes payload, rk_bytes *bytes_out) {
    rk_cose cose = {.unprotected_map = {.kind = RK_MAP}, .payload = payload};
    RK_TRY(profile_header(arena, crypto, &pair->public_key, type, &cose.protected_bytes));
    RK_TRY(rk_cose_sign(arena, crypto, pair, &cose));
    return rk_cose_encode(arena, &cose, bytes_out);
}

rk_status rk_cose_to_sign(rk_arena *arena, const rk_crypto *crypto, const rk_key *key, rk_cose_type type,
                          rk_bytes payload, rk_bytes *bytes_out) {
    rk_cose cose = {.payload = payload};
    RK_TRY(profile_header(arena, crypto, key, type, &cose.protected_bytes));
    return to_be_signed(arena, &cose, bytes_out);
}

rk_status rk_cose_of_signed(rk_arena *arena, rk_bytes signed_bytes, const uint8_t signature[RK_SIGNATURE_SIZE],
                            rk_bytes *bytes_out, rk_error *error) {
    rk_value list;
    const rk_cose none = {.unprotected_map = {.kind = RK_MAP}};
    if (rk_cbor_decode(arena, signed_bytes, &list, NULL) != RK_OK || list.kind != RK_LIST || list.as.list.count != 4) {
        return rk_fail(error, RK_BAD_COSE, "Sig_structure", "it is no list of four");
    }
    const rk_value *items = list.as.list.items;
    if (!rk_is_text(&items[0], RK_TEXT("Signature1")) || items[1].kind != RK_BYTES || items[2].kind != RK_BYTES ||
        items[2].as.bytes.size != 0 || items[3].kind != RK_BYTES) {
        return rk_fail(error, RK_BAD_COSE, "Sig_structure", "it is not [\"Signature1\", bytes, h'', bytes]");
    }
    rk_cose cose = none;
    cose.protected_bytes = items[1].as.bytes;
    cose.payload = items[3].as.bytes;
    cose.signature = rk_bytes_of(signature, RK_SIGNATURE_SIZE);
    rk_status status = rk_cose_encode(arena, &cose, bytes_out);
    return status == RK_OK ? RK_OK : rk_fail(error, status, "COSE_Sign1", "it cannot be written");
}

rk_status rk_cose_open(rk_arena *arena, rk_bytes bytes, rk_cose_type type, rk_cose *cose_out, rk_error *error) {
    RK_TRY(rk_cose_decode(arena, bytes, cose_out, error));
    if (cose_out->tagged || cose_out->unprotected_map.as.map.count != 0 || cose_out->protected_map.as.map.count != 3) {
        return rk_fail(error, RK_BAD_COSE, "COSE_Sign1", "it is tagged, or has other headers than the profile");
    }
    if (!rk_is_text(rk_map_find_int(&cose_out->protected_map, HEADER_TYP), rk_bytes_of_string(type_names[type]))) {
        return rk_fail(error, RK_BAD_COSE, "typ", "it is not \"%s\"", type_names[type]);
    }
    return RK_OK;
}

rk_status rk_cose_check(rk_arena *arena, const rk_crypto *crypto, const rk_cose *cose, const rk_key *key,
                        rk_error *error) {
    RK_TRY(rk_cose_verify(arena, crypto, cose, RK_CURVE_ED25519, rk_key_bytes(key), error));
    rk_hash hash = rk_sha256(crypto, rk_key_bytes(key));
    const rk_value *kid = rk_map_find_int(&cose->protected_map, HEADER_KID);
    if (!kid || kid->kind != RK_BYTES || !rk_bytes_equal(kid->as.bytes, rk_bytes_of(hash.bytes, KID_SIZE))) {
        return rk_fail(error, RK_BAD_SIGNATURE, "kid", "it does not name the key that signed");
    }
    return RK_OK;
}
