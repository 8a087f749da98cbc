/*
 * search_duet.c - Duet's side of search_peers.py: the same vectors and queries, searched
 * as often as it is told to.
 *
 *     search_duet DB QUERIES N FOLDER
 *
 * Reads the pictures of DB (only reads). N of them, spread evenly, are taken out and ask
 * for pictures; N lines of QUERIES, encoded, ask as texts. All others go into a database
 * in FOLDER, sealed, and with the queries into FOLDER/base.npy, text.npy, picture.npy.
 * Prints "ready SECONDS SEGMENT_BYTES INDEX" (of the build), then for each line
 *
 *     SIDE OVERSAMPLING NPROBE        side: 0 text, 1 picture; 0 0: the default
 *
 * of its input one of "RECALL MEAN_MS": of all queries of the side once, on one thread,
 * recall@10 against the exact search, processor time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/npy.h"
#include "tests/bench/encoded.h"
#include "tests/bench/questions.h"
#include "tests/bench/rig.h"

enum { BATCH = 1000 };

enum side { TEXT, PICTURE, N_SIDES };

static struct encoded corpus;
static struct questions asked[N_SIDES];
static const char *folder;

static void write_rows(const char *name, const float *rows, size_t n)
{
    char path[RIG_PATH_BYTES];
    char head[NPY_HEADER_BYTES];
    rig_path(path, folder, name);
    npy_header(head, n, corpus.dim);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(head, sizeof head, 1, f) != 1 ||
        fwrite(rows, corpus.dim * sizeof *rows, n, f) != n || fclose(f) != 0) {
        rig_fail("a file of vectors cannot be written");
    }
}

/* Moves every so many of the pictures out of the corpus, to ask for the others. */
static void take_out(size_t n)
{
    size_t row = corpus.dim, kept = 0, taken = 0;
    for (size_t i = 0; i < corpus.n; i++) {
        const float *v = corpus.images + i * row;
        if (taken < n && i == encoded_spread(taken, n, corpus.n)) {
            memcpy(asked[PICTURE].vectors + taken++ * row, v, row * sizeof *v);
        } else {
            memmove(corpus.images + kept++ * row, v, row * sizeof *v);
        }
    }
    corpus.n = kept;
}

static void read_database(char **argv, size_t n)
{
    struct duet *db;
    rig_check(duet_open(&db, &(struct duet_options){.path = argv[1]}));
    encoded_read(&corpus, db);
    for (size_t side = 0; side < N_SIDES; side++) {
        questions_init(&asked[side], n, corpus.dim, "v");
    }
    encoded_lines(db, argv[2], n, corpus.dim, asked[TEXT].vectors);
    duet_close(db);
    take_out(n);
    write_rows("base.npy", corpus.images, corpus.n);
    write_rows("text.npy", asked[TEXT].vectors, n);
    write_rows("picture.npy", asked[PICTURE].vectors, n);
}

static void write_batch(struct duet *db, size_t first, size_t n)
{
    static struct duet_point_input points[BATCH];
    static struct duet_named_input vectors[BATCH];
    for (size_t i = 0; i < n; i++) {
        const float *v = corpus.images + (first + i) * corpus.dim;
        vectors[i] = (struct duet_named_input){
            "v", {.kind = DUET_INPUT_VECTOR, .vector = v, .n = corpus.dim}};
        points[i] = (struct duet_point_input){
            .id = {.number = first + i}, .vectors = &vectors[i], .n_vectors = 1};
    }
    rig_check(duet_upsert(db, "c", points, n));
}

/* The database, all but its last chunk sealed; the seconds of the build. */
static struct duet *make_database(double *seconds)
{
    struct duet *db;
    char path[RIG_PATH_BYTES];
    struct duet_space space = {.name = "v", .dim = corpus.dim, .distance = DUET_COSINE};
    rig_path(path, folder, "duet");
    struct duet_options o = {.path = path,
                             .write = true,
                             .create = true,
                             .n_threads = 1,
                             .seal_at = SIZE_MAX / 2};
    rig_check(duet_open(&db, &o));
    rig_check(duet_collection_create(db, "c", &space, 1));
    for (size_t at = 0; at < corpus.n; at += BATCH) {
        write_batch(db, at, corpus.n - at < BATCH ? corpus.n - at : BATCH);
    }
    duet_close(db);
    o.seal_at = 64;
    double start = rig_wall_s();
    rig_check(duet_open(&db, &o));
    rig_check(duet_seal(db, "c"));
    *seconds = rig_wall_s() - start;
    return db;
}

static void answer(struct duet *db)
{
    char line[100];
    while (fgets(line, sizeof line, stdin) != NULL) {
        unsigned side;
        struct answer a;
        struct setting setting = {0};
        if (sscanf(line, "%u %u %u", &side, &setting.oversampling, &setting.nprobe) !=
                3 ||
            side >= N_SIDES) {
            rig_fail("say SIDE OVERSAMPLING NPROBE");
        }
        double start = rig_thread_s();
        questions_ask(&asked[side], db, "c", setting, &a);
        printf("%.6f %.6f\n", a.recall,
               (rig_thread_s() - start) / (double)asked[side].n * 1e3);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    struct duet_stats stats;
    double seconds;
    rig_name = "search_duet";
    size_t n = argc == 5 ? strtoull(argv[3], NULL, 10) : 0;
    if (n == 0) {
        rig_fail("say DB QUERIES N FOLDER");
    }
    folder = argv[4];
    read_database(argv, n);
    struct duet *db = make_database(&seconds);
    rig_check(duet_stats(db, "c", &stats));
    for (size_t side = 0; side < N_SIDES; side++) {
        questions_ask_exactly(&asked[side], db, "c");
    }
    printf("ready %.6f %zu %s\n", seconds, stats.spaces[0].segment_bytes,
           stats.spaces[0].index);
    fflush(stdout);
    answer(db);
    duet_close(db);
    for (size_t side = 0; side < N_SIDES; side++) {
        question_list_release(&asked[side]);
    }
    encoded_release(&corpus);
    return 0;
}
