/*
 * Regular expressions: a pattern's tree into a program, and its search by the set of all instructions that could be
 * next (Thompson's simulation).
 *
 * Invariants
 *   (1) Compiling visits at most VISITS_MAX parts, copies of repeated ones counted again.
 *   (2) Between two code points every instruction enters the set at most once: `marks` holds when it last did.
 */
#include "core/expr/regex_tree.h"

typedef enum code {
    CODE_SET,       /* one code point of the ranges, then next */
    CODE_ASSERTION, /* next, if it holds here */
    CODE_SPLIT,     /* next and other */
    CODE_MATCH,
} code;

typedef struct instruction {
    code code;
    rki_assertion assertion;
    const rki_range *ranges;
    uint32_t range_count;
    uint32_t next;
    uint32_t other;
} instruction;

struct rk_regex {
    const instruction *code;
    uint32_t count;
    uint32_t start;
    bool anchored; /* matches at the beginning of the text or not at all */
};

enum { VISITS_MAX = 4 * RK_REGEX_SIZE_MAX }; /* groups, choices and repetitions have parts and no instruction */

/* --- compiling -------------------------------------------------------------------------------------------------- */

/* Built from the end: a part is compiled when what follows it is. */
typedef struct builder {
    rk_arena *arena;
    instruction *code;
    uint32_t count, capacity;
    uint32_t visits;
} builder;

static rk_status emit(builder *b, instruction what, uint32_t *at_out) {
    if (b->count == RK_REGEX_SIZE_MAX) return RK_LIMIT;
    if (b->count == b->capacity) {
        uint32_t larger = b->capacity ? b->capacity * 2 : 16;
        instruction *grown =
            rk_arena_grow(b->arena, b->code, b->capacity * sizeof *grown, (size_t)larger * sizeof *grown);
        if (!grown) return RK_NO_MEMORY;
        b->code = grown;
        b->capacity = larger;
    }
    *at_out = b->count;
    b->code[b->count++] = what;
    return RK_OK;
}

static rk_status build(builder *b, const rki_part *part, uint32_t next, uint32_t *at_out);

/* The children from `child` on, the last of them first. Their count is bounded by the pattern, their depth is not. */
static rk_status build_sequence(builder *b, const rki_part *part, uint32_t next, uint32_t *at_out) {
    size_t count = 0, i = 0;
    for (const rki_part *child = part->first_child; child; child = child->next) count++;
    const rki_part **children = rk_arena_take_array(b->arena, count, sizeof(rki_part *));
    if (!children) return RK_NO_MEMORY;
    for (const rki_part *child = part->first_child; child; child = child->next) children[i++] = child;
    *at_out = next;
    for (; i > 0; i--) RK_TRY(build(b, children[i - 1], *at_out, at_out));
    return RK_OK;
}

static rk_status build_choice(builder *b, const rki_part *part, uint32_t next, uint32_t *at_out) {
    RK_TRY(build(b, part->first_child, next, at_out));
    for (const rki_part *child = part->first_child->next; child; child = child->next) {
        uint32_t other = 0;
        RK_TRY(build(b, child, next, &other));
        RK_TRY(emit(b, (instruction){.code = CODE_SPLIT, .next = *at_out, .other = other}, at_out));
    }
    return RK_OK;
}

static rk_status build_loop(builder *b, const rki_part *child, uint32_t next, uint32_t *at_out) {
    uint32_t body = 0;
    RK_TRY(emit(b, (instruction){.code = CODE_SPLIT, .next = next, .other = next}, at_out));
    RK_TRY(build(b, child, *at_out, &body));
    b->code[*at_out].other = body;
    return RK_OK;
}

static rk_status build_repeat(builder *b, const rki_part *part, uint32_t next, uint32_t *at_out) {
    const rki_part *child = part->first_child;
    uint32_t optional = part->most == UINT32_MAX ? 0 : part->most - part->least, end = next;
    *at_out = next;
    if (part->most == UINT32_MAX) RK_TRY(build_loop(b, child, next, at_out));
    for (uint32_t i = 0; i < optional; i++) {
        RK_TRY(build(b, child, *at_out, at_out));
        RK_TRY(emit(b, (instruction){.code = CODE_SPLIT, .next = *at_out, .other = end}, at_out));
    }
    for (uint32_t i = 0; i < part->least; i++) RK_TRY(build(b, child, *at_out, at_out));
    return RK_OK;
}

static rk_status build(builder *b, const rki_part *part, uint32_t next, uint32_t *at_out) {
    if (++b->visits > VISITS_MAX) return RK_LIMIT;
    switch (part->kind) {
    case RKI_PART_SET:
        return emit(b, (instruction){CODE_SET, 0, part->ranges, part->range_count, next, 0}, at_out);
    case RKI_PART_ASSERTION:
        return emit(b, (instruction){.code = CODE_ASSERTION, .assertion = part->assertion, .next = next}, at_out);
    case RKI_PART_SEQUENCE:
        return build_sequence(b, part, next, at_out);
    case RKI_PART_CHOICE:
        return build_choice(b, part, next, at_out);
    case RKI_PART_REPEAT:
        return build_repeat(b, part, next, at_out);
    }
    RK_UNREACHABLE("a part of no kind");
}

