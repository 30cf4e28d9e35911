/*
 * Making and opening databases, and who this copy is: replica id, epoch, clock.
 *
 * Names kept in the log's meta:
 *     account     32 bytes: SHA-256 of the root public key
 *     log         16 bytes
 *     name        the account's name
 *     truth       1 byte: 1 at the truth, 0 on a device
 *     replica     8 bytes
 *     clock       8 bytes: the highest stamp that was issued or seen
 *     place       what told this copy of the files from any other when the replica id was taken
 *     epoch       8 bytes: the epoch that the truth writes in: 1, and after a restore the wall clock then, in ms
 *     generation  8 bytes: counts whatever changes what is pending, or takes back what was committed
 */
#include <string.h>

#include "engine/inner.h"

const rk_zone_source *rki_zones(const rk_engine *engine) {
    return engine->host.zones.ahead ? &engine->host.zones : NULL;
}

rk_arena rki_call_arena(rk_engine *engine) {
    rk_arena arena;
    rk_arena_init(&arena, engine->host.memory, RKI_CALL_SIZE_MAX);
    return arena;
}

/* ---- meta ---- */

static rk_status put(rk_engine *engine, const char *name, rk_bytes value, rk_error *error) {
    return engine->host.store->meta_put(engine->log, rk_bytes_of_string(name), value, error);
}

static rk_status get_fixed(rk_engine *engine, const char *name, uint8_t *out, size_t size, rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    rk_bytes value;
    rk_status status = engine->host.store->meta_get(engine->log, &arena, rk_bytes_of_string(name), &value, error);
    if (status == RK_OK && value.size != size) status = RK_NOT_FOUND;
    if (status == RK_OK) memcpy(out, value.data, size);
    if (status == RK_NOT_FOUND)
        status = rk_fail(error, RK_CORRUPT, "meta", "\"%s\" is missing or has another size", name);
    rk_arena_free(&arena);
    return status;
}

rk_status rki_meta_put_u64(rk_engine *engine, const char *name, uint64_t value, rk_error *error) {
    uint8_t bytes[8];
    rk_put_u64(bytes, value);
    return put(engine, name, rk_bytes_of(bytes, sizeof bytes), error);
}

rk_status rki_meta_get_u64(rk_engine *engine, const char *name, uint64_t *value_out, rk_error *error) {
    uint8_t bytes[8];
    RK_TRY(get_fixed(engine, name, bytes, sizeof bytes, error));
    *value_out = rk_get_u64(bytes);
    return RK_OK;
}

rk_status rki_generation_next(rk_engine *engine, rk_error *error) {
    engine->generation++;
    return rki_meta_put_u64(engine, "generation", engine->generation, error);
}

void rki_clock_see(rk_engine *engine, rk_stamp stamp) {
    if (stamp > engine->clock) engine->clock = stamp;
}

rk_status rki_replica_renew(rk_engine *engine, rk_stamp clock, rk_error *error) {
    uint8_t bytes[8];
    do {
        engine->host.random(engine->host.context, bytes, sizeof bytes);
        engine->replica = rk_get_u64(bytes);
    } while (engine->replica == 0);
    engine->clock = clock;
    RK_TRY(rki_meta_put_u64(engine, "clock", clock, error));
    return rki_meta_put_u64(engine, "replica", engine->replica, error);
}

/* ---- begin and end ---- */

/* A device's log has grown: what waits on top of it may read otherwise now, or not at all. */
static rk_status refresh_views(rk_engine *engine, rk_error *error) {
    rk_log_head head;
    RK_TRY(engine->host.store->head(engine->log, &head, error));
    if (!rk_hash_equal(&head.record_hash, &engine->seen_record)) rki_views_drop(engine);
    engine->seen_record = head.record_hash;
    return RK_OK;
}

