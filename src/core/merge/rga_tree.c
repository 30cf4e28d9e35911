/*
 * The span tree of a text: an order-statistic B+ tree whose leaves hold the text. Invariants: rga_tree.h.
 */
#include "core/merge/rga_tree.h"

#include <string.h>

enum { FILL = RKI_FANOUT * 3 / 4, CURSOR_STEPS_MAX = 4 };

static const rk_text_id NOTHING_LEAST = {UINT64_MAX, UINT64_MAX};

/* --- pools -------------------------------------------------------------------------------------------------------- */

bool rki_pool_reserve(rki_pool *pool, rk_arena *arena, size_t count) {
    while (pool->free_count < count) {
        void *piece = rk_arena_take(arena, pool->size);
        if (piece == NULL) return false;
        memcpy(piece, &pool->free, sizeof pool->free);
        pool->free = piece;
        pool->free_count++;
    }
    return true;
}

void *rki_pool_take(rki_pool *pool) {
    RK_ASSERT(pool->free_count > 0);
    void *piece = pool->free;
    memcpy(&pool->free, piece, sizeof pool->free);
    memset(piece, 0, sizeof pool->free);
    pool->free_count--;
    return piece;
}

/* --- spans and leaves --------------------------------------------------------------------------------------------- */

bool rki_span_continues(const rki_span *span, const rki_span *next) {
    if (span->first.replica != next->first.replica || rki_span_end(span) != next->first.lamport) return false;
    return (span->size == 0) == (next->size == 0);
}

size_t rki_span_bytes(const rki_span *span, const uint8_t *text, uint32_t offset) {
    if (span->size == span->points || span->size == 0) return span->size == 0 ? 0 : offset;
    return rk_utf8_offset(rk_bytes_of(text, span->size), offset);
}

size_t rki_leaf_text_at(const rki_leaf *leaf, uint32_t span) {
    size_t at = 0;
    for (uint32_t i = 0; i < span; i++) at += leaf->spans[i].size;
    return at;
}

bool rki_leaf_find(rki_leaf *leaf, rk_text_id id, rki_place *place_out) {
    *place_out = (rki_place){leaf, 0, 0};
    for (uint32_t i = 0; i < leaf->span_count; i++) {
        const rki_span *span = &leaf->spans[i];
        if (!rki_span_has(span, id)) continue;
        *place_out = (rki_place){leaf, i, (uint32_t)(id.lamport - span->first.lamport)};
        return true;
    }
    return false;
}

static void insert_span(rki_leaf *leaf, uint32_t at, rki_span span) {
    RK_ASSERT(leaf->span_count < RKI_LEAF_SPANS);
    memmove(&leaf->spans[at + 1], &leaf->spans[at], (leaf->span_count - at) * sizeof span);
    leaf->spans[at] = span;
    leaf->span_count++;
}

static void remove_span(rki_leaf *leaf, uint32_t at) {
    leaf->span_count--;
    memmove(&leaf->spans[at], &leaf->spans[at + 1], (leaf->span_count - at) * sizeof leaf->spans[0]);
}

static void insert_text(rki_leaf *leaf, size_t at, rk_bytes text) {
    RK_ASSERT(leaf->text_size + text.size <= RKI_LEAF_TEXT);
    memmove(leaf->text + at + text.size, leaf->text + at, leaf->text_size - at);
    memcpy(leaf->text + at, text.data, text.size);
    leaf->text_size = (uint16_t)(leaf->text_size + text.size);
}

static void remove_text(rki_leaf *leaf, size_t at, size_t size) {
    leaf->text_size = (uint16_t)(leaf->text_size - size);
    memmove(leaf->text + at, leaf->text + at + size, leaf->text_size - at);
}

