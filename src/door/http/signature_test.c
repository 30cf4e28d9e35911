/*
 * Signed requests: the vector of RFC 9421 appendix B.2.6, what is made is taken, and whatever is changed is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "door/http/digest.h"
#include "door/http/key_id.h"
#include "door/http/signature.h"
#include "io/crypto.h"
#include "io/memory.h"

enum { NOW_S = 1800000000, HEADERS_MAX = 8 };

static rk_arena arena;
static const rk_crypto *crypto;
static rk_key_pair pair;
static rk_replays *replays;

/* A clock that a test sets back makes the memory refuse what it may have forgotten: each test begins anew. */
static int forget(void **state) {
    static const uint8_t seed[RK_REPLAYS_SEED_SIZE] = {9};
    (void)state;
    return rk_replays_make(&arena, 10000, seed, 0, &replays) != RK_OK;
}

static int start(void **state) {
    (void)state;
    crypto = rk_crypto_sodium();
    rk_arena_init(&arena, rk_memory_system(), 1 << 28);
    crypto->key_pair_of_seed(rk_sha256(crypto, RK_TEXT("ada's key")).bytes, &pair);
    return 0;
}

static int stop(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

/* ---- the vector ---- */

static rk_key_pair test_key_ed25519(void) {
    uint8_t seed[RK_SEED_SIZE], key[RK_KEY_SIZE];
    rk_key_pair vector;
    assert_true(rk_base64url_read_exactly(RK_TEXT("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU"), seed, sizeof seed));
    assert_true(rk_base64url_read_exactly(RK_TEXT("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"), key, sizeof key));
    crypto->key_pair_of_seed(seed, &vector);
    assert_memory_equal(vector.public_key.bytes, key, sizeof key);
    return vector;
}

#define VECTOR_INPUT                                                                               \
    "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");" \
    "created=1618884473;keyid=\"test-key-ed25519\""
#define VECTOR_SIGNATURE \
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"

static const rk_http_header vector_headers[] = {
    {{(const uint8_t *)"Host", 4}, {(const uint8_t *)"example.com", 11}},
    {{(const uint8_t *)"Date", 4}, {(const uint8_t *)"Tue, 20 Apr 2021 02:07:55 GMT", 29}},
    {{(const uint8_t *)"Content-Type", 12}, {(const uint8_t *)"application/json", 16}},
    {{(const uint8_t *)"Content-Length", 14}, {(const uint8_t *)"18", 2}},
    {{(const uint8_t *)"Signature-Input", 15}, {(const uint8_t *)VECTOR_INPUT, sizeof VECTOR_INPUT - 1}},
    {{(const uint8_t *)"Signature", 9}, {(const uint8_t *)VECTOR_SIGNATURE, sizeof VECTOR_SIGNATURE - 1}},
};

static rk_http_request vector_request(void) {
    return (rk_http_request){RK_TEXT("POST"),
                             RK_TEXT("/foo?param=Value&Pet=dog"),
                             RK_TEXT("example.com"),
                             vector_headers,
                             6,
                             RK_TEXT("{\"hello\": \"world\"}")};
}

