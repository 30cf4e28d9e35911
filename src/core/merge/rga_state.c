/*
 * The state of a text: bytes and back. Format: rga.h.
 *
 * Invariants
 *   (1) What is decoded is encoded to the same bytes; what would not be is refused.
 *   (2) Decoding is linear: the tree and the index are built from the bottom, from runs and from sorted entries.
 */
#include <string.h>

#include "core/merge/rga_tree.h"

enum {
    REPLICA_SIZE = 8,
    FILL_SPANS = RKI_LEAF_SPANS * 3 / 4,
    FILL_TEXT = RKI_LEAF_TEXT * 3 / 4,
    DIGIT_BITS = 11,
    DIGIT_COUNT = 1 << DIGIT_BITS,
};

/* --- encoding ----------------------------------------------------------------------------------------------------- */

typedef struct encoder {
    rk_buffer replicas;
    rk_buffer runs;
    size_t index; /* of the last run's replica */
    uint64_t end; /* the Lamport after the last run */
} encoder;

static void append_replicas(const rk_rga *rga, rk_buffer *buffer) {
    uint64_t replica = 0;
    for (uint64_t from = 0; rki_index_replica(rga, from, &replica); from = replica + 1) {
        uint8_t bytes[REPLICA_SIZE];
        rk_put_u64(bytes, replica);
        rk_buffer_append(buffer, rk_bytes_of(bytes, sizeof bytes));
        if (replica == UINT64_MAX) return;
    }
}

static uint64_t replica_at(rk_bytes replicas, size_t index) {
    return rk_get_u64(replicas.data + index * REPLICA_SIZE);
}

/* The index of a replica that is in the table. */
static size_t index_of(rk_bytes replicas, uint64_t replica) {
    size_t low = 0;
    size_t high = replicas.size / REPLICA_SIZE;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (replica_at(replicas, middle) > replica) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return low;
}

static void append_run(encoder *out, const rki_span *run) {
    rk_bytes replicas = rk_bytes_of(out->replicas.data, out->replicas.size);
    if (replica_at(replicas, out->index) != run->first.replica) out->index = index_of(replicas, run->first.replica);
    rk_cbor_append_int(&out->runs, (int64_t)out->index);
    rk_cbor_append_int(&out->runs, (int64_t)run->first.lamport - (int64_t)out->end);
    rk_cbor_append_int(&out->runs, run->size > 0 ? (int64_t)run->points : -(int64_t)run->points);
    out->end = rki_span_end(run);
}

/* Adjacent spans that could be one are one run. */
static void append_runs(const rk_rga *rga, encoder *out) {
    rki_span run = {.points = 0};
    for (const rki_leaf *leaf = rga->first; leaf != NULL; leaf = leaf->next) {
        for (uint32_t i = 0; i < leaf->span_count; i++) {
            const rki_span *span = &leaf->spans[i];
            if (run.points > 0 && rki_span_continues(&run, span)) {
                run.points += span->points;
                continue;
            }
            if (run.points > 0) append_run(out, &run);
            run = *span;
        }
    }
    if (run.points > 0) append_run(out, &run);
}

void rk_rga_encode(const rk_rga *rga, rk_buffer *buffer) {
    encoder out = {.index = 0, .end = 1};
    rk_buffer_init(&out.replicas, buffer->arena, buffer->size_max);
    rk_buffer_init(&out.runs, buffer->arena, buffer->size_max);
    append_replicas(rga, &out.replicas);
    if (out.replicas.status == RK_OK) append_runs(rga, &out);
    rk_status status = out.replicas.status != RK_OK ? out.replicas.status : out.runs.status;
    if (status != RK_OK) {
        if (buffer->status == RK_OK) buffer->status = status;
        return;
    }
    rk_cbor_append_head(buffer, 4, 3);
    rk_cbor_append_bytes(buffer, rk_bytes_of(out.replicas.data, out.replicas.size));
    rk_cbor_append_bytes(buffer, rk_bytes_of(out.runs.data, out.runs.size));
    rk_cbor_append_head(buffer, 3, rga->text_size);
    rk_rga_text(rga, buffer);
}

/* --- decoding ----------------------------------------------------------------------------------------------------- */

/* A piece of a run in one leaf. */
typedef struct piece {
    uint64_t lamport;
    rki_leaf *leaf;
    uint32_t points;
    uint32_t index; /* of the replica */
} piece;

typedef struct decoder {
    rk_rga *rga;
    rk_arena *scratch;
    rk_bytes replicas;
    rk_bytes runs;
    rk_bytes text;
    size_t run_at;
    size_t text_at;
    uint64_t end; /* the Lamport after the last run */
    rki_span last;
    piece *pieces;
    size_t piece_count;
    size_t piece_capacity;
} decoder;

