/*
 * The text of a trace at any version, made without the merge: what the database is held against.
 *
 * With one author, plain edits of one string. With several, characters that know which transaction typed them, after
 * which character, and which transactions deleted them; a transaction's positions are counted in what its ancestors
 * leave visible, and the text at a version is what the transactions before it leave visible. What was typed after one
 * and the same character stands in descending order of numbers, where a number is one more than the highest that its
 * writer had seen, then of replicas. (One pair of transactions in these traces needs the replicas: 392 and 394 of
 * node_nodecc, the same change on two branches.)
 */
#ifndef RK_NAIVE_TRACE_TESTING_H
#define RK_NAIVE_TRACE_TESTING_H

#include "engine/trace.h"

/*
 * For each of `versions`, ascending, the text after that many transactions. `replicas` has each author's. The texts
 * live in the arena.
 */
void naive_trace_texts(const rk_trace *trace, const uint64_t *replicas, const uint64_t *versions, size_t count,
                       rk_arena *arena, rk_bytes *texts_out);

#endif
