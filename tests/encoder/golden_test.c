/*
 * golden_test.c - the default model against its PyTorch original: tests/golden/model,
 * whose README says how it was made. Run from the top of the tree.
 *
 * The vectors were computed in float32 from the very files that are shipped, so only
 * the order of additions differs, and the preprocessing not at all.
 */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "encoder/encoder.h"
#include "encoder/image.h"
#include "encoder/model.h"
#include "encoder/model_path.h"
#include "encoder/tokenizer.h"

#define GOLDEN "tests/golden/model"
#define COSINE_MIN 0.9999

enum { PATH_BYTES_MAX = 4096, STRINGS_MIN = 1000, TEXTS_MIN = 200, IMAGES_MIN = 50 };

static struct enc *enc;
static struct model *model;

static int open_default(void **state)
{
    (void)state;
    struct buf folder;
    buf_init(&folder, PATH_BYTES_MAX);
    assert_ok(enc_find_model("default", &folder));
    assert_ok(enc_open(&enc, folder.data));
    assert_ok(model_open(&model, folder.data));
    buf_release(&folder);
    return 0;
}

static int close_default(void **state)
{
    (void)state;
    enc_close(enc);
    model_close(model);
    return 0;
}

/* A file of JSON lines, read one object at a time. */
struct lines {
    struct buf text;
    size_t at;
    struct json_object *row; /* NULL at the end */
};

static void next_line(struct lines *lines)
{
    json_object_put(lines->row);
    lines->row = NULL;
    if (lines->at < lines->text.size) {
        const char *line = lines->text.data + lines->at;
        size_t n = strcspn(line, "\n");
        assert_ok(json_parse(&lines->row, line, n));
        lines->at += n + 1;
    }
}

static void open_lines(struct lines *lines, const char *path)
{
    *lines = (struct lines){0};
    buf_init(&lines->text, 64 << 20);
    assert_ok(file_read(path, &lines->text));
    next_line(lines);
}

/* The string `key` of the present row, which may hold NULs. */
static const char *line_string(const struct lines *lines, const char *key, size_t *n)
{
    struct json_object *value = json_get(lines->row, key);
    assert_non_null(value);
    *n = (size_t)json_object_get_string_len(value);
    return json_object_get_string(value);
}

static void assert_same_ids(const struct lines *lines, const int32_t *ids, size_t n)
{
    struct json_object *expected = json_get(lines->row, "ids");
    bool same = json_object_array_length(expected) == n;
    for (size_t i = 0; same && i < n; i++) {
        same = json_object_get_int(json_object_array_get_idx(expected, i)) == ids[i];
    }
    if (!same) {
        fail_msg("other ids for %s", json_text(lines->row));
    }
}

/* Returns how many strings there were. */
static size_t compare_tokens(const struct model_text *text)
{
    struct buf path;
    struct lines lines;
    struct tok *tok;
    size_t count = 0;
    buf_init(&path, PATH_BYTES_MAX);
    assert_ok(buf_printf(&path, "%s/tokens-%s.jsonl", GOLDEN, text->language));
    assert_ok(tok_open(&tok, text->tokenizer.path, text->tokenizer.lower_case));
    for (open_lines(&lines, path.data); lines.row != NULL; next_line(&lines)) {
        int32_t ids[LIMIT_TEXT_TOKENS];
        size_t n, n_ids;
        bool truncated;
        const char *string = line_string(&lines, "text", &n);
        assert_ok(
            tok_encode(tok, string, n, ids, text->bert.max_tokens, &n_ids, &truncated));
        assert_same_ids(&lines, ids, n_ids);
        count++;
    }
    tok_close(tok);
    buf_release(&lines.text);
    buf_release(&path);
    return count;
}

static void test_token_ids_equal_those_of_the_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < model->n_texts; i++) {
        assert_true(compare_tokens(&model->texts[i]) >= STRINGS_MIN);
    }
}

