/*
 * A server in this process with many accounts, t0, t1, ..., each made with keys of its own.
 *
 * What must not fail ends the process at once, from any thread.
 */
#ifndef RK_TEST_TENANTS_TESTING_H
#define RK_TEST_TENANTS_TESTING_H

#include "door/http/server.h"
#include "serve_testing.h"

typedef struct tenants {
    char folder[64];
    size_t count;
    rk_server *server;
    served served; /* its port alone, for serve_testing.h */
} tenants;

/* A fresh folder with that many accounts. */
void tenants_create(tenants *tenants, size_t count);
/* Serves them; of the options, data, address, port and store are filled in. */
void tenants_start(tenants *tenants, rk_server_options options);
/* Stops the server and removes the folder. */
void tenants_end(tenants *tenants);
/* A token of the owner of account t<number>. */
void tenants_token(const tenants *tenants, size_t number, char out[2048]);
/* Appends an event to that account. The status, or 0. */
int tenants_append(int fd, size_t number, const char *token);
/* Reads the state of the account's own entity. */
int tenants_read(int fd, size_t number, const char *token);
/* Reads a page of its log, which may take long. */
int tenants_page(int fd, size_t number, const char *token);
/* The value of a series of the metrics, whole as it stands there; dies when it is not there. */
uint64_t tenants_metric(const tenants *tenants, const char *series);

#endif
