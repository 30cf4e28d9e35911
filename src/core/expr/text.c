/*
 * CEL's extension functions on text: positions, cutting, joining, letters.
 *
 * Invariants
 *   (1) Positions count code points from 0; one outside the text is a fault, never moved to its edge.
 *   (2) Every search compares at each place where the first byte fits and pays for it.
 */
#include <string.h>

#include "base/base64.h"
#include "core/expr/code.h"

static rk_status no_overload(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count) {
    return rki_no_overload(run, op, op->as.call.name, arguments, count);
}

/* Whether the arguments have these kinds, a letter each: s text, i int; `kinds` may have more. */
static bool are(const rk_value *arguments, size_t count, const char *kinds) {
    for (size_t i = 0; i < count; i++) {
        if (arguments[i].kind != (kinds[i] == 's' ? RK_STRING : RK_INT)) return false;
    }
    return true;
}

/* The byte offset of a position in the text, the end included. */
static rk_status offset_of(rki_run *run, const rki_op *op, rk_bytes text, const rk_value *position,
                           size_t *offset_out) {
    RK_TRY(rki_steps_of_bytes(run, text.size));
    bool inside = position->as.integer >= 0 && (uint64_t)position->as.integer <= rk_utf8_count(text);
    if (!inside) return rki_fault_value(run, op, RKI_FAULT_INDEX, position);
    *offset_out = rk_utf8_offset(text, (size_t)position->as.integer);
    return RK_OK;
}

static rk_value part_of(rk_bytes text, size_t start, size_t end) {
    return rk_string(rk_bytes_of(rk_bytes_from(text, start).data, end - start));
}

/* The first place of `part` at or after `start`, text.size + 1 for none. */
static rk_status find_part(rki_run *run, rk_bytes text, rk_bytes part, size_t start, size_t *at_out) {
    *at_out = text.size + 1;
    for (size_t at = start; at + part.size <= text.size; at++) {
        if (part.size > 0)
            at += rk_bytes_find(rk_bytes_of(text.data + at, text.size - part.size + 1 - at), part.data[0]);
        if (at + part.size > text.size) break;
        RK_TRY(rki_steps(run, part.size / RK_EXPR_STEP_BYTES + 1));
        if (!rk_bytes_starts_with(rk_bytes_from(text, at), part)) continue;
        *at_out = at;
        break;
    }
    return rki_steps_of_bytes(run, (*at_out > text.size ? text.size : *at_out) - start);
}

rk_status rki_apply_char_at(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (!are(arguments, count, "si")) return no_overload(run, op, arguments, count);
    rk_bytes text = arguments[0].as.bytes;
    size_t start = 0;
    uint32_t point = 0;
    RK_TRY(offset_of(run, op, text, &arguments[1], &start));
    size_t end = start;
    if (!rk_utf8_next(text, &end, &point)) end = start; /* the end: no letter */
    *out = part_of(text, start, end);
    return RK_OK;
}

rk_status rki_apply_index_of(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (!are(arguments, count, "ssi")) return no_overload(run, op, arguments, count);
    rk_bytes text = arguments[0].as.bytes;
    size_t start = 0, at = 0;
    if (count == 3) RK_TRY(offset_of(run, op, text, &arguments[2], &start));
    RK_TRY(find_part(run, text, arguments[1].as.bytes, start, &at));
    *out = rk_int(at > text.size ? -1 : (int64_t)rk_utf8_count(rk_bytes_of(text.data, at)));
    return RK_OK;
}

rk_status rki_apply_last_index_of(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                  rk_value *out) {
    if (!are(arguments, count, "ssi")) return no_overload(run, op, arguments, count);
    rk_bytes text = arguments[0].as.bytes, part = arguments[1].as.bytes;
    size_t last = text.size;
    if (count == 3) RK_TRY(offset_of(run, op, text, &arguments[2], &last));
    *out = rk_int(-1);
    if (part.size > text.size) return RK_OK;
    if (last > text.size - part.size) last = text.size - part.size;
    for (size_t after = last + 1; after > 0; after--) {
        RK_TRY(rki_steps(run, part.size / RK_EXPR_STEP_BYTES + 1));
        bool inside = after <= text.size && (text.data[after - 1] & 0xC0) == 0x80; /* within a code point */
        if (inside || !rk_bytes_starts_with(rk_bytes_from(text, after - 1), part)) continue;
        *out = rk_int((int64_t)rk_utf8_count(rk_bytes_of(text.data, after - 1)));
        return RK_OK;
    }
    return RK_OK;
}

rk_status rki_apply_substring(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (!are(arguments, count, "sii")) return no_overload(run, op, arguments, count);
    rk_bytes text = arguments[0].as.bytes;
    size_t start = 0, end = text.size;
    RK_TRY(offset_of(run, op, text, &arguments[1], &start));
    if (count == 3) RK_TRY(offset_of(run, op, text, &arguments[2], &end));
    if (end < start) return rki_fault_value(run, op, RKI_FAULT_INDEX, &arguments[2]);
    *out = part_of(text, start, end);
    return RK_OK;
}

