/*
 * Status codes and errors.
 *
 * What can fail returns rk_status and must be used. An error is a code, where it happened, what was found and a hint;
 * programs read the code, people read the rest, and nobody parses the text.
 *
 * Invariants
 *   (1) Whoever returns another status than RK_OK has filled in the rk_error that it was handed, if it was handed one.
 *   (2) An rk_error holds its own text: it needs no freeing and outlives every arena.
 */
#ifndef RK_BASE_STATUS_H
#define RK_BASE_STATUS_H

#include "base/bytes.h"

typedef enum rk_status {
#define RK_CODE(identifier, number, name, exit, http, meaning, hint) RK_##identifier = (number),
#include "base/codes.def"
#undef RK_CODE
} rk_status;

#define RK_MUST_USE __attribute__((warn_unused_result))

enum { RK_ERROR_WHERE_MAX = 192, RK_ERROR_WHAT_MAX = 512, RK_ERROR_HINT_MAX = 256 };

typedef struct rk_error {
    rk_status code;
    char where[RK_ERROR_WHERE_MAX]; /* the entity, file, JSON pointer or column; may be empty */
    char what[RK_ERROR_WHAT_MAX];   /* one sentence without a full stop */
    char hint[RK_ERROR_HINT_MAX];   /* what to do; the code's own hint where nothing better is known */
    uint64_t version;               /* of RK_VERSION_CONFLICT: the one that the entity is at */
} rk_error;

/* The code's name as the command line prints it, e.g. "version_conflict". Borrowed, never NULL. */
const char *rk_status_name(rk_status status);
const char *rk_status_meaning(rk_status status);
const char *rk_status_hint(rk_status status);
/* The code of a name, as it stands in a stored verdict; RK_CORRUPT when no code has that name. */
rk_status rk_status_of_name(rk_bytes name);
/* The process exit code of a status: 0 done, 1 refused, 2 usage, 3 corruption or I/O. */
int rk_status_exit(rk_status status);
/* The HTTP status (RFC 9110) of an answer with this code. */
int rk_status_http(rk_status status);

/*
 * Fills `error` (which may be NULL) and returns `code`. `format` is that of rk_format. `where` may be NULL.
 * The hint is the code's own; rk_error_hint replaces it.
 */
rk_status rk_fail(rk_error *error, rk_status code, const char *where, const char *format, ...);
/* Puts `where` before what is there already, with ": " between, where an outer function knows the place better. */
void rk_error_at(rk_error *error, rk_bytes where);
void rk_error_hint(rk_error *error, const char *format, ...);

/* Control macro one: hand a failure up. */
#define RK_TRY(expression)                                \
    do {                                                  \
        rk_status rk_try_status = (expression);           \
        if (rk_try_status != RK_OK) return rk_try_status; \
    } while (0)

/* Control macro two: keep the status in `status` and leave through the one label `done`. */
#define RK_TRY_DONE(expression)         \
    do {                                \
        status = (expression);          \
        if (status != RK_OK) goto done; \
    } while (0)

/* Our own mistakes end the process, in release too. Never for what comes from outside. */
#define RK_UNREACHABLE(why) rk_assert_failed(why, __FILE__, __LINE__)

#define RK_ASSERT(condition)                                                \
    do {                                                                    \
        if (!(condition)) rk_assert_failed(#condition, __FILE__, __LINE__); \
    } while (0)

/* Says what failed and ends the process. Defined by the host: src/io for a process, the page for WebAssembly. */
_Noreturn void rk_assert_failed(const char *condition, const char *file, int line);

#endif
