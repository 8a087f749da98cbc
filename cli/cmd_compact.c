/*
 * cmd_compact.c - `duet compact`: gives disk back after deletions.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/print.h"
#include "db/duet_keep.h"

static enum exit_code run(const struct cli *cli)
{
    if (cli->url != NULL) {
        return cli_usage("this works on a database here, not on --url");
    }
    struct duet_compact_result r;
    struct duet_options o = {.path = cli->db, .n_threads = (unsigned)cli->n_threads};
    enum err result = duet_compact(&o, &r);
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    if (cli->json) {
        printf("{\"bytes_before\":%llu,\"bytes_after\":%llu,\"moved\":%zu}\n",
               (unsigned long long)r.bytes_before, (unsigned long long)r.bytes_after,
               r.n_moved);
    } else if (!cli->quiet) {
        char before[PRINT_BYTES_MAX];
        char after[PRINT_BYTES_MAX];
        printf("%s before, %s now\n", print_bytes(before, r.bytes_before),
               print_bytes(after, r.bytes_after));
    }
    return EXIT_DONE;
}

const struct cli_command cmd_compact = {
    .name = "compact",
    .arguments = "",
    .summary = "give back the disk that deleted points took",
    .about =
        "Moves the vectors out of what is mostly dead, builds the segments of it "
        "again,\n"
        "and puts a copy of the store without free pages in its place. Until then the\n"
        "disk holds both. It has to be alone: while another process has the database\n"
        "open, reading or writing, it changes nothing and ends with 5. A kill at any\n"
        "moment leaves the old store or the new one.\n",
    .example = "  duet rm 1 2 3 && duet compact\n",
    .run = run,
};
