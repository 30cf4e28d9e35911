/*
 * The one order of frames.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/sync/frame.h"

/* Each is before all that stand below it. */
static const rk_frame in_order[] = {
    {.kind = RK_FRAME_HEAD, .replica = 1},
    {.kind = RK_FRAME_HEAD, .replica = 2},
    {.kind = RK_FRAME_COMMIT, .number = 1, .epoch = 1, .replica = 9},
    {.kind = RK_FRAME_COMMIT, .number = 2, .epoch = 1, .replica = 1},
    {.kind = RK_FRAME_COMMIT, .number = 2, .epoch = 2},
    {.kind = RK_FRAME_COMMIT, .number = UINT64_MAX},
    {.kind = RK_FRAME_PENDING, .replica = 1, .number = 1},
    {.kind = RK_FRAME_PENDING, .replica = 1, .number = 2},
    {.kind = RK_FRAME_PENDING, .replica = 2, .number = 1},
    {.kind = RK_FRAME_PENDING, .replica = UINT64_MAX, .number = 1},
    {.kind = RK_FRAME_VERDICT, .replica = 1, .number = 1, .transaction = 0},
    {.kind = RK_FRAME_VERDICT, .replica = 1, .number = 1, .transaction = 1},
    {.kind = RK_FRAME_VERDICT, .replica = 1, .number = 2, .transaction = 0},
    {.kind = RK_FRAME_VERDICT, .replica = 2, .number = 1, .transaction = 0},
};

static void frames_have_one_total_order(void **state) {
    (void)state;
    int count = (int)(sizeof in_order / sizeof *in_order);
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++) {
            int order = rk_frame_compare(&in_order[i], &in_order[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void doubles_compare_equal_whatever_they_carry(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof in_order / sizeof *in_order; i++) {
        rk_frame other = in_order[i];
        other.batch = RK_TEXT("b");
        other.record = RK_TEXT("r");
        other.what = RK_TEXT("w");
        assert_int_equal(rk_frame_compare(&in_order[i], &other), 0);
    }
    /* Who wrote a committed batch does not matter: the record's number says where it stands. */
    rk_frame other = in_order[3];
    other.replica = 77;
    assert_int_equal(rk_frame_compare(&in_order[3], &other), 0);
}

static void kinds_have_names(void **state) {
    (void)state;
    assert_string_equal(rk_frame_kind_name(RK_FRAME_HEAD), "head");
    assert_string_equal(rk_frame_kind_name(RK_FRAME_COMMIT), "commit");
    assert_string_equal(rk_frame_kind_name(RK_FRAME_PENDING), "pending");
    assert_string_equal(rk_frame_kind_name(RK_FRAME_VERDICT), "verdict");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_have_one_total_order),
        cmocka_unit_test(doubles_compare_equal_whatever_they_carry),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
