/*
 * Other servers to measure ourselves beside: PostgreSQL 15 and Redis, each in a process and a folder of its own, spoken
 * to in their own protocols over TCP, with one thin client of blocking sockets for all.
 *
 * Both are as their packages come, durable: PostgreSQL with fsync and synchronous_commit on, Redis with
 * appendfsync always.
 */
#ifndef RK_TEST_PEER_TESTING_H
#define RK_TEST_PEER_TESTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct peer {
    char folder[64];
    pid_t pid;
    uint16_t port;
} peer;

/* Each makes its folder and starts it; false when it is not installed or does not come up. */
bool peer_start_postgres(peer *peer);
bool peer_start_redis(peer *peer);
/* Ends it by its pid, and removes its folder. */
void peer_stop(peer *peer);

/* A socket with a buffer of what has come. */
typedef struct wire {
    int fd;
    size_t at, size, capacity;
    char *buffer;
} wire;

/* To a port of this machine. Ends the program when there is none. */
void wire_open(wire *wire, uint16_t port);
void wire_close(wire *wire);
void wire_send(wire *wire, const void *bytes, size_t size);
/* The next `size` bytes, which stay until the next call; at most 16 MB. */
const char *wire_take(wire *wire, size_t size);
/* The next line with its end, NUL-ended. */
const char *wire_line(wire *wire);

/* Logs in, and prepares `insert` and `select` as statements of these names. */
void postgres_login(wire *wire, const char *insert, const char *select);
/* Runs SQL text; ends the program on an error. */
void postgres_run(wire *wire, const char *sql);
/* Runs a prepared statement with text parameters; false on an error. The first column of a row goes to `out`. */
bool postgres_ask(wire *wire, const char *statement, const char *const *values, int count, char *out, size_t out_size);

/* Sends the words as one command; false when the answer is an error. */
bool redis_ask(wire *wire, const char *const *words, int count);

/* Sends one request of HTTP/1.1, and reads its answer; the status. The body stays in `body_out` until the next call. */
int http_ask(wire *wire, const void *request, size_t size, const char **body_out, size_t *body_size_out);

double peer_seconds(void);

#endif
