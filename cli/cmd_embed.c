/*
 * cmd_embed.c - `duet embed`: texts or pictures in, vectors out, so that the encoder
 * can stand in a pipe by itself.
 */
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/embed_pool.h"
#include "cli/lines.h"
#include "cli/vectors_out.h"

/* One run. What the workers tell is told on one thread at a time. */
struct embed {
    const struct cli *cli;
    struct vectors_out out;
    struct embed_pool *pool;
    const char *name; /* of the list that the items are read from; NULL: arguments */
    size_t n_told, n_failed, n_truncated;
};

/* A picture's sentence names its path already. */
static void tell_failed(const struct embed *embed, const char *reason)
{
    if (embed->name != NULL) {
        cli_tell("%s:%zu: %s", embed->name, embed->n_told, reason);
    } else {
        cli_tell("%s", reason);
    }
}

static bool told(void *arg, const struct embed_batch *batch)
{
    struct embed *embed = arg;
    for (size_t i = 0; i < batch->n; i++) {
        const struct duet_outcome *outcome = &batch->outcomes[i];
        bool ok = outcome->result == ERR_OK;
        embed->n_told++;
        vectors_out_row(&embed->out, ok ? batch->vectors + i * embed->out.dim : NULL);
        if (!ok) {
            embed->n_failed++;
            tell_failed(embed, outcome->detail);
        }
        embed->n_truncated += outcome->truncated;
    }
    vectors_out_flush(&embed->out);
    return ferror(embed->out.file) == 0;
}

/* ---- What comes in ---- */

static enum err feed_lines(struct embed *embed, struct lines *lines)
{
    struct embed_batch *batch;
    size_t max = embed->cli->images ? 1 : EMBED_BATCH_MAX;
    while ((batch = embed_pool_take(embed->pool)) != NULL) {
        TRY(lines_read(lines, batch->items, max, &batch->n));
        if (batch->n == 0) {
            break;
        }
        embed_pool_submit(embed->pool);
    }
    return ERR_OK;
}

static enum err feed_arguments(struct embed *embed)
{
    const struct cli *cli = embed->cli;
    for (size_t i = 0; i < cli->n_args; i++) {
        struct embed_batch *batch = embed_pool_take(embed->pool);
        if (batch == NULL) {
            break;
        }
        batch->items[0].n = strlen(cli->args[i]);
        batch->items[0].text = alloc_dup(cli->args[i]);
        if (batch->items[0].text == NULL) {
            return ERR_NOMEM;
        }
        batch->n = 1;
        embed_pool_submit(embed->pool);
    }
    return ERR_OK;
}

/* The list that is read: that of texts, or of pictures on stdin; NULL: there is none.
 */
static const char *list_of(const struct cli *cli)
{
    bool standard = cli->images && cli->n_args == 1 && strcmp(cli->args[0], "-") == 0;
    return standard ? "-" : cli->texts;
}

/* ---- The run ---- */

static enum err run_pool(struct embed *embed, struct duet_encoder *encoder,
                         struct lines *lines)
{
    long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct embed_pool_options options = {.encoder = encoder,
                                         .images = embed->cli->images,
                                         .n_threads = embed->cli->n_threads,
                                         .told = told,
                                         .arg = embed};
    if (options.n_threads == 0) {
        options.n_threads = n_cores < 1 ? 1 : (size_t)n_cores;
    }
    if (options.n_threads > LIMIT_THREADS_MAX) {
        options.n_threads = LIMIT_THREADS_MAX;
    }
    TRY(embed_pool_start(&embed->pool, &options));
    lines->wake_fd = embed_pool_wake_fd(embed->pool);
    enum err fed =
        embed->name != NULL ? feed_lines(embed, lines) : feed_arguments(embed);
    enum err encoded = embed_pool_finish(embed->pool);
    return fed != ERR_OK ? fed : encoded;
}

static enum err embed_all(struct embed *embed, struct duet_encoder *encoder,
                          enum vectors_format format)
{
    struct lines lines = {.fd = -1};
    const char *list = list_of(embed->cli);
    if (list != NULL) {
        TRY(lines_open(&lines, list, -1));
        embed->name = lines.name;
    }
    enum err result = vectors_out_open(&embed->out, format, duet_encoder_dim(encoder));
    if (result == ERR_OK) {
        result = run_pool(embed, encoder, &lines);
    }
    enum err closed = vectors_out_close(&embed->out);
    lines_close(&lines);
    return result != ERR_OK ? result : closed;
}

