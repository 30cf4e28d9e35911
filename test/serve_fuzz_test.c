/*
 * Requests made from api/openapi.json, and mutated.
 *
 * Strategy: for each of REQUESTS (300) requests of SEED, one operation of the document at random; each parameter valid,
 * missing, of another type, out of its range or too long; the body made from its schema and then broken at a random
 * place. The answer is held against what the document says of it: the words of JSON Schema that the document uses are
 * checked by hand below, an unknown word fails.
 *
 * Invariants
 *   (1) Never a 5xx, and never no answer; but a named limit may say 503, with Retry-After, as it may say 429.
 *   (2) A 2xx is one that the operation declares, and its JSON matches the schema declared for it.
 *   (3) A 4xx is application/problem+json that matches Problem, and its status is that of the answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs those above first */
#include <cmocka.h>
#include <jansson.h>

#include "serve_testing.h"

enum { REQUESTS_DEFAULT = 300, REQUEST_MAX = 1 << 20, DEPTH_MAX = 8 };

static served server;
static json_t *document;
static uint64_t seed = 1;

/* xorshift64*: the same requests on each machine. */
static uint64_t below(uint64_t bound) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (seed * UINT64_C(2685821657736338717) >> 33) % bound;
}

static bool one_in(uint64_t count) {
    return below(count) == 0;
}

/* ---- the document ---- */

static json_t *pointed(const char *pointer) {
    json_t *at = document;
    char name[200];
    for (const char *part = pointer + 2; at && part[-1]; part += strlen(name) + 1) {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(part, "/"), part);
        at = json_object_get(at, name);
    }
    return at;
}

static json_t *resolved(json_t *schema) {
    json_t *reference = json_object_get(schema, "$ref");
    if (!reference) return schema;
    json_t *found = pointed(json_string_value(reference));
    if (!found) fail_msg("%s points nowhere", json_string_value(reference));
    return resolved(found);
}

/* ---- checking ---- */

static bool has_type(const json_t *value, const char *type) {
    static const char *const types[] = {"object", "array", "string", "integer", "number", "boolean", "boolean", "null"};
    return strcmp(types[json_typeof(value)], type) == 0 || (json_is_integer(value) && strcmp(type, "number") == 0);
}

static bool matches(const json_t *value, json_t *schema, char *where, size_t where_size);

static bool refuse(char *where, size_t where_size, const char *what) {
    size_t size = strlen(where);
    snprintf(where + size, where_size - size, ": %s", what);
    return false;
}

static bool members_match(const json_t *value, json_t *schema, char *where, size_t where_size) {
    json_t *properties = json_object_get(schema, "properties"), *member;
    const char *name;
    size_t size = strlen(where);
    bool closed = json_is_false(json_object_get(schema, "additionalProperties"));
    json_object_foreach((json_t *)(uintptr_t)value, name, member) {
        json_t *of_member = json_object_get(properties, name);
        snprintf(where + size, where_size - size, "/%s", name);
        if (!of_member && closed) return refuse(where, where_size, "it is not declared");
        if (of_member && !matches(member, of_member, where, where_size)) return false;
    }
    where[size] = 0;
    return true;
}

/* Numbers, sizes and required members. */
static bool word_holds(const json_t *value, const char *word, json_t *operand) {
    json_int_t bound = json_integer_value(operand);
    size_t index;
    json_t *name;
    if (strcmp(word, "type") == 0) return has_type(value, json_string_value(operand));
    if (strcmp(word, "minimum") == 0) return !json_is_number(value) || json_number_value(value) >= (double)bound;
    if (strcmp(word, "maximum") == 0) return !json_is_number(value) || json_number_value(value) <= (double)bound;
    if (strcmp(word, "minItems") == 0) return !json_is_array(value) || json_array_size(value) >= (size_t)bound;
    if (strcmp(word, "maxItems") == 0) return !json_is_array(value) || json_array_size(value) <= (size_t)bound;
    if (strcmp(word, "minLength") == 0) return !json_is_string(value) || json_string_length(value) >= (size_t)bound;
    if (strcmp(word, "required") == 0) {
        json_array_foreach(operand, index, name) {
            if (json_is_object(value) && !json_object_get(value, json_string_value(name))) return false;
        }
        return true;
    }
    static const char *const others[] = {"properties", "items",   "additionalProperties",
                                         "maxLength",  "pattern", "description"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(word, others[i]) == 0) return true;
    }
    return false;
}

