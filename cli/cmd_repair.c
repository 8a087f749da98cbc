/*
 * cmd_repair.c - `duet repair`: makes again what can be made again.
 */
#include "cli/cli.h"
#include "cli/findings.h"

static const struct cli_option options[] = {
    CLI_OPTION_FLAG("dry-run", 'n', dry_run, "only tell what would be done"),
    CLI_OPTION_END,
};

static enum exit_code run(const struct cli *cli)
{
    if (cli->url != NULL) {
        return cli_usage("this works on a database here, not on --url");
    }
    struct duet_check_result r;
    struct duet_repair_options o = {
        .check = {findings_print, (void *)(size_t)cli},
        .path = cli->db,
        .dry_run = cli->dry_run,
    };
    enum err result = duet_repair(&o, &r);
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    size_t n = r.n_damage + r.n_derived;
    findings_print_result(cli, &r,
                          n == 0         ? "nothing to do"
                          : cli->dry_run ? "this would be done"
                                         : "done");
    return EXIT_DONE;
}

const struct cli_command cmd_repair = {
    .name = "repair",
    .arguments = "[--dry-run]",
    .summary = "make again what is derived: indexes, tables, counts, thumbnails",
    .about =
        "Goes by the points and their vectors, and makes again what follows from them\n"
        "or from picture files that are there. What can be read is kept; a row that\n"
        "cannot be is taken out, and told. Make a copy of the folder first. A "
        "database\n"
        "whose pages are broken is refused: only a backup helps then.\n",
    .example = "  duet repair --dry-run\n"
               "  duet repair && duet verify\n",
    .options = options,
    .run = run,
};
