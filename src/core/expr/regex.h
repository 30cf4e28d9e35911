/*
 * Regular expressions: RE2 syntax, whether a text contains a match, in time linear in the text.
 *
 * Invariants
 *   (1) A search looks at every code point once and at every instruction at most once for each: no pattern is slow in
 *       another way than by its size.
 *   (2) A pattern compiles into at most RK_REGEX_SIZE_MAX instructions or is refused; so is one that nests deeper than
 *       RK_REGEX_DEPTH_MAX.
 *   (3) A regex never changes after it was compiled: any number of searches may share it.
 *
 * The syntax is that of github.com/google/re2/wiki/Syntax without \p and \P (Unicode classes) and \C (one byte);
 * back references and lookaround do not exist there. \d \w \s \b and the [:names:] know ASCII only. (?i) knows
 * the letters of all of Unicode that fold one to one (fold.h).
 */
#ifndef RK_CORE_EXPR_REGEX_H
#define RK_CORE_EXPR_REGEX_H

#include "base/arena.h"

enum {
    RK_REGEX_PATTERN_SIZE_MAX = 64 << 10,
    RK_REGEX_SIZE_MAX = 10000, /* instructions */
    RK_REGEX_DEPTH_MAX = 200,  /* groups within groups */
    RK_REGEX_REPEAT_MAX = 1000 /* n and m of {n,m}, and the product of those that nest, as in RE2 */
};

typedef struct rk_regex rk_regex;

/*
 * Compiles a pattern, valid UTF-8, into the arena; the regex borrows nothing from it.
 * RK_BAD_EXPRESSION, with `problem_out` a sentence's end such as "a ) is missing" that lives for ever; RK_NO_MEMORY.
 */
RK_MUST_USE rk_status rk_regex_compile(rk_arena *arena, rk_bytes pattern, const rk_regex **regex_out,
                                       const char **problem_out);
/* How many instructions it has: what compiling it cost, and the factor of a search. */
size_t rk_regex_size(const rk_regex *regex);
/*
 * Whether `text`, valid UTF-8, contains a match. Each instruction looked at takes one from `*steps_left`;
 * RK_STEP_BOUND when none is left. A large regex needs the arena for its search, and takes half its size in steps for
 * that; else RK_NO_MEMORY is impossible.
 */
RK_MUST_USE rk_status rk_regex_search(const rk_regex *regex, rk_bytes text, rk_arena *arena, uint64_t *steps_left,
                                      bool *found_out);

#endif
