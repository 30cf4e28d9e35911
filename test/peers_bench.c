/*
 * The server beside others, each pair in turn within one run, durable on both sides, with the same thin client: one
 * thread that has all connections of a side, and one request under way on each.
 *
 *     spread    32 clients, one event a request, 10,000 entities that all of them write to: the server gives each event
 *               its version; PostgreSQL: a row of a plain table of events, after the last of its stream
 *     known     the same where each client has entities of its own, and says the version that it expects; PostgreSQL:
 *               a row with that version, without looking
 *     floor     32 clients, one event a request: PostgreSQL; and libmicrohttpd with SQLite, without anything of ours
 *     single    the same with one client: what one request takes
 *     hot       32 clients, one entity; each expects the version that it knows, and tries again when another was faster
 *     stream    32 clients, one event a request; Redis: XADD with appendfsync always
 *     batch     4 clients, 1000 events a request, as JSON and as CBOR, beside the engine without a server
 *     read      32 clients, states; beside libmicrohttpd that answers as many bytes
 *     signed    4 clients, 100 events a request, signed (RFC 9421) and with a token
 *     memory    of the server: idle, an idle account, a live subscriber
 *
 * ROUNDS (3) of SECONDS (3) for each side; what is printed is the median of the rounds and of their ratios. Words on
 * the command line choose some of the above. A peer that is not installed is said and left out: tools/deps.sh bench.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/value/cbor.h"
#include "door/host.h"
#include "door/http/signature.h"
#include "door/json.h"
#include "floor_testing.h"
#include "io/clock.h"
#include "io/crypto.h"
#include "io/keys.h"
#include "io/memory.h"
#include "peer_testing.h"
#include "serve_testing.h"
#include "store/sqlite/sqlite_log.h"

enum {
    CLIENTS = 32,
    BATCH_CLIENTS = 4,
    BATCH = 1000,
    SIGNED_BATCH = 100,
    ENTITIES = 10000,
    ROUNDS_MAX = 9,
    REQUEST_SIZE_MAX = 1 << 18,
    SAMPLES_MAX = 1 << 20,
    BODIES = 16, /* that are made before and sent in turn */
    SUBSCRIBERS = 1000,
    ACCOUNTS = 200,
};

static served ours;
static peer postgres, redis;
static uint16_t bare_port, floor_port;
static rk_key_pair owner_key;
static int rounds = 3;
static double seconds = 3;

typedef struct client client;

/*
 * One side of a pair: `ask` writes a request to the client's text, its size; `take` has its answer, and says how many
 * events or answers it was, 0 when it does not count. Without `whole`, `ask` does it all, and says that.
 */
typedef struct side {
    const char *name;
    const char *unit;
    int clients;
    void (*open)(client *client);
    size_t (*ask)(client *client);
    size_t (*take)(client *client, const char *answer, size_t size);
    whole whole;
    const pid_t *server;
} side;

struct client {
    const side *side;
    int number;
    size_t turn;
    double asked_at; /* seconds */
    wire wire;
    size_t units, failed;
    uint64_t version; /* hot: that it knows */
    bool selects;     /* hot: it has asked for the version */
    char *text;       /* of a request */
    rk_bytes bodies[BODIES];
    rk_arena arena;
    float *samples;
    size_t sample_count, sample_max;
};

/* ---- our server ---- */

static size_t post(client *client, const char *type, rk_bytes body) {
    size_t size = (size_t)snprintf(client->text, REQUEST_SIZE_MAX,
                                   "POST /v1/default/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                                   "Content-Type: application/%s\r\nContent-Length: %zu\r\n\r\n",
                                   ours.token, type, body.size);
    memcpy(client->text + size, body.data, body.size);
    return size + body.size;
}

static void open_ours(client *client) {
    wire_open(&client->wire, ours.port);
}

static size_t entity_of(const client *client) {
    return (client->turn * CLIENTS + (size_t)client->number) * 7919 % ENTITIES;
}

static size_t ask_spread(client *client) {
    char body[200];
    int size = snprintf(body, sizeof body,
                        "{\"events\":[{\"entity\":\"profile/e%zu\",\"type\":\"rename\",\"data\":{\"name\":\"Ann\"}}]}",
                        entity_of(client));
    return post(client, "json", rk_bytes_of(body, (size_t)size));
}

