/*
 * The conformance suite of the log seam.
 */
#include "store/log_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs some of the above first */
#include <cmocka.h>

#include "store/world_testing.h"

static const uint64_t A = 0xA000000000000001U, B = 0x0B, C = 0x0C;

/* ---- support ---- */

static int setup(void **state) {
    const rk_log_ops *ops = *state;
    rk_log_world *world = test_malloc(sizeof *world);
    rk_world_start(world, ops);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    rk_world_end(*state);
    test_free(*state);
    return 0;
}

/* What visitors saw, as text: "1 2 3 ". */
typedef struct seen {
    char text[512];
    size_t size;
    rk_status answer;
} seen;

static void see(seen *seen, const char *format, ...) {
    va_list list;
    va_start(list, format);
    seen->size += rk_format_list(seen->text + seen->size, sizeof seen->text - seen->size, format, list);
    va_end(list);
}

static rk_status see_position(void *context, const rk_stored_event *event) {
    see(context, "%u ", event->position);
    return ((seen *)context)->answer;
}

static rk_status see_version(void *context, const rk_stored_event *event) {
    see(context, "%u@%u ", event->version, event->position);
    return ((seen *)context)->answer;
}

static rk_status see_leaf(void *context, const rk_stored_event *event) {
    see(context, "%u/%u/%u ", event->replica & 0xFF, event->batch, (uint64_t)event->leaf);
    return ((seen *)context)->answer;
}

static rk_status see_entity(void *context, const rk_stored_entity *entity) {
    see(context, "%b:%u@%u ", entity->entity, entity->version, entity->position);
    return ((seen *)context)->answer;
}

static rk_status see_batch(void *context, const rk_stored_batch *batch) {
    see(context, "%u/%u ", batch->replica & 0xFF, batch->number);
    return ((seen *)context)->answer;
}

static rk_status see_verdict(void *context, const rk_verdict *verdict) {
    see(context, "%u/%u/%u:%b ", verdict->replica & 0xFF, verdict->batch, (uint64_t)verdict->transaction,
        verdict->code);
    return ((seen *)context)->answer;
}

static rk_status see_row(void *context, const rk_index_row *row) {
    see(context, "%b=%b ", row->field, row->key);
    return ((seen *)context)->answer;
}

/* What a walk told: "t/a:3 state@1 2 3 ; ", with the key before it and a + after it while something is pending. */
static rk_status walk_entity(void *context, const rk_stored_entity *entity, bool pending, const rk_stored_state *state,
                             rk_bytes key) {
    see(context, key.size ? "%b>" : "%b", key);
    see(context, pending ? "%b:%u+ " : "%b:%u ", entity->entity, entity->version);
    if (state) see(context, "%b@%u ", state->bytes, state->version);
    return RK_OK;
}

static rk_status walk_event(void *context, const rk_stored_event *event) {
    assert_true(event->bytes.size > 0);
    assert_true(event->commit_stamp > 0);
    see(context, "%u ", event->version);
    return RK_OK;
}

static rk_status walk_end(void *context) {
    see(context, "; ");
    return ((seen *)context)->answer;
}

static rk_walker walker_of(seen *seen) {
    return (rk_walker){.entity = walk_entity, .event = walk_event, .end = walk_end, .context = seen};
}

static const char *walked(rk_log_world *world, rk_log *log, const char *prefix, const char *after) {
    seen *all = rk_world_take(world, 1, sizeof *all);
    rk_walker walker = walker_of(all);
    rk_world_expect(
        world, RK_OK,
        world->ops->walk(log, rk_bytes_of_string(prefix), rk_bytes_of_string(after), &walker, &world->error));
    return all->text;
}

/* The keys of a range, each with its entity, and whether counting finds as many. */
static const char *found(rk_log_world *world, rk_log *log, const char *field, const char *low, const char *high,
                         bool backward) {
    seen *all = rk_world_take(world, 1, sizeof *all);
    rk_walker walker = walker_of(all);
    const rk_index_range range = {RK_TEXT("t"), rk_bytes_of_string(field), rk_bytes_of_string(low),
                                  rk_bytes_of_string(high)};
    uint64_t count = 0, up_to_one = 0, ends = 0;
    const rk_log_ops *ops = world->ops;
    rk_world_expect(world, RK_OK, ops->index_walk(log, &range, backward, &walker, &world->error));
    rk_world_expect(world, RK_OK, ops->index_count(log, &range, 1000, &count, &world->error));
    rk_world_expect(world, RK_OK, ops->index_count(log, &range, 1, &up_to_one, &world->error));
    for (const char *at = all->text; *at; at++) ends += *at == ';';
    assert_int_equal(count, ends);
    assert_int_equal(up_to_one, ends > 0);
    return all->text;
}

static const char *rows_of(rk_log_world *world, rk_log *log, const char *entity) {
    seen *all = rk_world_take(world, 1, sizeof *all);
    rk_world_expect(world, RK_OK, world->ops->index_rows(log, rk_bytes_of_string(entity), see_row, all, &world->error));
    return all->text;
}

static void put_rows(rk_log_world *world, rk_log *log, const char *entity, const rk_index_row *rows, size_t count) {
    rk_world_expect(world, RK_OK, world->ops->index_put(log, rk_bytes_of_string(entity), rows, count, &world->error));
}

static rk_stored_event *by_id(rk_log_world *world, rk_log *log, rk_bytes bytes, rk_status wanted) {
    rk_event event;
    rk_stored_event *found = rk_world_take(world, 1, sizeof *found);
    rk_world_expect(world, RK_OK, rk_event_decode(&world->arena, bytes, &event, &world->error));
    rk_world_expect(world, wanted, world->ops->event_of_id(log, &world->arena, event.id, found, &world->error));
    return found;
}

static void put_state(rk_log_world *world, rk_log *log, rk_bytes entity, uint64_t version, uint64_t position) {
    rk_stored_state state = {.version = version, .position = position, .bytes = RK_TEXT("folded")};
    rk_world_expect(world, RK_OK, world->ops->state_put(log, entity, &state, &world->error));
}

/* ---- the suite ---- */

