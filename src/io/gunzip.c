/*
 * Unpacking with zlib.
 */
#include "io/gunzip.h"

#include <zlib.h>

enum { GZIP_WINDOW = 16 + MAX_WBITS, PIECE_SIZE = 1 << 16 };

/* Unpacks one member; moves the stream to what follows it. */
static int unpack_member(z_stream *stream, rk_buffer *buffer) {
    uint8_t piece[PIECE_SIZE];
    int result = Z_OK;
    while (result == Z_OK && buffer->status == RK_OK) {
        stream->next_out = piece;
        stream->avail_out = sizeof piece;
        result = inflate(stream, Z_NO_FLUSH);
        rk_buffer_append(buffer, rk_bytes_of(piece, sizeof piece - stream->avail_out));
    }
    return result;
}

rk_status rk_gunzip(rk_arena *arena, rk_bytes packed, size_t size_max, rk_bytes *bytes_out, rk_error *error) {
    rk_buffer buffer;
    *bytes_out = (rk_bytes){NULL, 0};
    rk_buffer_init(&buffer, arena, size_max);
    if (packed.size > UINT32_MAX) return rk_fail(error, RK_LIMIT, "gzip", "it is larger than 4 GiB");
    z_stream stream = {.next_in = (z_const Bytef *)packed.data, .avail_in = (uInt)packed.size};
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK) return rk_fail(error, RK_NO_MEMORY, "gzip", "no memory to unpack");
    int result = Z_OK;
    do {
        result = unpack_member(&stream, &buffer);
    } while (result == Z_STREAM_END && stream.avail_in > 0 && inflateReset(&stream) == Z_OK);
    inflateEnd(&stream);
    rk_status status = rk_buffer_finish(&buffer, bytes_out);
    if (status != RK_OK) return rk_fail(error, status, "gzip", "it unpacks to more than %u bytes", (uint64_t)size_max);
    if (result == Z_STREAM_END) return RK_OK;
    *bytes_out = (rk_bytes){NULL, 0};
    return rk_fail(error, RK_BAD_FILE, "gzip", result == Z_BUF_ERROR ? "it is cut short" : "it is no gzip, or damaged");
}
