/*
 * Lines of export files: one table of fields, read by the writer and the reader.
 */
#include "door/export_file.h"

#include <string.h>

#include "base/base64.h"
#include "io/memory.h"

enum { LINE_ARENA_SIZE_MAX = 1 << 30 };

typedef enum field_kind {
    FIELD_HEX,
    FIELD_REPLICA,
    FIELD_NUMBER,
    FIELD_SMALL,
    FIELD_BOOL,
    FIELD_BASE64,
    FIELD_TEXT
} field_kind;

typedef struct field {
    const char *name;
    field_kind kind;
    size_t offset; /* in rk_export_line */
    size_t size;   /* FIELD_HEX: of the bytes */
} field;

#define AT(member) offsetof(rk_export_line, member)
#define LOG \
    { "log", FIELD_HEX, AT(frame.log), RK_LOG_ID_SIZE }

static const field invite_fields[] = {
    {"account", FIELD_HEX, AT(frame.account), RK_HASH_SIZE},
    LOG,
    {"actor", FIELD_TEXT, AT(invitation.actor), 0},
    {"root_key", FIELD_HEX, AT(invitation.root_key), RK_KEY_SIZE},
    {"seed", FIELD_HEX, AT(invitation.seed), RK_SEED_SIZE},
    {NULL, FIELD_TEXT, 0, 0},
};
static const field head_fields[] = {
    {"account", FIELD_HEX, AT(frame.account), RK_HASH_SIZE},
    LOG,
    {"truth", FIELD_BOOL, AT(frame.from_truth), 0},
    {"epoch", FIELD_NUMBER, AT(frame.epoch), 0},
    {"from", FIELD_NUMBER, AT(frame.from), 0},
    {"to", FIELD_NUMBER, AT(frame.to), 0},
    {"record_from", FIELD_NUMBER, AT(frame.record_from), 0},
    {"record_to", FIELD_NUMBER, AT(frame.record_to), 0},
    {"replica", FIELD_REPLICA, AT(frame.replica), 0},
    {NULL, FIELD_TEXT, 0, 0},
};
static const field commit_fields[] = {
    LOG,
    {"epoch", FIELD_NUMBER, AT(frame.epoch), 0},
    {"number", FIELD_NUMBER, AT(frame.number), 0},
    {"record", FIELD_BASE64, AT(frame.record), 0},
    {"batch", FIELD_BASE64, AT(frame.batch), 0},
    {NULL, FIELD_TEXT, 0, 0},
};
static const field pending_fields[] = {
    LOG,
    {"replica", FIELD_REPLICA, AT(frame.replica), 0},
    {"number", FIELD_NUMBER, AT(frame.number), 0},
    {"batch", FIELD_BASE64, AT(frame.batch), 0},
    {NULL, FIELD_TEXT, 0, 0},
};
static const field verdict_fields[] = {
    LOG,
    {"replica", FIELD_REPLICA, AT(frame.replica), 0},
    {"number", FIELD_NUMBER, AT(frame.number), 0},
    {"transaction", FIELD_SMALL, AT(frame.transaction), 0},
    {"code", FIELD_TEXT, AT(frame.code), 0},
    {"what", FIELD_TEXT, AT(frame.what), 0},
    {"hint", FIELD_TEXT, AT(frame.hint), 0},
    {NULL, FIELD_TEXT, 0, 0},
};

static const field key_fields[] = {
    {"owner", FIELD_TEXT, AT(owner), 0},
    {"actor", FIELD_TEXT, AT(actor), 0},
    {"seed", FIELD_HEX, AT(seed), RK_SEED_SIZE},
    {NULL, FIELD_TEXT, 0, 0},
};
static const field state_fields[] = {
    {"entity", FIELD_TEXT, AT(entity), 0},
    {"version", FIELD_NUMBER, AT(version), 0},
    {"hash", FIELD_HEX, AT(hash), RK_HASH_SIZE},
    {NULL, FIELD_TEXT, 0, 0},
};

static const field *const fields_of_kind[] = {head_fields, commit_fields, pending_fields, verdict_fields};

_Static_assert(RK_FRAME_VERDICT == 3, "every kind of frame has its fields");

static const field *fields_of(const rk_export_line *line) {
    switch (line->kind) {
    case RK_LINE_INVITE:
        return invite_fields;
    case RK_LINE_KEY:
        return key_fields;
    case RK_LINE_STATE:
        return state_fields;
    default:
        return fields_of_kind[line->frame.kind];
    }
}

