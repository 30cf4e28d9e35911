/* Replicated text: what is checked, and in which order things happen. Invariants: rga.h; the tree: rga_tree.h. */
#include "core/merge/rga.h"

#include "core/merge/rga_tree.h"

enum { SCRATCH_SIZE_MAX = 1 << 10 };

/* --- life --------------------------------------------------------------------------------------------------------- */

rk_status rki_rga_begin(const rk_memory *memory, size_t size_max, rk_rga **rga_out) {
    *rga_out = NULL;
    rk_rga *rga = memory->take(memory->context, sizeof *rga);
    if (rga == NULL) return RK_NO_MEMORY;
    *rga = (rk_rga){
        .memory = memory,
        .leaves = {.size = sizeof(rki_leaf)},
        .inners = {.size = sizeof(rki_inner)},
        .index_nodes = {.size = sizeof(rki_index_node)},
    };
    rk_arena_init(&rga->arena, memory, size_max);
    if (rki_tree_append(rga) == NULL) {
        rk_rga_free(rga);
        return RK_NO_MEMORY;
    }
    *rga_out = rga;
    return RK_OK;
}

rk_status rk_rga_new(const rk_memory *memory, size_t size_max, rk_rga **rga_out) {
    RK_TRY(rki_rga_begin(memory, size_max, rga_out));
    rk_arena scratch;
    rk_arena_init(&scratch, memory, SCRATCH_SIZE_MAX);
    rk_status status = rki_tree_build(*rga_out, &scratch);
    if (status == RK_OK) status = rki_index_build(*rga_out, NULL, 0, &scratch);
    rk_arena_free(&scratch);
    if (status == RK_OK) return RK_OK;
    rk_rga_free(*rga_out);
    *rga_out = NULL;
    return status;
}