/* Maps [n, dim] float32; `n` is known by the lines beside it. */
static void map_vectors(struct file_map *map, const char *path)
{
    assert_ok(file_map_open(map, path, 64 << 20));
    assert_int_equal(map->size % (model->dim * sizeof(float)), 0);
}

/* Vector `i` of the map, which must reach that far. */
static double cosine(const struct file_map *map, size_t i, const float *vector)
{
    double product = 0, squares = 0;
    assert_true((i + 1) * model->dim * sizeof(float) <= map->size);
    const float *expected = (const float *)(const void *)map->data + i * model->dim;
    for (size_t j = 0; j < model->dim; j++) {
        product += (double)expected[j] * vector[j];
        squares += (double)expected[j] * expected[j];
    }
    return product / sqrt(squares);
}

static void check_cosine(double value, const char *what, double *least)
{
    if (!(value >= COSINE_MIN)) {
        fail_msg("cosine %.6f for %s", value, what);
    }
    *least = value < *least ? value : *least;
}

static void test_text_vectors_equal_those_of_the_reference(void **state)
{
    (void)state;
    struct lines lines;
    struct file_map map;
    size_t count = 0;
    double least = 1;
    map_vectors(&map, GOLDEN "/texts.f32");
    for (open_lines(&lines, GOLDEN "/texts.jsonl"); lines.row != NULL; count++) {
        float vector[LIMIT_DIM_MAX];
        struct enc_text_info info;
        size_t n, n_language;
        const char *text = line_string(&lines, "text", &n);
        const char *language = line_string(&lines, "language", &n_language);
        if (strspn(text, " ") == n) { /* the reference has a vector for no words */
            assert_err(enc_text(enc, text, n, vector, &info), ERR_INVALID);
        } else {
            assert_ok(enc_text(enc, text, n, vector, &info));
            assert_string_equal(info.language, language);
            check_cosine(cosine(&map, count, vector), text, &least);
        }
        next_line(&lines);
    }
    assert_int_equal(count * model->dim * sizeof(float), map.size);
    assert_true(count >= TEXTS_MIN);
    print_message("%zu texts, least cosine %.6f\n", count, least);
    buf_release(&lines.text);
    file_map_close(&map);
}

static void encode_file(const char *name, float *vector)
{
    struct buf path, bytes;
    struct img image;
    buf_init(&path, PATH_BYTES_MAX);
    buf_init(&bytes, LIMIT_IMAGE_FILE_BYTES);
    assert_ok(buf_printf(&path, "%s/images/%s", GOLDEN, name));
    assert_ok(file_read(path.data, &bytes));
    assert_ok(img_decode(&image, bytes.data, bytes.size, NULL));
    assert_ok(enc_image(enc, &image, vector));
    img_release(&image);
    buf_release(&bytes);
    buf_release(&path);
}

static void test_picture_vectors_equal_those_of_the_reference(void **state)
{
    (void)state;
    struct lines lines;
    struct file_map map;
    size_t count = 0;
    double least = 1;
    map_vectors(&map, GOLDEN "/images.f32");
    for (open_lines(&lines, GOLDEN "/images.jsonl"); lines.row != NULL; count++) {
        float vector[LIMIT_DIM_MAX];
        size_t n;
        const char *name = line_string(&lines, "file", &n);
        encode_file(name, vector);
        check_cosine(cosine(&map, count, vector), name, &least);
        next_line(&lines);
    }
    assert_int_equal(count * model->dim * sizeof(float), map.size);
    assert_true(count >= IMAGES_MIN);
    print_message("%zu pictures, least cosine %.6f\n", count, least);
    buf_release(&lines.text);
    file_map_close(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_ids_equal_those_of_the_reference),
        cmocka_unit_test(test_text_vectors_equal_those_of_the_reference),
        cmocka_unit_test(test_picture_vectors_equal_those_of_the_reference),
    };
    return cmocka_run_group_tests(tests, open_default, close_default);
}
