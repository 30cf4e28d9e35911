/*
 * Sockets of TCP.
 */
#include "io/socket.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

/* A port is taken again at once after a stop, though connections of before are still remembered. */
static bool listen_at(int fd, const rk_address *address) {
    const int yes = 1;
    struct sockaddr_storage storage;
    socklen_t size = address->is_6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    memset(&storage, 0, sizeof storage);
    memcpy(&storage, address->bytes, size);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) return false;
    if (address->is_6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0) return false;
    return bind(fd, (const struct sockaddr *)&storage, size) == 0 && listen(fd, BACKLOG) == 0;
}

int rk_socket_listen(const rk_address *address) {
    int fd = socket(address->is_6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || listen_at(fd, address)) return fd;
    rk_socket_close(fd);
    return -1;
}

uint16_t rk_socket_port(int fd) {
    struct sockaddr_storage storage;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    socklen_t size = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &size) != 0) return 0;
    memcpy(&four, &storage, sizeof four);
    memcpy(&six, &storage, sizeof six);
    return ntohs(storage.ss_family == AF_INET6 ? six.sin6_port : four.sin_port);
}

_Static_assert(sizeof(struct sockaddr_storage) <= RK_SOCKET_ADDRESS_SIZE, "any address fits");

int rk_socket_accept(int fd, uint8_t address_out[RK_SOCKET_ADDRESS_SIZE], unsigned *address_size_out) {
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    memset(&storage, 0, sizeof storage);
    int accepted = accept4(fd, (struct sockaddr *)&storage, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    memcpy(address_out, &storage, sizeof storage);
    *address_size_out = size;
    return accepted;
}

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
