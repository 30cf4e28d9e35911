/*
 * Text to socket addresses.
 */
#include "io/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

_Static_assert(sizeof(struct sockaddr_in6) <= 32, "both kinds fit");

bool rk_address_of(const char *text, uint16_t port, rk_address *address_out) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memset(address_out, 0, sizeof *address_out);
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        memcpy(address_out->bytes, &four, sizeof four);
        return true;
    }
    if (inet_pton(AF_INET6, text, &six.sin6_addr) != 1) return false;
    memcpy(address_out->bytes, &six, sizeof six);
    address_out->is_6 = true;
    return true;
}

void rk_address_host(const void *sockaddr, uint8_t out[RK_ADDRESS_HOST_SIZE]) {
    const struct sockaddr *any = sockaddr;
    memset(out, 0, RK_ADDRESS_HOST_SIZE);
    if (any->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, any, sizeof four);
        memcpy(out, &four.sin_addr, sizeof four.sin_addr);
    } else if (any->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, any, sizeof six);
        bool four_in_six = IN6_IS_ADDR_V4MAPPED(&six.sin6_addr);
        memcpy(out, six.sin6_addr.s6_addr + (four_in_six ? 12 : 0), four_in_six ? 4 : 8);
    }
}

bool rk_address_is_local(const void *sockaddr) {
    const struct sockaddr *any = sockaddr;
    uint8_t host[RK_ADDRESS_HOST_SIZE];
    rk_address_host(sockaddr, host);
    if (any->sa_family == AF_INET) return host[0] == 127;
    if (any->sa_family != AF_INET6) return false;
    struct sockaddr_in6 six;
    memcpy(&six, any, sizeof six);
    return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr) || (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr) && host[0] == 127);
}
