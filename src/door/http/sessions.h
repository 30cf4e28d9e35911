/*
 * Sessions and passwords of an account, in a book beside its log.
 *
 * A session begins with a login and is what its tokens name. It goes on as long as its refresh token is exchanged for
 * the next one; when one that was exchanged before is shown again, somebody has a copy, and the session ends.
 *
 * Invariants
 *   (1) Of a refresh token its hash is kept, of a password its Argon2id text (io/password.h); neither is given out.
 *   (2) A session that has ended is not in the book any more, and no later call finds it, also after a crash.
 *   (3) An actor has at most RK_SESSIONS_MAX sessions: one more ends the one that was refreshed longest ago.
 *   (4) A session's id begins with 's' and no other token's does, so that a token of a session is known by its name.
 *   (5) Any thread may call: a lock is held inside, also while the book writes.
 *
 * A refresh token's 32 bytes are 16 that stay the session's own and 16 that are new each time: one row a session is
 * enough to tell a token that was used from one that never was.
 *
 * Names in the book, and what they lead to:
 *     s/ID             version 1, 1 byte; whether by a key, 1; begun, refreshed, end, 8 each (seconds since 1970, big-
 *                      endian); the key, 32, or zeros; SHA-256 of the token's own half, 32; of the token, 32; the actor
 *     f/HASH           of a token's own half: the session's id
 *     a/ACTOR 0x00 ID  empty
 *     p/ACTOR          the password's text
 */
#ifndef RK_DOOR_HTTP_SESSIONS_H
#define RK_DOOR_HTTP_SESSIONS_H

#include "base/arena.h"
#include "core/crypto/crypto.h"
#include "door/http/token.h"

enum {
    RK_SESSION_ID_SIZE = 33,               /* 's', 32 digits of hex */
    RK_SESSION_RANDOM_SIZE = 48,           /* for a session: 16 bytes of its id, 32 of its refresh token */
    RK_SESSION_TOKEN_S = 10 * 60,          /* how long an access token is good for */
    RK_SESSION_REFRESH_S = 30 * 24 * 3600, /* how long a refresh token is: after as much without one it ends */
    RK_SESSIONS_MAX = 100,                 /* of one actor */
    RK_SESSION_FRESH_SIZE = 16,            /* random bytes for the next refresh token */
};

typedef struct rk_session {
    char id[RK_SESSION_ID_SIZE];
    rk_bytes actor; /* in the call's arena */
    bool by_key;    /* else by a password */
    rk_key key;     /* that answered the challenge */
    uint64_t begun_s;
    uint64_t refreshed_s;
    uint64_t ends_s; /* unless it is refreshed */
} rk_session;

typedef struct rk_sessions rk_sessions;

/* Told of each session that has ended, once that is durable and before the call that ended it returns. */
typedef void (*rk_session_ended)(void *context, rk_bytes id);

/* The sessions in the book of that file, which is made when it is missing. RK_IO, RK_CORRUPT, RK_NO_MEMORY. */
RK_MUST_USE rk_status rk_sessions_open(const char *path, rk_session_ended ended, void *context,
                                       rk_sessions **sessions_out, rk_error *error);
/* NULL is allowed. */
void rk_sessions_close(rk_sessions *sessions);

/*
 * Begins a session of `actor`, who logged in with `key`, or (NULL) a password. `random` is fresh random bytes.
 * refresh_out gets its refresh token, not NUL-ended.
 */
RK_MUST_USE rk_status rk_session_begin(rk_sessions *sessions, const rk_crypto *crypto, rk_bytes actor,
                                       const rk_key *key, const uint8_t random[RK_SESSION_RANDOM_SIZE], uint64_t now_s,
                                       rk_arena *arena, rk_session *session_out, char refresh_out[RK_REFRESH_TEXT_SIZE],
                                       rk_error *error);
/* RK_NOT_FOUND when it has ended, or never was. */
RK_MUST_USE rk_status rk_session_find(rk_sessions *sessions, rk_bytes id, uint64_t now_s, rk_arena *arena,
                                      rk_session *session_out, rk_error *error);
/* The session of a refresh token, whether it was exchanged before or not; nothing changes. RK_BAD_TOKEN. */
RK_MUST_USE rk_status rk_session_of_refresh(rk_sessions *sessions, const rk_crypto *crypto, rk_bytes refresh,
                                            uint64_t now_s, rk_arena *arena, rk_session *session_out, rk_error *error);
/*
 * Exchanges a refresh token for the next one, made of fresh random bytes. RK_BAD_TOKEN when it is none, or its session
 * has ended; RK_REPLAYED when it was exchanged before: then the session has ended now.
 */
RK_MUST_USE rk_status rk_session_refresh(rk_sessions *sessions, const rk_crypto *crypto, rk_bytes refresh,
                                         const uint8_t random[RK_SESSION_FRESH_SIZE], uint64_t now_s, rk_arena *arena,
                                         rk_session *session_out, char refresh_out[RK_REFRESH_TEXT_SIZE],
                                         rk_error *error);
/* The actor's, in the order of their ids. */
RK_MUST_USE rk_status rk_session_list(rk_sessions *sessions, rk_bytes actor, uint64_t now_s, rk_arena *arena,
                                      rk_session **list_out, size_t *count_out, rk_error *error);
/* RK_NOT_FOUND when it has ended already. */
RK_MUST_USE rk_status rk_session_end(rk_sessions *sessions, rk_bytes id, rk_error *error);

/*
 * Keeps the text of an actor's password, or (empty) takes it away. Sessions that began with the password before end,
 * but for the one of id `but` (empty: none). RK_NOT_FOUND when there is none to take away.
 */
RK_MUST_USE rk_status rk_session_password_put(rk_sessions *sessions, rk_bytes actor, rk_bytes text, rk_bytes but,
                                              rk_error *error);
/* Puts `anew` in the place of the text `old` of the same password; nothing where that has changed meanwhile. */
RK_MUST_USE rk_status rk_session_password_renew(rk_sessions *sessions, rk_bytes actor, rk_bytes old, rk_bytes anew,
                                                rk_error *error);
/* The text, in the arena; empty when the actor has no password. */
RK_MUST_USE rk_status rk_session_password_get(rk_sessions *sessions, rk_bytes actor, rk_arena *arena,
                                              rk_bytes *text_out, rk_error *error);

#endif
