/*
 * A request's signature as a whole: what has to be covered, the times, the digest, the keys, and that it is the first
 * time. Cheap checks come first, and the memory of signatures last.
 */
#include "door/http/signature.h"

#include <string.h>

#include "door/http/digest.h"
#include "door/http/key_id.h"

enum { COVERED_MAX = 5, HEADERS_MAX = 1024 };

_Static_assert(2 * RK_SIGNATURE_WINDOW_S <= RK_REPLAYS_SPAN_S, "a signature from the future is remembered long enough");

static rk_status bad(rk_error *error, const char *where, const char *what) {
    return rk_fail(error, RK_BAD_HEADER, where, "%s", what);
}

/* ---- parameters ---- */

/* A parameter of the kind that it has to have; *value_out is NULL when it is not given. */
static rk_status get_parameter(const rk_signature *signature, const char *name, rk_bare_kind kind,
                               const rk_bare **value_out, rk_error *error) {
    *value_out = rk_parameters_find(&signature->input->parameters, rk_bytes_of_string(name));
    if (!*value_out || (*value_out)->kind == kind) return RK_OK;
    return bad(error, name, kind == RK_BARE_INTEGER ? "it is not an integer" : "it is not a string");
}

static rk_status check_times(const rk_signature *signature, uint64_t now_s, uint64_t *created_out, rk_error *error) {
    const rk_bare *created, *expires;
    *created_out = 0;
    RK_TRY(get_parameter(signature, "created", RK_BARE_INTEGER, &created, error));
    RK_TRY(get_parameter(signature, "expires", RK_BARE_INTEGER, &expires, error));
    if (!created || created->integer < 0) return bad(error, "created", "it is missing, or before 1970");
    uint64_t created_s = (uint64_t)created->integer;
    if (expires && expires->integer <= created->integer) return bad(error, "expires", "it is not after created");
    if (created_s + RK_SIGNATURE_WINDOW_S < now_s) {
        return rk_fail(error, RK_TOO_OLD, "created", "it was signed %u s ago", now_s - created_s);
    }
    if (created_s > now_s && created_s - now_s > RK_SIGNATURE_WINDOW_S) {
        return rk_fail(error, RK_TOO_OLD, "created", "it is %u s ahead", created_s - now_s);
    }
    if (expires && (uint64_t)expires->integer <= now_s) return rk_fail(error, RK_TOO_OLD, "expires", "it has passed");
    *created_out = created_s;
    return RK_OK;
}

static rk_status check_algorithm(const rk_signature *signature, rk_error *error) {
    const rk_bare *algorithm, *nonce;
    RK_TRY(get_parameter(signature, "alg", RK_BARE_STRING, &algorithm, error));
    RK_TRY(get_parameter(signature, "nonce", RK_BARE_STRING, &nonce, error));
    if (nonce && nonce->bytes.size > RK_NONCE_SIZE_MAX) return rk_fail(error, RK_LIMIT, "nonce", "RK_NONCE_SIZE_MAX");
    if (!algorithm || rk_bytes_equal(algorithm->bytes, RK_TEXT("ed25519"))) return RK_OK;
    return rk_fail(error, RK_UNSUPPORTED_ALGORITHM, "alg", "it is not \"ed25519\"");
}

static rk_status read_actor(rk_arena *arena, const rk_signature *signature, rk_bytes *actor_out, rk_error *error) {
    const rk_bare *key_id;
    *actor_out = (rk_bytes){NULL, 0};
    RK_TRY(get_parameter(signature, "keyid", RK_BARE_STRING, &key_id, error));
    if (!key_id) return bad(error, "keyid", "it is missing");
    rk_status status = rk_actor_of_key_id(arena, key_id->bytes, actor_out);
    if (status == RK_BAD_ID) return bad(error, "keyid", "it is not an actor's id as keyid writes it");
    return status == RK_OK ? RK_OK : rk_fail(error, status, "keyid", "there is no memory for it");
}

/* ---- what has to be covered ---- */

/* The names, for making and for checking alike. Returns how many. */
static size_t required(const rk_http_request *request, bool digest, rk_bytes names_out[COVERED_MAX]) {
    size_t count = 0;
    names_out[count++] = RK_TEXT("@method");
    if (request->authority.size > 0) names_out[count++] = RK_TEXT("@authority");
    names_out[count++] = RK_TEXT("@path");
    if (rk_http_query(request).size > 0) names_out[count++] = RK_TEXT("@query");
    if (digest) names_out[count++] = RK_TEXT("content-digest");
    return count;
}

static bool covers(const rk_member *input, rk_bytes name) {
    for (size_t i = 0; i < input->item_count; i++) {
        const rk_bare *value = &input->items[i].value;
        if (value->kind == RK_BARE_STRING && rk_bytes_equal(value->bytes, name)) return true;
    }
    return false;
}

static rk_status check_covered(const rk_signature *signature, const rk_http_request *request, rk_error *error) {
    rk_bytes names[COVERED_MAX];
    size_t count = required(request, request->body.size > 0, names);
    for (size_t i = 0; i < count; i++) {
        if (covers(signature->input, names[i])) continue;
        return rk_fail(error, RK_COMPONENTS_MISSING, "signature-input", "it does not cover \"%b\"", names[i]);
    }
    return RK_OK;
}