/* The client's own: each has as many. */
static size_t own_entity_of(const client *client) {
    size_t own = ENTITIES / CLIENTS;
    return (size_t)client->number * own + client->turn % own;
}

static uint64_t own_version_of(const client *client) {
    return client->turn / (ENTITIES / CLIENTS);
}

static int pair_number; /* each pair has entities of its own, which begin with version 1 */

static size_t ask_known(client *client) {
    char body[200];
    int size = snprintf(body, sizeof body,
                        "{\"events\":[{\"entity\":\"profile/p%de%zu\",\"type\":\"rename\",\"data\":{\"name\":\"Ann\"},"
                        "\"expect\":%llu}]}",
                        pair_number, own_entity_of(client), (unsigned long long)own_version_of(client));
    return post(client, "json", rk_bytes_of(body, (size_t)size));
}

static size_t take_one(client *client, const char *answer, size_t size) {
    (void)size;
    bool good = http_status(answer) / 100 == 2;
    if (!good) client->failed++;
    return good;
}

/* The refusal tells the version that the entity is at: no read is needed to try again. */
static size_t ask_hot(client *client) {
    char body[200];
    int size = snprintf(body, sizeof body,
                        "{\"events\":[{\"entity\":\"profile/hot\",\"type\":\"rename\",\"data\":{\"name\":\"Ann\"},"
                        "\"expect\":%zu}]}",
                        (size_t)client->version);
    return post(client, "json", rk_bytes_of(body, (size_t)size));
}

static size_t take_hot(client *client, const char *answer, size_t size) {
    static const char name[] = "\"version\":";
    const char *version = memmem(answer, size, name, sizeof name - 1);
    int status = http_status(answer);
    if (version) client->version = strtoull(version + sizeof name - 1, NULL, 10);
    if (status != 201 && status != 412) client->failed++;
    return status == 201;
}

/* ---- batches ---- */

static rk_bytes make_batch(rk_arena *arena, size_t first, size_t count) {
    rk_buffer buffer;
    rk_bytes body;
    char text[120];
    rk_buffer_init(&buffer, arena, REQUEST_SIZE_MAX);
    rk_buffer_append(&buffer, RK_TEXT("{\"events\":["));
    for (size_t i = 0; i < count; i++) {
        int size = snprintf(text, sizeof text, "%s{\"entity\":\"profile/e%zu\",\"type\":\"view\"}", i ? "," : "",
                            (first + i) % ENTITIES);
        rk_buffer_append(&buffer, rk_bytes_of(text, (size_t)size));
    }
    rk_buffer_append(&buffer, RK_TEXT("]}"));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) abort();
    return body;
}

static void open_batches(client *client, size_t count, bool cbor) {
    open_ours(client);
    for (size_t i = 0; i < BODIES; i++) {
        rk_bytes *body = &client->bodies[i];
        rk_value value;
        *body = make_batch(&client->arena, ((size_t)client->number * BODIES + i) * count, count);
        if (cbor && (rk_json_read(&client->arena, *body, &value, NULL) != RK_OK ||
                     rk_cbor_encode(&client->arena, &value, REQUEST_SIZE_MAX, body) != RK_OK)) {
            abort();
        }
    }
}

static void open_json(client *client) {
    open_batches(client, BATCH, false);
}

static void open_cbor(client *client) {
    open_batches(client, BATCH, true);
}

static void open_signed(client *client) {
    open_batches(client, SIGNED_BATCH, false);
}

static size_t ask_json(client *client) {
    return post(client, "json", client->bodies[client->turn % BODIES]);
}

static size_t ask_cbor(client *client) {
    return post(client, "cbor", client->bodies[client->turn % BODIES]);
}

static size_t take_batch(client *client, const char *answer, size_t size) {
    return BATCH * take_one(client, answer, size);
}

static size_t take_signed(client *client, const char *answer, size_t size) {
    return SIGNED_BATCH * take_one(client, answer, size);
}

