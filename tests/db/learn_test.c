/*
 * learn_test.c - widths learnt by segments (db/learn.c, db/learn_questions.c, db/asked.c), the
 * choice of an index (db/index_choice.c), and the recall gauge (db/gauge.c).
 */
#include "tests/db/db_test.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/log.h"
#include "db/database.h"
#include "db/duet_keep.h"
#include "db/gauge.h"
#include "tests/encoder/tiny_model.h"

enum { DIM = TINY_DIM, N = 4096, SEAL_AT = 1024, K = 10 };

struct fixture {
    char model[64];
    struct test_db t;
    struct test_random random;
    float vectors[N][DIM];
    float captions[N][DIM];
};

static void open_db(struct fixture *f, bool write)
{
    struct duet_options o = test_db_options(&f->t);
    o.model = f->model;
    o.write = o.create = write;
    o.seal_at = SEAL_AT;
    assert_ok(duet_open(&f->t.db, &o));
}

static void reopen(struct fixture *f, bool write)
{
    duet_close(f->t.db);
    open_db(f, write);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    log_set_level(LOG_ERROR);
    f->random = test_random_seeded("learn");
    test_folder_make(f->model);
    tiny_model_write(f->model, 1);
    test_folder_make(f->t.folder);
    open_db(f, true);
    for (size_t i = 0; i < N; i++) {
        test_random_unit(&f->random, f->vectors[i], DIM);
        test_random_unit(&f->random, f->captions[i], DIM);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_db_remove(&f->t);
    tiny_model_remove(f->model);
    free(f);
    return 0;
}

static void write_points(struct fixture *f, size_t from, size_t to, bool captions)
{
    struct db_write *writes = calloc(to - from, sizeof *writes);
    for (size_t i = from; i < to; i++) {
        writes[i - from].id = test_id(i);
        writes[i - from].vectors[0] = f->vectors[i];
        writes[i - from].vectors[1] = captions ? f->captions[i] : NULL;
    }
    assert_ok(db_write_points(f->t.db, "c", writes, to - from));
    assert_ok(duet_seal(f->t.db, "c"));
    free(writes);
}

static struct duet_space_stats stats_of(struct fixture *f, size_t space)
{
    struct duet_stats stats;
    assert_ok(duet_stats(f->t.db, "c", &stats));
    return stats.spaces[space];
}

/* Asks by `n` random vectors; returns recall@K beside the exact answers. */
static double ask(struct fixture *f, size_t n, struct duet_query settings)
{
    size_t n_common = 0;
    for (size_t i = 0; i < n; i++) {
        float vector[DIM];
        struct duet_hits got;
        struct duet_hits truth;
        test_random_unit(&f->random, vector, DIM);
        struct duet_query q = settings;
        q.k = K;
        q.input =
            (struct duet_input){.kind = DUET_INPUT_VECTOR, .vector = vector, .n = DIM};
        assert_ok(duet_search(f->t.db, "c", &q, &got));
        q.exact = true;
        assert_ok(duet_search(f->t.db, "c", &q, &truth));
        assert_int_equal(got.n, K);
        for (size_t a = 0; a < K * K; a++) {
            n_common += truth.hits[a / K].id.number == got.hits[a % K].id.number;
        }
        duet_hits_release(&got);
        duet_hits_release(&truth);
    }
    return (double)n_common / (double)(n * K);
}

/* ---- Learning ---- */

static void test_a_segment_of_plain_vectors_learns_from_its_own(void **state)
{
    struct fixture *f = *state;
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    write_points(f, 0, N, false);
    struct duet_space_stats s = stats_of(f, 0);
    assert_int_equal(s.same_side.n_questions, 128);
    assert_true(s.same_side.recall >= 0.99);
    assert_string_equal(s.same_side.learnt_from, "own vectors");
    assert_string_equal(s.cross_modal.learnt_from, "own vectors, then widened");
    assert_int_equal(s.cross_modal.oversampling, 3 * s.same_side.oversampling);
    assert_true(ask(f, 50, DUET_QUERY_DEFAULT) >= 0.98);
    reopen(f, false);
    struct duet_space_stats again = stats_of(f, 0);
    assert_memory_equal(&again.same_side, &s.same_side, sizeof s.same_side);
    assert_memory_equal(&again.cross_modal, &s.cross_modal, sizeof s.cross_modal);
}

static void test_a_segment_learns_from_what_was_asked(void **state)
{
    struct fixture *f = *state;
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    write_points(f, 0, SEAL_AT, false);
    ask(f, 40, DUET_QUERY_DEFAULT);
    write_points(f, SEAL_AT, N, false);
    struct duet_space_stats s = stats_of(f, 0);
    assert_string_equal(s.cross_modal.learnt_from, "questions asked");
    assert_in_range(s.cross_modal.n_questions, 32, 128);
}

static void test_pictures_learn_from_their_captions(void **state)
{
    struct fixture *f = *state;
    assert_ok(duet_collection_create(f->t.db, "c", NULL, 0));
    write_points(f, 0, N, true);
    for (size_t space = 0; space < 2; space++) {
        struct duet_space_stats s = stats_of(f, space);
        assert_string_equal(s.same_side.learnt_from, "own vectors");
        assert_string_equal(s.cross_modal.learnt_from, "vectors of the other space");
        assert_int_equal(s.cross_modal.n_questions, 128);
        assert_true(s.cross_modal.recall >= 0.99);
        assert_non_null(strstr(s.reason, "graphs lose text queries"));
    }
}

/* Where no picture has a caption: the model is open, as it is in whoever adds them. */
static void test_pictures_without_captions_learn_from_phrases(void **state)
{
    struct fixture *f = *state;
    float *vector;
    size_t dim;
    struct duet_input text = duet_input_text("a dog");
    setenv("DUET_PHRASES", "db/phrases", 1);
    assert_ok(duet_collection_create(f->t.db, "c", NULL, 0));
    assert_ok(duet_embed(f->t.db, &text, &vector, &dim));
    duet_free(vector);
    write_points(f, 0, N, false);
    unsetenv("DUET_PHRASES");
    struct duet_space_stats s = stats_of(f, 0);
    assert_string_equal(s.cross_modal.learnt_from, "phrases");
    assert_int_equal(s.cross_modal.n_questions, 128);
}

/* ---- Choosing ---- */

static void test_an_index_is_built_as_chosen(void **state)
{
    static const struct {
        enum duet_vector_index choice;
        const char *name;
    } cases[] = {{DUET_INDEX_IVF, "IVF16,PQ8x4fs"},
                 {DUET_INDEX_HNSW, "HNSW32,Flat"},
                 {DUET_INDEX_SCAN, ""},
                 {DUET_INDEX_PQ, "PQ8x4fs"}};
    struct fixture *f = *state;
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    write_points(f, 0, N, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(duet_collection_set_index(f->t.db, "c", NULL, cases[i].choice));
        if (cases[i].choice == DUET_INDEX_PQ) {
            reopen(f, true); /* what was chosen is kept */
        }
        assert_ok(duet_seal(f->t.db, "c"));
        struct duet_space_stats s = stats_of(f, 0);
        assert_string_equal(s.index, cases[i].name);
        assert_int_equal(s.choice, cases[i].choice);
        assert_int_equal(strncmp(s.reason, "chosen: ", 8), 0);
        assert_int_equal(s.n_segments, cases[i].choice == DUET_INDEX_SCAN ? 0 : 1);
        double recall = ask(f, 50, DUET_QUERY_DEFAULT);
        print_message("%s: recall %.3f, learnt %.3f\n",
                      duet_vector_index_name(s.choice), recall, s.cross_modal.recall);
        assert_true(recall >= 0.98);
    }
    struct duet_check_result found;
    struct duet_check_options check = {.found = NULL};
    assert_ok(duet_verify(f->t.db, &check, &found));
    assert_int_equal(found.n_damage + found.n_derived, 0);
    assert_ok(duet_collection_set_index(f->t.db, "c", "v", DUET_INDEX_AUTO));
    assert_int_equal(stats_of(f, 0).choice, DUET_INDEX_AUTO);
}

static void test_a_choice_that_cannot_be_is_refused(void **state)
{
    struct fixture *f = *state;
    enum duet_vector_index choice;
    test_collection_make(f->t.db, "c", DIM, DUET_MANHATTAN);
    assert_err(duet_collection_set_index(f->t.db, "c", NULL, DUET_INDEX_PQ),
               ERR_UNSUPPORTED);
    assert_ok(duet_collection_set_index(f->t.db, "c", NULL, DUET_INDEX_SCAN));
    assert_err(duet_collection_set_index(f->t.db, "c", "w", DUET_INDEX_PQ),
               ERR_NOT_FOUND);
    assert_err(duet_collection_set_index(f->t.db, "d", NULL, DUET_INDEX_PQ),
               ERR_NOT_FOUND);
    assert_err(duet_collection_set_index(f->t.db, "c", NULL, (enum duet_vector_index)9),
               ERR_INVALID);
    assert_err(duet_vector_index_parse("tree", &choice), ERR_INVALID);
    assert_ok(duet_vector_index_parse("hnsw", &choice));
    assert_int_equal(choice, DUET_INDEX_HNSW);
}

/* The choice is part of making a collection, and goes with it. */
static void test_a_choice_is_made_with_its_collection(void **state)
{
    struct fixture *f = *state;
    struct duet_space space = {"v", DIM, DUET_DOT, DUET_FLOAT32};
    struct duet_collection_options o = {
        .spaces = &space, .n_spaces = 1, .index = DUET_INDEX_HNSW};
    assert_ok(duet_collection_create_with(f->t.db, "c", &o));
    assert_int_equal(stats_of(f, 0).choice, DUET_INDEX_HNSW);
    assert_ok(duet_collection_drop(f->t.db, "c"));
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    assert_int_equal(stats_of(f, 0).choice, DUET_INDEX_AUTO);
}

/* More of a graph is looked at where more is asked for. */
static void test_the_width_of_a_walk_is_the_querys(void **state)
{
    struct fixture *f = *state;
    struct duet_query narrow = DUET_QUERY_DEFAULT;
    struct duet_query wide = DUET_QUERY_DEFAULT;
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    assert_ok(duet_collection_set_index(f->t.db, "c", NULL, DUET_INDEX_HNSW));
    write_points(f, 0, N, false);
    narrow.ef = 1;
    wide.ef = 100000; /* as wide as it goes */
    assert_true(ask(f, 100, narrow) < ask(f, 100, wide));
}

/* ---- The gauge ---- */

static struct duet_recall_item read_gauge(struct fixture *f)
{
    struct duet_recalls recalls;
    assert_ok(duet_recall(f->t.db, "c", &recalls));
    assert_int_equal(recalls.n, 1);
    struct duet_recall_item item = recalls.items[0];
    duet_recalls_release(&recalls);
    return item;
}

/* Each question is checked before the next. */
static void ask_gauged(struct fixture *f, size_t n)
{
    gauge_set_rest(f->t.db->gauge, 0);
    for (size_t i = 0; i < n; i++) {
        float vector[DIM];
        struct duet_hits got;
        test_random_unit(&f->random, vector, DIM);
        struct duet_query q = test_query(vector, DIM, K);
        assert_ok(duet_search(f->t.db, "c", &q, &got));
        duet_hits_release(&got);
        gauge_wait(f->t.db->gauge);
    }
}

static void test_the_gauge_reads_what_is_found(void **state)
{
    struct fixture *f = *state;
    struct duet_recalls recalls;
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    write_points(f, 0, N, false);
    assert_ok(duet_recall(f->t.db, NULL, &recalls));
    assert_int_equal(recalls.n, 0);
    duet_recalls_release(&recalls);
    ask_gauged(f, 30);
    struct duet_recall_item item = read_gauge(f);
    assert_string_equal(item.collection, "c");
    assert_string_equal(item.space, "v");
    assert_true(item.cross_modal);
    assert_in_range(item.n_checks, 20, 30);
    assert_true(item.recall >= 0.98 && item.recall <= 1);
    assert_err(duet_recall(f->t.db, "d", &recalls), ERR_NOT_FOUND);
}

static void find_segment(struct fixture *f, char path[256])
{
    snprintf(path, 256, "%s/segments", f->t.folder);
    DIR *d = opendir(path);
    size_t n = strlen(path);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (strstr(e->d_name, ".ann") != NULL) {
            snprintf(path + n, 256 - n, "/%.100s", e->d_name);
        }
    }
    closedir(d);
}

