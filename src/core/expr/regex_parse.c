/*
 * Patterns of RE2 syntax into a tree.
 *
 * Invariants
 *   (1) The parser recurses only into groups, at most RK_REGEX_DEPTH_MAX deep.
 *   (2) What RE2 refuses is refused here; nothing is taken for a literal because it is not understood.
 */
#include "core/expr/fold.h"

typedef struct flags {
    bool fold;    /* i */
    bool lines;   /* m: ^ and $ at lines */
    bool newline; /* s: . takes a newline */
} flags;

typedef struct name name;

struct name {
    rk_bytes text;
    name *next;
};

typedef struct parser {
    rk_arena *arena;
    rk_bytes pattern;
    size_t at;
    size_t depth;
    flags flags;
    name *names;
    const char *problem;
} parser;

/* Ranges as they are found, in any order. */
typedef struct set {
    rki_range *ranges;
    size_t count, capacity;
} set;

static rk_status parse_choice(parser *p, rki_part **part_out);

static rk_status refuse(parser *p, const char *problem) {
    p->problem = problem;
    return RK_BAD_EXPRESSION;
}

static bool at_end(const parser *p) {
    return p->at >= p->pattern.size;
}

/* The byte `ahead` of the place, 0 past the end. */
static uint8_t peek(const parser *p, size_t ahead) {
    return p->at + ahead < p->pattern.size ? p->pattern.data[p->at + ahead] : 0;
}

static bool accept(parser *p, const char *text) {
    rk_bytes wanted = rk_bytes_of_string(text);
    if (!rk_bytes_starts_with(rk_bytes_from(p->pattern, p->at), wanted)) return false;
    p->at += wanted.size;
    return true;
}

static rk_status next_point(parser *p, uint32_t *point_out) {
    if (!rk_utf8_next(p->pattern, &p->at, point_out)) return refuse(p, "it is not UTF-8");
    return RK_OK;
}

static rk_status new_part(parser *p, rki_part_kind kind, rki_part **part_out) {
    *part_out = rk_arena_take(p->arena, sizeof **part_out);
    if (!*part_out) return RK_NO_MEMORY;
    (*part_out)->kind = kind;
    (*part_out)->copies = 1;
    return RK_OK;
}

static void add_child(rki_part *parent, rki_part *child) {
    if (parent->last_child) {
        parent->last_child->next = child;
    } else {
        parent->first_child = child;
    }
    parent->last_child = child;
    if (child->copies > parent->copies) parent->copies = child->copies;
}

/* --- sets ------------------------------------------------------------------------------------------------------- */

static rk_status add_range(parser *p, set *to, uint32_t first, uint32_t last) {
    if (first > last) return RK_OK;
    if (to->count == to->capacity) {
        size_t larger = to->capacity ? to->capacity * 2 : 4;
        rki_range *grown = rk_arena_grow(p->arena, to->ranges, to->capacity * sizeof *grown, larger * sizeof *grown);
        if (!grown) return RK_NO_MEMORY;
        to->ranges = grown;
        to->capacity = larger;
    }
    to->ranges[to->count++] = (rki_range){first, last};
    return RK_OK;
}

