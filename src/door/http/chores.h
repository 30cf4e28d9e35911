/*
 * Chores: long work on one account while the server serves others and it: verify, replay, backup.
 *
 * A request reserves a place, its trail is appended to the log, then the chore waits. One thread does them one after
 * the other. What is over is remembered in memory, until RK_SERVER_CHORES_KEPT later ones are over or the server stops.
 *
 * Invariants
 *   (1) A chore that waits or runs holds its account; it ends soon after the account is erased or the server stops.
 *   (2) A chore is its asker's: nobody else sees it or ends it.
 *   (3) A backup is in DATA/backups under its own name only when it is whole and durable. No answer holds any of it.
 *   (4) All of a chore is under the lock of `chores`, but for what no longer changes once it is started.
 */
#ifndef RK_DOOR_HTTP_CHORES_H
#define RK_DOOR_HTTP_CHORES_H

#include "door/http/request.h"

#define RKI_FOLDER_BACKUPS "backups"

enum { RKI_CHORE_ID_SIZE = 32, RKI_CHORE_NUMBERS_MAX = 5 };

typedef enum rki_chore_kind { RKI_VERIFY, RKI_REPLAY, RKI_BACKUP } rki_chore_kind;

typedef enum rki_chore_state {
    RKI_CHORE_RESERVED, /* its trail is not in the log yet: nobody sees it */
    RKI_CHORE_WAITING,
    RKI_CHORE_RUNNING,
    RKI_CHORE_DONE, /* it came to its end, whatever it found */
    RKI_CHORE_FAILED,
    RKI_CHORE_ENDED, /* it was told to, by its asker, an erasure or the server's end */
} rki_chore_state;

typedef struct rki_chore_finding {
    char where[RK_ERROR_WHERE_MAX];
    char what[RK_ERROR_WHAT_MAX];
} rki_chore_finding;

struct rki_chore {
    char id[RKI_CHORE_ID_SIZE + 1];
    rki_account *account;
    char actor[RK_ACTOR_SIZE_MAX + 1];
    rki_chore_kind kind;
    rki_chore_state state;
    bool told; /* to end */
    uint64_t asked_ms, started_ms, ended_ms;
    uint64_t done, total;
    uint64_t found; /* findings; the first of them: */
    rki_chore_finding findings[RK_SERVER_CHORE_FINDINGS_MAX];
    bool sound; /* of one that is done */
    size_t number_count;
    const char *const *names; /* of the numbers */
    uint64_t numbers[RKI_CHORE_NUMBERS_MAX];
    char file[RK_PATH_SIZE_MAX]; /* of a backup that is done: within DATA */
    rk_error refusal;            /* why it failed */
    rki_chore *next;             /* in the order they were asked for */
};

/* As the API and its bodies call them. */
const char *rki_chore_kind_name(rki_chore_kind kind);

/* A place for a chore of who sends the request, which the request has then. RK_OVERLOADED, RK_LIMIT. */
RK_MUST_USE rk_status rki_chore_reserve(rki_request *request, rki_chore_kind kind, rk_error *error);
/* It waits from now on, and is no longer the request's; its JSON goes to the buffer. RK_NOT_FOUND, RK_BUSY. */
RK_MUST_USE rk_status rki_chore_begin(rki_request *request, rk_buffer *buffer, rk_error *error);
/* The JSON of those of who sends the request, in order; or of the one of that id, whom `end` ends: RK_NOT_FOUND. */
void rki_chore_list(rki_request *request, rk_buffer *buffer);
RK_MUST_USE rk_status rki_chore_show(rki_request *request, rk_bytes id, bool end, rk_buffer *buffer, rk_error *error);
/* op_chores.c: under the lock. */
void rki_chore_json(rk_buffer *buffer, const rki_chore *chore);

#endif
