/*
 * The file is cut into groups and cases as text, and each schema and datum read by itself: one number that the reader
 * refuses must not hide the cases beside it.
 */
#include "door/schema_cases.h"

#include <string.h>

#include "core/module/module.h"
#include "door/json.h"
#include "io/memory.h"

enum { GROUP_SIZE_MAX = 256 << 20 };

/* ---- cutting text ---- */

/* Walks the members of an object, or the items of a list. */
typedef struct walker {
    rk_bytes text;
    size_t at;
    bool object;
    bool started;
    bool broken;
} walker;

static int byte_at(rk_bytes text, size_t at) {
    return at < text.size ? text.data[at] : -1;
}

static size_t after_blanks(rk_bytes text, size_t at) {
    while (at < text.size && strchr(" \t\r\n", text.data[at]) && text.data[at]) at++;
    return at;
}

/* `at` is at the opening quote; returns what follows the closing one. */
static size_t after_string(rk_bytes text, size_t at) {
    for (at++; at < text.size && text.data[at] != '"'; at++) {
        if (text.data[at] == '\\') at++;
    }
    return at < text.size ? at + 1 : text.size;
}

static size_t after_value(rk_bytes text, size_t at) {
    size_t depth = 0;
    do {
        int byte = byte_at(text, at);
        if (byte == '"') {
            at = after_string(text, at);
            continue;
        }
        if (depth == 0 && (byte == ',' || byte == ']' || byte == '}')) return at;
        depth += byte == '[' || byte == '{';
        depth -= byte == ']' || byte == '}';
        at++;
    } while (at < text.size && (depth > 0 || !strchr(",]} \t\r\n", text.data[at])));
    return at < text.size ? at : text.size;
}

static walker walk(rk_bytes text, bool object) {
    size_t at = after_blanks(text, 0);
    return (walker){text, at + 1, object, false, byte_at(text, at) != (object ? '{' : '[')};
}

/* The next member's name, without quotes, and text. False at the end, and at what is no JSON (`broken`). */
static bool next(walker *w, rk_bytes *name_out, rk_bytes *value_out) {
    if (w->broken) return false;
    w->at = after_blanks(w->text, w->at);
    if (byte_at(w->text, w->at) == (w->object ? '}' : ']')) return false;
    w->broken = w->started && byte_at(w->text, w->at) != ',';
    if (w->started) w->at = after_blanks(w->text, w->at + 1);
    w->started = true;
    *name_out = (rk_bytes){NULL, 0};
    if (w->object) {
        size_t start = w->at + 1;
        w->broken = w->broken || byte_at(w->text, w->at) != '"';
        if (w->broken) return false;
        w->at = after_string(w->text, w->at);
        *name_out = (rk_bytes){w->text.data + start, w->at - start - 1};
        w->at = after_blanks(w->text, w->at);
        w->broken = byte_at(w->text, w->at) != ':';
        w->at = after_blanks(w->text, w->at + 1);
    }
    size_t start = w->at < w->text.size ? w->at : w->text.size;
    w->at = after_value(w->text, start);
    *value_out = (rk_bytes){w->text.data + start, w->at - start};
    w->broken = w->broken || value_out->size == 0;
    return !w->broken;
}

/* The texts of a group's or case's members; empty where there is none. */
typedef struct parts {
    rk_bytes description, schema, tests, data, valid;
} parts;

static bool parts_of(rk_bytes text, parts *parts_out) {
    const struct {
        const char *name;
        rk_bytes *part;
    } names[] = {{"description", &parts_out->description},
                 {"schema", &parts_out->schema},
                 {"tests", &parts_out->tests},
                 {"data", &parts_out->data},
                 {"valid", &parts_out->valid}};
    walker w = walk(text, true);
    rk_bytes name, value;
    *parts_out = (parts){.schema = {NULL, 0}};
    while (next(&w, &name, &value)) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (rk_bytes_equal(name, rk_bytes_of_string(names[i].name))) *names[i].part = value;
        }
    }
    return !w.broken;
}

/* ---- counting ---- */

typedef struct run {
    rk_arena *arena;  /* of the tally */
    rk_arena scratch; /* of one group */
    rk_schema_tally *tally;
    rk_schema_failure **failure_end;
    rk_bytes group;
    rk_error *error;
} run;

static rk_status no_memory(const run *run) {
    return rk_fail(run->error, RK_NO_MEMORY, NULL, "no memory for the cases");
}

