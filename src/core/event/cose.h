/*
 * COSE_Sign1 (RFC 9052 section 4.2) with Ed25519 (RFC 9053 section 2.2): a general layer, and our profile on top.
 *
 * Invariants
 *   (1) The general layer keeps the protected header's bytes as they came, so that what verified signs again to the
 *       same bytes.
 *   (2) The profile is one encoding: untagged, protected exactly {1: -8 (EdDSA), 4: kid, 16: typ}, no unprotected
 *       header, payload attached. `typ` (RFC 9596) keeps one kind of signed bytes from passing for another.
 *
 * Wire form: a CBOR list of 4, with tag 18 before it or not.
 *     item  field
 *        0  protected header, a byte string that holds a map
 *        1  unprotected header, a map
 *        2  payload, a byte string
 *        3  signature, a byte string: 64 bytes, over ["Signature1", item 0, h'', item 2]
 */
#ifndef RK_CORE_EVENT_COSE_H
#define RK_CORE_EVENT_COSE_H

#include "core/crypto/crypto.h"
#include "core/value/cbor.h"

/* What a profile signature is about. */
typedef enum rk_cose_type {
    RK_COSE_BATCH,
    RK_COSE_RECORD,
    RK_COSE_GENESIS,
    RK_COSE_SNAPSHOT,
    RK_COSE_CHALLENGE,
} rk_cose_type;

typedef enum rk_curve { RK_CURVE_ED25519 = 6, RK_CURVE_ED448 = 7 } rk_curve; /* RFC 9053 table 18 */

typedef struct rk_cose {
    bool tagged;
    rk_bytes protected_bytes; /* the map's encoding; empty means no header */
    rk_value protected_map;
    rk_value unprotected_map;
    rk_bytes payload;
    rk_bytes signature;
} rk_cose;

/* Reads any COSE_Sign1 with an attached payload. RK_BAD_COSE otherwise. Borrows from `bytes`. */
RK_MUST_USE rk_status rk_cose_decode(rk_arena *arena, rk_bytes bytes, rk_cose *cose_out, rk_error *error);
RK_MUST_USE rk_status rk_cose_encode(rk_arena *arena, const rk_cose *cose, rk_bytes *bytes_out);
/*
 * Checks the signature. RK_UNSUPPORTED_ALGORITHM unless the protected algorithm is EdDSA and the key is an Ed25519
 * key; RK_BAD_SIGNATURE when it does not verify.
 */
RK_MUST_USE rk_status rk_cose_verify(rk_arena *arena, const rk_crypto *crypto, const rk_cose *cose, rk_curve curve,
                                     rk_bytes key, rk_error *error);
/* Fills in cose->signature over the other fields, in the arena. */
RK_MUST_USE rk_status rk_cose_sign(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair, rk_cose *cose);

/* Profile: signs `payload` as a `type`. kid is the first 8 bytes of the key's SHA-256. */
RK_MUST_USE rk_status rk_cose_seal(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair, rk_cose_type type,
                                   rk_bytes payload, rk_bytes *bytes_out);
/* Profile: what a signature by `key` has to be over, for somebody else to make it (RFC 9052 section 4.4). */
RK_MUST_USE rk_status rk_cose_to_sign(rk_arena *arena, const rk_crypto *crypto, const rk_key *key, rk_cose_type type,
                                      rk_bytes payload, rk_bytes *bytes_out);
/* The COSE_Sign1 of these bytes and their signature, which is not verified. RK_BAD_COSE when they are none. */
RK_MUST_USE rk_status rk_cose_of_signed(rk_arena *arena, rk_bytes signed_bytes,
                                        const uint8_t signature[RK_SIGNATURE_SIZE], rk_bytes *bytes_out,
                                        rk_error *error);
/* Profile: the payload of bytes that say they are a `type`, not verified yet. RK_BAD_COSE when out of profile. */
RK_MUST_USE rk_status rk_cose_open(rk_arena *arena, rk_bytes bytes, rk_cose_type type, rk_cose *cose_out,
                                   rk_error *error);
/* Profile: that `key` signed it. RK_BAD_SIGNATURE also when kid names another key. */
RK_MUST_USE rk_status rk_cose_check(rk_arena *arena, const rk_crypto *crypto, const rk_cose *cose, const rk_key *key,
                                    rk_error *error);

#endif
