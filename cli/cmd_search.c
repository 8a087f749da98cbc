/*
 * cmd_search.c - `duet search`: the nearest pictures or texts to words, pictures, or a mix
 * of them.
 */
#include <stdint.h>

#include "base/limits.h"
#include "cli/print.h"
#include "cli/search_query.h"

static enum exit_code print_found(const struct cli *cli, const struct duet_hits *hits)
{
    if (hits->truncated && !cli->quiet) {
        cli_tell("the query is longer than the model reads; its end was left out");
    }
    if (hits->n == 0) {
        if (!cli->quiet) {
            cli_tell("nothing found");
        }
        return EXIT_NO_RESULT;
    }
    return cli_fail(print_hits(cli, hits, PRINT_RANKED));
}

static enum exit_code search(const struct cli *cli, struct search_query *q)
{
    struct duet_hits hits = {0};
    struct target target;
    enum exit_code code = target_open(&target, cli, (struct duet_options){0});
    if (code != EXIT_DONE) {
        return code;
    }
    enum err result = search_query_find(q, &target);
    if (result == ERR_OK) {
        result = target_search(&target, &q->query, &hits);
    }
    code = result == ERR_OK ? print_found(cli, &hits) : cli_fail(result);
    duet_hits_release(&hits);
    target_close(&target);
    return code;
}

static enum exit_code run(const struct cli *cli)
{
    struct search_query q;
    if (cli->url != NULL && cli->decode != NULL) {
        return cli_usage("--decode is for a database here; a server has its own");
    }
    search_query_init(&q);
    enum exit_code code = cli_fail(search_query_read(&q, cli));
    if (code == EXIT_DONE) {
        code = search(cli, &q);
    }
    search_query_release(&q);
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_TEXTS("image", pictures, "FILE[:WEIGHT]",
                     "search for what this picture shows"),
    CLI_OPTION_TEXTS("text", also, "TEXT[:WEIGHT]",
                     "... and for this, beside the words"),
    CLI_OPTION_TEXTS("not", not, "TEXT[:WEIGHT]",
                     "... and away from this (else by 0.5)"),
    CLI_OPTION_TEXTS("like", like, "ID|PATH", "search for what is like this picture"),
    CLI_OPTION_TEXTS("unlike", unlike, "ID|PATH", "... and unlike this one"),
    CLI_OPTION_TEXT("strategy", strategy, "average|best|sum",
                    "how --like and --unlike count (else average)"),
    CLI_OPTION_TEXT("in", in, "SPACE", "image (the default), text (captions) or any"),
    CLI_OPTION_NUMBER("count", 'k', k, LIMIT_K_MAX, "how many to print (else 10)"),
    CLI_OPTION_FILTER("only what matches, as docs/HTTP.md says"),
    CLI_OPTION_FLAG("exact", 0, exact,
                    "compare with every vector: slow, and the truth"),
    CLI_OPTION_TEXT("decode", decode, "exact|fast",
                    "large JPEGs whole, or shrunk on the way (else fast)"),
    CLI_OPTION_END,
};

const struct cli_command cmd_search = {
    .name = "search",
    .arguments = "WORDS... | --image FILE | --like ID",
    .summary = "find pictures and captions by words or by a picture",
    .about =
        "Prints the nearest of the database, best first: rank, score, path and\n"
        "caption. A score is the cosine of two vectors; scores of searches among\n"
        "pictures and among texts are not to be compared with each other.\n"
        "\n"
        "Several things asked for are a mix: words count 1, and what says so with\n"
        "\":WEIGHT\" behind it counts that much, less than 0 to lead away from it.\n"
        "With --like or --unlike all are examples, without weights.\n"
        "\n"
        "With --json a line is {\"id\", \"score\", \"space\", \"source\", "
        "\"payload\"}.\n",
    .example =
        "  duet search \"a dog running on a beach\"\n"
        "  duet search 一只狗在海滩上 -k 3\n"
        "  duet search --image dog.jpg --in text\n"
        "  duet search \"red shoes\" --image pic.jpg:0.7 --not blurry\n"
        "  duet search --like 17 --like 21 --unlike ~/Pictures/rain.jpg\n"
        "  duet search \"a dog\" --filter '{\"must\": {\"key\": \"taken\", \"range\": "
        "{\"gte\": \"2024-01-01\"}}}'\n",
    .options = options,
    .max_args = SIZE_MAX,
    .run = run,
};
