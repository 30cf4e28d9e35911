/*
 * What is known of a connection whose bytes a library reads.
 */
#ifndef RK_IO_SOCKET_H
#define RK_IO_SOCKET_H

#include <stdbool.h>

/* Whether the other side has closed it, without taking a byte off it. Who vanished without a word is not noticed. */
bool rk_socket_closed(int fd);
/* Ends it for both sides, so that whoever reads it sees the end; it stays open. */
void rk_socket_shut(int fd);
void rk_socket_close(int fd);

#endif
