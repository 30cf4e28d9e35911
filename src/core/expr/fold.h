/*
 * The other case of letters, for (?i). Private to src/core/expr.
 *
 * Covered is the simple case folding of all of Unicode 14: one code point against one code point, so that s, S and the
 * long s are one letter, as are k, K and Kelvin's sign, or the sigmas; but neither \u00df and "ss" nor the dotted I.
 */
#ifndef RK_CORE_EXPR_FOLD_H
#define RK_CORE_EXPR_FOLD_H

#include "core/expr/regex_tree.h"

typedef rk_status rki_add_range(void *context, uint32_t first, uint32_t last);

/* Calls `add` for what differs in case only from a code point from first to last, and lies outside; some twice. */
RK_MUST_USE rk_status rki_fold_range(uint32_t first, uint32_t last, rki_add_range *add, void *context);

#endif
