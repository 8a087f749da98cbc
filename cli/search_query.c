/*
 * search_query.c - see search_query.h.
 *
 * One thing asked for is a plain query. Several are a mix, each with a weight that may
 * stand behind it (":0.7"), unless some are points to be like or unlike: then all are
 * examples of a recommendation, which has no weights.
 */
#include "cli/search_query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"

enum { K_DEFAULT = 10 };

/* What --not counts where it does not say: enough to turn away, not to take over. */
static const float NOT_WEIGHT = 0.5f;

void search_query_init(struct search_query *q)
{
    memset(q, 0, sizeof *q);
    q->query = DUET_QUERY_DEFAULT;
}

void search_query_release(struct search_query *q)
{
    for (size_t i = 0; i < q->n_owned; i++) {
        alloc_free(q->owned[i]);
    }
    q->n_owned = 0;
}

/* A copy of text[n] that lives as long as the query. */
static enum err keep(struct search_query *q, const char *text, size_t n, char **kept)
{
    *kept = alloc_dup_n(text, n);
    if (*kept == NULL) {
        return ERR_NOMEM;
    }
    q->owned[q->n_owned++] = *kept;
    return ERR_OK;
}

/* Where the weight behind the last colon begins, as in "red shoes:0.7"; NULL where there
 * is no number. */
static const char *find_weight(const char *argument, float *weight)
{
    const char *colon = strrchr(argument, ':');
    char *end;
    if (colon == NULL || strchr("+-.0123456789", colon[1]) == NULL) {
        return NULL;
    }
    float value = strtof(colon + 1, &end);
    if (end == colon + 1 || *end != '\0' || !isfinite(value)) {
        return NULL;
    }
    *weight = value;
    return colon;
}

/* Cuts the weight off, if there is one. */
static enum err split_weight(struct search_query *q, const char *argument, char **what,
                             float *weight)
{
    const char *colon = find_weight(argument, weight);
    size_t n = colon == NULL ? strlen(argument) : (size_t)(colon - argument);
    FAIL_IF(*weight == 0, ERR_INVALID, "%s: a weight of 0 asks for nothing", argument);
    return keep(q, argument, n, what);
}

static void add(struct search_query *q, struct duet_input input, float weight)
{
    q->examples[q->query.n_examples++] = (struct duet_example){input, weight};
}

/* ---- The kinds of things asked with ---- */

static enum err add_text(struct search_query *q, const char *text, float weight)
{
    FAIL_IF(text[strspn(text, " \t\n")] == '\0', ERR_INVALID, "the query is empty");
    FAIL_IF(strlen(text) > LIMIT_TEXT_BYTES, ERR_LIMIT,
            "the query is longer than %u bytes", LIMIT_TEXT_BYTES);
    FAIL_IF(!utf8_valid(text, strlen(text)), ERR_INVALID, "the query is not UTF-8");
    add(q, duet_input_text(text), weight);
    return ERR_OK;
}

/* The words of the command line as one text, so that quotes may be left out. */
static enum err add_words(struct search_query *q, const struct cli *cli)
{
    struct buf text;
    char *words = NULL;
    if (cli->n_args == 0) {
        return ERR_OK;
    }
    buf_init(&text, LIMIT_TEXT_BYTES);
    enum err result = ERR_OK;
    for (size_t i = 0; i < cli->n_args && result == ERR_OK; i++) {
        result = buf_printf(&text, "%s%s", i > 0 ? " " : "", cli->args[i]);
    }
    if (result == ERR_OK) {
        result = keep(q, text.data, text.size, &words);
    }
    buf_release(&text);
    TRY(result);
    return add_text(q, words, 1);
}

/* With `sign` -1 of --not, which has a weight of its own. */
static enum err add_texts(struct search_query *q, const struct cli_list *texts,
                          int sign)
{
    for (size_t i = 0; i < texts->n; i++) {
        float weight = sign < 0 ? NOT_WEIGHT : 1;
        char *text;
        TRY(split_weight(q, texts->items[i], &text, &weight));
        TRY(add_text(q, text, (float)sign * weight));
    }
    return ERR_OK;
}

/* A file may be called "a:1": if there is such a file, that is it. */
static enum err add_pictures(struct search_query *q, const struct cli_list *pictures)
{
    for (size_t i = 0; i < pictures->n; i++) {
        float weight = 1;
        char *path;
        if (access(pictures->items[i], F_OK) == 0) {
            add(q, duet_input_file(pictures->items[i]), 1);
            continue;
        }
        TRY(split_weight(q, pictures->items[i], &path, &weight));
        add(q, duet_input_file(path), weight);
    }
    return ERR_OK;
}

static void add_points(struct search_query *q, const struct cli_list *points,
                       float weight)
{
    for (size_t i = 0; i < points->n; i++) {
        q->points[q->query.n_examples] = points->items[i];
        add(q, (struct duet_input){.kind = DUET_INPUT_POINT}, weight);
    }
}

/* ---- What they are together ---- */

static enum err read_strategy(struct search_query *q, const char *name)
{
    static const char *const names[] = {"average", "best", "sum"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (name != NULL && strcmp(name, names[i]) == 0) {
            q->query.strategy = (enum duet_strategy)i;
            return ERR_OK;
        }
    }
    FAIL_IF(name != NULL, ERR_INVALID, "--strategy is average, best or sum, not '%s'",
            name);
    return ERR_OK;
}

/* Weights that are only a sign, as they are without a number. */
static enum err check_no_weights(struct search_query *q)
{
    for (size_t i = 0; i < q->query.n_examples; i++) {
        float *weight = &q->examples[i].weight;
        FAIL_IF(*weight != 1 && *weight != -1 && *weight != -NOT_WEIGHT, ERR_INVALID,
                "weights are for mixes; --like and --unlike have none");
        *weight = *weight > 0 ? 1 : -1;
    }
    return ERR_OK;
}

static enum err choose_kind(struct search_query *q, const struct cli *cli)
{
    struct duet_query *query = &q->query;
    bool recommends = cli->like.n + cli->unlike.n > 0;
    FAIL_IF(cli->strategy != NULL && !recommends, ERR_INVALID,
            "--strategy is of --like and --unlike");
    FAIL_IF(query->n_examples == 0, ERR_INVALID,
            "say what to search for: words, --image FILE or --like ID");
    query->examples = q->examples;
    query->kind = recommends ? DUET_QUERY_RECOMMEND : DUET_QUERY_MIX;
    if (recommends) {
        return check_no_weights(q);
    }
    if (query->n_examples == 1 && q->examples[0].weight > 0) {
        query->kind = DUET_QUERY_NEAREST;
        query->input = q->examples[0].input;
    }
    return ERR_OK;
}

enum err search_query_read(struct search_query *q, const struct cli *cli)
{
    struct duet_query *query = &q->query;
    query->k = cli->k > 0 ? cli->k : K_DEFAULT;
    query->in = cli->in;
    query->exact = cli->exact;
    query->filter = cli->filter;
    TRY(read_strategy(q, cli->strategy));
    TRY(add_words(q, cli));
    TRY(add_texts(q, &cli->also, 1));
    TRY(add_pictures(q, &cli->pictures));
    TRY(add_texts(q, &cli->not, -1));
    add_points(q, &cli->like, 1);
    add_points(q, &cli->unlike, -1);
    return choose_kind(q, cli);
}

enum err search_query_find(struct search_query *q, struct target *target)
{
    for (size_t i = 0; i < q->query.n_examples; i++) {
        if (q->points[i] != NULL) {
            TRY(target_id(target, q->points[i], &q->examples[i].input.id));
        }
    }
    return ERR_OK;
}