static void the_vector_of_rfc_9421_verifies(void **state) {
    rk_http_request request = vector_request();
    rk_key_pair key = test_key_ed25519();
    rk_signature signature;
    rk_signature_fields fields;
    rk_bytes base;
    (void)state;
    assert_int_equal(rk_signature_read(&arena, &request, &signature, NULL), RK_OK);
    assert_int_equal(rk_signature_base(&arena, &request, signature.input, &base, NULL), RK_OK);
    assert_true(rk_bytes_equal(base, RK_TEXT("\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n"
                                             "\"@method\": POST\n"
                                             "\"@path\": /foo\n"
                                             "\"@authority\": example.com\n"
                                             "\"content-type\": application/json\n"
                                             "\"content-length\": 18\n"
                                             "\"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" "
                                             "\"content-type\" \"content-length\");created=1618884473;"
                                             "keyid=\"test-key-ed25519\"")));
    assert_int_equal(rk_signature_verify(&arena, crypto, &request, &signature, &key.public_key, NULL), RK_OK);
    assert_int_equal(rk_signature_sign(&arena, crypto, &key, &request, signature.input, &fields, NULL), RK_OK);
    assert_true(rk_bytes_equal(fields.input, RK_TEXT(VECTOR_INPUT)));
    assert_true(rk_bytes_equal(fields.signature, RK_TEXT(VECTOR_SIGNATURE)));
    assert_int_equal(rk_signature_verify(&arena, crypto, &request, &signature, &pair.public_key, NULL),
                     RK_BAD_SIGNATURE);
    request.target = RK_TEXT("/fop?param=Value&Pet=dog");
    assert_int_equal(rk_signature_verify(&arena, crypto, &request, &signature, &key.public_key, NULL),
                     RK_BAD_SIGNATURE);
}