static uint32_t larger(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

typedef struct addition {
    parser *parser;
    set *to;
} addition;

static rk_status add_found(void *context, uint32_t first, uint32_t last) {
    const addition *at = context;
    return add_range(at->parser, at->to, first, last);
}

/* The range and, with (?i), the other cases of its letters. */
static rk_status add_folded(parser *p, set *to, uint32_t first, uint32_t last) {
    addition at = {p, to};
    RK_TRY(add_range(p, to, first, last));
    if (!p->flags.fold || (first == 0 && last == RKI_POINT_MAX)) return RK_OK;
    return rki_fold_range(first, last, add_found, &at);
}

/* Sorts (Shell, Knuth's gaps: no pattern makes it slow) and joins what touches. */
static void normalise(set *to) {
    size_t gap = 1, kept = 0;
    while (gap < to->count / 3) gap = gap * 3 + 1;
    for (; gap > 0; gap /= 3) {
        for (size_t i = gap; i < to->count; i++) {
            rki_range range = to->ranges[i];
            size_t j = i;
            for (; j >= gap && to->ranges[j - gap].first > range.first; j -= gap) to->ranges[j] = to->ranges[j - gap];
            to->ranges[j] = range;
        }
    }
    for (size_t i = 0; i < to->count; i++) {
        rki_range range = to->ranges[i];
        if (kept > 0 && range.first <= to->ranges[kept - 1].last + 1) {
            to->ranges[kept - 1].last = larger(to->ranges[kept - 1].last, range.last);
        } else {
            to->ranges[kept++] = range;
        }
    }
    to->count = kept;
}

/* Adds what is not in `from` to `to`. */
static rk_status add_complement(parser *p, set *to, set *from) {
    uint32_t next = 0;
    normalise(from);
    for (size_t i = 0; i < from->count; i++) {
        if (from->ranges[i].first > next) RK_TRY(add_range(p, to, next, from->ranges[i].first - 1));
        next = from->ranges[i].last + 1;
    }
    return add_range(p, to, next, RKI_POINT_MAX);
}

static rk_status add_all(parser *p, set *to, const set *from) {
    for (size_t i = 0; i < from->count; i++) RK_TRY(add_range(p, to, from->ranges[i].first, from->ranges[i].last));
    return RK_OK;
}

static rk_status make_set(parser *p, set *from, rki_part **part_out) {
    normalise(from);
    RK_TRY(new_part(p, RKI_PART_SET, part_out));
    (*part_out)->ranges = from->ranges;
    (*part_out)->range_count = (uint32_t)from->count;
    return RK_OK;
}

/* Classes that have names, as pairs of first and last. */
typedef struct class_name {
    const char *name;
    const char *pairs;
} class_name;

static const class_name letter_classes[] = {{"d", "09"}, {"s", "\t\n\f\r  "}, {"w", "09AZ__az"}};

static const class_name word_classes[] = {
    {"alnum", "09AZaz"}, {"alpha", "AZaz"}, {"ascii", "\x01\x7f"}, {"blank", "\t\t  "},  {"cntrl", "\x01\x1f\x7f\x7f"},
    {"digit", "09"},     {"graph", "!~"},   {"lower", "az"},       {"print", " ~"},      {"punct", "!/:@[`{~"},
    {"space", "\t\r  "}, {"upper", "AZ"},   {"word", "09AZaz__"},  {"xdigit", "09AFaf"},
};

static rk_status add_class(parser *p, set *to, const class_name *class, bool negated) {
    set found = {NULL, 0, 0};
    bool has_nul = class->pairs[0] == '\x01'; /* a string cannot hold it */
    if (has_nul) RK_TRY(add_range(p, &found, 0, 0));
    for (const char *pair = class->pairs; pair[0]; pair += 2) {
        RK_TRY(add_folded(p, &found, (uint8_t)pair[0], (uint8_t)pair[1]));
    }
    return negated ? add_complement(p, to, &found) : add_all(p, to, &found);
}

/* `\d` and its like; `taken_out` says whether one stood here. */
static rk_status accept_letter_class(parser *p, set *to, bool *taken_out) {
    *taken_out = false;
    if (peek(p, 0) != '\\') return RK_OK;
    for (size_t i = 0; i < sizeof letter_classes / sizeof letter_classes[0]; i++) {
        uint8_t letter = (uint8_t)letter_classes[i].name[0];
        bool negated = peek(p, 1) == letter - 32;
        if (peek(p, 1) != letter && !negated) continue;
        p->at += 2;
        *taken_out = true;
        return add_class(p, to, &letter_classes[i], negated);
    }
    return RK_OK;
}

static rk_status accept_word_class(parser *p, set *to, bool *taken_out) {
    *taken_out = false;
    size_t start = p->at;
    if (!accept(p, "[:")) return RK_OK;
    bool negated = accept(p, "^");
    for (size_t i = 0; i < sizeof word_classes / sizeof word_classes[0]; i++) {
        size_t name_start = p->at;
        if (accept(p, word_classes[i].name) && accept(p, ":]")) {
            *taken_out = true;
            return add_class(p, to, &word_classes[i], negated);
        }
        p->at = name_start;
    }
    rk_bytes rest = rk_bytes_from(p->pattern, p->at);
    size_t colon = rk_bytes_find(rest, ':');
    if (colon + 1 < rest.size && rest.data[colon + 1] == ']') return refuse(p, "there is no class of that [:name:]");
    p->at = start;
    return RK_OK;
}

/* --- escapes ---------------------------------------------------------------------------------------------------- */

static bool hex_digit(uint8_t byte, uint32_t *digit_out) {
    uint8_t lower = byte | 0x20;
    if (byte >= '0' && byte <= '9')
        *digit_out = (uint32_t)(byte - '0');
    else if (lower >= 'a' && lower <= 'f')
        *digit_out = (uint32_t)(lower - 'a') + 10;
    else
        return false;
    return true;
}

/* What follows \x: two digits, or any number in braces. */
static rk_status parse_hex(parser *p, uint32_t *point_out) {
    uint32_t digit = 0;
    bool braced = accept(p, "{");
    size_t count = 0;
    *point_out = 0;
    for (; hex_digit(peek(p, 0), &digit) && (braced || count < 2); count++, p->at++) {
        *point_out = *point_out * 16 + digit;
        if (*point_out > RKI_POINT_MAX) return refuse(p, "\\x{...} is past the last code point");
    }
    bool whole = braced ? count > 0 && accept(p, "}") : count == 2;
    return whole ? RK_OK : refuse(p, "\\x wants two hexadecimal digits, or some in braces");
}

static bool is_octal(uint8_t byte) {
    return byte >= '0' && byte <= '7';
}

static bool is_word_byte(uint8_t byte) {
    uint8_t lower = byte | 0x20;
    return (byte >= '0' && byte <= '9') || (lower >= 'a' && lower <= 'z');
}

/* One code point after a backslash. */
static rk_status parse_escape(parser *p, uint32_t *point_out) {
    static const char letters[] = "afnrtv", points[] = "\a\f\n\r\t\v";
    if (at_end(p)) return refuse(p, "it ends in a backslash");
    uint8_t byte = peek(p, 0);
    if (byte >= 0x80) return refuse(p, "a backslash stands before a letter outside ASCII");
    if (byte == '0' || (is_octal(byte) && is_octal(peek(p, 1)))) {
        *point_out = 0;
        for (size_t i = 0; i < 3 && is_octal(peek(p, 0)); i++)
            *point_out = *point_out * 8 + (uint32_t)(p->pattern.data[p->at++] - '0');
        return RK_OK;
    }
    p->at++;
    *point_out = byte;
    if (!is_word_byte(byte)) return RK_OK;
    if (byte == 'x') return parse_hex(p, point_out);
    for (size_t i = 0; letters[i]; i++) {
        if (byte != (uint8_t)letters[i]) continue;
        *point_out = (uint8_t)points[i];
        return RK_OK;
    }
    if (byte >= '1' && byte <= '9') return refuse(p, "back references cannot be matched in linear time");
    if (byte == 'p' || byte == 'P') return refuse(p, "\\p is not supported");
    if (byte == 'C') return refuse(p, "\\C is not supported");
    return refuse(p, "there is no such escape");
}

/* --- classes in brackets ---------------------------------------------------------------------------------------- */

static rk_status parse_class_point(parser *p, uint32_t *point_out) {
    if (at_end(p)) return refuse(p, "a ] is missing");
    if (accept(p, "\\")) return parse_escape(p, point_out);
    return next_point(p, point_out);
}

static rk_status parse_class_range(parser *p, set *to) {
    uint32_t first = 0, last = 0;
    RK_TRY(parse_class_point(p, &first));
    last = first;
    if (peek(p, 0) == '-' && peek(p, 1) != ']' && p->at + 1 < p->pattern.size) {
        p->at++;
        RK_TRY(parse_class_point(p, &last));
    }
    if (last < first) return refuse(p, "a range ends before it begins");
    return add_folded(p, to, first, last);
}

static rk_status parse_class(parser *p, rki_part **part_out) {
    set found = {NULL, 0, 0}, complement = {NULL, 0, 0};
    bool negated = accept(p, "^");
    for (bool first = true; first || !accept(p, "]"); first = false) {
        bool taken = false;
        if (at_end(p)) return refuse(p, "a ] is missing");
        RK_TRY(accept_word_class(p, &found, &taken));
        if (!taken) RK_TRY(accept_letter_class(p, &found, &taken));
        if (!taken) RK_TRY(parse_class_range(p, &found));
    }
    if (!negated) return make_set(p, &found, part_out);
    RK_TRY(add_complement(p, &complement, &found));
    return make_set(p, &complement, part_out);
}

/* --- groups ----------------------------------------------------------------------------------------------------- */

static rk_status parse_name(parser *p) {
    size_t start = p->at;
    while (is_word_byte(peek(p, 0)) || peek(p, 0) == '_') p->at++;
    rk_bytes text = rk_bytes_of(p->pattern.data + start, p->at - start);
    if (text.size == 0 || !accept(p, ">")) return refuse(p, "a group's name is malformed");
    for (const name *known = p->names; known; known = known->next) {
        if (rk_bytes_equal(known->text, text)) return refuse(p, "two groups have one name");
    }
    name *added = rk_arena_take(p->arena, sizeof *added);
    if (!added) return RK_NO_MEMORY;
    *added = (name){text, p->names};
    p->names = added;
    return RK_OK;
}

/* `i-s` up to `)` or `:`; `alone_out`: it was `)`, and the flags are for the rest of the group around. */
static rk_status parse_flags(parser *p, bool *alone_out) {
    bool on = true, any = true;
    for (;; p->at++) {
        uint8_t byte = peek(p, 0);
        if (byte == ')' || byte == ':') break;
        if (byte == '-' && on) {
            on = any = false;
            continue;
        }
        any = true;
        if (byte == 'i')
            p->flags.fold = on;
        else if (byte == 'm')
            p->flags.lines = on;
        else if (byte == 's')
            p->flags.newline = on;
        else if (byte != 'U')
            return refuse(p, "what follows (? is not supported");
    }
    *alone_out = p->pattern.data[p->at++] == ')';
    return any ? RK_OK : refuse(p, "what follows (? is not supported");
}

/* Leaves `*part_out` as it was, NULL, when the group only sets flags. */
static rk_status parse_group(parser *p, rki_part **part_out) {
    flags outside = p->flags;
    bool alone = false;
    if (accept(p, "?P<") || accept(p, "?<")) {
        RK_TRY(parse_name(p));
    } else if (accept(p, "?")) {
        RK_TRY(parse_flags(p, &alone));
    }
    if (alone) return RK_OK;
    if (++p->depth > RK_REGEX_DEPTH_MAX) return refuse(p, "its groups nest too deep");
    RK_TRY(parse_choice(p, part_out));
    if (!accept(p, ")")) return refuse(p, "a ) is missing");
    p->depth--;
    p->flags = outside;
    return RK_OK;
}

/* --- what may be repeated --------------------------------------------------------------------------------------- */

static rk_status make_assertion(parser *p, rki_assertion assertion, rki_part **part_out) {
    RK_TRY(new_part(p, RKI_PART_ASSERTION, part_out));
    (*part_out)->assertion = assertion;
    return RK_OK;
}

static rk_status make_point(parser *p, uint32_t point, rki_part **part_out) {
    set found = {NULL, 0, 0};
    RK_TRY(add_folded(p, &found, point, point));
    return make_set(p, &found, part_out);
}

static rk_status parse_backslash(parser *p, rki_part **part_out) {
    uint32_t point = 0;
    set found = {NULL, 0, 0};
    bool taken = false;
    if (accept(p, "\\A")) return make_assertion(p, RKI_TEXT_BEGIN, part_out);
    if (accept(p, "\\z")) return make_assertion(p, RKI_TEXT_END, part_out);
    if (accept(p, "\\b")) return make_assertion(p, RKI_WORD_EDGE, part_out);
    if (accept(p, "\\B")) return make_assertion(p, RKI_NO_WORD_EDGE, part_out);
    RK_TRY(accept_letter_class(p, &found, &taken));
    if (taken) return make_set(p, &found, part_out);
    p->at++;
    RK_TRY(parse_escape(p, &point));
    return make_point(p, point, part_out);
}

static rk_status parse_any(parser *p, rki_part **part_out) {
    set found = {NULL, 0, 0};
    RK_TRY(add_range(p, &found, 0, '\n' - 1));
    if (p->flags.newline) RK_TRY(add_range(p, &found, '\n', '\n'));
    RK_TRY(add_range(p, &found, '\n' + 1, RKI_POINT_MAX));
    return make_set(p, &found, part_out);
}

static rk_status parse_atom(parser *p, rki_part **part_out) {
    uint32_t point = 0;
    if (peek(p, 0) == '\\') return parse_backslash(p, part_out);
    if (accept(p, "(")) return parse_group(p, part_out);
    if (accept(p, "[")) return parse_class(p, part_out);
    if (accept(p, ".")) return parse_any(p, part_out);
    if (accept(p, "^")) return make_assertion(p, p->flags.lines ? RKI_LINE_BEGIN : RKI_TEXT_BEGIN, part_out);
    if (accept(p, "$")) return make_assertion(p, p->flags.lines ? RKI_LINE_END : RKI_TEXT_END, part_out);
    RK_TRY(next_point(p, &point));
    return make_point(p, point, part_out);
}

/* --- repetition ------------------------------------------------------------------------------------------------- */

static bool accept_count(parser *p, uint32_t *count_out) {
    size_t start = p->at;
    *count_out = 0;
    for (; peek(p, 0) >= '0' && peek(p, 0) <= '9'; p->at++) {
        *count_out = smaller(*count_out * 10 + (uint32_t)(peek(p, 0) - '0'), RK_REGEX_REPEAT_MAX + 1);
    }
    return p->at > start;
}

/* `{n}`, `{n,}` or `{n,m}`; any other brace is a letter. */
static bool accept_braces(parser *p, uint32_t *least_out, uint32_t *most_out) {
    size_t start = p->at;
    bool counted = accept(p, "{") && accept_count(p, least_out);
    *most_out = *least_out;
    if (counted && accept(p, ",") && !accept_count(p, most_out)) *most_out = UINT32_MAX;
    if (counted && accept(p, "}")) return true;
    p->at = start;
    return false;
}

static bool accept_repeat(parser *p, uint32_t *least_out, uint32_t *most_out) {
    *least_out = 0;
    *most_out = UINT32_MAX;
    if (accept(p, "*")) return true;
    if (accept(p, "+")) {
        *least_out = 1;
        return true;
    }
    if (accept(p, "?")) {
        *most_out = 1;
        return true;
    }
    return accept_braces(p, least_out, most_out);
}

static rk_status parse_repeat(parser *p, rki_part **part) {
    uint32_t least = 0, most = 0;
    if (!accept_repeat(p, &least, &most)) return RK_OK;
    bool too_many = least > RK_REGEX_REPEAT_MAX || (most != UINT32_MAX && most > RK_REGEX_REPEAT_MAX);
    if (too_many || least > most) return refuse(p, "a repetition {n,m} is out of its bounds");
    accept(p, "?"); /* as few as possible: the same answer */
    rki_part *repeat = NULL;
    RK_TRY(new_part(p, RKI_PART_REPEAT, &repeat));
    repeat->least = least;
    repeat->most = most;
    add_child(repeat, *part);
    uint32_t factor = most == UINT32_MAX ? least : most; /* of * and + at most 1 */
    if (factor > 1) repeat->copies *= factor;
    if (repeat->copies > RK_REGEX_REPEAT_MAX) return refuse(p, "repetitions within repetitions copy too much");
    *part = repeat;
    if (accept_repeat(p, &least, &most)) return refuse(p, "a repetition is repeated");
    return RK_OK;
}

/* \Q...\E, or to the end. A repetition after it is one of the last letter. */
static rk_status parse_quoted(parser *p, rki_part *sequence) {
    rki_part *part = NULL;
    uint32_t point = 0;
    while (!at_end(p) && !accept(p, "\\E")) {
        RK_TRY(next_point(p, &point));
        RK_TRY(make_point(p, point, &part));
        bool closed = accept(p, "\\E");
        if (closed) RK_TRY(parse_repeat(p, &part));
        add_child(sequence, part);
        if (closed) break;
    }
    return RK_OK;
}

/* Flags such as (?i) are nothing by themselves: a repetition behind them is one of what stands before them. */
static rk_status repeat_across_flags(parser *p, rki_part *sequence) {
    size_t start = p->at;
    uint32_t least = 0, most = 0;
    rki_part *last = sequence->last_child, *inner = NULL;
    if (!accept_repeat(p, &least, &most)) return RK_OK;
    if (!last) return refuse(p, "a repetition has nothing to repeat");
    if (last->kind == RKI_PART_REPEAT) return refuse(p, "a repetition is repeated");
    p->at = start;
    RK_TRY(new_part(p, last->kind, &inner));
    *inner = *last;
    RK_TRY(parse_repeat(p, &inner));
    *last = *inner; /* the repetition, in the place of what it repeats */
    if (last->copies > sequence->copies) sequence->copies = last->copies;
    return RK_OK;
}

static rk_status parse_sequence(parser *p, rki_part **part_out) {
    uint32_t least = 0, most = 0;
    RK_TRY(new_part(p, RKI_PART_SEQUENCE, part_out));
    while (!at_end(p) && peek(p, 0) != '|' && peek(p, 0) != ')') {
        rki_part *part = NULL;
        if (accept(p, "\\Q")) {
            RK_TRY(parse_quoted(p, *part_out));
            continue;
        }
        if (accept_repeat(p, &least, &most)) return refuse(p, "a repetition has nothing to repeat");
        RK_TRY(parse_atom(p, &part));
        if (!part) {
            RK_TRY(repeat_across_flags(p, *part_out));
            continue;
        }
        RK_TRY(parse_repeat(p, &part));
        add_child(*part_out, part);
    }
    return RK_OK;
}

static rk_status parse_choice(parser *p, rki_part **part_out) {
    rki_part *sequence = NULL;
    RK_TRY(new_part(p, RKI_PART_CHOICE, part_out));
    do {
        RK_TRY(parse_sequence(p, &sequence));
        add_child(*part_out, sequence);
    } while (accept(p, "|"));
    return RK_OK;
}

rk_status rki_regex_parse(rk_arena *arena, rk_bytes pattern, rki_part **tree_out, const char **problem_out) {
    parser p = {.arena = arena, .pattern = pattern};
    rk_status status = RK_OK;
    *tree_out = NULL;
    if (pattern.size > RK_REGEX_PATTERN_SIZE_MAX) status = refuse(&p, "it is too long");
    if (status == RK_OK) status = parse_choice(&p, tree_out);
    if (status == RK_OK && !at_end(&p)) status = refuse(&p, "a ) has no (");
    *problem_out = p.problem;
    return status;
}