/* --- letters ---------------------------------------------------------------------------------------------------- */

static rk_status change_case(rki_run *run, const rki_op *op, const rk_value *value, uint8_t first, rk_value *out) {
    if (value->kind != RK_STRING) return no_overload(run, op, value, 1);
    rk_bytes text = value->as.bytes;
    RK_TRY(rki_steps_of_bytes(run, text.size));
    uint8_t *changed = rk_arena_take(run->arena, text.size);
    if (!changed) return RK_NO_MEMORY;
    for (size_t i = 0; i < text.size; i++) {
        bool letter = text.data[i] >= first && text.data[i] < first + 26;
        changed[i] = letter ? text.data[i] ^ 0x20 : text.data[i];
    }
    *out = rk_string(rk_bytes_of(changed, text.size));
    return RK_OK;
}

rk_status rki_apply_lower(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    (void)count;
    return change_case(run, op, arguments, 'A', out);
}

rk_status rki_apply_upper(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    (void)count;
    return change_case(run, op, arguments, 'a', out);
}

/* Unicode's White_Space. */
static bool is_space(uint32_t point) {
    return (point >= 9 && point <= 13) || point == ' ' || point == 0x85 || point == 0xA0 || point == 0x1680 ||
           (point >= 0x2000 && point <= 0x200A) || point == 0x2028 || point == 0x2029 || point == 0x202F ||
           point == 0x205F || point == 0x3000;
}

rk_status rki_apply_trim(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (!are(arguments, count, "s")) return no_overload(run, op, arguments, count);
    rk_bytes text = arguments[0].as.bytes;
    size_t start = 0, end = 0;
    uint32_t point = 0;
    RK_TRY(rki_steps_of_bytes(run, text.size));
    for (size_t at = 0, next = 0; rk_utf8_next(text, &next, &point); at = next) {
        if (is_space(point)) continue;
        if (end == 0) start = at;
        end = next;
    }
    *out = part_of(text, start, end);
    return RK_OK;
}

rk_status rki_apply_reverse(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (!are(arguments, count, "s")) return no_overload(run, op, arguments, count);
    rk_bytes text = arguments[0].as.bytes;
    uint32_t point = 0;
    RK_TRY(rki_steps_of_bytes(run, text.size));
    uint8_t *reversed = rk_arena_take(run->arena, text.size);
    if (!reversed) return RK_NO_MEMORY;
    for (size_t at = 0, next = 0; rk_utf8_next(text, &next, &point); at = next) {
        memcpy(reversed + text.size - next, text.data + at, next - at);
    }
    *out = rk_string(rk_bytes_of(reversed, text.size));
    return RK_OK;
}

/* --- replacing -------------------------------------------------------------------------------------------------- */

/* Appends and pays before it takes memory. */
static rk_status put(rki_run *run, rk_buffer *to, rk_bytes text) {
    RK_TRY(rki_steps_of_bytes(run, text.size));
    rk_buffer_append(to, text);
    return to->status == RK_OK ? RK_OK : RK_NO_MEMORY;
}

/* Where `part` is empty it stands before each code point and at the end. */
static rk_status next_part(rki_run *run, rk_bytes text, rk_bytes part, size_t start, bool first, size_t *at_out) {
    uint32_t point = 0;
    if (part.size > 0) return find_part(run, text, part, start, at_out);
    *at_out = start;
    if (!first && !rk_utf8_next(text, at_out, &point)) *at_out = text.size + 1;
    return RK_OK;
}

rk_status rki_apply_replace(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (!are(arguments, count, "sssi")) return no_overload(run, op, arguments, count);
    rk_bytes text = arguments[0].as.bytes, part = arguments[1].as.bytes, other = arguments[2].as.bytes;
    int64_t left = count == 4 ? arguments[3].as.integer : -1;
    size_t start = 0, at = 0;
    rk_buffer buffer;
    rk_buffer_init(&buffer, run->arena, SIZE_MAX / 4);
    for (bool first = true; left != 0; first = false, left -= left > 0 ? 1 : 0) {
        RK_TRY(rki_steps(run, 1));
        RK_TRY(next_part(run, text, part, start, first, &at));
        if (at > text.size) break;
        RK_TRY(put(run, &buffer, rk_bytes_of(rk_bytes_from(text, start).data, at - start)));
        RK_TRY(put(run, &buffer, other));
        start = at + part.size;
    }
    RK_TRY(put(run, &buffer, rk_bytes_from(text, start)));
    out->kind = RK_STRING;
    return rk_buffer_finish(&buffer, &out->as.bytes);
}

/* --- base64 ----------------------------------------------------------------------------------------------------- */