static bool matches(const json_t *value, json_t *schema, char *where, size_t where_size) {
    const char *word;
    json_t *operand, *item;
    size_t index, size = strlen(where);
    schema = resolved(schema);
    json_object_foreach(schema, word, operand) {
        if (!word_holds(value, word, operand)) return refuse(where, where_size, word);
    }
    json_t *items = json_object_get(schema, "items");
    json_array_foreach(json_is_array(value) && items ? (json_t *)(uintptr_t)value : NULL, index, item) {
        snprintf(where + size, where_size - size, "/%zu", index);
        if (!matches(item, items, where, where_size)) return false;
        where[size] = 0;
    }
    return !json_is_object(value) || members_match(value, schema, where, where_size);
}

/* ---- making values ---- */

static const char *const texts[] = {"profile/me",
                                    "profile/a",
                                    "profile",
                                    "coin/inr",
                                    "view",
                                    "owner",
                                    "actor/owner",
                                    "module/coin",
                                    "set",
                                    "a",
                                    "state.x",
                                    "true",
                                    "entity.id == \"me\"",
                                    "id",
                                    "1",
                                    "",
                                    "\xc3\xa9\xe2\x82\xac",
                                    "a/b/c",
                                    "-1",
                                    "x\"y\\z\n",
                                    "2020-01-01T00:00:00Z",
                                    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                                    "event.type == 'view'",
                                    "data.x == 1",
                                    "../..",
                                    "%",
                                    "9223372036854775807",
                                    "\"1\"",
                                    "W/\"1\"",
                                    "truth",
                                    "admin",
                                    "*",
                                    "*/*",
                                    "name,-id",
                                    "((((((((((1))))))))))"};

static json_t *any_text(void) {
    if (!one_in(20)) return json_string(texts[below(sizeof texts / sizeof *texts)]);
    size_t size = below(one_in(4) ? 70000 : 400);
    char *text = malloc(size + 1);
    for (size_t i = 0; i < size; i++) text[i] = (char)(1 + below(127));
    text[size] = 0;
    json_t *made = json_string(text);
    free(text);
    return made;
}

static json_t *any_integer(void) {
    static const json_int_t integers[] = {0, 1, 2, 3, 100, 1000, 1001, -1, INT32_MAX, UINT32_MAX, INT64_MAX, INT64_MIN};
    return json_integer(integers[below(sizeof integers / sizeof *integers)]);
}

static json_t *anything(unsigned depth) {
    json_t *made;
    switch (below(depth < 4 ? 8 : 6)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(one_in(2));
    case 2:
        return any_integer();
    case 3:
        return json_real(one_in(2) ? 0.5 : 1e300);
    case 4:
    case 5:
        return any_text();
    case 6:
        made = json_array();
        for (uint64_t i = below(4); i > 0; i--) json_array_append_new(made, anything(depth + 1));
        return made;
    default:
        made = json_object();
        for (uint64_t i = below(4); i > 0; i--) {
            json_object_set_new(made, texts[below(sizeof texts / sizeof *texts)], anything(depth + 1));
        }
        return made;
    }
}

/* A value of the schema, mostly. */
static json_t *value_of(json_t *schema, unsigned depth) {
    schema = resolved(schema);
    const char *type = json_string_value(json_object_get(schema, "type")), *name;
    json_t *made, *member, *properties = json_object_get(schema, "properties");
    if (one_in(25) || !type || depth > DEPTH_MAX) return anything(depth);
    if (strcmp(type, "string") == 0) return any_text();
    if (strcmp(type, "integer") == 0) return any_integer();
    if (strcmp(type, "array") == 0) {
        made = json_array();
        for (uint64_t i = below(4) + !one_in(10); i > 0; i--) {
            json_array_append_new(made, value_of(json_object_get(schema, "items"), depth + 1));
        }
        return made;
    }
    made = json_object();
    json_object_foreach(properties, name, member) {
        if (!one_in(3)) json_object_set_new(made, name, value_of(member, depth + 1));
    }
    if (!properties || one_in(20)) json_object_set_new(made, texts[below(10)], anything(depth + 1));
    return made;
}

