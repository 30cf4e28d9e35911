/*
 * The floor of one event a request: what libmicrohttpd and SQLite take for it, and nothing else.
 *
 * Each request is answered once its row is durable. Requests that wait become one transaction, as the server's do.
 * Nothing is parsed, checked, signed or hashed, and nobody is asked who he is; entities come in the order of the bench.
 */
#ifndef RK_TEST_FLOOR_TESTING_H
#define RK_TEST_FLOOR_TESTING_H

#include <stdint.h>

/* Serves on the port that it returns, of this machine, in a folder of its own. Ends the program when it cannot. */
uint16_t floor_start(void);
void floor_stop(void);

#endif
