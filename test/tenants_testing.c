/*
 * Many accounts in one server.
 */
#include "tenants_testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "door/host.h"
#include "io/memory.h"
#include "store/sqlite/sqlite_log.h"

static void die(const char *what, const rk_error *error) {
    fprintf(stderr, "tenants_testing: %s: %s\n", what, error ? error->what : "");
    exit(1);
}

static void make_account(const char *path, const char *name) {
    rk_error error = {.code = RK_OK};
    rk_arena arena;
    rk_door_host host;
    rk_engine *engine = NULL;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    if (mkdir(path, 0700) != 0) die(path, NULL);
    rk_status status = rk_door_host_init(&host, rk_log_sqlite(), path, true, &arena, &error);
    if (status == RK_OK) status = rk_engine_create(&host.host, rk_bytes_of_string(name), &engine, &error);
    if (status != RK_OK) die(path, &error);
    rk_engine_close(engine);
    rk_arena_free(&arena);
}

void tenants_create(tenants *tenants, size_t count) {
    char path[128], name[32];
    memset(tenants, 0, sizeof *tenants);
    snprintf(tenants->folder, sizeof tenants->folder, "/tmp/tenants.XXXXXX");
    if (!mkdtemp(tenants->folder)) die("no folder", NULL);
    snprintf(path, sizeof path, "%s/accounts", tenants->folder);
    if (mkdir(path, 0700) != 0) die(path, NULL);
    for (tenants->count = 0; tenants->count < count; tenants->count++) {
        snprintf(name, sizeof name, "t%zu", tenants->count);
        snprintf(path, sizeof path, "%s/accounts/%s", tenants->folder, name);
        make_account(path, name);
    }
}

void tenants_start(tenants *tenants, rk_server_options options) {
    rk_error error = {.code = RK_OK};
    options.data = tenants->folder;
    options.address = options.metrics_address = "127.0.0.1";
    options.port = options.metrics_port = 0;
    options.store = rk_log_sqlite();
    options.json = true;
    if (rk_server_start(&options, &tenants->server, &error) != RK_OK) die("the server does not start", &error);
    tenants->served.port = rk_server_port(tenants->server);
}

void tenants_end(tenants *tenants) {
    char command[100];
    rk_server_stop(tenants->server);
    snprintf(command, sizeof command, "rm -rf %s", tenants->folder);
    if (system(command) != 0) die(command, NULL);
}

void tenants_token(const tenants *tenants, size_t number, char out[2048]) {
    char name[32];
    rk_error error = {.code = RK_OK};
    rk_arena arena;
    rk_bytes text;
    snprintf(name, sizeof name, "t%zu", number);
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    if (rk_server_token(tenants->server, rk_bytes_of_string(name), RK_TEXT("owner"), 24 * 60 * 60, &arena, &text,
                        &error) != RK_OK) {
        die(name, &error);
    }
    snprintf(out, 2048, "%.*s", (int)text.size, (const char *)text.data);
    rk_arena_free(&arena);
}

static int ask(int fd, const char *text, int size) {
    if (!served_send(fd, text, (size_t)size)) return 0;
    served_answer answer = served_read(fd, false);
    if (answer.status >= 300) fprintf(stderr, "%d %s\n", answer.status, answer.body);
    free(answer.text);
    return answer.status;
}

int tenants_append(int fd, size_t number, const char *token) {
    char text[4096], body[128];
    int size = snprintf(body, sizeof body, "{\"events\":[{\"entity\":\"account/t%zu\",\"type\":\"check\"}]}", number);
    return ask(fd, text,
               snprintf(text, sizeof text,
                        "POST /v1/t%zu/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                        number, token, size, body));
}

static int get(int fd, size_t number, const char *path, const char *token) {
    char text[4096];
    return ask(fd, text,
               snprintf(text, sizeof text, "GET /v1/t%zu/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
                        number, path, token));
}

int tenants_read(int fd, size_t number, const char *token) {
    char path[80];
    snprintf(path, sizeof path, "state/account/t%zu", number);
    return get(fd, number, path, token);
}

int tenants_page(int fd, size_t number, const char *token) {
    return get(fd, number, "events?limit=10", token);
}

uint64_t tenants_metric(const tenants *tenants, const char *series) {
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    const served metrics = {.port = rk_server_metrics_port(tenants->server)};
    char wanted[200];
    served_answer answer = served_ask(&metrics, request, sizeof request - 1);
    snprintf(wanted, sizeof wanted, "\nreaktor_%s ", series);
    const char *found = answer.status == 200 ? strstr(answer.body, wanted) : NULL;
    if (!found) die(wanted, NULL);
    uint64_t value = strtoull(found + strlen(wanted), NULL, 10);
    free(answer.text);
    return value;
}