static size_t ask_signed(client *client) {
    rk_bytes body = client->bodies[client->turn % BODIES];
    char nonce[40];
    rk_arena arena;
    rk_signature_fields fields;
    const rk_http_request request = {
        .method = RK_TEXT("POST"), .target = RK_TEXT("/v1/default/events"), .authority = RK_TEXT("x"), .body = body};
    int nonce_size =
        snprintf(nonce, sizeof nonce, "%d-%zu-%llu", client->number, client->turn, (unsigned long long)rk_clock_ms());
    rk_arena_init(&arena, rk_memory_system(), 1 << 20);
    if (rk_signature_make(&arena, rk_crypto_sodium(), &owner_key, RK_TEXT("owner"), &request, rk_clock_ms() / 1000,
                          rk_bytes_of(nonce, (size_t)nonce_size), &fields, NULL) != RK_OK) {
        abort();
    }
    size_t size = (size_t)snprintf(
        client->text, REQUEST_SIZE_MAX,
        "POST /v1/default/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
        "Content-Digest: %.*s\r\nSignature-Input: %.*s\r\nSignature: %.*s\r\n\r\n",
        body.size, (int)fields.digest.size, (const char *)fields.digest.data, (int)fields.input.size,
        (const char *)fields.input.data, (int)fields.signature.size, (const char *)fields.signature.data);
    memcpy(client->text + size, body.data, body.size);
    rk_arena_free(&arena);
    return size + body.size;
}

/* ---- the engine without a server ---- */

static rk_door_host engine_host;
static rk_engine *engine;

/* The values of the events are made anew each time, from bytes that are read once: what a body costs is not counted. */
static size_t ask_engine(client *client) {
    static rk_intent intents[BATCH];
    static char names[BATCH][32];
    rk_group *group = NULL;
    rk_entry *entries = NULL;
    rk_arena arena;
    rk_error error;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    for (size_t i = 0; i < BATCH; i++) {
        size_t size =
            (size_t)snprintf(names[i], sizeof names[i], "profile/e%zu", (client->turn * BATCH + i) % ENTITIES);
        intents[i] =
            (rk_intent){.entity = rk_bytes_of(names[i], size), .type = RK_TEXT("view"), .data = {.kind = RK_MAP}};
    }
    rk_status status = rk_engine_group_start(engine, &group, &error);
    if (status == RK_OK) {
        status = rk_engine_group_submit(group, RK_TEXT("owner"), NULL, intents, BATCH, &arena, &entries, &error);
        rk_status finished = rk_engine_group_finish(group, &error);
        if (status == RK_OK) status = finished;
    }
    rk_arena_free(&arena);
    return status == RK_OK ? BATCH : 0;
}

/* It has folded every entity once before it is measured, as the server has. */
static void open_engine(client *client) {
    rk_error error;
    for (size_t i = 0; i < BODIES; i++) client->bodies[i] = make_batch(&client->arena, i * BATCH, BATCH);
    if (engine) return;
    if (rk_door_host_init(&engine_host, rk_log_sqlite(), ours.folder, false, &client->arena, &error) != RK_OK ||
        rk_engine_open(&engine_host.host, RK_LOG_READ_WRITE, &engine, &error) != RK_OK) {
        fprintf(stderr, "%s\n", error.what);
        exit(1);
    }
    for (client->turn = 0; client->turn < ENTITIES / BATCH; client->turn++) {
        if (!ask_engine(client)) fprintf(stderr, "the engine alone: a batch was refused\n");
    }
}

/* ---- reads ---- */

static size_t body_size; /* of a state's answer; set before any thread is there */

static size_t ask_read(client *client) {
    return (size_t)snprintf(
        client->text, REQUEST_SIZE_MAX,
        "GET /v1/default/state/profile/e%zu HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", entity_of(client),
        ours.token);
}

static char bare_body[1 << 16];