static void an_empty_log_has_nothing_and_says_so(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = NULL;
    rk_world_expect(world, RK_NO_DATABASE,
                    ops->open(world->folder, RK_LOG_READ_WRITE, world->memory, world->crypto, &world->listener, &log,
                              &world->error));
    assert_null(log);
    log = rk_world_open(world, RK_LOG_CREATE);
    rk_log_head head;
    rk_world_expect(world, RK_OK, ops->head(log, &head, &world->error));
    assert_int_equal(head.record + head.position + head.epoch + head.commit_stamp, 0);
    seen seen = {0};
    rk_stored_batch batch;
    rk_stored_entity entity;
    rk_stored_state stored;
    rk_stored_event event;
    rk_bytes bytes;
    uint64_t position = 1;
    rk_world_expect(world, RK_OK, ops->events(log, 0, UINT64_MAX, see_position, &seen, &world->error));
    rk_world_expect(world, RK_OK, ops->entity_events(log, RK_TEXT("t/a"), 0, 9, see_version, &seen, &world->error));
    rk_world_expect(world, RK_OK, ops->pending_events(log, RK_TEXT(""), see_leaf, &seen, &world->error));
    rk_world_expect(world, RK_OK, ops->pending_events(log, RK_TEXT("t/a"), see_leaf, &seen, &world->error));
    rk_world_expect(world, RK_OK, ops->entities(log, RK_TEXT(""), see_entity, &seen, &world->error));
    rk_world_expect(world, RK_OK, ops->pending_batches(log, &world->arena, see_batch, &seen, &world->error));
    rk_world_expect(world, RK_OK, ops->verdicts(log, see_verdict, &seen, &world->error));
    assert_string_equal(seen.text, "");
    rk_world_expect(world, RK_OK, ops->entity(log, RK_TEXT("t/a"), &entity, &world->error));
    assert_int_equal(entity.version + entity.position, 0);
    rk_world_expect(world, RK_OK, ops->position_at(log, UINT64_MAX, &position, &world->error));
    assert_int_equal(position, 0);
    rk_world_expect(world, RK_OK, ops->last_batch(log, &world->arena, A, &batch, &world->error));
    assert_int_equal(batch.number, 0);
    rk_world_expect(world, RK_NOT_FOUND, ops->batch(log, &world->arena, A, 1, &batch, &world->error));
    rk_world_expect(world, RK_NOT_FOUND, ops->record(log, &world->arena, 1, &bytes, &world->error));
    rk_world_expect(world, RK_NOT_FOUND, ops->meta_get(log, &world->arena, RK_TEXT("x"), &bytes, &world->error));
    rk_world_expect(world, RK_NOT_FOUND, ops->state_get(log, &world->arena, RK_TEXT("t/a"), &stored, &world->error));
    rk_world_expect(world, RK_NOT_FOUND, ops->event_of_id(log, &world->arena, (rk_id){1, 2}, &event, &world->error));
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));
    ops->close(log);
    rk_world_expect(
        world, RK_DATABASE_EXISTS,
        ops->open(world->folder, RK_LOG_CREATE, world->memory, world->crypto, &world->listener, &log, &world->error));
}

static void positions_versions_and_records_are_gapless(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_world_commit(world, log, A, 1, "a ab ?c");
    rk_world_begin(world, log);
    rk_world_append(world, log, rk_world_batch(world, B, 1, "a b a", 8), "101");
    rk_world_append(world, log, rk_world_batch(world, A, 2, "b", 8), NULL);
    seen inside = {0};
    rk_world_expect(world, RK_OK, ops->events(log, 4, 7, see_position, &inside, &world->error));
    assert_string_equal(inside.text, "5 6 7 "); /* what is written is read before it is committed */
    rk_world_done(world, log);
    rk_log_head head;
    rk_world_expect(world, RK_OK, ops->head(log, &head, &world->error));
    assert_memory_equal(&head, &world->head, sizeof head);
    assert_int_equal(head.position, 7);
    seen all = {0}, some = {0}, a = {0}, tail = {0}, entities = {0};
    rk_world_expect(world, RK_OK, ops->events(log, 0, UINT64_MAX, see_position, &all, &world->error));
    assert_string_equal(all.text, "1 2 3 4 5 6 7 ");
    rk_world_expect(world, RK_OK, ops->events(log, 2, 5, see_position, &some, &world->error));
    assert_string_equal(some.text, "3 4 5 ");
    rk_world_expect(world, RK_OK,
                    ops->entity_events(log, RK_TEXT("t/a"), 0, UINT64_MAX, see_version, &a, &world->error));
    assert_string_equal(a.text, "1@1 2@2 3@5 4@6 ");
    rk_world_expect(world, RK_OK, ops->entity_events(log, RK_TEXT("t/a"), 2, 3, see_version, &tail, &world->error));
    assert_string_equal(tail.text, "3@5 ");
    rk_world_expect(world, RK_OK, ops->entities(log, RK_TEXT("t/"), see_entity, &entities, &world->error));
    assert_string_equal(entities.text, "t/a:4@6 t/b:2@7 t/c:1@4 ");
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));
    ops->close(log);
}

static void a_record_that_does_not_continue_is_a_gap(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_world_commit(world, log, A, 1, "a");
    const char *before = rk_world_whole(world, log);
    rk_log_head head = world->head, wrong[4] = {head, head, head, head};
    wrong[0].record++;
    wrong[1].record_hash.bytes[3] ^= 1;
    wrong[2].position++;
    wrong[3].record--;
    const rk_batch *batch = rk_world_batch(world, A, 2, "a", 8);
    rk_world_begin(world, log);
    for (int i = 0; i < 4; i++) {
        world->head = wrong[i];
        rk_append append = {.batch = batch};
        append.record = rk_world_record(world, batch, NULL, &append.record_bytes);
        rk_world_expect(world, RK_RECORD_GAP, ops->append(log, &append, &world->error));
    }
    world->head = head;
    world->head.epoch = 3; /* a restored truth goes on in a later epoch, and nothing of an earlier one follows */
    rk_world_append(world, log, batch, NULL);
    world->head.epoch = 2;
    rk_append append = {.batch = rk_world_batch(world, A, 3, "a", 8)};
    append.record = rk_world_record(world, append.batch, NULL, &append.record_bytes);
    rk_world_expect(world, RK_RECORD_GAP, ops->append(log, &append, &world->error));
    ops->rollback(log);
    assert_string_equal(rk_world_whole(world, log), before);
    ops->close(log);
}