static enum err read_noise(void *arg, size_t first, size_t n, float *dst)
{
    struct test_random r = {first * 2 + 7};
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        test_random_unit(&r, dst + i * DIM, DIM);
    }
    return ERR_OK;
}

/* A sound file, but of other vectors: what it finds is nothing like the truth. */
static void test_the_gauge_sees_an_index_that_is_wrong(void **state)
{
    struct fixture *f = *state;
    char path[256];
    struct ann *ann;
    struct ann_info info;
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    write_points(f, 0, N, false);
    reopen(f, true); /* files of earlier generations go */
    assert_ok(duet_seal(f->t.db, "c"));
    duet_close(f->t.db);
    find_segment(f, path);
    assert_ok(ann_load(&ann, path));
    ann_info(ann, &info);
    ann_close(ann);
    struct ann_build_options o = {
        .dim = DIM, .generation = info.generation, .n_threads = 1};
    assert_ok(ann_build(&ann, &o, info.n, read_noise, NULL));
    ann_set_width(ann, ANN_CROSS_SIDE, &(struct ann_width){.oversampling = 10});
    assert_ok(ann_save(ann, path));
    ann_close(ann);
    open_db(f, false);
    ask_gauged(f, 20);
    assert_true(read_gauge(f).recall < 0.3);
}

