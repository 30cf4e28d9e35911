/*
 * From a method and a path to an operation and its parameters, by the table that api/operations.json makes.
 */
#include <string.h>

#include "door/http/request.h"

static const rki_parameter parameters[] = {
#define PATH                                                    RKI_PATH
#define QUERY                                                   RKI_QUERY
#define HEADER                                                  RKI_HEADER
#define NUMBER                                                  true
#define TEXT                                                    false
#define RK_PARAMETER(operation, name, where, kind, least, most) {name, where, kind, least, most},
#include "door/http/operations.def"
};

/* How many parameters each operation has: a row of the table counts those that name it. */
enum {
#define RK_OPERATION(name, method, path, who, body) OPERATION_##name,
#include "door/http/operations.def"
    OPERATION_COUNT
};

static const uint8_t parameter_owner[] = {
#define RK_PARAMETER(operation, name, where, kind, least, most) OPERATION_##operation,
#include "door/http/operations.def"
};

static const rki_operation operations[] = {
#define GET                                         RKI_GET
#define POST                                        RKI_POST
#define PUT                                         RKI_PUT
#define DELETE                                      RKI_DELETE
#define ANYONE                                      RKI_ANYONE
#define MEMBER                                      RKI_MEMBER
#define RK_OPERATION(name, method, path, who, body) {#name, OPERATION_##name, method, path, who, body, rki_op_##name},
#include "door/http/operations.def"
};

static const char *const names[] = {
#define RK_OPERATION(name, method, path, who, body) #name,
#include "door/http/operations.def"
};

_Static_assert((int)OPERATION_COUNT < (int)RK_METRICS_OPERATIONS_MAX, "each is counted, and what is none of them");

const char *const *rki_operation_names(size_t *count_out) {
    *count_out = OPERATION_COUNT;
    return names;
}

_Static_assert((int)OPERATION_COUNT <= UINT8_MAX, "an owner is a byte");

/* The parameters of an operation stand together in the table. */
static const rki_parameter *parameters_of(size_t operation, size_t *count_out) {
    size_t first = rk_bytes_find(rk_bytes_of(parameter_owner, sizeof parameter_owner), (uint8_t)operation), count = 0;
    while (first + count < sizeof parameter_owner && parameter_owner[first + count] == operation) count++;
    *count_out = count;
    return &parameters[first];
}

/* ---- paths ---- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A segment or argument, percent-decoded, NUL-ended. False when it is malformed or holds a NUL. */
static bool decode(rk_arena *arena, rk_bytes segment, bool argument, rk_bytes *text_out) {
    uint8_t *text = rk_arena_take(arena, segment.size + 1);
    size_t size = 0;
    if (!text) return false;
    for (size_t i = 0; i < segment.size; i++) {
        uint8_t byte = segment.data[i];
        if (byte == '%') {
            bool whole = i + 2 < segment.size;
            int high = whole ? hex_digit((char)segment.data[i + 1]) : -1;
            int low = whole ? hex_digit((char)segment.data[i + 2]) : -1;
            if (high < 0 || low < 0) return false;
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (byte == '+' && argument) {
            byte = ' ';
        }
        if (byte == 0) return false;
        text[size++] = byte;
    }
    *text_out = rk_bytes_of(text, size);
    return rk_utf8_valid(*text_out);
}

/* Whether the path has the form of the operation's; its values in braces, whole segments, go to `values`. */
static bool fits(const char *form, rk_bytes path, rk_bytes values[RKI_PARAMETERS_MAX]) {
    size_t count = 0;
    while (*form) {
        if (*form != '{') {
            if (path.size == 0 || path.data[0] != (uint8_t)*form++) return false;
            path = rk_bytes_from(path, 1);
            continue;
        }
        size_t size = rk_bytes_find(path, '/');
        if (size == 0) return false;
        values[count++] = (rk_bytes){path.data, size};
        path = rk_bytes_from(path, size);
        form = strchr(form, '}') + 1;
    }
    return path.size == 0;
}

/* ---- values ---- */

static rk_status refuse(rk_error *error, const rki_parameter *parameter, const char *what) {
    return rk_fail(error, RK_BAD_REQUEST, parameter->name, "%s", what);
}

static rk_status take_value(const rki_parameter *parameter, rki_given *given, rk_error *error) {
    given->there = true;
    if (!parameter->number) {
        if ((int64_t)given->text.size < parameter->least) return refuse(error, parameter, "it is empty");
        if ((int64_t)given->text.size > parameter->most) return refuse(error, parameter, "it is too long");
        return rk_utf8_valid(given->text) ? RK_OK : refuse(error, parameter, "it is no UTF-8");
    }
    for (size_t i = 0; i < given->text.size; i++) {
        uint8_t byte = given->text.data[i];
        if (byte < '0' || byte > '9' || i > 18) return refuse(error, parameter, "it is no whole number");
        given->number = given->number * 10 + (uint64_t)(byte - '0');
    }
    if (given->text.size == 0) return refuse(error, parameter, "it is no whole number");
    if (given->number < (uint64_t)parameter->least || given->number > (uint64_t)parameter->most) {
        return refuse(error, parameter, "it is out of its range");
    }
    return RK_OK;
}

typedef struct query_walk {
    rki_request *request;
    rk_status status;
    rk_error *error;
} query_walk;

static enum MHD_Result take_query(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
    query_walk *walk = context;
    (void)kind;
    for (size_t i = 0; i < walk->request->parameter_count; i++) {
        const rki_parameter *parameter = &walk->request->parameters[i];
        rki_given *given = &walk->request->given[i];
        if (parameter->where != RKI_QUERY || strcmp(parameter->name, name) != 0) continue;
        if (given->there) {
            walk->status = refuse(walk->error, parameter, "it stands twice");
            return MHD_NO;
        }
        bool decoded = decode(&walk->request->arena, rk_bytes_of_string(value ? value : ""), true, &given->text);
        walk->status = decoded ? take_value(parameter, given, walk->error)
                               : refuse(walk->error, parameter, "its percent-encoding is malformed");
        return walk->status == RK_OK ? MHD_YES : MHD_NO;
    }
    walk->status = rk_fail(walk->error, RK_BAD_REQUEST, NULL, "the operation has no parameter of that name");
    return MHD_NO;
}

static rk_status take_parameters(rki_request *request, rk_bytes values[RKI_PARAMETERS_MAX], rk_error *error) {
    size_t path_count = 0;
    for (size_t i = 0; i < request->parameter_count; i++) {
        const rki_parameter *parameter = &request->parameters[i];
        rki_given *given = &request->given[i];
        if (parameter->where == RKI_PATH) {
            if (!decode(&request->arena, values[path_count++], false, &given->text)) {
                return refuse(error, parameter, "its percent-encoding is malformed");
            }
            RK_TRY(take_value(parameter, given, error));
        } else if (parameter->where == RKI_HEADER) {
            const char *text = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, parameter->name);
            if (!text) continue;
            given->text = rk_bytes_of_string(text);
            RK_TRY(take_value(parameter, given, error));
        }
    }
    query_walk walk = {request, RK_OK, error};
    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, take_query, &walk);
    return walk.status;
}