static void a_read_set_that_changed_is_a_conflict_and_changes_nothing(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_world_commit(world, log, A, 1, "a b");
    const char *before = rk_world_whole(world, log);
    rk_append append = {.batch = rk_world_batch(world, A, 2, "a", 8)};
    append.record = rk_world_record(world, append.batch, NULL, &append.record_bytes);
    rk_expectation reads[] = {{RK_TEXT("t/a"), 1}, {RK_TEXT("t/none"), 0}, {RK_TEXT("t/b"), 0}};
    append.reads = reads;
    append.read_count = 3;
    rk_world_begin(world, log);
    rk_world_expect(world, RK_CONFLICT, ops->append(log, &append, &world->error));
    assert_string_equal(world->error.where, "t/b");
    assert_string_equal(rk_world_whole(world, log), before);
    reads[2].version = 1;
    rk_world_expect(world, RK_OK, ops->append(log, &append, &world->error)); /* judged again, in the same transaction */
    rk_world_advance(world, append.record, append.record_bytes);
    rk_world_done(world, log);
    rk_stored_entity entity;
    rk_world_expect(world, RK_OK, ops->entity(log, RK_TEXT("t/a"), &entity, &world->error));
    assert_int_equal(entity.version, 2);
    assert_int_equal(entity.position, 3);
    ops->close(log);
}

/* A batch whose middle event is that one. */
static const rk_batch *with_stolen(rk_log_world *world, rk_bytes event) {
    rk_batch *batch = rk_world_batch(world, A, 3, "a b d", 8);
    batch->leaves[1].bytes = event;
    rk_world_seal(world, batch);
    return batch;
}

/* The same batch with other events, by the same replica under the same number; an event of another batch, or two. */
static void doubles_are_refused_and_change_nothing(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_batch *first = rk_world_batch(world, A, 1, "a b c", 8), *second = rk_world_batch(world, A, 2, "a", 8),
             *pending = rk_world_batch(world, B, 1, "a", 8);
    rk_world_begin(world, log);
    rk_world_append(world, log, first, NULL);
    rk_world_append(world, log, second, NULL);
    rk_world_expect(world, RK_OK, ops->append_pending(log, pending, &world->error));
    rk_world_done(world, log);
    const char *before = rk_world_whole(world, log);
    rk_batch *again = rk_world_batch(world, A, 1, "c", 8),
             *twice = rk_world_batch(world, A, 3, "a b c d e f g h i j k l m n o p q r s t u", 8);
    uint64_t kept = world->clock;
    twice->leaves[18].bytes = twice->leaves[3].bytes;
    rk_world_seal(world, twice);
    rk_world_begin(world, log);
    const rk_batch *batches[] = {first,
                                 again,
                                 with_stolen(world, first->leaves[1].bytes),
                                 with_stolen(world, second->leaves[0].bytes),
                                 with_stolen(world, pending->leaves[0].bytes),
                                 twice};
    for (int i = 0; i < 6; i++) {
        rk_status wanted = i < 2 ? RK_BATCH_CONFLICT : RK_ID_CONFLICT;
        rk_append append = {.batch = batches[i]};
        append.record = rk_world_record(world, batches[i], NULL, &append.record_bytes);
        rk_world_expect(world, wanted, ops->append(log, &append, &world->error));
        rk_world_expect(world, wanted, ops->append_pending(log, batches[i], &world->error));
        assert_string_equal(rk_world_whole(world, log), before);
    }
    rk_world_done(world, log);
    world->clock = kept;
    assert_string_equal(rk_world_whole(world, log), before);
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));
    ops->close(log);
}

static void another_account_or_log_is_refused(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_world_commit(world, log, A, 1, "a");
    rk_batch *batch = rk_world_batch(world, A, 2, "a", 8);
    rk_world_begin(world, log);
    batch->header.log.bytes[0] ^= 1;
    rk_world_expect(world, RK_WRONG_LOG, ops->append_pending(log, batch, &world->error));
    batch->header.account.bytes[0] ^= 1;
    rk_world_expect(world, RK_WRONG_ACCOUNT, ops->append_pending(log, batch, &world->error));
    ops->rollback(log);
    ops->close(log);
}

static void pending_batches_wait_in_order_and_are_committed(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_batch *one = rk_world_batch(world, C, 1, "a ?b", 8), *two = rk_world_batch(world, B, 1, "a x", 8);
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->append_pending(log, one, &world->error));
    rk_world_expect(world, RK_OK, ops->append_pending(log, two, &world->error));
    rk_world_done(world, log);
    seen all = {0}, a = {0}, batches = {0}, entities = {0};
    rk_world_expect(world, RK_OK, ops->pending_events(log, RK_TEXT(""), see_leaf, &all, &world->error));
    assert_string_equal(all.text, "12/1/0 12/1/2 11/1/0 11/1/1 ");
    rk_world_expect(world, RK_OK, ops->pending_events(log, RK_TEXT("t/a"), see_leaf, &a, &world->error));
    assert_string_equal(a.text, "12/1/0 11/1/0 ");
    rk_world_expect(world, RK_OK, ops->pending_batches(log, &world->arena, see_batch, &batches, &world->error));
    assert_string_equal(batches.text, "12/1 11/1 ");
    rk_world_expect(world, RK_OK, ops->entities(log, RK_TEXT(""), see_entity, &entities, &world->error));
    assert_string_equal(entities.text, "t/a:0@0 t/b:0@0 t/x:0@0 ");
    rk_stored_event *event = by_id(world, log, two->leaves[1].bytes, RK_OK);
    assert_int_equal(event->position + event->version + event->record + event->commit_stamp, 0);
    assert_int_equal(event->transaction, 1);
    assert_true(rk_bytes_equal(event->bytes, two->leaves[1].bytes));
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));

    rk_world_begin(world, log); /* its second transaction is refused */
    rk_world_append(world, log, two, "10");
    rk_world_done(world, log);
    assert_int_equal(by_id(world, log, two->leaves[0].bytes, RK_OK)->position, 1);
    by_id(world, log, two->leaves[1].bytes, RK_NOT_FOUND);
    rk_stored_batch stored;
    rk_world_expect(world, RK_OK, ops->batch(log, &world->arena, B, 1, &stored, &world->error));
    assert_true(stored.own && stored.state == RK_BATCH_COMMITTED && stored.record == 1);
    assert_int_equal(stored.leaves[1].kind, RK_LEAF_EVENT); /* an own refused leaf keeps its bytes */
    assert_true(rk_bytes_equal(stored.leaves[1].bytes, two->leaves[1].bytes));
    seen left = {0}, after = {0};
    rk_world_expect(world, RK_OK, ops->pending_events(log, RK_TEXT(""), see_leaf, &left, &world->error));
    assert_string_equal(left.text, "12/1/0 12/1/2 ");
    rk_world_expect(world, RK_OK, ops->entities(log, RK_TEXT(""), see_entity, &after, &world->error));
    assert_string_equal(after.text, "t/a:1@1 t/b:0@0 ");
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));

    rk_world_begin(world,
                   log); /* a committed form in which what was refused is bare hashes settles an own batch as well */
    rk_batch bare = *one;
    bare.leaves = rk_world_take(world, one->leaf_count, sizeof *bare.leaves);
    memcpy(bare.leaves, one->leaves, one->leaf_count * sizeof *bare.leaves);
    for (int i = 1; i <= 2; i++) bare.leaves[i] = (rk_leaf){.kind = RK_LEAF_HASH, .hash = one->leaves[i].hash};
    rk_world_append(world, log, &bare, "10");
    rk_world_done(world, log);
    rk_world_expect(world, RK_OK, ops->batch(log, &world->arena, C, 1, &stored, &world->error));
    assert_true(rk_bytes_equal(stored.leaves[2].bytes, one->leaves[2].bytes));
    seen none = {0};
    rk_world_expect(world, RK_OK, ops->pending_events(log, RK_TEXT(""), see_leaf, &none, &world->error));
    assert_string_equal(none.text, "");
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));
    ops->close(log);
}

