/*
 * bert_test.c - encoder/bert.h against Hugging Face's BertModel, on a small tower.
 */
#include "tests/encoder/golden_tower.h"

#include <stdio.h>

#include "encoder/bert.h"

static const char *const weights = GOLDEN_TOWERS "text.safetensors";

/* As in make.py. */
static const struct bert_config config = {.vocab = 50,
                                          .layers = 2,
                                          .hidden = 24,
                                          .heads = 3,
                                          .intermediate = 40,
                                          .max_tokens = 16,
                                          .layer_norm_eps = 1e-12f};

enum { WIDTH = 24, MAX_TOKENS = 16 };

static void make_ids(int32_t ids[MAX_TOKENS])
{
    for (int32_t i = 0; i < MAX_TOKENS; i++) {
        ids[i] = (i * 7 + 3) % 50;
    }
}

static void test_features_are_those_of_the_reference(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 7, MAX_TOKENS};
    struct bert *tower;
    int32_t ids[MAX_TOKENS];
    make_ids(ids);
    assert_ok(bert_open(&tower, &config, &weights, 1));
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char name[32];
        float features[WIDTH];
        snprintf(name, sizeof name, "features.%zu", lengths[i]);
        assert_ok(bert_features(tower, ids, &lengths[i], 1, features));
        golden_check(GOLDEN_TOWERS "text-golden.safetensors", name, features, WIDTH);
    }
    bert_close(tower);
}

/* Whatever stands beside it, and wherever: to the bit. */
static void test_a_text_among_others_is_as_alone(void **state)
{
    (void)state;
    static const size_t lengths[] = {3, MAX_TOKENS, 1, 7, 7, 2, 15, 4, 11};
    enum { N = sizeof lengths / sizeof lengths[0] };
    struct bert *tower;
    int32_t ids[N * MAX_TOKENS];
    float features[N * WIDTH];
    for (int32_t i = 0; i < N * MAX_TOKENS; i++) {
        ids[i] = (i * 11 + 5) % 50;
    }
    assert_ok(bert_open(&tower, &config, &weights, 1));
    assert_ok(bert_features(tower, ids, lengths, N, features));
    for (size_t i = 0, at = 0; i < N; at += lengths[i++]) {
        float alone[WIDTH];
        assert_ok(bert_features(tower, ids + at, &lengths[i], 1, alone));
        assert_memory_equal(alone, features + i * WIDTH, sizeof alone);
    }
    bert_close(tower);
}

static void test_ids_that_the_tower_cannot_take_are_refused(void **state)
{
    (void)state;
    struct bert *tower;
    int32_t ids[MAX_TOKENS + 1] = {0};
    float features[2 * WIDTH];
    const size_t none = 0, too_many = MAX_TOKENS + 1, three = 3, four = 4;
    const size_t second_is_bad[] = {2, 2}, second_is_empty[] = {2, 0};
    assert_ok(bert_open(&tower, &config, &weights, 1));
    assert_err(bert_features(tower, ids, &none, 1, features), ERR_INVALID);
    assert_err(bert_features(tower, ids, &too_many, 1, features), ERR_INVALID);
    assert_err(bert_features(tower, ids, second_is_empty, 2, features), ERR_INVALID);
    ids[3] = 50;
    assert_err(bert_features(tower, ids, &four, 1, features), ERR_INVALID);
    assert_err(bert_features(tower, ids, second_is_bad, 2, features), ERR_INVALID);
    ids[3] = -1;
    assert_err(bert_features(tower, ids, &four, 1, features), ERR_INVALID);
    assert_ok(bert_features(tower, ids, &three, 1, features));
    bert_close(tower);
}

static void test_a_tensor_of_another_shape_is_named(void **state)
{
    (void)state;
    struct bert *tower = NULL;
    struct bert_config wrong = config;
    wrong.intermediate = 41;
    golden_assert_refused(bert_open(&tower, &wrong, &weights, 1),
                          "encoder.layer.0.intermediate.dense.weight");
    wrong = config;
    wrong.vocab = 51;
    golden_assert_refused(bert_open(&tower, &wrong, &weights, 1),
                          "embeddings.word_embeddings.weight");
    wrong = config;
    wrong.max_tokens = 32;
    golden_assert_refused(bert_open(&tower, &wrong, &weights, 1),
                          "embeddings.position_embeddings.weight");
    assert_null(tower);
}

static void test_a_missing_tensor_is_named(void **state)
{
    (void)state;
    struct bert *tower;
    struct bert_config deeper = config;
    deeper.layers = 3;
    golden_assert_refused(bert_open(&tower, &deeper, &weights, 1),
                          "encoder.layer.2.attention.self.query.weight");
}

static void test_sizes_that_no_kernel_takes_are_refused(void **state)
{
    (void)state;
    struct bert *tower;
    struct bert_config wrong = config;
    wrong.heads = 5;
    golden_assert_refused(bert_open(&tower, &wrong, &weights, 1), "5 heads");
    wrong.heads = 0;
    golden_assert_refused(bert_open(&tower, &wrong, &weights, 1), "0 heads");
    wrong = config;
    wrong.hidden = BERT_WIDTH_MAX + 24;
    golden_assert_refused(bert_open(&tower, &wrong, &weights, 1), "wide");
    wrong = config;
    wrong.layers = 0;
    golden_assert_refused(bert_open(&tower, &wrong, &weights, 1), "0 layers");
    wrong = config;
    wrong.max_tokens = 513;
    golden_assert_refused(bert_open(&tower, &wrong, &weights, 1), "513 tokens");
}

static void test_no_memory_is_an_error_not_a_crash(void **state)
{
    (void)state;
    struct bert *tower = NULL;
    enum err result = ERR_NOMEM;
    long n;
    for (n = 0; result == ERR_NOMEM && n < 10000; n++) {
        alloc_fail_after(n);
        result = bert_open(&tower, &config, &weights, 1);
        alloc_fail_after(-1);
        assert_true(result == ERR_NOMEM ? tower == NULL : result == ERR_OK);
    }
    assert_int_equal(result, ERR_OK);
    assert_true(n > 2);
    const int32_t ids[] = {1};
    const size_t one = 1;
    float features[WIDTH];
    alloc_fail_after(0);
    result = bert_features(tower, ids, &one, 1, features);
    alloc_fail_after(-1);
    assert_int_equal(result, ERR_NOMEM);
    bert_close(tower);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features_are_those_of_the_reference),
        cmocka_unit_test(test_a_text_among_others_is_as_alone),
        cmocka_unit_test(test_ids_that_the_tower_cannot_take_are_refused),
        cmocka_unit_test(test_a_tensor_of_another_shape_is_named),
        cmocka_unit_test(test_a_missing_tensor_is_named),
        cmocka_unit_test(test_sizes_that_no_kernel_takes_are_refused),
        cmocka_unit_test(test_no_memory_is_an_error_not_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
