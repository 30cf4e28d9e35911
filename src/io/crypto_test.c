/*
 * Hashes: the examples of FIPS 180-4, and every way in which parts may lie, against another implementation.
 */
#include "io/crypto.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { LONGEST = 3000 };

static void hashes_as_fips_180_4_says(void **state) {
    static const uint8_t empty[4] = {0xE3, 0xB0, 0xC4, 0x42}, abc[4] = {0xBA, 0x78, 0x16, 0xBF};
    const rk_crypto *crypto = rk_crypto_sodium();
    (void)state;
    rk_hash hash = rk_sha256(crypto, (rk_bytes){NULL, 0});
    assert_memory_equal(hash.bytes, empty, sizeof empty);
    hash = rk_sha256(crypto, RK_TEXT("abc"));
    assert_memory_equal(hash.bytes, abc, sizeof abc);
}

static void hashes_parts_as_their_whole(void **state) {
    static uint8_t bytes[LONGEST];
    const rk_crypto *crypto = rk_crypto_sodium();
    (void)state;
    randombytes_buf(bytes, sizeof bytes);
    for (size_t size = 0; size <= LONGEST; size++) {
        uint8_t expected[RK_HASH_SIZE];
        rk_hash hash = rk_sha256(crypto, rk_bytes_of(bytes, size));
        crypto_hash_sha256(expected, bytes, size);
        assert_memory_equal(hash.bytes, expected, sizeof expected);
        size_t first = size ? randombytes_uniform((uint32_t)size) : 0, second = (size - first) / 2;
        const rk_bytes parts[] = {
            {bytes, first}, {NULL, 0}, {bytes + first, second}, {bytes + first + second, size - first - second}};
        crypto->sha256(parts, 4, &hash);
        assert_memory_equal(hash.bytes, expected, sizeof expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashes_as_fips_180_4_says),
                                       cmocka_unit_test(hashes_parts_as_their_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