/* Makes two spans of one, so that the place stands between them. Takes room for one span. */
static void cut_span(rki_place *place) {
    if (place->offset == 0) return;
    rki_span *left = &place->leaf->spans[place->span];
    size_t bytes = rki_span_bytes(left, place->leaf->text + rki_leaf_text_at(place->leaf, place->span), place->offset);
    rki_span right = *left;
    right.first.lamport += place->offset;
    right.points -= place->offset;
    right.size = (uint16_t)(left->size - bytes);
    left->points = place->offset;
    left->size = (uint16_t)bytes;
    *place = (rki_place){place->leaf, place->span + 1, 0};
    insert_span(place->leaf, place->span, right);
}

static void join_with_next(rki_leaf *leaf, uint32_t at) {
    if (at + 1 >= leaf->span_count || !rki_span_continues(&leaf->spans[at], &leaf->spans[at + 1])) return;
    leaf->spans[at].points += leaf->spans[at + 1].points;
    remove_span(leaf, at + 1);
}

uint32_t rki_leaf_bury(rki_leaf *leaf, uint32_t at) {
    rki_span *span = &leaf->spans[at];
    uint32_t points = span->points;
    remove_text(leaf, rki_leaf_text_at(leaf, at), span->size);
    span->size = 0;
    join_with_next(leaf, at);
    if (at > 0) join_with_next(leaf, at - 1);
    return points;
}

/* --- sums --------------------------------------------------------------------------------------------------------- */

static uint32_t slot_of(const rki_inner *parent, const rki_node *child) {
    uint32_t slot = 0;
    while (parent->children[slot] != child) slot++;
    return slot;
}

static void least_of_leaf(const rki_leaf *leaf, rk_text_id *least) {
    for (uint32_t i = 0; i < leaf->span_count; i++) {
        if (rk_text_id_compare(leaf->spans[i].first, *least) < 0) *least = leaf->spans[i].first;
    }
}

static void least_of_inner(const rki_inner *inner, rk_text_id *least) {
    for (uint32_t i = 0; i < inner->count; i++) {
        if (rk_text_id_compare(inner->least[i], *least) < 0) *least = inner->least[i];
    }
}

/* Writes what stands below the child at `slot`. */
static void sum_up(rki_inner *parent, uint32_t slot) {
    rk_text_id least = NOTHING_LEAST;
    uint32_t visible = 0;
    if (parent->over_leaves) {
        const rki_leaf *leaf = (const rki_leaf *)parent->children[slot];
        visible = leaf->visible;
        least_of_leaf(leaf, &least);
    } else {
        const rki_inner *inner = (const rki_inner *)parent->children[slot];
        for (uint32_t i = 0; i < inner->count; i++) visible += inner->visible[i];
        least_of_inner(inner, &least);
    }
    parent->visible[slot] = visible;
    parent->least[slot] = least;
}

/* Sums up a node in all that stand above it. */
static void refresh(rki_node *node) {
    for (; node->parent != NULL; node = &node->parent->node) sum_up(node->parent, slot_of(node->parent, node));
}

void rki_tree_count(rk_rga *rga, rki_leaf *leaf, uint32_t by) {
    leaf->visible += by;
    rga->visible += by;
    for (rki_node *node = &leaf->node; node->parent != NULL; node = &node->parent->node) {
        node->parent->visible[slot_of(node->parent, node)] += by;
    }
    /* The cursor counts what stands before it; a leaf right behind it does not. */
    if (rga->cursor != NULL && leaf != rga->cursor && leaf != rga->cursor->next) rga->cursor = NULL;
}

static void lower_least(rki_leaf *leaf, rk_text_id first) {
    for (rki_node *node = &leaf->node; node->parent != NULL; node = &node->parent->node) {
        rk_text_id *least = &node->parent->least[slot_of(node->parent, node)];
        if (rk_text_id_compare(first, *least) >= 0) return;
        *least = first;
    }
}

/* --- inner nodes -------------------------------------------------------------------------------------------------- */

