/*
 * COSE_Sign1: the working group's vectors through the general layer, and what the profile refuses.
 */
#include "core/event/cose.h"

#include <setjmp.h>
#include <string.h>
/* cmocka needs the two above first */
#include <cmocka.h>

#include "io/crypto.h"
#include "io/memory.h"

/* cose-wg/Examples, eddsa-sig-01: Ed25519; the seed and public key are those of RFC 8032 section 7.1 test 1. */
static const char ed25519_cose[] =
    "D28445A201270300A10442313154546869732069732074686520636F6E74656E742E58407142FD2FF96D56DB85BEE905A76BA1D0B7321A95C8"
    "C4D3607C5781932B7AFB8711497DFA751BF40B58B3BCC32300B1487F3DB34085EEF013BF08F4A44D6FEF0D";
static const char ed25519_seed[] = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
static const char ed25519_key[] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
/* eddsa-sig-02: Ed448. */
static const char ed448_cose[] =
    "D28443A10127A10445656434343854546869732069732074686520636F6E74656E742E5872988240A3A2F189BD486DE14AA77F54686C576A09"
    "F2E7ED9BAE910DF9139C2AC3BE7C27B7E10A20FA17C9D57D3510A2CF1F634BC0345AB9BE00849842171D1E9E98B2674C0E38BFCF6C557A1692"
    "B01B71015A47AC9F7748840CAD1DA80CBB5B349309FEBB912672B377C8B2072AF1598B3700";
static const char ed448_key[] = "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd678"
                                "3df1e50f6cd1fa1abeafe8256180";

static rk_arena arena;

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static rk_bytes hex(const char *text) {
    size_t size = strlen(text) / 2;
    uint8_t *bytes = rk_arena_take(&arena, size);
    assert_true(rk_hex_read(rk_bytes_of_string(text), bytes, size));
    return rk_bytes_of(bytes, size);
}

static void the_ed25519_vector_verifies_and_signs_again_to_the_same_bytes(void **state) {
    (void)state;
    rk_cose cose;
    rk_bytes bytes = hex(ed25519_cose), again;
    rk_key_pair pair;
    rk_crypto_sodium()->key_pair_of_seed(hex(ed25519_seed).data, &pair);
    assert_true(rk_bytes_equal(rk_key_bytes(&pair.public_key), hex(ed25519_key)));
    assert_int_equal(rk_cose_decode(&arena, bytes, &cose, NULL), RK_OK);
    assert_int_equal(rk_cose_verify(&arena, rk_crypto_sodium(), &cose, RK_CURVE_ED25519, hex(ed25519_key), NULL),
                     RK_OK);
    cose.signature = (rk_bytes){NULL, 0};
    assert_int_equal(rk_cose_sign(&arena, rk_crypto_sodium(), &pair, &cose), RK_OK);
    assert_int_equal(rk_cose_encode(&arena, &cose, &again), RK_OK);
    assert_true(rk_bytes_equal(bytes, again));
}

static void the_ed448_vector_is_unsupported(void **state) {
    (void)state;
    rk_cose cose;
    rk_error error;
    assert_int_equal(rk_cose_decode(&arena, hex(ed448_cose), &cose, NULL), RK_OK);
    assert_int_equal(rk_cose_verify(&arena, rk_crypto_sodium(), &cose, RK_CURVE_ED448, hex(ed448_key), &error),
                     RK_UNSUPPORTED_ALGORITHM);
    assert_string_equal(error.where, "key");
}

/* Every bit of the vector: either it no longer reads as COSE_Sign1, or what was signed no longer verifies. */
static void a_changed_bit_under_the_signature_does_not_verify(void **state) {
    (void)state;
    rk_bytes bytes = hex(ed25519_cose);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        uint8_t copy[256];
        memcpy(copy, bytes.data, bytes.size);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        rk_cose cose;
        rk_bytes key = hex(ed25519_key);
        if (rk_cose_decode(&arena, rk_bytes_of(copy, bytes.size), &cose, NULL) != RK_OK) continue;
        rk_status status = rk_cose_verify(&arena, rk_crypto_sodium(), &cose, RK_CURVE_ED25519, key, NULL);
        bool unprotected = bit / 8 >= 9 && bit / 8 < 13; /* a1 04 42 31 31 is not signed */
        if (!unprotected && bit / 8 != 8) assert_int_not_equal(status, RK_OK);
    }
}

static void the_profile_refuses_tags_other_headers_other_types_and_other_keys(void **state) {
    (void)state;
    const rk_crypto *crypto = rk_crypto_sodium();
    rk_key_pair pair, other;
    uint8_t seed[RK_SEED_SIZE] = {1};
    crypto->key_pair_of_seed(seed, &pair);
    seed[0] = 2;
    crypto->key_pair_of_seed(seed, &other);
    rk_bytes bytes;
    rk_cose cose;
    assert_int_equal(rk_cose_seal(&arena, crypto, &pair, RK_COSE_BATCH, RK_TEXT("payload"), &bytes), RK_OK);
    assert_int_equal(rk_cose_open(&arena, bytes, RK_COSE_BATCH, &cose, NULL), RK_OK);
    assert_int_equal(rk_cose_check(&arena, crypto, &cose, &pair.public_key, NULL), RK_OK);
    assert_int_equal(rk_cose_check(&arena, crypto, &cose, &other.public_key, NULL), RK_BAD_SIGNATURE);
    assert_int_equal(rk_cose_open(&arena, bytes, RK_COSE_RECORD, &cose, NULL), RK_BAD_COSE);
    assert_int_equal(rk_cose_open(&arena, hex(ed25519_cose), RK_COSE_BATCH, &cose, NULL), RK_BAD_COSE);
}

static void a_seal_by_somebody_elses_hand_is_the_same_seal(void **state) {
    (void)state;
    const rk_crypto *crypto = rk_crypto_sodium();
    uint8_t seed[RK_SEED_SIZE] = {1}, signature[RK_SIGNATURE_SIZE];
    rk_key_pair pair;
    rk_bytes sealed, to_sign, again;
    crypto->key_pair_of_seed(seed, &pair);
    assert_int_equal(rk_cose_seal(&arena, crypto, &pair, RK_COSE_GENESIS, RK_TEXT("payload"), &sealed), RK_OK);
    assert_int_equal(rk_cose_to_sign(&arena, crypto, &pair.public_key, RK_COSE_GENESIS, RK_TEXT("payload"), &to_sign),
                     RK_OK);
    crypto->sign(&pair, to_sign, signature);
    assert_int_equal(rk_cose_of_signed(&arena, to_sign, signature, &again, NULL), RK_OK);
    assert_true(rk_bytes_equal(sealed, again));
    assert_int_equal(rk_cose_of_signed(&arena, sealed, signature, &again, NULL), RK_BAD_COSE);
    for (size_t size = 0; size < to_sign.size; size++) {
        rk_bytes part = {to_sign.data, size};
        assert_int_equal(rk_cose_of_signed(&arena, part, signature, &again, NULL), RK_BAD_COSE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_ed25519_vector_verifies_and_signs_again_to_the_same_bytes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_ed448_vector_is_unsupported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_bit_under_the_signature_does_not_verify, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_profile_refuses_tags_other_headers_other_types_and_other_keys, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_seal_by_somebody_elses_hand_is_the_same_seal, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
