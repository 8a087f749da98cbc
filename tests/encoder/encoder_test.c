/*
 * encoder_test.c - encoder/encoder.h, on the random little model of tiny_model.h: what
 * the facade promises whatever the weights are.
 */
#include "tests/encoder/tiny_model.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/encoder.h"
#include "encoder/image.h"

enum { N_THREADS = 8, SIDE = 32, N_PIXELS = SIDE * SIDE * 3 };

static char folder[] = "/tmp/duet-encoder-XXXXXX";

/* A fresh model for each test: some of them break it. */
static int write_model(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    tiny_model_write(folder, 1);
    return 0;
}

static int remove_model(void **state)
{
    (void)state;
    tiny_model_remove(folder);
    return 0;
}

static struct enc *open_model(void)
{
    struct enc *enc;
    assert_ok(enc_open(&enc, folder));
    return enc;
}

static enum err encode(struct enc *enc, const char *text, float *vector)
{
    return enc_text(enc, text, strlen(text), vector, NULL);
}

/* A picture of 50 x 40 in which no two rows and columns are alike. */
static struct img make_picture(void)
{
    struct img image = {.rgb = alloc_array(50 * 40, 3), .width = 50, .height = 40};
    assert_non_null(image.rgb);
    for (size_t i = 0; i < 50 * 40 * 3; i++) {
        image.rgb[i] = (uint8_t)(i * i / 7);
    }
    return image;
}

static void assert_unit(const float *vector)
{
    double squares = 0;
    for (size_t i = 0; i < TINY_DIM; i++) {
        squares += (double)vector[i] * vector[i];
    }
    assert_true(fabs(squares - 1) < 1e-5);
}

static void overwrite(const char *name, const char *bytes)
{
    tiny_write(folder, name, bytes, strlen(bytes));
}

static void assert_detail_names(const char *file)
{
    if (strstr(err_detail(), file) == NULL) {
        fail_msg("\"%s\" does not name %s", err_detail(), file);
    }
}

static void test_info_says_what_the_config_says(void **state)
{
    (void)state;
    struct enc *enc = open_model();
    const struct enc_info *info = enc_info(enc);
    assert_string_equal(info->name, "tiny");
    assert_string_equal(info->space, "tiny-1");
    assert_string_equal(info->licence, "none");
    assert_string_equal(info->folder, folder);
    assert_string_equal(info->languages, "en,zh");
    assert_int_equal(info->dim, TINY_DIM);
    assert_int_equal(info->image_size, SIDE);
    assert_int_equal(info->max_tokens, TINY_MAX_TOKENS);
    assert_true(info->logit_scale == 20.0);
    enc_close(enc);
}

static void test_opening_needs_no_file_but_the_config(void **state)
{
    (void)state;
    float vector[TINY_DIM];
    struct img image = make_picture();
    overwrite("image.safetensors", "broken");
    overwrite("text-zh.safetensors", "broken");
    struct enc *enc = open_model();
    assert_ok(encode(enc, "a dog", vector));
    assert_err(encode(enc, "狗", vector), ERR_MODEL);
    assert_detail_names("text-zh.safetensors");
    assert_err(enc_image(enc, &image, vector), ERR_MODEL);
    assert_detail_names("image.safetensors");
    img_release(&image);
    enc_close(enc);
}

static void test_every_broken_or_missing_file_is_named(void **state)
{
    (void)state;
    static const char *const files[] = {
        "text-en.safetensors", "head-text-en.safetensors", "vocab-en.txt",
        "image.safetensors",   "head-image.safetensors",
    };
    struct img image = make_picture();
    for (size_t i = 0; i < 2 * (sizeof files / sizeof files[0]); i++) {
        float vector[TINY_DIM];
        const char *file = files[i / 2];
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, file);
        if (i % 2 == 0) {
            overwrite(file, "not what it should be");
        } else {
            assert_int_equal(unlink(path), 0);
        }
        struct enc *enc = open_model();
        if (strncmp(file, "image", 5) == 0 || strncmp(file, "head-image", 10) == 0) {
            assert_err(enc_image(enc, &image, vector), ERR_MODEL);
        } else {
            assert_err(encode(enc, "dog", vector), ERR_MODEL);
        }
        assert_detail_names(path);
        enc_close(enc);
        tiny_model_write(folder, 1);
    }
    img_release(&image);
}