static void put_child(rki_inner *parent, uint32_t slot, rki_node *child) {
    uint32_t after = parent->count - slot;
    memmove(&parent->children[slot + 1], &parent->children[slot], after * sizeof parent->children[0]);
    memmove(&parent->visible[slot + 1], &parent->visible[slot], after * sizeof parent->visible[0]);
    memmove(&parent->least[slot + 1], &parent->least[slot], after * sizeof parent->least[0]);
    parent->children[slot] = child;
    parent->count++;
    child->parent = parent;
    sum_up(parent, slot);
}

static void grow_root(rk_rga *rga) {
    rki_inner *root = rki_pool_take(&rga->inners);
    put_child(root, 0, &rga->root->node);
    rga->root = root;
    rga->height++;
}

static void add_after(rk_rga *rga, rki_node *left, rki_node *added);

/* Moves the upper half of a full node's children to a new node after it. */
static void split_inner(rk_rga *rga, rki_inner *inner) {
    if (inner->node.parent == NULL) grow_root(rga);
    rki_inner *right = rki_pool_take(&rga->inners);
    right->over_leaves = inner->over_leaves;
    uint32_t keep = inner->count / 2;
    for (uint32_t i = keep; i < inner->count; i++) put_child(right, right->count, inner->children[i]);
    inner->count = keep;
    add_after(rga, &inner->node, &right->node);
    refresh(&inner->node);
}

/* Recursion goes up one level a time. */
static void add_after(rk_rga *rga, rki_node *left, rki_node *added) {
    if (left->parent->count == RKI_FANOUT) split_inner(rga, left->parent);
    put_child(left->parent, slot_of(left->parent, left) + 1, added);
    refresh(added);
}

static size_t nodes_for(size_t count, size_t height) {
    /* Every level may split once at first, and again after seven more: c/7 + c/49 + ... < c/6; then a new root. */
    return count / 6 + height + 2;
}

/* --- leaves in the tree ------------------------------------------------------------------------------------------- */

static bool reserve_leaves(rk_rga *rga, size_t count) {
    return rki_pool_reserve(&rga->leaves, &rga->arena, count) &&
           rki_pool_reserve(&rga->inners, &rga->arena, nodes_for(count, rga->height));
}

static bool reserve_ranges(rk_rga *rga, size_t count) {
    return rki_pool_reserve(&rga->index_nodes, &rga->arena, rki_index_nodes_for(rga, count));
}

static rki_leaf *add_leaf(rk_rga *rga, rki_leaf *before) {
    rki_leaf *leaf = rki_pool_take(&rga->leaves);
    leaf->before = before;
    leaf->next = before->next;
    before->next = leaf;
    if (leaf->next != NULL) {
        leaf->next->before = leaf;
    } else {
        rga->last = leaf;
    }
    add_after(rga, &before->node, &leaf->node);
    return leaf;
}

/* Moves the spans from number `at` on to a new leaf right after. */
static rk_status split_leaf(rk_rga *rga, rki_leaf *leaf, uint32_t at) {
    uint32_t moved = leaf->span_count - at;
    if (!reserve_leaves(rga, 1) || !reserve_ranges(rga, moved)) return RK_NO_MEMORY;
    rki_leaf *right = add_leaf(rga, leaf);
    size_t text_at = rki_leaf_text_at(leaf, at);
    memcpy(right->spans, &leaf->spans[at], moved * sizeof right->spans[0]);
    memcpy(right->text, leaf->text + text_at, leaf->text_size - text_at);
    right->span_count = (uint16_t)moved;
    right->text_size = (uint16_t)(leaf->text_size - text_at);
    leaf->span_count = (uint16_t)at;
    leaf->text_size = (uint16_t)text_at;
    for (uint32_t i = 0; i < moved; i++) {
        if (right->spans[i].size > 0) right->visible += right->spans[i].points;
        rki_index_set(rga, right->spans[i].first, right->spans[i].points, right);
    }
    leaf->visible -= right->visible;
    refresh(&leaf->node);
    refresh(&right->node);
    return RK_OK;
}

