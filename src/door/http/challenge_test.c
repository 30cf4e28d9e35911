/*
 * Login challenges: given, answered, taken once; and whatever else is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "core/event/cose.h"
#include "door/http/challenge.h"
#include "io/crypto.h"
#include "io/memory.h"

enum { NOW_S = 1800000000 };

static rk_arena arena;
static const rk_crypto *crypto;
static rk_key_pair pair, other;
static rk_hash account;
static rk_replays *replays;
static const uint8_t secret[RK_CHALLENGE_SECRET_SIZE] = {5, 6, 7};

static int forget(void **state) {
    static const uint8_t seed[RK_REPLAYS_SEED_SIZE] = {9};
    (void)state;
    return rk_replays_make(&arena, 100, seed, 0, &replays) != RK_OK;
}

static int start(void **state) {
    (void)state;
    crypto = rk_crypto_sodium();
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    crypto->key_pair_of_seed(rk_sha256(crypto, RK_TEXT("ada's key")).bytes, &pair);
    crypto->key_pair_of_seed(rk_sha256(crypto, RK_TEXT("another key")).bytes, &other);
    account = rk_sha256(crypto, RK_TEXT("an account"));
    return 0;
}

static int stop(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static rk_status active_keys(void *context, rk_bytes actor, rk_key keys_out[RK_SIGNER_KEYS_MAX], size_t *count_out,
                             rk_error *error) {
    (void)context;
    (void)error;
    if (!rk_bytes_equal(actor, RK_TEXT("ada"))) return RK_OK;
    keys_out[0] = (rk_key){{1}};
    keys_out[1] = pair.public_key;
    *count_out = 2;
    return RK_OK;
}

static rk_bytes give(const char *actor, uint64_t expires_s, uint8_t nonce) {
    rk_challenge challenge = {account, rk_bytes_of_string(actor), {nonce}, expires_s};
    rk_bytes bytes;
    assert_int_equal(rk_challenge_make(&arena, crypto, secret, &challenge, &bytes, NULL), RK_OK);
    return bytes;
}

static rk_bytes answer(const rk_key_pair *key, const char *actor, rk_bytes challenge) {
    rk_bytes bytes;
    assert_int_equal(
        rk_challenge_answer(&arena, crypto, key, &account, rk_bytes_of_string(actor), challenge, &bytes, NULL), RK_OK);
    return bytes;
}

static rk_status check_with(const uint8_t *with, const rk_hash *of, rk_bytes bytes, uint64_t now_s) {
    static const rk_signers signers = {active_keys, NULL};
    rk_signer signer;
    rk_error error = {0};
    rk_status status = rk_challenge_check(&arena, crypto, with, of, bytes, now_s, &signers, replays, &signer, &error);
    assert_int_equal(status, error.code);
    assert_int_equal(rk_bytes_equal(signer.actor, RK_TEXT("ada")), status == RK_OK);
    assert_int_equal(rk_key_equal(&signer.key, &pair.public_key), status == RK_OK);
    return status;
}

static rk_status check_at(rk_bytes bytes, uint64_t now_s) {
    return check_with(secret, &account, bytes, now_s);
}

static void an_answer_is_taken_once(void **state) {
    rk_bytes challenge = give("ada", NOW_S + 60, 1), bytes = answer(&pair, "ada", challenge);
    (void)state;
    assert_int_equal(check_at(bytes, NOW_S), RK_OK);
    assert_int_equal(check_at(bytes, NOW_S), RK_REPLAYED);
    assert_int_equal(check_at(bytes, NOW_S + 60), RK_REPLAYED);
    assert_int_equal(check_at(bytes, NOW_S + 61), RK_BAD_CHALLENGE);
    assert_int_equal(check_at(answer(&pair, "ada", give("ada", NOW_S + 120, 2)), NOW_S + 120), RK_OK);
}

static void it_ends_at_its_second(void **state) {
    rk_bytes bytes = answer(&pair, "ada", give("ada", NOW_S + RK_CHALLENGE_LIFETIME_S_MAX, 3));
    (void)state;
    assert_int_equal(check_at(bytes, NOW_S - 1), RK_BAD_CHALLENGE);
    assert_int_equal(check_at(bytes, NOW_S + RK_CHALLENGE_LIFETIME_S_MAX + 1), RK_BAD_CHALLENGE);
    assert_int_equal(check_at(bytes, NOW_S), RK_OK);
}

static void only_this_server_and_account_take_it(void **state) {
    static const uint8_t other_secret[RK_CHALLENGE_SECRET_SIZE] = {5, 6, 8};
    rk_hash another = rk_sha256(crypto, RK_TEXT("another account"));
    rk_bytes bytes = answer(&pair, "ada", give("ada", NOW_S + 60, 4)), out;
    (void)state;
    assert_int_equal(check_with(other_secret, &account, bytes, NOW_S), RK_BAD_CHALLENGE);
    assert_int_equal(check_with(secret, &another, bytes, NOW_S), RK_BAD_CHALLENGE);
    rk_bytes challenge = give("ada", NOW_S + 60, 5);
    assert_int_equal(rk_challenge_answer(&arena, crypto, &pair, &another, RK_TEXT("ada"), challenge, &out, NULL),
                     RK_WRONG_ACCOUNT);
    assert_int_equal(rk_challenge_answer(&arena, crypto, &pair, &account, RK_TEXT("bob"), challenge, &out, NULL),
                     RK_BAD_CHALLENGE);
    assert_int_equal(
        rk_challenge_answer(&arena, crypto, &pair, &account, RK_TEXT("ada"), RK_TEXT("sign me"), &out, NULL),
        RK_BAD_CHALLENGE);
}

static void strangers_are_refused_alike(void **state) {
    (void)state;
    assert_int_equal(check_at(answer(&other, "ada", give("ada", NOW_S + 60, 6)), NOW_S), RK_BAD_SIGNATURE);
    assert_int_equal(check_at(answer(&other, "eve", give("eve", NOW_S + 60, 7)), NOW_S), RK_BAD_SIGNATURE);
    assert_int_equal(check_at(answer(&pair, "eve", give("eve", NOW_S + 60, 8)), NOW_S), RK_BAD_SIGNATURE);
    assert_int_equal(rk_replays_count(replays), 0);
}

static void another_kind_of_signature_is_no_answer(void **state) {
    rk_bytes challenge = give("ada", NOW_S + 60, 9), sealed;
    (void)state;
    assert_int_equal(rk_cose_seal(&arena, crypto, &pair, RK_COSE_BATCH, challenge, &sealed), RK_OK);
    assert_int_equal(check_at(sealed, NOW_S), RK_BAD_COSE);
    assert_int_equal(check_at(challenge, NOW_S), RK_BAD_COSE);
    assert_int_equal(check_at(RK_TEXT(""), NOW_S), RK_BAD_COSE);
    assert_int_equal(rk_cose_seal(&arena, crypto, &pair, RK_COSE_CHALLENGE, RK_TEXT("\xa0"), &sealed), RK_OK);
    assert_int_equal(check_at(sealed, NOW_S), RK_BAD_CHALLENGE);
}

static void bounds_are_kept(void **state) {
    static char actor[RK_ACTOR_SIZE_MAX + 2];
    static const uint8_t long_text[RK_ANSWER_SIZE_MAX + 1];
    rk_challenge challenge = {account, RK_TEXT(""), {0}, NOW_S};
    rk_bytes bytes;
    (void)state;
    memset(actor, 'a', sizeof actor - 1);
    assert_int_equal(rk_challenge_make(&arena, crypto, secret, &challenge, &bytes, NULL), RK_BAD_ID);
    challenge.actor = rk_bytes_of_string(actor);
    assert_int_equal(rk_challenge_make(&arena, crypto, secret, &challenge, &bytes, NULL), RK_BAD_ID);
    actor[RK_ACTOR_SIZE_MAX] = 0;
    assert_true(answer(&pair, actor, give(actor, INT64_MAX, 0)).size <= RK_ANSWER_SIZE_MAX);
    assert_int_equal(check_at(rk_bytes_of(long_text, sizeof long_text), NOW_S), RK_BAD_COSE);
}

static void every_changed_bit_is_refused(void **state) {
    rk_bytes bytes = answer(&pair, "ada", give("ada", NOW_S + 60, 10));
    uint8_t changed[RK_ANSWER_SIZE_MAX];
    (void)state;
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        memcpy(changed, bytes.data, bytes.size);
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(check_at(rk_bytes_of(changed, bytes.size), NOW_S), RK_OK);
    }
    for (size_t size = 0; size < bytes.size; size++) {
        assert_int_not_equal(check_at(rk_bytes_of(bytes.data, size), NOW_S), RK_OK);
    }
    assert_int_equal(check_at(bytes, NOW_S), RK_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_answer_is_taken_once, forget),
        cmocka_unit_test_setup(it_ends_at_its_second, forget),
        cmocka_unit_test_setup(only_this_server_and_account_take_it, forget),
        cmocka_unit_test_setup(strangers_are_refused_alike, forget),
        cmocka_unit_test_setup(another_kind_of_signature_is_no_answer, forget),
        cmocka_unit_test_setup(bounds_are_kept, forget),
        cmocka_unit_test_setup(every_changed_bit_is_refused, forget),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
