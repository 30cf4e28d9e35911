/*
 * Idempotency keys: a transaction that is sent again, because its answer was lost, is not done again.
 *
 * Invariants
 *   (1) A key is written with the events that it stands for: both are there or neither.
 *   (2) Only what was accepted is remembered: a refusal has left nothing, and is judged again.
 *   (3) The log keeps RK_ONCE_KEYS_MAX of them in a ring; a new one takes the place of the oldest.
 *
 * Named values: "once/key/" and 32 bytes: hash of the request, 32 bytes, then the events' ids, 16 bytes each.
 * "once/slot/" and 8 bytes: the 32 bytes of the key there. "once/next": the slot that is taken next.
 */
#include <string.h>

#include "engine/inner.h"

enum { NAME_MAX = 64 };

static const char next_slot[] = "once/next";

/* Keys of two actors are two, whatever their texts. */
static rk_hash hash_key(const rki_court *court) {
    uint8_t text[RK_ACTOR_SIZE_MAX + 1 + RK_ONCE_KEY_MAX];
    size_t size = court->actor_id.size;
    memcpy(text, court->actor_id.data, size);
    text[size++] = 0;
    memcpy(text + size, court->terms->key.data, court->terms->key.size);
    return rk_sha256(court->engine->host.crypto, rk_bytes_of(text, size + court->terms->key.size));
}

static rk_bytes key_name(const rk_hash *key, uint8_t out[NAME_MAX]) {
    rk_bytes prefix = RK_TEXT("once/key/");
    memcpy(out, prefix.data, prefix.size);
    memcpy(out + prefix.size, key->bytes, RK_HASH_SIZE);
    return rk_bytes_of(out, prefix.size + RK_HASH_SIZE);
}

static rk_bytes slot_name(uint64_t slot, uint8_t out[NAME_MAX]) {
    rk_bytes prefix = RK_TEXT("once/slot/");
    memcpy(out, prefix.data, prefix.size);
    rk_put_u64(out + prefix.size, slot);
    return rk_bytes_of(out, prefix.size + 8);
}

/* ---- finding ---- */

/* The event as it stands in the log, or among those that were accepted and wait for the append. */
static rk_status find_event(rki_court *court, rk_id id, uint64_t first_position, rk_arena *arena, rk_entry *entry_out,
                            rk_error *error) {
    for (size_t i = 0; i < court->accepted_count; i++) {
        const rki_accepted *accepted = &court->accepted[i];
        if (!rk_id_equal(accepted->event->id, id)) continue;
        *entry_out = (rk_entry){.event = *accepted->event,
                                .position = first_position + i,
                                .version = accepted->version,
                                .time_ms = rk_stamp_ms(court->commit_stamp)};
        return RK_OK;
    }
    rk_stored_event stored;
    RK_TRY(court->engine->host.store->event_of_id(court->engine->log, arena, id, &stored, error));
    return rki_entry_of(&stored, arena, entry_out, error);
}

static rk_status find_entries(rki_court *court, rk_bytes ids, const rk_intent *intents, size_t count,
                              uint64_t first_position, rk_arena *arena, rk_entry **entries_out, rk_error *error) {
    rk_entry *entries = rk_arena_take_array(arena, count, sizeof *entries);
    if (!entries) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the answer");
    for (size_t i = 0; i < count; i++) {
        entries[i] = (rk_entry){.position = 0};
        if (intents[i].type.size == 0) continue;
        if (ids.size < RK_ID_SIZE) return rk_fail(error, RK_CORRUPT, "once", "a key stands for too few events");
        RK_TRY(find_event(court, rk_id_get(ids.data), first_position, arena, &entries[i], error));
        ids = rk_bytes_from(ids, RK_ID_SIZE);
    }
    *entries_out = entries;
    return RK_OK;
}

