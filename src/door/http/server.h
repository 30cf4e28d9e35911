/*
 * The server: accounts below one folder, over HTTP.
 *
 * Invariants
 *   (1) What was answered 2xx is durable; what was refused left nothing behind.
 *   (2) Memory, connections, bodies, waiting appends and open accounts have named limits; past one the answer is a
 *       refusal (413, 429, 503), and others are served meanwhile.
 *   (3) Stopping finishes what was accepted.
 */
#ifndef RK_DOOR_HTTP_SERVER_H
#define RK_DOOR_HTTP_SERVER_H

#include "door/serve.h"
#include "engine/engine.h"

enum {
    RK_SERVER_BODY_MAX = 16 << 20,       /* bytes of one body */
    RK_SERVER_BODY_SECONDS = 300,        /* from a request's head to the end of its body */
    RK_SERVER_BODY_VALUES_MAX = 1 << 19, /* values of one JSON body: an empty object costs 240 bytes while it is read */
    RK_SERVER_BODIES_MAX = 256 << 20,    /* bytes that all bodies, and what was read of them, take at a time */
    RK_SERVER_ACCOUNT_BODIES_MAX = 192 << 20, /* of these, of one account */
    RK_SERVER_STRANGER_BODIES_MAX = 64 << 20, /* of these, of all who have not shown yet who they are */
    RK_SERVER_ACCOUNT_REQUESTS_MAX = 10000,   /* of one account that are under way: those that wait, and streams */
    RK_SERVER_TURNS_MAX = 1000,               /* of these, that wait for a thread: its account has all but one */
    RK_SERVER_LOG_FAULTS_MAX = 20,            /* lines a second about faults of the server */
    RK_SERVER_SLOW_GROUP_MS = 1000,           /* a group commit that takes longer is said to be slow */
    RK_SERVER_QUOTA_MS = 1000,                /* for which a quota that was read is held to be so */
    RK_SERVER_CONNECTIONS_MAX = 20000,        /* at a time, and three in four of the files that the process may open */
    RK_SERVER_IDLE_SECONDS = 60,              /* without a byte either way, then the connection is closed */
    RK_SERVER_HEAD_IDLES = 2,        /* times that, from an answer's end to the next head's: byte by byte is too slow */
    RK_SERVER_ANSWER_IDLES = 10,     /* times that, for taking a whole answer that is no stream */
    RK_SERVER_HEADER_MAX = 16 << 10, /* bytes of the head of a request: what a connection holds, and clears for each */
    RK_SERVER_ACCOUNTS_OPEN_MAX = 500, /* accounts that have open files though nobody uses them */
    RK_SERVER_ACCOUNT_IDLE_MS = 60000, /* after which an account, or a reader of it, is closed */
    RK_SERVER_READERS_MAX = 8,         /* engines for reading that an account keeps */
    RK_SERVER_HANDLE_FILES = 4,        /* files of one engine: three of SQLite's, one while it opens or writes */
    RK_SERVER_ACCOUNT_FILES = 6,       /* files of an account besides: two books */
    RK_SERVER_SPARE_FILES = 64,       /* of the process: its standard streams, libmicrohttpd's, what is read for once */
    RK_SERVER_CACHES_MAX = 512 << 20, /* bytes of states that the engines keep, shared among those that are open */
    RK_SERVER_CACHE_LEAST = 1 << 20,  /* of one engine */
    RK_SERVER_CACHE_MOST = 128 << 20,
    RK_SERVER_WAITING_MAX = 10000, /* appends of one account that wait */
    RK_SERVER_GROUP_MAX = 2000,    /* transactions of one group commit */
    RK_SERVER_LINGER_MS = 5,       /* that a group stays open for those who expect the next version */
    RK_SERVER_THREADS_MAX = 64,
    RK_SERVER_WRITERS_MAX = 16,
    RK_SERVER_KEEP_ALIVE_SECONDS = 15,   /* of a live stream */
    RK_SERVER_WALK_MAX = 5000,           /* events that one page, or one frame of a stream, looks at */
    RK_SERVER_SLOW_MS = 5000,            /* to take one frame of a stream, then its reader is told that it is slow */
    RK_SERVER_LAG_MAX = 10000,           /* events behind the log's end, for a reader who was there; it is told too */
    RK_SERVER_WAIT_MS_MAX = 30000,       /* that a take waits for events */
    RK_SERVER_CONSUMERS_MAX = 1000,      /* of an account */
    RK_SERVER_PARKED_MAX = 10000,        /* events of one consumer that are parked */
    RK_SERVER_REASON_MAX = 1000,         /* bytes of the reason for parking one */
    RK_SERVER_STOP_MS = 3000,            /* for sending the last answers when it stops */
    RK_SERVER_GUEST_BODY_MAX = 64 << 10, /* bytes of a body of an operation that is for anyone */
    RK_SERVER_PASSWORDS_MAX = 2,         /* that are checked at a time: each takes RK_PASSWORD_MEMORY and a core */
    RK_SERVER_PASSWORD_TRIES_MAX = 10,   /* wrong passwords of one actor within a minute */
    RK_SERVER_ADDRESS_TRIES_MAX = 60,    /* of one address: a proxy's is shared */
    RK_SERVER_CHALLENGE_SECONDS = 120,   /* for answering a challenge */
    RK_SERVER_CHALLENGES_MAX = 1 << 14,  /* that are answered within this time */
    RK_SERVER_EXPORTS_MAX = 8,           /* at a time: each holds one line, of a whole group commit */
    RK_SERVER_ACCOUNT_EXPORTS_MAX = 2,   /* of these, of one account */
    RK_SERVER_DRAFT_SECONDS = 600,       /* for signing the draft of an account */
    RK_SERVER_DRAFTS_MAX = 256,          /* that wait to be signed */
    RK_SERVER_CHORES_WAITING = 64,       /* that wait or run */
    RK_SERVER_ACCOUNT_CHORES_MAX = 4,    /* of these, of one account */
    RK_SERVER_CHORES_KEPT = 256,         /* that are over and remembered */
    RK_SERVER_CHORE_FINDINGS_MAX = 20,   /* that are told of one; all are counted */
    RK_SERVER_BACKUPS_MAX = 16,          /* of one account on the server's disk */
    RK_SERVER_ADDRESS_DRAFTS_MAX = 20,   /* of one address within a minute: alone it does not take all places */
};