/* ---- the operation ---- */

/* A GET answers HEAD as well: libmicrohttpd leaves the body away. */
static const char *const method_names[] = {"GET", "POST", "PUT", "DELETE"};
static const char *const method_lists[] = {"GET, HEAD", "POST", "PUT", "DELETE"};

/* The path of a target in absolute form, "http://host/path" (RFC 9112), or of one that is a path; else empty. */
static rk_bytes path_of(const char *target) {
    static const char *const schemes[] = {"http://", "https://"};
    rk_bytes text = rk_bytes_of_string(target);
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(schemes[i]);
        if (strncmp(target, schemes[i], size) != 0) continue;
        text = rk_bytes_from(text, size);
        text = rk_bytes_from(text, rk_bytes_find(text, '/'));
    }
    return text.size > 0 && text.data[0] == '/' ? text : (rk_bytes){NULL, 0};
}

/* The method's number; one that no operation has is past them all. */
static size_t method_of(const char *name) {
    enum { METHODS = sizeof method_names / sizeof *method_names };
    if (strcmp(name, "HEAD") == 0) return RKI_GET;
    size_t method = 0;
    while (method < METHODS && strcmp(name, method_names[method]) != 0) method++;
    return method;
}

/* A path has each method once at most, so that all of them fit. */
static void allow(rki_answer *answer, rki_method method) {
    size_t size = strlen(answer->allow);
    rk_format(answer->allow + size, sizeof answer->allow - size, "%s%s", size ? ", " : "", method_lists[method]);
}

/* What the path takes instead, where it is there at all. */
static rk_status refuse_route(rki_request *request, rk_bytes path, rk_error *error) {
    rk_bytes values[RKI_PARAMETERS_MAX];
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        if (fits(operations[i].path, path, values)) allow(&request->answer, operations[i].method);
    }
    if (!request->answer.allow[0]) return rk_fail(error, RK_NO_OPERATION, NULL, "there is nothing at this path");
    return rk_fail(error, RK_BAD_METHOD, NULL, "this path takes %s", request->answer.allow);
}

rk_status rki_route(rki_request *request, const char *method, const char *target, rk_error *error) {
    rk_bytes values[RKI_PARAMETERS_MAX], path = path_of(target);
    size_t wanted = method_of(method);
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        if (operations[i].method != wanted || !fits(operations[i].path, path, values)) continue;
        request->operation = &operations[i];
        request->parameters = parameters_of(i, &request->parameter_count);
        return take_parameters(request, values, error);
    }
    return refuse_route(request, path, error);
}

const rki_given *rki_parameter_get(const rki_request *request, const char *name) {
    for (size_t i = 0; i < request->parameter_count; i++) {
        if (strcmp(request->parameters[i].name, name) == 0) return &request->given[i];
    }
    RK_UNREACHABLE("an operation asks for a parameter that it does not have");
}