/* Lines that are no frames. */
static const char *const line_names[] = {[RK_LINE_INVITE] = "invite", [RK_LINE_KEY] = "key", [RK_LINE_STATE] = "state"};

/* ---- writing ---- */

static void write_text(rk_buffer *buffer, const char *text) {
    rk_buffer_append(buffer, rk_bytes_of_string(text));
}

static void write_hex(rk_buffer *buffer, const uint8_t *bytes, size_t size) {
    char digits[2 * RK_HASH_SIZE];
    rk_hex_write(rk_bytes_of(bytes, size), digits);
    rk_buffer_append_byte(buffer, '"');
    rk_buffer_append(buffer, rk_bytes_of(digits, 2 * size));
    rk_buffer_append_byte(buffer, '"');
}

static void write_number(rk_buffer *buffer, uint64_t number) {
    char digits[24];
    rk_buffer_append(buffer, rk_bytes_of(digits, rk_format(digits, sizeof digits, "%u", number)));
}

static void write_field(rk_buffer *buffer, const field *field, const void *at) {
    uint8_t replica[8];
    switch (field->kind) {
    case FIELD_HEX:
        write_hex(buffer, at, field->size);
        break;
    case FIELD_REPLICA:
        rk_put_u64(replica, *(const uint64_t *)at);
        write_hex(buffer, replica, sizeof replica);
        break;
    case FIELD_NUMBER:
        write_number(buffer, *(const uint64_t *)at);
        break;
    case FIELD_SMALL:
        write_number(buffer, *(const uint32_t *)at);
        break;
    case FIELD_BOOL:
        write_text(buffer, *(const bool *)at ? "true" : "false");
        break;
    case FIELD_BASE64:
        rk_buffer_append_byte(buffer, '"');
        rk_base64_append(buffer, *(const rk_bytes *)at);
        rk_buffer_append_byte(buffer, '"');
        break;
    case FIELD_TEXT:
        rk_json_print_text(buffer, *(const rk_bytes *)at);
        break;
    }
}

void rk_export_line_write(const rk_export_line *line, rk_buffer *buffer) {
    write_text(buffer, "{\"frame\":\"");
    write_text(buffer, line->kind == RK_LINE_FRAME ? rk_frame_kind_name(line->frame.kind) : line_names[line->kind]);
    write_text(buffer, "\"");
    for (const field *field = fields_of(line); field->name; field++) {
        write_text(buffer, ",\"");
        write_text(buffer, field->name);
        write_text(buffer, "\":");
        write_field(buffer, field, (const char *)line + field->offset);
    }
    write_text(buffer, "}\n");
}

rk_status rk_export_line_put(rk_file_writer *writer, const rk_export_line *line, rk_error *error) {
    rk_arena arena;
    rk_buffer buffer;
    rk_bytes text;
    rk_arena_init(&arena, rk_memory_system(), LINE_ARENA_SIZE_MAX);
    rk_buffer_init(&buffer, &arena, RK_LINE_SIZE_MAX);
    rk_export_line_write(line, &buffer);
    rk_status status = rk_buffer_finish(&buffer, &text);
    if (status == RK_OK) {
        status = rk_file_writer_write(writer, text, error);
    } else {
        rk_fail(error, status, "export", "a line does not fit RK_LINE_SIZE_MAX");
    }
    rk_arena_free(&arena);
    return status;
}

/* ---- reading ---- */

static bool read_hex(const rk_value *value, uint8_t *out, size_t size) {
    if (value->kind != RK_STRING || !rk_hex_read(value->as.bytes, out, size)) return false;
    for (size_t i = 0; i < value->as.bytes.size; i++) {
        if (value->as.bytes.data[i] >= 'A' && value->as.bytes.data[i] <= 'F') return false;
    }
    return true;
}

static bool read_number(const rk_value *value, uint64_t max, uint64_t *number_out) {
    if (value->kind != RK_INT || value->as.integer < 0 || (uint64_t)value->as.integer > max) return false;
    *number_out = (uint64_t)value->as.integer;
    return true;
}