/* The argument of a head that does not hold it itself; false unless it is in its shortest form. */
static bool read_long(decoder *in, unsigned info, uint64_t *argument_out) {
    if (info > 27) return false;
    size_t size = (size_t)1 << (info - 24);
    if (in->runs.size - in->run_at < size) return false;
    uint64_t argument = 0;
    while (size-- > 0) argument = argument << 8 | in->runs.data[in->run_at++];
    *argument_out = argument;
    return info == 24 ? argument >= 24 : argument >> (4u << (info - 24)) != 0;
}

/* One integer of the sequence, of at most 53 bits. */
static bool read_int(decoder *in, int64_t *integer_out) {
    *integer_out = 0;
    if (in->run_at == in->runs.size) return false;
    uint8_t head = in->runs.data[in->run_at++];
    uint64_t argument = head & 31u;
    if (head >> 5 > 1) return false;
    if (argument >= 24 && !read_long(in, head & 31u, &argument)) return false;
    if (argument > RK_LAMPORT_MAX) return false;
    *integer_out = head >> 5 == 0 ? (int64_t)argument : -1 - (int64_t)argument;
    return true;
}

/* Room for all pieces: the runs, of three bytes at least, and one more for each leaf that is full of text. */
static rk_status take_pieces(decoder *in) {
    in->piece_capacity = in->runs.size / 3 + in->text.size / (FILL_TEXT - 3) + 1;
    in->pieces = rk_arena_take_array(in->scratch, in->piece_capacity, sizeof *in->pieces);
    return in->pieces == NULL ? RK_NO_MEMORY : RK_OK;
}

/* How many bytes of the text from text_at on fit `room` and are at most `points` points; the points of those. */
static size_t measure(const decoder *in, size_t room, uint32_t points, uint32_t *points_out) {
    rk_bytes left = rk_bytes_from(in->text, in->text_at);
    size_t size = 0;
    uint32_t count = 0;
    while (count < points && size < left.size) {
        uint8_t lead = left.data[size];
        size_t width = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        if (size + width > room) break;
        size += width;
        count++;
    }
    *points_out = count;
    return size;
}

/* Appends what fits of the run to the last leaf, and takes it off the run; 0 points when nothing does. */
static uint32_t append_piece(decoder *in, rki_span *run) {
    rki_leaf *leaf = in->rga->last;
    if (leaf->span_count >= FILL_SPANS) return 0;
    rki_span part = *run;
    if (run->size > 0) {
        size_t room = leaf->text_size < FILL_TEXT ? (size_t)(FILL_TEXT - leaf->text_size) : 0;
        part.size = (uint16_t)measure(in, room, run->points, &part.points);
        if (part.points == 0) return 0;
        memcpy(leaf->text + leaf->text_size, in->text.data + in->text_at, part.size);
        leaf->text_size = (uint16_t)(leaf->text_size + part.size);
        leaf->visible += part.points;
        in->text_at += part.size;
    }
    leaf->spans[leaf->span_count++] = part;
    run->first.lamport += part.points;
    run->points -= part.points;
    return part.points;
}

static rk_status append_whole_run(decoder *in, rki_span run, uint32_t index) {
    while (run.points > 0) {
        if (run.size > 0 && in->text_at == in->text.size) return RK_CORRUPT;
        uint64_t lamport = run.first.lamport;
        uint32_t points = append_piece(in, &run);
        if (points > 0) {
            RK_ASSERT(in->piece_count < in->piece_capacity);
            in->pieces[in->piece_count++] = (piece){lamport, in->rga->last, points, index};
        } else if (rki_tree_append(in->rga) == NULL) {
            return RK_NO_MEMORY;
        }
    }
    return RK_OK;
}

/* Reads one run; only its being visible is told by `size`. */
static rk_status read_run(decoder *in, rki_span *run_out, uint32_t *index_out) {
    int64_t index, step, count;
    *run_out = (rki_span){.points = 0};
    *index_out = 0;
    if (!read_int(in, &index) || !read_int(in, &step) || !read_int(in, &count)) return RK_CORRUPT;
    if (index < 0 || (uint64_t)index >= in->replicas.size / REPLICA_SIZE) return RK_CORRUPT;
    int64_t lamport = (int64_t)in->end + step;
    int64_t points = count < 0 ? -count : count;
    if (lamport < 1 || points < 1 || points > (int64_t)RK_RGA_POINTS_MAX - in->rga->points) return RK_CORRUPT;
    if (lamport + points - 1 > (int64_t)RK_LAMPORT_MAX) return RK_CORRUPT;
    run_out->first = (rk_text_id){(uint64_t)lamport, replica_at(in->replicas, (size_t)index)};
    run_out->points = (uint32_t)points;
    run_out->size = count > 0;
    *index_out = (uint32_t)index;
    return RK_OK;
}

