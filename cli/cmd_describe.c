/*
 * cmd_describe.c - `duet describe`: the sentences that fit a picture best, out of the
 * captions of a collection or of a list. Nothing is written anew.
 */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/ranked.h"
#include "cli/target.h"

enum { K_DEFAULT = 5, K_MAX = 1000 };

static const struct ranked_words from_captions = {
    .list = "phrases", .text = "text", .value = "score", .from = "captions"};
static const struct ranked_words from_phrases = {
    .list = "phrases", .text = "text", .value = "score", .from = "phrases"};

/* One run: over the captions of `target`, or over `phrases`. */
struct describe {
    const struct cli *cli;
    size_t k;
    bool captions;
    struct target target;
    struct duet_encoder *encoder;
    struct duet_phrases *phrases;
    struct duet_phrase *found; /* [k] */
    struct ranked *items;      /* [k] */
};

/* ---- Captions ---- */

/* Copies the captions of the hits that are not there yet into items[k]; the number of
 * them. Several pictures may have one caption. */
static enum err take_captions(struct describe *d, const struct duet_hits *hits,
                              size_t *n)
{
    struct buf caption;
    enum err result = ERR_OK;
    *n = 0;
    buf_init(&caption, LIMIT_PAYLOAD_BYTES);
    for (size_t i = 0; result == ERR_OK && i < hits->n && *n < d->k; i++) {
        bool again = false;
        buf_clear(&caption);
        result = print_caption(&caption, &hits->hits[i]);
        for (size_t j = 0; j < *n; j++) {
            again = again || strcmp(d->items[j].text, caption.data) == 0;
        }
        if (result == ERR_OK && caption.size > 0 && !again) {
            char *text = buf_take(&caption);
            result = text == NULL ? ERR_NOMEM : ERR_OK;
            d->items[*n] = (struct ranked){text, (double)hits->hits[i].score};
            *n += text != NULL;
        }
    }
    buf_release(&caption);
    return result;
}

/* Asks for more than `k`, and for all there may be where captions repeat too often. */
static enum err describe_by_captions(struct describe *d, const char *path, size_t *n)
{
    struct duet_query query = DUET_QUERY_DEFAULT;
    query.input = duet_input_file(path);
    query.in = "text";
    query.k = 4 * d->k;
    for (;;) {
        struct duet_hits hits;
        TRY(target_search(&d->target, &query, &hits));
        enum err result = take_captions(d, &hits, n);
        bool all = hits.n < query.k || query.k == LIMIT_K_MAX;
        duet_hits_release(&hits);
        if (result != ERR_OK || *n == d->k || all) {
            return result;
        }
        for (; *n > 0; --*n) {
            alloc_free((void *)(size_t)d->items[*n - 1].text);
        }
        query.k = LIMIT_K_MAX;
    }
}

static enum err by_captions(void *arg, const char *path)
{
    struct describe *d = arg;
    size_t n = 0;
    enum err result = describe_by_captions(d, path, &n);
    if (result == ERR_OK && n == 0) {
        result = err_set(ERR_NOT_FOUND, "there are no captions");
    }
    if (result == ERR_OK) {
        result = ranked_print(d->cli, path, d->items, n, &from_captions);
    }
    for (; n > 0; n--) {
        alloc_free((void *)(size_t)d->items[n - 1].text);
    }
    return result;
}

/* ---- Phrases ---- */

static enum err by_phrases(void *arg, const char *path)
{
    struct describe *d = arg;
    struct duet_input input = duet_input_file(path);
    size_t n;
    TRY(duet_describe(d->encoder, d->phrases, &input, d->k, d->found, &n));
    for (size_t i = 0; i < n; i++) {
        d->items[i] = (struct ranked){d->found[i].text, (double)d->found[i].score};
    }
    return ranked_print(d->cli, path, d->items, n, &from_phrases);
}

static enum exit_code open_phrases(struct describe *d)
{
    struct duet_phrases_options options = {.file = d->cli->phrases,
                                           .lang = d->cli->lang,
                                           .n_threads = (unsigned)d->cli->n_threads};
    enum exit_code code = cli_open_encoder(&d->encoder, d->cli);
    if (code == EXIT_DONE) {
        code = cli_fail(duet_phrases_open(&d->phrases, d->encoder, &options));
    }
    return code;
}

