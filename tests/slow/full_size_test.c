/*
 * full_size_test.c - models of the published sizes, end to end: their vectors, and the
 * memory that they take. `make slow` runs it (a few minutes, 3 GB of disk in $TMPDIR).
 *
 * The weights are hashes of their places, so this program writes the very checkpoint
 * that tests/golden/full/make.py ran through transformers; the README there says more.
 */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "encoder/encoder.h"
#include "encoder/image.h"
#include "encoder/weights.h"

#define FULL "tests/golden/full/"
#define FAMILIES "tests/golden/families/"
#define PICTURES "tests/golden/model/images/"

enum {
    N_PICTURES = 8,
    N_TEXTS = 12,
    TENSORS_MAX = 2000,
    PATH_BYTES_MAX = 4096,
    SMALL_FILE_BYTES_MAX = 1 << 24
};

static char folder[PATH_BYTES_MAX];

/* The checkpoint. */

struct tensor {
    char name[200];
    size_t shape[4];
    size_t rank;
    size_t n;
};

static struct tensor tensors[TENSORS_MAX];
static size_t n_tensors;

static void read_small_file(struct buf *bytes, const char *path)
{
    buf_init(bytes, SMALL_FILE_BYTES_MAX);
    assert_ok(file_read(path, bytes));
}

static void read_tensors(const char *model)
{
    char path[PATH_BYTES_MAX], *rest;
    struct buf bytes;
    snprintf(path, sizeof path, FULL "%s/tensors.txt", model);
    read_small_file(&bytes, path);
    n_tensors = 0;
    for (char *line = strtok_r(bytes.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        struct tensor *t = &tensors[n_tensors++];
        char *word, *name = strtok_r(line, " ", &word);
        *t = (struct tensor){.n = 1};
        snprintf(t->name, sizeof t->name, "%s", name);
        for (char *n = strtok_r(NULL, " ", &word); n != NULL;
             n = strtok_r(NULL, " ", &word)) {
            t->shape[t->rank] = strtoul(n, NULL, 10);
            t->n *= t->shape[t->rank++];
        }
    }
    assert_in_range(n_tensors, 100, TENSORS_MAX);
    buf_release(&bytes);
}

static bool has(const struct tensor *t, const char *word)
{
    return strcasestr(t->name, word) != NULL;
}

/* MurmurHash3's finalizer, as make.py has it. */
static float hashed(uint32_t i, uint32_t seed)
{
    uint32_t x = i + seed * 2654435761u;
    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    x ^= x >> 16;
    return (float)(x >> 8) / (float)(1 << 23) - 1.0f;
}

/* What a weight is made of its hash: add + scale * hash. */
static void scale_of(const struct tensor *t, float *add, float *scale)
{
    bool norm = has(t, "norm");
    *add = 0.0f;
    *scale = 0.5f;
    if (has(t, "logit")) {
        *add = has(t, "bias") ? -3.0f : 2.5f;
        *scale = 0.0f;
    } else if (norm && has(t, ".weight")) {
        *add = 1.0f;
    } else if (!norm && t->rank >= 2 && !has(t, "embed") && !has(t, "probe")) {
        *scale = (float)(2.0 / sqrt((double)(t->n / t->shape[0])));
    }
}

__extension__ typedef _Float16 half;

/* How a checkpoint stores its weights: floats, halves (rounded to even), or int8 with a
 * scale a row, as Duet's own models have it; there vectors stay floats. */
enum form { F32, F16, I8 };

static const char *const form_names[] = {"float32", "float16", "int8"};

static bool is_int8(const struct tensor *t, enum form form)
{
    return form == I8 && t->rank >= 2 && has(t, ".weight");
}

/* Numbers of one row, which is the most that is made at once. */
static size_t row_of(const struct tensor *t)
{
    return t->rank >= 2 ? t->n / t->shape[0] : t->n;
}

static float largest(const float *x, size_t n)
{
    float most = 1e-9f;
    for (size_t i = 0; i < n; i++) {
        most = fmaxf(most, fabsf(x[i]));
    }
    return most;
}

/* One row in its form; `scale` is where an int8 one's goes. */
static void write_row(FILE *file, enum form form, const float *row, size_t n,
                      float *scale)
{
    enum { ROW_MAX = 1 << 14 };
    half halves[ROW_MAX];
    int8_t bytes[ROW_MAX];
    assert_in_range(n, 1, ROW_MAX);
    *scale = largest(row, n) / 127.0f;
    for (size_t i = 0; i < n; i++) {
        halves[i] = (half)row[i];
        bytes[i] = (int8_t)lrintf(row[i] / *scale);
    }
    const void *data = form == F32   ? (const void *)row
                       : form == F16 ? (const void *)halves
                                     : (const void *)bytes;
    size_t size = form == F32 ? 4 : form == F16 ? 2 : 1;
    assert_int_equal(fwrite(data, size, n, file), n);
}

static void write_tensor(FILE *file, size_t number, enum form form)
{
    const struct tensor *t = &tensors[number];
    size_t n = row_of(t), n_rows = t->n / n;
    float add, scale;
    float *row = alloc_array(n, sizeof *row),
          *scales = alloc_array(n_rows, sizeof *scales);
    scale_of(t, &add, &scale);
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t i = 0; i < n; i++) {
            row[i] = add + scale * hashed((uint32_t)(r * n + i), (uint32_t)number);
        }
        write_row(file,
                  is_int8(t, form) ? I8
                  : form == I8     ? F32
                                   : form,
                  row, n, &scales[r]);
    }
    if (is_int8(t, form)) {
        assert_int_equal(fwrite(scales, sizeof *scales, n_rows, file), n_rows);
    }
    alloc_free(row);
    alloc_free(scales);
}