static rk_status read_runs(decoder *in) {
    rk_rga *rga = in->rga;
    while (in->run_at < in->runs.size) {
        rki_span run;
        uint32_t index;
        RK_TRY(read_run(in, &run, &index));
        if (in->last.points > 0 && rki_span_continues(&in->last, &run)) return RK_CORRUPT;
        in->last = run;
        in->end = rki_span_end(&run);
        if (in->end - 1 > rga->lamport_max) rga->lamport_max = in->end - 1;
        rga->points += run.points;
        if (run.size > 0) rga->visible += run.points;
        RK_TRY(append_whole_run(in, run, index));
    }
    if (in->text_at != in->text.size) return RK_CORRUPT;
    rga->text_size = in->text.size;
    return RK_OK;
}

/* One pass of a radix sort, by some bits of the Lamport or, `by_index`, of the replica's index. */
static void sort_pass(const piece *from, piece *to, size_t count, unsigned shift, bool by_index) {
    size_t starts[DIGIT_COUNT + 1] = {0};
    for (size_t i = 0; i < count; i++) {
        uint64_t key = by_index ? from[i].index : from[i].lamport;
        starts[(key >> shift) % DIGIT_COUNT + 1]++;
    }
    for (size_t i = 1; i < DIGIT_COUNT; i++) starts[i] += starts[i - 1];
    for (size_t i = 0; i < count; i++) {
        uint64_t key = by_index ? from[i].index : from[i].lamport;
        to[starts[(key >> shift) % DIGIT_COUNT]++] = from[i];
    }
}

/* Sorts the pieces by replica and Lamport, in as many passes as the greatest of each has digits. */
static rk_status sort_pieces(decoder *in) {
    piece *spare = rk_arena_take_array(in->scratch, in->piece_count, sizeof *spare);
    if (spare == NULL) return RK_NO_MEMORY;
    size_t replica_count = in->replicas.size / REPLICA_SIZE;
    uint64_t greatest[2] = {in->rga->lamport_max, replica_count == 0 ? 0 : replica_count - 1};
    for (int key = 0; key < 2; key++) {
        for (unsigned shift = 0; shift < 64 && greatest[key] >> shift > 0; shift += DIGIT_BITS) {
            sort_pass(in->pieces, spare, in->piece_count, shift, key == 1);
            piece *sorted = spare;
            spare = in->pieces;
            in->pieces = sorted;
        }
    }
    return RK_OK;
}

/* Makes index entries of the sorted pieces. RK_CORRUPT when an id stands twice or a replica is not named. */
static rk_status index_pieces(decoder *in) {
    rki_index_entry *entries = rk_arena_take_array(in->scratch, in->piece_count, sizeof *entries);
    if (entries == NULL) return RK_NO_MEMORY;
    size_t count = 0;
    size_t replica_count = 0;
    for (size_t i = 0; i < in->piece_count; i++) {
        const piece *one = &in->pieces[i];
        bool is_first = i == 0 || one[-1].index != one->index;
        if (is_first && one->index != replica_count++) return RK_CORRUPT;
        if (!is_first && one->lamport < one[-1].lamport + one[-1].points) return RK_CORRUPT;
        if (!is_first && one->leaf == one[-1].leaf) continue;
        rk_text_id key = {one->lamport, replica_at(in->replicas, one->index)};
        entries[count++] = (rki_index_entry){key, one->leaf};
    }
    if (replica_count != in->replicas.size / REPLICA_SIZE) return RK_CORRUPT;
    return rki_index_build(in->rga, entries, count, in->scratch);
}

static rk_status check_shape(const rk_value *state, decoder *in) {
    if (state->kind != RK_LIST || state->as.list.count != 3) return RK_CORRUPT;
    const rk_value *items = state->as.list.items;
    if (items[0].kind != RK_BYTES || items[1].kind != RK_BYTES || items[2].kind != RK_STRING) return RK_CORRUPT;
    in->replicas = items[0].as.bytes;
    in->runs = items[1].as.bytes;
    in->text = items[2].as.bytes;
    if (in->replicas.size % REPLICA_SIZE != 0) return RK_CORRUPT;
    for (size_t i = 1; i < in->replicas.size / REPLICA_SIZE; i++) {
        if (replica_at(in->replicas, i - 1) >= replica_at(in->replicas, i)) return RK_CORRUPT;
    }
    return RK_OK;
}

static rk_status decode(decoder *in) {
    RK_TRY(take_pieces(in));
    RK_TRY(read_runs(in));
    RK_TRY(sort_pieces(in));
    RK_TRY(index_pieces(in));
    return rki_tree_build(in->rga, in->scratch);
}

rk_status rk_rga_decode(const rk_memory *memory, size_t size_max, const rk_value *state, rk_rga **rga_out) {
    *rga_out = NULL;
    decoder in = {.end = 1};
    RK_TRY(check_shape(state, &in));
    RK_TRY(rki_rga_begin(memory, size_max, &in.rga));
    rk_arena scratch;
    rk_arena_init(&scratch, memory, SIZE_MAX);
    in.scratch = &scratch;
    rk_status status = decode(&in);
    rk_arena_free(&scratch);
    if (status != RK_OK) {
        rk_rga_free(in.rga);
        return status;
    }
    *rga_out = in.rga;
    return RK_OK;
}
