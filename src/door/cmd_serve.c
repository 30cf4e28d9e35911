/*
 * The server from the command line: serve, token, sign, login.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "door/command.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/limits.h"

enum {
    PORT_DEFAULT = 4200,
    THREADS_LEAST = 4,
    THREADS_MOST = 8,
    WRITERS_DEFAULT = 4,
    TOKEN_SECONDS = 3600,
    BODY_SIZE_MAX = 64 << 20
};
enum { CHALLENGE_TEXT_MAX = 64 << 10 };

/* The option, else the environment's REAKTOR_NAME, else the default. */
static rk_status number_of(const rk_cli *cli, const char *option, const char *variable, uint64_t least, uint64_t most,
                           uint64_t *number, rk_error *error) {
    const char *text = rki_option(cli, option), *what = option;
    if (!text) {
        text = getenv(variable);
        what = variable;
    }
    if (!text) return RK_OK;
    RK_TRY(rk_number_read(text, what, number, error));
    if (*number >= least && *number <= most) return RK_OK;
    return rk_fail(error, RK_USAGE, what, "it is from %u to %u", least, most);
}

static const char *text_of(const rk_cli *cli, const char *option, const char *variable, const char *otherwise) {
    const char *text = rki_option(cli, option);
    if (!text) text = getenv(variable);
    return text ? text : otherwise;
}

/* What one address may. This machine's own are counted when one of both is said. */
static rk_status read_limits(const rk_cli *cli, rk_server_options *options, rk_error *error) {
    enum { MANY = 1000000000 };
    options->address_rate = RK_SERVER_ADDRESS_RATE;
    options->address_local = text_of(cli, "--address-rate", "REAKTOR_ADDRESS_RATE", NULL) ||
                             text_of(cli, "--address-connections", "REAKTOR_ADDRESS_CONNECTIONS", NULL);
    RK_TRY(number_of(cli, "--address-rate", "REAKTOR_ADDRESS_RATE", 0, MANY, &options->address_rate, error));
    RK_TRY(number_of(cli, "--address-connections", "REAKTOR_ADDRESS_CONNECTIONS", 1, MANY,
                     &options->address_connections, error));
    return number_of(cli, "--idle-seconds", "REAKTOR_IDLE_SECONDS", 1, 3600, &options->idle_seconds, error);
}

/* "127.0.0.1:9100", "[::1]:9100" */
static rk_status read_metrics(rk_cli *cli, rk_server_options *options, rk_error *error) {
    const char *text = text_of(cli, "--metrics", "REAKTOR_METRICS", NULL), *colon = text ? strrchr(text, ':') : NULL;
    uint64_t port = 0;
    if (!text) return RK_OK;
    if (!colon) return rk_fail(error, RK_USAGE, "--metrics", "\"%s\" is not ADDRESS:PORT", text);
    RK_TRY(rk_number_read(colon + 1, "--metrics", &port, error));
    if (port > 65535) return rk_fail(error, RK_USAGE, "--metrics", "a port is at most 65535");
    bool braces = text[0] == '[' && colon > text && colon[-1] == ']';
    size_t size = (size_t)(colon - text) - 2 * (size_t)braces;
    char *host = rk_arena_take(&cli->arena, size + 1);
    if (!host) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory");
    memcpy(host, text + braces, size);
    options->metrics_address = host;
    options->metrics_port = (uint16_t)port;
    return RK_OK;
}

static rk_status read_log(const rk_cli *cli, rk_server_options *options, rk_error *error) {
    static const char *const names[] = {"faults", "text", "json", "none"};
    const char *format = text_of(cli, "--log", "REAKTOR_LOG", NULL), *each = getenv("REAKTOR_LOG_REQUESTS");
    options->log_requests = rki_option(cli, "--log-requests") || (each && strcmp(each, "1") == 0);
    options->log = RK_SERVER_LOG_FAULTS;
    for (size_t i = 1; format && i < sizeof names / sizeof *names; i++) {
        if (strcmp(format, names[i]) == 0) options->log = (rk_server_log)i;
    }
    if (format && options->log == RK_SERVER_LOG_FAULTS) {
        return rk_fail(error, RK_USAGE, "--log", "\"%s\" is not text, json or none", format);
    }
    if (rki_option(cli, "--log-requests") && options->log != RK_SERVER_LOG_TEXT && options->log != RK_SERVER_LOG_JSON) {
        return rk_fail(error, RK_USAGE, "--log-requests", "it goes with --log text or --log json");
    }
    return RK_OK;
}