/* The tensor's entry and, of an int8 one, that of its scales; *at moves behind them. */
static void describe_tensor(struct buf *header, const struct tensor *t, enum form form,
                            size_t *at)
{
    bool bytes = is_int8(t, form);
    size_t size = bytes ? 1 : form == F16 ? 2 : 4, end = *at + t->n * size;
    assert_ok(buf_printf(header, "%c\"%s\":{\"dtype\":\"%s\",\"shape\":[",
                         header->size == 0 ? '{' : ',', t->name,
                         bytes         ? "I8"
                         : form == F16 ? "F16"
                                       : "F32"));
    for (size_t d = 0; d < t->rank; d++) {
        assert_ok(buf_printf(header, "%s%zu", d == 0 ? "" : ",", t->shape[d]));
    }
    assert_ok(buf_printf(header, "],\"data_offsets\":[%zu,%zu]}", *at, end));
    *at = end;
    if (bytes) {
        end += t->shape[0] * sizeof(float);
        assert_ok(buf_printf(header,
                             ",\"%.*s.scale\":{\"dtype\":\"F32\",\"shape\":[%zu],"
                             "\"data_offsets\":[%zu,%zu]}",
                             (int)(strlen(t->name) - strlen(".weight")), t->name,
                             t->shape[0], *at, end));
        *at = end;
    }
}

static void write_weights(enum form form)
{
    struct buf header;
    char path[PATH_BYTES_MAX + 32];
    size_t at = 0;
    buf_init(&header, SMALL_FILE_BYTES_MAX);
    for (size_t i = 0; i < n_tensors; i++) {
        describe_tensor(&header, &tensors[i], form, &at);
    }
    assert_ok(buf_printf(&header, "}"));
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    uint64_t length = header.size;
    fwrite(&length, sizeof length, 1, file);
    fwrite(header.data, 1, header.size, file);
    for (size_t i = 0; i < n_tensors; i++) {
        write_tensor(file, i, form);
    }
    assert_int_equal(fclose(file), 0);
    buf_release(&header);
}

