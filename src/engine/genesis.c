/*
 * How an account begins: the genesis of a truth, the empty database of a device, invitations.
 */
#include <string.h>

#include "engine/inner.h"

/* ---- small makers of values ---- */

static rk_value hex_value(rk_arena *arena, rk_bytes bytes) {
    char *hex = rk_arena_take(arena, bytes.size * 2);
    if (!hex) return rk_null();
    rk_hex_write(bytes, hex);
    return rk_string(rk_bytes_of(hex, bytes.size * 2));
}

static rk_status map_of(rk_arena *arena, const rk_pair *pairs, size_t count, rk_value *map_out) {
    rk_pair *copy = rk_arena_take_array(arena, count, sizeof *copy);
    if (!copy) return RK_NO_MEMORY;
    if (count) memcpy(copy, pairs, count * sizeof *copy);
    return rk_map_value(arena, copy, count, map_out);
}

static rk_pair member(const char *name, rk_value value) {
    return (rk_pair){rk_string(rk_bytes_of_string(name)), value};
}

static void new_pair(rk_engine *engine, rk_key_pair *pair_out) {
    uint8_t seed[RK_SEED_SIZE];
    engine->host.random(engine->host.context, seed, sizeof seed);
    engine->host.crypto->key_pair_of_seed(seed, pair_out);
}

/* The pair that is kept under this name, as after a making that was ended halfway, or a new one that is kept now. */
static rk_status provide_pair(rk_engine *engine, rk_key_owner owner, rk_bytes actor, rk_key_pair *pair_out,
                              rk_error *error) {
    const rk_host *host = &engine->host;
    rk_status status = host->key_get(host->context, owner, actor, pair_out, error);
    if (status != RK_NO_KEY) return status;
    new_pair(engine, pair_out);
    return host->key_put(host->context, owner, actor, pair_out, error);
}

/* ---- the genesis ---- */

enum { GENESIS_EVENTS = 3, GENESIS_SIZE_MAX = 64 << 10 };

static rk_status founding_data(const rk_founding *founding, rk_arena *arena, rk_value *data_out) {
    rk_pair versions[8];
    rk_bytes name, cbor;
    size_t count = 0;
    while (count < 8 && rk_module_builtin(count, &name, &cbor)) {
        versions[count] = (rk_pair){rk_string(name), rk_int(1)};
        count++;
    }
    rk_value modules;
    RK_TRY(map_of(arena, versions, count, &modules));
    const rk_pair pairs[] = {
        member("name", rk_string(founding->name)),
        member("log", hex_value(arena, rk_bytes_of(founding->log.bytes, RK_LOG_ID_SIZE))),
        member("truth_key", hex_value(arena, rk_key_bytes(&founding->truth.public_key))),
        member("modules", modules),
    };
    return map_of(arena, pairs, 4, data_out);
}

static rk_status actor_data(rk_arena *arena, const char *kind, const char *role, const rk_key *key,
                            rk_value *data_out) {
    rk_value *roles = rk_arena_take(arena, sizeof *roles);
    if (!roles) return RK_NO_MEMORY;
    *roles = rk_string(rk_bytes_of_string(role));
    const rk_pair pairs[] = {member("kind", rk_string(rk_bytes_of_string(kind))), member("roles", rk_list(roles, 1)),
                             member("key", hex_value(arena, rk_key_bytes(key)))};
    return map_of(arena, pairs, 3, data_out);
}

