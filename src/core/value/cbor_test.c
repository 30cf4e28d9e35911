/*
 * CBOR: the vectors of RFC 8949 appendix A in one table, each with what becomes of it, and what else must be refused.
 */
#include "core/value/cbor.h"

#include <math.h>
#include <setjmp.h>
#include <string.h>
/* cmocka needs the two above first */
#include <cmocka.h>

#include "io/memory.h"

typedef struct vector {
    const char *hex;
    rk_status status;
} vector;

static const vector appendix_a[] = {
    {"00", RK_OK},
    {"01", RK_OK},
    {"0a", RK_OK},
    {"17", RK_OK},
    {"1818", RK_OK},
    {"1819", RK_OK},
    {"1864", RK_OK},
    {"1903e8", RK_OK},
    {"1a000f4240", RK_OK},
    {"1b000000e8d4a51000", RK_OK},
    {"1bffffffffffffffff", RK_OK},
    {"c249010000000000000000", RK_CBOR_UNSUPPORTED},
    {"3bffffffffffffffff", RK_CBOR_UNSUPPORTED},
    {"c349010000000000000000", RK_CBOR_UNSUPPORTED},
    {"20", RK_OK},
    {"29", RK_OK},
    {"3863", RK_OK},
    {"3903e7", RK_OK},
    {"f90000", RK_OK},
    {"f98000", RK_OK},
    {"f93c00", RK_OK},
    {"fb3ff199999999999a", RK_OK},
    {"f93e00", RK_OK},
    {"f97bff", RK_OK},
    {"fa47c35000", RK_OK},
    {"fa7f7fffff", RK_OK},
    {"fb7e37e43c8800759c", RK_OK},
    {"f90001", RK_OK},
    {"f90400", RK_OK},
    {"f9c400", RK_OK},
    {"fbc010666666666666", RK_OK},
    {"f97c00", RK_OK},
    {"f97e00", RK_OK},
    {"f9fc00", RK_OK},
    {"fa7f800000", RK_CBOR_ORDER},
    {"fa7fc00000", RK_CBOR_ORDER},
    {"faff800000", RK_CBOR_ORDER},
    {"fb7ff0000000000000", RK_CBOR_ORDER},
    {"fb7ff8000000000000", RK_CBOR_ORDER},
    {"fbfff0000000000000", RK_CBOR_ORDER},
    {"f4", RK_OK},
    {"f5", RK_OK},
    {"f6", RK_OK},
    {"f7", RK_CBOR_UNSUPPORTED},
    {"f0", RK_CBOR_UNSUPPORTED},
    {"f818", RK_CBOR_MALFORMED}, /* RFC 7049 allowed it, RFC 8949 section 3.3 does not */
    {"f8ff", RK_CBOR_UNSUPPORTED},
    {"c074323031332d30332d32315432303a30343a30305a", RK_CBOR_UNSUPPORTED},
    {"c11a514b67b0", RK_CBOR_UNSUPPORTED},
    {"c1fb41d452d9ec200000", RK_CBOR_UNSUPPORTED},
    {"d74401020304", RK_CBOR_UNSUPPORTED},
    {"d818456449455446", RK_CBOR_UNSUPPORTED},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", RK_CBOR_UNSUPPORTED},
    {"40", RK_OK},
    {"4401020304", RK_OK},
    {"60", RK_OK},
    {"6161", RK_OK},
    {"6449455446", RK_OK},
    {"62225c", RK_OK},
    {"62c3bc", RK_OK},
    {"63e6b0b4", RK_OK},
    {"64f0908591", RK_OK},
    {"80", RK_OK},
    {"83010203", RK_OK},
    {"8301820203820405", RK_OK},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819", RK_OK},
    {"a0", RK_OK},
    {"a201020304", RK_OK},
    {"a26161016162820203", RK_OK},
    {"826161a161626163", RK_OK},
    {"a56161614161626142616361436164614461656145", RK_OK},
    {"5f42010243030405ff", RK_CBOR_ORDER},
    {"7f657374726561646d696e67ff", RK_CBOR_ORDER},
    {"9fff", RK_CBOR_ORDER},
    {"9f018202039f0405ffff", RK_CBOR_ORDER},
    {"9f01820203820405ff", RK_CBOR_ORDER},
    {"83018202039f0405ff", RK_CBOR_ORDER},
    {"83019f0203ff820405", RK_CBOR_ORDER},
    {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", RK_CBOR_ORDER},
    {"bf61610161629f0203ffff", RK_CBOR_ORDER},
    {"826161bf61626163ff", RK_CBOR_ORDER},
    {"bf6346756ef563416d7421ff", RK_CBOR_ORDER},
};

static const vector ours[] = {
    {"", RK_CBOR_MALFORMED},
    {"18", RK_CBOR_MALFORMED},
    {"1b00000000", RK_CBOR_MALFORMED},
    {"1817", RK_CBOR_ORDER},
    {"190018", RK_CBOR_ORDER},
    {"1a0000ffff", RK_CBOR_ORDER},
    {"1b00000000ffffffff", RK_CBOR_ORDER},
    {"1c", RK_CBOR_MALFORMED},
    {"3b7fffffffffffffff", RK_OK},
    {"3b8000000000000000", RK_CBOR_UNSUPPORTED},
    {"5818", RK_CBOR_MALFORMED},
    {"61ff", RK_CBOR_MALFORMED},
    {"63eda080", RK_CBOR_MALFORMED},
    {"62c080", RK_CBOR_MALFORMED},
    {"9bffffffffffffffff", RK_CBOR_MALFORMED},
    {"bbffffffffffffffff00", RK_CBOR_MALFORMED},
    {"a2010101", RK_CBOR_MALFORMED},
    {"a201010102", RK_CBOR_ORDER},
    {"a202010101", RK_CBOR_ORDER},
    {"a18000", RK_CBOR_UNSUPPORTED},
    {"a1f600", RK_CBOR_UNSUPPORTED},
    {"a10001", RK_OK},
    {"f97e01", RK_CBOR_ORDER},
    {"f9fe00", RK_CBOR_ORDER},
    {"f800", RK_CBOR_MALFORMED},
    {"ff", RK_CBOR_MALFORMED},
    {"0000", RK_CBOR_MALFORMED},
    {"fa00000000", RK_CBOR_ORDER},
    {"fa33800000", RK_CBOR_ORDER},
    {"fa33000000", RK_OK},
    {"fb36a0000000000000", RK_CBOR_ORDER},
    {"fb0000000000000001", RK_OK},
};

static size_t read_hex(const char *hex, uint8_t *out) {
    char packed[256];
    size_t size = 0;
    for (; *hex; hex++) {
        if (*hex != ' ') packed[size++] = *hex;
    }
    assert_true(rk_hex_read(rk_bytes_of(packed, size), out, size / 2));
    return size / 2;
}

static void check_vector(const vector *vector) {
    uint8_t bytes[128];
    size_t size = read_hex(vector->hex, bytes);
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    rk_value value;
    rk_error error = {0};
    rk_status status = rk_cbor_decode(&arena, rk_bytes_of(bytes, size), &value, &error);
    if (status != vector->status)
        fail_msg("%s: %s, not %s", vector->hex, rk_status_name(status), rk_status_name(vector->status));
    if (status == RK_OK) {
        rk_bytes again;
        assert_int_equal(rk_cbor_encode(&arena, &value, 1 << 10, &again), RK_OK);
        assert_true(rk_bytes_equal(again, rk_bytes_of(bytes, size)));
    } else {
        assert_int_equal(error.code, status);
        assert_true(error.what[0] && error.where[0]);
    }
    rk_arena_free(&arena);
}

static void appendix_a_goes_round_or_is_refused_by_name(void **state) {
    (void)state;
    size_t round = 0;
    assert_int_equal(sizeof appendix_a / sizeof *appendix_a, 82);
    for (size_t i = 0; i < 82; i++) {
        check_vector(&appendix_a[i]);
        round += appendix_a[i].status == RK_OK;
    }
    assert_int_equal(round, 52);
}

static void other_encodings_are_refused_by_name(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) check_vector(&ours[i]);
}