static rk_status refuse(const run *run, rk_bytes name, size_t count) {
    rk_schema_refusal **at = &run->tally->refusals;
    while (*at && !rk_bytes_equal((*at)->name, name)) at = &(*at)->next;
    if (!*at) {
        *at = rk_arena_take(run->arena, sizeof **at);
        if (!*at || rk_arena_copy(run->arena, name, &(*at)->name) != RK_OK) return no_memory(run);
    }
    (*at)->count += count;
    run->tally->refused += count;
    return RK_OK;
}

/* Text as people read it; as it stands in the file where it does not read. */
static rk_bytes text_of(run *run, rk_bytes json) {
    rk_value value;
    rk_bytes copy = {NULL, 0};
    bool read = json.size > 0 && rk_json_read(&run->scratch, json, &value, NULL) == RK_OK && value.kind == RK_STRING;
    rk_status status = rk_arena_copy(run->arena, read ? value.as.bytes : json, &copy);
    return status == RK_OK ? copy : RK_TEXT("");
}

static rk_status fail(run *run, const parts *parts, bool valid, const rk_error *found) {
    rk_schema_failure *failure = rk_arena_take(run->arena, sizeof *failure);
    if (!failure) return no_memory(run);
    *failure = (rk_schema_failure){.group = run->group, .name = text_of(run, parts->description), .valid = valid};
    failure->where = rk_arena_format(run->arena, "%s", valid ? found->where : "");
    failure->what = rk_arena_format(run->arena, "%s", valid ? found->what : "");
    *run->failure_end = failure;
    run->failure_end = &failure->next;
    run->tally->failed++;
    return RK_OK;
}

/* ---- what cannot be read ---- */

static bool is_number_byte(int byte) {
    return (byte >= '0' && byte <= '9') || byte == '-' || byte == '+' || byte == '.' || byte == 'e' || byte == 'E';
}

/* A number in the text, outside strings, that the reader refuses; empty when there is none. */
static rk_bytes refused_number(run *run, rk_bytes text) {
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] == '"') {
            at = after_string(text, at) - 1;
            continue;
        }
        size_t end = at;
        rk_value value;
        if (text.data[at] != '-' && (text.data[at] < '0' || text.data[at] > '9')) continue;
        while (is_number_byte(byte_at(text, end))) end++;
        rk_bytes number = {text.data + at, end - at};
        if (rk_json_read(&run->scratch, number, &value, NULL) != RK_OK) return number;
        at = end - 1;
    }
    return (rk_bytes){NULL, 0};
}

static bool has_surrogate(rk_bytes text) {
    for (size_t at = 0; at + 2 < text.size; at++) {
        if (text.data[at] != '\\') continue;
        at++;
        if (text.data[at] == 'u' && (text.data[at + 1] | 0x20) == 'd') return true;
    }
    return false;
}

/* `count` cases need this JSON. RK_BAD_JSON, as the error has it, when what it is refused for has no name. */
static rk_status refuse_unread(run *run, rk_bytes json, size_t count) {
    rk_bytes number = refused_number(run, json);
    bool whole = true;
    for (size_t i = 0; i < number.size; i++) whole = whole && !strchr(".eE", number.data[i]);
    if (number.size && whole) return refuse(run, RK_TEXT("a number past 64 bits"), count);
    if (number.size) return refuse(run, RK_TEXT("a number that no double holds"), count);
    if (has_surrogate(json)) return refuse(run, RK_TEXT("half a surrogate pair"), count);
    return RK_BAD_JSON;
}

/* ---- schemas ---- */

/* The last word of a pointer that is no index. */
static rk_bytes word_of(rk_bytes pointer) {
    while (pointer.size > 0) {
        size_t start = pointer.size;
        while (start > 0 && pointer.data[start - 1] != '/') start--;
        rk_bytes word = rk_bytes_from(pointer, start);
        if (word.size && (word.data[0] < '0' || word.data[0] > '9')) return word;
        pointer.size = start > 0 ? start - 1 : 0;
    }
    return RK_TEXT("schema");
}

static bool has_blank_class(rk_bytes pattern) {
    for (size_t at = 0; at + 1 < pattern.size; at++) {
        if (pattern.data[at] != '\\') continue;
        at++;
        if ((pattern.data[at] | 0x20) == 's') return true;
    }
    return false;
}