static rk_status make_leaves(const rk_founding *founding, rk_arena *arena, rk_leaf leaves[GENESIS_EVENTS]) {
    static const char *const modules[] = {"account", "actor", "actor"}, *const types[] = {"found", "add", "add"};
    const rk_bytes entities[] = {founding->name, RK_TEXT("owner"), RK_TEXT("truth")};
    rk_stamp clock = 0;
    for (size_t i = 0; i < GENESIS_EVENTS; i++) {
        clock = rk_stamp_next(clock, founding->now_ms);
        leaves[i].kind = RK_LEAF_EVENT;
        leaves[i].event = (rk_event){.id = {clock, founding->replica},
                                     .module = rk_bytes_of_string(modules[i]),
                                     .module_version = 1,
                                     .entity = entities[i],
                                     .type = rk_bytes_of_string(types[i]),
                                     .actor = RK_TEXT("owner"),
                                     .actor_kind = RK_ACTOR_USER};
    }
    RK_TRY(founding_data(founding, arena, &leaves[0].event.data));
    RK_TRY(actor_data(arena, "user", "admin", &founding->owner_key, &leaves[1].event.data));
    RK_TRY(actor_data(arena, "system", "truth", &founding->truth.public_key, &leaves[2].event.data));
    for (size_t i = 0; i < GENESIS_EVENTS; i++) {
        RK_TRY(rk_event_encode(arena, &leaves[i].event, &leaves[i].bytes));
    }
    return RK_OK;
}

static rk_status encode_leaves(rk_arena *arena, const rk_leaf leaves[GENESIS_EVENTS], rk_bytes *bytes_out) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, GENESIS_SIZE_MAX);
    rk_cbor_append_head(&buffer, 4, GENESIS_EVENTS);
    for (size_t i = 0; i < GENESIS_EVENTS; i++) {
        rk_cbor_append_head(&buffer, 4, 2);
        rk_cbor_append_bytes(&buffer, rk_bytes_of(leaves[i].salt, RK_SALT_SIZE));
        rk_cbor_append_bytes(&buffer, leaves[i].bytes);
    }
    return rk_buffer_finish(&buffer, bytes_out);
}

/* Salts come from the truth key's secret: the root key's is not here. */
static rk_status make_draft(rk_arena *arena, const rk_crypto *crypto, const rk_founding *founding, rk_draft *draft) {
    static const uint32_t transactions[GENESIS_EVENTS] = {1, 1, 1};
    uint8_t secret[RK_SECRET_SIZE];
    rk_leaf leaves[GENESIS_EVENTS] = {{.kind = RK_LEAF_EVENT}};
    rk_batch batch = {.header = {.account = rk_sha256(crypto, rk_key_bytes(&founding->root_key)),
                                 .log = founding->log,
                                 .replica = founding->replica,
                                 .number = 1,
                                 .sealer = RK_SEALER_ROOT},
                      .leaves = leaves,
                      .leaf_count = GENESIS_EVENTS,
                      .transactions = transactions,
                      .transaction_count = GENESIS_EVENTS};
    RK_TRY(make_leaves(founding, arena, leaves));
    rki_batch_secret(crypto, &founding->truth, &batch.header, secret);
    RK_TRY(rk_batch_prepare(arena, crypto, &founding->root_key, secret, &batch, &draft->to_sign));
    return encode_leaves(arena, leaves, &draft->leaves);
}

rk_status rk_founding_draft(rk_arena *arena, const rk_crypto *crypto, const rk_founding *founding, rk_draft *draft_out,
                            rk_error *error) {
    if (!rk_label_valid(founding->name, RK_NAME_SIZE_MAX)) {
        return rk_fail(error, RK_BAD_ID, NULL, "\"%b\" is no name for an account", founding->name);
    }
    rk_status status = make_draft(arena, crypto, founding, draft_out);
    return status == RK_OK ? RK_OK : rk_fail(error, status, "genesis", "it could not be made");
}

rk_status rk_founding_seal(rk_arena *arena, const rk_draft *draft, const uint8_t signature[RK_SIGNATURE_SIZE],
                           rk_bytes *genesis_out, rk_error *error) {
    rk_buffer buffer;
    rk_bytes seal;
    RK_TRY(rk_cose_of_signed(arena, draft->to_sign, signature, &seal, error));
    rk_buffer_init(&buffer, arena, 2 * GENESIS_SIZE_MAX);
    rk_cbor_append_head(&buffer, 4, 2);
    rk_cbor_append_bytes(&buffer, seal);
    rk_buffer_append(&buffer, draft->leaves);
    rk_status status = rk_buffer_finish(&buffer, genesis_out);
    return status == RK_OK ? RK_OK : rk_fail(error, status, "genesis", "it could not be written");
}

