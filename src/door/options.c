/*
 * Reading the command line.
 */
#include "door/options.h"

#include <string.h>

static const rk_option common_options[] = {
    {"--data", "DIR", false, NULL}, {"--json", NULL, true, NULL},    {"--help", NULL, true, NULL},
    {"-h", NULL, true, NULL},       {"--version", NULL, true, NULL}, {NULL, NULL, false, NULL},
};

typedef struct reader {
    const rk_command *commands;
    char *const *words;
    int count;
    int at;
    const char *group; /* the first word of a command of two */
    bool ended;        /* after "--" */
    rk_arguments *arguments;
    rk_error *error;
} reader;

static rk_status usage(reader *reader, const char *format, const char *word) {
    const rk_command *command = reader->arguments->command;
    rk_fail(reader->error, RK_USAGE, NULL, format, word);
    if (command) {
        rk_error_hint(reader->error, "usage: reaktor %s %s%s", command->name, command->arguments,
                      command->options ? " [OPTIONS]; see `reaktor help` with the command's name" : "");
    }
    return RK_USAGE;
}

/* ---- commands ---- */

static bool is_name(const rk_command *command, const char *first, const char *second) {
    size_t size = strlen(first);
    if (strncmp(command->name, first, size) != 0) return false;
    const char *rest = command->name + size;
    return second ? rest[0] == ' ' && strcmp(rest + 1, second) == 0 : rest[0] == 0;
}

const rk_command *rk_command_find(const rk_command *commands, const char *first, const char *second) {
    for (const rk_command *command = commands; command->name; command++) {
        if (is_name(command, first, second)) return command;
    }
    return NULL;
}

static bool is_group(const rk_command *commands, const char *word) {
    size_t size = strlen(word);
    for (const rk_command *command = commands; command->name; command++) {
        if (strncmp(command->name, word, size) == 0 && command->name[size] == ' ') return true;
    }
    return false;
}

static rk_status take_command(reader *reader, const char *word) {
    const char *first = reader->group ? reader->group : word;
    reader->arguments->command = rk_command_find(reader->commands, first, reader->group ? word : NULL);
    if (reader->arguments->command) return RK_OK;
    if (!reader->group && is_group(reader->commands, word)) {
        reader->group = word;
        return RK_OK;
    }
    if (!reader->group) return usage(reader, "there is no command \"%s\"", word);
    return rk_fail(reader->error, RK_USAGE, NULL, "there is no command \"%s %s\"", reader->group, word);
}

static rk_status take_word(reader *reader, const char *word) {
    rk_arguments *arguments = reader->arguments;
    if (!arguments->command) return take_command(reader, word);
    if (arguments->word_count == arguments->command->argument_max) {
        return usage(reader, "\"%s\" is one argument too many", word);
    }
    arguments->words[arguments->word_count++] = word;
    return RK_OK;
}

/* ---- options ---- */

static const rk_option *find_option(const rk_option *options, const char *word) {
    for (const rk_option *option = options; option && option->name; option++) {
        size_t size = strlen(option->name);
        if (strncmp(word, option->name, size) == 0 && (word[size] == 0 || word[size] == '=')) return option;
    }
    return NULL;
}

static rk_status option_value(reader *reader, const rk_option *option, const char *word, const char **value_out) {
    const char *equals = strchr(word, '=');
    *value_out = NULL;
    if (!option->value) {
        return equals ? usage(reader, "%s takes no value", option->name) : RK_OK;
    }
    if (equals) {
        *value_out = equals + 1;
    } else if (reader->at < reader->count) {
        *value_out = reader->words[reader->at++];
    } else {
        return usage(reader, "%s needs a value", option->name);
    }
    return RK_OK;
}

static rk_status take_common(reader *reader, const rk_option *option, const char *value) {
    rk_arguments *arguments = reader->arguments;
    if (option->value && arguments->data) return usage(reader, "%s is given twice", option->name);
    if (option->value && !value[0]) return usage(reader, "%s needs a folder", option->name);
    if (option->value) arguments->data = value;
    arguments->json |= strcmp(option->name, "--json") == 0;
    arguments->version |= strcmp(option->name, "--version") == 0;
    arguments->help |= strcmp(option->name, "--help") == 0 || strcmp(option->name, "-h") == 0;
    return RK_OK;
}

static rk_status take_own(reader *reader, const rk_option *option, const char *value) {
    rk_arguments *arguments = reader->arguments;
    if (!option->many && rk_arguments_option(arguments, option->name)) {
        return usage(reader, "%s is given twice", option->name);
    }
    if (arguments->given_count == RK_OPTIONS_MAX) return usage(reader, "%s is given too often", option->name);
    arguments->given[arguments->given_count].option = option;
    arguments->given[arguments->given_count++].value = value;
    return RK_OK;
}

static rk_status take_option(reader *reader, const char *word) {
    const rk_command *command = reader->arguments->command;
    const char *value = NULL;
    const rk_option *option = find_option(common_options, word);
    bool common = option != NULL;
    if (!option && command) option = find_option(command->options, word);
    if (!option)
        return usage(reader, command ? "unknown option \"%s\"" : "unknown option \"%s\" before a command", word);
    RK_TRY(option_value(reader, option, word, &value));
    return common ? take_common(reader, option, value) : take_own(reader, option, value);
}

/* ---- all of it ---- */

static rk_status check_complete(reader *reader) {
    rk_arguments *arguments = reader->arguments;
    if (arguments->help || arguments->version) return RK_OK;
    if (!arguments->command && reader->group) return usage(reader, "\"%s\" needs a second word", reader->group);
    if (!arguments->command) return rk_fail(reader->error, RK_USAGE, NULL, "no command is given");
    if (arguments->word_count >= arguments->command->argument_min) return RK_OK;
    return usage(reader, "\"%s\" needs more arguments", arguments->command->name);
}

rk_status rk_arguments_read(const rk_command *commands, int count, char *const *words, rk_arguments *arguments_out,
                            rk_error *error) {
    reader reader = {
        .commands = commands, .words = words, .count = count, .at = 1, .arguments = arguments_out, .error = error};
    memset(arguments_out, 0, sizeof *arguments_out);
    for (int i = 1; i < count && strcmp(words[i], "--") != 0; i++) {
        arguments_out->json |= strcmp(words[i], "--json") == 0;
    }
    while (reader.at < count) {
        const char *word = words[reader.at++];
        bool option = !reader.ended && word[0] == '-' && word[1] != 0;
        if (option && strcmp(word, "--") == 0) {
            reader.ended = true;
        } else {
            RK_TRY(option ? take_option(&reader, word) : take_word(&reader, word));
        }
    }
    return check_complete(&reader);
}

const char *rk_arguments_option(const rk_arguments *arguments, const char *name) {
    for (size_t i = 0; i < arguments->given_count; i++) {
        if (strcmp(arguments->given[i].option->name, name) != 0) continue;
        return arguments->given[i].value ? arguments->given[i].value : "";
    }
    return NULL;
}

rk_status rk_number_read(const char *text, const char *what, uint64_t *number_out, rk_error *error) {
    uint64_t number = 0;
    *number_out = 0;
    bool valid = text[0] != 0;
    for (const char *at = text; valid && *at; at++) {
        valid = *at >= '0' && *at <= '9' && !__builtin_mul_overflow(number, UINT64_C(10), &number) &&
                !__builtin_add_overflow(number, (uint64_t)(*at - '0'), &number);
    }
    if (!valid) return rk_fail(error, RK_USAGE, what, "\"%s\" is no whole number", text);
    *number_out = number;
    return RK_OK;
}