static rk_status read_tls(const rk_cli *cli, rk_server_options *options, rk_error *error) {
    options->tls_cert = text_of(cli, "--tls-cert", "REAKTOR_TLS_CERT", NULL);
    options->tls_key = text_of(cli, "--tls-key", "REAKTOR_TLS_KEY", NULL);
    if (!options->tls_cert == !options->tls_key) return RK_OK;
    return rk_fail(error, RK_USAGE, options->tls_cert ? "--tls-key" : "--tls-cert",
                   "it is missing: a certificate and its key go together");
}

/* One for each processor, within bounds: a few at least, so that what takes long holds up few others. */
static uint64_t threads_default(void) {
    uint64_t count = rk_limits_processors();
    if (count < THREADS_LEAST) return THREADS_LEAST;
    return count < THREADS_MOST ? count : THREADS_MOST;
}

rk_status rki_cmd_serve(rk_cli *cli, rk_error *error) {
    uint64_t port = PORT_DEFAULT, threads = threads_default(), writers = WRITERS_DEFAULT;
    RK_TRY(number_of(cli, "--port", "REAKTOR_PORT", 0, 65535, &port, error));
    RK_TRY(number_of(cli, "--threads", "REAKTOR_THREADS", 1, 64, &threads, error));
    RK_TRY(number_of(cli, "--writers", "REAKTOR_WRITERS", 1, 16, &writers, error));
    uint64_t accounts_max = RK_SERVER_ACCOUNTS_MAX;
    RK_TRY(number_of(cli, "--accounts-max", "REAKTOR_ACCOUNTS_MAX", 0, 1000000, &accounts_max, error));
    const char *create = text_of(cli, "--create", "REAKTOR_CREATE", "nobody");
    if (strcmp(create, "anyone") != 0 && strcmp(create, "nobody") != 0) {
        return rk_fail(error, RK_USAGE, "--create", "\"%s\" is not anyone or nobody", create);
    }
    rk_server_options options = {.data = cli->data,
                                 .create = strcmp(create, "anyone") == 0,
                                 .accounts_max = accounts_max,
                                 .address = text_of(cli, "--listen", "REAKTOR_LISTEN", "127.0.0.1"),
                                 .port = (uint16_t)port,
                                 .threads = (unsigned)threads,
                                 .writers = (unsigned)writers,
                                 .store = cli->world->store,
                                 .json = cli->arguments.json};
    RK_TRY(read_limits(cli, &options, error));
    RK_TRY(read_metrics(cli, &options, error));
    RK_TRY(read_log(cli, &options, error));
    RK_TRY(read_tls(cli, &options, error));
    return cli->world->server->serve(&options, error);
}

rk_status rki_cmd_token(rk_cli *cli, rk_error *error) {
    uint64_t seconds = TOKEN_SECONDS;
    rk_bytes actor, token, account = RK_TEXT("default");
    const char *name = rki_option(cli, "--account");
    const rk_server_options options = {.data = cli->data, .store = cli->world->store, .json = cli->arguments.json};
    RK_TRY(rki_cli_word(cli, 0, &actor, error));
    if (name) account = rk_bytes_of_string(name);
    RK_TRY(number_of(cli, "--seconds", "REAKTOR_TOKEN_SECONDS", 1, 24 * 60 * 60, &seconds, error));
    RK_TRY(cli->world->server->token(&options, account, actor, seconds, &cli->arena, &token, error));
    if (!cli->arguments.json) {
        rki_out_bytes(token);
        rki_out("\n");
        return RK_OK;
    }
    rki_object object;
    rki_object_start(&object);
    rki_object_text(&object, "token", token);
    return rki_object_finish(&object, error);
}

/* ---- sign ---- */

static rk_status read_body(rk_cli *cli, rk_bytes *body_out, rk_error *error) {
    *body_out = (rk_bytes){NULL, 0};
    if (cli->arguments.word_count < 3) return RK_OK;
    const char *word = cli->arguments.words[2];
    if (word[0] == '@') return rk_file_read(&cli->arena, word + 1, BODY_SIZE_MAX, body_out, error);
    *body_out = rk_bytes_of_string(word);
    return RK_OK;
}