static void a_batch_is_given_back_as_it_was_sealed(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_batch *batch = rk_world_batch(world, A, 1, "?ab c ?d", 300);
    rk_world_begin(world, log);
    rk_world_append(world, log, batch, "101");
    rk_world_done(world, log);
    rk_stored_batch stored, last;
    rk_world_expect(world, RK_OK, ops->batch(log, &world->arena, A, 1, &stored, &world->error));
    assert_false(stored.own);
    assert_int_equal(stored.leaves[3].kind, RK_LEAF_HASH); /* refused, and not ours: its hash alone */
    rk_batch back;
    rk_world_expect(world, RK_OK, rk_batch_open_seal(&world->arena, world->crypto, stored.seal, &back, &world->error));
    assert_int_equal(back.leaf_count, stored.leaf_count);
    back.leaves = stored.leaves;
    rk_world_expect(world, RK_OK, rk_batch_verify_leaves(&world->arena, world->crypto, &back, &world->error));
    rk_bytes bytes;
    rk_record record;
    rk_world_expect(world, RK_OK, ops->record(log, &world->arena, 1, &bytes, &world->error));
    rk_world_expect(world, RK_OK, rk_record_open(&world->arena, world->crypto, bytes, &record, &world->error));
    rk_world_expect(world, RK_OK, rk_record_fits(&record, &back, &world->error));
    rk_stored_event *event = by_id(world, log, batch->leaves[5].bytes, RK_OK);
    assert_int_equal(event->position, 3);
    assert_int_equal(event->transaction, 2);
    assert_int_equal(event->leaf, 5);
    rk_world_begin(world, log);
    rk_batch *next = rk_world_batch(world, A, 2, "a", 8);
    rk_world_expect(world, RK_OK, ops->append_pending(log, next, &world->error));
    rk_world_done(world, log);
    rk_world_expect(world, RK_OK, ops->last_batch(log, &world->arena, A, &last, &world->error));
    assert_int_equal(last.number, 2);
    assert_int_equal(last.state, RK_BATCH_PENDING);
    assert_true(rk_hash_equal(&last.root, &next->header.root));
    ops->close(log);
}

static void a_pending_batch_is_dropped_whole(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_world_commit(world, log, A, 1, "a");
    const char *before = rk_world_whole(world, log);
    rk_batch *batch = rk_world_batch(world, B, 1, "a ?z", 8);
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->append_pending(log, batch, &world->error));
    rk_world_done(world, log);
    rk_world_begin(world, log);
    rk_world_expect(world, RK_NOT_FOUND, ops->drop_pending(log, A, 1, &world->error)); /* that one is committed */
    rk_world_expect(world, RK_NOT_FOUND, ops->drop_pending(log, B, 2, &world->error));
    rk_world_expect(world, RK_OK, ops->drop_pending(log, B, 1, &world->error));
    rk_world_done(world, log);
    assert_string_equal(rk_world_whole(world, log), before);
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->append_pending(log, batch, &world->error)); /* and may come back */
    rk_world_done(world, log);
    ops->close(log);
}

static void truncating_makes_own_batches_pending_again(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_world_commit(world, log, A, 1, "a b c");
    rk_world_begin(world, log);
    put_state(world, log, RK_TEXT("t/b"), 1, 2);
    put_state(world, log, RK_TEXT("t/c"), 1, 3);
    rk_batch *own[3] = {rk_world_batch(world, B, 1, "a ?n", 8), rk_world_batch(world, B, 2, "b", 8),
                        rk_world_batch(world, B, 3, "m", 8)};
    for (int i = 0; i < 3; i++) rk_world_expect(world, RK_OK, ops->append_pending(log, own[i], &world->error));
    rk_world_done(world, log);
    const char *before = rk_world_whole(world, log);
    rk_log_head head = world->head;

    rk_world_begin(world, log);
    rk_world_append(world, log, own[0], "10");
    rk_world_append(world, log, rk_world_batch(world, A, 2, "?b q", 8), "11");
    rk_world_append(world, log, own[1], NULL);
    put_state(world, log, RK_TEXT("t/b"), 1, 2); /* sees nothing of what goes */
    put_state(world, log, RK_TEXT("t/a"), 2, 4);
    rk_verdict verdict = {.replica = B, .batch = 1, .transaction = 1, .code = RK_TEXT("forbidden")};
    rk_world_expect(world, RK_OK, ops->verdict_put(log, &verdict, &world->error));
    rk_world_done(world, log);
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));

    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->truncate(log, 1, &world->error));
    rk_log_head now;
    rk_world_expect(world, RK_OK, ops->head(log, &now, &world->error));
    assert_memory_equal(&now, &head, sizeof head);
    rk_world_done(world, log);
    world->head = head;
    assert_string_equal(rk_world_whole(world, log), before);
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));

    rk_world_begin(world, log); /* a state that has seen what goes, goes; one of another entity stays */
    rk_world_append(world, log, rk_world_batch(world, A, 2, "b", 8), NULL);
    put_state(world, log, RK_TEXT("t/b"), 2, 4);
    rk_world_expect(world, RK_OK, ops->truncate(log, 1, &world->error));
    rk_stored_state stored;
    rk_world_expect(world, RK_NOT_FOUND, ops->state_get(log, &world->arena, RK_TEXT("t/b"), &stored, &world->error));
    rk_world_expect(world, RK_OK, ops->state_get(log, &world->arena, RK_TEXT("t/c"), &stored, &world->error));
    world->head = head;
    rk_world_append(world, log, own[2], NULL); /* the log goes on from there, in another order */
    rk_world_expect(world, RK_OK, ops->truncate(log, 0, &world->error));
    rk_world_done(world, log);
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));
    seen entities = {0}, batches = {0};
    rk_world_expect(world, RK_OK, ops->entities(log, RK_TEXT(""), see_entity, &entities, &world->error));
    assert_string_equal(entities.text, "t/a:0@0 t/b:0@0 t/m:0@0 t/n:0@0 ");
    rk_world_expect(world, RK_OK, ops->pending_batches(log, &world->arena, see_batch, &batches, &world->error));
    assert_string_equal(batches.text, "11/1 11/2 11/3 ");
    ops->close(log);
}