/* The place in the middle of a leaf's text, at the next point. */
static rki_place middle_of_text(rki_leaf *leaf) {
    size_t middle = leaf->text_size / 2u;
    size_t text_at = 0;
    uint32_t span = 0;
    while (text_at + leaf->spans[span].size <= middle) text_at += leaf->spans[span++].size;
    while (middle < leaf->text_size && (leaf->text[middle] & 0xc0) == 0x80) middle++;
    size_t offset = rk_utf8_count(rk_bytes_of(leaf->text + text_at, middle - text_at));
    if (offset == leaf->spans[span].points) return (rki_place){leaf, span + 1, 0};
    return (rki_place){leaf, span, (uint32_t)offset};
}

/* Splits a leaf into two of about the same size, by what it is full of; the place moves with what stands there. */
static rk_status halve(rk_rga *rga, rki_place *place) {
    rki_leaf *leaf = place->leaf;
    bool by_spans = leaf->span_count + 2 > RKI_LEAF_SPANS;
    rki_place cut = by_spans ? (rki_place){leaf, leaf->span_count / 2u, 0} : middle_of_text(leaf);
    uint32_t in_span = cut.offset;
    uint32_t span = cut.span;
    cut_span(&cut);
    if (in_span > 0 && place->span > span) place->span++;
    if (in_span > 0 && place->span == span && place->offset >= in_span) {
        *place = (rki_place){leaf, span + 1, place->offset - in_span};
    }
    RK_TRY(split_leaf(rga, leaf, cut.span));
    bool at_end = place->span == cut.span && place->offset == 0;
    if (place->span >= cut.span && !at_end) *place = (rki_place){leaf->next, place->span - cut.span, place->offset};
    return RK_OK;
}

/* Room for the text and for two spans: a new one, and one that is cut. */
static bool has_room(const rki_leaf *leaf, size_t size) {
    return leaf->span_count + 2 <= RKI_LEAF_SPANS && leaf->text_size + size <= RKI_LEAF_TEXT;
}

/* At the end of a full leaf, what comes goes to the next one or between the two, so that full leaves stay full. */
static rk_status make_room_behind(rk_rga *rga, rki_place *place, size_t size) {
    rki_leaf *leaf = place->leaf->next;
    if (leaf == NULL || !has_room(leaf, size)) {
        if (!reserve_leaves(rga, 1)) return RK_NO_MEMORY;
        leaf = add_leaf(rga, place->leaf);
    }
    *place = (rki_place){leaf, 0, 0};
    return RK_OK;
}

static rk_status make_room(rk_rga *rga, rki_place *place, size_t size) {
    while (!has_room(place->leaf, size)) {
        if (place->span == place->leaf->span_count) return make_room_behind(rga, place, size);
        RK_TRY(halve(rga, place));
    }
    return RK_OK;
}

rk_status rki_tree_cut(rk_rga *rga, rki_place *place) {
    if (place->offset == 0) return RK_OK;
    RK_TRY(make_room(rga, place, 0));
    cut_span(place);
    return RK_OK;
}

/* A long text gets leaves of its own, behind what stands before the place. */
static rk_status open_for_long(rk_rga *rga, rki_place *place, size_t size) {
    RK_TRY(rki_tree_cut(rga, place));
    if (place->span < place->leaf->span_count) RK_TRY(split_leaf(rga, place->leaf, place->span));
    size_t leaf_count = size / (RKI_LEAF_TEXT - 3) + 1;
    if (!reserve_leaves(rga, leaf_count) || !reserve_ranges(rga, leaf_count + 1)) return RK_NO_MEMORY;
    return RK_OK;
}

rk_status rki_tree_open(rk_rga *rga, rki_place *place, size_t size) {
    rki_leaf *before = place->leaf->before;
    bool at_start = place->span == 0 && place->offset == 0;
    if (at_start && before != NULL) *place = (rki_place){before, before->span_count, 0};
    if (size > RKI_SHORT_TEXT) return open_for_long(rga, place, size);
    RK_TRY(make_room(rga, place, size));
    if (!reserve_ranges(rga, 1)) return RK_NO_MEMORY;
    cut_span(place);
    return RK_OK;
}

