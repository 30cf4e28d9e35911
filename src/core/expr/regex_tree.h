/*
 * The tree of a pattern, between its parser and its compiler. Private to regex_parse.c and regex.c.
 *
 * Invariants
 *   (1) The ranges of a set are sorted and do not touch.
 */
#ifndef RK_CORE_EXPR_REGEX_TREE_H
#define RK_CORE_EXPR_REGEX_TREE_H

#include "core/expr/regex.h"

enum { RKI_POINT_MAX = 0x10FFFF };

typedef struct rki_range {
    uint32_t first;
    uint32_t last;
} rki_range;

typedef enum rki_assertion {
    RKI_TEXT_BEGIN,
    RKI_TEXT_END,
    RKI_LINE_BEGIN,
    RKI_LINE_END,
    RKI_WORD_EDGE,
    RKI_NO_WORD_EDGE,
} rki_assertion;

typedef enum rki_part_kind {
    RKI_PART_SET,       /* one code point of the ranges */
    RKI_PART_ASSERTION, /* at this place */
    RKI_PART_SEQUENCE,  /* the children one after another */
    RKI_PART_CHOICE,    /* one of the children */
    RKI_PART_REPEAT,    /* the child, least to most times */
} rki_part_kind;

typedef struct rki_part rki_part;

struct rki_part {
    rki_part_kind kind;
    rki_assertion assertion;
    const rki_range *ranges;
    uint32_t range_count;
    uint32_t least, most; /* most: UINT32_MAX for no end */
    uint32_t copies;      /* how often its most copied part stands in it, once the counts are written out */
    rki_part *first_child, *last_child, *next;
};

RK_MUST_USE rk_status rki_regex_parse(rk_arena *arena, rk_bytes pattern, rki_part **tree_out, const char **problem_out);

#endif
