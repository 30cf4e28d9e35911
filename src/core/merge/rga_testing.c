/* The naive text, and the look inside. */
#include "core/merge/rga_testing.h"

#include <string.h>

#include "core/merge/rga_tree.h"

/* --- the naive text ----------------------------------------------------------------------------------------------- */

naive_text *naive_text_new(rk_arena *arena) {
    naive_text *text = rk_arena_take(arena, sizeof *text);
    text->arena = arena;
    return text;
}

static naive_node **hash_of(naive_text *text, rk_text_id id) {
    uint64_t hash = (id.lamport * 31 + id.replica) * UINT64_C(0x9e3779b97f4a7c15);
    return &text->hashes[hash >> 52];
}

naive_node *naive_text_find(const naive_text *text, rk_text_id id) {
    naive_node *node = *hash_of((naive_text *)text, id);
    while (node && (node->lamport != id.lamport || node->replica != id.replica)) node = node->same_hash;
    return node;
}

static bool is_greater(const naive_node *a, const naive_node *b) {
    return a->lamport > b->lamport || (a->lamport == b->lamport && a->replica > b->replica);
}

static naive_node *add_child(naive_text *text, naive_node *parent, naive_node one) {
    naive_node **hash = hash_of(text, (rk_text_id){one.lamport, one.replica});
    naive_node *node = rk_arena_take(text->arena, sizeof *node);
    naive_node **link = &parent->child;
    *node = one;
    while (*link && is_greater(*link, node)) link = &(*link)->sibling;
    node->sibling = *link;
    *link = node;
    node->same_hash = *hash;
    *hash = node;
    text->count++;
    return node;
}

void naive_text_insert(naive_text *text, rk_text_id parent, rk_text_id first, rk_bytes utf8) {
    naive_node *at = parent.lamport == 0 ? &text->root : naive_text_find(text, parent);
    for (size_t i = 0; i < utf8.size;) {
        uint32_t point;
        RK_ASSERT(at && rk_utf8_next(utf8, &i, &point));
        at = add_child(text, at, (naive_node){.lamport = first.lamport++, .replica = first.replica, .point = point});
    }
}

void naive_text_delete(naive_text *text, rk_text_id first, uint64_t count) {
    for (; count > 0; count--, first.lamport++) naive_text_find(text, first)->deleted = true;
}

naive_node **naive_text_walk(const naive_text *text, rk_arena *arena) {
    naive_node **out = rk_arena_take_array(arena, text->count + 1, sizeof *out);
    naive_node **stack = rk_arena_take_array(arena, text->count + 2, sizeof *stack);
    size_t count = 0, depth = 0;
    stack[depth++] = text->root.child;
    while (depth > 0) {
        naive_node *node = stack[--depth];
        if (!node) continue;
        out[count++] = node;
        stack[depth++] = node->sibling;
        stack[depth++] = node->child;
    }
    RK_ASSERT(count == text->count);
    return out;
}

/* The replicas' table, by insertion. */
static size_t gather_replicas(naive_node **nodes, size_t count, uint64_t *table) {
    size_t table_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = table_count;
        while (at > 0 && table[at - 1] > nodes[i]->replica) at--;
        if (at > 0 && table[at - 1] == nodes[i]->replica) continue;
        memmove(&table[at + 1], &table[at], (table_count - at) * sizeof *table);
        table[at] = nodes[i]->replica;
        table_count++;
    }
    return table_count;
}

static void append_run(rk_buffer *runs, const uint64_t *table, naive_node **nodes, size_t count, uint64_t before) {
    int64_t index = 0, size = (int64_t)count;
    while (table[index] != nodes[0]->replica) index++;
    rk_cbor_append_int(runs, index);
    rk_cbor_append_int(runs, (int64_t)(nodes[0]->lamport - before));
    rk_cbor_append_int(runs, nodes[0]->deleted ? -size : size);
}

static bool goes_on(const naive_node *a, const naive_node *b) {
    return a->replica == b->replica && a->lamport + 1 == b->lamport && a->deleted == b->deleted;
}

