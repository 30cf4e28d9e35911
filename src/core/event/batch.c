/*
 * Sealing, encoding and opening batches.
 */
#include "core/event/batch.h"

#include <string.h>

#include "core/event/fields.h"

enum {
    KEY_FORMAT = 1,
    KEY_ACCOUNT,
    KEY_LOG,
    KEY_REPLICA,
    KEY_NUMBER,
    KEY_PREVIOUS,
    KEY_ROOT,
    KEY_LEAF_COUNT,
    KEY_TRANSACTION_COUNT,
    KEY_TRANSACTIONS,
    KEY_SEALING_KEY,
    KEY_SEALER,
    KEY_EXPECTED = 20,
    KEY_CONDITIONS = 21,
};

static rk_status refuse(rk_error *error, const char *what) {
    return rk_fail(error, RK_BAD_BATCH, "batch", "%s", what);
}

/* ---- preconditions ---- */

rk_status rk_preconditions_encode(rk_arena *arena, const rk_preconditions *preconditions, rk_bytes *bytes_out) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, RK_EVENT_SIZE_MAX);
    size_t expected_count = preconditions->expected_count, condition_count = preconditions->condition_count;
    rk_cbor_append_head(&buffer, 5, (uint64_t)(expected_count > 0) + (condition_count > 0));
    if (expected_count > 0) {
        rk_cbor_append_int(&buffer, KEY_EXPECTED);
        rk_cbor_append_head(&buffer, 4, expected_count);
        for (size_t i = 0; i < expected_count; i++) {
            rk_cbor_append_head(&buffer, 4, 2);
            rk_cbor_append_text(&buffer, preconditions->expected[i].entity);
            rk_cbor_append_int(&buffer, (int64_t)preconditions->expected[i].version);
        }
    }
    if (condition_count > 0) {
        rk_cbor_append_int(&buffer, KEY_CONDITIONS);
        rk_cbor_append_head(&buffer, 4, condition_count);
        for (size_t i = 0; i < condition_count; i++) rk_cbor_append_text(&buffer, preconditions->conditions[i]);
    }
    return rk_buffer_finish(&buffer, bytes_out);
}

static rk_status read_expected(rk_arena *arena, const rk_value *list, rk_preconditions *out, rk_error *error) {
    if (!list) return RK_OK;
    rk_expectation *expected = rk_arena_take_array(arena, list->as.list.count, sizeof *expected);
    if (!expected) return RK_NO_MEMORY;
    for (size_t i = 0; i < list->as.list.count; i++) {
        const rk_value *pair = &list->as.list.items[i];
        const rk_value *items = pair->kind == RK_LIST && pair->as.list.count == 2 ? pair->as.list.items : NULL;
        rk_bytes module, entity;
        if (!items || items[0].kind != RK_STRING || items[1].kind != RK_INT || items[1].as.integer < 0 ||
            rk_entity_split(items[0].as.bytes, &module, &entity, error) != RK_OK) {
            return refuse(error, "an expectation that is not [module/id, version]");
        }
        expected[i] = (rk_expectation){items[0].as.bytes, (uint64_t)items[1].as.integer};
    }
    out->expected = expected;
    out->expected_count = list->as.list.count;
    return RK_OK;
}

static rk_status read_conditions(rk_arena *arena, const rk_value *list, rk_preconditions *out, rk_error *error) {
    if (!list) return RK_OK;
    rk_bytes *conditions = rk_arena_take_array(arena, list->as.list.count, sizeof *conditions);
    if (!conditions) return RK_NO_MEMORY;
    for (size_t i = 0; i < list->as.list.count; i++) {
        if (list->as.list.items[i].kind != RK_STRING) return refuse(error, "a condition that is no text");
        conditions[i] = list->as.list.items[i].as.bytes;
    }
    out->conditions = conditions;
    out->condition_count = list->as.list.count;
    return RK_OK;
}

