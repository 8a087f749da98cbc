/*
 * recall_filtered.c - the program behind `make recall-filtered DB=FOLDER QUERIES=FILE`:
 * what is found of the exact ten under a filter, on a database of real pictures.
 *
 *     recall_filtered DB QUERIES [N]        N queries of each side, 100 unless said
 *
 * DB is only read. Its vectors go into a database in /tmp whose payloads have what the
 * filters ask for, and whose pictures are all in one sealed segment (but for the last
 * chunk). The filters let through 100 %, 10 %, 1 %, 0.1 % and 0.01 % of the pictures, to
 * the picture:
 *
 *   apart     a range of a random order, which knows nothing of the query
 *   with      those nearest to an anchor, the nearest of eight to the query
 *   against   those farthest from that anchor: what is near the query is all hidden
 *
 * Anchors are texts of the file for texts, and pictures for pictures; none of them is a
 * query. Texts ask by their vectors, pictures as points that are there. Each cell is
 * searched three times: exactly, as the planner chooses, and with the index forced.
 *
 * The bars, for the planner's choice and for the forced index alike: recall 0.99, and no
 * answer shorter than the smaller of ten and the pictures that match. Exit status 1 where
 * one is missed, or where the forced index was not asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/bench/encoded.h"
#include "tests/bench/questions.h"
#include "tests/bench/rig.h"
#include "tests/index/vectors.h"

enum {
    N_ASKED = 100,
    N_ANCHORS = 8, /* of a side */
    PRIME = 7919,  /* steps over a list from all over it */
    PAGE = 1000,   /* points of a commit */
    PAYLOAD_BYTES = 400,
    FILTER_BYTES = 160,
    N_SHARES = 5
};

static const double RECALL_BAR = 0.99;
static const double shares[N_SHARES] = {1, 0.1, 0.01, 0.001, 0.0001};

enum side { TEXT, PICTURE, N_SIDES };
static const char *const side_names[N_SIDES] = {"text->image", "image->image"};
static const char side_letters[N_SIDES] = {'t', 'p'};

enum relation { APART, WITH, AGAINST, N_RELATIONS };
static const char *const relation_names[N_RELATIONS] = {"apart from", "with",
                                                        "against"};

static struct encoded corpus;

/* Of the points, [corpus.n] each. */
static uint32_t *ranks[N_SIDES][N_ANCHORS]; /* 0 is nearest to the anchor */
static uint32_t *order;                     /* a random order */

static float *anchors[N_SIDES]; /* [N_ANCHORS, dim] */
static struct questions asked[N_SIDES];

static void *need(void *p)
{
    if (p == NULL) {
        rig_fail("out of memory");
    }
    return p;
}

/* ---- Reading the database of pictures ---- */

/* The first few of the lines are the anchors, the others the queries. */
static void read_texts(struct duet *db, const char *path, size_t n)
{
    size_t dim = corpus.dim;
    float *all = need(alloc_array((n + N_ANCHORS) * dim, sizeof *all));
    encoded_lines(db, path, n + N_ANCHORS, dim, all);
    for (size_t i = 0; i < n + N_ANCHORS; i++) {
        /* The file may be sorted: anchors are taken all over it. */
        const float *v = all + i * PRIME % (n + N_ANCHORS) * dim;
        float *dst = i < N_ANCHORS ? anchors[TEXT] + i * dim
                                   : asked[TEXT].vectors + (i - N_ANCHORS) * dim;
        memcpy(dst, v, dim * sizeof *dst);
    }
    alloc_free(all);
}

static void choose_pictures(size_t n)
{
    size_t row = corpus.dim * sizeof *corpus.images;
    asked[PICTURE].points = need(alloc_zero(n, sizeof(struct duet_id)));
    for (size_t i = 0; i < n + N_ANCHORS; i++) {
        /* Ids may be in the order of kinds, too. */
        size_t at =
            encoded_spread(i * PRIME % (n + N_ANCHORS), n + N_ANCHORS, corpus.n);
        const float *v = corpus.images + at * corpus.dim;
        if (i < N_ANCHORS) {
            memcpy(anchors[PICTURE] + i * corpus.dim, v, row);
        } else {
            asked[PICTURE].points[i - N_ANCHORS].number = at;
            memcpy(asked[PICTURE].vectors + (i - N_ANCHORS) * corpus.dim, v, row);
        }
    }
}

