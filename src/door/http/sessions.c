/*
 * Sessions as rows of a book.
 */
#include "door/http/sessions.h"

#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "io/crypto.h"
#include "io/memory.h"
#include "io/thread.h"
#include "store/book/book.h"

enum {
    HALF = RK_REFRESH_RANDOM_SIZE / 2,
    VERSION = 1,
    AT_BY_KEY = 1,
    AT_BEGUN = 2,
    AT_REFRESHED = 10,
    AT_END = 18,
    AT_KEY = 26,
    AT_OWN = AT_KEY + RK_KEY_SIZE,
    AT_REFRESH = AT_OWN + RK_HASH_SIZE,
    AT_ACTOR = AT_REFRESH + RK_HASH_SIZE,
    ROW_SIZE_MAX = AT_ACTOR + RK_ACTOR_SIZE_MAX,
    NAME_SIZE_MAX = 2 + RK_ACTOR_SIZE_MAX + 1 + RK_SESSION_ID_SIZE,
    CALL_SIZE_MAX = 1 << 20, /* the rows of an actor: RK_SESSIONS_MAX of them, and one more */
};

_Static_assert((int)NAME_SIZE_MAX <= (int)RK_BOOK_NAME_MAX, "a name fits the book");
_Static_assert((int)HALF == (int)RK_SESSION_FRESH_SIZE && (int)RK_SESSION_RANDOM_SIZE == 16 + 2 * (int)HALF,
               "random bytes for each part");

struct rk_sessions {
    rk_mutex *mutex;
    rk_book *book;
    rk_session_ended ended;
    void *context;
    char gone[RK_SESSIONS_MAX + 1][RK_SESSION_ID_SIZE]; /* those that the transaction at hand ends */
    size_t gone_count;
};

/* A row, with what the caller does not see. */
typedef struct row {
    rk_session session;
    rk_hash own;     /* of the half of its refresh tokens that stays */
    rk_hash refresh; /* of the one that is good */
} row;

/* ---- the book ---- */

rk_status rk_sessions_open(const char *path, rk_session_ended ended, void *context, rk_sessions **sessions_out,
                           rk_error *error) {
    const rk_memory *memory = rk_memory_system();
    rk_sessions *sessions = memory->take(memory->context, sizeof *sessions);
    *sessions_out = NULL;
    if (!sessions) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the sessions");
    *sessions = (rk_sessions){.mutex = rk_mutex_new(), .ended = ended, .context = context};
    rk_status status = sessions->mutex ? rk_book_open(path, true, &sessions->book, error)
                                       : rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the sessions");
    if (status == RK_OK) {
        *sessions_out = sessions;
    } else {
        rk_sessions_close(sessions);
    }
    return status;
}

void rk_sessions_close(rk_sessions *sessions) {
    if (!sessions) return;
    const rk_memory *memory = rk_memory_system();
    rk_book_close(sessions->book);
    rk_mutex_free(sessions->mutex);
    memory->give(memory->context, sessions, sizeof *sessions);
}

static rk_status begin(rk_sessions *sessions, bool write, rk_error *error) {
    rk_mutex_lock(sessions->mutex);
    sessions->gone_count = 0;
    rk_status status = rk_book_begin(sessions->book, write, error);
    if (status != RK_OK) rk_mutex_unlock(sessions->mutex);
    return status;
}

/* Commits where `status` says so. Only then are those that ended told of. */
static rk_status end(rk_sessions *sessions, rk_status status, rk_error *error) {
    if (status == RK_OK) {
        status = rk_book_commit(sessions->book, error);
    } else {
        rk_book_rollback(sessions->book);
    }
    for (size_t i = 0; i < sessions->gone_count && status == RK_OK && sessions->ended; i++) {
        sessions->ended(sessions->context, rk_bytes_of(sessions->gone[i], RK_SESSION_ID_SIZE));
    }
    rk_mutex_unlock(sessions->mutex);
    return status;
}

/* ---- rows ---- */

static rk_bytes name_of(char out[NAME_SIZE_MAX + 1], const char *table, rk_bytes key) {
    return rk_bytes_of(out, rk_format(out, NAME_SIZE_MAX + 1, "%s/%b", table, key));
}

/* "a/ACTOR", 0x00, and the id, which may be empty. No actor's id has a control character. */
static rk_bytes place_of(char out[NAME_SIZE_MAX + 1], rk_bytes actor, rk_bytes id) {
    size_t size = rk_format(out, NAME_SIZE_MAX + 1, "a/%b", actor);
    out[size++] = 0;
    if (id.size) memcpy(out + size, id.data, id.size);
    return rk_bytes_of(out, size + id.size);
}

