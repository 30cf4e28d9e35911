/*
 * Sockets: listening, and what is known of a connection whose bytes a library reads.
 */
#ifndef RK_IO_SOCKET_H
#define RK_IO_SOCKET_H

#include <stdbool.h>

#include "io/address.h"

enum { RK_SOCKET_ADDRESS_SIZE = 128 };

/* Listens at an address, an IPv6 one for IPv6 alone; -1 when that cannot be. */
int rk_socket_listen(const rk_address *address);
/* The port that it listens on; 0 when that cannot be found out. */
uint16_t rk_socket_port(int fd);
/*
 * Waits for the next connection: its socket, and the sockaddr of its other side. -1 when there is none now, because the
 * process has no more files, or the one who knocked has gone, or `fd` was shut.
 */
int rk_socket_accept(int fd, uint8_t address_out[RK_SOCKET_ADDRESS_SIZE], unsigned *address_size_out);
/* Whether the other side has closed it, without taking a byte off it. Who vanished without a word is not noticed. */
bool rk_socket_closed(int fd);
/* Ends it for both sides, so that whoever reads it, or accepts from it, sees the end; it stays open. */
void rk_socket_shut(int fd);
void rk_socket_close(int fd);

#endif
