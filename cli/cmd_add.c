/*
 * cmd_add.c - `duet add`: pictures and folders of pictures into the database.
 */
#include <stdint.h>
#include <stdio.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/remote_add.h"

static bool on_progress(void *arg, const struct duet_add_progress *now)
{
    progress_show(arg, now);
    return !interrupt_seen();
}

static void on_failed(void *arg, const char *path, enum err code, const char *reason)
{
    (void)code;
    progress_clear(arg);
    cli_tell("%s: %s", path, reason);
}

static void print_json(const struct duet_add_progress *done)
{
    printf("{\"found\":%zu,\"added\":%zu,\"updated\":%zu,\"unchanged\":%zu,"
           "\"moved\":%zu,\"failed\":%zu,\"pruned\":%zu,\"seconds\":%.3f,"
           "\"cpu_seconds\":%.3f}\n",
           done->n_found, done->n_added, done->n_updated, done->n_unchanged,
           done->n_moved, done->n_failed, done->n_pruned, done->seconds,
           done->cpu_seconds);
}

static void print_human(const struct duet_add_progress *done)
{
    const struct {
        size_t n;
        const char *what;
    } parts[] = {
        {done->n_added, "added"},   {done->n_updated, "updated"},
        {done->n_moved, "moved"},   {done->n_unchanged, "unchanged"},
        {done->n_pruned, "pruned"}, {done->n_failed, "failed"},
    };
    const char *between = "";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].n > 0) {
            printf("%s%zu %s", between, parts[i].n, parts[i].what);
            between = ", ";
        }
    }
    printf("%s in %.1f s\n", between[0] == '\0' ? "nothing to do" : "", done->seconds);
}

static enum exit_code finish(const struct cli *cli, enum err result,
                             const struct duet_add_progress *done)
{
    if (result != ERR_OK && result != ERR_CANCELLED) {
        return cli_fail(result);
    }
    if (cli->json) {
        print_json(done);
    } else if (!cli->quiet) {
        print_human(done);
    }
    if (result == ERR_CANCELLED) {
        if (!cli->quiet) {
            cli_tell("interrupted; the same command goes on from here");
        }
        return EXIT_INTERRUPTED;
    }
    return done->n_failed > 0 ? EXIT_SOME_FAILED : EXIT_DONE;
}

static enum exit_code run(const struct cli *cli)
{
    struct duet *db = NULL;
    struct duet_add_progress done = {0};
    struct progress progress;
    if (cli->url != NULL && (cli->prune || cli->decode != NULL)) {
        return cli_usage("--prune and --decode are for a database here, not for --url");
    }
    if (cli->n_args == 0 && cli->jsonl == NULL) {
        return cli_usage("add what? Say files, folders or --jsonl FILE");
    }
    interrupt_watch(); /* loses no more than the commit under way */
    struct duet_options open_options = {.write = true, .create = true};
    enum exit_code code =
        cli->url != NULL ? EXIT_DONE : cli_open(&db, cli, open_options);
    if (code != EXIT_DONE) {
        return code;
    }
    progress_init(&progress, cli->quiet);
    struct duet_add_options options = {
        .paths = cli->args,
        .n_paths = cli->n_args,
        .jsonl = cli->jsonl,
        .prune = cli->prune,
        .hidden = cli->hidden,
        .n_threads = (unsigned)cli->n_threads,
        .progress = on_progress,
        .failed = on_failed,
        .arg = &progress,
    };
    enum err result = cli->url != NULL ? remote_add(cli, &options, &done)
                                       : duet_add(db, cli->collection, &options, &done);
    progress_clear(&progress);
    code = finish(cli, result, &done);
    duet_close(db);
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_FLAG("prune", 0, prune, "remove points whose files below PATH are gone"),
    CLI_OPTION_TEXT("jsonl", jsonl, "FILE", "take pictures and captions listed there"),
    CLI_OPTION_FLAG("hidden", 0, hidden, "also enter what begins with a dot"),
    CLI_OPTION_NUMBER("threads", 0, n_threads, LIMIT_THREADS_MAX,
                      "how many to work on (else one a core)"),
    CLI_OPTION_TEXT("decode", decode, "exact|fast",
                    "large JPEGs whole, or shrunk on the way (else fast)"),
    CLI_OPTION_END,
};

const struct cli_command cmd_add = {
    .name = "add",
    .arguments = "PATH...",
    .summary = "take in pictures, and folders of pictures with all below them",
    .about =
        "Reads JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP, TGA, PSD, PNM and HDR, told by\n"
        "what is in the file. Run it again at any time: only what is new, changed or\n"
        "moved is done. A picture that cannot be read is told and left out.\n"
        "\n"
        "Captions come from a file beside the picture: dog.txt (its first line; lines\n"
        "such as zh_CN.utf8=... are translations) or dog.json ({\"text\": \"...\",\n"
        "\"payload\": {...}}). With --jsonl they come from a file whose every line is\n"
        "{\"path\": \"...\", \"text\": \"...\", \"payload\": {...}, \"id\": ...}; all "
        "but\n"
        "\"path\", which is relative to that file, may be left out.\n"
        "\n"
        "With --url the pictures are sent to a server, which encodes and keeps them; "
        "a\n"
        "file that has moved is another one there.\n",
    .example = "  duet add ~/Pictures --prune\n"
               "  duet --db shop.db add --jsonl products.jsonl\n",
    .options = options,
    .max_args = SIZE_MAX,
    .run = run,
};