static rk_bytes id_of(const rk_session *session) {
    return rk_bytes_of(session->id, RK_SESSION_ID_SIZE);
}

static bool read_row(rk_bytes bytes, rk_bytes id, rk_arena *arena, row *row) {
    const uint8_t *at = bytes.data;
    memset(row, 0, sizeof *row);
    if (bytes.size <= AT_ACTOR || bytes.size > ROW_SIZE_MAX || at[0] != VERSION || id.size != RK_SESSION_ID_SIZE) {
        return false;
    }
    memcpy(row->session.id, id.data, RK_SESSION_ID_SIZE);
    row->session.by_key = at[AT_BY_KEY] == 1;
    row->session.begun_s = rk_get_u64(at + AT_BEGUN);
    row->session.refreshed_s = rk_get_u64(at + AT_REFRESHED);
    row->session.ends_s = rk_get_u64(at + AT_END);
    memcpy(row->session.key.bytes, at + AT_KEY, RK_KEY_SIZE);
    memcpy(row->own.bytes, at + AT_OWN, RK_HASH_SIZE);
    memcpy(row->refresh.bytes, at + AT_REFRESH, RK_HASH_SIZE);
    return rk_arena_copy(arena, rk_bytes_from(bytes, AT_ACTOR), &row->session.actor) == RK_OK;
}

static rk_status get_row(rk_sessions *sessions, rk_bytes id, rk_arena *arena, row *row_out, rk_error *error) {
    char name[NAME_SIZE_MAX + 1];
    rk_bytes bytes;
    if (id.size != RK_SESSION_ID_SIZE) return rk_fail(error, RK_NOT_FOUND, NULL, "there is no such session");
    rk_status status = rk_book_get(sessions->book, name_of(name, "s", id), arena, &bytes, error);
    if (status == RK_NOT_FOUND) return rk_fail(error, RK_NOT_FOUND, NULL, "there is no such session");
    RK_TRY(status);
    return read_row(bytes, id, arena, row_out) ? RK_OK : rk_fail(error, RK_CORRUPT, "sessions", "a row that is none");
}

static rk_status put_row(rk_sessions *sessions, const row *row, rk_error *error) {
    uint8_t bytes[ROW_SIZE_MAX];
    char name[NAME_SIZE_MAX + 1];
    const rk_session *session = &row->session;
    bytes[0] = VERSION;
    bytes[AT_BY_KEY] = session->by_key;
    rk_put_u64(bytes + AT_BEGUN, session->begun_s);
    rk_put_u64(bytes + AT_REFRESHED, session->refreshed_s);
    rk_put_u64(bytes + AT_END, session->ends_s);
    memcpy(bytes + AT_KEY, session->key.bytes, RK_KEY_SIZE);
    memcpy(bytes + AT_OWN, row->own.bytes, RK_HASH_SIZE);
    memcpy(bytes + AT_REFRESH, row->refresh.bytes, RK_HASH_SIZE);
    memcpy(bytes + AT_ACTOR, session->actor.data, session->actor.size);
    return rk_book_put(sessions->book, name_of(name, "s", id_of(session)),
                       rk_bytes_of(bytes, AT_ACTOR + session->actor.size), error);
}

static rk_bytes own_name(char out[NAME_SIZE_MAX + 1], const rk_hash *own) {
    memcpy(out, "f/", 2);
    memcpy(out + 2, own->bytes, RK_HASH_SIZE);
    return rk_bytes_of(out, 2 + RK_HASH_SIZE);
}

/* Takes all rows of a session away. */
static rk_status drop_row(rk_sessions *sessions, const row *row, rk_error *error) {
    char name[NAME_SIZE_MAX + 1];
    RK_ASSERT(sessions->gone_count <= RK_SESSIONS_MAX);
    memcpy(sessions->gone[sessions->gone_count++], row->session.id, RK_SESSION_ID_SIZE);
    RK_TRY(rk_book_drop(sessions->book, name_of(name, "s", id_of(&row->session)), error));
    RK_TRY(rk_book_drop(sessions->book, own_name(name, &row->own), error));
    return rk_book_drop(sessions->book, place_of(name, row->session.actor, id_of(&row->session)), error);
}

/* ---- of one actor ---- */

typedef struct rows {
    rk_arena *arena;
    size_t skip; /* bytes of a name before the id */
    rk_bytes ids[RK_SESSIONS_MAX + 1];
    size_t count;
} rows;