static void test_a_file_mended_later_is_used(void **state)
{
    (void)state;
    float vector[TINY_DIM];
    overwrite("vocab-en.txt", "no marks here\n");
    struct enc *enc = open_model();
    assert_err(encode(enc, "dog", vector), ERR_MODEL);
    tiny_model_write(folder, 1);
    assert_ok(encode(enc, "dog", vector));
    enc_close(enc);
}

static void test_a_head_of_another_size_is_refused(void **state)
{
    (void)state;
    static const struct tiny_tensor wide[] = {
        {"mean", {8}},        {"scale", {8}}, {"linear.weight", {9, 8}},
        {"linear.bias", {9}}, {NULL, {0}},
    };
    float vector[TINY_DIM];
    tiny_write_weights(folder, "head-text-en.safetensors", wide, 1);
    struct enc *enc = open_model();
    assert_err(encode(enc, "dog", vector), ERR_MODEL);
    assert_detail_names("head-text-en.safetensors");
    enc_close(enc);
}

static void test_a_vocabulary_of_another_size_is_refused(void **state)
{
    (void)state;
    float vector[TINY_DIM];
    overwrite("vocab-en.txt", "[UNK]\n[CLS]\n[SEP]\ndog\n");
    struct enc *enc = open_model();
    assert_err(encode(enc, "dog", vector), ERR_MODEL);
    assert_detail_names("word_embeddings");
    enc_close(enc);
}

static void test_weights_that_are_not_finite_give_no_vector(void **state)
{
    (void)state;
    static const struct tiny_tensor *const tensors = tiny_head_text;
    struct buf path, bytes;
    float vector[TINY_DIM];
    buf_init(&path, 4096);
    buf_init(&bytes, 1 << 20);
    tiny_write_weights(folder, "head-text-en.safetensors", tensors, 1);
    assert_ok(buf_printf(&path, "%s/head-text-en.safetensors", folder));
    assert_ok(file_read(path.data, &bytes));
    float nan_bias = NAN;
    memcpy(bytes.data + bytes.size - sizeof nan_bias, &nan_bias, sizeof nan_bias);
    assert_ok(file_write(path.data, bytes.data, bytes.size));
    struct enc *enc = open_model();
    enum err result = encode(enc, "dog", vector);
    assert_true(result == ERR_MODEL || result == ERR_INTERNAL);
    enc_close(enc);
    buf_release(&bytes);
    buf_release(&path);
}

static void test_vectors_have_unit_length_and_tell_texts_apart(void **state)
{
    (void)state;
    float dog[TINY_DIM], again[TINY_DIM], cat[TINY_DIM];
    struct enc *enc = open_model();
    assert_ok(encode(enc, "a dog", dog));
    assert_ok(encode(enc, "A  DOG", again));
    assert_ok(encode(enc, "a cat", cat));
    assert_unit(dog);
    assert_unit(cat);
    assert_memory_equal(dog, again, sizeof dog);
    assert_memory_not_equal(dog, cat, sizeof dog);
    enc_close(enc);
}

static void test_any_han_character_chooses_the_chinese_tower(void **state)
{
    (void)state;
    static const struct {
        const char *text, *language;
    } cases[] = {
        {"dog", "en"},  {"狗", "zh"},       {"a red 狗", "zh"}, {"Café", "en"},
        {"いぬ", "en"}, {"日本の犬", "zh"}, {"⼀", "zh"},       {"。", "en"},
    };
    float vector[TINY_DIM];
    struct enc *enc = open_model();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct enc_text_info info;
        assert_ok(enc_text(enc, cases[i].text, strlen(cases[i].text), vector, &info));
        assert_string_equal(info.language, cases[i].language);
    }
    enc_close(enc);
}

