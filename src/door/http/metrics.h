/*
 * What a server counts about itself, and that as text for Prometheus (exposition format 0.0.4).
 *
 * Invariants
 *   (1) Counting takes no lock and may be done by many threads at once; a count is never lost. Counts that belong
 *       together may be seen one without the other.
 *   (2) Nothing counted has the name of an account, an actor or an entity: how many series there are has a bound, and
 *       who sees them learns nothing of tenants.
 */
#ifndef RK_DOOR_HTTP_METRICS_H
#define RK_DOOR_HTTP_METRICS_H

#include "base/buffer.h"

enum {
    RK_METRICS_OPERATIONS_MAX = 128, /* the last is what fits no operation */
    RK_METRICS_CLASSES = 6,          /* of status: 2 is 2xx */
    RK_METRICS_CODES_MAX = 256,      /* numbers of codes.def */
    RK_HISTOGRAM_BOUNDS_MAX = 12,
};

typedef _Atomic uint64_t rk_count;

typedef struct rk_histogram {
    const uint64_t *bounds; /* rising; in microseconds, or a number */
    size_t bound_count;
    rk_count counts[RK_HISTOGRAM_BOUNDS_MAX + 1]; /* not added up; the last is of what is past all bounds */
    rk_count sum;
} rk_histogram;

/* What a request was, for how long it took: few, so that their histograms are. */
typedef enum rk_latency { RK_LATENCY_READ, RK_LATENCY_APPEND, RK_LATENCY_STREAM, RK_LATENCY_OTHER } rk_latency;
enum { RK_LATENCIES = 4 };

typedef struct rk_metrics {
    rk_count requests[RK_METRICS_OPERATIONS_MAX][RK_METRICS_CLASSES];
    rk_count refusals[RK_METRICS_CODES_MAX];
    rk_histogram latency[RK_LATENCIES];
    rk_count bytes_in, bytes_out; /* of bodies */
    rk_count connections;         /* that were taken, ever */
    rk_count turned_away;         /* connections past the limit of an address */
    rk_count cut;                 /* connections that took too long */
    rk_count transactions, events, groups, failed_groups;
    rk_histogram group_size; /* transactions */
    rk_histogram group_time;
    rk_histogram group_waits; /* groups that began while an account stood in the queue of writers */
    rk_count accounts_opened, accounts_closed;
    rk_count turns; /* requests that waited because their account had all threads but one */
} rk_metrics;

/* How things stand at this moment. */
typedef struct rk_metrics_now {
    uint64_t connections, accounts_known, accounts_open, accounts_open_max, handles, streams, waiting, turns,
        body_bytes;
    uint64_t resident_bytes, open_files, files_max, started_s;
    const char *version;
} rk_metrics_now;

/* Embedded by value. */
void rk_metrics_init(rk_metrics *metrics);
void rk_histogram_add(rk_histogram *histogram, uint64_t value);
/* One request that was answered; `operation` past the last is none. */
void rk_metrics_request(rk_metrics *metrics, size_t operation, unsigned status, rk_status code, rk_latency latency,
                        uint64_t took_us);
/* One group commit: what it took, and the transactions and events that it made durable. */
void rk_metrics_group(rk_metrics *metrics, bool good, uint64_t transactions, uint64_t events, uint64_t took_us);
/* The whole text. `operations` are their names in order. */
void rk_metrics_text(const rk_metrics *metrics, const rk_metrics_now *now, const char *const *operations,
                     size_t operation_count, rk_buffer *buffer);

#endif
