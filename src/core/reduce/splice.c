/*
 * Resolving, checking and applying splices.
 */
#include "core/reduce/splice.h"

#include <string.h>

enum { RESOLVED_SIZE_MAX = RK_EVENT_SIZE_MAX };

typedef struct edit {
    uint64_t at;
    uint64_t delete_count;
    rk_bytes text;
} edit;

static bool read_edit(const rk_value *value, edit *edit_out) {
    *edit_out = (edit){0};
    const rk_value *items = value->kind == RK_LIST && value->as.list.count == 3 ? value->as.list.items : NULL;
    if (!items || items[0].kind != RK_INT || items[0].as.integer < 0 || items[1].kind != RK_INT ||
        items[1].as.integer < 0 || items[2].kind != RK_STRING) {
        return false;
    }
    *edit_out = (edit){(uint64_t)items[0].as.integer, (uint64_t)items[1].as.integer, items[2].as.bytes};
    return true;
}

static rk_status refuse_edit(rk_error *error, size_t index, const char *what) {
    char where[40];
    rk_format(where, sizeof where, "edit %u", (uint64_t)index);
    return rk_fail(error, RK_BAD_DATA, where, "%s", what);
}

static rk_status check_edits(const rk_value *edits, rk_error *error) {
    edit edit;
    if (edits->kind != RK_LIST) return rk_fail(error, RK_BAD_DATA, "edits", "they are no list of [at, delete, text]");
    for (size_t i = 0; i < edits->as.list.count; i++) {
        if (!read_edit(&edits->as.list.items[i], &edit)) return refuse_edit(error, i, "it is not [at, delete, text]");
    }
    return RK_OK;
}

/* ---- text ids in resolved form ---- */

static rk_status id_value(rk_arena *arena, rk_text_id id, uint64_t replica, rk_value *value_out) {
    *value_out = rk_int((int64_t)id.lamport);
    if (id.replica == replica || id.lamport == 0) return RK_OK;
    rk_value *items = rk_arena_take_array(arena, 2, sizeof *items);
    uint8_t *bytes = rk_arena_take(arena, 8);
    if (!items || !bytes) return RK_NO_MEMORY;
    rk_put_u64(bytes, id.replica);
    items[0] = *value_out;
    items[1] = rk_bytes_value(rk_bytes_of(bytes, 8));
    *value_out = rk_list(items, 2);
    return RK_OK;
}

static bool read_lamport(const rk_value *value, uint64_t least, uint64_t *lamport_out) {
    if (value->kind != RK_INT || value->as.integer < (int64_t)least || (uint64_t)value->as.integer > RK_LAMPORT_MAX) {
        return false;
    }
    *lamport_out = (uint64_t)value->as.integer;
    return true;
}

/* One encoding for each id: the own replica, and the beginning, are never written out. */
static bool read_id(const rk_value *value, uint64_t replica, rk_text_id *id_out) {
    *id_out = (rk_text_id){0, replica};
    if (value->kind == RK_INT) {
        if (!read_lamport(value, 0, &id_out->lamport)) return false;
        if (id_out->lamport == 0) id_out->replica = 0;
        return true;
    }
    const rk_value *items = value->kind == RK_LIST && value->as.list.count == 2 ? value->as.list.items : NULL;
    if (!items || !read_lamport(&items[0], 1, &id_out->lamport) || items[1].kind != RK_BYTES ||
        items[1].as.bytes.size != 8) {
        return false;
    }
    id_out->replica = rk_get_u64(items[1].as.bytes.data);
    return id_out->replica != replica;
}

/* ---- resolving: pieces over the text ---- */

/* A stretch of the text as the edits have left it: characters of the text before, or ones that the splice inserts. */
typedef struct piece {
    bool own;
    uint64_t start; /* index in the text before, or Lamport */
    uint64_t count;
} piece;

typedef struct resolver {
    rk_rga *rga;
    uint64_t replica;
    uint64_t lamport; /* of the next inserted character */
    rk_arena *arena;
    piece *pieces;
    size_t piece_count;
    size_t piece_capacity;
    rk_value *items; /* of the edit's resolved list */
    size_t item_count;
    size_t item_capacity;
} resolver;

static rk_status add_item(resolver *resolver, rk_value item) {
    if (resolver->item_count == resolver->item_capacity) {
        size_t capacity = resolver->item_capacity ? resolver->item_capacity * 2 : 4;
        resolver->items = rk_arena_grow(resolver->arena, resolver->items, resolver->item_capacity * sizeof item,
                                        capacity * sizeof item);
        if (!resolver->items) return RK_NO_MEMORY;
        resolver->item_capacity = capacity;
    }
    resolver->items[resolver->item_count++] = item;
    return RK_OK;
}

