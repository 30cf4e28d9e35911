/*
 * The commands in one table, their help, and running one.
 */
#include "door/cli.h"

#include <stdlib.h>
#include <string.h>

#include "door/command.h"
#include "io/memory.h"
#include "io/terminal.h"

enum { COMMAND_SIZE_MAX = 1 << 30, OPTION_COLUMN = 22 };

static rk_status run_help(rk_cli *cli, rk_error *error);

#define AS_OPTION \
    { "--as", "ACTOR", false, "who acts; its key must lie in DATA/keys (default: owner)" }
#define OPTIONS_END \
    { NULL, NULL, false, NULL }

static const rk_option init_options[] = {
    {"--account", "NAME", false, "the new account's name (default: default)"},
    {"--join", "FILE", false, "make a device of the account that invited with FILE"},
    OPTIONS_END,
};
static const rk_option as_options[] = {AS_OPTION, OPTIONS_END};
static const rk_option actor_options[] = {
    {"--kind", "KIND", false, "user, bot, system or device (default: user)"},
    {"--role", "ROLE", true, "a role it has; may be given many times"},
    AS_OPTION,
    OPTIONS_END,
};
static const rk_option check_options[] = {
    {"--schema-cases", NULL, false, "FILE holds cases of JSON Schema, as the official suite has them: run those"},
    OPTIONS_END,
};
static const rk_option append_options[] = {
    AS_OPTION,
    {"--expect", "VERSION", false, "only if the entity is at this version; 0: only if it is not there"},
    {"--batch", "FILE", false, "one transaction of many events, one a line: {entity, type, data?, expect?}"},
    OPTIONS_END,
};
static const rk_option diff_options[] = {
    AS_OPTION,
    {"--from", "WHEN", false, "the earlier moment: an event id, a time or a version; 0 is before its first event"},
    {"--to", "WHEN", false, "the later moment (default: now)"},
    OPTIONS_END,
};
static const rk_option get_options[] = {
    AS_OPTION,
    {"--at", "WHEN", false, "an event id (26 letters), a time (RFC 3339, or a date) or a version (a number)"},
    OPTIONS_END,
};
static const rk_option log_options[] = {
    AS_OPTION,
    {"--after", "POSITION", false, "start behind this position (default: 0)"},
    {"--limit", "N", false, "at most this many events"},
    {"--follow", NULL, false, "go on and print new events as they come, until interrupted"},
    OPTIONS_END,
};
static const rk_option serve_options[] = {
    {"--listen", "ADDRESS", false, "the address to listen on (REAKTOR_LISTEN; default: 127.0.0.1)"},
    {"--port", "PORT", false, "its port; 0: any that is free (REAKTOR_PORT; default: 4200)"},
    {"--threads", "N", false,
     "threads that receive and answer (REAKTOR_THREADS; default: one a processor, from 4 to 8)"},
    {"--writers", "N", false, "threads that commit (REAKTOR_WRITERS; default: 4)"},
    {"--create", "WHO", false, "who may make accounts: anyone or nobody (REAKTOR_CREATE; default: nobody)"},
    {"--accounts-max", "N", false, "with so many, no more are made (REAKTOR_ACCOUNTS_MAX; default: 10000)"},
    {"--tls-cert", "FILE", false, "serve HTTPS with this certificate and its chain, PEM (REAKTOR_TLS_CERT)"},
    {"--tls-key", "FILE", false, "and its key, PEM (REAKTOR_TLS_KEY)"},
    {"--address-rate", "N", false,
     "requests a second of one address, 0: no bound (REAKTOR_ADDRESS_RATE; default: 5000, this machine not counted)"},
    {"--address-connections", "N", false,
     "connections of one address (REAKTOR_ADDRESS_CONNECTIONS; default: three in four, this machine not counted)"},
    {"--idle-seconds", "N", false, "without a byte, then a connection is closed (REAKTOR_IDLE_SECONDS; default: 60)"},
    {"--metrics", "ADDRESS:PORT", false, "give counts to Prometheus there, at /metrics (REAKTOR_METRICS; default: no)"},
    {"--log", "FORMAT", false,
     "say what happens as json or text; none: not even faults (REAKTOR_LOG; default: faults)"},
    {"--log-requests", NULL, false, "with --log: say each request, too (REAKTOR_LOG_REQUESTS=1)"},
    OPTIONS_END,
};
static const rk_option health_options[] = {
    {"--url", "URL", false, "http://ADDRESS:PORT (default: http://127.0.0.1:4200, or the port of REAKTOR_PORT)"},
    OPTIONS_END,
};
static const rk_option token_options[] = {
    {"--account", "NAME", false, "the account (default: default)"},
    {"--seconds", "N", false, "how long it is good for, a day at most (default: 3600, or REAKTOR_TOKEN_SECONDS)"},
    OPTIONS_END,
};
static const rk_option login_options[] = {
    {"--key", "FILE", false, "the key is in this file instead; no database is needed"},
    {"--id", "HEX", false, "with --key: the id of the account that the challenge has to be of"},
    OPTIONS_END,
};
static const rk_option quota_options[] = {
    {"--events", "N", false, "events in the log"},
    {"--bytes", "N", false, "bytes of these events"},
    {"--requests", "N", false, "requests a second"},
    {"--none", NULL, false, "no bounds at all"},
    OPTIONS_END,
};
static const rk_option query_options[] = {
    AS_OPTION,
    {"--where", "CEL", false, "only entities for which it is true: state.FIELD, entity.id, actor.id, now"},
    {"--order", "FIELDS", false, "FIELD,-FIELD: ascending, descending; ties by id (default: by id)"},
    {"--limit", "N", false, "at most this many rows; a full page ends with a cursor"},
    {"--after", "CURSOR", false, "the page after the one that printed this cursor"},
    {"--select", "FIELDS", false, "FIELD,FIELD: only these fields"},
    {"--explain", NULL, false, "say how the answer is found, instead of the answer"},
    OPTIONS_END,
};
static const rk_option expr_options[] = {
    {"--vars", "JSON", false, "the variables: {\"name\": value}, or @FILE"},
    {"--cases", "FILE", false, "run conformance cases instead of an expression"},
    OPTIONS_END,
};
static const rk_option export_options[] = {
    {"--after", "POSITION", false, "only what the log got behind this position (default: 0)"},
    OPTIONS_END,
};
static const rk_option import_options[] = {
    {"--trace", "TRACE", false, "a gzipped editing trace; the argument is then the MODULE/ID that gets it"},
    OPTIONS_END,
};

