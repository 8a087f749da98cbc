/*
 * cmd_eval.c - `duet eval`: how good the answers to questions of one's own are, and what
 * the index loses of them, by direction.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/eval_query.h"
#include "cli/interrupt.h"
#include "cli/lines.h"

enum { DIRECTIONS_MAX = 64, K_DEFAULT = 10, NAME_BYTES = 320, LINES_AT_ONCE = 64 };

/* Sums over the questions of one direction, as "text->image". */
struct direction {
    char name[NAME_BYTES];
    size_t n, n_judged; /* questions; of them with right answers */
    struct duet_eval_scores index, exact;
    double agreement; /* of the index's answers with the exact ones */
    double index_seconds, exact_seconds;
};

struct eval {
    const struct cli *cli;
    struct duet *db;
    struct direction directions[DIRECTIONS_MAX];
    size_t n_directions;
    size_t n_lines, n_failed;
};

/* ---- One question ---- */

static enum err find_direction(struct eval *e, const struct eval_query *q,
                               struct direction **out)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%s->%s", eval_query_kind(q),
             q->query.in != NULL ? q->query.in : "default");
    for (size_t i = 0; i < e->n_directions; i++) {
        if (strcmp(e->directions[i].name, name) == 0) {
            *out = &e->directions[i];
            return ERR_OK;
        }
    }
    FAIL_IF(e->n_directions == DIRECTIONS_MAX, ERR_LIMIT,
            "more than %d directions of search", DIRECTIONS_MAX);
    *out = &e->directions[e->n_directions++];
    memcpy((*out)->name, name, sizeof name);
    return ERR_OK;
}

static void add_scores(struct duet_eval_scores *sum, struct duet_eval_scores scores)
{
    sum->recall1 += scores.recall1;
    sum->recall5 += scores.recall5;
    sum->recall10 += scores.recall10;
    sum->mrr += scores.mrr;
    sum->ndcg10 += scores.ndcg10;
}

static enum err ask(struct eval *e, struct duet_query *query, bool exact,
                    struct duet_hits *hits, double *seconds)
{
    query->exact = exact;
    uint64_t start = clock_monotonic_ns();
    TRY(duet_search(e->db, e->cli->collection, query, hits));
    *seconds += (double)(clock_monotonic_ns() - start) / 1e9;
    return ERR_OK;
}

static enum err judge(struct eval *e, struct eval_query *q)
{
    struct direction *d = NULL;
    struct duet_hits exact = {0}, index = {0};
    double warming = 0;
    enum err result;
    q->query.k = e->cli->k > 0 ? e->cli->k : K_DEFAULT;
    q->query.in = q->query.in != NULL ? q->query.in : e->cli->in;
    q->query.filter = q->query.filter != NULL ? q->query.filter : e->cli->filter;
    TRY_OUT(find_direction(e, q, &d));
    TRY_OUT(ask(e, &q->query, false, &index, &warming)); /* and the vector is kept */
    duet_hits_release(&index);
    TRY_OUT(ask(e, &q->query, false, &index, &d->index_seconds));
    TRY_OUT(ask(e, &q->query, true, &exact, &d->exact_seconds));
    d->n++;
    d->agreement += duet_eval_agreement(index.hits, index.n, exact.hits, exact.n);
    if (q->n_relevant > 0) {
        d->n_judged++;
        add_scores(&d->index,
                   duet_eval_score(index.hits, index.n, q->relevant, q->n_relevant));
        add_scores(&d->exact,
                   duet_eval_score(exact.hits, exact.n, q->relevant, q->n_relevant));
    }
out:
    duet_hits_release(&exact);
    duet_hits_release(&index);
    return result;
}

/* ---- The file ---- */

/* A line that cannot be asked is told, and the others are. */
static enum err eval_line(struct eval *e, const struct line *line)
{
    struct eval_query q;
    e->n_lines++;
    if (line->n == 0) {
        return ERR_OK;
    }
    enum err result = eval_query_read(&q, e->db, e->cli->args[0], line->text, line->n);
    if (result == ERR_OK) {
        result = judge(e, &q);
        eval_query_release(&q);
    }
    if (result == ERR_NOMEM) {
        return result;
    }
    if (result != ERR_OK) {
        e->n_failed++;
        cli_tell("line %zu: %s", e->n_lines, duet_error_detail());
    }
    return ERR_OK;
}

static enum err eval_lines(struct eval *e, struct line *lines, size_t n)
{
    enum err result = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        if (result == ERR_OK && !interrupt_seen()) {
            result = eval_line(e, &lines[i]);
        }
        alloc_free(lines[i].text);
    }
    return result;
}

static enum err eval_file(struct eval *e)
{
    struct lines lines;
    struct line some[LINES_AT_ONCE];
    size_t n;
    TRY(lines_open(&lines, e->cli->args[0], -1));
    enum err result;
    do {
        result = lines_read(&lines, some, LINES_AT_ONCE, &n);
        if (result == ERR_OK) {
            result = eval_lines(e, some, n);
        }
    } while (result == ERR_OK && n > 0 && !interrupt_seen());
    lines_close(&lines);
    return result;
}

