/*
 * From source text to tokens: names, literals of every form, operators.
 *
 * Invariants
 *   (1) The source is valid UTF-8 (rk_expr_compile has seen to it), so a byte above 0x7f is part of a code point.
 *   (2) A string literal's value is valid UTF-8; a bytes literal's may be anything.
 *   (3) The value of a literal without escapes borrows from the source; with escapes it lives in the arena.
 */
#include <string.h>

#include "core/expr/tree.h"
#include "core/value/decimal.h"

size_t rki_source_column(rk_bytes text, size_t offset, char *out, size_t out_size) {
    uint64_t line = 1, column = 1;
    size_t at = 0;
    uint32_t point = 0;
    while (at < offset && rk_utf8_next(text, &at, &point)) {
        column++;
        if (point == '\n') {
            line++;
            column = 1;
        }
    }
    if (line == 1) return rk_format(out, out_size, "column %u", column);
    return rk_format(out, out_size, "line %u, column %u", line, column);
}

static bool take_number(const char **text, const char *word, uint64_t *number_out) {
    size_t size = strlen(word);
    if (strncmp(*text, word, size) != 0) return false;
    *text += size;
    for (*number_out = 0; **text >= '0' && **text <= '9' && *number_out < UINT32_MAX; (*text)++) {
        *number_out = *number_out * 10 + (uint64_t)(**text - '0');
    }
    return *number_out > 0;
}

bool rk_expr_find_place(rk_bytes source, const char *where, size_t *offset_out) {
    uint64_t line = 1, column = 0;
    size_t at = 0;
    *offset_out = 0;
    if (take_number(&where, "line ", &line) && strncmp(where, ", ", 2) == 0) where += 2;
    if (!take_number(&where, "column ", &column) || *where) return false;
    for (; line > 1 && at < source.size; line--) {
        at += rk_bytes_find(rk_bytes_from(source, at), '\n');
        if (at < source.size) at++;
    }
    *offset_out = at + rk_utf8_offset(rk_bytes_from(source, at), (size_t)column - 1);
    return true;
}

static rk_status refuse_list(const rki_source *source, rk_status code, size_t offset, const char *format,
                             va_list list) {
    char where[RK_ERROR_WHERE_MAX], what[RK_ERROR_WHAT_MAX];
    rki_source_column(source->text, offset, where, sizeof where);
    rk_format_list(what, sizeof what, format, list);
    return rk_fail(source->error, code, where, "%s", what);
}

rk_status rki_refuse_source_as(const rki_source *source, rk_status code, size_t offset, const char *format, ...) {
    va_list list;
    va_start(list, format);
    rk_status status = refuse_list(source, code, offset, format, list);
    va_end(list);
    return status;
}

rk_status rki_refuse_source(const rki_source *source, size_t offset, const char *format, ...) {
    va_list list;
    va_start(list, format);
    rk_status status = refuse_list(source, RK_BAD_EXPRESSION, offset, format, list);
    va_end(list);
    return status;
}

rk_status rki_source_memory(const rki_source *source) {
    return rk_fail(source->error, RK_NO_MEMORY, NULL, "memory for the expression ran out");
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_name_start(uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool is_name_part(uint8_t byte) {
    return is_name_start(byte) || is_digit(byte);
}

static int hex_digit(uint8_t byte) {
    if (is_digit(byte)) return byte - '0';
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte `ahead` of the current one, 0 past the end. */
static uint8_t peek(const rki_lexer *lexer, size_t ahead) {
    rk_bytes text = lexer->source->text;
    return lexer->offset + ahead < text.size ? text.data[lexer->offset + ahead] : 0;
}

static void skip_blanks_and_comments(rki_lexer *lexer) {
    rk_bytes text = lexer->source->text;
    while (lexer->offset < text.size) {
        uint8_t byte = text.data[lexer->offset];
        if (byte == '/' && peek(lexer, 1) == '/') {
            lexer->offset += rk_bytes_find(rk_bytes_from(text, lexer->offset), '\n');
        } else if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f') {
            lexer->offset++;
        } else {
            return;
        }
    }
}

static rk_bytes text_since(const rki_lexer *lexer, size_t offset) {
    return rk_bytes_of(lexer->source->text.data + offset, lexer->offset - offset);
}

static void skip_digits(rki_lexer *lexer) {
    while (is_digit(peek(lexer, 0))) lexer->offset++;
}

/* --- numbers ---------------------------------------------------------------------------------------------------- */

/* Moves over a point with digits and an exponent; false when there is neither. */
static bool skip_fraction(rki_lexer *lexer) {
    bool found = false;
    if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1))) {
        found = true;
        lexer->offset++;
        skip_digits(lexer);
    }
    size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-' ? 1 : 0;
    if ((peek(lexer, 0) | 0x20) == 'e' && is_digit(peek(lexer, 1 + sign))) {
        found = true;
        lexer->offset += 1 + sign;
        skip_digits(lexer);
    }
    return found;
}

