/* label_test.c - labels for pictures: see db/label.h and db/duet_encoder.h. */
#include "tests/test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "db/encoder_open.h"
#include "db/label.h"
#include "tests/db/encoder_fixture.h"

static void assert_near(double value, double expected)
{
    assert_true(fabs(value - expected) <= 1e-12);
}

static void test_softmax_adds_up_to_one(void **state)
{
    (void)state;
    double logits[] = {0, 1, 2};
    double all = 1 + exp(1) + exp(2);
    label_softmax(logits, 3);
    assert_near(logits[0], 1 / all);
    assert_near(logits[1], exp(1) / all);
    assert_near(logits[2], exp(2) / all);
}

static void test_softmax_of_large_logits_does_not_overflow(void **state)
{
    (void)state;
    double logits[] = {5000, 5000, -5000};
    label_softmax(logits, 3);
    assert_near(logits[0], 0.5);
    assert_near(logits[1], 0.5);
    assert_near(logits[2], 0);
    double one[] = {-1e300};
    label_softmax(one, 1);
    assert_near(one[0], 1);
    label_softmax(one, 0);
}

static void test_sigmoid_judges_each_by_itself(void **state)
{
    (void)state;
    double logits[] = {0, 2, -2, 5000, -5000};
    label_sigmoid(logits, 5);
    assert_near(logits[0], 0.5);
    assert_near(logits[1], 1 / (1 + exp(-2)));
    assert_near(logits[2], 1 - logits[1]);
    assert_near(logits[3], 1);
    assert_near(logits[4], 0);
}

static void test_a_template_takes_the_label(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 64);
    assert_ok(label_sentence(&text, "a photo of {}.", "dog"));
    assert_string_equal(text.data, "a photo of dog.");
    buf_clear(&text);
    assert_ok(label_sentence(&text, "{}", "100% {}"));
    assert_string_equal(text.data, "100% {}");
    assert_err(label_sentence(&text, "a photo", "dog"), ERR_INVALID);
    buf_release(&text);
}

static void make(struct duet_labels **labels, const char *const *names, size_t n,
                 const char *template)
{
    struct duet_label_options options = {.labels = names,
                                         .n_labels = n,
                                         .templates = &template,
                                         .n_templates = template != NULL,
                                         .n_threads = 2};
    assert_ok(duet_labels_make(labels, encoder, &options));
}

/* With the bare label as its only sentence a probability can be computed by hand. */
static void test_bare_labels_are_a_softmax_of_cosines(void **state)
{
    (void)state;
    static const char *const names[] = {"dog", "cat", "red car"};
    struct duet_labels *labels;
    struct duet_input input = duet_input_file(picture);
    float image[TINY_DIM], text[TINY_DIM];
    double likely[3], expected[3];
    make(&labels, names, 3, "{}");
    assert_ok(duet_label(encoder, labels, &input, likely));
    assert_ok(duet_encode(encoder, &input, image, NULL));
    for (size_t i = 0; i < 3; i++) {
        struct duet_input name = duet_input_text(names[i]);
        expected[i] = 0;
        assert_ok(duet_encode(encoder, &name, text, NULL));
        for (size_t j = 0; j < TINY_DIM; j++) {
            expected[i] += 20 * (double)image[j] * (double)text[j]; /* tiny_config */
        }
    }
    label_softmax(expected, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(fabs(likely[i] - expected[i]) < 1e-5);
    }
    duet_labels_free(labels);
}

/* SigLIP's scale and bias, of a model of the reference's making. */
static void test_a_sigmoid_model_judges_each_label_by_itself(void **state)
{
    (void)state;
    static const char *const names[] = {"a dog", "a cat"}, *const bare[] = {"{}"};
    static float image[LIMIT_DIM_MAX], text[LIMIT_DIM_MAX];
    struct duet_encoder *siglip;
    struct duet_labels *labels;
    struct duet_input input = duet_input_file(picture);
    struct duet_label_options options = {
        .labels = names, .n_labels = 2, .templates = bare, .n_templates = 1};
    double likely[2];
    assert_ok(duet_encoder_open(&siglip, "tests/golden/families/siglip"));
    const struct enc_info *info = enc_info(siglip->enc);
    assert_true(info->sigmoid && info->logit_bias != 0);
    assert_ok(duet_labels_make(&labels, siglip, &options));
    assert_ok(duet_label(siglip, labels, &input, likely));
    assert_ok(duet_encode(siglip, &input, image, NULL));
    for (size_t i = 0; i < 2; i++) {
        struct duet_input name = duet_input_text(names[i]);
        double cosine = 0;
        assert_ok(duet_encode(siglip, &name, text, NULL));
        for (size_t j = 0; j < info->dim; j++) {
            cosine += (double)image[j] * (double)text[j];
        }
        double logit = info->logit_scale * cosine + info->logit_bias;
        assert_true(fabs(likely[i] - 1 / (1 + exp(-logit))) < 1e-5);
    }
    duet_labels_free(labels);
    duet_encoder_close(siglip);
}