static rk_status take_id(void *context, rk_bytes name, rk_bytes value) {
    rows *rows = context;
    (void)value;
    if (rows->count > RK_SESSIONS_MAX) return RK_CORRUPT;
    return rk_arena_copy(rows->arena, rk_bytes_from(name, rows->skip), &rows->ids[rows->count++]);
}

/* At most RK_SESSIONS_MAX, those that have ended by the clock too. */
static rk_status rows_of(rk_sessions *sessions, rk_bytes actor, rk_arena *arena, row **rows_out, size_t *count_out,
                         rk_error *error) {
    char name[NAME_SIZE_MAX + 1];
    rows found = {.arena = arena};
    rk_bytes prefix = place_of(name, actor, (rk_bytes){NULL, 0});
    *count_out = 0;
    found.skip = prefix.size;
    rk_status status = rk_book_walk(sessions->book, prefix, (rk_bytes){NULL, 0}, take_id, &found, error);
    if (status == RK_CORRUPT) return rk_fail(error, status, "sessions", "more of one actor than RK_SESSIONS_MAX");
    if (status != RK_OK) return rk_fail(error, status, "sessions", "they cannot be read");
    *rows_out = rk_arena_take_array(arena, found.count, sizeof **rows_out);
    if (!*rows_out) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the sessions");
    for (size_t i = 0; i < found.count; i++) RK_TRY(get_row(sessions, found.ids[i], arena, &(*rows_out)[i], error));
    *count_out = found.count;
    return RK_OK;
}

/* Those whose time has passed go, and when there is no room for one more the one that waited longest. */
static rk_status make_room(rk_sessions *sessions, rk_bytes actor, uint64_t now_s, rk_arena *arena, rk_error *error) {
    row *rows = NULL, *oldest = NULL;
    size_t count = 0, left = 0;
    RK_TRY(rows_of(sessions, actor, arena, &rows, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (rows[i].session.ends_s <= now_s) {
            RK_TRY(drop_row(sessions, &rows[i], error));
            continue;
        }
        left++;
        if (!oldest || rows[i].session.refreshed_s < oldest->session.refreshed_s) oldest = &rows[i];
    }
    return left >= RK_SESSIONS_MAX ? drop_row(sessions, oldest, error) : RK_OK;
}

/* ---- sessions ---- */

/* The token of both halves, and the hashes that are kept of it. */
static rk_status make_refresh(const rk_crypto *crypto, uint8_t both[RK_REFRESH_RANDOM_SIZE], row *row,
                              char refresh_out[RK_REFRESH_TEXT_SIZE], rk_error *error) {
    row->own = rk_sha256(crypto, rk_bytes_of(both, HALF));
    rk_refresh_make(both, refresh_out);
    rk_secret_wipe(both, RK_REFRESH_RANDOM_SIZE);
    return rk_refresh_hash(crypto, rk_bytes_of(refresh_out, RK_REFRESH_TEXT_SIZE), &row->refresh, error);
}

static rk_status add(rk_sessions *sessions, const row *row, uint64_t now_s, rk_error *error) {
    char name[NAME_SIZE_MAX + 1];
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), CALL_SIZE_MAX);
    rk_status status = make_room(sessions, row->session.actor, now_s, &arena, error);
    rk_arena_free(&arena);
    RK_TRY(status);
    RK_TRY(put_row(sessions, row, error));
    RK_TRY(rk_book_put(sessions->book, own_name(name, &row->own), id_of(&row->session), error));
    return rk_book_put(sessions->book, place_of(name, row->session.actor, id_of(&row->session)), (rk_bytes){NULL, 0},
                       error);
}

rk_status rk_session_begin(rk_sessions *sessions, const rk_crypto *crypto, rk_bytes actor, const rk_key *key,
                           const uint8_t random[RK_SESSION_RANDOM_SIZE], uint64_t now_s, rk_arena *arena,
                           rk_session *session_out, char refresh_out[RK_REFRESH_TEXT_SIZE], rk_error *error) {
    uint8_t both[RK_REFRESH_RANDOM_SIZE];
    row row = {
        .session = {
            .by_key = key != NULL, .begun_s = now_s, .refreshed_s = now_s, .ends_s = now_s + RK_SESSION_REFRESH_S}};
    RK_ASSERT(actor.size > 0 && actor.size <= RK_ACTOR_SIZE_MAX);
    if (rk_arena_copy(arena, actor, &row.session.actor) != RK_OK) {
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the session");
    }
    if (key) row.session.key = *key;
    row.session.id[0] = 's';
    rk_hex_write(rk_bytes_of(random, 16), row.session.id + 1);
    memcpy(both, random + 16, sizeof both);
    RK_TRY(make_refresh(crypto, both, &row, refresh_out, error));
    RK_TRY(begin(sessions, true, error));
    RK_TRY(end(sessions, add(sessions, &row, now_s, error), error));
    *session_out = row.session;
    return RK_OK;
}

