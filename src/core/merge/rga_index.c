/*
 * The id index of a text: a B+ tree that only grows (Bayer and McCreight, 1972). Invariants: rga_tree.h (3).
 *
 * Its order is by replica, then Lamport, so that the ids of one writer are neighbours; it is no order of characters.
 */
#include <string.h>

#include "core/merge/rga_tree.h"

enum { FILL = RKI_INDEX_FANOUT * 3 / 4 };

/* Entry number `slot` of a bottom node; slot == count means that of the next one, and a NULL node the end. */
typedef struct position {
    rki_index_node *node;
    uint32_t slot;
} position;

static bool key_above(rk_text_id a, rk_text_id b) {
    return a.replica != b.replica ? a.replica > b.replica : a.lamport > b.lamport;
}

/* How many keys are not above `key`. */
static uint32_t rank_of(const rki_index_node *node, rk_text_id key) {
    uint32_t low = 0;
    uint32_t high = node->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (key_above(node->keys[middle], key)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static uint32_t child_slot(const rki_index_node *node, rk_text_id key) {
    uint32_t rank = rank_of(node, key);
    return rank == 0 ? 0 : rank - 1;
}

/* The first position above `key`; the entry before it, when slot > 0, is the one that governs `key`. */
static position upper(const rk_rga *rga, rk_text_id key) {
    rki_index_node *node = rga->index_root;
    while (!node->bottom) node = node->items[child_slot(node, key)].node;
    return (position){node, rank_of(node, key)};
}

/* The position of an entry, past the end of its node if need be. */
static position settled(position at) {
    while (at.node != NULL && at.slot == at.node->count) at = (position){at.node->next, 0};
    return at;
}

static rki_leaf *governing(position upper, uint64_t replica) {
    if (upper.slot == 0 || upper.node->keys[upper.slot - 1].replica != replica) return NULL;
    return upper.node->items[upper.slot - 1].leaf;
}

rki_leaf *rki_index_find(const rk_rga *rga, rk_text_id id) {
    return governing(upper(rga, id), id.replica);
}

bool rki_index_replica(const rk_rga *rga, uint64_t from, uint64_t *replica_out) {
    *replica_out = 0;
    position at = settled(upper(rga, (rk_text_id){.lamport = 0, .replica = from}));
    if (at.node == NULL) return false;
    *replica_out = at.node->keys[at.slot].replica;
    return true;
}

/* --- adding ------------------------------------------------------------------------------------------------------- */

static rki_index_node *take_node(rk_rga *rga, bool bottom) {
    rki_index_node *node = rki_pool_take(&rga->index_nodes);
    node->bottom = bottom;
    rga->index_count++;
    return node;
}

static void insert_item(rki_index_node *node, uint32_t slot, rk_text_id key, rki_index_node *child, rki_leaf *leaf) {
    uint32_t after = node->count - slot;
    memmove(&node->keys[slot + 1], &node->keys[slot], after * sizeof node->keys[0]);
    memmove(&node->items[slot + 1], &node->items[slot], after * sizeof node->items[0]);
    node->keys[slot] = key;
    if (node->bottom) {
        node->items[slot].leaf = leaf;
    } else {
        node->items[slot].node = child;
    }
    node->count++;
}

/* Splits the full child at `slot` of a node that is not full. */
static void split_child(rk_rga *rga, rki_index_node *node, uint32_t slot) {
    rki_index_node *left = node->items[slot].node;
    rki_index_node *right = take_node(rga, left->bottom);
    uint32_t keep = left->count / 2;
    right->count = left->count - keep;
    memcpy(right->keys, &left->keys[keep], right->count * sizeof right->keys[0]);
    memcpy(right->items, &left->items[keep], right->count * sizeof right->items[0]);
    left->count = keep;
    right->next = left->next;
    left->next = right;
    insert_item(node, slot + 1, right->keys[0], right, NULL);
}

static void grow_root(rk_rga *rga) {
    rki_index_node *root = take_node(rga, false);
    insert_item(root, 0, rga->index_root->keys[0], rga->index_root, NULL);
    rga->index_root = root;
    rga->index_height++;
    split_child(rga, root, 0);
}

/* Full nodes are split on the way down, so that there is always room above. */
static void add_entry(rk_rga *rga, rk_text_id key, rki_leaf *leaf) {
    if (rga->index_root->count == RKI_INDEX_FANOUT) grow_root(rga);
    rki_index_node *node = rga->index_root;
    while (!node->bottom) {
        uint32_t slot = child_slot(node, key);
        if (node->items[slot].node->count == RKI_INDEX_FANOUT) {
            split_child(rga, node, slot);
            slot = child_slot(node, key);
        }
        node = node->items[slot].node;
    }
    insert_item(node, rank_of(node, key), key, NULL, leaf);
}

/* The least Lamport from `from` on that the leaf has of the replica; UINT64_MAX for none. */
static uint64_t least_from(const rki_leaf *leaf, uint64_t replica, uint64_t from) {
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < leaf->span_count; i++) {
        const rki_span *span = &leaf->spans[i];
        if (span->first.replica != replica || rki_span_end(span) <= from) continue;
        uint64_t lamport = span->first.lamport > from ? span->first.lamport : from;
        if (lamport < least) least = lamport;
    }
    return least;
}

void rki_index_set(rk_rga *rga, rk_text_id first, uint64_t count, rki_leaf *leaf) {
    uint64_t end = first.lamport + count;
    position next = upper(rga, first);
    rki_leaf *old = governing(next, first.replica);
    bool has_key = old != NULL && next.node->keys[next.slot - 1].lamport == first.lamport;
    bool add_first = old != leaf && !has_key;
    if (has_key) next.node->items[next.slot - 1].leaf = leaf;
    uint64_t bound = UINT64_MAX; /* the key after the range, of this replica */
    for (next = settled(next); next.node != NULL; next = settled((position){next.node, next.slot + 1})) {
        rk_text_id key = next.node->keys[next.slot];
        if (key.replica != first.replica) break;
        bound = key.lamport;
        if (bound >= end) break;
        old = next.node->items[next.slot].leaf;
        next.node->items[next.slot].leaf = leaf;
        bound = UINT64_MAX;
    }
    /* What the last entry governed after the range must still be found. */
    if (old != NULL && old != leaf) {
        uint64_t lamport = least_from(old, first.replica, end);
        if (lamport < bound) add_entry(rga, (rk_text_id){lamport, first.replica}, old);
    }
    if (add_first) add_entry(rga, first, leaf);
}

size_t rki_index_nodes_for(const rk_rga *rga, size_t count) {
    /* Two entries a range. Nodes that are full now may split at once: at most one a level for each entry, and no more
     * than there are. A half takes seven more entries to split again: e/7 + e/49 + ... < e/6, and one a level. */
    size_t entries = 2 * count;
    size_t full = entries * rga->index_height;
    if (full > rga->index_count) full = rga->index_count;
    return full + entries / 6 + rga->index_height + 2;
}

/* --- making ------------------------------------------------------------------------------------------------------- */

/* One level of nodes over `count` items; `nodes` is filled in place of the items when those are nodes. */
static size_t build_level(rk_rga *rga, const rki_index_entry *entries, rki_index_node **nodes, size_t count) {
    size_t made = 0;
    rki_index_node *node = NULL;
    for (size_t i = 0; i < count; i++) {
        rki_index_node *child = entries == NULL ? nodes[i] : NULL;
        rk_text_id key = entries == NULL ? child->keys[0] : entries[i].key;
        if (node == NULL || node->count == FILL) {
            rki_index_node *before = node;
            node = take_node(rga, entries != NULL);
            if (before != NULL) before->next = node;
            nodes[made++] = node;
        }
        insert_item(node, node->count, key, child, entries == NULL ? NULL : entries[i].leaf);
    }
    return made;
}

rk_status rki_index_build(rk_rga *rga, const rki_index_entry *entries, size_t count, rk_arena *scratch) {
    size_t node_count = (count + FILL - 1) / FILL;
    rki_index_node **nodes = rk_arena_take_array(scratch, node_count + 1, sizeof *nodes);
    if (nodes == NULL) return RK_NO_MEMORY;
    size_t reserve = 1;
    for (size_t level = node_count; level > 0; level = level > 1 ? (level + FILL - 1) / FILL : 0) reserve += level;
    if (!rki_pool_reserve(&rga->index_nodes, &rga->arena, reserve)) return RK_NO_MEMORY;
    if (count == 0) nodes[0] = take_node(rga, true);
    node_count = build_level(rga, entries, nodes, count);
    for (rga->index_height = 1; node_count > 1; rga->index_height++) {
        node_count = build_level(rga, NULL, nodes, node_count);
    }
    rga->index_root = nodes[0];
    return RK_OK;
}