static rk_status finish_double(rki_lexer *lexer, rki_token *token) {
    double number = 0;
    rk_bytes text = text_since(lexer, token->offset);
    rk_status status = rk_decimal_parse(text, &number);
    if (status != RK_OK) return rki_refuse_source(lexer->source, token->offset, "%b is larger than every double", text);
    token->kind = RKI_TOKEN_LITERAL;
    token->value = rk_double(number);
    return RK_OK;
}

static rk_status lex_whole(rki_lexer *lexer, rki_token *token, unsigned base) {
    uint64_t whole = 0;
    bool fits = true;
    size_t first = lexer->offset;
    for (; hex_digit(peek(lexer, 0)) >= 0; lexer->offset++) {
        int digit = hex_digit(peek(lexer, 0));
        if (digit >= (int)base) break;
        if (__builtin_mul_overflow(whole, base, &whole)) fits = false;
        if (__builtin_add_overflow(whole, (uint64_t)digit, &whole)) fits = false;
    }
    if (lexer->offset == first) return rki_refuse_source(lexer->source, token->offset, "0x wants hexadecimal digits");
    if (!fits)
        return rki_refuse_source(lexer->source, token->offset, "%b does not fit 64 bits",
                                 text_since(lexer, token->offset));
    token->kind = RKI_TOKEN_WHOLE;
    token->value = (rk_value){.kind = RK_UINT, .as.uinteger = whole};
    if ((peek(lexer, 0) | 0x20) == 'u') {
        lexer->offset++;
        token->kind = RKI_TOKEN_LITERAL;
    }
    return RK_OK;
}

static rk_status lex_number(rki_lexer *lexer, rki_token *token) {
    if (peek(lexer, 0) == '0' && (peek(lexer, 1) | 0x20) == 'x') {
        lexer->offset += 2;
        RK_TRY(lex_whole(lexer, token, 16));
    } else {
        skip_digits(lexer);
        if (skip_fraction(lexer)) {
            RK_TRY(finish_double(lexer, token));
        } else {
            lexer->offset = token->offset;
            RK_TRY(lex_whole(lexer, token, 10));
        }
    }
    if (is_name_part(peek(lexer, 0))) {
        return rki_refuse_source(lexer->source, lexer->offset,
                                 "a number ends before a letter or digit that it cannot have");
    }
    return RK_OK;
}

/* --- text ------------------------------------------------------------------------------------------------------- */

typedef struct string_form {
    bool is_bytes, is_raw;
    uint8_t quote;
    size_t quote_count; /* 1 or 3 */
} string_form;

/* Recognises the prefix and the opening quotes at the current place; moves past them. */
static bool open_string(rki_lexer *lexer, string_form *form_out) {
    string_form form = {false, false, 0, 1};
    size_t at = 0;
    if ((peek(lexer, at) | 0x20) == 'b') {
        form.is_bytes = true;
        at++;
    }
    if ((peek(lexer, at) | 0x20) == 'r') {
        form.is_raw = true;
        at++;
    }
    form.quote = peek(lexer, at);
    if (form.quote != '"' && form.quote != '\'') return false;
    if (peek(lexer, at + 1) == form.quote && peek(lexer, at + 2) == form.quote) form.quote_count = 3;
    lexer->offset += at + form.quote_count;
    *form_out = form;
    return true;
}

