/*
 * An account on a server, from keys that stay here: found request, found sign. And a quota for one that is here.
 */
#include <string.h>

#include "base/base64.h"
#include "door/command.h"
#include "io/crypto.h"
#include "io/file.h"

enum { DRAFT_SIZE_MAX = 64 << 10, KEY_TEXT_SIZE = 2 * RK_SEED_SIZE + 1 };

/* ---- key files ---- */

rk_status rki_key_file_read(rk_cli *cli, const char *path, rk_key_pair *pair_out, rk_error *error) {
    uint8_t seed[RK_SEED_SIZE];
    rk_bytes text;
    RK_TRY(rk_file_read(&cli->arena, path, KEY_TEXT_SIZE, &text, error));
    bool good = text.size == KEY_TEXT_SIZE && text.data[KEY_TEXT_SIZE - 1] == '\n' &&
                rk_hex_read((rk_bytes){text.data, KEY_TEXT_SIZE - 1}, seed, sizeof seed);
    if (!good) return rk_fail(error, RK_BAD_FILE, path, "it is not 64 digits of hex and a line end");
    rk_crypto_sodium()->key_pair_of_seed(seed, pair_out);
    rk_secret_wipe(seed, sizeof seed);
    return RK_OK;
}

/* A file that is there is taken as it is, so that a request can be made again. */
static rk_status provide_key(rk_cli *cli, const char *path, rk_key_pair *pair_out, rk_error *error) {
    uint8_t seed[RK_SEED_SIZE];
    char text[KEY_TEXT_SIZE];
    if (rk_file_there(path)) return rki_key_file_read(cli, path, pair_out, error);
    rk_random_bytes(seed, sizeof seed);
    rk_crypto_sodium()->key_pair_of_seed(seed, pair_out);
    rk_hex_write(rk_bytes_of(seed, sizeof seed), text);
    text[KEY_TEXT_SIZE - 1] = '\n';
    rk_status status = rk_file_write_new(path, 0600, rk_bytes_of(text, sizeof text), error);
    rk_secret_wipe(seed, sizeof seed);
    rk_secret_wipe(text, sizeof text);
    return status;
}

/* ---- found request ---- */

rk_status rki_cmd_found_request(rk_cli *cli, rk_error *error) {
    rk_key_pair root, owner;
    rki_object object;
    if (strcmp(cli->arguments.words[0], cli->arguments.words[1]) == 0) {
        return rk_fail(error, RK_USAGE, NULL, "the root key and the owner's are two: give two files");
    }
    RK_TRY(provide_key(cli, cli->arguments.words[0], &root, error));
    RK_TRY(provide_key(cli, cli->arguments.words[1], &owner, error));
    rki_object_start(&object);
    rki_object_hex(&object, "root_key", rk_key_bytes(&root.public_key));
    rki_object_hex(&object, "owner_key", rk_key_bytes(&owner.public_key));
    return rki_object_finish(&object, error);
}

/* ---- found sign ---- */

static rk_status member_text(const rk_value *body, const char *name, rk_bytes *text_out, rk_error *error) {
    const rk_value *value = rk_map_find(body, rk_bytes_of_string(name));
    const rk_value *code = rk_map_find(body, RK_TEXT("code"));
    bool refused = code && code->kind == RK_STRING;
    if (value && value->kind == RK_STRING) {
        *text_out = value->as.bytes;
        return RK_OK;
    }
    return rk_fail(error, RK_BAD_FILE, "standard input", "there is no \"%s\" in it%s%b", name,
                   refused ? ", but a refusal: " : "", refused ? code->as.bytes : (rk_bytes){NULL, 0});
}

static rk_status member_base64(rk_cli *cli, const rk_value *body, const char *name, rk_bytes *bytes_out,
                               rk_error *error) {
    rk_bytes text;
    RK_TRY(member_text(body, name, &text, error));
    rk_status status = rk_base64_read(&cli->arena, text, bytes_out);
    return status == RK_OK ? RK_OK : rk_fail(error, RK_BAD_FILE, name, "it is no base64");
}

/* A signature leaves this process only over a genesis of that name, of these two keys, and byte for byte no other. */
static rk_status check_genesis(rk_cli *cli, const rk_draft *draft, const uint8_t signature[RK_SIGNATURE_SIZE],
                               rk_bytes name, const rk_key *root, const rk_key *owner, rk_error *error) {
    rk_founding founding;
    rk_bytes genesis;
    RK_TRY(rk_founding_seal(&cli->arena, draft, signature, &genesis, error));
    rk_status status = rk_founding_read(&cli->arena, rk_crypto_sodium(), genesis, &founding, error);
    if (status == RK_BAD_SIGNATURE) return rk_fail(error, RK_BAD_FILE, "to_sign", "it is of another root key");
    RK_TRY(status);
    if (!rk_key_equal(&founding.root_key, root)) return rk_fail(error, RK_BAD_FILE, "to_sign", "another root key");
    if (!rk_key_equal(&founding.owner_key, owner)) return rk_fail(error, RK_BAD_FILE, "genesis", "another owner's key");
    if (!rk_bytes_equal(founding.name, name)) return rk_fail(error, RK_BAD_FILE, "genesis", "another account's name");
    return RK_OK;
}

