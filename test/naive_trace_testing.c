/*
 * Naive texts. A transaction that only follows the one before goes on in its view; every other view is made from all
 * characters anew.
 */
#include "naive_trace_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

static void *take(rk_arena *arena, size_t count, size_t size) {
    void *piece = rk_arena_take_array(arena, count, size);
    assert_non_null(piece);
    return piece;
}

static void count_characters(const rk_trace *trace, size_t *inserted_out, size_t *deleted_out) {
    *inserted_out = *deleted_out = 0;
    for (size_t i = 0; i < trace->transaction_count; i++) {
        for (size_t j = 0; j < trace->transactions[i].patch_count; j++) {
            *inserted_out += rk_utf8_count(trace->transactions[i].patches[j].text);
            *deleted_out += trace->transactions[i].patches[j].delete_count;
        }
    }
}

/* Closes up over what a patch deletes and opens the room for what it inserts, in an array of four-byte items. */
static void make_room(uint32_t *items, size_t *count, const rk_trace_patch *patch) {
    size_t inserted = rk_utf8_count(patch->text), end = patch->at + patch->delete_count;
    assert_true(end <= *count);
    memmove(items + patch->at + inserted, items + end, (*count - end) * sizeof *items);
    *count += inserted - patch->delete_count;
}

/* ---- one author ---- */

static rk_bytes encode(const uint32_t *points, size_t count, rk_arena *arena) {
    uint8_t *text = take(arena, 4 * count + 1, 1);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += rk_utf8_put(text + size, points[i]);
    return rk_bytes_of(text, size);
}

static void edit_string(uint32_t *points, size_t *count, const rk_trace_patch *patch) {
    make_room(points, count, patch);
    for (size_t at = patch->at, offset = 0; offset < patch->text.size; at++) {
        assert_true(rk_utf8_next(patch->text, &offset, &points[at]));
    }
}

static void string_texts(const rk_trace *trace, const uint64_t *versions, size_t count, rk_arena *arena,
                         rk_bytes *texts_out) {
    size_t inserted = 0, deleted = 0, point_count = 0;
    count_characters(trace, &inserted, &deleted);
    uint32_t *points = take(arena, inserted + 1, sizeof *points);
    for (size_t i = 0, next = 0; i <= trace->transaction_count; i++) {
        for (; next < count && versions[next] == i; next++) texts_out[next] = encode(points, point_count, arena);
        if (i == trace->transaction_count) return;
        const rk_trace_transaction *transaction = &trace->transactions[i];
        for (size_t j = 0; j < transaction->patch_count; j++)
            edit_string(points, &point_count, &transaction->patches[j]);
    }
}

/* ---- several authors ---- */

/* Characters and deletions are named by their index; index 0 is the beginning of the text, and no deletion. */
typedef struct character {
    uint64_t number;
    uint32_t point;
    uint32_t typed_by; /* the transaction */
    uint32_t deletion; /* the last one found */
    uint32_t child;    /* the greatest of those typed after it */
    uint32_t sibling;  /* the next lesser one typed after the same */
} character;

typedef struct deletion {
    uint32_t by;
    uint32_t next;
} deletion;

typedef struct document {
    const rk_trace *trace;
    const uint64_t *replicas;
    character *characters;
    size_t character_count;
    deletion *deletions;
    size_t deletion_count;
    uint64_t *numbers; /* the highest in the view that each transaction leaves */
    uint32_t *stack;   /* work space of walking */
    bool *in_view;     /* transactions */
    uint32_t *view;    /* visible characters in document order */
    size_t view_count;
    uint64_t view_number; /* the highest that was seen */
} document;

static document *new_document(const rk_trace *trace, const uint64_t *replicas, rk_arena *arena) {
    size_t inserted = 0, deleted = 0;
    count_characters(trace, &inserted, &deleted);
    document *document = take(arena, 1, sizeof *document);
    document->trace = trace;
    document->replicas = replicas;
    document->characters = take(arena, inserted + 1, sizeof *document->characters);
    document->deletions = take(arena, deleted + 1, sizeof *document->deletions);
    document->numbers = take(arena, trace->transaction_count + 1, sizeof *document->numbers);
    document->stack = take(arena, inserted + 2, sizeof *document->stack);
    document->in_view = take(arena, trace->transaction_count + 1, sizeof *document->in_view);
    document->view = take(arena, inserted + 1, sizeof *document->view);
    document->character_count = document->deletion_count = 1;
    return document;
}

static bool is_visible(const document *document, const character *character) {
    if (!document->in_view[character->typed_by]) return false;
    for (uint32_t i = character->deletion; i; i = document->deletions[i].next) {
        if (document->in_view[document->deletions[i].by]) return false;
    }
    return true;
}

