/*
 * A certificate and its key, before a library that says little about them gets them.
 */
#ifndef RK_IO_TLS_H
#define RK_IO_TLS_H

#include "base/arena.h"

/*
 * Reads a certificate with its chain, and its key, both PEM, and sees that they are that, and belong together. The
 * texts are NUL-ended, in the arena. RK_IO, RK_BAD_FILE with the file's name.
 */
RK_MUST_USE rk_status rk_tls_read(const char *cert_file, const char *key_file, rk_arena *arena, const char **cert_out,
                                  const char **key_out, rk_error *error);

#endif
