/*
 * The event: an immutable fact about one entity, and what its caller's words were resolved to.
 *
 * Invariants
 *   (1) rk_event_decode takes exactly what rk_event_encode writes; decoding and encoding gives the same bytes.
 *   (2) The resolved operations are authoritative: they are made once, at the writer, and never derived again.
 *   (3) What the data says already is not said again: an operation names the place in the data where its value stands.
 *
 * Wire form: a deterministic CBOR map with integer keys. Absent keys are absent, never null or empty.
 *     key  field           type
 *       1  id              bytes, 16: stamp and replica, big-endian
 *       2  module          text
 *       3  module version  integer, 1 to 2^31-1
 *       4  entity          text: the id part of module/id
 *       5  type            text: the event type
 *       6  actor           [text id, integer kind: 1 user, 2 bot, 3 system, 4 device]
 *       7  data            map with text keys; absent when empty
 *       8  operations      list of operations; absent when there are none
 *       9  cause           bytes, 16: the id of the event that led to this one; absent when unknown
 * A personal member (one of a subject's key) stands in the data as a map that no other value can be mistaken for, since
 * all other maps in data have text keys:
 *       0  key id          bytes, 16
 *       1  ciphertext      bytes: nonce (24), XChaCha20 ciphertext, tag (16), bound to the event id
 * It has its place here; the truth refuses it as not_yet until keys exist.
 *
 * An operation is a map:
 *       1  field           text
 *       2  kind            integer: 0 set, 1 add, 2 insert, 3 remove, 4 splice
 *       3  path            list of text keys and list indexes: the value stands there in the data
 *       4  value           the value itself, where it does not stand in the data; exactly one of 3 and 4
 *       5  resolved        remove and splice only; see below
 * remove resolves to the dots it saw, a flat list in ascending order: event id (bytes, 16), n, event id, n, ...
 * splice resolves to [lamport, edit, edit, ...]: the Lamport number of the first inserted character (0 when nothing is
 * inserted; later ones count on through all edits), then for each [at, delete, text] one list: the deleted runs as
 * text id, count, text id, count, ...; then, when text is inserted, the text id of the character before it (0: the
 * beginning). A text id of the event's own replica is its Lamport number alone, else [lamport, replica (bytes, 8)].
 */
#ifndef RK_CORE_EVENT_EVENT_H
#define RK_CORE_EVENT_EVENT_H

#include "core/value/cbor.h"
#include "core/value/id.h"

typedef enum rk_actor_kind {
    RK_ACTOR_USER = 1,
    RK_ACTOR_BOT = 2,
    RK_ACTOR_SYSTEM = 3,
    RK_ACTOR_DEVICE = 4,
} rk_actor_kind;

typedef enum rk_operation_kind {
    RK_OPERATION_SET = 0,
    RK_OPERATION_ADD = 1,
    RK_OPERATION_INSERT = 2,
    RK_OPERATION_REMOVE = 3,
    RK_OPERATION_SPLICE = 4,
} rk_operation_kind;

typedef struct rk_operation {
    rk_bytes field;
    rk_operation_kind kind;
    rk_value path;     /* RK_LIST of keys, or RK_NULL when `value` holds the value */
    rk_value value;    /* read by rk_operation_value; meaningless when path is a list */
    rk_value resolved; /* RK_LIST for remove and splice, else RK_NULL */
} rk_operation;

typedef struct rk_event {
    rk_id id;
    rk_bytes module;
    uint32_t module_version;
    rk_bytes entity;
    rk_bytes type;
    rk_bytes actor;
    rk_actor_kind actor_kind;
    rk_value data; /* RK_MAP */
    const rk_operation *operations;
    size_t operation_count;
    bool has_cause;
    rk_id cause;
} rk_event;

RK_MUST_USE rk_status rk_event_encode(rk_arena *arena, const rk_event *event, rk_bytes *bytes_out);
/* RK_BAD_EVENT, naming the key, for whatever the table above does not allow. Borrows from `bytes`. */
RK_MUST_USE rk_status rk_event_decode(rk_arena *arena, rk_bytes bytes, rk_event *event_out, rk_error *error);
enum { RK_EVENT_ID_END = 3 + RK_ID_SIZE };
/* The id alone, which the first RK_EVENT_ID_END bytes of every event say. All 0 where these are no event's bytes. */
rk_id rk_event_id(rk_bytes bytes);

/* Whether the data hold a personal member anywhere. */
bool rk_event_is_personal(const rk_event *event);

/* The value an operation is about: its own, or the one at its path in the data; NULL when the path leads nowhere. */
const rk_value *rk_operation_value(const rk_event *event, const rk_operation *operation);

/* Names: a lower-case letter, then lower-case letters, digits and '-', at most RK_NAME_SIZE_MAX bytes. */
bool rk_name_valid(rk_bytes name);
/* Entity and actor ids: 1 to size_max bytes of UTF-8 without control characters. */
bool rk_label_valid(rk_bytes label, size_t size_max);
/* Splits "module/id" at the first '/'. RK_BAD_ID when a part is not valid. */
RK_MUST_USE rk_status rk_entity_split(rk_bytes text, rk_bytes *module_out, rk_bytes *entity_out, rk_error *error);
const char *rk_actor_kind_name(rk_actor_kind kind);
/* RK_NOT_FOUND for what is no kind. */
RK_MUST_USE rk_status rk_actor_kind_of_name(rk_bytes name, rk_actor_kind *kind_out);

#endif
