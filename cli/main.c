/*
 * main.c - the `duet` program: finds the command, reads its options, runs it.
 */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/suggest.h"

const struct cli_command *const cli_commands[] = {
    &cmd_add,     &cmd_search,  &cmd_get,     &cmd_ls,     &cmd_rm,       &cmd_stats,
    &cmd_model,   &cmd_serve,   &cmd_embed,   &cmd_label,  &cmd_describe, &cmd_export,
    &cmd_import,  &cmd_backup,  &cmd_restore, &cmd_verify, &cmd_repair,   &cmd_compact,
    &cmd_eval,    &cmd_explain, &cmd_reembed, &cmd_index,  &cmd_snapshot, &cmd_help,
    &cmd_version, NULL,
};

const struct cli_command *cli_command_find(const char *name)
{
    const char *names[sizeof cli_commands / sizeof cli_commands[0]];
    size_t n = 0;
    for (; cli_commands[n] != NULL; n++) {
        names[n] = cli_commands[n]->name;
        if (strcmp(names[n], name) == 0) {
            return cli_commands[n];
        }
    }
    const char *nearest = suggest_nearest(name, names, n);
    if (nearest != NULL) {
        cli_usage("there is no command '%s'; did you mean '%s'?", name, nearest);
    } else {
        cli_usage("there is no command '%s' ('duet help' lists them)", name);
    }
    return NULL;
}

static enum exit_code run_command(struct cli *cli, int argc, char **argv)
{
    const struct cli_command *command = cli_command_find(argv[0]);
    if (command == NULL) {
        return EXIT_USAGE;
    }
    if (options_parse(cli, command, argc, argv) != ERR_OK) {
        return cli_usage("%s ('duet help %s' tells more)", err_detail(), command->name);
    }
    if (cli->help) {
        help_print_command(command);
        return EXIT_DONE;
    }
    if (cli->n_args < command->min_args || cli->n_args > command->max_args) {
        return cli_usage("it is: duet %s %s ('duet help %s' tells more)", command->name,
                         command->arguments, command->name);
    }
    log_set_level(cli->verbose ? LOG_DEBUG : cli->quiet ? LOG_ERROR : LOG_WARN);
    return command->run(cli);
}

static enum exit_code run(struct cli *cli, int argc, char **argv)
{
    int n = 0;
    if (options_parse_global(cli, argc, argv, &n) != ERR_OK) {
        return cli_usage("%s ('duet help' tells more)", err_detail());
    }
    if (n < argc) {
        return run_command(cli, argc - n, argv + n);
    }
    help_print_all(cli->help ? stdout : stderr);
    return cli->help ? EXIT_DONE : EXIT_USAGE;
}

/* Whether whoever read our output has left, as head and less do. */
static bool reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* What could not be printed must not look done; a reader that has left is no failure.
 * The write that failed may be long ago, so errno alone would not tell; a
 * disk that is still full does. */
static enum exit_code finish_output(enum exit_code code)
{
    bool flushed = fflush(stdout) == 0;
    int errnum = errno;
    if ((flushed && !ferror(stdout)) || reader_left()) {
        return code;
    }
    struct statvfs disk;
    if (flushed) {
        bool full = fstatvfs(STDOUT_FILENO, &disk) == 0 && disk.f_bavail == 0;
        errnum = full ? ENOSPC : EIO;
    }
    return cli_fail(err_errno(errnum, "standard output"));
}

int main(int argc, char **argv)
{
    const char *db = getenv("DUET_DB");
    struct cli cli = {
        .db = db != NULL && db[0] != '\0' ? db : CLI_DB_DEFAULT,
        .collection = "default",
    };
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a full disk, not a crash */
    return (int)finish_output(run(&cli, argc, argv));
}
