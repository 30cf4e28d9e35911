/*
 * Strategy: any bytes as an answer, as a challenge that a client is to sign, and as the payload that an actor's key
 * signed.
 *
 * Invariants
 *   (1) None is taken: only the server's secret makes a challenge.
 *   (2) What is refused has a code; a client signs nothing that is no challenge.
 */
#include "core/event/cose.h"
#include "door/http/challenge.h"
#include "io/crypto.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t seed[RK_SEED_SIZE] = {7};

static rk_status active_keys(void *context, rk_bytes actor, rk_key keys_out[RK_SIGNER_KEYS_MAX], size_t *count_out,
                             rk_error *error) {
    const rk_key_pair *pair = context;
    (void)actor;
    (void)error;
    keys_out[0] = pair->public_key;
    *count_out = 1;
    return RK_OK;
}

static void check(rk_arena *arena, rk_key_pair *pair, rk_replays *replays, rk_bytes answer) {
    rk_signers signers = {active_keys, pair};
    rk_hash account = {{0}};
    rk_signer signer;
    rk_error error = {0};
    rk_status status = rk_challenge_check(arena, rk_crypto_sodium(), seed, &account, answer, 1800000000, &signers,
                                          replays, &signer, &error);
    RK_ASSERT(status != RK_OK && status == error.code && error.what[0] && !signer.actor.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const rk_crypto *crypto = rk_crypto_sodium();
    rk_bytes bytes = rk_bytes_of(data, size), answer;
    rk_hash account = {{0}};
    rk_key_pair pair;
    rk_arena arena;
    rk_replays *replays;
    rk_cose cose;
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    crypto->key_pair_of_seed(seed, &pair);
    rk_status status = rk_replays_make(&arena, 4, seed, 0, &replays);
    RK_ASSERT(status == RK_OK);
    check(&arena, &pair, replays, bytes);
    if (rk_cose_seal(&arena, crypto, &pair, RK_COSE_CHALLENGE, bytes, &answer) == RK_OK) {
        check(&arena, &pair, replays, answer);
    }
    status = rk_challenge_answer(&arena, crypto, &pair, &account, RK_TEXT("ada"), bytes, &answer, NULL);
    if (status == RK_OK) {
        status = rk_cose_open(&arena, answer, RK_COSE_CHALLENGE, &cose, NULL);
        RK_ASSERT(status == RK_OK && rk_bytes_equal(cose.payload, bytes) && size <= RK_CHALLENGE_SIZE_MAX);
        check(&arena, &pair, replays, answer);
    }
    rk_arena_free(&arena);
    return 0;
}
