/*
 * Hashes from Nettle, signatures and randomness from libsodium.
 */
#ifndef RK_IO_CRYPTO_H
#define RK_IO_CRYPTO_H

#include "core/crypto/crypto.h"

/* The seam's implementation. Borrowed, lives as long as the process; ends it if libsodium cannot start. */
const rk_crypto *rk_crypto_sodium(void);
/* Fills `out` from the system's generator. */
void rk_random_bytes(uint8_t *out, size_t size);
/* What stands for the number, told from randomness by nobody who lacks the key (SipHash-2-4 of 128 bits). */
enum { RK_NUMBER_KEY_SIZE = 16, RK_NUMBER_NAME_SIZE = 16 };
void rk_number_name(const uint8_t key[RK_NUMBER_KEY_SIZE], uint64_t number, uint8_t out[RK_NUMBER_NAME_SIZE]);
/* What tells bytes from others (BLAKE2b of 128 bits). */
enum { RK_TAG_SIZE = 16 };
void rk_tag(rk_bytes bytes, uint8_t out[RK_TAG_SIZE]);
/* Overwrites a secret in a way that the compiler keeps. */
void rk_secret_wipe(void *secret, size_t size);
/* Whether two secrets are equal, in a time that does not tell where they differ. */
bool rk_secret_equal(const void *a, const void *b, size_t size);

#endif
