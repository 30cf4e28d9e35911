/*
 * The span tree under rga: where characters stand, how many are visible before a place, and which leaf has an id.
 *
 * Document order is a list of spans: consecutive ids of one replica, all visible or all deleted. Spans stand in leaves,
 * the visible ones' text in the leaf beside them, and leaves under inner nodes that sum them up. The index leads from
 * an id to its leaf; inside a leaf, spans are searched one by one.
 *
 * Invariants
 *   (1) A leaf's spans stand in document order; its text is the text of its visible spans, one after another.
 *   (2) For each child, an inner node knows the visible points below it and the least first id of the spans below it.
 *       Ids ascend inside a span, so the first item after a place with a lesser id is found going down by `least`.
 *   (3) The index has a set of (id -> leaf) entries, by replica and Lamport. For each known id, the entry with the
 *       greatest key not above it is of the same replica and names its leaf. Entries are only added or pointed
 *       elsewhere.
 *   (4) Splitting spans or leaves changes nothing that can be seen. What an operation needs is reserved in the pools
 *       before it changes anything else, so that running out of memory leaves the text whole.
 *   (5) `cursor_at` visible points stand before `cursor`, when there is a cursor. Nodes are never freed, so `cursor`
 *       and `hint` always point at leaves.
 */
#ifndef RK_CORE_MERGE_RGA_TREE_H
#define RK_CORE_MERGE_RGA_TREE_H

#include "core/merge/rga.h"

enum {
    RKI_LEAF_SPANS = 32,
    RKI_LEAF_TEXT = 512,  /* bytes */
    RKI_SHORT_TEXT = 248, /* bytes of a text that fits into half a leaf, so that splitting leaves makes room for it */
    RKI_FANOUT = 16,
    RKI_INDEX_FANOUT = 16,
};

_Static_assert(RKI_SHORT_TEXT + RKI_LEAF_TEXT / 2 + 3 <= RKI_LEAF_TEXT, "half a leaf, cut at a point, leaves room");

/* Visible exactly when it has text. */
typedef struct rki_span {
    rk_text_id first;
    uint32_t points; /* at least 1 */
    uint16_t size;   /* bytes of text; 0 for a tombstone */
} rki_span;

typedef struct rki_inner rki_inner;
typedef struct rki_leaf rki_leaf;

typedef struct rki_node {
    rki_inner *parent; /* NULL for the root */
} rki_node;

struct rki_leaf {
    rki_node node;
    rki_leaf *before;
    rki_leaf *next;
    uint32_t visible;
    uint16_t span_count;
    uint16_t text_size;
    rki_span spans[RKI_LEAF_SPANS];
    uint8_t text[RKI_LEAF_TEXT];
};

struct rki_inner {
    rki_node node;
    uint32_t count;
    bool over_leaves;
    uint32_t visible[RKI_FANOUT];
    rk_text_id least[RKI_FANOUT];
    rki_node *children[RKI_FANOUT];
};

typedef struct rki_index_node rki_index_node;

struct rki_index_node {
    uint32_t count;
    bool bottom;
    rki_index_node *next;              /* at the bottom: the one after it */
    rk_text_id keys[RKI_INDEX_FANOUT]; /* above the bottom: the least key below; the first one's is not kept up */
    union {
        rki_index_node *node;
        rki_leaf *leaf;
    } items[RKI_INDEX_FANOUT];
};

/* Zeroed pieces of one size, taken from the arena ahead of need. */
typedef struct rki_pool {
    size_t size;
    void *free;
    size_t free_count;
} rki_pool;

struct rk_rga {
    const rk_memory *memory;
    rk_arena arena;
    rki_pool leaves;
    rki_pool inners;
    rki_pool index_nodes;
    rki_inner *root;
    size_t height; /* inner levels, at least 1 */
    rki_leaf *first;
    rki_leaf *last;
    rki_index_node *index_root;
    size_t index_height; /* levels, at least 1 */
    size_t index_count;  /* nodes */
    size_t leaf_count;   /* those that were appended before the inner nodes were built */
    uint64_t lamport_max;
    uint32_t points; /* visible and deleted */
    uint32_t visible;
    size_t text_size;
    rki_leaf *cursor; /* where positions were looked up last */
    uint32_t cursor_at;
    rki_leaf *hint; /* where an id was found last */
};