static rk_status read_preconditions(rk_arena *arena, const rk_value *map, rk_preconditions *out, rk_error *error) {
    *out = (rk_preconditions){0};
    rki_fields fields;
    rki_fields_start(&fields, map);
    const rk_value *expected = rki_field_list(&fields, KEY_EXPECTED);
    const rk_value *conditions = rki_field_list(&fields, KEY_CONDITIONS);
    RK_TRY(rki_fields_finish(&fields, RK_BAD_BATCH, "preconditions", error));
    if ((!expected && !conditions) || (expected && expected->as.list.count == 0) ||
        (conditions && conditions->as.list.count == 0)) {
        return refuse(error, "preconditions that are empty");
    }
    RK_TRY(read_expected(arena, expected, out, error));
    return read_conditions(arena, conditions, out, error);
}

/* ---- the header ---- */

static bool all_have_one_leaf(const rk_batch *batch) {
    return batch->leaf_count == batch->transaction_count;
}

static rk_status encode_header(rk_arena *arena, const rk_batch *batch, rk_bytes *bytes_out) {
    const rk_header *header = &batch->header;
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, RK_BATCH_SIZE_MAX);
    bool plain = all_have_one_leaf(batch);
    rk_cbor_append_head(&buffer, 5, 10U + (header->number > 1) + !plain);
    rki_put_int(&buffer, KEY_FORMAT, RK_FORMAT);
    rki_put_bytes(&buffer, KEY_ACCOUNT, rk_hash_bytes(&header->account));
    rki_put_bytes(&buffer, KEY_LOG, rk_bytes_of(header->log.bytes, RK_LOG_ID_SIZE));
    rki_put_u64(&buffer, KEY_REPLICA, header->replica);
    rki_put_int(&buffer, KEY_NUMBER, header->number);
    if (header->number > 1) rki_put_bytes(&buffer, KEY_PREVIOUS, rk_hash_bytes(&header->previous_root));
    rki_put_bytes(&buffer, KEY_ROOT, rk_hash_bytes(&header->root));
    rki_put_int(&buffer, KEY_LEAF_COUNT, batch->leaf_count);
    rki_put_int(&buffer, KEY_TRANSACTION_COUNT, batch->transaction_count);
    if (!plain) {
        rk_cbor_append_int(&buffer, KEY_TRANSACTIONS);
        rk_cbor_append_head(&buffer, 4, batch->transaction_count);
        for (size_t i = 0; i < batch->transaction_count; i++) rk_cbor_append_int(&buffer, batch->transactions[i]);
    }
    rki_put_bytes(&buffer, KEY_SEALING_KEY, rk_key_bytes(&header->sealing_key));
    rki_put_int(&buffer, KEY_SEALER, header->sealer);
    return rk_buffer_finish(&buffer, bytes_out);
}

/* The list of leaf counts must be there exactly when it says something, and add up. */
static rk_status read_transactions(rk_arena *arena, const rk_value *list, rk_batch *batch, rk_error *error) {
    uint32_t *transactions = rk_arena_take_array(arena, batch->transaction_count, sizeof *transactions);
    if (!transactions) return RK_NO_MEMORY;
    if (!list != all_have_one_leaf(batch)) return refuse(error, "leaf counts where they must not be, or none");
    size_t sum = 0;
    for (size_t i = 0; i < batch->transaction_count; i++) {
        transactions[i] = 1;
        if (list) {
            const rk_value *count = i < list->as.list.count ? &list->as.list.items[i] : NULL;
            if (!count || count->kind != RK_INT || count->as.integer < 1 ||
                count->as.integer > RK_TRANSACTION_EVENTS_MAX + 1) {
                return refuse(error, "a transaction with too few or too many leaves");
            }
            transactions[i] = (uint32_t)count->as.integer;
        }
        sum += transactions[i];
    }
    if (sum != batch->leaf_count || (list && list->as.list.count != batch->transaction_count)) {
        return refuse(error, "leaf counts that do not add up");
    }
    batch->transactions = transactions;
    return RK_OK;
}

