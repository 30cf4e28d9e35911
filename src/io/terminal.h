/*
 * What a person sits before: terminals, a progress bar on standard error, and the keys that end a program.
 */
#ifndef RK_IO_TERMINAL_H
#define RK_IO_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

/* Whether standard output, standard error go to a terminal. */
bool rk_terminal_out(void);
bool rk_terminal_err(void);
/* Columns of the terminal that standard output goes to; 0 when it goes elsewhere. */
unsigned rk_terminal_width(void);

/*
 * A bar on standard error, drawn at most ten times a second, and only on a terminal:
 *     import  [##########..........]  52%  130,112 of 249,001
 */
typedef struct rk_progress {
    const char *label;
    bool shown; /* on a terminal at all */
    bool drawn;
    uint64_t last_us;
} rk_progress;

void rk_progress_start(rk_progress *progress, const char *label);
void rk_progress_at(rk_progress *progress, uint64_t done, uint64_t total);
/* Takes the bar away. */
void rk_progress_end(rk_progress *progress);

/* A write to a closed pipe becomes an error instead of the end of the process. */
void rk_signals_ignore_pipe(void);
/* From now on SIGINT and SIGTERM only set what rk_signals_ended tells. */
void rk_signals_catch_end(void);
bool rk_signals_ended(void);

#endif
