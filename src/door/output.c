/*
 * Printing.
 */
#include "door/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io/memory.h"

enum { OBJECT_SIZE_MAX = RK_STATE_SIZE_MAX, TEXT_SIZE_MAX = 2048 };

static bool may_close;
static int failure; /* the errno of the first failed write; 0 for none */

/* ---- text ---- */

void rki_out_bytes(rk_bytes bytes) {
    if (failure || bytes.size == 0 || fwrite(bytes.data, 1, bytes.size, stdout) == bytes.size) return;
    failure = errno ? errno : EIO;
}

void rki_out(const char *format, ...) {
    char text[TEXT_SIZE_MAX];
    va_list list;
    va_start(list, format);
    size_t size = rk_format_list(text, sizeof text, format, list);
    va_end(list);
    rki_out_bytes(rk_bytes_of(text, size));
}

static void out_blanks(size_t count) {
    while (count-- > 0) rki_out_bytes(RK_TEXT(" "));
}

void rki_out_cell(rk_bytes text, size_t width) {
    size_t columns = rk_utf8_count(text);
    rki_out_bytes(text);
    out_blanks((columns < width ? width - columns : 0) + 2);
}

void rki_out_number(uint64_t number, size_t width) {
    char text[24];
    size_t size = rk_format(text, sizeof text, "%u", number);
    out_blanks(size < width ? width - size : 0);
    rki_out_cell(rk_bytes_of(text, size), 0);
}

rk_status rki_out_value(const rk_value *value, rk_error *error) {
    rk_arena arena;
    rk_buffer buffer;
    rk_bytes text;
    rk_arena_init(&arena, rk_memory_system(), (size_t)2 * OBJECT_SIZE_MAX);
    rk_buffer_init(&buffer, &arena, OBJECT_SIZE_MAX);
    rk_json_print_pretty(&buffer, value);
    rk_buffer_append_byte(&buffer, '\n');
    rk_status status = rk_buffer_finish(&buffer, &text);
    if (status == RK_OK) {
        rki_out_bytes(text);
    } else {
        rk_fail(error, status, "output", "the result is too large to print");
    }
    rk_arena_free(&arena);
    return status;
}

rk_status rki_out_finish(rk_error *error) {
    if (!failure && fflush(stdout) != 0) failure = errno ? errno : EIO;
    if (!failure || (rki_out_closed() && may_close)) return RK_OK;
    rk_fail(error, RK_IO, "standard output", rki_out_closed() ? "nobody reads it any more" : "it cannot be written: %s",
            strerror(failure));
    rk_error_hint(error, "what was asked for is done; what it had to say is lost");
    return RK_IO;
}

bool rki_out_closed(void) {
    return failure == EPIPE;
}

void rki_out_may_close(void) {
    may_close = true;
}

/* ---- standard error ---- */

/* Words of the command line are quoted as they came: what is no UTF-8 shows as '?'. */
static rk_bytes shown(rk_arena *arena, const char *string) {
    rk_bytes text = rk_bytes_of_string(string);
    uint8_t *copy = rk_arena_take(arena, text.size + 1);
    size_t at = 0, before = 0;
    uint32_t point = 0;
    if (!copy) return RK_TEXT("");
    while ((before = at) < text.size) {
        if (rk_utf8_next(text, &at, &point)) {
            memcpy(copy + before, text.data + before, at - before);
        } else {
            copy[before] = '?';
            at = before + 1;
        }
    }
    return rk_bytes_of(copy, text.size);
}

static void print_json_error(const rk_error *error) {
    rk_arena arena;
    rk_buffer buffer;
    rk_bytes text;
    const char *const parts[][2] = {{"{\"error\":", rk_status_name(error->code)},
                                    {",\"what\":", error->what},
                                    {",\"where\":", error->where},
                                    {",\"hint\":", error->hint}};
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    rk_buffer_init(&buffer, &arena, 1 << 16);
    for (size_t i = 0; i < 4; i++) {
        rk_buffer_append(&buffer, rk_bytes_of_string(parts[i][0]));
        rk_json_print_text(&buffer, shown(&arena, parts[i][1]));
    }
    if (rk_buffer_finish(&buffer, &text) == RK_OK) fprintf(stderr, "%.*s}\n", (int)text.size, (const char *)text.data);
    rk_arena_free(&arena);
}

/* Prints code points, whatever could move the cursor as a blank; a tab stays one. */
static void show_points(rk_bytes text, bool as_blanks) {
    uint32_t point = 0;
    for (size_t at = 0, next = 0; rk_utf8_next(text, &next, &point); at = next) {
        if (point == '\t') {
            fputc('\t', stderr);
        } else if (as_blanks || point < 0x20 || (point >= 0x7F && point < 0xA0)) {
            fputc(' ', stderr);
        } else {
            fwrite(text.data + at, 1, next - at, stderr);
        }
    }
}