static rk_status read_header(rk_arena *arena, const rk_value *map, rk_batch *batch, rk_error *error) {
    rk_header *header = &batch->header;
    rki_fields fields;
    rki_fields_start(&fields, map);
    (void)rki_field_int(&fields, KEY_FORMAT, RK_FORMAT, RK_FORMAT);
    rki_field_bytes(&fields, KEY_ACCOUNT, header->account.bytes, RK_HASH_SIZE);
    rki_field_bytes(&fields, KEY_LOG, header->log.bytes, RK_LOG_ID_SIZE);
    header->replica = rki_field_u64(&fields, KEY_REPLICA);
    header->number = rki_field_int(&fields, KEY_NUMBER, 1, INT64_MAX);
    if (header->number > 1) rki_field_bytes(&fields, KEY_PREVIOUS, header->previous_root.bytes, RK_HASH_SIZE);
    rki_field_bytes(&fields, KEY_ROOT, header->root.bytes, RK_HASH_SIZE);
    batch->leaf_count = (size_t)rki_field_int(&fields, KEY_LEAF_COUNT, 1, RK_BATCH_LEAVES_MAX);
    batch->transaction_count = (size_t)rki_field_int(&fields, KEY_TRANSACTION_COUNT, 1, batch->leaf_count);
    const rk_value *transactions = rki_field_list(&fields, KEY_TRANSACTIONS);
    rki_field_bytes(&fields, KEY_SEALING_KEY, header->sealing_key.bytes, RK_KEY_SIZE);
    header->sealer = (rk_sealer)rki_field_int(&fields, KEY_SEALER, RK_SEALER_ACTOR, RK_SEALER_ROOT);
    RK_TRY(rki_fields_finish(&fields, RK_BAD_BATCH, "header", error));
    return read_transactions(arena, transactions, batch, error);
}

static rk_cose_type seal_type(rk_sealer sealer) {
    return sealer == RK_SEALER_ROOT ? RK_COSE_GENESIS : RK_COSE_BATCH;
}

/* ---- leaves ---- */

static rk_hash leaf_hash(const rk_crypto *crypto, const rk_leaf *leaf) {
    rk_hash hash = rk_sha256(crypto, leaf->bytes);
    return rk_merkle_leaf(crypto, leaf->salt, &hash);
}

static rk_status root_of(rk_arena *arena, const rk_crypto *crypto, const rk_batch *batch, rk_hash *root_out) {
    rk_hash *hashes = rk_arena_take_array(arena, batch->leaf_count, sizeof *hashes);
    if (!hashes) return RK_NO_MEMORY;
    for (size_t i = 0; i < batch->leaf_count; i++) hashes[i] = batch->leaves[i].hash;
    *root_out = rk_merkle_root(crypto, hashes, batch->leaf_count);
    return RK_OK;
}

/* Preconditions are a map whose first key is 20 or 21: 0xA1 or 0xA2, then 0x14 or 0x15. No event begins so. */
static rk_leaf_kind kind_of_bytes(rk_bytes bytes) {
    bool preconditions = bytes.size > 1 && (bytes.data[0] == 0xA1 || bytes.data[0] == 0xA2) &&
                         (bytes.data[1] == KEY_EXPECTED || bytes.data[1] == KEY_CONDITIONS);
    return preconditions ? RK_LEAF_PRECONDITIONS : RK_LEAF_EVENT;
}

static rk_status decode_leaf(rk_arena *arena, rk_leaf *leaf, rk_error *error) {
    if (leaf->kind == RK_LEAF_HASH) return RK_OK;
    if (leaf->kind == RK_LEAF_EVENT) return rk_event_decode(arena, leaf->bytes, &leaf->event, error);
    rk_value map;
    RK_TRY(rk_cbor_decode(arena, leaf->bytes, &map, error));
    return read_preconditions(arena, &map, &leaf->preconditions, error);
}

/* Invariants 2 and 3 of the header file. A refused transaction may be hashes; one half of it never. */
static rk_status check_transaction(const rk_batch *batch, const rk_leaf *leaves, size_t count, rk_id *last,
                                   rk_error *error) {
    for (size_t i = 0; i < count; i++) {
        const rk_leaf *leaf = &leaves[i];
        if ((leaf->kind == RK_LEAF_HASH) != (leaves[0].kind == RK_LEAF_HASH)) {
            return refuse(error, "a transaction that is left out in part");
        }
        if (leaf->kind == RK_LEAF_PRECONDITIONS && (i > 0 || count == 1)) {
            return refuse(error, "preconditions that do not stand before events");
        }
        if (leaf->kind != RK_LEAF_EVENT) continue;
        if (leaf->event.id.replica != batch->header.replica) return refuse(error, "an event of another replica");
        if (rk_id_compare(*last, leaf->event.id) >= 0) return refuse(error, "event ids that do not ascend");
        *last = leaf->event.id;
    }
    return RK_OK;
}

