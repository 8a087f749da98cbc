/*
 * cmd_get.c - `duet get`: points by id or path, with their whole payload.
 */
#include <stdint.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/target.h"

static enum exit_code print_got(const struct cli *cli, const struct duet_hits *hits)
{
    if (hits->n < cli->n_args && !cli->quiet) {
        cli_tell("%zu of %zu are not there", cli->n_args - hits->n, cli->n_args);
    }
    if (hits->n == 0) {
        return EXIT_NO_RESULT;
    }
    return cli_fail(print_points(cli, hits));
}

static enum exit_code get(struct target *target)
{
    struct duet_id *ids;
    struct duet_hits hits;
    enum err result = target_ids(target, &ids);
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    result = target_get(target, ids, target->cli->n_args, &hits);
    alloc_free(ids);
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    enum exit_code code = print_got(target->cli, &hits);
    duet_hits_release(&hits);
    return code;
}

static enum exit_code run(const struct cli *cli)
{
    struct target target;
    enum exit_code code = target_open(&target, cli, (struct duet_options){0});
    if (code == EXIT_DONE) {
        code = get(&target);
        target_close(&target);
    }
    return code;
}

const struct cli_command cmd_get = {
    .name = "get",
    .arguments = "ID|PATH...",
    .summary = "print points with all that is known of them",
    .about =
        "Prints the points with these ids, or of these picture files, each with its\n"
        "whole payload. A file whose name is an id is said with its folder: ./42\n",
    .example = "  duet get 42\n"
               "  duet get ~/Pictures/dog.jpg --json\n",
    .min_args = 1,
    .max_args = SIZE_MAX,
    .run = run,
};
