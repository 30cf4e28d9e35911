/*
 * Sealing and opening commit records.
 */
#include "core/event/record.h"

#include <string.h>

#include "core/event/fields.h"

enum {
    KEY_FORMAT = 1,
    KEY_ACCOUNT,
    KEY_LOG,
    KEY_EPOCH,
    KEY_NUMBER,
    KEY_PREVIOUS,
    KEY_REPLICA,
    KEY_BATCH_NUMBER,
    KEY_BATCH_ROOT,
    KEY_FIRST_POSITION,
    KEY_ACCEPTED_COUNT,
    KEY_BITMAP,
    KEY_COMMIT_STAMP,
    KEY_ACCOUNT_POSITION,
    KEY_SIGNER,
};

static rk_status encode(rk_arena *arena, const rk_record *record, rk_bytes *bytes_out) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, RK_RECORD_SIZE_MAX);
    rk_cbor_append_head(&buffer, 5, 14U + (record->number > 1));
    rki_put_int(&buffer, KEY_FORMAT, RK_FORMAT);
    rki_put_bytes(&buffer, KEY_ACCOUNT, rk_hash_bytes(&record->account));
    rki_put_bytes(&buffer, KEY_LOG, rk_bytes_of(record->log.bytes, RK_LOG_ID_SIZE));
    rki_put_int(&buffer, KEY_EPOCH, record->epoch);
    rki_put_int(&buffer, KEY_NUMBER, record->number);
    if (record->number > 1) rki_put_bytes(&buffer, KEY_PREVIOUS, rk_hash_bytes(&record->previous));
    rki_put_u64(&buffer, KEY_REPLICA, record->replica);
    rki_put_int(&buffer, KEY_BATCH_NUMBER, record->batch_number);
    rki_put_bytes(&buffer, KEY_BATCH_ROOT, rk_hash_bytes(&record->batch_root));
    rki_put_int(&buffer, KEY_FIRST_POSITION, record->first_position);
    rki_put_int(&buffer, KEY_ACCEPTED_COUNT, record->accepted_count);
    rki_put_bytes(&buffer, KEY_BITMAP, record->bitmap);
    rki_put_u64(&buffer, KEY_COMMIT_STAMP, record->commit_stamp);
    rki_put_int(&buffer, KEY_ACCOUNT_POSITION, record->account_position);
    rki_put_bytes(&buffer, KEY_SIGNER, rk_key_bytes(&record->signer));
    return rk_buffer_finish(&buffer, bytes_out);
}

rk_status rk_record_seal(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair, const rk_record *record,
                         rk_bytes *bytes_out) {
    rk_bytes payload;
    RK_TRY(encode(arena, record, &payload));
    return rk_cose_seal(arena, crypto, pair, RK_COSE_RECORD, payload, bytes_out);
}

static rk_status read_fields(const rk_value *map, rk_record *record, rk_error *error) {
    rki_fields fields;
    rki_fields_start(&fields, map);
    (void)rki_field_int(&fields, KEY_FORMAT, RK_FORMAT, RK_FORMAT);
    rki_field_bytes(&fields, KEY_ACCOUNT, record->account.bytes, RK_HASH_SIZE);
    rki_field_bytes(&fields, KEY_LOG, record->log.bytes, RK_LOG_ID_SIZE);
    record->epoch = rki_field_int(&fields, KEY_EPOCH, 1, INT64_MAX);
    record->number = rki_field_int(&fields, KEY_NUMBER, 1, INT64_MAX);
    if (record->number > 1) rki_field_bytes(&fields, KEY_PREVIOUS, record->previous.bytes, RK_HASH_SIZE);
    record->replica = rki_field_u64(&fields, KEY_REPLICA);
    record->batch_number = rki_field_int(&fields, KEY_BATCH_NUMBER, 1, INT64_MAX);
    rki_field_bytes(&fields, KEY_BATCH_ROOT, record->batch_root.bytes, RK_HASH_SIZE);
    record->first_position = rki_field_int(&fields, KEY_FIRST_POSITION, 1, INT64_MAX / 2);
    record->accepted_count = rki_field_int(&fields, KEY_ACCEPTED_COUNT, 0, RK_BATCH_LEAVES_MAX);
    record->bitmap = rki_field_blob(&fields, KEY_BITMAP);
    record->commit_stamp = rki_field_u64(&fields, KEY_COMMIT_STAMP);
    record->account_position = rki_field_int(&fields, KEY_ACCOUNT_POSITION, 0, INT64_MAX / 2);
    rki_field_bytes(&fields, KEY_SIGNER, record->signer.bytes, RK_KEY_SIZE);
    return rki_fields_finish(&fields, RK_BAD_RECORD, "record", error);
}

