/*
 * weights_table_test.c - encoder/weights_table.h, on the file of a small text tower.
 */
#include "tests/encoder/golden_tower.h"

#include "encoder/weights_table.h"

struct dense {
    struct wt_matrix weight;
    const float *bias;
};

struct layer {
    struct dense inner;
};

enum { WIDTH, INNER, N_SIZES };

static const size_t sizes[N_SIZES] = {[WIDTH] = 24, [INNER] = 40};

static struct wt_file *file;

static int open_file(void **state)
{
    (void)state;
    static const char *const path = GOLDEN_TOWERS "text.safetensors";
    return wt_open(&file, &path, 1) == ERR_OK ? 0 : -1;
}

static int close_file(void **state)
{
    (void)state;
    wt_close(file);
    return 0;
}

static void test_the_number_stands_where_the_mark_is(void **state)
{
    (void)state;
    static const struct wt_param params[] = {WT_LAYER(
        "encoder.layer.#.intermediate.dense", struct layer, inner, INNER, WIDTH)};
    struct wt_matrix weight;
    const float *bias;
    struct layer layer;
    assert_ok(wt_load(file, params, 2, &(struct wt_target){&layer, sizes, NULL, 1}));
    assert_ok(wt_matrix(file, "encoder.layer.1.intermediate.dense.weight", WT_WHOLE, 40,
                        24, &weight));
    assert_ok(wt_vector(file, "encoder.layer.1.intermediate.dense.bias", WT_WHOLE, 40,
                        &bias));
    assert_ptr_equal(layer.inner.weight.data, weight.data);
    assert_ptr_equal(layer.inner.weight.scale, weight.scale);
    assert_ptr_equal(layer.inner.bias, bias);
}

static void test_a_tensor_that_is_not_there_is_named_with_its_number(void **state)
{
    (void)state;
    static const struct wt_param params[] = {WT_PARAM_VECTOR(
        "encoder.layer.#.output.dense.bias", struct dense, bias, WIDTH)};
    struct dense dense;
    const struct wt_target target = {&dense, sizes, NULL, 12};
    golden_assert_refused(wt_load(file, params, 1, &target),
                          "encoder.layer.12.output.dense.bias");
}

static void test_a_tensor_of_another_shape_is_named(void **state)
{
    (void)state;
    static const struct wt_param params[] = {WT_PARAM_MATRIX(
        "embeddings.position_embeddings.weight", struct dense, weight, INNER, WIDTH)};
    struct dense dense;
    const struct wt_target target = {&dense, sizes, NULL, 0};
    golden_assert_refused(wt_load(file, params, 1, &target),
                          "embeddings.position_embeddings.weight");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_number_stands_where_the_mark_is),
        cmocka_unit_test(test_a_tensor_that_is_not_there_is_named_with_its_number),
        cmocka_unit_test(test_a_tensor_of_another_shape_is_named),
    };
    return cmocka_run_group_tests(tests, open_file, close_file);
}