/* Whatever another process may have changed since this one last looked. */
static rk_status refresh(rk_engine *engine, rk_error *error) {
    uint64_t generation = 0;
    RK_TRY(rki_meta_get_u64(engine, "generation", &generation, error));
    if (generation != engine->generation) rki_cache_clear(engine);
    engine->generation = generation;
    engine->last = (rk_header){0};
    engine->bytes = 0;
    if (!engine->truth) RK_TRY(refresh_views(engine, error));
    RK_TRY(rki_meta_get_u64(engine, "replica", &engine->replica, error));
    RK_TRY(rki_meta_get_u64(engine, "epoch", &engine->epoch, error));
    return rki_meta_get_u64(engine, "clock", &engine->clock, error);
}

rk_status rki_begin(rk_engine *engine, bool write, rk_error *error) {
    const rk_log_ops *store = engine->host.store;
    if (engine->held && !write) return RK_OK;
    if (engine->held) return rk_fail(error, RK_BUSY, NULL, "a view of the log is held");
    RK_TRY(store->begin(engine->log, write, error));
    uint64_t sequence = store->sequence(engine->log);
    bool same = engine->sequenced && engine->sequence == sequence;
    rk_status status = same ? RK_OK : refresh(engine, error);
    if (status != RK_OK) {
        store->rollback(engine->log);
        return status;
    }
    rki_cache_fit(engine);
    if (!same) engine->begin_count++;
    engine->begins = engine->begin_count;
    engine->sequence = sequence;
    engine->sequenced = true;
    return RK_OK;
}

rk_status rki_commit(rk_engine *engine, rk_error *error) {
    rk_status status = rki_meta_put_u64(engine, "clock", engine->clock, error);
    if (status != RK_OK) {
        rki_rollback(engine);
        return status;
    }
    engine->begins = 0;
    status = engine->host.store->commit(engine->log, error);
    engine->sequenced = status == RK_OK && engine->truth; /* the cache of a truth holds what it has committed */
    engine->sequence = engine->host.store->sequence(engine->log);
    if (status != RK_OK) rki_cache_clear(engine);
    return status;
}

/* What a failed write folded must not be seen again. */
void rki_rollback(rk_engine *engine) {
    engine->host.store->rollback(engine->log);
    engine->begins = 0;
    engine->sequenced = false;
    rki_cache_clear(engine);
}

void rki_view_end(rk_engine *engine) {
    if (engine->held) return;
    engine->host.store->rollback(engine->log);
    engine->begins = 0;
}

rk_status rk_engine_view_hold(rk_engine *engine, rk_error *error) {
    RK_ASSERT(!engine->held);
    RK_TRY(rki_begin(engine, false, error));
    engine->held = true;
    return RK_OK;
}

bool rk_engine_view_resume(rk_engine *engine) {
    const rk_log_ops *store = engine->host.store;
    RK_ASSERT(!engine->held);
    if (!engine->sequenced || engine->sequence != store->sequence(engine->log) || !store->resume(engine->log)) {
        return false;
    }
    rki_cache_fit(engine);
    engine->begins = engine->begin_count;
    engine->held = true;
    return true;
}

void rk_engine_view_release(rk_engine *engine) {
    if (!engine->held) return;
    engine->held = false;
    rki_view_end(engine);
}

/* ---- the account ---- */

rk_status rki_account_read(rk_engine *engine, rk_error *error) {
    char entity[RK_ENTITY_SIZE_MAX + 16];
    size_t size = rk_format(entity, sizeof entity, "account/%b", engine->name);
    rk_arena arena = rki_call_arena(engine);
    rk_value value;
    rk_status status = rki_entity_value(engine, rk_bytes_of(entity, size), NULL, &arena, &value, error);
    const rk_value *key = rk_map_find(&value, RK_TEXT("truth_key"));
    if (status == RK_OK && key && key->kind == RK_STRING) {
        engine->has_truth_key = rk_hex_read(key->as.bytes, engine->truth_key.bytes, RK_KEY_SIZE);
    }
    rk_arena_free(&arena);
    return status;
}

