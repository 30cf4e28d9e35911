/*
 * What a keystroke costs in one open process: in a document of 100 KB beside one of a few characters, the two in turn
 * in one run, every append durable, stored states included.
 *
 * The goal is a ratio of means of at most 2 over 10,000 keystrokes each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "world_testing.h"

enum { KEYSTROKES = 10000, TURN = 100, LARGE_SIZE = 100000 };

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b) {
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void report(const char *name, double *costs, double *mean_out) {
    double sum = 0;
    for (size_t i = 0; i < KEYSTROKES; i++) sum += costs[i];
    qsort(costs, KEYSTROKES, sizeof *costs, compare);
    *mean_out = sum / KEYSTROKES;
    printf("%-28s mean %8.1f us   median %8.1f us   p99 %8.1f us   max %8.1f us\n", name, *mean_out * 1e6,
           costs[KEYSTROKES / 2] * 1e6, costs[KEYSTROKES / 100 * 99] * 1e6, costs[KEYSTROKES - 1] * 1e6);
}

/* Types one character, or deletes one every other time where the document shall stay small. */
static double keystroke(site *site, const char *entity, size_t at, bool delete) {
    char data[100];
    snprintf(data, sizeof data, delete ? "{\"edits\":[[%zu,1,\"\"]]}" : "{\"edits\":[[%zu,0,\"x\"]]}", at);
    double start = seconds();
    site_must_submit(site, "owner", entity, "write", data);
    return seconds() - start;
}

static void fill(site *site) {
    static char data[LARGE_SIZE + 100];
    size_t size = (size_t)snprintf(data, sizeof data, "{\"edits\":[[0,0,\"");
    for (size_t i = 0; i < LARGE_SIZE; i++) data[size++] = (char)('a' + i % 26);
    memcpy(data + size, "\"]]}", 5);
    site_must_submit(site, "owner", "document/large", "write", data);
    for (size_t i = 0; i < 2000; i++) keystroke(site, "document/large", world_random() % LARGE_SIZE, i % 2);
    site_must_submit(site, "owner", "document/small", "write", "{\"edits\":[[0,0,\"hello\"]]}");
}

int main(void) {
    static site site;
    static double large[KEYSTROKES], small[KEYSTROKES];
    double large_mean = 0, small_mean = 0;
    site_create_truth(&site, "append_bench");
    site_publish(&site, "examples/modules/document.json");
    fill(&site);
    size_t cursor = 5000;
    for (size_t i = 0; i < KEYSTROKES; i++) {
        if (i % TURN == 0) cursor = world_random() % LARGE_SIZE;
        size_t turn = i / TURN * TURN;
        large[i] = keystroke(&site, "document/large", cursor++, false);
        if (i % TURN == TURN - 1) {
            for (size_t j = turn; j < turn + TURN; j++) small[j] = keystroke(&site, "document/small", 2, j % 2);
        }
    }
    report("keystroke, 100 KB document", large, &large_mean);
    report("keystroke, small document", small, &small_mean);
    printf("ratio of means: %.2f (goal: at most 2)\n", large_mean / small_mean);
    site_close(&site);
    return 0;
}
