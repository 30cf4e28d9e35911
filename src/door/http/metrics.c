/*
 * Counters, and their text: a family opens with HELP and TYPE, then has a line for each series that was ever counted.
 */
#include "door/http/metrics.h"

#include <string.h>

enum { LINE_MAX = 400 };

static const uint64_t time_bounds[] = {500,   1000,   2500,   5000,    10000,   25000,
                                       50000, 100000, 250000, 1000000, 2500000, 10000000};
static const uint64_t wait_bounds[] = {0, 1, 2, 5, 10, 20, 50, 100, 1000, 10000};
static const uint64_t size_bounds[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000};

_Static_assert(sizeof time_bounds / sizeof *time_bounds <= RK_HISTOGRAM_BOUNDS_MAX, "they fit");
_Static_assert(sizeof wait_bounds / sizeof *wait_bounds <= RK_HISTOGRAM_BOUNDS_MAX, "they fit");
_Static_assert(sizeof size_bounds / sizeof *size_bounds <= RK_HISTOGRAM_BOUNDS_MAX, "they fit");

static void init_histogram(rk_histogram *histogram, const uint64_t *bounds, size_t count) {
    histogram->bounds = bounds;
    histogram->bound_count = count;
}

void rk_metrics_init(rk_metrics *metrics) {
    memset(metrics, 0, sizeof *metrics);
    for (size_t i = 0; i < RK_LATENCIES; i++) {
        init_histogram(&metrics->latency[i], time_bounds, sizeof time_bounds / sizeof *time_bounds);
    }
    init_histogram(&metrics->group_time, time_bounds, sizeof time_bounds / sizeof *time_bounds);
    init_histogram(&metrics->group_waits, wait_bounds, sizeof wait_bounds / sizeof *wait_bounds);
    init_histogram(&metrics->group_size, size_bounds, sizeof size_bounds / sizeof *size_bounds);
}

/* ---- counting ---- */

void rk_histogram_add(rk_histogram *histogram, uint64_t value) {
    size_t at = 0;
    while (at < histogram->bound_count && value > histogram->bounds[at]) at++;
    histogram->counts[at]++;
    histogram->sum += value;
}

void rk_metrics_request(rk_metrics *metrics, size_t operation, unsigned status, rk_status code, rk_latency latency,
                        uint64_t took_us) {
    if (operation >= RK_METRICS_OPERATIONS_MAX) operation = RK_METRICS_OPERATIONS_MAX - 1;
    metrics->requests[operation][status / 100 % RK_METRICS_CLASSES]++;
    if (code != RK_OK && (size_t)code < RK_METRICS_CODES_MAX) metrics->refusals[code]++;
    rk_histogram_add(&metrics->latency[latency], took_us);
}

void rk_metrics_group(rk_metrics *metrics, bool good, uint64_t transactions, uint64_t events, uint64_t took_us) {
    if (!good) {
        metrics->failed_groups++;
        return;
    }
    metrics->groups++;
    metrics->transactions += transactions;
    metrics->events += events;
    rk_histogram_add(&metrics->group_size, transactions);
    rk_histogram_add(&metrics->group_time, took_us);
}

/* ---- text ---- */

static void add(rk_buffer *buffer, const char *text) {
    rk_buffer_append(buffer, rk_bytes_of_string(text));
}

static void add_family(rk_buffer *buffer, const char *name, const char *type, const char *help) {
    char line[LINE_MAX];
    rk_format(line, sizeof line, "# HELP reaktor_%s %s\n# TYPE reaktor_%s %s\n", name, help, name, type);
    add(buffer, line);
}

/* `labels` is empty or `{name="value"}`. */
static void add_sample(rk_buffer *buffer, const char *name, const char *labels, uint64_t value) {
    char line[LINE_MAX];
    rk_format(line, sizeof line, "reaktor_%s%s %u\n", name, labels, value);
    add(buffer, line);
}

static void add_one(rk_buffer *buffer, const char *name, const char *type, const char *help, uint64_t value) {
    add_family(buffer, name, type, help);
    add_sample(buffer, name, "", value);
}

/* Microseconds as seconds, without floating point. */
static void print_seconds(uint64_t us, char out[32]) {
    char digits[8];
    for (int i = 5; i >= 0; i--) {
        digits[i] = (char)('0' + us % 10);
        us /= 10;
    }
    digits[6] = 0;
    rk_format(out, 32, "%u.%s", us, digits);
}

/* `label` is empty or `name="value"`; `seconds`: the values are microseconds, and are said in seconds. */
static void add_histogram(rk_buffer *buffer, const char *name, const char *label, const rk_histogram *histogram,
                          bool seconds) {
    char line[LINE_MAX], number[32];
    uint64_t count = 0;
    for (size_t i = 0; i <= histogram->bound_count; i++) {
        count += histogram->counts[i];
        rk_format(number, sizeof number, "+Inf");
        if (i < histogram->bound_count && seconds) print_seconds(histogram->bounds[i], number);
        if (i < histogram->bound_count && !seconds) rk_format(number, sizeof number, "%u", histogram->bounds[i]);
        rk_format(line, sizeof line, "reaktor_%s_bucket{%s%sle=\"%s\"} %u\n", name, label, label[0] ? "," : "", number,
                  count);
        add(buffer, line);
    }
    rk_format(number, sizeof number, "%u", (uint64_t)histogram->sum);
    if (seconds) print_seconds(histogram->sum, number);
    rk_format(line, sizeof line, "reaktor_%s_sum%s%s%s %s\nreaktor_%s_count%s%s%s %u\n", name, label[0] ? "{" : "",
              label, label[0] ? "}" : "", number, name, label[0] ? "{" : "", label, label[0] ? "}" : "", count);
    add(buffer, line);
}