static rk_status read_identity(rk_engine *engine, rk_error *error) {
    uint8_t truth = 0;
    RK_TRY(get_fixed(engine, "account", engine->account.bytes, RK_HASH_SIZE, error));
    RK_TRY(get_fixed(engine, "log", engine->log_id.bytes, RK_LOG_ID_SIZE, error));
    RK_TRY(get_fixed(engine, "truth", &truth, 1, error));
    engine->truth = truth == 1;
    RK_TRY(engine->host.store->meta_get(engine->log, &engine->arena, RK_TEXT("name"), &engine->name, error));
    rk_status status = engine->name.size ? rki_account_read(engine, error) : RK_OK;
    if (status != RK_CORRUPT || engine->writable) return status;
    /* Examining goes on without the account's own entity: what is damaged is said, and verify says the rest. */
    const rk_log_listener *listener = engine->host.listener;
    if (listener && listener->finding) listener->finding(listener->context, "account", error ? error->what : "");
    return RK_OK;
}

/* ---- places ---- */

static rk_status keep_place(rk_engine *engine, rk_arena *arena, bool renew, rk_error *error) {
    rk_bytes place;
    RK_TRY(engine->host.place(engine->host.context, renew, arena, &place, error));
    return put(engine, "place", place, error);
}

/* Asked for once: a host may read it from a file, and making the public half of it costs as much as signing. */
rk_status rki_truth_pair(rk_engine *engine, const rk_key_pair **pair_out, rk_error *error) {
    const rk_host *host = &engine->host;
    *pair_out = &engine->truth_pair;
    if (engine->has_truth_pair) return RK_OK;
    RK_TRY(host->key_get(host->context, RK_OWNER_TRUTH, (rk_bytes){NULL, 0}, &engine->truth_pair, error));
    engine->has_truth_pair = true;
    return RK_OK;
}

/* The truth's own event of going on in a new epoch; sealed by the truth key, as actor `truth`. */
static rk_status submit_epoch(rk_engine *engine, rk_arena *arena, rk_error *error) {
    const rk_key_pair *pair = NULL;
    char entity[RK_ENTITY_SIZE_MAX + 16];
    size_t size = rk_format(entity, sizeof entity, "account/%b", engine->name);
    RK_TRY(rki_truth_pair(engine, &pair, error));
    rk_pair member = {rk_string(RK_TEXT("epoch")), rk_int((int64_t)engine->epoch)};
    rk_intent intent = {.entity = rk_bytes_of(entity, size), .type = RK_TEXT("continue")};
    intent.data = (rk_value){.kind = RK_MAP, .as.map = {&member, 1}};
    rk_entry *entries = NULL;
    return rk_engine_submit(engine, RK_TEXT("truth"), pair, &intent, 1, arena, &entries, error);
}

static rk_status start_anew(rk_engine *engine, rk_arena *arena, rk_error *error) {
    rk_log_head head;
    RK_TRY(engine->host.store->head(engine->log, &head, error));
    RK_TRY(rki_replica_renew(engine, engine->clock, error));
    RK_TRY(keep_place(engine, arena, true, error));
    if (!engine->truth) return RK_OK;
    /* By the wall clock, so that two restores from one old copy do not both make the same epoch. */
    uint64_t now_ms = engine->host.now_ms(engine->host.context);
    engine->epoch = now_ms > head.epoch ? now_ms : head.epoch + 1;
    return rki_meta_put_u64(engine, "epoch", engine->epoch, error);
}

/* Whether these files were copied or restored since the replica id was taken. */
static rk_status is_copy(rk_engine *engine, rk_arena *arena, bool *copy_out, rk_error *error) {
    rk_bytes now, then;
    RK_TRY(engine->host.place(engine->host.context, false, arena, &now, error));
    rk_status status = engine->host.store->meta_get(engine->log, arena, RK_TEXT("place"), &then, error);
    if (status == RK_NOT_FOUND) then = (rk_bytes){NULL, 0};
    *copy_out = !rk_bytes_equal(now, then);
    return status == RK_NOT_FOUND ? RK_OK : status;
}