/* name, arguments, help, detail, example, how many arguments, options, function */
static const rk_command commands[] = {
    {"init", "", "make an account, or with --join a device of one",
     "Makes the folder DATA. A new account has its truth here, and the actor `owner` with the role admin, who acts\n"
     "where --as is absent. With --join the folder becomes a device: it works offline, and its events wait until a "
     "file\n"
     "has carried them to the truth and the truth's answer back.\n",
     "reaktor init --account shop\n    reaktor init --data ./phone --join ann.invite", 0, 0, init_options,
     rki_cmd_init},
    {"invite", "ACTOR FILE", "write the file that lets another database join as ACTOR",
     "FILE holds the account's log so far and a private key that can be used once: carry it like a password.\n",
     "reaktor invite ann ann.invite", 2, 2, as_options, rki_cmd_invite},
    {"actor add", "NAME", "add somebody who may act",
     "Makes a key pair, keeps it in DATA/keys, and adds the actor to the account. Needs the role admin.\n",
     "reaktor actor add ann --role writer", 1, 1, actor_options, rki_cmd_actor_add},
    {"actor list", "", "list who may act, with roles and keys", NULL, "reaktor actor list", 0, 0, NULL,
     rki_cmd_actor_list},
    {"module check", "FILE", "check a module and say what was understood",
     "Needs no database. Every finding names its place in the file as a JSON pointer. With --schema-cases each case "
     "takes\n"
     "the way of an event's data; what fails is printed, then how many cases were refused by which word that modules "
     "do\n"
     "not have, then how many passed and failed.\n",
     "reaktor module check examples/modules/profile.json\n    reaktor module check --schema-cases multipleOf.json", 1,
     1, check_options, rki_cmd_module_check},
    {"module add", "FILE", "publish a module, or its next version",
     "A version may add fields and event types; what stands in the log keeps its meaning. Needs the role admin.\n",
     "reaktor module add examples/modules/profile.json", 1, 1, as_options, rki_cmd_module_add},
    {"module list", "", "list the published modules", NULL, "reaktor module list", 0, 0, NULL, rki_cmd_module_list},
    {"module show", "NAME[@V]", "show a module's fields and event types; with --json its source", NULL,
     "reaktor module show profile\n    reaktor module show profile@1 --json", 1, 1, NULL, rki_cmd_module_show},
    {"append", "MODULE/ID TYPE [DATA]", "add an event to an entity",
     "DATA is JSON text, @FILE for a file that holds it, or absent for {}. With --batch there are no other arguments:\n"
     "all lines of FILE (- for standard input) are one transaction, accepted as a whole or not at all. A line is an "
     "event,\n"
     "a version that an entity must be at ({\"entity\": ..., \"expect\": N}), or a condition over entities that the "
     "log must\n"
     "meet before the events: {\"require\": \"states['stock/tea'].level >= 5\"}.\n",
     "reaktor append profile/ann rename '{\"name\": \"Ann\"}'\n"
     "    reaktor append --batch edits.jsonl --as ann",
     0, 3, append_options, rki_cmd_append},
    {"get", "MODULE/ID", "print an entity's state, now or at any past point",
     "--at takes an event id (the log up to and including it), a time (what was committed by then) or a version.\n",
     "reaktor get profile/ann\n    reaktor get profile/ann --at 2026-01-31T12:00:00Z", 1, 1, get_options, rki_cmd_get},
    {"diff", "MODULE/ID", "print what is different in an entity between two moments",
     "A moment is what --at of `reaktor get` takes. A line for each change: where it is (a JSON pointer), and what "
     "was\n"
     "there before and after; of a text that merges its edits [at, delete, text], of a set the members that went and "
     "came.\n",
     "reaktor diff profile/ann --from 3\n    reaktor diff profile/ann --from 2026-01-31 --to 2026-02-28 --json", 1, 1,
     diff_options, rki_cmd_diff},
    {"log", "[MODULE/ID]", "print events in order, of one entity or of all",
     "Events of this device that the truth has not judged yet stand last, without a position.\n",
     "reaktor log profile/ann --limit 10\n    reaktor log --follow --json", 0, 1, log_options, rki_cmd_log},
    {"query", "MODULE", "find the entities of a module",
     "The filter is CEL. Fields that the module declares with \"index\": true are found without reading every entity.\n"
     "An entity on which the filter fails, such as one without the field, does not match.\n",
     "reaktor query profile --where 'state.name.startsWith(\"A\") && \"vip\" in state.tags' --limit 20\n"
     "    reaktor query profile --order -views,name --select name,views",
     1, 1, query_options, rki_cmd_query},
    {"export", "FILE", "write what this database knows to a file that another can import",
     "A truth writes what it has committed; a device writes what waits for the truth as well. - is standard output.\n",
     "reaktor export to-truth.jsonl\n    reaktor export - --after 120 > later.jsonl", 1, 1, export_options,
     rki_cmd_export},
    {"import", "FILE", "take a file that another database exported",
     "Any number of times, its lines in any order: what is known already changes nothing. A truth judges what devices\n"
     "offer; a device takes what the truth has committed. - is standard input.\n",
     "reaktor import from-phone.jsonl\n    reaktor import --trace trace.json.gz document/paper", 1, 1, import_options,
     rki_cmd_import},
    {"pending", "", "list what waits for the truth, and what it refused, with reasons", NULL, "reaktor pending", 0, 0,
     NULL, rki_cmd_pending},
    {"backup", "FILE", "write all of a truth to a file, while others use it",
     "FILE (- for standard output) holds the log of one moment, the state hash of each entity, and the secret keys of\n"
     "DATA/keys: keep it like these.\n",
     "reaktor backup monday.backup", 1, 1, NULL, rki_cmd_backup},
    {"restore", "FILE", "make a truth from its backup, in an empty folder",
     "Every record is checked from the genesis on, and every state against its hash. The truth goes on in a new "
     "epoch;\n"
     "devices that know later events roll back and offer their own again.\n",
     "reaktor restore monday.backup --data ./restored", 1, 1, NULL, rki_cmd_restore},
    {"replay", "[MODULE/ID]", "fold everything again beside the stored states",
     "Changes nothing. Exit code 3 when a state is not what its events fold to, with its name.\n",
     "reaktor replay\n    reaktor replay document/paper", 0, 1, NULL, rki_cmd_replay},
    {"verify", "", "check every hash, chain, signature, record and position",
     "Reads on past damage, and names all of it. Exit code 3 when there is any.\n", "reaktor verify", 0, 0, NULL,
     rki_cmd_verify},
    {"serve", "", "serve the accounts of this folder over HTTP until told to stop",
     "DATA is one database, served as the account `default`, or has databases under accounts/NAME. See docs/api.md.\n",
     "reaktor serve\n    curl -H \"Authorization: Bearer $(reaktor token owner)\" http://127.0.0.1:4200/v1/default", 0,
     0, serve_options, rki_cmd_serve},
    {"health", "", "say whether a server takes requests; exit code 0 when it does",
     "Needs no database. It is what a container's health check asks. The address is in figures, or localhost; http "
     "only.\n",
     "reaktor health\n    reaktor health --url http://127.0.0.1:4300", 0, 0, health_options, rki_cmd_health},
    {"token", "ACTOR", "make a bearer token for an actor, for the server of this folder",
     "DATA is the folder that the server serves. Whoever may read it may act as anybody in it; the token is for those\n"
     "who may not. It goes into the header Authorization: Bearer TOKEN.\n",
     "reaktor token ann --seconds 600\n    reaktor token owner --account shop --data srv", 1, 1, token_options,
     rki_cmd_token},
    {"sign", "METHOD URL [BODY]", "print the header lines that sign a request for the server",
     "The request is then good for two minutes, and once. BODY is text, @FILE for a file that holds it, or absent. "
     "With\n"
     "the key of an actor on any machine: the server needs to know its public half only (RFC 9421).\n",
     "reaktor sign GET http://127.0.0.1:4200/v1/default --as ann |\n"
     "        curl -H @- http://127.0.0.1:4200/v1/default",
     2, 3, as_options, rki_cmd_sign},
    {"login", "ACTOR", "answer a server's challenge with a key that lies in DATA/keys",
     "Reads the answer of POST /v1/ACCOUNT/sessions/challenge on standard input, and prints the body for POST\n"
     "/v1/ACCOUNT/sessions, whose answer has the tokens. The key is used for a challenge of DATA's account and of "
     "that\n"
     "actor only; the server needs its public half alone.\n",
     "curl -d '{\"actor\": \"ann\"}' -H 'Content-Type: application/json' $URL/v1/default/sessions/challenge |\n"
     "        reaktor login ann | curl -d @- -H 'Content-Type: application/json' $URL/v1/default/sessions",
     1, 1, login_options, rki_cmd_login},
    {"found request", "ROOT OWNER", "begin an account on a server: print what to ask it with",
     "The files ROOT and OWNER hold the account's root key and its owner's first key; those that are missing are\n"
     "made. Both stay here: the server gets their public halves. Keep the root key offline: it is the account.\n",
     "reaktor found request root.key owner.key | curl -T - -H 'Content-Type: application/json' $URL/v1/shop |\n"
     "        reaktor found sign root.key owner.key shop |\n"
     "        curl -T - -H 'Content-Type: application/json' $URL/v1/shop",
     2, 2, NULL, rki_cmd_found_request},
    {"found sign", "ROOT OWNER NAME", "sign the server's draft of an account, after checking it",
     "Reads the draft on standard input. It is signed when it is the genesis of an account of that NAME and of these "
     "two\n"
     "keys, and nothing else stands in it.\n",
     "reaktor found sign root.key owner.key shop < draft.json", 3, 3, NULL, rki_cmd_found_sign},
    {"quota", "", "show an account's quota, or set it",
     "DATA is the account's own folder, accounts/NAME of a server's. With options the quota is what they say; what "
     "none\n"
     "of them says has no bound. Signed with the truth's key, which whoever runs the server has: the account's own\n"
     "actors cannot change it.\n",
     "reaktor quota --events 1000000 --requests 50\n    reaktor --data srv/accounts/shop quota", 0, 0, quota_options,
     rki_cmd_quota},
    {"expr", "[EXPRESSION]", "print what a CEL expression gives",
     "Needs no database. Names and types are looked at when they are needed. What JSON has no word for prints as\n"
     "{\"bytes\": hex}, {\"timestamp\": text}, {\"duration\": text}, {\"type\": name}, {\"double\": \"NaN\"} (or "
     "Infinity),\n"
     "{\"optional\": [value]} and, without a value, {\"optional\": []}; a map's key that is no text as its text. "
     "--json\n"
     "prints {\"value\", \"type\"}. FILE is a JSON list of {section, name, expr, bindings, value or error}; each case "
     "that\n"
     "fails is a line, the last line counts, and the exit code is 1 when any failed. An expression that begins with -\n"
     "stands behind --.\n",
     "reaktor expr 'items.filter(i, i > limit).size()' --vars '{\"items\": [1, 5], \"limit\": 2}'\n"
     "    reaktor expr 'timestamp(\"2026-07-01T12:00:00Z\").getHours(\"Europe/Berlin\")'\n"
     "    reaktor expr --cases cases.json",
     0, 1, expr_options, rki_cmd_expr},
    {"help", "[COMMAND]", "print this, or the help of one command", NULL, "reaktor help append", 0, 2, NULL, run_help},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL},
};

