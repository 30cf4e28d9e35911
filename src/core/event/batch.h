/*
 * Batches: consecutive transactions of one replica for one log, sealed together.
 *
 * Invariants
 *   (1) Any changed byte of a sealed batch is refused: the signature covers the header, the header the Merkle root and
 *       how the leaves fall into transactions, the root every leaf.
 *   (2) An event's id carries the header's replica, and ids ascend within a batch.
 *   (3) In a transaction preconditions stand before its events, at most once, and there is at least one event.
 *   (4) Bytes are read against their bounds before anything is made of them.
 *
 * Wire form: [seal, leaves]. The seal is a COSE_Sign1 (core/event/cose.h) whose payload is the header. A leaf is
 * [salt (bytes, 16), bytes], or, where a refused one is left out of a committed batch, its leaf hash (bytes, 32).
 * The header is a deterministic CBOR map:
 *     key  field            type
 *       1  format           integer: 1
 *       2  account          bytes, 32: SHA-256 of the root public key
 *       3  log              bytes, 16
 *       4  replica          bytes, 8, big-endian
 *       5  number           integer from 1, gapless per replica and log
 *       6  previous root    bytes, 32: key 7 of the batch before; absent in number 1
 *       7  root             bytes, 32: Merkle root (RFC 9162) of leaf hashes SHA-256(0x00, salt, SHA-256(bytes))
 *       8  leaf count       integer, 1 to RK_BATCH_LEAVES_MAX
 *       9  transaction count
 *      10  transactions     list of leaf counts, one a transaction; absent when each has one leaf
 *      11  sealing key      bytes, 32: Ed25519
 *      12  sealer           integer: 0 an actor, 1 a server, 2 the account's root (genesis only)
 * Preconditions are a map that no event can be mistaken for:
 *      20  expected         list of [entity as module/id (text), version]; absent when empty
 *      21  conditions       list of CEL texts; absent when empty
 */
#ifndef RK_CORE_EVENT_BATCH_H
#define RK_CORE_EVENT_BATCH_H

#include "core/event/cose.h"
#include "core/event/event.h"
#include "core/event/merkle.h"

enum { RK_FORMAT = 1, RK_LOG_ID_SIZE = 16, RK_SECRET_SIZE = 32 };

typedef struct rk_log_id {
    uint8_t bytes[RK_LOG_ID_SIZE];
} rk_log_id;

typedef enum rk_sealer { RK_SEALER_ACTOR = 0, RK_SEALER_SERVER = 1, RK_SEALER_ROOT = 2 } rk_sealer;

typedef struct rk_header {
    rk_hash account;
    rk_log_id log;
    uint64_t replica;
    uint64_t number;
    rk_hash previous_root; /* meaningless when number is 1 */
    rk_hash root;
    rk_key sealing_key;
    rk_sealer sealer;
} rk_header;

typedef struct rk_expectation {
    rk_bytes entity; /* module/id */
    uint64_t version;
} rk_expectation;

typedef struct rk_preconditions {
    const rk_expectation *expected;
    size_t expected_count;
    const rk_bytes *conditions;
    size_t condition_count;
} rk_preconditions;

typedef enum rk_leaf_kind { RK_LEAF_EVENT, RK_LEAF_PRECONDITIONS, RK_LEAF_HASH } rk_leaf_kind;

typedef struct rk_leaf {
    rk_leaf_kind kind;
    uint8_t salt[RK_SALT_SIZE]; /* meaningless for RK_LEAF_HASH */
    rk_bytes bytes;             /* empty for RK_LEAF_HASH */
    rk_hash hash;               /* the leaf hash */
    rk_event event;             /* RK_LEAF_EVENT: decoded */
    rk_preconditions preconditions;
} rk_leaf;

typedef struct rk_batch {
    rk_header header;
    rk_bytes seal; /* the COSE_Sign1 bytes */
    rk_leaf *leaves;
    size_t leaf_count;
    const uint32_t *transactions; /* how many leaves each has; they add up to leaf_count */
    size_t transaction_count;
} rk_batch;

RK_MUST_USE rk_status rk_preconditions_encode(rk_arena *arena, const rk_preconditions *preconditions,
                                              rk_bytes *bytes_out);

/*
 * Seals. The caller fills in header (but root), leaves' kind and bytes, and transactions; salts, hashes, root and seal
 * are made here. Salts are HMAC-SHA256(secret, leaf index as 8 bytes), cut to 16. The pair is the sealing key's.
 */
RK_MUST_USE rk_status rk_batch_seal(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair,
                                    const uint8_t secret[RK_SECRET_SIZE], rk_batch *batch);
/*
 * The same up to the signature, for a key whose secret is elsewhere: `to_sign_out` is what it signs, and with that
 * signature rk_cose_of_signed makes the seal.
 */
RK_MUST_USE rk_status rk_batch_prepare(rk_arena *arena, const rk_crypto *crypto, const rk_key *key,
                                       const uint8_t secret[RK_SECRET_SIZE], rk_batch *batch, rk_bytes *to_sign_out);
/* The wire form. Leaves of kind RK_LEAF_HASH go as their hash. */
RK_MUST_USE rk_status rk_batch_encode(rk_arena *arena, const rk_batch *batch, rk_bytes *bytes_out);
/*
 * Reads and verifies everything that the bytes alone can show: form, seal by header.sealing_key, root, ids, order.
 * Whether the key may seal is the truth's to judge. Borrows from `bytes`. Errors: RK_BAD_BATCH, RK_BAD_EVENT,
 * RK_BAD_COSE, RK_BAD_SIGNATURE, RK_LIMIT, the CBOR codes.
 */
RK_MUST_USE rk_status rk_batch_open(rk_arena *arena, const rk_crypto *crypto, rk_bytes bytes, rk_batch *batch_out,
                                    rk_error *error);
/* The header alone, its seal verified: for chains and cursors. `batch_out` has no leaves, but their counts. */
RK_MUST_USE rk_status rk_batch_open_seal(rk_arena *arena, const rk_crypto *crypto, rk_bytes seal, rk_batch *batch_out,
                                         rk_error *error);
/*
 * Given the seal opened and the leaves' kind, salt, bytes (or hash), as a store keeps them: decodes the leaves and
 * verifies that they are the ones that were sealed.
 */
RK_MUST_USE rk_status rk_batch_verify_leaves(rk_arena *arena, const rk_crypto *crypto, rk_batch *batch,
                                             rk_error *error);

#endif
