/*
 * One question to an HTTP server, as a health check asks it: connect, GET, the status of the answer. It knows neither
 * TLS nor names of hosts, and follows nothing.
 */
#ifndef RK_IO_PROBE_H
#define RK_IO_PROBE_H

#include "base/status.h"

enum { RK_PROBE_PATH_MAX = 200 };

/*
 * The status that GET `path` is answered with by `host`, an IPv4 or IPv6 address in text, within `seconds`. RK_IO:
 * nobody listens there, no answer came in time, or what came is no HTTP. RK_USAGE: the host is no address.
 */
RK_MUST_USE rk_status rk_probe(const char *host, uint16_t port, const char *path, unsigned seconds,
                               unsigned *status_out, rk_error *error);

#endif
