/*
 * cmd_rm.c - `duet rm`: removes points, by ids or by filter; the picture files stay
 * where they are.
 */
#include <stdint.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/target.h"

static enum exit_code print_removed(const struct cli *cli, size_t n_removed)
{
    if (cli->json) {
        printf("{\"removed\":%zu}\n", n_removed);
    } else if (!cli->quiet && cli->filter != NULL) {
        printf("%zu removed\n", n_removed);
    } else if (!cli->quiet) {
        printf("%zu of %zu removed\n", n_removed, cli->n_args);
    }
    return n_removed == 0 ? EXIT_NO_RESULT : EXIT_DONE;
}

static enum exit_code remove_points(struct target *target)
{
    struct duet_id *ids;
    size_t n_removed;
    enum err result = target_ids(target, &ids);
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    result = target_remove(target, ids, target->cli->n_args, &n_removed);
    alloc_free(ids);
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    return print_removed(target->cli, n_removed);
}

static enum exit_code remove_where(struct target *target)
{
    size_t n_removed;
    enum err result = target_remove_where(target, &n_removed);
    return result != ERR_OK ? cli_fail(result) : print_removed(target->cli, n_removed);
}

static enum exit_code run(const struct cli *cli)
{
    struct target target;
    if ((cli->filter != NULL) == (cli->n_args > 0)) {
        return cli_usage("rm: say ids or paths, or --filter JSON");
    }
    enum exit_code code =
        target_open(&target, cli, (struct duet_options){.write = true});
    if (code == EXIT_DONE) {
        code = cli->filter != NULL ? remove_where(&target) : remove_points(&target);
        target_close(&target);
    }
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_FILTER("all that matches, as docs/HTTP.md says"),
    CLI_OPTION_END,
};

const struct cli_command cmd_rm = {
    .name = "rm",
    .arguments = "ID|PATH... | --filter JSON",
    .summary = "remove points from the database (no file is touched)",
    .about = "Removes the points with these ids, or of these picture files. The files\n"
             "stay; a later 'duet add' of their folder takes them in again.\n",
    .example = "  duet rm 42 43\n"
               "  duet rm ~/Pictures/blurred.jpg\n"
               "  duet rm --filter '{\"must\": {\"key\": \"width\", \"range\": "
               "{\"lt\": 200}}}'\n",
    .options = options,
    .max_args = SIZE_MAX,
    .run = run,
};