/* Each character, then what was typed after it, then its next lesser sibling. */
static void fill_view(document *document) {
    size_t depth = 0;
    document->view_count = 0;
    document->stack[depth++] = document->characters[0].child;
    while (depth > 0) {
        uint32_t index = document->stack[--depth];
        if (index == 0) continue;
        const character *character = &document->characters[index];
        if (is_visible(document, character)) document->view[document->view_count++] = index;
        document->stack[depth++] = character->sibling;
        document->stack[depth++] = character->child;
    }
}

/* Goes to the view that has all ancestors of the transaction, and nothing else. */
static void go_to_ancestors(document *document, size_t index) {
    const rk_trace_transaction *transaction = &document->trace->transactions[index];
    if (index > 0 && transaction->parent_count == 1 && transaction->parents[0] == index - 1) return;
    memset(document->in_view, 0, document->trace->transaction_count * sizeof *document->in_view);
    document->view_number = 0;
    for (uint32_t i = 0; i < transaction->parent_count; i++) {
        uint64_t number = document->numbers[transaction->parents[i]];
        document->in_view[transaction->parents[i]] = true;
        if (number > document->view_number) document->view_number = number;
    }
    for (size_t i = index; i-- > 0;) {
        if (!document->in_view[i]) continue;
        const rk_trace_transaction *ancestor = &document->trace->transactions[i];
        for (uint32_t j = 0; j < ancestor->parent_count; j++) document->in_view[ancestor->parents[j]] = true;
    }
    fill_view(document);
}

static bool is_greater(const document *document, const character *a, const character *b) {
    const rk_trace_transaction *transactions = document->trace->transactions;
    if (a->number != b->number) return a->number > b->number;
    uint64_t left = document->replicas[transactions[a->typed_by].author];
    uint64_t right = document->replicas[transactions[b->typed_by].author];
    assert_true(left != right);
    return left > right;
}

static uint32_t type_after(document *document, uint32_t parent, uint32_t point, size_t transaction) {
    uint32_t index = (uint32_t)document->character_count++;
    character *typed = &document->characters[index];
    uint32_t *link = &document->characters[parent].child;
    *typed = (character){.number = ++document->view_number, .point = point, .typed_by = (uint32_t)transaction};
    while (*link && is_greater(document, &document->characters[*link], typed)) {
        link = &document->characters[*link].sibling;
    }
    typed->sibling = *link;
    *link = index;
    return index;
}

static void delete_character(document *document, uint32_t index, size_t transaction) {
    character *character = &document->characters[index];
    uint32_t deletion = (uint32_t)document->deletion_count++;
    document->deletions[deletion] = (struct deletion){(uint32_t)transaction, character->deletion};
    character->deletion = deletion;
}

static void edit_document(document *document, const rk_trace_patch *patch, size_t transaction) {
    uint32_t *view = document->view, point = 0;
    size_t at = patch->at;
    assert_true(at + patch->delete_count <= document->view_count);
    for (size_t i = 0; i < patch->delete_count; i++) delete_character(document, view[at + i], transaction);
    make_room(view, &document->view_count, patch);
    for (size_t offset = 0; offset < patch->text.size; at++) {
        assert_true(rk_utf8_next(patch->text, &offset, &point));
        view[at] = type_after(document, at > 0 ? view[at - 1] : 0, point, transaction);
    }
}

static rk_bytes document_text(document *document, uint64_t version, rk_arena *arena) {
    for (size_t i = 0; i < document->trace->transaction_count; i++) document->in_view[i] = i < version;
    fill_view(document);
    uint32_t *points = take(arena, document->view_count + 1, sizeof *points);
    for (size_t i = 0; i < document->view_count; i++) points[i] = document->characters[document->view[i]].point;
    return encode(points, document->view_count, arena);
}

static void document_texts(const rk_trace *trace, const uint64_t *replicas, const uint64_t *versions, size_t count,
                           rk_arena *arena, rk_bytes *texts_out) {
    document *document = new_document(trace, replicas, arena);
    for (size_t i = 0; i < trace->transaction_count; i++) {
        const rk_trace_transaction *transaction = &trace->transactions[i];
        go_to_ancestors(document, i);
        for (size_t j = 0; j < transaction->patch_count; j++) edit_document(document, &transaction->patches[j], i);
        document->in_view[i] = true;
        document->numbers[i] = document->view_number;
    }
    for (size_t i = 0; i < count; i++) texts_out[i] = document_text(document, versions[i], arena);
}

void naive_trace_texts(const rk_trace *trace, const uint64_t *replicas, const uint64_t *versions, size_t count,
                       rk_arena *arena, rk_bytes *texts_out) {
    if (trace->author_count > 1) {
        document_texts(trace, replicas, versions, count, arena, texts_out);
    } else {
        string_texts(trace, versions, count, arena, texts_out);
    }
}