void rk_rga_free(rk_rga *rga) {
    if (rga == NULL) return;
    rk_arena_free(&rga->arena);
    rga->memory->give(rga->memory->context, rga, sizeof *rga);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

uint64_t rk_rga_length(const rk_rga *rga) {
    return rga->visible;
}

size_t rk_rga_size(const rk_rga *rga) {
    return rga->text_size;
}

uint64_t rk_rga_points(const rk_rga *rga) {
    return rga->points;
}

size_t rk_rga_memory_size(const rk_rga *rga) {
    return rk_arena_used(&rga->arena);
}

uint64_t rk_rga_lamport_max(const rk_rga *rga) {
    return rga->lamport_max;
}

bool rk_rga_has(rk_rga *rga, rk_text_id id) {
    rki_place place;
    return rki_tree_find(rga, id, &place);
}

static rk_text_id id_of(rki_place place) {
    rk_text_id id = place.leaf->spans[place.span].first;
    id.lamport += place.offset;
    return id;
}

bool rk_rga_id_at(rk_rga *rga, uint64_t at, rk_text_id *id_out) {
    *id_out = (rk_text_id){0, 0};
    if (at >= rga->visible) return false;
    *id_out = id_of(rki_tree_seek(rga, (uint32_t)at));
    return true;
}

static bool in_text(const rk_rga *rga, uint64_t at, uint64_t count) {
    return at <= rga->visible && count <= rga->visible - at;
}

/* The start of the next visible span at or after span number place->span; there must be one. */
static void next_visible(rki_place *place) {
    for (;;) {
        while (place->span == place->leaf->span_count) *place = (rki_place){place->leaf->next, 0, 0};
        if (place->leaf->spans[place->span].size > 0) return;
        place->span++;
    }
}

/* The rest of the span at the place, at most `left` points; moves the place behind it. */
static uint32_t take_points(rki_place *place, uint64_t left) {
    uint32_t points = place->leaf->spans[place->span].points - place->offset;
    if (points > left) points = (uint32_t)left;
    *place = (rki_place){place->leaf, place->span + 1, 0};
    return points;
}

static bool extends(const rk_text_run *run, rk_text_id next) {
    return run->first.replica == next.replica && run->first.lamport + run->count == next.lamport;
}

/* Walks `count` visible points from the place. Writes the runs unless `runs` is NULL; returns how many there are. */
static size_t gather_runs(rki_place place, uint64_t count, rk_text_run *runs) {
    size_t run_count = 0;
    rk_text_run run = {{0, 0}, 0};
    while (count > 0) {
        next_visible(&place);
        rk_text_id first = id_of(place);
        uint32_t points = take_points(&place, count);
        count -= points;
        if (run_count == 0 || !extends(&run, first)) {
            run = (rk_text_run){first, 0};
            run_count++;
        }
        run.count += points;
        if (runs != NULL) runs[run_count - 1] = run;
    }
    return run_count;
}

rk_status rk_rga_ranges(rk_rga *rga, uint64_t at, uint64_t count, rk_arena *arena, const rk_text_run **runs_out,
                        size_t *run_count_out) {
    *runs_out = NULL;
    *run_count_out = 0;
    if (!in_text(rga, at, count)) return RK_BAD_DATA;
    if (count == 0) return RK_OK;
    rki_place place = rki_tree_seek(rga, (uint32_t)at);
    rk_text_run *runs = rk_arena_take_array(arena, gather_runs(place, count, NULL), sizeof *runs);
    if (runs == NULL) return RK_NO_MEMORY;
    *run_count_out = gather_runs(place, count, runs);
    *runs_out = runs;
    return RK_OK;
}

void rk_rga_text(const rk_rga *rga, rk_buffer *buffer) {
    for (const rki_leaf *leaf = rga->first; leaf != NULL; leaf = leaf->next) {
        rk_buffer_append(buffer, rk_bytes_of(leaf->text, leaf->text_size));
    }
}

rk_status rk_rga_text_range(rk_rga *rga, uint64_t at, uint64_t count, rk_buffer *buffer) {
    if (!in_text(rga, at, count)) return RK_BAD_DATA;
    if (count == 0) return RK_OK;
    rki_place place = rki_tree_seek(rga, (uint32_t)at);
    while (count > 0) {
        next_visible(&place);
        const rki_span *span = &place.leaf->spans[place.span];
        const uint8_t *text = place.leaf->text + rki_leaf_text_at(place.leaf, place.span);
        uint32_t offset = place.offset;
        uint32_t points = take_points(&place, count);
        size_t from = rki_span_bytes(span, text, offset);
        size_t to = rki_span_bytes(span, text, offset + points);
        rk_buffer_append(buffer, rk_bytes_of(text + from, to - from));
        count -= points;
    }
    return RK_OK;
}

/* --- inserting ---------------------------------------------------------------------------------------------------- */

/* Whether one of the ids is there. The greatest known id not above the last of them tells. */
static bool has_any(const rk_rga *rga, rk_text_id first, uint64_t count) {
    rk_text_id last = {first.lamport + count - 1, first.replica};
    const rki_leaf *leaf = rki_index_find(rga, last);
    if (leaf == NULL) return false;
    for (uint32_t i = 0; i < leaf->span_count; i++) {
        const rki_span *span = &leaf->spans[i];
        if (span->first.replica != first.replica || span->first.lamport > last.lamport) continue;
        if (rki_span_end(span) > first.lamport) return true;
    }
    return false;
}

static bool is_beginning(rk_text_id id) {
    return id.lamport == 0 && id.replica == 0;
}

static rk_status place_after(rk_rga *rga, rk_text_id parent, rki_place *place_out) {
    *place_out = (rki_place){rga->first, 0, 0};
    if (is_beginning(parent)) return RK_OK;
    if (!rki_tree_find(rga, parent, place_out)) return RK_MISSING_REFERENCE;
    place_out->offset++;
    if (place_out->offset < place_out->leaf->spans[place_out->span].points) return RK_OK;
    *place_out = (rki_place){place_out->leaf, place_out->span + 1, 0};
    return RK_OK;
}

static rk_status check_insert(const rk_rga *rga, rk_text_id parent, rk_text_id first, rk_bytes text,
                              uint64_t *points_out) {
    *points_out = 0;
    if (!rk_utf8_valid(text)) return RK_BAD_TEXT;
    if (text.size == 0 || first.lamport <= parent.lamport || first.lamport > RK_LAMPORT_MAX) return RK_BAD_OPERATIONS;
    uint64_t points = rk_utf8_count(text);
    if (points - 1 > RK_LAMPORT_MAX - first.lamport) return RK_BAD_OPERATIONS;
    if (points > (uint64_t)RK_RGA_POINTS_MAX - rga->points) return RK_LIMIT;
    *points_out = points;
    return RK_OK;
}

rk_status rk_rga_insert(rk_rga *rga, rk_text_id parent, rk_text_id first, rk_bytes text) {
    uint64_t points;
    RK_TRY(check_insert(rga, parent, first, text, &points));
    rki_place place;
    RK_TRY(place_after(rga, parent, &place));
    if (has_any(rga, first, points)) return RK_ID_CONFLICT;
    rki_tree_skip_greater(rga, &place, first);
    RK_TRY(rki_tree_open(rga, &place, text.size));
    rki_tree_put(rga, place, first, text);
    rga->points += (uint32_t)points;
    rga->text_size += text.size;
    uint64_t last = first.lamport + points - 1;
    if (last > rga->lamport_max) rga->lamport_max = last;
    return RK_OK;
}

/* --- deleting ----------------------------------------------------------------------------------------------------- */

/* Whether all ids first.lamport .. end - 1 are there. */
static bool has_all(rk_rga *rga, rk_text_id first, uint64_t end) {
    for (rk_text_id id = first; id.lamport < end;) {
        rki_place place;
        if (!rki_tree_find(rga, id, &place)) return false;
        id.lamport = rki_span_end(&place.leaf->spans[place.span]);
    }
    return true;
}

/* Cuts the span that holds the character, so that one begins with it, where it is to be changed at all. */
static rk_status cut_before(rk_rga *rga, rk_text_id id) {
    rki_place place;
    if (!rki_tree_find(rga, id, &place) || place.leaf->spans[place.span].size == 0) return RK_OK;
    return rki_tree_cut(rga, &place);
}

/* As cut_before, but so that one ends with it. */
static rk_status cut_behind(rk_rga *rga, rk_text_id id) {
    rki_place place;
    bool found = rki_tree_find(rga, id, &place);
    RK_ASSERT(found);
    const rki_span *span = &place.leaf->spans[place.span];
    place.offset++;
    if (span->size == 0 || place.offset == span->points) return RK_OK;
    return rki_tree_cut(rga, &place);
}

/* Buries the span that holds the character, where it is visible. Returns the Lamport after the span. */
static uint64_t bury(rk_rga *rga, rk_text_id id) {
    rki_place place;
    bool found = rki_tree_find(rga, id, &place);
    RK_ASSERT(found);
    const rki_span *span = &place.leaf->spans[place.span];
    uint64_t end = rki_span_end(span);
    if (span->size == 0) return end;
    rga->text_size -= span->size;
    uint32_t points = rki_leaf_bury(place.leaf, place.span);
    rki_tree_count(rga, place.leaf, 0 - points);
    return end;
}

rk_status rk_rga_delete(rk_rga *rga, rk_text_id first, uint64_t count) {
    if (count == 0) return RK_BAD_OPERATIONS;
    if (first.lamport > RK_LAMPORT_MAX || count > RK_LAMPORT_MAX + 1 - first.lamport) return RK_MISSING_REFERENCE;
    uint64_t end = first.lamport + count;
    if (!has_all(rga, first, end)) return RK_MISSING_REFERENCE;
    RK_TRY(cut_before(rga, first));
    RK_TRY(cut_behind(rga, (rk_text_id){end - 1, first.replica}));
    for (rk_text_id id = first; id.lamport < end;) id.lamport = bury(rga, id);
    return RK_OK;
}