/* Under the write lock, so that of two processes one renews and the other finds it done. */
static rk_status renew_copy(rk_engine *engine, rk_arena *arena, bool *copy_out, rk_error *error) {
    RK_TRY(rki_begin(engine, true, error));
    rk_status status = is_copy(engine, arena, copy_out, error);
    if (status == RK_OK && *copy_out) status = start_anew(engine, arena, error);
    if (status == RK_OK) return rki_commit(engine, error);
    rki_rollback(engine);
    return status;
}

rk_status rki_place_settle(rk_engine *engine, rk_error *error) {
    if (engine->settled || !engine->writable) return RK_OK;
    engine->settled = true; /* before the truth submits its own event, which comes here again */
    rk_arena arena = rki_call_arena(engine);
    bool copy = false;
    rk_status status = is_copy(engine, &arena, &copy, error);
    if (status == RK_OK && copy) status = renew_copy(engine, &arena, &copy, error);
    if (status == RK_OK && copy && engine->host.notice) {
        engine->host.notice(engine->host.context,
                            engine->truth ? "this truth was copied or restored: it goes on in a new epoch"
                                          : "this folder was copied or restored: it goes on as a new replica");
    }
    /* A crash between the renewal and its event leaves the epoch ahead of the log: the event is then still due. */
    rk_log_head head;
    if (status == RK_OK) status = engine->host.store->head(engine->log, &head, error);
    if (status == RK_OK && engine->truth && head.record > 0 && engine->epoch > head.epoch) {
        status = submit_epoch(engine, &arena, error);
    }
    rk_arena_free(&arena);
    engine->settled = status == RK_OK;
    return status;
}

/* ---- opening and closing ---- */

static rk_status new_engine(const rk_host *host, rk_engine **engine_out, rk_error *error) {
    *engine_out = NULL;
    rk_engine *engine = host->memory->take(host->memory->context, sizeof *engine);
    if (!engine) return rk_fail(error, RK_NO_MEMORY, "engine", "no memory for it");
    *engine = (rk_engine){.host = *host, .begin_count = 1}; /* 0 is outside of begin and end */
    engine->known.arena = rki_call_arena(engine);
    rk_arena_init(&engine->arena, host->memory, RKI_CACHE_SIZE_MAX);
    rk_arena_init(&engine->cache_arena, host->memory, RKI_CACHE_SIZE_MAX);
    rk_arena_init(&engine->module_arena, host->memory, RKI_CACHE_SIZE_MAX);
    rk_map_init(&engine->cache, &engine->cache_arena);
    rk_map_init(&engine->modules, &engine->module_arena);
    rk_map_init(&engine->histories, &engine->module_arena);
    *engine_out = engine;
    return RK_OK;
}

void rk_engine_close(rk_engine *engine) {
    if (!engine) return;
    rki_cache_clear(engine);
    rk_arena_free(&engine->known.arena);
    rk_arena_free(&engine->module_arena);
    rk_arena_free(&engine->cache_arena);
    rk_arena_free(&engine->arena);
    if (engine->log) engine->host.store->close(engine->log);
    engine->host.memory->give(engine->host.memory->context, engine, sizeof *engine);
}

static rk_status open_log(rk_engine *engine, rk_log_mode mode, rk_error *error) {
    const rk_host *host = &engine->host;
    engine->writable = mode != RK_LOG_EXAMINE;
    return host->store->open(host->path, mode, host->memory, host->crypto, host->listener, &engine->log, error);
}

static rk_status check_filled(rk_engine *engine, rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    rk_bytes account;
    rk_status status = engine->host.store->meta_get(engine->log, &arena, RK_TEXT("account"), &account, error);
    rk_arena_free(&arena);
    if (status != RK_NOT_FOUND) return status;
    rk_fail(error, RK_NO_DATABASE, engine->host.path, "making it was ended before there was an account");
    rk_error_hint(error, "run `reaktor init` again");
    return RK_NO_DATABASE;
}

