/*
 * The sample bytes.
 */
#include "core/event/format_testing.h"

#include <string.h>

rk_key_pair rk_sample_pair(const rk_crypto *crypto, uint8_t byte) {
    uint8_t seed[RK_SEED_SIZE];
    rk_key_pair pair;
    memset(seed, byte, sizeof seed);
    crypto->key_pair_of_seed(seed, &pair);
    return pair;
}

static rk_value map_of(rk_arena *arena, const rk_pair *pairs, size_t count) {
    rk_pair *copy = rk_arena_take_array(arena, count, sizeof *copy);
    RK_ASSERT(copy);
    memcpy(copy, pairs, count * sizeof *copy);
    rk_value map;
    RK_ASSERT(rk_map_value(arena, copy, count, &map) == RK_OK);
    return map;
}

static rk_value list_of(rk_arena *arena, const rk_value *items, size_t count) {
    rk_value *copy = rk_arena_take_array(arena, count, sizeof *copy);
    RK_ASSERT(copy);
    memcpy(copy, items, count * sizeof *copy);
    return rk_list(copy, count);
}

/* A profile is renamed: lww with its value in the data. */
static rk_event rename_event(rk_arena *arena, rk_operation *operation) {
    rk_value step = rk_string(RK_TEXT("name"));
    *operation = (rk_operation){.field = RK_TEXT("name"), .kind = RK_OPERATION_SET, .path = list_of(arena, &step, 1)};
    return (rk_event){
        .id = {((rk_stamp)1760000000000 << 16) + 1, 0x1122334455667788},
        .module = RK_TEXT("profile"),
        .module_version = 1,
        .entity = RK_TEXT("asha"),
        .type = RK_TEXT("rename"),
        .actor = RK_TEXT("asha"),
        .actor_kind = RK_ACTOR_USER,
        .data = map_of(arena, &(rk_pair){rk_string(RK_TEXT("name")), rk_string(RK_TEXT("Asha \xE0\xA4\x85"))}, 1),
        .operations = operation,
        .operation_count = 1};
}

/* A document is written in: one splice that deletes one run and inserts after a character of another replica. */
static rk_event write_event(rk_arena *arena, rk_operation *operation) {
    uint8_t *replica = rk_arena_take(arena, 8);
    RK_ASSERT(replica);
    rk_put_u64(replica, 0x99);
    rk_value step = rk_string(RK_TEXT("edits"));
    rk_value edit_data[] = {rk_int(4), rk_int(2), rk_string(RK_TEXT("hi"))};
    rk_value edits = list_of(arena, edit_data, 3);
    rk_value other[] = {rk_int(7), rk_bytes_value(rk_bytes_of(replica, 8))};
    rk_value edit[] = {rk_int(20), rk_int(2), list_of(arena, other, 2)};
    rk_value resolved[] = {rk_int(31), list_of(arena, edit, 3)};
    *operation = (rk_operation){.field = RK_TEXT("text"),
                                .kind = RK_OPERATION_SPLICE,
                                .path = list_of(arena, &step, 1),
                                .resolved = list_of(arena, resolved, 2)};
    return (rk_event){.id = {((rk_stamp)1760000000000 << 16) + 2, 0x1122334455667788},
                      .module = RK_TEXT("document"),
                      .module_version = 1,
                      .entity = RK_TEXT("notes/2025"),
                      .type = RK_TEXT("write"),
                      .actor = RK_TEXT("asha"),
                      .actor_kind = RK_ACTOR_USER,
                      .data = map_of(arena, &(rk_pair){rk_string(RK_TEXT("edits")), list_of(arena, &edits, 1)}, 1),
                      .operations = operation,
                      .operation_count = 1};
}

/* A personal member: a key id and a ciphertext, here of nonsense. */
static rk_event personal_event(rk_arena *arena) {
    uint8_t *key_id = rk_arena_take(arena, 16), *ciphertext = rk_arena_take(arena, 44);
    RK_ASSERT(key_id && ciphertext);
    memset(key_id, 0x1D, 16);
    memset(ciphertext, 0xC7, 44);
    const rk_pair parts[] = {{rk_int(0), rk_bytes_value(rk_bytes_of(key_id, 16))},
                             {rk_int(1), rk_bytes_value(rk_bytes_of(ciphertext, 44))}};
    rk_pair member = {rk_string(RK_TEXT("birthday")), map_of(arena, parts, 2)};
    return (rk_event){.id = {((rk_stamp)1760000000000 << 16) + 4, 0x1122334455667788},
                      .module = RK_TEXT("person"),
                      .module_version = 1,
                      .entity = RK_TEXT("asha"),
                      .type = RK_TEXT("born"),
                      .actor = RK_TEXT("asha"),
                      .actor_kind = RK_ACTOR_USER,
                      .data = map_of(arena, &member, 1)};
}