static rk_status check_transactions(const rk_batch *batch, rk_error *error) {
    rk_id last = {0, 0};
    const rk_leaf *leaves = batch->leaves;
    for (size_t i = 0; i < batch->transaction_count; i++) {
        RK_TRY(check_transaction(batch, leaves, batch->transactions[i], &last, error));
        leaves += batch->transactions[i];
    }
    return RK_OK;
}

rk_status rk_batch_verify_leaves(rk_arena *arena, const rk_crypto *crypto, rk_batch *batch, rk_error *error) {
    for (size_t i = 0; i < batch->leaf_count; i++) {
        rk_leaf *leaf = &batch->leaves[i];
        if (leaf->kind == RK_LEAF_HASH) continue;
        leaf->hash = leaf_hash(crypto, leaf);
    }
    rk_hash root;
    RK_TRY(root_of(arena, crypto, batch, &root));
    if (!rk_hash_equal(&root, &batch->header.root)) return refuse(error, "its leaves are not those that were sealed");
    for (size_t i = 0; i < batch->leaf_count; i++) RK_TRY(decode_leaf(arena, &batch->leaves[i], error));
    return check_transactions(batch, error);
}

/* ---- the whole ---- */

/* Salts, hashes, root and the header's bytes. */
static rk_status finish_header(rk_arena *arena, const rk_crypto *crypto, const rk_key *key,
                               const uint8_t secret[RK_SECRET_SIZE], rk_batch *batch, rk_bytes *header_out) {
    RK_ASSERT(batch->leaf_count >= 1 && batch->leaf_count <= RK_BATCH_LEAVES_MAX);
    for (size_t i = 0; i < batch->leaf_count; i++) {
        uint8_t index[8];
        rk_put_u64(index, i);
        rk_hash salt = rk_hmac_sha256(crypto, rk_bytes_of(secret, RK_SECRET_SIZE), rk_bytes_of(index, sizeof index));
        memcpy(batch->leaves[i].salt, salt.bytes, RK_SALT_SIZE);
        batch->leaves[i].hash = leaf_hash(crypto, &batch->leaves[i]);
    }
    batch->header.sealing_key = *key;
    RK_TRY(root_of(arena, crypto, batch, &batch->header.root));
    return encode_header(arena, batch, header_out);
}

rk_status rk_batch_seal(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair,
                        const uint8_t secret[RK_SECRET_SIZE], rk_batch *batch) {
    rk_bytes header;
    RK_TRY(finish_header(arena, crypto, &pair->public_key, secret, batch, &header));
    return rk_cose_seal(arena, crypto, pair, seal_type(batch->header.sealer), header, &batch->seal);
}

rk_status rk_batch_prepare(rk_arena *arena, const rk_crypto *crypto, const rk_key *key,
                           const uint8_t secret[RK_SECRET_SIZE], rk_batch *batch, rk_bytes *to_sign_out) {
    rk_bytes header;
    RK_TRY(finish_header(arena, crypto, key, secret, batch, &header));
    return rk_cose_to_sign(arena, crypto, key, seal_type(batch->header.sealer), header, to_sign_out);
}

rk_status rk_batch_encode(rk_arena *arena, const rk_batch *batch, rk_bytes *bytes_out) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, RK_BATCH_SIZE_MAX);
    rk_cbor_append_head(&buffer, 4, 2);
    rk_cbor_append_bytes(&buffer, batch->seal);
    rk_cbor_append_head(&buffer, 4, batch->leaf_count);
    for (size_t i = 0; i < batch->leaf_count; i++) {
        const rk_leaf *leaf = &batch->leaves[i];
        if (leaf->kind == RK_LEAF_HASH) {
            rk_cbor_append_bytes(&buffer, rk_hash_bytes(&leaf->hash));
        } else {
            rk_cbor_append_head(&buffer, 4, 2);
            rk_cbor_append_bytes(&buffer, rk_bytes_of(leaf->salt, RK_SALT_SIZE));
            rk_cbor_append_bytes(&buffer, leaf->bytes);
        }
    }
    return rk_buffer_finish(&buffer, bytes_out);
}

