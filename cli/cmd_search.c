/*
 * cmd_search.c - `duet search`: the nearest pictures or texts to words or a picture.
 */
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/target.h"

enum { K_DEFAULT = 10 };

/* The words of the command line as one text, so that quotes may be left out. */
static enum err join_words(struct buf *text, const struct cli *cli)
{
    for (size_t i = 0; i < cli->n_args; i++) {
        TRY(buf_printf(text, "%s%s", i > 0 ? " " : "", cli->args[i]));
    }
    FAIL_IF(text->data[strspn(text->data, " \t\n")] == '\0', ERR_INVALID,
            "the query is empty");
    FAIL_IF(!utf8_valid(text->data, text->size), ERR_INVALID, "the query is not UTF-8");
    return ERR_OK;
}

/* The query borrows its words from `text`. */
static enum err query_of(struct duet_query *query, const struct cli *cli,
                         struct buf *text)
{
    *query = DUET_QUERY_DEFAULT;
    query->k = cli->k > 0 ? cli->k : K_DEFAULT;
    query->in = cli->in;
    query->exact = cli->exact;
    query->filter = cli->filter;
    FAIL_IF((cli->image != NULL) == (cli->n_args > 0), ERR_INVALID,
            "say what to search for: words, or --image FILE");
    if (cli->image != NULL) {
        query->input = duet_input_file(cli->image);
        return ERR_OK;
    }
    TRY(join_words(text, cli));
    query->input = duet_input_text(text->data);
    return ERR_OK;
}

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

static enum exit_code search(const struct cli *cli, const struct duet_query *query)
{
    struct duet_hits hits;
    struct target target;
    enum exit_code code = target_open(&target, cli, (struct duet_options){0});
    if (code != EXIT_DONE) {
        return code;
    }
    enum err result = target_search(&target, query, &hits);
    code = cli_fail(result);
    if (result == ERR_OK) {
        code = print_found(cli, &hits);
        duet_hits_release(&hits);
    }
    target_close(&target);
    return code;
}

static enum exit_code run(const struct cli *cli)
{
    struct duet_query query;
    struct buf text;
    if (cli->url != NULL && cli->decode != NULL) {
        return cli_usage("--decode is for a database here; a server has its own");
    }
    buf_init(&text, LIMIT_TEXT_BYTES);
    enum exit_code code = cli_fail(query_of(&query, cli, &text));
    if (code == EXIT_DONE) {
        code = search(cli, &query);
    }
    buf_release(&text);
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_TEXT("image", image, "FILE", "search for what this picture shows"),
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
    .arguments = "WORDS... | --image FILE",
    .summary = "find pictures and captions by words or by a picture",
    .about = "Prints the nearest of the database, best first: rank, score, path and\n"
             "caption. A score is the cosine of two vectors; scores of searches among\n"
             "pictures and among texts are not to be compared with each other.\n"
             "With --json a line is {\"id\", \"score\", \"space\", \"source\", "
             "\"payload\"}.\n",
    .example =
        "  duet search \"a dog running on a beach\"\n"
        "  duet search 一只狗在海滩上 -k 3\n"
        "  duet search --image dog.jpg --in text\n"
        "  duet search \"a dog\" --filter '{\"must\": {\"key\": \"taken\", \"range\": "
        "{\"gte\": \"2024-01-01\"}}}'\n",
    .options = options,
    .max_args = SIZE_MAX,
    .run = run,
};
