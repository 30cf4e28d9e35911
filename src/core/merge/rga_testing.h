/*
 * Text as the tree that its definition speaks of: one node a character, children in descending order, walked from the
 * root. And a look inside rga's own tree.
 */
#ifndef RK_CORE_MERGE_RGA_TESTING_H
#define RK_CORE_MERGE_RGA_TESTING_H

#include "core/merge/rga.h"

typedef struct naive_node naive_node;

struct naive_node {
    uint64_t lamport;
    uint64_t replica;
    uint32_t point;
    bool deleted;
    naive_node *child;   /* the greatest */
    naive_node *sibling; /* the next lesser one */
    naive_node *same_hash;
};

enum { NAIVE_HASHES = 1 << 12 };

typedef struct naive_text {
    rk_arena *arena;
    naive_node root;
    naive_node *hashes[NAIVE_HASHES];
    size_t count;
} naive_text;

naive_text *naive_text_new(rk_arena *arena);
naive_node *naive_text_find(const naive_text *text, rk_text_id id);
void naive_text_insert(naive_text *text, rk_text_id parent, rk_text_id first, rk_bytes utf8);
void naive_text_delete(naive_text *text, rk_text_id first, uint64_t count);
/* All characters in document order, deleted ones too, in `arena`. */
naive_node **naive_text_walk(const naive_text *text, rk_arena *arena);
/* The canonical state. */
rk_bytes naive_text_state(const naive_text *text, rk_arena *arena);

/* Asserts the invariants of rga_tree.h and returns how many leaves there are. */
size_t rga_check_tree(rk_rga *rga);

#endif
