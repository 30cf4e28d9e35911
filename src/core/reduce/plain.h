/*
 * Values of fields without `merge`: changed in place, and back.
 *
 * Invariants
 *   (1) A plain slot holds what rki_plain_copy made: its maps have room to grow, by a rule that their count alone
 *       tells. So setting one place costs the depth of the place and the logarithm of the maps on the way; a new key
 *       moves what stands after it.
 *   (2) Undone in reverse order, sets leave the value as it was before the first.
 */
#ifndef RK_CORE_REDUCE_PLAIN_H
#define RK_CORE_REDUCE_PLAIN_H

#include "core/value/value.h"

typedef enum rki_plain_kind {
    RKI_PLAIN_NOTHING,  /* what was to be removed was not there */
    RKI_PLAIN_REPLACED, /* `before` stood there */
    RKI_PLAIN_INSERTED, /* the key was new in its map */
    RKI_PLAIN_REMOVED,  /* `before` stood there, under `key` */
} rki_plain_kind;

/* What one change did, at the place of the first `depth` keys. */
typedef struct rki_plain_undo {
    rki_plain_kind kind;
    const rk_value *keys;
    size_t depth;
    rk_value key;
    rk_value before;
} rki_plain_undo;

/* A copy in the arena, with all it points to, as slots hold it. RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_plain_copy(rk_arena *arena, const rk_value *value, rk_value *copy_out);
/*
 * Puts `value`, which rki_plain_copy made in the same arena, at the keys' place below `root`. Missing maps on the way
 * are made. RK_EXPRESSION_FAILED when something on the way is neither null nor a map, RK_NO_MEMORY; then nothing has
 * changed. The keys are borrowed by the undo.
 */
RK_MUST_USE rk_status rki_plain_set(rk_arena *arena, rk_value *root, const rk_value *keys, size_t key_count,
                                    const rk_value *value, rki_plain_undo *undo_out);
/* Takes away what stands at the place of one key or more; nothing when there is nothing. */
void rki_plain_remove(rk_value *root, const rk_value *keys, size_t key_count, rki_plain_undo *undo_out);
void rki_plain_take_back(rk_value *root, const rki_plain_undo *undo);

#endif
