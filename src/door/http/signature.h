/*
 * HTTP Message Signatures (RFC 9421) with Ed25519: an actor signs each request with a key that the account knows.
 *
 * Invariants
 *   (1) A request is taken only when one of its actor's active keys signed @method, @authority, @path, @query when the
 *       target has one, and content-digest when there is a body; and when Content-Digest (RFC 9530) names the body's
 *       SHA-256. What is not covered may have been changed on the way.
 *   (2) It is taken within RK_SIGNATURE_WINDOW_S of its `created`, before its `expires`, and once (replays.h).
 *   (3) Signature-Input and Signature have exactly one member, under one label; more than one is refused, as no two
 *       readers may pick different ones.
 *   (4) A signature is remembered only after it verified, so that nobody without a key can fill the memory.
 *   (5) What nobody may know without a key is not told: an unknown actor, one without keys and a wrong key are all
 *       RK_BAD_SIGNATURE.
 *
 * Parameters of Signature-Input; others are signed and otherwise left alone:
 *     created  integer, seconds since 1970-01-01T00:00:00Z; required
 *     keyid    string; required: the actor's id, where each byte that is not 0x21 to 0x7E, and "%", is %XX in
 *              upper-case hex (one text for each id). Which of the actor's keys it is, the server finds out by trying.
 *     alg      string "ed25519", when given
 *     expires  integer, after created, when given
 *     nonce    string of at most RK_NONCE_SIZE_MAX characters, when given
 *
 * The signature base is that of section 2.5. Covered may be @method, @authority (in lower case), @path, @query,
 * @request-target, each as it came with no normalisation, and any header field; component parameters (;sf ;key ;bs ;req
 * ;tr) and other derived components are refused. A target that does not begin with "/" has no @path and is refused. As
 * section 2.2.7 has it, an empty query and none are the same: who handles a request must not tell "/a?" from "/a".
 */
#ifndef RK_DOOR_HTTP_SIGNATURE_H
#define RK_DOOR_HTTP_SIGNATURE_H

#include "core/crypto/crypto.h"
#include "door/http/fields.h"
#include "door/http/message.h"
#include "door/http/replays.h"
#include "door/http/signer.h"

enum {
    RK_SIGNATURE_WINDOW_S = 120,           /* either way: a clock may be ahead or behind */
    RK_SIGNATURE_BASE_SIZE_MAX = 64 << 10, /* bytes of a signature base */
    RK_NONCE_SIZE_MAX = 128,
};

/* The two fields, read. Borrows from the arena. */
typedef struct rk_signature {
    const rk_member *input; /* its key is the label; an inner list of covered components, and parameters */
    uint8_t bytes[RK_SIGNATURE_SIZE];
} rk_signature;

/* ---- as a whole ---- */

/*
 * Checks a request at second now_s and remembers its signature. RK_NOT_SIGNED, RK_BAD_HEADER, RK_LIMIT,
 * RK_UNSUPPORTED_ALGORITHM, RK_TOO_OLD (or too new), RK_COMPONENTS_MISSING, RK_DIGEST_MISMATCH, RK_BAD_SIGNATURE,
 * RK_REPLAYED, RK_OVERLOADED, RK_NO_MEMORY. An empty request->authority is one that the caller does not know: it need
 * not, and cannot, be covered, and a signature may then be used at another server of the account's actor.
 * `replays` NULL: the caller remembers signer_out->used itself before it takes the request, as one who shares a memory
 * among threads and will not lock it while signatures are verified.
 */
RK_MUST_USE rk_status rk_signature_check(rk_arena *arena, const rk_crypto *crypto, const rk_http_request *request,
                                         uint64_t now_s, const rk_signers *signers, rk_replays *replays,
                                         rk_signer *signer_out, rk_error *error);

/* The values of the fields that a client sends; `digest` is empty when there is no body, and then is not sent. */
typedef struct rk_signature_fields {
    rk_bytes digest;    /* Content-Digest */
    rk_bytes input;     /* Signature-Input */
    rk_bytes signature; /* Signature */
} rk_signature_fields;

/*
 * Signs a request that rk_signature_check takes; it must not have the three fields yet. `nonce` is printable ASCII or
 * empty; it makes two equal requests within one second differ. RK_BAD_ID for what is no actor's id, RK_BAD_HEADER.
 */
RK_MUST_USE rk_status rk_signature_make(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair,
                                        rk_bytes actor, const rk_http_request *request, uint64_t created_s,
                                        rk_bytes nonce, rk_signature_fields *fields_out, rk_error *error);

/* ---- in parts ---- */

/* Takes the two fields apart. RK_NOT_SIGNED, RK_BAD_HEADER, RK_LIMIT. */
RK_MUST_USE rk_status rk_signature_read(rk_arena *arena, const rk_http_request *request, rk_signature *signature_out,
                                        rk_error *error);
/* What is signed, for any covered components. RK_BAD_SIGNATURE when a covered field is missing; RK_BAD_HEADER. */
RK_MUST_USE rk_status rk_signature_base(rk_arena *arena, const rk_http_request *request, const rk_member *input,
                                        rk_bytes *base_out, rk_error *error);
/* Whether `key` signed what the signature covers, be it enough or not: no more of the rules above. */
RK_MUST_USE rk_status rk_signature_verify(rk_arena *arena, const rk_crypto *crypto, const rk_http_request *request,
                                          const rk_signature *signature, const rk_key *key, rk_error *error);
/* Signs what `input` covers; digest stays empty. */
RK_MUST_USE rk_status rk_signature_sign(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair,
                                        const rk_http_request *request, const rk_member *input,
                                        rk_signature_fields *fields_out, rk_error *error);

#endif
