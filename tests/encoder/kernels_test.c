/*
 * kernels_test.c - encoder/kernels.h: the reference against numbers worked out by hand,
 * then each vector table that this processor runs against the reference.
 */
#include "tests/test.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/kernels.h"

enum { SEED = 20240501, GUARD_FLOATS = 32 };

static const float GUARD = -12345.0f;

static float panel[KN_PANEL_FLOATS];

/* Numbers between -1 and 1, the same in every run. */
static uint32_t random_state;

static float next_number(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (float)(random_state >> 8) / (float)(1 << 23) - 1.0f;
}

/* n random floats behind which a guard stands; freed by the caller. */
static float *make_numbers(size_t n)
{
    float *x = alloc_array(n + GUARD_FLOATS, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n + GUARD_FLOATS; i++) {
        x[i] = i < n ? next_number() : GUARD;
    }
    return x;
}

static void assert_guarded(const float *x, size_t n)
{
    for (size_t i = n; i < n + GUARD_FLOATS; i++) {
        assert_true(x[i] == GUARD);
    }
}

static void assert_close(const float *a, const float *b, size_t n, float tolerance)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(a[i] - b[i]) <= tolerance * (1.0f + fabsf(b[i])))) {
            fail_msg("number %zu is %.7g, not %.7g", i, (double)a[i], (double)b[i]);
        }
    }
}

/* The tables to be held against the reference. */
static size_t find_tables(const struct kn_ops *tables[2])
{
    static const char *const names[] = {"avx2", "avx512"};
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        tables[n] = kn_ops_by_name(names[i]);
        if (tables[n] != NULL) {
            n++;
        } else {
            print_message("this processor has no %s: not tested\n", names[i]);
        }
    }
    return n;
}

/* Calls `check` on each of them, from the same seed. */
static void for_each_table(void (*check)(const struct kn_ops *ops))
{
    const struct kn_ops *tables[2];
    size_t n = find_tables(tables);
    print_message("seed %d\n", SEED);
    for (size_t i = 0; i < n; i++) {
        random_state = SEED;
        check(tables[i]);
    }
}

/* By hand. */

static void test_linear_is_x_times_w_transposed_plus_bias(void **state)
{
    (void)state;
    const float w[] = {1, 2, 3, /**/ 4, 5, 6}, bias[] = {10, 20}, x[] = {1, 0, -1};
    const struct kn_linear layer = {
        {w, NULL, WT_F32, 2, 3, false}, bias, KN_NONE, .accumulate = false};
    float y[2];
    kn_reference.linear(&layer, x, 1, y, panel);
    assert_true(y[0] == 8.0f && y[1] == 18.0f);
}

static void test_linear_adds_the_residual_before_the_activation(void **state)
{
    (void)state;
    const float w[] = {1}, x[] = {4};
    const struct kn_linear layer = {
        {w, NULL, WT_F32, 1, 1, false}, NULL, KN_RELU6, .accumulate = true};
    float y[1] = {3};
    kn_reference.linear(&layer, x, 1, y, panel);
    assert_true(y[0] == 6.0f);
}

static void test_gelu_is_the_exact_one(void **state)
{
    (void)state;
    const float w[] = {1}, x[] = {-1, 0, 1, 2};
    /* x/2 (1 + erf(x / sqrt 2)); the tanh form would give 0.8411920 for 1. */
    const float expected[] = {-0.15865525f, 0, 0.84134475f, 1.9544997f};
    const struct kn_linear layer = {
        {w, NULL, WT_F32, 1, 1, false}, NULL, KN_GELU, .accumulate = false};
    float y[4];
    kn_reference.linear(&layer, x, 4, y, panel);
    assert_close(y, expected, 4, 1e-6f);
}

/* By torch.nn.functional.gelu(x, approximate="tanh"), and x * sigmoid(1.702 x). */
static void test_the_other_gelus_are_the_published_ones(void **state)
{
    (void)state;
    const float w[] = {1}, x[] = {-1, 0, 1, 2};
    const float tanh_form[] = {-0.15880801f, 0, 0.84119199f, 1.9545977f};
    const float quick[] = {-0.15420423f, 0, 0.84579577f, 1.9356586f};
    struct kn_linear layer = {
        {w, NULL, WT_F32, 1, 1, false}, NULL, KN_GELU_TANH, .accumulate = false};
    float y[4];
    kn_reference.linear(&layer, x, 4, y, panel);
    assert_close(y, tanh_form, 4, 1e-6f);
    layer.activation = KN_QUICK_GELU;
    kn_reference.linear(&layer, x, 4, y, panel);
    assert_close(y, quick, 4, 1e-6f);
}

/* On a side of 4, a kernel of 3 with stride 2 needs one zero: it goes behind the map.
 */
