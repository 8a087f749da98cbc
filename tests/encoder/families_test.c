/*
 * families_test.c - small models of every family, as they are published, against what
 * transformers and OpenCLIP compute with them: tests/golden/families, whose README says
 * how they were made. Run from the top of the tree.
 *
 * From the file of a picture and from the letters of a text to the vector: decoding,
 * preprocessing, tokenizer and towers are all in it.
 */
#include "tests/test.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "encoder/encoder.h"
#include "encoder/image.h"
#include "encoder/weights.h"

#define FAMILIES "tests/golden/families/"
#define PICTURES "tests/golden/model/images/"

enum { PICTURES_MAX = 100, TEXTS_MAX = 100, PATH_BYTES_MAX = 4096, N_THREADS = 4 };

/* The inputs, in the order of the goldens. */
static struct img pictures[PICTURES_MAX];
static char *texts[TEXTS_MAX];
static size_t n_pictures, n_texts;

static void read_picture(const char *name)
{
    struct buf path, bytes;
    buf_init(&path, PATH_BYTES_MAX);
    buf_init(&bytes, LIMIT_IMAGE_FILE_BYTES);
    assert_true(n_pictures < PICTURES_MAX);
    assert_ok(buf_printf(&path, PICTURES "%s", name));
    assert_ok(file_read(path.data, &bytes));
    assert_ok(img_decode(&pictures[n_pictures++], bytes.data, bytes.size, NULL));
    buf_release(&bytes);
    buf_release(&path);
}

static void keep_text(const char *text)
{
    assert_true(n_texts < TEXTS_MAX);
    texts[n_texts++] = alloc_dup(text);
}

static void for_each_line(const char *path, void (*visit)(const char *line))
{
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    assert_ok(file_read(path, &bytes));
    for (char *line = strtok(bytes.data, "\n"); line != NULL;
         line = strtok(NULL, "\n")) {
        visit(line);
    }
    buf_release(&bytes);
}

static int read_inputs(void **state)
{
    (void)state;
    for_each_line(FAMILIES "pictures.txt", read_picture);
    for_each_line(FAMILIES "texts.txt", keep_text);
    return n_pictures >= 50 && n_texts >= 20 ? 0 : -1;
}

static int release_inputs(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_pictures; i++) {
        img_release(&pictures[i]);
    }
    for (size_t i = 0; i < n_texts; i++) {
        alloc_free(texts[i]);
    }
    return 0;
}

/* One model's vectors, ours and the reference's, each [n, dim]. */
struct family {
    size_t dim;
    float *pictures, *texts;
    struct wt_file *golden;
    const float *golden_pictures, *golden_texts;
};

static void open_golden(struct family *f, const char *name)
{
    char path[PATH_BYTES_MAX];
    const char *const paths[] = {path};
    snprintf(path, sizeof path, FAMILIES "%s/vectors.safetensors", name);
    assert_ok(wt_open(&f->golden, paths, 1));
    assert_ok(wt_vector(f->golden, "images", WT_WHOLE, n_pictures * f->dim,
                        &f->golden_pictures));
    assert_ok(
        wt_vector(f->golden, "texts", WT_WHOLE, n_texts * f->dim, &f->golden_texts));
}

static struct enc *open_model(const char *name)
{
    struct enc *enc;
    char folder[PATH_BYTES_MAX];
    snprintf(folder, sizeof folder, FAMILIES "%s", name);
    assert_ok(enc_open(&enc, folder));
    return enc;
}

static void encode_all(struct family *f, const char *name)
{
    struct enc *enc = open_model(name);
    f->dim = enc_info(enc)->dim;
    f->pictures = alloc_array(n_pictures * f->dim, sizeof *f->pictures);
    f->texts = alloc_array(n_texts * f->dim, sizeof *f->texts);
    for (size_t i = 0; i < n_pictures; i++) {
        assert_ok(enc_image(enc, &pictures[i], f->pictures + i * f->dim));
    }
    for (size_t i = 0; i < n_texts; i++) {
        assert_ok(
            enc_text(enc, texts[i], strlen(texts[i]), f->texts + i * f->dim, NULL));
    }
    enc_close(enc);
}

static void close_family(struct family *f)
{
    wt_close(f->golden);
    alloc_free(f->pictures);
    alloc_free(f->texts);
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)a[i] * b[i];
    }
    return sum;
}

static double least_cosine(const float *a, const float *b, size_t n, size_t dim)
{
    double least = 1;
    for (size_t i = 0; i < n; i++) {
        double cosine = dot(a + i * dim, b + i * dim, dim);
        least = cosine < least ? cosine : least;
        assert_true(isfinite(cosine));
    }
    return least;
}