/* Before point `offset` of span `span`; span_count with offset 0 is the end of the leaf. */
typedef struct rki_place {
    rki_leaf *leaf;
    uint32_t span;
    uint32_t offset;
} rki_place;

/* A text with one empty leaf, for building the tree and the index over it. RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_rga_begin(const rk_memory *memory, size_t size_max, rk_rga **rga_out);

/* --- pools -------------------------------------------------------------------------------------------------------- */

RK_MUST_USE bool rki_pool_reserve(rki_pool *pool, rk_arena *arena, size_t count);
/* One that was reserved. */
void *rki_pool_take(rki_pool *pool);

/* --- spans and leaves --------------------------------------------------------------------------------------------- */

static inline uint64_t rki_span_end(const rki_span *span) {
    return span->first.lamport + span->points;
}

static inline bool rki_span_has(const rki_span *span, rk_text_id id) {
    return span->first.replica == id.replica && id.lamport - span->first.lamport < span->points;
}

/* Whether `next` goes on where `span` ends: the same replica, the Lamport after, and as visible. */
bool rki_span_continues(const rki_span *span, const rki_span *next);
/* The bytes of the span's text before point `offset`; `text` begins with the span's text. */
size_t rki_span_bytes(const rki_span *span, const uint8_t *text, uint32_t offset);
/* Where the text of span number `span` begins in the leaf's text. */
size_t rki_leaf_text_at(const rki_leaf *leaf, uint32_t span);
bool rki_leaf_find(rki_leaf *leaf, rk_text_id id, rki_place *place_out);
/* Takes away the text of a span and joins it with tombstones beside it. Returns the points that were visible. */
uint32_t rki_leaf_bury(rki_leaf *leaf, uint32_t span);

/* --- the tree ----------------------------------------------------------------------------------------------------- */

/* The place of the visible character at `at`, which must be less than the length. */
rki_place rki_tree_seek(rk_rga *rga, uint32_t at);
/* The place of a character; false when it is unknown. */
bool rki_tree_find(rk_rga *rga, rk_text_id id, rki_place *place_out);
/* Moves the place past every item with a greater id than `first`: the sibling rule. */
void rki_tree_skip_greater(const rk_rga *rga, rki_place *place, rk_text_id first);
/* Cuts spans and splits leaves so that the place is between spans. RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_tree_cut(rk_rga *rga, rki_place *place);
/* Makes room at the place, and reserves what it takes, for rki_tree_put of a text of `size` bytes. RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_tree_open(rk_rga *rga, rki_place *place, size_t size);
/* Puts a new run at a place that was opened for it. */
void rki_tree_put(rk_rga *rga, rki_place place, rk_text_id first, rk_bytes text);
/* Adds to the visible count of a leaf and all above it (modulo 2^32, so that it may be negative). */
void rki_tree_count(rk_rga *rga, rki_leaf *leaf, uint32_t by);
/* Makes a new last leaf, before the inner nodes are built; NULL when memory ran out. */
rki_leaf *rki_tree_append(rk_rga *rga);
/* Builds the inner nodes over all leaves (at least one). RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_tree_build(rk_rga *rga, rk_arena *scratch);

/* --- the index ---------------------------------------------------------------------------------------------------- */

typedef struct rki_index_entry {
    rk_text_id key;
    rki_leaf *leaf;
} rki_index_entry;

/* The leaf that has the greatest known id not above `id` of the same replica; NULL when there is none. */
rki_leaf *rki_index_find(const rk_rga *rga, rk_text_id id);
/*
 * Says that the ids first .. first + count - 1, new or moved, are in `leaf` now, and not where they were. Takes room
 * for two entries from the pool.
 */
void rki_index_set(rk_rga *rga, rk_text_id first, uint64_t count, rki_leaf *leaf);
/* Nodes that setting `count` ranges anywhere may take. */
size_t rki_index_nodes_for(const rk_rga *rga, size_t count);
/* The least replica that is at least `from` and has ids; false when there is none. */
bool rki_index_replica(const rk_rga *rga, uint64_t from, uint64_t *replica_out);
/* Makes the index of entries that stand in order. RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_index_build(rk_rga *rga, const rki_index_entry *entries, size_t count, rk_arena *scratch);

#endif
