/*
 * The path of an own change. rk_engine_submit is the newcomer's map: each step below is one call, in this order.
 *
 *     validate    shape, names, limits                 check_intents
 *     decide      rule, guards, expected versions      rki_court_expect, rki_court_judge (judge.c)
 *     resolve     data to text ids and dots            rk_event_resolve (core/reduce/resolve.c), in the judgement
 *     reduce      fold into the states                 rk_change_apply (core/reduce/fold.c), in the judgement
 *     append      seal, and commit or keep pending     seal_batch, append_batch (commit.c, store)
 *     route       at a truth it is committed; on a device it waits for the truth, and an export carries it there
 *     publish     the caller gets the events with their places; readers of the log find them by position
 *
 * The fold comes before the append because the events of one transaction see each other; what does not reach the log
 * leaves the cache with rki_rollback.
 */
#include <string.h>

#include "engine/inner.h"

enum { TRIES_MAX = 5 };

/* One submission on its way. */
typedef struct submission {
    rk_engine *engine;
    rk_arena *arena;
    const rk_intent *intents;
    size_t count;
    rk_bytes actor;
    rk_event *events; /* one for each intent with a type */
    size_t event_count;
    rki_court court;
    rk_batch batch;
    uint64_t first_position;
} submission;

static rk_status at_intent(rk_error *error, size_t index, size_t count, rk_status status) {
    char where[32];
    if (status != RK_OK && count > 1) {
        rk_error_at(error, rk_bytes_of(where, rk_format(where, sizeof where, "event %u", (uint64_t)index + 1)));
    }
    return status;
}

static bool is_event(const rk_intent *intent) {
    return intent->type.size > 0;
}

static rk_status check_intent(const rk_intent *intent, rk_error *error) {
    rk_bytes module, entity;
    if (intent->require.size > 0) {
        bool alone = !intent->entity.size && !is_event(intent) && !intent->expects;
        return alone ? RK_OK : rk_fail(error, RK_BAD_DATA, NULL, "a condition stands alone");
    }
    RK_TRY(rk_entity_split(intent->entity, &module, &entity, error));
    if (!is_event(intent)) {
        return intent->expects ? RK_OK : rk_fail(error, RK_BAD_DATA, NULL, "without a type or an expected version");
    }
    if (!rk_name_valid(intent->type)) {
        return rk_fail(error, RK_BAD_ID, NULL, "\"%b\" is no event type", intent->type);
    }
    return intent->data.kind == RK_MAP ? RK_OK : rk_fail(error, RK_BAD_DATA, NULL, "an event's data is an object");
}

static rk_status check_intents(submission *submission, rk_error *error) {
    size_t condition_count = 0;
    if (submission->count > RK_TRANSACTION_EVENTS_MAX) {
        return rk_fail(error, RK_LIMIT, NULL, "more events than RK_TRANSACTION_EVENTS_MAX in one transaction");
    }
    for (size_t i = 0; i < submission->count; i++) {
        const rk_intent *intent = &submission->intents[i];
        RK_TRY(at_intent(error, i, submission->count, check_intent(intent, error)));
        submission->event_count += is_event(intent);
        condition_count += intent->require.size > 0;
    }
    if (condition_count > RK_CONDITIONS_MAX) {
        return rk_fail(error, RK_LIMIT, NULL, "more conditions than RK_CONDITIONS_MAX in one transaction");
    }
    if (submission->event_count > 0) return RK_OK;
    return rk_fail(error, RK_BAD_DATA, NULL, "a transaction without an event");
}

/* The event as far as the caller says it; kind, version and operations come with the judgement. */
static rk_event start_event(submission *submission, const rk_intent *intent) {
    rk_engine *engine = submission->engine;
    engine->clock = rk_stamp_next(engine->clock, engine->host.now_ms(engine->host.context));
    rk_event event = {
        .id = {engine->clock, engine->replica}, .type = intent->type, .actor = submission->actor, .data = intent->data};
    size_t slash = rk_bytes_find(intent->entity, '/');
    event.module = (rk_bytes){intent->entity.data, slash};
    event.entity = rk_bytes_from(intent->entity, slash + 1);
    return event;
}

