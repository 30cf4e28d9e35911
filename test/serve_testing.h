/*
 * The program as a server in a process of its own, and a client that sends what it likes.
 */
#ifndef RK_TEST_SERVE_TESTING_H
#define RK_TEST_SERVE_TESTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct served {
    char folder[64];
    char token[2048]; /* of the owner, for the account `default` */
    pid_t pid;
    uint16_t port;
} served;

/*
 * Makes an account with the module profile, and serves it: $REAKTOR, or build/reaktor. `setup`, which may be NULL, is a
 * line of the shell before that, where $r is the program with its folder. Ends the test program when it cannot.
 */
void served_start(served *served, const char *setup);
/* Tells it to stop, and removes its folder. Whether it ended well. */
bool served_stop(served *served);
/* Kilobytes of memory, now and at most, by /proc: "VmRSS" and "VmHWM". */
uint64_t served_memory(const served *served, const char *which);

/* A connection; -1 when there is none to be had. */
int served_connect(const served *served);
/* False when the other side closed. */
bool served_send(int fd, const void *bytes, size_t size);

typedef struct served_answer {
    int status; /* 0: the connection was closed or nothing came in time */
    bool late;  /* nothing came in time */
    char *text; /* its head and body, NUL-ended; made by malloc */
    char *body;
    size_t body_size;
} served_answer;

/* Reads one answer, "100 Continue" aside, of exactly its size. `head`: none has a body. */
served_answer served_read(int fd, bool head);
/* Sends on a connection of its own, and reads one answer. */
served_answer served_ask(const served *served, const void *bytes, size_t size);
/* A header of the answer, up to the end of its line, into `out`; false when there is none. */
bool served_header(const served_answer *answer, const char *name, char *out, size_t out_size);

#endif
