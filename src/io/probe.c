/*
 * Asking a server whether it is there.
 */
#include "io/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/address.h"
#include "io/clock.h"

enum { STATUS_LINE_SIZE = 12, REQUEST_SIZE_MAX = RK_PROBE_PATH_MAX + 100 }; /* "HTTP/1.1 200" */

typedef struct probe {
    int fd;
    const char *host;
    uint16_t port;
    uint64_t end_us;
} probe;

static rk_status failed(const probe *probe, const char *what, rk_error *error) {
    return rk_fail(error, RK_IO, probe->host, "port %u: %s", (uint64_t)probe->port, what);
}

/* Until the socket is ready for that, or the time is over. */
static rk_status await(const probe *probe, short what, rk_error *error) {
    struct pollfd waiting = {.fd = probe->fd, .events = what};
    for (;;) {
        uint64_t now_us = rk_clock_steady_us();
        if (now_us >= probe->end_us) return failed(probe, "no answer in time", error);
        int ready = poll(&waiting, 1, (int)((probe->end_us - now_us) / 1000) + 1);
        if (ready > 0) return RK_OK;
        if (ready < 0 && errno != EINTR) return failed(probe, strerror(errno), error);
    }
}

static rk_status reach(const probe *probe, const rk_address *address, rk_error *error) {
    int problem = 0;
    socklen_t size = sizeof problem;
    socklen_t address_size = address->is_6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (connect(probe->fd, (const struct sockaddr *)address->bytes, address_size) == 0) return RK_OK;
    if (errno != EINPROGRESS) return failed(probe, strerror(errno), error);
    RK_TRY(await(probe, POLLOUT, error));
    if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0) problem = errno;
    return problem == 0 ? RK_OK : failed(probe, strerror(problem), error);
}

/* So short a request goes out whole, or the connection is broken. */
static rk_status ask(const probe *probe, const char *path, rk_error *error) {
    char request[REQUEST_SIZE_MAX];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path,
                        probe->host);
    if (size < 0 || (size_t)size >= sizeof request) return rk_fail(error, RK_LIMIT, path, "the path is too long");
    ssize_t sent = send(probe->fd, request, (size_t)size, MSG_NOSIGNAL);
    return sent == size ? RK_OK : failed(probe, "the connection was closed", error);
}

static rk_status read_status(const probe *probe, unsigned *status_out, rk_error *error) {
    char line[STATUS_LINE_SIZE];
    size_t size = 0;
    while (size < sizeof line) {
        RK_TRY(await(probe, POLLIN, error));
        ssize_t got = recv(probe->fd, line + size, sizeof line - size, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (got <= 0) return failed(probe, "the connection was closed", error);
        size += (size_t)got;
    }
    unsigned status = 0;
    bool good = memcmp(line, "HTTP/1.", 7) == 0 && line[8] == ' ';
    for (size_t i = 9; i < sizeof line; i++) {
        good = good && line[i] >= '0' && line[i] <= '9';
        status = status * 10 + (unsigned)(line[i] - '0');
    }
    if (!good) return failed(probe, "what answers is no HTTP server", error);
    *status_out = status;
    return RK_OK;
}

rk_status rk_probe(const char *host, uint16_t port, const char *path, unsigned seconds, unsigned *status_out,
                   rk_error *error) {
    rk_address address;
    *status_out = 0;
    if (!rk_address_of(host, port, &address)) return rk_fail(error, RK_USAGE, host, "it is no address");
    probe probe = {.host = host, .port = port, .end_us = rk_clock_steady_us() + seconds * UINT64_C(1000000)};
    probe.fd = socket(address.is_6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe.fd < 0) return failed(&probe, strerror(errno), error);
    rk_status status = reach(&probe, &address, error);
    if (status == RK_OK) status = ask(&probe, path, error);
    if (status == RK_OK) status = read_status(&probe, status_out, error);
    close(probe.fd);
    return status;
}