rk_status rki_cmd_found_sign(rk_cli *cli, rk_error *error) {
    uint8_t signature[RK_SIGNATURE_SIZE];
    rk_key_pair root, owner;
    rk_bytes name, text, id, encoded;
    rk_value body;
    rk_draft draft;
    rk_buffer buffer;
    rki_object object;
    RK_TRY(rki_cli_word(cli, 2, &name, error));
    /* First, because whoever comes before it in a pipe may have made the keys only now. */
    RK_TRY(rk_file_read(&cli->arena, "-", DRAFT_SIZE_MAX, &text, error));
    RK_TRY(rk_json_read(&cli->arena, text, &body, error));
    RK_TRY(member_text(&body, "draft", &id, error));
    RK_TRY(member_base64(cli, &body, "to_sign", &draft.to_sign, error));
    RK_TRY(member_base64(cli, &body, "genesis", &draft.leaves, error));
    RK_TRY(rki_key_file_read(cli, cli->arguments.words[0], &root, error));
    RK_TRY(rki_key_file_read(cli, cli->arguments.words[1], &owner, error));
    rk_crypto_sodium()->sign(&root, draft.to_sign, signature);
    rk_secret_wipe(root.seed, sizeof root.seed);
    rk_secret_wipe(owner.seed, sizeof owner.seed);
    RK_TRY(check_genesis(cli, &draft, signature, name, &root.public_key, &owner.public_key, error));
    rk_buffer_init(&buffer, &cli->arena, 2 * RK_SIGNATURE_SIZE);
    rk_base64_append(&buffer, rk_bytes_of(signature, sizeof signature));
    if (rk_buffer_finish(&buffer, &encoded) != RK_OK) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory");
    rki_object_start(&object);
    rki_object_text(&object, "draft", id);
    rki_object_text(&object, "signature", encoded);
    return rki_object_finish(&object, error);
}

/* ---- quota ---- */

static const char *const bounds[] = {"events", "bytes", "requests"};
enum { BOUNDS = 3 };

/* The options that were given, as the event's data. */
static rk_status read_bounds(rk_cli *cli, rk_value *quota_out, bool *any_out, rk_error *error) {
    rk_pair *pairs = rk_arena_take_array(&cli->arena, BOUNDS, sizeof *pairs);
    size_t count = 0;
    if (!pairs) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the quota");
    for (size_t i = 0; i < BOUNDS; i++) {
        char option[16];
        bool there = false;
        uint64_t number = 0;
        rk_format(option, sizeof option, "--%s", bounds[i]);
        RK_TRY(rki_option_number(cli, option, &there, &number, error));
        if (!there) continue;
        if (number > INT64_MAX) return rk_fail(error, RK_USAGE, bounds[i], "it is too large");
        rki_pair_add(pairs, &count, bounds[i], rk_int((int64_t)number));
    }
    *any_out = count > 0 || rki_option(cli, "--none");
    if (count > 0 && rki_option(cli, "--none")) return rk_fail(error, RK_USAGE, "--none", "it stands alone");
    rk_status status = rk_map_value(&cli->arena, pairs, count, quota_out);
    return status == RK_OK ? RK_OK : rk_fail(error, status, NULL, "no memory for the quota");
}

static rk_status set_quota(rk_cli *cli, rk_bytes entity, rk_value quota, rk_error *error) {
    const rk_host *host = &cli->host.host;
    rk_pair member = {rk_string(RK_TEXT("quota")), quota};
    rk_intent intent = {.entity = entity, .type = RK_TEXT("set-quota")};
    rk_key_pair truth;
    rk_entry *entries = NULL;
    intent.data = (rk_value){.kind = RK_MAP, .as.map = {&member, 1}};
    if (!cli->info.truth) return rk_fail(error, RK_NOT_TRUTH, NULL, "a quota is set where the truth is");
    RK_TRY(host->key_get(host->context, RK_OWNER_TRUTH, (rk_bytes){NULL, 0}, &truth, error));
    rk_status status =
        rk_engine_submit(cli->engine, RK_TEXT("truth"), &truth, &intent, 1, &cli->arena, &entries, error);
    rk_secret_wipe(truth.seed, sizeof truth.seed);
    return status;
}

rk_status rki_cmd_quota(rk_cli *cli, rk_error *error) {
    rk_value quota;
    rk_reading reading;
    bool any = false;
    RK_TRY(read_bounds(cli, &quota, &any, error));
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    rk_bytes entity = rk_arena_format(&cli->arena, "account/%b", cli->info.name);
    if (any) RK_TRY(set_quota(cli, entity, quota, error));
    RK_TRY(rk_engine_get(cli->engine, entity, NULL, &cli->arena, &reading, error));
    const rk_value *now = rk_map_find(&reading.state, RK_TEXT("quota"));
    if (cli->arguments.json) {
        rki_object object;
        const rk_value none = {.kind = RK_MAP};
        rki_object_start(&object);
        rki_object_value(&object, "quota", now ? now : &none);
        return rki_object_finish(&object, error);
    }
    for (size_t i = 0; i < BOUNDS; i++) {
        const rk_value *bound = now ? rk_map_find(now, rk_bytes_of_string(bounds[i])) : NULL;
        rki_out_cell(rk_bytes_of_string(bounds[i]), 9);
        if (bound && bound->kind == RK_INT) {
            rki_out("%u\n", (uint64_t)bound->as.integer);
        } else {
            rki_out("no bound\n");
        }
    }
    return RK_OK;
}