void rki_show_place(rk_bytes text, size_t offset) {
    enum { AROUND_MAX = 60 }; /* code points before and after the place */
    size_t start = offset, end = offset, points = 0;
    while (start > 0 && text.data[start - 1] != '\n') start--;
    end += rk_bytes_find(rk_bytes_from(text, offset), '\n');
    rk_bytes before = rk_bytes_of(text.data + start, offset - start),
             after = rk_bytes_of(text.data + offset, end - offset);
    points = rk_utf8_count(before);
    if (points > AROUND_MAX) before = rk_bytes_from(before, rk_utf8_offset(before, points - AROUND_MAX));
    after.size = rk_utf8_offset(after, AROUND_MAX);
    fflush(stdout);
    fputs("    ", stderr);
    show_points(before, false);
    show_points(after, false);
    fputs("\n    ", stderr);
    show_points(before, true);
    fputs("^\n", stderr);
}

void rki_out_error(bool json, const rk_error *error) {
    fflush(stdout);
    if (json) {
        print_json_error(error);
        return;
    }
    fprintf(stderr, "reaktor: %s: %s\n", rk_status_name(error->code), error->what);
    if (error->where[0]) fprintf(stderr, "  where: %s\n", error->where);
    if (error->hint[0]) fprintf(stderr, "  hint: %s\n", error->hint);
}

void rki_note(bool json, const char *format, ...) {
    char text[TEXT_SIZE_MAX];
    rk_arena arena;
    rk_buffer buffer;
    rk_bytes line;
    va_list list;
    va_start(list, format);
    rk_format_list(text, sizeof text, format, list);
    va_end(list);
    fflush(stdout);
    if (!json) {
        fprintf(stderr, "reaktor: %s\n", text);
        return;
    }
    rk_arena_init(&arena, rk_memory_system(), 1 << 16);
    rk_buffer_init(&buffer, &arena, 1 << 15);
    rk_json_print_text(&buffer, shown(&arena, text));
    if (rk_buffer_finish(&buffer, &line) == RK_OK) {
        fprintf(stderr, "{\"note\":%.*s}\n", (int)line.size, (const char *)line.data);
    }
    rk_arena_free(&arena);
}

/* ---- objects ---- */

void rki_object_start(rki_object *object) {
    rk_arena_init(&object->arena, rk_memory_system(), (size_t)3 * OBJECT_SIZE_MAX);
    rk_buffer_init(&object->buffer, &object->arena, OBJECT_SIZE_MAX);
    rk_buffer_append_byte(&object->buffer, '{');
}

static void add_name(rki_object *object, const char *name) {
    if (object->buffer.size > 1) rk_buffer_append_byte(&object->buffer, ',');
    rk_json_print_text(&object->buffer, rk_bytes_of_string(name));
    rk_buffer_append_byte(&object->buffer, ':');
}

void rki_object_raw(rki_object *object, const char *name, rk_bytes json) {
    add_name(object, name);
    rk_buffer_append(&object->buffer, json);
}

void rki_object_text(rki_object *object, const char *name, rk_bytes text) {
    add_name(object, name);
    rk_json_print_text(&object->buffer, text);
}

void rki_object_hex(rki_object *object, const char *name, rk_bytes bytes) {
    const rk_value value = rk_bytes_value(bytes);
    rki_object_value(object, name, &value);
}

void rki_object_number(rki_object *object, const char *name, uint64_t number) {
    const rk_value value = rk_whole(number);
    rki_object_value(object, name, &value);
}

void rki_object_bool(rki_object *object, const char *name, bool yes) {
    rki_object_raw(object, name, yes ? RK_TEXT("true") : RK_TEXT("false"));
}

void rki_object_null(rki_object *object, const char *name) {
    rki_object_raw(object, name, RK_TEXT("null"));
}

void rki_object_value(rki_object *object, const char *name, const rk_value *value) {
    add_name(object, name);
    rk_json_print(&object->buffer, value);
}

rk_status rki_object_finish(rki_object *object, rk_error *error) {
    rk_bytes line;
    rk_buffer_append(&object->buffer, RK_TEXT("}\n"));
    rk_status status = rk_buffer_finish(&object->buffer, &line);
    if (status == RK_OK) {
        rki_out_bytes(line);
    } else {
        rk_fail(error, status, "output", "the result is too large to print");
    }
    rk_arena_free(&object->arena);
    return status;
}