/* What one request may take is within the share of one account. */
_Static_assert(RK_SERVER_BODY_VALUES_MAX / 4096 + 2 * (RK_SERVER_BODY_MAX >> 20) < RK_SERVER_ACCOUNT_BODIES_MAX >> 20,
               "256 bytes a value, and the body with its copy");

typedef struct rk_server rk_server;

/* Opens what it needs of the folder, without serving: for tokens. Ended by rk_server_stop. */
RK_MUST_USE rk_status rk_server_prepare(const rk_server_options *options, rk_server **server_out, rk_error *error);
/* Starts it; it serves in threads of its own. RK_NO_DATABASE, RK_IO. */
RK_MUST_USE rk_status rk_server_start(const rk_server_options *options, rk_server **server_out, rk_error *error);
uint16_t rk_server_port(const rk_server *server);
/* Where metrics are given; 0 when nowhere. */
uint16_t rk_server_metrics_port(const rk_server *server);
/* A bearer token for that actor of that account, for `seconds`. The text lives in the arena. */
RK_MUST_USE rk_status rk_server_token(rk_server *server, rk_bytes account, rk_bytes actor, uint64_t seconds,
                                      rk_arena *arena, rk_bytes *token_out, rk_error *error);
/* Finishes what was accepted, and frees it. NULL is allowed. */
void rk_server_stop(rk_server *server);

#endif
