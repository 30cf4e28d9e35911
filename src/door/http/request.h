/*
 * One request on its way through the server, for the files of this folder.
 *
 *     server.c    a request's life, and the server's              router.c    which operation, its parameters
 *     loops.c     threads that run libmicrohttpd
 *     answer.c    values and refusals as bodies                   accounts.c  open accounts, their readers
 *     writer.c    appends, gathered into groups                   live.c      event streams
 *     shelf.c     what is remembered of consumers                 take.c      giving them events
 *     member.c    who sends a request                             op_*.c      the operations
 *     body.c      bodies of named members                         desk.c      what logging in needs
 *     founding.c  accounts in the making                          erase.c     accounts that go
 *     export.c    whole logs, as files that others import        chores.c    long work, one after the other
 *     lobby.c     connections: how many, how fast, how long
 *     turns.c     what one account may have under way
 *     watch.c     what is counted, and what is said of it     scrape.c    giving the counts
 *
 * Invariants
 *   (1) A request is one thread's at a time: of its loop, then of a writer, for which its connection is suspended, then
 *       of its loop again.
 *   (2) Everything that a request makes lives in its arena, until its answer is sent.
 */
#ifndef RK_DOOR_HTTP_REQUEST_H
#define RK_DOOR_HTTP_REQUEST_H

#include <microhttpd.h>

#include "door/host.h"
#include "door/http/log_line.h"
#include "door/http/metrics.h"
#include "door/http/rate.h"
#include "door/http/server.h"
#include "door/http/sessions.h"
#include "door/http/signer.h"
#include "io/crypto.h"
#include "io/password.h"
#include "io/thread.h"

enum {
    RKI_PARAMETERS_MAX = 12,
    RKI_REQUEST_ID_SIZE = 16,
    RKI_ETAG_SIZE = 80,
    RKI_ALLOW_SIZE = 40,                /* every method there is */
    RKI_REQUEST_MEMORY_MAX = 256 << 20, /* all that one request makes */
};

/* ---- the table, made from api/operations.json ---- */

typedef struct rki_request rki_request;
typedef struct rki_account rki_account;
typedef struct rki_loop rki_loop;
typedef struct rki_live rki_live;
typedef struct rki_take rki_take;
typedef struct rk_book rk_book;
typedef struct rki_export rki_export;
typedef struct rki_chore rki_chore;

typedef enum rki_method { RKI_GET, RKI_POST, RKI_PUT, RKI_DELETE } rki_method;
typedef enum rki_who { RKI_ANYONE, RKI_MEMBER } rki_who;
typedef enum rki_where { RKI_PATH, RKI_QUERY, RKI_HEADER } rki_where;

typedef struct rki_parameter {
    const char *name;
    rki_where where;
    bool number;
    int64_t least; /* value of a number, bytes of a text */
    int64_t most;
} rki_parameter;

typedef struct rki_operation {
    const char *name;
    size_t number; /* its row */
    rki_method method;
    const char *path; /* "/v1/{account}/events" */
    rki_who who;
    bool body;
    rk_status (*run)(rki_request *request, rk_error *error);
} rki_operation;

/* One slot for each parameter of the operation, in the order of the table. */
typedef struct rki_given {
    bool there;
    rk_bytes text; /* NUL-ended, in the arena or libmicrohttpd's memory */
    uint64_t number;
} rki_given;

/* ---- a request ---- */

typedef enum rki_stage {
    RKI_NEW, /* only its target was read */
    RKI_RECEIVING,
    RKI_QUEUED,   /* suspended: its account has as many running as it may */
    RKI_WAITING,  /* suspended: a writer has it, or it waits for events */
    RKI_RESUMED,  /* its operation runs again */
    RKI_ANSWERED, /* the answer is there, to be sent */
} rki_stage;

typedef struct rki_answer {
    unsigned status;
    const char *type; /* "application/json" */
    rk_bytes body;
    char etag[RKI_ETAG_SIZE];    /* empty: none */
    struct MHD_Response *stream; /* instead of a body */
    char allow[RKI_ALLOW_SIZE];  /* for 405; empty: none */
    unsigned retry;              /* Retry-After, in seconds; 0: none */
} rki_answer;