/* As much of the text as fits the leaf, in whole points. */
static rk_bytes fitting(const rki_leaf *leaf, rk_bytes text) {
    size_t size = RKI_LEAF_TEXT - (size_t)leaf->text_size;
    if (size >= text.size) return text;
    while (size > 0 && (text.data[size] & 0xc0) == 0x80) size--;
    return rk_bytes_of(text.data, size);
}

/* Puts one span into a leaf with room, or makes the one before the place longer. Moves the place behind it. */
static void put_span(rk_rga *rga, rki_place *place, rki_span span, rk_bytes text) {
    rki_leaf *leaf = place->leaf;
    rki_span *before = place->span > 0 ? &leaf->spans[place->span - 1] : NULL;
    insert_text(leaf, rki_leaf_text_at(leaf, place->span), text);
    if (before != NULL && rki_span_continues(before, &span)) {
        before->points += span.points;
        before->size = (uint16_t)(before->size + span.size);
    } else {
        insert_span(leaf, place->span++, span);
    }
    rki_index_set(rga, span.first, span.points, leaf);
    rki_tree_count(rga, leaf, span.points);
    lower_least(leaf, span.first);
}

void rki_tree_put(rk_rga *rga, rki_place place, rk_text_id first, rk_bytes text) {
    while (text.size > 0) {
        rk_bytes piece = fitting(place.leaf, text);
        if (piece.size == 0 || place.leaf->span_count == RKI_LEAF_SPANS) {
            place = (rki_place){add_leaf(rga, place.leaf), 0, 0};
            continue;
        }
        uint32_t points = (uint32_t)rk_utf8_count(piece);
        put_span(rga, &place, (rki_span){first, points, (uint16_t)piece.size}, piece);
        first.lamport += points;
        text = rk_bytes_from(text, piece.size);
    }
    rga->hint = place.leaf;
}

/* --- finding ------------------------------------------------------------------------------------------------------ */

static void descend(rk_rga *rga, uint32_t at) {
    rki_inner *inner = rga->root;
    uint32_t left = at;
    for (;;) {
        uint32_t slot = 0;
        while (left >= inner->visible[slot]) left -= inner->visible[slot++];
        if (inner->over_leaves) {
            rga->cursor = (rki_leaf *)inner->children[slot];
            rga->cursor_at = at - left;
            return;
        }
        inner = (rki_inner *)inner->children[slot];
    }
}

/* Moves the cursor to the leaf of a near character; false when it is too far away. */
static bool step(rk_rga *rga, uint32_t at) {
    for (int i = 0; i < CURSOR_STEPS_MAX && rga->cursor != NULL; i++) {
        if (at < rga->cursor_at) {
            rga->cursor = rga->cursor->before;
            rga->cursor_at -= rga->cursor->visible;
        } else if (at - rga->cursor_at >= rga->cursor->visible) {
            rga->cursor_at += rga->cursor->visible;
            rga->cursor = rga->cursor->next;
        } else {
            return true;
        }
    }
    return false;
}

rki_place rki_tree_seek(rk_rga *rga, uint32_t at) {
    RK_ASSERT(at < rga->visible);
    if (!step(rga, at)) descend(rga, at);
    rki_leaf *leaf = rga->cursor;
    uint32_t left = at - rga->cursor_at;
    uint32_t span = 0;
    for (;; span++) {
        if (leaf->spans[span].size == 0) continue;
        if (left < leaf->spans[span].points) return (rki_place){leaf, span, left};
        left -= leaf->spans[span].points;
    }
}

bool rki_tree_find(rk_rga *rga, rk_text_id id, rki_place *place_out) {
    if (rki_leaf_find(rga->hint, id, place_out)) return true;
    rki_leaf *leaf = rki_index_find(rga, id);
    if (leaf == NULL || !rki_leaf_find(leaf, id, place_out)) return false;
    rga->hint = leaf;
    return true;
}

