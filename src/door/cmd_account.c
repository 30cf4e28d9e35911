/*
 * Accounts, devices, actors: init, invite, actor add, actor list.
 */
#include <string.h>

#include "door/command.h"
#include "door/import_file.h"
#include "io/crypto.h"
#include "io/folder.h"
#include "io/keys.h"

/* ---- the folder of a new database ---- */

static const char *const parts[] = {"log.db", "log.db-wal", "log.db-shm", "head", "home"};

static bool is_fresh(const char *data) {
    char path[RK_PATH_SIZE_MAX];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (rk_path_join(path, data, parts[i], NULL) != RK_OK || rk_file_there(path)) return false;
    }
    return rk_path_join(path, data, "keys", NULL) == RK_OK && !rk_file_there(path);
}

rk_status rki_folder_begin(rk_cli *cli, rki_beginning *beginning_out, rk_error *error) {
    RK_TRY(rk_folder_make(cli->data, 0700, &beginning_out->made, error));
    beginning_out->fresh = is_fresh(cli->data);
    return rk_door_host_init(&cli->host, cli->world->store, cli->data, cli->arguments.json, &cli->arena, error);
}

static void remove_key(void *context, const char *name) {
    rk_keys_remove(context, name);
}

void rki_folder_undo(rk_cli *cli, const rki_beginning *beginning) {
    char path[RK_PATH_SIZE_MAX];
    rk_engine_close(cli->engine);
    cli->engine = NULL;
    if (!beginning->fresh || !cli->host.data[0]) return;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (rk_path_join(path, cli->host.data, parts[i], NULL) == RK_OK) rk_file_remove(path);
    }
    if (rk_path_join(path, cli->host.data, "keys", NULL) == RK_OK &&
        rk_folder_list(path, remove_key, cli->host.data, NULL) == RK_OK) {
        rk_folder_remove(path);
    }
    if (beginning->made) rk_folder_remove(cli->host.data);
}

/* ---- init ---- */

static rk_status print_database(rk_cli *cli, rk_bytes actor, rk_error *error) {
    const rk_engine_info *info = &cli->info;
    rk_bytes folder = rk_bytes_of_string(cli->host.data);
    if (cli->arguments.json) {
        rki_object object;
        rki_object_start(&object);
        rki_object_text(&object, "account", info->name);
        rki_object_hex(&object, "id", rk_hash_bytes(&info->account));
        rki_object_hex(&object, "log", rk_bytes_of(info->log.bytes, RK_LOG_ID_SIZE));
        rki_object_bool(&object, "truth", info->truth);
        rki_object_text(&object, "actor", actor);
        rki_object_text(&object, "folder", folder);
        return rki_object_finish(&object, error);
    }
    rki_out("account  %b\n", info->name);
    rki_out("id       %x\n", rk_hash_bytes(&info->account));
    rki_out("actor    %b%s\n", actor, info->truth ? " (role admin), who acts where --as is absent" : "");
    rki_out("folder   %b, %s\n", folder,
            info->truth ? "the truth of this account" : "a device: its truth is elsewhere");
    rki_out("\nnext\n%s",
            info->truth ? "    reaktor module add examples/modules/profile.json\n"
                          "    reaktor append profile/ann rename '{\"name\": \"Ann\"}'\n"
                          "    reaktor help\n"
                        : "    reaktor module list\n"
                          "    reaktor pending\n"
                          "    reaktor export to-truth.jsonl    then import it at the truth, and its export here\n");
    return RK_OK;
}

static rk_status init_truth(rk_cli *cli, rk_error *error) {
    const char *name = rki_option(cli, "--account");
    rk_bytes account = name ? rk_bytes_of_string(name) : RK_TEXT("default");
    RK_TRY(rk_engine_create(&cli->host.host, account, &cli->engine, error));
    RK_TRY(rki_cli_opened(cli, error));
    return print_database(cli, RK_TEXT("owner"), error);
}

static rk_status join_from(rk_cli *cli, rk_import_file *file, rk_error *error) {
    rk_import_report report;
    const rk_invitation *invitation = &file->invitation;
    if (!file->has_invitation) {
        return rk_fail(error, RK_BAD_FILE, file->lines.path, "it is an export, and holds no invitation");
    }
    rk_hash account = rk_sha256(rk_crypto_sodium(), rk_key_bytes(&invitation->root_key));
    if (!rk_hash_equal(&account, &file->account)) {
        return rk_fail(error, RK_BAD_FILE, file->lines.path, "the invitation's root key is not the account's");
    }
    RK_TRY(rk_engine_create_device(&cli->host.host, invitation, &file->log, &cli->engine, error));
    RK_TRY(rk_import_file_feed(file, cli->engine, &report, error));
    RK_TRY(rk_engine_join(cli->engine, invitation, error));
    RK_TRY(rki_cli_opened(cli, error));
    return print_database(cli, invitation->actor, error);
}