/* ---- help ---- */

static const char introduction[] = "reaktor: an event-sourced database in one program.\n"
                                   "\n"
                                   "An account has one truth, a folder that accepts or refuses every event, and any\n"
                                   "number of devices, folders that work offline and hand their events to it.\n"
                                   "\n"
                                   "    reaktor COMMAND [ARGUMENTS] [OPTIONS]\n"
                                   "\n";

static const char start[] =
    "options of every command, before or after it\n"
    "  --data DIR            the database's folder (default: $REAKTOR_DATA, or ./reaktor-data)\n"
    "  --json                print for programs: one JSON object a line\n"
    "  --help, --version\n"
    "\n"
    "to begin, or `make run` for a server that is filled\n"
    "    reaktor init\n"
    "    reaktor module add examples/modules/profile.json\n"
    "    reaktor append profile/ann rename '{\"name\": \"Ann\"}'\n"
    "    reaktor get profile/ann\n"
    "    reaktor serve\n"
    "    reaktor help append\n"
    "\n"
    "exit code: 0 done, 1 refused, 2 usage, 3 corruption or I/O\n";

static void print_overview(const rk_command *list) {
    rki_out("%s", introduction);
    for (const rk_command *command = list; command->name; command++) {
        char usage[80];
        size_t size = rk_format(usage, sizeof usage, "  %s %s", command->name, command->arguments);
        rki_out_cell(rk_bytes_of(usage, size), 30);
        rki_out("%s\n", command->help);
    }
    rki_out("\n%s", start);
}