/* What the server knows, so that some requests get far. */
#define KNOWN_KEY "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define OTHER_KEY "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
static const char known_module[] =
    "{\"module\":\"fuzz\",\"version\":1,\"truth\":\"region\",\"fields\":{\"n\":{\"type\":\"integer\",\"index\":true}},"
    "\"events\":{\"go\":{\"data\":{\"n\":{\"type\":\"integer\"}},\"apply\":[{\"set\":\"n\",\"to\":\"data.n\"}]}}}";
static const struct {
    const char *operation;
    const char *body;
} known_bodies[] = {
    {"event_append", "{\"events\":[{\"entity\":\"profile/me\",\"type\":\"view\"}]}"},
    {"event_append", "{\"events\":[{\"entity\":\"profile/a\",\"type\":\"view\",\"expect\":0},{\"require\":\"true\"}]}"},
    {"event_append", "{\"events\":[{\"entity\":\"coin/inr\",\"type\":\"create\",\"data\":{\"supply\":1000}}]}"},
    {"event_append", "{\"events\":[{\"entity\":\"coin/inr\",\"type\":\"mint\","
                     "\"data\":{\"amount\":9223372036854775807}}]}"},
    {"event_append", "{\"events\":[{\"entity\":\"actor/x\",\"type\":\"add\",\"data\":{}}]}"},
    {"module_publish", known_module},
    {"module_check", known_module},
    {"actor_add", "{\"actor\":\"a\",\"kind\":\"user\",\"roles\":[\"x\"],\"key\":\"" KNOWN_KEY "\"}"},
    {"actor_roles", "{\"roles\":[\"admin\",\"x\"]}"},
    {"actor_groups", "{\"groups\":[\"y\"]}"},
    {"actor_disabled", "{\"disabled\":true}"},
    {"actor_disabled", "{\"disabled\":false}"},
    {"key_add", "{\"key\":\"" OTHER_KEY "\"}"},
    {"account_create", "{\"root_key\":\"" KNOWN_KEY "\",\"owner_key\":\"" OTHER_KEY "\"}"},
    {"session_challenge", "{\"actor\":\"a\"}"},
    {"session_open", "{\"actor\":\"a\",\"password\":\"correct horse\"}"},
    {"consumer_define", "{\"type\":\"view\",\"lease\":200,\"attempts\":2,\"where\":\"event.position > 3\"}"},
    {"consumer_take", "{\"limit\":3}"},
    {"consumer_acknowledge", "{\"positions\":[1,2,3,4,5,6,7,8,9,10,11,12]}"},
    {"consumer_release", "{\"positions\":[5,6,7,8,9,10,11,12],\"park\":true,\"reason\":\"why not\"}"},
    {"parked_retry", "{\"positions\":[5,6,7]}"},
    {"password_set", "{\"password\":\"correct horse\"}"},
    {"chore_start", "{\"kind\":\"verify\"}"},
    {"chore_start", "{\"kind\":\"replay\"}"},
    {"chore_start", "{\"kind\":\"backup\"}"},
};

/* One that is of the operation where there is one, or any. */
static json_t *known_body(const char *operation) {
    size_t count = sizeof known_bodies / sizeof *known_bodies, index = below(count);
    bool fitting = !one_in(4);
    for (size_t i = 0; i < count && fitting; i++) {
        size_t at = (index + i) % count;
        if (strcmp(known_bodies[at].operation, operation) != 0) continue;
        index = at;
        break;
    }
    return json_loads(known_bodies[index].body, 0, NULL);
}