rk_status rk_session_find(rk_sessions *sessions, rk_bytes id, uint64_t now_s, rk_arena *arena, rk_session *session_out,
                          rk_error *error) {
    row row;
    RK_TRY(begin(sessions, false, error));
    RK_TRY(end(sessions, get_row(sessions, id, arena, &row, error), error));
    if (row.session.ends_s <= now_s) return rk_fail(error, RK_NOT_FOUND, NULL, "there is no such session");
    *session_out = row.session;
    return RK_OK;
}

static rk_status no_such_token(rk_error *error) {
    return rk_fail(error, RK_BAD_TOKEN, "refresh", "it is of no session");
}

/* A refresh token as it was shown: its halves, and the hashes that rows have of it. */
typedef struct shown {
    uint8_t both[RK_REFRESH_RANDOM_SIZE];
    rk_hash own;
    rk_hash whole;
} shown;

static rk_status read_refresh(const rk_crypto *crypto, rk_bytes refresh, shown *shown, rk_error *error) {
    RK_TRY(rk_refresh_hash(crypto, refresh, &shown->whole, error));
    if (!rk_base64url_read_exactly(refresh, shown->both, sizeof shown->both)) return no_such_token(error);
    shown->own = rk_sha256(crypto, rk_bytes_of(shown->both, HALF));
    return RK_OK;
}

static rk_status row_of(rk_sessions *sessions, const shown *shown, uint64_t now_s, rk_arena *arena, row *row,
                        rk_error *error) {
    char name[NAME_SIZE_MAX + 1];
    rk_bytes id;
    rk_status status = rk_book_get(sessions->book, own_name(name, &shown->own), arena, &id, error);
    if (status == RK_NOT_FOUND) return no_such_token(error);
    RK_TRY(status);
    RK_TRY(get_row(sessions, id, arena, row, error));
    return row->session.ends_s > now_s ? RK_OK : no_such_token(error);
}

rk_status rk_session_of_refresh(rk_sessions *sessions, const rk_crypto *crypto, rk_bytes refresh, uint64_t now_s,
                                rk_arena *arena, rk_session *session_out, rk_error *error) {
    shown shown;
    row row;
    RK_TRY(read_refresh(crypto, refresh, &shown, error));
    RK_TRY(begin(sessions, false, error));
    RK_TRY(end(sessions, row_of(sessions, &shown, now_s, arena, &row, error), error));
    *session_out = row.session;
    return RK_OK;
}

/* `stolen_out`: the token was exchanged before, and the rows of the session go. */
static rk_status exchange(rk_sessions *sessions, const rk_crypto *crypto, shown *shown, uint64_t now_s, rk_arena *arena,
                          row *row, char refresh_out[RK_REFRESH_TEXT_SIZE], bool *stolen_out, rk_error *error) {
    RK_TRY(row_of(sessions, shown, now_s, arena, row, error));
    *stolen_out = !rk_secret_equal(&row->refresh, &shown->whole, sizeof shown->whole);
    if (*stolen_out) return drop_row(sessions, row, error);
    RK_TRY(make_refresh(crypto, shown->both, row, refresh_out, error));
    row->session.refreshed_s = now_s;
    row->session.ends_s = now_s + RK_SESSION_REFRESH_S;
    return put_row(sessions, row, error);
}

rk_status rk_session_refresh(rk_sessions *sessions, const rk_crypto *crypto, rk_bytes refresh,
                             const uint8_t random[RK_SESSION_FRESH_SIZE], uint64_t now_s, rk_arena *arena,
                             rk_session *session_out, char refresh_out[RK_REFRESH_TEXT_SIZE], rk_error *error) {
    shown shown;
    row row;
    bool stolen = false;
    RK_TRY(read_refresh(crypto, refresh, &shown, error));
    memcpy(shown.both + HALF, random, HALF);
    rk_status status = begin(sessions, true, error);
    if (status == RK_OK) {
        status = exchange(sessions, crypto, &shown, now_s, arena, &row, refresh_out, &stolen, error);
        status = end(sessions, status, error);
    }
    rk_secret_wipe(&shown, sizeof shown);
    RK_TRY(status);
    if (stolen) return rk_fail(error, RK_REPLAYED, "refresh", "it was exchanged before: its session has ended");
    *session_out = row.session;
    return RK_OK;
}