rk_status rk_record_open(rk_arena *arena, const rk_crypto *crypto, rk_bytes bytes, rk_record *record_out,
                         rk_error *error) {
    *record_out = (rk_record){0};
    if (bytes.size > RK_RECORD_SIZE_MAX) return rk_fail(error, RK_LIMIT, "record", "larger than RK_RECORD_SIZE_MAX");
    rk_cose cose;
    RK_TRY(rk_cose_open(arena, bytes, RK_COSE_RECORD, &cose, error));
    rk_value map;
    if (rk_cbor_decode(arena, cose.payload, &map, error) != RK_OK) {
        return rk_fail(error, RK_BAD_RECORD, "record", "its payload is not our CBOR");
    }
    RK_TRY(read_fields(&map, record_out, error));
    return rk_cose_check(arena, crypto, &cose, &record_out->signer, error);
}

size_t rk_bitmap_size(size_t transaction_count) {
    return (transaction_count + 7) / 8;
}

void rk_bitmap_set(uint8_t *bitmap, size_t index) {
    bitmap[index / 8] = (uint8_t)(bitmap[index / 8] | 0x80 >> index % 8);
}

bool rk_bitmap_get(rk_bytes bitmap, size_t index) {
    return index / 8 < bitmap.size && bitmap.data[index / 8] & 0x80 >> index % 8;
}

bool rk_record_accepts(const rk_record *record, size_t index) {
    RK_ASSERT(index / 8 < record->bitmap.size);
    return rk_bitmap_get(record->bitmap, index);
}

/* Counts the accepted events; false when an accepted leaf is a bare hash. */
static bool count_accepted(const rk_record *record, const rk_batch *batch, uint64_t *count_out) {
    const rk_leaf *leaf = batch->leaves;
    *count_out = 0;
    for (size_t i = 0; i < batch->transaction_count; i++) {
        bool accepted = rk_record_accepts(record, i);
        for (uint32_t n = 0; n < batch->transactions[i]; n++, leaf++) {
            if (accepted && leaf->kind == RK_LEAF_HASH) return false;
            *count_out += accepted && leaf->kind == RK_LEAF_EVENT;
        }
    }
    return true;
}

rk_status rk_record_fits(const rk_record *record, const rk_batch *batch, rk_error *error) {
    const rk_header *header = &batch->header;
    bool same = rk_hash_equal(&record->account, &header->account) &&
                memcmp(record->log.bytes, header->log.bytes, RK_LOG_ID_SIZE) == 0 &&
                record->replica == header->replica && record->batch_number == header->number &&
                rk_hash_equal(&record->batch_root, &header->root);
    if (!same) return rk_fail(error, RK_BAD_RECORD, "record", "it is about another batch");
    if (record->bitmap.size != rk_bitmap_size(batch->transaction_count)) {
        return rk_fail(error, RK_BAD_RECORD, "record", "its bitmap has another size than the batch has transactions");
    }
    for (size_t i = batch->transaction_count; i < record->bitmap.size * 8; i++) {
        if (rk_record_accepts(record, i)) return rk_fail(error, RK_BAD_RECORD, "record", "a spare bit is set");
    }
    uint64_t count = 0;
    if (!count_accepted(record, batch, &count) || count != record->accepted_count) {
        return rk_fail(error, RK_BAD_RECORD, "record", "what it accepted is not what the batch holds");
    }
    return RK_OK;
}