rk_status rki_once_find(rki_court *court, const rk_intent *intents, size_t count, uint64_t first_position,
                        rk_arena *arena, rk_entry **entries_out, rk_error *error) {
    const rk_terms *terms = court->terms;
    rk_engine *engine = court->engine;
    uint8_t name[NAME_MAX];
    rk_bytes value;
    *entries_out = NULL;
    if (!terms || terms->key.size == 0) return RK_OK;
    if (terms->key.size > RK_ONCE_KEY_MAX || court->actor_id.size > RK_ACTOR_SIZE_MAX) {
        return rk_fail(error, RK_LIMIT, "Idempotency-Key", "it is longer than RK_ONCE_KEY_MAX");
    }
    rk_hash key = hash_key(court);
    rk_status status = engine->host.store->meta_get(engine->log, arena, key_name(&key, name), &value, error);
    if (status == RK_NOT_FOUND) return RK_OK;
    RK_TRY(status);
    if (value.size < RK_HASH_SIZE) return rk_fail(error, RK_CORRUPT, "once", "a key is too short");
    if (memcmp(value.data, terms->request.bytes, RK_HASH_SIZE) != 0) {
        return rk_fail(error, RK_KEY_REUSED, "Idempotency-Key", "it was used for another request");
    }
    status = find_entries(court, rk_bytes_from(value, RK_HASH_SIZE), intents, count, first_position, arena, entries_out,
                          error);
    return status == RK_NOT_FOUND ? RK_OK : status; /* a truth that was restored has not got them: they happen again */
}

/* ---- remembering ---- */

static rk_status forget(rk_engine *engine, rk_bytes slot, rk_arena *arena, rk_error *error) {
    const rk_log_ops *store = engine->host.store;
    uint8_t name[NAME_MAX];
    rk_bytes old;
    rk_hash key;
    rk_status status = store->meta_get(engine->log, arena, slot, &old, error);
    if (status == RK_NOT_FOUND) return RK_OK;
    RK_TRY(status);
    if (old.size != RK_HASH_SIZE) return rk_fail(error, RK_CORRUPT, "once", "a slot holds no key");
    memcpy(key.bytes, old.data, RK_HASH_SIZE);
    return store->meta_drop(engine->log, key_name(&key, name), error);
}

static rk_status take_slot(rki_court *court, const rk_hash *key, rk_arena *arena, rk_error *error) {
    rk_engine *engine = court->engine;
    uint8_t name[NAME_MAX];
    rk_bytes count;
    rk_status status = engine->host.store->meta_get(engine->log, arena, rk_bytes_of_string(next_slot), &count, error);
    if (status != RK_OK && status != RK_NOT_FOUND) return status;
    uint64_t next = status == RK_OK && count.size == 8 ? rk_get_u64(count.data) : 0;
    rk_bytes slot = slot_name(next % RK_ONCE_KEYS_MAX, name);
    RK_TRY(forget(engine, slot, arena, error));
    RK_TRY(engine->host.store->meta_put(engine->log, slot, rk_bytes_of(key->bytes, RK_HASH_SIZE), error));
    return rki_meta_put_u64(engine, next_slot, next + 1, error);
}

rk_status rki_once_put(rki_court *court, const rk_entry *entries, size_t count, rk_error *error) {
    rk_engine *engine = court->engine;
    uint8_t name[NAME_MAX];
    rk_hash key = hash_key(court);
    rk_arena arena = rki_call_arena(engine);
    uint8_t *value = rk_arena_take(&arena, RK_HASH_SIZE + count * RK_ID_SIZE);
    size_t size = RK_HASH_SIZE;
    rk_status status = value ? RK_OK : rk_fail(error, RK_NO_MEMORY, "once", "no memory for the key");
    if (value) memcpy(value, court->terms->request.bytes, RK_HASH_SIZE);
    for (size_t i = 0; value && i < count; i++) {
        if (entries[i].event.type.size == 0) continue;
        rk_id_put(value + size, entries[i].event.id);
        size += RK_ID_SIZE;
    }
    if (status == RK_OK) status = take_slot(court, &key, &arena, error);
    if (status == RK_OK) {
        status = engine->host.store->meta_put(engine->log, key_name(&key, name), rk_bytes_of(value, size), error);
    }
    rk_arena_free(&arena);
    return status;
}
