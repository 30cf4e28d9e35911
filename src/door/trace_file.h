/*
 * Reading an editing trace: the JSON of josephg/editing-traces.
 *
 *     {"endContent": text, "numAgents": count, "txns": [{"parents": [index...], "agent": index,
 *      "patches": [[position, deleted, text]...]}...]}
 *
 * `numAgents` may be absent: then it is one more than the highest agent. A transaction without `agent` is the first
 * author's, one without `parents` follows the one before it. Other members (startContent "", kind, time, numChildren and
 * the like) are passed over.
 */
#ifndef RK_DOOR_TRACE_FILE_H
#define RK_DOOR_TRACE_FILE_H

#include "engine/trace.h"

/* Reads it into the arena. RK_BAD_JSON, RK_BAD_FILE naming the transaction, RK_NOT_YET for a startContent. */
RK_MUST_USE rk_status rk_trace_read(rk_arena *arena, rk_bytes json, rk_trace *trace_out, rk_error *error);

#endif