static void the_digest_of_rfc_9421_matches(void **state) {
    static const char digest[] = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    rk_bytes body = RK_TEXT("{\"hello\": \"world\"}"), made;
    (void)state;
    assert_int_equal(rk_digest_make(&arena, crypto, body, &made), RK_OK);
    assert_true(rk_bytes_equal(made, rk_bytes_of_string(digest)));
    assert_int_equal(rk_digest_check(&arena, crypto, made, body, NULL), RK_OK);
    assert_int_equal(rk_digest_check(&arena, crypto, made, RK_TEXT("{}"), NULL), RK_DIGEST_MISMATCH);
    assert_int_equal(rk_digest_check(&arena, crypto,
                                     RK_TEXT("sha-512=:AA==:, sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
                                     body, NULL),
                     RK_OK);
    assert_int_equal(rk_digest_check(&arena, crypto, RK_TEXT("sha-512=:AA==:"), body, NULL), RK_DIGEST_MISMATCH);
    assert_int_equal(rk_digest_check(&arena, crypto, RK_TEXT("sha-256=:X48E:"), body, NULL), RK_DIGEST_MISMATCH);
    assert_int_equal(rk_digest_check(&arena, crypto, RK_TEXT("sha-256=X48E"), body, NULL), RK_DIGEST_MISMATCH);
    assert_int_equal(rk_digest_check(&arena, crypto, RK_TEXT(""), body, NULL), RK_DIGEST_MISMATCH);
    assert_int_equal(rk_digest_check(&arena, crypto, RK_TEXT("sha-256"), body, NULL), RK_DIGEST_MISMATCH);
    assert_int_equal(rk_digest_check(&arena, crypto, RK_TEXT("="), body, NULL), RK_BAD_HEADER);
}

/* ---- requests of ada ---- */

/* Ada has ten keys, the pair's the last; nobody else is known. */
static rk_status active_keys(void *context, rk_bytes actor, rk_key keys_out[RK_SIGNER_KEYS_MAX], size_t *count_out,
                             rk_error *error) {
    (void)context;
    if (rk_bytes_equal(actor, RK_TEXT("failing"))) return rk_fail(error, RK_IO, "actor", "it could not be read");
    if (!rk_bytes_equal(actor, RK_TEXT("ada")) && !rk_bytes_equal(actor, RK_TEXT("Zo\xc3\xab \"%2\""))) return RK_OK;
    for (uint8_t i = 0; i < 9; i++) {
        rk_key_pair other;
        crypto->key_pair_of_seed(rk_sha256(crypto, rk_bytes_of(&i, 1)).bytes, &other);
        keys_out[i] = other.public_key;
    }
    keys_out[9] = pair.public_key;
    *count_out = 10;
    return RK_OK;
}

static const rk_signers signers = {active_keys, NULL};

/* A request with room for its fields. */
typedef struct sent {
    rk_http_request request;
    rk_http_header headers[HEADERS_MAX];
} sent;

static void add(sent *sent, const char *name, rk_bytes value) {
    assert_true(sent->request.header_count < HEADERS_MAX);
    sent->headers[sent->request.header_count++] = (rk_http_header){rk_bytes_of_string(name), value};
    sent->request.headers = sent->headers;
}

static void begin(sent *out, const char *method, const char *target, const char *body) {
    memset(out, 0, sizeof *out);
    out->request.method = rk_bytes_of_string(method);
    out->request.target = rk_bytes_of_string(target);
    out->request.authority = RK_TEXT("db.example.org:8443");
    out->request.body = rk_bytes_of_string(body);
    add(out, "Host", RK_TEXT("db.example.org:8443"));
    add(out, "accept", RK_TEXT("application/json"));
}

static void finish(sent *sent, const rk_signature_fields *fields) {
    if (fields->digest.size) add(sent, "Content-Digest", fields->digest);
    add(sent, "Signature-Input", fields->input);
    add(sent, "Signature", fields->signature);
}

static void sign_as(sent *sent, rk_bytes actor, uint64_t created_s, const char *nonce) {
    rk_signature_fields fields;
    assert_int_equal(rk_signature_make(&arena, crypto, &pair, actor, &sent->request, created_s,
                                       rk_bytes_of_string(nonce), &fields, NULL),
                     RK_OK);
    finish(sent, &fields);
}

static rk_status check_at(const sent *sent, uint64_t now_s) {
    rk_signer signer;
    rk_error error = {0};
    rk_http_request request = sent->request;
    request.headers = sent->headers;
    rk_status status = rk_signature_check(&arena, crypto, &request, now_s, &signers, replays, &signer, &error);
    assert_int_equal(status, error.code);
    assert_true(status == RK_OK || (error.where[0] && error.what[0]));
    assert_int_equal(signer.actor.size > 0, status == RK_OK);
    assert_int_equal(rk_key_equal(&signer.key, &pair.public_key), status == RK_OK);
    return status;
}

static rk_status check(const sent *sent) {
    return check_at(sent, NOW_S);
}

/* Signs exactly this Signature-Input, whatever it says. */
static rk_status check_input(const char *input, const char *body) {
    sent sent;
    rk_dictionary dictionary;
    rk_signature_fields fields;
    rk_bytes digest = {NULL, 0};
    begin(&sent, "GET", "/a?b=c", body);
    if (body[0]) assert_int_equal(rk_digest_make(&arena, crypto, sent.request.body, &digest), RK_OK);
    if (body[0]) add(&sent, "content-digest", digest);
    assert_int_equal(rk_dictionary_read(&arena, rk_bytes_of_string(input), &dictionary, NULL), RK_OK);
    rk_status status = rk_signature_sign(&arena, crypto, &pair, &sent.request, dictionary.members, &fields, NULL);
    if (status != RK_OK) return status;
    finish(&sent, &fields);
    return check(&sent);
}

static void what_is_made_is_taken_once(void **state) {
    static const char *const rows[][3] = {
        {"GET", "/v1/query?module=note&limit=10", ""}, {"GET", "/", ""},          {"GET", "/?", ""},
        {"POST", "/v1/events", "{\"hello\": 1}"},      {"PUT", "/a?b?c", "body"}, {"DELETE", "/%C3%A4/..//", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sent sent;
        begin(&sent, rows[i][0], rows[i][1], rows[i][2]);
        sign_as(&sent, RK_TEXT("ada"), NOW_S, "once");
        assert_int_equal(check(&sent), RK_OK);
        assert_int_equal(check(&sent), RK_REPLAYED);
        assert_int_equal(check_at(&sent, NOW_S + RK_SIGNATURE_WINDOW_S), RK_REPLAYED);
        assert_int_equal(check_at(&sent, NOW_S + RK_SIGNATURE_WINDOW_S + 1), RK_TOO_OLD);
        begin(&sent, rows[i][0], rows[i][1], rows[i][2]);
        sign_as(&sent, RK_TEXT("ada"), NOW_S, "twice");
        assert_int_equal(check_at(&sent, NOW_S), RK_OK);
    }
}

static void any_actor_has_one_key_id(void **state) {
    static const char *const bad[] = {"", "a b", "a%", "a%2", "a%2g", "%41", "%c3%ab", "%C3", "%00", "%1F", "%\xc3"};
    rk_bytes text, actor;
    sent sent;
    (void)state;
    assert_int_equal(rk_key_id_of_actor(&arena, RK_TEXT("Zo\xc3\xab \"%2\""), &text), RK_OK);
    assert_true(rk_bytes_equal(text, RK_TEXT("Zo%C3%AB%20\"%252\"")));
    assert_int_equal(rk_actor_of_key_id(&arena, text, &actor), RK_OK);
    assert_true(rk_bytes_equal(actor, RK_TEXT("Zo\xc3\xab \"%2\"")));
    begin(&sent, "GET", "/zoe", "");
    sign_as(&sent, actor, NOW_S, "");
    assert_int_equal(check(&sent), RK_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(rk_actor_of_key_id(&arena, rk_bytes_of_string(bad[i]), &actor), RK_BAD_ID);
    }
}

static void strangers_and_failures_are_refused(void **state) {
    sent sent;
    (void)state;
    begin(&sent, "GET", "/strangers", "");
    sign_as(&sent, RK_TEXT("eve"), NOW_S, "");
    assert_int_equal(check(&sent), RK_BAD_SIGNATURE);
    begin(&sent, "GET", "/strangers", "");
    sign_as(&sent, RK_TEXT("failing"), NOW_S, "");
    assert_int_equal(check(&sent), RK_IO);
    rk_signature_fields fields;
    assert_int_equal(
        rk_signature_make(&arena, crypto, &pair, RK_TEXT(""), &sent.request, NOW_S, RK_TEXT(""), &fields, NULL),
        RK_BAD_ID);
    assert_int_equal(
        rk_signature_make(&arena, crypto, &pair, RK_TEXT("ada"), &sent.request, NOW_S, RK_TEXT("\n"), &fields, NULL),
        RK_BAD_HEADER);
    const char *const targets[] = {"/a b", "/\xc3\xa4", "", "*", "?a", "http://example.org/", "a/b"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        sent.request.target = rk_bytes_of_string(targets[i]);
        assert_int_equal(
            rk_signature_make(&arena, crypto, &pair, RK_TEXT("ada"), &sent.request, NOW_S, RK_TEXT(""), &fields, NULL),
            RK_BAD_HEADER);
    }
}

static void the_window_is_kept_to_the_second(void **state) {
    (void)state;
    for (int offset = -RK_SIGNATURE_WINDOW_S - 1; offset <= RK_SIGNATURE_WINDOW_S + 1; offset++) {
        sent sent;
        begin(&sent, "GET", "/window", "");
        sign_as(&sent, RK_TEXT("ada"), (uint64_t)(NOW_S + offset), "");
        bool inside = offset >= -RK_SIGNATURE_WINDOW_S && offset <= RK_SIGNATURE_WINDOW_S;
        assert_int_equal(check(&sent), inside ? RK_OK : RK_TOO_OLD);
    }
}

#define COVERED "\"@method\" \"@authority\" \"@path\" \"@query\""
#define WHO     ";created=1800000000;keyid=\"ada\""

static void parameters_and_components_are_judged(void **state) {
    static const struct {
        const char *input;
        const char *body;
        rk_status status;
    } rows[] = {
        {"s=(" COVERED ")" WHO, "", RK_OK},
        {"s=(\"@query\" \"@path\" \"@authority\" \"@method\" \"accept\" \"@request-target\")" WHO, "", RK_OK},
        {"s=(" COVERED ")" WHO ";alg=\"ed25519\";nonce=\"n\";tag=\"t\";other", "", RK_OK},
        {"s=(" COVERED ")" WHO ";expires=1800000001", "", RK_OK},
        {"s=(" COVERED " \"content-digest\")" WHO, "body", RK_OK},
        {"s=(" COVERED ")" WHO ";alg=\"rsa-v1_5-sha256\"", "", RK_UNSUPPORTED_ALGORITHM},
        {"s=(" COVERED ")" WHO ";alg=ed25519", "", RK_BAD_HEADER},
        {"s=(" COVERED ")" WHO ";expires=1800000000", "", RK_BAD_HEADER},
        {"s=(" COVERED ")" WHO ";expires=\"1800000009\"", "", RK_BAD_HEADER},
        {"s=(" COVERED ");created=1799999990;keyid=\"ada\";expires=1800000000", "", RK_TOO_OLD},
        {"s=(" COVERED ");keyid=\"ada\"", "", RK_BAD_HEADER},
        {"s=(" COVERED ");created=-5;keyid=\"ada\"", "", RK_BAD_HEADER},
        {"s=(" COVERED ");created=0;keyid=\"ada\"", "", RK_TOO_OLD},
        {"s=(" COVERED ");created=999999999999999;keyid=\"ada\"", "", RK_TOO_OLD},
        {"s=(" COVERED ");created=1800000000", "", RK_BAD_HEADER},
        {"s=(" COVERED ");created=1800000000;keyid=ada", "", RK_BAD_HEADER},
        {"s=(" COVERED ");created=1800000000;keyid=\"%61da\"", "", RK_BAD_HEADER},
        {"s=(" COVERED ")" WHO ";nonce=5", "", RK_BAD_HEADER},
        {"s=(\"@authority\" \"@path\" \"@query\")" WHO, "", RK_COMPONENTS_MISSING},
        {"s=(\"@method\" \"@path\" \"@query\")" WHO, "", RK_COMPONENTS_MISSING},
        {"s=(\"@method\" \"@authority\" \"@query\")" WHO, "", RK_COMPONENTS_MISSING},
        {"s=(\"@method\" \"@authority\" \"@path\")" WHO, "", RK_COMPONENTS_MISSING},
        {"s=(" COVERED ")" WHO, "body", RK_COMPONENTS_MISSING},
        {"s=()" WHO, "", RK_COMPONENTS_MISSING},
        {"s=(" COVERED " \"@method\")" WHO, "", RK_BAD_HEADER},
        {"s=(" COVERED " \"accept\";sf)" WHO, "", RK_BAD_HEADER},
        {"s=(" COVERED " accept)" WHO, "", RK_BAD_HEADER},
        {"s=(" COVERED " \"Accept\")" WHO, "", RK_BAD_HEADER},
        {"s=(" COVERED " \"@scheme\")" WHO, "", RK_BAD_HEADER},
        {"s=(" COVERED " \"@signature-params\")" WHO, "", RK_BAD_HEADER},
        {"s=(" COVERED " \"\")" WHO, "", RK_BAD_HEADER},
        {"s=(" COVERED " \"missing\")" WHO, "", RK_BAD_SIGNATURE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rk_status status = check_input(rows[i].input, rows[i].body);
        if (status != rows[i].status) fail_msg("%s: %s", rows[i].input, rk_status_name(status));
    }
}

static void the_two_fields_have_one_member_each(void **state) {
    static const struct {
        const char *input; /* NULL: the field is missing */
        const char *signature;
        rk_status status;
    } rows[] = {
        {NULL, NULL, RK_NOT_SIGNED},
        {NULL, "a=:AAAA:", RK_NOT_SIGNED},
        {"a=()", NULL, RK_NOT_SIGNED},
        {"", "", RK_BAD_HEADER},
        {"a=(), b=()", "a=:AAAA:", RK_BAD_HEADER},
        {"a=1", "a=:AAAA:", RK_BAD_HEADER},
        {"a=()", "a=:AAAA:", RK_BAD_HEADER},
        {"a=()", "a=AAAA", RK_BAD_HEADER},
        {"a=()", "b=:AAAA:", RK_BAD_HEADER},
        {"a=(", "a=:AAAA:", RK_BAD_HEADER},
        {"a=()", "a=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==:",
         RK_BAD_HEADER /* no created */},
        {"a=()\n b", "a=:AAAA:", RK_BAD_HEADER},
        {"a=(\xc3\xa4)", "a=:AAAA:", RK_BAD_HEADER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sent sent;
        begin(&sent, "GET", "/", "");
        if (rows[i].input) add(&sent, "Signature-Input", rk_bytes_of_string(rows[i].input));
        if (rows[i].signature) add(&sent, "Signature", rk_bytes_of_string(rows[i].signature));
        rk_status status = check(&sent);
        if (status != rows[i].status) fail_msg("row %zu: %s", i, rk_status_name(status));
    }
    sent sent;
    begin(&sent, "GET", "/twice", "");
    sign_as(&sent, RK_TEXT("ada"), NOW_S, "");
    add(&sent, "signature", RK_TEXT("sig2=:AAAA:"));
    assert_int_equal(check(&sent), RK_BAD_HEADER);
}

static void lines_of_a_field_are_trimmed_and_joined(void **state) {
    rk_signature_fields fields;
    rk_dictionary dictionary;
    rk_bytes base;
    sent sent;
    (void)state;
    begin(&sent, "GET", "/", "");
    add(&sent, "X-Many", RK_TEXT(" \t one,two \t"));
    add(&sent, "x-other", RK_TEXT("o"));
    add(&sent, "x-mAny", RK_TEXT(""));
    add(&sent, "X-MANY", RK_TEXT("three\t four"));
    assert_int_equal(
        rk_dictionary_read(&arena, RK_TEXT("l=(\"x-many\" \"@query\" \"@authority\" );x;y=?0"), &dictionary, NULL),
        RK_OK);
    sent.request.authority = RK_TEXT("EXAMPLE.org");
    assert_int_equal(rk_signature_base(&arena, &sent.request, dictionary.members, &base, NULL), RK_OK);
    assert_true(rk_bytes_equal(base, RK_TEXT("\"x-many\": one,two, , three\t four\n\"@query\": ?\n"
                                             "\"@authority\": example.org\n"
                                             "\"@signature-params\": (\"x-many\" \"@query\" \"@authority\");x;y=?0")));
    add(&sent, "x-many", RK_TEXT("a\r\n b"));
    assert_int_equal(rk_signature_sign(&arena, crypto, &pair, &sent.request, dictionary.members, &fields, NULL),
                     RK_BAD_HEADER);
}

static void without_an_authority_it_need_not_be_covered(void **state) {
    sent sent;
    (void)state;
    begin(&sent, "GET", "/authority", "");
    sent.request.authority = RK_TEXT("");
    sign_as(&sent, RK_TEXT("ada"), NOW_S, "");
    sent.request.authority = RK_TEXT("db.example.org");
    assert_int_equal(check(&sent), RK_COMPONENTS_MISSING);
    sent.request.authority = RK_TEXT("");
    assert_int_equal(check(&sent), RK_OK);
}

/* Every bit of every part; what is read as the same value (a header's blanks) may be taken, once. */
static void every_changed_bit_is_refused(void **state) {
    sent sent;
    (void)state;
    begin(&sent, "POST", "/v1/events?x=1", "{\"hello\": 1}");
    sign_as(&sent, RK_TEXT("ada"), NOW_S, "bits");
    rk_bytes *parts[] = {&sent.request.method,   &sent.request.target,   &sent.request.authority, &sent.request.body,
                         &sent.headers[2].value, &sent.headers[3].value, &sent.headers[4].value};
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
        rk_bytes whole = *parts[part];
        for (size_t bit = 0; bit < whole.size * 8; bit++) {
            uint8_t changed[1024];
            memcpy(changed, whole.data, whole.size);
            changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            *parts[part] = rk_bytes_of(changed, whole.size);
            /* An authority is compared in lower case. */
            if (part == 2 && rk_http_name_equal(*parts[part], whole)) continue;
            if (check(&sent) == RK_OK) fail_msg("part %zu, bit %zu", part, bit);
        }
        *parts[part] = rk_bytes_of(whole.data, whole.size - 1);
        assert_int_not_equal(check(&sent), RK_OK);
        *parts[part] = whole;
    }
    for (size_t i = 2; i <= 4; i++) {
        rk_bytes name = sent.headers[i].name;
        sent.headers[i].name = RK_TEXT("x-hidden");
        assert_int_not_equal(check(&sent), RK_OK);
        sent.headers[i].name = name;
    }
    assert_int_equal(check(&sent), RK_OK);
}

/* Requests of random shape, each taken once, and refused with another method, target or body. */
static void random_requests_are_taken_once(void **state) {
    uint64_t random = 7;
    (void)state;
    for (size_t round = 0; round < 300; round++) {
        char method[8] = {0}, target[64] = "/", body[64] = {0};
        for (size_t i = 0; i < 62; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
            uint64_t dice = random >> 33;
            if (i < 1 + round % 7) method[i] = (char)('A' + dice % 26);
            if (i < round % 40) target[i + 1] = (char)('!' + dice / 32 % 94);
            if (i < round % 50) body[i] = (char)(1 + dice / 4096 % 255);
        }
        sent sent;
        begin(&sent, method, target, body);
        sign_as(&sent, RK_TEXT("ada"), NOW_S - 100 + round % 200, round % 2 ? "n" : "");
        rk_http_request whole = sent.request;
        sent.request.method = RK_TEXT("OTHER");
        assert_int_equal(check(&sent), RK_BAD_SIGNATURE);
        sent.request = whole;
        sent.request.target = RK_TEXT("/other");
        assert_int_equal(check(&sent), RK_BAD_SIGNATURE);
        sent.request = whole;
        sent.request.body = RK_TEXT("other");
        assert_int_equal(check(&sent), body[0] ? RK_DIGEST_MISMATCH : RK_COMPONENTS_MISSING);
        sent.request = whole;
        assert_int_equal(check(&sent), RK_OK);
        assert_int_equal(check(&sent), RK_REPLAYED);
    }
}

static void a_full_memory_takes_nothing_new(void **state) {
    static const uint8_t seed[RK_REPLAYS_SEED_SIZE] = {1};
    sent first, second;
    (void)state;
    assert_int_equal(rk_replays_make(&arena, 1, seed, 0, &replays), RK_OK);
    begin(&first, "GET", "/full", "");
    sign_as(&first, RK_TEXT("ada"), NOW_S, "1");
    begin(&second, "GET", "/full", "");
    sign_as(&second, RK_TEXT("ada"), NOW_S, "2");
    assert_int_equal(check(&first), RK_OK);
    assert_int_equal(check(&second), RK_OVERLOADED);
    assert_int_equal(check(&first), RK_REPLAYED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_vector_of_rfc_9421_verifies, forget),
        cmocka_unit_test_setup(the_digest_of_rfc_9421_matches, forget),
        cmocka_unit_test_setup(what_is_made_is_taken_once, forget),
        cmocka_unit_test_setup(any_actor_has_one_key_id, forget),
        cmocka_unit_test_setup(strangers_and_failures_are_refused, forget),
        cmocka_unit_test_setup(the_window_is_kept_to_the_second, forget),
        cmocka_unit_test_setup(parameters_and_components_are_judged, forget),
        cmocka_unit_test_setup(the_two_fields_have_one_member_each, forget),
        cmocka_unit_test_setup(lines_of_a_field_are_trimmed_and_joined, forget),
        cmocka_unit_test_setup(without_an_authority_it_need_not_be_covered, forget),
        cmocka_unit_test_setup(every_changed_bit_is_refused, forget),
        cmocka_unit_test_setup(random_requests_are_taken_once, forget),
        cmocka_unit_test_setup(a_full_memory_takes_nothing_new, forget),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