/* Room for `extra` more pieces behind index `at`. */
static rk_status open_pieces(resolver *resolver, size_t at, size_t extra) {
    size_t needed = resolver->piece_count + extra;
    if (needed > resolver->piece_capacity) {
        size_t capacity = needed * 2;
        resolver->pieces = rk_arena_grow(resolver->arena, resolver->pieces, resolver->piece_capacity * sizeof(piece),
                                         capacity * sizeof(piece));
        if (!resolver->pieces) return RK_NO_MEMORY;
        resolver->piece_capacity = capacity;
    }
    memmove(&resolver->pieces[at + extra], &resolver->pieces[at], (resolver->piece_count - at) * sizeof(piece));
    resolver->piece_count = needed;
    return RK_OK;
}

/* Makes a piece begin at position `at`, and gives its index (piece_count at the end). RK_BAD_DATA past the end. */
static rk_status split_at(resolver *resolver, uint64_t at, size_t *index_out) {
    size_t index = 0;
    while (index < resolver->piece_count && at >= resolver->pieces[index].count) at -= resolver->pieces[index++].count;
    *index_out = index;
    if (at == 0) return RK_OK;
    if (index == resolver->piece_count) return RK_BAD_DATA;
    RK_TRY(open_pieces(resolver, index, 1));
    resolver->pieces[index].count = at;
    resolver->pieces[index + 1].start += at;
    resolver->pieces[index + 1].count -= at;
    *index_out = index + 1;
    return RK_OK;
}

static rk_status delete_piece(resolver *resolver, const piece *piece) {
    rk_value id;
    if (piece->own) {
        RK_TRY(id_value(resolver->arena, (rk_text_id){piece->start, resolver->replica}, resolver->replica, &id));
        RK_TRY(add_item(resolver, id));
        return add_item(resolver, rk_int((int64_t)piece->count));
    }
    const rk_text_run *runs = NULL;
    size_t run_count = 0;
    RK_TRY(rk_rga_ranges(resolver->rga, piece->start, piece->count, resolver->arena, &runs, &run_count));
    for (size_t i = 0; i < run_count; i++) {
        RK_TRY(id_value(resolver->arena, runs[i].first, resolver->replica, &id));
        RK_TRY(add_item(resolver, id));
        RK_TRY(add_item(resolver, rk_int((int64_t)runs[i].count)));
    }
    return RK_OK;
}

static rk_status delete_range(resolver *resolver, uint64_t at, uint64_t count) {
    size_t first = 0, last = 0;
    RK_TRY(split_at(resolver, at, &first));
    if (count == 0) return RK_OK;
    RK_TRY(split_at(resolver, at + count, &last));
    for (size_t i = first; i < last; i++) RK_TRY(delete_piece(resolver, &resolver->pieces[i]));
    memmove(&resolver->pieces[first], &resolver->pieces[last], (resolver->piece_count - last) * sizeof(piece));
    resolver->piece_count -= last - first;
    return RK_OK;
}

/* The id of the character before piece `index`. */
static rk_text_id id_before(resolver *resolver, size_t index) {
    rk_text_id id = {0, 0};
    if (index == 0) return id;
    const piece *piece = &resolver->pieces[index - 1];
    uint64_t last = piece->start + piece->count - 1;
    if (piece->own) return (rk_text_id){last, resolver->replica};
    bool found = rk_rga_id_at(resolver->rga, last, &id);
    RK_ASSERT(found);
    return id;
}

static rk_status insert_text(resolver *resolver, uint64_t at, rk_bytes text) {
    size_t index = 0;
    uint64_t count = rk_utf8_count(text);
    if (resolver->lamport > RK_LAMPORT_MAX || count - 1 > RK_LAMPORT_MAX - resolver->lamport) return RK_LIMIT;
    RK_TRY(split_at(resolver, at, &index));
    rk_value parent;
    RK_TRY(id_value(resolver->arena, id_before(resolver, index), resolver->replica, &parent));
    RK_TRY(add_item(resolver, parent));
    RK_TRY(open_pieces(resolver, index, 1));
    resolver->pieces[index] = (piece){true, resolver->lamport, count};
    resolver->lamport += count;
    return RK_OK;
}

static rk_status resolve_edit(resolver *resolver, const edit *edit, rk_value *resolved_out) {
    resolver->items = NULL;
    resolver->item_count = resolver->item_capacity = 0;
    if (edit->delete_count > INT64_MAX - edit->at) return RK_BAD_DATA;
    RK_TRY(delete_range(resolver, edit->at, edit->delete_count));
    if (edit->text.size > 0) RK_TRY(insert_text(resolver, edit->at, edit->text));
    *resolved_out = rk_list(resolver->items, resolver->item_count);
    return RK_OK;
}