static void test_depthwise_pads_behind_first(void **state)
{
    (void)state;
    const float ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, bias[] = {-3};
    const float x[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const struct kn_depthwise d = {
        {3, 2, 4}, 1, {ones, NULL, WT_F32, 3, 3, false}, bias};
    const struct kn_strip strip = {0, 0, 2};
    const float expected[] = {6, 3, 3, 1};
    float y[4];
    assert_int_equal(kn_stencil_pad(&d.stencil), 0);
    kn_reference.depthwise(&d, &strip, x, y, panel);
    assert_close(y, expected, 4, 0.0f);
}

static void test_attention_to_equal_keys_is_the_mean_of_the_values(void **state)
{
    (void)state;
    const struct kn_attention a = {.n = 2, .width = 2, .heads = 2};
    const float q[] = {5, -5, 1, 1}, k[] = {2, 3, 2, 3}, v[] = {1, 10, 3, 30};
    const float *const qkv[3] = {q, k, v};
    const float expected[] = {2, 20, 2, 20};
    float out[4];
    kn_reference.attention(&a, qkv, out, panel);
    assert_close(out, expected, 4, 1e-6f);
}

static void test_causal_attention_sees_no_later_token(void **state)
{
    (void)state;
    const struct kn_attention a = {.n = 3, .width = 1, .heads = 1, .causal = true};
    const float q[] = {1, 1, 1}, k[] = {2, 2, 2}, v[] = {3, 5, 10};
    const float *const qkv[3] = {q, k, v};
    const float expected[] = {3, 4, 6};
    float out[3];
    kn_reference.attention(&a, qkv, out, panel);
    assert_close(out, expected, 3, 1e-6f);
}

static void test_a_probe_sees_all_tokens(void **state)
{
    (void)state;
    const struct kn_attention a = {.n = 3, .width = 1, .heads = 1, .n_queries = 1};
    const float q[] = {1}, k[] = {2, 2, 2}, v[] = {3, 5, 10};
    const float *const qkv[3] = {q, k, v};
    float out[2] = {0, GUARD};
    kn_reference.attention(&a, qkv, out, panel);
    assert_true(fabsf(out[0] - 6) < 1e-6f && out[1] == GUARD);
}

static void test_layer_norm_gives_mean_0_and_variance_1(void **state)
{
    (void)state;
    const float weight[] = {1, 1, 1, 2}, bias[] = {0, 0, 0, 1};
    const struct kn_layer_norm norm = {weight, bias, 4, 0.0f};
    float x[] = {1, 1, 3, 3};
    const float expected[] = {-1, -1, 1, 3};
    kn_reference.layer_norm(&norm, x, 1);
    assert_close(x, expected, 4, 1e-6f);
}

/* Against the reference. */

/* A matrix of random weights in any stored form; release_matrix frees it. */
static struct wt_matrix make_matrix(enum wt_type type, size_t n_rows, size_t n_cols)
{
    /* Exactly as long as it must be, so that a sanitizer sees a read behind it. */
    size_t n = n_rows * n_cols, item = type == WT_F32 ? 4 : type == WT_I8 ? 1 : 2;
    unsigned char *data = alloc_array(n, item);
    float *scale = alloc_array(n_rows, sizeof *scale);
    assert_non_null(data);
    assert_non_null(scale);
    for (size_t i = 0; i < n; i++) {
        float x = next_number();
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        /* For F16 and BF16, patterns of numbers below 2 in size. */
        uint16_t half = (uint16_t)(type == WT_F16 ? (bits & 0xbfff) : bits >> 16);
        int8_t whole = (int8_t)lrintf(x * 127.0f);
        const void *item_bytes = type == WT_F32  ? (const void *)&x
                                 : type == WT_I8 ? (const void *)&whole
                                                 : (const void *)&half;
        memcpy(data + i * item, item_bytes, item);
    }
    for (size_t i = 0; i < n_rows; i++) {
        scale[i] = 0.005f + 0.004f * next_number();
    }
    return (struct wt_matrix){data, scale, type, n_rows, n_cols, false};
}

static void release_matrix(struct wt_matrix *w)
{
    alloc_free((void *)(uintptr_t)w->data);
    alloc_free((void *)(uintptr_t)w->scale);
}

static void check_linear(const struct kn_ops *ops, const struct kn_linear *layer,
                         size_t n)
{
    size_t n_y = n * layer->weight.n_rows, n_x = n * layer->weight.n_cols;
    float *x = make_numbers(n_x), *y = make_numbers(n_y), *expected = make_numbers(n_y);
    memcpy(expected, y, n_y * sizeof *y);
    kn_reference.linear(layer, x, n, expected, panel);
    ops->linear(layer, x, n, y, panel);
    assert_close(y, expected, n_y, 1e-4f);
    assert_guarded(y, n_y);
    alloc_free(x);
    alloc_free(y);
    alloc_free(expected);
}

static void check_linear_shapes(const struct kn_ops *ops)
{
    static const size_t shapes[][3] = {
        /* n, n_in, n_out */
        {1, 1, 1},    {1, 27, 32},  {2, 7, 5},      {3, 15, 17},   {5, 16, 96},
        {6, 17, 24},  {7, 24, 33},  {9, 88, 40},    {13, 120, 88}, {14, 31, 31},
        {15, 32, 48}, {29, 33, 47}, {81, 208, 130}, {1, 1280, 67}, {12, 4096, 40}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (int type = WT_F32; type <= WT_I8; type++) {
            for (int way = 0; way < KN_N_ACTIVATIONS; way++) {
                struct wt_matrix w = make_matrix(type, shapes[i][2], shapes[i][1]);
                w.transposed = type != WT_I8 && way == KN_QUICK_GELU;
                float *bias = make_numbers(shapes[i][2]);
                const struct kn_linear layer = {w, way == 0 ? NULL : bias,
                                                (enum kn_activation)way, way != 1};
                check_linear(ops, &layer, shapes[i][0]);
                release_matrix(&w);
                alloc_free(bias);
            }
        }
    }
}

static void test_linear_agrees_with_the_reference(void **state)
{
    (void)state;
    for_each_table(check_linear_shapes);
}

static void check_gelu(const struct kn_ops *ops)
{
    enum { N = 2001 };
    static float x[N], y[N], expected[N];
    const float one[] = {1};
    struct kn_linear layer = {.weight = {one, NULL, WT_F32, 1, 1, false}};
    for (size_t i = 0; i < N; i++) {
        x[i] = ((float)i - 1000.0f) / 50.0f; /* -20 .. 20 */
    }
    x[0] = -1e30f;
    for (int way = KN_GELU; way < KN_N_ACTIVATIONS; way++) {
        layer.activation = (enum kn_activation)way;
        kn_reference.linear(&layer, x, N, expected, panel);
        ops->linear(&layer, x, N, y, panel);
        assert_close(y, expected, N, 1e-6f);
    }
}

static void test_gelu_agrees_over_its_whole_range(void **state)
{
    (void)state;
    for_each_table(check_gelu);
}

/* The whole map at once, and the same map in strips of two rows with their windows. */
static void check_depthwise(const struct kn_ops *ops, const struct kn_depthwise *d)
{
    size_t out_side = kn_stencil_out(&d->stencil), pad = kn_stencil_pad(&d->stencil);
    size_t side = d->stencil.side, n_x = side * side * d->channels;
    size_t row = out_side * d->channels, n_y = out_side * row;
    float *x = make_numbers(n_x), *y = make_numbers(n_y), *expected = make_numbers(n_y);
    const struct kn_strip whole = {0, 0, out_side};
    kn_reference.depthwise(d, &whole, x, expected, panel);
    ops->depthwise(d, &whole, x, y, panel);
    assert_close(y, expected, n_y, 1e-4f);
    for (size_t first = 0; first < out_side; first += 2) {
        struct kn_strip strip = {0, first, first + 2 < out_side ? first + 2 : out_side};
        size_t top = first * d->stencil.stride;
        strip.in_first = top > pad ? top - pad : 0;
        ops->depthwise(d, &strip, x + strip.in_first * side * d->channels,
                       y + first * row, panel);
    }
    assert_close(y, expected, n_y, 1e-4f);
    assert_guarded(y, n_y);
    alloc_free(x);
    alloc_free(y);
    alloc_free(expected);
}

static void check_depthwise_shapes(const struct kn_ops *ops)
{
    static const size_t sides[] = {1, 2, 3, 4, 7, 9, 16, 17, 19},
                        channels[] = {1, 3, 8, 16, 24, 40};
    for (size_t i = 0; i < 9 * 6 * 2 * 4; i++) {
        size_t kernel = 1 + 2 * (i % 4), stride = 1 + i / 4 % 2;
        size_t c = channels[i / 8 % 6], side = sides[i / 48];
        struct wt_matrix w =
            make_matrix((enum wt_type)((i / 8 + i) % 4), kernel, kernel * c);
        float *bias = make_numbers(c);
        const struct kn_depthwise d = {{kernel, stride, side}, c, w, bias};
        check_depthwise(ops, &d);
        release_matrix(&w);
        alloc_free(bias);
    }
}

static void test_depthwise_agrees_with_the_reference(void **state)
{
    (void)state;
    for_each_table(check_depthwise_shapes);
}

static void check_attention(const struct kn_ops *ops, const struct kn_attention *a)
{
    size_t n = a->n * a->width;
    size_t n_out = (a->n_queries > 0 ? a->n_queries : a->n) * a->width;
    float *q = make_numbers(n_out), *k = make_numbers(n), *v = make_numbers(n),
          *out = make_numbers(n_out), *expected = make_numbers(n_out);
    const float *const qkv[3] = {q, k, v};
    for (size_t j = 0; j < n_out; j++) {
        q[j] *= 30.0f; /* some scores far above the others */
    }
    kn_reference.attention(a, qkv, expected, panel);
    ops->attention(a, qkv, out, panel);
    assert_close(out, expected, n_out, 1e-5f);
    assert_guarded(out, n_out);
    alloc_free(q);
    alloc_free(k);
    alloc_free(v);
    alloc_free(out);
    alloc_free(expected);
}

static void check_attention_shapes(const struct kn_ops *ops)
{
    static const size_t shapes[][3] = {
        /* n, width, heads */
        {1, 1, 1},     {1, 32, 2},    {2, 24, 3},
        {15, 40, 2},   {16, 64, 2},   {17, 96, 3},
        {33, 384, 12}, {512, 128, 1}, {KN_TOKENS_MAX, 128, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct kn_attention a = {
            .n = shapes[i][0], .width = shapes[i][1], .heads = shapes[i][2]};
        check_attention(ops, &a);
        a.n_queries = 1;
        check_attention(ops, &a);
        a.n_queries = 0;
        a.causal = true;
        check_attention(ops, &a);
    }
}

static void test_attention_agrees_with_the_reference(void **state)
{
    (void)state;
    for_each_table(check_attention_shapes);
}

static void check_rows(const struct kn_ops *ops)
{
    static const size_t widths[] = {1, 3, 8, 15, 16, 17, 40, 384};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        enum { N = 5 };
        size_t width = widths[i], n = N * width;
        float *x = make_numbers(n), *expected = make_numbers(n),
              *weight = make_numbers(width), *bias = make_numbers(width);
        const struct kn_layer_norm norm = {weight, bias, width, 1e-5f};
        memcpy(expected, x, n * sizeof *x);
        kn_reference.layer_norm(&norm, expected, N);
        ops->layer_norm(&norm, x, N);
        assert_close(x, expected, n, 1e-4f);
        assert_guarded(x, n);
        kn_reference.mean(expected, N, width, weight);
        ops->mean(expected, N, width, bias);
        assert_close(bias, weight, width, 1e-5f);
        assert_guarded(bias, width);
        alloc_free(x);
        alloc_free(expected);
        alloc_free(weight);
        alloc_free(bias);
    }
}

static void test_layer_norm_and_mean_agree_with_the_reference(void **state)
{
    (void)state;
    for_each_table(check_rows);
}

/* The choice. */

static void test_the_choice_is_a_table_this_processor_runs(void **state)
{
    (void)state;
    const struct kn_ops *ops = kn_ops();
    assert_ptr_equal(kn_ops_by_name(ops->name), ops);
    assert_ptr_equal(kn_ops_by_name("reference"), &kn_reference);
    assert_null(kn_ops_by_name("mmx"));
}

static void *ask_for_table(void *table)
{
    *(const struct kn_ops **)table = kn_ops();
    return NULL;
}

static void test_a_table_is_overridden_for_one_thread(void **state)
{
    (void)state;
    pthread_t thread;
    const struct kn_ops *usual = kn_ops(), *elsewhere = NULL;
    kn_override(&kn_reference);
    assert_ptr_equal(kn_ops(), &kn_reference);
    assert_int_equal(pthread_create(&thread, NULL, ask_for_table, &elsewhere), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    kn_override(NULL);
    assert_ptr_equal(elsewhere, usual);
    assert_ptr_equal(kn_ops(), usual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_is_x_times_w_transposed_plus_bias),
        cmocka_unit_test(test_linear_adds_the_residual_before_the_activation),
        cmocka_unit_test(test_gelu_is_the_exact_one),
        cmocka_unit_test(test_the_other_gelus_are_the_published_ones),
        cmocka_unit_test(test_depthwise_pads_behind_first),
        cmocka_unit_test(test_causal_attention_sees_no_later_token),
        cmocka_unit_test(test_a_probe_sees_all_tokens),
        cmocka_unit_test(test_attention_to_equal_keys_is_the_mean_of_the_values),
        cmocka_unit_test(test_layer_norm_gives_mean_0_and_variance_1),
        cmocka_unit_test(test_linear_agrees_with_the_reference),
        cmocka_unit_test(test_gelu_agrees_over_its_whole_range),
        cmocka_unit_test(test_depthwise_agrees_with_the_reference),
        cmocka_unit_test(test_attention_agrees_with_the_reference),
        cmocka_unit_test(test_layer_norm_and_mean_agree_with_the_reference),
        cmocka_unit_test(test_the_choice_is_a_table_this_processor_runs),
        cmocka_unit_test(test_a_table_is_overridden_for_one_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