static void rollback_and_close_drop_what_was_written(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_world_commit(world, log, A, 1, "a");
    const char *before = rk_world_whole(world, log);
    rk_log_head head = world->head;
    for (int i = 0; i < 2; i++) {
        rk_world_begin(world, log);
        rk_world_append(world, log, rk_world_batch(world, A, 2, "a b", 8), NULL);
        world->head = head;
        rk_world_expect(world, RK_OK, ops->append_pending(log, rk_world_batch(world, B, 1, "c", 8), &world->error));
        put_state(world, log, RK_TEXT("t/a"), 2, 2);
        rk_world_expect(world, RK_OK, ops->meta_put(log, RK_TEXT("name"), RK_TEXT("value"), &world->error));
        if (i == 0) {
            ops->rollback(log);
            assert_string_equal(rk_world_whole(world, log), before);
        } else {
            ops->close(log);
        }
    }
    log = rk_world_open(world, RK_LOG_READ_WRITE);
    assert_string_equal(rk_world_whole(world, log), before);
    assert_int_equal(world->finding_count, 0);
    ops->close(log);
}

static void a_closed_log_is_the_same_when_opened_again(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    const char *before = NULL;
    for (uint64_t i = 1; i <= 20; i++) {
        rk_world_commit(world, log, A, i, "abc ?d");
        rk_world_begin(world, log);
        rk_world_expect(world, RK_OK, ops->append_pending(log, rk_world_batch(world, C, i, "x y", 100), &world->error));
        rk_world_expect(world, RK_OK, ops->meta_put(log, RK_TEXT("name"), rk_bytes_of(&i, sizeof i), &world->error));
        rk_world_done(world, log);
        const char *now = rk_world_whole(world, log);
        if (i % 2) {
            ops->close(log);
            log = rk_world_open(world, i % 4 == 1 ? RK_LOG_EXAMINE : RK_LOG_READ_WRITE);
            assert_string_equal(rk_world_whole(world, log), now);
            rk_world_expect(world, RK_OK, ops->check(log, &world->error));
        }
        if (i % 4 == 1) {
            rk_world_expect(world, RK_IO, ops->begin(log, true, &world->error)); /* examining never writes */
            ops->close(log);
            log = rk_world_open(world, RK_LOG_READ_WRITE);
        }
        before = now;
    }
    assert_non_null(before);
    assert_int_equal(world->finding_count + world->repaired_count, 0);
    ops->close(log);
}

static void a_view_stays_while_another_writes(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *writer = rk_world_open(world, RK_LOG_CREATE), *reader = rk_world_open(world, RK_LOG_READ_WRITE);
    rk_world_commit(world, writer, A, 1, "a");
    rk_world_expect(world, RK_OK, ops->begin(reader, false, &world->error));
    const char *before = rk_world_whole(world, reader);
    rk_world_begin(world, writer);
    rk_world_append(world, writer, rk_world_batch(world, A, 2, "a b", 8), NULL);
    const char *inside = rk_world_whole(world, writer);
    assert_string_equal(rk_world_whole(world, reader), before);
    rk_world_done(world, writer);
    assert_string_equal(rk_world_whole(world, reader), before);
    rk_world_expect(world, RK_OK, ops->commit(reader, &world->error));
    assert_string_equal(rk_world_whole(world, reader), inside);
    ops->close(reader);
    ops->close(writer);
}

static void a_second_writer_waits_and_builds_on_the_first(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *one = rk_world_open(world, RK_LOG_CREATE), *two = rk_world_open(world, RK_LOG_READ_WRITE);
    rk_world_begin(world, one);
    rk_world_expect(world, RK_BUSY, ops->begin(two, true, &world->error)); /* after the bounded time */
    rk_world_append(world, one, rk_world_batch(world, A, 1, "a", 8), NULL);
    rk_world_done(world, one);
    for (uint64_t i = 2; i < 20; i++) rk_world_commit(world, i % 2 ? one : two, i % 2 ? A : B, i, "a b");
    assert_string_equal(rk_world_whole(world, one), rk_world_whole(world, two));
    ops->close(one);
    assert_non_null(rk_world_whole(world, two));
    rk_world_expect(world, RK_OK, ops->check(two, &world->error));
    ops->close(two);
}

static void a_state_is_replaced(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_batch *batch = rk_world_batch(world, A, 1, "a a b a", 50);
    rk_world_begin(world, log);
    rk_stored_state stored = {.version = 1, .position = 1, .bytes = RK_TEXT("one")}, found;
    rk_world_expect(world, RK_NOT_FOUND, ops->state_put(log, RK_TEXT("t/a"), &stored, &world->error));
    rk_world_append(world, log, batch, NULL);
    rk_world_expect(world, RK_OK, ops->state_put(log, RK_TEXT("t/a"), &stored, &world->error));
    rk_world_done(world, log);
    rk_world_expect(world, RK_OK, ops->state_get(log, &world->arena, RK_TEXT("t/a"), &found, &world->error));
    assert_int_equal(found.version, 1);
    assert_true(rk_bytes_equal(found.bytes, RK_TEXT("one")));
    rk_world_begin(world, log);
    stored = (rk_stored_state){.version = 3, .position = 4, .bytes = RK_TEXT("three")};
    rk_world_expect(world, RK_OK, ops->state_put(log, RK_TEXT("t/a"), &stored, &world->error));
    rk_world_done(world, log);
    rk_batch *more = rk_world_batch(world, A, 2, "a", 70);
    rk_world_begin(world, log);
    rk_world_append(world, log, more, NULL);
    rk_world_done(world, log);
    rk_world_expect(world, RK_OK, ops->state_get(log, &world->arena, RK_TEXT("t/a"), &found, &world->error));
    assert_true(rk_bytes_equal(found.bytes, RK_TEXT("three")));
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->state_drop(log, RK_TEXT("t/a"), &world->error));
    rk_world_expect(world, RK_OK, ops->state_drop(log, RK_TEXT("t/none"), &world->error));
    rk_world_done(world, log);
    rk_world_expect(world, RK_NOT_FOUND, ops->state_get(log, &world->arena, RK_TEXT("t/a"), &found, &world->error));
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));
    ops->close(log);
}