static rk_status init_device(rk_cli *cli, const char *path, rk_error *error) {
    rk_import_file file;
    rk_status status = rk_import_file_open(&file, &cli->arena, rk_crypto_sodium(), path, error);
    if (status == RK_OK) status = join_from(cli, &file, error);
    rk_secret_wipe(file.invitation.seed, sizeof file.invitation.seed);
    rk_import_file_close(&file);
    return status;
}

rk_status rki_cmd_init(rk_cli *cli, rk_error *error) {
    rki_beginning beginning = {.made = false};
    const char *join = rki_option(cli, "--join");
    if (join && rki_option(cli, "--account")) {
        return rk_fail(error, RK_USAGE, NULL,
                       "a device joins the account that invited it: --account and --join exclude each other");
    }
    rk_status status = rki_folder_begin(cli, &beginning, error);
    if (status == RK_OK) status = join ? init_device(cli, join, error) : init_truth(cli, error);
    if (status != RK_OK) rki_folder_undo(cli, &beginning);
    return status;
}

/* ---- invite ---- */

static rk_status write_invitation(rk_cli *cli, rk_bytes actor, rk_file_writer *writer, rk_error *error) {
    rk_invitation invitation;
    rk_bytes as;
    uint64_t frames = 0;
    RK_TRY(rki_cli_actor(cli, &as, error));
    RK_TRY(rk_engine_invite(cli->engine, actor, as, &invitation, error));
    rk_status status = rki_export_write(cli, writer, 0, &invitation, &frames, error);
    rk_secret_wipe(&invitation.seed, sizeof invitation.seed);
    return status;
}

rk_status rki_cmd_invite(rk_cli *cli, rk_error *error) {
    rk_file_writer writer;
    rk_bytes actor;
    const char *path = cli->arguments.words[1];
    RK_TRY(rki_cli_word(cli, 0, &actor, error));
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rk_file_writer_open(&writer, path, 0600, error)); /* first, so that no invitation is lost */
    rk_status status = write_invitation(cli, actor, &writer, error);
    if (status != RK_OK) {
        rk_file_writer_abort(&writer);
        return status;
    }
    RK_TRY(rk_file_writer_finish(&writer, error));
    if (strcmp(path, "-") == 0) return RK_OK;
    if (cli->arguments.json) {
        rki_object object;
        rki_object_start(&object);
        rki_object_text(&object, "actor", actor);
        rki_object_text(&object, "file", rk_bytes_of_string(path));
        return rki_object_finish(&object, error);
    }
    rki_out("%s lets one other database join as %b. It holds a private key: carry it like a password.\n", path, actor);
    rki_out("\nthere\n    reaktor init --join %s\n", path);
    return RK_OK;
}

/* ---- actor add ---- */

static rk_status roles_value(rk_cli *cli, rk_value *roles_out, rk_error *error) {
    const rk_arguments *arguments = &cli->arguments;
    rk_value *items = rk_arena_take_array(&cli->arena, arguments->given_count, sizeof *items);
    size_t count = 0;
    if (!items) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the roles");
    for (size_t i = 0; i < arguments->given_count; i++) {
        if (strcmp(arguments->given[i].option->name, "--role") != 0) continue;
        rk_bytes role = rk_bytes_of_string(arguments->given[i].value);
        if (!rk_utf8_valid(role)) return rk_fail(error, RK_BAD_TEXT, "--role", "the role is not valid UTF-8");
        items[count++] = rk_string(role);
    }
    *roles_out = rk_list(items, count);
    return RK_OK;
}

/* The key that the actor will have: one that an earlier try left, else a new one. */
static rk_status provide_key(rk_cli *cli, rk_bytes name, rk_key_pair *pair_out, bool *made_out, rk_error *error) {
    const rk_host *host = &cli->host.host;
    uint8_t seed[RK_SEED_SIZE];
    *made_out = false;
    rk_status status = host->key_get(host->context, RK_OWNER_ACTOR, name, pair_out, error);
    if (status != RK_NO_KEY) return status;
    rk_random_bytes(seed, sizeof seed);
    host->crypto->key_pair_of_seed(seed, pair_out);
    rk_secret_wipe(seed, sizeof seed);
    *made_out = true;
    return host->key_put(host->context, RK_OWNER_ACTOR, name, pair_out, error);
}

static rk_status submit_actor(rk_cli *cli, rk_bytes name, rk_value key, rk_entry *entry_out, rk_error *error) {
    const char *kind = rki_option(cli, "--kind");
    rk_value roles, data;
    rk_actor_kind known;
    rk_bytes kind_name = kind ? rk_bytes_of_string(kind) : RK_TEXT("user");
    size_t count = 0;
    rk_pair *pairs = rk_arena_take_array(&cli->arena, 3, sizeof *pairs);
    RK_TRY(roles_value(cli, &roles, error));
    if (rk_actor_kind_of_name(kind_name, &known) != RK_OK) {
        return rk_fail(error, RK_USAGE, "--kind", "\"%b\" is not user, bot, system or device", kind_name);
    }
    if (!pairs) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the actor");
    rki_pair_add(pairs, &count, "kind", rk_string(kind_name));
    rki_pair_add(pairs, &count, "roles", roles);
    rki_pair_add(pairs, &count, "key", key);
    rk_status status = rk_map_value(&cli->arena, pairs, count, &data);
    if (status != RK_OK) return rk_fail(error, status, NULL, "no memory for the actor");
    return rki_cli_submit(cli, rk_arena_format(&cli->arena, "actor/%b", name), "add", &data, entry_out, error);
}

