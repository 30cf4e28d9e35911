/*
 * Reading a trace with jansson: its tree is turned into flat arrays, and freed.
 */
#include "door/trace_file.h"

#include <jansson.h>
#include <string.h>

typedef struct reader {
    rk_arena *arena;
    json_t *transactions;
    rk_trace_transaction *out;
    uint32_t *parents; /* room for those of all transactions */
    rk_trace_patch *patches;
    size_t parent_count;
    size_t patch_count;
    size_t author_count; /* at least what was seen */
    rk_error *error;
} reader;

static rk_status refuse(reader *reader, size_t index, const char *what) {
    char where[48];
    rk_format(where, sizeof where, "transaction %u", (uint64_t)index);
    return rk_fail(reader->error, RK_BAD_FILE, where, "%s", what);
}

static bool is_count(const json_t *value, uint64_t max) {
    return json_is_integer(value) && json_integer_value(value) >= 0 && (uint64_t)json_integer_value(value) <= max;
}

static rk_status read_text(reader *reader, const json_t *value, rk_bytes *text_out) {
    rk_bytes text = rk_bytes_of(json_string_value(value), json_string_length(value));
    if (rk_arena_copy(reader->arena, text, text_out) == RK_OK) return RK_OK;
    return rk_fail(reader->error, RK_NO_MEMORY, "trace", "no memory for it");
}

/* How many parents and patches there are in all, so that each takes one array. */
static void count_parts(const reader *reader, size_t *parents_out, size_t *patches_out) {
    size_t count = json_array_size(reader->transactions);
    *parents_out = *patches_out = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *transaction = json_array_get(reader->transactions, i);
        const json_t *parents = json_object_get(transaction, "parents");
        *parents_out += parents ? json_array_size(parents) : 1;
        *patches_out += json_array_size(json_object_get(transaction, "patches"));
    }
}

static rk_status take_room(reader *reader) {
    size_t parents = 0, patches = 0;
    count_parts(reader, &parents, &patches);
    reader->out = rk_arena_take_array(reader->arena, json_array_size(reader->transactions), sizeof *reader->out);
    reader->parents = rk_arena_take_array(reader->arena, parents, sizeof *reader->parents);
    reader->patches = rk_arena_take_array(reader->arena, patches, sizeof *reader->patches);
    if (reader->out && reader->parents && reader->patches) return RK_OK;
    return rk_fail(reader->error, RK_NO_MEMORY, "trace", "no memory for it");
}

static rk_status read_parents(reader *reader, size_t index, const json_t *transaction, rk_trace_transaction *out) {
    const json_t *parents = json_object_get(transaction, "parents");
    out->parents = reader->parents + reader->parent_count;
    if (!parents) {
        if (index > 0) reader->parents[reader->parent_count++] = (uint32_t)index - 1;
        out->parent_count = index > 0;
        return RK_OK;
    }
    if (!json_is_array(parents)) return refuse(reader, index, "its parents are no list");
    for (size_t i = 0; i < json_array_size(parents); i++) {
        const json_t *parent = json_array_get(parents, i);
        if (index == 0 || !is_count(parent, index - 1)) {
            return refuse(reader, index, "a parent is not the index of an earlier transaction");
        }
        reader->parents[reader->parent_count++] = (uint32_t)json_integer_value(parent);
    }
    out->parent_count = (uint32_t)json_array_size(parents);
    return RK_OK;
}

static rk_status read_patches(reader *reader, size_t index, const json_t *transaction, rk_trace_transaction *out) {
    const json_t *patches = json_object_get(transaction, "patches");
    if (!json_is_array(patches)) return refuse(reader, index, "it has no list of patches");
    out->patches = reader->patches + reader->patch_count;
    out->patch_count = json_array_size(patches);
    for (size_t i = 0; i < out->patch_count; i++) {
        const json_t *patch = json_array_get(patches, i), *at = json_array_get(patch, 0),
                     *count = json_array_get(patch, 1), *text = json_array_get(patch, 2);
        if (json_array_size(patch) != 3 || !is_count(at, INT32_MAX) || !is_count(count, INT32_MAX) ||
            !json_is_string(text)) {
            return refuse(reader, index, "a patch is not [position, deleted, text]");
        }
        rk_trace_patch *kept = &reader->patches[reader->patch_count++];
        *kept = (rk_trace_patch){.at = (uint64_t)json_integer_value(at),
                                 .delete_count = (uint64_t)json_integer_value(count)};
        RK_TRY(read_text(reader, text, &kept->text));
    }
    return RK_OK;
}

static rk_status read_author(reader *reader, size_t index, const json_t *transaction, rk_trace_transaction *out) {
    const json_t *agent = json_object_get(transaction, "agent");
    if (agent && !is_count(agent, RK_TRACE_AUTHORS_MAX - 1)) return refuse(reader, index, "its agent is no index");
    out->author = agent ? (uint32_t)json_integer_value(agent) : 0;
    if (out->author >= reader->author_count) reader->author_count = (size_t)out->author + 1;
    return RK_OK;
}

static rk_status read_transactions(reader *reader) {
    size_t count = json_array_size(reader->transactions);
    RK_TRY(take_room(reader));
    for (size_t i = 0; i < count; i++) {
        const json_t *transaction = json_array_get(reader->transactions, i);
        if (!json_is_object(transaction)) return refuse(reader, i, "it is no object");
        RK_TRY(read_author(reader, i, transaction, &reader->out[i]));
        RK_TRY(read_parents(reader, i, transaction, &reader->out[i]));
        RK_TRY(read_patches(reader, i, transaction, &reader->out[i]));
    }
    return RK_OK;
}

static rk_status read_trace(reader *reader, const json_t *json, rk_trace *trace_out) {
    const json_t *end = json_object_get(json, "endContent"), *start = json_object_get(json, "startContent"),
                 *agents = json_object_get(json, "numAgents");
    reader->transactions = json_object_get(json, "txns");
    if (!json_is_string(end) || !json_is_array(reader->transactions)) {
        return rk_fail(reader->error, RK_BAD_FILE, "trace", "it has no endContent and txns");
    }
    if (start && (!json_is_string(start) || json_string_length(start) > 0)) {
        return rk_fail(reader->error, RK_NOT_YET, "trace",
                       "it starts from a text; only traces that start from nothing can be read");
    }
    RK_TRY(read_transactions(reader));
    if (agents &&
        (!is_count(agents, RK_TRACE_AUTHORS_MAX) || (size_t)json_integer_value(agents) < reader->author_count)) {
        return rk_fail(reader->error, RK_BAD_FILE, "trace", "its numAgents is not how many there are");
    }
    RK_TRY(read_text(reader, end, &trace_out->end_content));
    trace_out->transactions = reader->out;
    trace_out->transaction_count = json_array_size(reader->transactions);
    trace_out->author_count = agents ? (size_t)json_integer_value(agents) : reader->author_count;
    return RK_OK;
}

rk_status rk_trace_read(rk_arena *arena, rk_bytes json, rk_trace *trace_out, rk_error *error) {
    json_error_t found;
    *trace_out = (rk_trace){.transactions = NULL};
    json_t *tree = json_loadb((const char *)(json.size ? json.data : (const uint8_t *)""), json.size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &found);
    if (!tree) {
        char where[48];
        rk_format(where, sizeof where, "line %u", (uint64_t)(found.line > 0 ? found.line : 1));
        return rk_fail(error, RK_BAD_JSON, where, "%s", found.text);
    }
    reader reader = {.arena = arena, .error = error};
    rk_status status = read_trace(&reader, tree, trace_out);
    json_decref(tree);
    return status;
}