/* false when the value is not of the field's kind; `status` tells when memory ran out. */
static bool read_field(rk_arena *arena, const field *field, const rk_value *value, void *at, rk_status *status) {
    uint8_t replica[8];
    uint64_t number = 0;
    switch (field->kind) {
    case FIELD_HEX:
        return read_hex(value, at, field->size);
    case FIELD_REPLICA:
        if (!read_hex(value, replica, sizeof replica)) return false;
        *(uint64_t *)at = rk_get_u64(replica);
        return true;
    case FIELD_NUMBER:
        return read_number(value, INT64_MAX, at);
    case FIELD_SMALL:
        if (!read_number(value, UINT32_MAX, &number)) return false;
        *(uint32_t *)at = (uint32_t)number;
        return true;
    case FIELD_BOOL:
        if (value->kind == RK_BOOL) *(bool *)at = value->as.boolean;
        return value->kind == RK_BOOL;
    case FIELD_BASE64:
        if (value->kind == RK_STRING) *status = rk_base64_read(arena, value->as.bytes, at);
        return value->kind == RK_STRING && *status == RK_OK;
    default:
        if (value->kind == RK_STRING) *(rk_bytes *)at = value->as.bytes;
        return value->kind == RK_STRING;
    }
}

static rk_status find_kind(const rk_value *map, rk_export_line *line, rk_error *error) {
    const rk_value *kind = rk_map_find(map, RK_TEXT("frame"));
    memset(line, 0, sizeof *line);
    if (!kind || kind->kind != RK_STRING)
        return rk_fail(error, RK_BAD_FILE, "frame", "the line does not name its frame");
    for (line->kind = RK_LINE_INVITE; line->kind <= RK_LINE_STATE; line->kind++) {
        if (rk_is_text(kind, rk_bytes_of_string(line_names[line->kind]))) return RK_OK;
    }
    line->kind = RK_LINE_FRAME;
    for (rk_frame_kind known = RK_FRAME_HEAD; known <= RK_FRAME_VERDICT; known++) {
        line->frame.kind = known;
        if (rk_is_text(kind, rk_bytes_of_string(rk_frame_kind_name(known)))) return RK_OK;
    }
    return rk_fail(error, RK_BAD_FILE, "frame", "there is no frame \"%b\"", kind->as.bytes);
}

static rk_status refuse_unknown(const rk_value *map, const field *fields, rk_error *error) {
    for (size_t i = 0; i < map->as.map.count; i++) {
        rk_bytes name = map->as.map.pairs[i].key.as.bytes;
        bool known = rk_bytes_equal(name, RK_TEXT("frame"));
        for (const field *field = fields; field->name && !known; field++) {
            known = rk_bytes_equal(name, rk_bytes_of_string(field->name));
        }
        if (!known) return rk_fail(error, RK_BAD_FILE, NULL, "the frame has no field \"%b\"", name);
    }
    return RK_OK;
}

static rk_status read_fields(rk_arena *arena, const rk_value *map, rk_export_line *line, rk_error *error) {
    static const char *const wanted[] = {"hex of its size, in lower case",
                                         "16 digits of hex",
                                         "a whole number",
                                         "a whole number",
                                         "true or false",
                                         "base64 with padding",
                                         "text"};
    const field *fields = fields_of(line);
    for (const field *field = fields; field->name; field++) {
        const rk_value *value = rk_map_find(map, rk_bytes_of_string(field->name));
        rk_status status = RK_OK;
        if (!value) return rk_fail(error, RK_BAD_FILE, field->name, "the field is missing");
        if (read_field(arena, field, value, (char *)line + field->offset, &status)) continue;
        if (status == RK_NO_MEMORY) return rk_fail(error, status, field->name, "no memory for it");
        return rk_fail(error, RK_BAD_FILE, field->name, "it is not %s", wanted[field->kind]);
    }
    return refuse_unknown(map, fields, error);
}

rk_status rk_export_line_read(rk_arena *arena, rk_bytes text, rk_export_line *line_out, rk_error *error) {
    rk_value map;
    memset(line_out, 0, sizeof *line_out);
    RK_TRY(rk_json_read(arena, text, &map, error));
    if (map.kind != RK_MAP) return rk_fail(error, RK_BAD_FILE, NULL, "the line is no JSON object");
    RK_TRY(find_kind(&map, line_out, error));
    return read_fields(arena, &map, line_out, error);
}

/* ---- comparing ---- */

rk_status rk_export_line_digest(rk_arena *arena, const rk_crypto *crypto, const rk_export_line *line,
                                rk_hash *hash_out) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, arena, 2 * (size_t)RK_LINE_SIZE_MAX);
    rk_export_line_write(line, &buffer);
    rk_status status = rk_buffer_finish(&buffer, &text);
    if (status == RK_OK) *hash_out = rk_sha256(crypto, text);
    return status;
}
