/*
 * Strategy: the input is a request in lines: method, target, authority, then fields "Name: value", and behind an empty
 * line the body. It is checked as it stands; then it is signed, and checked with its own signature; then one byte of
 * it, chosen by its first byte, is changed.
 *
 * Invariants
 *   (1) A request that nobody signed is never taken; what is refused says where and what.
 *   (2) What was signed is taken, and not twice.
 *   (3) With another byte in method, target or body it is not taken.
 *   (4) What the two fields say prints to what reads to the same signature base.
 */
#include <string.h>

#include "door/http/signature.h"
#include "io/crypto.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1800000000, HEADERS_MAX = 32 };

typedef struct world {
    rk_arena arena;
    const rk_crypto *crypto;
    rk_key_pair pair;
    rk_replays *replays;
    rk_http_request request;
    rk_http_header headers[HEADERS_MAX + 3];
} world;

/* Everybody has the one key. */
static rk_status active_keys(void *context, rk_bytes actor, rk_key keys_out[RK_SIGNER_KEYS_MAX], size_t *count_out,
                             rk_error *error) {
    const world *world = context;
    (void)error;
    RK_ASSERT(actor.size > 0);
    keys_out[0] = world->pair.public_key;
    *count_out = 1;
    return RK_OK;
}

static rk_bytes take_line(rk_bytes *rest) {
    size_t end = rk_bytes_find(*rest, '\n');
    rk_bytes line = rk_bytes_of(rest->data, end);
    *rest = rk_bytes_from(*rest, end + 1);
    return line;
}

static void read_request(world *world, rk_bytes text) {
    rk_http_request *request = &world->request;
    request->method = take_line(&text);
    request->target = take_line(&text);
    request->authority = take_line(&text);
    request->headers = world->headers;
    while (text.size > 0 && request->header_count < HEADERS_MAX) {
        rk_bytes line = take_line(&text);
        if (line.size == 0) break;
        size_t colon = rk_bytes_find(line, ':');
        world->headers[request->header_count++] =
            (rk_http_header){rk_bytes_of(line.data, colon), rk_bytes_from(line, colon + 1)};
    }
    request->body = text;
}

static rk_status check(world *world) {
    rk_signers signers = {active_keys, world};
    rk_signer signer;
    rk_error error = {0};
    rk_status status = rk_signature_check(&world->arena, world->crypto, &world->request, NOW_S, &signers,
                                          world->replays, &signer, &error);
    RK_ASSERT(status == error.code && (status == RK_OK) == (signer.actor.size > 0));
    RK_ASSERT(status == RK_OK || (error.where[0] && error.what[0]));
    return status;
}

static void reads_again(world *world) {
    rk_signature signature;
    rk_signature_fields fields;
    rk_dictionary again;
    rk_bytes base, twice;
    if (rk_signature_read(&world->arena, &world->request, &signature, NULL) != RK_OK) return;
    if (rk_signature_base(&world->arena, &world->request, signature.input, &base, NULL) != RK_OK) return;
    rk_status status =
        rk_signature_sign(&world->arena, world->crypto, &world->pair, &world->request, signature.input, &fields, NULL);
    if (status != RK_OK) return; /* its canonical text may pass the limit of a field */
    status = rk_dictionary_read(&world->arena, fields.input, &again, NULL);
    RK_ASSERT(status == RK_OK && again.count == 1);
    status = rk_signature_base(&world->arena, &world->request, again.members, &twice, NULL);
    RK_ASSERT(status == RK_OK && rk_bytes_equal(base, twice));
}

static bool has_field(const rk_http_request *request, rk_bytes name) {
    for (size_t i = 0; i < request->header_count; i++) {
        if (rk_http_name_equal(request->headers[i].name, name)) return true;
    }
    return false;
}

static bool sign(world *world) {
    rk_http_request *request = &world->request;
    rk_signature_fields fields;
    if (has_field(request, RK_TEXT("signature")) || has_field(request, RK_TEXT("signature-input")) ||
        has_field(request, RK_TEXT("content-digest"))) {
        return false;
    }
    rk_status status = rk_signature_make(&world->arena, world->crypto, &world->pair, RK_TEXT("ada"), request, NOW_S,
                                         RK_TEXT("n"), &fields, NULL);
    if (status != RK_OK) return false;
    world->headers[request->header_count++] = (rk_http_header){RK_TEXT("signature-input"), fields.input};
    world->headers[request->header_count++] = (rk_http_header){RK_TEXT("signature"), fields.signature};
    if (fields.digest.size) {
        world->headers[request->header_count++] = (rk_http_header){RK_TEXT("content-digest"), fields.digest};
    }
    return true;
}

static void changed_is_refused(world *world, rk_bytes *part, uint8_t dice) {
    rk_bytes whole = *part;
    uint8_t *changed = rk_arena_take(&world->arena, whole.size);
    if (whole.size == 0 || !changed) return;
    memcpy(changed, whole.data, whole.size);
    changed[dice % whole.size] ^= (uint8_t)(1 + dice % 127);
    *part = rk_bytes_of(changed, whole.size);
    rk_status status = check(world);
    RK_ASSERT(status != RK_OK && status != RK_REPLAYED);
    *part = whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t seed[RK_SEED_SIZE] = {7};
    world world = {.crypto = rk_crypto_sodium()};
    if (size < 1) return 0;
    rk_arena_init(&world.arena, rk_memory_system(), 1 << 26);
    world.crypto->key_pair_of_seed(seed, &world.pair);
    rk_status status = rk_replays_make(&world.arena, 16, seed, 0, &world.replays);
    RK_ASSERT(status == RK_OK);
    read_request(&world, rk_bytes_of(data + 1, size - 1));
    RK_ASSERT(check(&world) != RK_OK);
    reads_again(&world);
    if (sign(&world)) {
        changed_is_refused(&world, &world.request.method, data[0]);
        changed_is_refused(&world, &world.request.target, data[0]);
        changed_is_refused(&world, &world.request.body, data[0]);
        RK_ASSERT(check(&world) == RK_OK);
        RK_ASSERT(check(&world) == RK_REPLAYED);
        reads_again(&world);
    }
    rk_arena_free(&world.arena);
    return 0;
}