rk_status rki_apply_base64_encode(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                  rk_value *out) {
    if (arguments[0].kind != RK_BYTES) return no_overload(run, op, arguments, count);
    rk_bytes bytes = arguments[0].as.bytes;
    rk_buffer buffer;
    RK_TRY(rki_steps_of_bytes(run, bytes.size * 2));
    rk_buffer_init(&buffer, run->arena, SIZE_MAX / 4);
    rk_base64_append(&buffer, bytes);
    out->kind = RK_STRING;
    return rk_buffer_finish(&buffer, &out->as.bytes);
}

/* The padding may be missing. */
rk_status rki_apply_base64_decode(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count,
                                  rk_value *out) {
    if (!are(arguments, count, "s")) return no_overload(run, op, arguments, count);
    rk_bytes text = arguments[0].as.bytes;
    size_t missing = (4 - text.size % 4) % 4;
    RK_TRY(rki_steps_of_bytes(run, text.size * 2));
    uint8_t *padded = rk_arena_take(run->arena, text.size + missing);
    if (!padded) return RK_NO_MEMORY;
    if (text.size > 0) memcpy(padded, text.data, text.size);
    memset(padded + text.size, '=', missing);
    rk_status status = rk_base64_read(run->arena, rk_bytes_of(padded, text.size + missing), &out->as.bytes);
    out->kind = RK_BYTES;
    if (status != RK_BAD_TEXT) return status;
    return rki_fault_both(run, op, RKI_FAULT_CONVERSION, RK_TEXT("base64"), &arguments[0]);
}

/* --- lists of texts --------------------------------------------------------------------------------------------- */

/* The end of the part at `start`: before the next separator, or after one code point where the separator is empty. */
static rk_status part_end(rki_run *run, rk_bytes text, rk_bytes separator, size_t start, size_t *end_out) {
    uint32_t point = 0;
    if (separator.size > 0) return find_part(run, text, separator, start, end_out);
    *end_out = start;
    (void)rk_utf8_next(text, end_out, &point);
    if (*end_out == text.size) *end_out = text.size + 1;
    return rki_steps(run, 1);
}

rk_status rki_apply_split(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    if (!are(arguments, count, "ssi")) return no_overload(run, op, arguments, count);
    rk_bytes text = arguments[0].as.bytes, separator = arguments[1].as.bytes;
    int64_t limit = count == 3 ? arguments[2].as.integer : -1;
    rk_value *items = NULL;
    size_t item_count = 0, capacity = 0, start = 0, end = 0;
    *out = rk_list(NULL, 0);
    if (limit == 0 || (text.size == 0 && separator.size == 0)) return RK_OK;
    for (; end <= text.size; start = end + separator.size) {
        if (item_count == capacity) {
            size_t larger = capacity ? capacity * 2 : 4;
            items = rk_arena_grow(run->arena, items, capacity * sizeof *items, larger * sizeof *items);
            if (!items) return RK_NO_MEMORY;
            capacity = larger;
        }
        RK_TRY(rki_steps(run, 1));
        RK_TRY(part_end(run, text, separator, start, &end));
        if (limit > 0 && item_count + 1 == (uint64_t)limit) end = text.size + 1;
        items[item_count++] = part_of(text, start, end > text.size ? text.size : end);
    }
    *out = rk_list(items, item_count);
    return RK_OK;
}

rk_status rki_apply_join(rki_run *run, const rki_op *op, const rk_value *arguments, size_t count, rk_value *out) {
    rk_bytes separator = count == 2 ? arguments[1].as.bytes : RK_TEXT("");
    bool fits = arguments[0].kind == RK_LIST && (count == 1 || arguments[1].kind == RK_STRING);
    size_t item_count = fits ? arguments[0].as.list.count : 0, size = 0;
    RK_TRY(rki_steps(run, item_count));
    for (size_t i = 0; i < item_count; i++) {
        const rk_value *item = &arguments[0].as.list.items[i];
        if (item->kind != RK_STRING) return rki_no_overload(run, op, op->as.call.name, item, 1);
        size += item->as.bytes.size + (i > 0 ? separator.size : 0);
    }
    if (!fits) return no_overload(run, op, arguments, count);
    RK_TRY(rki_steps_of_bytes(run, size));
    uint8_t *joined = rk_arena_take(run->arena, size), *at = joined;
    if (!joined) return RK_NO_MEMORY;
    for (size_t i = 0; i < item_count; i++) {
        rk_bytes text = arguments[0].as.list.items[i].as.bytes;
        if (i > 0 && separator.size > 0) memcpy(at, separator.data, separator.size);
        at += i > 0 ? separator.size : 0;
        if (text.size > 0) memcpy(at, text.data, text.size);
        at += text.size;
    }
    *out = rk_string(rk_bytes_of(joined, size));
    return RK_OK;
}
