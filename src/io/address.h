/*
 * Addresses to listen on.
 */
#ifndef RK_IO_ADDRESS_H
#define RK_IO_ADDRESS_H

#include "base/bytes.h"

/* A sockaddr_in or sockaddr_in6, for a library that takes one. */
typedef struct rk_address {
    _Alignas(16) uint8_t bytes[32];
    bool is_6;
} rk_address;

/* An IPv4 or IPv6 address in text ("127.0.0.1", "::1"); false when it is none. */
bool rk_address_of(const char *text, uint16_t port, rk_address *address_out);

enum { RK_ADDRESS_HOST_SIZE = 16 };

/*
 * The host of a struct sockaddr, without its port, as one who sends: an IPv4 address, or the first 64 bits of an IPv6
 * one, of which a single machine has many. Zeros when it is neither.
 */
void rk_address_host(const void *sockaddr, uint8_t out[RK_ADDRESS_HOST_SIZE]);
/* Whether a struct sockaddr is of this machine alone: 127.0.0.0/8, ::1. */
bool rk_address_is_local(const void *sockaddr);

#endif