/* In the order in which a truth that imports it tests them: expected versions, then conditions. */
static rk_status decide_preconditions(submission *submission, rk_error *error) {
    for (size_t i = 0; i < submission->count; i++) {
        const rk_intent *intent = &submission->intents[i];
        if (!intent->expects) continue;
        RK_TRY(at_intent(error, i, submission->count,
                         rki_court_expect(&submission->court, intent->entity, intent->expected, error)));
    }
    for (size_t i = 0; i < submission->count; i++) {
        const rk_intent *intent = &submission->intents[i];
        if (intent->require.size == 0) continue;
        RK_TRY(at_intent(error, i, submission->count, rki_court_require(&submission->court, intent->require, error)));
    }
    return RK_OK;
}

static rk_status decide(submission *submission, rk_error *error) {
    size_t count = 0;
    rki_court_begin(&submission->court);
    RK_TRY(decide_preconditions(submission, error));
    for (size_t i = 0; i < submission->count; i++) {
        if (!is_event(&submission->intents[i])) continue;
        rk_event *event = &submission->events[count++];
        *event = start_event(submission, &submission->intents[i]);
        RK_TRY(at_intent(error, i, submission->count, rki_court_judge(&submission->court, event, true, error)));
    }
    return RK_OK;
}

static rk_status add_preconditions(submission *submission, rk_leaf *leaf, bool *added_out) {
    rk_expectation *expected = rk_arena_take_array(submission->arena, submission->count, sizeof *expected);
    rk_bytes *conditions = rk_arena_take_array(submission->arena, submission->count, sizeof *conditions);
    if (!expected || !conditions) return RK_NO_MEMORY;
    rk_preconditions preconditions = {.expected = expected, .conditions = conditions};
    for (size_t i = 0; i < submission->count; i++) {
        const rk_intent *intent = &submission->intents[i];
        if (intent->expects)
            expected[preconditions.expected_count++] = (rk_expectation){intent->entity, intent->expected};
        if (intent->require.size > 0) conditions[preconditions.condition_count++] = intent->require;
    }
    *added_out = preconditions.expected_count + preconditions.condition_count > 0;
    if (!*added_out) return RK_OK;
    leaf->kind = RK_LEAF_PRECONDITIONS;
    leaf->preconditions = preconditions;
    return rk_preconditions_encode(submission->arena, &preconditions, &leaf->bytes);
}

static rk_status fill_leaves(submission *submission) {
    size_t count = submission->event_count;
    rk_leaf *leaves = rk_arena_take_array(submission->arena, count + 1, sizeof *leaves);
    uint32_t *transactions = rk_arena_take(submission->arena, sizeof *transactions);
    bool preconditions = false;
    if (!leaves || !transactions) return RK_NO_MEMORY;
    RK_TRY(add_preconditions(submission, leaves, &preconditions));
    for (size_t i = 0; i < count; i++) {
        rk_leaf *leaf = &leaves[i + preconditions];
        *leaf = (rk_leaf){.kind = RK_LEAF_EVENT, .event = submission->events[i]};
        RK_TRY(rk_event_encode(submission->arena, &submission->events[i], &leaf->bytes));
        submission->court.accepted[i].size = leaf->bytes.size;
    }
    transactions[0] = (uint32_t)(count + preconditions);
    submission->batch = (rk_batch){.header = submission->batch.header,
                                   .leaves = leaves,
                                   .leaf_count = count + preconditions,
                                   .transactions = transactions,
                                   .transaction_count = 1};
    return RK_OK;
}

static rk_status seal_batch(submission *submission, const rk_key_pair *pair, rk_error *error) {
    rk_engine *engine = submission->engine;
    uint8_t secret[RK_SECRET_SIZE];
    RK_TRY(rki_header_next(engine, engine->replica, submission->arena, &submission->batch.header, error));
    rki_batch_secret(engine, pair, &submission->batch.header, secret);
    rk_status status = fill_leaves(submission);
    if (status == RK_OK)
        status = rk_batch_seal(submission->arena, engine->host.crypto, pair, secret, &submission->batch);
    return status == RK_OK ? RK_OK : rk_fail(error, status, "batch", "the transaction could not be sealed");
}

/* Whether what waits here is read by another version from now on. */
static bool publishes(const submission *submission) {
    for (size_t i = 0; i < submission->event_count; i++) {
        if (rk_bytes_equal(submission->events[i].module, RK_TEXT("module"))) return true;
    }
    return false;
}

