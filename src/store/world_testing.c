/*
 * Making worlds, sealed batches and dumps for tests of a log.
 */
#include "store/world_testing.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs some of the above first */
#include <cmocka.h>

#include "io/crypto.h"
#include "io/memory.h"

enum { ARENA_SIZE_MAX = 1 << 30, DUMP_SIZE_MAX = 64 << 20, EVENTS_OF_TRANSACTION_MAX = 64 };

/* ---- worlds ---- */

static void told(rk_log_world *world, const char *where, const char *what) {
    snprintf(world->told, sizeof world->told, "%s: %s", where, what);
}

static void hear_repaired(void *context, const char *what) {
    rk_log_world *world = context;
    world->repaired_count++;
    told(world, "repaired", what);
}

static void hear_finding(void *context, const char *where, const char *what) {
    rk_log_world *world = context;
    world->finding_count++;
    told(world, where, what);
}

void rk_world_start(rk_log_world *world, const rk_log_ops *ops) {
    const char *parent = getenv("TMPDIR");
    *world = (rk_log_world){.ops = ops, .crypto = rk_crypto_sodium(), .memory = rk_memory_system(), .clock = 1000};
    snprintf(world->folder, sizeof world->folder, "%s/rk-log-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(world->folder));
    rk_arena_init(&world->arena, world->memory, ARENA_SIZE_MAX);
    world->crypto->key_pair_of_seed((const uint8_t[RK_SEED_SIZE]){7}, &world->pair);
    world->listener = (rk_log_listener){hear_repaired, hear_finding, world, NULL};
}

void rk_world_end(rk_log_world *world) {
    DIR *folder = opendir(world->folder);
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        char path[RK_TEST_FOLDER_SIZE + 256];
        snprintf(path, sizeof path, "%s/%s", world->folder, entry->d_name);
        unlink(path);
    }
    if (folder) closedir(folder);
    rmdir(world->folder);
    rk_arena_free(&world->arena);
}

rk_log *rk_world_open(rk_log_world *world, rk_log_mode mode) {
    rk_log *log = NULL;
    rk_status status =
        world->ops->open(world->folder, mode, world->memory, world->crypto, &world->listener, &log, &world->error);
    if (status != RK_OK) print_error("%s: %s\n", world->error.where, world->error.what);
    assert_int_equal(status, RK_OK);
    return log;
}

void *rk_world_take(rk_log_world *world, size_t count, size_t size) {
    void *piece = rk_arena_take_array(&world->arena, count, size);
    assert_non_null(piece);
    return piece;
}

/* ---- batches ---- */

static rk_bytes make_event(rk_log_world *world, uint64_t replica, char entity, size_t size) {
    char *filler = rk_world_take(world, size + 1, 1), *name = rk_world_take(world, 1, 1);
    memset(filler, 'a' + (int)(world->clock % 26), size);
    *name = entity;
    rk_pair *pairs = rk_world_take(world, 1, sizeof *pairs);
    pairs[0] = (rk_pair){rk_string(RK_TEXT("d")), rk_string(rk_bytes_of(filler, size))};
    rk_event event = {.id = {rk_stamp_of_ms(++world->clock), replica},
                      .module = RK_TEXT("t"),
                      .module_version = 1,
                      .entity = rk_bytes_of(name, 1),
                      .type = RK_TEXT("touch"),
                      .actor = RK_TEXT("owner"),
                      .actor_kind = RK_ACTOR_USER};
    assert_int_equal(rk_map_value(&world->arena, pairs, 1, &event.data), RK_OK);
    rk_bytes bytes;
    assert_int_equal(rk_event_encode(&world->arena, &event, &bytes), RK_OK);
    return bytes;
}

static rk_bytes make_preconditions(rk_log_world *world) {
    rk_bytes condition = RK_TEXT("true"), bytes;
    rk_preconditions preconditions = {.conditions = &condition, .condition_count = 1};
    assert_int_equal(rk_preconditions_encode(&world->arena, &preconditions, &bytes), RK_OK);
    return bytes;
}

