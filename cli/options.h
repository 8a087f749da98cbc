/*
 * options.h - the command line into `struct cli`, by tables and getopt_long.
 *
 *     size_t n;
 *     TRY(options_parse_global(&cli, argc, argv, &n));   // argv[n] is the command
 *     TRY(options_parse(&cli, command, argc - n, argv + n));
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/cli.h"

/* The options that every command takes; ends with one without a name. */
extern const struct cli_option options_global[];

/* Reads the options before the command; *n_read arguments, the program's name among
 * them, belong to them. ERR_INVALID with a sentence. */
enum err options_parse_global(struct cli *cli, int argc, char **argv, int *n_read)
    ERR_CHECK;

/* Reads the rest, argv[0] being the command's name: global and own options in any
 * order, and what is no option into cli->args (argv is sorted so). */
enum err options_parse(struct cli *cli, const struct cli_command *command, int argc,
                       char **argv) ERR_CHECK;

/* Sets one option from `text`, as the command line would; a flag is "true" or "false"
 * (or yes, no, on, off, 1, 0), NULL being true. `label` is what messages call it. */
enum err options_set(struct cli *cli, const struct cli_option *option,
                     const char *label, const char *text) ERR_CHECK;

/* Whether the command line said this option. */
bool options_was_said(const struct cli *cli, const struct cli_option *option);

#endif
