/*
 * Values that are changed in place: what is set is found, what is taken back was never there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/reduce/plain.h"
#include "io/memory.h"

/* Random places, up to three keys deep; some are removed, three rounds in four are taken back. */
static void places_in_large_maps_are_set_and_taken_back(void **state) {
    (void)state;
    rk_arena slot, arena;
    rk_arena_init(&arena, rk_memory_system(), 512 << 20);
    rk_arena_init(&slot, rk_memory_system(), 512 << 20);
    rk_value root = rk_null(), before = rk_null();
    uint64_t random = 7;
    for (int round = 0; round < 3000; round++) {
        rki_plain_undo undos[3];
        rk_value keys[3][3];
        size_t done = 0;
        for (; done < 3; done++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            size_t key_count = 1 + (random >> 60) % 3;
            char *text = rk_arena_take(&arena, 32);
            for (size_t k = 0; k < key_count; k++) {
                size_t size = rk_format(text + 8 * k, 8, "k%u", (random >> (8 * k + 20)) % (k ? 4 : 200));
                keys[done][k] = rk_string(rk_bytes_of(text + 8 * k, size));
            }
            rk_value value = rk_int(round), copy;
            if (random >> 40 & 1) {
                rki_plain_remove(&root, keys[done], key_count, &undos[done]);
                const rk_value *gone = &root;
                for (size_t k = 0; k < key_count; k++) gone = rk_map_find_key(gone, &keys[done][k]);
                assert_null(gone);
                continue;
            }
            assert_int_equal(rki_plain_copy(&slot, &value, &copy), RK_OK);
            rk_status status = rki_plain_set(&slot, &root, keys[done], key_count, &copy, &undos[done]);
            if (status == RK_EXPRESSION_FAILED) break;
            assert_int_equal(status, RK_OK);
            const rk_value *at = &root;
            for (size_t k = 0; k < key_count; k++) at = rk_map_find_key(at, &keys[done][k]);
            assert_true(at && rk_value_equal(at, &value));
        }
        if (random >> 33 & 3) {
            while (done > 0) rki_plain_take_back(&root, &undos[--done]);
            assert_true(rk_value_equal(&root, &before));
        }
        rk_arena_free(&arena);
        rk_arena_init(&arena, rk_memory_system(), 512 << 20);
        assert_int_equal(rk_value_copy(&arena, &root, &before), RK_OK);
    }
    assert_true(root.as.map.count > 60);
    rk_arena_free(&slot);
    rk_arena_free(&arena);
}

/* What stands right behind a copied map in memory stays as it is when the map grows. */
static void a_copied_map_has_room_of_its_own(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    for (size_t count = 0; count < 40; count++) {
        rk_pair pairs[40];
        rk_value map, copy, behind;
        for (size_t i = 0; i < count; i++) pairs[i] = (rk_pair){rk_int((int64_t)i), rk_int(0)};
        map = (rk_value){.kind = RK_MAP, .as.map = {pairs, count}};
        assert_int_equal(rki_plain_copy(&arena, &map, &copy), RK_OK);
        assert_int_equal(rki_plain_copy(&arena, &map, &behind), RK_OK);
        for (int64_t i = 0; i < 40; i++) {
            const rk_value key = rk_int(100 + i), one = rk_int(1);
            rki_plain_undo undo;
            assert_int_equal(rki_plain_set(&arena, &copy, &key, 1, &one, &undo), RK_OK);
        }
        assert_int_equal(copy.as.map.count, count + 40);
        assert_true(rk_value_equal(&behind, &map));
    }
    rk_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(places_in_large_maps_are_set_and_taken_back),
                                       cmocka_unit_test(a_copied_map_has_room_of_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