static bool read_hex(const rk_value *map, rk_bytes name, uint8_t *out, size_t size) {
    const rk_value *value = rk_map_find(map, name);
    return value && value->kind == RK_STRING && rk_hex_read(value->as.bytes, out, size);
}

/* What the events say; whether they say it as they must is seen by making them anew. */
static bool read_events(const rk_batch *batch, rk_founding *founding) {
    const rk_event *found = &batch->leaves[0].event, *owner = &batch->leaves[1].event;
    founding->name = found->entity;
    founding->root_key = batch->header.sealing_key;
    founding->log = batch->header.log;
    founding->replica = batch->header.replica;
    founding->now_ms = rk_stamp_ms(found->id.stamp);
    return rk_label_valid(founding->name, RK_NAME_SIZE_MAX) && founding->replica != 0 &&
           read_hex(&found->data, RK_TEXT("truth_key"), founding->truth.public_key.bytes, RK_KEY_SIZE) &&
           read_hex(&owner->data, RK_TEXT("key"), founding->owner_key.bytes, RK_KEY_SIZE);
}

static rk_status open_genesis(rk_arena *arena, const rk_crypto *crypto, rk_bytes genesis, rk_batch *batch,
                              rk_founding *founding, rk_error *error) {
    rk_leaf leaves[GENESIS_EVENTS] = {{.kind = RK_LEAF_EVENT}};
    memset(founding, 0, sizeof *founding);
    RK_TRY(rk_batch_open(arena, crypto, genesis, batch, error));
    rk_hash account = rk_sha256(crypto, rk_key_bytes(&batch->header.sealing_key));
    bool good = batch->header.sealer == RK_SEALER_ROOT && batch->header.number == 1 &&
                rk_hash_equal(&account, &batch->header.account) && batch->leaf_count == GENESIS_EVENTS &&
                batch->transaction_count == GENESIS_EVENTS;
    for (size_t i = 0; i < GENESIS_EVENTS && good; i++) good = batch->leaves[i].kind == RK_LEAF_EVENT;
    if (!good || !read_events(batch, founding)) return rk_fail(error, RK_BAD_BATCH, "genesis", "it is none");
    rk_status status = make_leaves(founding, arena, leaves);
    if (status != RK_OK) return rk_fail(error, status, "genesis", "no memory to check it");
    for (size_t i = 0; i < GENESIS_EVENTS && good; i++) {
        good = rk_bytes_equal(leaves[i].bytes, batch->leaves[i].bytes);
    }
    return good ? RK_OK : rk_fail(error, RK_BAD_BATCH, "genesis", "its events are not those of a genesis");
}

rk_status rk_founding_read(rk_arena *arena, const rk_crypto *crypto, rk_bytes genesis, rk_founding *founding_out,
                           rk_error *error) {
    rk_batch batch;
    return open_genesis(arena, crypto, genesis, &batch, founding_out, error);
}

/* ---- the truth's first write ---- */

/* Writes down who this is, and what it was founded as. */
static rk_status put_founding(rk_engine *engine, const rk_founding *founding, rk_error *error) {
    engine->account = rk_sha256(engine->host.crypto, rk_key_bytes(&founding->root_key));
    engine->log_id = founding->log;
    if (rk_arena_copy(&engine->arena, founding->name, &engine->name) != RK_OK)
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory");
    engine->truth_key = founding->truth.public_key;
    engine->has_truth_key = true;
    return rki_identity_put(engine, true, error);
}

static rk_status commit_genesis(rk_engine *engine, rk_bytes genesis, rk_arena *arena, rk_error *error) {
    static const uint8_t all[] = {0xE0};
    rk_founding founding;
    rk_batch batch;
    RK_TRY(open_genesis(arena, engine->host.crypto, genesis, &batch, &founding, error));
    engine->clock = batch.leaves[GENESIS_EVENTS - 1].event.id.stamp;
    rk_stamp stamp = rk_stamp_next(0, engine->host.now_ms(engine->host.context));
    return rki_batch_commit(engine, &batch, rk_bytes_of(all, 1), NULL, stamp, arena, error);
}

