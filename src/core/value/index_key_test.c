/*
 * Index keys: their order is that of values, and a cut key stands for all values that it was cut from.
 */
#include "core/value/index_key.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

static rk_index_key key_of(rk_value value) {
    rk_index_key key;
    assert_true(rk_index_key_of(&value, &key));
    return key;
}

static int order(rk_value a, rk_value b) {
    rk_index_key left = key_of(a), right = key_of(b);
    int compared = rk_bytes_compare(rk_index_key_bytes(&left), rk_index_key_bytes(&right));
    return (compared > 0) - (compared < 0);
}

static rk_value text(const char *string) {
    return rk_string(rk_bytes_of_string(string));
}

static void keys_stand_in_the_order_of_their_values(void **state) {
    (void)state;
    const rk_value ascending[] = {rk_null(),
                                  rk_bool(false),
                                  rk_bool(true),
                                  rk_int(INT64_MIN),
                                  rk_int(-300),
                                  rk_int(-1),
                                  rk_int(0),
                                  rk_int(1),
                                  rk_int(255),
                                  rk_int(256),
                                  rk_int(INT64_MAX),
                                  rk_whole((uint64_t)INT64_MAX + 1),
                                  rk_whole(UINT64_MAX),
                                  text(""),
                                  text("A"),
                                  text("Ab"),
                                  text("a"),
                                  text("\xC3\xBC"),
                                  text("\xF0\x9F\x99\x82"),
                                  rk_bytes_value(RK_TEXT("")),
                                  rk_bytes_value(RK_TEXT("\xFF"))};
    size_t count = sizeof ascending / sizeof *ascending;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            assert_int_equal(order(ascending[i], ascending[j]), (i > j) - (i < j));
        }
        rk_index_key none = rk_index_key_none(), key = key_of(ascending[i]), low, high;
        rk_bytes bytes = rk_index_key_bytes(&key);
        assert_true(rk_bytes_compare(bytes, rk_index_key_bytes(&none)) < 0);
        assert_true(rk_index_key_class(&ascending[i], &low, &high));
        assert_true(rk_bytes_compare(rk_index_key_bytes(&low), bytes) <= 0);
        assert_true(rk_bytes_compare(bytes, rk_index_key_bytes(&high)) < 0);
        rk_index_key after = rk_index_key_after(&key);
        assert_true(rk_bytes_compare(bytes, rk_index_key_bytes(&after)) < 0);
    }
}

static void a_double_stands_with_the_whole_number_below_it(void **state) {
    (void)state;
    assert_int_equal(order(rk_double(2.5), rk_int(2)), 0);
    assert_int_equal(order(rk_double(-2.5), rk_int(-3)), 0);
    assert_int_equal(order(rk_double(-0.0), rk_int(0)), 0);
    assert_int_equal(order(rk_double(1e300), rk_whole(UINT64_MAX)), 0);
    assert_int_equal(order(rk_double(-1e300), rk_int(INT64_MIN)), 0);
    assert_int_equal(order(rk_double(INFINITY), rk_int(0)), 1);
    rk_index_key key;
    rk_value nan = rk_double(NAN), list = rk_list(NULL, 0);
    assert_false(rk_index_key_of(&nan, &key));
    assert_false(rk_index_key_of(&list, &key));
}

static void a_long_text_is_cut_and_its_prefix_still_finds_it(void **state) {
    (void)state;
    char long_text[200];
    memset(long_text, 'x', sizeof long_text);
    for (size_t size = 0; size < sizeof long_text; size++) {
        rk_value value = rk_string(rk_bytes_of(long_text, size));
        rk_index_key key = key_of(value);
        assert_int_equal(key.size, 1 + (size < RK_INDEX_TEXT_MAX ? size : RK_INDEX_TEXT_MAX));
        for (size_t prefix = 0; prefix <= size; prefix += 3) {
            rk_bytes begin = rk_bytes_of(long_text, prefix);
            rk_index_key low = key_of(rk_string(begin)), high = rk_index_key_after_prefix(begin);
            assert_true(rk_bytes_compare(rk_index_key_bytes(&low), rk_index_key_bytes(&key)) <= 0);
            assert_true(rk_bytes_compare(rk_index_key_bytes(&key), rk_index_key_bytes(&high)) < 0);
        }
    }
    rk_index_key high = rk_index_key_after_prefix(RK_TEXT("ab")), other = key_of(text("ac"));
    assert_int_equal(rk_bytes_compare(rk_index_key_bytes(&high), rk_index_key_bytes(&other)), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_stand_in_the_order_of_their_values),
        cmocka_unit_test(a_double_stands_with_the_whole_number_below_it),
        cmocka_unit_test(a_long_text_is_cut_and_its_prefix_still_finds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