static uint64_t sequence(rk_log_world *world, rk_log *log) {
    rk_world_expect(world, RK_OK, world->ops->begin(log, false, &world->error));
    uint64_t found = world->ops->sequence(log);
    world->ops->rollback(log);
    return found;
}

static uint64_t version_in_view(rk_log_world *world, rk_log *log) {
    rk_stored_entity entity;
    rk_world_expect(world, RK_OK, world->ops->entity(log, RK_TEXT("t/a"), &entity, &world->error));
    return entity.version;
}

static void a_view_is_resumed_while_nobody_commits(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE), *other = rk_world_open(world, RK_LOG_READ_WRITE);
    rk_stored_entity entity;
    rk_world_commit(world, log, A, 1, "a");
    sequence(world, other); /* the first of a handle may not be known well enough */
    uint64_t first = sequence(world, other);
    assert_true(ops->resume(other));
    assert_int_equal(ops->sequence(other), first);
    assert_int_equal(version_in_view(world, other), 1);
    rk_world_commit(world, log, A, 2, "aa");
    assert_int_equal(version_in_view(world, other), 1);
    ops->rollback(other);
    assert_false(ops->resume(other));
    assert_int_not_equal(sequence(world, other), first);
    assert_true(ops->resume(other));
    rk_world_commit(world, log, A, 3, "a"); /* before anything was asked in it */
    rk_world_expect(world, RK_BUSY, ops->entity(other, RK_TEXT("t/a"), &entity, &world->error));
    rk_world_expect(world, RK_BUSY, ops->entity(other, RK_TEXT("t/a"), &entity, &world->error));
    ops->rollback(other);
    assert_false(ops->resume(other));
    rk_world_expect(world, RK_OK, ops->begin(other, false, &world->error));
    assert_int_equal(version_in_view(world, other), 4);
    ops->rollback(other);
    assert_true(ops->resume(other));
    ops->rollback(other);
    rk_world_begin(world, other); /* one that writes is no view, whatever comes of it */
    ops->rollback(other);
    assert_false(ops->resume(other));
    ops->close(other);
    ops->close(log);
}

static void the_sequence_tells_that_others_have_written(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE), *other = rk_world_open(world, RK_LOG_READ_WRITE);
    rk_log_head head;
    rk_world_commit(world, log, A, 1, "a");
    uint64_t first = sequence(world, other);
    assert_int_equal(sequence(world, other), first);
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->meta_put(log, RK_TEXT("x"), RK_TEXT("1"), &world->error));
    ops->rollback(log);
    assert_int_equal(sequence(world, other), first);
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->meta_put(log, RK_TEXT("x"), RK_TEXT("1"), &world->error));
    rk_world_done(world, log);
    uint64_t second = sequence(world, other);
    assert_int_not_equal(second, first);
    assert_int_equal(sequence(world, log), second);
    rk_world_commit(world, log, A, 2, "b");
    assert_int_not_equal(sequence(world, other), second);
    rk_world_expect(world, RK_OK, ops->begin(other, false, &world->error));
    rk_world_expect(world, RK_OK, ops->head(other, &head, &world->error));
    assert_int_equal(head.position, 2);
    rk_world_commit(world, log, A, 3, "c");
    rk_world_expect(world, RK_OK, ops->head(other, &head, &world->error));
    assert_int_equal(head.position, 2); /* a view stays what it is */
    ops->rollback(other);
    rk_world_expect(world, RK_OK, ops->begin(other, false, &world->error));
    rk_world_expect(world, RK_OK, ops->head(other, &head, &world->error));
    assert_int_equal(head.position, 3);
    ops->close(other);
    ops->close(log);
}

static void verdicts_and_named_values_come_and_go(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_world_begin(world, log);
    const rk_verdict verdicts[] = {
        {B, 2, 0, RK_TEXT("forbidden"), RK_TEXT("what"), RK_TEXT("hint")},
        {B, 1, 7, RK_TEXT("bad_data"), RK_TEXT(""), RK_TEXT("")},
        {B, 1, 1, RK_TEXT("overflow"), RK_TEXT("a"), RK_TEXT("b")},
        {B, 1, 1, RK_TEXT("io"), RK_TEXT("a"), RK_TEXT("b")},
    };
    for (int i = 0; i < 4; i++) rk_world_expect(world, RK_OK, ops->verdict_put(log, &verdicts[i], &world->error));
    rk_world_expect(world, RK_OK, ops->meta_put(log, RK_TEXT("clock"), RK_TEXT("1"), &world->error));
    rk_world_expect(world, RK_OK, ops->meta_put(log, RK_TEXT("clock"), RK_TEXT("2"), &world->error));
    rk_world_expect(world, RK_OK, ops->meta_put(log, RK_TEXT("empty"), RK_TEXT(""), &world->error));
    rk_world_done(world, log);
    seen all = {0}, left = {0}, stopped = {.answer = RK_STEP_BOUND};
    rk_world_expect(world, RK_OK, ops->verdicts(log, see_verdict, &all, &world->error));
    assert_string_equal(all.text, "11/1/1:io 11/1/7:bad_data 11/2/0:forbidden ");
    assert_int_equal(ops->verdicts(log, see_verdict, &stopped, &world->error), RK_STEP_BOUND);
    assert_string_equal(stopped.text, "11/1/1:io ");
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->verdict_drop(log, B, 1, &world->error));
    rk_world_expect(world, RK_OK, ops->verdict_drop(log, B, 9, &world->error));
    rk_world_done(world, log);
    rk_world_expect(world, RK_OK, ops->verdicts(log, see_verdict, &left, &world->error));
    assert_string_equal(left.text, "11/2/0:forbidden ");
    rk_bytes value;
    rk_world_expect(world, RK_OK, ops->meta_get(log, &world->arena, RK_TEXT("clock"), &value, &world->error));
    assert_true(rk_bytes_equal(value, RK_TEXT("2")));
    rk_world_expect(world, RK_OK, ops->meta_get(log, &world->arena, RK_TEXT("empty"), &value, &world->error));
    assert_int_equal(value.size, 0);
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->meta_drop(log, RK_TEXT("clock"), &world->error));
    rk_world_expect(world, RK_OK, ops->meta_drop(log, RK_TEXT("never"), &world->error));
    rk_world_done(world, log);
    rk_world_expect(world, RK_NOT_FOUND, ops->meta_get(log, &world->arena, RK_TEXT("clock"), &value, &world->error));
    rk_world_expect(world, RK_OK, ops->meta_get(log, &world->arena, RK_TEXT("empty"), &value, &world->error));
    ops->close(log);
}