/* The first child from `slot` on below which an item has a lesser id than `first`; count for none. */
static uint32_t lesser_slot(const rki_inner *inner, uint32_t slot, rk_text_id first) {
    while (slot < inner->count && rk_text_id_compare(inner->least[slot], first) > 0) slot++;
    return slot;
}

/* The first leaf after `leaf` that has an item with a lesser id than `first`; NULL for none. */
static rki_leaf *lesser_leaf(rki_leaf *leaf, rk_text_id first) {
    const rki_node *node = &leaf->node;
    const rki_inner *inner = NULL;
    uint32_t slot = 0;
    do {
        inner = node->parent;
        if (inner == NULL) return NULL;
        slot = lesser_slot(inner, slot_of(inner, node) + 1, first);
        node = &inner->node;
    } while (slot == inner->count);
    while (!inner->over_leaves) {
        inner = (const rki_inner *)inner->children[slot];
        slot = lesser_slot(inner, 0, first);
    }
    return (rki_leaf *)inner->children[slot];
}

static uint32_t lesser_span(const rki_leaf *leaf, uint32_t span, rk_text_id first) {
    while (span < leaf->span_count && rk_text_id_compare(leaf->spans[span].first, first) > 0) span++;
    return span;
}

void rki_tree_skip_greater(const rk_rga *rga, rki_place *place, rk_text_id first) {
    if (place->offset > 0) {
        rk_text_id next = place->leaf->spans[place->span].first;
        next.lamport += place->offset;
        if (rk_text_id_compare(next, first) < 0) return;
        *place = (rki_place){place->leaf, place->span + 1, 0};
    }
    place->span = lesser_span(place->leaf, place->span, first);
    if (place->span < place->leaf->span_count) return;
    rki_leaf *leaf = lesser_leaf(place->leaf, first);
    *place = leaf == NULL ? (rki_place){rga->last, rga->last->span_count, 0}
                          : (rki_place){leaf, lesser_span(leaf, 0, first), 0};
}

/* --- making ------------------------------------------------------------------------------------------------------- */

rki_leaf *rki_tree_append(rk_rga *rga) {
    if (!rki_pool_reserve(&rga->leaves, &rga->arena, 1)) return NULL;
    rki_leaf *leaf = rki_pool_take(&rga->leaves);
    leaf->before = rga->last;
    if (rga->last != NULL) {
        rga->last->next = leaf;
    } else {
        rga->first = leaf;
    }
    rga->last = leaf;
    rga->leaf_count++;
    return leaf;
}

/* Inner nodes over `count` children, which they take the place of. */
static size_t build_level(rk_rga *rga, rki_node **nodes, size_t count, bool over_leaves) {
    size_t made = 0;
    rki_inner *inner = NULL;
    for (size_t i = 0; i < count; i++) {
        rki_node *child = nodes[i];
        if (inner == NULL || inner->count == FILL) {
            inner = rki_pool_take(&rga->inners);
            inner->over_leaves = over_leaves;
            nodes[made++] = &inner->node;
        }
        put_child(inner, inner->count, child);
    }
    return made;
}

rk_status rki_tree_build(rk_rga *rga, rk_arena *scratch) {
    size_t count = rga->leaf_count;
    rki_node **nodes = rk_arena_take_array(scratch, count, sizeof(rki_node *));
    if (nodes == NULL) return RK_NO_MEMORY;
    size_t reserve = 1;
    for (size_t level = count; level > 1; level = (level + FILL - 1) / FILL) reserve += (level + FILL - 1) / FILL;
    if (!rki_pool_reserve(&rga->inners, &rga->arena, reserve)) return RK_NO_MEMORY;
    size_t i = 0;
    for (rki_leaf *leaf = rga->first; leaf != NULL; leaf = leaf->next) nodes[i++] = &leaf->node;
    do {
        count = build_level(rga, nodes, count, rga->height == 0);
        rga->height++;
    } while (count > 1);
    rga->root = (rki_inner *)nodes[0];
    rga->hint = rga->first;
    return RK_OK;
}