/* With all three secrets at hand: the draft is signed at once. */
static rk_status sign_genesis(rk_engine *engine, const rk_founding *founding, const rk_key_pair *root, rk_arena *arena,
                              rk_error *error) {
    uint8_t signature[RK_SIGNATURE_SIZE];
    rk_draft draft;
    rk_bytes genesis;
    RK_TRY(rk_founding_draft(arena, engine->host.crypto, founding, &draft, error));
    engine->host.crypto->sign(root, draft.to_sign, signature);
    RK_TRY(rk_founding_seal(arena, &draft, signature, &genesis, error));
    return commit_genesis(engine, genesis, arena, error);
}

static rk_status fill_truth(rk_engine *engine, const void *what, rk_error *error) {
    const rk_bytes *name = what, nobody = {NULL, 0};
    rk_founding founding = {.name = *name};
    rk_key_pair root, owner;
    RK_TRY(provide_pair(engine, RK_OWNER_ROOT, nobody, &root, error));
    RK_TRY(provide_pair(engine, RK_OWNER_TRUTH, nobody, &founding.truth, error));
    RK_TRY(provide_pair(engine, RK_OWNER_ACTOR, RK_TEXT("owner"), &owner, error));
    founding.root_key = root.public_key;
    founding.owner_key = owner.public_key;
    engine->host.random(engine->host.context, founding.log.bytes, RK_LOG_ID_SIZE);
    RK_TRY(put_founding(engine, &founding, error));
    founding.replica = engine->replica;
    founding.now_ms = engine->host.now_ms(engine->host.context);
    rk_arena arena = rki_call_arena(engine);
    rk_status status = sign_genesis(engine, &founding, &root, &arena, error);
    rk_arena_free(&arena);
    return status;
}

rk_status rk_engine_create(const rk_host *host, rk_bytes account_name, rk_engine **engine_out, rk_error *error) {
    *engine_out = NULL;
    if (!rk_label_valid(account_name, RK_NAME_SIZE_MAX)) {
        return rk_fail(error, RK_BAD_ID, NULL, "\"%b\" is no name for an account", account_name);
    }
    return rki_engine_make(host, &account_name, fill_truth, engine_out, error);
}

/* ---- a truth whose root key is elsewhere ---- */

static rk_status found(rk_engine *engine, rk_bytes genesis, rk_arena *arena, rk_error *error) {
    const rk_host *host = &engine->host;
    rk_founding founding;
    rk_key_pair truth;
    RK_TRY(rk_founding_read(arena, host->crypto, genesis, &founding, error));
    RK_TRY(host->key_get(host->context, RK_OWNER_TRUTH, (rk_bytes){NULL, 0}, &truth, error));
    if (!rk_key_equal(&truth.public_key, &founding.truth.public_key)) {
        return rk_fail(error, RK_NO_KEY, "genesis", "its truth key is not the one that is here");
    }
    RK_TRY(put_founding(engine, &founding, error));
    engine->replica = founding.replica;
    RK_TRY(rki_meta_put_u64(engine, "replica", engine->replica, error));
    return commit_genesis(engine, genesis, arena, error);
}

static rk_status fill_founded(rk_engine *engine, const void *what, rk_error *error) {
    rk_arena arena = rki_call_arena(engine);
    rk_status status = found(engine, *(const rk_bytes *)what, &arena, error);
    rk_arena_free(&arena);
    return status;
}

rk_status rk_engine_create_founded(const rk_host *host, rk_bytes genesis, rk_engine **engine_out, rk_error *error) {
    return rki_engine_make(host, &genesis, fill_founded, engine_out, error);
}

/* ---- devices ---- */

typedef struct device {
    const rk_invitation *invitation;
    const rk_log_id *log;
} device;

static rk_status fill_device(rk_engine *engine, const void *what, rk_error *error) {
    const device *device = what;
    engine->account = rk_sha256(engine->host.crypto, rk_key_bytes(&device->invitation->root_key));
    engine->log_id = *device->log;
    return rki_identity_put(engine, false, error);
}