/* ---- What the filters ask for ---- */

struct scored {
    float score;
    uint32_t point;
};

static int compare_scored(const void *a, const void *b)
{
    const struct scored *x = a;
    const struct scored *y = b;
    int by_score = (x->score < y->score) - (x->score > y->score);
    return by_score != 0 ? by_score : (x->point > y->point) - (x->point < y->point);
}

/* The rank of each point by its score, the best first; sorts `list`. */
static uint32_t *rank_list(struct scored *list)
{
    uint32_t *result = need(alloc_array(corpus.n, sizeof *result));
    qsort(list, corpus.n, sizeof *list, compare_scored);
    for (size_t i = 0; i < corpus.n; i++) {
        result[list[i].point] = (uint32_t)i;
    }
    return result;
}

static void rank_points(void)
{
    struct scored *list = need(alloc_array(corpus.n, sizeof *list));
    uint64_t random = 4;
    for (size_t a = 0; a < N_SIDES * N_ANCHORS; a++) {
        const float *anchor = anchors[a / N_ANCHORS] + a % N_ANCHORS * corpus.dim;
        for (size_t i = 0; i < corpus.n; i++) {
            list[i].point = (uint32_t)i;
            list[i].score =
                encoded_dot(anchor, corpus.images + i * corpus.dim, corpus.dim);
        }
        ranks[a / N_ANCHORS][a % N_ANCHORS] = rank_list(list);
    }
    for (size_t i = 0; i < corpus.n; i++) {
        list[i].point = (uint32_t)i;
        list[i].score = (float)(vectors_random(&random) >> 40);
    }
    order = rank_list(list);
    alloc_free(list);
}

static size_t payload_of(size_t point, char payload[PAYLOAD_BYTES])
{
    int n = snprintf(payload, PAYLOAD_BYTES, "{\"order\":%u", order[point]);
    for (size_t a = 0; a < N_SIDES * N_ANCHORS; a++) {
        n += snprintf(payload + n, PAYLOAD_BYTES - (size_t)n, ",\"%c%zu\":%u",
                      side_letters[a / N_ANCHORS], a % N_ANCHORS,
                      ranks[a / N_ANCHORS][a % N_ANCHORS][point]);
    }
    n += snprintf(payload + n, PAYLOAD_BYTES - (size_t)n, "}");
    return (size_t)n;
}

static void write_page(struct duet *db, size_t first, size_t n)
{
    static char payloads[PAGE][PAYLOAD_BYTES];
    static struct duet_named_input vectors[PAGE][2];
    static struct duet_point_input points[PAGE];
    size_t dim = corpus.dim;
    for (size_t i = 0; i < n; i++) {
        const float *text = corpus.texts + (first + i) * dim;
        vectors[i][0] =
            (struct duet_named_input){"image",
                                      {.kind = DUET_INPUT_VECTOR,
                                       .vector = corpus.images + (first + i) * dim,
                                       .n = dim}};
        vectors[i][1] = (struct duet_named_input){
            "text", {.kind = DUET_INPUT_VECTOR, .vector = text, .n = dim}};
        points[i] = (struct duet_point_input){
            .id = {.number = first + i},
            .payload = payloads[i],
            .n_payload = payload_of(first + i, payloads[i]),
            .vectors = vectors[i],
            .n_vectors = encoded_dot(text, text, dim) > 0 ? 2 : 1};
    }
    rig_check(duet_upsert(db, "default", points, n));
}

