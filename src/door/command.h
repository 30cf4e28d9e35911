/*
 * What the commands share. Each command is one function of cmd_*.c; the table of all is in cli.c.
 */
#ifndef RK_DOOR_COMMAND_H
#define RK_DOOR_COMMAND_H

#include "door/cli.h"
#include "door/host.h"
#include "door/options.h"
#include "door/output.h"

struct rk_cli {
    const rk_cli_world *world;
    const rk_command *commands;
    rk_arguments arguments;
    rk_arena arena;   /* for the command's life */
    const char *data; /* the folder as it was given, or the default */
    rk_door_host host;
    rk_engine *engine; /* NULL until opened; closed by the caller of the command */
    rk_engine_info info;
};

/* Opens the database of --data. RK_NO_DATABASE. */
RK_MUST_USE rk_status rki_cli_open(rk_cli *cli, rk_log_mode mode, rk_error *error);
/* After an engine was made or opened otherwise: fills in cli->info. */
RK_MUST_USE rk_status rki_cli_opened(rk_cli *cli, rk_error *error);
/* The value of an option, NULL when absent. */
const char *rki_option(const rk_cli *cli, const char *name);
/* Its number; `*there_out` says whether it was given. */
RK_MUST_USE rk_status rki_option_number(const rk_cli *cli, const char *name, bool *there_out, uint64_t *number_out,
                                        rk_error *error);
/* Who acts: --as; else `owner` at a truth; on a device the only actor whose key is here. */
RK_MUST_USE rk_status rki_cli_actor(rk_cli *cli, rk_bytes *actor_out, rk_error *error);
/* Reads from now on are that actor's, whose key must be here. */
RK_MUST_USE rk_status rki_cli_read_as(rk_cli *cli, rk_error *error);
/* A command's argument as text. RK_BAD_TEXT when it is no UTF-8. */
RK_MUST_USE rk_status rki_cli_word(const rk_cli *cli, size_t index, rk_bytes *text_out, rk_error *error);
/* Submits one event as the actor of the command; `entry_out` lives in cli->arena. */
RK_MUST_USE rk_status rki_cli_submit(rk_cli *cli, rk_bytes entity, const char *type, const rk_value *data,
                                     rk_entry *entry_out, rk_error *error);
/* The entities whose names begin with `prefix`, in cli->arena. */
RK_MUST_USE rk_status rki_entity_names(rk_cli *cli, rk_bytes prefix, const rk_bytes **names_out, size_t *count_out,
                                       rk_error *error);
/* Adds a member to a map under construction, in the order of calls; rk_map_value sorts. */
void rki_pair_add(rk_pair *pairs, size_t *count, const char *name, rk_value value);
/* The bytes' hex in the arena; RK_NULL when memory ran out. */
rk_value rki_hex_value(rk_arena *arena, rk_bytes bytes);

/* What making a database found, so that a failed one leaves the folder as it was. */
typedef struct rki_beginning {
    bool made;  /* the folder was made */
    bool fresh; /* it holds no database, and no part of one */
} rki_beginning;

/* cmd_account.c */
/* Makes the folder of --data when it is missing, and cli->host for it. */
RK_MUST_USE rk_status rki_folder_begin(rk_cli *cli, rki_beginning *beginning_out, rk_error *error);
/* Closes the engine, and takes away what was made since. */
void rki_folder_undo(rk_cli *cli, const rki_beginning *beginning);
RK_MUST_USE rk_status rki_cmd_init(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_invite(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_actor_add(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_actor_list(rk_cli *cli, rk_error *error);
/* cmd_module.c */
RK_MUST_USE rk_status rki_cmd_module_check(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_module_add(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_module_list(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_module_show(rk_cli *cli, rk_error *error);
/* cmd_schema_cases.c: `module check --schema-cases` */
RK_MUST_USE rk_status rki_cmd_schema_cases(rk_cli *cli, rk_error *error);
/* cmd_append.c */
RK_MUST_USE rk_status rki_cmd_append(rk_cli *cli, rk_error *error);
/* cmd_expr.c */
RK_MUST_USE rk_status rki_cmd_expr(rk_cli *cli, rk_error *error);
/* cmd_events.c */
RK_MUST_USE rk_status rki_cmd_get(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_log(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_pending(rk_cli *cli, rk_error *error);
/* Prints an event with its place, as one JSON object or one line. */
RK_MUST_USE rk_status rki_print_entry(const rk_cli *cli, const rk_entry *entry, rk_error *error);
/* cmd_serve.c */
RK_MUST_USE rk_status rki_cmd_serve(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_token(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_sign(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_login(rk_cli *cli, rk_error *error);
/* cmd_health.c */
RK_MUST_USE rk_status rki_cmd_health(rk_cli *cli, rk_error *error);
/* cmd_found.c */
RK_MUST_USE rk_status rki_cmd_found_request(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_found_sign(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_quota(rk_cli *cli, rk_error *error);
/* A key pair of a file in the form of DATA/keys. RK_BAD_FILE. */
RK_MUST_USE rk_status rki_key_file_read(rk_cli *cli, const char *path, rk_key_pair *pair_out, rk_error *error);
/* cmd_query.c */
RK_MUST_USE rk_status rki_cmd_query(rk_cli *cli, rk_error *error);
/* cmd_exchange.c */
RK_MUST_USE rk_status rki_cmd_export(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_import(rk_cli *cli, rk_error *error);
/* Writes all that is known after `position` as an export, with the invitation before it when there is one. */
RK_MUST_USE rk_status rki_export_write(rk_cli *cli, rk_file_writer *writer, uint64_t position,
                                       const rk_invitation *invitation, uint64_t *frames_out, rk_error *error);
RK_MUST_USE rk_status rki_print_import(const rk_cli *cli, const rk_import_report *report, rk_error *error);
/* cmd_backup.c */
RK_MUST_USE rk_status rki_cmd_backup(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_restore(rk_cli *cli, rk_error *error);
/* cmd_check.c */
RK_MUST_USE rk_status rki_cmd_replay(rk_cli *cli, rk_error *error);
RK_MUST_USE rk_status rki_cmd_verify(rk_cli *cli, rk_error *error);
/* cmd_trace.c */
RK_MUST_USE rk_status rki_cmd_trace(rk_cli *cli, const char *path, rk_error *error);

#endif
