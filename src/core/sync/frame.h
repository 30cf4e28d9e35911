/*
 * Frames: what replicas exchange with a truth. A file carried by hand, a socket and an edge object all carry these.
 *
 * Invariants
 *   (1) A head says what range the other frames cover: all that the sender has from there to there is among them.
 *   (2) Frames have one total order, in which they are used whatever order they came in: head, commits by record,
 *       pending batches by replica and number, verdicts.
 *   (3) Every frame names its log; the head names the account.
 */
#ifndef RK_CORE_SYNC_FRAME_H
#define RK_CORE_SYNC_FRAME_H

#include "core/event/record.h"

typedef enum rk_frame_kind { RK_FRAME_HEAD, RK_FRAME_COMMIT, RK_FRAME_PENDING, RK_FRAME_VERDICT } rk_frame_kind;

/* Which fields mean something stands behind each: H head, C commit, P pending, V verdict. */
typedef struct rk_frame {
    rk_frame_kind kind;
    rk_log_id log;        /* H C P V */
    rk_hash account;      /* H */
    bool from_truth;      /* H: the sender is the truth of this log */
    uint64_t epoch;       /* H C: of the sender's last record; of the record */
    uint64_t from;        /* H: position after which it starts */
    uint64_t to;          /* H: the sender's last position */
    uint64_t record_from; /* H: the first record among the frames, or record_to + 1 when there is none */
    uint64_t record_to;   /* H: the sender's last record */
    uint64_t replica;     /* H: the sender's; P V: the batch's */
    uint64_t number;      /* C: record number; P V: batch number */
    uint32_t transaction; /* V */
    rk_bytes record;      /* C: sealed record */
    rk_bytes batch;       /* C P: encoded batch */
    rk_bytes code;        /* V */
    rk_bytes what;        /* V */
    rk_bytes hint;        /* V */
} rk_frame;

/* The one order; frames that compare 0 are doubles. */
int rk_frame_compare(const rk_frame *a, const rk_frame *b);
const char *rk_frame_kind_name(rk_frame_kind kind);

#endif