static rk_status append_batch(submission *submission, rk_error *error) {
    static const uint8_t accepted[] = {0x80};
    rk_engine *engine = submission->engine;
    if (!engine->truth) {
        RK_TRY(engine->host.store->append_pending(engine->log, &submission->batch, error));
        if (publishes(submission)) rki_views_drop(engine);
        return rki_generation_next(engine, error);
    }
    rk_log_head head;
    RK_TRY(engine->host.store->head(engine->log, &head, error));
    submission->first_position = head.position + 1;
    RK_TRY(rki_batch_commit(engine, &submission->batch, rk_bytes_of(accepted, 1), &submission->court,
                            submission->court.commit_stamp, submission->arena, error));
    return rki_court_close(&submission->court, submission->first_position, error);
}

/* The commit stamp is the truth's wall clock, always above the one before, and never pushed by events. */
static rk_status next_commit_stamp(rk_engine *engine, rk_stamp *stamp_out, rk_error *error) {
    rk_log_head head;
    *stamp_out = 0;
    if (!engine->truth) return RK_OK;
    RK_TRY(engine->host.store->head(engine->log, &head, error));
    *stamp_out = rk_stamp_next(head.commit_stamp, engine->host.now_ms(engine->host.context));
    return RK_OK;
}

static rk_status submit_locked(submission *submission, const rk_key_pair *pair, rk_error *error) {
    rk_stamp stamp = 0;
    submission->court.engine = submission->engine;
    RK_TRY(next_commit_stamp(submission->engine, &stamp, error));
    rki_court_open(submission->engine, submission->arena, submission->actor, &pair->public_key, stamp,
                   &submission->court);
    RK_TRY(decide(submission, error));
    RK_TRY(seal_batch(submission, pair, error));
    return append_batch(submission, error);
}

static rk_status publish(submission *submission, rk_entry **entries_out, rk_error *error) {
    rk_entry *entries = rk_arena_take_array(submission->arena, submission->count, sizeof *entries);
    if (!entries) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the answer; the transaction is done");
    bool committed = submission->engine->truth;
    rk_stamp stamp = submission->court.commit_stamp;
    size_t event = 0;
    for (size_t i = 0; i < submission->count; i++) {
        if (!is_event(&submission->intents[i])) continue;
        entries[i] = (rk_entry){.event = submission->events[event],
                                .position = committed ? submission->first_position + event : 0,
                                .version = committed ? submission->court.accepted[event].version : 0,
                                .time_ms = rk_stamp_ms(committed ? stamp : submission->events[event].id.stamp)};
        event++;
    }
    *entries_out = entries;
    return RK_OK;
}

/* One try under the log's lock. RK_CONFLICT: what was read has changed, which only a store that judges late can say. */
static rk_status submit_once(submission *submission, const rk_key_pair *pair, rk_error *error) {
    rk_engine *engine = submission->engine;
    submission->batch = (rk_batch){.leaf_count = 0};
    RK_TRY(rki_begin(engine, true, error));
    rk_status status = submit_locked(submission, pair, error);
    if (status == RK_OK) return rki_commit(engine, error);
    if (submission->batch.leaf_count == 0) {
        rki_court_refuse(&submission->court); /* nothing was written: the rest of the cache stays good */
        rki_view_end(engine);
    } else {
        rki_rollback(engine);
    }
    return status;
}

rk_status rk_engine_submit(rk_engine *engine, rk_bytes actor, const rk_key_pair *pair, const rk_intent *intents,
                           size_t intent_count, rk_arena *arena, rk_entry **entries_out, rk_error *error) {
    rk_key_pair own;
    submission submission = {
        .engine = engine, .arena = arena, .intents = intents, .count = intent_count, .actor = actor};
    *entries_out = NULL;
    RK_TRY(check_intents(&submission, error));
    RK_TRY(rki_place_settle(engine, error));
    if (!pair) RK_TRY(engine->host.key_get(engine->host.context, RK_OWNER_ACTOR, actor, &own, error));
    submission.events = rk_arena_take_array(arena, submission.event_count, sizeof *submission.events);
    if (!submission.events) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the events");
    rk_status status = RK_CONFLICT;
    for (int i = 0; i < TRIES_MAX && status == RK_CONFLICT; i++) {
        status = submit_once(&submission, pair ? pair : &own, error);
    }
    return status == RK_OK ? publish(&submission, entries_out, error) : status;
}
