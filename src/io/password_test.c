/*
 * Passwords: what is right, wrong, old, broken, and what happens without memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/password.h"

static bool is_right(const char *password, const char *text) {
    bool right = true;
    rk_status status = rk_password_check(rk_bytes_of_string(password), rk_bytes_of_string(text), &right, NULL);
    assert_int_equal(status, RK_OK);
    return right;
}

static rk_status check_status(const char *text) {
    bool right = true;
    rk_status status = rk_password_check(RK_TEXT("correct horse"), rk_bytes_of_string(text), &right, NULL);
    assert_false(right);
    return status;
}

static void a_password_is_known_again_and_no_other(void **state) {
    char text[RK_PASSWORD_TEXT_SIZE], twice[RK_PASSWORD_TEXT_SIZE];
    (void)state;
    assert_int_equal(rk_password_make(RK_TEXT("correct horse"), text, NULL), RK_OK);
    assert_int_equal(rk_password_make(RK_TEXT("correct horse"), twice, NULL), RK_OK);
    assert_string_not_equal(text, twice);
    assert_memory_equal(text, "$argon2id$v=19$m=65536,t=2,p=1$", 31);
    assert_true(is_right("correct horse", text));
    assert_false(is_right("correct horsf", text));
    assert_false(is_right("correct horse ", text));
    assert_false(is_right("", text));
    assert_false(rk_password_is_old(rk_bytes_of_string(text)));
}

/* Made with OpenSSL's Argon2id: "password", 16 bytes of salt, 3 passes, 256 KiB, 1 lane, 32 bytes out. */
#define TAIL       "c2l4dGVlbiBieXRlIHNhbA$fEYD3kgSFaq6WiE4CenGBZlX2Lmh/nh6eK2FWfew7Bc"
#define OTHER_TEXT "$argon2id$v=19$m=256,t=3,p=1$" TAIL

static void a_text_of_another_library_is_read(void **state) {
    (void)state;
    assert_true(is_right("password", OTHER_TEXT));
    assert_false(is_right("Password", OTHER_TEXT));
    assert_true(rk_password_is_old(RK_TEXT(OTHER_TEXT)));
}

static void nobody_has_no_password(void **state) {
    (void)state;
    assert_false(is_right("correct horse", ""));
}

static void short_long_and_broken_passwords_are_refused(void **state) {
    static char longest[RK_PASSWORD_SIZE_MAX + 1];
    char text[RK_PASSWORD_TEXT_SIZE];
    rk_error error;
    (void)state;
    memset(longest, 'a', sizeof longest);
    assert_int_equal(rk_password_make(RK_TEXT("secret7"), text, &error), RK_BAD_PASSWORD);
    assert_null(strstr(error.what, "secret7"));
    assert_int_equal(text[0], 0);
    assert_int_equal(rk_password_make(rk_bytes_of(longest, sizeof longest), text, NULL), RK_BAD_PASSWORD);
    assert_int_equal(rk_password_make(RK_TEXT("12345678\xff"), text, NULL), RK_BAD_PASSWORD);
    assert_int_equal(rk_password_make(rk_bytes_of(longest, RK_PASSWORD_SIZE_MAX), text, NULL), RK_OK);
}

static void a_broken_or_costly_text_is_corrupt(void **state) {
    static const char *const bad[] = {
        "x",
        "$argon2id$v=19$m=65536,t=2,p=1$",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$!!!",
        "$argon2i$v=19$m=256,t=3,p=1$" TAIL,
        "$argon2id$v=16$m=256,t=3,p=1$" TAIL,
        "$argon2id$v=19$m=256,t=3,p=2$" TAIL,
        "$argon2id$v=19$m=4,t=3,p=1$" TAIL,
        "$argon2id$v=19$m=256,t=0,p=1$" TAIL,
        "$argon2id$v=19$m=-256,t=3,p=1$" TAIL,
        "$argon2id$v=19$m=4194304,t=3,p=1$" TAIL,
        "$argon2id$v=19$m=256,t=900,p=1$" TAIL,
        OTHER_TEXT "A",
        OTHER_TEXT "=",
        OTHER_TEXT " ",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(check_status(bad[i]), RK_CORRUPT);
        assert_true(rk_password_is_old(rk_bytes_of_string(bad[i])));
    }
}

/* Leaves the process 32 MiB to grow: enough for all but a hash. */
static void leave_little_memory(struct rlimit *before) {
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu", &pages), 1);
    fclose(file);
    assert_int_equal(getrlimit(RLIMIT_AS, before), 0);
    struct rlimit low = {pages * (unsigned long long)sysconf(_SC_PAGESIZE) + RK_PASSWORD_MEMORY / 2, before->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
}

static void without_memory_nothing_is_said_of_the_password(void **state) {
    char text[RK_PASSWORD_TEXT_SIZE], other[RK_PASSWORD_TEXT_SIZE];
    struct rlimit before;
    (void)state;
    assert_int_equal(rk_password_make(RK_TEXT("correct horse"), text, NULL), RK_OK);
    leave_little_memory(&before);
    bool right = true;
    rk_status checked = rk_password_check(RK_TEXT("correct horse"), rk_bytes_of_string(text), &right, NULL);
    rk_status nobody = rk_password_check(RK_TEXT("correct horse"), RK_TEXT(""), &right, NULL);
    rk_status made = rk_password_make(RK_TEXT("correct horse"), other, NULL);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(checked, RK_NO_MEMORY);
    assert_int_equal(nobody, RK_NO_MEMORY);
    assert_int_equal(made, RK_NO_MEMORY);
    assert_false(right);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_known_again_and_no_other),
        cmocka_unit_test(a_text_of_another_library_is_read),
        cmocka_unit_test(nobody_has_no_password),
        cmocka_unit_test(short_long_and_broken_passwords_are_refused),
        cmocka_unit_test(a_broken_or_costly_text_is_corrupt),
        cmocka_unit_test(without_memory_nothing_is_said_of_the_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
