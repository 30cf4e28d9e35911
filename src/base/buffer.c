/*
 * The capped buffer.
 */
#include "base/buffer.h"

#include <string.h>

void rk_buffer_init(rk_buffer *buffer, rk_arena *arena, size_t size_max) {
    *buffer = (rk_buffer){.arena = arena, .size_max = size_max};
}

static bool make_room(rk_buffer *buffer, size_t size) {
    if (buffer->status != RK_OK) return false;
    if (size > buffer->size_max - buffer->size) {
        buffer->status = RK_LIMIT;
        return false;
    }
    size_t needed = buffer->size + size;
    if (needed <= buffer->capacity) return true;
    size_t capacity = buffer->capacity ? buffer->capacity : 128;
    while (capacity < needed) capacity *= 2;
    uint8_t *data = rk_arena_grow(buffer->arena, buffer->data, buffer->capacity, capacity);
    if (!data) {
        buffer->status = RK_NO_MEMORY;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void rk_buffer_append(rk_buffer *buffer, rk_bytes bytes) {
    if (bytes.size == 0 || !make_room(buffer, bytes.size)) return;
    memcpy(buffer->data + buffer->size, bytes.data, bytes.size);
    buffer->size += bytes.size;
}

void rk_buffer_append_byte(rk_buffer *buffer, uint8_t byte) {
    if (!make_room(buffer, 1)) return;
    buffer->data[buffer->size++] = byte;
}

rk_status rk_buffer_finish(const rk_buffer *buffer, rk_bytes *bytes_out) {
    *bytes_out = (rk_bytes){NULL, 0};
    if (buffer->status == RK_OK) *bytes_out = (rk_bytes){buffer->data, buffer->size};
    return buffer->status;
}