static void test_truncation_is_reported(void **state)
{
    (void)state;
    struct buf text;
    struct enc_text_info info;
    float vector[TINY_DIM], longer[TINY_DIM];
    struct enc *enc = open_model();
    buf_init(&text, 1 << 16);
    for (size_t i = 0; i < TINY_MAX_TOKENS - 2; i++) {
        assert_ok(buf_printf(&text, "dog "));
    }
    assert_ok(enc_text(enc, text.data, text.size, vector, &info));
    assert_false(info.truncated);
    assert_int_equal(info.n_tokens, TINY_MAX_TOKENS);
    assert_ok(buf_printf(&text, "cat"));
    assert_ok(enc_text(enc, text.data, text.size, longer, &info));
    assert_true(info.truncated);
    assert_int_equal(info.n_tokens, TINY_MAX_TOKENS);
    assert_memory_equal(vector, longer, sizeof vector);
    buf_release(&text);
    enc_close(enc);
}

static void test_bad_texts_are_refused(void **state)
{
    (void)state;
    float vector[TINY_DIM];
    struct enc *enc = open_model();
    assert_err(encode(enc, "", vector), ERR_INVALID);
    assert_err(encode(enc, " \t\n\u3000", vector), ERR_INVALID);
    assert_err(encode(enc, "dog \xff", vector), ERR_INVALID);
    assert_err(encode(enc, "狗 \xe7\x8b", vector), ERR_INVALID);
    char *text = alloc_array(LIMIT_TEXT_BYTES + 1, 1);
    memset(text, 'a', LIMIT_TEXT_BYTES + 1);
    assert_err(enc_text(enc, text, LIMIT_TEXT_BYTES + 1, vector, NULL), ERR_LIMIT);
    assert_ok(enc_text(enc, text, LIMIT_TEXT_BYTES, vector, NULL));
    alloc_free(text);
    enc_close(enc);
}

static void test_preprocessing_squashes_and_normalises(void **state)
{
    (void)state;
    static float pixels[N_PIXELS];
    struct img image = {.rgb = alloc_array(100 * 20, 3), .width = 100, .height = 20};
    struct enc *enc = open_model();
    for (size_t i = 0; i < 100 * 20; i++) {
        memcpy(image.rgb + 3 * i, (uint8_t[]){255, 0, 102}, 3);
    }
    assert_ok(enc_preprocess(enc, &image, pixels));
    for (size_t i = 0; i < N_PIXELS; i += 3) { /* (p / 255 - mean) / std */
        assert_true(pixels[i] == 1.0f);
        assert_true(pixels[i + 1] == -1.0f);
        assert_true(fabsf(pixels[i + 2] - (0.4f - 0.5f) / 0.25f) < 1e-6f);
    }
    img_release(&image);
    enc_close(enc);
}

static void test_a_batch_equals_its_pictures_one_by_one(void **state)
{
    (void)state;
    static float pixels[2 * N_PIXELS];
    const float *const pictures[2] = {pixels, pixels + N_PIXELS};
    float alone[TINY_DIM], batch[2 * TINY_DIM];
    float *const vectors[2] = {batch, batch + TINY_DIM};
    struct img image = make_picture();
    struct enc *enc = open_model();
    assert_ok(enc_preprocess(enc, &image, pixels + N_PIXELS));
    assert_ok(enc_image(enc, &image, alone));
    assert_int_equal(enc_n_pixels(enc), N_PIXELS);
    assert_ok(enc_embed_pixels(enc, pictures, 2, vectors));
    assert_unit(alone);
    assert_unit(batch);
    for (size_t i = 0; i < TINY_DIM; i++) {
        assert_true(fabsf(alone[i] - batch[TINY_DIM + i]) < 1e-5f);
    }
    assert_memory_not_equal(batch, batch + TINY_DIM, sizeof alone);
    img_release(&image);
    enc_close(enc);
}

