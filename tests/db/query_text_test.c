/*
 * query_text_test.c - texts and pictures in query trees: db/query_encode.c.
 */
#include "tests/db/db_test.h"

#include "base/limits.h"
#include "tests/encoder/tiny_model.h"
#include "tests/picture.h"

struct fixture {
    char model[64];
    char picture[128];
    struct test_db t;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    test_folder_make(f->model);
    tiny_model_write(f->model, 1);
    test_folder_make(f->t.folder);
    struct duet_options o = test_db_options(&f->t);
    o.model = f->model;
    assert_ok(duet_open(&f->t.db, &o));
    assert_ok(duet_collection_create(f->t.db, "c", NULL, 0));
    snprintf(f->picture, sizeof f->picture, "%s/a.ppm", f->t.folder);
    picture_write(f->picture, 1);
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

static void add(struct fixture *f, uint64_t number, const char *text)
{
    struct duet_named_input inputs[] = {{NULL, duet_input_file(f->picture)},
                                        {NULL, duet_input_text(text)}};
    struct duet_point_input point = {
        .id = test_id(number), .vectors = inputs, .n_vectors = 2};
    assert_ok(duet_upsert(f->t.db, "c", &point, 1));
}

static struct duet_query by_text(const char *text, const char *in)
{
    struct duet_query q = DUET_QUERY_DEFAULT;
    q.input = duet_input_text(text);
    q.in = in;
    return q;
}

static void test_a_text_said_twice_is_encoded_once(void **state)
{
    struct fixture *f = *state;
    struct duet_encode_stats before, after;
    struct duet_hits got;
    const struct duet_query prefetch[] = {
        by_text("a dog", "image"), by_text("a dog", "text"), by_text("a cat", "text")};
    struct duet_query q = DUET_QUERY_DEFAULT;
    add(f, 1, "a dog");
    q.kind = DUET_QUERY_RRF;
    q.prefetch = prefetch;
    q.n_prefetch = 3;
    duet_encode_stats(f->t.db, &before);
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    duet_encode_stats(f->t.db, &after);
    assert_int_equal(after.texts.n_items - before.texts.n_items, 2);
    assert_int_equal(after.texts.n_batches - before.texts.n_batches, 1);
    assert_true(fabsf(got.hits[0].score - 1.5f) < 1e-6f);
    duet_hits_release(&got);
}

/* More than fit one batch of the pool, and each gets its own vector. */
static void test_texts_of_many_queries_are_encoded_together(void **state)
{
    struct fixture *f = *state;
    enum { N = 80 };
    static char texts[N][16];
    struct duet_query queries[N];
    struct duet_hits together[N], alone;
    struct duet_encode_stats before, after;
    for (size_t i = 0; i < N; i++) {
        snprintf(texts[i], sizeof texts[i], "dog %zu cat %zu", i % 7, i);
        add(f, i, texts[i]);
        queries[i] = by_text(texts[i], "text");
        queries[i].k = 3;
    }
    duet_encode_stats(f->t.db, &before);
    assert_ok(duet_search_many(f->t.db, "c", queries, N, together));
    duet_encode_stats(f->t.db, &after);
    assert_true(after.texts.n_batches - before.texts.n_batches < N / 2);
    for (size_t i = 0; i < N; i++) {
        assert_ok(duet_search(f->t.db, "c", &queries[i], &alone));
        for (size_t h = 0; h < 3; h++) {
            assert_int_equal(together[i].hits[h].id.number, alone.hits[h].id.number);
            assert_true(together[i].hits[h].score == alone.hits[h].score);
        }
        duet_hits_release(&alone);
        duet_hits_release(&together[i]);
    }
}

static void test_a_mix_of_text_and_picture_lies_between(void **state)
{
    struct fixture *f = *state;
    float *vectors[2], sum[TINY_DIM];
    size_t dim;
    struct duet_example parts[] = {{duet_input_text("a dog"), 1},
                                   {duet_input_file(f->picture), -0.5f}};
    struct duet_query q = DUET_QUERY_DEFAULT;
    struct duet_hits mixed, summed;
    add(f, 1, "a cat");
    for (size_t i = 0; i < 2; i++) {
        assert_ok(duet_embed(f->t.db, &parts[i].input, &vectors[i], &dim));
    }
    for (size_t d = 0; d < TINY_DIM; d++) {
        sum[d] = vectors[0][d] - 0.5f * vectors[1][d];
    }
    q.kind = DUET_QUERY_MIX;
    q.examples = parts;
    q.n_examples = 2;
    assert_ok(duet_search(f->t.db, "c", &q, &mixed));
    q = test_query(sum, TINY_DIM, 10);
    assert_ok(duet_search(f->t.db, "c", &q, &summed));
    assert_true(fabsf(mixed.hits[0].score - summed.hits[0].score) < 1e-6f);
    duet_hits_release(&mixed);
    duet_hits_release(&summed);
    duet_free(vectors[0]);
    duet_free(vectors[1]);
}

static void test_a_cut_text_is_told_of_its_own_query(void **state)
{
    struct fixture *f = *state;
    char text[4000] = "";
    struct duet_hits got[2];
    for (size_t i = 0; i < 500; i++) {
        strcat(text, "dog ");
    }
    const struct duet_query prefetch[] = {by_text(text, "text")};
    struct duet_query queries[] = {by_text("a cat", "text"), by_text("a dog", "text")};
    queries[1].prefetch = prefetch;
    queries[1].n_prefetch = 1;
    assert_ok(duet_search_many(f->t.db, "c", queries, 2, got));
    assert_false(got[0].truncated);
    assert_true(got[1].truncated);
    duet_hits_release(&got[0]);
    duet_hits_release(&got[1]);
}

static void test_texts_and_pictures_that_are_wrong_say_where(void **state)
{
    struct fixture *f = *state;
    struct duet_hits got;
    struct duet_example parts[] = {{duet_input_text("a dog"), 1},
                                   {duet_input_file("/none.jpg"), 1}};
    struct duet_query q = DUET_QUERY_DEFAULT;
    q.kind = DUET_QUERY_MIX;
    q.examples = parts;
    q.n_examples = 2;
    assert_err(duet_search(f->t.db, "c", &q, &got), ERR_NOT_FOUND);
    assert_non_null(strstr(err_detail(), "query.duet.mix[1]: "));
    parts[1].input = duet_input_text("\xff");
    assert_err(duet_search(f->t.db, "c", &q, &got), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "query.duet.mix[1]: "));
    test_collection_make(f->t.db, "plain", 2, DUET_COSINE);
    parts[1].input = duet_input_text("a");
    assert_err(duet_search(f->t.db, "plain", &q, &got), ERR_UNSUPPORTED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_text_said_twice_is_encoded_once),
        TEST(test_texts_of_many_queries_are_encoded_together),
        TEST(test_a_mix_of_text_and_picture_lies_between),
        TEST(test_a_cut_text_is_told_of_its_own_query),
        TEST(test_texts_and_pictures_that_are_wrong_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
