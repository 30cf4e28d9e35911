/*
 * Other servers to measure ourselves beside: PostgreSQL 15 and Redis, each in a process and a folder of its own, spoken
 * to in their own protocols over TCP: what is sent is written here, and how long an answer is found out.
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
/* Takes what has come, waiting for something. */
void wire_fill(wire *wire);
/* The next `size` bytes, which stay until the next call; at most 16 MB. */
const char *wire_take(wire *wire, size_t size);
/* The next line with its end, NUL-ended. */
const char *wire_line(wire *wire);

/* How large the answer is that begins at `bytes`; 0 when it is not whole. */
typedef size_t (*whole)(const char *bytes, size_t size);

size_t http_whole(const char *bytes, size_t size);
size_t postgres_whole(const char *bytes, size_t size);
size_t redis_whole(const char *bytes, size_t size);

/* Waits for one answer, which stays until the next call. */
const char *wire_answer(wire *wire, whole whole, size_t *size_out);

/* Of a whole answer of HTTP/1.1. */
int http_status(const char *answer);
const char *http_body(const char *answer, size_t size, size_t *size_out);

/* Logs in, and prepares `insert` and `select` as statements of these names. */
void postgres_login(wire *wire, const char *insert, const char *select);
/* Runs SQL text; ends the program on an error. */
void postgres_run(wire *wire, const char *sql);
/* Writes what runs a prepared statement with text parameters; its size, at most 4096. */
size_t postgres_write(char *out, const char *statement, const char *const *values, int count);
/* False when the answer is an error. The first column of a row goes to `out`, which may be NULL. */
bool postgres_good(const char *answer, size_t size, char *out, size_t out_size);

/* Writes the words as one command; its size, at most 4096. */
size_t redis_write(char *out, const char *const *words, int count);

/* Seconds since some moment. */
double peer_seconds(void);
/* Seconds of processor time that a process and its children, all still there, have had. */
double peer_cpu(pid_t pid);

#endif