static void test_towers_that_are_opened_at_once_need_every_file(void **state)
{
    (void)state;
    struct buf path;
    buf_init(&path, 4096);
    struct enc *enc = NULL;
    assert_ok(enc_open(&enc, folder));
    assert_ok(enc_open_towers(enc));
    assert_ok(enc_open_towers(enc)); /* nothing is left to be done */
    enc_close(enc);
    for (size_t i = 1; i < sizeof tiny_files / sizeof tiny_files[0]; i++) {
        buf_clear(&path);
        assert_ok(buf_printf(&path, "%s/%s", folder, tiny_files[i]));
        assert_int_equal(truncate(path.data, 0), 0);
        assert_ok(enc_open(&enc, folder));
        assert_err(enc_open_towers(enc), ERR_MODEL);
        assert_non_null(strstr(err_detail(), tiny_files[i]));
        enc_close(enc);
        tiny_model_write(folder, 1);
    }
    buf_release(&path);
}

static void test_the_fingerprint_changes_with_any_file(void **state)
{
    (void)state;
    const char *text;
    char before[33];
    struct enc *enc = open_model();
    assert_ok(enc_fingerprint(enc, &text));
    assert_int_equal(strlen(text), 32);
    assert_int_equal(strspn(text, "0123456789abcdef"), 32);
    strcpy(before, text);
    enc_close(enc);

    for (size_t i = 0; i < sizeof tiny_files / sizeof tiny_files[0]; i++) {
        struct buf path, bytes;
        buf_init(&path, 4096);
        buf_init(&bytes, 1 << 20);
        assert_ok(buf_printf(&path, "%s/%s", folder, tiny_files[i]));
        assert_ok(file_read(path.data, &bytes));
        assert_ok(buf_append(&bytes, "\n", 1));
        assert_ok(file_write(path.data, bytes.data, bytes.size));
        enc = open_model();
        assert_ok(enc_fingerprint(enc, &text));
        assert_string_not_equal(text, before);
        enc_close(enc);
        assert_ok(file_write(path.data, bytes.data, bytes.size - 1));
        buf_release(&bytes);
        buf_release(&path);
    }

    enc = open_model();
    assert_ok(enc_fingerprint(enc, &text));
    assert_string_equal(text, before);
    enc_close(enc);
}

static void test_a_fingerprint_needs_every_file(void **state)
{
    (void)state;
    const char *text;
    struct enc *enc = open_model();
    overwrite("vocab-zh.txt", "");
    assert_err(enc_fingerprint(enc, &text), ERR_MODEL);
    assert_detail_names("vocab-zh.txt");
    tiny_model_write(folder, 1);
    assert_ok(enc_fingerprint(enc, &text));
    enc_close(enc);
}

struct worker {
    struct enc *enc;
    const struct img *image;
    float vectors[3][TINY_DIM];
    enum err result;
};

static enum err encode_three(struct worker *w)
{
    const char *fingerprint;
    TRY(enc_text(w->enc, "a dog", 5, w->vectors[0], NULL));
    TRY(enc_text(w->enc, "狗", 3, w->vectors[1], NULL));
    TRY(enc_image(w->enc, w->image, w->vectors[2]));
    return enc_fingerprint(w->enc, &fingerprint);
}

static void *work(void *argument)
{
    struct worker *w = argument;
    w->result = encode_three(w);
    return NULL;
}

static void test_many_threads_get_the_same_vectors(void **state)
{
    (void)state;
    static struct worker workers[N_THREADS];
    pthread_t threads[N_THREADS];
    struct img image = make_picture();
    struct enc *enc = open_model();
    for (size_t i = 0; i < N_THREADS; i++) {
        workers[i] = (struct worker){.enc = enc, .image = &image};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].result, ERR_OK);
        assert_memory_equal(workers[i].vectors, workers[0].vectors,
                            sizeof workers[0].vectors);
    }
    img_release(&image);
    enc_close(enc);
}