void rk_world_seal(rk_log_world *world, rk_batch *batch) {
    memset(batch->header.account.bytes, 0xAC, RK_HASH_SIZE);
    memset(batch->header.log.bytes, 0x10, RK_LOG_ID_SIZE);
    batch->header.sealer = RK_SEALER_SERVER;
    static const uint8_t secret[RK_SECRET_SIZE] = {3};
    assert_int_equal(rk_batch_seal(&world->arena, world->crypto, &world->pair, secret, batch), RK_OK);
}

rk_batch *rk_world_batch(rk_log_world *world, uint64_t replica, uint64_t number, const char *text, size_t size) {
    size_t length = strlen(text);
    rk_batch *batch = rk_world_take(world, 1, sizeof *batch);
    uint32_t *transactions = rk_world_take(world, length + 1, sizeof *transactions);
    batch->leaves = rk_world_take(world, length, sizeof *batch->leaves);
    batch->transactions = transactions;
    batch->transaction_count = 1;
    for (const char *at = text; *at; at++) {
        if (*at == ' ') {
            batch->transaction_count++;
            continue;
        }
        rk_leaf *leaf = &batch->leaves[batch->leaf_count++];
        leaf->kind = *at == '?' ? RK_LEAF_PRECONDITIONS : RK_LEAF_EVENT;
        leaf->bytes = *at == '?' ? make_preconditions(world) : make_event(world, replica, *at, size);
        transactions[batch->transaction_count - 1]++;
    }
    batch->header.replica = replica;
    batch->header.number = number;
    rk_world_seal(world, batch);
    return batch;
}

rk_record *rk_world_record(rk_log_world *world, const rk_batch *batch, const char *accepted, rk_bytes *bytes_out) {
    rk_record *record = rk_world_take(world, 1, sizeof *record);
    uint8_t *bitmap = rk_world_take(world, rk_bitmap_size(batch->transaction_count), 1);
    *record = (rk_record){.account = batch->header.account,
                          .log = batch->header.log,
                          .epoch = world->head.epoch ? world->head.epoch : 1,
                          .number = world->head.record + 1,
                          .previous = world->head.record_hash,
                          .replica = batch->header.replica,
                          .batch_number = batch->header.number,
                          .batch_root = batch->header.root,
                          .first_position = world->head.position + 1,
                          .bitmap = {bitmap, rk_bitmap_size(batch->transaction_count)},
                          .commit_stamp = rk_stamp_of_ms(++world->clock),
                          .signer = world->pair.public_key};
    const rk_leaf *leaf = batch->leaves;
    for (size_t i = 0; i < batch->transaction_count; i++) {
        bool yes = !accepted || accepted[i] != '0';
        if (yes) rk_bitmap_set(bitmap, i);
        for (uint32_t n = 0; n < batch->transactions[i]; n++, leaf++) {
            record->accepted_count += yes && leaf->kind == RK_LEAF_EVENT;
        }
    }
    assert_int_equal(rk_record_seal(&world->arena, world->crypto, &world->pair, record, bytes_out), RK_OK);
    return record;
}

void rk_world_advance(rk_log_world *world, const rk_record *record, rk_bytes bytes) {
    world->head = (rk_log_head){.epoch = record->epoch,
                                .record = record->number,
                                .record_hash = rk_sha256(world->crypto, bytes),
                                .position = world->head.position + record->accepted_count,
                                .commit_stamp = record->commit_stamp};
}

void rk_world_expect(rk_log_world *world, rk_status wanted, rk_status status) {
    if (status != wanted) print_error("%s: %s\n", world->error.where, world->error.what);
    assert_string_equal(rk_status_name(status), rk_status_name(wanted));
    if (status != RK_OK) assert_int_equal(world->error.code, status);
}

void rk_world_begin(rk_log_world *world, rk_log *log) {
    rk_world_expect(world, RK_OK, world->ops->begin(log, true, &world->error));
}

