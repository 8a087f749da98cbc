/*
 * cmd_reembed.c - `duet reembed`: a collection's vectors made again by another model.
 */
#include <stdio.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "db/duet_keep.h"

enum {
    LOST_TOLD_MAX = 20
}; /* lines about what cannot be made; then only their number */

struct run {
    struct progress progress;
    size_t n_told;
    bool surveyed;
};

static bool on_progress(void *arg, const struct duet_reembed_progress *now)
{
    struct run *run = arg;
    if (now->surveyed && !run->surveyed) {
        run->surveyed = true;
        progress_clear(&run->progress);
        progress_init(&run->progress, run->progress.quiet); /* another pace */
    }
    const struct progress_items items = {now->surveyed ? NULL : "looking", now->n_done,
                                         now->n_total, now->seconds};
    progress_show_items(&run->progress, &items);
    return !interrupt_seen();
}

static void on_lost(void *arg, struct duet_id id, const char *space, const char *reason)
{
    struct run *run = arg;
    char text[DUET_ID_TEXT_MAX];
    if (run->n_told++ == LOST_TOLD_MAX) {
        cli_tell("... and more");
    }
    if (run->n_told <= LOST_TOLD_MAX) {
        progress_clear(&run->progress);
        duet_id_format(id, text);
        cli_tell("%s: its vector '%s' cannot be made again: %s", text, space, reason);
    }
}

static void print_done(const struct cli *cli, const struct duet_reembed_progress *done)
{
    if (cli->json) {
        printf("{\"vectors\":%zu,\"made\":%zu,\"lost\":%zu,\"seconds\":%.3f}\n",
               done->n_total, done->n_made, done->n_lost, done->seconds);
    } else if (!cli->quiet && done->n_made == 0 && done->n_total == 0) {
        puts("nothing to do");
    } else if (!cli->quiet) {
        printf("%zu vectors made", done->n_made);
        if (done->n_lost > 0) {
            printf(", %zu dropped", done->n_lost);
        }
        printf(" in %.1f s\n", done->seconds);
    }
}

static enum exit_code finish(const struct cli *cli, enum err result,
                             const struct duet_reembed_progress *done)
{
    if (result == ERR_CANCELLED) {
        if (!cli->quiet) {
            cli_tell("interrupted at %zu of %zu vectors; the same command goes on from "
                     "here, 'duet reembed --abort' gives it up",
                     done->n_done, done->n_total);
        }
        return EXIT_INTERRUPTED;
    }
    if (result != ERR_OK) {
        enum exit_code code = cli_fail(result);
        if (done->n_lost > 0 && !cli->drop_missing && !cli->quiet) {
            cli_tell("with --drop-missing their points lose those vectors");
        }
        return code;
    }
    print_done(cli, done);
    return EXIT_DONE;
}

static enum exit_code reembed(const struct cli *cli, struct duet *db)
{
    struct run run = {.n_told = 0};
    struct duet_reembed_progress done;
    struct duet_reembed_options options = {
        .model = cli->model,
        .drop_missing = cli->drop_missing,
        .progress = on_progress,
        .lost = on_lost,
        .arg = &run,
    };
    const char *collection = cli->n_args > 0 ? cli->args[0] : cli->collection;
    if (cli->abort) {
        return cli_fail(duet_reembed_abort(db, collection));
    }
    progress_init(&run.progress, cli->quiet);
    enum err result = duet_reembed(db, collection, &options, &done);
    progress_clear(&run.progress);
    return finish(cli, result, &done);
}

static enum exit_code run(const struct cli *cli)
{
    struct duet *db;
    if (cli->url != NULL) {
        return cli_usage("reembed works on a database here, not on --url");
    }
    interrupt_watch(); /* loses no more than the group under way */
    enum exit_code code = cli_open(&db, cli, (struct duet_options){.write = true});
    if (code == EXIT_DONE) {
        code = reembed(cli, db);
        duet_close(db);
    }
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_FLAG("drop-missing", 0, drop_missing,
                    "points lose the vectors that cannot be made again"),
    CLI_OPTION_FLAG("abort", 0, abort, "give up a run that was not finished"),
    CLI_OPTION_NUMBER("threads", 0, n_threads, LIMIT_THREADS_MAX,
                      "how many to work on (else one a core)"),
    CLI_OPTION_END,
};

const struct cli_command cmd_reembed = {
    .name = "reembed",
    .arguments = "[COLLECTION]",
    .summary = "make a collection's vectors again by another model",
    .about =
        "Encodes what the vectors of a collection were made from with the model that\n"
        "--model names (else the default one), beside the old vectors, which are\n"
        "searched meanwhile; then switches over at one moment. It needs the picture\n"
        "files as they were added; captions, other texts and uploads are kept in the\n"
        "database. If any of that is gone, that is told before anything is changed.\n"
        "\n"
        "It writes, so no server can have the database open meanwhile; programs that\n"
        "only read can, and have to be started again after the switch to search by\n"
        "text or picture. After ^C or a crash the same command goes on.\n",
    .example = "  duet model pull openai/clip-vit-base-patch32\n"
               "  duet reembed --model openai/clip-vit-base-patch32\n",
    .options = options,
    .max_args = 1,
    .run = run,
};