static void test_what_is_asked_otherwise_is_not_gauged(void **state)
{
    struct fixture *f = *state;
    struct duet_recalls recalls;
    struct duet_query q = DUET_QUERY_DEFAULT;
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    write_points(f, 0, N, false);
    gauge_set_rest(f->t.db->gauge, 0);
    q.oversampling = 2; /* the user's own width */
    ask(f, 10, q);
    q = DUET_QUERY_DEFAULT;
    q.filter = "{\"must_not\": {\"has_id\": [1]}}";
    ask(f, 10, q);
    gauge_wait(f->t.db->gauge);
    assert_ok(duet_recall(f->t.db, NULL, &recalls));
    assert_int_equal(recalls.n, 0);
    duet_recalls_release(&recalls);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_segment_of_plain_vectors_learns_from_its_own),
        TEST(test_a_segment_learns_from_what_was_asked),
        TEST(test_pictures_learn_from_their_captions),
        TEST(test_pictures_without_captions_learn_from_phrases),
        TEST(test_an_index_is_built_as_chosen),
        TEST(test_a_choice_that_cannot_be_is_refused),
        TEST(test_a_choice_is_made_with_its_collection),
        TEST(test_the_width_of_a_walk_is_the_querys),
        TEST(test_the_gauge_reads_what_is_found),
        TEST(test_the_gauge_sees_an_index_that_is_wrong),
        TEST(test_what_is_asked_otherwise_is_not_gauged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