static enum MHD_Result bare(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                            const char *version, const char *data, size_t *size, void **slot) {
    (void)context, (void)path, (void)method, (void)version, (void)data, (void)size;
    if (!*slot) return *slot = bare_body, MHD_YES; /* an answer to the first call would end the connection */
    struct MHD_Response *response = MHD_create_response_from_buffer(body_size, bare_body, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static void open_bare(client *client) {
    wire_open(&client->wire, bare_port);
}

static void open_floor(client *client) {
    wire_open(&client->wire, floor_port);
}

/* ---- PostgreSQL ---- */

static const char table[] =
    "CREATE TABLE events (id uuid PRIMARY KEY, stream text NOT NULL, version bigint NOT NULL, type text NOT NULL, "
    "actor text NOT NULL, data jsonb NOT NULL, time timestamptz NOT NULL DEFAULT now(), UNIQUE (stream, version))";
static const char insert[] = "INSERT INTO events (id, stream, version, type, actor, data) "
                             "VALUES (gen_random_uuid(), $1, $2, 'rename', 'owner', $3)";
/* As is usual where the one who appends does not know the version: two at once would collide, and try again. */
static const char insert_next[] = "INSERT INTO events (id, stream, version, type, actor, data) "
                                  "SELECT gen_random_uuid(), $1, coalesce(max(version), 0) + 1, 'rename', 'owner', $2 "
                                  "FROM events WHERE stream = $1 RETURNING version";
static const char select_version[] = "SELECT coalesce(max(version), 0) FROM events WHERE stream = $1";

static void open_postgres(client *client) {
    wire_open(&client->wire, postgres.port);
    postgres_login(&client->wire, insert, select_version);
}

static void open_postgres_next(client *client) {
    wire_open(&client->wire, postgres.port);
    postgres_login(&client->wire, insert_next, NULL);
}

static size_t ask_postgres_spread(client *client) {
    char stream[40];
    snprintf(stream, sizeof stream, "profile/e%zu", entity_of(client));
    const char *const values[] = {stream, "{\"name\":\"Ann\"}"};
    return postgres_write(client->text, "insert", values, 2);
}

static size_t ask_postgres_known(client *client) {
    char stream[40], version[24];
    snprintf(stream, sizeof stream, "profile/p%de%zu", pair_number, own_entity_of(client));
    snprintf(version, sizeof version, "%llu", (unsigned long long)own_version_of(client) + 1);
    const char *const values[] = {stream, version, "{\"name\":\"Ann\"}"};
    return postgres_write(client->text, "insert", values, 3);
}

static size_t take_postgres_insert(client *client, const char *answer, size_t size) {
    bool good = postgres_good(answer, size, NULL, 0);
    if (!good) client->failed++;
    return good;
}

static size_t ask_postgres_hot(client *client) {
    char version[24];
    if (client->selects) {
        const char *const stream[] = {"profile/hot"};
        return postgres_write(client->text, "select", stream, 1);
    }
    snprintf(version, sizeof version, "%llu", (unsigned long long)client->version + 1);
    const char *const values[] = {"profile/hot", version, "{\"name\":\"Ann\"}"};
    return postgres_write(client->text, "insert", values, 3);
}

static size_t take_postgres_hot(client *client, const char *answer, size_t size) {
    char found[24] = "0";
    bool good = postgres_good(answer, size, found, sizeof found);
    if (client->selects) {
        client->version = strtoull(found, NULL, 10);
        client->selects = false;
        return 0;
    }
    client->version++;
    client->selects = !good;
    return good;
}

/* ---- Redis ---- */

static void open_redis(client *client) {
    wire_open(&client->wire, redis.port);
}

static size_t ask_redis(client *client) {
    char entity[40];
    snprintf(entity, sizeof entity, "profile/e%zu", entity_of(client));
    const char *const words[] = {
        "XADD", "events", "*", "entity", entity, "type", "rename", "actor", "owner", "data", "{\"name\":\"Ann\"}"};
    return redis_write(client->text, words, 11);
}

static size_t take_redis(client *client, const char *answer, size_t size) {
    (void)size;
    if (answer[0] == '-') client->failed++;
    return answer[0] != '-';
}

/* ---- measuring ---- */

static void ask(client *client) {
    size_t size = client->side->ask(client);
    client->asked_at = peer_seconds();
    wire_send(&client->wire, client->text, size);
}

static void sample(client *client) {
    if (client->sample_count == client->sample_max) return;
    client->samples[client->sample_count++] = (float)(peer_seconds() - client->asked_at);
}

static void take(client *client, const char *answer, size_t size) {
    sample(client);
    client->units += client->side->take(client, answer, size);
    client->turn++;
}

/* Once, waiting for the answer. */
static bool ask_once(client *client) {
    size_t size, before = client->units;
    ask(client);
    const char *answer = wire_answer(&client->wire, client->side->whole, &size);
    take(client, answer, size);
    return client->units > before;
}

/* What has come for a client: whether an answer is whole, and another request may be made. */
static bool answered(client *client) {
    wire *wire = &client->wire;
    wire_fill(wire);
    size_t size = client->side->whole(wire->buffer + wire->at, wire->size - wire->at);
    if (size == 0) return false;
    take(client, wire_take(wire, size), size);
    return true;
}

/* All clients of a side, up to `end`: then each has the answer to its last request. */
static void drive(client *clients, int count, double end) {
    struct epoll_event events[CLIENTS];
    int waiting = count, set = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = &clients[i]}};
        if (epoll_ctl(set, EPOLL_CTL_ADD, clients[i].wire.fd, &event) != 0) abort();
        ask(&clients[i]);
    }
    while (waiting > 0) {
        int ready = epoll_wait(set, events, CLIENTS, -1);
        for (int i = 0; i < ready; i++) {
            client *client = events[i].data.ptr;
            if (!answered(client)) continue;
            if (peer_seconds() < end) {
                ask(client);
            } else {
                waiting--;
            }
        }
    }
    close(set);
}