/* Puts anything in place of some value in it. */
static void mutate(json_t *json, unsigned depth) {
    const char *name;
    json_t *member;
    size_t index;
    if (json_is_object(json)) {
        uint64_t chosen = below(json_object_size(json) + 1);
        json_object_foreach(json, name, member) {
            if (chosen-- != 0) continue;
            if (one_in(2) && depth < 6) {
                mutate(member, depth + 1);
            } else {
                json_object_set_new(json, name, anything(depth));
            }
            return;
        }
        json_object_set_new(json, texts[below(10)], anything(depth));
    } else if (json_is_array(json) && json_array_size(json) > 0) {
        index = below(json_array_size(json));
        if (one_in(4)) json_array_set_new(json, index, anything(depth));
        mutate(json_array_get(json, index), depth + 1);
    }
}

/* The body as text, at times broken as text. Made by malloc. */
static char *body_of(json_t *schema, const char *operation, size_t *size_out) {
    json_t *json = one_in(2) ? value_of(schema, 0) : known_body(operation);
    if (one_in(3)) mutate(json, 0);
    char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(json);
    size_t size = strlen(text);
    if (one_in(8) && size > 0) text[below(size)] = (char)below(256);
    if (one_in(12)) size = below(size + 1);
    *size_out = size;
    return text;
}

/* ---- making requests ---- */

typedef struct wire {
    char bytes[REQUEST_MAX];
    size_t size;
} wire;

static void add(wire *wire, const char *text) {
    size_t size = strlen(text);
    if (size > sizeof wire->bytes - wire->size - 1) size = 0;
    memcpy(wire->bytes + wire->size, text, size);
    wire->size += size;
}

static void add_encoded(wire *wire, const char *text) {
    char hex[4];
    for (; *text; text++) {
        bool plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", *text) != NULL;
        snprintf(hex, sizeof hex, plain ? "%c" : "%%%02X", (unsigned char)*text);
        add(wire, one_in(200) ? "%" : hex);
    }
}

/* A value for a parameter, as text; made by malloc. */
static char *parameter_text(json_t *parameter) {
    const char *name = json_string_value(json_object_get(parameter, "name"));
    json_t *schema = json_object_get(parameter, "schema"), *most = json_object_get(schema, "maxLength");
    bool number = strcmp(json_string_value(json_object_get(schema, "type")), "integer") == 0;
    char *text = NULL;
    static const char *const modules[] = {"profile", "coin", "actor", "module", "nothing", "fuzz"};
    static const char *const actors[] = {"owner", "truth", "a", "nobody"};
    if (strcmp(name, "account") == 0 && !one_in(10)) return strdup(one_in(12) ? "fresh" : "default");
    if (strcmp(name, "consumer") == 0 && !one_in(5)) return strdup(one_in(2) ? "work" : "other");
    if (strcmp(name, "actor") == 0 && !one_in(4)) return strdup(actors[below(4)]);
    if (strcmp(name, "key") == 0 && !one_in(4)) return strdup(one_in(2) ? KNOWN_KEY : OTHER_KEY);
    if (strcmp(name, "module") == 0 && !one_in(5)) return strdup(modules[below(6)]);
    if (most && one_in(10)) { /* a byte too many, or just none */
        size_t size = (size_t)json_integer_value(most) + below(2);
        text = calloc(1, size + 1);
        return memset(text, 'a', size);
    }
    json_t *made = number != one_in(8) ? any_integer() : any_text();
    text = json_is_string(made) ? strdup(json_string_value(made)) : json_dumps(made, JSON_ENCODE_ANY);
    json_decref(made);
    return text;
}

static json_t *parameter_of(json_t *operation, const char *name, size_t name_size) {
    size_t index;
    json_t *parameter;
    json_array_foreach(json_object_get(operation, "parameters"), index, parameter) {
        const char *found = json_string_value(json_object_get(parameter, "name"));
        if (strlen(found) == name_size && memcmp(found, name, name_size) == 0) return parameter;
    }
    fail_msg("a path names a parameter that is not declared: %s", name);
    return NULL;
}

