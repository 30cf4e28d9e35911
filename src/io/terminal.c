/*
 * Terminals, the progress bar, signals.
 */
#include "io/terminal.h"

#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "io/clock.h"

enum { BAR_WIDTH = 20, DRAW_INTERVAL_US = 100000 };

static volatile sig_atomic_t ended;

bool rk_terminal_out(void) {
    return isatty(STDOUT_FILENO) == 1;
}

bool rk_terminal_err(void) {
    return isatty(STDERR_FILENO) == 1;
}

unsigned rk_terminal_width(void) {
    struct winsize size;
    if (!rk_terminal_out()) return 0;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* ---- progress ---- */

static void group_digits(uint64_t number, char out[32]) {
    char digits[24];
    size_t size = rk_format(digits, sizeof digits, "%u", number), used = 0;
    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = 0;
}

void rk_progress_start(rk_progress *progress, const char *label) {
    *progress = (rk_progress){.label = label, .shown = rk_terminal_err(), .last_us = rk_clock_steady_us()};
}

void rk_progress_at(rk_progress *progress, uint64_t done, uint64_t total) {
    if (!progress->shown || total == 0) return;
    uint64_t now_us = rk_clock_steady_us();
    if (now_us - progress->last_us < DRAW_INTERVAL_US) return;
    progress->last_us = now_us;
    progress->drawn = true;
    if (done > total) done = total;
    char bar[BAR_WIDTH + 1], done_text[32], total_text[32];
    int full = (int)((double)done / (double)total * BAR_WIDTH);
    for (int i = 0; i < BAR_WIDTH; i++) bar[i] = i < full ? '#' : '.';
    bar[BAR_WIDTH] = 0;
    group_digits(done, done_text);
    group_digits(total, total_text);
    fprintf(stderr, "\r%s  [%s]  %3d%%  %s of %s\x1b[K", progress->label, bar,
            (int)((double)done / (double)total * 100), done_text, total_text);
    fflush(stderr);
}

void rk_progress_end(rk_progress *progress) {
    if (progress->drawn) fprintf(stderr, "\r\x1b[K");
    progress->drawn = false;
}

/* ---- signals ---- */

void rk_signals_ignore_pipe(void) {
    signal(SIGPIPE, SIG_IGN);
}

static void note_end(int number) {
    (void)number;
    ended = 1;
}

void rk_signals_catch_end(void) {
    struct sigaction action = {.sa_handler = note_end};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool rk_signals_ended(void) {
    return ended != 0;
}
