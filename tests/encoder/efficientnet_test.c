/*
 * efficientnet_test.c - encoder/efficientnet.h against PyTorch, on a small tower.
 */
#include "tests/encoder/golden_tower.h"

#include <pthread.h>

#include "encoder/efficientnet.h"

static const char weights[] = GOLDEN_TOWERS "image.safetensors";

/* As in make.py. */
static const struct efficientnet_config config = {.size = 133,
                                                  .stem = 48,
                                                  .features = 24,
                                                  .n_blocks = 6,
                                                  .blocks = {{3, 1, 1, 48},
                                                             {5, 1, 6, 16},
                                                             {3, 2, 6, 24},
                                                             {5, 1, 4, 24},
                                                             {5, 2, 3, 20},
                                                             {7, 1, 2, 20}},
                                                  .n_taps = 2,
                                                  .taps = {4, 1}};

enum { N_PICTURES = 2, WIDTH = 24 + 20 + 16, PIXELS = 133 * 133 * 3 };

static void test_the_width_counts_the_taps(void **state)
{
    (void)state;
    assert_int_equal(efficientnet_width(&config), WIDTH);
}

static void test_features_are_those_of_the_reference(void **state)
{
    (void)state;
    struct efficientnet *tower;
    float features[N_PICTURES * WIDTH];
    float *pixels = golden_numbers(N_PICTURES * PIXELS);
    assert_ok(efficientnet_open(&tower, &config, weights));
    assert_ok(efficientnet_features(tower, pixels, N_PICTURES, features));
    golden_check(GOLDEN_TOWERS "image-golden.safetensors", "features", features,
                 N_PICTURES * WIDTH);
    efficientnet_close(tower);
    alloc_free(pixels);
}

static void test_a_picture_gives_the_same_alone_and_in_a_batch(void **state)
{
    (void)state;
    struct efficientnet *tower;
    float batch[N_PICTURES * WIDTH], alone[WIDTH];
    float *pixels = golden_numbers(N_PICTURES * PIXELS);
    assert_ok(efficientnet_open(&tower, &config, weights));
    assert_ok(efficientnet_features(tower, pixels, N_PICTURES, batch));
    assert_ok(efficientnet_features(tower, pixels + PIXELS, 1, alone));
    assert_memory_equal(alone, batch + WIDTH, sizeof alone);
    efficientnet_close(tower);
    alloc_free(pixels);
}

struct caller {
    struct efficientnet *tower;
    const float *pixels;
    float features[WIDTH];
    enum err result;
};

static void *call(void *context)
{
    struct caller *c = context;
    for (int i = 0; i < 3; i++) {
        c->result = efficientnet_features(c->tower, c->pixels, 1, c->features);
    }
    return NULL;
}

static void test_threads_share_a_tower(void **state)
{
    (void)state;
    struct caller callers[N_PICTURES];
    pthread_t threads[N_PICTURES];
    struct efficientnet *tower;
    float expected[N_PICTURES * WIDTH];
    float *pixels = golden_numbers(N_PICTURES * PIXELS);
    assert_ok(efficientnet_open(&tower, &config, weights));
    assert_ok(efficientnet_features(tower, pixels, N_PICTURES, expected));
    for (size_t i = 0; i < N_PICTURES; i++) {
        callers[i].tower = tower;
        callers[i].pixels = pixels + i * PIXELS;
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < N_PICTURES; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(callers[i].result, ERR_OK);
        assert_memory_equal(callers[i].features, expected + i * WIDTH,
                            WIDTH * sizeof *expected);
    }
    efficientnet_close(tower);
    alloc_free(pixels);
}

static void test_a_tensor_of_another_shape_is_named(void **state)
{
    (void)state;
    struct efficientnet *tower = NULL;
    struct efficientnet_config wrong = config;
    wrong.features = 25;
    golden_assert_refused(efficientnet_open(&tower, &wrong, weights), "top.weight");
    wrong = config;
    wrong.blocks[2].expand = 5;
    golden_assert_refused(efficientnet_open(&tower, &wrong, weights),
                          "blocks.2.expand.weight");
    wrong = config;
    wrong.blocks[3].kernel = 3;
    golden_assert_refused(efficientnet_open(&tower, &wrong, weights),
                          "blocks.3.depthwise.weight");
    assert_null(tower);
}

static void test_a_missing_tensor_is_named(void **state)
{
    (void)state;
    struct efficientnet *tower;
    struct efficientnet_config deeper = config;
    deeper.n_blocks = 7;
    deeper.blocks[6] = deeper.blocks[5];
    golden_assert_refused(efficientnet_open(&tower, &deeper, weights),
                          "blocks.6.expand.weight");
}

static void test_a_missing_file_is_named(void **state)
{
    (void)state;
    struct efficientnet *tower;
    golden_assert_refused(efficientnet_open(&tower, &config, GOLDEN_TOWERS "none"),
                          "none");
}

static void test_sizes_that_no_kernel_takes_are_refused(void **state)
{
    (void)state;
    struct efficientnet *tower;
    struct efficientnet_config wrong = config;
    wrong.blocks[0].kernel = 9;
    golden_assert_refused(efficientnet_open(&tower, &wrong, weights), "side 9");
    wrong.blocks[0].kernel = 4;
    golden_assert_refused(efficientnet_open(&tower, &wrong, weights), "side 4");
    wrong = config;
    wrong.blocks[1].expand = 200; /* times 48 channels */
    golden_assert_refused(efficientnet_open(&tower, &wrong, weights), "200 times 48");
    wrong = config;
    wrong.n_blocks = EFFICIENTNET_BLOCKS_MAX + 1;
    golden_assert_refused(efficientnet_open(&tower, &wrong, weights), "65 blocks");
    wrong = config;
    wrong.taps[1] = 6;
    golden_assert_refused(efficientnet_open(&tower, &wrong, weights), "block 6 of 6");
    wrong = config;
    wrong.size = 0;
    golden_assert_refused(efficientnet_open(&tower, &wrong, weights), "0 pixels");
}

static void test_no_memory_is_an_error_not_a_crash(void **state)
{
    (void)state;
    struct efficientnet *tower = NULL;
    enum err result = ERR_NOMEM;
    long n;
    for (n = 0; result == ERR_NOMEM && n < 10000; n++) {
        alloc_fail_after(n);
        result = efficientnet_open(&tower, &config, weights);
        alloc_fail_after(-1);
        assert_true(result == ERR_NOMEM ? tower == NULL : result == ERR_OK);
    }
    assert_int_equal(result, ERR_OK);
    assert_true(n > 2);
    float *pixels = golden_numbers(PIXELS), features[WIDTH];
    alloc_fail_after(0);
    result = efficientnet_features(tower, pixels, 1, features);
    alloc_fail_after(-1);
    assert_int_equal(result, ERR_NOMEM);
    efficientnet_close(tower);
    alloc_free(pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_width_counts_the_taps),
        cmocka_unit_test(test_features_are_those_of_the_reference),
        cmocka_unit_test(test_a_picture_gives_the_same_alone_and_in_a_batch),
        cmocka_unit_test(test_threads_share_a_tower),
        cmocka_unit_test(test_a_tensor_of_another_shape_is_named),
        cmocka_unit_test(test_a_missing_tensor_is_named),
        cmocka_unit_test(test_a_missing_file_is_named),
        cmocka_unit_test(test_sizes_that_no_kernel_takes_are_refused),
        cmocka_unit_test(test_no_memory_is_an_error_not_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
