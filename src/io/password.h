/*
 * Passwords, kept as Argon2id (RFC 9106) texts of libsodium.
 *
 * Invariants
 *   (1) What is stored is one NUL-ended text, "$argon2id$v=19$m=KIB,t=PASSES,p=1$SALT$HASH", with a random salt: the
 *       same password gives another text each time, and the text says with what limits it was made.
 *   (2) Comparing takes the same time wherever the bytes differ; nothing here keeps a password or puts one into an
 *       error.
 *   (3) A stored text cannot make a check cost more than RK_PASSWORD_MEMORY_MAX and RK_PASSWORD_PASSES_MAX.
 *
 * One making or checking takes RK_PASSWORD_MEMORY bytes and some 50 to 100 ms of one core: the caller bounds how many
 * run at once.
 */
#ifndef RK_IO_PASSWORD_H
#define RK_IO_PASSWORD_H

#include "base/status.h"

enum {
    RK_PASSWORD_SIZE_MIN = 8,           /* bytes, after NIST SP 800-63B section 5.1.1.2 */
    RK_PASSWORD_SIZE_MAX = 1024,        /* bytes */
    RK_PASSWORD_PASSES = 2,             /* libsodium's interactive limits */
    RK_PASSWORD_MEMORY = 64 << 20,      /* bytes */
    RK_PASSWORD_PASSES_MAX = 8,         /* of a stored text */
    RK_PASSWORD_MEMORY_MAX = 256 << 20, /* bytes, of a stored text */
    RK_PASSWORD_TEXT_SIZE = 128,        /* of a stored text with its NUL, as libsodium has it */
};

/*
 * The text to store for a password of RK_PASSWORD_SIZE_MIN to _MAX bytes of UTF-8 (the caller normalises, if it does);
 * it fills text_out up with NULs. RK_BAD_PASSWORD, RK_NO_MEMORY.
 */
RK_MUST_USE rk_status rk_password_make(rk_bytes password, char text_out[RK_PASSWORD_TEXT_SIZE], rk_error *error);
/*
 * Whether the password is that of a stored text (without its NUL). An empty text stands for nobody: false, after as
 * much work as for somebody, so that the time does not tell who exists. RK_NO_MEMORY; RK_CORRUPT when the text is none
 * of rk_password_make or passes a limit.
 */
RK_MUST_USE rk_status rk_password_check(rk_bytes password, rk_bytes text, bool *right_out, rk_error *error);
/* Whether the text was made with other limits than today's, and is to be made anew at the next successful check. */
bool rk_password_is_old(rk_bytes text);

#endif
