/*
 * Commit records: what the truth adds to a batch that it has judged.
 *
 * Invariants
 *   (1) Records of a log form one chain: each names the hash of the one before and counts on from it, through epochs.
 *   (2) A judged batch is never judged again: replica, number and root with the bitmap stand here for ever.
 *   (3) Bits past the last transaction are zero, so that one record has one encoding.
 *
 * Wire form: a COSE_Sign1 (typ reaktor/record) by the log's truth key over a deterministic CBOR map:
 *     key  field             type
 *       1  format            integer: 1
 *       2  account           bytes, 32
 *       3  log               bytes, 16
 *       4  epoch             integer from 1
 *       5  record number     integer from 1
 *       6  previous          bytes, 32: SHA-256 of the record before (the whole COSE_Sign1); absent in number 1
 *       7  replica           bytes, 8
 *       8  batch number      integer from 1
 *       9  batch root        bytes, 32
 *      10  first position    integer from 1: where the batch's first accepted event stands, or would stand
 *      11  accepted count    integer: how many events it put into the log
 *      12  bitmap            bytes: bit (0x80 >> i % 8) of byte i / 8 says that transaction i was accepted
 *      13  commit stamp      bytes, 8, big-endian: strictly ascending over the records
 *      14  account position  integer: the account log's position that it was judged at
 *      15  signer            bytes, 32: the truth key
 */
#ifndef RK_CORE_EVENT_RECORD_H
#define RK_CORE_EVENT_RECORD_H

#include "core/event/batch.h"

typedef struct rk_record {
    rk_hash account;
    rk_log_id log;
    uint64_t epoch;
    uint64_t number;
    rk_hash previous; /* meaningless when number is 1 */
    uint64_t replica;
    uint64_t batch_number;
    rk_hash batch_root;
    uint64_t first_position;
    uint64_t accepted_count;
    rk_bytes bitmap;
    rk_stamp commit_stamp;
    uint64_t account_position;
    rk_key signer;
} rk_record;

RK_MUST_USE rk_status rk_record_seal(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair,
                                     const rk_record *record, rk_bytes *bytes_out);
/* Reads and verifies the signature by record.signer; whether that is the log's truth key is the caller's to check. */
RK_MUST_USE rk_status rk_record_open(rk_arena *arena, const rk_crypto *crypto, rk_bytes bytes, rk_record *record_out,
                                     rk_error *error);
/*
 * Whether the record fits its batch: account, log, replica, number, root, bitmap size and spare bits, accepted count,
 * and that no accepted leaf is a bare hash. RK_BAD_RECORD otherwise.
 */
RK_MUST_USE rk_status rk_record_fits(const rk_record *record, const rk_batch *batch, rk_error *error);
/* Whether transaction `index` was accepted. */
bool rk_record_accepts(const rk_record *record, size_t index);
size_t rk_bitmap_size(size_t transaction_count);
void rk_bitmap_set(uint8_t *bitmap, size_t index);
/* False past its end. */
bool rk_bitmap_get(rk_bytes bitmap, size_t index);

#endif