static void add_target(wire *wire, const char *path, json_t *operation) {
    while (*path) {
        size_t size = strcspn(path, "{"), name_size = 0;
        for (size_t i = 0; i < size; i++) add(wire, (char[2]){path[i], 0});
        path += size;
        if (!*path) break;
        name_size = strcspn(path, "}") - 1;
        char *text = parameter_text(parameter_of(operation, path + 1, name_size));
        add_encoded(wire, text);
        free(text);
        path += name_size + 2;
    }
    const char *before = "?";
    size_t index;
    json_t *parameter;
    json_array_foreach(json_object_get(operation, "parameters"), index, parameter) {
        if (strcmp(json_string_value(json_object_get(parameter, "in")), "query") != 0) continue;
        for (uint64_t times = one_in(2) ? 0 : one_in(20) ? 2 : 1; times > 0; times--) {
            char *text = parameter_text(parameter);
            add(wire, before);
            add(wire, json_string_value(json_object_get(parameter, "name")));
            add(wire, "=");
            add_encoded(wire, text);
            free(text);
            before = "&";
        }
    }
    if (one_in(40)) add(wire, strcmp(before, "?") == 0 ? "?unknown=1" : "&unknown=1");
}

static void add_headers(wire *wire, json_t *operation) {
    size_t index;
    json_t *parameter;
    add(wire, " HTTP/1.1\r\nHost: x\r\n");
    if (!one_in(30)) {
        add(wire, "Authorization: Bearer ");
        add(wire, server.token);
        add(wire, "\r\n");
    }
    json_array_foreach(json_object_get(operation, "parameters"), index, parameter) {
        if (strcmp(json_string_value(json_object_get(parameter, "in")), "header") != 0 || !one_in(4)) continue;
        char *text = parameter_text(parameter);
        for (char *at = text; *at; at++) *at = *at == '\r' || *at == '\n' ? ' ' : *at;
        add(wire, json_string_value(json_object_get(parameter, "name")));
        add(wire, ": ");
        add(wire, text);
        add(wire, "\r\n");
        free(text);
    }
}

static void add_body(wire *wire, json_t *operation) {
    char head[100];
    json_t *body = json_object_get(operation, "requestBody");
    json_t *content = json_object_get(json_object_get(body, "content"), "application/json");
    size_t size = 0;
    const char *name = json_string_value(json_object_get(operation, "operationId"));
    char *text = content ? body_of(json_object_get(content, "schema"), name, &size) : NULL;
    if (text) {
        add(wire, one_in(20) ? "Content-Type: application/cbor\r\n" : "Content-Type: application/json\r\n");
        snprintf(head, sizeof head, "Content-Length: %zu\r\n", size);
        add(wire, head);
    }
    add(wire, "\r\n");
    if (!text || size > sizeof wire->bytes - wire->size) return free(text);
    memcpy(wire->bytes + wire->size, text, size);
    wire->size += size;
    free(text);
}

/* ---- the requests ---- */

typedef struct chosen {
    const char *path;
    const char *method;
    json_t *operation;
} chosen;

static chosen choose(void) {
    json_t *paths = json_object_get(document, "paths"), *of_path, *operation;
    const char *path, *method;
    size_t count = 0;
    json_object_foreach(paths, path, of_path) count += json_object_size(of_path);
    uint64_t index = below(count);
    json_object_foreach(paths, path, of_path) {
        json_object_foreach(of_path, method, operation) {
            if (index-- == 0) return (chosen){path, method, operation};
        }
    }
    fail_msg("the document has no operations");
    return (chosen){NULL, NULL, NULL};
}

/* A connection with bytes unread is reset when it is closed, and the answer may be lost on the way. */
static bool may_be_lost(const served_answer *answer, size_t size) {
    return answer->status == 0 && !answer->late && size > 16384;
}