/* An append on its way through a writer. */
typedef struct rki_job {
    rk_terms terms;
    rk_intent *intents;
    size_t count;
    rk_entry *entries;
    rk_bytes batch; /* instead of intents: sealed by a device */
    rk_outcome outcome;
    rk_status status;
    rk_error error;
    rki_request *next;
} rki_job;

struct rki_request {
    rk_server *server;
    rki_loop *loop;
    struct MHD_Connection *connection;
    const rki_operation *operation;
    char id[2 * RKI_REQUEST_ID_SIZE + 1];
    rki_stage stage;
    const char *method; /* of libmicrohttpd's memory */
    rk_bytes target;    /* as it came, with its query */
    bool signs;         /* the request is signed: seen when its body is there */
    bool broken;        /* its first line is malformed */
    rk_arena arena;
    const rki_parameter *parameters; /* of the operation */
    size_t parameter_count;
    rki_given given[RKI_PARAMETERS_MAX];
    rk_buffer body;
    rk_bytes body_bytes;
    size_t received;      /* bytes of the body, also of those that were dropped */
    size_t reserved;      /* its part of server->reserved, and of its account's or the strangers' */
    rk_error refusal;     /* of the body, once it is all there; RK_OK: none */
    rki_account *account; /* held while the request lives */
    rk_bytes actor;
    rk_bytes session; /* of its token; empty when it has none: an operator's token, or a signature */
    rki_answer answer;
    rki_job job;
    bool counted;   /* in the server's `unanswered` */
    rki_live *live; /* its stream, or NULL */
    rki_take *take; /* what it takes of a consumer, or NULL */
    rki_export *export;
    rki_chore *chore;                 /* a place for one that it asks for, or NULL */
    uint64_t started_us, answered_us; /* of the steady clock; answered 0: it was not */
    uint64_t sent;                    /* bytes of the answer's body */
    rk_status code;                   /* of its refusal; RK_OK: none */
    bool entered;                     /* it is known who sends it, and it is counted to its account */
    bool turn;                        /* it is one of those that its account has running */
    rki_request *next_turn;
    rki_request *next_resumed;
    struct rki_visitor *visitor; /* its connection; NULL: there was no memory to count it */
};

/* ---- router.c ---- */

/* The names of all operations, in the order of their numbers. */
const char *const *rki_operation_names(size_t *count_out);

/* Which operation, and its parameters. RK_NO_OPERATION, RK_BAD_METHOD, RK_BAD_REQUEST. */
RK_MUST_USE rk_status rki_route(rki_request *request, const char *method, const char *target, rk_error *error);
/* The parameter of that name, which the operation has. */
const rki_given *rki_parameter_get(const rki_request *request, const char *name);

/* ---- answer.c ---- */

/* JSON text; given as CBOR where the request accepts that before JSON. */
void rki_answer_json(rki_request *request, unsigned status, rk_bytes json);
/* application/problem+json; never fails. */
void rki_answer_problem(rki_request *request, const rk_error *error);
/* Appends one event as JSON without its last brace, so that more may follow; and with it. */
void rki_entry_open_json(rk_buffer *buffer, const rk_entry *entry);
void rki_entry_json(rk_buffer *buffer, const rk_entry *entry);
/* The body as a value, from JSON or CBOR. RK_BAD_JSON, RK_UNSUPPORTED_MEDIA, RK_BAD_REQUEST. */
RK_MUST_USE rk_status rki_body_value(rki_request *request, rk_value *value_out, rk_error *error);
/* Whether the Accept header names the type. */
bool rki_accepts(const rki_request *request, const char *type);

/* ---- body.c ---- */

typedef struct rki_member {
    const char *name;
    rk_kind kind;
    bool needed;
    const rk_value *value; /* found in the body; NULL: it is not there */
} rki_member;

/* The body as a map of these members, each of its kind, and of no others. RK_BAD_REQUEST, and as rki_body_value. */
RK_MUST_USE rk_status rki_body_members(rki_request *request, rki_member *members, size_t count, rk_error *error);
/* One event of a module, to be appended as the request's job. */
RK_MUST_USE rk_status rki_job_event(rki_request *request, rk_bytes entity, const char *type, rk_pair *pairs,
                                    size_t count, rk_error *error);

/* ---- server.c ---- */

