/*
 * The command line's words: which command, its arguments, its options.
 *
 * Invariants
 *   (1) --data, --json, --help and --version stand anywhere; a command's own options stand after it.
 *   (2) An option's value is the next word, or follows '='. After "--" every word is an argument.
 *   (3) What a command does not know is refused: unknown options, options given twice, missing or spare arguments.
 */
#ifndef RK_DOOR_OPTIONS_H
#define RK_DOOR_OPTIONS_H

#include "base/status.h"

typedef struct rk_option {
    const char *name;  /* with its dashes; NULL ends a list */
    const char *value; /* what the help calls its value; NULL for a switch */
    bool many;         /* may be given more than once */
    const char *help;
} rk_option;

typedef struct rk_cli rk_cli;

typedef struct rk_command {
    const char *name;      /* one word or two: "actor add"; NULL ends a list */
    const char *arguments; /* as the help shows them: "MODULE/ID TYPE [DATA]" */
    const char *help;      /* one line */
    const char *detail;    /* paragraphs, each line ended; may be NULL */
    const char *example;
    size_t argument_min;
    size_t argument_max;
    const rk_option *options; /* NULL for none */
    rk_status (*run)(rk_cli *cli, rk_error *error);
} rk_command;

enum { RK_ARGUMENTS_MAX = 4, RK_OPTIONS_MAX = 64 };

typedef struct rk_arguments {
    const rk_command *command; /* NULL when only help or version is wanted */
    const char *data;          /* NULL where --data is absent */
    bool json;
    bool help;
    bool version;
    const char *words[RK_ARGUMENTS_MAX];
    size_t word_count;
    struct {
        const rk_option *option;
        const char *value; /* NULL for a switch */
    } given[RK_OPTIONS_MAX];
    size_t given_count;
} rk_arguments;

/* Reads argv[1] on. RK_USAGE; `arguments_out` then says as much as was understood, --json wherever it stands. */
RK_MUST_USE rk_status rk_arguments_read(const rk_command *commands, int count, char *const *words,
                                        rk_arguments *arguments_out, rk_error *error);
/* The value of an option; "" for a switch; NULL when it was not given. */
const char *rk_arguments_option(const rk_arguments *arguments, const char *name);
/* The command of one or two words; NULL when there is none. */
const rk_command *rk_command_find(const rk_command *commands, const char *first, const char *second);
/* A whole number in decimal, without sign or blanks. RK_USAGE, naming `what`. */
RK_MUST_USE rk_status rk_number_read(const char *text, const char *what, uint64_t *number_out, rk_error *error);

#endif
