/*
 * recall.c - the program behind `make recall DB=FOLDER QUERIES=FILE`: what the index
 * finds of the exact nearest ten, on a database of real pictures.
 *
 *     build/tests/bench/recall DB QUERIES [K [SEAL_AT]]
 *
 * QUERIES has a text a line. Each is searched among the pictures, by the index and
 * exactly; so are pictures of the database, spread evenly over its ids, among the
 * pictures and among the texts. A row tells recall@K, the searches a second of each on
 * one thread, how many vectors were compared exactly, and how many of the searches the
 * index named candidates for: 0 would mean that it was never asked. Encoding is not in
 * the times.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/duet.h"

enum { QUERIES_MAX = 2000, QUERY_BYTES_MAX = 16 << 20, K_DEFAULT = 10 };

/* Vectors to search with, all made beforehand. */
struct questions {
    float *vectors; /* [n, dim] */
    size_t n, dim;
    const char *in; /* the space to search */
    size_t k;
};

/* Sums over all questions. */
struct outcome {
    double found, wanted; /* results of the exact search, and those that were found */
    double seconds, exact_seconds;
    double compared;
    size_t n_by_index;
};

static void need(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "recall: %s\n", duet_error_detail());
        exit(1);
    }
}

static size_t overlap(const struct duet_hits *a, const struct duet_hits *b)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < b->n; j++) {
            n += duet_id_compare(a->hits[i].id, b->hits[j].id) == 0;
        }
    }
    return n;
}

static double search(struct duet *db, const struct duet_query *query,
                     struct duet_hits *hits)
{
    uint64_t start = clock_monotonic_ns();
    need(duet_search(db, "default", query, hits));
    return (double)(clock_monotonic_ns() - start) / 1e9;
}

static void ask(struct duet *db, const struct questions *q, size_t i,
                struct outcome *out)
{
    struct duet_hits hits, truth;
    struct duet_query query = DUET_QUERY_DEFAULT;
    query.input = (struct duet_input){
        .kind = DUET_INPUT_VECTOR, .vector = q->vectors + i * q->dim, .n = q->dim};
    query.in = q->in;
    query.k = q->k;
    query.payload = false;
    out->seconds += search(db, &query, &hits);
    query.exact = true;
    out->exact_seconds += search(db, &query, &truth);
    out->found += (double)overlap(&hits, &truth);
    out->wanted += (double)truth.n;
    out->compared += (double)hits.n_compared;
    out->n_by_index += hits.n_candidates > 0;
    duet_hits_release(&hits);
    duet_hits_release(&truth);
}

static void report(struct duet *db, const char *what, const struct questions *q)
{
    struct outcome out = {0};
    for (size_t i = 0; i < q->n; i++) {
        ask(db, q, i, &out);
    }
    double n = q->n > 0 ? (double)q->n : 1;
    printf("%-16s %5zu  %.4f  %8.0f  %8.0f  %9.0f  %zu\n", what, q->n,
           out.wanted > 0 ? out.found / out.wanted : 0.0, n / out.seconds,
           n / out.exact_seconds, out.compared / n, out.n_by_index);
    fflush(stdout);
}

/* Questions. */

static void add_vector(struct questions *q, const float *vector, size_t dim)
{
    q->dim = dim;
    q->vectors = alloc_resize(q->vectors, (q->n + 1) * dim, sizeof *q->vectors);
    if (q->vectors == NULL) {
        fprintf(stderr, "recall: out of memory\n");
        exit(1);
    }
    memcpy(q->vectors + q->n * dim, vector, dim * sizeof *vector);
    q->n++;
}

static void read_texts(struct duet *db, const char *path, struct questions *q)
{
    struct buf text;
    buf_init(&text, QUERY_BYTES_MAX);
    need(file_read(path, &text));
    for (char *line = strtok(text.data, "\n"); line != NULL && q->n < QUERIES_MAX;
         line = strtok(NULL, "\n")) {
        struct duet_input input = duet_input_text(line);
        float *vector;
        size_t dim;
        need(duet_embed(db, &input, &vector, &dim));
        add_vector(q, vector, dim);
        duet_free(vector);
    }
    buf_release(&text);
}

/* The picture's vector of each point in a page, every `step`th of all. */
static void take_pictures(const struct duet_hits *page, size_t first, size_t step,
                          struct questions *q)
{
    for (size_t i = 0; i < page->n && q->n < QUERIES_MAX; i++) {
        const struct duet_hit *hit = &page->hits[i];
        for (size_t v = 0; (first + i) % step == 0 && v < hit->n_vectors; v++) {
            if (strcmp(hit->vectors[v].space, "image") == 0) {
                add_vector(q, hit->vectors[v].values, hit->vectors[v].dim);
            }
        }
    }
}

static void read_pictures(struct duet *db, struct questions *q)
{
    size_t n, seen = 0;
    struct duet_hits ids, page;
    struct duet_id next = {0};
    need(duet_count(db, "default", &n));
    size_t step = n / QUERIES_MAX + 1;
    for (bool more = true; more; seen += 1000) {
        need(duet_scroll(db, "default", seen == 0 ? NULL : &next, 1001, &ids));
        struct duet_id *list = alloc_array(ids.n + 1, sizeof *list);
        size_t taken = ids.n > 1000 ? 1000 : ids.n;
        for (size_t i = 0; i < ids.n; i++) {
            list[i] = ids.hits[i].id;
        }
        need(duet_get(db, "default", list, taken, true, &page));
        take_pictures(&page, seen, step, q);
        more = ids.n > 1000;
        next = list[taken < ids.n ? taken : 0];
        alloc_free(list);
        duet_hits_release(&page);
        duet_hits_release(&ids);
    }
}

int main(int argc, char **argv)
{
    struct duet *db;
    struct duet_stats stats;
    if (argc < 3) {
        fprintf(stderr, "usage: recall DB QUERIES [K [SEAL_AT]]\n");
        return 2;
    }
    struct questions texts = {.in = "image", .k = K_DEFAULT}, pictures = texts;
    texts.k = pictures.k = argc > 3 ? strtoul(argv[3], NULL, 10) : K_DEFAULT;
    size_t seal_at = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    need(duet_open(&db, &(struct duet_options){.path = argv[1],
                                               .write = seal_at > 0,
                                               .seal_at = seal_at}));
    if (seal_at > 0) {
        need(duet_seal(db, "default"));
    }
    need(duet_stats(db, "default", &stats));
    for (size_t i = 0; i < stats.n_spaces; i++) {
        const struct duet_space_stats *s = &stats.spaces[i];
        printf("%s: %zu vectors of %zu, %zu in %zu segments of %s\n", s->name,
               s->n_vectors, s->dim, s->n_sealed, s->n_segments,
               s->index[0] != '\0' ? s->index : "none");
    }
    read_texts(db, argv[2], &texts);
    read_pictures(db, &pictures);
    printf("%-16s %5s  %6s  %8s  %8s  %9s  %s\n", "", "n", "recall", "index/s",
           "exact/s", "compared", "by index");
    report(db, "text->image", &texts);
    report(db, "image->image", &pictures);
    pictures.in = "text";
    report(db, "image->text", &pictures);
    alloc_free(texts.vectors);
    alloc_free(pictures.vectors);
    duet_close(db);
    return 0;
}