/* Counts `size` bytes, or what the request has in its arena when that is more, to what bodies take. RK_OVERLOADED. */
RK_MUST_USE rk_status rki_reserve(rki_request *request, size_t size, rk_error *error);

/* ---- accounts.c ---- */

/* An engine of an account, for one thread at a time. */
typedef struct rki_handle {
    rk_arena arena; /* of the host */
    rk_door_host host;
    rk_engine *engine;
    rk_server *server;
    uint64_t given_ms; /* when it was last given back */
    struct rki_handle *next;
} rki_handle;

struct rki_account {
    char name[RK_NAME_SIZE_MAX + 1];
    const char *path;
    rk_server *server;
    size_t users; /* requests and writers that hold it; under the server's lock, as the next two */
    bool open;    /* may have open files */
    bool idle;    /* open and held by nobody: in the server's list of these, longest idle first */
    uint64_t idle_since_ms;
    rki_account *idle_before, *idle_next;
    rk_mutex *mutex;       /* of all below */
    _Atomic bool id_known; /* `id`, which stays while the account is held, is there */
    rk_hash id;
    rki_handle *readers;
    rki_handle *writer;
    rki_request *first, *last; /* appends that wait */
    bool lingers;              /* a writer waits for more of them: `arrived` */
    rk_signal *arrived;
    size_t waiting;
    bool scheduled;        /* stands in the writers' queue, or is with one */
    rki_account *next;     /* in the writers' queue */
    uint64_t queued_at;    /* server->turns_taken at that time; under the server's lock */
    uint64_t position;     /* the last that a writer of this server has committed, or that was seen */
    rki_live *live;        /* streams that wait for more */
    rki_take *takers;      /* takes that wait for events of consumers */
    uint64_t changes;      /* of consumers, that may give those more */
    rk_mutex *shelf_mutex; /* of `shelf`; taken before `mutex` */
    rk_book *shelf;        /* what is remembered of consumers; NULL: not open */
    rk_sessions *sessions;
    bool erased; /* closed for all; under the server's lock, as the next two */
    bool stuck;  /* its folder could not be moved */
    size_t exports;
    _Atomic size_t requests;             /* that entered and have not left */
    _Atomic size_t reserved;             /* of the server's bytes for bodies */
    size_t running;                      /* requests that a thread is at; under `mutex`, as all that follow */
    rki_request *turn_first, *turn_last; /* that wait for one of them to end */
    size_t turn_count;
    uint64_t quota_ms;       /* when the quota was looked at; 0: never */
    uint64_t quota_position; /* of the log at that time */
    uint64_t requests_max;   /* a second; UINT64_MAX: no bound */
    rk_rate rate;
};

/* Opens it, or finds it open, and holds it. RK_NOT_FOUND when there is no account of that name, RK_OVERLOADED. */
RK_MUST_USE rk_status rki_account_hold(rk_server *server, rk_bytes name, rki_account **account_out, rk_error *error);
/* NULL is allowed. */
void rki_account_release(rki_account *account);
/* Whether the name is taken. */
bool rki_account_there(rk_server *server, rk_bytes name);
/* Closes what an account that nobody holds has open. */
void rki_account_close(rki_account *account);
/* It has no open files any more. Under the server's lock. */
void rki_account_closed(rki_account *account);
/* Closes the accounts and the readers that have been idle for RK_SERVER_ACCOUNT_IDLE_MS. */
void rki_accounts_sweep(rk_server *server);
/* Shares `files`, all but those of connections, among accounts. */
void rki_accounts_plan(rk_server *server, uint64_t files);
/* What was known of the account that had the name is not so of the next one. Under the server's lock. */
void rki_account_forget(rki_account *account);
/* Closes what it has open; when the server stops. */
void rki_account_free(rki_account *account);
/*
 * An engine that reads on behalf of `actor`, who must be a member. RK_NOT_A_MEMBER. Until it is given back all reads
 * are of one moment.
 */