rk_status rk_session_list(rk_sessions *sessions, rk_bytes actor, uint64_t now_s, rk_arena *arena, rk_session **list_out,
                          size_t *count_out, rk_error *error) {
    row *rows = NULL;
    size_t count = 0;
    *count_out = 0;
    if (actor.size > RK_ACTOR_SIZE_MAX) return RK_OK;
    RK_TRY(begin(sessions, false, error));
    RK_TRY(end(sessions, rows_of(sessions, actor, arena, &rows, &count, error), error));
    *list_out = rk_arena_take_array(arena, count, sizeof **list_out);
    if (!*list_out) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the sessions");
    for (size_t i = 0; i < count; i++) {
        if (rows[i].session.ends_s > now_s) (*list_out)[(*count_out)++] = rows[i].session;
    }
    return RK_OK;
}

rk_status rk_session_end(rk_sessions *sessions, rk_bytes id, rk_error *error) {
    row row;
    rk_arena arena;
    RK_TRY(begin(sessions, true, error));
    rk_arena_init(&arena, rk_memory_system(), CALL_SIZE_MAX);
    rk_status status = get_row(sessions, id, &arena, &row, error);
    if (status == RK_OK) status = drop_row(sessions, &row, error);
    rk_arena_free(&arena);
    return end(sessions, status, error);
}

/* ---- passwords ---- */

static rk_status end_by_password(rk_sessions *sessions, rk_bytes actor, rk_bytes but, rk_error *error) {
    row *rows = NULL;
    size_t count = 0;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), CALL_SIZE_MAX);
    rk_status status = rows_of(sessions, actor, &arena, &rows, &count, error);
    for (size_t i = 0; i < count && status == RK_OK; i++) {
        if (rows[i].session.by_key || rk_bytes_equal(id_of(&rows[i].session), but)) continue;
        status = drop_row(sessions, &rows[i], error);
    }
    rk_arena_free(&arena);
    return status;
}

static rk_status change_password(rk_sessions *sessions, rk_bytes actor, rk_bytes text, rk_bytes but, rk_error *error) {
    char name[NAME_SIZE_MAX + 1];
    rk_arena arena;
    rk_bytes before;
    rk_bytes place = name_of(name, "p", actor);
    if (text.size == 0) {
        rk_arena_init(&arena, rk_memory_system(), CALL_SIZE_MAX);
        rk_status status = rk_book_get(sessions->book, place, &arena, &before, error);
        rk_arena_free(&arena);
        if (status == RK_NOT_FOUND) return rk_fail(error, RK_NOT_FOUND, NULL, "the actor has no password");
        RK_TRY(status);
        RK_TRY(rk_book_drop(sessions->book, place, error));
    } else {
        RK_TRY(rk_book_put(sessions->book, place, text, error));
    }
    return end_by_password(sessions, actor, but, error);
}

rk_status rk_session_password_put(rk_sessions *sessions, rk_bytes actor, rk_bytes text, rk_bytes but, rk_error *error) {
    RK_ASSERT(actor.size > 0 && actor.size <= RK_ACTOR_SIZE_MAX);
    RK_TRY(begin(sessions, true, error));
    return end(sessions, change_password(sessions, actor, text, but, error), error);
}

rk_status rk_session_password_renew(rk_sessions *sessions, rk_bytes actor, rk_bytes old, rk_bytes anew,
                                    rk_error *error) {
    char name[NAME_SIZE_MAX + 1];
    rk_bytes place = name_of(name, "p", actor), now = {NULL, 0};
    rk_arena arena;
    RK_TRY(begin(sessions, true, error));
    rk_arena_init(&arena, rk_memory_system(), CALL_SIZE_MAX);
    rk_status status = rk_book_get(sessions->book, place, &arena, &now, error);
    if (status == RK_OK && rk_bytes_equal(now, old)) status = rk_book_put(sessions->book, place, anew, error);
    if (status == RK_NOT_FOUND) status = RK_OK;
    rk_arena_free(&arena);
    return end(sessions, status, error);
}

rk_status rk_session_password_get(rk_sessions *sessions, rk_bytes actor, rk_arena *arena, rk_bytes *text_out,
                                  rk_error *error) {
    char name[NAME_SIZE_MAX + 1];
    *text_out = (rk_bytes){NULL, 0};
    if (actor.size == 0 || actor.size > RK_ACTOR_SIZE_MAX) return RK_OK;
    RK_TRY(begin(sessions, false, error));
    rk_status status = rk_book_get(sessions->book, name_of(name, "p", actor), arena, text_out, error);
    RK_TRY(end(sessions, status == RK_NOT_FOUND ? RK_OK : status, error));
    if (status == RK_NOT_FOUND) *text_out = (rk_bytes){NULL, 0};
    return RK_OK;
}