static bool at_close(const rki_lexer *lexer, const string_form *form) {
    for (size_t i = 0; i < form->quote_count; i++) {
        if (peek(lexer, i) != form->quote) return false;
    }
    return true;
}

/* Moves to the closing quotes; says whether there is a backslash on the way. */
static rk_status find_close(rki_lexer *lexer, const string_form *form, size_t start, bool *escaped_out) {
    *escaped_out = false;
    for (; lexer->offset < lexer->source->text.size; lexer->offset++) {
        uint8_t byte = peek(lexer, 0);
        if (at_close(lexer, form)) return RK_OK;
        if (form->quote_count == 1 && (byte == '\n' || byte == '\r')) {
            return rki_refuse_source(lexer->source, lexer->offset,
                                     "a line ends inside a string; use \\n, or three quotes");
        }
        if (byte == '\\' && !form->is_raw) {
            *escaped_out = true;
            lexer->offset++;
        }
    }
    return rki_refuse_source(lexer->source, start, "this string does not end");
}

/* `count` digits of the base, as in \x41, \u0041 or \101. */
static rk_status read_point(rki_lexer *lexer, size_t start, size_t count, unsigned base, uint32_t *point_out) {
    uint32_t point = 0;
    for (size_t i = 0; i < count; i++) {
        int digit = hex_digit(peek(lexer, 0));
        if (digit < 0 || digit >= (int)base) {
            return rki_refuse_source(lexer->source, start, "this escape wants %u %s digits", (uint64_t)count,
                                     base == 8 ? "octal" : "hexadecimal");
        }
        point = point * base + (uint32_t)digit;
        lexer->offset++;
    }
    *point_out = point;
    return RK_OK;
}

static bool simple_escape(uint8_t letter, uint8_t *byte_out) {
    static const char letters[] = "abfnrtv\\?\"'`", bytes[] = "\a\b\f\n\r\t\v\\?\"'`";
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (found) *byte_out = (uint8_t)bytes[found - letters];
    return found != NULL;
}

/* Reads the escape after a backslash and appends what it stands for. */
static rk_status read_escape(rki_lexer *lexer, const string_form *form, uint8_t *out, size_t *size) {
    size_t start = lexer->offset - 1;
    uint8_t letter = peek(lexer, 0);
    uint32_t point = 0;
    if (simple_escape(letter, &out[*size])) {
        lexer->offset++;
        (*size)++;
        return RK_OK;
    }
    bool is_octet = true;
    if (letter >= '0' && letter <= '3') {
        RK_TRY(read_point(lexer, start, 3, 8, &point));
    } else if ((letter | 0x20) == 'x') {
        lexer->offset++;
        RK_TRY(read_point(lexer, start, 2, 16, &point));
    } else if (letter == 'u' || letter == 'U') {
        is_octet = false;
        lexer->offset++;
        RK_TRY(read_point(lexer, start, letter == 'u' ? 4 : 8, 16, &point));
    } else {
        return rki_refuse_source(lexer->source, start,
                                 "there is no such escape; write \\\\ for a backslash, or r'...'");
    }
    if (form->is_bytes && !is_octet) {
        return rki_refuse_source(lexer->source, start, "\\u and \\U have no place in bytes; use \\x");
    }
    if (form->is_bytes) {
        out[(*size)++] = (uint8_t)point;
        return RK_OK;
    }
    if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
        return rki_refuse_source(lexer->source, start, "this escape is not a Unicode code point");
    }
    *size += rk_utf8_put(out + *size, point);
    return RK_OK;
}