RK_MUST_USE rk_status rki_reader_take(rki_account *account, rk_bytes actor, rki_handle **handle_out, rk_error *error);
/* The same in the engine's last view, if it has one: a read is RK_BUSY when the log has gone on. */
RK_MUST_USE rk_status rki_reader_resume(rki_account *account, rk_bytes actor, rki_handle **handle_out, rk_error *error);
/* An engine that reads on nobody's behalf: the server's own look. Given back as a reader. */
RK_MUST_USE rk_status rki_handle_take(rki_account *account, rki_handle **handle_out, rk_error *error);
/* `good` false: it is closed instead of kept. */
void rki_reader_give(rki_account *account, rki_handle *handle, bool good);
RK_MUST_USE rk_status rki_handle_open(rki_account *account, rki_handle **handle_out, rk_error *error);
void rki_handle_close(rki_handle *handle);
/* The sessions of an account that is held; they stay open while it is. RK_IO, RK_CORRUPT. */
RK_MUST_USE rk_status rki_account_sessions(rki_account *account, rk_sessions **sessions_out, rk_error *error);

/* ---- lobby.c ---- */

RK_MUST_USE rk_status rki_lobby_open(rk_server *server, rk_error *error);
void rki_lobby_close(rk_server *server);
/* For libmicrohttpd: whether one from this address may connect; that it has, or has gone. `context` is the server. */
enum MHD_Result rki_lobby_accept(void *context, const struct sockaddr *address, socklen_t size);
void rki_lobby_notify(void *context, struct MHD_Connection *connection, void **slot,
                      enum MHD_ConnectionNotificationCode code);
/* Counts a request to its address. RK_TOO_MANY. */
RK_MUST_USE rk_status rki_lobby_ask(rki_request *request, rk_error *error);
/* From now on the connection has so many seconds; 0: as long as it likes. */
void rki_lobby_allow(rki_request *request, uint64_t seconds);
/* Closes the connections whose time is over. */
void rki_lobby_sweep(rk_server *server);
size_t rki_lobby_count(rk_server *server);
/* The seconds without a byte after which a connection is closed. */
uint64_t rki_idle_seconds(const rk_server *server);

/* ---- turns.c ---- */

/* Takes `more` of what there is `most` of, whole or not at all. */
bool rki_share_take(_Atomic size_t *taken, size_t more, size_t most);
/* Counts the request, whose sender is known now, to its account. RK_TOO_MANY, RK_OVERLOADED. */
RK_MUST_USE rk_status rki_enter(rki_request *request, rk_error *error);
/* When it ends, with its body and its turn. Any request is allowed. */
void rki_leave(rki_request *request);
/*
 * A thread is about to run its operation: when those of its account are all but one, the connection is suspended
 * (RKI_QUEUED) until one of them is done. RK_OVERLOADED when too many wait for that.
 */
RK_MUST_USE rk_status rki_turn_take(rki_request *request, rk_error *error);
/* Any request is allowed. */
void rki_turn_give(rki_request *request);
/* Resumes all that wait: the server is stopping. */
void rki_turns_wake_all(rk_server *server);

/* ---- watch.c ---- */

/* What the server counts, and what it has to say: an event with its fields. Never a secret, never a body. */
typedef enum rki_level { RKI_INFO, RKI_WARN, RKI_ERROR } rki_level;
void rki_say(rk_server *server, rki_level level, const char *event, const rk_log_field *fields, size_t field_count);
void rki_say_account(const rki_account *account, const char *event);
/* The answer is being sent; it was, or could not be. */
void rki_watch_answer(rki_request *request);
void rki_watch_done(rki_request *request);
/* A group commit, by the jobs that it was made of. */
void rki_watch_group(rki_account *account, const rki_request *first, uint64_t took_us);

/* ---- scrape.c ---- */

/* Gives the counts at the address that the options say; nowhere when they say none. RK_USAGE, RK_IO. */
RK_MUST_USE rk_status rki_scrape_start(rk_server *server, rk_error *error);
void rki_scrape_stop(rk_server *server);

/* ---- loops.c ---- */

/* Listens, and serves in threads of its own. RK_USAGE, RK_IO, RK_NO_MEMORY. */
RK_MUST_USE rk_status rki_loops_start(rk_server *server, rk_error *error);
/* Takes no new connections any more. */
void rki_loops_leave(rk_server *server);
/* Closes all connections. */
void rki_loops_stop(rk_server *server);
rk_server *rki_loop_server(const rki_loop *loop);
/* A suspended connection goes on. Its request is not touched after this. Any thread may, its loop too. */
void rki_resume(rki_request *request);
/* The same for all that follow it in job.next. */
void rki_resume_all(rk_server *server, rki_request *first);
/* The account goes to the writers when the loop, whose thread this is, has looked at all its connections. */
void rki_loop_schedule(rki_loop *loop, rki_account *account);