/* The seal says what it is about in its typ: try both, the second only when the first is out of profile. */
static rk_status open_cose(rk_arena *arena, rk_bytes seal, rk_cose *cose, bool *genesis_out, rk_error *error) {
    *genesis_out = false;
    if (rk_cose_open(arena, seal, RK_COSE_BATCH, cose, error) == RK_OK) return RK_OK;
    *genesis_out = true;
    return rk_cose_open(arena, seal, RK_COSE_GENESIS, cose, error);
}

rk_status rk_batch_open_seal(rk_arena *arena, const rk_crypto *crypto, rk_bytes seal, rk_batch *batch_out,
                             rk_error *error) {
    *batch_out = (rk_batch){.seal = seal};
    rk_cose cose;
    bool genesis = false;
    RK_TRY(open_cose(arena, seal, &cose, &genesis, error));
    rk_value map;
    if (rk_cbor_decode(arena, cose.payload, &map, error) != RK_OK) return refuse(error, "its header is not our CBOR");
    RK_TRY(read_header(arena, &map, batch_out, error));
    if (genesis != (batch_out->header.sealer == RK_SEALER_ROOT)) return refuse(error, "a sealer that is not its typ's");
    return rk_cose_check(arena, crypto, &cose, &batch_out->header.sealing_key, error);
}

static bool read_leaf(const rk_value *value, rk_leaf *leaf) {
    if (value->kind == RK_BYTES && value->as.bytes.size == RK_HASH_SIZE) {
        leaf->kind = RK_LEAF_HASH;
        memcpy(leaf->hash.bytes, value->as.bytes.data, RK_HASH_SIZE);
        return true;
    }
    const rk_value *items = value->kind == RK_LIST && value->as.list.count == 2 ? value->as.list.items : NULL;
    if (!items || items[0].kind != RK_BYTES || items[0].as.bytes.size != RK_SALT_SIZE || items[1].kind != RK_BYTES) {
        return false;
    }
    memcpy(leaf->salt, items[0].as.bytes.data, RK_SALT_SIZE);
    leaf->bytes = items[1].as.bytes;
    leaf->kind = kind_of_bytes(leaf->bytes);
    return true;
}

rk_status rk_batch_open(rk_arena *arena, const rk_crypto *crypto, rk_bytes bytes, rk_batch *batch_out,
                        rk_error *error) {
    *batch_out = (rk_batch){0};
    if (bytes.size > RK_BATCH_SIZE_MAX) return rk_fail(error, RK_LIMIT, "batch", "it is larger than RK_BATCH_SIZE_MAX");
    rk_value list;
    RK_TRY(rk_cbor_decode(arena, bytes, &list, error));
    const rk_value *items = list.kind == RK_LIST && list.as.list.count == 2 ? list.as.list.items : NULL;
    if (!items || items[0].kind != RK_BYTES || items[1].kind != RK_LIST)
        return refuse(error, "it is not [seal, leaves]");
    RK_TRY(rk_batch_open_seal(arena, crypto, items[0].as.bytes, batch_out, error));
    if (items[1].as.list.count != batch_out->leaf_count) return refuse(error, "another number of leaves than sealed");
    batch_out->leaves = rk_arena_take_array(arena, batch_out->leaf_count, sizeof *batch_out->leaves);
    if (!batch_out->leaves) return rk_fail(error, RK_NO_MEMORY, "batch", "no memory for its leaves");
    for (size_t i = 0; i < batch_out->leaf_count; i++) {
        if (!read_leaf(&items[1].as.list.items[i], &batch_out->leaves[i])) return refuse(error, "a leaf that is none");
    }
    return rk_batch_verify_leaves(arena, crypto, batch_out, error);
}