/* One line of tests/golden/labels/expected.txt. */
struct expected {
    char family[32], label[32];
    double probability;
};

static void check_family(const struct expected *lines)
{
    static const char *const bare[] = {"{}"};
    const char *names[] = {lines[0].label, lines[1].label, lines[2].label};
    struct duet_encoder *model;
    struct duet_labels *labels;
    struct duet_input input = duet_input_file("tests/golden/model/images/photo00.jpg");
    struct duet_label_options options = {
        .labels = names, .n_labels = 3, .templates = bare, .n_templates = 1};
    double likely[3];
    char path[96];
    snprintf(path, sizeof path, "tests/golden/families/%s", lines[0].family);
    assert_ok(duet_encoder_open(&model, path));
    duet_encoder_set_exact(model, true);
    assert_ok(duet_labels_make(&labels, model, &options));
    assert_ok(duet_label(model, labels, &input, likely));
    for (size_t i = 0; i < 3; i++) {
        if (!(fabs(likely[i] - lines[i].probability) < 1e-5)) {
            print_error("%s, %s: %.6f, not %.6f\n", lines[i].family, names[i],
                        likely[i], lines[i].probability);
            fail();
        }
    }
    duet_labels_free(labels);
    duet_encoder_close(model);
}

static void test_probabilities_are_those_of_the_reference(void **state)
{
    (void)state;
    struct expected lines[3];
    size_t n = 0, n_families = 0;
    FILE *file = fopen("tests/golden/labels/expected.txt", "r");
    assert_non_null(file);
    while (fscanf(file, "%31[^\t]\t%31[^\t]\t%lf\n", lines[n].family, lines[n].label,
                  &lines[n].probability) == 3) {
        if (++n == 3) {
            check_family(lines);
            n_families++;
            n = 0;
        }
    }
    fclose(file);
    assert_int_equal(n_families, 4);
}

static void test_chinese_labels_get_chinese_sentences(void **state)
{
    (void)state;
    static const char *const names[] = {"狗", "dog"};
    struct duet_labels *ours, *bare;
    struct duet_input input = duet_input_file(picture);
    double with[2], without[2];
    make(&ours, names, 2, NULL);
    make(&bare, names, 2, "{}");
    assert_ok(duet_label(encoder, ours, &input, with));
    assert_ok(duet_label(encoder, bare, &input, without));
    assert_near(with[0] + with[1], 1);
    assert_true(fabs(with[0] - without[0]) > 1e-9);
    duet_labels_free(ours);
    duet_labels_free(bare);
}

static void test_wrong_labels_are_refused(void **state)
{
    (void)state;
    static const char *const empty[] = {"dog", " "};
    static const char *const broken[] = {"dog", "\xff"};
    static const char *const good[] = {"dog"};
    static const char *const template[] = {"a photo"};
    struct duet_labels *labels;
    struct duet_label_options options = {.labels = good};
    assert_err(duet_labels_make(&labels, encoder, &options), ERR_INVALID);
    assert_null(labels);
    options.n_labels = LIMIT_LABELS_MAX + 1;
    assert_err(duet_labels_make(&labels, encoder, &options), ERR_LIMIT);
    options = (struct duet_label_options){.labels = empty, .n_labels = 2};
    assert_err(duet_labels_make(&labels, encoder, &options), ERR_INVALID);
    options.labels = broken;
    assert_err(duet_labels_make(&labels, encoder, &options), ERR_INVALID);
    assert_int_equal(strncmp(err_detail(), "label 2: ", 9), 0);
    options = (struct duet_label_options){
        .labels = good, .n_labels = 1, .templates = template, .n_templates = 1};
    assert_err(duet_labels_make(&labels, encoder, &options), ERR_INVALID);
    assert_null(labels);
    duet_labels_free(NULL);
}

static void test_short_memory_is_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {"dog", "狗"};
    struct duet_label_options options = {
        .labels = names, .n_labels = 2, .n_threads = 1};
    struct duet_labels *labels = NULL;
    enum err result = ERR_NOMEM;
    for (long n = 0; result != ERR_OK; n++) {
        assert_in_range(n, 0, 1000);
        alloc_fail_after(n);
        result = duet_labels_make(&labels, encoder, &options);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || (result == ERR_NOMEM && labels == NULL));
    }
    duet_labels_free(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softmax_adds_up_to_one),
        cmocka_unit_test(test_softmax_of_large_logits_does_not_overflow),
        cmocka_unit_test(test_sigmoid_judges_each_by_itself),
        cmocka_unit_test(test_a_template_takes_the_label),
        cmocka_unit_test(test_bare_labels_are_a_softmax_of_cosines),
        cmocka_unit_test(test_a_sigmoid_model_judges_each_label_by_itself),
        cmocka_unit_test(test_probabilities_are_those_of_the_reference),
        cmocka_unit_test(test_chinese_labels_get_chinese_sentences),
        cmocka_unit_test(test_wrong_labels_are_refused),
        cmocka_unit_test(test_short_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, encoder_setup, encoder_teardown);
}