static void print_option(const rk_option *option) {
    char name[40];
    size_t size = rk_format(name, sizeof name, option->value ? "  %s %s" : "  %s", option->name, option->value);
    rki_out_cell(rk_bytes_of(name, size), OPTION_COLUMN);
    rki_out("%s\n", option->help);
}

static void print_help(const rk_command *command) {
    rki_out("reaktor %s%s%s%s\n\n    %s.\n", command->name, command->arguments[0] ? " " : "", command->arguments,
            command->options ? " [OPTIONS]" : "", command->help);
    if (command->detail) rki_out("\n%s", command->detail);
    rki_out("\n");
    for (const rk_option *option = command->options; option && option->name; option++) print_option(option);
    if (command->options) rki_out("\n");
    rki_out("example\n    %s\n", command->example);
}

/* The help of a group: "actor" names two commands. */
static bool print_group(const rk_command *list, const char *word) {
    size_t size = strlen(word);
    bool found = false;
    for (const rk_command *command = list; command->name; command++) {
        if (strncmp(command->name, word, size) != 0 || command->name[size] != ' ') continue;
        if (found) rki_out("\n");
        found = true;
        print_help(command);
    }
    return found;
}

static rk_status run_help(rk_cli *cli, rk_error *error) {
    const rk_arguments *arguments = &cli->arguments;
    const char *first = arguments->words[0], *second = arguments->word_count > 1 ? arguments->words[1] : NULL;
    if (arguments->word_count == 0) {
        print_overview(cli->commands);
        return RK_OK;
    }
    const rk_command *command = rk_command_find(cli->commands, first, second);
    if (command) {
        print_help(command);
        return RK_OK;
    }
    if (!second && print_group(cli->commands, first)) return RK_OK;
    return rk_fail(error, RK_USAGE, NULL, "there is no command \"%s%s%s\"", first, second ? " " : "",
                   second ? second : "");
}

