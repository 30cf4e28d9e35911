/*
 * Unpacking gzip (RFC 1952).
 */
#ifndef RK_IO_GUNZIP_H
#define RK_IO_GUNZIP_H

#include "base/buffer.h"

/*
 * Unpacks all members of `packed` into the arena. RK_BAD_FILE when it is no gzip, is cut short or fails its checksum,
 * RK_LIMIT when it unpacks to more than size_max, RK_NO_MEMORY.
 */
RK_MUST_USE rk_status rk_gunzip(rk_arena *arena, rk_bytes packed, size_t size_max, rk_bytes *bytes_out,
                                rk_error *error);

#endif
