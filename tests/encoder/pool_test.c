/*
 * pool_test.c - encoder/pool.h on a real, if tiny, model: the same vectors and errors
 * as those of encoder.h. Who comes when is tested in pool_order_test.c.
 */
#include "tests/encoder/tiny_model.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "encoder/image.h"
#include "encoder/pool.h"

enum { N_THREADS = 8, N_ROUNDS = 40, N_TEXTS = 6, SIDE = 20 };

static char folder[64];
static struct enc *enc;
static struct enc_pool *pool;

static const char *const texts[N_TEXTS] = {
    "dog", "a red car and a blue car", "狗", "cats and dogs", "红车", "blue"};

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/duet-pool-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    tiny_model_write(folder, 1);
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    options.max_pictures = 4;
    assert_ok(enc_open(&enc, folder));
    assert_ok(enc_pool_open(&pool, enc, &options));
    return 0;
}

static int end(void **state)
{
    (void)state;
    enc_pool_close(pool);
    enc_close(enc);
    tiny_model_remove(folder);
    return 0;
}

static struct img make_picture(size_t seed)
{
    struct img image = {
        .rgb = alloc_array(SIDE * SIDE, 3), .width = SIDE, .height = SIDE};
    assert_non_null(image.rgb);
    for (size_t i = 0; i < SIDE * SIDE * 3; i++) {
        image.rgb[i] = (uint8_t)(i * (i + seed) / 5);
    }
    return image;
}

static void expect_text(size_t i, float vector[TINY_DIM])
{
    assert_ok(enc_text(enc, texts[i], strlen(texts[i]), vector, NULL));
}

/* Every kind of call, one after another. */
static void test_vectors_are_those_of_the_encoder(void **state)
{
    (void)state;
    float expected[TINY_DIM], vector[TINY_DIM];
    for (size_t i = 0; i < N_TEXTS; i++) {
        expect_text(i, expected);
        assert_ok(enc_pool_text(pool, NULL, texts[i], strlen(texts[i]), vector));
        assert_memory_equal(vector, expected, sizeof vector);
    }
    struct img image = make_picture(1);
    assert_ok(enc_image(enc, &image, expected));
    assert_ok(enc_pool_take_image(pool, NULL, &image, vector));
    assert_memory_equal(vector, expected, sizeof vector);
    assert_null(image.rgb);
}

/* A call of many texts, of both towers. */
static void encode_all(float vectors[N_TEXTS][TINY_DIM], enum err expected)
{
    static struct enc_tokens tokens[N_TEXTS];
    const struct enc_tokens *ins[N_TEXTS];
    float *outs[N_TEXTS];
    for (size_t i = 0; i < N_TEXTS; i++) {
        assert_ok(enc_tokenize(enc, texts[i], strlen(texts[i]), &tokens[i]));
        ins[i] = &tokens[i];
        outs[i] = vectors[i];
    }
    enum err result = enc_pool_tokens(pool, NULL, ins, N_TEXTS, outs);
    assert_true(result == ERR_OK || result == expected);
}

static void test_many_at_once_are_one_batch(void **state)
{
    (void)state;
    float vectors[N_TEXTS][TINY_DIM], expected[TINY_DIM];
    encode_all(vectors, ERR_OK);
    for (size_t i = 0; i < N_TEXTS; i++) {
        expect_text(i, expected);
        assert_memory_equal(vectors[i], expected, sizeof expected);
    }
    struct enc_pool_kind_stats stats = enc_pool_stats(pool).texts;
    assert_int_equal(stats.n_items, N_TEXTS);
    assert_int_equal(stats.n_batches, 1);
    assert_int_equal(stats.batches_by_size[3], 1);
    assert_true(stats.work_ns > 0);
}

/* Threads: each encodes all texts and a picture of its own, over and over, and one of
 * them brings texts that cannot be encoded. */
struct worker {
    pthread_t thread;
    size_t seed; /* of its picture */
    float expected[TINY_DIM];
    size_t n_wrong;
};

