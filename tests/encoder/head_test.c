/*
 * head_test.c - encoder/head.h against PyTorch.
 */
#include "tests/encoder/golden_tower.h"

#include "encoder/head.h"

/* As in make.py. */
enum { N = 2, IN = 20, OUT = 9 };

static void check_head(const char *path, const char *golden)
{
    struct head *head;
    float *features = golden_numbers(N * IN), vectors[N * OUT];
    assert_ok(head_open(&head, path));
    assert_int_equal(head_in(head), IN);
    assert_int_equal(head_out(head), OUT);
    assert_ok(head_apply(head, features, N, vectors));
    golden_check(golden, "vectors", vectors, N * OUT);
    head_close(head);
    alloc_free(features);
}

static void test_a_linear_head_is_that_of_the_reference(void **state)
{
    (void)state;
    check_head(GOLDEN_TOWERS "head-linear.safetensors",
               GOLDEN_TOWERS "head-linear-golden.safetensors");
}

static void test_a_head_with_a_hidden_layer_is_that_of_the_reference(void **state)
{
    (void)state;
    check_head(GOLDEN_TOWERS "head-mlp.safetensors",
               GOLDEN_TOWERS "head-mlp-golden.safetensors");
}

static void test_features_that_are_not_finite_give_no_vector(void **state)
{
    (void)state;
    struct head *head;
    float *features = golden_numbers(IN), vector[OUT];
    assert_ok(head_open(&head, GOLDEN_TOWERS "head-linear.safetensors"));
    features[7] = NAN;
    assert_err(head_apply(head, features, 1, vector), ERR_MODEL);
    features[7] = INFINITY;
    assert_err(head_apply(head, features, 1, vector), ERR_MODEL);
    head_close(head);
    alloc_free(features);
}

static void test_a_file_that_is_no_head_is_refused(void **state)
{
    (void)state;
    struct head *head = NULL;
    golden_assert_refused(head_open(&head, GOLDEN_TOWERS "text.safetensors"),
                          "linear.weight");
    golden_assert_refused(head_open(&head, GOLDEN_TOWERS "none"), "none");
    assert_null(head);
}

static void test_no_memory_is_an_error_not_a_crash(void **state)
{
    (void)state;
    struct head *head = NULL;
    enum err result = ERR_NOMEM;
    long n;
    for (n = 0; result == ERR_NOMEM && n < 10000; n++) {
        alloc_fail_after(n);
        result = head_open(&head, GOLDEN_TOWERS "head-mlp.safetensors");
        alloc_fail_after(-1);
        assert_true(result == ERR_NOMEM ? head == NULL : result == ERR_OK);
    }
    assert_int_equal(result, ERR_OK);
    assert_true(n > 2);
    float *features = golden_numbers(IN), vector[OUT];
    alloc_fail_after(0);
    result = head_apply(head, features, 1, vector);
    alloc_fail_after(-1);
    assert_int_equal(result, ERR_NOMEM);
    head_close(head);
    alloc_free(features);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_linear_head_is_that_of_the_reference),
        cmocka_unit_test(test_a_head_with_a_hidden_layer_is_that_of_the_reference),
        cmocka_unit_test(test_features_that_are_not_finite_give_no_vector),
        cmocka_unit_test(test_a_file_that_is_no_head_is_refused),
        cmocka_unit_test(test_no_memory_is_an_error_not_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