static void a_stamp_leads_to_the_last_position_committed_by_then(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_stamp stamps[40];
    uint64_t positions[40], position = 0;
    for (uint64_t i = 0; i < 40; i++) {
        world->clock += 10;
        rk_world_begin(world, log);
        rk_world_append(world, log, rk_world_batch(world, A, i + 1, "a b", 8), i % 3 ? "11" : "00");
        rk_world_done(world, log);
        stamps[i] = world->head.commit_stamp;
        positions[i] = world->head.position;
    }
    for (int i = 0; i < 40; i++) {
        rk_world_expect(world, RK_OK, ops->position_at(log, stamps[i], &position, &world->error));
        assert_int_equal(position, positions[i]);
        rk_world_expect(world, RK_OK, ops->position_at(log, stamps[i] - 1, &position, &world->error));
        assert_int_equal(position, i ? positions[i - 1] : 0);
    }
    rk_world_expect(world, RK_OK, ops->position_at(log, UINT64_MAX, &position, &world->error));
    assert_int_equal(position, world->head.position);
    ops->close(log);
}

static void entities_are_walked_in_bytewise_order_below_a_prefix(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_world_commit(world, log, A, 1, "b Z ~ a - 0");
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->append_pending(log, rk_world_batch(world, B, 1, "M", 8), &world->error));
    rk_world_done(world, log);
    seen all = {0}, one = {0}, none = {0}, stopped = {.answer = RK_STEP_BOUND};
    rk_world_expect(world, RK_OK, ops->entities(log, RK_TEXT("t/"), see_entity, &all, &world->error));
    assert_string_equal(all.text, "t/-:1@5 t/0:1@6 t/M:0@0 t/Z:1@2 t/a:1@4 t/b:1@1 t/~:1@3 ");
    rk_world_expect(world, RK_OK, ops->entities(log, RK_TEXT("t/a"), see_entity, &one, &world->error));
    assert_string_equal(one.text, "t/a:1@4 ");
    rk_world_expect(world, RK_OK, ops->entities(log, RK_TEXT("u"), see_entity, &none, &world->error));
    assert_string_equal(none.text, "");
    assert_int_equal(ops->entities(log, RK_TEXT(""), see_entity, &stopped, &world->error), RK_STEP_BOUND);
    assert_string_equal(stopped.text, "t/-:1@5 ");
    ops->close(log);
}

static void a_walk_tells_states_and_the_events_since(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    assert_string_equal(walked(world, log, "t/", ""), "");
    rk_world_commit(world, log, A, 1, "b a a c");
    rk_world_commit(world, log, A, 2, "a");
    rk_world_begin(world, log);
    put_state(world, log, RK_TEXT("t/a"), 2, 3);
    put_state(world, log, RK_TEXT("t/c"), 1, 4);
    rk_world_expect(world, RK_OK, ops->append_pending(log, rk_world_batch(world, B, 1, "M c", 8), &world->error));
    const char *all = "t/M:0+ ; t/a:3 folded@2 3 ; t/b:1 1 ; t/c:1+ folded@1 ; ";
    assert_string_equal(walked(world, log, "t/", ""), all);
    rk_world_done(world, log);
    assert_string_equal(walked(world, log, "t/", ""), all);
    assert_string_equal(walked(world, log, "t/", "t/a"), "t/b:1 1 ; t/c:1+ folded@1 ; ");
    assert_string_equal(walked(world, log, "t/", "t/aa"), "t/b:1 1 ; t/c:1+ folded@1 ; ");
    assert_string_equal(walked(world, log, "t/", "t/z"), "");
    assert_string_equal(walked(world, log, "s/", ""), "");
    seen stopped = {.answer = RK_STEP_BOUND};
    rk_walker walker = walker_of(&stopped);
    assert_int_equal(ops->walk(log, RK_TEXT("t/"), RK_TEXT(""), &walker, &world->error), RK_STEP_BOUND);
    assert_string_equal(stopped.text, "t/M:0+ ; ");
    ops->close(log);
}

static void index_rows_are_replaced_and_found_in_the_order_of_keys(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_world_commit(world, log, A, 1, "a b c");
    const rk_index_row first[] = {
        {RK_TEXT("f"), RK_TEXT("2")}, {RK_TEXT("f"), RK_TEXT("3")}, {RK_TEXT("g"), RK_TEXT("x")}};
    const rk_index_row second[] = {{RK_TEXT("f"), RK_TEXT("1")}, {RK_TEXT("g"), RK_TEXT("\xFF")}};
    const rk_index_row third[] = {{RK_TEXT("f"), RK_TEXT("2x")}, {RK_TEXT("f"), RK_TEXT("3")}};
    rk_world_begin(world, log);
    assert_int_equal(ops->index_put(log, RK_TEXT("t/none"), first, 3, &world->error), RK_NOT_FOUND);
    put_rows(world, log, "t/a", first, 3);
    put_rows(world, log, "t/b", second, 2);
    assert_string_equal(found(world, log, "f", "", "", false), "1>t/b:1 1 ; 2>t/a:1 1 ; 3>t/a:1 1 ; ");
    rk_world_done(world, log);
    assert_string_equal(found(world, log, "f", "", "", true), "3>t/a:1 1 ; 2>t/a:1 1 ; 1>t/b:1 1 ; ");
    assert_string_equal(found(world, log, "f", "2", "3", false), "2>t/a:1 1 ; ");
    assert_string_equal(found(world, log, "f", "2x", "", false), "3>t/a:1 1 ; ");
    assert_string_equal(found(world, log, "f", "", "2", true), "1>t/b:1 1 ; ");
    assert_string_equal(found(world, log, "g", "y", "", false), "\xFF>t/b:1 1 ; ");
    assert_string_equal(found(world, log, "other", "", "", false), "");
    assert_string_equal(rows_of(world, log, "t/a"), "f=2 f=3 g=x ");
    assert_string_equal(rows_of(world, log, "t/c"), "");
    assert_string_equal(rows_of(world, log, "t/none"), "");
    rk_world_begin(world, log);
    put_rows(world, log, "t/a", third, 2);
    put_rows(world, log, "t/b", NULL, 0);
    rk_world_done(world, log);
    assert_string_equal(rows_of(world, log, "t/a"), "f=2x f=3 ");
    assert_string_equal(rows_of(world, log, "t/b"), "");
    assert_string_equal(found(world, log, "f", "", "", false), "2x>t/a:1 1 ; 3>t/a:1 1 ; ");
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));
    rk_world_begin(world, log);
    rk_world_expect(world, RK_OK, ops->index_drop(log, RK_TEXT("other"), &world->error));
    assert_string_equal(rows_of(world, log, "t/a"), "f=2x f=3 ");
    rk_world_expect(world, RK_OK, ops->index_drop(log, RK_TEXT("t"), &world->error));
    assert_string_equal(rows_of(world, log, "t/a"), "");
    ops->rollback(log);
    assert_string_equal(rows_of(world, log, "t/a"), "f=2x f=3 ");
    ops->close(log);
}

