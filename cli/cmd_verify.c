/*
 * cmd_verify.c - `duet verify`: is all that is stored whole, and does it agree?
 */
#include "cli/cli.h"
#include "cli/findings.h"

static enum exit_code verify(const struct cli *cli, struct duet *db)
{
    struct duet_check_result r;
    struct duet_check_options options = {findings_print, (void *)(size_t)cli};
    enum err result = duet_verify(db, &options, &r);
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    findings_print_result(cli, &r,
                          r.n_damage > 0    ? "damaged; 'duet repair' mends what can be"
                          : r.n_derived > 0 ? "'duet repair' makes what is wrong again"
                                            : "sound");
    return r.n_damage + r.n_derived > 0 ? EXIT_DAMAGED : EXIT_DONE;
}

static enum exit_code run(const struct cli *cli)
{
    return cli_read_database(cli, verify);
}

const struct cli_command cmd_verify = {
    .name = "verify",
    .arguments = "",
    .summary = "check that all that is stored is whole and agrees",
    .about =
        "Reads every page, point, vector, source, segment and picture of the database\n"
        "as of one moment, and compares whatever tells of the same thing. A writer "
        "may\n"
        "go on meanwhile. Each finding is a line: 'damage' is lost unless a backup "
        "has\n"
        "it, 'derived' is what 'duet repair' makes again, a 'leftover' does no harm.\n"
        "The exit code is 7 where something is damaged or has to be made again.\n",
    .example = "  duet verify\n"
               "  duet verify --db photos.db --json | jq .text\n",
    .run = run,
};
