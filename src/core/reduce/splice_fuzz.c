/*
 * Strategy: the input writes onto one text, by turns: edits that are resolved in the text as it is or as it was a while
 * ago (as far as the writer saw), and resolved forms that are made up, near the truth and far from it.
 *
 * Invariants
 *   (1) What resolves checks, in the text it was resolved in and in every later one.
 *   (2) What checks applies, and nothing else is ever applied.
 *   (3) Edits resolved in the text as it is give what the same edits give on the string.
 *   (4) Two copies that got the same have the same bytes.
 */
#include <string.h>

#include "core/merge/merge_testing.h"
#include "core/reduce/splice.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 4096, EDITS_MAX = 8, TURNS_MAX = 200, REPLICAS = 3 };

typedef struct desk {
    rk_arena arena;
    merge_input input;
    rk_rga *text;
    rk_rga *copy;             /* the text as it was at the last catching up */
    uint64_t given[REPLICAS]; /* the last number that each replica gave which is behind */
    uint8_t naive[TEXT_MAX];  /* ASCII: a byte is a point */
    size_t naive_size;
} desk;

static rk_bytes random_text(desk *desk) {
    static const uint8_t letters[] = "abcdefghijklmnopqrstuvwxyz";
    return rk_bytes_of(letters, merge_input_byte(&desk->input) % 5);
}

static rk_value triple(desk *desk, rk_value a, rk_value b, rk_value c) {
    rk_value *items = rk_arena_take_array(&desk->arena, 3, sizeof *items);
    RK_ASSERT(items);
    items[0] = a, items[1] = b, items[2] = c;
    return rk_list(items, 3);
}

static rk_value random_edits(desk *desk) {
    size_t count = merge_input_byte(&desk->input) % EDITS_MAX;
    rk_value *edits = rk_arena_take_array(&desk->arena, count, sizeof *edits);
    RK_ASSERT(edits);
    for (size_t i = 0; i < count; i++) {
        int64_t at = merge_input_byte(&desk->input), gone = merge_input_byte(&desk->input) % 6;
        edits[i] = triple(desk, rk_int(at), rk_int(gone), rk_string(random_text(desk)));
    }
    return rk_list(edits, count);
}

static rk_bytes state_of(desk *desk, rk_rga *rga) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, &desk->arena, 1 << 20);
    rk_rga_encode(rga, &buffer);
    RK_ASSERT(rk_buffer_finish(&buffer, &bytes) == RK_OK);
    return bytes;
}

static rk_bytes text_of(desk *desk) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, &desk->arena, 1 << 20);
    rk_rga_text(desk->text, &buffer);
    RK_ASSERT(rk_buffer_finish(&buffer, &bytes) == RK_OK);
    return bytes;
}

/* The copy catches up through its state. */
static void catch_up(desk *desk) {
    rk_value state;
    rk_rga_free(desk->copy);
    rk_bytes bytes = state_of(desk, desk->text);
    RK_ASSERT(rk_cbor_decode(&desk->arena, bytes, &state, NULL) == RK_OK);
    RK_ASSERT(rk_rga_decode(rk_memory_system(), SIZE_MAX, &state, &desk->copy) == RK_OK);
    RK_ASSERT(rk_bytes_equal(bytes, state_of(desk, desk->copy)));
}

static void read_naive(desk *desk) {
    rk_bytes text = text_of(desk);
    desk->naive_size = text.size < TEXT_MAX ? text.size : TEXT_MAX;
    if (desk->naive_size) memcpy(desk->naive, text.data, desk->naive_size);
}

/* False when an edit passes the end. */
static bool edit_naive(desk *desk, const rk_value *edits) {
    for (size_t i = 0; i < edits->as.list.count; i++) {
        const rk_value *edit = edits->as.list.items[i].as.list.items;
        size_t at = (size_t)edit[0].as.integer, gone = (size_t)edit[1].as.integer;
        rk_bytes text = edit[2].as.bytes;
        if (at > desk->naive_size || gone > desk->naive_size - at) return false;
        memmove(desk->naive + at + text.size, desk->naive + at + gone, desk->naive_size - at - gone);
        memcpy(desk->naive + at, text.data, text.size);
        desk->naive_size += text.size - gone;
    }
    return true;
}

static void apply(desk *desk, const rk_value *edits, const rk_value *resolved, uint64_t replica) {
    uint64_t before = rk_rga_lamport_max(desk->text), last = rk_splice_lamport_max(edits, resolved);
    RK_ASSERT(rk_splice_check(desk->text, edits, resolved, replica, NULL) == RK_OK);
    RK_ASSERT(rk_splice_apply(desk->text, edits, resolved, replica, NULL) == RK_OK);
    RK_ASSERT(rk_rga_lamport_max(desk->text) == (last > before ? last : before));
}

static void honest_turn(desk *desk, bool late, uint64_t replica) {
    rk_value edits = random_edits(desk), resolved;
    rk_rga *seen = late ? desk->copy : desk->text;
    uint64_t highest = rk_rga_lamport_max(seen), *given = &desk->given[replica - 1];
    rk_error error = {0};
    read_naive(desk);
    bool fits = late || edit_naive(desk, &edits);
    /* A replica that is behind gives no id twice: it goes on from its own number, not from what it has not seen. */
    if (late) replica += 100, highest = *given > highest ? *given : highest;
    rk_status status = rk_splice_resolve(seen, &edits, replica, highest + 1, &desk->arena, &resolved, &error);
    RK_ASSERT(late || fits == (status == RK_OK));
    RK_ASSERT(status == RK_OK || (status == RK_BAD_DATA && error.what[0] && error.where[0]));
    if (status != RK_OK) return;
    RK_ASSERT(rk_splice_check(seen, &edits, &resolved, replica, NULL) == RK_OK);
    apply(desk, &edits, &resolved, replica);
    uint64_t last = rk_splice_lamport_max(&edits, &resolved);
    if (late && last > 0) *given = last;
    if (late) return;
    rk_bytes text = text_of(desk);
    RK_ASSERT(rk_bytes_equal(text, rk_bytes_of(desk->naive, desk->naive_size)));
}