/* Pictures that the text prefers to picture `i`, ties aside. */
static size_t rank_of(const float *text, const float *of, size_t i, size_t dim,
                      double tie)
{
    size_t rank = 0;
    double score = dot(text, of + i * dim, dim);
    for (size_t j = 0; j < n_pictures; j++) {
        rank += dot(text, of + j * dim, dim) > score + tie;
    }
    return rank;
}

/* For every text, every picture stands where the reference has it; two of which the
 * reference's own scores differ by less than `tie` may stand either way. */
static void check_order(const struct family *f, double tie)
{
    for (size_t t = 0; t < n_texts; t++) {
        const float *ours = f->texts + t * f->dim,
                    *theirs = f->golden_texts + t * f->dim;
        for (size_t i = 0; i < n_pictures; i++) {
            size_t rank = rank_of(ours, f->pictures, i, f->dim, 0);
            size_t first = rank_of(theirs, f->golden_pictures, i, f->dim, tie);
            size_t last = rank_of(theirs, f->golden_pictures, i, f->dim, -tie) - 1;
            if (rank < first || rank > last) {
                fail_msg("\"%s\": picture %zu is at %zu, not %zu to %zu", texts[t], i,
                         rank, first, last);
            }
        }
    }
}

static void check_family(const char *name)
{
    struct family f = {0};
    encode_all(&f, name);
    open_golden(&f, name);
    double p = least_cosine(f.pictures, f.golden_pictures, n_pictures, f.dim);
    double t = least_cosine(f.texts, f.golden_texts, n_texts, f.dim);
    print_message("note: %s: least cosine %.7f of %zu pictures, %.7f of %zu texts\n",
                  name, p, n_pictures, t, n_texts);
    assert_true(p >= 0.99999 && t >= 0.99999);
    check_order(&f, 1e-6);
    close_family(&f);
}

static void test_clip(void **state)
{
    (void)state;
    check_family("clip");
}

/* The first published form, and in shards. */
static void test_clip_old(void **state)
{
    (void)state;
    check_family("clip-old");
}

static void test_open_clip(void **state)
{
    (void)state;
    check_family("open-clip");
    check_family("open-clip-custom");
    check_family("clip-f16-open-clip");
}

static void test_chinese_clip(void **state)
{
    (void)state;
    check_family("chinese-clip");
}

static void test_siglip(void **state)
{
    (void)state;
    check_family("siglip");
    check_family("siglip2");
}

/* The goldens of the stored halves are exact; those of the whole floats within what
 * rounding the weights costs. */
static void check_halves(const char *name, double least)
{
    struct family f = {0};
    check_family(name);
    encode_all(&f, name);
    open_golden(&f, "clip");
    double p = least_cosine(f.pictures, f.golden_pictures, n_pictures, f.dim);
    double t = least_cosine(f.texts, f.golden_texts, n_texts, f.dim);
    print_message("note: %s to float32: %.6f, %.6f\n", name, p, t);
    assert_true(p >= least && t >= least);
    close_family(&f);
}

static void test_clip_in_halves(void **state)
{
    (void)state;
    check_halves("clip-f16", 0.9995);
    check_halves("clip-bf16", 0.99);
}

static void test_float_and_half_share_a_space_and_others_do_not(void **state)
{
    (void)state;
    struct enc *whole = open_model("clip"), *half = open_model("clip-f16"),
               *other = open_model("clip-old");
    assert_string_equal(enc_info(whole)->space, enc_info(half)->space);
    assert_string_not_equal(enc_info(whole)->space, enc_info(other)->space);
    const char *a, *b;
    assert_ok(enc_fingerprint(whole, &a));
    assert_ok(enc_fingerprint(half, &b));
    assert_string_not_equal(a, b);
    enc_close(whole);
    enc_close(half);
    enc_close(other);
}

static void test_both_layouts_of_one_model_share_space_and_vectors(void **state)
{
    (void)state;
    struct enc *whole = open_model("clip"), *other = open_model("clip-f16-open-clip");
    assert_string_equal(enc_info(whole)->space, enc_info(other)->space);
    enc_close(whole);
    enc_close(other);
    struct family f = {0};
    encode_all(&f, "clip-f16-open-clip");
    open_golden(&f, "clip-f16");
    assert_true(least_cosine(f.texts, f.golden_texts, n_texts, f.dim) >= 0.99999);
    close_family(&f);
}