/* ---- What is printed ---- */

static void print_human(const struct eval *e)
{
    printf("%-16s %8s  %6s %6s %6s %6s %8s  %10s  %9s %9s\n", "direction", "queries",
           "R@1", "R@5", "R@10", "MRR", "nDCG@10", "of exact", "ms index", "ms exact");
    for (size_t i = 0; i < e->n_directions; i++) {
        const struct direction *d = &e->directions[i];
        double n = d->n > 0 ? (double)d->n : 1;
        printf("%-16s %8zu  ", d->name, d->n);
        if (d->n_judged > 0) {
            double judged = (double)d->n_judged;
            printf("%6.3f %6.3f %6.3f %6.3f %8.3f", d->index.recall1 / judged,
                   d->index.recall5 / judged, d->index.recall10 / judged,
                   d->index.mrr / judged, d->index.ndcg10 / judged);
        } else {
            printf("%6s %6s %6s %6s %8s", "-", "-", "-", "-", "-");
        }
        printf("  %10.4f  %9.2f %9.2f\n", d->agreement / n, 1000 * d->index_seconds / n,
               1000 * d->exact_seconds / n);
    }
}

static void add_number(struct json_object *object, const char *key, double value)
{
    char digits[40];
    snprintf(digits, sizeof digits, "%.6f", value);
    json_object_object_add(object, key, json_object_new_double_s(value, digits));
}

static struct json_object *scores_json(const struct duet_eval_scores *sums, size_t n)
{
    struct json_object *object = json_object_new_object();
    add_number(object, "recall@1", sums->recall1 / (double)n);
    add_number(object, "recall@5", sums->recall5 / (double)n);
    add_number(object, "recall@10", sums->recall10 / (double)n);
    add_number(object, "mrr", sums->mrr / (double)n);
    add_number(object, "ndcg@10", sums->ndcg10 / (double)n);
    return object;
}

static void print_json(const struct eval *e)
{
    for (size_t i = 0; i < e->n_directions; i++) {
        const struct direction *d = &e->directions[i];
        struct json_object *object = json_object_new_object();
        double n = d->n > 0 ? (double)d->n : 1;
        json_object_object_add(object, "direction", json_object_new_string(d->name));
        json_object_object_add(object, "queries", json_object_new_uint64(d->n));
        json_object_object_add(object, "judged", json_object_new_uint64(d->n_judged));
        if (d->n_judged > 0) {
            json_object_object_add(object, "index",
                                   scores_json(&d->index, d->n_judged));
            json_object_object_add(object, "exact",
                                   scores_json(&d->exact, d->n_judged));
        }
        add_number(object, "agreement", d->agreement / n);
        add_number(object, "index_ms", 1000 * d->index_seconds / n);
        add_number(object, "exact_ms", 1000 * d->exact_seconds / n);
        puts(json_text(object));
        json_object_put(object);
    }
}

static enum exit_code finish(const struct eval *e, enum err result)
{
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    if (e->n_directions == 0) {
        cli_tell("no question could be asked");
        return EXIT_NO_RESULT;
    }
    (e->cli->json ? print_json : print_human)(e);
    return e->n_failed > 0 ? EXIT_SOME_FAILED : EXIT_DONE;
}

static enum exit_code run(const struct cli *cli)
{
    struct eval *e = alloc_zero(1, sizeof *e);
    if (e == NULL) {
        return cli_fail(ERR_NOMEM);
    }
    e->cli = cli;
    enum exit_code code = cli_open(&e->db, cli, (struct duet_options){0});
    if (cli->url != NULL) {
        code = cli_usage("eval works on a database here, not on --url");
    }
    if (code == EXIT_DONE) {
        interrupt_watch();
        code = finish(e, eval_file(e));
        duet_close(e->db);
    }
    alloc_free(e);
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_TEXT("in", in, "SPACE", "image, text or any, where a line does not say"),
    CLI_OPTION_NUMBER("count", 'k', k, LIMIT_K_MAX, "how many answers (else 10)"),
    CLI_OPTION_FILTER("of lines that have none"),
    CLI_OPTION_END,
};

const struct cli_command cmd_eval = {
    .name = "eval",
    .arguments = "QUERIES.jsonl",
    .summary = "score the answers to questions of your own",
    .about =
        "Asks each line of the file twice, of the index and of every vector, and "
        "prints\n"
        "by direction how much of the right answers was found (recall among the first\n"
        "1, 5 and 10, mean reciprocal rank, nDCG) and how much of the exact answer "
        "the\n"
        "index gives. A line is {\"text\" or \"image\" or \"vector\" or \"id\", "
        "\"in\"?,\n"
        "\"filter\"?, \"relevant\"?: [ids or paths] or {id: grade}}.\n",
    .example = "  duet eval queries.jsonl\n"
               "  duet eval queries.jsonl --in text -k 100 --json\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