static bool answer_is_declared(const served_answer *answer, json_t *operation, char *where, size_t where_size) {
    char status[16], type[64] = "";
    snprintf(status, sizeof status,
             answer->status >= 500   ? "5XX"
             : answer->status >= 400 ? "4XX"
                                     : "%d",
             answer->status);
    json_t *response = json_object_get(json_object_get(operation, "responses"), status);
    if (answer->status == 0) return refuse(where, where_size, "no answer");
    bool limited = answer->status == 503 || answer->status == 429;
    if (limited && !served_header(answer, "Retry-After", type, sizeof type)) {
        return refuse(where, where_size, "a limit without Retry-After");
    }
    if (answer->status >= 500 && !limited) return refuse(where, where_size, "5xx");
    if (answer->status == 503 && !strstr(answer->body, "\"code\":\"overloaded\"") &&
        !strstr(answer->body, "\"code\":\"busy\"")) {
        return refuse(where, where_size, "a 503 that is no limit");
    }
    if (!response) return refuse(where, where_size, "a status that is not declared");
    json_t *content = json_object_get(response, "content");
    if (!content) return answer->body_size == 0;
    (void)served_header(answer, "Content-Type", type, sizeof type);
    json_t *schema = json_object_get(json_object_get(content, type), "schema");
    if (!schema)
        return answer->status == 431 || answer->status == 414 ||
               refuse(where, where_size, "a type that is not declared");
    if (strcmp(type, "application/x-ndjson") == 0) return true; /* in chunks, which served_read leaves */
    json_t *json = json_loadb(answer->body, answer->body_size, JSON_REJECT_DUPLICATES, NULL);
    if (!json) return refuse(where, where_size, "no JSON");
    bool good = matches(json, schema, where, where_size);
    json_t *said = json_object_get(json, "status");
    if (good && answer->status >= 400 && json_integer_value(said) != answer->status) {
        good = refuse(where, where_size, "a Problem with another status");
    }
    json_decref(json);
    return good;
}

static size_t counts[600];

static void ask_once(uint64_t number) {
    static wire wire;
    char where[4096] = "", method[8];
    chosen chosen = choose();
    if (strcmp(chosen.method, "get") == 0 && one_in(2)) chosen = choose(); /* more of what has a body */
    snprintf(method, sizeof method, "%s ", chosen.method);
    for (char *at = method; *at > ' '; at++) *at = (char)(*at - 'a' + 'A');
    wire.size = 0;
    add(&wire, method);
    add_target(&wire, chosen.path, chosen.operation);
    add_headers(&wire, chosen.operation);
    add_body(&wire, chosen.operation);
    served_answer answer = served_ask(&server, wire.bytes, wire.size);
    counts[answer.status < 600 ? answer.status : 0]++;
    if (!may_be_lost(&answer, wire.size) && !answer_is_declared(&answer, chosen.operation, where, sizeof where)) {
        fprintf(stderr, "---- request %lu\n%.*s\n---- answer\n%.4000s\n---- %s\n", (unsigned long)number,
                (int)(wire.size < 4000 ? wire.size : 4000), wire.bytes, answer.text, where);
        fail_msg("request %lu: %s", (unsigned long)number, where);
    }
    free(answer.text);
}

static void every_answer_is_what_the_document_says(void **state) {
    (void)state;
    const char *wanted = getenv("REQUESTS"), *first = getenv("SEED");
    uint64_t count = wanted ? strtoull(wanted, NULL, 10) : REQUESTS_DEFAULT;
    seed = (first ? strtoull(first, NULL, 10) : 1) * UINT64_C(0x9E3779B97F4A7C15) + 1;
    for (uint64_t i = 0; i < count; i++) ask_once(i);
    for (size_t i = 0; i < 600; i++) {
        if (counts[i]) print_message("# %zu: %zu\n", i, counts[i]);
    }
    assert_true(counts[200] > 0 && counts[201] > 0 && counts[400] > 0);
}

static void the_server_ends_well(void **state) {
    (void)state;
    assert_true(served_stop(&server));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_what_the_document_says),
        cmocka_unit_test(the_server_ends_well),
    };
    document = json_load_file("api/openapi.json", 0, NULL);
    if (!document) return 1;
    served_start(&server, "$r module add examples/modules/coin.json && "
                          "$r append consumer/work define '{\"lease\":200,\"attempts\":2}'");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(document);
    return failed;
}