/* For libmicrohttpd: the target of a request's first line; the context is its loop. */
void *rki_request_begin(void *context, const char *target, struct MHD_Connection *connection);
enum MHD_Result rki_handle_request(void *context, struct MHD_Connection *connection, const char *path,
                                   const char *method, const char *version, const char *data, size_t *size,
                                   void **slot);
void rki_request_end(void *context, struct MHD_Connection *connection, void **slot,
                     enum MHD_RequestTerminationCode how);

/* ---- writer.c ---- */

/* Suspends the connection; a writer resumes it with the job's outcome. RK_BUSY when too many wait. */
RK_MUST_USE rk_status rki_append_later(rki_request *request, rk_error *error);
/* When its request ends: its answer has been sent, or cannot be. Any request is allowed. */
void rki_append_end(rki_request *request);
/* Puts accounts that a loop has scheduled in the queue: `first`, and those that follow it by `next`. */
void rki_writers_call(rk_server *server, rki_account *first);
/* The thread of a writer. */
void rki_writer_run(void *server);

/* ---- live.c ---- */

/* Answers with a stream of the events; an event stream has no end. What the query borrows lives as the request does. */
RK_MUST_USE rk_status rki_live_start(rki_request *request, const rk_event_query *query, rk_error *error);
/* When its request ends. NULL is allowed. */
void rki_live_end(rki_live *live);
/* Wakes the streams and the takes of an account, because there is more or it is time to say that the stream lives. */
void rki_live_wake(rki_account *account);
/* Wakes them all, for the last time: the server is stopping. */
void rki_live_wake_all(rk_server *server);
/* The thread that keeps streams alive and sees what other processes commit. */
void rki_live_tick(void *server);

/* ---- take.c ---- */

/* Wakes the takes that look again at that time or before; UINT64_MAX: all. */
void rki_takers_wake(rki_account *account, uint64_t now_ms);

/* ---- member.c ---- */

/* What authenticating needs: the server's key, made when there is none, and what was seen already. */
RK_MUST_USE rk_status rki_gate_open(rk_server *server, rk_error *error);
void rki_gate_close(rk_server *server);
/*
 * Fills in request->account, and request->actor, whom a bearer token shows to send it; where there is none and the
 * request is signed, marks that. RK_UNAUTHENTICATED, RK_NOT_A_MEMBER, RK_BAD_SIGNATURE, RK_OVERLOADED.
 */
RK_MUST_USE rk_status rki_authenticate(rki_request *request, rk_error *error);
/* The id of the account of that name, which tokens and challenges are for. RK_NOT_FOUND. */
RK_MUST_USE rk_status rki_account_id(rk_server *server, rk_bytes name, rk_hash *id_out, rk_error *error);
/* An access token of the session, in the arena, and when it ends. */
RK_MUST_USE rk_status rki_token_of_session(rk_server *server, const rk_hash *account, const rk_session *session,
                                           rk_arena *arena, rk_bytes *token_out, uint64_t *expires_s_out,
                                           rk_error *error);
/* The key that tokens are verified with. */
const rk_key *rki_gate_key(const rk_server *server);
/* As rk_session_ended: no token of that session passes from now on. `context` is the server. */
void rki_gate_forget(void *context, rk_bytes session);
/* As rk_signers.active_keys: of request->account, which may be NULL. `context` is the request. */
RK_MUST_USE rk_status rki_active_keys(void *context, rk_bytes actor, rk_key keys_out[RK_SIGNER_KEYS_MAX],
                                      size_t *count_out, rk_error *error);
/* The signature (RFC 9421) of a request whose body is there; fills in request->actor. As rk_signature_check. */
RK_MUST_USE rk_status rki_check_signature(rki_request *request, rk_error *error);

/* ---- desk.c ---- */

/* What logging in needs besides the sessions: a secret for challenges, and counts of tries. */
RK_MUST_USE rk_status rki_desk_open(rk_server *server, rk_error *error);
void rki_desk_close(rk_server *server);
/* A challenge for that actor of that account, in the arena. RK_BAD_ID. */
RK_MUST_USE rk_status rki_desk_challenge(rk_server *server, const rk_hash *account, rk_bytes actor, rk_arena *arena,
                                         rk_bytes *challenge_out, uint64_t *expires_s_out, rk_error *error);
