/*
 * help.h - the help screens, made from the tables of commands, options and exit codes.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/cli.h"

/* The screen of the program: commands, global options, exit codes. */
void help_print_all(FILE *out);

/* The screen of one command, on stdout. */
void help_print_command(const struct cli_command *command);

#endif