rk_status rk_engine_create_device(const rk_host *host, const rk_invitation *invitation, const rk_log_id *log,
                                  rk_engine **engine_out, rk_error *error) {
    device device = {invitation, log};
    return rki_engine_make(host, &device, fill_device, engine_out, error);
}

static rk_bytes actor_entity(rk_arena *arena, rk_bytes actor) {
    return rk_arena_format(arena, "actor/%b", actor);
}

rk_status rk_engine_join(rk_engine *engine, const rk_invitation *invitation, rk_error *error) {
    rk_key_pair own, vouching;
    rk_entry *entries = NULL;
    RK_TRY(provide_pair(engine, RK_OWNER_ACTOR, invitation->actor, &own, error));
    engine->host.crypto->key_pair_of_seed(invitation->seed, &vouching);
    rk_arena arena = rki_call_arena(engine);
    const rk_pair pairs[] = {member("invitation", hex_value(&arena, rk_key_bytes(&vouching.public_key))),
                             member("key", hex_value(&arena, rk_key_bytes(&own.public_key)))};
    rk_intent intent = {.entity = actor_entity(&arena, invitation->actor), .type = RK_TEXT("join")};
    rk_status status = map_of(&arena, pairs, 2, &intent.data);
    if (status != RK_OK) rk_fail(error, status, "join", "no memory");
    if (status == RK_OK) {
        status = rk_engine_submit(engine, invitation->actor, &vouching, &intent, 1, &arena, &entries, error);
    }
    rk_arena_free(&arena);
    return status;
}

/* The root key is what the genesis was sealed with: its secret may be elsewhere. */
static rk_status root_key(rk_engine *engine, rk_arena *arena, rk_key *key_out, rk_error *error) {
    const rk_log_ops *store = engine->host.store;
    rk_bytes bytes;
    rk_record record;
    rk_stored_batch stored;
    rk_batch batch;
    RK_TRY(store->record(engine->log, arena, 1, &bytes, error));
    RK_TRY(rk_record_open(arena, engine->host.crypto, bytes, &record, error));
    RK_TRY(store->batch(engine->log, arena, record.replica, record.batch_number, &stored, error));
    RK_TRY(rk_batch_open_seal(arena, engine->host.crypto, stored.seal, &batch, error));
    rk_hash account = rk_sha256(engine->host.crypto, rk_key_bytes(&batch.header.sealing_key));
    if (!rk_hash_equal(&account, &engine->account)) {
        return rk_fail(error, RK_CORRUPT, "genesis", "it is not sealed by the account's root key");
    }
    *key_out = batch.header.sealing_key;
    return RK_OK;
}

rk_status rk_engine_invite(rk_engine *engine, rk_bytes actor, rk_bytes as, rk_invitation *invitation_out,
                           rk_error *error) {
    rk_key_pair vouching;
    rk_key root;
    rk_entry *entries = NULL;
    if (!engine->truth) return rk_fail(error, RK_NOT_TRUTH, "invite", "only the truth invites");
    new_pair(engine, &vouching);
    rk_arena arena = rki_call_arena(engine);
    const rk_pair pair = member("key", hex_value(&arena, rk_key_bytes(&vouching.public_key)));
    rk_intent intent = {.entity = actor_entity(&arena, actor), .type = RK_TEXT("invite")};
    rk_status status = map_of(&arena, &pair, 1, &intent.data);
    if (status != RK_OK) rk_fail(error, status, "invite", "no memory");
    if (status == RK_OK) status = rki_begin(engine, false, error);
    if (status == RK_OK) {
        status = root_key(engine, &arena, &root, error);
        rki_view_end(engine);
    }
    if (status == RK_OK) status = rk_engine_submit(engine, as, NULL, &intent, 1, &arena, &entries, error);
    if (status == RK_OK) {
        *invitation_out = (rk_invitation){.actor = actor, .root_key = root};
        memcpy(invitation_out->seed, vouching.seed, RK_SEED_SIZE);
    }
    rk_arena_free(&arena);
    return status;
}