static void every_half_float_goes_round(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    for (uint32_t bits = 0; bits <= UINT16_MAX; bits++) {
        uint8_t bytes[3] = {0xF9, (uint8_t)(bits >> 8), (uint8_t)bits};
        rk_value value;
        rk_status status = rk_cbor_decode(&arena, rk_bytes_of(bytes, 3), &value, NULL);
        bool odd_nan = (bits & 0x7C00) == 0x7C00 && (bits & 0x3FF) != 0 && bits != 0x7E00;
        assert_int_equal(status, odd_nan ? RK_CBOR_ORDER : RK_OK);
        if (status != RK_OK) continue;
        double expected = ldexp((double)(bits & 0x3FF) + ((bits >> 10 & 31) ? 1024 : 0),
                                (int)((bits >> 10 & 31) ? (bits >> 10 & 31) : 1) - 25);
        if ((bits & 0x7C00) != 0x7C00) assert_true(fabs(value.as.number) == expected);
        rk_bytes again;
        assert_int_equal(rk_cbor_encode(&arena, &value, 16, &again), RK_OK);
        assert_true(rk_bytes_equal(again, rk_bytes_of(bytes, 3)));
    }
    rk_arena_free(&arena);
}

static void nesting_is_bounded(void **state) {
    (void)state;
    uint8_t deep[RK_VALUE_DEPTH_MAX + 2];
    memset(deep, 0x81, sizeof deep);
    deep[RK_VALUE_DEPTH_MAX] = 0;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    rk_value value;
    assert_int_equal(rk_cbor_decode(&arena, rk_bytes_of(deep, RK_VALUE_DEPTH_MAX + 1), &value, NULL), RK_OK);
    deep[RK_VALUE_DEPTH_MAX] = 0x81, deep[RK_VALUE_DEPTH_MAX + 1] = 0;
    assert_int_equal(rk_cbor_decode(&arena, rk_bytes_of(deep, sizeof deep), &value, NULL), RK_LIMIT);
    rk_arena_free(&arena);
}