rk_status rk_splice_resolve(rk_rga *rga, const rk_value *edits, uint64_t replica, uint64_t lamport, rk_arena *arena,
                            rk_value *resolved_out, rk_error *error) {
    RK_TRY(check_edits(edits, error));
    resolver resolver = {.rga = rga, .replica = replica, .lamport = lamport, .arena = arena};
    uint64_t length = rga ? rk_rga_length(rga) : 0;
    rk_status status = length ? open_pieces(&resolver, 0, 1) : RK_OK;
    if (status == RK_OK && length) resolver.pieces[0] = (piece){false, 0, length};
    size_t count = edits->as.list.count;
    rk_value *items = rk_arena_take_array(arena, count + 1, sizeof *items);
    if (!items || status != RK_OK) return rk_fail(error, RK_NO_MEMORY, "edits", "no memory for them");
    for (size_t i = 0; i < count; i++) {
        edit edit;
        read_edit(&edits->as.list.items[i], &edit);
        status = resolve_edit(&resolver, &edit, &items[i + 1]);
        if (status == RK_BAD_DATA) return refuse_edit(error, i, "it passes the end of the text");
        if (status != RK_OK) return rk_fail(error, status, "edits", "they could not be resolved");
    }
    items[0] = rk_int(resolver.lamport > lamport ? (int64_t)lamport : 0);
    *resolved_out = rk_list(items, count + 1);
    return RK_OK;
}

/* ---- reading a resolved splice ---- */

/* Walks the parts of a resolved splice in order, and stops at the first that is refused. */
typedef struct walker {
    rk_rga *rga;
    uint64_t replica;
    uint64_t first; /* the first Lamport that the splice gives out */
    uint64_t next;  /* the next one */
    uint64_t deleted;
    rk_error *error;
    rk_status (*delete_run)(struct walker *walker, rk_text_id first, uint64_t count);
    rk_status (*insert)(struct walker *walker, rk_text_id parent, rk_text_id first, rk_bytes text);
} walker;

static rk_status refuse(const walker *walker, rk_status code, const char *what) {
    return rk_fail(walker->error, code, "splice", "%s", what);
}

static rk_status walk_edit(walker *walker, const edit *edit, const rk_value *resolved) {
    if (resolved->kind != RK_LIST) return refuse(walker, RK_BAD_OPERATIONS, "an edit that is not resolved");
    const rk_value *items = resolved->as.list.items;
    size_t count = resolved->as.list.count;
    bool inserts = edit->text.size > 0;
    if (count % 2 != inserts) return refuse(walker, RK_BAD_OPERATIONS, "a run or parent too many or too few");
    uint64_t deleted = 0;
    for (size_t i = 0; i + 1 < count; i += 2) {
        rk_text_id id;
        uint64_t run = 0;
        if (!read_id(&items[i], walker->replica, &id) || id.lamport == 0 || !read_lamport(&items[i + 1], 1, &run) ||
            run > RK_LAMPORT_MAX - id.lamport + 1 || run > edit->delete_count - deleted) {
            return refuse(walker, RK_BAD_OPERATIONS, "a deleted run that is none, or is longer than the data say");
        }
        deleted += run;
        RK_TRY(walker->delete_run(walker, id, run));
    }
    if (deleted != edit->delete_count) return refuse(walker, RK_BAD_OPERATIONS, "fewer deletes than the data say");
    if (!inserts) return RK_OK;
    rk_text_id parent, first = {walker->next, walker->replica};
    uint64_t points = rk_utf8_count(edit->text);
    if (!read_id(&items[count - 1], walker->replica, &parent))
        return refuse(walker, RK_BAD_OPERATIONS, "a parent that is no id");
    if (walker->next == 0 || walker->next > RK_LAMPORT_MAX || points - 1 > RK_LAMPORT_MAX - walker->next) {
        return refuse(walker, RK_BAD_OPERATIONS, "inserted characters without Lamport numbers");
    }
    RK_TRY(walker->insert(walker, parent, first, edit->text));
    walker->next += points;
    return RK_OK;
}

static rk_status walk(walker *walker, const rk_value *edits, const rk_value *resolved) {
    RK_TRY(check_edits(edits, walker->error));
    size_t count = edits->as.list.count;
    if (resolved->kind != RK_LIST || resolved->as.list.count != count + 1 ||
        !read_lamport(&resolved->as.list.items[0], 0, &walker->first)) {
        return refuse(walker, RK_BAD_OPERATIONS, "it does not have the parts that its edits ask for");
    }
    walker->next = walker->first;
    for (size_t i = 0; i < count; i++) {
        edit edit;
        read_edit(&edits->as.list.items[i], &edit);
        RK_TRY(walk_edit(walker, &edit, &resolved->as.list.items[i + 1]));
    }
    if (walker->first != 0 && walker->next == walker->first) {
        return refuse(walker, RK_BAD_OPERATIONS, "a Lamport number, and nothing is inserted");
    }
    return RK_OK;
}

