/*
 * The edits from one text to another: what both begin and end with is left aside, and the shortest way through the rest
 * is looked for as Myers has it ("An O(ND) difference algorithm and its variations", 1986), round by round: how far
 * each diagonal comes with one edit more.
 */
#include <string.h>

#include "core/diff/diff.h"

typedef struct points {
    const uint32_t *items;
    int32_t count;
} points;

typedef struct search {
    rk_arena *arena;
    points before, after;
    int32_t *reach;                         /* of the diagonals -RK_DIFF_EDITS_MAX - 1 and up, in this round */
    int32_t *rounds[RK_DIFF_EDITS_MAX + 1]; /* of the diagonals -d to d, after round d */
    int32_t last;                           /* the round that came to both ends */
    uint64_t steps;
} search;

/* One step of the way: a code point that goes, or one that comes. */
typedef struct move {
    int32_t x, y;
    bool comes;
} move;

static bool is_start(uint8_t byte) {
    return (byte & 0xC0) != 0x80;
}

/* Bytes that both begin with, whole code points. */
static size_t common_start(rk_bytes a, rk_bytes b) {
    size_t size = 0, least = a.size < b.size ? a.size : b.size;
    while (size < least && a.data[size] == b.data[size]) size++;
    while (size < a.size && !is_start(a.data[size])) size--;
    return size;
}

static size_t common_end(rk_bytes a, rk_bytes b) {
    size_t size = 0, least = a.size < b.size ? a.size : b.size;
    while (size < least && a.data[a.size - 1 - size] == b.data[b.size - 1 - size]) size++;
    while (size > 0 && !is_start(a.data[a.size - size])) size--;
    return size;
}

static bool read_points(rk_arena *arena, rk_bytes text, points *out) {
    size_t offset = 0, count = rk_utf8_count(text);
    uint32_t *items = rk_arena_take_array(arena, count + 1, sizeof *items);
    if (!items) return false;
    for (size_t i = 0; i < count; i++) {
        bool valid = rk_utf8_next(text, &offset, &items[i]);
        RK_ASSERT(valid);
    }
    *out = (points){items, (int32_t)count};
    return true;
}

/* ---- the search ---- */

/* Where a diagonal begins its round: from the neighbour that has come further. */
static bool comes_from_above(const int32_t *reach, int32_t k, int32_t d) {
    return k == -d || (k != d && reach[k - 1] < reach[k + 1]);
}

/* One round; true when it came to both ends. `reach` is indexed by diagonal. */
static bool go_round(search *search, int32_t *reach, int32_t d) {
    const points *a = &search->before, *b = &search->after;
    for (int32_t k = -d; k <= d; k += 2) {
        int32_t x = d == 0 ? 0 : comes_from_above(reach, k, d) ? reach[k + 1] : reach[k - 1] + 1;
        int32_t y = x - k;
        for (; x < a->count && y < b->count && a->items[x] == b->items[y]; search->steps++) {
            x++;
            y++;
        }
        search->steps++;
        reach[k] = x;
        if (x >= a->count && y >= b->count) return true;
    }
    return false;
}

static rk_status look(search *search) {
    enum { MIDDLE = RK_DIFF_EDITS_MAX + 1 };
    search->reach = rk_arena_take_array(search->arena, 2 * MIDDLE + 1, sizeof *search->reach);
    if (!search->reach) return RK_NO_MEMORY;
    int32_t *reach = search->reach + MIDDLE;
    for (int32_t d = 0; d <= RK_DIFF_EDITS_MAX && search->steps < RK_DIFF_STEPS_MAX; d++) {
        bool found = go_round(search, reach, d);
        size_t size = 2 * (size_t)d + 1;
        search->rounds[d] = rk_arena_take_array(search->arena, size, sizeof *reach);
        if (!search->rounds[d]) return RK_NO_MEMORY;
        memcpy(search->rounds[d], reach - d, size * sizeof *reach);
        search->last = d;
        if (found) return RK_OK;
    }
    return RK_LIMIT;
}

/* The way back, as moves in the order that they are made in. */
static void walk_back(const search *search, move *moves) {
    int32_t x = search->before.count, y = search->after.count;
    for (int32_t d = search->last; d > 0; d--) {
        const int32_t *reach = search->rounds[d - 1] + (d - 1);
        int32_t k = x - y;
        bool comes = comes_from_above(reach, k, d);
        int32_t from = comes ? k + 1 : k - 1;
        x = reach[from];
        y = x - from;
        moves[d - 1] = (move){x, y, comes};
    }
}

/* ---- edits ---- */

/* Moves that follow one another are one edit. `start`: code points before all; `text`: what `after` is in between. */
static rk_status join(const search *search, const move *moves, uint64_t start, rk_bytes text,
                      const rk_diff_edit **edits_out, size_t *count_out) {
    rk_diff_edit *edits = rk_arena_take_array(search->arena, (size_t)search->last + 1, sizeof *edits);
    int32_t x = -1, y = -1;
    size_t count = 0, from = 0;
    if (!edits) return RK_NO_MEMORY;
    for (int32_t i = 0; i < search->last; i++) {
        const move *move = &moves[i];
        if (move->x != x || move->y != y) {
            from = rk_utf8_offset(text, (size_t)move->y);
            edits[count++] = (rk_diff_edit){.at = start + (uint64_t)move->y, .text = rk_bytes_of(text.data + from, 0)};
        }
        rk_diff_edit *edit = &edits[count - 1];
        x = move->x + !move->comes;
        y = move->y + move->comes;
        if (move->comes) edit->text.size = rk_utf8_offset(text, (size_t)y) - from;
        edit->delete_count += !move->comes;
    }
    *edits_out = edits;
    *count_out = count;
    return RK_OK;
}

static rk_status one_edit(rk_arena *arena, uint64_t at, uint64_t delete_count, rk_bytes text,
                          const rk_diff_edit **edits_out, size_t *count_out) {
    rk_diff_edit *edit = rk_arena_take(arena, sizeof *edit);
    if (!edit) return RK_NO_MEMORY;
    *edit = (rk_diff_edit){at, delete_count, text};
    *edits_out = edit;
    *count_out = 1;
    return RK_OK;
}

rk_status rki_diff_texts(rk_arena *arena, rk_bytes before, rk_bytes after, const rk_diff_edit **edits_out,
                         size_t *count_out) {
    size_t start = common_start(before, after);
    uint64_t at = rk_utf8_count(rk_bytes_of(before.data, start));
    rk_bytes a = rk_bytes_from(before, start), b = rk_bytes_from(after, start);
    size_t end = common_end(a, b);
    a.size -= end;
    b.size -= end;
    *edits_out = NULL;
    *count_out = 0;
    if (a.size + b.size == 0) return RK_OK;
    if (a.size == 0 || b.size == 0) return one_edit(arena, at, rk_utf8_count(a), b, edits_out, count_out);
    if (rk_utf8_count(a) + rk_utf8_count(b) > RK_DIFF_POINTS_MAX) return RK_LIMIT;
    search *search = rk_arena_take(arena, sizeof *search);
    move *moves = rk_arena_take_array(arena, RK_DIFF_EDITS_MAX, sizeof *moves);
    if (!search || !moves) return RK_NO_MEMORY;
    *search = (struct search){.arena = arena};
    if (!read_points(arena, a, &search->before) || !read_points(arena, b, &search->after)) return RK_NO_MEMORY;
    RK_TRY(look(search));
    walk_back(search, moves);
    return join(search, moves, at, b, edits_out, count_out);
}