static rk_value random_id(desk *desk, uint64_t replica) {
    uint8_t lamport = merge_input_byte(&desk->input), of = merge_input_byte(&desk->input) % 6;
    if (of == 0) return rk_int(lamport);
    if (of == 5) return rk_int((int64_t)merge_input_number(&desk->input, 8));
    rk_value *items = rk_arena_take_array(&desk->arena, 2, sizeof *items);
    uint8_t *bytes = rk_arena_take(&desk->arena, 8);
    RK_ASSERT(items && bytes);
    rk_put_u64(bytes, of == 4 ? replica + 100 : of);
    items[0] = rk_int(lamport);
    items[1] = rk_bytes_value(rk_bytes_of(bytes, 8));
    return rk_list(items, 2);
}

static rk_value made_up_edit(desk *desk, const rk_value *edit, uint64_t replica) {
    size_t runs = merge_input_byte(&desk->input) % 3, count = 0;
    rk_value *items = rk_arena_take_array(&desk->arena, 2 * runs + 1, sizeof *items);
    RK_ASSERT(items);
    int64_t left = edit->as.list.items[1].as.integer;
    for (size_t i = 0; i < runs; i++) {
        items[count++] = random_id(desk, replica);
        int64_t run = i + 1 == runs ? left : (int64_t)(merge_input_byte(&desk->input) % 4);
        items[count++] = rk_int(run);
        left -= run;
    }
    if (edit->as.list.items[2].as.bytes.size) items[count++] = random_id(desk, replica);
    return rk_list(items, count);
}

static void made_up_turn(desk *desk, uint64_t replica) {
    rk_value edits = random_edits(desk);
    size_t count = edits.as.list.count;
    rk_value *items = rk_arena_take_array(&desk->arena, count + 1, sizeof *items);
    RK_ASSERT(items);
    items[0] = rk_int((int64_t)merge_input_number(&desk->input, merge_input_byte(&desk->input) % 9));
    for (size_t i = 0; i < count; i++) items[i + 1] = made_up_edit(desk, &edits.as.list.items[i], replica);
    rk_value resolved = rk_list(items, count + (merge_input_byte(&desk->input) < 250));
    rk_error error = {0};
    rk_bytes before = state_of(desk, desk->text);
    rk_status status = rk_splice_check(desk->text, &edits, &resolved, replica, &error);
    RK_ASSERT(rk_bytes_equal(before, state_of(desk, desk->text)));
    RK_ASSERT((status == RK_OK) == (error.what[0] == 0));
    if (status == RK_OK) apply(desk, &edits, &resolved, replica);
}

/* Any value at all as edits and as what they resolved to. */
static void raw(rk_arena *arena, rk_bytes bytes) {
    rk_value value, resolved;
    rk_rga *rga = NULL;
    if (rk_cbor_decode(arena, bytes, &value, NULL) != RK_OK || value.kind != RK_LIST || value.as.list.count != 2)
        return;
    const rk_value *edits = &value.as.list.items[0];
    rk_status resolves = rk_splice_resolve(NULL, edits, 1, 1, arena, &resolved, NULL);
    if (resolves == RK_OK) RK_ASSERT(rk_splice_check(NULL, edits, &resolved, 1, NULL) == RK_OK);
    if (rk_splice_check(NULL, edits, edits + 1, 1, NULL) != RK_OK) return;
    RK_ASSERT(rk_rga_new(rk_memory_system(), SIZE_MAX, &rga) == RK_OK);
    RK_ASSERT(rk_splice_apply(rga, edits, edits + 1, 1, NULL) == RK_OK);
    rk_rga_free(rga);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static desk desk;
    desk = (struct desk){.input = {data, size, 0}};
    rk_arena_init(&desk.arena, rk_memory_system(), SIZE_MAX);
    raw(&desk.arena, rk_bytes_of(data, size));
    RK_ASSERT(rk_rga_new(rk_memory_system(), SIZE_MAX, &desk.text) == RK_OK);
    RK_ASSERT(rk_rga_new(rk_memory_system(), SIZE_MAX, &desk.copy) == RK_OK);
    for (int turn = 0; turn < TURNS_MAX && !merge_input_ended(&desk.input); turn++) {
        uint8_t choice = merge_input_byte(&desk.input);
        uint64_t replica = 1 + choice / 16 % REPLICAS;
        if (rk_rga_length(desk.text) > TEXT_MAX - 64) break;
        if (choice % 8 < 3) {
            honest_turn(&desk, false, replica);
        } else if (choice % 8 == 3) {
            honest_turn(&desk, true, replica);
        } else if (choice % 8 == 4) {
            catch_up(&desk);
        } else {
            made_up_turn(&desk, replica);
        }
    }
    catch_up(&desk);
    rk_rga_free(desk.text);
    rk_rga_free(desk.copy);
    rk_arena_free(&desk.arena);
    return 0;
}
