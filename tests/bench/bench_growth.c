/*
 * bench_growth.c - the program behind `make bench-growth`: what a point, a query and a
 * commit cost as a collection grows.
 *
 *     bench_growth FOLDER TSV DIM N...
 *
 * For each N a database of N points of DIM floats (semi_real.h) is made in
 * FOLDER/growth, measured, and removed. Searches are compared at equal recall: of the
 * settings swept, the fastest that finds RECALL_WANTED of the exact ten counts, for texts
 * and for pictures apart; 0 candidates mean that there was no index to ask. The table is
 * printed, and written to TSV for plot_growth.py: a head of names, then a line of numbers
 * for each N. Without arguments all is small, for `make bench`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/bench/made.h"
#include "tests/bench/rig.h"

enum {
    N_QUERIES = 100,
    N_SINGLE = 200, /* commits of one point */
    N_COLUMNS = 20
};

static const double RECALL_WANTED = 0.98;

static const unsigned overs[] = {1, 10, 40, 70, 100, 200, 400, 800};
static const unsigned probes[] = {0, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
enum {
    N_OVERS = sizeof overs / sizeof *overs,
    N_PROBES = sizeof probes / sizeof *probes
};

/* A search at RECALL_WANTED. */
struct best {
    double recall, ms;
    struct setting setting;
};

/* What is measured at one size. Shared with the processes of the stages. */
struct numbers {
    double ingest_s, commit_ms; /* of MADE_BATCH points: median */
    double single_ms, single_ms_p99;
    double exact_ms;
    struct best best[MADE_SIDES];
};

/* What the columns are, in their order. */
static const char *const columns[N_COLUMNS] = {"points",
                                               "ingest_points_per_s",
                                               "commit_1000_ms",
                                               "commit_1_ms",
                                               "commit_1_p99_ms",
                                               "build_s",
                                               "build_cpu_s",
                                               "build_anonymous_mb",
                                               "text_ms",
                                               "text_recall",
                                               "text_candidates",
                                               "text_nprobe",
                                               "picture_ms",
                                               "picture_recall",
                                               "picture_candidates",
                                               "picture_nprobe",
                                               "exact_ms",
                                               "query_anonymous_mb",
                                               "data_mb",
                                               "segments_mb"};

static struct made made;
static size_t n_points;
static struct numbers *numbers;

/* ---- Stages ---- */

static void ingest(void *arg)
{
    (void)arg;
    double commit_s;
    numbers->ingest_s = made_ingest(&made, n_points, &commit_s);
    numbers->commit_ms = commit_s * 1e3;
}

static void build(void *arg)
{
    (void)arg;
    made_build(&made);
}

/* Where there is no index yet, nothing is swept, and the scan is what counts. */
static void find_best(struct duet *db, const struct questions *q, bool has_lists,
                      struct best *best)
{
    *best = (struct best){0};
    for (size_t o = 0; o < N_OVERS; o++) {
        for (size_t p = 0; p < (has_lists ? N_PROBES : 1); p++) {
            struct answer a;
            struct setting s = {.oversampling = overs[o], .nprobe = probes[p]};
            questions_ask(q, db, MADE_COLLECTION, s, &a);
            if (a.n_by_index == 0) {
                *best = (struct best){a.recall, a.ms, {0}};
                return;
            }
            bool enough = a.recall >= RECALL_WANTED;
            if (enough && (best->recall == 0 || a.ms < best->ms)) {
                *best = (struct best){a.recall, a.ms, s};
            }
        }
    }
}

static void query(void *arg)
{
    (void)arg;
    struct duet_stats stats;
    struct questions sides[MADE_SIDES];
    struct duet *db = made_open(&made, false, 0);
    made_questions(&made, N_QUERIES, sides);
    rig_check(duet_stats(db, MADE_COLLECTION, &stats));
    bool has_lists = strstr(stats.spaces[0].index, "IVF") != NULL;
    for (size_t i = 0; i < MADE_SIDES; i++) {
        questions_ask_exactly(&sides[i], db, MADE_COLLECTION);
        numbers->exact_ms = sides[i].exact_ms;
        find_best(db, &sides[i], has_lists, &numbers->best[i]);
        question_list_release(&sides[i]);
    }
    duet_close(db);
}

/* Durable, one after the other, beside whatever the builder finds to do. */
static void commit_singly(void *arg)
{
    (void)arg;
    double ms[N_SINGLE];
    struct duet *db = made_open(&made, true, 0);
    rig_check(duet_seal(db, MADE_COLLECTION));
    made_put_range(&made, db, n_points, N_SINGLE, 1, ms);
    for (size_t i = 0; i < N_SINGLE; i++) {
        ms[i] *= 1e3;
    }
    numbers->single_ms = rig_quantile(ms, N_SINGLE, 0.5);
    numbers->single_ms_p99 = rig_quantile(ms, N_SINGLE, 0.99);
    duet_close(db);
}

/* ---- The table ---- */

static void measure(double row[N_COLUMNS])
{
    struct rig_cost ingested, built, asked, committed;
    memset(numbers, 0, sizeof *numbers);
    rig_stage(ingest, NULL, &ingested);
    rig_stage(build, NULL, &built);
    rig_stage(query, NULL, &asked);
    const struct best *text = &numbers->best[MADE_TEXT];
    const struct best *picture = &numbers->best[MADE_PICTURE];
    double data = (double)made_data_bytes(&made);
    double segments = (double)made_segment_bytes(&made);
    rig_stage(commit_singly, NULL, &committed);
    if (segments == 0) {
        built = (struct rig_cost){0}; /* too few points: nothing was built */
    }
    const double values[N_COLUMNS] = {
        (double)n_points,
        (double)n_points / numbers->ingest_s,
        numbers->commit_ms,
        numbers->single_ms,
        numbers->single_ms_p99,
        built.wall_s,
        built.cpu_s,
        built.anon_mb,
        text->ms,
        text->recall,
        text->setting.oversampling,
        text->setting.nprobe,
        picture->ms,
        picture->recall,
        picture->setting.oversampling,
        picture->setting.nprobe,
        numbers->exact_ms,
        asked.anon_mb,
        data / 1e6,
        segments / 1e6,
    };
    memcpy(row, values, sizeof values);
    rig_remove_folder(made.folder);
}

static void write_tsv(const char *path, double (*rows)[N_COLUMNS], size_t n_rows)
{
    FILE *f = fopen(path, "w");
    if (f == NULL) {
        rig_fail("the table cannot be written");
    }
    for (size_t c = 0; c < N_COLUMNS; c++) {
        fprintf(f, "%s%c", columns[c], c + 1 < N_COLUMNS ? '\t' : '\n');
    }
    for (size_t i = 0; i < n_rows * N_COLUMNS; i++) {
        fprintf(f, "%.6g%c", rows[i / N_COLUMNS][i % N_COLUMNS],
                i % N_COLUMNS + 1 < N_COLUMNS ? '\t' : '\n');
    }
    if (fclose(f) != 0) {
        rig_fail("the table cannot be written");
    }
}

/* A line a quantity, a column a size, as a person compares them. */
static void print_table(double (*rows)[N_COLUMNS], size_t n_rows)
{
    printf("\nrecall@%d at least %.2f, %zu floats around %s vectors; 0: none of the "
           "settings reached it\n\n",
           QUESTIONS_K, RECALL_WANTED, made.dim, made.source.is_real ? "real" : "made");
    for (size_t c = 0; c < N_COLUMNS; c++) {
        printf("| %s", columns[c]);
        for (size_t i = 0; i < n_rows; i++) {
            printf(rows[i][c] >= 1000 ? " | %.0f" : " | %.3g", rows[i][c]);
        }
        printf(" |\n");
        for (size_t i = 0; c == 0 && i <= n_rows; i++) {
            printf("|---%s", i < n_rows ? "" : "|\n");
        }
    }
}

int main(int argc, char **argv_given)
{
    const char **argv = (const char **)argv_given;
    static char temporary[] = "/tmp/duet-growth-XXXXXX";
    static const char *small[] = {"", temporary, NULL, "128", "2000", "20000", NULL};
    char folder[RIG_PATH_BYTES];
    rig_name = "bench_growth";
    if (argc == 1 && mkdtemp(temporary) != NULL) {
        argv = small;
        argc = 6;
    }
    if (argc < 5) {
        rig_fail("say FOLDER TSV DIM N..., or nothing");
    }
    rig_path(folder, argv[1], "growth");
    if (access(folder, F_OK) == 0) {
        rig_fail("FOLDER/growth is there already: it is made, and removed at the end");
    }
    made = (struct made){.folder = folder, .dim = strtoull(argv[3], NULL, 10)};
    size_t n_rows = (size_t)argc - 4;
    double(*rows)[N_COLUMNS] = alloc_zero(n_rows, sizeof *rows);
    numbers = rig_shared(sizeof *numbers);
    semi_real_init(&made.source, made.dim);
    for (size_t i = 0; i < n_rows; i++) {
        n_points = strtoull(argv[4 + i], NULL, 10);
        if (n_points == 0) {
            rig_fail("a size is no number");
        }
        measure(rows[i]);
    }
    print_table(rows, n_rows);
    if (argv[2] != NULL) {
        write_tsv(argv[2], rows, n_rows);
    }
    if (argv == small) {
        rig_remove_folder(temporary);
    }
    semi_real_release(&made.source);
    alloc_free(rows);
    return 0;
}
