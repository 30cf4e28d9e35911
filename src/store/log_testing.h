/*
 * The conformance suite of the log seam: what the contract in log.h says of a slot is a test here, and every
 * implementation runs it over its ops.
 */
#ifndef RK_STORE_LOG_TESTING_H
#define RK_STORE_LOG_TESTING_H

#include "store/log.h"

/* Runs the suite as a group of cmocka tests; the number of them that failed. */
int rk_log_conformance(const rk_log_ops *ops);

#endif
