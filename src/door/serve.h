/*
 * What the command line asks of the HTTP server, which main puts in: the door knows no HTTP library.
 */
#ifndef RK_DOOR_SERVE_H
#define RK_DOOR_SERVE_H

#include "store/log.h"

/* What a server says of itself on standard error. */
typedef enum rk_server_log {
    RK_SERVER_LOG_FAULTS, /* what went wrong, as text */
    RK_SERVER_LOG_TEXT,
    RK_SERVER_LOG_JSON,
    RK_SERVER_LOG_NONE,
} rk_server_log;

/* All zero but for data, address, threads, writers and store: no bounds beyond the named limits, no TLS, no metrics. */
typedef struct rk_server_options {
    const char *data;    /* the folder: a database, or one with databases under accounts/ */
    const char *address; /* to listen on */
    uint16_t port;       /* 0: any that is free */
    unsigned threads;    /* that receive and answer, 1 to RK_SERVER_THREADS_MAX */
    unsigned writers;    /* 1 to RK_SERVER_WRITERS_MAX */
    const rk_log_ops *store;
    bool json;                      /* what it says is for programs */
    bool create;                    /* anyone may make an account */
    uint64_t accounts_max;          /* below accounts/; no more are made */
    uint64_t address_rate;          /* requests a second of one address; 0: no bound */
    uint64_t address_connections;   /* at a time; 0: three in four of all */
    bool address_local;             /* this machine's own addresses are counted too */
    uint64_t idle_seconds;          /* without a byte; 0: RK_SERVER_IDLE_SECONDS */
    const char *tls_cert, *tls_key; /* PEM files; NULL: HTTP without TLS */
    const char *metrics_address;    /* where metrics are given; NULL: nowhere */
    uint16_t metrics_port;          /* 0: any that is free */
    rk_server_log log;
    bool log_requests; /* each that was answered, too */
} rk_server_options;

enum {
    RK_SERVER_ACCOUNTS_MAX = 10000, /* where nothing else is said */
    RK_SERVER_ADDRESS_RATE =
        5000, /* requests a second of one address, not of this machine: as many as a busy proxy's */
};

typedef struct rk_server_world {
    /* Serves until the process is told to stop (SIGTERM, SIGINT). */
    rk_status (*serve)(const rk_server_options *options, rk_error *error);
    /* A bearer token for that actor, whose key must be in the account's folder. It lives in the arena. */
    rk_status (*token)(const rk_server_options *options, rk_bytes account, rk_bytes actor, uint64_t seconds,
                       rk_arena *arena, rk_bytes *token_out, rk_error *error);
    /*
     * The header lines (RFC 9421, 9530) with which `actor`, whose key it has, sends that request now. `url` is
     * absolute. The text lives in the arena. RK_BAD_REQUEST.
     */
    rk_status (*sign)(const rk_key_pair *pair, rk_bytes actor, rk_bytes method, rk_bytes url, rk_bytes body,
                      rk_arena *arena, rk_bytes *lines_out, rk_error *error);
    /*
     * The answer of `actor`, whose key it has, to a challenge of that account's server, in the arena.
     * RK_BAD_CHALLENGE, RK_WRONG_ACCOUNT.
     */
    rk_status (*answer)(const rk_key_pair *pair, const rk_hash *account, rk_bytes actor, rk_bytes challenge,
                        rk_arena *arena, rk_bytes *answer_out, rk_error *error);
} rk_server_world;

#endif
