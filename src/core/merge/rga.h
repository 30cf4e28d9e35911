/*
 * rga: text that many write at once, a replicated growable array of Unicode code points (Roh et al., 2011, "Replicated
 * abstract data types: Building blocks for collaborative applications", in the tree form of Attiya et al., 2016).
 *
 * A character's id is (Lamport, replica). Its parent is the character it was typed after. Siblings stand in descending
 * id order, each followed by its own descendants. An inserted run of n points has the Lamports first .. first + n - 1
 * of one replica; each point's parent is the one before it. A deleted character keeps its place and id (a tombstone)
 * and loses its text.
 *
 * Since an id is greater than all ids in its writer's view, every descendant has a greater id than its ancestors, so
 * a new run's place is found without the tree: right after its parent, past every item with a greater id.
 *
 * Invariants
 *   (1) The order of characters, what is deleted, and the canonical bytes do not depend on the order of delivery.
 *   (2) Operations that find or change one place are O(log n) in the number of runs, whatever their writers chose;
 *       those that touch k runs or bytes add k. A place that was just read or written is found again without a search.
 *   (3) Positions and counts are in visible code points; a position is 0 .. rk_rga_length.
 *   (4) Memory is taken in nodes of fixed size and is given back when the text is freed; a text that was decoded
 *       from its state takes no more than it needs.
 *
 * State, CBOR: a list of three.
 *     item  type         field
 *        0  byte string  the replicas that the runs name, ascending, each once, 8 bytes each, big-endian
 *        1  byte string  the runs in document order, a CBOR sequence (RFC 8742) of three integers for each:
 *                          the replica's index in item 0
 *                          the first Lamport, less the one after the last of the run before (1 before the first run)
 *                          the count of points; negative for a tombstone
 *        2  text string  the text
 * A run is maximal: adjacent items of one replica with consecutive Lamports that are all visible or all deleted are
 * one. Integers are in the shortest form. Every run's ids are its own. The visible counts add up to the points of the
 * text.
 */
#ifndef RK_CORE_MERGE_RGA_H
#define RK_CORE_MERGE_RGA_H

#include "core/merge/merge.h"
#include "core/value/cbor.h"

/* Points of one text, deleted ones included: what fits a signed 32-bit integer. */
#define RK_RGA_POINTS_MAX INT32_MAX

typedef struct rk_rga rk_rga;

/* Consecutive ids of one replica: first.lamport .. first.lamport + count - 1. */
typedef struct rk_text_run {
    rk_text_id first;
    uint64_t count;
} rk_text_run;

/* An empty text, which takes at most `size_max` bytes from `memory` (which must outlive it). RK_NO_MEMORY. */
RK_MUST_USE rk_status rk_rga_new(const rk_memory *memory, size_t size_max, rk_rga **rga_out);
/* NULL is allowed. */
void rk_rga_free(rk_rga *rga);

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Visible points. */
uint64_t rk_rga_length(const rk_rga *rga);
/* The visible text's size in bytes of UTF-8. */
size_t rk_rga_size(const rk_rga *rga);
/* All points, deleted ones included. */
uint64_t rk_rga_points(const rk_rga *rga);
/* Bytes of memory that it takes: more than its canonical state does. */
size_t rk_rga_memory_size(const rk_rga *rga);
/* The highest Lamport of any character, deleted ones included; 0 for none. A new insert starts above it. */
uint64_t rk_rga_lamport_max(const rk_rga *rga);
/* Whether the character is there, visible or deleted. */
bool rk_rga_has(rk_rga *rga, rk_text_id id);
/*
 * The id of the visible character at `at`; false past the end. An insert at position p has as its parent the id at
 * p - 1, and {0, 0} where p is 0.
 */
RK_MUST_USE bool rk_rga_id_at(rk_rga *rga, uint64_t at, rk_text_id *id_out);
/*
 * The ids of the visible characters at .. at + count - 1 in document order, in as few runs as can be, in `arena`.
 * RK_BAD_DATA when the range passes the end. RK_NO_MEMORY.
 */
RK_MUST_USE rk_status rk_rga_ranges(rk_rga *rga, uint64_t at, uint64_t count, rk_arena *arena,
                                    const rk_text_run **runs_out, size_t *run_count_out);
/* Appends the whole visible text. */
void rk_rga_text(const rk_rga *rga, rk_buffer *buffer);
/* Appends the visible text at .. at + count - 1. RK_BAD_DATA when the range passes the end. */
RK_MUST_USE rk_status rk_rga_text_range(rk_rga *rga, uint64_t at, uint64_t count, rk_buffer *buffer);

/* --- changing ----------------------------------------------------------------------------------------------------- */

/*
 * Inserts `text` after `parent` ({0, 0}: at the beginning); its points get the ids first, first + 1 ...
 *     RK_BAD_TEXT            it is not valid UTF-8
 *     RK_BAD_OPERATIONS      it is empty, first.lamport <= parent.lamport, or an id would pass RK_LAMPORT_MAX
 *     RK_MISSING_REFERENCE   the parent is unknown
 *     RK_ID_CONFLICT         one of the ids is there already
 *     RK_LIMIT               the text would pass RK_RGA_POINTS_MAX
 *     RK_NO_MEMORY
 */
RK_MUST_USE rk_status rk_rga_insert(rk_rga *rga, rk_text_id parent, rk_text_id first, rk_bytes text);
/*
 * Deletes the characters first.lamport .. first.lamport + count - 1 of one replica; deleted ones stay so.
 *     RK_BAD_OPERATIONS      count is 0
 *     RK_MISSING_REFERENCE   one of them is unknown; nothing was deleted
 *     RK_NO_MEMORY
 */
RK_MUST_USE rk_status rk_rga_delete(rk_rga *rga, rk_text_id first, uint64_t count);

/* --- state -------------------------------------------------------------------------------------------------------- */

/* Appends the canonical state. Takes room for it once more from the buffer's arena. */
void rk_rga_encode(const rk_rga *rga, rk_buffer *buffer);
/*
 * A text from a decoded state, which it copies. RK_CORRUPT when it is not a canonical state (an order of characters
 * that no writing could give is not noticed, and does no harm), RK_NO_MEMORY. While it runs it takes up to 72 bytes
 * more for each 3 bytes of runs and each 381 bytes of text.
 */
RK_MUST_USE rk_status rk_rga_decode(const rk_memory *memory, size_t size_max, const rk_value *state, rk_rga **rga_out);

#endif