/* The folder. */

static void copy_file(const char *from_folder, const char *name)
{
    char from[PATH_BYTES_MAX], to[PATH_BYTES_MAX + 64];
    struct buf bytes;
    snprintf(from, sizeof from, "%s/%s", from_folder, name);
    if (access(from, F_OK) != 0) {
        return;
    }
    snprintf(to, sizeof to, "%s/%s", folder, name);
    read_small_file(&bytes, from);
    assert_ok(file_write_unsynced(to, bytes.data, bytes.size));
    buf_release(&bytes);
}

static void remove_model(void)
{
    static const char *const names[] = {
        "config.json",    "preprocessor_config.json", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",    "vocab.txt"};
    char path[PATH_BYTES_MAX + 64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
}

static void make_model(const char *model, enum form form)
{
    char path[PATH_BYTES_MAX], tokenizer[PATH_BYTES_MAX];
    struct buf name;
    remove_model();
    snprintf(path, sizeof path, FULL "%s", model);
    copy_file(path, "config.json");
    copy_file(path, "preprocessor_config.json");
    snprintf(path, sizeof path, FULL "%s/tokenizer", model);
    read_small_file(&name, path);
    snprintf(tokenizer, sizeof tokenizer, FAMILIES "%.*s",
             (int)strcspn(name.data, "\n"), name.data);
    copy_file(tokenizer, "tokenizer.json");
    copy_file(tokenizer, "tokenizer_config.json");
    copy_file(tokenizer, "vocab.txt");
    buf_release(&name);
    read_tensors(model);
    write_weights(form);
}

static int make_folder(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/duet-full-XXXXXX", tmp != NULL ? tmp : "/tmp");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    remove_model();
    return rmdir(folder);
}

/* The vectors. */

struct golden {
    struct wt_file *file;
    const float *images, *texts;
};

static void open_golden(struct golden *g, const char *model, size_t dim)
{
    char path[PATH_BYTES_MAX];
    const char *const paths[] = {path};
    snprintf(path, sizeof path, FULL "%s/vectors.safetensors", model);
    assert_ok(wt_open(&g->file, paths, 1));
    assert_ok(wt_vector(g->file, "images", WT_WHOLE, N_PICTURES * dim, &g->images));
    assert_ok(wt_vector(g->file, "texts", WT_WHOLE, N_TEXTS * dim, &g->texts));
}

static double cosine(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)a[i] * b[i];
    }
    return sum;
}

static void lower(double *least, double value)
{
    *least = value < *least ? value : *least;
}

/* Line `i` of the file, without its end. */
static const char *line_of(struct buf *bytes, size_t i, size_t *n)
{
    const char *line = bytes->data;
    for (; i > 0; i--) {
        line = strchr(line, '\n') + 1;
    }
    *n = strcspn(line, "\n");
    return line;
}

static double check_pictures(struct enc *enc, const float *expected)
{
    size_t dim = enc_info(enc)->dim, n;
    double least = 1;
    float vector[LIMIT_DIM_MAX];
    struct buf names, bytes;
    read_small_file(&names, FAMILIES "pictures.txt");
    for (size_t i = 0; i < N_PICTURES; i++) {
        struct img image;
        char path[PATH_BYTES_MAX];
        const char *name = line_of(&names, i, &n);
        snprintf(path, sizeof path, PICTURES "%.*s", (int)n, name);
        read_small_file(&bytes, path);
        assert_ok(img_decode(&image, bytes.data, bytes.size, NULL));
        assert_ok(enc_image(enc, &image, vector));
        lower(&least, cosine(vector, expected + i * dim, dim));
        img_release(&image);
        buf_release(&bytes);
    }
    buf_release(&names);
    return least;
}

