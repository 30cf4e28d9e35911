/* A counter as two piles of decimal digits, one for what was added and one for what was taken away. */
#ifndef RK_CORE_MERGE_COUNTER_TESTING_H
#define RK_CORE_MERGE_COUNTER_TESTING_H

#include <stdint.h>

enum { NAIVE_DIGITS = 48 };

typedef struct naive_counter {
    uint8_t piles[2][NAIVE_DIGITS]; /* the lowest digit first */
} naive_counter;

void naive_counter_add(naive_counter *counter, int64_t by);
/* The sum in decimal, NUL-ended. */
void naive_counter_print(const naive_counter *counter, char out[NAIVE_DIGITS + 2]);

#endif
