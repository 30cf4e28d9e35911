/*
 * Structured fields: reading by descent, each function one rule of the grammar, then printing.
 */
#include "door/http/fields.h"

#include <string.h>

#include "base/base64.h"

#define INTEGER_MAX INT64_C(999999999999999)

enum { INTEGER_DIGITS_MAX = 15, INTEGER_TEXT_SIZE = 32 };

typedef struct reader {
    rk_arena *arena;
    rk_bytes text;
    size_t at;
    rk_error *error;
} reader;

/* ---- bytes ---- */

static bool is_lower(uint8_t byte) {
    return byte >= 'a' && byte <= 'z';
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_letter(uint8_t byte) {
    return is_lower(byte) || (byte >= 'A' && byte <= 'Z');
}

static bool starts_key(uint8_t byte) {
    return is_lower(byte) || byte == '*';
}

static bool in_key(uint8_t byte) {
    return starts_key(byte) || is_digit(byte) || byte == '_' || byte == '-' || byte == '.';
}

static bool starts_token(uint8_t byte) {
    return is_letter(byte) || byte == '*';
}

/* tchar of RFC 9110 section 5.6.2, ":" and "/". */
static bool in_token(uint8_t byte) {
    return byte != 0 && (is_letter(byte) || is_digit(byte) || strchr("!#$%&'*+-.^_`|~:/", byte) != NULL);
}

static bool is_printable(uint8_t byte) {
    return byte >= 0x20 && byte <= 0x7E;
}

/* ---- reading ---- */

static rk_status refuse(const reader *reader, rk_status code, const char *what) {
    char where[32];
    rk_format(where, sizeof where, "byte %u", (uint64_t)reader->at);
    return rk_fail(reader->error, code, where, "%s", what);
}

static rk_status bad(const reader *reader, const char *what) {
    return refuse(reader, RK_BAD_HEADER, what);
}

/* The byte at the cursor; 0, which no rule takes, at the end. */
static uint8_t peek(const reader *reader) {
    return reader->at < reader->text.size ? reader->text.data[reader->at] : 0;
}

static bool take(reader *reader, uint8_t byte) {
    if (reader->at >= reader->text.size || reader->text.data[reader->at] != byte) return false;
    reader->at++;
    return true;
}

static void skip_spaces(reader *reader, bool tabs) {
    while (peek(reader) == ' ' || (tabs && peek(reader) == '\t')) reader->at++;
}

static rk_bytes since(const reader *reader, size_t start) {
    return rk_bytes_of(reader->text.data + start, reader->at - start);
}

static rk_status read_key(reader *reader, rk_bytes *key_out) {
    size_t start = reader->at;
    *key_out = (rk_bytes){NULL, 0};
    if (!starts_key(peek(reader))) return bad(reader, "a key begins here, with a lower-case letter or *");
    while (in_key(peek(reader))) reader->at++;
    *key_out = since(reader, start);
    return key_out->size <= RK_FIELD_KEY_SIZE_MAX ? RK_OK : refuse(reader, RK_LIMIT, "RK_FIELD_KEY_SIZE_MAX");
}

static rk_status read_integer(reader *reader, rk_bare *bare) {
    bool negative = take(reader, '-');
    size_t start = reader->at;
    bare->kind = RK_BARE_INTEGER;
    for (; is_digit(peek(reader)); reader->at++) {
        if (reader->at - start >= INTEGER_DIGITS_MAX) return bad(reader, "an integer has at most 15 digits");
        bare->integer = bare->integer * 10 + (peek(reader) - '0');
    }
    if (reader->at == start) return bad(reader, "an integer has digits");
    if (peek(reader) == '.') return bad(reader, "decimals are not known here");
    if (negative) bare->integer = -bare->integer;
    return RK_OK;
}

/* Moves past the closing quote. */
static rk_status pass_string(reader *reader) {
    while (!take(reader, '"')) {
        bool escaped = take(reader, '\\');
        uint8_t byte = peek(reader);
        if (!is_printable(byte)) return bad(reader, "a string is printable ASCII and ends with a quote");
        if (escaped && byte != '"' && byte != '\\') return bad(reader, "only \\\" and \\\\ are escapes");
        reader->at++;
    }
    return RK_OK;
}

static rk_status read_string(reader *reader, rk_bare *bare) {
    size_t start = ++reader->at, size = 0;
    RK_TRY(pass_string(reader));
    rk_bytes inside = rk_bytes_of(reader->text.data + start, reader->at - start - 1);
    uint8_t *out = rk_arena_take(reader->arena, inside.size);
    if (!out) return refuse(reader, RK_NO_MEMORY, "there is no memory for a string");
    for (size_t i = 0; i < inside.size; i++) {
        if (inside.data[i] == '\\') i++;
        out[size++] = inside.data[i];
    }
    bare->kind = RK_BARE_STRING;
    bare->bytes = rk_bytes_of(out, size);
    return RK_OK;
}

static rk_status read_token(reader *reader, rk_bare *bare) {
    size_t start = reader->at;
    while (in_token(peek(reader))) reader->at++;
    bare->kind = RK_BARE_TOKEN;
    bare->bytes = since(reader, start);
    return RK_OK;
}

static rk_status read_byte_sequence(reader *reader, rk_bare *bare) {
    size_t start = ++reader->at;
    reader->at += rk_bytes_find(rk_bytes_from(reader->text, start), ':');
    rk_bytes digits = since(reader, start);
    if (!take(reader, ':')) return bad(reader, "a byte sequence ends with a colon");
    bare->kind = RK_BARE_BYTES;
    rk_status status = rk_base64_read(reader->arena, digits, &bare->bytes);
    return status == RK_OK ? RK_OK
                           : refuse(reader, status == RK_BAD_TEXT ? RK_BAD_HEADER : status,
                                    "a byte sequence is base64 with padding");
}

static rk_status read_boolean(reader *reader, rk_bare *bare) {
    reader->at++;
    bare->kind = RK_BARE_BOOLEAN;
    bare->integer = peek(reader) == '1';
    return take(reader, '0') || take(reader, '1') ? RK_OK : bad(reader, "a boolean is ?0 or ?1");
}

static rk_status read_bare(reader *reader, rk_bare *bare) {
    uint8_t byte = peek(reader);
    *bare = (rk_bare){.kind = RK_BARE_INTEGER};
    if (byte == '-' || is_digit(byte)) return read_integer(reader, bare);
    if (byte == '"') return read_string(reader, bare);
    if (starts_token(byte)) return read_token(reader, bare);
    if (byte == ':') return read_byte_sequence(reader, bare);
    if (byte == '?') return read_boolean(reader, bare);
    if (byte == '@' || byte == '%') return bad(reader, "dates and display strings are not known here");
    return bad(reader, "a value begins here");
}

/* "=" and a value; a key alone is true. */
static rk_status read_parameter(reader *reader, rk_parameter *parameter) {
    parameter->value = (rk_bare){.kind = RK_BARE_BOOLEAN, .integer = 1};
    RK_TRY(read_key(reader, &parameter->key));
    return take(reader, '=') ? read_bare(reader, &parameter->value) : RK_OK;
}

static rk_status keep(reader *reader, const void *found, size_t count, size_t size, const void **kept_out) {
    void *kept = rk_arena_take_array(reader->arena, count, size);
    *kept_out = kept;
    if (!kept) return refuse(reader, RK_NO_MEMORY, "there is no memory for the field");
    if (count) memcpy(kept, found, count * size);
    return RK_OK;
}

static rk_status read_parameters(reader *reader, rk_parameters *parameters_out) {
    rk_parameter found[RK_PARAMETERS_MAX];
    size_t count = 0;
    *parameters_out = (rk_parameters){NULL, 0};
    while (take(reader, ';')) {
        rk_parameter parameter;
        skip_spaces(reader, false);
        RK_TRY(read_parameter(reader, &parameter));
        if (rk_parameters_find(&(rk_parameters){found, count}, parameter.key)) {
            return bad(reader, "a parameter stands twice");
        }
        if (count == RK_PARAMETERS_MAX) return refuse(reader, RK_LIMIT, "RK_PARAMETERS_MAX");
        found[count++] = parameter;
    }
    parameters_out->count = count;
    return keep(reader, found, count, sizeof *found, (const void **)&parameters_out->list);
}

static rk_status read_inner_list(reader *reader, rk_member *member) {
    rk_item found[RK_INNER_LIST_ITEMS_MAX];
    member->is_list = true;
    reader->at++;
    skip_spaces(reader, false);
    while (!take(reader, ')')) {
        rk_item item;
        if (member->item_count == RK_INNER_LIST_ITEMS_MAX) return refuse(reader, RK_LIMIT, "RK_INNER_LIST_ITEMS_MAX");
        RK_TRY(read_bare(reader, &item.value));
        RK_TRY(read_parameters(reader, &item.parameters));
        if (peek(reader) != ' ' && peek(reader) != ')') return bad(reader, "a space or ) stands behind an item");
        skip_spaces(reader, false);
        found[member->item_count++] = item;
    }
    return keep(reader, found, member->item_count, sizeof *found, (const void **)&member->items);
}

static rk_status read_member(reader *reader, rk_member *member_out) {
    *member_out = (rk_member){.value = {.kind = RK_BARE_BOOLEAN, .integer = 1}};
    RK_TRY(read_key(reader, &member_out->key));
    if (take(reader, '=')) {
        if (peek(reader) == '(') {
            RK_TRY(read_inner_list(reader, member_out));
        } else {
            RK_TRY(read_bare(reader, &member_out->value));
        }
    }
    return read_parameters(reader, &member_out->parameters);
}

/* Moves past a comma to the next member, or to the end. */
static rk_status next_member(reader *reader) {
    skip_spaces(reader, true);
    if (reader->at == reader->text.size) return RK_OK;
    if (!take(reader, ',')) return bad(reader, "a comma stands between members");
    skip_spaces(reader, true);
    return reader->at < reader->text.size ? RK_OK : bad(reader, "a member stands behind a comma");
}

rk_status rk_dictionary_read(rk_arena *arena, rk_bytes text, rk_dictionary *dictionary_out, rk_error *error) {
    rk_member found[RK_DICTIONARY_MEMBERS_MAX];
    reader reader = {arena, text, 0, error};
    size_t count = 0;
    *dictionary_out = (rk_dictionary){NULL, 0};
    if (text.size > RK_DICTIONARY_SIZE_MAX) return refuse(&reader, RK_LIMIT, "RK_DICTIONARY_SIZE_MAX");
    while (reader.text.size > 0 && reader.text.data[reader.text.size - 1] == ' ') reader.text.size--;
    skip_spaces(&reader, false);
    while (reader.at < reader.text.size) {
        rk_member member;
        RK_TRY(read_member(&reader, &member));
        if (rk_dictionary_find(&(rk_dictionary){found, count}, member.key)) {
            return bad(&reader, "a member stands twice");
        }
        if (count == RK_DICTIONARY_MEMBERS_MAX) return refuse(&reader, RK_LIMIT, "RK_DICTIONARY_MEMBERS_MAX");
        found[count++] = member;
        RK_TRY(next_member(&reader));
    }
    RK_TRY(keep(&reader, found, count, sizeof *found, (const void **)&dictionary_out->members));
    dictionary_out->count = count;
    return RK_OK;
}

const rk_member *rk_dictionary_find(const rk_dictionary *dictionary, rk_bytes key) {
    for (size_t i = 0; i < dictionary->count; i++) {
        if (rk_bytes_equal(dictionary->members[i].key, key)) return &dictionary->members[i];
    }
    return NULL;
}

const rk_bare *rk_parameters_find(const rk_parameters *parameters, rk_bytes key) {
    for (size_t i = 0; i < parameters->count; i++) {
        if (rk_bytes_equal(parameters->list[i].key, key)) return &parameters->list[i].value;
    }
    return NULL;
}

/* ---- printing ---- */

static void print_string(rk_buffer *buffer, rk_bytes text) {
    rk_buffer_append_byte(buffer, '"');
    for (size_t i = 0; i < text.size; i++) {
        RK_ASSERT(is_printable(text.data[i]));
        if (text.data[i] == '"' || text.data[i] == '\\') rk_buffer_append_byte(buffer, '\\');
        rk_buffer_append_byte(buffer, text.data[i]);
    }
    rk_buffer_append_byte(buffer, '"');
}

static void print_integer(rk_buffer *buffer, int64_t integer) {
    char text[INTEGER_TEXT_SIZE];
    RK_ASSERT(integer >= -INTEGER_MAX && integer <= INTEGER_MAX);
    rk_buffer_append(buffer, rk_bytes_of(text, rk_format(text, sizeof text, "%d", integer)));
}

static void print_byte_sequence(rk_buffer *buffer, rk_bytes bytes) {
    rk_buffer_append_byte(buffer, ':');
    rk_base64_append(buffer, bytes);
    rk_buffer_append_byte(buffer, ':');
}

void rk_bare_print(rk_buffer *buffer, const rk_bare *bare) {
    switch (bare->kind) {
    case RK_BARE_INTEGER:
        print_integer(buffer, bare->integer);
        break;
    case RK_BARE_STRING:
        print_string(buffer, bare->bytes);
        break;
    case RK_BARE_TOKEN:
        rk_buffer_append(buffer, bare->bytes);
        break;
    case RK_BARE_BYTES:
        print_byte_sequence(buffer, bare->bytes);
        break;
    case RK_BARE_BOOLEAN:
        rk_buffer_append(buffer, bare->integer ? RK_TEXT("?1") : RK_TEXT("?0"));
        break;
    }
}

static bool is_true(const rk_bare *bare) {
    return bare->kind == RK_BARE_BOOLEAN && bare->integer;
}

static void print_parameters(rk_buffer *buffer, const rk_parameters *parameters) {
    for (size_t i = 0; i < parameters->count; i++) {
        rk_buffer_append_byte(buffer, ';');
        rk_buffer_append(buffer, parameters->list[i].key);
        if (is_true(&parameters->list[i].value)) continue;
        rk_buffer_append_byte(buffer, '=');
        rk_bare_print(buffer, &parameters->list[i].value);
    }
}

void rk_item_print(rk_buffer *buffer, const rk_item *item) {
    rk_bare_print(buffer, &item->value);
    print_parameters(buffer, &item->parameters);
}

void rk_member_print(rk_buffer *buffer, const rk_member *member) {
    if (!member->is_list) {
        rk_bare_print(buffer, &member->value);
    } else {
        rk_buffer_append_byte(buffer, '(');
        for (size_t i = 0; i < member->item_count; i++) {
            if (i > 0) rk_buffer_append_byte(buffer, ' ');
            rk_item_print(buffer, &member->items[i]);
        }
        rk_buffer_append_byte(buffer, ')');
    }
    print_parameters(buffer, &member->parameters);
}

void rk_dictionary_print(rk_buffer *buffer, const rk_dictionary *dictionary) {
    for (size_t i = 0; i < dictionary->count; i++) {
        const rk_member *member = &dictionary->members[i];
        if (i > 0) rk_buffer_append(buffer, RK_TEXT(", "));
        rk_buffer_append(buffer, member->key);
        if (!member->is_list && is_true(&member->value)) {
            print_parameters(buffer, &member->parameters);
            continue;
        }
        rk_buffer_append_byte(buffer, '=');
        rk_member_print(buffer, member);
    }
}
