/*
 * A look at a socket.
 */
#include "io/socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Not by reading: bytes that wait in front of the end, such as a TLS alert, would hide it. */
bool rk_socket_closed(int fd) {
    struct pollfd polled = {.fd = fd, .events = POLLRDHUP};
    return poll(&polled, 1, 0) > 0 && (polled.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void rk_socket_shut(int fd) {
    (void)shutdown(fd, SHUT_RDWR);
}

void rk_socket_close(int fd) {
    (void)close(fd);
}
