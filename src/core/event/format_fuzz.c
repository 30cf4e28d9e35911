/*
 * Strategy: the first byte chooses a decoder, the rest are its bytes. The bytes of a batch or record are taken for the
 * payload of a seal that verifies half of the time, so that what lies behind the signature is reached too.
 *
 * Invariants
 *   (1) An event that decodes encodes to the same bytes.
 *   (2) What is refused names a code.
 *   (3) A batch or record that opens encodes to the same bytes.
 */
#include "core/event/format_testing.h"
#include "io/crypto.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void always_sign(const rk_key_pair *pair, rk_bytes message, uint8_t signature_out[RK_SIGNATURE_SIZE]) {
    (void)pair, (void)message;
    for (size_t i = 0; i < RK_SIGNATURE_SIZE; i++) signature_out[i] = 0;
}

static bool always_verify(const rk_key *key, rk_bytes message, const uint8_t signature[RK_SIGNATURE_SIZE]) {
    (void)key, (void)message, (void)signature;
    return true;
}

static void fuzz_event(rk_arena *arena, rk_bytes bytes, rk_error *error) {
    rk_event event;
    rk_bytes again;
    rk_id id = rk_event_id(bytes);
    rk_status status = rk_event_decode(arena, bytes, &event, error);
    RK_ASSERT(status == RK_OK || error->code == status);
    if (status != RK_OK) return;
    RK_ASSERT(rk_id_compare(id, event.id) == 0);
    RK_ASSERT(rk_event_encode(arena, &event, &again) == RK_OK && rk_bytes_equal(bytes, again));
}

static void fuzz_batch(rk_arena *arena, const rk_crypto *crypto, rk_bytes bytes, rk_error *error) {
    rk_batch batch;
    rk_bytes again;
    rk_status status = rk_batch_open(arena, crypto, bytes, &batch, error);
    RK_ASSERT(status == RK_OK || error->code == status);
    if (status != RK_OK) return;
    RK_ASSERT(rk_batch_encode(arena, &batch, &again) == RK_OK && rk_bytes_equal(bytes, again));
}

/* A seal around any payload, so that the fuzzer need not find one. */
static void fuzz_payload(rk_arena *arena, const rk_crypto *crypto, rk_cose_type type, rk_bytes payload,
                         rk_error *error) {
    rk_key_pair pair = {{0}, {{0}}};
    rk_bytes seal;
    if (rk_cose_seal(arena, crypto, &pair, type, payload, &seal) != RK_OK) return;
    rk_batch batch;
    rk_record record;
    rk_status status = type == RK_COSE_RECORD ? rk_record_open(arena, crypto, seal, &record, error)
                                              : rk_batch_open_seal(arena, crypto, seal, &batch, error);
    RK_ASSERT(status == RK_OK || error->code == status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    const rk_crypto crypto = {rk_crypto_sodium()->sha256, rk_crypto_sodium()->key_pair_of_seed, always_sign,
                              always_verify};
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    rk_bytes bytes = {data + 1, size - 1};
    rk_error error = {0};
    rk_cose cose;
    switch (data[0] % 5) {
    case 0:
        fuzz_event(&arena, bytes, &error);
        break;
    case 1:
        fuzz_batch(&arena, data[0] & 0x80 ? &crypto : rk_crypto_sodium(), bytes, &error);
        break;
    case 2:
        fuzz_payload(&arena, &crypto, RK_COSE_BATCH, bytes, &error);
        break;
    case 3:
        fuzz_payload(&arena, &crypto, RK_COSE_RECORD, bytes, &error);
        break;
    default:
        if (rk_cose_decode(&arena, bytes, &cose, &error) != RK_OK) RK_ASSERT(error.code == RK_BAD_COSE);
    }
    rk_arena_free(&arena);
    return 0;
}