static void drive_alone(client *client, double end) {
    while ((client->asked_at = peer_seconds()) < end) {
        client->units += client->side->ask(client);
        sample(client);
        client->turn++;
    }
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static int compare_samples(const void *a, const void *b) {
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

static double median(const double *numbers, int count) {
    double sorted[ROUNDS_MAX];
    memcpy(sorted, numbers, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

typedef struct result {
    double rate[ROUNDS_MAX];
    double cpu[ROUNDS_MAX]; /* microseconds of the server's processor time for a unit; 0: there is no server */
    double p50, p99;        /* seconds, of the last round */
} result;

static client *open_clients(const side *side) {
    client *clients = calloc((size_t)side->clients, sizeof *clients);
    for (int i = 0; i < side->clients; i++) {
        client *client = &clients[i];
        client->side = side;
        client->number = i;
        client->text = malloc(2 * REQUEST_SIZE_MAX);
        client->sample_max = SAMPLES_MAX / CLIENTS;
        client->samples = malloc(client->sample_max * sizeof *client->samples);
        rk_arena_init(&client->arena, rk_memory_system(), 256 << 20);
        side->open(client);
    }
    return clients;
}

static void close_clients(client *clients, int count) {
    for (int i = 0; i < count; i++) {
        if (clients[i].wire.buffer) wire_close(&clients[i].wire);
        free(clients[i].text);
        free(clients[i].samples);
        rk_arena_free(&clients[i].arena);
    }
    free(clients);
}

static void run_round(client *clients, const side *side, int round, result *result) {
    size_t units = 0, count = 0;
    double cpu = side->server ? peer_cpu(*side->server) : 0, start = peer_seconds();
    for (int i = 0; i < side->clients; i++) clients[i].units = clients[i].sample_count = 0;
    if (side->whole) {
        drive(clients, side->clients, start + seconds);
    } else {
        drive_alone(clients, start + seconds);
    }
    result->rate[round] = peer_seconds() - start;
    result->cpu[round] = side->server ? peer_cpu(*side->server) - cpu : 0;
    float *samples = malloc(SAMPLES_MAX * sizeof *samples);
    for (int i = 0; i < side->clients; i++) {
        units += clients[i].units;
        memcpy(samples + count, clients[i].samples, clients[i].sample_count * sizeof *samples);
        count += clients[i].sample_count;
        if (clients[i].failed) fprintf(stderr, "%s: %zu requests failed\n", side->name, clients[i].failed);
    }
    result->rate[round] = (double)units / result->rate[round];
    result->cpu[round] *= 1e6 / (double)(units ? units : 1);
    qsort(samples, count, sizeof *samples, compare_samples);
    if (count) result->p50 = samples[count / 2], result->p99 = samples[count * 99 / 100];
    free(samples);
}

static void print_side(const side *side, const result *result) {
    printf("    %-28s %9.0f %s/s   p50 %7.2f ms   p99 %7.2f ms", side->name, median(result->rate, rounds), side->unit,
           result->p50 * 1e3, result->p99 * 1e3);
    if (side->server) printf("   cpu %6.1f us", median(result->cpu, rounds));
    printf("\n");
}

/* The two in turn, `rounds` times; the ratio of the first to the second is the median of the rounds' ratios. */
static void pair(const char *title, const side *one, const side *two, const char *wanted) {
    result results[2];
    double ratios[ROUNDS_MAX];
    client *clients[] = {open_clients(one), open_clients(two)};
    pair_number++;
    for (int i = 0; i < rounds; i++) {
        run_round(clients[0], one, i, &results[0]);
        run_round(clients[1], two, i, &results[1]);
        ratios[i] = results[0].rate[i] / results[1].rate[i];
    }
    close_clients(clients[0], one->clients);
    close_clients(clients[1], two->clients);
    printf("%s\n", title);
    print_side(one, &results[0]);
    print_side(two, &results[1]);
    printf("    ratio %.2f (%s)\n", median(ratios, rounds), wanted);
    fflush(stdout);
}

/* ---- the pairs ---- */

static const side spread = {"reaktor", "events", CLIENTS, open_ours, ask_spread, take_one, http_whole, &ours.pid};
static const side known = {"reaktor", "events", CLIENTS, open_ours, ask_known, take_one, http_whole, &ours.pid};
static const side single = {"reaktor", "events", 1, open_ours, ask_spread, take_one, http_whole, &ours.pid};
static const side hot = {"reaktor", "events", CLIENTS, open_ours, ask_hot, take_hot, http_whole, &ours.pid};
static const side json = {"reaktor, JSON", "events",   BATCH_CLIENTS, open_json,
                          ask_json,        take_batch, http_whole,    &ours.pid};
static const side cbor = {"reaktor, CBOR", "events",   BATCH_CLIENTS, open_cbor,
                          ask_cbor,        take_batch, http_whole,    &ours.pid};
static const side alone = {"the engine alone", "events", 1, open_engine, ask_engine, NULL, NULL, NULL};
static const side reads = {"reaktor", "states", CLIENTS, open_ours, ask_read, take_one, http_whole, &ours.pid};
static const side bare_reads = {
    "libmicrohttpd, as many bytes", "answers", CLIENTS, open_bare, ask_read, take_one, http_whole, NULL};
static const side with_signature = {"reaktor, signed", "events",    BATCH_CLIENTS, open_signed,
                                    ask_signed,        take_signed, http_whole,    &ours.pid};
static const side with_token = {
    "reaktor, with a token", "events", BATCH_CLIENTS, open_signed, ask_json, take_signed, http_whole, &ours.pid};
static const side on_floor = {
    "libmicrohttpd and SQLite", "rows", CLIENTS, open_floor, ask_spread, take_one, http_whole, NULL};
static const side postgres_single = {
    "PostgreSQL 15", "rows",       1, open_postgres_next, ask_postgres_spread, take_postgres_insert,
    postgres_whole,  &postgres.pid};
static const side postgres_spread = {
    "PostgreSQL 15",      "rows",         CLIENTS,      open_postgres_next, ask_postgres_spread,
    take_postgres_insert, postgres_whole, &postgres.pid};
static const side postgres_known = {
    "PostgreSQL 15",      "rows",         CLIENTS,      open_postgres, ask_postgres_known,
    take_postgres_insert, postgres_whole, &postgres.pid};
static const side postgres_hot = {"PostgreSQL 15",   "rows",         CLIENTS,      open_postgres, ask_postgres_hot,
                                  take_postgres_hot, postgres_whole, &postgres.pid};
static const side redis_stream = {
    "Redis, appendfsync always", "entries", CLIENTS, open_redis, ask_redis, take_redis, redis_whole, &redis.pid};

static void run_spread(void) {
    pair("one event a request, 10,000 entities, 32 clients", &spread, &postgres_spread, "at least 2, aim 4");
}

static void run_known(void) {
    pair("the same, each client knows the versions of its own entities", &known, &postgres_known, "at least 2, aim 4");
}

/* How many times PostgreSQL a server of these parts could be at most, and how near to that ours is. */
static void run_floor(void) {
    floor_port = floor_start();
    pair("one event a request, 32 clients: the parts alone", &on_floor, &postgres_spread, "what is to be had");
    pair("one event a request, 32 clients: beside the parts alone", &spread, &on_floor, "reported");
    floor_stop();
}

static void run_single(void) {
    pair("one event a request, 10,000 entities, one client", &single, &postgres_single, "reported");
}

static void run_hot(void) {
    pair("one entity with expected versions, 32 clients", &hot, &postgres_hot, "at least 5, aim 10");
}

static void run_stream(void) {
    pair("one event a request, 32 clients", &spread, &redis_stream, "aim 1.0");
}

static void run_batch(void) {
    pair("batches of 1000 as JSON, 4 clients", &json, &alone, "reported");
    pair("batches of 1000 as CBOR, 4 clients", &cbor, &alone, "reported");
}

static void run_signed(void) {
    pair("batches of 100, 4 clients", &with_signature, &with_token, "at least 0.7");
}

static void run_read(void) {
    client *one = open_clients(&json); /* each of its clients has some of the batches that name all entities */
    while (one->turn < ENTITIES / BATCH) {
        if (!ask_once(one)) fprintf(stderr, "read: a batch was refused\n");
    }
    close_clients(one, json.clients);
    one = open_clients(&reads);
    one->side->ask(one);
    wire_send(&one->wire, one->text, strlen(one->text));
    size_t size;
    const char *answer = wire_answer(&one->wire, http_whole, &size);
    if (http_status(answer) != 200) fprintf(stderr, "read: nothing to read\n");
    http_body(answer, size, &body_size);
    close_clients(one, reads.clients);
    memset(bare_body, 'x', sizeof bare_body);
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, bare, NULL,
                                                 MHD_OPTION_THREAD_POOL_SIZE, 4U, MHD_OPTION_END);
    if (!daemon) abort();
    bare_port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    pair("reads of a state, 32 clients", &reads, &bare_reads, "at least 0.5, aim 0.7");
    MHD_stop_daemon(daemon);
}

/* ---- memory ---- */

static void run_command(const char *command) {
    if (system(command) != 0) {
        fprintf(stderr, "%s failed\n", command);
        exit(1);
    }
}

/* Accounts are copies of one, which is what a folder that was put there is: each is opened by a read. */
static void measure_accounts(served *server) {
    char command[600], request[4500];
    wire *wire = malloc(sizeof *wire);
    const char *program = getenv("REAKTOR") ? getenv("REAKTOR") : "build/reaktor";
    snprintf(
        command, sizeof command,
        "mkdir -p %s/accounts && for i in $(seq %d); do %s --data %s/accounts/t$i init --account t$i >/dev/null; done",
        server->folder, ACCOUNTS, program, server->folder);
    run_command(command);
    uint64_t before = served_memory(server, "VmRSS");
    wire_open(wire, server->port);
    for (int i = 1; i <= ACCOUNTS; i++) {
        char token[2048];
        const char *answer;
        size_t size;
        snprintf(command, sizeof command, "%s --data %s token owner --account t%d", program, server->folder, i);
        FILE *file = popen(command, "r");
        if (!file || !fgets(token, sizeof token, file)) exit(1);
        pclose(file);
        token[strcspn(token, "\n")] = 0;
        int length =
            snprintf(request, sizeof request,
                     "GET /v1/t%d/state/actor/owner HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", i, token);
        wire_send(wire, request, (size_t)length);
        answer = wire_answer(wire, http_whole, &size);
        if (http_status(answer) != 200) fprintf(stderr, "account %d: %.*s\n", i, (int)size, answer);
    }
    uint64_t after = served_memory(server, "VmRSS");
    wire_close(wire);
    free(wire);
    printf("    an open account that is idle  %7.1f KB (of %d)\n", (double)(after - before) / ACCOUNTS, ACCOUNTS);
}

static void measure_subscribers(served *server) {
    static wire wires[SUBSCRIBERS];
    char request[3000];
    int length = snprintf(request, sizeof request,
                          "GET /v1/default/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                          "Accept: text/event-stream\r\n\r\n",
                          server->token);
    uint64_t before = served_memory(server, "VmRSS");
    for (int i = 0; i < SUBSCRIBERS; i++) {
        wire_open(&wires[i], server->port);
        wire_send(&wires[i], request, (size_t)length);
        while (*wire_line(&wires[i])) continue;
        while (strncmp(wire_line(&wires[i]), "data:", 5) != 0) continue; /* it has caught up */
    }
    usleep(500000);
    uint64_t after = served_memory(server, "VmRSS");
    for (int i = 0; i < SUBSCRIBERS; i++) wire_close(&wires[i]);
    printf("    a live subscriber             %7.1f KB (of %d)\n", (double)(after - before) / SUBSCRIBERS, SUBSCRIBERS);
}

static void run_memory(void) {
    static served idle;
    served_start(&idle, NULL);
    usleep(300000);
    printf("memory, resident\n    the idle server               %7.1f MB (aim: under 20)\n",
           (double)served_memory(&idle, "VmRSS") / 1024);
    measure_subscribers(&idle);
    measure_accounts(&idle);
    fflush(stdout);
    if (!served_stop(&idle)) fprintf(stderr, "memory: the server did not end well\n");
}

/* ---- all ---- */

typedef enum needs { NOTHING, POSTGRES, REDIS } needs;

static bool ready(needs needs, const char *name) {
    static bool tried[3];
    peer *peer = needs == POSTGRES ? &postgres : &redis;
    if (needs == NOTHING) return true;
    if (!tried[needs]) {
        bool there = needs == POSTGRES ? peer_start_postgres(peer) : peer_start_redis(peer);
        if (!there) peer->pid = 0;
    }
    if (!tried[needs] && needs == POSTGRES && peer->pid > 0) {
        wire *wire = malloc(sizeof *wire);
        wire_open(wire, peer->port);
        postgres_login(wire, NULL, NULL);
        postgres_run(wire, table);
        wire_close(wire);
        free(wire);
    }
    tried[needs] = true;
    if (peer->pid > 0) return true;
    printf("%s: left out, %s is not here (sh tools/deps.sh bench)\n", name,
           needs == POSTGRES ? "PostgreSQL 15" : "Redis");
    return false;
}

static bool chosen(int count, char **words, const char *name) {
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], name) == 0) return true;
    }
    return count == 1;
}

