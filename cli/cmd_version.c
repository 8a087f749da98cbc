/*
 * cmd_version.c - `duet version`.
 */
#include <stdio.h>

#include "cli/cli.h"

static enum exit_code run(const struct cli *cli)
{
    if (cli->json) {
        printf("{\"version\":\"%s\"}\n", duet_version());
    } else {
        printf("duet %s\n", duet_version());
    }
    return EXIT_DONE;
}

const struct cli_command cmd_version = {
    .name = "version",
    .arguments = "",
    .summary = "print the version",
    .about = "Prints the version of the program and of the library inside it.\n",
    .example = "  duet version\n",
    .run = run,
};