static void test_batches_equal_their_items(void **state)
{
    (void)state;
    static const char *const names[] = {"clip", "open-clip", "chinese-clip", "siglip"};
    for (size_t m = 0; m < sizeof names / sizeof names[0]; m++) {
        struct enc *enc = open_model(names[m]);
        size_t dim = enc_info(enc)->dim, n = n_texts;
        struct enc_tokens *tokens = alloc_array(n, sizeof *tokens);
        const struct enc_tokens *pointers[TEXTS_MAX];
        float *together = alloc_array(n * dim, sizeof *together), *vectors[TEXTS_MAX];
        float *alone = alloc_array(dim, sizeof *alone);
        for (size_t i = 0; i < n; i++) {
            pointers[i] = &tokens[i];
            vectors[i] = together + i * dim;
            assert_ok(enc_tokenize(enc, texts[i], strlen(texts[i]), &tokens[i]));
        }
        assert_ok(enc_embed_tokens(enc, pointers, n, vectors));
        for (size_t i = 0; i < n; i++) {
            assert_ok(enc_text(enc, texts[i], strlen(texts[i]), alone, NULL));
            assert_memory_equal(alone, vectors[i], dim * sizeof *alone);
        }
        alloc_free(tokens);
        alloc_free(together);
        alloc_free(alone);
        enc_close(enc);
    }
}

static void test_picture_batches_equal_their_items(void **state)
{
    (void)state;
    static const char *const names[] = {"clip", "open-clip-custom", "siglip2"};
    for (size_t m = 0; m < sizeof names / sizeof names[0]; m++) {
        struct enc *enc = open_model(names[m]);
        size_t dim = enc_info(enc)->dim, n = n_pictures, n_pixels = enc_n_pixels(enc);
        float *pixels = alloc_array(n * n_pixels, sizeof *pixels);
        const float *pointers[PICTURES_MAX];
        float *together = alloc_array(n * dim, sizeof *together),
              *vectors[PICTURES_MAX];
        float *alone = alloc_array(dim, sizeof *alone);
        for (size_t i = 0; i < n; i++) {
            pointers[i] = pixels + i * n_pixels;
            vectors[i] = together + i * dim;
            assert_ok(enc_preprocess(enc, &pictures[i], pixels + i * n_pixels));
        }
        assert_ok(enc_embed_pixels(enc, pointers, n, vectors));
        for (size_t i = 0; i < n; i++) {
            assert_ok(enc_image(enc, &pictures[i], alone));
            assert_memory_equal(alone, vectors[i], dim * sizeof *alone);
        }
        alloc_free(pixels);
        alloc_free(together);
        alloc_free(alone);
        enc_close(enc);
    }
}

struct worker {
    struct enc *enc;
    float text[64], picture[64];
    enum err result;
};

static void *encode_one_of_each(void *argument)
{
    struct worker *w = argument;
    w->result = enc_text(w->enc, texts[0], strlen(texts[0]), w->text, NULL);
    if (w->result == ERR_OK) {
        w->result = enc_image(w->enc, &pictures[0], w->picture);
    }
    return NULL;
}

/* All of them open the towers at once; under ThreadSanitizer this says more. */
static void test_threads_share_a_model(void **state)
{
    (void)state;
    static const char *const names[] = {"clip-f16-open-clip", "chinese-clip",
                                        "siglip2"};
    for (size_t m = 0; m < sizeof names / sizeof names[0]; m++) {
        struct enc *enc = open_model(names[m]);
        struct worker workers[N_THREADS] = {0};
        pthread_t threads[N_THREADS];
        for (size_t i = 0; i < N_THREADS; i++) {
            workers[i].enc = enc;
            assert_int_equal(
                pthread_create(&threads[i], NULL, encode_one_of_each, &workers[i]), 0);
        }
        for (size_t i = 0; i < N_THREADS; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(workers[i].result, ERR_OK);
            assert_memory_equal(&workers[i], &workers[0], sizeof workers[0]);
        }
        enc_close(enc);
    }
}

static void test_a_sigmoid_is_told_with_its_bias(void **state)
{
    (void)state;
    struct enc *clip = open_model("clip"), *siglip = open_model("siglip");
    assert_false(enc_info(clip)->sigmoid);
    assert_true(fabs(enc_info(clip)->logit_scale - exp(2.5)) < 1e-4);
    assert_true(enc_info(siglip)->sigmoid);
    assert_true(fabs(enc_info(siglip)->logit_bias + 3) < 1e-6);
    enc_close(clip);
    enc_close(siglip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_clip_old),
        cmocka_unit_test(test_clip_in_halves),
        cmocka_unit_test(test_open_clip),
        cmocka_unit_test(test_chinese_clip),
        cmocka_unit_test(test_siglip),
        cmocka_unit_test(test_float_and_half_share_a_space_and_others_do_not),
        cmocka_unit_test(test_both_layouts_of_one_model_share_space_and_vectors),
        cmocka_unit_test(test_batches_equal_their_items),
        cmocka_unit_test(test_picture_batches_equal_their_items),
        cmocka_unit_test(test_threads_share_a_model),
        cmocka_unit_test(test_a_sigmoid_is_told_with_its_bias),
    };
    return cmocka_run_group_tests(tests, read_inputs, release_inputs);
}
