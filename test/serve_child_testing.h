/*
 * The real server as a child process, and clients of it that are bare sockets: for tests that kill either.
 *
 * The program is $REAKTOR, or build/reaktor. The child dies with the test. What must not fail ends the test at once
 * (hosted_die), from any thread: cmocka's assertions are for the main thread only.
 */
#ifndef RK_SERVE_CHILD_TESTING_H
#define RK_SERVE_CHILD_TESTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    SERVED_WRITERS = 8,         /* actors w0 to w7, who may append */
    SERVED_TOKEN_SIZE = 2100,   /* with its NUL */
    SERVED_WAIT_SECONDS = 60,   /* a socket that is silent for so long fails the test */
    SERVED_ANSWER_MAX = 4 << 20 /* bytes of an answer */
};

typedef struct hosted {
    char folder[256];
    pid_t child; /* 0: it does not run */
    uint16_t port;
    char tokens[SERVED_WRITERS][SERVED_TOKEN_SIZE];
} hosted;

/* One connection; an answer stays until the next one. */
typedef struct hosted_client {
    const hosted *server;
    int fd; /* -1: closed */
    char *answer;
    const char *body; /* in the answer, NUL-ended */
} hosted_client;

/* A chunked body as it comes in, without the chunks. */
typedef struct hosted_stream {
    int fd;
    bool head_seen; /* the head of the answer has been read, and said 200 */
    bool ended;     /* the last chunk was there: the server has ended it */
    size_t raw_size, text_size, text_capacity, chunk_left;
    char raw[1 << 12]; /* bytes that are no whole head or chunk size yet */
    char *text;        /* NUL-ended */
} hosted_stream;

/* Says why, and ends the process; what it started dies with it. */
__attribute__((noreturn, format(printf, 1, 2))) void hosted_die(const char *format, ...);

/*
 * A fresh folder under build/ with an account, the module `note` (add {n}, put {n, text?}), and the writers. -1 hides
 * its entity from everybody.
 */
void hosted_create(hosted *server, const char *name);
void hosted_start(hosted *server);
/* Sends the signal and waits for the end: its wait status. Dies when that takes longer than `seconds`. */
int hosted_end(hosted *server, int signal, unsigned seconds);
/* The exit code of `reaktor --data FOLDER ARGUMENTS`; what it prints is dropped. */
int hosted_run(const hosted *server, const char *arguments);
/* Bytes of memory that the server has. */
size_t hosted_memory(const hosted *server);

/* False when the server does not take it. */
bool hosted_connect(hosted_client *client, const hosted *server);
void hosted_close(hosted_client *client);
/*
 * Asks as that writer; the path is behind /v1/default. The status, or 0 when the connection was closed without an
 * answer. hosted_send only sends: false when the connection is closed.
 */
int hosted_ask(hosted_client *client, unsigned writer, const char *method, const char *path, const char *body);
bool hosted_send(hosted_client *client, unsigned writer, const char *method, const char *path, const char *body);
/* Appends the JSON list of events as that writer. The status, or 0 when the connection was closed without an answer. */
int hosted_append(hosted_client *client, unsigned writer, const char *events);

/* Asks for events: `query` begins with "?" or is empty. False when the server does not take it. */
bool hosted_stream_open(hosted_stream *stream, const hosted *server, unsigned writer, const char *query,
                        const char *accept, uint64_t last_id, int receive_size);
/* Reads at most `size_max` bytes from the socket; 0 when it is closed. */
size_t hosted_stream_read(hosted_stream *stream, size_t size_max);
/* Drops the first bytes of the text. */
void hosted_stream_drop(hosted_stream *stream, size_t size);
void hosted_stream_close(hosted_stream *stream);

/* Of a thread's own: xorshift64*. */
uint64_t hosted_random(uint64_t *seed);
uint64_t hosted_now_ms(void);

#endif