static float expected_texts[N_TEXTS][TINY_DIM];

static void *work(void *arg)
{
    struct worker *w = arg;
    float vector[TINY_DIM];
    for (size_t i = 0; i < N_ROUNDS * N_TEXTS; i++) {
        const char *text = texts[i % N_TEXTS];
        w->n_wrong += enc_pool_text(pool, NULL, text, strlen(text), vector) != ERR_OK ||
                      memcmp(vector, expected_texts[i % N_TEXTS], sizeof vector) != 0;
        if (i % N_TEXTS == 0) {
            struct img image = make_picture(w->seed);
            w->n_wrong += enc_pool_take_image(pool, NULL, &image, vector) != ERR_OK ||
                          memcmp(vector, w->expected, sizeof vector) != 0;
            w->n_wrong += enc_pool_text(pool, NULL, "\xff", 1, vector) != ERR_INVALID ||
                          strstr(err_detail(), "UTF-8") == NULL;
        }
    }
    return NULL;
}

static void test_many_threads_get_their_own_vectors_and_errors(void **state)
{
    (void)state;
    static struct worker workers[N_THREADS];
    for (size_t i = 0; i < N_TEXTS; i++) {
        expect_text(i, expected_texts[i]);
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        struct img image = make_picture(i);
        workers[i] = (struct worker){.seed = i};
        assert_ok(enc_image(enc, &image, workers[i].expected));
        img_release(&image);
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]),
                         0);
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].n_wrong, 0);
    }
    struct enc_pool_stats stats = enc_pool_stats(pool);
    assert_int_equal(stats.texts.n_items, N_THREADS * N_ROUNDS * N_TEXTS);
    assert_int_equal(stats.pictures.n_items, N_THREADS * N_ROUNDS);
}

static void test_a_bad_text_or_picture_is_its_callers_own(void **state)
{
    (void)state;
    float vector[TINY_DIM];
    assert_err(enc_pool_text(pool, NULL, " ", 1, vector), ERR_INVALID);
    assert_err(enc_pool_text(pool, NULL, "\xff", 1, vector), ERR_INVALID);
    tiny_write(folder, "image.safetensors", "broken", 6);
    struct img image = make_picture(1);
    assert_err(enc_pool_take_image(pool, NULL, &image, vector), ERR_MODEL);
    assert_ok(enc_pool_text(pool, NULL, "dog", 3, vector));
}

static void test_no_memory_at_any_point_is_an_error_without_leaks(void **state)
{
    (void)state;
    float vectors[N_TEXTS][TINY_DIM], expected[TINY_DIM];
    struct img image = make_picture(1);
    enum err result = ERR_NOMEM;
    long n;
    assert_ok(enc_image(enc, &image, expected));
    img_release(&image);
    encode_all(vectors, ERR_OK); /* opens the towers, which encoder_test.c tortures */
    for (n = 0; result == ERR_NOMEM && n < 1000; n++) {
        image = make_picture(1);
        alloc_fail_after(n);
        result = enc_pool_take_image(pool, NULL, &image, vectors[0]);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || result == ERR_NOMEM);
    }
    assert_memory_equal(vectors[0], expected, sizeof expected);
    assert_true(n > 2);
    for (n = 0; n < 20; n++) {
        alloc_fail_after(n);
        encode_all(vectors, ERR_NOMEM);
        alloc_fail_after(-1);
    }
    struct enc_pool *none;
    alloc_fail_after(0);
    result = enc_pool_open(&none, enc, &ENC_POOL_OPTIONS_DEFAULT);
    alloc_fail_after(-1);
    assert_int_equal(result, ERR_NOMEM);
    assert_null(none);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_vectors_are_those_of_the_encoder),
        TEST(test_many_at_once_are_one_batch),
        TEST(test_many_threads_get_their_own_vectors_and_errors),
        TEST(test_a_bad_text_or_picture_is_its_callers_own),
        TEST(test_no_memory_at_any_point_is_an_error_without_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
