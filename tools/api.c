/*
 * Makes what follows from api/operations.json, on standard output:
 *
 *     api def FILE        the rows of the server's dispatch table, src/door/http/operations.def
 *     api openapi FILE    OpenAPI 3.1, api/openapi.json
 *     api embed FILE      the same as a C file, which the server gives out
 *     api docs FILE       docs/api.md
 *     api ts FILE         types and a typed client, client/api.ts
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EMBED_COLUMNS = 100 };

static json_t *list;

static const char *text_of(const json_t *map, const char *key) {
    const char *text = json_string_value(json_object_get(map, key));
    return text ? text : "";
}

static const json_t *operations(void) {
    return json_object_get(list, "operations");
}

static const json_t *parameter(const char *name) {
    const json_t *found = json_object_get(json_object_get(list, "parameters"), name);
    if (found) return found;
    fprintf(stderr, "there is no parameter %s\n", name);
    exit(1);
}

/* A name that a path has and a query too has the one of the path under "{name}". */
static const json_t *path_parameter(const char *name) {
    char braced[104];
    snprintf(braced, sizeof braced, "{%s}", name);
    const json_t *found = json_object_get(json_object_get(list, "parameters"), braced);
    return found ? found : parameter(name);
}

/* Calls `each` for the parameters of the operation: those in braces in its path, then those that it lists. */
static void for_parameters(const json_t *operation, void (*each)(const char *name, const json_t *spec, void *context),
                           void *context) {
    char name[100];
    const char *path = text_of(operation, "path");
    for (const char *at = strchr(path, '{'); at; at = strchr(at + 1, '{')) {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        each(name, path_parameter(name), context);
    }
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(operation, "parameters"), index, item) {
        each(json_string_value(item), parameter(json_string_value(item)), context);
    }
}

/* ---- the dispatch table ---- */

static void upper(const char *text, char out[40]) {
    snprintf(out, 40, "%s", text);
    for (char *at = out; *at; at++) {
        if (*at >= 'a' && *at <= 'z') *at = (char)(*at - 'a' + 'A');
    }
}

static void print_parameter_row(const char *name, const json_t *spec, void *context) {
    const json_t *schema = json_object_get(spec, "schema");
    bool number = strcmp(text_of(schema, "type"), "integer") == 0;
    const json_t *low = json_object_get(schema, number ? "minimum" : "minLength");
    const json_t *high = json_object_get(schema, number ? "maximum" : "maxLength");
    char where[40];
    upper(text_of(spec, "in"), where);
    printf("RK_PARAMETER(%s, \"%s\", %s, %s, %lld, %lld)\n", (const char *)context, name, where,
           number ? "NUMBER" : "TEXT", (long long)json_integer_value(low),
           high ? (long long)json_integer_value(high) : INT64_MAX);
}

static void print_def(void) {
    printf("/*\n"
           " * The operations of the API, made by tools/api.c from api/operations.json: do not edit.\n"
           " *\n"
           " * RK_OPERATION(name, method, \"path\", who may, whether it has a body)\n"
           " * RK_PARAMETER(operation, \"name\", where, kind, least, most), in the order of their operations\n"
           " */\n"
           "#ifndef RK_PARAMETER\n#define RK_PARAMETER(operation, name, where, kind, least, most)\n#endif\n"
           "#ifndef RK_OPERATION\n#define RK_OPERATION(name, method, path, who, body)\n#endif\n");
    size_t index;
    json_t *operation;
    json_array_foreach(operations(), index, operation) {
        char who[40];
        upper(text_of(operation, "who"), who);
        printf("RK_OPERATION(%s, %s, \"%s\", %s, %s)\n", text_of(operation, "name"), text_of(operation, "method"),
               text_of(operation, "path"), who, json_object_get(operation, "body") ? "true" : "false");
        for_parameters(operation, print_parameter_row, (void *)(uintptr_t)text_of(operation, "name"));
    }
    printf("#undef RK_OPERATION\n#undef RK_PARAMETER\n");
}

/* ---- OpenAPI ---- */

/* {"$ref": "Event"} becomes the long form; everything else stays. */
static json_t *schema_of(const json_t *schema) {
    if (json_is_string(schema))
        return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", json_string_value(schema)));
    if (json_is_array(schema)) {
        json_t *copy = json_array();
        size_t index;
        json_t *item;
        json_array_foreach(schema, index, item) {
            json_array_append_new(copy, json_is_object(item) ? schema_of(item) : json_deep_copy(item));
        }
        return copy;
    }
    json_t *copy = json_object(), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)schema, key, value) {
        if (strcmp(key, "$ref") == 0) {
            json_object_set_new(copy, key, json_sprintf("#/components/schemas/%s", json_string_value(value)));
        } else {
            bool nested = json_is_object(value) || (json_is_array(value) && json_is_object(json_array_get(value, 0)));
            json_object_set_new(copy, key, nested ? schema_of(value) : json_deep_copy(value));
        }
    }
    return copy;
}

