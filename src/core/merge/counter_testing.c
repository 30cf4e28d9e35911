/* The naive counter: arithmetic as at school. */
#include "core/merge/counter_testing.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void naive_counter_add(naive_counter *counter, int64_t by) {
    char text[32];
    int size = snprintf(text, sizeof text, "%lld", (long long)by);
    int first = text[0] == '-';
    uint8_t *pile = counter->piles[first];
    int carry = 0;
    for (int i = 0; i < NAIVE_DIGITS; i++) {
        int digit = pile[i] + carry + (size - 1 - i >= first ? text[size - 1 - i] - '0' : 0);
        pile[i] = (uint8_t)(digit % 10);
        carry = digit / 10;
    }
}

void naive_counter_print(const naive_counter *counter, char out[NAIVE_DIGITS + 2]) {
    bool negative = false;
    for (int i = NAIVE_DIGITS - 1; i >= 0; i--) {
        if (counter->piles[0][i] == counter->piles[1][i]) continue;
        negative = counter->piles[0][i] < counter->piles[1][i];
        break;
    }
    const uint8_t *large = counter->piles[negative];
    const uint8_t *small = counter->piles[!negative];
    char digits[NAIVE_DIGITS];
    int borrow = 0;
    int size = 1;
    for (int i = 0; i < NAIVE_DIGITS; i++) {
        int digit = large[i] - small[i] - borrow;
        borrow = digit < 0;
        digits[i] = (char)('0' + digit + 10 * borrow);
        if (digits[i] != '0') size = i + 1;
    }
    char *end = out;
    if (negative) *end++ = '-';
    while (size > 0) *end++ = digits[--size];
    *end = 0;
}