void rk_world_done(rk_log_world *world, rk_log *log) {
    rk_world_expect(world, RK_OK, world->ops->commit(log, &world->error));
}

void rk_world_append(rk_log_world *world, rk_log *log, const rk_batch *batch, const char *accepted) {
    rk_append append = {.batch = batch};
    append.record = rk_world_record(world, batch, accepted, &append.record_bytes);
    rk_world_expect(world, RK_OK, world->ops->append(log, &append, &world->error));
    rk_world_advance(world, append.record, append.record_bytes);
}

void rk_world_commit(rk_log_world *world, rk_log *log, uint64_t replica, uint64_t number, const char *text) {
    rk_world_begin(world, log);
    rk_world_append(world, log, rk_world_batch(world, replica, number, text, 8), NULL);
    rk_world_done(world, log);
}

/* ---- dumps ---- */

typedef struct dump {
    rk_log_world *world;
    rk_log *log;
    rk_buffer buffer;
    rk_arena arena; /* what the log gives out; the buffer's is the world's */
} dump;

static void line(dump *dump, const char *format, ...) {
    char text[1024];
    va_list list;
    va_start(list, format);
    size_t size = rk_format_list(text, sizeof text, format, list);
    va_end(list);
    rk_buffer_append(&dump->buffer, rk_bytes_of(text, size));
}

static rk_hash digest(dump *dump, rk_bytes bytes) {
    return rk_sha256(dump->world->crypto, bytes);
}

static rk_status dump_event(void *context, const rk_stored_event *event) {
    dump *to = context;
    rk_hash hash = digest(to, event->bytes);
    line(to, "event %u version %u record %u stamp %u of %u/%u/%u/%u %x\n", event->position, event->version,
         event->record, event->commit_stamp, event->replica, event->batch, (uint64_t)event->leaf,
         (uint64_t)event->transaction, rk_hash_bytes(&hash));
    return RK_OK;
}

static rk_status dump_batch(dump *to, const rk_stored_batch *batch) {
    rk_hash seal_hash = digest(to, batch->seal);
    line(to, "batch %u/%u %x %s%s record %u %x\n", batch->replica, batch->number, rk_hash_bytes(&batch->root),
         batch->state == RK_BATCH_PENDING ? "pending" : "committed", batch->own ? " own" : "", batch->record,
         rk_hash_bytes(&seal_hash));
    for (size_t i = 0; i < batch->leaf_count; i++) {
        const rk_leaf *leaf = &batch->leaves[i];
        rk_hash hash = leaf->kind == RK_LEAF_HASH ? leaf->hash : digest(to, leaf->bytes);
        rk_bytes salt = rk_bytes_of(leaf->salt, leaf->kind == RK_LEAF_HASH ? 0 : RK_SALT_SIZE);
        line(to, "  leaf %u %x %x\n", (uint64_t)leaf->kind, salt, rk_hash_bytes(&hash));
    }
    return RK_OK;
}

static rk_status dump_pending_batch(void *context, const rk_stored_batch *batch) {
    return dump_batch(context, batch);
}

static rk_status dump_entity(void *context, const rk_stored_entity *entity) {
    dump *to = context;
    const rk_log_ops *ops = to->world->ops;
    rk_error *error = &to->world->error;
    line(to, "entity %b version %u position %u\n", entity->entity, entity->version, entity->position);
    RK_TRY(ops->entity_events(to->log, entity->entity, 0, UINT64_MAX, dump_event, to, error));
    RK_TRY(ops->pending_events(to->log, entity->entity, dump_event, to, error));
    rk_stored_state state;
    rk_status status = ops->state_get(to->log, &to->arena, entity->entity, &state, error);
    if (status == RK_NOT_FOUND) return RK_OK;
    RK_TRY(status);
    rk_hash hash = digest(to, state.bytes);
    line(to, "state version %u position %u %x\n", state.version, state.position, rk_hash_bytes(&hash));
    return RK_OK;
}