/* ---- Which of them ---- */

static bool has_captions(const struct describe *d)
{
    struct duet_stats stats;
    if (duet_stats(d->target.db, d->cli->collection, &stats) != ERR_OK) {
        return true; /* the search will say what is wrong */
    }
    for (size_t i = 0; i < stats.n_spaces; i++) {
        if (strcmp(stats.spaces[i].name, "text") == 0) {
            return stats.spaces[i].n_vectors > 0;
        }
    }
    return true;
}

/* Captions where there are some, or where a database or a server was named. */
static enum exit_code open_source(struct describe *d)
{
    const struct cli *cli = d->cli;
    bool named = cli->url != NULL || strcmp(cli->db, CLI_DB_DEFAULT) != 0;
    bool wants_phrases = cli->phrases != NULL || cli->lang != NULL;
    if (wants_phrases || (!named && access(cli->db, F_OK) != 0)) {
        return open_phrases(d);
    }
    enum exit_code code = target_open(&d->target, cli, (struct duet_options){0});
    if (code != EXIT_DONE) {
        return code;
    }
    d->captions = cli->url != NULL || has_captions(d);
    if (d->captions) {
        return EXIT_DONE;
    }
    if (!cli->quiet) {
        cli_tell("%s has no captions; these are from duet's own list of phrases",
                 cli->db);
    }
    return open_phrases(d);
}

static enum exit_code run(const struct cli *cli)
{
    struct describe d = {.cli = cli, .k = cli->k > 0 ? cli->k : K_DEFAULT};
    if (cli->phrases != NULL && cli->lang != NULL) {
        return cli_usage("--lang chooses among duet's own lists; --phrases is another");
    }
    d.items = alloc_array(d.k, sizeof *d.items);
    d.found = alloc_array(d.k, sizeof *d.found);
    enum exit_code code = EXIT_BUG;
    if (d.items != NULL && d.found != NULL) {
        code = open_source(&d);
    }
    if (code == EXIT_DONE) {
        code = cli_each(cli, d.captions ? by_captions : by_phrases, &d);
    }
    duet_phrases_close(d.phrases);
    duet_encoder_close(d.encoder);
    target_close(&d.target);
    alloc_free(d.found);
    alloc_free(d.items);
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_TEXT("phrases", phrases, "FILE", "phrases of your own, one a line"),
    CLI_OPTION_TEXT("lang", lang, "LANG", "duet's own phrases: en or zh"),
    CLI_OPTION_NUMBER("count", 'k', k, K_MAX, "how many to print (else 5)"),
    CLI_OPTION_NUMBER("threads", 0, n_threads, LIMIT_THREADS_MAX,
                      "how many to work on (else one a core)"),
    CLI_OPTION_TEXT("decode", decode, "exact|fast",
                    "large JPEGs whole, or shrunk on the way (else fast)"),
    CLI_OPTION_END,
};

const struct cli_command cmd_describe = {
    .name = "describe",
    .arguments = "IMAGE...",
    .summary = "find the sentences that fit a picture best",
    .about =
        "Prints those of many given sentences that are nearest to a picture, with the\n"
        "cosine. No text is generated: what nobody wrote down cannot be found. The\n"
        "sentences are the captions of the database, where there is one that has "
        "some;\n"
        "else, and with --lang, a list of some thousand plain phrases that comes with\n"
        "duet; or those of --phrases FILE ('#' begins a comment).\n"
        "\n"
        "The vectors of a list are kept in $XDG_CACHE_HOME/duet (else ~/.cache/duet),\n"
        "so only the first run with a list and a model encodes it.\n"
        "With --json a line is {\"image\", \"from\", \"phrases\": [{\"text\", "
        "\"score\"}]},\n"
        "\"from\" being \"captions\" or \"phrases\".\n",
    .example = "  duet describe holiday.jpg\n"
               "  duet describe --lang zh holiday.jpg -k 3\n"
               "  duet describe --phrases moods.txt *.jpg --json\n",
    .options = options,
    .min_args = 1,
    .max_args = SIZE_MAX,
    .run = run,
};