/* Whose answer it is, by one of the keys of request->account. As rk_challenge_check. */
RK_MUST_USE rk_status rki_desk_answer(rki_request *request, const rk_hash *account, rk_bytes answer,
                                      rk_signer *signer_out, rk_error *error);
/* What stands for the id of an account that there is not: the same each time, and no account's. */
rk_hash rki_desk_nobody(rk_server *server, rk_bytes name);
/*
 * Holds a password against a stored text (empty: nobody's). RK_LOGIN_REFUSED when it is another; RK_TOO_MANY past
 * RK_SERVER_PASSWORD_TRIES_MAX of the actor or RK_SERVER_ADDRESS_TRIES_MAX of the sender's address within a minute;
 * RK_OVERLOADED when RK_SERVER_PASSWORDS_MAX are being checked.
 */
RK_MUST_USE rk_status rki_desk_password(rki_request *request, rk_bytes actor, rk_bytes password, rk_bytes text,
                                        rk_error *error);
/* As rk_password_make, within the same bounds. */
RK_MUST_USE rk_status rki_desk_password_make(rki_request *request, rk_bytes password,
                                             char text_out[RK_PASSWORD_TEXT_SIZE], rk_error *error);

/* Counts a draft that the sender's address asks for. RK_TOO_MANY past RK_SERVER_ADDRESS_DRAFTS_MAX within a minute. */
RK_MUST_USE rk_status rki_desk_draft(rki_request *request, rk_error *error);

/* ---- founding.c ---- */

#define RKI_FOLDER_ACCOUNTS "accounts"
#define RKI_FOLDER_FOUNDING "founding"
#define RKI_FOLDER_ERASED   "erased"

typedef struct rki_draft_id {
    char text[32]; /* hex */
} rki_draft_id;

typedef struct rki_draft {
    rki_draft_id id;
    rk_founding founding; /* without the truth key's secret */
    rk_draft draft;
    uint64_t expires_ms;
} rki_draft;

RK_MUST_USE rk_status rki_drafts_open(rk_server *server, rk_error *error);
void rki_drafts_close(rk_server *server);
/* Whether an account of that name may be made now. RK_FORBIDDEN, RK_BAD_ID, RK_NAME_TAKEN, RK_TOO_MANY_ACCOUNTS. */
RK_MUST_USE rk_status rki_account_may_found(rk_server *server, rk_bytes name, rk_error *error);
/* A draft that waits to be signed; in the arena. RK_TOO_MANY_DRAFTS. */
RK_MUST_USE rk_status rki_draft_make(rk_server *server, rk_bytes name, const rk_key *root_key, const rk_key *owner_key,
                                     rk_arena *arena, rki_draft *draft_out, rk_error *error);
/* Makes the account of a draft; info_out has no name. RK_NO_DRAFT, RK_BAD_SIGNATURE, and as rki_account_may_found. */
RK_MUST_USE rk_status rki_draft_sign(rk_server *server, rk_bytes name, rk_bytes id,
                                     const uint8_t signature[RK_SIGNATURE_SIZE], rk_arena *arena,
                                     rk_engine_info *info_out, rk_error *error);

/* ---- op_accounts.c ---- */

/* The account's own entity, in the arena, and where its log stands; info_out has no name. RK_NOT_A_MEMBER. */
RK_MUST_USE rk_status rki_account_entity(rki_request *request, rk_bytes *entity_out, rk_engine_info *info_out,
                                         rk_error *error);

/* ---- export.c ---- */

/* When its request ends. NULL is allowed. */
void rki_export_end(rki_export *export);

/* ---- chores.c ---- */

/* The list of chores, empty; the thread that does them; its end, with what it does; the list's end. */
RK_MUST_USE rk_status rki_chores_open(rk_server *server, rk_error *error);
RK_MUST_USE rk_status rki_chores_start(rk_server *server, rk_error *error);
void rki_chores_stop(rk_server *server);
void rki_chores_close(rk_server *server);
/* When its request ends: the place that it has not used. Any request is allowed. */
void rki_chore_abandon(rki_request *request);
/* Those of an account that goes end, and release it. */
void rki_chores_end(rki_account *account);
/* What is remembered of an account that is gone is forgotten. */
void rki_chores_forget(rki_account *account);

