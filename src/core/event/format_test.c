/*
 * Events, batches, records: what was sealed opens, and nothing else does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/event/format_testing.h"
#include "io/crypto.h"
#include "io/memory.h"

static rk_arena arena;
static rk_sample sample;

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), (size_t)1 << 30);
    rk_sample_make(&arena, rk_crypto_sodium(), &sample);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static void an_event_goes_round(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rk_event event;
        rk_bytes again;
        assert_int_equal(rk_event_decode(&arena, sample.events[i], &event, NULL), RK_OK);
        assert_int_equal(rk_id_compare(rk_event_id(rk_bytes_of(sample.events[i].data, RK_EVENT_ID_END)), event.id), 0);
        assert_int_equal(rk_event_id(rk_bytes_of(sample.events[i].data, RK_EVENT_ID_END - 1)).replica, 0);
        assert_int_equal(rk_event_id(rk_bytes_from(sample.events[i], 1)).replica, 0);
        assert_int_equal(rk_event_encode(&arena, &event, &again), RK_OK);
        assert_true(rk_bytes_equal(sample.events[i], again));
        assert_non_null(rk_operation_value(&event, &event.operations[0]));
    }
}

static void an_event_with_an_unknown_or_missing_key_is_refused(void **state) {
    (void)state;
    rk_value map, changed;
    assert_int_equal(rk_cbor_decode(&arena, sample.events[2], &map, NULL), RK_OK);
    size_t count = map.as.map.count;
    for (size_t drop = 0; drop <= count; drop++) {
        rk_pair *pairs = rk_arena_take_array(&arena, count + 1, sizeof *pairs);
        memcpy(pairs, map.as.map.pairs, count * sizeof *pairs);
        if (drop < count) {
            pairs[drop] = pairs[count - 1];
        } else {
            pairs[count] = (rk_pair){rk_int(10), rk_null()};
        }
        rk_bytes bytes;
        rk_event event;
        assert_int_equal(rk_map_value(&arena, pairs, drop < count ? count - 1 : count + 1, &changed), RK_OK);
        assert_int_equal(rk_cbor_encode(&arena, &changed, 1 << 16, &bytes), RK_OK);
        int64_t key = drop < count ? map.as.map.pairs[drop].key.as.integer : 10;
        bool optional = key == 8 || key == 9; /* operations, cause */
        assert_int_equal(rk_event_decode(&arena, bytes, &event, NULL), optional ? RK_OK : RK_BAD_EVENT);
    }
}

static void a_personal_member_has_its_place_and_no_other_map_has_integer_keys(void **state) {
    (void)state;
    rk_event event;
    rk_bytes again;
    assert_int_equal(rk_event_decode(&arena, sample.personal, &event, NULL), RK_OK);
    assert_true(rk_event_is_personal(&event));
    assert_int_equal(rk_event_encode(&arena, &event, &again), RK_OK);
    assert_true(rk_bytes_equal(sample.personal, again));
    rk_pair part = {rk_int(0), rk_int(1)}, member = {rk_string(RK_TEXT("birthday")), rk_null()};
    assert_int_equal(rk_map_value(&arena, &part, 1, &member.value), RK_OK);
    assert_int_equal(rk_map_value(&arena, &member, 1, &event.data), RK_OK);
    assert_int_equal(rk_event_encode(&arena, &event, &again), RK_OK);
    assert_int_equal(rk_event_decode(&arena, again, &event, NULL), RK_BAD_EVENT);
    assert_int_equal(rk_event_decode(&arena, sample.events[0], &event, NULL), RK_OK);
    assert_false(rk_event_is_personal(&event));
}

static void a_batch_opens_whole_and_with_a_refused_leaf_left_out(void **state) {
    (void)state;
    const rk_bytes forms[] = {sample.batch, sample.committed, sample.genesis};
    for (size_t i = 0; i < 3; i++) {
        rk_batch batch;
        rk_bytes again;
        rk_error error = {0};
        if (rk_batch_open(&arena, rk_crypto_sodium(), forms[i], &batch, &error) != RK_OK) fail_msg("%s", error.what);
        assert_int_equal(rk_batch_encode(&arena, &batch, &again), RK_OK);
        assert_true(rk_bytes_equal(forms[i], again));
    }
}

/* Every single byte, changed in three ways. */
static void any_changed_byte_of_a_batch_or_record_is_refused(void **state) {
    (void)state;
    const rk_bytes forms[] = {sample.batch, sample.committed, sample.genesis, sample.record};
    for (size_t i = 0; i < 4; i++) {
        for (size_t change = 0; change < forms[i].size * 3; change++) {
            static const uint8_t masks[] = {0x01, 0x80, 0xFF};
            rk_arena scratch;
            rk_arena_init(&scratch, rk_memory_system(), 1 << 22);
            rk_bytes copy;
            assert_int_equal(rk_arena_copy(&scratch, forms[i], &copy), RK_OK);
            ((uint8_t *)(uintptr_t)copy.data)[change / 3] ^= masks[change % 3];
            rk_batch batch;
            rk_record record;
            rk_error error = {0};
            rk_status status = i < 3 ? rk_batch_open(&scratch, rk_crypto_sodium(), copy, &batch, &error)
                                     : rk_record_open(&scratch, rk_crypto_sodium(), copy, &record, &error);
            if (status == RK_OK) fail_msg("form %zu: byte %zu changed, and it opens", i, change / 3);
            assert_int_equal(error.code, status);
            rk_arena_free(&scratch);
        }
    }
}