static void truncating_drops_index_rows_and_what_says_they_are_complete(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    const rk_index_row row = {RK_TEXT("f"), RK_TEXT("1")};
    rk_bytes value;
    rk_world_commit(world, log, A, 1, "a");
    rk_world_commit(world, log, A, 2, "b");
    rk_world_begin(world, log);
    put_rows(world, log, "t/a", &row, 1);
    put_rows(world, log, "t/b", &row, 1);
    rk_world_expect(world, RK_OK, ops->meta_put(log, RK_TEXT("index/t"), RK_TEXT("f"), &world->error));
    rk_world_expect(world, RK_OK, ops->meta_put(log, RK_TEXT("indexes"), RK_TEXT("other"), &world->error));
    rk_world_expect(world, RK_OK, ops->truncate(log, 1, &world->error));
    rk_world_done(world, log);
    assert_string_equal(found(world, log, "f", "", "", false), "");
    assert_string_equal(rows_of(world, log, "t/a"), "");
    assert_int_equal(ops->meta_get(log, &world->arena, RK_TEXT("index/t"), &value, &world->error), RK_NOT_FOUND);
    rk_world_expect(world, RK_OK, ops->meta_get(log, &world->arena, RK_TEXT("indexes"), &value, &world->error));
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));
    ops->close(log);
}

/* A visitor may ask the log again, also the same. */
typedef struct nested {
    rk_log_world *world;
    rk_log *log;
    seen seen;
} nested;

static rk_status see_nested(void *context, const rk_stored_event *event) {
    nested *at = context;
    see(&at->seen, "[");
    RK_TRY(at->world->ops->events(at->log, 0, event->position, see_position, &at->seen, &at->world->error));
    see(&at->seen, "]");
    return RK_OK;
}

static void a_visitor_may_ask_the_log(void **state) {
    rk_log_world *world = *state;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    rk_world_commit(world, log, A, 1, "a b c");
    for (int i = 0; i < 2; i++) {
        nested at = {.world = world, .log = log};
        if (i) rk_world_begin(world, log);
        rk_world_expect(world, RK_OK, world->ops->events(log, 0, UINT64_MAX, see_nested, &at, &world->error));
        assert_string_equal(at.seen.text, "[1 ][1 2 ][1 2 3 ]");
        if (i) rk_world_done(world, log);
    }
    world->ops->close(log);
}

static void many_and_large_events_come_back_as_they_were(void **state) {
    rk_log_world *world = *state;
    const rk_log_ops *ops = world->ops;
    rk_log *log = rk_world_open(world, RK_LOG_CREATE);
    char text[2001];
    for (size_t i = 0; i < 2000; i++) text[i] = i % 2 ? ' ' : (char)('a' + i % 26);
    text[1999] = 0;
    rk_batch *many = rk_world_batch(world, A, 1, text, 200), *large = rk_world_batch(world, A, 2, "a b", 300000);
    rk_world_begin(world, log);
    rk_world_append(world, log, many, NULL);
    rk_world_append(world, log, large, NULL);
    rk_world_done(world, log);
    const char *before = rk_world_whole(world, log);
    ops->close(log);
    log = rk_world_open(world, RK_LOG_READ_WRITE);
    assert_string_equal(rk_world_whole(world, log), before);
    assert_true(rk_bytes_equal(by_id(world, log, large->leaves[1].bytes, RK_OK)->bytes, large->leaves[1].bytes));
    rk_world_expect(world, RK_OK, ops->check(log, &world->error));
    ops->close(log);
}

#define CONFORMANCE(test) cmocka_unit_test_prestate_setup_teardown(test, setup, teardown, (void *)ops)

int rk_log_conformance(const rk_log_ops *ops) {
    const struct CMUnitTest tests[] = {
        CONFORMANCE(an_empty_log_has_nothing_and_says_so),
        CONFORMANCE(positions_versions_and_records_are_gapless),
        CONFORMANCE(a_record_that_does_not_continue_is_a_gap),
        CONFORMANCE(a_read_set_that_changed_is_a_conflict_and_changes_nothing),
        CONFORMANCE(doubles_are_refused_and_change_nothing),
        CONFORMANCE(another_account_or_log_is_refused),
        CONFORMANCE(pending_batches_wait_in_order_and_are_committed),
        CONFORMANCE(a_batch_is_given_back_as_it_was_sealed),
        CONFORMANCE(a_pending_batch_is_dropped_whole),
        CONFORMANCE(truncating_makes_own_batches_pending_again),
        CONFORMANCE(rollback_and_close_drop_what_was_written),
        CONFORMANCE(a_closed_log_is_the_same_when_opened_again),
        CONFORMANCE(a_view_stays_while_another_writes),
        CONFORMANCE(a_state_is_replaced),
        CONFORMANCE(the_sequence_tells_that_others_have_written),
        CONFORMANCE(a_view_is_resumed_while_nobody_commits),
        CONFORMANCE(verdicts_and_named_values_come_and_go),
        CONFORMANCE(a_stamp_leads_to_the_last_position_committed_by_then),
        CONFORMANCE(entities_are_walked_in_bytewise_order_below_a_prefix),
        CONFORMANCE(a_walk_tells_states_and_the_events_since),
        CONFORMANCE(index_rows_are_replaced_and_found_in_the_order_of_keys),
        CONFORMANCE(truncating_drops_index_rows_and_what_says_they_are_complete),
        CONFORMANCE(a_visitor_may_ask_the_log),
        CONFORMANCE(many_and_large_events_come_back_as_they_were),
        CONFORMANCE(a_second_writer_waits_and_builds_on_the_first), /* last, for it waits ten seconds */
    };
    return cmocka_run_group_tests_name(ops->name, tests, NULL, NULL);
}