rk_status rki_cmd_actor_add(rk_cli *cli, rk_error *error) {
    rk_bytes name;
    rk_key_pair pair;
    rk_entry entry;
    bool made = false;
    RK_TRY(rki_cli_word(cli, 0, &name, error));
    if (!rk_label_valid(name, RK_ACTOR_SIZE_MAX)) {
        return rk_fail(error, RK_BAD_ID, NULL, "\"%b\" is no name for an actor", name);
    }
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(provide_key(cli, name, &pair, &made, error));
    rk_secret_wipe(pair.seed, sizeof pair.seed);
    rk_value key = rki_hex_value(&cli->arena, rk_key_bytes(&pair.public_key));
    rk_status status = submit_actor(cli, name, key, &entry, error);
    int exit = rk_status_exit(status);
    if (made && (exit == 1 || exit == 2)) { /* refused: nobody will need this key */
        char file[RK_KEY_FILE_SIZE_MAX];
        rk_keys_file_of_actor(rk_crypto_sodium(), name, file);
        rk_keys_remove(cli->host.data, file);
    }
    RK_TRY(status);
    if (cli->arguments.json) return rki_print_entry(cli, &entry, error);
    rki_out("added %b; its key is %b\n", name, key.as.bytes);
    return RK_OK;
}

/* ---- actor list ---- */

static bool has_key(rk_cli *cli, rk_bytes name) {
    rk_key_pair pair;
    const rk_host *host = &cli->host.host;
    bool there = host->key_get(host->context, RK_OWNER_ACTOR, name, &pair, NULL) == RK_OK;
    rk_secret_wipe(&pair, sizeof pair);
    return there;
}

static size_t count_keys(const rk_value *keys, rk_bytes status) {
    size_t count = 0;
    for (size_t i = 0; keys && keys->kind == RK_MAP && i < keys->as.map.count; i++) {
        count += rk_is_text(&keys->as.map.pairs[i].value, status);
    }
    return count;
}

static void print_roles(const rk_value *roles) {
    char line[256];
    size_t size = 0;
    line[0] = 0;
    for (size_t i = 0; roles && roles->kind == RK_LIST && i < roles->as.list.count; i++) {
        const rk_value *role = &roles->as.list.items[i];
        if (role->kind != RK_STRING) continue;
        size += rk_format(line + size, sizeof line - size, size ? ", %b" : "%b", role->as.bytes);
    }
    rki_out_cell(size ? rk_bytes_of(line, size) : RK_TEXT("-"), 20);
}

static rk_status print_actor(rk_cli *cli, rk_bytes name, const rk_value *state, rk_error *error) {
    static const rk_value none = {.kind = RK_NULL};
    const rk_value *kind = rk_map_find(state, RK_TEXT("kind")), *roles = rk_map_find(state, RK_TEXT("roles")),
                   *keys = rk_map_find(state, RK_TEXT("keys"));
    bool here = has_key(cli, name);
    if (cli->arguments.json) {
        rki_object object;
        rki_object_start(&object);
        rki_object_text(&object, "actor", name);
        rki_object_value(&object, "kind", kind ? kind : &none);
        rki_object_value(&object, "roles", roles ? roles : &none);
        rki_object_value(&object, "keys", keys ? keys : &none);
        rki_object_bool(&object, "here", here);
        return rki_object_finish(&object, error);
    }
    rki_out_cell(name, 20);
    rki_out_cell(kind && kind->kind == RK_STRING ? kind->as.bytes : RK_TEXT("-"), 7);
    print_roles(roles);
    rki_out("%u active, %u invited%s\n", (uint64_t)count_keys(keys, RK_TEXT("active")),
            (uint64_t)count_keys(keys, RK_TEXT("invitation")), here ? ", key here" : "");
    return RK_OK;
}

rk_status rki_cmd_actor_list(rk_cli *cli, rk_error *error) {
    const rk_bytes *names = NULL;
    size_t count = 0;
    const rk_at now = {.kind = RK_AT_NOW};
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rki_entity_names(cli, RK_TEXT("actor/"), &names, &count, error));
    if (!cli->arguments.json) rki_out("%s\n", "ACTOR                 KIND     ROLES                 KEYS");
    for (size_t i = 0; i < count; i++) {
        rk_reading reading;
        RK_TRY(rk_engine_get(cli->engine, names[i], &now, &cli->arena, &reading, error));
        RK_TRY(print_actor(cli, rk_bytes_from(names[i], strlen("actor/")), &reading.state, error));
    }
    return RK_OK;
}