/* The text between `start` and `end` with its escapes replaced; an escape is never shorter than what it means. */
static rk_status unescape(rki_lexer *lexer, const string_form *form, size_t start, size_t end, rk_bytes *text_out) {
    uint8_t *out = rk_arena_take(lexer->arena, end - start + 4);
    if (!out) return rki_source_memory(lexer->source);
    size_t size = 0;
    lexer->offset = start;
    while (lexer->offset < end) {
        uint8_t byte = peek(lexer, 0);
        lexer->offset++;
        if (byte == '\\') {
            RK_TRY(read_escape(lexer, form, out, &size));
        } else {
            out[size++] = byte;
        }
    }
    *text_out = rk_bytes_of(out, size);
    return RK_OK;
}

static rk_status lex_string(rki_lexer *lexer, const string_form *form, rki_token *token) {
    size_t start = lexer->offset;
    bool escaped = false;
    RK_TRY(find_close(lexer, form, token->offset, &escaped));
    size_t end = lexer->offset;
    rk_bytes text = text_since(lexer, start);
    if (escaped) RK_TRY(unescape(lexer, form, start, end, &text));
    lexer->offset = end + form->quote_count;
    token->kind = RKI_TOKEN_LITERAL;
    token->value = form->is_bytes ? rk_bytes_value(text) : rk_string(text);
    return RK_OK;
}

/* --- names and operators ---------------------------------------------------------------------------------------- */

static rk_status lex_name(rki_lexer *lexer, rki_token *token) {
    while (is_name_part(peek(lexer, 0))) lexer->offset++;
    token->kind = RKI_TOKEN_NAME;
    token->text = text_since(lexer, token->offset);
    return RK_OK;
}

static bool is_quoted_part(uint8_t byte) {
    return is_name_part(byte) || byte == '.' || byte == '-' || byte == '/' || byte == ' ';
}

static rk_status lex_quoted(rki_lexer *lexer, rki_token *token) {
    lexer->offset++;
    while (is_quoted_part(peek(lexer, 0))) lexer->offset++;
    rk_bytes name = text_since(lexer, token->offset + 1);
    if (peek(lexer, 0) != '`' || name.size == 0) {
        return rki_refuse_source(lexer->source, token->offset,
                                 "a quoted field name is `...` of letters, digits, _ . - / and blanks");
    }
    lexer->offset++;
    token->kind = RKI_TOKEN_QUOTED;
    token->text = name;
    return RK_OK;
}

static rk_status lex_operator(rki_lexer *lexer, rki_token *token) {
    static const char *const pairs[] = {"&&", "||", "==", "!=", "<=", ">="};
    uint8_t byte = peek(lexer, 0);
    size_t size = byte && strchr("+-*/%!<>?:.,()[]{}", byte) ? 1 : 0;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (byte == (uint8_t)pairs[i][0] && peek(lexer, 1) == (uint8_t)pairs[i][1]) size = 2;
    }
    if (size == 0) {
        uint32_t point = 0;
        size_t end = lexer->offset;
        rk_utf8_next(lexer->source->text, &end, &point);
        rk_bytes found = rk_bytes_of(lexer->source->text.data + lexer->offset, end - lexer->offset);
        return rki_refuse_source(lexer->source, token->offset,
                                 point < 0x20 ? "a control character" : "\"%b\" has no meaning here", found);
    }
    lexer->offset += size;
    token->kind = RKI_TOKEN_OPERATOR;
    token->text = text_since(lexer, token->offset);
    return RK_OK;
}

rk_status rki_lex(rki_lexer *lexer, rki_token *token_out) {
    skip_blanks_and_comments(lexer);
    *token_out = (rki_token){.kind = RKI_TOKEN_END, .offset = lexer->offset};
    if (lexer->offset >= lexer->source->text.size) return RK_OK;
    uint8_t byte = peek(lexer, 0);
    string_form form;
    if (is_digit(byte) || (byte == '.' && is_digit(peek(lexer, 1)))) return lex_number(lexer, token_out);
    if (open_string(lexer, &form)) return lex_string(lexer, &form, token_out);
    if (is_name_start(byte)) return lex_name(lexer, token_out);
    if (byte == '`') return lex_quoted(lexer, token_out);
    return lex_operator(lexer, token_out);
}