static double check_texts(struct enc *enc, const float *expected)
{
    size_t dim = enc_info(enc)->dim, n;
    double least = 1;
    float vector[LIMIT_DIM_MAX];
    struct buf texts;
    read_small_file(&texts, FAMILIES "texts.txt");
    for (size_t i = 0; i < N_TEXTS; i++) {
        const char *text = line_of(&texts, i, &n);
        assert_ok(enc_text(enc, text, n, vector, NULL));
        lower(&least, cosine(vector, expected + i * dim, dim));
    }
    buf_release(&texts);
    return least;
}

/* The memory. */

/* "RssAnon:" and so on of this process, in MiB. */
static double memory_mib(const char *key)
{
    char line[256];
    double value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            value = strtod(line + strlen(key), NULL) / 1024;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return value;
}

struct outcome {
    double pictures, texts; /* least cosines */
    double rss, anonymous;  /* MiB, with both towers used */
};

/* What this program does when it is called with a model's name and its folder: prints
 * the outcome. Outside of a test a failed assertion ends the process. */
static int use_model(const char *model, const char *model_folder)
{
    struct enc *enc;
    struct golden golden;
    assert_ok(enc_open(&enc, model_folder));
    open_golden(&golden, model, enc_info(enc)->dim);
    double p = check_pictures(enc, golden.images), t = check_texts(enc, golden.texts);
    printf("%.9f %.9f %.1f %.1f\n", p, t, memory_mib("VmRSS:"), memory_mib("RssAnon:"));
    wt_close(golden.file);
    enc_close(enc);
    return 0;
}

/* In a process of its own, whose memory is the model's. */
static struct outcome check_model(const char *model, enum form form, double least)
{
    struct outcome o = {0};
    char command[2 * PATH_BYTES_MAX], self[PATH_BYTES_MAX] = "";
    make_model(model, form);
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    snprintf(command, sizeof command, "'%s' '%s' '%s'", self, model, folder);
    FILE *child = popen(command, "r");
    assert_non_null(child);
    int n =
        fscanf(child, "%lf %lf %lf %lf", &o.pictures, &o.texts, &o.rss, &o.anonymous);
    assert_int_equal(pclose(child), 0);
    assert_int_equal(n, 4);
    print_message("note: %s, %s: least cosine %.7f of pictures, %.7f of texts; "
                  "RSS %.0f MiB, of it %.0f anonymous\n",
                  model, form_names[form], o.pictures, o.texts, o.rss, o.anonymous);
    assert_true(o.pictures >= least && o.texts >= least);
    return o;
}

static void test_clip_vit_b32(void **state)
{
    (void)state;
    struct outcome whole = check_model("clip-vit-base-patch32", F32, 0.99999);
    assert_true(whole.anonymous < 150);
    struct outcome halves = check_model("clip-vit-base-patch32", F16, 0.9995);
    assert_true(halves.rss < 400);
    struct outcome bytes = check_model("clip-vit-base-patch32", I8, 0.99);
    assert_true(bytes.rss < 400);
}

static void test_clip_vit_l14_336(void **state)
{
    (void)state;
    struct outcome o = check_model("clip-vit-large-patch14-336", F32, 0.99999);
    assert_true(o.anonymous < 150);
}

static void test_chinese_clip(void **state)
{
    (void)state;
    struct outcome o = check_model("chinese-clip-vit-base-patch16", F32, 0.99999);
    assert_true(o.anonymous < 150);
}

static void test_siglip(void **state)
{
    (void)state;
    struct outcome o = check_model("siglip-base-patch16-224", F32, 0.99999);
    assert_true(o.anonymous < 150);
}

static void test_siglip2(void **state)
{
    (void)state;
    struct outcome o = check_model("siglip2-base-patch16-256", F32, 0.99999);
    assert_true(o.anonymous < 150);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        return use_model(argv[1], argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip_vit_b32), cmocka_unit_test(test_clip_vit_l14_336),
        cmocka_unit_test(test_chinese_clip), cmocka_unit_test(test_siglip),
        cmocka_unit_test(test_siglip2),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