rk_bytes naive_text_state(const naive_text *text, rk_arena *arena) {
    naive_node **nodes = naive_text_walk(text, arena);
    uint64_t *table = rk_arena_take_array(arena, text->count + 1, sizeof *table);
    size_t table_count = gather_replicas(nodes, text->count, table);
    rk_buffer replicas, runs, visible, state;
    rk_buffer_init(&replicas, arena, 1 << 26);
    rk_buffer_init(&runs, arena, 1 << 26);
    rk_buffer_init(&visible, arena, 1 << 26);
    rk_buffer_init(&state, arena, 1 << 26);
    for (size_t i = 0; i < table_count; i++) {
        for (int shift = 56; shift >= 0; shift -= 8) rk_buffer_append_byte(&replicas, (uint8_t)(table[i] >> shift));
    }
    uint64_t before = 1;
    for (size_t i = 0, end; i < text->count; i = end) {
        for (end = i + 1; end < text->count && goes_on(nodes[end - 1], nodes[end]);) end++;
        append_run(&runs, table, nodes + i, end - i, before);
        before = nodes[end - 1]->lamport + 1;
        for (size_t j = i; j < end && !nodes[j]->deleted; j++) {
            uint8_t utf8[4];
            rk_buffer_append(&visible, (rk_bytes){utf8, rk_utf8_put(utf8, nodes[j]->point)});
        }
    }
    rk_value items[3] = {rk_bytes_value((rk_bytes){replicas.data, replicas.size}),
                         rk_bytes_value((rk_bytes){runs.data, runs.size}),
                         rk_string((rk_bytes){visible.data, visible.size})};
    rk_value list = rk_list(items, 3);
    rk_cbor_append(&state, &list);
    rk_bytes bytes;
    RK_ASSERT(rk_buffer_finish(&state, &bytes) == RK_OK);
    return bytes;
}

/* --- the look inside ---------------------------------------------------------------------------------------------- */

static rk_text_id lesser(rk_text_id a, rk_text_id b) {
    return rk_text_id_compare(a, b) < 0 ? a : b;
}

static rk_text_id check_leaf(rk_rga *rga, const rki_leaf *leaf) {
    uint32_t visible = 0;
    size_t at = 0;
    rk_text_id least = {UINT64_MAX, UINT64_MAX};
    RK_ASSERT(leaf->span_count <= RKI_LEAF_SPANS && leaf->text_size <= RKI_LEAF_TEXT);
    for (uint32_t i = 0; i < leaf->span_count; i++) {
        const rki_span *span = &leaf->spans[i];
        rk_bytes text = {leaf->text + at, span->size};
        RK_ASSERT(span->points > 0 && span->first.lamport > 0);
        RK_ASSERT(rk_utf8_valid(text) && (span->size == 0 || rk_utf8_count(text) == span->points));
        rk_text_id last = {rki_span_end(span) - 1, span->first.replica};
        RK_ASSERT(rki_index_find(rga, span->first) == leaf && rki_index_find(rga, last) == leaf);
        least = lesser(least, span->first);
        if (span->size > 0) visible += span->points;
        at += span->size;
    }
    RK_ASSERT(visible == leaf->visible && at == leaf->text_size);
    return least;
}

typedef struct sums {
    uint32_t visible;
    rk_text_id least;
    size_t leaves;
    size_t height;
} sums;

static sums check_inner(rk_rga *rga, const rki_inner *inner, const rki_leaf **next) {
    sums all = {0, {UINT64_MAX, UINT64_MAX}, 0, 1};
    RK_ASSERT(inner->count >= 1 && inner->count <= RKI_FANOUT);
    for (uint32_t i = 0; i < inner->count; i++) {
        RK_ASSERT(inner->children[i]->parent == inner);
        sums one;
        if (inner->over_leaves) {
            const rki_leaf *leaf = (const rki_leaf *)inner->children[i];
            RK_ASSERT(leaf == *next && (!leaf->next || leaf->next->before == leaf));
            *next = leaf->next;
            one = (sums){leaf->visible, check_leaf(rga, leaf), 1, 0};
        } else {
            one = check_inner(rga, (const rki_inner *)inner->children[i], next);
        }
        RK_ASSERT(one.visible == inner->visible[i] && rk_text_id_compare(one.least, inner->least[i]) == 0);
        all.visible += one.visible;
        all.least = lesser(all.least, one.least);
        all.leaves += one.leaves;
        RK_ASSERT(i == 0 || all.height == one.height + 1);
        all.height = one.height + 1;
    }
    return all;
}

size_t rga_check_tree(rk_rga *rga) {
    const rki_leaf *next = rga->first;
    sums all = check_inner(rga, rga->root, &next);
    RK_ASSERT(!next && !rga->last->next && !rga->root->node.parent);
    RK_ASSERT(all.visible == rga->visible && all.height == rga->height);
    uint32_t before = 0;
    size_t text_size = 0, points = 0;
    for (const rki_leaf *leaf = rga->first; leaf; leaf = leaf->next) {
        RK_ASSERT(leaf != rga->cursor || before == rga->cursor_at);
        before += leaf->visible;
        text_size += leaf->text_size;
        for (uint32_t i = 0; i < leaf->span_count; i++) points += leaf->spans[i].points;
    }
    RK_ASSERT(text_size == rga->text_size && points == rga->points);
    return all.leaves;
}