/* A digest that is there has to be right, with a body or without. */
static rk_status check_digest(rk_arena *arena, const rk_crypto *crypto, const rk_http_request *request,
                              rk_error *error) {
    bool found;
    rk_bytes digest;
    RK_TRY(rk_http_field(arena, request, RK_TEXT("content-digest"), &found, &digest, error));
    if (!found && request->body.size == 0) return RK_OK;
    return rk_digest_check(arena, crypto, digest, request->body, error);
}

/* ---- who it was ---- */

static rk_status find_signer(rk_arena *arena, const rk_crypto *crypto, const rk_http_request *request,
                             const rk_signature *signature, const rk_signers *signers, rk_signer *signer,
                             rk_error *error) {
    rk_key keys[RK_SIGNER_KEYS_MAX];
    size_t count = 0;
    rk_bytes base;
    RK_TRY(rk_signature_base(arena, request, signature->input, &base, error));
    RK_TRY(signers->active_keys(signers->context, signer->actor, keys, &count, error));
    RK_ASSERT(count <= RK_SIGNER_KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!crypto->verify(&keys[i], base, signature->bytes)) continue;
        signer->key = keys[i];
        return RK_OK;
    }
    return rk_fail(error, RK_BAD_SIGNATURE, "signature", "no active key of that actor made it over this request");
}

rk_status rk_signature_check(rk_arena *arena, const rk_crypto *crypto, const rk_http_request *request, uint64_t now_s,
                             const rk_signers *signers, rk_replays *replays, rk_signer *signer_out, rk_error *error) {
    rk_signature signature;
    rk_signer signer = {0};
    memset(signer_out, 0, sizeof *signer_out);
    RK_TRY(rk_signature_read(arena, request, &signature, error));
    RK_TRY(check_algorithm(&signature, error));
    RK_TRY(check_times(&signature, now_s, &signer.created_s, error));
    RK_TRY(read_actor(arena, &signature, &signer.actor, error));
    RK_TRY(check_covered(&signature, request, error));
    RK_TRY(check_digest(arena, crypto, request, error));
    RK_TRY(find_signer(arena, crypto, request, &signature, signers, &signer, error));
    signer.used = rk_sha256(crypto, rk_bytes_of(signature.bytes, sizeof signature.bytes));
    signer.until_s = signer.created_s + RK_SIGNATURE_WINDOW_S;
    if (replays) RK_TRY(rk_replays_remember(replays, &signer.used, signer.until_s, now_s, error));
    *signer_out = signer;
    return RK_OK;
}

/* ---- making ---- */

/* The request with Content-Digest behind its other fields, where there is a body. */
static rk_status add_digest(rk_arena *arena, const rk_crypto *crypto, rk_http_request *request, rk_bytes *digest_out) {
    *digest_out = (rk_bytes){NULL, 0};
    if (request->body.size == 0) return RK_OK;
    if (request->header_count >= HEADERS_MAX) return RK_LIMIT;
    rk_http_header *headers = rk_arena_take_array(arena, request->header_count + 1, sizeof *headers);
    if (!headers) return RK_NO_MEMORY;
    if (request->header_count) memcpy(headers, request->headers, request->header_count * sizeof *headers);
    RK_TRY(rk_digest_make(arena, crypto, request->body, digest_out));
    headers[request->header_count++] = (rk_http_header){RK_TEXT("content-digest"), *digest_out};
    request->headers = headers;
    return RK_OK;
}

static bool is_printable(rk_bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~') return false;
    }
    return true;
}

static rk_parameter text_parameter(rk_bytes key, rk_bytes text) {
    return (rk_parameter){key, {RK_BARE_STRING, 0, text}};
}

rk_status rk_signature_make(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair, rk_bytes actor,
                            const rk_http_request *request, uint64_t created_s, rk_bytes nonce,
                            rk_signature_fields *fields_out, rk_error *error) {
    rk_http_request whole = *request;
    rk_bytes digest, key_id, names[COVERED_MAX];
    rk_item items[COVERED_MAX] = {0};
    memset(fields_out, 0, sizeof *fields_out);
    rk_status status = rk_key_id_of_actor(arena, actor, &key_id);
    if (status != RK_OK) return rk_fail(error, status, "actor", "this cannot be an actor's id");
    if (nonce.size > RK_NONCE_SIZE_MAX || !is_printable(nonce)) return bad(error, "nonce", "it is not short ASCII");
    status = add_digest(arena, crypto, &whole, &digest);
    if (status != RK_OK) return rk_fail(error, status, "content-digest", "it could not be written");
    rk_parameter parameters[] = {{RK_TEXT("created"), {RK_BARE_INTEGER, (int64_t)created_s, {NULL, 0}}},
                                 text_parameter(RK_TEXT("keyid"), key_id),
                                 text_parameter(RK_TEXT("alg"), RK_TEXT("ed25519")),
                                 text_parameter(RK_TEXT("nonce"), nonce)};
    size_t count = required(&whole, digest.size > 0, names);
    for (size_t i = 0; i < count; i++) items[i].value = (rk_bare){RK_BARE_STRING, 0, names[i]};
    rk_member input = {.key = RK_TEXT("sig"), .is_list = true, .items = items, .item_count = count};
    input.parameters = (rk_parameters){parameters, nonce.size > 0 ? 4 : 3};
    RK_TRY(rk_signature_sign(arena, crypto, pair, &whole, &input, fields_out, error));
    fields_out->digest = digest;
    return RK_OK;
}