static void add_parameter(const char *name, const json_t *spec, void *context) {
    const char *where = text_of(spec, "in");
    json_t *item = json_pack("{s:s,s:s,s:s,s:o}", "name", name, "in", where, "description", text_of(spec, "means"),
                             "schema", schema_of(json_object_get(spec, "schema")));
    if (strcmp(where, "path") == 0) json_object_set_new(item, "required", json_true());
    json_array_append_new(context, item);
}

static json_t *problem_answer(const char *description) {
    return json_pack("{s:s,s:{s:{s:{s:s}}}}", "description", description, "content", "application/problem+json",
                     "schema", "$ref", "#/components/schemas/Problem");
}

/* Bytes are one thing; anything else is JSON, or CBOR of the same form. */
static bool is_binary(const json_t *schema) {
    return strcmp(text_of(schema, "format"), "binary") == 0;
}

static json_t *content_of(const json_t *schema) {
    json_t *content = json_pack("{s:{s:o}}", "application/cbor", "schema", schema_of(schema));
    if (!is_binary(schema))
        json_object_set_new(content, "application/json", json_pack("{s:o}", "schema", schema_of(schema)));
    return content;
}

static json_t *answers_of(const json_t *operation) {
    json_t *answers = json_object(), *schema;
    const char *status;
    json_object_foreach(json_object_get(operation, "answer"), status, schema) {
        json_t *answer = json_pack("{s:s}", "description", text_of(operation, "means"));
        if (!json_is_null(schema)) {
            const char *type = text_of(operation, "type");
            json_t *lines = *type ? json_pack("{s:{s:o}}", type, "schema", schema_of(schema)) : NULL;
            json_object_set_new(answer, "content", lines ? lines : content_of(schema));
        }
        json_object_set_new(answers, status, answer);
    }
    json_object_set_new(answers, "4XX", problem_answer("refused: see `code`"));
    json_object_set_new(answers, "5XX", problem_answer("the server cannot answer now"));
    return answers;
}

static json_t *openapi_of(const json_t *operation) {
    json_t *out =
        json_pack("{s:s,s:s}", "operationId", text_of(operation, "name"), "summary", text_of(operation, "means"));
    json_t *parameters = json_array();
    for_parameters(operation, add_parameter, parameters);
    if (json_array_size(parameters) > 0) json_object_set(out, "parameters", parameters);
    json_decref(parameters);
    const json_t *body = json_object_get(operation, "body");
    if (body) {
        json_object_set_new(out, "requestBody", json_pack("{s:b,s:o}", "required", 1, "content", content_of(body)));
    }
    json_object_set_new(out, "responses", answers_of(operation));
    if (strcmp(text_of(operation, "who"), "anyone") == 0) json_object_set_new(out, "security", json_array());
    return out;
}

static json_t *openapi(void) {
    json_t *paths = json_object(), *schemas = json_object(), *operation, *schema;
    const char *name;
    size_t index;
    json_array_foreach(operations(), index, operation) {
        const char *path = text_of(operation, "path");
        char method[40];
        snprintf(method, sizeof method, "%s", text_of(operation, "method"));
        for (char *at = method; *at; at++) *at = (char)(*at - 'A' + 'a');
        if (!json_object_get(paths, path)) json_object_set_new(paths, path, json_object());
        json_object_set_new(json_object_get(paths, path), method, openapi_of(operation));
    }
    json_object_foreach(json_object_get(list, "schemas"), name, schema) {
        json_object_set_new(schemas, name, schema_of(schema));
    }
    return json_pack("{s:s,s:{s:s,s:s,s:s},s:o,s:{s:o,s:{s:{s:s,s:s,s:s}}},s:[{s:[]}]}", "openapi", "3.1.0", "info",
                     "title", text_of(list, "title"), "version", text_of(list, "version"), "description",
                     text_of(list, "description"), "paths", paths, "components", "schemas", schemas, "securitySchemes",
                     "bearer", "type", "http", "scheme", "bearer", "bearerFormat", "JWT", "security", "bearer");
}

