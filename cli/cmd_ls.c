/*
 * cmd_ls.c - `duet ls`: what is in the collection, in the order of ids.
 */
#include <stdint.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/print.h"
#include "cli/target.h"

enum { PAGE_POINTS = 256 };

/* The id that comes right after `id`; false behind the last of all. */
static bool id_next(struct duet_id *id)
{
    if (!id->is_uuid) {
        id->is_uuid = id->number == UINT64_MAX;
        id->number = id->is_uuid ? 0 : id->number + 1;
        return true;
    }
    for (size_t i = sizeof id->uuid; i > 0; i--) {
        id->uuid[i - 1]++;
        if (id->uuid[i - 1] != 0) {
            return true;
        }
    }
    return false;
}

/* Prints the hits; *next is where the page after this one begins. Sets *last where
 * there is none. */
static enum err print_page(const struct cli *cli, const struct duet_hits *hits,
                           struct duet_id *next, bool *last)
{
    TRY(print_hits(cli, hits, PRINT_LISTED));
    if (hits->n > 0) {
        *next = hits->hits[hits->n - 1].id;
        *last = *last || !id_next(next);
    }
    return ERR_OK;
}

static enum err list(struct target *target, size_t n_left)
{
    struct duet_id next;
    const struct duet_id *from = NULL;
    bool last = false;
    while (!last && n_left > 0 && !ferror(stdout)) {
        struct duet_hits hits;
        size_t limit = n_left < PAGE_POINTS ? n_left : PAGE_POINTS;
        TRY(target_scroll(target, from, limit, &hits));
        last = hits.n < limit;
        n_left -= hits.n;
        enum err result = print_page(target->cli, &hits, &next, &last);
        duet_hits_release(&hits);
        TRY(result);
        from = &next;
    }
    return ERR_OK;
}

static enum exit_code run(const struct cli *cli)
{
    struct target target;
    enum exit_code code = target_open(&target, cli, (struct duet_options){0});
    if (code == EXIT_DONE) {
        code = cli_fail(list(&target, cli->k > 0 ? cli->k : SIZE_MAX));
        target_close(&target);
    }
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_NUMBER("count", 'k', k, SIZE_MAX, "how many to print (else all)"),
    CLI_OPTION_FILTER("only what matches, as docs/HTTP.md says"),
    CLI_OPTION_END,
};

const struct cli_command cmd_ls = {
    .name = "ls",
    .arguments = "",
    .summary = "list what is in the database",
    .about = "Prints path (or id) and caption of each point, in the order of ids.\n"
             "With --json a line is {\"id\", \"source\", \"payload\"}.\n",
    .example = "  duet ls -k 20\n"
               "  duet ls --filter '{\"must\": {\"is_empty\": {\"key\": \"text\"}}}'\n"
               "  duet ls --json | wc -l\n",
    .options = options,
    .run = run,
};
