/*
 * The table of status codes and the filling of errors.
 *
 * Invariants
 *   (1) Every code of codes.def is in the table once; a status that is not there is our own mistake.
 */
#include "base/status.h"

#include <string.h>

typedef struct code_row {
    rk_status status;
    const char *name;
    int exit;
    int http;
    const char *meaning;
    const char *hint;
} code_row;

static const code_row code_rows[] = {
#define RK_CODE(identifier, number, name, exit, http, meaning, hint) {RK_##identifier, name, exit, http, meaning, hint},
#include "base/codes.def"
#undef RK_CODE
};

static const code_row *row_of(rk_status status) {
    for (size_t i = 0; i < sizeof code_rows / sizeof code_rows[0]; i++) {
        if (code_rows[i].status == status) return &code_rows[i];
    }
    RK_UNREACHABLE("a status without a row");
}

const char *rk_status_name(rk_status status) {
    return row_of(status)->name;
}

const char *rk_status_meaning(rk_status status) {
    return row_of(status)->meaning;
}

const char *rk_status_hint(rk_status status) {
    return row_of(status)->hint;
}

int rk_status_exit(rk_status status) {
    return row_of(status)->exit;
}

int rk_status_http(rk_status status) {
    return row_of(status)->http;
}

rk_status rk_status_of_name(rk_bytes name) {
    for (size_t i = 0; i < sizeof code_rows / sizeof code_rows[0]; i++) {
        if (rk_bytes_equal(name, rk_bytes_of_string(code_rows[i].name))) return code_rows[i].status;
    }
    return RK_CORRUPT;
}

rk_status rk_fail(rk_error *error, rk_status code, const char *where, const char *format, ...) {
    if (!error) return code;
    error->code = code;
    rk_format(error->where, sizeof error->where, "%s", where ? where : "");
    va_list list;
    va_start(list, format);
    rk_format_list(error->what, sizeof error->what, format, list);
    va_end(list);
    rk_format(error->hint, sizeof error->hint, "%s", rk_status_hint(code));
    error->version = 0;
    return code;
}

void rk_error_at(rk_error *error, rk_bytes where) {
    if (!error) return;
    char inner[RK_ERROR_WHERE_MAX];
    memcpy(inner, error->where, sizeof inner);
    rk_format(error->where, sizeof error->where, inner[0] ? "%b: %s" : "%b", where, inner);
}

void rk_error_hint(rk_error *error, const char *format, ...) {
    if (!error) return;
    va_list list;
    va_start(list, format);
    rk_format_list(error->hint, sizeof error->hint, format, list);
    va_end(list);
}