static void print_openapi(void) {
    json_t *document = openapi();
    json_dumpf(document, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(document);
}

static void print_embed(void) {
    json_t *document = openapi();
    char *text = json_dumps(document, JSON_COMPACT);
    printf("/*\n * api/openapi.json, made by tools/api.c from api/operations.json: do not edit.\n */\n"
           "/* clang-format off */\n#include \"door/http/openapi.h\"\n\nstatic const char text[] =");
    size_t column = EMBED_COLUMNS;
    for (const char *at = text; *at; at++) {
        if (column >= EMBED_COLUMNS) {
            printf(at == text ? "\n    \"" : "\"\n    \"");
            column = 0;
        }
        bool plain = *at >= ' ' && *at <= '~';
        column += (size_t)printf(*at == '"' || *at == '\\' || *at == '?' ? "\\%c"
                                 : plain                                 ? "%c"
                                                                         : "\\%03o",
                                 (unsigned char)*at);
    }
    printf("\";\n\nrk_bytes rk_openapi(void) {\n    return rk_bytes_of(text, sizeof text - 1);\n}\n");
    free(text);
    json_decref(document);
}

/* ---- docs ---- */

static void print_parameter_docs(const char *name, const json_t *spec, void *context) {
    (void)context;
    if (strcmp(text_of(spec, "in"), "path") == 0) return;
    printf("| `%s` | %s | %s |\n", name, text_of(spec, "in"), text_of(spec, "means"));
}

static void print_docs(void) {
    printf("# The API\n\nMade from `api/operations.json` by `make generate`; do not edit.\n\n%s\n",
           text_of(list, "description"));
    size_t index;
    json_t *operation;
    json_array_foreach(operations(), index, operation) {
        printf("\n## %s\n\n`%s %s`, for %s: %s.\n", text_of(operation, "name"), text_of(operation, "method"),
               text_of(operation, "path"), strcmp(text_of(operation, "who"), "anyone") ? "members" : "anyone",
               text_of(operation, "means"));
        if (json_array_size(json_object_get(operation, "parameters")) > 0) {
            printf("\n| parameter | in | means |\n|---|---|---|\n");
            for_parameters(operation, print_parameter_docs, NULL);
        }
        const json_t *body = json_object_get(operation, "body");
        if (json_is_string(body)) printf("\nBody: `%s`.\n", json_string_value(body));
        if (is_binary(body)) printf("\nBody: `application/cbor`, %s.\n", text_of(body, "description"));
        printf("\nAnswers:");
        const char *status;
        json_t *schema;
        json_object_foreach(json_object_get(operation, "answer"), status, schema) {
            printf(" %s%s%s%s", status, json_is_string(schema) ? " `" : "",
                   json_is_string(schema) ? json_string_value(schema) : "", json_is_string(schema) ? "`" : "");
        }
        json_t *errors = json_object_get(operation, "errors"), *code;
        size_t n;
        if (json_array_size(errors) > 0) printf("; refused:");
        json_array_foreach(errors, n, code) printf(" `%s`", json_string_value(code));
        printf("\n");
    }
    printf("\n## Schemas\n");
    const char *name;
    json_t *schema;
    json_object_foreach(json_object_get(list, "schemas"), name, schema) {
        char *text = json_dumps(schema, JSON_INDENT(2));
        printf("\n### %s\n\n```json\n%s\n```\n", name, text);
        free(text);
    }
}

/* ---- TypeScript ---- */

static void print_type(const json_t *schema);

static void print_object_type(const json_t *schema) {
    const char *name;
    json_t *property, *item;
    printf("{");
    json_object_foreach(json_object_get(schema, "properties"), name, property) {
        bool required = false;
        size_t index;
        json_array_foreach(json_object_get(schema, "required"), index, item) {
            required |= strcmp(json_string_value(item), name) == 0;
        }
        printf(" %s%s: ", name, required ? "" : "?");
        print_type(property);
        printf(";");
    }
    printf(" }");
}

static void print_type(const json_t *schema) {
    const char *type = text_of(schema, "type");
    if (json_is_string(schema)) {
        printf("%s", json_string_value(schema));
    } else if (json_object_get(schema, "$ref")) {
        printf("%s", text_of(schema, "$ref"));
    } else if (strcmp(type, "array") == 0) {
        printf("Array<");
        print_type(json_object_get(schema, "items"));
        printf(">");
    } else if (strcmp(type, "object") == 0 && json_object_get(schema, "properties")) {
        print_object_type(schema);
    } else {
        printf("%s", strcmp(type, "object") == 0    ? "Record<string, unknown>"
                     : strcmp(type, "integer") == 0 ? "number"
                                                    : type);
    }
}

static void print_ts_field(const char *name, const json_t *spec, void *context) {
    (void)context;
    printf("%s\"%s\"%s: %s", "; ", name, strcmp(text_of(spec, "in"), "path") ? "?" : "",
           strcmp(text_of(json_object_get(spec, "schema"), "type"), "integer") ? "string" : "number");
}

static void print_ts_names(const char *name, const json_t *spec, void *context) {
    if (strcmp(text_of(spec, "in"), context) == 0) printf("\"%s\", ", name);
}

/* What may be answered; an answer that has no body is undefined. */
static void print_ts_answers(const json_t *operation) {
    const char *status;
    json_t *schema;
    size_t printed = 0;
    json_object_foreach(json_object_get(operation, "answer"), status, schema) {
        if (printed++ > 0) printf(" | ");
        if (json_is_null(schema)) printf("undefined");
        if (!json_is_null(schema)) print_type(schema);
    }
}

static void print_ts_operation(const json_t *operation) {
    const json_t *body = json_object_get(operation, "body");
    printf("\n  /** %s */\n  %s(to: { signal?: AbortSignal", text_of(operation, "means"), text_of(operation, "name"));
    for_parameters(operation, print_ts_field, NULL);
    if (body) {
        printf("; body: ");
        if (is_binary(body)) printf("Blob");
        if (!is_binary(body)) print_type(body);
    }
    printf(" }): Promise<");
    print_ts_answers(operation);
    printf("> {\n    return this.call(\"%s\", \"%s\", [", text_of(operation, "method"), text_of(operation, "path"));
    for_parameters(operation, print_ts_names, (void *)(uintptr_t) "query");
    printf("], [");
    for_parameters(operation, print_ts_names, (void *)(uintptr_t) "header");
    printf("], to);\n  }\n");
}

static void print_ts(void) {
    printf("// Types and a client of the API, made by tools/api.c from api/operations.json: do not edit.\n");
    const char *name;
    json_t *schema, *operation;
    size_t index;
    json_object_foreach(json_object_get(list, "schemas"), name, schema) {
        printf("\nexport interface %s ", name);
        print_object_type(schema);
        printf("\n");
    }
    printf("\n/** A refusal, as the server says it. */\n"
           "export class Refusal extends Error {\n"
           "  constructor(readonly problem: Problem) {\n    super(`${problem.code}: ${problem.detail ?? "
           "problem.title}`);\n  }\n"
           "}\n\n"
           "type Given = { signal?: AbortSignal; body?: unknown } & Record<string, unknown>;\n\n"
           "export class Client {\n"
           "  /** `base` such as http://127.0.0.1:4200; `token` gives the bearer token of each request. */\n"
           "  constructor(readonly base: string, readonly token?: () => string | Promise<string>) {}\n\n"
           "  private async call<T>(method: string, path: string, query: string[], headers: string[], to: Given): "
           "Promise<T> {\n"
           "    const url = new URL(path.replace(/\\{(\\w+)\\}/g, (_, name: string) => "
           "encodeURIComponent(String(to[name]))), this.base);\n"
           "    for (const name of query) if (to[name] !== undefined) url.searchParams.set(name, String(to[name]));\n"
           "    const sent = new Headers({ accept: \"application/json\" });\n"
           "    for (const name of headers) if (to[name] !== undefined) sent.set(name, String(to[name]));\n"
           "    if (this.token) sent.set(\"authorization\", `Bearer ${await this.token()}`);\n"
           "    const init: RequestInit = { method, headers: sent, signal: to.signal ?? null };\n"
           "    if (to.body instanceof Blob) {\n"
           "      sent.set(\"content-type\", \"application/cbor\");\n"
           "      init.body = to.body;\n"
           "    } else if (to.body !== undefined) {\n"
           "      sent.set(\"content-type\", \"application/json\");\n"
           "      init.body = JSON.stringify(to.body);\n"
           "    }\n"
           "    const answer = await fetch(url, init);\n"
           "    const lines = (answer.headers.get(\"content-type\") ?? \"\").startsWith(\"application/x-ndjson\");\n"
           "    const value: unknown =\n"
           "      answer.status === 304 ? undefined : lines ? await answer.text() : await answer.json();\n"
           "    if (answer.status >= 400) throw new Refusal(value as Problem);\n"
           "    return value as T;\n"
           "  }\n");
    json_array_foreach(operations(), index, operation) print_ts_operation(operation);
    printf("}\n");
}

int main(int count, char **words) {
    static const struct {
        const char *name;
        void (*print)(void);
    } outputs[] = {
        {"def", print_def}, {"openapi", print_openapi}, {"embed", print_embed}, {"docs", print_docs}, {"ts", print_ts}};
    json_error_t error;
    if (count != 3 || !(list = json_load_file(words[2], JSON_REJECT_DUPLICATES, &error))) {
        fprintf(stderr, "%s: %s\n", count == 3 ? words[2] : "usage", count == 3 ? error.text : "api OUTPUT FILE");
        return 1;
    }
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        if (strcmp(outputs[i].name, words[1]) == 0) return outputs[i].print(), json_decref(list), 0;
    }
    fprintf(stderr, "there is no output %s\n", words[1]);
    return 1;
}