static double number_of(const char *name, double otherwise) {
    const char *text = getenv(name);
    return text ? strtod(text, NULL) : otherwise;
}

int main(int count, char **words) {
    static const struct {
        const char *name;
        void (*run)(void);
        needs needs;
    } all[] = {{"read", run_read, NOTHING},    {"spread", run_spread, POSTGRES}, {"known", run_known, POSTGRES},
               {"floor", run_floor, POSTGRES}, {"single", run_single, POSTGRES}, {"hot", run_hot, POSTGRES},
               {"stream", run_stream, REDIS},  {"batch", run_batch, NOTHING},    {"signed", run_signed, NOTHING},
               {"memory", run_memory, NOTHING}};
    rk_error error;
    rounds = (int)number_of("ROUNDS", 3);
    seconds = number_of("SECONDS", 3);
    if (rounds < 1 || rounds > ROUNDS_MAX) rounds = ROUNDS_MAX;
    served_start(&ours, NULL);
    if (rk_keys_get(ours.folder, "actor-owner.key", rk_crypto_sodium(), &owner_key, &error) != RK_OK) return 1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (chosen(count, words, all[i].name) && ready(all[i].needs, all[i].name)) all[i].run();
    }
    rk_engine_close(engine);
    if (postgres.pid > 0) peer_stop(&postgres);
    if (redis.pid > 0) peer_stop(&redis);
    return served_stop(&ours) ? 0 : 1;
}