/* ---- checking ---- */

static bool made_here(const walker *walker, rk_text_id id) {
    return id.replica == walker->replica && id.lamport >= walker->first && id.lamport < walker->next;
}

static bool is_there(const walker *walker, rk_text_id id) {
    return made_here(walker, id) || (walker->rga && rk_rga_has(walker->rga, id));
}

/* Nobody deletes more than was ever there: so a check takes no longer than the text is long, whatever runs it names. */
static rk_status check_delete(walker *walker, rk_text_id first, uint64_t count) {
    uint64_t points = walker->rga ? rk_rga_points(walker->rga) : 0;
    walker->deleted += count;
    if (walker->deleted > points + (walker->next - walker->first)) {
        return refuse(walker, RK_BAD_OPERATIONS, "it deletes more characters than there ever were");
    }
    for (uint64_t i = 0; i < count; i++) {
        if (is_there(walker, (rk_text_id){first.lamport + i, first.replica})) continue;
        return refuse(walker, RK_MISSING_REFERENCE, "it deletes a character that is not in the log before it");
    }
    return RK_OK;
}

static rk_status check_insert(walker *walker, rk_text_id parent, rk_text_id first, rk_bytes text) {
    if (parent.lamport != 0 && !is_there(walker, parent)) {
        return refuse(walker, RK_MISSING_REFERENCE, "it inserts after a character that is not in the log before it");
    }
    if (first.lamport <= parent.lamport) {
        return refuse(walker, RK_BAD_OPERATIONS, "a new character's number is not above that of the one before it");
    }
    uint64_t highest = walker->rga ? rk_rga_lamport_max(walker->rga) : 0;
    if (first.lamport > highest && walker->first > highest + RK_LAMPORT_JUMP_MAX) {
        return refuse(walker, RK_ID_AHEAD, "its text numbers lie further ahead than RK_LAMPORT_JUMP_MAX");
    }
    uint64_t points = rk_utf8_count(text), before = walker->rga ? rk_rga_points(walker->rga) : 0;
    if (before + (first.lamport - walker->first) + points > RK_RGA_POINTS_MAX) {
        return refuse(walker, RK_LIMIT, "the text would pass RK_RGA_POINTS_MAX");
    }
    if (!walker->rga || first.lamport > highest) return RK_OK;
    for (uint64_t i = 0; i < points && first.lamport + i <= highest; i++) {
        if (!rk_rga_has(walker->rga, (rk_text_id){first.lamport + i, first.replica})) continue;
        return refuse(walker, RK_ID_CONFLICT, "one of its text ids was given before");
    }
    return RK_OK;
}

rk_status rk_splice_check(rk_rga *rga, const rk_value *edits, const rk_value *resolved, uint64_t replica,
                          rk_error *error) {
    walker walker = {
        .rga = rga, .replica = replica, .error = error, .delete_run = check_delete, .insert = check_insert};
    return walk(&walker, edits, resolved);
}

/* ---- applying ---- */

static rk_status apply_delete(walker *walker, rk_text_id first, uint64_t count) {
    rk_status status = rk_rga_delete(walker->rga, first, count);
    return status == RK_OK ? RK_OK : refuse(walker, status, "a run could not be deleted");
}

static rk_status apply_insert(walker *walker, rk_text_id parent, rk_text_id first, rk_bytes text) {
    rk_status status = rk_rga_insert(walker->rga, parent, first, text);
    return status == RK_OK ? RK_OK : refuse(walker, status, "a run could not be inserted");
}

rk_status rk_splice_apply(rk_rga *rga, const rk_value *edits, const rk_value *resolved, uint64_t replica,
                          rk_error *error) {
    walker walker = {
        .rga = rga, .replica = replica, .error = error, .delete_run = apply_delete, .insert = apply_insert};
    return walk(&walker, edits, resolved);
}

uint64_t rk_splice_lamport_max(const rk_value *edits, const rk_value *resolved) {
    uint64_t lamport = 0;
    if (resolved->kind != RK_LIST || resolved->as.list.count == 0 || edits->kind != RK_LIST ||
        !read_lamport(&resolved->as.list.items[0], 1, &lamport)) {
        return 0;
    }
    for (size_t i = 0; i < edits->as.list.count; i++) {
        edit edit;
        if (read_edit(&edits->as.list.items[i], &edit)) lamport += rk_utf8_count(edit.text);
    }
    return lamport - 1;
}
