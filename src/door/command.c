/*
 * What the commands share.
 */
#include "door/command.h"

#include <string.h>

#include "io/crypto.h"
#include "io/keys.h"

rk_status rki_cli_opened(rk_cli *cli, rk_error *error) {
    return rk_engine_info_get(cli->engine, &cli->info, error);
}

rk_status rki_cli_open(rk_cli *cli, rk_log_mode mode, rk_error *error) {
    RK_TRY(rk_door_host_init(&cli->host, cli->world->store, cli->data, cli->arguments.json, &cli->arena, error));
    RK_TRY(rk_engine_open(&cli->host.host, mode, &cli->engine, error));
    return rki_cli_opened(cli, error);
}

const char *rki_option(const rk_cli *cli, const char *name) {
    return rk_arguments_option(&cli->arguments, name);
}

rk_status rki_option_number(const rk_cli *cli, const char *name, bool *there_out, uint64_t *number_out,
                            rk_error *error) {
    const char *text = rki_option(cli, name);
    *there_out = text != NULL;
    return text ? rk_number_read(text, name, number_out, error) : RK_OK;
}

rk_status rki_cli_word(const rk_cli *cli, size_t index, rk_bytes *text_out, rk_error *error) {
    *text_out = rk_bytes_of_string(cli->arguments.words[index]);
    return rk_utf8_valid(*text_out) ? RK_OK : rk_fail(error, RK_BAD_TEXT, NULL, "an argument is not valid UTF-8");
}

static rk_status only_actor(rk_cli *cli, rk_bytes *actor_out, rk_error *error) {
    const rk_bytes *actors = NULL;
    size_t count = 0;
    RK_TRY(rk_keys_actors(cli->host.data, &cli->arena, &actors, &count, error));
    if (count == 1) {
        *actor_out = actors[0];
        return RK_OK;
    }
    rk_fail(error, count ? RK_USAGE : RK_NO_KEY, NULL,
            count ? "this device holds the keys of several actors" : "this device holds no actor's key");
    rk_error_hint(error, "say who acts with --as ACTOR");
    return count ? RK_USAGE : RK_NO_KEY;
}

rk_status rki_cli_actor(rk_cli *cli, rk_bytes *actor_out, rk_error *error) {
    const char *as = rki_option(cli, "--as");
    *actor_out = as ? rk_bytes_of_string(as) : RK_TEXT("owner");
    if (as && !rk_utf8_valid(*actor_out)) return rk_fail(error, RK_BAD_TEXT, "--as", "the name is not valid UTF-8");
    if (as || cli->info.truth) return RK_OK;
    return only_actor(cli, actor_out, error);
}

rk_status rki_cli_read_as(rk_cli *cli, rk_error *error) {
    rk_bytes actor;
    rk_key_pair pair;
    const rk_host *host = &cli->host.host;
    RK_TRY(rki_cli_actor(cli, &actor, error));
    RK_TRY(host->key_get(host->context, RK_OWNER_ACTOR, actor, &pair, error));
    rk_secret_wipe(&pair, sizeof pair);
    return rk_engine_read_as(cli->engine, actor, error);
}

rk_status rki_cli_submit(rk_cli *cli, rk_bytes entity, const char *type, const rk_value *data, rk_entry *entry_out,
                         rk_error *error) {
    rk_bytes actor;
    rk_entry *entries = NULL;
    const rk_intent intent = {.entity = entity, .type = rk_bytes_of_string(type), .data = *data};
    RK_TRY(rki_cli_actor(cli, &actor, error));
    RK_TRY(rk_engine_submit(cli->engine, actor, NULL, &intent, 1, &cli->arena, &entries, error));
    *entry_out = entries[0];
    return RK_OK;
}

void rki_pair_add(rk_pair *pairs, size_t *count, const char *name, rk_value value) {
    pairs[(*count)++] = (rk_pair){rk_string(rk_bytes_of_string(name)), value};
}

rk_value rki_hex_value(rk_arena *arena, rk_bytes bytes) {
    char *hex = rk_arena_take_array(arena, bytes.size, 2);
    if (!hex) return rk_null();
    rk_hex_write(bytes, hex);
    return rk_string(rk_bytes_of(hex, bytes.size * 2));
}

/* ---- names of entities ---- */

typedef struct name_list {
    rk_arena *arena;
    rk_bytes *names;
    size_t count;
    size_t capacity;
    rk_error *error;
} name_list;

static rk_status add_name(void *context, rk_bytes entity, uint64_t version) {
    name_list *list = context;
    (void)version;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        rk_bytes *names =
            rk_arena_grow(list->arena, list->names, list->capacity * sizeof *names, capacity * sizeof *names);
        if (!names) return rk_fail(list->error, RK_NO_MEMORY, NULL, "no memory for the names");
        list->names = names;
        list->capacity = capacity;
    }
    if (rk_arena_copy(list->arena, entity, &list->names[list->count]) != RK_OK) {
        return rk_fail(list->error, RK_NO_MEMORY, NULL, "no memory for the names");
    }
    list->count++;
    return RK_OK;
}

rk_status rki_entity_names(rk_cli *cli, rk_bytes prefix, const rk_bytes **names_out, size_t *count_out,
                           rk_error *error) {
    name_list list = {.arena = &cli->arena, .error = error};
    rk_status status = rk_engine_entities(cli->engine, prefix, add_name, &list, error);
    *names_out = list.names;
    *count_out = list.count;
    return status;
}
