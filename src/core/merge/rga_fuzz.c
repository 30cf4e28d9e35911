/*
 * Strategy: the input is a list of inserts and deletes with any ids, near ones mostly, onto the text and the naive one;
 * what the text refuses, the naive one must have a reason for. The input is once more a state, as CBOR and as its
 * parts.
 *
 * Invariants
 *   (1) Both have the same state; the tree is in order.
 *   (2) Unknown parents, unknown characters and ids given twice are refused, each as such.
 *   (3) A state that decodes encodes to the same bytes, and can be written on.
 */
#include "core/merge/merge_testing.h"
#include "core/merge/rga.h"
#include "core/merge/rga_testing.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rk_bytes encoded(rk_rga *rga, rk_arena *arena) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, arena, 1 << 24);
    rk_rga_encode(rga, &buffer);
    RK_ASSERT(rk_buffer_finish(&buffer, &bytes) == RK_OK);
    return bytes;
}

static void decode_state(rk_arena *arena, const rk_value *state, rk_bytes bytes) {
    rk_rga *rga;
    if (rk_rga_decode(rk_memory_system(), 1 << 24, state, &rga) != RK_OK) return;
    rga_check_tree(rga);
    RK_ASSERT(rk_bytes_equal(bytes, encoded(rga, arena)));
    rk_text_id first = {rk_rga_lamport_max(rga) + 1, 1}, parent = {0, 0};
    if (rk_rga_length(rga) > 0) RK_ASSERT(rk_rga_id_at(rga, rk_rga_length(rga) / 2, &parent));
    rk_status status = rk_rga_insert(rga, parent, first, RK_TEXT("written on"));
    RK_ASSERT(status == RK_OK || first.lamport + 9 > RK_LAMPORT_MAX || status == RK_LIMIT);
    rga_check_tree(rga);
    rk_rga_free(rga);
}

static void decode_raw(rk_arena *arena, rk_bytes bytes) {
    rk_value value;
    if (rk_cbor_decode(arena, bytes, &value, NULL) == RK_OK) decode_state(arena, &value, bytes);
    /* The first byte says how many replicas there are, the second how much of the rest is text. */
    if (bytes.size < 2) return;
    size_t replicas = (bytes.data[0] % 4) * 8u, text = bytes.data[1];
    rk_bytes rest = rk_bytes_from(bytes, 2);
    if (rest.size == 0 || replicas + text > rest.size) return;
    rk_bytes tail = {rest.data + replicas, text};
    if (!rk_utf8_valid(tail)) return;
    rk_value items[3] = {rk_bytes_value((rk_bytes){rest.data, replicas}),
                         rk_bytes_value(rk_bytes_from(rest, replicas + text)), rk_string(tail)};
    value = rk_list(items, 3);
    RK_ASSERT(rk_cbor_encode(arena, &value, bytes.size + 64, &bytes) == RK_OK);
    decode_state(arena, &value, bytes);
}

static rk_text_id id_of(merge_input *input) {
    uint8_t byte = merge_input_byte(input);
    uint64_t lamport = byte < 128 ? byte : merge_input_number(input, 1 + byte % 8);
    return (rk_text_id){lamport, lamport == 0 ? 0 : merge_input_byte(input) % 4u};
}

static rk_bytes text_of(merge_input *input, rk_arena *arena) {
    static const uint32_t POINTS[] = {'a', 'z', 0xe9, 0x20ac, 0x1f600, 0};
    size_t count = merge_input_byte(input);
    if (count % 8 == 7) count *= 5;
    count = count < 128 ? count % 6 : count;
    uint8_t *text = rk_arena_take(arena, count * 4);
    size_t size = 0;
    uint8_t kind = merge_input_byte(input);
    for (size_t i = 0; i < count; i++) size += rk_utf8_put(text + size, POINTS[(kind < 128 ? 0 : kind + i) % 6]);
    return (rk_bytes){text, size};
}

static void insert(rk_rga *rga, naive_text *naive, merge_input *input, rk_arena *arena) {
    rk_text_id parent = id_of(input), first = id_of(input);
    rk_bytes text = text_of(input, arena);
    uint64_t count = rk_utf8_count(text);
    rk_status expected = RK_OK;
    for (uint64_t i = 0; i < count; i++) {
        if (naive_text_find(naive, (rk_text_id){first.lamport + i, first.replica})) expected = RK_ID_CONFLICT;
    }
    if (parent.lamport > 0 && !naive_text_find(naive, parent)) expected = RK_MISSING_REFERENCE;
    if (count == 0 || first.lamport <= parent.lamport || first.lamport > RK_LAMPORT_MAX ||
        first.lamport + count - 1 > RK_LAMPORT_MAX) {
        expected = RK_BAD_OPERATIONS;
    }
    RK_ASSERT(rk_rga_insert(rga, parent, first, text) == expected);
    if (expected == RK_OK) naive_text_insert(naive, parent, first, text);
}

static void delete_run(rk_rga *rga, naive_text *naive, merge_input *input) {
    rk_text_id first = id_of(input);
    uint64_t count = merge_input_byte(input);
    if (count > 250) count = UINT64_MAX - count;
    rk_status expected = count == 0 ? RK_BAD_OPERATIONS : RK_OK;
    for (uint64_t i = 0; i < count && expected == RK_OK; i++) {
        if (!naive_text_find(naive, (rk_text_id){first.lamport + i, first.replica})) expected = RK_MISSING_REFERENCE;
    }
    RK_ASSERT(rk_rga_delete(rga, first, count) == expected);
    if (expected == RK_OK) naive_text_delete(naive, first, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_rga *rga;
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    decode_raw(&arena, (rk_bytes){data, size});
    merge_input input = {data, size, 0};
    naive_text *naive = naive_text_new(&arena);
    RK_ASSERT(rk_rga_new(rk_memory_system(), 1 << 26, &rga) == RK_OK);
    for (int i = 0; i < 500 && !merge_input_ended(&input); i++) {
        if (merge_input_byte(&input) % 4 == 0) {
            delete_run(rga, naive, &input);
        } else {
            insert(rga, naive, &input, &arena);
        }
        uint64_t length = rk_rga_length(rga);
        rk_text_id id;
        if (length > 0) RK_ASSERT(rk_rga_id_at(rga, merge_input_byte(&input) * 7919u % length, &id));
    }
    rga_check_tree(rga);
    rk_bytes state = encoded(rga, &arena);
    RK_ASSERT(rk_bytes_equal(state, naive_text_state(naive, &arena)));
    rk_value value;
    RK_ASSERT(rk_cbor_decode(&arena, state, &value, NULL) == RK_OK);
    decode_state(&arena, &value, state);
    rk_rga_free(rga);
    rk_arena_free(&arena);
    return 0;
}