/* A tag is removed: its dots, and the event that led to it. */
static rk_event untag_event(rk_arena *arena, rk_operation *operation) {
    uint8_t *dot = rk_arena_take(arena, RK_ID_SIZE);
    RK_ASSERT(dot);
    rk_id_put(dot, (rk_id){(rk_stamp)1759999999999 << 16, 0x99});
    rk_value dots[] = {rk_bytes_value(rk_bytes_of(dot, RK_ID_SIZE)), rk_int(0)};
    *operation = (rk_operation){.field = RK_TEXT("tags"),
                                .kind = RK_OPERATION_REMOVE,
                                .value = rk_string(RK_TEXT("old")),
                                .resolved = list_of(arena, dots, 2)};
    return (rk_event){.id = {((rk_stamp)1760000000000 << 16) + 3, 0x1122334455667788},
                      .module = RK_TEXT("profile"),
                      .module_version = 2,
                      .entity = RK_TEXT("asha"),
                      .type = RK_TEXT("tidy-up"),
                      .actor = RK_TEXT("asha"),
                      .actor_kind = RK_ACTOR_USER,
                      .data = {.kind = RK_MAP},
                      .operations = operation,
                      .operation_count = 1,
                      .has_cause = true,
                      .cause = {((rk_stamp)1760000000000 << 16) + 1, 0x1122334455667788}};
}

static rk_header header_of(const rk_crypto *crypto, const rk_key_pair *root) {
    rk_header header = {.replica = 0x1122334455667788, .number = 3};
    header.account = rk_sha256(crypto, rk_key_bytes(&root->public_key));
    memset(header.log.bytes, 0x4C, RK_LOG_ID_SIZE);
    memset(header.previous_root.bytes, 0x50, RK_HASH_SIZE);
    return header;
}

static void make_batch(rk_arena *arena, const rk_crypto *crypto, rk_sample *sample, rk_batch *batch) {
    static const uint32_t transactions[] = {3, 1};
    uint8_t secret[RK_SECRET_SIZE];
    memset(secret, 0x53, sizeof secret);
    rk_leaf *leaves = rk_arena_take_array(arena, 4, sizeof *leaves);
    RK_ASSERT(leaves);
    leaves[0] = (rk_leaf){.kind = RK_LEAF_PRECONDITIONS, .bytes = sample->preconditions};
    for (size_t i = 0; i < 3; i++) leaves[i + 1] = (rk_leaf){.kind = RK_LEAF_EVENT, .bytes = sample->events[i]};
    *batch = (rk_batch){.header = header_of(crypto, &sample->root),
                        .leaves = leaves,
                        .leaf_count = 4,
                        .transactions = transactions,
                        .transaction_count = 2};
    RK_ASSERT(rk_batch_seal(arena, crypto, &sample->actor, secret, batch) == RK_OK);
    RK_ASSERT(rk_batch_encode(arena, batch, &sample->batch) == RK_OK);
    leaves[3].kind = RK_LEAF_HASH;
    RK_ASSERT(rk_batch_encode(arena, batch, &sample->committed) == RK_OK);
}

static void make_record(rk_arena *arena, const rk_crypto *crypto, rk_sample *sample, const rk_batch *batch) {
    static const uint8_t bitmap[] = {0x80};
    rk_record record = {.account = batch->header.account,
                        .log = batch->header.log,
                        .epoch = 2,
                        .number = 17,
                        .replica = batch->header.replica,
                        .batch_number = batch->header.number,
                        .batch_root = batch->header.root,
                        .first_position = 40,
                        .accepted_count = 2,
                        .bitmap = {bitmap, 1},
                        .commit_stamp = (rk_stamp)1760000001000 << 16,
                        .account_position = 39,
                        .signer = sample->truth.public_key};
    memset(record.previous.bytes, 0x52, RK_HASH_SIZE);
    RK_ASSERT(rk_record_seal(arena, crypto, &sample->truth, &record, &sample->record) == RK_OK);
}

static void make_genesis(rk_arena *arena, const rk_crypto *crypto, rk_sample *sample) {
    static const uint32_t one = 1;
    uint8_t secret[RK_SECRET_SIZE] = {0};
    rk_leaf leaf = {.kind = RK_LEAF_EVENT, .bytes = sample->events[0]};
    rk_batch batch = {.header = header_of(crypto, &sample->root),
                      .leaves = &leaf,
                      .leaf_count = 1,
                      .transactions = &one,
                      .transaction_count = 1};
    batch.header.number = 1;
    batch.header.sealer = RK_SEALER_ROOT;
    RK_ASSERT(rk_batch_seal(arena, crypto, &sample->root, secret, &batch) == RK_OK);
    RK_ASSERT(rk_batch_encode(arena, &batch, &sample->genesis) == RK_OK);
}

void rk_sample_make(rk_arena *arena, const rk_crypto *crypto, rk_sample *sample_out) {
    rk_operation operations[3];
    *sample_out = (rk_sample){.root = rk_sample_pair(crypto, 0xA0),
                              .truth = rk_sample_pair(crypto, 0xB0),
                              .actor = rk_sample_pair(crypto, 0xC0)};
    rk_event events[] = {rename_event(arena, &operations[0]), write_event(arena, &operations[1]),
                         untag_event(arena, &operations[2])};
    for (size_t i = 0; i < 3; i++) RK_ASSERT(rk_event_encode(arena, &events[i], &sample_out->events[i]) == RK_OK);
    rk_event personal = personal_event(arena);
    RK_ASSERT(rk_event_encode(arena, &personal, &sample_out->personal) == RK_OK);
    rk_expectation expected = {RK_TEXT("profile/asha"), 12};
    rk_bytes condition = RK_TEXT("states[\"coin/inr\"].supply > 0");
    rk_preconditions preconditions = {&expected, 1, &condition, 1};
    RK_ASSERT(rk_preconditions_encode(arena, &preconditions, &sample_out->preconditions) == RK_OK);
    rk_batch batch;
    make_batch(arena, crypto, sample_out, &batch);
    make_record(arena, crypto, sample_out, &batch);
    make_genesis(arena, crypto, sample_out);
}