/* ---- erase.c ---- */

/* Closes the account for all, durably; it is removed when the last that holds it releases it. */
RK_MUST_USE rk_status rki_account_erase(rki_account *account, rk_error *error);
/* The thread that removes what was erased. */
void rki_erase_run(void *server);
/* Before anything is served: finishes erasing, and drops what was not founded whole. */
RK_MUST_USE rk_status rki_erase_sweep(rk_server *server, rk_error *error);

/* ---- op_actors.c ---- */

/* The state of an actor's entity, in the arena; RK_NULL where there is none. On nobody's behalf. */
RK_MUST_USE rk_status rki_actor_state(rki_account *account, rk_bytes actor, rk_arena *arena, rk_value *state_out,
                                      rk_error *error);
/* Whether an actor of that state may log in: it is one, and not disabled. */
bool rki_actor_may_enter(const rk_value *state);
/* RK_FORBIDDEN unless the sender is `actor` itself or has the role admin. */
RK_MUST_USE rk_status rki_self_or_admin(rki_request *request, rk_bytes actor, rk_error *error);

/* ---- op_*.c ---- */

#define RK_OPERATION(name, method, path, who, body) \
    RK_MUST_USE rk_status rki_op_##name(rki_request *request, rk_error *error);
#include "door/http/operations.def"

/* ---- the server ---- */

bool rki_stopping(rk_server *server);
/* Under the server's lock, when an answer or a stream has ended: tells who stops the server when it was the last. */
void rki_see_drained(rk_server *server);
/* Whether the server stops or the account is erased: its streams end. Takes the server's lock. */
bool rki_ending(rki_account *account);

struct rk_server {
    rk_server_options options;
    const rk_log_ops *store;
    rk_arena arena;
    rki_loop *loops; /* one for each of options.threads; NULL: it does not serve */
    int socket;      /* that `porter` listens on; -1: none */
    rk_thread *porter;
    _Atomic bool leaving; /* no new connections any more */
    size_t connections_max;
    rk_mutex *mutex; /* of the accounts, the queue and `streams`; taken for each change of `stopping` */
    rk_map accounts; /* name -> rki_account */
    size_t open_count;
    size_t open_max; /* accounts that may have open files */
    uint64_t files;  /* that accounts may have open together */
    rki_account *idle_first, *idle_last;
    _Atomic size_t handles; /* that are open */
    rk_signal *work;        /* the queue is not empty, or it is time to stop */
    rki_account *queue_first, *queue_last;
    uint64_t turns_taken; /* accounts that left the queue */
    rk_thread *writers[RK_SERVER_WRITERS_MAX];
    rk_thread *ticker;
    rk_signal *tick;
    size_t scheduled;          /* accounts that loops will bring to the queue */
    _Atomic bool stopping;     /* set under the mutex, so that none goes to wait who was not woken */
    _Atomic size_t reserved;   /* bytes for bodies, at most RK_SERVER_BODIES_MAX */
    _Atomic size_t strangers;  /* of these, of requests that have not entered an account */
    size_t turns_max;          /* threads that one account may have at a time */
    _Atomic size_t unanswered; /* appends that writers took, whose answers are not sent yet */
    size_t streams;            /* that have not ended */
    rk_signal *drained;        /* there are none, and it is time to stop */
    struct rki_gate *gate;
    struct rki_desk *desk;
    struct rki_drafts *drafts;
    struct rki_chores *chores;
    size_t exports;   /* that are being made; under the mutex */
    rk_signal *erase; /* an erased account may be free of holders, or it is time to stop */
    rk_thread *eraser;
    struct rki_lobby *lobby;
    rk_metrics metrics;
    struct MHD_Daemon *scraped; /* gives the metrics; NULL: nothing does */
    rk_mutex *log_mutex;        /* of the two below */
    rk_rate log_rate;
    uint64_t log_dropped;
    uint64_t started_ms;
    uint8_t request_key[RK_NUMBER_KEY_SIZE]; /* makes ids of requests */
    _Atomic uint64_t request_count;
};

#endif