static enum exit_code finish(const struct embed *embed, enum err result)
{
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    if (embed->n_truncated > 0 && !embed->cli->quiet) {
        cli_tell("%zu of %zu texts are longer than the model reads; their ends were "
                 "left out",
                 embed->n_truncated, embed->n_told);
    }
    return embed->n_failed > 0 ? EXIT_SOME_FAILED : EXIT_DONE;
}

static enum err check(const struct cli *cli, enum vectors_format *format)
{
    struct stat st;
    TRY(vectors_format_parse(format, cli->format));
    FAIL_IF((cli->texts != NULL) == cli->images, ERR_INVALID,
            "say what to embed: --texts FILE, or --images PATH...");
    FAIL_IF(cli->texts != NULL && cli->n_args > 0, ERR_INVALID,
            "--texts takes one file; what is '%.64s'?", cli->args[0]);
    FAIL_IF(cli->images && cli->n_args == 0, ERR_INVALID,
            "which pictures? Say files, or - for a list of them on stdin");
    FAIL_IF(cli->json && *format != VECTORS_JSONL, ERR_INVALID,
            "--json and --format %s are two things", cli->format);
    FAIL_IF(*format != VECTORS_JSONL && isatty(STDOUT_FILENO) == 1, ERR_INVALID,
            "--format %s is nothing for a terminal; write it to a file", cli->format);
    for (size_t i = 0; i < cli->n_args; i++) {
        FAIL_IF(stat(cli->args[i], &st) == 0 && S_ISDIR(st.st_mode), ERR_INVALID,
                "%s: a folder; give its pictures in the order you want: find '%s' "
                "-name '*.jpg' | sort | duet embed --images -",
                cli->args[i], cli->args[i]);
    }
    return ERR_OK;
}

static enum exit_code run(const struct cli *cli)
{
    struct duet_encoder *encoder;
    struct embed embed = {.cli = cli};
    enum vectors_format format;
    enum exit_code code = cli_fail(check(cli, &format));
    if (code == EXIT_DONE) {
        code = cli_open_encoder(&encoder, cli);
    }
    if (code == EXIT_DONE) {
        code = finish(&embed, embed_all(&embed, encoder, format));
        duet_encoder_close(encoder);
    }
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_TEXT("texts", texts, "FILE", "a text a line; - is stdin"),
    CLI_OPTION_FLAG("images", 0, images,
                    "the arguments are pictures; - reads their paths, one a line"),
    CLI_OPTION_TEXT("format", format, "FORMAT",
                    "jsonl (an array a line, the default), f32 or npy"),
    CLI_OPTION_NUMBER("threads", 0, n_threads, LIMIT_THREADS_MAX,
                      "how many to work on (else one a core)"),
    CLI_OPTION_TEXT("decode", decode, "exact|fast",
                    "large JPEGs whole, or shrunk on the way (else fast)"),
    CLI_OPTION_END,
};

const struct cli_command cmd_embed = {
    .name = "embed",
    .arguments = "--texts FILE|- | --images PATH...|-",
    .summary = "turn texts or pictures into vectors, without a database",
    .about =
        "Prints a vector for each line of a file, or for each picture, in their "
        "order.\n"
        "A text that comes through a pipe is answered at once. What cannot be encoded\n"
        "is told on stderr, and null stands in its place (rows of NaN in f32 and "
        "npy);\n"
        "the exit status is 4 then.\n"
        "\n"
        "f32 is the bare numbers, 32-bit little-endian, row after row. npy is a NumPy\n"
        "file [n, size]; into a pipe it comes at the end, when n is known, and waits\n"
        "in a temporary file until then ($TMPDIR, else /tmp). Neither is written to a\n"
        "terminal.\n",
    .example = "  duet embed --texts titles.txt --format npy >titles.npy\n"
               "  find . -name '*.jpg' | duet embed --images - >pictures.jsonl\n"
               "  tail -f log | duet embed --texts -\n",
    .options = options,
    .max_args = SIZE_MAX,
    .run = run,
};
