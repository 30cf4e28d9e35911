/*
 * What the server does for CLIENTS (32) at a time, each with one connection and one request on its way: appends of one
 * event to many entities and to one, with expected versions left to the server, batches of 1000 events, and reads of a
 * state. Everything that is answered is durable.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "door/http/server.h"
#include "io/memory.h"
#include "store/sqlite/sqlite_log.h"

enum { CLIENTS = 32, SECONDS = 4, ENTITIES = 10000, BATCH = 1000, SAMPLES = 200000, TEXT_SIZE = 1 << 18 };

static char folder[] = "/tmp/serve_bench.XXXXXX", token[4096];
static uint16_t port;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run(const char *command) {
    char text[1024];
    snprintf(text, sizeof text, "build/reaktor --data %s %s >/dev/null", folder, command);
    if (system(text) != 0) abort();
}

typedef struct client {
    pthread_t thread;
    int number;
    const char *what;
    size_t requests;
    size_t units;
    size_t failed;
    double end;
    float *samples;
    size_t sample_count;
} client;

static int open_socket(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) abort();
    return fd;
}

static void send_all(int fd, const char *text, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
        if (sent <= 0) abort();
        text += sent;
        size -= (size_t)sent;
    }
}

/* Reads one answer; its status. */
static int read_answer(int fd) {
    static _Thread_local char buffer[1 << 20];
    size_t size = 0;
    for (;;) {
        ssize_t got = recv(fd, buffer + size, sizeof buffer - 1 - size, 0);
        if (got <= 0) abort();
        size += (size_t)got;
        buffer[size] = 0;
        char *end = strstr(buffer, "\r\n\r\n"), *length = strstr(buffer, "Content-Length: ");
        if (!end || !length) continue;
        size_t whole = (size_t)(end + 4 - buffer) + strtoul(length + 16, NULL, 10);
        if (size >= whole) return (int)strtol(buffer + 9, NULL, 10);
    }
}

static size_t make_body(const client *client, char *out) {
    size_t turn = client->requests * CLIENTS + (size_t)client->number;
    if (strcmp(client->what, "hot") == 0) {
        return (size_t)snprintf(out, TEXT_SIZE, "{\"events\":[{\"entity\":\"profile/hot\",\"type\":\"view\"}]}");
    }
    if (strcmp(client->what, "spread") == 0) {
        return (size_t)snprintf(out, TEXT_SIZE, "{\"events\":[{\"entity\":\"profile/e%zu\",\"type\":\"view\"}]}",
                                turn * 7919 % ENTITIES);
    }
    size_t size = (size_t)snprintf(out, TEXT_SIZE, "{\"events\":[");
    for (size_t i = 0; i < BATCH; i++) {
        size += (size_t)snprintf(out + size, TEXT_SIZE - size, "%s{\"entity\":\"profile/e%zu\",\"type\":\"view\"}",
                                 i ? "," : "", (turn * BATCH + i) % ENTITIES);
    }
    return size + (size_t)snprintf(out + size, TEXT_SIZE - size, "]}");
}

static size_t make_request(const client *client, char *out) {
    static _Thread_local char body[TEXT_SIZE];
    if (strcmp(client->what, "read") == 0) {
        return (size_t)snprintf(
            out, TEXT_SIZE,
            "GET /v1/default/state/profile/e%zu HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
            client->requests * 7919 % ENTITIES, token);
    }
    if (strcmp(client->what, "health") == 0) {
        return (size_t)snprintf(out, TEXT_SIZE, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    size_t size = make_body(client, body);
    return (size_t)snprintf(out, 2 * TEXT_SIZE,
                            "POST /v1/default/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: "
                            "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                            token, size, body);
}

static void *work(void *context) {
    client *client = context;
    char *text = malloc(2 * TEXT_SIZE);
    int fd = open_socket();
    while (seconds() < client->end) {
        double start = seconds();
        send_all(fd, text, make_request(client, text));
        int status = read_answer(fd);
        if (client->sample_count < SAMPLES / CLIENTS)
            client->samples[client->sample_count++] = (float)(seconds() - start);
        client->failed += status >= 300;
        client->requests++;
        client->units += strcmp(client->what, "batch") == 0 ? BATCH : 1;
    }
    close(fd);
    free(text);
    return NULL;
}

static int compare(const void *a, const void *b) {
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

static void measure(const char *what, const char *unit, int clients) {
    static client all[CLIENTS];
    static float samples[SAMPLES];
    double start = seconds();
    size_t units = 0, failed = 0, count = 0;
    for (int i = 0; i < clients; i++) {
        all[i] =
            (client){.number = i, .what = what, .end = start + SECONDS, .samples = samples + i * (SAMPLES / CLIENTS)};
        if (pthread_create(&all[i].thread, NULL, work, &all[i]) != 0) abort();
    }
    for (int i = 0; i < clients; i++) pthread_join(all[i].thread, NULL);
    double took = seconds() - start;
    for (int i = 0; i < clients; i++) {
        units += all[i].units;
        failed += all[i].failed;
        memmove(samples + count, all[i].samples, all[i].sample_count * sizeof(float));
        count += all[i].sample_count;
    }
    qsort(samples, count, sizeof *samples, compare);
    printf("%-7s %2d clients  %9.0f %s/s  p50 %6.2f ms  p99 %6.2f ms%s\n", what, clients, (double)units / took, unit,
           samples[count / 2] * 1e3, samples[count * 99 / 100] * 1e3, failed ? "  SOME FAILED" : "");
    fflush(stdout);
}

int main(void) {
    rk_server *server = NULL;
    rk_error error = {.code = RK_OK};
    rk_arena arena;
    rk_bytes text;
    if (!mkdtemp(folder)) return 1;
    run("init");
    run("module add examples/modules/profile.json");
    const rk_server_options options = {
        .data = folder, .address = "127.0.0.1", .threads = 2, .writers = 2, .store = rk_log_sqlite()};
    if (rk_server_start(&options, &server, &error) != RK_OK) {
        fprintf(stderr, "%s\n", error.what);
        return 1;
    }
    port = rk_server_port(server);
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    if (rk_server_token(server, RK_TEXT("default"), RK_TEXT("owner"), 3600, &arena, &text, &error) != RK_OK) return 1;
    snprintf(token, sizeof token, "%.*s", (int)text.size, (const char *)text.data);
    measure("batch", "events", 4);
    measure("spread", "events", CLIENTS);
    measure("hot", "events", CLIENTS);
    measure("spread", "events", 1);
    measure("read", "states", CLIENTS);
    for (int i = getenv("MORE") ? atoi(getenv("MORE")) : 0; i > 0; i--) measure("read", "states", CLIENTS);
    measure("health", "answers", CLIENTS);
    rk_server_stop(server);
    rk_arena_free(&arena);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}
