/*
 * Tokens: the vectors of RFC 8037 appendix A, what comes back, and all that is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "door/http/jws.h"
#include "door/http/token.h"
#include "door/json.h"
#include "io/crypto.h"
#include "io/memory.h"

enum { NOW_S = 1800000000 };

static rk_arena arena;
static const rk_crypto *crypto;
static rk_key_pair pair; /* of RFC 8037 appendix A.1 */
static rk_hash account;

static int start(void **state) {
    uint8_t seed[RK_SEED_SIZE];
    (void)state;
    crypto = rk_crypto_sodium();
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    if (!rk_base64url_read_exactly(RK_TEXT("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"), seed, sizeof seed)) return 1;
    crypto->key_pair_of_seed(seed, &pair);
    account = rk_sha256(crypto, RK_TEXT("an account"));
    return 0;
}

static int stop(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static rk_token a_token(void) {
    return (rk_token){account, RK_TEXT("ada"), RK_TEXT("session-1"), RK_TEXT("token-1"), NOW_S, NOW_S + 900};
}

static rk_bytes make(const rk_token *token) {
    rk_bytes text;
    assert_int_equal(rk_token_make(&arena, crypto, &pair, token, &text, NULL), RK_OK);
    return text;
}

static rk_status read_at(rk_bytes text, uint64_t now_s) {
    rk_token token;
    rk_error error = {0};
    rk_status status = rk_token_read(&arena, crypto, &pair.public_key, 1, &account, now_s, text, &token, &error);
    assert_int_equal(error.code, status);
    assert_true(status == RK_OK || token.actor.size == 0);
    return status;
}

/* A token of the server's key with any header and claims. */
static rk_bytes sign(const char *header, const char *claims) {
    rk_bytes text;
    assert_int_equal(
        rk_jws_make(&arena, crypto, &pair, rk_bytes_of_string(header), rk_bytes_of_string(claims), 1 << 16, &text),
        RK_OK);
    return text;
}

#define KID    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
#define HEADER "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}"

static void the_vectors_of_rfc_8037_hold(void **state) {
    static const char jws_text[] =
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
        "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    char text[RK_THUMBPRINT_SIZE];
    rk_jws jws;
    (void)state;
    rk_base64url_write(rk_key_bytes(&pair.public_key), text);
    assert_memory_equal(text, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", sizeof text);
    rk_key_thumbprint(crypto, &pair.public_key, text);
    assert_memory_equal(text, KID, sizeof text);
    rk_bytes made = sign("{\"alg\":\"EdDSA\"}", "Example of Ed25519 signing");
    assert_true(rk_bytes_equal(made, rk_bytes_of_string(jws_text)));
    assert_int_equal(rk_jws_read(&arena, made, &jws), RK_OK);
    assert_true(rk_jws_verify(crypto, &pair.public_key, &jws));
    assert_true(rk_bytes_equal(jws.payload, RK_TEXT("Example of Ed25519 signing")));
}

static void a_key_set_is_what_rfc_7517_says(void **state) {
    rk_key_pair other;
    rk_buffer buffer;
    rk_bytes text;
    rk_value value;
    (void)state;
    crypto->key_pair_of_seed(account.bytes, &other);
    rk_key keys[] = {pair.public_key, other.public_key};
    rk_buffer_init(&buffer, &arena, 4096);
    rk_jwks_write(&buffer, crypto, keys, 1);
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    assert_true(rk_bytes_equal(text, RK_TEXT("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
                                             "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\",\"kid\":\"" KID "\","
                                             "\"use\":\"sig\",\"alg\":\"EdDSA\"}]}")));
    rk_buffer_init(&buffer, &arena, 4096);
    rk_jwks_write(&buffer, crypto, keys, 2);
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    assert_int_equal(rk_json_read(&arena, text, &value, NULL), RK_OK);
    assert_int_equal(rk_map_find(&value, RK_TEXT("keys"))->as.list.count, 2);
}

static void what_was_made_is_read(void **state) {
    rk_token in = a_token(), out;
    rk_key_pair other;
    (void)state;
    in.actor = RK_TEXT("Zo\xc3\xab \"the \\ second\"");
    crypto->key_pair_of_seed(account.bytes, &other);
    rk_key keys[] = {other.public_key, pair.public_key};
    assert_int_equal(rk_token_read(&arena, crypto, keys, 2, &account, NOW_S + 10, make(&in), &out, NULL), RK_OK);
    assert_true(rk_bytes_equal(out.actor, in.actor) && rk_bytes_equal(out.session, in.session));
    assert_true(rk_bytes_equal(out.id, in.id) && rk_hash_equal(&out.account, &in.account));
    assert_true(out.issued_s == in.issued_s && out.expires_s == in.expires_s);
}

static void the_largest_token_fits(void **state) {
    char actor[RK_ACTOR_SIZE_MAX], name[RK_TOKEN_NAME_SIZE_MAX];
    rk_token token = a_token();
    (void)state;
    memset(actor, '"', sizeof actor);
    memset(name, '\\', sizeof name);
    token.actor = rk_bytes_of(actor, sizeof actor);
    token.session = token.id = rk_bytes_of(name, sizeof name);
    assert_int_equal(read_at(make(&token), NOW_S), RK_OK);
}

static void time_is_kept_to_the_second(void **state) {
    rk_token token = a_token();
    rk_bytes text = make(&token);
    (void)state;
    assert_int_equal(read_at(text, NOW_S + 899), RK_OK);
    assert_int_equal(read_at(text, NOW_S + 900), RK_TOKEN_EXPIRED);
    assert_int_equal(read_at(text, UINT64_MAX), RK_TOKEN_EXPIRED);
    assert_int_equal(read_at(text, NOW_S - RK_TOKEN_SKEW_S), RK_OK);
    assert_int_equal(read_at(text, NOW_S - RK_TOKEN_SKEW_S - 1), RK_BAD_TOKEN);
    assert_int_equal(read_at(text, 0), RK_BAD_TOKEN);
}

static void claims_out_of_bounds_are_not_made(void **state) {
    char name[RK_ACTOR_SIZE_MAX + 1];
    rk_bytes text;
    (void)state;
    memset(name, 'a', sizeof name);
    rk_token bad[] = {a_token(), a_token(), a_token(), a_token(), a_token(), a_token(), a_token()};
    bad[0].actor = rk_bytes_of(name, sizeof name);
    bad[1].actor = RK_TEXT("");
    bad[2].session = rk_bytes_of(name, RK_TOKEN_NAME_SIZE_MAX + 1);
    bad[3].id = RK_TEXT("a b");
    bad[4].expires_s = bad[4].issued_s;
    bad[5].expires_s = bad[5].issued_s + RK_TOKEN_LIFETIME_S_MAX + 1;
    bad[6].expires_s = bad[6].issued_s = UINT64_MAX;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(rk_token_make(&arena, crypto, &pair, &bad[i], &text, NULL), RK_BAD_TOKEN);
        assert_int_equal(text.size, 0);
    }
}

static const char *good_claims(void) {
    static char text[512];
    rk_format(text, sizeof text,
              "{\"iss\":\"%x\",\"sub\":\"ada\",\"sid\":\"s\",\"jti\":\"t\",\"iat\":1800000000,\"exp\":1800000900}",
              rk_hash_bytes(&account));
    return text;
}

static void only_the_one_header_is_taken(void **state) {
    static const struct {
        const char *header;
        rk_status status;
    } rows[] = {
        {HEADER, RK_OK},
        {"{\"typ\":\"JWT\", \"kid\":\"" KID "\", \"alg\":\"EdDSA\"}", RK_OK},
        {"{\"alg\":\"none\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}", RK_UNSUPPORTED_ALGORITHM},
        {"{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}", RK_UNSUPPORTED_ALGORITHM},
        {"{\"alg\":\"eddsa\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}", RK_UNSUPPORTED_ALGORITHM},
        {"{\"alg\":1,\"kid\":\"" KID "\",\"typ\":\"JWT\"}", RK_UNSUPPORTED_ALGORITHM},
        {"{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"at+jwt\"}", RK_BAD_TOKEN},
        {"{\"alg\":\"EdDSA\",\"kid\":\"lPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\",\"typ\":\"JWT\"}", RK_UNKNOWN_KEY},
        {"{\"alg\":\"EdDSA\",\"kid\":7,\"typ\":\"JWT\"}", RK_UNKNOWN_KEY},
        {"{\"alg\":\"EdDSA\",\"kip\":\"" KID "\",\"typ\":\"JWT\"}", RK_BAD_TOKEN},
        {"{\"alg\":\"EdDSA\",\"kid\":\"" KID "\"}", RK_BAD_TOKEN},
        {"{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"JWT\",\"crit\":[]}", RK_BAD_TOKEN},
        {"{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}", RK_BAD_TOKEN},
        {"[]", RK_BAD_TOKEN},
        {"", RK_BAD_TOKEN},
        {HEADER "x", RK_BAD_TOKEN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rk_status status = read_at(sign(rows[i].header, good_claims()), NOW_S);
        if (status != rows[i].status) fail_msg("%s: %s", rows[i].header, rk_status_name(status));
    }
}

static void only_the_six_claims_are_taken(void **state) {
    static const char *const bad[] = {
        "{}",
        "null",
        "{\"iss\":\"%x\",\"sub\":\"ada\",\"sid\":\"s\",\"jti\":\"t\",\"iat\":1800000000}",
        "{\"iss\":\"%x\",\"sub\":\"ada\",\"sid\":\"s\",\"jti\":\"t\",\"iat\":1800000000,\"exp\":1800000900,\"nbf\":1}",
        "{\"iss\":\"%x\",\"sub\":\"ada\",\"sid\":\"s\",\"jti\":\"t\",\"iat\":1800000000,\"exp\":1,\"exp\":1800000900}",
        "{\"iss\":\"%x\",\"sub\":\"ada\",\"sid\":\"s\",\"jti\":\"t\",\"iat\":1800000000,\"exp\":\"1800000900\"}",
        "{\"iss\":\"%x\",\"sub\":\"ada\",\"sid\":\"s\",\"jti\":\"t\",\"iat\":1800000000,\"exp\":1800000900.0}",
        "{\"iss\":\"%x\",\"sub\":\"ada\",\"sid\":\"s\",\"jti\":\"t\",\"iat\":-1,\"exp\":1800000900}",
        "{\"iss\":\"%x\",\"sub\":\"ada\",\"sid\":\"s\",\"jti\":\"t\",\"iat\":1,\"exp\":1800000900}",
        "{\"iss\":\"%x\",\"sub\":7,\"sid\":\"s\",\"jti\":\"t\",\"iat\":1800000000,\"exp\":1800000900}",
        "{\"iss\":\"%x\",\"sub\":\"a\\u0007\",\"sid\":\"s\",\"jti\":\"t\",\"iat\":1800000000,\"exp\":1800000900}",
        "{\"iss\":\"%x0\",\"sub\":\"ada\",\"sid\":\"s\",\"jti\":\"t\",\"iat\":1800000000,\"exp\":1800000900}",
    };
    (void)state;
    assert_int_equal(read_at(sign(HEADER, good_claims()), NOW_S), RK_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char claims[512];
        rk_format(claims, sizeof claims, bad[i], rk_hash_bytes(&account));
        if (read_at(sign(HEADER, claims), NOW_S) != RK_BAD_TOKEN) fail_msg("%s was taken", claims);
    }
}

static void another_account_or_key_is_refused(void **state) {
    rk_token token = a_token(), out;
    rk_hash other = rk_sha256(crypto, RK_TEXT("another"));
    rk_key_pair stranger;
    (void)state;
    rk_bytes text = make(&token);
    assert_int_equal(rk_token_read(&arena, crypto, &pair.public_key, 1, &other, NOW_S, text, &out, NULL),
                     RK_WRONG_ACCOUNT);
    crypto->key_pair_of_seed(other.bytes, &stranger);
    assert_int_equal(rk_token_read(&arena, crypto, &stranger.public_key, 1, &account, NOW_S, text, &out, NULL),
                     RK_UNKNOWN_KEY);
    assert_int_equal(rk_token_read(&arena, crypto, NULL, 0, &account, NOW_S, text, &out, NULL), RK_UNKNOWN_KEY);
    assert_int_equal(
        rk_jws_make(&arena, crypto, &stranger, RK_TEXT(HEADER), rk_bytes_of_string(good_claims()), 4096, &text), RK_OK);
    assert_int_equal(read_at(text, NOW_S), RK_BAD_SIGNATURE);
}

static void every_changed_bit_is_refused(void **state) {
    rk_token token = a_token();
    rk_bytes text = make(&token);
    uint8_t changed[RK_TOKEN_SIZE_MAX];
    (void)state;
    for (size_t bit = 0; bit < text.size * 8; bit++) {
        memcpy(changed, text.data, text.size);
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(read_at(rk_bytes_of(changed, text.size), NOW_S), RK_OK);
    }
    for (size_t size = 0; size < text.size; size++) {
        assert_int_not_equal(read_at(rk_bytes_of(text.data, size), NOW_S), RK_OK);
    }
    memset(changed, 'A', sizeof changed);
    memcpy(changed, text.data, text.size);
    for (size_t size = text.size + 1; size < text.size + 5; size++) {
        assert_int_equal(read_at(rk_bytes_of(changed, size), NOW_S), RK_BAD_TOKEN);
    }
    changed[text.size] = '\n';
    assert_int_equal(read_at(rk_bytes_of(changed, text.size + 1), NOW_S), RK_BAD_TOKEN);
    changed[text.size] = '.';
    assert_int_equal(read_at(rk_bytes_of(changed, text.size + 1), NOW_S), RK_BAD_TOKEN);
}

static void a_long_text_is_refused_unread(void **state) {
    static uint8_t text[RK_TOKEN_SIZE_MAX + 1];
    (void)state;
    memset(text, 'A', sizeof text);
    assert_int_equal(read_at(rk_bytes_of(text, sizeof text), NOW_S), RK_BAD_TOKEN);
    assert_int_equal(read_at(RK_TEXT(""), NOW_S), RK_BAD_TOKEN);
    assert_int_equal(read_at(RK_TEXT(".."), NOW_S), RK_BAD_TOKEN);
}

static void no_error_holds_a_part_of_the_token(void **state) {
    rk_token out;
    rk_error error = {0};
    (void)state;
    rk_bytes text = sign(HEADER, "{\"secret-claim\": oops}");
    assert_int_equal(rk_token_read(&arena, crypto, &pair.public_key, 1, &account, NOW_S, text, &out, &error),
                     RK_BAD_TOKEN);
    assert_null(strstr(error.what, "secret"));
    assert_null(strstr(error.what, "oops"));
}

static void a_refresh_token_is_kept_as_its_hash(void **state) {
    uint8_t random[RK_REFRESH_RANDOM_SIZE] = {0xFB, 0xFF, 3};
    char text[RK_REFRESH_TEXT_SIZE];
    rk_hash hash, expected = rk_sha256(crypto, rk_bytes_of(random, sizeof random));
    (void)state;
    rk_refresh_make(random, text);
    assert_memory_equal(text, "-_8DAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", sizeof text);
    assert_int_equal(rk_refresh_hash(crypto, rk_bytes_of(text, sizeof text), &hash, NULL), RK_OK);
    assert_true(rk_hash_equal(&hash, &expected));
    assert_int_equal(rk_refresh_hash(crypto, rk_bytes_of(text, sizeof text - 1), &hash, NULL), RK_BAD_TOKEN);
    text[42] = 'B'; /* a spare bit that is set */
    assert_int_equal(rk_refresh_hash(crypto, rk_bytes_of(text, sizeof text), &hash, NULL), RK_BAD_TOKEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_8037_hold),
        cmocka_unit_test(a_key_set_is_what_rfc_7517_says),
        cmocka_unit_test(what_was_made_is_read),
        cmocka_unit_test(the_largest_token_fits),
        cmocka_unit_test(time_is_kept_to_the_second),
        cmocka_unit_test(claims_out_of_bounds_are_not_made),
        cmocka_unit_test(only_the_one_header_is_taken),
        cmocka_unit_test(only_the_six_claims_are_taken),
        cmocka_unit_test(another_account_or_key_is_refused),
        cmocka_unit_test(every_changed_bit_is_refused),
        cmocka_unit_test(a_long_text_is_refused_unread),
        cmocka_unit_test(no_error_holds_a_part_of_the_token),
        cmocka_unit_test(a_refresh_token_is_kept_as_its_hash),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