rk_status rki_cmd_sign(rk_cli *cli, rk_error *error) {
    rk_bytes method, url, body, actor, lines;
    rk_key_pair pair;
    RK_TRY(rki_cli_word(cli, 0, &method, error));
    RK_TRY(rki_cli_word(cli, 1, &url, error));
    RK_TRY(read_body(cli, &body, error));
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    RK_TRY(rki_cli_actor(cli, &actor, error));
    const rk_host *host = &cli->host.host;
    RK_TRY(host->key_get(host->context, RK_OWNER_ACTOR, actor, &pair, error));
    RK_TRY(cli->world->server->sign(&pair, actor, method, url, body, &cli->arena, &lines, error));
    rki_out_bytes(lines);
    return RK_OK;
}

/* ---- login ---- */

/* {"challenge": base64}, as the server answered it. */
static rk_status read_challenge(rk_cli *cli, rk_bytes *challenge_out, rk_error *error) {
    rk_bytes text;
    rk_value body;
    RK_TRY(rk_file_read(&cli->arena, "-", CHALLENGE_TEXT_MAX, &text, error));
    RK_TRY(rk_json_read(&cli->arena, text, &body, error));
    const rk_value *challenge = rk_map_find(&body, RK_TEXT("challenge"));
    if (!challenge || challenge->kind != RK_STRING) {
        const rk_value *code = rk_map_find(&body, RK_TEXT("code"));
        bool refused = code && code->kind == RK_STRING;
        return rk_fail(error, RK_BAD_CHALLENGE, "standard input", "there is no \"challenge\" in it%s%b",
                       refused ? ", but a refusal: " : "", refused ? code->as.bytes : (rk_bytes){NULL, 0});
    }
    rk_status status = rk_base64_read(&cli->arena, challenge->as.bytes, challenge_out);
    if (status == RK_OK) return RK_OK;
    return rk_fail(error, status == RK_NO_MEMORY ? status : RK_BAD_CHALLENGE, "challenge", "it is no base64");
}

/* The key, and the account that it may log in to: of the database, or as the options say. */
static rk_status login_key(rk_cli *cli, rk_bytes actor, rk_key_pair *pair_out, rk_hash *account_out, rk_error *error) {
    const char *file = rki_option(cli, "--key"), *id = rki_option(cli, "--id");
    if (!file != !id) return rk_fail(error, RK_USAGE, NULL, "--key and --id go together");
    if (file) {
        if (!rk_hex_read(rk_bytes_of_string(id), account_out->bytes, RK_HASH_SIZE)) {
            return rk_fail(error, RK_USAGE, "--id", "it is not 64 digits of hex");
        }
        return rki_key_file_read(cli, file, pair_out, error);
    }
    RK_TRY(rki_cli_open(cli, RK_LOG_READ_WRITE, error));
    const rk_host *host = &cli->host.host;
    *account_out = cli->info.account;
    return host->key_get(host->context, RK_OWNER_ACTOR, actor, pair_out, error);
}

rk_status rki_cmd_login(rk_cli *cli, rk_error *error) {
    rk_bytes actor, challenge, answer, encoded;
    rk_buffer buffer;
    rk_key_pair pair;
    rk_hash account;
    RK_TRY(rki_cli_word(cli, 0, &actor, error));
    RK_TRY(login_key(cli, actor, &pair, &account, error));
    RK_TRY(read_challenge(cli, &challenge, error));
    rk_status status = cli->world->server->answer(&pair, &account, actor, challenge, &cli->arena, &answer, error);
    rk_secret_wipe(pair.seed, sizeof pair.seed);
    RK_TRY(status);
    rk_buffer_init(&buffer, &cli->arena, CHALLENGE_TEXT_MAX);
    rk_base64_append(&buffer, answer);
    if (rk_buffer_finish(&buffer, &encoded) != RK_OK) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory");
    rki_object object;
    rki_object_start(&object);
    rki_object_text(&object, "answer", encoded);
    return rki_object_finish(&object, error);
}