/* Whether a pattern of the schema has \s or \S: ECMA-262 takes all of Unicode's blanks for one, RE2 five of ASCII. */
static bool reads_otherwise(const rk_value *schema) {
    bool found = false;
    for (size_t i = 0; schema->kind == RK_LIST && i < schema->as.list.count; i++) {
        found = found || reads_otherwise(&schema->as.list.items[i]);
    }
    for (size_t i = 0; schema->kind == RK_MAP && i < schema->as.map.count; i++) {
        const rk_pair *pair = &schema->as.map.pairs[i];
        bool pattern = rk_is_text(&pair->key, RK_TEXT("pattern")) && pair->value.kind == RK_STRING;
        found = found || (pattern ? has_blank_class(pair->value.as.bytes) : reads_otherwise(&pair->value));
    }
    return found;
}

/* NULL, and the cases counted, when the schema is refused. */
static rk_status compile(run *run, rk_bytes json, size_t count, rk_schema **schema_out) {
    rk_value source;
    *schema_out = NULL;
    rk_findings *findings = rk_arena_take(&run->scratch, sizeof *findings);
    if (!findings) return no_memory(run);
    if (rk_json_read(&run->scratch, json, &source, run->error) != RK_OK) return refuse_unread(run, json, count);
    rk_schema *schema = NULL;
    rk_status status = rk_schema_compile(&run->scratch, &source, RK_TEXT(""), NULL, findings, &schema);
    if (status != RK_OK) return no_memory(run);
    if (findings->count > 0) return refuse(run, word_of(findings->items[0].pointer), count);
    if (reads_otherwise(&source)) return refuse(run, RK_TEXT("pattern"), count);
    *schema_out = schema;
    return RK_OK;
}

/* ---- cases ---- */

static rk_status run_case(run *run, const rk_schema *schema, const parts *parts) {
    rk_value data;
    rk_error found = {.code = RK_OK};
    bool valid = rk_bytes_equal(parts->valid, RK_TEXT("true"));
    if (rk_json_read(&run->scratch, parts->data, &data, run->error) != RK_OK) {
        return refuse_unread(run, parts->data, 1);
    }
    rk_status status = rk_schema_normalise(&run->scratch, schema, &data, "", &data, &found);
    if (status == RK_OVERFLOW && valid) return refuse(run, RK_TEXT("a number past 64 bits"), 1);
    if (status == RK_OK) status = rk_schema_check(schema, &data, RK_BAD_DATA, "", &found);
    if (status != RK_OK && status != RK_BAD_DATA && status != RK_OVERFLOW) {
        if (run->error) *run->error = found;
        return status;
    }
    if ((status == RK_OK) != valid) return fail(run, parts, valid, &found);
    run->tally->passed++;
    return RK_OK;
}

static rk_status no_file(const run *run) {
    return rk_fail(
        run->error, RK_BAD_DATA, NULL,
        "this is no file of schema cases: [{\"schema\": ..., \"tests\": [{\"data\": ..., \"valid\": ...}]}]");
}

static rk_status run_group(run *run, const parts *group) {
    rk_schema *schema = NULL;
    rk_bytes name, text;
    parts parts;
    size_t count = 0;
    run->group = text_of(run, group->description);
    walker counter = walk(group->tests, false), w = counter;
    while (next(&counter, &name, &text)) count++;
    if (counter.broken || group->schema.size == 0) return no_file(run);
    RK_TRY(compile(run, group->schema, count, &schema));
    while (schema && next(&w, &name, &text)) {
        if (!parts_of(text, &parts) || !parts.data.size || !parts.valid.size) return no_file(run);
        RK_TRY(run_case(run, schema, &parts));
    }
    return RK_OK;
}

rk_status rk_schema_cases_run(rk_arena *arena, rk_bytes text, rk_schema_tally *tally, rk_error *error) {
    run run = {.arena = arena, .tally = tally, .failure_end = &tally->failures, .error = error};
    walker w = walk(text, false);
    rk_bytes name, value;
    while (*run.failure_end) run.failure_end = &(*run.failure_end)->next;
    while (next(&w, &name, &value)) {
        parts group;
        rk_arena_init(&run.scratch, rk_memory_system(), GROUP_SIZE_MAX);
        rk_status status = parts_of(value, &group) ? run_group(&run, &group) : no_file(&run);
        rk_arena_free(&run.scratch);
        RK_TRY(status);
    }
    if (w.broken || after_blanks(text, w.at + 1) != text.size) return no_file(&run);
    if (error) *error = (rk_error){.code = RK_OK};
    return RK_OK;
}