static void map_keys_are_sorted_by_their_encoding(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    rk_pair pairs[] = {{rk_string(RK_TEXT("b")), rk_int(1)},
                       {rk_string(RK_TEXT("aa")), rk_int(2)},
                       {rk_int(-1), rk_int(3)},
                       {rk_int(1000), rk_int(4)},
                       {rk_string(RK_TEXT("")), rk_int(5)},
                       {rk_bool(false), rk_int(6)},
                       {rk_whole(UINT64_MAX), rk_int(7)},
                       {rk_int(24), rk_int(8)}};
    rk_value map, back;
    rk_bytes bytes;
    assert_int_equal(rk_map_value(&arena, pairs, 8, &map), RK_OK);
    assert_int_equal(rk_cbor_encode(&arena, &map, 1 << 10, &bytes), RK_OK);
    assert_int_equal(rk_cbor_decode(&arena, bytes, &back, NULL), RK_OK);
    assert_true(rk_value_equal(&map, &back));
    assert_int_equal(rk_map_find(&back, RK_TEXT("aa"))->as.integer, 2);
    assert_int_equal(rk_map_find_int(&back, 1000)->as.integer, 4);
    assert_null(rk_map_find(&back, RK_TEXT("c")));
    rk_pair twice[] = {{rk_int(1), rk_int(1)}, {rk_int(1), rk_int(2)}};
    assert_int_equal(rk_map_value(&arena, twice, 2, &map), RK_CBOR_ORDER);
    rk_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appendix_a_goes_round_or_is_refused_by_name),
        cmocka_unit_test(other_encodings_are_refused_by_name),
        cmocka_unit_test(every_half_float_goes_round),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(map_keys_are_sorted_by_their_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