static void add_requests(const rk_metrics *metrics, const char *const *operations, size_t operation_count,
                         rk_buffer *buffer) {
    char labels[200];
    add_family(buffer, "requests_total", "counter", "Requests answered, by operation and class of status.");
    for (size_t i = 0; i < RK_METRICS_OPERATIONS_MAX; i++) {
        for (size_t class = 0; class < RK_METRICS_CLASSES; class ++) {
            if (metrics->requests[i][class] == 0) continue;
            rk_format(labels, sizeof labels, "{operation=\"%s\",status=\"%uxx\"}",
                      i < operation_count ? operations[i] : "none", (uint64_t) class);
            add_sample(buffer, "requests_total", labels, metrics->requests[i][class]);
        }
    }
    add_family(buffer, "refusals_total", "counter", "Requests refused, by code (docs/errors.md).");
    for (size_t i = 0; i < RK_METRICS_CODES_MAX; i++) {
        if (metrics->refusals[i] == 0) continue;
        rk_format(labels, sizeof labels, "{code=\"%s\"}", rk_status_name((rk_status)i));
        add_sample(buffer, "refusals_total", labels, metrics->refusals[i]);
    }
}

static void add_latencies(const rk_metrics *metrics, rk_buffer *buffer) {
    static const char *const names[RK_LATENCIES] = {"read", "append", "stream", "other"};
    char label[40];
    add_family(buffer, "request_seconds", "histogram",
               "From a request's first line to its answer; of a stream, its start.");
    for (size_t i = 0; i < RK_LATENCIES; i++) {
        rk_format(label, sizeof label, "kind=\"%s\"", names[i]);
        add_histogram(buffer, "request_seconds", label, &metrics->latency[i], true);
    }
}

static void add_appends(const rk_metrics *metrics, rk_buffer *buffer) {
    add_one(buffer, "transactions_total", "counter", "Transactions made durable.", metrics->transactions);
    add_one(buffer, "events_total", "counter", "Events made durable.", metrics->events);
    add_one(buffer, "groups_total", "counter", "Group commits: each is one record and one sync to disk.",
            metrics->groups);
    add_one(buffer, "groups_failed_total", "counter", "Group commits that failed.", metrics->failed_groups);
    add_family(buffer, "group_transactions", "histogram", "Transactions that one group commit made durable.");
    add_histogram(buffer, "group_transactions", "", &metrics->group_size, false);
    add_family(buffer, "group_seconds", "histogram", "Time of one group commit: judging, writing, the sync.");
    add_histogram(buffer, "group_seconds", "", &metrics->group_time, true);
    add_family(buffer, "group_waits", "histogram", "Groups that began while an account waited for a writer.");
    add_histogram(buffer, "group_waits", "", &metrics->group_waits, false);
}

static void add_now(const rk_metrics_now *now, rk_buffer *buffer) {
    const struct {
        const char *name, *help;
        uint64_t value;
    } gauges[] = {
        {"connections", "Connections that are open.", now->connections},
        {"accounts_known", "Accounts that were asked for since the start.", now->accounts_known},
        {"accounts_open", "Accounts that may have open files.", now->accounts_open},
        {"accounts_open_max", "How many of them there may be, by the limit of open files.", now->accounts_open_max},
        {"handles", "Engines that are open, of readers and writers.", now->handles},
        {"streams", "Streams that have not ended.", now->streams},
        {"appends_waiting", "Appends that wait for a writer, or for their answer to be sent.", now->waiting},
        {"turns_waiting", "Requests that wait because their account has as many running as it may.", now->turns},
        {"body_bytes", "Memory that is counted to bodies.", now->body_bytes},
        {"resident_bytes", "Memory of the process.", now->resident_bytes},
        {"open_files", "Files that the process has open.", now->open_files},
        {"open_files_max", "Files that it may have open.", now->files_max},
        {"start_time_seconds", "When the server was started, since 1970.", now->started_s},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        add_one(buffer, gauges[i].name, "gauge", gauges[i].help, gauges[i].value);
    }
}

void rk_metrics_text(const rk_metrics *metrics, const rk_metrics_now *now, const char *const *operations,
                     size_t operation_count, rk_buffer *buffer) {
    char labels[200];
    add_requests(metrics, operations, operation_count, buffer);
    add_latencies(metrics, buffer);
    add_appends(metrics, buffer);
    add_one(buffer, "body_bytes_in_total", "counter", "Bytes of bodies that came.", metrics->bytes_in);
    add_one(buffer, "body_bytes_out_total", "counter", "Bytes of bodies that went.", metrics->bytes_out);
    add_one(buffer, "connections_total", "counter", "Connections taken.", metrics->connections);
    add_one(buffer, "connections_refused_total", "counter", "Connections past the limit of an address.",
            metrics->turned_away);
    add_one(buffer, "connections_cut_total", "counter", "Connections cut because a head or an answer took too long.",
            metrics->cut);
    add_one(buffer, "turns_total", "counter", "Requests that waited for their account's other ones.", metrics->turns);
    add_one(buffer, "accounts_opened_total", "counter", "Accounts opened.", metrics->accounts_opened);
    add_one(buffer, "accounts_closed_total", "counter", "Accounts closed, idle or erased.", metrics->accounts_closed);
    add_now(now, buffer);
    add_family(buffer, "build_info", "gauge", "Which build this is.");
    rk_format(labels, sizeof labels, "{version=\"%s\"}", now->version);
    add_sample(buffer, "build_info", labels, 1);
}