/* The Merkle root does not tell where transactions end; the seal does: cut otherwise, the leaves are another batch. */
static void where_transactions_end_is_sealed(void **state) {
    (void)state;
    rk_batch batch;
    static const uint32_t other[] = {2, 2};
    rk_bytes bytes;
    assert_int_equal(rk_batch_open(&arena, rk_crypto_sodium(), sample.batch, &batch, NULL), RK_OK);
    rk_hash root = batch.header.root;
    batch.transactions = other;
    uint8_t secret[RK_SECRET_SIZE];
    memset(secret, 0x53, sizeof secret);
    rk_bytes seal = batch.seal;
    assert_int_equal(rk_batch_seal(&arena, rk_crypto_sodium(), &sample.actor, secret, &batch), RK_OK);
    assert_true(rk_hash_equal(&root, &batch.header.root));
    assert_false(rk_bytes_equal(seal, batch.seal));
    assert_int_equal(rk_batch_encode(&arena, &batch, &bytes), RK_OK);
}

static void a_record_goes_round_and_fits_its_batch_only(void **state) {
    (void)state;
    rk_record record, changed;
    rk_batch batch, whole;
    rk_bytes again;
    assert_int_equal(rk_record_open(&arena, rk_crypto_sodium(), sample.record, &record, NULL), RK_OK);
    assert_int_equal(rk_record_seal(&arena, rk_crypto_sodium(), &sample.truth, &record, &again), RK_OK);
    assert_true(rk_bytes_equal(sample.record, again));
    assert_int_equal(rk_batch_open(&arena, rk_crypto_sodium(), sample.committed, &batch, NULL), RK_OK);
    assert_int_equal(rk_batch_open(&arena, rk_crypto_sodium(), sample.batch, &whole, NULL), RK_OK);
    assert_int_equal(rk_record_fits(&record, &batch, NULL), RK_OK);
    assert_int_equal(rk_record_fits(&record, &whole, NULL), RK_OK);
    assert_true(rk_record_accepts(&record, 0));
    assert_false(rk_record_accepts(&record, 1));
    static const uint8_t both[] = {0xC0}, spare[] = {0x81};
    changed = record, changed.bitmap = rk_bytes_of(both, 1), changed.accepted_count = 3;
    assert_int_equal(rk_record_fits(&changed, &batch, NULL), RK_BAD_RECORD); /* accepts a bare hash */
    changed = record, changed.bitmap = rk_bytes_of(spare, 1);
    assert_int_equal(rk_record_fits(&changed, &batch, NULL), RK_BAD_RECORD);
    changed = record, changed.accepted_count = 1;
    assert_int_equal(rk_record_fits(&changed, &batch, NULL), RK_BAD_RECORD);
    changed = record, changed.batch_number = 4;
    assert_int_equal(rk_record_fits(&changed, &batch, NULL), RK_BAD_RECORD);
    changed = record, changed.batch_root.bytes[0] ^= 1;
    assert_int_equal(rk_record_fits(&changed, &batch, NULL), RK_BAD_RECORD);
}

/* RFC 9162 section 2.1: every leaf of every size is proven by its path, and by no other. */
static void every_leaf_is_proven_by_its_path_alone(void **state) {
    (void)state;
    const rk_crypto *crypto = rk_crypto_sodium();
    rk_hash leaves[33], path[RK_MERKLE_PATH_MAX];
    for (size_t i = 0; i < 33; i++) leaves[i] = rk_sha256(crypto, rk_bytes_of(&i, sizeof i));
    for (size_t count = 1; count <= 33; count++) {
        rk_hash root = rk_merkle_root(crypto, leaves, count);
        for (size_t index = 0; index < count; index++) {
            size_t length = rk_merkle_path(crypto, leaves, count, index, path);
            assert_true(rk_merkle_proves(crypto, &leaves[index], index, count, path, length, &root));
            assert_false(rk_merkle_proves(crypto, &leaves[(index + 1) % 33], index, count, path, length, &root));
            if (count > 1) {
                size_t other = (index + 1) % count;
                assert_false(rk_merkle_proves(crypto, &leaves[index], other, count, path, length, &root));
                assert_false(rk_merkle_proves(crypto, &leaves[index], index, count, path, length - 1, &root));
            }
        }
    }
}

/* Known answers of RFC 4231 (HMAC) and FIPS 180-4 (SHA-256 of "abc"). */
static void hashes_give_the_known_answers(void **state) {
    (void)state;
    char text[65] = {0};
    rk_hash hash = rk_sha256(rk_crypto_sodium(), RK_TEXT("abc"));
    rk_hex_write(rk_hash_bytes(&hash), text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash = rk_hmac_sha256(rk_crypto_sodium(), RK_TEXT("Jefe"), RK_TEXT("what do ya want for nothing?"));
    rk_hex_write(rk_hash_bytes(&hash), text);
    assert_string_equal(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    uint8_t key[131];
    memset(key, 0xAA, sizeof key);
    hash = rk_hmac_sha256(rk_crypto_sodium(), rk_bytes_of(key, sizeof key),
                          RK_TEXT("Test Using Larger Than Block-Size Key - Hash Key First"));
    rk_hex_write(rk_hash_bytes(&hash), text);
    assert_string_equal(text, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_goes_round, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_event_with_an_unknown_or_missing_key_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_personal_member_has_its_place_and_no_other_map_has_integer_keys, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_batch_opens_whole_and_with_a_refused_leaf_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_changed_byte_of_a_batch_or_record_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_transactions_end_is_sealed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_goes_round_and_fits_its_batch_only, set_up, tear_down),
        cmocka_unit_test(every_leaf_is_proven_by_its_path_alone),
        cmocka_unit_test(hashes_give_the_known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
