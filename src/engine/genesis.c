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

typedef struct genesis {
    rk_key_pair root;
    rk_key_pair truth;
    rk_key_pair owner;
    rk_event events[3];
    rk_leaf leaves[3];
    uint32_t transactions[3];
} genesis;

static rk_status founding_data(rk_engine *engine, const genesis *genesis, rk_arena *arena, rk_value *data_out) {
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
        member("name", rk_string(engine->name)),
        member("log", hex_value(arena, rk_bytes_of(engine->log_id.bytes, RK_LOG_ID_SIZE))),
        member("truth_key", hex_value(arena, rk_key_bytes(&genesis->truth.public_key))),
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

static rk_status make_events(rk_engine *engine, genesis *genesis, rk_arena *arena) {
    static const char *const modules[] = {"account", "actor", "actor"}, *const types[] = {"found", "add", "add"};
    const rk_bytes entities[] = {engine->name, RK_TEXT("owner"), RK_TEXT("truth")};
    for (size_t i = 0; i < 3; i++) {
        engine->clock = rk_stamp_next(engine->clock, engine->host.now_ms(engine->host.context));
        genesis->events[i] = (rk_event){.id = {engine->clock, engine->replica},
                                        .module = rk_bytes_of_string(modules[i]),
                                        .module_version = 1,
                                        .entity = entities[i],
                                        .type = rk_bytes_of_string(types[i]),
                                        .actor = RK_TEXT("owner"),
                                        .actor_kind = RK_ACTOR_USER};
    }
    RK_TRY(founding_data(engine, genesis, arena, &genesis->events[0].data));
    RK_TRY(actor_data(arena, "user", "admin", &genesis->owner.public_key, &genesis->events[1].data));
    RK_TRY(actor_data(arena, "system", "truth", &genesis->truth.public_key, &genesis->events[2].data));
    for (size_t i = 0; i < 3; i++) {
        genesis->leaves[i].kind = RK_LEAF_EVENT;
        genesis->transactions[i] = 1;
        RK_TRY(rk_event_encode(arena, &genesis->events[i], &genesis->leaves[i].bytes));
    }
    return RK_OK;
}

static rk_status commit_genesis(rk_engine *engine, genesis *genesis, rk_arena *arena, rk_error *error) {
    uint8_t secret[RK_SECRET_SIZE];
    static const uint8_t all[] = {0xE0};
    rk_batch batch = {.header = {.account = engine->account,
                                 .log = engine->log_id,
                                 .replica = engine->replica,
                                 .number = 1,
                                 .sealer = RK_SEALER_ROOT},
                      .leaves = genesis->leaves,
                      .leaf_count = 3,
                      .transactions = genesis->transactions,
                      .transaction_count = 3};
    rki_batch_secret(engine, &genesis->root, &batch.header, secret);
    rk_status status = make_events(engine, genesis, arena);
    if (status == RK_OK) status = rk_batch_seal(arena, engine->host.crypto, &genesis->root, secret, &batch);
    if (status != RK_OK) return rk_fail(error, status, "genesis", "it could not be made");
    for (size_t i = 0; i < 3; i++)
        RK_TRY(rk_event_decode(arena, genesis->leaves[i].bytes, &genesis->leaves[i].event, error));
    rk_stamp stamp = rk_stamp_next(0, engine->host.now_ms(engine->host.context));
    return rki_batch_commit(engine, &batch, rk_bytes_of(all, 1), NULL, stamp, arena, error);
}

static rk_status fill_truth(rk_engine *engine, const void *what, rk_error *error) {
    const rk_bytes *name = what;
    genesis genesis = {.transactions = {0}};
    const rk_bytes nobody = {NULL, 0};
    RK_TRY(provide_pair(engine, RK_OWNER_ROOT, nobody, &genesis.root, error));
    RK_TRY(provide_pair(engine, RK_OWNER_TRUTH, nobody, &genesis.truth, error));
    RK_TRY(provide_pair(engine, RK_OWNER_ACTOR, RK_TEXT("owner"), &genesis.owner, error));
    engine->account = rk_sha256(engine->host.crypto, rk_key_bytes(&genesis.root.public_key));
    engine->host.random(engine->host.context, engine->log_id.bytes, RK_LOG_ID_SIZE);
    if (rk_arena_copy(&engine->arena, *name, &engine->name) != RK_OK)
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory");
    engine->truth_key = genesis.truth.public_key;
    engine->has_truth_key = true;
    RK_TRY(rki_identity_put(engine, true, error));
    rk_arena arena = rki_call_arena(engine);
    rk_status status = commit_genesis(engine, &genesis, &arena, error);
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

rk_status rk_engine_invite(rk_engine *engine, rk_bytes actor, rk_bytes as, rk_invitation *invitation_out,
                           rk_error *error) {
    rk_key_pair root, vouching;
    rk_entry *entries = NULL;
    if (!engine->truth) return rk_fail(error, RK_NOT_TRUTH, "invite", "only the truth invites");
    RK_TRY(engine->host.key_get(engine->host.context, RK_OWNER_ROOT, (rk_bytes){NULL, 0}, &root, error));
    new_pair(engine, &vouching);
    rk_arena arena = rki_call_arena(engine);
    const rk_pair pair = member("key", hex_value(&arena, rk_key_bytes(&vouching.public_key)));
    rk_intent intent = {.entity = actor_entity(&arena, actor), .type = RK_TEXT("invite")};
    rk_status status = map_of(&arena, &pair, 1, &intent.data);
    if (status != RK_OK) rk_fail(error, status, "invite", "no memory");
    if (status == RK_OK) status = rk_engine_submit(engine, as, NULL, &intent, 1, &arena, &entries, error);
    *invitation_out = (rk_invitation){.actor = actor, .root_key = root.public_key};
    memcpy(invitation_out->seed, vouching.seed, RK_SEED_SIZE);
    rk_arena_free(&arena);
    return status;
}