/* On all fields that are asked about. */
static void make_indexes(struct duet *db)
{
    rig_check(duet_index_create(db, "default", "order", "\"integer\""));
    for (size_t side = 0; side < N_SIDES; side++) {
        for (size_t a = 0; a < N_ANCHORS; a++) {
            char field[16];
            snprintf(field, sizeof field, "%c%zu", side_letters[side], a);
            rig_check(duet_index_create(db, "default", field, "\"integer\""));
        }
    }
}

/* The database that is searched, sealed. */
static struct duet *make_database(const char *folder, const char *model)
{
    struct duet *db;
    struct duet_options o = {.path = folder,
                             .write = true,
                             .create = true,
                             .model = model,
                             .seal_at = SIZE_MAX / 2};
    rig_check(duet_open(&db, &o));
    rig_check(duet_collection_create(db, "default", NULL, 0));
    make_indexes(db);
    for (size_t at = 0; at < corpus.n; at += PAGE) {
        write_page(db, at, corpus.n - at < PAGE ? corpus.n - at : PAGE);
    }
    duet_close(db);
    o.seal_at = 64; /* a chunk: all that can be sealed is */
    rig_check(duet_open(&db, &o));
    rig_check(duet_seal(db, "default"));
    return db;
}

/* ---- The cells ---- */

static size_t nearest_anchor(enum side side, const float *query)
{
    size_t best = 0;
    float best_score = -2;
    for (size_t a = 0; a < N_ANCHORS; a++) {
        float score = encoded_dot(query, anchors[side] + a * corpus.dim, corpus.dim);
        best = score > best_score ? a : best;
        best_score = score > best_score ? score : best_score;
    }
    return best;
}

/* A range of one field: the points with `first` <= rank < `end` match. */
struct range {
    const uint32_t *ranks;
    char field[24];
    size_t first, end;
};

static struct range range_of(enum side side, size_t question, enum relation relation,
                             size_t n_allowed)
{
    struct range r = {.ranks = order, .field = "order"};
    uint64_t random = question * N_SIDES + side;
    if (relation == APART) {
        r.first = vectors_random(&random) % (corpus.n - n_allowed + 1);
    } else {
        const float *query = asked[side].vectors + question * corpus.dim;
        size_t anchor = nearest_anchor(side, query);
        r.ranks = ranks[side][anchor];
        snprintf(r.field, sizeof r.field, "%c%zu", side_letters[side], anchor);
        r.first = relation == WITH ? 0 : corpus.n - n_allowed;
    }
    r.end = r.first + n_allowed;
    return r;
}

/* How many results there must be. The point that asks is left out. */
static size_t expected(const struct questions *q, size_t question,
                       const struct range *r)
{
    size_t n = r->end - r->first;
    if (q->points != NULL) {
        uint32_t rank = r->ranks[q->points[question].number];
        n -= rank >= r->first && rank < r->end;
    }
    return n < QUESTIONS_K ? n : QUESTIONS_K;
}

static void print_answer(const struct answer *a, size_t n)
{
    printf(" | %.4f | %zu | %zu of %zu | %.0f", a->recall, a->n_short, a->n_by_index, n,
           1000 / a->ms);
}

static bool is_good(const struct answer *a)
{
    return a->recall >= RECALL_BAR && a->n_short == 0;
}

