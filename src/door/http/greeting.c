/*
 * A server's first lines.
 */
#include "door/http/greeting.h"

#include <stdio.h>
#include <string.h>

#include "core/event/event.h"
#include "io/file.h"
#include "io/folder.h"
#include "io/terminal.h"

enum { NAMES_MAX = 5, NAME_ROOM = RK_NAME_SIZE_MAX + 1 };

typedef struct accounts {
    const char *data;
    char names[NAMES_MAX][NAME_ROOM]; /* the first that were found */
    size_t count;
    bool known; /* the folder could be listed */
} accounts;

static void add(accounts *accounts, const char *name) {
    if (accounts->count < NAMES_MAX) rk_format(accounts->names[accounts->count], NAME_ROOM, "%s", name);
    accounts->count++;
}

/* A folder of a name that can be one, with a log in it. */
static void see_account(void *context, const char *name) {
    accounts *accounts = context;
    char path[RK_PATH_SIZE_MAX];
    if (!rk_name_valid(rk_bytes_of_string(name))) return;
    rk_format(path, sizeof path, "%s/accounts/%s/log.db", accounts->data, name);
    if (rk_file_there(path)) add(accounts, name);
}

static void find_accounts(const char *data, accounts *accounts) {
    char path[RK_PATH_SIZE_MAX];
    rk_error aside;
    memset(accounts, 0, sizeof *accounts);
    accounts->data = data;
    rk_format(path, sizeof path, "%s/log.db", data);
    if (rk_file_there(path)) add(accounts, "default");
    rk_format(path, sizeof path, "%s/accounts", data);
    accounts->known = rk_folder_list(path, see_account, accounts, &aside) == RK_OK;
}

static void print_accounts(const accounts *accounts) {
    printf("    accounts   ");
    size_t shown = accounts->count < NAMES_MAX ? accounts->count : NAMES_MAX;
    for (size_t i = 0; i < shown; i++) printf("%s%s", i ? ", " : "", accounts->names[i]);
    if (accounts->count > shown) printf(" and %zu more", accounts->count - shown);
    if (accounts->count == 0) printf("none found; docs/accounts.md says how anyone founds one");
    printf("\n");
}

enum { PLACE_SIZE = 200 };

/* "https://127.0.0.1:4200"; an IPv6 address stands in brackets. */
static void format_place(const char *scheme, const char *address, uint16_t port, char out[PLACE_SIZE]) {
    bool is_6 = strchr(address, ':') != NULL;
    rk_format(out, PLACE_SIZE, "%s://%s%s%s:%u", scheme, is_6 ? "[" : "", address, is_6 ? "]" : "", (uint64_t)port);
}

static void print_advice(const rk_server_options *options, const accounts *accounts, const char *place) {
    const char *name = accounts->names[0];
    print_accounts(accounts);
    if (accounts->count > 0) {
        printf("    a token    reaktor token owner --account %s --data %s\n", name, options->data);
        printf("    to ask     curl -H 'Authorization: Bearer TOKEN' %s/v1/%s\n", place, name);
    }
    printf("    all calls  docs/api.md, and %s/openapi.json\n", place);
    printf("    to end     Ctrl-C; what was accepted is finished first\n");
}

static void note_that_nobody_is_here(const rk_server_options *options) {
    static const char advice[] = "makes one, also while this runs; or start with --create anyone, for those who found "
                                 "their own";
    if (options->json) {
        fprintf(stderr, "{\"note\":\"there is no account here yet: `reaktor init` %s\"}\n", advice);
    } else {
        fprintf(stderr, "reaktor: there is no account here yet: `reaktor init --data %s` %s (docs/accounts.md)\n",
                options->data, advice);
    }
}

static void print_places(const rk_server_options *options, const char *place, uint16_t metrics_port) {
    char metrics[PLACE_SIZE] = "";
    if (options->metrics_address) format_place("http", options->metrics_address, metrics_port, metrics);
    if (options->json) {
        printf("{\"listening\":\"%s\"", place);
        if (metrics[0]) printf(",\"metrics\":\"%s/metrics\"", metrics);
        printf("}\n");
    } else {
        printf("listening on %s\n", place);
        if (metrics[0]) printf("metrics on %s/metrics\n", metrics);
    }
}

void rki_greet(const rk_server_options *options, uint16_t port, uint16_t metrics_port) {
    char place[PLACE_SIZE];
    accounts accounts;
    find_accounts(options->data, &accounts);
    format_place(options->tls_cert ? "https" : "http", options->address, port, place);
    print_places(options, place, metrics_port);
    bool lonely = accounts.known && accounts.count == 0 && !options->create;
    if (!options->json && !lonely && rk_terminal_out()) print_advice(options, &accounts, place);
    fflush(stdout);
    if (lonely) note_that_nobody_is_here(options);
}