static rk_status dump_verdict(void *context, const rk_verdict *verdict) {
    line(context, "verdict %u/%u/%u %b %b %b\n", verdict->replica, verdict->batch, (uint64_t)verdict->transaction,
         verdict->code, verdict->what, verdict->hint);
    return RK_OK;
}

static rk_status dump_record(dump *to, uint64_t number) {
    rk_bytes bytes;
    const rk_log_ops *ops = to->world->ops;
    rk_error *error = &to->world->error;
    RK_TRY(ops->record(to->log, &to->arena, number, &bytes, error));
    rk_hash hash = digest(to, bytes);
    line(to, "record %u %x\n", number, rk_hash_bytes(&hash));
    rk_record record;
    RK_TRY(rk_record_open(&to->arena, to->world->crypto, bytes, &record, error));
    rk_stored_batch batch;
    RK_TRY(ops->batch(to->log, &to->arena, record.replica, record.batch_number, &batch, error));
    RK_TRY(dump_batch(to, &batch));
    uint64_t position = 0;
    RK_TRY(ops->position_at(to->log, record.commit_stamp, &position, error));
    line(to, "  at its stamp: position %u\n", position);
    return RK_OK;
}

static rk_status dump_id(void *context, const rk_stored_event *event) {
    dump *to = context;
    rk_event decoded;
    RK_TRY(rk_event_decode(&to->arena, event->bytes, &decoded, &to->world->error));
    rk_stored_event found;
    RK_TRY(to->world->ops->event_of_id(to->log, &to->arena, decoded.id, &found, &to->world->error));
    line(to, "by id: ");
    return dump_event(to, &found);
}

static rk_status dump_all(dump *to) {
    const rk_log_ops *ops = to->world->ops;
    rk_error *error = &to->world->error;
    rk_log_head head;
    RK_TRY(ops->head(to->log, &head, error));
    line(to, "head epoch %u record %u %x position %u stamp %u\n", head.epoch, head.record,
         rk_hash_bytes(&head.record_hash), head.position, head.commit_stamp);
    RK_TRY(ops->events(to->log, 0, UINT64_MAX, dump_event, to, error));
    RK_TRY(ops->events(to->log, 0, UINT64_MAX, dump_id, to, error));
    RK_TRY(ops->pending_events(to->log, RK_TEXT(""), dump_id, to, error));
    RK_TRY(ops->entities(to->log, RK_TEXT(""), dump_entity, to, error));
    RK_TRY(ops->pending_events(to->log, RK_TEXT(""), dump_event, to, error));
    for (uint64_t i = 1; i <= head.record; i++) RK_TRY(dump_record(to, i));
    RK_TRY(ops->pending_batches(to->log, &to->arena, dump_pending_batch, to, error));
    RK_TRY(ops->verdicts(to->log, dump_verdict, to, error));
    rk_bytes value;
    rk_status status = ops->meta_get(to->log, &to->arena, RK_TEXT("name"), &value, error);
    if (status == RK_OK) line(to, "meta %x\n", value);
    return status == RK_NOT_FOUND ? RK_OK : status;
}

const char *rk_world_dump(rk_log_world *world, rk_log *log) {
    dump to = {.world = world, .log = log};
    rk_buffer_init(&to.buffer, &world->arena, DUMP_SIZE_MAX);
    rk_arena_init(&to.arena, world->memory, ARENA_SIZE_MAX);
    rk_status status = dump_all(&to);
    rk_arena_free(&to.arena);
    if (status != RK_OK) return NULL;
    rk_buffer_append_byte(&to.buffer, 0);
    rk_bytes text;
    assert_int_equal(rk_buffer_finish(&to.buffer, &text), RK_OK);
    return (const char *)text.data;
}

const char *rk_world_whole(rk_log_world *world, rk_log *log) {
    const char *text = rk_world_dump(world, log);
    if (!text) print_error("%s: %s\n", world->error.where, world->error.what);
    assert_non_null(text);
    return text;
}