static rk_status open_existing(rk_engine *engine, rk_log_mode mode, rk_error *error) {
    RK_TRY(open_log(engine, mode, error));
    RK_TRY(check_filled(engine, error));
    RK_TRY(refresh(engine, error));
    RK_TRY(read_identity(engine, error));
    return RK_OK;
}

rk_status rk_engine_open(const rk_host *host, rk_log_mode mode, rk_engine **engine_out, rk_error *error) {
    RK_TRY(new_engine(host, engine_out, error));
    rk_status status = open_existing(*engine_out, mode, error);
    if (status == RK_OK) return RK_OK;
    rk_engine_close(*engine_out);
    *engine_out = NULL;
    return status;
}

rk_status rk_engine_info_get(rk_engine *engine, rk_engine_info *info_out, rk_error *error) {
    *info_out = (rk_engine_info){.name = engine->name,
                                 .account = engine->account,
                                 .log = engine->log_id,
                                 .truth = engine->truth,
                                 .replica = engine->replica};
    return engine->host.store->head(engine->log, &info_out->head, error);
}

/* ---- making ---- */

rk_status rki_identity_put(rk_engine *engine, bool truth, rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    const uint8_t role = truth;
    rk_status status = put(engine, "account", rk_hash_bytes(&engine->account), error);
    if (status == RK_OK) status = put(engine, "log", rk_bytes_of(engine->log_id.bytes, RK_LOG_ID_SIZE), error);
    if (status == RK_OK) status = put(engine, "name", engine->name, error);
    if (status == RK_OK) status = put(engine, "truth", rk_bytes_of(&role, 1), error);
    if (status == RK_OK) status = rki_meta_put_u64(engine, "epoch", truth, error);
    if (status == RK_OK) status = rki_meta_put_u64(engine, "generation", 1, error);
    if (status == RK_OK) status = rki_replica_renew(engine, 0, error);
    if (status == RK_OK) status = keep_place(engine, &arena, true, error);
    rk_arena_free(&arena);
    engine->settled = true;
    engine->truth = truth;
    engine->epoch = truth;
    engine->generation = 1;
    return status;
}

/* A log that an earlier making left without an account, because it was ended there, is filled now. */
static rk_status open_unfilled(rk_engine *engine, rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    rk_bytes account;
    rk_error exists = error ? *error : (rk_error){.code = RK_OK};
    RK_TRY(open_log(engine, RK_LOG_READ_WRITE, error));
    rk_status status = engine->host.store->meta_get(engine->log, &arena, RK_TEXT("account"), &account, error);
    rk_arena_free(&arena);
    if (status == RK_NOT_FOUND) return RK_OK;
    if (error) *error = exists;
    return RK_DATABASE_EXISTS;
}

static rk_status create(rk_engine *engine, const void *what, rk_error *error,
                        rk_status (*fill)(rk_engine *, const void *, rk_error *)) {
    rk_status opened = open_log(engine, RK_LOG_CREATE, error);
    if (opened == RK_DATABASE_EXISTS) opened = open_unfilled(engine, error);
    RK_TRY(opened);
    RK_TRY(engine->host.store->begin(engine->log, true, error));
    rk_status status = fill(engine, what, error);
    if (status == RK_OK) return rki_commit(engine, error);
    rki_rollback(engine);
    return status;
}

rk_status rki_engine_make(const rk_host *host, const void *what,
                          rk_status (*fill)(rk_engine *, const void *, rk_error *), rk_engine **engine_out,
                          rk_error *error) {
    RK_TRY(new_engine(host, engine_out, error));
    rk_status status = create(*engine_out, what, error, fill);
    if (status == RK_OK) return RK_OK;
    rk_engine_close(*engine_out);
    *engine_out = NULL;
    return status;
}