/* One line of the table; whether the bars are reached in it. */
static bool measure(struct duet *db, enum side side, double share,
                    enum relation relation)
{
    struct questions *q = &asked[side];
    struct answer planned, forced;
    size_t n_allowed = (size_t)(share * (double)corpus.n + 0.5);
    char(*filters)[FILTER_BYTES] = need(alloc_array(q->n, sizeof *filters));
    q->filters = need(alloc_array(q->n, sizeof *q->filters));
    struct range *ranges = need(alloc_array(q->n, sizeof *ranges));
    for (size_t i = 0; i < q->n; i++) {
        ranges[i] = range_of(side, i, relation, n_allowed);
        snprintf(filters[i], FILTER_BYTES,
                 "{\"must\":[{\"key\":\"%s\",\"range\":{\"gte\":%zu,\"lt\":%zu}}]}",
                 ranges[i].field, ranges[i].first, ranges[i].end);
        q->filters[i] = filters[i];
    }
    questions_ask_exactly(q, db, "default");
    bool whole = true;
    for (size_t i = 0; i < q->n; i++) {
        whole = whole && q->truth[i].n == expected(q, i, &ranges[i]);
    }
    questions_ask(q, db, "default", (struct setting){0}, &planned);
    questions_ask(q, db, "default", (struct setting){.force_index = true}, &forced);
    printf("| %s | %g %% | %s", side_names[side], share * 100,
           share < 1 ? relation_names[relation] : "all");
    print_answer(&planned, q->n);
    printf(" | %.0f", 1000 / q->exact_ms);
    print_answer(&forced, q->n);
    bool good = whole && is_good(&planned) && is_good(&forced) && forced.n_by_index > 0;
    printf(" | %s |\n", good ? "reached" : whole ? "**missed**" : "**exact: short**");
    fflush(stdout);
    alloc_free(filters);
    alloc_free(ranges);
    alloc_free(q->filters);
    q->filters = NULL;
    return good;
}

static bool measure_all(struct duet *db)
{
    bool good = true;
    printf(
        "| | allowed | filter, the query | recall | short | by index | /s | exact /s "
        "| forced: recall | short | by index | /s | bar |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t side = 0; side < N_SIDES; side++) {
        for (size_t s = 0; s < N_SHARES; s++) {
            size_t n_relations = shares[s] < 1 ? N_RELATIONS : 1;
            for (size_t r = 0; r < n_relations; r++) {
                good &= measure(db, (enum side)side, shares[s], (enum relation)r);
            }
        }
    }
    return good;
}

static void print_database(struct duet *db)
{
    struct duet_stats stats;
    rig_check(duet_stats(db, "default", &stats));
    printf("%zu pictures, %zu queries a side, recall@%d\n\n", corpus.n, asked[TEXT].n,
           QUESTIONS_K);
    for (size_t i = 0; i < stats.n_spaces; i++) {
        const struct duet_space_stats *s = &stats.spaces[i];
        printf("- %s: %zu vectors of %zu, %zu in %zu segments of %s\n", s->name,
               s->n_vectors, s->dim, s->n_sealed, s->n_segments,
               s->index[0] != '\0' ? s->index : "none");
    }
    printf("\n");
}

/* Reads what is needed of DB; the folder of its model into `model`. */
static void read_database(char **argv, size_t n, char model[RIG_PATH_BYTES])
{
    struct duet *db;
    struct duet_model_info info;
    rig_check(duet_open(&db, &(struct duet_options){.path = argv[1]}));
    encoded_read(&corpus, db);
    for (size_t side = 0; side < N_SIDES; side++) {
        questions_init(&asked[side], n, corpus.dim, "image");
        anchors[side] = need(alloc_array(N_ANCHORS * corpus.dim, sizeof(float)));
    }
    read_texts(db, argv[2], n);
    choose_pictures(n);
    rig_check(duet_model(db, &info));
    snprintf(model, RIG_PATH_BYTES, "%s", info.folder);
    duet_close(db);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/duet-filtered-XXXXXX";
    char model[RIG_PATH_BYTES];
    rig_name = "recall_filtered";
    size_t n = argc > 3 ? strtoull(argv[3], NULL, 10) : N_ASKED;
    if (argc < 3 || n == 0 || mkdtemp(folder) == NULL) {
        rig_fail("say DB QUERIES [N]");
    }
    read_database(argv, n, model);
    rank_points();
    struct duet *db = make_database(folder, model);
    print_database(db);
    bool good = measure_all(db);
    duet_close(db);
    rig_remove_folder(folder);
    for (size_t side = 0; side < N_SIDES; side++) {
        questions_forget(&asked[side]);
        alloc_free(anchors[side]);
        for (size_t a = 0; a < N_ANCHORS; a++) {
            alloc_free(ranks[side][a]);
        }
    }
    alloc_free(order);
    encoded_release(&corpus);
    return good ? 0 : 1;
}