/* ---- running ---- */

static rk_status run(rk_cli *cli, rk_error *error) {
    const rk_arguments *arguments = &cli->arguments;
    if (arguments->version) {
        rki_out("reaktor %s\n", RK_VERSION);
        return RK_OK;
    }
    if (arguments->help) {
        if (arguments->command) {
            print_help(arguments->command);
        } else {
            print_overview(cli->commands);
        }
        return RK_OK;
    }
    return arguments->command->run(cli, error);
}

static const char *data_folder(const rk_arguments *arguments) {
    const char *data = arguments->data ? arguments->data : getenv("REAKTOR_DATA");
    return data && data[0] ? data : "./reaktor-data";
}

int rk_cli_run(const rk_cli_world *world, int count, char *const *words) {
    rk_cli cli = {.world = world, .commands = commands};
    rk_error error = {.code = RK_OK}, output_error = {.code = RK_OK};
    rk_streams_prepare();
    rk_arena_init(&cli.arena, rk_memory_system(), COMMAND_SIZE_MAX);
    rk_status status = rk_arguments_read(commands, count, words, &cli.arguments, &error);
    if (status == RK_OK) {
        cli.data = data_folder(&cli.arguments);
        status = run(&cli, &error);
    }
    rk_engine_close(cli.engine);
    rk_arena_free(&cli.arena);
    if (status != RK_OK && error.code == RK_OK) rk_fail(&error, status, NULL, "%s", rk_status_meaning(status));
    if (status != RK_OK) rki_out_error(cli.arguments.json, &error);
    rk_status written = rki_out_finish(&output_error);
    if (status == RK_OK && written != RK_OK) {
        rki_out_error(cli.arguments.json, &output_error);
        status = written;
    }
    return rk_status_exit(status);
}
