/*
 * A look at a socket.
 */
#include "io/socket.h"

#include <errno.h>
#include <sys/socket.h>

bool rk_socket_closed(int fd) {
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}