rk_status rk_regex_compile(rk_arena *arena, rk_bytes pattern, const rk_regex **regex_out, const char **problem_out) {
    builder b = {.arena = arena};
    rki_part *tree = NULL;
    uint32_t match = 0, start = 0;
    *regex_out = NULL;
    RK_TRY(rki_regex_parse(arena, pattern, &tree, problem_out));
    RK_TRY(emit(&b, (instruction){.code = CODE_MATCH}, &match));
    rk_status status = build(&b, tree, match, &start);
    if (status == RK_LIMIT) {
        *problem_out = "it is too large";
        return RK_BAD_EXPRESSION;
    }
    RK_TRY(status);
    rk_regex *regex = rk_arena_take(arena, sizeof *regex);
    if (!regex) return RK_NO_MEMORY;
    const instruction *first = &b.code[start];
    bool anchored = first->code == CODE_ASSERTION && first->assertion == RKI_TEXT_BEGIN;
    *regex = (rk_regex){b.code, b.count, start, anchored};
    *regex_out = regex;
    return RK_OK;
}

size_t rk_regex_size(const rk_regex *regex) {
    return regex->count;
}

/* --- searching -------------------------------------------------------------------------------------------------- */

enum { INLINE_COUNT_MAX = 64, NO_POINT = RKI_POINT_MAX + 1 }; /* a simple regex searches on the stack */

typedef struct search {
    const rk_regex *regex;
    uint64_t *steps_left;
    uint32_t *now, *soon; /* the sets before and after a code point: CODE_SET instructions only */
    uint32_t now_count, soon_count;
    uint64_t *marks;
    uint32_t *stack;
    uint64_t round;
    uint32_t before, after; /* the code points around the place */
    bool found;
} search;

static bool is_word(uint32_t point) {
    uint32_t lower = point | 0x20;
    return (point >= '0' && point <= '9') || point == '_' || (point < 0x80 && lower >= 'a' && lower <= 'z');
}

static bool holds(const search *s, rki_assertion assertion) {
    switch (assertion) {
    case RKI_TEXT_BEGIN:
        return s->before == NO_POINT;
    case RKI_TEXT_END:
        return s->after == NO_POINT;
    case RKI_LINE_BEGIN:
        return s->before == NO_POINT || s->before == '\n';
    case RKI_LINE_END:
        return s->after == NO_POINT || s->after == '\n';
    case RKI_WORD_EDGE:
        return is_word(s->before) != is_word(s->after);
    case RKI_NO_WORD_EDGE:
        return is_word(s->before) == is_word(s->after);
    }
    RK_UNREACHABLE("an assertion of no kind");
}

static void push(search *s, uint32_t at, uint32_t *depth) {
    if (s->marks[at] == s->round) return;
    s->marks[at] = s->round;
    s->stack[(*depth)++] = at;
}

/* Adds an instruction to the next set, with all that it leads to without a code point. */
static rk_status add(search *s, uint32_t at) {
    uint32_t depth = 0;
    push(s, at, &depth);
    while (depth > 0) {
        uint32_t top = s->stack[--depth];
        const instruction *what = &s->regex->code[top];
        if (*s->steps_left == 0) return RK_STEP_BOUND;
        (*s->steps_left)--;
        if (what->code == CODE_SET) s->soon[s->soon_count++] = top;
        if (what->code == CODE_MATCH) s->found = true;
        if (what->code == CODE_SPLIT) push(s, what->other, &depth);
        if (what->code == CODE_SPLIT) push(s, what->next, &depth);
        if (what->code == CODE_ASSERTION && holds(s, what->assertion)) push(s, what->next, &depth);
    }
    return RK_OK;
}

static bool takes(const instruction *what, uint32_t point) {
    uint32_t low = 0, high = what->range_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (what->ranges[middle].last < point)
            low = middle + 1;
        else
            high = middle;
    }
    return low < what->range_count && what->ranges[low].first <= point;
}

/* From the set before a code point to the one after it; a match may begin anywhere. */
static rk_status step(search *s, uint32_t point) {
    s->soon_count = 0;
    s->round++;
    for (uint32_t i = 0; i < s->now_count; i++) {
        const instruction *what = &s->regex->code[s->now[i]];
        if (takes(what, point)) RK_TRY(add(s, what->next));
    }
    if (!s->regex->anchored || s->before == NO_POINT) RK_TRY(add(s, s->regex->start));
    uint32_t *swapped = s->now;
    s->now = s->soon;
    s->now_count = s->soon_count;
    s->soon = swapped;
    return RK_OK;
}

static uint32_t point_at(rk_bytes text, size_t *offset) {
    uint32_t point = NO_POINT;
    if (*offset < text.size && !rk_utf8_next(text, offset, &point)) RK_UNREACHABLE("text that is not UTF-8");
    return point;
}

static rk_status search_text(search *s, rk_bytes text) {
    size_t offset = 0;
    s->before = NO_POINT;
    s->after = point_at(text, &offset);
    RK_TRY(step(s, NO_POINT));
    while (!s->found && s->after != NO_POINT && (s->now_count > 0 || !s->regex->anchored)) {
        s->before = s->after;
        s->after = point_at(text, &offset);
        RK_TRY(step(s, s->before));
    }
    return RK_OK;
}

rk_status rk_regex_search(const rk_regex *regex, rk_bytes text, rk_arena *arena, uint64_t *steps_left,
                          bool *found_out) {
    uint32_t lists[3 * INLINE_COUNT_MAX];
    uint64_t marks[INLINE_COUNT_MAX] = {0};
    search s = {.regex = regex, .steps_left = steps_left, .now = lists, .marks = marks};
    *found_out = false;
    if (regex->count > INLINE_COUNT_MAX) {
        if (*steps_left < regex->count / 2) return RK_STEP_BOUND;
        *steps_left -= regex->count / 2;
        s.now = rk_arena_take_array(arena, regex->count, 3 * sizeof *s.now);
        s.marks = rk_arena_take_array(arena, regex->count, sizeof *s.marks);
        if (!s.now || !s.marks) return RK_NO_MEMORY;
    }
    s.soon = s.now + regex->count;
    s.stack = s.soon + regex->count;
    RK_TRY(search_text(&s, text));
    *found_out = s.found;
    return RK_OK;
}