static void test_no_memory_at_any_point_is_an_error_without_leaks(void **state)
{
    (void)state;
    struct img image = make_picture();
    long n = 0;
    for (enum err result = ERR_NOMEM; result != ERR_OK; n++) {
        struct enc *enc = NULL;
        struct worker w = {.image = &image};
        alloc_fail_after(n);
        result = enc_open(&enc, folder);
        if (result == ERR_OK) {
            w.enc = enc;
            result = encode_three(&w);
        }
        alloc_fail_after(-1);
        if (result != ERR_OK && result != ERR_NOMEM) {
            fail_msg("allocation %ld failing gave %s: %s", n, err_name(result),
                     err_detail());
        }
        enc_close(enc);
    }
    assert_true(n > 20);
    img_release(&image);
    enc_close(NULL);
}

/* Texts of both towers and of all lengths, more than one group of them. */
enum { N_MIXED = 60 };

static void make_mixed(char texts[N_MIXED][128])
{
    static const char *const words[] = {"dog ", "cats ", "狗", "red ", "car ", "蓝车"};
    for (size_t i = 0; i < N_MIXED; i++) {
        texts[i][0] = '\0';
        for (size_t w = 0; w <= i % 9; w++) {
            strcat(texts[i], words[(i + w) % (i % 4 == 0 ? 6 : 2)]);
        }
    }
}

static void test_many_texts_at_once_are_as_one_by_one(void **state)
{
    (void)state;
    static char texts[N_MIXED][128];
    static struct enc_tokens tokens[N_MIXED];
    static float vectors[N_MIXED][TINY_DIM];
    const struct enc_tokens *ins[N_MIXED];
    float *outs[N_MIXED];
    struct enc *enc = open_model();
    size_t n_of[2] = {0};
    make_mixed(texts);
    for (size_t i = 0; i < N_MIXED; i++) {
        assert_ok(enc_tokenize(enc, texts[i], strlen(texts[i]), &tokens[i]));
        n_of[tokens[i].tower] += tokens[i].n;
        ins[i] = &tokens[i];
        outs[i] = vectors[i];
    }
    assert_true(n_of[0] > ENC_GROUP_TOKENS && n_of[1] > 0);
    assert_ok(enc_embed_tokens(enc, ins, N_MIXED, outs));
    for (size_t i = 0; i < N_MIXED; i++) {
        float alone[TINY_DIM];
        assert_ok(encode(enc, texts[i], alone));
        assert_memory_equal(vectors[i], alone, sizeof alone);
    }
    assert_ok(enc_embed_tokens(enc, ins, 0, outs));
    enc_close(enc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, write_model, remove_model)
        TEST(test_info_says_what_the_config_says),
        TEST(test_opening_needs_no_file_but_the_config),
        TEST(test_every_broken_or_missing_file_is_named),
        TEST(test_a_file_mended_later_is_used),
        TEST(test_a_head_of_another_size_is_refused),
        TEST(test_a_vocabulary_of_another_size_is_refused),
        TEST(test_weights_that_are_not_finite_give_no_vector),
        TEST(test_vectors_have_unit_length_and_tell_texts_apart),
        TEST(test_any_han_character_chooses_the_chinese_tower),
        TEST(test_truncation_is_reported),
        TEST(test_bad_texts_are_refused),
        TEST(test_preprocessing_squashes_and_normalises),
        TEST(test_a_batch_equals_its_pictures_one_by_one),
        TEST(test_towers_that_are_opened_at_once_need_every_file),
        TEST(test_the_fingerprint_changes_with_any_file),
        TEST(test_a_fingerprint_needs_every_file),
        TEST(test_many_threads_get_the_same_vectors),
        TEST(test_no_memory_at_any_point_is_an_error_without_leaks),
        TEST(test_many_texts_at_once_are_as_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
